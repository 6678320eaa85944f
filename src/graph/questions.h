/* What a problem of a graph is asked: its derivatives as graphs, and a plan for each question. */
#ifndef US_GRAPH_QUESTIONS_H
#define US_GRAPH_QUESTIONS_H

#include "graph/plan.h"
#include <unstuck/data.h>

/* It does not change after creation: a problem and its recasts share it. */
typedef struct us__questions {
    us_graph *graph;
    const us_dataset *dataset;                      /* NULL: no data */
    us__plan *value, *gradient, *product, *predict; /* predict is NULL without an output */
} us__questions;

/* @param graph    with a loss and a parameter; it is derived. It stays the caller's, also after an error, and must outlive
 * *out
 * @param dataset  what the graph reads, or NULL; must outlive *out
 * Errors: US_ERR_ARGUMENT, US_ERR_SHAPE, US_ERR_INPUT: the graph and the dataset do not go together; US_ERR_NOMEM.
 * @param out      [caller destroys] */
us_status us__questions_create(us__questions **out, us_graph *graph, const us_dataset *dataset);
void us__questions_destroy(us__questions *questions);

#endif
