/* The representative of a state where every permutation of the symmetric sorts counts. Before this stand `model_marks` (a mark for each
 * value of each sort, one sort after another), RC_VALUES (how many there are), RC_SORTS with RC_SIZE (sorts, and values of each),
 * `model_exchange` (exchanges value k with the next of its sort) and RC_WALK (places of the exchanges of neighbours that lead through all
 * permutations of m values, for m from 2 on, from RC_FROM[m] to RC_FROM[m + 1]).
 *
 * First neighbours are exchanged until marks are in order, which fixes all values but those that have the same. Of what
 * exchanges of these lead to the representative is the one whose words are least. Most states are one step away from one that
 * is in order: few exchanges are needed.
 */
static inline bool rc_before(const uint64_t *a, const uint64_t *b) {
    for (int i = 0; i < W; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return false;
}

static void rc_least(uint64_t *s, const uint8_t *from, const uint8_t *size, int ties) {
    uint64_t best[W], t[W];
    uint32_t at[RC_VALUES] = {0};
    rt_copy(best, s);
    for (;;) {
        int i = 0;
        /* Those before are walked through once more after each exchange; a walk may begin anywhere. */
        for (; i < ties && at[i] == RC_FROM[size[i] + 1] - RC_FROM[size[i]]; i++) at[i] = 0;
        if (i == ties) break;
        model_exchange(from[i] + RC_WALK[RC_FROM[size[i]] + at[i]++], s, t);
        rt_copy(s, t);
        if (rc_before(s, best)) rt_copy(best, s);
    }
    rt_copy(s, best);
}

static void model_canonical(uint64_t *s) {
    uint64_t mark[RC_VALUES], t[W];
    uint8_t from[RC_VALUES], size[RC_VALUES];
    int ties = 0;
    model_marks(s, mark);
    for (int sort = 0, first = 0; sort < RC_SORTS; first += RC_SIZE[sort++]) {
        const int end = first + RC_SIZE[sort];
        for (int i = first + 1; i < end; i++)
            for (int j = i; j > first && mark[j - 1] > mark[j]; j--) {
                const uint64_t m = mark[j];
                mark[j] = mark[j - 1], mark[j - 1] = m;
                model_exchange(j - 1, s, t);
                rt_copy(s, t);
            }
        for (int i = first, next; i < end; i = next) {
            for (next = i + 1; next < end && mark[next] == mark[i]; next++) {
            }
            if (next - i > 1) from[ties] = (uint8_t)i, size[ties++] = (uint8_t)(next - i);
        }
    }
    if (ties) rc_least(s, from, size, ties);
}
