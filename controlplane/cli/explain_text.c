#include "controlplane/cli/explain_text.h"

#include <stdio.h>
#include <string.h>

static const char *text_at(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text && *text ? text : "-";
}

static json_int_t number_at(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

// A number that may be too large for one of JSON, and is a text then.
static const char *digits_at(const json_t *row, const char *key, char out[24])
{
    const char *text = json_string_value(json_object_get(row, key));
    snprintf(out, 24, "%lld", number_at(row, key));
    return text ? text : out;
}

static void decision_print(const json_t *row, const json_t *fields)
{
    const json_t *book = json_object_get(row, "book"), *ns = json_object_get(row, "ns_until");
    const json_t *cause = json_object_get(row, "cause");
    char digits[24];
    size_t i;
    json_t *check;
    printf("    caused by    lane %lld input %lld, as a capture marks what left, received %s; "
           "strategy or client %s, account %s\n",
           number_at(cause, "lane"), number_at(cause, "input"), text_at(cause, "received"),
           text_at(row, "strategy"), text_at(row, "account"));
    const json_t *told = json_object_get(row, "signal");
    if (told)
        printf("    signal       %lld of %s for %s, made %s: %lld, confidence %lld\n",
               number_at(told, "number"), text_at(told, "source"), text_at(told, "symbol"),
               text_at(told, "as_of"), number_at(told, "value"), number_at(told, "confidence"));
    printf("    asked        %s %s %lld %s at %s%s on %s, reference %lld, client's %s\n",
           text_at(fields, "kind"), text_at(fields, "side"), number_at(fields, "quantity"),
           text_at(row, "symbol"),
           json_is_true(json_object_get(row, "market")) ? "market, made immediate or cancel at "
                                                        : "",
           text_at(row, "price"), text_at(row, "session"), number_at(fields, "ref"),
           digits_at(fields, "client_id", digits));
    printf("    book seen    bid %s x %lld, ask %s x %lld, %s\n", text_at(book, "bid"),
           number_at(book, "bid_shares"), text_at(book, "ask"), number_at(book, "ask_shares"),
           text_at(book, "quality"));
    printf("    checks      ");
    json_array_foreach(json_object_get(row, "checks"), i, check)
    {
        if (strcmp(text_at(check, "verdict"), "passed") == 0)
            printf(" %s", text_at(check, "check"));
        else
            printf("\n    FAILED       %s of %s: %lld, limit %lld, the %s's",
                   text_at(check, "check"), text_at(check, "scope"), number_at(check, "value"),
                   number_at(check, "limit"), text_at(check, "binds"));
    }
    printf("\n    verdict      %s (%s), limits version %lld\n", text_at(row, "why"),
           text_at(fields, "refusal"), number_at(fields, "limits_version"));
    printf("    time         decided after %lld ns, gated %lld, encoded %lld, since the burst\n",
           number_at(ns, "decided"), number_at(ns, "gated"), number_at(ns, "encoded"));
}

static void order_print(const json_t *fields)
{
    static const char *const lives[] = {"pending", "live", "unknown", "over"};
    const json_int_t life = number_at(fields, "life");
    char digits[24];
    printf("    exchange     %s; open %lld, filled %lld", life >= 0 && life < 4 ? lives[life] : "?",
           number_at(fields, "open"), number_at(fields, "filled"));
    if (number_at(fields, "fill_shares"))
        printf("; executed %lld at %lld.%04lld, match %s", number_at(fields, "fill_shares"),
               number_at(fields, "fill_price") / 10000, number_at(fields, "fill_price") % 10000,
               digits_at(fields, "match", digits));
    if (number_at(fields, "broken_shares"))
        printf("; broken %lld at %lld.%04lld, match %s", number_at(fields, "broken_shares"),
               number_at(fields, "broken_price") / 10000, number_at(fields, "broken_price") % 10000,
               digits_at(fields, "match", digits));
    fputc('\n', stdout);
}

static void route_print(const json_t *row, const json_t *fields)
{
    char digits[24];
    if (strcmp(text_at(row, "event"), "ROUTE") == 0)
        printf("    routed       route %lld, %s %s %lld %s up to %s, round %lld: %lld to place, "
               "best price %s; "
               "strategy or client %s, account %s, client's %s\n",
               number_at(fields, "route"), text_at(row, "how"), text_at(fields, "side"),
               number_at(fields, "quantity"), text_at(row, "symbol"), text_at(row, "price"),
               number_at(fields, "round"), number_at(fields, "wanted"), text_at(row, "best"),
               text_at(row, "strategy"), text_at(row, "account"),
               digits_at(fields, "client_id", digits));
    else
        printf("    venue        %s, preferred as number %lld, shows %lld at %s, gets %lld: %s\n",
               text_at(row, "session"), number_at(fields, "rank"), number_at(fields, "shares"),
               text_at(row, "best"), number_at(fields, "quantity"), text_at(row, "why"));
}

void explain_print(const json_t *steps, const char *end)
{
    size_t i;
    json_t *row;
    json_array_foreach(steps, i, row)
    {
        const json_t *fields = json_object_get(row, "fields");
        const char *event = text_at(row, "event");
        printf("%s  +%lld ns  %s  (record %lld, number %lld)\n", text_at(row, "time"),
               number_at(row, "after_ns"), event, number_at(row, "number"),
               number_at(row, "sequence"));
        if (strcmp(event, "DECISION") == 0)
            decision_print(row, fields);
        else if (strcmp(event, "ORDER") == 0)
            order_print(fields);
        else if (strncmp(event, "ROUTE", 5) == 0)
            route_print(row, fields);
        else if (strcmp(event, "ORDER_RELEASED") == 0)
            printf("    released     after %lld ns in wait of the journal, gated again: %s\n",
                   number_at(row, "parked_ns"), text_at(row, "verdict"));
        else if (strncmp(event, "CANCEL_", 7) == 0)
            printf("    cancel       to %lld shares, reference %lld; %lld wait\n",
                   number_at(fields, "total"), number_at(fields, "ref"),
                   number_at(fields, "waiting"));
        else if (strncmp(event, "ORDER_", 6) == 0)
            printf("    frame        %s, %lld ns after the burst, reference %lld\n",
                   strcmp(event, "ORDER_SENT") == 0 ? "taken by the port" : "did not leave",
                   number_at(row, "ns_until_handed"), number_at(fields, "ref"));
    }
    puts(end);
}
