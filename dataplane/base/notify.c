#include "dataplane/base/notify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// The manager that goes away is its own affair: what cannot be sent is not sent.
static void tell(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') // an abstract name begins with a zero
        address.sun_path[0] = 0;
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    const socklen_t address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    const ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                                (const struct sockaddr *)&address, address_len);
    (void)sent;
    close(fd);
}

void notify_ready(void)
{
    tell("READY=1");
}

void notify_stopping(void)
{
    tell("STOPPING=1");
}

// Half of what the manager waits, 0: it does not; WATCHDOG_PID says whom it means.
static uint64_t watchdog_ns(void)
{
    const char *wait = getenv("WATCHDOG_USEC"), *whom = getenv("WATCHDOG_PID");
    if (wait == NULL || (whom && strtoull(whom, NULL, 10) != (uint64_t)getpid()))
        return 0;
    return strtoull(wait, NULL, 10) * 1000 / 2;
}

void notify_alive(uint64_t now_ns)
{
    static bool known;
    static uint64_t every_ns, next_ns;
    if (!known)
        every_ns = watchdog_ns();
    known = true;
    if (every_ns == 0 || now_ns < next_ns)
        return;
    next_ns = now_ns + every_ns;
    tell("WATCHDOG=1");
}
