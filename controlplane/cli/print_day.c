// The trading day, as tables.
#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

void print_reload(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column files[] = {{"file", "file", COLUMN_TEXT},
                                          {"holds from", "date", COLUMN_TEXT},
                                          {"rows", "rows", COLUMN_COUNT},
                                          {"hash", "hash", COLUMN_TEXT},
                                          {0}};
    static const struct column lanes[] = {
        {"lane", "lane", COLUMN_TEXT}, {"limits version", "limits_version", COLUMN_COUNT}, {0}};
    (void)options;
    table_print(out, files, json_object_get(result, "files"));
    fputc('\n', out);
    table_print(out, lanes, json_object_get(result, "lanes"));
}

void print_calendar(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column days[] = {
        {"date", "date", COLUMN_TEXT},        {"day", "weekday", COLUMN_TEXT},
        {"open", "open", COLUMN_TEXT},        {"close", "close", COLUMN_TEXT},
        {"UTC", "utc", COLUMN_TEXT},          {"notes", "notes", COLUMN_WORDS},
        {"windows", "windows", COLUMN_WORDS}, {0}};
    const json_t *row;
    const char *next = json_string_value(json_object_get(result, "next"));
    size_t i;
    (void)options;
    fprintf(out, "trading day %s (%s), next %s; %s ends on %s\n\n",
            json_string_value(json_object_get(result, "today")),
            json_string_value(json_object_get(result, "zone")), next ? next : "not known",
            json_string_value(json_object_get(result, "file")),
            json_string_value(json_object_get(result, "ends")));
    table_print(out, days, json_object_get(result, "days"));
    json_array_foreach(json_object_get(result, "warnings"), i, row)
    {
        fprintf(out, "%s! %s\n", i ? "" : "\n", json_string_value(row));
    }
}
