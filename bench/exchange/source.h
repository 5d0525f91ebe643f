// Where the messages of the exchange come from: a generated day, a BinaryFILE, a capture. One
// interface for all.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/generate.h"
#include "dataplane/base/error.h"

enum source_kind {
    SOURCE_MESSAGES, // one ITCH message each: the exchange packs and numbers them
    SOURCE_PAYLOADS, // one UDP payload each, sent as it is
};

struct source_item {
    uint64_t time_ns;    // by the source's own clock; does not go back
    const uint8_t *data; // valid until the next call
    uint32_t length;
};

enum source_result { SOURCE_ITEM, SOURCE_END, SOURCE_FAILED };

struct source {
    // SOURCE_FAILED fills the error. A source that ends early (a file cut in the middle of a
    // message) ends normally and says so in <warning>.
    enum source_result (*next)(struct source *s, struct source_item *item, struct error *err);
    void (*close)(struct source *s);
    void *state;
    enum source_kind kind;
    uint64_t total; // items, where known beforehand; 0 otherwise
    char warning[512];
};

bool source_generate_open(struct source *s, const struct generator_config *config,
                          struct error *err);

// Nasdaq BinaryFILE: two bytes of length (big-endian), then the message; plain or gzip.
bool source_itch_open(struct source *s, const char *path, struct error *err);

// UDP payloads of a pcap or pcapng file, plain or gzip, through VLAN tags, without trailers;
// fragments and everything that is not UDP over IPv4 are skipped. <filter>: a libpcap expression,
// or NULL.
bool source_pcap_open(struct source *s, const char *path, const char *filter, struct error *err);

// Puts packets of MoldUDP64 in the order of their numbers, as far as 1,024 of them reach;
// everything else stays as it is. On false the source is closed.
bool source_order(struct source *s, struct error *err);

// A file, by what its first bytes are; the packets of a capture in the order of their numbers.
bool source_file_open(struct source *s, const char *path, const char *filter, struct error *err);

// Also after a failed open.
void source_close(struct source *s);
