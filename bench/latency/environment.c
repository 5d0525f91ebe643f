#include "bench/latency/kernel.h"
#include "bench/latency/measure.h"
#include "bench/latency/quiet.h"
#include "dataplane/port/eal.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>

enum { BUSY_LOOK_US = 300000, BUSY_PERCENT = 10, STEP_NS = 5 };

// First line of a file without its end; "" when it cannot be read.
static void line_read(const char *path, char *out, size_t len)
{
    FILE *file = fopen(path, "r");
    out[0] = 0;
    if (file && fgets(out, (int)len, file))
        out[strcspn(out, "\n")] = 0;
    if (file)
        fclose(file);
}

static void cpuinfo_read(const char *key, char *out, size_t len)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "r");
    out[0] = 0;
    while (file && out[0] == 0 && fgets(line, sizeof line, file)) {
        char *value = strchr(line, ':');
        if (value && strncmp(line, key, strlen(key)) == 0)
            snprintf(out, len, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
    }
    if (file)
        fclose(file);
}

static void governor_read(int core, char *out, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", core);
    line_read(path, out, len);
}

// Nothing that is read here holds quotes or control characters but the kernel's command line.
static void field(FILE *out, const char *indent, const char *name, const char *value,
                  const char *end)
{
    fprintf(out, "%s  \"%s\": \"", indent, name);
    for (const char *c = value; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if ((unsigned char)*c >= ' ')
            putc(*c, out);
    fprintf(out, "\"%s\n", end);
}

void environment_write(FILE *out, const char *indent)
{
    char text[4096];
    struct utsname name;
    uname(&name);
    fprintf(out, "{\n");
    field(out, indent, "version", TICKGATE_VERSION, ",");
    field(out, indent, "compiler", __VERSION__, ",");
    field(out, indent, "kernel", name.release, ",");
    cpuinfo_read("model name", text, sizeof text);
    field(out, indent, "cpu", text, ",");
    cpuinfo_read("microcode", text, sizeof text);
    field(out, indent, "microcode", text, ",");
    line_read("/proc/cmdline", text, sizeof text);
    field(out, indent, "kernel_command_line", text, ",");
    line_read("/sys/devices/system/cpu/isolated", text, sizeof text);
    field(out, indent, "isolated_cores", text, ",");
    snprintf(text, sizeof text, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    field(out, indent, "cores", text, ",");
    governor_read(sched_getcpu(), text, sizeof text);
    field(out, indent, "governor", text, ",");
    line_read("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", text, sizeof text);
    field(out, indent, "huge_pages_2mib", text, ",");
    cards_print(text, sizeof text);
    field(out, indent, "network_cards", text, ",");
    field(out, indent, "dpdk", eal_version(), "");
    fprintf(out, "%s}", indent);
}

// How much of <core> others take while we sleep, in percent; looked at once, before anything runs.
static unsigned core_busy(int core)
{
    static unsigned percent;
    static bool looked;
    uint64_t before[KERNEL_TIMES], after[KERNEL_TIMES], all = 0, idle = 0;
    if (looked)
        return percent;
    looked = true;
    if (!kernel_core_time((uint32_t)core, before) || usleep(BUSY_LOOK_US) != 0 ||
        !kernel_core_time((uint32_t)core, after))
        return 0;
    for (uint32_t kind = 0; kind < KERNEL_TIMES; kind++) {
        all += after[kind] - before[kind];
        if (kind == KERNEL_IDLE || kind == KERNEL_IOWAIT)
            idle += after[kind] - before[kind];
    }
    percent = all ? (unsigned)(100 - 100 * idle / all) : 0;
    return percent;
}

// Others wait for a core that is not theirs alone until the kernel gives it to them for a while.
static uint32_t first_warn(FILE *out)
{
    char us[32];
    const bool ahead = sched_getscheduler(0) != SCHED_OTHER;
    const bool may = ahead || thread_first(true);
    if (!ahead)
        thread_first(false);
    line_read("/proc/sys/kernel/sched_rt_runtime_us", us, sizeof us);
    if (!may || us[0] == '-')
        return 0;
    return fprintf(out, "warning: measured with a real-time priority: others who want the core "
                        "get it for up to 50 ms of a second, in one piece; in an open loop that "
                        "is p95 and above\n") > 0;
}

uint32_t environment_warn(FILE *out, int core, bool first, uint64_t step_ns)
{
    char text[4096], flags[4096];
    uint32_t n = 0;
    line_read("/sys/devices/system/cpu/isolated", text, sizeof text);
    if (text[0] == 0)
        n += fprintf(out,
                     "warning: no core is isolated: others run on core %d too; the tail is "
                     "theirs (isolcpus=)\n",
                     core) > 0;
    if (text[0] == 0 && first)
        n += first_warn(out);
    if (step_ns >= STEP_NS)
        n += fprintf(out, "warning: the clock steps by %lu ns: no figure is finer\n", step_ns) > 0;
    if (core_busy(core) > BUSY_PERCENT)
        n += fprintf(out, "warning: others took %u %% of core %d before the run began\n",
                     core_busy(core), core) > 0;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 3)
        n += fprintf(out,
                     "warning: %ld cores: a lane and an exchange leave none for the rest of the "
                     "machine\n",
                     sysconf(_SC_NPROCESSORS_ONLN)) > 0;
    cpuinfo_read("flags", flags, sizeof flags);
    if (strstr(flags, " hypervisor"))
        n += fprintf(out, "warning: a virtual machine: pauses of its host are in every figure\n") >
             0;
    governor_read(core, text, sizeof text);
    if (text[0] && strcmp(text, "performance") != 0)
        n += fprintf(out, "warning: core %d runs by governor '%s', not 'performance'\n", core,
                     text) > 0;
    line_read("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", text, sizeof text);
    if (atoi(text) == 0)
        n += fprintf(out, "warning: no free huge pages: tables are in ordinary memory, and "
                          "slower\n") > 0;
    return n;
}
