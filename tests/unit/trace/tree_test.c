// Trees out of events: identifiers, what is sampled, stages, what is heard later, kills, bounds;
// and the requests made of them.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/trace/otlp.h"
#include "controlplane/trace/tree.h"
#include "dataplane/abi/commands.h"

enum { HZ = 1000000000, EPOCH = 7, TOLD_MAX = 512 };

struct told {
    struct trace_key key;
    char name[16];
    uint64_t id, parent, start_ns, ns, linked;
    char failed[64];
    char sampled[16];
    char reason[64];
};

struct world {
    struct trace_tree *tree;
    struct told told[TOLD_MAX];
    uint32_t count;
    uint64_t sequence, utc_ns;
    struct otlp_batch *batch;
};

static const char *named(const void *context, uint32_t index)
{
    (void)context;
    return index ? "other" : "MM";
}

static const char *lane_named(const void *context, uint32_t lane, uint32_t index)
{
    (void)lane;
    return named(context, index);
}

static void text_of(const struct trace_span *span, const char *key, char *out, size_t len)
{
    for (uint32_t i = 0; i < span->attribute_count; i++)
        if (strcmp(span->attributes[i].key, key) == 0)
            snprintf(out, len, "%s", span->attributes[i].text);
}

static void take(void *context, const struct trace_key *key, const struct trace_span *spans,
                 uint32_t count)
{
    struct world *w = context;
    for (uint32_t i = 0; i < count && w->count < TOLD_MAX; i++) {
        const struct trace_span *s = &spans[i];
        struct told *t = &w->told[w->count++];
        *t = (struct told){.key = *key,
                           .id = s->id,
                           .parent = s->parent,
                           .start_ns = s->start_ns,
                           .ns = s->end_ns - s->start_ns,
                           .linked = s->link ? s->link->sequence : 0};
        assert_true(s->attribute_count <= TRACE_ATTRIBUTES_MAX);
        snprintf(t->name, sizeof t->name, "%s", s->name);
        snprintf(t->failed, sizeof t->failed, "%s", s->failed ? s->failed : "");
        text_of(s, "trading.sampled", t->sampled, sizeof t->sampled);
        text_of(s, "trading.kill.reason", t->reason, sizeof t->reason);
    }
    if (w->batch && !otlp_batch_add(w->batch, key, spans, count))
        w->batch = NULL;
}

static void begin(struct world *w, uint32_t one_in)
{
    const struct trace_config config = {
        .names = {NULL, named, named, lane_named, lane_named, named},
        .emit = take,
        .context = w,
        .one_in = one_in};
    memset(w, 0, sizeof *w);
    w->utc_ns = UINT64_C(1700000000000000000);
    w->tree = trace_tree_new(&config);
    assert_non_null(w->tree);
}

static uint64_t give_at(struct world *w, struct event event, uint64_t epoch)
{
    const struct logged_event logged = {
        .event = event, .epoch = epoch, .utc_ns = w->utc_ns, .ring = EVENT_RING_TRADING};
    struct logged_event copy = logged;
    copy.event.sequence = ++w->sequence;
    trace_tree_event(w->tree, &copy, HZ);
    return copy.event.sequence;
}

static uint64_t give(struct world *w, struct event event)
{
    return give_at(w, event, EPOCH);
}

static uint64_t decide(struct world *w, uint32_t order, uint32_t ref, char kind,
                       enum refusal refusal)
{
    return give(w, (struct event){.type = EVENT_DECISION,
                                  .decision = {.order = order,
                                               .ref = ref,
                                               .kind = (uint8_t)kind,
                                               .side = 'B',
                                               .quantity = 10,
                                               .price = 20000,
                                               .started = 100,
                                               .gated = 300,
                                               .encoded = 350,
                                               .refusal = refusal}});
}

static void send(struct world *w, uint32_t order, uint64_t decision, uint32_t handed)
{
    give(w,
         (struct event){
             .type = EVENT_ORDER_SENT,
             .order_sent = {.order = order, .decision = decision, .handed = handed, .kind = 'O'}});
}

static void hear(struct world *w, uint32_t order, uint32_t ref, uint32_t fill, uint8_t life)
{
    give(w,
         (struct event){.type = EVENT_ORDER,
                        .order = {.order = order, .ref = ref, .fill_shares = fill, .life = life}});
}

static const struct told *find(const struct world *w, const char *name)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (strcmp(w->told[i].name, name) == 0)
            return &w->told[i];
    fail_msg("no span '%s'", name);
    return NULL;
}

static void test_identifiers(void **state)
{
    (void)state;
    const struct trace_key key = {.epoch = 0x1122334455667788, .lane = 9, .sequence = 0xabcdef};
    struct trace_key back = {0};
    char text[TRACE_ID_TEXT];
    trace_id_text(&key, text);
    assert_string_equal(text, "11223344556677880900000000abcdef");
    assert_true(trace_id_read(text, &back));
    assert_true(trace_key_equal(&key, &back));
    assert_true(trace_id_read("11223344556677880900000000ABCDEF", &back));
    assert_true(trace_key_equal(&key, &back));
    assert_false(trace_id_read("", &back));
    assert_false(trace_id_read("11223344556677880900000000abcde", &back));
    assert_false(trace_id_read("11223344556677880900000000abcdeg", &back));
}

static void test_stages(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    const uint64_t decision = decide(&w, 3, 40, 'O', REFUSAL_NONE);
    send(&w, 3, decision, 500);
    assert_int_equal(w.count, 0); // it waits for the answer
    const uint64_t begun_ns = w.utc_ns;
    w.utc_ns += 9000;
    hear(&w, 3, 40, 0, FOLD_LIVE);
    assert_int_equal(w.count, 6);
    static const struct {
        const char *name;
        uint64_t from, ns;
    } wanted[] = {{"order", 0, 9000},  {"decide", 0, 100}, {"gate", 100, 200},
                  {"encode", 300, 50}, {"send", 350, 150}, {"exchange", 500, 8500}};
    for (uint32_t i = 0; i < 6; i++) {
        assert_string_equal(w.told[i].name, wanted[i].name);
        assert_int_equal(w.told[i].start_ns - begun_ns, wanted[i].from);
        assert_int_equal(w.told[i].ns, wanted[i].ns);
        assert_int_equal(w.told[i].parent, i ? w.told[0].id : 0);
        assert_int_equal(w.told[i].key.sequence, decision);
    }
    hear(&w, 3, 40, 10, FOLD_DEAD);
    assert_string_equal(w.told[6].name, "execution");
    assert_int_equal(w.told[6].parent, w.told[0].id);
    hear(&w, 3, 40, 0, FOLD_DEAD); // the place is free: nobody's
    assert_int_equal(w.count, 7);
    trace_tree_free(w.tree);
}

static void test_sampling(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 0);
    uint64_t decision = decide(&w, 1, 1, 'O', REFUSAL_NONE);
    send(&w, 1, decision, TRACE_LATE_NS); // on the line is not above it
    hear(&w, 1, 1, 0, FOLD_LIVE);
    assert_int_equal(w.count, 0);
    decision = decide(&w, 2, 2, 'O', REFUSAL_NONE);
    send(&w, 2, decision, TRACE_LATE_NS + 1);
    hear(&w, 2, 2, 0, FOLD_LIVE);
    assert_string_equal(find(&w, "order")->sampled, "late");
    w.count = 0;
    decide(&w, 0, 0, 'O', REFUSAL_QUANTITY);
    assert_int_equal(w.count, 3); // root, decide, gate
    assert_string_equal(w.told[0].sampled, "refused");
    assert_string_equal(w.told[0].failed, refusal_help(REFUSAL_QUANTITY));
    w.count = 0;
    decision = decide(&w, 4, 4, 'O', REFUSAL_NONE);
    give(&w, (struct event){.type = EVENT_ORDER_NOT_SENT,
                            .order_sent = {.order = 4,
                                           .decision = decision,
                                           .refusal = REFUSAL_TRANSMIT,
                                           .handed = 700,
                                           .kind = 'O'}});
    assert_string_equal(find(&w, "order")->sampled, "not_sent");
    assert_string_equal(find(&w, "send")->failed, "TRANSMIT");
    trace_tree_free(w.tree);
    uint32_t kept = 0;
    for (uint64_t sequence = 1; sequence <= 1000; sequence++)
        kept += trace_sampled(sequence, 10, 8) == TRACE_ONE_IN;
    assert_int_equal(kept, 125);
}

static void test_no_answer(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    const uint64_t decision = decide(&w, 3, 40, 'O', REFUSAL_NONE);
    send(&w, 3, decision, 500);
    trace_tree_wait(w.tree, w.utc_ns + TRACE_ANSWER_MS * UINT64_C(1000000) - 1);
    assert_int_equal(w.count, 0);
    trace_tree_wait(w.tree, w.utc_ns + TRACE_ANSWER_MS * UINT64_C(1000000));
    assert_int_equal(w.count, 5);
    assert_int_equal(w.told[0].ns, 500);
    hear(&w, 3, 40, 0, FOLD_LIVE); // late, but of the same trace
    assert_string_equal(w.told[5].name, "report");
    assert_int_equal(w.told[5].key.sequence, decision);
    trace_tree_free(w.tree);
}

static void test_replace_is_linked(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    const uint64_t enter = decide(&w, 3, 40, 'O', REFUSAL_NONE);
    send(&w, 3, enter, 500);
    hear(&w, 3, 40, 0, FOLD_LIVE);
    w.count = 0;
    const uint64_t replace = decide(&w, 3, 41, 'U', REFUSAL_NONE);
    send(&w, 3, replace, 500);
    hear(&w, 3, 40, 5, FOLD_LIVE); // an execution overtakes the answer
    hear(&w, 3, 41, 0, FOLD_LIVE);
    assert_string_equal(w.told[0].name, "execution");
    const struct told *root = find(&w, "order");
    assert_int_equal(root->key.sequence, replace);
    assert_int_equal(root->linked, enter);
    trace_tree_free(w.tree);
}

static void test_kill(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 0);
    struct event governed = {.type = EVENT_GOVERNED,
                             .governed = {.user = 5, .command = COMMAND_KILL}};
    memset(governed.governed.reason, 'x', REASON_LEN); // without its end
    give(&w, governed);
    const uint64_t kill = give(&w, (struct event){.type = EVENT_KILL, .kill = {.open_orders = 2}});
    w.utc_ns += 400;
    give(&w, (struct event){.type = EVENT_CANCEL_SENT, .cancel_sent = {.order = 8}});
    w.utc_ns += 600;
    give(&w, (struct event){.type = EVENT_KILL_DONE});
    assert_int_equal(w.count, 2);
    assert_string_equal(w.told[0].name, "cancel");
    assert_int_equal(w.told[0].ns, 400);
    assert_string_equal(w.told[1].name, "kill");
    assert_int_equal(w.told[1].ns, 1000);
    assert_int_equal(w.told[1].key.sequence, kill);
    assert_int_equal(w.told[0].parent, w.told[1].id);
    assert_int_equal(strlen(w.told[1].reason), REASON_LEN - 1);
    // One that does not end.
    give(&w, (struct event){.type = EVENT_KILL});
    trace_tree_wait(w.tree, UINT64_MAX);
    assert_string_equal(w.told[2].name, "kill");
    assert_true(strlen(w.told[2].failed) > 5);
    // One by nobody that is known.
    give(&w, (struct event){.type = EVENT_KILL, .kill = {.asker = 200}});
    give(&w, (struct event){.type = EVENT_KILL_DONE, .kill = {.asker = 200}});
    assert_int_equal(w.count, 3);
    trace_tree_free(w.tree);
}

// Whatever a journal says: places far away, other instances, more than waits at once.
static void test_bounds(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    begin(w, 1);
    send(w, 1u << 30, decide(w, 1u << 30, 1, 'O', REFUSAL_NONE), 5);
    hear(w, UINT32_MAX, 1, 0, 255);
    send(w, 7, 999, 5);
    give(w, (struct event){.type = EVENT_DECISION, .lane = 200});
    give(w, (struct event){.type = 60000});
    trace_tree_wait(w->tree, UINT64_MAX);
    assert_int_equal(w->count, 4); // the order whose fate nobody follows: root and three stages
    for (uint32_t i = 0; i < 10000; i++)
        send(w, i, decide(w, i, i, 'O', REFUSAL_NONE), 5);
    assert_true(w->count > 4);
    give_at(w, (struct event){.type = EVENT_LANE_READY}, EPOCH + 1);
    const uint32_t count = w->count;
    hear(w, 1, 1, 0, FOLD_LIVE);
    assert_int_equal(w->count, count); // of an instance that is over
    trace_tree_free(w->tree);
    free(w);
}

static void test_batch(void **state)
{
    (void)state;
    struct world w;
    struct trace_resource resource;
    uint8_t *bytes;
    size_t len = 0;
    begin(&w, 1);
    struct otlp_batch *batch = w.batch = otlp_batch_new(8);
    assert_non_null(batch);
    trace_resource_make(&resource, "node-1");
    assert_string_equal(trace_resource_get(&resource, "service.instance.id"), "node-1");
    assert_null(otlp_batch_pack(batch, &resource, &len));
    decide(&w, 0, 0, 'O', REFUSAL_QUANTITY);
    decide(&w, 0, 0, 'O', REFUSAL_QUANTITY);
    assert_int_equal(otlp_batch_count(batch), 6);
    assert_non_null(w.batch);
    decide(&w, 0, 0, 'O', REFUSAL_QUANTITY);
    assert_null(w.batch); // it did not fit, and none of its spans is there
    assert_int_equal(otlp_batch_count(batch), 6);
    bytes = otlp_batch_pack(batch, &resource, &len);
    assert_non_null(bytes);
    assert_true(len > 100);
    assert_int_equal(otlp_batch_count(batch), 0);
    free(bytes);
    otlp_batch_free(batch);
    trace_tree_free(w.tree);
}

static void test_resource(void **state)
{
    (void)state;
    struct trace_resource r;
    setenv("K8S_POD_NAME", "gate-7", 1);
    setenv("OTEL_SERVICE_NAME", "gate", 1);
    setenv("OTEL_RESOURCE_ATTRIBUTES", "a=b%20c,,=x,d,e=%zz,host.name=mine,l=\xff", 1);
    trace_resource_make(&r, "n");
    assert_string_equal(trace_resource_get(&r, "k8s.pod.name"), "gate-7");
    assert_string_equal(trace_resource_get(&r, "service.name"), "gate");
    assert_string_equal(trace_resource_get(&r, "a"), "b c");
    assert_string_equal(trace_resource_get(&r, "e"), "%zz");
    assert_string_equal(trace_resource_get(&r, "host.name"), "mine");
    assert_string_equal(trace_resource_get(&r, "l"), "?");
    assert_string_equal(trace_resource_get(&r, "d"), "");
    unsetenv("K8S_POD_NAME");
    unsetenv("OTEL_SERVICE_NAME");
    unsetenv("OTEL_RESOURCE_ATTRIBUTES");
}

// What a collector answers: nothing, a part, and what is none.
static void test_answers(void **state)
{
    (void)state;
    char why[64] = "";
    // partial_success { rejected_spans: 5, error_message: "no" }
    static const uint8_t part[] = {0x0a, 0x06, 0x08, 0x05, 0x12, 0x02, 'n', 'o'};
    static const uint8_t wrong[] = {0x0a, 0xff, 0xff};
    assert_int_equal(otlp_rejected(part, 0, why, sizeof why), 0);
    assert_int_equal(otlp_rejected(part, sizeof part, why, sizeof why), 5);
    assert_string_equal(why, "no");
    assert_int_equal(otlp_rejected(wrong, sizeof wrong, why, sizeof why), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identifiers), cmocka_unit_test(test_stages),
        cmocka_unit_test(test_sampling),    cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_kill),        cmocka_unit_test(test_replace_is_linked),
        cmocka_unit_test(test_bounds),      cmocka_unit_test(test_batch),
        cmocka_unit_test(test_resource),    cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
