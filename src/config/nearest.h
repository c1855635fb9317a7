/* "Did you mean": the nearest name by edit distance. */
#ifndef LS_CONFIG_NEAREST_H
#define LS_CONFIG_NEAREST_H

#include <stddef.h>

/* The nearest of n names, or NULL when none is near. */
const char *ls__config_nearest(const char *name, const char *const *names, size_t n);

#endif
