#!/bin/bash
# Check what packages lockstep: each part is built or run by the tool itself, where that is here, else by
# what comes nearest; one line a part says what was done.
#
#   scripts/packaging/check.sh [PART...]
#
#   spack      package.py by spack, else its CMake options by a stand-in that knows what it uses
#   modules    the module files by Lmod or Environment Modules
#   runpath    built with OpenBLAS and HDF5 outside of the system's folders, moved, run
#   docker     the Dockerfile by docker, else its steps, as root, in a Debian of debootstrap's
#   apptainer  lockstep.def by apptainer, else the same
#
# Without a name all of them.  Exit code 1: one failed; a part that can't be checked here says why.
# The containers take minutes.  LOCKSTEP_WORK names a folder to work in (default: a new one in /var/tmp).
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
packaging=$project/scripts/packaging
case ${1:-} in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit ;; esac

work=${LOCKSTEP_WORK:-$(mktemp -d /var/tmp/lockstep-packaging.XXXXXX)}
mkdir -p "$work"
mounted=()
undo() {
  local at
  for at in ${mounted[@]+"${mounted[@]}"}; do umount -l "$at" 2>/dev/null; done
  [ -n "${LOCKSTEP_WORK:-}" ] || rm -rf --one-file-system "$work"
}
trap undo EXIT
failed=0
passed() { good "$1: $2"; }
skipped() { note "$1: skipped: $2"; }
wrong() { warn "$1: FAILED: $2"; failed=1; }

# a tree of what is committed or about to be, for builds that may not see the rest
source_tree() {
  local tree=$work/source
  [ -e "$tree" ] || { mkdir "$tree" && (cd "$project" && tar -cf - CMakeLists.txt README.md include scripts slurm src) | tar -xf - -C "$tree"; }
  echo "$tree"
}

# trains LOCKSTEP [COMMAND...]: convert, train, evaluate and the help of a script by that program,
# behind COMMAND.
trains() {
  local lockstep=$1 folder=$2
  shift 2
  "$@" bash -ec '
    cd "$2"
    printf "a,b,y\n" >t.csv
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "$i,$((i % 7)),$((3 * i - i % 7))"; done >>t.csv
    printf "data: {file: t.h5, normalize: true}\nmodel: [{dense: {units: 1}}]\nloss: mse\noptimizer: adam\ntrain: {batch: 4, epochs: 2, lanes: 2}\n" >t.yaml
    "$1" convert csv t.csv -o t.h5
    mpirun -n 2 "$1" train t.yaml pictures=false
    "$1" evaluate runs/t
    "$1" scaling --help | grep -q -- --ranks' trains "$lockstep" "$folder"
}

# ---- Spack --------------------------------------------------------------------------------------

check_spack() {
  local options option log=$work/spack.log
  if has spack; then
    spack -C "$work/spack-config" repo add "$packaging/spack" >"$log" 2>&1 || { wrong spack "repo add: $(tail -n 1 "$log")"; return; }
    if spack -C "$work/spack-config" spec lockstep >>"$log" 2>&1; then
      passed spack "spack can resolve the package"
    else
      wrong spack "spack spec: $(tail -n 1 "$log")"
    fi
    return
  fi
  has python3 || { skipped spack "neither spack nor python3 is here"; return; }
  options=$(python3 "$packaging/spack/stand_in.py" "$packaging/spack/packages/lockstep/package.py" "~images") ||
    { wrong spack "package.py can't be used"; return; }
  mapfile -t options <<<"$options"
  cmake -S "$project" -B "$work/configured" "${options[@]}" >"$log" 2>&1 || { wrong spack "cmake: $(tail -n 3 "$log")"; return; }
  # CMake says which options the project never looked at.
  if grep -q 'not used by the project' "$log"; then wrong spack "$(sed -n '/not used/,$p' "$log")"; return; fi
  for option in "${options[@]}"; do
    [[ $option != -DLOCKSTEP_* ]] || sed 's/:[A-Z]*=/=/' "$work/configured/CMakeCache.txt" |
      grep -qx "$(sed 's/^-D//; s/:[A-Z]*=/=/' <<<"$option")" || { wrong spack "$option did not arrive"; return; }
  done
  passed spack "no spack is here; package.py is read by a stand-in, and CMake takes its options: ${options[*]}"
}

# ---- module files -------------------------------------------------------------------------------

check_modules() {
  local prefix=$work/modules/prefix moved=$work/modules/moved init log=$work/modules.log kind seen
  local inits=(/usr/share/lmod/lmod/init/bash "${LMOD_PKG:-/nowhere}/init/bash"
    /usr/share/modules/init/bash "${MODULESHOME:-/nowhere}/init/bash")
  rm -rf "$work/modules"
  [ -e "$work/configured/modulefile.lua" ] || cmake -S "$project" -B "$work/configured" -DLOCKSTEP_TESTS=OFF >"$log" 2>&1 ||
    { wrong modules "cmake: $(tail -n 3 "$log")"; return; }
  mkdir -p "$prefix"/{bin,share/lockstep/modulefiles/lockstep}
  printf '#!/bin/sh\necho found\n' >"$prefix/bin/lockstep"
  chmod +x "$prefix/bin/lockstep"
  cp "$work/configured/modulefile.lua" "$prefix/share/lockstep/modulefiles/lockstep/1.lua"
  cp "$work/configured/modulefile.tcl" "$prefix/share/lockstep/modulefiles/lockstep/2"
  mv "$prefix" "$moved" # the files say nothing of where they were installed
  for init in "${inits[@]}"; do [ -r "$init" ] && break; done
  [ -r "$init" ] || { skipped modules "neither Lmod nor Environment Modules is here (Debian: apt-get install lmod)"; return; }
  for kind in 1 2; do
    [[ $kind = 1 && $init != *lmod* ]] && { note "modules: the Lua file is for Lmod alone, which is not here"; continue; }
    # shellcheck disable=SC2016
    seen=$(env -i PATH="$PATH" HOME="$HOME" bash -c '. "$1" >&2; module use "$2/share/lockstep/modulefiles" &&
      module load "lockstep/$3" && lockstep && echo "$LOCKSTEP_SHARE" && module unload lockstep && echo "${LOCKSTEP_SHARE:-unloaded}"' \
      load "$init" "$moved" "$kind" 2>"$log" | tr '\n' ' ')
    if [ "$seen" != "found $moved/share/lockstep unloaded " ]; then wrong modules "file $kind by $init: saw '$seen' $(tail -n 3 "$log")"; return; fi
  done
  passed modules "loaded and unloaded by $init, from a tree that was moved"
}

# ---- libraries outside of /usr ------------------------------------------------------------------

# Name and file of a library here, the first that the expression fits.
library_of() { ldconfig -p | awk -v want="^lib($1)[.]so" '$1 ~ want { sub(/[.]so.*/, "", $1); print $1, $NF; exit }'; }
check_runpath() {
  local private=$work/runpath/private build=$work/runpath/build prefix=$work/runpath/prefix moved=$work/runpath/moved
  local log=$work/runpath.log name file found needs
  rm -rf "$work/runpath"
  mkdir -p "$private/lib" "$private/include"
  has readelf || { skipped runpath "no readelf is here"; return; }
  for name in openblas 'hdf5|hdf5_openmpi|hdf5_serial|hdf5_mpich'; do
    read -r found file < <(library_of "$name") || { skipped runpath "$name is not among ldconfig's libraries"; return; }
    # By a name of its own, so that the system's can't stand in for it.
    cp -L "$file" "$private/lib/$found.so"
  done
  has patchelf || { skipped runpath "no patchelf is here, to give copies of libraries another name"; return; }
  for file in "$private"/lib/*.so; do
    patchelf --set-soname "$(basename "${file%.so}")-private.so" "$file"
    ln -s "$(basename "$file")" "${file%.so}-private.so"
  done
  found=$(printf '%s\n' "$private"/lib/libhdf5*.so | grep -v private.so)
  # The compiler wrapper and pkg-config would find the system's.
  cmake -S "$project" -B "$build" -DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_TESTS=OFF -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON \
    -Dlockstep_blas_LIBRARY="$private/lib/libopenblas.so" -DHDF5_hdf5_LIBRARY_RELEASE="$found" \
    ${CMAKE_C_COMPILER_LAUNCHER:+-DCMAKE_C_COMPILER_LAUNCHER=$CMAKE_C_COMPILER_LAUNCHER} >"$log" 2>&1 &&
    sed -i "s,^\(HDF5_C_LIBRARY_hdf5[a-z_]*\|HDF5_hdf5_LIBRARY_RELEASE\):FILEPATH=.*,\1:FILEPATH=$found," "$build/CMakeCache.txt" &&
    cmake "$build" >>"$log" 2>&1 && nice cmake --build "$build" --parallel "$(cores)" >>"$log" 2>&1 &&
    cmake --install "$build" --prefix "$prefix" >>"$log" 2>&1 || { wrong runpath "$(tail -n 5 "$log")"; return; }
  mv "$prefix" "$moved"
  needs=$(readelf -d "$moved"/lib*/liblockstep.so "$moved"/lib/*/liblockstep.so 2>/dev/null | grep -c 'NEEDED.*-private')
  [ "$needs" = 2 ] || { wrong runpath "the library needs $needs of the two private libraries"; return; }
  mkdir -p "$work/runpath/run"
  mpi_on_one_machine 2
  if trains "$moved/bin/lockstep" "$work/runpath/run" env -u LD_LIBRARY_PATH >"$log" 2>&1; then
    passed runpath "OpenBLAS and HDF5 from $private, the tree moved, no LD_LIBRARY_PATH: it trains"
  else
    wrong runpath "$(tail -n 5 "$log")"
  fi
}

# ---- containers ---------------------------------------------------------------------------------

# base SUITE: a bare Debian, made once.
base() {
  local suite=$1 at=$work/base-$1 mirror
  [ -e "$at.whole" ] && return
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    sed -nE 's/^(deb |URIs: *)[^#]*(https?:[^ ]*\/debian)\/?( .*)?$/\2/p' | head -n 1)
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$at" ${mirror:+"$mirror"} >"$at.log" 2>&1 || return 1
  # How this machine reaches its mirror holds for the new one, too.
  cp -n /etc/apt/apt.conf.d/* "$at/etc/apt/apt.conf.d/" 2>/dev/null
  cp -L /etc/resolv.conf /etc/hosts "$at/etc/"
  cp -rL /etc/ssl/certs/ca-certificates.crt "$at/etc/ssl/certs/"
  touch "$at.whole"
}
# stage NAME SUITE: a copy of it, ready for chroot.
stage() {
  cp -a "$work/base-$2/." "$work/stage-$1/"
  mount -t proc proc "$work/stage-$1/proc" && mounted+=("$work/stage-$1/proc")
  mount --rbind /dev "$work/stage-$1/dev" && mount --make-rslave "$work/stage-$1/dev" && mounted+=("$work/stage-$1/dev")
}
within() { # within NAME COMMAND...: in the stage, with the recipe's environment and nothing else
  local root=$work/stage-$1
  shift
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    DEBIAN_FRONTEND=noninteractive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=^tcp,uct,openib,ofi \
    ${recipe_env[@]+"${recipe_env[@]}"} "$@"
}
bare() { # whether steps can be run in a Debian of our own
  [ "$(id -u)" = 0 ] || { skipped "$1" "no $1 is here, and only root can run its steps in a Debian of debootstrap's"; return 1; }
  has debootstrap || { skipped "$1" "neither $1 nor debootstrap is here"; return 1; }
  base "$2" || { skipped "$1" "debootstrap failed: $(tail -n 1 "$work/base-$2.log")"; return 1; }
}
suite_of() { sed -nE 's/^(FROM|From:) debian:([a-z]+).*/\2/p' "$1" | head -n 1; }
tried() { # tried NAME STAGE: the program in the container's last stage
  local log=$work/$1.log
  mkdir -p "$work/stage-$2/work"
  if trains lockstep /work within "$2" >>"$log" 2>&1; then
    passed "$1" "no $1 is here; every step of $3 was run in a bare Debian $4, and the program there trains"
  else
    wrong "$1" "the program in the container: $(tail -n 5 "$log")"
  fi
}

check_docker() {
  local log=$work/docker.log file=$packaging/Dockerfile suite line n=0 name='' from words
  recipe_env=()
  if has docker && docker info >/dev/null 2>&1; then
    docker build -f "$file" -t lockstep-check "$project" >"$log" 2>&1 || { wrong docker "$(tail -n 5 "$log")"; return; }
    if trains lockstep /work docker run --rm lockstep-check >>"$log" 2>&1; then passed docker "built and run"; else wrong docker "$(tail -n 5 "$log")"; fi
    docker rmi -f lockstep-check >/dev/null 2>&1
    return
  fi
  suite=$(suite_of "$file")
  bare docker "$suite" || return
  : >"$log"
  while IFS= read -r line; do
    read -ra words <<<"$line"
    case $line in
      '' | '#'* | 'CMD '*) ;;
      'FROM '*) n=$((n + 1)) name=docker-${words[3]:-last}; mkdir "$work/stage-$name" && stage "$name" "$suite" ;;
      'RUN '*) within "$name" sh -c "${line#RUN }" >>"$log" 2>&1 </dev/null || { wrong docker "$line: $(tail -n 5 "$log")"; return; } ;;
      'COPY --from='*) from=${words[1]#--from=}
        mkdir -p "$(dirname "$work/stage-$name${words[3]}")"
        cp -a "$work/stage-docker-$from${words[2]}" "$work/stage-$name${words[3]}" ;;
      'COPY . '*) cp -a "$(source_tree)" "$work/stage-$name${words[2]}" ;;
      'ENV '*) recipe_env+=("${line#ENV }") ;;
      'WORKDIR '*) mkdir -p "$work/stage-$name${words[1]}" ;;
      *) wrong docker "a step that this check does not know: $line"; return ;;
    esac
  done <"$file"
  tried docker "$name" Dockerfile "$suite"
}

check_apptainer() {
  local log=$work/apptainer.log file=$packaging/lockstep.def suite from to
  recipe_env=()
  if has apptainer; then
    (cd "$project" && apptainer build --force "$work/lockstep.sif" "$file") >"$log" 2>&1 || { wrong apptainer "$(tail -n 5 "$log")"; return; }
    mkdir -p "$work/apptainer"
    if trains lockstep "$work/apptainer" apptainer exec --bind "$work" "$work/lockstep.sif" >>"$log" 2>&1; then
      passed apptainer "built and run"
    else
      wrong apptainer "$(tail -n 5 "$log")"
    fi
    return
  fi
  suite=$(suite_of "$file")
  bare apptainer "$suite" || return
  part() { sed -n "/^%$1\$/,/^%/{/^%/d;p}" "$file"; }
  mkdir "$work/stage-apptainer" && stage apptainer "$suite"
  while read -r from to; do
    [ -n "$from" ] || continue
    mkdir -p "$(dirname "$work/stage-apptainer$to")"
    cp -a "$project/$from" "$work/stage-apptainer$to"
  done < <(part files)
  within apptainer sh -c "$(part post)" >"$log" 2>&1 </dev/null || { wrong apptainer "%post: $(tail -n 5 "$log")"; return; }
  recipe_env=("$(part environment | sed -n 's/^ *export \(PATH=[^$]*\).*/\1/p')/usr/local/bin:/usr/bin:/bin")
  within apptainer sh -c "$(part test)" >>"$log" 2>&1 || { wrong apptainer "%test: $(tail -n 5 "$log")"; return; }
  tried apptainer apptainer lockstep.def "$suite"
}

parts=(spack modules runpath docker apptainer)
[ $# = 0 ] || parts=("$@")
for part in "${parts[@]}"; do
  declare -F "check_$part" >/dev/null || die "there is no part $part; --help lists them"
done
for part in "${parts[@]}"; do "check_$part"; done
exit $failed
