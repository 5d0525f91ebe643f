#include "bench/latency/measure.h"

#include <stdlib.h>
#include <string.h>

#include "bench/book/offline.h"
#include "bench/exchange/generate.h"
#include "bench/exchange/pack.h"
#include "bench/latency/quiet.h"

struct packet {
    uint64_t at; // offset of its bytes
    uint32_t len;
    uint32_t messages;
};

// A day as MoldUDP64 payloads in memory.
struct day {
    uint8_t *bytes;
    uint64_t len, room;
    struct packet *packets;
    uint64_t count, packet_room;
    uint64_t first_measured; // packet with which the opening is over
};

static bool day_room(struct day *day, struct error *err)
{
    bool ok = true;
    if (day->len + PACK_PAYLOAD_MAX > day->room) {
        day->room = day->room ? 2 * day->room : 1 << 26;
        uint8_t *bytes = realloc(day->bytes, day->room);
        ok = bytes != NULL;
        day->bytes = ok ? bytes : day->bytes;
    }
    if (day->count == day->packet_room) {
        day->packet_room = day->packet_room ? 2 * day->packet_room : 1 << 16;
        struct packet *packets = realloc(day->packets, day->packet_room * sizeof *packets);
        ok = ok && packets != NULL;
        day->packets = packets ? packets : day->packets;
    }
    return ok || error_set(err, EXIT_FAILED, "no memory for the day; take fewer --messages");
}

static void packet_close(struct day *day, struct pack *pack)
{
    uint32_t count = pack->count;
    uint32_t len = pack_close(pack);
    if (count == 0 || day->packets == NULL)
        return;
    day->packets[day->count++] = (struct packet){.at = day->len, .len = len, .messages = count};
    day->len += len;
}

static bool day_make(struct day *day, const struct feed_options *o, struct error *err)
{
    static struct generator g;
    uint8_t message[GENERATOR_MESSAGE_MAX];
    struct pack pack;
    uint64_t mix = 0;
    struct generator_config config = {.seed = o->seed,
                                      .symbols = o->symbols,
                                      .live_max = o->live,
                                      .opening_orders = o->live,
                                      .messages = o->messages + o->live + 60ull * o->symbols};
    if (!generator_init(&g, &config, err))
        return false;
    pack_init(&pack, "BENCH", PACK_PAYLOAD_MAX,
              o->messages_a_packet ? o->messages_a_packet : PACK_COUNT_MAX);
    bool ok = day_room(day, err), opening = true;
    if (ok)
        pack_open(&pack, day->bytes);
    for (uint32_t len; ok && mix < o->messages && (len = generator_next(&g, message)) > 0;) {
        bool turn = opening && g.phase >= PHASE_MIX;
        if (turn || !pack_add(&pack, message, len)) {
            packet_close(day, &pack);
            ok = day_room(day, err);
            if (!ok)
                break;
            pack_open(&pack, day->bytes + day->len);
            pack_add(&pack, message, len);
        }
        if (turn) {
            opening = false;
            day->first_measured = day->count;
        }
        mix += !opening;
    }
    if (ok)
        packet_close(day, &pack);
    generator_free(&g);
    return ok;
}

static void day_free(struct day *day)
{
    free(day->bytes);
    free(day->packets);
}

static void packet_take(struct channel *ch, const struct day *day, uint64_t i, uint64_t now)
{
    const struct packet *p = &day->packets[i];
    const struct frame frame = {.data = day->bytes + p->at, .len = p->len};
    channel_datagram(ch, 0, day->bytes + p->at, p->len, &frame, now);
}

static void packets_measure(struct channel *ch, const struct day *day,
                            const struct clock_calibration *cal, struct hdr *h,
                            struct feed_result *r)
{
    uint64_t start = clock_tsc(), now = start;
    for (uint64_t i = day->first_measured; i < day->count; i++) {
        packet_take(ch, day, i, now);
        uint64_t end = clock_tsc();
        hdr_record(h, clock_ticks_to_ns(cal, end - now));
        r->packets++;
        r->messages += day->packets[i].messages;
        now = clock_tsc(); // the recording is not part of the next packet
    }
    r->ns = clock_ticks_to_ns(cal, now - start);
}

bool feed_measure(const struct feed_options *options, const struct clock_calibration *cal,
                  struct hdr *h, struct feed_result *result, struct error *err)
{
    static struct offline o;
    struct day day = {0};
    struct channel_config config = {.protocol = &feed_itch50,
                                    .hold_frames = 64,
                                    .line_count = 1,
                                    .book = {.symbols = options->symbols + 1,
                                             .orders = options->live + options->live / 4 + 1024}};
    memset(result, 0, sizeof *result);
    book_config_defaults(&config.book);
    if (!day_make(&day, options, err) || !offline_init(&o, &config, err)) {
        day_free(&day);
        return false;
    }
    for (uint64_t i = 0; i < day.first_measured; i++)
        packet_take(&o.channel, &day, i, clock_tsc());
    uint64_t best = o.count.best_changes;
    // Not before: a thread that has had its core ahead of others for a second loses it for a while.
    if (options->first)
        thread_first(true);
    packets_measure(&o.channel, &day, cal, h, result);
    if (options->first)
        thread_first(false);
    result->best_changes = o.count.best_changes - best;
    result->orders_live = o.channel.book.orders_live;
    bool whole = o.count.gaps == 0 && o.count.unknown_reference == 0 && o.count.orders_refused == 0;
    offline_free(&o);
    day_free(&day);
    return whole || error_set(err, EXIT_FAILED, "the day was not applied whole: a defect");
}
