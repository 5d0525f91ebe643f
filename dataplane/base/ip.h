// IPv4 addresses, in host order.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// 224.0.0.0/4 (RFC 1112, section 4).
static inline bool ip_is_multicast(uint32_t ip)
{
    return ip >> 28 == 0xe;
}
