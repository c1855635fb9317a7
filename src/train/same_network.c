/* Rank 0 reads a network, and all get it from there (same_network.h). */
#include "train/same_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"

/* ---- A parcel: everything of a network but its parameters, byte after byte ---- */

/* The same functions pack it and unpack it, so that both agree on what is in it. */
typedef struct parcel {
  unsigned char *bytes; /* [used] packed, or that many unpacked; owned */
  size_t used, room;
  bool packs;
} parcel;

static ls_status carry(parcel *p, void *x, size_t n) {
  ls_status st = LS_OK;
  if (p->packs) LS_TRY(ls__grow(&p->bytes, &p->room, p->used + n, 1, "a network"));
  if (n == 0) goto out;
  LS_ASSERT(p->used + n <= p->room);
  if (p->packs)
    memcpy(p->bytes + p->used, x, n);
  else
    memcpy(x, p->bytes + p->used, n);
  p->used += n;
out:
  return st;
}

/* *x [n], allocated where it is unpacked. */
static ls_status carry_array(parcel *p, void *x, size_t n, size_t size) {
  ls_status st = LS_OK;
  void **array = x;
  if (!p->packs) LS_TRY(ls__alloc(array, n, size, "a network"));
  LS_TRY(carry(p, *array, n * size));
out:
  return st;
}

static ls_status carry_text(parcel *p, char **text) {
  ls_status st = LS_OK;
  size_t bytes = p->packs ? strlen(*text) + 1 : 0;
  LS_TRY(carry(p, &bytes, sizeof bytes));
  LS_TRY(carry_array(p, text, bytes, 1));
out:
  return st;
}

static ls_status carry_names(parcel *p, ls__class_names *names) {
  ls_status st = LS_OK;
  size_t n = names->n;
  LS_TRY(carry(p, &n, sizeof n));
  if (!p->packs && n > 0) LS_TRY(ls__alloc(&names->name, n, sizeof *names->name, "names"));
  for (size_t i = 0; i < n; i++) {
    if (!p->packs) names->n = i + 1; /* those below are NULL: they can be freed */
    LS_TRY(carry_text(p, &names->name[i]));
  }
out:
  return st;
}

static ls_status carry_affine(parcel *p, ls__affine *affine) {
  ls_status st = LS_OK;
  bool rest = affine->rest != NULL;
  LS_TRY(carry(p, &affine->n, sizeof affine->n));
  LS_TRY(carry(p, &rest, sizeof rest));
  if (affine->n == 0) goto out;
  LS_TRY(carry_array(p, &affine->mean, affine->n, sizeof *affine->mean));
  LS_TRY(carry_array(p, &affine->rstd, affine->n, sizeof *affine->rstd));
  if (rest) LS_TRY(carry_array(p, &affine->rest, affine->n, sizeof *affine->rest));
out:
  return st;
}

/* What the network is made of. */
static ls_status carry_plan(parcel *p, char **config, ls_port inputs[LS_MAX_PORTS], size_t *n) {
  ls_status st = LS_OK;
  LS_TRY(carry_text(p, config));
  LS_TRY(carry(p, n, sizeof *n));
  LS_TRY(carry(p, inputs, *n * sizeof *inputs));
out:
  return st;
}

/* What a checkpoint has besides. */
static ls_status carry_rest(parcel *p, ls_model *model) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < LS_MAX_PORTS; i++) {
    LS_TRY(carry_affine(p, &model->input[i]));
    LS_TRY(carry_affine(p, &model->output[i]));
    LS_TRY(carry_names(p, &model->classes[i]));
    LS_TRY(carry_names(p, &model->input_classes[i]));
    LS_TRY(carry_names(p, &model->input_columns[i]));
    LS_TRY(carry_names(p, &model->output_columns[i]));
  }
  LS_TRY(carry_names(p, &model->recipe));
  LS_TRY(carry_names(p, &model->vocabulary));
  LS_TRY(carry(p, &model->at, sizeof model->at));
  LS_TRY(carry(p, &model->train_rows, sizeof model->train_rows));
  LS_TRY(carry(p, &model->drawn, sizeof model->drawn));
  LS_TRY(carry(p, &model->origin, sizeof model->origin));
out:
  return st;
}

static ls_status pack(ls_model *model, parcel *p) {
  ls_status st = LS_OK;
  char *config = NULL;
  ls_port inputs[LS_MAX_PORTS];
  size_t n = ls_model_inputs(model);
  memset(inputs, 0, sizeof inputs);
  for (size_t i = 0; i < n; i++) { /* its type follows from its layers */
    const ls_port input = ls_model_input(model, i);
    memcpy(inputs[i].name, input.name, sizeof input.name);
    inputs[i].shape = input.shape;
  }
  LS_TRY(ls_config_write(model->config, &config));
  LS_TRY(carry_plan(p, &config, inputs, &n));
  LS_TRY(carry_rest(p, model));
out:
  free(config);
  return st;
}

/* Its parameters are still zero. */
static ls_status unpack(parcel *p, const char *path, ls_model **model) {
  ls_status st = LS_OK;
  char *text = NULL;
  ls_config *config = NULL;
  ls_port inputs[LS_MAX_PORTS];
  size_t n = 0;
  LS_TRY(carry_plan(p, &text, inputs, &n));
  LS_TRY(ls_config_parse(text, path, &config));
  LS_TRY(ls__model_empty(config, (int)n, inputs, model));
  LS_TRY(carry_rest(p, *model));
out:
  ls_config_destroy(config);
  ls__free(text);
  return st;
}

/* ---- Sending it ---- */

ls_status ls__same_network(ls_comm *comm, const char *checkpoint, char choice[LS__CHOICE_BYTES],
                           ls_model **model) {
  ls_status st = LS_OK, local = LS_OK;
  const bool root = ls_comm_rank(comm) == 0;
  parcel p = {.packs = root};
  *model = NULL;
  if (root) local = ls__checkpoint_choose(checkpoint, choice, model);
  if (ls_comm_size(comm) == 1) return local;
  if (root) LS_THEN(local, pack(*model, &p));
  LS_TRY(ls_comm_agree(comm, local));
  uint64_t bytes = p.used;
  LS_TRY(ls__comm_bcast(comm, &bytes, sizeof bytes));
  if (!root) local = ls__alloc(&p.bytes, (size_t)bytes, 1, "a network");
  p.room = root ? p.room : (size_t)bytes;
  LS_TRY(ls_comm_agree(comm, local));
  LS_TRY(ls__comm_bcast(comm, p.bytes, (size_t)bytes));
  if (!root) local = unpack(&p, checkpoint, model);
  LS_TRY(ls_comm_agree(comm, local));
  LS_TRY(ls__comm_bcast(comm, (*model)->parameters, (*model)->graph->arena * sizeof(float)));
out:
  ls__free(p.bytes);
  if (st != LS_OK) {
    ls_model_destroy(*model);
    *model = NULL;
  }
  return st;
}
