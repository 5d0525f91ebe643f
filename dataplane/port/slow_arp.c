// ARP (RFC 826): answers for our address, announcements of it (RFC 5227), and a small table of
// neighbours. An entry is made only by what we want to reach, so nobody can fill it from outside.
#include <stdio.h>
#include <string.h>

#include "dataplane/base/log.h"
#include "dataplane/port/slow_parts.h"
#include "dataplane/wire/arp.h"

enum { CONFLICT_MS = 60000 }; // between two warnings

static bool arp_send(struct slow_port *s, uint16_t operation, const uint8_t *dst_mac,
                     uint32_t target_ip)
{
    uint8_t out[SLOW_FRAME_ROOM];
    struct arp arp = {.operation = operation, .sender_ip = s->ip, .target_ip = target_ip};
    memcpy(arp.sender_mac, s->port->mac, FRAME_MAC_LEN);
    if (dst_mac)
        memcpy(arp.target_mac, dst_mac, FRAME_MAC_LEN);
    uint32_t len = arp_frame_build(out, slow_tag(s), &arp);
    // A request goes to everybody, unless it only asks whether the neighbour is still there.
    if (dst_mac)
        memcpy(out, dst_mac, FRAME_MAC_LEN);
    if (!s->send(s->context, s->port, out, len))
        return false;
    s->count->arp_out++;
    return true;
}

// Another host has our address.
static void conflict_warn(struct slow_port *s, const uint8_t *mac, uint64_t now_ns)
{
    if (s->conflict_at && now_ns - s->conflict_at < CONFLICT_MS * slow_ms)
        return;
    s->conflict_at = now_ns;
    char other[18], ip[16];
    snprintf(other, sizeof other, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    snprintf(ip, sizeof ip, "%u.%u.%u.%u", s->ip >> 24, s->ip >> 16 & 255, s->ip >> 8 & 255,
             s->ip & 255);
    log_warn(LOG_ADDRESS_CONFLICT,
             LOG_FIELDS(LOG_TEXT("port", s->port->name), LOG_TEXT("address", ip),
                        LOG_TEXT("other_mac", other)),
             "port %s: %s also has address %s; change one", s->port->name, other, ip);
}

// --- neighbours ---

static struct slow_neighbour *neighbour_find(struct slow_port *s, uint32_t ip)
{
    for (uint32_t i = 0; i < SLOW_NEIGHBOURS_MAX; i++)
        if (s->neighbours[i].state != NEIGHBOUR_FREE && s->neighbours[i].ip == ip)
            return &s->neighbours[i];
    return NULL;
}

struct slow_neighbour *slow_neighbour(struct slow_port *s, uint32_t ip, uint64_t now_ns)
{
    struct slow_neighbour *n = neighbour_find(s, ip);
    for (uint32_t i = 0; n == NULL && i < SLOW_NEIGHBOURS_MAX; i++)
        if (s->neighbours[i].state == NEIGHBOUR_FREE) {
            n = &s->neighbours[i];
            *n = (struct slow_neighbour){.state = NEIGHBOUR_ASKED, .ip = ip, .ask_at = now_ns};
        }
    return n;
}

static void neighbour_confirm(struct slow_neighbour *n, const uint8_t *mac, uint64_t now_ns)
{
    n->state = NEIGHBOUR_KNOWN;
    n->tries = 0;
    n->used = false;
    n->ask_at = now_ns + SLOW_REFRESH_MS * slow_ms;
    memcpy(n->mac, mac, FRAME_MAC_LEN);
}

// Due: asked for the first time, again, or whether it is still there. True when a frame went out.
static bool neighbour_turn(struct slow_port *s, struct slow_neighbour *n, uint64_t now_ns)
{
    bool known = n->state == NEIGHBOUR_KNOWN;
    if (n->tries == SLOW_ASK_TRIES) { // what is wanted or used is asked for from the start
        bool again = n->wanted || n->used;
        *n = (struct slow_neighbour){.state = again ? NEIGHBOUR_ASKED : NEIGHBOUR_FREE,
                                     .wanted = n->wanted,
                                     .ip = n->ip,
                                     .ask_at = now_ns + SLOW_ASK_MS * slow_ms};
        return false;
    }
    if (known && n->tries == 0 && !n->wanted && !n->used) { // nobody needs it any more
        n->state = NEIGHBOUR_FREE;
        return false;
    }
    if (!arp_send(s, ARP_REQUEST, known ? n->mac : NULL, n->ip))
        return false;
    n->tries++;
    n->ask_at = now_ns + SLOW_ASK_MS * slow_ms;
    return true;
}

// --- in and out ---

void slow_arp_link_up(struct slow_port *s, uint64_t now_ns)
{
    s->announces = s->ip ? SLOW_ANNOUNCES : 0;
    s->announce_at = now_ns;
    // What was asked while the link was down went nowhere.
    for (uint32_t i = 0; i < SLOW_NEIGHBOURS_MAX; i++)
        if (s->neighbours[i].state == NEIGHBOUR_ASKED) {
            s->neighbours[i].tries = 0;
            s->neighbours[i].ask_at = now_ns;
        }
}

static bool mac_is_host(const uint8_t *mac)
{
    static const uint8_t zero[FRAME_MAC_LEN];
    return !(mac[0] & 1) && memcmp(mac, zero, sizeof zero) != 0;
}

void slow_arp_frame(struct slow_port *s, const struct frame_udp *f, uint64_t now_ns)
{
    struct arp arp;
    s->count->arp_in++;
    if (s->ip == 0 || !arp_parse(f->payload, f->payload_len, &arp) || !mac_is_host(arp.sender_mac))
        return;
    if (memcmp(arp.sender_mac, s->port->mac, FRAME_MAC_LEN) == 0)
        return; // our own, come back
    if (arp.sender_ip == s->ip) {
        conflict_warn(s, arp.sender_mac, now_ns);
        return;
    }
    struct slow_neighbour *n = arp.sender_ip ? neighbour_find(s, arp.sender_ip) : NULL;
    if (n)
        neighbour_confirm(n, arp.sender_mac, now_ns);
    if (arp.operation == ARP_REQUEST && arp.target_ip == s->ip)
        arp_send(s, ARP_REPLY, arp.sender_mac, arp.sender_ip);
}

uint32_t slow_arp_turn(struct slow_port *s, uint64_t now_ns)
{
    uint32_t work = 0;
    if (s->announces && now_ns >= s->announce_at && arp_send(s, ARP_REQUEST, NULL, s->ip)) {
        s->announces--;
        s->announce_at = now_ns + SLOW_ANNOUNCE_MS * slow_ms;
        work++;
    }
    for (uint32_t i = 0; i < SLOW_NEIGHBOURS_MAX; i++) {
        struct slow_neighbour *n = &s->neighbours[i];
        if (n->state != NEIGHBOUR_FREE && now_ns >= n->ask_at)
            work += neighbour_turn(s, n, now_ns);
    }
    return work;
}
