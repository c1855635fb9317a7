/* Files of arrays: IDX, NumPy's, CIFAR's, one or two of them.
 *
 *   input   format, bytes of the second file (two, the lower first), options, the files */
#include <string.h>
#include <unistd.h>

#include <lockstep/convert.h>

#include "fuzz.h"

static const struct {
  const char *name;
  int files;
} formats[] = {{"idx", 2}, {"npy", 2}, {"npz", 1}, {"cifar10", 1}, {"cifar100", 1}};
enum { FORMATS = sizeof formats / sizeof *formats };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static FILE *nowhere;
  char path[2][256], output[256];
  fuzz_bytes b = {data, size};
  if (size > FUZZ_ROOM) return 0;
  if (nowhere == NULL) nowhere = fopen("/dev/null", "w");
  const size_t begin = fuzz_begin(), f = fuzz_below(&b, FORMATS), wanted = fuzz_below(&b, 65536);
  const unsigned how = fuzz_byte(&b);
  const size_t second = formats[f].files == 1 ? 0
                        : wanted < b.left     ? wanted
                                              : b.left,
               first = b.left - second;
  fuzz_write(fuzz_path("one", path[0]), b.at, first);
  fuzz_write(fuzz_path("two", path[1]), b.at + first, second);
  fuzz_path("out.h5", output);
  const char *sources[] = {path[0], path[1]}, *chosen[] = {"label=class"};
  const ls_convert_options o = {.format = formats[f].name,
                                .sources = sources,
                                .n_sources = formats[f].files,
                                .output = output,
                                .options = chosen,
                                .n_options = f < 3 && how & 1U ? 1 : 0,
                                .gzip = how & 2U ? 1 : 0,
                                .test = how & 4U ? 0.25 : 0.0};
  const ls_status st = ls_convert(&o);
  fuzz_status(st, 1U << LS_EDATA | 1U << LS_EUSAGE | 1U << LS_ECONFIG | 1U << LS_ENOMEM);
  FUZZ_CHECK((access(output, F_OK) == 0) == (st == LS_OK)); /* whole, or not there */
  fuzz_good += st == LS_OK;
  if (st == LS_OK) fuzz_status(ls_inspect(output, how & 8U, nowhere), 0);
  (void)unlink(output);
  fuzz_end(begin);
  return 0;
}

/* ---- To begin with */

static size_t put(uint8_t *to, size_t n, const void *bytes, size_t more) {
  memcpy(to + n, bytes, more);
  return n + more;
}

/* A NumPy array of bytes. */
static size_t put_npy(uint8_t *to, size_t n, const char *type, const char *shape, size_t bytes) {
  char head[160];
  snprintf(head, sizeof head, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }%*s\n", type,
           shape, (int)(60 - strlen(type) - strlen(shape)), "");
  const uint8_t begin[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)strlen(head), 0};
  n = put(to, n, begin, sizeof begin);
  n = put(to, n, head, strlen(head));
  memset(to + n, 1, bytes);
  return n + bytes;
}

/* A member without compression, and its entry in the directory. */
static size_t put_member(uint8_t *to, size_t n, const char *name, const char *type,
                         const char *shape, size_t bytes, uint8_t *entry, size_t *entries) {
  static uint8_t npy[512];
  const size_t size = put_npy(npy, 0, type, shape, bytes), letters = strlen(name);
  uint32_t crc = 0xFFFFFFFFU;
  for (size_t i = 0; i < size; i++) {
    crc ^= npy[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1U ? 0xEDB88320U : 0U);
  }
  crc = ~crc;
  uint8_t head[26] = {20, 0};
  for (size_t i = 0; i < 4; i++) {
    head[10 + i] = (uint8_t)(crc >> 8 * i);
    head[14 + i] = head[18 + i] = (uint8_t)(size >> 8 * i);
  }
  head[22] = (uint8_t)letters;
  uint8_t *e = entry + *entries;
  memset(e, 0, 46);
  memcpy(e, "PK\1\2\24", 5);
  memcpy(e + 6, head, 26);
  for (size_t i = 0; i < 4; i++) e[42 + i] = (uint8_t)(n >> 8 * i);
  memcpy(e + 46, name, letters);
  *entries += 46 + letters;
  n = put(to, n, "PK\3\4", 4);
  n = put(to, n, head, sizeof head);
  n = put(to, n, name, letters);
  return put(to, n, npy, size);
}

size_t fuzz_seed(size_t i, uint8_t *to) {
  static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                                   0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                       labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 0, 1},
                       real[] = {0, 0, 13, 1, 0, 0, 0, 2, 0, 0, 0, 0, 63, 128, 0, 0};
  uint8_t entry[200];
  enum { HEAD = 4 };
  size_t n = HEAD, entries = 0;
  memset(to, 0, HEAD);
  switch (i) {
    case 0:
    case 1:
      n = put(to, n, images, sizeof images);
      n = i == 0 ? put(to, n, labels, sizeof labels) : put(to, n, real, sizeof real);
      to[1] = (uint8_t)(i == 0 ? sizeof labels : sizeof real);
      break;
    case 2:
    case 3: {
      n = put_npy(to, n, i == 2 ? "<f4" : "|u1", i == 2 ? "(3, 2)" : "(3, 2, 4)", 24);
      const size_t first = n;
      n = put_npy(to, n, "|u1", "(3,)", 3);
      to[0] = 1;
      to[1] = (uint8_t)(n - first);
      break;
    }
    case 4: {
      n = put_member(to + HEAD, 0, "x_train.npy", "<f8", "(2, 2)", 32, entry, &entries);
      n = put_member(to + HEAD, n, "y_train.npy", "|i1", "(2,)", 2, entry, &entries);
      const size_t at = n;
      n = put(to + HEAD, n, entry, entries);
      uint8_t end[22] = "PK\5\6\0\0\0\0\2\0\2";
      end[12] = (uint8_t)entries;
      end[16] = (uint8_t)at;
      end[17] = (uint8_t)(at >> 8);
      n = HEAD + put(to + HEAD, n, end, sizeof end);
      to[0] = 2;
      break;
    }
    case 5:
    case 6:
      memset(to + HEAD, 1, n = (i == 5 ? 3073 : 3074));
      n = HEAD + n;
      to[0] = (uint8_t)(i - 2);
      break;
    default: return SIZE_MAX;
  }
  to[3] = (uint8_t)(i < 5 && i != 1 ? i & 3U : 0);
  return n;
}

const char *fuzz_word(size_t i) {
  static const char *const words[] = {"<f4",
                                      "<f8",
                                      ">f8",
                                      "|b1",
                                      "<i8",
                                      "<u2",
                                      "|u1",
                                      "<c16",
                                      "|O",
                                      "True",
                                      "(3, 2)",
                                      "(1000000000, 1000000000)",
                                      "()",
                                      "'shape': ",
                                      "'descr': ",
                                      "\x93NUMPY",
                                      "PK\1\2",
                                      "PK\3\4",
                                      "PK\5\6",
                                      "PK\6\6",
                                      "PK\6\7",
                                      "\xFF\xFF\xFF\xFF",
                                      "\x1F\x8B\x08",
                                      "x_train.npy",
                                      NULL};
  return i < sizeof words / sizeof *words ? words[i] : NULL;
}
