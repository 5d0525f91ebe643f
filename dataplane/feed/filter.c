// The set of symbols that a channel follows, changed while it runs.
//
// The change goes symbol by symbol: a symbol that is followed from now on has an incomplete book
// and is SUSPECT until a snapshot; one that is no longer followed loses its orders, so that they do
// not fill the pools for the rest of the day. A turn does a bounded piece of it.
#include "dataplane/book/book_hot.h"
#include "dataplane/feed/channel.h"
#include "dataplane/feed/publish.h"

enum { FILTER_WORDS = 1024, FILTER_WORDS_A_STEP = 16, FILTER_ORDERS_A_STEP = 64 };

void channel_follow(struct channel *ch, const char (*names)[8], uint32_t count)
{
    ch->follow = names;
    ch->follow_count = count;
    if (count)
        ch->filter = ch->filter_active; // nobody yet: locates come with the directory
}

void channel_announced(struct channel *ch, uint16_t locate, const char *name)
{
    for (uint32_t i = 0; i < ch->follow_count; i++)
        if (memcmp(ch->follow[i], name, 8) == 0)
            ch->filter_active[locate >> 6] |= 1ull << (locate & 63);
}

void channel_filter_begin(struct channel *ch, const uint64_t *bitmap)
{
    ch->filter_next = bitmap;
    ch->filter_word = 0;
}

// The list of the start is over, and whoever followed every symbol has a bitmap that says so.
static void bitmap_begin(struct channel *ch)
{
    ch->follow_count = 0;
    if (ch->filter)
        return;
    memset(ch->filter_active, 0xff, sizeof ch->filter_active);
    ch->filter = ch->filter_active;
}

// Takes up to *<budget> orders of a symbol out of its book. True: none is left.
static bool symbol_purge(struct channel *ch, uint32_t slot, uint32_t *budget)
{
    struct book *book = &ch->book;
    for (uint32_t side = 0; side < 2; side++) {
        const struct level *level;
        while ((level = book_best(book, &book->symbols[slot], side)) != NULL) {
            if (*budget == 0)
                return false;
            --*budget;
            if (level->orders == 0) { // a book of levels
                book_level_set(book, slot, side, level->price, 0);
                continue;
            }
            uint64_t ref = order_at(book, level->first)->ref;
            book_delete(book, slot, order_key(book, ref), level->first);
        }
    }
    return true;
}

// One symbol whose bit changes. True: done.
static bool locate_change(struct channel *ch, uint16_t locate, bool follow, uint32_t *budget)
{
    uint16_t slot = ch->book.slot_of_locate[locate];
    if (slot == SYMBOL_NONE)
        return true;
    if (!follow && !symbol_purge(ch, slot, budget))
        return false;
    ch->book.symbols[slot].flags |= SYMBOL_SUSPECT;
    best_publish(ch, slot, BOOK_BID);
    best_publish(ch, slot, BOOK_ASK);
    symbol_requalify(ch, slot);
    return true;
}

uint32_t channel_filter_step(struct channel *ch)
{
    uint32_t budget = FILTER_ORDERS_A_STEP;
    if (ch->book_lent)
        return 0; // book and bitmap are elsewhere: later
    bitmap_begin(ch);
    for (uint32_t n = 0; n < FILTER_WORDS_A_STEP && ch->filter_word < FILTER_WORDS;
         n++, ch->filter_word++) {
        uint64_t *active = &ch->filter_active[ch->filter_word];
        for (uint64_t diff; (diff = *active ^ ch->filter_next[ch->filter_word]) != 0;) {
            uint32_t bit = (uint32_t)__builtin_ctzll(diff);
            bool follow = ch->filter_next[ch->filter_word] >> bit & 1;
            if (!locate_change(ch, (uint16_t)(ch->filter_word * 64 + bit), follow, &budget))
                return 1;
            *active ^= 1ull << bit;
        }
    }
    if (ch->filter_word < FILTER_WORDS)
        return 1;
    struct event event = {.type = EVENT_FILTER_CHANGED};
    event.filter_changed.channel = ch->index;
    for (uint32_t i = 0; i < FILTER_WORDS; i++)
        event.filter_changed.symbols += (uint32_t)__builtin_popcountll(ch->filter_active[i]);
    ch->filter_next = NULL;
    atomic_store_explicit(&ch->filters_done, channel_filters_done(ch) + 1, memory_order_release);
    ch->sink.event(ch->sink.context, &event);
    return 1;
}
