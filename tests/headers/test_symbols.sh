#!/bin/bash
# What liblockstep.so exports is what the public headers declare: nothing private, nothing missing.  It
# takes no function of the C library whose last bits depend on the library and the processor.
. "$(dirname "$0")/lib.sh"
: "${LIBLOCKSTEP:?}"

# Public functions by the preprocessor's word, so that comments and macros can't mislead.
for header in "${headers[@]}"; do echo "#include <lockstep/${header##*/}>"; done >"$scratch/all.c"
"${CC:-cc}" -std=c11 "${flags[@]}" -E -P "$scratch/all.c" | tr '\n' ' ' | tr ';{}' '\n\n\n' |
  grep 'visibility("default")' | grep -o '\bls_[a-z0-9_]* *(' | tr -d ' (' | sort -u >"$scratch/declared"
# Address sanitizer adds __odr_asan.NAME beside a variable.
"${NM:-nm}" -D --defined-only "$LIBLOCKSTEP" | awk '{print $NF}' | sed 's/@.*//' |
  grep -v '^__odr_asan' | sort -u >"$scratch/exported"
# Rounded as IEEE 754 says: sqrt, fma, floor and their like, fmin and fmax.  The others are in base/real.h.
"${NM:-nm}" -D --undefined-only "$LIBLOCKSTEP" | awk '{print $NF}' | sed 's/@.*//' | sort -u >"$scratch/used"
inexact='a?(sin|cos|tan)h?(pi)?|atan2|sincos|exp(2|10|m1)?|log(2|10|1p|b)?|pow|cbrt|hypot|erfc?|[lt]?gamma'

failed=0
complain() { # complain WORDS FILE: FILE's lines are the offenders
  [ -s "$2" ] || return 0
  echo "FAILED: $1:"; sed 's/^/  /' "$2"; failed=1
}
check() {
  grep -vE '^ls_[a-z]' "$scratch/exported" >"$scratch/private" || :
  complain "exported, but not named ls_noun_verb" "$scratch/private"
  comm -13 "$scratch/declared" "$scratch/exported" >"$scratch/undeclared"
  complain "exported, but in no public header" "$scratch/undeclared"
  comm -23 "$scratch/declared" "$scratch/exported" >"$scratch/missing"
  complain "declared public, but not in the library" "$scratch/missing"
  grep -xE "($inexact)[fl]?" "$scratch/used" >"$scratch/inexact" || :
  complain "of the C library, with other bits elsewhere (base/real.h has ours)" "$scratch/inexact"
}
[ -s "$scratch/declared" ] || { echo "FAILED: found no public declarations"; exit 1; }
check
[ $failed = 0 ] || exit 1
echo "$(wc -l <"$scratch/exported") symbols"

# The check can fail: a private name that leaked, one nobody declared, one nobody wrote, a
# cosine of the C library.
for file in declared exported used; do cp "$scratch/$file" "$scratch/$file.good"; done
for fault in 'ls__leaked exported' 'ls_undeclared exported' 'ls_unwritten declared' 'cosf used'; do
  read -r name where <<<"$fault"
  for file in declared exported used; do cp "$scratch/$file.good" "$scratch/$file"; done
  echo "$name" >>"$scratch/$where"; sort -u -o "$scratch/$where" "$scratch/$where"
  failed=0; check >"$scratch/said"
  if [ $failed = 0 ] || ! grep -q "^  $name\$" "$scratch/said"; then echo "FAILED: $name got through"; exit 1; fi
done
