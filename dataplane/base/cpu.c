#include "dataplane/base/cpu.h"

#include <numa.h>
#include <sched.h>
#include <stdio.h>

bool cpu_allowed(uint32_t core)
{
    cpu_set_t set;
    return core < CPU_SETSIZE && sched_getaffinity(0, sizeof set, &set) == 0 &&
           CPU_ISSET(core, &set);
}

int cpu_node(uint32_t core)
{
    return numa_available() < 0 ? -1 : numa_node_of_cpu((int)core);
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
