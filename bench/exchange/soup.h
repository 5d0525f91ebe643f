// SoupBinTCP 3.00, server side: packets into a buffered, blocking socket with time limits, and the
// login. Written apart from the dataplane's codec. One instance belongs to one thread.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SOUP_BUFFER = 1 << 16,
    SOUP_LOGIN_MS = 30000,   // a server waits so long for the login
    SOUP_SILENCE_MS = 15000, // and gives up on a peer that takes or says nothing for so long
    SOUP_HEARTBEAT_MS = 1000,
};

struct soup {
    int fd;
    const _Atomic bool *stop; // gives up when it is set
    bool broken;
    uint32_t have;
    uint8_t buffer[SOUP_BUFFER];
};

struct soup_login {
    char user[7], password[11], session[11]; // without padding
    uint64_t sequence;
    bool sequence_valid;
};

void soup_init(struct soup *s, int fd, const _Atomic bool *stop);

// Waits for the Login Request and reads it. False: another packet, nonsense, or the time is over.
bool soup_login(struct soup *s, struct soup_login *login);

// Session and number are padded on the left, as the specification says for this packet.
void soup_accept(struct soup *s, const uint8_t session[10], uint64_t sequence);
void soup_reject(struct soup *s, char reason);
void soup_sequenced(struct soup *s, const uint8_t *message, uint32_t length);
void soup_heartbeat(struct soup *s);
void soup_end(struct soup *s);

// Sends what is buffered. After a failure <broken> is set and everything else does nothing.
void soup_flush(struct soup *s);
