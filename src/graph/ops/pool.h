/* Pooling: what its operations and kernels share. */
#ifndef US_GRAPH_POOL_H
#define US_GRAPH_POOL_H

#include "graph/graph.h"

/* Pairs are (height, width). */
typedef struct us__pooling {
    size_t size[2], stride[2], padding[2];
    size_t x[2], y[2]; /* sizes of the image and of its windows' results */
    size_t channels;
} us__pooling;

/* From the larger shape, the smaller one, and the index of a pooling operation. */
void us__pooling_of(const us__node *x, const us__node *y, size_t index, us__pooling *p);

#endif
