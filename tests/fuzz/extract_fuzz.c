// An extract of a segment that anybody may have written. Input: a byte that chooses, then what
// stands behind the header, whose hash and checksum fit, or a whole file.
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/journal/extract.h"

enum { LEN_MAX = 1 << 16 };

static char directory[64];
static struct extract extract;

static void directory_remove(void)
{
    char path[EXTRACT_PATH_MAX];
    if (extract_path(directory, 1, path))
        unlink(path);
    rmdir(directory);
    extract_free(&extract);
}

static void setup(void)
{
    snprintf(directory, sizeof directory, "/dev/shm/extract-fuzz-%d", (int)getpid());
    if (mkdir(directory, 0700) != 0 && access(directory, W_OK) != 0)
        abort();
    atexit(directory_remove);
}

static void file_write(const void *head, size_t head_len, const void *body, size_t len)
{
    char path[EXTRACT_PATH_MAX];
    if (!extract_path(directory, 1, path))
        abort();
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, head, head_len) != (ssize_t)head_len ||
        write(fd, body, len) != (ssize_t)len)
        abort();
    close(fd);
}

// What a start does with it: every byte that it is given is looked at.
static void read_all(void)
{
    uint8_t sum = 0;
    for (;;)
        switch (extract_next(&extract)) {
        case EXTRACT_EVENT:
            if (extract.event->type >= EVENT_TYPES)
                abort();
            for (size_t i = 0; i < sizeof *extract.event; i++)
                sum ^= ((const uint8_t *)extract.event)[i];
            break;
        case EXTRACT_RECORD:
            if ((uintptr_t)extract.record % 8 || extract.record_len > JOURNAL_PAYLOAD_MAX)
                abort();
            for (uint32_t i = 0; i < extract.record_len; i++)
                sum ^= ((const uint8_t *)extract.record)[i];
            break;
        case EXTRACT_RUN: sum ^= (uint8_t)extract.run.last[0]; break;
        case EXTRACT_OVER:
        case EXTRACT_BAD: (void)*(volatile uint8_t *)&sum; return;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct journal_segment_header segment = {.segment = 1, .first_record = 1};
    const struct journal_segment_header next = {.segment = 2, .first_record = 9};
    static struct extract_maker m;
    const char *why = "";
    if (directory[0] == 0)
        setup();
    if (len < 1 || len > LEN_MAX)
        return 0;
    if (data[0] & 1) {
        file_write(data + 1, len - 1, NULL, 0);
    } else {
        extract_begin(&m, &segment); // a header as this program makes it
        struct extract_header h = m.header;
        h.next_record = next.first_record;
        h.len = len - 1;
        sha256(data + 1, len - 1, h.hash);
        h.crc = crc32c(&h.version, sizeof h - offsetof(struct extract_header, version));
        file_write(&h, sizeof h, data + 1, len - 1);
    }
    if (extract_load(&extract, directory, &segment, &next, &why))
        read_all();
    else if ((data[0] & 1) == 0)
        abort(); // it fits
    return 0;
}
