// Drop copies and what differs.
#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

static void why_print(FILE *out, const json_t *copies)
{
    const json_t *copy;
    size_t i;
    json_array_foreach(copies, i, copy)
    {
        const char *why = json_string_value(json_object_get(copy, "why"));
        if (why)
            fprintf(out, "%s: %s\n", json_string_value(json_object_get(copy, "drop_copy")), why);
    }
}

void print_drop_copies(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column copies[] = {{"drop copy", "drop_copy", COLUMN_TEXT},
                                           {"sessions", "sessions", COLUMN_WORDS},
                                           {"state", "state", COLUMN_TEXT},
                                           {"session", "session", COLUMN_TEXT},
                                           {"next", "next_sequence", COLUMN_COUNT},
                                           {"equal", "equal", COLUMN_COUNT},
                                           {"waiting", "waiting", COLUMN_COUNT},
                                           {"differing", "differing", COLUMN_COUNT},
                                           {"differences", "differences", COLUMN_COUNT},
                                           {"settled", "settled", COLUMN_COUNT},
                                           {"foreign", "foreign", COLUMN_COUNT},
                                           {"unreadable", "unreadable", COLUMN_COUNT},
                                           {"dropped", "dropped", COLUMN_COUNT},
                                           {0}};
    static const struct column rows[] = {{"drop copy", "drop_copy", COLUMN_TEXT},
                                         {"session", "session", COLUMN_TEXT},
                                         {"what", "what", COLUMN_TEXT},
                                         {"order", "ref", COLUMN_COUNT},
                                         {"match", "match", COLUMN_COUNT},
                                         {"difference", "difference", COLUMN_TEXT},
                                         {"ours", "our_count", COLUMN_COUNT},
                                         {"shares", "our_shares", COLUMN_COUNT},
                                         {"price", "our_price", COLUMN_PRICE},
                                         {"theirs", "their_count", COLUMN_COUNT},
                                         {"shares", "their_shares", COLUMN_COUNT},
                                         {"price", "their_price", COLUMN_PRICE},
                                         {"message", "their_sequence", COLUMN_COUNT},
                                         {0}};
    const json_t *list = json_object_get(result, "drop_copies");
    const json_t *differences = json_object_get(result, "differences");
    (void)options;
    if (json_array_size(list) == 0) {
        fputs("no drop copy is read: the configuration has none (drop_copies)\n", out);
        return;
    }
    table_print(out, copies, list);
    why_print(out, list);
    if (json_array_size(differences) == 0)
        return;
    fputc('\n', out);
    table_print(out, rows, differences);
}
