#include "controlplane/store/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"

#define POSTGRES_EPOCH_S 946684800 // 2000-01-01 in seconds since 1970
#define DAY_NS           (86400 * UINT64_C(1000000000))
#define COPY_HEADER_LEN  19

// --- tables as data ---

#define TYPE_int2   "smallint"
#define TYPE_int4   "integer"
#define TYPE_int8   "bigint"
#define TYPE_maybe8 "bigint"
#define TYPE_flag   "boolean"
#define TYPE_letter "\"char\""
#define TYPE_text   "text"
#define TYPE_json   "jsonb"

#define ROW_START                                                                   \
    {"at", "timestamp with time zone"}, {"ns", "smallint"}, {"journal", "integer"}, \
        {"number", "bigint"}, {"epoch", "bigint"}, {"lane", "smallint"}, {"sequence", "bigint"},
enum { START_COLUMNS = 7 };

#define TABLE(table, event)         static const struct row_column columns_##table[] = {ROW_START
#define COLUMN(column, kind, value) {#column, TYPE_##kind},
#define TABLE_END(table) \
    }                    \
    ;
#include "controlplane/store/tables.def"

const struct row_table row_tables[TABLES] = {
#define TABLE(table, event) [TABLE_##table] = {#table, columns_##table, ARRAY_LEN(columns_##table)},
#define COLUMN(column, kind, value)
#define TABLE_END(table)
#include "controlplane/store/tables.def"
};

enum store_table row_table_of(uint16_t type)
{
    switch (type) {
    case EVENT_DECISION: return TABLE_decisions;
    case EVENT_ORDER_SENT:
    case EVENT_ORDER_NOT_SENT: return TABLE_sends;
    case EVENT_ORDER_RELEASED: return TABLE_releases;
    case EVENT_CANCEL_SENT: return TABLE_cancels;
    case EVENT_ORDER: return TABLE_order_messages;
    case EVENT_UNCLAIMED: return TABLE_unclaimed;
    case EVENT_ORDER_SESSION: return TABLE_sessions;
    case EVENT_KILL:
    case EVENT_KILL_DONE:
    case EVENT_LIFTED: return TABLE_kills;
    case EVENT_LIMITS:
    case EVENT_TRADING_STATE: return TABLE_limit_changes;
    case EVENT_GOVERNED: return TABLE_governed;
    case EVENT_ROUTE:
    case EVENT_ROUTE_END: return TABLE_routes;
    case EVENT_ROUTE_VENUE: return TABLE_route_venues;
    default: return TABLE_events;
    }
}

// --- bytes ---

// The caller has made room for a whole row.
static inline void put16(struct rows *r, uint16_t v)
{
    be16_store(r->bytes + r->len, v);
    r->len += 2;
}

static inline void put32(struct rows *r, uint32_t v)
{
    be32_store(r->bytes + r->len, v);
    r->len += 4;
}

static inline void put64(struct rows *r, uint64_t v)
{
    be64_store(r->bytes + r->len, v);
    r->len += 8;
}

static inline void put_int2(struct rows *r, uint16_t v)
{
    put32(r, 2);
    put16(r, v);
}

static inline void put_int4(struct rows *r, uint32_t v)
{
    put32(r, 4);
    put32(r, v);
}

static inline void put_int8(struct rows *r, uint64_t v)
{
    put32(r, 8);
    put64(r, v);
}

static inline void put_maybe8(struct rows *r, const int64_t *v)
{
    if (v)
        put_int8(r, (uint64_t)*v);
    else
        put32(r, UINT32_MAX);
}

static inline void put_letter(struct rows *r, uint8_t v)
{
    put32(r, 1);
    r->bytes[r->len++] = v < 0x80 ? v : '?'; // more is no character of the database's encoding
}

static inline void put_flag(struct rows *r, bool v)
{
    put32(r, 1);
    r->bytes[r->len++] = v;
}

static void put_text(struct rows *r, const char *v)
{
    const uint32_t len = (uint32_t)strlen(v);
    put32(r, len);
    memcpy(r->bytes + r->len, v, len);
    r->len += len;
}

static void put_json(struct rows *r, const char *v)
{
    const uint32_t len = (uint32_t)strlen(v);
    put32(r, len + 1);
    r->bytes[r->len++] = 1; // version of jsonb's binary form
    memcpy(r->bytes + r->len, v, len);
    r->len += len;
}

static void room_for(struct rows *r, uint64_t len)
{
    if (LIKELY(r->len + len <= r->room))
        return;
    r->room = r->room ? r->room * 2 : 1 << 16;
    r->bytes = realloc(r->bytes, r->room);
    MUST(r->bytes != NULL);
}

// --- what values are made of ---

uint64_t row_time(const struct row_writer *w, uint64_t tsc)
{
    const struct journal_clock *c = &w->clock;
    if (c->tsc_hz == 0)
        return w->block_ns;
    const bool after = tsc >= c->tsc_at;
    const unsigned __int128 ns =
        (unsigned __int128)(after ? tsc - c->tsc_at : c->tsc_at - tsc) * 1000000000u / c->tsc_hz;
    if (ns > UINT64_MAX / 4 || (!after && ns > c->utc_ns_at))
        return w->block_ns;
    const uint64_t utc = after ? c->utc_ns_at + (uint64_t)ns : c->utc_ns_at - (uint64_t)ns;
    const uint64_t apart = utc > w->block_ns ? utc - w->block_ns : w->block_ns - utc;
    return apart < DAY_NS ? utc : w->block_ns;
}

static inline uint64_t wait_ns(const struct row_writer *w, uint64_t ticks)
{
    if (w->clock.tsc_hz == 0)
        return 0;
    const unsigned __int128 ns = (unsigned __int128)ticks * 1000000000u / w->clock.tsc_hz;
    return ns < INT64_MAX ? (uint64_t)ns : INT64_MAX;
}

int32_t row_ticks_ns(const struct row_writer *w, uint64_t ticks)
{
    const uint64_t ns = wait_ns(w, ticks);
    return ns < INT32_MAX ? (int32_t)ns : INT32_MAX;
}

static inline uint32_t ticks_ns(const struct row_writer *w, uint64_t ticks)
{
    return (uint32_t)row_ticks_ns(w, ticks);
}

// Nothing says that a text of an event is one: what no database takes becomes a question mark.
static const char *text_plain(struct row_writer *w, const char *text, uint32_t len)
{
    uint32_t n = 0;
    for (; n < len && text[n]; n++)
        w->text[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
    while (n && w->text[n - 1] == ' ')
        n--;
    w->text[n] = 0;
    return w->text;
}

static const char *type_name(struct row_writer *w, uint16_t type)
{
    const struct event_info *info = event_info(type);
    if (info)
        return info->name;
    snprintf(w->text, sizeof w->text, "%u", type);
    return w->text;
}

// As a JSON string without its quotes; <out> has room for six bytes a character.
static void json_text(char *out, const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len && text[i]; i++) {
        const bool plain = text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\';
        if (plain)
            *out++ = (char)text[i];
        else if (text[i] == '"' || text[i] == '\\')
            out += sprintf(out, "\\%c", text[i]);
        else
            *out++ = '?';
    }
    *out = 0;
}

static uint64_t field_number(const uint8_t *at, uint32_t len)
{
    uint64_t v = 0;
    memcpy(&v, at, len < sizeof v ? len : sizeof v);
    return v;
}

static uint32_t field_json(char *out, size_t room, const struct event_field *f, const uint8_t *at)
{
    char text[REASON_LEN * 2 + 1];
    switch (f->kind) {
    case FIELD_chr4:
    case FIELD_chr8:
    case FIELD_text:
    case FIELD_letter: json_text(text, at, f->len < REASON_LEN ? f->len : REASON_LEN); break;
    case FIELD_id:
        for (uint32_t i = 0; i < 10; i++)
            sprintf(text + 2 * i, "%02x", at[i]);
        break;
    case FIELD_i64:
        return (uint32_t)snprintf(out, room, "\"%s\":%" PRId64, f->name,
                                  (int64_t)field_number(at, f->len));
    default:
        return (uint32_t)snprintf(out, room, "\"%s\":%" PRIu64, f->name, field_number(at, f->len));
    }
    return (uint32_t)snprintf(out, room, "\"%s\":\"%s\"", f->name, text);
}

// An event of a type that this version does not know keeps its bytes.
static const char *fields_json(struct row_writer *w, const struct event *e)
{
    const struct event_info *info = event_info(e->type);
    const uint8_t *bytes = (const uint8_t *)e;
    uint32_t n = (uint32_t)sprintf(w->text, "{");
    for (uint32_t i = 0; info && i < info->field_count; i++) {
        if (i)
            w->text[n++] = ',';
        n += field_json(w->text + n, sizeof w->text - n, &info->fields[i],
                        bytes + info->fields[i].offset);
    }
    if (info == NULL) {
        n += (uint32_t)sprintf(w->text + n, "\"payload\":\"");
        for (uint32_t i = 0; i < sizeof e->payload; i++)
            n += (uint32_t)sprintf(w->text + n, "%02x", e->payload[i]);
        w->text[n++] = '"';
    }
    memcpy(w->text + n, "}", 2);
    return w->text;
}

// --- rows ---

static inline void row_start(struct row_writer *w, struct rows *r, const struct event *e,
                             uint32_t columns)
{
    w->at_ns = row_time(w, e->tsc);
    room_for(r, ROW_LEN_MAX);
    put16(r, (uint16_t)columns);
    put_int8(r, w->at_ns / 1000 - POSTGRES_EPOCH_S * UINT64_C(1000000));
    put_int2(r, (uint16_t)(w->at_ns % 1000));
    put_int4(r, w->journal);
    put_int8(r, w->number);
    put_int8(r, w->epoch);
    put_int2(r, e->lane);
    put_int8(r, e->sequence);
}

#define TABLE(table, type_of)                                              \
    static void write_##table(struct row_writer *w, const struct event *e) \
    {                                                                      \
        struct rows *const r = &w->tables[TABLE_##table];                  \
        const struct event_##type_of *const p = &e->type_of;               \
        row_start(w, r, e, row_tables[TABLE_##table].column_count);        \
        (void)p;
#define COLUMN(column, kind, value) put_##kind(r, value);
#define TABLE_END(table) \
    r->count++;          \
    }
#include "controlplane/store/tables.def"

void row_write(struct row_writer *w, enum store_table table, const struct event *e)
{
    static void (*const writers[TABLES])(struct row_writer *, const struct event *) = {
#define TABLE(name, event) [TABLE_##name] = write_##name,
#define COLUMN(column, kind, value)
#define TABLE_END(name)
#include "controlplane/store/tables.def"
    };
    const uint64_t before = w->tables[table].len;
    writers[table](w, e);
    w->used += w->tables[table].len - before;
}

void row_writer_clear(struct row_writer *w)
{
    static const uint8_t header[COPY_HEADER_LEN] = "PGCOPY\n\377\r\n";
    w->used = 0;
    for (uint32_t t = 0; t < TABLES; t++) {
        struct rows *r = &w->tables[t];
        r->len = r->count = 0;
        room_for(r, ROW_LEN_MAX);
        memcpy(r->bytes, header, sizeof header);
        r->len = sizeof header;
    }
}

void row_writer_end(struct row_writer *w)
{
    for (uint32_t t = 0; t < TABLES; t++) {
        room_for(&w->tables[t], 2);
        put16(&w->tables[t], UINT16_MAX);
    }
}

void row_writer_free(struct row_writer *w)
{
    for (uint32_t t = 0; t < TABLES; t++)
        free(w->tables[t].bytes);
    memset(w->tables, 0, sizeof w->tables);
}
