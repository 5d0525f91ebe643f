// What a drop copy may send: any bytes as its messages, for sessions of both protocols, into a
// small table. What is read is compared like our own, the table stays whole.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/dropcopy/theirs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAPACITY = 16 };

static void tell(void *context, const struct drop_entry *e, enum drop_difference difference,
                 bool now, uint64_t now_ns)
{
    (void)context;
    (void)now_ns;
    if (difference == DROP_NONE || difference >= DROP_DIFFERENCES ||
        (now && drop_entry_verdict(e) != difference))
        abort();
}

static void whole(const struct drop_table *t)
{
    uint32_t all = 0;
    for (uint32_t list = 0; list < DROP_LISTS; list++) {
        uint32_t count = 0;
        for (const struct drop_entry *e = drop_table_first(t, (enum drop_list)list); e;
             e = drop_table_next(t, e)) {
            const bool equal = drop_entry_verdict(e) == DROP_NONE;
            if (++count > CAPACITY || (list != DROP_FREE && equal != (list == DROP_EQUAL)))
                abort();
        }
        if (count != t->counts[list])
            abort();
        all += count;
    }
    if (all != CAPACITY)
        abort();
}

// Messages of up to 127 bytes, each behind a byte with its length and the side.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct drop_holds holds;
    struct drop_sessions sessions = {
        .count = 2,
        .rows = {{.name = "a", .username = "alice", .version = OUCH_50},
                 {.name = "b", .username = "bob", .version = OUCH_42, .place = 1}}};
    struct drop_table t;
    struct drop_item item;
    uint64_t now_ns = 1;
    (void)ouch_prefix_set(&sessions.rows[1].prefix, "TG");
    if (!drop_table_init(&t, CAPACITY, tell, NULL))
        abort();
    while (size > 1) {
        const uint32_t len = data[0] & 127;
        const enum drop_side side = data[0] >> 7 ? DROP_OURS : DROP_THEIRS;
        const uint32_t have = len < size - 1 ? len : (uint32_t)(size - 1);
        const enum drop_read read = drop_theirs_read(&sessions, data + 1, have, now_ns, &item);
        if (read == DROP_READ && (item.what == 0 || item.session > 1))
            abort();
        if (read == DROP_READ)
            (void)drop_table_put(&t, side, &item, now_ns);
        now_ns += 3;
        drop_table_due(&t, &holds, 10, now_ns);
        data += 1 + have;
        size -= 1 + have;
    }
    whole(&t);
    drop_table_free(&t);
    return 0;
}
