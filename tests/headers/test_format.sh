#!/bin/bash
# The tree is formatted: clang-format would change nothing.
set -euo pipefail
: "${LOCKSTEP_SOURCE:?}"
version=14  # other versions break lines elsewhere
program=
for candidate in clang-format-$version clang-format; do
  if command -v $candidate >/dev/null && $candidate --version | grep -q "version $version\."; then
    program=$candidate
    break
  fi
done
[ -n "$program" ] || { echo "SKIPPED: no clang-format $version"; exit 77; }
cd "$LOCKSTEP_SOURCE"

find src include tests scripts -name '*.[ch]' -print0 | sort -z | xargs -0 "$program" --dry-run -Werror || {
  echo "FAILED: run  find src include tests scripts -name '*.[ch]' | xargs $program -i"
  exit 1
}

# The check can fail: a line that is too long, in a folder with the same settings.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp .clang-format "$scratch"
printf 'int main(void) { return %s; }\n' "$(printf '1000000 + %.0s' {1..20})1" >"$scratch/long.c"
if "$program" --dry-run -Werror "$scratch/long.c" 2>/dev/null; then
  echo "FAILED: a line of 200 columns got through"
  exit 1
fi
echo "formatted"
