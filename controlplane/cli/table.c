#include "controlplane/cli/table.h"

#include <stdbool.h>
#include <string.h>

enum { COLUMNS_MAX = 24, CELL_LEN = 768 };

const json_t *value_at(const json_t *object, const char *path)
{
    const char *dot;
    while ((dot = strchr(path, '.')) != NULL) {
        object = json_object_getn(object, path, (size_t)(dot - path));
        path = dot + 1;
    }
    return json_object_get(object, path);
}

static void scaled(char *text, size_t text_len, uint64_t value, uint64_t unit, const char *name)
{
    snprintf(text, text_len, "%llu.%llu%s", (unsigned long long)(value / unit),
             (unsigned long long)(value % unit * 10 / unit), name);
}

static void duration_text(uint64_t ns, char *text, size_t text_len)
{
    if (ns < 1000)
        snprintf(text, text_len, "%lluns", (unsigned long long)ns);
    else if (ns < 1000000)
        scaled(text, text_len, ns, 1000, "us");
    else if (ns < 1000000000)
        scaled(text, text_len, ns, 1000000, "ms");
    else
        scaled(text, text_len, ns, 1000000000, "s");
}

static void words_text(const json_t *value, char *text, size_t text_len)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < json_array_size(value) && used < text_len; i++) {
        const char *word = json_string_value(json_array_get(value, i));
        int n = snprintf(text + used, text_len - used, "%s%s", i ? "," : "", word ? word : "?");
        used += n > 0 ? (size_t)n : 0;
    }
}

char *value_text(const json_t *value, enum column_kind kind, char *text, size_t text_len)
{
    uint64_t number = (uint64_t)json_integer_value(value);
    if (value == NULL || json_is_null(value))
        snprintf(text, text_len, "-");
    else if (json_is_array(value))
        words_text(value, text, text_len);
    else if (json_is_string(value))
        snprintf(text, text_len, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        snprintf(text, text_len, "%s", json_is_true(value) ? "yes" : "no");
    else if (kind == COLUMN_NS)
        duration_text(number, text, text_len);
    else if (kind == COLUMN_BYTES && number >= 1 << 20)
        scaled(text, text_len, number, 1 << 20, "MiB");
    else if (kind == COLUMN_BYTES)
        scaled(text, text_len, number, 1 << 10, "KiB");
    else if (kind == COLUMN_PERMILLE)
        scaled(text, text_len, number, 10, "%");
    else
        snprintf(text, text_len, "%lld", (long long)json_integer_value(value));
    return text;
}

// Blanks at the end of a line would be copied along with the text.
static void line_print(FILE *out, const struct column *columns, const size_t *widths,
                       char (*cells)[CELL_LEN])
{
    for (size_t i = 0; columns[i].title; i++) {
        bool left = columns[i].kind == COLUMN_TEXT || columns[i].kind == COLUMN_WORDS;
        int width = left && columns[i + 1].title == NULL ? 0 : (int)widths[i];
        fprintf(out, "%s%*s", i ? "  " : "", left ? -width : width, cells[i]);
    }
    fputc('\n', out);
}

void table_print(FILE *out, const struct column *columns, const json_t *rows)
{
    char cells[COLUMNS_MAX][CELL_LEN];
    size_t widths[COLUMNS_MAX] = {0}, index;
    json_t *row;
    for (size_t i = 0; columns[i].title; i++)
        widths[i] = strlen(columns[i].title);
    json_array_foreach(rows, index, row)
    {
        for (size_t i = 0; columns[i].title; i++) {
            value_text(value_at(row, columns[i].key), columns[i].kind, cells[i], CELL_LEN);
            if (strlen(cells[i]) > widths[i])
                widths[i] = strlen(cells[i]);
        }
    }
    for (size_t i = 0; columns[i].title; i++)
        snprintf(cells[i], CELL_LEN, "%s", columns[i].title);
    line_print(out, columns, widths, cells);
    json_array_foreach(rows, index, row)
    {
        for (size_t i = 0; columns[i].title; i++)
            value_text(value_at(row, columns[i].key), columns[i].kind, cells[i], CELL_LEN);
        line_print(out, columns, widths, cells);
    }
}
