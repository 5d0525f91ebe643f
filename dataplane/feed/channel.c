// Hot path.
#include "dataplane/feed/channel.h"

#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/feed/candidate.h"
#include "dataplane/feed/gap.h"
#include "dataplane/feed/loan.h"
#include "dataplane/feed/number.h"
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

static uint64_t told_bytes(void)
{
    return LOCATES * sizeof(struct symbol_told);
}

// By slot, as the book's symbols.
static uint64_t luld_bytes(const struct channel_config *config)
{
    return config->luld ? config->book.symbols * sizeof(struct luld_symbol) : 0;
}

uint64_t channel_bytes(const struct channel_config *config, struct bill_line *bill)
{
    uint64_t book = book_bytes(&config->book, bill);
    uint64_t held = arbiter_bytes(config->hold_frames);
    if (bill) {
        bill[BOOK_BILL_LINES] = (struct bill_line){"held packets (descriptors)", held};
        bill[BOOK_BILL_LINES + 1] = (struct bill_line){"market participants", participants_bytes()};
        bill[BOOK_BILL_LINES + 2] = (struct bill_line){"symbols as last told", told_bytes()};
        bill[BOOK_BILL_LINES + 3] = (struct bill_line){"estimated price bands", luld_bytes(config)};
    }
    return book + held + participants_bytes() + told_bytes() + luld_bytes(config);
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
    at += participants_bytes();
    ch->told = (struct symbol_told *)(void *)at;
    at += told_bytes();
    ch->luld.of = config->luld ? (struct luld_symbol *)(void *)at : NULL;
    ch->session_number = 1; // zeroed memory has told nothing
    ch->book_number = 1;
    ch->state = CHANNEL_IDLE;
    ch->quality = QUALITY_STALE;
    ch->deadline = UINT64_MAX;
    // Half of the bill stays for the channel's own gaps.
    const uint32_t lines = config->line_count ? config->line_count : 1;
    ch->aside_max = config->hold_frames / 2 / lines;
    if (ch->aside_max == 0)
        ch->aside_max = 1;
}

void channel_book_reset(struct channel *ch)
{
    book_reset(&ch->book);
    participants_reset(&ch->participants);
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

// A session is entered with <d>, and its lowest number that is here. Its packets wait in their
// order until the book is there.
static COLD void session_enter(struct channel *ch, const struct feed_datagram *d, uint64_t first,
                               uint64_t now)
{
    memcpy(ch->session, d->session, SESSION_LEN);
    arbiter_forget(&ch->arbiter);
    number_session_begin(ch, first);
    ch->loan = (struct channel_loan){0};
    ch->candidate_told = false;
    ch->session_settled = !ch->session_follows;
    ch->session_since = now;
    ch->first_sequence = first;
    session_event(ch, EVENT_SESSION_START, first);
    // Where nobody tells what was said before, it is not known.
    ch->lost = ch->config.start == CHANNEL_START_LIVE && first > 1;
    arbiter_start(&ch->arbiter, ch->lost ? first : 1);
    ch->state = CHANNEL_LIVE;
    ch->deadline = 0; // from here on silence is watched for
    loan_session_begin(ch);
}

static void session_leave(struct channel *ch)
{
    session_event(ch, EVENT_SESSION_END, ch->arbiter.next);
    channel_drop_waiting(ch);
    memcpy(ch->session_before, ch->session, SESSION_LEN);
    ch->session_follows = true;
    ch->session_number++; // its locates are other symbols
    ch->told_end = 0;
    ch->count->session_changes++;
    ch->session_ended = false;
    ch->market = (struct channel_market){0};
}

static bool channel_data(struct channel *ch, uint32_t line, const struct feed_packet *packet,
                         const struct frame *frame, uint64_t now);

// The session is another one: what was set aside of it comes first.
static void session_follow(struct channel *ch, const struct feed_datagram *d, uint64_t now)
{
    struct arbiter_held held;
    session_leave(ch);
    session_enter(ch, d, candidate_first(ch, d), now);
    while (candidate_take(ch, &held)) {
        ch->not_own[held.line]--;
        ch->last_seen[held.line] = held.arrived;
        if (!number_watch(ch, held.line, held.packet.sequence + held.packet.count, held.arrived) ||
            !channel_data(ch, held.line, &held.packet, &held.frame, held.arrived))
            ch->sink.release(ch->sink.context, &held.frame);
    }
    ch->count->held = ch->arbiter.used;
}

enum session_verdict {
    SESSION_OTHER, // not the channel's
    SESSION_KEPT,  // the same, and the frame is kept
    SESSION_OWN,   // it is the channel's now
};

// A session id that is not the current one.
static COLD enum session_verdict session_other(struct channel *ch, uint32_t line,
                                               const struct feed_datagram *d,
                                               const struct frame *frame, uint64_t now)
{
    if (ch->state == CHANNEL_IDLE) {
        if (!number_watch(ch, line, d->packet.sequence + d->packet.count, now)) {
            ch->not_own[line]++;
            return SESSION_OTHER;
        }
        session_enter(ch, d, d->packet.sequence, now);
        return SESSION_OWN;
    }
    ch->not_own[line]++;
    // The slower line still sends the session before: old news, not a change back.
    if (!ch->session_settled && memcmp(d->session, ch->session_before, SESSION_LEN) == 0)
        return SESSION_OTHER;
    switch (candidate_offer(ch, line, d, frame, now)) {
    case CANDIDATE_ASIDE: return SESSION_KEPT;
    case CANDIDATE_REFUSED: return SESSION_OTHER;
    case CANDIDATE_CONFIRMED: break;
    }
    ch->not_own[line]--;
    session_follow(ch, d, now);
    return SESSION_OWN;
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
    while (ch->drained < DRAIN_PACKETS && arbiter_pop(&ch->arbiter, false, &held)) {
        ch->drained++;
        uint64_t next = ch->arbiter.next;
        if (held.packet.sequence + held.packet.count > next)
            deliver(ch, &held.packet, (uint32_t)(next - held.packet.sequence));
        ch->sink.release(ch->sink.context, &held.frame);
    }
    ch->count->held = ch->arbiter.used;
    // The rest is the next turn's. Numbers keep the order: what is newer than the rest waits behind
    // it.
    if (arbiter_due(&ch->arbiter))
        ch->deadline = 0;
}

// The lane has received frames since the last drain, and may work on as many held ones again.
static COLD void held_drain(struct channel *ch, uint64_t now)
{
    if (ch->drain_tick != now)
        ch->drained = 0;
    ch->drain_tick = now;
    channel_drain(ch);
}

void channel_drop_waiting(struct channel *ch)
{
    struct arbiter_held held;
    while (arbiter_pop(&ch->arbiter, true, &held))
        ch->sink.release(ch->sink.context, &held.frame);
    ch->count->held = ch->arbiter.used;
}

void channel_drop_held(struct channel *ch)
{
    channel_drop_waiting(ch);
    candidate_drop(ch);
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
            held_drain(ch, now);
        break;
    case ARBITER_HOLD:
        ch->count->held = ch->arbiter.used;
        if (ch->arbiter.used > ch->count->held_peak)
            ch->count->held_peak = ch->arbiter.used;
        break;
    case ARBITER_FULL: ch->count->held_overflow++; break;
    case ARBITER_DUPLICATE: break;
    }
    if (UNLIKELY(arbiter_gap(&ch->arbiter) || ch->state != CHANNEL_LIVE))
        gap_review(ch, now);
    return offer.verdict == ARBITER_HOLD;
}

static COLD void channel_beat(struct channel *ch, uint32_t line, const struct feed_datagram *d,
                              uint64_t now)
{
    ch->lines[line]->heartbeats++;
    ch->count->heartbeats++;
    ch->lines[line]->gap_messages += arbiter_heartbeat(&ch->arbiter, line, d->packet.sequence);
    if (d->kind == FEED_END && ch->state != CHANNEL_ENDED && !ch->session_ended) {
        ch->session_ended = true;
        ch->count->end_of_session++;
    }
    gap_review(ch, now);
    if (ch->session_ended && ch->state == CHANNEL_LIVE && !arbiter_gap(&ch->arbiter)) {
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
        ch->not_own[line]++;
        return false;
    }
    if (UNLIKELY(memcmp(d.session, ch->session, SESSION_LEN) != 0 || ch->state == CHANNEL_IDLE)) {
        const enum session_verdict verdict = session_other(ch, line, &d, frame, now);
        if (verdict != SESSION_OWN)
            return verdict == SESSION_KEPT;
    }
    // A line that brings only other sessions, or numbers nobody believes, is as good as silent.
    if (UNLIKELY(!number_watch(ch, line, d.packet.sequence + d.packet.count, now)))
        return false;
    ch->last_seen[line] = now;
    if (UNLIKELY(count->stale))
        line_alive(ch, line);
    if (UNLIKELY(d.kind != FEED_DATA)) {
        channel_beat(ch, line, &d, now);
        return false;
    }
    return channel_data(ch, line, &d.packet, frame, now);
}

bool channel_recovered(struct channel *ch, const uint8_t *payload, uint32_t len,
                       const struct frame *frame, uint64_t now)
{
    struct feed_datagram d;
    // An answer may be about the session before.
    if (!ch->protocol->parse(payload, len, &d) || d.kind != FEED_DATA ||
        ch->state == CHANNEL_IDLE || memcmp(d.session, ch->session, SESSION_LEN) != 0 ||
        !number_plausible(ch, d.packet.sequence + d.packet.count)) {
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
