// tickgate-book: the books at the end of a file of market data. The product's feed and book code,
// no DPDK.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/book/capture.h"
#include "bench/book/input.h"
#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/feed/number.h"

struct options {
    const char *path;
    uint32_t symbols;
    uint32_t orders;
    bool check;
};

static const char usage[] = "usage: tickgate-book [--symbols N] [--orders N] [--check] FILE\n"
                            "\n"
                            "Builds every order book of FILE and prints the best bid and ask of "
                            "each symbol that has one, as CSV.\n"
                            "FILE: ITCH 5.0 BinaryFILE, or a pcap/pcapng of ITCH 5.0 over "
                            "MoldUDP64 or IEX DEEP 1.0 over IEX-TP; gz is read.\n"
                            "\n"
                            "  --symbols N   symbol slots (default 65000)\n"
                            "  --orders N    live orders (default 2000000)\n"
                            "  --check       walk all invariants of the books at the end\n"
                            "  --help        this text\n";

static bool number(const char *name, const char *text, uint32_t max, uint32_t *out,
                   struct error *err)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1 || value > max)
        return error_set(err, EXIT_USAGE, "%s: '%s' is not a number from 1 to %u", name, text, max);
    *out = (uint32_t)value;
    return true;
}

// True: go on. False: <err> says why not, or nothing when only help was asked for.
static bool options_parse(struct options *o, int argc, char **argv, struct error *err)
{
    static const struct option table[] = {
        {"symbols", required_argument, NULL, 's'},
        {"orders", required_argument, NULL, 'o'},
        {"check", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c;
    *o = (struct options){.symbols = 65000, .orders = 2000000};
    while ((c = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        if (c == 's' && !number("--symbols", optarg, SYMBOLS_MAX - 1, &o->symbols, err))
            return false;
        if (c == 'o' && !number("--orders", optarg, 1u << 28, &o->orders, err))
            return false;
        if (c == 'c')
            o->check = true;
        if (c == 'h') {
            fputs(usage, stdout);
            return false;
        }
        if (c == '?')
            return error_set(err, EXIT_USAGE, "try tickgate-book --help");
    }
    if (argc - optind != 1)
        return error_set(err, EXIT_USAGE, "one file is wanted, %d given; try tickgate-book --help",
                         argc - optind);
    o->path = argv[optind];
    return true;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// The datagrams of a capture in their order; each destination is a line. The capture's clock is the
// tick count.
static bool run_capture(struct offline *o, const struct input *in, struct error *err)
{
    struct {
        uint32_t ip;
        uint16_t port;
    } lines[LINES_MAX];
    uint32_t count = 0;
    for (uint64_t i = 0; i < in->datagram_count; i++) {
        const struct input_datagram *d = &in->datagrams[i];
        uint32_t line = 0;
        while (line < count && (lines[line].ip != d->dst_ip || lines[line].port != d->dst_port))
            line++;
        if (line == count) {
            if (count == LINES_MAX)
                return error_set(err, EXIT_FAILED,
                                 "more than %d destinations; filter the capture to one channel",
                                 LINES_MAX);
            lines[count].ip = d->dst_ip;
            lines[count++].port = d->dst_port;
        }
        struct frame frame = {.data = d->payload, .len = d->len};
        if (d->time_ns >= o->channel.deadline)
            channel_timers(&o->channel, d->time_ns, d->time_ns); // the window of a gap is over
        channel_datagram(&o->channel, line, d->payload, d->len, &frame, d->time_ns);
    }
    // The end of the file is the end of waiting: every turn closes a gap or gives one up.
    for (uint64_t before = 0; arbiter_gap(&o->channel.arbiter);) {
        if (o->channel.arbiter.next == before)
            return error_set(err, EXIT_FAILED, "stuck behind message %lu; report this capture",
                             before);
        before = o->channel.arbiter.next;
        channel_timers(&o->channel, UINT64_MAX, UINT64_MAX);
    }
    return true;
}

// The blocks of a BinaryFILE are those of a MoldUDP64 packet: a slice is a packet of many messages.
static void run_file(struct offline *o, const struct input *in)
{
    for (uint64_t i = 0; i < in->slice_count; i++) {
        const struct input_slice *s = &in->slices[i];
        const struct feed_packet packet = {.count = s->count, .len = s->len, .blocks = s->blocks};
        o->channel.protocol->apply(&o->channel, &packet, 0);
    }
}

// Feeds of price levels do not say how many orders there are.
static void print_side(const struct level *level)
{
    if (level == NULL) {
        printf(",,,");
        return;
    }
    printf(",%u.%04u,%lu,", level->price / 10000, level->price % 10000, level->shares);
    if (level->orders)
        printf("%u", level->orders);
}

// Names come off the wire: what would break a row or a terminal is shown as '?'.
static void print_name(const char *name)
{
    for (; *name; name++)
        putchar(*name > ' ' && *name < 0x7f && *name != ',' && *name != '"' ? *name : '?');
}

static void print_books(const struct book *book)
{
    puts("symbol,bid_price,bid_shares,bid_orders,ask_price,ask_shares,ask_orders");
    for (uint32_t locate = 0; locate <= UINT16_MAX; locate++) {
        uint16_t slot = book->slot_of_locate[locate];
        if (slot == SYMBOL_NONE)
            continue;
        const struct book_symbol *sym = &book->symbols[slot];
        const struct level *bid = book_best(book, sym, BOOK_BID),
                           *ask = book_best(book, sym, BOOK_ASK);
        if (bid == NULL && ask == NULL)
            continue;
        print_name(book->infos[slot].name);
        print_side(bid);
        print_side(ask);
        putchar('\n');
    }
}

static void print_doubts(const struct channel_counters *c, const struct capture *capture,
                         const struct input *in)
{
    const struct {
        uint64_t count;
        const char *what;
    } doubts[] = {
        {in->other_frames, "frames are no UDP, or are cut"},
        {capture->foreign, "datagrams are of something else"},
        {c->malformed, "datagrams end too early"},
        {c->gap_messages, "messages are missing in the capture"},
        {c->unknown_type, "messages are of an unknown type"},
        {c->bad_length, "messages have a wrong length"},
        {c->orders_refused, "orders did not fit; raise --orders"},
        {c->symbols_refused, "symbols did not fit; raise --symbols"},
    };
    if (in->why[0])
        fprintf(stderr, "tickgate-book: truncated: %s; what follows is ignored\n", in->why);
    if (in->kind == INPUT_BINARYFILE && in->whole != in->len)
        fprintf(stderr,
                "tickgate-book: truncated: %lu bytes behind the last whole message are "
                "ignored\n",
                in->len - in->whole);
    for (size_t i = 0; i < ARRAY_LEN(doubts); i++)
        if (doubts[i].count)
            fprintf(stderr, "tickgate-book: %lu %s\n", doubts[i].count, doubts[i].what);
}

static void print_totals(const struct offline *o, uint64_t ns)
{
    const struct channel_counters *c = &o->count;
    fprintf(stderr,
            "messages=%lu live=%u unknown=%lu executed=%lu printed=%lu ns_per_message=%.1f\n",
            c->messages, o->channel.book.orders_live, c->unknown_reference, c->executed_shares,
            c->printed_shares, c->messages ? (double)ns / (double)c->messages : 0.0);
}

// Everything that stands on standard output has arrived there.
static bool output_end(struct error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return error_set(err, EXIT_FAILED, "cannot write to standard output: %s", strerror(errno));
}

static bool books_make(const struct options *opt, struct input *in, struct error *err)
{
    static struct offline o;
    struct capture capture = {.protocol = &feed_itch50, .first = 1};
    if (in->kind == INPUT_CAPTURE && !capture_sort(&capture, in, opt->path, err))
        return false;
    struct channel_config config = {
        .protocol = capture.protocol,
        // The first packet of the file need not be the one with the lowest number.
        .start = capture.first == 1 ? CHANNEL_START_FIRST : CHANNEL_START_LIVE,
        .reorder_frames = 1024,
        .reorder_ticks = 1000000000,
        .hold_frames = 4096,
        .line_count = LINES_MAX,
        .book = {.symbols = opt->symbols, .orders = opt->orders},
    };
    if (config.protocol == &feed_deep10)
        config.book = (struct book_config){.symbols = opt->symbols, .levels = opt->orders};
    book_config_defaults(&config.book);
    if (!offline_init(&o, &config, err))
        return false;
    number_session_begin(&o.channel, capture.first); // known beforehand: no leap from 0
    const uint64_t start = now_ns();
    bool ok = true;
    if (in->kind == INPUT_CAPTURE)
        ok = run_capture(&o, in, err);
    else
        run_file(&o, in);
    const uint64_t ns = now_ns() - start;
    char why[256];
    if (ok && opt->check && !book_check(&o.channel.book, why, sizeof why))
        ok = error_set(err, EXIT_FAILED, "invariant broken: %s", why);
    if (ok) {
        print_books(&o.channel.book);
        if (in->kind == INPUT_CAPTURE)
            fprintf(stderr, "tickgate-book: %s from message %lu on\n", capture.protocol->name,
                    capture.first);
        print_doubts(&o.count, &capture, in);
        print_totals(&o, ns);
    }
    offline_free(&o);
    if (ok && in->damaged)
        ok = error_set(err, EXIT_FAILED, "%s: %s; its books are those of a damaged file", opt->path,
                       in->why);
    return output_end(ok ? err : &(struct error){0}) && ok;
}

static bool run(const struct options *opt, struct error *err)
{
    struct input in;
    const bool ok = input_load(&in, opt->path, err) && books_make(opt, &in, err);
    input_free(&in);
    return ok;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct options options;
    if (!options_parse(&options, argc, argv, &err) || !run(&options, &err))
        if (err.code != EXIT_OK)
            fprintf(stderr, "tickgate-book: %s\n", err.text);
    return err.code;
}
