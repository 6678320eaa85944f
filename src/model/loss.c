/* The table of losses. e = output − target; sums go over the outputs, the mean over samples is the problem's. */
#include "model/loss.h"

static us_node loss_sum(us_graph *graph, us_node a) { return us_graph_rank(graph, a) == 2 ? us_graph_sum(graph, a, 1) : a; }

static us_node loss_mse(us_graph *graph, const us__loss *loss, us_node output, us_node target) {
    (void)loss;
    us_node error = us_graph_sub(graph, output, target);
    return loss_sum(graph, us_graph_mul(graph, error, error));
}

static us_node loss_half_mse(us_graph *graph, const us__loss *loss, us_node output, us_node target) {
    return us_graph_mul(graph, us_graph_constant(graph, 0.5), loss_mse(graph, loss, output, target));
}

static us_node loss_mae(us_graph *graph, const us__loss *loss, us_node output, us_node target) {
    (void)loss;
    return loss_sum(graph, us_graph_apply(graph, "abs", us_graph_sub(graph, output, target)));
}

/* Huber 1964, "Robust estimation of a location parameter". */
static us_node loss_huber(us_graph *graph, const us__loss *loss, us_node output, us_node target) {
    return loss_sum(graph, us_graph_huber(graph, output, target, loss->delta));
}

/* Label smoothing: Szegedy et al. 2016, "Rethinking the Inception architecture", section 7. */
static us_node loss_cross_entropy(us_graph *graph, const us__loss *loss, us_node output, us_node labels) {
    if (loss->smoothing == 0 && !loss->weights) return us_graph_cross_entropy(graph, output, labels);
    return us_graph_cross_entropy_weighted(graph, output, labels, loss->smoothing, loss->weights);
}

/* -log s(z) and -log(1 - s(z)) are the cross-entropies of the logits (0, z). output [samples×1] */
static us_node loss_binary_cross_entropy(us_graph *graph, const us__loss *loss, us_node output, us_node labels) {
    return loss_cross_entropy(graph, loss, us_graph_pad(graph, output, 1, 1, 0), labels);
}

/* Cortes & Vapnik 1995, "Support-vector networks": the second class is 1, the first -1. output [samples×1] */
static us_node loss_hinge(us_graph *graph, const us__loss *loss, us_node output, us_node labels) {
    static const double SIGNS[] = {-1, 1};
    us_node signs = us_graph_array(graph, 2, (size_t[]){2, 1}, SIGNS);
    us_node target = us_graph_matmul(graph, us_graph_one_hot(graph, labels), false, signs, false);
    us_node each = us_graph_hinge(graph, output, target);
    if (loss->weights) {
        us_node weights = us_graph_array(graph, 2, (size_t[]){2, 1}, loss->weights);
        each = us_graph_mul(graph, each, us_graph_matmul(graph, us_graph_one_hot(graph, labels), false, weights, false));
    }
    return us_graph_column(graph, each, 0);
}

static const us__loss_kind KINDS[] = {
    {.name = "half-mse",
     .task = US_REGRESSION,
     .squares = 0.5,
     .unit = "target^2",
     .help = "sum of e^2/2: the default for numbers. In squares of the (standardised) target's unit",
     .build = loss_half_mse},
    {.name = "mse",
     .task = US_REGRESSION,
     .squares = 1,
     .unit = "target^2",
     .help = "sum of e^2, twice half-mse",
     .build = loss_mse},
    {.name = "mae",
     .task = US_REGRESSION,
     .unit = "target",
     .help = "sum of |e|: outliers count by their distance alone. In the (standardised) target's unit",
     .build = loss_mae},
    {.name = "huber",
     .options = "DELTA",
     .task = US_REGRESSION,
     .unit = "target^2",
     .help = "sum of e^2/2 where |e| <= DELTA (1), else DELTA*(|e| - DELTA/2): half-mse with outliers tamed",
     .build = loss_huber},
    {.name = "cross-entropy",
     .options = "smoothing=S,weights=balanced|W1,W2,..",
     .task = US_CLASSIFICATION,
     .probabilities = true,
     .unit = "nats",
     .help =
         "-log softmax(outputs)[label]: the default for classes. In nats. smoothing: the label has 1-S+S/C, each other of\n"
         "the C classes S/C. weights: times the weight of the row's class, in the order of the classes; balanced: such\n"
         "that all classes weigh the same, rows/(C*rows of the class)",
     .build = loss_cross_entropy},
    {.name = "binary-cross-entropy",
     .options = "smoothing=S,weights=balanced|W1,W2",
     .task = US_CLASSIFICATION,
     .binary = true,
     .probabilities = true,
     .unit = "nats",
     .help = "the same for two classes by one output, the logit of the second",
     .build = loss_binary_cross_entropy},
    {.name = "hinge",
     .options = "weights=balanced|W1,W2",
     .task = US_CLASSIFICATION,
     .binary = true,
     .unit = "margin",
     .help = "max(0, 1 - y*output), where y is -1 for the first and 1 for the second of two classes. It gives no\n"
             "probabilities: what is predicted is 1/(1+exp(-output)), which puts rows into order and no more",
     .build = loss_hinge},
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

const us__loss_kind *us__loss_kind_at(size_t i) { return i < KIND_COUNT ? &KINDS[i] : NULL; }
