/* "Did you mean": what a name that is unknown here was meant to be. */
#ifndef LS_CONFIG_NEAREST_H
#define LS_CONFIG_NEAREST_H

#include <stddef.h>

/* The one of n names that it is elsewhere: written otherwise (`ReLU`, `batch-size`), or as other
 * programs call it (`learning_rate`, `MSELoss`); or NULL. */
const char *ls__config_synonym(const char *name, const char *const *names, size_t n);
/* That, or the nearest by edit distance, or NULL when none is near. */
const char *ls__config_nearest(const char *name, const char *const *names, size_t n);
/* The place of a setting that people look for in another: "train.batch" of `batch_size`; or NULL.
 * NAME and N in it are what the configuration has there. */
const char *ls__config_place(const char *name);

#endif
