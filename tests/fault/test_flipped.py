"""One flipped bit in a block of HDF5's own (object headers, attributes, links, indices): the command gives what it
gave, or ends with exit code 3 and one line; never another result.  A tool that takes an error for "it isn't there"
goes on without normalisation, scale, classes or a part of the data.

test_flipped.py [--bits N] [--seed S] [--every]: N bits (60) drawn by S; --every takes one of each 8 bytes of every
block.  LOCKSTEP_TEST_FULL=1 is --bits 1000."""
import argparse
import os
import random
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import small

SIGNATURE = re.compile(b"\x89HDF\r\n\x1a\n|OHDR|OCHK|FRHP|FHDB|FHIB|BTHD|BTLF|BTIN|FADB|FAHD|EADB|EAHD|FSHD|FSSE|GCOL")
LONGEST = 100  # of a block whose length isn't said where it begins: what follows may be values
# The file and what is done with it; @ is the damaged copy, ! a folder for what is made.
CASES = {
    "network": ("run/checkpoints/final.h5", [["evaluate", "@", "--json"], ["predict", "@", "-o", "!/out.h5"]]),
    "training": ("@step", [["evaluate", "@", "--json"]]),
    "table": ("table.h5", [["evaluate", "run", "--data", "@", "--json"], ["inspect", "@", "--json"],
                           ["train", "run.yaml", "data.file=@", "output=!/run", "--progress=none"]]),
    "images": ("images.h5", [["evaluate", "images", "--data", "@", "--json"],
                             ["train", "images.yaml", "data.file=@", "output=!/run", "--progress=none"]]),
}


def length(whole, at):
    """Of the block that begins here; an object header says it: flags, times and limits if it has some, bytes of the
    messages in 1 to 8 bytes, these, and a checksum."""
    if whole[at:at + 4] != b"OHDR":
        return LONGEST
    flags = whole[at + 5]
    size = at + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    first = size + (1 << (flags & 3))
    return first - at + int.from_bytes(whole[size:first], "little") + 4


def blocks(whole):
    """(first byte, end) of each."""
    starts = [match.start() for match in SIGNATURE.finditer(whole)]
    return [(at, min(end, at + length(whole, at))) for at, end in zip(starts, starts[1:] + [len(whole)])]


def outcome(words, path, to):
    """Exit code, what it gives, standard error."""
    code, printed, said = small.run([word.replace("@", path).replace("!", to) for word in words])
    given = [printed.replace(path, "@").replace(to, "!")]
    for name in sorted(os.listdir(to)):
        if name == "run" and os.path.exists(f"{to}/run/summary.json"):
            with open(f"{to}/run/summary.json") as file:
                given += re.findall('"weights_hash":"[0-9a-f]*"', file.read())
            with open(f"{to}/run/metrics.jsonl") as file:
                given += re.findall('"validation_[a-z]*":[^,}]*', file.read())
        elif name == "out.h5":
            given.append(small.run(["inspect", "--json", f"{to}/out.h5"])[1].replace(to, "!"))
    shutil.rmtree(to)
    os.mkdir(to)
    return code, given, said


class Tester:
    def __init__(self, work):
        self.work, self.whole, self.base = work, {}, {}
        for kind, (path, commands) in CASES.items():
            if path == "@step":
                path = "run/checkpoints/" + max(name for name in os.listdir("run/checkpoints") if name.startswith("step"))
            with open(path, "rb") as file:
                self.whole[kind] = file.read()
            to = tempfile.mkdtemp(dir=work)
            self.base[kind] = [outcome(words, os.path.abspath(path), to) for words in commands]
            for code, _, said in self.base[kind]:
                if code != 0:
                    raise SystemExit(f"{kind}: exit code {code}: {said}")

    def one(self, case):
        """(case, command, exit code, what is wrong or None, standard error) of each command."""
        kind, byte, bit = case
        data = bytearray(self.whole[kind])
        data[byte] ^= 1 << bit
        to = tempfile.mkdtemp(dir=self.work)
        path = to + ".h5"
        with open(path, "wb") as file:
            file.write(data)
        found = []
        for words, (_, wanted, _) in zip(CASES[kind][1], self.base[kind]):
            code, given, said = outcome(words, path, to)
            wrong = None
            if code == 0 and given != wanted:
                wrong = "another result, and exit code 0"
            elif code not in (0, 3):
                wrong = f"exit code {code}"
            elif code == 3 and (len(said.splitlines()) != 1 or not said.startswith("lockstep: ")):
                wrong = "not one line"
            found.append((case, words[0], code, wrong, said))
        os.unlink(path)
        shutil.rmtree(to)
        return found


def choose(tester, options):
    draw = random.Random(options.seed)
    places = [(kind, block) for kind, whole in tester.whole.items() for block in blocks(whole)]
    if options.every:
        return [(kind, byte, draw.randrange(8)) for kind, (at, end) in places for byte in range(at, end, 8)]
    chosen = []
    while len(chosen) < options.bits:  # block by block, so that each has its turn
        draw.shuffle(places)
        for kind, (at, end) in places[:options.bits - len(chosen)]:
            chosen.append((kind, draw.randrange(at, min(end, at + draw.choice((8, 64, 1000)))), draw.randrange(8)))
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", type=int, default=1000 if os.environ.get("LOCKSTEP_TEST_FULL", "0") == "1" else 60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", action="store_true")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="lockstep-flipped.")
    try:
        os.chdir(work)
        small.make()
        tester = Tester(work)
        chosen = choose(tester, options)
        failed, codes = 0, {}
        with ThreadPoolExecutor(max_workers=int(os.environ.get("WORKERS", "2"))) as pool:
            for results in pool.map(tester.one, chosen):
                for (kind, byte, bit), name, code, wrong, said in results:
                    codes[code] = codes.get(code, 0) + 1
                    if wrong is not None:
                        failed += 1
                        print(f"FAILED: {kind}: byte {byte}, bit {bit}: {name}: {wrong}")
                        print("".join(f"  | {line}\n" for line in said.splitlines()[:5]), end="", flush=True)
        print(f"{len(chosen)} bits; exit codes {codes}; wrong {failed}")
        if codes.get(3, 0) == 0:
            failed += 1
            print("FAILED: nothing was noticed")
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    return failed > 0


sys.exit(main())
