// Extracts loaded, and hashed, ahead of who uses them, by a thread of its own.
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "controlplane/journal/extract.h"
#include "controlplane/journal/reader.h"

enum { EXTRACTS_AHEAD = 2 };

struct extract_ahead {
    const struct journal_reader *reader; // its segments
    uint32_t at, end;                    // from one index to before another
    struct {
        struct extract extract;
        const char *why;
        bool fits;
    } slots[EXTRACTS_AHEAD];
    uint32_t taken;
    bool holds; // the one that was taken last
    sem_t free, full;
    atomic_bool stop;
    pthread_t thread;
    bool started;
};

// Extracts of the reader's segments from index <from> on, the last segment left out. The reader
// stays as it is until the end. False: no thread.
bool extract_ahead_start(struct extract_ahead *a, const struct journal_reader *reader,
                         uint32_t from);
// The next one, good until the next call; null: it does not fit, *<why>, "" if there is none; or
// there are no more.
struct extract *extract_ahead_take(struct extract_ahead *a, const char **why);
void extract_ahead_stop(struct extract_ahead *a);
