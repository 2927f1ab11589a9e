/* A refinement in a program: what stands around the functions of the abstract model, and asks them. `R_` is written otherwise for
 * each refinement, so that several models can stand in one program; R_W is the width of an abstract state, R_KEPT_LOG how many
 * steps are remembered (as a power of two), R_READ the bits of a state that the mapping reads.
 *
 * Guarantees: exact. What is remembered are whole states, by each thread for itself, and only saves computing them again.
 */
typedef struct R_rx_batch {
    const uint64_t *goal; /* looked for among the states that the abstract model gives */
    bool found;
    int fault; /* RX_OK, or the first */
    uint64_t words[R_W];
} R_rx_batch;

static inline void R_rt_copy(uint64_t *restrict to, const uint64_t *restrict from) {
    for (int i = 0; i < R_W; i++) to[i] = from[i];
}

static inline bool R_same(const uint64_t *a, const uint64_t *b) {
    uint64_t differ = 0;
    for (int i = 0; i < R_W; i++) differ |= a[i] ^ b[i];
    return !differ;
}

static inline uint64_t *R_rx_slot(R_rx_batch *batch) { return batch->words; }

static inline void R_rx_emit(R_rx_batch *batch, uint32_t instance) {
    (void)instance;
    batch->found |= R_same(batch->words, batch->goal);
}

/* A step that leaves a bound of the abstract model is none. */
static inline void R_rx_bound(R_rx_batch *batch, uint32_t place, uint32_t instance) {
    (void)batch, (void)place, (void)instance;
}

static inline void R_rx_fault(R_rx_batch *batch, uint32_t error, uint32_t instance) {
    (void)instance;
    if (batch->fault == RX_OK) batch->fault = RX_FAULT((int)error);
}

/* --- the abstract model --- */

static inline int R_verdict(const R_rx_batch *batch) { return batch->fault != RX_OK ? batch->fault : batch->found ? RX_OK : 0; }

static __attribute__((noinline)) int R_possible(const uint64_t *before, const uint64_t *after) {
    R_rx_batch batch = {.goal = after, .fault = RX_OK};
    R_model_successors(before, &batch);
    return R_verdict(&batch);
}

/* Whether a step can have changed the image. Where it has not, the image of the state before it was computed when that was reached. */
static inline bool R_touched(const uint64_t *restrict old, const uint64_t *restrict new) {
    static const uint64_t read[W] = R_READ;
    uint64_t differ = 0;
    for (int i = 0; i < W; i++) differ |= (old[i] ^ new[i]) & read[i];
    return differ;
}

typedef struct R_memory {
    bool there;
    int verdict;                              /* of the image */
    uint64_t state[W], image[R_W];            /* the state that steps were asked about last */
    uint64_t steps[1 << R_KEPT_LOG][2][R_W];  /* steps of the abstract model; those from 0 to 0 are none */
} R_memory;

/* RX_OK, RX_FAULT(e), or 0 for a step that the abstract model does not have. */
static int R_explains(const uint64_t *restrict old, const uint64_t *restrict new, R_memory *kept) {
    uint64_t after[R_W], hash = 0;
    if (!R_touched(old, new)) return RX_OK;
    if (!kept->there || rt_compare(kept->state, old, W)) {
        rt_copy(kept->state, old);
        kept->verdict = R_image(old, kept->image);
        kept->there = true;
    }
    if (RX_UNLIKELY(kept->verdict != RX_OK)) return kept->verdict;
    int verdict = R_image(new, after);
    if (RX_UNLIKELY(verdict != RX_OK)) return verdict;
    if (R_same(kept->image, after)) return RX_OK;
    for (int i = 0; i < R_W; i++) {
        hash = (hash ^ kept->image[i]) * 0x9e3779b97f4a7c15ull;
        hash = ((hash ^ hash >> 32) + after[i]) * 0xd1342543de82ef95ull;
        hash ^= hash >> 29;
    }
    uint64_t(*step)[R_W] = kept->steps[hash & ((1 << R_KEPT_LOG) - 1)];
    if (R_same(step[0], kept->image) && R_same(step[1], after)) return RX_OK;
    verdict = R_possible(kept->image, after);
    if (verdict == RX_OK) R_rt_copy(step[0], kept->image), R_rt_copy(step[1], after);
    return verdict;
}

/* The same of an initial state: 0 if the abstract model does not begin so. */
static __attribute__((noinline)) int R_begins(const uint64_t *s) {
    uint64_t image[R_W];
    const int verdict = R_image(s, image);
    if (verdict != RX_OK) return verdict;
    R_rx_batch batch = {.goal = image, .fault = RX_OK};
    R_model_initial(&batch);
    return R_verdict(&batch);
}
