// The cores of one dataplane are not another's. A lane that polls has its core alone; lanes that
// give theirs up while they idle, and main threads, may share one.
#include "dataplane/base/cpu.h"
#include "dataplane/control/dataplane.h"

static bool core_take(const struct config *config, const uint32_t *core, bool alone,
                      struct error *err)
{
    if (cpu_take(*core, alone))
        return true;
    config_fault(config, core, err,
                 "core %u is in use by another dataplane%s; take another core, or stop that one",
                 *core,
                 alone ? ", and a lane that polls needs its own" : ", whose lane polls on it");
    err->code = EXIT_FAILED;
    return false;
}

bool cores_take(const struct config *config, struct error *err)
{
    if (!core_take(config, &config->node.main_core, false, err))
        return false;
    for (uint32_t i = 0; i < config->lane_count; i++)
        if (!core_take(config, &config->lanes[i].core, config->lanes[i].idle < CONFIG_IDLE_YIELD,
                       err))
            return false;
    return true;
}
