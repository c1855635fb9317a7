#!/bin/bash
# Of scripts/packaging, what needs no other machine: the options that package.py gives CMake, and the module
# files, where there is a `module` to load them.  The containers are built by scripts/packaging/check.sh.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
check=$LOCKSTEP_SOURCE/scripts/packaging/check.sh
accepted env LOCKSTEP_WORK="$work/check" bash "$check" spack modules
shown '^ +spack: '
shown '^ +modules: '
cat out
bash "$check" nothing >out 2>&1 && fail "an unknown part is accepted"

# The containers install what scripts/lib.sh knows to be needed to build.
# shellcheck source=scripts/lib.sh
packages=$(. "$LOCKSTEP_SOURCE/scripts/lib.sh" && dependencies | awk -F'|' '$1 == "build" || $1 == "image" { print $4 }')
for file in Dockerfile lockstep.def; do
  for package in $packages; do
    grep -qE "[ \"]$package( |\"|$)" "$LOCKSTEP_SOURCE/scripts/packaging/$file" || fail "$file does not install $package"
  done
done
# A package that gives CMake what it doesn't know.
if ! command -v spack >/dev/null; then
  mkdir -p copy/scripts
  cp -r "$LOCKSTEP_SOURCE"/{CMakeLists.txt,README.md,include,src,slurm} copy/
  cp -r "$LOCKSTEP_SOURCE"/scripts/{*.sh,*.py,cmake,packaging,fortran,examples} copy/scripts/
  sed -i 's/"LOCKSTEP_IMAGES"/"LOCKSTEP_PICTURES"/' copy/scripts/packaging/spack/packages/lockstep/package.py
  bash copy/scripts/packaging/check.sh spack >out 2>&1 && fail "a wrong option of package.py is not seen: $(cat out)"
  tr '\n' ' ' <out | grep -q 'FAILED:.*LOCKSTEP_PICTURES' || fail "a wrong option of package.py is not named: $(cat out)"
fi
finish
