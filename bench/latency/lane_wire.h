// Addresses and names that both halves of the exchange's end use.
#pragma once

#include <stdint.h>

enum {
    LANE_GROUP = 0xE9000001,
    LANE_GROUP_PORT = 26400,
    LANE_LOCAL_IP = 0x0A000001,
    LANE_VENUE_IP = 0x0A000009,
    LANE_VENUE_PORT = 9000,
};

static const uint8_t lane_local_mac[6] = {2, 0, 0, 0, 0, 1}, lane_venue_mac[6] = {2, 0, 0, 0, 0, 9};

// Padded with blanks, another one for every locate.
void lane_symbol_name(char name[8], uint32_t locate);
