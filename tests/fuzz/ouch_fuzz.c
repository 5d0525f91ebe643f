// What an exchange may send on an order session: every message of OUCH 5.0 and 4.2 from both sides,
// options, tokens. The first byte chooses the reader; what is accepted can be written again.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/wire/ouch.h"
#include "dataplane/wire/ouch42.h"
#include "dataplane/wire/ouch50.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ouch_prefix prefix = {"TG", 2};

static void options(const uint8_t *p, uint32_t len)
{
    struct ouch50_options o, again;
    uint8_t out[OUCH50_APPENDAGE_MAX], twice[OUCH50_APPENDAGE_MAX];
    if (!ouch50_options_read(p, len, &o))
        return;
    uint32_t n = ouch50_options_write(out, &o);
    if (n > len || !ouch50_options_read(out, n, &again))
        abort();
    // What was read again is written as it was the first time.
    if (ouch50_options_write(twice, &again) != n || memcmp(out, twice, n) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ouch_report report;
    struct ouch50_message message;
    if (size == 0 || size > 4096)
        return 0;
    const uint8_t *p = data + 1;
    const uint32_t len = (uint32_t)size - 1;
    switch (data[0] & 3) {
    case 0:
        if (ouch50_report(p, len, &report) == OUCH_OK && report.kind >= REPORT_KINDS)
            abort();
        if (len && ouch50_out_check(p, len, &message) == OUCH50_OK && message.options)
            options(message.options, message.options_len);
        break;
    case 1:
        if (ouch42_report(p, len, &prefix, &report) == OUCH_OK && report.kind < REPORT_SYSTEM) {
            char token[14];
            ouch_token_write(token, &prefix, report.ref);
            if (memcmp(token, p + 9, sizeof token) != 0)
                abort();
        }
        break;
    case 2:
        if (ouch50_in_check(p, len, &message) == OUCH50_OK && message.options)
            options(message.options, message.options_len);
        break;
    default: options(p, len);
    }
    return 0;
}
