#include "controlplane/control/live_config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/control/rpc.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/file.h"
#include "dataplane/base/log.h"

enum { AGAIN_S = 2, PATH_MAX_LEN = 640, FILE_MODE = 0600 };
#define NS_PER_S UINT64_C(1000000000)

static void path_of(const struct live_config *live, const char *end, char path[PATH_MAX_LEN])
{
    snprintf(path, PATH_MAX_LEN, "%s/%016llx.%s", live->directory, (unsigned long long)live->epoch,
             end);
}

static void version_path(const struct live_config *live, uint32_t version, char path[PATH_MAX_LEN])
{
    char end[24];
    snprintf(end, sizeof end, "%u.yaml", version);
    path_of(live, end, path);
}

struct live_config *live_config_new(const char *file, const char *directory)
{
    struct live_config *live = calloc(1, sizeof *live);
    if (live == NULL)
        return NULL;
    snprintf(live->file, sizeof live->file, "%s", file ? file : "");
    snprintf(live->directory, sizeof live->directory, "%s", directory ? directory : "");
    return live;
}

void live_config_free(struct live_config *live)
{
    if (live)
        job_clear(&live->job);
    free(live);
}

// --- files ---

// Null with errno. What is no file could keep the control plane waiting for ever.
static FILE *regular_open(const char *path)
{
    struct stat status;
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *file =
        fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? fdopen(fd, "rb") : NULL;
    if (file == NULL && fd >= 0) {
        close(fd);
        errno = EINVAL;
    }
    return file;
}

static char *config_file_text(const char *path, uint64_t *len, struct error *err)
{
    FILE *file = regular_open(path);
    char *text = file ? malloc(CONFIG_FILE_MAX + 1) : NULL;
    *len = text ? fread(text, 1, CONFIG_FILE_MAX + 1, file) : 0;
    if (text == NULL || ferror(file))
        error_set(err, EXIT_FAILED, "%s: %s; name a regular file that the control plane can read",
                  path, file == NULL && errno == EINVAL ? "is no regular file" : strerror(errno));
    else if (*len > CONFIG_FILE_MAX)
        error_set(err, EXIT_USAGE, "%s: larger than 1 MiB: this is no configuration", path);
    if (file)
        fclose(file);
    if (err->code == EXIT_OK)
        return text;
    free(text);
    return NULL;
}

// What the control plane can read is not for everybody who may name a file: only what stands where
// its own configuration does.
char *live_config_file_text(const struct live_config *live, const char *path, uint64_t *len,
                            struct error *err)
{
    char *own = realpath(live->file, NULL), *other = realpath(path, NULL), *text = NULL;
    const char *slash = own ? strrchr(own, '/') : NULL;
    const size_t folder = slash ? (size_t)(slash - own) + 1 : 0;
    const bool beside =
        other && folder && strncmp(own, other, folder) == 0 && strchr(other + folder, '/') == NULL;
    if (beside)
        text = config_file_text(path, len, err);
    else if (other == NULL)
        error_set(err, EXIT_FAILED, "%s: %s; name it with its whole path", path, strerror(errno));
    else
        error_set(err, EXIT_USAGE, "%s: does not stand beside %s; put it there", path,
                  own ? own : live->file);
    free(own);
    free(other);
    return text;
}

char *live_config_text(const struct live_config *live, uint32_t version, uint64_t *len,
                       struct error *err)
{
    char path[PATH_MAX_LEN];
    version_path(live, version, path);
    return config_file_text(path, len, err);
}

enum { EPOCH_LEN = 16 }; // of a name, before its point

static int is_configuration(const struct dirent *e)
{
    return e->d_name[0] != '.' && strlen(e->d_name) > EPOCH_LEN + 1 && e->d_name[EPOCH_LEN] == '.';
}

// Those of earlier dataplanes are of no use any more.
static void others_remove(const struct live_config *live)
{
    struct dirent **names = NULL;
    char own[EPOCH_LEN + 2], path[PATH_MAX_LEN + 256];
    const int count = scandir(live->directory, &names, is_configuration, alphasort);
    snprintf(own, sizeof own, "%016llx.", (unsigned long long)live->epoch);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", live->directory, names[i]->d_name);
        if (strncmp(names[i]->d_name, own, EPOCH_LEN + 1) != 0)
            unlink(path);
        free(names[i]);
    }
    free(names);
}

// --- what a dataplane runs ---

static void unknown(struct live_config *live, const char *why)
{
    live->epoch = 0;
    snprintf(live->why, sizeof live->why, "%.255s", why);
}

static void confirm_read(struct live_config *live)
{
    char path[PATH_MAX_LEN];
    unsigned version = 0;
    unsigned long long until = 0;
    path_of(live, "confirm", path);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%u %llu", &version, &until) == 2 && version == live->version)
        live->confirm_ns = until;
    if (file)
        fclose(file);
}

// The file is what the dataplane was started with: the first version.
static bool first_write(struct live_config *live, uint64_t hash, struct error *err)
{
    static struct config config;
    uint64_t len;
    char *text = config_file_text(live->file, &len, err), path[PATH_MAX_LEN];
    bool good = text && config_load_text(&config, live->file, text, len, err);
    if (good && config.hash != hash)
        good = error_set(err, EXIT_STATE,
                         "%s: is not what the dataplane was started with; start it again, and the "
                         "control plane with the same file",
                         live->file);
    if (text)
        config_free(&config);
    mkdir(live->directory, 0700);
    version_path(live, 0, path);
    good = good && file_replace(path, text, len, FILE_MODE, err);
    free(text);
    return good;
}

static void learn(struct live_config *live, const struct region_identity *identity)
{
    struct error err = {0};
    char path[PATH_MAX_LEN];
    live->version = 0;
    live->confirm_ns = 0;
    live->epoch = identity->epoch;
    if (live->file[0] == 0) {
        unknown(live, "the control plane was started without --config");
        return;
    }
    if (live->directory[0] == 0) {
        unknown(live, "configurations are kept beside the journal, which is off");
        return;
    }
    version_path(live, 0, path);
    if (access(path, R_OK) != 0 && !first_write(live, identity->config_hash, &err)) {
        unknown(live, err.text);
        return;
    }
    others_remove(live);
    while (live->version + 1 < CONFIG_VERSIONS_MAX) {
        version_path(live, live->version + 1, path);
        if (access(path, R_OK) != 0)
            break;
        live->version++;
    }
    confirm_read(live);
}

// --- versions ---

bool live_config_write(struct live_config *live, const char *text, uint64_t len, uint64_t back_ns,
                       struct error *err)
{
    char path[PATH_MAX_LEN], line[64];
    if (live->version + 1 >= CONFIG_VERSIONS_MAX)
        return error_set(err, EXIT_STATE,
                         "%d configurations were applied to this dataplane: start "
                         "it again with the newest",
                         CONFIG_VERSIONS_MAX);
    path_of(live, "confirm", path);
    unlink(path);
    snprintf(line, sizeof line, "%u %llu\n", live->version + 1, (unsigned long long)back_ns);
    if (back_ns && !file_replace(path, line, strlen(line), FILE_MODE, err))
        return false;
    path_of(live, "next", path);
    return file_replace(path, text, len, FILE_MODE, err);
}

void live_config_keep(struct live_config *live, uint64_t back_ns)
{
    char from[PATH_MAX_LEN], to[PATH_MAX_LEN];
    path_of(live, "next", from);
    version_path(live, live->version + 1, to);
    if (rename(from, to) != 0)
        log_error(LOG_CONFIG_FILE,
                  LOG_FIELDS(LOG_TEXT("path", to), LOG_TEXT("cause", strerror(errno))),
                  "%s: %s; it is in force all the same", to, strerror(errno));
    live->version++;
    live->confirm_ns = back_ns;
}

char *live_config_next(const struct live_config *live, uint64_t *len, struct error *err)
{
    char path[PATH_MAX_LEN];
    path_of(live, "next", path);
    return config_file_text(path, len, err);
}

void live_config_drop(struct live_config *live)
{
    char path[PATH_MAX_LEN];
    path_of(live, "next", path);
    unlink(path);
    live_config_confirmed(live);
}

void live_config_back(struct live_config *live)
{
    char path[PATH_MAX_LEN];
    version_path(live, live->version, path);
    unlink(path);
    live->version--;
    live_config_confirmed(live);
}

void live_config_confirmed(struct live_config *live)
{
    char path[PATH_MAX_LEN];
    path_of(live, "confirm", path);
    unlink(path);
    live->confirm_ns = 0;
}

// --- every tick ---

static void back_begin(struct control *control)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"method\":\"config_rollback\","
                               "\"params\":{\"reason\":\"not confirmed in time\"}}";
    struct live_config *live = control->live;
    char *reply;
    log_warn(LOG_CONFIG_BACK, LOG_FIELDS(LOG_NUMBER("version", live->version)),
             "version %u was not confirmed in time: back to the one before", live->version);
    rpc_handle(control, line, sizeof line - 1, &live->job, &reply);
    free(reply);
}

void live_config_tick(struct control *control, uint64_t now_ns)
{
    struct live_config *live = control->live;
    char *reply;
    if (live == NULL || !contact_attached(&control->contact))
        return;
    if (live->attached != control->contact.attached) {
        live->attached = control->contact.attached;
        learn(live, &contact_header(&control->contact)->identity);
    }
    live->job.role = ROLE_RISK;
    live->job.user = LIMIT_NOBODY;
    if (live->job.pending) {
        rpc_resume(control, &live->job, &reply);
        free(reply);
    } else if (live->epoch && live->confirm_ns && clock_utc_ns() >= live->confirm_ns &&
               now_ns >= live->again_ns) {
        live->again_ns = now_ns + AGAIN_S * NS_PER_S;
        back_begin(control);
    }
}
