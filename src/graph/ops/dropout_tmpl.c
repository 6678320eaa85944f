#include "graph/graph.h"
#include "vec/real.h"

enum { LANES = 16, WORDS = 4 };

/* Philox 4×32-10 (base/rng.c) for the counters (block + lane, row, draw): words[w·LANES + lane], in lanes that registers
 * hold side by side. */
static inline void mask_words(uint32_t block, uint32_t row, uint64_t draw, uint32_t k0, uint32_t words[WORDS * LANES]) {
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES], k1 = 0x64726F70; /* "drop" */
    for (uint32_t l = 0; l < LANES; l++)
        c0[l] = block + l, c1[l] = row, c2[l] = (uint32_t)draw, c3[l] = (uint32_t)(draw >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
        for (int l = 0; l < LANES; l++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0[l], p1 = (uint64_t)0xCD9E8D57u * c2[l];
            uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1[l] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3[l] ^ k1;
            c1[l] = (uint32_t)p1;
            c3[l] = (uint32_t)p0;
            c0[l] = n0;
            c2[l] = n2;
        }
    for (int l = 0; l < LANES; l++) {
        words[l] = c0[l];
        words[LANES + l] = c1[l];
        words[2 * LANES + l] = c2[l];
        words[3 * LANES + l] = c3[l];
    }
}

us__kernel US_REAL(us__mask);

US_KERNEL void US_REAL(us__mask)(const us__call *call) {
    size_t n = us__elements(call->node, 1);
    us_real *out = call->out;
    if (call->draw == 0) {
        for (size_t i = 0; i < call->rows * n; i++) out[i] = 1;
        return;
    }
    us_real kept = (us_real)(1 / (1 - call->node->value));
    uint32_t below = (uint32_t)(call->node->value * 0x1p32), words[WORDS * LANES];
    for (size_t i = 0; i < call->rows; i++, out += n) {
        uint32_t row = call->numbers ? call->numbers[i] : (uint32_t)(call->first + i);
        for (size_t from = 0; from < n; from += WORDS * LANES) {
            size_t count = n - from < WORDS * LANES ? n - from : WORDS * LANES;
            mask_words((uint32_t)(from / WORDS), row, call->draw, (uint32_t)call->node->index, words);
            for (size_t j = 0; j < count; j++) out[from + j] = words[j] < below ? 0 : kept;
        }
    }
}
