/* Matrix products whose operands come through packers, patches of images above all, against the
 * same matrices written out; and products by OpenBLAS, or by whichever is faster. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "product_check.h"

static route routes[MOST_ROUTES];
static size_t n_routes;

/* ---- Patches: row j is a place of the output (sample, y, x), column p one of the filter's window
 * (y, x, channel; or channel, y, x) there; zero where the window is outside the image. */

typedef struct images {
  size_t n, height, width, channels, window, stride, pad;
  bool channels_first;
  const float *x; /* [n, height, width, channels], or [n, channels, height, width] */
} images;

static size_t out_of(const images *i, size_t size) {
  return (size + 2 * i->pad - i->window) / i->stride + 1;
}

static size_t places(const images *i) { /* of one sample */
  return out_of(i, i->height) * out_of(i, i->width);
}

static size_t patch(const images *i) {
  return i->window * i->window * i->channels;
}

static float pixel(const images *i, size_t j, size_t p) {
  const size_t wide = out_of(i, i->width), sample = j / places(i), place = j % places(i),
               w = i->window;
  const size_t channel = i->channels_first ? p / (w * w) : p % i->channels;
  const size_t inside = i->channels_first ? p % (w * w) : p / i->channels;
  const size_t y = place / wide * i->stride + inside / w, x = place % wide * i->stride + inside % w;
  if (y < i->pad || y - i->pad >= i->height || x < i->pad || x - i->pad >= i->width) return 0.0F;
  const size_t at = (y - i->pad) * i->width + x - i->pad;
  return i->channels_first ? i->x[(sample * i->channels + channel) * i->height * i->width + at]
                           : i->x[(sample * i->height * i->width + at) * i->channels + channel];
}

static size_t odd_widths;

static void fill_rest(float *panel, size_t n, size_t k, size_t width) {
  odd_widths += width % 4 != 0;
  for (size_t p = 0; p < k; p++)
    for (size_t j = n; j < width; j++) panel[p * width + j] = 1234.0F; /* anything finite */
}

/* The sum runs over a patch: y = patches W^T. */
static void pack_places(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                        float *panel, size_t width) {
  for (size_t p = 0; p < k; p++)
    for (size_t j = 0; j < n; j++) panel[p * width + j] = pixel(self->context, j0 + j, p0 + p);
  fill_rest(panel, n, k, width);
}

/* The sum runs over places: dW = dy^T patches. */
static void pack_patches(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                         float *panel, size_t width) {
  for (size_t p = 0; p < k; p++)
    for (size_t j = 0; j < n; j++) panel[p * width + j] = pixel(self->context, p0 + p, j0 + j);
  fill_rest(panel, n, k, width);
}

static const images batches[] = {
    {.n = 5, .height = 7, .width = 9, .channels = 3, .window = 3, .stride = 1, .pad = 1},
    {.n = 3, .height = 12, .width = 11, .channels = 5, .window = 5, .stride = 2, .pad = 2},
    {.n = 9, .height = 8, .width = 8, .channels = 16, .window = 3, .stride = 1, .pad = 1},
    {.n = 4, .height = 6, .width = 5, .channels = 70, .window = 3, .stride = 2, .pad = 0},
    {.n = 7, .height = 10, .width = 10, .channels = 1, .window = 2, .stride = 3, .pad = 1},
};

/* Both ways, by `by`: forward with a bias and finish, and the weights' gradient with lanes. */
static void convolve(const route *by, const images *i, size_t filters) {
  const size_t rows = i->n * places(i), columns = patch(i);
  float *written = ls__calloc(rows * columns, sizeof *written);
  float *w = random_floats(filters * columns, 31), *bias = random_floats(filters, 32);
  float *dy = random_floats(rows * filters, 33), *turned = ls__calloc(rows * filters, sizeof *dy);
  float *w_turned = ls__calloc(filters * columns, sizeof *w);
  for (size_t r = 0; r < rows; r++)
    for (size_t p = 0; p < columns; p++) written[r * columns + p] = pixel(i, r, p);
  for (size_t r = 0; r < rows; r++)
    for (size_t f = 0; f < filters; f++) turned[f * rows + r] = dy[r * filters + f];
  for (size_t f = 0; f < filters; f++)
    for (size_t p = 0; p < columns; p++) w_turned[p * filters + f] = w[f * columns + p];
  const ls__operand a = {.pack = pack_places, .context = i};
  const ls__operand b = {.pack = pack_patches, .context = i};
  const size_t most = (rows + columns) * filters + BEFORE;
  bench x = bench_new(most, most, most);

  task y = {.m = rows, .n = filters, .k = columns, .a = written, .b = w_turned, .s = bias};
  y.lda = columns, y.ldb = filters, y.turn_b = true, y.pack_a = &a;
  y.start = FROM_BIAS, y.finish = true;
  check_task(&x, by, &y);

  size_t lane[12];
  task dw = {.m = filters, .n = columns, .k = rows, .a = turned, .b = written};
  dw.lda = rows, dw.ldb = columns, dw.turn_a = true, dw.pack_b = &b;
  check_task(&x, by, &dw);
  for (size_t lanes = 2; by->exact && lanes < 12; lanes += 3) { /* some are empty */
    for (size_t l = 0; l <= lanes; l++) lane[l] = i->n * l / lanes;
    dw.lanes = lanes, dw.lane = lane, dw.each = places(i);
    check_task(&x, by, &dw);
  }
  bench_free(&x);
  ls__free(written), ls__free(w), ls__free(bias), ls__free(dy), ls__free(turned);
  ls__free(w_turned);
}

static void convolutions(void **state) {
  (void)state;
  odd_widths = 0;
  for (size_t r = 0; r < n_routes; r++)
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
      for (int first = 0; first < 2; first++) {
        images i = batches[b];
        float *x = random_floats(i.n * i.height * i.width * i.channels, 30);
        i.x = x;
        i.channels_first = first == 1;
        convolve(&routes[r], &i, b % 2 == 0 ? 13 : 70);
        ls__free(x);
      }
  assert_true(odd_widths > 0); /* a strip of A is as wide as a tile is high */
}

/* ---- Rows of a table by their numbers: an A, or a B, that is never written out. */

typedef struct table {
  const float *x;
  size_t columns;
  const size_t *row;
} table;

static void pack_rows(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                      float *panel, size_t width) {
  const table *t = self->context;
  for (size_t p = 0; p < k; p++)
    for (size_t j = 0; j < n; j++)
      panel[p * width + j] = t->x[t->row[j0 + j] * t->columns + p0 + p];
  fill_rest(panel, n, k, width);
}

/* One side or both, in all shapes of few and many rows, columns, and terms. */
static void table_rows(const route *by, size_t m, size_t n, size_t k) {
  enum { ROWS = 31 };
  float *x = random_floats(ROWS * k, 40), *s = random_floats(m * n, 41);
  float *a = ls__calloc(m * k, sizeof *a), *b = ls__calloc(n * k, sizeof *b);
  size_t *ra = ls__calloc(m, sizeof *ra), *rb = ls__calloc(n, sizeof *rb);
  for (size_t i = 0; i < m; i++) ra[i] = (i * 7 + 3) % ROWS;
  for (size_t j = 0; j < n; j++) rb[j] = (j * 11 + 1) % ROWS;
  for (size_t i = 0; i < m; i++) memcpy(a + i * k, x + ra[i] * k, k * sizeof *a);
  for (size_t j = 0; j < n; j++)
    for (size_t p = 0; p < k; p++) b[p * n + j] = x[rb[j] * k + p];
  const table ta = {x, k, ra}, tb = {x, k, rb};
  const ls__operand pa = {.pack = pack_rows, .context = &ta};
  const ls__operand pb = {.pack = pack_rows, .context = &tb};
  bench mem = bench_new(m * (k + 3) + 3 * k, n * (k + 3) + 3 * k, m * (n + 6) + BEFORE);
  task t = {.m = m, .n = n, .k = k, .a = a, .b = b, .s = s, .lda = k, .ldb = n, .lds = n};
  for (int mode = 0; mode < 3 * STARTS; mode++) {
    t.pack_a = mode % 3 == 1 ? NULL : &pa;
    t.pack_b = mode % 3 == 0 ? NULL : &pb;
    t.start = (starting)(mode / 3);
    t.turn_a = t.turn_b = mode & 1;
    t.pad = (size_t)mode % 4;
    t.finish = mode & 2;
    check_task(&mem, by, &t);
  }
  bench_free(&mem);
  ls__free(x), ls__free(s), ls__free(a), ls__free(b), ls__free(ra), ls__free(rb);
}

static const size_t table_shapes[][3] = {
    {1, 1, 1},   {7, 5, 3},     {13, 40, 600}, {200, 17, 33}, {3, 300, 65},
    {530, 3, 7}, {70, 70, 513}, {1, 600, 20},  {600, 1, 20},
};

static void tables(void **state) {
  (void)state;
  for (size_t r = 0; r < n_routes; r++)
    for (size_t i = 0; i < sizeof table_shapes / sizeof *table_shapes; i++)
      if (!routes[r].slow || i % 3 == 1)
        table_rows(&routes[r], table_shapes[i][0], table_shapes[i][1], table_shapes[i][2]);
}

/* ---- By OpenBLAS */

/* What is written to stderr between the two, counted. */
static int kept_stderr;
static FILE *heard;

static void listen(void) {
  fflush(stderr);
  heard = tmpfile();
  assert_non_null(heard);
  kept_stderr = dup(STDERR_FILENO);
  assert_true(dup2(fileno(heard), STDERR_FILENO) >= 0);
}

static long silence(char *text, size_t bytes) {
  fflush(stderr);
  assert_true(dup2(kept_stderr, STDERR_FILENO) >= 0);
  close(kept_stderr);
  fseek(heard, 0, SEEK_END);
  const long n = ftell(heard);
  rewind(heard);
  text[fread(text, 1, bytes - 1, heard)] = '\0';
  fclose(heard);
  return n;
}

static const route openblas = {"openblas", ls__multiply, LS__PRODUCTS_OPENBLAS, false, false};
static const route fastest = {"fastest", ls__multiply, LS__PRODUCTS_FASTEST, false, false};

/* Every mode of every shape of 1, 2, and more; OpenBLAS complains on stderr, and goes on, when it
 * is given a leading dimension that it finds too small. */
static void shapes_by(const route *by) {
  static const size_t sizes[] = {0, 1, 2, 17, 66};
  enum { MOST = 66 };
  float *a = random_floats(MOST * MOST, 4), *b = random_floats(MOST * MOST, 5);
  float *s = random_floats(MOST * MOST, 6);
  char text[300];
  bench x = bench_new(MOST * 80, MOST * 80, MOST * 80);
  listen();
  for (size_t shape = 0; shape < 125; shape++) {
    const size_t m = sizes[shape % 5], n = sizes[shape / 5 % 5], k = sizes[shape / 25];
    for (int mode = 0; m > 0 && n > 0 && mode < 64; mode++) {
      task t = {.m = m, .n = n, .k = k, .a = a, .b = b, .s = s};
      t.lda = t.ldb = t.lds = MOST;
      t.turn_a = mode & 1, t.turn_b = mode & 2, t.pad = mode & 4 ? 3 : 0;
      t.finish = mode & 8, t.start = (starting)(mode >> 4);
      check_task(&x, by, &t);
    }
  }
  if (silence(text, sizeof text) != 0) fail_msg("%s said: %s", by->name, text);
  bench_free(&x);
  ls__free(a), ls__free(b), ls__free(s);
}

static void by_openblas(void **state) {
  (void)state;
  char text[300];
  shapes_by(&openblas);
  listen();
  for (size_t i = 0; i < sizeof table_shapes / sizeof *table_shapes; i++)
    table_rows(&openblas, table_shapes[i][0], table_shapes[i][1], table_shapes[i][2]);
  for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
    images i = batches[b];
    float *x = random_floats(i.n * i.height * i.width * i.channels, 30);
    i.x = x;
    convolve(&openblas, &i, 13);
    ls__free(x);
  }
  if (silence(text, sizeof text) != 0) fail_msg("OpenBLAS said: %s", text);
}

/* While it tries both ways, and once it has made up its mind; more shapes than it remembers. */
static void by_whichever_is_faster(void **state) {
  (void)state;
  shapes_by(&fastest);
  float *a = random_floats(170 * 110, 4), *b = random_floats(170 * 110, 5);
  bench x = bench_new(170 * 110, 170 * 110, 170 * 170);
  for (size_t more = 0; more < 70; more += more == 0 ? 60 : 1)
    for (int mode = 0; mode < 4; mode++) {
      task t = {.m = 100 + more, .n = 101, .k = 103, .a = a, .b = b, .lda = 110, .ldb = 110};
      t.turn_a = mode & 1, t.turn_b = mode & 2, t.finish = true;
      for (int times = 0; times < (more == 0 ? 9 : 2); times++) check_task(&x, &fastest, &t);
    }
  for (size_t i = 0; i < sizeof table_shapes / sizeof *table_shapes; i++)
    table_rows(&fastest, table_shapes[i][0], table_shapes[i][1], table_shapes[i][2]);
  bench_free(&x);
  ls__free(a), ls__free(b);
}

static int balanced(void **state) {
  (void)state;
  static size_t before; /* what a test left that failed */
  const size_t more = ls__alloc_alive() - before;
  before += more;
  return more == 0 ? 0 : -1;
}

int main(void) {
  if (ls__products_init(LS__PRODUCTS_OPENBLAS) != LS_OK) return 1;
  n_routes = own_routes(routes);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(convolutions, balanced),
      cmocka_unit_test_teardown(tables, balanced),
      cmocka_unit_test_teardown(by_openblas, balanced),
      cmocka_unit_test_teardown(by_whichever_is_faster, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
