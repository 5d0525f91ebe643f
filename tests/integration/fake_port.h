// A port on the fake card, and frames through it. cmocka.h is included before this header.
#pragma once

#include "tests/integration/fake_ethdev.h"

static struct port port;
static struct port_facts facts;
static struct port_config config;
static struct error err;
static unsigned device_number;
static char device[64];

// A new card and a configuration of <lanes> lanes: group_a to the first, group_b to the last.
static void card_new(uint16_t lanes)
{
    fake_reset();
    snprintf(device, sizeof device, "net_null%u,no-rx=1", device_number++);
    assert_int_equal(rte_dev_probe(device), 0);
    memset(&port, 0, sizeof port);
    err = (struct error){0};
    config = (struct port_config){
        .name = "p0",
        .device = device,
        .queues = lanes,
        .flow_rules = true,
        .rx_descriptors = 128,
        .tx_descriptors = 128,
        .mbufs = 2047,
        .node_wanted = -1,
        .groups = {group_a, group_b},
        .group_count = 2,
        .routes = {{group_a, 26477, 0},
                   {group_b, 26477, (uint16_t)(lanes - 1)},
                   {group_b, 26478, (uint16_t)(lanes - 1)}},
        .route_count = 3,
    };
}

static void card_open(void)
{
    if (!port_open(&port, &config, 0, &facts, &err))
        fail_msg("%s", err.text);
}

static uint32_t pool_in_use(void)
{
    const struct dpdk_port *p = port.driver;
    return rte_mempool_in_use_count(p->pool);
}

static void arrive(uint16_t queue, uint32_t ip, uint16_t udp_port)
{
    uint8_t bytes[PORT_FRAME_MAX];
    assert_non_null(fake_arrive(&port, queue, bytes, datagram(bytes, ip, udp_port)));
}

// Receives on a queue and gives everything back; returns how many frames there were.
static uint32_t drain(uint16_t queue)
{
    struct frame frames[PORT_BURST];
    uint32_t total = 0;
    uint16_t n;
    while ((n = port.ops->receive(&port, queue, frames, PORT_BURST)) > 0) {
        for (uint16_t i = 0; i < n; i++)
            port.ops->release(&port, &frames[i]);
        total += n;
    }
    return total;
}
