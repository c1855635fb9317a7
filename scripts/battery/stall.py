"""One rank is stopped (SIGSTOP) at any phase, from the end of MPI_Init to its own end, in train, evaluate and
predict.  Right is: within the watchdog the others name it in one line, with exit code 5, and take the job
down; then --resume comes to the weights of a run that nobody disturbed."""
import os
import signal

from inputs import config, dataset, losses, reference, train
from jobs import DONE, LOST, MARGIN, Job, Lost, files, half_written, hash_of, run, same

LONG = 50
WORKERS = 6  # they mostly wait
WATCHDOG = 3
# By MPI's own handlers nobody can tell when it has started; with none but for SIGABRT (6), SIGSEGV is caught
# from when the program has its crash guard in place, right behind MPI_Init.
HANDLERS = {"OMPI_MCA_opal_signal": "6"}
SEGV = 1 << (signal.SIGSEGV - 1)


def prepare(work):
    data = dataset(work, "data", 2000, "--validation", "0.2", "--test", "0.2")
    large = dataset(work, "large", 60000, "--test", "0.9")
    path = config(work, "run", data, units=300, epochs=2, every=8, watchdog=WATCHDOG)
    shared = {"config": path, "large": large, "whole": reference(work, path, "whole"),
              "trained": os.path.join(work, "whole")}
    started = phases_of(work, train(path, "output=timed"))
    scoring = phases_of(work, scores(shared))
    shared["seconds"] = {"train": started, "evaluate": scoring, "predict": scoring}
    return shared


def scores(shared):
    return ["evaluate", shared["trained"], "--data", shared["large"], "--json"]


def phases_of(work, command):
    """Seconds from the end of MPI_Init to the end, on 3 ranks."""
    job = Job(work, command, ranks=3, name="timed", **HANDLERS)
    job.until(lambda: initialized(job.processes().get(0)), pause=0.005)
    begun = job.seconds()
    job.wait()
    job.judge(DONE)
    return job.seconds() - begun


def initialized(pid):
    """Whether MPI_Init is behind this process."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("SigCgt:"):
                    return int(line.split()[1], 16) & SEGV != 0
    except OSError:
        pass
    return False


def exists(folder, *names):
    return lambda: any(os.path.exists(os.path.join(folder, "run", name)) for name in names)


def writing(folder):
    return lambda: any("step-" in name for name in half_written(os.path.join(folder, "run")))


def moments(shared, draw, folder, kind, job):
    """The moment at which a rank is stopped: a name, and whether it has come."""
    after = draw.uniform(0, 1.1 * shared["seconds"][kind])
    names = ["any", "any", "start"]
    tests = {"any": lambda begun: job.seconds() - begun > after, "start": lambda begun: True}
    if kind == "train":
        names += ["any", "metrics", "writing", "final", "summary"]
        tests["metrics"] = lambda begun: exists(folder, "metrics.jsonl")()
        tests["writing"] = lambda begun: writing(folder)()
        tests["final"] = lambda begun: exists(folder, "checkpoints/final.h5")()
        tests["summary"] = lambda begun: exists(folder, "summary.json")()
    name = draw.choice(names)
    return name, tests[name]


def stopped(pid):
    """Whether a process has come to a stop; None where it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            state = file.read().rpartition(")")[2].split()[0]
    except OSError:
        return None
    return None if state in "ZX" else state == "T"


def stop_one(job, rank, test):
    """Stops a rank at the moment of test; its process, or None where the job has ended before."""
    victim = None

    def is_there():
        nonlocal victim
        victim = job.processes().get(rank)
        return victim is not None and initialized(victim)
    if not job.until(is_there, pause=0.005):
        return None
    begun = job.seconds()
    if not job.until(lambda: test(begun)) or not job.send(signal.SIGSTOP, [victim]):
        return None
    job.until(lambda: stopped(victim) is not False)
    return victim if stopped(victim) else None


def case(shared, draw, folder, seed):
    kind = ("train", "train", "evaluate", "train", "predict")[seed % 5]
    command = {"train": train(shared["config"], "output=run"), "evaluate": scores(shared),
               "predict": ["predict", shared["trained"], "--data", shared["large"], "-o", "out.h5"]}[kind]
    job = Job(folder, command, ranks=draw.choice((2, 3)), **HANDLERS)
    name, test = moments(shared, draw, folder, kind, job)
    rank = draw.randrange(job.ranks)
    job.words += f", rank {rank} stopped at: {name}"
    victim = stop_one(job, rank, test)
    begun = job.seconds()
    late = victim is None
    while not late and not job.ended() and job.seconds() - begun < WATCHDOG + MARGIN:
        others = [pid for pid in job.processes().values() if pid != victim]
        if not others and stopped(victim):  # they have done all their work: so had this one
            job.send(signal.SIGCONT, [victim])
            late = True
        job.until(lambda: False, limit=0.1, pause=0.1)
    job.wait(MARGIN if late else max(1, WATCHDOG + MARGIN - (job.seconds() - begun)))
    job.judge(DONE if late else LOST)
    if late and kind == "train":
        same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
    if kind == "train":
        run(folder, train(shared["config"], "output=run", "watchdog=600", "--resume"), name="resumed",
            ranks=draw.choice((1, 1, 2, 3)))
        same("weights after the resume", hash_of(folder + "/run"), shared["whole"]["hash"])
        if losses(folder + "/run") != shared["whole"]["losses"]:
            raise Lost("other lines in metrics.jsonl")
        same("left behind", half_written(folder + "/run"), [])
    elif "out.h5" in files(folder) and not late:
        run(folder, ["inspect", "out.h5"], name="inspect")
    return {f"{kind}, {'too late' if late else name}": 1}
