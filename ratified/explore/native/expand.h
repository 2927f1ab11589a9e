/* Expanding one level: produce, judge, look up, insert. The loop that all the time goes into.
 *
 * Guarantees: every successor of every state of the level is judged once, in the order the contract says; after
 * rx_level_finish the new level is contiguous, and each of its states is there exactly once.
 */
#ifndef RX_EXPAND_H
#define RX_EXPAND_H

/* How far past `room` the workers can get before all of them stand at a safe point. */
static uint64_t rx_margin(const rx_run *run) { return (uint64_t)run->threads * (RX_BATCH + 2 * RX_BLOCK); }

static __attribute__((noinline, cold)) void rx_found(rx_worker *w, uint32_t kind, uint32_t property, uint32_t instance,
                                                     uint64_t length, const uint64_t *state, const uint64_t *after) {
    rx_finding f = {
        .kind = kind, .property = property, .instance = instance, .length = length, .has_state = state != NULL};
    if (state) rx_copy(f.state, state);
    if (after) rx_copy(f.after, after);
    if (rx_finding_compare(&f, &w->finding) < 0) w->finding = f;
}

static void rx_settle_expand(rx_worker *w);
static void rx_settle_probe(rx_worker *w);
static void rx_send(rx_worker *w, const uint64_t *t, uint64_t hash, uint32_t instance);
static void rx_trace_fault(rx_worker *w, uint32_t error, uint32_t instance);

static __attribute__((cold, unused)) void rx_fault(rx_batch *batch, uint32_t error, uint32_t instance) {
    rx_worker *w = (rx_worker *)batch;
    if (w->settle != rx_settle_expand && w->settle != rx_settle_probe && !w->walker) {
        rx_trace_fault(w, error, instance);
        return;
    }
    batch->bounds++; /* something was tried: not a deadlock */
    rx_found(w, RX_FAULT_FOUND, error, instance, w->length, w->source, NULL);
}

/* One copy of the model's code, for the hot loop and all others: models are large, and compiling them is most of a
 * first run's time. The call itself did not measure. */
static __attribute__((noinline)) void rx_produce(const uint64_t *s, rx_batch *batch) { model_successors(s, batch); }

#include "steps.h"

/* With a reduction: whether every step invariant holds for a step that changes nothing (reduce.h). */
static __attribute__((noinline, unused)) void rx_judge_stutter(rx_run *run, const uint64_t *t) {
    const int verdict = rx_step_invariants(t, t);
    if (verdict == RX_OK || verdict >= MODEL_STEP_INVARIANTS - MODEL_REFINEMENTS) return;
    const uint32_t claim = verdict >= 0 ? (uint32_t)verdict + 1 : 1;
    uint32_t old = RX_LOAD(run->sensitive);
    while ((!old || claim < old) &&
           !__atomic_compare_exchange_n(&run->sensitive, &old, claim, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    rx_stop_for(run, RX_STOP_ASKED);
}

/* A new state's own properties. `length` is that of the shortest run that ends in it. */
static __attribute__((noinline)) void rx_judge_new(rx_worker *w, const uint64_t *t, uint64_t length) {
    if (MODEL_REDUCTION && MODEL_STEP_INVARIANTS > MODEL_REFINEMENTS) rx_judge_stutter(w->run, t);
    if (MODEL_INVARIANTS) {
        const int verdict = model_invariants(t);
        if (RX_UNLIKELY(verdict != RX_OK)) {
            if (verdict >= 0) rx_found(w, RX_INVARIANT, (uint32_t)verdict, RX_NOWHERE, length, t, NULL);
            else rx_found(w, RX_FAULT_FOUND, (uint32_t)(-2 - verdict), RX_NOWHERE, length, t, NULL);
        }
    }
    if (w->counters.witness_missing) w->counters.witness_missing &= ~model_witness(t, w->counters.witness_missing);
}

/* False if a state is outside a constraint, or that cannot be said: it goes no further. */
static bool rx_inside(rx_worker *w, const uint64_t *t, uint32_t instance) {
    const int verdict = model_constraints(t);
    if (verdict >= 0) w->counters.constrained[verdict]++;
    else if (verdict != RX_OK)
        rx_found(w, RX_FAULT_FOUND, (uint32_t)(-2 - verdict), instance, w->length, w->source, NULL);
    return verdict == RX_OK;
}

/* What is asked of steps: of those from the worker's source to `count` states, one behind the other. */
static __attribute__((noinline)) void rx_judge_steps(rx_worker *w, const uint64_t *t, const uint32_t *instances,
                                                     uint32_t count) {
    for (uint32_t i = 0; MODEL_STEP_INVARIANTS && i < count; i++) {
        const int verdict = rx_first_wrong(w->source, t, count, &i);
        if (RX_LIKELY(verdict == RX_OK)) break;
        if (verdict >= 0)
            rx_found(w, RX_STEP_INVARIANT, (uint32_t)verdict, instances[i], w->length, w->source, t + i * W);
        else rx_found(w, RX_FAULT_FOUND, (uint32_t)(-2 - verdict), instances[i], w->length, w->source, NULL);
    }
    for (uint32_t i = 0; w->counters.witness_step_missing && i < count; i++)
        w->counters.witness_step_missing &= ~model_witness_step(w->source, t + i * W, w->counters.witness_step_missing);
}

static inline bool rx_judge_step(rx_worker *w, const uint64_t *t, uint32_t instance) {
    if (MODEL_CONSTRAINTS && !rx_inside(w, t, instance)) return false;
    if (w->source) rx_judge_steps(w, t, &instance, 1);
    return true;
}

#if ROOM_REFINEMENTS
/* Whether refinements begin where this initial state does. */
static __attribute__((noinline)) void rx_judge_beginning(rx_worker *w, const uint64_t *t) {
    const uint32_t first = MODEL_INVARIANTS + MODEL_STEP_INVARIANTS - MODEL_REFINEMENTS;
    const int verdict = model_beginning(t);
    if (verdict == RX_OK) return;
    if (verdict < 0) {
        rx_found(w, RX_FAULT_FOUND, (uint32_t)(-2 - verdict), 0, 1, NULL, NULL);
        return;
    }
    uint64_t c[W];
    rx_copy(c, t);
    if (MODEL_SYMMETRY) model_canonical(c);
    rx_found(w, RX_INVARIANT, first + (uint32_t)verdict, RX_NOWHERE, 1, c, NULL);
}
#else
#define rx_judge_beginning(w, t) ((void)(w), (void)(t))
#endif

/* Those of the batch that were not settled yet and are inside the constraints move together. */
static void rx_leave_outside(rx_worker *w) {
    rx_batch *b = &w->batch;
    uint32_t out = b->settled;
    for (uint32_t i = out; i < b->count; i++) {
        if (!rx_inside(w, b->words[i], b->instance[i])) continue;
        if (out != i) {
            rx_copy(b->words[out], b->words[i]);
            b->instance[out] = b->instance[i];
        }
        out++;
    }
    b->count = out;
}

/* Judges the successors produced since the last call; those that were seen a moment ago, or are outside, leave the
 * batch. */
static __attribute__((noinline)) void rx_settle(rx_worker *w) {
    rx_batch *b = &w->batch;
    const rx_run *run = w->run;
    const unsigned shift = 64 - run->log_slots;
    const rx_cell *table = run->table;
    const uint32_t ranks = run->ranks;
    uint32_t out = b->settled;
    w->counters.generated += b->count - out;
    for (uint32_t i = out; w->source && i < b->count; i++) w->counters.fired[b->instance[i]]++;
    if (MODEL_CONSTRAINTS) rx_leave_outside(w);
    if (w->source && (MODEL_STEP_INVARIANTS || w->counters.witness_step_missing))
        rx_judge_steps(w, b->words[out], b->instance + out, b->count - out);
    for (uint32_t i = out; i < b->count; i++) {
        const uint32_t instance = b->instance[i];
        uint64_t *t = b->words[out];
        if (!w->source && MODEL_REFINEMENTS) rx_judge_beginning(w, b->words[i]);
        /* A step that changes nothing is common (a message sent again) and never new. */
        if (w->source && rx_same(b->words[i], w->source)) continue;
        if (out != i) rx_copy(t, b->words[i]);
        if (MODEL_SYMMETRY) model_canonical(t);
        const uint64_t hash = rx_hash(t);
        if (RX_UNLIKELY(ranks > 1) && rx_owner(hash, ranks) != run->rank) {
            rx_send(w, t, hash, instance);
            continue;
        }
        rx_recent *recent = &w->recent[hash & (RX_RECENT - 1)];
        if (recent->instance && rx_same(recent->words, t)) {
            if (recent->instance <= instance + 1) continue;
        } else {
            rx_copy(recent->words, t);
        }
        recent->instance = instance + 1;
        __builtin_prefetch(&table[hash >> shift]);
        b->hash[out] = hash;
        b->instance[out++] = instance;
    }
    b->count = b->settled = out;
}

static inline uint64_t rx_new_index(rx_worker *w) {
    rx_run *run = w->run;
    if (RX_UNLIKELY(w->block_next == w->block_end)) {
        w->block_next = RX_ADD(run->next_block, RX_BLOCK);
        w->block_end = w->block_next + RX_BLOCK;
        if (w->block_end > run->room) RX_STORE(run->wanted, 1);
    }
    return w->block_next;
}

static inline void rx_first_min(rx_first *slot, uint32_t instance) {
    rx_first old = RX_LOAD(*slot);
    while (instance < old &&
           !__atomic_compare_exchange_n(slot, &old, (rx_first)instance, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static inline void rx_insert(rx_worker *w, const uint64_t *t, uint64_t hash, uint32_t instance) {
    rx_run *run = w->run;
    rx_cell *table = run->table;
    const uint64_t mask = ((uint64_t)1 << run->log_slots) - 1;
    const rx_cell bits = rx_index_mask(run), tag = rx_tag(run, hash) & ~bits;
    for (uint64_t at = hash >> (64 - run->log_slots);; at = (at + 1) & mask) {
        rx_cell cell = __atomic_load_n(&table[at], __ATOMIC_ACQUIRE);
        if (!cell) {
            const uint64_t index = rx_new_index(w);
            rx_copy(rx_at(run, index), t);
            run->first[index - run->first_from] = (rx_first)instance;
            if (RX_LIKELY(__atomic_compare_exchange_n(&table[at], &cell, tag | (rx_cell)(index + 1), false,
                                                      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))) {
                w->block_next++;
                w->added++;
                if (RX_UNLIKELY(run->closing) && !run->on_disk) rx_stop_for(run, RX_STOP_DEPTH);
                /* On disk, whether it is new is only known when the level is merged (disk.h). */
                if (!run->on_disk) rx_judge_new(w, t, run->levels + 1);
                return;
            }
            /* Another worker took the slot in between; `cell` is what it put there. */
        }
        if ((cell & ~bits) == tag) {
            const uint64_t index = (uint64_t)(cell & bits) - 1;
            if (rx_same(rx_at(run, index), t)) {
                if (index >= run->first_from) rx_first_min(&run->first[index - run->first_from], instance);
                return;
            }
        }
    }
}

static void rx_watch(rx_worker *w) {
    rx_run *run = w->run;
    RX_STORE(w->published, w->counters.generated);
    if (RX_LOAD(run->stop_flag)) rx_stop_for(run, RX_STOP_ASKED);
    if (++w->drains % 4 == 0 && run->config.seconds_max > 0 && rx_now() - run->begun > run->config.seconds_max)
        rx_stop_for(run, RX_STOP_SECONDS);
    if (run->config.states_max && !run->on_disk && RX_LOAD(run->next_block) > run->config.states_max) {
        /* next_block counts places handed out; what is still free of them is not a state. */
        if (RX_LOAD(run->next_block) > run->config.states_max + (uint64_t)run->threads * RX_BLOCK)
            rx_stop_for(run, RX_STOP_STATES);
    }
}

/* Looks up and inserts the batch: first all slots (prefetched when hashed), then all states they point to, then
 * compare. */
static __attribute__((noinline)) void rx_drain(rx_worker *w) {
    rx_run *run = w->run;
    rx_batch *b = &w->batch;
    if (RX_UNLIKELY(RX_LOAD(run->wanted))) rx_safe_point(w);
    if (RX_UNLIKELY(RX_LOAD(run->stopping) || RX_LOAD(run->abandoned))) {
        b->count = b->settled = 0;
        return;
    }
    const unsigned shift = 64 - run->log_slots;
    const rx_cell bits = rx_index_mask(run);
    const uint32_t count = b->count;
    for (uint32_t i = 0; i < count; i++) {
        const rx_cell cell = RX_LOAD(run->table[b->hash[i] >> shift]);
        if (cell && !((cell ^ rx_tag(run, b->hash[i])) & ~bits)) {
            const uint64_t index = (uint64_t)(cell & bits) - 1;
            __builtin_prefetch(rx_at(run, index));
            if (index >= run->first_from) __builtin_prefetch(&run->first[index - run->first_from]);
        }
    }
    for (uint32_t i = 0; i < count; i++) rx_insert(w, b->words[i], b->hash[i], b->instance[i]);
    b->count = b->settled = 0;
    rx_watch(w);
}

/* Called in the middle of a state that has more successors than a batch holds. Limits hold there as well: where the run is
 * to end, the rest of the model's code is not waited for. */
static void rx_settle_expand(rx_worker *w) {
    rx_settle(w);
    if (w->batch.count >= RX_BATCH / 2) rx_drain(w);
    else rx_watch(w);
    if (RX_UNLIKELY(RX_LOAD(w->run->stopping))) longjmp(w->leave, 1);
}

static __attribute__((noinline, cold)) void rx_overflow(rx_batch *batch) {
    ((rx_worker *)batch)->settle((rx_worker *)batch);
}

static const uint64_t *rx_level_chunk(rx_worker *w, uint64_t from, uint64_t count);

static inline void rx_expanded(rx_worker *w, const uint64_t *s, uint64_t before) {
    rx_counters *c = &w->counters;
    const uint64_t degree = c->generated - before;
    if (degree < c->degree_min) c->degree_min = degree;
    if (degree > c->degree_max) c->degree_max = degree;
    c->expanded++;
    if (degree == 0 && w->batch.bounds == 0 && w->run->config.deadlock)
        rx_found(w, RX_DEADLOCK, 0, RX_NOWHERE, w->run->levels, s, NULL);
    if (w->batch.count >= RX_BATCH / 4 * 3) rx_drain(w);
}

static inline __attribute__((unused)) void rx_expand_one(rx_worker *w, const uint64_t *s) {
    const uint64_t before = w->counters.generated;
    w->source = s;
    w->batch.bounds = 0;
    rx_produce(s, &w->batch);
    rx_settle(w);
    rx_expanded(w, s, before);
}

#include "reduce.h"

/* Does `work` until it is done, or left in the middle (rx_settle_expand). Apart, so that the loop itself is not compiled as
 * one that is jumped back into. */
static __attribute__((noinline)) void rx_until_left(rx_worker *w, void (*work)(rx_worker *)) {
    if (setjmp(w->leave)) w->batch.count = w->batch.settled = 0;
    else work(w);
}

static __attribute__((noinline)) void rx_expand_chunks(rx_worker *w) {
    rx_run *run = w->run;
    while (!RX_LOAD(run->out_full)) {
        const uint64_t from = RX_ADD(run->cursor, RX_CHUNK);
        if (from >= run->level_to || RX_LOAD(run->stopping) || RX_LOAD(run->abandoned)) break;
        const uint64_t count = run->level_to - from < RX_CHUNK ? run->level_to - from : RX_CHUNK;
        const uint64_t *s = rx_level_chunk(w, from, count);
        if (!s) break;
        for (uint64_t i = 0; i < count; i++) {
#if MODEL_REDUCTION
            rx_expand_reduced(w, s + i * W);
#else
            rx_expand_one(w, s + i * W);
#endif
        }
        rx_watch(w); /* of states that have hardly any successors few batches come about */
    }
    if (w->batch.count) rx_drain(w);
}

static void rx_work_expand(rx_worker *w) {
    w->settle = rx_settle_expand;
    w->length = w->run->levels;
    rx_until_left(w, rx_expand_chunks);
}

static void rx_begin(rx_worker *w) {
    model_initial(&w->batch);
    rx_settle(w);
    rx_drain(w);
}

static void rx_work_initial(rx_worker *w) {
    w->settle = rx_settle_expand;
    w->source = NULL;
    w->length = 0;
    rx_until_left(w, rx_begin);
}

/* Closes the gaps that unfinished blocks leave in the new level, by moving its last states into them. Returns the
 * number of states. */
static uint64_t rx_level_close(rx_run *run, uint64_t from) {
    uint64_t count = 0, gaps = 0;
    uint64_t gap_from[RX_THREADS_MAX], gap_to[RX_THREADS_MAX];
    for (uint32_t i = 0; i < run->threads; i++) {
        rx_worker *w = run->workers[i];
        count += w->added;
        w->added = 0;
        if (w->block_next < w->block_end) {
            uint64_t k = gaps++;
            for (; k && gap_from[k - 1] > w->block_next; k--) gap_from[k] = gap_from[k - 1], gap_to[k] = gap_to[k - 1];
            gap_from[k] = w->block_next;
            gap_to[k] = w->block_end;
        }
        w->block_next = w->block_end = 0;
    }
    const uint64_t end = from + count;
    uint64_t last = run->next_block; /* one past the last place not yet considered as a source */
    uint64_t high = gaps;
    for (uint64_t g = 0; g < gaps; g++)
        for (uint64_t hole = gap_from[g]; hole < gap_to[g] && hole < end; hole++) {
            last--;
            while (high && last < gap_to[high - 1] && last >= gap_from[high - 1]) last = gap_from[--high] - 1;
            rx_copy(rx_at(run, hole), rx_at(run, last));
            run->first[hole - run->first_from] = run->first[last - run->first_from];
            rx_table_move(run, last, hole);
        }
    RX_STORE(run->next_block, end);
    return count;
}

#endif
