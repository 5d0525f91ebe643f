// Behind a start that went on from the journal. First, and that is what orders wait for: checksums,
// numbers and order of all that the start passed over because an extract stands for it.
// drain_verify(true) stands when this begins, and is taken back then.
//
// Then the hashes of everything, and an extract of each whole segment for the next start
// (extract.h), from then on also of what is written meanwhile. Damage, and an extract that says
// another thing than its segment, are told to the drain: no order is taken from there on. The
// region keeps how far this was.
#pragma once

#include "controlplane/journal/day.h"
#include "controlplane/journal/drain.h"

// Until <day>'s stop; gives way to everything else on the machine once orders are taken. <contact>:
// null in tests. <verdict>: how far another control plane was.
void behind_work(const struct day *day, struct drain *drain, struct contact *contact,
                 enum restore_verdict verdict);
