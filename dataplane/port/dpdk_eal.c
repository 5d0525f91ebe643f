// DPDK's environment: arguments from the configuration, lcores.
#include "dataplane/port/eal.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

enum { ARGS_MAX = 64, ARG_LEN = 256 };

struct arguments {
    char text[ARGS_MAX][ARG_LEN];
    char *argv[ARGS_MAX + 1];
    int count;
};

static void arg_add(struct arguments *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void arg_add(struct arguments *a, const char *fmt, ...)
{
    va_list ap;
    if (a->count == ARGS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(a->text[a->count], ARG_LEN, fmt, ap);
    va_end(ap);
    a->argv[a->count] = a->text[a->count];
    a->argv[++a->count] = NULL;
}

static bool is_vdev(const char *device)
{
    return !isxdigit((unsigned char)device[0]) || strncmp(device, "net_", 4) == 0;
}

bool eal_start(const struct eal_config *config, struct error *err)
{
    static struct arguments a;
    char cores[ARG_LEN];
    int len = snprintf(cores, sizeof cores, "%u", config->main_core);
    bool pci = false;
    for (uint32_t i = 0; i < config->core_count; i++)
        len += snprintf(cores + len, sizeof cores - (size_t)len, ",%u", config->cores[i]);
    arg_add(&a, "tickgate-dataplane");
    arg_add(&a, "--lcores=%s", cores);
    arg_add(&a, "--main-lcore=%u", config->main_core);
    arg_add(&a, "--no-telemetry");
    arg_add(&a, "--log-level=%s", config->verbose ? "lib.*:info" : "*:error");
    if (config->huge_pages) {
        arg_add(&a, "--in-memory");
        arg_add(&a, "--single-file-segments"); // zero-copy memif and virtio_user need it
    } else {
        arg_add(&a, "--no-huge");
        arg_add(&a, "--no-shconf");
        arg_add(&a, "-m%u", config->memory_mib);
    }
    for (uint32_t i = 0; i < config->device_count; i++) {
        pci |= !is_vdev(config->devices[i]);
        arg_add(&a, is_vdev(config->devices[i]) ? "--vdev=%s" : "--allow=%s", config->devices[i]);
    }
    if (!pci)
        arg_add(&a, "--no-pci");
    signal(SIGPIPE, SIG_IGN); // virtio_user raises it when its peer dies
    if (rte_eal_init(a.count, a.argv) >= 0)
        return true;
    return error_set(err, EXIT_FAILED,
                     "DPDK does not start (%s): a device that does not exist, too few huge pages, "
                     "or no permission; see "
                     "the lines above, and try huge_pages: false to tell memory from devices",
                     rte_strerror(rte_errno));
}

void eal_stop(void)
{
    rte_eal_cleanup();
}

bool eal_launch(uint32_t core, int (*fn)(void *), void *arg, struct error *err)
{
    int failed = rte_eal_remote_launch(fn, arg, core);
    return failed == 0 || error_set(err, EXIT_FAILED, "core %u: the lane does not start: %s", core,
                                    strerror(-failed));
}

void eal_join(uint32_t core)
{
    rte_eal_wait_lcore(core);
}
