// A client of the gateway, small enough to read: enters an order, waits for what becomes of it,
// cancels it, and does that again. Prints how long a round took.
//
//     cc client.c -ltickgate -o client      (with #include <tickgate.h>, as it is installed)
//     client /run/tickgate/gateway.sock desk1 AAPL session1 [price [quantity [count [hold]]]]
//
// A closed loop: the next order waits for the one before, so that a slow answer delays what would
// have been measured during it. The figures are those of one order at a time, not of a load.
//
// With hold, <count> orders are entered and left open until the process is ended: then the
// dataplane cancels them.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/gateway/tickgate.h"

enum { ROUNDS_MAX = 1000000, TEXT_LEN = 96 };

struct rounds {
    uint64_t *ns;
    uint32_t count;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void print(const char *what, struct rounds *r)
{
    if (r->count == 0)
        return;
    qsort(r->ns, r->count, sizeof *r->ns, by_size);
    printf("%s closed_loop rounds=%u p50=%lu ns p99=%lu ns max=%lu ns\n", what, r->count,
           (unsigned long)r->ns[r->count / 2], (unsigned long)r->ns[(uint64_t)r->count * 99 / 100],
           (unsigned long)r->ns[r->count - 1]);
}

// The next answer; ends the program when there will be none any more.
static struct tickgate_answer next(struct tickgate *t)
{
    struct tickgate_answer a;
    int n;
    while ((n = tickgate_poll(t, &a)) == 0)
        ;
    if (n > 0)
        return a;
    fprintf(stderr, "client: cut off: %s\n", tickgate_code_text(n));
    exit(1);
}

// What became of request <number>; a refusal is printed.
static struct tickgate_answer done(struct tickgate *t, uint32_t number)
{
    for (;;) {
        const struct tickgate_answer a = next(t);
        if (a.kind == TICKGATE_REPORT || a.request != number)
            continue;
        char text[TEXT_LEN];
        if (a.kind == TICKGATE_REFUSED)
            fprintf(stderr, "client: refused: %s (scope: %s): %s\n",
                    tickgate_refusal_text(&a, text, sizeof text), tickgate_scope_name(a.scope),
                    tickgate_refusal_help(a.refusal));
        return a;
    }
}

// The first report of an order in <state>, or of its end.
static struct tickgate_answer reported(struct tickgate *t, uint64_t client_id, uint8_t state)
{
    for (;;) {
        const struct tickgate_answer a = next(t);
        if (a.kind == TICKGATE_REPORT && a.client_id == client_id &&
            (a.state == state || a.state == TICKGATE_DEAD))
            return a;
    }
}

// False: refused.
static int round_trip(struct tickgate *t, const struct tickgate_order *o, struct rounds *sent,
                      struct rounds *answered)
{
    const uint64_t from = now_ns();
    const struct tickgate_answer d = done(t, tickgate_enter(t, o));
    if (d.kind == TICKGATE_REFUSED)
        return 0;
    sent->ns[sent->count++] = now_ns() - from;
    const struct tickgate_answer a = reported(t, o->client_id, TICKGATE_LIVE);
    answered->ns[answered->count++] = now_ns() - from;
    if (a.state != TICKGATE_DEAD) {
        tickgate_cancel(t, a.order, o->client_id, 0);
        reported(t, o->client_id, TICKGATE_DEAD);
    }
    return 1;
}

static void hold(struct tickgate *t, struct tickgate_order *o, uint32_t count)
{
    uint32_t live = 0;
    for (o->client_id = 1; o->client_id <= count; o->client_id++)
        if (done(t, tickgate_enter(t, o)).kind == TICKGATE_DONE)
            live += reported(t, o->client_id, TICKGATE_LIVE).state == TICKGATE_LIVE;
    printf("open %u\n", live);
    fflush(stdout);
    for (;;)
        next(t);
}

static uint32_t number(int argc, char **argv, int at, uint32_t otherwise)
{
    return argc > at ? (uint32_t)strtoul(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    int code;
    if (argc < 5) {
        fprintf(stderr, "usage: client SOCKET CLIENT SYMBOL VENUE [PRICE QUANTITY COUNT [hold]]\n");
        return 2;
    }
    struct tickgate *t = tickgate_attach(argv[1], argv[2], &code);
    if (t == NULL) {
        fprintf(stderr, "client: %s: %s\n", argv[1], tickgate_code_text(code));
        return 3;
    }
    const uint32_t count = number(argc, argv, 7, 1000);
    struct tickgate_order o = {.price = number(argc, argv, 5, 1000000),
                               .quantity = number(argc, argv, 6, 100),
                               .symbol = tickgate_symbol(t, argv[3]),
                               .side = 'B',
                               .time_in_force = '0',
                               .display = 'Y'};
    const uint16_t venue = tickgate_venue(t, argv[4]);
    if (o.symbol == TICKGATE_NONE || venue == TICKGATE_NONE || count == 0 || count > ROUNDS_MAX) {
        fprintf(stderr, "client: no such symbol or venue, or not 1 to %d rounds\n", ROUNDS_MAX);
        return 2;
    }
    o.venue = (uint8_t)venue;
    if (argc > 8 && strcmp(argv[8], "hold") == 0)
        hold(t, &o, count);
    struct rounds sent = {.ns = calloc(count, sizeof(uint64_t))};
    struct rounds answered = {.ns = calloc(count, sizeof(uint64_t))};
    int good = sent.ns && answered.ns;
    for (o.client_id = 1; good && o.client_id <= count; o.client_id++)
        good = round_trip(t, &o, &sent, &answered);
    print("request_to_sent", &sent);
    print("request_to_exchange_answer", &answered);
    free(sent.ns);
    free(answered.ns);
    tickgate_detach(t);
    return good ? 0 : 1;
}
