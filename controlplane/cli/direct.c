#include "controlplane/cli/direct.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/region/board.h"
#include "controlplane/region/path.h"
#include "controlplane/region/snapshot.h"
#include "dataplane/base/clock.h"

static bool attach(struct contact *contact, const char *region, struct error *err)
{
    char path[256];
    contact_init(contact, region);
    if (!region_path_find(region, path, sizeof path))
        return error_set(err, EXIT_USAGE, "%.200s: the path is too long", region);
    if (region_attach(&contact->reader, path, REGION_KILL, contact->why, sizeof contact->why) !=
        REGION_FINE)
        return error_set(err, EXIT_NOT_CONNECTED, "%s", contact->why);
    contact_look(contact, clock_mono_ns());
    if (contact->state == CONTACT_DEAD || contact->state == CONTACT_ABSENT)
        return error_set(err, EXIT_NOT_CONNECTED, "%s", contact->why);
    return true;
}

static bool target_find(const struct board *board, const json_t *params,
                        struct board_target *target, struct error *err)
{
    const char *scope = json_string_value(json_object_get(params, "scope"));
    const char *name = json_string_value(json_object_get(params, "name"));
    if (!board_trades(board))
        return error_set(err, EXIT_STATE,
                         "nothing trades: the dataplane's configuration has no order sessions");
    switch (board_find(board, scope, name, target)) {
    case BOARD_FOUND: return true;
    case BOARD_NO_SCOPE:
        return error_set(err, EXIT_USAGE, "no scope '%.16s'; there are " BOARD_SCOPES, scope);
    case BOARD_NO_NAME:
        return error_set(err, EXIT_USAGE,
                         target->scope == TRADE_FIRM ? "firm takes no name"
                                                     : "the name of the %s is missing: %s:NAME",
                         scope_name(target->scope), scope_name(target->scope));
    case BOARD_UNKNOWN: break;
    }
    return error_set(err, EXIT_FAILED, "no %s '%s'; nothing was killed", scope_name(target->scope),
                     target->name);
}

static json_t *result_make(struct contact *contact, const struct board_target *target,
                           const uint64_t sequence[LANES_MAX])
{
    static struct snapshot snapshot; // large: not on the stack
    json_t *lanes = json_array();
    const bool named = snapshot_take(&snapshot, contact);
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        if (!(target->lanes >> lane & 1))
            continue;
        json_array_append_new(
            lanes,
            json_pack("{s:s,s:o}", "lane", named ? snapshot.lanes[lane].name : "?",
                      "in_force_from_event",
                      sequence[lane] ? json_integer((json_int_t)sequence[lane]) : json_null()));
    }
    return json_pack("{s:s,s:s,s:o,s:n,s:o}", "order", "kill", "scope",
                     target->scope == TRADE_FIRM ? "global" : scope_name(target->scope), "name",
                     *target->name ? json_string(target->name) : json_null(), "reason", "lanes",
                     lanes);
}

static json_t *kill_and_wait(struct contact *contact, const struct board_target *target,
                             struct error *err)
{
    uint64_t rung[LANES_MAX] = {0}, sequence[LANES_MAX] = {0}, seen = 0;
    if (!kill_set(&contact->reader, KILL_BY_DIRECT, target, rung)) {
        error_set(err, EXIT_NOT_CONNECTED, "%s: the region has vanished", contact->reader.path);
        return NULL;
    }
    for (uint32_t ms = 0; ms < DIRECT_PATIENCE_MS; ms++) {
        if (!kill_seen(&contact->reader, KILL_BY_DIRECT, target, rung, &seen, sequence))
            break;
        if (seen == target->lanes)
            return result_make(contact, target, sequence);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    error_set(
        err, EXIT_NOT_CONNECTED,
        "the kill words are set, but %d of %d lanes did not notice within %d ms: they hang or "
        "have ended; disconnect them from the exchange",
        __builtin_popcountll(target->lanes & ~seen), __builtin_popcountll(target->lanes),
        DIRECT_PATIENCE_MS);
    return NULL;
}

json_t *direct_kill(const json_t *params, const char *region, struct error *err)
{
    struct contact contact;
    struct board_target target = {.scope = TRADE_FIRM};
    struct board *board = board_new();
    json_t *result = NULL;
    if (board == NULL) {
        error_set(err, EXIT_FAILED, "no memory for a copy of the region");
        return NULL;
    }
    if (attach(&contact, region, err)) {
        if (!board_take(board, &contact))
            error_set(err, EXIT_NOT_CONNECTED, "%s", contact.why);
        else if (target_find(board, params, &target, err))
            result = kill_and_wait(&contact, &target, err);
    }
    contact_close(&contact);
    board_free(board);
    return result;
}

void direct_tell(const char *socket_path, uint64_t asked_ns)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char line[128];
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int n = snprintf(line, sizeof line,
                           "{\"jsonrpc\":\"2.0\",\"method\":\"kill_told\",\"params\":{\"asked_ns\":"
                           "%llu}}\n",
                           (unsigned long long)asked_ns);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    if (fd >= 0 && strlen(socket_path) < sizeof address.sun_path &&
        connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        (void)!send(fd, line, (size_t)n, MSG_NOSIGNAL);
    if (fd >= 0)
        close(fd);
}
