"""What the program's tables make: command lines as they are read, --help, help, the manual page, the
completion for bash."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ["LOCKSTEP_BUILD"]
LOCKSTEP = os.path.join(BUILD, "lockstep")
# One process needs no helper of Open MPI's beside it; many short runs are much faster without.
os.environ["OMPI_MCA_ess_singleton_isolated"] = "1"
COMMANDS = ["init", "convert", "inspect", "train", "evaluate", "predict", "generate", "plot", "gradcheck", "doctor", "scaling", "bench", "help"]
failures = 0


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def run(*arguments):
    done = subprocess.run([LOCKSTEP, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def printed(*arguments):
    code, out, err = run(*arguments)
    if code != 0 or err:
        fail(f"{' '.join(arguments)}: exit code {code}, {err}")
    return out


def wants(text, *parts):
    for part in parts:
        if part not in text:
            fail(f"no {part!r} in:\n{text[:2000]}")


def refused(arguments, wanted):
    """Exit code 2 and this one line."""
    code, out, err = run(*arguments)
    if code != 2 or out or err != f"lockstep: {wanted}\n":
        fail(f"{' '.join(arguments)}: exit code {code}, printed {out!r} and {err!r}, wanted 2 and {wanted!r}")


def help_of(name):
    return f"try: lockstep {name} --help"


def command_lines():
    """Each way to write an option, and each to get it wrong."""
    lines = ["a,b,y"] + [f"{i},{i * i % 7},{i * 3 % 11 + 0.5}" for i in range(60)]
    with open("t.csv", "w") as file:
        file.write("\n".join(lines) + "\n")
    ways = [  # the same, but for where and how options stand
        ["csv", "t.csv", "-o", "out.h5", "--validation", "0.25", "--seed", "3", "--quiet", "--target", "-1"],
        ["csv", "-oout.h5", "--validation=0.25", "t.csv", "--seed=3", "--quiet", "--target=-1"],
        ["--output", "out.h5", "csv", "--val", "0.25", "--see", "3", "t.csv", "--q", "--target", "-1"],
        ["--output=out.h5", "--validation=0.25", "--seed=3", "--quiet", "--target=-1", "csv", "--", "t.csv"],
        ["csv", "t.csv", "--output=wrong.h5", "--output=out.h5", "--validation=0.25", "--seed=3", "--quiet"],
    ]
    results = set()
    for way in ways:
        code, _, err = run("convert", *way)
        if code != 0 or err:
            fail(f"convert {' '.join(way)}: exit code {code}, {err}")
            continue
        results.add(printed("inspect", "--json", "out.h5"))
        os.remove("out.h5")
    printed("convert", "csv", "t.csv", "-o", "other.h5", "--validation", "0.5", "--quiet")
    if printed("inspect", "--json", "other.h5") in results:
        fail("another share of validation rows makes the same file")
    if len(results) != 1 or os.path.exists("wrong.h5"):
        fail(f"the same command line in other words made {len(results)} different files")

    convert = help_of("convert csv")
    refused(["convert", "csv", "t.csv", "--vaildation", "0.1"],
            f"there is no option --vaildation; did you mean --validation? {convert}")
    refused(["convert", "csv", "t.csv", "--photosynthesis"], f"there is no option --photosynthesis; {convert}")
    refused(["convert", "csv", "t.csv", "-x"], f"there is no option -x; {convert}")
    refused(["convert", "csv", "t.csv", "--t", "1"], f"--t may be --test or --test-source; {convert}")
    refused(["convert", "csv", "t.csv", "-o"], f"-o wants a value; {convert}")
    refused(["convert", "csv", "t.csv", "--seed"], f"--seed wants a value; {convert}")
    refused(["convert", "csv", "t.csv", "--quiet=yes"], f"--quiet takes no value; {convert}")
    for value in "many", "", "-1", "1.5", "9" * 30:
        refused(["convert", "csv", "t.csv", f"--seed={value}"],
                f"--seed {value}: a whole number from 0 to 9223372036854775807 is wanted; {convert}")
    refused(["convert", "csv", "t.csv", "--gzip", "10"],
            f"--gzip 10: a whole number from 0 to 9 is wanted; {convert}")
    for value in "1", "-0.1", "nan", "half":
        refused(["convert", "csv", "t.csv", "--test", value],
                f"--test {value}: a share from 0 to below 1 is wanted; {convert}")
    refused(["convert"], f"one of csv, idx, npy, npz, cifar10, cifar100, images, text, audio is wanted; {help_of('convert')}")
    refused(["convert", "cvs", "t.csv"],
            f'"cvs" is unknown; one of csv, idx, npy, npz, cifar10, cifar100, images, text, audio is wanted; did you mean "csv"? {help_of("convert")}')
    refused(["convert", "csv"], f"a source file is missing; {convert}")
    refused(["convert", "csv", "t.csv"], f"-o OUT.h5 is missing; {convert}")
    refused(["train", "x.yaml", "--progress", "fast"],
            f"--progress fast: one of auto, bar, plain, none is wanted; {help_of('train')}")
    refused(["train"], f"a configuration is missing; {help_of('train')}")
    refused(["evaluate", "run", "--split=half"],
            f"--split half: one of train, validation, test, all is wanted; {help_of('evaluate')}")
    refused(["evaluate", "run", "-o", "x.h5"], f"there is no option -o; {help_of('evaluate')}")
    refused(["predict", "run"], f"-o OUT.csv (or OUT.h5) is missing; {help_of('predict')}")
    refused(["inspect", "a.h5", "b.h5"], f'"b.h5" is one argument too many; {help_of("inspect")}')
    refused(["doctor", "all"], f'it takes options only, not "all"; {help_of("doctor")}')
    refused(["bench"], f"one of step, exchange, product is wanted; {help_of('bench')}")
    refused(["bench", "step"], f"a workload is missing; {help_of('bench step')}")
    refused(["bench", "step", "mlp_small", "--rounds=0"],
            f"--rounds 0: a whole number from 1 on is wanted; {help_of('bench step')}")
    for value in "1", "64K,", "4T", "1M;2M", ",".join(["4K"] * 65):
        refused(["bench", "exchange", "--sizes", value],
                f"--sizes {value}: a list of up to 64 sizes, such as 4K,64K,1M, is wanted; "
                f"{help_of('bench exchange')}")
    refused(["bench", "exchange", "--bucket", "1M,2M"],
            f"--bucket 1M,2M: a size, such as 1M, is wanted; {help_of('bench exchange')}")
    refused(["trian"], 'there is no command "trian"; did you mean "train"? try: lockstep --help')
    refused(["photosynthesis"], 'there is no command "photosynthesis"; try: lockstep --help')
    code, out, err = run()
    if code != 2 or out or "usage: lockstep COMMAND" not in err:
        fail(f"no command: exit code {code}, printed {out!r} and {err!r}")


def help_texts():
    version = printed("--version")
    if not re.fullmatch(r"lockstep \d+\.\d+\.\d+\n", version):
        fail(f"--version printed {version!r}")
    usage = printed("--help")
    for name in COMMANDS:
        if not re.search(rf"^  {name} +\w", usage, re.M):
            fail(f"--help has no {name}")
        text = printed(name, "--help")
        if not re.match(rf"usage: .*lockstep {name}", text):
            fail(f"{name} --help begins {text[:60]!r}")
        if printed("help", name)[:len(text)] != text or printed(name, "x", "--help") != text:
            fail(f"help {name} and {name} --help differ")
        for line in text.splitlines():
            if len(line) > 100 or line != line.rstrip():
                fail(f"{name} --help has a line of {len(line)} columns: {line!r}")
    wants(printed("predict", "--help"), "  -o, --output OUT  the file to make: .csv or .tsv (also .csv.gz, .tsv.gz), .npy, or .h5\n")
    wants(printed("train", "-h"), "\n                  of ranks; start when there is none\n")  # wrapped
    step = printed("bench", "step", "--help")
    wants(step, "usage: [mpirun -n N] lockstep bench step WORKLOAD", "  --rounds N  ")
    if printed("help", "bench", "step") != step:
        fail("help bench step and bench step --help differ")
    wants(printed("bench", "--help"), step, printed("bench", "exchange", "--help"), printed("bench", "product", "--help"))
    wants(printed("help"), usage)
    wants(printed("help", "inspect", "doctor"), printed("inspect", "--help") + "\n" + printed("doctor", "--help"))
    refused(["help", "gradchek"], 'there is no command "gradchek"; did you mean "gradcheck"?')
    refused(["help", "photosynthesis"], 'there is no key "photosynthesis"; try: lockstep help')
    refused(["help", "--all", "adam"], f"one thing at a time is wanted; {help_of('help')}")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([LOCKSTEP, "help"], stdout=full, stderr=subprocess.PIPE, text=True)
        if done.returncode != 1 or done.stderr.count("\n") != 1:
            fail(f"help to a full disk: exit code {done.returncode}, {done.stderr!r}")
    elsewhere = dict(os.environ, OMPI_MCA_pml="nosuch", PMIX_RANK="0")  # with which MPI doesn't start
    codes = [subprocess.run([LOCKSTEP, command], env=elsewhere, capture_output=True).returncode
             for command in ("help", "doctor")]
    if codes[0] != 0 or codes[1] == 0:
        fail(f"where MPI doesn't start, help and doctor end with {codes}")


def reference(keys):
    """Every key has help, which names it; the keys that this program is known to have are there."""
    for name in "train.batch", "optimizer.adam.lr", "model.dense.units", "data.file", "metrics.top_k.k":
        if name not in keys:
            fail(f"help --keys has no {name}")
    everything = printed("help", "--all")
    page = printed("help", "--markdown")
    for key in keys:
        text = printed("help", key)
        wants(text, key)
        wants(everything, key.split(".")[-1])
        wants(page, key.split(".")[-1])
        for line in text.splitlines():
            if len(line) > 100 and " " in line[100:] and "example:" not in line:
                fail(f"help {key} has a line of {len(line)} columns: {line!r}")
    wants(printed("help", "adam"), "optimizer.adam\n", "  example: optimizer: {adam: {lr: 0.001")
    wants(printed("help", "model.0.dense.units"), "model.dense.units\n")
    wants(printed("help", "train"), "usage: ", "\nconfiguration: train\n")
    wants(printed("help", "top_k"), "metrics.top_k\n", "compression.top_k\n")
    refused(["help", "adma"], 'there is no key "adma"; did you mean "adam"?')
    for line in page.splitlines():
        if line.startswith("|") and len(re.findall(r"(?<!\\)\|", line)) != 5:
            fail(f"help --markdown has a row of other than four cells: {line}")


def manual():
    page = printed("help", "--man")
    with open("lockstep.1", "w") as file:
        file.write(page)
    for what in ["NAME", "SYNOPSIS", "COMMANDS", "CONFIGURATION", "EXIT STATUS"]:
        wants(page, f"\n.SH {what}\n")
    for name in [*COMMANDS, "bench step", "bench exchange", "bench product"]:
        wants(page, f"\n.SS lockstep {name}\n")
    if not re.fullmatch(r"[\x00-\x7f]*", page):
        fail("the manual page is not ASCII")
    if shutil.which("man"):
        done = subprocess.run(["man", "--warnings", "-l", "lockstep.1"], capture_output=True, text=True,
                              env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="100", MANPAGER="cat"))
        if done.returncode != 0 or done.stderr:
            fail(f"man: {done.stderr}")
        wants(done.stdout, "--validation SHARE", "stopped on request after a checkpoint, run again with --resume")
    else:
        print("not looked at by man, which is not here")
    if open(os.path.join(BUILD, "lockstep.1")).read() != page:
        fail("the manual page of the build is another")


def completion(keys):
    script = printed("help", "--completion")
    if open(os.path.join(BUILD, "lockstep.bash")).read() != script:
        fail("the completion of the build is another")
    with open("lockstep.bash", "w") as file:
        file.write(script)
    with open("simulate.bash", "w") as file:
        file.write("""set -u
source ./lockstep.bash
complete -p lockstep
[ -z "${BREAKS+x}" ] || COMP_WORDBREAKS=$BREAKS
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_lockstep
printf '%s\\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"}
""")

    def complete(*words, **environment):
        done = subprocess.run(["bash", "simulate.bash", "lockstep", *words], capture_output=True, text=True,
                              env=dict(os.environ, **environment))
        lines = done.stdout.split("\n")
        if done.returncode != 0 or done.stderr or lines[0] != "complete -o default -F _lockstep lockstep":
            fail(f"completing {words}: exit code {done.returncode}, {done.stderr} {lines[0]}")
        return [line for line in lines[1:] if line]

    def same(words, wanted, **environment):
        got = complete(*words, **environment)
        if got != wanted:
            fail(f"completing {words} gave {got}, wanted {wanted}")

    same([""], COMMANDS)
    same(["tr"], ["train"])
    same(["--v"], ["--version"])
    same(["bench", ""], ["step", "exchange", "product"])
    same(["bench", "st"], ["step"])
    same(["bench", "step", "mlp_"], ["mlp_small", "mlp_large", "mlp_wide"])
    same(["bench", "step", "--rounds", "3", "mlp_l"], ["mlp_large"])
    same(["convert", ""], ["csv", "idx", "npy", "npz", "cifar10", "cifar100", "images", "text", "audio"])
    same(["convert", "csv", ""], [])  # readline's own files
    same(["convert", "csv", "a", "b"], [])
    same(["train", "--"], ["--resume", "--force", "--dry-run", "--progress", "--help"])
    same(["train", "--dry"], ["--dry-run"])
    same(["train", "--progress", ""], ["auto", "bar", "plain", "none"])
    same(["train", "x.yaml", "--progress", "=", "p"], ["plain"])  # bash cuts at "="
    same(["train", "x.yaml", "--progress", "="], ["auto", "bar", "plain", "none"])
    same(["train", "x.yaml", "--progress=p"], ["--progress=plain"], BREAKS=" ")  # or doesn't
    same(["evaluate", "run", "--split", "t"], ["train", "test"])
    same(["evaluate", "run", "--data", ""], [])
    same(["doctor", ""], [])
    same(["help", "gra"], ["gradcheck"])
    for command in COMMANDS:
        options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", printed(command, "--help"), re.M))
        has_commands = command in ("bench", "convert")
        missing = options - set(complete(command, "--")) if not has_commands else set()
        if missing:
            fail(f"completion has no {missing} of {command}")
    for words in ["train", "x.yaml"], ["evaluate", "run"], ["predict", "run"], ["gradcheck", "x.yaml"], \
            ["bench", "step", "mlp_small"], ["train", "--progress", "bar", "x.yaml", "train.batch", "=", "3"]:
        same([*words, "train.bat"], ["train.batch="])
        same([*words, "optimizer.adam.l"], ["optimizer.adam.lr="])
        same([*words, "model.dense.un"], [])  # a list: which of its layers?
        same([*words, "optimizer", "=", "adamw"], ["adamw"])
        same([*words, "optimizer=adamw"], ["optimizer=adamw"], BREAKS=" ")
    same(["train", "train.bat"], [])  # the configuration comes first
    same(["help", "adam"], ["adam", "adamw", "adamax"])
    same(["help", "optimizer.adam.l"], ["optimizer.adam.lr"])


def installed():
    done = subprocess.run(["cmake", "--install", BUILD, "--prefix", os.path.abspath("prefix")],
                          capture_output=True, text=True)
    if done.returncode != 0:
        return fail(f"cmake --install: {done.stderr}")
    for path in "share/man/man1/lockstep.1", "share/bash-completion/completions/lockstep":
        if not os.path.exists(os.path.join("prefix", path)):
            fail(f"{path} is not installed")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    command_lines()
    help_texts()
    known = printed("help", "--keys").split()
    reference(known)
    manual()
    completion(known)
    installed()
    os.chdir("/")
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)
