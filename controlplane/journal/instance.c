#include "controlplane/journal/instance.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "controlplane/region/board.h"
#include "controlplane/region/snapshot.h"

// --- the program ---

// SHA-256 of the process's program; zeros where this process may not read it.
static void program_hash(const struct region_identity *identity, uint8_t hash[JOURNAL_HASH_LEN])
{
    char path[64];
    uint8_t bytes[16384];
    struct stat status;
    size_t n;
    memset(hash, 0, JOURNAL_HASH_LEN);
    if (stat("/proc/self/ns/pid", &status) != 0 || status.st_ino != identity->pid_namespace)
        return; // the number means another process here
    snprintf(path, sizeof path, "/proc/%u/exe", identity->pid);
    FILE *file = fopen(path, "rb");
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (file && digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL)) {
        while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
            EVP_DigestUpdate(digest, bytes, n);
        EVP_DigestFinal_ex(digest, hash, NULL);
    }
    EVP_MD_CTX_free(digest);
    if (file)
        fclose(file);
}

// --- names ---

static bool note_add(struct instance_notes *n, const struct journal_names *names)
{
    const uint32_t len = (uint32_t)sizeof *names + names->count * NAME_LEN;
    if (n->len + len > n->max) {
        const uint32_t max = (n->len + len) * 2;
        uint8_t *bytes = realloc(n->bytes, max);
        if (bytes == NULL)
            return false;
        n->bytes = bytes;
        n->max = max;
    }
    memcpy(n->bytes + n->len, names, len);
    n->len += len;
    return true;
}

// <count> names, <step> bytes apart, into as few records as hold them.
static bool names_add(struct instance_notes *n, enum journal_name_kind kind, uint32_t lane,
                      uint32_t first, uint32_t count, const void *name, size_t step)
{
    static _Thread_local union {
        struct journal_names names;
        uint8_t bytes[JOURNAL_PAYLOAD_MAX];
    } note;
    for (uint32_t done = 0; done < count; done += note.names.count) {
        memset(&note, 0, sizeof note);
        note.names.kind = (uint8_t)kind;
        note.names.lane = (uint8_t)lane;
        note.names.first = first + done;
        note.names.count =
            (uint16_t)(count - done < JOURNAL_NAMES_MAX ? count - done : JOURNAL_NAMES_MAX);
        for (uint32_t i = 0; i < note.names.count; i++)
            snprintf(note.names.names[i], NAME_LEN, "%s",
                     (const char *)name + (size_t)(done + i) * step);
        if (!note_add(n, &note.names))
            return false;
    }
    return true;
}

static bool lines_add(struct instance_notes *n, const struct snapshot *s)
{
    for (uint32_t i = 0; i < s->shape.channels; i++)
        if (!names_add(n, JOURNAL_NAME_LINE, 0, i * CHANNEL_LINES, CHANNEL_LINES,
                       s->lines[i][0].name, sizeof s->lines[i][0]))
            return false;
    return true;
}

static bool traders_add(struct instance_notes *n, const struct board *b)
{
    const struct region_shape *shape = &b->shape;
    bool ok = names_add(n, JOURNAL_NAME_ACCOUNT, 0, 0, shape->accounts, b->accounts[0].name,
                        sizeof b->accounts[0]) &&
              names_add(n, JOURNAL_NAME_INSTRUMENT, 0, 0, shape->instruments,
                        b->instruments[0].symbol, sizeof b->instruments[0]);
    for (uint32_t i = 0; i < shape->order_sessions && ok; i++)
        ok = names_add(n, JOURNAL_NAME_SESSION, b->sessions[i].lane, b->sessions[i].index, 1,
                       b->sessions[i].name, 0);
    for (uint32_t i = 0; i < shape->strategies && ok; i++)
        ok = names_add(n, JOURNAL_NAME_STRATEGY, b->strategies[i].lane, b->strategies[i].index, 1,
                       b->strategies[i].name, 0);
    return ok && names_add(n, JOURNAL_NAME_SIGNAL, 0, 0, shape->signals, b->signals[0].name,
                           sizeof b->signals[0]);
}

static bool names_all(struct instance_notes *n, const struct snapshot *s, const struct board *b)
{
    const struct region_shape *shape = &s->shape;
    return names_add(n, JOURNAL_NAME_LANE, 0, 0, shape->lanes, s->lanes[0].name,
                     sizeof s->lanes[0]) &&
           names_add(n, JOURNAL_NAME_CHANNEL, 0, 0, shape->channels, s->channels[0].name,
                     sizeof s->channels[0]) &&
           lines_add(n, s) &&
           names_add(n, JOURNAL_NAME_PORT, 0, 0, shape->ports, s->ports[0].name,
                     sizeof s->ports[0]) &&
           traders_add(n, b);
}

// --- all ---

bool instance_describe(struct contact *contact, struct journal_instance *instance,
                       struct instance_notes *names)
{
    struct snapshot *s = calloc(1, sizeof *s);
    struct board *b = board_new();
    names->len = names->at = 0;
    bool ok =
        s && b && snapshot_take(s, contact) && board_take(b, contact) && names_all(names, s, b);
    if (ok) {
        const struct region_header *header = contact_header(contact);
        const struct region_identity *id = &header->identity;
        *instance = (struct journal_instance){
            .epoch = id->epoch,
            .config_hash = id->config_hash,
            .abi_hash = {header->abi_hash[0], header->abi_hash[1]},
            .limits_version = (uint32_t)atomic_load(&b->boards[0].limits_version),
            .restores = id->restores,
            .clock = {id->clock.tsc_hz, id->clock.tsc_at, id->clock.utc_ns_at}};
        snprintf(instance->node, sizeof instance->node, "%s", id->node);
        text_clean(instance->node, sizeof instance->node);
        program_hash(id, instance->program_hash);
    }
    board_free(b);
    free(s);
    return ok;
}

bool instance_notes_write(struct instance_notes *notes, struct journal *journal, uint64_t now_ns)
{
    while (notes->at < notes->len) {
        struct journal_names head;
        memcpy(&head, notes->bytes + notes->at, sizeof head);
        const uint32_t len = (uint32_t)sizeof head + head.count * NAME_LEN;
        if (!journal_note(journal, JOURNAL_NAMES, notes->bytes + notes->at, len, now_ns))
            return false;
        notes->at += len;
    }
    return true;
}

void instance_notes_free(struct instance_notes *notes)
{
    free(notes->bytes);
    *notes = (struct instance_notes){0};
}
