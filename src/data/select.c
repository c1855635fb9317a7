/* Reading slices, and what they take of a shape (select.h). */
#include "data/select.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"

/* ---- Reading ---- */

static const char *spaces(const char *at) {
  while (isspace((unsigned char)*at)) at++;
  return at;
}

/* A whole number, if there is one here. */
static bool number(const char **at, int64_t *x) {
  const char *p = spaces(*at);
  if (!(isdigit((unsigned char)*p) || ((*p == '-' || *p == '+') && isdigit((unsigned char)p[1]))))
    return false;
  char *end;
  errno = 0;
  const long long value = strtoll(p, &end, 10);
  if (errno != 0 || value > INT32_MAX * (int64_t)INT32_MAX ||
      value < -INT32_MAX * (int64_t)INT32_MAX)
    return false;
  *x = value;
  *at = end;
  return true;
}

/* One piece between commas; *at is behind it. */
static bool slice(const char **at, ls__cutout *s) {
  *s = (ls__cutout){.step = 1};
  s->has_start = number(at, &s->start);
  *at = spaces(*at);
  if (**at != ':') {
    s->index = true;
    return s->has_start;
  }
  ++*at;
  s->has_stop = number(at, &s->stop);
  *at = spaces(*at);
  if (**at != ':') return true;
  ++*at;
  (void)number(at, &s->step);
  *at = spaces(*at);
  return true;
}

ls_status ls__select_parse(const char *text, ls__select *select, char why[160], bool *good) {
  ls_status st = LS_OK;
  const char *at = spaces(text);
  const bool brackets = *at == '[';
  bool dots = false;
  *select = (ls__select){0};
  snprintf(select->text, sizeof select->text, "%s", text);
  *good = false;
  LS_TRY(ls__alloc(&select->of, LS_MAX_DIMS, sizeof *select->of, "select"));
  if (brackets) at = spaces(at + 1);
  for (;;) {
    at = spaces(at);
    if (strncmp(at, "...", 3) == 0) {
      if (dots) {
        snprintf(why, 160, "\"%.60s\" has ... twice", text);
        goto out;
      }
      dots = true;
      select->dots = select->n;
      at = spaces(at + 3);
    } else {
      if (select->n == LS_MAX_DIMS || !slice(&at, &select->of[select->n])) {
        snprintf(why, 160,
                 "\"%.60s\" is no slice such as [:, :-1], [::2, 3] or [..., 0], at \"%.20s\"", text,
                 at);
        goto out;
      }
      if (select->of[select->n].step == 0) {
        snprintf(why, 160, "\"%.60s\" has a step of 0", text);
        goto out;
      }
      select->n++;
      at = spaces(at);
    }
    if (*at != ',') break;
    at = spaces(at + 1);
    if (*at == ']') break; /* "[3,]" */
  }
  if (!dots) select->dots = select->n;
  if (brackets && *at == ']')
    at = spaces(at + 1);
  else if (brackets)
    at = "[";
  *good = *at == '\0';
  if (!*good)
    snprintf(why, 160, "\"%.60s\" is no slice such as [:, :-1], [::2, 3] or [..., 0]", text);
out:
  if (st != LS_OK || !*good) ls__select_reset(select);
  return st;
}

void ls__select_reset(ls__select *select) {
  ls__free(select->of);
  *select = (ls__select){0};
}

/* ---- Taking ---- */

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

/* As numpy: bounds beyond the ends are cut to them. */
static bool take(const ls__cutout *s, int64_t n, size_t *start, size_t *count, int64_t *step) {
  if (s->index) {
    const int64_t i = s->start < 0 ? s->start + n : s->start;
    *start = (size_t)i;
    *count = 1;
    *step = 1;
    return i >= 0 && i < n;
  }
  const bool back = s->step < 0;
  int64_t first = back ? n - 1 : 0, end = back ? -1 : n;
  if (s->has_start)
    first = clamp(s->start < 0 ? s->start + n : s->start, back ? -1 : 0, back ? n - 1 : n);
  if (s->has_stop)
    end = clamp(s->stop < 0 ? s->stop + n : s->stop, back ? -1 : 0, back ? n - 1 : n);
  const int64_t far = back ? first - end : end - first, by = back ? -s->step : s->step;
  *count = far <= 0 ? 0 : (size_t)((far - 1) / by + 1);
  *start = far <= 0 ? 0 : (size_t)first;
  *step = s->step;
  return *count > 0;
}

bool ls__select_apply(const ls__select *select, const ls_shape *shape, ls__selected *out,
                      char why[160]) {
  *out = (ls__selected){.ndim = shape->ndim};
  if (select->n > shape->ndim) {
    snprintf(why, 160, "it has %d dimensions, and %d are selected from", shape->ndim, select->n);
    return false;
  }
  const int after = select->n - select->dots;
  for (int i = 0; i < shape->ndim; i++) {
    static const ls__cutout all = {.step = 1};
    const ls__cutout *s = i < select->dots           ? &select->of[i]
                          : i >= shape->ndim - after ? &select->of[select->n - shape->ndim + i]
                                                     : &all;
    out->gone[i] = s->index;
    if (take(s, (int64_t)shape->dim[i], &out->start[i], &out->count[i], &out->step[i])) continue;
    if (s->index)
      snprintf(why, 160, "index %lld is outside of dimension %d, which has %zu",
               (long long)s->start, i, shape->dim[i]);
    else
      snprintf(why, 160, "nothing of dimension %d, which has %zu, is selected", i, shape->dim[i]);
    return false;
  }
  return true;
}
