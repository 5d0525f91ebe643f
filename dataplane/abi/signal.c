#include "dataplane/abi/signal.h"

static const char *const verdicts[SIGNAL_VERDICTS][2] = {
#define SIGNAL_ROW(upper, lower, fault, help) {#lower, help},
    SIGNAL_VERDICT_LIST(SIGNAL_ROW)
#undef SIGNAL_ROW
};

static const char *const states[SIGNAL_STATES] = {
#define SIGNAL_ROW(upper, lower) #lower,
    SIGNAL_STATE_LIST(SIGNAL_ROW)
#undef SIGNAL_ROW
};

const char *signal_verdict_name(unsigned verdict)
{
    return verdict < SIGNAL_VERDICTS ? verdicts[verdict][0] : "?";
}

const char *signal_verdict_help(unsigned verdict)
{
    return verdict < SIGNAL_VERDICTS ? verdicts[verdict][1] : "?";
}

const char *signal_state_name(unsigned state)
{
    return state < SIGNAL_STATES ? states[state] : "?";
}
