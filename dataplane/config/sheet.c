#include "dataplane/config/sheet.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"

enum { FIELDS_MAX = SHEET_COLUMNS_MAX };

// One line, cut at its commas. Nothing is quoted: no value of ours has a comma in it.
struct line {
    uint32_t number;
    uint32_t fields;
    const char *text[FIELDS_MAX];
    uint32_t len[FIELDS_MAX];
    uint32_t column[FIELDS_MAX]; // of the first character, from 1 on
};

struct reading {
    struct sheet *s;
    const char *text;
    uint64_t len;
    uint64_t at;
    uint32_t number;
    struct line line;
    uint32_t order[FIELDS_MAX]; // column of the kind that stands at this place
    struct error *err;
};

bool sheet_fault(const struct sheet *s, uint32_t line, const char *column, struct error *err,
                 const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(err, EXIT_USAGE, "%s:%u: %s: %s", s->name, line, column, text);
}

static bool fault(const struct reading *r, uint32_t field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool fault(const struct reading *r, uint32_t field, const char *fmt, ...)
{
    char text[sizeof r->err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(r->err, EXIT_USAGE, "%s:%u:%u: %s", r->s->name,
                     r->line.number ? r->line.number : 1, // 0: an empty file
                     field < r->line.fields ? r->line.column[field] : 1, text);
}

// --- lines and fields ---

static bool field_add(struct reading *r, const char *text, uint32_t len, uint32_t column)
{
    struct line *l = &r->line;
    while (len && *text == ' ')
        text++, len--, column++;
    while (len && text[len - 1] == ' ')
        len--;
    if (l->fields == FIELDS_MAX)
        return fault(r, FIELDS_MAX - 1, "more than %d columns; a value has no comma in it",
                     FIELDS_MAX);
    l->text[l->fields] = text;
    l->len[l->fields] = len;
    l->column[l->fields++] = column;
    return true;
}

static bool line_cut(struct reading *r, const char *text, uint32_t len)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i <= len; i++) {
        const unsigned char c = i < len ? (unsigned char)text[i] : ',';
        if (c == '"' || (!isprint(c) && i < len))
            return error_set(r->err, EXIT_USAGE,
                             "%s:%u:%u: a character that no value has (%s); save it as plain text "
                             "without quotes",
                             r->s->name, r->line.number, i + 1,
                             c == '"' ? "a quote" : "not printable ASCII");
        if (c != ',')
            continue;
        if (!field_add(r, text + from, i - from, from + 1))
            return false;
        from = i + 1;
    }
    return true;
}

// The next line that is not empty and no comment. False: the end, or <err>.
static bool line_next(struct reading *r)
{
    while (r->at < r->len) {
        const char *text = r->text + r->at;
        const char *end = memchr(text, '\n', r->len - r->at);
        uint64_t len = end ? (uint64_t)(end - text) : r->len - r->at;
        r->at += len + (end != NULL);
        r->line = (struct line){.number = ++r->number};
        if (len && text[len - 1] == '\r')
            len--;
        if (len > SHEET_LINE_MAX)
            return fault(r, 0, "the line is longer than %d characters", SHEET_LINE_MAX);
        if (len == 0 || *text == '#')
            continue;
        return line_cut(r, text, (uint32_t)len);
    }
    return false;
}

static bool field_is(const struct line *l, uint32_t field, const char *text)
{
    return field < l->fields && l->len[field] == strlen(text) &&
           memcmp(l->text[field], text, l->len[field]) == 0;
}

// --- the first two lines ---

static bool date_read(const struct reading *r, uint32_t field, int32_t *day)
{
    char shown[48];
    const struct line *l = &r->line;
    return date_parse(l->text[field], l->len[field], day) ||
           fault(r, field, "'%s' is no day; write YYYY-MM-DD",
                 value_shown(l->text[field], l->len[field], shown));
}

static bool first_read(struct reading *r)
{
    struct sheet *s = r->s;
    const struct sheet_kind *kind = s->kind;
    const struct line *l = &r->line;
    char version[12];
    snprintf(version, sizeof version, "%u", kind->version);
    if (!line_next(r) || !field_is(l, 0, "tickgate") || !field_is(l, 1, kind->name))
        return fault(r, 0, "is no file of this kind; its first line is tickgate,%s,%u,%s",
                     kind->name, kind->version,
                     kind->until ? "YYYY-MM-DD,YYYY-MM-DD" : "YYYY-MM-DD");
    if (!field_is(l, 2, version))
        return fault(r, 2,
                     "is not version %u of '%s'; write it as this program's "
                     "docs/reference.md says",
                     kind->version, kind->name);
    if (l->fields != (kind->until ? 5u : 4u))
        return fault(r, 0, "takes %s behind the version",
                     kind->until ? "the first and the last day" : "the day from which it holds");
    return date_read(r, 3, &s->day) && (!kind->until || date_read(r, 4, &s->until)) &&
           (!kind->until || s->until >= s->day || fault(r, 4, "is before the first day"));
}

static uint32_t column_find(const struct sheet_kind *kind, const struct line *l, uint32_t field)
{
    uint32_t at = 0;
    while (at < kind->column_count && !field_is(l, field, kind->columns[at].value.key))
        at++;
    return at;
}

static bool columns_read(struct reading *r)
{
    const struct sheet_kind *kind = r->s->kind;
    const struct line *l = &r->line;
    char shown[48];
    uint32_t seen = 0;
    if (!line_next(r))
        return fault(r, 0, "ends before the line with the names of the columns");
    for (uint32_t i = 0; i < l->fields; i++) {
        const uint32_t at = r->order[i] = column_find(kind, l, i);
        if (at == kind->column_count)
            return fault(r, i, "'%s' is no column of '%s'; docs/reference.md lists them",
                         value_shown(l->text[i], l->len[i], shown), kind->name);
        if (seen >> at & 1)
            return fault(r, i, "column '%s' stands here twice; remove one",
                         kind->columns[at].value.key);
        seen |= 1u << at;
    }
    for (uint32_t i = 0; i < kind->column_count; i++)
        if (kind->columns[i].required && !(seen >> i & 1))
            return fault(r, 0, "column '%s' is missing; add it", kind->columns[i].value.key);
    return true;
}

// --- rows ---

static bool days_parse(const char *text, size_t len, struct sheet_days *days)
{
    static const char names[] = "montuewedthufrisatsun";
    uint32_t from = 7, to = 7;
    *days = (struct sheet_days){0};
    if (date_parse(text, len, &days->day))
        return true;
    days->day = 0;
    if (len != 3 && (len != 7 || text[3] != '-'))
        return false;
    for (uint32_t i = 0; i < 7; i++) {
        from = memcmp(text, names + 3 * i, 3) == 0 ? i : from;
        to = memcmp(text + len - 3, names + 3 * i, 3) == 0 ? i : to;
    }
    for (uint32_t i = from; i <= to && to < 7; i++)
        days->weekdays |= 1u << i;
    return days->weekdays != 0;
}

static bool cell_parse(const struct sheet_column *c, const char *text, size_t len, uint8_t *row,
                       char why[VALUE_WHY_LEN])
{
    void *member = row + c->value.offset;
    const char *wanted = NULL;
    char shown[48];
    switch (c->cell) {
    case CELL_VALUE: return value_parse(&c->value, text, len, member, why);
    case CELL_SYMBOL: return value_symbol(text, len, member, why);
    case CELL_SHARES:
        wanted = value_number(text, len, member, why) ? NULL : "whole shares, below 0 for short";
        break;
    case CELL_TIME: wanted = time_parse(text, len, member) ? NULL : "HH:MM or HH:MM:SS"; break;
    case CELL_DAYS:
        wanted = days_parse(text, len, member) ? NULL : "YYYY-MM-DD, a weekday, or mon-fri";
        break;
    }
    if (wanted)
        snprintf(why, VALUE_WHY_LEN, "'%s': it takes %s", value_shown(text, len, shown), wanted);
    return wanted == NULL;
}

static uint8_t *row_new(struct reading *r)
{
    struct sheet *s = r->s;
    const uint32_t bytes = s->kind->row_bytes;
    if (s->count == s->places) {
        s->places = s->places ? 2 * s->places : 64;
        s->rows = realloc(s->rows, (uint64_t)s->places * bytes);
        MUST(s->rows != NULL);
    }
    uint8_t *row = s->rows + (uint64_t)s->count++ * bytes;
    memset(row, 0, bytes);
    return row;
}

static bool row_read(struct reading *r, uint32_t columns)
{
    const struct sheet_kind *kind = r->s->kind;
    const struct line *l = &r->line;
    char why[VALUE_WHY_LEN];
    if (l->fields != columns)
        return fault(r, l->fields - 1, "has %u values, and there are %u columns", l->fields,
                     columns);
    if (r->s->count == SHEET_ROWS_MAX)
        return fault(r, 0, "more than %d rows", SHEET_ROWS_MAX);
    uint8_t *row = row_new(r);
    struct sheet_row head = {.line = l->number};
    for (uint32_t i = 0; i < columns; i++) {
        const struct sheet_column *c = &kind->columns[r->order[i]];
        if (l->len[i] == 0 && !c->required)
            continue;
        if (l->len[i] == 0)
            return fault(r, i, "%s: is empty; every row needs it", c->value.key);
        if (!cell_parse(c, l->text[i], l->len[i], row, why))
            return fault(r, i, "%s: %s", c->value.key, why);
        head.given |= 1u << r->order[i];
    }
    memcpy(row, &head, sizeof head);
    return true;
}

static bool rows_read(struct reading *r)
{
    const uint32_t columns = r->line.fields;
    while (line_next(r))
        if (!row_read(r, columns))
            return false;
    return r->err->code == EXIT_OK;
}

bool sheet_read(struct sheet *s, const struct sheet_kind *kind, const char *name, const char *text,
                uint64_t len, struct error *err)
{
    struct reading r = {.s = s, .text = text, .len = len, .err = err};
    memset(s, 0, sizeof *s);
    s->kind = kind;
    s->hash = hash_of(text, len);
    snprintf(s->name, sizeof s->name, "%s", name);
    if (err->code == EXIT_OK && first_read(&r) && columns_read(&r) && rows_read(&r))
        return true;
    sheet_free(s);
    return false;
}

// Null with <err>. A pipe or a device would make whoever reads it wait.
static FILE *file_open(const char *path, struct error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    FILE *file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "rb") : NULL;
    if (file)
        return file;
    error_set(err, EXIT_FAILED, "%s: %s; name a readable file", path,
              fd < 0 ? strerror(errno) : "no regular file");
    if (fd >= 0)
        close(fd);
    return NULL;
}

bool sheet_load(struct sheet *s, const struct sheet_kind *kind, const char *path, struct error *err)
{
    FILE *file = file_open(path, err);
    memset(s, 0, sizeof *s);
    if (file == NULL)
        return false;
    char *text = malloc(SHEET_BYTES_MAX + 1);
    MUST(text != NULL);
    const size_t len = fread(text, 1, SHEET_BYTES_MAX + 1, file);
    bool ok = !ferror(file) ||
              error_set(err, EXIT_FAILED, "%s: %s; name a readable file", path, strerror(errno));
    fclose(file);
    if (ok && len > SHEET_BYTES_MAX)
        ok = error_set(err, EXIT_USAGE, "%s: larger than 16 MiB", path);
    ok = ok && sheet_read(s, kind, path, text, len, err);
    free(text);
    return ok;
}

void sheet_free(struct sheet *s)
{
    free(s->rows);
    s->rows = NULL;
    s->count = s->places = 0;
}
