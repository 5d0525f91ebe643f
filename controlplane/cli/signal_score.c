#include "controlplane/cli/signal_score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool score_init(struct score *s, uint32_t symbols, bool change, uint64_t late_ns)
{
    s->change = change;
    s->late_ns = late_ns;
    s->count = 0;
    s->symbols = symbols;
    s->left_out = 0;
    s->by_symbol = calloc(symbols, sizeof *s->by_symbol);
    return s->by_symbol != NULL;
}

void score_free(struct score *s)
{
    for (uint32_t i = 0; s->by_symbol && i < s->symbols; i++)
        free(s->by_symbol[i].pending);
    free(s->by_symbol);
    s->by_symbol = NULL;
}

// --- pending ---

static void swap(struct score_pending *a, struct score_pending *b)
{
    const struct score_pending t = *a;
    *a = *b;
    *b = t;
}

static bool pending_add(struct score_symbol *y, const struct score_pending *p)
{
    if (y->count == y->room) {
        const uint32_t room = y->room ? 2 * y->room : 64;
        struct score_pending *more = realloc(y->pending, room * sizeof *more);
        if (more == NULL)
            return false;
        y->pending = more;
        y->room = room;
    }
    uint32_t at = y->count++;
    y->pending[at] = *p;
    for (; at && y->pending[at].due_ns < y->pending[(at - 1) / 2].due_ns; at = (at - 1) / 2)
        swap(&y->pending[at], &y->pending[(at - 1) / 2]);
    return true;
}

// The first one goes.
static void pending_drop(struct score_symbol *y)
{
    uint32_t at = 0;
    y->pending[0] = y->pending[--y->count];
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < y->count; child++)
            if (y->pending[child].due_ns < y->pending[least].due_ns)
                least = child;
        if (least == at)
            return;
        swap(&y->pending[at], &y->pending[least]);
        at = least;
    }
}

// --- scores ---

static double size_of(double value)
{
    return value < 0 ? -value : value;
}

static void take(struct score_source *r, const struct score_pending *p, uint32_t price)
{
    const double error = p->forecast - price;
    const double expected = p->forecast - p->base, came = (double)price - p->base;
    r->scored++;
    r->error += error;
    r->error_size += size_of(error);
    r->error_square += error * error;
    r->change_size += size_of(came);
    if (expected != 0 && came != 0) {
        r->direction++;
        r->right += (expected > 0) == (came > 0);
    }
}

static struct score_source *source_of(struct score *s, const char *source, const char *symbol)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (strcmp(s->sources[i].source, source) == 0 && strcmp(s->sources[i].symbol, symbol) == 0)
            return &s->sources[i];
    if (s->count == SCORE_SOURCES_MAX)
        return NULL;
    struct score_source *r = &s->sources[s->count++];
    memset(r, 0, sizeof *r);
    snprintf(r->source, sizeof r->source, "%s", source);
    snprintf(r->symbol, sizeof r->symbol, "%s", symbol);
    return r;
}

bool score_signal(struct score *s, const char *source, const char *symbol, uint32_t instrument,
                  int64_t value, uint64_t now_ns, uint64_t horizon_ns)
{
    struct score_source *r = source_of(s, source, symbol);
    if (r == NULL) {
        s->left_out++;
        return true;
    }
    r->signals++;
    if (instrument >= s->symbols || s->by_symbol[instrument].price == 0) {
        r->unpriced++; // nothing to compare with
        return true;
    }
    struct score_symbol *y = &s->by_symbol[instrument];
    const struct score_pending p = {.due_ns = horizon_ns < UINT64_MAX - now_ns ? now_ns + horizon_ns
                                                                               : UINT64_MAX,
                                    .forecast = (s->change ? (double)y->price : 0) + (double)value,
                                    .base = y->price,
                                    .source = (uint32_t)(r - s->sources)};
    return pending_add(y, &p);
}

void score_price(struct score *s, uint32_t instrument, uint32_t price, uint64_t now_ns)
{
    if (instrument >= s->symbols || price == 0)
        return;
    struct score_symbol *y = &s->by_symbol[instrument];
    while (y->count && y->pending[0].due_ns <= now_ns) {
        const struct score_pending *p = &y->pending[0];
        struct score_source *r = &s->sources[p->source];
        if (now_ns - p->due_ns <= s->late_ns)
            take(r, p, price);
        else
            r->unpriced++;
        pending_drop(y);
    }
    y->price = price;
}

void score_cut(struct score *s)
{
    for (uint32_t i = 0; i < s->symbols; i++) {
        struct score_symbol *y = &s->by_symbol[i];
        for (uint32_t k = 0; k < y->count; k++)
            s->sources[y->pending[k].source].unpriced++;
        y->count = 0;
        y->price = 0;
    }
}
