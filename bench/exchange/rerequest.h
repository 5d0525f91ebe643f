// The re-request server (MoldUDP64 1.00, "Request Packet"): answers with the whole messages that
// fit into one UDP payload, and with silence where it cannot: another session, a number that was
// not sent yet or is not kept any more, nothing wanted.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/channel.h"

struct rerequest {
    struct channel *channels;
    uint32_t channel_count;
    uint64_t seed;
    uint32_t loss_below; // of 2^32: an answer is lost on its way
    uint64_t received, answered, silent, lost, messages;
    int socket; // -1: no kernel socket
};

// A link_answer; <context> is the struct rerequest.
uint32_t rerequest_answer(void *context, const uint8_t *request, uint32_t length, uint8_t *answer);

// Serves on a kernel UDP socket. Addresses in host order.
bool rerequest_listen(struct rerequest *r, uint32_t address, uint16_t port, struct error *err);

// Answers what has arrived, a bounded number of requests at a time. True when there was something.
bool rerequest_poll(struct rerequest *r);

void rerequest_close(struct rerequest *r);
