// Hot path, when there is nothing to do: practice frames.
#include "dataplane/lane/desk_warm_market.h"

#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/wire/frame_build.h"

enum {
    GROUP = 0xEF000001, // of the practice port, which nobody else can send to
    GROUP_PORT = 1,
    SYMBOLS = 2,
    LOCATE = 1,
    PORT_INDEX = UINT8_MAX,
    MESSAGE_AT = 22, // behind MoldUDP64's header and the block's length
    PRICE = 1000000,
    TICK = 100,
    LEVELS = 20,           // on each side, so that a new one is searched for and sorted in
    STANDING = 2 * LEVELS, // orders that make them
};

struct desk_warm_market {
    struct port port;
    struct channel channel;
    struct channel_counters count;
    struct line_counters lines[ARBITER_LINES];
    struct histogram lag[ARBITER_LINES];
    struct histogram recovery;
    struct channel_touch touch;
    struct symbol_top tops[SYMBOLS];
    struct symbol_name names[SYMBOLS];
    uint16_t touched[SYMBOLS];
    uint8_t marks[SYMBOLS];
    uint64_t sequence;
    uint16_t input;
    uint32_t len; // of the frame that waits; 0: none
    uint8_t frame[256];
    CACHE_ALIGN uint8_t book[];
};

// --- the port ---

static uint16_t practice_receive(struct port *port, uint16_t queue, struct frame *frames,
                                 uint16_t max)
{
    struct desk_warm_market *m = port->driver;
    (void)queue;
    if (m->len == 0 || max == 0)
        return 0;
    frames[0] = (struct frame){.data = m->frame, .len = m->len, .owner = m->frame};
    m->len = 0;
    return 1;
}

static void practice_release(struct port *port, struct frame *frame)
{
    (void)port;
    (void)frame;
}

static const struct port_ops practice_ops = {.receive = practice_receive,
                                             .release = practice_release};

// --- the channel ---

static void practice_event(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

static bool practice_request(void *context, const struct feed_request *request)
{
    (void)context;
    (void)request;
    return true;
}

static void practice_kept(void *context, struct frame *frame)
{
    (void)context;
    (void)frame;
}

static struct channel_config channel_config_make(void)
{
    struct channel_config c = {.protocol = &feed_itch50,
                               .start = CHANNEL_START_FIRST,
                               .reorder_frames = 1,
                               .hold_frames = 1,
                               .line_count = 1,
                               .book = {.symbols = SYMBOLS,
                                        .orders = 64,
                                        .levels = 64,
                                        .spans = 1 << (SPAN_CLASSES - 1),
                                        .matches = 64}};
    return c;
}

uint64_t desk_warm_market_bytes(void)
{
    const struct channel_config config = channel_config_make();
    return sizeof(struct desk_warm_market) + channel_bytes(&config, NULL);
}

static void channel_make(struct desk_warm_market *m)
{
    const struct channel_config config = channel_config_make();
    struct channel *ch = &m->channel;
    channel_init(ch, &config, m->book);
    ch->tops = m->tops;
    ch->names = m->names;
    ch->count = &m->count;
    ch->recovery = &m->recovery;
    for (uint32_t i = 0; i < ARBITER_LINES; i++) {
        ch->lines[i] = &m->lines[i];
        ch->lag[i] = &m->lag[i];
    }
    ch->sink = (struct channel_sink){m, practice_event, practice_request, practice_kept};
    m->touch.slots = m->touched;
    m->touch.marks = m->marks;
    ch->touch = &m->touch;
}

struct desk_warm_market *desk_warm_market_init(struct lane *lane, void *memory)
{
    struct desk_warm_market *m = memory;
    bool itch = false;
    for (uint32_t i = 0; i < lane->channel_count; i++)
        itch |= lane->channels[i]->protocol == &feed_itch50;
    if (!itch || lane->input_count >= PORTS_MAX || lane->channel_count >= CHANNELS_MAX ||
        !lane_route_add(lane, PORT_INDEX, GROUP, GROUP_PORT, (uint8_t)lane->channel_count, 0))
        return NULL;
    channel_make(m);
    m->sequence = 1;
    m->port.ops = &practice_ops;
    m->port.driver = m;
    m->port.index = PORT_INDEX;
    m->input = (uint16_t)lane->input_count;
    lane->inputs[m->input] = (struct lane_input){.port = &m->port};
    lane->channels[lane->channel_count] = &m->channel;
    return m;
}

// --- frames ---

static uint32_t add_write(uint8_t *p, uint64_t ref, bool buys, uint32_t away)
{
    p[0] = 'A';
    be64_store(p + 11, ref);
    p[19] = buys ? 'B' : 'S';
    be32_store(p + 20, 100);
    memcpy(p + 24, "PRACTICE", 8);
    be32_store(p + 32, buys ? PRICE - away : PRICE + away);
    return 36;
}

// First what stands; then an order becomes the best one and is gone again, on both sides in turn.
static uint32_t message_write(struct desk_warm_market *m, uint8_t *p)
{
    const uint64_t turn = m->sequence - 1, ref = STANDING + 1 + (turn - STANDING) / 2;
    be16_store(p + 1, LOCATE);
    if (turn < STANDING)
        return add_write(p, turn + 1, turn & 1, TICK * (1 + (uint32_t)turn / 2));
    if (!(turn & 1))
        return add_write(p, ref, ref & 1, 0);
    p[0] = 'D';
    be64_store(p + 11, ref);
    return 19;
}

void desk_warm_market_turn(struct desk_warm_market *m, struct lane *lane)
{
    static const uint8_t group_mac[FRAME_MAC_LEN] = {1, 0, 0x5e, 0, 0, 1};
    const struct frame_udp_out out = {.dst_mac = group_mac,
                                      .src_mac = m->port.mac,
                                      .vlan = FRAME_NO_VLAN,
                                      .src_port = GROUP_PORT,
                                      .dst_port = GROUP_PORT,
                                      .src_ip = GROUP,
                                      .dst_ip = GROUP};
    uint8_t packet[MESSAGE_AT + 36] = "PRACTICE  ";
    const uint32_t len = message_write(m, packet + MESSAGE_AT);
    be64_store(packet + 10, m->sequence++);
    be16_store(packet + 18, 1);
    be16_store(packet + 20, (uint16_t)len);
    m->len = frame_udp_build(m->frame, &out, packet, (uint16_t)(MESSAGE_AT + len));
    lane->delivered = UINT64_MAX; // this channel is not counted: the burst looks like one that told
    lane_burst(lane, m->input);
    m->touch.count = 0; // no session has this channel
    m->marks[0] = m->marks[1] = 0;
}

uint64_t desk_warm_market_changes(const struct desk_warm_market *m)
{
    return m->count.best_changes;
}
