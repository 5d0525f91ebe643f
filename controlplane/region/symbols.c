#include "controlplane/region/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "controlplane/region/snapshot.h"

static void copy_rows(const struct region_view *view, void *context)
{
    struct symbol_table *table = context;
    uint64_t count = 0;
    for (uint32_t channel = 0; channel < view->shape.channels; channel++) {
        const struct symbol_top *tops = region_tops(view, channel);
        const struct symbol_name *names = region_names(view, channel);
        for (uint32_t slot = 0; slot < view->shape.symbols[channel]; slot++) {
            struct symbol_row *row = &table->rows[count];
            row->locate = symbol_name_read(&names[slot], row->name);
            if (row->locate == 0)
                continue;
            row->torn = !symbol_top_read(&tops[slot], &row->top);
            row->channel = (uint8_t)channel;
            row->chosen = false;
            count++;
        }
    }
    table->count = count;
}

int symbol_row_compare(const void *pa, const void *pb)
{
    const struct symbol_row *a = pa, *b = pb;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->channel > b->channel) - (a->channel < b->channel);
}

bool symbol_table_copy(struct symbol_table *table, struct contact *contact)
{
    table->count = 0;
    if (!contact_attached(contact))
        return false;
    uint64_t most = region_symbols(&contact->reader.view.shape);
    if (most > table->capacity) {
        free(table->rows);
        table->capacity = 0;
        table->rows = aligned_alloc(_Alignof(struct symbol_row), most * sizeof *table->rows);
        if (table->rows == NULL)
            return false;
        table->capacity = most;
    }
    if (!contact_pass(contact, copy_rows, table)) {
        table->count = 0;
        return false;
    }
    for (uint64_t i = 0; i < table->count; i++)
        text_clean(table->rows[i].name, sizeof table->rows[i].name);
    if (table->count)
        qsort(table->rows, table->count, sizeof *table->rows, symbol_row_compare);
    return true;
}

void symbol_table_free(struct symbol_table *table)
{
    free(table->rows);
    memset(table, 0, sizeof *table);
}

struct symbol_row *symbol_table_find(const struct symbol_table *table, const char *name,
                                     uint64_t *count)
{
    uint64_t low = 0, high = table->count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (strcmp(table->rows[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < table->count && strcmp(table->rows[low + *count].name, name) == 0)
        ++*count;
    return *count ? &table->rows[low] : NULL;
}

const struct symbol_row *symbol_table_get(const struct symbol_table *table, const char *name,
                                          int channel)
{
    uint64_t count;
    const struct symbol_row *first = symbol_table_find(table, name, &count);
    for (uint64_t i = 0; i < count; i++)
        if (channel < 0 || first[i].channel == channel)
            return &first[i];
    return NULL;
}

const char *symbol_table_name(const struct symbol_table *table, uint32_t channel, uint32_t locate)
{
    for (uint64_t i = 0; i < table->count; i++)
        if (table->rows[i].channel == channel && table->rows[i].locate == locate)
            return table->rows[i].name;
    return "";
}
