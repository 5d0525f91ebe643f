// Blocks through a thread that calls pwritev2 and fdatasync: where io_uring is refused, as in a
// container under the usual seccomp profile.
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/journal/disk.h"

struct request {
    uint32_t slot;
    uint32_t len;
    uint64_t offset;
};

// Both queues hold every slot at most once.
struct thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    struct request requests[DISK_SLOTS];
    struct disk_done done[DISK_SLOTS];
    uint32_t request_first, request_count;
    uint32_t done_count;
    bool stop;
};

static int block_write(const struct disk *d, const struct request *q)
{
    uint32_t at = 0;
    while (at < q->len) {
        const struct iovec v = {.iov_base = disk_slot(d, q->slot) + at, .iov_len = q->len - at};
        const ssize_t n = pwritev2(d->fd, &v, 1, (off_t)(q->offset + at), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        at += (uint32_t)n;
        at -= at < q->len ? at % d->align : 0; // what is direct stays aligned
    }
    return d->cached || fdatasync(d->fd) == 0 ? 0 : EIO;
}

static void *work(void *context)
{
    struct disk *d = context;
    struct thread *t = d->engine;
    pthread_mutex_lock(&t->lock);
    for (;;) {
        while (t->request_count == 0 && !t->stop)
            pthread_cond_wait(&t->asked, &t->lock);
        if (t->request_count == 0)
            break;
        const struct request q = t->requests[t->request_first];
        t->request_first = (t->request_first + 1) % DISK_SLOTS;
        t->request_count--;
        pthread_mutex_unlock(&t->lock);
        const int error = block_write(d, &q);
        pthread_mutex_lock(&t->lock);
        t->done[t->done_count++] = (struct disk_done){.slot = q.slot, .error = error};
        pthread_cond_signal(&t->answered);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void thread_submit(struct disk *d, uint32_t slot, uint32_t len, uint64_t offset)
{
    struct thread *t = d->engine;
    pthread_mutex_lock(&t->lock);
    t->requests[(t->request_first + t->request_count++) % DISK_SLOTS] =
        (struct request){.slot = slot, .len = len, .offset = offset};
    pthread_cond_signal(&t->asked);
    pthread_mutex_unlock(&t->lock);
}

static uint32_t thread_reap(struct disk *d, struct disk_done *done, uint32_t max, uint32_t wait_us)
{
    struct thread *t = d->engine;
    struct timespec end;
    uint32_t count = 0;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += wait_us / 1000000;
    end.tv_nsec += wait_us % 1000000 * 1000L;
    if (end.tv_nsec >= 1000000000L) {
        end.tv_nsec -= 1000000000L;
        end.tv_sec++;
    }
    pthread_mutex_lock(&t->lock);
    while (wait_us && t->done_count == 0 &&
           pthread_cond_timedwait(&t->answered, &t->lock, &end) == 0)
        continue;
    while (count < max && t->done_count)
        done[count++] = t->done[--t->done_count];
    pthread_mutex_unlock(&t->lock);
    return count;
}

static void thread_close(struct disk *d)
{
    struct thread *t = d->engine;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->asked);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->asked);
    pthread_cond_destroy(&t->answered);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool disk_thread_open(struct disk *d)
{
    static const struct disk_ops ops = {.name = "pwritev2 and fdatasync",
                                        .segment = disk_segment_make,
                                        .submit = thread_submit,
                                        .reap = thread_reap,
                                        .close = thread_close};
    struct thread *t = calloc(1, sizeof *t);
    if (t == NULL)
        return false;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->asked, NULL);
    pthread_cond_init(&t->answered, NULL);
    d->engine = t;
    const int failed = pthread_create(&t->thread, NULL, work, d);
    if (failed) {
        free(t);
        errno = failed;
        return false;
    }
    d->ops = &ops;
    return true;
}
