// Start of a session, before any lane runs: its configuration is checked here.
#include <string.h>

#include "dataplane/venue/session.h"

bool session_init(struct session *s, const struct session_config *config,
                  struct transport *transport, const char *place, struct error *err)
{
    memset(s, 0, sizeof *s);
    s->config = *config;
    s->transport = transport;
    s->enabled = true;
    s->next_sequence = s->quiet_at = config->sequence;
    s->retry_ticks = config->retry_ticks;
    memcpy(s->session_id, config->session, sizeof s->session_id);
    const struct soupbin_login request = {.username = config->username,
                                          .password = config->password,
                                          .session = config->session,
                                          .sequence = config->sequence,
                                          .timeout_ms = config->timeout_ms};
    s->login_len = soupbin_login_write(s->login, &request);
    if (config->sequence == 0 || s->login_len == 0)
        return error_set(err, EXIT_USAGE,
                         "%s: login does not fit SoupBinTCP: username 6, password and session 10 "
                         "characters, sequence 1 or more, timeout up to 99999 ms",
                         place);
    if (config->heartbeat_ticks == 0 || config->silence_ticks <= config->heartbeat_ticks ||
        config->retry_ticks == 0 || config->retry_ticks_max < config->retry_ticks ||
        config->login_ticks == 0)
        return error_set(err, EXIT_USAGE,
                         "%s: heartbeat, login and retry times are above 0, silence is longer than "
                         "the heartbeat, the longest retry not shorter than the first",
                         place);
    frames_init(&s->frames, &config->frames);
    soupbin_stream_init(&s->stream, s->buffer, sizeof s->buffer);
    return true;
}

void session_restore(struct session *s, const void *id, uint64_t next, bool ended, uint8_t queries)
{
    s->next_sequence = next;
    memcpy(s->session_id, id, SOUPBIN_SESSION_LEN);
    s->was_connected = true;
    s->ended = s->asks_any = s->quiet = ended;
    s->quiet_at = ended ? next : 0;
    s->short_at = s->halted == SESSION_HALT_SHORT ? next : 0;
    // Answers to queries of the earlier run may still stand in the stream: ours goes out when the
    // exchange says that there is nothing more, and should it only pause, they are passed over, and
    // one more, whose query may have left behind the last record.
    s->query_stale = s->frames.query.len > 0;
    if (s->query_stale)
        s->queries_due = queries < SESSION_QUERIES_DUE_MAX ? queries + 1 : SESSION_QUERIES_DUE_MAX;
}
