// Behind a start that went on from the journal: all of the day is read, with checksums, numbers,
// order and hashes, and every extract that the start used is compared with its segment (extract.h).
// Orders wait until this has passed what the start did not look at itself (day->doubtful):
// drain_verify(true) stands when this begins, and is taken back then.
//
// Whole segments without an extract get one for the next start, from then on also of what is
// written meanwhile. Damage, and an extract that says another thing than its segment, are told to
// the drain: no order is taken from there on. The region keeps how far this was, so that the next
// control plane goes on with it. What only this one cannot do (descriptors, memory, the disk) stops
// orders that wait, and is not kept.
#pragma once

#include "controlplane/journal/day.h"
#include "controlplane/journal/drain.h"

// Until <day>'s stop; gives way to everything else on the machine once orders are taken. <contact>:
// null in tests. <verdict>: how far another control plane was.
void behind_work(const struct day *day, struct drain *drain, struct contact *contact,
                 enum restore_verdict verdict);
// A doubt over what could not be read, and orders wait: false when <stop>, else it is to be looked
// at again. The pause is a second, then twice the one before up to a minute; <naps>: 0 before the
// first. Behind it the drain is without the doubt in any case: the instance may be gone.
bool behind_again(struct drain *drain, const atomic_bool *stop, uint32_t *naps);
