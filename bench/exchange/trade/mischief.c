// What the exchange does wrong on purpose. Each chance is drawn from the seed in the order of the
// chances; what is wrong on a member's stream is right in the log.
#include "bench/exchange/trade/state.h"

#include <string.h>

enum { HOLD_NS = 1000000 }; // a message held for reordering waits no longer for the next one

bool mischief_drawn(struct bourse *b, uint32_t below)
{
    return below && (uint32_t)(random_next(&b->random) >> 32) < below;
}

void mischief_fault(struct bourse *b, uint32_t member, uint32_t letter, const char *text)
{
    b->counters.faults++;
    record_plain(b, BOURSE_FAULT, member, 0, letter, text);
}

static void put(struct bourse *b, uint32_t member, const uint8_t *message, uint32_t length,
                uint64_t due_ns)
{
    b->counters.sequenced++;
    tape_add(&b->members[member].tape, message, length, due_ns);
}

void mischief_release(struct bourse *b, uint32_t member, bool at_once)
{
    struct tape *t = &b->members[member].tape;
    if (!t->held_length || (!at_once && b->now_ns < t->held_until_ns))
        return;
    uint32_t length = t->held_length;
    t->held_length = 0;
    put(b, member, t->held, length, b->now_ns);
}

static void garbage_put(struct bourse *b, uint32_t member, uint64_t due_ns)
{
    uint8_t bytes[24] = {0};
    uint32_t length = 1 + random_below(&b->random, sizeof bytes);
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random_next(&b->random);
    bytes[0] |= 0x80; // no message of either protocol begins like that
    mischief_fault(b, member, 0, "a message that means nothing");
    put(b, member, bytes, length, due_ns);
}

bool mischief_is_of(const char types[16], const char *usual, uint8_t letter)
{
    const char *list = types[0] ? types : usual;
    return memchr(list, letter, strnlen(list, 16)) != NULL;
}

void mischief_tape(struct bourse *b, uint32_t member, const uint8_t *message, uint32_t length)
{
    const struct bourse_faults *f = &b->config.faults;
    struct tape *t = &b->members[member].tape;
    uint64_t due_ns = b->now_ns + b->config.latency_out_us * 1000ull;
    if (mischief_is_of(f->missing_types, "AUM", message[0]) &&
        mischief_drawn(b, f->missing_below)) {
        mischief_fault(b, member, message[0], "missing");
        return;
    }
    if (mischief_drawn(b, f->late_below)) {
        mischief_fault(b, member, message[0], "late");
        due_ns += (1 + random_below(&b->random, f->late_us ? f->late_us : 10000)) * 1000ull;
    }
    if (mischief_drawn(b, f->garbage_below))
        garbage_put(b, member, due_ns);
    if (!t->held_length && mischief_is_of(f->reorder_types, "AUMCJPI", message[0]) &&
        mischief_drawn(b, f->reorder_below)) {
        mischief_fault(b, member, message[0], "behind the next one");
        memcpy(t->held, message, length);
        t->held_length = length;
        t->held_until_ns = b->now_ns + HOLD_NS;
        return;
    }
    put(b, member, message, length, due_ns);
    if (mischief_drawn(b, f->duplicate_below)) {
        mischief_fault(b, member, message[0], "twice");
        put(b, member, message, length, due_ns);
    }
    mischief_release(b, member, true);
}

bool mischief_reject(struct bourse *b, uint32_t member, uint32_t *code)
{
    static const char letters[] = "THZSDCLMRXNOWabcdefghijklmn";
    if (!mischief_drawn(b, b->config.faults.reject_below))
        return false;
    *code = member_protocol(b, member) == ENTRY_42
                ? (uint32_t)letters[random_below(&b->random, sizeof letters - 1)]
                : 1 + random_below(&b->random, 0x2a);
    mischief_fault(b, member, *code, "rejected");
    return true;
}

void mischief_request(struct bourse *b, uint32_t member)
{
    b->members[member].cancels_drawn += mischief_drawn(b, b->config.faults.cancel_below);
}

void mischief_execution(struct bourse *b, uint32_t member)
{
    b->members[member].breaks_drawn += mischief_drawn(b, b->config.faults.break_below);
}

static void cancel_some(struct bourse *b, uint32_t member)
{
    static const char reasons[] = "DSTZXK";
    struct member *m = &b->members[member];
    if (!m->open_count)
        return;
    uint32_t number = m->open_first;
    for (uint32_t skip = random_below(&b->random, m->open_count); skip; skip--)
        number = ticket_at(b, number)->next;
    char reason = reasons[random_below(&b->random, sizeof reasons - 1)];
    mischief_fault(b, member, (uint8_t)reason, "cancelled unasked");
    ticket_cancel(b, number, ticket_at(b, number)->open, reason, "unasked");
}

static void break_some(struct bourse *b, uint32_t member)
{
    static const char reasons[] = "ECSX";
    struct member *m = &b->members[member];
    if (!m->execution_count)
        return;
    uint32_t place = m->executions[random_below(&b->random, m->execution_count)];
    if (b->executions[place].broken)
        return;
    char reason = reasons[random_below(&b->random, 4)];
    mischief_fault(b, member, (uint8_t)reason, "an execution is broken");
    bourse_break(b, BOURSE_MATCH_FIRST + place, reason);
}

// Only between requests and market messages: the book must not change under a match.
void mischief_settle(struct bourse *b)
{
    for (uint32_t i = 0; i < b->config.member_count; i++) {
        struct member *m = &b->members[i];
        for (; m->cancels_drawn; m->cancels_drawn--)
            cancel_some(b, i);
        for (; m->breaks_drawn; m->breaks_drawn--)
            break_some(b, i);
    }
}

void mischief_login(struct bourse *b, uint32_t member)
{
    if (!mischief_drawn(b, b->config.faults.forget_below))
        return;
    mischief_fault(b, member, 0, "the session is forgotten");
    member_session_next(b, member);
}

void mischief_connected(struct bourse *b, struct visitor *v)
{
    const struct bourse_faults *f = &b->config.faults;
    if (f->cut_bytes)
        v->cut_out_at = v->out_total + 1 + random_below(&b->random, 2 * f->cut_bytes);
    if (f->cut_in_bytes)
        v->cut_in_at = v->in_total + 1 + random_below(&b->random, 2 * f->cut_in_bytes);
}

void mischief_heartbeat(struct bourse *b, struct visitor *v)
{
    if (mischief_drawn(b, b->config.faults.silent_below)) {
        mischief_fault(b, v->member, 0, "silent until the next connection");
        v->silent = true;
    }
    if (!v->copy && mischief_drawn(b, b->config.faults.reset_below)) {
        mischief_fault(b, v->member, 0, "the session ends");
        bourse_session_end(b, v->member);
    }
}

void mischief_cut(struct bourse *b, const struct visitor *v)
{
    mischief_fault(b, v->state == VISITOR_IN ? v->member : BOURSE_NONE, 0, "the connection is cut");
}

void bourse_behave(struct bourse *b)
{
    memset(&b->config.faults, 0, sizeof b->config.faults);
    for (uint32_t i = 0; i < b->config.member_count; i++)
        mischief_release(b, i, true);
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++) {
        b->visitors[i].cut_in_at = b->visitors[i].cut_out_at = 0;
        b->visitors[i].silent = false;
    }
}
