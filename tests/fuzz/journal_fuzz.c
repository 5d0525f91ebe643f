// A journal's directory that anybody may have written to. Input: a byte that chooses, then either
// the bytes of a segment, or changes of a good one: two bytes of offset and one to write there. The
// checksums of the headers are made right again on request, so that what stands behind them is met.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/journal/block.h"
#include "controlplane/journal/reader.h"

enum { LEN = 8192, RECORDS = 12, BLOCKS = 3 };

static char directory[64];
static uint8_t good[LEN];

static void good_make(void)
{
    struct journal_segment_header h = {
        .version = JOURNAL_VERSION, .align = JOURNAL_ALIGN_MIN, .segment = 1, .first_record = 1};
    struct block_place place = {.segment = 1};
    uint64_t number = 1, at = JOURNAL_ALIGN_MIN;
    segment_header_close(&h);
    memcpy(good, &h, sizeof h);
    sha256(&h, sizeof h, place.previous);
    for (uint32_t b = 0; b < BLOCKS; b++) {
        struct block block;
        block_begin(&block, good + at, (uint32_t)(LEN - at), number);
        for (uint32_t i = 0; i < RECORDS / BLOCKS; i++)
            block_add(&block, JOURNAL_EVENT, 0, "event", 5);
        at += block_close(&block, &place, h.align, 1, 0, place.previous);
        number += block.records;
        place.committed = number - 1;
        place.block++;
    }
}

static void directory_remove(void)
{
    char path[JOURNAL_PATH_MAX];
    if (journal_segment_path(directory, 1, path))
        unlink(path);
    rmdir(directory);
}

static void setup(void)
{
    snprintf(directory, sizeof directory, "/dev/shm/journal-fuzz-%d", (int)getpid());
    if (mkdir(directory, 0700) != 0 && access(directory, W_OK) != 0)
        abort();
    atexit(directory_remove);
    good_make();
}

static void checksums_mend(uint8_t *p)
{
    struct journal_segment_header h;
    memcpy(&h, p, sizeof h);
    segment_header_close(&h);
    memcpy(p, &h, sizeof h);
    for (uint32_t at = JOURNAL_ALIGN_MIN; at < LEN; at += JOURNAL_ALIGN_MIN) {
        const uint32_t crc = crc32c(p + at + 8, sizeof(struct journal_block_header) - 8);
        if (memcmp(p + at, "TGJB", 4) == 0)
            memcpy(p + at + 4, &crc, sizeof crc);
    }
}

static void segment_write(const uint8_t *p, size_t len)
{
    char path[JOURNAL_PATH_MAX];
    if (!journal_segment_path(directory, 1, path))
        abort();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, p, len) != (ssize_t)len)
        abort();
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    static struct journal_reader r;
    const struct journal_record *record;
    uint64_t last = 0, count = 0;
    uint8_t changed[LEN];
    char text[256];
    if (*directory == 0)
        setup();
    if (size == 0)
        return 0;
    memcpy(changed, good, sizeof changed);
    for (size_t at = 1; data[0] & 1 && at + 3 <= size; at += 3)
        changed[((uint32_t)data[at] << 8 | data[at + 1]) % LEN] = data[at + 2];
    if (data[0] & 2)
        checksums_mend(changed);
    if (data[0] & 1)
        segment_write(changed, LEN);
    else
        segment_write(data + 1, size - 1);
    if (!journal_reader_open(&r, directory, 0, &err))
        abort();
    while ((record = journal_reader_next(&r, &err)) != NULL) {
        if (record->number <= last || record->len < sizeof *record)
            abort();
        last = record->number;
        count++;
    }
    if (err.code != EXIT_OK)
        abort(); // the disk is sound
    for (uint32_t i = 0; i < r.finding_count; i++)
        journal_finding_text(&r.findings[i], text, sizeof text);
    if (data[0] & 1 && count < RECORDS && r.finding_count == 0 && memcmp(changed, good, LEN) != 0 &&
        r.blocks == BLOCKS)
        abort(); // records are gone, and nothing was said
    journal_reader_close(&r);
    return 0;
}
