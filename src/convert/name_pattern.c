/* Fields in names of files (name_pattern.h). */
#include "convert/name_pattern.h"

#include <string.h>

#include "base/alloc.h"

/* What may stand between { and }. */
static bool is_name(const char *text, size_t n) {
  const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return n > 0 && strspn(text, letters) >= n;
}

ls_status ls__name_pattern_read(const char *text, const char *option, ls__name_pattern *pattern) {
  memset(pattern, 0, sizeof *pattern);
  pattern->text = text;
  for (const char *p = text; *p != '\0';) {
    ls__pattern_piece piece = {LS__PIECE_TEXT, p, 1};
    if (pattern->n == LS__PATTERN_PIECES)
      return ls__fail(LS_EUSAGE, "convert audio: --%s \"%s\" has more than %d pieces", option, text,
                      LS__PATTERN_PIECES);
    if (*p == '{') {
      const char *end = strchr(p, '}');
      piece = (ls__pattern_piece){LS__PIECE_FIELD, p + 1, end == NULL ? 0 : (size_t)(end - p) - 1};
      if (end == NULL || !is_name(p + 1, piece.size))
        return ls__fail(LS_EUSAGE,
                        "convert audio: --%s \"%s\": a field is a name in braces, as {label}",
                        option, text);
      p = end + 1;
    } else if (*p == '*' || *p == '?') {
      piece.sort = *p == '*' ? LS__PIECE_STAR : LS__PIECE_ONE;
      p++;
    } else {
      piece.size = strcspn(p, "{*?");
      p += piece.size;
    }
    for (size_t i = 0; piece.sort == LS__PIECE_FIELD && i < pattern->n; i++)
      if (pattern->piece[i].sort == LS__PIECE_FIELD && pattern->piece[i].size == piece.size &&
          memcmp(pattern->piece[i].text, piece.text, piece.size) == 0)
        return ls__fail(LS_EUSAGE, "convert audio: --%s \"%s\" has two fields {%.*s}", option, text,
                        (int)piece.size, piece.text);
    for (size_t i = 0; piece.sort == LS__PIECE_TEXT && i < piece.size; i++)
      pattern->folders += piece.text[i] == '/';
    pattern->piece[pattern->n++] = piece;
  }
  return LS_OK;
}

size_t ls__name_pattern_field(const ls__name_pattern *pattern, const char *name) {
  size_t i = 0;
  while (i < pattern->n &&
         (pattern->piece[i].sort != LS__PIECE_FIELD || strlen(name) != pattern->piece[i].size ||
          memcmp(pattern->piece[i].text, name, pattern->piece[i].size) != 0))
    i++;
  return i;
}

/* One attempt: from which pieces and characters on it has failed before, which does not depend on
 * what stood before them. */
typedef struct attempt {
  const ls__name_pattern *pattern;
  ls__pattern_match *match;
  const char *name;
  size_t size;
  unsigned char failed[LS__PATTERN_PIECES][LS__PATTERN_NAME / 8];
} attempt;

static bool from_here(attempt *a, size_t i, size_t at) {
  const ls__pattern_piece *piece = &a->pattern->piece[i];
  if (i == a->pattern->n) return at == a->size;
  if ((a->failed[i][at / 8] >> at % 8 & 1) != 0) return false;
  if (piece->sort == LS__PIECE_TEXT) {
    if (a->size - at >= piece->size && memcmp(a->name + at, piece->text, piece->size) == 0 &&
        from_here(a, i + 1, at + piece->size))
      return true;
  } else {
    const size_t least = piece->sort == LS__PIECE_STAR ? 0 : 1;
    for (size_t n = least; at + n <= a->size; n++) {
      if (n > 0 && a->name[at + n - 1] == '/') break;
      a->match->first[i] = at;
      a->match->size[i] = n;
      if (from_here(a, i + 1, at + n)) return true;
      if (piece->sort == LS__PIECE_ONE) break;
      a->match->first[i] = at;
      a->match->size[i] = n;
    }
  }
  a->failed[i][at / 8] = (unsigned char)(a->failed[i][at / 8] | 1U << at % 8);
  return false;
}

bool ls__name_pattern_match(const ls__name_pattern *pattern, const char *path,
                            ls__pattern_match *match) {
  attempt a = {.pattern = pattern, .match = match};
  const char *name = path + strlen(path), *dot = NULL;
  size_t left = pattern->folders + 1;
  while (name > path && (name[-1] != '/' || --left > 0)) {
    name--;
    if (*name == '.' && dot == NULL && left == pattern->folders + 1) dot = name;
  }
  a.name = match->name = name;
  a.size = strlen(name);
  if (a.size >= LS__PATTERN_NAME) return false;
  if (from_here(&a, 0, 0)) return true;
  if (dot == NULL) return false;
  memset(a.failed, 0, sizeof a.failed);
  a.size = (size_t)(dot - name);
  return from_here(&a, 0, 0);
}

char *ls__pattern_match_text(const ls__pattern_match *match, size_t piece) {
  char *text = ls__calloc(match->size[piece] + 1, 1);
  if (text != NULL) memcpy(text, match->name + match->first[piece], match->size[piece]);
  return text;
}
