// The journal's records, in order, into batches.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/reader.h"
#include "controlplane/store/batch.h"

enum feed_state {
    FEED_MORE,     // ask again
    FEED_END,      // nothing more now
    FEED_FULL,     // the batch is to be sent first
    FEED_INSTANCE, // another start of the dataplane follows: feed_instance, once all is sent
    FEED_FAILED,   // <err> says what the disk says
};

struct feed {
    struct journal_reader reader;
    bool open;
    const struct journal_record *held; // read, not taken
    struct journal_instance instance;  // of what follows
    uint32_t journal;                  // id in the database
    uint64_t last;                     // record that was taken
    uint64_t holes;                    // records that were missing
    uint64_t starts; // since the newest before this that told what it restored, that one included
    struct sums sums;
    struct key_table names; // of the instance, as the database has them or gets them
};

// Which journal it is. False: there is none yet, or <err>.
bool feed_identify(const char *directory, uint8_t journal[16], struct error *err);
// Opens the journal behind record <last>, which stands in <segment>. Positions are empty.
bool feed_open(struct feed *f, const char *directory, uint32_t journal, uint64_t segment,
               uint64_t last, uint64_t committed, struct error *err);
void feed_close(struct feed *f);

// Takes up to <max> records.
enum feed_state feed_fill(struct feed *f, struct batch *b, const struct batch_limits *limits,
                          uint32_t max, struct error *err);
// Goes over to the instance that follows. Positions stay where it goes on from the journal, else
// they begin empty; <starts> is the caller's to fill. The batch is empty.
void feed_instance(struct feed *f, struct batch *b);
// The row of the instance that is in force.
void feed_instance_sql(const struct feed *f, struct sql_text *out);
// Tells an empty batch whose events come.
void feed_begin(const struct feed *f, struct batch *b);
