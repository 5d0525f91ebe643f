#include "dataplane/base/date.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// <count> digits at <text>.
static uint32_t digits(const char *text, size_t count)
{
    uint32_t v = 0;
    for (size_t i = 0; i < count; i++)
        v = v * 10 + (uint32_t)(text[i] - '0');
    return v;
}

// <mask>: '0' for a digit, else the character itself.
static bool looks_like(const char *text, size_t len, const char *mask)
{
    if (len != strlen(mask))
        return false;
    for (size_t i = 0; i < len; i++)
        if (mask[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != mask[i])
            return false;
    return true;
}

static struct tm parts_of(int32_t day)
{
    const time_t at = (time_t)day * DAY_SECONDS;
    struct tm tm = {0};
    gmtime_r(&at, &tm);
    return tm;
}

bool date_parse(const char *text, size_t len, int32_t *day)
{
    if (!looks_like(text, len, "0000-00-00"))
        return false;
    const uint32_t year = digits(text, 4), month = digits(text + 5, 2), date = digits(text + 8, 2);
    struct tm tm = {.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)date};
    if (year < 1970 || month < 1 || month > 12)
        return false;
    *day = (int32_t)(timegm(&tm) / DAY_SECONDS);
    return (uint32_t)tm.tm_mday == date && (uint32_t)tm.tm_mon == month - 1; // else it ran over
}

char *date_text(char out[DATE_LEN], int32_t day)
{
    const struct tm tm = parts_of(day);
    snprintf(out, DATE_LEN, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    return out;
}

uint32_t date_weekday(int32_t day)
{
    return ((uint32_t)day + 3) % 7; // 1970-01-01 was a Thursday
}

uint32_t date_number(int32_t day)
{
    const struct tm tm = parts_of(day);
    return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

bool time_parse(const char *text, size_t len, uint32_t *second)
{
    const bool seconds = looks_like(text, len, "00:00:00");
    if (!seconds && !looks_like(text, len, "00:00"))
        return false;
    const uint32_t h = digits(text, 2), m = digits(text + 3, 2),
                   s = seconds ? digits(text + 6, 2) : 0;
    *second = h * 3600 + m * 60 + s;
    return m < 60 && s < 60 && *second <= DAY_SECONDS;
}

char *time_text(char out[TIME_LEN], uint32_t second)
{
    snprintf(out, TIME_LEN, "%02u:%02u:%02u", second / 3600 % 100, second / 60 % 60, second % 60);
    return out;
}

bool zone_set(const char *zone, struct error *err)
{
    char path[160];
    const char *folder = getenv("TZDIR");
    // libc takes an unknown zone for UTC and says nothing.
    snprintf(path, sizeof path, "%s/%s", folder && *folder ? folder : "/usr/share/zoneinfo", zone);
    if (strstr(zone, "..") || *zone == '/' || access(path, R_OK) != 0)
        return error_set(err, EXIT_USAGE,
                         "the machine's zone database has no '%s'; take a name such as "
                         "America/New_York, or install tzdata",
                         zone);
    setenv("TZ", zone, 1);
    tzset();
    return true;
}

struct local_time local_time_at(uint64_t utc_ns)
{
    const time_t at = (time_t)(utc_ns / 1000000000);
    struct tm tm = {0};
    localtime_r(&at, &tm);
    const struct tm here = tm;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = 0;
    return (struct local_time){
        .day = (int32_t)(timegm(&tm) / DAY_SECONDS),
        .second = (uint32_t)(here.tm_hour * 3600 + here.tm_min * 60 + here.tm_sec)};
}

int32_t zone_ahead(struct local_time at)
{
    const time_t day = (time_t)at.day * DAY_SECONDS;
    struct tm tm;
    gmtime_r(&day, &tm);
    tm.tm_sec = (int)at.second; // mktime brings it into its range
    tm.tm_isdst = -1;
    mktime(&tm);
    return (int32_t)tm.tm_gmtoff;
}
