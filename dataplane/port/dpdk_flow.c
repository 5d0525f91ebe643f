// Flow rules: the card sorts the datagrams of a route into the queue of its lane.
#include "dataplane/base/log.h"
#include "dataplane/port/dpdk_port.h"

// Ethernet, perhaps a tag, IPv4 to an address, UDP to a port.
static struct rte_flow *flow_make(const struct dpdk_port *p, const struct port_route *route,
                                  uint16_t queue, struct rte_flow_error *why)
{
    const struct rte_flow_attr attr = {.ingress = 1};
    const struct rte_flow_item_vlan vlan = {.hdr.vlan_tci = RTE_BE16(p->config.vlan)};
    const struct rte_flow_item_vlan vlan_mask = {.hdr.vlan_tci = RTE_BE16(0x0fff)};
    const struct rte_flow_item_ipv4 ip = {.hdr.dst_addr = rte_cpu_to_be_32(route->ip)};
    const struct rte_flow_item_ipv4 ip_mask = {.hdr.dst_addr = RTE_BE32(UINT32_MAX)};
    const struct rte_flow_item_udp udp = {.hdr.dst_port = rte_cpu_to_be_16(route->udp_port)};
    const struct rte_flow_item_udp udp_mask = {.hdr.dst_port = RTE_BE16(UINT16_MAX)};
    const struct rte_flow_action_queue to = {.index = queue};
    const struct rte_flow_action actions[] = {
        {.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to},
        {.type = RTE_FLOW_ACTION_TYPE_END},
    };
    struct rte_flow_item items[5] = {{.type = RTE_FLOW_ITEM_TYPE_ETH}};
    uint32_t n = 1;
    if (p->config.vlan)
        items[n++] = (struct rte_flow_item){
            .type = RTE_FLOW_ITEM_TYPE_VLAN, .spec = &vlan, .mask = &vlan_mask};
    items[n++] =
        (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &ip, .mask = &ip_mask};
    items[n++] =
        (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &udp, .mask = &udp_mask};
    items[n] = (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_END};
    if (rte_flow_validate(p->id, &attr, items, actions, why) != 0)
        return NULL;
    return rte_flow_create(p->id, &attr, items, actions, why);
}

bool flows_install(struct dpdk_port *p)
{
    struct rte_flow_error why = {0};
    const uint16_t main_queue = p->config.queues;
    // What an instance that died has left in the card would take frames away from us.
    rte_flow_flush(p->id, &why);
    for (uint32_t i = 0; i < p->config.route_count; i++) {
        const struct port_route *route = &p->config.routes[i];
        uint16_t queue = route->queue == PORT_MAIN_QUEUE ? main_queue : route->queue;
        if (route->queue == PORT_MAIN_QUEUE && !p->config.main_queue)
            continue;
        struct rte_flow *flow = flow_make(p, route, queue, &why);
        if (flow == NULL) {
            log_info(LOG_FLOW_RULES, LOG_FIELDS(LOG_TEXT("port", p->config.name)),
                     "port %s: the device does not take flow rules: %s", p->config.name,
                     why.message ? why.message : rte_strerror(rte_errno));
            flows_remove(p);
            return false;
        }
        p->flows[p->flow_count++] = flow;
    }
    return true;
}

void flows_remove(struct dpdk_port *p)
{
    struct rte_flow_error why;
    for (uint32_t i = 0; i < p->flow_count; i++)
        if (rte_flow_destroy(p->id, p->flows[i], &why) != 0)
            log_warn(LOG_FLOW_RULE_STAYS, LOG_FIELDS(LOG_TEXT("port", p->config.name)),
                     "port %s: a rule stays in the card: %s", p->config.name,
                     why.message ? why.message : rte_strerror(rte_errno));
    p->flow_count = 0;
}
