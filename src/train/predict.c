/* Predicting a part of a dataset into a file: all ranks predict, rank 0 writes. */
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "data/ids.h"
#include "train/fit.h"
#include "train/prediction.h"

/* Memory of a rank: its chunk of every output and its true values, and on rank 0 those of all ranks
 * of one of them. */
typedef struct buffers {
  size_t *count; /* [ranks] rows of each in this round */
  float *mine[LS_MAX_PORTS], *target[LS_MAX_PORTS], *labels[LS_MAX_PORTS], *all;
  int32_t *length[LS__MAX_ARRAYS]; /* of the arrays that are lengths */
  ls__run *run;
  void *to[LS__MAX_ARRAYS];
} buffers;

/* What is being predicted, and on rank 0 where it goes. */
typedef struct prediction {
  ls_comm *comm;
  ls__session session;
  ls__prediction what;
  const ls__prediction_kind *kind;
  void *file; /* NULL on other ranks */
  buffers b;
} prediction;

static ls_status make_buffers(prediction *p) {
  ls_status st = LS_OK;
  const ls__session *s = &p->session;
  buffers *b = &p->b;
  const size_t size = (size_t)ls_comm_size(p->comm);
  const bool root = ls_comm_rank(p->comm) == 0;
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(s->data, &arrays);
  size_t widest = 0;
  LS_TRY(ls__alloc(&b->count, size, sizeof *b->count, "predictions"));
  LS_TRY(ls__model_run(s->model, &b->run));
  for (size_t i = 0, input = 0; i < n; i++)
    if (arrays[i].use == LS_INPUT) b->to[i] = ls__run_input(b->run, (int)input++);
  for (size_t i = 0; i < n; i++) {
    if (arrays[i].use != LS_LENGTH) continue;
    LS_TRY(ls__alloc(&b->length[i], LS__PREDICT_BATCH, sizeof *b->length[i], "predictions"));
    b->to[i] = b->length[i];
  }
  for (size_t i = 0; i < ls_model_outputs(s->model); i++) {
    const ls_port port = ls_model_output(s->model, i);
    const size_t k = ls_shape_count(&port.shape);
    const ls__array *target = p->what.target[i];
    if (k > widest) widest = k;
    LS_TRY(ls__alloc(&b->mine[i], LS__PREDICT_BATCH * k, sizeof(float), "predictions"));
    if (p->what.sequences[i].are)
      LS_TRY(ls__alloc(&b->labels[i], LS__PREDICT_BATCH * p->what.sequences[i].steps, sizeof(float),
                       "predictions"));
    if (target == NULL) continue;
    if (target->count > widest) widest = target->count;
    LS_TRY(ls__alloc(&b->target[i], LS__PREDICT_BATCH * target->count, sizeof(float), "targets"));
    b->to[target - arrays] = b->target[i];
  }
  if (root)
    LS_TRY(ls__alloc(&b->all, size * LS__PREDICT_BATCH * widest, sizeof *b->all, "predictions"));
out:
  return st;
}

static void free_buffers(buffers *b) {
  ls__run_destroy(b->run);
  ls__free(b->count);
  for (int i = 0; i < LS_MAX_PORTS; i++) {
    ls__free(b->mine[i]);
    ls__free(b->target[i]);
    ls__free(b->labels[i]);
  }
  for (int i = 0; i < LS__MAX_ARRAYS; i++) ls__free(b->length[i]);
  ls__free(b->all);
}

/* Labels of this rank's n rows, and true ones without what pads them. */
static void read_sequences(const prediction *p, size_t i, size_t n) {
  const ls__sequences *s = &p->what.sequences[i];
  const buffers *b = &p->b;
  const ls__array *target = p->what.target[i];
  const int32_t *counted = NULL;
  if (!s->are) return;
  if (s->real.array >= 0)
    counted = s->real.input >= 0 ? ls__run_input(b->run, s->real.input) : b->length[s->real.array];
  ls__sequences_read(s, n, b->mine[i], counted, b->labels[i]);
  if (target != NULL)
    ls__sequences_cut(s, n, target->count,
                      s->target_length >= 0 ? b->length[s->target_length] : NULL, b->target[i]);
}

/* This rank's rows of the round that begins at row `at`. */
static ls_status predict_mine(prediction *p, size_t at) {
  ls_status st = LS_OK;
  const ls__session *s = &p->session;
  buffers *b = &p->b;
  const size_t rank = (size_t)ls_comm_rank(p->comm), lo = at + rank * LS__PREDICT_BATCH,
               n = b->count[rank];
  if (n == 0) goto out;
  LS_TRY(ls__data_rows(s->data, s->split, lo, lo + n, b->to));
  LS_TRY(ls__fit_indices(b->run, n, &(ls__taken_from){s->data, s->split, false, lo}));
  ls__run_forward(b->run, s->model->parameters, n, NULL);
  for (size_t i = 0; i < ls_model_outputs(s->model); i++) {
    ls__model_take_output(s->model, b->run, (int)i, n, b->mine[i]);
    read_sequences(p, i, n);
  }
out:
  return st;
}

/* One array of the round to rank 0, and into the file. */
static ls_status hand_on(prediction *p, size_t output, ls__handed what, size_t at, size_t rows,
                         ls_status *local) {
  ls_status st = LS_OK;
  const ls_port port = ls_model_output(p->session.model, output);
  const size_t count = what == LS__TRUE     ? p->what.target[output]->count
                       : what == LS__LABELS ? p->what.sequences[output].steps
                                            : ls_shape_count(&port.shape);
  const float *mine = what == LS__TRUE     ? p->b.target[output]
                      : what == LS__LABELS ? p->b.labels[output]
                                           : p->b.mine[output];
  LS_TRY(ls__comm_gatherv(p->comm, mine, p->b.all, p->b.count, count * sizeof(float)));
  if (p->file != NULL)
    LS_THEN(*local, p->kind->take(p->file, output, what, at, rows, count, p->b.all));
out:
  return st;
}

/* Rank 0 writes what all predict, chunk by chunk: rank r's chunk of each round.  The others predict
 * the next one meanwhile: what fails on rank 0 is agreed on then. */
static ls_status predict_rounds(prediction *p, ls_status local) {
  ls_status st = LS_OK;
  const ls__session *s = &p->session;
  const size_t size = (size_t)ls_comm_size(p->comm);
  LS_THEN(local, make_buffers(p));
  for (size_t at = 0; at < s->n; at += size * LS__PREDICT_BATCH) {
    size_t rows = 0;
    for (size_t r = 0; r < size && local == LS_OK; r++) {
      const size_t lo = at + r * LS__PREDICT_BATCH;
      p->b.count[r] = lo >= s->n                      ? 0
                      : s->n - lo < LS__PREDICT_BATCH ? s->n - lo
                                                      : LS__PREDICT_BATCH;
      rows += p->b.count[r];
    }
    LS_THEN(local, predict_mine(p, at));
    LS_TRY(ls_comm_agree(p->comm, local));
    for (size_t i = 0; i < ls_model_outputs(s->model); i++) {
      LS_TRY(hand_on(p, i, LS__PREDICTED, at, rows, &local));
      if (p->what.sequences[i].are) LS_TRY(hand_on(p, i, LS__LABELS, at, rows, &local));
      if (p->what.target[i] != NULL) LS_TRY(hand_on(p, i, LS__TRUE, at, rows, &local));
    }
    if (p->file != NULL && p->kind->end_rows != NULL)
      LS_THEN(local, p->kind->end_rows(p->file, at, rows));
  }
  LS_TRY(ls_comm_agree(p->comm, local));
out:
  return st;
}

/* It must not take the place of what it is made from, by whatever name. */
static ls_status check_output(const char *output, const ls__session *s) {
  ls_status st = LS_OK;
  bool same = false;
  const char *data = ls__session_path(s);
  if (data != NULL) LS_TRY(ls__file_same(output, data, &same));
  for (size_t i = 0; i < ls__data_files(s->data) && !same; i++)
    LS_TRY(ls__file_same(output, ls__data_file(s->data, i), &same));
  if (same) LS_FAIL(LS_EUSAGE, "%s: is both the data and the output", output);
  const ls__seal *origin = &s->model->origin;
  struct stat info;
  if (stat(output, &info) == 0 && (uint64_t)info.st_dev == origin->device &&
      (uint64_t)info.st_ino == origin->inode)
    LS_FAIL(LS_EUSAGE, "%s: is both the checkpoint and the output", output);
out:
  return st;
}

/* True values come in the file's own units. */
static ls_status find_targets(prediction *p) {
  ls_status st = LS_OK;
  ls__session *s = &p->session;
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(s->data, &arrays);
  for (size_t i = 0; i < n; i++) {
    const int output = ls__fit_output(s->model, &arrays[i]);
    if (output < 0) continue;
    p->what.target[output] = &arrays[i];
    LS_TRY(ls__data_set_normal(s->data, i, NULL));
  }
  for (size_t i = 0; i < ls_model_outputs(s->model); i++)
    if (p->what.target[i] == NULL)
      LS_FAIL(LS_EDATA, "%s: has no targets of output \"%s\" for --with-targets",
              ls__session_path(s), ls_model_output(s->model, i).name);
out:
  return st;
}

static ls_status find_sequences(prediction *p) {
  ls_status st = LS_OK;
  const size_t beam = p->what.options->beam;
  bool any = false;
  for (size_t i = 0; i < ls_model_outputs(p->session.model); i++) {
    LS_TRY(ls__sequences_find(&p->session, i, beam, &p->what.sequences[i]));
    any = any || p->what.sequences[i].are;
  }
  if (beam > 0 && !any)
    LS_FAIL(LS_EUSAGE, "--beam: no output was trained with ctc, whose labels a beam search finds");
out:
  return st;
}

static ls_status create_file(prediction *p) {
  ls_status st = LS_OK;
  LS_TRY(check_output(p->what.options->output, &p->session));
  LS_TRY(p->kind->create(&p->what, &p->file));
out:
  return st;
}

/* In which order the parts of a file lie in the output. */
static void tell_parts(FILE *out, const ls__session *s) {
  const char *before = " (";
  bool several = false;
  for (int p = LS_TRAIN; p <= LS_TEST; p++)
    several = several || (ls_data_count(s->data, (ls_split)p) > 0 &&
                          ls_data_count(s->data, (ls_split)p) < s->n);
  if (s->split != LS_ALL || !ls__data_grouped(s->data) || !several) return;
  for (int p = LS_TRAIN; p <= LS_TEST; p++) {
    if (ls_data_count(s->data, (ls_split)p) == 0) continue;
    fprintf(out, "%s%s", before, ls__split_name((ls_split)p));
    before = ", then ";
  }
  fputc(')', out);
}

/* "out.csv: 150 rows and 5 columns, predicted by runs/iris/checkpoints/final.h5 (epoch 37)" */
static void tell(const prediction *p, const char *checkpoint) {
  FILE *out = p->what.options->out;
  const ls__session *s = &p->session;
  char weights[LS__WEIGHTS_TEXT];
  if (out == NULL) return;
  ls__text_put(out, p->what.options->output);
  fprintf(out, ": %zu row%s", s->n, s->n == 1 ? "" : "s");
  tell_parts(out, s);
  if (p->what.columns > 0)
    fprintf(out, " and %zu column%s", p->what.columns, p->what.columns == 1 ? "" : "s");
  fputs(", predicted by ", out);
  ls__text_put(out, checkpoint);
  if (s->choice[0] != '\0') fprintf(out, "/%s", s->choice);
  if (ls__model_weights(s->model, weights)[0] != '\0') fprintf(out, " (%s)", weights);
  fputc('\n', out);
}

/* What all ranks must have been told alike, as lines "KEY: VALUE". */
static ls_status told(const ls_predict_options *o, char **lines) {
  ls_status st = LS_OK;
  size_t bytes = strlen(o->output) + 160, used = 0;
  *lines = NULL;
  for (size_t i = 0; i < o->n_keep; i++) bytes += strlen(o->keep[i]) + 2;
  LS_TRY(ls__alloc(lines, bytes, 1, "options"));
  used = (size_t)snprintf(*lines, bytes,
                          "-o: %s\n--with-targets: %s\n--classes-only: %s\n--beam: %zu\n--keep: ",
                          o->output, o->with_targets ? "given" : "no",
                          o->classes_only ? "given" : "no", o->beam);
  for (size_t i = 0; i < o->n_keep; i++)
    used += (size_t)snprintf(*lines + used, bytes - used, "%s%s", i > 0 ? ", " : "", o->keep[i]);
  snprintf(*lines + used, bytes - used, "\n");
out:
  return st;
}

ls_status ls_predict_to(ls_comm *comm, const char *checkpoint, const char *const *overrides,
                        size_t n, ls_split split, const ls_predict_options *options) {
  ls_status st = LS_OK, local = LS_OK;
  bool gzip = false;
  char *lines = NULL;
  prediction p;
  memset(&p, 0, sizeof p);
  p.comm = comm;
  p.what = (ls__prediction){.session = &p.session,
                            .options = options,
                            .most = (size_t)ls_comm_size(comm) * LS__PREDICT_BATCH};
  local = ls__prediction_kind_of(options->output, &p.kind, &gzip);
  LS_THEN(local, told(options, &lines));
  LS_TRY(ls_comm_agree(comm, local));
  const ls__session_wants wants = {.purpose = options->with_targets ? LS__DATA_EVALUATE
                                                                    : LS__DATA_PREDICT,
                                   .command = "predict",
                                   .told = lines,
                                   .keep = options->keep,
                                   .n_keep = options->n_keep};
  LS_TRY(ls__session_open(comm, checkpoint, overrides, n, split, &wants, &p.session));
  if (options->with_targets) {
    LS_TRY(ls_comm_agree(comm, find_targets(&p)));
    LS_TRY(ls__data_load(p.session.data));
  }
  LS_TRY(ls_comm_agree(comm, find_sequences(&p)));
  if (ls_comm_rank(comm) == 0) local = create_file(&p);
  LS_TRY(predict_rounds(&p, local));
  if (p.file != NULL) {
    local = p.kind->keep(p.file);
    p.file = NULL;
  }
  LS_TRY(ls_comm_agree(comm, local));
  if (ls_comm_rank(comm) == 0) tell(&p, checkpoint);
out:
  if (p.file != NULL) p.kind->abandon(p.file);
  free_buffers(&p.b);
  for (size_t i = 0; i < LS_MAX_PORTS; i++) ls__sequences_reset(&p.what.sequences[i]);
  ls__session_close(&p.session);
  ls__free(lines);
  return st;
}

ls_status ls_predict(ls_comm *comm, const char *checkpoint, const char *const *overrides, size_t n,
                     ls_split split, const char *output) {
  return ls_predict_to(comm, checkpoint, overrides, n, split,
                       &(ls_predict_options){.output = output});
}
