// The story of an order as text: a line for each event, and below it what it says.
#pragma once

#include <jansson.h>

// <steps>: views of events, as explain.c makes them. <end>: the last line.
void explain_print(const json_t *steps, const char *end);
