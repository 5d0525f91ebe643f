// The re-request client through a port of the dataplane, as frames; a network that loses, repeats,
// reorders and cuts; and ranges of IEX-TP.
#include "tests/unit/control/recovery_rig.h"

#include "dataplane/wire/arp.h"
#include "dataplane/wire/frame_build.h"
#include "dataplane/wire/iextp.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const uint32_t own_ip = IP(10, 0, 0, 2), server_ip = IP(10, 0, 0, 9);
static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1}, server_mac[6] = {2, 0, 0, 0, 0, 9};
enum { SERVER_PORT = 26490, SENT_MAX = 64 };

static struct {
    struct port port;
    struct slow_port slow;
    struct port_counters count;
    uint8_t sent[SENT_MAX][PORT_FRAME_MAX]; // requests, oldest first
    uint32_t sent_count;
} wire;

static bool wire_send(void *context, struct port *port, const uint8_t *frame, uint32_t len)
{
    struct frame_udp f;
    (void)context;
    assert_ptr_equal(port, &wire.port);
    if (frame_parse(frame, len, &f) != FRAME_UDP)
        return true; // ARP
    assert_true(wire.sent_count < SENT_MAX);
    assert_true(frame_ip_checksum_ok(&f) && frame_udp_checksum_ok(&f));
    assert_memory_equal(f.dst_mac, server_mac, 6);
    assert_int_equal(f.src_ip, own_ip);
    assert_int_equal(f.dst_ip, server_ip);
    assert_int_equal(f.dst_port, SERVER_PORT);
    assert_int_equal(f.src_port, RECOVERY_UDP_FIRST + 3);
    memcpy(wire.sent[wire.sent_count++], frame, len);
    return true;
}

static void wire_datagram(void *context, struct port *port, const struct frame_udp *f,
                          uint64_t now_ns)
{
    (void)context;
    (void)port;
    (void)now_ns;
    recovery_datagram(&rig.recovery, &wire.slow, f);
}

static void server_appears(void)
{
    uint8_t bytes[PORT_FRAME_MAX];
    struct arp arp = {.operation = ARP_REPLY, .sender_ip = server_ip, .target_ip = own_ip};
    memcpy(arp.sender_mac, server_mac, 6);
    memcpy(arp.target_mac, own_mac, 6);
    const struct frame frame = {.data = bytes, .len = arp_frame_build(bytes, 0, &arp)};
    slow_frame(&wire.slow, &frame, rig.now);
}

static void wire_open(const struct feed_protocol *protocol, uint32_t rate)
{
    struct error err = {0};
    struct config_recovery config = rig_config();
    config.via = CONFIG_VIA_PORT;
    config.rate_per_s = rate;
    config.retries = 8;
    config.servers[0] = (struct config_endpoint){.ip = server_ip, .port = SERVER_PORT};
    memset(&rig, 0, sizeof rig);
    memset(&wire, 0, sizeof wire);
    rig.now = 1000000 * us;
    memcpy(wire.port.mac, own_mac, 6);
    wire.slow = (struct slow_port){.port = &wire.port,
                                   .count = &wire.count,
                                   .ip = own_ip,
                                   .prefix_len = 24,
                                   .igmp_version = 3,
                                   .send = wire_send,
                                   .datagram = wire_datagram};
    spsc_init(&rig.lane.answers, rig.ring, LANE_RING_LEN, sizeof rig.ring[0]);
    assert_true(recovery_init(&rig.recovery, &config, 3, protocol, &rig.lane, &rig.count, &err));
    assert_int_equal(rig.recovery.fd, -1);
    recovery_through(&rig.recovery, &wire.slow, rig.now);
}

static void wire_close(void)
{
    rig_assert_buffers();
    recovery_close(&rig.recovery);
}

// The payload of the oldest request; <len> 0: there is none.
static const uint8_t *wire_asked(uint32_t *len)
{
    static uint8_t bytes[PORT_FRAME_MAX];
    struct frame_udp f;
    *len = 0;
    if (wire.sent_count == 0)
        return bytes;
    memcpy(bytes, wire.sent[0], sizeof bytes);
    memmove(wire.sent[0], wire.sent[1], --wire.sent_count * sizeof wire.sent[0]);
    assert_int_equal(frame_parse(bytes, sizeof bytes, &f), FRAME_UDP);
    *len = f.payload_len;
    return f.payload;
}

static void wire_answer(uint32_t ip, uint16_t udp_port, const uint8_t *payload, uint32_t len)
{
    uint8_t bytes[PORT_FRAME_MAX];
    const struct frame_udp_out out = {.dst_mac = own_mac,
                                      .src_mac = server_mac,
                                      .vlan = FRAME_NO_VLAN,
                                      .src_port = SERVER_PORT,
                                      .dst_port = udp_port,
                                      .src_ip = ip,
                                      .dst_ip = own_ip};
    const struct frame frame = {.data = bytes,
                                .len = frame_udp_build(bytes, &out, payload, (uint16_t)len)};
    slow_frame(&wire.slow, &frame, rig.now);
}

static void requests_and_answers_go_through_the_port(void **state)
{
    (void)state;
    uint8_t packet[MOLD64_HEADER_LEN + 64 * RIG_BLOCK];
    uint32_t len;
    wire_open(&feed_itch50, 1000000);
    rig_request(1, 100);
    rig_turn(0);
    wire_asked(&len);
    assert_int_equal(len, 0); // the neighbour is not known yet: as good as lost
    server_appears();
    rig_turn(20000);
    const uint8_t *request = wire_asked(&len);
    assert_int_equal(len, MOLD64_REQUEST_LEN);
    assert_memory_equal(request, rig_session, SESSION_LEN);
    assert_int_equal(be64_load(request + 10), 1);
    assert_int_equal(be16_load(request + 18), 64);

    len = rig_packet(packet, 1, 64, 64);
    wire_answer(server_ip, RECOVERY_UDP_FIRST + 4, packet, len); // another channel's
    assert_int_equal(rig.count.answers_refused, 0);
    wire_answer(IP(10, 0, 0, 8), RECOVERY_UDP_FIRST + 3, packet, len); // nobody we asked
    assert_int_equal(rig.count.answers_refused, 1);
    assert_int_equal(rig.count.answers, 0);
    wire_answer(server_ip, RECOVERY_UDP_FIRST + 3, packet, len);
    assert_int_equal(rig.count.answers, 1);
    rig_turn(0);
    rig_lane();
    assert_int_equal(rig.next, 65);
    len = rig_packet(packet, 65, 36, 36);
    wire_answer(server_ip, RECOVERY_UDP_FIRST + 3, packet, len);
    rig_turn(0);
    rig_lane();
    assert_int_equal(rig.next, 101);
    // Another port of the same number is somebody else's.
    struct slow_port other = {0};
    const struct frame_udp f = {.dst_port = RECOVERY_UDP_FIRST + 3};
    assert_false(recovery_datagram(&rig.recovery, &other, &f));
    wire_close();
}

// --- a bad network ---

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % below);
}

struct flight {
    uint64_t at;
    uint32_t len;
    uint8_t bytes[MOLD64_HEADER_LEN + 70 * RIG_BLOCK];
};

static struct flight flights[512];
static uint32_t flight_count;

static void flight_add(uint64_t first, uint32_t count)
{
    if (flight_count == ARRAY_LEN(flights))
        return; // lost
    struct flight *f = &flights[flight_count++];
    f->at = rig.now + (50 + draw(5) * draw(1000)) * us;
    f->len = rig_packet(f->bytes, first, count, count);
    if (draw(20) == 0)
        f->len -= draw(f->len); // cut, perhaps in the header
}

// The server answers as it likes: fewer messages than wanted, some before, some behind; the network
// does the rest.
static void server_answers(const uint8_t *request)
{
    const uint64_t first = be64_load(request + 10);
    const uint32_t wanted = be16_load(request + 18);
    assert_in_range(wanted, 1, 64);
    const uint32_t before = draw(8) == 0 && first > 3 ? draw(3) : 0;
    const uint32_t count = draw(4) == 0 ? 1 + draw(wanted) : wanted;
    for (uint32_t copies = draw(10) == 0 ? 2 : 1; copies > 0; copies--)
        if (draw(10) != 0)
            flight_add(first - before, before + count + (draw(8) == 0 ? draw(3) : 0));
}

static void flights_arrive(void)
{
    for (uint32_t i = 0; i < flight_count; i++) {
        if (flights[i].at > rig.now)
            continue;
        wire_answer(server_ip, RECOVERY_UDP_FIRST + 3, flights[i].bytes, flights[i].len);
        flights[i--] = flights[--flight_count];
    }
}

// The lane takes answers in its own time, and may sit on the buffers.
static void lane_works(void)
{
    if (draw(3) == 0)
        return;
    rig.keeps = draw(8) == 0;
    rig_lane();
}

static void nothing_is_lost_between_a_bad_network_and_the_lane(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        random_state = seed * 0x9E3779B97F4A7C15ull;
        flight_count = 0;
        wire_open(&feed_itch50, 100000);
        server_appears();
        uint64_t from = 1 + draw(1000);
        for (uint32_t gaps = 0; gaps < 4; gaps++) {
            const uint64_t to = from + 1 + draw(5000);
            uint32_t len, turns = 0;
            const uint8_t *request;
            rig_request(from, to - from);
            while (rig.next < to) {
                rig_turn(20 + draw(200));
                while (request = wire_asked(&len), len > 0)
                    server_answers(request);
                flights_arrive();
                lane_works();
                rig_assert_buffers();
                assert_true(rig.recovery.part_count <= RECOVERY_PARTS);
                assert_true(++turns < 200000);
            }
            rig_return();
            from = to + draw(100);
        }
        assert_int_equal(rig.failures, 0);
        wire_close();
    }
}

// --- IEX-TP ---

// Message <number> is eight bytes of itself. Returns the length.
static uint32_t deep_packet(uint8_t *p, uint64_t first, uint16_t count)
{
    memset(p, 0, IEXTP_HEADER_LEN);
    p[0] = IEXTP_VERSION;
    memcpy(p + 2, rig_session, SESSION_LEN);
    le16_store(p + 2, IEXTP_DEEP10);
    le16_store(p + 12, (uint16_t)(count * RIG_BLOCK));
    le16_store(p + 14, count);
    le64_store(p + 24, first);
    for (uint32_t i = 0; i < count; i++) {
        le16_store(p + IEXTP_HEADER_LEN + i * RIG_BLOCK, 8);
        le64_store(p + IEXTP_HEADER_LEN + i * RIG_BLOCK + 2, first + i);
    }
    return IEXTP_HEADER_LEN + count * RIG_BLOCK;
}

static void ranges_of_iex_are_asked_for_and_believed_as_far_as_they_go(void **state)
{
    (void)state;
    uint8_t packet[IEXTP_HEADER_LEN + 64 * RIG_BLOCK];
    uint32_t len;
    struct lane_answer answer;
    wire_open(&feed_deep10, 1000000);
    server_appears();
    deep_packet(packet, 1, 1);
    struct feed_request wanted = {.kind = FEED_REQUEST_MESSAGES, .sequence = 10, .count = 70};
    memcpy(wanted.session, packet + 2, SESSION_LEN);
    recovery_request(&rig.recovery, &wanted);
    rig_turn(0);
    const uint8_t *request = wire_asked(&len);
    assert_int_equal(len, IEXTP_REQUEST_HEADER_LEN + IEXTP_RANGE_LEN);
    assert_int_equal(request[1], IEXTP_REQUEST_MESSAGES);
    assert_int_equal(le16_load(request + 2), IEXTP_DEEP10);
    assert_memory_equal(request + 4, packet + 4, 8); // channel and session
    assert_int_equal(le32_load(request + 12), 1);
    assert_int_equal(le64_load(request + 16), 10);
    assert_int_equal(le64_load(request + 24), 73); // both wanted

    len = deep_packet(packet, 10, 64);
    le16_store(packet + 12, 40 * RIG_BLOCK); // a header that holds forty of its 64 messages
    wire_answer(server_ip, RECOVERY_UDP_FIRST + 3, packet, len);
    rig_turn(0);
    assert_true(spsc_pop(&rig.lane.answers, &answer));
    recovery_return(&rig.recovery, &answer.frame);
    request = wire_asked(&len);
    assert_int_equal(le64_load(request + 16), 50);
    assert_int_equal(le64_load(request + 24), 73);
    wire_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_answers_go_through_the_port),
        cmocka_unit_test(nothing_is_lost_between_a_bad_network_and_the_lane),
        cmocka_unit_test(ranges_of_iex_are_asked_for_and_believed_as_far_as_they_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
