#include "controlplane/control/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

json_t *view_price(int64_t price4)
{
    char text[32];
    uint64_t size = price4 < 0 ? (uint64_t)-price4 : (uint64_t)price4;
    snprintf(text, sizeof text, "%s%llu.%04llu", price4 < 0 ? "-" : "",
             (unsigned long long)(size / 10000), (unsigned long long)(size % 10000));
    return json_string(text);
}

json_t *view_notional(uint64_t price4)
{
    return view_price(price4 > INT64_MAX ? INT64_MAX : (int64_t)price4);
}

json_t *view_utc(uint64_t ns)
{
    char text[64];
    struct tm tm;
    time_t seconds = (time_t)(ns / 1000000000);
    if (ns == 0 || gmtime_r(&seconds, &tm) == NULL)
        return json_null();
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%09lluZ", (unsigned long long)(ns % 1000000000));
    return json_string(text);
}

json_t *view_ip(uint32_t address)
{
    char text[16];
    if (address == 0)
        return json_null();
    snprintf(text, sizeof text, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255);
    return json_string(text);
}

json_t *view_count(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *view_number(uint64_t value)
{
    char digits[24];
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    return json_string(digits);
}

json_t *view_limit(unsigned control, uint64_t value)
{
    if (value == LIMIT_NOTHING)
        return json_null();
    switch (limit_control_table[control].unit) {
    case UNIT_PRICE:
    case UNIT_MONEY: return view_notional(value);
    case UNIT_QUALITY: return json_string(quality_name((unsigned)value));
    case UNIT_ACTION: return json_string(action_name(action_of(value)));
    case UNIT_RESTRICTION: return json_string(restriction_name((unsigned)value));
    default: break;
    }
    if (control != LIMIT_LIMITS_forbid && control != LIMIT_SYMBOL_phases &&
        control != LIMIT_LIMITS_market && control != LIMIT_SYMBOL_no_reference)
        return view_count(value);
    char text[LIMIT_VALUE_LEN];
    config_limit_text(control, value, text);
    return json_string(text);
}

json_t *view_venues(uint64_t bits, const char *(*name)(const void *context, uint32_t session),
                    const void *context)
{
    char text[SESSIONS_MAX * NAME_LEN] = "all";
    size_t used = 0;
    for (uint32_t i = 0; bits != LIMIT_NOTHING && i < SESSIONS_MAX; i++) {
        const char *word = name(context, i);
        if (!(bits >> i & 1))
            continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", used ? "," : "");
        used += *word ? (size_t)snprintf(text + used, sizeof text - used, "%.31s", word)
                      : (size_t)snprintf(text + used, sizeof text - used, "%u", i);
    }
    return json_string(text);
}

json_t *view_letter(uint8_t letter)
{
    char text[2] = {(char)letter, 0};
    return json_string(letter < ' ' || letter > '~' ? "" : text);
}

json_t *view_quality(uint64_t symbol, uint64_t channel)
{
    uint64_t worst = symbol > channel ? symbol : channel;
    return json_string(quality_name(worst > QUALITIES ? QUALITIES : (unsigned)worst));
}

// The bucket's upper edge, or the largest value seen where that is less.
static json_t *quantile(const struct histogram *h, double q, uint64_t max_ns)
{
    uint64_t edge = histogram_quantile_ns(h, q);
    return view_count(edge < max_ns ? edge : max_ns);
}

json_t *view_latency(const struct contact *contact, const struct histogram *histogram)
{
    enum { ALARM_NS = 2750 };
    uint64_t samples = histogram_samples(histogram), over = 0;
    uint64_t max_ns = contact_ticks_ns(contact, histogram->max_ticks);
    json_t *view = json_object();
    json_object_set_new(view, "samples", view_count(samples));
    if (samples == 0)
        return view;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        over += histogram_edges_ns[i] > ALARM_NS ? histogram->bucket[i] : 0;
    json_object_set_new(view, "mean_ns",
                        view_count(contact_ticks_ns(contact, histogram->sum_ticks / samples)));
    json_object_set_new(view, "p50_ns", quantile(histogram, 0.5, max_ns));
    json_object_set_new(view, "p90_ns", quantile(histogram, 0.9, max_ns));
    json_object_set_new(view, "p99_ns", quantile(histogram, 0.99, max_ns));
    json_object_set_new(view, "p999_ns", quantile(histogram, 0.999, max_ns));
    json_object_set_new(view, "max_ns", view_count(max_ns));
    json_object_set_new(view, "over_2750_ns", view_count(over));
    return view;
}

int view_channel(const struct snapshot *snapshot, const char *name)
{
    for (uint32_t i = 0; i < snapshot->shape.channels; i++)
        if (strcmp(snapshot->channels[i].name, name) == 0)
            return (int)i;
    return -1;
}

json_t *view_counters(enum counter_scope scope, const void *counters)
{
    json_t *view = json_object();
    for (uint32_t i = 0; i < counter_count; i++) {
        uint64_t value;
        if (counter_table[i].scope != scope)
            continue;
        memcpy(&value, (const char *)counters + counter_table[i].offset, sizeof value);
        json_object_set_new(view, counter_table[i].name, view_count(value));
    }
    return view;
}
