#include "dataplane/control/book_load.h"

#include <string.h>

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

void book_load_init(struct book_load *load, struct channel *ch)
{
    load->channel = ch;
}

void book_load_borrow(struct book_load *load)
{
    struct channel *to = &load->loader;
    const struct channel *from = load->channel;
    // Only what the lane does not write while the book is lent.
    to->book = from->book;
    to->protocol = from->protocol;
    to->tops = from->tops;
    to->names = from->names;
    to->participants = from->participants;
    // The spin's directory may announce symbols that are followed by name.
    memcpy(to->filter_active, from->filter_active, sizeof to->filter_active);
    to->filter = from->filter ? to->filter_active : NULL;
    to->follow = from->follow;
    to->follow_count = from->follow_count;
    to->index = from->index;
    to->count = &load->scratch;
    to->sink = (struct channel_sink){NULL, sink_event, sink_request, sink_release};
    load->borrowed = true;
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

void book_load_clear(struct book_load *load)
{
    cells_clear(&load->loader);
    channel_book_reset(&load->loader);
    load->loader.market = (struct channel_market){0};
    memset(&load->scratch, 0, sizeof load->scratch);
}

void book_load_message(struct book_load *load, const uint8_t *block, uint32_t len)
{
    const struct feed_packet one = {.sequence = 0, .count = 1, .len = len, .blocks = block};
    load->loader.protocol->apply(&load->loader, &one, 0);
}

void book_load_return(struct book_load *load)
{
    struct channel *to = load->channel;
    to->book = load->loader.book;
    to->participants = load->loader.participants;
    to->loaded = load->loader.market;
    memcpy(to->filter_active, load->loader.filter_active, sizeof load->loader.filter_active);
    load->borrowed = false;
}
