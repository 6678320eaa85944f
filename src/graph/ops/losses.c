/* Losses that are made of other operations; element by element, unless told otherwise. */
#include "graph/graph.h"
#include <math.h>

static us_node loss_number(us_graph *g, double value) { return us_graph_constant(g, value); }

static us_node loss_fail(us_graph *g, const char *what, double value, const char *range) {
    return us__graph_fail(g, us__fail(g->context, US_ERR_ARGUMENT, "%s is %g; it must be %s", what, value, range));
}

/* e = p − t, c = e cut to ±δ: c·(e − c/2), which is ½e² inside and δ(|e| − δ/2) outside. Source: Huber 1964. */
us_node us_graph_huber(us_graph *graph, us_node prediction, us_node target, double delta) {
    if (graph->status != US_OK) return US_NODE_NONE;
    if (!(delta > 0) || isinf(delta)) return loss_fail(graph, "huber: delta", delta, "> 0");
    us_node e = us_graph_sub(graph, prediction, target);
    us_node c = us_graph_max(graph, us_graph_min(graph, e, loss_number(graph, delta)), loss_number(graph, -delta));
    return us_graph_mul(graph, c, us_graph_sub(graph, e, us_graph_mul(graph, loss_number(graph, 0.5), c)));
}

us_node us_graph_hinge(us_graph *graph, us_node prediction, us_node target) {
    us_node margin = us_graph_mul(graph, prediction, target);
    return us_graph_apply(graph, "relu", us_graph_sub(graph, loss_number(graph, 1), margin));
}

/* t·log(1+exp(−z)) + (1−t)·log(1+exp(z)): both keep their digits where they are small. */
us_node us_graph_binary_cross_entropy(us_graph *graph, us_node logit, us_node target) {
    us_node one = us_graph_apply(graph, "softplus", us_graph_neg(graph, logit));
    us_node zero = us_graph_apply(graph, "softplus", logit);
    us_node rest = us_graph_sub(graph, loss_number(graph, 1), target);
    return us_graph_add(graph, us_graph_mul(graph, target, one), us_graph_mul(graph, rest, zero));
}

/* Σ over classes of a [..×classes]. */
static us_node loss_over_classes(us_graph *g, us_node a) { return us_graph_sum(g, a, us_graph_rank(g, a) - 1); }

/* With p = softmax(z), smoothing ε and C classes: (1−ε)·w[y]·(−log p[y]) + ε/C·Σ_c w[c]·(−log p[c]).
 * Source: Szegedy et al. 2016, arXiv 1512.00567, section 7, with the weights where PyTorch has them. */
us_node us_graph_cross_entropy_weighted(us_graph *graph, us_node logits, us_node labels, double smoothing,
                                        const double *weights) {
    if (graph->status != US_OK) return US_NODE_NONE;
    if (!(smoothing >= 0 && smoothing < 1)) return loss_fail(graph, "cross_entropy: the smoothing", smoothing, "in [0, 1)");
    us_node loss = us_graph_cross_entropy(graph, logits, labels);
    if (loss == US_NODE_NONE) return loss;
    us__node each = *us__at(graph, logits);
    size_t classes = each.shape[each.rank - 1];
    for (size_t c = 0; weights && c < classes; c++)
        if (!(weights[c] >= 0) || isinf(weights[c])) return loss_fail(graph, "cross_entropy: a weight", weights[c], "≥ 0");
    us_node w = weights ? us_graph_array(graph, 1, &classes, weights) : loss_number(graph, 1);
    if (weights) {
        us_node hot = us__unary(graph, &us__op_one_hot, labels);
        loss = us_graph_mul(graph, loss_over_classes(graph, us_graph_mul(graph, hot, w)), loss);
    }
    if (smoothing == 0) return loss;
    each.shape[each.rank - 1] = 1;
    us_node total = us__reshape(graph, us_graph_log_sum_exp(graph, logits), &each);
    us_node all = loss_over_classes(graph, us_graph_mul(graph, w, us_graph_sub(graph, total, logits)));
    us_node even = us_graph_mul(graph, loss_number(graph, smoothing / (double)classes), all);
    return us_graph_add(graph, us_graph_mul(graph, loss_number(graph, 1 - smoothing), loss), even);
}
