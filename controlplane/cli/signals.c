// `tickgate signals score`: how good the forecasts of signals were, from a journal.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/journal_events.h"
#include "controlplane/cli/signal_score.h"
#include "controlplane/cli/table.h"
#include "controlplane/control/view.h"

enum { LATE_MS = 1000, VALUES = 4 };

// Bits of <did> in ORDER events (docs/abi.md: what the message did to the order).
enum { DID_FILL = 1 << 2, DID_BREAK = 1 << 3 };

struct wanted {
    uint32_t value; // which of a signal's
    bool change;
    uint64_t late_ns;
};

static bool wanted_take(const struct invocation *invocation, struct wanted *w, struct error *err)
{
    const json_t *value = json_object_get(invocation->options, "--value");
    const json_t *late = json_object_get(invocation->options, "--late");
    const char *is = json_string_value(json_object_get(invocation->options, "--is"));
    const json_int_t number = json_integer_value(value), late_ms = json_integer_value(late);
    if (number < 0 || number >= VALUES)
        return error_set(err, EXIT_USAGE, "--value: a signal has values 0 to %d", VALUES - 1);
    if (late_ms < 0 || late_ms > 86400000)
        return error_set(err, EXIT_USAGE, "--late: 0 to 86400000 milliseconds");
    if (is && strcmp(is, "price") != 0 && strcmp(is, "change") != 0)
        return error_set(err, EXIT_USAGE, "--is: '%.31s'; a value is a price or a change", is);
    *w = (struct wanted){.value = (uint32_t)number,
                         .change = is == NULL || strcmp(is, "change") == 0,
                         .late_ns = (late ? (uint64_t)late_ms : LATE_MS) * 1000000};
    return true;
}

// --- from the journal ---

// An exchange counts from its own midnight; every time zone is some quarters of an hour from UTC.
// One that is read again, or long on its way, says what the price was, not what it is.
static bool of_now(const struct logged_event *e, uint64_t late_ns)
{
    const uint64_t quarter_ns = 900 * UINT64_C(1000000000);
    const uint64_t age_ns =
        (e->utc_ns % quarter_ns + quarter_ns - e->event.order.exchange_ns % quarter_ns) %
        quarter_ns;
    return age_ns <= late_ns || quarter_ns - age_ns <= late_ns;
}

// Where the journal has a price: a good book that an order was judged by, and executions. A
// correction is of an execution that lies behind.
static void price_take(struct score *s, const struct logged_event *e)
{
    const struct event *event = &e->event;
    if (event->type == EVENT_DECISION && event->decision.quality == QUALITY_GOOD &&
        event->decision.bid && event->decision.ask)
        score_price(s, event->decision.instrument,
                    (uint32_t)(((uint64_t)event->decision.bid + event->decision.ask) / 2),
                    e->utc_ns);
    else if (event->type == EVENT_ORDER &&
             (event->order.did & (DID_FILL | DID_BREAK)) == DID_FILL && of_now(e, s->late_ns))
        score_price(s, event->order.instrument, event->order.fill_price, e->utc_ns);
}

static bool signal_take(struct score *s, const struct journal_events *f, uint32_t value)
{
    const struct event_signal *g = &f->event.event.signal;
    const int64_t values[VALUES] = {g->value_0, g->value_1, g->value_2, g->value_3};
    char source[SCORE_NAME_LEN], symbol[SCORE_NAME_LEN];
    snprintf(source, sizeof source, "%s",
             journal_events_name(f, JOURNAL_NAME_SIGNAL, 0, g->source));
    snprintf(symbol, sizeof symbol, "%s",
             journal_events_name(f, JOURNAL_NAME_INSTRUMENT, 0, g->instrument));
    if (*source == 0)
        snprintf(source, sizeof source, "%u", g->source);
    if (*symbol == 0)
        snprintf(symbol, sizeof symbol, "%u", g->instrument);
    return score_signal(s, source, symbol, g->instrument, values[value], f->event.utc_ns,
                        g->horizon_ms * UINT64_C(1000000));
}

static bool events_take(struct score *s, struct journal_events *f, uint32_t value,
                        struct error *err)
{
    const struct logged_event *e;
    uint64_t epoch = 0;
    while (!invocation_stopped() && (e = journal_events_next(f, err)) != NULL) {
        if (e->epoch != epoch) // symbols may have other numbers
            score_cut(s);
        epoch = e->epoch;
        price_take(s, e);
        if (e->event.type == EVENT_SIGNAL && !signal_take(s, f, value))
            return error_set(err, EXIT_FAILED, "no memory for the signals that wait");
    }
    score_cut(s);
    return err->code == EXIT_OK;
}

bool score_journal(struct score *s, const char *directory, uint32_t value, struct error *err)
{
    static struct journal_events f;
    const bool ok = journal_events_open(&f, directory, err) && events_take(s, &f, value, err);
    journal_events_close(&f);
    return ok;
}

// --- what is shown ---

static json_t *mean(double sum, uint64_t count)
{
    return count ? view_price(llround(sum / (double)count)) : json_null();
}

static json_t *permille(uint64_t part, uint64_t whole)
{
    return whole ? view_count((part * 1000 + whole / 2) / whole) : json_null();
}

static json_t *source_view(const struct score_source *r)
{
    json_t *view = json_object();
    json_object_set_new(view, "source", json_string(r->source));
    json_object_set_new(view, "symbol", json_string(r->symbol));
    json_object_set_new(view, "signals", view_count(r->signals));
    json_object_set_new(view, "scored", view_count(r->scored));
    json_object_set_new(view, "unpriced", view_count(r->unpriced));
    json_object_set_new(view, "bias", mean(r->error, r->scored));
    json_object_set_new(view, "error", mean(r->error_size, r->scored));
    json_object_set_new(view, "error_rms",
                        r->scored ? view_price(llround(sqrt(r->error_square / (double)r->scored)))
                                  : json_null());
    json_object_set_new(view, "no_forecast", mean(r->change_size, r->scored));
    json_object_set_new(view, "right_permille", permille(r->right, r->direction));
    return view;
}

static void show(const struct invocation *invocation, const struct score *s)
{
    static const struct column columns[] = {{"source", "source", COLUMN_TEXT},
                                            {"symbol", "symbol", COLUMN_TEXT},
                                            {"signals", "signals", COLUMN_COUNT},
                                            {"scored", "scored", COLUMN_COUNT},
                                            {"no price", "unpriced", COLUMN_COUNT},
                                            {"bias", "bias", COLUMN_PRICE},
                                            {"error", "error", COLUMN_PRICE},
                                            {"rms", "error_rms", COLUMN_PRICE},
                                            {"no forecast", "no_forecast", COLUMN_PRICE},
                                            {"right way", "right_permille", COLUMN_PERMILLE},
                                            {0}};
    json_t *rows = json_array();
    for (uint32_t i = 0; i < s->count; i++)
        json_array_append_new(rows, source_view(&s->sources[i]));
    if (invocation->json) {
        json_t *result =
            json_pack("{s:O,s:o}", "sources", rows, "left_out", view_count(s->left_out));
        json_dumpf(result, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
        json_decref(result);
    } else {
        table_print(stdout, columns, rows);
        if (s->left_out)
            printf("%llu signals are left out: more than %d sources and symbols\n",
                   (unsigned long long)s->left_out, SCORE_SOURCES_MAX);
    }
    json_decref(rows);
}

void run_signals_score(const struct invocation *invocation, struct error *err)
{
    static struct score score;
    const char *directory = json_string_value(json_object_get(invocation->options, "DIR"));
    struct wanted w = {0};
    if (!wanted_take(invocation, &w, err))
        return;
    if (!score_init(&score, INSTRUMENTS_MAX, w.change, w.late_ns))
        error_set(err, EXIT_FAILED, "no memory for the prices of symbols");
    else if (score_journal(&score, directory, w.value, err))
        show(invocation, &score);
    score_free(&score);
}
