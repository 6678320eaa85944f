/* What a graph reads must be what its dataset has; then its derivatives become nodes, and each question a plan. */
#include "graph/questions.h"
#include "graph/units.h"

static us_status questions_check_labels(const us_graph *g, const us_dataset *data) {
    const us__node *node = us__at(g, g->labels);
    size_t classes = node->index, positions = node->rank == 2 ? node->shape[1] : 1;
    const uint32_t *labels = us_dataset_labels_const(data);
    if (!labels) return us__fail(g->context, US_ERR_ARGUMENT, "the graph reads labels, which the dataset does not have");
    if (positions != us_dataset_positions(data))
        return us__fail(g->context, US_ERR_SHAPE, "the graph reads %zu labels a row, the dataset has %zu", positions,
                        us_dataset_positions(data));
    size_t rows = us_dataset_rows(data), stride = us_dataset_label_stride(data);
    for (size_t i = 0; i < rows; i++) /* A window's labels are the next one's, too, but for the first ones. */
        for (size_t t = 0; t < (stride < positions && i + 1 < rows ? stride : positions); t++) {
            uint32_t label = labels[i * stride + t];
            if (label >= classes)
                return us__fail(g->context, US_ERR_INPUT,
                                "row %zu of the dataset has label %u, but the graph knows %zu classes", i, label, classes);
        }
    return US_OK;
}

/* What the graph reads is what the dataset has. */
static us_status questions_check_data(const us_graph *g, const us_dataset *data) {
    if (!data) {
        if (g->features == US_NODE_NONE && g->targets == US_NODE_NONE && g->labels == US_NODE_NONE) return US_OK;
        return us__fail(g->context, US_ERR_ARGUMENT, "the graph reads samples, so its problem needs a dataset");
    }
    if (g->features != US_NODE_NONE && us__at(g, g->features)->shape[1] != us_dataset_columns(data))
        return us__fail(g->context, US_ERR_SHAPE, "the graph reads %zu features, the dataset has %zu",
                        us__at(g, g->features)->shape[1], us_dataset_columns(data));
    if (g->targets != US_NODE_NONE &&
        (!us_dataset_targets_const(data) || us__at(g, g->targets)->shape[1] != us_dataset_outputs(data)))
        return us__fail(g->context, US_ERR_SHAPE, "the graph reads %zu targets, which the dataset does not have",
                        us__at(g, g->targets)->shape[1]);
    if (g->labels == US_NODE_NONE) return US_OK;
    return questions_check_labels(g, data);
}

/* The gradient of the mean loss, and the tangents of that gradient along v. */
static us_status questions_derive(us_graph *g, us_node *gradients, us_node *products) {
    us__node loss = *us__at(g, g->loss);
    us_node seed = us__has_samples(&loss) ? us__broadcast_to(g, us__weight(g), &loss) : us_graph_constant(g, 1);
    us_status status = us__graph_reverse(g, g->loss, seed, g->parameters, g->parameter_count, gradients);
    if (status != US_OK) return status;
    us_node *tangents = us__alloc(g->context, g->parameter_count, sizeof *tangents);
    if (!tangents) return US_ERR_NOMEM;
    for (size_t k = 0; k < g->parameter_count; k++) tangents[k] = us__tangent(g, k);
    status = us__graph_forward(g, gradients, g->parameter_count, g->parameters, tangents, g->parameter_count, products);
    us__release(g->context, tangents);
    if (status == US_OK) status = us__again(g, products, g->parameter_count);
    for (size_t k = 0; k < g->parameter_count; k++) /* nothing depends on a running value: its place is free */
        if (g->moves[k] != US_NODE_NONE) gradients[k] = g->moves[k];
    return status;
}

static us_status questions_plan(us__questions *s) {
    us_graph *g = s->graph;
    us_node *derived = us__alloc(g->context, 2 * g->parameter_count, sizeof *derived), *gradients = derived;
    if (!derived) return US_ERR_NOMEM;
    us_node *products = derived + g->parameter_count;
    us_status status = questions_derive(g, gradients, products);
    if (status == US_OK) status = us__units_derive(g);
    if (status == US_OK) status = us__plan_create(&s->value, g, g->loss, NULL, 0);
    if (status == US_OK) g->work = s->value->work;
    if (status == US_OK) status = us__plan_create(&s->gradient, g, g->loss, gradients, g->parameter_count);
    if (status == US_OK) status = us__plan_create(&s->product, g, US_NODE_NONE, products, g->parameter_count);
    if (status == US_OK && g->output != US_NODE_NONE) status = us__plan_create(&s->predict, g, g->output, NULL, 0);
    us__release(g->context, derived);
    if (status == US_OK && s->predict && (us__plan_reads(s->predict, g->targets) || us__plan_reads(s->predict, g->labels)))
        return us__fail(g->context, US_ERR_ARGUMENT,
                        "the graph's output reads targets or labels, which a prediction does not have");
    return status;
}

us_status us__questions_create(us__questions **out, us_graph *graph, const us_dataset *dataset) {
    *out = NULL;
    if (graph->loss == US_NODE_NONE || graph->parameter_count == 0)
        return us__fail(graph->context, US_ERR_ARGUMENT,
                        "a problem needs a graph with a loss (us_graph_set_loss) and a parameter");
    us_status status = questions_check_data(graph, dataset);
    if (status != US_OK) return status;
    us__questions *s = us__new(graph->context, 1, sizeof *s);
    if (!s) return US_ERR_NOMEM;
    s->graph = graph;
    s->dataset = dataset;
    status = questions_plan(s);
    if (status == US_OK)
        *out = s;
    else
        us__questions_destroy(s);
    return status;
}

void us__questions_destroy(us__questions *s) {
    if (!s) return;
    us_context *context = s->graph->context;
    us__plan_destroy(s->value);
    us__plan_destroy(s->gradient);
    us__plan_destroy(s->product);
    us__plan_destroy(s->predict);
    us__release(context, s);
}
