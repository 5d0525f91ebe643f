// Hot path, but for frames_init.
#include "dataplane/venue/frames.h"

#include <string.h>

// --- preparation ---

static void seal(struct frame_bytes *f, uint32_t message_len)
{
    soupbin_unsequenced_write(f->bytes, message_len);
    f->len = SOUPBIN_HEADER_LEN + message_len;
}

// The options of all orders stand in the prepared frames: they cost an order nothing.
static void prepare50_orders(struct frames *f, const struct frames_config *c)
{
    struct ouch50_enter enter = {
        .time_in_force = '0', .display = 'Y', .capacity = c->capacity, .iso = 'N', .cross = 'N'};
    struct ouch50_replace replace = {.time_in_force = '0', .display = 'Y', .iso = 'N'};
    struct ouch50_options options = f->options;
    uint8_t *p = f->enter.bytes + SOUPBIN_HEADER_LEN;
    memset(enter.client_id, ' ', sizeof enter.client_id);
    memset(replace.client_id, ' ', sizeof replace.client_id);
    uint32_t n = ouch50_options_write(p + OUCH50_ENTER_LEN, &options);
    enter.appendage_len = (uint16_t)n;
    seal(&f->enter, ouch50_enter_write(p, &enter) + n);
    p = f->replace.bytes + SOUPBIN_HEADER_LEN;
    options.present &= ouch_extras_replace;
    n = ouch50_options_write(p + OUCH50_REPLACE_LEN, &options);
    replace.appendage_len = (uint16_t)n;
    seal(&f->replace, ouch50_replace_write(p, &replace) + n);
}

static void prepare50(struct frames *f, const struct frames_config *c)
{
    const struct ouch50_cancel cancel = {0};
    const struct ouch50_modify modify = {0};
    prepare50_orders(f, c);
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
    if (f->options.present & 1u << OUCH50_TAG_CUSTOMER)
        enter.customer = f->options.customer;
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
    f->options = c->options;
    if (memcmp(c->firm, "    ", 4) != 0) {
        f->options.present |= 1u << OUCH50_TAG_FIRM;
        memcpy(f->options.firm, c->firm, sizeof f->options.firm);
    }
    if (c->version == OUCH_50)
        prepare50(f, c);
    else
        prepare42(f, c);
    f->enter_kept = f->enter;
    f->replace_kept = f->replace;
}

// --- what a version can say ---

// What a letter of OUCH 5.0 is in seconds of 4.2. GTT ('6') is none of them: any other number.
#define TIMES_IN_FORCE(X)           \
    X('0', OUCH42_TIF_MARKET_HOURS) \
    X('3', OUCH42_TIF_IOC)          \
    X('5', OUCH42_TIF_SYSTEM_HOURS)

// UINT32_MAX: there is none. With GTT the option, which has been checked, says how long.
static uint32_t seconds_of(char time_in_force, const struct ouch_extras *extras)
{
    switch (time_in_force) {
#define SECONDS(letter, seconds) \
    case letter: return seconds;
        TIMES_IN_FORCE(SECONDS)
#undef SECONDS
    case '6': return extras ? extras->options.expire_s : UINT32_MAX;
    default: return UINT32_MAX;
    }
}

static char letter_of(uint32_t seconds)
{
    switch (seconds) {
#define LETTER(letter, seconds) \
    case seconds: return letter;
        TIMES_IN_FORCE(LETTER)
#undef LETTER
    default: return '6';
    }
}

static bool one_of(char letter, const char *letters, uint32_t count)
{
    bool found = false;
    for (uint32_t i = 0; i < count; i++)
        found |= letters[i] == letter;
    return found;
}

static COLD bool extras_can(const struct frames *f, const struct frame_order *o)
{
    const struct ouch_asked asked = {.quantity = o->quantity,
                                     .price = o->price,
                                     .side = o->side,
                                     .time_in_force = o->time_in_force,
                                     .display = o->display};
    return ouch_extras_good(o->extras, &asked) &&
           (f->version == OUCH_50 || ouch42_display(o->extras, o->display) != 0);
}

bool frames_can(const struct frames *f, const struct frame_order *o)
{
    const bool common = one_of(o->side, "BSTE", 4) && one_of(o->display, "YNA", 3);
    if (UNLIKELY(o->extras != NULL)) {
        if (!common || !extras_can(f, o))
            return false;
    } else if (UNLIKELY(o->time_in_force == '6')) {
        return false; // for how long?
    }
    const uint32_t letters = o->ref_was ? 4 : 5; // no replace says E: OUCH 5.0, section 2.2
    return f->version == OUCH_50 ? common && one_of(o->time_in_force, "0356E", letters)
                                 : common && seconds_of(o->time_in_force, o->extras) != UINT32_MAX;
}

// OUCH 5.0, Modify Order: a sale becomes a shorter one, never a longer one; 4.2: any other sale.
bool frames_can_turn(const struct frames *f, char from, char to)
{
    if (LIKELY(from == to))
        return true;
    if (f->version == OUCH_50)
        return (from == 'S' && (to == 'E' || to == 'T')) || (from == 'E' && to == 'T');
    return from != 'B' && one_of(to, "STE", 3);
}

// --- patching ---

static void token_patch(struct frames *f, uint8_t *token, uint32_t ref)
{
    ouch_token_write((char *)token, &f->prefix, ref);
}

static void enter50(uint8_t *p, const struct frame_order *o)
{
    FIELD_PUT_BE_u32(p, 1, o->ref);
    FIELD_PUT_BE_chr(p, 5, o->side);
    FIELD_PUT_BE_u32(p, 6, o->quantity);
    FIELD_PUT_BE_alpha8(p, 10, o->symbol);
    FIELD_PUT_BE_u64(p, 18, o->price);
    FIELD_PUT_BE_chr(p, 26, o->time_in_force);
    FIELD_PUT_BE_chr(p, 27, o->display);
}

static void enter42(struct frames *f, uint8_t *p, const struct frame_order *o)
{
    token_patch(f, p + 1, o->ref);
    FIELD_PUT_BE_chr(p, 15, o->side);
    FIELD_PUT_BE_u32(p, 16, o->quantity);
    FIELD_PUT_BE_alpha8(p, 20, o->symbol);
    FIELD_PUT_BE_u32(p, 28, o->price);
    FIELD_PUT_BE_u32(p, 32, seconds_of(o->time_in_force, o->extras));
    FIELD_PUT_BE_chr(p, 40, o->display);
}

// --- orders with extras: a frame of their own, so that the prepared ones stay as they are ---

// What the order asks for comes before what all orders of the session ask for.
static void options_put(const struct frames *f, uint8_t *p, uint32_t fixed_len,
                        const struct ouch_extras *x, uint32_t allowed, struct frame_bytes *out)
{
    struct ouch50_options options = x->options;
    ouch50_options_join(&options, &f->options);
    options.present &= allowed;
    const uint32_t n = ouch50_options_write(p + fixed_len, &options);
    FIELD_PUT_BE_u16(p, fixed_len - 2, (uint16_t)n);
    seal(out, fixed_len + n);
}

static COLD const struct frame_bytes *enter_with(struct frames *f, const struct frame_order *o)
{
    const struct ouch_extras *x = o->extras;
    uint8_t *p = f->with.bytes + SOUPBIN_HEADER_LEN;
    f->with = f->enter;
    if (f->version == OUCH_50) {
        enter50(p, o);
        FIELD_PUT_BE_chr(p, 28, x->capacity ? x->capacity : (char)p[28]);
        FIELD_PUT_BE_chr(p, 29, x->iso ? x->iso : 'N');
        FIELD_PUT_BE_chr(p, 30, x->cross ? x->cross : 'N');
        options_put(f, p, OUCH50_ENTER_LEN, x, ouch_extras_enter, &f->with);
        return &f->with;
    }
    const struct ouch50_options *own = &x->options;
    enter42(f, p, o);
    FIELD_PUT_BE_chr(p, 40, ouch42_display(x, o->display));
    if (own->present & 1u << OUCH50_TAG_FIRM)
        FIELD_PUT_BE_alpha4(p, 36, own->firm);
    FIELD_PUT_BE_chr(p, 41, x->capacity ? x->capacity : (char)p[41]);
    FIELD_PUT_BE_chr(p, 42, x->iso ? x->iso : 'N');
    FIELD_PUT_BE_u32(p, 43, own->present & 1u << OUCH50_TAG_MIN_QUANTITY ? own->min_quantity : 0);
    FIELD_PUT_BE_chr(p, 47, x->cross ? x->cross : 'N');
    if (own->present & 1u << OUCH50_TAG_CUSTOMER)
        FIELD_PUT_BE_chr(p, 48, own->customer);
    return &f->with;
}

const struct frame_bytes *frame_enter(struct frames *f, const struct frame_order *o)
{
    uint8_t *p = f->enter.bytes + SOUPBIN_HEADER_LEN;
    if (UNLIKELY(o->extras != NULL))
        return enter_with(f, o);
    if (LIKELY(f->version == OUCH_50))
        enter50(p, o);
    else
        enter42(f, p, o);
    return &f->enter;
}

static void replace50(uint8_t *p, const struct frame_order *o)
{
    FIELD_PUT_BE_u32(p, 1, o->ref_was);
    FIELD_PUT_BE_u32(p, 5, o->ref);
    FIELD_PUT_BE_u32(p, 9, o->quantity);
    FIELD_PUT_BE_u64(p, 13, o->price);
    FIELD_PUT_BE_chr(p, 21, o->time_in_force);
    FIELD_PUT_BE_chr(p, 22, o->display);
}

static void replace42(struct frames *f, uint8_t *p, const struct frame_order *o)
{
    token_patch(f, p + 1, o->ref_was);
    token_patch(f, p + 15, o->ref);
    FIELD_PUT_BE_u32(p, 29, o->quantity);
    FIELD_PUT_BE_u32(p, 33, o->price);
    FIELD_PUT_BE_u32(p, 37, seconds_of(o->time_in_force, o->extras));
    FIELD_PUT_BE_chr(p, 41, o->display);
}

// What a replace leaves out is not said to be inherited: everything that must hold is sent.
static COLD const struct frame_bytes *replace_with(struct frames *f, const struct frame_order *o)
{
    const struct ouch_extras *x = o->extras;
    uint8_t *p = f->with.bytes + SOUPBIN_HEADER_LEN;
    f->with = f->replace;
    if (f->version == OUCH_50) {
        replace50(p, o);
        FIELD_PUT_BE_chr(p, 23, x->iso ? x->iso : 'N');
        options_put(f, p, OUCH50_REPLACE_LEN, x, ouch_extras_replace, &f->with);
        return &f->with;
    }
    const bool min = x->options.present & 1u << OUCH50_TAG_MIN_QUANTITY;
    replace42(f, p, o);
    FIELD_PUT_BE_chr(p, 41, ouch42_display(x, o->display));
    FIELD_PUT_BE_chr(p, 42, x->iso ? x->iso : 'N');
    FIELD_PUT_BE_u32(p, 43, min ? x->options.min_quantity : 0);
    return &f->with;
}

const struct frame_bytes *frame_replace(struct frames *f, const struct frame_order *o)
{
    uint8_t *p = f->replace.bytes + SOUPBIN_HEADER_LEN;
    if (UNLIKELY(o->extras != NULL))
        return replace_with(f, o);
    if (LIKELY(f->version == OUCH_50))
        replace50(p, o);
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
AT50(enter, capacity, 28);
AT50(enter, iso, 29);
AT50(enter, cross, 30);
AT50(enter, appendage_len, OUCH50_ENTER_LEN - 2);
AT50(replace, orig_user_ref, 1);
AT50(replace, user_ref, 5);
AT50(replace, quantity, 9);
AT50(replace, price, 13);
AT50(replace, time_in_force, 21);
AT50(replace, display, 22);
AT50(replace, iso, 23);
AT50(replace, appendage_len, OUCH50_REPLACE_LEN - 2);
AT50(cancel, quantity, 5);
AT50(modify, side, 5);
AT50(modify, quantity, 6);
AT42(enter, side, 15);
AT42(enter, quantity, 16);
AT42(enter, symbol, 20);
AT42(enter, price, 28);
AT42(enter, time_in_force, 32);
AT42(enter, display, 40);
AT42(enter, firm, 36);
AT42(enter, capacity, 41);
AT42(enter, iso, 42);
AT42(enter, min_quantity, 43);
AT42(enter, cross, 47);
AT42(enter, customer, 48);
AT42(replace, token, 15);
AT42(replace, quantity, 29);
AT42(replace, price, 33);
AT42(replace, time_in_force, 37);
AT42(replace, display, 41);
AT42(replace, iso, 42);
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
        out->time_in_force = ouch50_enter_time_in_force(p);
        out->display = ouch50_enter_display(p);
        memcpy(out->symbol, ouch50_enter_symbol(p), sizeof out->symbol);
        return true;
    case OUCH50_REPLACE:
        out->ref = ouch50_replace_user_ref(p);
        out->ref_was = ouch50_replace_orig_user_ref(p);
        out->quantity = ouch50_replace_quantity(p);
        out->price = ouch50_replace_price(p);
        out->time_in_force = ouch50_replace_time_in_force(p);
        out->display = ouch50_replace_display(p);
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
        out->time_in_force = letter_of(ouch42_enter_time_in_force(p));
        out->display = ouch42_enter_display(p);
        memcpy(out->symbol, ouch42_enter_symbol(p), sizeof out->symbol);
        return true;
    case OUCH42_REPLACE:
        out->ref = ouch_token_read(ouch42_replace_token(p), prefix);
        out->ref_was = ouch_token_read(ouch42_replace_orig_token(p), prefix);
        out->quantity = ouch42_replace_quantity(p);
        out->price = ouch42_replace_price(p);
        out->time_in_force = letter_of(ouch42_replace_time_in_force(p));
        out->display = ouch42_replace_display(p);
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

// Behind the fields that every order patches.
enum { REST50_ENTER = 28, REST50_REPLACE = 23, REST42_ENTER = 41, REST42_REPLACE = 42 };
enum { FIRM42 = 36, FIRM_LEN = 4, REST_BYTES = 24 };

static inline const uint8_t *message_of(const struct frame_bytes *frame)
{
    return frame->bytes + SOUPBIN_HEADER_LEN;
}

bool egress_rest(const struct frames *f, const struct frame_bytes *frame)
{
    const bool is_50 = f->version == OUCH_50;
    const uint8_t *p = message_of(frame);
    const bool enters = p[0] == OUCH50_ENTER;
    if (!enters && p[0] != OUCH50_REPLACE)
        return frame->len == f->modify.len; // all fields of a modify have been compared
    const struct frame_bytes *kept = enters ? &f->enter_kept : &f->replace_kept;
    const uint32_t from = SOUPBIN_HEADER_LEN + (enters  ? is_50 ? REST50_ENTER : REST42_ENTER
                                                : is_50 ? REST50_REPLACE
                                                        : REST42_REPLACE);
    if (UNLIKELY(frame->len != kept->len))
        return false;
    if (UNLIKELY(!is_50 && enters && memcmp(p + FIRM42, message_of(kept) + FIRM42, FIRM_LEN) != 0))
        return false;
    const uint8_t *is = frame->bytes + from, *was = kept->bytes + from;
    // Zeros stand behind both: what is without options is one comparison of a known length.
    if (UNLIKELY(memcmp(is, was, REST_BYTES) != 0))
        return false;
    return LIKELY(kept->len <= from + REST_BYTES) ||
           memcmp(is + REST_BYTES, was + REST_BYTES, kept->len - from - REST_BYTES) == 0;
}

// A letter stands for any number of seconds that has none of its own: they are compared here.
static COLD bool rest42_with(const struct frames *f, const struct frame_bytes *frame,
                             const struct ouch_extras *x)
{
    const uint8_t *p = message_of(frame);
    const bool enters = p[0] == OUCH42_ENTER;
    const uint32_t seconds =
        enters ? ouch42_enter_time_in_force(p) : ouch42_replace_time_in_force(p);
    const struct ouch50_options *own = &x->options;
    const uint8_t *kept = message_of(&f->enter_kept);
    const char iso = x->iso ? x->iso : 'N';
    const uint32_t min = own->present & 1u << OUCH50_TAG_MIN_QUANTITY ? own->min_quantity : 0;
    if (frame->len != (enters ? f->enter_kept.len : f->replace_kept.len) ||
        seconds != seconds_of(letter_of(seconds), x))
        return false;
    if (!enters)
        return ouch42_replace_iso(p) == iso && ouch42_replace_min_quantity(p) == min;
    const void *firm = own->present & 1u << OUCH50_TAG_FIRM ? (const void *)own->firm
                                                            : (const void *)(kept + FIRM42);
    const char capacity = x->capacity ? x->capacity : ouch42_enter_capacity(kept);
    const char customer =
        own->present & 1u << OUCH50_TAG_CUSTOMER ? own->customer : ouch42_enter_customer(kept);
    return memcmp(p + FIRM42, firm, FIRM_LEN) == 0 && ouch42_enter_capacity(p) == capacity &&
           ouch42_enter_iso(p) == iso && ouch42_enter_min_quantity(p) == min &&
           ouch42_enter_cross(p) == (x->cross ? x->cross : 'N') &&
           ouch42_enter_customer(p) == customer;
}

bool egress_rest_with(const struct frames *f, const struct frame_bytes *frame,
                      const struct ouch_extras *x)
{
    const uint8_t *p = message_of(frame);
    if (f->version == OUCH_42)
        return rest42_with(f, frame, x);
    const bool enters = p[0] == OUCH50_ENTER;
    const uint8_t *kept = message_of(enters ? &f->enter_kept : &f->replace_kept);
    const uint32_t fixed = enters ? OUCH50_ENTER_LEN : OUCH50_REPLACE_LEN;
    uint8_t wanted[OUCH50_ENTER_LEN + OUCH50_APPENDAGE_MAX];
    struct ouch50_options options = x->options;
    memcpy(wanted, kept, fixed);
    if (enters) {
        wanted[REST50_ENTER] = (uint8_t)(x->capacity ? x->capacity : ouch50_enter_capacity(kept));
        wanted[REST50_ENTER + 1] = (uint8_t)(x->iso ? x->iso : 'N');
        wanted[REST50_ENTER + 2] = (uint8_t)(x->cross ? x->cross : 'N');
    } else {
        wanted[REST50_REPLACE] = (uint8_t)(x->iso ? x->iso : 'N');
    }
    ouch50_options_join(&options, &f->options);
    options.present &= enters ? ouch_extras_enter : ouch_extras_replace;
    const uint32_t n = ouch50_options_write(wanted + fixed, &options);
    be16_store(wanted + fixed - 2, (uint16_t)n);
    const uint32_t from = enters ? REST50_ENTER : REST50_REPLACE;
    return frame->len == SOUPBIN_HEADER_LEN + fixed + n &&
           memcmp(p + from, wanted + from, fixed + n - from) == 0;
}

uint32_t egress_reach(const struct frames *f, const uint8_t *bytes, uint32_t len)
{
    struct ouch50_message m;
    struct ouch50_options options;
    if (f->version != OUCH_50)
        return 0; // has no discretion
    if (ouch50_in_check(bytes + SOUPBIN_HEADER_LEN, len - SOUPBIN_HEADER_LEN, &m) != OUCH50_OK ||
        !ouch50_options_read(m.options, m.options_len, &options))
        return UINT32_MAX;
    const bool has = options.present & 1u << OUCH50_TAG_DISCRETION_PRICE;
    return !has                                             ? 0
           : options.discretion_price < OUCH50_PRICE_MARKET ? (uint32_t)options.discretion_price
                                                            : UINT32_MAX;
}
