// Days and times of day in a time zone, for the slow side: what a trading day is, is local.
//
// The zone is the process's own (TZ): libc reads its rules from the system's zone database, and
// every local time here is of that zone. Set once, before there is a second thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum { DATE_LEN = 11, TIME_LEN = 9, DAY_SECONDS = 86400 };

// Days since 1970-01-01, and the second of the day by the clock on the wall: it jumps by an hour
// when the zone changes its offset.
struct local_time {
    int32_t day;
    uint32_t second;
};

// YYYY-MM-DD of years 1970 to 9999; false: no such day.
bool date_parse(const char *text, size_t len, int32_t *day);
// Zero-terminated; returns <out>.
char *date_text(char out[DATE_LEN], int32_t day);
// 0: Monday.
uint32_t date_weekday(int32_t day);
// YYYYMMDD as a number, for records.
uint32_t date_number(int32_t day);

// HH:MM or HH:MM:SS, 24:00 is the end of the day; false: no such time.
bool time_parse(const char *text, size_t len, uint32_t *second);
char *time_text(char out[TIME_LEN], uint32_t second);

// Sets the process's zone, such as America/New_York. False with <err> when the zone database does
// not know it.
bool zone_set(const char *zone, struct error *err);
struct local_time local_time_at(uint64_t utc_ns);
// How far the zone is ahead of UTC then, in seconds.
int32_t zone_ahead(struct local_time at);
