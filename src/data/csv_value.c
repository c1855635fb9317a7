/* Numbers, missing values and class names as tables write them. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "data/csv.h"

/* 10^k is exact in a double up to k = 22. */
static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Digits below 2^53 times a power of ten up to 10^22 need one rounding, so one multiplication or
 * division gives what strtod gives (W. D. Clinger, How to read floating point numbers accurately,
 * PLDI 1990); the rest goes to strtod. */
bool ls__csv_number(const char *text, size_t size, double *x) {
  const char *p = text;
  uint64_t digits = 0;
  int n = 0, scale = 0;
  bool any = false;
  const bool negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  for (; is_digit(*p); p++, any = true) {
    if (n > 0 || *p != '0') n++;
    if (n <= 19) digits = 10 * digits + (uint64_t)(*p - '0');
  }
  if (*p == '.') {
    for (p++; is_digit(*p); p++, any = true, scale--) {
      if (n > 0 || *p != '0') n++;
      if (n <= 19) digits = 10 * digits + (uint64_t)(*p - '0');
    }
  }
  if (!any) return false;
  if (*p == 'e' || *p == 'E') {
    const bool down = p[1] == '-';
    int exponent = 0;
    p += p[1] == '-' || p[1] == '+' ? 2 : 1;
    if (!is_digit(*p)) return false;
    for (; is_digit(*p); p++)
      if (exponent < 10000) exponent = 10 * exponent + (*p - '0');
    scale += down ? -exponent : exponent;
  }
  if ((size_t)(p - text) != size) return false;
  if (n <= 19 && digits <= UINT64_C(1) << 53 && scale >= -22 && scale <= 22) {
    double value = (double)digits;
    value = scale < 0 ? value / power_of_ten[-scale] : value * power_of_ten[scale];
    *x = negative ? -value : value;
  } else {
    *x = strtod(text, NULL); /* ls_convert has set the locale with a point */
  }
  return true;
}

bool ls__csv_integer(const char *text) {
  if (*text == '-' || *text == '+') text++;
  size_t n = strspn(text, "0123456789");
  return n > 0 && n <= 18 && text[n] == '\0';
}

bool ls__csv_missing(const char *text, size_t size) {
  static const char *const word[] = {"?", "na", "n/a", "#n/a", "nan", "-nan", "null"};
  if (size == 0) return true;
  if (size > 4) return false;
  for (size_t i = 0; i < sizeof word / sizeof *word; i++)
    if (strcasecmp(text, word[i]) == 0) return true;
  return false;
}

/* Slot of a name in the table, or of the free place where it would go. */
static size_t slot_of(const ls__classes *classes, const char *name) {
  size_t slot = (size_t)ls__hash(LS__HASH_START, name, strlen(name)) & (classes->table_size - 1);
  while (classes->table[slot] != 0 && strcmp(classes->name[classes->table[slot] - 1], name) != 0)
    slot = (slot + 1) & (classes->table_size - 1);
  return slot;
}

/* A table for the names there are, twice as large at least. */
static ls_status rebuild(ls__classes *classes) {
  size_t size = 64;
  while (size < 2 * (classes->capacity + 1)) size *= 2;
  ls__free(classes->table);
  classes->table = ls__calloc(size, sizeof(size_t));
  if (classes->table == NULL) return ls__fail(LS_ENOMEM, "class names: out of memory");
  classes->table_size = size;
  for (size_t i = 0; i < classes->n; i++)
    classes->table[slot_of(classes, classes->name[i])] = i + 1;
  return LS_OK;
}

ls_status ls__classes_add(ls__classes *classes, const char *name) {
  ls_status st = LS_OK;
  char *copy = NULL;
  if (classes->table_size > 0) {
    size_t slot = slot_of(classes, name);
    if (classes->table[slot] != 0) {
      classes->count[classes->table[slot] - 1]++;
      return LS_OK;
    }
  }
  if (classes->n == LS__MAX_CLASSES)
    LS_FAIL(LS_EDATA, "\"%.60s\" makes more than %d different classes", name, LS__MAX_CLASSES);
  if (classes->n == classes->capacity) {
    size_t capacity = classes->capacity == 0 ? 32 : 2 * classes->capacity;
    char **names = ls__realloc(classes->name, capacity, sizeof(char *));
    if (names == NULL) LS_FAIL(LS_ENOMEM, "class names: out of memory");
    classes->name = names;
    uint64_t *counts = ls__realloc(classes->count, capacity, sizeof(uint64_t));
    if (counts == NULL) LS_FAIL(LS_ENOMEM, "class names: out of memory");
    classes->count = counts;
    classes->capacity = capacity;
    LS_TRY(rebuild(classes));
  }
  copy = ls__strdup(name);
  if (copy == NULL) LS_FAIL(LS_ENOMEM, "class names: out of memory");
  size_t slot = slot_of(classes, name);
  classes->name[classes->n] = copy;
  classes->count[classes->n] = 1;
  classes->table[slot] = ++classes->n;
out:
  return st;
}

typedef struct entry {
  char *name;
  uint64_t count;
} entry;

static int by_bytes(const void *a, const void *b) {
  const entry *x = a, *y = b;
  return strcmp(x->name, y->name);
}

static int by_size(const void *a, const void *b) {
  const entry *x = a, *y = b;
  double p = strtod(x->name, NULL), q = strtod(y->name, NULL);
  if (p < q || p > q) return p < q ? -1 : 1;
  return strcmp(x->name, y->name);
}

ls_status ls__classes_sort(ls__classes *classes) {
  ls_status st = LS_OK;
  entry *all = NULL;
  bool numbers = true;
  double x;
  LS_TRY(ls__alloc(&all, classes->n, sizeof *all, "class names"));
  for (size_t i = 0; i < classes->n; i++) {
    all[i].name = classes->name[i];
    all[i].count = classes->count[i];
    numbers = numbers && ls__csv_number(all[i].name, strlen(all[i].name), &x);
  }
  qsort(all, classes->n, sizeof *all, numbers ? by_size : by_bytes);
  for (size_t i = 0; i < classes->n; i++) {
    classes->name[i] = all[i].name;
    classes->count[i] = all[i].count;
  }
  LS_TRY(rebuild(classes));
out:
  ls__free(all);
  return st;
}

bool ls__classes_find(const ls__classes *classes, const char *name, size_t *index) {
  if (classes->n == 0) return false;
  size_t at = classes->table[slot_of(classes, name)];
  *index = at - 1;
  return at != 0;
}

void ls__classes_reset(ls__classes *classes) {
  for (size_t i = 0; i < classes->n; i++) ls__free(classes->name[i]);
  ls__free(classes->name);
  ls__free(classes->count);
  ls__free(classes->table);
  memset(classes, 0, sizeof *classes);
}
