"""kill -9 of a rank, of all, or of mpirun at random moments of a run, most of them while a checkpoint is
written; then --resume on other numbers of ranks, killed again, until it is done.  Right is: the weights and
losses of a run that nobody killed, no checkpoint lost or half-written, no whole one passed over."""
import os
import signal

from inputs import config, dataset, losses, reference, train
from jobs import DONE, MARGIN, PASSED, Job, Lost, half_written, hash_of, run, same, steps

LONG = 140  # runs; some 300 kills
KEEP = 2


def prepare(work):
    data = dataset(work, "data", 230, "--validation", "0.2")
    path = config(work, "run", data, units=200, epochs=12, every=1, keep=KEEP, more="early_stopping: {patience: 100}\n")
    whole = reference(work, path, "whole")
    together = reference(work, path, "together", ranks=3)
    same("weights on 3 ranks", together["hash"], whole["hash"])
    return {"config": path, "whole": whole, "seconds": {1: whole["seconds"], 3: together["seconds"]}}


def writing(folder):
    """Whether a checkpoint is being written."""
    return any(name.endswith(".tmp") for name in half_written(os.path.join(folder, "run/checkpoints")))


def until_moment(job, shared, draw, folder):
    """The moment of a kill: any, or one at which a checkpoint is written, or the end, between the last network
    and the summary; False when the run ends before."""
    kind = draw.choice(("any", "any", "writing", "writing", "writing", "writing", "end"))
    if kind == "end":
        return job.until(lambda: os.path.exists(folder + "/run/checkpoints/final.h5"), pause=0.0001)
    if kind == "any":
        moment = draw.uniform(0, 1.1 * shared["seconds"][1 if job.ranks == 1 else 3])
        return job.until(lambda: job.seconds() > moment)
    later = draw.randrange(12)  # saves from now
    newest, seen = (steps(folder + "/run") or [""])[-1], 0

    def moved_on():
        nonlocal newest, seen
        now = (steps(folder + "/run") or [""])[-1]
        seen += now != newest
        newest = now
        return seen >= later
    return job.until(moved_on) and job.until(lambda: writing(folder))


def victims(job, draw):
    ranks = job.processes()
    if job.ranks == 1 or not ranks:
        return "all", list(job.members())
    who = draw.choice(("all", "a rank", "mpirun"))
    if who == "all":
        return who, list(job.members())
    return who, [job.process.pid] if who == "mpirun" else [draw.choice(list(ranks.values()))]


def kill(job, shared, draw, folder, seen):
    """One kill; False when the run was done before."""
    if not until_moment(job, shared, draw, folder):
        job.wait()
        job.judge(DONE)
        return False
    who, pids = victims(job, draw)
    job.send(signal.SIGKILL, pids)
    wrote = writing(folder)
    before = steps(folder + "/run")
    job.wait(2 * MARGIN)  # whoever is left notices
    seen["kills"] = seen.get("kills", 0) + 1
    seen["of " + who] = seen.get("of " + who, 0) + 1
    if wrote:
        seen["while a checkpoint was written"] = seen.get("while a checkpoint was written", 0) + 1
    failures, _ = job.lines()
    if len(failures) > 1:
        job.lost("more lines than one")
    if len(steps(folder + "/run")) < len(before[:KEEP]):
        job.lost(f"checkpoints {steps(folder + '/run')}, were {before}")
    return True


def whole_or_none(job):
    """A kill leaves no damaged checkpoint: --resume passes over none."""
    if any(PASSED.search(line) for line in job.lines()[1]):
        job.lost("a checkpoint was passed over")


def case(shared, draw, folder, seed):
    seen = {}
    for _ in range(draw.randint(2, 5)):
        ranks = draw.choice((1, 1, 2, 3))
        job = Job(folder, train(shared["config"], "--resume"), ranks=ranks, name=f"killed-{seen.get('kills', 0)}")
        goes_on = kill(job, shared, draw, folder, seen)
        whole_or_none(job)
        if not goes_on:
            break
    job = run(folder, train(shared["config"], "--resume"), ranks=draw.choice((1, 1, 2, 3)), name="last")
    whole_or_none(job)
    same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
    if losses(folder + "/run") != shared["whole"]["losses"]:
        raise Lost("other lines in metrics.jsonl than those of a run that nobody killed")
    same("left behind", half_written(folder + "/run"), [])
    same("checkpoints", len(steps(folder + "/run")), KEEP)
    seen["runs"] = 1
    return seen
