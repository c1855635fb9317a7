#!/bin/bash
# Each public header compiles alone as C++, and its functions have C linkage.
. "$(dirname "$0")/lib.sh"
[ -n "${CXX:-}" ] || { echo "skipped: no C++ compiler here"; exit 77; }
alone cpp "$CXX" -std=c++11 -pedantic -Wall -Wextra -Werror

# A function declared outside extern "C" would be looked for under a mangled name.
for header in "${headers[@]}"; do
  if grep -q 'LS_PUBLIC LS_CHECKED\|LS_PUBLIC [a-z]' "$header" && ! grep -q 'extern "C"' "$header"; then
    echo "FAILED: $header: no extern \"C\""
    exit 1
  fi
done
