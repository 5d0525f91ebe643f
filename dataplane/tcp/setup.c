// Configuration and names: the slow side of a connection.
#include <string.h>

#include "dataplane/tcp/tcp.h"

enum { MTU_MIN = 576, MTU_MAX = 1500, RTO_FLOOR_US = 1000 };

void tcp_config_default(struct tcp_config *config)
{
    *config = (struct tcp_config){
        .vlan = FRAME_NO_VLAN,
        .mtu = MTU_MAX,
        .send_bytes = 1 << 16,
        .receive_bytes = 1 << 16,
        .rto_first_us = 200000,
        .rto_min_us = 5000,
        .rto_max_us = 2000000,
        .ack_delay_us = 0,
        .user_timeout_ms = 10000,
        .keepalive_idle_ms = 5000,
        .keepalive_interval_ms = 1000,
        .keepalive_count = 5,
        .time_wait_ms = 60000,
        .challenges_max = 100,
        .timestamps = true,
        .sack = true,
    };
}

uint64_t tcp_memory_bytes(const struct tcp_config *config)
{
    return (uint64_t)config->send_bytes + config->receive_bytes;
}

static bool buffer_fits(uint32_t bytes)
{
    return bytes >= TCP_BUFFER_MIN && bytes <= TCP_BUFFER_MAX && (bytes & (bytes - 1)) == 0;
}

static bool config_check(const struct tcp_config *config, const char *place, struct error *err)
{
    if (config->mtu < MTU_MIN || config->mtu > MTU_MAX)
        return error_set(err, EXIT_USAGE, "%s: mtu %u: from %d to %d", place, config->mtu, MTU_MIN,
                         MTU_MAX);
    if (!buffer_fits(config->send_bytes) || !buffer_fits(config->receive_bytes))
        return error_set(err, EXIT_USAGE,
                         "%s: buffers of %u and %u bytes: a power of two from %d to %d", place,
                         config->send_bytes, config->receive_bytes, TCP_BUFFER_MIN, TCP_BUFFER_MAX);
    if (config->rto_min_us < RTO_FLOOR_US || config->rto_max_us < config->rto_min_us)
        return error_set(err, EXIT_USAGE,
                         "%s: retransmission after %u to %u us: at least %d, and in this order",
                         place, config->rto_min_us, config->rto_max_us, RTO_FLOOR_US);
    if (config->rto_first_us < config->rto_min_us || config->rto_first_us > config->rto_max_us)
        return error_set(err, EXIT_USAGE, "%s: first retransmission after %u us: from %u to %u",
                         place, config->rto_first_us, config->rto_min_us, config->rto_max_us);
    if (config->user_timeout_ms == 0)
        return error_set(err, EXIT_USAGE, "%s: a user timeout of 0 ms gives up at once", place);
    if (config->keepalive_idle_ms &&
        (config->keepalive_interval_ms == 0 || config->keepalive_count == 0))
        return error_set(err, EXIT_USAGE, "%s: keepalives need an interval and a count above 0",
                         place);
    if (config->remote_ip == 0 || config->local_ip == 0 || config->remote_port == 0)
        return error_set(err, EXIT_USAGE, "%s: addresses of both ends and the peer's port", place);
    return true;
}

bool tcp_init(struct tcp *c, const struct tcp_config *config, void *memory, const char *place,
              struct error *err)
{
    if (!config_check(config, place, err))
        return false;
    memset(c, 0, sizeof *c);
    c->config = *config;
    c->send_ring = memory;
    c->send_mask = config->send_bytes - 1;
    c->rcv_ring = c->send_ring + config->send_bytes;
    c->rcv_mask = config->receive_bytes - 1;
    c->sums_by_card = config->sums_by_card_out;
    c->deadline_ns = UINT64_MAX;
    c->rto_at_ns = UINT64_MAX;
    c->ack_at_ns = UINT64_MAX;
    c->keep_at_ns = UINT64_MAX;
    c->close_at_ns = UINT64_MAX;
    return true;
}

const char *tcp_state_name(enum tcp_state state)
{
    static const char *const names[] = {
        [TCP_CLOSED] = "closed",         [TCP_SYN_SENT] = "syn-sent",
        [TCP_ESTABLISHED] = "open",      [TCP_FIN_WAIT_1] = "fin-wait-1",
        [TCP_FIN_WAIT_2] = "fin-wait-2", [TCP_CLOSING] = "closing",
        [TCP_TIME_WAIT] = "time-wait",   [TCP_CLOSE_WAIT] = "close-wait",
        [TCP_LAST_ACK] = "last-ack",
    };
    return state < TCP_STATES ? names[state] : "unknown";
}

const char *tcp_reason_name(enum tcp_reason reason)
{
    static const char *const names[] = {
        [TCP_REASON_NONE] = "none",       [TCP_REASON_FIN] = "finished",
        [TCP_REASON_RESET] = "reset",     [TCP_REASON_REFUSED] = "refused",
        [TCP_REASON_TIMEOUT] = "timeout", [TCP_REASON_SILENT] = "silent",
        [TCP_REASON_ABORTED] = "aborted",
    };
    return reason < TCP_REASONS ? names[reason] : "unknown";
}
