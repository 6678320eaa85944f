/* The diagonal of the Hessian of a network of dense layers, exactly: with ∂/∂bᵢ of what belongs to a sample (dense.c) it is
 * a sum over samples of ∂²loss/∂[W b][i,j]² = aⱼ²·∂δᵢ/∂bᵢ,   δ = ∂loss/∂y, so a unit's tangent is needed at that unit alone,
 * and the sums are one matrix product a layer: (∂δ/∂b)'·(a∘a). What Martens, Sutskever & Swersky 2012 ("Estimating the
 * Hessian by back-propagating curvature", ICML) and Becker & LeCun 1989 estimate and approximate is here computed, a tangent
 * a unit. */
#include "graph/dense.h"
#include <math.h>
#include <string.h>

typedef struct diagonal_sums {
    us__dense_walk walk;
    char *turns; /* [units] a layer's [rows×out] after the other: ∂δᵢ/∂bᵢ of each row */
    char *sums;  /* [out×(in+1)] of the largest layer */
    double *d;
} diagonal_sums;

static void diagonal_take(void *user, size_t vector, const void *values, size_t first, size_t rows) {
    diagonal_sums *s = user;
    const us__dense_walk *w = &s->walk;
    size_t unit = w->unit + vector, size = w->size, row = w->dense->width[1] * size;
    const us__dense_layer *layer = us__dense_layer_of(w->dense, unit);
    if (layer->turns_at == SIZE_MAX) return;
    const char *from = (const char *)values + (layer->turns_at + unit - layer->first) * size;
    char *to = s->turns + (layer->first * US__DENSE_ROWS + first * layer->out + unit - layer->first) * size;
    for (size_t r = 0; r < rows; r++, from += row, to += layer->out * size) memcpy(to, from, size);
}

static void diagonal_chunk(us__dense_walk *w) {
    diagonal_sums *s = (diagonal_sums *)(void *)w;
    const us__dense *d = w->dense;
    for (size_t l = 0; l < d->count; l++) {
        const us__dense_layer *layer = &d->layers[l];
        size_t columns = layer->in + 1;
        if (layer->turns_at == SIZE_MAX) continue;
        (w->single ? us__dense_squares_f32 : us__dense_squares_f64)(
            w->inputs[l], columns, s->turns + layer->first * US__DENSE_ROWS * w->size, layer->out, w->rows, s->sums);
        for (size_t k = 0; k < layer->out * columns; k++)
            s->d[us__dense_place(d, layer, k / columns, k % columns)] +=
                w->share *
                (w->single ? (double)((const float *)(const void *)s->sums)[k] : ((const double *)(const void *)s->sums)[k]);
    }
}

/* What is no product of matrices takes about ten times as long as its operations. */
static double diagonal_plan_work(const us__plan *p) { return 10 * (double)p->work.all - 9 * (double)p->work.products; }

double us__dense_diagonal_products(const us__dense *d, const us__plan *product) {
    double once = diagonal_plan_work(d->values), unit = diagonal_plan_work(d->rates) - once; /* that holds the values, too */
    return (once + (double)d->units * fmax(unit, 0) + 2 * (double)d->graph->dimension) /
           fmax(1, diagonal_plan_work(product) - once);
}

us_status us__dense_diagonal(us__dense *dense, const us__evaluation *all, double *d) {
    us_context *context = dense->graph->context;
    diagonal_sums s = {.d = d};
    s.walk = (us__dense_walk){.take = diagonal_take, .chunk = diagonal_chunk};
    size_t size = us_precision_bytes(dense->workspace[0]->precision), most = 0, n = dense->graph->dimension;
    for (size_t l = 0; l < dense->count; l++) {
        size_t numbers = dense->layers[l].out * (dense->layers[l].in + 1);
        most = most > numbers ? most : numbers;
    }
    if (!(s.turns = us__new(context, US__DENSE_ROWS * dense->units + most, size))) return US_ERR_NOMEM;
    s.sums = s.turns + US__DENSE_ROWS * dense->units * size;
    memset(d, 0, n * sizeof *d);
    us_status status = us__dense_walk_all(&s.walk, dense, all);
    us__release(context, s.turns);
    return status;
}
