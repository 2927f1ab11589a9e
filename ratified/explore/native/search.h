/* The breadth-first search: level after level until nothing is new, something is wrong, or something runs out. */
#ifndef RX_SEARCH_H
#define RX_SEARCH_H

static const uint64_t *rx_level_chunk(rx_worker *w, uint64_t from, uint64_t count) {
    return w->run->on_disk ? rx_disk_chunk(w, from, count) : rx_at(w->run, from);
}

static void rx_counters_clear(rx_run *run, rx_counters *c) {
    memset(c, 0, sizeof *c);
    c->degree_min = UINT64_MAX;
    c->witness_missing = run->config.witness_wanted;
    c->witness_step_missing = run->config.witness_step_wanted;
}

static void rx_counters_add(rx_counters *to, const rx_counters *from, const uint64_t *left) {
    to->generated += from->generated;
    to->expanded += from->expanded;
    if (from->degree_min < to->degree_min) to->degree_min = from->degree_min;
    if (from->degree_max > to->degree_max) to->degree_max = from->degree_max;
    to->witness_missing &= from->witness_missing;
    to->witness_step_missing &= from->witness_step_missing;
    for (int i = 0; i < MODEL_INSTANCES; i++) to->fired[i] += from->fired[i], to->fresh[i] += from->fresh[i];
    for (int i = 0; i < MODEL_CONSTRAINTS; i++) to->constrained[i] += from->constrained[i];
    for (int i = 0; i < MODEL_BOUNDS; i++) to->left[i] += left[i];
}

/* The sums over all workers. */
static void rx_counters_sum(rx_run *run, rx_counters *sum) {
    rx_counters_clear(run, sum);
    for (uint32_t i = 0; i < run->threads; i++)
        rx_counters_add(sum, &run->workers[i]->counters, run->workers[i]->batch.left);
}

/* Lets the counters say `sum` again, as if nothing had been counted since. */
static void rx_counters_set(rx_run *run, const rx_counters *sum) {
    for (uint32_t i = 0; i < run->threads; i++) {
        rx_worker *w = run->workers[i];
        rx_counters_clear(run, &w->counters);
        memset(w->batch.left, 0, sizeof w->batch.left);
        if (i) continue;
        w->counters = *sum;
        for (int k = 0; k < MODEL_BOUNDS; k++) w->batch.left[k] = sum->left[k];
        memset(w->counters.left, 0, sizeof w->counters.left);
    }
}

static bool rx_level_push(rx_run *run, uint64_t end) {
    if (run->levels + 2 > run->levels_reserved) {
        const uint64_t more = run->levels_reserved ? run->levels_reserved * 2 : RX_LEVELS_MIN;
        uint64_t *p = realloc(run->level_start, more * sizeof *p);
        if (!p) return false;
        run->level_start = p;
        run->levels_reserved = more;
    }
    run->level_start[0] = 0;
    run->level_start[run->levels + 1] = end;
    RX_STORE(run->levels, run->levels + 1);
    return true;
}

/* Gathers what the workers found; true if anything is wrong. */
static bool rx_findings(rx_run *run) {
    for (uint32_t i = 0; i < run->threads; i++) {
        rx_worker *w = run->workers[i];
        if (rx_finding_compare(&w->finding, &run->finding) < 0) run->finding = w->finding;
        w->finding.kind = RX_NOTHING;
    }
    return run->finding.kind != RX_NOTHING;
}

static void rx_forget_recent(rx_run *run) {
    for (uint32_t i = 0; i < run->threads; i++) memset(run->workers[i]->recent, 0, sizeof run->workers[i]->recent);
}

/* Ends a level in memory: returns how many states are new. */
static uint64_t rx_level_finish(rx_run *run) {
    if (run->on_disk) return rx_disk_finish(run);
    const uint64_t count = rx_level_close(run, run->distinct);
    if (run->levels) {
        uint64_t *fresh = run->workers[0]->counters.fresh;
        for (uint64_t i = 0; i < count; i++) fresh[run->first[i]]++;
    }
    return count;
}

/* Between levels, once more room than a level's beginning needs was asked for in vain, or a new level begins: workers
 * are idle. */
static bool rx_level_begin(rx_run *run, bool initial) {
    uint32_t why;
    run->wanted = 0;
    if (run->on_disk) {
        RX_STORE(run->next_block, 0);
        run->first_from = 0;
    } else {
        run->first_from = run->distinct;
        RX_STORE(run->next_block, run->distinct);
        pthread_mutex_lock(&run->lock);
        const bool room = rx_make_room(run, &why);
        pthread_mutex_unlock(&run->lock);
        if (!room) {
            if (!run->config.spill || initial) {
                rx_stop_for(run, why);
                return false;
            }
            if (!rx_disk_enter(run)) return false;
        }
    }
    if (initial) return true;
    run->level_from = run->level_start[run->levels - 1];
    RX_STORE(run->level_to, run->level_start[run->levels]);
    RX_STORE(run->cursor, run->level_from);
    return true;
}

/* The level did not fit: everything it counted is taken back, and what there was before it goes to disk. */
static bool rx_level_again(rx_run *run) {
    rx_counters_set(run, &run->before);
    for (uint32_t i = 0; i < run->threads; i++) {
        rx_worker *w = run->workers[i];
        w->added = w->block_next = w->block_end = 0;
        w->finding.kind = RX_NOTHING;
    }
    run->abandoned = 0;
    rx_forget_recent(run);
    return rx_disk_enter(run);
}

/* Something new lies behind the depth limit: that it was looked for is taken back. Nothing new is kept, on disk or in
 * memory; the checkpoint was written before. */
static void rx_level_forget(rx_run *run) {
    rx_counters_set(run, &run->before);
    for (uint32_t i = 0; i < run->threads; i++) run->workers[i]->finding.kind = RX_NOTHING;
    if (run->stopping != RX_STOP_DISK) run->stopping = RX_STOP_DEPTH;
}

/* Expands the newest level; false if the search is over. */
static bool rx_search_level(rx_run *run) {
    if (!rx_level_begin(run, false)) return false;
    for (;;) {
        rx_team_run(run, rx_work_expand, run->level_to - run->level_from < 4 * RX_CHUNK);
        if (!run->abandoned || run->stopping) break;
        if (!rx_level_again(run) || !rx_level_begin(run, false)) return false;
    }
    const uint64_t count = rx_level_finish(run);
    if (run->closing && count) {
        rx_level_forget(run);
        return false;
    }
    const bool wrong = rx_findings(run);
    RX_STORE(run->distinct, run->distinct + count);
    if (count && !rx_level_push(run, run->distinct)) rx_stop_for(run, RX_STOP_MEMORY);
    if (run->stopping || wrong || !count) return false;
    if (run->config.states_max && run->distinct >= run->config.states_max) {
        rx_stop_for(run, RX_STOP_STATES);
        return false;
    }
    return true;
}

static void rx_search(rx_run *run) {
    run->begun = rx_now();
    if (!run->levels) {
        if (rx_level_begin(run, true)) {
            if (run->config.spill) rx_counters_sum(run, &run->before);
            rx_team_run(run, rx_work_initial, true);
            if (!run->abandoned || (rx_level_again(run) && rx_level_begin(run, true))) {
                if (run->on_disk) rx_team_run(run, rx_work_initial, true);
                RX_STORE(run->distinct, rx_level_finish(run));
                if (run->distinct && !rx_level_push(run, run->distinct)) rx_stop_for(run, RX_STOP_MEMORY);
            }
        }
        if (rx_findings(run) || !run->distinct) goto done;
    }
    for (;;) {
        if (!rx_boundary(run)) break;
        if (RX_LOAD(run->stop_flag)) rx_stop_for(run, RX_STOP_ASKED);
        if (run->config.depth_max && run->levels > run->config.depth_max) rx_stop_for(run, RX_STOP_DEPTH);
        if (run->stopping) break;
        if (run->levels == run->config.depth_max) {
            /* Whether this is all there is takes one more expansion to know. */
            rx_counters_sum(run, &run->before);
            if (run->config.checkpoint && !rx_checkpoint_write(run)) break;
            run->closing = true;
        }
        if (!rx_search_level(run)) break;
    }
done:
    /* What was done past the last complete level is not in the checkpoint: it will be done again. */
    if (run->config.checkpoint && run->stopping && run->stopping != RX_STOP_DISK && !run->closing)
        rx_checkpoint_write(run);
    run->stopped = run->stopping;
    run->seconds_before += rx_now() - run->begun;
}

#endif
