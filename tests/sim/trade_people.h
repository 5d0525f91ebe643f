// What people do to a lane while it trades, at moments that are drawn: kills and their lifting,
// mass cancels, strategies switched and given parameters, cancels on disconnect and on feed loss.
#pragma once

// Before the first step of a world.
void people_begin(void);
// Once a step, before it. While everything is killed no enter, replace or modify leaves: checked.
void people_step(void);
// All kills are lifted.
void people_leave(void);
