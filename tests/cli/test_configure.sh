#!/bin/bash
# cmake -S . -B build where cmocka, Python or pkg-config is missing: the tests are left out, in one line
# that says why; with LOCKSTEP_TESTS=ON that is an error.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
printf '#!/bin/sh\ncase "$*" in *cmocka*) exit 1 ;; esac\nexec pkg-config "$@"\n' >without-cmocka
chmod +x without-cmocka

# configure BUILD OPTIONS...
configure() {
  local build=$1
  shift
  cmake -S "$LOCKSTEP_SOURCE" -B "$build" -DCMAKE_BUILD_TYPE=Release "$@" >"$work/out" 2>"$work/err"
}
no_cmocka=-DPKG_CONFIG_EXECUTABLE=$work/without-cmocka

configure left-out "$no_cmocka" || fail "without cmocka: $(tail -5 err)"
same "lines about tests" "$(grep -c 'tests are left out.*cmocka' out)" 1
[ -e left-out/tests ] && fail "without cmocka: tests are there"
configure left-out "-DPKG_CONFIG_EXECUTABLE=$(command -v pkg-config)" || fail "with cmocka again: $(tail -5 err)"
grep -q 'left out' out && fail "with cmocka: $(grep 'left out' out)"
[ -e left-out/tests ] || fail "with cmocka: no tests"

configure wanted "$no_cmocka" -DLOCKSTEP_TESTS=ON && fail "LOCKSTEP_TESTS=ON without cmocka is accepted"
grep -q 'libcmocka-dev' err || fail "the error names no package: $(cat err)"

configure off -DLOCKSTEP_TESTS=OFF "$no_cmocka" || fail "LOCKSTEP_TESTS=OFF: $(tail -5 err)"
grep -q 'tests are left out' out && fail "LOCKSTEP_TESTS=OFF talks of cmocka"

configure bare -DPKG_CONFIG_EXECUTABLE=/nowhere/pkg-config -DCMAKE_DISABLE_FIND_PACKAGE_Python3=ON ||
  fail "without pkg-config and Python: $(tail -5 err)"
grep -q 'tests are left out.*pkg-config, Python 3' out || fail "without pkg-config and Python: nothing is said"

# The libraries of images and sounds are optional, and may be left out where they are.
configure images -DLOCKSTEP_TESTS=OFF -DCMAKE_EXPORT_COMPILE_COMMANDS=ON || fail "with images: $(tail -5 err)"
for library in png jpeg; do
  pkg-config --exists lib$library || continue
  grep -q "LS__WITH_${library^^}" images/compile_commands.json || fail "lib$library is here, and is not used"
done
if pkg-config --exists sndfile && ! grep -q LS__WITH_SNDFILE images/compile_commands.json; then
  fail "libsndfile is here, and is not used"
fi
configure images -DLOCKSTEP_IMAGES=OFF -DLOCKSTEP_AUDIO=OFF || fail "LOCKSTEP_IMAGES=OFF: $(tail -5 err)"
grep -q LS__WITH_ images/compile_commands.json && fail "LOCKSTEP_IMAGES=OFF: a library of images is used"
finish
