// What people do to a lane while it trades, at moments that are drawn: kills and their lifting,
// mass cancels, strategies switched and given parameters, cancels on disconnect and on feed loss.
#pragma once

#include <stdint.h>

// Before the first step of a world.
void people_begin(void);
// Once a step, before it. While everything is killed no enter, replace or modify leaves: checked.
void people_step(void);
// What was halted as messages are missing goes on, a while later.
void people_lift_halts(void);
// All kills are lifted.
void people_leave(void);
// At rest: whoever asks the exchanges hears that they have none of the orders that are still open,
// and closes them, each of which must be in doubt. Returns how many there were.
uint64_t people_close_doubts(void);
