#include "dataplane/control/snapshot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/log.h"
#include "dataplane/wire/glimpse.h"

static const uint64_t second_ns = 1000000000;

void snapshot_init(struct snapshot *s, const struct config_snapshot *config, struct channel *ch,
                   struct lane *lane, struct main_counters *count)
{
    memset(s, 0, sizeof *s);
    s->config = *config;
    book_load_init(&s->load, ch);
    s->lane = lane;
    s->count = count;
    s->fd = -1;
}

static void answer_push(struct snapshot *s)
{
    s->state = spsc_push(&s->lane->answers, &s->answer) ? SNAPSHOT_IDLE : SNAPSHOT_RETURNING;
}

static void book_give_back(struct snapshot *s, uint64_t next, bool loaded)
{
    snapshot_record_end(s);
    s->answer = (struct lane_answer){.kind = ANSWER_BOOK,
                                     .channel = s->load.channel->index,
                                     .sequence = next,
                                     .loaded = loaded,
                                     .recorded = s->recorded};
    book_load_return(&s->load);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    answer_push(s);
}

static void book_clear(struct snapshot *s)
{
    book_load_clear(&s->load);
    snapshot_record_clear(s);
}

// One attempt has failed: again after a pause, or not at all.
static void attempt_failed(struct snapshot *s, uint64_t now_ns, const char *why)
{
    log_warn(LOG_SNAPSHOT,
             LOG_FIELDS(LOG_NUMBER("channel_number", s->load.channel->index),
                        LOG_NUMBER("attempt", s->tries), LOG_TEXT("cause", why)),
             "channel %u, attempt %u of %d: %s", s->load.channel->index, s->tries, SNAPSHOT_TRIES,
             why);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->state = SNAPSHOT_WAITING;
    s->deadline_ns = now_ns + second_ns / 4 * s->tries;
    if (s->tries < SNAPSHOT_TRIES)
        return;
    book_clear(s);
    book_give_back(s, 0, false);
}

static void connect_start(struct snapshot *s, uint64_t now_ns)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(s->config.server.port),
                                   .sin_addr.s_addr = htonl(s->config.server.ip)};
    book_clear(s);
    s->tries++;
    s->deadline_ns = now_ns + (uint64_t)s->config.timeout_ms * 1000000;
    s->state = SNAPSHOT_CONNECTING;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    soupbin_stream_init(&s->stream, s->buffer, sizeof s->buffer);
    if (s->fd < 0 ||
        (connect(s->fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS))
        attempt_failed(s, now_ns, strerror(errno));
}

void snapshot_request(struct snapshot *s, const struct feed_request *request, uint64_t now_ns)
{
    book_load_borrow(&s->load);
    snapshot_record_begin(s, now_ns);
    s->tries = 0;
    if (request->kind == FEED_REQUEST_RESET) {
        book_clear(s);
        book_give_back(s, 1, true);
        return;
    }
    connect_start(s, now_ns);
}

static void login_send(struct snapshot *s, uint64_t now_ns)
{
    uint8_t bytes[SOUPBIN_LOGIN_LEN_410];
    const struct soupbin_login login = {.username = s->config.username,
                                        .password = s->config.password,
                                        .session = "",
                                        .sequence = 1};
    uint32_t len = soupbin_login_write(bytes, &login);
    int failed = 0;
    socklen_t size = sizeof failed;
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed) {
        attempt_failed(s, now_ns, strerror(failed));
        return;
    }
    if (send(s->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len) {
        s->state = SNAPSHOT_LOGIN;
        s->beat_ns = now_ns + second_ns;
    }
}

// One message of the spin, as the block of a packet: the two bytes before the payload are the
// packet's own length and type, and are used up by now.
static void message_apply(struct snapshot *s, const struct soupbin_packet *packet)
{
    uint8_t *block = s->buffer + (packet->payload - s->buffer) - 2;
    be16_store(block, (uint16_t)packet->len);
    book_load_message(&s->load, block, packet->len + 2);
    snapshot_record(s, block, packet->len + 2);
    s->count->snapshot_messages++;
}

// Returns false when the loading is over, one way or the other.
static bool packet_take(struct snapshot *s, const struct soupbin_packet *packet, uint64_t now_ns)
{
    uint64_t next;
    switch (packet->type) {
    case SOUPBIN_LOGIN_ACCEPTED: s->state = SNAPSHOT_LOADING; return true;
    case SOUPBIN_LOGIN_REJECTED:
        attempt_failed(s, now_ns, "login rejected: wrong user, password or session");
        return false;
    case SOUPBIN_END_OF_SESSION:
        attempt_failed(s, now_ns, "the server ended the session before the snapshot");
        return false;
    case SOUPBIN_SEQUENCED: break;
    default: return true;
    }
    if (packet->len == GLIMPSE_END_LEN && packet->payload[0] == GLIMPSE_END) {
        if (!glimpse_end_read(packet->payload, &next)) {
            attempt_failed(s, now_ns, "End of Snapshot without a number");
            return false;
        }
        s->count->snapshots_loaded++;
        book_give_back(s, next, true);
        return false;
    }
    message_apply(s, packet);
    return true;
}

static uint32_t stream_read(struct snapshot *s, uint64_t now_ns)
{
    struct soupbin_packet packet;
    uint32_t work = 0, room;
    while (work < SNAPSHOT_MESSAGES_A_TURN && snapshot_record_room(s, now_ns)) {
        enum soupbin_code code = soupbin_stream_next(&s->stream, &packet);
        if (code == SOUPBIN_BAD) {
            attempt_failed(s, now_ns, "not SoupBinTCP");
            return work;
        }
        if (code == SOUPBIN_PACKET) {
            work++;
            if (!packet_take(s, &packet, now_ns))
                return work;
            continue;
        }
        uint8_t *at = soupbin_stream_room(&s->stream, &room);
        ssize_t got = recv(s->fd, at, room, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            attempt_failed(s, now_ns,
                           got == 0 ? "the server closed the connection" : strerror(errno));
            return work;
        }
        if (got < 0)
            break;
        soupbin_stream_received(&s->stream, (uint32_t)got);
    }
    return work;
}

uint32_t snapshot_turn(struct snapshot *s, uint64_t now_ns)
{
    uint8_t beat[SOUPBIN_HEADER_LEN];
    if (s->state == SNAPSHOT_IDLE)
        return 0;
    if (s->state == SNAPSHOT_RETURNING) {
        answer_push(s);
        return 1;
    }
    if (s->state == SNAPSHOT_WAITING) {
        if (now_ns >= s->deadline_ns)
            connect_start(s, now_ns);
        return 0;
    }
    if (now_ns >= s->deadline_ns) {
        attempt_failed(s, now_ns, "no complete snapshot within the configured time");
        return 1;
    }
    if (s->state == SNAPSHOT_CONNECTING) {
        login_send(s, now_ns);
        return 1;
    }
    if (now_ns >= s->beat_ns) {
        s->beat_ns = now_ns + second_ns;
        send(s->fd, beat, soupbin_heartbeat_write(beat), MSG_NOSIGNAL);
    }
    return stream_read(s, now_ns);
}
