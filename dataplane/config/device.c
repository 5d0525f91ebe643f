#include "dataplane/config/device.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/base/hints.h"
#include "dataplane/config/advice.h"

enum { KEY_LEN = 32, KEYS_MAX = 32 };

struct driver {
    const char *name;
    bool repeats;
    const char *keys; // separated by blanks
};

static const struct driver drivers[] = {
#define DEVICE(name, repeats, keys) {name, repeats, keys},
#include "dataplane/config/devices.def"
#undef DEVICE
};

// DPDK takes the driver whose name the device's name begins with.
static const struct driver *driver_find(const char *device)
{
    if (strncmp(device, "net_", 4) == 0 || strncmp(device, "eth_", 4) == 0)
        device += 4;
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (strncmp(device, drivers[i].name, strlen(drivers[i].name)) == 0)
            return &drivers[i];
    return NULL;
}

static bool unknown(const struct driver *driver, const char *wrong, char why[DEVICE_WHY_LEN])
{
    struct advice a;
    char keys[KEYS_MAX][KEY_LEN];
    int count = 0, len;
    advice_begin(&a, wrong);
    for (const char *at = driver->keys; count < KEYS_MAX; at += len) {
        at += strspn(at, " ");
        len = (int)strcspn(at, " ");
        if (len == 0)
            break;
        snprintf(keys[count], KEY_LEN, "%.*s", len, at);
        advice_consider(&a, wrong, keys[count++]);
    }
    if (a.meant)
        snprintf(why, DEVICE_WHY_LEN, "net_%s has no argument '%s'; did you mean '%s'?",
                 driver->name, wrong, a.meant);
    else
        snprintf(why, DEVICE_WHY_LEN, "net_%s has no argument '%s'; there are%.190s", driver->name,
                 wrong, a.keys);
    return false;
}

static bool known(const struct driver *driver, const char *key)
{
    const size_t len = strlen(key);
    for (const char *at = driver->keys; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == len && memcmp(at, key, len) == 0)
            return true;
    return false;
}

// Length of one argument: commas between brackets belong to its value.
static size_t argument_len(const char *text)
{
    int depth = 0;
    size_t len = 0;
    for (; text[len] && (text[len] != ',' || depth > 0); len++)
        depth += (text[len] == '[') - (text[len] == ']');
    return len;
}

// One argument of <len> characters; <before> are those that stand before it.
static bool argument_check(const struct driver *driver, const char *before, const char *text,
                           size_t len, char why[DEVICE_WHY_LEN])
{
    char key[KEY_LEN];
    const char *equals = memchr(text, '=', len);
    const size_t key_len = equals ? (size_t)(equals - text) : len;
    snprintf(key, sizeof key, "%.*s", (int)key_len, text);
    if (key_len >= sizeof key || !known(driver, key))
        return unknown(driver, key, why);
    if (equals == NULL || key_len + 1 == len) {
        snprintf(why, DEVICE_WHY_LEN, "argument '%s' has no value; write %s=...", key, key);
        return false;
    }
    for (const char *at = before; at < text && !driver->repeats; at += argument_len(at) + 1)
        if (strncmp(at, text, key_len + 1) == 0) {
            snprintf(why, DEVICE_WHY_LEN, "argument '%s' is there twice; remove one", key);
            return false;
        }
    return true;
}

bool device_check(const char *device, char why[DEVICE_WHY_LEN])
{
    const struct driver *driver = driver_find(device);
    const char *first = strchr(device, ',');
    size_t len;
    if (driver == NULL || first == NULL)
        return true;
    for (const char *at = first; *at == ','; at += len) {
        len = argument_len(++at);
        if (!argument_check(driver, first + 1, at, len, why))
            return false;
    }
    return true;
}
