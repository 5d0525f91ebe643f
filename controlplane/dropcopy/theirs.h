// A message of a drop copy: whose it is, and the order session's message behind it.
//
//   firm 4 | user of the order session 6 | OUCH message of that session's protocol
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/dropcopy/match.h"
#include "dataplane/config/config.h"
#include "dataplane/wire/ouch.h"

enum { DROP_HEAD_LEN = 10, DROP_FIRM_LEN = 4, DROP_USER_LEN = 6 };

// The order sessions that are compared with one copy.
struct drop_session {
    char name[NAME_LEN];
    char username[DROP_USER_LEN + 1];
    enum ouch_version version;
    struct ouch_prefix prefix;
    uint8_t place; // among sessions, in the configuration
};

struct drop_sessions {
    struct drop_session rows[SESSIONS_MAX];
    uint32_t count;
};

void drop_sessions_of(struct drop_sessions *s, const struct config *config, uint32_t copy);
// The name of a session by its place in the configuration; null: the copy has none there.
const char *drop_session_at(const struct drop_sessions *s, uint32_t place);
// Null: none has this name.
const struct drop_session *drop_session_named(const struct drop_sessions *s, const char *name);

enum drop_read {
    DROP_READ,
    DROP_NOTHING,    // about nothing that is compared
    DROP_NOT_OURS,   // of an account or an order that no session here has; <item> as far as known
    DROP_UNREADABLE, // no such message
};

enum drop_read drop_theirs_read(const struct drop_sessions *s, const uint8_t *p, uint32_t len,
                                uint64_t sequence, struct drop_item *item);

// The letter under which a message of an exchange is compared; 0: it is not. <kind>: enum
// ouch_report_kind.
uint8_t drop_what(unsigned kind);
