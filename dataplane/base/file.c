#include "dataplane/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool file_replace(const char *path, const char *bytes, size_t len, mode_t mode, struct error *err)
{
    char draft[PATH_MAX];
    if (snprintf(draft, sizeof draft, "%s.new", path) >= (int)sizeof draft)
        return error_set(err, EXIT_USAGE, "%.100s...: the path is too long", path);
    const int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    bool ok = fd >= 0;
    for (size_t done = 0; ok && done < len;) {
        const ssize_t n = write(fd, bytes + done, len - done);
        ok = n > 0 || (n < 0 && errno == EINTR);
        done += n > 0 ? (size_t)n : 0;
    }
    ok = ok && fsync(fd) == 0;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    if (ok && rename(draft, path) == 0)
        return true;
    cause = ok ? errno : cause;
    if (fd >= 0)
        unlink(draft);
    return error_set(err, EXIT_FAILED, "%s: %s; name a file that can be written", path,
                     strerror(cause));
}
