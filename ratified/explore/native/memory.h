/* Address space that is reserved once and committed piece by piece: arrays that grow without ever moving or being
 * copied. */
#ifndef RX_MEMORY_H
#define RX_MEMORY_H

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* NULL if there is no room; *bytes is lowered (by halves, to at least `least`) where the address space is limited
 * (ulimit -v). */
static void *rx_reserve(size_t *bytes, size_t least) {
    for (;; *bytes /= 2) {
        void *p = mmap(NULL, *bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p != MAP_FAILED) return p;
        if (*bytes / 2 < least) return NULL;
    }
}

static size_t rx_pages(size_t bytes) {
    const size_t unit = bytes >= (8u << 20) ? 2u << 20 : 1u << 16;
    return (bytes + unit - 1) / unit * unit;
}

static bool rx_commit(void *base, size_t from, size_t to) {
    if (mprotect((char *)base + from, to - from, PROT_READ | PROT_WRITE)) return false;
#ifdef MADV_HUGEPAGE
    /* Random access to hundreds of megabytes spends much of its time on address translation unless pages are large:
     * 15 % on Paxos with four ballots. */
    if (to >= (4u << 20)) madvise((char *)base + from, to - from, MADV_HUGEPAGE);
#endif
    return true;
}

/* Gives the pages of [0, bytes) back, and keeps the addresses. */
static void rx_uncommit(void *base, size_t bytes) {
    if (bytes) mmap(base, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

/* Zeroed pages for a table; NULL if there are none. */
static void *rx_zeroed(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= (4u << 20)) madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

/* Zeroed memory that shares no cache line with anything else. */
static void *rx_aligned(size_t bytes) {
    bytes = (bytes + RX_LINE - 1) / RX_LINE * RX_LINE;
    void *p = aligned_alloc(RX_LINE, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

#endif
