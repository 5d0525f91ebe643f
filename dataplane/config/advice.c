#include "dataplane/config/advice.h"

#include <stdio.h>
#include <string.h>

enum { WORD_LEN_MAX = 64 };

// Edits that turn one word into the other (Levenshtein), WORD_LEN_MAX for words too long.
static uint32_t edits(const char *a, const char *b)
{
    uint32_t row[WORD_LEN_MAX + 1], columns = (uint32_t)strlen(b);
    if (columns > WORD_LEN_MAX || strlen(a) > WORD_LEN_MAX)
        return WORD_LEN_MAX;
    for (uint32_t j = 0; j <= columns; j++)
        row[j] = j;
    for (uint32_t i = 0; a[i]; i++) {
        uint32_t corner = row[0];
        row[0] = i + 1;
        for (uint32_t j = 0; j < columns; j++) {
            uint32_t above = row[j + 1], change = corner + (a[i] != b[j]);
            uint32_t shift = (above < row[j] ? above : row[j]) + 1;
            row[j + 1] = change < shift ? change : shift;
            corner = above;
        }
    }
    return row[columns];
}

void advice_begin(struct advice *a, const char *wrong)
{
    *a = (struct advice){.edits = (uint32_t)strlen(wrong) / 3 + 2};
}

void advice_consider(struct advice *a, const char *wrong, const char *key)
{
    // The beginning of a key (igmp for igmp_version) is near, too.
    uint32_t n = strncmp(key, wrong, strlen(wrong)) == 0 ? 1 : edits(wrong, key);
    size_t at = strlen(a->keys);
    if (n < a->edits && *wrong) {
        a->edits = n;
        a->meant = key;
    }
    snprintf(a->keys + at, sizeof a->keys - at, " %s", key);
}
