/* The whole Hessian of a network of dense layers y = a·[W b]', a the layer's input with a one beside it.
 *
 * In a sample's own loss, W[i,j] of a layer l does what its bias bᵢ does, aⱼ times over. So with ∂/∂bᵢ of the values of that
 * sample, from one tangent a unit instead of one a parameter, the Hessian is a sum over samples of
 *     ∂²loss/∂[W b]ₗ[i,j] ∂[W b]ₘ[i',j'] = aₗ[j]·(∂δₘ[i']/∂bᵢ·aₘ[j'] + δₘ[i']·∂aₘ[j']/∂bᵢ),   δₘ = ∂loss/∂yₘ,
 * for layers m that do not come before l; the rest is symmetry. The sums are matrix products: aₗ' times the brackets.
 * The same structure serves Kronecker approximations: Botev, Ritter & Barber 2017, "Practical Gauss-Newton optimisation for
 * deep learning", ICML; here nothing is approximated. */
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

/* ------------------------------------------------------------------ the sums */

typedef struct dense_sums {
    const us__dense *d;
    size_t n, size, rows, unit; /* of θ; of a number; of the chunk; the first of the units at hand */
    double share;               /* of the chunk's mean in that of all rows */
    char *values, *rates;       /* [rows×width], [US__BLOCK_VECTORS×rows×width] */
    char **inputs;              /* [layers] each [rows×(in+1)], the last a one */
    char *own;                  /* [threads×own_bytes] */
    size_t own_bytes, wide;     /* numbers of the largest aₗ' times brackets; of their scratch */
    double *h;
    bool single;
} dense_sums;

static void dense_take_values(void *user, const void *values, size_t first, size_t rows) {
    dense_sums *s = user;
    size_t row = s->d->width[0] * s->size;
    memcpy(s->values + first * row, values, rows * row);
}

static void dense_take_rates(void *user, size_t vector, const void *values, size_t first, size_t rows) {
    dense_sums *s = user;
    size_t row = s->d->width[1] * s->size;
    memcpy(s->rates + (vector * US__DENSE_ROWS + first) * row, values, rows * row);
}

/* Columns of a block of values, with one more beside them, which is `last`. */
static void dense_beside(const dense_sums *s, const char *from, size_t width, size_t at, size_t columns, double last,
                         char *to) {
    for (size_t r = 0; r < s->rows; r++, to += (columns + 1) * s->size) {
        memcpy(to, from + (r * width + at) * s->size, columns * s->size);
        if (s->single)
            memcpy(to + columns * s->size, &(float){(float)last}, sizeof(float));
        else
            memcpy(to + columns * s->size, &last, sizeof last);
    }
}

static double dense_number(const dense_sums *s, const char *from, size_t i) {
    return s->single ? (double)((const float *)(const void *)from)[i] : ((const double *)(const void *)from)[i];
}

/* Where [W b][i,j] lies in θ. */
static size_t dense_place(const us__dense *d, const us__dense_layer *layer, size_t i, size_t j) {
    const us_group *groups = d->graph->groups;
    return j < layer->in ? groups[layer->weight].offset + i * layer->in + j : groups[layer->bias].offset + i;
}

/* All that belongs to one unit of layer l: its rows of H, in layers that do not come before. */
static void dense_unit(void *user, size_t vector, size_t thread) {
    const dense_sums *s = user;
    const us__dense *d = s->d;
    size_t unit = s->unit + vector, l = 0;
    while (unit >= d->layers[l].first + d->layers[l].out) l++;
    const us__dense_layer *mine = &d->layers[l];
    size_t i = unit - mine->first;
    const char *rates = s->rates + vector * US__DENSE_ROWS * d->width[1] * s->size;
    char *own = s->own + thread * s->own_bytes, *sums = own, *scratch = own + s->wide * s->size;
    char *beside = scratch + US__DENSE_TILE * (s->n + 1) * s->size;
    for (size_t m = l; m < d->count; m++) {
        const us__dense_layer *other = &d->layers[m];
        bool moves = other->rates_at != SIZE_MAX && m != l;
        us__dense_part part = {.in = other->in,
                               .out = other->out,
                               .a = s->inputs[m],
                               .slope = s->values + other->slope_at * s->size,
                               .slope_step = d->width[0],
                               .turn_step = d->width[1]};
        if (other->turns_at != SIZE_MAX) part.turns = rates + other->turns_at * s->size;
        if (moves) dense_beside(s, rates, d->width[1], other->rates_at, other->in, 0, beside), part.rates = beside;
        size_t from = m == l ? i : 0, columns = other->in + 1, width = (other->out - from) * columns;
        (s->single ? us__dense_contract_f32 : us__dense_contract_f64)(s->inputs[l], mine->in + 1, &part, from, s->rows, sums,
                                                                      scratch);
        for (size_t j = 0; j <= mine->in; j++) {
            double *row = s->h + dense_place(d, mine, i, j) * s->n;
            for (size_t c = 0; c < width; c++)
                row[dense_place(d, other, from + c / columns, c % columns)] +=
                    s->share * dense_number(s, sums, j * width + c);
        }
    }
}

/* The rows of a chunk, all units, some at a time. @param v [US__BLOCK_VECTORS×n] zeros */
static us_status dense_chunk(dense_sums *s, us__dense *d, us__evaluation e, char *v) {
    const void *in[US__BLOCK_VECTORS];
    void *none[US__BLOCK_VECTORS] = {0};
    e.plan = d->values, e.workspace = d->workspace[0];
    e.watch = dense_take_values, e.watch_user = s;
    us_status status = us__evaluate(&e);
    for (size_t l = 0; l < d->count; l++)
        dense_beside(s, s->values, d->width[0], d->layers[l].values_at, d->layers[l].in, 1, s->inputs[l]);
    e.plan = d->rates, e.workspace = d->workspace[1];
    e.watch = NULL, e.watch_vector = dense_take_rates;
    e.v = in, e.hv = none;
    for (s->unit = 0; s->unit < d->units && !status; s->unit += e.k) {
        char *ones[US__BLOCK_VECTORS];
        for (e.k = 0; e.k < US__BLOCK_VECTORS && s->unit + e.k < d->units; e.k++) {
            size_t l = 0;
            while (s->unit + e.k >= d->layers[l].first + d->layers[l].out) l++;
            in[e.k] = v + e.k * s->n * s->size;
            ones[e.k] =
                v +
                (e.k * s->n + dense_place(d, &d->layers[l], s->unit + e.k - d->layers[l].first, d->layers[l].in)) * s->size;
            if (s->single)
                memcpy(ones[e.k], &(float){1}, sizeof(float));
            else
                memcpy(ones[e.k], &(double){1}, sizeof(double));
        }
        status = us__evaluate(&e);
        for (size_t k = 0; k < e.k; k++) memset(ones[k], 0, s->size);
        if (status == US_OK)
            us__parallel(d->graph->context, (size_t)us_context_threads(d->graph->context), e.k, dense_unit, s);
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

us_status us__dense_hessian(us__dense *d, const us__evaluation *all, double *h,
                            void (*progress)(void *user, size_t done, size_t rows), void *user) {
    us_context *context = d->graph->context;
    dense_sums s = {.d = d, .n = d->graph->dimension, .h = h, .single = d->workspace[0]->precision == US_F32};
    size_t threads = (size_t)us_context_threads(context), inputs = 0, wide = 0;
    s.size = us_precision_bytes(d->workspace[0]->precision);
    for (size_t l = 0; l < d->count; l++) {
        inputs += US__DENSE_ROWS * (d->layers[l].in + 1);
        wide = wide > d->layers[l].in + 1 ? wide : d->layers[l].in + 1;
    }
    s.wide = wide * s.n;
    s.own_bytes = (s.wide + US__DENSE_TILE * (s.n + 1) + US__DENSE_ROWS * wide + 16) * s.size;
    size_t numbers = US__DENSE_ROWS * d->width[0] + US__BLOCK_VECTORS * (US__DENSE_ROWS * d->width[1] + s.n) + inputs;
    us_status status = US_ERR_NOMEM;
    char *v = NULL;
    if (!(s.inputs = us__alloc(context, d->count, sizeof *s.inputs))) goto done;
    if (!(s.own = us__alloc(context, threads, s.own_bytes))) goto done;
    if (!(v = us__new(context, numbers, s.size))) goto done;
    status = US_OK;
    s.values = v + US__BLOCK_VECTORS * s.n * s.size;
    s.rates = s.values + US__DENSE_ROWS * d->width[0] * s.size;
    s.inputs[0] = s.rates + US__BLOCK_VECTORS * US__DENSE_ROWS * d->width[1] * s.size;
    for (size_t l = 1; l < d->count; l++)
        s.inputs[l] = s.inputs[l - 1] + US__DENSE_ROWS * (d->layers[l - 1].in + 1) * s.size;
    memset(h, 0, s.n * s.n * sizeof *h);
    for (size_t first = 0; first < all->count && !status; first += s.rows) {
        us__evaluation e = dense_rows(all, d->graph, first);
        s.rows = e.count;
        s.share = (double)e.count / (double)all->count;
        status = dense_chunk(&s, d, e, v);
        if (progress && !status) progress(user, first + s.rows, all->count);
    }
    /* of H[p,q] and H[q,p] one was computed, or both inside a unit, alike but for rounding */
    for (size_t p = 0; p < s.n && !status; p++)
        for (size_t q = p + 1; q < s.n; q++) {
            double *a = &h[p * s.n + q], *b = &h[q * s.n + p];
            *a = *b = *a == 0 ? *b : *b == 0 ? *a : 0.5 * (*a + *b);
        }
done:
    us__release(context, v);
    us__release(context, s.own);
    us__release(context, s.inputs);
    return status;
}
