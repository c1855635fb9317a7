#!/bin/bash
# without_blocks, of which each batch file has a copy: away goes what mpirun tells of a rank's exit code, and
# nothing else.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
line=--------------------------------------------------------------------------
away() { printf '%s\n' "$line" "$@" "$line"; }
stays() { printf '%s\n' "$line" "$@" "$line" | tee -a wanted; }
{
  echo 'lockstep: a.yaml:1: data: is missing' | tee -a wanted
  away 'Primary job  terminated normally, but 1 process returned' 'a non-zero exit code. Per user-direction, the job has been aborted.'
  away 'mpirun detected that one or more processes exited with non-zero status, thus causing' \
    'the job to be terminated. The first process to do so was:' '' '  Process name: [[5588,1],1]' '  Exit code:    2'
  away 'prterun detected that one or more processes exited with non-zero status,' 'thus causing the job to be terminated.'
  away 'MPI_ABORT was invoked on rank 1 in communicator MPI_COMM_WORLD' 'with errorcode 5.'
  away 'prterun has exited due to process rank 1 with PID 0 on node a calling' '"abort". This may have caused other processes'
  stays 'There are not enough slots available in the system to satisfy the 20' 'slots that were requested by the application:'
  stays 'mpirun noticed that process rank 1 with PID 0 on node a exited on signal 9 (Killed).'
  stays 'mpirun was unable to find the specified executable file'
  printf '%s\n' --- '-- x' "$line $line" | tee -a wanted
  printf '%s\n' "$line" 'the last one has no end'
  printf %s 'nor has its line'
} >given
printf '%s\n' "$line" 'the last one has no end' 'nor has its line' >>wanted
# Our own line in the middle of a block isn't lost.
printf '%s\n' "$line" 'Primary job  terminated normally, but 1 process returned' 'lockstep: why' 'more' "$line" >mixed
for file in scripts/lib.sh slurm/train.sbatch slurm/sweep.sbatch; do
  sed -n '/^without_blocks() {/,/^}/p' "$LOCKSTEP_SOURCE/$file" >function
  bash -c '. ./function; without_blocks' <given >got || fail "$file has no such function"
  cmp got wanted || { fail "$file:"; diff wanted got; }
  same "$file, mixed" "$(bash -c '. ./function; without_blocks' <mixed)" 'lockstep: why'
done
finish
