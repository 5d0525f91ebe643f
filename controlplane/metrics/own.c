// Metrics that do not come from the counter table: the control plane itself, the state of the
// dataplane, refusals by reason, money by account.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "controlplane/control/method.h"
#include "controlplane/control/view.h"
#include "controlplane/metrics/parts.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/kernel_clock.h"

// --- the dataplane ---

static void build_write(struct metric_text *text, const struct control *control, bool there)
{
    char hash[24], region[32];
    const struct region_identity *identity = &control->snapshot.identity;
    snprintf(hash, sizeof hash, "%016llx", there ? (unsigned long long)identity->config_hash : 0);
    snprintf(region, sizeof region, "%u.%u", REGION_MAJOR, REGION_MINOR);
    const struct metric_label labels[] = {{"version", TICKGATE_VERSION},
                                          {"dataplane", there ? identity->program : ""},
                                          {"region", region},
                                          {0}};
    const struct metric_label node[] = {
        {"node", there ? identity->node : ""}, {"config_hash", hash}, {0}};
    metric_family(text, METRIC_INFO, "tickgate_build",
                  "Versions of both processes and of the contract");
    metric_real(text, labels, 1);
    metric_family(text, METRIC_INFO, "tickgate_node",
                  "Name of the node and hash of its configuration");
    metric_real(text, node, 1);
}

static uint32_t restrictions(const struct control *control)
{
    json_t *list = trade_in_force(control);
    const uint32_t count = (uint32_t)json_array_size(list);
    json_decref(list);
    return count;
}

static void dataplane_write(struct metric_text *text, const struct control *control)
{
    const struct contact *contact = &control->contact;
    const bool there = contact_attached(contact);
    build_write(text, control, there);
    gauge_write(text, "tickgate_dataplane_up", "1 while the dataplane runs and answers",
                contact->state == CONTACT_LIVE);
    if (!there)
        return;
    gauge_write(text, "tickgate_dataplane_heartbeat_age_seconds",
                "Age of the dataplane's last heartbeat", (double)contact->heartbeat_age_ns / 1e9);
    gauge_write(text, "tickgate_dataplane_start_timestamp_seconds",
                "When the dataplane was started", (double)control->snapshot.identity.epoch / 1e9);
    if (board_trades(control->board))
        gauge_write(text, "tickgate_trading_restrictions",
                    "Kills, halts and reductions in force, counted by scope and lane",
                    restrictions(control));
}

// --- the control plane ---

static void events_write(struct metric_text *text, const struct event_log *log)
{
    static const char *const rings[] = {"trading", "diagnostic"};
    metric_family(text, METRIC_COUNTER, "tickgate_events_drained", "Events read from the rings");
    for (int ring = 0; ring < EVENT_RING_KINDS; ring++)
        metric_count(text, (const struct metric_label[]){{"ring", rings[ring]}, {0}},
                     log->drained[ring]);
    metric_family(text, METRIC_COUNTER, "tickgate_events_lost",
                  "Events that found their ring full, of the attached dataplane");
    for (int ring = 0; ring < EVENT_RING_KINDS; ring++)
        metric_count(text, (const struct metric_label[]){{"ring", rings[ring]}, {0}},
                     log->lost[ring]);
}

// Bytes of memory that are resident; 0 when the kernel does not tell.
static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128];
    double pages = 0;
    if (file && fgets(line, sizeof line, file)) {
        char *end;
        (void)strtoull(line, &end, 10); // the whole size
        pages = (double)strtoull(end, NULL, 10);
    }
    if (file)
        fclose(file);
    return pages * (double)sysconf(_SC_PAGESIZE);
}

static double time_s(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void process_write(struct metric_text *text, const struct control *control)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    metric_family(text, METRIC_COUNTER, "process_cpu_seconds",
                  "Processor time of the control plane");
    metric_real(text, NULL, time_s(used.ru_utime) + time_s(used.ru_stime));
    gauge_write(text, "process_resident_memory_bytes", "Resident memory of the control plane",
                resident_bytes());
    const uint64_t age_ns = clock_mono_ns() - control->started_ns;
    gauge_write(text, "process_start_time_seconds", "When the control plane was started",
                (double)(clock_utc_ns() - age_ns) / 1e9);
}

// The node's clock, by which stamps become UTC.
static void clock_write(struct metric_text *text)
{
    struct timex t;
    const int state = kernel_clock_read(&t);
    gauge_write(text, "tickgate_clock_synchronised", "1 while something keeps the node's clock",
                clock_error_of(state, &t) != CLOCK_ERROR_UNKNOWN);
    if (state < 0)
        return;
    gauge_write(text, "tickgate_clock_max_error_seconds",
                "How far the clock may be from true time, by the kernel", (double)t.maxerror / 1e6);
    gauge_write(text, "tickgate_clock_offset_seconds",
                "Correction of the clock that is still to be made",
                (double)t.offset / (t.status & STA_NANO ? 1e9 : 1e6));
}

void own_write(struct metric_text *text, struct control *control, bool brief)
{
    dataplane_write(text, control);
    events_write(text, &control->log);
    gauge_write(text, "tickgate_control_clients", "Clients of the control socket",
                (double)control->clients);
    counter_own(text, "tickgate_control_clients_refused", "Clients that found no place",
                control->clients_refused);
    counter_own(text, "tickgate_control_clients_cut_off", "Clients that did not read their answers",
                control->clients_cut_off);
    counter_own(text, "tickgate_control_requests", "Requests on the control socket",
                control->requests);
    counter_own(text, "tickgate_http_requests", "Requests over HTTP", control->http.requests);
    counter_own(text, "tickgate_http_clients_cut_off", "Clients of HTTP that were too slow",
                control->http.cut_off);
    gauge_write(text, "tickgate_http_streams", "Live pages that are open",
                (double)control->http.streams);
    kills_write(text, &control->stages.kills);
    durable_write(text, control, brief);
    clock_write(text);
    process_write(text, control);
}

// A pool belongs to the port of its number: what the port received came out of it.
void pools_write(struct metric_text *text, const struct snapshot *s)
{
    enum { POOLS_SHOWN = 4 };
    const bool all = s->shape.pools <= POOLS_SHOWN;
    double worst = 1;
    metric_family(text, METRIC_GAUGE, "tickgate_pool_efficiency_ratio",
                  "Part of the buffers that were asked for that the pool had, since the start");
    for (uint32_t i = 0; i < s->shape.pools && i < s->shape.ports; i++) {
        const uint64_t failed = s->pool_counters[i].failures;
        const uint64_t given = s->port_counters[i].rx_packets;
        const double ratio = failed + given ? (double)given / (double)(failed + given) : 1;
        worst = ratio < worst ? ratio : worst;
        if (all)
            metric_real(text, (const struct metric_label[]){{"pool", s->pools[i].name}, {0}},
                        ratio);
    }
    if (!all)
        metric_real(text, NULL, worst);
}

// --- trading ---

void refusals_write(struct metric_text *text, const struct board *board)
{
    enum { REASONS_SHOWN = 48 }; // no day has so many; METRICS_BRIEF_MAX holds all the same
    uint32_t shown = 0;
    uint64_t others = 0;
    metric_family(text, METRIC_COUNTER, "tickgate_refusals",
                  "Orders that were refused or did not leave, by reason");
    for (uint32_t n = 1; n < REFUSALS; n++) {
        const char *name = refusal_name(n);
        uint64_t sum = 0;
        for (uint32_t lane = 0; lane < board->shape.lanes; lane++)
            sum += board->refusals[lane].count[n];
        // Reasons that never were would be most of all series.
        if (sum == 0 || *name == '?')
            continue;
        if (shown++ < REASONS_SHOWN)
            metric_count(text, (const struct metric_label[]){{"reason", name}, {0}}, sum);
        else
            others += sum;
    }
    if (others)
        metric_count(text, (const struct metric_label[]){{"reason", "OTHERS"}, {0}}, others);
}

static void firm_write(struct metric_text *text, const struct profit *firm)
{
    gauge_write(text, "tickgate_firm_profit_dollars", "Realised and unrealised, of all accounts",
                (double)(firm->realised + firm->unrealised) / 1e4);
    gauge_write(text, "tickgate_firm_position_shares", "Shares held, long and short added",
                (double)firm->shares);
}

void money_write(struct metric_text *text, struct control *control, bool brief)
{
    static const struct {
        const char *name;
        const char *help;
    } families[] = {
        {"tickgate_account_cash_dollars", "Sold less bought, since the start"},
        {"tickgate_account_realised_dollars", "What closing positions brought, at average cost"},
        {"tickgate_account_unrealised_dollars",
         "What is held, at the middle of the best prices or the last trade, less what it cost"},
        {"tickgate_account_profit_dollars", "Realised and unrealised"},
        {"tickgate_account_position_shares", "Shares held, long and short added"},
        {"tickgate_account_unpriced_positions",
         "Positions whose symbol has no price yet, worth what they cost"},
    };
    struct profit sums[ACCOUNTS_MAX], firm;
    if (!board_take_positions(control->board, &control->contact) ||
        !symbol_table_copy(&control->symbols, &control->contact))
        return;
    profit_take(control, sums, &firm);
    firm_write(text, &firm);
    for (size_t f = 0; !brief && f < sizeof families / sizeof families[0]; f++) {
        metric_family(text, METRIC_GAUGE, families[f].name, families[f].help);
        for (uint32_t i = 0; i < control->board->shape.accounts; i++) {
            const struct profit *p = &sums[i];
            const double values[] = {
                (double)p->cash / 1e4,       (double)p->realised / 1e4,
                (double)p->unrealised / 1e4, (double)(p->realised + p->unrealised) / 1e4,
                (double)p->shares,           (double)p->unpriced};
            metric_real(
                text,
                (const struct metric_label[]){{"account", control->board->accounts[i].name}, {0}},
                values[f]);
        }
    }
}
