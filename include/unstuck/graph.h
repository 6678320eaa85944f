/** Expression graphs: a model's loss as a graph whose derivatives are graphs.
 *
 * The first axis of a node may be the samples (US_SAMPLES); all other sizes are static. Building never needs an error
 * check after each call: an error sticks to the graph, returns US_NODE_NONE, and us_graph_status tells it.
 */
#ifndef UNSTUCK_GRAPH_H
#define UNSTUCK_GRAPH_H

#include <unstuck/data.h>
#include <unstuck/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_graph us_graph;
typedef int32_t us_node;
#define US_NODE_NONE ((us_node)-1)
/** The size of the axis of samples. */
#define US_SAMPLES SIZE_MAX

US_API us_status us_graph_create(us_graph **out, us_context *context);
US_API void us_graph_destroy(us_graph *graph);
US_API us_status us_graph_status(const us_graph *graph);

/* Leaves. */
/** A part of θ; parameters lie in θ in the order in which they are made. rank 0 to 4. */
US_API us_node us_graph_parameter(us_graph *graph, const char *name, size_t rank, const size_t *shape);
US_API us_node us_graph_features(us_graph *graph, size_t columns);                /* [samples×columns] */
US_API us_node us_graph_targets(us_graph *graph, size_t outputs);                 /* [samples×outputs] */
US_API us_node us_graph_labels(us_graph *graph, size_t classes);                  /* [samples], class numbers */
US_API us_node us_graph_constant(us_graph *graph, double value);                  /* scalar */

/* Elementwise, with broadcasting as in NumPy (shapes aligned at the last axis; 1 or missing axes stretch). */
US_API us_node us_graph_add(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_sub(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_mul(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_div(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_pow(us_graph *graph, us_node a, us_node b); /* a constant integer exponent allows a < 0 */
US_API us_node us_graph_neg(us_graph *graph, us_node a);
/** exp log sqrt sin cos tan asin acos atan sinh cosh tanh sigmoid erf abs relu gelu softplus, by name.
 * relu'(0) = 0, abs'(0) = 0. An unknown name is an error. */
US_API us_node us_graph_apply(us_graph *graph, const char *function, us_node a);

/* Shapes. */
/** Product of matrices op(a)·op(b), where op transposes if asked. [m×k]·[k×n] → [m×n]. */
US_API us_node us_graph_matmul(us_graph *graph, us_node a, bool transpose_a, us_node b, bool transpose_b);
/** Sum over one axis (0 ≤ axis < rank), which goes away. */
US_API us_node us_graph_sum(us_graph *graph, us_node a, size_t axis);
/** Column j of [samples×columns] as [samples]. */
US_API us_node us_graph_column(us_graph *graph, us_node a, size_t j);

/* Losses: [samples]. */
/** −log softmax(logits)[label], stable. logits [samples×classes]. */
US_API us_node us_graph_cross_entropy(us_graph *graph, us_node logits, us_node labels);

US_API size_t us_graph_rank(const us_graph *graph, us_node a);
US_API size_t us_graph_axis(const us_graph *graph, us_node a, size_t axis);

/** The loss of each sample, [samples], or one scalar for a problem without data. */
US_API us_status us_graph_set_loss(us_graph *graph, us_node loss);
/** What a prediction is: [samples×outputs] or [samples]. Optional. */
US_API us_status us_graph_set_output(us_graph *graph, us_node output);

/** One line a node, for people: "%7 = matmul %3 %1ᵀ  [samples×10]". Returned text: caller releases with us_text_release. */
US_API us_status us_graph_print(const us_graph *graph, char **text);
US_API void us_text_release(us_context *context, char *text);

/** The problem of a graph: the mean of its loss over samples. Gradient: reverse mode, as a graph; product: forward mode
 * over that graph. Plans are made once here; no step allocates afterwards (the first batch larger than any before may).
 * @param graph    taken over: destroyed with the problem, also on failure
 * @param dataset  NULL for a problem without data; must outlive the problem. Rows are computed in blocks of fixed
 *                 size, so memory does not grow with the number of samples and a sum does not depend on threads.
 * @param out [caller destroys] */
US_API us_status us_problem_create_graph(us_problem **out, us_graph *graph, const us_dataset *dataset, us_precision precision);

/** Outputs of the graph for rows of features. @param features [rows×columns] of the problem's precision
 * @param outputs [rows×outputs] doubles */
US_API us_status us_problem_graph_predict(us_problem *problem, const us_vec *theta, const void *features, size_t rows,
                                          double *outputs);

#ifdef __cplusplus
}
#endif
#endif
