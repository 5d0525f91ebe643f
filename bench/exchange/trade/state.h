// What the files of the trading half share. Not for users of bourse.h.
#pragma once

#include "bench/exchange/itch_write.h"
#include "bench/exchange/random.h"
#include "bench/exchange/trade/bourse.h"
#include "bench/exchange/trade/entry.h"
#include "bench/exchange/trade/pit.h"

#define BOURSE_SECOND 1000000000ull
// References and match numbers of our own stand above those of any replayed day, and below 2^53, so
// that every reader of JSON keeps them whole.
#define BOURSE_REFERENCE_FIRST (1ull << 50)
#define BOURSE_MATCH_FIRST     (1ull << 51)

enum {
    BOURSE_PRICE_MAX = 1999999900,    // 199,999.99
    BOURSE_PRICE_MARKET = 2000000000, // from here on: a market order
    BOURSE_QUANTITY_MAX = 999999,
    BOURSE_FIRMS_DISABLED = 8,
};

// An order of a member, kept for the whole day. Numbers start at 1 and are never used again.
struct ticket {
    struct entry e; // what answers echo: as accepted, price and display as they are now
    uint64_t limit; // price as entered: what a slid order wants to go back to
    uint64_t reference, expire_ns; // expire: day time, 0: never
    uint32_t quantity, open, executed, decremented;
    uint32_t broken;         // of what was executed: the shares do not come back to the order
    uint32_t chain;          // used shares of the orders that it replaced
    uint32_t chain_executed; // the executed part of it, broken ones not counted
    uint32_t pit;            // number in the pit while it rests
    uint32_t previous, next; // open orders of the member
    uint16_t locate;
    uint8_t member;
    bool bid;
    bool crossing; // waits for a cross, not in the pit
    bool slid;     // rests one tick away from its limit
    bool watched;  // its price follows the market
    bool pending_told, reject_told;
    bool shown; // displayed
};

struct execution {
    uint64_t price;
    uint32_t shares;
    uint32_t tickets[2]; // taker, maker; 0: not a member's
    int64_t fee_micro[2];
    bool broken;
};

// Sequenced messages of a session. Grows with the day: any of them may be asked for again.
struct tape {
    uint8_t *bytes;
    struct tape_message {
        uint64_t offset, due_ns;
        uint32_t length;
    } * messages;
    uint64_t bytes_have, bytes_room;
    uint64_t count, room;
    uint64_t last_due_ns;
    uint8_t held[ENTRY_MAX]; // changes places with the next one
    uint32_t held_length;
    uint64_t held_until_ns;
};

struct money {
    int64_t position, cash_micro;
    bool traded;
};

struct member {
    char session[11];
    struct tape tape;
    int visitor; // -1: not connected
    bool day_told;
    uint32_t next_ref[256]; // by UserRefIdx
    uint32_t *tickets;      // in the order of acceptance
    uint32_t ticket_count, ticket_room;
    uint32_t open_first, open_count;
    struct money *money; // by locate; NULL until the first trade
    char disabled[BOURSE_FIRMS_DISABLED][4];
    uint32_t disabled_count;
    uint32_t *executions; // places of its executions
    uint32_t execution_count, execution_room;
    uint32_t cancels_drawn, breaks_drawn; // by mischief, not done yet
};

enum visitor_state { VISITOR_FREE, VISITOR_NEW, VISITOR_IN, VISITOR_OUT };

struct visitor {
    enum visitor_state state;
    enum bourse_closing closing;
    uint8_t member;
    bool copy; // came in by the door of the drop copies
    bool silent;
    uint64_t connected_ns, heard_ns, said_ns;
    uint32_t silence_ms;
    uint64_t next;     // number of the next sequenced message to send
    uint8_t *in, *out; // bytes not handled yet, not taken yet
    uint32_t in_have, in_ready, in_room, out_have, out_room; // in_ready: of which it is time
    struct arrival {
        uint64_t due_ns;
        uint32_t length;
    } * arrivals; // pieces of <in>, in their order
    uint32_t arrival_count, arrival_room;
    uint64_t in_total, out_total, cut_in_at, cut_out_at; // cut: 0 never
};

enum bourse_phase { PHASE_UNTOLD, PHASE_BEFORE, PHASE_OPEN, PHASE_AFTER, PHASE_DONE };

struct bourse {
    struct bourse_config config;
    uint64_t now_ns, day_ns, record_number;
    uint64_t stamp_ns; // of the last answer
    enum bourse_phase phase;
    bool ended; // nobody is let in any more
    struct pit pit;
    struct ticket *tickets; // [0] is none
    uint32_t ticket_count, ticket_room;
    uint32_t *index; // open addressing over member and number or token: tickets
    uint32_t index_count;
    struct execution *executions;
    uint32_t execution_count, execution_room;
    uint32_t *watched; // tickets whose price follows the market
    uint32_t watched_count, watched_room;
    uint64_t expire_next_ns; // nothing expires before
    uint64_t reference_next;
    struct random random; // of mischief
    struct member members[BOURSE_PARTIES];
    uint64_t foreign; // executions that never were
    struct visitor visitors[BOURSE_VISITORS];
    struct bourse_counters counters;
};

static inline struct ticket *ticket_at(struct bourse *b, uint32_t number)
{
    return &b->tickets[number];
}

static inline enum entry_protocol member_protocol(const struct bourse *b, uint32_t member)
{
    return b->config.members[member].protocol == BOURSE_OUCH_42 ? ENTRY_42 : ENTRY_50;
}

// Shares of its total that cannot trade any more.
static inline uint32_t ticket_used(const struct ticket *t)
{
    return t->chain + t->executed + t->broken + t->decremented;
}

static inline bool field_is(const char field[1], const char *letters)
{
    for (; *letters; letters++)
        if (field[0] == *letters)
            return true;
    return false;
}

// Grows an array so that one more fits; a bourse without memory cannot go on.
void *array_room(void *array, uint32_t count, uint32_t *room, uint32_t size);

// tape.c. Keeps a message; its bytes can be taken from due_ns on.
void tape_add(struct tape *t, const uint8_t *message, uint32_t length, uint64_t due_ns);
void tape_clear(struct tape *t);

// mischief.c. What goes onto a tape goes through here.
void mischief_tape(struct bourse *b, uint32_t member, const uint8_t *message, uint32_t length);
void mischief_release(struct bourse *b, uint32_t member,
                      bool at_once); // what was held for reordering
bool mischief_reject(struct bourse *b, uint32_t member, uint32_t *code);
void mischief_request(struct bourse *b, uint32_t member); // after each request
void mischief_settle(struct bourse *b); // cancels and breaks that were drawn meanwhile
void mischief_execution(struct bourse *b, uint32_t member);
void mischief_login(struct bourse *b, uint32_t member);       // before it is judged
void mischief_connected(struct bourse *b, struct visitor *v); // after a welcome
void mischief_heartbeat(struct bourse *b, struct visitor *v);
void mischief_cut(struct bourse *b, const struct visitor *v);
bool mischief_drawn(struct bourse *b, uint32_t below);
void mischief_fault(struct bourse *b, uint32_t member, uint32_t letter, const char *text);
bool mischief_is_of(const char types[16], const char *usual, uint8_t letter);

// copy.c: an answer to a member, to the drop copies of its firm.
void copy_tell(struct bourse *b, uint32_t member, const struct entry *e);

// record.c
void record_write(struct bourse *b, struct bourse_record *r);
void record_plain(struct bourse *b, enum bourse_event event, uint32_t member, uint64_t quantity,
                  uint32_t reason, const char *text);
void record_ticket(struct bourse *b, enum bourse_event event, const struct ticket *t,
                   uint32_t quantity, uint32_t reason, const char *text);
void record_entry(struct bourse *b, struct bourse_record *r, uint32_t member,
                  const struct entry *e);
void record_fill(struct bourse *b, struct bourse_record *r, const struct ticket *t);

// ticket.c. A new one is not open yet; index it to have it found, as accepted to have it listed.
uint32_t ticket_new(struct bourse *b, uint32_t member, const struct entry *e);
void ticket_index(struct bourse *b, uint32_t number, bool accepted);
uint32_t ticket_find(const struct bourse *b, uint32_t member, uint64_t index, uint64_t ref,
                     const char token[14]);
void ticket_open(struct bourse *b, uint32_t number);  // into the member's list
void ticket_close(struct bourse *b, uint32_t number); // out of list, pit and crosses
struct money *money_at(struct bourse *b, uint32_t member, uint16_t locate);

// reply.c: what members are told, with the record of it.
void reply_accepted(struct bourse *b, struct ticket *t, bool live);
void reply_replaced(struct bourse *b, struct ticket *t, const struct ticket *old, bool live);
void reply_canceled(struct bourse *b, struct ticket *t, uint32_t shares, char reason,
                    const char *text);
void reply_self_match(struct bourse *b, struct ticket *t, uint32_t shares, uint32_t prevented,
                      uint64_t price, char strategy);
void reply_executed(struct bourse *b, struct ticket *t, uint32_t shares, uint64_t price,
                    uint64_t match, char liquidity, int64_t fee_micro);
void reply_broken(struct bourse *b, struct ticket *t, uint64_t match, const struct execution *x,
                  int64_t fee_micro, char reason);
void reply_rejected(struct bourse *b, uint32_t member, const struct entry *request, uint32_t reason,
                    const char *text);
void reply_plain(struct bourse *b, struct ticket *t, char type); // P I M N
void reply_priority(struct bourse *b, struct ticket *t);
void reply_restated(struct bourse *b, struct ticket *t, uint32_t shown); // a reserve was refilled
void reply_system(struct bourse *b, uint32_t member, char code);
void reply_query(struct bourse *b, uint32_t member, uint64_t index);
void reply_firm(struct bourse *b, uint32_t member, const struct entry *request, char type); // X G K

// rules.c: the number of the first rule that an order breaks, or RULE_NONE.
enum rule {
#define RULE(name, code50, code42, replace_keeps, text) RULE_##name,
#include "bench/exchange/trade/rules.def"
#undef RULE
    RULE_NONE,
};
enum rule rules_check(const struct bourse *b, const struct ticket *t);
uint32_t rule_code(enum entry_protocol protocol, enum rule rule);
bool rule_keeps(enum rule rule); // a replace that breaks it leaves the original alone
const char *rule_text(enum rule rule);

// match.c
bool match_halted(const struct bourse *b, uint16_t locate);
// Numbers the order, gives it its first price. False: it takes although it must not, and is dead.
bool match_prepare(struct bourse *b, uint32_t number);
// Takes what it can, then rests or goes. <replaced>: reference of the shown order whose place on
// the lines it takes, 0: none.
void match_enter(struct bourse *b, uint32_t number, uint64_t replaced);
// Out of the book, still open; <tell>: the lines delete it.
void match_leave(struct bourse *b, uint32_t number, bool tell);
void match_again(struct bourse *b, uint32_t number);  // leaves and comes back, taking what it can
void match_refill(struct bourse *b, uint32_t number); // shows more of its reserve
// Cancels <shares> of what is open, tells its member and the lines.
void ticket_cancel(struct bourse *b, uint32_t number, uint32_t shares, char reason,
                   const char *text);
// The same for what must not be told as a cancel.
void ticket_shrink(struct bourse *b, uint32_t number, uint32_t shares);
// A replayed aggressor against orders of members on one side, in priority, at <limit> or better and
// ahead of <before>. Answers the shares traded.
uint32_t match_replayed(struct bourse *b, uint16_t locate, bool maker_bid, uint32_t limit,
                        uint32_t before, uint32_t shares);
// Pegs, slid and discretionary orders of a symbol follow the market; 0: of all.
void match_watched(struct bourse *b, uint16_t locate);
void match_uncross_one(struct bourse *b, uint32_t number); // takes what it can now
void match_uncross(struct bourse *b, uint16_t locate);     // trading goes on after a halt

// trade.c. <taker>: a member's order or 0; <maker>: in the pit.
void trade(struct bourse *b, uint32_t taker, uint32_t maker, uint32_t shares, uint64_t price);
void trade_cross(struct bourse *b, uint32_t number, uint32_t shares, uint64_t price,
                 char liquidity); // against the cross of the replay, which prints it itself

// cross.c: a cross of the replay happened.
void cross_run(struct bourse *b, uint16_t locate, char type, uint64_t shares, uint32_t price);
bool cross_late(const struct bourse *b, const struct ticket *t);
// Open orders of everybody in a symbol (0: all), oldest first; the caller frees them.
uint32_t *open_list(struct bourse *b, uint16_t locate, uint32_t *count);

// day.c
void day_event(struct bourse *b, char code);        // system event of the lines
void day_expire(struct bourse *b);                  // what day time has ended
void day_member(struct bourse *b, uint32_t member); // tells a member, once
void day_done(struct bourse *b);
void member_cancel_all(struct bourse *b, uint32_t member, char reason, const char *text);
void day_clock(struct bourse *b, uint64_t day_ns); // day time goes on, not back

// lines.c: published messages about members' orders.
struct itch_common lines_stamp(const struct bourse *b, uint16_t locate);
void lines_publish(struct bourse *b, const uint8_t *message, uint32_t length);
void lines_add(struct bourse *b, const struct ticket *t, uint32_t shares);
void lines_replace(struct bourse *b, const struct ticket *t, uint64_t old, uint32_t shares);
void lines_delete(struct bourse *b, uint64_t reference, uint16_t locate);
void lines_cancel(struct bourse *b, uint64_t reference, uint16_t locate, uint32_t shares);

// desk.c: one message of a member.
void desk_message(struct bourse *b, uint32_t member, const uint8_t *message, uint32_t length);

// visitor.c
void visitor_clock(struct bourse *b);
uint64_t visitor_due(const struct bourse *b);
void visitor_say_end(struct bourse *b, uint32_t member); // the whole stream, end of session, close
void visitor_free(struct visitor *v);
void member_session_next(struct bourse *b, uint32_t member);
