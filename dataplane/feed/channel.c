// Hot path.
#include "dataplane/feed/channel.h"

#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/feed/gap.h"
#include "dataplane/feed/publish.h"

const struct feed_protocol *feed_protocol_find(const char *name)
{
    static const struct feed_protocol *const all[] = {&feed_itch50, &feed_deep10};
    for (uint32_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static uint64_t participants_bytes(void)
{
    return PARTICIPANTS_MAX * sizeof(struct participant);
}

uint64_t channel_bytes(const struct channel_config *config, struct bill_line *bill)
{
    uint64_t book = book_bytes(&config->book, bill);
    uint64_t held = arbiter_bytes(config->hold_frames);
    if (bill) {
        bill[BOOK_BILL_LINES] = (struct bill_line){"held packets (descriptors)", held};
        bill[BOOK_BILL_LINES + 1] = (struct bill_line){"market participants", participants_bytes()};
    }
    return book + held + participants_bytes();
}

void channel_init(struct channel *ch, const struct channel_config *config, void *memory)
{
    uint8_t *at = memory;
    memset(ch, 0, sizeof *ch);
    ch->config = *config;
    ch->protocol = config->protocol;
    book_init(&ch->book, &config->book, at);
    at += book_bytes(&config->book, NULL);
    arbiter_init(&ch->arbiter, config->hold_frames, at);
    at += arbiter_bytes(config->hold_frames);
    ch->participants.table = (struct participant *)(void *)at;
    ch->state = CHANNEL_IDLE;
    ch->quality = QUALITY_STALE;
    ch->deadline = UINT64_MAX;
}

// --- sessions ---

static void session_event(struct channel *ch, uint16_t type, uint64_t sequence)
{
    struct event event = {.type = type};
    event.session.channel = ch->index;
    event.session.sequence = sequence;
    memcpy(event.session.id, ch->session, SESSION_LEN);
    ch->sink.event(ch->sink.context, &event);
}

// First packet of the first session, or of one that follows another. Its packets wait in their
// order until the book is there.
static COLD void session_enter(struct channel *ch, const struct feed_datagram *d)
{
    memcpy(ch->session, d->session, SESSION_LEN);
    arbiter_forget(&ch->arbiter);
    ch->first_sequence = d->packet.sequence;
    session_event(ch, EVENT_SESSION_START, d->packet.sequence);
    // Where nobody tells what was said before, it is not known.
    ch->lost = ch->config.start == CHANNEL_START_LIVE && d->packet.sequence > 1;
    arbiter_start(&ch->arbiter, ch->lost ? d->packet.sequence : 1);
    ch->state = CHANNEL_LIVE;
    ch->deadline = 0; // from here on silence is watched for
    gap_session_begin(ch);
}

static void session_leave(struct channel *ch)
{
    session_event(ch, EVENT_SESSION_END, ch->arbiter.next);
    channel_drop_held(ch);
    memcpy(ch->session_before, ch->session, SESSION_LEN);
    ch->session_follows = true;
    participants_reset(&ch->participants);
    ch->count->session_changes++;
    ch->session_ended = false;
    ch->mwcb_breached = 0;
}

// A session id that is not the current one. True: it is the current one now.
static COLD bool session_changed(struct channel *ch, const struct feed_datagram *d)
{
    // The slower line still sends the session before: old news, not a change back.
    if (ch->session_follows && memcmp(d->session, ch->session_before, SESSION_LEN) == 0)
        return false;
    if (ch->state != CHANNEL_IDLE)
        session_leave(ch);
    session_enter(ch, d);
    return true;
}

// --- packets ---

// Applies a packet that is due. A packet that ends before its count says so leaves the rest
// missing.
static void deliver(struct channel *ch, const struct feed_packet *packet, uint32_t skip)
{
    uint32_t done = ch->protocol->apply(ch, packet, skip);
    ch->count->delivered += done > skip ? done - skip : 0;
    if (UNLIKELY(done < packet->count)) {
        ch->count->malformed++;
        arbiter_unremember(&ch->arbiter, packet->sequence);
    }
    if (LIKELY(done > skip))
        arbiter_advance(&ch->arbiter, packet->sequence + done);
}

void channel_drain(struct channel *ch)
{
    struct arbiter_held held;
    while (arbiter_pop(&ch->arbiter, false, &held)) {
        uint64_t next = ch->arbiter.next;
        if (held.packet.sequence + held.packet.count > next)
            deliver(ch, &held.packet, (uint32_t)(next - held.packet.sequence));
        ch->sink.release(ch->sink.context, &held.frame);
    }
    ch->count->held = ch->arbiter.held;
}

void channel_drop_held(struct channel *ch)
{
    struct arbiter_held held;
    while (arbiter_pop(&ch->arbiter, true, &held))
        ch->sink.release(ch->sink.context, &held.frame);
    ch->count->held = 0;
}

static void line_account(struct channel *ch, uint32_t line, const struct arbiter_offer *offer,
                         uint32_t messages)
{
    struct line_counters *count = ch->lines[line];
    if (offer->verdict == ARBITER_DUPLICATE || offer->verdict == ARBITER_FULL) {
        count->duplicate += offer->verdict == ARBITER_DUPLICATE;
        if (offer->lag_known)
            histogram_record(ch->lag[line], offer->lag);
    } else {
        count->used++;
    }
    if (UNLIKELY(offer->late)) {
        count->late++;
        count->late_messages += messages;
    }
    count->gap_messages += offer->line_gap;
}

static bool channel_data(struct channel *ch, uint32_t line, const struct feed_packet *packet,
                         const struct frame *frame, uint64_t now)
{
    struct arbiter_offer offer =
        arbiter_offer(&ch->arbiter, line, packet, frame, now, ch->book_lent);
    line_account(ch, line, &offer, packet->count);
    switch (offer.verdict) {
    case ARBITER_DELIVER:
        deliver(ch, packet, offer.skip);
        if (UNLIKELY(ch->arbiter.held))
            channel_drain(ch);
        break;
    case ARBITER_HOLD:
        ch->count->held = ch->arbiter.held;
        if (ch->arbiter.held > ch->count->held_peak)
            ch->count->held_peak = ch->arbiter.held;
        break;
    case ARBITER_FULL: ch->count->held_overflow++; break;
    case ARBITER_DUPLICATE: break;
    }
    if (UNLIKELY(arbiter_gap(&ch->arbiter) || ch->state != CHANNEL_LIVE))
        gap_review(ch, now);
    return offer.verdict == ARBITER_HOLD;
}

// Numbers that go back far beyond what a slow line explains: not foreseen by MoldUDP64. Never
// applied again; an alarm.
static void rewind_watch(struct channel *ch, uint32_t line, uint64_t end)
{
    enum { REWIND_MIN = 1 << 20 };
    if (LIKELY(end + REWIND_MIN >= ch->arbiter.next))
        return;
    if (ch->count->rewinds++ % REWIND_MIN == 0) {
        struct event event = {.type = EVENT_SEQUENCE_REWIND};
        event.rewind.channel = ch->index;
        event.rewind.line = (uint8_t)line;
        event.rewind.sequence = end;
        event.rewind.expected = ch->arbiter.next;
        ch->sink.event(ch->sink.context, &event);
    }
}

static COLD void channel_beat(struct channel *ch, uint32_t line, const struct feed_datagram *d,
                              uint64_t now)
{
    ch->lines[line]->heartbeats++;
    ch->count->heartbeats++;
    ch->lines[line]->gap_messages += arbiter_heartbeat(&ch->arbiter, line, d->packet.sequence);
    rewind_watch(ch, line, d->packet.sequence);
    if (d->kind == FEED_END && ch->state != CHANNEL_ENDED && !ch->session_ended) {
        ch->session_ended = true;
        ch->count->end_of_session++;
    }
    gap_review(ch, now);
    if (ch->session_ended && ch->state == CHANNEL_LIVE) {
        ch->state = CHANNEL_ENDED;
        session_event(ch, EVENT_SESSION_END, ch->arbiter.next);
    }
}

static COLD void line_alive(struct channel *ch, uint32_t line)
{
    struct event event = {.type = EVENT_LINE_ALIVE};
    event.line.channel = ch->index;
    event.line.line = (uint8_t)line;
    ch->lines[line]->stale = 0;
    ch->sink.event(ch->sink.context, &event);
    if (ch->quality == QUALITY_STALE && ch->state != CHANNEL_IDLE)
        channel_requalify(ch, gap_quality(ch));
}

bool channel_datagram(struct channel *ch, uint32_t line, const uint8_t *payload, uint32_t len,
                      const struct frame *frame, uint64_t now)
{
    struct feed_datagram d;
    struct line_counters *count = ch->lines[line];
    count->packets++;
    count->bytes += len;
    ch->count->packets++;
    if (UNLIKELY(!ch->protocol->parse(payload, len, &d))) {
        count->malformed++;
        ch->count->malformed++;
        return false;
    }
    ch->last_seen[line] = now;
    if (UNLIKELY(count->stale))
        line_alive(ch, line);
    if (UNLIKELY(memcmp(d.session, ch->session, SESSION_LEN) != 0 || ch->state == CHANNEL_IDLE) &&
        !session_changed(ch, &d))
        return false;
    if (UNLIKELY(d.kind != FEED_DATA)) {
        channel_beat(ch, line, &d, now);
        return false;
    }
    rewind_watch(ch, line, d.packet.sequence + d.packet.count);
    return channel_data(ch, line, &d.packet, frame, now);
}

bool channel_recovered(struct channel *ch, const uint8_t *payload, uint32_t len,
                       const struct frame *frame, uint64_t now)
{
    struct feed_datagram d;
    // An answer may be about the session before.
    if (!ch->protocol->parse(payload, len, &d) || d.kind != FEED_DATA ||
        ch->state == CHANNEL_IDLE || memcmp(d.session, ch->session, SESSION_LEN) != 0) {
        ch->lines[ARBITER_RECOVERY]->malformed++;
        return false;
    }
    ch->lines[ARBITER_RECOVERY]->packets++;
    ch->lines[ARBITER_RECOVERY]->bytes += len;
    uint64_t before = ch->count->delivered;
    bool kept = channel_data(ch, ARBITER_RECOVERY, &d.packet, frame, now);
    uint64_t fresh = ch->count->delivered - before;
    ch->count->recovered_messages += fresh < d.packet.count ? fresh : d.packet.count;
    return kept;
}
