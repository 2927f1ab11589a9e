/* What generated models share: Python's division, and rows of `k` words kept in order (sets), with copies behind each (bags). */
static inline int64_t rt_floor(int64_t a, int64_t b) { return b == 0 ? 0 : a / b - ((a % b != 0) & ((a < 0) != (b < 0))); }
static inline int64_t rt_mod(int64_t a, int64_t b) {
    const int64_t r = b == 0 || b == -1 ? 0 : a % b;
    return r + ((r != 0) & ((r < 0) != (b < 0)) ? b : 0);
}

static inline void rt_copy(uint64_t *restrict to, const uint64_t *restrict from) {
    for (int i = 0; i < W; i++) to[i] = from[i];
}

static inline int rt_compare(const uint64_t *a, const uint64_t *b, int64_t k) {
    for (int64_t i = 0; i < k; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* The first place, of n rows `stride` apart, whose k words are not before e. */
static inline int64_t rt_find(const uint64_t *q, int64_t n, int64_t stride, int64_t k, const uint64_t *e) {
    int64_t i = 0;
    while (i < n && rt_compare(q + i * stride, e, k) < 0) i++;
    return i;
}

static inline void rt_open(uint64_t *q, int64_t n, int64_t stride, int64_t at) {
    memmove(q + (at + 1) * stride, q + at * stride, (size_t)((n - at) * stride) * sizeof *q);
}

static inline int64_t rt_close(uint64_t *q, int64_t n, int64_t stride, int64_t at) {
    memmove(q + at * stride, q + (at + 1) * stride, (size_t)((n - at - 1) * stride) * sizeof *q);
    memset(q + (n - 1) * stride, 0, (size_t)stride * sizeof *q);
    return n - 1;
}

static inline int64_t rt_insert(uint64_t *q, int64_t n, int64_t k, const uint64_t *e) {
    const int64_t at = rt_find(q, n, k, k, e);
    if (at < n && rt_compare(q + at * k, e, k) == 0) return n;
    rt_open(q, n, k, at);
    memcpy(q + at * k, e, (size_t)k * sizeof *q);
    return n + 1;
}

static inline int64_t rt_remove(uint64_t *q, int64_t n, int64_t k, const uint64_t *e) {
    const int64_t at = rt_find(q, n, k, k, e);
    return at < n && rt_compare(q + at * k, e, k) == 0 ? rt_close(q, n, k, at) : n;
}

static inline int64_t rt_bag_add(uint64_t *q, int64_t n, int64_t k, const uint64_t *e, uint64_t copies) {
    const int64_t at = rt_find(q, n, k + 1, k, e);
    if (copies == 0) return n;
    if (at < n && rt_compare(q + at * (k + 1), e, k) == 0) {
        q[at * (k + 1) + k] += copies;
        return n;
    }
    rt_open(q, n, k + 1, at);
    memcpy(q + at * (k + 1), e, (size_t)k * sizeof *q);
    q[at * (k + 1) + k] = copies;
    return n + 1;
}

static inline int64_t rt_bag_remove(uint64_t *q, int64_t n, int64_t k, const uint64_t *e) {
    const int64_t at = rt_find(q, n, k + 1, k, e);
    if (at == n || rt_compare(q + at * (k + 1), e, k) != 0) return n;
    if (--q[at * (k + 1) + k]) return n;
    return rt_close(q, n, k + 1, at);
}

/* The lowest `bits` bits in the opposite order, each turned over. */
static inline uint64_t rt_turned(uint64_t x, int bits) {
    if (bits == 0) return 0;
    x = ~x << (64 - bits);
    x = (x >> 1 & 0x5555555555555555ull) | (x & 0x5555555555555555ull) << 1;
    x = (x >> 2 & 0x3333333333333333ull) | (x & 0x3333333333333333ull) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0full) | (x & 0x0f0f0f0f0f0f0f0full) << 4;
    return __builtin_bswap64(x);
}

static inline void rt_sort(uint64_t *q, int64_t n, int64_t k) {
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = i; j > 0 && rt_compare(q + (j - 1) * k, q + j * k, k) > 0; j--)
            for (int64_t x = 0; x < k; x++) {
                const uint64_t one = q[j * k + x];
                q[j * k + x] = q[(j - 1) * k + x];
                q[(j - 1) * k + x] = one;
            }
}

/* An index below n, whatever is asked for. */
static inline uint64_t rt_inside(uint64_t i, uint64_t n) { return i < n ? i : 0; }

static inline bool rt_add_overflows(int64_t a, int64_t b) { return __builtin_add_overflow(a, b, &(int64_t){0}); }
static inline bool rt_subtract_overflows(int64_t a, int64_t b) { return __builtin_sub_overflow(a, b, &(int64_t){0}); }
static inline bool rt_multiply_overflows(int64_t a, int64_t b) { return __builtin_mul_overflow(a, b, &(int64_t){0}); }
