/* Variables of the environment that this program reads. */
#ifndef LS_BASE_ENVIRONMENT_H
#define LS_BASE_ENVIRONMENT_H

/* Which of its words a variable has: its place in the table of environment.c; -1: it isn't set, or
 * has none of them. */
int ls__environment_choice(const char *name);

#endif
