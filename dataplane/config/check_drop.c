// What no single option of a drop copy can know.
#include <string.h>
#include <strings.h>

#include "dataplane/config/places.h"

static bool times_check(const struct config_drop_copy *d, const struct places *places,
                        struct error *err)
{
    if (d->silence_ms <= d->heartbeat_ms)
        return place_fault(places, &d->silence_ms, err,
                           "is not longer than heartbeat_ms (%u): the server would be given up "
                           "between two of its heartbeats",
                           d->heartbeat_ms);
    return d->retry_max_ms >= d->retry_ms ||
           place_fault(places, &d->retry_max_ms, err, "is below retry_ms (%u)", d->retry_ms);
}

// Messages of a copy say whose they are by the username.
static bool session_check(const struct config *config, uint32_t at, const struct places *places,
                          struct error *err)
{
    const struct config_session *s = &config->sessions[at];
    if (s->drop_copy == CONFIG_NONE)
        return true;
    if (s->username[0] == 0)
        return place_fault(places, &s->drop_copy, err,
                           "needs the session's username: the copy names it with every message");
    for (uint32_t i = 0; i < at; i++)
        if (config->sessions[i].drop_copy == s->drop_copy &&
            strcasecmp(config->sessions[i].username, s->username) == 0)
            return place_fault(places, &s->drop_copy, err,
                               "session '%s' has the same username on this copy; nobody could tell "
                               "them apart",
                               config->sessions[i].name);
    return true;
}

bool config_check_drop(const struct config *config, const struct places *places, struct error *err)
{
    for (uint32_t i = 0; i < config->session_count; i++)
        if (!session_check(config, i, places, err))
            return false;
    for (uint32_t i = 0; i < config->drop_copy_count; i++) {
        const struct config_drop_copy *d = &config->drop_copies[i];
        uint32_t sessions = 0;
        for (uint32_t s = 0; s < config->session_count; s++)
            sessions += config->sessions[s].drop_copy == i;
        if (sessions == 0)
            return place_fault(places, d->name, err,
                               "no session is compared with it; set sessions.drop_copy: %s",
                               d->name);
        if (!times_check(d, places, err))
            return false;
    }
    return true;
}
