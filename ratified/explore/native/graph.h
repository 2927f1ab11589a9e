/* The state graph, for liveness and diagrams: states by number, and every state's edges.
 *
 * Guarantees: numbers are the same for any number of threads (levels in order, states of a level in order of their
 * packed words); the edges of a state stand in the order in which the model produces them. Edges lead to visited states
 * only: not to what a constraint leaves out, nor, after a run that was stopped, to what was not visited yet. For what
 * fits in memory.
 */
#ifndef RX_GRAPH_H
#define RX_GRAPH_H

/* Sorts the levels and puts the table right again. False: the states are on disk, or there is no memory. */
static bool rx_graph_sort(rx_run *run) {
    if (run->on_disk) return false;
    for (uint64_t k = 0; k < run->levels; k++)
        rx_sort(rx_at(run, run->level_start[k]), NULL, run->level_start[k + 1] - run->level_start[k], run->threads);
    if (!rx_table_new(run, run->log_slots)) return false;
    pthread_mutex_lock(&run->lock);
    rx_rebuild(run, 0, run->distinct);
    pthread_mutex_unlock(&run->lock);
    return true;
}

/* Drops what a constraint leaves out of the batch, and hashes the rest; returns how many are left. */
static uint32_t rx_keep_inside(rx_worker *w) {
    rx_run *run = w->run;
    rx_batch *b = &w->batch;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        if (MODEL_CONSTRAINTS && model_constraints(b->words[i]) != RX_OK) continue;
        if (kept != i) rx_copy(b->words[kept], b->words[i]);
        if (MODEL_SYMMETRY) model_canonical(b->words[kept]);
        b->hash[kept] = rx_hash(b->words[kept]);
        b->instance[kept] = b->instance[i];
        __builtin_prefetch(&run->table[b->hash[kept++] >> (64 - run->log_slots)]);
    }
    return kept;
}

/* Appends the batch's edges at the worker's place, or (without arrays) counts them. */
static void rx_settle_edges(rx_worker *w) {
    rx_run *run = w->run;
    rx_batch *b = &w->batch;
    const uint32_t kept = rx_keep_inside(w);
    for (uint32_t i = 0; i < kept; i++) {
        const uint64_t target = rx_table_find(run, b->words[i], b->hash[i]);
        if (target == UINT64_MAX) continue;
        if (run->edge_targets) {
            run->edge_targets[w->edges] = target;
            run->edge_instances[w->edges] = b->instance[i];
        }
        w->edges++;
    }
    b->count = 0;
}

static void rx_work_edges(rx_worker *w) {
    rx_run *run = w->run;
    w->settle = rx_settle_edges;
    for (;;) {
        const uint64_t from = RX_ADD(run->cursor, RX_CHUNK);
        if (from >= run->level_to) break;
        const uint64_t to = run->level_to - from < RX_CHUNK ? run->level_to : from + RX_CHUNK;
        for (uint64_t i = from; i < to; i++) {
            const uint64_t begin = w->edges = run->edge_targets ? run->edge_offsets[i] : 0;
            w->source = rx_at(run, i);
            rx_produce(w->source, &w->batch);
            rx_settle_edges(w);
            if (!run->edge_targets) run->edge_offsets[i + 1] = w->edges - begin;
        }
    }
}

static void rx_graph_pass(rx_run *run) {
    run->cursor = 0;
    run->level_to = run->distinct;
    rx_team_run(run, rx_work_edges, run->distinct < 4 * RX_CHUNK);
}

#endif
