// The files of a capture: pcapng (draft-ietf-opsawg-pcapng), little-endian, stamps in ns.
//
//   section header, padding; the instance, one interface per lane and port; then for each piece of
//   a lane's stream its records, and the frames among them as enhanced packets behind it
//
// Blocks of our own have types that the format leaves to local use; other readers skip them. A
// frame's record stands among the records without its bytes: they are in the next packet. So
// nothing is there twice, and any reader of pcapng sees the frames.
#pragma once

#include <stdint.h>

#include "controlplane/region/captures.h"
#include "controlplane/journal/format.h"

#define CAPTURE_SUFFIX ".pcapng"

enum {
    PCAPNG_SECTION = 0x0A0D0D0A,
    PCAPNG_INTERFACE = 1,
    PCAPNG_PACKET = 6,
    PCAPNG_MAGIC = 0x1A2B3C4D,
    PCAPNG_ETHERNET = 1,
};
#define PCAPNG_INSTANCE 0x80544701u
#define PCAPNG_RECORDS  0x80544702u
#define PCAPNG_PADDING  0x80544703u

enum { PCAPNG_COMMENT = 1, PCAPNG_IF_NAME = 2, PCAPNG_IF_RESOLUTION = 9, PCAPNG_FLAGS = 2 };

// Body of PCAPNG_INSTANCE: whose capture it is. A file has one.
struct capture_instance {
    uint32_t version; // CAPTURE_VERSION
    uint32_t lanes;
    uint32_t ports;
    uint32_t unused;
    uint64_t file; // number, from 1 in each directory
    uint64_t epoch;
    uint64_t config_hash;
    uint64_t abi_hash[2];
    struct journal_clock clock;
    char node[64];
};
_Static_assert(sizeof(struct capture_instance) == 144, "docs/capture.md");

// Body of PCAPNG_RECORDS, before the records.
struct capture_piece_header {
    uint32_t lane;
    uint32_t frames;   // packets that follow
    uint64_t position; // of the first record in the lane's stream
    uint64_t end;      // behind the last one
};
_Static_assert(sizeof(struct capture_piece_header) == 24, "docs/capture.md");
