#include "controlplane/trace/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "controlplane/region/snapshot.h"

// What is there already gets the other value; what finds no room is left out.
static void set(struct trace_resource *r, const char *key, const char *value)
{
    uint32_t i = 0;
    if (*key == 0 || value == NULL || *value == 0)
        return;
    while (i < r->count && strcmp(r->labels[i].key, key) != 0)
        i++;
    if (i == TRACE_LABELS_MAX)
        return;
    r->count += i == r->count;
    snprintf(r->labels[i].key, sizeof r->labels[i].key, "%s", key);
    snprintf(r->labels[i].value, sizeof r->labels[i].value, "%s", value);
    text_clean(r->labels[i].key, sizeof r->labels[i].key);
    text_clean(r->labels[i].value, sizeof r->labels[i].value);
}

const char *trace_resource_get(const struct trace_resource *r, const char *key)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (strcmp(r->labels[i].key, key) == 0)
            return r->labels[i].value;
    return "";
}

static void host_add(struct trace_resource *r)
{
    struct utsname name;
    char id[64] = "";
    if (uname(&name) == 0) {
        set(r, "host.name", name.nodename);
        set(r, "host.arch", strcmp(name.machine, "x86_64") == 0 ? "amd64" : name.machine);
    }
    FILE *file = fopen("/etc/machine-id", "re");
    if (file && fgets(id, sizeof id, file))
        id[strcspn(id, "\n")] = 0;
    if (file)
        fclose(file);
    set(r, "host.id", id);
}

// Names of the variables that a pod's manifest fills from the downward interface.
static void pod_add(struct trace_resource *r)
{
    static const char *const table[][2] = {
        {"K8S_CLUSTER_NAME", "k8s.cluster.name"},
        {"K8S_NODE_NAME", "k8s.node.name"},
        {"K8S_NAMESPACE_NAME", "k8s.namespace.name"},
        {"K8S_POD_NAME", "k8s.pod.name"},
        {"K8S_POD_UID", "k8s.pod.uid"},
        {"K8S_CONTAINER_NAME", "k8s.container.name"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        set(r, table[i][1], getenv(table[i][0]));
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// key=value,key=value with %XX in the values.
static void list_add(struct trace_resource *r, const char *list)
{
    char key[64], value[192];
    while (list && *list) {
        const size_t len = strcspn(list, ",");
        const char *equals = memchr(list, '=', len), *end = list + len;
        size_t n = 0;
        if (equals) {
            snprintf(key, sizeof key, "%.*s", (int)(equals - list), list);
            for (const char *c = equals + 1; c < end && n + 1 < sizeof value; c++) {
                const bool escaped =
                    *c == '%' && end - c > 2 && digit(c[1]) >= 0 && digit(c[2]) >= 0;
                value[n++] = escaped ? (char)(digit(c[1]) * 16 + digit(c[2])) : *c;
                c += escaped ? 2 : 0;
            }
            value[n] = 0;
            set(r, key, value);
        }
        list = *end ? end + 1 : end;
    }
}

void trace_resource_make(struct trace_resource *r, const char *node)
{
    r->count = 0;
    set(r, "service.name", "tickgate");
    set(r, "service.version", TICKGATE_VERSION);
    set(r, "service.instance.id", node);
    host_add(r);
    pod_add(r);
    list_add(r, getenv("OTEL_RESOURCE_ATTRIBUTES"));
    set(r, "service.name", getenv("OTEL_SERVICE_NAME"));
}
