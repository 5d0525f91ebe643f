// From the lanes' captures into files: a thread of its own, beside the journal's.
//
// capture_open to capture_close belong to one thread, the one that owns the contact.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/capture/files.h"

struct capture_status {
    bool there; // the dataplane captures, or could
    struct captures_seen seen;
    uint64_t file, bytes;
    uint64_t behind; // bytes that are in no file yet
    int error;       // errno: nothing is written until it is tried again
    char engine[32];
};

struct capture {
    struct capture_config config;
    struct capture_files files;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    _Atomic uint64_t asked; // counts capture_want
    _Atomic bool wanted;

    // Under <lock>.
    pthread_mutex_t lock;
    struct contact inbox; // a way of our own; without a region: let go
    bool waits;           // it has one
    struct capture_status shown;

    // The thread's own.
    struct contact contact;
    struct captures_seen seen;
    struct capture_heads at; // read up to here
    bool introduced;
    uint64_t done;     // of <asked>
    bool gave_up;      // nothing can be written, and the lanes know
    bool resume;       // they recorded before
    uint32_t retry_ms; // pause that runs, or was the last one; 0: a file is written
    uint64_t retry_ns; // end of it
    char lanes[LANES_MAX][NAME_LEN], ports[PORTS_MAX][NAME_LEN];
    struct capture_instance instance;
    uint8_t *bytes; // CAPTURE_PIECE_MAX
};

// Starts. Nothing is made on the disk before a dataplane captures. False: EXIT_FAILED.
bool capture_open(struct capture *c, const struct capture_config *config, struct error *err);
// What the rings hold is written.
void capture_close(struct capture *c);
// Whose captures are written from now on, after what the region before still holds.
void capture_attach(struct capture *c, const struct contact *contact);
void capture_want(struct capture *c, bool wanted);
void capture_status_take(struct capture *c, struct capture_status *status);
