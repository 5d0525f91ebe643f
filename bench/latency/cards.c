#include <glob.h>
#include <libgen.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/latency/measure.h"

#define CLASS_NETWORK "0x02" // PCI Code and ID Assignment Specification 1.11, section 1.3

// A word of a device's folder; "" when it is not there.
static void word_read(const char *device, const char *name, char *out, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", device, name);
    FILE *file = fopen(path, "r");
    out[0] = 0;
    if (file && fgets(out, (int)len, file))
        out[strcspn(out, "\n")] = 0;
    if (file)
        fclose(file);
}

static void driver_read(const char *device, char *out, size_t len)
{
    char path[256], target[256];
    snprintf(path, sizeof path, "%s/driver", device);
    const ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = 0;
    snprintf(out, len, "%s", n > 0 ? basename(target) : "no driver");
}

// Of a card that a driver of the kernel has; what DPDK drives tells its firmware to DPDK only.
static void interface_read(const char *device, char *name, char *firmware)
{
    static const char *const where[] = {"net", "virtio*/net"};
    char pattern[256];
    glob_t found;
    name[0] = firmware[0] = 0;
    for (size_t i = 0; i < sizeof where / sizeof where[0] && name[0] == 0; i++) {
        snprintf(pattern, sizeof pattern, "%s/%s/*", device, where[i]);
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        snprintf(name, IFNAMSIZ, "%s", basename(found.gl_pathv[0]));
        globfree(&found);
    }
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {.ifr_data = (char *)&info};
    memcpy(request.ifr_name, name, IFNAMSIZ);
    const int socket_fd = name[0] ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (socket_fd >= 0 && ioctl(socket_fd, SIOCETHTOOL, &request) == 0)
        snprintf(firmware, ETHTOOL_FWVERS_LEN, "%.*s", ETHTOOL_FWVERS_LEN - 1, info.fw_version);
    if (socket_fd >= 0)
        close(socket_fd);
}

static int card_print(const char *device, char *out, size_t len)
{
    char class[16], vendor[16], id[16], driver[64], name[IFNAMSIZ], firmware[ETHTOOL_FWVERS_LEN];
    word_read(device, "class", class, sizeof class);
    if (strncmp(class, CLASS_NETWORK, strlen(CLASS_NETWORK)) != 0)
        return 0;
    word_read(device, "vendor", vendor, sizeof vendor);
    word_read(device, "device", id, sizeof id);
    driver_read(device, driver, sizeof driver);
    interface_read(device, name, firmware);
    return snprintf(out, len, "%s %s:%s %s%s%s, firmware %s", strrchr(device, '/') + 1, vendor, id,
                    driver, name[0] ? " " : "", name, firmware[0] ? firmware : "not told");
}

void cards_print(char *out, size_t len)
{
    glob_t found;
    size_t n = 0;
    out[0] = 0;
    if (glob("/sys/bus/pci/devices/*", 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char card[256];
        if (card_print(found.gl_pathv[i], card, sizeof card) > 0 && n + strlen(card) + 3 < len)
            n += (size_t)snprintf(out + n, len - n, "%s%s", n ? "; " : "", card);
    }
    globfree(&found);
}
