// The reader's side of the region: open, check everything, then look only through guarded passes.
//
// Nothing in the file is believed. The header is copied once and checked: magic, version, hash,
// length of the file, shape within limits, and the table of parts equal to the layout that follows
// from the shape. Offsets and counts are then used from that private copy only, so nothing that is
// written to the file later can lead a reader astray.
//
// A file may be cut while it is mapped; touching what is gone raises SIGBUS. So the region is
// touched within region_pass only: it looks at the file's size first, and a SIGBUS within the
// mapping ends the pass by siglongjmp. The function that runs in a pass therefore copies to memory
// that its caller owns and does nothing else: what it allocated or locked would be lost. A pass per
// thread; the signal handler is installed by the first attach and hands every other SIGBUS on.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dataplane/abi/region.h"

enum region_fault {
    REGION_FINE = 0,
    REGION_ABSENT,      // no such file
    REGION_SYSTEM,      // open, fstat or mmap refused
    REGION_NOT_READY,   // being formatted: try again
    REGION_BAD_MAGIC,   // not a region
    REGION_BAD_VERSION, // another version of the contract
    REGION_BAD_HASH,    // same version, other headers
    REGION_BAD_LENGTH,  // the file is shorter than its header says
    REGION_BAD_LAYOUT,  // shape beyond limits, or parts that are not where the shape puts them
    REGION_BUSY,        // another control plane drains it
    REGION_VANISHED,    // the file was cut or replaced after it was attached
};

enum region_access {
    REGION_READ,  // look only
    REGION_KILL,  // also set kill words: any number of processes
    REGION_DRAIN, // also commit events and post commands: one process at a time, by a lock on the
                  // file
};

struct region_reader {
    struct region_view view;
    struct region_header header; // copy, taken at attach
    uint64_t mapped;             // bytes
    char path[256];
    dev_t device; // of the file, to notice that another took its name
    ino_t inode;
    int fd; // -1 while not attached
};

// Attaches to the region in <path>. On a fault <reader> is not attached and <why> holds one line:
// place, cause, remedy.
enum region_fault region_attach(struct region_reader *reader, const char *path,
                                enum region_access access, char *why, size_t why_len);
void region_detach(struct region_reader *reader);

// Checks a region in memory of <length> bytes and fills <view> and the <header> copy. region_attach
// does this to the mapped file.
enum region_fault region_check(const void *memory, uint64_t length, struct region_header *header,
                               struct region_view *view, char *why, size_t why_len);

// Runs <copy> with the mapped region in reach. False: the file has shrunk, <copy> may have run in
// part.
bool region_pass(struct region_reader *reader,
                 void (*copy)(const struct region_view *view, void *context), void *context);

// Another file has the region's name by now, or none has: a new instance, or the end.
bool region_replaced(const struct region_reader *reader);
