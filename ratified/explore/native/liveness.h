/* Liveness on the states that a run has kept: their steps, what claims say of them, and where a fair run can stay.
 *
 * Guarantees: the steps of a state stand in the order in which the model produces them; a goal fails if and only if lasso.py says
 * so of the same graph (components.h); ways are those that lasso.py finds, state for state. Edges lead to visited states only (see
 * graph.h); a step to what a constraint leaves out, or that leaves a bound, counts as possible all the same. For what fits in memory.
 *
 * A *demand* is a bit: one thing that fairness demands. A *goal* is a claim with one choice of its arguments: bit 2g of what is said
 * of a state is whether it is reached there, bit 2g + 1 whether it is wanted. A goal is to come (RX_COMES), to come whenever it is
 * wanted (RX_LEADS), or to come and stay (RX_STAYS): that fails where a run may stay in a component, anywhere, in which it is not
 * reached in some state.
 */
#ifndef RX_LIVENESS_H
#define RX_LIVENESS_H

#if ROOM_GOALS

#include "components.h"

enum { RX_EDGES = 1 << 16 };

/* Why nothing was found out. */
enum rx_unanswered { RX_ANSWERED, RX_NO_MEMORY, RX_ASKED_TO_STOP, RX_ON_DISK };

typedef struct rx_array {
    void **at;
    uint64_t bytes;
} rx_array;

enum { RX_LIVE_ARRAYS = 10 };

/* Zeroed pages, of which most may never be written: they weigh nothing until then. */
static void *rx_sparse(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
#ifdef MADV_HUGEPAGE
    if (p != MAP_FAILED && bytes >= (4u << 20)) madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p == MAP_FAILED ? NULL : p;
}

static void rx_live_arrays(rx_live *l, rx_array *out) {
    const uint64_t n = l->states + 1;
    const rx_array all[RX_LIVE_ARRAYS] = {
        {(void **)&l->place, n * 8},
        {(void **)&l->enabled, n * 8 * l->words},
        {(void **)&l->said, n * 8 * RX_GOAL_WORDS},
        {(void **)&l->quiet, n * 4},
        {(void **)&l->number, n * 4},
        {(void **)&l->stack, n * 4},
        {(void **)&l->path, n * 8},
        {(void **)&l->loop_of, n * 4},
        {(void **)&l->targets, l->edges_reserved * 4},
        {(void **)&l->instances, l->edges_reserved * 4},
    };
    memcpy(out, all, sizeof all);
}

static void rx_live_free(rx_run *run) {
    rx_live *l = run->live;
    if (!l) return;
    rx_array arrays[RX_LIVE_ARRAYS];
    rx_live_arrays(l, arrays);
    for (int i = 0; i < RX_LIVE_ARRAYS; i++)
        if (*arrays[i].at) munmap(*arrays[i].at, arrays[i].bytes);
    for (uint64_t i = 0; i < l->regions_count; i++) free(l->regions[i].states);
    free(l->regions);
    free(l->loops);
    free(l);
    run->live = NULL;
}

/* --- the graph --- */

/* Room for one more edge of the state that a worker is at; its edges stay together. */
static void rx_live_room(rx_worker *w) {
    rx_live *l = w->run->live;
    const uint64_t have = w->edges - w->edges_from, room = RX_EDGES > 2 * have ? RX_EDGES : 2 * have;
    const uint64_t from = RX_ADD(l->edges, room);
    if (from + room > l->edges_reserved) {
        RX_STORE(l->full, 1);
        return;
    }
    memcpy(l->targets + from, l->targets + w->edges_from, have * sizeof *l->targets);
    memcpy(l->instances + from, l->instances + w->edges_from, have * sizeof *l->instances);
    w->edges_from = from;
    w->edges = from + have;
    w->edges_to = from + room;
}

/* What was produced becomes edges. */
static void rx_settle_live(rx_worker *w) {
    rx_run *run = w->run;
    rx_live *l = run->live;
    rx_batch *b = &w->batch;
    uint64_t *enabled = rx_enabled(l, w->at);
    for (uint32_t i = 0; i < b->count; i++)
        if (!rx_same(b->words[i], w->source))
            for (uint32_t k = 0; k < l->words; k++) enabled[k] |= rx_served(l, b->instance[i])[k];
    const uint32_t kept = rx_keep_inside(w);
    for (uint32_t i = 0; i < kept; i++) {
        const uint64_t target = rx_table_find(run, b->words[i], b->hash[i]);
        if (target == UINT64_MAX) continue;
        if (w->edges == w->edges_to) rx_live_room(w);
        if (RX_UNLIKELY(RX_LOAD(l->full))) break;
        l->targets[w->edges] = (uint32_t)target;
        l->instances[w->edges++] = b->instance[i];
    }
    b->count = 0;
}

/* A step that leaves a bound leads nowhere, and was possible. */
static __attribute__((cold, unused)) void rx_cut(rx_batch *batch, uint32_t instance) {
    const rx_worker *w = (rx_worker *)batch;
    rx_live *l = w->run->live;
    for (uint32_t k = 0; k < l->words; k++) rx_enabled(l, w->at)[k] |= rx_served(l, instance)[k];
}

/* Says where the edges of a state are, and whether anything is demanded there. */
static void rx_live_place(rx_worker *w, uint64_t state) {
    rx_live *l = w->run->live;
    const uint64_t degree = w->edges - w->edges_from;
    if (degree > RX_DEGREE_MOST) RX_STORE(l->full, 1);
    l->place[state] = w->edges_from << RX_DEGREE_BITS | degree;
    uint64_t demanded = 0;
    for (uint32_t k = 0; k < l->words; k++) demanded |= rx_enabled(l, state)[k];
    if (state < l->expanded && !demanded) l->quiet[RX_ADD(l->quiet_count, 1)] = (uint32_t)state;
}

static void rx_work_live(rx_worker *w) {
    rx_run *run = w->run;
    rx_live *l = run->live;
    w->settle = rx_settle_live;
    w->batch.telling = true;
    w->edges_from = w->edges = w->edges_to = 0;
    for (;;) {
        const uint64_t from = RX_ADD(run->cursor, RX_CHUNK);
        if (from >= run->level_to || RX_LOAD(run->stop_flag) || RX_LOAD(l->full)) break;
        const uint64_t to = run->level_to - from < RX_CHUNK ? run->level_to : from + RX_CHUNK;
        for (uint64_t i = from; i < to; i++) {
            w->edges_from = w->edges;
            w->at = i;
            w->source = rx_at(run, i);
            if (i < l->expanded) {
                rx_produce(w->source, &w->batch);
                rx_settle_live(w);
            }
            rx_live_place(w, i);
            for (int k = 0; k < MODEL_CLAIMS; k++)
                if (RX_UNLIKELY(model_claims[k](w->source, l->said + i * RX_GOAL_WORDS) != RX_OK)) {
                    uint64_t old = RX_LOAD(l->faults[k]);
                    while ((!old || i + 1 < old) && !__atomic_compare_exchange_n(&l->faults[k], &old, i + 1, false,
                                                                                 __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
                    }
                }
        }
    }
    w->batch.telling = false;
}

/* --- ways --- */

typedef struct rx_ways {
    uint32_t *order, *depth, *before;
    uint64_t *edge;
    uint64_t count;
} rx_ways;

static void rx_ways_add(rx_ways *ways, uint64_t state, uint32_t depth, uint32_t before, uint64_t edge) {
    ways->depth[state] = depth;
    ways->before[state] = before;
    ways->edge[state] = edge;
    ways->order[ways->count++] = (uint32_t)state;
}

static bool rx_begins(const rx_live *l, uint64_t state, uint32_t goal) {
    return rx_wanted(l, state, goal) && !rx_reached(l, state, goal);
}

/* Shortest ways, breadth first: from initial states, through all (goal RX_NOWHERE), or where the goal is not reached; or from where it
 * comes to be wanted, each as far away as `shortest` says. */
static void rx_ways_find(const rx_live *l, uint32_t goal, const rx_ways *shortest, rx_ways *out) {
    const bool all = goal == RX_NOWHERE;
    const uint64_t begins = shortest ? shortest->count : l->initial;
    memset(out->depth, 0xff, l->states * sizeof *out->depth);
    out->count = 0;
    uint64_t taken = 0, at = 0;
    for (uint32_t depth = 0;;) {
        while (taken < begins && shortest && !rx_begins(l, shortest->order[taken], goal)) taken++;
        if (at == out->count && taken == begins) return;
        if (at == out->count && shortest) depth = shortest->depth[shortest->order[taken]];
        for (; taken < begins; taken++) {
            const uint64_t s = shortest ? shortest->order[taken] : taken;
            if (shortest && !rx_begins(l, s, goal)) continue;
            if (shortest && shortest->depth[s] != depth) break;
            if (!shortest && !all && rx_reached(l, s, goal)) continue;
            if (out->depth[s] == RX_NONE) rx_ways_add(out, s, depth, RX_NONE, UINT64_MAX);
        }
        depth++;
        for (const uint64_t end = out->count; at < end; at++) {
            const uint64_t s = out->order[at];
            for (uint64_t e = rx_edge(l, s); e < rx_edge_end(l, s); e++) {
                const uint32_t t = l->targets[e];
                if (out->depth[t] == RX_NONE && (all || !rx_reached(l, t, goal)))
                    rx_ways_add(out, t, depth, (uint32_t)s, e);
            }
        }
    }
}

/* --- what Python calls --- */

/* Makes the graph of the first `expanded` states and of what they lead to, and asks the claims of every state. With `sorted`, numbers of
 * states are those of graph.h; else others. `demands`: by instance, then all weak ones, then all strong ones. 0, or why not. */
RX_API int rx_live_open(rx_run *run, uint64_t expanded, uint32_t words, const uint64_t *demands, int sorted) {
    rx_live_free(run);
    if (run->on_disk) return RX_ON_DISK;
    run->stop_flag = 0;
    rx_team_start(run);
    int failed = RX_NO_MEMORY;
    rx_live *l = run->live = calloc(1, sizeof *l);
    if (l && (!sorted || rx_graph_sort(run))) {
        rx_counters_sum(run, &run->sum);
        *l = (rx_live){.states = run->distinct,
                       .expanded = expanded,
                       .initial = run->levels ? run->level_start[1] : 0,
                       .words = words,
                       .served = demands,
                       .weak = demands + (uint64_t)MODEL_INSTANCES * words,
                       .strong = demands + (uint64_t)(MODEL_INSTANCES + 1) * words,
                       .edges_reserved = 5 * run->sum.generated + 2 * RX_EDGES * ((uint64_t)run->threads + 1)};
        rx_array arrays[RX_LIVE_ARRAYS];
        rx_live_arrays(l, arrays);
        failed = RX_ANSWERED;
        for (int i = 0; i < RX_LIVE_ARRAYS; i++)
            if (!(*arrays[i].at = rx_sparse(arrays[i].bytes))) failed = RX_NO_MEMORY;
        if (!failed) {
            run->cursor = 0;
            run->level_to = run->distinct;
            rx_team_run(run, rx_work_live, run->distinct < 4 * RX_CHUNK);
            failed = RX_LOAD(run->stop_flag) ? RX_ASKED_TO_STOP : l->full ? RX_NO_MEMORY : RX_ANSWERED;
        }
    }
    rx_team_stop(run);
    if (failed) rx_live_free(run);
    return failed;
}

/* Bytes that a graph takes of what was explored, with all that is found out on it. */
RX_API uint64_t rx_live_bytes(rx_run *run, uint32_t words) {
    rx_counters_sum(run, &run->sum);
    return run->distinct * (32 + 8 * (words + (uint64_t)RX_GOAL_WORDS)) + run->sum.generated * 8;
}

/* The first state for which a claim has no answer; UINT64_MAX if it has one everywhere. */
RX_API uint64_t rx_live_fault(const rx_run *run, uint32_t claim) { return run->live->faults[claim] - 1; }

/* Whether a goal is put to the test: it is wanted anywhere, or not reached in an initial state, or not everywhere. */
RX_API int rx_live_tested(const rx_run *run, uint32_t goal, int mode) {
    const rx_live *l = run->live;
    const uint64_t states = mode == RX_COMES ? l->initial : l->states;
    for (uint64_t s = 0; s < states; s++)
        if (mode == RX_LEADS ? rx_wanted(l, s, goal) : !rx_reached(l, s, goal)) return 1;
    return 0;
}

/* Whether there is a fair run on which a goal is wanted and never reached from then on, or left again and again (see rx_mode): 1 or 0;
 * less where that was not found out (see rx_live_from). */
RX_API int rx_live_fails(rx_run *run, uint32_t goal, int mode) { return rx_live_look(run, run->live, goal, mode, true); }

/* All components in which a fair run can stay meanwhile, see rx_live_view: how many; or less than 0. */
RX_API int64_t rx_live_loops(rx_run *run, uint32_t goal, int mode) {
    const int found = rx_live_look(run, run->live, goal, mode, false);
    return found < 0 ? found : (int64_t)run->live->loops_count;
}

RX_API void rx_live_ways(const rx_run *run, uint32_t goal, const rx_ways *shortest, rx_ways *out) {
    rx_ways_find(run->live, goal, shortest, out);
}

/* The smallest state from which there is a step to a state that is not initial; RX_NONE where there is none. */
RX_API void rx_live_before(const rx_run *run, uint32_t *before) {
    const rx_live *l = run->live;
    memset(before, 0xff, l->states * sizeof *before);
    for (uint64_t s = 0; s < l->states; s++)
        for (uint64_t e = rx_edge(l, s); e < rx_edge_end(l, s); e++)
            if (l->targets[e] >= l->initial && before[l->targets[e]] == RX_NONE) before[l->targets[e]] = (uint32_t)s;
}

/* The arrays: place, targets, instances, enabled, said, loop_of, loops; then, as a number, the edges that have a place. */
RX_API void rx_live_view(const rx_run *run, const void **out) {
    const rx_live *l = run->live;
    const void *all[] = {l->place, l->targets, l->instances, l->enabled, l->said, l->loop_of, l->loops,
                         (const void *)(uintptr_t)l->edges};
    memcpy(out, all, sizeof all);
}

#else
#define rx_live_free(run) ((void)(run))
static __attribute__((cold, unused)) void rx_cut(rx_batch *batch, uint32_t instance) { (void)batch, (void)instance; }
#endif
#endif
