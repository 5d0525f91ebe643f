// Start of day: nothing is armed before the files of the day are in force, every control holds, and
// the lanes are warm.
#include <string.h>

#include "controlplane/cli/day.h"

enum { WARM_ORDERS = 64, LANES_SHOWN = 64 };

static bool connected(struct day *day, struct error *err)
{
    json_t *status = day_ask(day, "status", json_object(), err);
    const json_t *journal = json_object_get(status, "journal");
    if (status == NULL)
        return false;
    if (strcmp(day_text(status, "state"), "ready") != 0)
        error_set(err, EXIT_STATE, "the dataplane is %s; start it, and wait until it is ready",
                  day_text(status, "state"));
    else if (strcmp(day_text(journal, "state"), "writing") != 0)
        error_set(err, EXIT_STATE,
                  "the journal is %s: the day would have no record; see `tickgate status` and "
                  "docs/journal.md",
                  day_text(journal, "state"));
    else
        day_say(day, "node %s, configuration %s, journal %s", day_text(status, "node"),
                day_text(status, "config_hash"), day_text(journal, "directory"));
    json_decref(status);
    return err->code == EXIT_OK;
}

// Read and checked for the trading day that it is now, and in force on all lanes or none.
static bool files(struct day *day, struct error *err)
{
    json_t *answer = day_change(day, "reload", err);
    if (answer == NULL)
        return false;
    json_object_set(day->step, "files", json_object_get(answer, "files"));
    if (strcmp(day_text(answer, "started"), day_text(answer, "today")) != 0)
        error_set(err, EXIT_STATE,
                  "the dataplane was started for %s, and today is %s: its positions and the sums "
                  "of its day are not today's; restart it",
                  day_text(answer, "started"), day_text(answer, "today"));
    else
        day_say(day, "%zu files of the day are in force",
                json_array_size(json_object_get(answer, "files")));
    json_decref(answer);
    return err->code == EXIT_OK;
}

static bool self_test(struct day *day, struct error *err)
{
    json_t *answer = day_ask(day, "selftest", json_object(), err);
    if (answer == NULL)
        return false;
    json_object_set(day->step, "rows", json_object_get(answer, "rows"));
    day_say(day, "%lld controls hold", (long long)day_number(answer, "controls"));
    json_decref(answer);
    return true;
}

// The lane with the fewest practice orders since the step began; -1: no lane trades.
static int64_t fewest(const json_t *lanes, int64_t first[LANES_SHOWN], bool begins,
                      const char **name)
{
    const json_t *row;
    int64_t least = -1;
    size_t i;
    json_array_foreach(lanes, i, row)
    {
        const int64_t practised = day_number(row, "practised");
        if (i >= LANES_SHOWN)
            break;
        if (begins)
            first[i] = practised;
        if (least < 0 || practised - first[i] < least) {
            least = practised - first[i];
            *name = day_text(row, "lane");
        }
    }
    return least;
}

// Every lane goes the way of an order again and again, up to the closed egress gate. Where all
// trading is halted until it is armed, the gate's answer is no.
static bool warm(struct day *day, struct error *err)
{
    int64_t first[LANES_SHOWN] = {0}, least;
    bool begins = true;
    do {
        const char *name = "";
        *err = (struct error){0}; // what was wrong the last time
        json_t *answer = day_ask(day, "trading", json_object(), err);
        if (answer == NULL)
            return false;
        least = fewest(json_object_get(answer, "lanes"), first, begins, &name);
        begins = false;
        if (least >= WARM_ORDERS)
            day_say(day, "every lane has practised %lld orders or more", (long long)least);
        else
            error_set(
                err, EXIT_STATE,
                "lane %s is cold: %lld practice orders; it needs practice_us, an order session "
                "that is ready with a channel, and a moment without traffic",
                name, (long long)least);
        json_decref(answer);
        if (least >= WARM_ORDERS)
            return true;
    } while (day_again(day));
    return false;
}

// What is in force of the firm, and what else is; null with <err>.
static json_t *in_force(struct day *day, uint32_t *of_firm, struct error *err)
{
    json_t *answer = day_ask(day, "trading", json_object(), err), *others = json_array();
    const json_t *row;
    size_t i;
    *of_firm = 0;
    json_array_foreach(json_object_get(answer, "in_force"), i, row)
    {
        if (strcmp(day_text(row, "scope"), "global") == 0)
            ++*of_firm;
        else
            json_array_append_new(others, json_deep_copy(row));
    }
    if (answer)
        json_decref(answer);
    else
        json_decref(others);
    return answer ? others : NULL;
}

static bool arm(struct day *day, struct error *err)
{
    uint32_t before, after;
    json_t *others = in_force(day, &before, err);
    if (others == NULL)
        return false;
    json_decref(others);
    if (before) {
        json_t *answer = day_change(day, "resume", err);
        if (answer == NULL)
            return false;
        json_decref(answer);
    }
    others = in_force(day, &after, err);
    if (others == NULL)
        return false;
    if (after)
        error_set(err, EXIT_STATE,
                  "the firm is still killed or halted; see `tickgate show trading` for who did it");
    else
        day_say(day, "%s; %zu kills, halts or reductions of smaller scopes stay",
                before ? "armed" : "was armed already", json_array_size(others));
    json_object_set_new(day->step, "still_in_force", others);
    return after == 0;
}

json_t *day_start(const struct day_asks *asks, const struct day_order *order, struct error *err)
{
    static const struct day_step steps[] = {{"node", connected},      {"files", files},
                                            {"self-test", self_test}, {"sessions", day_sessions},
                                            {"warm", warm},           {"arm", arm}};
    return day_sequence("start", steps, sizeof steps / sizeof steps[0], asks, order, err);
}
