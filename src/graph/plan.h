/* A plan: what is computed for some nodes of a graph, in which order, and where the values lie. It holds no numbers and is
 * the same for both precisions; a workspace holds the numbers. */
#ifndef US_GRAPH_PLAN_H
#define US_GRAPH_PLAN_H

#include "graph/graph.h"

/* Rows are computed in blocks of so many. Sums over samples are cut there, and nowhere else. */
enum { US__BLOCK_ROWS = 512, US__BLOCK_VECTORS = 16 };

/* When a node is computed. A sum over samples belongs to the blocks: their sums add up to its value. */
typedef enum us__segment {
    US__ONCE,         /* does not depend on samples */
    US__BLOCK,        /* for each block of rows */
    US__AFTER,        /* from sums over samples */
    US__ONCE_TANGENT, /* the same for what depends on a vector v: for each v (and, for simplicity, each block) */
    US__BLOCK_TANGENT,
    US__AFTER_TANGENT,
    US__SEGMENTS
} us__segment;

/* A place for one value at a time. */
typedef struct us__slot {
    size_t elements; /* each row, or in all */
    bool rows;
} us__slot;

typedef struct us__program us__program; /* program.h */

typedef struct us__plan {
    us_context *context;
    const us_graph *graph;
    us__arena *arena;
    us_node *order;                 /* computed nodes, segment by segment */
    us__program **program;          /* [order] what computes the nodes from here on; NULL: the node's own kernel */
    bool *inside;                   /* [nodes] its value is needed within a program only, and has no place */
    size_t scratch;                 /* elements that a program or an operation needs, at most */
    size_t start[US__SEGMENTS + 1]; /* of each segment in order */
    us_node *leaves;                /* [leaf_count] what the caller's memory holds: θ, v, 1/count, data */
    size_t leaf_count;
    us_node watched;  /* read by the caller after each block (a loss, an output); may be US_NODE_NONE */
    us_node *outputs; /* [output_count] US_NODE_NONE is zero */
    size_t output_count;
    bool *direct;                /* [output_count] computed right in the caller's memory */
    us_node *sums;               /* [sum_count] sums over samples; those without tangent first */
    size_t sum_count, sum_plain; /* in all; without tangent */
    size_t sum_elements[2];      /* elements of those without tangent, and of those with */
    uint32_t *slot;              /* [nodes] UINT32_MAX: elsewhere */
    us__slot *slots;             /* [slot_count] */
    size_t slot_count;
} us__plan;

us_status us__plan_create(us__plan **out, const us_graph *graph, us_node watched, const us_node *outputs, size_t count);
void us__plan_destroy(us__plan *plan);
bool us__plan_reads(const us__plan *plan, us_node leaf);
/* Whether the batch's draw makes a difference. */
bool us__plan_draws(const us__plan *plan);

/* ------------------------------------------------------------------ execution */

/* Memory for one evaluation at a time. It grows when an evaluation needs more than any before. */
typedef struct us__workspace {
    us_context *context;
    us_precision precision;
    void **address; /* [nodes] of the graph when the workspace was made */
    size_t nodes;
    char *memory;
    size_t bytes;
    void *scratch; /* of programs and operations */
    double *sums;  /* sums over blocks */
    size_t sum_count;
    char weight[8]; /* 1/count, in the precision */
} us__workspace;

us_status us__workspace_create(us__workspace **out, us_context *context, us_precision precision, size_t nodes);
void us__workspace_destroy(us__workspace *workspace);

/* One evaluation of a plan. */
typedef struct us__evaluation {
    const us__plan *plan;
    us__workspace *workspace;
    const void *theta;              /* [dimension] */
    size_t count;                   /* rows */
    const uint32_t *rows;           /* which ones, or NULL: 0 .. count−1 */
    uint64_t draw;                  /* 0: the evaluation form */
    const void *features, *targets; /* [·×columns], [·×outputs], or NULL */
    const uint32_t *labels;         /* [·×positions], or NULL */
    size_t stride, label_stride;    /* elements from one row of features, of labels, to the next */
    us_precision data_precision;
    /* Called after each block with the watched node's rows; may be NULL. */
    void (*watch)(void *user, const void *values, size_t first, size_t rows);
    void *watch_user;
    void *output;         /* [dimension] the outputs, one after the other; for a plan without tangents */
    const void *const *v; /* [k] vectors, [dimension] each */
    void *const *hv;      /* [k] the outputs for each */
    size_t k;
} us__evaluation;

us_status us__evaluate(const us__evaluation *evaluation);

/* to[i] = from[rows ? rows[first + i] : first + i], rows of `columns` numbers that begin `stride` apart, converted to the
 * workspace's precision. */
void us__gather_f32(void *to, const void *from, us_precision precision, const uint32_t *rows, size_t first, size_t count,
                    size_t columns, size_t stride);
void us__gather_f64(void *to, const void *from, us_precision precision, const uint32_t *rows, size_t first, size_t count,
                    size_t columns, size_t stride);
/* sums[i] += values[i] */
void us__accumulate_f32(double *sums, const void *values, size_t n);
void us__accumulate_f64(double *sums, const void *values, size_t n);
double us__total_f32(const void *values, size_t n);
double us__total_f64(const void *values, size_t n);

#endif
