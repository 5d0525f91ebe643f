#include "dataplane/feed/number.h"

#include <string.h>

#include "dataplane/feed/loan.h"

enum { TELL_EVERY = 1 << 20 }; // an event for the first packet of so many

static void number_event(struct channel *ch, uint16_t type, uint32_t line, uint64_t end)
{
    struct event event = {.type = type};
    event.rewind.channel = ch->index;
    event.rewind.line = (uint8_t)line;
    event.rewind.sequence = end;
    event.rewind.expected = ch->arbiter.next;
    ch->sink.event(ch->sink.context, &event);
}

void number_session_begin(struct channel *ch, uint64_t first)
{
    memset(&ch->numbers, 0, sizeof ch->numbers);
    ch->numbers.entered = first;
}

bool number_plausible(const struct channel *ch, uint64_t end)
{
    const uint64_t entered = ch->numbers.entered, seen = ch->arbiter.seen_end;
    const uint64_t known = seen > entered ? seen : entered;
    return end <= NUMBER_MAX && (end <= known || end - known <= NUMBER_LEAP_MAX);
}

// --- leaps ---

static bool leap_near(const struct channel *ch, uint32_t line, uint64_t end)
{
    const struct channel_numbers *n = &ch->numbers;
    const uint64_t leap = n->leap[line];
    return leap && n->leap_said[line] == n->said[line] &&
           (end > leap ? end - leap : leap - end) <= NUMBER_LEAP_MAX;
}

// The line says it again, and nothing else in between: another packet, or the same so often that it
// is a line that has nothing but heartbeats to say.
static bool leap_again(struct channel *ch, uint32_t line, uint64_t end)
{
    enum { TIMES = 3 };
    struct channel_numbers *n = &ch->numbers;
    const bool near = leap_near(ch, line, end), same = near && end == n->leap[line];
    n->leaps[line] = same ? n->leaps[line] + 1 : 1;
    n->leap[line] = end;
    n->leap_said[line] = n->said[line];
    return same ? n->leaps[line] >= TIMES : near;
}

static bool leap_believed(struct channel *ch, uint32_t line, uint64_t end, uint64_t now)
{
    bool confirmed = leap_again(ch, line, end);
    for (uint32_t other = 0; other < ch->config.line_count; other++) {
        if (other == line)
            continue;
        if (leap_near(ch, other, end))
            confirmed = true;
        else if (channel_line_lives(ch, other, now))
            return false;
    }
    return confirmed;
}

static bool leap_watch(struct channel *ch, uint32_t line, uint64_t end, uint64_t now)
{
    if (number_plausible(ch, end) || (end <= NUMBER_MAX && leap_believed(ch, line, end, now))) {
        memset(ch->numbers.leap, 0, sizeof ch->numbers.leap);
        return true;
    }
    if (ch->count->implausible++ % TELL_EVERY == 0)
        number_event(ch, EVENT_SEQUENCE_LEAP, line, end);
    return false;
}

// --- rewinds ---

static void rewind_tell(struct channel *ch, uint32_t line, uint64_t end)
{
    if (ch->count->rewinds++ % TELL_EVERY == 0)
        number_event(ch, EVENT_SEQUENCE_REWIND, line, end);
}

// Every line that lives numbers from below next - <by>.
static bool lines_below(const struct channel *ch, uint64_t by, uint64_t now)
{
    uint32_t lives = 0;
    for (uint32_t line = 0; line < ch->config.line_count; line++) {
        if (!channel_line_lives(ch, line, now))
            continue;
        if (ch->numbers.said[line] + by >= ch->arbiter.next)
            return false;
        lives++;
    }
    return lives > 0;
}

bool number_odd(struct channel *ch, uint32_t line, uint64_t end, uint64_t now)
{
    struct channel_numbers *n = &ch->numbers;
    if (end >= ch->arbiter.next)
        return leap_watch(ch, line, end, now);
    n->said[line] = end;
    rewind_tell(ch, line, end);
    // Nothing moves the channel on between two of them: no stray copies. Never applied again.
    if (n->rewind_next == ch->arbiter.next && lines_below(ch, NUMBER_REWIND_MIN, now))
        loan_rewound(ch, now);
    n->rewind_next = ch->arbiter.next;
    return true;
}

// A line that is merely behind gets there within the time after which it would be stale.
void number_below_review(struct channel *ch, uint64_t now)
{
    struct channel_numbers *n = &ch->numbers;
    if (ch->book_lent || ch->state == CHANNEL_IDLE || ch->state == CHANNEL_AHEAD ||
        !lines_below(ch, 0, now)) {
        n->below_since = 0;
    } else if (n->below_since == 0) {
        n->below_since = now;
    } else if (now - n->below_since > ch->config.line_stale_ticks && !n->rewound) {
        uint32_t line = 0;
        while (!channel_line_lives(ch, line, now))
            line++;
        rewind_tell(ch, line, n->said[line]);
        loan_rewound(ch, now);
    }
}

// --- what lines have shown ---

uint64_t number_shown(const struct channel *ch)
{
    uint64_t shown = 1;
    for (uint32_t line = 0; line < ch->config.line_count; line++)
        shown = ch->numbers.said[line] > shown ? ch->numbers.said[line] : shown;
    return shown;
}

uint64_t number_lowest(const struct channel *ch)
{
    uint64_t lowest = number_shown(ch);
    for (uint32_t line = 0; line < ch->config.line_count; line++)
        if (ch->numbers.said[line] && ch->numbers.said[line] < lowest)
            lowest = ch->numbers.said[line];
    return lowest;
}
