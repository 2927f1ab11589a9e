/* Liveness on the states that a run has kept: their steps, what claims say of them, and where a fair run can stay.
 *
 * Guarantees: the steps of a state stand in the order in which the model produces them; a goal fails if and only if lasso.py says
 * so of the same graph; ways and loops are those that lasso.py finds, state for state. Edges lead to visited states only (see
 * graph.h); what a constraint leaves out counts as possible all the same. For what fits in memory.
 *
 * A *demand* is a bit: one thing that fairness demands. A *goal* is a claim with one choice of its arguments: bit 2g of what is said
 * of a state is whether it is reached there, bit 2g + 1 whether it is wanted. A goal is to come (RX_COMES), to come whenever it is
 * wanted (RX_LEADS), or to come and stay (RX_STAYS): that fails where a run may stay in a component, anywhere, in which it is not
 * reached in some state.
 *
 * Fair components: Emerson & Lei, "Modalities for Model Checking", 1987; components: Tarjan, "Depth-First Search and Linear Graph
 * Algorithms", 1972, without recursion.
 */
#ifndef RX_LIVENESS_H
#define RX_LIVENESS_H

#if MODEL_GOALS

enum { RX_GOAL_WORDS = (2 * MODEL_GOALS + 63) / 64, RX_EDGES = 1 << 16, RX_BETWEEN_LOOKS = 1 << 14 };
#define RX_NONE ((rx_cell) ~(rx_cell)0)
#define RX_DONE ((rx_cell)(RX_NONE - 1))

enum rx_mode { RX_COMES, RX_LEADS, RX_STAYS };

/* Why nothing was found out. */
enum rx_unanswered { RX_ANSWERED, RX_NO_MEMORY, RX_ASKED_TO_STOP, RX_ON_DISK };

typedef struct rx_region {
    rx_cell *states;
    uint64_t count;
} rx_region;

typedef struct rx_live {
    uint64_t states, expanded, initial;
    uint32_t words;                       /* of demands */
    const uint64_t *served;               /* by instance: the demands that it serves */
    const uint64_t *weak, *strong;        /* all demands of a kind */
    uint64_t *begin;                      /* by state: the number of its first edge */
    uint32_t *degree;                     /* and how many it has */
    rx_cell *targets;                     /* by edge */
    uint32_t *instances;
    uint64_t edges, edges_reserved;       /* atomic: how many edges have a place; the room there is */
    int full;                             /* atomic: there was more than that */
    uint64_t *enabled;                    /* by state: demands of which an instance is possible */
    uint64_t *said;                       /* by state: of goals */
    uint64_t faults[MODEL_CLAIMS];        /* by claim: the first state without an answer, plus one; 0 if there is none */
    rx_cell *number, *low, *stack, *path; /* of a search for components */
    uint32_t *position;
    rx_cell *part;                        /* by state: the region that it is in */
    rx_region *regions;
    uint64_t regions_count, regions_reserved;
    uint64_t looked;
    uint32_t goal;                        /* what is looked at, and how */
    enum rx_mode mode;
    /* What was asked for last (rx_live_loops): by state the number of its loop; by loop its demands, weak and strong. */
    rx_cell *loop_of;
    uint64_t *loops;
    uint64_t loops_count, loops_reserved;
} rx_live;

typedef struct rx_array {
    void **at;
    uint64_t bytes;
} rx_array;

enum { RX_LIVE_ARRAYS = 13 };

/* Zeroed pages, of which most may never be written: they weigh nothing until then. */
static void *rx_sparse(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void rx_live_arrays(rx_live *l, rx_array *out) {
    const uint64_t n = l->states + 1, cells = n * sizeof(rx_cell);
    const rx_array all[RX_LIVE_ARRAYS] = {
        {(void **)&l->begin, n * 8},
        {(void **)&l->degree, n * 4},
        {(void **)&l->enabled, n * 8 * l->words},
        {(void **)&l->said, n * 8 * RX_GOAL_WORDS},
        {(void **)&l->number, cells},
        {(void **)&l->low, cells},
        {(void **)&l->stack, cells},
        {(void **)&l->path, cells},
        {(void **)&l->position, n * 4},
        {(void **)&l->part, cells},
        {(void **)&l->loop_of, cells},
        {(void **)&l->targets, l->edges_reserved * sizeof(rx_cell)},
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

static inline uint64_t *rx_enabled(const rx_live *l, uint64_t state) { return l->enabled + state * l->words; }
static inline const uint64_t *rx_served(const rx_live *l, uint32_t instance) {
    return l->served + (uint64_t)instance * l->words;
}

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
        l->targets[w->edges] = (rx_cell)target;
        l->instances[w->edges++] = b->instance[i];
    }
    b->count = 0;
}

static void rx_work_live(rx_worker *w) {
    rx_run *run = w->run;
    rx_live *l = run->live;
    w->settle = rx_settle_live;
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
            l->begin[i] = w->edges_from;
            l->degree[i] = (uint32_t)(w->edges - w->edges_from);
            for (uint32_t k = 0; k < MODEL_CLAIMS; k++)
                if (RX_UNLIKELY(model_claims[k](w->source, l->said + i * RX_GOAL_WORDS) != RX_OK)) {
                    uint64_t old = RX_LOAD(l->faults[k]);
                    while ((!old || i + 1 < old) && !__atomic_compare_exchange_n(&l->faults[k], &old, i + 1, false,
                                                                                 __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
                    }
                }
        }
    }
}

static inline bool rx_said(const rx_live *l, uint64_t state, uint64_t bit) {
    return l->said[state * RX_GOAL_WORDS + bit / 64] >> bit % 64 & 1;
}
static inline bool rx_reached(const rx_live *l, uint64_t state, uint32_t goal) { return rx_said(l, state, 2ull * goal); }
static inline bool rx_wanted(const rx_live *l, uint64_t state, uint32_t goal) {
    return rx_said(l, state, 2ull * goal + 1);
}

/* --- components --- */

#if defined __GNUC__ && !defined __clang__
#pragma GCC push_options
#pragma GCC optimize("O2")
#endif

static bool rx_live_none(const uint64_t *bits, uint32_t words) {
    for (uint32_t k = 0; k < words; k++)
        if (bits[k]) return false;
    return true;
}

/* Looks at a component, the states [from, to) of the stack, whose number is `name`: 1 if a fair run can stay there, 0 if not, or -1
 * (no memory). Where strong demands are starved, the states in which these are impossible become a region to look at. */
static int rx_live_judge(rx_live *l, uint64_t from, uint64_t to, rx_cell name) {
    const uint32_t words = l->words;
    uint64_t sets[3 * words + 1];
    uint64_t *always = sets, *ever = sets + words, *taken = sets + 2 * words;
    memset(always, 0xff, 8 * words);
    memset(ever, 0, 16 * words);
    for (uint64_t i = from; i < to; i++) {
        const uint64_t s = l->stack[i];
        for (uint32_t k = 0; k < words; k++) always[k] &= rx_enabled(l, s)[k], ever[k] |= rx_enabled(l, s)[k];
        for (uint64_t e = l->begin[s]; e < l->begin[s] + l->degree[s]; e++) {
            const rx_cell t = l->targets[e];
            if (t != s && l->number[t] == RX_DONE && l->low[t] == name)
                for (uint32_t k = 0; k < words; k++) taken[k] |= rx_served(l, l->instances[e])[k];
        }
    }
    if (l->mode == RX_STAYS) {
        bool left = false;
        for (uint64_t i = from; i < to && !left; i++) left = !rx_reached(l, l->stack[i], l->goal);
        if (!left) return 0; /* nor is it left in a part of it */
    }
    bool starved = false;
    for (uint32_t k = 0; k < words; k++) {
        if (always[k] & l->weak[k] & ~taken[k]) return 0; /* and so in every part of it */
        always[k] = ever[k] & l->strong[k] & ~taken[k];
        starved |= always[k] != 0;
    }
    if (starved) {
        rx_cell *states = malloc((to - from + 1) * sizeof *states);
        if (!states) return -1;
        uint64_t count = 0;
        for (uint64_t i = from; i < to; i++) {
            bool here = true;
            for (uint32_t k = 0; k < words; k++) here &= !(rx_enabled(l, l->stack[i])[k] & always[k]);
            if (here) states[count++] = l->stack[i];
        }
        if (l->regions_count == l->regions_reserved) {
            const uint64_t more = 2 * l->regions_reserved + 16;
            rx_region *grown = realloc(l->regions, more * sizeof *grown);
            if (!grown) {
                free(states);
                return -1;
            }
            l->regions = grown;
            l->regions_reserved = more;
        }
        l->regions[l->regions_count++] = (rx_region){states, count};
        return 0;
    }
    if (l->loops_count == l->loops_reserved) {
        const uint64_t more = 2 * l->loops_reserved + 16;
        uint64_t *grown = realloc(l->loops, more * 2 * words * 8 + 8);
        if (!grown) return -1;
        l->loops = grown;
        l->loops_reserved = more;
    }
    for (uint32_t k = 0; k < words; k++) {
        l->loops[2 * words * l->loops_count + k] = ever[k] & l->weak[k];
        l->loops[2 * words * l->loops_count + words + k] = ever[k] & l->strong[k];
    }
    for (uint64_t i = from; i < to; i++) l->loop_of[l->stack[i]] = (rx_cell)l->loops_count;
    l->loops_count++;
    return 1;
}

/* Where a search for components may go: a region, or (region 0) wherever the goal is not reached; everywhere, if it is to stay. */
static inline bool rx_live_inside(const rx_live *l, uint64_t state, rx_cell region) {
    return region ? l->part[state] == region : l->mode == RX_STAYS || !rx_reached(l, state, l->goal);
}

/* The components that can be reached from a state, of a region. Adds loops, or with `decide` ends at the first. 1: something that a
 * fair run can stay in (with `decide`); 0: all were looked at; -1: no memory; -2: asked to stop. */
static int rx_live_from(const rx_run *run, rx_live *l, uint64_t root, rx_cell region, bool decide, rx_cell *next) {
    uint64_t depth = 0, top = 0;
    l->path[0] = (rx_cell)root;
    l->position[0] = 0;
    l->number[root] = l->low[root] = ++*next;
    l->stack[top++] = (rx_cell)root;
    for (;;) {
        const uint64_t s = l->path[depth];
        if (l->position[depth] == 0) {
            if (decide && !region && s < l->expanded && rx_live_none(rx_enabled(l, s), l->words) &&
                !(l->mode == RX_STAYS && rx_reached(l, s, l->goal)))
                return 1;
            if (++l->looked % RX_BETWEEN_LOOKS == 0 && RX_LOAD(run->stop_flag)) return -2;
        }
        if (l->position[depth] < l->degree[s]) {
            const rx_cell t = l->targets[l->begin[s] + l->position[depth]++];
            if (!rx_live_inside(l, t, region)) continue;
            if (!l->number[t]) {
                depth++;
                l->path[depth] = t;
                l->position[depth] = 0;
                l->number[t] = l->low[t] = ++*next;
                l->stack[top++] = t;
            } else if (l->number[t] != RX_DONE && l->number[t] < l->low[s]) {
                l->low[s] = l->number[t];
            }
            continue;
        }
        if (depth && l->low[s] < l->low[l->path[depth - 1]]) l->low[l->path[depth - 1]] = l->low[s];
        if (l->low[s] == l->number[s]) {
            uint64_t from = top;
            const rx_cell name = l->number[s];
            do from--;
            while (l->stack[from] != s);
            for (uint64_t i = from; i < top; i++) l->number[l->stack[i]] = RX_DONE, l->low[l->stack[i]] = name;
            if (top - from > 1) {
                const int found = rx_live_judge(l, from, top, name);
                if (found < 0) return -1;
                if (found && decide) return 1;
            }
            top = from;
        }
        if (!depth--) return 0;
    }
}

/* Looks for where a fair run can stay for ever while a goal is pending: 1 or 0, or less than that (see rx_live_from). */
static int rx_live_look(const rx_run *run, rx_live *l, uint32_t goal, enum rx_mode mode, bool decide) {
    l->goal = goal;
    l->mode = mode;
    memset(l->number, 0, l->states * sizeof *l->number);
    if (!decide) memset(l->loop_of, 0xff, l->states * sizeof *l->loop_of);
    l->loops_count = 0;
    rx_cell next = 0;
    int found = 0;
    const uint64_t roots = mode == RX_LEADS ? l->states : l->initial;
    for (uint64_t s = 0; s < roots && !found; s++)
        if (!l->number[s] && rx_live_inside(l, s, 0) && (mode != RX_LEADS || rx_wanted(l, s, goal)))
            found = rx_live_from(run, l, s, 0, decide, &next);
    if (l->regions_count) memset(l->part, 0, l->states * sizeof *l->part);
    for (rx_cell name = 1; l->regions_count; name++) {
        const rx_region region = l->regions[--l->regions_count];
        if (!found && region.count >= RX_DONE - next) found = -1; /* no number twice: stale ones are never met */
        for (uint64_t i = 0; i < region.count && !found; i++)
            l->part[region.states[i]] = name, l->number[region.states[i]] = 0;
        for (uint64_t i = 0; i < region.count && !found; i++)
            if (!l->number[region.states[i]])
                found = rx_live_from(run, l, region.states[i], name, decide, &next);
        free(region.states);
    }
    return found;
}

#if defined __GNUC__ && !defined __clang__
#pragma GCC pop_options
#endif

/* --- ways --- */

typedef struct rx_ways {
    rx_cell *order, *depth, *before;
    uint64_t *edge;
    uint64_t count;
} rx_ways;

static void rx_ways_add(rx_ways *ways, uint64_t state, rx_cell depth, rx_cell before, uint64_t edge) {
    ways->depth[state] = depth;
    ways->before[state] = before;
    ways->edge[state] = edge;
    ways->order[ways->count++] = (rx_cell)state;
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
    for (rx_cell depth = 0;;) {
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
            for (uint64_t e = l->begin[s]; e < l->begin[s] + l->degree[s]; e++) {
                const rx_cell t = l->targets[e];
                if (out->depth[t] == RX_NONE && (all || !rx_reached(l, t, goal)))
                    rx_ways_add(out, t, depth, (rx_cell)s, e);
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
    return run->distinct * (20 + 8 * (words + (uint64_t)RX_GOAL_WORDS) + 6 * sizeof(rx_cell)) +
           run->sum.generated * (4 + sizeof(rx_cell));
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
RX_API void rx_live_before(const rx_run *run, rx_cell *before) {
    const rx_live *l = run->live;
    memset(before, 0xff, l->states * sizeof *before);
    for (uint64_t s = 0; s < l->states; s++)
        for (uint64_t e = l->begin[s]; e < l->begin[s] + l->degree[s]; e++)
            if (l->targets[e] >= l->initial && before[l->targets[e]] == RX_NONE) before[l->targets[e]] = (rx_cell)s;
}

/* The arrays: begin, degree, targets, instances, enabled, said, loop_of, loops; then, as a number, the edges that have a
 * place. Returns the bytes of a number of a state. */
RX_API int rx_live_view(const rx_run *run, const void **out) {
    const rx_live *l = run->live;
    const void *all[] = {l->begin, l->degree, l->targets, l->instances, l->enabled, l->said, l->loop_of, l->loops,
                         (const void *)(uintptr_t)l->edges};
    memcpy(out, all, sizeof all);
    return sizeof(rx_cell);
}

#else
#define rx_live_free(run) ((void)(run))
#endif
#endif
