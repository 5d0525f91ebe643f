// Real A and B lines with their real skew: CME MDP 3.0, whose packets are numbered one by one,
// which is all that an arbiter looks at.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <pcap/pcap.h>
#include <zlib.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/feed/arbiter.h"
#include "dataplane/wire/frame.h"

enum { PACKETS = 5000, FIRST = 5615, PORT_A = 14340, PORT_B = 15340, HELD = 64 };

// The capture, unpacked into a file without a name; null when it is not there.
static FILE *capture_open(void)
{
    const char *shared = getenv("TICKGATE_SHARED");
    char path[512], bytes[65536];
    snprintf(path, sizeof path, "%s/data/cme/mdp3_ab_20161112.pcapng.gz",
             shared ? shared : "../shared");
    gzFile in = gzopen(path, "rb");
    if (in == NULL)
        return NULL;
    FILE *out = tmpfile();
    for (int n; out && (n = gzread(in, bytes, sizeof bytes)) > 0;)
        fwrite(bytes, 1, (size_t)n, out);
    gzclose(in);
    rewind(out);
    return out;
}

struct tally {
    uint32_t packets[2], first[2], duplicates, held, lag_known;
    uint64_t next, line_gaps;
};

static void offer(struct arbiter *a, struct tally *t, uint32_t line, uint64_t sequence,
                  uint64_t now)
{
    const struct feed_packet packet = {.sequence = sequence, .count = 1};
    const struct frame frame = {0};
    struct arbiter_offer o = arbiter_offer(a, line, &packet, &frame, now, false);
    t->packets[line]++;
    t->line_gaps += o.line_gap;
    t->lag_known += o.lag_known;
    switch (o.verdict) {
    case ARBITER_DELIVER:
        assert_int_equal(sequence, t->next);
        assert_int_equal(o.skip, 0);
        arbiter_advance(a, ++t->next);
        t->first[line]++;
        break;
    case ARBITER_DUPLICATE:
        assert_true(sequence < t->next);
        t->duplicates++;
        break;
    default: t->held++; break;
    }
}

static void test_the_first_copy_wins(void **state)
{
    (void)state;
    char error[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const u_char *data;
    struct tally t = {.next = FIRST};
    static struct arbiter a;
    FILE *file = capture_open();
    if (file == NULL)
        skip();
    void *memory = aligned_alloc(64, (arbiter_bytes(HELD) + 63) / 64 * 64);
    arbiter_init(&a, HELD, memory);
    arbiter_start(&a, FIRST);
    pcap_t *capture =
        pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
    assert_non_null(capture);
    while (pcap_next_ex(capture, &header, &data) == 1) {
        struct frame_udp f;
        assert_int_equal(frame_parse(data, header->caplen, &f), FRAME_UDP);
        assert_true(f.dst_port == PORT_A || f.dst_port == PORT_B);
        uint64_t now = (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec;
        offer(&a, &t, f.dst_port == PORT_B, le32_load(f.payload), now);
    }
    pcap_close(capture);
    free(memory);
    assert_int_equal(t.packets[0], PACKETS);
    assert_int_equal(t.packets[1], PACKETS);
    assert_int_equal(t.next, FIRST + PACKETS);
    assert_int_equal(t.first[1], 4250);
    assert_int_equal(t.first[0], PACKETS - 4250);
    assert_int_equal(t.duplicates, PACKETS);
    assert_int_equal(t.lag_known, PACKETS);
    assert_int_equal(t.held, 0);
    assert_int_equal(t.line_gaps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_copy_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
