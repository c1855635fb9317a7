/* NumPy's .npy files, versions 1 to 3: the bytes 93 "NUMPY", two for the version, the length of the
 * header in two (version 1) or four bytes, little-endian, then the header, a Python dictionary such
 * as
 *
 *   {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }
 *
 * padded with spaces, then the elements
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
#include <string.h>

#include "base/alloc.h"
#include "convert/arrays.h"
#include "convert/formats.h"

/* A real header has some hundred bytes; NumPy itself refuses more than 10,000. */
enum { LONGEST_HEADER = 10000 };

/* Text being read: p moves on. */
typedef struct scanner {
  const char *p;
} scanner;

static void skip_spaces(scanner *s) {
  s->p += strspn(s->p, " \t\r\n");
}

/* Take this text, and spaces before it, off the front. */
static bool take(scanner *s, const char *text) {
  skip_spaces(s);
  const size_t n = strlen(text);
  if (strncmp(s->p, text, n) != 0) return false;
  s->p += n;
  return true;
}

/* A string in quotes of either kind; false where there is none or it doesn't fit. */
static bool take_string(scanner *s, char *to, size_t bytes) {
  skip_spaces(s);
  const char quote = *s->p;
  if (quote != '\'' && quote != '"') return false;
  const char *begin = s->p + 1, *end = strchr(begin, quote);
  if (end == NULL || (size_t)(end - begin) >= bytes) return false;
  memcpy(to, begin, (size_t)(end - begin));
  to[end - begin] = '\0';
  s->p = end + 1;
  return true;
}

/* A whole number; those of Python 2 may end in L. */
static bool take_size(scanner *s, size_t *n) {
  skip_spaces(s);
  if (*s->p < '0' || *s->p > '9') return false;
  for (*n = 0; *s->p >= '0' && *s->p <= '9'; s->p++) {
    if (*n > (SIZE_MAX - 9) / 10) return false;
    *n = 10 * *n + (size_t)(*s->p - '0');
  }
  if (*s->p == 'L') s->p++;
  return true;
}

/* (), (3,), (3, 4) */
static bool take_shape(scanner *s, ls_shape *shape) {
  shape->ndim = 0;
  if (!take(s, "(")) return false;
  while (!take(s, ")")) {
    if (shape->ndim == LS_MAX_DIMS || !take_size(s, &shape->dim[shape->ndim])) return false;
    shape->ndim++;
    if (take(s, ",")) continue;
    return take(s, ")");
  }
  return true;
}

/* What a header says. */
typedef struct description {
  char type[8];
  bool fortran;
  ls_shape shape;
  bool has_type, has_order, has_shape;
  bool odd_type; /* a list of fields, or a text too long to be a number's type */
} description;

static bool take_entry(scanner *s, description *d) {
  char key[16];
  if (!take_string(s, key, sizeof key) || !take(s, ":")) return false;
  if (strcmp(key, "descr") == 0 && !d->has_type) {
    d->has_type = true;
    if (take_string(s, d->type, sizeof d->type)) return true;
    d->odd_type = true; /* no need to find its end: it will be refused */
    return true;
  }
  if (strcmp(key, "fortran_order") == 0 && !d->has_order) {
    d->has_order = true;
    d->fortran = take(s, "True");
    return d->fortran || take(s, "False");
  }
  if (strcmp(key, "shape") == 0 && !d->has_shape) {
    d->has_shape = true;
    return take_shape(s, &d->shape);
  }
  return false;
}

static bool take_description(scanner *s, description *d) {
  if (!take(s, "{")) return false;
  while (!take(s, "}")) {
    if (!take_entry(s, d)) return false;
    if (d->odd_type) return true;
    if (take(s, ",")) continue;
    if (!take(s, "}")) return false;
    break;
  }
  skip_spaces(s);
  return *s->p == '\0' && d->has_type && d->has_order && d->has_shape;
}

/* "<f4": order of bytes, kind, bytes. */
static bool element_of(const char *type, ls__element *e) {
  static const struct {
    char kind;
    ls__element_kind is;
    size_t least, most;
  } known[] = {{'u', LS__ELEMENT_UNSIGNED, 1, 4},
               {'i', LS__ELEMENT_SIGNED, 1, 8},
               {'f', LS__ELEMENT_REAL, 2, 8},
               {'b', LS__ELEMENT_TRUTH, 1, 1}};
  if (strlen(type) != 3 || strchr("<>|", type[0]) == NULL || strchr("1248", type[2]) == NULL)
    return false;
  const size_t size = (size_t)(type[2] - '0');
  if (type[0] == '|' && size > 1) return false;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i].kind != type[1] || size < known[i].least || size > known[i].most) continue;
    *e = (ls__element){known[i].is, size, type[0] == '>', ""};
    snprintf(e->name, sizeof e->name, "%s", type);
    return true;
  }
  return false;
}

ls_status ls__npy_header(ls__array_file *array) {
  ls_status st = LS_OK;
  unsigned char head[8], length[4] = {0};
  char *text = NULL;
  description d = {.type = ""};
  LS_TRY(ls__array_read_header(array, head, 8));
  if (memcmp(head, "\x93NUMPY", 6) != 0)
    LS_FAIL(LS_EDATA, "%s: no .npy file: it does not begin with \\x93NUMPY%s", array->path,
            memcmp(head, "PK\3\4", 4) == 0 ? "; convert npz reads .npz files" : "");
  if (head[6] < 1 || head[6] > 3)
    LS_FAIL(LS_EDATA, "%s: version %d.%d of .npy; 1 to 3 are known", array->path, head[6], head[7]);
  LS_TRY(ls__array_read_header(array, length, head[6] == 1 ? 2 : 4));
  const size_t size = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 |
                      (size_t)length[3] << 24;
  if (size > LONGEST_HEADER)
    LS_FAIL(LS_EDATA, "%s: a header of %zu bytes; an array of numbers has none beyond %d",
            array->path, size, LONGEST_HEADER);
  LS_TRY(ls__alloc(&text, size + 1, 1, "header"));
  LS_TRY(ls__array_read_header(array, text, size));
  scanner s = {text};
  if (strlen(text) != size || !take_description(&s, &d))
    LS_FAIL(LS_EDATA, "%s: the header is no description of an array, at byte %zu of it",
            array->path, (size_t)(s.p - text));
  if (d.odd_type || !element_of(d.type, &array->element))
    LS_FAIL(LS_EDATA,
            "%s: elements of type %.20s cannot be read; save x.astype(\"float32\"), or another "
            "type of numbers",
            array->path, d.odd_type ? s.p : d.type);
  if (d.shape.ndim == 0)
    LS_FAIL(LS_EDATA, "%s: a single number, where an array of rows is wanted", array->path);
  if (d.fortran && d.shape.ndim > 1)
    LS_FAIL(LS_EDATA,
            "%s: in Fortran order; save it as numpy.save(FILE, numpy.ascontiguousarray(x))",
            array->path);
  array->shape = d.shape;
out:
  ls__free(text);
  return st;
}

static ls_status run(const ls_convert_options *options, const void *own, ls__progress *progress) {
  return ls__arrays_convert(&ls__format_npy, ls__npy_header, options, own, progress);
}

const ls__format ls__format_npy = {
    .kind = {"npy", "NumPy arrays: inputs in one file, targets in another, a row a sample",
             ls__arrays_table},
    .sources = "X.npy Y.npy [TEST-X.npy TEST-Y.npy]",
    .passes = 1,
    .own_bytes = sizeof(ls__arrays_options),
    .run = run,
};
