/* The data of one exploration: what is shared, what is a worker's own, and what may change when.
 *
 * Guarantees that the other files keep:
 *   - A state in memory never moves while a level is being expanded; its index is published (in the table) after its
 * words.
 *   - Levels are contiguous and dense: level k is [level_start[k], level_start[k + 1]).
 *   - Everything that a result reports is a sum, a minimum or a set, never "whichever came first": hence the same for
 * any number of threads.
 */
#ifndef RX_RUN_H
#define RX_RUN_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "draws.h"

/* What Python (or a C program) calls: api.h, liveness.h, ranks.h. */
#define RX_API __attribute__((visibility("default")))

#define RX_STATE_BYTES ((size_t)8 * W)
#define RX_LINE 64

/* Which of the transitions that reach a new state first has the smallest number: one entry per state of the level being
 * built. */
#if ROOM_INSTANCES <= 65535
typedef uint16_t rx_first;
#else
typedef uint32_t rx_first;
#endif

/* A slot of the table: 0 if empty, else index + 1 in the low bits and a tag (more bits of the hash) above it. 32 bits
 * reach 2^32 states; -DRX_SLOT_BITS=64 goes past that for eight bytes a slot. */
#ifndef RX_SLOT_BITS
#define RX_SLOT_BITS 32
#endif
#if RX_SLOT_BITS == 64
typedef uint64_t rx_cell;
#else
typedef uint32_t rx_cell;
#endif

enum { RX_CHUNK = 128, RX_BLOCK = 256, RX_THREADS_MAX = 256 };
enum { RX_LEVELS_MIN = 64 };
#define RX_NOWHERE UINT32_MAX

/* Why a run ended before it had seen everything. */
enum rx_stop {
    RX_STOP_NONE,
    RX_STOP_DEPTH,
    RX_STOP_STATES,
    RX_STOP_SECONDS,
    RX_STOP_MEMORY,
    RX_STOP_ASKED,
    RX_STOP_CAPACITY, /* more states than a slot can number */
    RX_STOP_DISK      /* see rx_run.disk_errno, disk_what */
};

/* Ordered as ties are broken among findings of the same length. */
enum rx_kind { RX_NOTHING, RX_FAULT_FOUND, RX_INVARIANT, RX_STEP_INVARIANT, RX_DEADLOCK };

/* Something wrong. `length` is the number of states of the shortest run that ends in `state`. For a fault inside a
 * step, and for a step invariant, the step is `instance`; a step invariant's leads from `state` to `after`, which
 * `length` does not count. */
typedef struct rx_finding {
    uint32_t kind, property, instance, has_state;
    uint64_t length;
    uint64_t state[W], after[W];
} rx_finding;

typedef struct rx_config {
    uint32_t threads;
    uint32_t deadlock;                          /* report a state without successors */
    uint64_t depth_max, states_max, memory_max; /* 0: no limit */
    double seconds_max;
    double checkpoint_seconds; /* at most this long between two checkpoints, at the ends of levels */
    const char *spill;         /* folder for states past memory_max, or NULL: stop there */
    const char *checkpoint;    /* folder, or NULL */
    uint64_t witness_wanted, witness_step_wanted;
    uint32_t untraced, unused; /* no counterexample before rx_trace_now is called */
} rx_config;

/* Read by another thread while the run goes on. */
typedef struct rx_progress {
    uint64_t distinct, generated, depth, queue, on_disk;
} rx_progress;

typedef struct rx_recent {
    uint64_t words[W];
    uint32_t instance; /* plus one; 0 if empty */
} rx_recent;

/* Many successors were produced a moment ago by a sibling (two steps commute): a small exact cache in front of the
 * table answers for one in five of Paxos's (self-loops not counted) without touching memory. */
#ifndef RX_RECENT_LOG
#define RX_RECENT_LOG (W <= 1 ? 14 : W <= 2 ? 13 : W <= 8 ? 11 : 8)
#endif
#define RX_RECENT ((size_t)1 << RX_RECENT_LOG)

/* An exact cache of what was sent, small enough to stay in the processor's: with sixteen times as much a hundredth less is sent,
 * and it takes longer to look. */
#ifndef RX_SENT_LOG
#define RX_SENT_LOG 12
#endif
#define RX_SENT ((size_t)1 << RX_SENT_LOG)

/* Places of a region of records (route.h) that a worker may fill. */
typedef struct rx_places {
    uint64_t next, end;
} rx_places;

typedef struct rx_counters {
    uint64_t generated, expanded, degree_min, degree_max;
    uint64_t witness_missing, witness_step_missing;
    uint64_t fired[ROOM_INSTANCES + 1]; /* transitions */
    uint64_t fresh[ROOM_INSTANCES + 1]; /* states it was the smallest to reach first; complete levels only */
    uint64_t left[MODEL_BOUNDS + 1];
    uint64_t constrained[ROOM_CONSTRAINTS + 1];
} rx_counters;

/* What a simulation is to do. */
typedef struct rx_walks {
    uint64_t seed, walks, depth; /* depth: states in a walk at most */
    uint32_t deadlock, unused;
} rx_walks;

typedef struct rx_walker {
    rx_random random;
    uint64_t seen; /* transitions offered so far in this step: reservoir sampling, so that none need be kept */
    uint64_t next[W];
    uint32_t next_instance;
} rx_walker;

struct rx_run;
typedef struct rx_worker {
    rx_batch batch; /* first: the model knows a worker by its batch */
    rx_recent recent[RX_RECENT];
    rx_counters counters;
    struct rx_run *run;
    const uint64_t *source;         /* the state being expanded; NULL for initial states */
    uint64_t *chunk;                /* disk mode: RX_CHUNK states read from the level */
    uint64_t block_next, block_end; /* indices this worker may give to new states */
    uint64_t added;                 /* states this worker inserted in this level */
    uint64_t published;             /* atomic: counters.generated as rx_progress may see it */
    rx_finding finding;
    void (*settle)(struct rx_worker *);
    jmp_buf leave; /* out of the model's code, where the run is to end */
    /* What a search through a level has found so far (trace.h). */
    uint64_t best[W];
    uint32_t best_instance, best_fault, has_best;
    uint32_t number, drains;
    uint64_t jobs_done; /* when its thread began */
    uint64_t length;    /* of the shortest run to `source` */
    uint64_t edges;     /* graph.h */
    uint64_t at, edges_from, edges_to; /* liveness.h: the state; where its edges begin, and the end of the room for more */
    rx_walker *walker;  /* simulate.h */
    rx_recent *sent;    /* route.h: what went to other ranks a while ago; for each of them, places for more */
    rx_places *places;
    struct rx_choice *choice; /* reduce.h */
    pthread_t thread;
} rx_worker;

typedef struct rx_run {
    rx_config config;
    /* Written by all workers: each in a cache line of its own, away from what they only read. */
    uint64_t cursor __attribute__((aligned(RX_LINE)));     /* atomic: the next state of the level to expand */
    uint64_t next_block __attribute__((aligned(RX_LINE))); /* atomic: the first index not handed to a worker */
    int stop_flag __attribute__((aligned(RX_LINE)));       /* set from outside */
    double begun, seconds_before;

    /* States: reserved address space, committed as needed, so that a state never moves. */
    uint64_t *states;
    uint64_t reserved, committed; /* in states */
    rx_first *first;
    uint64_t first_committed; /* in entries */
    uint64_t first_from;      /* the index that first[0] belongs to */
    uint64_t room;            /* next_block past this asks for a safe point */

    rx_cell *table;
    unsigned log_slots;

    uint64_t *level_start;
    uint64_t levels, levels_reserved;
    uint64_t level_from, level_to; /* the level being expanded */

    rx_counters before; /* the sums when this level began: for doing it again */
    rx_counters sum;    /* room for sums, which are too large for a stack where there are very many instances */
    uint64_t distinct;
    rx_finding finding;
    uint32_t stopped, stopping; /* stopping: atomic, workers wind up */
    bool closing;               /* the depth limit is reached: what is new is only asked for (search.h) */
    uint32_t abandoned;         /* atomic: the level will be done again on disk */

    /* The team, and the safe points at which all workers stand still. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t threads, started, active, arrived, wanted, quitting;
    uint64_t job, finished, points;
    void (*work)(rx_worker *);
    rx_worker **workers;
    uint64_t rebuild_next, rebuild_to, rebuild_done, rebuild_left;

    /* States on disk (disk.h), and checkpoints (checkpoint.h). */
    uint32_t on_disk, resumed;
    int levels_fd, runs_fd;
    char levels_path[4096], runs_path[4096];
    uint64_t disk_states, disk_sum; /* states in the levels file, and their checksum */
    struct rx_block *blocks;
    uint64_t blocks_count, blocks_reserved, blocks_older; /* older: those of complete levels */
    struct rx_extent *runs;
    uint64_t runs_count, runs_reserved, runs_bytes;
    uint64_t piece; /* sorted candidates in memory */
    pthread_mutex_t disk_lock;
    int disk_errno;
    char disk_what[4400];
    uint64_t boundary_levels, boundary_distinct,
        boundary_sum; /* at the last level that is complete; run->before are its counters */
    double checkpoint_at, checkpoint_took;
    int checkpoint_fd, lock_fd;
    char checkpoint_path[4096];
    uint64_t checkpoint_file, checkpoint_states, checkpoint_sum;

    /* The counterexample. */
    uint64_t *trace_states;
    uint32_t *trace_instances; /* of the step that leads to the state; RX_NOWHERE for the initial one */
    uint64_t trace_length;
    uint64_t target[W]; /* what is searched for */
    bool last_step;

    /* All shortest counterexamples (layers.h): the states of a level, and those that a step is to lead to. */
    uint64_t *layer, layer_count, layer_most; /* layer_count: atomic */
    const uint64_t *goals;
    uint32_t *goal_slots;
    uint64_t goal_slots_count;

    /* The graph (graph.h), and random walks (simulate.h). */
    uint64_t *edge_offsets, *edge_targets;
    uint32_t *edge_instances;
    struct rx_live *live; /* liveness.h */
    const uint64_t *needed, *enabling; /* reduce.h: rows of instances */
    const uint32_t *enabling_first;
    uint32_t sensitive; /* atomic; a step invariant that does not hold for a step that changes nothing, plus one */
    rx_walks walks;
    uint64_t walk_found, walk_states, walks_done; /* atomic */

    /* One rank of several (ranks.h); 0 ranks in a process that is alone. */
    uint32_t rank, ranks;
    uint8_t *out;             /* atomic counts, and a region of records, for each rank; NULL: what is another's is dropped */
    uint64_t *out_count;      /* atomic; of each region */
    uint64_t out_room, out_wanted; /* records that a region holds; that end a round */
    uint32_t out_full;        /* atomic: a region has what was wanted */
    uint8_t *boxes[2];        /* what `out` is one of */
    uint64_t *box_counts[2];
    size_t box_bytes;
    const uint8_t *in;        /* what rx_work_receive takes states from */
    uint64_t in_count, in_cursor;
    uint32_t in_stride;
} rx_run;

static inline uint64_t rx_hash(const uint64_t *s) {
    /* Multiplications of 64 by 64 to 128 bits, both halves folded (as in wyhash): two words for one multiplication. */
    uint64_t h = 0x9e3779b97f4a7c15ull;
    for (int i = 0; i + 1 < W; i += 2) {
        const unsigned __int128 p =
            (unsigned __int128)(s[i] ^ h ^ 0xa0761d6478bd642full) * (s[i + 1] ^ 0xe7037ed1a0b428dbull ^ (h >> 32));
        h = (uint64_t)p ^ (uint64_t)(p >> 64);
    }
    if (W & 1) {
        const unsigned __int128 p = (unsigned __int128)(s[W - 1] ^ h) * 0x8ebc6af09c88c6e3ull;
        h = (uint64_t)p ^ (uint64_t)(p >> 64);
    }
    /* One more round: position and tag are taken from the two ends of the word, and low-entropy states must spread over
     * both. */
    h *= 0xff51afd7ed558ccdull;
    return h ^ h >> 32;
}

/* The rank that a state belongs to. Of the hash, other bits than those that place it in a table. */
static inline uint32_t rx_owner(uint64_t hash, uint32_t ranks) {
    return (uint32_t)(((hash * 0x9e3779b97f4a7c15ull >> 32) * ranks) >> 32);
}

static inline bool rx_same(const uint64_t *a, const uint64_t *b) {
    uint64_t differ = 0;
    if (W > 8) return memcmp(a, b, RX_STATE_BYTES) == 0;
    for (int i = 0; i < W; i++) differ |= a[i] ^ b[i];
    return differ == 0;
}

static inline void rx_copy(uint64_t *to, const uint64_t *from) {
    for (int i = 0; i < W; i++) to[i] = from[i];
}

static inline int rx_compare(const uint64_t *a, const uint64_t *b) {
    for (int i = 0; i < W; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static double rx_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline uint64_t *rx_at(const rx_run *run, uint64_t index) { return run->states + index * W; }

#define RX_LOAD(p) __atomic_load_n(&(p), __ATOMIC_RELAXED)
#define RX_STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELAXED)
#define RX_ADD(p, v) __atomic_fetch_add(&(p), v, __ATOMIC_RELAXED)

static void rx_stop_for(rx_run *run, uint32_t why) {
    uint32_t none = 0;
    __atomic_compare_exchange_n(&run->stopping, &none, why, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Negative if a comes before b: shortest run, then kind, then property, then packed states, then the step. */
static int rx_finding_compare(const rx_finding *a, const rx_finding *b) {
    if (!a->kind || !b->kind) return (a->kind == 0) - (b->kind == 0);
    /* A step invariant's run has one state more than its length says. */
    const uint64_t la = a->length + (a->kind == RX_STEP_INVARIANT), lb = b->length + (b->kind == RX_STEP_INVARIANT);
    if (la != lb) return la < lb ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->property != b->property) return a->property < b->property ? -1 : 1;
    if (a->kind == RX_STEP_INVARIANT) {
        const int after = rx_compare(a->after, b->after);
        if (after) return after;
    }
    const int state = rx_compare(a->state, b->state);
    if (state) return state;
    return a->instance < b->instance ? -1 : a->instance > b->instance;
}

#endif
