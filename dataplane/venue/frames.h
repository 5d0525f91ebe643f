// Messages of a session to the exchange, written before they are needed: SoupBinTCP header and
// every field that does not change. An order patches what is its own.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hints.h"
#include "dataplane/wire/ouch.h"
#include "dataplane/wire/ouch42.h"
#include "dataplane/wire/ouch50.h"
#include "dataplane/wire/ouch_extras.h"
#include "dataplane/wire/soupbin.h"

enum { FRAME_BYTES = SOUPBIN_HEADER_LEN + 64 + OUCH50_APPENDAGE_MAX };

struct frame_bytes {
    CACHE_ALIGN uint8_t bytes[FRAME_BYTES];
    uint32_t len;
};

// What all orders of a session have in common.
struct frames_config {
    enum ouch_version version;
    struct ouch_prefix prefix; // of 4.2 tokens
    char firm[4];              // blanks: the port's default
    char capacity;             // A P R O
    bool mass_cancel;          // the exchange takes OUCH 5.0's Mass Cancel (revision 1.05)
    // Of every order that does not say otherwise, and of replaces; the firm stands above. OUCH 4.2:
    // the customer only.
    struct ouch50_options options;
};

struct frames {
    enum ouch_version version;
    struct ouch_prefix prefix;
    struct ouch50_options options; // of all orders, the firm with them
    struct frame_bytes enter;
    struct frame_bytes replace;
    struct frame_bytes enter_kept; // as prepared: what no order patches is held against it
    struct frame_bytes replace_kept;
    struct frame_bytes with; // an order that has extras, or a replace of one
    struct frame_bytes cancel;
    struct frame_bytes modify;
    struct frame_bytes query;       // length 0: the version has none
    struct frame_bytes mass_cancel; // the same
};

// An order as the frames take it; letters are those of OUCH 5.0.
struct frame_order {
    uint32_t ref;
    uint32_t ref_was; // replace
    uint32_t quantity;
    uint32_t price;
    char symbol[8];
    char side;
    char time_in_force;
    char display;
    const struct ouch_extras *extras; // null: none but the session's
};

void frames_init(struct frames *f, const struct frames_config *config);

// True when the session's version can say it: letters of side, time in force and display, and that
// the extras are good. With ref_was it is a replace, which OUCH 5.0 gives fewer times in force.
bool frames_can(const struct frames *f, const struct frame_order *o);
// True when a modify of the session's version may make an order of side <from> one of <to>.
bool frames_can_turn(const struct frames *f, char from, char to);

// Each returns the bytes to send, which are valid until the next call of the same kind.
const struct frame_bytes *frame_enter(struct frames *f, const struct frame_order *o);
const struct frame_bytes *frame_replace(struct frames *f, const struct frame_order *o);
const struct frame_bytes *frame_cancel(struct frames *f, uint32_t ref, uint32_t quantity);
const struct frame_bytes *frame_modify(struct frames *f, uint32_t ref, char side,
                                       uint32_t quantity);

// Everything of the session; it uses up <ref>.
const struct frame_bytes *frame_mass_cancel(struct frames *f, uint32_t ref);

// --- what leaves is what was approved ---

// What a decision approved, as it must stand in the frame.
struct egress {
    uint64_t price;
    uint32_t ref;
    uint32_t ref_was;
    uint32_t quantity;
    char symbol[8];
    char letter; // 0: nothing is approved
    char side;
    char time_in_force; // of an enter or replace, as OUCH 5.0 says it; so is the next
    char display;
};

// The rest of an enter or replace: firm, capacity, intermarket sweep, cross and options are the
// session's, or what the extras say.
bool egress_rest(const struct frames *f, const struct frame_bytes *frame);
bool egress_rest_with(const struct frames *f, const struct frame_bytes *frame,
                      const struct ouch_extras *extras);

// The discretion price in a frame with extras, from its bytes: 0 when there is none, UINT32_MAX
// when its options cannot be read.
uint32_t egress_reach(const struct frames *f, const uint8_t *bytes, uint32_t len);

// Reads the frame again, from its bytes; false: it is no frame that enters, replaces or modifies.
bool egress_read(const struct frames *f, const uint8_t *bytes, uint32_t len, struct egress *out);
