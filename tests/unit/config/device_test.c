// Arguments of virtual devices: what each driver knows passes, anything else is named.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/config/device.h"

static void what_the_drivers_know_passes(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0000:3b:00.0",
        "0000:3b:00.0,anything=1",
        "net_memif0",
        "net_memif0,role=server,id=3,socket=/run/x.sock,socket-abstract=no,bsize=2048,rsize=10",
        "net_memif0,mac=02:00:00:00:00:01,zero-copy=yes,secret=a=b,role=client",
        "net_af_packet0,iface=eth0,qpairs=2,qdisc_bypass=1,blocksz=4096,framesz=2048,framecnt=512",
        "net_af_xdp_feed,iface=eth0,start_queue=0,queue_count=2,busy_budget=0",
        "net_null0,size=64,copy=0,no-rx=1",
        "net_pcap0,rx_pcap=a.pcap,rx_pcap=b.pcap,tx_pcap=c.pcap",
        "net_ring0,nodeaction=r0:0:CREATE,nodeaction=r1:0:CREATE",
        "net_vhost0,iface=/run/v,queues=1,client=1",
        "net_virtio_user0,path=/run/v,queues=1,packed_vq=1",
        "virtio_user0,path=/run/v",
        "net_tap0,iface=t0,mac=fixed",
        "net_failsafe0,dev(net_tap0),whatever=1", // not one of those whose arguments are listed
    };
    char why[DEVICE_WHY_LEN];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!device_check(good[i], why))
            fail_msg("%s: %s", good[i], why);
}

static void anything_else_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *device, *says;
    } bad[] = {
        {"net_memif0,role=client,sokcet=/x",
         "net_memif has no argument 'sokcet'; did you mean 'socket'?"},
        {"net_memif0,bs=2048", "net_memif has no argument 'bs'; did you mean 'bsize'?"},
        {"net_memif0,colour=red", "net_memif has no argument 'colour'; there are id role bsize"},
        {"net_af_packet0,ifcae=e", "did you mean 'iface'?"},
        {"net_af_packet0,iface=e,qdisc-bypass=1", "did you mean 'qdisc_bypass'?"},
        {"net_af_xdp0,iface=e,busy-budget=0", "did you mean 'busy_budget'?"},
        {"net_null0,sise0=64", "did you mean 'size'?"},
        {"net_pcap0,rx_pacp=a", "did you mean 'rx_pcap'?"},
        {"net_ring0,nodaction=r:0:CREATE", "did you mean 'nodeaction'?"},
        {"virtio_user0,pth=/run/v", "net_virtio_user has no argument 'pth'; did you mean 'path'?"},
        {"net_memif0,role=client,role=server", "argument 'role' is there twice; remove one"},
        {"net_memif0,role", "argument 'role' has no value; write role=..."},
        {"net_memif0,role=", "argument 'role' has no value"},
        {"net_memif0,", "has no argument ''"},
        {"net_memif0,role=client,,id=1", "has no argument ''"},
        {"net_memif0,aVeryLongKeyThatNoDriverHasEverHeardOfInItsLife=1", "has no argument 'aVery"},
        {"net_ring0,internal=[a,b],x=[c,d]", "has no argument 'x'"},
    };
    char why[DEVICE_WHY_LEN];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why[0] = '\0';
        if (device_check(bad[i].device, why) || strstr(why, bad[i].says) == NULL)
            fail_msg("%s: '%s' is not in '%s'", bad[i].device, bad[i].says, why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_drivers_know_passes),
        cmocka_unit_test(anything_else_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
