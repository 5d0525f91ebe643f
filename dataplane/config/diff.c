#include "dataplane/config/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "dataplane/abi/limit_control.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"
#include "dataplane/config/reference.h"

enum { DEPTH_MAX = 8 };

// One value: a scalar, or a list of them joined by commas.
struct flat {
    char key[CONFIG_KEY_LEN];
    char *text;
};

struct flats {
    struct flat *rows;
    uint32_t count, room;
    yaml_document_t document;
};

// --- what a key takes ---

// Sections and keys of the control plane; what ends with a dot stands for all of it.
static const char *const of_controlplane[] = {"control.",
                                              "http.",
                                              "store.",
                                              "trace.",
                                              "drop_copies[",
                                              "journal.",
                                              "capture.directory",
                                              "capture.file_size",
                                              "capture.keep_size",
                                              "node.control_socket"};
static const char *const live[] = {"control.second_person", "control.raise_max_ms"};

static bool begins(const char *key, const char *with)
{
    return strncmp(key, with, strlen(with)) == 0;
}

// A limit that can be set while it runs, of the scope that the key's section stands for.
static bool limit_key(const char *key)
{
    static const struct {
        const char *section, *part;
        enum trade_scope scope;
    } places[] = {
        {"trading.", "limits.", TRADE_FIRM},       {"trading.", "actions.", TRADE_FIRM},
        {"accounts[", "].limits.", TRADE_ACCOUNT}, {"strategies[", "].limits.", TRADE_STRATEGY},
        {"sessions[", "].limits.", TRADE_SESSION}, {"symbols[", "].limits.", TRADE_SYMBOL},
        {"clients[", "].limits.", TRADE_STRATEGY}, {"sessions[", "].", TRADE_SESSION},
        {"symbols[", "].", TRADE_SYMBOL}};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *part = begins(key, places[i].section)
                               ? strstr(key + strlen(places[i].section), places[i].part)
                               : NULL;
        const char *word = part ? part + strlen(places[i].part) : NULL;
        const enum limit_control control =
            word ? limit_control_find(places[i].scope, word) : LIMIT_CONTROL_NONE;
        // quantity of a session is its limits' key, rate_per_s its own.
        const enum limit_section section =
            control == LIMIT_CONTROL_NONE ? LIMIT_LIMITS : limit_control_table[control].section;
        const bool inside = strstr(places[i].part, "limits");
        const bool action = strstr(places[i].part, "actions");
        if (control != LIMIT_CONTROL_NONE && inside == (section == LIMIT_LIMITS) &&
            action == (section == LIMIT_ACTIONS))
            return true;
    }
    return false;
}

enum config_takes config_takes(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(live); i++)
        if (strcmp(key, live[i]) == 0)
            return CONFIG_TAKES_NOTHING;
    for (size_t i = 0; i < ARRAY_LEN(of_controlplane); i++)
        if (begins(key, of_controlplane[i]))
            return CONFIG_TAKES_CONTROLPLANE;
    return limit_key(key) ? CONFIG_TAKES_NOTHING : CONFIG_TAKES_DATAPLANE;
}

const char *config_takes_text(enum config_takes takes)
{
    static const char *const texts[] = {"live", "restart of tickgate-controlplane",
                                        "restart of tickgate-dataplane"};
    return texts[takes];
}

// --- one value a row ---

static const char *scalar(yaml_document_t *document, int index)
{
    const yaml_node_t *node = yaml_document_get_node(document, index);
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static void row_add(struct flats *f, const char *key, char *text)
{
    if (f->count == f->room) {
        f->room = f->room ? f->room * 2 : 256;
        f->rows = realloc(f->rows, f->room * sizeof *f->rows);
    }
    MUST(f->rows != NULL && text != NULL);
    snprintf(f->rows[f->count].key, CONFIG_KEY_LEN, "%s", key);
    f->rows[f->count++].text = text;
}

static char *joined(struct flats *f, const yaml_node_t *list)
{
    size_t len = 1;
    for (const int *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++)
        len += scalar(&f->document, *i) ? strlen(scalar(&f->document, *i)) + 1 : 0;
    char *text = calloc(1, len), *to = text;
    MUST(text != NULL);
    for (const int *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++)
        if (scalar(&f->document, *i))
            to += sprintf(to, "%s%s", to > text ? "," : "", scalar(&f->document, *i));
    return text;
}

static void flatten(struct flats *f, int index, const char *path, uint32_t depth);

// By its name, or the first of its names, else by its number.
static void item_key(struct flats *f, int index, const char *path, uint32_t number,
                     char key[CONFIG_KEY_LEN])
{
    const yaml_node_t *node = yaml_document_get_node(&f->document, index);
    const char *name = NULL;
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
         node->type == YAML_MAPPING_NODE && p < node->data.mapping.pairs.top; p++) {
        const char *word = scalar(&f->document, p->key);
        const yaml_node_t *value = yaml_document_get_node(&f->document, p->value);
        if (word && strcmp(word, "name") == 0)
            name = scalar(&f->document, p->value);
        else if (word && strcmp(word, "names") == 0 && value->type == YAML_SEQUENCE_NODE &&
                 value->data.sequence.items.top > value->data.sequence.items.start)
            name = scalar(&f->document, value->data.sequence.items.start[0]);
    }
    if (name)
        snprintf(key, CONFIG_KEY_LEN, "%s[%.31s]", path, name);
    else
        snprintf(key, CONFIG_KEY_LEN, "%s[%u]", path, number);
}

static void list_flatten(struct flats *f, const yaml_node_t *node, const char *path, uint32_t depth)
{
    const int *items = node->data.sequence.items.start;
    const uint32_t count = (uint32_t)(node->data.sequence.items.top - items);
    char key[CONFIG_KEY_LEN];
    if (count == 0 || scalar(&f->document, items[0])) {
        row_add(f, path, joined(f, node));
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        item_key(f, items[i], path, i, key);
        flatten(f, items[i], key, depth + 1);
    }
}

static void flatten(struct flats *f, int index, const char *path, uint32_t depth)
{
    const yaml_node_t *node = yaml_document_get_node(&f->document, index);
    char key[CONFIG_KEY_LEN];
    MUST(depth < DEPTH_MAX); // no good configuration is as deep
    switch (node->type) {
    case YAML_SCALAR_NODE: row_add(f, path, strdup((const char *)node->data.scalar.value)); return;
    case YAML_SEQUENCE_NODE: list_flatten(f, node, path, depth); return;
    case YAML_MAPPING_NODE:
        for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
             p < node->data.mapping.pairs.top; p++) {
            const int n = snprintf(key, sizeof key, "%s%s%s", path, *path ? "." : "",
                                   scalar(&f->document, p->key));
            MUST(n > 0);
            flatten(f, p->value, key, depth + 1);
        }
        return;
    default: return;
    }
}

static int by_key(const void *left, const void *right)
{
    return strcmp(((const struct flat *)left)->key, ((const struct flat *)right)->key);
}

static void flats_make(struct flats *f, const char *text, uint64_t len)
{
    yaml_parser_t parser;
    memset(f, 0, sizeof *f);
    MUST(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    MUST(yaml_parser_load(&parser, &f->document)); // it was loaded before
    flatten(f, 1, "", 0);                          // the root is the first node
    yaml_document_delete(&f->document);
    yaml_parser_delete(&parser);
    if (f->count)
        qsort(f->rows, f->count, sizeof *f->rows, by_key);
}

static void flats_free(struct flats *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        free(f->rows[i].text);
    free(f->rows);
}

// What opens something is not shown to whoever looks.
static void shown(char out[CONFIG_TEXT_LEN], const char *key, const struct flat *row)
{
    const bool secret = strstr(key, "password") || strstr(key, "store.connection");
    snprintf(out, CONFIG_TEXT_LEN, "%s", row == NULL ? "" : secret ? "(hidden)" : row->text);
}

static bool has_reference(const struct flats *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (strcmp(f->rows[i].key, "day.reference") == 0)
            return *f->rows[i].text != 0;
    return false;
}

// What reference data of the day replace: live it would be in force over the file.
static bool of_reference(const char *key)
{
    const char *word = begins(key, "symbols[") ? strrchr(key, '.') : NULL;
    return word && reference_has(word + 1);
}

uint32_t config_diff(const char *was, uint64_t was_len, const char *now, uint64_t now_len,
                     struct config_difference *out, uint32_t max)
{
    struct flats a, b;
    uint32_t count = 0;
    flats_make(&a, was, was_len);
    flats_make(&b, now, now_len);
    const bool reference = has_reference(&b);
    for (uint32_t i = 0, k = 0; i < a.count || k < b.count;) {
        const int order = i == a.count   ? 1
                          : k == b.count ? -1
                                         : strcmp(a.rows[i].key, b.rows[k].key);
        const struct flat *left = order <= 0 ? &a.rows[i++] : NULL;
        const struct flat *right = order >= 0 ? &b.rows[k++] : NULL;
        if (left && right && strcmp(left->text, right->text) == 0)
            continue;
        if (count < max) {
            struct config_difference *d = &out[count];
            snprintf(d->key, sizeof d->key, "%s", left ? left->key : right->key);
            shown(d->was, d->key, left);
            shown(d->now, d->key, right);
            d->takes =
                reference && of_reference(d->key) ? CONFIG_TAKES_DATAPLANE : config_takes(d->key);
        }
        count++;
    }
    flats_free(&a);
    flats_free(&b);
    return count;
}
