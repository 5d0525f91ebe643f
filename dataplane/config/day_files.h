// All files of the trading day: where the configuration names each, and how it is read.
#pragma once

#include "dataplane/abi/day_control.h"
#include "dataplane/config/reference.h"

// Path of a file as the configuration has it; empty: none.
const char *day_file_path(const struct config *config, enum day_file file);

// The file, read and checked for the day <today>; an empty sheet where the configuration names
// none. False with <err>, and nothing to free.
bool day_file_load(enum day_file file, struct sheet *s, const struct config *config,
                   const struct symbol_index *index, int32_t today, struct error *err);
