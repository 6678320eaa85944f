/* The values at a point, kept from one product with the Hessian to the next: they are used again where θ and the rows are
 * the same to the last bit. Of θ that is told by a fingerprint of 128 bits, which takes no memory: two points have the same
 * by chance alone, once in 10³⁸. The dataset does not change under a problem. */
#include "graph/plan.h"
#include <string.h>

/* Each word goes into two numbers, by a multiplication that carries its bits up and a turn that brings them down again: what
 * differs in one word does so ever after. Words are taken in turn by lanes that the processor computes side by side. */
static uint64_t point_mix(uint64_t sum, uint64_t word, uint64_t factor) {
    sum = (sum ^ word) * factor;
    return sum << 29 | sum >> 35;
}

static void point_fingerprint(const void *bytes, size_t n, uint64_t print[2]) {
    enum { LANES = 4 };
    static const uint64_t FACTOR[2] = {0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu}; /* odd, half of their bits set */
    uint64_t sum[2][LANES] = {{1, 2, 3, 4}, {5, 6, 7, 8}}, words[LANES];
    const char *from = bytes;
    for (size_t i = 0; i < n; i += sizeof words) {
        if (n - i < sizeof words) memset(words, 0, sizeof words);
        memcpy(words, from + i, n - i < sizeof words ? n - i : sizeof words);
        for (size_t l = 0; l < LANES; l++)
            for (size_t k = 0; k < 2; k++) sum[k][l] = point_mix(sum[k][l], words[l], FACTOR[k]);
    }
    for (size_t k = 0; k < 2; k++) {
        print[k] = n;
        for (size_t l = 0; l < LANES; l++) print[k] = point_mix(print[k], sum[k][l], FACTOR[k]);
    }
}

void us__point_forget(us__workspace *w) { w->point.plan = NULL; }

bool us__point_is(const us__evaluation *e) {
    const us__point *p = &e->workspace->point;
    uint64_t theta[2];
    if (p->plan != e->plan || p->count != e->count || p->draw != e->draw || p->features != e->features ||
        !p->numbered != !e->rows || (e->rows && memcmp(p->rows, e->rows, e->count * sizeof *p->rows)))
        return false;
    point_fingerprint(e->theta, e->plan->graph->dimension * us_precision_bytes(e->workspace->precision), theta);
    return !memcmp(p->theta, theta, sizeof theta);
}

us_status us__point_keep(const us__evaluation *e) {
    us__workspace *w = e->workspace;
    us__point *p = &w->point;
    us__point_forget(w);
    us_status status = US_OK;
    if (e->rows) status = us__workspace_room(w, (void **)&p->rows, &p->room, e->count, sizeof *p->rows);
    if (status != US_OK) return status;
    point_fingerprint(e->theta, e->plan->graph->dimension * us_precision_bytes(w->precision), p->theta);
    if (e->rows) memcpy(p->rows, e->rows, e->count * sizeof *p->rows);
    p->numbered = e->rows != NULL;
    p->count = e->count;
    p->draw = e->draw;
    p->features = e->features;
    p->plan = e->plan;
    return US_OK;
}
