/* Runs that are measured: the same runs as in `explore/measuring.py`, which says what they are.
 *
 * A program is the macros of contract.h (and MODEL_MEASURES, MODEL_ACTIONS); #include "contract.h"; #include "weigh.h"; the
 * model's functions; #include "measure.h". Functions besides those of contract.h:
 *   void model_took(uint32_t instance, uint64_t *times)      counts the action that an instance belongs to
 *   int model_until(s, steps, times, int64_t *out)           RX_OK, or RX_FAULT(e)
 *   int (*model_measures[])(s, steps, times, int64_t *out)   likewise; model_at[] are of enum rm_at
 *
 * Guarantees: what a run gives depends on the seed and its number alone. A run in which something has no answer here is marked
 * RM_FAILED and counts nowhere: it is for the reference machine.
 */
#ifndef RX_MEASURE_H
#define RX_MEASURE_H

#include <pthread.h>
#include <stdlib.h>

enum rm_end { RM_DEPTH, RM_STUCK, RM_UNTIL, RM_FAILED, RM_NOT_RUN = 255 };
enum { RM_CHUNK = 16 };

typedef struct rm_order {
    uint64_t seed, first, runs, depth, since, beginnings, threads; /* nothing is asked along a run before `since` steps */
    const uint64_t *initial; /* beginnings states */
    int64_t *values;         /* MODEL_MEASURES for each run */
    uint64_t *steps;         /* for each run */
    uint8_t *ends;           /* likewise, RM_NOT_RUN before */
    uint64_t *left, *constrained;
    uint64_t cursor, done, stop; /* atomic */
} rm_order;

typedef struct rm_worker {
    rx_batch batch; /* first: the model knows a worker by its batch */
    int64_t weight[RX_BATCH];
    rm_order *order;
    rx_random random;
    uint64_t total;    /* weight of what was offered in this step */
    uint64_t wanted;   /* while it is looked for a second time: the weight to go to, UINT64_MAX the first time */
    uint32_t overflowed, failed;
    uint64_t next[W];
    uint32_t instance;
    uint64_t times[MODEL_ACTIONS + 1], constrained[MODEL_CONSTRAINTS + 1], left[MODEL_BOUNDS + 1];
    pthread_t thread;
} rm_worker;

static void rx_weigh(rx_batch *batch, int64_t weight) { ((rm_worker *)batch)->weight[batch->count] = weight; }

static __attribute__((cold, unused)) void rx_fault(rx_batch *batch, uint32_t error, uint32_t instance) {
    (void)error, (void)instance;
    ((rm_worker *)batch)->failed = 1;
}

static __attribute__((cold, unused)) void rx_cut(rx_batch *batch, uint32_t instance) { (void)batch, (void)instance; }

/* Weighs what was offered since the last call; what a constraint leaves out weighs nothing. */
static void rm_settle(rm_worker *w) {
    rx_batch *b = &w->batch;
    for (uint32_t i = b->settled; i < b->count; i++) {
        if (MODEL_CONSTRAINTS) {
            const int verdict = model_constraints(b->words[i]);
            if (verdict != RX_OK) {
                if (verdict < RX_OK) w->failed = 1;
                else w->constrained[verdict]++;
                w->weight[i] = 0;
            }
        }
        w->total += (uint64_t)w->weight[i];
    }
    b->settled = b->count;
}

/* Takes the step of the batch in which a weight falls, which is counted from where the batch begins. */
static bool rm_take(rm_worker *w, uint64_t part) {
    const rx_batch *b = &w->batch;
    for (uint32_t i = 0; i < b->count; i++) {
        if (part < (uint64_t)w->weight[i]) {
            memcpy(w->next, b->words[i], sizeof w->next);
            w->instance = b->instance[i];
            return true;
        }
        part -= (uint64_t)w->weight[i];
    }
    return false;
}

/* A state has more steps than a batch holds: they are offered once to be weighed, and once more to find the one that was drawn. */
static __attribute__((noinline, cold)) void rx_overflow(rx_batch *batch) {
    rm_worker *w = (rm_worker *)batch;
    const uint64_t before = w->total;
    rm_settle(w);
    if (w->wanted >= before && w->wanted < w->total) rm_take(w, w->wanted - before);
    w->overflowed = 1;
    batch->count = batch->settled = 0;
}

static __attribute__((noinline)) void rm_offer(rm_worker *w, const uint64_t *s) {
    w->total = 0;
    w->batch.count = w->batch.settled = 0;
    model_successors(s, &w->batch);
    if (w->overflowed) rx_overflow(&w->batch);
    else rm_settle(w);
}

/* False if there is no step to take. */
static bool rm_draw(rm_worker *w, const uint64_t *s) {
    w->overflowed = 0;
    w->wanted = UINT64_MAX;
    rm_offer(w, s);
    if (w->failed || !w->total) return false;
    const uint64_t part = rx_random_below(&w->random, w->total);
    if (!w->overflowed) return rm_take(w, part);
    uint64_t left[MODEL_BOUNDS + 1], constrained[MODEL_CONSTRAINTS + 1];
    memcpy(left, w->batch.left, sizeof left);
    memcpy(constrained, w->constrained, sizeof constrained);
    w->wanted = part;
    rm_offer(w, s);
    memcpy(w->batch.left, left, sizeof left);
    memcpy(w->constrained, constrained, sizeof constrained);
    return true;
}

static bool rm_along(rm_worker *w, const uint64_t *s, uint64_t steps, int64_t *row) {
    for (int k = 0; k < MODEL_MEASURES; k++) {
        const enum rm_at at = model_at[k];
        int64_t value = 0;
        if (at == RM_END) continue;
        if (at == RM_FIRST && row[k] >= 0) continue;
        if (model_measures[k](s, steps, w->times, &value) != RX_OK) return false;
        switch (at) {
        case RM_FIRST:
            if (value) row[k] = (int64_t)steps;
            break;
        case RM_MEAN:
            if (__builtin_add_overflow(row[k], value, &row[k])) return false;
            break;
        case RM_MAX:
            if (steps == w->order->since || value > row[k]) row[k] = value;
            break;
        default:
            if (steps == w->order->since || value < row[k]) row[k] = value;
        }
    }
    return true;
}

static bool rm_at_the_end(rm_worker *w, const uint64_t *s, uint64_t steps, int64_t *row) {
    for (int k = 0; k < MODEL_MEASURES; k++)
        if (model_at[k] == RM_END && model_measures[k](s, steps, w->times, &row[k]) != RX_OK) return false;
    return true;
}

static enum rm_end rm_run(rm_worker *w, uint64_t number, int64_t *row, uint64_t *taken) {
    const rm_order *order = w->order;
    uint64_t s[W], steps = 0;
    rx_random_begin(&w->random, order->seed, number);
    memcpy(s, order->initial + rx_random_below(&w->random, order->beginnings) * W, sizeof s);
    memset(w->times, 0, sizeof w->times);
    memset(w->constrained, 0, sizeof w->constrained);
    memset(w->batch.left, 0, sizeof w->batch.left);
    w->failed = 0;
    for (int k = 0; k < MODEL_MEASURES; k++) row[k] = model_at[k] == RM_FIRST ? -1 : 0;
    enum rm_end end;
    for (;; steps++) {
        int64_t reached = 0;
        if (steps >= order->since && !rm_along(w, s, steps, row)) return RM_FAILED;
        if (model_until(s, steps, w->times, &reached) != RX_OK) return RM_FAILED;
        end = reached ? RM_UNTIL : steps == order->depth ? RM_DEPTH : RM_STUCK;
        if (end != RM_STUCK) break;
        const bool drawn = rm_draw(w, s);
        if (w->failed) return RM_FAILED;
        if (!drawn || RX_MEASURE_LOAD(order->stop)) break;
        model_took(w->instance, w->times);
        memcpy(s, w->next, sizeof s);
    }
    if (!rm_at_the_end(w, s, steps, row)) return RM_FAILED;
    *taken = steps;
    return end;
}

static void *rm_work(void *given) {
    rm_worker *w = given;
    rm_order *order = w->order;
    for (;;) {
        const uint64_t from = __atomic_fetch_add(&order->cursor, RM_CHUNK, __ATOMIC_RELAXED);
        for (uint64_t i = from; i < from + RM_CHUNK; i++) {
            if (i >= order->runs || RX_MEASURE_LOAD(order->stop)) return NULL;
            const enum rm_end end = rm_run(w, order->first + i, order->values + i * MODEL_MEASURES, order->steps + i);
            if (RX_MEASURE_LOAD(order->stop)) return NULL; /* it may have ended for that */
            order->ends[i] = (uint8_t)end;
            __atomic_fetch_add(&order->done, 1, __ATOMIC_RELAXED);
            if (end == RM_FAILED) continue;
            for (int k = 0; k < MODEL_BOUNDS; k++) w->left[k] += w->batch.left[k];
            for (int k = 0; k < MODEL_CONSTRAINTS; k++)
                if (w->constrained[k]) __atomic_fetch_add(&order->constrained[k], w->constrained[k], __ATOMIC_RELAXED);
        }
    }
}

/* Runs them all; false if there is no memory to begin with. */
__attribute__((visibility("default"))) int rx_measure(rm_order *order) {
    rm_worker **workers = calloc(order->threads, sizeof *workers);
    uint64_t started = 0;
    for (uint64_t i = 0; workers && i < order->threads; i++) {
        rm_worker *w = workers[i] = calloc(1, sizeof *w);
        if (!w) break;
        w->order = order;
        if (i && pthread_create(&w->thread, NULL, rm_work, w)) break;
        started++;
    }
    if (started) rm_work(workers[0]);
    for (uint64_t i = 1; i < started; i++) pthread_join(workers[i]->thread, NULL);
    for (uint64_t i = 0; i < started; i++)
        for (int k = 0; k < MODEL_BOUNDS; k++) order->left[k] += workers[i]->left[k];
    for (uint64_t i = 0; workers && i < order->threads; i++) free(workers[i]);
    free(workers);
    return started > 0;
}

#endif
