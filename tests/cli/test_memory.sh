#!/bin/bash
# Parameters and optimizer state of a node do not grow with its ranks.
if ! awk '/^Pss:/ { found = 1 } END { exit !found }' /proc/self/smaps_rollup 2>/dev/null; then
  echo "skipped: the kernel has no /proc/PID/smaps_rollup"
  exit 77
fi
exec bash "$LOCKSTEP_SOURCE/scripts/bench/memory.sh" "$LOCKSTEP_BUILD" --check
