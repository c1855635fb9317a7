"""Two commands at a time on the same files.  Right is, for each: the result of one state that the files
had, or one line; what is there in the end is whole and is one of the two, never a mixture."""
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

from inputs import config, dataset, losses, reference, train
from jobs import BAD, DONE, FAILED, USAGE, Job, Lost, half_written, hash_of, run, same, steps

LONG = 110
SEEDS = (2, 3)  # of two runs into one directory
EPOCHS = 4


def prepare(work):
    data = dataset(work, "data", 400, "--validation", "0.2", "--test", "0.2")
    other = dataset(work, "other", 400, "--validation", "0.2", "--test", "0.2", seed=9)
    path = config(work, "run", data, units=100, epochs=EPOCHS, every=1, keep=3)
    shared = {"config": path, "data": data, "tables": [os.path.join(work, name + ".csv") for name in ("data", "other")],
              "whole": reference(work, path, "whole"), "trained": os.path.join(work, "whole"),
              "seeds": {seed: reference(work, path, f"seed-{seed}", overrides=(f"train.seed={seed}",))["hash"]
                        for seed in SEEDS},
              "on": [reference(work, path, f"on-{k}", overrides=(f"data.file={one}",))["hash"]
                     for k, one in enumerate((data, other))]}
    # What evaluate says of each step's checkpoint, and of the end, of this run and of one that is given more to do.
    run(work, train(path, "output=every", f"train.epochs={EPOCHS + 1}", "checkpoint.keep=1000"), name="every")

    def score(of):
        return run(work, ["evaluate", of, "--json"], name="score-" + os.path.basename(of)).result()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        scores = pool.map(score, ["every/checkpoints/" + name for name in steps(work + "/every")])
        shared["scores"] = {score("whole"), score("every"), *scores}
    shared["score of seed"] = {seed: score(f"seed-{seed}") for seed in SEEDS}
    return shared


def until_saved(job, folder, n=1):
    """Until the run has saved n times, or has ended."""
    job.until(lambda: len(steps(folder + "/run")) >= n)


def finished(shared, folder, job, name="run"):
    """A run that nobody may have disturbed."""
    job.wait()
    job.judge(DONE)
    same("weights", hash_of(os.path.join(folder, name)), shared["whole"]["hash"])
    same("losses", losses(os.path.join(folder, name)) == shared["whole"]["losses"], True)
    same("left behind", half_written(os.path.join(folder, name)), [])


def nothing_yet(job):
    """Refused, because there is no checkpoint: never called damaged."""
    if "damaged" in job.printed() or "truncated" in job.printed():
        job.lost("a whole file is called damaged")


def evaluate_training(shared, draw, folder):
    """The run is scored while it saves and prunes at every step."""
    training = Job(folder, train(shared["config"], f"checkpoint.keep={draw.choice((1, 1, 2, 3))}"),
                   ranks=draw.choice((1, 2)), name="train")
    until_saved(training, folder)
    for k in range(draw.randint(2, 5)):
        job = Job(folder, ["evaluate", "run", "--json"], ranks=draw.choice((1, 1, 2, 3)), name=f"evaluate-{k}")
        job.wait()
        if job.judge(DONE, FAILED, BAD) == DONE and job.result() not in shared["scores"]:
            job.lost(f"the score of no checkpoint: {job.result()[:200]}")
        nothing_yet(job)
        if job.code != DONE:
            job.lost("there was a checkpoint")
    finished(shared, folder, training)


def read_training(shared, draw, folder):
    """Predictions, a look, and pictures of the run while it trains."""
    training = Job(folder, train(shared["config"]), name="train")
    until_saved(training, folder)
    for k in range(3):
        newest = (steps(folder + "/run") or ["step-000000000001.h5"])[-1]
        command = draw.choice((["predict", "run", "-o", f"out-{k}.h5"],
                               ["inspect", f"run/checkpoints/{newest}", "--json"], ["plot", "run"], ["plot", "run"]))
        job = Job(folder, command, name=f"{command[0]}-{k}", PATH=no_gnuplot(folder))
        job.wait()
        gone = command[0] == "inspect" and "No such file" in job.printed()  # pruned in between: so it is said
        drawn = command[0] == "plot" and "there is no gnuplot here" in job.printed()  # all of it but that
        job.judge(*((FAILED, BAD) if gone else (FAILED,) if drawn else (DONE, USAGE) if command[0] == "plot" else (DONE,)))
        nothing_yet(job)
        if command[0] == "predict":
            run(folder, ["inspect", command[-1]], name="inspect")
    finished(shared, folder, training)


def no_gnuplot(folder):
    """Pictures take seconds to draw, and gnuplot is not what is tried here."""
    empty = os.path.join(folder, "bin")
    if not os.path.exists(empty):
        os.mkdir(empty)
        for name in ("bash", "sh"):
            os.symlink(shutil.which(name), os.path.join(empty, name))
    return empty


def side_by_side(draw, *starts):
    """Starts jobs within a moment of each other, and waits for all."""
    jobs = []
    for start in starts:
        jobs.append(start())
        time.sleep(draw.choice((0, 0, 0.01, 0.05, 0.2, 0.5)))
    for job in jobs:
        job.wait()
    return jobs


def two_runs(shared, draw, folder):
    """Two runs with other seeds into one directory: each comes to its own end there or in a directory that
    was moved aside, or is refused; never a mixture."""
    jobs = side_by_side(draw, *[
        lambda seed=seed: Job(folder, train(shared["config"], f"train.seed={seed}"), ranks=draw.choice((1, 1, 2)),
                              name=f"seed-{seed}") for seed in SEEDS])
    codes = [job.judge(DONE, FAILED, USAGE) for job in jobs]
    if DONE not in codes:
        jobs[0].lost(f"neither run is done: codes {codes}; the other: {jobs[1].printed()[:300]}")
    ends = {hash_of(os.path.join(folder, name)): name for name in os.listdir(folder) if name.startswith("run")}
    for seed, code in zip(SEEDS, codes):
        wanted = shared["seeds"][seed]
        if code == DONE and wanted not in ends:
            raise Lost(f"the run with seed {seed} ended with code 0, and its result is nowhere: {ends}")
        if code == DONE:
            score = run(folder, ["evaluate", ends[wanted], "--json"], name=f"score-{seed}").result()
            same(f"score of the run with seed {seed}", score, shared["score of seed"][seed])
    same("left behind", half_written(folder), [])


def two_resumes(shared, draw, folder):
    """The same command twice at once, as a queue that starts a job again too early."""
    run(folder, train(shared["config"], "train.max_steps=20"), name="first")
    jobs = side_by_side(draw, *[
        lambda k=k: Job(folder, train(shared["config"], "--resume"), ranks=draw.choice((1, 1, 2)), name=f"resume-{k}")
        for k in (1, 2)])
    codes = [job.judge(DONE, FAILED, USAGE) for job in jobs]
    if DONE not in codes:
        jobs[0].lost(f"neither is done: codes {codes}; the other: {jobs[1].printed()[:300]}")
    last = run(folder, train(shared["config"], "--resume"), name="last")
    finished(shared, folder, last)


def converts(table):
    return ["convert", "csv", table, "-o", "out.h5", "--target", "y", "--validation", "0.2", "--test", "0.2", "--quiet"]


def two_conversions(shared, draw, folder):
    """Of two tables into one file."""
    jobs = side_by_side(draw, *[
        lambda table=table, k=k: Job(folder, converts(table), name=f"convert-{k}")
        for k, table in enumerate(shared["tables"])])
    codes = [job.judge(DONE, FAILED) for job in jobs]
    if DONE not in codes:
        jobs[0].lost(f"neither is done: codes {codes}")
    run(folder, train(shared["config"], "data.file=out.h5"), name="train")
    if hash_of(folder + "/run") not in [of for of, code in zip(shared["on"], codes) if code == DONE]:
        raise Lost("what is in out.h5 is neither table")
    left = [name for name in os.listdir(folder) if name.startswith("out.h5") and name != "out.h5"]
    same("left behind", left, [])


def two_predictions(shared, draw, folder):
    """Into one file."""
    jobs = side_by_side(draw, *[
        lambda k=k: Job(folder, ["predict", shared["trained"], "-o", "out.h5"], ranks=draw.choice((1, 2)),
                        name=f"predict-{k}") for k in (1, 2)])
    codes = [job.judge(DONE, FAILED) for job in jobs]
    if DONE not in codes:
        jobs[0].lost(f"neither is done: codes {codes}")
    run(folder, ["inspect", "out.h5"], name="inspect")
    same("left behind", half_written(folder), [])


def convert_while_read(shared, draw, folder):
    """The dataset is made anew, from another table, while a run starts or trains on it: the run is on the one
    or the other, or refused."""
    shutil.copy(shared["data"], folder + "/out.h5")
    jobs = side_by_side(draw, *draw.sample([
        lambda: Job(folder, train(shared["config"], "data.file=out.h5"), ranks=draw.choice((1, 2, 3)), name="train"),
        lambda: Job(folder, converts(shared["tables"][1]), name="convert")], 2))
    for job in jobs:
        job.judge(*((DONE,) if job.name == "convert" else (DONE, FAILED, USAGE, BAD)))
        nothing_yet(job)
    training = next(job for job in jobs if job.name == "train")
    if training.code == DONE and hash_of(folder + "/run") not in shared["on"]:
        training.lost("the weights are those of neither table")


def taken_away(shared, draw, folder):
    """The run's directory is removed, or moved, while it trains: one line, or a whole result where it is now."""
    training = Job(folder, train(shared["config"]), ranks=draw.choice((1, 1, 2)), name="train")
    until_saved(training, folder, draw.randint(1, 3))
    moved = draw.random() < 0.5
    if not os.path.isdir(folder + "/run"):
        training.lost("it never made its directory")
    if moved:
        os.rename(folder + "/run", folder + "/elsewhere")
    else:
        shutil.rmtree(folder + "/run", ignore_errors=True)
    training.wait()
    if training.judge(DONE, FAILED) == DONE:
        places = [hash_of(os.path.join(folder, name)) for name in ("run", "elsewhere")]
        if shared["whole"]["hash"] not in places:
            training.lost("code 0, and its result is nowhere")
    if moved and os.path.isdir(folder + "/elsewhere/checkpoints") and not os.path.exists(folder + "/run"):
        os.rename(folder + "/elsewhere", folder + "/run")
        run(folder, train(shared["config"], "--resume"), name="resumed")
        same("weights after the resume", hash_of(folder + "/run"), shared["whole"]["hash"])


def replaced_end(shared, draw, folder):
    """The finished run is given more to do and replaces final.h5, while it is scored again and again."""
    shutil.copytree(shared["trained"], folder + "/run")
    training = Job(folder, train(shared["config"], f"train.epochs={EPOCHS + 1}", "--resume"),
                   ranks=draw.choice((1, 2)), name="train")
    for k in range(50):
        job = Job(folder, ["evaluate", "run", "--json"], ranks=draw.choice((1, 1, 3)), name=f"evaluate-{k}")
        job.wait()
        job.judge(DONE)
        if job.result() not in shared["scores"]:
            job.lost(f"the score of no checkpoint: {job.result()[:200]}")
        if training.ended():
            break
    training.wait()
    training.judge(DONE)


KINDS = (evaluate_training, two_runs, two_conversions, read_training, two_resumes, evaluate_training,
         convert_while_read, taken_away, replaced_end, two_predictions, two_runs)


def case(shared, draw, folder, seed):
    kind = KINDS[seed % len(KINDS)]
    kind(shared, draw, folder)
    return {kind.__name__.replace("_", " "): 1}
