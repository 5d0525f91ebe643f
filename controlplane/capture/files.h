// Files of a capture, written through the disk engine of the journal: a block of memory fills while
// others are on their way. One thread uses them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/capture/format.h"
#include "controlplane/journal/disk.h"
#include "controlplane/region/captures.h"

enum {
    CAPTURE_FLUSH_MS = 200,       // age at which a block leaves that is not full
    CAPTURE_PIECE_MAX = 64 << 10, // bytes of a lane's ring taken at a time
    CAPTURE_FILE_MIN = 8 << 20,   // bytes
    CAPTURE_PATH_MAX = 600,
    CAPTURE_LOOK_MS = 1000, // between two looks at the room that is left
    // Of the file system a twentieth, 4 GiB at most, stays free of captures: the journal may stand
    // on it too, and orders stop when that has no room.
    CAPTURE_SPARE_PART = 20,
    CAPTURE_SPARE_GIB = 4,
};

struct capture_config {
    const char *directory; // made if it is not there
    uint64_t file_bytes;
    uint64_t keep_bytes; // 0: everything
    enum disk_engine engine;
};

struct capture_files {
    struct capture_config config;
    struct disk disk;
    struct capture_instance instance; // of the file that is written; file 0: none is open
    uint64_t offset;                  // where the next block goes
    uint64_t bytes;                   // written, of all files
    uint32_t filling;                 // slot
    uint32_t used;                    // bytes of it
    uint32_t on_their_way;
    bool busy[DISK_SLOTS];
    uint32_t oldest;    // slot on its way, or that is done while an older one is not
    uint32_t unsettled; // slots from there on
    uint64_t begun_ns;  // of the slot that fills
    uint64_t looked_ns; // at the room that is left
    struct {
        uint64_t ports; // as in struct capture_ring
        uint64_t turn;  // time of the turn in work, ticks
        uint64_t clock; // as last read
    } lane[LANES_MAX];
    int error;                              // errno: nothing is written any more
    struct capture_heads taken;             // behind what was taken
    struct capture_heads heads[DISK_SLOTS]; // the same when each left
    struct capture_heads written;           // in a file, and so is everything before it
};

// <f>: zeroed, or abandoned: then it goes on. False: EXIT_FAILED.
bool capture_files_open(struct capture_files *f, const struct capture_config *config,
                        struct error *err);
// Writes what is left and cuts the last file to its length.
void capture_files_close(struct capture_files *f);

// Whose records follow; <names>: of lanes and ports. A new file begins.
bool capture_files_begin(struct capture_files *f, const struct capture_instance *instance,
                         const char (*lanes)[NAME_LEN], const char (*ports)[NAME_LEN]);
// Another file has to begin before the next piece.
bool capture_files_full(const struct capture_files *f);
// Whole records of a piece of a lane's ring. Returns the bytes taken: less than piece->len when the
// last record is cut, 0 when there is no room now. What makes no sense ends the piece with
// *<damaged>.
uint32_t capture_files_take(struct capture_files *f, const struct capture_piece *piece,
                            uint64_t now_ns, bool *damaged);
// What stands in a lane's ring up to here comes into no file.
void capture_files_pass(struct capture_files *f, uint32_t lane, uint64_t position);
// Sends what is due and takes note of what was written.
void capture_files_turn(struct capture_files *f, uint64_t now_ns, uint32_t wait_us);
// Whether files have to go, from time to time: others fill the disk too, while a file goes on and
// while there is none. A file that goes on where none may go any more ends with ENOSPC.
void capture_files_look(struct capture_files *f, uint64_t now_ns);
// After an error: nothing is open any more. What no file has yet is to be taken again.
void capture_files_abandon(struct capture_files *f);
// Everything that was taken is in a file.
bool capture_files_idle(const struct capture_files *f);

// Path of a file; false: too long.
bool capture_file_path(const char *directory, uint64_t file, char out[CAPTURE_PATH_MAX]);
// Numbers of the files of a directory, ascending, at most <max>; SIZE_MAX: it cannot be read
// (errno).
size_t capture_file_list(const char *directory, uint64_t *files, size_t max);
