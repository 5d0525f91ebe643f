// The trading day on the main lcore: what its files say, put over the rows of the configuration.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/ring.h"
#include "dataplane/config/config.h"
#include "dataplane/config/reference.h"

struct day {
    const struct config *config;
    struct symbol_index index;
    int32_t today;          // the trading day
    struct sheet reference; // empty where there is no file, as the other
    struct sheet positions;
    uint32_t *row_of; // of <reference>, by symbol: 1 + number of the row; 0: none
};

// Reads all files of the configuration. Sets the process's time zone, so there must be no second
// thread yet. False with <err>; day_close afterwards in both cases.
bool day_open(struct day *day, const struct config *config, struct error *err);
void day_close(struct day *day);

// Which files are in force, for the record and the log.
void day_record(const struct day *day, struct event_writer *events);

// What the files say of a symbol replaces what the configuration says of it. A day that is all zero
// has no files.
void day_overlay(const struct day *day, uint32_t instrument, struct config_symbol_row *row);
