#include "dataplane/lane/lane_event.h"

#include <emmintrin.h>
#include <sched.h>
#include <string.h>
#include <time.h>

void lane_event(struct lane *lane, struct event *event)
{
    event->tsc = lane->stamp;
    event->input = lane->input;
    if (event_write(&lane->trading, event))
        lane->count->events++;
    else
        lane->count->events_refused++;
}

static void sink_event(void *context, const struct event *event)
{
    struct event copy = *event;
    lane_event(context, &copy);
}

static bool sink_request(void *context, const struct feed_request *request)
{
    struct lane *lane = context;
    const struct lane_note note = {.kind = NOTE_REQUEST, .request = *request};
    return spsc_push(&lane->notes, &note);
}

// A held frame is a port's or, when it was recovered, the main lcore's.
static void sink_release(void *context, struct frame *frame)
{
    struct lane *lane = context;
    if (frame->flags & FRAME_RECOVERED) {
        const struct lane_note note = {.kind = NOTE_RETURN, .frame = *frame};
        spsc_push(&lane->notes, &note);
        return;
    }
    struct port *port = lane->inputs[frame->input].port;
    port->ops->release(port, frame);
}

void lane_init(struct lane *lane, const struct region_view *view, uint8_t index, void *notes,
               void *answers)
{
    memset(lane, 0, sizeof *lane);
    lane->view = *view;
    lane->index = index;
    lane->deadline = UINT64_MAX;
    lane->count = region_lane_counters(view, index);
    lane->histograms = region_lane_histograms(view, index);
    lane->bell = region_command_bell(view, index);
    spsc_init(&lane->notes, notes, LANE_RING_LEN, sizeof(struct lane_note));
    spsc_init(&lane->answers, answers, LANE_RING_LEN, sizeof(struct lane_answer));
    lane->inbox = &lane->answers;
    region_event_writer(view, index, EVENT_RING_TRADING, &lane->trading);
    region_event_writer(view, index, EVENT_RING_DIAGNOSTIC, &lane->diagnostics);
}

void lane_input_add(struct lane *lane, struct port *port, uint16_t queue)
{
    lane->inputs[lane->input_count++] = (struct lane_input){.port = port, .queue = queue};
}

void lane_channel_add(struct lane *lane, struct channel *ch)
{
    const struct region_view *view = &lane->view;
    struct channel_histograms *histograms = region_channel_histograms(view, ch->index);
    lane->channels[lane->channel_count++] = ch;
    ch->tops = region_tops(view, ch->index);
    ch->names = region_names(view, ch->index);
    ch->count = region_channel_counters(view, ch->index);
    ch->recovery = &histograms->recovery;
    for (uint32_t i = 0; i < ARBITER_LINES; i++) {
        uint64_t line = (uint64_t)ch->index * CHANNEL_LINES + i;
        ch->lines[i] = region_line_counters(view, line);
        ch->lag[i] = &region_line_histograms(view, line)->lag;
    }
    ch->count->quality = ch->quality;
    ch->sink = (struct channel_sink){lane, sink_event, sink_request, sink_release};
}

void lane_idle(const struct lane *lane)
{
    switch (lane->idle) {
    case IDLE_POLL: break;
    case IDLE_PAUSE: _mm_pause(); break;
    case IDLE_YIELD: sched_yield(); break;
    case IDLE_SLEEP: nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL); break;
    }
}
