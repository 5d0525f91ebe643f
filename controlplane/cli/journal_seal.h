// A seal on a journal: the hash of the block that ends with one record. Every block carries the
// hash of the one before, so it stands for everything up to there.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/format.h"
#include "dataplane/base/error.h"

struct journal_seal {
    uint64_t record; // the last that it covers
    uint64_t segment;
    uint64_t block;
    uint8_t hash[JOURNAL_HASH_LEN];
};

// Reads the journal up to <record>, the last of a block, and checks all of it on the way. False
// with <err>: it is damaged, or ends before.
bool journal_seal_take(const char *directory, uint64_t record, struct journal_seal *seal,
                       struct error *err);
json_t *journal_seal_view(const struct journal_seal *seal);
// The seal of a written record (`tickgate day end`) still fits the journal. False with <err>.
bool journal_seal_check(const char *directory, const char *record_path, struct journal_seal *seal,
                        struct error *err);
