/* Numbers, dates and missing values as tables write them. */
#ifndef LS_CONVERT_CSV_VALUE_H
#define LS_CONVERT_CSV_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/registry.h"

/* ---- Plain numbers ---- */

/* How a plain number is written: sign, digits, point, exponent. */
typedef struct ls__csv_plain {
  double x;
  size_t before, after; /* digits before and behind the point */
  bool point, exponent;
  bool padded;  /* a whole number with a sign + or a zero in front that it doesn't need */
  bool rounded; /* a whole number that no double is */
} ls__csv_plain;
/* False: something else. */
bool ls__csv_plain_read(const char *text, size_t size, ls__csv_plain *n);
bool ls__csv_number(const char *text, size_t size, double *x);
/* Sign and at most 18 digits. */
bool ls__csv_integer(const char *text);

/* ---- Other numbers ---- */

/* The two ways to read the signs in 1.234,5: the one is the decimal sign, the other stands between
 * thousands. */
enum { LS__CSV_POINT = 1, LS__CSV_COMMA = 2 };

typedef enum ls__csv_sort {
  LS__CSV_TEXT, /* none of the others */
  LS__CSV_NUMBER,
  LS__CSV_DATE, /* seconds since 1970 */
  LS__CSV_TIME  /* seconds since midnight */
} ls__csv_sort;

/* --date: which of the three comes first.  ISO 8601 (2024-01-31) is read by all but NONE. */
typedef enum ls__csv_dates {
  LS__CSV_DATE_ISO,
  LS__CSV_DATE_DMY,
  LS__CSV_DATE_MDY,
  LS__CSV_DATE_NONE
} ls__csv_dates;

typedef struct ls__csv_reading {
  ls__csv_sort sort;
  unsigned ways;     /* in which it is a number: LS__CSV_POINT, LS__CSV_COMMA or both */
  double x[2];       /* by point, by comma */
  int unit;          /* 0: none; ls__csv_unit_name */
  bool grouped;      /* signs between thousands, in the way of each */
  bool comma;        /* it holds one */
  bool odd_exponent; /* 1.5D+03, 1.5-101 */
  bool whole;        /* no decimal sign, no exponent */
  bool rounded;      /* a whole number that no double is */
  bool zone;         /* a date with its offset from UTC */
} ls__csv_reading;

/* A field that is no plain number.  `dates` is ls__csv_dates. */
void ls__csv_read(const char *text, size_t size, int dates, ls__csv_reading *r);
ls__csv_sort ls__csv_sort_of(const char *text, size_t size, int dates); /* of any field */
const char *ls__csv_unit_name(int unit);
int ls__csv_unit_find(const char *name); /* -1: there is none */
/* Seconds since 1970, or since midnight; LS__CSV_TEXT: neither. */
ls__csv_sort ls__csv_date(const char *text, int dates, double *seconds, bool *zone);
/* Whether a text would be a date if --date said in which order. */
bool ls__csv_some_date(const char *text);

/* ---- Missing values ---- */

/* Words for "no value". */
typedef struct ls__csv_words {
  char *list;     /* what --missing-words says, cut into words */
  char **word;    /* [n] in it */
  double *number; /* [n] NaN: the word is none */
  size_t n;
  bool numbers; /* some are */
  bool usual;   /* the usual words too */
} ls__csv_words;
/* "a,b,c": these beside the usual ones; "=a,b": instead of them; NULL: the usual ones.  Zeroed
 * before. */
LS_CHECKED ls_status ls__csv_words_init(ls__csv_words *words, const char *list);
void ls__csv_words_reset(ls__csv_words *words);

typedef enum ls__csv_hole {
  LS__CSV_VALUE,
  LS__CSV_MISSING,
  LS__CSV_MAYBE /* a usual word that can also be a class: none, nil, missing, - and . */
} ls__csv_hole;
ls__csv_hole ls__csv_missing(const ls__csv_words *words, const char *text, size_t size);
/* Whether this number stands for "no value". */
bool ls__csv_missing_number(const ls__csv_words *words, double x);

#endif
