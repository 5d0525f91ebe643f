#include <string.h>

#include "controlplane/cli/day.h"
#include "controlplane/cli/run.h"
#include "controlplane/cli/table.h"

enum { WITHIN_S = 30 };

static json_t *call(void *context, const char *method, json_t *params, struct error *err)
{
    return client_call(context, method, params, err);
}

static const char *option(const struct invocation *invocation, const char *name)
{
    return json_string_value(json_object_get(invocation->options, name));
}

static void show(const struct invocation *invocation, const json_t *record)
{
    static const struct column columns[] = {{"step", "step", COLUMN_TEXT},
                                            {"state", "state", COLUMN_TEXT},
                                            {"", "said", COLUMN_TEXT},
                                            {0}};
    if (invocation->json) {
        json_dumpf(record, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
    } else {
        table_print(stdout, columns, json_object_get(record, "steps"));
    }
}

void day_run(const struct invocation *invocation, struct client *client, struct error *err)
{
    const struct day_asks asks = {call, client};
    const json_t *within = json_object_get(invocation->options, "--within");
    const uint64_t within_s = within ? (uint64_t)json_integer_value(within) : WITHIN_S;
    const struct day_order order = {.reason = option(invocation, "--reason"),
                                    .record = option(invocation, "--record"),
                                    .next = option(invocation, "--next"),
                                    .positions = option(invocation, "--positions"),
                                    .within_ms = (within_s < 86400 ? within_s : 86400) * 1000};
    const bool start = strcmp(invocation->command->words[1], "start") == 0;
    json_t *record = start ? day_start(&asks, &order, err) : day_end(&asks, &order, err);
    if (record)
        show(invocation, record);
    json_decref(record);
    if (err->code == EXIT_NOT_CONNECTED)
        client_close(client);
}
