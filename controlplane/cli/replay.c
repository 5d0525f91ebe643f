// `tickgate replay JOURNAL CAPTURE --config FILE`: what a capture's lanes took in goes through
// tickgate-dataplane --replay, and every event that comes out is compared with the journal's.
//
// One lane after the other. A process of its own writes the records of the lane to the dataplane,
// so that neither waits for the other.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controlplane/capture/reader.h"
#include "controlplane/cli/command.h"
#include "controlplane/cli/journal_events.h"
#include "controlplane/journal/day.h"

// What a look through the whole capture tells.
struct capture_sum {
    struct capture_instance instance;
    bool recorded[LANES_MAX];
    bool first[LANES_MAX]; // from the lane's first input on
    bool started[LANES_MAX];
    bool again[LANES_MAX]; // stopped, and started again: between them nothing is recorded
    uint64_t lost[LANES_MAX];
    uint32_t without[LANES_MAX]; // bits of enum capture_not_recorded
    uint8_t last[LANES_MAX];     // kind of the last record
    uint64_t until[LANES_MAX];   // time of the last turn, ticks
    uint64_t frames;
};

struct replaying {
    const char *journal, *capture, *config;
    uint64_t epoch;
    uint64_t files[DAY_FILES_MAX]; // of the day, as the journal says, by their hashes
    struct event restored; // RESTORED of the instance; EVENT_NONE: it did not ask the journal
    uint64_t day_ns;       // epoch of the first instance that it went on from; its own: of none
    uint32_t lane;
    uint64_t equal;             // events
    uint64_t earlier;           // the journal has them no more
    uint64_t later;             // behind the end of the capture
    bool begins;                // nothing of the instance was retained away
    struct event last;          // of the lane, in the journal
    uint64_t events[LANES_MAX]; // trading ones in the journal
};

static const char *option_of(const struct invocation *invocation, const char *name)
{
    return json_string_value(json_object_get(invocation->options, name));
}

// --- the capture ---

static void record_count(struct capture_sum *sum, const struct capture_item *item)
{
    const uint32_t lane = item->lane;
    const struct capture_record *h = &item->record.header;
    struct capture_start start;
    sum->recorded[lane] = true;
    sum->frames += capture_is_frame(&item->record);
    sum->last[lane] = h->kind == CAPTURE_SKIP ? sum->last[lane] : h->kind;
    if (h->kind == CAPTURE_TURN)
        memcpy(&sum->until[lane], item->record.payload, sizeof sum->until[lane]);
    if (h->kind == CAPTURE_LOST)
        sum->lost[lane] += h->value;
    if (h->kind == CAPTURE_NOT_RECORDED && h->value < CAPTURE_WITHOUTS)
        sum->without[lane] |= 1u << h->value;
    if (h->kind == CAPTURE_START) {
        memcpy(&start, item->record.payload, sizeof start);
        sum->first[lane] |= start.first && !sum->started[lane];
        sum->again[lane] |= sum->started[lane];
        sum->started[lane] = true;
    }
}

// Of the instance <epoch>; 0: the newest.
static bool capture_look(const char *directory, uint64_t epoch, struct capture_sum *sum,
                         struct error *err)
{
    struct capture_reader reader;
    struct capture_item item;
    bool wanted = false;
    memset(sum, 0, sizeof *sum);
    if (!capture_reader_open(&reader, directory, err))
        return false;
    while (capture_reader_next(&reader, &item, err) && item.kind != CAPTURE_ITEM_END) {
        if (item.kind == CAPTURE_ITEM_INSTANCE) {
            if (epoch && wanted)
                break; // what is missing of later ones says nothing of it
            wanted = epoch == 0 || item.instance.epoch == epoch;
            if (wanted) {
                *sum = (struct capture_sum){.instance = item.instance};
                reader.holes = 0; // were in others; of its own beginning it is told otherwise
            }
        } else if (wanted) {
            record_count(sum, &item);
        }
    }
    if (err->code == EXIT_OK && sum->instance.epoch == 0)
        error_set(err, EXIT_FAILED, "%s: no instance %" PRIu64 " in this capture", directory,
                  epoch);
    if (err->code == EXIT_OK && reader.holes)
        error_set(err, EXIT_STATE, "%s: not complete: %s; there is nothing to replay", directory,
                  reader.why);
    capture_reader_close(&reader);
    return err->code == EXIT_OK;
}

static bool capture_complete(const char *directory, const struct capture_sum *sum,
                             struct error *err)
{
    static const char *const without[] = {
#define CAPTURE_NOT_RECORDED(upper, text) text,
        CAPTURE_NOT_RECORDED_LIST(CAPTURE_NOT_RECORDED)
#undef CAPTURE_NOT_RECORDED
    };
    for (uint32_t lane = 0; lane < sum->instance.lanes; lane++) {
        if (sum->lost[lane])
            return error_set(err, EXIT_STATE,
                             "%s: not complete: %" PRIu64
                             " turns of lane %u found no room; give capture: ring_size more",
                             directory, sum->lost[lane], lane);
        if (sum->recorded[lane] && !sum->first[lane])
            return error_set(err, EXIT_STATE,
                             "%s: not complete: it does not begin with the first input of lane %u",
                             directory, lane);
        if (sum->again[lane])
            return error_set(
                err, EXIT_STATE,
                "%s: not complete: lane %u was not recorded all the time, but stopped and "
                "started again (by a person, or as nothing could be written)",
                directory, lane);
        for (uint32_t i = 0; i < CAPTURE_WITHOUTS; i++)
            if (sum->without[lane] >> i & 1)
                return error_set(err, EXIT_STATE,
                                 "%s: lane %u has taken in what is not recorded: %s", directory,
                                 lane, without[i]);
    }
    return true;
}

// --- to the dataplane ---

static bool record_write(FILE *out, const struct capture_item *item)
{
    static const uint8_t zeros[CAPTURE_UNIT];
    const struct capture_parsed *r = &item->record;
    const uint32_t whole = r->header.units * CAPTURE_UNIT;
    bool ok = fwrite(&r->header, sizeof r->header, 1, out) == 1 &&
              fwrite(r->payload, 1, r->len - CAPTURE_UNIT, out) == r->len - CAPTURE_UNIT;
    if (!capture_is_frame(r) || !ok)
        return ok;
    const uint32_t rest = whole - r->len - r->data_len;
    return fwrite(item->data, 1, r->data_len, out) == r->data_len &&
           fwrite(zeros, 1, rest, out) == rest;
}

static bool day_event_write(void *out, const struct event *event)
{
    return fwrite(event, sizeof *event, 1, out) == 1;
}

static bool day_over(void *context)
{
    (void)context;
    return true;
}

// What the instance was given from the journal of its day, as the control plane gave it.
static bool day_write(const struct replaying *p, FILE *out)
{
    static const _Atomic uint64_t all = UINT64_MAX;
    static const atomic_bool stop;
    const struct capture_record mark = {.units = 1, .kind = CAPTURE_SKIP};
    const struct day_config config = {.directory = p->journal,
                                      .committed = &all,
                                      .stop = &stop,
                                      .verify = true,
                                      .from_ns = p->day_ns,
                                      .to_ns = p->epoch,
                                      .epoch = p->epoch,
                                      .take = day_event_write,
                                      .idle = day_over,
                                      .context = out};
    static struct day day;
    bool ok = fwrite(&mark, sizeof mark, 1, out) == 1 && day_read(&day, &config) &&
              day_event_write(out, &p->restored);
    if (day.refused)
        fprintf(stderr, "tickgate: %s\n", day.why);
    day_free(&day);
    return ok;
}

// In a process of its own: what goes wrong here the dataplane sees as an end.
static void records_feed(const struct replaying *p, const struct capture_sum *sum, FILE *out)
{
    struct capture_reader reader;
    struct capture_item item;
    struct error err = {0};
    const struct capture_instance *i = &sum->instance;
    struct replay_header header = {.magic = REPLAY_MAGIC,
                                   .abi_hash = {i->abi_hash[0], i->abi_hash[1]},
                                   .config_hash = i->config_hash,
                                   .tsc_hz = i->clock.tsc_hz,
                                   .tsc_at = i->clock.tsc_at,
                                   .utc_ns_at = i->clock.utc_ns_at,
                                   .lane = p->lane};
    memcpy(header.files, p->files, sizeof header.files);
    bool wanted = false, restores = p->restored.type == EVENT_RESTORED;
    bool ok = fwrite(&header, sizeof header, 1, out) == 1;
    if (!capture_reader_open(&reader, p->capture, &err))
        return;
    while (ok && capture_reader_next(&reader, &item, &err) && item.kind != CAPTURE_ITEM_END) {
        if (item.kind == CAPTURE_ITEM_INSTANCE)
            wanted = item.instance.epoch == p->epoch;
        else if (wanted && item.lane == p->lane && item.record.header.kind != CAPTURE_SKIP) {
            if (restores && item.record.header.kind == CAPTURE_TURN) {
                ok = day_write(p, out);
                restores = false;
            }
            ok = ok && record_write(out, &item);
        }
    }
    capture_reader_close(&reader);
}

// Beside this program, or where PATH says.
static void dataplane_exec(const struct replaying *p)
{
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
    char *slash = n > 0 ? (path[n] = 0, strrchr(path, '/')) : NULL;
    char *const argv[] = {(char[]){"tickgate-dataplane"}, (char[]){"--replay"},
                          (char[]){"--config"}, strdup(p->config), NULL};
    if (slash) {
        memcpy(slash + 1, "tickgate-dataplane", sizeof "tickgate-dataplane");
        execv(path, argv);
    }
    execvp("tickgate-dataplane", argv);
    fprintf(stderr, "tickgate-dataplane: %s\n", strerror(errno));
    _exit(EXIT_FAILED);
}

struct children {
    pid_t feeder, dataplane;
    FILE *events;
};

static bool children_start(const struct replaying *p, const struct capture_sum *sum,
                           struct children *c, struct error *err)
{
    int to[2], from[2];
    fflush(NULL);
    if (pipe(to) != 0 || pipe(from) != 0)
        return error_set(err, EXIT_FAILED, "no pipe: %s", strerror(errno));
    c->feeder = fork();
    if (c->feeder == 0) {
        FILE *out = fdopen(to[1], "wb");
        close(to[0]);
        close(from[0]);
        close(from[1]);
        if (out) {
            records_feed(p, sum, out);
            fclose(out);
        }
        _exit(EXIT_OK);
    }
    c->dataplane = fork();
    if (c->dataplane == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[0]);
        close(to[1]);
        close(from[0]);
        close(from[1]);
        dataplane_exec(p);
    }
    close(to[0]);
    close(to[1]);
    close(from[1]);
    c->events = fdopen(from[0], "rb");
    return c->feeder > 0 && c->dataplane > 0 && c->events
               ? true
               : error_set(err, EXIT_FAILED, "no process: %s", strerror(errno));
}

// False: the dataplane has found a difference, or could not run; it has said which.
static bool children_end(struct children *c, struct error *err)
{
    int status = 0;
    if (c->events)
        fclose(c->events);
    if (c->feeder > 0)
        waitpid(c->feeder, NULL, 0);
    if (c->dataplane > 0)
        waitpid(c->dataplane, &status, 0);
    if (err->code != EXIT_OK || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK))
        return err->code == EXIT_OK;
    if (WIFEXITED(status))
        return error_set(err, (enum exit_code)WEXITSTATUS(status),
                         "the replay has ended: what tickgate-dataplane says above");
    return error_set(err, EXIT_FAILED, "tickgate-dataplane was ended by signal %d",
                     WTERMSIG(status));
}

// --- from the dataplane ---

// Where two events differ, in words.
static void difference(const struct event *was, const struct event *now, char *text, size_t len)
{
    const struct event_info *info = event_info(was->type), *other = event_info(now->type);
    const uint8_t *a = (const uint8_t *)was, *b = (const uint8_t *)now;
    size_t used = 0;
    bool named = false;
    if (was->type != now->type) {
        snprintf(text, len, "was %s, is %s", info ? info->name : "?", other ? other->name : "?");
        return;
    }
    used += (size_t)snprintf(text, len, "%s:", info ? info->name : "?");
    if (was->sequence != now->sequence && used < len)
        used +=
            (size_t)snprintf(text + used, len - used, " number was %" PRIu64 ", is %" PRIu64 ";",
                             was->sequence, now->sequence);
    if (was->tsc != now->tsc && used < len)
        used += (size_t)snprintf(text + used, len - used, " stamp was %" PRIu64 ", is %" PRIu64 ";",
                                 was->tsc, now->tsc);
    if (was->input != now->input && used < len)
        used += (size_t)snprintf(text + used, len - used, " input was %" PRIu64 ", is %" PRIu64 ";",
                                 was->input, now->input);
    for (uint32_t i = 0; info && i < info->field_count && used < len; i++) {
        const struct event_field *f = &info->fields[i];
        uint64_t x = 0, y = 0;
        const size_t n = f->len < sizeof x ? f->len : sizeof x;
        if (memcmp(a + f->offset, b + f->offset, f->len) == 0)
            continue;
        memcpy(&x, a + f->offset, n);
        memcpy(&y, b + f->offset, n);
        used += (size_t)snprintf(text + used, len - used, " %s was %" PRIu64 ", is %" PRIu64 ";",
                                 f->name, x, y);
        named = true;
    }
    for (size_t i = offsetof(struct event, type); !named && i < sizeof *was && used < len; i++)
        if (a[i] != b[i]) {
            snprintf(text + used, len - used, " byte %zu of %zu was 0x%02x, is 0x%02x;", i,
                     sizeof *was, a[i], b[i]);
            return;
        }
}

static bool event_compare(struct replaying *p, const struct event *was, const struct event *now,
                          struct error *err)
{
    char text[400];
    const uint8_t *a = (const uint8_t *)was, *b = (const uint8_t *)now; // every byte counts
    if (memcmp(a, b, sizeof *was) == 0) {
        p->equal++;
        return true;
    }
    difference(was, now, text, sizeof text);
    return error_set(err, EXIT_STATE, "difference: lane %u, event %" PRIu64 ": %s", p->lane,
                     was->sequence, text);
}

static bool not_in_journal(const struct replaying *p, const struct event *now, struct error *err)
{
    return error_set(err, EXIT_STATE,
                     "difference: lane %u: event %" PRIu64 " is not in the journal", p->lane,
                     now->sequence);
}

// What the replay makes until the journal's event <was>. Only its first ones may be gone, with the
// journal's first segment.
static bool events_skip(struct replaying *p, const struct event *was, FILE *events,
                        struct event *now, bool *more, struct error *err)
{
    while (*more && now->sequence < was->sequence) {
        p->earlier += now->sequence != 0 && p->equal == 0;
        *more = fread(now, sizeof *now, 1, events) == 1;
        if (*more && (p->equal || p->begins) && now->sequence < was->sequence)
            return not_in_journal(p, now, err);
    }
    return true;
}

// The journal's events of the lane, each beside what the replay makes.
static bool events_compare(struct replaying *p, FILE *events, struct error *err)
{
    struct journal_events f;
    struct event now;
    const struct logged_event *e;
    struct error damage = {0};
    bool more = true, found = false, ok = journal_events_open(&f, p->journal, err);
    memset(&now, 0, sizeof now);
    while (ok && (e = journal_events_next(&f, err)) != NULL) {
        if (e->epoch != p->epoch || e->event.lane != p->lane || e->ring != EVENT_RING_TRADING)
            continue;
        found = true;
        p->last = e->event;
        ok = events_skip(p, &e->event, events, &now, &more, err);
        if (ok && more)
            ok = event_compare(p, &e->event, &now, err);
        else
            p->later += ok;
    }
    // Damage is the reason of whatever differs.
    if (!journal_events_whole(&f, &damage))
        *err = damage;
    // What comes behind the journal's last is looked at all the same: no lane made more than it.
    while (ok && found && more && fread(&now, sizeof now, 1, events) == 1)
        ok = not_in_journal(p, &now, err);
    if (ok && err->code == EXIT_OK && !found)
        error_set(
            err, EXIT_FAILED,
            "%s: no event of lane %u of this instance: the capture belongs to another journal",
            p->journal, p->lane);
    journal_events_close(&f);
    return err->code == EXIT_OK;
}

// --- all of it ---

// The first of each kind is from the start.
static void file_note(struct replaying *p, const struct event *e)
{
    if (e->type == EVENT_DAY_FILE && e->day_file.kind < DAY_FILES && !p->files[e->day_file.kind])
        p->files[e->day_file.kind] = e->day_file.hash;
}

static bool journal_knows(struct replaying *p, const struct capture_sum *sum, struct error *err)
{
    struct journal_events f;
    bool found = false;
    uint64_t config_hash = 0;
    bool ok = journal_events_open(&f, p->journal, err);
    p->begins = ok && f.reader.segments[0] == 1;
    while (ok && journal_events_next(&f, err)) {
        const struct event *e = &f.event.event;
        if (f.instance.epoch != p->epoch && found)
            break;
        if (f.instance.epoch != p->epoch) {
            p->begins = true;
            continue;
        }
        found = true;
        config_hash = f.instance.config_hash;
        if (e->type == EVENT_RESTORED)
            p->restored = *e;
        if (f.event.ring == EVENT_RING_TRADING && e->lane < LANES_MAX)
            p->events[e->lane]++;
        file_note(p, e);
    }
    if (found && config_hash != sum->instance.config_hash)
        error_set(err, EXIT_STATE, "%s: another configuration than the capture's", p->journal);
    if (ok && !found && err->code == EXIT_OK && journal_events_whole(&f, err))
        error_set(err, EXIT_STATE,
                  "%s: the capture's instance (epoch %" PRIu64
                  ") is not in this journal: it belongs to another",
                  p->journal, p->epoch);
    journal_events_close(&f);
    return err->code == EXIT_OK;
}

// The instances of the day are the last ones before this one, so many as RESTORED says.
static bool day_find(struct replaying *p, struct error *err)
{
    const uint32_t count = p->restored.restored.instances;
    uint64_t *epochs = calloc((uint64_t)count + 1, sizeof *epochs), last = 0, seen = 0;
    struct journal_reader reader;
    const struct journal_record *r;
    struct journal_instance instance;
    if (epochs == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the instances of the day");
    bool ok = journal_reader_open(&reader, p->journal, 0, err);
    while (ok && last != p->epoch && (r = journal_reader_next(&reader, err)) != NULL) {
        if (r->type != JOURNAL_INSTANCE || r->len < sizeof *r + sizeof instance)
            continue;
        memcpy(&instance, r + 1, sizeof instance);
        if (instance.epoch != last)
            epochs[seen++ % (count + 1)] = last = instance.epoch;
    }
    p->day_ns = epochs[seen % (count + 1)];
    if (ok && err->code == EXIT_OK && seen <= count)
        error_set(err, EXIT_STATE,
                  "%s: the instance went on from %u before it, and not all of them are there",
                  p->journal, count);
    journal_reader_close(&reader);
    free(epochs);
    return err->code == EXIT_OK;
}

// A process that was killed leaves at most the turn that it was in, idle ones, and the one before,
// which may be cut; what is missing beyond that was written down once, or left its loop in order.
static bool lane_whole(const struct replaying *p, const struct capture_sum *sum, struct error *err)
{
    const uint64_t until = sum->until[p->lane], at = p->last.tsc;
    const bool small = p->last.type != EVENT_LANE_STOPPED &&
                       (at <= until || at - until <= sum->instance.clock.tsc_hz);
    if (p->equal == 0)
        return error_set(err, EXIT_STATE, "%s: not complete: no event of lane %u was compared",
                         p->capture, p->lane);
    if (p->later && sum->last[p->lane] == CAPTURE_END)
        return error_set(err, EXIT_STATE,
                         "difference: lane %u: the last %" PRIu64 " events of the journal are not "
                         "in what comes out",
                         p->lane, p->later);
    if (p->later == 0 || sum->last[p->lane] == CAPTURE_STOP || small)
        return true;
    return error_set(err, EXIT_STATE,
                     "%s: not complete: it does not say that lane %u ended or recording was "
                     "stopped, and %" PRIu64 " events of the journal are behind its end",
                     p->capture, p->lane, p->later);
}

static bool lanes_recorded(const struct replaying *p, const struct capture_sum *sum,
                           struct error *err)
{
    bool any = false;
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        any |= sum->recorded[lane];
        if (p->events[lane] && !sum->recorded[lane])
            return error_set(err, EXIT_STATE,
                             "%s: not complete: nothing of lane %u is in it, of which the journal "
                             "has %" PRIu64 " events",
                             p->capture, lane, p->events[lane]);
    }
    return any ||
           error_set(err, EXIT_STATE, "%s: not complete: nothing of any lane is in it", p->capture);
}

static bool lane_replay(struct replaying *p, const struct capture_sum *sum, struct error *err)
{
    struct children c = {0};
    p->equal = p->earlier = p->later = 0;
    if (children_start(p, sum, &c, err))
        events_compare(p, c.events, err);
    if (!children_end(&c, err))
        return false;
    printf("lane %u: %" PRIu64 " events are the same", p->lane, p->equal);
    if (p->earlier)
        printf("; %" PRIu64 " earlier ones are in the journal no more", p->earlier);
    if (p->later)
        printf("; %" PRIu64 " later ones are behind the capture's end", p->later);
    putchar('\n');
    return lane_whole(p, sum, err);
}

void run_replay(const struct invocation *invocation, struct error *err)
{
    static struct capture_sum sum;
    struct replaying p = {.journal = option_of(invocation, "JOURNAL"),
                          .capture = option_of(invocation, "CAPTURE"),
                          .config = option_of(invocation, "--config")};
    const json_t *epoch = json_object_get(invocation->options, "--epoch");
    p.epoch = epoch ? (uint64_t)json_integer_value(epoch) : 0;
    if (!capture_look(p.capture, p.epoch, &sum, err))
        return;
    p.epoch = sum.instance.epoch;
    if (!journal_knows(&p, &sum, err) || !lanes_recorded(&p, &sum, err) ||
        !capture_complete(p.capture, &sum, err) ||
        (p.restored.type == EVENT_RESTORED && !day_find(&p, err)))
        return;
    for (p.lane = 0; p.lane < sum.instance.lanes; p.lane++)
        if (sum.recorded[p.lane] && !lane_replay(&p, &sum, err))
            return;
}
