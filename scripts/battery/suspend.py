"""A whole job is stopped for longer than its watchdog, mpirun and all ranks as a batch system does it, and
goes on.  Right is: exit code 0, no line, the weights of a run that was not stopped."""
import signal
import time

import stall
from inputs import losses, train
from jobs import DONE, Job, Lost, hash_of, run, same

LONG = 20
WORKERS = 5  # they mostly wait
# Open MPI 4's mpirun, woken, now and then takes a rank that it had not yet noted as started for one that failed.
MISCOUNTED = "with PID 0 on"


def prepare(work):
    shared = stall.prepare(work)
    shared["score"] = run(work, stall.scores(shared), name="score").result()
    return shared


def suspend(job, draw):
    """All processes at once, or nearly so, and after more than the watchdog they go on."""
    everybody = list(job.members())
    draw.shuffle(everybody)
    job.send(signal.SIGSTOP, everybody)
    time.sleep(stall.WATCHDOG + draw.uniform(0.5, 2))
    draw.shuffle(everybody)
    for pid in everybody:
        job.send(signal.SIGCONT, [pid])
        time.sleep(draw.choice((0, 0, 0.02)))


def case(shared, draw, folder, seed):
    kind = ("train", "train", "train", "evaluate", "train")[seed % 5]
    command = train(shared["config"], "output=run") if kind == "train" else stall.scores(shared)
    job = Job(folder, command, ranks=draw.choice((2, 3)), **stall.HANDLERS)
    times = 0
    for _ in range(draw.choice((1, 1, 2))):
        after = draw.uniform(0, 0.9 * shared["seconds"][kind])
        if not job.until(lambda: sum(map(stall.initialized, job.processes().values())) == job.ranks, pause=0.005):
            break
        begun = job.seconds()
        if not job.until(lambda: job.seconds() - begun > after):
            break
        suspend(job, draw)
        times += 1
    job.wait()
    if job.code == 1 and not job.lines()[0] and MISCOUNTED in job.printed():
        return {"mpirun lost count": 1}
    job.judge(DONE)
    if job.lines()[0]:
        job.lost("a line")
    if kind == "train":
        same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
        if losses(folder + "/run") != shared["whole"]["losses"]:
            raise Lost("other lines in metrics.jsonl")
    elif job.result() != shared["score"]:
        job.lost("another result")
    return {kind: 1, "suspensions": times}
