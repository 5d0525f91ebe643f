// A book that is lent: what the main lcore loads into it, and what the lane tells once it is back.
// The server is a socket of the loopback; the test is lane and server, time is virtual.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/book/offline.h"
#include "bench/exchange/itch_write.h"
#include "dataplane/base/check.h"
#include "dataplane/base/log.h"
#include "dataplane/control/snapshot.h"
#include "dataplane/feed/told.h"
#include "dataplane/lane/tape.h"
#include "dataplane/wire/glimpse.h"
#include "dataplane/wire/mold64.h"

enum { SYMBOLS = 150, WINDOW = 100, EVENTS = 2048, WAIT_MS = 5000, RETRY_MS = 1000 };

static struct offline o;
static struct channel *const ch = &o.channel;
static struct snapshot snapshot;
static struct rig {
    struct lane lane; // its ring of answers
    struct lane_answer ring[LANE_RING_LEN];
    struct main_counters count;
    struct feed_request request;
    struct event events[EVENTS];
    uint32_t event_count;
    int listener, client;
    uint8_t spin[1 << 16];
    uint32_t spin_len;
    uint64_t next; // number of the next live message
    const char *session;
    char said[256]; // the last line logged
} rig;

static uint8_t m[ITCH_MAX]; // the message being written

static void on_event(void *context, const struct event *event)
{
    (void)context;
    assert_true(rig.event_count < EVENTS);
    rig.events[rig.event_count++] = *event;
}

static bool on_request(void *context, const struct feed_request *request)
{
    (void)context;
    rig.request = *request;
    return true;
}

static void on_release(void *context, struct frame *frame)
{
    (void)context;
    (void)frame;
}

static void on_log(const struct log_line *line)
{
    snprintf(rig.said, sizeof rig.said, "%s", line->text);
}

static void rig_open(uint32_t server_ip)
{
    struct channel_config config = {.protocol = &feed_itch50,
                                    .can_snapshot = true,
                                    .line_count = 1,
                                    .reorder_frames = 8,
                                    .reorder_ticks = WINDOW,
                                    .hold_frames = 16,
                                    .book = {.symbols = SYMBOLS, .orders = 1024}};
    struct config_snapshot to = {.username = "tester", .password = "secret", .timeout_ms = 60000};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    struct error err = {0};
    memset(&rig, 0, sizeof rig);
    rig.session = "SESSION001";
    rig.next = 1;
    book_config_defaults(&config.book);
    assert_true(offline_init(&o, &config, &err));
    ch->sink = (struct channel_sink){NULL, on_event, on_request, on_release};
    spsc_init(&rig.lane.answers, rig.ring, LANE_RING_LEN, sizeof rig.ring[0]);
    rig.client = -1;
    rig.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig.listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(rig.listener, 1), 0);
    assert_int_equal(getsockname(rig.listener, (struct sockaddr *)&at, &len), 0);
    to.server = (struct config_endpoint){.ip = server_ip, .port = ntohs(at.sin_port)};
    snapshot_init(&snapshot, &to, ch, &rig.lane, &rig.count);
    log_listen(on_log);
}

static void rig_close(void)
{
    log_listen(NULL);
    if (rig.client >= 0)
        close(rig.client);
    close(rig.listener);
    channel_drop_held(ch);
    offline_free(&o);
}

// --- messages, live or in a spin ---

static void live(uint32_t len)
{
    static uint8_t ring[32][MOLD64_HEADER_LEN + 2 + ITCH_MAX]; // may be held
    uint8_t *p = ring[rig.next % 32];
    memcpy(p, rig.session, MOLD64_SESSION_LEN);
    be64_store(p + 10, rig.next++);
    be16_store(p + 18, 1);
    be16_store(p + MOLD64_HEADER_LEN, (uint16_t)len);
    memcpy(p + MOLD64_HEADER_LEN + 2, m, len);
    const struct frame frame = {.data = p, .len = MOLD64_HEADER_LEN + 2 + len, .owner = p};
    channel_datagram(ch, 0, p, frame.len, &frame, 10);
}

static void packet(uint8_t type, uint32_t len)
{
    uint8_t *p = rig.spin + rig.spin_len;
    assert_true(rig.spin_len + 3 + len <= sizeof rig.spin);
    be16_store(p, (uint16_t)(len + 1));
    p[2] = type;
    memcpy(p + 3, m, len);
    rig.spin_len += 3 + len;
}

static void spin(uint32_t len)
{
    packet(SOUPBIN_SEQUENCED, len);
}

static const uint8_t *name_of(uint16_t locate)
{
    static char name[16];
    snprintf(name, sizeof name, "S%-7u", locate);
    return (const uint8_t *)name;
}

static uint32_t directory(uint16_t locate)
{
    const struct itch_common c = {locate, 0, 1};
    const struct itch_directory d = {0};
    return itch_stock_directory(m, &c, name_of(locate), &d);
}

static uint32_t action(uint16_t locate, char state, const char *reason)
{
    const struct itch_common c = {locate, 0, 1};
    return itch_trading_action(m, &c, name_of(locate), state, reason);
}

static uint32_t maker(uint16_t locate, char state)
{
    const struct itch_common c = {locate, 0, 1};
    return itch_participant(m, &c, name_of(locate), "MMID", 'Y', 'N', state);
}

// Every symbol is announced and trades, one of them with a market maker.
static void day_begins(void)
{
    live(itch_system_event(m, 1, 'S'));
    for (uint16_t locate = 1; locate <= SYMBOLS; locate++) {
        live(directory(locate));
        live(action(locate, 'T', "    "));
    }
    live(maker(1, 'A'));
}

static const struct symbol_info *info(uint16_t locate)
{
    return &ch->book.infos[ch->book.slot_of_locate[locate]];
}

// --- the loan ---

// Messages are missing, and nobody has them but the snapshot server.
static void gap(void)
{
    rig.next += 10;
    live(itch_system_event(m, 1, 'Q'));
    channel_timers(ch, 10 + WINDOW, 10 + WINDOW);
    assert_true(ch->book_lent);
    assert_int_equal(rig.request.kind, FEED_REQUEST_SNAPSHOT);
    rig.spin_len = 0;
    memcpy(m, "SESSION001                   1", 30);
    packet(SOUPBIN_LOGIN_ACCEPTED, 30);
}

static struct lane_answer answer_wait(uint64_t now_ns)
{
    struct lane_answer answer;
    for (int i = 0; !spsc_pop(&rig.lane.answers, &answer); i++) {
        struct pollfd p = {.fd = snapshot.fd, .events = POLLIN};
        assert_true(i < WAIT_MS);
        snapshot_turn(&snapshot, now_ns);
        poll(&p, 1, 1);
    }
    assert_int_equal(answer.kind, ANSWER_BOOK);
    return answer;
}

// The snapshot ends where the lines go on.
static void served(void)
{
    char number[32];
    m[0] = GLIMPSE_END;
    snprintf(number, sizeof number, "%20lu", rig.next);
    memcpy(m + 1, number, 20);
    spin(GLIMPSE_END_LEN);
    snapshot_request(&snapshot, &rig.request, 0);
    struct pollfd p = {.fd = rig.listener, .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    rig.client = accept(rig.listener, NULL, NULL);
    assert_int_equal(send(rig.client, rig.spin, rig.spin_len, 0), rig.spin_len);
}

// Nothing is told meanwhile.
static void loaded(void)
{
    const uint32_t before = rig.event_count;
    served();
    const struct lane_answer answer = answer_wait(0);
    assert_true(answer.loaded);
    assert_int_equal(answer.sequence, rig.next);
    assert_int_equal(rig.event_count, before);
    channel_book_returned(ch, answer.sequence, answer.loaded, 200);
    assert_int_equal(ch->quality, QUALITY_GOOD);
}

// Events of a type from <from> on.
static uint32_t told(uint16_t type, uint32_t from)
{
    uint32_t count = 0;
    for (uint32_t i = from; i < rig.event_count; i++)
        count += rig.events[i].type == type;
    return count;
}

static void assert_quality_told(uint32_t from, uint16_t locate, enum quality was, enum quality now)
{
    uint32_t count = 0;
    for (uint32_t i = from; i < rig.event_count; i++) {
        const struct event *e = &rig.events[i];
        if (e->type != EVENT_SYMBOL_QUALITY || e->symbol_quality.locate != locate)
            continue;
        count++;
        assert_int_equal(e->symbol_quality.was, was);
        assert_int_equal(e->symbol_quality.now, now);
    }
    assert_int_equal(count, 1);
}

static void turns(void)
{
    for (uint32_t i = 0; told_review_due(ch); i++) {
        assert_true(i < SYMBOLS);
        assert_int_equal(ch->deadline, 0); // the lane comes back by itself
        channel_timers(ch, 210 + i, 210 + i);
    }
}

// --- tests ---

static void what_a_snapshot_changes_is_told(void **state)
{
    (void)state;
    static const uint64_t levels[3] = {300, 200, 100};
    const struct itch_common c = {3, 0, 1};
    rig_open(INADDR_LOOPBACK);
    day_begins();
    live(itch_delete(m, &c, 4711)); // of an order that was never added
    assert_int_equal(o.count.symbols_suspect, 1);
    gap();
    spin(itch_system_event(m, 1, 'M'));
    spin(itch_decline_levels(m, 1, levels));
    for (uint16_t locate = 1; locate <= SYMBOLS; locate++) {
        spin(directory(locate));
        spin(locate == 2 ? action(2, 'H', "LUDP") : action(locate, 'T', "    "));
    }
    const uint32_t from = rig.event_count;
    loaded();
    assert_int_equal(told(EVENT_SYSTEM_EVENT, from), 1);
    assert_int_equal(ch->market.system_event, 'M');
    assert_memory_equal(ch->market.mwcb_levels, levels, sizeof levels);
    turns();
    assert_int_equal(told(EVENT_SYMBOL_QUALITY, from), 2);
    assert_quality_told(from, 3, QUALITY_SUSPECT, QUALITY_GOOD);
    assert_quality_told(from, 2, QUALITY_GOOD, QUALITY_HALTED);
    assert_int_equal(told(EVENT_TRADING_STATUS, from), 1);
    for (uint32_t i = from; i < rig.event_count; i++)
        if (rig.events[i].type == EVENT_TRADING_STATUS) {
            assert_int_equal(rig.events[i].trading_status.locate, 2);
            assert_int_equal(rig.events[i].trading_status.state, 'H');
            assert_memory_equal(rig.events[i].trading_status.reason, "LUDP", 4);
        }
    assert_int_equal(o.count.symbols_suspect, 0);
    rig_close();
}

// A snapshot in which all are in the same state.
static void every_symbol(char state, const char *reason)
{
    for (uint16_t locate = 1; locate <= SYMBOLS; locate++) {
        spin(directory(locate));
        spin(action(locate, state, reason));
    }
}

// A turn tells of so many symbols at most; what a message changes before its turn comes is told
// once, in order.
static void a_turn_tells_a_slice(void **state)
{
    (void)state;
    rig_open(INADDR_LOOPBACK);
    day_begins();
    gap();
    every_symbol('P', "LUDP");
    const uint32_t from = rig.event_count;
    loaded();
    assert_int_equal(told(EVENT_SYMBOL_QUALITY, from), 0);
    uint32_t before = rig.event_count;
    channel_timers(ch, 210, 210);
    assert_int_equal(told(EVENT_SYMBOL_QUALITY, before), TOLD_SYMBOLS_A_TURN);
    assert_int_equal(rig.event_count - before, 2 * TOLD_SYMBOLS_A_TURN);
    live(action(SYMBOLS, 'H', "T1  ")); // still to be compared
    assert_quality_told(from, SYMBOLS, QUALITY_GOOD, QUALITY_HALTED);
    turns();
    assert_quality_told(from, SYMBOLS, QUALITY_GOOD, QUALITY_HALTED);
    assert_int_equal(told(EVENT_SYMBOL_QUALITY, from), SYMBOLS);
    assert_int_equal(told(EVENT_TRADING_STATUS, from), SYMBOLS);
    before = rig.event_count;
    channel_timers(ch, 1000, 1000);
    assert_int_equal(rig.event_count, before);
    rig_close();
}

static void market_makers_are_counted_across_a_snapshot(void **state)
{
    (void)state;
    rig_open(INADDR_LOOPBACK);
    day_begins();
    assert_int_equal(info(1)->market_makers, 1);
    gap();
    spin(directory(1));
    spin(maker(1, 'A'));
    loaded();
    assert_int_equal(info(1)->market_makers, 1);
    assert_int_equal(ch->participants.count, 1);
    live(maker(1, 'W'));
    assert_int_equal(info(1)->market_makers, 0);
    rig_close();
}

// The lane keeps off the table from when it lends it until it has it back.
static void a_session_that_begins_has_no_market_makers(void **state)
{
    (void)state;
    rig_open(INADDR_LOOPBACK);
    day_begins();
    rig.session = "SESSION002";
    rig.next = 1;
    live(itch_system_event(m, 1, 'O'));
    for (int i = 0; i < 3; i++)
        live(directory((uint16_t)(i + 1)));
    assert_true(ch->book_lent);
    assert_int_equal(rig.request.kind, FEED_REQUEST_RESET);
    assert_int_equal(ch->participants.count, 1); // the main lcore's to empty
    snapshot_request(&snapshot, &rig.request, 0);
    assert_int_equal(ch->participants.count, 0);
    channel_book_returned(ch, answer_wait(0).sequence, true, 20);
    assert_int_equal(ch->arbiter.next, rig.next);
    const uint32_t from = rig.event_count;
    live(action(1, 'T', "    ")); // another symbol than yesterday's, of which nothing was said
    assert_quality_told(from, 1, QUALITY_HALTED, QUALITY_GOOD);
    live(maker(1, 'A'));
    assert_int_equal(info(1)->market_makers, 1);
    rig_close();
}

// The book comes back with the bitmap that it was lent with.
static void a_filter_that_is_set_meanwhile_waits(void **state)
{
    (void)state;
    static uint64_t bitmap[1024];
    rig_open(INADDR_LOOPBACK);
    day_begins();
    gap();
    every_symbol('T', "    ");
    served();
    memset(bitmap, 0xff, sizeof bitmap);
    bitmap[0] &= ~(1ull << 3); // all but one
    channel_filter_begin(ch, bitmap);
    assert_int_equal(channel_filter_step(ch), 0);
    const struct lane_answer answer = answer_wait(0);
    channel_book_returned(ch, answer.sequence, answer.loaded, 200);
    for (uint32_t i = 0; ch->filter_next; i++) {
        assert_true(i < 1024);
        channel_filter_step(ch);
    }
    assert_int_equal(told(EVENT_FILTER_CHANGED, 0), 1);
    assert_memory_equal(ch->filter_active, bitmap, sizeof bitmap);
    assert_int_equal(o.count.symbols_suspect, 1); // the one that is no longer followed
    assert_int_equal(ch->book.symbols[ch->book.slot_of_locate[3]].quality, QUALITY_SUSPECT);
    rig_close();
}

static void a_server_that_cannot_be_reached_is_called_that(void **state)
{
    (void)state;
    rig_open(INADDR_BROADCAST); // no connection goes there: refused before anything is sent
    day_begins();
    gap();
    snapshot_request(&snapshot, &rig.request, 0);
    assert_non_null(strstr(rig.said, "attempt 1 of 3"));
    assert_non_null(strstr(rig.said, strerror(ENETUNREACH)));
    for (uint64_t now_ms = 0; snapshot.tries < SNAPSHOT_TRIES; now_ms += RETRY_MS)
        snapshot_turn(&snapshot, now_ms * 1000000);
    assert_non_null(strstr(rig.said, "attempt 3 of 3"));
    assert_non_null(strstr(rig.said, strerror(ENETUNREACH)));
    assert_false(answer_wait(0).loaded);
    rig_close();
}

// --- a lane with a tape

static struct {
    struct tape tape;
    struct capture_ring ring;
    uint8_t bytes[1 << 16]; // that the lane has copied
    uint32_t len, parts, begins;
} taped;

static void lane_tapes(void)
{
    memset(&taped, 0, sizeof taped);
    taped.tape.ring = &taped.ring;
    taped.tape.mask = CAPTURE_RING_MIN - 1;
    atomic_store(&taped.ring.recording, 1);
    rig.lane.tape = &taped.tape;
}

// What comes to the lane in a turn of the main lcore: parts are copied, if it <takes> them. True:
// the book.
static bool lane_turns(uint64_t now_ns, bool takes, struct lane_answer *answer)
{
    struct pollfd p = {.fd = snapshot.fd, .events = POLLIN};
    poll(&p, snapshot.fd >= 0, 1);
    snapshot_turn(&snapshot, now_ns);
    while (spsc_pop(&rig.lane.answers, answer)) {
        if (answer->kind == ANSWER_BOOK)
            return true;
        assert_int_equal(answer->kind, ANSWER_LOADED);
        assert_int_equal(answer->loaded, answer->part->begins);
        memcpy(taped.bytes + taped.len, answer->part->bytes, answer->part->len);
        taped.len += answer->part->len;
        taped.begins += answer->loaded;
        taped.parts++;
        if (takes)
            atomic_store(&answer->part->given, false);
    }
    return false;
}

// More than all parts have room for.
static void large_spin(void)
{
    for (uint32_t i = 0; i < 1000; i++) {
        const struct itch_common c = {(uint16_t)(1 + i % SYMBOLS), 0, 1};
        const struct itch_order order = {
            .reference = i + 1, .side = 'B', .shares = 100, .price = 10000 + i};
        spin(i < SYMBOLS ? directory(c.locate) : itch_add(m, &c, name_of(c.locate), &order, NULL));
    }
}

static void what_is_loaded_goes_to_the_tape(void **state)
{
    (void)state;
    struct lane_answer answer;
    uint32_t at = 33, len = 0; // behind the login
    rig_open(INADDR_LOOPBACK);
    lane_tapes();
    day_begins();
    gap();
    large_spin();
    served();
    for (int i = 0; !lane_turns(0, true, &answer); i++)
        assert_true(i < WAIT_MS);
    assert_true(answer.loaded && answer.recorded);
    assert_int_equal(taped.begins, 1);
    assert_true(taped.len > SNAPSHOT_PARTS * BOOK_PART_LEN);
    for (; rig.spin[at + 3] != GLIMPSE_END; at += 2u + be16_load(rig.spin + at)) {
        const uint32_t message = be16_load(rig.spin + at) - 1u;
        assert_int_equal(be16_load(taped.bytes + len), message);
        assert_memory_equal(taped.bytes + len + 2, rig.spin + at + 3, message);
        len += 2 + message;
    }
    assert_int_equal(len, taped.len);
    rig_close();
}

// It waits for the tape, and not for long.
static void a_tape_does_not_keep_the_book(void **state)
{
    (void)state;
    struct lane_answer answer;
    rig_open(INADDR_LOOPBACK);
    lane_tapes();
    day_begins();
    gap();
    large_spin();
    served();
    for (int i = 0; taped.parts < SNAPSHOT_PARTS - 1; i++) {
        assert_true(i < WAIT_MS);
        assert_false(lane_turns(0, false, &answer));
    }
    for (int i = 0; i < 100; i++)
        assert_false(lane_turns(0, false, &answer));
    assert_int_equal(taped.parts, SNAPSHOT_PARTS - 1);
    for (int i = 0; !lane_turns(30000 * 1000000ull, false, &answer); i++)
        assert_true(i < WAIT_MS);
    assert_true(answer.loaded && !answer.recorded);
    channel_book_returned(ch, answer.sequence, answer.loaded, 200);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    rig_close();
}

static void a_ring_that_nobody_reads_gets_no_book(void **state)
{
    (void)state;
    struct lane_answer answer;
    rig_open(INADDR_LOOPBACK);
    lane_tapes();
    atomic_store(&taped.ring.tail, CAPTURE_RING_MIN / 2 + CAPTURE_UNIT);
    day_begins();
    gap();
    large_spin();
    served();
    for (int i = 0; !lane_turns(0, true, &answer); i++)
        assert_true(i < WAIT_MS);
    assert_true(answer.loaded && !answer.recorded);
    assert_int_equal(taped.parts, 0);
    rig_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_snapshot_changes_is_told),
        cmocka_unit_test(a_turn_tells_a_slice),
        cmocka_unit_test(market_makers_are_counted_across_a_snapshot),
        cmocka_unit_test(a_session_that_begins_has_no_market_makers),
        cmocka_unit_test(a_filter_that_is_set_meanwhile_waits),
        cmocka_unit_test(a_server_that_cannot_be_reached_is_called_that),
        cmocka_unit_test(what_is_loaded_goes_to_the_tape),
        cmocka_unit_test(a_tape_does_not_keep_the_book),
        cmocka_unit_test(a_ring_that_nobody_reads_gets_no_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
