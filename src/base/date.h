/* Seconds since 1970 as text. */
#ifndef LS_BASE_DATE_H
#define LS_BASE_DATE_H

enum { LS__DATE_TEXT = 40 };
/* "2024-01-31T12:30:00", in UTC, with thousandths where there are any; a number where it is beyond
 * the years 1 to 9999. */
void ls__date_format(double seconds, char text[LS__DATE_TEXT]);

#endif
