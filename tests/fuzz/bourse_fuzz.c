// The whole trading exchange against two members, one of OUCH 5.0 and one of 4.2, and a market. The
// input is a list of steps: bytes of a connection cut anywhere, messages in packets that are right,
// orders that are nearly right, messages of the market, time, ends. Whatever comes, what goes out
// is SoupBinTCP with messages of the protocol, what is published has the length of its type, no
// order has more open than it was accepted with, and nothing is open at the end.
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/itch_write.h"
#include "bench/exchange/trade/bourse.h"
#include "bench/exchange/trade/entry.h"
#include "dataplane/base/bytes.h"

enum { MEMBERS = 2, OUT = 1 << 16, STEPS = 400 };

static struct {
    const uint8_t *data;
    size_t left;
    struct bourse *b;
    uint64_t now_ns;
    const uint8_t *market; // message that is being played
    int visitors[MEMBERS];
    uint32_t ref;
    uint8_t out[MEMBERS][OUT];
    uint32_t have[MEMBERS];
} f;

static uint8_t byte(void)
{
    if (f.left == 0)
        return 0;
    f.left--;
    return *f.data++;
}

// At most <most> bytes of the input.
static uint32_t bytes(uint8_t *to, uint32_t most)
{
    uint32_t n = byte();
    n = n < most ? n : most;
    n = n < f.left ? n : (uint32_t)f.left;
    if (n)
        memcpy(to, f.data, n);
    f.data += n;
    f.left -= n;
    return n;
}

static void publish(void *context, const uint8_t *m, uint32_t length)
{
    static const char types[] = "SRHYLVWKJhAFECXDUPQBIN";
    static const uint8_t lengths[] = {12, 39, 25, 20, 26, 35, 12, 28, 35, 21, 36,
                                      40, 31, 36, 23, 19, 35, 44, 40, 19, 50, 20};
    (void)context;
    const char *at = memchr(types, m[0], sizeof types - 1);
    if (m == f.market) // passes as it is, whatever it means
        return;
    if (!at || lengths[at - types] != length)
        abort();
}

static void record(void *context, const struct bourse_record *r)
{
    (void)context;
    if (r->event >= BOURSE_EVENTS || (r->open > r->quantity && r->event == BOURSE_ACCEPTED))
        abort();
}

static void take(uint32_t k)
{
    uint32_t n, at = 0;
    if (f.visitors[k] < 0)
        return;
    while ((n = bourse_send(f.b, f.visitors[k], f.out[k] + f.have[k], OUT - f.have[k])) > 0)
        f.have[k] += n;
    while (f.have[k] - at >= 2 && f.have[k] - at >= 2u + be16_load(f.out[k] + at)) {
        const uint32_t length = be16_load(f.out[k] + at);
        struct entry e;
        if (length == 0 || !strchr("AJSHZ", f.out[k][at + 2]))
            abort();
        if (f.out[k][at + 2] == 'S' && entry_read(k ? ENTRY_42 : ENTRY_50, ENTRY_OUT,
                                                  f.out[k] + at + 3, length - 1, &e) != ENTRY_READ)
            abort();
        at += 2 + length;
    }
    f.have[k] -= at;
    memmove(f.out[k], f.out[k] + at, f.have[k]);
}

static void leave(uint32_t k)
{
    if (f.visitors[k] >= 0)
        bourse_disconnect(f.b, f.visitors[k]);
    f.visitors[k] = -1;
    f.have[k] = 0;
}

static void enter(uint32_t k)
{
    static const uint64_t prices[] = {1000000, 1000100, 999900, 1000050, 9999, 2000000000};
    uint8_t packet[ENTRY_MAX + 3];
    struct entry e = {.type = 'O', .ref = ++f.ref, .quantity = 100u * byte()};
    e.price = prices[byte() % 6];
    e.side[0] = "BSTEX"[byte() % 5];
    memcpy(e.symbol, "AAPL    ", 8);
    memset(e.token, ' ', sizeof e.token);
    memset(e.firm, ' ', sizeof e.firm);
    e.token[0] = (char)('A' + f.ref % 26);
    e.token[1] = (char)('A' + f.ref / 26 % 26);
    const uint8_t how = byte();
    e.tif[0] = "0356E"[how % 5];
    e.tif_s = (uint64_t[]){99998, 0, 99999, 60, 1}[how % 5];
    e.expire_s = 60;
    e.display[0] = "YNA"[how / 5 % 3];
    e.capacity[0] = 'P';
    e.sweep[0] = 'N';
    e.cross[0] = "NNNNOCH"[how / 15 % 7];
    e.customer[0] = 'N';
    const uint8_t options = byte();
    e.min_quantity = options & 1 ? 100 : 0;
    e.max_floor = 100;
    e.post_only[0] = 'P';
    e.price_type[0] = "LPMR"[options >> 4 & 3];
    e.discretion_price = 1000100;
    e.has = (options & 1 ? 1u << ENTRY_MIN_QUANTITY : 0) |
            (options & 2 ? 1u << ENTRY_MAX_FLOOR : 0) | (options & 4 ? 1u << ENTRY_POST_ONLY : 0) |
            (options & 8 ? 1u << ENTRY_PRICE_TYPE : 0) |
            (options & 64 ? 1u << ENTRY_DISCRETION_PRICE : 0);
    const uint32_t n = entry_write(k ? ENTRY_42 : ENTRY_50, ENTRY_IN, &e, packet + 3);
    be16_store(packet, (uint16_t)(1 + n));
    packet[2] = 'U';
    bourse_receive(f.b, f.visitors[k], packet, n + 3);
}

static void market(void)
{
    uint8_t m[ITCH_MAX];
    struct itch_common c = {1, 0, f.now_ns};
    const uint64_t reference = 1 + byte() % 16;
    const uint32_t shares = 10u * byte(), price = 999800 + 100u * (byte() % 6);
    struct itch_order o = {reference, shares, price, byte() & 1 ? 'B' : 'S'};
    uint32_t n = 0;
    switch (byte() % 6) {
    case 0: n = itch_add(m, &c, (const uint8_t *)"AAPL    ", &o, NULL); break;
    case 1: n = itch_executed(m, &c, reference, shares, 9); break;
    case 2: n = itch_cancel(m, &c, reference, shares); break;
    case 3: n = itch_delete(m, &c, reference); break;
    case 4:
        o.reference = 1 + byte() % 16;
        n = itch_replace(m, &c, reference, &o);
        break;
    default: n = itch_cross(m, &c, (const uint8_t *)"AAPL    ", shares, price, 9, 'C'); break;
    }
    bourse_market(f.b, m, n);
}

static void step(void)
{
    uint8_t chunk[256 + 3];
    const uint8_t op = byte();
    const uint32_t k = op >> 4 & 1;
    static const char *const logins[MEMBERS] = {"user0 secret                                 1",
                                                "user1 secret                                 1"};
    uint32_t n;
    if (f.visitors[k] < 0)
        f.visitors[k] = bourse_connect(f.b);
    switch (op % 9) {
    case 0:
        memcpy(chunk, "\0\057L", 3);
        memcpy(chunk + 3, logins[k], 46);
        bourse_receive(f.b, f.visitors[k], chunk, 49);
        break;
    case 1:
        n = bytes(chunk + 3, 255);
        be16_store(chunk, (uint16_t)(1 + n));
        chunk[2] = 'U';
        bourse_receive(f.b, f.visitors[k], chunk, n + 3);
        break;
    case 2:
        n = bytes(chunk, 255);
        bourse_receive(f.b, f.visitors[k], chunk, n);
        break;
    case 3:
        n = bytes(chunk, 255);
        f.market = chunk;
        bourse_market(f.b, chunk, n);
        f.market = NULL;
        break;
    case 4:
        f.now_ns += byte() * 10000000ull;
        bourse_clock(f.b, f.now_ns, f.now_ns);
        break;
    case 5: leave(k); break;
    case 6: market(); break;
    case 7: (void)bourse_halt(f.b, 1, "THPQ"[byte() & 3]); break;
    default: enter(k); break;
    }
    take(k);
    if (f.visitors[k] >= 0 && bourse_closing(f.b, f.visitors[k]) != BOURSE_STAYS)
        leave(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    struct bourse_config config = {
        .name = "FUZZ",
        .members = {{.user = "user0", .password = "secret", .session = "A9", .firm = "AAAA"},
                    {.user = "user1",
                     .password = "secret",
                     .session = "B",
                     .firm = "BBBB",
                     .protocol = BOURSE_OUCH_42,
                     .cancel_on_disconnect = true}},
        .member_count = MEMBERS,
        .publish = publish,
        .record = record};
    memset(&f, 0, sizeof f);
    f.data = data;
    f.left = size;
    f.visitors[0] = f.visitors[1] = -1;
    f.now_ns = 12ull * 3600 * 1000000000;
    const uint8_t how = byte();
    config.seed = how;
    config.members[0].self_match = (enum bourse_self_match)(how & 3);
    config.rules.post_only_slides = how & 4;
    config.rules.price_limit_percent = how & 8 ? 10 : 0;
    if (how & 16)
        config.faults = (struct bourse_faults){.cut_bytes = 500,
                                               .duplicate_below = 1u << 29,
                                               .missing_below = 1u << 29,
                                               .reorder_below = 1u << 29,
                                               .cancel_below = 1u << 29,
                                               .break_below = 1u << 29,
                                               .reset_below = 1u << 29};
    if (how & 32)
        config.latency_in_us = config.latency_out_us = 5000;
    f.b = bourse_make(&config, &err);
    if (!f.b)
        abort();
    bourse_clock(f.b, f.now_ns, f.now_ns);
    (void)bourse_symbol(f.b, 1, "AAPL");
    for (uint32_t i = 0; i < STEPS && f.left; i++)
        step();
    bourse_end(f.b);
    for (uint32_t k = 0; k < MEMBERS; k++) {
        if (bourse_open_orders(f.b, k))
            abort();
        take(k);
    }
    bourse_free(f.b);
    return 0;
}
