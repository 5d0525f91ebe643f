// SoupBinTCP 3.00 and 4.x: packets over a byte stream. Big-endian.
//
//   length 2 (type and payload, 1 or more) | type 1 | payload
//
// TCP splits and joins packets anywhere. Only Sequenced Data is numbered, by counting from the
// number that Login Accepted gives. The client's half is here: what a client sends is written, what
// a server sends is read.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum soupbin_type {
    SOUPBIN_DEBUG = '+',
    SOUPBIN_LOGIN_ACCEPTED = 'A',
    SOUPBIN_LOGIN_REJECTED = 'J',
    SOUPBIN_SEQUENCED = 'S',
    SOUPBIN_UNSEQUENCED = 'U', // client to server; from a server only in 4.x, and not counted
    SOUPBIN_SERVER_HEARTBEAT = 'H',
    SOUPBIN_END_OF_SESSION = 'Z',
    SOUPBIN_LOGIN_REQUEST = 'L',
    SOUPBIN_CLIENT_HEARTBEAT = 'R',
    SOUPBIN_LOGOUT = 'O',
};

enum {
    SOUPBIN_HEADER_LEN = 3,         // length and type
    SOUPBIN_PACKET_MAX = 2 + 65535, // bytes of the longest packet, length field included
    SOUPBIN_PAYLOAD_MAX = 65534,
    SOUPBIN_USERNAME_LEN = 6,
    SOUPBIN_PASSWORD_LEN = 10,
    SOUPBIN_SESSION_LEN = 10,
    SOUPBIN_SEQUENCE_LEN = 20,
    SOUPBIN_LOGIN_LEN = 49,     // 3.00 and 4.00
    SOUPBIN_LOGIN_LEN_410 = 54, // 4.10: with a heartbeat timeout
    SOUPBIN_TIMEOUT_MS_MAX = 99999,
};

enum soupbin_reject {
    SOUPBIN_NOT_AUTHORIZED = 'A',
    SOUPBIN_NO_SESSION = 'S', // the session asked for is not available
};

struct soupbin_packet {
    uint8_t type;           // not checked: enum soupbin_type, or what only the peer knows
    const uint8_t *payload; // into the caller's bytes
    uint32_t len;           // bytes of payload
};

enum soupbin_code {
    SOUPBIN_PACKET, // one whole packet
    SOUPBIN_MORE,   // not all of it is there
    SOUPBIN_BAD,    // length 0, or longer than the stream buffer: the framing is lost, close the
                    // connection
};

// The packet at the start of <p>. After SOUPBIN_PACKET, <*used> bytes belong to it.
enum soupbin_code soupbin_next(const uint8_t *p, uint32_t len, uint32_t *used,
                               struct soupbin_packet *out);

// --- reassembly ---

// Received bytes that are not yet taken apart. The buffer is the caller's, is as long as the
// longest packet he wants to see (SOUPBIN_PACKET_MAX is always enough), and outlives the stream.
struct soupbin_stream {
    uint8_t *buffer;
    uint32_t size;
    uint32_t start; // first byte not yet given out
    uint32_t end;   // behind the last byte received
};

void soupbin_stream_init(struct soupbin_stream *s, uint8_t *buffer, uint32_t size);

// Where the next received bytes go and, in <*room>, how many fit: more than 0 whenever
// soupbin_stream_next has answered SOUPBIN_MORE. Ends the life of packets given out before.
uint8_t *soupbin_stream_room(struct soupbin_stream *s, uint32_t *room);

// <n> bytes were written there.
void soupbin_stream_received(struct soupbin_stream *s, uint32_t n);

// The next whole packet. Its payload points into the buffer.
enum soupbin_code soupbin_stream_next(struct soupbin_stream *s, struct soupbin_packet *out);

// --- what a server sends ---

struct soupbin_accepted {
    char session[SOUPBIN_SESSION_LEN + 1]; // without blanks around it
    uint64_t sequence;                     // number of the next Sequenced Data packet
};

// False when the packet is no Login Accepted, has another length or no number: a protocol error.
bool soupbin_accepted_read(const struct soupbin_packet *packet, struct soupbin_accepted *out);

// The reason (enum soupbin_reject; treat others as a reject too), or 0 when the packet is no Login
// Rejected.
char soupbin_rejected_read(const struct soupbin_packet *packet);

// --- what a client sends: each returns the bytes written, 0 when an argument does not fit its
// field ---

struct soupbin_login {
    const char *username; // at most 6 characters
    const char *password; // at most 10
    const char *session;  // at most 10; "" for the current one
    uint64_t sequence;    // next number wanted: 1 from the start, 0 from the most recent message on
    uint32_t timeout_ms;  // 4.10: the server's patience, up to SOUPBIN_TIMEOUT_MS_MAX; 0:
                          // a 3.00/4.00 login without it
};

// <p> has SOUPBIN_LOGIN_LEN_410 bytes.
uint32_t soupbin_login_write(uint8_t *p, const struct soupbin_login *login);

// Client Heartbeat, Logout: <p> has SOUPBIN_HEADER_LEN bytes.
uint32_t soupbin_heartbeat_write(uint8_t *p);
uint32_t soupbin_logout_write(uint8_t *p);

// The three bytes before <len> bytes of Unsequenced Data.
uint32_t soupbin_unsequenced_write(uint8_t *p, uint32_t len);
