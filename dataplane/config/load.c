// YAML into struct config. libyaml checks the syntax and keeps the line of every node; the table of
// options says what may stand where.
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/hints.h"
#include "dataplane/config/advice.h"
#include "dataplane/config/option.h"
#include "dataplane/config/places.h"

enum {
    FILE_BYTES_MAX = 1 << 20,
    ROOT = SECTIONS, // stands for the top of the file where a section is named
    LIMITED_MAX = 1 + ACCOUNTS_MAX + SYMBOL_ROWS_MAX + SESSIONS_MAX + STRATEGIES_MAX + CLIENTS_MAX,
    REFERENCES_MAX = CHANNELS_MAX * (1 + LINES_MAX) + SESSIONS_MAX * 5 + STRATEGIES_MAX * 2 +
                     CLIENTS_MAX * 2 + SIGNALS_MAX * 3 + LIMITED_MAX * SESSIONS_MAX,
};

// A section that is not there: an error, nothing, or one with nothing in it.
enum presence { REQUIRED, OPTIONAL, DEFAULTED };

// Which section stands in which, and where its structures and their count are.
static const struct child {
    uint32_t parent;
    enum section section;
    enum presence presence;
    uint32_t offset;
    uint32_t count_offset; // of lists
} children[] = {
    {ROOT, SECTION_NODE, DEFAULTED, offsetof(struct config, node), 0},
    {ROOT, SECTION_JOURNAL, DEFAULTED, offsetof(struct config, journal), 0},
    {ROOT, SECTION_CAPTURE, DEFAULTED, offsetof(struct config, capture), 0},
    {ROOT, SECTION_PORT, REQUIRED, offsetof(struct config, ports),
     offsetof(struct config, port_count)},
    {ROOT, SECTION_LANE, REQUIRED, offsetof(struct config, lanes),
     offsetof(struct config, lane_count)},
    {ROOT, SECTION_CHANNEL, REQUIRED, offsetof(struct config, channels),
     offsetof(struct config, channel_count)},
    {SECTION_CHANNEL, SECTION_LINE, REQUIRED, offsetof(struct config_channel, lines),
     offsetof(struct config_channel, line_count)},
    {SECTION_CHANNEL, SECTION_RECOVERY, OPTIONAL, offsetof(struct config_channel, recovery), 0},
    {SECTION_CHANNEL, SECTION_SNAPSHOT, OPTIONAL, offsetof(struct config_channel, snapshot), 0},
    {ROOT, SECTION_TRADING, OPTIONAL, offsetof(struct config, trading), 0},
    {ROOT, SECTION_ACCOUNT, OPTIONAL, offsetof(struct config, accounts),
     offsetof(struct config, account_count)},
    {ROOT, SECTION_SYMBOL, OPTIONAL, offsetof(struct config, symbols),
     offsetof(struct config, symbol_count)},
    {ROOT, SECTION_SESSION, OPTIONAL, offsetof(struct config, sessions),
     offsetof(struct config, session_count)},
    {ROOT, SECTION_STRATEGY, OPTIONAL, offsetof(struct config, strategies),
     offsetof(struct config, strategy_count)},
    {ROOT, SECTION_GATEWAY, OPTIONAL, offsetof(struct config, gateway), 0},
    {ROOT, SECTION_CLIENT, OPTIONAL, offsetof(struct config, clients),
     offsetof(struct config, client_count)},
    {ROOT, SECTION_SIGNAL, OPTIONAL, offsetof(struct config, signals),
     offsetof(struct config, signal_count)},
    {ROOT, SECTION_DAY, DEFAULTED, offsetof(struct config, day), 0},
    {ROOT, SECTION_CONTROL, DEFAULTED, offsetof(struct config, control), 0},
    {ROOT, SECTION_HTTP, OPTIONAL, offsetof(struct config, http), 0},
    {ROOT, SECTION_STORE, OPTIONAL, offsetof(struct config, store), 0},
    {ROOT, SECTION_TRACE, OPTIONAL, offsetof(struct config, trace), 0},
    {ROOT, SECTION_DROP, OPTIONAL, offsetof(struct config, drop_copies),
     offsetof(struct config, drop_copy_count)},
    {SECTION_TRADING, SECTION_LIMITS, REQUIRED, offsetof(struct config_trading, limits), 0},
    {SECTION_ACCOUNT, SECTION_LIMITS, REQUIRED, offsetof(struct config_account, limits), 0},
    {SECTION_SYMBOL, SECTION_LIMITS, REQUIRED, offsetof(struct config_symbol_row, limits), 0},
    {SECTION_SESSION, SECTION_LIMITS, DEFAULTED, offsetof(struct config_session, limits), 0},
    {SECTION_STRATEGY, SECTION_LIMITS, DEFAULTED, offsetof(struct config_strategy, limits), 0},
    {SECTION_CLIENT, SECTION_LIMITS, DEFAULTED, offsetof(struct config_client, limits), 0},
    {SECTION_TRADING, SECTION_ACTIONS, DEFAULTED, offsetof(struct config_trading, actions), 0},
    {SECTION_TRADING, SECTION_BROKER, DEFAULTED, offsetof(struct config_trading, broker), 0},
    {SECTION_ACCOUNT, SECTION_BROKER, DEFAULTED, offsetof(struct config_account, broker), 0},
    {SECTION_SYMBOL, SECTION_BROKER, DEFAULTED, offsetof(struct config_symbol_row, broker), 0},
    {SECTION_SESSION, SECTION_BROKER, DEFAULTED, offsetof(struct config_session, broker), 0},
    {SECTION_STRATEGY, SECTION_BROKER, DEFAULTED, offsetof(struct config_strategy, broker), 0},
    {SECTION_CLIENT, SECTION_BROKER, DEFAULTED, offsetof(struct config_client, broker), 0},
};

// What a reference may name: structures that begin with their name.
#define NAMED(members, counter)                                         \
    offsetof(struct config, members), offsetof(struct config, counter), \
        sizeof(((struct config *)0)->members[0])
static const struct target {
    enum option_kind kind;
    const char *what;
    const char *section;
    uint32_t offset;
    uint32_t count_offset;
    uint32_t step;
} targets[] = {
    {OPTION_LANE_REF, "lane", "lanes", NAMED(lanes, lane_count)},
    {OPTION_PORT_REF, "port", "ports", NAMED(ports, port_count)},
    {OPTION_CHANNEL_REF, "channel", "channels", NAMED(channels, channel_count)},
    {OPTION_ACCOUNT_REF, "account", "accounts", NAMED(accounts, account_count)},
    {OPTION_CLIENT_REF, "client", "clients", NAMED(clients, client_count)},
    {OPTION_DROP_REF, "drop copy", "drop_copies", NAMED(drop_copies, drop_copy_count)},
    {OPTION_VENUES, "session", "sessions", NAMED(sessions, session_count)},
};

static const struct target *target_find(enum option_kind kind)
{
    for (uint32_t i = 0; i < ARRAY_LEN(targets); i++)
        if (targets[i].kind == kind)
            return &targets[i];
    return NULL;
}

struct reference {
    enum option_kind kind;
    uint32_t *index; // to be filled
    char name[NAME_LEN];
};

struct loader {
    struct config *config;
    struct error *err;
    yaml_document_t document;
    struct places *places; // the configuration's
    struct reference references[REFERENCES_MAX];
    uint32_t reference_count;
};

static uint32_t line_of(const yaml_node_t *node)
{
    return (uint32_t)node->start_mark.line + 1;
}

static bool fault(struct loader *l, uint32_t line, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool fault(struct loader *l, uint32_t line, const char *key, const char *fmt, ...)
{
    char text[sizeof l->err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(l->err, EXIT_USAGE, "%s:%u: %s: %s", l->places->file, line, key, text);
}

// A list or map where a value should be, or the other way round.
static bool fault_shape(struct loader *l, const struct option_row *row, const yaml_node_t *node,
                        const char *key)
{
    char range[VALUE_WHY_LEN];
    value_range(row, range, sizeof range);
    return fault(l, line_of(node), key, "is not what stands here; it takes %s", range);
}

// "section.key", or the key alone at the top of the file.
static const char *join(char full[PLACE_KEY_LEN], const char *path, const char *key)
{
    snprintf(full, PLACE_KEY_LEN, "%s%s%s", path, *path ? "." : "", key);
    return full;
}

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static size_t len_of(const yaml_node_t *node)
{
    return node->data.scalar.length;
}

// --- options of more than one scalar ---

static bool is_list(struct loader *l, const struct option_row *row, yaml_node_t *node,
                    const char *key, uint64_t *count)
{
    *count = 0;
    if (node->type == YAML_SEQUENCE_NODE)
        *count = (uint64_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    return (*count >= row->min && *count <= row->max) || fault_shape(l, row, node, key);
}

// The scalar at <at> of a list, null with an error when it is none.
static yaml_node_t *item(struct loader *l, yaml_node_t *list, uint64_t at, const char *key)
{
    yaml_node_t *node = yaml_document_get_node(&l->document, list->data.sequence.items.start[at]);
    if (node->type == YAML_SCALAR_NODE)
        return node;
    fault(l, line_of(node), key, "holds a list or a map where one value is wanted");
    return NULL;
}

static bool endpoints_read(struct loader *l, const struct option_row *row, yaml_node_t *node,
                           const char *key, struct config_recovery *recovery)
{
    char why[VALUE_WHY_LEN];
    uint64_t count;
    if (!is_list(l, row, node, key, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        const yaml_node_t *at = item(l, node, i, key);
        if (at == NULL)
            return false;
        if (!value_endpoint(text_of(at), len_of(at), &recovery->servers[i], why))
            return fault(l, line_of(at), key, "%s", why);
    }
    recovery->server_count = (uint32_t)count;
    return true;
}

static bool symbols_read(struct loader *l, const struct option_row *row, yaml_node_t *node,
                         const char *key, struct config_symbols *symbols)
{
    char why[VALUE_WHY_LEN];
    uint64_t count;
    if (node->type == YAML_SCALAR_NODE && *row->words && strcmp(text_of(node), row->words) == 0)
        return true;
    if (!is_list(l, row, node, key, &count))
        return false;
    symbols->names = calloc(count, sizeof *symbols->names);
    MUST(symbols->names != NULL);
    for (uint64_t i = 0; i < count; i++) {
        const yaml_node_t *at = item(l, node, i, key);
        if (at == NULL)
            return false;
        if (!value_symbol(text_of(at), len_of(at), symbols->names[i], why))
            return fault(l, line_of(at), key, "%s", why);
    }
    symbols->count = (uint32_t)count;
    return true;
}

// Names may be used before they are defined: references are looked up when the file is read.
static bool reference_read(struct loader *l, const struct option_row *row, const yaml_node_t *node,
                           uint32_t *index)
{
    struct reference *r = &l->references[l->reference_count];
    if (node->type != YAML_SCALAR_NODE || len_of(node) >= sizeof r->name ||
        strlen(text_of(node)) != len_of(node))
        return false;
    if (*row->words && strcmp(text_of(node), row->words) == 0) {
        *index = CONFIG_NONE;
        return true;
    }
    MUST(l->reference_count++ < REFERENCES_MAX);
    r->kind = row->kind;
    r->index = index;
    memcpy(r->name, text_of(node), len_of(node));
    return true;
}

// A list of numbers, words or names, into <member> and its bits.
static bool scalars_read(struct loader *l, const struct option_row *row, yaml_node_t *node,
                         const char *key, void *member)
{
    struct config_numbers *numbers = row->kind == OPTION_NUMBERS ? member : NULL;
    char why[VALUE_WHY_LEN];
    uint64_t count;
    if (!is_list(l, row, node, key, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        const yaml_node_t *at = item(l, node, i, key);
        if (at == NULL)
            return false;
        if (row->kind == OPTION_VENUES) {
            if (!reference_read(l, row, at, member))
                return fault_shape(l, row, at, key);
        } else if (!(numbers ? value_number(text_of(at), len_of(at), &numbers->values[i], why)
                             : value_word(row, text_of(at), len_of(at), member, why)))
            return fault(l, line_of(at), key, "%s", why);
    }
    if (numbers)
        numbers->count = (uint32_t)count;
    return true;
}

static bool option_read(struct loader *l, const struct option_row *row, yaml_node_t *node,
                        const char *key, void *base)
{
    char why[VALUE_WHY_LEN];
    uint8_t *member = (uint8_t *)base + row->offset;
    place_add(l->places, member, key, line_of(node));
    switch (row->kind) {
    case OPTION_ENDPOINTS: return endpoints_read(l, row, node, key, base);
    case OPTION_SYMBOLS: return symbols_read(l, row, node, key, (void *)member);
    case OPTION_NUMBERS:
    case OPTION_WORDS:
    case OPTION_VENUES: return scalars_read(l, row, node, key, (void *)member);
    default:
        if (target_find(row->kind) && reference_read(l, row, node, (uint32_t *)(void *)member))
            return true;
        if (target_find(row->kind) || node->type != YAML_SCALAR_NODE)
            break;
        return value_parse(row, text_of(node), len_of(node), member, why) ||
               fault(l, line_of(node), key, "%s", why);
    }
    return fault_shape(l, row, node, key);
}

// --- sections ---

static bool section_read(struct loader *l, uint32_t section, yaml_node_t *node, const char *path,
                         void *base);

static const struct option_row *option_find(uint32_t section, const char *key)
{
    for (uint32_t i = 0; i < option_count; i++)
        if (option_rows[i].section == section && strcmp(option_rows[i].key, key) == 0)
            return &option_rows[i];
    return NULL;
}

static const struct child *child_find(uint32_t section, const char *key)
{
    for (uint32_t i = 0; i < ARRAY_LEN(children); i++)
        if (children[i].parent == section &&
            strcmp(section_rows[children[i].section].key, key) == 0)
            return &children[i];
    return NULL;
}

static bool key_unknown(struct loader *l, uint32_t section, const yaml_node_t *key,
                        const char *path)
{
    const char *wrong = text_of(key);
    struct advice a;
    char shown[48], full[PLACE_KEY_LEN + sizeof shown + 2];
    advice_begin(&a, wrong);
    for (uint32_t i = 0; i < option_count; i++)
        if (option_rows[i].section == section)
            advice_consider(&a, wrong, option_rows[i].key);
    for (uint32_t i = 0; i < ARRAY_LEN(children); i++)
        if (children[i].parent == section)
            advice_consider(&a, wrong, section_rows[children[i].section].key);
    snprintf(full, sizeof full, "%s%s%s", path, *path ? "." : "",
             value_shown(wrong, len_of(key), shown));
    return a.meant ? fault(l, line_of(key), full, "unknown key; did you mean '%s'?", a.meant)
                   : fault(l, line_of(key), full, "unknown key; keys here are%s", a.keys);
}

static bool list_read(struct loader *l, const struct child *child, yaml_node_t *node,
                      const char *path, uint8_t *base)
{
    const struct section_row *row = &section_rows[child->section];
    char key[PLACE_KEY_LEN];
    uint64_t count = 0;
    if (node->type == YAML_SEQUENCE_NODE)
        count = (uint64_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count < 1 || count > row->max)
        return fault(l, line_of(node), path,
                     "takes a list of 1 to %u entries; each begins with '- '", row->max);
    // The count stands before the entries are read: what is freed after an error is in them.
    *(uint32_t *)(void *)(base + child->count_offset) = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++) {
        yaml_node_t *entry =
            yaml_document_get_node(&l->document, node->data.sequence.items.start[i]);
        snprintf(key, sizeof key, "%.40s[%u]", path, (uint32_t)i);
        if (!section_read(l, child->section, entry, key, base + child->offset + i * row->size))
            return false;
    }
    return true;
}

static bool child_read(struct loader *l, const struct child *child, yaml_node_t *node,
                       const char *path, uint8_t *base)
{
    if (section_rows[child->section].max)
        return list_read(l, child, node, path, base);
    return section_read(l, child->section, node, path, base + child->offset);
}

// Defaults of the options that the file leaves out; required ones are an error.
static bool defaults_fill(struct loader *l, uint32_t section, uint32_t line, const char *path,
                          uint8_t *base)
{
    char key[PLACE_KEY_LEN], why[VALUE_WHY_LEN];
    for (uint32_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->section != section || place_find(l->places, base + row->offset))
            continue;
        join(key, path, row->key);
        if (row->fallback == NULL) {
            value_range(row, why, sizeof why);
            return fault(l, line, key, "is missing; it takes %s", why);
        }
        place_add(l->places, base + row->offset, key, line);
        if (target_find(row->kind))
            *(uint32_t *)(void *)(base + row->offset) =
                row->kind == OPTION_VENUES ? 0 : CONFIG_NONE;
        else
            MUST(row->kind == OPTION_SYMBOLS || row->kind == OPTION_NUMBERS ||
                 row->kind == OPTION_WORDS ||
                 value_parse(row, row->fallback, strlen(row->fallback), base + row->offset, why));
    }
    return true;
}

static bool children_complete(struct loader *l, uint32_t section, uint32_t line, const char *path,
                              const bool seen[ARRAY_LEN(children)], uint8_t *base)
{
    char key[PLACE_KEY_LEN];
    for (uint32_t i = 0; i < ARRAY_LEN(children); i++) {
        if (children[i].parent != section || seen[i])
            continue;
        const char *name = section_rows[children[i].section].key;
        join(key, path, name);
        if (children[i].presence == REQUIRED && section_rows[children[i].section].max)
            return fault(l, line, key, "is missing; at least one entry is wanted");
        if (children[i].presence == REQUIRED)
            return fault(l, line, key, "is missing; {} where there are none");
        if (children[i].presence == DEFAULTED &&
            !defaults_fill(l, children[i].section, line, key, base + children[i].offset))
            return false;
    }
    return true;
}

static bool pair_read(struct loader *l, uint32_t section, yaml_node_pair_t *pair, const char *path,
                      bool seen[ARRAY_LEN(children)], uint8_t *base)
{
    const yaml_node_t *key = yaml_document_get_node(&l->document, pair->key);
    yaml_node_t *value = yaml_document_get_node(&l->document, pair->value);
    char full[PLACE_KEY_LEN];
    if (key->type != YAML_SCALAR_NODE || strlen(text_of(key)) != len_of(key))
        return fault(l, line_of(key), *path ? path : "(top)", "a key must be a word");
    const struct option_row *row = option_find(section, text_of(key));
    const struct child *child = child_find(section, text_of(key));
    if (!row && !child)
        return key_unknown(l, section, key, path);
    join(full, path, text_of(key));
    if (row ? place_find(l->places, base + row->offset) != NULL : seen[child - children])
        return fault(l, line_of(key), full, "stands here a second time; remove one");
    if (row)
        return option_read(l, row, value, full, base);
    seen[child - children] = true;
    return child_read(l, child, value, full, base);
}

static bool section_read(struct loader *l, uint32_t section, yaml_node_t *node, const char *path,
                         void *base)
{
    bool seen[ARRAY_LEN(children)] = {false};
    if (node->type != YAML_MAPPING_NODE)
        return fault(l, line_of(node), *path ? path : "(top)",
                     "takes lines of the form 'key: value'");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        if (!pair_read(l, section, pair, path, seen, base))
            return false;
    return defaults_fill(l, section, line_of(node), path, base) &&
           children_complete(l, section, line_of(node), path, seen, base);
}

static bool references_resolve(struct loader *l)
{
    const struct config *c = l->config;
    for (uint32_t i = 0; i < l->reference_count; i++) {
        const struct reference *r = &l->references[i];
        const struct target *t = target_find(r->kind);
        const char *base = (const char *)c;
        const uint32_t count = *(const uint32_t *)(const void *)(base + t->count_offset);
        uint32_t at = 0;
        while (at < count && strcmp(r->name, base + t->offset + (size_t)at * t->step) != 0)
            at++;
        if (at == count) {
            char shown[48];
            return place_fault(l->places, r->index, l->err,
                               "there is no %s '%s'; name one of the section '%s'", t->what,
                               value_shown(r->name, strlen(r->name), shown), t->section);
        }
        *r->index = r->kind == OPTION_VENUES ? *r->index | 1u << at : at;
    }
    return true;
}

// --- file ---

static bool syntax_fault(struct loader *l, const yaml_parser_t *parser)
{
    size_t line = parser->problem_mark.line + 1;
    return error_set(l->err, EXIT_USAGE, "%s:%lu: not YAML: %s%s%s; check indentation and quotes",
                     l->places->file, line, parser->problem ? parser->problem : "cannot be read",
                     parser->context ? " " : "", parser->context ? parser->context : "");
}

static bool document_read(struct loader *l, yaml_parser_t *parser)
{
    yaml_document_t more;
    yaml_node_t *root = yaml_document_get_root_node(&l->document);
    if (root == NULL)
        return error_set(l->err, EXIT_USAGE,
                         "%s:1: the file is empty; it takes ports, lanes and channels "
                         "(docs/configuration.md)",
                         l->places->file);
    if (!section_read(l, ROOT, root, "", l->config) || !references_resolve(l))
        return false;
    if (!yaml_parser_load(parser, &more))
        return syntax_fault(l, parser);
    root = yaml_document_get_root_node(&more);
    bool single =
        root == NULL || fault(l, line_of(root), "---", "a second document; a file holds one");
    yaml_document_delete(&more);
    return single && config_check(l->config, l->places, l->err);
}

static struct loader *loader_new(struct config *config, struct error *err)
{
    struct loader *l = calloc(1, sizeof *l);
    memset(config, 0, sizeof *config);
    config->places = calloc(1, sizeof *config->places);
    MUST(l != NULL && config->places != NULL);
    l->config = config;
    l->err = err;
    l->places = config->places;
    return l;
}

bool config_load_text(struct config *config, const char *name, const char *text, uint64_t len,
                      struct error *err)
{
    struct loader *l = loader_new(config, err);
    yaml_parser_t parser;
    bool ok = false;
    MUST(yaml_parser_initialize(&parser));
    snprintf(l->places->file, sizeof l->places->file, "%s", name);
    config->hash = hash_of(text, len);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &l->document)) {
        ok = document_read(l, &parser);
        yaml_document_delete(&l->document);
    } else {
        syntax_fault(l, &parser);
    }
    yaml_parser_delete(&parser);
    free(l);
    return ok;
}

bool config_defaults(struct config *config, struct error *err)
{
    struct loader *l = loader_new(config, err);
    bool ok = true;
    for (uint32_t i = 0; i < ARRAY_LEN(children) && ok; i++)
        if (children[i].parent == ROOT && children[i].presence == DEFAULTED)
            ok = defaults_fill(l, children[i].section, 0, section_rows[children[i].section].key,
                               (uint8_t *)config + children[i].offset);
    free(l);
    return ok;
}

bool config_load(struct config *config, const char *path, struct error *err)
{
    memset(config, 0, sizeof *config);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return error_set(err, EXIT_FAILED, "%s: %s; name a readable file with --config", path,
                         strerror(errno));
    char *text = malloc(FILE_BYTES_MAX + 1);
    MUST(text != NULL);
    size_t len = fread(text, 1, FILE_BYTES_MAX + 1, file);
    bool ok = !ferror(file) || error_set(err, EXIT_FAILED,
                                         "%s: %s; name a readable file with "
                                         "--config",
                                         path, strerror(errno));
    fclose(file);
    if (ok && len > FILE_BYTES_MAX)
        ok = error_set(err, EXIT_USAGE, "%s: larger than 1 MiB: this is no configuration", path);
    ok = ok && config_load_text(config, path, text, len, err);
    free(text);
    return ok;
}

void config_free(struct config *config)
{
    for (uint32_t i = 0; i < CHANNELS_MAX; i++) {
        free(config->channels[i].filter.names);
        config->channels[i].filter.names = NULL;
    }
    for (uint32_t i = 0; i < SYMBOL_ROWS_MAX; i++) {
        free(config->symbols[i].names.names);
        config->symbols[i].names.names = NULL;
    }
    for (uint32_t i = 0; i < STRATEGY_NOBODY; i++) {
        free(config->strategies[i].symbols.names);
        config->strategies[i].symbols.names = NULL;
    }
    free(config->places);
    config->places = NULL;
}
