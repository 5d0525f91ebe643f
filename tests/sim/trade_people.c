#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_command.h"
#include "tests/sim/trade_cover.h"
#include "tests/sim/trade_people.h"
#include "tests/sim/trade_world.h"

static struct {
    bool any, all; // something, or everything, is killed
    uint64_t sent; // orders by then
} killed;

static uint64_t sent(void)
{
    uint64_t sum = 0;
    for (uint32_t k = 0; k < TRADE_VENUES; k++)
        sum += sim->venues[k].session.count.sent;
    return sum;
}

static uint32_t index_drawn(enum trade_scope scope)
{
    switch (scope) {
    case TRADE_ACCOUNT: return trade_draw(TRADE_ACCOUNTS);
    case TRADE_STRATEGY: return trade_draw(2) ? TRADE_DRIVER : trade_draw(sim->strategies.count);
    case TRADE_SYMBOL: return trade_draw(TRADE_SYMBOLS);
    case TRADE_SESSION: return trade_draw(TRADE_VENUES);
    default: return 0;
    }
}

static void kill_some(enum trade_scope scope, uint32_t index)
{
    struct kill_words *k = &sim->desk.kills[trade_draw(2) ? KILL_BY_OPERATOR : KILL_BY_MAIN];
    kill_ask(k, scope, index);
    cover_case(COVER_KILL_FIRM + scope);
    killed.any = true;
    killed.all = scope == TRADE_FIRM;
    killed.sent = sent();
}

static void strategy_set(uint32_t index)
{
    struct strategy_parameters p = sim->strategies.hosts[index].slot.setup.parameters;
    p.value[0] = 100 * (1 + trade_draw(3)); // shares
    desk_strategy_parameters(&sim->desk, index, &p);
}

void people_begin(void)
{
    killed.any = killed.all = false;
}

void people_leave(void)
{
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++)
        for (uint32_t scope = 0; scope < TRADE_SCOPES; scope++)
            for (uint32_t i = 0; i < 64; i++) // more than there is of any
                kill_lift(&sim->desk.kills[asker], scope, scope == TRADE_FIRM ? 0 : i);
    risk_kills_look(&sim->desk.risk);
    people_begin();
}

void people_step(void)
{
    if (killed.all)
        assert_int_equal(sent(), killed.sent);
    if (trade_draw(sim->config->people))
        return;
    const enum trade_scope scope = (enum trade_scope)trade_draw(TRADE_SCOPES);
    const uint32_t index = index_drawn(scope), strategy = trade_draw(sim->strategies.count);
    struct desk_session *session = &sim->desk.sessions[trade_draw(TRADE_VENUES)];
    switch (trade_draw(6)) {
    case 0:
    case 1:
        if (killed.any)
            people_leave();
        else
            kill_some(scope, index);
        break;
    case 2:
        desk_mass_cancel(&sim->desk, scope, index);
        cover_case(COVER_MASS_CANCEL_FIRM + scope);
        break;
    case 3:
        desk_strategy_switch(&sim->desk, strategy,
                             trade_draw(3) ? STRATEGY_ON : STRATEGY_OFF_ASKED);
        break;
    case 4: strategy_set(strategy); break;
    default:
        session->cancels_on_disconnect = trade_draw(2);
        session->cancels_on_feed_loss = trade_draw(2);
    }
}

void people_lift_halts(void)
{
    for (uint32_t k = 0; k < TRADE_VENUES; k++) {
        const struct govern_request ask = {.scope = TRADE_SESSION, .index = k, .reason = "looked"};
        struct govern_answer answer;
        uint64_t sequence;
        if (sim->venues[k].session.halted >= SESSION_HALT_GAP && trade_draw(100) == 0)
            desk_command(&sim->lane, COMMAND_RESUME, &ask, &answer, &sequence);
    }
}

uint64_t people_close_doubts(void)
{
    uint64_t closed = 0;
    for (uint32_t i = 0; i < TRADE_ORDERS; i++) {
        const struct own_order *o = orders_at(&sim->desk.orders, i);
        struct govern_request ask = {
            .scope = TRADE_SESSION, .index = o->session, .chosen = o->ref, .reason = "asked them"};
        struct govern_answer answer;
        uint64_t sequence;
        if (o->generation == 0 || o->life == LIFE_DEAD)
            continue;
        const enum command_result result =
            desk_command(&sim->lane, COMMAND_ORDER_CLOSE, &ask, &answer, &sequence);
        if (result != COMMAND_RESULT_OK)
            fail_msg("seed %lu: order %u of venue %u: %u, %s with %u cancels", sim->config->seed,
                     o->ref, o->session, result, order_life_name(o->life), o->cancels);
        closed++;
        cover_case(COVER_CLOSED);
    }
    return closed;
}
