/* Of the steps of a state those that are taken: the choice that ratified/explore/reduction/choosing.py says, on bit sets.
 *
 * Guarantees: what is chosen depends on the state, its steps, and on which states are on levels up to its own, which nobody
 * changes while it is expanded; so it is the same for any number of threads, and the same as the reference engine's.
 */
#ifndef RX_REDUCE_H
#define RX_REDUCE_H

#if !MODEL_REDUCTION

static inline void rx_settle_probe(rx_worker *w) { (void)w; }
static inline bool rx_choice_new(rx_worker *w) { return w != NULL; }

#else

#define RX_SET ((ROOM_INSTANCES + 63) / 64)

/* A worker's: of the state being expanded. */
typedef struct rx_choice {
    uint64_t enabled[RX_SET]; /* the instances that have steps */
    uint64_t fresh[RX_SET];   /* of these, where the steps did not fit into the batch, those with a step to a new state */
    uint64_t taken[RX_SET];
    uint64_t found[RX_SET], waiting[RX_SET];
    uint64_t several[ROOM_INSTANCES][RX_SET]; /* closed sets, of what is enabled */
    uint32_t sizes[ROOM_INSTANCES];
    uint32_t from;  /* where the state's steps begin in the batch */
    bool spilt;     /* they did not fit */
    uint64_t left[MODEL_BOUNDS + 1];
} rx_choice;

static bool rx_choice_new(rx_worker *w) {
    w->choice = malloc(sizeof *w->choice);
    return w->choice != NULL;
}

static inline bool rx_has(const uint64_t *set, uint32_t i) { return set[i / 64] >> (i % 64) & 1; }
static inline void rx_put(uint64_t *set, uint32_t i) { set[i / 64] |= (uint64_t)1 << (i % 64); }

/* Whether a state was not met on a level up to the one being expanded, and is not outside a constraint. */
static bool rx_is_fresh(const rx_worker *w, const uint64_t *t) {
    if (rx_same(t, w->source) || (MODEL_CONSTRAINTS && model_constraints(t) != RX_OK)) return false;
    return rx_table_find(w->run, t, rx_hash(t)) >= w->run->first_from;
}

/* Notes which instances have the steps that are in the batch. */
static void rx_note(rx_worker *w) {
    rx_choice *c = w->choice;
    for (uint32_t i = c->from; i < w->batch.count; i++) {
        const uint32_t instance = w->batch.instance[i];
        rx_put(c->enabled, instance);
        if (c->spilt && !rx_has(c->fresh, instance) && rx_is_fresh(w, w->batch.words[i])) rx_put(c->fresh, instance);
    }
}

/* There are more steps than the batch holds: they are produced a second time once it is known which are taken. */
static void rx_settle_probe(rx_worker *w) {
    w->choice->spilt = true;
    rx_note(w);
    w->batch.count = w->batch.settled = w->choice->from;
    rx_watch(w);
    if (RX_UNLIKELY(RX_LOAD(w->run->stopping))) longjmp(w->leave, 1);
}

static void rx_leave_out(rx_worker *w) {
    rx_batch *b = &w->batch;
    uint32_t out = b->settled;
    for (uint32_t i = out; i < b->count; i++) {
        if (!rx_has(w->choice->taken, b->instance[i])) continue;
        if (out != i) rx_copy(b->words[out], b->words[i]);
        b->instance[out++] = b->instance[i];
    }
    b->count = out;
}

static void rx_settle_reduced(rx_worker *w) {
    rx_leave_out(w);
    rx_settle_expand(w);
}

/* What is enabled of the closure of an instance, into `some`; how many that are. Ends early once it is all. */
static uint32_t rx_close(rx_worker *w, uint32_t seed, uint64_t *some, uint32_t all) {
    rx_choice *c = w->choice;
    const rx_run *run = w->run;
    memset(c->found, 0, sizeof c->found);
    memset(c->waiting, 0, sizeof c->waiting);
    rx_put(c->found, seed);
    rx_put(c->waiting, seed);
    uint32_t size = 1;
    for (uint32_t k = 0; k < RX_SET && size < all;) {
        if (!c->waiting[k]) {
            k++;
            continue;
        }
        const uint32_t at = k * 64 + (uint32_t)__builtin_ctzll(c->waiting[k]);
        c->waiting[k] &= c->waiting[k] - 1;
        const uint64_t *row = rx_has(c->enabled, at)
                                  ? run->needed + (size_t)at * RX_SET
                                  : run->enabling + (size_t)(run->enabling_first[at] + w->batch.refused[at]) * RX_SET;
        for (uint32_t j = 0; j < RX_SET; j++) {
            const uint64_t more = row[j] & ~c->found[j];
            if (!more) continue;
            c->found[j] |= more;
            c->waiting[j] |= more;
            size += (uint32_t)__builtin_popcountll(more & c->enabled[j]);
            if (j < k) k = j;
        }
    }
    for (uint32_t j = 0; j < RX_SET; j++) some[j] = c->found[j] & c->enabled[j];
    return size;
}

static bool rx_any_fresh(const rx_worker *w, const uint64_t *some) {
    const rx_choice *c = w->choice;
    if (c->spilt) {
        for (uint32_t j = 0; j < RX_SET; j++)
            if (some[j] & c->fresh[j]) return true;
        return false;
    }
    for (uint32_t i = c->from; i < w->batch.count; i++)
        if (rx_has(some, w->batch.instance[i]) && rx_is_fresh(w, w->batch.words[i])) return true;
    return false;
}

/* Into `taken`: the smallest closed set with a fresh step that is not everything, of several the first; or everything. */
static void rx_choose(rx_worker *w) {
    rx_choice *c = w->choice;
    uint32_t all = 0, count = 0;
    for (uint32_t j = 0; j < RX_SET; j++) all += (uint32_t)__builtin_popcountll(c->enabled[j]);
    for (uint32_t j = 0; j < RX_SET; j++)
        for (uint64_t rest = c->enabled[j]; rest; rest &= rest - 1) {
            const uint32_t seed = j * 64 + (uint32_t)__builtin_ctzll(rest);
            c->sizes[count] = rx_close(w, seed, c->several[count], all);
            if (c->sizes[count] < all) count++;
        }
    for (;;) {
        uint32_t best = 0;
        for (uint32_t k = 1; k < count; k++)
            if (c->sizes[k] < c->sizes[best]) best = k;
        if (!count || c->sizes[best] == UINT32_MAX) break;
        if (rx_any_fresh(w, c->several[best])) {
            memcpy(c->taken, c->several[best], sizeof c->taken);
            return;
        }
        c->sizes[best] = UINT32_MAX;
    }
    memcpy(c->taken, c->enabled, sizeof c->taken);
}

static void rx_expand_reduced(rx_worker *w, const uint64_t *s) {
    rx_batch *b = &w->batch;
    rx_choice *c = w->choice;
    const uint64_t before = w->counters.generated;
    if (b->count >= RX_BATCH / 2) rx_drain(w);
    c->from = b->count;
    c->spilt = false;
    memset(c->enabled, 0, sizeof c->enabled);
    memset(c->fresh, 0, sizeof c->fresh);
    memset(b->refused, 0, sizeof b->refused);
    memcpy(c->left, b->left, sizeof c->left);
    w->source = s;
    b->bounds = 0;
    w->settle = rx_settle_probe;
    rx_produce(s, b);
    w->settle = rx_settle_expand;
    rx_note(w);
    const bool whole = b->bounds != 0; /* a bound was left, or there was no answer */
    if (whole) memset(c->taken, 0xff, sizeof c->taken);
    else rx_choose(w);
    if (c->spilt) {
        b->count = b->settled = c->from;
        b->bounds = 0;
        memcpy(b->left, c->left, sizeof c->left);
        w->settle = rx_settle_reduced;
        rx_produce(s, b);
        w->settle = rx_settle_expand;
    }
    rx_leave_out(w);
    rx_settle(w);
    rx_expanded(w, s, before);
}

#endif
#endif
