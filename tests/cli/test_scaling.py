"""scripts/scaling.sh with a program and a launcher that are made up, so that its numbers are known: the table, results.json
with the machine's facts, the picture's numbers, and what is said where gnuplot is missing or fails."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

SOURCE = os.environ["LOCKSTEP_SOURCE"]
failures = 0
work = tempfile.mkdtemp(prefix="lockstep-scaling.")
os.chdir(work)


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def stand_in(path, text):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)


# Two ranks a node; 1.4 million samples a second on one rank, 90 % of that for each of two, and so on.
stand_in("launcher", '#!/bin/sh\nRANKS=$2\nexport RANKS\nshift 2\nexec "$@"\n')
stand_in("program", f"#!{sys.executable}\n" + '''import json, os, sys
ranks = int(os.environ["RANKS"])
if sys.argv[1] == "doctor":
    print(json.dumps({"ranks": [{"host": f"node{r // 2}", "processor": "Some 'Processor' {x}", "blas": "B", "host_cores": 2} for r in range(ranks)]}))
    sys.exit(os.path.exists("no-doctor"))
out = next(a for a in sys.argv if a.startswith("output="))[7:]
os.makedirs(out, exist_ok=True)
with open(out + "/summary.json", "w") as f:
    json.dump({"nodes": (ranks + 1) // 2, "lanes": 8, "batch": 32, "exchange": "tree", "steps": 100, "samples_per_second": 1.4e6 * ranks * 0.9 ** (ranks - 1),
               "seconds": {"input": 0.001, "compute": 0.1 / ranks, "exchange": 0.002, "wait": 0.003, "update": 0.001}, "version": "1.2.3",
               "mpi": "MPI 5", "hdf5": "1", "simd": "avx2", "precision": "float32", "products": "lockstep"}, f)
''')
with open("it's {my}_config.yaml", "w") as f:
    f.write("{}\n")


def scaling(*args, path=None):
    env = {**os.environ, "LOCKSTEP": os.path.join(work, "program"), "MPIRUN": os.path.join(work, "launcher"), "SLURM_NTASKS": "4"}
    if path is not None:
        env["PATH"] = path
    return subprocess.run([os.path.join(SOURCE, "scripts", "scaling.sh"), "it's {my}_config.yaml", "--repeat", "2", *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=env)


def texts(path):
    return ["".join(node.itertext()).strip() for node in xml.etree.ElementTree.parse(path).getroot().iter() if node.tag.endswith("}text")]


has_gnuplot = shutil.which("gnuplot") is not None
got = scaling("--ranks", "1,2,3,8", "--out", "out")
if got.returncode != 0 or not re.search(r" 2 +32 +2,520,000 .* 1\.80 +90 %", got.stdout) or "8*" not in got.stdout:
    fail(f"the table: {got}")
with open("out/results.json") as f:
    results = json.load(f)
machine = {key: results["machine"].get(key) for key in ("hosts", "processors", "host_cores", "simd", "mpi", "version", "products")}
if machine != {"hosts": ["node0", "node1", "node2", "node3"], "processors": ["Some 'Processor' {x}"], "host_cores": 2, "simd": "avx2",
               "mpi": "MPI 5", "version": "1.2.3", "products": "lockstep"}:
    fail(f"the machine's facts: {machine}")
if [row["nodes"] for row in results["rows"]] != [1, 1, 2, 4]:
    fail(f"nodes: {results['rows']}")
if has_gnuplot:
    seen = texts("out/scaling.svg")
    for wanted in ("Speed, strong scaling of it's {my}_config.yaml", "Efficiency, by 1 rank", "ideal", "Where the time of a step goes", "wait", "100",
                   "ranks, nodes below (* more ranks than cores)", "8*", "4"):
        if wanted not in seen:
            fail(f"the picture does not say {wanted!r}: {seen}")
    if not any("Some 'Processor' {x}; 4 hosts of 2 cores; avx2; MPI 5" in text for text in seen):
        fail(f"the picture does not say what it was measured on: {seen}")
    # Numbers beside the axis of speed: each another one, and what it says.
    got = scaling("--ranks", "1,2", "--out", "few")
    numbers = [text for text in texts("few/scaling.svg") if re.fullmatch(r"[\d.]+[kM]", text)]
    if got.returncode != 0 or numbers != ["500k", "1M", "1.5M", "2M", "2.5M"]:
        fail(f"numbers of the speed: {numbers} {got}")
    if open("few/scaling.png", "rb").read(8) != b"\x89PNG\r\n\x1a\n":
        fail("scaling.png is no PNG")
open("no-doctor", "w").close()
got = scaling("--ranks", "1", "--out", "plain")
with open("plain/results.json") as f:
    machine = json.load(f)["machine"]
if got.returncode != 0 or "hosts" in machine or machine["version"] != "1.2.3":
    fail(f"without doctor: {machine} {got}")
# Everything but gnuplot; then one that fails.
os.mkdir("bin")
for folder in reversed([p for p in os.environ["PATH"].split(":") if os.path.isdir(p)]):
    for name in os.listdir(folder):
        if not name.startswith("gnuplot") and os.access(os.path.join(folder, name), os.X_OK):
            if os.path.lexists("bin/" + name):
                os.remove("bin/" + name)
            os.symlink(os.path.join(folder, name), "bin/" + name)
got = scaling("--ranks", "1,2", "--out", "without", path=os.path.join(work, "bin"))
if got.returncode != 0 or "gnuplot-nox" not in got.stdout or "gnuplot -c without/scaling.gp without/scaling.png" not in got.stdout:
    fail(f"without gnuplot: {got}")
stand_in("bin/gnuplot", '#!/bin/sh\necho "line 3: no such terminal" >&2\nexit 1\n')
got = scaling("--ranks", "1,2", "--out", "fails", path=os.path.join(work, "bin"))
if got.returncode != 0 or "gnuplot says: line 3: no such terminal" not in got.stderr or not os.path.exists("fails/scaling.gp"):
    fail(f"a gnuplot that fails: {got}")
os.chdir("/")
shutil.rmtree(work)
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)
