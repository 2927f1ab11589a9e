/* From something wrong back to an initial state: the counterexample, by expanding levels again instead of keeping
 * links.
 *
 * Guarantees: the run is a shortest one, a real one (with symmetry too, where the levels hold representatives only),
 * and the same every time: backwards, the smallest predecessor of the level before; forwards, the smallest state, then
 * the smallest instance.
 */
#ifndef RX_TRACE_H
#define RX_TRACE_H

static const uint64_t *rx_level_chunk(rx_worker *w, uint64_t from, uint64_t count);

static bool rx_is(const uint64_t *t, const uint64_t *representative) {
    uint64_t c[W];
    rx_copy(c, t);
    if (MODEL_SYMMETRY) model_canonical(c);
    return rx_same(c, representative);
}

static void rx_settle_backward(rx_worker *w) {
    for (uint32_t i = 0; i < w->batch.count; i++)
        if ((!w->has_best || rx_compare(w->source, w->best) < 0) && rx_is(w->batch.words[i], w->run->target)) {
            rx_copy(w->best, w->source);
            w->has_best = 1;
        }
    w->batch.count = 0;
}

static void rx_work_backward(rx_worker *w) {
    rx_run *run = w->run;
    w->settle = rx_settle_backward;
    for (;;) {
        const uint64_t from = RX_ADD(run->cursor, RX_CHUNK);
        if (from >= run->level_to) break;
        const uint64_t count = run->level_to - from < RX_CHUNK ? run->level_to - from : RX_CHUNK;
        const uint64_t *s = rx_level_chunk(w, from, count);
        if (!s) break;
        for (uint64_t i = 0; i < count; i++) {
            w->source = s + i * W;
            rx_produce(w->source, &w->batch);
            rx_settle_backward(w);
        }
    }
}

/* Replaces run->target by its smallest predecessor in level `level`; false if there is none. */
static bool rx_step_back(rx_run *run, uint64_t level) {
    run->level_from = run->cursor = run->level_start[level];
    run->level_to = run->level_start[level + 1];
    for (uint32_t i = 0; i < run->threads; i++) run->workers[i]->has_best = 0;
    rx_team_run(run, rx_work_backward, run->level_to - run->level_from < 4 * RX_CHUNK);
    const uint64_t *best = NULL;
    for (uint32_t i = 0; i < run->threads; i++) {
        const rx_worker *w = run->workers[i];
        if (w->has_best && (!best || rx_compare(w->best, best) < 0)) best = w->best;
    }
    if (best) rx_copy(run->target, best);
    return best != NULL;
}

/* Whether `t`, reached by one step from the worker's source, is what the last step of the counterexample must show. */
static bool rx_is_goal(const rx_worker *w, const uint64_t *t) {
    const rx_finding *f = &w->run->finding;
    if (!w->run->last_step) return rx_is(t, w->run->target);
    if (f->kind == RX_FAULT_FOUND) {
        const int fault = RX_FAULT((int)f->property);
        return (MODEL_CONSTRAINTS && model_constraints(t) == fault) ||
               (MODEL_STEP_INVARIANTS && w->source && rx_step_invariants(w->source, t) == fault);
    }
    return MODEL_STEP_INVARIANTS && rx_step_invariants(w->source, t) == (int)f->property &&
           (!MODEL_CONSTRAINTS || model_constraints(t) == RX_OK);
}

static void rx_settle_forward(rx_worker *w) {
    for (uint32_t i = 0; i < w->batch.count; i++) {
        const uint64_t *t = w->batch.words[i];
        const int order = w->has_best ? rx_compare(t, w->best) : -1;
        if (order > 0 || (order == 0 && w->batch.instance[i] >= w->best_instance) || !rx_is_goal(w, t)) continue;
        rx_copy(w->best, t);
        w->best_instance = w->batch.instance[i];
        w->has_best = 1;
    }
    w->batch.count = 0;
}

/* A fault of the model's own, met again on the way: the step of the smallest instance is the one to show. */
static void rx_trace_fault(rx_worker *w, uint32_t error, uint32_t instance) {
    const rx_run *run = w->run;
    if (!run->last_step || run->finding.kind != RX_FAULT_FOUND || error != run->finding.property) return;
    if (instance < w->best_fault) w->best_fault = instance;
}

/* One step forward from `from` (an initial state if NULL) to the goal. */
static bool rx_step_forward(rx_run *run, const uint64_t *from) {
    rx_worker *w = run->workers[0];
    w->settle = rx_settle_forward;
    w->source = from;
    w->has_best = 0;
    w->best_fault = RX_NOWHERE;
    if (from) rx_produce(from, &w->batch);
    else model_initial(&w->batch);
    rx_settle_forward(w);
    return w->has_best;
}

static bool rx_trace_reserve(rx_run *run, uint64_t length) {
    free(run->trace_states);
    free(run->trace_instances);
    run->trace_states = malloc(length * RX_STATE_BYTES);
    run->trace_instances = malloc(length * sizeof *run->trace_instances);
    return run->trace_states && run->trace_instances;
}

/* The levels' representatives, last to first. */
static bool rx_trace_back(rx_run *run) {
    const uint64_t length = run->finding.length;
    if (!rx_trace_reserve(run, length + 1)) return false;
    rx_copy(run->target, run->finding.state);
    for (uint64_t k = length;; k--) {
        rx_copy(run->trace_states + (k - 1) * W, run->target);
        if (k == 1) return true;
        if (!rx_step_back(run, k - 2)) return false;
    }
}

/* Then the run itself, first to last. */
static bool rx_trace_forward(rx_run *run) {
    rx_finding *f = &run->finding;
    const uint64_t length = f->length;
    rx_worker *w = run->workers[0];
    uint64_t *states = run->trace_states;
    run->last_step = false;
    for (uint64_t k = 0; k < length; k++) {
        rx_copy(run->target, states + k * W);
        if (!rx_step_forward(run, k ? states + (k - 1) * W : NULL)) return false;
        rx_copy(states + k * W, w->best);
        run->trace_instances[k] = k ? w->best_instance : RX_NOWHERE;
    }
    run->trace_length = length;
    if (f->kind != RX_STEP_INVARIANT && !(f->kind == RX_FAULT_FOUND && f->instance != RX_NOWHERE)) return true;
    if (!MODEL_SYMMETRY) {
        /* The step was found at this very state. */
        if (f->kind == RX_FAULT_FOUND) return true;
        rx_copy(states + length * W, f->after);
        run->trace_instances[length] = f->instance;
        run->trace_length = length + 1;
        return true;
    }
    run->last_step = true;
    const bool found = rx_step_forward(run, states + (length - 1) * W);
    if (f->kind == RX_FAULT_FOUND) {
        f->instance = w->best_fault != RX_NOWHERE ? w->best_fault : w->best_instance;
        return found || w->best_fault != RX_NOWHERE;
    }
    rx_copy(states + length * W, w->best);
    run->trace_instances[length] = f->instance = w->best_instance;
    run->trace_length = length + 1;
    return found;
}

/* What was counted of bounds that are left, while steps are taken again, which count as well. */
static uint64_t *rx_left_kept(rx_run *run) {
    const size_t n = MODEL_BOUNDS + 1;
    uint64_t *left = malloc((size_t)run->threads * n * sizeof *left);
    for (uint32_t i = 0; left && i < run->threads; i++) {
        memcpy(left + i * n, run->workers[i]->batch.left, n * sizeof *left);
        run->workers[i]->batch.count = run->workers[i]->batch.settled = 0;
    }
    return left;
}

static void rx_left_again(rx_run *run, uint64_t *left) {
    const size_t n = MODEL_BOUNDS + 1;
    for (uint32_t i = 0; i < run->threads; i++) memcpy(run->workers[i]->batch.left, left + i * n, n * sizeof *left);
    free(left);
}

/* Reconstructs the run to run->finding; nothing of what was counted changes. False if it cannot be (the disk does not
 * answer). */
static bool rx_trace(rx_run *run) {
    uint64_t *left = rx_left_kept(run);
    if (!left) return false;
    run->wanted = 0;
    const bool done = rx_trace_back(run) && rx_trace_forward(run);
    rx_left_again(run, left);
    if (!done) run->trace_length = 0;
    return done;
}

#endif
