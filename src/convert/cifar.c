/* The binary files of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html): records
 * without a header, each a label byte (CIFAR-100: a coarse and a fine one) and 32 x 32 pixels,
 * first all of red, then green, then blue.  The colours of a pixel are written side by side. */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "convert/formats.h"
#include "convert/input.h"
#include "convert/labelled.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE, COLOURS = 3, MOST_CLASSES = 100, LONGEST_NAME = 100 };

/* What the two differ in. */
typedef struct variant {
  const char *format;
  size_t label_bytes;
  size_t classes[2];    /* of each label byte */
  const char *names[2]; /* the file of their names */
} variant;

static const variant cifar10 = {"cifar10", 1, {10, 0}, {"batches.meta.txt", NULL}};
static const variant cifar100 = {"cifar100",
                                 2,
                                 {20, 100},
                                 {"coarse_label_names.txt", "fine_label_names.txt"}};

typedef struct cifar_options {
  const char *test_source, *names;
  int labels; /* of cifar100: which of the two */
} cifar_options;

static const char *const labels[] = {"coarse", "fine", NULL};

#define SHARED_ROWS                                                                               \
  LS__FORMAT_TEXT(cifar_options, test_source, "test-source", "FILE", "",                          \
                  "a file that becomes the test part"),                                           \
      LS__FORMAT_TEXT(cifar_options, names, "names", "FILE", "",                                  \
                      "a text of class names, a line each; when it isn't given: that of the set " \
                      "beside the first source, if it is there; none: numbers")

static const ls__option table10[] = {SHARED_ROWS, LS__END};
static const ls__option table100[] = {
    SHARED_ROWS,
    LS__CHOICE(cifar_options, labels, "fine", labels, "which labels: 100 fine or 20 coarse ones"),
    LS__END,
};

/* ---- Names ---- */

typedef struct names {
  char text[MOST_CLASSES][LONGEST_NAME + 1];
  const char *list[MOST_CLASSES];
} names;

static ls_status read_names(const char *path, size_t n, names *to) {
  ls_status st = LS_OK;
  ls__input *input = NULL;
  ls__progress quiet = {0};
  char *text = NULL, *line, *next;
  size_t got, count = 0;
  const size_t room = (MOST_CLASSES + 1) * (LONGEST_NAME + 2);
  LS_TRY(ls__alloc(&text, room + 1, 1, path));
  LS_TRY(ls__input_open(path, &quiet, &input));
  LS_TRY(ls__input_read(input, text, room, &got));
  if (got == room || memchr(text, '\0', got) != NULL)
    LS_FAIL(LS_EDATA, "%s: no list of %zu class names, a line each", path, n);
  for (line = text; line != NULL && *line != '\0'; line = next) {
    next = strchr(line, '\n');
    if (next != NULL) *next++ = '\0';
    size_t size = strcspn(line, "\r");
    for (size_t at = 0, letter; at < size; at += letter)
      if ((letter = ls__text_letter_in(line + at, size - at)) == 0)
        LS_FAIL(LS_EDATA, "%s: class name %zu is no UTF-8 text", path, count + 1);
    if (size == 0) continue;
    if (count < n && size <= LONGEST_NAME) {
      memcpy(to->text[count], line, size);
      to->text[count][size] = '\0';
      to->list[count] = to->text[count];
    } else if (size > LONGEST_NAME) {
      LS_FAIL(LS_EDATA, "%s: class name %zu is longer than %d bytes", path, count + 1,
              LONGEST_NAME);
    }
    count++;
  }
  if (count != n)
    LS_FAIL(LS_EDATA, "%s: %zu names, where there are %zu classes (--names names another file)",
            path, count, n);
out:
  ls__input_close(input);
  ls__free(text);
  return st;
}

/* The list that was named, or the one beside the first source; *found false: numbers. */
static ls_status find_names(const ls_convert_options *options, const cifar_options *own,
                            const char *usual, size_t n, names *to, bool *found) {
  ls_status st = LS_OK;
  char *path = NULL;
  ls__file_kind kind;
  const char *source = options->sources[0], *slash = strrchr(source, '/');
  const size_t folder = slash == NULL ? 0 : (size_t)(slash - source) + 1;
  *found = true;
  if (own->names != NULL && strcmp(own->names, "none") != 0) return read_names(own->names, n, to);
  *found = false;
  if (own->names != NULL) return LS_OK;
  LS_TRY(ls__alloc(&path, folder + strlen(usual) + 1, 1, "class names"));
  memcpy(path, source, folder);
  memcpy(path + folder, usual, strlen(usual) + 1);
  LS_TRY(ls__file_look(path, &kind));
  *found = kind != LS__FILE_NONE;
  if (*found) LS_TRY(read_names(path, n, to));
out:
  ls__free(path);
  return st;
}

/* ---- Records ---- */

typedef struct reading {
  const variant *is;
  size_t which; /* of the label bytes */
  ls__share share;
  uint64_t trained; /* records of training sources so far */
  size_t rows[LS__PARTS];
  ls__labelled *out; /* NULL: the first pass counts and checks */
} reading;

static ls_status next(const reading *r, ls__input *input, const char *path, size_t i,
                      unsigned char *record, bool *more) {
  const size_t bytes = r->is->label_bytes + COLOURS * PIXELS;
  size_t got;
  ls_status st = ls__input_read(input, record, bytes, &got);
  *more = got == bytes;
  if (st != LS_OK || got == bytes || (got == 0 && i > 0)) return st;
  return ls__fail(LS_EDATA,
                  "%s: %zu record%s of %zu bytes, then %zu byte%s: no whole number of %s's records",
                  path, i, i == 1 ? "" : "s", bytes, got, got == 1 ? "" : "s", r->is->format);
}

static void take_pixels(const unsigned char *planes, unsigned char *to) {
  for (size_t p = 0; p < PIXELS; p++)
    for (size_t c = 0; c < COLOURS; c++) to[p * COLOURS + c] = planes[c * PIXELS + p];
}

static ls_status read_file(reading *r, const char *path, bool test, ls__progress *progress) {
  ls_status st = LS_OK;
  ls__input *input = NULL;
  unsigned char record[2 + COLOURS * PIXELS];
  bool more;
  LS_TRY(ls__input_open(path, progress, &input));
  for (size_t i = 0;; i++) {
    LS_TRY(next(r, input, path, i, record, &more));
    if (!more) break;
    for (size_t k = 0; k < r->is->label_bytes; k++)
      if (record[k] >= r->is->classes[k])
        LS_FAIL(LS_EDATA,
                "%s: record %zu (counted from 0): label %u, where there are %zu classes; "
                "is this %s?",
                path, i, record[k], r->is->classes[k],
                r->is == &cifar10 ? "a file of cifar100" : "a file of cifar10");
    const ls_split split = test ? LS_TEST : ls__share_of(&r->share, r->trained++);
    r->rows[split]++;
    if (r->out == NULL) continue;
    if (r->rows[split] > r->out->rows[split])
      LS_FAIL(LS_EIO, "%s: the file has changed while it was read", path);
    take_pixels(record + r->is->label_bytes, ls__labelled_image(r->out, split));
    LS_TRY(ls__labelled_push(r->out, split, record[r->which]));
  }
out:
  ls__input_close(input);
  return st;
}

static ls_status read_all(reading *r, const ls_convert_options *options, const char *test,
                          ls__progress *progress) {
  ls_status st = LS_OK;
  r->trained = 0;
  memset(r->rows, 0, sizeof r->rows);
  for (int i = 0; i < options->n_sources; i++)
    LS_TRY(read_file(r, options->sources[i], false, progress));
  if (test != NULL) LS_TRY(read_file(r, test, true, progress));
out:
  return st;
}

static ls_status convert(const variant *is, const ls_convert_options *options,
                         const cifar_options *own, ls__progress *progress) {
  ls_status st = LS_OK;
  ls__labelled out = {0};
  names *list = NULL;
  bool named;
  reading r = {.is = is,
               .which = is->label_bytes == 1 ? 0 : (size_t)own->labels,
               .share = ls__share_create(options)};
  const size_t n = is->classes[r.which];
  if (own->test_source != NULL) {
    if (options->test > 0.0)
      LS_FAIL(LS_EUSAGE, "convert: give a test source or a share for the test part, not both");
    LS_TRY(ls__format_add_source(options, own->test_source, 2, progress));
  }
  LS_TRY(ls__alloc(&list, 1, sizeof *list, "class names"));
  LS_TRY(find_names(options, own, is->names[r.which], n, list, &named));
  LS_TRY(read_all(&r, options, own->test_source, progress));
  LS_TRY(ls__share_check(r.rows, options));
  LS_TRY(ls__labelled_begin(&out, options, r.rows, SIDE, SIDE, COLOURS));
  r.out = &out;
  LS_TRY(read_all(&r, options, own->test_source, progress));
  if (memcmp(r.rows, out.rows, sizeof r.rows) != 0)
    LS_FAIL(LS_EIO, "%s: a file has changed while it was read", options->sources[0]);
  LS_TRY(ls__labelled_end(&out, named ? list->list : NULL, n, progress));
out:
  ls__labelled_reset(&out);
  ls__free(list);
  return st;
}

static ls_status run10(const ls_convert_options *options, const void *own, ls__progress *progress) {
  return convert(&cifar10, options, own, progress);
}

static ls_status run100(const ls_convert_options *options, const void *own,
                        ls__progress *progress) {
  return convert(&cifar100, options, own, progress);
}

const ls__format ls__format_cifar10 = {
    .kind = {"cifar10", "CIFAR-10's binary files: images of 32 x 32 pixels in colour, 10 classes",
             table10},
    .sources = "FILE...",
    .passes = 2,
    .own_bytes = sizeof(cifar_options),
    .run = run10,
};

const ls__format ls__format_cifar100 = {
    .kind = {"cifar100", "CIFAR-100's binary files, with 100 fine or 20 coarse classes", table100},
    .sources = "FILE...",
    .passes = 2,
    .own_bytes = sizeof(cifar_options),
    .run = run100,
};
