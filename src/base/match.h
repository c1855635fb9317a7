/* Patterns of names, as a shell has them: * is anything, / included, ? one character. */
#ifndef LS_BASE_MATCH_H
#define LS_BASE_MATCH_H

#include <stdbool.h>

/* Whether the pattern is the name "block_1/dense_1/weight", or a part of it from the beginning up to
 * a "/": "block_1" is all that is in the block. */
bool ls__match(const char *pattern, const char *name);

#endif
