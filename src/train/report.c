/* What a run shows on the terminal and writes into its directory.  Rank 0 alone. */
#include "train/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/simd.h"
#include "base/text.h"
#include "h5/h5.h"
#include "tensor/product.h"
#include "train/alarms.h"
#include "train/best.h"
#include "train/run_directory.h"
#include "train/terminal.h"
#include "train/trainer.h"

struct ls__report {
  FILE *out, *metrics;
  ls__terminal progress;
  double start;  /* of this process's training */
  double spoken; /* when the last line was written */
  double epoch_start;
  double validation_start;
  double evaluation;                       /* seconds of the last one */
  uint64_t epoch_samples;                  /* samples trained then */
  bool config_due;                         /* config.yaml is not yet this run's */
  ls__field field[2 * LS__MAX_SCORES + 8]; /* of an epoch's line */
};

void ls__json_times(ls__json *json, const ls__times *times) {
  ls__json_number(json, "input", times->input);
  ls__json_number(json, "compute", times->compute);
  ls__json_number(json, "exchange", times->exchange);
  ls__json_number(json, "wait", times->wait);
  ls__json_number(json, "update", times->update);
}

static ls_status write_config(ls__report *r, const ls_trainer *t) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH], *text = NULL;
  r->config_due = false;
  LS_TRY(ls_config_write(t->config, &text));
  snprintf(path, sizeof path, "%s/config.yaml", t->set.output);
  LS_TRY(ls__run_write(path, text));
out:
  free(text);
  return st;
}

static ls_status open_directory(ls__report *r, ls_trainer *t) {
  ls_status st = LS_OK;
  const ls__run_start start = {.output = t->set.output,
                               .resume = t->options.resume,
                               .found = t->taken.found,
                               .step = t->now.step,
                               .newest = t->taken.newest,
                               .data = t->data != NULL ? ls__data_path(t->data) : NULL,
                               .out = r->progress.how != LS_PROGRESS_NONE ? r->out : NULL};
  LS_TRY(ls__run_open(&start, &r->metrics));
  r->config_due = true;
  if (!ls__trainer_idle(t)) LS_TRY(write_config(r, t));
out:
  return st;
}

ls_status ls__report_open(ls_trainer *t, ls__report **out) {
  ls_status st = LS_OK;
  ls__report *r = NULL;
  LS_TRY(ls__alloc(&r, 1, sizeof *r, "report"));
  *out = r;
  r->start = r->spoken = r->epoch_start = ls__clock();
  r->epoch_samples = t->trained_samples;
  r->progress = (ls__terminal){.how = LS_PROGRESS_NONE, .watched = -1};
  if (ls_comm_rank(t->comm) != 0) goto out;
  r->out = t->options.out;
  ls__terminal_open(&r->progress, r->out, t->options.progress);
  if (t->set.output != NULL) LS_TRY(open_directory(r, t));
  if (t->changes != NULL) fputs(t->changes, stderr);
  ls__free(t->changes); /* once */
  t->changes = NULL;
  t->changes_used = t->changes_room = 0;
  const bool coded = t->set.codec.code != LS__CODE_NONE;
  if (r->progress.how != LS_PROGRESS_NONE) {
    char text[512];
    if (t->now.step > 0)
      fprintf(r->out, "resuming at step %llu (epoch %llu, sample %llu)\n",
              (unsigned long long)t->now.step, (unsigned long long)t->now.epoch + 1,
              (unsigned long long)t->now.position);
    snprintf(text, sizeof text,
             "%zu parameters, %zu samples, batch %zu in %zu lane%s (the same bits up to %zu "
             "rank%s) "
             "on %d rank%s, exchange %s%s%s",
             t->model->graph->parameters, t->n, t->batch, t->lanes, t->lanes == 1 ? "" : "s",
             t->lanes, t->lanes == 1 ? "" : "s", ls_comm_size(t->comm),
             ls_comm_size(t->comm) == 1 ? "" : "s", ls__exchange_name(t->exchange),
             coded ? ", between nodes in " : "", coded ? ls__codec_names()[t->set.codec.code] : "");
    ls__terminal_text(&r->progress, text);
  }
out:
  return st;
}

/* --- progress */

/* Seconds of a sample, of this epoch, or while it is young of all that were trained here; NAN: not
 * known yet. */
static double pace(const ls__report *r, const ls_trainer *t, double now) {
  const double samples = (double)(t->trained_samples - r->epoch_samples);
  if (samples > 0 && (now - r->epoch_start > 1 || t->trained_seconds <= 0))
    return (now - r->epoch_start) / samples;
  return t->trained_samples > 0 ? t->trained_seconds / (double)t->trained_samples : (double)NAN;
}

/* Of the epoch so far, on rank 0's lanes; NAN: it has none. */
static double loss_so_far(const ls_trainer *t) {
  double loss = 0;
  for (size_t lane = t->lane_lo; lane < t->lane_hi; lane++)
    loss += ls__task_loss(&t->task, t->sums + lane * t->task.width);
  const double seen = (double)t->now.position * (double)(t->lane_hi - t->lane_lo) /
                      (double)t->lanes;
  if (seen <= 0) return (double)NAN;
  return t->task.sums ? loss : loss / seen;
}

/* Where the run stands; `validating`: the epoch's samples are done, and so many seconds of its
 * evaluation are left, NAN: nobody knows. */
static ls__bar stand(const ls__report *r, const ls_trainer *t, double now, bool validating,
                     double validation_left) {
  const double sample = validating ? t->trained_seconds / (double)t->trained_samples
                                   : pace(r, t, now);
  const double n = (double)t->n, left_of_epoch = n - (double)t->now.position;
  ls__bar bar = {.epoch = t->now.epoch + 1,
                 .epochs = t->set.epochs,
                 .done = t->now.position,
                 .of = t->n,
                 .loss = loss_so_far(t),
                 .rate = 1 / sample,
                 .run_left = (double)NAN,
                 .at_most = t->set.early || isfinite(t->set.target_loss)};
  bar.epoch_left = validating ? validation_left : left_of_epoch * sample + r->evaluation;
  double left = (double)INFINITY; /* and of those that follow */
  if (t->set.epochs > 0)
    left = (isnan(bar.epoch_left) ? r->evaluation : bar.epoch_left) +
           (double)(t->set.epochs - t->now.epoch - 1) * (n * sample + r->evaluation);
  if (t->set.max_steps > 0)
    left = fmin(left, (double)(t->set.max_steps - t->now.step) * (double)t->batch * sample);
  if (t->set.max_seconds > 0) left = fmin(left, fmax(t->set.max_seconds - (now - r->start), 0));
  if (isfinite(left)) bar.run_left = left;
  if (bar.epoch_left > left) bar.epoch_left = left;
  return bar;
}

/* Within a long epoch, where there is no bar. */
static void print_within(ls__report *r, const ls_trainer *t, double now) {
  char number[LS__SPAN_BYTES];
  ls__field field[6];
  const ls__bar bar = stand(r, t, now, false, 0);
  const double share = t->n > 0 ? 100 * (double)t->now.position / (double)t->n : 100;
  memset(field, 0, sizeof field);
  r->spoken = now;
  ls__terminal_epoch(field[0].text, sizeof field[0].text, bar.epoch, bar.epochs);
  snprintf(field[1].text, sizeof field[1].text, "%.0f %%", floor(share));
  if (!isnan(bar.loss)) snprintf(field[2].text, sizeof field[2].text, "loss %.4g", bar.loss);
  snprintf(field[3].text, sizeof field[3].text, "%.0f samples/s", bar.rate);
  snprintf(field[4].text, sizeof field[4].text, "%s left",
           ls__terminal_span(bar.epoch_left, number));
  if (r->progress.watched < 0) ls__terminal_now(field[5].text);
  ls__terminal_line(&r->progress, field, 6);
}

void ls__report_clear(ls__report *r) {
  if (r != NULL) ls__terminal_clear(&r->progress);
}

void ls__report_validation(void *context, size_t done, size_t of) {
  const ls__reported *at = context;
  ls__report *r = at->report;
  const double now = ls__clock();
  if (done == 0) r->validation_start = now;
  if (!ls__terminal_due(&r->progress, now)) return;
  const double rest = done > 0 ? (double)(of - done) / (double)done : (double)NAN;
  ls__bar bar = stand(r, at->trainer, now, true, (now - r->validation_start) * rest);
  bar.phase = "validation";
  bar.done = done;
  bar.of = of;
  bar.rate = (double)NAN;
  ls__terminal_draw(&r->progress, &bar);
}

ls_status ls__report_flush(ls__report *r, const ls_trainer *t) {
  if (r->metrics == NULL) return LS_OK;
  const char *why = fflush(r->metrics) != 0 ? strerror(errno) : "an earlier write failed";
  if (ferror(r->metrics) == 0)
    return r->config_due && !ls__trainer_idle(t) ? write_config(r, t) : LS_OK;
  return ls__fail(LS_EIO, "%s/metrics.jsonl: cannot be written: %s", t->set.output, why);
}

void ls__report_step(ls__report *r, ls_trainer *t, double loss, size_t samples) {
  if (samples > 0 && r->metrics != NULL) {
    ls__json json = {.out = r->metrics};
    ls__json_open(&json, NULL, '{');
    ls__json_string(&json, "type", "step");
    ls__json_whole(&json, "epoch", t->now.epoch + 1);
    ls__json_whole(&json, "step", t->now.step);
    ls__json_number(&json, "loss", loss);
    ls__json_open(&json, "seconds", '{');
    ls__json_times(&json, &t->times);
    ls__json_close(&json, '}');
    ls__json_close(&json, '}');
    fputc('\n', r->metrics);
  }
  if (r->progress.how == LS_PROGRESS_NONE) return;
  const double now = ls__clock();
  if (ls__terminal_due(&r->progress, now)) {
    const ls__bar bar = stand(r, t, now, false, 0);
    ls__terminal_draw(&r->progress, &bar);
  }
  if (r->progress.how == LS_PROGRESS_PLAIN && t->set.log_seconds > 0 &&
      now - r->spoken >= t->set.log_seconds && t->now.position < t->n)
    print_within(r, t, now);
}

/* "validation_mae 43.86", in a column that its other values need, too. */
static void put_value(ls__field *to, const char *prefix, const char *name, double value) {
  char digits[32];
  snprintf(digits, sizeof digits, "%.4g", value);
  snprintf(to->text, sizeof to->text, "%.20s%.100s %.30s", prefix, name, digits);
  const size_t n = strlen(digits);
  to->column = ls__text_width(to->text) + (n < 9 ? 9 - n : 0);
}

/* The monitored one first. */
static size_t put_scores(const ls_trainer *t, bool validation, const ls__scores *scores,
                         ls__field *field) {
  const ls__task *task = &t->task;
  const char *prefix = validation ? "validation_" : "";
  const bool here = !t->monitor.loss && t->monitor.validation == validation;
  char name[2 * LS_NAME_BYTES];
  size_t n = 0;
  if (here)
    put_value(&field[n++], prefix, ls__task_value_name(task, t->monitor.value, name),
              scores->value[t->monitor.value]);
  for (size_t i = 0; i < ls__task_values(task); i++) {
    if (scores->running && ls__task_value_is_whole(task, i)) continue;
    if (here && i == t->monitor.value) continue;
    put_value(&field[n++], prefix, ls__task_value_name(task, i, name), scores->value[i]);
  }
  return n;
}

/* An epoch's line; what matters most comes first, for the line may be cut. */
static void print_epoch(ls__report *r, ls_trainer *t, const ls__scores *train,
                        const ls__scores *validation, double rate, double seconds) {
  enum { OTHERS = 6 };
  char last[64], number[LS__SPAN_BYTES];
  size_t n = 0;
  ls__field *field = r->field;
  memset(field, 0, (2 * LS__MAX_SCORES + OTHERS) * sizeof *field);
  ls__terminal_epoch(field[n].text, sizeof field[n].text, t->now.epoch, t->set.epochs);
  ls__terminal_epoch(last, sizeof last, t->set.epochs, t->set.epochs);
  field[n++].column = strlen(last);
  put_value(&field[n++], "", "loss", train->loss);
  if (validation->samples > 0) {
    put_value(&field[n++], "validation_", "loss", validation->loss);
    n += put_scores(t, true, validation, field + n);
  }
  n += put_scores(t, false, train, field + n);
  snprintf(field[n].text, sizeof field[n].text, "%.0f samples/s", rate);
  snprintf(field[n + 1].text, sizeof field[n].text, "%s", ls__terminal_span(seconds, number));
  n += 2;
  if (r->progress.watched < 0) ls__terminal_now(field[n++].text);
  ls__terminal_line(&r->progress, field, n);
  r->spoken = ls__clock();
}

void ls__json_scores(ls__json *json, const ls__task *task, const char *prefix,
                     const ls__scores *scores) {
  char name[2 * LS_NAME_BYTES], key[3 * LS_NAME_BYTES];
  snprintf(key, sizeof key, "%sloss", prefix);
  ls__json_number(json, key, scores->loss);
  for (size_t i = 0; i < ls__task_values(task); i++) {
    if (scores->running && ls__task_value_is_whole(task, i)) continue;
    snprintf(key, sizeof key, "%s%s", prefix, ls__task_value_name(task, i, name));
    ls__json_number(json, key, scores->value[i]);
  }
}

static void add_times(ls__times *to, const ls__times *x) {
  to->input += x->input;
  to->compute += x->compute;
  to->exchange += x->exchange;
  to->wait += x->wait;
  to->update += x->update;
}

void ls__report_epoch(ls__report *r, ls_trainer *t, const ls__scores *train,
                      const ls__scores *validation, double evaluation_seconds, double lr) {
  const ls__task *task = &t->task;
  double seconds = ls__clock() - r->epoch_start - evaluation_seconds;
  double rate = seconds > 0 ? (double)(t->trained_samples - r->epoch_samples) / seconds : 0;
  if (r->metrics != NULL) {
    ls__json json = {.out = r->metrics};
    ls__json_open(&json, NULL, '{');
    ls__json_string(&json, "type", "epoch");
    ls__json_whole(&json, "epoch", t->now.epoch);
    ls__json_whole(&json, "step", t->now.step);
    ls__json_scores(&json, task, "", train);
    if (validation->samples > 0) ls__json_scores(&json, task, "validation_", validation);
    ls__json_number(&json, "lr", lr);
    ls__json_number(&json, "samples_per_second", rate);
    ls__json_open(&json, "seconds", '{');
    ls__json_times(&json, &t->times);
    ls__json_number(&json, "evaluation", evaluation_seconds);
    ls__json_close(&json, '}');
    ls__json_close(&json, '}');
    fputc('\n', r->metrics);
    fflush(r->metrics);
  }
  if (r->progress.how != LS_PROGRESS_NONE)
    print_epoch(r, t, train, validation, rate, seconds + evaluation_seconds);
  r->evaluation = evaluation_seconds;
  add_times(&t->total, &t->times);
  memset(&t->times, 0, sizeof t->times);
  r->epoch_start = ls__clock();
  r->epoch_samples = t->trained_samples;
}

/* --- the end */

static ls_status write_summary(ls_trainer *t, ls_status status, const ls__ending *end,
                               const ls_train_summary *s) {
  char path[LS__FILE_PATH], hash[20], run[20], *text = NULL;
  size_t bytes = 0;
  snprintf(path, sizeof path, "%s/summary.json", t->set.output);
  FILE *f = open_memstream(&text, &bytes);
  if (f == NULL) return ls__fail(LS_ENOMEM, "%s: out of memory", path);
  ls__json json = {.out = f};
  snprintf(hash, sizeof hash, "%016llx", (unsigned long long)s->weights_hash);
  snprintf(run, sizeof run, "%016llx", (unsigned long long)t->model->of_run);
  ls__json_open(&json, NULL, '{');
  ls__json_string(&json, "run", run);
  ls__json_string(&json, "status", status == LS_OK ? "done" : ls_status_text(status));
  ls__json_string(&json, "why", status == LS_OK ? end->why : ls_error_message());
  ls__json_whole(&json, "epochs", s->epochs);
  ls__json_whole(&json, "steps", s->steps);
  ls__json_whole(&json, "samples", t->trained_samples);
  ls__json_integer(&json, "ranks", ls_comm_size(t->comm));
  ls__json_integer(&json, "nodes", ls_comm_nodes(t->comm));
  ls__json_whole(&json, "lanes", t->lanes);
  ls__json_string(&json, "exchange", ls__exchange_name(t->exchange));
  ls__json_string(&json, "compression", ls__codec_names()[t->set.codec.code]);
  ls__json_number(&json, "bucket_mb", (double)ls__exchange_bucket_bytes(t->exchange) / 1048576.0);
  ls__json_whole(&json, "batch", t->batch);
  ls__json_whole(&json, "parameters", t->model->graph->parameters);
  ls__json_number(&json, "loss", s->loss);
  ls__json_number(&json, "validation_loss", s->validation_loss);
  if (t->now.best_epoch > 0) {
    ls__json_string(&json, "monitor", t->monitor.name);
    ls__json_whole(&json, "best_epoch", t->now.best_epoch);
    ls__json_number(&json, "best", t->now.best);
    ls__json_bool(&json, "best_weights", end->weights_epoch == t->now.best_epoch);
  }
  if (end->alarms != NULL) ls__alarms_json(end->alarms, &json);
  ls__json_number(&json, "samples_per_second", s->samples_per_second);
  ls__json_open(&json, "seconds", '{');
  ls__json_number(&json, "total", t->now.seconds);
  ls__json_times(&json, &t->total);
  ls__json_close(&json, '}');
  /* Ranks that are ahead have updated weights already when the loss is seen not to be finite. */
  ls__json_string(&json, "weights_hash", status == LS_ENONFINITE ? NULL : hash);
  ls__json_string(&json, "simd", ls__simd_name(ls__simd_level_now()));
  ls__json_string(&json, "precision", t->set.by.precision == LS__BFLOAT16 ? "bfloat16" : "float32");
  ls__json_string(&json, "products", ls__products_library(t->set.by));
  ls__json_string(&json, "hdf5", ls__h5_library());
  ls__json_string(&json, "mpi", ls__comm_library());
  ls__json_string(&json, "version", LOCKSTEP_VERSION);
  ls__json_close(&json, '}');
  fputc('\n', f);
  ls_status st = fclose(f) == 0 ? ls__run_write(path, text)
                                : ls__fail(LS_ENOMEM, "%s: out of memory", path);
  free(text);
  return st;
}

/* Which epoch was the best, and whose weights are kept. */
static void print_best(ls__report *r, const ls_trainer *t, uint64_t epoch) {
  const bool beside = ls__best_is_kept(t) && t->set.output != NULL;
  const uint64_t best = t->now.best_epoch;
  char text[512], name[200], whose[128] = "those";
  (void)ls__text_show(t->monitor.name, 100, name, sizeof name);
  if (epoch > 0 && epoch != best)
    snprintf(whose, sizeof whose, "epoch %llu's, as those are lost", (unsigned long long)epoch);
  else if (epoch == 0 && t->set.early && t->set.restore_best)
    snprintf(whose, sizeof whose, "the last epoch's, as those are lost");
  else if (epoch == 0)
    snprintf(whose, sizeof whose, "the last epoch's%s%s",
             t->set.early ? " (restore_best: false)" : "",
             beside ? "; the best ones are in checkpoints/best.h5" : "");
  snprintf(text, sizeof text, "best epoch %llu, %s %.4g: the weights are %s",
           (unsigned long long)best, name, t->now.best, whose);
  ls__terminal_text(&r->progress, text);
}

/* A path as a shell takes it. */
static void quote(const char *path, char *to, size_t bytes) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "-_./=+,@%:";
  size_t used = 0;
  if (path[strspn(path, plain)] == '\0' && path[0] != '-') {
    snprintf(to, bytes, "%s", path);
    return;
  }
  to[used++] = '\'';
  for (; *path != '\0' && used + 8 < bytes; path++)
    used += (size_t)snprintf(to + used, bytes - used, *path == '\'' ? "'\\''" : "%c", *path);
  snprintf(to + used, bytes - used, "'");
}

/* What lies in the run directory, and what is done with it. */
/* Whether predictions are a few columns, and of no series: a table is most useful. */
static bool suits_table(const ls_trainer *t) {
  enum { COLUMNS = 64 };
  const ls_model *model = t->model;
  char name[LS__INDEX_MOST][LS__INDEX_NAME];
  const size_t n = ls__data_index(t->data, LS_TRAIN, name);
  size_t columns = 0;
  if (n > 0 && strcmp(name[n - 1], "time") == 0) return false;
  for (size_t i = 0; i < ls_model_outputs(model); i++) {
    const ls_port port = ls_model_output(model, i);
    if (port.shape.ndim > 1) return false;
    columns += ls_shape_count(&port.shape);
  }
  return columns <= COLUMNS;
}

/* Whether it may be that a text is to go on. */
static bool tells_text(const ls_model *model) {
  return model->vocabulary.n > 0 && ls_model_outputs(model) == 1 &&
         ls_model_output(model, 0).shape.ndim == 2;
}

static void print_next(ls__report *r, const ls_trainer *t, const char *output) {
  const char *of = ls_data_count(t->data, LS_TEST) > 0         ? ""
                   : ls_data_count(t->data, LS_VALIDATION) > 0 ? " --split validation"
                                                               : " --split train";
  char text[2 * LS__FILE_PATH], word[2 * LS__FILE_PATH];
  snprintf(text, sizeof text, "there: checkpoints/final.h5%s, summary.json, metrics.jsonl%s",
           ls__best_is_kept(t) ? ", checkpoints/best.h5" : "",
           r->progress.narrowed ? ", which has what the lines above had no room for" : "");
  ls__terminal_text(&r->progress, text);
  quote(output, word, sizeof word); /* to be copied: not wrapped */
  fprintf(r->out, "next: lockstep evaluate %s%s\n", word, of);
  fprintf(r->out, "      lockstep predict %s%s -o predictions.%s\n", word, of,
          suits_table(t) ? "csv" : "h5");
  if (tells_text(t->model)) fprintf(r->out, "      lockstep generate %s\n", word);
}

static void print_end(ls__report *r, const ls_trainer *t, const ls__ending *end,
                      const ls_train_summary *summary) {
  char span[LS__SPAN_BYTES], output[LS__FILE_PATH] = "", text[2 * LS__FILE_PATH];
  if (t->set.output != NULL)
    (void)ls__text_show(t->set.output, LS__MOST_OUTPUT, output, sizeof output);
  if (t->now.best_epoch > 0) print_best(r, t, end->weights_epoch);
  snprintf(text, sizeof text, "%s: %llu steps, %.0f samples/s, %s, weights %016llx%s%s", end->why,
           (unsigned long long)summary->steps, summary->samples_per_second,
           ls__terminal_span(t->now.seconds, span), (unsigned long long)summary->weights_hash,
           t->set.output != NULL ? ", in " : "", output);
  ls__terminal_text(&r->progress, text);
  if (t->set.output != NULL && t->options.next) print_next(r, t, output);
  (void)fflush(r->out);
}

ls_status ls__report_close(ls__report *r, ls_trainer *t, ls_status status, const ls__ending *end,
                           const ls_train_summary *summary) {
  ls_status st = LS_OK;
  ls__terminal_clear(&r->progress);
  add_times(&t->total, &t->times);
  memset(&t->times, 0, sizeof t->times);
  if (r->metrics != NULL) {
    char message[LS__ERROR_BYTES];
    snprintf(message, sizeof message, "%s", ls_error_message());
    st = ls__report_flush(r, t);
    if (fclose(r->metrics) != 0 && st == LS_OK)
      st = ls__fail(LS_EIO, "%s/metrics.jsonl: cannot be written: %s", t->set.output,
                    strerror(errno));
    if (st == LS_OK && !ls__trainer_idle(t) &&
        (status == LS_OK || status == LS_ESTOPPED || status == LS_ENONFINITE))
      st = write_summary(t, status, end, summary);
    if (status != LS_OK) ls__error_set(message);
  }
  if (r->progress.how != LS_PROGRESS_NONE && status == LS_OK && st == LS_OK)
    print_end(r, t, end, summary);
  ls__terminal_close(&r->progress);
  ls__free(r);
  return status == LS_OK ? st : status;
}
