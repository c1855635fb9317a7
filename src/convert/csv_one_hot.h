/* Inputs that are words: of a column of n different words become n elements of x, called
 * material=steel, of which the row's is 1 and the others are 0.  Words are in the order of classes:
 * numbers by size, others by bytes. */
#ifndef LS_CONVERT_CSV_ONE_HOT_H
#define LS_CONVERT_CSV_ONE_HOT_H

#include "convert/classes.h"
#include "convert/csv_target.h"

/* More different words are text, or want an embedding, unless --one-hot asks for them. */
enum { LS__CSV_FEW_WORDS = 20 };

typedef struct ls__csv_one_hot {
  bool is;           /* a column of words */
  bool asked;        /* by --one-hot */
  ls__classes words; /* of the rows that are kept; counted in the training part */
  double *share;     /* [words.n] decided: the mean of each element over the training part */
  uint64_t numbers, texts, known; /* rows whose word is a number, isn't; of the training part */
  ls__csv_place first_text;       /* of those that are no numbers */
  const char *text;               /* of the row being read; NULL: missing */
  size_t word;                    /* the same, in the second pass */
} ls__csv_one_hot;

void ls__csv_one_hot_reset(ls__csv_one_hot *h);
/* First pass, a row that is kept: h->text is a word of column i. */
LS_CHECKED ls_status ls__csv_one_hot_add(ls__csv_one_hot *h, const ls__csv *csv,
                                         const ls__csv_plan *plan, size_t i, int dates,
                                         bool training);
/* After the first pass. */
LS_CHECKED ls_status ls__csv_one_hot_decide(ls__csv_one_hot *h, const ls__csv_plan *plan, size_t i,
                                            uint64_t rows, ls__csv_notes *notes);
/* Second pass: h->word of h->text; false: it is none of them, and h->word none. */
bool ls__csv_one_hot_find(ls__csv_one_hot *h);
/* Element k of the row. */
static inline double ls__csv_one_hot_value(const ls__csv_one_hot *h, size_t k) {
  if (h->text == NULL) return h->share[k];
  return h->word == k ? 1.0 : 0.0;
}

#endif
