"""The picture of scripts/scaling.sh, from its results.json: a script for gnuplot that holds its data."""
import json
import math
import os

PARTS = ("input", "compute", "exchange", "wait", "update")
# Okabe and Ito's colours, told apart by people with any colour vision; neighbours differ in lightness, too.
COLOURS = dict(zip(PARTS, ("#56B4E9", "#0072B2", "#D55E00", "#E69F00", "#009E73")))
WIDTH, HEIGHT = 1290, 430


def quoted(text):
    """Text as gnuplot takes it, without anything that it obeys."""
    shown = "".join(c if c.isprintable() else "?" for c in str(text))
    return "'" + shown.replace("'", "''").replace("`", '"') + "'"


def shortened(text, most):
    return text if len(text) <= most else text[:most - 3] + "..."


def step_of(span, most):
    """A round step, 1, 2 or 5 times a power of ten, of which at most so many fit into a span."""
    if not span > 0:
        return 1.0
    step = 10.0 ** math.floor(math.log10(span / most))
    return next(step * k for k in (1, 2, 5, 10, 20) if step * k * most >= span * 0.999)


def amount(x):
    """2.5M, 800k: a number of an axis, with all of its digits."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if x >= size:
            return f"{x / size:.6g}{letter}"
    return f"{x:.6g}"


def tics(values, label=amount):
    return "(" + ", ".join(f"{quoted(label(v))} {v:.9g}" for v in values) + ")"


def speed_axis(low, high, log):
    """Its range and the numbers beside it."""
    if not log:
        step = step_of(1.05 * high, 6)
        return 0, 1.05 * high, [k * step for k in range(int(1.05 * high / step + 1e-9) + 1)]
    low, high = low / 1.3, high * 1.3
    each = (1, 2, 5) if high / low < 300 else (1,)
    found = [k * 10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for k in each]
    return low, high, [v for v in found if low <= v <= high]


def facts(results):
    """What it was measured on, in one line."""
    machine = results.get("machine") or {}
    hosts, cores = len(machine.get("hosts") or []), machine.get("host_cores")
    words = [", ".join(machine.get("processors") or [])]
    if hosts:
        words.append(f"{hosts} host{'' if hosts == 1 else 's'}" + (f" of {cores} cores" if cores else ""))
    words += [machine.get("simd"), machine.get("mpi"), machine.get("precision")]
    if machine.get("products") not in (None, "lockstep"):
        words.append("products by " + machine["products"])
    exchanges = sorted({row["exchange"] for row in results["rows"]})
    words += ["exchange " + ", ".join(exchanges), f"lockstep {machine['version']}" if machine.get("version") else "", machine.get("date")]
    return "; ".join(word for word in words if word)


def rank_label(row, nodes):
    mark = "*" if row["beyond_cores"] else ""
    return f"{row['ranks']}{mark}" + (f"\\n{row['nodes']}" if nodes else "")


def script(results):
    """A script that is called with the files to draw, whose names end in .png, .svg or .pdf."""
    rows = sorted(results["rows"], key=lambda row: row["ranks"])
    first = results["rows"][0]
    base = first["samples_per_second"]["median"] or 1
    ranks = [row["ranks"] for row in rows]
    nodes, beyond = any(row["nodes"] > 1 for row in rows), any(row["beyond_cores"] for row in rows)
    log = ranks[-1] >= 4 * ranks[0]
    ideal = [base * n / first["ranks"] for n in ranks]
    speeds = [row["samples_per_second"] for row in rows]
    low, high, numbers = speed_axis(min(ideal + [s["min"] or s["median"] or 1 for s in speeds]), max(ideal + [s["max"] for s in speeds]), log)
    share = [[100 * s[k] / i for k in ("median", "min", "max")] for s, i in zip(speeds, ideal)]
    top = max(110, 1.05 * max(s[2] for s in share))
    sums = [sum(row["step_ms"][part]["median"] for part in PARTS) for row in rows]
    most = 1.3 * max(sums) or 1

    def data(name, lines):
        return f"${name} << END\n" + "\n".join(" ".join(f"{x:.9g}" for x in line) for line in lines) + "\nEND\n"

    # A tic's label may have two lines, which double quotes alone give.
    rank_tics = "(" + ", ".join(f"\"{rank_label(row, nodes)}\" {row['ranks']}" for row in rows) + ")"
    bar_tics = "(" + ", ".join(f"\"{rank_label(row, nodes)}\" {i}" for i, row in enumerate(rows)) + ")"
    edge = (ranks[0] / 1.2, ranks[-1] * 1.2) if log else (ranks[0] - 0.12 * max(ranks[-1] - ranks[0], 1), ranks[-1] + 0.12 * max(ranks[-1] - ranks[0], 1))
    label = "ranks" + (", nodes below" if nodes else " of one node") + (" (* more ranks than cores)" if beyond else "")
    place = lambda k: (f"set lmargin at screen {(k + 0.2) / 3:.4f}\nset rmargin at screen {(k + 0.955) / 3:.4f}\n"
                       f"set bmargin at screen {0.235 if nodes else 0.2}\nset tmargin at screen 0.88\n")
    text = "# gnuplot -c THIS.gp PICTURE.png PICTURE.svg PICTURE.pdf\nset encoding utf8\n"
    text += data("speed", [(n, s["median"], s["min"], s["max"], i) for n, s, i in zip(ranks, speeds, ideal)])
    text += data("efficiency", [(n, *s) for n, s in zip(ranks, share)])
    text += data("parts", [(i, *(row["step_ms"][part]["median"] for part in PARTS)) for i, row in enumerate(rows)])
    text += f"""do for [k = 1:ARGC] {{
file = value(sprintf('ARG%d', k))
end = file[strlen(file)-3:*]
if (end eq '.svg') {{
set terminal svg noenhanced size {WIDTH},{HEIGHT} dynamic font 'Helvetica,Arial,sans-serif,12' background '#ffffff'
}} else {{ if (end eq '.pdf') {{
set terminal pdfcairo noenhanced size {WIDTH / 96:.3f}in,{HEIGHT / 96:.3f}in font 'Sans,9' background '#ffffff'
}} else {{
set terminal pngcairo noenhanced size {2 * WIDTH},{2 * HEIGHT} font 'Sans,9' fontscale 2 linewidth 2 pointscale 2 background '#ffffff'
}} }}
set output file
set border 3 lc rgb '#606060' lw 1
set tics nomirror textcolor rgb '#404040' scale 0.5
set grid y lc rgb '#e4e4e4' lt 1 lw 0.7
set title textcolor rgb '#202020'
set xlabel {quoted(label)} offset 0,{-0.9 if nodes else 0} textcolor rgb '#404040'
set ylabel textcolor rgb '#404040'
set label 1 {quoted(shortened(facts(results), 190))} at screen 0.5,0.035 center font ',8' textcolor rgb '#707070'
set multiplot
{place(0)}set title {quoted(shortened(f"Speed, {results['mode']} scaling of " + os.path.basename(results['config']), 50))}
set ylabel 'samples a second'
{'set logscale xy' if log else ''}
set xtics {rank_tics}
set ytics {tics(numbers)}
set xrange [{edge[0]:.9g}:{edge[1]:.9g}]
set yrange [{low:.9g}:{high:.9g}]
set key top left Left reverse spacing 1.2 samplen 2.5 textcolor rgb '#303030'
plot $speed using 1:5 with lines lc rgb '#808080' lw 1.6 dt (8,4) title 'ideal', \\
     $speed using 1:2:3:4 with yerrorbars lc rgb '#0072B2' lw 1.6 pt 7 ps 1 title 'median, least, most', \\
     $speed using 1:2 with lines lc rgb '#0072B2' lw 2.2 notitle
unset label 1
{place(1)}set title {quoted(f"Efficiency, by {first['ranks']} rank{'' if first['ranks'] == 1 else 's'}")}
set ylabel 'per cent of ideal'
unset logscale y
set ytics {step_of(top, 6):g}
set yrange [0:{top:.9g}]
unset key
plot 100 with lines lc rgb '#808080' lw 1.6 dt (8,4) notitle, \\
     $efficiency using 1:2:3:4 with yerrorbars lc rgb '#0072B2' lw 1.6 pt 7 ps 1 notitle, \\
     $efficiency using 1:2 with lines lc rgb '#0072B2' lw 2.2 notitle
{place(2)}set title 'Where the time of a step goes'
set ylabel 'milliseconds a step'
unset logscale
set xtics {bar_tics}
set xrange [-0.6:{len(rows) - 0.4}]
set ytics {step_of(most, 6):g}
set yrange [0:{most:.9g}]
set key top center horizontal maxcols 3 samplen 1 textcolor rgb '#303030'
set style fill solid 1 border rgb '#ffffff'
set boxwidth 0.6
"""
    sums = ["+".join(f"${i + 2}" for i in range(k + 1)) for k in range(len(PARTS))]
    # From the whole sum down, so that each box covers what belongs to the parts below it.
    boxes = [f"$parts using 1:({sums[k]}) with boxes lc rgb '{COLOURS[part]}' title '{part}'" for k, part in reversed(list(enumerate(PARTS)))]
    return text + "plot " + ", \\\n     ".join(boxes) + "\nunset multiplot\nunset output\n}\n"


def write(folder):
    with open(os.path.join(folder, "results.json")) as file:
        results = json.load(file)
    with open(os.path.join(folder, "scaling.gp"), "w") as file:
        file.write(script(results))
