"""The table, files and gnuplot script of scripts/scaling.sh, from the summaries of its runs."""
import argparse
import csv
import json
import os
import statistics

PARTS = ("input", "compute", "exchange", "wait", "update")
# Okabe and Ito's colours, told apart by people with any colour vision.
COLOURS = dict(zip(PARTS, ("#56B4E9", "#0072B2", "#D55E00", "#E69F00", "#009E73")))


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


def gnuplot(out, rows, mode, cores, config):
    def data(name, lines):
        body = "\n".join(" ".join(str(x) for x in line) for line in lines)
        return f"${name} << EOD\n{body}\nEOD\n"

    speeds = [row["samples_per_second"] for row in rows]
    ideal = [speeds[0]["median"] * row["ranks"] / rows[0]["ranks"] for row in rows]
    text = data("speed", [(row["ranks"], s["median"], s["min"], s["max"], i)
                          for row, s, i in zip(rows, speeds, ideal)])
    text += data("parts", [[f"\"{row['ranks']}{'*' if row['ranks'] > cores else ''}\""]
                           + [row["step_ms"][part]["median"] for part in PARTS] for row in rows])
    title = os.path.basename(config).replace("_", "\\\\_")
    ticks = ", ".join(f"\"{row['ranks']}{'*' if row['ranks'] > cores else ''}\" {row['ranks']}" for row in rows)
    low, high = rows[0]["ranks"], max(row["ranks"] for row in rows)
    bars = ", ".join(f"$parts using {i + 2}{':xtic(1)' if i == 0 else ''} lc rgb '{COLOURS[part]}' title '{part}'"
                     for i, part in enumerate(PARTS))
    marked = "  (* more ranks than cores)" if any(row["ranks"] > cores for row in rows) else ""
    text += f"""
set terminal pngcairo size 1400,560 fontscale 1.15 enhanced
set output '{os.path.join(out, "scaling.png")}'
set border 3 lc rgb '#606060' lw 1.2
set tics nomirror textcolor rgb '#303030' scale 0.6
set grid y lc rgb '#dddddd' lt 1 lw 1
set title font ',14'
set xlabel 'ranks{marked}'
set multiplot layout 1,2 margins 0.09,0.975,0.14,0.90 spacing 0.10
set title 'Speed, {mode} scaling of {title}'
set ylabel 'samples a second' offset -1
set format y '{'%.0s%c' if max(ideal) >= 1e4 else '%g'}'
set key top left spacing 1.3 samplen 3
set xtics ({ticks})
set xrange [{low - 0.08 * max(high - low, 1)}:{high + 0.08 * max(high - low, 1)}]
set yrange [0:*]
plot $speed using 1:5 with lines lc rgb '#909090' lw 2 dt (9,5) title 'ideal', \\
     $speed using 1:2:3:4 with yerrorbars lc rgb '#0072B2' lw 2 pt 7 ps 1.2 notitle, \\
     $speed using 1:2 with lines lc rgb '#0072B2' lw 2.8 title 'measured: median, least, most'
set title 'Where the time of a step goes'
set ylabel 'milliseconds a step' offset 0
set format y '%g'
set key top center horizontal maxrows 1 samplen 1 width 1
unset xtics; set xtics nomirror
set xrange [-0.6:{len(rows) - 0.4}]
set yrange [0:{1.15 * max(sum(row["step_ms"][p]["median"] for p in PARTS) for row in rows) or 1}]
set style data histograms
set style histogram rowstacked
set style fill solid 1 noborder
set boxwidth 0.6
plot {bars}
unset multiplot
"""
    with open(os.path.join(out, "scaling.gnuplot"), "w") as file:
        file.write(text)


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
    rows = read(a.runs, [int(r) for r in a.ranks.split(",")], a.repeat)
    for row in rows:
        row["beyond_cores"] = row["ranks"] > a.cores
    table(rows, a.cores)
    with open(os.path.join(a.out, "results.json"), "w") as file:
        json.dump({"config": a.config, "mode": a.mode, "repeat": a.repeat, "cores": a.cores, "rows": rows},
                  file, indent=2)
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
    gnuplot(a.out, rows, a.mode, a.cores, a.config)


main()
