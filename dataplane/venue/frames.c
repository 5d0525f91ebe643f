// Hot path, but for frames_init.
#include "dataplane/venue/frames.h"

#include <string.h>

// --- preparation ---

static void seal(struct frame_bytes *f, uint32_t message_len)
{
    soupbin_unsequenced_write(f->bytes, message_len);
    f->len = SOUPBIN_HEADER_LEN + message_len;
}

static void prepare50(struct frames *f, const struct frames_config *c)
{
    struct ouch50_enter enter = {
        .time_in_force = '0', .display = 'Y', .capacity = c->capacity, .iso = 'N', .cross = 'N'};
    struct ouch50_replace replace = {.time_in_force = '0', .display = 'Y', .iso = 'N'};
    const struct ouch50_cancel cancel = {0};
    const struct ouch50_modify modify = {0};
    struct ouch50_options options = {.present = 0};
    uint8_t *p = f->enter.bytes + SOUPBIN_HEADER_LEN;
    memset(enter.client_id, ' ', sizeof enter.client_id);
    memset(replace.client_id, ' ', sizeof replace.client_id);
    if (f->firm_set) {
        options.present = 1u << OUCH50_TAG_FIRM;
        memcpy(options.firm, f->firm, sizeof options.firm);
    }
    uint32_t n = ouch50_options_write(p + OUCH50_ENTER_LEN, &options);
    enter.appendage_len = (uint16_t)n;
    seal(&f->enter, ouch50_enter_write(p, &enter) + n);
    seal(&f->replace, ouch50_replace_write(f->replace.bytes + SOUPBIN_HEADER_LEN, &replace));
    seal(&f->cancel, ouch50_cancel_write(f->cancel.bytes + SOUPBIN_HEADER_LEN, &cancel));
    if (c->mass_cancel) {
        struct ouch50_mass_cancel all = {0};
        memset(all.firm, ' ', sizeof all.firm);
        memset(all.symbol, ' ', sizeof all.symbol);
        seal(&f->mass_cancel,
             ouch50_mass_cancel_write(f->mass_cancel.bytes + SOUPBIN_HEADER_LEN, &all));
    }
    seal(&f->modify, ouch50_modify_write(f->modify.bytes + SOUPBIN_HEADER_LEN, &modify));
    f->query.bytes[SOUPBIN_HEADER_LEN] = OUCH50_QUERY;
    seal(&f->query, OUCH50_QUERY_LEN);
}

static void prepare42(struct frames *f, const struct frames_config *c)
{
    struct ouch42_enter enter = {
        .display = 'Y', .capacity = c->capacity, .iso = 'N', .cross = 'N', .customer = 'N'};
    struct ouch42_replace replace = {.display = 'Y', .iso = 'N'};
    struct ouch42_cancel cancel = {0};
    struct ouch42_modify modify = {0};
    memcpy(enter.firm, c->firm, sizeof enter.firm);
    ouch_token_write(enter.token, &f->prefix, 0);
    ouch_token_write(replace.orig_token, &f->prefix, 0);
    ouch_token_write(replace.token, &f->prefix, 0);
    ouch_token_write(cancel.token, &f->prefix, 0);
    ouch_token_write(modify.token, &f->prefix, 0);
    seal(&f->enter, ouch42_enter_write(f->enter.bytes + SOUPBIN_HEADER_LEN, &enter));
    seal(&f->replace, ouch42_replace_write(f->replace.bytes + SOUPBIN_HEADER_LEN, &replace));
    seal(&f->cancel, ouch42_cancel_write(f->cancel.bytes + SOUPBIN_HEADER_LEN, &cancel));
    seal(&f->modify, ouch42_modify_write(f->modify.bytes + SOUPBIN_HEADER_LEN, &modify));
}

void frames_init(struct frames *f, const struct frames_config *c)
{
    memset(f, 0, sizeof *f);
    f->version = c->version;
    f->prefix = c->prefix;
    memcpy(f->firm, c->firm, sizeof f->firm);
    f->firm_set = memcmp(c->firm, "    ", 4) != 0;
    if (c->version == OUCH_50)
        prepare50(f, c);
    else
        prepare42(f, c);
}

// --- what a version can say ---

// Seconds of OUCH 4.2 for a letter of 5.0; UINT32_MAX: there is none. With GTT ('6') the option
// says how long.
static uint32_t seconds_of(char time_in_force, const struct ouch50_options *options)
{
    switch (time_in_force) {
    case '0': return OUCH42_TIF_MARKET_HOURS;
    case '3': return OUCH42_TIF_IOC;
    case '5': return OUCH42_TIF_SYSTEM_HOURS;
    case '6':
        return options && options->present & 1u << OUCH50_TAG_EXPIRE_S && options->expire_s > 0 &&
                       options->expire_s < OUCH42_TIF_MARKET_HOURS
                   ? options->expire_s
                   : UINT32_MAX;
    default: return UINT32_MAX;
    }
}

static bool one_of(char letter, const char *letters, uint32_t count)
{
    bool found = false;
    for (uint32_t i = 0; i < count; i++)
        found |= letters[i] == letter;
    return found;
}

bool frames_can(const struct frames *f, const struct frame_order *o)
{
    const bool common = one_of(o->side, "BSTE", 4) && one_of(o->display, "YNA", 3);
    if (f->version == OUCH_50)
        return common && one_of(o->time_in_force, "0356E", 5) &&
               (o->time_in_force != '6' ||
                (o->options && o->options->present & 1u << OUCH50_TAG_EXPIRE_S));
    // Options that 4.2 has as fields; it says nothing else.
    const uint32_t known = 1u << OUCH50_TAG_EXPIRE_S | 1u << OUCH50_TAG_MIN_QUANTITY;
    return common && seconds_of(o->time_in_force, o->options) != UINT32_MAX &&
           (o->options == NULL || !(o->options->present & ~known));
}

// --- patching ---

static void token_patch(struct frames *f, uint8_t *token, uint32_t ref)
{
    ouch_token_write((char *)token, &f->prefix, ref);
}

// Options of the order itself replace the session's; the firm stays, unless the order names one.
static COLD uint32_t options_patch(const struct frames *f, uint8_t *out,
                                   const struct ouch50_options *own, bool firm_goes)
{
    struct ouch50_options options = *own;
    if (firm_goes && f->firm_set && !(options.present & 1u << OUCH50_TAG_FIRM)) {
        options.present |= 1u << OUCH50_TAG_FIRM;
        memcpy(options.firm, f->firm, sizeof options.firm);
    }
    return ouch50_options_write(out, &options);
}

static void enter50(struct frames *f, uint8_t *p, const struct frame_order *o)
{
    FIELD_PUT_BE_u32(p, 1, o->ref);
    FIELD_PUT_BE_chr(p, 5, o->side);
    FIELD_PUT_BE_u32(p, 6, o->quantity);
    FIELD_PUT_BE_alpha8(p, 10, o->symbol);
    FIELD_PUT_BE_u64(p, 18, o->price);
    FIELD_PUT_BE_chr(p, 26, o->time_in_force);
    FIELD_PUT_BE_chr(p, 27, o->display);
    if (UNLIKELY(o->options != NULL)) {
        const uint32_t n = options_patch(f, p + OUCH50_ENTER_LEN, o->options, true);
        FIELD_PUT_BE_u16(p, 45, (uint16_t)n);
        seal(&f->enter, OUCH50_ENTER_LEN + n);
    } else {
        const uint32_t n = f->firm_set ? 6 : 0;
        if (UNLIKELY(f->enter.len != SOUPBIN_HEADER_LEN + OUCH50_ENTER_LEN + n)) {
            static const struct ouch50_options none;
            options_patch(f, p + OUCH50_ENTER_LEN, &none, true);
            FIELD_PUT_BE_u16(p, 45, (uint16_t)n);
            seal(&f->enter, OUCH50_ENTER_LEN + n);
        }
    }
}

static void enter42(struct frames *f, uint8_t *p, const struct frame_order *o)
{
    token_patch(f, p + 1, o->ref);
    FIELD_PUT_BE_chr(p, 15, o->side);
    FIELD_PUT_BE_u32(p, 16, o->quantity);
    FIELD_PUT_BE_alpha8(p, 20, o->symbol);
    FIELD_PUT_BE_u32(p, 28, o->price);
    FIELD_PUT_BE_u32(p, 32, seconds_of(o->time_in_force, o->options));
    FIELD_PUT_BE_chr(p, 40, o->display);
    const bool min = o->options && o->options->present & 1u << OUCH50_TAG_MIN_QUANTITY;
    FIELD_PUT_BE_u32(p, 43, min ? o->options->min_quantity : 0);
}

const struct frame_bytes *frame_enter(struct frames *f, const struct frame_order *o)
{
    uint8_t *p = f->enter.bytes + SOUPBIN_HEADER_LEN;
    if (LIKELY(f->version == OUCH_50))
        enter50(f, p, o);
    else
        enter42(f, p, o);
    return &f->enter;
}

// What a replace leaves out is not said to be inherited: everything that must hold is sent.
static void replace50(struct frames *f, uint8_t *p, const struct frame_order *o)
{
    static const struct ouch50_options none;
    FIELD_PUT_BE_u32(p, 1, o->ref_was);
    FIELD_PUT_BE_u32(p, 5, o->ref);
    FIELD_PUT_BE_u32(p, 9, o->quantity);
    FIELD_PUT_BE_u64(p, 13, o->price);
    FIELD_PUT_BE_chr(p, 21, o->time_in_force);
    FIELD_PUT_BE_chr(p, 22, o->display);
    uint32_t n = 0;
    if (UNLIKELY(o->options != NULL || f->replace.len != SOUPBIN_HEADER_LEN + OUCH50_REPLACE_LEN)) {
        n = options_patch(f, p + OUCH50_REPLACE_LEN, o->options ? o->options : &none, false);
        FIELD_PUT_BE_u16(p, 38, (uint16_t)n);
        seal(&f->replace, OUCH50_REPLACE_LEN + n);
    }
}

static void replace42(struct frames *f, uint8_t *p, const struct frame_order *o)
{
    token_patch(f, p + 1, o->ref_was);
    token_patch(f, p + 15, o->ref);
    FIELD_PUT_BE_u32(p, 29, o->quantity);
    FIELD_PUT_BE_u32(p, 33, o->price);
    FIELD_PUT_BE_u32(p, 37, seconds_of(o->time_in_force, o->options));
    FIELD_PUT_BE_chr(p, 41, o->display);
    const bool min = o->options && o->options->present & 1u << OUCH50_TAG_MIN_QUANTITY;
    FIELD_PUT_BE_u32(p, 43, min ? o->options->min_quantity : 0);
}

const struct frame_bytes *frame_replace(struct frames *f, const struct frame_order *o)
{
    uint8_t *p = f->replace.bytes + SOUPBIN_HEADER_LEN;
    if (LIKELY(f->version == OUCH_50))
        replace50(f, p, o);
    else
        replace42(f, p, o);
    return &f->replace;
}

const struct frame_bytes *frame_mass_cancel(struct frames *f, uint32_t ref)
{
    FIELD_PUT_BE_u32(f->mass_cancel.bytes + SOUPBIN_HEADER_LEN, 1, ref);
    return &f->mass_cancel;
}

const struct frame_bytes *frame_cancel(struct frames *f, uint32_t ref, uint32_t quantity)
{
    uint8_t *p = f->cancel.bytes + SOUPBIN_HEADER_LEN;
    if (LIKELY(f->version == OUCH_50)) {
        FIELD_PUT_BE_u32(p, 1, ref);
        FIELD_PUT_BE_u32(p, 5, quantity);
    } else {
        token_patch(f, p + 1, ref);
        FIELD_PUT_BE_u32(p, 15, quantity);
    }
    return &f->cancel;
}

const struct frame_bytes *frame_modify(struct frames *f, uint32_t ref, char side, uint32_t quantity)
{
    uint8_t *p = f->modify.bytes + SOUPBIN_HEADER_LEN;
    if (LIKELY(f->version == OUCH_50)) {
        FIELD_PUT_BE_u32(p, 1, ref);
        FIELD_PUT_BE_chr(p, 5, side);
        FIELD_PUT_BE_u32(p, 6, quantity);
    } else {
        token_patch(f, p + 1, ref);
        FIELD_PUT_BE_chr(p, 15, side);
        FIELD_PUT_BE_u32(p, 16, quantity);
    }
    return &f->modify;
}

// Offsets patched above, against the tables.
#define AT50(message, field, offset) \
    _Static_assert(offsetof(struct ouch50_image_##message, field) == (offset), #message "." #field)
#define AT42(message, field, offset) \
    _Static_assert(offsetof(struct ouch42_image_##message, field) == (offset), #message "." #field)
AT50(enter, user_ref, 1);
AT50(enter, side, 5);
AT50(enter, quantity, 6);
AT50(enter, symbol, 10);
AT50(enter, price, 18);
AT50(enter, time_in_force, 26);
AT50(enter, display, 27);
AT50(enter, appendage_len, 45);
AT50(replace, orig_user_ref, 1);
AT50(replace, user_ref, 5);
AT50(replace, quantity, 9);
AT50(replace, price, 13);
AT50(replace, time_in_force, 21);
AT50(replace, display, 22);
AT50(replace, appendage_len, 38);
AT50(cancel, quantity, 5);
AT50(modify, side, 5);
AT50(modify, quantity, 6);
AT42(enter, side, 15);
AT42(enter, quantity, 16);
AT42(enter, symbol, 20);
AT42(enter, price, 28);
AT42(enter, time_in_force, 32);
AT42(enter, display, 40);
AT42(enter, min_quantity, 43);
AT42(replace, token, 15);
AT42(replace, quantity, 29);
AT42(replace, price, 33);
AT42(replace, time_in_force, 37);
AT42(replace, display, 41);
AT42(replace, min_quantity, 43);
AT42(cancel, quantity, 15);
AT42(modify, side, 15);
AT42(modify, quantity, 16);

// --- egress ---

static bool egress50(const uint8_t *p, struct egress *out)
{
    switch (p[0]) {
    case OUCH50_ENTER:
        out->ref = ouch50_enter_user_ref(p);
        out->quantity = ouch50_enter_quantity(p);
        out->price = ouch50_enter_price(p);
        out->side = ouch50_enter_side(p);
        memcpy(out->symbol, ouch50_enter_symbol(p), sizeof out->symbol);
        return true;
    case OUCH50_REPLACE:
        out->ref = ouch50_replace_user_ref(p);
        out->ref_was = ouch50_replace_orig_user_ref(p);
        out->quantity = ouch50_replace_quantity(p);
        out->price = ouch50_replace_price(p);
        return true;
    case OUCH50_MODIFY:
        out->ref = ouch50_modify_user_ref(p);
        out->quantity = ouch50_modify_quantity(p);
        out->side = ouch50_modify_side(p);
        return true;
    default: return false;
    }
}

static bool egress42(const struct ouch_prefix *prefix, const uint8_t *p, struct egress *out)
{
    switch (p[0]) {
    case OUCH42_ENTER:
        out->ref = ouch_token_read(ouch42_enter_token(p), prefix);
        out->quantity = ouch42_enter_quantity(p);
        out->price = ouch42_enter_price(p);
        out->side = ouch42_enter_side(p);
        memcpy(out->symbol, ouch42_enter_symbol(p), sizeof out->symbol);
        return true;
    case OUCH42_REPLACE:
        out->ref = ouch_token_read(ouch42_replace_token(p), prefix);
        out->ref_was = ouch_token_read(ouch42_replace_orig_token(p), prefix);
        out->quantity = ouch42_replace_quantity(p);
        out->price = ouch42_replace_price(p);
        return true;
    case OUCH42_MODIFY:
        out->ref = ouch_token_read(ouch42_modify_token(p), prefix);
        out->quantity = ouch42_modify_quantity(p);
        out->side = ouch42_modify_side(p);
        return true;
    default: return false;
    }
}

bool egress_read(const struct frames *f, const uint8_t *bytes, uint32_t len, struct egress *out)
{
    memset(out, 0, sizeof *out);
    if (len <= SOUPBIN_HEADER_LEN || bytes[2] != SOUPBIN_UNSEQUENCED)
        return false;
    const uint8_t *p = bytes + SOUPBIN_HEADER_LEN;
    out->letter = (char)p[0];
    return f->version == OUCH_50 ? egress50(p, out) : egress42(&f->prefix, p, out);
}
