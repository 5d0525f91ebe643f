// A start that waits for the control plane: whether somebody wants it to end, and what can be seen
// of what it waits for.
#include <fcntl.h>
#include <stdio.h>

#include "dataplane/control/dataplane.h"

// What a person does about each state of the journal; null: the state says nothing.
static const char *const remedies[RECORD_STATES] = {
    [RECORD_FULL] = "make room in journal.directory",
    [RECORD_SLOW] = "look at the disk of journal.directory",
    [RECORD_FAILED] = "look at the disk of journal.directory, then restart tickgate-controlplane",
    [RECORD_DAMAGED] = "look with `tickgate journal verify`",
    [RECORD_UNVERIFIED] = "wait, or look at its log",
};

static const char *const meanings[RECORD_STATES] = {
#define MEANING(upper, lower, help) help,
    RECORD_STATE_LIST(MEANING)
#undef MEANING
};

bool start_stopped(const struct dataplane *d, const char *waited_for, struct error *err)
{
    if (d->stop == NULL || *d->stop == 0)
        return false;
    error_set(err, EXIT_FAILED, "ended by a signal while it waited for %s", waited_for);
    return true;
}

// Whoever drains a region holds a lock on the first byte of its file (dataplane/abi/attach.c).
static bool attached(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

struct control_seen control_plane_look(int fd, const struct region_view *view)
{
    const uint64_t state =
        atomic_load_explicit(&region_record_word(view, 0)->state, memory_order_acquire);
    return (struct control_seen){.attached = attached(fd),
                                 .journal = state < RECORD_STATES ? (uint32_t)state : 0};
}

const char *control_plane_cause(const struct config *config, struct control_seen seen, char *text,
                                size_t len)
{
    const char *remedy = remedies[seen.journal];
    if (seen.attached && remedy)
        snprintf(text, len, "a control plane is there and its journal takes nothing (%s): %s",
                 meanings[seen.journal], remedy);
    else if (seen.attached)
        snprintf(text, len, "a control plane is there and does not go on: look at its log");
    else
        snprintf(text, len,
                 "no control plane is there: start tickgate-controlplane on region %s%s%s%s",
                 config->node.region, remedy ? " (the one before said of its journal: " : "",
                 remedy ? meanings[seen.journal] : "", remedy ? ")" : "");
    return text;
}
