/* The configuration as text, with what was seen and guessed as comments, and the same as lines for
 * a person. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"
#include "propose/propose.h"

/* ---- Names ---- */

/* Whether YAML and lockstep read a plain word as the text that it is, in a list and a map, too. */
static bool is_plain(const char *name) {
  if (!isalpha((unsigned char)name[0]) && name[0] != '/') return false;
  for (const char *at = name; *at != '\0'; at++)
    if (!isalnum((unsigned char)*at) && strchr("_-./", *at) == NULL) return false;
  static const char *const words[] = {"true", "false", "yes", "no", "on",
                                      "off",  "null",  "y",   "n",  NULL};
  for (size_t i = 0; words[i] != NULL; i++)
    if (strcasecmp(name, words[i]) == 0) return strlen(name) == 1; /* x and y are what they are */
  return true;
}

void ls__propose_put_name(FILE *out, const char *name) {
  if (is_plain(name)) {
    fputs(name, out);
    return;
  }
  fputc('"', out);
  for (const char *at = name; *at != '\0'; at++) {
    const unsigned char c = (unsigned char)*at;
    if (c == '"' || c == '\\')
      fprintf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      fprintf(out, "\\x%02x", c);
    else if (c == 0xc2 && (unsigned char)at[1] < 0xa0) /* U+0080 to U+009F */
      fprintf(out, "\\x%02x", (unsigned char)*++at);
    else
      fputc(c, out);
  }
  fputc('"', out);
}

static void put_line(const ls__proposal *p, FILE *out, const char *line) {
  char shown[1200];
  (void)ls__text_show(line, sizeof shown, shown, sizeof shown);
  fprintf(p->remarks, "%s\n", shown);
  if (out == NULL) return;
  fputs("#", out);
  size_t column = 1;
  char *rest = NULL;
  for (char *word = strtok_r(shown, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
    const size_t width = ls__text_width(word) + 1;
    if (column + width > 100) {
      fputs("\n#  ", out);
      column = 3;
    }
    fprintf(out, " %s", word);
    column += width;
  }
  fputs("\n", out);
}

/* A line to a person, and the same as a comment. */
static void say(const ls__proposal *p, FILE *out, const char *format, ...) LS_PRINTF(3, 4);
static void say(const ls__proposal *p, FILE *out, const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  put_line(p, out, line);
}

void ls__propose_say(const ls__proposal *p, FILE *out, const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  put_line(p, out, line);
}

/* ---- What was seen ---- */

static const char *class_of(const ls__seen *s, size_t i, char text[24]) {
  if (s->classes != NULL && i < s->n_classes) return s->classes[i];
  snprintf(text, 24, "%zu", i);
  return text;
}

/* "setosa, versicolor, virginica", "0, 1, 2, ... 9" */
static void list_classes(const ls__seen *s, char *to, size_t bytes) {
  const size_t n = ls__seen_outputs(s);
  char one[24];
  size_t used = 0;
  to[0] = '\0';
  for (size_t i = 0; i < n && used + 60 < bytes; i++) {
    const bool cut = n > 5 && i == 3;
    if (cut) i = n - 1;
    used += (size_t)snprintf(to + used, bytes - used, "%s%s%.40s", i > 0 ? ", " : "",
                             cut ? "... " : "", class_of(s, i, one));
  }
}

/* The names of the elements, and one that may number the rows. */
static void tell_columns(const ls__proposal *p, const ls__seen *s, FILE *out) {
  char text[512] = "", number[40];
  size_t used = 0, i = 0;
  for (; i < s->n_columns && used + 60 < sizeof text; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%.40s", i > 0 ? ", " : "",
                             s->columns[i]);
  if (i > 0) say(p, out, "%s: %s%s", s->said, text, i < s->n_columns ? ", ..." : "");
  if (p->timed || s->use != LS_INPUT || s->looks != LS__LOOKS_NUMBERS || s->grows == s->count)
    return;
  snprintf(number, sizeof number, "element %zu, counted from 0,", s->grows);
  say(p, out,
      "%s: %.60s is a larger whole number in each row than in the one before, as what numbers the "
      "rows is: "
      "if it means nothing, leave it out%s",
      s->said, s->n_columns > 0 ? s->columns[s->grows] : number, p->ours ? " (--drop)" : "");
}

static void tell_array(const ls__proposal *p, const ls__seen *s, FILE *out) {
  char shape[LS_SHAPE_TEXT], what[512], classes[256];
  const char *is = s->use == LS_INPUT ? "input" : "target";
  list_classes(s, classes, sizeof classes);
  switch (s->looks) {
    case LS__LOOKS_IDS:
      snprintf(what, sizeof what,
               "says which of %zu things it is: an embedding, a row of numbers that "
               "are learnt for each",
               s->n_classes > 0 ? s->n_classes : (size_t)s->high + 1);
      break;
    case LS__LOOKS_CLASS:
      snprintf(what, sizeof what,
               "%zu classes (%s), the rarest %zu times, the most frequent %zu times",
               ls__seen_outputs(s), classes, s->least, s->most);
      break;
    case LS__LOOKS_ONE_HOT:
      snprintf(what, sizeof what, "%zu classes, a one among zeros", s->count);
      break;
    case LS__LOOKS_YES_NO: snprintf(what, sizeof what, "%zu answers, yes or no", s->count); break;
    case LS__LOOKS_MASK:
      snprintf(what, sizeof what, "the class of each point, of %zu", ls__seen_outputs(s));
      break;
    case LS__LOOKS_GRID:
      snprintf(what, sizeof what, "a grid%s%s, %.6g to %.6g",
               s->has_channels ? " with channels" : " without channels",
               s->channels_first ? " first (turned while it is read)" : "", s->low, s->high);
      break;
    case LS__LOOKS_NUMBERS:
    default:
      if (s->count == 1)
        snprintf(what, sizeof what, "a number, %.6g to %.6g%s", s->low, s->high,
                 s->use == LS_TARGET && s->whole && s->info.integer ? "; whole numbers, which are "
                                                                      "not taken for classes "
                                                                      "(--label class)"
                                                                    : "");
      else
        snprintf(what, sizeof what, "%zu numbers, %.6g to %.6g", s->count, s->low, s->high);
  }
  say(p, out, "%s %s, %s %s: %s", is, s->said, ls_shape_format(&s->row, shape), s->info.type_name,
      what);
  tell_columns(p, s, out);
  if (s->looks == LS__LOOKS_CLASS && s->classes == NULL && s->low > 0)
    say(p, out, "%s: labels begin at %.0f: the outputs below stay unused", s->said, s->low);
  if (s->looked < s->rows)
    say(p, out, "%s: %zu of its %zu rows were looked at", s->said, s->looked, s->rows);
  if (s->missing > 0)
    say(p, out, "%s: %llu of %llu values are missing (NaN, fill values, never written)", s->said,
        (unsigned long long)s->missing, (unsigned long long)s->values);
}

static void tell_task(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  const ls__seen *y = p->n > p->n_inputs ? &p->seen[p->n_inputs] : NULL;
  const char *from = h->images         ? p->seen[0].space == 1   ? "series"
                                         : p->seen[0].space == 3 ? "volumes"
                                                                 : "images"
                     : p->fields       ? "fields"
                     : p->n_inputs > 1 ? "several inputs"
                                       : "a table";
  if (p->reproduce)
    say(p, out,
        "task: an autoencoder, which learns to reproduce its inputs (where a dimension is "
        "time, --time 1 learns the next state from this one)");
  else if (p->n - p->n_inputs > 1)
    say(p, out, "task: %zu outputs at once, from %s", p->n - p->n_inputs, from);
  else if (y->looks == LS__LOOKS_MASK)
    say(p, out, "task: the class of each point, from %s", from);
  else if (ls__seen_is_class(y))
    say(p, out, "task: classification, %s%zu classes, from %s",
        ls__seen_outputs(y) == 2 ? "binary, " : "", ls__seen_outputs(y), from);
  else if (y->looks == LS__LOOKS_YES_NO)
    say(p, out, "task: %zu questions, yes or no, from %s", y->count, from);
  else if (p->later)
    say(p, out, "task: the next state from this one, dimension %d of %s is time%s", p->time,
        p->seen[0].said, p->found_time ? ", as it is called (--time none: it is not)" : "");
  else if (y->looks == LS__LOOKS_GRID)
    say(p, out, "task: from fields to fields");
  else
    say(p, out, "task: regression, %zu number%s, from %s", y->count, y->count == 1 ? "" : "s",
        from);
}

/* ---- data ---- */

void ls__propose_put_file(const ls__proposal *p, FILE *out) {
  const size_t n = p->options->n_files;
  fputs(n > 1 ? "  file: [" : "  file: ", out);
  for (size_t i = 0; i < n; i++) {
    if (i > 0) fputs(", ", out);
    ls__propose_put_name(out, p->options->files[i]);
  }
  fputs(n > 1 ? "]\n" : "\n", out);
}

/* The name of an array, and what of it is not as in the others. */
static void put_array(const ls__proposal *p, const ls__seen *s, FILE *out) {
  const int last = s->info.shape.ndim - 1;
  const bool still = p->timed && s->time < 0 && p->time <= last;
  const bool axis = p->mixed_axes && s->axis != 0;
  if (axis || still) fputs("{dataset: ", out);
  ls__propose_put_name(out, s->said);
  if (axis) fprintf(out, ", axis: %d", s->axis == last ? -1 : s->axis);
  if (still) fputs(", time: false", out);
  if (axis || still) fputs("}", out);
}

static void put_axes(const ls__proposal *p, FILE *out) {
  const ls__seen *x = &p->seen[0];
  if (!p->mixed_axes && x->axis > 0)
    fprintf(out, "  axis: %d   # the dimension that counts %s%s\n",
            p->options->axis != NULL            ? p->axis
            : x->axis == x->info.shape.ndim - 1 ? -1
                                                : x->axis,
            p->timed ? "trajectories" : "samples",
            p->matlab ? "; MATLAB writes them in reverse order" : "");
  if (p->timed)
    fprintf(out,
            "  time: {axis: %d}   # window: 3 in it shows three entries, horizon: 5 asks for the "
            "fifth\n",
            p->time);
}

static void put_arrays(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  const size_t targets = p->n - p->n_inputs;
  fputs("  inputs: ", out);
  if (p->n_inputs > 1) fputs(h->joined ? "[" : "{", out);
  for (size_t i = 0; i < p->n_inputs; i++) {
    if (i > 0) fputs(", ", out);
    if (p->n_inputs > 1 && !h->joined) fprintf(out, "%s: ", p->seen[i].port);
    put_array(p, &p->seen[i], out);
  }
  if (p->n_inputs > 1) fputs(h->joined ? "]" : "}", out);
  fputs("\n  targets: ", out);
  if (p->reproduce || p->later) fputs("inputs", out);
  if (targets > 1) fputs("{", out);
  for (size_t i = p->n_inputs; i < p->n && !p->later; i++) {
    if (i > p->n_inputs) fputs(", ", out);
    if (targets > 1) fprintf(out, "%s: ", p->seen[i].port);
    put_array(p, &p->seen[i], out);
  }
  if (targets > 1) fputs("}", out);
  fputs("\n", out);
}

static void put_layout(const ls__proposal *p, FILE *out) {
  bool any = false, all = true;
  for (size_t i = 0; i < p->n; i++) {
    any = any || p->seen[i].channels_first;
    if (p->seen[i].looks == LS__LOOKS_GRID) all = all && p->seen[i].channels_first;
  }
  if (!any) return;
  if (all) { /* also of a target without channels, which has fewer dimensions */
    fputs("  layout: channels_first\n", out);
    return;
  }
  fputs("  layout: {", out);
  const char *comma = "";
  for (size_t i = 0; i < p->n; i++) {
    if (!p->seen[i].channels_first) continue;
    const bool alone = i < p->n_inputs ? p->n_inputs == 1 : p->n - p->n_inputs == 1;
    fprintf(out, "%s%s: channels_first", comma,
            !alone            ? p->seen[i].port
            : i < p->n_inputs ? "input"
                              : "target");
    comma = ", ";
  }
  fputs("}\n", out);
}

static void put_normalize(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  bool numbers = false, grid = false, channels = true, alone = true;
  for (size_t i = 0; i < p->n; i++) {
    const ls__seen *s = &p->seen[i];
    numbers = numbers || (s->use == LS_TARGET &&
                          (s->looks == LS__LOOKS_NUMBERS || s->looks == LS__LOOKS_GRID));
    grid = grid || s->looks == LS__LOOKS_GRID;
    if (s->looks == LS__LOOKS_GRID && !s->has_channels) channels = false;
    if (s->looks == LS__LOOKS_NUMBERS && s->count > 1) alone = false;
  }
  (void)h;
  fputs("  normalize: {inputs: standard", out);
  if (numbers) fputs(", targets: standard", out);
  if (grid) fprintf(out, ", per: %s", channels || !alone ? "channel" : "dataset");
  fputs("}   # to mean 0 and deviation 1 of the training part\n", out);
}

static void put_missing(const ls__proposal *p, FILE *out) {
  if (p->missing == LS__MISSING_DROP) {
    fputs("  missing: drop   # rows with a missing value are left out\n", out);
    say(p, NULL, "rows with a missing value are left out (missing: drop)");
  } else if (p->missing == LS__MISSING_MEAN) {
    fputs("  missing: mean   # the mean over the training part takes their place\n", out);
    say(p, NULL, "the mean takes the place of missing inputs (missing: mean)");
  }
}

static void put_augment(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  const ls__seen *x = &p->seen[0];
  size_t side = SIZE_MAX;
  bool classes = true;
  for (int i = 0; i < x->space; i++) side = x->place[i] < side ? x->place[i] : side;
  for (size_t i = p->n_inputs; i < p->n; i++) classes = classes && ls__seen_is_class(&p->seen[i]);
  if (!h->images || x->space != 2 || side < 16 || !classes) return;
  fprintf(out,
          "  augment:   # other training images in each epoch\n"
          "    - random_crop: {padding: %zu}   # moved a little, which changes no class\n"
          "    # - flip: {horizontal: true}   # where a mirrored image is of the same class\n",
          side / 12 > 0 ? side / 12 : 1);
}

/* What is drawn, in words. */
typedef struct drawn {
  const char *rows, *comment;
} drawn;
static const drawn *parts_are(const ls__proposal *p, const ls__hyperparameters *h) {
  static const drawn rows = {"rows are drawn", "rows that are drawn, and kept from training"},
                     groups = {"groups are drawn", "whole groups, kept from training"},
                     trajectories = {"trajectories are drawn, whole ones,", "whole trajectories, "
                                                                            "kept from training"},
                     time = {"times are kept, the last ones of each trajectory,",
                             "the last times of each trajectory, kept from training"};
  if (h->by == NULL) return p->timed ? &trajectories : &rows;
  return strcmp(h->by, "time") == 0 ? &time : &groups;
}

static void put_data(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  fputs("data:\n", out);
  ls__propose_put_file(p, out);
  put_arrays(p, h, out);
  put_axes(p, out);
  put_layout(p, out);
  if (h->validation > 0 || h->test > 0) {
    fputs("  split: {", out);
    if (h->validation > 0) fprintf(out, "validation: %g, ", h->validation);
    if (h->test > 0) fprintf(out, "test: %g, ", h->test);
    if (h->by != NULL) fprintf(out, "by: %s, ", h->by);
    fprintf(out, "seed: %llu}   # %s\n", (unsigned long long)h->split_seed,
            parts_are(p, h)->comment);
  }
  if (p->weight) fputs("  sample_weight: weight   # how much each row counts\n", out);
  put_normalize(p, h, out);
  put_missing(p, out);
  put_augment(p, h, out);
  fputs("\n", out);
}

/* ---- How it is trained ---- */

static void tell_parts(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  char text[200] = "";
  size_t used = 0;
  if (h->test > 0)
    used = (size_t)snprintf(text, sizeof text, "%g %% of the %s for the test", 100 * h->test,
                            parts_are(p, h)->rows);
  if (h->validation > 0)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%g %% %s%s%sfor validation",
                             used > 0 ? ", " : "", 100 * h->validation, used > 0 ? "" : "of the ",
                             used > 0 ? "" : parts_are(p, h)->rows, used > 0 ? "" : " ");
  if (used > 0) say(p, out, "parts: %s", text);
  if (p->timed && h->test <= 0 && !p->has[LS_TEST])
    say(p, out,
        "parts: %zu times are too few to keep any for a test: what is learnt from them "
        "can't be checked",
        p->seen[0].times);
  else if (p->rows < 20)
    say(p, out,
        "parts: %zu rows are too few to keep any for a test: what is learnt from them can't be "
        "checked",
        p->rows);
  else if (h->validation <= 0 && !p->has[LS_VALIDATION])
    say(p, out,
        "parts: no validation part: of so few rows (%zu to train on) each is worth more in the "
        "training; split: {validation: 0.1} makes one, early_stopping: {} stops by it",
        h->training);
}

static void put_training(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  const size_t steps = (h->training + h->batch - 1) / h->batch;
  const char *about = h->validation > 0 || h->test > 0 ? "about "
                                                       : ""; /* rows are drawn one by one */
  say(p, NULL,
      "training: adamw, learning rate %g falling along a cosine, batch %zu, at most %zu epochs of "
      "%s%zu step%s",
      h->lr, h->batch, h->epochs, about, steps, steps == 1 ? "" : "s");
  fprintf(out, "\noptimizer: {adamw: {lr: %g, weight_decay: %g}}\n", h->lr, h->weight_decay);
  fputs("schedule: cosine   # the learning rate falls to 0 along half a cosine\n", out);
  fprintf(out, "train:\n  batch: %zu   # samples of a step, over all ranks\n", h->batch);
  fprintf(out, "  epochs: %zu   # of %s%zu step%s\n", h->epochs, about, steps,
          steps == 1 ? "" : "s");
  fputs("  seed: 1   # of weights and order\n", out);
  /* A loss with smoothed labels goes on falling, or rises, where the answers don't change. */
  const bool accuracy = h->smoothing > 0 && p->n == p->n_inputs + 1;
  if (h->patience > 0) {
    say(p, NULL,
        "early stopping: after %zu epochs without a %s; the best epoch's weights are restored",
        h->patience, accuracy ? "better validation accuracy" : "smaller validation loss");
    fprintf(out, "early_stopping: {monitor: %s, patience: %zu, restore_best: true}\n",
            accuracy ? "validation_accuracy" : "validation_loss", h->patience);
  }
  fputs("\n# Where validation or test is much worse than training: more weight_decay or dropout, "
        "fewer\n"
        "# units, more data.  Where training itself is poor: more units or layers, more epochs, "
        "another lr.\n",
        out);
}

static void tell_network(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  if (p->reproduce)
    say(p, out, "network: dense layers, narrow in the middle");
  else if (p->fields)
    say(p, out, "network: convolutions that keep the grid, %s, %zu channels",
        h->halves ? "two halvings and two doublings with skips" : "residual, dilated", h->width);
  else if (h->images)
    say(p, out,
        "network: %zu convolutions with batch_norm, from %zu channels, pools between them, a "
        "dense layer of 128",
        h->depth, h->width);
  else
    say(p, out, "network: %zu dense layers of %zu%s, weight decay %g", h->depth, h->width,
        h->dropout > 0 ? " with dropout" : "", h->weight_decay);
}

static void put_head(const ls__proposal *p, FILE *out) {
  fputs("# Proposed by lockstep init, by what the data look like: a first network, to go on "
        "from.\n#\n",
        out);
  if (p->options->origin != NULL) say(p, out, "%s", p->options->origin);
}

void ls__propose_write(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  tell_task(p, h, out);
  for (size_t i = 0; i < p->n; i++)
    if (i < p->n_inputs || !p->later) tell_array(p, &p->seen[i], out);
  tell_parts(p, h, out);
  tell_network(p, h, out);
  fputs("\n", out);
  put_data(p, h, out);
  ls__propose_network(p, h, out);
  put_training(p, h, out);
}

/* ---- All of it ---- */

static void proposal_reset(ls__proposal *p) {
  for (size_t i = 0; i < p->n; i++) {
    ls__free(p->seen[i].name);
    ls__free_strings(p->seen[i].classes, p->seen[i].n_classes);
    ls__free_strings(p->seen[i].columns, p->seen[i].n_columns);
  }
  ls__free(p->gone);
  if (p->file != NULL) ls__files_give(p->files, 0);
  ls__files_destroy(p->files);
}

/* The files, as the configuration that is written opens them. */
static ls_status open_files(ls__proposal *p) {
  ls_status st = LS_OK;
  ls_config *config = NULL, *data = NULL;
  char *text = NULL;
  size_t bytes;
  FILE *to = open_memstream(&text, &bytes);
  if (to == NULL) LS_FAIL(LS_ENOMEM, "proposal: out of memory");
  fputs("data:\n", to);
  ls__propose_put_file(p, to);
  if (fclose(to) != 0) LS_FAIL(LS_ENOMEM, "proposal: out of memory");
  LS_TRY(ls_config_parse(text, "data", &config));
  LS_TRY(ls__config_map(config, "data", &data));
  LS_TRY(ls__files_create(ls__config_child(data, "file"), &p->files));
  LS_TRY(ls__files_take(p->files, 0, &p->file));
out:
  ls_config_destroy(config);
  free(text);
  return st;
}

/* A configuration is UTF-8, and so is each name in it. */
static ls_status check_name(const char *name) {
  for (const char *at = name; *at != '\0'; at += ls__text_letter(at)) {
    char shown[120];
    if (ls__text_letter(at) > 0) continue;
    (void)ls__text_show(name, 100, shown, sizeof shown);
    return ls__fail(LS_EDATA, "%s: a name that is no UTF-8 can't stand in a configuration", shown);
  }
  return LS_OK;
}

/* Whether predictions are a few columns. */
static bool suits_table(const ls__proposal *p) {
  enum { COLUMNS = 64 };
  size_t columns = 0;
  for (size_t i = p->n_inputs; i < p->n; i++) {
    if (p->seen[i].row.ndim > 1 || p->seen[i].looks == LS__LOOKS_GRID) return false;
    columns += ls__seen_outputs(&p->seen[i]);
  }
  return !p->reproduce && !p->timed && columns <= COLUMNS;
}

ls_status ls_propose(const ls_propose_options *options, ls_proposed *proposed) {
  ls_status st = LS_OK;
  ls__proposal *p = NULL;
  ls__hyperparameters recipe;
  FILE *out = NULL, *said = NULL;
  size_t bytes, said_bytes;
  bool series = false;
  ls__number_locale locale = ls__number_begin();
  *proposed = (ls_proposed){.yaml = NULL};
  LS_TRY(ls__alloc(&p, 1, sizeof *p, "proposal"));
  p->options = options;
  out = open_memstream(&proposed->yaml, &bytes);
  said = open_memstream(&proposed->remarks, &said_bytes);
  if (out == NULL || said == NULL) LS_FAIL(LS_ENOMEM, "proposal: out of memory");
  p->remarks = said;
  for (size_t i = 0; i < options->n_files; i++) LS_TRY(check_name(options->files[i]));
  LS_TRY(open_files(p));
  LS_TRY(ls__propose_series(p, out, proposed, &series));
  if (series) goto out;
  put_head(p, out);
  bool text = false;
  LS_TRY(ls__propose_text(p, out, &text));
  if (text) {
    proposed->test = p->has[LS_TEST];
    proposed->text = true;
    goto out;
  }
  bool sound = false;
  LS_TRY(ls__propose_sound(p, out, proposed, &sound));
  if (sound) goto out;
  LS_TRY(ls__propose_find(p));
  for (size_t i = 0; i < p->n; i++) LS_TRY(check_name(p->seen[i].name));
  LS_TRY(ls__propose_look(p));
  LS_TRY(ls__propose_tell(p));
  ls__propose_plan(p, &recipe);
  ls__propose_write(p, &recipe, out);
  proposed->table = suits_table(p);
  proposed->test = recipe.test > 0 || p->has[LS_TEST];
out:
  if (p != NULL) proposal_reset(p);
  ls__free(p);
  if (out != NULL && (ferror(out) != 0) + (fclose(out) != 0) > 0 && st == LS_OK)
    st = ls__fail(LS_ENOMEM, "proposal: out of memory");
  if (said != NULL && (ferror(said) != 0) + (fclose(said) != 0) > 0 && st == LS_OK)
    st = ls__fail(LS_ENOMEM, "proposal: out of memory");
  if (st != LS_OK) {
    free(proposed->yaml);
    free(proposed->remarks);
    *proposed = (ls_proposed){.yaml = NULL};
  }
  ls__number_end(&locale);
  return st;
}
