/** @file
 * All of lockstep.  A program that doesn't start MPI itself includes the headers it needs instead
 * (model.h and checkpoint.h to use a trained network): comm.h alone needs mpi.h. */
#ifndef LOCKSTEP_LOCKSTEP_H
#define LOCKSTEP_LOCKSTEP_H

#include <lockstep/bench.h>
#include <lockstep/blas.h>
#include <lockstep/checkpoint.h>
#include <lockstep/comm.h>
#include <lockstep/config.h>
#include <lockstep/convert.h>
#include <lockstep/crash_guard.h>
#include <lockstep/data.h>
#include <lockstep/environment.h>
#include <lockstep/feed.h>
#include <lockstep/generate.h>
#include <lockstep/help.h>
#include <lockstep/loss.h>
#include <lockstep/model.h>
#include <lockstep/pictures.h>
#include <lockstep/propose.h>
#include <lockstep/shape.h>
#include <lockstep/status.h>
#include <lockstep/train.h>

#endif
