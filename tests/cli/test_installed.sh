#!/bin/bash
# An installed tree, moved elsewhere, is whole: with an environment that says nothing of it, the program
# trains, evaluates, predicts and finds its scripts; C, C++ and Fortran projects use it by CMake and by
# pkg-config; batch files, examples, pages, manual page, completion and module files are in it.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
accepted env DESTDIR="$work/staging" cmake --install "$LOCKSTEP_BUILD" --prefix /opt/lockstep
accepted cmake --install "$LOCKSTEP_BUILD" --prefix "$work/first"
same "trees, by DESTDIR and by prefix" "$(cd staging/opt/lockstep && find . | sort)" "$(cd first && find . | sort)"
mv first "$work/moved tree"
prefix="$work/moved tree"
version=$("$lockstep" --version | cut -d' ' -f2)
library=$(find "$prefix" -name liblockstep.so)
library=${library%/*}
for file in bin/lockstep include/lockstep/lockstep.h share/man/man1/lockstep.1 share/bash-completion/completions/lockstep \
  share/doc/lockstep/README.md share/doc/lockstep/src/config/README.md share/lockstep/slurm/{train,sweep}.sbatch \
  share/lockstep/examples/digits/digits.yaml share/lockstep/examples/simulate.c share/lockstep/fortran/lockstep.f90 \
  "share/lockstep/modulefiles/lockstep/$version.lua" share/lockstep/scripts/scaling.sh; do
  [ -s "$prefix/$file" ] || fail "$file is not installed"
done
grep -rlIF -e "$LOCKSTEP_SOURCE" -e "$LOCKSTEP_BUILD" -e "$work/first" "$prefix" >names
same "files that name where they were built or installed first" "$(cat names)" ""
if command -v readelf >/dev/null; then
  readelf -d "$prefix/bin/lockstep" >program.so
  readelf -d "$library/liblockstep.so" >library.so
  grep -q 'RUNPATH.*\[$ORIGIN/\.\./lib' program.so || fail "RUNPATH of the program: $(grep PATH program.so)"
  grep -q 'RUNPATH.*\[$ORIGIN' library.so || fail "RUNPATH of the library: $(grep PATH library.so)"
fi
# The links of the pages that lead to other pages hold.
(cd "$prefix/share/doc/lockstep" && find . -name README.md -exec grep -oHE '\]\([^)#:]*README\.md' {} +) |
  while IFS=: read -r page link; do
    [ -e "$prefix/share/doc/lockstep/$(dirname "$page")/${link#](}" ] || echo "$page: ${link#](}"
  done >broken
same "broken links" "$(cat broken)" ""

# clean COMMAND...: with nothing in the environment but what a login has, and settings for one machine.
clean() {
  # shellcheck disable=SC2046
  env -i PATH="$prefix/bin:/usr/local/bin:/usr/bin:/bin" HOME="$HOME" GNUPLOT="${gnuplot-}" \
    $(env | grep -E '^(OMPI_|PRTE_|OPENBLAS_NUM|ASAN_|LSAN_)') "$@"
}
unset LD_LIBRARY_PATH
table 200 >t.csv
accepted clean lockstep convert csv t.csv -o t.h5 --test 0.2
cat >t.yaml <<'YAML'
data: {file: t.h5, normalize: true}
model: [{dense: {units: 8, activation: tanh}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 16, epochs: 3, seed: 1}
YAML
accepted clean mpirun -n 2 lockstep train t.yaml
accepted clean lockstep evaluate runs/t
accepted clean lockstep predict runs/t -o predicted.h5
accepted clean lockstep plot runs/t
accepted clean lockstep scaling --help
shown '^  --ranks'
accepted clean lockstep scaling t.yaml --ranks 1 --steps 4 --repeat 1 --out scaling
shown 'numbers: scaling/results.json'
same "program that the script measured" "$(grep -c '"ranks"' scaling/results.json | tr '0-9' 'y')" y
accepted clean bash -c '. "$1/share/bash-completion/completions/lockstep"; complete -p lockstep' - "$prefix"
# mpirun in front of it, and no script beside the program.
clean mpirun -n 2 lockstep scaling t.yaml >out 2>err
same "exit code under mpirun" $? 2
same "message under mpirun" "$(grep '^lockstep: ' err)" "lockstep: scaling starts mpirun by itself: call it without one"
mv "$prefix/share/lockstep/scripts" "$prefix/share/lockstep/scripts.away"
refused_alone() { # CODE PATTERN COMMAND...
  "${@:3}" >out 2>err
  same "exit code: ${*:3}" $? "$1"
  grep -qE "$2" err || fail "${*:3}: $(cat err)"
}
refused_alone 2 'lockstep: scaling: the script scaling.sh is not beside this program' clean lockstep scaling t.yaml
mv "$prefix/share/lockstep/scripts.away" "$prefix/share/lockstep/scripts"
# A run that fails: its own line is shown, and nothing that mpirun adds.
refused_alone 1 '^lockstep: .*did you mean "seed"' clean lockstep scaling t.yaml train.sed=1 --ranks 2
grep -q 'non-zero' err && fail "mpirun's own lines are shown: $(cat err)"

# Consumers in C++, and in Fortran where there is a compiler: a project of one language each.
cat >linear.yaml <<'YAML'
data: {file: t.h5}
model: [{dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 16, epochs: 1, seed: 1}
YAML
accepted clean lockstep train linear.yaml pictures=false
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$LOCKSTEP_BUILD/CMakeCache.txt") # Ninja may be all there is
consumer() { # consumer LANGUAGE SOURCE TARGET: builds NAME in app-LANGUAGE
  mkdir -p "app-$1"
  cat >"app-$1/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.18)
project(app LANGUAGES $1)
find_package(lockstep $version REQUIRED)
add_executable(consumer $2)
target_link_libraries(consumer $3)
CMAKE
  accepted clean cmake -S "app-$1" -B "app-$1/build" -G "$generator" -DCMAKE_PREFIX_PATH="$prefix"
  accepted clean cmake --build "app-$1/build"
}
cat >consumer.cc <<'CXX'
#include <lockstep/lockstep.h>

#include <cstdio>
#include <memory>
#include <vector>
int main(int argc, char **argv) {
  ls_model *model = nullptr;
  if (argc < 2 || ls_model_load(argv[1], &model) != LS_OK) return std::fprintf(stderr, "%s\n", ls_error_message()), 1;
  std::unique_ptr<ls_model, void (*)(ls_model *)> owner(model, ls_model_destroy);
  std::vector<float> x{1, 2, 3}, y(1);
  if (ls_model_predict(model, 1, x.data(), y.data()) != LS_OK) return 1;
  std::printf("%.4f\n", static_cast<double>(y[0]));
}
CXX
if command -v c++ >/dev/null; then
  consumer CXX "$work/consumer.cc" lockstep::lockstep
  accepted clean app-CXX/build/consumer runs/linear
  cxx=$(cat out)
  shown '^-?[0-9]+\.[0-9]{4}$'
else
  echo "note: no C++ compiler here"
fi
cat >consumer.f90 <<'FORTRAN'
program consumer
  use lockstep
  implicit none
  type(lockstep_model) :: network
  character(1000) :: path
  real :: x(3, 5), y(1, 5), flat(1), all(5)
  double precision :: x8(3, 5), y8(1, 5)
  integer :: i, status
  call network%predict(x(:, 1), flat, status)
  print '(i0, 1x, a)', status, lockstep_message()
  call network%load('nowhere', status)
  print '(l1, 1x, a)', status /= 0, lockstep_message()
  call get_command_argument(1, path)
  call network%load(path, status)
  if (status /= 0) error stop lockstep_message()
  do i = 1, 5
    x(:, i) = [1.0, 2.0, 3.0] * i
  end do
  call network%predict(x(1:2, :), y, status)
  print '(i0, 1x, a)', status, lockstep_message()
  call network%predict(x, y, status)
  x8 = x
  call network%predict(x8, y8, status)
  call network%predict_array(5, x, all, status)
  call network%predict(x(:, 5), flat, status)
  print '(3(i0, 1x), 3(l1, 1x))', status, network%inputs(), network%outputs(), all(y(1, :) == all), &
    all(real(y8) == y), flat(1) == y(1, 5)
  print '(f0.4)', y(1, 1)
end program consumer
FORTRAN
# "F", for a number below one, has no digit before its point
plain() { sed 's/^\(-\{0,1\}\)0\./\1./'; }
fortran=$(command -v gfortran || command -v flang-new || command -v ifx)
if [ -n "$fortran" ]; then
  sed -i 's/, all(5)/, whole(5)/; s/x, all, status/x, whole, status/; s/== all)/== whole)/' consumer.f90
  consumer Fortran "$work/consumer.f90" lockstep::fortran
  accepted clean app-Fortran/build/consumer runs/linear
  cp out fortran.out
  same "Fortran: no network" "$(sed -n 1p fortran.out)" "3 predict: no network is loaded"
  same "Fortran: no file" "$(sed -n 2p fortran.out | grep -c '^T .*nowhere')" 1
  same "Fortran: wrong size" "$(sed -n 3p fortran.out)" "3 predict: a sample has 3 inputs and 1 outputs, not 2 and 1"
  same "Fortran: all ways to predict" "$(sed -n 4p fortran.out)" "0 3 1 T T T"
  [ -z "${cxx:-}" ] || same "Fortran and C++" "$(sed -n 5p fortran.out)" "$(plain <<<"$cxx")"
  # by pkg-config, the example: x'' = -sin(x) by a network
  awk 'BEGIN { print "x,y"; for (i = -300; i <= 300; i++) printf "%g,%.6f\n", i / 100, sin(i / 100) }' >sine.csv
  accepted clean lockstep convert csv sine.csv -o sine.h5
  accepted clean lockstep train t.yaml data.file=sine.h5 train.epochs=60 output=sine pictures=false
  ln -s "$prefix" link # a shell would cut the words of pkg-config at a space
  # shellcheck disable=SC2016
  accepted clean PKG_CONFIG_PATH="$work/link/${library#"$prefix/"}/pkgconfig" sh -c '"$0" -Wall "$1/fortran/lockstep.f90" \
    "$1/examples/simulate.f90" $(pkg-config --libs lockstep) -o simulate' "$fortran" "$work/link/share/lockstep"
  accepted clean LD_LIBRARY_PATH="$library" ./simulate sine
  shown 'largest difference +[0-9.]+E-0[12]'
  # what it trains while it runs, as the C program does
  if command -v mpif90 >/dev/null && mpif90 "$prefix/share/lockstep/fortran/lockstep.f90" \
    "$prefix/share/lockstep/fortran/lockstep_training.f90" "$prefix/share/lockstep/examples/surrogate.f90" \
    -L"$library" -llockstep -Wl,-rpath,"$library" -o surrogate 2>err; then
    for n in 1 2 3; do
      accepted ranks $n ./surrogate 600 surrogate$n.h5
      shown 'while it ran: error [0-9.]+E-0[23]'
      grep 'while it ran' "$work/out" >surrogate$n
      same "weights on $n ranks" "$(cat surrogate$n)" "$(cat surrogate1)"
    done
    cat >refusals.f90 <<'FORTRAN'
program refusals
  use lockstep_training
  use mpi
  implicit none
  type(lockstep_trainer) :: trainer, other
  character(*), parameter :: config = '{model: [{dense: {units: 1}}], loss: mse, '// &
    'optimizer: {sgd: {lr: 0.1}}, train: {batch: 8, lanes: 2}, output: none}'
  real :: x(3, 4), y(1, 4), out(1, 4)
  double precision :: loss, again
  integer :: ignored, rank, all, first, last, status, n
  call MPI_Init(ignored)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ignored)
  call trainer%feed(x, y, status)
  if (rank == 0) print '(i0, 1x, a)', status, lockstep_message()
  call trainer%create(MPI_COMM_WORLD, '{model: 7}', 3, 1, status)
  if (rank == 0) print '(l1)', status /= 0
  call trainer%create(MPI_COMM_WORLD, config, 3, 1, status)
  if (status /= 0) error stop lockstep_message()
  call trainer%lanes(all, first, last)
  n = 2 * (last - first + 1)
  x = 1
  y = 2
  if (rank == 0) then ! what one rank gives doesn't fit
    call trainer%feed(x(1:2, 1:n), y(:, 1:n), status)
    print '(i0, 1x, a)', status, lockstep_message()
  else
    call trainer%feed(x(:, 1:n), y(:, 1:n), status)
    if (status == 0) error stop 'another rank did not fit'
  end if
  if (rank == 0) x(2, 1) = 0 / (x(1, 1) - x(2, 1))
  call trainer%feed(x(:, 1:n), y(:, 1:n), status)
  if (rank == 0) print '(i0, 1x, a)', status, lockstep_message()
  x = 1
  call trainer%feed(x(:, 1:n), y(:, 1:n), status, loss=loss)
  call trainer%forward(x(:, 1:n), out(:, 1:n), status)
  call trainer%backward(2 * (out(:, 1:n) - y(:, 1:n)), status)
  call trainer%save('fortran.h5', status)
  call other%create(MPI_COMM_WORLD, config, 3, 1, status, checkpoint='fortran.h5')
  if (status /= 0) error stop lockstep_message()
  call other%set_lr(0.0625d0, status)
  call other%feed(x(:, 1:n), y(:, 1:n), status, loss=again)
  if (rank == 0) print '(i0, 1x, i0, 1x, f6.4, 1x, f6.4, 1x, l1)', status, other%steps(), trainer%lr(), other%lr(), &
    again < loss
  call other%destroy()
  call trainer%destroy()
  call MPI_Finalize(ignored)
end program refusals
FORTRAN
    accepted mpif90 -Wall "$prefix/share/lockstep/fortran/lockstep.f90" \
      "$prefix/share/lockstep/fortran/lockstep_training.f90" refusals.f90 -L"$library" -llockstep -Wl,-rpath,"$library" -o refusals
    accepted ranks 2 ./refusals
    same "Fortran: what is refused" "$(cat out)" "3 the trainer was not created
T
3 a sample has 3 and 1 numbers, not 2 and 1
5 rank 0, sample 0: input \"input\" is not finite (nan)
0 3 0.1000 0.0625 T"
  else
    echo "note: no mpif90 here that builds programs"
  fi
else
  echo "note: no Fortran compiler here (Debian: gfortran)"
fi
finish
