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

# Words, dates, weights, groups, a second table: what was made of them, and how it is changed.
{
  echo 'id,made,steel,run,w'
  for i in 1 2 3 4 5 6; do echo "$i,2024-0$i-01,$([ $i = 3 ] && echo soft || echo hard),r$((i / 2)),0.$i"; done
} >parts.csv
printf 'id,price\n1,100000\n2,250000\n3,100000\n4,250000\n5,300000\n6,300000\n7,1\n' >price.csv
accepted "$lockstep" convert csv parts.csv --targets-from price.csv --by id --weight w --group run --test 0.4 -o out.h5
said 'parts.csv: fields separated by commas' 'price.csv: fields separated by commas' \
  'price.csv: 1 of 7 rows have none in the table' 'column 2 \(made\): dates as .*--date-parts made adds year' \
  'column 3 \(steel\): 2 words, an input each \(one-hot\): hard, soft$' \
  'group column 4 \(run\): 4: [1-3] in training, 0 in validation, [1-3] in test' \
  'warning: target column 6 \(price\): 3 different whole numbers, from 100000 to 300000: taken for numbers .*--label class' \
  'weights are used by a configuration that says data: \{file: out.h5, sample_weight: weight\}' \
  '.* of 3 inputs; 1 number to predict'
accepted "$lockstep" convert csv parts.csv --target w --drop id,run --date-parts made -o out.h5
said 'column 2 \(made\): dates as .*, and year, month and weekday \(sines and cosines\)'

# No control characters on the terminal, and whole letters.
printf 'x,kind\n1,\033[7mGasse\n2,b\n3,\033[7mGasse\n4,b\n' >control.csv
accepted "$lockstep" convert csv control.csv -o out.h5
said 'target column 2 \(kind\): 2 classes \?\[7mGasse, b'
LC_ALL=C grep -q "$(printf '\033')" "$work/err" && fail "a control character is printed"
finish
