/* The reference as a page of Markdown. */
#include <string.h>

#include "base/text.h"
#include "config/reference.h"

/* Text of a table's cell: no line breaks, and a bar ends no cell. */
static void cell(FILE *out, const char *text) {
  for (; text != NULL && *text != '\0'; text++) {
    if (*text == '|') fputc('\\', out);
    fputc(*text == '\n' ? ' ' : *text, out);
  }
}

/* Code, unless it is words: "`0.1`", but "by loss". */
static void fallback_cell(FILE *out, const char *fallback) {
  bool words = fallback != NULL && strchr(fallback, ' ') != NULL &&
               strpbrk(fallback, "[{'\"") == NULL;
  if (fallback == NULL) {
    fputs("*required*", out);
  } else if (*fallback == '\0') {
    fputs("—", out);
  } else {
    fputs(words ? "" : "`", out);
    cell(out, fallback);
    fputs(words ? "" : "`", out);
  }
}

static void option_rows(FILE *out, const ls__option *table, const char *where, const char *before) {
  char form[LS__FORM_BYTES];
  for (const ls__option *o = table; o != NULL && o->key != NULL; o++) {
    fprintf(out, "| %s`%s%s%s` | ", before, where, *where != '\0' ? "." : "", o->key);
    cell(out, ls__option_form(o, form));
    fputs(" | ", out);
    fallback_cell(out, o->fallback);
    fputs(" | ", out);
    cell(out, o->what);
    fputs(o->what != NULL && *o->what != '\0' ? " |\n" : "|\n", out);
  }
}

static void kind_rows(FILE *out, const ls__registry *registry) {
  const ls__kind *kind = NULL;
  for (size_t i = 0; (kind = ls__registry_at(registry, i)) != NULL; i++) {
    if (kind->options == NULL) continue;
    fprintf(out, "| `%s` | | | ", kind->name);
    cell(out, kind->what);
    fputs(" |\n", out);
    option_rows(out, kind->options, kind->name, "");
  }
  option_rows(out, registry->common, "", "each: ");
}

static void kinds_without_options(FILE *out, const ls__registry *registry) {
  const ls__kind *kind = NULL;
  bool any = false;
  for (size_t i = 0; (kind = ls__registry_at(registry, i)) != NULL; i++) {
    if (kind->options != NULL) continue;
    if (!any)
      fprintf(out, "\nWithout options%s:\n\n", registry->common != NULL ? " of their own" : "");
    fprintf(out, "- `%s`%s%s\n", kind->name, kind->what != NULL ? ": " : "",
            kind->what != NULL ? kind->what : "");
    any = true;
  }
}

static void section(const ls__section *const *rooms, FILE *out, const ls__section *s) {
  const ls__kind *kind = NULL;
  bool rows = s->options != NULL || (s->registry != NULL && s->registry->common != NULL);
  fprintf(out, "\n%s %s\n", ls__reference_nested(rooms, s) ? "###" : "##",
          *s->path != '\0' ? s->path : "Top level");
  if (s->what != NULL && *s->what != '\0') {
    fputc('\n', out);
    ls__text_paragraph(out, 0, s->what);
  }
  for (size_t i = 0; s->registry != NULL && (kind = ls__registry_at(s->registry, i)) != NULL; i++)
    rows = rows || kind->options != NULL;
  if (rows) fputs("\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n", out);
  option_rows(out, s->options, s->path, "");
  if (s->registry == NULL) return;
  kind_rows(out, s->registry);
  kinds_without_options(out, s->registry);
}

/* What is true of every key; it is read by load.c, override.c and registry.c. */
static const char *const opening[] = {
    "This page is what `lockstep help --markdown` prints.  `lockstep help KEY` tells of one key in "
    "the terminal, with its range and an example: `lockstep help adam`, `lockstep help "
    "train.lanes`.",
    "A run has one YAML file.  `base: OTHER.yaml` takes the settings of another file first; its "
    "path is relative to the file that says so.  Maps are merged key by key, anything else is "
    "replaced: lists, and an optimizer, loss, schedule or compression by another one (`{adam: "
    "{lr: 0.01}}` over `{sgd: {lr: 0.1}}`).  `KEY: null` takes back what a base has set.",
    "`KEY=VALUE` on the command line overrides a setting by its dotted path: `train.epochs=30`, "
    "`'optimizer={sgd: {lr: 0.1}}'`.  Lists are counted from 0: `model.0.dense.units=64`.  "
    "`KEY=null` removes a key.  A text is taken as it stands, line breaks and all.",
    "`output` may name settings: `output=runs/{name}-{train.batch}` is `runs/digits-64` for "
    "`digits.yaml`, and `{overrides}` are those of the command line, "
    "`train.batch=64,train.seed=2`. "
    "What can't stand in the name of a folder becomes `_`; `{{` is `{`.  So a sweep is a file with "
    "a line of settings for each run, and `xargs -L 1 lockstep train digits.yaml "
    "'output=runs/{name}-sweep/{overrides}' < sweep.txt`.",
    "An unknown key, a wrong type or an impossible value is an error that names file, line and "
    "key, and what may have been meant.  The run directory's `config.yaml` holds all settings, "
    "with the defaults filled in.",
    "What has a name and options is written `adam` or `{adam: {lr: 0.01}}`.  In the tables a "
    "default of — means: not set.  Rows that begin with each: are options of all names of their "
    "table.  Networks of blocks, with several inputs and several outputs have a page of examples, "
    "[src/train](../train/README.md); lanes, exchange and compression are explained in "
    "[src/comm](../comm/README.md).",
};

void ls__reference_markdown(const ls__section *const *rooms, FILE *out) {
  const ls__section *s = NULL;
  fputs("# Configuration\n", out);
  for (size_t i = 0; i < sizeof opening / sizeof *opening; i++) {
    fputc('\n', out);
    ls__text_paragraph(out, 0, opening[i]);
  }
  for (size_t i = 0; (s = ls__reference_section(rooms, i)) != NULL; i++) section(rooms, out, s);
}
