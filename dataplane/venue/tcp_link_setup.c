// Set-up of a TCP link, before any lane runs.
#include <string.h>
#include <sys/random.h>

#include "dataplane/venue/tcp_link.h"

extern const struct transport_ops tcp_link_ops; // tcp_link.c

bool tcp_link_init(struct tcp_link *l, const struct tcp_config *config, void *memory,
                   struct port *port, uint16_t queue, uint64_t tsc_hz, const char *place,
                   struct error *err)
{
    struct tcp_config tcp = *config;
    tcp.sums_by_card_out = port->sums_tcp;
    memset(l, 0, sizeof *l);
    if (!tcp_init(&l->tcp, &tcp, memory, place, err))
        return false;
    l->frame_flags = port->sums_tcp ? FRAME_SUM_TCP : 0;
    // Blocks of up to 256 bytes come whole (getrandom(2)).
    for (uint32_t i = 0; i < TCP_LINK_RANDOMS; i += 64)
        if (getrandom(l->randoms + i, 256, 0) != 256)
            return error_set(err, EXIT_FAILED, "%s: the kernel gives no random numbers", place);
    l->transport = (struct transport){&tcp_link_ops, l};
    l->port = port;
    l->queue = queue;
    l->ns_per_tick = (1000000000ull << 32) / tsc_hz;
    return true;
}
