#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/exchange/exchange.h"
#include "bench/exchange/trade/trading.h"

// Counters of a line that both forms show: name in JSON, heading, field.
#define LINE_COUNTERS(X)        \
    X(packets, "packets")       \
    X(bytes, "bytes")           \
    X(lost, "lost")             \
    X(duplicated, "doubled")    \
    X(reordered, "reordered")   \
    X(skewed, "skewed")         \
    X(dropped, "port full")     \
    X(heartbeats, "heartbeats") \
    X(ends, "ends")

#define REREQUEST_COUNTERS(X) X(received) X(answered) X(silent) X(lost) X(messages)

// With --mode trade: name in JSON and field.
#define TRADING_COUNTERS(X) \
    X(requests)             \
    X(accepted)             \
    X(replaced)             \
    X(canceled)             \
    X(executed)             \
    X(rejected)             \
    X(ignored)              \
    X(broken)               \
    X(malformed)            \
    X(market_messages)      \
    X(published)            \
    X(clamped_messages)     \
    X(clamped_shares)       \
    X(displaced_shares)     \
    X(suppressed)           \
    X(sequenced)            \
    X(logins)               \
    X(logins_refused)       \
    X(disconnects)          \
    X(resets)               \
    X(faults)

static const char *mode_name(const struct exchange *x)
{
    if (x->trading)
        return "trade";
    return x->options->saturate ? "saturate" : "replay";
}

static uint64_t messages_sum(const struct exchange *x)
{
    uint64_t messages = 0;
    for (uint32_t i = 0; i < x->options->channels; i++)
        messages += x->channels[i].messages;
    return messages;
}

static double rate_of(const struct exchange *x)
{
    return x->stream_ns ? (double)messages_sum(x) * 1e9 / (double)x->stream_ns : 0;
}

static void session_text(const struct channel *c, char text[PACK_SESSION + 1])
{
    memcpy(text, c->pack.session, PACK_SESSION);
    text[PACK_SESSION] = 0;
    for (char *p = text; *p; p++) // sessions of captures may hold anything
        *p = *p >= ' ' && *p < 127 && *p != '"' && *p != '\\' ? *p : '?';
    text[strcspn(text, " ")] = 0;
}

static void destination_text(const struct exchange *x, uint32_t place, char text[32])
{
    const struct link_endpoint *to = &x->options->lines[place].to;
    struct in_addr in = {htonl(to->group)};
    snprintf(text, 32, "%s:%u", inet_ntoa(in), to->port);
}

static void channel_print(const struct exchange *x, uint32_t index)
{
    const struct channel *c = &x->channels[index];
    char text[32];
    if (c->numbered) {
        session_text(c, text);
        printf("channel %u: session %s, %" PRIu64 " messages in %" PRIu64
               " packets, next sequence %" PRIu64 ", lost on both lines: %" PRIu64 "\n",
               index + 1, text, c->messages, c->offered, c->sent_next, c->lost_both);
    } else {
        printf("channel %u: %" PRIu64 " payloads as captured, lost on both lines: %" PRIu64 "\n",
               index + 1, c->offered, c->lost_both);
    }
    printf("  %-4s %-22s", "line", "to");
#define HEADING(field, heading) printf(" %11s", heading);
    LINE_COUNTERS(HEADING)
    printf("\n");
    for (uint32_t i = 0; i < CHANNEL_LINES; i++) {
        const struct line *l = &c->lines[i];
        if (!l->used)
            continue;
        destination_text(x, index * CHANNEL_LINES + i, text);
        printf("  %-4s %-22s", l->name, text);
#define VALUE(field, heading) printf(" %11" PRIu64, l->counters.field);
        LINE_COUNTERS(VALUE)
        printf("\n");
    }
}

static void trading_print(const struct exchange *x)
{
    const struct bourse_counters *c = trading_counters(x);
    printf("orders: %" PRIu64 " requests, %" PRIu64 " accepted, %" PRIu64 " replaced, %" PRIu64
           " cancels, %" PRIu64 " executions, %" PRIu64 " broken, %" PRIu64 " rejected, %" PRIu64
           " ignored; %" PRIu64 " logins, %" PRIu64 " refused, %" PRIu64 " disconnects\n",
           c->requests, c->accepted, c->replaced, c->canceled, c->executed, c->broken, c->rejected,
           c->ignored, c->logins, c->logins_refused, c->disconnects);
    printf("replayed market: %" PRIu64 " messages with %" PRIu64
           " shares clamped that members had taken, %" PRIu64
           " shares traded by members who stood before it, %" PRIu64 " messages left out\n",
           c->clamped_messages, c->clamped_shares, c->displaced_shares, c->suppressed);
    if (x->options->trade.copy_count)
        printf("drop copies: %" PRIu64 " messages\n", c->copied);
    if (c->faults)
        printf("misbehaved on purpose: %" PRIu64 " times\n", c->faults);
}

void summary_print(const struct exchange *x)
{
    printf("%s of %s over %s: %" PRIu64 " %s in %.3f s (%.0f a second)%s\n", mode_name(x),
           x->options->source, x->link.describe, messages_sum(x),
           x->channels[0].numbered ? "messages" : "payloads", (double)x->stream_ns / 1e9,
           rate_of(x), x->interrupted ? ", interrupted" : "");
    for (uint32_t i = 0; i < x->options->channels; i++)
        channel_print(x, i);
    if (x->options->rerequest.used || x->options->request_port)
        printf("re-requests: %" PRIu64 " received, %" PRIu64 " answered with %" PRIu64
               " messages, %" PRIu64 " not answerable, %" PRIu64 " answers lost\n",
               x->rerequest.received, x->rerequest.answered, x->rerequest.messages,
               x->rerequest.silent, x->rerequest.lost);
    for (uint32_t i = 0; x->glimpse && i < x->options->channels; i++)
        printf("snapshots of channel %u: %" PRIu64 " served with %" PRIu64 " orders, %" PRIu64
               " logins refused, %" PRIu64 " broken off\n",
               i + 1, (uint64_t)x->glimpse[i].snapshots, (uint64_t)x->glimpse[i].orders,
               (uint64_t)x->glimpse[i].refused, (uint64_t)x->glimpse[i].broken);
    if (x->trading)
        trading_print(x);
    if (x->waits)
        printf("port full: %" PRIu64 " times\n", x->waits);
    if (x->skipped)
        printf("payloads of the capture not sent (repeated, another session, no messages): %" PRIu64
               "\n",
               x->skipped);
    fflush(stdout);
}

// Text of options and files inside a JSON string.
static void json_text(FILE *f, const char *text)
{
    fputc('"', f);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(f, "\\%c", *p);
        else if (*p < ' ')
            fprintf(f, "\\u%04x", *p);
        else
            fputc(*p, f);
    }
    fputc('"', f);
}

static void channel_json(FILE *f, const struct exchange *x, uint32_t index)
{
    const struct channel *c = &x->channels[index];
    char text[32] = "";
    if (c->numbered)
        session_text(c, text);
    fprintf(f,
            "    {\"session\": \"%s\", \"messages\": %" PRIu64 ", \"packets\": %" PRIu64
            ", \"next_sequence\": %" PRIu64 ", \"lost_on_both\": %" PRIu64 ",\n",
            text, c->messages, c->offered, c->numbered ? c->sent_next : 0, c->lost_both);
    if (x->glimpse) {
        const struct glimpse *g = &x->glimpse[index];
        fprintf(f,
                "     \"snapshots\": {\"served\": %" PRIu64 ", \"orders\": %" PRIu64
                ", \"refused\": %" PRIu64 ", \"broken\": %" PRIu64 "},\n",
                (uint64_t)g->snapshots, (uint64_t)g->orders, (uint64_t)g->refused,
                (uint64_t)g->broken);
    }
    fprintf(f, "     \"lines\": [");
    const char *between = "\n";
    for (uint32_t i = 0; i < CHANNEL_LINES; i++) {
        const struct line *l = &c->lines[i];
        if (!l->used)
            continue;
        destination_text(x, index * CHANNEL_LINES + i, text);
        fprintf(f, "%s      {\"name\": \"%s\", \"to\": \"%s\"", between, l->name, text);
#define MEMBER(field, heading) fprintf(f, ", \"" #field "\": %" PRIu64, l->counters.field);
        LINE_COUNTERS(MEMBER)
        fprintf(f, "}");
        between = ",\n";
    }
    fprintf(f, "]}");
}

bool summary_json(const struct exchange *x, const char *path, struct error *err)
{
    bool out = strcmp(path, "-") == 0;
    FILE *f = out ? stdout : fopen(path, "w");
    if (!f)
        return error_set(err, EXIT_FAILED, "--summary-json %s: %s", path, strerror(errno));
    fprintf(f, "{\n  \"mode\": \"%s\",\n  \"source\": ", mode_name(x));
    json_text(f, x->options->source);
    fprintf(f, ",\n  \"seed\": %" PRIu64 ",\n  \"link\": ", x->options->generator.seed);
    json_text(f, x->link.describe);
    fprintf(f,
            ",\n  \"messages\": %" PRIu64
            ",\n  \"seconds\": %.6f,\n  \"messages_per_second\": %.0f,\n"
            "  \"interrupted\": %s,\n  \"port_full_waits\": %" PRIu64
            ",\n  \"payloads_skipped\": %" PRIu64 ",\n  \"arp_answered\": %" PRIu64 ",\n",
            messages_sum(x), (double)x->stream_ns / 1e9, rate_of(x),
            x->interrupted ? "true" : "false", x->waits, x->skipped, x->link.counters.arp_answered);
    fprintf(f, "  \"rerequests\": {");
    const char *between = "";
#define REREQUEST(field)                                                   \
    fprintf(f, "%s\"" #field "\": %" PRIu64, between, x->rerequest.field); \
    between = ", ";
    REREQUEST_COUNTERS(REREQUEST)
    fprintf(f, "},\n");
    if (x->trading) {
        const struct bourse_counters *c = trading_counters(x);
        between = "  \"trading\": {";
#define TRADING(field)                                           \
    fprintf(f, "%s\"" #field "\": %" PRIu64, between, c->field); \
    between = ", ";
        TRADING_COUNTERS(TRADING)
        fprintf(f, "},\n");
    }
    fprintf(f, "  \"warning\": ");
    json_text(f, x->warning);
    fprintf(f, ",\n  \"channels\": [\n");
    for (uint32_t i = 0; i < x->options->channels; i++) {
        if (i)
            fprintf(f, ",\n");
        channel_json(f, x, i);
    }
    fprintf(f, "\n  ]\n}\n");
    bool written = !ferror(f) && fflush(f) == 0;
    if (!out)
        written &= fclose(f) == 0;
    return written || error_set(err, EXIT_FAILED, "--summary-json %s: %s", path, strerror(errno));
}
