#include "dataplane/lane/answer.h"

#include "dataplane/lane/desk.h"
#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_command.h"
#include "dataplane/lane/desk_limits.h"
#include "dataplane/lane/desk_luld.h"
#include "dataplane/lane/desk_signal.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/lane/lane_event.h"
#include "dataplane/lane/tape.h"

// --- main lcore ---

static void answer_frame(struct lane *lane, struct channel *ch, struct lane_answer *answer,
                         uint64_t now)
{
    answer->frame.flags |= FRAME_RECOVERED;
    if (channel_recovered(ch, answer->frame.data, answer->frame.len, &answer->frame, now))
        return; // held: comes back when it is due
    const struct lane_note note = {.kind = NOTE_RETURN, .frame = answer->frame};
    spsc_push(&lane->notes, &note);
}

static void answer_send(struct lane *lane, struct lane_answer *answer)
{
    for (uint32_t i = 0; i < lane->input_count; i++) {
        struct port *port = lane->inputs[i].port;
        if (port->index != answer->port)
            continue;
        if (port->ops->send(port, lane->inputs[i].queue, &answer->frame, 1) == 1)
            return;
        lane->count->transmit_refused++;
        port->ops->release(port, &answer->frame);
        return;
    }
}

uint32_t answers_take(struct lane *lane, uint64_t now)
{
    struct lane_answer answer;
    uint32_t taken = 0;
    while (taken < LANE_ANSWERS_MAX && spsc_pop(lane->inbox, &answer)) {
        struct channel *ch = NULL;
        for (uint32_t i = 0; i < lane->channel_count; i++)
            if (lane->channels[i]->index == answer.channel)
                ch = lane->channels[i];
        taken++;
        lane->input++;
        lane->stamp = now;
        if (answer.kind == ANSWER_SEND) {
            answer_send(lane, &answer);
            continue;
        }
        if (answer.kind == ANSWER_NEIGHBOUR && lane->desk)
            desk_neighbour(lane->desk, answer.session, answer.loaded, answer.mac);
        if (answer.kind == ANSWER_LOGOUT && lane->desk)
            desk_logout(lane->desk, answer.session, now);
        if (answer.kind == ANSWER_UNPACE && lane->desk)
            desk_unpace(lane->desk, answer.session);
        if (answer.kind == ANSWER_LIMITS && lane->desk)
            desk_limits_swap(lane->desk, answer.swap);
        if (answer.kind == ANSWER_CLOCK && lane->desk)
            desk_clock_take(lane->desk, answer.sequence);
        if (answer.kind == ANSWER_UTC && lane->desk)
            desk_signals_clock(lane->desk, answer.sequence);
        if (answer.kind == ANSWER_ACT && lane->desk)
            desk_act_take(lane->desk, answer.sequence);
        if (ch == NULL)
            continue;
        switch (answer.kind) {
        case ANSWER_FRAME: answer_frame(lane, ch, &answer, now); break;
        case ANSWER_FAILED: channel_request_failed(ch, answer.sequence); break;
        case ANSWER_BOOK:
            channel_book_returned(ch, answer.sequence, answer.loaded, now);
            if (lane->desk)
                desk_book_back(lane->desk, ch);
            break;
        case ANSWER_FILTER: channel_filter_begin(ch, answer.bitmap); break;
        case ANSWER_SEND:
        case ANSWER_NEIGHBOUR:
        case ANSWER_LOGOUT:
        case ANSWER_LIMITS:
        case ANSWER_CLOCK:
        case ANSWER_UTC:
        case ANSWER_ACT:
        case ANSWER_UNPACE:
        case ANSWER_LOADED: break;
        }
    }
    for (uint32_t i = 0; i < lane->channel_count; i++)
        if (UNLIKELY(lane->channels[i]->filter_next != NULL))
            taken += channel_filter_step(lane->channels[i]);
    return taken;
}

// --- control plane ---

// Channel of this lane by its index in the region, null when it is not ours.
static struct channel *channel_of(const struct lane *lane, uint32_t index)
{
    for (uint32_t i = 0; i < lane->channel_count; i++)
        if (lane->channels[i]->index == index)
            return lane->channels[i];
    return NULL;
}

static uint32_t depth_copy(const struct book *book, uint32_t slot, enum book_side side,
                           uint32_t depth, struct command_level *out)
{
    struct book_level levels[BOOK_DEPTH_MAX];
    uint32_t n = book_depth(book, slot, side, depth, levels);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct command_level){levels[i].price, levels[i].orders, levels[i].shares};
    return n;
}

static enum command_result book_snapshot(const struct lane *lane,
                                         const struct book_snapshot_request *request,
                                         struct book_snapshot_answer *answer)
{
    const struct channel *ch = channel_of(lane, request->channel);
    if (ch == NULL || request->locate >= LOCATES || request->depth == 0 ||
        request->depth > BOOK_DEPTH_MAX)
        return COMMAND_RESULT_BAD_ARGUMENT;
    if (ch->book_lent)
        return COMMAND_RESULT_BUSY;
    uint16_t slot = ch->book.slot_of_locate[request->locate];
    if (slot == SYMBOL_NONE)
        return COMMAND_RESULT_NO_SYMBOL;
    answer->next_sequence = ch->arbiter.next;
    answer->time_ns = ch->time_ns;
    answer->quality = (uint8_t)channel_symbol_quality(ch, slot);
    answer->trading_state = ch->book.symbols[slot].trading_state;
    answer->bid_count = depth_copy(&ch->book, slot, BOOK_BID, request->depth, answer->bids);
    answer->ask_count = depth_copy(&ch->book, slot, BOOK_ASK, request->depth, answer->asks);
    answer->band = BAND_NONE;
    if (lane->desk)
        answer->band = (uint8_t)desk_luld_shown(lane->desk, ch, slot, request->instrument,
                                                &answer->band_low, &answer->band_high);
    return COMMAND_RESULT_OK;
}

static enum command_result queue_position(const struct lane *lane,
                                          const struct queue_position_request *request,
                                          struct queue_position_answer *answer)
{
    const struct channel *ch = channel_of(lane, request->channel);
    struct book_position position;
    if (ch == NULL)
        return COMMAND_RESULT_BAD_ARGUMENT;
    if (ch->book_lent)
        return COMMAND_RESULT_BUSY;
    if (!book_queue_position(&ch->book, request->reference, QUEUE_STEPS_MAX, &position))
        return COMMAND_RESULT_NO_ORDER;
    *answer = (struct queue_position_answer){
        .next_sequence = ch->arbiter.next,
        .shares_ahead = position.shares_ahead,
        .orders_ahead = position.orders_ahead,
        .price = position.price,
        .shares = position.shares,
        .locate = ch->book.symbols[position.slot].locate,
        .side = position.side,
        .quality = (uint8_t)channel_symbol_quality(ch, position.slot),
    };
    return COMMAND_RESULT_OK;
}

uint32_t commands_take(struct lane *lane)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++) {
        struct command_slot *slot = region_command_slot(&lane->view, i);
        if (!command_take(slot, lane->index))
            continue;
        enum command_result result = COMMAND_RESULT_UNKNOWN;
        // Copies: the poster is another process and may write on.
        const uint32_t type = slot->type;
        struct book_snapshot_request snapshot = slot->request.book_snapshot;
        struct queue_position_request position = slot->request.queue_position;
        uint64_t sequence = 0;
        lane->input++;
        if (UNLIKELY(lane->tape != NULL))
            tape_command(lane->tape, i, type, &slot->request.govern);
        if (type == COMMAND_BOOK_SNAPSHOT)
            result = book_snapshot(lane, &snapshot, &slot->answer.book_snapshot);
        else if (type == COMMAND_QUEUE_POSITION)
            result = queue_position(lane, &position, &slot->answer.queue_position);
        else if (command_governs(type))
            result = desk_command(lane, (enum command_type)type, &slot->request.govern,
                                  &slot->answer.govern, &sequence);
        lane->count->commands++;
        command_answer(slot, result, sequence);
        taken++;
    }
    return taken;
}
