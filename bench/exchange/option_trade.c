// Values of the options of --mode trade.
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/option_values.h"
#include "dataplane/base/hints.h"

// One of a few words, for a field that is a byte wide.
static bool choice(const char *text, const char *const *words, uint8_t *out)
{
    for (uint8_t i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool text_copy(char *to, size_t room, const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length >= room || strpbrk(text, " \"\\"))
        return false;
    memcpy(to, text, length + 1);
    return true;
}

static bool member_key(struct bourse_member *m, const char *key, const char *value)
{
    static const char *const protocols[] = {"5.0", "4.2", NULL};
    static const char *const ways[] = {"none", "decrement", "newest", "oldest", NULL};
    static const char *const answers[] = {"no", "yes", NULL};
    uint8_t place = 0;
    if (strcmp(key, "firm") == 0)
        return text_copy(m->firm, sizeof m->firm, value);
    if (strcmp(key, "session") == 0)
        return text_copy(m->session, sizeof m->session, value);
    if (strcmp(key, "protocol") == 0 && choice(value, protocols, &place)) {
        m->protocol = (enum bourse_protocol)place;
        return true;
    }
    if (strcmp(key, "self-match") == 0 && choice(value, ways, &place)) {
        m->self_match = (enum bourse_self_match)place;
        return true;
    }
    if (strcmp(key, "cancel-on-disconnect") != 0 || !choice(value, answers, &place))
        return false;
    m->cancel_on_disconnect = place == 1;
    return true;
}

static bool drop_key(struct bourse_member *m, const char *key, const char *value)
{
    if (strcmp(key, "firm") == 0)
        return text_copy(m->firm, sizeof m->firm, value);
    return strcmp(key, "session") == 0 && text_copy(m->session, sizeof m->session, value);
}

// USER,PASSWORD and keys that <take> knows.
static bool party_read(const char *option, const char *text, struct bourse_member *m,
                       bool (*take)(struct bourse_member *m, const char *key, const char *value),
                       struct error *err)
{
    char buffer[160], *next, *word;
    snprintf(buffer, sizeof buffer, "%s", text);
    word = strtok_r(buffer, ",", &next);
    bool valid = strlen(text) < sizeof buffer && word && text_copy(m->user, sizeof m->user, word);
    word = strtok_r(NULL, ",", &next);
    valid = valid && word && text_copy(m->password, sizeof m->password, word);
    if (!valid)
        return error_set(
            err, EXIT_USAGE,
            "--%s %s: USER,PASSWORD with at most 6 and 10 characters, then keys, is wanted", option,
            text);
    while ((word = strtok_r(NULL, ",", &next)) != NULL) {
        char *value = strchr(word, '=');
        if (value)
            *value++ = 0;
        if (!value || !take(m, word, value))
            return error_set(err, EXIT_USAGE, "--%s %s: %s: no such key or value; see --help",
                             option, text, word);
    }
    return true;
}

bool value_member(struct options *o, const char *text, struct error *err)
{
    if (o->trade.member_count == BOURSE_MEMBERS)
        return error_set(err, EXIT_USAGE, "--member %s: there are %d already", text,
                         BOURSE_MEMBERS);
    struct bourse_member *m = &o->trade.members[o->trade.member_count];
    snprintf(m->session, sizeof m->session, "ORDERS%02u00", o->trade.member_count);
    if (!party_read("member", text, m, member_key, err))
        return false;
    o->trade.member_count++;
    return true;
}

bool value_drop_user(struct options *o, const char *text, struct error *err)
{
    if (o->trade.copy_count == BOURSE_COPIES)
        return error_set(err, EXIT_USAGE, "--drop-user %s: there are %d already", text,
                         BOURSE_COPIES);
    struct bourse_member *m = &o->trade.members[BOURSE_MEMBERS + o->trade.copy_count];
    snprintf(m->session, sizeof m->session, "COPIES%02u00", o->trade.copy_count);
    if (!party_read("drop-user", text, m, drop_key, err))
        return false;
    o->trade.copy_count++;
    return true;
}

bool value_venue(struct options *o, const char *text, struct error *err)
{
    return text_copy(o->trade.name, sizeof o->trade.name, text) ||
           error_set(err, EXIT_USAGE, "--venue %s: 1 to 10 characters without blanks are wanted",
                     text);
}

// A whole number with a sign, below a thousand dollars.
static const char *micro(const char *text, int32_t *out)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (end == text || errno || v < -1000000000 || v > 1000000000)
        return NULL;
    *out = (int32_t)v;
    return end;
}

bool value_fee(struct options *o, const char *text, struct error *err)
{
    const char *end = micro(text, &o->trade.fee_add_micro);
    if (end && *end == ',')
        end = micro(end + 1, &o->trade.fee_remove_micro);
    else
        end = NULL;
    return (end && !*end) ||
           error_set(err, EXIT_USAGE,
                     "--fee %s: two whole numbers of millionths of a dollar, such as -2000,3000, "
                     "are wanted",
                     text);
}

bool value_latency(struct options *o, const char *text, struct error *err)
{
    char buffer[32];
    uint64_t in = 0, out = 0;
    snprintf(buffer, sizeof buffer, "%s", text);
    char *comma = strchr(buffer, ',');
    if (comma)
        *comma++ = 0;
    if (!value_number("latency-us", buffer, 0, 10000000, &in, err) ||
        (comma && !value_number("latency-us", comma, 0, 10000000, &out, err)))
        return false;
    o->trade.latency_in_us = (uint32_t)in;
    o->trade.latency_out_us = (uint32_t)out;
    return true;
}

enum key_kind { KEY_NUMBER, KEY_PROBABILITY, KEY_CHOICE };

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;        // in struct bourse_config
    const char *no, *yes; // of a choice
};

#define KEY(name, kind, field)                                        \
    {                                                                 \
        name, kind, offsetof(struct bourse_config, field), NULL, NULL \
    }
#define CHOICE(name, field, no, yes)                                     \
    {                                                                    \
        name, KEY_CHOICE, offsetof(struct bourse_config, field), no, yes \
    }

// Answers what is behind the value, NULL after an error.
static const char *key_read(struct options *o, const char *option, const char *text,
                            const struct key *keys, uint32_t count, const struct key **found,
                            struct error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    for (uint32_t i = 0; i < count && equals; i++) {
        const struct key *k = &keys[i];
        if (strlen(k->name) != length || memcmp(k->name, text, length) != 0)
            continue;
        void *field = (uint8_t *)&o->trade + k->offset;
        uint64_t number = 0;
        *found = k;
        if (k->kind == KEY_PROBABILITY)
            return value_probability(option, text, equals + 1, field, err);
        if (k->kind == KEY_NUMBER) {
            if (!value_number(option, equals + 1, 0, 1000000000, &number, err))
                return NULL;
            *(uint32_t *)field = (uint32_t)number;
            return "";
        }
        *(bool *)field = strcmp(equals + 1, k->yes) == 0;
        if (*(bool *)field || strcmp(equals + 1, k->no) == 0)
            return "";
        break;
    }
    error_set(err, EXIT_USAGE, "--%s %s: no such key or value; see --help", option, text);
    return NULL;
}

bool value_rule(struct options *o, const char *text, struct error *err)
{
    static const struct key keys[] = {
        KEY("price-limit-percent", KEY_NUMBER, rules.price_limit_percent),
        KEY("orders-max", KEY_NUMBER, rules.orders_max),
        CHOICE("post-only", rules.post_only_slides, "cancel", "slide"),
        CHOICE("status", rules.status_needed, "optional", "needed"),
        CHOICE("pegs", rules.pegs_refused, "yes", "no"),
    };
    const struct key *found;
    return key_read(o, "rule", text, keys, ARRAY_LEN(keys), &found, err) != NULL;
}

bool value_misbehave(struct options *o, const char *text, struct error *err)
{
    static const struct key keys[] = {
        KEY("seed", KEY_NUMBER, faults.seed),
        KEY("cut-bytes", KEY_NUMBER, faults.cut_bytes),
        KEY("cut-in-bytes", KEY_NUMBER, faults.cut_in_bytes),
        CHOICE("cut", faults.cut_resets, "close", "reset"),
        KEY("late", KEY_PROBABILITY, faults.late_below),
        KEY("duplicate", KEY_PROBABILITY, faults.duplicate_below),
        KEY("missing", KEY_PROBABILITY, faults.missing_below),
        KEY("reorder", KEY_PROBABILITY, faults.reorder_below),
        KEY("reject", KEY_PROBABILITY, faults.reject_below),
        KEY("cancel", KEY_PROBABILITY, faults.cancel_below),
        KEY("break", KEY_PROBABILITY, faults.break_below),
        KEY("reset", KEY_PROBABILITY, faults.reset_below),
        KEY("forget", KEY_PROBABILITY, faults.forget_below),
        KEY("garbage", KEY_PROBABILITY, faults.garbage_below),
        KEY("silent", KEY_PROBABILITY, faults.silent_below),
        KEY("drop-missing", KEY_PROBABILITY, faults.drop_missing_below),
        KEY("drop-double", KEY_PROBABILITY, faults.drop_double_below),
        KEY("drop-wrong", KEY_PROBABILITY, faults.drop_wrong_below),
        KEY("drop-foreign", KEY_PROBABILITY, faults.drop_foreign_below),
        KEY("drop-late", KEY_PROBABILITY, faults.drop_late_below),
    };
    const struct key *found;
    uint64_t us = 0;
    const char *end = key_read(o, "misbehave", text, keys, ARRAY_LEN(keys), &found, err);
    if (!end)
        return false;
    if (!*end)
        return true;
    // late=P,US, missing=P,TYPES and their like say more.
    struct bourse_faults *f = &o->trade.faults;
    static const struct more {
        size_t key, more;
        size_t room; // 0: a number
    } mores[] = {
#define MORE(key, more, room) \
    {offsetof(struct bourse_config, faults.key), offsetof(struct bourse_faults, more), room}
        MORE(late_below, late_us, 0),
        MORE(drop_late_below, drop_late_us, 0),
        MORE(missing_below, missing_types, sizeof f->missing_types),
        MORE(reorder_below, reorder_types, sizeof f->reorder_types),
        MORE(drop_missing_below, drop_types, sizeof f->drop_types),
        MORE(drop_double_below, drop_types, sizeof f->drop_types),
        MORE(drop_wrong_below, drop_types, sizeof f->drop_types),
#undef MORE
    };
    for (uint32_t i = 0; i < ARRAY_LEN(mores) && *end == ','; i++) {
        if (mores[i].key != found->offset)
            continue;
        char *field = (char *)f + mores[i].more;
        if (mores[i].room && text_copy(field, mores[i].room, end + 1))
            return true;
        if (mores[i].room)
            break;
        if (!value_number("misbehave", end + 1, 1, 10000000, &us, err))
            return false;
        *(uint32_t *)(void *)field = (uint32_t)us;
        return true;
    }
    return error_set(err, EXIT_USAGE, "--misbehave %s: '%s' is too much", text, end);
}

bool trade_check(struct options *o, struct error *err)
{
    bool asked = o->orders.used || o->orders_port || o->trade.member_count || o->order_log ||
                 o->drop_copy.used || o->trade.copy_count;
    if (asked && !o->trading)
        return error_set(
            err, EXIT_USAGE,
            "--member, --orders, --orders-on-port, --drop-copy, --drop-user, --order-log: need "
            "--mode trade");
    if (!o->trading)
        return true;
    if (!o->trade.member_count)
        return error_set(err, EXIT_USAGE, "--mode trade: give a --member USER,PASSWORD");
    if (!o->orders.used && !o->orders_port)
        return error_set(err, EXIT_USAGE,
                         "--mode trade: give --orders IP:PORT or --orders-on-port");
    if (o->orders_port && (!o->link.port_count || !o->link.own_ip))
        return error_set(err, EXIT_USAGE, "--orders-on-port: needs --port and --ip");
    if (o->drop_copy.used != (o->trade.copy_count > 0))
        return error_set(err, EXIT_USAGE,
                         "--drop-copy needs a --drop-user USER,PASSWORD, and "
                         "--drop-user a --drop-copy IP:PORT");
    o->trade.seed = o->trade.faults.seed ? o->trade.faults.seed : o->generator.seed;
    return true;
}
