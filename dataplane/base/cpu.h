// Cores: which there are, which we may use, on which NUMA node they stand.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

// The machine has the core, and it is online.
bool cpu_exists(uint32_t core);
// The process may run on <core>.
bool cpu_allowed(uint32_t core);
// NUMA node by libnuma; -1 where the machine has none or the core does not exist.
int cpu_node(uint32_t core);
// Two different cores that are threads of one physical core.
bool cpu_siblings(uint32_t core, uint32_t other);
// Takes <core> for as long as the process lives: alone, or with others that do not ask to be
// alone. False where another process has it. A lock of the kernel's on the core's folder in sysfs:
// a process that is killed leaves nothing behind, and containers on the host's network see the
// same one.
bool cpu_take(uint32_t core, bool alone);
// "0-3,8": the cores the process may use, for error messages.
void cpu_allowed_text(char *text, size_t len);
