#!/bin/bash
# The pictures of runs, by `lockstep plot`: its arguments, and the program is $LOCKSTEP, else
# build/lockstep, else the one on the PATH.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ ! -x "$here/build/lockstep" ] || : "${LOCKSTEP:=$here/build/lockstep}"
exec "${LOCKSTEP:-lockstep}" plot "$@"
