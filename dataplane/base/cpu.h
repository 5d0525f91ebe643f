// Cores: which there are, which we may use, on which NUMA node they stand.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

// The process may run on <core>.
bool cpu_allowed(uint32_t core);
// NUMA node by libnuma; -1 where the machine has none or the core does not exist.
int cpu_node(uint32_t core);
// "0-3,8": the cores the process may use, for error messages.
void cpu_allowed_text(char *text, size_t len);
