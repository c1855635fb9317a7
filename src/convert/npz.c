/* NumPy's .npz files: ZIP archives of .npy files, as numpy.savez and numpy.savez_compressed write
 * them (https://numpy.org/doc/stable/reference/generated/numpy.savez.html). */
#include <string.h>

#include "base/alloc.h"
#include "convert/arrays.h"
#include "convert/formats.h"
#include "convert/zip.h"

typedef struct npz_options {
  ls__arrays_options arrays;
  const char *name[4]; /* x, y, and those of the test part; NULL: found by the usual names */
} npz_options;

static const ls__option table[] = {
    LS__FORMAT_TEXT(npz_options, name[0], "x", "NAME", "",
                    "the array of inputs; when it isn't given: x, x_train, or arr_0"),
    LS__FORMAT_TEXT(npz_options, name[1], "y", "NAME", "",
                    "the array of targets; when it isn't given: y, y_train, or arr_1"),
    LS__FORMAT_TEXT(npz_options, name[2], "test-x", "NAME", "",
                    "inputs of the test part; when it isn't given: x_test, if that is there"),
    LS__FORMAT_TEXT(npz_options, name[3], "test-y", "NAME", "",
                    "targets of the test part; when it isn't given: y_test, if that is there"),
    LS__ARRAYS_ROWS,
    LS__END,
};

static const char *const usual[4][4] = {{"x", "x_train", "arr_0", NULL},
                                        {"y", "y_train", "arr_1", NULL},
                                        {"x_test", NULL, NULL, NULL},
                                        {"y_test", NULL, NULL, NULL}};
static const char *const option[4] = {"x", "y", "test-x", "test-y"};

/* "a, b, c, ...": the arrays of the archive. */
static void list(const ls__zip *zip, char *text, size_t bytes) {
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < zip->n && i < 20 && used < bytes; i++) {
    const char *name = zip->list[i].name;
    const size_t n = strlen(name);
    const int length = n > 4 && strcmp(name + n - 4, ".npy") == 0 ? (int)n - 4 : (int)n;
    const int more = snprintf(text + used, bytes - used, "%s%.*s", i > 0 ? ", " : "",
                              length < 60 ? length : 60, name);
    used += more > 0 ? (size_t)more : 0;
  }
  if (zip->n > 20 && used < bytes) snprintf(text + used, bytes - used, ", ...");
}

/* The array NAME, which is the member NAME.npy. */
static bool find(const ls__zip *zip, const char *name, size_t *member) {
  char text[300];
  const int n = snprintf(text, sizeof text, "%s.npy", name);
  return (n > 0 && (size_t)n < sizeof text && ls__zip_find(zip, text, member)) ||
         ls__zip_find(zip, name, member);
}

/* Array i of the four; *found NULL: there is none. */
static ls_status choose(const ls__zip *zip, const char *wanted, int i, size_t *member,
                        const char **found) {
  char text[700];
  *found = NULL;
  if (wanted != NULL) {
    if (find(zip, wanted, member)) *found = wanted;
  } else {
    for (int k = 0; usual[i][k] != NULL && *found == NULL; k++)
      if (find(zip, usual[i][k], member)) *found = usual[i][k];
  }
  if (*found != NULL || (wanted == NULL && i >= 2)) return LS_OK;
  list(zip, text, sizeof text);
  if (wanted != NULL)
    return ls__fail(LS_EUSAGE, "%s: has no array \"%.60s\" (--%s); it holds %s", zip->path, wanted,
                    option[i], text);
  return ls__fail(LS_EUSAGE, "%s: which array holds the %s?  Say --%s NAME; it holds %s", zip->path,
                  i == 0 ? "inputs" : "targets", option[i], text);
}

static ls_status run(const ls_convert_options *options, const void *own, ls__progress *progress) {
  ls_status st = LS_OK;
  const npz_options *o = own;
  ls__zip zip = {0};
  ls__array_place place[4] = {{NULL, NULL, 0}};
  const char *found[4] = {NULL};
  char *path[4] = {NULL};
  int n = 2;
  if (options->n_sources != 1)
    LS_FAIL(LS_EUSAGE, "convert npz: %d sources; give one FILE.npz", options->n_sources);
  LS_TRY(ls__zip_open(&zip, options->sources[0]));
  for (int i = 0; i < 4; i++) LS_TRY(choose(&zip, o->name[i], i, &place[i].member, &found[i]));
  if ((found[2] == NULL) != (found[3] == NULL))
    LS_FAIL(LS_EUSAGE, "%s: the test part has %s and no %s; name it by --%s", zip.path,
            found[2] != NULL ? "inputs" : "targets", found[2] != NULL ? "targets" : "inputs",
            option[found[2] != NULL ? 3 : 2]);
  if (found[2] != NULL) n = 4;
  for (int i = 0; i < n; i++) {
    const size_t bytes = strlen(zip.path) + strlen(found[i]) + 3;
    LS_TRY(ls__alloc(&path[i], bytes, 1, "names of arrays"));
    snprintf(path[i], bytes, "%s: %s", zip.path, found[i]);
    place[i].path = path[i];
    place[i].zip = &zip;
  }
  LS_TRY(ls__arrays_convert_from(place, n, ls__npy_header, options, &o->arrays, progress));
  if (options->progress)
    fprintf(stderr, "convert: inputs are %s, targets %s%s%s%s%s\n", found[0], found[1],
            n == 4 ? "; of the test part " : "", n == 4 ? found[2] : "", n == 4 ? ", " : "",
            n == 4 ? found[3] : "");
out:
  for (int i = 0; i < 4; i++) ls__free(path[i]);
  ls__zip_reset(&zip);
  return st;
}

const ls__format ls__format_npz = {
    .kind = {"npz", "NumPy archives: inputs and targets are arrays of one file, a row a sample",
             table},
    .sources = "FILE.npz",
    .passes = 1,
    .own_bytes = sizeof(npz_options),
    .run = run,
};
