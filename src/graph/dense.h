/* The whole Hessian of a graph whose parameters are dense layers, for less than a product for each of its columns. */
#ifndef US_GRAPH_DENSE_H
#define US_GRAPH_DENSE_H

#include "graph/plan.h"

/* y = a·[W b]', a the input and a one: [samples×(in+1)]. */
typedef struct us__dense_layer {
    size_t weight, bias; /* parameters */
    us_node input, sum;  /* [samples×in], y [samples×out] */
    size_t in, out;
    size_t first;               /* of its units among all */
    size_t values_at, slope_at; /* columns of the input, and of ∂loss/∂y, among the values */
    size_t rates_at, turns_at;  /* columns of their derivatives among the rates; SIZE_MAX: zero */
} us__dense_layer;

typedef struct us__dense {
    us_graph *graph; /* goes on from the problem's own */
    us__plan *values, *rates;
    us__workspace *workspace[2];
    us__dense_layer *layers; /* [count] each after those that it depends on */
    size_t count, units;
    size_t width[2]; /* columns of values, of rates */
} us__dense;

/* *out is NULL with US_OK where the graph is of another kind: a parameter that is no dense layer's, or used twice.
 * @param graph  with its derivatives; it is read, not changed. @param out [caller destroys] */
us_status us__dense_create(us__dense **out, const us_graph *graph, us_precision precision);
void us__dense_destroy(us__dense *dense);
/* @param all  evaluates over the rows asked for; plan and workspace are not read @param h [n×n], symmetric
 * Errors: US_INTERRUPTED; progress hears rows done. */
us_status us__dense_hessian(us__dense *dense, const us__evaluation *all, double *h,
                            void (*progress)(void *user, size_t done, size_t rows), void *user);

enum { US__DENSE_ROWS = 1024, US__DENSE_TILE = 128 };

/* Rows of a layer, of the precision. */
typedef struct us__dense_part {
    size_t in, out, slope_step, turn_step;
    const void *a;     /* [rows×(in+1)] */
    const void *rates; /* [rows×(in+1)] of a, or NULL: zero */
    const void *slope; /* [rows×..out] ∂loss/∂y, rows slope_step apart */
    const void *turns; /* likewise its derivative, or NULL: zero */
} us__dense_part;
/* Σ over rows of a'·(∂/∂yᵢ of the gradient by [W b] of units from .. out of the other layer).
 * @param sums [(in+1)×(out−from)·(other's in+1)] @param scratch [US__DENSE_TILE×(out−from)·(other's in+1)] */
typedef void us__dense_kernel(const void *a, size_t columns, const us__dense_part *other, size_t from, size_t rows,
                              void *sums, void *scratch);
us__dense_kernel us__dense_contract_f32, us__dense_contract_f64;

#endif
