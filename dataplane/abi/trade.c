#include "dataplane/abi/trade.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/abi/quality.h"
#include "dataplane/abi/record.h"

const char *refusal_name(unsigned refusal)
{
    static const char *const names[REFUSALS] = {
#define REFUSAL(number, upper, help) [number] = #upper,
#include "dataplane/abi/refusals.def"
    };
    return refusal < REFUSALS && names[refusal] ? names[refusal] : "?";
}

const char *refusal_help(unsigned refusal)
{
    static const char *const helps[REFUSALS] = {
#define REFUSAL(number, upper, help) [number] = help,
#include "dataplane/abi/refusals.def"
    };
    return refusal < REFUSALS && helps[refusal] ? helps[refusal] : "?";
}

const char *scope_name(unsigned scope)
{
    static const char *const names[TRADE_SCOPES] = {
#define SCOPE_NAME(upper, lower) [TRADE_##upper] = #lower,
        SCOPE_LIST(SCOPE_NAME)
#undef SCOPE_NAME
    };
    return scope < TRADE_SCOPES ? names[scope] : "?";
}

const char *trading_state_name(unsigned state)
{
    static const char *const names[TRADING_STATES] = {[TRADING_ACTIVE] = "active",
                                                      [TRADING_REDUCING] = "reducing",
                                                      [TRADING_HALTED] = "halted",
                                                      [TRADING_DROP_COPY] = "drop_copy"};
    return state < TRADING_STATES ? names[state] : "?";
}

const char *session_state_name(unsigned state)
{
    static const char *const names[SESSION_STATES] = {
#define SESSION_STATE_NAME(upper, lower) [SESSION_##upper] = #lower,
        SESSION_STATE_LIST(SESSION_STATE_NAME)
#undef SESSION_STATE_NAME
    };
    return state < SESSION_STATES ? names[state] : "?";
}

const char *permission_name(unsigned permission)
{
    static const char *const names[PERMISSIONS] = {
#define PERMISSION_NAME(upper, lower) [PERMISSION_##upper] = #lower,
        PERMISSION_LIST(PERMISSION_NAME)
#undef PERMISSION_NAME
    };
    return permission < PERMISSIONS ? names[permission] : "?";
}

const char *restriction_name(unsigned restriction)
{
    static const char *const names[RESTRICTIONS] = {[RESTRICTION_NONE] = "none",
                                                    [RESTRICTION_SHORT] = "short",
                                                    [RESTRICTION_OPENING] = "opening",
                                                    [RESTRICTION_ALL] = "all"};
    return restriction < RESTRICTIONS ? names[restriction] : "?";
}

const char *clock_state_name(unsigned state)
{
    static const char *const names[CLOCK_STATES] = {
#define CLOCK_STATE_NAME(upper, lower) [CLOCK_##upper] = #lower,
        CLOCK_STATE_LIST(CLOCK_STATE_NAME)
#undef CLOCK_STATE_NAME
    };
    return state < CLOCK_STATES ? names[state] : "?";
}

const char *trading_phase_name(unsigned phase)
{
    static const char *const names[TRADING_PHASES] = {
        [PHASE_UNKNOWN] = "unknown", [PHASE_TRADING] = "trading", [PHASE_QUOTATION] = "quotation",
        [PHASE_PAUSED] = "paused",   [PHASE_HALTED] = "halted",   [PHASE_BEFORE] = "before",
        [PHASE_AFTER] = "after"};
    return phase < TRADING_PHASES ? names[phase] : "?";
}

// --- refusals with their values ---

struct check_row {
    uint8_t number;
    uint8_t unit;
    const char *word;
};

// In the order of the gate.
static const struct check_row checks[] = {
#define REFUSAL(number, upper, help)
#define CHECK(number, upper, unit, word, help) {(number), UNIT_##unit, word},
#include "dataplane/abi/refusals.def"
};

enum { CHECKS = sizeof checks / sizeof checks[0] };

_Static_assert(CHECKS == __builtin_popcountll(0
#define REFUSAL(number, upper, help)
#define CHECK(number, upper, unit, word, help) | 1ull << REFUSAL_BIT(number)
#include "dataplane/abi/refusals.def"
                                              ),
               "a bit for every check");
_Static_assert(((0
#define REFUSAL(number, upper, help)
#define CHECK(number, upper, unit, word, help) | 1ull << REFUSAL_BIT(number)
#include "dataplane/abi/refusals.def"
                 ) &
                (CHECKS_OF_BROKER | CHECKS_OF_MARKET)) == 0,
               "none for a check");

unsigned refusal_check(unsigned place)
{
    return place < CHECKS ? checks[place].number : REFUSAL_NONE;
}

bool refusal_is_check(unsigned refusal)
{
    bool is = false;
    for (uint32_t i = 0; i < CHECKS; i++)
        is |= checks[i].number == refusal;
    return is;
}

uint64_t refusal_passed(unsigned refusal)
{
    uint64_t passed = 0;
    for (uint32_t i = 0; i < CHECKS && checks[i].number != refusal; i++)
        passed |= 1ull << REFUSAL_BIT(checks[i].number);
    return passed;
}

static void value_text(char *out, size_t len, uint32_t unit, uint64_t value, uint64_t ticks_hz)
{
    switch (unit) {
    case UNIT_PRICE:
    case UNIT_MONEY:
        snprintf(out, len, "%" PRIu64 ".%04" PRIu64, value / 10000, value % 10000);
        break;
    case UNIT_TICKS:
        if (ticks_hz >= 1000000)
            snprintf(out, len, "%" PRIu64 "us", value / (ticks_hz / 1000000));
        else
            snprintf(out, len, "%" PRIu64, value);
        break;
    case UNIT_QUALITY: snprintf(out, len, "%s", quality_name((unsigned)value)); break;
    case UNIT_STATE: snprintf(out, len, "%s", trading_state_name((unsigned)value)); break;
    case UNIT_PERMISSION: snprintf(out, len, "%s", permission_name((unsigned)value)); break;
    case UNIT_BAND:
        snprintf(out, len, "%" PRIu64 ".%02" PRIu64 "%%", value / 100, value % 100);
        break;
    case UNIT_RESTRICTION: snprintf(out, len, "%s", restriction_name((unsigned)value)); break;
    case UNIT_PHASE: snprintf(out, len, "%s", trading_phase_name((unsigned)value)); break;
    case UNIT_NANOSECONDS:
        if (value == UINT64_MAX)
            snprintf(out, len, "unknown");
        else
            snprintf(out, len, "%" PRIu64 "us", value / 1000);
        break;
    case UNIT_RECORD: snprintf(out, len, "%s", record_state_name((unsigned)value)); break;
    default: snprintf(out, len, "%" PRIu64, value); break;
    }
}

static bool has_limit(uint32_t unit)
{
    return unit != UNIT_ASKER && unit != UNIT_PERMISSION && unit != UNIT_RESTRICTION &&
           unit != UNIT_RECORD && unit != UNIT_PHASE && unit != UNIT_SESSION;
}

// What a refusal compares; null: nothing. A lease is no check of the gate.
static const struct check_row *row_of(unsigned refusal)
{
    static const struct check_row leases[] = {{REFUSAL_LEASE, UNIT_NUMBER, "orders"},
                                              {REFUSAL_LEASE_NOTIONAL, UNIT_MONEY, "dollars"}};
    for (uint32_t i = 0; i < CHECKS; i++)
        if (checks[i].number == refusal && checks[i].unit != UNIT_NOTHING)
            return &checks[i];
    for (uint32_t i = 0; i < sizeof leases / sizeof leases[0]; i++)
        if (leases[i].number == refusal)
            return &leases[i];
    return NULL;
}

bool refusal_in_ticks(unsigned refusal)
{
    const struct check_row *c = row_of(refusal);
    return c && c->unit == UNIT_TICKS;
}

char *refusal_text(char out[REFUSAL_TEXT_LEN], unsigned refusal, uint64_t value, uint64_t limit,
                   uint64_t ticks_hz)
{
    char text[24], most[24];
    const struct check_row *c = row_of(refusal);
    snprintf(out, REFUSAL_TEXT_LEN, "%s", refusal_name(refusal));
    if (c == NULL)
        return out;
    value_text(text, sizeof text, c->unit, value, ticks_hz);
    value_text(most, sizeof most, c->unit, limit, ticks_hz);
    snprintf(out, REFUSAL_TEXT_LEN, has_limit(c->unit) ? "%s: %s=%s limit=%s" : "%s: %s=%s",
             refusal_name(refusal), c->word, text, most);
    return out;
}

const char *action_name(unsigned action)
{
    static const char *const names[CONTROL_ACTIONS] = {
#define ACTION_NAME(upper, lower) [ACTION_##upper] = #lower,
        ACTION_LIST(ACTION_NAME)
#undef ACTION_NAME
    };
    return action < CONTROL_ACTIONS ? names[action] : "?";
}

uint32_t actions_permitted(unsigned refusal)
{
    const uint32_t all = (1u << CONTROL_ACTIONS) - 1, hard = all & ~(1u << ACTION_NOTIFY);
    switch (refusal) {
    case REFUSAL_KILLED:
    case REFUSAL_HALTED:
    case REFUSAL_REDUCING:
    case REFUSAL_SYMBOL_QUARANTINED:
    case REFUSAL_JOURNAL:
    case REFUSAL_CLOCK:
    case REFUSAL_EVENT_CREDIT:
    case REFUSAL_SESSION_DOWN:
    case REFUSAL_SESSION_BUSY: return 1u << ACTION_REFUSE;
    case REFUSAL_CANCEL_RATE:
    case REFUSAL_VOLUME:
    case REFUSAL_SPREAD:
    case REFUSAL_TOUCH:
    case REFUSAL_LAST_TRADE:
    case REFUSAL_PRICE_PERIOD:
    case REFUSAL_DUPLICATE:
    case REFUSAL_REPEATED:
    case REFUSAL_INSTRUMENTS:
    case REFUSAL_DAY_ORDERS:
    case REFUSAL_ORDER_RATIO:
    case REFUSAL_GROSS:
    case REFUSAL_DAY_VALUE:
    case REFUSAL_LOSS:
    case REFUSAL_DRAWDOWN: return all;
    default: return refusal_is_check(refusal) ? hard : 1u << ACTION_REFUSE;
    }
}
