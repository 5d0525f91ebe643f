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
