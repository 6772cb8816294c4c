/* SPDX-License-Identifier: MIT */

#include "proto/http_date.h"

#include <stdio.h>
#include <string.h>

enum { DAY = 24 * 60 * 60 };

#define MAX_SECONDS INT64_C(253402300799) /* the end of 9999 */

static const char day_names[] = "ThuFriSatSunMonTueWed"; /* from 1970-01-01 */
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* From 1970-01-01 to the first day of a year. */
static int days_before_year(int year)
{
    int y = year - 1;

    return (year - 1970) * 365 + (y / 4 - y / 100 + y / 400) -
           (1969 / 4 - 1969 / 100 + 1969 / 400);
}

/* Months count from 0. */
static int days_in_month(int year, int month)
{
    static const int days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    return days[month] + (month == 1 && is_leap(year));
}

bool ws__http_date(char out[static WS__HTTP_DATE_LEN + 1], int64_t seconds)
{
    out[0] = '\0';
    if (seconds < 0 || seconds > MAX_SECONDS)
        return false;

    int days = (int)(seconds / DAY), s = (int)(seconds % DAY);
    int year = 1970 + days / 366; /* or a few years later */
    while (days_before_year(year + 1) <= days)
        year++;

    int day = days - days_before_year(year), month = 0;
    while (day >= days_in_month(year, month))
        day -= days_in_month(year, month++);

    snprintf(out, WS__HTTP_DATE_LEN + 1,
             "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
             &day_names[days % 7 * 3], (unsigned)(day + 1) % 100,
             &month_names[month * 3], (unsigned)year % 10000,
             (unsigned)(s / 3600) % 100, (unsigned)(s / 60 % 60),
             (unsigned)(s % 60));
    return true;
}

/* Where the parts stand in the 29 characters. */
enum {
    AT_DAY = 5,
    AT_MONTH = 8,
    AT_YEAR = 12,
    AT_HOUR = 17,
    AT_MINUTE = 20,
    AT_SECOND = 23,
};

/* Compare with a pattern, where '0' stands for a digit and 'a' for any letter. */
static bool fits(const char *s, const char *pattern)
{
    for (; *pattern; s++, pattern++) {
        bool digit = *s >= '0' && *s <= '9';
        bool letter = (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z');

        if (*pattern == '0'   ? !digit
            : *pattern == 'a' ? !letter
                              : *s != *pattern)
            return false;
    }
    return *s == '\0';
}

static int number(const char *s, int digits)
{
    int n = 0;

    while (digits-- > 0)
        n = n * 10 + (*s++ - '0');
    return n;
}

static int month_of(const char *s)
{
    for (int i = 0; i < 12; i++)
        if (memcmp(s, &month_names[i * 3], 3) == 0)
            return i;
    return -1;
}

bool ws__http_date_parse(const char *s, int64_t *seconds)
{
    if (!fits(s, "aaa, 00 aaa 0000 00:00:00 GMT"))
        return false;

    int year = number(s + AT_YEAR, 4), month = month_of(s + AT_MONTH);
    int day = number(s + AT_DAY, 2), hour = number(s + AT_HOUR, 2);
    int minute = number(s + AT_MINUTE, 2), second = number(s + AT_SECOND, 2);

    if (year < 1970 || month < 0 || day < 1 || day > days_in_month(year, month))
        return false;
    if (hour > 23 || minute > 59 || second > 60) /* 60: a leap second */
        return false;

    int days = days_before_year(year) + day - 1;
    for (int m = 0; m < month; m++)
        days += days_in_month(year, m);
    *seconds = (int64_t)days * DAY + hour * 3600 + minute * 60 + second;
    return true;
}
