"""An environment that is too small, closed, forbidden or something else: full disks and shared memory, limits
of memory, files, stack and time, streams that are closed, full or unread, other users, paths that are no
files, odd variables.  Right is: the undisturbed result, or one line with the code that fits (1, or 2 where
a path or a setting is wrong; never 3, for no file is bad), and nothing good changed or half-written; with
room again, --resume comes to the undisturbed weights."""
import os
import shutil
import stat
import subprocess

from inputs import config, dataset, losses, reference, train
from jobs import BAD, DONE, FAILED, PASSED, PROGRAM, STOPPED, USAGE, Job, files, half_written, hash_of, run, same

LONG = 110
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def can(*command):
    return subprocess.run(command, capture_output=True).returncode == 0 if shutil.which(command[0]) else False


def prepare(work):
    data = dataset(work, "data", 600, "--validation", "0.2", "--test", "0.2")
    path = config(work, "run", data, units=24, epochs=3, every=10, keep=2)
    shared = {"config": path, "data": data, "csv": os.path.join(work, "data.csv"),
              "whole": reference(work, path, "whole"), "trained": os.path.join(work, "whole")}
    shared["score"] = run(work, scores(shared), name="score").result()
    run(work, train(path, "output=stopped", "train.max_steps=45"), name="stopped")
    for of, command in (("convert", converts(shared, "converted.h5")), ("predict", predicts(shared, "predicted.h5"))):
        run(work, command, name=of)
    shared["stopped"] = os.path.join(work, "stopped")
    with open(os.path.join(os.environ["LOCKSTEP_BUILD"], "CMakeCache.txt")) as cache:
        shared["sanitized"] = any(line.startswith("LOCKSTEP_SANITIZE:") and line.split("=", 1)[1].strip()
                                  for line in cache)
    shared["namespace"] = next((["unshare", flag] for flag in ("-m", "-rm") if can("unshare", flag, "true")), None)
    shared["nobody"] = os.getuid() == 0 and can(*NOBODY, "test", "-r", path, "-a", "-x", PROGRAM)
    shared["prlimit"] = can("prlimit", "--version")
    return shared


def scores(shared):
    return ["evaluate", shared["trained"], "--json"]


def converts(shared, to):
    return ["convert", "csv", shared["csv"], "-o", to, "--target", "y", "--quiet"]


def predicts(shared, to):
    return ["predict", shared["trained"], "-o", to]


def writer(shared, draw, into):
    """A command that writes into a folder: its name and itself."""
    kind = draw.choice(("train", "train", "convert", "predict"))
    return kind, {"train": train(shared["config"], f"output={into}/run"), "convert": converts(shared, f"{into}/out.h5"),
                  "predict": predicts(shared, f"{into}/out.h5")}[kind]


def resumed(shared, folder, draw):
    """With room again, the run comes to its end."""
    job = run(folder, train(shared["config"], "output=run", "--resume"), ranks=draw.choice((1, 1, 2, 3)),
              name="resumed")
    if any(PASSED.search(line) for line in job.lines()[1]):
        job.lost("a checkpoint was passed over")
    same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
    same("losses", losses(folder + "/run") == shared["whole"]["losses"], True)
    same("left behind", half_written(folder), [])


def whole_output(shared, folder, kind):
    """What convert or predict has made is whole, or not there."""
    if os.path.exists(folder + "/out.h5"):
        run(folder, ["inspect", "out.h5"], name="inspect")
    same("left behind", [path for path in half_written(folder) if "/run/" not in path], [])


def after(shared, draw, folder, job, kind):
    """A command that wrote, or failed: what is there is good."""
    if kind == "train":
        if job.code == DONE:
            same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
        resumed(shared, folder, draw)
    else:
        whole_output(shared, folder, kind)
        if job.code == DONE and not os.path.exists(folder + "/out.h5"):
            job.lost("exit code 0 and no file")


def full_disk(shared, draw, folder):
    """A disk of its own with few bytes left."""
    if not shared["namespace"]:
        return None
    os.mkdir(folder + "/disk")
    kind, command = writer(shared, draw, "disk")
    size = draw.choice((4, 8, 16, 24, 32, 48, 64, 100, 160)) * 1024
    script = f'mount -t tmpfs -o size={size} tmpfs disk || exit 99; "$@"; code=$?; cp -r disk/. .; exit $code'
    job = Job(folder, command, ranks=draw.choice((1, 1, 2)), before=[*shared["namespace"], "bash", "-c", script, "-"])
    job.wait()
    if job.judge(DONE, FAILED) == FAILED and "No space left on device" not in job.lines()[0][0]:
        job.lost("the line doesn't say that the disk is full")
    same("left behind", half_written(folder), [])
    after(shared, draw, folder, job, kind)
    return f"full disk: code {job.code}"


def full_shared_memory(shared, draw, folder):
    """/dev/shm with few bytes: MPI's own start may fail; where it doesn't, we say so or do without."""
    if not shared["namespace"]:
        return None
    size = draw.choice((64, 4200, 8400, 8500, 9000, 12600, 13000, 16000)) * 1024
    script = f'mount -t tmpfs -o size={size} tmpfs /dev/shm || exit 99; exec "$@"'
    job = Job(folder, train(shared["config"]), ranks=draw.choice((2, 3)),
              before=[*shared["namespace"], "bash", "-c", script, "-"])
    job.wait()
    own = ("not enough space for /dev/shm", "unable to reach each other")  # what Open MPI's start says then
    job.judge(DONE, FAILED, starved=any(words in job.printed() for words in own))
    after(shared, draw, folder, job, "train")
    return f"full /dev/shm: code {job.code}"


def limited(shared, draw, folder, what, limits, **starved):
    kind, command = writer(shared, draw, ".")
    job = Job(folder, command, before=["prlimit", f"--{what}={draw.choice(limits)}"])
    job.wait()
    job.judge(DONE, FAILED, **starved)
    after(shared, draw, folder, job, kind)
    return f"{what}: code {job.code}"


def memory(shared, draw, folder):
    if not shared["prlimit"] or shared["sanitized"]:
        return None
    return limited(shared, draw, folder, "as", [mb * 1000000 for mb in range(70, 170, 3)], starved=True)


def file_size(shared, draw, folder):
    if not shared["prlimit"]:
        return None
    return limited(shared, draw, folder, "fsize", list(range(0, 16000, 500)))


def open_files(shared, draw, folder):
    if not shared["prlimit"]:
        return None
    return limited(shared, draw, folder, "nofile", list(range(5, 25)), starved=True)


def stack(shared, draw, folder):
    if not shared["prlimit"] or shared["sanitized"]:
        return None
    return limited(shared, draw, folder, "stack", [kb * 1024 for kb in (64, 128, 200, 256, 512, 1024)])


def processor_time(shared, draw, folder):
    """The soft limit of time asks for a stop: a checkpoint, code 75, and on it goes."""
    if not shared["prlimit"]:
        return None
    job = Job(folder, train(shared["config"], "output=run", "train.epochs=100000000"), before=["prlimit", "--cpu=1:30"])
    job.wait()
    job.judge(STOPPED)
    if not os.listdir(folder + "/run/checkpoints"):
        job.lost("no checkpoint")
    return f"time: code {job.code}"


def full_stream(shared, draw, folder):
    """What is printed can't be written: code 1 and one line; a training goes on."""
    command = draw.choice((scores(shared), scores(shared)[:2], ["inspect", shared["data"]],
                           ["inspect", "--json", shared["data"]], ["gradcheck", shared["config"]], ["doctor"],
                           train(shared["config"], "--dry-run"), ["help"], ["help", "adam"], ["predict", "--help"],
                           ["--version"], ["train", "--help"]))
    job = Job(folder, command, stdout="/dev/full")
    job.wait()
    job.judge(FAILED)
    return f"full stream: code {job.code}"


def closed_streams(shared, draw, folder):
    """Some of the three are closed: no file may get their numbers."""
    closed = draw.choice(("<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "<&- >&-"))
    kind, command = writer(shared, draw, ".")
    if draw.random() < 0.3:
        kind, command = "evaluate", scores(shared)
    if kind == "train":
        command[-1] = "--progress=plain"
    job = Job(folder, command, before=["bash", "-c", f'exec "$@" {closed}', "-"])
    job.wait()
    codes = (FAILED,) if kind in ("evaluate", "train", "predict") and " >&-" in " " + closed else (DONE,)
    if "2>&-" in closed:  # nobody can be told
        same("exit code", job.code, codes[0])
    else:
        job.judge(*codes)
    if kind == "evaluate":
        if codes == (DONE,):
            same("result", job.result(), shared["score"])
    else:
        if kind == "train":  # it is done, whatever became of its lines
            same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
        after(shared, draw, folder, job, kind)
    return f"closed streams: code {job.code}"


def unread(shared, draw, folder):
    """The reader of a pipe has gone: a training goes on, anything else ends quietly."""
    kind, command = draw.choice((("train", ["train", shared["config"], "output=run", "--progress=plain"]),
                                 ("score", scores(shared)), ("help", ["help", "--all"]),
                                 ("inspect", ["inspect", shared["data"]])))
    job = Job(folder, command, before=["bash", "-c", '"$@" | true; exit ${PIPESTATUS[0]}', "-"])
    job.wait()
    if job.code != 141:  # the end that cat comes to
        job.judge(DONE)
    if kind == "train":
        same("exit code", job.code, DONE)
        same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
    return f"unread: code {job.code}"


def forbidden_folder(shared, draw, folder):
    """Another user's folder: nothing can be written there."""
    if not shared["nobody"]:
        return None
    os.mkdir(folder + "/theirs", 0o755)
    kind, command = writer(shared, draw, "theirs")
    job = Job(folder, command, before=NOBODY)
    job.wait()
    job.judge(FAILED)
    same("files", os.listdir(folder + "/theirs"), [])
    return f"forbidden folder: code {job.code}"


def forbidden_files(shared, draw, folder):
    """A run whose checkpoints, or their folder, can't be read, or not be written: nothing changes but by going on."""
    if not shared["nobody"]:
        return None
    target = folder + "/run"
    shutil.copytree(shared["stopped"], target)
    for where, _, names in os.walk(target):
        for path in [where] + [os.path.join(where, name) for name in names]:
            os.chown(path, 65534, 65534)
    checkpoints = os.path.join(target, "checkpoints")
    what = draw.choice(("unreadable files", "unreadable folder", "locked folder", "read-only run", "unreadable data",
                        "nothing to list"))
    extra = []
    if what == "unreadable files":
        for name in os.listdir(checkpoints):
            os.chmod(os.path.join(checkpoints, name), 0)
    elif what in ("unreadable folder", "locked folder", "nothing to list"):
        os.chmod(checkpoints, {"unreadable folder": 0, "locked folder": 0o555, "nothing to list": 0o333}[what])
    elif what == "read-only run":
        os.chmod(target, 0o555)
        os.chmod(checkpoints, 0o555)
        os.chmod(target + "/metrics.jsonl", 0o444)
    else:
        shutil.copy(shared["data"], folder + "/secret.h5")
        os.chmod(folder + "/secret.h5", 0)
        extra = ["data.file=../" + os.path.basename(folder) + "/secret.h5"]
    before = files(target)
    job = Job(folder, train(shared["config"], "output=run", "--resume", *extra), ranks=draw.choice((1, 1, 1, 3)),
              before=NOBODY, HOME="/tmp")
    job.wait()
    job.judge(FAILED)
    now = files(target)
    changed = [name for name in before if name.startswith("checkpoints/") and now.get(name) != before[name]]
    if changed:
        job.lost(f"changed or deleted: {changed}")
    for where, names, _ in os.walk(target):
        os.chmod(where, 0o755)
    for name in os.listdir(checkpoints):
        os.chmod(os.path.join(checkpoints, name), stat.S_IRUSR | stat.S_IWUSR)
    resumed(shared, folder, draw)
    return f"forbidden, {what}: code {job.code}"


def odd_paths(shared, draw, folder):
    """Paths that are something else than what is wanted."""
    with open(folder + "/file", "w") as file:
        file.write("not HDF5, not YAML: {\n")
    os.mkdir(folder + "/folder")
    os.mkfifo(folder + "/pipe")
    os.symlink("nowhere", folder + "/dangling")
    os.symlink("circle", folder + "/circle")
    wrong = draw.choice(("", "file/x", "/dev/null", "/dev/null/x", "/proc/x/y", "circle", "a" * 300, "b/" * 3000,
                         "pipe"))
    read = draw.choice(("", "missing.h5", "folder", "pipe", "dangling", "circle", "/dev/null", "/dev/zero",
                        "/proc/self/mem", "file/x", "a" * 300, "b/" * 3000))
    command = draw.choice((train(shared["config"], f"output={wrong}"), converts(shared, wrong),
                           predicts(shared, wrong), train(shared["config"], f"data.file={read}"), ["evaluate", read],
                           ["inspect", read], ["predict", read, "-o", "out.h5"],
                           ["convert", "csv", read, "-o", "out.h5"], ["train", read],
                           ["evaluate", shared["trained"], "--data", read]))
    empty = "output=" in command  # may be taken for the root: not by who could write there
    if empty and not shared["nobody"]:
        return None
    before = sorted(os.listdir(folder))
    job = Job(folder, command, ranks=draw.choice((1, 1, 1, 1, 2)), before=NOBODY if empty else ())
    job.wait()
    job.judge(*((USAGE,) if empty else (FAILED, USAGE, BAD)))
    same("files afterwards", sorted(set(os.listdir(folder)) - {"job.err", "job.out"}), before)
    return f"odd paths: code {job.code}"


def odd_variables(shared, draw, folder):
    """Variables that mean nothing: used as if they weren't there, or refused."""
    name, value, codes = draw.choice((
        ("LOCKSTEP_SIMD", "nonsense", (USAGE,)), ("LOCKSTEP_BF16", "nonsense", (DONE, USAGE)),
        ("HDF5_USE_FILE_LOCKING", "nonsense", (DONE, FAILED)), *((name, value, (DONE,)) for name, value in (
            ("LANG", "xx_XX.UTF-99"), ("LC_ALL", "de_DE.UTF-8"), ("HOME", "/nowhere"), ("PATH", ""),
            ("TZ", "\x01"), ("HDF5_PLUGIN_PATH", "/nowhere"), ("OMP_NUM_THREADS", "-7"),
            ("OPENBLAS_NUM_THREADS", "nonsense"), ("COLUMNS", "-1"), ("TERM", ""),
            ("SLURM_NTASKS", "x"), ("SLURM_JOB_ID", "")))))
    job = Job(folder, train(shared["config"], "output=run"), **{name: value})
    job.wait()
    job.judge(*codes)
    if job.code == DONE:
        same("weights", hash_of(folder + "/run"), shared["whole"]["hash"])
    return f"{name}: code {job.code}"


KINDS = (full_disk, memory, full_stream, file_size, forbidden_files, open_files, closed_streams, odd_paths,
         full_shared_memory, stack, forbidden_folder, memory, unread, full_disk, odd_variables, processor_time,
         odd_paths)


def case(shared, draw, folder, seed):
    kind = KINDS[seed % len(KINDS)]
    seen = kind(shared, draw, folder)
    return {seen or f"{kind.__name__}: can't be tried here": 1}
