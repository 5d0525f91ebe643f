#include "bench/exchange/trade/trading.h"

#include <stdlib.h>
#include <string.h>

#include "bench/exchange/trade/gate.h"
#include "bench/exchange/trade/order_log.h"
#include "dataplane/base/clock.h"

enum {
    TURN_MESSAGES = 256, // of the market in one turn; members wait no longer than that
    BACKLOG = 64,        // packets that wait for the port; then the market waits
    GATES = 2,
    FLUSH_NS = 100000000,
};

struct trading {
    struct bourse *b;
    struct order_log log;
    struct gate gates[GATES];
    uint32_t gate_count;
    struct source_item item; // read, not due yet
    bool item_there, ended;
    uint64_t item_due_ns;          // since the start
    uint64_t over_ns, over_day_ns; // when the source was over
    uint64_t last_day_ns, flushed_ns;
};

static void publish(void *context, const uint8_t *message, uint32_t length)
{
    struct exchange *x = context;
    uint64_t now_ns = clock_mono_ns();
    struct source_item item = {0, message, length};
    // The store never refuses: it does not keep all in this mode.
    (void)feeder_route(x, &item, x->start_ns ? now_ns - x->start_ns : 0);
}

static void record(void *context, const struct bourse_record *r)
{
    struct exchange *x = context;
    order_log_write(&x->trading->log, &x->options->trade, r);
}

static bool item_read(struct exchange *x, struct error *err)
{
    struct trading *t = x->trading;
    enum source_result got = x->source.next(&x->source, &t->item, err);
    if (got == SOURCE_FAILED)
        return false;
    t->item_there = got == SOURCE_ITEM;
    if (got == SOURCE_END) {
        x->source_over = true;
        memcpy(x->warning, x->source.warning, sizeof x->warning);
        t->over_ns = clock_mono_ns();
        t->over_day_ns = t->last_day_ns;
        return true;
    }
    x->items++;
    t->last_day_ns = t->item.time_ns;
    t->item_due_ns = pace_next(&x->pace, t->item.time_ns);
    if (t->item.length + 2u + PACK_HEADER <= x->options->payload_max)
        return true;
    return error_set(err, EXIT_FAILED,
                     "%s: message %llu has %u bytes, more than a packet holds; raise --payload-max",
                     x->options->source, (unsigned long long)x->items, t->item.length);
}

static bool gates_open(struct exchange *x, struct error *err)
{
    struct trading *t = x->trading;
    const struct options *o = x->options;
    if (o->orders.used || o->drop_copy.used) {
        const struct gate_door orders = {o->orders.address, o->orders.port};
        const struct gate_door copies = {o->drop_copy.address, o->drop_copy.port};
        if (!gate_kernel_open(&t->gates[t->gate_count], t->b, orders, copies, err))
            return false;
        t->gate_count++;
    }
    if (!o->orders_port)
        return true;
    if (!x->link.gate_open)
        return error_set(err, EXIT_USAGE, "--orders-on-port: this port takes no connections");
    if (!x->link.gate_open(&t->gates[t->gate_count], t->b, &x->link, o->link.own_ip,
                           (uint16_t)o->orders_port, err))
        return false;
    t->gate_count++;
    return true;
}

bool trading_open(struct exchange *x, struct error *err)
{
    if (x->source.kind != SOURCE_MESSAGES)
        return error_set(err, EXIT_USAGE,
                         "--mode trade: needs a generated day or a BinaryFILE, not a capture");
    struct trading *t = x->trading = calloc(1, sizeof *t);
    if (!t)
        return error_set(err, EXIT_FAILED, "--mode trade: no memory");
    struct bourse_config config = x->options->trade;
    config.context = x;
    config.publish = publish;
    config.record = record;
    return order_log_open(&t->log, x->options->order_log, err) &&
           (t->b = bourse_make(&config, err)) != NULL && item_read(x, err) && gates_open(x, err);
}

void trading_close(struct exchange *x)
{
    struct trading *t = x->trading;
    if (!t)
        return;
    trading_end(x);
    for (uint32_t i = 0; i < t->gate_count; i++)
        t->gates[i].close(&t->gates[i]);
    bourse_free(t->b);
    order_log_close(&t->log);
    free(t);
    x->trading = NULL;
}

static bool backlog(const struct exchange *x)
{
    for (uint32_t i = 0; i < x->options->channels; i++)
        if (x->channels[i].store.next - x->channels[i].offered > BACKLOG)
            return true;
    return false;
}

static bool market_turn(struct exchange *x, uint64_t now_ns, bool *failed, struct error *err)
{
    struct trading *t = x->trading;
    bool any = false;
    for (uint32_t n = 0; n < TURN_MESSAGES && t->item_there && !*failed && !backlog(x); n++) {
        if (x->start_ns + t->item_due_ns > now_ns)
            break;
        bourse_market(t->b, t->item.data, t->item.length);
        *failed = !item_read(x, err);
        any = true;
    }
    return any;
}

bool trading_turn(struct exchange *x, uint64_t now_ns, bool *failed, struct error *err)
{
    struct trading *t = x->trading;
    bool any = false;
    uint64_t day_ns = t->over_ns ? t->over_day_ns + (now_ns - t->over_ns) : 0;
    bourse_clock(t->b, now_ns, day_ns);
    // The port is where members' frames come from; services look at it less often.
    if (x->options->orders_port && x->link.poll)
        any |= x->link.poll(&x->link, x->options->request_port ? rerequest_answer : NULL,
                            &x->rerequest);
    for (uint32_t i = 0; i < t->gate_count; i++)
        any |= t->gates[i].turn(&t->gates[i]);
    if (failed && !t->ended)
        any |= market_turn(x, now_ns, failed, err);
    // Nothing waits for company: what a turn published leaves with it.
    for (uint32_t i = 0; i < x->options->channels; i++)
        channel_close(&x->channels[i]);
    if (now_ns - t->flushed_ns > FLUSH_NS) {
        t->flushed_ns = now_ns;
        order_log_flush(&t->log);
    }
    return any;
}

uint64_t trading_due(const struct exchange *x)
{
    const struct trading *t = x->trading;
    uint64_t due_ns = bourse_due(t->b);
    if (t->item_there && x->start_ns && x->start_ns + t->item_due_ns < due_ns)
        due_ns = x->start_ns + t->item_due_ns;
    return due_ns;
}

int trading_wake(const struct exchange *x)
{
    const struct trading *t = x->trading;
    for (uint32_t i = 0; i < t->gate_count; i++)
        if (t->gates[i].wake >= 0)
            return t->gates[i].wake;
    return -1;
}

bool trading_lingers(const struct exchange *x, uint64_t now_ns)
{
    const struct trading *t = x->trading;
    return t && (!t->over_ns || now_ns - t->over_ns < x->options->linger_s * 1000000000ull);
}

void trading_end(struct exchange *x)
{
    struct trading *t = x->trading;
    if (t->ended || !t->b)
        return;
    t->ended = true;
    bourse_end(t->b);
    for (uint32_t i = 0; i < x->options->channels; i++)
        channel_close(&x->channels[i]);
}

const struct bourse_counters *trading_counters(const struct exchange *x)
{
    return bourse_counters(x->trading->b);
}
