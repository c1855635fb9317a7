/* Folders of images, a folder a class: DIR/CLASS/FILE, or with parts DIR/train/CLASS/FILE,
 * DIR/validation/..., DIR/test/...  Everything is taken in the order of its name's bytes, so that
 * the result is the same on any file system; in the dataset the classes of a part take turns, so
 * that no stretch of it holds one class alone. */
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"
#include "convert/classes.h"
#include "convert/folder.h"
#include "convert/formats.h"
#include "convert/image.h"
#include "convert/labelled.h"

enum { MOST_SIDE = 4096 };

typedef struct images_options {
  const char *size; /* NULL: as they are */
  bool grey;
} images_options;

static const ls__option table[] = {
    LS__FORMAT_TEXT(images_options, size, "size", "N|HEIGHTxWIDTH", "",
                    "pixels that each image is resized to; when it isn't given, all images must "
                    "have one size"),
    LS__SWITCH(images_options, grey, "false", "one channel, not three"),
    LS__END,
};

/* ---- What there is ---- */

/* One part: a folder of classes. */
typedef struct part {
  char *path; /* NULL: there is none */
  ls__names classes;
  ls__names *files; /* [classes.n] */
  size_t *taken;    /* [classes.n] in the order of turns */
  size_t n;
} part;

typedef struct tree {
  part part[LS__PARTS];
  size_t others; /* files that are no images */
} tree;

static void tree_reset(tree *t) {
  for (int p = 0; p < LS__PARTS; p++) {
    part *is = &t->part[p];
    for (size_t c = 0; is->files != NULL && c < is->classes.n; c++) ls__names_reset(&is->files[c]);
    ls__free(is->files);
    ls__free(is->taken);
    ls__names_reset(&is->classes);
    ls__free(is->path);
  }
}

static ls_status look_at_class(tree *t, part *is, size_t c) {
  ls_status st = LS_OK;
  ls__names folders = {NULL, 0, 0};
  char *path = ls__path_join(is->path, is->classes.list[c]);
  if (path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", is->path);
  for (const char *letter = is->classes.list[c]; *letter != '\0';) {
    const size_t n = ls__text_letter(letter);
    if (n == 0) LS_FAIL(LS_EDATA, "%s: the name of the class is no UTF-8 text", path);
    letter += n;
  }
  LS_TRY(ls__folder_list(path, ls__image_is_named, &folders, &is->files[c], &t->others));
  if (folders.n > 0)
    LS_FAIL(LS_EDATA, "%s: holds a folder %s; below the folder of a class there are images alone",
            path, folders.list[0]);
  if (is->files[c].n == 0) LS_FAIL(LS_EDATA, "%s: a class without images", path);
  is->n += is->files[c].n;
out:
  ls__names_reset(&folders);
  ls__free(path);
  return st;
}

static ls_status look_at_part(tree *t, part *is) {
  ls_status st = LS_OK;
  ls__names loose = {NULL, 0, 0};
  LS_TRY(ls__folder_list(is->path, ls__image_is_named, &is->classes, &loose, &t->others));
  if (loose.n > 0)
    LS_FAIL(LS_EDATA, "%s/%s: an image outside of the folders of classes", is->path, loose.list[0]);
  if (is->classes.n == 0)
    LS_FAIL(LS_EDATA, "%s: holds no folders; one for each class is wanted", is->path);
  if (is->classes.n > LS__MAX_CLASSES)
    LS_FAIL(LS_EDATA, "%s: holds %zu folders, and there can be %d classes", is->path, is->classes.n,
            LS__MAX_CLASSES);
  LS_TRY(ls__alloc(&is->files, is->classes.n, sizeof *is->files, "names of images"));
  LS_TRY(ls__alloc(&is->taken, is->classes.n, sizeof *is->taken, "names of images"));
  for (size_t c = 0; c < is->classes.n; c++) LS_TRY(look_at_class(t, is, c));
out:
  ls__names_reset(&loose);
  return st;
}

/* Every class of another part must be one of the training part's. */
static ls_status check_classes(const tree *t) {
  const ls__names *train = &t->part[LS_TRAIN].classes;
  for (int p = 1; p < LS__PARTS; p++) {
    const part *is = &t->part[p];
    for (size_t c = 0; c < is->classes.n; c++)
      if (bsearch(&is->classes.list[c], train->list, train->n, sizeof *train->list, ls__by_bytes) ==
          NULL)
        return ls__fail(LS_EDATA, "%s/%s: a class that %s doesn't have", is->path,
                        is->classes.list[c], t->part[LS_TRAIN].path);
  }
  return LS_OK;
}

static ls_status look(tree *t, const char *path) {
  ls_status st = LS_OK;
  ls__names folders = {NULL, 0, 0}, loose = {NULL, 0, 0};
  ls_split split = LS_TRAIN;
  bool folder = false;
  LS_TRY(ls__path_is_folder(path, &folder));
  if (!folder) LS_FAIL(LS_EUSAGE, "%s: is a file; a folder of folders of images is wanted", path);
  LS_TRY(ls__folder_list(path, ls__image_is_named, &folders, &loose, &t->others));
  if (!ls__names_have_parts(&folders)) {
    t->others = 0; /* they are counted again */
    t->part[LS_TRAIN].path = ls__strdup(path);
    if (t->part[LS_TRAIN].path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  } else if (loose.n > 0) {
    LS_FAIL(LS_EDATA, "%s/%s: an image outside of the folders of classes", path, loose.list[0]);
  }
  for (size_t i = 0; i < folders.n && ls__names_have_parts(&folders); i++) {
    (void)ls__part_of(folders.list[i], &split);
    part *is = &t->part[split];
    if (is->path != NULL)
      LS_FAIL(LS_EDATA, "%s/%s: there is %s, too", path, folders.list[i], is->path);
    is->path = ls__path_join(path, folders.list[i]);
    if (is->path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  }
  for (int p = 0; p < LS__PARTS; p++)
    if (t->part[p].path != NULL) LS_TRY(look_at_part(t, &t->part[p]));
  LS_TRY(check_classes(t));
out:
  ls__names_reset(&folders);
  ls__names_reset(&loose);
  return st;
}

/* ---- Turns ---- */

/* Whose turn it is: the class that has given the smallest share of its images. */
static size_t next_class(const part *is) {
  size_t best = is->classes.n;
  double least = 0;
  for (size_t c = 0; c < is->classes.n; c++) {
    if (is->taken[c] == is->files[c].n) continue;
    const double share = ((double)is->taken[c] + 0.5) / (double)is->files[c].n;
    if (best < is->classes.n && share >= least) continue;
    best = c;
    least = share;
  }
  return best;
}

/* The path of the next image, owned by the caller, and its class among the training part's. */
static ls_status next_image(const tree *t, part *is, char **path, size_t *label) {
  const ls__names *train = &t->part[LS_TRAIN].classes;
  const size_t c = next_class(is);
  char *folder = ls__path_join(is->path, is->classes.list[c]);
  *path = folder == NULL ? NULL : ls__path_join(folder, is->files[c].list[is->taken[c]++]);
  ls__free(folder);
  if (*path == NULL) return ls__fail(LS_ENOMEM, "%s: out of memory", is->path);
  char *const *at = bsearch(&is->classes.list[c], train->list, train->n, sizeof *train->list,
                            ls__by_bytes);
  *label = (size_t)(at - train->list);
  return LS_OK;
}

/* ---- Sizes ---- */

/* "32", "32x48"; 0: not said. */
static ls_status read_size(const char *text, size_t *height, size_t *width) {
  char first[16];
  const char *by = text == NULL ? NULL : strchr(text, 'x');
  double h = 0, w = 0;
  *height = *width = 0;
  if (text == NULL) return LS_OK;
  snprintf(first, sizeof first, "%.*s", by == NULL ? 15 : (int)(by - text < 15 ? by - text : 15),
           text);
  if (ls__number_parse(first, &h) && (by == NULL || ls__number_parse(by + 1, &w)) && h >= 1 &&
      h <= MOST_SIDE && (by == NULL || (w >= 1 && w <= MOST_SIDE))) {
    *height = (size_t)h;
    *width = by == NULL ? *height : (size_t)w;
    if ((double)*height >= h && (by == NULL || (double)*width >= w)) return LS_OK;
  }
  return ls__fail(LS_EUSAGE,
                  "convert: size \"%s\" is not allowed, it must be pixels, such as 32, or height x "
                  "width, such as 32x48, from 1 to %d",
                  text, MOST_SIDE);
}

/* Without --size the first image says how large all are. */
static ls_status first_size(const tree *t, size_t *height, size_t *width) {
  ls_status st = LS_OK;
  ls__raster image = {0, 0, NULL};
  part first = t->part[LS_TRAIN];
  size_t label;
  char *path = NULL;
  LS_TRY(next_image(t, &first, &path, &label));
  memset(first.taken, 0, first.classes.n * sizeof *first.taken); /* shared with the tree's */
  LS_TRY(ls__image_read(path, &image));
  if (image.height > MOST_SIDE || image.width > MOST_SIDE)
    LS_FAIL(LS_EDATA, "%s: %zu x %zu pixels; --size N makes all images smaller", path, image.height,
            image.width);
  *height = image.height;
  *width = image.width;
out:
  ls__image_reset(&image);
  ls__free(path);
  return st;
}

/* ---- Conversion ---- */

static ls_status take_image(const images_options *own, const char *path, ls__labelled *out,
                            ls_split split, size_t label) {
  ls_status st = LS_OK;
  ls__raster image = {0, 0, NULL};
  const size_t *want = out->row.dim;
  LS_TRY(ls__image_read(path, &image));
  if (own->size == NULL && (image.height != want[0] || image.width != want[1]))
    LS_FAIL(LS_EDATA,
            "%s: %zu x %zu pixels, where the images before it have %zu x %zu; --size N resizes all",
            path, image.height, image.width, want[0], want[1]);
  LS_TRY(ls__image_resize(&image, want[0], want[1], want[2], ls__labelled_image(out, split)));
  LS_TRY(ls__labelled_push(out, split, (int32_t)label));
out:
  ls__image_reset(&image);
  return st;
}

static ls_status take_part(const images_options *own, const tree *t, part *is, int p,
                           const ls__share *share, ls__labelled *out, ls__progress *progress) {
  ls_status st = LS_OK;
  char *path = NULL;
  struct stat about;
  size_t label;
  for (size_t i = 0; i < is->n; i++) {
    LS_TRY(next_image(t, is, &path, &label));
    LS_TRY(take_image(own, path, out, p == LS_TRAIN ? ls__share_of(share, i) : (ls_split)p, label));
    ls__progress_advance(progress, stat(path, &about) == 0 ? (uint64_t)about.st_size : 0);
    ls__free(path);
    path = NULL;
  }
out:
  ls__free(path);
  return st;
}

/* Bytes that will be read, for the progress line. */
static ls_status expect(const tree *t, ls__progress *progress) {
  ls_status st = LS_OK;
  char *path = NULL;
  struct stat about;
  size_t label;
  for (int p = 0; p < LS__PARTS; p++) {
    part is = t->part[p];
    for (size_t i = 0; progress->on && i < is.n; i++) {
      LS_TRY(next_image(t, &is, &path, &label));
      if (stat(path, &about) == 0) ls__progress_expect(progress, (uint64_t)about.st_size);
      ls__free(path);
      path = NULL;
    }
    if (is.taken != NULL) memset(is.taken, 0, is.classes.n * sizeof *is.taken);
  }
out:
  ls__free(path);
  return st;
}

static ls_status check_shares(const ls_convert_options *options, const tree *t) {
  const double share[LS__PARTS] = {0, options->validation, options->test};
  for (int p = 1; p < LS__PARTS; p++)
    if (share[p] > 0 && t->part[p].path != NULL)
      return ls__fail(LS_EUSAGE,
                      "convert: there is a folder %s, and a share of %g for the same part",
                      t->part[p].path, share[p]);
  return LS_OK;
}

static ls_status run(const ls_convert_options *options, const void *context,
                     ls__progress *progress) {
  ls_status st = LS_OK;
  const images_options *own = context;
  const ls__share share = ls__share_create(options);
  ls__labelled out = {0};
  tree t;
  size_t height, width, rows[LS__PARTS] = {0};
  memset(&t, 0, sizeof t);
  if (options->n_sources != 1)
    LS_FAIL(LS_EUSAGE, "convert images: %d sources; give one folder", options->n_sources);
  LS_TRY(read_size(own->size, &height, &width));
  LS_TRY(look(&t, options->sources[0]));
  LS_TRY(check_shares(options, &t));
  if (height == 0) LS_TRY(first_size(&t, &height, &width));
  LS_TRY(expect(&t, progress));
  for (size_t i = 0; i < t.part[LS_TRAIN].n; i++) rows[ls__share_of(&share, i)]++;
  for (int p = 1; p < LS__PARTS; p++) rows[p] += t.part[p].n;
  LS_TRY(ls__share_check(rows, options));
  LS_TRY(ls__labelled_begin(&out, options, rows, height, width, own->grey ? 1 : 3));
  for (int p = 0; p < LS__PARTS; p++)
    LS_TRY(take_part(own, &t, &t.part[p], p, &share, &out, progress));
  LS_TRY(ls__labelled_end(&out, (const char *const *)t.part[LS_TRAIN].classes.list,
                          t.part[LS_TRAIN].classes.n, progress));
  if (options->progress && t.others > 0)
    fprintf(stderr, "convert: %zu file%s left out, not named as images are\n", t.others,
            t.others == 1 ? "" : "s");
out:
  ls__labelled_reset(&out);
  tree_reset(&t);
  return st;
}

const ls__format ls__format_images = {
    .kind = {"images", "folders of PNG, JPEG, PGM or PPM images, a folder a class", table},
    .sources = "DIR",
    .passes = 0,
    .own_bytes = sizeof(images_options),
    .run = run,
};
