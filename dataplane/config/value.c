#include "dataplane/config/option.h"

#include <ctype.h>
#include <string.h>

const char *value_shown(const char *text, size_t len, char out[48])
{
    size_t n = len < 40 ? len : 40;
    for (size_t i = 0; i < n; i++)
        out[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
    strcpy(out + n, n < len ? "..." : "");
    return out;
}

static bool refuse(char why[VALUE_WHY_LEN], const char *text, size_t len, const char *remedy)
{
    char shown[48];
    snprintf(why, VALUE_WHY_LEN, "'%s' is not good here; %.180s", value_shown(text, len, shown),
             remedy);
    return false;
}

// --- ranges ---

static void size_text(uint64_t bytes, char *out, size_t len)
{
    if (bytes % (1u << 30) == 0)
        snprintf(out, len, "%luGiB", bytes >> 30);
    else if (bytes % (1u << 20) == 0)
        snprintf(out, len, "%luMiB", bytes >> 20);
    else
        snprintf(out, len, "%luKiB", bytes >> 10);
}

void value_range(const struct option_row *row, char *out, size_t len)
{
    char min[24], max[24];
    switch (row->kind) {
    case OPTION_TEXT:
        snprintf(out, len, "%lu to %lu printable characters", row->min, row->max);
        break;
    case OPTION_NAME:
        snprintf(out, len, "%lu to %lu of letters, digits, '.', '_', '-'", row->min, row->max);
        break;
    case OPTION_DEVICE: snprintf(out, len, "a PCI address or a virtual device"); break;
    case OPTION_WORD:
    case OPTION_ENUM: snprintf(out, len, "one of: %s", row->words); break;
    case OPTION_BOOL: snprintf(out, len, "true or false"); break;
    case OPTION_U32: snprintf(out, len, "%lu to %lu", row->min, row->max); break;
    case OPTION_POWER2:
        snprintf(out, len, "a power of two from %lu to %lu", row->min, row->max);
        break;
    case OPTION_SIZE:
        size_text(row->min, min, sizeof min);
        size_text(row->max, max, sizeof max);
        snprintf(out, len, "a size with KiB, MiB or GiB from %s to %s", min, max);
        break;
    case OPTION_US:
        snprintf(out, len, "%lu to %lu microseconds (us, ms, s)", row->min, row->max);
        break;
    case OPTION_MS:
        snprintf(out, len, "%lu to %lu milliseconds (us, ms, s)", row->min, row->max);
        break;
    case OPTION_IPV4: snprintf(out, len, "an IPv4 address"); break;
    case OPTION_MAC: snprintf(out, len, "a MAC address (02:00:00:00:00:01)"); break;
    case OPTION_ENDPOINT: snprintf(out, len, "address:port"); break;
    case OPTION_LISTEN: snprintf(out, len, "address:port; 0.0.0.0: every address"); break;
    case OPTION_ENDPOINTS: snprintf(out, len, "a list of 1 to %lu address:port", row->max); break;
    case OPTION_SYMBOLS:
        snprintf(out, len, "%s%sa list of 1 to %lu symbols", row->words, *row->words ? ", or " : "",
                 row->max);
        break;
    case OPTION_WORDS: snprintf(out, len, "a list of %s", row->words); break;
    case OPTION_NUMBERS: snprintf(out, len, "a list of up to %lu whole numbers", row->max); break;
    case OPTION_LIMIT: // the largest is none
        snprintf(out, len, "none, or %lu to %lu", row->min, row->max - 1);
        break;
    case OPTION_MONEY: // the largest is none
        snprintf(out, len, "none, or dollars below %lu.%04lu, with up to four decimals",
                 row->max / 10000, row->max % 10000);
        break;
    case OPTION_PRICE:
        snprintf(out, len, "dollars from %lu.%04lu to %lu.%04lu, with up to four decimals",
                 row->min / 10000, row->min % 10000, row->max / 10000, row->max % 10000);
        break;
    case OPTION_LANE_REF: snprintf(out, len, "name of a lane"); break;
    case OPTION_PORT_REF:
        snprintf(out, len, "name of a port%s%s", *row->words ? ", or " : "", row->words);
        break;
    case OPTION_CHANNEL_REF: snprintf(out, len, "name of a channel, or %s", row->words); break;
    case OPTION_ACCOUNT_REF: snprintf(out, len, "name of an account"); break;
    case OPTION_CLIENT_REF: snprintf(out, len, "name of a client, or %s", row->words); break;
    case OPTION_DROP_REF: snprintf(out, len, "name of a drop copy, or none"); break;
    case OPTION_VENUES: snprintf(out, len, "a list of 1 to %lu names of sessions", row->max); break;
    }
}

static bool out_of_range(const struct option_row *row, const char *text, size_t len,
                         char why[VALUE_WHY_LEN])
{
    char range[VALUE_WHY_LEN / 2], remedy[VALUE_WHY_LEN / 2 + 16];
    value_range(row, range, sizeof range);
    snprintf(remedy, sizeof remedy, "it takes %s", range);
    return refuse(why, text, len, remedy);
}

// --- numbers ---

// Decimal digits from the start of <text>; returns how many there were, 0 also when the value does
// not fit 64 bits.
static size_t digits_read(const char *text, size_t len, uint64_t *value)
{
    size_t at = 0;
    uint64_t v = 0;
    for (; at < len && isdigit((unsigned char)text[at]); at++) {
        unsigned digit = (unsigned)(text[at] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return 0;
        v = v * 10 + digit;
    }
    *value = v;
    return at;
}

struct suffix {
    const char *text;
    uint64_t factor;
};

static const struct suffix size_suffixes[] = {{"KiB", 1ull << 10},
                                              {"MiB", 1ull << 20},
                                              {"GiB", 1ull << 30},
                                              {"K", 1ull << 10},
                                              {"M", 1ull << 20},
                                              {"G", 1ull << 30},
                                              {NULL, 0}};
// In nanoseconds, so that whole microseconds and milliseconds can be told from others.
static const struct suffix time_suffixes[] = {
    {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {NULL, 0}};

static uint64_t suffix_factor(const struct suffix *table, const char *text, size_t len)
{
    for (; table->text; table++)
        if (len == strlen(table->text) && memcmp(text, table->text, len) == 0)
            return table->factor;
    return 0;
}

// <unit>: factor of a number without a suffix (0: a suffix is wanted), and what the result counts.
static bool number_parse(const struct suffix *table, uint64_t bare, uint64_t unit, const char *text,
                         size_t len, uint64_t *out)
{
    uint64_t v, factor = bare;
    size_t at = digits_read(text, len, &v);
    if (at == 0)
        return false;
    if (at < len)
        factor = table ? suffix_factor(table, text + at, len - at) : 0;
    if (factor == 0 || v > UINT64_MAX / factor || v * factor % unit != 0)
        return false;
    *out = v * factor / unit;
    return true;
}

static bool number_store(const struct option_row *row, const char *text, size_t len, void *member)
{
    uint64_t v = 0;
    bool ok = false;
    switch (row->kind) {
    case OPTION_SIZE: ok = number_parse(size_suffixes, 0, 1, text, len, &v); break;
    case OPTION_US: ok = number_parse(time_suffixes, 1000, 1000, text, len, &v); break;
    case OPTION_MS: ok = number_parse(time_suffixes, 1000000, 1000000, text, len, &v); break;
    default: ok = number_parse(NULL, 1, 1, text, len, &v); break;
    }
    if (!ok || v < row->min || v > row->max || (row->kind == OPTION_POWER2 && (v & (v - 1)) != 0))
        return false;
    memcpy(member, &v, row->size); // little-endian: the low bytes
    return true;
}

// Dollars, perhaps with decimals: in ten thousandths.
static bool money_parse(const char *text, size_t len, uint64_t *out)
{
    uint64_t whole, part = 0;
    size_t at = digits_read(text, len, &whole);
    if (at == 0 || whole > UINT64_MAX / 10000 - 1)
        return false;
    if (at < len) {
        const size_t decimals = len - at - 1;
        if (text[at] != '.' || decimals < 1 || decimals > 4 ||
            digits_read(text + at + 1, decimals, &part) != decimals)
            return false;
        for (size_t i = decimals; i < 4; i++)
            part *= 10;
    }
    *out = whole * 10000 + part;
    return true;
}

// "none" is the largest value, which no number says: a limit is never none by being large. A price
// has no "none".
static bool limit_store(const struct option_row *row, const char *text, size_t len, void *member)
{
    uint64_t v = row->max;
    const bool may_be_none = row->kind != OPTION_PRICE;
    const bool none = may_be_none && len == 4 && memcmp(text, "none", 4) == 0;
    if (!none && !(row->kind == OPTION_LIMIT ? number_parse(NULL, 1, 1, text, len, &v)
                                             : money_parse(text, len, &v)))
        return false;
    if (!none && (v < row->min || v > row->max - may_be_none))
        return false;
    memcpy(member, &v, row->size); // little-endian: the low bytes
    return true;
}

bool value_number(const char *text, size_t len, int64_t *out, char why[VALUE_WHY_LEN])
{
    uint64_t v = 0;
    const bool minus = len > 0 && text[0] == '-';
    const size_t digits = len - minus;
    if (digits == 0 || digits_read(text + minus, digits, &v) != digits || v > INT64_MAX)
        return refuse(why, text, len, "a parameter is a whole number of at most 63 bits");
    *out = minus ? -(int64_t)v : (int64_t)v;
    return true;
}

// --- addresses ---

static bool ipv4_parse(const char *text, size_t len, uint32_t *out)
{
    uint32_t ip = 0;
    for (int part = 0; part < 4; part++) {
        uint64_t v;
        size_t n = digits_read(text, len, &v);
        if (n == 0 || n > 3 || v > 255 || (n > 1 && text[0] == '0'))
            return false;
        ip = ip << 8 | (uint32_t)v;
        text += n, len -= n;
        if (part == 3)
            break;
        if (len == 0 || *text != '.')
            return false;
        text++, len--;
    }
    *out = ip;
    return len == 0;
}

static bool mac_parse(const char *text, size_t len, uint8_t out[6])
{
    static const char hex[] = "0123456789abcdef";
    if (len != 17)
        return false;
    for (size_t i = 0; i < 6; i++) {
        const char *high = strchr(hex, tolower((unsigned char)text[3 * i]));
        const char *low = strchr(hex, tolower((unsigned char)text[3 * i + 1]));
        if (!high || !low || !*high || !*low || (i < 5 && text[3 * i + 2] != ':'))
            return false;
        out[i] = (uint8_t)((high - hex) << 4 | (low - hex));
    }
    return (out[0] & 1) == 0; // a group's address is nobody's own
}

// <any>: 0.0.0.0 is an address to listen at, none to go to.
static bool endpoint_parse(const char *text, size_t len, bool any, struct config_endpoint *out,
                           char why[VALUE_WHY_LEN])
{
    const char *colon = memchr(text, ':', len);
    size_t ip_len = colon ? (size_t)(colon - text) : len;
    uint64_t port = 0;
    struct config_endpoint e = {0};
    if (colon == NULL || !ipv4_parse(text, ip_len, &e.ip) || (e.ip == 0 && !any) ||
        digits_read(colon + 1, len - ip_len - 1, &port) != len - ip_len - 1 || port < 1 ||
        port > 65535)
        return refuse(why, text, len, "write address:port, such as 10.0.0.1:26477");
    e.port = (uint16_t)port;
    *out = e;
    return true;
}

bool value_endpoint(const char *text, size_t len, struct config_endpoint *out,
                    char why[VALUE_WHY_LEN])
{
    return endpoint_parse(text, len, false, out, why);
}

// --- text ---

static bool text_store(const struct option_row *row, const char *text, size_t len, void *member)
{
    const char *extra = row->kind == OPTION_NAME ? "._-" : ".:_-,=/@[]+ ";
    if (len < row->min || len > row->max || len >= row->size)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (row->kind == OPTION_TEXT ? !isprint(c) : !isalnum(c) && !strchr(extra, c))
            return false;
        if (c == '\0')
            return false;
    }
    memset(member, 0, row->size);
    memcpy(member, text, len);
    return true;
}

// Position of a word in <words>, -1 when it is not there.
static int word_find(const char *words, const char *text, size_t len)
{
    for (int at = 0; *words; at++) {
        size_t n = strcspn(words, " ");
        if (n == len && memcmp(words, text, n) == 0)
            return at;
        words += n + (words[n] == ' ');
    }
    return -1;
}

static bool bool_parse(const char *text, size_t len, bool *out)
{
    int at = word_find("false true", text, len);
    *out = at == 1;
    return at >= 0;
}

bool value_word(const struct option_row *row, const char *text, size_t len, uint32_t *bits,
                char why[VALUE_WHY_LEN])
{
    const int at = word_find(row->words, text, len);
    if (at < 0)
        return out_of_range(row, text, len, why);
    *bits |= 1u << at;
    return true;
}

bool value_symbol(const char *text, size_t len, char out[8], char why[VALUE_WHY_LEN])
{
    bool good = len >= 1 && len <= 8;
    for (size_t i = 0; good && i < len; i++)
        good = isgraph((unsigned char)text[i]) != 0;
    if (!good)
        return refuse(why, text, len, "a symbol has 1 to 8 characters without blanks");
    memset(out, ' ', 8);
    memcpy(out, text, len);
    return true;
}

bool value_parse(const struct option_row *row, const char *text, size_t len, void *member,
                 char why[VALUE_WHY_LEN])
{
    bool ok = false;
    int at;
    switch (row->kind) {
    case OPTION_TEXT:
    case OPTION_NAME:
    case OPTION_DEVICE: ok = text_store(row, text, len, member); break;
    case OPTION_WORD:
        ok = word_find(row->words, text, len) >= 0 && len < row->size;
        if (ok) {
            memset(member, 0, row->size);
            memcpy(member, text, len);
        }
        break;
    case OPTION_ENUM:
        at = word_find(row->words, text, len);
        ok = at >= 0;
        if (ok)
            memcpy(member, &at, sizeof at);
        break;
    case OPTION_BOOL: ok = bool_parse(text, len, member); break;
    case OPTION_U32:
    case OPTION_POWER2:
    case OPTION_SIZE:
    case OPTION_US:
    case OPTION_MS: ok = number_store(row, text, len, member); break;
    case OPTION_LIMIT:
    case OPTION_PRICE:
    case OPTION_MONEY: ok = limit_store(row, text, len, member); break;
    case OPTION_IPV4: ok = ipv4_parse(text, len, member); break;
    case OPTION_MAC: ok = mac_parse(text, len, member); break;
    case OPTION_ENDPOINT: return endpoint_parse(text, len, false, member, why);
    case OPTION_LISTEN: return endpoint_parse(text, len, true, member, why);
    case OPTION_ENDPOINTS:
    case OPTION_SYMBOLS:
    case OPTION_NUMBERS:
    case OPTION_WORDS:
    case OPTION_LANE_REF:
    case OPTION_PORT_REF:
    case OPTION_CHANNEL_REF:
    case OPTION_ACCOUNT_REF:
    case OPTION_CLIENT_REF:
    case OPTION_DROP_REF:
    case OPTION_VENUES: break; // of more than one scalar, or of the whole file: load.c
    }
    return ok || out_of_range(row, text, len, why);
}
