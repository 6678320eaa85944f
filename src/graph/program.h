/* Programs: elementwise operations, and sums over rows, that are computed together, a tile at a time, so that what only they
 * need stays in registers: small arrays that live in the first level of cache. Every number is computed by the same
 * operations in the same order as one node at a time would, so that not a bit differs. */
#ifndef US_GRAPH_PROGRAM_H
#define US_GRAPH_PROGRAM_H

#include "graph/graph.h"

enum {
    US__TILE = 1024,        /* elements of a tile, unless tiles are whole rows */
    US__TILE_WIDEST = 8192, /* columns of a program whose tiles are whole rows */
    US__PROGRAM_MOST = 64,  /* instructions */
};

/* A program works on rows×columns: leading axes of one shape are rows, the others columns. Row r belongs to row
 * r / divide % period of the operand, or r / divide where period is 0. */
typedef struct us__operand {
    us_node node; /* where it lies in memory, or US_NODE_NONE: in a register */
    uint32_t reg; /* which one */
    bool wide;    /* has all the columns; otherwise one number serves a row */
    size_t divide, period;
} us__operand;

typedef struct us__instruction {
    us_node node;
    us__row *row[2]; /* f32, f64 */
    us__operand in[US__INPUTS], out;
    size_t step[US__INPUTS];
    bool flat;   /* one call for a tile, otherwise one for each of its rows */
    bool narrow; /* computes one number a row, from such numbers */
} us__instruction;

typedef struct us__program {
    size_t nodes; /* of the plan's order that it computes */
    size_t lines, columns;
    bool samples_are_lines, samples_are_columns; /* then there are so many a sample */
    bool whole;                                  /* tiles are whole rows */
    size_t scratch;                              /* elements of all registers, and two for each of its sums */
    size_t length, sums;
    us__instruction *code; /* [length]; the last ones are sums over all rows */
} us__program;

/* Computes what the program computes, from and to `address` [nodes].
 * @param rows     what US_SAMPLES stands for
 * @param scratch  [program->scratch] elements, aligned to 64 bytes */
void us__program_run(const us__program *program, const us_graph *graph, void *const *address, size_t rows,
                     us_precision precision, void *scratch);

/* The same in parts: begin, lines in order, end. */
void us__program_begin(const us__program *program, size_t rows, void *scratch);
void us__program_lines(const us__program *program, const us_graph *graph, void *const *address, size_t rows,
                       us_precision precision, void *scratch, size_t first, size_t count);
void us__program_end(const us__program *program, void *const *address, size_t rows, us_precision precision, void *scratch);

/* How many elements of node a, in order, a line of the program reads, if it reads a so; else 0. */
size_t us__program_follows(const us__program *program, const us_graph *graph, us_node a);

/* Row r of `space` and the rows of x, when the last `columns` axes of `space` are columns: fills wide, divide and period.
 * False where x is not read in that way. */
bool us__operand_fits(const us__node *x, const us__node *space, size_t columns, us__operand *operand);

#endif
