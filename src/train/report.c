/* What a run shows on the terminal and writes into its directory.  Rank 0 alone. */
#include "train/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/simd.h"
#include "base/text.h"
#include "h5/h5.h"
#include "tensor/product.h"
#include "train/alarms.h"
#include "train/run_directory.h"
#include "train/trainer.h"

struct ls__report {
  FILE *out, *metrics;
  ls_progress progress;
  double drawn; /* when the bar was drawn last */
  double epoch_start;
  uint64_t epoch_samples; /* samples trained when the epoch began or was resumed */
  bool bar_open;
  bool config_due; /* config.yaml is not yet this run's */
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
                               .out = r->progress != LS_PROGRESS_NONE ? r->out : NULL};
  LS_TRY(ls__run_open(&start, &r->metrics));
  r->config_due = true;
  if (!ls__trainer_idle(t)) LS_TRY(write_config(r, t));
out:
  return st;
}

/* Whether a person watches.  mpirun gives its ranks a pseudo-terminal even when it writes to a file
 * itself, so it is the parent's output that counts. */
static bool is_watched(FILE *out) {
  char path[64];
  if (!isatty(fileno(out))) return false;
  snprintf(path, sizeof path, "/proc/%ld/fd/1", (long)getppid());
  int parent = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK);
  if (parent < 0) return access("/proc/self", F_OK) != 0; /* no /proc: believe the terminal */
  bool watched = isatty(parent) != 0;
  (void)close(parent);
  return watched;
}

ls_status ls__report_open(ls_trainer *t, ls__report **out) {
  ls_status st = LS_OK;
  ls__report *r = NULL;
  LS_TRY(ls__alloc(&r, 1, sizeof *r, "report"));
  *out = r;
  r->epoch_start = ls__clock();
  r->epoch_samples = t->trained_samples;
  r->progress = LS_PROGRESS_NONE;
  if (ls_comm_rank(t->comm) != 0) goto out;
  r->out = t->options.out;
  r->progress = t->options.progress;
  if (r->progress == LS_PROGRESS_AUTO)
    r->progress = is_watched(r->out) ? LS_PROGRESS_BAR : LS_PROGRESS_PLAIN;
  if (t->set.output != NULL) LS_TRY(open_directory(r, t));
  if (t->changes != NULL) fputs(t->changes, stderr);
  ls__free(t->changes); /* once */
  t->changes = NULL;
  t->changes_used = t->changes_room = 0;
  const bool coded = t->set.codec.code != LS__CODE_NONE;
  if (r->progress != LS_PROGRESS_NONE) {
    if (t->now.step > 0)
      fprintf(r->out, "resuming at step %llu (epoch %llu, sample %llu)\n",
              (unsigned long long)t->now.step, (unsigned long long)t->now.epoch + 1,
              (unsigned long long)t->now.position);
    fprintf(r->out,
            "%zu parameters, %zu samples, batch %zu in %zu lane%s (the same bits up to %zu rank%s) "
            "on "
            "%d rank%s, exchange %s%s%s\n",
            t->model->graph->parameters, t->n, t->batch, t->lanes, t->lanes == 1 ? "" : "s",
            t->lanes, t->lanes == 1 ? "" : "s", ls_comm_size(t->comm),
            ls_comm_size(t->comm) == 1 ? "" : "s", ls__exchange_name(t->exchange),
            coded ? ", between nodes in " : "", coded ? ls__codec_names()[t->set.codec.code] : "");
    fflush(r->out);
  }
out:
  return st;
}

/* --- progress */

static void print_epoch(FILE *out, uint64_t epoch, uint64_t epochs) {
  fprintf(out, "epoch %llu", (unsigned long long)epoch);
  if (epochs > 0) fprintf(out, "/%llu", (unsigned long long)epochs);
}

static void draw_bar(ls__report *r, const ls_trainer *t) {
  enum { WIDTH = 28 };
  char bar[WIDTH + 1];
  double share = t->n > 0 ? (double)t->now.position / (double)t->n : 1;
  int full = (int)(share * WIDTH);
  for (int i = 0; i < WIDTH; i++) bar[i] = i < full ? '=' : i == full ? '>' : ' ';
  bar[WIDTH] = '\0';
  double loss = 0;
  for (size_t lane = t->lane_lo; lane < t->lane_hi; lane++)
    loss += ls__task_loss(&t->task, t->sums + lane * t->task.width);
  double seen = (double)t->now.position * (double)(t->lane_hi - t->lane_lo) / (double)t->lanes;
  double seconds = ls__clock() - r->epoch_start;
  double left = share > 0 ? seconds / share * (1 - share) : 0;
  fputc('\r', r->out);
  print_epoch(r->out, t->now.epoch + 1, t->set.epochs);
  fprintf(r->out, " [%s] %3.0f %%", bar, 100 * share);
  if (seen > 0) /* rank 0 may have no lane */
    fprintf(r->out, "  loss %.4g", t->task.sums ? loss : loss / seen);
  fprintf(r->out, "  %.0f s left \033[K", left);
  fflush(r->out);
  r->bar_open = true;
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
  if (r->progress == LS_PROGRESS_BAR && ls__clock() - r->drawn > 0.1) {
    r->drawn = ls__clock();
    draw_bar(r, t);
  }
}

static void print_scores(FILE *out, const ls__task *task, const char *prefix,
                         const ls__scores *scores) {
  char name[2 * LS_NAME_BYTES];
  fprintf(out, "  %sloss %.4g", prefix, scores->loss);
  for (size_t i = 0; i < ls__task_values(task); i++) {
    if (scores->running && ls__task_value_is_whole(task, i)) continue;
    fprintf(out, "  %s", prefix);
    ls__text_put(out, ls__task_value_name(task, i, name));
    fprintf(out, " %.4g", scores->value[i]);
  }
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
  if (r->progress == LS_PROGRESS_PLAIN || r->progress == LS_PROGRESS_BAR) {
    if (r->bar_open) fputs("\r\033[K", r->out);
    r->bar_open = false;
    print_epoch(r->out, t->now.epoch, t->set.epochs);
    print_scores(r->out, task, "", train);
    if (validation->samples > 0) print_scores(r->out, task, "validation_", validation);
    fprintf(r->out, "  %.0f samples/s\n", rate);
    fflush(r->out);
  }
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
  if (t->set.early && t->now.best_epoch > 0) {
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

static void print_best(FILE *out, const ls_trainer *t, uint64_t epoch) {
  fprintf(out, "best epoch %llu, %s %.4g: the weights are ", (unsigned long long)t->now.best_epoch,
          t->set.early_on_training ? "loss" : "validation_loss", t->now.best);
  if (epoch == t->now.best_epoch)
    fputs("those\n", out);
  else if (!t->set.restore_best)
    fputs("the last epoch's (restore_best: false)\n", out);
  else if (epoch == 0)
    fputs("the last epoch's, as those are lost\n", out);
  else
    fprintf(out, "epoch %llu's, as those are lost\n", (unsigned long long)epoch);
}

ls_status ls__report_close(ls__report *r, ls_trainer *t, ls_status status, const ls__ending *end,
                           const ls_train_summary *summary) {
  ls_status st = LS_OK;
  if (r->bar_open) fputs("\r\033[K", r->out);
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
  if (r->progress != LS_PROGRESS_NONE && status == LS_OK && st == LS_OK) {
    if (t->set.early && t->now.best_epoch > 0) print_best(r->out, t, end->weights_epoch);
    fprintf(r->out, "%s: %llu steps, %.0f samples/s, weights %016llx%s", end->why,
            (unsigned long long)summary->steps, summary->samples_per_second,
            (unsigned long long)summary->weights_hash, t->set.output != NULL ? ", in " : "");
    if (t->set.output != NULL) ls__text_put(r->out, t->set.output);
    fputc('\n', r->out);
    fflush(r->out);
  }
  ls__free(r);
  return status == LS_OK ? st : status;
}
