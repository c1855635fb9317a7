#!/bin/bash
# The examples in their short form: each runs and learns.  Those without data are left out.
data=${LOCKSTEP_DATA:-$LOCKSTEP_SOURCE/../shared/data}
exec python3 "$LOCKSTEP_SOURCE/scripts/examples/run.py" --short --build "$LOCKSTEP_BUILD" --data "$data"
