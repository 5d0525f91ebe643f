// Answers about trading as tables.
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

static const char *text_at(const json_t *object, const char *path, enum column_kind kind,
                           char text[128])
{
    return value_text(value_at(object, path), kind, text, 128);
}

static void print_in_force(FILE *out, const json_t *rows)
{
    static const struct column columns[] = {
        {"in force", "what", COLUMN_TEXT}, {"scope", "scope", COLUMN_TEXT},
        {"name", "name", COLUMN_TEXT},     {"by", "by", COLUMN_TEXT},
        {"lane", "lane", COLUMN_TEXT},     {0}};
    if (json_array_size(rows) == 0)
        fputs("nothing is killed, halted or reduced\n", out);
    else
        table_print(out, columns, rows);
}

void print_trading(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column lanes[] = {{"lane", "lane", COLUMN_TEXT},
                                          {"trading", "trading", COLUMN_TEXT},
                                          {"journal", "journal", COLUMN_TEXT},
                                          {"clock", "clock", COLUMN_TEXT},
                                          {"limits", "limits_version", COLUMN_COUNT},
                                          {"approved", "approved", COLUMN_COUNT},
                                          {"refused", "refused", COLUMN_COUNT},
                                          {"not sent", "not_sent", COLUMN_COUNT},
                                          {"reports", "reports", COLUMN_COUNT},
                                          {"fills", "fills", COLUMN_COUNT},
                                          {"unclaimed", "unclaimed", COLUMN_COUNT},
                                          {"open", "open_orders", COLUMN_COUNT},
                                          {"open notional", "open_notional", COLUMN_PRICE},
                                          {0}};
    const char *name;
    json_t *value;
    (void)options;
    table_print(out, lanes, json_object_get(result, "lanes"));
    fputc('\n', out);
    print_in_force(out, json_object_get(result, "in_force"));
    if (json_object_size(json_object_get(result, "refusals")))
        fputs("\nrefusals\n", out);
    json_object_foreach(json_object_get(result, "refusals"), name, value)
    {
        fprintf(out, "%-20s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
    }
}

void print_orders(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"since", "since", COLUMN_TEXT},
                                            {"session", "session", COLUMN_TEXT},
                                            {"ref", "ref", COLUMN_COUNT},
                                            {"account", "account", COLUMN_TEXT},
                                            {"strategy", "strategy", COLUMN_TEXT},
                                            {"symbol", "symbol", COLUMN_TEXT},
                                            {"side", "side", COLUMN_TEXT},
                                            {"open", "open", COLUMN_COUNT},
                                            {"price", "price", COLUMN_PRICE},
                                            {"filled", "filled", COLUMN_COUNT},
                                            {"state", "state", COLUMN_TEXT},
                                            {"waits for", "waits", COLUMN_WORDS},
                                            {0}};
    char missing[128], missed[128], told[128];
    (void)options;
    table_print(out, columns, json_object_get(result, "orders"));
    if (!json_is_true(json_object_get(result, "complete")))
        fprintf(
            out,
            "incomplete: %s open orders are not known here, as %s events were missed or read by "
            "another control plane; the lanes count %s in all\n",
            text_at(result, "missing", COLUMN_COUNT, missing),
            text_at(result, "missed_events", COLUMN_COUNT, missed),
            text_at(result, "open_orders", COLUMN_COUNT, told));
}

void print_positions(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column positions[] = {{"account", "account", COLUMN_TEXT},
                                              {"symbol", "symbol", COLUMN_TEXT},
                                              {"shares", "shares", COLUMN_COUNT},
                                              {"average", "average", COLUMN_PRICE},
                                              {"mark", "mark", COLUMN_PRICE},
                                              {"realised", "realised", COLUMN_PRICE},
                                              {"unrealised", "unrealised", COLUMN_PRICE},
                                              {"profit", "profit", COLUMN_PRICE},
                                              {"open buy", "open_buy", COLUMN_COUNT},
                                              {"open sell", "open_sell", COLUMN_COUNT},
                                              {"bought", "bought", COLUMN_COUNT},
                                              {"sold", "sold", COLUMN_COUNT},
                                              {0}};
    static const struct column accounts[] = {{"account", "account", COLUMN_TEXT},
                                             {"trading", "trading", COLUMN_TEXT},
                                             {"cash", "cash", COLUMN_PRICE},
                                             {"realised", "realised", COLUMN_PRICE},
                                             {"unrealised", "unrealised", COLUMN_PRICE},
                                             {"profit", "profit", COLUMN_PRICE},
                                             {"no price", "unpriced", COLUMN_COUNT},
                                             {"open orders", "open_orders", COLUMN_COUNT},
                                             {"open notional", "open_notional", COLUMN_PRICE},
                                             {0}};
    static const struct column firm[] = {
        {"firm: cash", "cash", COLUMN_PRICE},       {"realised", "realised", COLUMN_PRICE},
        {"unrealised", "unrealised", COLUMN_PRICE}, {"profit", "profit", COLUMN_PRICE},
        {"no price", "unpriced", COLUMN_COUNT},     {0}};
    json_t *rows = json_pack("[O]", json_object_get(result, "firm"));
    (void)options;
    table_print(out, positions, json_object_get(result, "positions"));
    fputc('\n', out);
    table_print(out, accounts, json_object_get(result, "accounts"));
    fputc('\n', out);
    table_print(out, firm, rows);
    json_decref(rows);
}

static void print_connections(FILE *out, const json_t *result)
{
    static const struct column columns[] = {
        {"session", "session", COLUMN_TEXT},
        {"state", "state", COLUMN_TEXT},
        {"round trip", "connection.round_trip_ns", COLUMN_NS},
        {"window", "connection.window", COLUMN_COUNT},
        {"in", "connection.segments_in", COLUMN_COUNT},
        {"out", "connection.segments_out", COLUMN_COUNT},
        {"sent again", "connection.retransmits", COLUMN_COUNT},
        {"time-outs", "connection.timeouts", COLUMN_COUNT},
        {"zero window", "connection.window_probes", COLUMN_COUNT},
        {"refused", "connection.refused_window", COLUMN_COUNT},
        {"disordered", "connection.out_of_order", COLUMN_COUNT},
        {"twice", "connection.duplicates", COLUMN_COUNT},
        {"challenges", "connection.challenges", COLUMN_COUNT},
        {"blind", "connection.blind_reset", COLUMN_COUNT},
        {"strays", "connection.strays", COLUMN_COUNT},
        {0}};
    table_print(out, columns, json_object_get(result, "sessions"));
}

void print_clients(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"client", "client", COLUMN_TEXT},
                                            {"lane", "lane", COLUMN_TEXT},
                                            {"account", "account", COLUMN_TEXT},
                                            {"user", "user", COLUMN_COUNT},
                                            {"state", "state", COLUMN_TEXT},
                                            {"process", "pid", COLUMN_COUNT},
                                            {"trading", "trading", COLUMN_TEXT},
                                            {"attached", "attachments", COLUMN_COUNT},
                                            {"requests", "requests", COLUMN_COUNT},
                                            {"refused", "refused", COLUMN_COUNT},
                                            {"answers", "answers", COLUMN_COUNT},
                                            {"waiting", "requests_waiting", COLUMN_COUNT},
                                            {"unread", "answers_unread", COLUMN_COUNT},
                                            {"of", "answers_slots", COLUMN_COUNT},
                                            {"open", "open_orders", COLUMN_COUNT},
                                            {"open notional", "open_notional", COLUMN_PRICE},
                                            {0}};
    (void)options;
    table_print(out, columns, json_object_get(result, "clients"));
}

void print_signals(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {
        {"source", "source", COLUMN_TEXT},    {"lane", "lane", COLUMN_TEXT},
        {"role", "role", COLUMN_TEXT},        {"client", "client", COLUMN_TEXT},
        {"sender", "sender", COLUMN_TEXT},    {"state", "state", COLUMN_TEXT},
        {"heard", "heard", COLUMN_TEXT},      {"number", "number", COLUMN_COUNT},
        {"age", "age_ns", COLUMN_NS},         {"a second", "rate", COLUMN_COUNT},
        {"told", "told", COLUMN_COUNT},       {"stood by", "stood_by", COLUMN_COUNT},
        {"missing", "missing", COLUMN_COUNT}, {"opened", "opened", COLUMN_COUNT},
        {"refused", "refused", COLUMN_COUNT}, {0}};
    static const struct column reasons[] = {{"source", "source", COLUMN_TEXT},
                                            {"format", "format", COLUMN_COUNT},
                                            {"duplicate", "duplicate", COLUMN_COUNT},
                                            {"back", "back", COLUMN_COUNT},
                                            {"future", "future", COLUMN_COUNT},
                                            {"late", "late", COLUMN_COUNT},
                                            {"rate", "rate", COLUMN_COUNT},
                                            {"symbol", "symbol", COLUMN_COUNT},
                                            {"confidence", "confidence", COLUMN_COUNT},
                                            {"breaker", "breaker", COLUMN_COUNT},
                                            {"record", "record", COLUMN_COUNT},
                                            {0}};
    json_t *rows = json_array(), *row;
    char strangers[128];
    size_t i;
    (void)options;
    table_print(out, columns, json_object_get(result, "signals"));
    json_array_foreach(json_object_get(result, "signals"), i, row)
    {
        json_t *by = json_object_get(row, "refused_by");
        if (json_object_size(by) == 0)
            continue;
        json_t *copy = json_copy(by);
        json_object_set(copy, "source", json_object_get(row, "source"));
        json_array_append_new(rows, copy);
    }
    if (json_array_size(rows)) {
        fputs("\nrefused\n", out);
        table_print(out, reasons, rows);
    }
    json_decref(rows);
    fprintf(out, "\nof strangers: %s\n", text_at(result, "strangers", COLUMN_COUNT, strangers));
}

void print_sessions(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"session", "session", COLUMN_TEXT},
                                            {"lane", "lane", COLUMN_TEXT},
                                            {"protocol", "protocol", COLUMN_TEXT},
                                            {"state", "state", COLUMN_TEXT},
                                            {"halted", "halted", COLUMN_TEXT},
                                            {"trading", "trading", COLUMN_TEXT},
                                            {"next", "next_sequence", COLUMN_COUNT},
                                            {"open", "open_orders", COLUMN_COUNT},
                                            {"open notional", "open_notional", COLUMN_PRICE},
                                            {"waiting", "cancels_waiting", COLUMN_COUNT},
                                            {"sent", "sent", COLUMN_COUNT},
                                            {"cancels", "cancels", COLUMN_COUNT},
                                            {"logins", "logins", COLUMN_COUNT},
                                            {"lost", "lost", COLUMN_COUNT},
                                            {"missing", "missing", COLUMN_COUNT},
                                            {"malformed", "malformed", COLUMN_COUNT},
                                            {0}};
    if (json_is_true(json_object_get(options, "--connections")))
        print_connections(out, result);
    else
        table_print(out, columns, json_object_get(result, "sessions"));
}

// name=value of each parameter, as `strategy set` takes them.
static json_t *with_parameters(const json_t *strategies)
{
    json_t *rows = json_array(), *strategy, *value;
    const char *name;
    size_t i;
    json_array_foreach(strategies, i, strategy)
    {
        json_t *row = json_copy(strategy), *words = json_array();
        json_object_foreach(json_object_get(strategy, "parameters"), name, value)
        {
            json_array_append_new(
                words, json_sprintf("%s=%" JSON_INTEGER_FORMAT, name, json_integer_value(value)));
        }
        json_object_set_new(row, "parameters", words);
        json_array_append_new(rows, row);
    }
    return rows;
}

void print_strategies(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"strategy", "strategy", COLUMN_TEXT},
                                            {"kind", "kind", COLUMN_TEXT},
                                            {"lane", "lane", COLUMN_TEXT},
                                            {"account", "account", COLUMN_TEXT},
                                            {"state", "state", COLUMN_TEXT},
                                            {"why", "why", COLUMN_TEXT},
                                            {"trading", "trading", COLUMN_TEXT},
                                            {"calls", "calls", COLUMN_COUNT},
                                            {"mean", "mean_ns", COLUMN_NS},
                                            {"max", "max_ns", COLUMN_NS},
                                            {"budget", "budget_ns", COLUMN_NS},
                                            {"late", "late", COLUMN_COUNT},
                                            {"open", "open_orders", COLUMN_COUNT},
                                            {"symbols", "symbols", COLUMN_WORDS},
                                            {"parameters", "parameters", COLUMN_WORDS},
                                            {0}};
    (void)options;
    json_t *rows = with_parameters(json_object_get(result, "strategies"));
    table_print(out, columns, rows);
    json_decref(rows);
}

void print_govern(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {
        {"lane", "lane", COLUMN_TEXT},
        {"in force from event", "in_force_from_event", COLUMN_COUNT},
        {"open orders", "open_orders", COLUMN_COUNT},
        {"was", "was", COLUMN_TEXT},
        {"now", "now", COLUMN_TEXT},
        {"lifted", "lifted", COLUMN_WORDS},
        {0}};
    char order[128], scope[128], name[128];
    const bool named = json_is_string(json_object_get(result, "name"));
    (void)options;
    fprintf(out, "%s: %s%s%s\n", text_at(result, "order", COLUMN_TEXT, order),
            text_at(result, "scope", COLUMN_TEXT, scope), named ? " " : "",
            named ? text_at(result, "name", COLUMN_TEXT, name) : "");
    table_print(out, columns, json_object_get(result, "lanes"));
    if (json_object_get(result, "in_force")) {
        fputc('\n', out);
        print_in_force(out, json_object_get(result, "in_force"));
    }
}

void print_selftest(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"control", "control", COLUMN_TEXT},
                                            {"scope", "scope", COLUMN_TEXT},
                                            {"at the limit", "at_limit", COLUMN_TEXT},
                                            {"beyond it", "beyond", COLUMN_TEXT},
                                            {0}};
    char controls[128];
    (void)options;
    table_print(out, columns, json_object_get(result, "rows"));
    fprintf(out, "all %s controls hold%s\n", text_at(result, "controls", COLUMN_COUNT, controls),
            json_is_true(json_object_get(result, "recorded")) ? "; the record was written" : "");
}
