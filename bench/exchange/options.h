// Command line of tickgate-exchange: one table gives parser and --help.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/exchange/channel.h"
#include "bench/exchange/generate.h"
#include "bench/exchange/line.h"
#include "bench/exchange/link.h"
#include "bench/exchange/pace.h"
#include "bench/exchange/trade/bourse.h"
#include "dataplane/base/error.h"

enum { OPTION_LINES = CHANNELS_MAX * CHANNEL_LINES };

enum option_idle { IDLE_POLL, IDLE_YIELD, IDLE_SLEEP };

struct option_line {
    bool used, faulty; // a fault was asked for
    struct link_endpoint to;
    struct line_faults faults;
};

struct option_service {
    bool used;
    uint32_t address; // host order
    uint16_t port;
};

struct options {
    const char *source; // "generate" or a file
    const char *filter;
    const char *write; // BinaryFILE to write instead of sending
    struct generator_config generator;

    bool saturate, trading;
    bool speed_given, rate_given;
    struct pace pace;
    uint32_t idle_max_ms;
    uint32_t pack_us, pack_messages, payload_max;
    uint32_t channels;
    bool session_given;
    char session[CHANNELS_MAX][PACK_SESSION + 1];

    struct option_line lines[OPTION_LINES]; // A, B of the first channel, then of the second
    uint32_t both_below[CHANNELS_MAX];      // of 2^32
    uint32_t rerequest_loss_below;

    struct link_options link;
    uint32_t core; // UINT32_MAX: not pinned
    uint32_t vlan, request_port;
    bool drop_when_full;

    struct option_service rerequest, glimpse;
    char glimpse_user[7], glimpse_password[11];
    uint32_t store_mib; // 0: chosen by the mode

    // --mode trade.
    struct bourse_config trade; // without its functions
    struct option_service orders, drop_copy;
    uint32_t orders_port; // on the DPDK port; 0: none
    const char *order_log;
    uint32_t linger_s;

    uint32_t heartbeat_ms, end_s, start_delay_ms, wait_link_s;
    enum option_idle idle;
    const char *summary_json;
    bool help, version;
};

// Name of a line by its place in options.lines: A, B, A2, B2.
extern const char *const option_line_names[OPTION_LINES];

void options_defaults(struct options *o);

// EXIT_USAGE with the option and the remedy named when something is wrong. Keeps pointers into
// argv.
bool options_parse(struct options *o, int argc, char **argv, struct error *err);

void options_help(FILE *out);
