"""Jobs of the batteries: starting the program on one rank or under mpirun, finding and signalling its
processes, and what holds for the end of each: an exit code that is documented, one line, nobody left.

A job has a session of its own, so all of its processes can be told from everybody else's."""
import json
import os
import re
import signal
import subprocess
import time

PROGRAM = os.path.realpath(os.path.join(os.environ["LOCKSTEP_BUILD"], "lockstep"))
MARGIN = 40  # seconds that a job has beyond what it may wait for, on a busy machine
DONE, FAILED, USAGE, BAD, NONFINITE, LOST, STOPPED = 0, 1, 2, 3, 4, 5, 75
REMARK = re.compile(r"lockstep: (note|resume|warning|passing over)\b")  # these tell of something and end nothing
# What MPI's own start or the loader says where there is too little for them: none of it is the program's.
NOT_OURS = re.compile(r"error while loading shared libraries|MPI_Init|MPI_INIT|orte_|ORTE|opal_|PMI[Xx]|pmix|mpirun")
PASSED = re.compile(r"pass(ing|ed) over")  # what a resume says of a checkpoint that it can't use


class Lost(Exception):
    """A case that the program did not survive, and why."""


def parts_of(pid):
    """State, parent and session of a process; None where it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return fields[0], int(fields[1]), int(fields[3])
    except (OSError, IndexError):
        return None


class Job:
    """A process of the program, or an mpirun with some."""
    started = {}  # folder: its jobs, until end_jobs
    closed = False  # the battery is being ended

    def __init__(self, folder, command, ranks=1, name="job", before=(), stdout=None, **environment):
        """command: the program's arguments; before: a command that starts it, as `prlimit` does."""
        if Job.closed:
            raise Lost("the battery was ended")
        self.folder, self.ranks, self.name = folder, ranks, name
        self.words = f"`{' '.join(command)}` on {ranks} rank{'s' if ranks > 1 else ''}"
        self.errors = os.path.join(folder, name + ".err")
        self.output = os.path.join(folder, name + ".out")
        launch = [] if ranks == 1 else ["mpirun", "-n", str(ranks)]
        self.begun = time.monotonic()
        with open(self.errors, "wb") as err, open(stdout or self.output, "wb") as out:
            self.process = subprocess.Popen(list(before) + launch + [PROGRAM] + list(command), cwd=folder, stdout=out,
                                            stderr=err, stdin=subprocess.DEVNULL, start_new_session=True,
                                            env={**os.environ, **environment})
        self.code = None
        Job.started.setdefault(folder, []).append(self)

    def seconds(self):
        return time.monotonic() - self.begun

    def ended(self):
        self.code = self.process.poll()
        return self.code is not None

    def members(self):
        """Its processes that live: {pid: state}."""
        session, found = self.process.pid, {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            parts = parts_of(pid)
            if parts and parts[2] == session and parts[0] not in "ZX":
                found[int(pid)] = parts[0]
        return found

    def processes(self):
        """Of the program itself: {rank: pid}."""
        found = {}
        for pid in self.members():
            try:
                if os.path.realpath(os.readlink(f"/proc/{pid}/exe")) != PROGRAM:
                    continue
                with open(f"/proc/{pid}/environ", "rb") as file:
                    rank = re.search(rb"(?:^|\0)(?:OMPI_COMM_WORLD_RANK|PMIX_RANK)=(\d+)", file.read())
                found[int(rank.group(1)) if rank and self.ranks > 1 else 0] = pid
            except OSError:
                continue
        return found

    def send(self, number, pids):
        """True when all of them were still there."""
        there = True
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                there = False
        return there

    def end_all(self):
        """Whatever is left of it, at once."""
        for _ in range(100):
            left = self.members()
            if not left:
                break
            self.send(signal.SIGKILL, left)
            self.process.poll()
            time.sleep(0.02)
        self.process.wait()

    def until(self, holds, limit=MARGIN, pause=0.0005):
        """Waits until holds() is true, with a pause between two looks; False when the job ends before, or after
        `limit` seconds."""
        end = time.monotonic() + limit
        while not holds():
            if self.ended() or time.monotonic() > end:
                return False
            time.sleep(pause)
        return True

    def wait(self, limit=MARGIN):
        """Its exit code; a job that is still there after `limit` seconds, or that leaves processes behind, is lost."""
        try:
            self.code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            states = self.members()
            self.end_all()
            self.lost(f"still there after {self.seconds():.0f} s, in states {states}")
        end = time.monotonic() + MARGIN
        while self.members():
            if time.monotonic() > end:
                left = self.members()
                self.end_all()
                self.lost(f"has ended and left processes behind: {left}")
            time.sleep(0.01)
        return self.code

    def printed(self):
        with open(self.errors, errors="replace") as file:
            return file.read()

    def result(self):
        with open(self.output, errors="replace") as file:
            return file.read()

    def lines(self):
        """The program's own lines on standard error: (of failure, remarks)."""
        ours = [line for line in self.printed().splitlines() if line.startswith("lockstep: ")]
        return [line for line in ours if not REMARK.match(line)], [line for line in ours if REMARK.match(line)]

    def lost(self, why):
        said = sorted(self.printed().strip().splitlines(), key=lambda line: not line.startswith("lockstep: "))[:4]
        raise Lost(f"{self.words}: {why}" + "".join(f"\n      | {line[:300]}" for line in said))

    def judge(self, *codes, starved=False):
        """The exit code is one of these, with one line where it is not 0 and no foreign ones; returns the
        code.  starved: MPI or the loader may have given up, before the program could say anything."""
        failures, _ = self.lines()
        printed = self.printed()
        if starved and self.code != 0 and not failures and NOT_OURS.search(printed):
            return self.code
        if self.code not in codes:
            self.lost(f"exit code {self.code}, wanted {' or '.join(map(str, codes))}")
        if len(failures) != 1 and (self.code != 0 or failures):
            self.lost(f"{len(failures)} lines with exit code {self.code}")
        if "HDF5-DIAG" in printed or any(line.startswith("HDF5:") for line in printed.splitlines()):
            self.lost("lines of HDF5's own")
        if self.ranks == 1 and not starved:
            foreign = [line for line in printed.splitlines() if line and not line.startswith("lockstep: ")]
            if foreign:
                self.lost("lines that are not the program's")
        return self.code


def end_jobs(folder):
    """Ends what is left of a case, or of a battery."""
    for job in Job.started.pop(folder, []):
        if job.code is None:
            job.end_all()


def run(folder, command, *codes, limit=MARGIN, **how):
    """A job from its beginning to its end, judged."""
    job = Job(folder, command, **how)
    job.wait(limit)
    job.judge(*(codes or (DONE,)))
    return job


def summary(run_directory):
    with open(os.path.join(run_directory, "summary.json")) as file:
        return json.load(file)


def hash_of(run_directory):
    """weights_hash of a run, or words where there is none."""
    try:
        return summary(run_directory)["weights_hash"]
    except (OSError, ValueError, KeyError) as why:
        return f"no summary ({type(why).__name__})"


def same(what, got, wanted):
    if got != wanted:
        raise Lost(f"{what}: {got}, wanted {wanted}")


def files(folder):
    """{path: bytes} of all that lies in a folder."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            try:
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = file.read()
            except FileNotFoundError:
                pass
    return found


def half_written(folder):
    """Files that never became whole."""
    return sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names
                  if name.endswith((".tmp", ".partial")))


def steps(run_directory):
    """Names of its step checkpoints, oldest first."""
    try:
        names = os.listdir(os.path.join(run_directory, "checkpoints"))
    except OSError:
        return []
    return sorted(name for name in names if re.fullmatch(r"step-\d+\.h5", name))
