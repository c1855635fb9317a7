#!/bin/bash
# Build with warnings as errors and run the tests; the one command before every commit.
#
#   scripts/test.sh                        everything a change must pass, in about seven minutes
#   scripts/test.sh -R REGEX               only the tests whose names match (ctest -N lists them)
#   scripts/test.sh -L LABEL               only unit, mpi, cli, fault, slurm, headers or golden
#   scripts/test.sh --sanitize LIST        in a build of its own with -fsanitize=LIST,
#                                          such as address,undefined or thread
#   scripts/test.sh --valgrind             the unit tests under valgrind
#   scripts/test.sh --tidy                 clang-tidy, with its MPI checks, before the tests
#   scripts/test.sh --full                 all of the above, the tests that take long, and the batteries
#
# Installs what is missing where it may (as root or with sudo on Debian), else says what to install;
# LOCKSTEP_NO_INSTALL=1 never installs.  Builds in build-test/ and build-test-*/, and works in a
# checkout that another user owns with LOCKSTEP_BUILD_ROOT=DIR.
# Exit code: 0 when all tests pass; tests that can't run here are named with the reason.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

select=() sanitize='' valgrind='' tidy='' full=''
while [ $# -gt 0 ]; do
  case $1 in
    -R|-L) [ $# -gt 1 ] || die "$1 wants a value"; select+=("$1" "$2"); shift 2 ;;
    --sanitize) [ $# -gt 1 ] || die "--sanitize wants a list, such as address,undefined"
      sanitize=$2; shift 2 ;;
    --valgrind) valgrind=yes; shift ;;
    --tidy) tidy=yes; shift ;;
    --full) full=yes; shift ;;
    -h|--help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit ;;
    *) die "unknown option $1; --help lists them" ;;
  esac
done
begin=$SECONDS
root=${LOCKSTEP_BUILD_ROOT:-$project}

# run_tests DIR CTEST-OPTION...: ctest, with the reasons of skipped tests before its closing lines.  Four at a
# time on two cores, because many tests wait.
run_tests() {
  local dir=$1 rc; shift
  local log=$dir/ctest.log
  (cd "$dir" && ctest -j4 --output-on-failure --no-tests=error "$@") 2>&1 | tee "$log" |
    sed -u '/tests passed, /,$d'
  rc=${PIPESTATUS[0]}
  # A test that can't run here says why in its last line, which ctest keeps in its own log alone.
  sed -n 's/^[[:space:]]*[0-9]* - \(.*\) (Skipped)$/\1/p' "$log" | while read -r name; do
    printf '    skipped %s: ' "$name"
    awk -v name="$name" '
      / Testing: / { mine = $3 == name }
      /^<end of output>$/ { if (mine) { print last; exit } }
      { last = $0 }' "$dir/Testing/Temporary/LastTest.log"
  done
  sed -n '/tests passed, /,$p' "$log"
  return "$rc"
}

heading "Dependencies"
need build test draw image more || die "can't build and test without these"
if [ -n "$valgrind$full" ] && ! has valgrind; then
  install_debian valgrind || die "--valgrind needs valgrind"
fi
if [ -n "$tidy$full" ] && ! has clang-tidy; then
  install_debian clang-tidy || die "--tidy needs clang-tidy"
fi
good "all there"
mpi_on_one_machine 64 # tests have more ranks than any laptop has cores
[ -z "$full" ] || export LOCKSTEP_TEST_FULL=1
failed=()

heading "Build, warnings as errors"
build "$root/build-test" -DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_TESTS=ON -DLOCKSTEP_WERROR=ON \
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON || exit 1

if [ -n "$tidy$full" ]; then
  heading "clang-tidy"
  log=$root/build-test/tidy.log
  # Each file once, though *.simd.c are compiled for several instruction sets.
  sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$root/build-test/compile_commands.json" | sort -u |
    grep "^$project/src/" |
    xargs -P "$(cores)" -n 4 clang-tidy --quiet -p "$root/build-test" >"$log" 2>/dev/null
  rc=$?
  if [ $rc = 0 ] && ! grep -q 'warning:\|error:' "$log"; then
    good "nothing found"
  else
    grep -A3 'warning:\|error:' "$log" | head -60
    failed+=("clang-tidy ($log)")
  fi
fi

[ -n "$full" ] && sanitize=${sanitize:-address,undefined}
if [ -n "$sanitize" ]; then
  heading "Tests with -fsanitize=$sanitize"
  dir=$root/build-test-${sanitize//,/-}
  build "$dir" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DLOCKSTEP_TESTS=ON -DLOCKSTEP_SANITIZE="$sanitize" || exit 1
  run_tests "$dir" "${select[@]}" || failed+=("-fsanitize=$sanitize")
fi

if [ -n "$valgrind$full" ]; then
  heading "Unit tests under valgrind"
  dir=$root/build-test-valgrind
  build "$dir" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DLOCKSTEP_TESTS=ON "-DLOCKSTEP_TEST_WRAPPER=valgrind;-q;--error-exitcode=99;--leak-check=full;--show-leak-kinds=definite;--errors-for-leak-kinds=definite;--suppressions=$project/tests/support/valgrind.supp" || exit 1
  run_tests "$dir" -L unit || failed+=(valgrind)
fi

# Asked for a special build alone: its tests were the tests.
if [ -n "$full" ] || [ -z "$sanitize$valgrind" ]; then
  heading "Tests"
  run_tests "$root/build-test" "${select[@]}" || failed+=(tests)
fi

if [ -n "$full" ]; then
  heading "Batteries"
  bash "$project/scripts/battery.sh" all "$root/build-test" || failed+=(batteries)
fi

if [ ${#failed[@]} -gt 0 ]; then
  printf '%sfailed: %s%s\n' "$red" "$(IFS=,; echo "${failed[*]}")" "$plain" >&2
  exit 1
fi
printf '%sall passed in %d min %d s%s\n' "$green" $(((SECONDS - begin) / 60)) \
  $(((SECONDS - begin) % 60)) "$plain"
