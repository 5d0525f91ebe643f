#include "controlplane/dropcopy/told.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum { NS_PER_MS = 1000000 };

static const char *session_name(const struct drop_copy *d, uint8_t place)
{
    const char *name = drop_session_at(&d->sessions, place);
    return name ? name : "-";
}

// --- who is stopped ---

static uint32_t every_session(const struct drop_copy *d)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < d->sessions.count; i++)
        bits |= UINT32_C(1) << d->sessions.rows[i].place;
    return bits;
}

// <session>: UINT8_MAX: of none, so that all of the copy count.
static uint32_t stops_of(const struct drop_copy *d, uint32_t action, uint8_t session)
{
    if (action == CONFIG_DROP_STOP_ALL)
        return DROP_STOP_ALL;
    if (action != CONFIG_DROP_STOP_SESSION)
        return 0;
    return session < SESSIONS_MAX ? UINT32_C(1) << session : every_session(d);
}

// What stands is stopped again when another dataplane comes.
static void standing_take(struct drop_copy *d)
{
    uint32_t bits = d->lost ? stops_of(d, d->config.on_loss, UINT8_MAX) : 0;
    if (d->full)
        bits |= stops_of(d, d->config.on_difference, UINT8_MAX);
    for (const struct drop_entry *e = drop_table_first(&d->table, DROP_DIFFERS); e;
         e = drop_table_next(&d->table, e))
        bits |= e->old ? 0 : stops_of(d, d->config.on_difference, e->session);
    atomic_store_explicit(&d->standing, bits, memory_order_relaxed);
}

// --- the record ---

static void ask(struct drop_copy *d, struct drop_copy_record *record, uint32_t stops)
{
    record->copy = d->place;
    record->stops = record->now && stops;
    d->changed = true;
    if (record->stops)
        atomic_fetch_or_explicit(&d->wanted, stops, memory_order_relaxed);
    pthread_mutex_lock(&d->lock);
    if (d->count < DROP_ASKS)
        d->asks[(d->first + d->count++) % DROP_ASKS] = *record;
    else
        d->counts.unrecorded++;
    pthread_mutex_unlock(&d->lock);
}

static struct drop_copy_record record_of(const struct drop_entry *e)
{
    return (struct drop_copy_record){.match = e->match,
                                     .our_shares = e->shares[DROP_OURS],
                                     .their_shares = e->shares[DROP_THEIRS],
                                     .their_sequence = e->theirs_sequence,
                                     .ref = e->ref,
                                     .our_price = e->price[DROP_OURS],
                                     .their_price = e->price[DROP_THEIRS],
                                     .our_count = e->count[DROP_OURS],
                                     .their_count = e->count[DROP_THEIRS],
                                     .session = e->session,
                                     .what = e->what,
                                     .difference = e->told};
}

static const char *what_text(uint8_t what)
{
    switch (what) {
    case 'A': return "acceptance";
    case 'U': return "replacement";
    case 'C': return "cancel";
    case 'E': return "execution";
    case 'B': return "break";
    case 'F': return "correction";
    default: return "message";
    }
}

static void say(const struct drop_copy *d, const struct drop_copy_record *r)
{
    log_warn(LOG_DROP_COPY_DIFFERS,
             LOG_FIELDS(LOG_TEXT("drop_copy", d->config.name),
                        LOG_TEXT("session", session_name(d, r->session)),
                        LOG_TEXT("difference", drop_difference_name(r->difference)),
                        LOG_NUMBER("ref", r->ref), LOG_NUMBER("match", r->match)),
             "%s: %s: %s of order %u, match %" PRIu64 ": %s: ours %ux %" PRIu64
             " at %u.%04u, theirs %ux %" PRIu64 " at %u.%04u%s",
             d->config.name, session_name(d, r->session), what_text(r->what), r->ref, r->match,
             drop_difference_name(r->difference), r->our_count, r->our_shares, r->our_price / 10000,
             r->our_price % 10000, r->their_count, r->their_shares, r->their_price / 10000,
             r->their_price % 10000, r->stops ? "; new orders are stopped" : "");
}

// --- what is told ---

void told_entry(void *context, const struct drop_entry *e, enum drop_difference difference,
                bool now, uint64_t now_ns)
{
    struct drop_copy *d = context;
    struct drop_copy_record r = record_of(e);
    const uint32_t stops = stops_of(d, d->config.on_difference, e->session);
    r.difference = (uint8_t)difference;
    r.now = now;
    r.waited_ms = now ? (uint32_t)((now_ns - e->since_ns) / NS_PER_MS) : 0;
    d->counts.differences += now;
    d->counts.settled += !now;
    ask(d, &r, stops);
    if (now)
        say(d, &r);
    else
        log_info(LOG_DROP_COPY_SETTLED,
                 LOG_FIELDS(LOG_TEXT("drop_copy", d->config.name),
                            LOG_TEXT("session", session_name(d, r.session)),
                            LOG_NUMBER("ref", r.ref), LOG_NUMBER("match", r.match)),
                 "%s: %s: %s of order %u, match %" PRIu64 ": both say the same now", d->config.name,
                 session_name(d, r.session), what_text(r.what), r.ref, r.match);
}

void told_foreign(struct drop_copy *d, const struct drop_item *item)
{
    struct drop_copy_record r = {.match = item->match,
                                 .their_shares = item->shares,
                                 .their_price = item->price,
                                 .their_sequence = item->sequence,
                                 .ref = item->ref,
                                 .their_count = 1,
                                 .session = item->session,
                                 .what = item->what,
                                 .difference = DROP_FOREIGN,
                                 .now = 1};
    d->counts.foreign++;
    d->counts.differences++;
    ask(d, &r, stops_of(d, d->config.on_difference, item->session));
    say(d, &r);
}

void told_unreadable(struct drop_copy *d, uint64_t sequence)
{
    if (d->counts.unreadable++ == 0)
        log_warn(
            LOG_DROP_COPY_UNREADABLE,
            LOG_FIELDS(LOG_TEXT("drop_copy", d->config.name), LOG_NUMBER("sequence", sequence)),
            "%s: message %" PRIu64 " is none of a drop copy; it is counted and left out",
            d->config.name, sequence);
}

void told_full(struct drop_copy *d, bool now)
{
    struct drop_copy_record r = {
        .session = UINT8_MAX, .difference = DROP_FULL, .now = now, .their_sequence = d->link.next};
    const uint32_t used = d->table.counts[DROP_WAITS] + d->table.counts[DROP_DIFFERS];
    d->counts.dropped += now;
    if (now == d->full || (!now && used > d->table.capacity / 4 * 3))
        return;
    d->full = now;
    d->counts.differences += now;
    d->counts.settled += !now;
    ask(d, &r, stops_of(d, d->config.on_difference, UINT8_MAX));
    if (now)
        log_warn(LOG_DROP_COPY_DIFFERS, LOG_FIELDS(LOG_TEXT("drop_copy", d->config.name)),
                 "%s: %u messages wait for the other side and no more have room: what comes is not "
                 "compared (drop_copies.entries)%s",
                 d->config.name, used, r.stops ? "; new orders are stopped" : "");
}

void told_lost(struct drop_copy *d, bool now, uint64_t for_ns)
{
    struct drop_copy_record r = {.session = UINT8_MAX,
                                 .difference = DROP_LOST,
                                 .now = now,
                                 .their_sequence = d->link.next,
                                 .waited_ms = (uint32_t)(for_ns / NS_PER_MS)};
    d->lost = now;
    ask(d, &r, stops_of(d, d->config.on_loss, UINT8_MAX));
    if (now)
        log_warn(LOG_DROP_COPY_LOST, LOG_FIELDS(LOG_TEXT("drop_copy", d->config.name)),
                 "%s: not read for %u ms: %s%s", d->config.name, r.waited_ms,
                 d->link.why[0] ? d->link.why : drop_link_state_name(d->link.state),
                 r.stops ? "; new orders are stopped" : "");
}

void told_link(struct drop_copy *d)
{
    char text[sizeof d->said];
    const bool up = d->link.state == DROP_LINK_UP;
    if (!up && d->link.why[0] == 0)
        return; // on its way
    if (up)
        snprintf(text, sizeof text, "session %s is read from message %" PRIu64 " on",
                 d->link.session, d->link.next);
    else
        snprintf(text, sizeof text, "%s", d->link.why);
    // A session goes on: that its number grows is nothing to tell.
    if (up ? strncmp(d->said, "session ", 8) == 0 : strcmp(text, d->said) == 0)
        return;
    snprintf(d->said, sizeof d->said, "%s", text);
    if (up)
        log_info(LOG_DROP_COPY, LOG_FIELDS(LOG_TEXT("drop_copy", d->config.name)), "%s: %s",
                 d->config.name, text);
    else
        log_warn(LOG_DROP_COPY_DOWN, LOG_FIELDS(LOG_TEXT("drop_copy", d->config.name)), "%s: %s",
                 d->config.name, text);
}

// --- status ---

void told_begin(struct drop_copy *d)
{
    standing_take(d);
    told_show(d, clock_mono_ns());
}

static void rows_take(const struct drop_copy *d, struct drop_status *s)
{
    // The newest stand last.
    uint32_t at = d->table.entries[DROP_DIFFERS].before;
    for (; at >= DROP_LISTS && s->shown < DROP_SHOWN; at = d->table.entries[at].before) {
        s->rows[s->shown] = record_of(&d->table.entries[at]);
        s->rows[s->shown++].now = 1;
    }
}

void told_show(struct drop_copy *d, uint64_t now_ns)
{
    const struct drop_link *l = &d->link;
    const uint32_t ip = d->config.server.ip;
    d->counts.equal += d->table.equal;
    d->table.equal = 0;
    struct drop_status s = {
        .state = l->state,
        .lost = d->lost,
        .full = d->full,
        .following = d->follow,
        .next = l->next,
        .silent_ms = l->heard_ns && now_ns > l->heard_ns ? (now_ns - l->heard_ns) / NS_PER_MS : 0,
        .connects = l->connects,
        .waiting = d->table.counts[DROP_WAITS],
        .differing = d->table.counts[DROP_DIFFERS],
        .counts = d->counts,
        .before = d->before};
    memcpy(s.name, d->config.name, sizeof s.name);
    memcpy(s.session, l->session, sizeof s.session);
    snprintf(s.server, sizeof s.server, "%u.%u.%u.%u:%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
             ip & 255, d->config.server.port);
    snprintf(s.why, sizeof s.why, "%s", d->open || !d->journal_why[0] ? l->why : d->journal_why);
    rows_take(d, &s);
    standing_take(d);
    pthread_mutex_lock(&d->lock);
    d->status = s;
    pthread_mutex_unlock(&d->lock);
}
