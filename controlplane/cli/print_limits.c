// Limits, as tables.
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

enum { SHOWN_LEN = 512 }; // the names of all sessions

// Money is text, counts are numbers; what stands for none is null.
static const char *shown(const json_t *object, const char *key, char text[SHOWN_LEN])
{
    const json_t *value = json_object_get(object, key);
    if (json_is_null(value))
        return "none";
    return value_text(value, json_is_string(value) ? COLUMN_TEXT : COLUMN_COUNT, text, SHOWN_LEN);
}

// What a limit is in beside its numbers.
static void state_put(json_t *row)
{
    if (json_is_true(json_object_get(row, "broken")))
        json_object_set_new(row, "state", json_string("broken"));
    else if (json_is_true(json_object_get(row, "warned")))
        json_object_set_new(row, "state", json_string("warning"));
}

void print_limits(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {
        {"scope", "scope", COLUMN_TEXT},      {"name", "name", COLUMN_TEXT},
        {"control", "control", COLUMN_TEXT},  {"limit", "limit", COLUMN_PRICE},
        {"use", "use", COLUMN_PRICE},         {"headroom", "headroom", COLUMN_PRICE},
        {"warn at", "warn_at", COLUMN_PRICE}, {"binds", "binds", COLUMN_TEXT},
        {"firm", "firm", COLUMN_PRICE},       {"broker", "broker", COLUMN_PRICE},
        {"state", "state", COLUMN_TEXT},      {"until", "until", COLUMN_TEXT},
        {"then", "back", COLUMN_PRICE},       {0}};
    static const char *const numbers[] = {"limit",  "use",  "headroom", "firm",
                                          "broker", "back", "warn_at"};
    json_t *rows = json_array(), *limit;
    size_t i;
    (void)options;
    json_array_foreach(json_object_get(result, "limits"), i, limit)
    {
        json_t *row = json_copy(limit);
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            char text[SHOWN_LEN];
            if (!json_is_null(json_object_get(limit, numbers[k])))
                json_object_set_new(row, numbers[k], json_string(shown(limit, numbers[k], text)));
        }
        state_put(row);
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
    char scope[SHOWN_LEN], control[SHOWN_LEN], was[SHOWN_LEN], now[SHOWN_LEN], owner[SHOWN_LEN],
        binds[SHOWN_LEN], bound[SHOWN_LEN];
    (void)options;
    fprintf(out, "%s%s%s %s: %s, was %s\n", shown(result, "scope", scope),
            json_is_string(name) ? " " : "", json_is_string(name) ? json_string_value(name) : "",
            shown(result, "control", control), shown(result, "now", now),
            shown(result, "was", was));
    shown(result, "owner", owner);
    if (strcmp(shown(result, "binds", binds), owner) != 0)
        fprintf(out, "the %s's limit of %s binds: this one of the %s's changes nothing yet\n",
                binds, shown(result, "bound", bound), owner);
    if (json_is_string(json_object_get(result, "until")))
        fprintf(out, "until %s, then %s\n", json_string_value(json_object_get(result, "until")),
                shown(result, "back", was));
    table_print(out, columns, json_object_get(result, "lanes"));
}

// --- headroom ---

static int more_used(const void *left, const void *right)
{
    const json_t *const *a = left, *const *b = right;
    const json_int_t x = json_integer_value(json_object_get(*a, "used_permille"));
    const json_int_t y = json_integer_value(json_object_get(*b, "used_permille"));
    return (x < y) - (x > y);
}

void print_headroom(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {
        {"scope", "scope", COLUMN_TEXT},     {"name", "name", COLUMN_TEXT},
        {"control", "control", COLUMN_TEXT}, {"used", "used_permille", COLUMN_PERMILLE},
        {"use", "use", COLUMN_PRICE},        {"limit", "limit", COLUMN_PRICE},
        {"left", "headroom", COLUMN_PRICE},  {"state", "state", COLUMN_TEXT},
        {"until", "until", COLUMN_TEXT},     {0}};
    const json_t *limits = json_object_get(result, "limits");
    const size_t count = json_array_size(limits);
    json_t **rows = calloc(count + 1, sizeof(json_t *)), *list = json_array(), *limit;
    size_t i, used = 0;
    (void)options;
    json_array_foreach(limits, i, limit)
    {
        if (rows == NULL || !json_is_integer(json_object_get(limit, "used_permille")))
            continue;
        state_put(limit);
        rows[used++] = limit;
    }
    if (rows)
        qsort(rows, used, sizeof(json_t *), more_used);
    for (i = 0; i < used; i++)
        json_array_append(list, rows[i]);
    table_print(out, columns, list);
    json_decref(list);
    free(rows);
}

// --- approvals ---

void print_approvals(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"id", "id", COLUMN_COUNT},
                                            {"change", "change", COLUMN_TEXT},
                                            {"asked by", "user", COLUMN_COUNT},
                                            {"asked", "asked", COLUMN_TEXT},
                                            {"what", "what", COLUMN_TEXT},
                                            {"reason", "reason", COLUMN_TEXT},
                                            {0}};
    (void)options;
    table_print(out, columns, json_object_get(result, "approvals"));
}

// What was approved says what it is by its answer.
void print_approved(FILE *out, const json_t *result, const json_t *options)
{
    if (json_object_get(result, "version"))
        print_config_applied(out, result, options);
    else
        print_limit_set(out, result, options);
}
