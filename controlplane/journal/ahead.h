// Segments read ahead of who checks them, front to back, by a thread of its own and past the page
// cache: a journal is written past it, too, and going through it would cost more than checking.
//
// What was read may be older than what stands there now: who finds something that does not fit
// looks again himself.
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { AHEAD_PIECES = 3 };

struct ahead_piece {
    uint8_t *bytes;   // with room for a block that began in the piece before, in front
    uint64_t segment; // 0: there are no more
    uint64_t from, len;
};

struct ahead {
    char directory[512];
    uint64_t *segments;
    uint32_t count;
    bool direct;
    uint8_t *memory;
    struct ahead_piece pieces[AHEAD_PIECES];
    uint32_t taken; // pieces, by the reader; the last of them is its own until it takes the next
    bool given;     // it has its bytes
    bool over;
    sem_t free, full;
    atomic_bool stop;
    pthread_t thread;
};

// Null: no memory or no thread; the reader reads by itself. <segments> are copied. <direct>: past
// the page cache, where the file system can.
struct ahead *ahead_start(const char *directory, const uint64_t *segments, uint32_t count,
                          bool direct);
void ahead_stop(struct ahead *a);
// Bytes of a segment from <offset> on: *<there> of them. Good until the next call. Null: they are
// none that come next, read them yourself.
const uint8_t *ahead_take(struct ahead *a, uint64_t segment, uint64_t offset, uint64_t *there);
