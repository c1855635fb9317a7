"""Every command of the README, from top to bottom, in one shell, in a folder with a copy of the
checkout.  Commands that can't run here are listed below, each with the reason and a lesser check."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, SOURCE = os.environ["LOCKSTEP_BUILD"], os.environ["LOCKSTEP_SOURCE"]
README = open(os.path.join(SOURCE, "README.md"), encoding="utf-8").read()
failures = []


def read(name):
    return open(os.path.join(SOURCE, name), encoding="utf-8").read()


def help_of(script):
    done = subprocess.run(["bash", os.path.join(SOURCE, script), "--help"], capture_output=True, text=True)
    return done.stdout


def check_packages(command):
    """The packages that the README names are those that the scripts look for."""
    text = re.sub(r"\s+", " ", README)
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
    text = read("slurm/train.sbatch")
    subprocess.run(["bash", "-n", os.path.join(SOURCE, "slurm/train.sbatch")], check=True)
    for name in re.findall(r"([A-Z]+)=", command):
        if name + "=${" + name not in text:
            failures.append(f"{command}: slurm/train.sbatch reads no {name}")


# What a command begins with, why it doesn't run here, and what is checked instead.
EXCEPTIONS = [
    ("scripts/test.sh", "it is what runs this test", check_options("scripts/test.sh", help_of)),
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


def commands():
    """Commands of the sh blocks: continued lines and here-documents belong to their first line."""
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S):
        command, ends, quotes = "", "", 0
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
            failures.append(f"where does this end? {command}")


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
    for command in commands():
        reason = next(((why, check) for start, why, check in EXCEPTIONS if command.startswith(start)), None)
        if reason is not None:
            reason[1](command)
            print(f"not run, because {reason[0]}: {command.splitlines()[0]}")
            continue
        number += 1
        script.append(f"echo '+++ {number}'\n{command}")
    with open(os.path.join(work, "commands.sh"), "w") as file:
        file.write("\n".join(script))
    if number < 20:
        failures.append(f"the README has only {number} commands")
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
    check_python(work)


def check_results(work, log):
    """What the README says of its commands' results."""
    accuracy = re.search(r"^  accuracy +(0\.\d+)", log, re.M)
    if not accuracy or float(accuracy.group(1)) < 0.97:
        failures.append(f"the quickstart reads less than 97 % right: {accuracy and accuracy.group(0)}")
    hashes = re.findall(r'^runs/(?:parts|three)/summary.json:"weights_hash":"([0-9a-f]{16})"', log, re.M)
    if len(hashes) != 2 or hashes[0] != hashes[1]:
        failures.append(f"two ranks and three ranks gave the weights {hashes}")
    for text in ("resuming at step 1020", "all gradients agree", "1217 parameters, 1616 samples, batch 32 in "
                 "4 lanes on 2 ranks, exchange shared", "largest difference", "efficiency"):
        if text not in log:
            failures.append(f"nothing printed \"{text}\"")
    for name in ("predicted.h5", "runs/parts/learning-curve.png", "runs/own/checkpoints/final.h5"):
        if not os.path.exists(os.path.join(work, name)) and (shutil.which("gnuplot") or "png" not in name):
            failures.append(f"no {name}")


def check_python(work):
    """The Python blocks, where a Python with h5py is at hand."""
    python = os.environ.get("LOCKSTEP_TEST_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import h5py, numpy"], capture_output=True).returncode != 0:
        print("not run, because this Python has no h5py: the Python block")
        return
    for block in re.findall(r"^```python\n(.*?)^```", README, re.M | re.S):
        done = subprocess.run([python, "-c", block], cwd=work, capture_output=True, text=True)
        price = re.search(r"price \[\[([0-9.]+)\]\]", done.stdout)
        if not price or abs(float(price.group(1)) - 121.5) > 6:
            failures.append(f"the Python block printed {done.stdout or done.stderr}")


if re.search(r"^LOCKSTEP_SANITIZE:\w+=.", open(os.path.join(BUILD, "CMakeCache.txt")).read(), re.M):
    print("skipped: a user's own program can't link a library built with sanitizers")
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    main(folder)
for failure in failures:
    print("FAILED:", failure)
print("all good" if not failures else f"{len(failures)} failures")
sys.exit(len(failures) > 0)
