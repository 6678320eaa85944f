/* Second derivatives of a graph whose parameters are dense layers: a tangent for each unit tells them all. */
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

/* The whole Hessian. @param all  evaluates over the rows asked for; plan and workspace are not read @param h [n×n],
 * symmetric Errors: US_INTERRUPTED; progress hears rows done. */
us_status us__dense_hessian(us__dense *dense, const us__evaluation *all, double *h,
                            void (*progress)(void *user, size_t done, size_t rows), void *user);
/* Its diagonal. @param d [n] */
us_status us__dense_diagonal(us__dense *dense, const us__evaluation *all, double *d);
/* How many products at a kept point it takes as long as, about. */
double us__dense_diagonal_products(const us__dense *dense, const us__plan *product);

enum { US__DENSE_ROWS = 1024, US__DENSE_TILE = 128 };

/* A walk over all rows, a chunk after the other, and in each over all units, some at a time. */
typedef struct us__dense_walk {
    /* Of unit `unit` + vector, rows first .. of the chunk: [rows×width[1]] rates of change with its bias. user: the walk */
    void (*take)(void *user, size_t vector, const void *rates, size_t first, size_t rows);
    void (*block)(struct us__dense_walk *, size_t k); /* units `unit` .. + k have been taken; may be NULL */
    void (*chunk)(struct us__dense_walk *);           /* all have; may be NULL */
    void (*progress)(void *user, size_t done, size_t rows);
    void *user; /* of progress, which may be NULL */
    /* What is known meanwhile: */
    us__dense *dense;
    bool single;
    size_t size, rows, unit; /* of a number; of the chunk; the first of the units at hand */
    double share;            /* of the chunk's mean in that of all rows */
    char *values;            /* [rows×width[0]] */
    char **inputs;           /* [layers] each [rows×(in+1)], the last a one */
} us__dense_walk;
us_status us__dense_walk_all(us__dense_walk *walk, us__dense *dense, const us__evaluation *all);
/* Where [W b][i,j] lies in θ. */
size_t us__dense_place(const us__dense *dense, const us__dense_layer *layer, size_t i, size_t j);
const us__dense_layer *us__dense_layer_of(const us__dense *dense, size_t unit);
/* Columns at .. of a block of values [rows×width], with one more beside them, which is `last`. */
void us__dense_beside(const us__dense_walk *walk, const char *from, size_t width, size_t at, size_t columns, double last,
                      char *to);

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
/* sums [units×columns] ← turns'·(a∘a). @param a [rows×columns] overwritten @param turns [rows×units] */
typedef void us__dense_squares(void *a, size_t columns, const void *turns, size_t units, size_t rows, void *sums);
us__dense_squares us__dense_squares_f32, us__dense_squares_f64;

#endif
