// Loading of strategies: set-up, never on a lane.
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/strategy/host.h"

bool strategy_attach(struct strategy_slot *slot, const struct strategy *strategy, const char *name,
                     struct error *err)
{
    if (strategy->interface != STRATEGY_INTERFACE)
        return error_set(err, EXIT_USAGE,
                         "strategy %s: interface %u, this dataplane speaks %d; build it again with "
                         "dataplane/strategy/strategy.h",
                         name, strategy->interface, STRATEGY_INTERFACE);
    if (strategy->start == NULL)
        return error_set(err, EXIT_USAGE, "strategy %s: has no start function", name);
    if (strategy->state_bytes > 1u << 26)
        return error_set(err, EXIT_USAGE, "strategy %s: wants %u bytes of state, at most 64 MiB",
                         name, strategy->state_bytes);
    const size_t bytes = ((size_t)strategy->state_bytes + CACHE_LINE) / CACHE_LINE * CACHE_LINE;
    void *state = aligned_alloc(CACHE_LINE, bytes);
    if (state == NULL)
        return error_set(err, EXIT_FAILED, "strategy %s: no memory for %zu bytes", name, bytes);
    memset(state, 0, bytes);
    slot->strategy = strategy;
    slot->state = state;
    slot->timer_at = UINT64_MAX;
    snprintf(slot->name, sizeof slot->name, "%s", name);
    return true;
}

bool strategy_load(struct strategy_slot *slot, const char *path, const char *name,
                   struct error *err)
{
    // A name without a slash is a file, as the configuration has looked for it, and no system
    // library.
    char whole[PATH_MAX];
    const char *file = realpath(path, whole) ? whole : path;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return error_set(err, EXIT_USAGE, "strategy %s: %s", name, dlerror());
    const struct strategy *strategy = dlsym(library, "tickgate_strategy");
    if (strategy == NULL) {
        error_set(err, EXIT_USAGE, "strategy %s: %s exports no tickgate_strategy", name, path);
        dlclose(library);
        return false;
    }
    if (!strategy_attach(slot, strategy, name, err)) {
        dlclose(library);
        return false;
    }
    slot->library = library;
    return true;
}

bool strategy_start(struct strategy_slot *slot, struct error *err)
{
    const char *why = "no reason given";
    if (slot->strategy->start(slot->state, &slot->setup, &why))
        return true;
    return error_set(err, EXIT_USAGE, "strategy %s: %s", slot->name, why);
}

void strategy_unload(struct strategy_slot *slot)
{
    free(slot->state);
    slot->state = NULL;
    slot->strategy = NULL;
    if (slot->library)
        dlclose(slot->library);
    slot->library = NULL;
}
