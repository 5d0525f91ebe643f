// Who may do what on the control socket: users and groups of the machine, as the kernel tells them
// of the other end of a connection.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dataplane/config/config.h"

// Each may do what those before it may.
enum role {
    ROLE_NONE,
    ROLE_VIEW,    // looks
    ROLE_OPERATE, // does what narrows: kill, halt, reduce, cancel, ...
    ROLE_RISK,    // does what widens: resume, enable, parameters
    ROLES
};

enum { ROLE_NAMES_MAX = 32 };

struct role_list {
    bool everybody;
    uint32_t user_count;
    uint32_t group_count;
    uid_t users[ROLE_NAMES_MAX];
    gid_t groups[ROLE_NAMES_MAX];
};

struct roles {
    struct role_list of[ROLES];
    struct role_list broker; // who may set the broker's limits, beside a role
    gid_t group;             // whose members may connect; -1: that of the process
};

// Looks up the names of <options>, which stands in <config>. False with <err>: EXIT_USAGE for a
// name that this machine does not know.
bool roles_load(struct roles *roles, const struct config *config,
                const struct config_control *options, struct error *err);
// Everybody who can connect may do everything but set the broker's limits.
void roles_open(struct roles *roles);
// Root and the control plane's own user may do everything: nobody could keep them from it.
enum role roles_of(const struct roles *roles, uid_t user, const gid_t *groups,
                   uint32_t group_count);

bool roles_broker(const struct roles *roles, uid_t user, const gid_t *groups, uint32_t group_count);

const char *role_name(enum role role);
