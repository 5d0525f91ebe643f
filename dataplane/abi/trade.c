#include "dataplane/abi/trade.h"

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
