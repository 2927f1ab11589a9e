/* All shortest runs to something wrong, level by level: the states that such a run can be in.
 *
 * From the last level backwards: the states that show what is wrong, then of each level before those with a step to one
 * of these. A level is expanded again for it, as for a single run (trace.h). Which run is told is chosen from them
 * elsewhere (ratified/results/plainest.py).
 *
 * Guarantees: a layer is complete, or is not given at all; nothing of what was counted changes. It is a set: in which
 * order its states stand depends on the threads.
 */
#ifndef RX_LAYERS_H
#define RX_LAYERS_H

/* Whether a state is one of the goals (with symmetry: its orbit's representative is). */
static bool rx_is_layer_goal(const rx_run *run, const uint64_t *t) {
    uint64_t c[W];
    rx_copy(c, t);
    if (MODEL_SYMMETRY) model_canonical(c);
    const uint64_t mask = run->goal_slots_count - 1;
    for (uint64_t at = rx_hash(c) & mask; run->goal_slots[at]; at = (at + 1) & mask)
        if (rx_same(run->goals + (run->goal_slots[at] - 1) * W, c)) return true;
    return false;
}

/* Whether a step of the worker's source leads on. */
static bool rx_leads_on(const rx_worker *w, const uint64_t *t) {
    if (w->run->goals) return rx_is_layer_goal(w->run, t);
    return w->run->finding.kind == RX_STEP_INVARIANT && MODEL_STEP_INVARIANTS &&
           rx_step_invariants(w->source, t) == (int)w->run->finding.property &&
           (!MODEL_CONSTRAINTS || model_constraints(t) == RX_OK);
}

static void rx_settle_layer(rx_worker *w) {
    w->edges += w->batch.count;
    for (uint32_t i = 0; i < w->batch.count && !w->has_best; i++)
        if (rx_leads_on(w, w->batch.words[i])) w->has_best = 1;
    w->batch.count = w->batch.settled = 0;
}

static bool rx_in_layer(rx_worker *w, const uint64_t *s) {
    const rx_finding *f = &w->run->finding;
    if (!w->run->goals && f->kind == RX_INVARIANT) {
        /* Where a refinement does not begin: any initial state may be the one. */
        if (f->property >= (uint32_t)MODEL_INVARIANTS) return true;
        return MODEL_INVARIANTS && model_invariants(s) == (int)f->property;
    }
    w->source = s;
    w->has_best = 0;
    w->edges = 0;
    w->batch.bounds = 0;
    rx_produce(s, &w->batch);
    rx_settle_layer(w);
    if (!w->run->goals && f->kind == RX_DEADLOCK) return !w->edges && !w->batch.bounds;
    return w->has_best;
}

static void rx_work_layer(rx_worker *w) {
    rx_run *run = w->run;
    w->settle = rx_settle_layer;
    while (!RX_LOAD(run->stop_flag) && RX_LOAD(run->layer_count) <= run->layer_most) {
        const uint64_t from = RX_ADD(run->cursor, RX_CHUNK);
        if (from >= run->level_to) break;
        const uint64_t count = run->level_to - from < RX_CHUNK ? run->level_to - from : RX_CHUNK;
        const uint64_t *s = rx_level_chunk(w, from, count);
        if (!s) {
            RX_STORE(run->layer_count, run->layer_most + 1);
            break;
        }
        for (uint64_t i = 0; i < count; i++) {
            if (!rx_in_layer(w, s + i * W)) continue;
            const uint64_t at = RX_ADD(run->layer_count, 1);
            if (at < run->layer_most) rx_copy(run->layer + at * W, s + i * W);
        }
    }
}

/* A table of the goals' numbers, plus one. */
static bool rx_goals_set(rx_run *run, const uint64_t *goals, uint64_t count) {
    uint64_t slots = 64;
    while (slots < 2 * count) slots *= 2;
    free(run->goal_slots);
    run->goal_slots = calloc(slots, sizeof *run->goal_slots);
    if (!run->goal_slots) return false;
    run->goals = goals;
    run->goal_slots_count = slots;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = rx_hash(goals + i * W) & (slots - 1);
        while (run->goal_slots[at]) at = (at + 1) & (slots - 1);
        run->goal_slots[at] = (uint32_t)(i + 1);
    }
    return true;
}

/* The states of level `level` with a step to one of `goals` (or, without goals, that show the finding): how many there are;
 * UINT64_MAX if they are more than `most`, or this was asked to stop, or the disk or memory does not do it. */
RX_API uint64_t rx_layer(rx_run *run, uint64_t level, const uint64_t *goals, uint64_t count, uint64_t most) {
    uint64_t *left = NULL, found = UINT64_MAX;
    free(run->layer);
    run->layer = malloc((most + 1) * RX_STATE_BYTES);
    run->goals = NULL;
    if (run->layer && (!goals || rx_goals_set(run, goals, count)) && (left = rx_left_kept(run))) {
        run->layer_count = 0;
        run->layer_most = most;
        run->wanted = 0;
        run->level_from = run->cursor = run->level_start[level];
        run->level_to = run->level_start[level + 1];
        if (!run->ranks) rx_team_start(run);
        rx_team_run(run, rx_work_layer, run->level_to - run->level_from < 4 * RX_CHUNK);
        if (!run->ranks) rx_team_stop(run);
        if (run->layer_count <= most && !RX_LOAD(run->stop_flag)) found = run->layer_count;
    }
    if (left) rx_left_again(run, left);
    run->goals = NULL;
    return found;
}

RX_API const uint64_t *rx_layer_states(const rx_run *run) { return run->layer; }

/* The representative of a state's orbit, in its place. */
RX_API void rx_canonical(uint64_t *s) {
    (void)s;
    if (MODEL_SYMMETRY) model_canonical(s);
}

#endif
