// What goes into a lent book also goes to the lane's tape, in parts that the lane copies into the
// capture: a replay loads its book from them. A tape that nobody reads does not keep the book back.
#include <string.h>

#include "dataplane/control/snapshot.h"
#include "dataplane/lane/tape.h"

// Half of its ring stays free for what the lane itself takes in.
static bool tape_has_room(const struct tape *t)
{
    const uint64_t used = atomic_load_explicit(&t->ring->tail, memory_order_relaxed) -
                          atomic_load_explicit(&t->ring->head, memory_order_relaxed);
    return used <= (t->mask + 1) / 2;
}

static struct book_part *part_at(struct snapshot *s, uint32_t ahead)
{
    return &s->parts[(s->part + ahead) % SNAPSHOT_PARTS];
}

static bool part_free(const struct book_part *p)
{
    return !atomic_load_explicit(&p->given, memory_order_acquire);
}

void snapshot_record_begin(struct snapshot *s, uint64_t now_ns)
{
    const struct tape *t = s->lane->tape;
    s->recorded =
        t && atomic_load_explicit(&t->ring->recording, memory_order_relaxed) && tape_has_room(t);
    s->hurry_ns = now_ns + (uint64_t)s->config.timeout_ms * 1000000 / 2;
}

static void part_begin(struct snapshot *s, bool begins)
{
    struct book_part *p = part_at(s, 0);
    s->recorded = s->recorded && part_free(p);
    if (!s->recorded)
        return;
    p->len = 0;
    p->begins = begins;
}

void snapshot_record_clear(struct snapshot *s)
{
    part_begin(s, true); // over what is left of an attempt that failed
}

bool snapshot_record_room(struct snapshot *s, uint64_t now_ns)
{
    if (!s->recorded || (part_free(part_at(s, 1)) && tape_has_room(s->lane->tape)))
        return true;
    s->recorded = now_ns < s->hurry_ns;
    return !s->recorded;
}

static void part_give(struct snapshot *s)
{
    struct book_part *p = part_at(s, 0);
    const struct lane_answer answer = {
        .kind = ANSWER_LOADED, .channel = s->load.channel->index, .loaded = p->begins, .part = p};
    atomic_store_explicit(&p->given, true, memory_order_relaxed);
    s->recorded = spsc_push(&s->lane->answers, &answer);
    if (s->recorded)
        s->part = (s->part + 1) % SNAPSHOT_PARTS;
    else
        atomic_store_explicit(&p->given, false, memory_order_relaxed);
}

void snapshot_record(struct snapshot *s, const uint8_t *block, uint32_t len)
{
    if (s->recorded && part_at(s, 0)->len + len > BOOK_PART_LEN) {
        part_give(s);
        part_begin(s, false);
    }
    s->recorded = s->recorded && len <= BOOK_PART_LEN;
    if (!s->recorded)
        return;
    struct book_part *p = part_at(s, 0);
    memcpy(p->bytes + p->len, block, len);
    p->len += len;
}

void snapshot_record_end(struct snapshot *s)
{
    if (s->recorded)
        part_give(s);
}
