#include "bench/exchange/option_values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/config/device.h"

const char *const option_line_names[OPTION_LINES] = {"A", "B", "A2", "B2"};

bool value_number(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out,
                  struct error *err)
{
    uint64_t v = 0;
    bool valid = *text != 0;
    for (const char *p = text; *p && valid; p++) {
        valid = isdigit((unsigned char)*p) && v <= (UINT64_MAX - 9) / 10;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    if (!valid || v < min || v > max)
        return error_set(err, EXIT_USAGE, "--%s %s: a whole number from %llu to %llu is wanted",
                         option, text, (unsigned long long)min, (unsigned long long)max);
    *out = v;
    return true;
}

// A decimal number such as 2.5 in thousandths.
static bool value_thousandths(const char *text, uint64_t max_1000, uint32_t *out)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    double v = strtod(text, &end);
    if (*end || !(v * 1000 >= 1) || v * 1000 > (double)max_1000)
        return false;
    *out = (uint32_t)(v * 1000 + 0.5);
    return true;
}

bool value_speed(struct options *o, const char *text, struct error *err)
{
    char number[32];
    size_t length = strlen(text);
    o->speed_given = true;
    if (strcmp(text, "max") == 0) {
        o->pace.kind = PACE_MAX;
        return true;
    }
    o->pace.kind = PACE_RECORDED;
    o->pace.speed_1000 = 1000;
    if (strcmp(text, "original") == 0)
        return true;
    if (length > 1 && length < sizeof number && text[length - 1] == 'x') {
        memcpy(number, text, length - 1);
        number[length - 1] = 0;
        if (value_thousandths(number, 1000000000, &o->pace.speed_1000))
            return true;
    }
    return error_set(err, EXIT_USAGE,
                     "--speed %s: original, max, or a factor such as 10x or 0.5x is wanted", text);
}

bool value_rate(struct options *o, const char *text, struct error *err)
{
    o->rate_given = true;
    o->pace.kind = PACE_RATE;
    return value_number("rate", text, 1, 1000000000, &o->pace.rate, err);
}

bool value_mode(struct options *o, const char *text, struct error *err)
{
    o->saturate = strcmp(text, "saturate") == 0;
    o->trading = strcmp(text, "trade") == 0;
    return o->saturate || o->trading || strcmp(text, "replay") == 0
               ? true
               : error_set(err, EXIT_USAGE, "--mode %s: replay, saturate or trade is wanted", text);
}

bool value_session(struct options *o, const char *text, struct error *err)
{
    const char *comma = strchr(text, ',');
    size_t lengths[2] = {comma ? (size_t)(comma - text) : strlen(text),
                         comma ? strlen(comma + 1) : 0};
    bool valid = lengths[0] >= 1 && lengths[0] <= PACK_SESSION && lengths[1] <= PACK_SESSION &&
                 (!comma || lengths[1] >= 1);
    for (const char *p = text; *p && valid; p++)
        valid = isalnum((unsigned char)*p) || *p == ',' || *p == '-' || *p == '_';
    if (!valid)
        return error_set(
            err, EXIT_USAGE,
            "--session %s: one or two names of 1 to 10 letters and digits, with a comma", text);
    o->session_given = true;
    snprintf(o->session[0], sizeof o->session[0], "%.*s", (int)lengths[0], text);
    if (comma)
        snprintf(o->session[1], sizeof o->session[1], "%s", comma + 1);
    return true;
}

// ADDRESS:PORT into host order; <text> is changed. Answers false without an error.
static bool address_port(char *text, uint32_t *address, uint16_t *port)
{
    char *colon = strchr(text, ':');
    uint64_t number = 0;
    struct in_addr in;
    struct error none = {0};
    if (!colon)
        return false;
    *colon = 0;
    if (inet_pton(AF_INET, text, &in) != 1 ||
        !value_number("", colon + 1, 1, 65535, &number, &none))
        return false;
    *address = ntohl(in.s_addr);
    *port = (uint16_t)number;
    return true;
}

// Splits NAME=REST and finds the line; other names the caller knows have place OPTION_LINES and
// above.
static bool named(const char *option, const char *text, const char *const *others, uint32_t *place,
                  const char **rest, struct error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    for (uint32_t i = 0; i < OPTION_LINES && equals; i++)
        if (strlen(option_line_names[i]) == length &&
            memcmp(option_line_names[i], text, length) == 0) {
            *place = i;
            *rest = equals + 1;
            return true;
        }
    for (uint32_t i = 0; others && others[i] && equals; i++)
        if (strlen(others[i]) == length && memcmp(others[i], text, length) == 0) {
            *place = OPTION_LINES + i;
            *rest = equals + 1;
            return true;
        }
    return error_set(err, EXIT_USAGE, "--%s %s: NAME=VALUE is wanted, NAME one of A, B, A2, B2%s",
                     option, text, others ? ", both, both2, rerequest" : "");
}

bool value_line(struct options *o, const char *text, struct error *err)
{
    uint32_t place = 0;
    const char *rest = "";
    if (!named("line", text, NULL, &place, &rest, err))
        return false;
    struct option_line *l = &o->lines[place];
    if (l->used)
        return error_set(err, EXIT_USAGE, "--line %s: this line was given before; remove one",
                         text);
    char buffer[64];
    struct in_addr source = {0};
    snprintf(buffer, sizeof buffer, "%s", rest);
    char *comma = strchr(buffer, ',');
    if (comma)
        *comma++ = 0;
    if (!address_port(buffer, &l->to.group, &l->to.port) ||
        (comma && inet_pton(AF_INET, comma, &source) != 1))
        return error_set(
            err, EXIT_USAGE,
            "--line %s: an address and a port are wanted, such as A=239.1.1.1:26477 or "
            "A=239.1.1.1:26477,10.0.0.1 with the source address",
            text);
    l->to.source = ntohl(source.s_addr);
    l->to.device = place % CHANNEL_LINES;
    l->used = true;
    return true;
}

// 0 .. 1, or per cent with a sign, as a threshold of 2^32. NULL after an error, otherwise what is
// behind the number.
const char *value_probability(const char *option, const char *text, const char *number,
                              uint32_t *below, struct error *err)
{
    char *end = NULL;
    double v = isdigit((unsigned char)*number) ? strtod(number, &end) : -1;
    if (end && *end == '%') {
        v /= 100;
        end++;
    }
    if (!end || !(v >= 0 && v <= 1)) {
        error_set(err, EXIT_USAGE, "--%s %s: a probability from 0 to 1, or 0%% to 100%%, is wanted",
                  option, text);
        return NULL;
    }
    *below = v >= 1 ? UINT32_MAX : (uint32_t)(v * 4294967296.0);
    return end;
}

static bool nothing_behind(const char *option, const char *text, const char *end, struct error *err)
{
    return *end == 0 || error_set(err, EXIT_USAGE, "--%s %s: '%s' is too much", option, text, end);
}

bool value_loss(struct options *o, const char *text, struct error *err)
{
    static const char *const others[] = {"both", "both2", "rerequest", NULL};
    uint32_t place = 0, below = 0;
    const char *rest = "";
    if (!named("loss", text, others, &place, &rest, err))
        return false;
    const char *end = value_probability("loss", text, rest, &below, err);
    if (!end || !nothing_behind("loss", text, end, err))
        return false;
    if (place < OPTION_LINES) {
        o->lines[place].faults.loss_below = below;
        o->lines[place].faulty = true;
    } else if (place < OPTION_LINES + CHANNELS_MAX) {
        o->both_below[place - OPTION_LINES] = below;
    } else {
        o->rerequest_loss_below = below;
    }
    return true;
}

bool value_duplicate(struct options *o, const char *text, struct error *err)
{
    uint32_t place = 0;
    const char *rest = "";
    if (!named("duplicate", text, NULL, &place, &rest, err))
        return false;
    const char *end =
        value_probability("duplicate", text, rest, &o->lines[place].faults.duplicate_below, err);
    o->lines[place].faulty = true;
    return end && nothing_behind("duplicate", text, end, err);
}

bool value_reorder(struct options *o, const char *text, struct error *err)
{
    uint32_t place = 0;
    uint64_t depth = 1;
    const char *rest = "";
    if (!named("reorder", text, NULL, &place, &rest, err))
        return false;
    const char *end =
        value_probability("reorder", text, rest, &o->lines[place].faults.reorder_below, err);
    if (!end || (*end == ',' && !value_number("reorder", end + 1, 1, LINE_DEPTH_MAX, &depth, err)))
        return false;
    o->lines[place].faulty = true;
    o->lines[place].faults.depth = (uint32_t)depth;
    return *end == ',' || nothing_behind("reorder", text, end, err);
}

bool value_skew(struct options *o, const char *text, struct error *err)
{
    uint32_t place = 0;
    uint64_t least = 0, most = 0;
    const char *rest = "";
    char buffer[32];
    if (!named("skew-us", text, NULL, &place, &rest, err))
        return false;
    snprintf(buffer, sizeof buffer, "%s", rest);
    char *dots = strstr(buffer, "..");
    if (dots) {
        *dots = 0;
        if (!value_number("skew-us", buffer, 0, 1000000, &least, err))
            return false;
    }
    if (!value_number("skew-us", dots ? dots + 2 : buffer, least, 1000000, &most, err))
        return false;
    o->lines[place].faults.skew_least_us = (uint32_t)least;
    o->lines[place].faults.skew_most_us = (uint32_t)most;
    o->lines[place].faulty = true;
    return true;
}

// First given: all lines; a second one takes the B lines over.
static bool device_add(const char *option, const char *devices[2], const char *text,
                       struct error *err)
{
    if (!*text || devices[1])
        return error_set(err, EXIT_USAGE, "--%s %s: one for all lines, or one for A and one for B",
                         option, text);
    devices[devices[0] ? 1 : 0] = text;
    return true;
}

bool value_interface(struct options *o, const char *text, struct error *err)
{
    return device_add("interface", o->link.interfaces, text, err);
}

bool value_port(struct options *o, const char *text, struct error *err)
{
    char why[DEVICE_WHY_LEN];
    if (!device_add("port", o->link.ports, text, err))
        return false;
    if (!device_check(text, why))
        return error_set(err, EXIT_USAGE, "--port %s: %s", text, why);
    o->link.port_count++;
    return true;
}

bool value_ip(struct options *o, const char *text, struct error *err)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1 || !in.s_addr)
        return error_set(err, EXIT_USAGE, "--ip %s: an IPv4 address is wanted", text);
    o->link.own_ip = ntohl(in.s_addr);
    return true;
}

bool value_when_full(struct options *o, const char *text, struct error *err)
{
    o->drop_when_full = strcmp(text, "drop") == 0;
    return o->drop_when_full || strcmp(text, "wait") == 0
               ? true
               : error_set(err, EXIT_USAGE, "--when-full %s: wait or drop is wanted", text);
}

static bool service(const char *option, struct option_service *s, char *text, const char *given,
                    struct error *err)
{
    s->used = true;
    return address_port(text, &s->address, &s->port)
               ? true
               : error_set(err, EXIT_USAGE,
                           "--%s %s: an address and a port are wanted, such as 127.0.0.1:26490",
                           option, given);
}

bool value_orders(struct options *o, const char *text, struct error *err)
{
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%s", text);
    return service("orders", &o->orders, buffer, text, err);
}

bool value_drop_copy(struct options *o, const char *text, struct error *err)
{
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%s", text);
    return service("drop-copy", &o->drop_copy, buffer, text, err);
}

bool value_rerequest(struct options *o, const char *text, struct error *err)
{
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%s", text);
    return service("rerequest", &o->rerequest, buffer, text, err);
}

bool value_glimpse(struct options *o, const char *text, struct error *err)
{
    char buffer[96];
    snprintf(buffer, sizeof buffer, "%s", text);
    char *user = strchr(buffer, ',');
    char *password = user ? strchr(user + 1, ',') : NULL;
    if (user && (!password || password - user > 7 || password == user + 1 || strlen(password) > 11))
        return error_set(
            err, EXIT_USAGE,
            "--glimpse %s: ADDRESS:PORT,USER,PASSWORD with at most 6 and 10 characters is wanted",
            text);
    if (user) {
        *user++ = *password++ = 0;
        snprintf(o->glimpse_user, sizeof o->glimpse_user, "%.6s", user);
        snprintf(o->glimpse_password, sizeof o->glimpse_password, "%.10s", password);
    }
    return service("glimpse", &o->glimpse, buffer, text, err);
}

bool value_idle(struct options *o, const char *text, struct error *err)
{
    static const char *const names[] = {"poll", "yield", "sleep"};
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            o->idle = (enum option_idle)i;
            return true;
        }
    return error_set(err, EXIT_USAGE, "--idle %s: poll, yield or sleep is wanted", text);
}
