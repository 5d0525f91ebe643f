#include "controlplane/trace/post.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/region/snapshot.h"
#include "controlplane/trace/otlp.h"

enum { ANSWER_MAX = 16384, HEADER_LINE_MAX = 4096 };

struct post {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    bool busy;
    size_t answer_len; // what is beyond is not kept
    uint8_t answer[ANSWER_MAX];
    char error[CURL_ERROR_SIZE];
};

static bool header_add(struct post *p, const char *line, struct error *err)
{
    struct curl_slist *more = curl_slist_append(p->headers, line);
    if (more == NULL)
        return error_set(err, EXIT_FAILED, "trace: no memory");
    p->headers = more;
    return true;
}

static bool headers_read(struct post *p, const char *path, struct error *err)
{
    char line[HEADER_LINE_MAX];
    FILE *file = fopen(path, "re");
    bool ok = true;
    if (file == NULL)
        return error_set(err, EXIT_USAGE, "%s: %s", path, strerror(errno));
    while (ok && fgets(line, sizeof line, file)) {
        size_t len = strlen(line);
        while (len && isspace((unsigned char)line[len - 1]))
            line[--len] = 0;
        if (len == 0 || line[0] == '#')
            continue;
        ok = strchr(line, ':') ? header_add(p, line, err)
                               : error_set(err, EXIT_USAGE,
                                           "%s: a line is no header, like 'Authorization: Bearer "
                                           "...'",
                                           path);
    }
    fclose(file);
    return ok;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct post *p = context;
    const size_t len = size * count, room = sizeof p->answer - p->answer_len;
    memcpy(p->answer + p->answer_len, bytes, len < room ? len : room);
    p->answer_len += len < room ? len : room;
    return len;
}

static bool setup(struct post *p, const struct post_config *c, struct error *err)
{
    bool ok = true;
    ok &= curl_easy_setopt(p->easy, CURLOPT_URL, c->url) == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_POST, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms) == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_ERRORBUFFER, p->error) == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p) == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_USERAGENT, "tickgate/" TICKGATE_VERSION) == CURLE_OK;
    ok &= curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, p->headers) == CURLE_OK;
    if (c->ca[0])
        ok &= curl_easy_setopt(p->easy, CURLOPT_CAINFO, c->ca) == CURLE_OK;
    return ok || error_set(err, EXIT_FAILED, "trace: libcurl does not take its options");
}

static bool url_check(const char *text, struct error *err)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    const bool good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                      curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                      (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(url);
    return good || error_set(err, EXIT_USAGE,
                             "'%.128s' is no address of a collector, like "
                             "http://127.0.0.1:4318/v1/traces",
                             text);
}

struct post *post_open(const struct post_config *config, struct error *err)
{
    struct post *p = calloc(1, sizeof *p);
    if (!url_check(config->url, err) || p == NULL) {
        free(p);
        return NULL;
    }
    p->multi = curl_multi_init();
    p->easy = curl_easy_init();
    if (p->multi == NULL || p->easy == NULL)
        error_set(err, EXIT_FAILED, "trace: libcurl does not start");
    else if (header_add(p, "Content-Type: application/x-protobuf", err) &&
             header_add(p, "Expect:", err) &&
             (config->headers_file[0] == 0 || headers_read(p, config->headers_file, err)) &&
             setup(p, config, err))
        return p;
    post_close(p);
    return NULL;
}

void post_close(struct post *p)
{
    if (p == NULL)
        return;
    if (p->busy)
        curl_multi_remove_handle(p->multi, p->easy);
    curl_easy_cleanup(p->easy);
    curl_multi_cleanup(p->multi);
    curl_slist_free_all(p->headers);
    free(p);
}

bool post_begin(struct post *p, const uint8_t *body, size_t len)
{
    p->answer_len = 0;
    p->error[0] = 0;
    p->busy = curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) == CURLE_OK &&
              curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
              curl_multi_add_handle(p->multi, p->easy) == CURLM_OK;
    return p->busy;
}

// What the public protocol calls worth another try.
static bool retryable(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static enum post_state ended(struct post *p, CURLcode result, uint64_t *rejected, char *why,
                             size_t why_len)
{
    long status = 0;
    curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK) {
        snprintf(why, why_len, "%s%s", p->error[0] ? p->error : curl_easy_strerror(result),
                 result == CURLE_PEER_FAILED_VERIFICATION
                     ? "; trace.ca names the authority of the collector's certificate, and "
                       "trace.endpoint the host as it stands there"
                     : "");
        text_clean(why, why_len);
        return POST_FAILED;
    }
    if (status / 100 != 2) {
        snprintf(why, why_len, "the collector answers %ld", status);
        return retryable(status) ? POST_FAILED : POST_REFUSED;
    }
    *rejected = otlp_rejected(p->answer, p->answer_len, why, why_len);
    return POST_TAKEN;
}

enum post_state post_turn(struct post *p, uint32_t wait_ms, uint64_t *rejected, char *why,
                          size_t why_len)
{
    int running = 0, left;
    enum post_state state = p->busy ? POST_BUSY : POST_IDLE;
    *rejected = 0;
    *why = 0;
    curl_multi_perform(p->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &left)) != NULL;)
        if (m->msg == CURLMSG_DONE) {
            state = ended(p, m->data.result, rejected, why, why_len);
            curl_multi_remove_handle(p->multi, p->easy);
            p->busy = false;
        }
    if (wait_ms && (state == POST_BUSY || state == POST_IDLE))
        curl_multi_poll(p->multi, NULL, 0, (int)wait_ms, NULL);
    return state;
}

void post_wake(struct post *p)
{
    curl_multi_wakeup(p->multi);
}
