/* States past the memory budget: sorted levels on disk, and duplicates found by merging.
 *
 * A level's successors are gathered in memory (the same table, without the older levels), sorted, and written as a run
 * whenever memory is full. At the end of the level the runs are merged, what an older level holds is struck out, and
 * the rest is the new level: written sorted, judged, counted. (Stern and Dill, "Using magnetic
 * disk instead of main memory in the Murphi verifier", CAV 1998; Korf, "Best-first frontier search with delayed
 * duplicate detection", AAAI 2004.)
 *
 * Guarantees: the same counts, verdict and counterexample as in memory; nothing but sequential reads and writes of
 * whole blocks, and of older levels only those blocks whose range holds a candidate; at most config.memory_max bytes,
 * whatever the number of states.
 */
#ifndef RX_DISK_H
#define RX_DISK_H

enum { RX_IO_BYTES = 1 << 18 };
#define RX_IO_STATES (RX_IO_BYTES / (8 * W))

/* A sorted run of candidates in the runs file: `count` states, then as many instances. The rest is where a merge stands
 * in it. */
typedef struct rx_extent {
    uint64_t offset, count, taken, at, have;
} rx_extent;

/* RX_IO_STATES states of a level, or fewer at its end: where they are and the smallest of them. */
typedef struct rx_block {
    uint64_t from, count;
    uint64_t smallest[W];
    bool last; /* of its level */
} rx_block;

static const uint64_t *rx_disk_chunk(rx_worker *w, uint64_t from, uint64_t count) {
    rx_run *run = w->run;
    const bool read =
        rx_read(run, run->levels_fd, run->levels_path, w->chunk, count * RX_STATE_BYTES, from * RX_STATE_BYTES);
    return read ? w->chunk : NULL;
}

static uint64_t rx_checksum(uint64_t sum, const uint64_t *words, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ull, sum ^= sum >> 29;
    return sum;
}

static bool rx_block_push(rx_run *run, uint64_t from, uint64_t count, const uint64_t *smallest, bool last) {
    if (run->blocks_count == run->blocks_reserved) {
        const uint64_t more = run->blocks_reserved ? run->blocks_reserved * 2 : 256;
        rx_block *p = realloc(run->blocks, more * sizeof *p);
        if (!p) {
            rx_stop_for(run, RX_STOP_MEMORY);
            return false;
        }
        run->blocks = p;
        run->blocks_reserved = more;
    }
    rx_block *b = &run->blocks[run->blocks_count++];
    *b = (rx_block){.from = from, .count = count, .last = last};
    rx_copy(b->smallest, smallest);
    return true;
}

/* Appends sorted states to the newest level's file. */
static bool rx_disk_append(rx_run *run, const uint64_t *states, uint64_t count) {
    if (!count) return true;
    if (!rx_write(run, run->levels_fd, run->levels_path, states, count * RX_STATE_BYTES,
                  run->disk_states * RX_STATE_BYTES))
        return false;
    for (uint64_t i = 0; i < count; i += RX_IO_STATES) {
        const uint64_t n = count - i < RX_IO_STATES ? count - i : RX_IO_STATES;
        if (!rx_block_push(run, run->disk_states + i, n, states + i * W, false)) return false;
    }
    run->disk_sum = rx_checksum(run->disk_sum, states, count * W);
    run->disk_states += count;
    return true;
}

static void rx_disk_end_level(rx_run *run) {
    if (run->blocks_count) run->blocks[run->blocks_count - 1].last = true;
}

/* Empties the table; few entries are looked up, many are wiped. */
static void rx_table_clear(rx_run *run, uint64_t count) {
    const uint64_t slots = (uint64_t)1 << run->log_slots, mask = slots - 1;
    if (count > slots / 64) {
        memset(run->table, 0, rx_table_bytes(run->log_slots));
        return;
    }
    const rx_cell bits = rx_index_mask(run);
    for (uint64_t i = 0; i < count; i++)
        for (uint64_t at = rx_hash(rx_at(run, i)) >> (64 - run->log_slots);; at = (at + 1) & mask)
            if ((run->table[at] & bits) == (rx_cell)(i + 1)) {
                run->table[at] = 0;
                break;
            }
}

/* Writes the first `count` states of memory, which are sorted, as a run. */
static bool rx_runs_append(rx_run *run, uint64_t count) {
    if (run->runs_count == run->runs_reserved) {
        const uint64_t more = run->runs_reserved ? run->runs_reserved * 2 : 16;
        rx_extent *p = realloc(run->runs, more * sizeof *p);
        if (!p) {
            rx_stop_for(run, RX_STOP_MEMORY);
            return false;
        }
        run->runs = p;
        run->runs_reserved = more;
    }
    const char *path = run->runs_path;
    if (!rx_write(run, run->runs_fd, path, run->states, count * RX_STATE_BYTES, run->runs_bytes) ||
        !rx_write(run, run->runs_fd, path, run->first, count * sizeof(rx_first),
                  run->runs_bytes + count * RX_STATE_BYTES))
        return false;
    run->runs[run->runs_count++] = (rx_extent){.offset = run->runs_bytes, .count = count};
    run->runs_bytes += count * (RX_STATE_BYTES + sizeof(rx_first));
    return true;
}

/* Sorts what memory holds, writes it as a run, and begins again with empty memory. All workers stand still. */
static void rx_flush_run(rx_run *run) {
    const uint64_t count = rx_level_close(run, 0);
    rx_table_clear(run, count);
    RX_STORE(run->next_block, 0);
    if (!count || RX_LOAD(run->stopping)) return;
    rx_sort(run->states, run->first, count, run->threads);
    rx_runs_append(run, count);
}

/* Reads on in a run, into the `room` places of memory from `buffer`. */
static bool rx_run_refill(rx_run *run, rx_extent *e, uint64_t buffer, uint64_t room) {
    const uint64_t n = e->count - e->taken < room ? e->count - e->taken : room;
    e->at = buffer;
    e->have = buffer + n;
    if (!n) return true;
    const uint64_t words = e->offset + e->taken * RX_STATE_BYTES;
    const uint64_t firsts = e->offset + e->count * RX_STATE_BYTES + e->taken * sizeof(rx_first);
    e->taken += n;
    return rx_read(run, run->runs_fd, run->runs_path, rx_at(run, buffer), n * RX_STATE_BYTES, words) &&
           rx_read(run, run->runs_fd, run->runs_path, run->first + buffer, n * sizeof(rx_first), firsts);
}

/* Merges the runs on into the lower half of memory (their buffers are the upper half), equal states into one. The
 * number of states; 0: no more. */
static uint64_t rx_merge_piece(rx_run *run) {
    const uint64_t half = run->committed / 2, room = half / run->runs_count;
    uint64_t count = 0;
    for (;;) {
        rx_extent *least = NULL;
        uint64_t buffer = half;
        for (uint64_t i = 0; i < run->runs_count; i++, buffer += room) {
            rx_extent *e = &run->runs[i];
            if (e->at == e->have && e->taken == e->count) continue;
            if (e->at == e->have && !rx_run_refill(run, e, buffer, room)) return 0;
            if (!least || rx_compare(rx_at(run, e->at), rx_at(run, least->at)) < 0) least = e;
        }
        if (!least) return count;
        const uint64_t *t = rx_at(run, least->at);
        const rx_first first = run->first[least->at];
        if (count && rx_same(t, rx_at(run, count - 1))) {
            if (first < run->first[count - 1]) run->first[count - 1] = first;
        } else if (count == half) {
            return count;
        } else {
            rx_copy(rx_at(run, count), t);
            run->first[count++] = first;
        }
        least->at++;
    }
}

/* The first of the candidates [from, to) that is not below `t`: gallops, since the next is usually near. */
static uint64_t rx_lower(const rx_run *run, uint64_t from, uint64_t to, const uint64_t *t) {
    uint64_t step = 1;
    while (from + step < to && rx_compare(rx_at(run, from + step), t) < 0) from += step, step *= 2;
    uint64_t high = from + step < to ? from + step : to;
    while (from < high) {
        const uint64_t mid = from + (high - from) / 2;
        if (rx_compare(rx_at(run, mid), t) < 0) from = mid + 1;
        else high = mid;
    }
    return from;
}

/* Strikes out the candidates that older levels hold: a worker takes a block, and reads it only if a candidate is in its
 * range. The marks are bytes in the table's memory, which holds nothing at this time. */
static void rx_work_strike(rx_worker *w) {
    rx_run *run = w->run;
    uint8_t *mark = (uint8_t *)run->table;
    const uint64_t count = run->piece;
    for (;;) {
        const uint64_t k = RX_ADD(run->cursor, 1);
        if (k >= run->blocks_older || RX_LOAD(run->stopping)) return;
        const rx_block *b = &run->blocks[k];
        uint64_t c = rx_lower(run, 0, count, b->smallest);
        if (c == count || (!b->last && rx_compare(rx_at(run, c), run->blocks[k + 1].smallest) >= 0)) continue;
        const uint64_t *s = rx_disk_chunk(w, b->from, b->count);
        if (!s) return;
        for (uint64_t i = 0; i < b->count && c < count; i++) {
            c = rx_lower(run, c, count, s + i * W);
            if (c < count && rx_same(rx_at(run, c), s + i * W)) RX_STORE(mark[c], 1);
        }
    }
}

/* Judges the candidates that are left: they are new. */
static void rx_work_judge(rx_worker *w) {
    rx_run *run = w->run;
    const uint8_t *mark = (const uint8_t *)run->table;
    for (;;) {
        const uint64_t from = RX_ADD(run->cursor, 4096);
        if (from >= run->piece) return;
        const uint64_t to = run->piece - from < 4096 ? run->piece : from + 4096;
        for (uint64_t i = from; i < to; i++) {
            if (mark[i]) continue;
            if (run->levels) w->counters.fresh[run->first[i]]++;
            rx_judge_new(w, rx_at(run, i), run->levels + 1);
        }
    }
}

/* The first run->piece places of memory hold sorted candidates: those that are new become part of the new level. */
static uint64_t rx_disk_piece(rx_run *run) {
    const uint64_t count = run->piece;
    uint8_t *mark = (uint8_t *)run->table;
    run->cursor = 0;
    rx_team_run(run, rx_work_strike, run->blocks_older < 4);
    run->cursor = 0;
    if (RX_LOAD(run->stopping) == RX_STOP_DISK) return 0;
    rx_team_run(run, rx_work_judge, count < 4096);
    uint64_t kept = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (mark[i]) continue;
        if (kept != i) rx_copy(rx_at(run, kept), rx_at(run, i));
        kept++;
    }
    memset(mark, 0, count);
    return rx_disk_append(run, run->states, kept) ? kept : 0;
}

/* Ends a level on disk: the number of new states. A level that was not finished is forgotten. */
static uint64_t rx_disk_finish(rx_run *run) {
    uint64_t fresh = 0;
    run->blocks_older = run->blocks_count;
    const bool whole = !RX_LOAD(run->stopping);
    if (whole && run->runs_count) rx_flush_run(run);
    if (!run->runs_count || !whole) {
        const uint64_t count = rx_level_close(run, 0);
        rx_table_clear(run, count);
        if (whole) {
            rx_sort(run->states, run->first, count, run->threads);
            run->piece = count;
            fresh = rx_disk_piece(run);
        }
    } else {
        while (!RX_LOAD(run->stopping) && (run->piece = rx_merge_piece(run)) > 0) fresh += rx_disk_piece(run);
    }
    rx_disk_end_level(run);
    RX_STORE(run->next_block, 0);
    run->runs_count = run->runs_bytes = 0;
    if (ftruncate(run->runs_fd, 0)) rx_disk_failed(run, "cannot empty", run->runs_path, errno);
    if (RX_LOAD(run->stopping) == RX_STOP_DISK) return 0;
    return fresh;
}

/* Gives back the memory of states and table, and takes as much for candidates as the budget allows. */
static bool rx_disk_memory(rx_run *run) {
    const uint64_t each = RX_STATE_BYTES + sizeof(rx_first);
    uint64_t budget = run->config.memory_max
                          ? run->config.memory_max
                          : rx_bytes(run->committed, run->first_committed, run->log_slots, run->threads);
    const uint64_t fixed = run->threads * (sizeof(rx_worker) + RX_IO_BYTES) + (4u << 16);
    budget = budget > fixed ? budget - fixed : 0;
    rx_table_free(run);
    rx_uncommit(run->states, rx_pages(run->committed * RX_STATE_BYTES));
    rx_uncommit(run->first, rx_pages(run->first_committed * sizeof(rx_first)));
    run->committed = run->first_committed = 0;
    uint64_t best = 0;
    unsigned log_slots = 0;
    for (unsigned log = RX_LOG_SLOTS_MIN - 4; log < RX_SLOT_BITS && rx_table_bytes(log) < budget; log++) {
        uint64_t states = (budget - rx_table_bytes(log)) / each;
        if (states > rx_table_room(log)) states = rx_table_room(log);
        /* Whole pages: rounding up must not pass the budget. */
        states -= states / 16;
        if (states > best) best = states, log_slots = log;
    }
    if (best > run->reserved) best = run->reserved;
    if (best < 4 * rx_margin(run)) {
        rx_stop_for(run, RX_STOP_MEMORY);
        return false;
    }
    if (!rx_table_new(run, log_slots) || !rx_commit_states(run, best) || !rx_commit_first(run, best)) {
        rx_stop_for(run, RX_STOP_MEMORY);
        return false;
    }
    run->first_from = 0;
    rx_set_room(run);
    return true;
}

static bool rx_disk_open(rx_run *run) {
    const char *folder = run->config.spill ? run->config.spill : run->config.checkpoint;
    snprintf(run->runs_path, sizeof run->runs_path, "%s", folder);
    if (run->runs_fd < 0 && (run->runs_fd = rx_temporary(run, folder)) < 0) return false;
    for (uint32_t i = 0; i < run->threads; i++) {
        rx_worker *w = run->workers[i];
        if (!w->chunk && !(w->chunk = malloc(RX_IO_BYTES + RX_CHUNK * RX_STATE_BYTES))) {
            rx_stop_for(run, RX_STOP_MEMORY);
            return false;
        }
    }
    return true;
}

static bool rx_checkpoint_new_file(rx_run *run, int *fd, char *path, size_t size);

/* Moves the complete levels to disk. The workers are idle, and what they had begun of the next level is given up. */
static bool rx_disk_enter(rx_run *run) {
    if (!rx_disk_open(run)) return false;
    if (run->config.checkpoint) {
        if (!rx_checkpoint_new_file(run, &run->levels_fd, run->levels_path, sizeof run->levels_path)) return false;
    } else {
        snprintf(run->levels_path, sizeof run->levels_path, "%s", run->config.spill);
        if ((run->levels_fd = rx_temporary(run, run->config.spill)) < 0) return false;
    }
    for (uint64_t k = 0; k < run->levels; k++) {
        const uint64_t from = run->level_start[k], count = run->level_start[k + 1] - from;
        rx_sort(rx_at(run, from), NULL, count, run->threads);
        if (!rx_disk_append(run, rx_at(run, from), count)) return false;
        rx_disk_end_level(run);
    }
    RX_STORE(run->on_disk, 1);
    RX_STORE(run->next_block, 0);
    return rx_disk_memory(run);
}

#endif
