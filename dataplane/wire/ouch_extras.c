// Hot path, for the few orders that have extras.
#include "dataplane/wire/ouch_extras.h"

#include <string.h>

#include "dataplane/base/hints.h"

#define BIT(name) (1u << OUCH50_TAG_##name)

const uint32_t ouch_extras_enter = 0
#define OUCH_EXTRA(upper, lower, kind, replace, version_42) | BIT(upper)
#include "dataplane/wire/ouch_extras.def"
    ;

const uint32_t ouch_extras_replace = 0
#define OUCH_EXTRA(upper, lower, kind, replace, version_42) | ((replace) ? BIT(upper) : 0)
#include "dataplane/wire/ouch_extras.def"
    ;

const uint32_t ouch_extras_42 = 0
#define OUCH_EXTRA(upper, lower, kind, replace, version_42) | ((version_42) ? BIT(upper) : 0)
#include "dataplane/wire/ouch_extras.def"
    ;

static bool letter_of(char c, const char *letters)
{
    bool found = false;
    for (; *letters; letters++)
        found |= *letters == c;
    return found;
}

// Capitals and digits, then blanks; all blanks: the port's default.
static bool name_good(const char *name, uint32_t len)
{
    bool blank = false;
    for (uint32_t i = 0; i < len; i++) {
        const char c = name[i];
        const bool sign = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if ((!sign && c != ' ') || (blank && sign))
            return false;
        blank |= c == ' ';
    }
    return true;
}

// --- groups of options that belong together ---

// Pegs have an offset or none; midpoints never.
static bool pegs_good(const struct ouch50_options *o)
{
    const bool type = o->present & BIT(PRICE_TYPE);
    if (type && !letter_of(o->price_type, "LPMRQm"))
        return false;
    return !(o->present & BIT(PEG_OFFSET)) || (type && letter_of(o->price_type, "PMRQ"));
}

// However the discretion is pegged, the order executes no further than its discretion price: that
// is what its exposure is reserved by, so that it has to be there. A market order has none.
static bool discretion_good(const struct ouch50_options *o, const struct ouch_asked *asked)
{
    const uint32_t rest = BIT(DISCRETION_TYPE) | BIT(DISCRETION_OFFSET);
    if (!(o->present & BIT(DISCRETION_PRICE)))
        return !(o->present & rest);
    if (o->discretion_price == 0 || o->discretion_price > OUCH50_PRICE_MAX || asked->price == 0 ||
        asked->price > OUCH50_PRICE_MAX)
        return false;
    if (asked->side == 'B' ? o->discretion_price < asked->price
                           : o->discretion_price > asked->price)
        return false;
    const bool type = o->present & BIT(DISCRETION_TYPE);
    if (type && !letter_of(o->discretion_type, "LPMR"))
        return false;
    return !(o->present & BIT(DISCRETION_OFFSET)) || (type && o->discretion_type != 'L');
}

static bool sizes_good(const struct ouch50_options *o, const struct ouch_asked *asked)
{
    if (o->present & BIT(MIN_QUANTITY) &&
        (o->min_quantity == 0 || o->min_quantity > asked->quantity))
        return false;
    if (o->present & BIT(MAX_FLOOR) &&
        (o->max_floor == 0 || o->max_floor > OUCH50_QUANTITY_MAX || asked->display == 'N'))
        return false;
    return !(o->present & BIT(RANDOM_RESERVES)) ||
           (o->present & BIT(MAX_FLOOR) && o->random_reserves > 0 &&
            o->random_reserves < o->max_floor);
}

// Which instruction belongs to which cross.
static bool handle_good(const struct ouch_extras *x)
{
    const char cross = x->cross ? x->cross : 'N';
    if (!letter_of(cross, "NOCHSREA"))
        return false;
    if (!(x->options.present & BIT(HANDLE)))
        return true;
    switch (x->options.handle) {
    case 'I': return cross == 'O' || cross == 'C';
    case 'O':
    case 'T':
    case 'Q':
    case 'R': return cross == 'R';
    case 'B': return cross == 'E';
    case 'D': return cross == 'H';
    default: return false;
    }
}

static bool names_good(const struct ouch50_options *o)
{
    return (!(o->present & BIT(FIRM)) || name_good(o->firm, sizeof o->firm)) &&
           (!(o->present & BIT(ROUTE)) || name_good(o->route, sizeof o->route)) &&
           (!(o->present & BIT(LOCATE_BROKER)) ||
            name_good(o->locate_broker, sizeof o->locate_broker)) &&
           (!(o->present & BIT(AIQ_STRATEGY)) || name_good(&o->aiq_strategy, 1)) &&
           (!(o->present & BIT(AIQ_GROUP)) || name_good(o->aiq_group, sizeof o->aiq_group));
}

static bool letters_good(const struct ouch_extras *x, const struct ouch_asked *asked)
{
    const struct ouch50_options *o = &x->options;
    const bool sells_short = asked->side == 'T' || asked->side == 'E';
    return (!(o->present & BIT(CUSTOMER)) || letter_of(o->customer, "RN")) &&
           (!(o->present & BIT(POST_ONLY)) || letter_of(o->post_only, "PN")) &&
           (!(o->present & BIT(TRADE_NOW)) || letter_of(o->trade_now, "YN")) &&
           (!(o->present & BIT(LOCATED)) || (letter_of(o->located, "YN") && sells_short)) &&
           (!(o->present & BIT(LOCATE_BROKER)) || sells_short) &&
           (!x->capacity || letter_of(x->capacity, "APRO")) && (!x->iso || letter_of(x->iso, "YN"));
}

bool ouch_extras_good(const struct ouch_extras *x, const struct ouch_asked *asked)
{
    const struct ouch50_options *o = &x->options;
    const bool expires = o->present & BIT(EXPIRE_S), timed = asked->time_in_force == '6';
    const bool posts = o->present & BIT(POST_ONLY) && o->post_only == 'P';
    if (o->present & ~ouch_extras_enter || expires != timed)
        return false;
    if (expires && (o->expire_s == 0 || o->expire_s >= OUCH50_EXPIRE_S_MAX))
        return false;
    if (posts && (asked->time_in_force == '3' || x->iso == 'Y'))
        return false; // takes nothing, and does not rest
    return pegs_good(o) && discretion_good(o, asked) && sizes_good(o, asked) && handle_good(x) &&
           names_good(o) && letters_good(x, asked);
}

// --- OUCH 4.2 ---

char ouch42_display(const struct ouch_extras *x, char display)
{
    static const struct {
        char letter, display, post_only, price_type, handle;
    } rows[] = {{'P', 'Y', 'P', 'L', 0}, {'L', 'A', 'P', 'L', 0}, {'M', 'N', 'N', 'M', 0},
                {'W', 'N', 'P', 'M', 0}, {'m', 'N', 'N', 'm', 0}, {'I', 'N', 'N', 'L', 'I'}};
    const struct ouch50_options *o = &x->options;
    const char post_only = o->present & BIT(POST_ONLY) ? o->post_only : 'N';
    const char price_type = o->present & BIT(PRICE_TYPE) ? o->price_type : 'L';
    const char handle = o->present & BIT(HANDLE) ? o->handle : 0;
    if (o->present & ~ouch_extras_42 || x->cross == 'A')
        return 0;
    if (post_only == 'N' && price_type == 'L' && !handle)
        return display;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].display == display && rows[i].post_only == post_only &&
            rows[i].price_type == price_type && rows[i].handle == handle)
            return rows[i].letter;
    return 0;
}

void ouch50_options_join(struct ouch50_options *own, const struct ouch50_options *other)
{
    const uint32_t missing = other->present & ~own->present;
#define OUCH_EXTRA(upper, lower, kind, replace, version_42) \
    if (missing & BIT(upper))                               \
        FIELD_COPY_##kind(own->lower, other->lower);
#include "dataplane/wire/ouch_extras.def"
    own->present |= missing & ouch_extras_enter;
}
