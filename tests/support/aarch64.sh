#!/bin/bash
# aarch64.sh DIR: the program for 64-bit ARM, in DIR/build, and DIR/run, which runs it here:
# `DIR/run train ...`.  Compiler, emulator (qemu) and libraries are Debian's packages, which are
# downloaded (110 MB) and unpacked in DIR: nothing is installed, nobody needs to be root, and apt's own
# state is not touched.  What is there already is kept.  Exit code 77, with the reason in the last line,
# where this can't be had.
set -uo pipefail
: "${LOCKSTEP_SOURCE:?the source directory}"
dir=${1:?where}
mkdir -p "$dir" && dir=$(cd "$dir" && pwd -P) || exit 1
skip() { echo "skipped: $*"; exit 77; }
# step LOG COMMAND...: its output into LOG.
step() { local log=$dir/$1.log; shift; "$@" >"$log" 2>&1 </dev/null; }

# get NAME ARCHITECTURE STATUS PACKAGE...: the packages, and what they need beyond what the file STATUS
# says is installed, unpacked in DIR/NAME.
get() {
  local name=$1 status=$3 deb architecture=$2 apt=$dir/apt-$1
  shift 3
  [ ! -e "$dir/$name" ] || return 0
  mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial
  local get=(apt-get -q -y -o Dir::State="$apt" -o Dir::State::status="$status" -o Dir::Cache="$apt/cache"
    -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o Debug::NoLocking=1
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=2
    -o Acquire::http::Timeout=20)
  step "$name-lists" "${get[@]}" update || return 1
  step "$name-debs" "${get[@]}" --download-only --no-install-recommends install "$@" || return 1
  rm -rf "$dir/$name.new"
  mkdir "$dir/$name.new"
  for deb in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$deb" "$dir/$name.new" || return 1
  done
  rm -rf "$apt"
  # Links to places of the system are links inside.
  find "$dir/$name.new" -type l -lname '/*' | while read -r link; do
    ln -sfnr "$dir/$name.new$(readlink "$link")" "$link"
  done
  mv "$dir/$name.new" "$dir/$name"
}

cross() {
  # What this machine has need not come again, but for what is looked for in DIR/cross.
  awk -v RS= -v ORS='\n\n' '!/^Package: [^\n]*(aarch64|arm64|qemu)/' /var/lib/dpkg/status >"$dir/status-cross"
  get cross amd64 "$dir/status-cross" gcc-aarch64-linux-gnu qemu-user
}
libraries() {
  # As if these were installed: the libraries' headers ask for them, and nothing here needs them.
  cat >"$dir/status-sysroot" <<'END'
Package: not-needed
Status: install ok installed
Maintainer: nobody <nobody@localhost>
Architecture: all
Multi-Arch: foreign
Version: 1
Provides: gfortran-mod-15, gfortran-mod-16, ssh-client, libcurl-dev
Description: what no program here runs

END
  get sysroot arm64 "$dir/status-sysroot" libopenmpi-dev libhdf5-dev libopenblas-dev libyaml-dev zlib1g-dev
}

if [ ! -e "$dir/cross" ] || [ ! -e "$dir/sysroot" ]; then
  [ -z "${LOCKSTEP_NO_INSTALL:-}" ] || skip "64-bit ARM: LOCKSTEP_NO_INSTALL is set, and nothing is here yet"
  [ "$(uname -m)" = x86_64 ] || skip "64-bit ARM: wants an x86-64 processor to emulate it on"
  command -v apt-get dpkg-deb >/dev/null || skip "64-bit ARM: its compiler comes from Debian, and this is none"
  cross & first=$!
  libraries; second=$?
  if ! wait $first || [ $second != 0 ]; then
    skip "64-bit ARM: Debian's packages can't be had: $(cat "$dir"/*-lists.log "$dir"/*-debs.log |
      grep '^[EW]:' | head -1)"
  fi
fi
# Own libraries of the compiler and of qemu that this machine does not have.
tools=$dir/cross/usr/lib/x86_64-linux-gnu
cat >"$dir/run" <<END
#!/bin/bash
# Ranks that are emulated can't read each other's memory by a system call.
export OMPI_MCA_btl_vader_single_copy_mechanism=none
LD_LIBRARY_PATH=$tools exec "$dir/cross/usr/bin/qemu-aarch64" -L "$dir/sysroot" -E LD_LIBRARY_PATH= \\
  "$dir/build/lockstep" "\$@"
END
chmod +x "$dir/run"
export LD_LIBRARY_PATH=$tools
generator=()
if command -v ninja >/dev/null; then generator=(-G Ninja); fi
# Kernels are compiled with -O3 in any build, as users have them; of the rest, which decides over bits by its
# C alone, only the full form spends a minute on that.
kind=(-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0)
[ -z "${LOCKSTEP_TEST_FULL:-}" ] || kind=(-DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_WERROR=ON)
program() {
  step configure cmake -S "$LOCKSTEP_SOURCE" -B "$dir/build" "${generator[@]}" "${kind[@]}" \
    -DCMAKE_TOOLCHAIN_FILE="$LOCKSTEP_SOURCE/scripts/cmake/aarch64.cmake" -DLOCKSTEP_AARCH64="$dir" \
    -DLOCKSTEP_TESTS=OFF &&
    step build cmake --build "$dir/build" --target lockstep_program --parallel 2
}
if ! program; then
  tail -n 20 "$dir/configure.log" "$dir/build.log"
  echo "FAILED: can't be built for 64-bit ARM"
  exit 1
fi
