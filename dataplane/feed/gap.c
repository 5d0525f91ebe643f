#include "dataplane/feed/gap.h"

#include <string.h>

#include "dataplane/feed/publish.h"

enum quality gap_quality(const struct channel *ch)
{
    if (ch->book_lent)
        return QUALITY_RECOVERING;
    return ch->lost || ch->state == CHANNEL_RECOVERING ? QUALITY_SUSPECT : QUALITY_GOOD;
}

static void gap_event(struct channel *ch, uint16_t type, uint64_t from, uint64_t to)
{
    struct event event = {.type = type};
    event.gap.channel = ch->index;
    event.gap.from = from;
    event.gap.to = to;
    event.gap.held = ch->arbiter.held;
    ch->sink.event(ch->sink.context, &event);
}

// Posts ch->request; when the main lcore's ring has no room, the timer tries again.
static void request_post(struct channel *ch)
{
    ch->request_pending = !ch->sink.request(ch->sink.context, &ch->request);
    if (ch->request_pending)
        ch->deadline = 0;
}

static void request_make(struct channel *ch, enum feed_request_kind kind, uint64_t from,
                         uint64_t to)
{
    ch->request = (struct feed_request){
        .kind = kind, .channel = ch->index, .sequence = from, .count = to - from};
    memcpy(ch->request.session, ch->session, SESSION_LEN);
    request_post(ch);
}

// From here on the main lcore owns the book: nothing is delivered until channel_book_returned.
static void book_lend(struct channel *ch, enum feed_request_kind kind)
{
    ch->book_lent = true;
    ch->state = CHANNEL_SNAPSHOT;
    ch->deadline = 0;
    channel_requalify(ch, QUALITY_RECOVERING);
    request_make(ch, kind, ch->arbiter.next, ch->arbiter.next);
}

static void ask_snapshot(struct channel *ch)
{
    ch->count->snapshots++;
    gap_event(ch, EVENT_SNAPSHOT_START, ch->arbiter.next, ch->arbiter.seen_end);
    book_lend(ch, FEED_REQUEST_SNAPSHOT);
}

static bool wants_snapshot(const struct channel *ch)
{
    return ch->config.start == CHANNEL_START_SNAPSHOT && ch->first_sequence > 1;
}

void gap_session_begin(struct channel *ch)
{
    ch->session_pending = ch->book_lent; // for the session before: one request at a time
    if (ch->book_lent) {
        ch->state = CHANNEL_SNAPSHOT;
        return;
    }
    if (wants_snapshot(ch))
        ask_snapshot(ch); // good only once that is there
    else if (ch->session_follows)
        book_lend(ch, FEED_REQUEST_RESET);
    else
        channel_requalify(ch, gap_quality(ch));
}

// Nobody has the messages: go on behind them and never again call the channel's books good.
static void gap_give_up(struct channel *ch)
{
    uint64_t end = arbiter_gap_end(&ch->arbiter);
    ch->count->lost_messages += end - ch->arbiter.next;
    ch->lost = true;
    gap_event(ch, EVENT_GAP_LOST, ch->arbiter.next, end);
    arbiter_advance(&ch->arbiter, end);
    ch->state = CHANNEL_LIVE;
    channel_requalify(ch, QUALITY_SUSPECT);
    channel_drain(ch);
    ch->deadline = 0; // the next gap, if there is one, is the next turn's: a turn gives up one
}

// The window is over: the other line does not have it either.
static void gap_declare(struct channel *ch, uint64_t now)
{
    const uint64_t from = ch->arbiter.next, to = arbiter_gap_end(&ch->arbiter);
    ch->count->gaps++;
    ch->count->gap_messages += to - from;
    ch->gap_declared = now;
    ch->gap_end = to;
    ch->deadline = 0;
    gap_event(ch, EVENT_GAP_OPEN, from, to);
    bool small = to - from <= ch->config.request_messages_max || !ch->config.can_snapshot;
    if (ch->config.can_request && small) {
        ch->state = CHANNEL_RECOVERING;
        channel_requalify(ch, QUALITY_SUSPECT);
        ch->count->requests++;
        request_make(ch, FEED_REQUEST_MESSAGES, from, to);
    } else if (ch->config.can_snapshot) {
        ask_snapshot(ch);
    } else {
        gap_give_up(ch);
    }
}

// Everything up to the declared end is here.
static void gap_closed(struct channel *ch, uint64_t now)
{
    histogram_record(ch->recovery, now - ch->gap_declared);
    gap_event(ch, EVENT_GAP_CLOSED, ch->gap_end, ch->arbiter.next);
    ch->state = CHANNEL_LIVE;
    ch->deadline = 0;
}

void gap_review(struct channel *ch, uint64_t now)
{
    if (ch->book_lent || ch->state == CHANNEL_IDLE)
        return;
    if (ch->state == CHANNEL_RECOVERING) {
        if (ch->arbiter.next < ch->gap_end)
            return;
        gap_closed(ch, now);
    }
    if (!arbiter_gap(&ch->arbiter)) {
        ch->count->repaired += ch->state == CHANNEL_WAITING;
        if (ch->state == CHANNEL_WAITING)
            ch->state = CHANNEL_LIVE;
        ch->deadline = ch->config.line_stale_ticks ? now + ch->config.line_stale_ticks : UINT64_MAX;
        channel_requalify(ch, gap_quality(ch));
        return;
    }
    // Another gap than the one that was waited for starts its own window, at the arrival of what
    // waits behind it.
    if (ch->state != CHANNEL_WAITING || ch->gap_end != ch->arbiter.next) {
        ch->count->repaired += ch->state == CHANNEL_WAITING;
        ch->state = CHANNEL_WAITING;
        ch->gap_end = ch->arbiter.next; // while waiting: where the gap starts
        uint64_t arrived = arbiter_gap_arrived(&ch->arbiter);
        ch->gap_since = arrived < now ? arrived : now;
        ch->deadline = ch->gap_since + ch->config.reorder_ticks;
    }
    if (ch->arbiter.held > ch->config.reorder_frames || now >= ch->deadline)
        gap_declare(ch, now);
    else
        channel_requalify(ch, gap_quality(ch));
}

void channel_request_failed(struct channel *ch, uint64_t sequence)
{
    // An answer about a gap that has closed since? A line may have brought a part of this one.
    if (ch->state != CHANNEL_RECOVERING || sequence < ch->request.sequence ||
        sequence >= ch->gap_end)
        return;
    ch->count->requests_failed++;
    if (ch->config.can_snapshot)
        ask_snapshot(ch);
    else
        gap_give_up(ch);
}

// Without a snapshot the channel goes on where it stood, and says that it is not to be trusted.
static void snapshot_splice(struct channel *ch, uint64_t next, bool loaded)
{
    gap_event(ch, loaded ? EVENT_SNAPSHOT_DONE : EVENT_SNAPSHOT_FAILED, next, ch->arbiter.seen_end);
    ch->count->snapshots_failed += !loaded;
    ch->lost = !loaded;
    arbiter_start(&ch->arbiter, loaded ? next : arbiter_gap_end(&ch->arbiter));
}

void channel_book_returned(struct channel *ch, uint64_t next, bool loaded, uint64_t now)
{
    const bool empty = ch->request.kind == FEED_REQUEST_RESET;
    ch->book_lent = false;
    // An empty book is as good for a session that has begun since, unless that wants a snapshot.
    if (ch->session_pending && (!empty || wants_snapshot(ch))) {
        gap_session_begin(ch);
        return;
    }
    ch->session_pending = false;
    ch->count->symbols_suspect = 0;
    ch->count->symbols = ch->book.symbol_count;
    for (uint32_t slot = 0; slot < ch->book.symbol_count; slot++)
        ch->count->symbols_suspect += ch->book.symbols[slot].quality == QUALITY_SUSPECT;
    if (!empty)
        snapshot_splice(ch, next, loaded);
    ch->state = CHANNEL_LIVE;
    channel_drain(ch);
    gap_review(ch, now);
}

// --- timers ---

static void lines_watch(struct channel *ch, uint64_t now)
{
    uint32_t alive = 0;
    for (uint32_t line = 0; line < ch->config.line_count; line++) {
        if (now < ch->last_seen[line] + ch->config.line_stale_ticks) {
            alive++;
            continue;
        }
        if (ch->lines[line]->stale)
            continue;
        struct event event = {.type = EVENT_LINE_STALE};
        event.line.channel = ch->index;
        event.line.line = (uint8_t)line;
        ch->lines[line]->stale = 1;
        ch->count->stale_transitions++;
        ch->sink.event(ch->sink.context, &event);
    }
    if (alive == 0 && ch->quality == QUALITY_GOOD && ch->state != CHANNEL_ENDED)
        channel_requalify(ch, QUALITY_STALE);
}

void channel_timers(struct channel *ch, uint64_t now)
{
    if (ch->request_pending)
        request_post(ch);
    if (arbiter_gap(&ch->arbiter))
        gap_review(ch, now);
    if (ch->config.line_stale_ticks)
        lines_watch(ch, now);
    // A request that found no room is tried again at once; a gap that waits has set its own time.
    // In every other state only silence is watched for.
    if (ch->request_pending || ch->state == CHANNEL_WAITING)
        return;
    ch->deadline = ch->config.line_stale_ticks ? now + ch->config.line_stale_ticks / 2 : UINT64_MAX;
}
