# What convert csv decides is said on standard error; --quiet leaves the warnings.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# said PATTERN..., unsaid PATTERN...: of the last accepted command
said() { for p; do grep -qE "^convert: $p" "$work/err" || { fail "nothing like /$p/ in:"; sed 's/^/  | /' "$work/err"; }; done; }
unsaid() { for p; do grep -qE "$p" "$work/err" && { fail "/$p/ in:"; sed 's/^/  | /' "$work/err"; }; done; }

printf ';a;when;price;dose\n0;1,5;2024-01-01;$5;100\n1;2,25;2024-01-02;$6;150\n2;3;2024-01-03;$7;100\n3;4,125;2024-01-04;$8;150\n' >all.csv
accepted "$lockstep" convert csv all.csv -o out.h5
said 'all.csv: fields separated by semicolons, names in line 1' 'column 1 has no name and counts the rows from 0: an index, left out' \
  'column 2 \(a\): decimal comma' 'column 3 \(when\): dates as seconds since 1970' 'column 4 \(price\): numbers of unit \$' \
  'target column 5 \(dose\): 2 classes 100, 150; --label number for numbers'
accepted "$lockstep" convert csv all.csv -o out.h5 --quiet
unsaid .

printf '0,1,2\n0.5,1.25,a\n0.25,2.5,A\n' >warn.csv
accepted "$lockstep" convert csv warn.csv -o out.h5 --quiet
said 'warning: warn.csv:1: 0, ... counts on .*taken for names' 'warning: target column 3 \(2\): A and a are two classes'
unsaid 'fields separated'

# No control characters on the terminal, and whole letters.
printf 'x,kind\n1,\033[7mGasse\n2,b\n3,\033[7mGasse\n4,b\n' >control.csv
accepted "$lockstep" convert csv control.csv -o out.h5
said 'target column 2 \(kind\): 2 classes \?\[7mGasse, b'
LC_ALL=C grep -q "$(printf '\033')" "$work/err" && fail "a control character is printed"
finish
