"""The batteries' command line: runs the cases of one, some side by side, and counts what was lost.

A case is drawn from the battery's name and a number alone, its seed: `--seed S --count 1` repeats it."""
import argparse
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from jobs import Job, Lost, end_jobs

BATTERIES = ("kill", "damage", "stall", "suspend", "environment", "concurrency")


def one(name, battery, shared, work, seed, keep):
    """(why it was lost or None, what was seen) of a case; its folder is kept where it was lost, or to look at."""
    folder = os.path.join(work, f"{name}-{seed}")
    os.mkdir(folder)
    why, seen = None, Counter()
    try:
        seen.update(battery.case(shared, random.Random(f"{name} {seed}"), folder, seed))
    except Lost as lost:
        why = str(lost)
    except Exception as fault:  # the battery's own fault, or files that nobody thought of
        with open(os.path.join(folder, "traceback.txt"), "w") as file:
            traceback.print_exc(file=file)
        why = f"{type(fault).__name__}: {fault} (traceback.txt)"
    finally:
        end_jobs(folder)
    if why is None and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return why, seen


def fire(name, first, count, seconds, keep):
    """Runs one battery; how many cases were lost."""
    battery = importlib.import_module(name)
    work = tempfile.mkdtemp(prefix=f"lockstep-battery-{name}.")
    os.chmod(work, 0o755)  # some cases are another user's
    begun = time.monotonic()
    tried = lost = 0
    seen = Counter()
    try:
        shared = battery.prepare(work)
    except Lost as why:
        print(f"{name}: the undisturbed run fails: {why}\n    folder: {work}", flush=True)
        return 1
    ready = time.monotonic()  # what is shared is made, and --seconds begin
    if count is None and seconds is None:
        count = battery.LONG
    workers = getattr(battery, "WORKERS", None) or len(os.sched_getaffinity(0))
    next_seed, running = first, {}
    with ThreadPoolExecutor(workers) as pool:
        while True:
            while len(running) < workers and (next_seed - first < count if count is not None else
                                              time.monotonic() - ready < seconds):
                running[pool.submit(one, name, battery, shared, work, next_seed, keep)] = next_seed
                next_seed += 1
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                seed = running.pop(future)
                why, more = future.result()
                tried += 1
                seen.update(more)
                if why is not None:
                    lost += 1
                    print(f"LOST {name} {seed}: {why}\n    again: scripts/battery.sh {name} --seed {seed} --count 1"
                          f"\n    folder: {work}/{name}-{seed}", flush=True)
    details = ", ".join(f"{what} {n}" for what, n in sorted(seen.items()))
    print(f"{name}: {tried} tried, {tried - lost} survived, {lost} lost; seeds {first} to {next_seed - 1}, "
          f"{time.monotonic() - begun:.0f} s; {details}", flush=True)
    if keep:
        print(f"    folder: {work}")
    elif lost == 0:
        shutil.rmtree(work, ignore_errors=True)
    return lost


def on_end(number, _):
    """The battery is asked to end: its jobs have sessions of their own and would go on."""
    Job.closed = True
    for folder in list(Job.started):
        end_jobs(folder)
    os._exit(128 + number)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("name", choices=BATTERIES + ("all",))
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--count", type=int)
    words.add_argument("--seconds", type=float)
    words.add_argument("--keep", action="store_true")
    asked = words.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_end)
    names = BATTERIES if asked.name == "all" else (asked.name,)
    return sum([fire(name, asked.seed, asked.count, asked.seconds, asked.keep) for name in names]) > 0


if __name__ == "__main__":
    sys.exit(main())
