#include "tests/sim/feed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/generate.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/book/book_hot.h"
#include "dataplane/feed/gap.h"
#include "dataplane/wire/mold64.h"

enum { PAYLOAD_MAX = 1472, SPACING = 10000, PPM = 1000000, ANSWER_MESSAGES = 20 };

struct payload {
    uint64_t sequence;
    uint32_t count;
    uint32_t len;
    uint8_t bytes[PAYLOAD_MAX];
};

struct happening {
    uint64_t time;
    uint64_t order; // ties
    uint32_t packet;
    uint8_t line;
};

struct world {
    const struct world_config *config;
    struct offline *o;
    struct world_result *result;
    struct payload *payloads[WORLD_LINES];
    uint32_t payload_count[WORLD_LINES];
    uint64_t *offset_of; // of each message in <messages>, by sequence
    uint8_t *messages;   // blocks, one after another
    uint64_t message_bytes;
    uint64_t next_sequence;
    struct happening *happenings;
    uint32_t happening_count;
    uint64_t random;
    uint64_t now;
    // Recovery: what is asked for, and when the next answer arrives.
    bool asked;
    uint64_t ask_next, ask_end, answer_at;
    uint32_t frames_out;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return below ? (uint32_t)((w->random >> 11) % below) : 0;
}

static const uint8_t session[SESSION_LEN + 1] = "SIM0000001";

static void header_write(uint8_t *p, uint64_t sequence, uint16_t count)
{
    memcpy(p, session, SESSION_LEN);
    be64_store(p + 10, sequence);
    be16_store(p + 18, count);
}

// --- the day ---

static void messages_make(struct world *w)
{
    static struct generator g;
    struct error err = {0};
    const struct generator_config gc = {.seed = w->config->seed,
                                        .symbols = w->config->symbols,
                                        .live_max = w->config->live,
                                        .messages = w->config->messages};
    MUST(generator_init(&g, &gc, &err));
    w->offset_of = calloc(w->config->messages + 2, sizeof *w->offset_of);
    w->messages = malloc((size_t)w->config->messages * (GENERATOR_MESSAGE_MAX + 2));
    w->next_sequence = 1;
    uint32_t len;
    while ((len = generator_next(&g, w->messages + w->message_bytes + 2)) > 0) {
        be16_store(w->messages + w->message_bytes, (uint16_t)len);
        w->offset_of[w->next_sequence++] = w->message_bytes;
        w->message_bytes += len + 2;
    }
    w->offset_of[w->next_sequence] = w->message_bytes;
    generator_free(&g);
}

// Cuts the day into packets of all sizes. Lines need not be cut at the same message.
static void packets_cut(struct world *w, uint32_t line)
{
    w->payloads[line] = calloc(w->config->messages, sizeof **w->payloads);
    for (uint64_t sequence = 1; sequence < w->next_sequence;) {
        struct payload *p = &w->payloads[line][w->payload_count[line]++];
        uint32_t room = 100 + draw(w, PAYLOAD_MAX - 100 - MOLD64_HEADER_LEN);
        uint64_t from = w->offset_of[sequence];
        p->sequence = sequence;
        while (sequence < w->next_sequence && w->offset_of[sequence + 1] - from <= room)
            sequence++;
        p->count = (uint32_t)(sequence - p->sequence);
        p->len = MOLD64_HEADER_LEN + (uint32_t)(w->offset_of[sequence] - from);
        header_write(p->bytes, p->sequence, (uint16_t)p->count);
        memcpy(p->bytes + MOLD64_HEADER_LEN, w->messages + from, p->len - MOLD64_HEADER_LEN);
    }
}

static void day_make(struct world *w)
{
    messages_make(w);
    packets_cut(w, 0);
    if (w->config->cut_differs) {
        packets_cut(w, 1);
        return;
    }
    w->payload_count[1] = w->payload_count[0];
    w->payloads[1] = malloc(w->payload_count[0] * sizeof **w->payloads);
    memcpy(w->payloads[1], w->payloads[0], w->payload_count[0] * sizeof **w->payloads);
}

static void happening_add(struct world *w, uint64_t time, uint32_t packet, uint8_t line)
{
    w->happenings[w->happening_count] = (struct happening){
        .time = time, .order = w->happening_count, .packet = packet, .line = line};
    w->happening_count++;
}

static int happening_order(const void *a, const void *b)
{
    const struct happening *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

// Packets of line B that bring anything of packet <i> of line A are lost with it.
static void both_lose(struct world *w, uint32_t i, bool *lost_b)
{
    const struct payload *a = &w->payloads[0][i];
    for (uint32_t k = 0; k < w->payload_count[1]; k++) {
        const struct payload *b = &w->payloads[1][k];
        if (k > 0 && b->sequence < a->sequence + a->count && a->sequence < b->sequence + b->count)
            lost_b[k] = true;
    }
}

static void packet_send(struct world *w, uint32_t line, uint32_t packet)
{
    const struct world_config *c = w->config;
    // Both lines send a message at the same time, however it is cut.
    uint64_t time = w->payloads[line][packet].sequence * (SPACING / 10) + c->skew[line];
    if (draw(w, PPM) < c->reorder_ppm)
        time += draw(w, (uint32_t)c->delay_max);
    happening_add(w, time, packet, (uint8_t)line);
    if (draw(w, PPM) < c->duplicate_ppm)
        happening_add(w, time + draw(w, (uint32_t)c->delay_max + 1), packet, (uint8_t)line);
}

// Which line brings which packet when. The first packet names the session: losing it everywhere is
// the late joiner's business. Where the lines are cut differently only line A loses packets of its
// own.
static void faults_make(struct world *w)
{
    const struct world_config *c = w->config;
    bool *lost[WORLD_LINES];
    for (uint32_t line = 0; line < WORLD_LINES; line++)
        lost[line] = calloc(w->payload_count[line], sizeof **lost);
    w->happenings =
        calloc((size_t)(w->payload_count[0] + w->payload_count[1]) * 2, sizeof *w->happenings);
    w->result->first_lost = UINT64_MAX;
    for (uint32_t i = 1; i < w->payload_count[0]; i++) {
        // What line B's first packet brings cannot be lost on both.
        bool can = w->payloads[0][i].sequence > w->payloads[1][0].count;
        if (draw(w, PPM) < c->both_ppm && can) {
            lost[0][i] = true;
            both_lose(w, i, lost[1]);
            w->result->lost_both++;
            if (w->result->first_lost == UINT64_MAX)
                w->result->first_lost = w->payloads[0][i].sequence;
        }
        uint32_t line = c->cut_differs ? 0 : draw(w, WORLD_LINES);
        if (draw(w, PPM) < c->loss_ppm[line])
            lost[line][i] = true;
    }
    for (uint32_t line = 0; line < WORLD_LINES; line++) {
        for (uint32_t i = 0; i < w->payload_count[line]; i++)
            if (!lost[line][i])
                packet_send(w, line, i);
        free(lost[line]);
    }
    qsort(w->happenings, w->happening_count, sizeof *w->happenings, happening_order);
}

// --- the channel's way out ---

static void on_event(void *context, const struct event *event)
{
    struct world *w = context;
    w->o->events[event->type]++;
    if (event->type == EVENT_CHANNEL_QUALITY)
        w->result->suspect_events += event->channel_quality.now == QUALITY_SUSPECT;
}

static bool on_request(void *context, const struct feed_request *request)
{
    struct world *w = context;
    MUST(request->kind == FEED_REQUEST_MESSAGES && w->config->server);
    if (draw(w, 10) == 0)
        return false; // the ring is full: the channel asks again
    w->asked = true;
    w->ask_next = request->sequence;
    w->ask_end = request->sequence + request->count;
    w->answer_at = w->now + 20000 + draw(w, 50000);
    return true;
}

static void on_release(void *context, struct frame *frame)
{
    struct world *w = context;
    w->frames_out--;
    free(frame->owner);
}

// A frame of its own for each arrival, as a driver would give it: what is used after its release is
// found by ASan.
static void arrive(struct world *w, uint32_t line, const uint8_t *bytes, uint32_t len)
{
    uint8_t *copy = malloc(len);
    memcpy(copy, bytes, len);
    const struct frame frame = {.data = copy, .len = len, .owner = copy};
    bool kept = line == ARBITER_RECOVERY
                    ? channel_recovered(&w->o->channel, copy, len, &frame, w->now)
                    : channel_datagram(&w->o->channel, line, copy, len, &frame, w->now);
    if (kept)
        w->frames_out++;
    else
        free(copy);
}

// The server answers with as many messages as it likes; the datagram may be lost, and is then sent
// again.
static void answer(struct world *w)
{
    uint8_t bytes[MOLD64_HEADER_LEN + ANSWER_MESSAGES * (GENERATOR_MESSAGE_MAX + 2)];
    w->answer_at = w->now + 20000 + draw(w, 50000);
    if (draw(w, PPM) < w->config->server_loss_ppm)
        return;
    uint64_t count = w->ask_end - w->ask_next;
    uint64_t most = 1 + draw(w, ANSWER_MESSAGES);
    count = count < most ? count : most;
    // Servers may answer with more than was asked for: what is beyond the gap is there already.
    if (draw(w, 4) == 0 && w->ask_next + count + 2 < w->next_sequence &&
        count + 2 <= ANSWER_MESSAGES)
        count += 2;
    uint64_t from = w->offset_of[w->ask_next], to = w->offset_of[w->ask_next + count];
    header_write(bytes, w->ask_next, (uint16_t)count);
    memcpy(bytes + MOLD64_HEADER_LEN, w->messages + from, to - from);
    w->ask_next += count;
    w->asked = w->ask_next < w->ask_end;
    arrive(w, ARBITER_RECOVERY, bytes, MOLD64_HEADER_LEN + (uint32_t)(to - from));
}

static void time_to(struct world *w, uint64_t time)
{
    struct channel *ch = &w->o->channel;
    for (;;) {
        uint64_t next = time;
        if (w->asked && w->answer_at < next)
            next = w->answer_at;
        if (ch->deadline < next)
            next = ch->deadline > w->now ? ch->deadline : w->now + 1;
        w->now = next;
        if (ch->deadline <= w->now)
            channel_timers(ch, w->now);
        if (w->asked && w->answer_at <= w->now)
            answer(w);
        if (w->now >= time)
            return;
    }
}

static void world_open(struct world *w, const struct world_config *config, struct offline *o)
{
    struct error err = {0};
    struct channel_config cc = config->channel;
    memset(w, 0, sizeof *w);
    w->config = config;
    w->o = o;
    w->random = config->seed * 0x9E3779B97F4A7C15ull + 1;
    cc.protocol = &feed_itch50;
    cc.line_count = WORLD_LINES;
    cc.can_request = config->server;
    cc.book = (struct book_config){
        .symbols = config->symbols + 1, .orders = 2 * config->live + 1000, .matches = 4096};
    book_config_defaults(&cc.book);
    MUST(offline_init(o, &cc, &err));
}

static void world_close(struct world *w)
{
    for (uint32_t line = 0; line < WORLD_LINES; line++)
        free(w->payloads[line]);
    free(w->offset_of);
    free(w->messages);
    free(w->happenings);
}

void world_run(const struct world_config *config, struct offline *o, struct world_result *result)
{
    struct world w;
    uint8_t beat[MOLD64_HEADER_LEN];
    uint64_t known_at = UINT64_MAX;
    world_open(&w, config, o);
    memset(result, 0, sizeof *result);
    w.result = result;
    day_make(&w);
    faults_make(&w);
    o->channel.sink = (struct channel_sink){&w, on_event, on_request, on_release};
    for (uint32_t i = 0; i < w.happening_count; i++) {
        const struct happening *h = &w.happenings[i];
        const struct payload *p = &w.payloads[h->line][h->packet];
        time_to(&w, h->time);
        arrive(&w, h->line, p->bytes, p->len);
        if (p->sequence > result->first_lost && known_at == UINT64_MAX)
            known_at = w.now; // the first packet that shows the gap
        // The window runs from the arrival of the packet next to the gap, which may come after one
        // that is further on.
        uint64_t window =
            config->channel.reorder_ticks + config->delay_max + config->skew[0] + config->skew[1];
        bool declared = known_at != UINT64_MAX && w.now > known_at + window;
        if (!config->server && declared && o->channel.quality == QUALITY_GOOD)
            result->good_after_loss = w.now;
    }
    header_write(beat, w.next_sequence, MOLD64_HEARTBEAT);
    for (int i = 0; i < 2000; i++) {
        time_to(&w, w.now + 100 * SPACING);
        arrive(&w, (uint32_t)i % WORLD_LINES, beat, sizeof beat);
    }
    result->last_sequence = w.next_sequence - 1;
    result->frames_out = w.frames_out;
    world_close(&w);
}

void world_run_clean(const struct world_config *config, struct offline *o)
{
    struct world w;
    world_open(&w, config, o);
    day_make(&w);
    for (uint32_t i = 0; i < w.payload_count[0]; i++) {
        const struct payload *p = &w.payloads[0][i];
        const struct frame frame = {0};
        w.now += SPACING;
        MUST(!channel_datagram(&o->channel, 0, p->bytes, p->len, &frame, w.now));
    }
    world_close(&w);
}

// --- comparison ---

static bool side_equal(const struct book *a, uint32_t sa, const struct book *b, uint32_t sb,
                       enum book_side side)
{
    const struct symbol_side *x = &a->symbols[sa].side[side], *y = &b->symbols[sb].side[side];
    if (x->count != y->count)
        return false;
    for (uint32_t i = 0; i < x->count; i++) {
        uint32_t key = span_keys(&a->spans, x->span)[i];
        if (span_keys(&b->spans, y->span)[i] != key)
            return false;
        uint32_t price = price_key(key, side);
        uint32_t li = level_find(a, level_key(owner_of(sa, side), price));
        uint32_t mi = level_find(b, level_key(owner_of(sb, side), price));
        const struct level *l = level_at(a, li), *m = level_at(b, mi);
        if (l->orders != m->orders || l->shares != m->shares)
            return false;
        uint32_t p = l->first, q = m->first;
        while (p != li && q != mi) {
            const struct order *o = order_at(a, p), *r = order_at(b, q);
            if (o->ref != r->ref || o->shares != r->shares || o->mpid != r->mpid)
                return false;
            p = o->next, q = r->next;
        }
        if (p != li || q != mi)
            return false;
    }
    return true;
}

bool world_books_equal(const struct book *a, const struct book *b, char *why, uint32_t why_len)
{
    if (a->orders_live != b->orders_live || a->symbol_count != b->symbol_count) {
        snprintf(why, why_len, "%u orders and %u symbols, %u and %u", a->orders_live,
                 a->symbol_count, b->orders_live, b->symbol_count);
        return false;
    }
    for (uint32_t locate = 0; locate <= UINT16_MAX; locate++) {
        uint16_t sa = a->slot_of_locate[locate], sb = b->slot_of_locate[locate];
        bool equal = (sa == SYMBOL_NONE) == (sb == SYMBOL_NONE);
        if (equal && sa != SYMBOL_NONE)
            equal = side_equal(a, sa, b, sb, BOOK_BID) && side_equal(a, sa, b, sb, BOOK_ASK) &&
                    a->symbols[sa].volume == b->symbols[sb].volume &&
                    a->symbols[sa].trading_state == b->symbols[sb].trading_state &&
                    strcmp(a->infos[sa].name, b->infos[sb].name) == 0;
        if (!equal) {
            snprintf(why, why_len, "locate %u differs", locate);
            return false;
        }
    }
    return true;
}
