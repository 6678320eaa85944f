/* Networks of dense layers y = a·[W b]', a the layer's input with a one beside it: which graphs are some, what is computed
 * of a row, and the walk over rows and units.
 *
 * In a sample's own loss, W[i,j] of a layer does what its bias bᵢ does, aⱼ times over. So ∂/∂bᵢ of the values of that
 * sample, from one tangent a unit instead of one a parameter, holds all second derivatives: dense_hessian.c,
 * dense_diagonal.c. */
#include "graph/dense.h"
#include <string.h>

/* ------------------------------------------------------------------ which graphs */

/* How often each node is read on the way to the loss. @param uses [count] */
static void dense_count_uses(const us_graph *g, size_t *uses) {
    uses[g->loss] = 1;
    for (us_node a = g->loss; a >= 0; a--) {
        const us__node *n = us__at(g, a);
        for (size_t i = 0; i < n->op->inputs && uses[a]; i++) uses[n->in[i]]++;
    }
}

/* The parameter that a node is, or SIZE_MAX. */
static size_t dense_parameter(const us_graph *g, us_node a) {
    const us__node *n = us__at(g, a);
    return n->op == &us__op_parameter ? n->index : SIZE_MAX;
}

/* Is this hW' + b, with parameters that nothing else reads? */
static bool dense_is_layer(const us_graph *g, us_node a, const size_t *uses, us__dense_layer *layer) {
    const us__node *n = us__at(g, a);
    if (n->op != &us__op_add || uses[a] == 0 || n->rank != 2 || !us__has_samples(n)) return false;
    bool turned = us__at(g, n->in[0])->op == &us__op_parameter;
    us_node product = n->in[turned], bias = n->in[!turned];
    const us__node *z = us__at(g, product), *h, *w;
    if (z->op != &us__op_matmul || z->index != 2 || uses[product] != 1 || uses[bias] != 1) return false;
    h = us__at(g, z->in[0]), w = us__at(g, z->in[1]);
    *layer = (us__dense_layer){.weight = dense_parameter(g, z->in[1]),
                               .bias = dense_parameter(g, bias),
                               .input = z->in[0],
                               .sum = a,
                               .in = w->shape[1],
                               .out = w->shape[0]};
    return layer->weight != SIZE_MAX && layer->bias != SIZE_MAX && uses[z->in[1]] == 1 && h->rank == 2 &&
           us__has_samples(h) && us__elements(us__at(g, bias), 1) == layer->out;
}

/* Finds the layers; false where a parameter is left over. */
static bool dense_find(us__dense *d, const us_graph *g, const size_t *uses) {
    for (us_node a = 0; a <= g->loss; a++) {
        us__dense_layer layer;
        if (!dense_is_layer(g, a, uses, &layer)) continue;
        if (2 * d->count + 2 > g->parameter_count) return false;
        layer.first = d->units;
        d->units += layer.out;
        d->layers[d->count++] = layer;
    }
    return 2 * d->count == g->parameter_count;
}

/* ------------------------------------------------------------------ what is computed of a sample */

/* One more block of columns behind `all`. */
static us_node dense_join(us_graph *g, us_node all, us_node more, size_t *at, size_t *width) {
    *at = SIZE_MAX;
    if (more == US_NODE_NONE) return all;
    *at = *width;
    *width += us__elements(us__at(g, more), 1);
    return all == US_NODE_NONE ? more : us_graph_concatenate(g, all, more, 1);
}

static us_status dense_plan(us__dense *d, us_node *nodes) {
    us_graph *g = d->graph;
    size_t count = d->count;
    us_node *of = nodes, *rates = of + 2 * count, *biases = rates + 2 * count, *tangents = biases + count;
    us_node values = US_NODE_NONE, all = US_NODE_NONE;
    us__node loss = *us__at(g, g->loss);
    us_node seed = us__broadcast_to(g, us__weight(g), &loss);
    for (size_t l = 0; l < count; l++) {
        of[l] = d->layers[l].sum;
        biases[l] = g->parameters[d->layers[l].bias];
        tangents[l] = us__tangent(g, d->layers[l].bias);
    }
    us_status status = us__graph_reverse(g, g->loss, seed, of, count, of + count);
    if (status != US_OK) return status;
    for (size_t l = 0; l < count; l++) of[l] = d->layers[l].input;
    status = us__graph_forward(g, of, 2 * count, biases, tangents, count, rates);
    if (status != US_OK) return status;
    for (size_t l = 0; l < count; l++) {
        us__dense_layer *layer = &d->layers[l];
        values = dense_join(g, values, of[l], &layer->values_at, &d->width[0]);
        values = dense_join(g, values, of[count + l], &layer->slope_at, &d->width[0]);
        all = dense_join(g, all, rates[l], &layer->rates_at, &d->width[1]);
        all = dense_join(g, all, rates[count + l], &layer->turns_at, &d->width[1]);
        if (layer->slope_at == SIZE_MAX) return us_graph_status(g); /* nothing depends on it */
    }
    if ((status = us_graph_status(g)) || all == US_NODE_NONE) return status;
    if ((status = us__again(g, &all, 1))) return status;
    if ((status = us__plan_create(&d->values, g, values, NULL, 0))) return status;
    return us__plan_create(&d->rates, g, all, NULL, 0);
}

us_status us__dense_create(us__dense **out, const us_graph *graph, us_precision precision) {
    us_context *context = graph->context;
    *out = NULL;
    if (!us__has_samples(us__at(graph, graph->loss))) return US_OK;
    size_t most = graph->parameter_count / 2 + 1, *uses = us__new(context, graph->count, sizeof *uses);
    us_node *nodes = us__alloc(context, 6 * most, sizeof *nodes);
    us__dense *d = us__new(context, 1, sizeof *d);
    us_status status = US_ERR_NOMEM;
    if (!uses || !nodes || !d || !(d->layers = us__new(context, most, sizeof *d->layers))) goto done;
    status = US_OK;
    dense_count_uses(graph, uses);
    if (!dense_find(d, graph, uses)) goto done;
    if ((status = us__graph_branch(&d->graph, graph))) goto done;
    if ((status = dense_plan(d, nodes)) || !d->rates) goto done;
    for (int i = 0; i < 2 && !status; i++)
        status = us__workspace_create(&d->workspace[i], context, precision, d->graph->count);
    if (status != US_OK) goto done;
    *out = d;
    d = NULL;
done:
    if (d && !d->graph) {
        us__release(context, d->layers);
        us__release(context, d);
        d = NULL;
    }
    us__dense_destroy(d);
    us__release(context, nodes);
    us__release(context, uses);
    return status;
}

void us__dense_destroy(us__dense *dense) {
    if (!dense) return;
    us_context *context = dense->graph->context;
    for (int i = 0; i < 2; i++) us__workspace_destroy(dense->workspace[i]);
    us__plan_destroy(dense->values);
    us__plan_destroy(dense->rates);
    us__branch_destroy(dense->graph);
    us__release(context, dense->layers);
    us__release(context, dense);
}

/* ------------------------------------------------------------------ over rows and units */

size_t us__dense_place(const us__dense *d, const us__dense_layer *layer, size_t i, size_t j) {
    const us_group *groups = d->graph->groups;
    return j < layer->in ? groups[layer->weight].offset + i * layer->in + j : groups[layer->bias].offset + i;
}

const us__dense_layer *us__dense_layer_of(const us__dense *d, size_t unit) {
    const us__dense_layer *layer = d->layers;
    while (unit >= layer->first + layer->out) layer++;
    return layer;
}

static void dense_write(const us__dense_walk *w, char *to, double value) {
    if (w->single)
        memcpy(to, &(float){(float)value}, sizeof(float));
    else
        memcpy(to, &value, sizeof value);
}

void us__dense_beside(const us__dense_walk *w, const char *from, size_t width, size_t at, size_t columns, double last,
                      char *to) {
    for (size_t r = 0; r < w->rows; r++, to += (columns + 1) * w->size) {
        memcpy(to, from + (r * width + at) * w->size, columns * w->size);
        dense_write(w, to + columns * w->size, last);
    }
}

static void dense_take_values(void *user, const void *values, size_t first, size_t rows) {
    us__dense_walk *w = user;
    size_t row = w->dense->width[0] * w->size;
    memcpy(w->values + first * row, values, rows * row);
}

/* The rows of a chunk, all units, some at a time. @param v [US__BLOCK_VECTORS×n] zeros */
static us_status dense_chunk(us__dense_walk *w, us__evaluation e, char *v) {
    us__dense *d = w->dense;
    const void *in[US__BLOCK_VECTORS];
    void *none[US__BLOCK_VECTORS] = {0};
    size_t n = d->graph->dimension;
    e.plan = d->values, e.workspace = d->workspace[0];
    e.watch = dense_take_values, e.watch_user = w;
    us_status status = us__evaluate(&e);
    for (size_t l = 0; l < d->count; l++)
        us__dense_beside(w, w->values, d->width[0], d->layers[l].values_at, d->layers[l].in, 1, w->inputs[l]);
    e.plan = d->rates, e.workspace = d->workspace[1];
    e.watch = NULL, e.watch_vector = w->take;
    e.v = in, e.hv = none;
    for (w->unit = 0; w->unit < d->units && !status; w->unit += e.k) {
        char *ones[US__BLOCK_VECTORS];
        for (e.k = 0; e.k < US__BLOCK_VECTORS && w->unit + e.k < d->units; e.k++) {
            const us__dense_layer *layer = us__dense_layer_of(d, w->unit + e.k);
            in[e.k] = v + e.k * n * w->size;
            ones[e.k] = v + (e.k * n + us__dense_place(d, layer, w->unit + e.k - layer->first, layer->in)) * w->size;
            dense_write(w, ones[e.k], 1);
        }
        status = us__evaluate(&e);
        for (size_t k = 0; k < e.k; k++) memset(ones[k], 0, w->size);
        if (status == US_OK && w->block) w->block(w, e.k);
        if (status == US_OK && us_context_cancelled(d->graph->context))
            status = us__fail(d->graph->context, US_INTERRUPTED, "interrupted in a Hessian");
    }
    return status;
}

/* Rows first .. of all that is asked for. */
static us__evaluation dense_rows(const us__evaluation *all, const us_graph *g, size_t first) {
    us__evaluation e = *all;
    e.count = all->count - first < US__DENSE_ROWS ? all->count - first : US__DENSE_ROWS;
    if (all->rows) {
        e.rows += first;
        return e;
    }
    size_t size = us_precision_bytes(all->data_precision);
    if (e.features) e.features = (const char *)e.features + first * e.stride * size;
    if (e.targets) e.targets = (const char *)e.targets + first * us__elements(us__at(g, g->targets), 1) * size;
    if (e.labels) e.labels += first * e.label_stride;
    return e;
}

us_status us__dense_walk_all(us__dense_walk *w, us__dense *d, const us__evaluation *all) {
    us_context *context = d->graph->context;
    size_t inputs = 0, vectors = US__BLOCK_VECTORS * d->graph->dimension;
    w->dense = d;
    w->single = d->workspace[0]->precision == US_F32;
    w->size = us_precision_bytes(d->workspace[0]->precision);
    for (size_t l = 0; l < d->count; l++) inputs += US__DENSE_ROWS * (d->layers[l].in + 1);
    us_status status = US_ERR_NOMEM;
    char *v = NULL;
    if (!(w->inputs = us__alloc(context, d->count, sizeof *w->inputs))) goto done;
    if (!(v = us__new(context, vectors + US__DENSE_ROWS * d->width[0] + inputs, w->size))) goto done;
    status = US_OK;
    w->values = v + vectors * w->size;
    w->inputs[0] = w->values + US__DENSE_ROWS * d->width[0] * w->size;
    for (size_t l = 1; l < d->count; l++)
        w->inputs[l] = w->inputs[l - 1] + US__DENSE_ROWS * (d->layers[l - 1].in + 1) * w->size;
    for (size_t first = 0; first < all->count && !status; first += w->rows) {
        us__evaluation e = dense_rows(all, d->graph, first);
        w->rows = e.count;
        w->share = (double)e.count / (double)all->count;
        status = dense_chunk(w, e, v);
        if (!status && w->chunk) w->chunk(w);
        if (!status && w->progress) w->progress(w->user, first + w->rows, all->count);
    }
done:
    us__release(context, v);
    us__release(context, w->inputs);
    return status;
}
