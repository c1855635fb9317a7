# Shared by the tests of the public headers.
# shellcheck shell=bash disable=SC2034
: "${LOCKSTEP_SOURCE:?}" "${MPI_INCLUDE:?}"
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
IFS=: read -ra mpi <<<"$MPI_INCLUDE"
flags=(-I"$LOCKSTEP_SOURCE/include" "${mpi[@]/#/-isystem}" -DOMPI_SKIP_MPICXX)
shopt -s nullglob
headers=("$LOCKSTEP_SOURCE"/include/lockstep/*.h)
[ ${#headers[@]} -gt 0 ] || { echo "no public headers in $LOCKSTEP_SOURCE/include/lockstep"; exit 1; }

# alone FILE-SUFFIX COMPILER...: compile each public header alone, twice in one file (its guard).
alone() {
  local suffix=$1 header name failed=0; shift
  for header in "${headers[@]}"; do
    name=lockstep/${header##*/}
    printf '#include <%s>\n#include <%s>\nextern int nothing;\n' "$name" "$name" >"$scratch/alone.$suffix"
    "$@" "${flags[@]}" -c "$scratch/alone.$suffix" -o "$scratch/alone.o" || { echo "FAILED: $name"; failed=1; }
  done
  [ $failed = 0 ] && echo "${#headers[@]} headers compile alone"
  return $failed
}
