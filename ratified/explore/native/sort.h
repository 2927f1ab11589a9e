/* Sorting packed states in place, lexicographically, with (or without) the instance that reached each.
 *
 * Guarantees: no memory but the stack; never quadratic (deep recursion falls back to heap sort); two threads where two
 * are free.
 */
#ifndef RX_SORT_H
#define RX_SORT_H

typedef struct rx_span {
    uint64_t *states;
    rx_first *first; /* or NULL */
} rx_span;

static inline uint64_t *rx_span_at(const rx_span *s, uint64_t i) { return s->states + i * W; }

static inline void rx_span_swap(const rx_span *s, uint64_t a, uint64_t b) {
    uint64_t *x = rx_span_at(s, a), *y = rx_span_at(s, b);
    for (int i = 0; i < W; i++) {
        const uint64_t word = x[i];
        x[i] = y[i];
        y[i] = word;
    }
    if (s->first) {
        const rx_first f = s->first[a];
        s->first[a] = s->first[b];
        s->first[b] = f;
    }
}

static void rx_sort_small(const rx_span *s, uint64_t from, uint64_t to) {
    for (uint64_t i = from + 1; i < to; i++) {
        uint64_t t[W];
        rx_copy(t, rx_span_at(s, i));
        const rx_first f = s->first ? s->first[i] : 0;
        uint64_t k = i;
        for (; k > from && rx_compare(t, rx_span_at(s, k - 1)) < 0; k--) {
            rx_copy(rx_span_at(s, k), rx_span_at(s, k - 1));
            if (s->first) s->first[k] = s->first[k - 1];
        }
        rx_copy(rx_span_at(s, k), t);
        if (s->first) s->first[k] = f;
    }
}

static void rx_sort_heap(const rx_span *s, uint64_t from, uint64_t to) {
    const uint64_t n = to - from;
    for (uint64_t begin = n / 2, end = n; end > 1;) {
        if (begin) begin--;
        else rx_span_swap(s, from, from + --end);
        for (uint64_t root = begin, child; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end && rx_compare(rx_span_at(s, from + child), rx_span_at(s, from + child + 1)) < 0)
                child++;
            if (rx_compare(rx_span_at(s, from + root), rx_span_at(s, from + child)) >= 0) break;
            rx_span_swap(s, from + root, from + child);
        }
    }
}

/* Hoare's partition around the median of three: returns m with [from, m] <= [m + 1, to). */
static uint64_t rx_sort_split(const rx_span *s, uint64_t from, uint64_t to) {
    const uint64_t mid = from + (to - from) / 2, last = to - 1;
    if (rx_compare(rx_span_at(s, mid), rx_span_at(s, from)) < 0) rx_span_swap(s, mid, from);
    if (rx_compare(rx_span_at(s, last), rx_span_at(s, from)) < 0) rx_span_swap(s, last, from);
    if (rx_compare(rx_span_at(s, last), rx_span_at(s, mid)) < 0) rx_span_swap(s, last, mid);
    uint64_t pivot[W];
    rx_copy(pivot, rx_span_at(s, mid));
    uint64_t i = from, j = last;
    for (;;) {
        while (rx_compare(rx_span_at(s, i), pivot) < 0) i++;
        while (rx_compare(pivot, rx_span_at(s, j)) < 0) j--;
        if (i >= j) return j;
        rx_span_swap(s, i++, j--);
    }
}

static void rx_sort_range(const rx_span *s, uint64_t from, uint64_t to, int depth) {
    while (to - from > 24) {
        if (depth-- == 0) {
            rx_sort_heap(s, from, to);
            return;
        }
        const uint64_t m = rx_sort_split(s, from, to) + 1;
        if (m - from < to - m) {
            rx_sort_range(s, from, m, depth);
            from = m;
        } else {
            rx_sort_range(s, m, to, depth);
            to = m;
        }
    }
    rx_sort_small(s, from, to);
}

typedef struct rx_half {
    const rx_span *span;
    uint64_t from, to;
} rx_half;

static void *rx_sort_thread(void *argument) {
    const rx_half *h = argument;
    rx_sort_range(h->span, h->from, h->to, 64);
    return NULL;
}

/* Sorts `count` states. A thread of its own for one half: the team may be standing at a safe point. */
static void rx_sort(uint64_t *states, rx_first *first, uint64_t count, uint32_t threads) {
    const rx_span span = {states, first};
    if (threads < 2 || count < 1u << 15) {
        rx_sort_range(&span, 0, count, 64);
        return;
    }
    const uint64_t m = rx_sort_split(&span, 0, count) + 1;
    rx_half half = {&span, 0, m};
    pthread_t thread;
    const bool helped = !pthread_create(&thread, NULL, rx_sort_thread, &half);
    rx_sort_range(&span, m, count, 64);
    if (helped) pthread_join(thread, NULL);
    else rx_sort_range(&span, 0, m, 64);
}

#endif
