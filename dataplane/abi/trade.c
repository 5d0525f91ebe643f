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
    static const char *const names[TRADING_STATES] = {
        [TRADING_ACTIVE] = "active", [TRADING_REDUCING] = "reducing", [TRADING_HALTED] = "halted"};
    return state < TRADING_STATES ? names[state] : "?";
}
