#include "controlplane/capture/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "controlplane/capture/pcapng.h"
#include "controlplane/capture/reader.h"
#include "controlplane/capture/records.h"
#include "dataplane/base/log.h"

enum {
    FILES_MAX = 1 << 16,
    // What a piece becomes at most: every byte once, the shortest frames' overhead, and the end of
    // the block it stands in.
    PIECE_FRAMES_MAX = CAPTURE_PIECE_MAX / (CAPTURE_UNIT + sizeof(struct capture_frame)),
    PIECE_OUT_MAX = CAPTURE_PIECE_MAX + PIECE_FRAMES_MAX * PCAPNG_PACKET_OVERHEAD + 1024,
    SLOT_ROOM = JOURNAL_BLOCK_MAX - JOURNAL_ALIGN_MAX - 2 * PCAPNG_BLOCK_BYTES,
};
_Static_assert((uint64_t)PIECE_OUT_MAX < (uint64_t)SLOT_ROOM / 2,
               "a piece fits into a block that names lanes and ports");
_Static_assert(LANES_MAX *PORTS_MAX *(44 + 2 * NAME_LEN) < SLOT_ROOM / 2, "and they do");

// --- names ---

bool capture_file_path(const char *directory, uint64_t file, char out[CAPTURE_PATH_MAX])
{
    return snprintf(out, CAPTURE_PATH_MAX, "%s/%016" PRIu64 CAPTURE_SUFFIX, directory, file) <
           CAPTURE_PATH_MAX;
}

static uint64_t number_of(const char *name)
{
    char *end;
    const uint64_t number = strtoull(name, &end, 10);
    return end == name + 16 && strcmp(end, CAPTURE_SUFFIX) == 0 ? number : 0;
}

static int is_file(const struct dirent *e)
{
    return number_of(e->d_name) != 0;
}

size_t capture_file_list(const char *directory, uint64_t *files, size_t max)
{
    struct dirent **names;
    const int count = scandir(directory, &names, is_file, alphasort); // as by number
    if (count < 0)
        return SIZE_MAX;
    for (size_t i = 0; i < (size_t)count; i++) {
        if (i < max)
            files[i] = number_of(names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return (size_t)count < max ? (size_t)count : max;
}

// --- opening ---

// What a writer that was killed has preallocated and not written is taken off, so that every reader
// of pcapng takes the file.
static void last_cut(const char *directory, uint64_t file)
{
    char path[CAPTURE_PATH_MAX];
    struct stat status;
    if (!capture_file_path(directory, file, path))
        return;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        const uint64_t len = (uint64_t)status.st_size;
        void *bytes = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
        const uint64_t whole = bytes == MAP_FAILED ? len : capture_bytes_whole(bytes, len);
        if (bytes != MAP_FAILED)
            munmap(bytes, len);
        if (whole < len && ftruncate(fd, (off_t)whole) != 0)
            log_warn(LOG_CAPTURE_FILE,
                     LOG_FIELDS(LOG_TEXT("path", path), LOG_TEXT("cause", strerror(errno))),
                     "%s: %s", path, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
}

bool capture_files_open(struct capture_files *f, const struct capture_config *config,
                        struct error *err)
{
    const struct capture_heads written = f->written; // before an error
    const uint64_t bytes = f->bytes;
    memset(f, 0, sizeof *f);
    f->config = *config;
    f->disk.fd = -1;
    f->bytes = bytes;
    f->written = f->taken = written;
    uint64_t *files = calloc(FILES_MAX, sizeof *files);
    if (files == NULL)
        return error_set(err, EXIT_FAILED, "%s: no memory", config->directory);
    if (mkdir(config->directory, 0750) != 0 && errno != EEXIST) {
        free(files);
        return error_set(err, EXIT_FAILED, "%s: %s", config->directory, strerror(errno));
    }
    const size_t count = capture_file_list(config->directory, files, FILES_MAX);
    if (count != SIZE_MAX && count > 0)
        f->instance.file = files[count - 1];
    if (f->instance.file)
        last_cut(config->directory, f->instance.file);
    free(files);
    if (count == SIZE_MAX)
        return error_set(err, EXIT_FAILED, "%s: %s", config->directory, strerror(errno));
    if (!disk_open(&f->disk, config->engine, config->directory, err))
        return false;
    f->disk.cached = true; // as the frames themselves: lost when the machine stops
    return true;
}

static uint8_t *fill(const struct capture_files *f)
{
    return disk_slot(&f->disk, f->filling) + f->used;
}

static void fail(struct capture_files *f, int error, const char *what)
{
    if (f->error)
        return;
    f->error = error;
    log_error(
        LOG_CAPTURE_STOPPED,
        LOG_FIELDS(LOG_TEXT("directory", f->config.directory), LOG_TEXT("cause", strerror(error))),
        "%s: %s: %s; nothing is captured, and it is tried again", f->config.directory, what,
        strerror(error));
}

// --- blocks to the disk ---

static void reap(struct capture_files *f, uint32_t wait_us)
{
    struct disk_done done[DISK_SLOTS];
    const uint32_t count =
        f->on_their_way ? f->disk.ops->reap(&f->disk, done, DISK_SLOTS, wait_us) : 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t slot = done[i].slot;
        f->busy[slot] = false;
        f->on_their_way--;
        if (done[i].error)
            fail(f, done[i].error, "a block was not written");
    }
    // They come back in any order: behind one that is not there yet nothing counts.
    for (; f->error == 0 && f->unsettled && !f->busy[f->oldest]; f->unsettled--) {
        f->written = f->heads[f->oldest];
        f->oldest = (f->oldest + 1) % DISK_SLOTS;
    }
}

static void reap_all(struct capture_files *f)
{
    while (f->on_their_way)
        reap(f, 100000);
}

static void leave(struct capture_files *f)
{
    const uint32_t align = f->disk.align;
    if (f->used == 0 || f->error)
        return;
    const uint32_t rest = f->used % align;
    if (rest) {
        uint32_t pad = align - rest;
        if (pad < PCAPNG_BLOCK_BYTES)
            pad += align;
        f->used += pcapng_padding(fill(f), pad);
    }
    f->busy[f->filling] = true;
    f->heads[f->filling] = f->taken;
    f->on_their_way++;
    f->unsettled++;
    f->disk.ops->submit(&f->disk, f->filling, f->used, f->offset);
    f->offset += f->used;
    f->bytes += f->used;
    f->filling = (f->filling + 1) % DISK_SLOTS;
    f->used = 0;
}

// The slot that fills is free.
static bool slot_there(struct capture_files *f)
{
    if (f->busy[f->filling])
        reap(f, 0);
    return !f->busy[f->filling];
}

// --- files ---

static void file_remove(const char *path)
{
    if (unlink(path) != 0)
        log_warn(LOG_CAPTURE_RETAIN,
                 LOG_FIELDS(LOG_TEXT("path", path), LOG_TEXT("cause", strerror(errno))),
                 "%s: %s; it stays", path, strerror(errno));
}

static void retain(const struct capture_files *f)
{
    char path[CAPTURE_PATH_MAX];
    struct stat status;
    uint64_t *files = f->config.keep_bytes ? calloc(FILES_MAX, sizeof *files) : NULL, bytes = 0;
    const size_t count = files ? capture_file_list(f->config.directory, files, FILES_MAX) : 0;
    for (size_t i = count == SIZE_MAX ? 0 : count; i-- > 0;) {
        if (!capture_file_path(f->config.directory, files[i], path) || stat(path, &status) != 0)
            continue;
        bytes += (uint64_t)status.st_blocks * 512;
        if (bytes > f->config.keep_bytes && files[i] < f->instance.file)
            file_remove(path);
    }
    free(files);
}

// So many bytes more leave the journal its room.
static bool disk_has_room(const struct capture_files *f, uint64_t more)
{
    struct statvfs fs;
    if (statvfs(f->config.directory, &fs) != 0)
        return true; // the file says what is wrong
    const uint64_t part = fs.f_blocks * fs.f_frsize / CAPTURE_SPARE_PART;
    const uint64_t most = (uint64_t)CAPTURE_SPARE_GIB << 30;
    return fs.f_bavail * fs.f_frsize >= more + (part < most ? part : most);
}

static bool file_goes_on(const struct capture_files *f)
{
    return f->disk.slots && f->disk.fd >= 0;
}

// The oldest files go for it, where any may go; never the one that is written.
static bool room_make(const struct capture_files *f, uint64_t more)
{
    char path[CAPTURE_PATH_MAX];
    bool there = disk_has_room(f, more);
    uint64_t *files = there || f->config.keep_bytes == 0 ? NULL : calloc(FILES_MAX, sizeof *files);
    const size_t count = files ? capture_file_list(f->config.directory, files, FILES_MAX) : 0;
    for (size_t i = 0; count != SIZE_MAX && i < count && !there; i++) {
        if (file_goes_on(f) && files[i] == f->instance.file)
            continue;
        if (capture_file_path(f->config.directory, files[i], path))
            file_remove(path);
        there = disk_has_room(f, more);
    }
    free(files);
    return there;
}

void capture_files_look(struct capture_files *f, uint64_t now_ns)
{
    if (now_ns - f->looked_ns < CAPTURE_LOOK_MS * UINT64_C(1000000))
        return;
    f->looked_ns = now_ns;
    retain(f);
    if (!room_make(f, 0) && file_goes_on(f))
        fail(f, ENOSPC, "its file leaves others no room");
}

// What was preallocated and not used is given back.
static void cut(struct capture_files *f)
{
    reap_all(f);
    if (f->disk.fd >= 0 && ftruncate(f->disk.fd, (off_t)f->offset) != 0)
        log_warn(
            LOG_CAPTURE_FILE,
            LOG_FIELDS(LOG_TEXT("path", f->config.directory), LOG_TEXT("cause", strerror(errno))),
            "%s: %s", f->config.directory, strerror(errno));
}

static bool next_file(struct capture_files *f)
{
    char path[CAPTURE_PATH_MAX];
    uint8_t header[JOURNAL_ALIGN_MAX] __attribute__((aligned(JOURNAL_ALIGN_MAX)));
    leave(f);
    cut(f);
    f->instance.file++;
    const uint32_t len = pcapng_section(header);
    pcapng_padding(header + len, f->disk.align - len);
    if (!capture_file_path(f->config.directory, f->instance.file, path)) {
        fail(f, ENAMETOOLONG, "a file");
        return false;
    }
    const int failed = room_make(f, f->config.file_bytes)
                           ? f->disk.ops->segment(&f->disk, path, f->config.file_bytes, header)
                           : ENOSPC;
    if (failed) {
        fail(f, failed, path);
        return false;
    }
    f->offset = f->disk.align;
    retain(f);
    return true;
}

static void file_introduce(struct capture_files *f, const char (*lanes)[NAME_LEN],
                           const char (*ports)[NAME_LEN])
{
    char name[2 * NAME_LEN + 2];
    f->used += pcapng_block(fill(f), PCAPNG_INSTANCE, &f->instance, sizeof f->instance);
    for (uint32_t lane = 0; lane < f->instance.lanes; lane++)
        for (uint32_t port = 0; port < f->instance.ports; port++) {
            snprintf(name, sizeof name, "%.31s/%.31s", lanes[lane], ports[port]);
            f->used += pcapng_interface(fill(f), name);
        }
}

bool capture_files_begin(struct capture_files *f, const struct capture_instance *instance,
                         const char (*lanes)[NAME_LEN], const char (*ports)[NAME_LEN])
{
    const uint64_t file = f->instance.file;
    if (f->error)
        return false;
    f->instance = *instance;
    f->instance.version = CAPTURE_VERSION;
    f->instance.file = file;
    if (!next_file(f))
        return false;
    file_introduce(f, lanes, ports);
    return true;
}

bool capture_files_full(const struct capture_files *f)
{
    return f->offset + f->used + 2ull * JOURNAL_BLOCK_MAX > f->config.file_bytes;
}

// --- records ---

struct packing {
    struct capture_files *f;
    const struct capture_piece *piece;
    uint32_t records; // bytes
    uint32_t frames;
};

// Records without the bytes of frames. Returns how much of the piece they are.
static uint32_t records_pack(struct packing *k, uint8_t *out, bool *damaged)
{
    struct capture_parsed r;
    uint32_t at = 0;
    while (at < k->piece->len) {
        const enum capture_code code =
            capture_record_next(k->piece->bytes + at, k->piece->len - at, false, &r);
        *damaged = code == CAPTURE_CODE_BAD;
        if (code != CAPTURE_CODE_RECORD)
            break;
        const uint32_t keep =
            capture_is_frame(&r) ? CAPTURE_UNIT + (uint32_t)sizeof(struct capture_frame) : r.len;
        memcpy(out + k->records, k->piece->bytes + at, keep);
        k->records += keep;
        k->frames += capture_is_frame(&r);
        at += r.len;
        if (r.header.kind == CAPTURE_SKIP) // to the ring's end, where the next piece begins
            return k->piece->len;
    }
    return at;
}

// The clock is read once for a burst, behind its frames.
static void times_take(struct packing *k, const struct capture_parsed *r, uint32_t behind)
{
    struct capture_files *f = k->f;
    const uint32_t lane = k->piece->lane;
    struct capture_parsed next;
    uint64_t word = 0;
    if (r->header.kind == CAPTURE_TURN) {
        memcpy(&word, r->payload, sizeof word);
        f->lane[lane].turn = f->lane[lane].clock = word;
    } else if (r->header.kind == CAPTURE_CLOCK) {
        f->lane[lane].clock = f->lane[lane].turn + r->header.value;
    } else if (r->header.kind == CAPTURE_BURST) {
        for (uint32_t at = behind; capture_record_next(k->piece->bytes + at, k->piece->len - at,
                                                       false, &next) == CAPTURE_CODE_RECORD;
             at += next.len) {
            if (next.header.kind == CAPTURE_CLOCK)
                f->lane[lane].clock = f->lane[lane].turn + next.header.value;
            if (next.header.kind != CAPTURE_FRAME_IN)
                break;
        }
    }
}

static void frame_pack(struct packing *k, const struct capture_parsed *r)
{
    struct capture_files *f = k->f;
    const uint32_t lane = k->piece->lane;
    const bool out = r->header.kind == CAPTURE_FRAME_OUT;
    const uint32_t port = f->lane[lane].ports >> r->header.index % PORTS_MAX * 4 & 15;
    struct pcapng_packet packet = {
        .interface = lane * f->instance.ports + port,
        .utc_ns = journal_clock_utc_ns(&f->instance.clock, f->lane[lane].clock),
        .data = r->payload + sizeof r->frame,
        .captured = r->data_len,
        .len = r->frame.len,
        .outward = out,
    };
    if (out)
        snprintf(packet.comment, sizeof packet.comment, "lane %u input %" PRIu64, lane,
                 r->frame.number);
    else
        snprintf(packet.comment, sizeof packet.comment, "lane %u burst %" PRIu64 " frame %u", lane,
                 r->frame.number, r->frame.place);
    f->used += pcapng_packet(fill(f), &packet);
}

static void frames_pack(struct packing *k, uint32_t len)
{
    struct capture_parsed r;
    for (uint32_t at = 0; at < len && capture_record_next(k->piece->bytes + at, len - at, false,
                                                          &r) == CAPTURE_CODE_RECORD;
         at += r.len) {
        if (r.header.kind == CAPTURE_SKIP)
            break;
        times_take(k, &r, at + r.len);
        if (capture_is_frame(&r))
            frame_pack(k, &r);
    }
}

uint32_t capture_files_take(struct capture_files *f, const struct capture_piece *piece,
                            uint64_t now_ns, bool *damaged)
{
    struct packing k = {.f = f, .piece = piece};
    *damaged = false;
    if (f->error || !slot_there(f))
        return 0;
    if (f->used + PIECE_OUT_MAX > SLOT_ROOM) {
        leave(f);
        if (!slot_there(f))
            return 0;
    }
    if (f->used == 0)
        f->begun_ns = now_ns;
    // The block's header, the piece's, then records where the body of a block would stand.
    struct capture_piece_header header = {.lane = piece->lane, .position = piece->position};
    uint8_t *block = fill(f);
    const uint32_t taken = records_pack(&k, block + 8 + sizeof header, damaged);
    if (taken == 0)
        return 0;
    header.frames = k.frames;
    header.end = piece->position + taken;
    memcpy(block + 8, &header, sizeof header);
    f->used += pcapng_sealed(block, PCAPNG_RECORDS, (uint32_t)sizeof header + k.records);
    frames_pack(&k, taken);
    f->taken.at[piece->lane] = header.end;
    return taken;
}

void capture_files_pass(struct capture_files *f, uint32_t lane, uint64_t position)
{
    f->taken.at[lane] = position;
    if (f->used == 0 && f->unsettled == 0) // else with what is on its way
        f->written.at[lane] = position;
}

// --- turning ---

void capture_files_turn(struct capture_files *f, uint64_t now_ns, uint32_t wait_us)
{
    const bool old = now_ns - f->begun_ns >= CAPTURE_FLUSH_MS * UINT64_C(1000000);
    if (f->used && old && f->instance.file)
        leave(f);
    reap(f, wait_us);
}

bool capture_files_idle(const struct capture_files *f)
{
    return f->error || (f->used == 0 && f->on_their_way == 0);
}

void capture_files_abandon(struct capture_files *f)
{
    if (f->disk.slots == NULL)
        return;
    cut(f);
    disk_close(&f->disk);
}

void capture_files_close(struct capture_files *f)
{
    if (f->disk.slots == NULL)
        return;
    leave(f);
    cut(f);
    disk_close(&f->disk);
}
