#include "bench/exchange/exchange.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/exchange/random.h"
#include "bench/exchange/trade/trading.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"

enum {
    SERVICE_NS = 20000,     // services are looked at so often while packets flow
    SLEEP_LEAST_NS = 60000, // a shorter wait is spent polling: waking takes about as long
    SLEEP_MOST_NS = 500000, // so that a client of the port or of GLIMPSE does not wait for long
};

static bool source_open(struct exchange *x, struct error *err)
{
    const struct options *o = x->options;
    if (strcmp(o->source, "generate") == 0)
        return source_generate_open(&x->source, &o->generator, err);
    if (!source_file_open(&x->source, o->source, o->filter, err))
        return false;
    if (x->source.kind == SOURCE_PAYLOADS && o->channels > 1)
        return error_set(err, EXIT_USAGE, "--channels %u: a capture is replayed on one channel",
                         o->channels);
    return true;
}

// Seeds differ for each line, so that A and B lose different packets.
static bool channel_open(struct exchange *x, uint32_t index, struct error *err)
{
    const struct options *o = x->options;
    struct channel *c = &x->channels[index];
    pack_init(&c->pack, o->session[index], o->payload_max, o->pack_messages);
    c->numbered = true;
    c->sent_next = 1;
    c->fault_seed = random_mix(o->generator.seed * 16 + index * 4ull + 2);
    c->both_below = o->both_below[index];
    for (uint32_t i = 0; i < CHANNEL_LINES; i++) {
        uint32_t place = index * CHANNEL_LINES + i;
        struct line *l = &c->lines[i];
        l->used = o->lines[place].used;
        l->faults = o->lines[place].faults;
        l->faults.seed = random_mix(o->generator.seed * 16 + index * 4ull + i);
        memcpy(l->name, option_line_names[place], strlen(option_line_names[place]) + 1);
    }
    if (o->glimpse.used &&
        !(c->picture = picture_make(o->generator.live_max + o->generator.live_max / 4)))
        return error_set(err, EXIT_FAILED, "--glimpse: no memory");
    return store_init(&c->store, o->store_mib, o->saturate, x->link.wants_sums, err);
}

static bool link_open(struct exchange *x, exchange_link_open port_open, struct error *err)
{
    struct link_options link = x->options->link;
    for (uint32_t i = 0; i < OPTION_LINES; i++) {
        if (!x->options->lines[i].used)
            continue;
        x->channels[i / CHANNEL_LINES].lines[i % CHANNEL_LINES].endpoint =
            (uint16_t)link.endpoint_count;
        link.endpoints[link.endpoint_count] = x->options->lines[i].to;
        if (!(link.port_count ? link.ports[1] : link.interfaces[1]))
            link.endpoints[link.endpoint_count].device = 0;
        link.endpoint_count++;
    }
    return (link.port_count ? port_open : link_kernel_open)(&x->link, &link, err);
}

static bool services_open(struct exchange *x, struct error *err)
{
    const struct options *o = x->options;
    x->rerequest.channels = x->channels;
    x->rerequest.channel_count = o->channels;
    x->rerequest.seed = random_mix(o->generator.seed * 16 + 15);
    x->rerequest.loss_below = o->rerequest_loss_below;
    if (o->rerequest.used &&
        !rerequest_listen(&x->rerequest, o->rerequest.address, o->rerequest.port, err))
        return false;
    if (!o->glimpse.used)
        return true;
    x->glimpse = calloc(o->channels, sizeof *x->glimpse);
    if (!x->glimpse)
        return error_set(err, EXIT_FAILED, "--glimpse: no memory");
    for (uint32_t i = 0; i < o->channels; i++)
        x->glimpse[i].listener = -1;
    for (uint32_t i = 0; i < o->channels; i++) {
        struct glimpse *g = &x->glimpse[i];
        memcpy(g->session, x->channels[i].pack.session, PACK_SESSION);
        memcpy(g->user, o->glimpse_user, sizeof g->user);
        memcpy(g->password, o->glimpse_password, sizeof g->password);
        if (!glimpse_open(g, o->glimpse.address, (uint16_t)(o->glimpse.port + i), err))
            return false;
    }
    return true;
}

bool exchange_open(struct exchange *x, const struct options *o, exchange_link_open port_open,
                   struct error *err)
{
    memset(x, 0, sizeof *x);
    x->options = o;
    x->pace = o->pace;
    x->rerequest.socket = -1;
    if (!source_open(x, err))
        return false;
    x->channels = calloc(o->channels, sizeof *x->channels);
    if (!x->channels)
        return error_set(err, EXIT_FAILED, "channels: no memory");
    if (!link_open(x, port_open, err))
        return false;
    for (uint32_t i = 0; i < o->channels; i++)
        if (!channel_open(x, i, err))
            return false;
    // The session of a capture is known once its first payload was read, and everything else asks
    // for it.
    if (o->trading)
        return services_open(x, err) && trading_open(x, err);
    if (o->saturate ? !feeder_all(x, err) : feeder_next(x, err) == FEED_FAILED)
        return false;
    return services_open(x, err);
}

void exchange_close(struct exchange *x)
{
    trading_close(x);
    for (uint32_t i = 0; x->glimpse && i < x->options->channels; i++)
        glimpse_close(&x->glimpse[i]);
    free(x->glimpse);
    rerequest_close(&x->rerequest);
    if (x->link.close)
        x->link.close(&x->link);
    for (uint32_t i = 0; x->channels && i < x->options->channels; i++) {
        store_free(&x->channels[i].store);
        picture_drop(x->channels[i].picture);
    }
    free(x->channels);
    source_close(&x->source);
    x->channels = NULL;
    x->glimpse = NULL;
}

static bool services_turn(struct exchange *x, uint64_t now)
{
    if (now < x->service_ns)
        return false;
    x->service_ns = now + SERVICE_NS;
    bool any = rerequest_poll(&x->rerequest);
    if (x->link.poll)
        any |= x->link.poll(&x->link, x->options->request_port ? rerequest_answer : NULL,
                            &x->rerequest);
    for (uint32_t i = 0; x->glimpse && i < x->options->channels; i++)
        any |= glimpse_poll(&x->glimpse[i], x->channels[i].picture, x->channels[i].sent_next);
    return any;
}

// Brings due packets to the lines of a channel; true when there was one. Reads on when no channel
// has a packet.
static bool offers_turn(struct exchange *x, uint64_t now, bool *failed, struct error *err)
{
    bool any = false;
    for (uint32_t n = 0; n < LINK_BURST; n++) {
        bool pending = false, offered = false;
        for (uint32_t i = 0; i < x->options->channels; i++) {
            struct channel *c = &x->channels[i];
            const struct store_packet *p = channel_pending(c);
            pending |= p != NULL;
            if (!p || x->start_ns + p->due_ns > now || !channel_room(c))
                continue;
            channel_offer(c, now);
            offered = true;
        }
        while (!pending && !x->source_over && !*failed && !x->trading) {
            *failed = feeder_next(x, err) == FEED_FAILED;
            for (uint32_t i = 0; i < x->options->channels; i++)
                pending |= channel_pending(&x->channels[i]) != NULL;
            offered |= pending;
        }
        if (!offered)
            break;
        any = true;
    }
    return any;
}

static void sent_count(struct channel *c, struct line *l, uint32_t count, uint64_t now)
{
    for (uint32_t i = 0; i < count; i++)
        l->counters.bytes += store_packet(&c->store, line_peek(l, i)->packet)->length;
    l->counters.packets += count;
    l->sent_ns = now;
    line_pop(l, count);
}

// Sends what is due on a line. True when the link took something.
static bool line_turn(struct exchange *x, struct channel *c, struct line *l, uint64_t now,
                      bool *full, struct error *err)
{
    struct link_packet burst[LINK_BURST];
    uint32_t count = 0;
    const struct line_waiting *w;
    while (count < LINK_BURST && (w = line_peek(l, count)) != NULL && w->due_ns <= now) {
        const struct store_packet *p = store_packet(&c->store, w->packet);
        burst[count++] =
            (struct link_packet){store_payload(&c->store, p), p->length, p->sum, l->endpoint};
    }
    if (!count)
        return false;
    uint32_t taken = x->link.send(&x->link, burst, count, err);
    sent_count(c, l, taken, now);
    if (taken == count)
        return true;
    x->waits++;
    if (x->options->drop_when_full) {
        line_pop(l, count - taken);
        l->counters.dropped += count - taken;
        return true;
    }
    *full = true;
    return taken > 0;
}

// A packet without messages: heartbeat, or end of session.
static void control_send(struct exchange *x, struct channel *c, struct line *l, bool end,
                         uint64_t now, struct error *err)
{
    uint8_t payload[PACK_HEADER];
    pack_header(payload, c->pack.session, c->sent_next,
                end ? PACK_COUNT_END : PACK_COUNT_HEARTBEAT);
    struct link_packet p = {payload, sizeof payload, store_sum(payload, sizeof payload),
                            l->endpoint};
    if (x->link.send(&x->link, &p, 1, err) != 1)
        return; // asked again at the next turn
    l->sent_ns = now;
    end ? l->counters.ends++ : l->counters.heartbeats++;
}

static void idle_lines_turn(struct exchange *x, bool end, uint64_t now, struct error *err)
{
    uint64_t silence_ns = (uint64_t)x->options->heartbeat_ms * 1000000;
    for (uint32_t i = 0; i < x->options->channels * CHANNEL_LINES; i++) {
        struct channel *c = &x->channels[i / CHANNEL_LINES];
        struct line *l = &c->lines[i % CHANNEL_LINES];
        if (!l->used || !c->numbered || now - l->sent_ns < silence_ns)
            continue;
        if (l->held_count)
            line_flush(l, now);
        if (line_empty(l))
            control_send(x, c, l, end, now, err);
    }
}

static bool lines_turn(struct exchange *x, uint64_t now, bool *full, struct error *err)
{
    bool any = false;
    for (uint32_t i = 0; i < x->options->channels * CHANNEL_LINES; i++) {
        struct channel *c = &x->channels[i / CHANNEL_LINES];
        any |= line_turn(x, c, &c->lines[i % CHANNEL_LINES], now, full, err);
    }
    return any;
}

static bool lines_empty(const struct exchange *x)
{
    for (uint32_t i = 0; i < x->options->channels * CHANNEL_LINES; i++)
        if (!line_empty(&x->channels[i / CHANNEL_LINES].lines[i % CHANNEL_LINES]))
            return false;
    return true;
}

static bool all_offered(const struct exchange *x)
{
    for (uint32_t i = 0; i < x->options->channels; i++)
        if (channel_pending(&x->channels[i]))
            return false;
    return x->source_over;
}

static void flush_all(struct exchange *x, uint64_t now)
{
    for (uint32_t i = 0; i < x->options->channels * CHANNEL_LINES; i++)
        line_flush(&x->channels[i / CHANNEL_LINES].lines[i % CHANNEL_LINES], now);
}

// Nanoseconds until something is due, as far as the clock decides it.
static uint64_t until_due(const struct exchange *x, uint64_t now)
{
    uint64_t next = now + SLEEP_MOST_NS;
    if (x->trading && trading_due(x) < next)
        next = trading_due(x);
    for (uint32_t i = 0; i < x->options->channels; i++) {
        const struct channel *c = &x->channels[i];
        const struct store_packet *p = channel_pending(c);
        if (p && x->start_ns + p->due_ns < next && channel_room(c))
            next = x->start_ns + p->due_ns;
        for (uint32_t j = 0; j < CHANNEL_LINES; j++) {
            const struct line_waiting *w = line_peek(&c->lines[j], 0);
            if (w && w->due_ns < next)
                next = w->due_ns;
        }
    }
    return next > now ? next - now : 0;
}

static void idle(struct exchange *x, uint64_t now)
{
    if (x->options->idle == IDLE_POLL) {
        __builtin_ia32_pause();
        return;
    }
    uint64_t wait_ns = x->options->idle == IDLE_SLEEP ? until_due(x, now) : 0;
    if (wait_ns < SLEEP_LEAST_NS) {
        sched_yield();
        return;
    }
    wait_ns -= SLEEP_LEAST_NS / 2;
    struct pollfd p[] = {{.fd = x->rerequest.socket, .events = POLLIN},
                         {.fd = x->trading ? trading_wake(x) : -1, .events = POLLIN}};
    struct timespec limit = {0, (long)wait_ns};
    (void)ppoll(p, 2, &limit, NULL);
    x->service_ns = 0;
}

// Nobody takes packets any more: the peer of the port is gone.
static bool stalled(struct exchange *x, bool full, uint64_t now, struct error *err)
{
    if (!full) {
        x->progress_ns = now;
        return false;
    }
    uint32_t limit_s = x->options->wait_link_s ? x->options->wait_link_s : 1;
    if (now - x->progress_ns < limit_s * 1000000000ull)
        return false;
    error_set(err, EXIT_NOT_CONNECTED, "%s: no packet was taken for %u s; is the other end there?",
              x->link.describe, limit_s);
    return true;
}

static bool link_wait(struct exchange *x, const volatile int *stop, struct error *err)
{
    uint64_t limit = clock_mono_ns() + (uint64_t)x->options->wait_link_s * 1000000000;
    while (!x->link.up(&x->link) && !*stop) {
        if (clock_mono_ns() > limit)
            return error_set(
                err, EXIT_NOT_CONNECTED,
                "%s: link is down after %u s; start the other end, or raise --wait-link-s",
                x->link.describe, x->options->wait_link_s);
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    return true;
}

// Heartbeats or ends of session, and services, for so long.
static bool quiet_run(struct exchange *x, uint64_t for_ns, bool end, const volatile int *stop,
                      struct error *err)
{
    uint64_t until = clock_mono_ns() + for_ns, now;
    if (end)
        for (uint32_t i = 0; i < x->options->channels * CHANNEL_LINES; i++)
            x->channels[i / CHANNEL_LINES].lines[i % CHANNEL_LINES].sent_ns =
                0; // the first one at once
    while ((now = clock_mono_ns()) < until && !*stop && !err->code) {
        bool busy = services_turn(x, now);
        busy |= x->trading && trading_turn(x, now, NULL, err);
        idle_lines_turn(x, end, now, err);
        if (!busy)
            idle(x, now);
    }
    return !err->code;
}

static bool stream_run(struct exchange *x, const volatile int *stop, struct error *err)
{
    x->start_ns = x->progress_ns = clock_mono_ns();
    bool failed = false;
    for (bool flushed = false; !*stop;) {
        uint64_t now = clock_mono_ns();
        bool full = false, busy = services_turn(x, now);
        busy |= x->trading && trading_turn(x, now, &failed, err);
        busy |= offers_turn(x, now, &failed, err);
        bool sent = lines_turn(x, now, &full, err);
        busy |= sent;
        if (failed || err->code || stalled(x, full && !sent, now, err))
            return false;
        if (all_offered(x)) {
            if (!flushed)
                flush_all(x, now);
            flushed = true;
            if (lines_empty(x) && !trading_lingers(x, now))
                break;
        }
        if (!busy) {
            idle_lines_turn(x, false, now, err);
            idle(x, now);
        }
    }
    x->stream_ns = clock_mono_ns() - x->start_ns;
    return true;
}

bool exchange_run(struct exchange *x, const volatile int *stop, struct error *err)
{
    if (!link_wait(x, stop, err))
        return false;
    if (!quiet_run(x, (uint64_t)x->options->start_delay_ms * 1000000, false, stop, err))
        return false;
    if (!stream_run(x, stop, err))
        return false;
    x->interrupted = *stop != 0;
    if (x->trading)
        trading_end(x);
    static const volatile int never = 0;
    // After an interruption one end of session on each line, then out.
    uint64_t end_ns = x->interrupted ? 1000000 : (uint64_t)x->options->end_s * 1000000000;
    return quiet_run(x, end_ns, true, x->interrupted ? &never : stop, err);
}
