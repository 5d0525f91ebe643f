// Files that are there whole, or as they were before.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "dataplane/base/error.h"

// <bytes>, once they are on the disk, become the file <path>; one that is there is replaced. False
// with <err> (EXIT_USAGE: the path is too long, else EXIT_FAILED), and <path> is what it was.
bool file_replace(const char *path, const char *bytes, size_t len, mode_t mode, struct error *err);
