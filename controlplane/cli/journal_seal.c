#include "controlplane/cli/journal_seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/control/view.h"
#include "controlplane/journal/reader.h"

enum { HASH_TEXT_LEN = 2 * JOURNAL_HASH_LEN + 1 };

static char *hash_text(const uint8_t hash[JOURNAL_HASH_LEN], char out[HASH_TEXT_LEN])
{
    for (uint32_t i = 0; i < JOURNAL_HASH_LEN; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", hash[i]);
    return out;
}

static bool seal_read(struct journal_reader *r, uint64_t record, struct journal_seal *seal,
                      struct error *err)
{
    char text[256];
    journal_reader_follow(r, record);
    while (!invocation_stopped() && journal_reader_next(r, err) != NULL)
        ;
    if (err->code != EXIT_OK)
        return false;
    if (invocation_stopped())
        return error_set(err, EXIT_FAILED, "%s: interrupted; begin again", r->directory);
    for (uint32_t i = 0; r->damaged && i < r->finding_count; i++)
        if (!r->findings[i].torn) {
            journal_finding_text(&r->findings[i], text, sizeof text);
            return error_set(err, EXIT_FAILED,
                             "%s: %s; keep a copy, and look with `tickgate journal verify`",
                             r->directory, text);
        }
    if (r->number != record + 1)
        return error_set(err, EXIT_FAILED,
                         "%s: no block ends with record %" PRIu64 ", reading ended at %" PRIu64
                         "; name the directory of the journal that was meant",
                         r->directory, record, r->number - 1);
    *seal = (struct journal_seal){.record = record,
                                  .segment = r->place.segment,
                                  .block = r->place.block ? r->place.block - 1 : 0};
    memcpy(seal->hash, r->place.previous, sizeof seal->hash);
    return true;
}

bool journal_seal_take(const char *directory, uint64_t record, struct journal_seal *seal,
                       struct error *err)
{
    struct journal_reader r;
    const bool ok = journal_reader_open(&r, directory, 0, err) && seal_read(&r, record, seal, err);
    journal_reader_close(&r);
    return ok;
}

json_t *journal_seal_view(const struct journal_seal *seal)
{
    char hash[HASH_TEXT_LEN];
    return json_pack("{s:o,s:o,s:o,s:s}", "record", view_count(seal->record), "segment",
                     view_count(seal->segment), "block", view_count(seal->block), "hash",
                     hash_text(seal->hash, hash));
}

// The seal is where `tickgate day end` put it; null: there is none.
static const json_t *seal_of(const json_t *record)
{
    const json_t *steps = json_object_get(record, "steps"), *step;
    size_t i;
    json_array_foreach(steps, i, step)
    {
        const json_t *seal = json_object_get(step, "seal");
        if (seal)
            return seal;
    }
    return NULL;
}

bool journal_seal_check(const char *directory, const char *record_path, struct journal_seal *seal,
                        struct error *err)
{
    char hash[HASH_TEXT_LEN];
    json_error_t why;
    json_t *record = json_load_file(record_path, 0, &why);
    const json_t *said = seal_of(record);
    const char *said_hash = json_string_value(json_object_get(said, "hash"));
    const json_int_t number = json_integer_value(json_object_get(said, "record"));
    bool ok = false;
    if (record == NULL)
        error_set(err, EXIT_USAGE, "%s:%d: %s", record_path, why.line, why.text);
    else if (said_hash == NULL || number <= 0)
        error_set(
            err, EXIT_USAGE,
            "%s: there is no seal in it; name the record of a `tickgate day end` that came to "
            "its end",
            record_path);
    else if (journal_seal_take(directory, (uint64_t)number, seal, err))
        ok = strcmp(hash_text(seal->hash, hash), said_hash) == 0 ||
             error_set(err, EXIT_FAILED,
                       "%s: up to record %" PRIu64 " the hash is %s, sealed was %.64s: this is not "
                       "what was written that day",
                       directory, seal->record, hash, said_hash);
    json_decref(record);
    return ok;
}
