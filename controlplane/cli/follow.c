// Commands that go on until they are interrupted: a stream of notifications, and the live view.
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/cli/run.h"
#include "controlplane/cli/table.h"

// --- events ---

static void print_notification(const struct invocation *invocation, const json_t *message)
{
    const char *method = json_string_value(json_object_get(message, "method"));
    const json_t *params = json_object_get(message, "params");
    if (invocation->json) {
        json_dumpf(message, stdout, JSON_COMPACT);
        fputc('\n', stdout);
    } else if (method && strcmp(method, "event") == 0) {
        json_t *one = json_pack("{s:[O]}", "events", params);
        print_events(stdout, one, NULL);
        json_decref(one);
    } else if (method && strcmp(method, "log") == 0) {
        fprintf(stdout, "%s  %-8s %-16s %s\n", json_string_value(json_object_get(params, "time")),
                json_string_value(json_object_get(params, "level")),
                json_string_value(json_object_get(params, "event")),
                json_string_value(json_object_get(params, "text")));
    } else if (method && strcmp(method, "missed") == 0) {
        fprintf(stdout, "(%lld %s went by too fast to be shown)\n",
                (long long)json_integer_value(json_object_get(params, "count")),
                json_string_value(json_object_get(params, "topic")));
    }
}

bool follow(const struct invocation *invocation, struct client *client, struct error *err)
{
    json_t *params = json_copy(invocation->params);
    if (json_object_get(params, "topics") == NULL)
        json_object_set_new(params, "topics", json_pack("[s]", "events"));
    json_t *result = client_call(client, "subscribe", params, err);
    if (result == NULL)
        return false;
    json_decref(result);
    fflush(stdout);
    while (!invocation_stopped()) {
        json_t *message = client_next(client, err);
        if (message == NULL && err->code != EXIT_OK)
            return false;
        if (json_object_get(message, "method")) {
            print_notification(invocation, message);
            if (fflush(stdout) != 0)
                return error_set(err, EXIT_FAILED, "cannot write to standard output");
        }
        json_decref(message);
    }
    return true;
}

// --- top ---

struct part {
    const char *method;
    const char *list;
    const struct column *columns;
};

static void top_head(FILE *out, const json_t *status)
{
    char a[128], b[128], c[128], d[128];
    fprintf(out, "%s  %s  up %s s  heartbeat %s ms\n\n",
            value_text(value_at(status, "node"), COLUMN_TEXT, a, sizeof a),
            value_text(value_at(status, "state"), COLUMN_TEXT, b, sizeof b),
            value_text(value_at(status, "uptime_s"), COLUMN_COUNT, c, sizeof c),
            value_text(value_at(status, "heartbeat_age_ms"), COLUMN_COUNT, d, sizeof d));
}

static const struct column lane_columns[] = {{"lane", "lane", COLUMN_TEXT},
                                             {"busy", "busy_permille", COLUMN_PERMILLE},
                                             {"frames/s", "frames_per_s", COLUMN_COUNT},
                                             {"to book p50", "frame_to_book.p50_ns", COLUMN_NS},
                                             {"p99", "frame_to_book.p99_ns", COLUMN_NS},
                                             {"p99.9", "frame_to_book.p999_ns", COLUMN_NS},
                                             {"max", "frame_to_book.max_ns", COLUMN_NS},
                                             {0}};
static const struct column feed_columns[] = {{"channel", "channel", COLUMN_TEXT},
                                             {"quality", "quality", COLUMN_TEXT},
                                             {"messages/s", "messages_per_s", COLUMN_COUNT},
                                             {"gaps", "gaps", COLUMN_COUNT},
                                             {"lost", "lost_messages", COLUMN_COUNT},
                                             {"held", "held", COLUMN_COUNT},
                                             {0}};
static const struct column session_columns[] = {
    {"session", "session", COLUMN_TEXT},         {"state", "state", COLUMN_TEXT},
    {"trading", "trading", COLUMN_TEXT},         {"open", "open_orders", COLUMN_COUNT},
    {"notional", "open_notional", COLUMN_PRICE}, {"sent", "sent", COLUMN_COUNT},
    {"cancels", "cancels", COLUMN_COUNT},        {0}};
static const struct column force_columns[] = {
    {"in force", "what", COLUMN_TEXT}, {"scope", "scope", COLUMN_TEXT},
    {"name", "name", COLUMN_TEXT},     {"lane", "lane", COLUMN_TEXT},
    {"by", "by", COLUMN_TEXT},         {0}};
static const struct part parts[] = {{"lanes", "lanes", lane_columns},
                                    {"feeds", "feeds", feed_columns},
                                    {"sessions", "sessions", session_columns},
                                    {"trading", "in_force", force_columns}};

// All parts as one object; what the state is against (nothing trades) is left out.
static json_t *top_take(struct client *client, struct error *err)
{
    json_t *all = json_object();
    json_t *status = client_call(client, "status", json_object(), err);
    if (status == NULL) {
        json_decref(all);
        return NULL;
    }
    json_object_set_new(all, "status", status);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct error part = {0};
        json_t *result = client_call(client, parts[i].method, json_object(), &part);
        if (result == NULL && part.code != EXIT_STATE) {
            *err = part;
            json_decref(all);
            return NULL;
        }
        if (result)
            json_object_set_new(all, parts[i].method, result);
    }
    return all;
}

static void top_print(const json_t *all)
{
    top_head(stdout, json_object_get(all, "status"));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const json_t *rows = json_object_get(json_object_get(all, parts[i].method), parts[i].list);
        if (json_array_size(rows) == 0)
            continue;
        table_print(stdout, parts[i].columns, rows);
        fputc('\n', stdout);
    }
}

// At a terminal again and again, else once, unless --watch says otherwise.
bool top_show(const struct invocation *invocation, struct client *client, struct error *err)
{
    const bool terminal = isatty(STDOUT_FILENO) && !invocation->json;
    const uint32_t every_ms = invocation->watch_ms ? invocation->watch_ms : terminal ? 1000 : 0;
    while (!invocation_stopped()) {
        json_t *all = top_take(client, err);
        if (all == NULL)
            return invocation_stopped();
        if (terminal)
            fputs("\033[H\033[J", stdout);
        if (invocation->json)
            json_dumpf(all, stdout, every_ms ? JSON_COMPACT : JSON_INDENT(2));
        else
            top_print(all);
        if (invocation->json)
            fputc('\n', stdout);
        json_decref(all);
        if (fflush(stdout) != 0)
            return error_set(err, EXIT_FAILED, "cannot write to standard output");
        if (every_ms == 0)
            return true;
        nanosleep(
            &(struct timespec){.tv_sec = every_ms / 1000, .tv_nsec = every_ms % 1000 * 1000000L},
            NULL);
    }
    return true;
}
