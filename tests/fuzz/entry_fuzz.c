// The exchange's own OUCH codec. The first byte chooses protocol and direction, the rest is one
// message: what is read can be written, and what was written reads and writes as the same.
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/trade/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct entry first, second;
    uint8_t bytes[ENTRY_MAX], again[ENTRY_MAX];
    if (size < 1 || size > ENTRY_MAX)
        return 0;
    const enum entry_protocol protocol = data[0] & 1 ? ENTRY_42 : ENTRY_50;
    const enum entry_direction direction = data[0] & 2 ? ENTRY_OUT : ENTRY_IN;
    if (entry_read(protocol, direction, data + 1, (uint32_t)size - 1, &first) != ENTRY_READ)
        return 0;
    const uint32_t length = entry_write(protocol, direction, &first, bytes);
    if (length > ENTRY_MAX || bytes[0] != data[1])
        abort();
    if (entry_read(protocol, direction, bytes, length, &second) != ENTRY_READ ||
        entry_write(protocol, direction, &second, again) != length ||
        memcmp(bytes, again, length) != 0)
        abort();
    return 0;
}
