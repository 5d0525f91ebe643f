#include "dataplane/abi/limit_control.h"

#include <string.h>

const struct limit_control_info limit_control_table[LIMIT_CONTROLS] = {
#define LIMIT_CONTROL(number, section, key, unit, wider) \
    [number] = {#key, LIMIT_##section, UNIT_##unit, LIMIT_WIDER_##wider},
#include "dataplane/abi/limit_controls.def"
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
    default: return true;
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
    default: return now != was;
    }
}
