// Methods about the dataplane itself: who it is, how its lanes, feeds, ports and memory are.
#include <stdio.h>
#include <string.h>

#include "controlplane/control/view.h"
#include "controlplane/store/store.h"
#include "controlplane/trace/export.h"
#include "dataplane/base/clock.h"

enum { NS_PER_S = 1000000000 };

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

static const char *state_text(const struct control *control)
{
    switch (control->contact.state) {
    case CONTACT_ABSENT: return "absent";
    case CONTACT_DEAD: return "dead";
    case CONTACT_SILENT: return "silent";
    case CONTACT_STARTING: return "starting";
    case CONTACT_LIVE: break;
    }
    return control->snapshot.state == REGION_STOPPING ? "stopping" : "ready";
}

void method_version(struct control *control, struct job *job)
{
    char text[48];
    uint64_t hash[2];
    job->result = json_object();
    set(job->result, "control_plane", json_string(TICKGATE_VERSION));
    set(job->result, "dataplane", json_null());
    if (snapshot_take(&control->snapshot, &control->contact))
        set(job->result, "dataplane", json_string(control->snapshot.identity.program));
    snprintf(text, sizeof text, "%u.%u", REGION_MAJOR, REGION_MINOR);
    set(job->result, "region", json_string(text));
    region_abi_hash(hash);
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)hash[0],
             (unsigned long long)hash[1]);
    set(job->result, "region_hash", json_string(text));
    set(job->result, "rpc", json_integer(1));
}

void method_help(struct control *control, struct job *job)
{
    static const char *const types[] = {
        [PARAM_STRING] = "string", [PARAM_INTEGER] = "integer", [PARAM_STRINGS] = "strings"};
    (void)control;
    json_t *list = json_array();
    for (uint32_t i = 0; i < method_count; i++) {
        json_t *params = json_array();
        for (uint32_t k = 0; k < PARAMS_MAX && methods[i].params[k].name; k++) {
            const struct param *param = &methods[i].params[k];
            json_array_append_new(params, json_pack("{s:s,s:s,s:b,s:s}", "name", param->name,
                                                    "type", types[param->type], "required",
                                                    param->required, "help", param->help));
        }
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o}", "method", methods[i].name,
                                              "role", role_name(methods[i].role), "help",
                                              methods[i].help, "params", params));
    }
    job->result = json_pack("{s:o}", "methods", list);
}

// --- status ---

static json_t *status_channels(const struct control *control)
{
    const struct snapshot *s = &control->snapshot;
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->shape.channels; i++) {
        const struct channel_counters *count = &s->channel_counters[i];
        json_t *row = json_object();
        set(row, "channel", json_string(s->channels[i].name));
        set(row, "lane", json_string(s->lanes[s->channels[i].lane].name));
        set(row, "quality", view_quality(0, count->quality));
        set(row, "messages", view_count(count->messages));
        set(row, "messages_per_s",
            view_count(control_rate(control, control->rates[1].messages[i],
                                    control->rates[0].messages[i])));
        set(row, "gaps", view_count(count->gaps));
        set(row, "lost_messages", view_count(count->lost_messages));
        set(row, "symbols", view_count(count->symbols));
        set(row, "symbols_suspect", view_count(count->symbols_suspect));
        set(row, "orders_live", view_count(count->orders_live));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *status_events(const struct event_log *log)
{
    json_t *events = json_object();
    set(events, "trading", view_count(log->drained[EVENT_RING_TRADING]));
    set(events, "trading_lost", view_count(log->lost[EVENT_RING_TRADING]));
    set(events, "diagnostic", view_count(log->drained[EVENT_RING_DIAGNOSTIC]));
    set(events, "diagnostic_dropped", view_count(log->lost[EVENT_RING_DIAGNOSTIC]));
    set(events, "rings_damaged", view_count(log->damaged));
    return events;
}

// The upper edge of the bucket that holds the quantile, in us; null: nothing was committed.
static json_t *commit_us(const struct drain_status *s, double q)
{
    uint64_t all = 0, sum = 0;
    for (uint32_t i = 0; i < JOURNAL_LATENCIES; i++)
        all += s->latency[i];
    for (uint32_t i = 0; i < JOURNAL_LATENCIES && all; i++) {
        sum += s->latency[i];
        if ((double)sum >= q * (double)all)
            return view_count(1ull << i);
    }
    return json_null();
}

static json_t *status_journal(struct drain *drain)
{
    struct drain_status s;
    json_t *journal = json_object();
    if (drain == NULL) {
        set(journal, "state", json_string("off"));
        return journal;
    }
    drain_status_take(drain, &s);
    set(journal, "state", json_string(drain_state_name(s.state)));
    set(journal, "why", *s.why ? json_string(s.why) : json_null());
    set(journal, "directory", json_string(drain->config.journal.directory));
    set(journal, "engine", json_string(s.engine));
    set(journal, "direct", json_boolean(s.direct));
    set(journal, "segment", view_count(s.segment));
    set(journal, "records", view_count(s.records));
    set(journal, "committed", view_count(s.committed));
    set(journal, "behind_events", view_count(s.behind));
    set(journal, "bytes", view_count(s.bytes));
    set(journal, "commits", view_count(s.blocks));
    set(journal, "commit_p50_us", commit_us(&s, 0.5));
    set(journal, "commit_p99_us", commit_us(&s, 0.99));
    set(journal, "commit_max_us", commit_us(&s, 1));
    set(journal, "overrun_events", view_count(s.overrun));
    set(journal, "missing_events", view_count(s.gaps));
    set(journal, "verified_records", view_count(s.verified.records));
    set(journal, "verify_records", view_count(s.verified.of));
    set(journal, "verify_ms", view_count(s.verified.us / 1000));
    return journal;
}

static json_t *status_store(struct store *store)
{
    struct store_status s;
    json_t *out = json_object();
    if (store == NULL) {
        set(out, "state", json_string("off"));
        return out;
    }
    store_look(store, &s);
    set(out, "state", json_string(store_state_name(s.state)));
    set(out, "why", *s.why ? json_string(s.why) : json_null());
    set(out, "server", *s.where ? json_string(s.where) : json_null());
    set(out, "taken", view_count(s.taken));
    set(out, "behind_records", view_count(s.committed > s.taken ? s.committed - s.taken : 0));
    set(out, "lag_ms", view_count(s.lag_ns / 1000000));
    set(out, "events", view_count(s.events));
    set(out, "batches", view_count(s.batches));
    set(out, "connects", view_count(s.connects));
    set(out, "failures", view_count(s.failures));
    set(out, "missing_records", view_count(s.holes));
    set(out, "memory_bytes", view_count(s.memory_bytes));
    return out;
}

static json_t *status_trace(struct trace_export *trace)
{
    struct trace_status s;
    json_t *out = json_object();
    if (trace == NULL) {
        set(out, "state", json_string("off"));
        return out;
    }
    trace_export_look(trace, &s);
    set(out, "state", json_string(trace_state_name(s.state)));
    set(out, "why", *s.why ? json_string(s.why) : json_null());
    set(out, "traces", view_count(s.traces));
    set(out, "spans", view_count(s.spans));
    set(out, "dropped_spans", view_count(s.dropped_spans));
    set(out, "rejected_spans", view_count(s.rejected_spans));
    set(out, "missing_records", view_count(s.missed_records));
    set(out, "failures", view_count(s.failures));
    set(out, "queue_bytes", view_count(s.queue_bytes));
    return out;
}

static json_t *status_control(const struct control *control)
{
    json_t *own = json_object();
    set(own, "version", json_string(TICKGATE_VERSION));
    set(own, "uptime_s", view_count((clock_mono_ns() - control->started_ns) / NS_PER_S));
    set(own, "attached", view_count(control->contact.attached));
    set(own, "clients", view_count(control->clients));
    set(own, "clients_refused", view_count(control->clients_refused));
    set(own, "clients_cut_off", view_count(control->clients_cut_off));
    set(own, "requests", view_count(control->requests));
    return own;
}

void method_status(struct control *control, struct job *job)
{
    char text[32];
    if (!job_snapshot(control, job))
        return;
    const struct snapshot *s = &control->snapshot;
    uint64_t memory = 0, now = clock_utc_ns();
    for (uint32_t i = 0; i < s->shape.bill_items; i++)
        memory += s->bill[i].bytes;
    json_t *result = job->result = json_object();
    set(result, "node", json_string(s->identity.node));
    set(result, "state", json_string(state_text(control)));
    set(result, "version", json_string(s->identity.program));
    set(result, "region", json_string(control->contact.reader.path));
    set(result, "epoch", view_count(s->identity.epoch));
    set(result, "pid", view_count(s->identity.pid));
    set(result, "started", view_utc(s->identity.epoch));
    set(result, "uptime_s",
        view_count(now > s->identity.epoch ? (now - s->identity.epoch) / NS_PER_S : 0));
    set(result, "heartbeat_age_ms", view_count(control->contact.heartbeat_age_ns / 1000000));
    snprintf(text, sizeof text, "%016llx", (unsigned long long)s->identity.config_hash);
    set(result, "config_hash", json_string(text));
    set(result, "lanes", view_count(s->shape.lanes));
    set(result, "ports", view_count(s->shape.ports));
    set(result, "memory_bytes", view_count(memory));
    set(result, "channels", status_channels(control));
    set(result, "events", status_events(&control->log));
    set(result, "journal", status_journal(control->drain));
    set(result, "store", status_store(control->store));
    set(result, "trace", status_trace(control->trace));
    set(result, "control_plane", status_control(control));
}

// --- feeds ---

// Since the last datagram; null before the first.
static json_t *silence(const struct control *control, const struct line_counters *count)
{
    uint64_t now = control->snapshot.tsc;
    if (count->last_seen == 0)
        return json_null();
    uint64_t ticks = now > count->last_seen ? now - count->last_seen : 0;
    return view_count(contact_ticks_ns(&control->contact, ticks) / 1000000);
}

static json_t *feed_line(const struct control *control, uint32_t channel, uint32_t line)
{
    const struct snapshot *s = &control->snapshot;
    const struct line_info *info = &s->lines[channel][line];
    const struct line_counters *count = &s->line_counters[channel][line];
    bool recovery = line == CHANNEL_LINES - 1;
    uint64_t lost =
        count->gap_messages > count->late_messages ? count->gap_messages - count->late_messages : 0;
    json_t *row = json_object();
    set(row, "line", json_string(recovery ? "recovery" : info->name));
    set(row, "group", recovery ? json_null() : view_ip(info->group));
    set(row, "udp_port", recovery ? json_null() : view_count(info->udp_port));
    set(row, "port",
        recovery || info->port >= s->shape.ports ? json_null()
                                                 : json_string(s->ports[info->port].name));
    set(row, "state",
        json_string(recovery              ? "-"
                    : count->stale        ? "stale"
                    : count->packets == 0 ? "unheard"
                                          : "alive"));
    set(row, "silent_ms", silence(control, count));
    set(row, "packets", view_count(count->packets));
    set(row, "bytes", view_count(count->bytes));
    set(row, "used", view_count(count->used));
    set(row, "duplicate", view_count(count->duplicate));
    set(row, "late", view_count(count->late));
    set(row, "lost_messages", view_count(recovery ? 0 : lost));
    set(row, "heartbeats", view_count(count->heartbeats));
    set(row, "malformed", view_count(count->malformed));
    set(row, "lag", view_latency(&control->contact, &s->line_histograms[channel][line].lag));
    return row;
}

static json_t *feed_channel(const struct control *control, uint32_t i)
{
    const struct snapshot *s = &control->snapshot;
    const struct channel_info *info = &s->channels[i];
    const struct channel_counters *count = &s->channel_counters[i];
    json_t *row = json_object();
    set(row, "channel", json_string(info->name));
    set(row, "protocol", json_string(info->protocol));
    set(row, "lane", json_string(s->lanes[info->lane].name));
    set(row, "quality", view_quality(0, count->quality));
    set(row, "next_sequence", view_count(count->next_sequence));
    set(row, "packets", view_count(count->packets));
    set(row, "messages", view_count(count->messages));
    set(row, "messages_per_s",
        view_count(
            control_rate(control, control->rates[1].messages[i], control->rates[0].messages[i])));
    set(row, "gaps", view_count(count->gaps));
    set(row, "gap_messages", view_count(count->gap_messages));
    set(row, "repaired", view_count(count->repaired));
    set(row, "requests", view_count(count->requests));
    set(row, "recovered_messages", view_count(count->recovered_messages));
    set(row, "lost_messages", view_count(count->lost_messages));
    set(row, "snapshots", view_count(count->snapshots));
    set(row, "held", view_count(count->held));
    set(row, "held_peak", view_count(count->held_peak));
    set(row, "held_max", view_count(info->hold_frames));
    set(row, "recovery", view_latency(&control->contact, &s->channel_histograms[i].recovery));
    json_t *lines = json_array();
    for (uint32_t line = 0; line < info->lines; line++)
        json_array_append_new(lines, feed_line(control, i, line));
    if (info->can_request || s->line_counters[i][CHANNEL_LINES - 1].packets)
        json_array_append_new(lines, feed_line(control, i, CHANNEL_LINES - 1));
    set(row, "lines", lines);
    return row;
}

void method_feeds(struct control *control, struct job *job)
{
    if (!job_snapshot(control, job))
        return;
    json_t *list = json_array();
    for (uint32_t i = 0; i < control->snapshot.shape.channels; i++)
        json_array_append_new(list, feed_channel(control, i));
    job->result = json_pack("{s:o}", "feeds", list);
}

// --- lanes, ports, memory ---

static json_t *lane_row(const struct control *control, uint32_t i)
{
    const struct snapshot *s = &control->snapshot;
    const struct lane_info *info = &s->lanes[i];
    const struct lane_counters *count = &s->lane_counters[i];
    uint64_t refused = count->frames_bad + count->frames_fragment + count->frames_jumbo +
                       count->frames_bad_checksum;
    uint64_t messages = 0;
    json_t *channels = json_array(), *row = json_object();
    for (uint32_t k = 0; k < s->shape.channels; k++)
        if (s->channels[k].lane == i) {
            json_array_append_new(channels, json_string(s->channels[k].name));
            messages += s->channel_counters[k].messages;
        }
    set(row, "lane", json_string(info->name));
    set(row, "core", json_integer(info->cpu));
    set(row, "numa_node", json_integer(info->numa_node));
    set(row, "channels", channels);
    set(row, "busy_permille", view_count(control_busy_permille(control, i)));
    set(row, "frames", view_count(count->frames));
    set(row, "frames_per_s",
        view_count(
            control_rate(control, control->rates[1].frames[i], control->rates[0].frames[i])));
    set(row, "messages", view_count(messages));
    set(row, "busy_ns", view_count(contact_ticks_ns(&control->contact, count->busy_ticks)));
    set(row, "frames_foreign", view_count(count->frames_foreign));
    set(row, "frames_refused", view_count(refused));
    set(row, "events", view_count(count->events));
    set(row, "events_refused", view_count(count->events_refused));
    set(row, "poll_max_ns", view_count(contact_ticks_ns(&control->contact, count->poll_ticks_max)));
    set(row, "frame_to_book",
        view_latency(&control->contact, &s->lane_histograms[i].frame_to_book));
    set(row, "poll", view_latency(&control->contact, &s->lane_histograms[i].poll));
    return row;
}

void method_lanes(struct control *control, struct job *job)
{
    if (!job_snapshot(control, job))
        return;
    json_t *list = json_array();
    for (uint32_t i = 0; i < control->snapshot.shape.lanes; i++)
        json_array_append_new(list, lane_row(control, i));
    job->result = json_pack("{s:o}", "lanes", list);
}

static json_t *port_row(const struct snapshot *s, uint32_t i)
{
    const struct port_info *info = &s->ports[i];
    const struct port_counters *count = &s->port_counters[i];
    char mac[24];
    snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", info->mac[0], info->mac[1],
             info->mac[2], info->mac[3], info->mac[4], info->mac[5]);
    json_t *row = json_object();
    set(row, "port", json_string(info->name));
    set(row, "device", json_string(info->device));
    set(row, "driver", json_string(info->driver));
    set(row, "mac", json_string(mac));
    set(row, "address", view_ip(info->address));
    set(row, "numa_node", json_integer(info->numa_node));
    set(row, "link", json_string(count->link_up ? "up" : "down"));
    set(row, "speed_mbps", view_count(info->speed_mbps));
    set(row, "queues", view_count(info->queues));
    set(row, "steering", json_string(info->hardware_steering ? "card" : "software"));
    set(row, "hardware_time", json_boolean(info->hardware_time));
    set(row, "rx_packets", view_count(count->rx_packets));
    set(row, "rx_bytes", view_count(count->rx_bytes));
    set(row, "rx_missed", view_count(count->rx_missed));
    set(row, "rx_errors", view_count(count->rx_errors));
    set(row, "rx_nombuf", view_count(count->rx_nombuf));
    set(row, "tx_packets", view_count(count->tx_packets));
    set(row, "tx_errors", view_count(count->tx_errors));
    set(row, "link_changes", view_count(count->link_changes));
    return row;
}

void method_ports(struct control *control, struct job *job)
{
    if (!job_snapshot(control, job))
        return;
    json_t *list = json_array();
    for (uint32_t i = 0; i < control->snapshot.shape.ports; i++)
        json_array_append_new(list, port_row(&control->snapshot, i));
    job->result = json_pack("{s:o}", "ports", list);
}

void method_memory(struct control *control, struct job *job)
{
    if (!job_snapshot(control, job))
        return;
    const struct snapshot *s = &control->snapshot;
    json_t *bill = json_array(), *pools = json_array();
    uint64_t total = 0;
    for (uint32_t i = 0; i < s->shape.bill_items; i++) {
        const struct bill_item *item = &s->bill[i];
        json_array_append_new(bill,
                              json_pack("{s:s,s:o,s:o,s:i}", "item", item->name, "bytes",
                                        view_count(item->bytes), "page_bytes",
                                        view_count(item->page_len), "numa_node", item->numa_node));
        total += item->bytes;
    }
    for (uint32_t i = 0; i < s->shape.pools; i++) {
        const struct pool_counters *count = &s->pool_counters[i];
        json_t *row = json_object();
        set(row, "pool", json_string(s->pools[i].name));
        set(row, "buffers", view_count(count->size));
        set(row, "free", view_count(count->free));
        set(row, "free_min", view_count(count->free_min));
        set(row, "failures", view_count(count->failures));
        json_array_append_new(pools, row);
    }
    job->result =
        json_pack("{s:o,s:o,s:o}", "bill", bill, "total_bytes", view_count(total), "pools", pools);
}
