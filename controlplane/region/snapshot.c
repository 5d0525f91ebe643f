#include "controlplane/region/snapshot.h"

#include <string.h>

#include "controlplane/region/words.h"
#include "dataplane/base/clock.h"

static void copy_all(const struct region_view *view, void *context)
{
    struct snapshot *s = context;
    const struct region_shape *shape = &view->shape;
    const struct region_header *header = region_header(view);
    s->heartbeat_tsc = atomic_load_explicit(&header->heartbeat_tsc, memory_order_relaxed);
    s->state = atomic_load_explicit(&header->state, memory_order_acquire);
    memcpy(s->lanes, region_lane_info(view, 0), shape->lanes * sizeof s->lanes[0]);
    memcpy(s->channels, region_channel_info(view, 0), shape->channels * sizeof s->channels[0]);
    memcpy(s->lines, region_line_info(view, 0), shape->channels * sizeof s->lines[0]);
    memcpy(s->ports, region_port_info(view, 0), shape->ports * sizeof s->ports[0]);
    memcpy(s->pools, region_pool_info(view, 0), shape->pools * sizeof s->pools[0]);
    memcpy(s->bill, region_bill_item(view, 0), shape->bill_items * sizeof s->bill[0]);
    copy_words(s->lane_counters, region_lane_counters(view, 0),
               shape->lanes * sizeof s->lane_counters[0]);
    copy_words(s->channel_counters, region_channel_counters(view, 0),
               shape->channels * sizeof s->channel_counters[0]);
    copy_words(s->line_counters, region_line_counters(view, 0),
               shape->channels * sizeof s->line_counters[0]);
    copy_words(s->port_counters, region_port_counters(view, 0),
               shape->ports * sizeof s->port_counters[0]);
    copy_words(s->pool_counters, region_pool_counters(view, 0),
               shape->pools * sizeof s->pool_counters[0]);
    copy_words(&s->main_counters, region_main_counters(view, 0), sizeof s->main_counters);
    copy_words(s->lane_histograms, region_lane_histograms(view, 0),
               shape->lanes * sizeof s->lane_histograms[0]);
    copy_words(s->channel_histograms, region_channel_histograms(view, 0),
               shape->channels * sizeof s->channel_histograms[0]);
    copy_words(s->line_histograms, region_line_histograms(view, 0),
               shape->channels * sizeof s->line_histograms[0]);
}

void text_clean(char *text, size_t len)
{
    text[len - 1] = 0;
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void clean(struct snapshot *s)
{
    for (uint32_t i = 0; i < s->shape.lanes; i++)
        text_clean(s->lanes[i].name, NAME_LEN);
    for (uint32_t i = 0; i < s->shape.channels; i++) {
        struct channel_info *channel = &s->channels[i];
        text_clean(channel->name, NAME_LEN);
        text_clean(channel->protocol, sizeof channel->protocol);
        if (channel->lane >= s->shape.lanes)
            channel->lane = 0;
        if (channel->lines > LINES_MAX)
            channel->lines = LINES_MAX;
        for (uint32_t k = 0; k < CHANNEL_LINES; k++)
            text_clean(s->lines[i][k].name, NAME_LEN);
    }
    for (uint32_t i = 0; i < s->shape.ports; i++) {
        text_clean(s->ports[i].name, NAME_LEN);
        text_clean(s->ports[i].device, sizeof s->ports[i].device);
        text_clean(s->ports[i].driver, NAME_LEN);
    }
    for (uint32_t i = 0; i < s->shape.pools; i++)
        text_clean(s->pools[i].name, NAME_LEN);
    for (uint32_t i = 0; i < s->shape.bill_items; i++)
        text_clean(s->bill[i].name, sizeof s->bill[i].name);
    text_clean(s->identity.node, sizeof s->identity.node);
    text_clean(s->identity.program, sizeof s->identity.program);
}

bool snapshot_take(struct snapshot *snapshot, struct contact *contact)
{
    if (!contact_attached(contact))
        return false;
    snapshot->whole = false;
    snapshot->tsc = clock_tsc();
    snapshot->identity = contact_header(contact)->identity;
    snapshot->shape = contact->reader.view.shape;
    if (!contact_pass(contact, copy_all, snapshot))
        return false;
    clean(snapshot);
    snapshot->whole = true;
    return true;
}
