/* The options of `convert csv`. */
#include "convert/csv.h"
#include "convert/format.h"

static const char *const labels[] = {"auto", "class", "number", NULL};
const char *const ls__csv_hole_words[] = {"error", "mean", "drop", NULL};
static const char *const headers[] = {"auto", "yes", "no", NULL};
static const char *const gap_words[] = {"break", "ignore", NULL};
static const char *const decimals[] = {"auto", "point", "comma", NULL};
const char *const ls__csv_date_words[] = {"iso", "dmy", "mdy", "none", NULL};
static const char *const many_words[] = {"error", "choose", NULL};
const char *const ls__csv_encoding_words[] = {"utf-8", "latin1", "auto", NULL};

const ls__option ls__csv_option_table[] = {
    LS__FORMAT_TEXT(ls__csv_options, target, "target", "COLUMNS", "last",
                    "what to predict: names or numbers (1 is the first, -1 the last), "
                    "comma-separated, or none"),
    LS__FORMAT_TEXT(ls__csv_options, drop, "drop", "COLUMNS", "",
                    "columns to leave out, such as an id"),
    LS__FORMAT_TEXT(ls__csv_options, category, "category", "COLUMNS", "",
                    "columns that say which of several things it is (a user, a city): each becomes "
                    "a dataset of whole numbers from 0 on, for an embedding"),
    LS__FORMAT_TEXT(ls__csv_options, one_hot, "one-hot", "COLUMNS", "",
                    "columns of which each value becomes an input of its own, 0 or 1; of texts "
                    "with "
                    "at most 20 different values that is so by itself"),
    LS__CHOICE(ls__csv_options, words, "error", many_words,
               "what to do where texts have more than 20 different values: refuse them, or choose: "
               "a category where each comes 5 times on average, else left out, as are ids (init "
               "chooses)"),
    LS__FORMAT_TEXT(ls__csv_options, date_parts, "date-parts", "COLUMNS", "",
                    "dates and times that become, beside the seconds, year, and month, weekday and "
                    "hour as sine and cosine"),
    LS__FORMAT_TEXT(ls__csv_options, weight, "weight", "COLUMN", "",
                    "how much a row counts: becomes the dataset weight, for data.sample_weight"),
    LS__FORMAT_TEXT(ls__csv_options, group, "group", "COLUMN", "",
                    "which rows belong together (a patient, a run): becomes the dataset group, and "
                    "--validation and --test take whole groups"),
    LS__FORMAT_TEXT(ls__csv_options, time, "time", "COLUMN", "",
                    "when a row was: rows are put in the order of time, the targets are inputs, "
                    "too, "
                    "and what is made is read with data.time, as windows with what comes after "
                    "them"),
    LS__FORMAT_TEXT(ls__csv_options, series, "series", "COLUMN", "",
                    "with --time: which of several series a row is of (a station, a patient); "
                    "--validation and --test take whole ones"),
    LS__CHOICE(ls__csv_options, gaps, "break", gap_words,
               "what to do where times are missing (more than 1.5 of the usual step): a new "
               "stretch "
               "begins, which no window reaches into from before, or they are ignored"),
    LS__FORMAT_TEXT(ls__csv_options, targets_from, "targets-from", "FILE", "",
                    "a second table that the targets are in: all its columns, or those that "
                    "--target "
                    "names; row by row, unless --by"),
    LS__FORMAT_TEXT(ls__csv_options, by, "by", "COLUMN", "",
                    "the column of both tables by which their rows are joined"),
    LS__FORMAT_TEXT(ls__csv_options, file_column, "file-column", "NAME", "",
                    "add a column of this name with the path of each row's file, for --group, "
                    "--category or --target"),
    LS__CHOICE(ls__csv_options, label, "auto", labels,
               "how to read the target; auto: text and few different whole numbers are classes"),
    LS__CHOICE(ls__csv_options, missing, "error", ls__csv_hole_words,
               "what to do where a value is missing: refuse it, take the mean of its column, drop "
               "its row"),
    LS__FORMAT_TEXT(ls__csv_options, missing_words, "missing-words", "LIST", "",
                    "words for a missing value beside the usual ones (nothing, NA, NaN, null, "
                    "none, ?, ...), comma-separated, such as -999; =LIST: instead of them"),
    LS__FORMAT_TEXT(ls__csv_options, delimiter, "delimiter", "NAME", "auto",
                    "what separates fields: comma, semicolon, tab, space, or the sign itself; "
                    "auto: what fits the first lines"),
    LS__CHOICE(ls__csv_options, header, "auto", headers, "whether the first line holds names"),
    {"skip-lines", LS__OPTION_WHOLE, offsetof(ls__csv_options, skip_lines), "0", 0, 1e9, NULL, NULL,
     "lines above the table to leave out"},
    LS__FORMAT_TEXT(ls__csv_options, comment, "comment", "SIGN", "",
                    "lines that begin with it are left out, anywhere"),
    LS__CHOICE(ls__csv_options, decimal, "auto", decimals,
               "the decimal sign; auto: what fits all values of a column"),
    LS__CHOICE(ls__csv_options, date, "iso", ls__csv_date_words,
               "dates as seconds since 1970; iso: 2024-01-31 and 2024-01-31T12:30:00Z; dmy, mdy: "
               "also 31/01/2024, 01/31/2024; none: dates are text"),
    LS__CHOICE(ls__csv_options, encoding, "utf-8", ls__csv_encoding_words,
               "of the text; auto: Latin-1 (Windows-1252) where it is no UTF-8"),
    LS__FORMAT_TEXT(ls__csv_options, test_source, "test-source", "FILE", "",
                    "a file of the same columns that becomes the test part"),
    LS__END,
};
