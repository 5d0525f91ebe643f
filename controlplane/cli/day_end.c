// End of day: nothing enters any more, nothing is open, everybody agrees, tomorrow's positions are
// written down, and the journal is sealed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/day.h"
#include "controlplane/cli/journal_seal.h"
#include "dataplane/base/date.h"
#include "dataplane/base/file.h"

// --- nothing enters, nothing is open ---

static bool halt(struct day *day, struct error *err)
{
    json_t *answer = day_change(day, "halt", err);
    if (answer == NULL)
        return false;
    day_say(day, "nothing enters on %zu lanes", json_array_size(json_object_get(answer, "lanes")));
    json_object_set(day->step, "lanes", json_object_get(answer, "lanes"));
    json_decref(answer);
    return true;
}

static int64_t open_orders(const json_t *lanes)
{
    const json_t *row;
    int64_t sum = 0;
    size_t i;
    json_array_foreach(lanes, i, row)
    {
        sum += day_number(row, "open_orders");
    }
    return sum;
}

// The exchanges have answered every cancel.
static bool cancel(struct day *day, struct error *err)
{
    json_t *answer = day_change(day, "cancel", err);
    int64_t open;
    if (answer == NULL)
        return false;
    json_decref(answer);
    do {
        answer = day_ask(day, "trading", json_object(), err);
        if (answer == NULL)
            return false;
        open = open_orders(json_object_get(answer, "lanes"));
        json_decref(answer);
        if (open == 0) {
            day_say(day, "nothing is open");
            return true;
        }
    } while (day_again(day));
    return error_set(err, EXIT_STATE,
                     "%lld orders are still open: the exchange has not answered their cancels; see "
                     "`tickgate show orders`, cancel them with the exchange, and begin again",
                     (long long)open);
}

// --- everybody agrees ---

static const json_t *cancels_waiting(const json_t *sessions)
{
    const json_t *row;
    size_t i;
    json_array_foreach(sessions, i, row)
    {
        if (day_number(row, "cancels_waiting") || day_number(row, "open_orders"))
            return row;
    }
    return NULL;
}

static bool sessions_agree(struct day *day, struct error *err)
{
    json_t *answer = day_sessions(day, err) ? day_ask(day, "sessions", json_object(), err) : NULL;
    const json_t *lacking = cancels_waiting(json_object_get(answer, "sessions"));
    if (lacking)
        error_set(err, EXIT_STATE,
                  "order session %s still has %lld open orders and %lld cancels that wait; see "
                  "`tickgate show sessions`, and begin again",
                  day_text(lacking, "session"), (long long)day_number(lacking, "open_orders"),
                  (long long)day_number(lacking, "cancels_waiting"));
    json_decref(answer);
    return err->code == EXIT_OK;
}

// What the events of the day add up to: no order is open, none is in doubt.
static bool orders_agree(struct day *day, struct error *err)
{
    json_t *answer = day_ask(day, "orders", json_object(), err);
    if (answer == NULL)
        return false;
    if (day_number(answer, "total") || day_number(answer, "missing"))
        error_set(err, EXIT_STATE,
                  "the lanes have nothing open, but by their events %lld orders are, and %lld are "
                  "not known; see `tickgate show orders`, and ask the exchange about them",
                  (long long)day_number(answer, "total"), (long long)day_number(answer, "missing"));
    json_decref(answer);
    return err->code == EXIT_OK;
}

// The journal has every event of the day; its state is the caller's. Null with <err>.
static json_t *journal_whole(struct day *day, struct error *err)
{
    do {
        *err = (struct error){0}; // what was wrong the last time
        json_t *status = day_ask(day, "status", json_object(), err);
        json_t *journal = json_incref(json_object_get(status, "journal"));
        json_decref(status);
        if (journal == NULL)
            return NULL;
        if (strcmp(day_text(journal, "state"), "writing") == 0 &&
            day_number(journal, "behind_events") == 0 &&
            day_number(journal, "committed") == day_number(journal, "records"))
            return journal;
        error_set(
            err, EXIT_STATE,
            "the journal is %s and %lld events behind; see `tickgate status`, and begin again",
            day_text(journal, "state"), (long long)day_number(journal, "behind_events"));
        json_decref(journal);
    } while (day_again(day));
    return NULL;
}

static bool journal_agrees(struct day *day, struct error *err)
{
    json_t *journal = journal_whole(day, err);
    if (journal == NULL)
        return false;
    if (day_number(journal, "overrun_events") || day_number(journal, "missing_events"))
        error_set(err, EXIT_STATE,
                  "the journal lacks %lld events that found the rings full, and %lld others: it is "
                  "no record of the whole day; compare with the exchange's, then roll by hand",
                  (long long)day_number(journal, "overrun_events"),
                  (long long)day_number(journal, "missing_events"));
    json_decref(journal);
    return err->code == EXIT_OK;
}

// No execution waits for somebody who claims it: it is in nobody's position.
static bool all_claimed(struct day *day, struct error *err)
{
    json_t *answer = day_ask(day, "trading", json_object(), err);
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(answer, "in_force"), i, row)
    {
        if (err->code == EXIT_OK && strcmp(day_text(row, "what"), "quarantine") == 0)
            error_set(err, EXIT_STATE,
                      "an execution in %s on lane %s is not claimed, and in no position: compare "
                      "with the exchange, `tickgate resume symbol %s`, and begin again; an "
                      "execution that is ours belongs into tomorrow's file by hand",
                      day_text(row, "name"), day_text(row, "lane"), day_text(row, "name"));
    }
    json_decref(answer);
    return err->code == EXIT_OK;
}

// Since the copy's session began: no later message settles these.
static int64_t never_compared(const json_t *row)
{
    return day_number(row, "foreign") - day_number(row, "foreign_before") +
           day_number(row, "dropped") - day_number(row, "dropped_before");
}

// A copy that was not read, or tells another day than ours; null: all are as ours.
static const json_t *copy_at_odds(const json_t *copies)
{
    const json_t *row;
    size_t i;
    json_array_foreach(copies, i, row)
    {
        const char *state = day_text(row, "state");
        if ((strcmp(state, "up") != 0 && strcmp(state, "ended") != 0) ||
            !json_is_true(json_object_get(row, "journal_read")) || day_number(row, "differing") ||
            day_number(row, "waiting") || never_compared(row))
            return row;
    }
    return NULL;
}

// What the exchange told others of our orders is what it told us. Waits for it.
static bool copies_agree(struct day *day, struct error *err)
{
    do {
        *err = (struct error){0}; // what was wrong the last time
        json_t *answer = day_ask(day, "drop_copies", json_object(), err);
        const json_t *odd = copy_at_odds(json_object_get(answer, "drop_copies"));
        if (odd)
            error_set(err, EXIT_STATE,
                      "drop copy %s is %s: %lld executions or orders differ, %lld wait, and %lld "
                      "messages of its session are of nobody here or found no room; see `tickgate "
                      "show drop-copy`, compare with the exchange, and begin again, or roll by "
                      "hand",
                      day_text(odd, "drop_copy"), day_text(odd, "state"),
                      (long long)day_number(odd, "differing"),
                      (long long)day_number(odd, "waiting"), (long long)never_compared(odd));
        const bool asked = answer != NULL;
        json_decref(answer);
        if (!asked || err->code == EXIT_OK)
            return asked;
    } while (day_again(day));
    return false;
}

static bool reconcile(struct day *day, struct error *err)
{
    if (!sessions_agree(day, err) || !orders_agree(day, err) || !all_claimed(day, err) ||
        !copies_agree(day, err) || !journal_agrees(day, err))
        return false;
    day_say(day, "sessions, orders, drop copies and journal agree: nothing is open or in doubt");
    return true;
}

// --- tomorrow's positions ---

// The price that a share is worth tomorrow; null: nobody knows.
static const char *price_of(const json_t *row)
{
    const char *mark = json_string_value(json_object_get(row, "mark"));
    return mark ? mark : json_string_value(json_object_get(row, "average"));
}

static bool row_write(FILE *out, const json_t *row, struct error *err)
{
    const char *price = price_of(row);
    const json_t *part;
    size_t i;
    if (strcmp(day_text(row, "state"), "ok") != 0)
        return error_set(err, EXIT_STATE,
                         "the position of %s in %s is being written all the time; begin again",
                         day_text(row, "account"), day_text(row, "symbol"));
    json_array_foreach(json_object_get(row, "lanes"), i, part)
    {
        if (price == NULL)
            return error_set(err, EXIT_STATE,
                             "%s has no price: no channel has best prices or a trade of it, and "
                             "lanes hold it on different sides; write the file by hand",
                             day_text(row, "symbol"));
        fprintf(out, "%s,%s,%lld,%s,%s\n", day_text(row, "account"), day_text(row, "symbol"),
                (long long)day_number(part, "shares"), price, day_text(part, "lane"));
    }
    return true;
}

static bool roll(struct day *day, struct error *err)
{
    char *text = NULL;
    size_t len = 0, i, rows = 0;
    json_t *answer = day_ask(day, "positions", json_object(), err);
    const json_t *row;
    FILE *out = answer ? open_memstream(&text, &len) : NULL;
    bool ok = out != NULL;
    if (ok)
        fprintf(out, "tickgate,positions,1,%s\naccount,symbol,shares,price,lane\n",
                day->order->next);
    json_array_foreach(json_object_get(answer, "positions"), i, row)
    {
        ok = ok && row_write(out, row, err);
        rows += json_array_size(json_object_get(row, "lanes"));
    }
    if (out)
        fclose(out);
    else if (answer)
        error_set(err, EXIT_FAILED, "no memory for the file of positions");
    ok = ok && file_replace(day->order->positions, text, len, DAY_FILE_MODE, err);
    if (ok) {
        json_object_set(day->step, "firm", json_object_get(answer, "firm"));
        json_object_set(day->step, "positions", json_object_get(answer, "positions"));
        day_say(day, "%zu positions, for %s, in %s; profit of the day %s", rows, day->order->next,
                day->order->positions, day_text(json_object_get(answer, "firm"), "profit"));
    }
    json_decref(answer);
    free(text);
    return ok;
}

// --- the journal ---

// What follows, such as the end of the dataplane, stands behind the seal.
static bool seal(struct day *day, struct error *err)
{
    struct journal_seal seal;
    json_t *journal = journal_whole(day, err);
    bool ok = journal != NULL;
    ok = ok && journal_seal_take(day_text(journal, "directory"),
                                 (uint64_t)day_number(journal, "committed"), &seal, err);
    if (ok) {
        json_object_set_new(day->step, "seal", journal_seal_view(&seal));
        day_say(day, "%llu records of %s are whole, and sealed", (unsigned long long)seal.record,
                day_text(journal, "directory"));
    }
    json_decref(journal);
    return ok;
}

static bool day_of(const json_t *calendar, const char *name, int32_t *day)
{
    const char *text = json_string_value(json_object_get(calendar, name));
    return text && date_parse(text, strlen(text), day);
}

// <next>: the trading day that follows, as somebody has given it. Positions of a day that is over
// would be refused tomorrow, and have replaced those that are good; those of a day without trading
// are nobody's; and at a start on the day that ends its executions would count once more. Without a
// calendar nobody knows which day it is where trading is.
static bool next_good(const char *next, const json_t *calendar, struct error *err)
{
    int32_t day, today, started, follows;
    if (!date_parse(next, strlen(next), &day))
        return error_set(err, EXIT_USAGE, "--next: '%.31s' is no day; it takes YYYY-MM-DD", next);
    if (!day_of(calendar, "today", &today))
        return true;
    if (day < today)
        return error_set(err, EXIT_USAGE,
                         "--next: %s is over, it is %s; say a trading day that follows", next,
                         day_text(calendar, "today"));
    if (day_of(calendar, "started", &started) && day <= started)
        return error_set(err, EXIT_USAGE,
                         "--next: %s does not follow: the dataplane was started for %s, and that "
                         "day ends; say a trading day that follows",
                         next, day_text(calendar, "started"));
    return day == today || !day_of(calendar, "next", &follows) || day >= follows ||
           error_set(err, EXIT_USAGE,
                     "--next: no trading on %s; by the calendar the trading day that follows is %s",
                     next, day_text(calendar, "next"));
}

json_t *day_end(const struct day_asks *asks, const struct day_order *order, struct error *err)
{
    static const struct day_step steps[] = {{"halt", halt},
                                            {"cancel", cancel},
                                            {"reconcile", reconcile},
                                            {"roll", roll},
                                            {"seal", seal}};
    struct error why = {0};
    json_t *calendar = asks->call(asks->context, "calendar", json_object(), &why);
    struct day_order with = *order;
    if (with.next == NULL)
        with.next = json_string_value(json_object_get(calendar, "next"));
    if (with.next == NULL)
        error_set(err, why.code != EXIT_OK ? why.code : EXIT_FAILED,
                  "%s; or say which trading day follows with --next", why.text);
    json_t *record =
        with.next && next_good(with.next, calendar, err)
            ? day_sequence("end", steps, sizeof steps / sizeof steps[0], asks, &with, err)
            : NULL;
    json_decref(calendar);
    return record;
}
