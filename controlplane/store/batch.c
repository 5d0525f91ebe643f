#include "controlplane/store/batch.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/hints.h"

void batch_free(struct batch *b)
{
    row_writer_free(&b->rows);
    sql_free(&b->before);
    sql_free(&b->sums);
}

void batch_begin(struct batch *b, uint64_t from)
{
    row_writer_clear(&b->rows);
    sql_clear(&b->before);
    sql_clear(&b->sums);
    b->day_count = 0;
    b->from = b->last = from;
    b->events = b->executions = 0;
}

static bool day_add(struct batch *b, uint64_t at_ns)
{
    const int32_t day = row_day(at_ns);
    for (uint32_t i = b->day_count; i-- > 0;)
        if (LIKELY(b->days[i] == day))
            return true;
    if (b->day_count == BATCH_DAYS)
        return false;
    b->days[b->day_count++] = day;
    return true;
}

bool batch_add(struct batch *b, struct sums *sums, const struct event *e)
{
    struct row_writer *w = &b->rows;
    const enum store_table table = row_table_of(e->type);
    if (!day_add(b, row_time(w, e->tsc)))
        return false;
    row_write(w, table, e);
    b->events++;
    switch (table) {
    case TABLE_decisions: sums_decision(sums, w, e); break;
    case TABLE_sends: sums_sent(sums, w, e); break;
    case TABLE_order_messages:
        sums_order(sums, w, e);
        if (e->order.fill_shares || e->order.broken_shares) {
            row_write(w, TABLE_executions, e);
            b->executions++;
        }
        break;
    default: break;
    }
    return true;
}

// --- sending ---

static bool cursor_hold(const struct batch *b, struct link *link)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "BEGIN; SELECT number FROM tickgate.journals WHERE id = %" PRIu32 " FOR UPDATE",
             b->rows.journal);
    PGresult *result = link_ask(link, sql);
    if (result == NULL)
        return false;
    const bool ours =
        PQntuples(result) == 1 && strtoull(PQgetvalue(result, 0, 0), NULL, 10) == b->from;
    PQclear(result);
    if (!ours)
        snprintf(link->why, sizeof link->why, "somebody else has moved this journal's cursor");
    return ours;
}

static bool rows_copy(struct batch *b, struct link *link)
{
    char sql[1024];
    for (uint32_t t = 0; t < TABLES; t++) {
        const struct row_table *table = &row_tables[t];
        if (b->rows.tables[t].count == 0)
            continue;
        int n = snprintf(sql, sizeof sql, "COPY tickgate.%s (", table->name);
        for (uint32_t c = 0; c < table->column_count; c++)
            n += snprintf(sql + n, sizeof sql - (size_t)n, "%s%s", c ? "," : "",
                          table->columns[c].name);
        snprintf(sql + n, sizeof sql - (size_t)n, ") FROM STDIN (FORMAT binary)");
        if (!link_copy(link, sql, b->rows.tables[t].bytes, b->rows.tables[t].len))
            return false;
    }
    return true;
}

// The partitions that are read go by the days of all its rows.
static void again_mark(struct batch *b)
{
    int32_t from = b->days[0], to = b->days[0];
    for (uint32_t i = 1; i < b->day_count; i++) {
        from = b->days[i] < from ? b->days[i] : from;
        to = b->days[i] > to ? b->days[i] : to;
    }
    sql_add(&b->sums,
            "SELECT tickgate.mark_again(%" PRIu32 ", %" PRIu64 ", %" PRIu64
            ", date '1970-01-01' + %" PRId32 ", date '1970-01-01' + %" PRId32 ");",
            b->rows.journal, b->from + 1, b->last, from, to);
}

bool batch_send(struct batch *b, struct link *link, bool again)
{
    for (uint32_t i = 0; i < b->day_count; i++)
        sql_add(&b->before, "SELECT tickgate.make_day(date '1970-01-01' + %" PRId32 ");",
                b->days[i]);
    if (again && b->executions)
        again_mark(b);
    sql_add(&b->sums,
            "UPDATE tickgate.journals SET segment = %" PRIu64 ", number = %" PRIu64
            ", events = events + %" PRIu64 ", moved_at = now() WHERE id = %" PRIu32 "; COMMIT",
            b->segment, b->last, b->events, b->rows.journal);
    return cursor_hold(b, link) && (b->before.len == 0 || link_run(link, b->before.text)) &&
           rows_copy(b, link) && link_run(link, b->sums.text);
}
