#include "controlplane/journal/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/file.h"
#include "dataplane/base/hints.h"

enum {
    ENTRY_EVENT = 1,
    ENTRY_RECORD = 2,
    ENTRY_RUN = 3,
    EVENT_HEAD = 2 + 8, // entry, type, a nibble for each word
    EVENT_LEN_MAX = EVENT_HEAD + sizeof(struct event),
    RECORD_HEAD = 8, // entry, type of the record, 2 of its length, zeros
    RUN_LEN = 8 + sizeof(struct extract_run),
    SLACK = 8, // words are read whole
    ROOM_FIRST = 1 << 20,
    NUMBERS = 3, // words at the beginning of an event that only grow: sequence, TSC, input
};

_Static_assert(EVENT_TYPES <= 256, "a byte names a type");

// Types that a start looks at.
static bool type_wanted(uint32_t type)
{
    switch (type) {
    case EVENT_DECISION:
    case EVENT_ORDER_SENT:
    case EVENT_ORDER_NOT_SENT:
    case EVENT_CANCEL_SENT:
    case EVENT_CANCEL_WAITS:
    case EVENT_ORDER:
    case EVENT_ORDER_OPTIONS:
    case EVENT_ORDER_RELEASED:
    case EVENT_UNCLAIMED:
    case EVENT_ORDER_SESSION:
    case EVENT_KILL:
    case EVENT_LIFTED:
    case EVENT_BREACH:
    case EVENT_GOVERNED:
    case EVENT_TRADING_STATE:
    case EVENT_LIMITS:
    case EVENT_LEASE:
    case EVENT_LIMIT_CHANGED:
    case EVENT_LIMIT_RAISE:
    case EVENT_DAY_FILE:
    case EVENT_STRATEGY:
    case EVENT_LOSS_BROKEN:
    case EVENT_MARK:
    case EVENT_DAY_BEST: return true;
    default: return false;
    }
}

static void kinds_wanted(uint64_t kinds[4])
{
    memset(kinds, 0, 4 * sizeof *kinds);
    for (uint32_t type = 0; type < EVENT_TYPES; type++)
        kinds[type / 64] |= (uint64_t)type_wanted(type) << type % 64;
}

bool extract_wants(const struct event *event)
{
    return type_wanted(event->type) &&
           (event->type != EVENT_DECISION || event->decision.refusal == REFUSAL_NONE);
}

static bool name_wanted(const struct journal_record *r)
{
    const struct journal_names *n = (const void *)(r + 1);
    if (r->len < sizeof *r + sizeof *n)
        return false;
    return n->kind == JOURNAL_NAME_LANE || n->kind == JOURNAL_NAME_ACCOUNT ||
           n->kind == JOURNAL_NAME_INSTRUMENT || n->kind == JOURNAL_NAME_SESSION ||
           n->kind == JOURNAL_NAME_STRATEGY;
}

bool extract_path(const char *directory, uint64_t segment, char out[EXTRACT_PATH_MAX])
{
    const int n =
        snprintf(out, EXTRACT_PATH_MAX, "%s/%016" PRIu64 EXTRACT_SUFFIX, directory, segment);
    return n > 0 && n < EXTRACT_PATH_MAX;
}

// --- packing ---

static uint32_t word_bytes(uint64_t word)
{
    return word ? (71 - (uint32_t)__builtin_clzll(word)) / 8 : 0;
}

static uint64_t *packing_of(struct extract_packing *p, uint8_t type)
{
    uint64_t *words = p->words[type];
    memcpy(words, p->last, sizeof p->last);
    return words;
}

// What differs from the event before, in as few bytes as that takes. Returns how many.
static uint32_t event_pack(struct extract_packing *p, const struct event *event, uint8_t *out)
{
    uint64_t words[EXTRACT_WORDS], lens = 0;
    uint64_t *before = packing_of(p, (uint8_t)event->type);
    uint32_t len = EVENT_HEAD;
    memcpy(words, event, sizeof words);
    for (uint32_t i = 0; i < EXTRACT_WORDS; i++) {
        const uint64_t word = i < NUMBERS ? words[i] - before[i] : words[i] ^ before[i];
        const uint32_t bytes = word_bytes(word);
        lens |= (uint64_t)bytes << i * 4;
        memcpy(out + len, &word, bytes);
        len += bytes;
    }
    out[0] = ENTRY_EVENT;
    out[1] = (uint8_t)event->type;
    memcpy(out + 2, &lens, sizeof lens);
    memcpy(before, words, sizeof words);
    memcpy(p->last, words, sizeof p->last);
    return len;
}

// Bytes behind the head of an event; more than an event has: no lengths of ours.
static uint32_t lens_sum(uint64_t lens)
{
    const uint64_t low = lens & UINT64_C(0x0f0f0f0f0f0f0f0f);
    const uint64_t high = lens >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f);
    const uint64_t over =
        ((low + UINT64_C(0x7777777777777777)) | (high + UINT64_C(0x7777777777777777))) &
        UINT64_C(0x8080808080808080);
    return over ? UINT32_MAX : (uint32_t)((low + high) * UINT64_C(0x0101010101010101) >> 56);
}

static const struct event *event_unpack(struct extract_packing *p, uint8_t type, uint64_t lens,
                                        const uint8_t *from)
{
    static const uint64_t masks[9] = {0,          0xff,         0xffff,         0xffffff,
                                      0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
                                      UINT64_MAX};
    uint64_t *words = packing_of(p, type);
    for (uint32_t i = 0; i < EXTRACT_WORDS; i++, lens >>= 4) {
        const uint32_t len = lens & 15;
        uint64_t word;
        memcpy(&word, from, sizeof word);
        word &= masks[len];
        words[i] = i < NUMBERS ? words[i] + word : words[i] ^ word;
        from += len;
    }
    memcpy(p->last, words, sizeof p->last);
    return (const void *)words;
}

// --- making ---

void extract_begin(struct extract_maker *m, const struct journal_segment_header *segment)
{
    m->len = sizeof m->header;
    m->header = (struct extract_header){.magic = EXTRACT_MAGIC,
                                        .version = EXTRACT_VERSION,
                                        .segment = segment->segment,
                                        .first_record = segment->first_record};
    memcpy(m->header.journal, segment->journal, sizeof m->header.journal);
    sha256(segment, sizeof *segment, m->header.begins);
    region_abi_hash(m->header.abi_hash);
    kinds_wanted(m->header.kinds);
    memset(&m->packing, 0, sizeof m->packing);
    memset(&m->run, 0, sizeof m->run);
    m->epoch = segment->instance.epoch;
    m->unfit = m->exhausted = false;
}

// <len> more bytes; null: <unfit>.
static uint8_t *room_for(struct extract_maker *m, uint64_t len)
{
    if (m->unfit)
        return NULL;
    if (m->bytes == NULL || m->len + len > m->room) {
        const uint64_t room = m->room ? m->room * 2 : ROOM_FIRST;
        const bool fits = m->len + len <= EXTRACT_LEN_MAX;
        uint8_t *bytes = fits ? realloc(m->bytes, room) : NULL;
        m->unfit = bytes == NULL;
        m->exhausted = fits && bytes == NULL;
        if (m->unfit)
            return NULL;
        m->bytes = bytes;
        m->room = room;
    }
    return m->bytes + m->len;
}

static void record_put(struct extract_maker *m, const struct journal_record *r)
{
    const uint32_t len = r->len - (uint32_t)sizeof *r;
    // Payloads stand at multiples of 8, where they can be used as they are.
    const uint32_t pad = (uint32_t)(-m->len & 7);
    uint8_t *to = room_for(m, pad + RECORD_HEAD + len);
    if (to == NULL)
        return;
    memset(to, 0, pad + RECORD_HEAD);
    to += pad;
    to[0] = ENTRY_RECORD;
    to[1] = r->type;
    to[2] = (uint8_t)len;
    to[3] = (uint8_t)(len >> 8);
    memcpy(to + RECORD_HEAD, r + 1, len);
    m->len += pad + RECORD_HEAD + len;
}

static void run_put(struct extract_maker *m)
{
    uint8_t *to = room_for(m, RUN_LEN);
    if (to == NULL)
        return;
    memset(to, 0, RUN_LEN - sizeof m->run);
    to[0] = ENTRY_RUN;
    memcpy(to + RUN_LEN - sizeof m->run, &m->run, sizeof m->run);
    m->len += RUN_LEN;
    memset(&m->run, 0, sizeof m->run);
}

static void event_put(struct extract_maker *m, const struct event *event)
{
    const uint32_t source = event->lane < LANES_MAX ? event->lane : LANES_MAX;
    uint64_t *last = &m->run.last[source];
    if (event->type == EVENT_OVERRUN || (*last && event->sequence != *last + 1)) {
        m->unfit = true; // whoever starts on it is told the record
        return;
    }
    *last = event->sequence;
    if (m->run.first[source] == 0)
        m->run.first[source] = event->sequence;
    if (!extract_wants(event))
        return;
    uint8_t *to = room_for(m, EVENT_LEN_MAX);
    if (to)
        m->len += event_pack(&m->packing, event, to);
    m->header.events++;
}

void extract_take(struct extract_maker *m, const struct journal_record *r)
{
    const uint32_t len = r->len - (uint32_t)sizeof *r;
    struct journal_instance instance;
    if (r->type == JOURNAL_EVENT && r->ring == EVENT_RING_TRADING && len >= sizeof(struct event)) {
        event_put(m, (const void *)(r + 1)); // records begin at multiples of 8
    } else if (r->type == JOURNAL_INSTANCE && len >= sizeof instance) {
        memcpy(&instance, r + 1, sizeof instance);
        if (instance.epoch != m->epoch)
            run_put(m);
        m->epoch = instance.epoch;
        record_put(m, r);
    } else if (r->type == JOURNAL_NAMES && name_wanted(r)) {
        record_put(m, r);
    }
}

bool extract_end(struct extract_maker *m, const struct journal_segment_header *next)
{
    struct extract_header *h = &m->header;
    run_put(m);
    if (m->unfit || next->segment != h->segment + 1)
        return false;
    h->next_record = next->first_record;
    memcpy(h->link, next->previous, sizeof h->link);
    h->len = m->len - sizeof *h;
    sha256(m->bytes + sizeof *h, h->len, h->hash);
    h->crc = crc32c(&h->version, sizeof *h - offsetof(struct extract_header, version));
    memcpy(m->bytes, h, sizeof *h);
    return true;
}

bool extract_write(const struct extract_maker *m, const char *directory, struct error *err)
{
    char path[EXTRACT_PATH_MAX];
    if (!extract_path(directory, m->header.segment, path))
        return error_set(err, EXIT_FAILED, "%s: the path is too long", directory);
    return file_replace(path, (const char *)m->bytes, m->len, 0640, err);
}

void extract_maker_free(struct extract_maker *m)
{
    free(m->bytes);
    m->bytes = NULL;
    m->len = m->room = 0;
}

// --- reading ---

// Why it cannot be used; null: it fits.
static const char *header_fault(const struct extract_header *h,
                                const struct journal_segment_header *segment,
                                const struct journal_segment_header *next)
{
    uint64_t abi_hash[2], kinds[4];
    uint8_t begins[JOURNAL_HASH_LEN];
    if (h->magic != EXTRACT_MAGIC)
        return "no extract";
    if (h->version != EXTRACT_VERSION)
        return "of another format";
    if (h->crc != crc32c(&h->version, sizeof *h - offsetof(struct extract_header, version)))
        return "its header is damaged";
    region_abi_hash(abi_hash);
    kinds_wanted(kinds);
    if (memcmp(abi_hash, h->abi_hash, sizeof abi_hash) != 0 ||
        memcmp(kinds, h->kinds, sizeof kinds) != 0)
        return "of another version of events";
    sha256(segment, sizeof *segment, begins);
    if (h->segment != segment->segment || h->first_record != segment->first_record ||
        memcmp(h->journal, segment->journal, sizeof h->journal) != 0 ||
        memcmp(h->begins, begins, sizeof begins) != 0)
        return "of another segment";
    if (next->segment != h->segment + 1 || next->first_record != h->next_record ||
        memcmp(next->journal, h->journal, sizeof h->journal) != 0 ||
        memcmp(next->previous, h->link, sizeof h->link) != 0)
        return "the segment behind it goes on from something else";
    return h->len > EXTRACT_LEN_MAX ? "its header makes no sense" : NULL;
}

static bool read_whole(int fd, uint8_t *to, uint64_t len, uint64_t from)
{
    for (uint64_t got = 0; got < len;) {
        const ssize_t n = pread(fd, to + got, len - got, (off_t)(from + got));
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        got += n > 0 ? (uint64_t)n : 0;
    }
    return true;
}

static const char *body_load(struct extract *e, int fd)
{
    const struct extract_header *h = &e->header;
    uint8_t hash[JOURNAL_HASH_LEN];
    struct stat status;
    if (fstat(fd, &status) != 0 || (uint64_t)status.st_size != sizeof *h + h->len)
        return "it is not as long as it says";
    if (e->room < h->len + SLACK) {
        free(e->bytes);
        e->room = (h->len + h->len / 4 + SLACK + 7) & ~UINT64_C(7);
        e->bytes = aligned_alloc(8, e->room);
        if (e->bytes == NULL) {
            e->room = 0;
            return "no memory for it";
        }
    }
    if (!read_whole(fd, e->bytes, h->len, sizeof *h))
        return "it cannot be read";
    memset(e->bytes + h->len, 0, SLACK);
    sha256(e->bytes, h->len, hash);
    return memcmp(hash, h->hash, sizeof hash) == 0 ? NULL : "it is damaged";
}

bool extract_load(struct extract *e, const char *directory,
                  const struct journal_segment_header *segment,
                  const struct journal_segment_header *next, const char **why)
{
    char path[EXTRACT_PATH_MAX];
    const int fd =
        extract_path(directory, segment->segment, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        *why = errno == ENOENT ? "" : "it cannot be opened";
        return false;
    }
    if (!read_whole(fd, (uint8_t *)&e->header, sizeof e->header, 0))
        *why = "shorter than a header";
    else if ((*why = header_fault(&e->header, segment, next)) == NULL)
        *why = body_load(e, fd);
    close(fd);
    memset(&e->packing, 0, sizeof e->packing);
    e->at = 0;
    return *why == NULL;
}

static enum extract_entry record_next(struct extract *e, const uint8_t *p, uint64_t left)
{
    const uint32_t len = left >= RECORD_HEAD ? p[2] | (uint32_t)p[3] << 8 : 0;
    if (left < RECORD_HEAD || len > left - RECORD_HEAD || len > JOURNAL_PAYLOAD_MAX)
        return EXTRACT_BAD;
    e->record_type = p[1];
    e->record = p + RECORD_HEAD;
    e->record_len = len;
    e->at += RECORD_HEAD + len;
    return EXTRACT_RECORD;
}

enum extract_entry extract_next(struct extract *e)
{
    while (e->at < e->header.len && e->bytes[e->at] == 0)
        e->at++; // so that records stand at multiples of 8
    const uint8_t *p = e->bytes + e->at;
    const uint64_t left = e->header.len - e->at;
    uint64_t lens;
    if (left == 0)
        return EXTRACT_OVER;
    if (LIKELY(*p == ENTRY_EVENT) && left >= EVENT_HEAD) {
        memcpy(&lens, p + 2, sizeof lens);
        const uint32_t sum = lens_sum(lens);
        if (sum > left - EVENT_HEAD || p[1] >= EVENT_TYPES)
            return EXTRACT_BAD;
        e->event = event_unpack(&e->packing, p[1], lens, p + EVENT_HEAD);
        e->at += EVENT_HEAD + sum;
        return LIKELY(e->event->type == p[1]) ? EXTRACT_EVENT : EXTRACT_BAD;
    }
    if (*p == ENTRY_RECORD && (e->at & 7) == 0)
        return record_next(e, p, left);
    if (*p != ENTRY_RUN || left < RUN_LEN)
        return EXTRACT_BAD;
    memcpy(&e->run, p + RUN_LEN - sizeof e->run, sizeof e->run);
    e->at += RUN_LEN;
    return EXTRACT_RUN;
}

void extract_free(struct extract *e)
{
    free(e->bytes);
    *e = (struct extract){0};
}
