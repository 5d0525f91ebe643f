#include "bench/latency/kernel.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/clock.h"

enum { TEXT_MAX = 256 << 10 }; // /proc/interrupts of a machine with many cores

// --- reading ---

static const char *file_text(int fd)
{
    static char text[TEXT_MAX];
    size_t len = 0;
    ssize_t got;
    while (fd >= 0 && len < sizeof text - 1 &&
           (got = pread(fd, text + len, sizeof text - 1 - len, (off_t)len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    return text;
}

static const char *next_line(const char *at)
{
    at = strchr(at, '\n');
    return at ? at + 1 : NULL;
}

// The <index>th word of a line is a number, from 0 on.
static uint64_t word_number(const char *at, uint32_t index)
{
    for (uint32_t i = 0;; i++) {
        while (*at == ' ')
            at++;
        if (i == index)
            return strtoull(at, NULL, 10);
        while (*at && *at != ' ' && *at != '\n')
            at++;
        if (*at != ' ')
            return 0;
    }
}

// The column of a core: the first line names those that are online ("CPU0 CPU1 ...").
static uint32_t column_of(const char *text, uint32_t core)
{
    char name[16];
    snprintf(name, sizeof name, "CPU%u", core);
    const size_t len = strlen(name);
    uint32_t column = 0;
    for (const char *at = text; *at && *at != '\n'; at++) {
        if (*at != 'C')
            continue;
        column++;
        if (strncmp(at, name, len) == 0 && !isdigit((unsigned char)at[len]))
            return column;
    }
    return 0;
}

static uint64_t interrupts_of(const char *text, uint32_t core)
{
    const uint32_t column = column_of(text, core); // behind the word with the interrupt's name
    uint64_t sum = 0;
    for (const char *line = next_line(text); column && line && *line; line = next_line(line))
        sum += word_number(line, column);
    return sum;
}

uint64_t kernel_core_interrupts(uint32_t core)
{
    const int fd = open("/proc/interrupts", O_RDONLY | O_CLOEXEC);
    const uint64_t sum = interrupts_of(file_text(fd), core);
    if (fd >= 0)
        close(fd);
    return sum;
}

// The line that begins with <name>, behind it.
static const char *line_of(const char *text, const char *name)
{
    const size_t len = strlen(name);
    for (const char *line = text; line && *line; line = next_line(line))
        if (strncmp(line, name, len) == 0)
            return line + len;
    return "";
}

bool kernel_core_time(uint32_t core, uint64_t ticks[KERNEL_TIMES])
{
    char name[16];
    const int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    snprintf(name, sizeof name, "cpu%u ", core);
    const char *line = line_of(file_text(fd), name);
    if (fd >= 0)
        close(fd);
    for (uint32_t kind = 0; kind < KERNEL_TIMES; kind++)
        ticks[kind] = word_number(line, kind);
    return *line != 0;
}

// --- the watch ---

static int thread_file(int thread, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", thread, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

bool kernel_watch_open(struct kernel_watch *w, uint32_t core, int thread)
{
    *w = (struct kernel_watch){
        .core = core,
        .interrupts = open("/proc/interrupts", O_RDONLY | O_CLOEXEC),
        .status = thread_file(thread, "status"),
        .stat = thread_file(thread, "stat"),
        .looks = malloc(KERNEL_LOOKS_MAX * sizeof *w->looks),
    };
    return w->looks != NULL;
}

void kernel_watch_look(struct kernel_watch *w)
{
    if (w->count == KERNEL_LOOKS_MAX)
        return;
    struct kernel_look *look = &w->looks[w->count++];
    uint64_t ticks[KERNEL_TIMES];
    look->counts.interrupts = interrupts_of(file_text(w->interrupts), w->core);
    kernel_core_time(w->core, ticks);
    look->counts.steal_ticks = ticks[KERNEL_STEAL];
    const char *status = file_text(w->status);
    look->counts.yields = strtoull(line_of(status, "voluntary_ctxt_switches:"), NULL, 10);
    look->counts.preemptions = strtoull(line_of(status, "nonvoluntary_ctxt_switches:"), NULL, 10);
    // proc(5): the name in brackets may hold spaces; minflt is the eighth word behind it.
    const char *stat = strrchr(file_text(w->stat), ')');
    look->counts.faults = stat ? word_number(stat + 1, 7) + word_number(stat + 1, 9) : 0;
    look->tsc = clock_tsc();
}

uint64_t kernel_watch_between(const struct kernel_watch *w, uint64_t from, uint64_t to,
                              struct kernel_counts *out)
{
    uint32_t low = 0, high = w->count; // the first look behind <to>
    *out = (struct kernel_counts){0};
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (w->looks[middle].tsc < to)
            low = middle + 1;
        else
            high = middle;
    }
    const uint32_t after = low;
    while (low > 0 && w->looks[low - 1].tsc > from)
        low--;
    if (after == w->count || low == 0)
        return 0;
    const struct kernel_look *a = &w->looks[low - 1], *b = &w->looks[after];
    *out = (struct kernel_counts){
        .interrupts = b->counts.interrupts - a->counts.interrupts,
        .faults = b->counts.faults - a->counts.faults,
        .yields = b->counts.yields - a->counts.yields,
        .preemptions = b->counts.preemptions - a->counts.preemptions,
        .steal_ticks = b->counts.steal_ticks - a->counts.steal_ticks,
    };
    return b->tsc - a->tsc;
}

void kernel_watch_close(struct kernel_watch *w)
{
    const int files[] = {w->interrupts, w->status, w->stat};
    for (uint32_t i = 0; w->looks && i < sizeof files / sizeof *files; i++)
        if (files[i] >= 0)
            close(files[i]);
    free(w->looks);
    w->looks = NULL;
}
