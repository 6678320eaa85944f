/* A graph: its nodes, each content once, and the error that sticks. */
#include "graph/graph.h"
#include "graph/units.h"
#include <limits.h>
#include <math.h>
#include <string.h>

us_status us_graph_create(us_graph **out, us_context *context) {
    *out = NULL;
    us_graph *g = us__new(context, 1, sizeof *g);
    if (!g) return US_ERR_NOMEM;
    g->context = context;
    g->features = g->targets = g->labels = g->loss = g->output = US_NODE_NONE;
    g->squares = (double)NAN;
    g->origin = US_NODE_NONE;
    if (us__arena_create(&g->names, context, 1024) != US_OK) {
        us_graph_destroy(g);
        return US_ERR_NOMEM;
    }
    *out = g;
    return US_OK;
}

void us_graph_destroy(us_graph *graph) {
    if (!graph) return;
    us__units_release(graph);
    us__release(graph->context, graph->nodes);
    us__release(graph->context, graph->table);
    us__release(graph->context, graph->groups);
    us__release(graph->context, graph->parameters);
    us__release(graph->context, graph->moves);
    us__release(graph->context, graph->arrays);
    us__arena_destroy(graph->names);
    us__release(graph->context, graph);
}

us_status us__graph_branch(us_graph **out, const us_graph *graph) {
    *out = NULL;
    us_graph *g = us__new(graph->context, 1, sizeof *g);
    if (!g) return US_ERR_NOMEM;
    *g = *graph;
    g->nodes = us__alloc(g->context, g->capacity, sizeof *g->nodes);
    g->table = us__alloc(g->context, g->table_size, sizeof *g->table);
    if (!g->nodes || !g->table) {
        us__branch_destroy(g);
        return US_ERR_NOMEM;
    }
    memcpy(g->nodes, graph->nodes, g->count * sizeof *g->nodes);
    memcpy(g->table, graph->table, g->table_size * sizeof *g->table);
    *out = g;
    return US_OK;
}

void us__branch_destroy(us_graph *branch) {
    if (!branch) return;
    us__release(branch->context, branch->nodes);
    us__release(branch->context, branch->table);
    us__release(branch->context, branch);
}

us_status us_graph_status(const us_graph *graph) { return graph->status; }

us_node us__graph_fail(us_graph *graph, us_status status) {
    if (graph->status == US_OK) graph->status = status;
    return US_NODE_NONE;
}

/* ------------------------------------------------------------------ each content once */

/* FNV-1a over words. */
static uint64_t graph_hash(const us__node *n) {
    uint64_t bits, h = 14695981039346656037u;
    memcpy(&bits, &n->value, sizeof bits);
    uint64_t words[4 + US__INPUTS + US__RANK + US__HOW] = {(uintptr_t)n->op, n->rank << 1 | n->again, n->index, bits};
    for (size_t i = 0; i < US__INPUTS; i++) words[4 + i] = (uint64_t)n->in[i];
    for (size_t i = 0; i < US__RANK; i++) words[4 + US__INPUTS + i] = n->shape[i];
    for (size_t i = 0; i < US__HOW; i++) words[4 + US__INPUTS + US__RANK + i] = n->how[i];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) h = (h ^ words[i]) * 1099511628211u;
    return h ^ h >> 32;
}

static bool graph_equal(const us__node *a, const us__node *b) {
    return a->op == b->op && a->index == b->index && a->again == b->again && !memcmp(a->in, b->in, sizeof a->in) &&
           us__same_shape(a, b) && !memcmp(a->how, b->how, sizeof a->how) && !memcmp(&a->value, &b->value, sizeof a->value);
}

/* The place in the table where a node of this content is, or would be. */
static size_t graph_place(const us_graph *g, const us__node *n) {
    size_t i = graph_hash(n) & (g->table_size - 1);
    while (g->table[i] && !graph_equal(&g->nodes[g->table[i] - 1], n)) i = (i + 1) & (g->table_size - 1);
    return i;
}

/* Room for one more node. */
static us_status graph_reserve(us_graph *g) {
    if (g->count < g->capacity) return US_OK;
    size_t capacity = g->capacity ? 2 * g->capacity : 64;
    if (capacity > INT_MAX / 4)
        return us__fail(g->context, US_ERR_ARGUMENT, "a graph may have %d nodes at most", INT_MAX / 4);
    us__node *nodes = us__grow(g->context, g->nodes, g->count, capacity, sizeof *nodes);
    if (!nodes) return US_ERR_NOMEM;
    g->nodes = nodes;
    uint32_t *table = us__new(g->context, 2 * capacity, sizeof *table);
    if (!table) return US_ERR_NOMEM;
    us__release(g->context, g->table);
    g->table = table;
    g->table_size = 2 * capacity;
    g->capacity = capacity;
    for (size_t i = 0; i < g->count; i++) g->table[graph_place(g, &g->nodes[i])] = (uint32_t)i + 1;
    return US_OK;
}

static us_node graph_insert(us_graph *g, const us__node *n) {
    us_status status = graph_reserve(g);
    if (status != US_OK) return us__graph_fail(g, status);
    size_t place = graph_place(g, n);
    if (!g->table[place]) {
        us__node *made = &g->nodes[g->count++];
        *made = *n;
        made->tangent = n->again || n->op == &us__op_tangent;
        for (size_t i = 0; i < n->op->inputs; i++) made->tangent = made->tangent || us__at(g, n->in[i])->tangent;
        made->part = g->part;
        made->origin = g->origin;
        g->table[place] = (uint32_t)g->count;
    }
    return (us_node)(g->table[place] - 1);
}

/* ------------------------------------------------------------------ making a node */

static bool graph_is_number(const us_graph *g, us_node a) { return us__at(g, a)->op == &us__op_constant; }

/* An elementwise operation on constants is a constant: its f64 kernel computes it. */
static us_node graph_fold(us_graph *g, const us__node *n) {
    double result = 0;
    us__call call = {.graph = g, .node = n, .out = &result, .rows = 1};
    for (size_t i = 0; i < n->op->inputs; i++) call.in[i] = &us__at(g, n->in[i])->value;
    n->op->value[1](&call);
    return us_graph_constant(g, result);
}

us_node us__graph_make(us_graph *graph, us__node node) {
    if (graph->status != US_OK) return US_NODE_NONE;
    const us__op *op = node.op;
    bool constant = op->elementwise;
    for (size_t i = 0; i < US__INPUTS; i++) {
        if (i >= op->inputs) {
            node.in[i] = US_NODE_NONE;
            continue;
        }
        if (node.in[i] < 0 || (size_t)node.in[i] >= graph->count)
            return us__graph_fail(
                graph, us__fail(graph->context, US_ERR_ARGUMENT, "%s: input %zu is no node of this graph", op->name, i + 1));
        if (us__at(graph, node.in[i])->op == &us__op_labels && op->labels != i + 1)
            return us__graph_fail(graph, us__fail(graph->context, US_ERR_ARGUMENT,
                                                  "%s: labels are no numbers; only cross_entropy takes them", op->name));
        constant = constant && graph_is_number(graph, node.in[i]);
    }
    us_status status = op->shape ? op->shape(graph, &node) : US_OK;
    if (status != US_OK) return us__graph_fail(graph, status);
    size_t elements = 1;
    for (size_t i = 0; i < node.rank; i++) {
        if (node.shape[i] == US_SAMPLES) continue;
        if (node.shape[i] == 0 || node.shape[i] > INT_MAX || __builtin_mul_overflow(elements, node.shape[i], &elements) ||
            elements > SIZE_MAX / 4096)
            return us__graph_fail(graph, us__fail(graph->context, US_ERR_SHAPE,
                                                  "%s: an axis must be 1 to %d long, and a shape must fit in memory",
                                                  op->name, INT_MAX));
    }
    if (constant) return graph_fold(graph, &node);
    us_node same = op->simplify ? op->simplify(graph, &node) : US_NODE_NONE;
    if (same != US_NODE_NONE || graph->status != US_OK) return same;
    if (op->commutes && !graph_is_number(graph, node.in[0]) &&
        (graph_is_number(graph, node.in[1]) || node.in[0] > node.in[1])) {
        us_node swap = node.in[0];
        node.in[0] = node.in[1];
        node.in[1] = swap;
    }
    return graph_insert(graph, &node);
}

us_node us__unary(us_graph *graph, const us__op *op, us_node a) {
    return us__graph_make(graph, (us__node){.op = op, .in = {a}});
}

us_node us__binary(us_graph *graph, const us__op *op, us_node a, us_node b) {
    return us__graph_make(graph, (us__node){.op = op, .in = {a, b}});
}

us_node us__ternary(us_graph *graph, const us__op *op, us_node a, us_node b, us_node c) {
    return us__graph_make(graph, (us__node){.op = op, .in = {a, b, c}});
}

bool us__is_constant(const us_graph *graph, us_node a, double value) {
    return graph_is_number(graph, a) && us__at(graph, a)->value == value;
}

void us_graph_part(us_graph *graph, const char *part) {
    if (graph->status != US_OK) return;
    graph->part = part ? us__arena_text(graph->names, part, strlen(part)) : NULL;
    if (part && !graph->part) us__graph_fail(graph, US_ERR_NOMEM);
}

/* ------------------------------------------------------------------ looking at it */

static bool graph_has(const us_graph *g, us_node a) { return a >= 0 && (size_t)a < g->count; }

size_t us_graph_rank(const us_graph *graph, us_node a) { return graph_has(graph, a) ? us__at(graph, a)->rank : 0; }

size_t us_graph_axis(const us_graph *graph, us_node a, size_t axis) {
    return graph_has(graph, a) && axis < us__at(graph, a)->rank ? us__at(graph, a)->shape[axis] : 0;
}

us_status us_graph_set_loss(us_graph *graph, us_node loss) {
    if (graph->status != US_OK) return graph->status;
    if (!graph_has(graph, loss))
        return graph->status = us__fail(graph->context, US_ERR_ARGUMENT, "us_graph_set_loss: there is no such node");
    const us__node *n = us__at(graph, loss);
    if (n->op == &us__op_labels || n->rank != (us__has_samples(n) ? 1u : 0u)) {
        char text[128];
        return graph->status = us__fail(graph->context, US_ERR_SHAPE,
                                        "the loss has shape %s; it must be [samples] or a scalar", us__shape_text(n, text));
    }
    graph->loss = loss;
    return US_OK;
}

us_status us_graph_set_output(us_graph *graph, us_node output) {
    if (graph->status != US_OK) return graph->status;
    if (!graph_has(graph, output))
        return graph->status = us__fail(graph->context, US_ERR_ARGUMENT, "us_graph_set_output: there is no such node");
    const us__node *n = us__at(graph, output);
    if (n->op == &us__op_labels || (n->rank > 0 && !us__has_samples(n))) {
        char text[128];
        return graph->status = us__fail(graph->context, US_ERR_SHAPE,
                                        "the output has shape %s; it must be [samples×..], [samples] or a scalar",
                                        us__shape_text(n, text));
    }
    graph->output = output;
    return US_OK;
}

void us_graph_set_squares(us_graph *graph, double factor) { graph->squares = factor; }
void us_graph_set_mean_entropy(us_graph *graph) { graph->mean_entropy = true; }
