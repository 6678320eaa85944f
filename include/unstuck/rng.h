/** Random numbers: Philox 4×32-10, a counter-based generator. A state is a value: copy it, save it. */
#ifndef UNSTUCK_RNG_H
#define UNSTUCK_RNG_H

#include <unstuck/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One stream of random numbers. The k-th draw depends on (seed, stream, k) and nothing else.
 * Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3". */
typedef struct us_rng {
    uint64_t seed;     /* the key */
    uint64_t stream;   /* upper half of the counter: distinct streams of a seed do not overlap */
    uint64_t position; /* how many 32-bit words have been drawn */
} us_rng;

/** The raw block function: four words from a counter and a key. */
US_API void us_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

US_API us_rng us_rng_init(uint64_t seed, uint64_t stream);
US_API uint32_t us_rng_u32(us_rng *rng);
US_API uint64_t us_rng_u64(us_rng *rng);
/** Uniform on [0, 1), 53 bits. */
US_API double us_rng_uniform(us_rng *rng);
/** Normal with mean 0 and variance 1 (Box-Muller; two draws a number, so that position stays simple). */
US_API double us_rng_normal(us_rng *rng);
/** count of these, one after the other: the same numbers, in less time. @param out [count] */
US_API void us_rng_fill_normal(us_rng *rng, double *out, size_t count);
/** Random signs, 1 or -1 with equal probability: 32 from a word, the lowest bit first. @param out [count] */
US_API void us_rng_fill_signs(us_rng *rng, double *out, size_t count);
/** Uniform on 0 .. bound-1 without bias (Lemire 2019). bound > 0. */
US_API uint32_t us_rng_below(us_rng *rng, uint32_t bound);
/** count such draws, one after the other. @param out [count] */
US_API void us_rng_fill_below(us_rng *rng, uint32_t bound, uint32_t *out, size_t count);
/** A uniformly random permutation of 0 .. count-1 into order (Fisher-Yates). count < 2^32. */
US_API void us_rng_permutation(us_rng *rng, uint32_t *order, size_t count);

#ifdef __cplusplus
}
#endif
#endif
