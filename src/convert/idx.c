/* IDX files, the format of MNIST: two zero bytes, a byte for the type of the elements, a byte for
 * the number of dimensions, each dimension in four bytes, then the elements, all big-endian
 * (http://yann.lecun.com/exdb/mnist/). */
#include "convert/arrays.h"
#include "convert/formats.h"

static bool element_of(int code, ls__element *e) {
  static const struct {
    int code;
    ls__element_kind kind;
    size_t size;
  } known[] = {{0x08, LS__ELEMENT_UNSIGNED, 1}, {0x09, LS__ELEMENT_SIGNED, 1},
               {0x0B, LS__ELEMENT_SIGNED, 2},   {0x0C, LS__ELEMENT_SIGNED, 4},
               {0x0D, LS__ELEMENT_REAL, 4},     {0x0E, LS__ELEMENT_REAL, 8}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i].code != code) continue;
    *e = (ls__element){known[i].kind, known[i].size, true, ""};
    snprintf(e->name, sizeof e->name, "%02x", (unsigned)code);
    return true;
  }
  return false;
}

static ls_status header(ls__array_file *array) {
  ls_status st = LS_OK;
  unsigned char head[4], dim[4];
  LS_TRY(ls__array_read_header(array, head, 4));
  if (head[0] != 0 || head[1] != 0 || !element_of(head[2], &array->element))
    LS_FAIL(LS_EDATA,
            "%s: no IDX file: it begins with %02x %02x %02x %02x, where 00 00, a type of 08, 09, "
            "0b to 0e and the number of dimensions should stand",
            array->path, head[0], head[1], head[2], head[3]);
  if (head[3] < 1 || head[3] > LS_MAX_DIMS)
    LS_FAIL(LS_EDATA, "%s: the header says %d dimensions, it must be 1 to %d", array->path, head[3],
            LS_MAX_DIMS);
  while (array->shape.ndim < head[3]) {
    LS_TRY(ls__array_read_header(array, dim, 4));
    array->shape.dim[array->shape.ndim++] = (size_t)dim[0] << 24 | (size_t)dim[1] << 16 |
                                            (size_t)dim[2] << 8 | (size_t)dim[3];
  }
out:
  return st;
}

static ls_status run(const ls_convert_options *options, const void *own, ls__progress *progress) {
  return ls__arrays_convert(&ls__format_idx, header, options, own, progress);
}

const ls__format ls__format_idx = {
    .kind = {"idx", "IDX files, the format of MNIST: images in one, labels in another",
             ls__arrays_table},
    .sources = "IMAGES LABELS [TEST-IMAGES TEST-LABELS]",
    .passes = 1,
    .own_bytes = sizeof(ls__arrays_options),
    .run = run,
};
