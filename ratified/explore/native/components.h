/* Strongly connected components in which a fair run can stay for ever while a goal is pending.
 *
 * Guarantees: a goal fails if and only if lasso.py says so of the same graph; loops are those that lasso.py finds, state for state.
 *
 * What decides how long it takes is how often memory is read at random. So one number by state says whether a search may go there,
 * was there, and which component a state is in (Pearce, "A Space-Efficient Algorithm for Finding Strongly Connected Components",
 * 2016): an edge is one look at it, and those of a state are asked for together. Without recursion. Fair components: Emerson & Lei,
 * "Modalities for Model Checking", 1987.
 */
#ifndef RX_COMPONENTS_H
#define RX_COMPONENTS_H

enum { RX_GOAL_WORDS = (2 * ROOM_GOALS + 63) / 64, RX_BETWEEN_LOOKS = 1 << 14, RX_AHEAD = 16, RX_DEGREE_BITS = 24 };
#define RX_NONE UINT32_MAX
#define RX_DEGREE_MOST (((uint64_t)1 << RX_DEGREE_BITS) - 1)

enum rx_mode { RX_COMES, RX_LEADS, RX_STAYS };

typedef struct rx_region {
    uint32_t *states;
    uint64_t count;
} rx_region;

typedef struct rx_live {
    uint64_t states, expanded, initial;
    uint32_t words;                 /* of demands */
    const uint64_t *served;         /* by instance: the demands that it serves */
    const uint64_t *weak, *strong;  /* all demands of a kind */
    uint64_t *place;                /* by state: the number of its first edge, and (RX_DEGREE_BITS) how many it has */
    uint32_t *targets;              /* by edge */
    uint32_t *instances;
    uint64_t edges, edges_reserved; /* atomic: how many edges have a place; the room there is */
    int full;                       /* atomic: there was more than that */
    uint64_t *enabled;              /* by state: demands of which an instance is possible */
    uint64_t *said;                 /* by state: of goals */
    uint32_t *quiet;                /* expanded states in which nothing is demanded; atomic: how many */
    uint64_t quiet_count;
    uint64_t faults[ROOM_CLAIMS];   /* by claim: the first state without an answer, plus one; 0 if there is none */
    /* Of a search: by state RX_NONE if it is outside; 0 if it was not visited; up to `states`, the least number of a state that it
     * may be in a component with; above `name`, its component. */
    uint32_t *number;
    uint32_t name;
    uint32_t *stack;                /* visited, not yet in a component */
    uint64_t *path;                 /* a state, whether it is in a component with one before, and at which of its edges */
    rx_region *regions;
    uint64_t regions_count, regions_reserved;
    uint64_t looked;
    uint32_t goal;                  /* what is looked at, and how */
    enum rx_mode mode;
    /* What was asked for last (rx_live_loops): by state the number of its loop; by loop its demands, weak and strong. */
    uint32_t *loop_of;
    uint64_t *loops;
    uint64_t loops_count, loops_reserved;
} rx_live;

#ifdef RX_GRADED
#pragma GCC push_options
#pragma GCC optimize("O2")
#endif

static inline uint64_t *rx_enabled(const rx_live *l, uint64_t state) { return l->enabled + state * l->words; }
static inline const uint64_t *rx_served(const rx_live *l, uint32_t instance) {
    return l->served + (uint64_t)instance * l->words;
}
static inline uint64_t rx_edge(const rx_live *l, uint64_t state) { return l->place[state] >> RX_DEGREE_BITS; }
static inline uint64_t rx_edge_end(const rx_live *l, uint64_t state) {
    return rx_edge(l, state) + (l->place[state] & RX_DEGREE_MOST);
}
static inline bool rx_said(const rx_live *l, uint64_t state, uint64_t bit) {
    return l->said[state * RX_GOAL_WORDS + bit / 64] >> bit % 64 & 1;
}
static inline bool rx_reached(const rx_live *l, uint64_t state, uint32_t goal) { return rx_said(l, state, 2ull * goal); }
static inline bool rx_wanted(const rx_live *l, uint64_t state, uint32_t goal) {
    return rx_said(l, state, 2ull * goal + 1);
}

/* Room for one more of what *array has; false if there is none. */
static bool rx_live_grow(void **array, uint64_t count, uint64_t *reserved, size_t bytes) {
    if (count < *reserved) return true;
    const uint64_t more = 2 * *reserved + 16;
    void *grown = realloc(*array, more * bytes);
    if (!grown) return false;
    *array = grown;
    *reserved = more;
    return true;
}

/* The states of a component, [from, to) of the stack, in which `starved` demands are impossible, become a region to look at. */
static bool rx_live_divide(rx_live *l, uint64_t from, uint64_t to, const uint64_t *starved) {
    uint32_t *states = malloc((to - from) * sizeof *states);
    if (!states || !rx_live_grow((void **)&l->regions, l->regions_count, &l->regions_reserved, sizeof *l->regions)) {
        free(states);
        return false;
    }
    uint64_t count = 0;
    for (uint64_t i = from; i < to; i++) {
        bool here = true;
        for (uint32_t k = 0; k < l->words; k++) here &= !(rx_enabled(l, l->stack[i])[k] & starved[k]);
        if (here) states[count++] = l->stack[i];
    }
    l->regions[l->regions_count++] = (rx_region){states, count};
    return true;
}

/* Takes the demands that are served within a component out of `unmet`; ends when none is left. */
static void rx_live_meet(const rx_live *l, uint64_t from, uint64_t to, uint32_t name, uint64_t *unmet) {
    for (uint64_t i = from; i < to; i++) {
        const uint64_t s = l->stack[i], *enabled = rx_enabled(l, s);
        uint64_t any = 0, here = 0;
        for (uint32_t k = 0; k < l->words; k++) any |= unmet[k], here |= unmet[k] & enabled[k];
        if (!any) return;
        if (!here) continue;
        for (uint64_t e = rx_edge(l, s), end = rx_edge_end(l, s); e < end; e++) {
            const uint64_t *serves = rx_served(l, l->instances[e]);
            uint64_t new = 0;
            for (uint32_t k = 0; k < l->words; k++) new |= serves[k] & unmet[k];
            if (new && l->targets[e] != s && l->number[l->targets[e]] == name)
                for (uint32_t k = 0; k < l->words; k++) unmet[k] &= ~serves[k];
        }
    }
}

/* Looks at a component, the states [from, to) of the stack, whose number is `name`: 1 if a fair run can stay there, 0 if not, or -1
 * (no memory). Where strong demands are starved, a part of it is left to look at. */
static int rx_live_judge(rx_live *l, uint64_t from, uint64_t to, uint32_t name) {
    const uint32_t words = l->words;
    uint64_t sets[3 * words + 1];
    uint64_t *always = sets, *ever = sets + words, *unmet = sets + 2 * words;
    memset(always, 0xff, 8 * words);
    memset(ever, 0, 8 * words);
    bool left = l->mode != RX_STAYS;
    for (uint64_t i = from; i < to; i++) {
        const uint64_t s = l->stack[i];
        for (uint32_t k = 0; k < words; k++) always[k] &= rx_enabled(l, s)[k], ever[k] |= rx_enabled(l, s)[k];
        left = left || !rx_reached(l, s, l->goal);
    }
    if (!left) return 0; /* nor is it left in a part of it */
    for (uint32_t k = 0; k < words; k++) unmet[k] = (always[k] & l->weak[k]) | (ever[k] & l->strong[k]);
    rx_live_meet(l, from, to, name, unmet);
    bool starved = false;
    for (uint32_t k = 0; k < words; k++) {
        if (unmet[k] & l->weak[k]) return 0; /* and so in every part of it */
        starved |= unmet[k] != 0;
    }
    if (starved) return rx_live_divide(l, from, to, unmet) ? 0 : -1;
    if (!rx_live_grow((void **)&l->loops, l->loops_count, &l->loops_reserved, 2 * words * 8)) return -1;
    for (uint32_t k = 0; k < words; k++) {
        l->loops[2 * words * l->loops_count + k] = ever[k] & l->weak[k];
        l->loops[2 * words * l->loops_count + words + k] = ever[k] & l->strong[k];
    }
    for (uint64_t i = from; i < to; i++) l->loop_of[l->stack[i]] = (uint32_t)l->loops_count;
    l->loops_count++;
    return 1;
}

/* Enters a state that was not visited; its number will be the next. */
static inline void rx_live_enter(rx_live *l, uint64_t depth, uint32_t state, uint32_t number) {
    l->path[depth] = (uint64_t)state << 32;
    l->number[state] = number;
    const uint64_t edge = rx_edge(l, state), end = rx_edge_end(l, state);
    for (uint64_t e = edge; e < end && e < edge + RX_AHEAD; e++) __builtin_prefetch(&l->number[l->targets[e]]);
}

/* The components that can be reached from a state that was not visited. Adds loops, or with `decide` ends at the first. 1: something
 * that a fair run can stay in (with `decide`); 0: all were looked at; -1: no memory; -2: asked to stop. */
static int rx_live_from(const rx_run *run, rx_live *l, uint32_t root, bool decide) {
    const uint64_t linked = (uint64_t)1 << 31;
    uint64_t depth = 0, top = 0;
    uint32_t open = 0; /* visited states that are in no component yet */
    rx_live_enter(l, 0, root, ++open);
    for (;;) {
        uint64_t here = l->path[depth];
        const uint32_t s = (uint32_t)(here >> 32);
        const uint64_t begin = rx_edge(l, s), end = rx_edge_end(l, s);
        const uint32_t known = l->number[s];
        uint32_t least = known, down = RX_NONE;
        uint64_t e = begin + (here & (linked - 1));
        for (; e < end; e++) {
            const uint32_t t = l->targets[e], number = l->number[t];
            if (!number) {
                down = t;
                break;
            }
            if (number < least) least = number;
        }
        if (least < known) {
            l->number[s] = least;
            here |= linked;
        }
        if (down != RX_NONE) { /* this edge is looked at again afterwards */
            l->path[depth] = (here >> 31 << 31) | (e - begin);
            rx_live_enter(l, ++depth, down, ++open);
            if (++l->looked % RX_BETWEEN_LOOKS == 0 && RX_LOAD(run->stop_flag)) return -2;
            continue;
        }
        if (here & linked) {
            l->stack[top++] = s;
        } else {
            const uint64_t to = top;
            while (top && l->number[l->stack[top - 1]] >= known) l->number[l->stack[--top]] = l->name;
            l->number[s] = l->name;
            l->stack[to] = s;
            open -= (uint32_t)(to - top) + 1;
            if (to > top) {
                const int found = rx_live_judge(l, top, to + 1, l->name);
                if (found < 0) return -1;
                if (found && decide) return 1;
            }
            l->name--;
        }
        if (!depth--) return 0;
    }
}

/* Looks for where a fair run can stay for ever while a goal is pending: 1 or 0, or less than that (see rx_live_from). */
static int rx_live_look(const rx_run *run, rx_live *l, uint32_t goal, enum rx_mode mode, bool decide) {
    l->goal = goal;
    l->mode = mode;
    l->name = RX_NONE - 1;
    l->loops_count = 0;
    for (uint64_t s = 0; s < l->states; s++) l->number[s] = mode != RX_STAYS && rx_reached(l, s, goal) ? RX_NONE : 0;
    if (!decide) memset(l->loop_of, 0xff, l->states * sizeof *l->loop_of);
    int found = 0;
    const uint64_t roots = mode == RX_LEADS ? l->states : l->initial;
    for (uint64_t s = 0; s < roots && !found; s++)
        if (!l->number[s] && (mode != RX_LEADS || rx_wanted(l, s, goal)))
            found = rx_live_from(run, l, (uint32_t)s, decide);
    for (uint64_t i = 0; decide && !found && i < l->quiet_count; i++) {
        const uint32_t s = l->quiet[i];
        found = l->number[s] && l->number[s] != RX_NONE && !(mode == RX_STAYS && rx_reached(l, s, goal));
    }
    while (l->regions_count) {
        const rx_region region = l->regions[--l->regions_count];
        if (!found && l->name - l->states < region.count) found = -1; /* no name twice: old ones are met */
        for (uint64_t i = 0; i < region.count && !found; i++) l->number[region.states[i]] = 0;
        for (uint64_t i = 0; i < region.count && !found; i++)
            if (!l->number[region.states[i]]) found = rx_live_from(run, l, region.states[i], decide);
        free(region.states);
    }
    return found;
}

#ifdef RX_GRADED
#pragma GCC pop_options
#endif
#endif
