#include "dataplane/base/unix_path.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/base/log.h"

enum unix_path unix_path_look(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    if (lstat(path, &status) != 0)
        return UNIX_PATH_FREE;
    if (!S_ISSOCK(status.st_mode))
        return UNIX_PATH_OTHER;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    bool live = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return live ? UNIX_PATH_LIVE : UNIX_PATH_STALE;
}

void unix_path_clear_memif(const char *device)
{
    static const char key[] = ",socket=";
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    const char *socket = strstr(device, key);
    if (strncmp(device, "net_memif", 9) != 0 || strstr(device, ",role=server") == NULL || !socket)
        return;
    socket += sizeof key - 1;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(socket, ","), socket);
    if (unix_path_look(path, SOCK_SEQPACKET) != UNIX_PATH_STALE || unlink(path) != 0)
        return;
    log_warn(LOG_STALE_SOCKET, LOG_FIELDS(LOG_TEXT("path", path)),
             "removed %s, which a process that was killed had left behind", path);
}
