#include "controlplane/journal/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/journal/reader.h"

enum {
    PIECE_LEN = 4 << 20,
    HEAD_LEN = JOURNAL_BLOCK_MAX, // of a block that began in the piece before
};

// --- the thread ---

static void wait_on(sem_t *sem)
{
    while (sem_wait(sem) != 0 && errno == EINTR)
        ;
}

// False: the end, or somebody wants it.
static bool piece_read(struct ahead *a, uint32_t at, uint64_t segment, int fd, uint64_t from)
{
    struct ahead_piece *p = &a->pieces[at % AHEAD_PIECES];
    wait_on(&a->free);
    if (atomic_load_explicit(&a->stop, memory_order_relaxed))
        return false;
    const ssize_t n = fd >= 0 ? pread(fd, p->bytes, PIECE_LEN, (off_t)from) : 0;
    p->segment = segment;
    p->from = from;
    p->len = n > 0 ? (uint64_t)n : 0;
    sem_post(&a->full);
    return p->len == PIECE_LEN;
}

static void *work(void *context)
{
    struct ahead *a = context;
    uint32_t at = 0;
    for (uint32_t i = 0; i < a->count && !atomic_load(&a->stop); i++) {
        char path[JOURNAL_PATH_MAX];
        int fd = -1;
        if (journal_segment_path(a->directory, a->segments[i], path)) {
            fd = a->direct ? open(path, O_RDONLY | O_CLOEXEC | O_DIRECT) : -1;
            fd = fd < 0 ? open(path, O_RDONLY | O_CLOEXEC) : fd;
        }
        for (uint64_t from = 0; piece_read(a, at++, a->segments[i], fd, from);)
            from += PIECE_LEN;
        if (fd >= 0)
            close(fd);
    }
    piece_read(a, at, 0, -1, 0);
    return NULL;
}

// --- the reader ---

static void ahead_free(struct ahead *a)
{
    sem_destroy(&a->free);
    sem_destroy(&a->full);
    free(a->segments);
    free(a->memory);
    free(a);
}

struct ahead *ahead_start(const char *directory, const uint64_t *segments, uint32_t count,
                          bool direct)
{
    struct ahead *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    snprintf(a->directory, sizeof a->directory, "%s", directory);
    a->segments = malloc((count + 1) * sizeof *segments);
    a->memory = aligned_alloc(JOURNAL_ALIGN_MAX, (size_t)AHEAD_PIECES * (HEAD_LEN + PIECE_LEN));
    a->count = count;
    a->direct = direct;
    sem_init(&a->free, 0, AHEAD_PIECES);
    sem_init(&a->full, 0, 0);
    for (uint32_t i = 0; i < AHEAD_PIECES && a->memory; i++)
        a->pieces[i].bytes = a->memory + (size_t)i * (HEAD_LEN + PIECE_LEN) + HEAD_LEN;
    if (a->segments)
        memcpy(a->segments, segments, count * sizeof *segments);
    if (a->segments == NULL || a->memory == NULL ||
        pthread_create(&a->thread, NULL, work, a) != 0) {
        ahead_free(a);
        return NULL;
    }
    return a;
}

void ahead_stop(struct ahead *a)
{
    if (a == NULL)
        return;
    atomic_store(&a->stop, true);
    for (uint32_t i = 0; i <= AHEAD_PIECES; i++)
        sem_post(&a->free);
    pthread_join(a->thread, NULL);
    ahead_free(a);
}

// The piece that the reader has now; null: none.
static struct ahead_piece *piece_now(struct ahead *a)
{
    return a->taken ? &a->pieces[(a->taken - 1) % AHEAD_PIECES] : NULL;
}

// The next piece. What is left of the one before from <offset> on is put in front of it, if it is
// of the same segment and goes on there: *<begins>.
static struct ahead_piece *piece_next(struct ahead *a, uint64_t offset, uint64_t *begins)
{
    const struct ahead_piece *was = piece_now(a);
    wait_on(&a->full);
    struct ahead_piece *p = &a->pieces[a->taken % AHEAD_PIECES];
    uint64_t left = 0;
    if (was && was->segment == p->segment && was->from + was->len == p->from &&
        offset >= was->from && offset < p->from && p->from - offset <= HEAD_LEN)
        left = p->from - offset;
    if (left)
        memcpy(p->bytes - left, was->bytes + was->len - left, left);
    *begins = p->from - left;
    a->taken++;
    a->given = false;
    if (was)
        sem_post(&a->free);
    a->over = p->segment == 0;
    return p;
}

const uint8_t *ahead_take(struct ahead *a, uint64_t segment, uint64_t offset, uint64_t *there)
{
    const struct ahead_piece *p = piece_now(a);
    uint64_t begins = p ? p->from : 0;
    // Segments are read in order: what is behind this one, or this place, has to wait.
    while (!a->over) {
        if (p && !a->given && p->segment == segment && begins <= offset &&
            offset < p->from + p->len) {
            a->given = true;
            *there = p->from + p->len - offset;
            return p->bytes + ((int64_t)offset - (int64_t)p->from);
        }
        if (p && (p->segment > segment || (p->segment == segment && p->from > offset)))
            break;
        p = piece_next(a, offset, &begins);
    }
    return NULL;
}
