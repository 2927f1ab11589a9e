/* Random walks, for sizes that cannot be explored: each from a random initial state, each step uniformly among the
 * transitions.
 *
 * Guarantees: walk i of a seed is the same walk on every run and with any number of threads; of the walks that find
 * something, the one of the smallest number is returned. What is not found is not proved.
 */
#ifndef RX_SIMULATE_H
#define RX_SIMULATE_H

static void rx_settle_walk(rx_worker *w) {
    rx_walker *walker = w->walker;
    rx_batch *b = &w->batch;
    w->counters.generated += b->count;
    for (uint32_t i = 0; i < b->count; i++) {
        if (w->source) w->counters.fired[b->instance[i]]++;
        if (!rx_judge_step(w, b->words[i], b->instance[i])) continue;
        if (rx_random_below(&walker->random, ++walker->seen)) continue;
        rx_copy(walker->next, b->words[i]);
        walker->next_instance = b->instance[i];
    }
    b->count = b->settled = 0;
}

/* Walks once. The number of states; what is wrong is in the worker's finding. `states`, `instances`: where to write the
 * walk, or NULL. */
static uint64_t rx_walk(rx_worker *w, const rx_walks *walks, uint64_t number, uint64_t *states, uint32_t *instances) {
    rx_walker *walker = w->walker;
    uint64_t current[W];
    rx_random_begin(&walker->random, walks->seed, number);
    for (uint64_t length = 0;; length++) {
        walker->seen = 0;
        w->length = length;
        w->batch.bounds = 0;
        w->source = length ? current : NULL;
        const uint64_t before = w->counters.generated;
        if (length) rx_produce(current, &w->batch);
        else model_initial(&w->batch);
        rx_settle_walk(w);
        if (!walker->seen || w->finding.kind) {
            if (length && walks->deadlock && w->counters.generated == before && !w->batch.bounds)
                rx_found(w, RX_DEADLOCK, 0, RX_NOWHERE, length, current, NULL);
            return length;
        }
        rx_copy(current, walker->next);
        if (states) rx_copy(states + length * W, current);
        if (instances) instances[length] = length ? walker->next_instance : RX_NOWHERE;
        if (!length) rx_judge_beginning(w, current);
        rx_judge_new(w, current, length + 1);
        if (w->finding.kind || length + 1 == walks->depth) return length + 1;
    }
}

static void rx_work_walks(rx_worker *w) {
    rx_run *run = w->run;
    rx_walker walker;
    w->walker = &walker;
    w->settle = rx_settle_walk;
    for (;;) {
        const uint64_t number = RX_ADD(run->cursor, 1);
        if (number >= run->walks.walks || number > RX_LOAD(run->walk_found) || RX_LOAD(run->stopping)) break;
        const uint64_t length = rx_walk(w, &run->walks, number, NULL, NULL);
        RX_ADD(run->walk_states, length);
        RX_ADD(run->walks_done, 1);
        if (w->finding.kind) {
            /* Only which walk: it is walked again for what it found, so that the smallest number decides. */
            uint64_t best = RX_LOAD(run->walk_found);
            while (number < best && !__atomic_compare_exchange_n(&run->walk_found, &best, number, false,
                                                                 __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            }
            w->finding.kind = RX_NOTHING;
        }
        rx_watch(w);
    }
    w->walker = NULL;
}

/* Walks, and leaves the finding and its walk where an exploration leaves its counterexample. */
static void rx_walk_all(rx_run *run, const rx_walks *walks) {
    run->walks = *walks;
    run->walk_found = UINT64_MAX;
    run->cursor = 0;
    run->begun = rx_now();
    if (RX_LOAD(run->stop_flag)) rx_stop_for(run, RX_STOP_ASKED);
    rx_team_run(run, rx_work_walks, false);
    run->stopped = run->stopping;
    if (run->walk_found != UINT64_MAX && rx_trace_reserve(run, walks->depth + 1)) {
        rx_worker *w = run->workers[0];
        rx_walker walker;
        rx_counters *kept = malloc(sizeof *kept);
        if (kept) *kept = w->counters;
        w->walker = &walker;
        w->settle = rx_settle_walk;
        uint64_t length = rx_walk(w, walks, run->walk_found, run->trace_states, run->trace_instances);
        run->finding = w->finding;
        if (run->finding.kind == RX_STEP_INVARIANT) {
            rx_copy(run->trace_states + length * W, run->finding.after);
            run->trace_instances[length++] = run->finding.instance;
        }
        run->trace_length = length;
        w->walker = NULL;
        if (kept) w->counters = *kept;
        free(kept);
    }
    run->seconds_before += rx_now() - run->begun;
}

#endif
