/* Products with other curvatures than the Hessian: the generalised Gauss-Newton matrix and the empirical Fisher matrix. */
#ifndef US_GRAPH_PRODUCTS_H
#define US_GRAPH_PRODUCTS_H

#include "graph/plan.h"
#include <unstuck/problem.h>

/* A graph that goes on from a problem's own, with the plan and workspace of one kind of product. */
typedef struct us__products {
    us_graph *graph;
    us__plan *plan;
    us__workspace *workspace;
} us__products;

/* @param graph  with its derivatives; it is read, not changed. Errors: US_ERR_UNSUPPORTED (Gauss-Newton without an output
 * that depends on a parameter), US_ERR_NOMEM. @param out [caller destroys] */
us_status us__products_create(us__products **out, const us_graph *graph, us_product product, us_precision precision);
void us__products_destroy(us__products *products);

#endif
