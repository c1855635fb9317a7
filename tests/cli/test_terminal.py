"""What train shows on a terminal: a pseudo-terminal of some width, whose screen is made of the bytes here."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

lockstep = os.path.join(os.environ["LOCKSTEP_BUILD"], "lockstep")
work = tempfile.TemporaryDirectory(prefix="lockstep-progress.")
os.chdir(work.name)
failures = 0

CONFIG = """
data: {file: t.h5, normalize: true}
model: [{dense: {units: 400, activation: relu}}, {dense: {units: 400, activation: relu}}, {dense: {units: 1}}]
loss: mse
metrics: [mae, r2]
optimizer: {adam: {lr: 0.001}}
train: {batch: 8, epochs: 2, seed: 1}
pictures: false
output: none
"""


def check(good, what, seen=""):
    global failures
    if not good:
        failures += 1
        print(f"FAILED: {what}\n{seen}")


class Screen:
    """Lines of a terminal that wraps at its width; frames: what stood in the line whenever the cursor went back."""

    def __init__(self, width):
        self.width, self.lines, self.row, self.column, self.frames, self.text = width, [[]], 0, 0, [], ""

    def line(self):
        return "".join(self.lines[self.row])

    def feed(self, text):
        self.text += text
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.|\n", text, re.S):
            line = self.lines[self.row]
            if part == "\r":
                self.frames.append(self.line())
                self.column = 0
            elif part == "\n":
                self.row, self.column = self.row + 1, 0
                if self.row == len(self.lines):
                    self.lines.append([])
            elif part == "\x1b[K":
                del line[self.column:]
            elif part == "\x1b[J":
                del line[self.column:]
                del self.lines[self.row + 1:]
            elif part.startswith("\x1b"):
                check(part.endswith("m"), f"an unknown escape: {part!r}")
            else:
                if self.column == self.width:
                    self.row, self.column = self.row + 1, 0
                    if self.row == len(self.lines):
                        self.lines.append([])
                    line = self.lines[self.row]
                line.extend(" " * (self.column - len(line)))
                line[self.column:self.column + 1] = [part]
                self.column += 1

    def shown(self):
        return [line for line in ("".join(l).rstrip() for l in self.lines) if line]


def set_width(fd, width):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))


def run(width, *words, ranks=1, after=None, **environment):
    """A shell stands between, as in life: whether anybody watches is asked of the program's parent."""
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG", "COLUMNS")}
    env |= {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | environment
    mpi = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none"] if ranks > 1 else []
    main, end = pty.openpty()
    set_width(end, width)
    command = ["sh", "-c", '"$@"; echo "code $?"', "sh", *mpi, lockstep, "train", "c.yaml", *words]
    child = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=env, start_new_session=True)
    os.close(end)
    screen, rest, began = Screen(width), b"", time.time()
    while True:
        ready = select.select([main], [], [], 60)[0]
        if not ready:
            check(False, "no end", "\n".join(screen.shown()))
            os.killpg(child.pid, signal.SIGKILL)
            break
        try:
            data = rest + os.read(main, 65536)
        except OSError:
            break
        if not data:
            break
        whole = data.decode("utf-8", "ignore")
        rest = data[len(whole.encode()):]
        screen.feed(whole.replace("\r\n", "\n"))
        if after and any("%" in frame for frame in screen.frames):
            after(main, child)
            after = None
    child.wait()
    os.close(main)
    return screen


def bars(screen):
    return [frame.rstrip() for frame in screen.frames if "%" in frame]


with open("t.csv", "w") as f:
    f.write("a,b,c,y\n")
    for i in range(12000):
        a, b, c = (i * 7 % 11) / 11, (i * 5 % 13) / 13, (i * 3 % 17) / 17
        f.write(f"{a},{b},{c},{3 * a * b - c}\n")
subprocess.run([lockstep, "convert", "csv", "t.csv", "-o", "t.h5", "--target", "y", "--validation", "0.1", "--quiet"],
               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
with open("c.yaml", "w") as f:
    f.write(CONFIG)

# ---- Three widths: the bar is there, fits, and leaves nothing
for width, ranks in ((60, 1), (80, 2), (120, 1)):
    screen = run(width, ranks=ranks)
    seen, lines = bars(screen), screen.shown()
    text = "\n".join(seen[:3] + lines)
    check(len(seen) > 3, f"{width}: there is a bar", text)
    check(all(len(frame) < width for frame in screen.frames), f"{width}: it fits", text)
    check(any(re.fullmatch(r"epoch [12]/2 ▕[█▏▎▍▌▋▊▉ ]+▏ +\d+ %  loss \S+ .* left, run \S+ ?\S*", b) for b in seen),
          f"{width}: it has what belongs to it", text)
    check(any("samples/s" in b for b in seen) == (width > 60), f"{width}: the rate is the first to go", text)
    check(not any("%" in line or "▕" in line for line in lines), f"{width}: nothing of it stays", text)
    epochs = [line for line in lines if line.startswith("epoch ")]
    check(len(epochs) == 2 and all("  loss " in e and "  validation_loss " in e for e in epochs), f"{width}: epochs", text)
    whole = r"epoch [12]/2( +(validation_)?(loss|mae|r2) [\d.e-]+)+(  \d+ samples/s)?(  [\d.]+ s)?"
    check(all(re.fullmatch(whole, e) for e in epochs), f"{width}: nothing else in epochs' lines", text)
    check(len({e.index("validation_loss") for e in epochs}) == 1, f"{width}: epochs lie below each other", text)
    check(all(("validation_mae" in e) == (width > 60) and ("validation_r2" in e) == (width > 80) for e in epochs),
          f"{width}: what fits, the first ones first", text)
    check(any(line.startswith("best epoch ") for line in lines), f"{width}: the best epoch", text)
    check("all epochs done: " in text and lines[-1] == "code 0", f"{width}: the end", text)
    check("\x1b[32m" in screen.text and screen.text.count("\x1b[32m") == screen.text.count("\x1b[0m"), f"{width}: colour")

# ---- What the terminal can't or shan't show
screen = run(80, LANG="C", NO_COLOR="1")
check(screen.text.isascii() and "\x1b[32m" not in screen.text and any("[===" in b for b in bars(screen)), "ASCII, no colour",
      repr(screen.text[:600]))
screen = run(80, TERM="dumb")
check("\x1b" not in screen.text and "\r" not in screen.text and "epoch 2/2  loss" in screen.text, "a dumb terminal: lines",
      repr(screen.text[:600]))
for width in (34, 12, 1):
    screen = run(width)
    check(all(len(frame) < max(width, 2) for frame in screen.frames if "epoch" in frame and "%" in frame) and
          "code0" in "".join(screen.shown()).replace(" ", ""), f"{width} columns", "\n".join(screen.frames[:5] + screen.shown()))


# ---- A terminal that becomes narrower, a stop, a warning
def narrow(main, child):
    set_width(main, 50)


screen = run(100, after=narrow)
check(len(bars(screen)[-1]) < 50, "a narrower terminal", "\n".join(bars(screen)[-3:]))


def stop(main, child):
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as f:
                parent = f.read().rpartition(")")[2].split()[1]
        except OSError:
            continue # it has ended meanwhile
        if parent == str(child.pid):
            os.kill(int(name), signal.SIGTERM)
            return


screen = run(80, "train.epochs=1000", after=stop)
lines = screen.shown()
check(lines[-1] == "code 75" and lines[-2].startswith("lockstep: stopped on request") or
      any(line.startswith("lockstep: stopped on request") for line in lines), "a stop has its own line", "\n".join(lines))
check(not any("%" in line for line in lines), "a stop leaves no bar", "\n".join(lines))
screen = run(120, "optimizer={sgd: {lr: 2}}", "model=[{dense: {units: 400}}, {dense: {units: 1}}]")
lines = screen.shown()
check(any(line.startswith("lockstep: ") for line in lines) and not any("lockstep:" in line[1:] or "%" in line for line in lines), "warnings have lines of their own", "\n".join(lines))

# ---- A log: a line an epoch with its time, and lines within long epochs
log = subprocess.run([lockstep, "train", "c.yaml", "train.log_seconds=0.02"], capture_output=True, text=True).stdout
at = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
check(len(re.findall(rf"^epoch [12]/2  loss \S+  validation_loss .* samples/s  \S+ s  {at}$", log, re.M)) == 2, "a log", log)
check(re.search(rf"^epoch [12]/2  \d+ %  loss \S+  \d+ samples/s  \S+ s left  {at}$", log, re.M), "within an epoch", log)
check("\x1b" not in log and "\r" not in log, "a log has no escapes", repr(log))

# ---- The end says what comes next, and that works
screen = run(100, "output=runs/a b", "checkpoint.best=true", "train.monitor=validation_r2")
text = "\n".join(screen.shown())
check(re.search(r"best epoch \d, validation_r2 ", text), "the best by another value", text)
commands = re.findall(r"^(?:next:|     ) (lockstep .*)$", text, re.M)
check(len(commands) == 2 and "'runs/a b'" in commands[0], "two commands", text)
for command in commands:
    got = subprocess.run(command.replace("lockstep", lockstep, 1), shell=True, capture_output=True, text=True)
    check(got.returncode == 0, command, got.stderr)
for name in ("checkpoints/best.h5", "checkpoints/final.h5"):
    check(os.path.exists("runs/a b/" + name), name)
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)
