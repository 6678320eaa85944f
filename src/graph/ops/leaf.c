/* Leaves: what the executor puts into place before an evaluation. Their derivatives are zero, a parameter's by itself
 * aside, which is where both modes begin. */
#include "graph/graph.h"
#include <string.h>

/* The shape has been filled in. */
const us__op us__op_parameter = {.name = "parameter"};
const us__op us__op_features = {.name = "features"};
const us__op us__op_targets = {.name = "targets"};
const us__op us__op_labels = {.name = "labels"};
const us__op us__op_weight = {.name = "weight"};
const us__op us__op_tangent = {.name = "tangent"};

us__kernel us__constant_f32, us__constant_f64, us__array_f32, us__array_f64;
const us__op us__op_constant = {.name = "constant", .value = {us__constant_f32, us__constant_f64}};
const us__op us__op_array = {.name = "array", .value = {us__array_f32, us__array_f64}};

static us_status leaf_reserve(us_graph *g) {
    if (g->parameter_count < g->parameter_capacity) return US_OK;
    size_t capacity = g->parameter_capacity ? 2 * g->parameter_capacity : 8;
    us_group *groups = us__grow(g->context, g->groups, g->parameter_count, capacity, sizeof *groups);
    if (!groups) return US_ERR_NOMEM;
    g->groups = groups;
    us_node *parameters = us__grow(g->context, g->parameters, g->parameter_count, capacity, sizeof *parameters);
    if (!parameters) return US_ERR_NOMEM;
    g->parameters = parameters;
    us_node *moves = us__grow(g->context, g->moves, g->parameter_count, capacity, sizeof *moves);
    if (!moves) return US_ERR_NOMEM;
    g->moves = moves;
    g->parameter_capacity = capacity;
    return US_OK;
}

us_node us_graph_parameter(us_graph *graph, const char *name, size_t rank, const size_t *shape) {
    if (graph->status != US_OK) return US_NODE_NONE;
    if (!name || !*name || rank > US__RANK || (rank && !shape))
        return us__graph_fail(
            graph, us__fail(graph->context, US_ERR_ARGUMENT, "a parameter needs a name and a rank of 0 to %d", US__RANK));
    for (size_t i = 0; i < graph->parameter_count; i++)
        if (!strcmp(graph->groups[i].name, name))
            return us__graph_fail(graph,
                                  us__fail(graph->context, US_ERR_ARGUMENT, "there are two parameters named %s", name));
    us_status status = leaf_reserve(graph);
    if (status != US_OK) return us__graph_fail(graph, status);
    us_group *group = &graph->groups[graph->parameter_count];
    *group = (us_group){.offset = graph->dimension, .count = 1, .rank = rank};
    us__node node = {.op = &us__op_parameter, .rank = rank, .index = graph->parameter_count};
    for (size_t i = 0; i < rank; i++) {
        if (shape[i] == US_SAMPLES || __builtin_mul_overflow(group->count, shape[i], &group->count) ||
            group->count > SIZE_MAX / 4096)
            return us__graph_fail(graph, us__fail(graph->context, US_ERR_SHAPE,
                                                  "parameter %s: its shape must be sizes that fit in memory", name));
        node.shape[i] = group->shape[i] = shape[i];
    }
    group->name = us__arena_text(graph->names, name, strlen(name));
    if (!group->name) return us__graph_fail(graph, US_ERR_NOMEM);
    us_node a = us__graph_make(graph, node);
    if (a == US_NODE_NONE) return a;
    graph->dimension += group->count;
    graph->moves[graph->parameter_count] = US_NODE_NONE;
    graph->parameters[graph->parameter_count++] = a;
    return a;
}

/* One such leaf a graph; asking again for the same gives the same. */
static us_node leaf_data(us_graph *g, us_node *which, us__node node) {
    us_node a = us__graph_make(g, node);
    if (a != US_NODE_NONE && *which != US_NODE_NONE && *which != a)
        return us__graph_fail(g,
                              us__fail(g->context, US_ERR_SHAPE, "the graph has %s of another size already", node.op->name));
    if (a != US_NODE_NONE) *which = a;
    return a;
}

void us_graph_mark_outer(us_graph *graph, const char *prefix) {
    for (size_t i = 0; i < graph->parameter_count; i++)
        graph->groups[i].outer |= !strncmp(graph->groups[i].name, prefix, strlen(prefix));
}

us_node us_graph_features(us_graph *graph, size_t columns) {
    return leaf_data(graph, &graph->features, (us__node){.op = &us__op_features, .rank = 2, .shape = {US_SAMPLES, columns}});
}

us_node us_graph_targets(us_graph *graph, size_t outputs) {
    return leaf_data(graph, &graph->targets, (us__node){.op = &us__op_targets, .rank = 2, .shape = {US_SAMPLES, outputs}});
}

/* index: the number of classes. */
us_node us_graph_labels(us_graph *graph, size_t classes) {
    return leaf_data(graph, &graph->labels,
                     (us__node){.op = &us__op_labels, .rank = 1, .shape = {US_SAMPLES}, .index = classes});
}

us_node us_graph_labels_each(us_graph *graph, size_t positions, size_t classes) {
    return leaf_data(graph, &graph->labels,
                     (us__node){.op = &us__op_labels, .rank = 2, .shape = {US_SAMPLES, positions}, .index = classes});
}

us_node us_graph_constant(us_graph *graph, double value) {
    return us__graph_make(graph, (us__node){.op = &us__op_constant, .value = value});
}

/* The number of an array with these values; graph->array_count where there is none. */
static size_t leaf_find_array(const us_graph *g, const double *values, size_t count) {
    size_t k = 0;
    while (k < g->array_count &&
           (g->arrays[k].count != count || memcmp(g->arrays[k].values, values, count * sizeof *values)))
        k++;
    return k;
}

static us_status leaf_add_array(us_graph *g, const double *values, size_t count) {
    if (g->array_count == g->array_capacity) {
        size_t capacity = g->array_capacity ? 2 * g->array_capacity : 8;
        us__array *arrays = us__grow(g->context, g->arrays, g->array_count, capacity, sizeof *arrays);
        if (!arrays) return US_ERR_NOMEM;
        g->arrays = arrays;
        g->array_capacity = capacity;
    }
    double *copy = us__arena_alloc(g->names, count, sizeof *copy);
    if (!copy) return US_ERR_NOMEM;
    memcpy(copy, values, count * sizeof *copy);
    g->arrays[g->array_count++] = (us__array){copy, count};
    return US_OK;
}

us_node us_graph_array(us_graph *graph, size_t rank, const size_t *shape, const double *values) {
    if (graph->status != US_OK) return US_NODE_NONE;
    us__node node = {.op = &us__op_array, .rank = rank};
    size_t count = 1;
    bool fits = rank <= US__RANK;
    for (size_t i = 0; i < rank && fits; i++) {
        node.shape[i] = shape[i];
        fits = shape[i] > 0 && shape[i] != US_SAMPLES && !__builtin_mul_overflow(count, shape[i], &count);
    }
    if (!fits || count > SIZE_MAX / 4096)
        return us__graph_fail(graph, us__fail(graph->context, US_ERR_SHAPE,
                                              "array: its shape must be at most %d sizes that fit in memory", US__RANK));
    node.index = leaf_find_array(graph, values, count);
    us_status status = node.index < graph->array_count ? US_OK : leaf_add_array(graph, values, count);
    return status == US_OK ? us__graph_make(graph, node) : us__graph_fail(graph, status);
}

us_node us__weight(us_graph *graph) { return us__graph_make(graph, (us__node){.op = &us__op_weight}); }

us_node us__tangent(us_graph *graph, size_t parameter) {
    us__node node = graph->nodes[graph->parameters[parameter]];
    node.op = &us__op_tangent;
    return us__graph_make(graph, node);
}
