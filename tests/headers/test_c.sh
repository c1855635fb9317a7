#!/bin/bash
# Each public header compiles alone, as strict C11 without warnings.
. "$(dirname "$0")/lib.sh"
alone c "${CC:-cc}" -std=c11 -pedantic -Wall -Wextra -Wstrict-prototypes -Wundef -Werror

# The check can fail: a header that forgets an include, and one that warns.
mkdir -p "$scratch/include/lockstep"
headers=("$scratch/include/lockstep/broken.h")
flags=(-I"$scratch/include")
for text in 'size_t lacks_stddef(void);' 'void old_style();' 'int twice = 1;'; do
  echo "$text" >"${headers[0]}"
  if alone c "${CC:-cc}" -std=c11 -pedantic -Wall -Wextra -Wstrict-prototypes -Werror >/dev/null 2>&1; then
    echo "FAILED: a header with \"$text\" got through"
    exit 1
  fi
done
