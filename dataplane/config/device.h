// Arguments of DPDK's virtual devices ("net_memif0,role=client,socket=/run/x.sock"). A driver that
// meets an argument it does not know may leave all of them out and open with its defaults.
#pragma once

#include <stdbool.h>

enum { DEVICE_WHY_LEN = 256 };

// False: cause and remedy in <why>. PCI devices and drivers that devices.def does not list are not
// looked at.
bool device_check(const char *device, char why[DEVICE_WHY_LEN]);
