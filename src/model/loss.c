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

static us_node loss_cross_entropy(us_graph *graph, const us__loss *loss, us_node output, us_node labels) {
    (void)loss;
    return us_graph_cross_entropy(graph, output, labels);
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
    {.name = "cross-entropy",
     .task = US_CLASSIFICATION,
     .probabilities = true,
     .unit = "nats",
     .help = "-log softmax(outputs)[label]: the default for classes. In nats",
     .build = loss_cross_entropy},
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

const us__loss_kind *us__loss_kind_at(size_t i) { return i < KIND_COUNT ? &KINDS[i] : NULL; }
