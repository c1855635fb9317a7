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
foreach(example train_sine own_loop pole car surrogate)
  add_executable(${example} ${EXAMPLES}/${example}.c)
  target_link_libraries(${example} lockstep::lockstep m)
endforeach()
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

# loops of one's own: over data and on callbacks, the same weights on any number of ranks
table 500 >table.csv
accepted "$lockstep" convert csv table.csv -o table.h5 --validation 0.2
for n in 1 2 3; do
  accepted ranks $n app/build/own_loop table.h5 own$n.h5 fed$n.h5
  shown 'epoch 2 step 0: loss [0-9.]+'
  shown 'epoch 10: validation 0\.0'
  shown 'step 1000: loss [0-9.]+e-0[4-9]'
  grep -o 'weights [0-9a-f]*' "$work/out" >weights$n
  same "lines with weights on $n ranks" "$(wc -l <weights$n)" 2
  same "weights on $n ranks" "$(cat weights$n)" "$(cat weights1)"
done
accepted "$lockstep" inspect own3.h5
shown 'checkpoint, 1217 parameters'
app/build/own_loop none.h5 >out 2>err
same "exit code without data" $? 1
same "message without data" "$(grep -c '^own_loop: none.h5: ' err)" 1

# samples of the program's own: lanes hold episodes or pendulums, the same weights on any number of ranks
for n in 1 2 3; do
  accepted ranks $n app/build/pole 60 20
  shown 'round 10: [0-9.]+ pushes'
  grep -o '^[0-9]* rounds.*' "$work/out" >pole$n
  same "a pole on $n ranks" "$(cat pole$n)" "$(cat pole1)"
  accepted ranks $n app/build/surrogate 600 surrogate$n.h5
  grep 'error' "$work/out" >surrogate$n
  same "lines of a surrogate on $n ranks" "$(grep -c 'error [0-9.]*e-0[23], weights' surrogate$n)" 2
  same "a surrogate on $n ranks" "$(cat surrogate$n)" "$(cat surrogate1)"
done
accepted "$lockstep" inspect surrogate3.h5
# stopped after 10 rounds on 3 ranks, gone on from on 2
ranks 3 app/build/pole 501 10 pole.h5 >out 2>err
same "exit code without the goal" $? 1
same "message without the goal" "$(grep -c '^pole: [0-9.]* pushes, wanted 501' err)" 1
rounds=$(sed 's/ .*//' pole1)
accepted ranks 2 app/build/pole 60 20 pole.h5
[ "$rounds" -le 10 ] || same "a pole gone on from" "$(grep -o '^[0-9]* rounds.*' "$work/out")" "$(cat pole1)"

# a car in its lane: all laps, as a controller drives and then faster; stopped between on 3 ranks, gone on
# from on 2
accepted ranks 1 app/build/car 150 100
grep -E '^(policy|250)' "$work/out" >car1
shown 'controller: *36 of 36 laps'
shown 'imitation: *36 of 36 laps'
shown 'policy gradient: *36 of 36 laps.* 1[0-9]\.[0-9]* s a lap'
accepted ranks 3 app/build/car 150 0 car.h5
shown 'imitation: *36 of 36 laps'
accepted ranks 2 app/build/car 150 100 car.h5
same "a car on other ranks" "$(grep -E '^(policy|250)' "$work/out")" "$(cat car1)"
ranks 2 app/build/car 2 0 >out 2>err
same "exit code off the course" $? 1
same "message off the course" "$(grep -c '^car: [0-9]* laps, wanted 36' err)" 1

# a network rolled out on its own states: y = 0.9 x, twenty times
accepted sh -c "${CC:-cc} -std=c11 -Wall -Werror '$examples/fields/rollout.c' \$(pkg-config --cflags --libs lockstep) -lm -o rollout"
awk 'BEGIN { print "x,y"; for (i = -100; i <= 100; i++) printf "%g,%g\n", i / 100, 0.9 * i / 100 }' >decay.csv
accepted "$lockstep" convert csv decay.csv -o decay.h5
cat >decay.yaml <<'YAML'
data: {file: decay.h5}
model: [{dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.02}}
train: {batch: 16, epochs: 60, seed: 1}
YAML
accepted "$lockstep" train decay.yaml output=decay pictures=false
python3 -c 'import struct; open("decay.f32", "wb").write(struct.pack("21f", *(0.9 ** k for k in range(21))))'
accepted ./rollout decay decay.f32
same "steps rolled out" "$(wc -l <"$work/out")" 20
shown '^20 [0-9.]+e-0[2-9]$'
./rollout decay decay.f32 21 >out 2>err
same "exit code beyond the states" $? 3
same "message beyond the states" "$(cat err)" "rollout: decay.f32: no state after step 21"

accepted prefix/bin/lockstep --version
shown '^lockstep [0-9.]+$'
finish
