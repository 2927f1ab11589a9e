/* What belongs to other ranks: into the regions from which it is sent, and out of the records that others sent.
 *
 * Guarantees: a state that was sent, with an instance at least as small, may be left out; every other one that is another rank's
 * is in the region of its owner when the round ends (rx_box_close). Workers share a region without waiting for each other: each
 * takes places of it by the block, and what they leave free is closed at the end.
 */
#ifndef RX_ROUTE_H
#define RX_ROUTE_H

/* A state on the way: its words, then the instance that reached it. */
#define RX_RECORD (RX_STATE_BYTES + sizeof(rx_first))

enum { RX_PLACES = 16 };

static inline uint8_t *rx_record(const rx_run *run, uint32_t owner, uint64_t at) {
    return run->out + (owner * run->out_room + at) * RX_RECORD;
}

static __attribute__((noinline, cold)) bool rx_places_take(rx_worker *w, uint32_t owner) {
    rx_run *run = w->run;
    const uint64_t at = RX_ADD(run->out_count[owner], RX_PLACES);
    if (at + RX_PLACES >= run->out_wanted) RX_STORE(run->out_full, 1);
    w->places[owner] = (rx_places){at, at + RX_PLACES};
    if (at + RX_PLACES <= run->out_room) return true;
    /* One state with hundreds of megabytes of successors. */
    RX_ADD(run->out_count[owner], -(uint64_t)RX_PLACES);
    w->places[owner] = (rx_places){0, 0};
    rx_stop_for(run, RX_STOP_MEMORY);
    return false;
}

/* A state of another rank, unless it was sent a while ago. */
static void rx_send(rx_worker *w, const uint64_t *t, uint64_t hash, uint32_t instance) {
    rx_run *run = w->run;
    if (!run->out) return;
    rx_recent *sent = &w->sent[hash >> 8 & (RX_SENT - 1)];
    if (sent->instance && rx_same(sent->words, t)) {
        if (sent->instance <= instance + 1) return;
    } else {
        rx_copy(sent->words, t);
    }
    sent->instance = instance + 1;
    const uint32_t owner = rx_owner(hash, run->ranks);
    rx_places *places = &w->places[owner];
    if (RX_UNLIKELY(places->next == places->end) && !rx_places_take(w, owner)) return;
    uint8_t *record = rx_record(run, owner, places->next++);
    const rx_first first = (rx_first)instance;
    memcpy(record, t, RX_STATE_BYTES);
    memcpy(record + RX_STATE_BYTES, &first, sizeof first);
}

/* Moves the last records of a region into the places that workers have left free, until none is. */
static void rx_region_close(rx_run *run, uint32_t owner) {
    uint64_t end = run->out_count[owner];
    for (;;) {
        rx_places *last = NULL; /* what is free, nearest to the end */
        for (uint32_t i = 0; i < run->threads; i++) {
            rx_places *p = &run->workers[i]->places[owner];
            if (p->next < p->end && (!last || p->end > last->end)) last = p;
        }
        if (!last) break;
        if (last->end == end) {
            end = last->next;
            *last = (rx_places){0, 0};
        } else {
            memcpy(rx_record(run, owner, last->next++), rx_record(run, owner, --end), RX_RECORD);
        }
    }
    for (uint32_t i = 0; i < run->threads; i++) run->workers[i]->places[owner] = (rx_places){0, 0};
    run->out_count[owner] = end;
}

/* The states of run->in: from other ranks, or from a file, in which there are those of others, too. */
static void rx_take(rx_worker *w) {
    enum { PIECE = 4096 };
    rx_run *run = w->run;
    rx_batch *b = &w->batch;
    const bool mine = run->in_stride == RX_RECORD || run->ranks == 1;
    const unsigned shift = 64 - run->log_slots;
    for (;;) {
        const uint64_t from = RX_ADD(run->in_cursor, PIECE);
        if (from >= run->in_count || RX_LOAD(run->stopping) || RX_LOAD(run->abandoned)) break;
        const uint64_t to = run->in_count - from < PIECE ? run->in_count : from + PIECE;
        for (uint64_t i = from; i < to; i++) {
            const uint8_t *record = run->in + i * run->in_stride;
            uint64_t *t = b->words[b->count];
            rx_first first = 0;
            memcpy(t, record, RX_STATE_BYTES);
            if (run->in_stride == RX_RECORD) memcpy(&first, record + RX_STATE_BYTES, sizeof first);
            const uint64_t hash = rx_hash(t);
            if (!mine && rx_owner(hash, run->ranks) != run->rank) {
                rx_send(w, t, hash, first);
                continue;
            }
            __builtin_prefetch(&run->table[hash >> shift]);
            b->hash[b->count] = hash;
            b->instance[b->count++] = first;
            if (b->count == RX_BATCH / 4 * 3) rx_drain(w);
        }
    }
    if (b->count) rx_drain(w);
}

#endif
