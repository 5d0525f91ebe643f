#include "dataplane/control/drop_copy.h"

#include "dataplane/abi/events.h"
#include "dataplane/base/clock.h"

static bool makes_sense(const struct drop_copy_record *r)
{
    return r->difference != DROP_NONE && r->difference < DROP_DIFFERENCES && r->now <= 1 &&
           r->stops <= 1 && r->copy < DROP_COPIES_MAX &&
           (r->session < SESSIONS_MAX || r->session == UINT8_MAX);
}

static bool record(struct event_writer *events, const struct drop_copy_record *r)
{
    struct event event = {.type = EVENT_DROP_COPY, .tsc = clock_tsc()};
    event.drop_copy = (struct event_drop_copy){.match = r->match,
                                               .our_shares = r->our_shares,
                                               .their_shares = r->their_shares,
                                               .their_sequence = r->their_sequence,
                                               .ref = r->ref,
                                               .our_price = r->our_price,
                                               .their_price = r->their_price,
                                               .our_count = r->our_count,
                                               .their_count = r->their_count,
                                               .waited_ms = r->waited_ms,
                                               .copy = r->copy,
                                               .session = r->session,
                                               .what = r->what,
                                               .difference = r->difference,
                                               .now = r->now,
                                               .stops = r->stops};
    return event_write(events, &event);
}

enum command_result drop_copy_record(struct event_writer *events,
                                     const struct drop_copy_request *request,
                                     struct drop_copy_answer *answer)
{
    const uint32_t count = request->count; // once: the poster is another process
    answer->recorded = 0;
    if (count > DROP_RECORDS_MAX)
        return COMMAND_RESULT_BAD_ARGUMENT;
    for (uint32_t i = 0; i < count; i++) {
        const struct drop_copy_record row = request->rows[i];
        if (!makes_sense(&row))
            return COMMAND_RESULT_BAD_ARGUMENT;
        if (!record(events, &row))
            return COMMAND_RESULT_NO_ROOM;
        answer->recorded++;
    }
    return COMMAND_RESULT_OK;
}
