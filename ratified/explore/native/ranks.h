/* One rank of an exploration that several processes share: the search of search.h, cut where states have to travel.
 *
 * A state belongs to the rank that its hash names. Expanding a level goes in rounds: each rank expands a part of what it has of the
 * level, puts what belongs to others into a box, and takes what others sent. Who sends is not said here (ratified/explore/ranks:
 * MPI), nor is what all ranks together decide.
 *
 * Guarantees: what one rank counts, finds and holds is, over all ranks, what a single process counts, finds and holds. A round may
 * be done again from the level's beginning: what was received before stays, and is not counted twice.
 */
#ifndef RX_RANKS_H
#define RX_RANKS_H

typedef struct rx_rank_status {
    uint64_t left; /* states of this level that are still to be expanded */
    uint64_t distinct, generated;
    uint32_t stopping, abandoned;
} rx_rank_status;

static void rx_forget_sent(rx_run *run) {
    for (uint32_t i = 0; i < run->threads; i++)
        if (run->workers[i]->sent) memset(run->workers[i]->sent, 0, sizeof(rx_recent) * RX_SENT);
}

/* An empty box; what a round of unusual size took of memory is given back. */
static void rx_box_empty(rx_run *run, uint32_t box) {
    for (uint32_t i = 0; i < run->ranks; i++) {
        const uint64_t most = 4 * run->out_wanted;
        if (run->box_counts[box][i] > most) {
            const uintptr_t from = (uintptr_t)(run->boxes[box] + (i * run->out_room + most) * RX_RECORD);
            const uintptr_t to = (uintptr_t)(run->boxes[box] + (i * run->out_room + run->box_counts[box][i]) * RX_RECORD);
            const uintptr_t page = 4095;
            if (((from + page) & ~page) < (to & ~page))
                madvise((void *)((from + page) & ~page), (to & ~page) - ((from + page) & ~page), MADV_DONTNEED);
        }
        run->box_counts[box][i] = 0;
    }
    run->out = run->boxes[box];
    run->out_count = run->box_counts[box];
    run->out_full = 0;
}

/* What workers have left free in it is closed: it can be sent. */
static void rx_box_close(rx_run *run) {
    for (uint32_t i = 0; run->ranks > 1 && i < run->ranks; i++) rx_region_close(run, i);
}

static void rx_ranks_free(rx_run *run) {
    for (int i = 0; i < 2; i++) {
        if (run->boxes[i]) munmap(run->boxes[i], run->box_bytes);
        free(run->box_counts[i]);
    }
}

/* Makes a run one rank of several; a round ends when `wanted` records wait for one of them. Not 0: there is no memory. */
RX_API int rx_rank_open(rx_run *run, uint32_t rank, uint32_t ranks, uint64_t wanted) {
    run->rank = rank;
    run->ranks = ranks;
    run->out_wanted = wanted;
    run->begun = rx_now();
    if (ranks > 1) {
        size_t bytes = (size_t)64 * ranks * wanted * RX_RECORD;
        const size_t least = (size_t)2 * ranks * wanted * RX_RECORD;
        if (bytes < (size_t)1 << 28) bytes = (size_t)1 << 28;
        for (int i = 0; i < 2; i++) {
            run->box_counts[i] = calloc(ranks, sizeof(uint64_t));
            run->boxes[i] = rx_reserve(&bytes, least);
            run->box_bytes = bytes;
            if (!run->box_counts[i] || !run->boxes[i] || mprotect(run->boxes[i], bytes, PROT_READ | PROT_WRITE)) return 1;
        }
        run->out_room = bytes / RX_RECORD / ranks;
        for (uint32_t i = 0; i < run->threads; i++)
            if (!(run->workers[i]->sent = rx_aligned(sizeof(rx_recent) * RX_SENT)) ||
                !(run->workers[i]->places = rx_aligned(sizeof(rx_places) * ranks)))
                return 1;
    }
    rx_team_start(run);
    return 0;
}

/* Where the box of records for a rank is. */
RX_API const uint8_t *rx_rank_box(const rx_run *run, uint32_t box, uint32_t rank) {
    return run->boxes[box] + rank * run->out_room * RX_RECORD;
}
RX_API const uint64_t *rx_rank_counts(const rx_run *run, uint32_t box) { return run->box_counts[box]; }
RX_API uint64_t rx_rank_record(void) { return RX_RECORD; }

RX_API void rx_rank_read(rx_run *run, rx_rank_status *out) {
    memset(out, 0, sizeof *out);
    const uint64_t to = run->level_to, at = RX_LOAD(run->cursor);
    out->left = at < to ? to - at : 0;
    out->distinct = run->distinct + (run->on_disk ? 0 : RX_LOAD(run->next_block) - run->distinct);
    for (uint32_t i = 0; i < run->threads; i++) out->generated += run->workers[i]->counters.generated;
    out->stopping = RX_LOAD(run->stopping);
    out->abandoned = RX_LOAD(run->abandoned);
}

RX_API void rx_rank_stop(rx_run *run, uint32_t why) { rx_stop_for(run, why); }

/* The initial states that are this rank's. What is counted of them all is rank 0's to count. */
RX_API void rx_rank_initial(rx_run *run) {
    if (!rx_level_begin(run, true)) return;
    run->out = NULL;
    rx_counters_sum(run, &run->before);
    rx_team_run(run, rx_work_initial, true);
    if (run->abandoned && rx_level_again(run) && rx_level_begin(run, true)) rx_team_run(run, rx_work_initial, true);
    rx_worker *w = run->workers[0];
    if (!run->rank) return;
    w->counters.generated = 0;
    memset(w->counters.constrained, 0, sizeof w->counters.constrained);
    memset(w->batch.left, 0, sizeof w->batch.left);
}

/* Begins the level after the newest, whose states are to be expanded (or, with `given`, come from files). */
RX_API void rx_rank_begin(rx_run *run, uint32_t closing, uint32_t given) {
    run->closing = closing;
    rx_counters_sum(run, &run->before);
    rx_level_begin(run, given || !run->levels);
    if (given || !run->levels) run->level_from = run->level_to = run->cursor = 0;
}

/* One round: expands until a region of the box is full or the level is done. */
RX_API void rx_rank_expand(rx_run *run, uint32_t box) {
    if (run->ranks > 1) rx_box_empty(run, box);
    if (RX_LOAD(run->cursor) >= run->level_to) return;
    rx_team_run(run, rx_work_expand, run->level_to - run->level_from < 4 * RX_CHUNK);
    rx_box_close(run);
}

static void rx_work_take(rx_worker *w) {
    w->settle = rx_settle_expand;
    rx_until_left(w, rx_take);
}

static void rx_rank_take(rx_run *run, const void *from, uint64_t count, uint32_t stride) {
    run->in = from;
    run->in_count = count;
    run->in_cursor = 0;
    run->in_stride = stride;
    rx_team_run(run, rx_work_take, count < 4096);
}

/* Takes what other ranks sent. */
RX_API void rx_rank_receive(rx_run *run, const void *records, uint64_t count) {
    rx_rank_take(run, records, count, RX_RECORD);
}

/* Takes states from a file: this rank's own are kept, those of others put into the box. */
RX_API void rx_rank_give(rx_run *run, uint32_t box, const void *states, uint64_t count) {
    if (run->ranks > 1) rx_box_empty(run, box);
    rx_rank_take(run, states, count, RX_STATE_BYTES);
    rx_box_close(run);
}

/* A rank had no memory for this level, perhaps this one: the level is done once more, by all. */
RX_API void rx_rank_again(rx_run *run, uint32_t given) {
    rx_forget_sent(run);
    if (run->abandoned) {
        if (rx_level_again(run)) rx_level_begin(run, given || !run->levels);
    } else {
        /* What is here of the new level stays, and is not judged again. */
        rx_counters_sum(run, &run->sum);
        const uint64_t missing = run->sum.witness_missing;
        rx_counters_set(run, &run->before);
        for (uint32_t i = 0; i < run->threads; i++) run->workers[i]->counters.witness_missing &= missing;
        rx_forget_recent(run);
        RX_STORE(run->cursor, run->level_from);
    }
    if (given || !run->levels) run->level_from = run->level_to = run->cursor = 0;
}

/* Ends the level: how many states of it are new here. */
RX_API uint64_t rx_rank_finish(rx_run *run) {
    const uint64_t count = rx_level_finish(run);
    rx_findings(run);
    return count;
}

/* The level is one (it need not have states here), or is taken back: something new lies behind the depth limit. */
RX_API void rx_rank_keep(rx_run *run, uint64_t count) {
    RX_STORE(run->distinct, run->distinct + count);
    if (!rx_level_push(run, run->distinct)) rx_stop_for(run, RX_STOP_MEMORY);
}
RX_API void rx_rank_forget(rx_run *run) {
    rx_level_forget(run);
    run->finding.kind = RX_NOTHING;
}

/* What was found here; what was found elsewhere, if it comes first. */
RX_API const rx_finding *rx_rank_finding(const rx_run *run) { return &run->finding; }
RX_API void rx_rank_adopt(rx_run *run, const rx_finding *other) {
    if (rx_finding_compare(other, &run->finding) < 0) run->finding = *other;
}

/* One step of the counterexample backwards: the smallest of this rank's states of level `level` that leads to `target`, in its
 * place; 0 if there is none. */
RX_API int rx_rank_back(rx_run *run, uint64_t level, uint64_t *target) {
    for (uint32_t i = 0; i < run->threads; i++) run->workers[i]->batch.count = run->workers[i]->batch.settled = 0;
    run->wanted = 0;
    rx_copy(run->target, target);
    const bool found = rx_step_back(run, level);
    rx_copy(target, run->target);
    return found;
}

/* And forwards, along the representatives of the levels. 0: there is no such run. */
RX_API int rx_rank_forward(rx_run *run, const uint64_t *representatives) {
    const uint64_t length = run->finding.length;
    if (!rx_trace_reserve(run, length + 1)) return 0;
    memcpy(run->trace_states, representatives, length * RX_STATE_BYTES);
    const bool found = rx_trace_forward(run);
    if (!found) run->trace_length = 0;
    return found;
}

/* The counters of a checkpoint. */
RX_API void rx_rank_counters(rx_run *run, const uint64_t *numbers, const uint64_t *fired, const uint64_t *fresh,
                             const uint64_t *left, const uint64_t *constrained) {
    rx_counters *sum = &run->sum;
    rx_counters_clear(run, sum);
    sum->generated = numbers[0], sum->expanded = numbers[1];
    if (numbers[1]) sum->degree_min = numbers[2], sum->degree_max = numbers[3];
    sum->witness_missing = numbers[4], sum->witness_step_missing = numbers[5];
    memcpy(sum->fired, fired, sizeof *fired * MODEL_INSTANCES);
    memcpy(sum->fresh, fresh, sizeof *fresh * MODEL_INSTANCES);
    memcpy(sum->left, left, sizeof *left * MODEL_PLACES);
    memcpy(sum->constrained, constrained, sizeof *constrained * MODEL_CONSTRAINTS);
    rx_counters_set(run, sum);
    run->finding.kind = RX_NOTHING;
}

RX_API uint64_t rx_rank_checksum(uint64_t sum, const uint64_t *words, uint64_t count) {
    return rx_checksum(sum, words, count);
}

/* Writes what this rank has of a level behind the `header` of its file: the numbers at its end (how many states, their checksum)
 * are filled in. Not 0: rx_message says why. */
RX_API int rx_rank_save(rx_run *run, uint64_t level, const char *path, uint64_t *header, uint64_t words) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        rx_disk_failed(run, "cannot make", path, errno);
        return 1;
    }
    const uint64_t from = run->level_start[level], count = run->level_start[level + 1] - from;
    uint64_t sum = 0, offset = words * 8;
    bool done = true;
    for (uint64_t i = 0, n; done && i < count; i += n) {
        n = count - i < RX_IO_STATES ? count - i : RX_IO_STATES;
        const uint64_t *s = run->on_disk ? rx_disk_chunk(run->workers[0], from + i, n) : rx_at(run, from + i);
        if (!s) {
            done = false;
            break;
        }
        sum = rx_checksum(sum, s, n * W);
        done = rx_write(run, fd, path, s, n * RX_STATE_BYTES, offset);
        offset += n * RX_STATE_BYTES;
    }
    header[words - 2] = count;
    header[words - 1] = sum;
    done = done && rx_write(run, fd, path, header, words * 8, 0) && rx_sync(run, fd, path);
    close(fd);
    return !done;
}

#endif
