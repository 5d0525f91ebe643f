// The exchange's log as JSON lines (docs/exchange.md lists the fields).
#pragma once

#include <stdio.h>

#include "bench/exchange/trade/bourse.h"

struct order_log {
    FILE *file;
    bool failed; // told once
    const char *path;
};

// <path> NULL: no log.
bool order_log_open(struct order_log *l, const char *path, struct error *err);
void order_log_write(struct order_log *l, const struct bourse_config *config,
                     const struct bourse_record *r);
void order_log_flush(struct order_log *l);
void order_log_close(struct order_log *l);

// One record without the end of the line.
void order_log_line(FILE *f, const struct bourse_config *config, const struct bourse_record *r);
