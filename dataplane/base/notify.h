// What a service manager wants to hear (sd_notify(3)): a process is ready, lives, stops. Does
// nothing where nobody listens (NOTIFY_SOCKET). One thread, never a lane.
#pragma once

#include <stdint.h>

void notify_ready(void);
void notify_stopping(void);
// Call often, with CLOCK_MONOTONIC: twice in each WATCHDOG_USEC the manager hears that the loop
// turns.
void notify_alive(uint64_t now_ns);
