/* The table of visited states: open addressing, linear probing, 32-bit slots that point into the array of states.
 *
 * Guarantees: exact (a state is found only if all its words are equal; the tag only saves looking). Lock-free: a slot
 * changes once, from empty to full, by compare-and-swap, after the state's words were written. It is rebuilt, never
 * copied: the states are all there, so the old table is given back before the new one is filled, and growth does not
 * double the peak.
 */
#ifndef RX_TABLE_H
#define RX_TABLE_H

enum { RX_LOG_SLOTS_MIN = 16 };

/* Full above 5/8: the fastest of 1/2, 5/8 and 3/4 on Paxos with four ballots. */
static inline uint64_t rx_table_room(unsigned log_slots) { return ((uint64_t)1 << log_slots) / 8 * 5; }

static inline rx_cell rx_tag(const rx_run *run, uint64_t hash) {
#if RX_SLOT_BITS == 64
    (void)run;
    return hash << 40;
#else
    return (rx_cell)(hash << run->log_slots);
#endif
}

static inline rx_cell rx_index_mask(const rx_run *run) {
#if RX_SLOT_BITS == 64
    (void)run;
    return ((rx_cell)1 << 40) - 1;
#else
    return run->log_slots >= 32 ? ~(rx_cell)0 : ((rx_cell)1 << run->log_slots) - 1;
#endif
}

/* Puts an index into the table that is not in it yet, nor is any state equal to it. */
static inline void rx_table_put(rx_run *run, uint64_t hash, uint64_t index) {
    const uint64_t mask = ((uint64_t)1 << run->log_slots) - 1;
    const rx_cell cell = (rx_cell)(index + 1) | (rx_tag(run, hash) & ~rx_index_mask(run));
    for (uint64_t at = hash >> (64 - run->log_slots);; at = (at + 1) & mask) {
        rx_cell empty = 0;
        if (RX_LOAD(run->table[at]) == 0 &&
            __atomic_compare_exchange_n(&run->table[at], &empty, cell, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
    }
}

/* The index of a state that is in the table, or UINT64_MAX. */
static inline uint64_t rx_table_find(const rx_run *run, const uint64_t *state, uint64_t hash) {
    const uint64_t mask = ((uint64_t)1 << run->log_slots) - 1;
    const rx_cell bits = rx_index_mask(run), tag = rx_tag(run, hash) & ~bits;
    for (uint64_t at = hash >> (64 - run->log_slots);; at = (at + 1) & mask) {
        const rx_cell cell = __atomic_load_n(&run->table[at], __ATOMIC_ACQUIRE);
        if (!cell) return UINT64_MAX;
        if ((cell & ~bits) == tag && rx_same(rx_at(run, (uint64_t)(cell & bits) - 1), state))
            return (uint64_t)(cell & bits) - 1;
    }
}

/* State `from` was moved to `to` (equal words): let its slot say so. Nobody else may be at work. */
static void rx_table_move(rx_run *run, uint64_t from, uint64_t to) {
    const uint64_t mask = ((uint64_t)1 << run->log_slots) - 1, hash = rx_hash(rx_at(run, to));
    const rx_cell bits = rx_index_mask(run);
    for (uint64_t at = hash >> (64 - run->log_slots);; at = (at + 1) & mask)
        if ((run->table[at] & bits) == (rx_cell)(from + 1)) {
            run->table[at] = (run->table[at] & ~bits) | (rx_cell)(to + 1);
            return;
        }
}

static size_t rx_table_bytes(unsigned log_slots) { return sizeof(rx_cell) << log_slots; }

static void rx_table_free(rx_run *run) {
    if (run->table) munmap(run->table, rx_table_bytes(run->log_slots));
    run->table = NULL;
}

/* An empty table. False: there is no memory, and the old one is as it was. Fresh pages weigh nothing until they are
 * written, by when the old table is gone. */
static bool rx_table_new(rx_run *run, unsigned log_slots) {
    rx_cell *table = rx_zeroed(rx_table_bytes(log_slots));
    if (!table) return false;
    rx_table_free(run);
    run->table = table;
    run->log_slots = log_slots;
    return true;
}

/* Inserts states [from, to), all distinct: hash a few dozen, then put them, so that the misses overlap. */
static void rx_table_put_range(rx_run *run, uint64_t from, uint64_t to) {
    uint64_t hash[64];
    for (uint64_t i = from; i < to; i += 64) {
        const uint64_t n = to - i < 64 ? to - i : 64;
        for (uint64_t k = 0; k < n; k++) {
            hash[k] = rx_hash(rx_at(run, i + k));
            __builtin_prefetch(&run->table[hash[k] >> (64 - run->log_slots)], 1);
        }
        for (uint64_t k = 0; k < n; k++) rx_table_put(run, hash[k], i + k);
    }
}

#endif
