#!/bin/bash
# Each public header compiles alone as C++, and its functions have C linkage.
. "$(dirname "$0")/lib.sh"
[ -n "${CXX:-}" ] || { echo "skipped: no C++ compiler here"; exit 77; }

# A function declared outside extern "C" is looked for under a mangled name.
linkage() {
  local header name functions mangled failed=0
  for header in "${headers[@]}"; do
    name=lockstep/${header##*/}
    printf '#include <%s>\n' "$name" >"$scratch/linkage.cpp"
    functions=$("$CXX" -std=c++11 "${flags[@]}" -E -P "$scratch/linkage.cpp" | tr '\n' ' ' | tr ';{}' '\n\n\n' |
      grep 'visibility("default")' | grep -o '\bls_[a-z0-9_]* *(' | tr -d ' (' | sort -u) || continue
    printf 'typedef void (*any)();\nextern const any all[];\nconst any all[] = {\n' >>"$scratch/linkage.cpp"
    # shellcheck disable=SC2086
    printf '  reinterpret_cast<any>(%s),\n' $functions >>"$scratch/linkage.cpp"
    echo '};' >>"$scratch/linkage.cpp"
    "$CXX" -std=c++11 "${flags[@]}" -c "$scratch/linkage.cpp" -o "$scratch/linkage.o" || { failed=1; continue; }
    "${NM:-nm}" -u "$scratch/linkage.o" | awk '{print $NF}' >"$scratch/wanted"
    for mangled in $functions; do
      grep -qx "$mangled" "$scratch/wanted" && continue
      echo "FAILED: $name: $mangled is not declared in extern \"C\""
      failed=1
    done
  done
  return $failed
}
strict=(-std=c++11 -pedantic -Wall -Wextra -Werror)
alone cpp "$CXX" "${strict[@]}"
linkage

# The checks can fail: what only C understands, and a function of C++ linkage.
mkdir -p "$scratch/include/lockstep"
headers=("$scratch/include/lockstep/broken.h")
flags=(-I"$scratch/include")
visible='__attribute__((visibility("default")))'
for text in 'static inline int *cast(void *p) { return p; }' 'struct named { int class; };' \
  'int only_c(const float *restrict x);' 'int twice = 1;'; do
  echo "$text" >"${headers[0]}"
  ! alone cpp "$CXX" "${strict[@]}" >/dev/null 2>&1 || { echo "FAILED: a header with \"$text\" got through"; exit 1; }
done
printf '%s\n' '#ifndef BROKEN' '#define BROKEN' 'extern "C" {' "$visible int ls_inside(int);" '}' >"${headers[0]}"
cp "${headers[0]}" "$scratch/good.h"
echo '#endif' >>"${headers[0]}"
linkage || { echo "FAILED: a good header was refused"; exit 1; }
printf '%s\n' "$visible int ls_outside(int);" '#endif' | cat "$scratch/good.h" - >"${headers[0]}"
if linkage >"$scratch/said" || ! grep -q 'ls_outside is not' "$scratch/said" || grep -q ls_inside "$scratch/said"; then
  echo "FAILED: a function outside extern \"C\" got through"
  exit 1
fi
