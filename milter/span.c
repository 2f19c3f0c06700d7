/* span - moments as a person names them: 7d, 36h, all, 2026-11-22, 2026-11-22 14:02 */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "span.h"

#include <string.h>
#include <time.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
enum { COUNT_MAX = 100000 };

int64_t span_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t unit_ms(char unit)
{
    switch (unit) {
    case 'm':
        return MINUTE;
    case 'h':
        return HOUR;
    case 'd':
        return DAY;
    case 'w':
        return 7ll * DAY;
    default:
        return 0;
    }
}

static bool parse_count(const char *text, int64_t now_ms, int64_t *from_ms, int64_t *to_ms)
{
    size_t len = strlen(text);
    long count;

    if (len < 2 || unit_ms(text[len - 1]) == 0 ||
        !parse_long((struct slice){text, len - 1}, 1, COUNT_MAX, &count))
        return false;
    *from_ms = now_ms - count * unit_ms(text[len - 1]);
    *to_ms = now_ms;
    return true;
}

/* What the pattern (d: a digit) describes, and nothing behind it. */
static bool has_form(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++)
        if (*pattern == 'd'   ? !is_digit((unsigned char)*text)
            : *pattern == ' ' ? *text != ' ' && *text != 'T'
                              : *text != *pattern)
            return false;
    return *text == '\0';
}

static int number_at(const char *text, int digits)
{
    int number = 0;

    while (digits-- > 0)
        number = number * 10 + (*text++ - '0');
    return number;
}

static bool parse_date(const char *text, int64_t *from_ms, int64_t *to_ms)
{
    struct tm tm = {0}, same;
    bool seconds = has_form(text, "dddd-dd-dd dd:dd:dd");
    bool minutes = seconds || has_form(text, "dddd-dd-dd dd:dd");
    time_t at;

    if (!minutes && !has_form(text, "dddd-dd-dd"))
        return false;
    tm.tm_year = number_at(text, 4) - 1900;
    tm.tm_mon = number_at(text + 5, 2) - 1;
    tm.tm_mday = number_at(text + 8, 2);
    tm.tm_hour = minutes ? number_at(text + 11, 2) : 0;
    tm.tm_min = minutes ? number_at(text + 14, 2) : 0;
    tm.tm_sec = seconds ? number_at(text + 17, 2) : 0;
    same = tm;
    at = timegm(&same);
    if (same.tm_mday != tm.tm_mday || same.tm_mon != tm.tm_mon || same.tm_min != tm.tm_min ||
        same.tm_hour != tm.tm_hour)
        return false;
    *from_ms = (int64_t)at * 1000;
    *to_ms = *from_ms + (seconds ? SECOND : minutes ? MINUTE : DAY) - 1;
    return true;
}

bool span_parse(const char *text, int64_t now_ms, int64_t *from_ms, int64_t *to_ms)
{
    if (strcmp(text, "all") == 0) {
        *from_ms = 0;
        *to_ms = now_ms;
        return true;
    }
    return parse_count(text, now_ms, from_ms, to_ms) || parse_date(text, from_ms, to_ms);
}
