#include "controlplane/store/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dataplane/base/check.h"

static void room_for(struct sql_text *t, uint64_t len)
{
    if (t->len + len <= t->room)
        return;
    while (t->room < t->len + len)
        t->room = t->room ? t->room * 2 : 4096;
    t->text = realloc(t->text, t->room);
    MUST(t->text != NULL);
}

void sql_add(struct sql_text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    room_for(t, 256);
    va_list again;
    va_copy(again, ap);
    const int len = vsnprintf(t->text + t->len, t->room - t->len, fmt, ap);
    MUST(len >= 0);
    if ((uint64_t)len >= t->room - t->len) {
        room_for(t, (uint64_t)len + 1);
        vsnprintf(t->text + t->len, t->room - t->len, fmt, again);
    }
    va_end(again);
    va_end(ap);
    t->len += (uint64_t)len;
}

void sql_add_quoted(struct sql_text *t, const char *value, uint32_t len_max)
{
    sql_add(t, "'");
    for (uint32_t i = 0; i < len_max && value[i]; i++) {
        const char c = value[i] >= ' ' && value[i] <= '~' && value[i] != '\\' ? value[i] : '?';
        sql_add(t, c == '\'' ? "''" : "%c", c);
    }
    sql_add(t, "'");
}

void sql_add_bytes(struct sql_text *t, const uint8_t *bytes, uint32_t len)
{
    sql_add(t, "decode('");
    for (uint32_t i = 0; i < len; i++)
        sql_add(t, "%02x", bytes[i]);
    sql_add(t, "', 'hex')");
}

void sql_add_time(struct sql_text *t, uint64_t utc_s)
{
    const time_t at = (time_t)utc_s;
    struct tm tm;
    MUST(gmtime_r(&at, &tm) != NULL);
    sql_add(t, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
            tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void sql_clear(struct sql_text *t)
{
    t->len = 0;
    room_for(t, 1);
    t->text[0] = 0;
}

void sql_free(struct sql_text *t)
{
    free(t->text);
    *t = (struct sql_text){0};
}
