#include "controlplane/capture/records.h"

// Bytes that a record of this kind has at least behind its header; UINT32_MAX: no such kind.
static uint32_t payload_min(const struct capture_record *h)
{
    switch (h->kind) {
    case CAPTURE_SKIP:
    case CAPTURE_CLOCK:
    case CAPTURE_NO_ROOM:
    case CAPTURE_NOT_RECORDED:
    case CAPTURE_LOST:
    case CAPTURE_STOP:
    case CAPTURE_END:
    case CAPTURE_OTHERS:
    case CAPTURE_COMMAND: return 0;
    case CAPTURE_START: return sizeof(struct capture_start);
    case CAPTURE_PORT: return sizeof(struct capture_port);
    case CAPTURE_RANDOM:
    case CAPTURE_TURN:
    case CAPTURE_CLOCK_WIDE:
    case CAPTURE_BURST:
    case CAPTURE_NO_BUFFER:
    case CAPTURE_CREDIT:
    case CAPTURE_JOURNAL:
    case CAPTURE_COMMIT:
    case CAPTURE_LATE:
    case CAPTURE_LEASE: return 8;
    case CAPTURE_FRAME_IN:
    case CAPTURE_FRAME_OUT: return sizeof(struct capture_frame);
    case CAPTURE_ANSWER: return sizeof(struct capture_answer);
    case CAPTURE_KILLS: return 8;
    case CAPTURE_CLIENT: return sizeof(struct capture_client);
    case CAPTURE_REQUESTS: return sizeof(struct capture_requests);
    case CAPTURE_LIMITS: return sizeof(struct capture_limits);
    default: return UINT32_MAX;
    }
}

enum capture_code capture_record_next(const uint8_t *bytes, uint64_t len, bool stripped,
                                      struct capture_parsed *r)
{
    if (len < CAPTURE_UNIT)
        return CAPTURE_CODE_MORE;
    memcpy(&r->header, bytes, sizeof r->header);
    const uint32_t min = payload_min(&r->header);
    const uint32_t whole = r->header.units * CAPTURE_UNIT;
    if (min == UINT32_MAX || whole < capture_units(min) * CAPTURE_UNIT ||
        whole > CAPTURE_RECORD_MAX)
        return CAPTURE_CODE_BAD;
    r->payload = bytes + CAPTURE_UNIT;
    r->len = whole;
    r->data_len = 0;
    if (!capture_is_frame(r) && r->header.kind != CAPTURE_ANSWER)
        return len < whole ? CAPTURE_CODE_MORE : CAPTURE_CODE_RECORD;
    r->data_len = r->header.value;
    if (r->data_len > CAPTURE_FRAME_MAX ||
        whole != capture_units((uint64_t)min + r->data_len) * CAPTURE_UNIT)
        return CAPTURE_CODE_BAD;
    if (!capture_is_frame(r))
        return len < whole ? CAPTURE_CODE_MORE : CAPTURE_CODE_RECORD;
    if (stripped)
        r->len = capture_units(min) * CAPTURE_UNIT;
    if (len < r->len)
        return CAPTURE_CODE_MORE;
    memcpy(&r->frame, r->payload, sizeof r->frame);
    return CAPTURE_CODE_RECORD;
}
