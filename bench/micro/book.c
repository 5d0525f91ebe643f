// bench-book: what one message costs on a full-market day: decode, L3 book, best-price event.
//
// The day is generated beforehand and packed into MoldUDP64 payloads of at most 1,472 bytes, as
// they would arrive, and each is told of while the one before it is applied, as in a burst. The
// directory and the opening book are applied first and reported by themselves; the mix that follows
// is the figure. A plain book of hash tables takes the same packets, slice by slice in turns with
// ours: the ratio holds where the machine is slower or quicker, and both end in the same prices.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/book/offline.h"
#include "bench/book/plain.h"
#include "bench/exchange/generate.h"
#include "bench/micro/rig.h"
#include "dataplane/base/bytes.h"
#include "dataplane/wire/mold64.h"

enum { BLOCKS_MAX = 1472 - MOLD64_HEADER_LEN };

struct packets {
    uint8_t *bytes;
    uint64_t len, room;
    struct feed_packet *packet;
    uint64_t count, packet_room;
    uint64_t messages;
};

static void die(const char *what)
{
    fprintf(stderr, "bench-book: %s\n", what);
    exit(EXIT_FAILED);
}

static void packet_open(struct packets *p, uint64_t sequence)
{
    if (p->count == p->packet_room) {
        p->packet_room = p->packet_room ? 2 * p->packet_room : 1024;
        p->packet = realloc(p->packet, p->packet_room * sizeof *p->packet);
        if (p->packet == NULL)
            die("out of memory");
    }
    p->packet[p->count++] = (struct feed_packet){.sequence = sequence};
    p->len += MOLD64_HEADER_LEN; // packets_place
}

static void message_add(struct packets *p, uint64_t sequence, const uint8_t *message, uint32_t len)
{
    if (p->len + MOLD64_HEADER_LEN + 2 + len > p->room) {
        p->room = p->room ? 2 * p->room : 1 << 26;
        p->bytes = realloc(p->bytes, p->room);
        if (p->bytes == NULL)
            die("out of memory");
    }
    if (p->count == 0 || p->packet[p->count - 1].len + len + 2 > BLOCKS_MAX)
        packet_open(p, sequence);
    struct feed_packet *packet = &p->packet[p->count - 1];
    be16_store(p->bytes + p->len, (uint16_t)len);
    memcpy(p->bytes + p->len + 2, message, len);
    p->len += len + 2;
    packet->len += len + 2;
    packet->count++;
    p->messages++;
}

// Headers and addresses only now: the bytes have moved while they grew.
static void packets_place(struct packets *p)
{
    uint8_t *at = p->bytes;
    for (uint64_t i = 0; i < p->count; i++) {
        memset(at, ' ', MOLD64_SESSION_LEN);
        be64_store(at + MOLD64_SESSION_LEN, p->packet[i].sequence);
        be16_store(at + MOLD64_SESSION_LEN + 8, (uint16_t)p->packet[i].count);
        p->packet[i].blocks = at + MOLD64_HEADER_LEN;
        at += MOLD64_HEADER_LEN + p->packet[i].len;
    }
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum { SLICES = 50 };

struct timing {
    uint64_t ns;           // of all packets
    double slices[SLICES]; // ns per message of each part
};

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

HOT_INLINE void slice_apply(struct channel *ch, const struct packets *p, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        // The next packet of the burst is asked for while this one is worked on, as the lane does.
        if (i + 1 < to) {
            const struct feed_packet *next = &p->packet[i + 1];
            for (uint32_t at = 0; at < next->len; at += 64)
                __builtin_prefetch(next->blocks + at);
            channel_expect(ch, next->blocks - MOLD64_HEADER_LEN, next->len + MOLD64_HEADER_LEN);
        }
        ch->protocol->apply(ch, &p->packet[i], 0);
    }
}

static __attribute__((noinline)) void apply_opening(struct channel *ch, const struct packets *p,
                                                    uint64_t from, uint64_t to)
{
    slice_apply(ch, p, from, to);
}

// By a name of its own, so that the instructions of the mix can be counted without the opening.
static __attribute__((noinline)) void apply_mix(struct channel *ch, const struct packets *p,
                                                uint64_t from, uint64_t to)
{
    slice_apply(ch, p, from, to);
}

// What took <ns> for a slice of <messages>.
static void timing_add(struct timing *t, uint64_t slice, uint64_t ns, uint64_t messages)
{
    t->ns += ns;
    t->slices[slice] = messages ? (double)ns / (double)messages : 0;
}

typedef void slice_function(struct channel *ch, const struct packets *p, uint64_t from,
                            uint64_t to);

static void apply_all(struct channel *ch, struct plain_book *plain, const struct packets *p,
                      slice_function *apply, struct timing times[2])
{
    times[0] = times[1] = (struct timing){0};
    for (uint64_t s = 0; s < SLICES; s++) {
        const uint64_t from = p->count * s / SLICES, to = p->count * (s + 1) / SLICES;
        const uint64_t before = ch->count->messages, start = now_ns();
        apply(ch, p, from, to);
        const uint64_t middle = now_ns(), messages = ch->count->messages - before;
        for (uint64_t i = from; i < to; i++)
            plain_apply(plain, &p->packet[i]);
        timing_add(&times[0], s, middle - start, messages);
        timing_add(&times[1], s, now_ns() - middle, messages);
    }
    for (int i = 0; i < 2; i++)
        qsort(times[i].slices, SLICES, sizeof times[i].slices[0], ascending);
}

static void generate(struct packets *opening, struct packets *mix, int argc, char **argv)
{
    static struct generator g;
    struct error err = {0};
    uint8_t message[GENERATOR_MESSAGE_MAX];
    uint64_t messages = option(argc, argv, "--messages", 20000000);
    struct generator_config config = {
        .seed = option(argc, argv, "--seed", 1),
        .symbols = (uint32_t)option(argc, argv, "--symbols", 8000),
        .live_max = (uint32_t)option(argc, argv, "--live", 1600000),
    };
    // The day is the start, the opening book, and then the messages that are measured.
    config.opening_orders = config.live_max;
    config.messages = messages + config.live_max + 60ull * config.symbols;
    if (!generator_init(&g, &config, &err))
        die(err.text);
    uint32_t len;
    while (mix->messages < messages && (len = generator_next(&g, message)) > 0)
        message_add(g.phase < PHASE_MIX ? opening : mix, g.emitted, message, len);
    generator_free(&g);
    packets_place(opening);
    packets_place(mix);
}

// What the machine takes away shows in the mean; the median and the best tenth are the code's.
static void report(const char *what, const struct packets *p, const struct timing *t)
{
    printf("%-13s messages=%lu packets=%lu messages_per_packet=%.1f ns_per_message=%.1f "
           "median_of_slices=%.1f best_tenth=%.1f messages_per_s=%.2fM\n",
           what, p->messages, p->count, (double)p->messages / (double)p->count,
           (double)t->ns / (double)p->messages, t->slices[SLICES / 2], t->slices[SLICES / 10],
           (double)p->messages * 1e3 / (double)t->ns);
}

// Both books end in the same best prices, shares and orders.
static void compare(const struct channel *ch, const struct plain_book *plain)
{
    for (uint32_t slot = 0; slot < ch->book.symbol_count; slot++) {
        const struct symbol_top *top = &ch->tops[slot];
        for (uint32_t side = 0; side < 2; side++) {
            const struct plain_level *l = &plain->tops[ch->book.symbols[slot].locate * 2u + side];
            if (top->price[side] != l->price || top->shares[side] != l->shares ||
                top->orders[side] != l->orders)
                die("the two books end in different prices");
        }
    }
}

int main(int argc, char **argv)
{
    static struct offline o;
    static struct plain_book plain;
    static struct timing times[2];
    struct packets opening = {0}, mix = {0};
    struct error err = {0};
    char why[256];
    if (argc % 2 == 0)
        die("usage: book [--messages N] [--symbols N] [--live N] [--seed N]");
    struct channel_config config = {
        .protocol = &feed_itch50, .hold_frames = 64, .book = {.symbols = 12000, .orders = 2000000}};
    generate(&opening, &mix, argc, argv);
    book_config_defaults(&config.book);
    if (!offline_init(&o, &config, &err))
        die(err.text);
    if (!plain_open(&plain, config.book.orders))
        die("out of memory");
    apply_all(&o.channel, &plain, &opening, apply_opening, times);
    report("opening book", &opening, &times[0]);
    uint64_t best = o.count.best_changes;
    apply_all(&o.channel, &plain, &mix, apply_mix, times);
    report("mix", &mix, &times[0]);
    report("plain book", &mix, &times[1]);
    printf("ratio         %.2f of the plain book (medians of slices)\n",
           times[0].slices[SLICES / 2] / times[1].slices[SLICES / 2]);
    printf("live_orders=%u peak=%u levels=%u best_changes=%.1f%% unknown=%lu refused=%lu "
           "memory=%lu MiB pages=%s\n",
           o.channel.book.orders_live, o.channel.book.orders_peak, o.channel.book.levels_live,
           100.0 * (double)(o.count.best_changes - best) / (double)mix.messages,
           o.count.unknown_reference, o.count.orders_refused, o.bytes >> 20,
           o.huge_pages ? "2 MiB" : "ordinary");
    if (!book_check(&o.channel.book, why, sizeof why))
        die(why);
    compare(&o.channel, &plain);
    puts("invariants hold, both books end in the same prices");
    plain_close(&plain);
    return 0;
}
