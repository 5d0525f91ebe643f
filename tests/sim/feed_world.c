#include "tests/sim/feed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/generate.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/feed/number.h"
#include "dataplane/wire/mold64.h"

enum {
    PAYLOAD_MAX = 1472,
    SPACING = 10000,
    TICKS_A_MESSAGE = SPACING / 10,
    PPM = 1000000,
    ANSWER_MESSAGES = 20,
    SNAPSHOT_BEHIND = 300, // messages
    ENDS = 3,              // times that a line says end of session
    BURST = 32,            // frames received in a turn
};

struct payload {
    uint64_t sequence;
    uint32_t count;
    uint32_t len;
    uint8_t bytes[PAYLOAD_MAX];
};

struct happening {
    uint64_t time;
    uint64_t order;  // ties
    uint32_t packet; // payload_count: end of session
    uint8_t line;
    uint8_t day;
};

// One session.
struct day {
    uint8_t session[SESSION_LEN];
    struct payload *payloads[WORLD_LINES];
    uint32_t payload_count[WORLD_LINES];
    uint64_t *offset_of; // of each message in <messages>, by sequence
    uint8_t *messages;   // blocks, one after another
    uint64_t message_bytes;
    uint64_t next_sequence;
    uint64_t begin;       // ticks
    uint32_t *live_after; // orders that are live once a message is applied, by sequence
};

struct world {
    const struct world_config *config;
    struct offline *o;
    struct world_result *result;
    struct day days[WORLD_DAYS_MAX];
    uint32_t day_count;
    struct happening *happenings;
    uint32_t happening_count;
    uint64_t random;
    uint64_t now;
    uint64_t back;    // the lane is away until then
    uint32_t waiting; // frames received since, which had waited for it
    // Recovery: what is asked for, and when the next answer arrives.
    bool asked;
    struct day *ask_day;
    uint64_t ask_next, ask_end, answer_at;
    // The book, while it is lent.
    bool lent;
    struct feed_request loan;
    uint64_t return_at;
    uint32_t loans;
    uint32_t frames_out;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return below ? (uint32_t)((w->random >> 11) % below) : 0;
}

static void header_write(uint8_t *p, const struct day *day, uint64_t sequence, uint16_t count)
{
    memcpy(p, day->session, SESSION_LEN);
    be64_store(p + 10, sequence);
    be16_store(p + 18, count);
}

// --- the days ---

static void message_append(struct day *day, uint32_t len)
{
    be16_store(day->messages + day->message_bytes, (uint16_t)len);
    day->offset_of[day->next_sequence++] = day->message_bytes;
    day->message_bytes += len + 2;
}

// The same for the same seed, whatever was drawn before.
static void messages_make(struct world *w, uint32_t index)
{
    static struct generator g;
    struct error err = {0};
    struct day *day = &w->days[index];
    const struct world_config *c = w->config;
    const struct generator_config gc = {.seed = c->seed + index * 1000003ull,
                                        .symbols = c->symbols,
                                        .live_max = c->live,
                                        .messages = c->messages};
    MUST(generator_init(&g, &gc, &err));
    day->offset_of = calloc(2 * c->messages + 2, sizeof *day->offset_of);
    day->messages = malloc((size_t)c->messages * (GENERATOR_MESSAGE_MAX + 4));
    day->next_sequence = 1;
    snprintf((char *)day->session, sizeof day->session, "SIM00000%u", index);
    day->session[SESSION_LEN - 1] = 'X';
    uint32_t len;
    while ((len = generator_next(&g, day->messages + day->message_bytes + 2)) > 0) {
        message_append(day, len);
        if (day->next_sequence * 0xD6E8FEB86659FD93ull % PPM < c->zero_ppm)
            message_append(day, 0);
    }
    day->offset_of[day->next_sequence] = day->message_bytes;
    generator_free(&g);
}

// Cuts the day into packets of all sizes. Lines need not be cut at the same message.
static void packets_cut(struct world *w, struct day *day, uint32_t line)
{
    day->payloads[line] = calloc(day->next_sequence, sizeof **day->payloads);
    for (uint64_t sequence = 1; sequence < day->next_sequence;) {
        struct payload *p = &day->payloads[line][day->payload_count[line]++];
        uint32_t room = 100 + draw(w, PAYLOAD_MAX - 100 - MOLD64_HEADER_LEN);
        uint64_t from = day->offset_of[sequence];
        p->sequence = sequence;
        while (sequence < day->next_sequence && day->offset_of[sequence + 1] - from <= room)
            sequence++;
        p->count = (uint32_t)(sequence - p->sequence);
        p->len = MOLD64_HEADER_LEN + (uint32_t)(day->offset_of[sequence] - from);
        header_write(p->bytes, day, p->sequence, (uint16_t)p->count);
        memcpy(p->bytes + MOLD64_HEADER_LEN, day->messages + from, p->len - MOLD64_HEADER_LEN);
    }
}

static struct feed_packet messages_packet(const struct day *day, uint64_t from, uint64_t to)
{
    return (struct feed_packet){.sequence = from,
                                .count = (uint32_t)(to - from),
                                .len = (uint32_t)(day->offset_of[to] - day->offset_of[from]),
                                .blocks = day->messages + day->offset_of[from]};
}

// What the book holds after each message, to know a lie at any time.
static void truth_make(struct world *w, struct day *day)
{
    static struct offline clean;
    struct error err = {0};
    MUST(offline_init(&clean, &w->o->channel.config, &err));
    day->live_after = calloc(day->next_sequence, sizeof *day->live_after);
    for (uint64_t sequence = 1; sequence < day->next_sequence; sequence++) {
        const struct feed_packet one = messages_packet(day, sequence, sequence + 1);
        MUST(feed_itch50.apply(&clean.channel, &one, 0) == 1);
        day->live_after[sequence] = clean.channel.book.orders_live;
    }
    offline_free(&clean);
}

static void days_make(struct world *w)
{
    w->day_count = w->config->days ? w->config->days : 1;
    for (uint32_t i = 0; i < w->day_count; i++) {
        struct day *day = &w->days[i];
        messages_make(w, i);
        packets_cut(w, day, 0);
        day->begin = i ? day[-1].begin + day[-1].next_sequence * TICKS_A_MESSAGE + SPACING : 0;
        if (w->config->cut_differs) {
            packets_cut(w, day, 1);
            continue;
        }
        day->payload_count[1] = day->payload_count[0];
        day->payloads[1] = malloc(day->payload_count[0] * sizeof **day->payloads);
        memcpy(day->payloads[1], day->payloads[0], day->payload_count[0] * sizeof **day->payloads);
    }
}

static void happening_add(struct world *w, uint64_t time, uint32_t day, uint32_t packet,
                          uint32_t line)
{
    w->happenings[w->happening_count] = (struct happening){.time = time,
                                                           .order = w->happening_count,
                                                           .packet = packet,
                                                           .line = (uint8_t)line,
                                                           .day = (uint8_t)day};
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
static void both_lose(const struct day *day, uint32_t i, bool *lost_b)
{
    const struct payload *a = &day->payloads[0][i];
    for (uint32_t k = 0; k < day->payload_count[1]; k++) {
        const struct payload *b = &day->payloads[1][k];
        if (k > 0 && b->sequence < a->sequence + a->count && a->sequence < b->sequence + b->count)
            lost_b[k] = true;
    }
}

static void packet_send(struct world *w, uint32_t index, uint32_t line, uint32_t packet)
{
    const struct world_config *c = w->config;
    const struct day *day = &w->days[index];
    // Both lines send a message at the same time, however it is cut.
    uint64_t time =
        day->begin + day->payloads[line][packet].sequence * TICKS_A_MESSAGE + c->skew[line];
    if (draw(w, PPM) < c->reorder_ppm)
        time += draw(w, (uint32_t)c->delay_max);
    happening_add(w, time, index, packet, line);
    if (draw(w, PPM) < c->duplicate_ppm)
        happening_add(w, time + draw(w, (uint32_t)c->delay_max + 1), index, packet, line);
}

// Which line brings which packet when. The first packet names the session: losing it everywhere is
// the late joiner's business. Where the lines are cut differently only line A loses packets of its
// own.
static void faults_make(struct world *w, uint32_t index)
{
    const struct world_config *c = w->config;
    const struct day *day = &w->days[index];
    bool *lost[WORLD_LINES];
    for (uint32_t line = 0; line < WORLD_LINES; line++)
        lost[line] = calloc(day->payload_count[line], sizeof **lost);
    for (uint32_t i = 1; i < day->payload_count[0]; i++) {
        // What line B's first packet brings cannot be lost on both.
        bool can = day->payloads[0][i].sequence > day->payloads[1][0].count;
        if (draw(w, PPM) < c->both_ppm && can) {
            lost[0][i] = true;
            both_lose(day, i, lost[1]);
            w->result->lost_both++;
            if (w->result->first_lost == UINT64_MAX)
                w->result->first_lost = day->payloads[0][i].sequence;
        }
        uint32_t line = c->cut_differs ? 0 : draw(w, WORLD_LINES);
        if (draw(w, PPM) < c->loss_ppm[line])
            lost[line][i] = true;
    }
    for (uint32_t line = 0; line < WORLD_LINES; line++) {
        for (uint32_t i = 0; i < day->payload_count[line]; i++)
            if (!lost[line][i] && day->payloads[line][i].sequence >= c->join_at)
                packet_send(w, index, line, i);
        free(lost[line]);
        uint64_t end = day->begin + day->next_sequence * TICKS_A_MESSAGE + c->skew[line];
        const bool ends = index + 1 < w->day_count ? !c->breaks_off : c->ends;
        for (uint32_t i = 0; i < ENDS && ends; i++)
            happening_add(w, end + i * TICKS_A_MESSAGE, index, day->payload_count[line], line);
    }
}

static void happenings_make(struct world *w)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < w->day_count; i++)
        most +=
            2ull * (w->days[i].payload_count[0] + w->days[i].payload_count[1] + ENDS * WORLD_LINES);
    w->happenings = calloc(most, sizeof *w->happenings);
    w->result->first_lost = UINT64_MAX;
    for (uint32_t i = 0; i < w->day_count; i++)
        faults_make(w, i);
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

static struct day *day_of(struct world *w, const uint8_t *session)
{
    for (uint32_t i = 0; i < w->day_count; i++)
        if (memcmp(w->days[i].session, session, SESSION_LEN) == 0)
            return &w->days[i];
    return NULL;
}

static bool on_request(void *context, const struct feed_request *request)
{
    struct world *w = context;
    if (draw(w, 10) == 0)
        return false; // the ring is full: the channel asks again
    uint64_t later = w->now + 20000 + draw(w, 50000);
    if (request->kind != FEED_REQUEST_MESSAGES) {
        MUST(!w->lent && (request->kind == FEED_REQUEST_RESET || w->config->snapshots));
        w->lent = true;
        w->loan = *request;
        w->return_at = later;
        return true;
    }
    MUST(w->config->server);
    w->ask_day = day_of(w, request->session);
    MUST(w->ask_day && request->sequence + request->count <= w->ask_day->next_sequence);
    w->asked = true;
    w->ask_next = request->sequence;
    w->ask_end = request->sequence + request->count;
    w->answer_at = later;
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
    const struct day *day = w->ask_day;
    w->answer_at = w->now + 20000 + draw(w, 50000);
    if (draw(w, PPM) < w->config->server_loss_ppm)
        return;
    uint64_t count = w->ask_end - w->ask_next;
    uint64_t most = 1 + draw(w, ANSWER_MESSAGES);
    count = count < most ? count : most;
    // Servers may answer with more than was asked for: what is beyond the gap is there already.
    if (draw(w, 4) == 0 && w->ask_next + count + 2 < day->next_sequence &&
        count + 2 <= ANSWER_MESSAGES)
        count += 2;
    const struct feed_packet p = messages_packet(day, w->ask_next, w->ask_next + count);
    header_write(bytes, day, w->ask_next, (uint16_t)count);
    memcpy(bytes + MOLD64_HEADER_LEN, p.blocks, p.len);
    w->ask_next += count;
    w->asked = w->ask_next < w->ask_end;
    arrive(w, ARBITER_RECOVERY, bytes, MOLD64_HEADER_LEN + p.len);
}

static void silent_event(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

// The book is emptied and, for a snapshot, holds what the session said up to some message: not
// later than now, every other time perhaps earlier than what the lane had.
static void book_return(struct world *w)
{
    struct channel *ch = &w->o->channel;
    static struct channel loader;
    static struct channel_counters scratch;
    w->lent = false;
    channel_book_reset(ch);
    if (w->loan.kind == FEED_REQUEST_RESET || draw(w, PPM) < w->config->snapshot_fail_ppm) {
        channel_book_returned(ch, 1, w->loan.kind == FEED_REQUEST_RESET, w->now);
        return;
    }
    const struct day *day = day_of(w, w->loan.session);
    uint64_t newest = (w->now - day->begin) / TICKS_A_MESSAGE;
    newest = newest < day->next_sequence ? newest : day->next_sequence;
    uint64_t oldest = w->loan.sequence < newest ? w->loan.sequence : newest;
    oldest = oldest > SNAPSHOT_BEHIND ? oldest - SNAPSHOT_BEHIND : 1;
    if (w->loans++ % 2)
        oldest = newest; // asked again, the server has caught up
    uint64_t next = oldest + draw(w, (uint32_t)(newest - oldest) + 1);
    loader = *ch;
    loader.count = &scratch;
    loader.told = NULL;
    loader.sink.event = silent_event;
    const struct feed_packet p = messages_packet(day, 1, next);
    MUST(feed_itch50.apply(&loader, &p, 0) == p.count);
    ch->book = loader.book;
    ch->participants = loader.participants;
    ch->loaded = loader.market;
    channel_book_returned(ch, next, true, w->now);
}

// A channel that calls itself good has the book of its session, as of the message it stands at.
static void lie_watch(struct world *w)
{
    const struct channel *ch = &w->o->channel;
    const struct day *day = day_of(w, ch->session);
    if (ch->quality != QUALITY_GOOD || ch->book_lent || day == NULL)
        return;
    w->result->lies += ch->arbiter.next > day->next_sequence ||
                       ch->book.orders_live != day->live_after[ch->arbiter.next - 1];
}

static void time_to(struct world *w, uint64_t time)
{
    struct channel *ch = &w->o->channel;
    for (;;) {
        uint64_t next = time;
        if (w->asked && w->answer_at < next)
            next = w->answer_at;
        if (w->lent && w->return_at < next)
            next = w->return_at;
        if (ch->deadline < next)
            next = ch->deadline > w->now ? ch->deadline : w->now + 1;
        w->now = next;
        if (ch->deadline <= w->now)
            channel_timers(ch, w->now, w->now);
        if (w->asked && w->answer_at <= w->now)
            answer(w);
        if (w->lent && w->return_at <= w->now)
            book_return(w);
        lie_watch(w);
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
    cc.can_snapshot = config->snapshots;
    cc.start = config->snapshots ? CHANNEL_START_SNAPSHOT : CHANNEL_START_FIRST;
    cc.book = (struct book_config){
        .symbols = config->symbols + 1, .orders = 2 * config->live + 1000, .matches = 4096};
    book_config_defaults(&cc.book);
    MUST(offline_init(o, &cc, &err));
}

static void world_close(struct world *w)
{
    for (uint32_t i = 0; i < w->day_count; i++) {
        struct day *day = &w->days[i];
        for (uint32_t line = 0; line < WORLD_LINES; line++)
            free(day->payloads[line]);
        free(day->offset_of);
        free(day->messages);
        free(day->live_after);
    }
    free(w->happenings);
}

// The lane comes back and receives what has waited, all of it at one time; timers run between two
// bursts, and know that there is more.
static void catch_up(struct world *w, uint64_t arrived)
{
    struct channel *ch = &w->o->channel;
    if (w->now < w->back)
        w->waiting = 0;
    w->now = w->back;
    if (++w->waiting % BURST || ch->deadline > w->now)
        return;
    channel_timers(ch, w->now, arrived);
}

// Something that is not of the session, or says that it is far away in it.
static void stray(struct world *w, const struct happening *h)
{
    uint8_t bytes[MOLD64_HEADER_LEN + 2] = {0};
    const bool own = draw(w, 2);
    const uint64_t far = 2 * NUMBER_LEAP_MAX + ((uint64_t)draw(w, UINT32_MAX) << (8 + draw(w, 24)));
    if (w->o->channel.state == CHANNEL_IDLE || draw(w, PPM) >= w->config->stray_ppm)
        return;
    header_write(bytes, &w->days[h->day], own ? far : 1 + draw(w, 1000), (uint16_t)draw(w, 2));
    if (!own)
        memcpy(bytes, "STRAY", 5);
    arrive(w, h->line, bytes, sizeof bytes);
}

static void happen(struct world *w, const struct happening *h)
{
    static struct payload changed;
    uint8_t end[MOLD64_HEADER_LEN];
    const struct day *day = &w->days[h->day];
    if (h->time < w->back) {
        catch_up(w, h->time);
    } else {
        time_to(w, h->time);
        if (w->o->channel.state == CHANNEL_WAITING && draw(w, PPM) < w->config->pause_ppm)
            w->back = w->now + draw(w, (uint32_t)w->config->pause_max);
    }
    if (h->packet == day->payload_count[h->line]) {
        header_write(end, day, day->next_sequence, MOLD64_END);
        arrive(w, h->line, end, sizeof end);
    } else {
        const struct payload *p = &day->payloads[h->line][h->packet];
        if (w->config->line_leaves && h->line == 0 && p->sequence > day->next_sequence / 2) {
            changed = *p;
            memcpy(changed.bytes, "LEFT", 4);
            p = &changed;
        }
        arrive(w, h->line, p->bytes, p->len);
    }
    stray(w, h);
    lie_watch(w);
}

// Time for everything that is still to be asked for.
static void settle(struct world *w)
{
    uint8_t beat[MOLD64_HEADER_LEN];
    const struct day *day = &w->days[w->day_count - 1];
    header_write(beat, day, day->next_sequence, w->config->ends ? MOLD64_END : MOLD64_HEARTBEAT);
    for (uint32_t i = 0; i < 2000; i++) {
        time_to(w, w->now + 100 * SPACING);
        arrive(w, i % WORLD_LINES, beat, sizeof beat);
    }
}

void world_run(const struct world_config *config, struct offline *o, struct world_result *result)
{
    struct world w;
    uint64_t known_at = UINT64_MAX;
    world_open(&w, config, o);
    memset(result, 0, sizeof *result);
    w.result = result;
    days_make(&w);
    for (uint32_t i = 0; i < w.day_count; i++)
        truth_make(&w, &w.days[i]);
    happenings_make(&w);
    o->channel.sink = (struct channel_sink){&w, on_event, on_request, on_release};
    for (uint32_t i = 0; i < w.happening_count; i++) {
        const struct happening *h = &w.happenings[i];
        happen(&w, h);
        if (h->packet < w.days[h->day].payload_count[h->line] && known_at == UINT64_MAX &&
            w.days[h->day].payloads[h->line][h->packet].sequence > result->first_lost)
            known_at = w.now; // the first packet that shows the gap
        // The window runs from the arrival of the packet next to the gap, which may come after one
        // that is further on.
        uint64_t window = config->channel.reorder_ticks + config->delay_max + config->skew[0] +
                          config->skew[1] + config->pause_max;
        bool declared = known_at != UINT64_MAX && w.now > known_at + window;
        if (!config->server && declared && o->channel.quality == QUALITY_GOOD)
            result->good_after_loss = w.now;
    }
    settle(&w);
    result->last_sequence = w.days[w.day_count - 1].next_sequence - 1;
    result->frames_out = w.frames_out;
    world_close(&w);
}

void world_run_clean(const struct world_config *config, struct offline *o)
{
    struct world w;
    world_open(&w, config, o);
    days_make(&w);
    const struct day *day = &w.days[w.day_count - 1];
    for (uint32_t i = 0; i < day->payload_count[0]; i++) {
        const struct payload *p = &day->payloads[0][i];
        const struct frame frame = {0};
        w.now += SPACING;
        MUST(!channel_datagram(&o->channel, 0, p->bytes, p->len, &frame, w.now));
    }
    world_close(&w);
}
