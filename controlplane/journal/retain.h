// Old segments of a journal that is written.
#pragma once

#include "controlplane/journal/journal.h"

// Takes away segments from the front while the configuration wants that: all together larger than
// keep_bytes, or not written to for keep_ns. Never the last two, which the next writer reads, and
// none from *keep_from on.
void journal_retain(struct journal *j);
