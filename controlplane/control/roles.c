#include "controlplane/control/roles.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENTRY_LEN = 65536 };

static const char *const names[ROLES] = {"none", "view", "operate", "risk"};

const char *role_name(enum role role)
{
    return names[role];
}

void roles_open(struct roles *roles)
{
    memset(roles, 0, sizeof *roles);
    roles->group = (gid_t)-1;
    roles->of[ROLE_RISK].everybody = true;
}

// --- names ---

// A number stands for itself.
static bool number_of(const char *name, uint32_t *id)
{
    char *end;
    if (!isdigit((unsigned char)*name))
        return false;
    const unsigned long value = strtoul(name, &end, 10);
    *id = (uint32_t)value;
    return *end == 0 && value < UINT32_MAX;
}

static bool user_of(const char *name, uint32_t *id)
{
    struct passwd entry, *user = NULL;
    char texts[ENTRY_LEN];
    if (getpwnam_r(name, &entry, texts, sizeof texts, &user) == 0 && user)
        *id = user->pw_uid;
    return user != NULL || number_of(name, id);
}

static bool group_of(const char *name, uint32_t *id)
{
    struct group entry, *group = NULL;
    char texts[ENTRY_LEN]; // of the names of all members, too
    if (getgrnam_r(name, &entry, texts, sizeof texts, &group) == 0 && group)
        *id = group->gr_gid;
    return group != NULL || number_of(name, id);
}

// One word of a list. Null, or what is wrong with it.
static const char *word_take(struct role_list *list, const char *word)
{
    uint32_t id = 0;
    if (strcmp(word, "*") == 0) {
        list->everybody = true;
    } else if (*word == '@') {
        if (!group_of(word + 1, &id))
            return "this machine has no such group; `getent group` lists them";
        if (list->group_count == ROLE_NAMES_MAX)
            return "more than 32 groups; make a group of them";
        list->groups[list->group_count++] = id;
    } else {
        if (!user_of(word, &id))
            return "this machine has no such user; a group is written with @ before it";
        if (list->user_count == ROLE_NAMES_MAX)
            return "more than 32 users; make a group of them";
        list->users[list->user_count++] = id;
    }
    return NULL;
}

static bool list_load(struct role_list *list, const struct config *config, const char *text,
                      struct error *err)
{
    char copy[PATH_LEN], *rest = copy;
    memcpy(copy, text, sizeof copy);
    for (const char *word; (word = strsep(&rest, " ,")) != NULL;) {
        const char *fault = *word ? word_take(list, word) : NULL;
        if (fault)
            return config_fault(config, text, err, "'%s': %s", word, fault);
    }
    return true;
}

bool roles_load(struct roles *roles, const struct config *config,
                const struct config_control *options, struct error *err)
{
    memset(roles, 0, sizeof *roles);
    roles->group = (gid_t)-1;
    if (options->group[0] && !group_of(options->group, &roles->group))
        return config_fault(config, options->group, err, "'%s': this machine has no such group",
                            options->group);
    return list_load(&roles->of[ROLE_VIEW], config, options->view, err) &&
           list_load(&roles->of[ROLE_OPERATE], config, options->operate, err) &&
           list_load(&roles->of[ROLE_RISK], config, options->risk, err) &&
           list_load(&roles->broker, config, options->broker, err);
}

// --- who asks ---

static bool listed(const struct role_list *list, uid_t user, const gid_t *groups,
                   uint32_t group_count)
{
    bool found = list->everybody;
    for (uint32_t i = 0; i < list->user_count; i++)
        found = found || list->users[i] == user;
    for (uint32_t i = 0; i < list->group_count; i++)
        for (uint32_t k = 0; k < group_count; k++)
            found = found || list->groups[i] == groups[k];
    return found;
}

enum role roles_of(const struct roles *roles, uid_t user, const gid_t *groups, uint32_t group_count)
{
    if (user == 0 || user == geteuid())
        return ROLE_RISK;
    for (int role = ROLE_RISK; role > ROLE_NONE; role--)
        if (listed(&roles->of[role], user, groups, group_count))
            return (enum role)role;
    return ROLE_NONE;
}

bool roles_broker(const struct roles *roles, uid_t user, const gid_t *groups, uint32_t group_count)
{
    return user == 0 || user == geteuid() || listed(&roles->broker, user, groups, group_count);
}
