// DPDK's environment: arguments from the configuration, devices, lcores.
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/unix_path.h"
#include "dataplane/port/dpdk_compat.h"
#include "dataplane/port/eal.h"

enum { ARGS_MAX = 64, ARG_LEN = 512 };

struct arguments {
    char text[ARGS_MAX][ARG_LEN];
    char *argv[ARGS_MAX + 1];
    int count;
};

// Core of lcore i + 1; lcore 0 is the main one. Numbers of lcores are not those of cores, so that a
// lane may share the main core of a small machine.
static uint32_t lane_cores[LANES_MAX];
static uint32_t lane_count;

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

bool eal_is_pci(const char *device)
{
    unsigned domain, bus, slot, function;
    char behind = ',';
    int n = sscanf(device, "%x:%x:%x.%x%c", &domain, &bus, &slot, &function, &behind);
    if (n < 4)
        n = 1 + sscanf(device, "%x:%x.%x%c", &bus, &slot, &function, &behind);
    return n >= 4 && behind == ',';
}

// --- devices ---

// A card that is not there, or belongs to the kernel: said here, where the cause is known.
static bool pci_check(const char *device, struct error *err)
{
    char path[128], target[256];
    int len = (int)strcspn(device, ",");
    const char *domain = strchr(device, ':') != strrchr(device, ':') ? "" : "0000:";
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s%.*s", domain, len, device);
    if (access(path, F_OK) != 0)
        return error_set(err, EXIT_FAILED,
                         "there is no PCI device %.*s; dpdk-devbind.py --status "
                         "lists those of this machine",
                         len, device);
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s%.*s/driver", domain, len, device);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    const char *driver = strrchr(target, '/') ? strrchr(target, '/') + 1 : "none";
    // Mellanox cards are driven through their kernel driver.
    static const char *const usable[] = {"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core",
                                         "mlx4_core"};
    for (size_t i = 0; i < sizeof usable / sizeof usable[0]; i++)
        if (strcmp(driver, usable[i]) == 0)
            return true;
    return error_set(err, EXIT_FAILED,
                     "PCI device %.*s is bound to driver '%s'; bind it with "
                     "dpdk-devbind.py -b vfio-pci %.*s",
                     len, device, driver, len, device);
}

// Drivers over a kernel interface do not say that it is the interface that is missing.
static bool interface_check(const char *device, struct error *err)
{
    char path[128];
    const char *name = strstr(device, ",iface=");
    if (name == NULL || strncmp(device, "net_vhost", strlen("net_vhost")) == 0)
        return true; // vhost's is the path of its socket
    name += strlen(",iface=");
    const int len = (int)strcspn(name, ",");
    snprintf(path, sizeof path, "/sys/class/net/%.*s", len, name);
    if (access(path, F_OK) == 0)
        return true;
    return error_set(err, EXIT_FAILED,
                     "there is no network interface '%.*s'; `ip link` lists those of this machine",
                     len, name);
}

static bool devices_check(const struct eal_config *config, uint32_t *device, struct error *err)
{
    for (uint32_t i = 0; i < config->device_count; i++) {
        const char *name = config->devices[i];
        if (eal_is_pci(name) ? !pci_check(name, err) : !interface_check(name, err)) {
            *device = i;
            return false;
        }
    }
    return true;
}

// What a driver returns is mostly not the cause.
bool eal_attach(const char *device, struct error *err)
{
    unix_path_clear_memif(device);
    return rte_dev_probe(device) == 0 ||
           error_set(err, EXIT_FAILED,
                     "'%s' does not open; check the driver's name and arguments, the socket it "
                     "names, and permissions",
                     device);
}

// One after the other, so that the one that fails can be named.
static bool vdevs_attach(const struct eal_config *config, uint32_t *at, struct error *err)
{
    for (uint32_t i = 0; i < config->device_count; i++) {
        const char *device = config->devices[i];
        if (eal_is_pci(device) || eal_attach(device, err))
            continue;
        *at = i;
        return false;
    }
    return true;
}

// --- environment ---

static void cores_add(struct arguments *a, const struct eal_config *config)
{
    char cores[ARG_LEN];
    int len = snprintf(cores, sizeof cores, "0@%u", config->main_core);
    lane_count = config->core_count;
    for (uint32_t i = 0; i < lane_count; i++) {
        lane_cores[i] = config->cores[i];
        len += snprintf(cores + len, sizeof cores - (size_t)len, ",%u@%u", i + 1, lane_cores[i]);
    }
    arg_add(a, "--lcores=%s", cores);
    arg_add(a, "--main-lcore=0");
}

static void arguments_make(struct arguments *a, const struct eal_config *config)
{
    bool pci = false;
    memset(a, 0, sizeof *a);
    arg_add(a, "tickgate-dataplane");
    cores_add(a, config);
    arg_add(a, "--no-telemetry");
    arg_add(a, "--log-level=%s", config->verbose ? "lib.*:info" : "*:error");
    if (config->huge_pages) {
        arg_add(a, "--in-memory");
        arg_add(a, "--single-file-segments"); // zero-copy memif and virtio_user need it
        if (config->reserved_mib)
            arg_add(a, "-m%u", config->reserved_mib);
    } else {
        arg_add(a, "--no-huge");
        arg_add(a, "--no-shconf");
        arg_add(a, "-m%u", config->memory_mib);
    }
    for (uint32_t i = 0; i < config->device_count; i++) {
        if (!eal_is_pci(config->devices[i]))
            continue;
        arg_add(a, "--allow=%s", config->devices[i]);
        pci = true;
    }
    if (!pci)
        arg_add(a, "--no-pci");
}

const char *eal_version(void)
{
    return rte_version();
}

bool eal_start(const struct eal_config *config, uint32_t *device, struct error *err)
{
    static struct arguments a; // EAL keeps pointers into it
    *device = EAL_NO_DEVICE;
    if (!devices_check(config, device, err))
        return false;
    arguments_make(&a, config);
    signal(SIGPIPE, SIG_IGN); // virtio_user raises it when its peer dies
    if (rte_eal_init(a.count, a.argv) < 0)
        return error_set(err, EXIT_FAILED,
                         "DPDK does not start (%s): too few %s, or no permission; see the lines "
                         "above%s",
                         rte_strerror(rte_errno), config->huge_pages ? "free huge pages" : "memory",
                         config->huge_pages ? ", or set node.huge_pages: false" : "");
    if (vdevs_attach(config, device, err))
        return true;
    eal_stop();
    return false;
}

void eal_stop(void)
{
    rte_eal_cleanup();
}

static uint32_t lcore_of(uint32_t core)
{
    uint32_t lane = 0;
    while (lane < lane_count && lane_cores[lane] != core)
        lane++;
    return lane + 1;
}

bool eal_launch(uint32_t core, int (*fn)(void *), void *arg, struct error *err)
{
    int failed = rte_eal_remote_launch(fn, arg, lcore_of(core));
    return failed == 0 || error_set(err, EXIT_FAILED, "core %u: the lane does not start: %s", core,
                                    strerror(-failed));
}

void eal_join(uint32_t core)
{
    rte_eal_wait_lcore(lcore_of(core));
}

bool eal_runs(uint32_t core)
{
    return rte_eal_get_lcore_state(lcore_of(core)) == RUNNING;
}
