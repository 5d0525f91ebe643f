#include "dataplane/book/book.h"

#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/book/book_hot.h"

enum { LOCATES = 65536, SPAN_KEYS_PER_LEVEL = 4, MATCHES_DEFAULT = 1u << 18 };

void book_config_defaults(struct book_config *config)
{
    const uint32_t largest = 1u << (SPAN_CLASSES - 1);
    if (config->levels == 0)
        config->levels = config->orders;
    if (config->spans == 0) {
        uint64_t units = (uint64_t)config->levels * SPAN_KEYS_PER_LEVEL / SPAN_MIN;
        // Every side of every symbol may hold a span of class 0.
        uint64_t least = 2ull * config->symbols;
        units = units < least ? least : units;
        config->spans = (uint32_t)((units + largest - 1) / largest * largest);
    }
    if (config->matches == 0)
        config->matches = MATCHES_DEFAULT;
}

// Every message looks for an order: a third of the places taken, so that hardly any is away from
// home.
static uint32_t order_lines(uint32_t orders)
{
    return pair_lines(orders + orders / 2);
}

static uint32_t name_count(uint32_t symbols)
{
    uint32_t count = 64;
    while (count < 2 * symbols)
        count *= 2;
    return count;
}

// The block in the order of <bill>: book_init hands out the same parts.
uint64_t book_bytes(const struct book_config *config, struct bill_line *bill)
{
    const struct bill_line lines[BOOK_BILL_LINES] = {
        {"orders", (uint64_t)order_lines(config->orders) * CACHE_LINE},
        {"price levels", (uint64_t)pair_lines(config->levels) * CACHE_LINE},
        {"sorted prices",
         (uint64_t)config->spans * SPAN_UNIT + cache_lines(span_state_bytes(config->spans))},
        {"symbols", (uint64_t)config->symbols * sizeof(struct book_symbol)},
        {"symbol directory", cache_lines((uint64_t)config->symbols * sizeof(struct symbol_info))},
        {"locate table", LOCATES * sizeof(uint16_t)},
        {"name table", cache_lines(name_count(config->symbols) * sizeof(uint16_t))},
        {"executions (for broken trades)",
         cache_lines((uint64_t)config->matches * sizeof(struct book_match))},
    };
    uint64_t total = 0;
    for (int i = 0; i < BOOK_BILL_LINES; i++) {
        total += lines[i].bytes;
        if (bill)
            bill[i] = lines[i];
    }
    return total;
}

static void directory_reset(struct book *book)
{
    book->orders_live = book->levels_live = 0;
    book->symbol_count = 0;
    memset(book->slot_of_locate, 0xff, LOCATES * sizeof(uint16_t));
    memset(book->slot_of_name, 0xff, ((uint64_t)book->name_mask + 1) * sizeof(uint16_t));
}

void book_init(struct book *book, const struct book_config *config, void *memory)
{
    struct bill_line bill[BOOK_BILL_LINES];
    uint8_t *part[BOOK_BILL_LINES];
    MUST((uintptr_t)memory % CACHE_LINE == 0);
    MUST(config->matches && (config->matches & (config->matches - 1)) == 0);
    MUST(config->symbols < SYMBOL_NONE);
    book_bytes(config, bill);
    for (int i = 0; i < BOOK_BILL_LINES; i++) {
        part[i] = memory;
        memory = part[i] + bill[i].bytes;
    }
    memset(book, 0, sizeof *book);
    book->config = *config;
    const uint32_t lines = order_lines(config->orders);
    book->records = (struct pair_record *)(void *)part[0];
    book->order_table = (struct pair_table){book->records, 0, lines};
    book->level_table = (struct pair_table){book->records, lines, pair_lines(config->levels)};
    span_init(&book->spans, part[2], part[2] + (uint64_t)config->spans * SPAN_UNIT, config->spans);
    book->symbols = (struct book_symbol *)(void *)part[3];
    book->infos = (struct symbol_info *)(void *)part[4];
    book->slot_of_locate = (uint16_t *)(void *)part[5];
    book->slot_of_name = (uint16_t *)(void *)part[6];
    book->name_mask = name_count(config->symbols) - 1;
    book->matches = (struct book_match *)(void *)part[7];
    directory_reset(book);
}

void book_reset(struct book *book)
{
    // Records that were given back are empty already: a book without orders is forgotten quickly.
    if (book->orders_live || book->levels_live)
        memset(book->records, 0,
               ((uint64_t)book->order_table.lines + book->level_table.lines) * CACHE_LINE);
    memset(book->symbols, 0, book->config.symbols * sizeof(struct book_symbol));
    memset(book->infos, 0, book->config.symbols * sizeof(struct symbol_info));
    memset(book->matches, 0, book->config.matches * sizeof(struct book_match));
    span_init(&book->spans, book->spans.units, book->spans.state, book->config.spans);
    directory_reset(book);
}

bool side_resize(struct book *book, struct symbol_side *side, unsigned size_class)
{
    uint32_t span = size_class < SPAN_CLASSES ? span_alloc(&book->spans, size_class) : SPAN_NONE;
    if (span == SPAN_NONE)
        return false;
    if (side->span != SPAN_NONE) {
        memcpy(span_keys(&book->spans, span), span_keys(&book->spans, side->span),
               side->count * sizeof(uint32_t));
        span_free(&book->spans, side->span, side->size_class);
    }
    side->span = span;
    side->size_class = (uint8_t)size_class;
    return true;
}

uint16_t book_symbol_open(struct book *book, uint16_t locate)
{
    uint16_t slot = book->slot_of_locate[locate];
    if (slot != SYMBOL_NONE || book->symbol_count == book->config.symbols)
        return slot;
    slot = (uint16_t)book->symbol_count++;
    book->slot_of_locate[locate] = slot;
    book->symbols[slot] = (struct book_symbol){
        .side = {{.span = SPAN_NONE, .top = LEVEL_NONE}, {.span = SPAN_NONE, .top = LEVEL_NONE}},
        .locate = locate,
        .quality = QUALITY_HALTED,
    };
    return slot;
}

static void name_trim(char out[9], const char name[8])
{
    uint32_t len = 8;
    memcpy(out, name, 8);
    while (len > 0 && out[len - 1] == ' ')
        len--;
    memset(out + len, 0, 9 - len);
}

// Where <name> stands in the name table, or the empty entry where it belongs. The table is at most
// half full.
static uint32_t name_place(const struct book *book, const char name[9])
{
    uint64_t h;
    memcpy(&h, name, sizeof h);
    uint32_t at = (uint32_t)((h * UINT64_C(0x9E3779B97F4A7C15)) >> 40);
    for (;; at++) {
        uint16_t slot = book->slot_of_name[at & book->name_mask];
        if (slot == SYMBOL_NONE || memcmp(book->infos[slot].name, name, 8) == 0)
            return at & book->name_mask;
    }
}

bool book_symbol_name(struct book *book, uint16_t slot, const char name[8])
{
    char trimmed[9];
    name_trim(trimmed, name);
    if (book->infos[slot].name[0])
        return memcmp(book->infos[slot].name, trimmed, sizeof trimmed) == 0;
    uint32_t at = name_place(book, trimmed);
    memcpy(book->infos[slot].name, trimmed, sizeof trimmed);
    if (book->slot_of_name[at] == SYMBOL_NONE)
        book->slot_of_name[at] = slot;
    return true;
}

uint16_t book_symbol_find(const struct book *book, const char name[8])
{
    char trimmed[9];
    name_trim(trimmed, name);
    return book->slot_of_name[name_place(book, trimmed)];
}

uint32_t book_depth(const struct book *book, uint32_t slot, enum book_side side_of, uint32_t depth,
                    struct book_level *out)
{
    const struct symbol_side *side = &book->symbols[slot].side[side_of];
    uint32_t n = side->count < depth ? side->count : depth;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = span_keys(&book->spans, side->span)[side->count - 1 - i];
        uint32_t index =
            level_find(book, level_key(owner_of(slot, side_of), price_key(key, side_of)));
        const struct level *level = level_at(book, index);
        out[i] = (struct book_level){level->price, level->orders, level->shares};
    }
    return n;
}

bool book_queue_position(const struct book *book, uint64_t ref, uint32_t steps_max,
                         struct book_position *out)
{
    uint32_t index = order_find(book, order_key(book, ref));
    if (index == ORDER_NONE)
        return false;
    const struct order *order = order_at(book, index);
    const struct level *level = level_at(book, order->level);
    *out = (struct book_position){.price = level->price,
                                  .shares = order->shares,
                                  .slot = (uint16_t)level_slot(level),
                                  .side = level_side(level)};
    for (uint32_t at = order->prev; at != order->level; at = order_at(book, at)->prev) {
        if (out->orders_ahead == steps_max)
            return false;
        out->orders_ahead++;
        out->shares_ahead += order_at(book, at)->shares;
    }
    return true;
}
