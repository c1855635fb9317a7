/* Numbers that are not plain: decimal commas, signs between thousands, exponents of Fortran,
 * currencies and units. */
#include <string.h>

#include "convert/csv_value.h"

/* Units, by number; the first of a pair of spellings names both.  Currencies may stand in front. */
typedef struct unit {
  const char *text;
  bool money;
} unit;
static const unit units[] =
    {{"", false},      {"$", true},      {"€", true},      {"£", true},     {"¥", true},
     {"₹", true},      {"₽", true},    {"₩", true},      {"₺", true},     {"₪", true},
     {"R$", true},     {"US$", true},    {"USD", true},    {"EUR", true},   {"GBP", true},
     {"JPY", true},    {"CHF", true},    {"CNY", true},    {"INR", true},   {"CAD", true},
     {"AUD", true},    {"SEK", true},    {"NOK", true},    {"DKK", true},   {"PLN", true},
     {"BRL", true},    {"RUB", true},    {"kr", true},     {"zł", true},    {"%", false},
     {"‰", false},     {"°", false},     {"°C", false},    {"°F", false},   {"K", false},
     {"C", false},     {"F", false},     {"m", false},     {"mm", false},   {"cm", false},
     {"dm", false},    {"km", false},    {"µm", false},    {"μm", false},   {"um", false},
     {"nm", false},    {"in", false},    {"ft", false},    {"yd", false},   {"mi", false},
     {"miles", false}, {"g", false},     {"kg", false},    {"mg", false},   {"µg", false},
     {"μg", false},    {"ug", false},    {"t", false},     {"lb", false},   {"lbs", false},
     {"oz", false},    {"s", false},     {"sec", false},   {"ms", false},   {"us", false},
     {"µs", false},    {"μs", false},    {"ns", false},    {"min", false},  {"h", false},
     {"hr", false},    {"hrs", false},   {"hours", false}, {"days", false}, {"years", false},
     {"yrs", false},   {"Hz", false},    {"kHz", false},   {"MHz", false},  {"GHz", false},
     {"N", false},     {"kN", false},    {"Pa", false},    {"hPa", false},  {"kPa", false},
     {"MPa", false},   {"GPa", false},   {"bar", false},   {"mbar", false}, {"atm", false},
     {"psi", false},   {"J", false},     {"kJ", false},    {"MJ", false},   {"eV", false},
     {"keV", false},   {"MeV", false},   {"GeV", false},   {"cal", false},  {"kcal", false},
     {"W", false},     {"kW", false},    {"MW", false},    {"kWh", false},  {"V", false},
     {"mV", false},    {"kV", false},    {"A", false},     {"mA", false},   {"l", false},
     {"L", false},     {"ml", false},    {"mL", false},    {"m2", false},   {"m²", false},
     {"m^2", false},   {"m3", false},    {"m³", false},    {"m^3", false},  {"cm2", false},
     {"cm²", false},   {"cm3", false},   {"cm³", false},   {"km2", false},  {"km²", false},
     {"ha", false},    {"m/s", false},   {"km/h", false},  {"mph", false},  {"rpm", false},
     {"mol", false},   {"mmol", false},  {"ppm", false},   {"ppb", false},  {"dB", false},
     {"px", false},    {"kB", false},    {"MB", false},    {"GB", false},   {"kg/m3", false},
     {"kg/m³", false}, {"g/cm3", false}, {"g/cm³", false}, {"mg/L", false}, {"mg/dL", false},
     {"W/m2", false},  {"W/m²", false},  {"TB", false}};

const char *ls__csv_unit_name(int number) {
  return units[number].text;
}

int ls__csv_unit_find(const char *name) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(name, units[i].text) == 0) return (int)i;
  return -1;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Bytes of a space at p: plain, no-break, thin, narrow no-break, figure. */
static size_t space_at(const char *p) {
  if (*p == ' ') return 1;
  if (memcmp(p, "\xC2\xA0", 2) == 0) return 2;
  if (strncmp(p, "\xE2\x80\x89", 3) == 0 || strncmp(p, "\xE2\x80\xAF", 3) == 0 ||
      strncmp(p, "\xE2\x80\x87", 3) == 0)
    return 3;
  return 0;
}

static const char *skip_spaces(const char *p) {
  for (size_t n; (n = *p == '\0' ? 0 : space_at(p)) > 0;) p += n;
  return p;
}

/* The unit that text is, whole; 0: none. */
static int unit_of(const char *text) {
  for (size_t i = 1; i < sizeof units / sizeof *units; i++)
    if (strcmp(text, units[i].text) == 0) return (int)i;
  return 0;
}

/* The currency that text begins with, the longest. */
static int money_at(const char *text, size_t *size) {
  int found = 0;
  *size = 0;
  for (size_t i = 1; i < sizeof units / sizeof *units; i++) {
    const size_t n = strlen(units[i].text);
    if (!units[i].money || n <= *size || strncmp(text, units[i].text, n) != 0) continue;
    found = (int)i;
    *size = n;
  }
  return found;
}

static bool take_sign(const char **p, bool *negative) {
  if (**p == '-' || **p == '+') {
    *negative = **p == '-';
    ++*p;
    return true;
  }
  if (strncmp(*p, "\xE2\x88\x92", 3) != 0) return false; /* U+2212 */
  *negative = true;
  *p += 3;
  return true;
}

/* Digits with signs between them. */
enum { DIGITS = 40, SIGNS = 12 };
typedef struct numeral {
  char digit[DIGITS];
  size_t n;
  char sign[SIGNS]; /* . , ' and s for spaces */
  size_t at[SIGNS]; /* digits before it */
  size_t signs;
} numeral;

static bool take_numeral(const char **p, numeral *a) {
  a->n = a->signs = 0;
  for (;;) {
    const size_t space = **p == '\0' ? 0 : space_at(*p);
    if (is_digit(**p)) {
      if (a->n == DIGITS) return false;
      a->digit[a->n++] = *(*p)++;
    } else if (**p == '.' || **p == ',' || (**p == '\'' && is_digit((*p)[1])) ||
               (space > 0 && a->n > 0 && is_digit((*p)[space]))) {
      if (a->signs == SIGNS) return false;
      a->sign[a->signs] = space > 0 ? 's' : **p;
      a->at[a->signs++] = a->n;
      *p += space > 0 ? space : 1;
    } else {
      return a->n > 0;
    }
  }
}

/* Is it a number where `decimal` is the decimal sign and `group` may stand between thousands?
 * *after: digits behind the decimal sign. */
static bool fits(const numeral *a, char decimal, char group, size_t *after, bool *grouped) {
  size_t groups = a->signs;
  *after = 0;
  *grouped = false;
  if (groups > 0 && a->sign[groups - 1] == decimal) *after = a->n - a->at[--groups];
  for (size_t i = 0; i < groups; i++) {
    const size_t next = i + 1 < groups ? a->at[i + 1] : a->n - *after;
    if (a->sign[i] != group && a->sign[i] != '\'' && a->sign[i] != 's') return false;
    if (a->sign[i] != a->sign[0] || next - a->at[i] != 3) return false;
  }
  if (groups == 0) return true;
  *grouped = true;
  return a->at[0] >= 1 && a->at[0] <= 3 && a->digit[0] != '0';
}

/* Its exponent: e3, E+03, d3, D+03 as digits of one; or +103, as Fortran writes three digits. */
static bool take_exponent(const char **p, const numeral *a, int *exponent, bool *odd) {
  const char *q = *p;
  const bool point = a->signs > 0 && a->sign[a->signs - 1] != 's';
  bool down = false, letter = false;
  *exponent = 0;
  *odd = false;
  if (*q == 'e' || *q == 'E' || *q == 'd' || *q == 'D') {
    letter = true;
    *odd = *q == 'd' || *q == 'D';
    q++;
  }
  const bool sign = *q == '-' || *q == '+';
  if (sign) down = *q++ == '-';
  const size_t digits = strspn(q, "0123456789");
  if (digits == 0 || digits > 5 || (!letter && (!sign || digits != 3 || !point)) ||
      (*odd && !point && !sign)) {
    *odd = false;
    return false;
  }
  if (!letter) *odd = true;
  for (size_t i = 0; i < digits; i++) *exponent = 10 * *exponent + (q[i] - '0');
  if (down) *exponent = -*exponent;
  *p = q + digits;
  return true;
}

static double value_of(const numeral *a, size_t after, int exponent, bool negative, bool *rounded) {
  char text[DIGITS + 24];
  ls__csv_plain n;
  const int bytes = snprintf(text, sizeof text, "%s%.*s%s%.*s", negative ? "-" : "",
                             (int)(a->n - after), a->digit, after > 0 ? "." : "", (int)after,
                             a->digit + a->n - after);
  size_t size = bytes > 0 ? (size_t)bytes : 0;
  if (exponent != 0) size += (size_t)snprintf(text + size, sizeof text - size, "e%d", exponent);
  if (!ls__csv_plain_read(text, size, &n)) return 0.0; /* not met: it has digits */
  *rounded = n.rounded;
  return n.x;
}

void ls__csv_read(const char *text, size_t size, int dates, ls__csv_reading *r) {
  static const char decimal[2] = {'.', ','};
  const char *p = text;
  numeral a;
  bool negative = false;
  int exponent;
  size_t bytes = 0;
  memset(r, 0, sizeof *r);
  if (size == 0 || size > 60 || strlen(text) != size) return;
  r->sort = ls__csv_date(text, dates, &r->x[0], &r->zone);
  if (r->sort != LS__CSV_TEXT) {
    r->x[1] = r->x[0];
    r->ways = LS__CSV_POINT | LS__CSV_COMMA;
    return;
  }
  const bool sign = take_sign(&p, &negative);
  r->unit = money_at(p, &bytes);
  p = skip_spaces(p + bytes);
  if (!sign) (void)take_sign(&p, &negative);
  if (!take_numeral(&p, &a)) return;
  const bool has_exponent = take_exponent(&p, &a, &exponent, &r->odd_exponent);
  p = skip_spaces(p);
  if (*p != '\0') {
    const int behind = unit_of(p);
    if (behind == 0 || r->unit != 0) return;
    r->unit = behind;
  }
  r->whole = !has_exponent;
  for (size_t i = 0; i < a.signs; i++) r->comma = r->comma || a.sign[i] == ',';
  for (int way = 0; way < 2; way++) {
    size_t after;
    bool grouped, rounded = false;
    if (!fits(&a, decimal[way], decimal[1 - way], &after, &grouped)) continue;
    r->ways |= 1U << way;
    r->x[way] = value_of(&a, after, exponent, negative, &rounded);
    r->grouped = r->grouped || grouped;
    r->rounded = r->rounded || rounded;
    r->whole = r->whole && (a.signs == 0 || a.sign[a.signs - 1] != decimal[way]);
  }
  if (r->ways == 0) return;
  if (r->ways == LS__CSV_POINT) r->x[1] = r->x[0];
  if (r->ways == LS__CSV_COMMA) r->x[0] = r->x[1];
  r->sort = LS__CSV_NUMBER;
}

ls__csv_sort ls__csv_sort_of(const char *text, size_t size, int dates) {
  ls__csv_plain n;
  ls__csv_reading r;
  if (ls__csv_plain_read(text, size, &n)) return LS__CSV_NUMBER;
  ls__csv_read(text, size, dates, &r);
  return r.sort;
}
