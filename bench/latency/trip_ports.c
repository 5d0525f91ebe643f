// Both ends of a DPDK port in one process, for two threads.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/latency/trip.h"
#include "dataplane/port/eal.h"

enum { DESCRIPTORS = 1024, MBUFS = 16383, WAIT_MS = 3000, VHOST_MIB = 192 };

static struct port ports[2]; // the lane's, the exchange's
static struct port_facts facts[2];
static bool started;

static bool names_make(const struct trip_options *o, char text[2][DEVICE_NAME_LEN],
                       struct error *err)
{
    const char *const ifaces[] = {o->near, o->far};
    if ((o->port == TRIP_PORT_AF_PACKET || o->port == TRIP_PORT_AF_XDP) && !(o->near && o->far))
        return error_set(err, EXIT_USAGE,
                         "--near, --far: name both ends of a veth pair (ip link add n0 type veth "
                         "peer name n1; both up, without addresses)");
    if (o->port == TRIP_PORT_PHYSICAL &&
        !(o->near && o->far && eal_is_pci(o->near) && eal_is_pci(o->far)))
        return error_set(err, EXIT_USAGE,
                         "--near, --far: name two ports of network cards by PCI address, cabled "
                         "to each other (dpdk-devbind.py --status)");
    for (int i = 0; i < 2; i++) {
        const int len = DEVICE_NAME_LEN;
        switch (o->port) {
        case TRIP_PORT_MEMIF:
            // Two spellings of one path: the driver keeps one role for each.
            snprintf(text[i], len,
                     "net_memif%d,role=%s,socket=/tmp/%stickgate-bench-%d.sock,"
                     "socket-abstract=no",
                     i, i ? "server" : "client", i ? "" : "./", getpid());
            break;
        case TRIP_PORT_VHOST: // the exchange is the device's end, as a host is
            if (i)
                snprintf(text[i], len, "net_vhost0,iface=/tmp/tickgate-bench-%d.sock,queues=1",
                         getpid());
            else
                snprintf(text[i], len,
                         "net_virtio_user0,path=/tmp/"
                         "tickgate-bench-%d.sock,queues=1,mac=02:00:00:00:00:01",
                         getpid());
            break;
        case TRIP_PORT_RING: snprintf(text[i], len, "net_ring%d", i); break;
        case TRIP_PORT_AF_PACKET:
            snprintf(text[i], len, "net_af_packet%d,iface=%s,qdisc_bypass=1", i, ifaces[i]);
            break;
        case TRIP_PORT_AF_XDP:
            snprintf(text[i], len, "net_af_xdp%d,iface=%s,busy_budget=0", i, ifaces[i]);
            break;
        case TRIP_PORT_PHYSICAL: snprintf(text[i], len, "%s", ifaces[i]); break;
        default: return error_set(err, EXIT_USAGE, "--port: not a port of DPDK");
        }
    }
    return true;
}

bool trip_ports_open(const struct trip_options *o, struct lane_ports *out, struct error *err)
{
    static char text[2][DEVICE_NAME_LEN];
    char socket[64];
    struct eal_config ec = {.main_core = (uint32_t)o->far_core,
                            .cores = {(uint32_t)o->near_core},
                            .core_count = 1,
                            .device_count = 1,
                            .reserved_mib = o->port == TRIP_PORT_VHOST ? VHOST_MIB : 0,
                            .huge_pages = true};
    uint32_t device;
    if (!names_make(o, text, err))
        return false;
    snprintf(socket, sizeof socket, "/tmp/tickgate-bench-%d.sock", getpid());
    lane_file_leave(LANE_FILE_SOCKET, socket);
    ec.devices[0] = text[1];
    if (o->port == TRIP_PORT_PHYSICAL) // no card can be added later
        ec.devices[ec.device_count++] = text[0];
    if (!eal_start(&ec, &device, err))
        return false;
    started = true;
    // The exchange's first, and whole: it is the server of memif and of vhost.
    for (int i = 1; i >= 0; i--) {
        struct port_config pc = {.name = i ? "far" : "near",
                                 .device = text[i],
                                 .queues = 1,
                                 .rx_descriptors = DESCRIPTORS,
                                 .tx_descriptors = DESCRIPTORS,
                                 .mbufs = MBUFS,
                                 .node_wanted = -1,
                                 .remote_allowed = true};
        if ((i == 0 && ec.device_count == 1 && !eal_attach(text[i], err)) ||
            !port_open(&ports[i], &pc, WAIT_MS, &facts[i], err))
            return false;
        ports[i].index = (uint8_t)i;
    }
    *out = (struct lane_ports){&ports[0], &ports[0], &ports[1], &ports[1]};
    if (o->port == TRIP_PORT_RING) // each device is one ring: what is sent on it arrives on it
        *out = (struct lane_ports){&ports[0], &ports[1], &ports[1], &ports[0]};
    return true;
}

const struct port_facts *trip_ports_facts(void)
{
    return facts;
}

void trip_ports_close(void)
{
    for (int i = 0; i < 2; i++)
        if (ports[i].driver)
            port_close(&ports[i]);
    if (started)
        eal_stop();
    started = false;
}
