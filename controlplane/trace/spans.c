#include <string.h>

#include "controlplane/metrics/stages.h"
#include "controlplane/trace/parts.h"
#include "dataplane/base/hints.h"

// In the high byte of a span's number, the event's in the others.
enum span_kind {
    SPAN_ROOT = 1,
    SPAN_STAGE = 2,
    SPAN_ANSWER = 16,
    SPAN_REPORT = 17,
    SPAN_CANCEL = 18
};

enum { GOVERNED_MS = 2000 }; // a person's order and the kill that it caused are not further apart

static uint64_t span_id(unsigned kind, uint64_t sequence)
{
    return (uint64_t)kind << 56 | (sequence << 8 >> 8);
}

uint64_t trace_root_span(uint64_t sequence)
{
    return span_id(SPAN_ROOT, sequence);
}

// --- attributes ---

static struct trace_attribute *attribute(struct trace_span *span, const char *key)
{
    struct trace_attribute *a = &span->attributes[span->attribute_count];
    span->attribute_count += span->attribute_count + 1 < TRACE_ATTRIBUTES_MAX;
    a->key = key;
    return a;
}

static void text_add(struct trace_span *span, const char *key, const char *text)
{
    if (text[0] == 0)
        return;
    struct trace_attribute *a = attribute(span, key);
    a->kind = TRACE_TEXT;
    a->text = text;
}

static void number_add(struct trace_span *span, const char *key, uint64_t number)
{
    struct trace_attribute *a = attribute(span, key);
    a->kind = TRACE_NUMBER;
    a->number = number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static void price_add(struct trace_span *span, const char *key, uint32_t price4)
{
    if (price4 == 0)
        return;
    struct trace_attribute *a = attribute(span, key);
    a->kind = TRACE_REAL;
    a->real = (double)price4 / 1e4;
}

static const char *side_text(uint8_t side)
{
    switch (side) {
    case 'B': return "buy";
    case 'S': return "sell";
    case 'T': return "sell_short";
    case 'E': return "sell_short_exempt";
    default: return "";
    }
}

static const char *kind_text(uint8_t kind)
{
    switch (kind) {
    case 'O': return "enter";
    case 'U': return "replace";
    case 'M': return "modify";
    default: return "";
    }
}

static const char *life_text(uint8_t life)
{
    static const char *const names[] = {"pending", "live", "unknown", "over"};
    return life < ARRAY_LEN(names) ? names[life] : "";
}

static const char *asker_text(uint8_t asker)
{
    static const char *const names[KILL_ASKERS] = {[KILL_BY_OPERATOR] = "operator",
                                                   [KILL_BY_MAIN] = "main",
                                                   [KILL_BY_LANE] = "lane",
                                                   [KILL_BY_DIRECT] = "direct"};
    return asker < KILL_ASKERS ? names[asker] : "";
}

// --- decisions ---

static void book_add_to(struct trace_span *root, const struct event_decision *d)
{
    price_add(root, "trading.book.bid", d->bid);
    price_add(root, "trading.book.ask", d->ask);
    number_add(root, "trading.book.bid_shares", d->bid_shares);
    number_add(root, "trading.book.ask_shares", d->ask_shares);
    text_add(root, "trading.book.quality", quality_name(d->quality));
}

static const char *why_text(enum trace_why why)
{
    static const char *const names[] = {
#define TRACE_WHY_NAME(upper, name) name,
        TRACE_WHY_LIST(TRACE_WHY_NAME)
#undef TRACE_WHY_NAME
    };
    return names[why];
}

static void root_fill(struct trace_span *root, const struct pending *p)
{
    const struct event *e = &p->event;
    const struct event_decision *d = &e->decision;
    text_add(root, "trading.sampled", why_text(p->why));
    text_add(root, "trading.lane", p->lane);
    number_add(root, "trading.decision", e->sequence);
    number_add(root, "trading.input", e->input);
    text_add(root, "trading.account", p->account);
    text_add(root, "trading.strategy", p->strategy);
    text_add(root, "trading.session", p->session);
    text_add(root, "trading.symbol", p->symbol);
    text_add(root, "trading.order.kind", kind_text(d->kind));
    text_add(root, "trading.order.side", side_text(d->side));
    number_add(root, "trading.order.quantity", d->quantity);
    price_add(root, "trading.order.price", d->price);
    number_add(root, "trading.order.ref", d->ref);
    number_add(root, "trading.order.client_id", d->client_id);
    book_add_to(root, d);
    number_add(root, "trading.limits_version", d->limits_version);
    const unsigned refusal = d->refusal != REFUSAL_NONE ? d->refusal
                             : p->why == TRACE_NOT_SENT ? p->sent.refusal
                                                        : REFUSAL_NONE;
    text_add(root, "trading.verdict", refusal == REFUSAL_NONE ? "approved" : "refused");
    if (refusal == REFUSAL_NONE)
        return;
    text_add(root, "trading.refusal", refusal_name(refusal));
    root->failed = refusal_help(refusal);
    if (d->refusal == REFUSAL_NONE)
        return;
    number_add(root, "trading.refusal.value", d->value);
    number_add(root, "trading.refusal.limit", d->limit);
    text_add(root, "trading.refusal.scope", scope_name(d->scope));
    text_add(root, "trading.refusal.owner", limit_owner_name((d->checks & CHECKS_OF_BROKER) != 0));
}

// Stages that a decision has been through: each ends where the next begins.
static uint32_t stages_add(const struct pending *p, struct trace_span *spans)
{
    const struct event_decision *d = &p->event.decision;
    const uint32_t ends[] = {[STAGE_DECIDE] = d->started,
                             [STAGE_GATE] = d->gated,
                             [STAGE_ENCODE] = d->encoded,
                             [STAGE_SEND] = p->sent.handed};
    const uint32_t count = d->refusal != REFUSAL_NONE ? 2 : p->sent.decision ? 4 : 3;
    uint64_t from = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t to = ends[i] > from ? ends[i] : from;
        spans[i] = (struct trace_span){.name = stage_name((enum stage)i),
                                       .id = span_id(SPAN_STAGE + i, p->event.sequence),
                                       .parent = trace_root_span(p->event.sequence),
                                       .start_ns = p->utc_ns + ticks_to_ns(p, from),
                                       .end_ns = p->utc_ns + ticks_to_ns(p, to)};
        from = to;
    }
    if (d->refusal != REFUSAL_NONE)
        spans[STAGE_GATE].failed = refusal_name(d->refusal);
    else if (p->sent.decision && !p->left)
        spans[STAGE_SEND].failed = refusal_name(p->sent.refusal);
    return count;
}

static void order_fill(struct trace_span *span, const struct event_order *o)
{
    text_add(span, "trading.order.life", life_text(o->life));
    number_add(span, "trading.order.ref", o->ref);
    number_add(span, "trading.order.open", o->open);
    number_add(span, "trading.order.filled", o->filled);
    number_add(span, "trading.exchange.ref", o->exchange_ref);
    number_add(span, "trading.exchange.time_ns", o->exchange_ns);
    if (o->fill_shares == 0)
        return;
    number_add(span, "trading.fill.shares", o->fill_shares);
    price_add(span, "trading.fill.price", o->fill_price);
    number_add(span, "trading.fill.match", o->match);
}

uint32_t spans_of_decision(const struct pending *p, const struct logged_event *answer,
                           struct trace_span spans[TRACE_SPANS_MAX])
{
    struct trace_span *root = &spans[0];
    *root = (struct trace_span){.name = "order",
                                .id = trace_root_span(p->event.sequence),
                                .link = p->first.epoch ? &p->first : NULL,
                                .start_ns = p->utc_ns};
    root_fill(root, p);
    uint32_t count = 1 + stages_add(p, spans + 1);
    root->end_ns = spans[count - 1].end_ns;
    if (answer) {
        struct trace_span *span = &spans[count++];
        // A message of the burst that the order left in carries a stamp from before it left.
        const uint64_t end_ns = answer->utc_ns > root->end_ns ? answer->utc_ns : root->end_ns;
        *span = (struct trace_span){.name = "exchange",
                                    .id = span_id(SPAN_ANSWER, answer->event.sequence),
                                    .parent = root->id,
                                    .start_ns = root->end_ns,
                                    .end_ns = end_ns};
        order_fill(span, &answer->event.order);
        root->end_ns = end_ns;
    }
    return count;
}

// --- what comes later ---

void span_of_report(const struct logged_event *logged, uint64_t root, struct trace_span *span)
{
    const struct event_order *o = &logged->event.order;
    *span = (struct trace_span){.name = o->fill_shares ? "execution" : "report",
                                .id = span_id(SPAN_REPORT, logged->event.sequence),
                                .parent = root,
                                .start_ns = logged->utc_ns,
                                .end_ns = logged->utc_ns};
    order_fill(span, o);
}

void span_of_cancel(const struct logged_event *logged, uint64_t since_ns, uint64_t root,
                    struct trace_span *span)
{
    const struct event_cancel_sent *c = &logged->event.cancel_sent;
    *span = (struct trace_span){.name = "cancel",
                                .id = span_id(SPAN_CANCEL, logged->event.sequence),
                                .parent = root,
                                .start_ns = since_ns < logged->utc_ns ? since_ns : logged->utc_ns,
                                .end_ns = logged->utc_ns};
    number_add(span, "trading.order.ref", c->ref);
    number_add(span, "trading.cancels_waiting", c->waiting);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

void span_of_kill(const struct open_kill *k, const struct logged_event *done,
                  const struct governed *governed, struct trace_span *span)
{
    *span =
        (struct trace_span){.name = "kill",
                            .id = trace_root_span(k->sequence),
                            .start_ns = k->utc_ns,
                            .end_ns = done && done->utc_ns > k->utc_ns ? done->utc_ns : k->utc_ns,
                            .failed = done ? NULL : "not every order under it has its cancel"};
    text_add(span, "trading.sampled", why_text(TRACE_KILL));
    text_add(span, "trading.lane", k->lane);
    text_add(span, "trading.kill.asker", asker_text(k->asker));
    number_add(span, "trading.kill.open_orders", k->open_orders);
    number_add(span, "trading.kill.cancels", k->cancels);
    if (k->asker != KILL_BY_OPERATOR || governed->utc_ns == 0 ||
        apart(governed->utc_ns, k->utc_ns) > GOVERNED_MS * UINT64_C(1000000))
        return;
    number_add(span, "trading.kill.user", governed->user);
    text_add(span, "trading.kill.reason", governed->reason);
}
