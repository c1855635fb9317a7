#!/bin/bash
# The library's example programs, built against an installed lockstep by CMake's find_package and by
# pkg-config, and run.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
examples=$LOCKSTEP_SOURCE/scripts/examples
for example in train_sine simulate; do
  lines=$(wc -l <"$examples/$example.c")
  [ "$lines" -lt 80 ] || fail "$example.c has $lines lines, and should have less than 80"
done
accepted cmake --install "$LOCKSTEP_BUILD" --prefix "$work/prefix"
mkdir app
cat >app/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.18)
project(app LANGUAGES C)
find_package(lockstep REQUIRED)
add_executable(train_sine ${EXAMPLES}/train_sine.c)
target_link_libraries(train_sine lockstep::lockstep m)
CMAKE
accepted cmake -S app -B app/build -DCMAKE_PREFIX_PATH="$work/prefix" -DEXAMPLES="$examples"
accepted cmake --build app/build
export LD_LIBRARY_PATH=$work/prefix/lib:$(echo "$work"/prefix/lib/*-linux-gnu):${LD_LIBRARY_PATH:-}
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name lockstep.pc)")
export PKG_CONFIG_PATH
accepted sh -c "${CC:-cc} -std=c11 -Wall -Werror '$examples/simulate.c' \$(pkg-config --cflags --libs lockstep) -lm -o simulate"

accepted ranks 2 app/build/train_sine sine.h5
shown 'mean squared error [0-9.]+e-0[4-9]'
shown 'sin\(-1.0\) = -0.8415, the network says -0.8[0-9]*'
mv sine.h5 two.h5
accepted ranks 1 app/build/train_sine sine.h5
accepted ./simulate sine.h5
shown 'largest difference [0-9.]+e-0[12]'
accepted prefix/bin/lockstep --version
shown '^lockstep [0-9.]+$'
finish
