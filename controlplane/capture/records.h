// The records of a lane's capture, one after the other. Nothing of them is believed.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "controlplane/region/captures.h"

struct capture_parsed {
    struct capture_record header;
    const uint8_t *payload;
    uint32_t len;               // of the record, header included, as it stands in <bytes>
    uint32_t data_len;          // bytes of a frame
    struct capture_frame frame; // of FRAME_IN and FRAME_OUT
};

static inline bool capture_is_frame(const struct capture_parsed *r)
{
    return r->header.kind == CAPTURE_FRAME_IN || r->header.kind == CAPTURE_FRAME_OUT;
}

enum capture_code { CAPTURE_CODE_RECORD, CAPTURE_CODE_MORE, CAPTURE_CODE_BAD };

// The record at <bytes>. <stripped>: frames stand without their bytes. CAPTURE_CODE_MORE: the rest
// of it is missing.
enum capture_code capture_record_next(const uint8_t *bytes, uint64_t len, bool stripped,
                                      struct capture_parsed *r);
