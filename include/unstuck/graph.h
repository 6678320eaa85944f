/** Expression graphs: a model's loss as a graph whose derivatives are graphs.
 *
 * The first axis of a node may be the samples (US_SAMPLES); all other sizes are static. Building never needs an error
 * check after each call: an error sticks to the graph, returns US_NODE_NONE, and us_graph_status tells it; the context's
 * text says what was wrong. Nodes are simplified as they are made (equal nodes are one node, numbers are folded, x·1 is x),
 * so that a function may return a node that was there before. Numbers 0·x stay: they are NaN where x is not finite.
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

/** An empty graph. @param out [caller destroys, unless a problem takes it over]. Errors: US_ERR_NOMEM. */
US_API us_status us_graph_create(us_graph **out, us_context *context);
US_API void us_graph_destroy(us_graph *graph);
/** The first error of building, or US_OK: US_ERR_ARGUMENT, US_ERR_SHAPE, US_ERR_NOMEM, or US_ERR_UNSUPPORTED (a sum over
 * the samples: the loss of a sample may depend on that sample alone). */
US_API us_status us_graph_status(const us_graph *graph);

/** Nodes that are made from now on belong to this part of the model, such as "layer2 (dense)": where numbers end, messages
 * say in what. @param part  copied; NULL: to none. The default. */
US_API void us_graph_part(us_graph *graph, const char *part);

/* Leaves. Asking for the same features, targets or labels again gives the same node; for other sizes is an error. */
/** A part of θ; parameters lie in θ in the order in which they are made. rank 0 to 4; every size ≥ 1; names differ.
 * @param name  copied; the group's name in the problem */
US_API us_node us_graph_parameter(us_graph *graph, const char *name, size_t rank, const size_t *shape);
US_API us_node us_graph_features(us_graph *graph, size_t columns); /* [samples×columns] */
US_API us_node us_graph_targets(us_graph *graph, size_t outputs);  /* [samples×outputs] */
US_API us_node us_graph_labels(us_graph *graph, size_t classes);   /* [samples], class numbers */
/** [samples×positions], a class number for each position of a row, such as the next character at each character of a window
 * of text. The graph has labels of one kind. */
US_API us_node us_graph_labels_each(us_graph *graph, size_t positions, size_t classes);
/** 1 at the label's class, else 0: [samples×classes], or [samples×positions×classes]. */
US_API us_node us_graph_one_hot(us_graph *graph, us_node labels);
US_API us_node us_graph_constant(us_graph *graph, double value); /* scalar */
/** Numbers that do not change, such as a mask. @param values [shape] copied; rank 0 to 4 */
US_API us_node us_graph_array(us_graph *graph, size_t rank, const size_t *shape, const double *values);

/* Elementwise, with broadcasting as in NumPy (shapes aligned at the last axis; 1 or missing axes stretch). */
US_API us_node us_graph_add(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_sub(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_mul(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_div(us_graph *graph, us_node a, us_node b);
/** a^b. A constant integer exponent allows a < 0. Where a = 0 < b, the derivative by b is 0. */
US_API us_node us_graph_pow(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_neg(us_graph *graph, us_node a);
/** The larger, the smaller; of equals the derivative goes to a. NaN gives NaN. */
US_API us_node us_graph_max(us_graph *graph, us_node a, us_node b);
US_API us_node us_graph_min(us_graph *graph, us_node a, us_node b);
/** a where condition > 0, else b; NaN where the condition is NaN. The derivative by the one that is not taken is exactly 0,
 * also where it is not finite; by the condition it is 0. (A branch that makes ∞ of that 0 inside, such as log at 0, still
 * gives NaN: guard its argument.) */
US_API us_node us_graph_select(us_graph *graph, us_node condition, us_node a, us_node b);
/** exp log log1p sqrt sin cos tan asin acos atan sinh cosh tanh sigmoid erf abs relu gelu gelu-tanh silu softplus, by name.
 * relu'(0) = 0, abs'(0) = 0; gelu is x·Φ(x), exactly, gelu-tanh its old approximation. An unknown name is an error. NaN
 * gives NaN. */
US_API us_node us_graph_apply(us_graph *graph, const char *function, us_node a);

/* Products. */
/** Product of matrices op(a)·op(b), where op transposes if asked. [m×k]·[k×n] → [m×n]. Untransposed, a may have more axes:
 * [samples×t×k]·[k×n] → [samples×t×n]. */
US_API us_node us_graph_matmul(us_graph *graph, us_node a, bool transpose_a, us_node b, bool transpose_b);
/** Products of the matrices in the last two axes; the axes before them (at least one) are equal.
 * [samples×h×m×k]·[samples×h×k×n] → [samples×h×m×n]. */
US_API us_node us_graph_batch_matmul(us_graph *graph, us_node a, bool transpose_a, us_node b, bool transpose_b);

/** Causal self-attention of several heads: position i of a sample sees positions 0 .. i. query, key and value
 * [samples×positions×width] → the same; a head is width/heads columns. For each head softmax(Q·Kᵀ/√(width/heads))·V, the
 * softmax over the positions that are seen. Source: Vaswani et al. 2017. */
US_API us_node us_graph_attention(us_graph *graph, us_node query, us_node key, us_node value, size_t heads);

/* Shapes. The samples, where a node has them, stay the first axis; they are not permuted, cut or joined. */
/** The same numbers in the same order in another shape, as large; costs nothing. @param shape [rank], rank ≤ 4 */
US_API us_node us_graph_reshape(us_graph *graph, us_node a, size_t rank, const size_t *shape);
/** Axes in another order, as NumPy's transpose. @param order [rank of a] axis k of the result is axis order[k] of a */
US_API us_node us_graph_permute(us_graph *graph, us_node a, const size_t *order);
/** Elements first .. first+count−1 of an axis. */
US_API us_node us_graph_slice(us_graph *graph, us_node a, size_t axis, size_t first, size_t count);
/** a, then b, along an axis; their other axes are equal. */
US_API us_node us_graph_concatenate(us_graph *graph, us_node a, us_node b, size_t axis);
/** Zeros before and after, along an axis. */
US_API us_node us_graph_pad(us_graph *graph, us_node a, size_t axis, size_t before, size_t after);
/** Column j of [samples×columns] as [samples]. */
US_API us_node us_graph_column(us_graph *graph, us_node a, size_t j);

/* Tables. */
/** Rows of a table by number: table [n×d], index [samples×t] → [samples×t×d], for an index of up to 3 axes, such as
 * features. A number that is none of 0 .. n−1 gives NaN. No derivative goes to the index. */
US_API us_node us_graph_gather(us_graph *graph, us_node table, us_node index);
/** Its adjoint: row r of the result [rows×d] is the sum of the values [..×d] whose number in index [..] is r. Numbers out of
 * range make all of it NaN. Not over the samples. */
US_API us_node us_graph_scatter_add(us_graph *graph, us_node values, us_node index, size_t rows);

/* Along axes (0 ≤ axis < rank, not the samples), which go away. */
/** Sums accumulate in double. */
US_API us_node us_graph_sum(us_graph *graph, us_node a, size_t axis);
US_API us_node us_graph_sum_over(us_graph *graph, us_node a, size_t count, const size_t *axes); /* any axes, each once */
US_API us_node us_graph_mean(us_graph *graph, us_node a, size_t axis);
/** The largest; of equals the derivative goes to the first. NaN counts as largest. */
US_API us_node us_graph_max_over(us_graph *graph, us_node a, size_t axis);

/* Over the last axis, which is not the samples. */
/** exp(a)/Σ exp(a), of the same shape; nothing overflows. −∞ gives 0, unless all of a row are. */
US_API us_node us_graph_softmax(us_graph *graph, us_node a);
/** log Σ exp(a); the axis goes away. */
US_API us_node us_graph_log_sum_exp(us_graph *graph, us_node a);
/** gain·(x − μ)/√(σ² + ε) + bias, where μ and σ² are mean and variance (over n, not n − 1) along the last axis.
 * @param gain, bias  [last axis], or what broadcasts @param epsilon  ≥ 0; 1e-5 is usual
 * Source: Ba, Kiros & Hinton 2016, arXiv 1607.06450. */
US_API us_node us_graph_layer_norm(us_graph *graph, us_node x, us_node gain, us_node bias, double epsilon);

/* Images: [samples×channels×height×width]; pairs are (height, width). */
typedef struct us_convolution {
    uint32_t version;   /* 1 */
    size_t stride[2];   /* 1 to 255; default 1 */
    size_t padding[2];  /* zeros on each side, 0 to 255; default 0 */
    size_t dilation[2]; /* between elements of the kernel, 1 to 255; default 1 */
    size_t groups;      /* channels and outputs fall into so many parts that do not mix; default 1 */
} us_convolution;
#define US_CONVOLUTION_INIT \
    { .version = 1, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1 }
/** Convolution (cross-correlation, as networks have it): y[n,o,i,j] = Σ w[o,c,k,l]·x[n, c, i·stride + k·dilation − padding,
 * ..] over c, k, l. x [samples×C×H×W], weight [O×C/groups×kh×kw] → [samples×O×H'×W'] with H' = ⌊(H + 2·padding −
 * (kh−1)·dilation − 1)/stride⌋ + 1. Its workspace does not grow with the samples.
 * @param how  NULL for defaults */
US_API us_node us_graph_convolution(us_graph *graph, us_node x, us_node weight, const us_convolution *how);

typedef struct us_pooling {
    uint32_t version;  /* 1 */
    size_t size[2];    /* of a window, 1 to 255; default 2 */
    size_t stride[2];  /* from one window to the next; default 0: its size */
    size_t padding[2]; /* on each side, at most half the size; default 0 */
} us_pooling;
#define US_POOLING_INIT                \
    {                                  \
        .version = 1, .size = { 2, 2 } \
    }
/** The largest of each window, [samples×C×H×W] → [samples×C×H'×W'] with H' = ⌊(H + 2·padding − size)/stride⌋ + 1. Padding is
 * never the largest. NaN gives NaN. Of equals the first has the derivative. @param how  NULL for defaults */
US_API us_node us_graph_max_pool(us_graph *graph, us_node x, const us_pooling *how);
/** The sum of each window over its size; padding counts, as zeros. @param how  NULL for defaults */
US_API us_node us_graph_average_pool(us_graph *graph, us_node x, const us_pooling *how);

/* Training form (us_batch.draw). */
/** Dropout: in training form an element is 0 with this probability, else 1/(1 − probability) times what it was; in
 * evaluation form all stay as they are. The mask depends on (which dropout of the graph, draw, row of the dataset, element),
 * by Philox: it is the same for a value, its gradient and its products, and does not depend on how rows are computed.
 * @param a  [samples×..] @param probability  0 ≤ p < 1. Source: Srivastava et al. 2014, JMLR 15. */
US_API us_node us_graph_dropout(us_graph *graph, us_node a, double probability);

/* Losses element by element, of the shape of their arguments: sum or average what is not the samples. The absolute error is
 * us_graph_apply(g, "abs", difference). */
/** ½e² where |e| ≤ δ, else δ·(|e| − δ/2), with e = prediction − target. @param delta  > 0. Source: Huber 1964. */
US_API us_node us_graph_huber(us_graph *graph, us_node prediction, us_node target, double delta);
/** max(0, 1 − target·prediction), for targets −1 and 1. */
US_API us_node us_graph_hinge(us_graph *graph, us_node prediction, us_node target);
/** −target·log σ(logit) − (1 − target)·log(1 − σ(logit)), for targets from 0 to 1; nothing overflows or cancels. */
US_API us_node us_graph_binary_cross_entropy(us_graph *graph, us_node logit, us_node target);
/** Batch normalisation over all axes but the second: gain·(x − mean)/√(variance + epsilon) + bias, for each channel.
 * In training form mean and variance (its sum of squares over the number) are those of the rows that are computed together:
 * tiles of some 64 to 512 rows of a batch (all of a smaller one), cut by its size and the graph ("ghost" batch
 * normalisation, Hoffer, Hubara & Soudry 2017). In evaluation form they are the running values, two groups of θ named
 * NAME.mean and NAME.variance that are state (us_group.state) and should begin with 0 and 1. Their place in a gradient holds
 * (running − batch's) in training form, which a training takes a tenth of off them in each step, outside its rule, and zeros
 * in evaluation form. Products with the Hessian are exact in either form. Source: Ioffe & Szegedy 2015.
 * @param a  [samples×channels×..] @param gain, bias  [channels] @param name  of the layer @param epsilon  > 0, such as 1e-5
 */
US_API us_node us_graph_batch_norm(us_graph *graph, us_node a, us_node gain, us_node bias, const char *name, double epsilon);

/* Losses: [samples]. */
/** −log softmax(logits)[label]: no logit overflows, and a small loss keeps its digits. logits [samples×classes] and labels
 * from us_graph_labels with as many classes give [samples]; logits [samples×positions×classes] and labels from
 * us_graph_labels_each give [samples×positions], whose mean over the positions is the loss of a sample. */
US_API us_node us_graph_cross_entropy(us_graph *graph, us_node logits, us_node labels);
/** The same with label smoothing and class weights: (1−ε)·w[y]·(−log p[y]) + ε/C·Σ_c w[c]·(−log p[c]) for C classes, as
 * PyTorch has it without its mean. The mean over samples is plain: not divided by the sum of weights.
 * @param smoothing  0 ≤ ε < 1 @param weights [classes] ≥ 0, copied; NULL: all 1 */
US_API us_node us_graph_cross_entropy_weighted(us_graph *graph, us_node logits, us_node labels, double smoothing,
                                               const double *weights);

/** Shape of a node; 0 for no node or beyond its rank. */
US_API size_t us_graph_rank(const us_graph *graph, us_node a);
US_API size_t us_graph_axis(const us_graph *graph, us_node a, size_t axis);

/** The loss of each sample, [samples], or one scalar for a problem without data. */
US_API us_status us_graph_set_loss(us_graph *graph, us_node loss);
/** Tells that the loss is factor·Σ(output − target)² over all targets, which the nodes do not show: the problem then knows
 * the least loss that the data allow (us_problem_floor). A loss that is a cross-entropy is recognised. */
US_API void us_graph_set_squares(us_graph *graph, double factor);
/** Tells that the loss is the mean over the positions of the cross-entropy of us_graph_labels_each, which the nodes do not
 * show: the problem then knows the loss of the best constant. */
US_API void us_graph_set_mean_entropy(us_graph *graph);
/** Marks a layer of hidden units, whose activation takes `input` to `output`, both [samples×units],
 * [samples×positions×units] or [samples×channels×height×width], where a channel is a unit: us_problem_units tells of it.
 * @param layer  copied, such as "layer1" @param bounded  the activation saturates @param steepest  its largest slope, > 0 */
US_API void us_graph_mark_units(us_graph *graph, const char *layer, bool bounded, double steepest, us_node input,
                                us_node output);
/** Marks the parameters whose names begin with `prefix`, such as "layer3.", as an embedding's or the output layer's
 * (us_group.outer). */
US_API void us_graph_mark_outer(us_graph *graph, const char *prefix);
/** What a prediction is: [samples×outputs], [samples], or [samples×positions×outputs]. Optional. */
US_API us_status us_graph_set_output(us_graph *graph, us_node output);

/** One line a node, for people: "%7 = matmul %3 %1ᵀ  [samples×10]"; only what the loss and the output need, once either
 * is set. @param text [caller releases with us_text_release] */
US_API us_status us_graph_print(const us_graph *graph, char **text);
US_API void us_text_release(us_context *context, char *text);

/** The problem of a graph: the mean of its loss over samples. Gradient: reverse mode, as a graph; product: forward mode
 * over that graph, for up to 16 vectors from one computation of the values at θ. Derivatives and plans are made once, here.
 * No step allocates afterwards, but for the first batch larger than any before. Rows are computed in blocks of at most
 * 2,048, whose sums are added in double: memory does not grow with the number of samples. The rows of a block, and the
 * larger sums over them, are shared by the context's threads (us_context_set_threads) where that is worth waking them. How
 * they are cut depends on the number of rows and on shapes alone, and so does every bit of the result: it is the same for
 * any number of threads. The values at θ are kept from one product to the next, and used again where θ, the rows and the
 * draw are the same to the last bit and fit in one block, or in what us_problem_keep allows; the dataset must therefore stay
 * as it is. A recast shares graph and plans with the original; each has its own workspace.
 * @param graph    taken over: destroyed with the problem, also on failure
 * @param dataset  NULL for a problem without data; must outlive the problem. Either precision: it is converted as it is
 * read.
 * @param out [caller destroys]
 * Errors: that of the graph; US_ERR_ARGUMENT (no loss, no parameter, no dataset where one is read); US_ERR_SHAPE (columns,
 *         targets); US_ERR_INPUT (a label beyond the classes); US_ERR_NOMEM. *out is then NULL.
 */
US_API us_status us_problem_create_graph(us_problem **out, us_graph *graph, const us_dataset *dataset,
                                         us_precision precision);

/** Outputs of the graph for rows first .. first+count−1 of a dataset, of any precision, with as many columns as the graph
 * reads; otherwise as us_problem_graph_predict. @param outputs [count×outputs of a row] */
US_API us_status us_problem_graph_predict_rows(us_problem *problem, const us_vec *theta, const us_dataset *dataset,
                                               size_t first, size_t count, double *outputs);
/** Outputs of the graph (us_graph_set_output) for rows of features; not for a decorator around it.
 * @param features [rows×columns] of the problem's precision @param outputs [rows×outputs] doubles
 * Errors: US_ERR_UNSUPPORTED (no output), US_ERR_ARGUMENT, US_ERR_NOMEM. */
US_API us_status us_problem_graph_predict(us_problem *problem, const us_vec *theta, const void *features, size_t rows,
                                          double *outputs);

#ifdef __cplusplus
}
#endif
#endif
