// Sends signals over UDP, as docs/signals.md has them. Stands by itself: cc -o signal_sender
// signal_sender.c
//
//   signal_sender GROUP:PORT OWN_IP:PORT SOURCE SYMBOL < forecasts
//
// Each line of standard input is a forecast: the change of the price in ten thousandths of a
// dollar, and the confidence of 10,000 behind it (9000 where there is none). Each is sent at once,
// in a datagram of its own.
#include <arpa/inet.h>
#include <endian.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { HORIZON_MS = 250, TTL_MS = 1000, CONFIDENCE = 9000 };

// Every field at a multiple of its size: the compiler adds nothing between them.
struct datagram {
    char magic[4];
    uint8_t version;
    uint8_t records;
    uint16_t record_len;
    uint64_t run;
    struct {
        uint64_t number;
        uint64_t as_of_ns;
        uint64_t value[4];
        char symbol[8];
        uint32_t horizon_ms;
        uint32_t ttl_ms;
        uint16_t source;
        uint16_t confidence;
        uint32_t zero;
    } record[1];
};
_Static_assert(sizeof(struct datagram) == 16 + 72, "docs/signals.md");

static uint64_t utc_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int usage(void)
{
    fputs("usage: signal_sender GROUP:PORT OWN_IP:PORT SOURCE SYMBOL < forecasts\n", stderr);
    return 2;
}

// "address:port"; 0: it is none.
static int address_read(const char *text, struct sockaddr_in *out)
{
    char ip[INET_ADDRSTRLEN];
    const char *colon = strchr(text, ':');
    char *end;
    memset(out, 0, sizeof *out);
    out->sin_family = AF_INET;
    if (colon == NULL || (size_t)(colon - text) >= sizeof ip)
        return 0;
    memcpy(ip, text, (size_t)(colon - text));
    ip[colon - text] = 0;
    const unsigned long port = strtoul(colon + 1, &end, 10);
    out->sin_port = htons((uint16_t)port);
    return *end == 0 && port >= 1 && port <= 65535 && inet_pton(AF_INET, ip, &out->sin_addr) == 1;
}

static int send_all(int fd, const struct sockaddr_in *to, uint16_t source, const char *symbol)
{
    struct datagram d = {.magic = {'T', 'G', 'S', 'G'}, .version = 1, .records = 1};
    char line[256];
    d.record_len = htole16(sizeof d.record[0]);
    d.run = htole64(utc_ns()); // larger with every start: numbers begin anew
    memset(d.record[0].symbol, ' ', sizeof d.record[0].symbol);
    memcpy(d.record[0].symbol, symbol, strlen(symbol));
    d.record[0].horizon_ms = htole32(HORIZON_MS);
    d.record[0].ttl_ms = htole32(TTL_MS);
    d.record[0].source = htole16(source);
    for (uint64_t number = 1; fgets(line, sizeof line, stdin); number++) {
        int64_t change;
        uint16_t confidence = CONFIDENCE;
        if (sscanf(line, "%" SCNd64 " %" SCNu16, &change, &confidence) < 1) {
            fprintf(stderr, "signal_sender: '%.40s' is no forecast\n", line);
            return 1;
        }
        d.record[0].number = htole64(number);
        d.record[0].as_of_ns = htole64(utc_ns());
        d.record[0].value[0] = htole64((uint64_t)change);
        d.record[0].confidence = htole16(confidence);
        if (sendto(fd, &d, sizeof d, 0, (const struct sockaddr *)to, sizeof *to) < 0) {
            perror("signal_sender: sendto");
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in to, from;
    char *end;
    if (argc != 5 || !address_read(argv[1], &to) || !address_read(argv[2], &from) ||
        argv[4][0] == 0 || strlen(argv[4]) > 8)
        return usage();
    const unsigned long source = strtoul(argv[3], &end, 10);
    if (*end || source < 1 || source > UINT16_MAX)
        return usage();
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    // The dataplane takes signals from the configured address and port only; a group is reached
    // through the interface of the own address.
    if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof from) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &from.sin_addr, sizeof from.sin_addr) != 0) {
        perror("signal_sender: socket");
        return 1;
    }
    return send_all(fd, &to, (uint16_t)source, argv[4]);
}
