// Requests of the control socket, one a line, against a region with a small market and a desk that
// trades. Every answer is JSON-RPC.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/rpc.h"
#include "dataplane/base/clock.h"
#include "tests/lib/region_market.h"
#include "tests/lib/region_trade.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct region_file file;
static struct control control;
static struct job job;

static void start(void)
{
    struct region_shape shape = region_trade_shape();
    struct region_identity identity = region_file_identity();
    region_file_make(&file, &shape, &identity);
    region_market_fill(&file);
    region_trade_fill(&file.view);
    region_beat(&file.view, clock_tsc());
    region_publish(&file.view);
    if (!control_init(&control, file.path))
        abort();
    control_tick(&control, 1); // the only look: the dataplane lives from here on
    job.role = ROLE_RISK;
    control.policy.second_person = true;
    if (control.contact.state != CONTACT_STARTING)
        abort();
    unlink(file.path); // stays attached, leaves nothing behind
}

// The lane's part: every command is answered at once.
static void answer_commands(uint8_t seed)
{
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++) {
        struct command_slot *slot = region_command_slot(&file.view, i);
        if (!command_take(slot, 0) && !command_take(slot, 1) && !command_take(slot, LANE_MAIN))
            continue;
        memset(&slot->answer, seed, sizeof slot->answer);
        command_answer(slot, seed % 8 ? COMMAND_RESULT_OK : seed, seed);
    }
}

static void check(char *reply)
{
    json_t *answer = json_loads(reply, 0, NULL);
    if (answer == NULL || strchr(reply, '\n') ||
        (json_object_get(answer, "result") == NULL) == (json_object_get(answer, "error") == NULL))
        abort();
    json_decref(answer);
    free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    if (file.view.base == NULL)
        start();
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
        char *reply;
        rpc_handle(&control, at, len, &job, &reply);
        for (int turns = 0; job.pending && turns < 20; turns++) {
            answer_commands((uint8_t)(len + (size_t)turns));
            rpc_resume(&control, &job, &reply);
        }
        if (job.pending)
            abort();
        if (reply)
            check(reply);
        at += len + 1;
    }
    return 0;
}
