/* Ports and shapes as a caller of the library gives them: checked before anybody believes them. */
#ifndef LS_TENSOR_PORT_H
#define LS_TENSOR_PORT_H

#include <lockstep/shape.h>
#include <stdbool.h>

#include "base/error.h"

/* 0 to LS_MAX_DIMS dimensions of at least 1, and as many elements as memory can count; LS_EUSAGE
 * names `what`. */
LS_CHECKED ls_status ls__shape_check(const ls_shape *shape, const char *what);

/* 1 to 63 letters, digits, _, - and .; `nested`: or several such names with / between them, as those
 * of layers in blocks, and so of outputs and their targets. */
bool ls__port_name_good(const char *name, bool nested);

/* A zero-terminated name, a known type, and such a shape. */
LS_CHECKED ls_status ls__port_check(const ls_port *port, bool nested);

#endif
