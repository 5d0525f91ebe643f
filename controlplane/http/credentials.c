// Certificates, keys and tokens: read once, and seen to fit before anything listens.
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/http/parts.h"

enum { FILE_BYTES_MAX = 256 * 1024, TOKEN_LEN_MIN = 16, CHAIN_MAX = 16 };

// --- files ---

// A secret is for its owner, or for the group that may use it; not for everybody.
static bool secret_kept(const char *key, const char *path, int fd, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set(err, EXIT_FAILED, "http.%s: %s: %s", key, path, strerror(errno));
    return !(status.st_mode & 07) ||
           error_set(err, EXIT_USAGE,
                     "http.%s: %s: everybody on this machine can read or change it; chmod o= %s",
                     key, path, path);
}

// The file as text, to be freed; null with <err>.
static char *file_read(const char *key, const char *path, bool secret, struct error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = fd < 0 ? NULL : malloc(FILE_BYTES_MAX + 1);
    ssize_t len = -1;
    if (fd < 0)
        error_set(err, EXIT_USAGE, "http.%s: %s: %s; name a file that the control plane can read",
                  key, path, strerror(errno));
    else if (text == NULL)
        error_set(err, EXIT_FAILED, "http.%s: no memory", key);
    else if (!secret || secret_kept(key, path, fd, err)) {
        len = read(fd, text, FILE_BYTES_MAX + 1);
        if (len < 0)
            error_set(err, EXIT_USAGE, "http.%s: %s: %s; name a file", key, path, strerror(errno));
        else if (len > FILE_BYTES_MAX)
            error_set(err, EXIT_USAGE, "http.%s: %s: larger than %d KiB; name another file", key,
                      path, FILE_BYTES_MAX / 1024);
    }
    if (fd >= 0)
        close(fd);
    if (len < 0 || len > FILE_BYTES_MAX) {
        free(text);
        return NULL;
    }
    text[len] = 0;
    return text;
}

// --- certificates ---

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static bool chain_check(const char *key, const char *path, const char *text, struct error *err)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned count = CHAIN_MAX;
    const gnutls_datum_t pem = datum(text);
    const int read = gnutls_x509_crt_list_import(chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0);
    if (read <= 0)
        return error_set(err, EXIT_USAGE,
                         "http.%s: %s: %s; it takes certificates as PEM (BEGIN CERTIFICATE)", key,
                         path, read < 0 ? gnutls_strerror(read) : "nothing is in it");
    const time_t end = gnutls_x509_crt_get_expiration_time(chain[0]);
    char text_end[32] = "";
    struct tm tm;
    if (gmtime_r(&end, &tm))
        strftime(text_end, sizeof text_end, "%Y-%m-%d", &tm);
    for (int i = 0; i < read; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return end > time(NULL) ||
           error_set(err, EXIT_USAGE, "http.%s: %s: expired on %s; get a new certificate", key,
                     path, text_end);
}

static bool key_check(const struct config_http *o, const char *text, struct error *err)
{
    gnutls_x509_privkey_t key;
    const gnutls_datum_t pem = datum(text);
    int fault = gnutls_x509_privkey_init(&key);
    if (fault < 0)
        return error_set(err, EXIT_FAILED, "http.tls_key: %s", gnutls_strerror(fault));
    fault = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_x509_privkey_deinit(key);
    return fault >= 0 ||
           error_set(err, EXIT_USAGE,
                     "http.tls_key: %s: %s; it takes a private key as PEM, without a pass phrase",
                     o->tls_key, gnutls_strerror(fault));
}

static bool pair_check(const struct http_credentials *c, const struct config_http *o,
                       struct error *err)
{
    gnutls_certificate_credentials_t both;
    const gnutls_datum_t certificate = datum(c->certificate), key = datum(c->key);
    int fault = gnutls_certificate_allocate_credentials(&both);
    if (fault < 0)
        return error_set(err, EXIT_FAILED, "http.tls_key: %s", gnutls_strerror(fault));
    fault = gnutls_certificate_set_x509_key_mem(both, &certificate, &key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(both);
    return fault >= 0 || error_set(err, EXIT_USAGE,
                                   "http.tls_key: %s: is not the key of %s; name the one that "
                                   "its request was made with",
                                   o->tls_key, o->tls_certificate);
}

// --- token ---

static bool token_check(struct http_credentials *c, const struct config_http *o, struct error *err)
{
    c->token[strcspn(c->token, "\r\n")] = 0;
    const size_t len = strlen(c->token);
    for (size_t i = 0; i < len; i++)
        if (c->token[i] <= ' ' || c->token[i] > '~')
            return error_set(err, EXIT_USAGE,
                             "http.token_file: %s: a token has no blanks and only ASCII; openssl "
                             "rand -hex 32 makes one",
                             o->token_file);
    return len >= TOKEN_LEN_MIN ||
           error_set(err, EXIT_USAGE,
                     "http.token_file: %s: its first line has %zu characters, a token at least %d; "
                     "openssl rand -hex 32 makes one",
                     o->token_file, len, TOKEN_LEN_MIN);
}

// --- all of them ---

static bool take(char **to, const char *key, const char *path, bool secret, struct error *err)
{
    if (*path)
        *to = file_read(key, path, secret, err);
    return *path == 0 || *to;
}

bool credentials_load(struct http_credentials *c, const struct config_http *o, struct error *err)
{
    return take(&c->certificate, "tls_certificate", o->tls_certificate, false, err) &&
           take(&c->key, "tls_key", o->tls_key, true, err) &&
           take(&c->client_ca, "client_ca", o->client_ca, false, err) &&
           take(&c->token, "token_file", o->token_file, true, err) &&
           (c->certificate == NULL ||
            (chain_check("tls_certificate", o->tls_certificate, c->certificate, err) &&
             key_check(o, c->key, err) && pair_check(c, o, err))) &&
           (c->client_ca == NULL || chain_check("client_ca", o->client_ca, c->client_ca, err)) &&
           (c->token == NULL || token_check(c, o, err));
}

static void secret_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void credentials_free(struct http_credentials *c)
{
    free(c->certificate);
    free(c->client_ca);
    secret_free(c->key);
    secret_free(c->token);
    memset(c, 0, sizeof *c);
}

// --- who asks ---

// Compares in a time that does not tell how much was right.
static bool same(const char *given, const char *token)
{
    const size_t len = strlen(token);
    unsigned char difference = strlen(given) != len;
    for (size_t i = 0; i < len && given[i]; i++)
        difference |= (unsigned char)(given[i] ^ token[i]);
    return difference == 0;
}

static bool token_fits(const char *token, struct MHD_Connection *connection)
{
    static const char scheme[] = "Bearer ";
    const char *given =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    return given && strncasecmp(given, scheme, sizeof scheme - 1) == 0 &&
           same(given + sizeof scheme - 1, token);
}

static bool certificate_fits(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned fault = 0;
    if (info == NULL)
        return false;
    gnutls_session_t session = info->tls_session;
    unsigned count = 0;
    return gnutls_certificate_get_peers(session, &count) && count &&
           gnutls_certificate_verify_peers2(session, &fault) >= 0 && fault == 0;
}

bool credentials_fit(const struct http_credentials *c, struct MHD_Connection *connection)
{
    if (c->token == NULL && c->client_ca == NULL)
        return true;
    return (c->token && token_fits(c->token, connection)) ||
           (c->client_ca && certificate_fits(connection));
}
