// What differs between two configurations, and what became of it.
#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

static void rows_print(FILE *out, const json_t *result)
{
    static const struct column columns[] = {{"key", "key", COLUMN_TEXT},
                                            {"was", "was", COLUMN_TEXT},
                                            {"now", "now", COLUMN_TEXT},
                                            {"takes", "takes", COLUMN_TEXT},
                                            {0}};
    if (json_array_size(json_object_get(result, "rows")))
        table_print(out, columns, json_object_get(result, "rows"));
}

static void confirm_print(FILE *out, const json_t *result)
{
    const char *until = json_string_value(json_object_get(result, "confirm_until"));
    if (until)
        fprintf(out, "goes back at %s unless confirmed: tickgate config confirm\n", until);
}

void print_config_diff(FILE *out, const json_t *result, const json_t *options)
{
    const char *file = json_string_value(json_object_get(result, "file"));
    const json_int_t count = json_integer_value(json_object_get(result, "differences"));
    (void)options;
    if (count == 0)
        fprintf(out, "%s says what is in force\n", file ? file : "?");
    rows_print(out, result);
    confirm_print(out, result);
}

void print_config_applied(FILE *out, const json_t *result, const json_t *options)
{
    (void)options;
    rows_print(out, result);
    fprintf(out, "version %lld is in force\n",
            json_integer_value(json_object_get(result, "version")));
    confirm_print(out, result);
}
