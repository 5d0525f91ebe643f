#include "bench/exchange/trade/order_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "dataplane/base/hints.h"

enum { BUFFER = 1 << 18 };

enum kind { U8, U16, U32, U64, I64, CHARACTER, TEXT };

// Written where they are not 0 or empty, in this order.
static const struct {
    const char *name;
    enum kind kind;
    size_t offset;
} fields[] = {
#define FIELD(kind, name) {#name, kind, offsetof(struct bourse_record, name)},
    FIELD(U32, user_ref) FIELD(U8, user_ref_index) FIELD(U32, user_ref_original) FIELD(TEXT, token)
        FIELD(TEXT, token_original) FIELD(U16, locate) FIELD(TEXT, symbol) FIELD(CHARACTER, side)
            FIELD(U32, quantity) FIELD(U64, price) FIELD(U32, executed) FIELD(U64, reference)
                FIELD(U64, match) FIELD(CHARACTER, liquidity) FIELD(I64, fee_micro)
#undef FIELD
};

// Tokens of members may hold anything.
static void text_write(FILE *f, const char *text)
{
    fputc('"', f);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(f, "\\%c", *p);
        else if (*p < ' ' || *p > 126)
            fprintf(f, "\\u%04x", *p);
        else
            fputc(*p, f);
    }
    fputc('"', f);
}

static void field_write(FILE *f, const char *name, enum kind kind, const void *at)
{
    uint64_t v = 0;
    int64_t s = 0;
    switch (kind) {
    case U8:
    case CHARACTER:
    case TEXT: v = *(const uint8_t *)at; break;
    case U16: v = *(const uint16_t *)at; break;
    case U32: v = *(const uint32_t *)at; break;
    case U64: v = *(const uint64_t *)at; break;
    case I64: s = *(const int64_t *)at; break;
    }
    if (!v && !s)
        return;
    fprintf(f, ",\"%s\":", name);
    char one[2] = {(char)v, 0};
    if (kind == TEXT || kind == CHARACTER)
        text_write(f, kind == TEXT ? (const char *)at : one);
    else if (s)
        fprintf(f, "%" PRId64, s);
    else
        fprintf(f, "%" PRIu64, v);
}

static bool is_letter(uint16_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

void order_log_line(FILE *f, const struct bourse_config *config, const struct bourse_record *r)
{
    fprintf(f,
            "{\"number\":%" PRIu64 ",\"now_ns\":%" PRIu64 ",\"day_ns\":%" PRIu64
            ",\"venue\":\"%s\",\"event\":\"%s\"",
            r->number, r->now_ns, r->day_ns, config->name, bourse_event_names[r->event]);
    if (r->member != BOURSE_NONE) {
        fputs(",\"member\":", f);
        text_write(f, config->members[r->member].user);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(fields); i++)
        field_write(f, fields[i].name, fields[i].kind, (const uint8_t *)r + fields[i].offset);
    if (r->reason && is_letter(r->reason))
        fprintf(f, ",\"reason\":\"%c\"", r->reason);
    else if (r->reason)
        fprintf(f, ",\"reason\":%u", r->reason);
    // What is open is worth a 0, position and cash too.
    if (r->reference)
        fprintf(f, ",\"open\":%u", r->open);
    if (r->match || r->event == BOURSE_BALANCE)
        fprintf(f, ",\"position\":%" PRId64 ",\"cash_micro\":%" PRId64, r->position, r->cash_micro);
    if (r->text) {
        fputs(",\"text\":", f);
        text_write(f, r->text);
    }
    fputc('}', f);
}

bool order_log_open(struct order_log *l, const char *path, struct error *err)
{
    *l = (struct order_log){.path = path};
    if (!path)
        return true;
    l->file = fopen(path, "w");
    if (!l->file)
        return error_set(err, EXIT_FAILED, "--order-log %s: %s", path, strerror(errno));
    (void)setvbuf(l->file, NULL, _IOFBF, BUFFER);
    return true;
}

void order_log_write(struct order_log *l, const struct bourse_config *config,
                     const struct bourse_record *r)
{
    if (!l->file)
        return;
    order_log_line(l->file, config, r);
    fputc('\n', l->file);
}

void order_log_flush(struct order_log *l)
{
    if (!l->file || (fflush(l->file) == 0 && !ferror(l->file)) || l->failed)
        return;
    l->failed = true;
    fprintf(stderr, "tickgate-exchange: --order-log %s: %s; the log is not whole\n", l->path,
            strerror(errno));
}

void order_log_close(struct order_log *l)
{
    order_log_flush(l);
    if (l->file)
        fclose(l->file);
    l->file = NULL;
}
