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
    s->next_sequence = config->sequence;
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
