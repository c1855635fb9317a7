/* A completion for bash.  The script is the same for every program but for its tables, which are
 * written here: commands, their options, what values and arguments may be, and the keys of a
 * configuration.  In the tables @files means names of files, @settings KEY=VALUE, @help the topics
 * of help, @nothing a value that can't be listed. */
#include <lockstep/help.h>
#include <string.h>

#include "cli.h"

static void put_choices(const char *const *choices, FILE *out) {
  for (size_t i = 0; choices[i] != NULL; i++) fprintf(out, "%s%s", i > 0 ? " " : "", choices[i]);
}

/* ---- Commands ---- */

typedef void put_command(const command *of, const char *name, FILE *out);

static void each_command(const command *const *commands, const char *before, put_command *put,
                         FILE *out) {
  for (; *commands != NULL; commands++) {
    char name[CLI_NAME];
    cli_name(*commands, before, name);
    put(*commands, name, out);
    if ((*commands)->commands != NULL) each_command((*commands)->commands, name, put, out);
  }
}

static void put_names(const command *const *commands, FILE *out) {
  for (size_t i = 0; commands[i] != NULL; i++)
    fprintf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
}

static bool is_option(const cli_option *o) {
  return o->type != CLI_IS_HEADING && o->type != CLI_IS_TERM;
}

static void put_words(const command *of, const char *name, FILE *out) {
  static const char *const what[] = {"@nothing", "@files", "@settings", "@help"};
  bool many = false;
  fprintf(out, "    '%s')\n      options='", name);
  for (const cli_option *o = of->options; o != NULL && o->type != CLI_IS_END; o++)
    if (is_option(o)) fprintf(out, "--%s ", o->name);
  fputs("--help'\n      arguments=(", out);
  if (of->commands != NULL) {
    fputc('\'', out);
    put_names(of->commands, out);
    fputc('\'', out);
  }
  for (const cli_argument *a = of->arguments; a != NULL && a->name != NULL; a++) {
    fputs(a > of->arguments ? " '" : "'", out);
    if (a->choices != NULL)
      put_choices(a->choices, out);
    else
      fputs(what[a->completion], out);
    fputc('\'', out);
    many = a->many;
  }
  fprintf(out, ")\n      many='%s'\n      ;;\n", many ? "yes" : "");
}

static void put_values(const command *of, const char *name, FILE *out) {
  for (const cli_option *o = of->options; o != NULL && o->type != CLI_IS_END; o++) {
    if (!is_option(o) || o->type == CLI_IS_FLAG) continue;
    fprintf(out, "    '%s --%s'", name, o->name);
    if (o->letter != 0) fprintf(out, " | '%s -%c'", name, o->letter);
    fputs(") words='", out);
    if (o->choices != NULL)
      put_choices(o->choices, out);
    else
      fputs(o->type == CLI_IS_FILE ? "@files" : "@nothing", out);
    fputs("' ;;\n", out);
  }
}

/* ---- Keys ---- */

/* A word of a list that is wrapped. */
static void put_word(const char *word, size_t *column, FILE *out) {
  size_t n = strlen(word);
  if (*column + n + 1 > 100) {
    fputs("\n     ", out);
    *column = 5;
  }
  fprintf(out, " %s", word);
  *column += n + 1;
}

typedef struct list {
  FILE *out;
  size_t column;
} list;

static bool is_setting(const ls_help_entry *e) {
  return e->assignable &&
         (e->is == LS_HELP_OPTION || (e->is == LS_HELP_SECTION && e->choices != NULL));
}

static ls_status put_setting(const ls_help_entry *e, void *context) {
  list *l = context;
  if (is_setting(e)) put_word(e->key, &l->column, l->out);
  return LS_OK;
}

static ls_status put_help_key(const ls_help_entry *e, void *context) {
  list *l = context;
  const char *last = strrchr(e->key, '.');
  if (strchr(e->key, '*') != NULL) return LS_OK;
  put_word(e->key, &l->column, l->out);
  if (e->is == LS_HELP_KIND && last != NULL) put_word(last + 1, &l->column, l->out);
  return LS_OK;
}

static ls_status put_setting_values(const ls_help_entry *e, void *context) {
  FILE *out = context;
  if (!is_setting(e) || e->choices == NULL || strncmp(e->type, "list", 4) == 0) return LS_OK;
  fprintf(out, "      '%s') words='", e->key);
  put_choices(e->choices, out);
  fputs("' ;;\n", out);
  return LS_OK;
}

/* ---- The script ---- */

/* clang-format off */
static const char beginning[] =
    "_lockstep() {\n"
    "  local given=() glue='' i cur='' prev='' command='' options='' arguments=() many='' words='' n=0\n"
    "  local before='' settings help_keys\n"
    "  COMPREPLY=()\n"
    "  # bash cuts words at \"=\": put them together again\n"
    "  for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "    if ((${#given[@]} > 0)) && [[ $glue || ${COMP_WORDS[i]} == '=' ]]; then\n"
    "      given[${#given[@]} - 1]+=${COMP_WORDS[i]}\n"
    "    else\n"
    "      given+=(\"${COMP_WORDS[i]}\")\n"
    "    fi\n"
    "    [[ ${COMP_WORDS[i]} == '=' ]] && glue=yes || glue=''\n"
    "  done\n"
    "  ((${#given[@]} > 0)) && cur=${given[${#given[@]} - 1]}\n"
    "  ((${#given[@]} > 1)) && prev=${given[${#given[@]} - 2]}\n"
    "  for ((i = 0; i + 1 < ${#given[@]}; i++)); do\n"
    "    case \"$command ${given[i]}\" in\n";

static const char middle[] =
    "      *) break ;;\n"
    "    esac\n"
    "    command+=${command:+ }${given[i]}\n"
    "  done\n"
    "  if [[ $cur == --*=* ]]; then # --name=value\n"
    "    prev=${cur%%=*}\n"
    "    cur=${cur#*=}\n"
    "    [[ $COMP_WORDBREAKS == *=* ]] || before=$prev=\n"
    "  fi\n";

static const char choosing[] =
    "  if _lockstep_value \"$command $prev\"; then\n"
    "    :\n"
    "  elif [[ $cur == -* ]]; then\n"
    "    words=$options\n"
    "  else # an argument: how many are before it?\n"
    "    for (( ; i + 1 < ${#given[@]}; i++)); do\n"
    "      if _lockstep_value \"$command ${given[i]}\"; then\n"
    "        i=$((i + 1))\n"
    "      elif [[ ${given[i]} != -* ]]; then\n"
    "        n=$((n + 1))\n"
    "      fi\n"
    "    done\n"
    "    [[ $many ]] && ((n >= ${#arguments[@]})) && n=$((${#arguments[@]} - 1))\n"
    "    words=${arguments[n]:-@nothing}\n"
    "  fi\n"
    "  if [[ $words == @settings && $cur == *=* ]]; then # key=value\n"
    "    [[ $COMP_WORDBREAKS == *=* ]] || before=${cur%%=*}=\n"
    "    case ${cur%%=*} in\n";

static const char ending[] =
    "      *) words=@files ;;\n"
    "    esac\n"
    "    cur=${cur#*=}\n"
    "  fi\n"
    "  case $words in\n"
    "    @files) [[ $before ]] && COMPREPLY=($(compgen -P \"$before\" -f -- \"$cur\")) ;; # else readline's own\n"
    "    @nothing) compopt +o default 2>/dev/null ;;\n"
    "    @settings)\n"
    "      compopt -o nospace 2>/dev/null\n"
    "      COMPREPLY=($(compgen -S = -W \"$settings\" -- \"$cur\"))\n"
    "      ;;\n"
    "    @help) COMPREPLY=($(compgen -W \"$help_keys\" -- \"$cur\")) ;;\n"
    "    *) COMPREPLY=($(compgen -P \"$before\" -W \"$words\" -- \"$cur\")) ;;\n"
    "  esac\n"
    "  return 0\n"
    "}\n"
    "complete -o default -F _lockstep lockstep\n";
/* clang-format on */

static void put_path(const command *of, const char *name, FILE *out) {
  const char *gap = strrchr(name, ' ');
  if (gap != NULL)
    fprintf(out, "      '%.*s %s') ;;\n", (int)(gap - name), name, of->name);
  else
    fprintf(out, "      ' %s') ;;\n", of->name);
}

ls_status cli_print_completion(FILE *out) {
  list settings = {out, 12}, keys = {out, 13};
  fputs("# bash completion of lockstep, made by: lockstep help --completion\n"
        "\n"
        "# What the value of the option \"COMMAND --NAME\" may be, into words; fails when it has "
        "none.\n"
        "_lockstep_value() {\n"
        "  case $1 in\n",
        out);
  each_command(cli_commands, "", put_values, out);
  fputs("    *) return 1 ;;\n  esac\n}\n\n", out);
  fputs(beginning, out);
  each_command(cli_commands, "", put_path, out);
  fputs(middle, out);
  fputs("  settings='", out);
  ls_status st = ls_help_each(put_setting, &settings);
  fputs("'\n  help_keys='", out);
  for (const command *const *c = cli_commands; *c != NULL; c++)
    put_word((*c)->name, &keys.column, out);
  if (st == LS_OK) st = ls_help_each(put_help_key, &keys);
  fputs("'\n  case $command in\n    '')\n      options='--help --version'\n      arguments=('",
        out);
  put_names(cli_commands, out);
  fputs("')\n      ;;\n", out);
  each_command(cli_commands, "", put_words, out);
  fputs("  esac\n", out);
  fputs(choosing, out);
  if (st == LS_OK) st = ls_help_each(put_setting_values, out);
  fputs(ending, out);
  return st;
}
