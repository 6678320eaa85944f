/* The residuals of a loss that is a sum of squares, and their derivatives. */
#ifndef US_GRAPH_RESIDUALS_H
#define US_GRAPH_RESIDUALS_H

#include "graph/plan.h"

/* A graph that goes on from a problem's own, with the derivatives of its output. */
typedef struct us__residuals {
    us_graph *graph;
    us__plan *plan;
    us__workspace *workspace;
    void *row; /* [dimension] of the precision */
} us__residuals;

/* Is the loss the squares of one number a sample? */
bool us__residuals_one(const us_graph *graph);
/* For derivatives. @param graph  with its derivatives; it is read, not changed. @param out [caller destroys] */
us_status us__residuals_create(us__residuals **out, const us_graph *graph, us_precision precision);
void us__residuals_destroy(us__residuals *residuals);
/* @param predict  evaluates the output over all samples; has their targets
 * @param values  [samples] √(2·squares)·(output − target) @param jacobian  [samples×dimension], or NULL: then `residuals` is
 * not needed */
us_status us__residuals_evaluate(us__residuals *residuals, us__evaluation *predict, double *values, double *jacobian);

#endif
