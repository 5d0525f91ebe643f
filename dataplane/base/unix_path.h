// Unix sockets that a killed process leaves behind: the file stays, and nobody can bind it again.
#pragma once

enum unix_path {
    UNIX_PATH_FREE,
    UNIX_PATH_OTHER, // something that is no socket
    UNIX_PATH_LIVE,  // a socket on which somebody listens
    UNIX_PATH_STALE, // a socket on which nobody does
};

// What stands at <path>. <type>: SOCK_STREAM, SOCK_SEQPACKET, as its owner would have made it.
enum unix_path unix_path_look(const char *path, int type);

// Removes the socket file of a DPDK memif server ("net_memif0,role=server,socket=PATH,...") on
// which nobody listens: the driver would refuse to start. Does nothing for any other device.
void unix_path_clear_memif(const char *device);
