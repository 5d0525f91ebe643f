// Files as sources: real ones where they are at hand, and made-up bad ones.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

#include "bench/exchange/pack.h"
#include "bench/exchange/source.h"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/source_test.XXXXXX");
    return mkdtemp(folder) ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    char path[96];
    static const char *const names[] = {"a", "b"};
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static const char *file(const char *name, const void *bytes, size_t length, bool gz)
{
    static char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile f = gzopen(path, gz ? "wb" : "wbT");
    assert_int_equal(gzwrite(f, bytes, (unsigned)length), (int)length);
    gzclose(f);
    return path;
}

static const char *shared(const char *name)
{
    static char path[512];
    const char *root = getenv("TICKGATE_SHARED");
    snprintf(path, sizeof path, "%s/data/%s", root ? root : "../shared", name);
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not at hand\n", path);
        skip();
    }
    return path;
}

struct totals {
    uint64_t items, bytes, counts[256], last_time;
    char warning[512];
};

static struct totals read_all(const char *path, const char *filter, enum source_kind kind)
{
    struct source s;
    struct source_item item;
    struct error err = {0};
    struct totals t = {0};
    if (!source_file_open(&s, path, filter, &err))
        fail_msg("%s", err.text);
    assert_int_equal(s.kind, kind);
    enum source_result got;
    while ((got = s.next(&s, &item, &err)) == SOURCE_ITEM) {
        t.items++;
        t.bytes += item.length;
        t.counts[item.length ? item.data[0] : 0]++;
        assert_true(item.time_ns >= t.last_time);
        t.last_time = item.time_ns;
    }
    assert_int_equal(got, SOURCE_END);
    memcpy(t.warning, s.warning, sizeof t.warning);
    source_close(&s);
    return t;
}

// A capture without anything that could be sent says so when it is read.
static void assert_nothing_found(const char *path, const char *filter, const char *says)
{
    struct source s;
    struct source_item item;
    struct error err = {0};
    assert_true(source_file_open(&s, path, filter, &err));
    assert_int_equal(s.next(&s, &item, &err), SOURCE_FAILED);
    assert_int_equal(err.code, EXIT_FAILED);
    if (!strstr(err.text, says) || !strstr(err.text, path))
        fail_msg("'%s' does not say '%s'", err.text, says);
    source_close(&s);
}

static void real_binary_file(void **state)
{
    (void)state;
    struct totals t = read_all(shared("itch/aapl_20190130_0930.itch"), NULL, SOURCE_MESSAGES);
    assert_int_equal(t.items, 10060);
    assert_int_equal(t.counts['A'], 7521);
    assert_int_equal(t.counts['U'], 437);
    assert_int_equal(t.counts['D'], 1237);
    assert_string_equal(t.warning, "");
}

static void gzip_reads_like_plain(void **state)
{
    (void)state;
    const char *path = shared("itch/aapl_20190130_0930.itch");
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(400000);
    size_t n = fread(bytes, 1, 400000, f);
    fclose(f);
    struct totals plain = read_all(path, NULL, SOURCE_MESSAGES);
    struct totals gz = read_all(file("a", bytes, n, true), NULL, SOURCE_MESSAGES);
    assert_memory_equal(&plain, &gz, sizeof plain);
    free(bytes);
}

static void cut_file_counts_to_the_cut(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0, 12, 'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'O', 0, 12, 'S'};
    for (size_t cut = 15; cut < 28; cut++) {
        struct totals t = read_all(file("a", bytes, cut, false), NULL, SOURCE_MESSAGES);
        assert_int_equal(t.items, 1);
        assert_non_null(strstr(t.warning, "byte 14"));
        assert_non_null(strstr(t.warning, "message 2"));
    }
    struct totals t = read_all(file("a", bytes, 28, false), NULL, SOURCE_MESSAGES);
    assert_int_equal(t.items, 2);
    assert_string_equal(t.warning, "");
}

// A gzip file that lost its tail gives what its beginning holds.
static void cut_gzip_counts_to_the_cut(void **state)
{
    (void)state;
    const size_t messages = 100000;
    uint8_t *bytes = malloc(messages * 14);
    for (size_t i = 0; i < messages; i++) {
        uint8_t m[14] = {0, 12, 'S'};
        for (uint32_t j = 3; j < 14; j++)
            m[j] = j < 8 ? 0 : (uint8_t)((i * 2654435761u) >> (j % 4 * 8));
        memcpy(bytes + i * 14, m, 14);
    }
    const char *path = file("a", bytes, messages * 14, true);
    FILE *f = fopen(path, "rb+");
    fseek(f, 0, SEEK_END);
    assert_int_equal(ftruncate(fileno(f), ftell(f) / 2), 0);
    fclose(f);
    struct totals t = read_all(path, NULL, SOURCE_MESSAGES);
    assert_in_range(t.items, messages / 4, messages * 3 / 4);
    assert_non_null(strstr(t.warning, "cut off or damaged"));
    free(bytes);
}

static void assert_refused(const char *path, const char *filter, enum exit_code code,
                           const char *says)
{
    struct source s;
    struct error err = {0};
    assert_false(source_file_open(&s, path, filter, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.text, says))
        fail_msg("'%s' does not say '%s'", err.text, says);
    source_close(&s); // as whoever cleans up after a failure does
}

static void what_is_no_source_is_refused(void **state)
{
    (void)state;
    assert_refused("nowhere/day.itch", NULL, EXIT_FAILED, "nowhere/day.itch: No such file");
    assert_refused(file("a", "%PDF-1.4 not a day", 18, false), NULL, EXIT_FAILED,
                   "found a first message of length 9552 and type 0x44; unpack");
    assert_refused(file("a", "", 0, false), NULL, EXIT_FAILED, "empty");
    assert_refused(file("a", "\0\14S00000000000", 14, false), "udp", EXIT_USAGE,
                   "--filter works on captures");
    assert_refused(file("a", "\xd4\xc3\xb2\xa1 short", 10, false), NULL, EXIT_FAILED, "truncated");
}

// A full-MTU packet of 38 messages and a short one, VLAN-tagged.
static void real_capture_of_packets(void **state)
{
    (void)state;
    struct source s;
    struct source_item item;
    struct error err = {0};
    assert_true(source_file_open(&s, shared("totalview-pcap/Multiple.Packets.pcap"), NULL, &err));
    uint64_t sequence;
    uint32_t count, messages = 0, packets = 0;
    while (s.next(&s, &item, &err) == SOURCE_ITEM) {
        packets++;
        assert_true(pack_parse(item.data, item.length, &sequence, &count));
        messages += count;
    }
    assert_int_equal(packets, 2);
    assert_int_equal(messages, 39);
    source_close(&s);
}

// A capture of packets of one message each, with these numbers.
static const char *capture_of(const uint64_t *numbers, uint32_t count)
{
    enum { PAYLOAD = PACK_HEADER + 3, FRAME = 14 + 20 + 8 + PAYLOAD };
    static uint8_t bytes[24 + 4096 * (16 + FRAME)];
    uint8_t *p = bytes;
    assert_true(count <= 4096);
    static const uint32_t head[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    memcpy(p, head, sizeof head);
    p += sizeof head;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t record[] = {i, 0, FRAME, FRAME};
        memcpy(p, record, sizeof record);
        uint8_t *frame = p + sizeof record;
        memset(frame, 0, FRAME);
        be16_store(frame + 12, 0x0800);
        frame[14] = 0x45;
        be16_store(frame + 16, FRAME - 14);
        frame[23] = 17;
        be16_store(frame + 38, 8 + PAYLOAD);
        pack_header(frame + 42, (const uint8_t *)"SESSION001", numbers[i], 1);
        be16_store(frame + 42 + PACK_HEADER, 1);
        p = frame + FRAME;
    }
    return file("b", bytes, (size_t)(p - bytes), false);
}

static void assert_order(const uint64_t *numbers, const uint64_t *expected, uint32_t count)
{
    struct source s;
    struct source_item item;
    struct error err = {0};
    uint64_t sequence, last_ns = 0;
    uint32_t messages;
    assert_true(source_file_open(&s, capture_of(numbers, count), NULL, &err));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(s.next(&s, &item, &err), SOURCE_ITEM);
        assert_true(pack_parse(item.data, item.length, &sequence, &messages));
        assert_int_equal(sequence, expected[i]);
        assert_true(item.time_ns >= last_ns);
        last_ns = item.time_ns;
    }
    assert_int_equal(s.next(&s, &item, &err), SOURCE_END);
    source_close(&s);
}

// Lines that overtake one another, and a packet that only the second line has.
static void packets_come_in_the_order_of_their_numbers(void **state)
{
    (void)state;
    static const uint64_t mixed[] = {2, 1, 3, 5, 3, 6, 4, 9}, sorted[] = {1, 2, 3, 3, 4, 5, 6, 9};
    assert_order(mixed, sorted, 8);
    static const uint64_t later[] = {702, 701, 704, 703}, in_order[] = {701, 702, 703, 704};
    assert_order(later, in_order, 4);
}

// What never comes is waited for until 1,024 packets wait behind it.
static void a_packet_that_is_lost_holds_up_for_a_while(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static uint64_t numbers[COUNT], expected[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        expected[i] = numbers[i] = i < 100 ? i + 1 : i + 2; // 101 is lost
    assert_order(numbers, expected, COUNT);
    numbers[COUNT - 1] = 101; // or comes too late: nothing is lost on the way
    for (uint32_t i = 0; i < COUNT; i++)
        expected[i] = numbers[i];
    assert_order(numbers, expected, COUNT);
}

static void real_captures_of_other_feeds(void **state)
{
    (void)state;
    struct totals t = read_all(shared("iex/deep_20231002.pcap.gz"), NULL, SOURCE_PAYLOADS);
    assert_int_equal(t.items, 5000);
    t = read_all(shared("cme/mdp3_ab_20161112.pcapng.gz"), NULL, SOURCE_PAYLOADS);
    assert_int_equal(t.items, 10000);
    t = read_all(shared("cme/mdp3_ab_20161112.pcapng.gz"), "dst host 224.0.31.64", SOURCE_PAYLOADS);
    assert_int_equal(t.items, 5000);
}

// One frame a file: which frames are payloads, and that trailers and padding are not.
static void frames(void **state)
{
    (void)state;
    static const uint8_t header[40] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0,
                                       0,    0,    0,    0,    4, 0, 1, 0, 0, 0, 1, 0, 0, 0,
                                       2,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t plain[64] = {1,  0,    0x5e, 0,   0,   1,   2,   0,   0,   0,   0,   1,   8,
                         0,  0x45, 0,    0,   33,  0,   0,   0,   0,   1,   17,  0,   0,
                         10, 0,    0,    1,   239, 0,   0,   1,   0,   1,   0,   2,   0,
                         13, 0,    0,    'h', 'e', 'l', 'l', 'o', 'T', 'R', 'A', 'I', 'L'};
    struct {
        int at;
        uint8_t value;
        uint32_t items;
    } cases[] = {
        {0, 1, 1},     // as it is: 5 bytes, the trailer cut
        {23, 6, 0},    // TCP
        {20, 0x20, 0}, // a first fragment
        {21, 1, 0},    // a later fragment
        {17, 60, 0},   // longer than the frame
        {17, 20, 0},   // no room for UDP
        {39, 7, 0},    // UDP shorter than its header
        {39, 40, 0},   // UDP longer than IP
        {14, 0x44, 0}, // IP header below 20 bytes
        {14, 0x65, 0}, // IPv6
        {13, 6, 0},    // ARP
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[40 + 64];
        memcpy(bytes, header, 40);
        memcpy(bytes + 40, plain, 52);
        bytes[40 + cases[i].at] = cases[i].value;
        bytes[32] = bytes[36] = 52;
        const char *path = file("b", bytes, 92, false);
        if (cases[i].items == 0) {
            assert_nothing_found(path, NULL, "found 1 frames and none with a whole one");
            continue;
        }
        struct totals t = read_all(path, NULL, SOURCE_PAYLOADS);
        assert_int_equal(t.items, cases[i].items);
        assert_int_equal(t.bytes, cases[i].items * 5);
        assert_nothing_found(path, "dst host 1.2.3.4", "found 0 frames that match --filter");
    }
    uint8_t tagged[40 + 64];
    memcpy(tagged, header, 40);
    memcpy(tagged + 40, plain, 12);
    static const uint8_t tags[8] = {0x88, 0xa8, 0, 1, 0x81, 0, 0, 2};
    memcpy(tagged + 52, tags, sizeof tags);
    memcpy(tagged + 60, plain + 12, 40);
    tagged[32] = tagged[36] = 60;
    struct totals t = read_all(file("b", tagged, 100, false), NULL, SOURCE_PAYLOADS);
    assert_int_equal(t.items, 1);
    assert_int_equal(t.bytes, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_binary_file),
        cmocka_unit_test(gzip_reads_like_plain),
        cmocka_unit_test(cut_file_counts_to_the_cut),
        cmocka_unit_test(cut_gzip_counts_to_the_cut),
        cmocka_unit_test(what_is_no_source_is_refused),
        cmocka_unit_test(real_capture_of_packets),
        cmocka_unit_test(packets_come_in_the_order_of_their_numbers),
        cmocka_unit_test(a_packet_that_is_lost_holds_up_for_a_while),
        cmocka_unit_test(real_captures_of_other_feeds),
        cmocka_unit_test(frames),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
