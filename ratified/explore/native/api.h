/* What Python (or a C program) calls. Everything exported is here. */
#ifndef RX_API_H
#define RX_API_H

typedef struct rx_result {
    uint64_t distinct, generated, depth, expanded, degree_min, degree_max;
    uint64_t witness_missing, witness_step_missing;
    uint64_t table_bytes, states_bytes, first_bytes, worker_bytes, disk_bytes;
    double seconds;
    uint32_t stopped, on_disk, threads, disk_errno, resumed, unused;
    rx_finding finding;
} rx_result;

static void rx_free_worker(rx_worker *w) {
    if (!w) return;
    free(w->chunk);
    free(w->choice);
    free(w->sent);
    free(w->places);
    free(w);
}

RX_API void rx_free(rx_run *run) {
    if (!run) return;
    rx_team_stop(run);
    rx_live_free(run);
    rx_ranks_free(run);
    rx_table_free(run);
    if (run->states) munmap(run->states, (size_t)run->reserved * RX_STATE_BYTES);
    if (run->first) munmap(run->first, (size_t)run->reserved * sizeof(rx_first));
    for (uint32_t i = 0; run->workers && i < run->config.threads; i++) rx_free_worker(run->workers[i]);
    free(run->workers);
    free(run->level_start);
    free(run->runs);
    free(run->trace_states);
    free(run->trace_instances);
    free(run->layer);
    free(run->goal_slots);
    free(run->blocks);
    const int files[] = {run->levels_fd, run->runs_fd, run->checkpoint_fd, run->lock_fd};
    for (int i = 0; i < 4; i++)
        if (files[i] >= 0) close(files[i]);
    pthread_mutex_destroy(&run->lock);
    pthread_mutex_destroy(&run->disk_lock);
    pthread_cond_destroy(&run->changed);
    free(run);
}

static bool rx_new_memory(rx_run *run) {
    run->workers = calloc(run->config.threads, sizeof *run->workers);
    if (!run->workers) return false;
    for (uint32_t i = 0; i < run->config.threads; i++) {
        rx_worker *w = rx_aligned(sizeof *w);
        if (!w) return false;
        run->workers[i] = w;
        w->run = run;
        w->number = i;
        if (!rx_choice_new(w)) return false;
        rx_counters_clear(run, &w->counters);
    }
    /* As many states as a slot can number, or as the machine could ever hold. */
    uint64_t states = RX_SLOT_BITS == 64 ? (uint64_t)1 << 36 : ((uint64_t)1 << 32) / 8 * 5;
    const uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (pages && states > pages / RX_STATE_BYTES) states = pages / RX_STATE_BYTES + (1u << 20);
    size_t bytes = rx_pages(states * RX_STATE_BYTES);
    run->states = rx_reserve(&bytes, rx_pages((size_t)1 << 20));
    if (!run->states) return false;
    run->reserved = bytes / RX_STATE_BYTES;
    bytes = run->reserved * sizeof(rx_first);
    run->first = rx_reserve(&bytes, bytes);
    return run->first && rx_table_new(run, RX_LOG_SLOTS_MIN);
}

/* NULL if there is no memory to begin with. */
RX_API rx_run *rx_new(const rx_config *config) {
    rx_run *run = rx_aligned(sizeof *run);
    if (!run) return NULL;
    run->config = *config;
    if (run->config.threads < 1) run->config.threads = 1;
    if (run->config.threads > RX_THREADS_MAX) run->config.threads = RX_THREADS_MAX;
    run->threads = run->config.threads;
    run->levels_fd = run->runs_fd = run->checkpoint_fd = run->lock_fd = -1;
    pthread_mutex_init(&run->lock, NULL);
    pthread_mutex_init(&run->disk_lock, NULL);
    pthread_cond_init(&run->changed, NULL);
    run->started = 1;
    if (!rx_new_memory(run)) {
        rx_free(run);
        return NULL;
    }
    return run;
}

/* Reads the checkpoint, if there is one. 0, or not: rx_message says why. */
RX_API int rx_open(rx_run *run) { return rx_checkpoint_open(run); }

/* What went wrong with files; empty if nothing did. */
RX_API const char *rx_message(const rx_run *run) { return run->disk_what; }

RX_API void rx_explore(rx_run *run) {
    rx_team_start(run);
    rx_search(run);
    if (run->finding.kind && run->finding.has_state && !run->config.untraced) rx_trace(run);
    rx_team_stop(run);
}

RX_API void rx_trace_now(rx_run *run) {
    rx_team_start(run);
    rx_trace(run);
    rx_team_stop(run);
}

#if MODEL_REDUCTION
/* The rows of a reduction (reduce.h), which stay where they are. */
RX_API void rx_reduce(rx_run *run, const uint64_t *needed, const uint64_t *enabling, const uint32_t *first) {
    run->needed = needed;
    run->enabling = enabling;
    run->enabling_first = first;
}

RX_API uint32_t rx_sensitive(const rx_run *run) { return run->sensitive; }
#endif

RX_API void rx_ask_to_stop(rx_run *run) { RX_STORE(run->stop_flag, 1); }

RX_API void rx_read_progress(const rx_run *run, rx_progress *out) {
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < run->threads; i++) out->generated += RX_LOAD(run->workers[i]->published);
    out->distinct = RX_LOAD(run->next_block) + (RX_LOAD(run->on_disk) ? RX_LOAD(run->distinct) : 0);
    out->depth = RX_LOAD(run->levels);
    const uint64_t to = RX_LOAD(run->level_to), at = RX_LOAD(run->cursor);
    out->queue = (at < to ? to - at : 0);
    out->on_disk = RX_LOAD(run->on_disk);
}

RX_API void rx_read_result(rx_run *run, rx_result *out) {
    const rx_counters *sum = &run->sum;
    rx_counters_sum(run, &run->sum);
    memset(out, 0, sizeof *out);
    out->distinct = run->distinct;
    out->generated = sum->generated;
    out->depth = run->levels;
    out->expanded = sum->expanded;
    out->degree_min = sum->expanded ? sum->degree_min : 0;
    out->degree_max = sum->degree_max;
    out->witness_missing = sum->witness_missing;
    out->witness_step_missing = sum->witness_step_missing;
    out->table_bytes = rx_table_bytes(run->log_slots);
    out->states_bytes = rx_pages(run->committed * RX_STATE_BYTES);
    out->first_bytes = rx_pages(run->first_committed * sizeof(rx_first));
    out->worker_bytes = run->threads * sizeof(rx_worker);
    out->seconds = run->seconds_before;
    out->stopped = run->stopped;
    out->on_disk = run->on_disk;
    out->resumed = run->resumed;
    out->disk_bytes = run->disk_states * RX_STATE_BYTES;
    out->threads = run->threads;
    out->disk_errno = (uint32_t)run->disk_errno;
    out->finding = run->finding;
}

/* fired, fresh: MODEL_INSTANCES; left: MODEL_PLACES; constrained: MODEL_CONSTRAINTS numbers. */
RX_API void rx_read_counts(rx_run *run, uint64_t *fired, uint64_t *fresh, uint64_t *left, uint64_t *constrained) {
    const rx_counters *sum = &run->sum;
    rx_counters_sum(run, &run->sum);
    memcpy(fired, sum->fired, sizeof *fired * MODEL_INSTANCES);
    memcpy(fresh, sum->fresh, sizeof *fresh * MODEL_INSTANCES);
    memcpy(left, sum->left, sizeof *left * MODEL_PLACES);
    memcpy(constrained, sum->constrained, sizeof *constrained * MODEL_CONSTRAINTS);
}

/* The counterexample: trace_length states of MODEL_WORDS words, and the instance that led to each. */
RX_API uint64_t rx_trace_length(const rx_run *run) { return run->trace_length; }
RX_API const uint64_t *rx_trace_states(const rx_run *run) { return run->trace_states; }
RX_API const uint32_t *rx_trace_instances(const rx_run *run) { return run->trace_instances; }

/* What the program was compiled for, so that a driver can tell that it talks to what it thinks: see driver.py. */
RX_API void rx_describe(uint64_t *out, const char **digest) {
    const uint64_t numbers[] = {W,
                                MODEL_INSTANCES,
                                MODEL_PLACES,
                                MODEL_CONSTRAINTS,
                                MODEL_INVARIANTS,
                                MODEL_STEP_INVARIANTS,
                                MODEL_GOALS,
                                MODEL_SYMMETRY,
                                sizeof(rx_config),
                                sizeof(rx_result),
                                sizeof(rx_finding)};
    memcpy(out, numbers, sizeof numbers);
    *digest = MODEL_DIGEST;
}

/* Random walks instead of an exploration. */
RX_API void rx_simulate(rx_run *run, const rx_walks *walks) {
    rx_team_start(run);
    rx_walk_all(run, walks);
    rx_team_stop(run);
}

RX_API void rx_read_walks(const rx_run *run, uint64_t *done, uint64_t *states, uint64_t *found) {
    *done = RX_LOAD(run->walks_done);
    *states = RX_LOAD(run->walk_states);
    *found = RX_LOAD(run->walk_found);
}

/* The state of a number, or NULL (there is none, or it is on disk). Numbers are stable from the first call of
 * rx_graph_count. */
RX_API const uint64_t *rx_state(const rx_run *run, uint64_t number) {
    return run->on_disk || number >= run->distinct ? NULL : rx_at(run, number);
}

/* Fills offsets[0..distinct] so that the edges of state i are [offsets[i], offsets[i + 1]); returns how many there are
 * in all, or UINT64_MAX if the states are on disk or there is no memory. */
RX_API uint64_t rx_graph_count(rx_run *run, uint64_t *offsets) {
    rx_team_start(run);
    uint64_t edges = UINT64_MAX;
    if (rx_graph_sort(run)) {
        run->edge_offsets = offsets;
        run->edge_targets = NULL;
        rx_graph_pass(run);
        offsets[0] = 0;
        for (uint64_t i = 0; i < run->distinct; i++) offsets[i + 1] += offsets[i];
        edges = offsets[run->distinct];
    }
    rx_team_stop(run);
    return edges;
}

/* Then: offsets as filled, and arrays for that many edges. */
RX_API void rx_graph_fill(rx_run *run, uint64_t *offsets, uint64_t *targets, uint32_t *instances) {
    rx_team_start(run);
    run->edge_offsets = offsets;
    run->edge_targets = targets;
    run->edge_instances = instances;
    rx_graph_pass(run);
    run->edge_targets = NULL;
    rx_team_stop(run);
}

/* The start of each level: levels + 1 numbers. */
RX_API void rx_read_levels(const rx_run *run, uint64_t *out) {
    if (run->levels) memcpy(out, run->level_start, (run->levels + 1) * sizeof *out);
}

#endif
