/* What belongs to other ranks: out of the batch, into the regions from which it is sent.
 *
 * Guarantees: a state that was sent, with an instance at least as small, may be left out; every other one of a batch that is not
 * this rank's is in the region of its owner when rx_drain returns.
 */
#ifndef RX_ROUTE_H
#define RX_ROUTE_H

/* A state on the way: its words, then the instance that reached it. */
#define RX_RECORD (RX_STATE_BYTES + sizeof(rx_first))

static __attribute__((noinline)) void rx_route(rx_worker *w) {
    rx_run *run = w->run;
    rx_batch *b = &w->batch;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        const uint64_t hash = b->hash[i];
        const uint32_t instance = b->instance[i], owner = rx_owner(hash, run->ranks);
        if (owner == run->rank) {
            if (kept != i) {
                rx_copy(b->words[kept], b->words[i]);
                b->hash[kept] = hash;
                b->instance[kept] = instance;
            }
            kept++;
            continue;
        }
        if (!run->out) continue;
        rx_recent *sent = &w->sent[hash >> 8 & (RX_SENT - 1)];
        if (sent->instance && rx_same(sent->words, b->words[i])) {
            if (sent->instance <= instance + 1) continue;
        } else {
            rx_copy(sent->words, b->words[i]);
        }
        sent->instance = instance + 1;
        const uint64_t at = RX_ADD(run->out_count[owner], 1);
        if (at >= run->out_wanted) RX_STORE(run->out_full, 1);
        if (at >= run->out_room) {
            /* One state with hundreds of megabytes of successors. */
            rx_stop_for(run, RX_STOP_MEMORY);
            break;
        }
        uint8_t *record = run->out + (owner * run->out_room + at) * RX_RECORD;
        const rx_first first = (rx_first)instance;
        memcpy(record, b->words[i], RX_STATE_BYTES);
        memcpy(record + RX_STATE_BYTES, &first, sizeof first);
    }
    b->count = b->settled = kept;
}

#endif
