// What a copy's messages and the journal's events say, and what is kept of it for a restart.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "controlplane/dropcopy/keep.h"
#include "controlplane/dropcopy/ours.h"
#include "controlplane/dropcopy/theirs.h"
#include "dataplane/wire/ouch42.h"
#include "dataplane/wire/ouch50.h"

static struct {
    struct drop_sessions sessions;
    struct drop_ours ours;
    char path[64];
} f;

// Two sessions of the copy, with one of another between them.
static int setup(void **state)
{
    (void)state;
    static struct config config;
    memset(&f, 0, sizeof f);
    memset(&config, 0, sizeof config);
    config.session_count = 3;
    static const char *const names[] = {"first", "other", "second"};
    static const char *const users[] = {"alice", "bob", "carol"};
    for (uint32_t i = 0; i < 3; i++) {
        struct config_session *s = &config.sessions[i];
        snprintf(s->name, sizeof s->name, "%s", names[i]);
        snprintf(s->username, sizeof s->username, "%s", users[i]);
        snprintf(s->protocol, sizeof s->protocol, i == 2 ? "ouch42" : "ouch50");
        snprintf(s->token_prefix, sizeof s->token_prefix, i == 2 ? "TG" : "");
        s->drop_copy = i == 1 ? CONFIG_NONE : 0;
    }
    drop_sessions_of(&f.sessions, &config, 0);
    assert_int_equal(f.sessions.count, 2);
    snprintf(f.path, sizeof f.path, "/tmp/tickgate-said-test-%d", (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(f.path);
    return 0;
}

// --- theirs ---

static enum drop_read theirs(const char *user, const uint8_t *message, uint32_t len,
                             struct drop_item *item)
{
    uint8_t p[256];
    char head[DROP_HEAD_LEN + 1];
    snprintf(head, sizeof head, "TGTE%-6s", user);
    memcpy(p, head, DROP_HEAD_LEN);
    memcpy(p + DROP_HEAD_LEN, message, len);
    return drop_theirs_read(&f.sessions, p, DROP_HEAD_LEN + len, 17, item);
}

static void messages_of_both_protocols(void **state)
{
    (void)state;
    uint8_t m[256];
    struct drop_item i;
    const struct ouch50_executed executed = {
        .user_ref = 5, .quantity = 100, .price = 1234500, .match = 77};
    assert_int_equal(theirs("ALICE", m, ouch50_executed_write(m, &executed), &i), DROP_READ);
    assert_int_equal(i.session, 0);
    assert_int_equal(i.what, 'E');
    assert_int_equal(i.ref, 5);
    assert_int_equal(i.match, 77);
    assert_int_equal(i.shares, 100);
    assert_int_equal(i.price, 1234500);
    assert_int_equal(i.sequence, 17);
    assert_false(i.bare);
    const struct ouch50_canceled canceled = {.user_ref = 5, .quantity = 40, .reason = 'U'};
    assert_int_equal(theirs("alice", m, ouch50_canceled_write(m, &canceled), &i), DROP_READ);
    assert_int_equal(i.what, 'C');
    assert_int_equal(i.shares, 40);
    const struct ouch50_broken broken = {.user_ref = 5, .match = 77, .reason = 'E'};
    assert_int_equal(theirs("alice", m, ouch50_broken_write(m, &broken), &i), DROP_READ);
    assert_int_equal(i.what, 'B');
    assert_true(i.bare);
    const struct ouch50_system day = {.event = 'S'};
    assert_int_equal(theirs("alice", m, ouch50_system_write(m, &day), &i), DROP_NOTHING);
    struct ouch42_executed older = {.quantity = 100, .price = 1234500, .match = 78};
    ouch_token_write(older.token, &f.sessions.rows[1].prefix, 0x4711);
    const uint32_t len = ouch42_executed_write(m, &older);
    assert_int_equal(theirs("carol", m, len, &i), DROP_READ);
    assert_int_equal(i.session, 2);
    assert_int_equal(i.ref, 0x4711);
    memcpy(older.token, "SOMEBODY ELSES", 14); // a token that this node does not make
    assert_int_equal(theirs("carol", m, ouch42_executed_write(m, &older), &i), DROP_NOT_OURS);
    assert_int_equal(i.match, 78);
    assert_int_equal(i.session, 2);
}

static void what_is_none(void **state)
{
    (void)state;
    uint8_t m[256] = {0};
    struct drop_item i;
    const struct ouch50_executed executed = {.user_ref = 5, .quantity = 100, .price = 10000};
    const uint32_t len = ouch50_executed_write(m, &executed);
    assert_int_equal(theirs("bob", m, len, &i), DROP_NOT_OURS); // of no copy
    assert_int_equal(i.session, UINT8_MAX);
    assert_int_equal(theirs("", m, len, &i), DROP_NOT_OURS);
    for (uint32_t n = 1; n < len; n++)
        assert_int_equal(theirs("alice", m, n, &i), DROP_UNREADABLE);
    assert_int_equal(theirs("alice", m, 0, &i), DROP_UNREADABLE);
    m[0] = 'z';
    assert_int_equal(theirs("alice", m, len, &i), DROP_UNREADABLE);
}

// --- ours ---

static struct event order(uint32_t sequence, uint8_t message, uint32_t named, uint32_t open)
{
    struct event e = {.type = EVENT_ORDER};
    e.order.sequence = sequence;
    e.order.message = message;
    e.order.order = 9;
    e.order.ref = e.order.named = named;
    e.order.open = open;
    return e;
}

static bool ours(const struct event *e, struct drop_item *item)
{
    bool again;
    return drop_ours_read(&f.ours, &f.sessions.rows[0], e, item, &again);
}

static void events_of_orders(void **state)
{
    (void)state;
    struct drop_item i;
    struct event e = order(1, REPORT_ACCEPTED, 5, 300);
    assert_true(ours(&e, &i));
    assert_int_equal(i.what, 'A');
    assert_int_equal(i.ref, 5);
    assert_true(i.bare);
    e = order(2, REPORT_EXECUTED, 5, 200);
    e.order.match = 77;
    e.order.fill_shares = 100;
    e.order.fill_price = 1234500;
    assert_true(ours(&e, &i));
    assert_int_equal(i.match, 77);
    assert_int_equal(i.shares, 100);
    assert_int_equal(i.price, 1234500);
    assert_false(i.bare);
    e.order.did = 1 << 5; // the exchange has said it twice: it counts once
    e.order.sequence = 3;
    assert_false(ours(&e, &i));
    e = order(4, REPORT_CANCELED, 5, 150);
    e.order.match = 50;
    assert_true(ours(&e, &i));
    assert_int_equal(i.what, 'C');
    assert_int_equal(i.match, 0);
    assert_int_equal(i.shares, 50);
    assert_false(i.bare);
    e = order(5, REPORT_CANCELED, 5, 150);
    e.order.named = 4; // a link of the chain that was replaced: what the message said counts
    e.order.match = 20;
    assert_true(ours(&e, &i));
    assert_int_equal(i.ref, 4);
    assert_int_equal(i.shares, 20);
    e = order(6, REPORT_REJECTED, 5, 0); // is not copied
    assert_false(ours(&e, &i));
    e = order(0, REPORT_CANCELED, 5, 0); // nobody's message
    assert_false(ours(&e, &i));
    e = (struct event){.type = EVENT_UNCLAIMED};
    e.unclaimed.message = REPORT_EXECUTED;
    e.unclaimed.sequence = 7;
    e.unclaimed.match = 88;
    e.unclaimed.shares = 10;
    e.unclaimed.price = 20000;
    assert_true(ours(&e, &i));
    assert_int_equal(i.match, 88);
    assert_int_equal(i.shares, 10);
    assert_int_equal(i.price, 20000);
}

// A dataplane that reads the day of its session again says everything once more.
static void a_stream_that_is_read_again(void **state)
{
    (void)state;
    struct drop_item i;
    bool again;
    struct event session = {.type = EVENT_ORDER_SESSION};
    memcpy(session.order_session.id, "ORDERS0000", 10);
    assert_false(drop_ours_read(&f.ours, &f.sessions.rows[0], &session, &i, &again));
    assert_false(again); // the first name is none that changes
    struct event e = order(100, REPORT_ACCEPTED, 5, 300);
    assert_true(ours(&e, &i));
    assert_false(ours(&e, &i));
    e.order.sequence = 101;
    assert_true(ours(&e, &i));
    memset(session.order_session.id, 0, 10);
    assert_false(drop_ours_read(&f.ours, &f.sessions.rows[0], &session, &i, &again));
    assert_false(again);
    memcpy(session.order_session.id, "ORDERS0001", 10); // another day
    assert_false(drop_ours_read(&f.ours, &f.sessions.rows[0], &session, &i, &again));
    assert_true(again);
    e.order.sequence = 1;
    assert_true(ours(&e, &i));
    assert_false(drop_ours_read(&f.ours, NULL, &e, &i, &again)); // of no session that is compared
}

// The exchange came back without the tail of its stream: under the numbers of what is lost it says
// something else, which is applied once a person resumes the session.
static void a_stream_that_fell_short(void **state)
{
    (void)state;
    struct drop_item i;
    struct event session = {.type = EVENT_ORDER_SESSION, .order_session.next_sequence = 1};
    memcpy(session.order_session.id, "ORDERS0000", 10);
    assert_false(ours(&session, &i));
    for (uint32_t sequence = 1; sequence <= 4; sequence++) {
        struct event e = order(sequence, REPORT_ACCEPTED, sequence, 300);
        assert_true(ours(&e, &i));
    }
    session.order_session.next_sequence = 3;
    assert_false(ours(&session, &i)); // read again, as above
    struct event e = order(3, REPORT_ACCEPTED, 3, 300);
    assert_false(ours(&e, &i));
    session.order_session.halted = SESSION_HALT_SHORT;
    for (int told = 0; told < 2; told++)
        assert_false(ours(&session, &i));
    assert_true(ours(&e, &i));
    e = order(2, REPORT_ACCEPTED, 2, 300);
    assert_false(ours(&e, &i));
    e = order(4, REPORT_ACCEPTED, 4, 300);
    assert_true(ours(&e, &i));
}

// --- what is kept ---

static void nobody(void *context, const struct drop_entry *e, enum drop_difference difference,
                   bool now, uint64_t now_ns)
{
    (void)context, (void)e, (void)difference, (void)now, (void)now_ns;
}

static void filled(struct drop_table *t, struct drop_kept *kept)
{
    assert_true(drop_table_init(t, 256, nobody, NULL));
    const struct drop_item ours_only = {.what = 'E', .ref = 5, .match = 77, .shares = 100};
    const struct drop_item theirs_only = {.what = 'E', .ref = 6, .match = 78, .session = 2};
    assert_true(drop_table_put(t, DROP_OURS, &ours_only, 1));
    assert_true(drop_table_put(t, DROP_THEIRS, &theirs_only, 1));
    *kept = (struct drop_kept){.epoch = 3, .segment = 4, .record = 5, .next = 6, .session = "DROP"};
    snprintf(kept->names[0], NAME_LEN, "first");
    snprintf(kept->names[2], NAME_LEN, "second");
    kept->before[0] = 7;
    kept->heard[0].sequence = 11;
    kept->heard[0].turned = DROP_TURNED_OURS;
    kept->heard[2].sequence = 12;
}

static void kept_and_read(void **state)
{
    (void)state;
    struct drop_table t, next;
    struct drop_kept kept, read;
    struct error err = {0};
    assert_true(drop_table_init(&next, 256, nobody, NULL));
    assert_int_equal(drop_keep_read(f.path, &f.sessions, &read, &next, 1, &err), DROP_NONE_THERE);
    filled(&t, &kept);
    assert_true(drop_keep_write(f.path, &kept, &t, &err));
    assert_int_equal(drop_keep_read(f.path, &f.sessions, &read, &next, 1, &err), DROP_FOUND);
    assert_int_equal(next.counts[DROP_WAITS], 2);
    assert_int_equal(read.record, 5);
    assert_int_equal(read.next, 6);
    assert_string_equal(read.session, "DROP");
    assert_int_equal(read.heard[2].sequence, 12);
    assert_int_equal(read.heard[0].turned, DROP_TURNED_OURS);
    assert_int_equal(read.before[0], 7);
    drop_table_free(&next);
    // The second session has another name now: what it said is nobody's.
    snprintf(f.sessions.rows[1].name, NAME_LEN, "renamed");
    assert_true(drop_table_init(&next, 256, nobody, NULL));
    assert_int_equal(drop_keep_read(f.path, &f.sessions, &read, &next, 1, &err), DROP_FOUND);
    assert_int_equal(next.counts[DROP_WAITS], 1);
    assert_int_equal(read.heard[0].sequence, 11);
    assert_int_equal(read.heard[2].sequence, 0);
    drop_table_free(&next);
    drop_table_free(&t);
}

// Every byte of the file counts, and every end that is too early.
static void damage_is_found(void **state)
{
    (void)state;
    struct drop_table t, next;
    struct drop_kept kept, read;
    struct error err = {0};
    filled(&t, &kept);
    assert_true(drop_keep_write(f.path, &kept, &t, &err));
    FILE *file = fopen(f.path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long len = ftell(file);
    assert_true(drop_table_init(&next, 256, nobody, NULL));
    for (long at = 0; at < len; at += at < 24 ? 1 : 13) {
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        const int byte = fgetc(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fputc(byte ^ 0x20, file), byte ^ 0x20);
        assert_int_equal(fflush(file), 0);
        err = (struct error){0};
        assert_int_equal(drop_keep_read(f.path, &f.sessions, &read, &next, 1, &err), DROP_NO_GOOD);
        assert_non_null(strstr(err.text, f.path));
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fputc(byte, file), byte);
    }
    assert_int_equal(fclose(file), 0);
    for (long short_len = 0; short_len < len; short_len += 101) {
        err = (struct error){0};
        assert_int_equal(truncate(f.path, len - 1 - short_len), 0);
        assert_int_equal(drop_keep_read(f.path, &f.sessions, &read, &next, 1, &err), DROP_NO_GOOD);
    }
    assert_int_equal(next.counts[DROP_WAITS], 0);
    drop_table_free(&next);
    drop_table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_of_both_protocols, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(events_of_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_that_is_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_that_fell_short, setup, teardown),
        cmocka_unit_test_setup_teardown(kept_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_found, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
