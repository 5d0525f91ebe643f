#include "dataplane/control/selftest_desk.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/book/book_hot.h"

enum { SYMBOLS = 2, SLOTS = 256, POSITIONS = 16, LIMIT_ROWS = 4 };

// --- the closed egress gate ---

static bool gate_open(struct transport *t, uint64_t now)
{
    (void)t;
    (void)now;
    return false;
}

static bool gate_ready(struct transport *t, uint32_t len)
{
    const struct test_desk *d = t->driver;
    (void)len;
    return !d->busy;
}

static bool gate_send(struct transport *t, const void *payload, uint32_t len, uint64_t now)
{
    struct test_desk *d = t->driver;
    (void)payload;
    (void)len;
    (void)now;
    d->reached++;
    return true;
}

static void gate_close(struct transport *t, uint64_t now)
{
    (void)t;
    (void)now;
}

static void gate_abort(struct transport *t)
{
    (void)t;
}

static const struct transport_ops closed_gate = {.open = gate_open,
                                                 .ready = gate_ready,
                                                 .send = gate_send,
                                                 .close = gate_close,
                                                 .abort = gate_abort};

// --- memory and time ---

static void *zeroed(struct test_desk *t, uint64_t bytes)
{
    bytes = (bytes + 127) / 128 * 128;
    void *p = aligned_alloc(128, bytes);
    if (p == NULL)
        return NULL;
    memset(p, 0, bytes);
    t->blocks[t->block_count++] = p;
    return p;
}

static uint64_t now(void *clock)
{
    (void)clock;
    return TEST_NOW;
}

// --- its parts ---

static bool lane_make(struct test_desk *t)
{
    const struct region_shape shape = {.lanes = 1,
                                       .channels = 1,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 1,
                                       .trading_slots = SLOTS,
                                       .diagnostic_slots = EVENT_RING_MIN,
                                       .symbols = {SYMBOLS}};
    const struct region_identity identity = {.epoch = 1};
    struct region_view view;
    void *region = zeroed(t, region_bytes(&shape));
    void *notes = zeroed(t, LANE_RING_LEN * sizeof(struct lane_note));
    void *answers = zeroed(t, LANE_RING_LEN * sizeof(struct lane_answer));
    if (!region || !notes || !answers ||
        !region_format(region, region_bytes(&shape), &shape, &identity, &view))
        return false;
    lane_init(&t->lane, &view, 0, notes, answers);
    t->lane.now = now;
    t->lane.stamp = TEST_NOW;
    return true;
}

static bool limits_make(struct test_desk *t)
{
    t->limits = zeroed(t, sizeof *t->limits + SYMBOLS * sizeof(struct limit_row));
    if (t->limits == NULL)
        return false;
    t->limits->version = 1;
    t->limits->symbol_count = SYMBOLS;
    limit_row_open(&t->limits->firm);
    for (uint32_t i = 0; i < LIMIT_ROWS; i++) {
        limit_row_open(&t->limits->accounts[i]);
        limit_row_open(&t->limits->strategies[i]);
        limit_row_open(&t->limits->sessions[i]);
    }
    for (uint32_t i = 0; i < SYMBOLS; i++)
        limit_symbol_open(&t->limits->symbols[i]);
    return true;
}

static void side_make(struct book *book, uint16_t slot, enum book_side side, uint32_t price)
{
    const uint64_t ref = 1 + 2 * (uint64_t)slot + side;
    book_add(book, (struct book_add){.key = order_key(book, ref),
                                     .level = level_key(owner_of(slot, side), price),
                                     .shares = 1000,
                                     .hint = book_level_any(book)});
}

static bool channel_make(struct test_desk *t, const char names[SYMBOLS][8])
{
    const struct channel_config config = {.protocol = &feed_itch50,
                                          .start = CHANNEL_START_FIRST,
                                          .reorder_frames = 1,
                                          .hold_frames = 1,
                                          .line_count = 1,
                                          .luld = true,
                                          .book = {.symbols = SYMBOLS,
                                                   .orders = 64,
                                                   .levels = 64,
                                                   .spans = 1 << (SPAN_CLASSES - 1),
                                                   .matches = 64}};
    void *memory = zeroed(t, channel_bytes(&config, NULL));
    if (memory == NULL)
        return false;
    channel_init(&t->channel, &config, memory);
    t->channel.quality = QUALITY_GOOD;
    t->channel.market.system_event = 'Q'; // the market's own hours
    for (uint16_t i = 0; i < SYMBOLS; i++) {
        struct book *book = &t->channel.book;
        const uint16_t slot = book_symbol_open(book, (uint16_t)(i + 1));
        book_symbol_name(book, slot, names[i]);
        side_make(book, slot, BOOK_BID, TEST_BID);
        side_make(book, slot, BOOK_ASK, TEST_ASK);
        book->symbols[slot].last_price = TEST_LAST;
        book->symbols[slot].trading_state = 'T';
        book->infos[slot].luld_tier = '1';
        book->symbols[slot].quality = QUALITY_GOOD;
    }
    return true;
}

static bool desk_make(struct test_desk *t, const char names[SYMBOLS][8], struct error *err)
{
    const struct desk_config config = {
        .orders = {.orders = 16, .sessions = 1, .refs_max = 64, .executions = 64},
        .instruments = SYMBOLS,
        .positions = POSITIONS,
        .accounts = TEST_ACCOUNT + 1,
        .event_credit_min = 8};
    const struct session_config sc = {.frames = {.firm = "    ", .capacity = 'P'},
                                      .sequence = 1,
                                      .heartbeat_ticks = TEST_NOW,
                                      .silence_ticks = 2ull * TEST_NOW,
                                      .login_ticks = TEST_NOW,
                                      .retry_ticks = TEST_NOW,
                                      .retry_ticks_max = TEST_NOW};
    void *memory = zeroed(t, desk_bytes(&config));
    if (memory == NULL)
        return false;
    desk_init(&t->desk, &t->lane, &config, names, t->limits, memory);
    t->transport = (struct transport){.ops = &closed_gate, .driver = t};
    if (!session_init(&t->session, &sc, &t->transport, "self-test", err))
        return false;
    void *self = zeroed(t, desk_self_bytes(config.orders.orders, SYMBOLS));
    t->reach.groups[0] = zeroed(t, self_group_bytes(1, SYMBOLS));
    if (self == NULL || t->reach.groups[0] == NULL)
        return false;
    t->reach.lanes = 1;
    t->reach.instruments = SYMBOLS;
    desk_self_init(&t->desk, self, &t->reach, 0);
    t->session.state = SESSION_READY;
    desk_session_add(&t->desk, &t->session, &t->channel, NULL);
    return true;
}

struct test_desk *test_desk_open(struct error *err)
{
    static const char names[SYMBOLS][8] = {"TESTA   ", "TESTB   "};
    struct test_desk *t = aligned_alloc(CACHE_LINE, cache_lines(sizeof *t));
    if (t == NULL) {
        error_set(err, EXIT_FAILED, "no memory for the self-test");
        return NULL;
    }
    memset(t, 0, sizeof *t);
    if (lane_make(t) && limits_make(t) && channel_make(t, names) && desk_make(t, names, err))
        return t;
    if (err->code == EXIT_OK)
        error_set(err, EXIT_FAILED, "no memory for the self-test");
    test_desk_close(t);
    return NULL;
}

void test_desk_close(struct test_desk *t)
{
    while (t->block_count)
        free(t->blocks[--t->block_count]);
    free(t);
}

// --- asking ---

enum refusal test_desk_ask(struct test_desk *t, const struct desk_order *ask)
{
    const struct desk_owner who = {.account = TEST_ACCOUNT, .strategy = TEST_STRATEGY};
    const struct event_writer *w = &t->lane.trading;
    const uint64_t before = w->tail;
    uint32_t order;
    const enum refusal refusal = desk_enter(&t->desk, &who, ask, &order);
    t->last = (struct gate_verdict){0};
    if (w->tail == before)
        return refusal;
    // The DECISION comes first, but for the options of an order that has some.
    const struct event *e = &w->slots[(before + (ask->extras != NULL)) & w->mask];
    t->last = (struct gate_verdict){.value = e->decision.value,
                                    .limit = e->decision.limit,
                                    .refusal = e->decision.refusal,
                                    .scope = e->decision.scope};
    return e->type == EVENT_DECISION && e->decision.refusal == refusal ? refusal : REFUSALS;
}

uint32_t test_desk_hold(struct test_desk *t)
{
    desk_carry(&t->desk, TEST_ACCOUNT, TEST_SYMBOL, TEST_SHARES, TEST_LAST);
    return position_open(&t->desk.risk, TEST_ACCOUNT, TEST_SYMBOL);
}
