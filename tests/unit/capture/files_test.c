// Records of lanes into files and out again: the same, in order, once; over several files; with
// what is missing told.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "controlplane/capture/files.h"
#include "controlplane/capture/reader.h"
#include "dataplane/base/clock.h"

enum { STREAM = 4 << 20 };

struct world {
    char directory[64];
    struct capture_files files;
    uint8_t *stream[2];
    uint64_t len[2];
};

// The file system as far as captures ask: of 1 GiB, with room for so many files of the smallest
// size beyond what stays free for others. 0: as it is.
static uint32_t disk_files;
static uint64_t disk_others; // bytes of it that others have taken

int statvfs(const char *path, struct statvfs *fs)
{
    enum { BLOCKS = 1 << 30 };
    uint64_t files[64];
    *fs = (struct statvfs){.f_frsize = 1, .f_blocks = BLOCKS, .f_bavail = BLOCKS};
    if (disk_files == 0)
        return 0;
    const size_t there = capture_file_list(path, files, 64);
    assert_true(there <= disk_files);
    fs->f_bavail =
        BLOCKS / CAPTURE_SPARE_PART + (disk_files - there) * CAPTURE_FILE_MIN - disk_others;
    return 0;
}

static void record(uint8_t *stream, uint64_t *len, struct capture_record r, const void *payload,
                   uint32_t payload_len)
{
    r.units = (uint16_t)capture_units(payload_len);
    memset(stream + *len, 0, r.units * (size_t)CAPTURE_UNIT);
    memcpy(stream + *len, &r, sizeof r);
    if (payload_len)
        memcpy(stream + *len + sizeof r, payload, payload_len);
    *len += r.units * (uint64_t)CAPTURE_UNIT;
}

// Turns with a frame in and one out; lengths and bytes by their number.
static void turns(uint8_t *stream, uint64_t *len, uint32_t count)
{
    uint8_t payload[sizeof(struct capture_frame) + 1600];
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t now = 1000000 + i * UINT64_C(1000), number = i;
        struct capture_frame f = {.number = i, .place = 1, .len = 60 + i * 7 % 1400};
        record(stream, len, (struct capture_record){.kind = CAPTURE_TURN, .value = i}, &now, 8);
        record(stream, len, (struct capture_record){.kind = CAPTURE_BURST, .value = 1}, &number, 8);
        memcpy(payload, &f, sizeof f);
        memset(payload + sizeof f, (int)i, f.len);
        record(stream, len, (struct capture_record){.kind = CAPTURE_FRAME_IN, .value = f.len},
               payload, (uint32_t)sizeof f + f.len);
        record(stream, len, (struct capture_record){.kind = CAPTURE_CLOCK, .value = 5}, NULL, 0);
        f.len = 61;
        memcpy(payload, &f, sizeof f);
        record(stream, len, (struct capture_record){.kind = CAPTURE_FRAME_OUT, .value = 61},
               payload, (uint32_t)sizeof f + 61);
    }
}

static int setup(void **state)
{
    static struct world w;
    const struct capture_config config = {
        .directory = w.directory, .file_bytes = CAPTURE_FILE_MIN, .engine = DISK_THREAD};
    struct error err = {0};
    memset(&w, 0, sizeof w);
    snprintf(w.directory, sizeof w.directory, "/tmp/tickgate-capture-XXXXXX");
    assert_non_null(mkdtemp(w.directory));
    assert_true(capture_files_open(&w.files, &config, &err));
    for (int lane = 0; lane < 2; lane++)
        w.stream[lane] = malloc(STREAM);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char command[128];
    free(w->stream[0]);
    free(w->stream[1]);
    snprintf(command, sizeof command, "rm -rf %s", w->directory);
    return system(command);
}

static void begin(struct world *w, uint64_t epoch)
{
    static const char lanes[2][NAME_LEN] = {"l0", "l1"}, ports[1][NAME_LEN] = {"p0"};
    const struct capture_instance instance = {
        .lanes = 2, .ports = 1, .epoch = epoch, .clock = {.tsc_hz = 1000000000}};
    assert_true(capture_files_begin(&w->files, &instance, lanes, ports));
}

// Bytes [from, to) of a lane's stream.
static uint64_t write_part(struct world *w, uint32_t lane, uint64_t from, uint64_t to)
{
    bool damaged = false;
    while (from < to) {
        struct capture_piece piece = {.lane = lane, .position = from};
        piece.bytes = w->stream[lane] + from;
        piece.len = (uint32_t)(to - from < CAPTURE_PIECE_MAX ? to - from : CAPTURE_PIECE_MAX);
        if (capture_files_full(&w->files))
            begin(w, w->files.instance.epoch);
        const uint32_t taken = capture_files_take(&w->files, &piece, clock_mono_ns(), &damaged);
        assert_false(damaged);
        capture_files_turn(&w->files, clock_mono_ns(), 1000);
        if (taken == 0 && piece.len < 2000)
            break; // the rest is no whole record
        from += taken;
    }
    return from;
}

// Reads everything back; the streams of both lanes, built again. Returns the holes.
static uint64_t read_back(struct world *w, uint8_t *again[2], uint64_t len[2])
{
    struct capture_reader r;
    struct capture_item item;
    struct error err = {0};
    uint8_t payload[CAPTURE_RECORD_MAX];
    assert_true(capture_reader_open(&r, w->directory, &err));
    len[0] = len[1] = 0;
    while (capture_reader_next(&r, &item, &err) && item.kind != CAPTURE_ITEM_END) {
        if (item.kind != CAPTURE_ITEM_RECORD)
            continue;
        const struct capture_parsed *p = &item.record;
        uint32_t n = p->len - CAPTURE_UNIT;
        memcpy(payload, p->payload, n);
        if (capture_is_frame(p)) {
            memcpy(payload + n, item.data, p->data_len);
            n += p->data_len;
        }
        assert_true(len[item.lane] + n + CAPTURE_UNIT < STREAM);
        record(again[item.lane], &len[item.lane], p->header, payload, n);
    }
    assert_int_equal(err.code, EXIT_OK);
    const uint64_t holes = r.holes;
    capture_reader_close(&r);
    return holes;
}

// Of both lanes, without a hole.
static void the_same_again(struct world *w)
{
    uint8_t *again[2] = {malloc(STREAM), malloc(STREAM)};
    uint64_t len[2];
    assert_int_equal(read_back(w, again, len), 0);
    for (int lane = 0; lane < 2; lane++) {
        assert_int_equal(len[lane], w->len[lane]);
        assert_memory_equal(again[lane], w->stream[lane], len[lane]);
        free(again[lane]);
    }
}

static void test_same_again(void **state)
{
    struct world *w = *state;
    turns(w->stream[0], &w->len[0], 3000);
    turns(w->stream[1], &w->len[1], 2000);
    begin(w, 7);
    for (uint64_t at[2] = {0}; at[0] < w->len[0] || at[1] < w->len[1];)
        for (uint32_t lane = 0; lane < 2; lane++) {
            const uint64_t to = at[lane] + 100008 < w->len[lane] ? at[lane] + 100008 : w->len[lane];
            at[lane] = write_part(w, lane, at[lane], to);
        }
    capture_files_close(&w->files);
    assert_int_equal(w->files.error, 0);
    the_same_again(w);
}

// What a writer that died had not been able to say is written is written again.
static void test_twice(void **state)
{
    struct world *w = *state;
    turns(w->stream[0], &w->len[0], 1000);
    begin(w, 7);
    const uint64_t some = write_part(w, 0, 0, 300000);
    const uint64_t more = write_part(w, 0, some, 500000);
    begin(w, 7);
    write_part(w, 0, some, w->len[0]);
    assert_true(more > some);
    capture_files_close(&w->files);
    the_same_again(w);
}

static void test_hole(void **state)
{
    struct world *w = *state;
    uint8_t *again[2] = {malloc(STREAM), malloc(STREAM)};
    uint64_t len[2];
    turns(w->stream[0], &w->len[0], 1000);
    begin(w, 7);
    const uint64_t some = write_part(w, 0, 0, 300000);
    const struct capture_record *next = (const void *)(w->stream[0] + some);
    write_part(w, 0, some + next->units * (uint64_t)CAPTURE_UNIT, w->len[0]); // one record less
    capture_files_close(&w->files);
    assert_int_equal(read_back(w, again, len), 1);
    free(again[0]);
    free(again[1]);
}

// A file that was cut anywhere is read up to there, and what was preallocated is taken off it.
static void test_cut(void **state)
{
    struct world *w = *state;
    const struct capture_config config = {
        .directory = w->directory, .file_bytes = CAPTURE_FILE_MIN, .engine = DISK_THREAD};
    char path[CAPTURE_PATH_MAX];
    struct error err = {0};
    struct stat status;
    turns(w->stream[0], &w->len[0], 20);
    begin(w, 7);
    write_part(w, 0, 0, w->len[0]);
    capture_files_close(&w->files);
    assert_true(capture_file_path(w->directory, 1, path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *bytes = malloc(1 << 20);
    const uint64_t len = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    assert_int_equal(capture_bytes_whole(bytes, len), len);
    for (uint64_t cut = 0; cut < len; cut++) {
        struct capture_bytes b;
        struct capture_item item;
        uint32_t records = 0;
        uint8_t *part = malloc(cut ? cut : 1); // exactly: a reader past its end is found
        memcpy(part, bytes, cut);
        capture_bytes_open(&b, part, cut);
        for (capture_bytes_next(&b, &item);
             item.kind == CAPTURE_ITEM_RECORD || item.kind == CAPTURE_ITEM_INSTANCE;
             capture_bytes_next(&b, &item))
            records++;
        assert_true(records <= 101);
        assert_true(capture_bytes_whole(part, cut) <= cut);
        free(part);
    }
    free(bytes);
    assert_int_equal(truncate(path, (off_t)len + 100000), 0);
    assert_true(capture_files_open(&w->files, &config, &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, len);
    begin(w, 8);
    assert_int_equal(w->files.instance.file, 2);
    capture_files_close(&w->files);
}

// The file that is written is finished while somebody reads it, and what was preallocated goes from
// under the reader.
static void test_cut_while_it_is_read(void **state)
{
    enum { PAGE = 4096 };
    struct world *w = *state;
    struct capture_reader r;
    struct capture_item item;
    struct error err = {0};
    uint64_t at = 0, len = 0;
    turns(w->stream[0], &w->len[0], 2000);
    begin(w, 7);
    do { // to where a page ends
        at = write_part(w, 0, at, at + 5000);
        for (bool left = false; !left; left = w->files.used == 0 && w->files.on_their_way == 0)
            capture_files_turn(&w->files, UINT64_MAX, 1000);
    } while (w->files.offset % PAGE);
    assert_true(at < w->len[0]);
    assert_true(capture_reader_open(&r, w->directory, &err));
    assert_true(capture_reader_next(&r, &item, &err));
    assert_int_equal(item.kind, CAPTURE_ITEM_INSTANCE);
    capture_files_close(&w->files);
    while (capture_reader_next(&r, &item, &err) && item.kind != CAPTURE_ITEM_END)
        len = item.behind;
    assert_int_equal(err.code, EXIT_OK);
    assert_int_equal(r.holes, 0);
    assert_int_equal(len, at);
    capture_reader_close(&r);
}

// The last of the file is on its way while somebody comes to read it.
enum { ON_ITS_WAY = 3000 };
static int written_file;
static uint64_t written_len;
static uint8_t written_rest[ON_ITS_WAY];

static void *rest_write(void *context)
{
    (void)context;
    usleep(50000);
    assert_int_equal(
        pwrite(written_file, written_rest, ON_ITS_WAY, (off_t)written_len - ON_ITS_WAY),
        ON_ITS_WAY);
    return NULL;
}

static void test_read_while_it_is_written(void **state)
{
    static const uint8_t zeros[ON_ITS_WAY];
    struct world *w = *state;
    char path[CAPTURE_PATH_MAX];
    pthread_t writer;
    turns(w->stream[0], &w->len[0], 100);
    begin(w, 7);
    write_part(w, 0, 0, w->len[0]);
    capture_files_close(&w->files);
    assert_true(capture_file_path(w->directory, 1, path));
    written_file = open(path, O_RDWR);
    assert_true(written_file >= 0);
    written_len = (uint64_t)lseek(written_file, 0, SEEK_END);
    const off_t at = (off_t)written_len - ON_ITS_WAY;
    assert_int_equal(pread(written_file, written_rest, ON_ITS_WAY, at), ON_ITS_WAY);
    assert_int_equal(pwrite(written_file, zeros, ON_ITS_WAY, at), ON_ITS_WAY);
    assert_int_equal(pthread_create(&writer, NULL, rest_write, NULL), 0);
    the_same_again(w);
    pthread_join(writer, NULL);
    // Whoever wrote it has died: it stays as it is, and something is missing.
    assert_int_equal(pwrite(written_file, zeros, ON_ITS_WAY, at), ON_ITS_WAY);
    uint8_t *again[2] = {malloc(STREAM), malloc(STREAM)};
    uint64_t len[2];
    assert_int_equal(read_back(w, again, len), 1);
    free(again[0]);
    free(again[1]);
    close(written_file);
}

// Files beyond the limit go, the oldest first; what is left is the end of the capture, without a
// hole.
static void test_retention(void **state)
{
    struct world *w = *state;
    uint8_t *again[2] = {malloc(STREAM), malloc(STREAM)};
    uint64_t len[2], files[64];
    turns(w->stream[0], &w->len[0], 3000);
    w->files.config.keep_bytes = 2ull * CAPTURE_FILE_MIN;
    begin(w, 7);
    for (uint32_t i = 0; i < 4; i++) // the same again is another instance's
        for (begin(w, 8 + i); write_part(w, 0, 0, w->len[0]) < w->len[0];)
            fail();
    const size_t count = capture_file_list(w->directory, files, 64);
    assert_in_range(count, 2, 63);
    assert_true(files[0] > 1);
    assert_int_equal(files[count - 1], w->files.instance.file);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(files[i], files[i - 1] + 1);
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        char path[CAPTURE_PATH_MAX];
        struct stat status;
        assert_true(capture_file_path(w->directory, files[i], path));
        assert_int_equal(stat(path, &status), 0);
        bytes += (uint64_t)status.st_blocks * 512;
    }
    assert_true(bytes <= w->files.config.keep_bytes);
    w->files.config.keep_bytes = 1; // what is written stays all the same
    begin(w, 12);
    assert_int_equal(capture_file_list(w->directory, files, 64), 1);
    assert_int_equal(files[0], w->files.instance.file);
    write_part(w, 0, 0, w->len[0]);
    capture_files_close(&w->files);
    assert_int_equal(read_back(w, again, len), 0);
    assert_true(len[0] > 0 && len[0] <= w->len[0]);
    assert_memory_equal(again[0], w->stream[0] + w->len[0] - len[0], len[0]);
    free(again[0]);
    free(again[1]);
}

// Where the disk is nearly full the oldest files go before their time, and if none may go no file
// is begun: the journal has its room.
static void test_room_for_others(void **state)
{
    struct world *w = *state;
    uint64_t files[64];
    disk_files = 3;
    w->files.config.keep_bytes = 64ull * CAPTURE_FILE_MIN;
    for (uint64_t i = 0; i < 6; i++)
        begin(w, 7 + i);
    assert_int_equal(capture_file_list(w->directory, files, 64), 3);
    assert_int_equal(files[0], 4);
    assert_int_equal(w->files.instance.file, 6);
    w->files.config.keep_bytes = 0; // all of them stay
    const struct capture_instance next = {.lanes = 2, .ports = 1, .epoch = 13};
    assert_false(capture_files_begin(&w->files, &next, NULL, NULL));
    assert_int_equal(w->files.error, ENOSPC);
    assert_int_equal(capture_file_list(w->directory, files, 64), 3);
    capture_files_close(&w->files);
    disk_files = 0;
}

// The same while a file goes on: others take what is left, and no new file begins.
static void test_room_while_a_file_goes_on(void **state)
{
    struct world *w = *state;
    uint64_t files[64], now_ns = 1;
    disk_files = 4;
    turns(w->stream[0], &w->len[0], 100);
    w->files.config.keep_bytes = 64ull * CAPTURE_FILE_MIN;
    for (uint64_t i = 0; i < 4; i++)
        begin(w, 7 + i);
    const struct {
        uint64_t others;
        size_t count;
        uint64_t first;
    } steps[] = {{0, 4, 1}, {1, 3, 2}, {CAPTURE_FILE_MIN, 3, 2}, {CAPTURE_FILE_MIN + 1, 2, 3}};
    for (uint32_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        disk_others = steps[i].others;
        capture_files_look(&w->files, now_ns += CAPTURE_LOOK_MS * UINT64_C(1000000));
        assert_int_equal(capture_file_list(w->directory, files, 64), steps[i].count);
        assert_int_equal(files[0], steps[i].first);
        assert_int_equal(w->files.error, 0);
    }
    write_part(w, 0, 0, w->len[0]);
    w->files.config.keep_bytes = CAPTURE_FILE_MIN;
    capture_files_look(&w->files, now_ns + 1); // not so soon
    assert_int_equal(capture_file_list(w->directory, files, 64), 2);
    capture_files_look(&w->files, now_ns += CAPTURE_LOOK_MS * UINT64_C(1000000));
    assert_int_equal(capture_file_list(w->directory, files, 64), 1);
    assert_int_equal(files[0], w->files.instance.file);
    // What is written stays, and ends; without it there is nobody to stop.
    disk_others = 3 * CAPTURE_FILE_MIN + 1;
    capture_files_look(&w->files, now_ns += CAPTURE_LOOK_MS * UINT64_C(1000000));
    assert_int_equal(w->files.error, ENOSPC);
    assert_int_equal(capture_file_list(w->directory, files, 64), 1);
    capture_files_abandon(&w->files);
    w->files.error = 0;
    capture_files_look(&w->files, now_ns + CAPTURE_LOOK_MS * UINT64_C(1000000));
    assert_int_equal(w->files.error, 0);
    assert_int_equal(capture_file_list(w->directory, files, 64), 0); // no file: old ones go
    disk_files = 0;
    disk_others = 0;
}

// Blocks come back in any order, and the first of them fails: nothing behind it counts as written.
static const struct disk_ops *disk_below;
static struct disk_done kept[DISK_SLOTS];
static uint32_t kept_count;

static uint32_t reap_backwards(struct disk *d, struct disk_done *done, uint32_t max,
                               uint32_t wait_us)
{
    kept_count += disk_below->reap(d, kept + kept_count, DISK_SLOTS - kept_count, wait_us);
    if (kept_count < 2 || max == 0)
        return 0; // the first one is kept back until others are there
    *done = kept[--kept_count];
    return 1;
}

static void test_out_of_order(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    const struct capture_config config = w->files.config;
    turns(w->stream[0], &w->len[0], 1000);
    begin(w, 7);
    struct disk_ops ops = *(disk_below = w->files.disk.ops);
    ops.reap = reap_backwards;
    w->files.disk.ops = &ops;
    kept_count = 0;
    uint64_t at = 0;
    for (uint32_t block = 1; block < 4; block++) {
        at = write_part(w, 0, at, block * UINT64_C(100000));
        capture_files_turn(&w->files, UINT64_MAX, 1000); // the block leaves
    }
    while (w->files.on_their_way > 1)
        capture_files_turn(&w->files, UINT64_MAX, 1000);
    assert_int_equal(w->files.written.at[0], 0);
    assert_int_equal(kept_count, 1);
    assert_int_equal(w->files.error, 0);
    ops.reap = disk_below->reap;
    w->files.error = EIO; // of the one that is left
    w->files.on_their_way = 0;
    capture_files_abandon(&w->files);
    w->files.error = 0;
    assert_true(capture_files_open(&w->files, &config, &err));
    begin(w, 7);
    assert_int_equal(write_part(w, 0, w->files.written.at[0], w->len[0]), w->len[0]);
    capture_files_close(&w->files);
    the_same_again(w);
}

// What was not in a file when an error came is taken again: nothing is missing, nothing twice.
static void test_goes_on_after_an_error(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    const struct capture_config config = w->files.config;
    turns(w->stream[0], &w->len[0], 1000);
    begin(w, 7);
    const uint64_t half = write_part(w, 0, 0, w->len[0] / 2);
    while (w->files.written.at[0] < half / 2)
        capture_files_turn(&w->files, UINT64_MAX, 1000);
    w->files.error = EIO;
    capture_files_abandon(&w->files);
    const uint64_t from = w->files.written.at[0];
    w->files.error = 0;
    assert_true(capture_files_open(&w->files, &config, &err));
    assert_int_equal(w->files.written.at[0], from);
    begin(w, 7);
    assert_int_equal(write_part(w, 0, from, w->len[0]), w->len[0]);
    capture_files_close(&w->files);
    the_same_again(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_while_it_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_while_it_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_for_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_while_a_file_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_on_after_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
