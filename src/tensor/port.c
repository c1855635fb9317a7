/* Checking ports and shapes (port.h). */
#include "tensor/port.h"

#include <stdint.h>
#include <string.h>

ls_status ls__shape_check(const ls_shape *shape, const char *what) {
  size_t count = 1;
  if (shape->ndim < 0 || shape->ndim > LS_MAX_DIMS)
    return ls__fail(LS_EUSAGE, "%s: a shape of %d dimensions; there are 0 to %d", what, shape->ndim,
                    LS_MAX_DIMS);
  for (int i = 0; i < shape->ndim; i++) {
    if (shape->dim[i] == 0)
      return ls__fail(LS_EUSAGE, "%s: dimension %d of its shape is 0", what, i);
    if (count > SIZE_MAX / 64 / shape->dim[i])
      return ls__fail(LS_EUSAGE, "%s: its shape is too large", what);
    count *= shape->dim[i];
  }
  return LS_OK;
}

bool ls__port_name_good(const char *name, bool nested) {
  static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  const size_t part = strspn(name, good);
  if (part == 0 || strlen(name) >= LS_NAME_BYTES) return false;
  return name[part] == '\0' ||
         (nested && name[part] == '/' && ls__port_name_good(name + part + 1, nested));
}

ls_status ls__port_check(const ls_port *port, bool nested) {
  const bool ends = memchr(port->name, '\0', sizeof port->name) != NULL;
  if (!ends || !ls__port_name_good(port->name, nested))
    return ls__fail(LS_EUSAGE, "\"%.*s\": a name is 1 to %d letters, digits, _, - and .",
                    LS_NAME_BYTES, port->name, LS_NAME_BYTES - 1);
  if (port->type != LS_REAL && port->type != LS_INDEX)
    return ls__fail(LS_EUSAGE, "%s: an array of no known type", port->name);
  return ls__shape_check(&port->shape, port->name);
}
