/* Tables of text as data (table.h). */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "train/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "config/config.h"
#include "convert/recipe.h"
#include "convert/text.h"

/* By its name: what it holds is looked at when it is read. */
static bool is_table(const char *path) {
  static const char *const endings[] = {".csv", ".tsv", ".txt", ".dat", ".data"};
  size_t n = strlen(path);
  if (n > 3 && strcasecmp(path + n - 3, ".gz") == 0) n -= 3;
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    const size_t k = strlen(endings[i]);
    if (n > k && strncasecmp(path + n - k, endings[i], k) == 0) return true;
  }
  return false;
}

static void in_folder(const ls__table *t, const char *name, char *path, size_t bytes) {
  snprintf(path, bytes, "%s/%s", t->folder, name);
}

void ls__table_opened(ls__table *t) {
  static const char *const names[] = {"table.h5", "texts"};
  char path[LS__FILE_PATH + 16];
  for (size_t i = 0; t->folder[0] != '\0' && i < sizeof names / sizeof *names; i++) {
    in_folder(t, names[i], path, sizeof path);
    (void)unlink(path);
  }
  if (t->folder[0] != '\0') (void)rmdir(t->folder);
  t->folder[0] = '\0';
}

void ls__table_reset(ls__table *t) {
  ls__table_opened(t);
  if (t->texts != NULL) (void)fclose(t->texts);
  ls__free(t->path);
  memset(t, 0, sizeof *t);
}

/* ---- Reading it ---- */

typedef struct job {
  const ls_model *model;
  const ls__table_wants *wants;
  ls__table *table;
  bool root;
} job;

static ls_status make_folder(ls__table *t) {
  const char *where = getenv("TMPDIR");
  if (where == NULL || where[0] == '\0') where = "/tmp";
  const int n = snprintf(t->folder, sizeof t->folder, "%s/lockstep.XXXXXX", where);
  if (n < 0 || n >= (int)sizeof t->folder || mkdtemp(t->folder) == NULL) {
    t->folder[0] = '\0';
    return ls__fail(LS_EIO,
                    "%s: a folder for the numbers of %s cannot be made there: %s (TMPDIR may name "
                    "another place)",
                    where, t->path,
                    n >= (int)sizeof t->folder ? strerror(ENAMETOOLONG) : strerror(errno));
  }
  return LS_OK;
}

static ls_status keep_row(void *context, size_t row, const char *const *text) {
  const job *j = context;
  (void)row;
  for (size_t i = 0; i < j->wants->n_keep; i++)
    if (fwrite(text[i], 1, strlen(text[i]) + 1, j->table->texts) != strlen(text[i]) + 1)
      return ls__fail(LS_EIO, "%s: columns to keep cannot be written: %s", j->table->folder,
                      strerror(errno));
  return LS_OK;
}

static ls_status fail_no_targets(const job *j) {
  const ls__class_names *names = &j->model->output_columns[0];
  return ls__fail(LS_EDATA, "%s: has not all columns of the targets%s%.100s%s that are wanted",
                  j->table->path, names->n > 0 ? " (\"" : "", names->n > 0 ? names->name[0] : "",
                  names->n > 0 ? "\", ...)" : "");
}

/* On the first rank of each node. */
static ls_status read_table(void *context) {
  ls_status st = LS_OK;
  job *j = context;
  ls__table *t = j->table;
  const ls_model *model = j->model;
  char path[LS__FILE_PATH + 16];
  ls__recipe_values known[LS_MAX_PORTS];
  ls__recipe_job recipe = {.origin = j->wants->checkpoint,
                           .path = t->path,
                           .targets = j->wants->targets,
                           .known = known,
                           .quiet = !j->root,
                           .see = keep_row,
                           .context = j};
  if (model->recipe.n == 0 && model->vocabulary.n == 1) {
    if (j->wants->n_keep > 0)
      LS_FAIL(LS_EUSAGE, "%s: a text, which has no columns to keep", t->path);
    LS_TRY(make_folder(t));
    in_folder(t, "table.h5", path, sizeof path);
    st = ls__text_read(t->path, model->vocabulary.name[0], j->wants->checkpoint, path);
    goto out;
  }
  if (model->recipe.n != 1 ||
      strncmp(model->recipe.name[0], LS__RECIPE_SOUND, strlen(LS__RECIPE_SOUND)) == 0)
    LS_FAIL(LS_EDATA,
            "%s: a table, and %s keeps nothing of how one is read, as it was not trained on a "
            "converted table: convert this one as its data were made (lockstep convert csv), and "
            "give the HDF5 file",
            t->path, j->wants->checkpoint);
  recipe.recipe = model->recipe.name[0];
  for (size_t i = 0; i < ls_model_inputs(model); i++) {
    const ls__class_names *names = &model->input_classes[i];
    known[recipe.n_known] = (ls__recipe_values){model->graph->input[i].name,
                                                (const char *const *)names->name, names->n};
    if (names->n > 0) recipe.n_known++;
  }
  LS_TRY(make_folder(t));
  if (j->root && j->wants->n_keep > 0) {
    recipe.keep = j->wants->keep;
    recipe.n_keep = j->wants->n_keep;
    in_folder(t, "texts", path, sizeof path);
    t->texts = fopen(path, "w+");
    if (t->texts == NULL) LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno));
  }
  in_folder(t, "table.h5", path, sizeof path);
  recipe.output = path;
  LS_TRY(ls__recipe_run(&recipe));
  if (j->wants->targets && !recipe.has_targets) {
    st = fail_no_targets(j);
    goto out;
  }
  if (t->texts != NULL && (fflush(t->texts) != 0 || fseeko(t->texts, 0, SEEK_SET) != 0))
    LS_FAIL(LS_EIO, "%s: columns to keep cannot be written: %s", t->folder, strerror(errno));
out:
  return st;
}

/* ---- In the place of data.file ---- */

static ls_status set(ls_config *config, const char *key, const char *value) {
  ls_status st = LS_OK;
  char *text = NULL;
  LS_TRY(ls__alloc(&text, strlen(key) + 2 * strlen(value) + 8, 1, key));
  char *at = text + sprintf(text, "%s='", key);
  for (const char *c = value; *c != '\0'; c++) {
    if (*c == '\'') *at++ = '\'';
    *at++ = *c;
  }
  *at = '\'';
  LS_TRY(ls_config_override(config, text));
out:
  ls__free(text);
  return st;
}

/* "/train/x" of a file with groups is x here. */
static ls_status set_inside(ls_config *config, const char *key, const char *name) {
  static const char *const groups[] = {"/train/", "/validation/", "/test/"};
  for (size_t i = 0; name != NULL && i < sizeof groups / sizeof *groups; i++) {
    const size_t n = strlen(groups[i]);
    if (strncmp(name, groups[i], n) == 0) return set(config, key, name + n);
  }
  return LS_OK;
}

static ls_status set_names(ls_config *config, const char *what) {
  ls_status st = LS_OK;
  char key[256];
  const ls_config *node = ls__config_child(ls__config_child(config, "data"), what);
  const ls__config_kind kind = node == NULL ? LS__NULL : ls__config_kind_of(node);
  snprintf(key, sizeof key, "data.%s", what);
  if (kind == LS__SCALAR) return set_inside(config, key, ls__config_text(node));
  for (size_t i = 0; (kind == LS__MAP || kind == LS__LIST) && i < ls__config_count(node); i++) {
    const ls_config *child = ls__config_at(node, i);
    if (ls__config_kind_of(child) != LS__SCALAR) continue;
    if (kind == LS__MAP)
      snprintf(key, sizeof key, "data.%s.%.100s", what, ls__config_key(child));
    else
      snprintf(key, sizeof key, "data.%s.%zu", what, i);
    LS_TRY(set_inside(config, key, ls__config_text(child)));
  }
out:
  return st;
}

/* Its node's file, and that all its rows are one part. */
static ls_status point_to(ls_config **config, const char *folder) {
  ls_status st = LS_OK;
  ls_config *copy = NULL; /* without the overrides so far, which these may contradict */
  char path[LS__FILE_PATH + 16];
  snprintf(path, sizeof path, "%s/table.h5", folder);
  LS_TRY(ls__config_copy(*config, &copy));
  LS_TRY(set(copy, "data.file", path));
  LS_TRY(set_names(copy, "inputs"));
  LS_TRY(set_names(copy, "targets"));
  if (ls__config_child(ls__config_child(copy, "data"), "split") != NULL)
    LS_TRY(ls_config_override(copy, "data.split=null"));
  if (ls__config_child(ls__config_child(copy, "data"), "sample_weight") != NULL)
    LS_TRY(ls_config_override(copy, "data.sample_weight=null"));
  ls_config_destroy(*config);
  *config = copy;
  copy = NULL;
out:
  ls_config_destroy(copy);
  return st;
}

/* Where each node's first rank has put it. */
typedef struct place {
  int node, first;
  char folder[LS__FILE_PATH];
} place;

static ls_status share(ls_comm *comm, ls_config **config, const ls__table *t) {
  ls_status st = LS_OK;
  const size_t size = (size_t)ls_comm_size(comm);
  place *all = NULL, mine;
  memset(&mine, 0, sizeof mine);
  mine.node = ls__comm_node(comm);
  mine.first = ls__comm_node_rank(comm) == 0;
  memcpy(mine.folder, t->folder, sizeof mine.folder);
  LS_TRY(ls_comm_agree(comm, ls__alloc(&all, size, sizeof *all, "places of a table")));
  LS_TRY(ls__comm_allgatherv(comm, &mine, all, NULL, sizeof mine));
  size_t i = 0;
  while (!(all[i].node == mine.node && all[i].first)) i++;
  LS_TRY(ls_comm_agree(comm, point_to(config, all[i].folder)));
out:
  ls__free(all);
  return st;
}

ls_status ls__table_read(ls_comm *comm, const ls_model *model, ls_config **config,
                         const ls__table_wants *wants, ls__table *t) {
  ls_status st = LS_OK, local = LS_OK;
  const char *path = ls__config_text(ls__config_child(ls__config_child(*config, "data"), "file"));
  memset(t, 0, sizeof *t);
  const bool is = path != NULL && is_table(path);
  double some[2] = {is, !is};
  LS_TRY(ls__comm_max(comm, some, 2)); /* data.file may differ from rank to rank */
  if (some[0] == 0) goto out;
  if (some[1] != 0)
    local = ls__fail(LS_EUSAGE, "data.file is a table on some ranks, and none on others");
  if (wants->split != LS_ALL && wants->split != LS_AUTO)
    LS_THEN(local, ls__fail(LS_EUSAGE, "%s: a table has no parts such as %s; all its rows are read",
                            path, ls__split_name(wants->split)));
  if (wants->weights &&
      ls__config_child(ls__config_child(*config, "data"), "sample_weight") != NULL)
    LS_THEN(local, ls__fail(LS_EUSAGE,
                            "%s: weights of samples are not read from a table: convert it, or give "
                            "data.sample_weight=null to go without",
                            path));
  if (is && (t->path = ls__strdup(path)) == NULL)
    LS_THEN(local, ls__fail(LS_ENOMEM, "%s: out of memory", path));
  LS_TRY(ls_comm_agree(comm, local));
  LS_TRY(ls__comm_on_nodes(comm, read_table, &(job){model, wants, t, ls_comm_rank(comm) == 0}));
  LS_TRY(share(comm, config, t));
out:
  return st;
}
