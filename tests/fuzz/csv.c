/* Tables as text: converted, and where that goes well opened as a dataset.
 *
 *   input   three bytes that choose options, a byte that says where a second file begins, text */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <lockstep/convert.h>
#include <lockstep/data.h>

#include "base/alloc.h"
#include "config/config.h"
#include "convert/recipe.h"
#include "data/data.h"
#include "fuzz.h"
#include "h5/h5.h"

static const char *const options[] =
    {"target=last",
     "target=none",
     "target=1",
     "target=y",
     "target=1,2",
     "drop=1",
     "drop=b",
     "category=1",
     "category=c",
     "label=class",
     "label=number",
     "missing=mean",
     "missing=drop",
     "missing-words=-",
     "missing-words==1",
     "delimiter=;",
     "delimiter=space",
     "delimiter=::",
     "delimiter=tab",
     "header=yes",
     "header=no",
     "skip-lines=1",
     "comment=#",
     "comment=//",
     "decimal=comma",
     "decimal=point",
     "date=dmy",
     "date=none",
     "encoding=auto",
     "encoding=latin1",
     "missing-words=x",
     "one-hot=1",
     "one-hot=c",
     "date-parts=1",
     "weight=1",
     "weight=c",
     "group=1",
     "group=c",
     "file-column=f",
     "by=1",
     "by=c",
     "targets-from"}; /* the second file, which is no source then */
enum { OPTIONS = sizeof options / sizeof *options };

/* Read some rows of what was made. */
static void open_it(const char *path) {
  static float to[64 * 1024];
  char text[400];
  ls_config *config = NULL;
  ls_data *data = NULL;
  snprintf(text, sizeof text, "file: %s\n", path);
  LS_ASSERT(ls_config_parse(text, "data", &config) == LS_OK);
  const ls_status st = ls__data_open_for(NULL, config, LS__DATA_EVALUATE, 0, &data);
  fuzz_status(st, 1U << LS_EDATA); /* of categories alone, or without a target */
  if (st == LS_OK && ls__data_load(data) == LS_OK) {
    const ls__array *arrays = NULL;
    void *rows[LS__MAX_ARRAYS] = {NULL};
    const size_t n = ls__data_arrays(data, &arrays), all = ls_data_count(data, LS_TRAIN);
    FUZZ_CHECK(n > 0);
    if (arrays[0].count <= 1024) rows[0] = to;
    fuzz_status(ls__data_rows(data, LS_TRAIN, 0, all < 64 ? all : 64, rows), 1U << LS_EDATA);
  }
  ls_data_close(data);
  ls_config_destroy(config);
}

/* What the recipe of the table makes of it are the rows that convert made, all of them. */
static void read_again(const char *table, const char *output) {
  char path[256];
  char *recipe = NULL;
  ls__h5 *file = NULL, *other = NULL;
  ls__h5_info first, second;
  bool there = false;
  LS_ASSERT(ls__h5_open(output, &file) == LS_OK);
  LS_ASSERT(ls__h5_exists(file, "/train/x", &there) == LS_OK);
  if (!there) goto out;
  LS_ASSERT(ls__h5_get_string(file, "/train/x", "recipe", &recipe) == LS_OK);
  LS_ASSERT(ls__h5_info_get(file, "/train/x", &first) == LS_OK);
  ls__recipe_job job = {.recipe = recipe,
                        .origin = "recipe",
                        .path = table,
                        .output = fuzz_path("again.h5", path),
                        .quiet = true};
  const ls_status st = ls__recipe_run(&job);
  if (st != LS_OK) fprintf(stderr, "%s\n%s\n", ls_error_message(), recipe);
  FUZZ_CHECK(st == LS_OK);
  FUZZ_CHECK(ls__h5_open(path, &other) == LS_OK);
  LS_ASSERT(ls__h5_info_get(other, "/test/x", &second) == LS_OK);
  FUZZ_CHECK(ls_shape_equal(&first.shape, &second.shape) && first.type == second.type);
  const size_t bytes = ls_shape_count(&first.shape) * sizeof(double);
  double *x = malloc(bytes), *y = malloc(bytes);
  LS_ASSERT(x != NULL && y != NULL);
  LS_ASSERT(ls__h5_read(file, "/train/x", LS__F64, x) == LS_OK);
  LS_ASSERT(ls__h5_read(other, "/test/x", LS__F64, y) == LS_OK);
  FUZZ_CHECK(memcmp(x, y, bytes) == 0);
  free(x);
  free(y);
  (void)unlink(path);
out:
  ls__free(recipe);
  ls__h5_close(file);
  ls__h5_close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char one[256], two[256], output[256];
  fuzz_bytes b = {data, size};
  if (size > FUZZ_ROOM) return 0;
  const size_t begin = fuzz_begin();
  const char *chosen[3];
  char from[300];
  int n = 0;
  bool joined = false, drops = false, named = false;
  for (int i = 0; i < 3; i++) {
    const size_t k = fuzz_below(&b, 2 * OPTIONS); /* half of them: none */
    if (k >= OPTIONS) continue;
    joined = joined || strcmp(options[k], "targets-from") == 0;
    drops = drops || strcmp(options[k], "missing=drop") == 0;
    named = named || strcmp(options[k], "file-column=f") == 0;
    chosen[n++] = strcmp(options[k], "targets-from") == 0 ? from : options[k];
  }
  const size_t cut = fuzz_byte(&b);
  const size_t first = cut == 0 || cut >= b.left ? b.left : cut;
  fuzz_write(fuzz_path("one.csv", one), b.at, first);
  fuzz_write(fuzz_path("two.csv", two), b.at + first, b.left - first);
  snprintf(from, sizeof from, "targets-from=%s", two);
  fuzz_path("out.h5", output);
  const char *sources[] = {one, two};
  const ls_convert_options how = {.format = "csv",
                                  .sources = sources,
                                  .n_sources = first < b.left && !joined ? 2 : 1,
                                  .output = output,
                                  .options = chosen,
                                  .n_options = n,
                                  .validation = size % 3 == 0 ? 0.25 : 0.0};
  const ls_status st = ls_convert(&how);
  fuzz_status(st, 1U << LS_EDATA | 1U << LS_EUSAGE | 1U << LS_ECONFIG);
  FUZZ_CHECK((access(output, F_OK) == 0) == (st == LS_OK)); /* whole, or not there */
  fuzz_good += st == LS_OK;
  if (st == LS_OK) open_it(output);
  if (st == LS_OK && how.n_sources == 1 && !(how.validation > 0.0) && !drops && !named)
    read_again(one, output);
  (void)unlink(output);
  fuzz_end(begin);
  return 0;
}

/* ---- To begin with */

static const char *const seeds[] = {
    "a,b,y\n1,2,0\n3,4.5,1\n5,-6e3,0\n",
    "1;2,5;3\n4;5,25;6\n7;8,125;9\n",
    "name,\"when, where\",y\nx,2024-01-31,cat\n\"y \"\"z\"\"\",2024-02-01T12:30:00Z,dog\n",
    "# a b c\n1 2 3\n4 5 6\n 7  8  9 \n",
    "sep=;\na;b\n1;NA\n2;?\n;3\n",
    "id\tc\ty\r\n0\tu\t1.000,5\r\n1\tv\t2.000,25\r\n",
    "\xEF\xBB\xBFk\xC3\xB6rper,y\n1 kg,10 %\n2 kg,20 %\n",
    "k\xF6rper,y\n\"a\nb\",1\nc,2\n",
    "a::b::y\n1::2::3\n4::5::6\n",
    "x,c,y\n1,red,1.5\n2,\"b, c\",2.5\n,red,3\n4,,4\n",
    "t,c,y\n12:30,1,a\n23:59:59,2,b\n00:00,3,a\n",
    "0,1,2,3,4\n5.5,6,7,8,9\n1,2,3,4,5\n31/01/2024,1,2,3,4\n",
};

size_t fuzz_seed(size_t i, uint8_t *to) {
  if (i >= 3 * sizeof seeds / sizeof *seeds) return SIZE_MAX;
  const char *text = seeds[i / 3];
  const uint8_t head[4] = {(uint8_t)(i % 3 == 0 ? 255 : 7 * i), (uint8_t)(i % 3 == 1 ? 255 : 5 * i),
                           255, (uint8_t)(i % 3 == 2 ? 12 : 0)};
  memcpy(to, head, 4);
  memcpy(to + 4, text, strlen(text));
  return 4 + strlen(text);
}

const char *fuzz_word(size_t i) {
  static const char *const words[] = {"\"",         "\"\"",
                                      "\n",         "\r\n",
                                      ",",          ";",
                                      "\t",         "::",
                                      " ",          "1e309",
                                      "-1",         "0x10",
                                      "NaN",        "inf",
                                      "NA",         "none",
                                      "-999",       "2024-02-30",
                                      "31/12/1999", "1,000.5",
                                      "1.000,5",    "12 %",
                                      "5 kg",       "1e-400",
                                      "4294967296", "9007199254740993",
                                      "00012",      "\xC3\xA4",
                                      "\xFF\xFE",   "\xEF\xBB\xBF",
                                      "sep=,\n",    "#",
                                      "true",       "c,y\n",
                                      "1,2,3\n",    "a,b,c\n",
                                      NULL};
  return i < sizeof words / sizeof *words ? words[i] : NULL;
}
