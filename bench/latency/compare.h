// Two results side by side: what differs by more than their own rounds do.
#pragma once

#include "dataplane/base/error.h"

// <a>, <b>: directories that --out has written for the same mode.
bool compare_run(const char *a, const char *b, struct error *err);
