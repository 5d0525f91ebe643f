#include "dataplane/feed/loan.h"

#include "dataplane/feed/gap.h"
#include "dataplane/feed/number.h"
#include "dataplane/feed/publish.h"
#include "dataplane/feed/told.h"

// From here on the main lcore owns the book: nothing is delivered until channel_book_returned.
static void book_lend(struct channel *ch, enum feed_request_kind kind)
{
    ch->book_lent = true;
    ch->state = CHANNEL_SNAPSHOT;
    ch->deadline = 0;
    channel_requalify(ch, QUALITY_RECOVERING);
    gap_request(ch, kind, ch->arbiter.next, ch->arbiter.next);
}

// From <next> on, and of all that was announced only what is below <shown>.
static void numbers_restart(struct channel *ch, uint64_t next, uint64_t shown)
{
    channel_drop_waiting(ch);
    arbiter_forget(&ch->arbiter);
    arbiter_start(&ch->arbiter, shown);
    arbiter_start(&ch->arbiter, next);
}

static void ask_snapshot(struct channel *ch)
{
    ch->loan.asks++;
    ch->loan.in_vain++;
    ch->loan.wanted = false;
    if (ch->numbers.rewound) // what comes now waits for the snapshot, whatever its number
        numbers_restart(ch, 1, number_lowest(ch));
    ch->count->snapshots++;
    gap_event(ch, EVENT_SNAPSHOT_START, ch->arbiter.next, ch->arbiter.seen_end);
    book_lend(ch, FEED_REQUEST_SNAPSHOT);
}

static bool wants_snapshot(const struct channel *ch)
{
    return ch->config.start == CHANNEL_START_SNAPSHOT && ch->first_sequence > 1;
}

void loan_session_begin(struct channel *ch)
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

// --- when to ask ---

static uint64_t backoff(const struct channel *ch)
{
    enum { DOUBLED_MAX = 6 };
    const uint32_t pairs = ch->loan.asks ? (ch->loan.asks - 1) / 2 : 0;
    return channel_patience(ch) << (pairs < DOUBLED_MAX ? pairs : DOUBLED_MAX);
}

// What has waited since the first of a pair waits on for the second.
static uint64_t wait_ticks(const struct channel *ch)
{
    return ch->loan.asks % 2 ? 0 : backoff(ch);
}

bool loan_spent(const struct channel *ch)
{
    return ch->loan.in_vain >= SNAPSHOT_ASKS_MAX;
}

bool loan_ask(struct channel *ch, uint64_t now)
{
    struct channel_loan *loan = &ch->loan;
    if (!ch->config.can_snapshot || ch->book_lent)
        return false;
    // The last one has served for long enough.
    if (!loan->wanted && now >= loan->after && now - loan->after >= backoff(ch))
        loan->asks = 0;
    if (loan_spent(ch)) {
        if (!loan->wanted) // said once
            gap_event(ch, EVENT_SNAPSHOT_GIVEN_UP, ch->arbiter.next, ch->arbiter.seen_end);
        loan->wanted = true;
        return false;
    }
    if (now < loan->after) {
        ch->count->snapshots_delayed += !loan->wanted;
        loan->wanted = true;
        return false;
    }
    ask_snapshot(ch);
    return true;
}

void loan_rewound(struct channel *ch, uint64_t now)
{
    if (ch->book_lent || ch->numbers.rewound || ch->state == CHANNEL_IDLE ||
        ch->state == CHANNEL_AHEAD)
        return;
    ch->numbers.rewound = true;
    ch->lost = true;
    if (!loan_ask(ch, now))
        channel_requalify(ch, QUALITY_SUSPECT);
}

// --- what comes back ---

// Without a snapshot the channel goes on where it stood, and says that it is not to be trusted.
static void splice(struct channel *ch, uint64_t next, bool loaded, uint64_t now)
{
    struct channel_loan *loan = &ch->loan;
    const uint64_t shown = ch->arbiter.seen_end;
    const bool good = loaded && next > 0 && number_plausible(ch, next);
    gap_event(ch, good ? EVENT_SNAPSHOT_DONE : EVENT_SNAPSHOT_FAILED, next, shown);
    ch->count->snapshots_failed += !good;
    ch->count->snapshots_refused += loaded && !good;
    ch->lost = !good;
    ch->numbers.rewound = false;
    ch->numbers.rewind_next = 0;
    ch->numbers.below_since = 0;
    loan->asks += !good && loan->asks % 2; // the main lcore has tried more than once
    loan->after = now + wait_ticks(ch);
    arbiter_start(&ch->arbiter, good ? next : arbiter_gap_end(&ch->arbiter));
    if (good && next > shown) {
        ch->state = CHANNEL_AHEAD;
        loan->ahead = next;
        loan->ahead_until = now + channel_patience(ch);
    }
}

void channel_book_returned(struct channel *ch, uint64_t next, bool loaded, uint64_t now)
{
    const bool empty = ch->request.kind == FEED_REQUEST_RESET;
    ch->book_lent = false;
    ch->book_number++;
    // An empty book is as good for a session that has begun since, unless that wants a snapshot.
    if (ch->session_pending && (!empty || wants_snapshot(ch))) {
        loan_session_begin(ch);
        return;
    }
    ch->session_pending = false;
    ch->count->symbols_suspect = 0;
    ch->count->symbols = ch->book.symbol_count;
    for (uint32_t slot = 0; slot < ch->book.symbol_count; slot++)
        ch->count->symbols_suspect += ch->book.symbols[slot].quality == QUALITY_SUSPECT;
    ch->state = CHANNEL_LIVE;
    told_review_begin(ch);
    if (!empty)
        splice(ch, next, loaded, now);
    ch->drained = 0;
    channel_drain(ch);
    if (!empty && ch->lost)
        loan_ask(ch, now); // once it is time again
    gap_review(ch, now);
}

// --- ahead ---

bool loan_ahead(struct channel *ch)
{
    if (number_shown(ch) < ch->loan.ahead)
        return true;
    ch->state = CHANNEL_LIVE;
    return false;
}

// It will not be reached: go on where the lines are.
static void refuse(struct channel *ch, uint64_t now)
{
    const uint64_t shown = number_shown(ch);
    ch->count->snapshots_refused++;
    ch->count->snapshots_failed++;
    gap_event(ch, EVENT_SNAPSHOT_FAILED, ch->loan.ahead, shown);
    ch->lost = true;
    ch->state = CHANNEL_LIVE;
    numbers_restart(ch, shown, shown);
    loan_ask(ch, now);
    gap_review(ch, now);
}

static bool ask_again(const struct channel *ch)
{
    return ch->loan.wanted && !loan_spent(ch) && !ch->book_lent;
}

void loan_review(struct channel *ch, uint64_t now)
{
    if (ch->state == CHANNEL_AHEAD && now >= ch->loan.ahead_until &&
        number_shown(ch) < ch->loan.ahead)
        refuse(ch, now);
    if (ask_again(ch) && now >= ch->loan.after && ch->state != CHANNEL_IDLE)
        loan_ask(ch, now);
}

uint64_t loan_deadline(const struct channel *ch)
{
    uint64_t deadline = ask_again(ch) ? ch->loan.after : UINT64_MAX;
    if (ch->state == CHANNEL_AHEAD && ch->loan.ahead_until < deadline)
        deadline = ch->loan.ahead_until;
    return deadline;
}
