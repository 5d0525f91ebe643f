#include "dataplane/feed/candidate.h"

#include <string.h>

#include "dataplane/feed/number.h"

// Packets of a line that were of the channel's session. Counted by what was not, which is rare.
static uint64_t line_own(const struct channel *ch, uint32_t line)
{
    return ch->lines[line]->packets - ch->not_own[line];
}

static uint64_t own_packets(const struct channel *ch)
{
    uint64_t sum = 0;
    for (uint32_t line = 0; line < ch->config.line_count; line++)
        sum += line_own(ch, line);
    return sum;
}

static bool own_silent(const struct channel *ch, uint64_t now)
{
    for (uint32_t line = 0; line < ch->config.line_count; line++)
        if (channel_line_lives(ch, line, now))
            return false;
    return true;
}

static bool aside_take(struct channel *ch, uint32_t index, struct arbiter_held *out)
{
    if (!arbiter_take_aside(&ch->arbiter, index, out))
        return false;
    ch->aside[out->line]--;
    ch->count->held = ch->arbiter.used;
    return true;
}

static void drop(struct channel *ch, uint32_t index)
{
    struct arbiter_held held;
    while (aside_take(ch, index, &held)) {
        ch->count->foreign_returned++;
        ch->sink.release(ch->sink.context, &held.frame);
    }
    ch->candidates[index] = (struct channel_candidate){0};
}

void candidate_drop(struct channel *ch)
{
    for (uint32_t i = 0; i < ARBITER_ASIDES; i++)
        drop(ch, i);
}

static void tell(struct channel *ch, const struct feed_datagram *d)
{
    struct event event = {.type = EVENT_SESSION_FOREIGN};
    if (ch->candidate_told)
        return;
    event.session.channel = ch->index;
    event.session.sequence = d->packet.sequence;
    memcpy(event.session.id, d->session, SESSION_LEN);
    ch->candidate_told = true;
    ch->sink.event(ch->sink.context, &event);
}

// Where a session is among the candidates, ARBITER_ASIDES when it is not.
static uint32_t find(const struct channel *ch, const uint8_t *session)
{
    uint32_t i = 0;
    while (i < ARBITER_ASIDES &&
           (!ch->candidates[i].lines || memcmp(ch->candidates[i].id, session, SESSION_LEN) != 0))
        i++;
    return i;
}

// A new one takes the place of the one that has least to lose.
static uint32_t enlist(struct channel *ch, const uint8_t *session)
{
    const struct arbiter_aside *aside = ch->arbiter.aside;
    uint32_t least = 0;
    for (uint32_t i = 1; i < ARBITER_ASIDES && ch->candidates[least].lines; i++)
        if (!ch->candidates[i].lines || aside[i].count < aside[least].count)
            least = i;
    drop(ch, least);
    memcpy(ch->candidates[least].id, session, SESSION_LEN);
    return least;
}

static void hear(struct channel *ch, struct channel_candidate *c, uint32_t line,
                 const struct feed_datagram *d)
{
    const uint64_t own = own_packets(ch);
    if (c->lines == 0 || c->own != own) {
        c->packets = 0;
        c->other = false;
        c->first = UINT64_MAX;
    }
    c->own = own;
    if (!(c->lines >> line & 1) || c->line_own[line] != line_own(ch, line))
        c->in_a_row[line] = 0;
    c->in_a_row[line] += c->in_a_row[line] < 2;
    c->line_own[line] = line_own(ch, line);
    c->lines |= 1u << line;
    c->packets += c->packets < UINT32_MAX;
    if (d->kind != FEED_DATA)
        return;
    c->other |= c->first != UINT64_MAX && c->first != d->packet.sequence;
    c->first = c->first == UINT64_MAX ? d->packet.sequence : c->first;
}

static bool confirmed(const struct channel *ch, const struct channel_candidate *c, uint64_t now)
{
    if (!c->other && !(c->packets > 1 && (ch->session_ended || own_silent(ch, now))))
        return false;
    for (uint32_t line = 0; line < ch->config.line_count; line++) {
        const bool left = c->in_a_row[line] == 2 && c->line_own[line] == line_own(ch, line);
        if (!left && channel_line_lives(ch, line, now))
            return false;
    }
    return true;
}

static bool set_aside(struct channel *ch, uint32_t index, uint32_t line,
                      const struct feed_datagram *d, const struct frame *frame, uint64_t now)
{
    struct channel_candidate *c = &ch->candidates[index];
    if (ch->arbiter.aside[index].count == 0) {
        c->since = now;
        c->watched = false;
    }
    if (ch->aside[line] >= ch->aside_max ||
        !arbiter_set_aside(&ch->arbiter, index, line, &d->packet, frame, now)) {
        ch->count->held_overflow++;
        return false;
    }
    ch->aside[line]++;
    ch->count->held = ch->arbiter.used;
    if (ch->arbiter.used > ch->count->held_peak)
        ch->count->held_peak = ch->arbiter.used;
    if (candidate_deadline(ch) < ch->deadline)
        ch->deadline = candidate_deadline(ch);
    return true;
}

enum candidate_verdict candidate_offer(struct channel *ch, uint32_t line,
                                       const struct feed_datagram *d, const struct frame *frame,
                                       uint64_t now)
{
    ch->count->foreign_sessions++;
    tell(ch, d);
    if (d->packet.sequence + d->packet.count > NUMBER_MAX)
        return CANDIDATE_REFUSED; // no session numbers like that
    uint32_t index = find(ch, d->session);
    if (index == ARBITER_ASIDES)
        index = enlist(ch, d->session);
    hear(ch, &ch->candidates[index], line, d);
    if (confirmed(ch, &ch->candidates[index], now))
        return CANDIDATE_CONFIRMED;
    return d->kind == FEED_DATA && set_aside(ch, index, line, d, frame, now) ? CANDIDATE_ASIDE
                                                                             : CANDIDATE_REFUSED;
}

uint64_t candidate_first(const struct channel *ch, const struct feed_datagram *d)
{
    const struct arbiter_aside *aside = &ch->arbiter.aside[find(ch, d->session)];
    return aside->count && aside->lowest < d->packet.sequence ? aside->lowest : d->packet.sequence;
}

bool candidate_take(struct channel *ch, struct arbiter_held *out)
{
    const uint32_t index = find(ch, ch->session);
    if (index < ARBITER_ASIDES && aside_take(ch, index, out))
        return true;
    candidate_drop(ch);
    return false;
}

// --- timers ---

void candidate_review(struct channel *ch, uint64_t now, uint64_t received)
{
    const uint64_t window = ch->config.reorder_ticks;
    if (!ch->session_settled && received >= ch->session_since + window)
        ch->session_settled = true;
    for (uint32_t i = 0; i < ARBITER_ASIDES; i++) {
        struct channel_candidate *c = &ch->candidates[i];
        if (ch->arbiter.aside[i].count == 0 || received < c->since + window)
            continue;
        // What is heard of the own session from here on is not what a slower line had left of it.
        const uint64_t own = own_packets(ch);
        if (c->watched && own != c->own_then) {
            drop(ch, i);
            continue;
        }
        c->watched = true;
        c->own_then = own;
        c->since = now;
    }
}

uint64_t candidate_deadline(const struct channel *ch)
{
    uint64_t deadline = UINT64_MAX;
    if (!ch->session_settled)
        deadline = ch->session_since + ch->config.reorder_ticks;
    for (uint32_t i = 0; i < ARBITER_ASIDES; i++) {
        const uint64_t due = ch->candidates[i].since + ch->config.reorder_ticks;
        if (ch->arbiter.aside[i].count && due < deadline)
            deadline = due;
    }
    return deadline;
}
