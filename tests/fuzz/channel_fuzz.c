// A channel between lines, a re-request server, a snapshot server and the clock, all of them mad.
//
// The protocol is a spy: it checks that every message is delivered once, in order and into its own
// session. Input: a byte of configuration, then steps of four bytes. Held frames stay within their
// bill, none is lost or given back twice, and a channel that gave messages up does not call itself
// good.
#include <stdlib.h>
#include <string.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/feed/number.h"
#include "dataplane/wire/mold64.h"

enum { FRAMES = 160, HOLD = 90, LINES = 2, SESSIONS = 3, FRAME_LEN = 256 };

static struct offline o;
static struct spy {
    uint8_t bytes[FRAMES][FRAME_LEN];
    bool kept[FRAMES];
    uint32_t kept_count;
    bool asked; // re-request
    struct feed_request request;
    bool lent; // book
    bool refuse;
    uint64_t behind; // ticks that the receive ring is not empty
} spy;

static void on_event(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

static bool on_request(void *context, const struct feed_request *request)
{
    (void)context;
    if (spy.refuse)
        return false;
    if (request->kind == FEED_REQUEST_MESSAGES) {
        if (request->count == 0)
            abort();
        spy.asked = true;
        spy.request = *request;
    } else {
        if (spy.lent)
            abort(); // it is out already
        spy.lent = true;
    }
    return true;
}

static void on_release(void *context, struct frame *frame)
{
    (void)context;
    uint64_t i = (uint64_t)((uint8_t(*)[FRAME_LEN])frame->owner - spy.bytes);
    if (i >= FRAMES || !spy.kept[i])
        abort();
    spy.kept[i] = false;
    spy.kept_count--;
}

// Every message is one byte behind its length: the digit of its session.
static uint32_t spy_apply(struct channel *ch, const struct feed_packet *packet, uint32_t skip)
{
    struct mold64_walk walk = {
        .next = packet->blocks, .end = packet->blocks + packet->len, .left = packet->count};
    struct mold64_block block;
    uint32_t done = 0;
    if (spy.lent || packet->sequence + skip != ch->arbiter.next)
        abort(); // twice, or out of order, or into a book that is elsewhere
    if (ch->state == CHANNEL_IDLE)
        abort(); // into the book of a session that is not there yet
    while (mold64_next(&walk, &block)) {
        if (block.data[0] != ch->session[SESSION_LEN - 1])
            abort();
        done++;
    }
    ch->count->messages += done > skip ? done - skip : 0;
    return done;
}

static uint32_t packet_write(uint8_t *p, uint32_t session, uint64_t sequence, uint32_t count,
                             uint32_t missing)
{
    memcpy(p, "FUZZSESS 0", MOLD64_SESSION_LEN);
    p[9] = (uint8_t)('0' + session);
    be64_store(p + 10, sequence);
    be16_store(p + 18, (uint16_t)count);
    uint32_t len = MOLD64_HEADER_LEN;
    for (uint32_t i = missing; i < count && count < MOLD64_END && len + 3 <= FRAME_LEN; i++) {
        be16_store(p + len, 1);
        p[len + 2] = p[9];
        len += 3;
    }
    return len;
}

// A frame of its own for each arrival; false when all are held, which the bill forbids.
static void arrive(uint32_t line, uint32_t session, uint64_t sequence, uint32_t count,
                   uint32_t missing, uint64_t now)
{
    uint32_t i = 0;
    while (i < FRAMES && spy.kept[i])
        i++;
    if (i == FRAMES)
        abort();
    uint32_t len = packet_write(spy.bytes[i], session, sequence, count, missing);
    const struct frame frame = {.data = spy.bytes[i], .len = len, .owner = spy.bytes[i]};
    spy.kept[i] = true; // it may be given back before the call returns
    spy.kept_count++;
    bool kept = line == ARBITER_RECOVERY
                    ? channel_recovered(&o.channel, spy.bytes[i], len, &frame, now)
                    : channel_datagram(&o.channel, line, spy.bytes[i], len, &frame, now);
    if (kept)
        return;
    if (!spy.kept[i])
        abort(); // given back, and not kept
    spy.kept[i] = false;
    spy.kept_count--;
}

static void check(void)
{
    const struct channel *ch = &o.channel;
    if (spy.kept_count != ch->arbiter.used || ch->arbiter.used > HOLD)
        abort();
    if ((ch->lost || ch->numbers.rewound || ch->state == CHANNEL_AHEAD) &&
        ch->quality == QUALITY_GOOD)
        abort();
    if (ch->drained > DRAIN_PACKETS || ch->arbiter.seen_end > NUMBER_MAX)
        abort();
    if (arbiter_due(&ch->arbiter) && !ch->book_lent && ch->deadline > 0)
        abort(); // nobody would come back for it
    if (ch->book_lent != spy.lent && !ch->request_pending)
        abort();
}

static void step(const uint8_t *in, uint64_t *now)
{
    struct channel *ch = &o.channel;
    const uint32_t kind = in[0] & 15, line = in[0] >> 4 & 1, session = (in[0] >> 5) % SESSIONS;
    const uint64_t sequence = ch->arbiter.next + (uint64_t)(int64_t)(int8_t)in[1];
    const uint32_t count = in[2] % 70, missing = in[3] % 8 == 0 ? in[3] / 8 % (count + 1) : 0;
    switch (kind) {
    case 0: arrive(line, session, sequence, MOLD64_HEARTBEAT, 0, *now); break;
    case 1: arrive(line, session, sequence, MOLD64_END, 0, *now); break;
    case 2:
        if (spy.asked)
            arrive(ARBITER_RECOVERY, session, spy.request.sequence + in[1] % 4, count + 1, missing,
                   *now);
        spy.asked = spy.asked && in[3] & 1;
        break;
    case 3:
        if (spy.asked)
            channel_request_failed(ch, spy.request.sequence);
        spy.asked = false;
        break;
    case 4:
        if (spy.lent) {
            spy.lent = false;
            const uint64_t end = ch->arbiter.next + ((uint64_t)in[2] << (in[3] >> 2));
            channel_book_returned(ch, in[1] & 1 ? 1 : end, in[3] & 1, *now);
        }
        break;
    case 5: spy.refuse = in[1] & 1; break;
    case 6: *now += (uint64_t)in[1] * in[2] * 100; break;
    case 7:
        arrive(line, session, sequence + ((uint64_t)in[1] << in[3] % 57), count + 1, 0, *now);
        break;
    case 8: spy.behind = (uint64_t)in[1] * 16; break;
    default: arrive(line, 0, sequence, count + 1, missing, *now); break;
    }
    *now += in[3];
    if (*now >= ch->deadline)
        channel_timers(ch, *now, *now > spy.behind ? *now - spy.behind : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct feed_protocol protocol;
    struct error err = {0};
    uint64_t now = 1000;
    if (size == 0)
        return 0;
    protocol = feed_itch50;
    protocol.apply = spy_apply;
    struct channel_config config = {
        .protocol = &protocol,
        .start = data[0] % 3,
        .can_request = data[0] & 4,
        .can_snapshot = data[0] & 8 || data[0] % 3 == CHANNEL_START_SNAPSHOT,
        .reorder_frames = 4,
        .reorder_ticks = 1000,
        .hold_frames = HOLD,
        .request_messages_max = 200,
        .line_stale_ticks = 20000,
        .line_count = LINES,
        .book = {.symbols = 1, .orders = 16, .levels = 16, .spans = 1024, .matches = 16}};
    memset(&spy, 0, sizeof spy);
    if (!offline_init(&o, &config, &err))
        abort();
    o.channel.sink = (struct channel_sink){NULL, on_event, on_request, on_release};
    for (size_t at = 1; at + 4 <= size; at += 4) {
        step(data + at, &now);
        check();
    }
    channel_drop_held(&o.channel);
    if (spy.kept_count)
        abort();
    offline_free(&o);
    return 0;
}
