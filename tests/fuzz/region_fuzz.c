// The region reader over fuzzed bytes: the header is the fuzzer's, the rest as long as the header
// wants it (up to a limit). Whatever is accepted is then read as the control plane reads it.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "controlplane/region/board.h"
#include "controlplane/region/call.h"
#include "controlplane/region/events.h"
#include "controlplane/region/snapshot.h"
#include "controlplane/region/symbols.h"
#include "dataplane/base/clock.h"

enum { LENGTH_MAX = 4 << 20, REPAIR = 1, FILL = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct control_state {
    int fd;
    char path[64];
    struct event_log log;
    struct snapshot snapshot;
    struct symbol_table symbols;
    struct board *board;
} st = {.fd = -1};

static void start(void)
{
    st.fd = memfd_create("region", MFD_CLOEXEC);
    snprintf(st.path, sizeof st.path, "/proc/self/fd/%d", st.fd);
    st.board = board_new();
    if (st.fd < 0 || !event_log_init(&st.log) || st.board == NULL)
        abort();
}

// Makes what the fuzzer cannot guess right, so that it gets behind the first checks: magic,
// version, hash, and the table of parts of its own shape. Returns the length of a region of that
// shape, 0 when there is none.
static uint64_t repair(struct region_header *header)
{
    struct region_view view = {0};
    header->magic = REGION_MAGIC;
    header->version = REGION_VERSION;
    header->header_len = sizeof *header;
    region_abi_hash(header->abi_hash);
    if (header->identity.clock.tsc_hz == 0)
        header->identity.clock.tsc_hz = 1;
    header->identity.node[63] = 0;
    header->identity.program[NAME_LEN - 1] = 0;
    if (!region_layout(&header->shape, &view) || view.length > LENGTH_MAX)
        return 0;
    header->length = view.length;
    memcpy(header->parts, view.parts, sizeof header->parts);
    return view.length;
}

static void read_everything(struct contact *contact, const uint8_t *data, size_t size)
{
    struct call call = {.type = COMMAND_BOOK_SNAPSHOT, .target = LANE_MAIN};
    struct board_target target;
    uint64_t rung[LANES_MAX], sequence[LANES_MAX], lanes;
    snapshot_take(&st.snapshot, contact);
    board_take(st.board, contact);
    board_take_positions(st.board, contact);
    for (int s = 0; s < TRADE_SCOPES; s++) {
        const char *name = board_name(st.board, data[0] % LANES_MAX, (enum trade_scope)s, data[0]);
        if (board_find(st.board, s ? scope_name((unsigned)s) : NULL, s ? name : NULL, &target) ==
            BOARD_FOUND) {
            kill_set(&contact->reader, KILL_BY_OPERATOR, &target, rung);
            kill_seen(&contact->reader, KILL_BY_OPERATOR, &target, rung, &lanes, sequence);
        }
    }
    symbol_table_copy(&st.symbols, contact);
    for (uint64_t i = 0; i < st.symbols.count; i++)
        if (strlen(st.symbols.rows[i].name) >= sizeof st.symbols.rows[i].name)
            abort();
    st.log.epoch = 0; // cursors of this region
    event_log_drain(&st.log, contact);
    call_sweep(contact);
    if (call_post(&call, contact, 1) == CALL_PENDING)
        call_look(&call, contact, size ? data[0] : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct region_header header;
    struct contact contact;
    if (st.fd < 0)
        start();
    if (size < 1 + sizeof header)
        return 0;
    uint8_t choices = *data++;
    size--;
    memcpy(&header, data, sizeof header);
    uint64_t length = choices & REPAIR ? repair(&header) : size;
    if (length < sizeof header)
        return 0;
    if (ftruncate(st.fd, 0) != 0 || ftruncate(st.fd, (off_t)length) != 0)
        abort();
    uint8_t *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, st.fd, 0);
    if (memory == MAP_FAILED)
        abort();
    memcpy(memory, &header, sizeof header);
    const uint8_t *rest = data + sizeof header;
    size_t rest_len = size - sizeof header;
    // What follows the header goes over the parts again and again, or stands once at their start.
    for (uint64_t at = sizeof header; rest_len && at < length; at += rest_len) {
        memcpy(memory + at, rest, rest_len < length - at ? rest_len : length - at);
        if (!(choices & FILL))
            break;
    }
    munmap(memory, length);
    contact_init(&contact, st.path);
    contact_look(&contact, 0);
    if (contact_attached(&contact))
        read_everything(&contact, data, size);
    contact_close(&contact);
    return 0;
}
