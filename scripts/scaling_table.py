"""The table and files of scripts/scaling.sh, from the summaries of its runs."""
import argparse
import csv
import datetime
import json
import os
import statistics

import scaling_picture

PARTS = scaling_picture.PARTS


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def read(folder, ranks, repeat):
    """One row a rank count: samples/s and milliseconds a step, each a median with its spread."""
    rows = []
    for count in ranks:
        runs = []
        for i in range(1, repeat + 1):
            with open(os.path.join(folder, f"{count}-{i}", "summary.json")) as file:
                runs.append(json.load(file))
        steps = [max(run["steps"], 1) for run in runs]
        row = {"ranks": count, "nodes": runs[0]["nodes"], "lanes": runs[0]["lanes"],
               "batch": runs[0]["batch"], "exchange": runs[0]["exchange"], "steps": steps[0],
               "samples_per_second": spread([run["samples_per_second"] for run in runs]),
               "step_ms": {}}
        for part in PARTS:
            row["step_ms"][part] = spread(
                [1e3 * run["seconds"].get(part, 0.0) / n for run, n in zip(runs, steps)])
        rows.append(row)
    first = rows[0]
    for row in rows:
        gain = row["samples_per_second"]["median"] / first["samples_per_second"]["median"]
        row["speed_up"] = gain
        row["efficiency"] = gain * first["ranks"] / row["ranks"]
    return rows


def amount(x):
    """A number as a person reads it: four digits are plenty."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def table(rows, cores):
    heads = ["ranks", "batch", "samples/s", "(least to most)", "speed-up", "efficiency"]
    heads += [f"{part} ms" for part in PARTS]
    lines = []
    for row in rows:
        speed = row["samples_per_second"]
        lines.append([f"{row['ranks']}{'*' if row['ranks'] > cores else ' '}", f"{row['batch']}",
                      amount(speed["median"]), f"({amount(speed['min'])} to {amount(speed['max'])})",
                      f"{row['speed_up']:.2f}", f"{100 * row['efficiency']:.0f} %"]
                     + [f"{row['step_ms'][part]['median']:.3f}" for part in PARTS])
    widths = [max(len(line[i]) for line in [heads] + lines) for i in range(len(heads))]
    for line in [heads] + lines:
        print("    " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths)))
        if line is heads:
            print("    " + "  ".join("-" * width for width in widths))
    if any(row["ranks"] > cores for row in rows):
        print(f"    * more ranks than the {cores} cores here: they take turns, and wait for each other")


def machine_of(folder, runs):
    """What it was measured on: of `lockstep doctor --json` on all ranks, where that went well, and of a run."""
    known = {key: runs.get(key) for key in ("version", "mpi", "hdf5", "simd", "precision", "products")}
    known["date"] = datetime.date.today().isoformat()
    try:
        with open(os.path.join(folder, "machine.json")) as file:
            ranks = json.load(file)["ranks"]
    except (OSError, ValueError, KeyError):
        return known
    unique = lambda key: list(dict.fromkeys(rank[key] for rank in ranks if rank.get(key)))
    cores = unique("host_cores")
    known.update(hosts=unique("host"), processors=unique("processor"), blas=unique("blas"),
                 host_cores=cores[0] if len(cores) == 1 else None)
    return known


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--runs", required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--ranks", required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--config", required=True)
    a = parser.parse_args()
    ranks = [int(r) for r in a.ranks.split(",")]
    rows = read(a.runs, ranks, a.repeat)
    with open(os.path.join(a.runs, f"{ranks[0]}-1", "summary.json")) as file:
        run = json.load(file)
    for row in rows:
        row["beyond_cores"] = row["ranks"] > a.cores
    table(rows, a.cores)
    with open(os.path.join(a.out, "results.json"), "w") as file:
        json.dump({"config": a.config, "mode": a.mode, "repeat": a.repeat, "cores": a.cores, "machine": machine_of(a.runs, run),
                   "rows": rows}, file, indent=2)
        file.write("\n")
    with open(os.path.join(a.out, "results.csv"), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ranks", "nodes", "lanes", "batch", "steps", "samples_per_second", "least", "most",
                         "speed_up", "efficiency", "beyond_cores"] + [f"{part}_ms" for part in PARTS])
        for row in rows:
            speed = row["samples_per_second"]
            writer.writerow([row["ranks"], row["nodes"], row["lanes"], row["batch"], row["steps"],
                             speed["median"], speed["min"], speed["max"], row["speed_up"],
                             row["efficiency"], int(row["beyond_cores"])]
                            + [row["step_ms"][part]["median"] for part in PARTS])
    scaling_picture.write(a.out)


main()
