#include "controlplane/dropcopy/theirs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void drop_sessions_of(struct drop_sessions *s, const struct config *config, uint32_t copy)
{
    s->count = 0;
    for (uint32_t i = 0; i < config->session_count && i < SESSIONS_MAX; i++) {
        const struct config_session *c = &config->sessions[i];
        struct drop_session *row = &s->rows[s->count];
        if (c->drop_copy != copy)
            continue;
        *row = (struct drop_session){
            .version = strcmp(c->protocol, "ouch42") == 0 ? OUCH_42 : OUCH_50, .place = (uint8_t)i};
        snprintf(row->name, sizeof row->name, "%s", c->name);
        snprintf(row->username, sizeof row->username, "%s", c->username);
        (void)ouch_prefix_set(&row->prefix, c->token_prefix); // checked with the configuration
        s->count++;
    }
}

const char *drop_session_at(const struct drop_sessions *s, uint32_t place)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->rows[i].place == place)
            return s->rows[i].name;
    return NULL;
}

const struct drop_session *drop_session_named(const struct drop_sessions *s, const char *name)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (strcmp(s->rows[i].name, name) == 0)
            return &s->rows[i];
    return NULL;
}

uint8_t drop_what(unsigned kind)
{
    static const uint8_t letters[REPORT_KINDS] = {
        [REPORT_ACCEPTED] = 'A',      [REPORT_ACCEPTED_DEAD] = 'A', [REPORT_REPLACED] = 'U',
        [REPORT_REPLACED_DEAD] = 'U', [REPORT_CANCELED] = 'C',      [REPORT_EXECUTED] = 'E',
        [REPORT_CORRECTED] = 'F',     [REPORT_BROKEN] = 'B',
    };
    return kind < REPORT_KINDS ? letters[kind] : 0;
}

// Names are padded with blanks on the right, and compared without case as logins are.
static const struct drop_session *session_of(const struct drop_sessions *s, const uint8_t *user)
{
    char name[DROP_USER_LEN + 1] = "";
    memcpy(name, user, DROP_USER_LEN);
    for (size_t n = DROP_USER_LEN; n > 0 && name[n - 1] == ' '; n--)
        name[n - 1] = 0;
    for (uint32_t i = 0; i < s->count; i++)
        if (strcasecmp(s->rows[i].username, name) == 0)
            return &s->rows[i];
    return NULL;
}

enum drop_read drop_theirs_read(const struct drop_sessions *s, const uint8_t *p, uint32_t len,
                                uint64_t sequence, struct drop_item *item)
{
    struct ouch_report r;
    *item = (struct drop_item){.session = UINT8_MAX, .sequence = sequence};
    if (len <= DROP_HEAD_LEN)
        return DROP_UNREADABLE;
    const struct drop_session *row = session_of(s, p + DROP_FIRM_LEN);
    if (row == NULL)
        return DROP_NOT_OURS;
    const uint8_t *message = p + DROP_HEAD_LEN;
    const enum ouch_code code = row->version == OUCH_42
                                    ? ouch42_report(message, len - DROP_HEAD_LEN, &row->prefix, &r)
                                    : ouch50_report(message, len - DROP_HEAD_LEN, &r);
    item->session = row->place;
    if (code != OUCH_OK && code != OUCH_FOREIGN)
        return DROP_UNREADABLE;
    item->what = drop_what(r.kind);
    item->match = r.match;
    item->ref = r.ref;
    item->shares = r.quantity;
    item->price = r.price;
    if (item->what == 0)
        return DROP_NOTHING;
    if (code == OUCH_FOREIGN)
        return DROP_NOT_OURS;
    // An order session's record of these says what became of the order, not what the message said.
    item->bare = item->what == 'A' || item->what == 'U' || item->what == 'B' || item->what == 'F';
    if (item->what == 'C' || item->bare)
        item->price = 0;
    if (item->bare)
        item->shares = 0;
    return DROP_READ;
}
