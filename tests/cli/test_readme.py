"""Every command of the README and of the pages that it links to, from top to bottom, in one shell, in a
folder with a copy of the checkout.  Commands that can't run here are listed below, each with the reason
and a lesser check."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, SOURCE = os.environ["LOCKSTEP_BUILD"], os.environ["LOCKSTEP_SOURCE"]
PYTHON = os.environ.get("LOCKSTEP_TEST_PYTHON", sys.executable)
HAS_H5PY = subprocess.run([PYTHON, "-c", "import h5py, numpy"], capture_output=True).returncode == 0
# In this order: later pages go on from what the first one made.  src/config/README.md is another test's.
PAGES = ["README.md", "src/propose/README.md", "src/data/README.md", "src/train/README.md", "src/optim/README.md", "src/comm/README.md",
         "src/checkpoint/README.md", "scripts/bench/README.md", "src/README.md"]
failures = []


def read(name):
    return open(os.path.join(SOURCE, name), encoding="utf-8").read()


def help_of(script):
    done = subprocess.run(["bash", os.path.join(SOURCE, script), "--help"], capture_output=True, text=True)
    return done.stdout


def check_packages(command):
    """The packages that the README names are those that the scripts look for."""
    text = re.sub(r"\s+", " ", read("README.md"))
    for line in re.findall(r"^(?:build|test|more|draw)\|.*$", read("scripts/lib.sh"), re.M):
        _, _, what, debian, spack, conda = line.split("|")
        for kind, packages, start in (("Debian", debian, "sudo apt-get install"), ("Spack", spack, "spack install"),
                                      ("conda", conda, "conda install -c conda-forge")):
            listed = text[text.index(start):].split("`")[0].split()
            for package in packages.split():
                if package not in listed:
                    failures.append(f"{what}: {package} is missing from the README's packages for {kind}")


def check_options(script, listing):
    """The options that the README gives to a script are among those that it says it has."""
    def check(command):
        for option in re.findall(r" (--[a-z-]+)", command):
            if option not in listing(script):
                failures.append(f"{command}: {script} tells of no {option}")
    return check


def check_sbatch(command):
    script = re.search(r"slurm/\w+\.sbatch", command).group()
    text = read(script)
    subprocess.run(["bash", "-n", os.path.join(SOURCE, script)], check=True)
    for name in re.findall(r"\b([A-Z_]+)=", command):
        if name + "=${" + name not in text:
            failures.append(f"{command}: {script} reads no {name}")


# What a command begins with, why it doesn't run here, and what is checked instead.
EXCEPTIONS = [
    ("sudo apt-get install", "it changes the machine", check_packages),
    ("sbatch ", "tests/slurm submits this script, where SLURM can be had", check_sbatch),
    *((f"scripts/bench/{name}.sh", f"it takes minutes, {test} runs it", check_options(f"scripts/bench/{name}.sh", help_of))
      for name, test in (("weak", "test_bench_exchange.sh"), ("between", "test_hosts.sh"), ("memory", "test_memory.sh"))),
    ("PYTHON=", "it takes many minutes, PyTorch and JAX", check_options("scripts/bench/peers.sh", read)),
]

# scripts/test.sh has just built all this; another build would take minutes.  With LOCKSTEP_TEST_FULL
# set, as by scripts/test.sh --full, the commands do build.
CMAKE = """#!/bin/sh
case $1 in
  -S|--build) exit 0 ;;
  --install) shift 2; exec {cmake} --install "{build}" "$@" ;;
esac
exec {cmake} "$@"
"""


def python_block(block):
    """A Python block as a command; what it writes is made in another way where h5py is missing."""
    if HAS_H5PY:
        return f"{PYTHON} - <<'PYTHON'\n{block}PYTHON\n"
    print("not run, because this Python has no h5py:", block.splitlines()[-1].strip())
    if "fields.h5" in block:
        return os.path.join(BUILD, "tests/cli/make_fields") + " fields.h5\n"
    return None


def commands(page):
    """Commands of the sh blocks: continued lines and here-documents belong to their first line."""
    for language, block in re.findall(r"^```(sh|python)\n(.*?)^```", read(page), re.M | re.S):
        command, ends, quotes = "", "", 0
        if language == "python":
            command = python_block(block)
            if command:
                yield command
            continue
        for line in block.splitlines():
            command += line + "\n"
            if ends:
                if line == ends:
                    ends = ""
            elif "<<" in line:
                ends = re.search(r"<<'?(\w+)", line).group(1)
            quotes += 0 if ends else line.count("'")
            if ends or line.endswith("\\") or ("<<" not in command and quotes % 2):
                continue
            yield command
            command, quotes = "", 0
        if command:
            failures.append(f"{page}: where does this end? {command}")


def check_excerpts():
    """Blocks of C begin with the file that they are from, and each line stands there, in this order."""
    for page in PAGES:
        for name, block in re.findall(r"^```c\n/\* (\S+) \*/\n(.*?)^```", read(page), re.M | re.S):
            lines = iter(read(os.path.join("src", name)).splitlines())
            for line in block.splitlines():
                if line not in lines:
                    failures.append(f"{page}: not in {name}, or not in this order: {line}")
                    break


def check_links():
    """Files and headings that the pages link to are there."""
    for page in [*PAGES, "src/config/README.md"]:
        for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
            path, _, anchor = target.partition("#")
            if target.startswith("http"):
                continue
            file = os.path.normpath(os.path.join(SOURCE, os.path.dirname(page), path) if path else os.path.join(SOURCE, page))
            if not os.path.exists(file):
                failures.append(f"{page} links to {target}, which is not there")
            elif anchor:
                headings = re.findall(r"^#+ (.+)$", open(file, encoding="utf-8").read(), re.M)
                if anchor not in [re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in headings]:
                    failures.append(f"{page} links to {target}, which has no such heading")


def prepare(work):
    for name in ("src", "include", "scripts", "slurm", "CMakeLists.txt", "README.md"):
        path = os.path.join(SOURCE, name)
        copy = shutil.copytree if os.path.isdir(path) else shutil.copy
        copy(path, os.path.join(work, name))
    os.mkdir(os.path.join(work, "home"))
    environment = dict(os.environ, HOME=os.path.join(work, "home"), LOCKSTEP_NO_INSTALL="1", TERM="dumb")
    if not os.environ.get("LOCKSTEP_TEST_FULL"):
        tools = os.path.join(work, "tools")
        os.mkdir(tools)
        with open(os.path.join(tools, "cmake"), "w") as file:
            file.write(CMAKE.format(cmake=shutil.which("cmake"), build=BUILD))
        os.chmod(os.path.join(tools, "cmake"), 0o755)
        os.mkdir(os.path.join(work, "build"))
        os.symlink(os.path.join(BUILD, "lockstep"), os.path.join(work, "build", "lockstep"))
        environment["PATH"] = tools + ":" + environment["PATH"]
    return environment


def main(work):
    environment = prepare(work)
    script, number = ["set -e -o pipefail"], 0
    check_links()
    check_excerpts()
    for command in (command for page in PAGES for command in commands(page)):
        reason = next(((why, check) for start, why, check in EXCEPTIONS if command.startswith(start)), None)
        if reason is not None:
            reason[1](command)
            print(f"not run, because {reason[0]}: {command.splitlines()[0]}")
            continue
        number += 1
        if not os.environ.get("LOCKSTEP_TEST_FULL"):  # half a second a round may be many thousands of steps
            command = re.sub(r"(lockstep bench step [^#\n]*\S)", r"\1 --steps 5", command)
        script.append(f"echo '+++ {number}'\n{command}")
    with open(os.path.join(work, "commands.sh"), "w") as file:
        file.write("\n".join(script))
    if number < 50:
        failures.append(f"the pages have only {number} commands")
    with open(os.path.join(work, "log"), "w") as log:
        done = subprocess.run(["bash", "commands.sh"], cwd=work, env=environment, stdout=log,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    log = open(os.path.join(work, "log"), encoding="utf-8", errors="replace").read()
    if done.returncode != 0:
        at = int(re.findall(r"^\+\+\+ (\d+)$", log, re.M)[-1])
        failures.append(f"exit code {done.returncode} of:\n{script[at]}\n" + log[log.rindex("+++"):][-3000:])
        return
    print(f"{number} commands ran")
    check_results(work, log)


def check_results(work, log):
    """What the pages say of their commands' results."""
    accuracy = re.search(r"^  accuracy +(0\.\d+)", log, re.M)
    if not accuracy or float(accuracy.group(1)) < 0.97:
        failures.append(f"the quickstart reads less than 97 % right: {accuracy and accuracy.group(0)}")
    for text in ("resuming at step 500 (epoch 10, ", "resuming at step 1020", "all gradients agree", "1281 parameters, "
                 "1616 samples, batch 32 in 4 lanes (the same bits up to 4 ranks) on 2 ranks, exchange shared", "epoch 1/20  loss ", "all epochs done: "
                 "1020 steps, ", "largest difference", "efficiency", "own.h5: weights ", "fed.h5: weights ",
                 "energy_r2", "phase_accuracy", "/predictions/energy", "rank 2: lanes"):
        if text not in log:
            failures.append(f"nothing printed \"{text}\"")
    for alarm in re.findall(r"^lockstep: warning: .*", log, re.M):
        failures.append(f"a false alarm: {alarm}")
    for part, count in (("validation", 1), ("test", 3)):
        if len(re.findall(rf"^{part}: \d+ samples$", log, re.M)) < count:
            failures.append(f"the {part} part was not scored {count} times")
    for name in ("priced.csv", "runs/sweep/optimizer.adam.lr=0.01/summary.json", "test.h5", "runs/first/pictures/learning_curves.gp", "runs/own/checkpoints/final.h5",
                 "fields-predicted.h5"):
        if not os.path.exists(os.path.join(work, name)):
            failures.append(f"no {name}")
    prices = re.findall(r"^price \[\[([0-9.]+)\]\]", log, re.M)
    if HAS_H5PY and (len(prices) != 1 or abs(float(prices[0]) - 121.5) > 6):
        failures.append(f"the Python block says the price is {prices}")
    hashes = re.findall(r'^runs/(\w+)/summary.json:"weights_hash":"([0-9a-f]{16})"', log, re.M)
    wanted = {"parts", "stopped", "three", "tree", "avx2"}
    if {run for run, _ in hashes} != wanted or len({value for _, value in hashes}) != 1:
        failures.append(f"the runs {wanted} gave the weights {hashes}")


if re.search(r"^LOCKSTEP_SANITIZE:\w+=.", open(os.path.join(BUILD, "CMakeCache.txt")).read(), re.M):
    print("skipped: a user's own program can't link a library built with sanitizers")
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    main(folder)
for failure in failures:
    print("FAILED:", failure)
print("all good" if not failures else f"{len(failures)} failures")
sys.exit(len(failures) > 0)
