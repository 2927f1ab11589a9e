/* Room for more states: what happens at a safe point, and what an exploration weighs.
 *
 * Guarantees: at most config.memory_max bytes are committed for states, table and workers. What does not fit ends the
 * run, or, with a spill folder, sends it to disk.
 */
#ifndef RX_GROW_H
#define RX_GROW_H

static uint64_t rx_bytes(uint64_t states, uint64_t first, unsigned log_slots, uint32_t threads) {
    return rx_pages(states * RX_STATE_BYTES) + rx_pages(first * sizeof(rx_first)) + rx_table_bytes(log_slots) +
           (uint64_t)threads * sizeof(rx_worker);
}

static bool rx_fits(const rx_run *run, uint64_t states, uint64_t first, unsigned log_slots) {
    return !run->config.memory_max || rx_bytes(states, first, log_slots, run->threads) <= run->config.memory_max;
}

static bool rx_commit_states(rx_run *run, uint64_t states) {
    if (states <= run->committed) return true;
    if (states > run->reserved) return false;
    const size_t from = rx_pages(run->committed * RX_STATE_BYTES), to = rx_pages(states * RX_STATE_BYTES);
    if (from < to && !rx_commit(run->states, from, to)) return false;
    run->committed = states;
    return true;
}

static bool rx_commit_first(rx_run *run, uint64_t entries) {
    if (entries <= run->first_committed) return true;
    if (entries > run->reserved) return false;
    const size_t from = rx_pages(run->first_committed * sizeof(rx_first)), to = rx_pages(entries * sizeof(rx_first));
    if (from < to && !rx_commit(run->first, from, to)) return false;
    run->first_committed = entries;
    return true;
}

static void rx_set_room(rx_run *run) {
    uint64_t room = rx_table_room(run->log_slots);
    if (run->committed < room) room = run->committed;
    if (run->first_committed + run->first_from < room) room = run->first_committed + run->first_from;
    run->room = room - rx_margin(run);
}

/* A step's worth of head room beyond `need`, in memory that is committed but not yet touched. */
static uint64_t rx_step(const rx_run *run, uint64_t need) {
    const uint64_t step = need / 4 < 1u << 14 ? 1u << 14 : need / 4;
    return need + step < run->reserved ? need + step : run->reserved;
}

/* Makes room so that next_block may go on. False: it cannot be had (`why` says what is in the way). Lock held. */
static bool rx_make_room(rx_run *run, uint32_t *why) {
    const uint64_t need = run->next_block + 2 * rx_margin(run);
    unsigned log_slots = run->log_slots;
    while (rx_table_room(log_slots) < need) log_slots++;
    *why = RX_STOP_CAPACITY;
    if (log_slots > RX_SLOT_BITS || need > run->reserved) return false;
    *why = RX_STOP_MEMORY;
    uint64_t states = run->committed, first = run->first_committed;
    if (states < need) states = rx_step(run, need);
    if (first + run->first_from < need) first = rx_step(run, need) - run->first_from;
    /* When the budget is near, small steps: what is committed ahead is not used yet. */
    if (!rx_fits(run, states, first, log_slots)) {
        if (states > run->committed) states = need;
        if (first > run->first_committed) first = need - run->first_from;
    }
    if (!rx_fits(run, states, first, log_slots)) return false;
    if (!rx_commit_states(run, states) || !rx_commit_first(run, first)) return false;
    if (log_slots != run->log_slots) {
        /* States handed out but not written yet are in the blocks' tails: only what is written is put back. */
        if (!rx_table_new(run, log_slots)) return false;
        uint64_t from = 0;
        for (;;) {
            uint64_t to = run->next_block, resume = to;
            for (uint32_t i = 0; i < run->threads; i++) {
                const rx_worker *w = run->workers[i];
                if (w->block_next < w->block_end && w->block_end > from && w->block_next < to)
                    to = w->block_next, resume = w->block_end;
            }
            if (from < to) rx_rebuild(run, from, to);
            if (resume == run->next_block && to == resume) break;
            from = resume;
        }
    }
    rx_set_room(run);
    return true;
}

static void rx_flush_run(rx_run *run);

/* All workers stand still. Lock held. */
static void rx_coordinate(rx_run *run) {
    uint32_t why;
    if (run->on_disk) {
        rx_flush_run(run);
    } else if (!rx_make_room(run, &why)) {
        if (run->config.spill) RX_STORE(run->abandoned, 1);
        else rx_stop_for(run, why);
    }
    RX_STORE(run->wanted, 0);
    run->arrived = 0;
    run->points++;
    pthread_cond_broadcast(&run->changed);
}

#endif
