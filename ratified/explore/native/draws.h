/* Chance: a generator for each run, made of a seed and the run's number. The same numbers as `explore/draws.py`. */
#ifndef RX_DRAWS_H
#define RX_DRAWS_H

typedef struct rx_random {
    uint64_t s[4];
} rx_random;

/* Steele, Lea and Flood's splitmix64: spreads a seed and a walk's number over xoshiro's state. */
static uint64_t rx_splitmix(uint64_t *x) {
    uint64_t z = (*x += 0x9e3779b97f4a7c15ull);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Blackman and Vigna's xoshiro256**. */
static inline uint64_t rx_random_next(rx_random *r) {
    uint64_t *s = r->s;
    const uint64_t five = s[1] * 5, result = (five << 7 | five >> 57) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return result;
}

/* Uniform below n, without bias (Lemire). */
static inline uint64_t rx_random_below(rx_random *r, uint64_t n) {
    for (;;) {
        const unsigned __int128 product = (unsigned __int128)rx_random_next(r) * n;
        if ((uint64_t)product >= n || (uint64_t)product >= (uint64_t)(-n) % n) return (uint64_t)(product >> 64);
    }
}

/* The generator of a run. */
static void rx_random_begin(rx_random *r, uint64_t seed, uint64_t run) {
    uint64_t mixed = rx_splitmix(&seed) ^ (run * 0xd1342543de82ef95ull + 1);
    for (int i = 0; i < 4; i++) r->s[i] = rx_splitmix(&mixed);
}

#endif
