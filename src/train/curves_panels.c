/* Which values are drawn as learning curves, each with an axis (curves.h). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "train/curves.h"

/* Of more runs, those with a validation part are shown by that alone. */
enum { MOST_TRAININGS = 6 };

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Whether a value gets worse without end, and better towards 0: then decades count. */
static bool is_error(const char *key) {
  static const char *const ends[] = {"loss", "mae", "mse", "rmse", "perplexity"};
  const size_t n = strlen(key);
  for (size_t i = 0; i < COUNT(ends); i++) {
    const size_t k = strlen(ends[i]);
    if (n >= k && strcmp(key + n - k, ends[i]) == 0) return true;
  }
  return false;
}

/* The k-th of the words that commas part; its length, 0: there are no more. */
static size_t word_at(const char *words, size_t k, const char **at) {
  for (*at = words; **at != '\0';) {
    const size_t n = strcspn(*at, ",");
    if (n > 0 && k-- == 0) return n;
    *at += n;
    if (**at == ',') ++*at;
  }
  return 0;
}

static bool is_known(const ls__curves *page, const char *key) {
  for (size_t r = 0; r < page->n; r++)
    if (ls__history_find(&page->history[r], key) < page->history[r].keys) return true;
  return false;
}

static ls_status refuse_panel(const ls__curves *page, const char *key) {
  char known[512] = "";
  for (size_t r = 0; r < page->n; r++)
    for (size_t k = 0; k < page->history[r].keys; k++) {
      const char *name = page->history[r].key[k].name;
      const size_t used = strlen(known);
      bool seen = false;
      for (size_t q = 0; q < r; q++)
        seen = seen || ls__history_find(&page->history[q], name) < page->history[q].keys;
      if (!seen && used < sizeof known - 4)
        snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", name);
    }
  return ls__fail(LS_EUSAGE, "there is no \"%s\" over the epochs; there are: %s", key, known);
}

/* The curves of a value; more than one run may have it, and each of both parts. */
static ls_status take_curves(const ls__curves *page, ls__panel *p) {
  ls_status st = LS_OK;
  LS_TRY(ls__alloc(&p->curve, 2 * page->n, sizeof *p->curve, "pictures"));
  for (size_t r = 0; r < page->n; r++) {
    const ls__history *h = &page->history[r];
    const size_t key = ls__history_find(h, p->key);
    size_t points[2] = {0, 0};
    for (size_t which = 0; which < 2 && key < h->keys; which++)
      for (size_t i = 0; i < h->n; i++)
        if (isfinite(ls__history_at(h, i, key, which))) points[which]++;
    for (size_t which = 0; which < 2; which++)
      if (points[which] > 0 && !(which == 0 && points[1] > 0 && page->n > MOST_TRAININGS))
        p->curve[p->n++] = (ls__curve){h, r, key, which, points[which]};
  }
out:
  return st;
}

/* Least and greatest value from epoch `from` on, and the least above 0. */
static void take_range(const ls__panel *p, size_t from, double *low, double *high, double *above) {
  *low = *above = HUGE_VAL;
  *high = -HUGE_VAL;
  for (size_t c = 0; c < p->n; c++)
    for (size_t i = from; i < p->curve[c].history->n; i++) {
      const double x = ls__history_at(p->curve[c].history, i, p->curve[c].key, p->curve[c].which);
      if (!isfinite(x)) continue;
      *low = fmin(*low, x);
      *high = fmax(*high, x);
      if (x > 0) *above = fmin(*above, x);
    }
}

/* Errors that span more than a decade and a half are read on a logarithmic axis.  On another one an
 * epoch at the beginning that is far off is not what the others are measured by. */
static void choose_axis(ls__panel *p) {
  double low, high, above, later[3];
  take_range(p, 0, &low, &high, &above);
  take_range(p, 1, &later[0], &later[1], &later[2]);
  p->log = is_error(p->key) && low >= 0 && high > 30 * above;
  p->zero = p->log && low <= 0;
  if (!p->log && later[1] > later[0] && high - low > 30 * (later[1] - later[0])) {
    p->cut = true;
    low = later[0];
    high = later[1];
  }
  if (p->log) {
    p->low = p->zero ? above / 4 : above / 1.15;
    p->high = high * 1.15;
    return;
  }
  const double edge = high > low ? 0.04 * (high - low) : high != 0 ? 0.1 * fabs(high) : 1;
  p->low = low >= 0 && low <= edge ? 0 : low - edge;
  p->high = high + edge;
}

static ls_status add_panel(ls__curves *page, const char *key, bool wanted) {
  ls_status st = LS_OK;
  double low, high, above;
  for (size_t k = 0; k < page->panels; k++)
    if (strcmp(page->panel[k].key, key) == 0) return LS_OK;
  if (page->panels == LS__MOST_PANELS) {
    page->left_out++;
    return LS_OK;
  }
  ls__panel *p = &page->panel[page->panels];
  memset(p, 0, sizeof *p);
  snprintf(p->key, sizeof p->key, "%s", key);
  LS_TRY(take_curves(page, p));
  take_range(p, 0, &low, &high, &above);
  /* A learning rate that stays says nothing. */
  if (p->n == 0 || (!wanted && strcmp(key, "lr") == 0 && !(high > low))) {
    ls__free(p->curve);
    p->curve = NULL;
    goto out;
  }
  choose_axis(p);
  page->panels++;
out:
  return st;
}

static ls_status take_panels(ls__curves *page, const ls_picture_style *style) {
  ls_status st = LS_OK;
  const char *at;
  if (style != NULL && style->panels != NULL) {
    size_t n;
    if (word_at(style->panels, 0, &at) == 0)
      LS_FAIL(LS_EUSAGE, "--show names no value, as loss,accuracy does");
    for (size_t k = 0; (n = word_at(style->panels, k, &at)) > 0; k++) {
      char key[LS__HISTORY_KEY];
      snprintf(key, sizeof key, "%.*s", (int)(n < sizeof key ? n : sizeof key - 1), at);
      if (!is_known(page, key)) LS_TRY(refuse_panel(page, key));
      LS_TRY(add_panel(page, key, true));
    }
    goto out;
  }
  for (size_t r = 0; r < page->n; r++) /* what all have, then what others have, the rate last */
    for (size_t k = 0; k + 1 < page->history[r].keys; k++)
      LS_TRY(add_panel(page, page->history[r].key[k].name, false));
  LS_TRY(add_panel(page, "lr", false));
out:
  return st;
}

static void take_epochs(ls__curves *page) {
  page->first = HUGE_VAL;
  page->last = -HUGE_VAL;
  for (size_t r = 0; r < page->n; r++) {
    const ls__history *h = &page->history[r];
    page->first = fmin(page->first, ls__history_epoch(h, 0));
    page->last = fmax(page->last, ls__history_epoch(h, h->n - 1));
  }
  if (!(page->last > page->first)) {
    page->first -= 1;
    page->last += 1;
  }
  for (size_t k = 0; k < page->panels; k++)
    for (size_t c = 0; c < page->panel[k].n; c++) {
      const ls__curve *is = &page->panel[k].curve[c];
      const bool both = is->which == 1 && c > 0 && is[-1].run == is->run;
      page->both = page->both || both;
      page->validation = page->validation || is->which == 1;
    }
}

ls_status ls__curves_take(ls__curves *page, const ls_picture_style *style) {
  ls_status st = LS_OK;
  LS_TRY(take_panels(page, style));
  if (page->panels == 0) LS_FAIL(LS_EIO, "there is no finite value in any epoch: nothing to draw");
  take_epochs(page);
out:
  return st;
}
