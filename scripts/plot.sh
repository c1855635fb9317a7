#!/bin/bash
# Learning curves of one or more runs: loss and first metric, training and validation.
#
#   scripts/plot.sh RUN_DIRECTORY... [-o PICTURE.png] [--text]
#
# Reads metrics.jsonl of each run directory.  Writes learning-curve.png into the first one unless -o
# says otherwise (.png, .svg or .pdf).  --text draws the curves with characters, here and now.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

runs=() picture='' text=''
while [ $# -gt 0 ]; do
  case $1 in
    -o) [ $# -gt 1 ] || die "-o wants a file"; picture=$2; shift 2 ;;
    --text) text=yes; shift ;;
    -h|--help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit ;;
    -*) die "unknown option $1; --help lists them" ;;
    *) runs+=("${1%/}"); shift ;;
  esac
done
[ ${#runs[@]} -gt 0 ] || die "which run directory? --help shows how"
has gnuplot || die "needs gnuplot (Debian: gnuplot-nox)"
for run in "${runs[@]}"; do
  [ -r "$run/metrics.jsonl" ] || die "$run: no metrics.jsonl here; is it a run directory?"
done
picture=${picture:-${runs[0]}/learning-curve.png}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# numbers RUN METRIC: "epoch loss validation_loss metric validation_metric" a line, ? where missing.
numbers() {
  awk -v metric="$2" '
    function value(key,   at) {
      if (!match($0, "\"" key "\": *-?[0-9][-+.eE0-9]*")) return "?"
      at = substr($0, RSTART, RLENGTH)
      sub(/^[^:]*: */, "", at)
      return at
    }
    /"type": *"epoch"/ {
      print value("epoch"), value("loss"), value("validation_loss"),
            (metric == "" ? "?" : value(metric)), (metric == "" ? "?" : value("validation_" metric))
    }' "$1/metrics.jsonl"
}

# The first metric is what follows the loss in an epoch's line, if it is no bookkeeping.
metric=$(sed -n '/"type": *"epoch"/{s/.*[{,] *"loss": *[^,}]*, *"\([a-z0-9_]*\)".*/\1/p;q}' "${runs[0]}/metrics.jsonl")
case $metric in validation_*|lr|samples_per_second|seconds|samples|step) metric='' ;; esac

n=0 epochs=0 any_validation='' loss_plots='' metric_plots='' positive=yes
# Okabe and Ito's colours, told apart by people with any colour vision.
colours=(0072B2 D55E00 009E73 CC79A7 E69F00 56B4E9 000000)
low='' high=''
for run in "${runs[@]}"; do
  file=$scratch/$n
  numbers "$run" "$metric" >"$file"
  [ -s "$file" ] || die "$run/metrics.jsonl: no epoch has been finished yet"
  read -r count least most validated < <(awk '
    { for (i = 2; i <= 3; i++) if ($i != "?") { if (!seen++ || $i < a) a = $i; if (seen == 1 || $i > b) b = $i } }
    $3 != "?" { v = "yes" }
    END { print NR, seen ? a + 0 : 0, seen ? b + 0 : 0, v }' "$file")
  [ "$count" -le "$epochs" ] || epochs=$count
  low=$(awk -v a="${low:-$least}" -v b="$least" 'BEGIN { print (b < a) ? b : a }')
  high=$(awk -v a="${high:-$most}" -v b="$most" 'BEGIN { print (b > a) ? b : a }')
  any_validation=$any_validation$validated
  colour=${colours[n % ${#colours[@]}]}
  title=''
  [ ${#runs[@]} = 1 ] || title="$(basename "$run"), "
  title=${title//_/\\_}
  for part in training validation; do
    # Training is drawn thin and dashed, validation, which counts, thick.
    if [ $part = training ]; then column=2 look="lw 2 dt (9,5)"; else column=3 look="lw 2.8"; fi
    [ $part = training ] || [ -n "$validated" ] || continue
    [ -n "$validated" ] || look="lw 2.8"
    [ "$count" -gt 1 ] && how="with lines" || how="with points pt 7 ps 1.4"
    [ "$count" -gt 1 ] || look=''
    loss_plots+=", '$file' using 1:$column $how lc rgb '#$colour' $look title '$title$part'"
    metric_plots+=", '$file' using 1:$((column + 2)) $how lc rgb '#$colour' $look title '$title$part'"
  done
  n=$((n + 1))
done
# Losses that shrink by more than a factor of 30 are read on a logarithmic axis.
awk -v a="$low" -v b="$high" 'BEGIN { exit !(a > 0 && b / a > 30) }' || positive=''

# gnuplot's script: the same panels for every terminal.
panels() {
  local key=$1
  cat <<END
set datafile missing '?'
set xlabel 'epoch'
set xrange [1:$((epochs > 1 ? epochs : 2))]
set xtics nomirror; set ytics nomirror
set key $key
${positive:+set logscale y; set format y '%g'}
set multiplot layout $2
set title 'Loss'; set ylabel 'loss'
plot ${loss_plots#, }
END
  if [ -n "$metric" ]; then
    local name=${metric//_/ }
    cat <<END
unset logscale y; set format y '%g'
set title '${name^}'; set ylabel '$name'
set key ${key/top/bottom}
plot ${metric_plots#, }
END
  fi
  echo 'unset multiplot'
}

if [ -n "$text" ]; then
  width=$( (tput cols || echo 80) 2>/dev/null)
  [ "$width" -le 110 ] || width=110
  # One panel with characters: the metric, or the loss where there is none.
  name=${metric:-loss} plots=$metric_plots
  [ -n "$metric" ] || plots=$loss_plots
  gnuplot <<END
set terminal dumb size $width,20 noenhanced
set datafile missing '?'
set xlabel 'epoch'; set ylabel '' ; set title '${name//_/ } by epoch'
set xrange [1:$((epochs > 1 ? epochs : 2))]
set xtics nomirror; set ytics nomirror; set border 3
set key $([ -n "$metric" ] && echo bottom || echo top) right
plot $(sed 's/ lc rgb [^ ]*//g; s/lw [0-9.]*//g; s/dt ([0-9,]*)//g; s/with points pt 7 ps 1.4/with points/g' <<<"${plots#, }")
END
  exit
fi

case $picture in
  *.png) terminal="pngcairo size $([ -n "$metric" ] && echo 1400 || echo 800),560 fontscale 1.15 enhanced" ;;
  *.svg) terminal="svg size $([ -n "$metric" ] && echo 1050 || echo 600),420 dynamic enhanced" ;;
  *.pdf) terminal="pdfcairo size $([ -n "$metric" ] && echo 10 || echo 6),4 enhanced" ;;
  *) die "$picture: pictures are .png, .svg or .pdf" ;;
esac
mkdir -p "$(dirname "$picture")"
gnuplot <<END
set terminal $terminal
set output '$scratch/picture'
set border 3 lc rgb '#606060' lw 1.2
set tics textcolor rgb '#303030' scale 0.6
set grid lc rgb '#dddddd' lt 1 lw 1
set title font ',14'
$(panels 'top right spacing 1.3 samplen 3' "1,$([ -n "$metric" ] && echo 2 || echo 1) margins 0.08,0.975,0.13,0.90 spacing 0.09")
END
mv "$scratch/picture" "$picture"
note "picture: $picture"
