// The trading day: when members may enter orders, and when orders end by themselves.
#include <stdlib.h>

#include "bench/exchange/trade/state.h"

static void tell_all(struct bourse *b, char code)
{
    for (uint32_t m = 0; m < b->config.member_count; m++)
        reply_system(b, m, code);
}

void member_cancel_all(struct bourse *b, uint32_t member, char reason, const char *text)
{
    uint32_t number;
    while ((number = b->members[member].open_first) != 0)
        ticket_cancel(b, number, ticket_at(b, number)->open, reason, text);
}

void day_member(struct bourse *b, uint32_t member)
{
    struct member *m = &b->members[member];
    if (m->day_told || b->phase == PHASE_BEFORE || b->phase == PHASE_DONE)
        return;
    m->day_told = true;
    reply_system(b, member, 'S');
}

void day_done(struct bourse *b)
{
    if (b->phase == PHASE_DONE)
        return;
    for (uint32_t m = 0; m < b->config.member_count; m++)
        member_cancel_all(b, m, 'E', "the day is over");
    b->phase = PHASE_DONE;
    tell_all(b, 'E');
}

// System events of ITCH 5.0: O start of messages, S start of system hours, Q and M start and end of
// market hours, E end of system hours, C end of messages. A recording that starts later than O
// leaves the market open.
void day_event(struct bourse *b, char code)
{
    static const struct {
        char code;
        enum bourse_phase phase;
    } rows[] = {{'O', PHASE_BEFORE}, {'S', PHASE_OPEN}, {'Q', PHASE_OPEN}, {'M', PHASE_AFTER}};
    if (code == 'E' || code == 'C')
        day_done(b);
    for (uint32_t i = 0; i < 4 && b->phase != PHASE_DONE; i++)
        if (rows[i].code == code)
            b->phase = rows[i].phase;
    for (uint32_t m = 0; m < b->config.member_count; m++)
        day_member(b, m);
}

void day_expire(struct bourse *b)
{
    if (b->day_ns < b->expire_next_ns)
        return;
    b->expire_next_ns = UINT64_MAX;
    uint32_t count;
    uint32_t *numbers = open_list(b, 0, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct ticket *t = ticket_at(b, numbers[i]);
        if (!t->open || !t->expire_ns)
            continue;
        if (t->expire_ns <= b->day_ns)
            ticket_cancel(b, numbers[i], t->open, 'T', "its time is over");
        else if (t->expire_ns < b->expire_next_ns)
            b->expire_next_ns = t->expire_ns;
    }
    free(numbers);
}

void day_clock(struct bourse *b, uint64_t day_ns)
{
    // Nobody's time stamp is trusted to be of this day.
    if (day_ns <= b->day_ns || day_ns >= 2 * 86400 * BOURSE_SECOND)
        return;
    b->day_ns = day_ns;
    day_expire(b);
}
