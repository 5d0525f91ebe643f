#define OPENSSL_SUPPRESS_DEPRECATED // see sha256()
#include "controlplane/journal/block.h"

#include <isa-l/crc.h>
#include <nmmintrin.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <string.h>

enum { CRC_SHORT = 256 };

static const uint32_t header_len = sizeof(struct journal_block_header);

// Of a header or a record: the library is made for longer ones, and what stands side by side is
// worked out side by side here.
static inline uint32_t crc32c_short(const uint8_t *p, uint32_t len)
{
    uint64_t crc = UINT32_MAX, word;
    uint32_t last;
    for (; len >= sizeof word; len -= (uint32_t)sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    if (len >= sizeof last) {
        memcpy(&last, p, sizeof last);
        crc = _mm_crc32_u32((uint32_t)crc, last);
        p += sizeof last;
        len -= (uint32_t)sizeof last;
    }
    for (; len; len--, p++)
        crc = _mm_crc32_u8((uint32_t)crc, *p);
    return ~(uint32_t)crc;
}

uint32_t crc32c(const void *p, uint32_t len)
{
    if (len <= CRC_SHORT)
        return crc32c_short(p, len);
    // The library's pointer is not const, though it only reads.
    return ~crc32_iscsi((unsigned char *)(uintptr_t)p, (int)len, UINT32_MAX);
}

void sha256(const void *p, uint64_t len, uint8_t hash[JOURNAL_HASH_LEN])
{
    // SHA256() looks its algorithm up at every call, which takes longer than a short block does.
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Update(&c, p, len);
    SHA256_Final(hash, &c);
}

// --- making ---

void block_begin(struct block *b, uint8_t *bytes, uint32_t room, uint64_t first_record)
{
    *b = (struct block){
        .bytes = bytes, .room = room, .used = header_len, .first_record = first_record};
}

// One word of a record, on its way into the block and into the checksum at once: a pass over what
// has just been stored would wait for the stores.
static inline uint64_t word_put(uint8_t *to, uint64_t crc, uint64_t word)
{
    memcpy(to, &word, sizeof word);
    return _mm_crc32_u64(crc, word);
}

bool block_add(struct block *b, enum journal_record_type type, uint8_t ring, const void *payload,
               uint32_t len)
{
    const uint32_t head_len = sizeof(struct journal_record), word_len = sizeof(uint64_t);
    const uint32_t whole = (head_len + len + 7) & ~7u;
    if (len > JOURNAL_PAYLOAD_MAX || whole > b->room - b->used)
        return false;
    uint8_t *p = b->bytes + b->used, *to = p + head_len;
    const uint8_t *from = payload;
    struct journal_record r = {.len = (uint16_t)whole,
                               .type = (uint8_t)type,
                               .ring = ring,
                               .number = b->first_record + b->records};
    uint32_t first;
    uint64_t word = 0, crc = UINT32_MAX;
    memcpy(&first, (const uint8_t *)&r + sizeof r.crc, sizeof first);
    crc = _mm_crc32_u32((uint32_t)crc, first);
    crc = _mm_crc32_u64(crc, r.number);
    for (; len >= word_len; len -= word_len, from += word_len, to += word_len) {
        memcpy(&word, from, word_len);
        crc = word_put(to, crc, word);
    }
    if (len) { // the last word ends in zeros
        word = 0;
        memcpy(&word, from, len);
        crc = word_put(to, crc, word);
    }
    r.crc = ~(uint32_t)crc;
    memcpy(p, &r, sizeof r);
    b->used += whole;
    b->records++;
    return true;
}

uint32_t block_close(struct block *b, const struct block_place *place, uint32_t align,
                     uint64_t now_ns, uint32_t flags, uint8_t hash[JOURNAL_HASH_LEN])
{
    struct journal_block_header h = {.magic = JOURNAL_BLOCK_MAGIC,
                                     .len = (b->used + align - 1) / align * align,
                                     .used = b->used,
                                     .segment = place->segment,
                                     .block = place->block,
                                     .first_record = b->first_record,
                                     .committed = place->committed,
                                     .closed_ns = now_ns,
                                     .records = b->records,
                                     .flags = flags};
    memcpy(h.previous, place->previous, sizeof h.previous);
    h.crc = crc32c(&h.len, sizeof h - offsetof(struct journal_block_header, len));
    memcpy(b->bytes, &h, sizeof h);
    memset(b->bytes + b->used, 0, h.len - b->used);
    sha256(b->bytes, b->used, hash);
    return h.len;
}

void segment_header_close(struct journal_segment_header *h)
{
    h->magic = JOURNAL_SEGMENT_MAGIC;
    h->crc = crc32c(&h->version, sizeof *h - offsetof(struct journal_segment_header, version));
}

// --- checking ---

const char *block_fault_text(enum block_fault fault)
{
    static const char *const texts[] = {
        [BLOCK_GOOD] = "whole",
        [BLOCK_EMPTY] = "nothing is written there",
        [BLOCK_NO_HEADER] = "its header is damaged",
        [BLOCK_ELSEWHERE] = "it is a block of another place",
        [BLOCK_UNLINKED] = "what stands before it was changed",
        [BLOCK_CUT] = "its records are damaged",
    };
    return texts[fault];
}

static bool align_known(uint32_t align)
{
    return align >= JOURNAL_ALIGN_MIN && align <= JOURNAL_ALIGN_MAX && (align & (align - 1)) == 0;
}

bool segment_header_check(const void *bytes, uint64_t len, struct journal_segment_header *out,
                          const char **why)
{
    *why = NULL;
    if (len < sizeof *out) {
        *why = "shorter than a segment header";
        return false;
    }
    memcpy(out, bytes, sizeof *out);
    if (out->magic != JOURNAL_SEGMENT_MAGIC)
        *why = "no segment of a journal";
    else if (out->version > JOURNAL_VERSION)
        *why = "of a newer format; use the tickgate that wrote it";
    else if (out->crc !=
             crc32c(&out->version, sizeof *out - offsetof(struct journal_segment_header, version)))
        *why = "its header is damaged";
    else if (out->version == 0 || !align_known(out->align))
        *why = "its header makes no sense";
    return *why == NULL;
}

static bool all_zero(const uint8_t *p, uint32_t len)
{
    return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static bool header_sound(const struct journal_block_header *h, uint32_t align)
{
    return h->magic == JOURNAL_BLOCK_MAGIC &&
           h->crc == crc32c(&h->len, sizeof *h - offsetof(struct journal_block_header, len)) &&
           h->len >= header_len && h->len % align == 0 && h->len <= JOURNAL_BLOCK_MAX &&
           h->used >= header_len && h->used <= h->len;
}

// Whole records from the first on, numbered in order.
static uint32_t records_whole(const uint8_t *bytes, uint64_t len, uint64_t first_record,
                              uint32_t records_max, uint32_t *end)
{
    uint32_t whole = 0;
    *end = header_len;
    while (whole < records_max && *end + sizeof(struct journal_record) <= len) {
        struct journal_record r;
        memcpy(&r, bytes + *end, sizeof r);
        if (r.len < sizeof r || r.len % 8 || r.len > len - *end ||
            r.number != first_record + whole ||
            r.crc != crc32c(bytes + *end + sizeof r.crc, r.len - (uint32_t)sizeof r.crc))
            break;
        *end += r.len;
        whole++;
    }
    return whole;
}

enum block_fault block_check(const uint8_t *bytes, uint64_t len, uint32_t align,
                             const struct block_place *place, uint64_t first_record,
                             struct journal_block_header *header, uint32_t *whole, uint32_t *end)
{
    *whole = 0;
    *end = header_len;
    if (len < header_len)
        return all_zero(bytes, (uint32_t)len) ? BLOCK_EMPTY : BLOCK_NO_HEADER;
    memcpy(header, bytes, sizeof *header);
    if (!header_sound(header, align))
        return all_zero(bytes, header_len) ? BLOCK_EMPTY : BLOCK_NO_HEADER;
    if (header->segment != place->segment || header->block != place->block ||
        header->first_record != first_record)
        return BLOCK_ELSEWHERE;
    if (memcmp(header->previous, place->previous, JOURNAL_HASH_LEN) != 0)
        return BLOCK_UNLINKED;
    const uint64_t there = len < header->used ? len : header->used;
    *whole = records_whole(bytes, there, first_record, header->records, end);
    return *whole == header->records && *end == header->used && len >= header->len &&
                   all_zero(bytes + header->used, header->len - header->used)
               ? BLOCK_GOOD
               : BLOCK_CUT;
}

const struct journal_record *block_next(const uint8_t *bytes, uint32_t end, uint32_t *at)
{
    if (*at == 0)
        *at = header_len;
    if (*at >= end)
        return NULL;
    const struct journal_record *r = (const struct journal_record *)(const void *)(bytes + *at);
    *at += r->len;
    return r;
}
