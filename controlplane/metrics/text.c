#include "controlplane/metrics/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 1024 };

void metric_text_free(struct metric_text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}

static void add(struct metric_text *text, const char *bytes, size_t len)
{
    if (text->failed)
        return;
    if (text->len + len > text->max) {
        size_t max = (text->len + len) * 2;
        char *grown = realloc(text->data, max);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        text->data = grown;
        text->max = max;
    }
    memcpy(text->data + text->len, bytes, len);
    text->len += len;
}

static void put(struct metric_text *text, const char *bytes)
{
    add(text, bytes, strlen(bytes));
}

static void say(struct metric_text *text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct metric_text *text, const char *fmt, ...)
{
    char line[LINE_MAX_LEN];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n > 0)
        add(text, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

// Backslash and newline in every text, quotes in labels (and in OpenMetrics also in help).
static void escaped(struct metric_text *text, const char *value, bool quotes)
{
    for (const char *c = value; *c; c++) {
        if (*c == '\\')
            put(text, "\\\\");
        else if (*c == '\n')
            put(text, "\\n");
        else if (*c == '"' && quotes)
            put(text, "\\\"");
        else
            add(text, c, 1);
    }
}

// The unit that a name ends with; OpenMetrics wants it told apart.
static const char *unit_of(const char *name)
{
    static const char *const units[] = {"seconds", "bytes", "shares", "dollars"};
    const size_t len = strlen(name);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const size_t unit = strlen(units[i]);
        if (len > unit && name[len - unit - 1] == '_' && strcmp(name + len - unit, units[i]) == 0)
            return units[i];
    }
    return NULL;
}

void metric_family(struct metric_text *text, enum metric_type type, const char *name,
                   const char *help)
{
    static const char *const types[] = {[METRIC_GAUGE] = "gauge",
                                        [METRIC_COUNTER] = "counter",
                                        [METRIC_HISTOGRAM] = "histogram",
                                        [METRIC_INFO] = "info"};
    // In the older format the sample's own name stands here, and there is no type for facts.
    const char *suffix = text->open               ? ""
                         : type == METRIC_COUNTER ? "_total"
                         : type == METRIC_INFO    ? "_info"
                                                  : "";
    text->type = type;
    snprintf(text->family, sizeof text->family, "%s", name);
    say(text, "# HELP %s%s ", name, suffix);
    escaped(text, help, text->open);
    say(text, "\n# TYPE %s%s %s\n", name, suffix,
        type == METRIC_INFO && !text->open ? "gauge" : types[type]);
    if (text->open && unit_of(name))
        say(text, "# UNIT %s %s\n", name, unit_of(name));
}

static void sample_name(struct metric_text *text, const char *suffix,
                        const struct metric_label *labels, const char *le)
{
    bool first = true;
    put(text, text->family);
    put(text, suffix);
    for (; labels && labels->name; labels++) {
        put(text, first ? "{" : ",");
        put(text, labels->name);
        put(text, "=\"");
        escaped(text, labels->value, true);
        put(text, "\"");
        first = false;
    }
    if (le)
        say(text, "%sle=\"%s\"", first ? "{" : ",", le);
    put(text, first && !le ? " " : "} ");
    text->series++;
}

static const char *suffix_of(const struct metric_text *text)
{
    return text->type == METRIC_COUNTER ? "_total" : text->type == METRIC_INFO ? "_info" : "";
}

void metric_count(struct metric_text *text, const struct metric_label *labels, uint64_t value)
{
    sample_name(text, suffix_of(text), labels, NULL);
    say(text, "%llu\n", (unsigned long long)value);
}

void metric_real(struct metric_text *text, const struct metric_label *labels, double value)
{
    sample_name(text, suffix_of(text), labels, NULL);
    say(text, "%.15g\n", value);
}

// OpenMetrics wants the canonical form of an edge: 1.0, not 1.
static void edge_text(double edge, char out[32])
{
    snprintf(out, 32, "%.9g", edge);
    if (strpbrk(out, ".e") == NULL)
        strcat(out, ".0");
}

void metric_buckets(struct metric_text *text, const struct metric_label *labels,
                    const struct metric_buckets *buckets)
{
    char edge[32];
    for (uint32_t i = 0; i < buckets->count; i++) {
        if (i + 1 < buckets->count)
            edge_text(buckets->edges[i], edge);
        else
            snprintf(edge, sizeof edge, "+Inf");
        sample_name(text, "_bucket", labels, edge);
        say(text, "%llu", (unsigned long long)buckets->below[i]);
        if (text->open && buckets->exemplars && buckets->exemplars[i].trace_id[0])
            say(text, " # {trace_id=\"%s\"} %.9g %.3f", buckets->exemplars[i].trace_id,
                buckets->exemplars[i].value, buckets->exemplars[i].utc_s);
        put(text, "\n");
    }
    sample_name(text, "_sum", labels, NULL);
    say(text, "%.15g\n", buckets->sum);
    sample_name(text, "_count", labels, NULL);
    say(text, "%llu\n", (unsigned long long)buckets->below[buckets->count - 1]);
}

void metric_end(struct metric_text *text)
{
    if (text->open)
        put(text, "# EOF\n");
}

const char *metric_content_type(bool open)
{
    return open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                : "text/plain; version=0.0.4; charset=utf-8";
}
