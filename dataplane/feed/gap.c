#include "dataplane/feed/gap.h"

#include <string.h>

#include "dataplane/feed/candidate.h"
#include "dataplane/feed/loan.h"
#include "dataplane/feed/number.h"
#include "dataplane/feed/publish.h"
#include "dataplane/feed/told.h"

static enum quality state_quality(const struct channel *ch)
{
    if (ch->book_lent || ch->state == CHANNEL_AHEAD)
        return QUALITY_RECOVERING;
    return ch->lost || ch->state == CHANNEL_RECOVERING ? QUALITY_SUSPECT : QUALITY_GOOD;
}

// None of the lines of a session that goes on is heard.
static bool lines_stale(const struct channel *ch)
{
    for (uint32_t line = 0; line < ch->config.line_count; line++)
        if (!ch->lines[line]->stale)
            return false;
    return ch->state != CHANNEL_ENDED;
}

enum quality gap_quality(const struct channel *ch)
{
    const enum quality quality = state_quality(ch);
    return quality == QUALITY_GOOD && lines_stale(ch) ? QUALITY_STALE : quality;
}

void gap_event(struct channel *ch, uint16_t type, uint64_t from, uint64_t to)
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

void gap_request(struct channel *ch, enum feed_request_kind kind, uint64_t from, uint64_t to)
{
    ch->request = (struct feed_request){
        .kind = kind, .channel = ch->index, .sequence = from, .count = to - from};
    memcpy(ch->request.session, ch->session, SESSION_LEN);
    request_post(ch);
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
    bool small =
        to - from <= ch->config.request_messages_max || !ch->config.can_snapshot || loan_spent(ch);
    if (ch->config.can_request && small) {
        ch->state = CHANNEL_RECOVERING;
        channel_requalify(ch, QUALITY_SUSPECT);
        ch->count->requests++;
        gap_request(ch, FEED_REQUEST_MESSAGES, from, to);
    } else if (!loan_ask(ch, now)) {
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

static uint64_t gap_deadline(const struct channel *ch)
{
    return ch->gap_since + ch->config.reorder_ticks;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// When there is something to do again. A request that found no room is tried again at once, and
// what is due or missing is looked at in the next turn; what waits for a time has set its own, and
// silence is watched for always.
static void deadline_set(struct channel *ch, uint64_t now)
{
    const bool more = !ch->book_lent && (told_review_due(ch) || arbiter_due(&ch->arbiter) ||
                                         (ch->state == CHANNEL_LIVE && arbiter_gap(&ch->arbiter)));
    uint64_t next =
        ch->config.line_stale_ticks ? now + ch->config.line_stale_ticks / 2 : UINT64_MAX;
    if (ch->state == CHANNEL_WAITING)
        next = earlier(next, gap_deadline(ch));
    next = earlier(next, earlier(loan_deadline(ch), candidate_deadline(ch)));
    ch->deadline = ch->request_pending || more ? 0 : next;
}

void gap_review(struct channel *ch, uint64_t now)
{
    if (ch->book_lent || ch->state == CHANNEL_IDLE)
        return;
    if (ch->state == CHANNEL_AHEAD && loan_ahead(ch)) {
        channel_requalify(ch, QUALITY_RECOVERING);
        deadline_set(ch, now);
        return;
    }
    if (arbiter_due(&ch->arbiter)) {
        ch->deadline = 0; // nothing is missing before the rest has been applied
        return;
    }
    if (ch->state == CHANNEL_RECOVERING) {
        if (ch->arbiter.next < ch->gap_end)
            return;
        gap_closed(ch, now);
    }
    if (!arbiter_gap(&ch->arbiter)) {
        ch->count->repaired += ch->state == CHANNEL_WAITING;
        if (ch->state == CHANNEL_WAITING)
            ch->state = CHANNEL_LIVE;
        if (state_quality(ch) == QUALITY_GOOD)
            loan_helped(ch);
        deadline_set(ch, now);
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
        deadline_set(ch, now);
    }
    if (ch->arbiter.held > ch->config.reorder_frames)
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
    if (!loan_ask(ch, ch->gap_declared))
        gap_give_up(ch);
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
    number_below_review(ch, now);
}

void channel_timers(struct channel *ch, uint64_t now, uint64_t received)
{
    if (ch->request_pending)
        request_post(ch);
    const bool due = arbiter_due(&ch->arbiter) && !ch->book_lent;
    if (due) {
        ch->drained = 0;
        channel_drain(ch);
    }
    told_review(ch);
    loan_review(ch, now);
    if (due || arbiter_gap(&ch->arbiter))
        gap_review(ch, now);
    if (ch->state == CHANNEL_WAITING && received >= gap_deadline(ch) && !arbiter_due(&ch->arbiter))
        gap_declare(ch, now);
    candidate_review(ch, now, received);
    if (ch->config.line_stale_ticks)
        lines_watch(ch, now);
    deadline_set(ch, now);
}
