// Old segments of a journal that is written.
#pragma once

#include "controlplane/journal/journal.h"

// Takes away segments from the front while the configuration wants that: all together larger than
// keep_bytes, or not written to for keep_ns. Never the last two: the next writer reads them.
void journal_retain(struct journal *j);
