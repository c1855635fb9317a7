#!/usr/bin/env python3
"""A table of digit strings for `lockstep convert audio --labels`: recordings of one speaker joined by chance.

    strings.py RECORDINGS OUT.csv [--shortest 2] [--longest 5] [--train 4000] [--test 300] [--seed 1]
                                  [--speakers NAME ...]

RECORDINGS holds DIGIT_SPEAKER_INDEX.wav; those of index 0 to 4 are joined to the test part's strings, the
others to the training's.  A row is "3_ann_7.wav+1_ann_12.wav+4_ann_9.wav,3 1 4,train"."""
import argparse
import csv
import os
import random

TEST = range(5)


def strings(names, count, lengths, draw):
    """Strings of names, each of one speaker; every name comes as often as any other, give or take one."""
    decks = {}
    for _ in range(count):
        speaker = draw.choice(sorted(names))
        row = []
        for _ in range(draw.randint(*lengths)):
            deck = decks.setdefault(speaker, [])
            if not deck:
                deck.extend(sorted(names[speaker]))
                draw.shuffle(deck)
            row.append(deck.pop())
        yield row


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("recordings")
    options.add_argument("table")
    options.add_argument("--shortest", type=int, default=2)
    options.add_argument("--longest", type=int, default=5)
    options.add_argument("--train", type=int, default=4000)
    options.add_argument("--test", type=int, default=300)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--speakers", nargs="+", help="these alone")
    args = options.parse_args()
    parts = {"train": {}, "test": {}}
    for name in sorted(os.listdir(args.recordings)):
        if name.endswith(".wav"):
            _, speaker, index = name[:-len(".wav")].split("_")
            if args.speakers and speaker not in args.speakers:
                continue
            part = "test" if int(index) in TEST else "train"
            parts[part].setdefault(speaker, []).append(name)
    with open(args.table, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "label", "split"])
        for part, count in (("train", args.train), ("test", args.test)):
            draw = random.Random(f"{args.seed} {part}")
            for row in strings(parts[part], count, (args.shortest, args.longest), draw):
                table.writerow(["+".join(row), " ".join(name.split("_")[0] for name in row), part])


if __name__ == "__main__":
    main()
