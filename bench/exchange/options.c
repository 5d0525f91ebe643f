#include "bench/exchange/options.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "bench/exchange/option_values.h"
#include "dataplane/base/hints.h"

enum row_kind { ROW_TITLE, ROW_FLAG, ROW_TEXT, ROW_U32, ROW_U64, ROW_PARSE };

// One option. ROW_U32 and ROW_U64 have bounds; ROW_PARSE has its own reader; ROW_TITLE heads a part
// of --help.
struct row {
    const char *name, *argument, *help;
    enum row_kind kind;
    size_t offset;
    uint64_t min, max;
    bool (*parse)(struct options *o, const char *text, struct error *err);
};

#define AT(field) offsetof(struct options, field)
// Without braces, which stand around each row.
#define TITLE(text)                       text, NULL, NULL, ROW_TITLE, 0, 0, 0, NULL
#define FLAG(name, field, help)           name, NULL, help, ROW_FLAG, AT(field), 0, 0, NULL
#define TEXT(name, argument, field, help) name, argument, help, ROW_TEXT, AT(field), 0, 0, NULL
#define U32(name, argument, field, min, max, help) \
    name, argument, help, ROW_U32, AT(field), min, max, NULL
#define U64(name, argument, field, min, max, help) \
    name, argument, help, ROW_U64, AT(field), min, max, NULL
#define PARSE(name, argument, reader, help) name, argument, help, ROW_PARSE, 0, 0, 0, reader

static const struct row rows[] = {
    {TITLE("What is sent")},
    {TEXT("source", "generate|FILE", source,
          "generate a day (default), or replay a file: Nasdaq BinaryFILE, pcap or pcapng, plain or "
          "gzip")},
    {TEXT("filter", "EXPRESSION", filter,
          "of a capture only what matches (libpcap syntax: dst host 233.54.12.111)")},
    {U64("seed", "N", generator.seed, 0, UINT64_MAX, "of the generated day and of all faults (1)")},
    {U32("symbols", "N", generator.symbols, 1, 65535, "symbols of a generated day (8000)")},
    {U64("messages", "N", generator.messages, 1, 1ull << 36,
         "messages of a generated day, all included (1000000)")},
    {U32("live", "N", generator.live_max, 1, 64000000,
         "resting orders a generated day holds (200000)")},
    {U32("opening", "N", generator.opening_orders, 0, 64000000,
         "orders of the opening book; 0: as many as --live, at most half of the messages (0)")},
    {TEXT("write", "FILE", write,
          "write the messages as a BinaryFILE (gzip if it ends in .gz) and send nothing")},

    {TITLE("When and how")},
    {PARSE(
        "mode", "replay|saturate|trade", value_mode,
        "replay: build packets while sending (default); saturate: build all of them first; trade: "
        "members trade in the market that is sent")},
    {PARSE(
        "speed", "original|max|Nx", value_speed,
        "as recorded, as fast as possible, or N times as recorded (original for files, max for a "
        "generated day)")},
    {PARSE("rate", "N", value_rate, "instead of --speed: N messages a second")},
    {U32("idle-max-ms", "N", idle_max_ms, 0, 86400000,
         "cut longer silences of --speed to N; 0: never (0)")},
    {U32("pack-us", "N", pack_us, 0, 1000000,
         "messages that are due within N microseconds share a packet (50; with --speed max they "
         "always do)")},
    {U32("pack-messages", "N", pack_messages, 1, 65534,
         "at most N messages a packet (as many as fit)")},
    {U32("payload-max", "N", payload_max, 90, PACK_PAYLOAD_MAX, "bytes of a UDP payload (1472)")},
    {U32("channels", "1|2", channels, 1, CHANNELS_MAX,
         "split the symbols by odd and even locate into channels with own sessions and numbers "
         "(1)")},
    {PARSE("session", "NAME[,NAME]", value_session,
           "MoldUDP64 session of each channel (TICKGATE01,TICKGATE02)")},

    {TITLE("Lines (A and B of the first channel, A2 and B2 of the second)")},
    {PARSE("line", "NAME=IP:PORT[,SOURCE]", value_line, "where a line goes; at least A is needed")},
    {PARSE("loss", "NAME=P", value_loss,
           "lose packets with probability P on a line, on both (both, both2: the same packet), or "
           "lose answers "
           "to re-requests (rerequest)")},
    {PARSE("duplicate", "NAME=P", value_duplicate, "send packets twice with probability P")},
    {PARSE("reorder", "NAME=P[,DEPTH]", value_reorder,
           "let 1 to DEPTH (1) later packets pass with probability P")},
    {PARSE("skew-us", "NAME=[MIN..]MAX", value_skew,
           "send every packet MIN (0) to MAX microseconds late, in order")},

    {TITLE("Through the kernel (without --port)")},
    {PARSE("interface", "NAME", value_interface,
           "interface for multicast; given twice: for A lines, for B lines")},
    {U32("ttl", "N", link.ttl, 1, 255,
         "time to live of packets (1 through the kernel, 64 on a port)")},

    {TITLE("Through a DPDK port")},
    {PARSE("port", "VDEV|PCI", value_port,
           "such as net_memif0,role=server,socket=/tmp/x.sock,socket-abstract=no; given twice: A "
           "lines, B lines")},
    {PARSE("ip", "ADDRESS", value_ip,
           "own address of the port: source of packets, answered by ARP")},
    {U32("vlan", "ID", vlan, 1, 4094, "tag all frames")},
    {U32("rerequest-on-port", "N", request_port, 1, 65535,
         "answer re-requests that reach UDP port N of --ip")},
    {FLAG("no-huge", link.no_huge, "use ordinary memory instead of huge pages")},
    {U32("memory-mib", "N", link.memory_mib, 32, 16384, "memory of DPDK (64)")},

    {TITLE("Services (kernel sockets)")},
    {PARSE("rerequest", "IP:PORT", value_rerequest, "MoldUDP64 re-request server")},
    {PARSE("glimpse", "IP:PORT[,USER,PASSWORD]", value_glimpse,
           "snapshot server (GLIMPSE over SoupBinTCP); the second channel is at the next port")},
    {U32("store-mib", "N", store_mib, STORE_MIB_MIN, 65536,
         "past packets to keep for each channel (256; with --mode saturate 4096, taken as it "
         "fills)")},

    {TITLE("Trading (--mode trade; docs/exchange.md has every key)")},
    {PARSE("member", "USER,PASSWORD[,KEY=VALUE...]", value_member,
           "an account, up to 16; keys: firm, session, protocol (5.0, 4.2), self-match (none, "
           "decrement, newest, oldest), cancel-on-disconnect (yes, no)")},
    {PARSE("orders", "IP:PORT", value_orders, "where members connect, over the kernel's TCP")},
    {U32("orders-on-port", "N", orders_port, 1, 65535,
         "and over TCP port N of --ip on the DPDK port")},
    {PARSE("drop-copy", "IP:PORT", value_drop_copy,
           "where drop copies are read, over the kernel's TCP")},
    {PARSE("drop-user", "USER,PASSWORD[,KEY=VALUE...]", value_drop_user,
           "who reads the copy of a firm's orders, up to 4; keys: firm, session")},
    {TEXT("order-log", "FILE", order_log, "log of all orders and trades, JSON lines")},
    {PARSE("venue", "NAME", value_venue, "name in the log (EXCHANGE)")},
    {PARSE("fee", "ADD,REMOVE", value_fee,
           "millionths of a dollar a share; negative: a rebate (0,0)")},
    {PARSE(
        "latency-us", "IN[,OUT]", value_latency,
        "time from a request's arrival to its handling, and from an answer to its leaving (0,0)")},
    {PARSE("rule", "KEY=VALUE", value_rule,
           "price-limit-percent, orders-max, post-only (cancel, slide), status (optional, needed), "
           "pegs (yes, no)")},
    {PARSE("misbehave", "KEY=VALUE", value_misbehave,
           "seed, cut-bytes, cut-in-bytes, cut (close, reset), late, duplicate, missing, reorder, "
           "reject, "
           "cancel, break, reset, forget, garbage, silent, drop-missing, drop-double, drop-wrong, "
           "drop-foreign, drop-late: probability or number, from the seed "
           "or --seed")},
    {U32("order-heartbeat-ms", "N", trade.heartbeat_ms, 1, 60000,
         "to members, after so long without a packet (1000)")},
    {U32("order-silence-ms", "N", trade.silence_ms, 1, 600000,
         "a member is disconnected after so long without a byte (15000)")},
    {U32("linger-s", "N", linger_s, 0, 86400,
         "go on trading so long after the source is over (0)")},

    {TITLE("Running")},
    {U32("core", "N", core, 0, 1023, "run on this core")},
    {PARSE("idle", "poll|yield|sleep", value_idle, "what to do while nothing is due (sleep)")},
    {PARSE("when-full", "wait|drop", value_when_full,
           "what to do when the port takes no more packets (wait)")},
    {U32("heartbeat-ms", "N", heartbeat_ms, 1, 60000, "after so long without a packet (1000)")},
    {U32("start-delay-ms", "N", start_delay_ms, 0, 3600000, "send only heartbeats at first (0)")},
    {U32("wait-link-s", "N", wait_link_s, 0, 3600,
         "wait so long for the link, at the start and when nobody takes packets any more (10)")},
    {U32("end-s", "N", end_s, 0, 3600,
         "announce the end of the session for so long, then exit (3)")},
    {TEXT("summary-json", "FILE", summary_json,
          "write what was sent and what was done to it; - is stdout")},
    {FLAG("help", help, "this text")},
    {FLAG("version", version, "version")},
};

void options_defaults(struct options *o)
{
    memset(o, 0, sizeof *o);
    o->source = "generate";
    o->generator = (struct generator_config){
        .seed = 1, .symbols = 8000, .live_max = 200000, .messages = 1000000};
    o->pack_us = 50;
    o->pack_messages = PACK_COUNT_MAX;
    o->payload_max = PACK_PAYLOAD_MAX;
    o->channels = 1;
    snprintf(o->session[0], sizeof o->session[0], "TICKGATE01");
    snprintf(o->session[1], sizeof o->session[1], "TICKGATE02");
    o->link.memory_mib = 64;
    o->core = UINT32_MAX;
    o->heartbeat_ms = 1000;
    o->end_s = 3;
    o->wait_link_s = 10;
    o->idle = IDLE_SLEEP;
    snprintf(o->trade.name, sizeof o->trade.name, "EXCHANGE");
}

void options_help(FILE *out)
{
    fprintf(
        out,
        "Usage: tickgate-exchange [options]\n"
        "Simulated exchange: sends an ITCH 5.0 day as MoldUDP64 lines A and B, and lets members\n"
        "trade in it with OUCH over SoupBinTCP.\n");
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        char left[64];
        if (rows[i].kind == ROW_TITLE) {
            fprintf(out, "\n%s:\n", rows[i].name);
            continue;
        }
        snprintf(left, sizeof left, "--%s %s", rows[i].name,
                 rows[i].argument ? rows[i].argument : "");
        fprintf(out, "  %-34s %s%s\n", left,
                strlen(left) > 34 ? "\n                                     " : "", rows[i].help);
    }
    fprintf(out,
            "\nExit codes: 0 done, 1 failed, 2 usage, 3 nobody at the other end of the link.\n");
}

static bool row_set(struct options *o, const struct row *row, const char *text, struct error *err)
{
    void *field = (uint8_t *)o + row->offset;
    uint64_t number = 0;
    switch (row->kind) {
    case ROW_FLAG: *(bool *)field = true; return true;
    case ROW_TEXT:
        if (!*text)
            return error_set(err, EXIT_USAGE, "--%s: empty; %s is wanted", row->name,
                             row->argument);
        *(const char **)field = text;
        return true;
    case ROW_U32:
    case ROW_U64:
        if (!value_number(row->name, text, row->min, row->max, &number, err))
            return false;
        if (row->kind == ROW_U32)
            *(uint32_t *)field = (uint32_t)number;
        else
            *(uint64_t *)field = number;
        return true;
    case ROW_PARSE: return row->parse(o, text, err);
    case ROW_TITLE: break;
    }
    return false;
}

static bool lines_check(const struct options *o, struct error *err)
{
    if (!o->lines[0].used)
        return error_set(err, EXIT_USAGE,
                         "--line: line A is missing; give --line A=239.1.1.1:26477 (or --write "
                         "FILE to send nothing)");
    if (o->channels == 2 && !o->lines[2].used)
        return error_set(err, EXIT_USAGE,
                         "--channels 2: line A2 is missing; give --line A2=IP:PORT");
    for (uint32_t i = 0; i < OPTION_LINES; i++) {
        bool there = i / CHANNEL_LINES < o->channels;
        if (o->lines[i].used && !there)
            return error_set(err, EXIT_USAGE,
                             "--line %s: there is no second channel; give --channels 2",
                             option_line_names[i]);
        if (o->lines[i].faulty && !o->lines[i].used)
            return error_set(err, EXIT_USAGE,
                             "a fault of line %s is given, but no --line %s=IP:PORT",
                             option_line_names[i], option_line_names[i]);
        if (o->lines[i].used && o->link.port_count && !link_is_multicast(o->lines[i].to.group))
            return error_set(err, EXIT_USAGE,
                             "--line %s: a DPDK port sends to multicast groups (224.0.0.0 to "
                             "239.255.255.255) only",
                             option_line_names[i]);
    }
    if (o->both_below[1] && o->channels < 2)
        return error_set(err, EXIT_USAGE,
                         "--loss both2: there is no second channel; give --channels 2");
    return true;
}

static bool services_check(const struct options *o, struct error *err)
{
    if (o->request_port && (!o->link.port_count || !o->link.own_ip))
        return error_set(err, EXIT_USAGE, "--rerequest-on-port: needs --port and --ip");
    if (o->link.own_ip && !o->link.port_count)
        return error_set(
            err, EXIT_USAGE,
            "--ip: is the address of a --port; for the kernel give the source in --line");
    if (o->vlan && !o->link.port_count)
        return error_set(
            err, EXIT_USAGE,
            "--vlan: needs --port; for the kernel give a VLAN interface in --interface");
    if (o->link.port_count && o->link.interfaces[0])
        return error_set(err, EXIT_USAGE, "--interface and --port: one of them");
    if (o->rerequest_loss_below && !o->rerequest.used && !o->request_port)
        return error_set(err, EXIT_USAGE,
                         "--loss rerequest: needs --rerequest or --rerequest-on-port");
    if (o->glimpse.used && o->channels == 2 && o->glimpse.port == 65535)
        return error_set(err, EXIT_USAGE,
                         "--glimpse: the second channel needs the next port; give one below 65535");
    return true;
}

static bool options_check(struct options *o, struct error *err)
{
    bool generated = strcmp(o->source, "generate") == 0;
    if (o->filter && generated)
        return error_set(err, EXIT_USAGE, "--filter: needs a capture as --source");
    if (o->write)
        return true;
    if (o->speed_given && o->rate_given)
        return error_set(err, EXIT_USAGE, "--speed and --rate: one of them");
    if (!o->speed_given && !o->rate_given) {
        o->pace.kind = generated || o->saturate ? PACE_MAX : PACE_RECORDED;
        o->pace.speed_1000 = 1000;
    }
    if (o->saturate && o->pace.kind == PACE_RECORDED)
        return error_set(err, EXIT_USAGE, "--mode saturate: goes with --speed max or --rate only");
    o->pace.idle_max_ns = (uint64_t)o->idle_max_ms * 1000000;
    if (strcmp(o->session[0], o->session[1]) == 0 && o->channels == 2)
        return error_set(err, EXIT_USAGE, "--session: two channels need two different sessions");
    if (!o->store_mib)
        o->store_mib = o->saturate ? 4096 : 256;
    if (!o->link.ttl)
        o->link.ttl = o->link.port_count ? 64 : 1;
    o->link.vlan = (uint16_t)o->vlan;
    o->link.request_port = (uint16_t)o->request_port;
    o->link.core = o->core == UINT32_MAX ? -1 : (int)o->core;
    return lines_check(o, err) && services_check(o, err) && trade_check(o, err);
}

bool options_parse(struct options *o, int argc, char **argv, struct error *err)
{
    struct option table[ARRAY_LEN(rows) + 1] = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].kind != ROW_TITLE)
            table[count++] =
                (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument,
                                NULL, (int)i + 256};
    opterr = 0;
    optind = 0; // start over, also in the middle of a word (GNU)
    int got;
    while ((got = getopt_long(argc, argv, ":", table, NULL)) != -1) {
        const char *word = argv[optind - 1];
        if (got == ':')
            return error_set(err, EXIT_USAGE, "%s: a value is missing; see --help", word);
        if (got < 256)
            return error_set(err, EXIT_USAGE, "%s: unknown or ambiguous option; see --help", word);
        if (!row_set(o, &rows[got - 256], optarg, err))
            return false;
    }
    if (o->help || o->version)
        return true;
    if (optind < argc)
        return error_set(err, EXIT_USAGE, "%s: not an option; a file is given by --source",
                         argv[optind]);
    return options_check(o, err);
}
