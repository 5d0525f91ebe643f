#include "controlplane/journal/extract_ahead.h"

#include <errno.h>

static void wait_on(sem_t *sem)
{
    while (sem_wait(sem) != 0 && errno == EINTR)
        ;
}

static void *work(void *context)
{
    struct extract_ahead *a = context;
    const struct journal_reader *r = a->reader;
    bool fits = true;
    for (uint32_t i = a->at, k = 0; fits && i < a->end; i++, k++) {
        struct journal_segment_header header, next;
        wait_on(&a->free);
        if (atomic_load(&a->stop))
            break;
        const uint32_t slot = k % EXTRACTS_AHEAD;
        const char *why = "";
        fits = journal_segment_header_of(r, r->segments[i], &header) &&
               journal_segment_header_of(r, r->segments[i + 1], &next) &&
               extract_load(&a->slots[slot].extract, r->directory, &header, &next, &why);
        a->slots[slot].why = why;
        a->slots[slot].fits = fits;
        sem_post(&a->full);
    }
    return NULL;
}

bool extract_ahead_start(struct extract_ahead *a, const struct journal_reader *reader,
                         uint32_t from)
{
    *a = (struct extract_ahead){
        .reader = reader, .at = from, .end = reader->segment_count ? reader->segment_count - 1 : 0};
    sem_init(&a->free, 0, EXTRACTS_AHEAD);
    sem_init(&a->full, 0, 0);
    a->started = pthread_create(&a->thread, NULL, work, a) == 0;
    return a->started;
}

struct extract *extract_ahead_take(struct extract_ahead *a, const char **why)
{
    *why = "";
    if (!a->started || a->at + a->taken >= a->end)
        return NULL;
    if (a->holds)
        sem_post(&a->free);
    wait_on(&a->full);
    const uint32_t slot = a->taken++ % EXTRACTS_AHEAD;
    a->holds = true;
    *why = a->slots[slot].why;
    if (!a->slots[slot].fits)
        a->taken = a->end - a->at; // the thread has ended
    return a->slots[slot].fits ? &a->slots[slot].extract : NULL;
}

void extract_ahead_stop(struct extract_ahead *a)
{
    if (a->started) {
        atomic_store(&a->stop, true);
        sem_post(&a->free);
        pthread_join(a->thread, NULL);
    }
    sem_destroy(&a->free);
    sem_destroy(&a->full);
    for (uint32_t i = 0; i < EXTRACTS_AHEAD; i++)
        extract_free(&a->slots[i].extract);
    a->started = false;
}
