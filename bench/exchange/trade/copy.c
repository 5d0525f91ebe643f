// Drop copies: what happens to the orders of a firm, on a SoupBinTCP stream of its own. Each
// message is that of the order session behind the name of whom it was sent to:
//
//   firm 4 | user of the order session 6 | OUCH message of that session's protocol
//
// Both names are padded with blanks on the right.
#include <string.h>

#include "bench/exchange/trade/state.h"

enum { FIRM = 4, USER = 6, HEAD = FIRM + USER };

#define FOREIGN_FIRST (1ull << 52) // above every match number that is in use

static void name_put(uint8_t *at, const char *name, size_t room)
{
    memset(at, ' ', room);
    memcpy(at, name, strnlen(name, room));
}

static void put(struct bourse *b, uint32_t copy, uint32_t member, const struct entry *e)
{
    uint8_t message[HEAD + ENTRY_MAX];
    const struct bourse_faults *f = &b->config.faults;
    const struct bourse_member *m = &b->config.members[member];
    uint64_t due_ns = b->now_ns + b->config.latency_out_us * 1000ull;
    if (mischief_drawn(b, f->drop_late_below)) {
        mischief_fault(b, copy, (uint8_t)e->type, "the copy is late");
        due_ns +=
            (1 + random_below(&b->random, f->drop_late_us ? f->drop_late_us : 10000)) * 1000ull;
    }
    name_put(message, m->firm, FIRM);
    name_put(message + FIRM, m->user, USER);
    const uint32_t length =
        HEAD + entry_write(member_protocol(b, member), ENTRY_OUT, e, message + HEAD);
    b->counters.copied++;
    tape_add(&b->members[copy].tape, message, length, due_ns);
}

static void tell(struct bourse *b, uint32_t copy, uint32_t member, const struct entry *e)
{
    const struct bourse_faults *f = &b->config.faults;
    struct entry told = *e;
    if (mischief_is_of(f->drop_types, "ECDB", (uint8_t)e->type)) {
        if (mischief_drawn(b, f->drop_missing_below)) {
            mischief_fault(b, copy, (uint8_t)e->type, "not copied");
            return;
        }
        if (mischief_drawn(b, f->drop_wrong_below)) {
            mischief_fault(b, copy, (uint8_t)e->type, "copied with one share more");
            told.quantity++;
        } else if (mischief_drawn(b, f->drop_double_below)) {
            mischief_fault(b, copy, (uint8_t)e->type, "copied twice");
            put(b, copy, member, &told);
        }
    }
    put(b, copy, member, &told);
    if (e->type != 'E' || !mischief_drawn(b, f->drop_foreign_below))
        return;
    mischief_fault(b, copy, 'E', "an execution that never was");
    told = *e;
    told.match = FOREIGN_FIRST + b->foreign++;
    put(b, copy, member, &told);
}

void copy_tell(struct bourse *b, uint32_t member, const struct entry *e)
{
    if (!e->type || !strchr("AUCDEB", e->type))
        return;
    for (uint32_t i = 0; i < b->config.copy_count; i++)
        if (strcmp(b->config.members[BOURSE_MEMBERS + i].firm, b->config.members[member].firm) == 0)
            tell(b, BOURSE_MEMBERS + i, member, e);
}
