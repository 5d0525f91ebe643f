// Every state against every kind of segment (RFC 9293, section 3.10.7; RFC 5961): one table of what
// comes back and which state follows.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/tcp_rig.h"

static struct rig rig;
static const uint32_t peer_isn = 0xfffffff0;

// --- ways into each state

static void established(void)
{
    rig_config(&rig);
    rig.config.timestamps = false;
    rig_make(&rig);
    assert_true(rig_connect(&rig));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_SYN);
    struct tcp_segment s = {
        .seq = peer_isn, .ack = rig.isn + 1, .flags = TCP_SYN | TCP_ACK, .window = 60000};
    assert_true(rig_segment(&rig, s));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_ACK);
    assert_int_equal(rig.events, TCP_EVENT_OPEN);
    rig.events = 0;
}

static void syn_sent(void)
{
    rig_config(&rig);
    rig.config.timestamps = false;
    rig_make(&rig);
    assert_true(rig_connect(&rig));
    assert_true(rig_output(&rig));
}

static void peer_says(uint8_t flags, uint32_t ack)
{
    struct tcp_segment s = {.seq = rig.conn.rcv_nxt, .ack = ack, .flags = flags, .window = 60000};
    assert_true(rig_segment(&rig, s));
    while (rig_output(&rig))
        continue;
}

static void fin_wait_1(void)
{
    established();
    tcp_close(&rig.conn, rig.now_ns);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_FIN | TCP_ACK);
}

static void fin_wait_2(void)
{
    fin_wait_1();
    peer_says(TCP_ACK, rig.conn.snd_nxt);
}

static void closing(void)
{
    fin_wait_1();
    peer_says(TCP_ACK | TCP_FIN, rig.conn.snd_una);
}

static void time_wait(void)
{
    fin_wait_2();
    peer_says(TCP_ACK | TCP_FIN, rig.conn.snd_nxt);
}

static void close_wait(void)
{
    established();
    peer_says(TCP_ACK | TCP_FIN, rig.conn.snd_nxt);
    assert_int_equal(rig.events, TCP_EVENT_PEER_FIN);
}

static void last_ack(void)
{
    close_wait();
    tcp_close(&rig.conn, rig.now_ns);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_FIN | TCP_ACK);
}

enum { COLUMNS = 8 };

static const struct column {
    enum tcp_state state;
    void (*enter)(void);
} columns[COLUMNS] = {
    {TCP_SYN_SENT, syn_sent},     {TCP_ESTABLISHED, established}, {TCP_FIN_WAIT_1, fin_wait_1},
    {TCP_FIN_WAIT_2, fin_wait_2}, {TCP_CLOSING, closing},         {TCP_TIME_WAIT, time_wait},
    {TCP_CLOSE_WAIT, close_wait}, {TCP_LAST_ACK, last_ack},
};

// --- the segments: numbers relative to what the connection expects

enum ack_of { ALL, UNA, FUTURE, ANCIENT };

struct row {
    const char *name;
    uint8_t flags;
    int32_t seq; // from rcv_nxt
    enum ack_of ack;
    uint32_t len;
    uint16_t window;
    uint32_t delivered; // bytes handed over, in the states that take data
    // Answer (- nothing, A acknowledgement, R reset) and next state (= the same, C closed, E
    // established, 1 2 FIN-WAIT, G CLOSING, T TIME-WAIT, W CLOSE-WAIT) for each column.
    const char *cells;
};

// clang-format off
enum { SYN = TCP_SYN, ACK = TCP_ACK, FIN = TCP_FIN, RST = TCP_RST, PSH = TCP_PSH };

static const struct row rows[] = {
    // columns: syn-sent, established, fin-wait-1 and 2, closing, time-wait, close-wait, last-ack
    {"syn",                    SYN,       0,     ALL,     0,  60000, 0,  "-= A= A= A= A= A= A= A="},
    {"syn, old",               SYN,       -900,  ALL,     0,  60000, 0,  "-= A= A= A= A= A= A= A="},
    {"syn and ack",            SYN | ACK, 0,     ALL,     0,  60000, 0,  "AE A= A= A= A= A= A= A="},
    {"syn and ack of another", SYN | ACK, 0,     FUTURE,  0,  60000, 0,  "R= A= A= A= A= A= A= A="},
    {"rst",                    RST,       0,     ALL,     0,  0,     0,  "-= -C -C -C -C -C -C -C"},
    {"rst and ack",            RST | ACK, 0,     ALL,     0,  0,     0,  "-C -C -C -C -C -C -C -C"},
    {"rst and ack of another", RST | ACK, 0,     FUTURE,  0,  0,     0,  "-= -C -C -C -C -C -C -C"},
    {"rst in window",          RST | ACK, 10,    ALL,     0,  0,     0,  "-C A= A= A= A= A= A= A="},
    {"rst old",                RST,       -10,   ALL,     0,  0,     0,  "-= -= -= -= -= -= -= -="},
    {"rst behind window",      RST,       70000, ALL,     0,  0,     0,  "-= -= -= -= -= -= -= -="},
    {"fin",                    FIN | ACK, 0,     ALL,     0,  60000, 0,  "-= AW AT AT AT A= A= -C"},
    {"fin, ours unseen",       FIN | ACK, 0,     UNA,     0,  60000, 0,  "R= AW AG AT A= A= A= A="},
    {"fin ahead",              FIN | ACK, 5,     UNA,     0,  60000, 0,  "R= A= A= A= A= A= A= A="},
    {"fin old",                FIN | ACK, -1,    UNA,     0,  60000, 0,  "R= A= A= A= A= A= A= A="},
    {"fin with data",          FIN | ACK, 0,     UNA,     10, 60000, 10, "R= AW AG AT A= A= A= A="},
    {"ack",                    ACK,       0,     ALL,     0,  60000, 0,  "-= -= -2 -= -T -= -= -C"},
    {"ack at the edge",        ACK,       65535, ALL,     0,  60000, 0,  "-= -= -2 -= -T -= -= -C"},
    {"ack behind it",          ACK,       65536, ALL,     0,  60000, 0,  "-= A= A= A= A= A= A= A="},
    {"ack of the future",      ACK,       0,     FUTURE,  0,  60000, 0,  "R= A= A= A= A= A= A= A="},
    {"ack too old",            ACK,       0,     ANCIENT, 0,  60000, 0,  "R= A= A= A= A= A= A= A="},
    {"ack out of window",      ACK,       70000, ALL,     0,  60000, 0,  "-= A= A= A= A= A= A= A="},
    {"no flag",                0,         0,     ALL,     0,  60000, 0,  "-= -= -= -= -= -= -= -="},
    {"data without ack",       PSH,       0,     ALL,     10, 60000, 0,  "-= -= -= -= -= -= -= -="},
    {"data",                   ACK,       0,     UNA,     10, 60000, 10, "R= A= A= A= A= A= A= A="},
    {"data, blind ack",        ACK,       0,     FUTURE,  10, 60000, 0,  "R= A= A= A= A= A= A= A="},
    {"data old",               ACK,       -10,   UNA,     10, 60000, 0,  "R= A= A= A= A= A= A= A="},
    {"data half old",          ACK,       -4,    UNA,     10, 60000, 6,  "R= A= A= A= A= A= A= A="},
    {"data ahead",             ACK,       20,    UNA,     10, 60000, 0,  "R= A= A= A= A= A= A= A="},
    {"data behind window",     ACK,       65536, UNA,     10, 60000, 0,  "R= A= A= A= A= A= A= A="},
    {"window shut",            ACK,       0,     UNA,     0,  0,     0,  "R= -= -= -= -= -= -= -="},
    {"data, window shut",      ACK,       0,     UNA,     10, 0,     10, "R= A= A= A= A= A= A= A="},
    {"keepalive",              ACK,       -1,    ALL,     0,  60000, 0,  "-= A= A= A= A= A= A= A="},
    {"keepalive with a byte",  ACK,       -1,    ALL,     1,  60000, 0,  "-= A= A= A= A= A= A= A="},
};
// clang-format on

static enum tcp_state state_of(char letter, enum tcp_state same)
{
    switch (letter) {
    case 'C': return TCP_CLOSED;
    case 'E': return TCP_ESTABLISHED;
    case '1': return TCP_FIN_WAIT_1;
    case '2': return TCP_FIN_WAIT_2;
    case 'G': return TCP_CLOSING;
    case 'T': return TCP_TIME_WAIT;
    case 'W': return TCP_CLOSE_WAIT;
    default: return same;
    }
}

static char answer_of(void)
{
    if (!rig_output(&rig))
        return '-';
    if (rig.out.flags & TCP_RST)
        return 'R';
    return rig.out.flags == TCP_ACK && rig.out.payload_len == 0 ? 'A' : '?';
}

static void cell_check(const struct row *row, const struct column *column, const char *cell)
{
    static const uint8_t text[] = "0123456789";
    column->enter();
    assert_int_equal(rig.conn.state, column->state);
    uint32_t delivered = 0;
    if (column->state >= TCP_ESTABLISHED && column->state <= TCP_FIN_WAIT_2)
        delivered = row->delivered;
    uint32_t ack = rig.conn.snd_nxt;
    if (row->ack == UNA)
        ack = rig.conn.snd_una;
    if (row->ack == FUTURE)
        ack += 1;
    if (row->ack == ANCIENT)
        ack -= 200000;
    struct tcp_segment s = {
        .payload = text,
        .payload_len = row->len,
        .seq = rig.conn.rcv_nxt + (uint32_t)row->seq,
        .ack = ack,
        .window = row->window,
        .flags = row->flags,
    };
    uint32_t nxt = rig.conn.snd_nxt;
    assert_true(rig_segment(&rig, s));
    char answer = answer_of();
    enum tcp_state wanted = state_of(cell[1], column->state);
    if (answer != cell[0] || rig.conn.state != wanted || rig.received_len != delivered)
        fail_msg("%s in %s: answer %c, then %s, %u bytes; wanted %c, %s, %u", row->name,
                 tcp_state_name(column->state), answer, tcp_state_name(rig.conn.state),
                 rig.received_len, cell[0], tcp_state_name(wanted), delivered);
    if (answer == 'A') {
        assert_int_equal(rig.out.ack, rig.conn.rcv_nxt);
        // Never outside a window that the peer has shut: it would not look at it.
        assert_int_equal(rig.out.seq, rig.conn.snd_wnd ? nxt : rig.conn.snd_una);
    }
    // A reset has the number that the peer expects (RFC 9293, section 3.10.7.3).
    if (answer == 'R')
        assert_int_equal(rig.out.seq, ack);
    assert_false(rig_output(&rig));
    rig_free(&rig);
}

static void every_state_meets_every_segment(void **state)
{
    (void)state;
    for (uint32_t r = 0; r < ARRAY_LEN(rows); r++)
        for (uint32_t i = 0; i < COLUMNS; i++)
            cell_check(&rows[r], &columns[i], rows[r].cells + 3 * i);
}

static void the_reason_says_how_it_ended(void **state)
{
    (void)state;
    syn_sent();
    peer_says(TCP_RST | TCP_ACK, rig.conn.snd_nxt);
    assert_int_equal(rig.conn.reason, TCP_REASON_REFUSED);
    rig_free(&rig);
    established();
    peer_says(TCP_RST, 0);
    assert_int_equal(rig.conn.reason, TCP_REASON_RESET);
    assert_int_equal(rig.events, TCP_EVENT_CLOSED);
    rig_free(&rig);
    last_ack();
    rig.events = 0;
    peer_says(TCP_ACK, rig.conn.snd_nxt);
    assert_int_equal(rig.conn.reason, TCP_REASON_FIN);
    assert_int_equal(rig.events, TCP_EVENT_CLOSED);
    rig_free(&rig);
    // Both have finished: a reset instead of the last acknowledgement changes nothing.
    last_ack();
    peer_says(TCP_RST, 0);
    assert_int_equal(rig.conn.reason, TCP_REASON_FIN);
    rig_free(&rig);
    time_wait();
    assert_int_equal(rig.conn.reason, TCP_REASON_FIN);
    assert_int_equal(rig.events, TCP_EVENT_PEER_FIN | TCP_EVENT_CLOSED);
    rig_free(&rig);
}

static void nothing_is_sent_unless_established(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        columns[i].enter();
        bool open = columns[i].state == TCP_ESTABLISHED;
        assert_int_equal(tcp_send_ready(&rig.conn, 10), open);
        assert_int_equal(rig.conn.count.refused_state, !open);
        uint8_t frame[PORT_FRAME_MAX];
        assert_int_equal(tcp_frame(&rig.conn, "0123456789", 10, rig.now_ns, frame) > 0, open);
        rig_free(&rig);
    }
}

static void an_abort_resets_every_open_state(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        columns[i].enter();
        rig.events = 0;
        uint32_t seq = rig.conn.snd_nxt;
        bool resets = columns[i].state != TCP_SYN_SENT && columns[i].state != TCP_TIME_WAIT;
        tcp_abort(&rig.conn);
        assert_int_equal(rig.conn.state, TCP_CLOSED);
        assert_int_equal(rig_output(&rig), resets);
        if (resets) {
            assert_int_equal(rig.out.flags, TCP_RST | TCP_ACK);
            assert_int_equal(rig.out.seq, seq);
        }
        bool reported = columns[i].state == TCP_TIME_WAIT;
        assert_int_equal(tcp_events(&rig.conn), reported ? 0 : TCP_EVENT_CLOSED);
        assert_int_equal(rig.conn.reason, reported ? TCP_REASON_FIN : TCP_REASON_ABORTED);
        // Closed means that no segment is ours any more, and a new connection may begin.
        struct tcp_segment s = {.seq = 1, .ack = 1, .flags = TCP_ACK};
        assert_false(rig_segment(&rig, s));
        assert_true(tcp_connect(&rig.conn, RIG_LOCAL_PORT + 1, 1, 2, rig.now_ns));
        rig_free(&rig);
    }
}

static void a_fin_out_of_order_waits_for_what_is_before_it(void **state)
{
    (void)state;
    established();
    struct tcp_segment s = {.payload = (const uint8_t *)"world",
                            .payload_len = 5,
                            .seq = rig.conn.rcv_nxt + 6,
                            .ack = rig.conn.snd_nxt,
                            .window = 60000,
                            .flags = TCP_ACK | TCP_FIN};
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    assert_int_equal(rig.received_len, 0);
    // A FIN inside what has been received is a lie: the first one stands.
    struct tcp_segment lie = {.seq = rig.conn.rcv_nxt + 8,
                              .ack = rig.conn.snd_nxt,
                              .window = 60000,
                              .flags = TCP_ACK | TCP_FIN};
    assert_true(rig_segment(&rig, lie));
    s.payload = (const uint8_t *)"hello ";
    s.payload_len = 6;
    s.seq = rig.conn.rcv_nxt;
    s.flags = TCP_ACK;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.state, TCP_CLOSE_WAIT);
    assert_int_equal(rig.received_len, 11);
    assert_memory_equal(rig.received, "hello world", 11);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.ack, peer_isn + 1 + 11 + 1);
    rig_free(&rig);
    // What the peer sends beyond its own end is not delivered.
    established();
    struct tcp_segment fin = {.seq = rig.conn.rcv_nxt + 5,
                              .ack = rig.conn.snd_nxt,
                              .window = 60000,
                              .flags = TCP_ACK | TCP_FIN};
    assert_true(rig_segment(&rig, fin));
    s.payload_len = 6;
    s.seq = rig.conn.rcv_nxt;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.state, TCP_CLOSE_WAIT);
    assert_int_equal(rig.received_len, 5);
    rig_free(&rig);
    // A second one, nearer, does not take the place of the first.
    established();
    fin.seq = rig.conn.rcv_nxt + 6;
    assert_true(rig_segment(&rig, fin));
    fin.seq = rig.conn.rcv_nxt + 3;
    assert_true(rig_segment(&rig, fin));
    s.seq = rig.conn.rcv_nxt;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.state, TCP_CLOSE_WAIT);
    assert_int_equal(rig.received_len, 6);
    rig_free(&rig);
}

// What has been received goes beyond it: a FIN there is a lie.
static void a_fin_inside_held_bytes_is_not_believed(void **state)
{
    (void)state;
    established();
    uint32_t first = rig.conn.rcv_nxt;
    struct tcp_segment s = {.payload = (const uint8_t *)"world",
                            .payload_len = 5,
                            .seq = first + 6,
                            .ack = rig.conn.snd_nxt,
                            .window = 60000,
                            .flags = TCP_ACK};
    struct tcp_segment lie = {
        .seq = first + 8, .ack = rig.conn.snd_nxt, .window = 60000, .flags = TCP_ACK | TCP_FIN};
    assert_true(rig_segment(&rig, s));
    assert_true(rig_segment(&rig, lie));
    s.payload = (const uint8_t *)"hello ";
    s.payload_len = 6;
    s.seq = first;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.received_len, 11);
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    peer_says(TCP_ACK | TCP_FIN, rig.conn.snd_nxt);
    assert_int_equal(rig.conn.state, TCP_CLOSE_WAIT);
    rig_free(&rig);
}

static void a_fin_is_sent_again_until_it_is_seen(void **state)
{
    (void)state;
    fin_wait_1();
    uint32_t seq = rig.out.seq;
    for (int i = 0; i < 3; i++) {
        rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
        assert_true(rig_output(&rig));
        assert_int_equal(rig.out.flags, TCP_FIN | TCP_ACK);
        assert_int_equal(rig.out.seq, seq);
        assert_false(rig_output(&rig));
    }
    rig_pass(&rig, RIG_MS(rig.config.user_timeout_ms));
    assert_int_equal(rig.conn.reason, TCP_REASON_TIMEOUT);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_RST | TCP_ACK);
    rig_free(&rig);
}

static void waiting_for_the_peers_fin_ends(void **state)
{
    (void)state;
    fin_wait_2();
    rig_pass(&rig, RIG_MS(rig.config.user_timeout_ms));
    assert_int_equal(rig.conn.state, TCP_CLOSED);
    assert_int_equal(rig.conn.reason, TCP_REASON_TIMEOUT);
    rig_free(&rig);
    time_wait();
    rig.events = 0;
    rig_pass(&rig, RIG_MS(rig.config.time_wait_ms) - 1);
    assert_int_equal(rig.conn.state, TCP_TIME_WAIT);
    // The peer has missed our last acknowledgement: the wait begins again.
    struct tcp_segment s = {.seq = rig.conn.rcv_nxt - 1,
                            .ack = rig.conn.snd_nxt,
                            .window = 60000,
                            .flags = TCP_ACK | TCP_FIN};
    assert_true(rig_segment(&rig, s));
    assert_true(rig_output(&rig));
    rig_pass(&rig, RIG_MS(rig.config.time_wait_ms) - 1);
    assert_int_equal(rig.conn.state, TCP_TIME_WAIT);
    assert_false(tcp_connect(&rig.conn, RIG_LOCAL_PORT, 1, 2, rig.now_ns));
    rig_pass(&rig, 1);
    assert_int_equal(rig.conn.state, TCP_CLOSED);
    assert_int_equal(rig.events, 0);
    assert_int_equal(rig.conn.reason, TCP_REASON_FIN);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_meets_every_segment),
        cmocka_unit_test(the_reason_says_how_it_ended),
        cmocka_unit_test(nothing_is_sent_unless_established),
        cmocka_unit_test(an_abort_resets_every_open_state),
        cmocka_unit_test(a_fin_out_of_order_waits_for_what_is_before_it),
        cmocka_unit_test(a_fin_inside_held_bytes_is_not_believed),
        cmocka_unit_test(a_fin_is_sent_again_until_it_is_seen),
        cmocka_unit_test(waiting_for_the_peers_fin_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
