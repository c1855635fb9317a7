#!/bin/bash
# What init proposes for small tables reaches what it must, untouched.  Those without data are left out.
data=${LOCKSTEP_DATA:-$LOCKSTEP_SOURCE/../shared/data}
exec python3 "$LOCKSTEP_SOURCE/scripts/examples/init.py" --short --build "$LOCKSTEP_BUILD" --data "$data"
