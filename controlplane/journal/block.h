// Blocks of records in memory: made by the writer, checked by whoever reads.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/format.h"

uint32_t crc32c(const void *p, uint32_t len);
void sha256(const void *p, uint64_t len, uint8_t hash[JOURNAL_HASH_LEN]);

struct block {
    uint8_t *bytes; // <room> of them, aligned for the disk; the header stands first
    uint32_t room;
    uint32_t used;
    uint32_t records;
    uint64_t first_record;
};

void block_begin(struct block *b, uint8_t *bytes, uint32_t room, uint64_t first_record);
// False: no room. <len> at most JOURNAL_PAYLOAD_MAX; the payload is copied.
bool block_add(struct block *b, enum journal_record_type type, uint8_t ring, const void *payload,
               uint32_t len);
// Where in the journal a block stands.
struct block_place {
    uint64_t segment;
    uint64_t block;
    uint64_t committed;
    uint8_t previous[JOURNAL_HASH_LEN];
};
// Completes the header and fills up with zeros to a multiple of <align>. Returns the bytes to
// write; <hash> is what the next block carries.
uint32_t block_close(struct block *b, const struct block_place *place, uint32_t align,
                     uint64_t now_ns, uint32_t flags, uint8_t hash[JOURNAL_HASH_LEN]);

void segment_header_close(struct journal_segment_header *h);

enum block_fault {
    BLOCK_GOOD,
    BLOCK_EMPTY,     // zeros where the header would be: the segment ends here
    BLOCK_NO_HEADER, // magic, checksum or sizes of the header
    BLOCK_ELSEWHERE, // a whole block, of another place in the journal
    BLOCK_UNLINKED,  // its hash of what stands before it is another
    BLOCK_CUT,       // fewer whole records than the header says
};
const char *block_fault_text(enum block_fault fault);

// Checks the segment header of <len> bytes. False with one line of text.
bool segment_header_check(const void *bytes, uint64_t len, struct journal_segment_header *out,
                          const char **why);
// Checks the block at <bytes>, of which <len> are there. <first_record>: the number that its first
// record should have. With BLOCK_GOOD and BLOCK_CUT *<header> and the whole records (<whole> of
// them, up to <end> bytes) are known.
enum block_fault block_check(const uint8_t *bytes, uint64_t len, uint32_t align,
                             const struct block_place *place, uint64_t first_record,
                             struct journal_block_header *header, uint32_t *whole, uint32_t *end);

// The records of a checked block: *<at> starts at 0; null behind the last before <end>.
const struct journal_record *block_next(const uint8_t *bytes, uint32_t end, uint32_t *at);
