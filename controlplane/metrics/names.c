// From rows of the counter table to names and values in base units.
#include <stdio.h>
#include <string.h>

#include "controlplane/metrics/parts.h"

// Words of the tables' units and the base units that metrics have.
static const struct unit {
    const char *unit;
    const char *base;
} units[] = {{"ticks", "seconds"},
             {"ns", "seconds"},
             {"bytes", "bytes"},
             {"shares", "shares"},
             {"price4", "dollars"}};

static const char *base_unit(const char *unit)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i].unit, unit) == 0)
            return units[i].base;
    return NULL;
}

// A present value in ticks is a moment, all others are lengths of time.
static bool is_moment(const struct counter_info *info)
{
    return info->kind == COUNTER_GAUGE && strcmp(info->unit, "ticks") == 0;
}

void metric_counter_name(const struct counter_info *info, char name[METRIC_NAME_LEN])
{
    const char *base = base_unit(info->unit), *scope = counter_scope_name(info->scope);
    const char *unit = base ? strstr(info->name, info->unit) : NULL;
    if (is_moment(info))
        snprintf(name, METRIC_NAME_LEN, "tickgate_%s_%s_timestamp_seconds", scope, info->name);
    else if (unit) // busy_ticks, poll_ticks_max, rx_bytes
        snprintf(name, METRIC_NAME_LEN, "tickgate_%s_%.*s%s%s", scope, (int)(unit - info->name),
                 info->name, base, unit + strlen(info->unit));
    else
        snprintf(name, METRIC_NAME_LEN, "tickgate_%s_%s%s%s", scope, info->name, base ? "_" : "",
                 base ? base : "");
}

void counter_write(struct metric_text *text, const struct metric_label *labels,
                   const struct contact *contact, const struct counter_info *info, uint64_t value)
{
    if (is_moment(info))
        metric_real(text, labels, value ? (double)contact_utc_ns(contact, value) / 1e9 : 0);
    else if (strcmp(info->unit, "ticks") == 0)
        metric_real(text, labels, seconds_of(contact, value));
    else if (strcmp(info->unit, "ns") == 0)
        metric_real(text, labels, (double)value / 1e9);
    else if (strcmp(info->unit, "price4") == 0)
        metric_real(text, labels, (double)value / 1e4);
    else
        metric_count(text, labels, value);
}

double seconds_of(const struct contact *contact, uint64_t ticks)
{
    const uint64_t hz = contact_header(contact)->identity.clock.tsc_hz;
    return hz ? (double)ticks / (double)hz : 0;
}

void instance_labels(enum counter_scope scope, const struct instance *instance,
                     struct metric_label labels[METRIC_LABELS_MAX])
{
    uint32_t n = 0;
    if (scope == SCOPE_MAIN) {
        labels[0].name = NULL;
        return;
    }
    if (instance->channel)
        labels[n++] = (struct metric_label){"channel", instance->channel};
    labels[n++] = (struct metric_label){scope == SCOPE_DESK ? "lane" : counter_scope_name(scope),
                                        instance->name};
    labels[n].name = NULL;
}
