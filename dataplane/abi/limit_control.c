#include "dataplane/abi/limit_control.h"

#include <string.h>

const struct limit_control_info limit_control_table[LIMIT_CONTROLS] = {
#define LIMIT_CONTROL(number, section, key, unit, wider) \
    [number] = {#key, LIMIT_##section, UNIT_##unit, LIMIT_WIDER_##wider},
#include "dataplane/abi/limit_controls.def"
#define REFUSAL(number, upper, help)
#define CHECK(number, upper, unit, word, help)                                          \
    [LIMIT_CONTROL_ACTION + REFUSAL_BIT(number)] = {#upper, LIMIT_ACTIONS, UNIT_ACTION, \
                                                    LIMIT_WIDER_LESS},
#include "dataplane/abi/refusals.def"
};

const char *limit_control_name(unsigned control)
{
    return control < LIMIT_CONTROLS && limit_control_table[control].name
               ? limit_control_table[control].name
               : "?";
}

bool limit_control_has(enum trade_scope scope, unsigned control)
{
    if (control >= LIMIT_CONTROLS || limit_control_table[control].name == NULL)
        return false;
    switch (limit_control_table[control].section) {
    case LIMIT_SYMBOL: return scope == TRADE_SYMBOL;
    case LIMIT_SESSION: return scope == TRADE_SESSION;
    case LIMIT_ACTIONS: return scope == TRADE_FIRM;
    default: return true;
    }
}

static const char *const owner_names[LIMIT_OWNERS] = {
    [LIMIT_OF_FIRM] = "firm", [LIMIT_OF_BROKER] = "broker"};

const char *limit_owner_name(unsigned owner)
{
    return owner < LIMIT_OWNERS ? owner_names[owner] : "?";
}

enum limit_owned limit_owner_find(const char *name)
{
    unsigned owner = 0;
    while (owner < LIMIT_OWNERS && strcmp(owner_names[owner], name) != 0)
        owner++;
    return (enum limit_owned)owner;
}

bool limit_owner_has(enum limit_owned owner, unsigned control)
{
    return owner == LIMIT_OF_FIRM ||
           (owner == LIMIT_OF_BROKER && control < LIMIT_CONTROLS &&
            limit_control_table[control].name &&
            limit_control_table[control].section == LIMIT_LIMITS &&
            control != LIMIT_LIMITS_warn_percent && control != LIMIT_LIMITS_forbid &&
            control != LIMIT_LIMITS_market && control != LIMIT_LIMITS_venues);
}

enum limit_control limit_control_of(unsigned refusal)
{
    switch (refusal) {
#define OWNED(check, key) \
    case REFUSAL_##check: return LIMIT_LIMITS_##key;
        LIMIT_OWNED_LIST(OWNED)
#undef OWNED
    default: return LIMIT_CONTROL_NONE;
    }
}

enum limit_control limit_control_find(enum trade_scope scope, const char *name)
{
    for (unsigned i = 1; i < LIMIT_CONTROLS; i++)
        if (limit_control_has(scope, i) && strcmp(limit_control_table[i].name, name) == 0)
            return (enum limit_control)i;
    return LIMIT_CONTROL_NONE;
}

bool limit_widens(unsigned control, uint64_t was, uint64_t now)
{
    switch (limit_control_table[control].wider) {
    case LIMIT_WIDER_MORE: return now > was;
    case LIMIT_WIDER_LESS: return now < was;
    case LIMIT_WIDER_FEWER: return (was & ~now) != 0;
    case LIMIT_WIDER_BITS: return (now & ~was) != 0;
    default: return now != was;
    }
}
