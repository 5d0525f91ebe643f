// Plays the dataplane for tests of the control plane and the CLI: formats a region in a file,
// beats, answers commands with a made-up book, and does what it is told on standard input, one
// order a line, each answered by "ok".
//
//   fake_dataplane PATH [EPOCH]
//
// It trades as region_trade.h says: lanes notice kills, and are halted, reduced and resumed; the
// orders that it has are told by `orders`.
//
//   events N       N GAP_OPEN events of lane 0, from=1..N
//   burst N        the same into a ring that is not waited for, so that it overflows
//   diagnostics N  N SYMBOL_QUALITY events into lane 0's diagnostic ring
//   quality N      quality of the channel "itch"
//   messages N     adds to the messages and frames of "itch" and lane 0
//   orders N       N orders of account MM are decided and accepted
//   trades N       N orders are decided, sent, accepted and executed; every seventh leaves late
//   refuse N       N orders are refused by POSITION
//   quiet, trade   lanes stop and start noticing kills
//   hang, go       stop and start the heartbeat
//   mute, talk     stop and start answering commands
//   busy           answer every command with BUSY from now on
//   cut            shorten the file to one page
//   stop           state STOPPED, then end; end of input is the same
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "dataplane/abi/region.h"
#include "dataplane/base/clock.h"
#include "tests/lib/region_trade.h"

static struct region_view view;
static struct event_writer trading[3], diagnostics;
static uint64_t bells_seen[3];
static bool hanging, mute, busy, quiet;

static void symbol(uint32_t channel, uint32_t slot, uint16_t locate, const char *name, uint32_t bid,
                   uint32_t ask, uint64_t volume, uint32_t changes)
{
    struct symbol_top *top = region_tops(&view, channel) + slot;
    symbol_top_begin(top);
    top->locate = locate;
    top->trading_state = 'T';
    top->price[0] = bid;
    top->price[1] = ask;
    top->shares[0] = bid ? 100 : 0;
    top->shares[1] = ask ? 200 : 0;
    top->orders[0] = bid ? 1 : 0;
    top->orders[1] = ask ? 2 : 0;
    top->last_price = bid;
    top->last_shares = volume ? 50 : 0;
    top->volume = volume;
    top->changes = changes;
    symbol_top_end(top);
    symbol_name_publish(region_names(&view, channel) + slot, locate, name);
}

static void describe_channel(uint32_t i, const char *name, const char *protocol, uint32_t lines)
{
    struct channel_info *info = region_channel_info(&view, i);
    snprintf(info->name, NAME_LEN, "%s", name);
    snprintf(info->protocol, sizeof info->protocol, "%s", protocol);
    info->lane = (uint8_t)i;
    info->lines = (uint8_t)lines;
    info->can_request = i == 0;
    info->hold_frames = 1000;
    for (uint32_t k = 0; k < lines; k++) {
        struct line_info *line = region_line_info(&view, (uint64_t)i * CHANNEL_LINES + k);
        snprintf(line->name, NAME_LEN, "%c", 'A' + (int)k);
        line->group = 0xe9360c6fu + k; // 233.54.12.111
        line->udp_port = 26477;
    }
}

static void describe(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct lane_info *lane = region_lane_info(&view, i);
        snprintf(lane->name, NAME_LEN, "lane%u", i);
        lane->cpu = (int32_t)i + 2;
    }
    describe_channel(0, "itch", "itch50", 2);
    describe_channel(1, "deep", "deep10", 1);
    struct port_info *port = region_port_info(&view, 0);
    snprintf(port->name, NAME_LEN, "md0");
    snprintf(port->device, sizeof port->device, "net_memif0");
    snprintf(port->driver, NAME_LEN, "net_memif");
    memcpy(port->mac, "\x02\0\0\0\0\x01", 6);
    port->queues = 1;
    port->numa_node = -1;
    snprintf(region_pool_info(&view, 0)->name, NAME_LEN, "md0 receive");
    region_pool_counters(&view, 0)->size = 4096;
    static const char *const items[3] = {"books", "buffers", "region"};
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(region_bill_item(&view, i)->name, 48, "%s", items[i]);
        region_bill_item(&view, i)->bytes = (i + 1) * 2097152ull;
        region_bill_item(&view, i)->page_len = 2097152;
    }
}

static void fill(void)
{
    symbol(0, 0, 10, "AAPL", 1000000, 1000100, 5000, 70);
    symbol(0, 1, 20, "MSFT", 4012345, 4013345, 9000, 20);
    symbol(0, 2, 30, "ZVZZT", 0, 120000, 0, 1);
    symbol(1, 0, 7, "AAPL", 1000000, 1000300, 100, 90);
    region_tops(&view, 0)[2].quality = QUALITY_HALTED;
    struct channel_counters *itch = region_channel_counters(&view, 0);
    itch->packets = 2000;
    itch->messages = 60000;
    itch->gaps = 3;
    itch->gap_messages = 12;
    itch->recovered_messages = 12;
    itch->symbols = 3;
    itch->orders_live = 1234;
    region_channel_counters(&view, 1)->quality = QUALITY_STALE;
    struct line_counters *b = region_line_counters(&view, 1);
    b->packets = 995;
    b->gap_messages = 7;
    b->late_messages = 2;
    b->duplicate = 900;
    region_line_counters(&view, 0)->packets = 1005;
    region_lane_counters(&view, 0)->frames = 2000;
    region_port_counters(&view, 0)->rx_packets = 2000;
    region_port_counters(&view, 0)->link_up = 1;
    region_pool_counters(&view, 0)->free = 4000;
    struct histogram *h = &region_lane_histograms(&view, 0)->frame_to_book;
    for (uint32_t i = 0; i < 990; i++)
        histogram_record(h,
                         clock_ns_to_ticks(&(struct clock_calibration){.tsc_hz = 2000000000}, 95));
    for (uint32_t i = 0; i < 10; i++)
        histogram_record(
            h, clock_ns_to_ticks(&(struct clock_calibration){.tsc_hz = 2000000000}, 4000));
}

// --- commands ---

static enum command_result book(const struct book_snapshot_request *request,
                                struct book_snapshot_answer *answer)
{
    if (request->locate != 10 && request->locate != 7)
        return COMMAND_RESULT_NO_SYMBOL;
    answer->next_sequence = 60001;
    answer->time_ns = 34200000000001;
    answer->trading_state = 'T';
    answer->quality = QUALITY_GOOD;
    answer->bid_count = request->depth;
    answer->ask_count = request->depth > 3 ? 3 : request->depth;
    for (uint32_t i = 0; i < request->depth; i++) {
        answer->bids[i] = (struct command_level){1000000 - 100 * i, i + 1, 100ull * (i + 1)};
        answer->asks[i] = (struct command_level){1000100 + 100 * i, i + 1, 200ull * (i + 1)};
    }
    return COMMAND_RESULT_OK;
}

// --- trading ---

static uint64_t kills_seen[2][KILL_ASKERS];

static void kills_look(void)
{
    for (uint32_t lane = 0; lane < 2 && !quiet; lane++)
        for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
            const struct kill_words *k = region_kill_words(&view, lane * KILL_ASKERS + asker);
            struct event event = {.type = EVENT_KILL, .tsc = clock_tsc()};
            const uint64_t rung = atomic_load_explicit(&k->rung, memory_order_acquire);
            if (rung == kills_seen[lane][asker])
                continue;
            kills_seen[lane][asker] = event.kill.rung = rung;
            event.kill.asker = (uint8_t)asker;
            event_write(&trading[lane], &event);
            board_kill(region_trade_board(&view, lane), asker, rung, trading[lane].sequence - 1);
        }
}

static enum command_result resume(struct govern_answer *to, uint32_t lane, uint32_t scope,
                                  uint32_t index)
{
    _Atomic uint8_t *state = &board_states(region_trade_board(&view, lane), scope)[index];
    to->lifted = *state ? LIFT_STATE : 0;
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
        struct kill_words *k = region_kill_words(&view, lane * KILL_ASKERS + asker);
        to->lifted |= kill_bit(kill_scope(k, scope), index) ? LIFT_KILL : 0;
        kill_lift(k, scope, index);
    }
    *state = TRADING_ACTIVE;
    return to->lifted ? COMMAND_RESULT_OK : COMMAND_RESULT_NOTHING;
}

static enum command_result govern(struct command_slot *slot, uint32_t lane, uint64_t *sequence)
{
    const struct govern_request *ask = &slot->request.govern;
    struct govern_answer *to = &slot->answer.govern;
    struct trade_board *board = region_trade_board(&view, lane);
    struct event event = {.type = EVENT_GOVERNED, .tsc = clock_tsc()};
    event.governed.command = (uint8_t)slot->type;
    event.governed.user = ask->user;
    memcpy(event.governed.reason, ask->reason, REASON_LEN);
    event_write(&trading[lane], &event);
    *sequence = trading[lane].sequence - 1;
    to->was = board_states(board, ask->scope)[ask->index];
    if (slot->type == COMMAND_RESUME)
        return resume(to, lane, ask->scope, ask->index);
    if (slot->type == COMMAND_HALT || slot->type == COMMAND_REDUCE)
        board_states(board, ask->scope)[ask->index] =
            slot->type == COMMAND_HALT ? TRADING_HALTED : TRADING_REDUCING;
    for (uint32_t i = 0; slot->type == COMMAND_STRATEGY_SET && i < PARAMETERS_MAX; i++)
        if (ask->chosen >> i & 1)
            region_strategy_values(&view, ask->index)->value[i] = ask->parameters[i];
    to->now = board_states(board, ask->scope)[ask->index];
    return COMMAND_RESULT_OK;
}

static void write_orders(unsigned long count)
{
    struct event decision = {.type = EVENT_DECISION, .tsc = clock_tsc()};
    struct event order = {.type = EVENT_ORDER, .tsc = clock_tsc()};
    for (uint32_t i = 0; i < count; i++) {
        decision.decision.order = order.order.order = i;
        decision.decision.ref = order.order.ref = i + 1;
        decision.decision.kind = 'O';
        decision.decision.side = order.order.side = 'B';
        decision.decision.quantity = order.order.open = 100;
        decision.decision.price = order.order.price = 1000000 + i;
        decision.decision.checks = i % 2 ? CHECKS_OF_MARKET : 0;
        order.order.life = 1;
        event_write(&trading[0], &decision);
        event_write(&trading[0], &order);
    }
}

static void credit_wait(void)
{
    while (event_credit(&trading[0]) < 8) {
        region_beat(&view, clock_tsc()); // it may take long: it waits, and does not hang
        usleep(1000);
    }
}

// The clock ticks twice a nanosecond.
static void write_trades(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct event event = {.type = EVENT_DECISION, .tsc = clock_tsc(), .input = i};
        const uint32_t place = (uint32_t)(i % 500), ref = (uint32_t)i + 1;
        credit_wait();
        event.decision = (struct event_decision){.order = place,
                                                 .ref = ref,
                                                 .kind = 'O',
                                                 .side = 'B',
                                                 .quantity = 100,
                                                 .price = 1000000,
                                                 .bid = 999900,
                                                 .ask = 1000000,
                                                 .bid_shares = 300,
                                                 .ask_shares = 400,
                                                 .started = 400,
                                                 .gated = 700,
                                                 .encoded = 900};
        const uint64_t decision = trading[0].sequence;
        event_write(&trading[0], &event);
        event.type = EVENT_ORDER_SENT;
        event.order_sent = (struct event_order_sent){.decision = decision,
                                                     .order = place,
                                                     .ref = ref,
                                                     .handed = i % 7 ? 1200 : 20000,
                                                     .kind = 'O'};
        event_write(&trading[0], &event);
        event.type = EVENT_ORDER;
        event.tsc = clock_tsc();
        event.order = (struct event_order){
            .order = place, .ref = ref, .open = 100, .life = 1, .side = 'B', .exchange_ref = ref};
        event_write(&trading[0], &event);
        event.order.open = 0;
        event.order.filled = event.order.fill_shares = 100;
        event.order.fill_price = 1000000;
        event.order.life = 3;
        event_write(&trading[0], &event);
    }
}

static void write_refused(uint64_t n)
{
    struct event event = {.type = EVENT_DECISION, .tsc = clock_tsc()};
    event.decision.started = 400; // 200 ns
    event.decision.gated = 600;
    event.decision.refusal = REFUSAL_POSITION;
    event.decision.value = 1200;
    event.decision.limit = 1000;
    for (uint64_t i = 0; i < n; i++)
        event_write(&trading[0], &event);
}

// One limit is there: the quantity of the first account, as a person has set it last.
static uint64_t quantity = 100;

static enum command_result limit_set(struct command_slot *slot, uint64_t *sequence)
{
    const struct limit_set_request *ask = &slot->request.limit_set;
    struct limit_set_answer *to = &slot->answer.limit_set;
    struct event event = {.type = EVENT_LIMIT_CHANGED, .tsc = clock_tsc()};
    memset(to, 0, sizeof *to);
    to->lanes = 1;
    to->changes[0] =
        (struct limit_changed){.was = quantity, .now = strtoull(ask->changes[0].value, NULL, 10)};
    to->widens = to->changes[0].now > quantity;
    if (ask->flags & LIMIT_SET_DRY)
        return COMMAND_RESULT_OK;
    event.limit_changed = (struct event_limit_changed){.was = quantity,
                                                       .now = to->changes[0].now,
                                                       .user = ask->user,
                                                       .scope = TRADE_ACCOUNT,
                                                       .control = LIMIT_LIMITS_quantity};
    memcpy(event.limit_changed.reason, ask->reason, REASON_LEN);
    event_write(&trading[0], &event);
    quantity = to->changes[0].now;
    *sequence = to->sequence[0] = trading[0].sequence - 1;
    return COMMAND_RESULT_OK;
}

static enum command_result limits_list(struct limits_list_answer *to)
{
    to->next = 0;
    to->count = 1;
    to->entries[0] = (struct limit_entry){.limit = {quantity, LIMIT_NOTHING},
                                          .use = 25,
                                          .room = quantity - 25,
                                          .scope = TRADE_ACCOUNT,
                                          .control = LIMIT_LIMITS_quantity,
                                          .flags = LIMIT_ENTRY_USE};
    return COMMAND_RESULT_OK;
}

static enum command_result answer(struct command_slot *slot, uint32_t target, uint64_t *sequence)
{
    if (busy)
        return COMMAND_RESULT_BUSY;
    if (command_governs(slot->type))
        return govern(slot, target, sequence);
    if (slot->type == COMMAND_BOOK_SNAPSHOT)
        return book(&slot->request.book_snapshot, &slot->answer.book_snapshot);
    if (slot->type == COMMAND_QUEUE_POSITION) {
        if (slot->request.queue_position.reference != 77)
            return COMMAND_RESULT_NO_ORDER;
        slot->answer.queue_position = (struct queue_position_answer){
            .price = 1000000, .shares = 100, .orders_ahead = 4, .shares_ahead = 900, .locate = 10};
        return COMMAND_RESULT_OK;
    }
    if (slot->type == COMMAND_LIMIT_SET)
        return limit_set(slot, sequence);
    if (slot->type == COMMAND_LIMITS_LIST)
        return limits_list(&slot->answer.limits_list);
    if (slot->type != COMMAND_FILTER_SET)
        return COMMAND_RESULT_UNKNOWN;
    uint32_t symbols = slot->request.filter_set.all ? LOCATES : 0;
    for (uint32_t i = 0; i < LOCATES / 64; i++)
        symbols += (uint32_t)__builtin_popcountll(slot->request.filter_set.bitmap[i]);
    slot->answer.filter_set.symbols = symbols;
    *sequence = 42;
    return COMMAND_RESULT_OK;
}

static void take_commands(void)
{
    for (uint32_t target = 0; target < 3; target++) {
        if (!command_rung(region_command_bell(&view, target), &bells_seen[target]))
            continue;
        for (uint32_t i = 0; i < COMMAND_SLOTS; i++) {
            struct command_slot *slot = region_command_slot(&view, i);
            uint64_t sequence = 0;
            if (!command_take(slot, target == 2 ? LANE_MAIN : target))
                continue;
            enum command_result result = answer(slot, target, &sequence);
            command_answer(slot, result, sequence);
        }
    }
}

// --- orders ---

static void write_events(unsigned long count, bool wait)
{
    struct event event = {.type = EVENT_GAP_OPEN, .tsc = clock_tsc()};
    for (unsigned long i = 1; i <= count; i++) {
        event.input = event.gap.from = i;
        event.gap.to = i + 2;
        if (wait)
            credit_wait();
        event_write(&trading[0], &event);
    }
}

static void write_diagnostics(unsigned long count)
{
    struct event event = {.type = EVENT_SYMBOL_QUALITY, .tsc = clock_tsc()};
    for (unsigned long i = 1; i <= count; i++) {
        event.symbol_quality.locate = 10;
        event.symbol_quality.now = QUALITY_SUSPECT;
        event_write(&diagnostics, &event);
    }
}

// False: the end.
static bool obey(const char *order, int fd)
{
    char word[16] = "";
    unsigned long n = 0;
    sscanf(order, "%15s %lu", word, &n);
    if (strcmp(word, "stop") == 0)
        return false;
    if (strcmp(word, "events") == 0 || strcmp(word, "burst") == 0)
        write_events(n, word[0] == 'e');
    else if (strcmp(word, "diagnostics") == 0)
        write_diagnostics(n);
    else if (strcmp(word, "orders") == 0)
        write_orders(n);
    else if (strcmp(word, "trades") == 0)
        write_trades(n);
    else if (strcmp(word, "refuse") == 0)
        write_refused(n);
    else if (strcmp(word, "quiet") == 0 || strcmp(word, "trade") == 0)
        quiet = word[0] == 'q';
    else if (strcmp(word, "quality") == 0)
        region_channel_counters(&view, 0)->quality = n;
    else if (strcmp(word, "messages") == 0) {
        region_channel_counters(&view, 0)->messages += n;
        region_lane_counters(&view, 0)->frames += n;
    } else if (strcmp(word, "hang") == 0 || strcmp(word, "go") == 0)
        hanging = word[0] == 'h';
    else if (strcmp(word, "mute") == 0 || strcmp(word, "talk") == 0)
        mute = word[0] == 'm';
    else if (strcmp(word, "busy") == 0)
        busy = true;
    else if (strcmp(word, "cut") == 0 && ftruncate(fd, 4096) == 0) {
        puts("ok");
        fflush(stdout);
        _exit(0); // what is left of the mapping must not be touched
    } else {
        printf("no order '%s'\n", word);
        return true;
    }
    puts("ok");
    fflush(stdout);
    return true;
}

static void serve(int fd)
{
    char line[256];
    size_t len = 0;
    for (bool more = true; more;) {
        struct pollfd in = {.fd = 0, .events = POLLIN};
        if (!hanging)
            region_beat(&view, clock_tsc());
        kills_look();
        if (!mute)
            take_commands();
        if (poll(&in, 1, 1) <= 0)
            continue;
        char c;
        if (read(0, &c, 1) != 1)
            break;
        if (c != '\n' && len < sizeof line - 1) {
            line[len++] = c;
            continue;
        }
        line[len] = 0;
        len = 0;
        more = obey(line, fd);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: fake_dataplane PATH [EPOCH [CONFIG_HASH]]\n");
        return 2;
    }
    const struct region_shape shape = {.lanes = 2,
                                       .channels = 2,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 3,
                                       .accounts = 2,
                                       .instruments = 3,
                                       .order_sessions = 2,
                                       .strategies = 2,
                                       .positions = 16,
                                       .trading_slots = 1024,
                                       .diagnostic_slots = 64,
                                       .symbols = {100, 50}};
    struct region_identity identity = {
        .epoch = argc > 2 ? strtoull(argv[2], NULL, 10) : clock_utc_ns(),
        .config_hash = argc > 3 ? strtoull(argv[3], NULL, 16) : 0xc0ffee,
        .pid = (uint32_t)getpid(),
        .node = "test-node",
        .program = "fake",
        .clock = {2000000000, clock_tsc(), clock_utc_ns()}};
    struct stat status;
    if (stat("/proc/self/ns/pid", &status) == 0)
        identity.pid_namespace = status.st_ino;
    histogram_edges_init(identity.clock.tsc_hz);
    uint64_t length = region_bytes(&shape);
    unlink(argv[1]);
    int fd = open(argv[1], O_CREAT | O_RDWR, 0600);
    void *memory = MAP_FAILED;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && ftruncate(fd, (off_t)length) == 0)
        memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED || !region_format(memory, length, &shape, &identity, &view)) {
        perror(argv[1]);
        return 1;
    }
    for (uint32_t i = 0; i < 3; i++)
        region_event_writer(&view, i, EVENT_RING_TRADING, &trading[i]);
    region_event_writer(&view, 0, EVENT_RING_DIAGNOSTIC, &diagnostics);
    describe();
    fill();
    region_trade_fill(&view);
    region_beat(&view, clock_tsc());
    region_state_set(&view, REGION_READY);
    region_publish(&view);
    puts("ready");
    fflush(stdout);
    serve(fd);
    region_state_set(&view, REGION_STOPPED);
    unlink(argv[1]);
    return 0;
}
