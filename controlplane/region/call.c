#include "controlplane/region/call.h"

#include <string.h>

static uint32_t bell_of(const struct region_view *view, uint32_t target)
{
    return target == LANE_MAIN ? view->shape.lanes : target;
}

struct pass {
    struct call *call;
    enum call_state state;
    bool give_up;
};

static void do_post(const struct region_view *view, void *context)
{
    struct pass *pass = context;
    struct call *call = pass->call;
    struct command_slot *slots = region_command_slot(view, 0);
    struct command_slot *slot = command_claim(slots);
    if (slot == NULL) {
        pass->state = CALL_NO_SLOT;
        return;
    }
    call->slot = (uint32_t)(slot - slots);
    slot->type = call->type;
    memcpy(&slot->request, &call->request, sizeof call->request);
    memset(&slot->answer, 0, sizeof call->answer);
    command_post(slot, call->target, region_command_bell(view, bell_of(view, call->target)));
    pass->state = CALL_PENDING;
}

static void do_look(const struct region_view *view, void *context)
{
    struct pass *pass = context;
    struct call *call = pass->call;
    struct command_slot *slot = region_command_slot(view, call->slot);
    if (!command_done(slot) && !(pass->give_up && command_abandon(slot, call->target))) {
        pass->state = pass->give_up ? CALL_TIMEOUT : CALL_PENDING;
        return;
    }
    call->result = slot->result;
    call->sequence = slot->sequence;
    memcpy(&call->answer, &slot->answer, sizeof call->answer);
    command_release(slot);
    pass->state = CALL_ANSWERED;
}

static void do_sweep(const struct region_view *view, void *context)
{
    (void)context;
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++) {
        struct command_slot *slot = region_command_slot(view, i);
        uint32_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
        if (state == COMMAND_ABANDONED)
            continue; // its taker frees it
        if (state == COMMAND_CLAIMED || command_abandon(slot, state >> 8))
            command_release(slot);
    }
}

static bool same_instance(const struct call *call, const struct contact *contact)
{
    return contact_attached(contact) && contact_header(contact)->identity.epoch == call->epoch;
}

// Counts and qualities of the answer are another process's: within their bounds from here on.
static void answer_clean(struct call *call)
{
    if (call->type != COMMAND_BOOK_SNAPSHOT)
        return;
    struct book_snapshot_answer *book = &call->answer.book_snapshot;
    if (book->bid_count > BOOK_DEPTH_MAX)
        book->bid_count = BOOK_DEPTH_MAX;
    if (book->ask_count > BOOK_DEPTH_MAX)
        book->ask_count = BOOK_DEPTH_MAX;
}

enum call_state call_post(struct call *call, struct contact *contact, uint64_t deadline_ns)
{
    struct pass pass = {.call = call};
    if (!contact_attached(contact))
        return CALL_LOST;
    call->epoch = contact_header(contact)->identity.epoch;
    call->deadline_ns = deadline_ns;
    return contact_pass(contact, do_post, &pass) ? pass.state : CALL_LOST;
}

enum call_state call_look(struct call *call, struct contact *contact, uint64_t now_ns)
{
    struct pass pass = {.call = call, .give_up = now_ns >= call->deadline_ns};
    if (!same_instance(call, contact) || !contact_pass(contact, do_look, &pass))
        return CALL_LOST;
    if (pass.state == CALL_ANSWERED)
        answer_clean(call);
    return pass.state;
}

void call_drop(struct call *call, struct contact *contact)
{
    struct pass pass = {.call = call, .give_up = true};
    if (same_instance(call, contact))
        contact_pass(contact, do_look, &pass);
}

void call_sweep(struct contact *contact)
{
    contact_pass(contact, do_sweep, NULL);
}

const char *command_result_text(uint32_t result)
{
    static const char *const texts[COMMAND_RESULTS] = {
#define RESULT_TEXT(upper, text) [COMMAND_RESULT_##upper] = text,
        COMMAND_RESULT_LIST(RESULT_TEXT)
#undef RESULT_TEXT
    };
    return result < COMMAND_RESULTS ? texts[result] : "an answer that this program does not know";
}
