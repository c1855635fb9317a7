/* Sizes that a proposal chooses: no part is empty, whatever the number of rows, and no number is
 * out of bounds. */
#include <stdlib.h>

#include "check.h"
#include "propose/propose.h"

/* A table of `rows` rows and 5 columns, with a number to predict. */
static ls__proposal table(size_t rows) {
  ls__proposal p = {.n = 2, .n_inputs = 1, .rows = rows};
  p.seen[0] = (ls__seen){.use = LS_INPUT, .rows = rows, .count = 5, .row = {1, {5}}};
  p.seen[1] = (ls__seen){.use = LS_TARGET, .rows = rows, .count = 1};
  return p;
}

/* Rows of each part, as the data will be drawn. */
static void draw(const ls__proposal *p, const ls__hyperparameters *h, size_t count[LS__PARTS]) {
  const ls__draw how = {.validation = h->validation, .test = h->test, .seed = h->split_seed};
  unsigned char *part = calloc(p->rows, 1);
  assert_non_null(part);
  ls__draw_rows(&how, 0, p->rows, part);
  for (int i = 0; i < LS__PARTS; i++) count[i] = 0;
  for (size_t i = 0; i < p->rows; i++)
    if (p->gone == NULL || p->gone[i] == 0) count[part[i]]++;
  free(part);
}

static void no_part_is_empty(void **state) {
  (void)state;
  unsigned char *gone = calloc(3000, 1);
  assert_non_null(gone);
  for (size_t i = 0; i < 3000; i++) gone[i] = i % 3 == 1 ? LS__GONE_OTHER : 0;
  for (size_t rows = 1; rows < 1500; rows++)
    for (int holes = 0; holes < 2; holes++) {
      ls__proposal p = table(rows);
      ls__hyperparameters r;
      size_t count[LS__PARTS];
      p.gone = holes ? gone : NULL;
      p.missing = holes ? LS__MISSING_DROP : LS__MISSING_ERROR;
      ls__propose_plan(&p, &r);
      draw(&p, &r, count);
      assert_true(count[LS_TRAIN] > 0);
      assert_true((r.test > 0) == (count[LS_TEST] > 0));
      assert_true((r.validation > 0) == (count[LS_VALIDATION] > 0));
      assert_true((r.validation > 0) == (r.patience > 0));
      assert_true(rows < 40 || r.test > 0);
      assert_true(rows < 1200 || holes || r.validation > 0);
    }
  free(gone);
}

/* Where all rows that the first seed draws for the test are left out, another seed is taken. */
static void another_seed(void **state) {
  (void)state;
  enum { ROWS = 60 };
  unsigned char gone[ROWS];
  ls__proposal p = table(ROWS);
  ls__hyperparameters r;
  size_t count[LS__PARTS];
  ls__propose_plan(&p, &r);
  assert_int_equal(r.split_seed, 0);
  const ls__draw first = {.test = r.test};
  ls__draw_rows(&first, 0, ROWS, gone);
  for (size_t i = 0; i < ROWS; i++) gone[i] = gone[i] == LS_TEST ? LS__GONE_OTHER : 0;
  p.gone = gone;
  p.missing = LS__MISSING_DROP;
  ls__propose_plan(&p, &r);
  draw(&p, &r, count);
  assert_true(r.test > 0 && count[LS_TEST] > 0);
}

/* From 3 rows to far more than memory holds, and from one column to very many. */
static void sizes_are_sane(void **state) {
  (void)state;
  for (double rows = 3; rows < 1e8; rows *= 7)
    for (double columns = 1; columns < 1e6; columns *= 10) {
      ls__proposal p = table((size_t)rows);
      ls__hyperparameters r;
      p.seen[0].count = p.seen[0].row.dim[0] = (size_t)columns;
      p.has[LS_VALIDATION] = p.has[LS_TEST] = true;
      ls__propose_plan(&p, &r);
      assert_in_range(r.batch, 1, 4096);
      assert_in_range(r.epochs, 5, 400);
      assert_in_range(r.width, 16, 256);
      assert_true(r.lr > 0 && r.lr < 0.1 && r.dropout >= 0 && r.dropout < 1);
      assert_true(r.patience >= 1);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_part_is_empty),
      cmocka_unit_test(another_seed),
      cmocka_unit_test(sizes_are_sane),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
