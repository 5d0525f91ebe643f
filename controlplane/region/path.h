// Where a region's file is.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// <where> with a slash is a path and taken as it is; else it is a name: the file tickgate.<name>,
// looked for on every mounted hugetlbfs and in /dev/shm. The newest file wins: one that a dead
// dataplane left elsewhere is older. When it is nowhere <path> is the place in /dev/shm. False:
// <where> is too long.
bool region_path_find(const char *where, char *path, size_t path_len);
