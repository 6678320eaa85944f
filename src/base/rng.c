#include "base/base.h"
#include <math.h>
#include <unstuck/rng.h>

/* Philox 4×32-10. Source: Salmon, Moraes, Dror & Shaw 2011, section 3.3, table 2. */
void us_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

us_rng us_rng_init(uint64_t seed, uint64_t stream) { return (us_rng){.seed = seed, .stream = stream, .position = 0}; }

uint32_t us_rng_u32(us_rng *rng) {
    uint64_t block = rng->position / 4;
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng->stream, (uint32_t)(rng->stream >> 32)};
    uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)}, out[4];
    us_philox4x32(counter, key, out);
    return out[rng->position++ % 4];
}

uint64_t us_rng_u64(us_rng *rng) {
    uint64_t low = us_rng_u32(rng);
    return low | (uint64_t)us_rng_u32(rng) << 32;
}

static inline double rng_to_uniform(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

/* u = 1 - first is in (0, 1]. */
static inline double rng_to_normal(double first, double second) {
    return sqrt(-2.0 * log(1.0 - first)) * cos(6.283185307179586477 * second);
}

double us_rng_uniform(us_rng *rng) { return rng_to_uniform(us_rng_u64(rng)); }

double us_rng_normal(us_rng *rng) {
    double first = us_rng_uniform(rng), second = us_rng_uniform(rng);
    return rng_to_normal(first, second);
}

/* Source: Lemire 2019, "Fast random integer generation in an interval", algorithm 5. */
uint32_t us_rng_below(us_rng *rng, uint32_t bound) {
    uint64_t product = (uint64_t)us_rng_u32(rng) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = -bound % bound;
        while ((uint32_t)product < threshold) product = (uint64_t)us_rng_u32(rng) * bound;
    }
    return (uint32_t)(product >> 32);
}

/* The next words of a stream, made many blocks at once: the same words, in a tenth of the time. */
enum { RNG_BLOCKS = 16, RNG_WORDS = 4 * RNG_BLOCKS };
typedef struct rng_ahead {
    us_rng *rng;
    uint64_t first; /* position of words[0], a multiple of 4 */
    uint32_t words[RNG_WORDS];
} rng_ahead;

/* us_philox4x32 for counters first, first + 1, ... in the lanes of a vector. */
US_KERNEL static void rng_blocks(uint64_t first, uint64_t stream, uint64_t seed, uint32_t *restrict out /* [RNG_WORDS] */) {
    uint32_t c0[RNG_BLOCKS], c1[RNG_BLOCKS], c2[RNG_BLOCKS], c3[RNG_BLOCKS], k0 = (uint32_t)seed,
                                                                             k1 = (uint32_t)(seed >> 32);
    for (size_t i = 0; i < RNG_BLOCKS; i++) {
        c0[i] = (uint32_t)(first + i), c1[i] = (uint32_t)((first + i) >> 32);
        c2[i] = (uint32_t)stream, c3[i] = (uint32_t)(stream >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < RNG_BLOCKS; i++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c1[i] = (uint32_t)p1;
            c3[i] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (size_t i = 0; i < RNG_BLOCKS; i++)
        out[4 * i] = c0[i], out[4 * i + 1] = c1[i], out[4 * i + 2] = c2[i], out[4 * i + 3] = c3[i];
}

static inline uint32_t rng_ahead_next(rng_ahead *ahead) {
    if (ahead->rng->position - ahead->first >= RNG_WORDS) {
        ahead->first = ahead->rng->position / 4 * 4;
        rng_blocks(ahead->first / 4, ahead->rng->stream, ahead->rng->seed, ahead->words);
    }
    return ahead->words[ahead->rng->position++ - ahead->first];
}

/* us_rng_below on words made ahead. */
static inline uint32_t rng_ahead_below(rng_ahead *ahead, uint32_t bound) {
    uint64_t product = (uint64_t)rng_ahead_next(ahead) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = -bound % bound;
        while ((uint32_t)product < threshold) product = (uint64_t)rng_ahead_next(ahead) * bound;
    }
    return (uint32_t)(product >> 32);
}

void us_rng_fill_below(us_rng *rng, uint32_t bound, uint32_t *out, size_t count) {
    rng_ahead ahead = {.rng = rng, .first = rng->position + RNG_WORDS}; /* holds nothing yet */
    for (size_t i = 0; i < count; i++) out[i] = rng_ahead_below(&ahead, bound);
}

static inline double rng_ahead_uniform(rng_ahead *ahead) {
    uint64_t low = rng_ahead_next(ahead), high = rng_ahead_next(ahead);
    return rng_to_uniform(low | high << 32);
}

void us_rng_fill_normal(us_rng *rng, double *out, size_t count) {
    rng_ahead ahead = {.rng = rng, .first = rng->position + RNG_WORDS}; /* holds nothing yet */
    for (size_t i = 0; i < count; i++) {
        double first = rng_ahead_uniform(&ahead), second = rng_ahead_uniform(&ahead);
        out[i] = rng_to_normal(first, second);
    }
}

void us_rng_fill_signs(us_rng *rng, double *out, size_t count) {
    rng_ahead ahead = {.rng = rng, .first = rng->position + RNG_WORDS}; /* holds nothing yet */
    for (size_t i = 0; i < count; i += 32) {
        uint32_t bits = rng_ahead_next(&ahead);
        for (size_t k = 0; k < 32 && i + k < count; k++) out[i + k] = bits >> k & 1 ? 1 : -1;
    }
}

void us_rng_permutation(us_rng *rng, uint32_t *order, size_t count) {
    rng_ahead ahead = {.rng = rng, .first = rng->position + RNG_WORDS}; /* holds nothing yet */
    for (size_t i = 0; i < count; i++) order[i] = (uint32_t)i;
    for (size_t i = count; i > 1; i--) {
        size_t j = rng_ahead_below(&ahead, (uint32_t)i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}
