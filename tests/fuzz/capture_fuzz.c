// A file of a capture, of anybody's making: read to its end, nothing beyond it is touched, and what
// a record says it has is there.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "controlplane/capture/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture_bytes b;
    struct capture_item item;
    uint64_t sum = 0, records = 0;
    if (capture_bytes_whole(data, size) > size)
        abort();
    capture_bytes_open(&b, data, size);
    for (capture_bytes_next(&b, &item);
         item.kind == CAPTURE_ITEM_RECORD || item.kind == CAPTURE_ITEM_INSTANCE;
         capture_bytes_next(&b, &item)) {
        if (item.kind == CAPTURE_ITEM_INSTANCE)
            continue;
        if (item.lane >= LANES_MAX || item.record.header.kind >= CAPTURE_KINDS || ++records > size)
            abort();
        for (uint32_t i = 0; i + CAPTURE_UNIT < item.record.len; i++)
            sum += item.record.payload[i];
        for (uint32_t i = 0; capture_is_frame(&item.record) && i < item.record.data_len; i++)
            sum += item.data[i];
    }
    __asm__ volatile("" : : "r"(sum));
    return 0;
}
