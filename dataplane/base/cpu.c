#include "dataplane/base/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

// A list of the kernel's ("0-3,8") names <core>.
static bool list_has(const char *path, uint32_t core)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    for (char *at = line; read && *at && *at != '\n'; at += *at == ',') {
        unsigned long first = strtoul(at, &at, 10);
        unsigned long last = *at == '-' ? strtoul(at + 1, &at, 10) : first;
        if (core >= first && core <= last)
            return true;
        if (*at != ',')
            break;
    }
    return false;
}

bool cpu_exists(uint32_t core)
{
    return list_has("/sys/devices/system/cpu/online", core);
}

// DPDK pins the thread that starts it, so the first answer is kept: it is about the process.
static const cpu_set_t *allowed(void)
{
    static cpu_set_t set;
    static bool known;
    if (!known)
        known = sched_getaffinity(0, sizeof set, &set) == 0;
    return &set;
}

bool cpu_allowed(uint32_t core)
{
    return core < CPU_SETSIZE && CPU_ISSET(core, allowed());
}

int cpu_node(uint32_t core)
{
    return numa_available() < 0 ? -1 : numa_node_of_cpu((int)core);
}

bool cpu_siblings(uint32_t core, uint32_t other)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
             core);
    return core != other && list_has(path, other);
}

bool cpu_take(uint32_t core, bool alone)
{
    char path[64];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u", core);
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return true; // open until the process ends
    const bool taken = errno == EWOULDBLOCK;
    close(fd);
    return !taken;
}

void cpu_allowed_text(char *text, size_t len)
{
    size_t at = 0;
    text[0] = '\0';
    for (uint32_t core = 0; core < CPU_SETSIZE; core++) {
        uint32_t last = core;
        if (!cpu_allowed(core))
            continue;
        while (cpu_allowed(last + 1))
            last++;
        int n = last > core ? snprintf(text + at, len - at, "%s%u-%u", at ? "," : "", core, last)
                            : snprintf(text + at, len - at, "%s%u", at ? "," : "", core);
        if (n < 0 || (size_t)n >= len - at)
            return;
        at += (size_t)n;
        core = last;
    }
}
