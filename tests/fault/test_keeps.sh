#!/bin/bash
# --resume throws nothing away.  A checkpoint that can't be used is passed over with a line and keeps its bytes;
# where none can be used nothing is touched; best.h5 is made anew; results without a checkpoint are moved aside; what
# HDF5 crashed on is passed over at the next start.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
newer=$LOCKSTEP_BUILD/tests/fault/newer
run_of_parts k.yaml
train() { "$lockstep" train k.yaml --progress=none "$@"; }

# resume RANKS RUN [OVERRIDES]: exit code 0; what it said is in err.
resume() {
  local n=$1 run=$2
  shift 2
  accepted ranks "$n" "$lockstep" train k.yaml --progress=none --resume "output=$run" "$@"
}
# copy OF AS: with the times that its files have
copy() { rm -rf "$2" "$2".*; cp -rp "$1" "$2"; }
said() { grep -Eq "$1" "$work/err" || { fail "nothing like /$1/ was said:"; sed 's/^/  | /' "$work/err"; }; }
all_of() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 cksum); }
step() { printf '%s/checkpoints/step-%012d.h5' "$1" "$2"; }
damage() { printf '\377\377\377\377' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") / 2)) conv=notrunc 2>/dev/null; }

accepted train output=whole
accepted train output=cut train.max_steps=40
whole=$(hash_of whole)

for n in 1 3; do
  # three newer ones that can't be used, one of each sort, with names that the run comes to use itself
  copy cut run
  head -c 3000 "$(step run 40)" >"$(step run 50)"
  ln -s "$(basename "$(step run 44)")" "$(step run 44)"
  "$newer" "$(step run 52)" || fail "no checkpoint of a newer version"
  damaged=$(cksum <"$(step run 50)") later=$(cksum <"$(step run 52)")
  resume $n run
  said "passing over a checkpoint of a newer version: $(step run 52): "
  said "passing over a damaged checkpoint: $(step run 50): "
  said "passing over a checkpoint that can't be read: $(step run 44): .*symbolic links"
  same "$n ranks, three passed over" "$(hash_of run)" "$whole"
  same "$n ranks, the damaged one" "$(cksum <"$(step run 50).damaged")" "$damaged"
  same "$n ranks, the newer one" "$(cksum <"$(step run 52).newer")" "$later"
  [ -L "$(step run 44).unreadable" ] || fail "$n ranks: what could not be read is gone"
  same "$n ranks, no others" "$(ls run/checkpoints | grep -c '^step')" 6
  resume $n run
  same "$n ranks, done" "$(grep -c passing "$work/err")" 0

  # results without any checkpoint to go on from
  copy whole run
  rm run/checkpoints/step-*
  before=$(all_of run)
  resume $n run train.epochs=5
  said "no checkpoint to go on from, .*step 0: the earlier run in run is now in run.1"
  same "$n ranks, moved aside" "$(all_of run.1)" "$before"
  [ -e run/summary.json ] || fail "$n ranks: nothing was trained"
done

# none can be used: an error, and nothing is touched
copy whole run
for k in 40 50 60; do [ -e "$(step run $k)" ] && head -c 900 "$(step whole 60)" >"$(step run $k)"; done
before=$(all_of run)
refused 3 'run/checkpoints: none of the 3 checkpoints can be used: .*step-000000000060.*step-000000000050.*step-000000000040' \
  "$lockstep" train k.yaml --progress=none output=run --resume
rm "$(step run 40)" "$(step run 60)"
refused 3 'its only checkpoint .*step-000000000050' "$lockstep" train k.yaml --progress=none output=run --resume
"$newer" "$(step run 50)"
refused 3 'its only checkpoint .*version' "$lockstep" train k.yaml --progress=none output=run --resume
ln -s nothing/at/all "$(step run 60)"
refused 1 'none of the 2 checkpoints .*step-000000000060.h5: cannot be opened' "$lockstep" train k.yaml --progress=none output=run --resume
same "results beside checkpoints that can't be used" "$(all_of run | grep -v step-)" "$(grep -v step- <<<"$before")"
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$lockstep" -a -x "$work/.." 2>/dev/null; then
  copy cut run
  chmod -R a+rwX "$work"
  chmod 000 "$(step run 40)"
  setpriv --reuid 65534 --regid 65534 --clear-groups "$lockstep" train k.yaml --progress=none --resume output=run >out 2>err
  same "no permission for one: exit code" $? 0
  said "can't be read: $(step run 40): cannot be opened: Permission denied"
  same "no permission for one" "$(hash_of run) $(cksum <"$(step run 40).unreadable")" "$whole $(cksum <"$(step cut 40)")"
fi

# ---- best.h5 ----
early='early_stopping.patience=5 train.epochs=40 optimizer.adam.lr=0.1 checkpoint.keep=100'
accepted train output=best $early
best=$(hash_of best) last=$(number best steps)
accepted train output=stopped $early train.max_steps=$((last - 3))
for n in 1 3; do
  for how in missing damaged unreadable; do
    copy stopped run
    case $how in
      missing) rm run/checkpoints/best.h5 ;;
      damaged) damage run/checkpoints/best.h5 && [ -e run/checkpoints/best.h5 ] ;;
      unreadable) ln -sf best.h5 run/checkpoints/best.h5 ;;
    esac
    resume $n run $early
    said "early_stopping: run/checkpoints/best.h5: .*is taken from the checkpoint of that epoch"
    same "$n ranks, best.h5 $how" "$(hash_of run) $(number run steps)" "$best $last"
    same "$n ranks, best.h5 $how, anew" "$("$lockstep" evaluate run/checkpoints/best.h5 --split validation)" \
      "$("$lockstep" evaluate best/checkpoints/best.h5 --split validation)"
    [ $how = missing ] || [ -e run/checkpoints/best.h5.$how ] || [ -L run/checkpoints/best.h5.$how ] ||
      fail "$n ranks: best.h5 that is $how is gone"
  done
  # it is not to be had any more: the end has the best of what came after, and says so
  copy stopped run
  rm run/checkpoints/best.h5
  find run/checkpoints -name 'step-*' ! -name "$(basename "$(step run $((last - 3)))")" -delete
  rm -f run/checkpoints/final.h5
  accepted ranks $n "$lockstep" train k.yaml --progress=plain --resume output=run $early
  said "the network of the best epoch, [0-9]+, is lost"
  shown "best epoch .*: the weights are epoch [0-9]+'s, as those are lost"
  same "$n ranks, lost: steps" "$(number run steps) $(number run best_weights)" "$last false"
  # a finished run has it as its end
  copy best run
  rm run/checkpoints/best.h5
  find run/checkpoints -name 'step-*' ! -name "$(basename "$(step run "$last")")" -delete
  resume $n run $early
  said "is taken from final.h5"
  same "$n ranks, finished" "$(hash_of run)" "$best"
done

# ---- HDF5 crashes ----
preload=$LOCKSTEP_BUILD/tests/libcrash.so
for n in 1 3; do
  copy cut run
  kept=$(cksum <"$(step run 40)")
  crashing() { LD_PRELOAD=$preload CRASH_PATH=step-000000000040.h5 ranks $n "$lockstep" train k.yaml output=run --resume --progress=none >out 2>err; }
  crashing
  same "$n ranks, the first start" "$? $(grep -c '^lockstep: ' err)" "3 1"
  said "$(step run 40): HDF5 crashed while reading it"
  [ -e "$(step run 40).crashed" ] || fail "$n ranks: the crash left no mark"
  crashing
  same "$n ranks, the second start" $? 0
  said "passing over a damaged checkpoint: $(step run 40): HDF5 crashed"
  same "$n ranks, after a crash" "$(hash_of run) $(cksum <"$(step run 40).damaged")" "$whole $kept"
  [ -e "$(step run 40).crashed" ] && fail "$n ranks: the mark is still there"
done
# the mark is of that file alone
copy cut run
echo "3 bytes, of 1.000000002" >"$(step run 40).crashed"
resume 1 run
same "another file of that name" "$(grep -c passing "$work/err") $(hash_of run)" "0 $whole"
# and evaluate passes over it, too
copy cut run
rm run/checkpoints/final.h5
for want in 3 0; do
  LD_PRELOAD=$preload CRASH_PATH=step-000000000040.h5 "$lockstep" evaluate run --split validation >out 2>err
  same "evaluate, HDF5 crashes" $? $want
done
finish
