#include "dataplane/control/replay_source.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/abi/board.h"

void replay_differs(struct replay_source *s, const char *fmt, ...)
{
    va_list args;
    if (s->difference[0])
        return;
    const int n = snprintf(s->difference, sizeof s->difference,
                           "turn %" PRIu64 ", %" PRIu64 " frames in: ", s->turns, s->frames_in);
    va_start(args, fmt);
    vsnprintf(s->difference + n, sizeof s->difference - (size_t)n, fmt, args);
    va_end(args);
}

// --- the clock ---

static uint64_t word_of(const struct replay_record *r)
{
    uint64_t word = 0;
    if (r->payload_len >= sizeof word)
        memcpy(&word, r->payload, sizeof word);
    return word;
}

uint64_t replay_clock(void *source)
{
    struct replay_source *s = source;
    for (; s->at_clock < s->count; s->at_clock++) {
        struct replay_record *r = &s->records[s->at_clock];
        const uint8_t kind = r->header.kind;
        if (kind == CAPTURE_KILLS && r->header.value == CAPTURE_AT_CLOCK && s->kills &&
            r->header.index < KILL_ASKERS) {
            memcpy((void *)&s->kills[r->header.index], r->payload, sizeof s->kills[0]);
            r->used = true;
        }
        if (kind != CAPTURE_CLOCK && kind != CAPTURE_CLOCK_WIDE)
            continue;
        s->last = kind == CAPTURE_CLOCK ? s->now + r->header.value : word_of(r);
        s->at_clock++;
        r->used = true;
        return s->last;
    }
    replay_differs(s, "the clock is read once more than it was");
    return s->last;
}

// --- other lanes ---

uint32_t replay_others(void *source)
{
    struct replay_source *s = source;
    for (; s->at_others < s->count; s->at_others++) {
        struct replay_record *r = &s->records[s->at_others];
        if (r->used || r->header.kind != CAPTURE_OTHERS)
            continue;
        r->used = true;
        return r->header.value;
    }
    replay_differs(s, "other lanes' orders are looked at once more than they were");
    return 0;
}

// --- ports ---

static uint8_t *copy_of(const void *bytes, uint32_t len, uint32_t room)
{
    uint8_t *copy = malloc(len > room ? len : room);
    if (copy && len)
        memcpy(copy, bytes, len);
    return copy;
}

static uint16_t replay_receive(struct port *port, uint16_t queue, struct frame *frames,
                               uint16_t max)
{
    struct replay_port *p = port->driver;
    struct replay_source *s = p->source;
    uint32_t at = 0;
    uint16_t n = 0;
    (void)queue;
    while (at < s->count && (s->records[at].used || s->records[at].header.kind != CAPTURE_BURST ||
                             s->records[at].header.index != p->input))
        at++;
    if (at == s->count)
        return 0;
    const uint32_t want = s->records[at].header.value;
    s->records[at++].used = true;
    for (; n < want && n < max && at < s->count; at++) {
        struct replay_record *r = &s->records[at];
        struct capture_frame f;
        if (r->header.kind != CAPTURE_FRAME_IN || r->header.index != p->input)
            break;
        memcpy(&f, r->payload, sizeof f);
        uint8_t *bytes = copy_of(r->payload + sizeof f, r->header.value, PORT_FRAME_MAX);
        frames[n++] = (struct frame){
            .data = bytes, .len = f.len, .flags = f.flags, .hw_ns = f.hw_ns, .owner = bytes};
        // Longer than what is recorded: the lane refuses such a frame by its flags or its length.
        if (f.len > r->header.value)
            replay_differs(s, "a frame of %u bytes, of which %u are recorded", f.len,
                           r->header.value);
        r->used = true;
    }
    s->frames_in += n;
    if (n != want)
        replay_differs(s, "a burst of %u frames, of which %u are recorded", want, n);
    return n;
}

static bool replay_buffer(struct port *port, uint16_t queue, struct frame *frame)
{
    struct replay_port *p = port->driver;
    struct replay_source *s = p->source;
    (void)queue;
    p->buffers++;
    for (uint32_t i = 0; i < s->count; i++) {
        struct replay_record *r = &s->records[i];
        if (r->header.kind == CAPTURE_NO_BUFFER && r->header.index == p->input && !r->used &&
            word_of(r) == p->buffers) {
            r->used = true;
            return false;
        }
    }
    uint8_t *bytes = calloc(1, PORT_FRAME_MAX + CACHE_LINE);
    *frame = (struct frame){.data = bytes, .owner = bytes};
    return bytes != NULL;
}

static void frame_compare(struct replay_source *s, const struct replay_record *r,
                          const struct frame *frame)
{
    const uint8_t *was = r->payload + sizeof(struct capture_frame);
    uint32_t at = 0;
    if (frame->len != r->header.value) {
        replay_differs(s, "a frame of %u bytes is sent, it had %u", frame->len, r->header.value);
        return;
    }
    while (at < frame->len && was[at] == frame->data[at])
        at++;
    if (at < frame->len)
        replay_differs(s, "byte %u of %u of a frame that is sent is 0x%02x, it was 0x%02x", at,
                       frame->len, frame->data[at], was[at]);
}

static bool frame_send(struct replay_port *p, const struct frame *frame)
{
    struct replay_source *s = p->source;
    for (uint32_t at = s->at_out; at < s->count; at++) {
        struct replay_record *r = &s->records[at];
        if (r->used || r->header.index != p->input ||
            (r->header.kind != CAPTURE_FRAME_OUT && r->header.kind != CAPTURE_NO_ROOM))
            continue;
        r->used = true;
        if (r->header.kind == CAPTURE_NO_ROOM)
            return false;
        frame_compare(s, r, frame);
        s->frames_out++;
        return true;
    }
    replay_differs(s, "a frame of %u bytes is sent that was not", frame->len);
    return true;
}

static uint16_t replay_send(struct port *port, uint16_t queue, struct frame *frames, uint16_t n)
{
    struct replay_port *p = port->driver;
    uint16_t sent = 0;
    (void)queue;
    while (sent < n && frame_send(p, &frames[sent]))
        free(frames[sent++].owner);
    return sent;
}

static void replay_release(struct port *port, struct frame *frame)
{
    (void)port;
    free(frame->owner);
}

const struct port_ops replay_port_ops = {.receive = replay_receive,
                                         .buffer = replay_buffer,
                                         .send = replay_send,
                                         .release = replay_release};

// --- behind a turn ---

void replay_turn_check(struct replay_source *s)
{
    static const char *const words[] = {
#define CAPTURE_KIND(upper, text) [CAPTURE_##upper] = #upper ": " text,
        CAPTURE_KIND_LIST(CAPTURE_KIND)
#undef CAPTURE_KIND
    };
    for (uint32_t i = 0; i < s->count; i++)
        if (!s->records[i].used)
            replay_differs(s, "recorded and not asked for: %s", words[s->records[i].header.kind]);
}
