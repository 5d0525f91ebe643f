#include "controlplane/metrics/kills.h"

#include "controlplane/metrics/parts.h"

enum { ASKED_AGO_MS = 60000 };

// Events come late: what left between asking and now may have been seen already.
static void sent_before(struct kill_watch *k)
{
    for (uint32_t i = 0; i < LANES_MAX; i++)
        if (k->sent_ns[i] > k->asked_ns && k->sent_ns[i] > k->last_order_ns)
            k->last_order_ns = k->sent_ns[i];
}

void kill_watch_ask(struct kill_watch *k, uint64_t since_ns, uint64_t now_ns)
{
    const bool good = since_ns <= now_ns && now_ns - since_ns < ASKED_AGO_MS * UINT64_C(1000000);
    k->asked_ns = good ? since_ns : now_ns;
    k->direct = false;
    k->kills++;
    k->noticed = k->noticed_ns = k->last_order_ns = 0;
    sent_before(k);
}

void kill_watch_told(struct kill_watch *k, uint64_t since_ns, uint64_t now_ns)
{
    const bool known = k->direct && since_ns <= k->asked_ns &&
                       k->asked_ns - since_ns < ASKED_AGO_MS * UINT64_C(1000000);
    if (known) {
        k->asked_ns = since_ns;
        sent_before(k);
        return;
    }
    kill_watch_ask(k, since_ns, now_ns);
    k->direct = true;
}

// A lane says that a direct kill is in force there: of the newest, or the first word of another.
static void direct_noticed(struct kill_watch *k, uint8_t lane, uint64_t utc_ns)
{
    const bool same = k->direct && utc_ns >= k->asked_ns && !(k->noticed >> lane & 1) &&
                      utc_ns - k->asked_ns < ASKED_AGO_MS * UINT64_C(1000000);
    if (!same) {
        kill_watch_ask(k, utc_ns, utc_ns);
        k->direct = true;
    }
}

void kill_watch_event(struct kill_watch *k, const struct logged_event *logged, uint64_t tsc_hz)
{
    const struct event *e = &logged->event;
    if (e->lane >= LANES_MAX)
        return;
    if (e->type == EVENT_ORDER_SENT) {
        const uint64_t handed_ns =
            tsc_hz ? (uint64_t)((unsigned __int128)e->order_sent.handed * 1000000000 / tsc_hz) : 0;
        const uint64_t left_ns = logged->utc_ns + handed_ns;
        k->sent_ns[e->lane] = left_ns;
        // Behind a lane's KILL event nothing leaves until somebody resumes.
        if (k->asked_ns && left_ns > k->asked_ns && !(k->noticed >> e->lane & 1) &&
            left_ns > k->last_order_ns)
            k->last_order_ns = left_ns;
        return;
    }
    if (e->type != EVENT_KILL)
        return;
    if (e->kill.asker == KILL_BY_DIRECT)
        direct_noticed(k, e->lane, logged->utc_ns);
    const bool asked = e->kill.asker == (k->direct ? KILL_BY_DIRECT : KILL_BY_OPERATOR);
    if (asked && logged->utc_ns >= k->asked_ns && !(k->noticed >> e->lane & 1)) {
        k->noticed |= UINT64_C(1) << e->lane;
        k->noticed_ns = logged->utc_ns > k->noticed_ns ? logged->utc_ns : k->noticed_ns;
    }
}

static double since_s(const struct kill_watch *k, uint64_t utc_ns)
{
    return utc_ns > k->asked_ns ? (double)(utc_ns - k->asked_ns) / 1e9 : 0;
}

void kills_write(struct metric_text *text, const struct kill_watch *k)
{
    counter_own(text, "tickgate_kills", "Kills that were asked for", k->kills);
    if (k->asked_ns == 0)
        return;
    gauge_write(text, "tickgate_kill_noticed_seconds",
                "From the command of the newest kill until its last lane had noticed it",
                since_s(k, k->noticed_ns));
    gauge_write(text, "tickgate_kill_last_order_seconds",
                "From the command of the newest kill to the last new order that left; 0: none did",
                since_s(k, k->last_order_ns));
}
