/* From a `data:` section to an open dataset. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "config/config.h"
#include "data/inside.h"
#include "tensor/span.h"

enum { MEMORY_AUTO, MEMORY_NODE, MEMORY_STREAM };

/* ---- The configuration ---- */

/* Datasets that the config names; both empty: the file has groups. */
typedef struct names {
  const char **x, **y; /* owned lists of borrowed names */
  int nx, ny;
  bool y_is_x;
} names;

static ls_status read_names(ls_config *config, const char *key, const char ***name, int *n) {
  ls_status st = LS_OK;
  ls_config *node = ls__config_child(config, key);
  if (node == NULL) return LS_OK;
  const bool list = ls__config_kind_of(node) == LS__LIST;
  const size_t count = list ? ls__config_count(node) : 1;
  if (count == 0 || count > 1000) return ls__config_fail(node, "must name a dataset, or a list of them");
  LS_TRY(ls__alloc(name, count, sizeof **name, key));
  for (size_t i = 0; i < count; i++) {
    const ls_config *item = list ? ls__config_at(node, i) : node;
    if (ls__config_kind_of(item) != LS__SCALAR || ls__config_text(item)[0] == '\0') {
      st = ls__config_fail(item, "must be the name of a dataset, such as /fields/rho");
      goto out;
    }
    (*name)[i] = ls__config_text(item);
  }
  *n = (int)count;
out:
  return st;
}

static ls_status read_normalize(ls_config *config, ls__settings *settings) {
  static const char *const x_rules[] = {"none", "standard", "minmax", NULL};
  static const char *const y_rules[] = {"none", "standard", NULL};
  static const char *const per[] = {"feature", "dataset", NULL};
  ls_status st = LS_OK;
  ls_config *node = ls__config_child(config, "normalize");
  int x = 0, y = 0, whole = 0;
  if (node != NULL && ls__config_kind_of(node) == LS__MAP) {
    LS_TRY(ls__config_choice(node, "inputs", "standard", x_rules, &x));
    LS_TRY(ls__config_choice(node, "targets", "none", y_rules, &y));
    LS_TRY(ls__config_choice(node, "per", "feature", per, &whole));
    LS_TRY(ls__config_finish(node));
  } else {
    bool on;
    LS_TRY(ls__config_bool(config, "normalize", false, &on));
    x = y = on ? LS__RULE_STANDARD : LS__RULE_NONE;
    settings->y_if_real = on;
  }
  settings->x = (ls__rule)x;
  settings->y = (ls__rule)y;
  settings->whole = whole == 1;
out:
  return st;
}

static ls_status read_config(ls_config *config, ls__settings *settings, const char **path, names *n) {
  static const char *const memory[] = {"auto", "node", "stream", NULL};
  ls_status st = LS_OK;
  ls_config *split = NULL;
  double window;
  int64_t seed;
  LS_TRY(ls__config_string(config, "file", NULL, path));
  LS_TRY(read_names(config, "inputs", &n->x, &n->nx));
  LS_TRY(read_names(config, "targets", &n->y, &n->ny));
  if (n->ny == 1 && strcmp(n->y[0], "inputs") == 0) {
    n->y_is_x = true;
    n->ny = 0;
  }
  if (n->ny > 0 && n->nx == 0) {
    st = ls__config_fail(config, "targets are named, inputs are not: name both, or neither");
    goto out;
  }
  LS_TRY(ls__config_map(config, "split", &split));
  LS_TRY(ls__config_double(split, "validation", 0, 0, 0.99, &settings->draw.validation));
  LS_TRY(ls__config_double(split, "test", 0, 0, 0.99, &settings->draw.test));
  LS_TRY(ls__config_int(split, "seed", 0, 0, INT64_MAX, &seed));
  settings->draw.seed = (uint64_t)seed;
  LS_TRY(ls__config_finish(split));
  if (settings->draw.validation + settings->draw.test > 0.99) {
    st = ls__config_fail(split, "leaves nothing to train on");
    goto out;
  }
  LS_TRY(read_normalize(config, settings));
  LS_TRY(ls__config_choice(config, "memory", "auto", memory, &settings->memory));
  LS_TRY(ls__config_bool(config, "shuffle", true, &settings->shuffle));
  LS_TRY(ls__config_double(config, "shuffle_window", 256, 1e-6, 1e9, &window));
  settings->window_bytes = window * 1048576;
  LS_TRY(ls__config_size(config, "limit", 0, 0, SIZE_MAX - 1, &settings->limit));
  LS_TRY(ls__config_finish(config));
out:
  return st;
}

/* ---- Sources and parts ---- */

static ls_status add_source(ls_data *data, const char *const *x, int nx, const char *const *y, int ny,
                            ls__source **out) {
  ls__source *source = &data->source[data->n_sources];
  ls_status st = ls__source_open(data->file, x, nx, y, ny, source);
  if (st == LS_OK) data->n_sources++;
  *out = source;
  return st;
}

static ls_status open_groups(ls_data *data, ls__data_purpose purpose, bool with_y) {
  static const char *const group[LS__PARTS] = {"/train", "/validation", "/test"};
  ls_status st = LS_OK;
  for (int p = 0; p < LS__PARTS; p++) {
    char x[32], y[32];
    const char *const x_name = x, *const y_name = y;
    ls__source *source;
    const bool there = ls__h5_exists(data->file, group[p]);
    if (!there && !(p == LS_TRAIN && purpose == LS__DATA_TRAIN)) continue;
    snprintf(x, sizeof x, "%s/x", group[p]);
    snprintf(y, sizeof y, "%s/y", group[p]);
    LS_TRY(add_source(data, &x_name, 1, &y_name, with_y ? 1 : 0, &source));
    data->part[p] = (ls__part){source, source->rows, NULL, 0};
  }
out:
  return st;
}

static ls_status open_sources(ls_data *data, ls__data_purpose purpose, const names *n) {
  static const char *const x = "/x", *const y = "/y";
  ls_status st = LS_OK;
  ls__source *source = NULL;
  const bool with_y = purpose != LS__DATA_PREDICT && !n->y_is_x;
  if (n->nx > 0) {
    LS_TRY(add_source(data, n->x, n->nx, n->y, with_y ? n->ny : 0, &source));
  } else if (ls__h5_exists(data->file, "/train") || ls__h5_exists(data->file, "/validation") ||
             ls__h5_exists(data->file, "/test")) {
    st = open_groups(data, purpose, with_y);
    goto out;
  } else if (ls__h5_exists(data->file, x)) {
    LS_TRY(add_source(data, &x, 1, &y, with_y ? 1 : 0, &source));
  } else {
    ls__h5_info info; /* says what there is instead */
    st = ls__h5_info_get(data->file, "/train/x", &info);
    if (st == LS_EDATA) st = ls__fail(st, "%s (data.inputs and data.targets name others)", ls_error_message());
    goto out;
  }
  /* All samples are training samples, until some are drawn; of another file nobody knows. */
  if (ls__split_is_drawn_from(data, source->rows))
    data->part[LS_TRAIN] = (ls__part){source, source->rows, NULL, 0};
out:
  return st;
}

/* All parts must have one shape; then it is known how a sample lies in memory. */
static ls_status check_shapes(ls_data *data, bool y_is_x) {
  ls_status st = LS_OK;
  char text[2][LS_SHAPE_TEXT];
  ls__layout *layout = &data->layout;
  layout->x_u8 = true;
  data->y_integer = true;
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    const ls__column *c = source->column;
    const ls_shape x = ls__source_shape(source, 0, source->nx, false);
    const ls_shape y = ls__source_shape(source, source->nx, source->nx + source->ny, true);
    if (s == 0) {
      data->x_shape = x;
      data->y_shape = y;
    }
    if (!ls_shape_equal(&x, &data->x_shape))
      LS_FAIL(LS_EDATA, "%s: samples of %s have shape %s, those of %s %s", ls__h5_path(data->file),
              data->source[0].column[0].name, ls_shape_format(&data->x_shape, text[0]), c->name,
              ls_shape_format(&x, text[1]));
    if (source->ny > 0 && !ls_shape_equal(&y, &data->y_shape))
      LS_FAIL(LS_EDATA, "%s: targets of %s have shape %s, those of %s %s", ls__h5_path(data->file),
              data->source[0].column[source->nx].name, ls_shape_format(&data->y_shape, text[0]),
              c[source->nx].name, ls_shape_format(&y, text[1]));
    for (int i = 0; i < source->nx + source->ny; i++) {
      if (i < source->nx && !c[i].bytes) layout->x_u8 = false;
      if (i >= source->nx && !c[i].integer) data->y_integer = false;
      if (c[i].scale != data->source[0].column[i].scale)
        LS_FAIL(LS_EDATA, "%s: attribute scale of %s is %g, that of %s %g", ls__h5_path(data->file),
                data->source[0].column[i].name, (double)data->source[0].column[i].scale, c[i].name,
                (double)c[i].scale);
    }
  }
  for (int s = 0; s < data->n_sources; s++)
    for (int i = 0; i < data->source[s].nx; i++)
      data->source[s].column[i].type = layout->x_u8 ? LS__U8 : LS__F32;
  layout->x_count = ls_shape_count(&data->x_shape);
  layout->x_bytes = layout->x_count * (layout->x_u8 ? 1 : sizeof(float));
  layout->y_is_x = y_is_x;
  if (y_is_x) data->y_shape = data->x_shape;
  if (!y_is_x && data->source[0].ny > 0) layout->y_count = ls_shape_count(&data->y_shape);
  layout->y_bytes = layout->y_count * sizeof(float);
out:
  return st;
}

static ls_status read_classes(ls_data *data) {
  const ls__source *source = &data->source[0];
  if (source->ny == 0) return LS_OK;
  const char *name = source->column[source->nx].name;
  if (!ls__h5_has_attribute(data->file, name, "classes")) return LS_OK;
  return ls__h5_get_strings(data->file, name, "classes", &data->classes, &data->n_classes);
}

/* All that a rank does by itself. */
static ls_status open_local(ls_data *data, ls_config *config, ls__data_purpose purpose) {
  ls_status st = LS_OK;
  names n = {0};
  const char *path;
  LS_TRY(read_config(config, &data->settings, &path, &n));
  if (n.nx > 0 && n.ny == 0 && !n.y_is_x && purpose != LS__DATA_PREDICT) {
    st = ls__config_fail(config, "targets: is missing: the dataset to predict from data.inputs, or "
                                 "`inputs` for the inputs themselves");
    goto out;
  }
  LS_TRY(ls__h5_open(path, &data->file));
  LS_TRY(open_sources(data, purpose, &n));
  if (data->n_sources == 0) LS_FAIL(LS_EDATA, "%s: no samples", path);
  LS_TRY(check_shapes(data, n.y_is_x && purpose != LS__DATA_PREDICT));
  LS_TRY(ls__split_draw(data, purpose));
  LS_TRY(read_classes(data));
  ls__part *train = &data->part[LS_TRAIN];
  ls__settings *settings = &data->settings;
  if (settings->limit > 0 && settings->limit < train->n) train->n = settings->limit;
  if (purpose == LS__DATA_TRAIN && settings->y != LS__RULE_NONE && !settings->y_if_real &&
      data->y_integer && !data->layout.y_is_x) {
    st = ls__config_fail(ls__config_child(config, "normalize"),
                         "targets: %s holds whole numbers, which are taken for classes and never "
                         "normalised; store them as floating-point numbers",
                         data->source[0].column[data->source[0].nx].name);
    goto out;
  }
  if (data->y_integer || data->layout.y_is_x || purpose != LS__DATA_TRAIN) settings->y = LS__RULE_NONE;
  if (purpose != LS__DATA_TRAIN) {
    settings->x = LS__RULE_NONE;
    settings->memory = MEMORY_STREAM; /* each is read once */
  }
  LS_TRY(ls__order_init(&data->order, train->n, data->layout.x_count * sizeof(float),
                        settings->window_bytes, settings->shuffle));
out:
  ls__free(n.x);
  ls__free(n.y);
  return st;
}

/* ---- Where samples are kept ---- */

static ls_status make_raw(ls_data *data) {
  enum { RAW_BYTES = 1 << 20, MOST = 256 };
  ls_status st = LS_OK;
  data->raw_rows = RAW_BYTES / data->layout.x_bytes;
  if (data->raw_rows < 1) data->raw_rows = 1;
  if (data->raw_rows > MOST) data->raw_rows = MOST;
  if (data->layout.x_u8)
    LS_TRY(ls__alloc(&data->raw, data->raw_rows, data->layout.x_bytes, "reading rows"));
out:
  return st;
}

/* Into memory, or ready to stream.  Collective. */
static ls_status keep(ls_data *data, ls__data_purpose purpose) {
  ls_status st = LS_OK;
  ls_comm *comm = data->comm;
  double samples = 0;
  for (int p = 0; p < LS__PARTS; p++) samples += (double)data->part[p].n;
  const double bytes = samples * (double)(data->layout.x_bytes + data->layout.y_bytes);
  double stream = data->settings.memory == MEMORY_STREAM;
  if (data->settings.memory == MEMORY_AUTO) stream = bytes > 0.5 * (double)ls__memory_available();
  LS_TRY(ls__comm_max(comm, &stream, 1)); /* one node that has no room decides for all */
  st = ls__reader_init(&data->reader, &data->layout, data->source, data->n_sources);
  LS_TRY(ls_comm_agree(comm, st));
  if (stream == 0) {
    st = ls__memory_load(data);
    if (st != LS_ENOMEM || data->settings.memory == MEMORY_NODE) {
      ls__reader_reset(&data->reader);
      goto out;
    }
  }
  LS_TRY(ls__split_list(data));
  st = make_raw(data);
  if (st == LS_OK && purpose == LS__DATA_TRAIN) st = ls__stream_create(data, &data->stream);
  LS_TRY(ls_comm_agree(comm, st));
out:
  return st;
}

/* ---- Opening and closing ---- */

ls_status ls__data_open_for(ls_comm *comm, ls_config *config, ls__data_purpose purpose, size_t rows,
                            ls_data **out) {
  ls_status st = LS_OK;
  ls_data *data = NULL;
  *out = NULL;
  st = ls__alloc(&data, 1, sizeof *data, "data");
  LS_TRY(ls_comm_agree(comm, st));
  data->comm = comm;
  data->trained_rows = rows;
  st = open_local(data, config, purpose);
  LS_TRY(ls_comm_agree(comm, st));
  LS_TRY(keep(data, purpose));
  st = ls__normal_apply(data);
  LS_TRY(ls_comm_agree(comm, st));
  LS_TRY(ls__normal_measure(data));
  *out = data;
  data = NULL;
out:
  ls_data_close(data);
  return st;
}

ls_status ls_data_open(ls_comm *comm, ls_config *config, ls_data **data) {
  return ls__data_open_for(comm, config, LS__DATA_TRAIN, 0, data);
}

ls_status ls_data_from_arrays(size_t n, const ls_shape *x_shape, const float *x,
                              const ls_shape *y_shape, const float *y, ls_data **out) {
  ls_status st = LS_OK;
  ls_data *data = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&data, 1, sizeof *data, "data"));
  ls__layout *layout = &data->layout;
  data->settings.shuffle = true;
  data->settings.window_bytes = 268435456;
  data->x_shape = *x_shape;
  layout->x_count = ls_shape_count(x_shape);
  layout->x_bytes = layout->x_count * sizeof(float);
  if (y != NULL) {
    data->y_shape = *y_shape;
    layout->y_count = ls_shape_count(y_shape);
    layout->y_bytes = layout->y_count * sizeof(float);
  }
  if (n == 0 || layout->x_count == 0) LS_FAIL(LS_EDATA, "data: no samples");
  data->part[LS_TRAIN].n = n;
  const size_t x_bytes = (n * layout->x_bytes + LS__ALIGN - 1) / LS__ALIGN * LS__ALIGN;
  data->memory_bytes = x_bytes + n * layout->y_bytes;
  LS_TRY(ls__window_create(NULL, data->memory_bytes, &data->memory));
  unsigned char *memory = ls__window_memory(data->memory);
  memcpy(memory, x, n * layout->x_bytes);
  if (y != NULL) memcpy(memory + x_bytes, y, n * layout->y_bytes);
  data->x = memory;
  data->y = (const float *)(const void *)(memory + x_bytes);
  for (size_t i = 0; i < n; i++) {
    if (!ls__span()->all_finite(x + i * layout->x_count, layout->x_count))
      LS_FAIL(LS_EDATA, "data: x of sample %zu is not finite", i);
    if (y != NULL && !ls__span()->all_finite(y + i * layout->y_count, layout->y_count))
      LS_FAIL(LS_EDATA, "data: y of sample %zu is not finite", i);
  }
  LS_TRY(ls__order_init(&data->order, n, layout->x_bytes, data->settings.window_bytes, true));
  LS_TRY(ls__normal_apply(data));
  *out = data;
  data = NULL;
out:
  ls_data_close(data);
  return st;
}

void ls_data_close(ls_data *data) {
  if (data == NULL) return;
  ls__stream_destroy(data->stream);
  ls__window_destroy(data->rows);
  ls__window_destroy(data->memory);
  for (int s = 0; s < data->n_sources; s++) ls__source_reset(&data->source[s]);
  ls__h5_close(data->file);
  for (size_t i = 0; i < data->n_classes; i++) ls__free(data->classes[i]);
  ls__free(data->classes);
  ls__order_reset(&data->order);
  ls__reader_reset(&data->reader);
  ls__free(data->raw);
  ls__affine_reset(&data->normal_x);
  ls__affine_reset(&data->normal_y);
  ls__free(data->mean);
  ls__free(data->rstd);
  ls__free(data);
}

ls_shape ls_data_x_shape(const ls_data *data) {
  return data->x_shape;
}

ls_shape ls_data_y_shape(const ls_data *data) {
  return data->y_shape;
}

bool ls__data_has_targets(const ls_data *data) {
  return data->layout.y_is_x || data->layout.y_count > 0;
}

const char *const *ls_data_classes(const ls_data *data, size_t *n) {
  *n = data->n_classes;
  return data->n_classes > 0 ? (const char *const *)data->classes : NULL;
}

bool ls__data_streamed(const ls_data *data) {
  return data->memory == NULL;
}

size_t ls__data_node_bytes(const ls_data *data) {
  return data->stream != NULL ? ls__stream_bytes(data->stream) : data->memory_bytes;
}
