"""kill -9 of a rank, of all, or of mpirun at random moments of a run, most of them while a checkpoint is
written; then --resume on other numbers of ranks, killed again, until it is done.  Right is: the weights and
losses of a run that nobody killed, no checkpoint lost or half-written, no whole one passed over.  Between kills
the newest of two checkpoints is damaged now and then: then the one before is taken, to the same end."""
import os
import signal

from damage import spoil
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
    if len(steps(folder + "/run")) + len(aside(folder)) < len(before[:KEEP]):
        job.lost(f"checkpoints {steps(folder + '/run')}, were {before}")
    return True


def aside(folder):
    """What a resume has set aside."""
    names = os.listdir(folder + "/run/checkpoints") if os.path.isdir(folder + "/run/checkpoints") else []
    return [name for name in names if ".h5.damaged" in name]


def clear(folder):
    for name in aside(folder):
        os.unlink(os.path.join(folder, "run/checkpoints", name))


def damaged(draw, folder, seen):
    """Sometimes damages the newest checkpoint, where there is another; what it is called, or None."""
    names = steps(folder + "/run")
    if len(names) < 2 or draw.random() < 0.6:
        return None
    spoil(os.path.join(folder, "run/checkpoints", names[-1]), draw)
    seen["newest damaged"] = seen.get("newest damaged", 0) + 1
    return names[-1]


def check_passed(job, bad):
    """A kill leaves no damaged checkpoint: --resume passes over none but the one that was damaged here."""
    passed = [line for line in job.lines()[1] if PASSED.search(line)]
    if any(bad is None or bad not in line for line in passed):
        job.lost("a checkpoint was passed over")
    return len(passed) > 0


def case(shared, draw, folder, seed):
    seen, bad = {}, None
    for _ in range(draw.randint(2, 5)):
        ranks = draw.choice((1, 1, 2, 3))
        job = Job(folder, train(shared["config"], "--resume"), ranks=ranks, name=f"killed-{seen.get('kills', 0)}")
        goes_on = kill(job, shared, draw, folder, seen)
        check_passed(job, bad)
        if not goes_on:
            bad = None
            break
        if bad is None or any(name.startswith(bad) for name in aside(folder)):
            clear(folder)
            bad = damaged(draw, folder, seen)
    job = run(folder, train(shared["config"], "--resume"), ranks=draw.choice((1, 1, 2, 3)), name="last")
    if not check_passed(job, bad) and bad is not None:
        job.lost(f"{bad} was damaged, and nothing is said of it")
    same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
    if losses(folder + "/run") != shared["whole"]["losses"]:
        raise Lost("other lines in metrics.jsonl than those of a run that nobody killed")
    same("left behind", half_written(folder + "/run"), [])
    same("checkpoints", len(steps(folder + "/run")), KEEP)
    seen["runs"] = 1
    return seen
