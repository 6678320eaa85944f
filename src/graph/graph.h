/* The inside of a graph: nodes, the table row of an operation, and how rules build nodes. */
#ifndef US_GRAPH_GRAPH_H
#define US_GRAPH_GRAPH_H

#include "base/base.h"
#include <unstuck/graph.h>

enum { US__RANK = 4, US__INPUTS = 3, US__HOW = 8 };

typedef struct us__op us__op;
typedef struct us__mark us__mark; /* a layer of units: units.h */

/* A value: an operation on nodes that stand before it. Equal nodes are one node (see us__graph_make). */
typedef struct us__node {
    const us__op *op;
    us_node in[US__INPUTS]; /* US_NODE_NONE beyond op->inputs */
    size_t rank;
    size_t shape[US__RANK]; /* shape[0] may be US_SAMPLES; 0 beyond rank */
    size_t index;           /* parameter, column, transposes, power of a logarithm: see the operation */
    uint32_t how[US__HOW];  /* order of axes, where a slice begins, strides, ...: see the operation; 0 beyond op->how */
    double value;           /* of a constant; an epsilon */
    bool again;             /* the same value as another node's, computed once more for each vector (again.c) */
    bool tangent;           /* depends on a vector, or is computed again for it: follows from the others */
    /* Where it comes from, which is no part of its content: */
    const char *part; /* of the model, such as "layer2 (dense)"; NULL: not known */
    us_node origin;   /* of a derivative: the node it is the derivative of; else US_NODE_NONE */
} us__node;

/* A part of a matrix. */
typedef struct us__range {
    size_t row, rows, column, columns; /* the first, and how many */
} us__range;

/* What a value kernel is given. Arrays are row-major; out may be an input of the same shape when op->elementwise. */
typedef struct us__call {
    const us_graph *graph;
    const us__node *node;
    void *out;
    const void *in[US__INPUTS];
    size_t rows;              /* what US_SAMPLES stands for: a tile or a block of the batch */
    uint64_t draw;            /* 0: the evaluation form */
    const uint32_t *numbers;  /* [rows] of the samples in the dataset; NULL: first, first + 1, .. */
    size_t first;             /* place in the batch of the first of them */
    size_t pitch[US__INPUTS]; /* of products: rows of an input's panels (gemm.h); 0: it is row-major */
    const us__range *range;   /* the part of the result that is asked for (op->cuts only); NULL: all of it */
    void *scratch;            /* what op->scratch asked for */
    /* Operations that cut: tells that elements of the result are complete, in order; NULL: nobody asks. */
    void (*done)(void *user, size_t elements);
    void *user;
} us__call;
typedef void us__kernel(const us__call *call);

/* n elements of an elementwise operation: out[i] = f(in[0][i·step[0]], …); a step is 1, or 0 for one number that serves
 * all. out may be an input whose step is 1. */
typedef void us__row(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n);

/* The derivative of y by its input i, applied to d. Forward: d has the shape of the input, the result that of y.
 * Reverse (the adjoint): d has the shape of y, the result that of the input. US_NODE_NONE stands for zero. */
typedef us_node us__rule(us_graph *graph, us_node y, size_t i, us_node d);

/* One operation. The set is closed: rules build nodes of these operations only, so derivatives can be derived again. */
struct us__op {
    const char *name;
    size_t inputs;
    size_t how;                                            /* how many of node->how it uses */
    size_t labels;                                         /* 1 + the input that must be labels, or 0 */
    bool elementwise;                                      /* inputs broadcast; may be computed in place; constants fold */
    bool cuts;                                             /* the result is a matrix; kernels heed call->range */
    bool commutes;                                         /* op(a, b) = op(b, a) to the last bit */
    us_status (*shape)(us_graph *, us__node *node);        /* fills rank and shape, or checks those asked for */
    us_node (*simplify)(us_graph *, const us__node *node); /* a node of the same value, or US_NODE_NONE; may be NULL */
    us__kernel *value[2];                                  /* f32, f64; NULL: a leaf, or a view of its input */
    us__row *row[2];                                       /* its loop, where one is enough; value is us__elementwise */
    us__row *line[2];                                      /* a row of the last axis to as many numbers, or to one */
    size_t (*scratch)(const us_graph *, const us__node *); /* elements of workspace, whatever the rows. May be NULL */
    bool draws;                                            /* the value depends on the draw: evaluation or training form */
    us__rule *forward, *reverse;
    /* Elementwise only: ∂y/∂xᵢ·d without regard to shapes. A diagonal map is its own adjoint, so that it is both rules. */
    us__rule *slope;
};

/* Numbers that do not change (us_graph_array); node.index says which. */
typedef struct us__array {
    const double *values; /* [count] */
    size_t count;
} us__array;

/* What a row costs, about. */
typedef struct us__work {
    size_t all;      /* operations */
    size_t products; /* those of them that are in products of matrices */
    size_t lines;    /* rows that a sample has in such products, at most: a text's positions; 0 stands for 1 */
    bool sees_tiles; /* a value depends on which rows are computed together */
} us__work;

struct us_graph {
    us_context *context;
    us_status status; /* sticks */
    us__node *nodes;
    size_t count, capacity;
    uint32_t *table;   /* open addressing over the contents of nodes: number + 1, or 0 */
    size_t table_size; /* a power of two, at least 2·count */
    us__arena *names;
    us_group *groups;    /* [parameters] */
    us_node *parameters; /* [parameters] their nodes */
    us_node *moves;      /* [parameters] of state groups: what stands for their gradient; else US_NODE_NONE */
    size_t parameter_count, parameter_capacity;
    us__array *arrays; /* [array_count] */
    size_t array_count, array_capacity;
    size_t dimension; /* of θ */
    us_node features, targets, labels, loss, output;
    us__mark *marks; /* [mark_count] */
    size_t mark_count;
    double squares;    /* the loss is this times ‖output − targets‖²; NaN: of another kind */
    bool mean_entropy; /* the loss is the mean over positions of a cross-entropy */
    us__work work;     /* of its loss; 0 until a problem has planned it */
    size_t masks;      /* of dropout, which differ by their number */
    const char *part;  /* of the nodes that are made now */
    us_node origin;    /* likewise, while rules are building */
    bool deriving;     /* rules are building: sums over samples are allowed */
    bool separate;     /* plans compute each node by itself: what traces look at, and tests compare programs with */
};

/* ------------------------------------------------------------------ building */

/* The node of this content: checked, simplified, folded, found again if it is there already. `node` has op, inputs,
 * index and value (and the shape where it is asked for: us__sum_to, us__broadcast_to, us__reshape). */
us_node us__graph_make(us_graph *graph, us__node node);
us_node us__graph_fail(us_graph *graph, us_status status); /* returns US_NODE_NONE; the text has been noted */
us_node us__unary(us_graph *graph, const us__op *op, us_node a);
us_node us__binary(us_graph *graph, const us__op *op, us_node a, us_node b);
us_node us__ternary(us_graph *graph, const us__op *op, us_node a, us_node b, us_node c);
static inline const us__node *us__at(const us_graph *graph, us_node a) { return &graph->nodes[a]; }
bool us__is_constant(const us_graph *graph, us_node a, double value);

us_node us__weight(us_graph *graph);                    /* scalar: 1/(number of rows in the batch) */
us_node us__tangent(us_graph *graph, size_t parameter); /* the part of the vector v that goes with a parameter */
us_node us__sum_to(us_graph *graph, us_node a, const us__node *like); /* sums over what broadcasting stretched */
us_node us__broadcast_to(us_graph *graph, us_node a, const us__node *like);
us_node us__reshape(us_graph *graph, us_node a, const us__node *like);
us_node us__softmax(us_graph *graph, us_node logits);
us_node us__softmax_slope(us_graph *graph, us_node p, us_node d); /* p∘(d − ⟨p, d⟩) */
us_node us__dot(us_graph *graph, us_node a, us_node b);           /* Σ a∘b over the last axis, which becomes 1 */
/* Zeros before and after, along an axis that is not the samples. */
us_node us__pad(us_graph *graph, us_node a, size_t axis, size_t before, size_t after);
us_node us__slice(us_graph *graph, us_node a, size_t axis, size_t first, size_t count);
/* Whether a has this axis and it is not the samples; else the error is noted. */
bool us__has_axis(us_graph *graph, const char *who, us_node a, size_t axis);

/* A graph that begins with the nodes of another and goes on by itself; names, groups, parameters and marks stay the other's,
 * which must outlive it. @param out  [ends with us__branch_destroy] */
us_status us__graph_branch(us_graph **out, const us_graph *graph);
void us__branch_destroy(us_graph *branch);

/* ------------------------------------------------------------------ shapes */

static inline bool us__has_samples(const us__node *a) { return a->rank > 0 && a->shape[0] == US_SAMPLES; }
bool us__same_shape(const us__node *a, const us__node *b);
bool us__broadcasts_to(const us__node *from, const us__node *to);
/* Elements where US_SAMPLES stands for `rows`. */
size_t us__elements(const us__node *a, size_t rows);
/* The loops of an operation along one axis: elements before it (with `rows` samples), on it and after it. */
typedef struct us__around {
    size_t outer, size, inner;
} us__around;
us__around us__around_axis(const us__node *a, size_t axis, size_t rows);
/* "[samples×10]" */
const char *us__shape_text(const us__node *a, char text[128]);

/* The loops of an elementwise operation: axes that lie together are one. */
typedef struct us__loops {
    size_t outer[3], inner;                       /* sizes; unused ones are 1 */
    size_t step[US__INPUTS][3], unit[US__INPUTS]; /* elements from one to the next; unit is 0 or 1 */
} us__loops;
void us__loops_of(const us__call *call, us__loops *loops);

/* ------------------------------------------------------------------ derivatives */

/* gradients[k] of the scalar or [samples] `y`, times `seed` of the same shape, by wrt[k]; US_NODE_NONE where it is zero.
 * Reverse mode. Errors stick to the graph. */
us_status us__graph_reverse(us_graph *graph, us_node y, us_node seed, const us_node *wrt, size_t count, us_node *gradients);
/* tangents[k] of of[k], where the tangents of wrt[p] are dwrt[p]; US_NODE_NONE is zero, in and out. Forward mode. */
us_status us__graph_forward(us_graph *graph, const us_node *of, size_t count, const us_node *wrt, const us_node *dwrt,
                            size_t parameters, us_node *tangents);

/* ------------------------------------------------------------------ the table */

extern const us__op us__op_parameter, us__op_features, us__op_targets, us__op_labels, us__op_constant, us__op_array,
    us__op_weight, us__op_tangent;                                                           /* ops/leaf.c */
extern const us__op us__op_add, us__op_sub, us__op_mul, us__op_div, us__op_pow, us__op_gate; /* ops/binary.c */
extern const us__op us__op_max, us__op_min, us__op_greater, us__op_not_less, us__op_select;  /* ops/choice.c */
extern const us__op us__op_neg, us__op_gelu, us__op_gelu_slope;                              /* ops/unary.c */
extern const us__op us__op_matmul;                                                           /* ops/matmul.c */
extern const us__op us__op_batch_matmul;                                                     /* ops/batch_matmul.c */
extern const us__op us__op_attention_scores, us__op_attention_mix, us__op_causal_softmax;    /* ops/attention.c */
extern const us__op us__op_permute;                                                          /* ops/permute.c */
extern const us__op us__op_slice, us__op_pad, us__op_concatenate;                            /* ops/slice.c */
extern const us__op us__op_gather, us__op_scatter_add;                                       /* ops/gather.c */
extern const us__op us__op_sum_to;                                                           /* ops/sum.c */
extern const us__op us__op_broadcast_to, us__op_reshape;                                     /* ops/broadcast.c */
extern const us__op us__op_column, us__op_spread;                                            /* ops/column.c */
extern const us__op us__op_convolution, us__op_convolution_input, us__op_convolution_weight; /* ops/convolution.c */
extern const us__op us__op_max_pool, us__op_pool_pick, us__op_pool_place;                    /* ops/pool.c */
extern const us__op us__op_average_pool, us__op_average_spread;
extern const us__op us__op_tile_mean, us__op_training, us__op_running;          /* ops/batch_norm.c */
extern const us__op us__op_mask;                                                /* ops/dropout.c */
extern const us__op us__op_max_over, us__op_take_max, us__op_put_max;           /* ops/extreme.c */
extern const us__op us__op_dot;                                                 /* ops/dot.c */
extern const us__op us__op_softmax, us__op_log_sum_exp, us__op_softmax_slope;   /* ops/softmax.c */
extern const us__op us__op_normalize, us__op_inverse_deviation, us__op_project; /* ops/normalize.c */
extern const us__op us__op_one_hot;                                             /* ops/one_hot.c */
extern const us__op us__op_cross_entropy, us__op_softmax_residual;              /* ops/cross_entropy.c */
/* All functions of one variable, and how many of them us_graph_apply knows by name (the first ones). */
extern const us__op us__unary_ops[];
extern const size_t us__unary_count, us__unary_public;

/* What elementwise operations share: shape, value (rows, as broadcasting asks for them) and both rules. */
us_status us__elementwise_shape(us_graph *graph, us__node *node);
us__kernel us__elementwise_f32, us__elementwise_f64;
/* The value of operations with a `line`, whose inputs have one shape. */
us__kernel us__lines_f32, us__lines_f64;
us_node us__elementwise_forward(us_graph *graph, us_node y, size_t i, us_node d);
us_node us__elementwise_reverse(us_graph *graph, us_node y, size_t i, us_node d);

#endif
