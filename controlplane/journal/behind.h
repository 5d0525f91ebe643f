// Behind a start that went on from the journal: the hashes of everything that it read or passed
// over, and an extract of each whole segment for the next start (extract.h), from then on also of
// what is written meanwhile.
//
// Damage, and an extract that says another thing than its segment, are told to the drain: no order
// is taken from there on.
#pragma once

#include "controlplane/journal/day.h"
#include "controlplane/journal/drain.h"

// Until <day>'s stop; gives way to everything else on the machine.
void behind_work(const struct day *day, struct drain *drain);
