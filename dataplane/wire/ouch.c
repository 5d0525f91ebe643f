// Hot path: every message of an order session comes through here.
#include "dataplane/wire/ouch.h"

#include "dataplane/base/hints.h"
#include "dataplane/wire/ouch42.h"
#include "dataplane/wire/ouch50.h"

// --- tokens ---

bool ouch_prefix_set(struct ouch_prefix *prefix, const char *text)
{
    uint8_t len = 0;
    for (; text[len]; len++) {
        const char c = text[len];
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (len == OUCH_PREFIX_MAX || !good)
            return false;
        prefix->text[len] = c;
    }
    prefix->len = len;
    return true;
}

void ouch_token_write(char token[14], const struct ouch_prefix *prefix, uint32_t ref)
{
    static const char digits[16] = "0123456789ABCDEF";
    memset(token, ' ', OUCH42_TOKEN_LEN);
    memcpy(token, prefix->text, prefix->len);
    for (uint32_t i = 0; i < OUCH_REF_DIGITS; i++)
        token[prefix->len + i] = digits[ref >> (28 - 4 * i) & 15];
}

static uint32_t digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    return c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10 : 16;
}

uint32_t ouch_token_read(const char token[14], const struct ouch_prefix *prefix)
{
    uint32_t ref = 0, at = prefix->len;
    if (memcmp(token, prefix->text, prefix->len) != 0)
        return 0;
    for (uint32_t i = 0; i < OUCH_REF_DIGITS; i++) {
        const uint32_t value = digit_value(token[at++]);
        if (value > 15)
            return 0;
        ref = ref << 4 | value;
    }
    while (at < OUCH42_TOKEN_LEN)
        if (token[at++] != ' ')
            return 0;
    return ref;
}

// --- values ---

static bool price_take(uint64_t price, struct ouch_report *out)
{
    out->price = (uint32_t)price;
    return price <= OUCH50_PRICE_MARKET;
}

// Live or dead on arrival: the kind that follows a kind is its dead one.
static bool state_take(char state, enum ouch_report_kind live, struct ouch_report *out)
{
    out->kind = (uint8_t)(live + (state == 'D'));
    return state == 'L' || state == 'D';
}
_Static_assert(REPORT_ACCEPTED_DEAD == REPORT_ACCEPTED + 1, "state_take");
_Static_assert(REPORT_REPLACED_DEAD == REPORT_REPLACED + 1, "state_take");

static const uint8_t kinds[256] = {
    ['S'] = REPORT_SYSTEM,       ['A'] = REPORT_ACCEPTED,       ['U'] = REPORT_REPLACED,
    ['C'] = REPORT_CANCELED,     ['D'] = REPORT_CANCELED,       ['E'] = REPORT_EXECUTED,
    ['G'] = REPORT_EXECUTED,     ['F'] = REPORT_CORRECTED,      ['B'] = REPORT_BROKEN,
    ['J'] = REPORT_REJECTED,     ['P'] = REPORT_CANCEL_PENDING, ['I'] = REPORT_CANCEL_REJECT,
    ['T'] = REPORT_PRIORITY,     ['M'] = REPORT_MODIFIED,       ['R'] = REPORT_RESTATED,
    ['Q'] = REPORT_QUERY_ANSWER, ['X'] = REPORT_NOTICE,         ['K'] = REPORT_NOTICE,
    ['N'] = REPORT_NOTICE,
};

// --- OUCH 5.0 ---

static bool accepted50(const uint8_t *p, struct ouch_report *out)
{
    out->ref = ouch50_accepted_user_ref(p);
    out->side = ouch50_accepted_side(p);
    out->quantity = ouch50_accepted_quantity(p);
    out->display = ouch50_accepted_display(p);
    out->exchange_ref = ouch50_accepted_order_ref(p);
    out->capacity = ouch50_accepted_capacity(p);
    memcpy(out->symbol, ouch50_accepted_symbol(p), sizeof out->symbol);
    return price_take(ouch50_accepted_price(p), out) &&
           state_take(ouch50_accepted_state(p), REPORT_ACCEPTED, out);
}

static bool replaced50(const uint8_t *p, struct ouch_report *out)
{
    out->ref = ouch50_replaced_user_ref(p);
    out->ref_was = ouch50_replaced_orig_user_ref(p);
    out->side = ouch50_replaced_side(p);
    out->quantity = ouch50_replaced_quantity(p);
    out->display = ouch50_replaced_display(p);
    out->exchange_ref = ouch50_replaced_order_ref(p);
    out->capacity = ouch50_replaced_capacity(p);
    memcpy(out->symbol, ouch50_replaced_symbol(p), sizeof out->symbol);
    return price_take(ouch50_replaced_price(p), out) &&
           state_take(ouch50_replaced_state(p), REPORT_REPLACED, out);
}

static bool rest50(const uint8_t *p, struct ouch_report *out)
{
    if (p[0] == OUCH50_SYSTEM) { // ends before the place of a reference
        out->reason = (uint8_t)ouch50_system_event(p);
        return true;
    }
    out->ref = ouch50_canceled_user_ref(p); // where every message about an order has it
    switch (p[0]) {
    case OUCH50_CANCELED:
    case OUCH50_AIQ_CANCELED:
        out->quantity = ouch50_canceled_quantity(p);
        out->reason = (uint8_t)ouch50_canceled_reason(p);
        return true;
    case OUCH50_BROKEN:
        out->match = ouch50_broken_match(p);
        out->reason = (uint8_t)ouch50_broken_reason(p);
        return true;
    case OUCH50_REJECTED: out->reason = ouch50_rejected_reason(p); return true;
    case OUCH50_PRIORITY:
        out->exchange_ref = ouch50_priority_order_ref(p);
        out->display = ouch50_priority_display(p);
        return price_take(ouch50_priority_price(p), out);
    case OUCH50_MODIFIED:
        out->side = ouch50_modified_side(p);
        out->quantity = ouch50_modified_quantity(p);
        return true;
    case OUCH50_RESTATED: out->reason = (uint8_t)ouch50_restated_reason(p); return true;
    case OUCH50_MASS_CANCELED:
    case OUCH50_DISABLED:
    case OUCH50_ENABLED: out->kind = REPORT_NOTICE; return true;
    default: return true; // cancel pending, cancel reject, query answer: the reference is all
    }
}

enum ouch_code ouch50_report(const uint8_t *p, uint32_t len, struct ouch_report *out)
{
    struct ouch50_message message;
    const enum ouch50_code code = ouch50_out_check(p, len, &message);
    if (UNLIKELY(code != OUCH50_OK))
        return code == OUCH50_UNKNOWN_TYPE ? OUCH_UNKNOWN_TYPE : OUCH_BAD_LENGTH;
    memset(out, 0, sizeof *out);
    out->letter = p[0];
    out->kind = kinds[p[0]];
    out->time_ns = ouch50_canceled_timestamp_ns(p); // every message has it there
    bool good;
    if (p[0] == OUCH50_EXECUTED) {
        out->ref = ouch50_executed_user_ref(p);
        out->quantity = ouch50_executed_quantity(p);
        out->liquidity = ouch50_executed_liquidity(p);
        out->match = ouch50_executed_match(p);
        good = price_take(ouch50_executed_price(p), out);
    } else if (p[0] == OUCH50_ACCEPTED) {
        good = accepted50(p, out);
    } else if (p[0] == OUCH50_REPLACED) {
        good = replaced50(p, out);
    } else {
        good = rest50(p, out);
    }
    return LIKELY(good && out->quantity <= OUCH50_QUANTITY_MAX) ? OUCH_OK : OUCH_BAD_VALUE;
}

// --- OUCH 4.2 ---

// The letters with which an order of ours may ask for post-only, a midpoint or imbalance only
// (ouch42_display): what they say about the display, which is what a replace starts from.
static char display42(char letter)
{
    switch (letter) {
    case 'P': return 'Y';
    case 'L': return 'A';
    case 'I':
    case 'M':
    case 'W':
    case 'm': return 'N';
    default: return letter;
    }
}

static bool accepted42(const uint8_t *p, const struct ouch_prefix *prefix, struct ouch_report *out)
{
    // A replaced message has the same fields in the same places, and the token that is gone.
    out->side = ouch42_accepted_side(p);
    out->quantity = ouch42_accepted_quantity(p);
    out->display = display42(ouch42_accepted_display(p));
    out->exchange_ref = ouch42_accepted_order_ref(p);
    out->capacity = ouch42_accepted_capacity(p);
    memcpy(out->symbol, ouch42_accepted_symbol(p), sizeof out->symbol);
    enum ouch_report_kind live = REPORT_ACCEPTED;
    if (p[0] == OUCH42_REPLACED) {
        out->ref_was = ouch_token_read(ouch42_replaced_orig_token(p), prefix);
        live = REPORT_REPLACED;
    }
    return price_take(ouch42_accepted_price(p), out) &&
           state_take(ouch42_accepted_state(p), live, out);
}

static bool executed42(const uint8_t *p, struct ouch_report *out)
{
    out->quantity = ouch42_executed_quantity(p);
    out->liquidity = ouch42_executed_liquidity(p);
    out->match = ouch42_executed_match(p);
    if (p[0] == OUCH42_CORRECTED)
        out->reason = (uint8_t)ouch42_corrected_reason(p);
    return price_take(ouch42_executed_price(p), out);
}

static bool rest42(const uint8_t *p, const struct ouch_prefix *prefix, struct ouch_report *out)
{
    switch (p[0]) {
    case OUCH42_ACCEPTED:
    case OUCH42_REPLACED: return accepted42(p, prefix, out);
    case OUCH42_EXECUTED:
    case OUCH42_EXECUTED_REFERENCE:
    case OUCH42_CORRECTED: return executed42(p, out);
    case OUCH42_CANCELED:
    case OUCH42_AIQ_CANCELED:
        out->quantity = ouch42_canceled_quantity(p);
        out->reason = (uint8_t)ouch42_canceled_reason(p);
        return true;
    case OUCH42_BROKEN:
        out->match = ouch42_broken_match(p);
        out->reason = (uint8_t)ouch42_broken_reason(p);
        return true;
    case OUCH42_REJECTED: out->reason = (uint8_t)ouch42_rejected_reason(p); return true;
    case OUCH42_PRIORITY:
        out->exchange_ref = ouch42_priority_order_ref(p);
        out->display = display42(ouch42_priority_display(p));
        return price_take(ouch42_priority_price(p), out);
    case OUCH42_MODIFIED:
        out->side = ouch42_modified_side(p);
        out->quantity = ouch42_modified_quantity(p);
        return true;
    default: return true;
    }
}

enum ouch_code ouch42_report(const uint8_t *p, uint32_t len, const struct ouch_prefix *prefix,
                             struct ouch_report *out)
{
    if (UNLIKELY(len == 0))
        return OUCH_BAD_LENGTH;
    const uint32_t want = ouch42_out_len(p[0]);
    if (UNLIKELY(want != len))
        return want == 0 ? OUCH_UNKNOWN_TYPE : OUCH_BAD_LENGTH;
    memset(out, 0, sizeof *out);
    out->letter = p[0];
    out->kind = kinds[p[0]];
    out->time_ns = ouch42_canceled_timestamp_ns(p);
    if (p[0] == OUCH42_SYSTEM) {
        out->reason = (uint8_t)ouch42_system_event(p);
        return OUCH_OK;
    }
    out->ref = ouch_token_read(ouch42_canceled_token(p), prefix);
    if (UNLIKELY(!rest42(p, prefix, out) || out->quantity > OUCH50_QUANTITY_MAX))
        return OUCH_BAD_VALUE;
    const bool chain_known = out->kind != REPORT_REPLACED && out->kind != REPORT_REPLACED_DEAD;
    return LIKELY(out->ref && (chain_known || out->ref_was)) ? OUCH_OK : OUCH_FOREIGN;
}

// OUCH 4.2's Replaced is read through Accepted, Corrected and Executed with Reference Price through
// Executed.
#define SAME(a, b, field) \
    _Static_assert(offsetof(struct a, field) == offsetof(struct b, field), #b "." #field)
SAME(ouch42_image_accepted, ouch42_image_replaced, side);
SAME(ouch42_image_accepted, ouch42_image_replaced, quantity);
SAME(ouch42_image_accepted, ouch42_image_replaced, symbol);
SAME(ouch42_image_accepted, ouch42_image_replaced, price);
SAME(ouch42_image_accepted, ouch42_image_replaced, display);
SAME(ouch42_image_accepted, ouch42_image_replaced, order_ref);
SAME(ouch42_image_accepted, ouch42_image_replaced, capacity);
SAME(ouch42_image_accepted, ouch42_image_replaced, state);
SAME(ouch42_image_executed, ouch42_image_corrected, quantity);
SAME(ouch42_image_executed, ouch42_image_corrected, price);
SAME(ouch42_image_executed, ouch42_image_corrected, match);
SAME(ouch42_image_executed, ouch42_image_executed_reference, match);
SAME(ouch42_image_canceled, ouch42_image_aiq_canceled, reason);
SAME(ouch50_image_canceled, ouch50_image_aiq_canceled, reason);

const char *ouch_report_name(enum ouch_report_kind kind)
{
    static const char *const names[REPORT_KINDS] = {
#define OUCH_REPORT(upper, lower) #lower,
        OUCH_REPORT_LIST(OUCH_REPORT)
#undef OUCH_REPORT
    };
    return kind < REPORT_KINDS ? names[kind] : "?";
}
