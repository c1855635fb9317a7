/* What limits the memory of this process, and how much each of the limits leaves:
 *
 *   ulimit -v    address space; an allocation beyond it fails
 *   ulimit -d    its private part
 *   cgroup       memory.max of a control group (version 2) or memory.limit_in_bytes (version 1), of
 *                this process's group or one above it: a process that touches more is killed
 *   machine      what is available, swap space included: the same
 *
 * Only the first two make malloc fail.  So the others are looked at before memory is touched. */
#ifndef LS_BASE_ROOM_H
#define LS_BASE_ROOM_H

#include <stdbool.h>
#include <stddef.h>

enum { LS__ROOM_TEXT = 320 };

typedef struct ls__room {
  double left;              /* bytes; -1: not known or no limit */
  char text[LS__ROOM_TEXT]; /* "ulimit -v is 200 MB, of which 150 MB are taken" */
} ls__room;

/* By ulimit -v and -d, whichever leaves less. */
void ls__room_of_process(ls__room *room);
/* By control groups and the machine, whichever leaves less.  `root`: "", or for tests a folder that
 * stands for "/". */
void ls__room_of_machine(const char *root, bool swap, ls__room *room);

/* Whether the process's limits don't allow so many more bytes now; for a signal handler, too. */
bool ls__room_is_short(size_t bytes);
/* Whether so many more bytes can be touched. */
bool ls__room_holds(size_t bytes);
/* Why so many bytes do not fit: the text of the limit that leaves less than that, or "". */
void ls__room_why(size_t bytes, char text[LS__ROOM_TEXT]);

#endif
