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

// Nothing is told from here: an event ring has one writer, and the lane tells what differs when the
// book is back (feed/told.h). No requests, nothing held.
static void sink_event(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

static bool sink_request(void *context, const struct feed_request *request)
{
    (void)context;
    (void)request;
    return true;
}

static void sink_release(void *context, struct frame *frame)
{
    (void)context;
    (void)frame;
}

void snapshot_init(struct snapshot *s, const struct config_snapshot *config, struct channel *ch,
                   struct lane *lane, struct main_counters *count)
{
    memset(s, 0, sizeof *s);
    s->config = *config;
    s->channel = ch;
    s->lane = lane;
    s->count = count;
    s->fd = -1;
}

// Published cells of symbols that are gone: no locate, no prices.
static void cells_clear(struct channel *ch)
{
    for (uint32_t slot = 0; slot < ch->book.symbol_count; slot++) {
        atomic_store_explicit(&ch->names[slot].locate, 0, memory_order_release);
        symbol_top_begin(&ch->tops[slot]);
        ch->tops[slot].locate = 0;
        ch->tops[slot].shares[0] = ch->tops[slot].shares[1] = 0;
        symbol_top_end(&ch->tops[slot]);
    }
}

static void answer_push(struct snapshot *s)
{
    s->state = spsc_push(&s->lane->answers, &s->answer) ? SNAPSHOT_IDLE : SNAPSHOT_RETURNING;
}

static void book_give_back(struct snapshot *s, uint64_t next, bool loaded)
{
    s->answer = (struct lane_answer){
        .kind = ANSWER_BOOK, .channel = s->channel->index, .sequence = next, .loaded = loaded};
    s->channel->book = s->loader.book;
    s->channel->participants = s->loader.participants;
    s->channel->loaded = s->loader.market;
    memcpy(s->channel->filter_active, s->loader.filter_active, sizeof s->loader.filter_active);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    answer_push(s);
}

static void loader_reset(struct snapshot *s)
{
    cells_clear(&s->loader);
    channel_book_reset(&s->loader);
    s->loader.market = (struct channel_market){0};
    memset(&s->scratch, 0, sizeof s->scratch);
}

// One attempt has failed: again after a pause, or not at all.
static void attempt_failed(struct snapshot *s, uint64_t now_ns, const char *why)
{
    log_warn(LOG_SNAPSHOT,
             LOG_FIELDS(LOG_NUMBER("channel_number", s->channel->index),
                        LOG_NUMBER("attempt", s->tries), LOG_TEXT("cause", why)),
             "channel %u, attempt %u of %d: %s", s->channel->index, s->tries, SNAPSHOT_TRIES, why);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->state = SNAPSHOT_WAITING;
    s->deadline_ns = now_ns + second_ns / 4 * s->tries;
    if (s->tries < SNAPSHOT_TRIES)
        return;
    loader_reset(s);
    book_give_back(s, 0, false);
}

static void connect_start(struct snapshot *s, uint64_t now_ns)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(s->config.server.port),
                                   .sin_addr.s_addr = htonl(s->config.server.ip)};
    loader_reset(s);
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
    // Only what the lane does not write while the book is lent.
    s->loader.book = s->channel->book;
    s->loader.protocol = s->channel->protocol;
    s->loader.tops = s->channel->tops;
    s->loader.names = s->channel->names;
    s->loader.participants = s->channel->participants;
    // The spin's directory may announce symbols that are followed by name.
    memcpy(s->loader.filter_active, s->channel->filter_active, sizeof s->loader.filter_active);
    s->loader.filter = s->channel->filter ? s->loader.filter_active : NULL;
    s->loader.follow = s->channel->follow;
    s->loader.follow_count = s->channel->follow_count;
    s->loader.index = s->channel->index;
    s->loader.count = &s->scratch;
    s->loader.sink = (struct channel_sink){s, sink_event, sink_request, sink_release};
    s->tries = 0;
    if (request->kind == FEED_REQUEST_RESET) {
        loader_reset(s);
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
    const struct feed_packet one = {
        .sequence = 0, .count = 1, .len = packet->len + 2, .blocks = block};
    s->loader.protocol->apply(&s->loader, &one, 0);
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
    while (work < SNAPSHOT_MESSAGES_A_TURN) {
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
