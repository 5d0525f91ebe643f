// The running exchange: one thread that builds packets from the source, brings them to the lines
// when they are due, and serves whoever asks.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/channel.h"
#include "bench/exchange/glimpse.h"
#include "bench/exchange/link.h"
#include "bench/exchange/options.h"
#include "bench/exchange/rerequest.h"
#include "bench/exchange/source.h"

struct exchange {
    const struct options *options;
    struct source source;
    struct pace pace;
    struct channel *channels; // options->channels of them
    struct link link;
    struct rerequest rerequest;
    struct glimpse *glimpse; // one for each channel, or NULL
    struct trading *trading; // --mode trade, or NULL
    bool source_over;
    bool payloads_numbered; // a capture of MoldUDP64
    uint64_t items;         // read from the source
    uint64_t skipped;     // payloads of a capture that repeat numbers, belong to another session or
                          // hold no messages
    uint64_t start_ns;    // when the first packet was due
    uint64_t stream_ns;   // from then until the last packet had been sent
    uint64_t progress_ns; // when the link last took something, or had nothing to take
    uint64_t waits;       // times the port was full
    uint64_t service_ns;  // when services are next looked at
    bool interrupted;
    char warning[512];
};

enum feed_result { FEED_MORE, FEED_OVER, FEED_STORE_FULL, FEED_FAILED };

// feeder.c: reads one item of the source and adds it to its channel's open packet.
enum feed_result feeder_next(struct exchange *x, struct error *err);

// feeder.c: reads the source to its end. The store keeps all.
bool feeder_all(struct exchange *x, struct error *err);

// feeder.c: adds a message to the channels that it concerns.
enum feed_result feeder_route(struct exchange *x, const struct source_item *item, uint64_t due_ns);

// feeder.c: writes all messages of the source as a BinaryFILE; returns their number in <messages>.
bool feeder_write(struct source *source, const char *path, uint64_t *messages, struct error *err);

// What opens a DPDK port. Handed over, so that everything but the program itself is free of DPDK.
typedef bool (*exchange_link_open)(struct link *l, const struct link_options *o, struct error *err);

// Opens everything that the options name. After a failure exchange_close is still needed.
bool exchange_open(struct exchange *x, const struct options *o, exchange_link_open port_open,
                   struct error *err);

// Runs to the end of the source and of the end-of-session time, or until <stop> is set.
bool exchange_run(struct exchange *x, const volatile int *stop, struct error *err);

void exchange_close(struct exchange *x);

// summary.c
void summary_print(const struct exchange *x);
bool summary_json(const struct exchange *x, const char *path, struct error *err);
