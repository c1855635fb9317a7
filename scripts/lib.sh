# Helpers that the scripts share.  Source it; it changes nothing by itself.
# shellcheck shell=bash disable=SC2034

project=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# ---- saying things ------------------------------------------------------------------------------

if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' blue=$'\e[34m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' blue='' plain=''
fi

heading() { printf '\n%s==> %s%s\n' "$bold$blue" "$*" "$plain"; }
note() { printf '    %s\n' "$*"; }
good() { printf '    %s%s%s\n' "$green" "$*" "$plain"; }
warn() { printf '    %s%s%s\n' "$red" "$*" "$plain" >&2; }
die() { printf '%s%s: %s%s\n' "$red" "$(basename "$0")" "$*" "$plain" >&2; exit 1; }

# Show a command as the user would type it, then run it.
show() { printf '    %s$ %s%s\n' "$dim" "${*//$project\//}" "$plain"; "$@"; }

# quietly LOG COMMAND...: output into LOG; when the command fails, its last lines and where the rest is.
quietly() {
  local log=$1; shift
  "$@" >"$log" 2>&1 && return
  local rc=$?
  tail -n 25 "$log" >&2
  warn "failed (exit code $rc): $*"
  warn "all of its output: $log"
  return "$rc"
}

# read_options NAMES [ARGUMENT...]: --NAME VALUE sets $NAME for each of NAMES, --help prints the comment
# at the script's top, anything else is the build directory, in $build, which must hold the program.
read_options() {
  local names=" $1 "
  shift
  while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    --*)
      [[ $names == *" ${1#--} "* ]] || die "unknown option $1; --help says what there is"
      [ $# -gt 1 ] || die "$1 wants a value"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    -*) die "unknown option $1; --help says what there is" ;;
    *) build=$1 ;;
    esac
    shift
  done
  [ -x "$build/lockstep" ] || die "no program $build/lockstep: build it first, or name the build directory"
}

# without_blocks: standard input without what mpirun tells, in blocks between dashes, of a rank that returned
# a code: the program has said why.  (mpirun --quiet would also hide why mpirun itself could not start.)
without_blocks() {
  local line block='' inside=
  while IFS= read -r line || [ -n "$line" ]; do
    if [[ $line =~ ^-{50,}$ ]]; then
      if [ -z "$inside" ]; then inside=yes block=$line; continue; fi
      [[ $block =~ terminated\ normally,\ but|exited\ with\ non-zero\ status|MPI_ABORT\ was\ invoked|calling[[:space:]]+\"abort\" ]] ||
        printf '%s\n%s\n' "$block" "$line"
      inside='' block=''
    elif [ -n "$inside" ] && [[ $line != 'lockstep: '* ]]; then
      block+=$'\n'$line
    else
      printf '%s\n' "$line"
    fi
  done
  [ -z "$inside" ] || printf '%s\n' "$block"
}

seconds_since() { printf '%d s' $((SECONDS - $1)); }

# ---- what the machine has -----------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }
has_module() { has pkg-config && pkg-config --exists "$1"; }
has_header() { has cc && echo "#include <$1>" | cc -E -x c - >/dev/null 2>&1; }
has_library() { has cc && echo 'int main(void) { return 0; }' | cc -x c - -l"$1" -o /dev/null 2>/dev/null; }
has_mpi() { has mpicc && has mpirun; }
has_blas() { has_module openblas || { has_header cblas.h && has_library openblas; }; }
has_hdf5() { # any build of the library will do, parallel or serial
  has h5pcc || has h5cc || has_module hdf5 || has_module hdf5-openmpi || has_module hdf5-serial
}
has_ninja() { has ninja || has make; }

cores() { nproc 2>/dev/null || echo 1; }

# One line a dependency: kind, how to see it, its name, and its packages for Debian, Spack, conda.
# `build` is needed to build and `test` to test; without `draw` pictures, without `image` PNG, JPEG, WAV
# and FLAC files and without `more` a few tests are left out.
dependencies() {
  cat <<'END'
build|has cc|a C compiler|gcc libc6-dev|gcc|c-compiler
build|has cmake|CMake|cmake|cmake|cmake
build|has_ninja|Ninja or make|ninja-build|ninja|ninja
build|has pkg-config|pkg-config|pkg-config|pkgconf|pkg-config
build|has_mpi|Open MPI|libopenmpi-dev openmpi-bin|openmpi|openmpi
build|has_blas|OpenBLAS|libopenblas-dev|openblas|openblas
build|has_hdf5|HDF5|libhdf5-openmpi-dev|hdf5+mpi|hdf5
build|has_module yaml-0.1|libyaml|libyaml-dev|libyaml|yaml
build|has_module zlib|zlib|zlib1g-dev|zlib-api|zlib
image|has_module libpng|libpng (PNG images)|libpng-dev|libpng|libpng
image|has_module libjpeg|libjpeg (JPEG images)|libjpeg-dev|libjpeg-turbo|libjpeg-turbo
image|has_module sndfile|libsndfile (WAV and FLAC recordings)|libsndfile1-dev|libsndfile|libsndfile
test|has_module cmocka|cmocka|libcmocka-dev|cmocka|cmocka
more|has c++|a C++ compiler (public headers are compiled as C++ too)|g++|gcc|cxx-compiler
test|has python3|Python 3|python3|python|python
draw|has gnuplot|gnuplot (pictures)|gnuplot-nox|gnuplot|gnuplot
END
}

# need KIND...: see to the dependencies of these kinds.  Does nothing, in a moment, when all are
# there.  As root or with sudo on Debian and its children it installs what is missing; otherwise it
# names what is missing and how to get it, and fails when one of them is of kind build or test.
need() {
  local kind test name debian spack conda pass
  local names=() apt=() spacks=() condas=() fatal='' before
  for pass in first second; do
    names=() apt=() spacks=() condas=() fatal=''
    while IFS='|' read -r kind test name debian spack conda; do
      [[ " $* " == *" $kind "* ]] || continue
      eval "$test" && continue
      names+=("$name") apt+=("$debian") spacks+=("$spack") condas+=("$conda")
      [[ $kind = build || $kind = test ]] && fatal=yes
    done < <(dependencies)
    [ ${#names[@]} = 0 ] && return 0
    [ $pass = second ] && break
    [ -n "${LOCKSTEP_NO_INSTALL:-}" ] && break
    before=$SECONDS
    install_debian "${apt[*]}" || break
    note "installed in $(seconds_since "$before")"
  done

  printf '\n%sMissing here:%s' "$bold" "$plain" >&2
  printf ' %s;' "${names[@]}" | sed 's/;$/\n/' >&2
  cat >&2 <<END
  Debian, Ubuntu   sudo apt-get install ${apt[*]}
  Spack            spack install ${spacks[*]} && spack load ${spacks[*]}
  conda            conda install -c conda-forge ${condas[*]}
On a cluster they are usually modules: module avail openmpi openblas hdf5
END
  [ -z "$fatal" ]
}

# install_debian PACKAGES: by apt-get, as root or through sudo; fails without a word where it can't.
install_debian() {
  local as_root=() packages log
  has apt-get || return 1
  if [ "$(id -u)" != 0 ]; then
    has sudo || return 1
    # Without a terminal nobody can type a password.
    if [ -t 0 ]; then as_root=(sudo); else as_root=(sudo -n); fi
    "${as_root[@]}" true 2>/dev/null || return 1
  fi
  read -ra packages <<<"$1"
  log=$(mktemp "${TMPDIR:-/tmp}/lockstep-apt.XXXXXX")
  note "installing ${packages[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  if ! "${apt[@]}" install --no-install-recommends "${packages[@]}" >"$log" 2>&1; then
    # Package lists that are missing or old are the usual reason: fetch them, then once more.
    quietly "$log" "${apt[@]}" update || return 1
    quietly "$log" "${apt[@]}" install --no-install-recommends "${packages[@]}" || return 1
  fi
  rm -f "$log"
}

# ---- building -----------------------------------------------------------------------------------

# build DIR [CMAKE OPTION...]: configure and build, quietly; all of it in DIR/build.log on failure.
build() {
  local dir=$1 before=$SECONDS generator=() rc=0; shift
  mkdir -p "$dir" || return 1
  if [ ! -e "$dir/CMakeCache.txt" ] && has ninja; then generator=(-G Ninja); fi
  quietly "$dir/build.log" cmake -S "$project" -B "$dir" "${generator[@]}" "$@" || rc=$?
  [ $rc != 0 ] || quietly "$dir/build.log" cmake --build "$dir" --parallel "$(cores)" || rc=$?
  [ $rc != 0 ] || note "built in $(seconds_since "$before"): ${dir#"$project"/}"
  return $rc
}

# ---- running on this one machine ----------------------------------------------------------------

# mpi_on_one_machine: settings with which mpirun runs anywhere: as root, in a container, with more
# ranks than cores.  On a cluster you need none of them, and some would cost you speed there:
#
#   root          A container's user is often root, and Open MPI refuses root unless told twice.
#                 On a cluster nobody is root.
#   oversubscribe A laptop may have fewer cores than a demonstration has ranks, and Open MPI counts
#                 one slot a core.  The batch system gives a cluster job its slots.
#   yield         A rank that waits spins on its core.  Where ranks share a core, it must let the
#                 others run.  With a core for each rank, spinning is the fastest way to wait.
#   no binding    Two mpiruns at a time on one machine would both bind their first ranks to the same
#                 cores.  On a cluster the nodes are yours, and binding keeps a rank's memory near.
#
#   no TCP        Ranks on one machine talk through shared memory, and Open MPI 5 complains line by
#                 line where the machine has no network.  On a cluster TCP may be the network.
#                 (The other names are those that Debian leaves out too: they are slow to start.)
#   no PSM        Debian's Open MPI loads the libraries of Omni-Path's and InfiniPath's adapters to see
#                 whether there are any, and one of them measures the clock first: 0.2 s a start.
#
# Open MPI 4 reads OMPI_MCA_* for all of it.  Since Open MPI 5 the launcher is PRRTE, which has its
# own names and prefix, PRTE_MCA_*; what concerns the MPI library itself is still OMPI_MCA_*.
# Each version ignores the other's names.
mpi_on_one_machine() {
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_MCA_btl=^tcp,uct,openib,ofi OMPI_MCA_mtl=^psm,psm2,ofi
  export OMPI_MCA_rmaps_base_oversubscribe=1
  export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
  export OMPI_MCA_hwloc_base_binding_policy=none
  export PRTE_MCA_hwloc_default_binding_policy=none
  if [ "${1:-1}" -gt "$(cores)" ]; then
    export OMPI_MCA_mpi_yield_when_idle=1
  else
    unset OMPI_MCA_mpi_yield_when_idle
  fi
}
