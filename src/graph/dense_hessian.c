/* The whole Hessian of a network of dense layers. With ∂/∂bᵢ of what belongs to a sample (dense.c) it is a sum over samples
 * of ∂²loss/∂[W b]ₗ[i,j] ∂[W b]ₘ[i',j'] = aₗ[j]·(∂δₘ[i']/∂bᵢ·aₘ[j'] + δₘ[i']·∂aₘ[j']/∂bᵢ),   δₘ = ∂loss/∂yₘ, for layers m
 * that do not come before l; the rest is symmetry. The sums are matrix products: aₗ' times the brackets. The same structure
 * serves Kronecker approximations: Botev, Ritter & Barber 2017, "Practical Gauss-Newton optimisation for deep learning",
 * ICML; here nothing is approximated. */
#include "graph/dense.h"
#include <string.h>

typedef struct hessian_sums {
    us__dense_walk walk;
    size_t n;               /* of θ */
    char *rates;            /* [US__BLOCK_VECTORS×rows×width] */
    char *own;              /* [threads×own_bytes] */
    size_t own_bytes, wide; /* numbers of the largest aₗ' times brackets; of their scratch */
    double *h;
} hessian_sums;

static void hessian_take(void *user, size_t vector, const void *values, size_t first, size_t rows) {
    hessian_sums *s = user;
    size_t row = s->walk.dense->width[1] * s->walk.size;
    memcpy(s->rates + (vector * US__DENSE_ROWS + first) * row, values, rows * row);
}

static double hessian_number(const hessian_sums *s, const char *from, size_t i) {
    return s->walk.single ? (double)((const float *)(const void *)from)[i] : ((const double *)(const void *)from)[i];
}

/* All that belongs to one unit of layer l: its rows of H, in layers that do not come before. */
static void hessian_unit(void *user, size_t vector, size_t thread) {
    const hessian_sums *s = user;
    const us__dense_walk *w = &s->walk;
    const us__dense *d = w->dense;
    const us__dense_layer *mine = us__dense_layer_of(d, w->unit + vector);
    size_t i = w->unit + vector - mine->first, l = (size_t)(mine - d->layers), size = w->size;
    const char *rates = s->rates + vector * US__DENSE_ROWS * d->width[1] * size;
    char *own = s->own + thread * s->own_bytes, *sums = own, *scratch = own + s->wide * size;
    char *beside = scratch + US__DENSE_TILE * (s->n + 1) * size;
    for (size_t m = l; m < d->count; m++) {
        const us__dense_layer *other = &d->layers[m];
        bool moves = other->rates_at != SIZE_MAX && m != l;
        us__dense_part part = {.in = other->in,
                               .out = other->out,
                               .a = w->inputs[m],
                               .slope = w->values + other->slope_at * size,
                               .slope_step = d->width[0],
                               .turn_step = d->width[1]};
        if (other->turns_at != SIZE_MAX) part.turns = rates + other->turns_at * size;
        if (moves) us__dense_beside(w, rates, d->width[1], other->rates_at, other->in, 0, beside), part.rates = beside;
        size_t from = m == l ? i : 0, columns = other->in + 1, width = (other->out - from) * columns;
        (w->single ? us__dense_contract_f32 : us__dense_contract_f64)(w->inputs[l], mine->in + 1, &part, from, w->rows, sums,
                                                                      scratch);
        for (size_t j = 0; j <= mine->in; j++) {
            double *row = s->h + us__dense_place(d, mine, i, j) * s->n;
            for (size_t c = 0; c < width; c++)
                row[us__dense_place(d, other, from + c / columns, c % columns)] +=
                    w->share * hessian_number(s, sums, j * width + c);
        }
    }
}

static void hessian_block(us__dense_walk *walk, size_t k) {
    us_context *context = walk->dense->graph->context;
    us__parallel(context, (size_t)us_context_threads(context), k, hessian_unit, walk);
}

us_status us__dense_hessian(us__dense *d, const us__evaluation *all, double *h,
                            void (*progress)(void *user, size_t done, size_t rows), void *user) {
    us_context *context = d->graph->context;
    hessian_sums s = {.n = d->graph->dimension, .h = h};
    s.walk = (us__dense_walk){.take = hessian_take, .block = hessian_block, .progress = progress, .user = user};
    size_t threads = (size_t)us_context_threads(context), wide = 0;
    size_t size = us_precision_bytes(d->workspace[0]->precision);
    for (size_t l = 0; l < d->count; l++) wide = wide > d->layers[l].in + 1 ? wide : d->layers[l].in + 1;
    s.wide = wide * s.n;
    s.own_bytes = (s.wide + US__DENSE_TILE * (s.n + 1) + US__DENSE_ROWS * wide + 16) * size;
    us_status status = US_ERR_NOMEM;
    if (!(s.own = us__alloc(context, threads, s.own_bytes))) goto done;
    if (!(s.rates = us__new(context, US__BLOCK_VECTORS * US__DENSE_ROWS * d->width[1], size))) goto done;
    memset(h, 0, s.n * s.n * sizeof *h);
    status = us__dense_walk_all(&s.walk, d, all);
    /* of H[p,q] and H[q,p] one was computed, or both inside a unit, alike but for rounding */
    for (size_t p = 0; p < s.n && !status; p++)
        for (size_t q = p + 1; q < s.n; q++) {
            double *a = &h[p * s.n + q], *b = &h[q * s.n + p];
            *a = *b = *a == 0 ? *b : *b == 0 ? *a : 0.5 * (*a + *b);
        }
done:
    us__release(context, s.own);
    us__release(context, s.rates);
    return status;
}
