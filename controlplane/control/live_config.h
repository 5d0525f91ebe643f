// The configuration while everything runs. Versions of its text are kept beside the journal, so
// that a control plane that is started again knows what is in force: EPOCH.0.yaml is what the
// dataplane was started with, the highest number is in force. EPOCH.confirm: the highest number
// goes back unless somebody confirms it in time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/control/method.h"
#include "dataplane/config/config.h"

enum { CONFIG_FILE_MAX = 1 << 20, CONFIG_VERSIONS_MAX = 1000 };

struct live_config {
    char file[512];      // that the control plane was started with; "": none
    char directory[512]; // of the versions; "": none are kept
    uint64_t epoch;      // of the dataplane that they belong to; 0: not known what it runs
    uint64_t attached;   // contact.attached when that was found out
    uint32_t version;    // in force
    uint64_t confirm_ns; // UTC; 0: nothing waits to be confirmed
    uint64_t again_ns;   // CLOCK_MONOTONIC: the next try to go back
    char why[256];       // of epoch 0
    struct job job;      // goes back
};

// Null: no memory.
struct live_config *live_config_new(const char *file, const char *directory);
void live_config_free(struct live_config *live);

// Every tick: learns what another dataplane runs, goes back where nobody has confirmed.
void live_config_tick(struct control *control, uint64_t now_ns);

// Text of a version, or of a file; null with <err>. To be freed.
char *live_config_text(const struct live_config *live, uint32_t version, uint64_t *len,
                       struct error *err);
// Only of a regular file in the folder of the control plane's own.
char *live_config_file_text(const struct live_config *live, const char *path, uint64_t *len,
                            struct error *err);

// The next version: written before it is in force, kept or dropped then. <back_ns>: UTC until it
// has to be confirmed, 0: it has not.
bool live_config_write(struct live_config *live, const char *text, uint64_t len, uint64_t back_ns,
                       struct error *err);
void live_config_keep(struct live_config *live, uint64_t back_ns);
void live_config_drop(struct live_config *live);
char *live_config_next(const struct live_config *live, uint64_t *len, struct error *err);
// The version before is in force again.
void live_config_back(struct live_config *live);
void live_config_confirmed(struct live_config *live);

void method_config_diff(struct control *control, struct job *job);
void method_config_apply(struct control *control, struct job *job);
void method_config_rollback(struct control *control, struct job *job);
void method_config_answered(struct control *control, struct job *job);
void method_config_confirm(struct control *control, struct job *job);
