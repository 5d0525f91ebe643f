// Limits, as tables.
#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

// Money is text, counts are numbers; what stands for none is null.
static const char *shown(const json_t *object, const char *key, char text[64])
{
    const json_t *value = json_object_get(object, key);
    if (json_is_null(value))
        return "none";
    return value_text(value, json_is_string(value) ? COLUMN_TEXT : COLUMN_COUNT, text, 64);
}

void print_limits(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"scope", "scope", COLUMN_TEXT},
                                            {"name", "name", COLUMN_TEXT},
                                            {"control", "control", COLUMN_TEXT},
                                            {"limit", "limit", COLUMN_PRICE},
                                            {"use", "use", COLUMN_PRICE},
                                            {"headroom", "headroom", COLUMN_PRICE},
                                            {"binds", "binds", COLUMN_TEXT},
                                            {"firm", "firm", COLUMN_PRICE},
                                            {"broker", "broker", COLUMN_PRICE},
                                            {"state", "state", COLUMN_TEXT},
                                            {0}};
    static const char *const numbers[] = {"limit", "use", "headroom", "firm", "broker"};
    json_t *rows = json_array(), *limit;
    size_t i;
    (void)options;
    json_array_foreach(json_object_get(result, "limits"), i, limit)
    {
        json_t *row = json_copy(limit);
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            char text[64];
            if (!json_is_null(json_object_get(limit, numbers[k])))
                json_object_set_new(row, numbers[k], json_string(shown(limit, numbers[k], text)));
        }
        if (json_is_true(json_object_get(limit, "broken")))
            json_object_set_new(row, "state", json_string("broken"));
        json_array_append_new(rows, row);
    }
    table_print(out, columns, rows);
    json_decref(rows);
}

void print_limit_set(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {
        {"lane", "lane", COLUMN_TEXT},
        {"in force from event", "in_force_from_event", COLUMN_COUNT},
        {"limits version", "limits_version", COLUMN_COUNT},
        {0}};
    const json_t *name = json_object_get(result, "name");
    char scope[64], control[64], was[64], now[64];
    (void)options;
    fprintf(out, "%s%s%s %s: %s, was %s\n", shown(result, "scope", scope),
            json_is_string(name) ? " " : "", json_is_string(name) ? json_string_value(name) : "",
            shown(result, "control", control), shown(result, "now", now),
            shown(result, "was", was));
    table_print(out, columns, json_object_get(result, "lanes"));
}
