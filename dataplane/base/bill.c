#include <string.h>

#include "dataplane/base/log.h"
#include "dataplane/base/memory.h"

static const uint64_t mib = 1 << 20;

void bill_add(struct memory_bill *bill, const char *name, uint64_t bytes, uint64_t page_size,
              int node)
{
    if (bill->count == BILL_ITEMS_MAX) { // the total stays right
        bill->items[BILL_ITEMS_MAX - 1].bytes += bytes;
        return;
    }
    struct memory_bill_item *item = &bill->items[bill->count++];
    snprintf(item->name, sizeof item->name, "%s", name);
    item->bytes = bytes;
    item->page_size = page_size;
    item->node = node;
}

uint64_t bill_total(const struct memory_bill *bill)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < bill->count; i++)
        total += bill->items[i].bytes;
    return total;
}

void bill_print(const struct memory_bill *bill, FILE *out)
{
    fprintf(out, "memory bill\n  %-48s %14s  %8s  %4s\n", "", "size", "pages", "node");
    for (uint32_t i = 0; i < bill->count; i++) {
        const struct memory_bill_item *item = &bill->items[i];
        char node[16] = "any";
        if (item->node >= 0)
            snprintf(node, sizeof node, "%d", item->node);
        fprintf(out, "  %-48s %10.2f MiB  %4lu %s  %4s\n", item->name,
                (double)item->bytes / (double)mib,
                item->page_size >= mib ? item->page_size / mib : item->page_size / 1024,
                item->page_size >= mib ? "MiB" : "KiB", node);
    }
    fprintf(out, "  %-48s %10.2f MiB\n", "total", (double)bill_total(bill) / (double)mib);
    fflush(out);
}

static const struct memory_bill_item *largest_of(const struct memory_bill *bill)
{
    const struct memory_bill_item *largest = &bill->items[0];
    for (uint32_t i = 1; i < bill->count; i++)
        if (bill->items[i].bytes > largest->bytes)
            largest = &bill->items[i];
    return largest;
}

void bill_log(const struct memory_bill *bill)
{
    const struct memory_bill_item *largest = largest_of(bill);
    const uint64_t total = bill_total(bill);
    log_info(LOG_MEMORY_BILL,
             LOG_FIELDS(LOG_NUMBER("bytes", total), LOG_TEXT("largest", largest->name),
                        LOG_NUMBER("largest_bytes", largest->bytes)),
             "%.2f MiB in %u items, the largest is '%s' with %.2f MiB", (double)total / (double)mib,
             bill->count, largest->name, (double)largest->bytes / (double)mib);
}

bool bill_check(const struct memory_bill *bill, uint64_t limit, struct error *err)
{
    uint64_t total = bill_total(bill);
    if (total <= limit)
        return true;
    const struct memory_bill_item *largest = largest_of(bill);
    return error_set(err, EXIT_USAGE,
                     "the configuration needs %lu MiB, the limit is %lu MiB; the largest "
                     "item is '%s' with %lu MiB: lower it (orders, levels, hold_frames) or raise "
                     "the limit",
                     (total + mib - 1) / mib, limit / mib, largest->name, largest->bytes / mib);
}
