/* The problem of a graph: the answers to its questions, from its plans and a workspace. */
#include "problem/problem.h"
#include "graph/dense.h"
#include "graph/plan.h"
#include "graph/products.h"
#include "graph/questions.h"
#include "graph/residuals.h"
#include "graph/trace.h"
#include "graph/units.h"
#include "vec/vec.h"

typedef struct graph_problem {
    us_problem base;
    us__questions *shared; /* with recasts */
    bool owns;             /* it; recasts do not */
    us__workspace *workspace;
    us__products *products[US_PRODUCTS]; /* made when they are first asked for; the Hessian's are the shared plan's */
    us__residuals *residuals;            /* likewise */
    us__dense *dense;                    /* likewise; NULL with `dense_known`: the graph is of another kind */
    bool dense_known;
    double keep; /* see us_problem_keep */
} graph_problem;

/* ------------------------------------------------------------------ evaluation */

typedef struct problem_loss {
    const us__node *node;
    us_precision precision;
    double sum;
} problem_loss;

static void problem_add_loss(void *user, const void *values, size_t first, size_t rows) {
    problem_loss *loss = user;
    (void)first;
    size_t n = us__elements(loss->node, rows);
    double sum = loss->precision == US_F32 ? us__total_f32(values, n) : us__total_f64(values, n);
    loss->sum = us__has_samples(loss->node) ? loss->sum + sum : sum;
}

static us__evaluation problem_evaluation(const graph_problem *p, const us__plan *plan, const us_vec *theta, us_batch batch) {
    const us_dataset *data = p->shared->dataset;
    us__evaluation e = {.plan = plan,
                        .workspace = p->workspace,
                        .theta = theta->data,
                        .count = batch.count,
                        .draw = batch.draw,
                        .data_precision = p->base.precision};
    if (!batch.rows) e.count = p->base.samples;
    if (!data) {
        e.count = 1;
        return e;
    }
    e.rows = batch.rows;
    e.features = us_dataset_features_const(data);
    e.targets = us_dataset_targets_const(data);
    e.labels = us_dataset_labels_const(data);
    e.stride = us_dataset_stride(data);
    e.label_stride = us_dataset_label_stride(data);
    e.data_precision = us_dataset_precision(data);
    return e;
}

static us_status problem_evaluate_loss(graph_problem *p, const us__plan *plan, const us_vec *theta, us_batch batch,
                                       double *loss, us_vec *gradient) {
    problem_loss sum = {.node = us__at(p->shared->graph, p->shared->graph->loss), .precision = p->base.precision};
    us__evaluation e = problem_evaluation(p, plan, theta, batch);
    e.watch = problem_add_loss;
    e.watch_user = &sum;
    e.output = gradient ? gradient->data : NULL;
    us_status status = us__evaluate(&e);
    if (status == US_OK) *loss = us__has_samples(sum.node) ? sum.sum / (double)e.count : sum.sum;
    return status;
}

static us_status problem_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    graph_problem *p = (graph_problem *)problem;
    return problem_evaluate_loss(p, p->shared->value, theta, batch, loss, NULL);
}

static us_status problem_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    graph_problem *p = (graph_problem *)problem;
    return problem_evaluate_loss(p, p->shared->gradient, theta, batch, loss, gradient);
}

/* Some vectors at a time: the values at θ are computed once for all of them. */
static us_status problem_multiply(graph_problem *p, const us__plan *plan, us__workspace *workspace, const us_vec *theta,
                                  us_batch batch, const us_vec *const *v, us_vec *const *hv, size_t k) {
    us_status status = US_OK;
    for (size_t from = 0; from < k && status == US_OK; from += US__BLOCK_VECTORS) {
        const void *in[US__BLOCK_VECTORS];
        void *out[US__BLOCK_VECTORS];
        us__evaluation e = problem_evaluation(p, plan, theta, batch);
        e.workspace = workspace;
        for (e.k = 0; e.k < US__BLOCK_VECTORS && from + e.k < k; e.k++) {
            in[e.k] = v[from + e.k]->data;
            out[e.k] = hv[from + e.k]->data;
        }
        e.v = in;
        e.hv = out;
        status = us__evaluate(&e);
    }
    return status;
}

static us_status problem_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                             us_vec *const *hv, size_t k) {
    graph_problem *p = (graph_problem *)problem;
    return problem_multiply(p, p->shared->product, p->workspace, theta, batch, v, hv, k);
}

static us_status problem_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                                 const us_vec *const *v, us_vec *const *hv, size_t k) {
    graph_problem *p = (graph_problem *)problem;
    us__products **made = &p->products[product];
    us_status status = US_OK;
    if (!*made) {
        if ((status = us__products_create(made, p->shared->graph, product, problem->precision))) return status;
        us__workspace_keep((*made)->workspace, p->keep);
    }
    return problem_multiply(p, (*made)->plan, (*made)->workspace, theta, batch, v, hv, k);
}

/* p->dense, unless the graph is of another kind. */
static us_status problem_dense(graph_problem *p) {
    if (!p->shared->dataset || p->dense_known) return US_OK;
    us_status status = us__dense_create(&p->dense, p->shared->graph, p->base.precision);
    p->dense_known = status == US_OK;
    return status;
}

static us_status problem_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                                 bool *done) {
    graph_problem *p = (graph_problem *)problem;
    *done = false;
    us_status status = problem_dense(p);
    if (status != US_OK || !p->dense) return status;
    us__evaluation e = problem_evaluation(p, NULL, theta, batch);
    *done = true;
    return us__dense_hessian(p->dense, &e, h, heard->progress, heard->user);
}

static us_status problem_diagonal(us_problem *problem, const us_vec *theta, us_batch batch, double most, double *d,
                                  double *products) {
    graph_problem *p = (graph_problem *)problem;
    *products = 0;
    us_status status = problem_dense(p);
    if (status != US_OK || !p->dense) return status;
    double cost = us__dense_diagonal_products(p->dense, p->shared->product);
    if (cost > most) return US_OK;
    *products = cost;
    us__evaluation e = problem_evaluation(p, NULL, theta, batch);
    return us__dense_diagonal(p->dense, &e, d);
}

static double problem_keep(us_problem *problem, double bytes) {
    graph_problem *p = (graph_problem *)problem;
    double before = p->keep;
    p->keep = bytes;
    us__workspace_keep(p->workspace, bytes);
    for (size_t i = 0; i < US_PRODUCTS; i++)
        if (p->products[i]) us__workspace_keep(p->products[i]->workspace, bytes);
    return before;
}

static us_status problem_residuals(us_problem *problem, const us_vec *theta, double *residuals, double *jacobian) {
    graph_problem *p = (graph_problem *)problem;
    us_status status = US_OK;
    if (jacobian && !p->residuals) status = us__residuals_create(&p->residuals, p->shared->graph, problem->precision);
    if (status != US_OK) return status;
    us__evaluation e = problem_evaluation(p, p->shared->predict, theta, US_BATCH_ALL);
    return us__residuals_evaluate(p->residuals, &e, residuals, jacobian);
}

/* ------------------------------------------------------------------ creation */

static void problem_destroy(us_problem *problem) {
    graph_problem *p = (graph_problem *)problem;
    us__workspace_destroy(p->workspace);
    for (size_t i = 0; i < US_PRODUCTS; i++) us__products_destroy(p->products[i]);
    us__residuals_destroy(p->residuals);
    us__dense_destroy(p->dense);
    if (p->owns) {
        us_graph *graph = p->shared->graph;
        us__questions_destroy(p->shared);
        us_graph_destroy(graph);
    }
    us__release(problem->context, p);
}

static us_status problem_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context);

static us_status problem_units(us_units **out, us_problem *problem, const us_vec *theta, us_batch batch) {
    graph_problem *p = (graph_problem *)problem;
    const us_graph *g = p->shared->graph;
    if (g->mark_count == 0 || !p->shared->dataset) return US_OK;
    size_t most = 0;
    us_status status = US_ERR_NOMEM;
    double *scratch = NULL;
    us_units *u = us__new(g->context, 1, sizeof *u);
    if (!u) return US_ERR_NOMEM;
    u->context = g->context;
    u->layer_count = g->mark_count;
    if (!(u->layers = us__new(g->context, g->mark_count, sizeof *u->layers))) goto done;
    for (size_t k = 0; k < g->mark_count; k++) {
        size_t count = us__units_count(g, k), needs = us__units_scratch(g, k);
        u->layers[k] = (us_unit_layer){g->marks[k].layer, g->marks[k].bounded, u->count, count};
        u->count += count;
        most = needs > most ? needs : most;
    }
    if (!(u->units = us__new(g->context, u->count, sizeof *u->units))) goto done;
    if (!(scratch = us__alloc(g->context, most, sizeof *scratch))) goto done;
    status = US_OK;
    for (size_t k = 0; k < u->layer_count && status == US_OK; k++) {
        us__evaluation e = problem_evaluation(p, NULL, theta, batch);
        status = us__units_measure(g, k, &e, u->units + u->layers[k].first, scratch);
    }
done:
    us__release(g->context, scratch);
    if (status == US_OK)
        *out = u;
    else
        us_units_destroy(u);
    return status;
}

static us_status problem_floor(us_problem *problem, double *floor, double *constant) {
    const us__questions *s = ((graph_problem *)problem)->shared;
    bool entropy = s->graph->mean_entropy || us__at(s->graph, s->graph->loss)->op == &us__op_cross_entropy;
    if (!s->dataset || !(entropy || s->graph->squares > 0)) return US_OK;
    us_status status = us_dataset_floor(s->dataset, floor, constant);
    if (status == US_OK && !entropy) *floor *= 2 * s->graph->squares, *constant *= 2 * s->graph->squares;
    return status;
}

static us_status problem_trace(us_problem *problem, const us_vec *theta, us_batch batch, char *text, size_t size) {
    graph_problem *p = (graph_problem *)problem;
    const us__plan *gradient = p->shared->gradient;
    return us__trace(p->shared->graph, problem_evaluation(p, gradient, theta, batch), problem->precision, problem->context,
                     gradient->outputs, gradient->output_count, text, size);
}

static const us__problem_ops GRAPH_OPS = {
    .value = problem_value,
    .gradient = problem_gradient,
    .hvp = problem_hvp,
    .product = problem_product,
    .hessian = problem_hessian,
    .diagonal = problem_diagonal,
    .keep = problem_keep,
    .residuals = problem_residuals,
    .recast = problem_recast,
    .floor = problem_floor,
    .units = problem_units,
    .trace = problem_trace,
    .destroy = problem_destroy,
};

static us_status problem_make(us_problem **out, us_context *context, us__questions *shared, bool owns,
                              us_precision precision) {
    us_graph *g = shared->graph;
    *out = NULL;
    graph_problem *p = us__new(context, 1, sizeof *p);
    if (!p) return US_ERR_NOMEM;
    p->base = (us_problem){.ops = &GRAPH_OPS,
                           .context = context,
                           .precision = precision,
                           .dimension = g->dimension,
                           .samples = shared->dataset ? us_dataset_rows(shared->dataset) : 1,
                           .groups = g->groups,
                           .group_count = g->parameter_count,
                           .residuals = shared->dataset && us__residuals_one(g) ? us_dataset_rows(shared->dataset) : 0,
                           .hvp_is_exact = true,
                           .has_training_form = us__plan_draws(shared->gradient)};
    p->shared = shared;
    us_status status = us__workspace_create(&p->workspace, context, precision, g->count);
    if (status != US_OK) {
        problem_destroy(&p->base);
        return status;
    }
    p->owns = owns;
    *out = &p->base;
    return US_OK;
}

static us_status problem_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context) {
    return problem_make(out, context, ((const graph_problem *)problem)->shared, false, precision);
}

us_status us_problem_create_graph(us_problem **out, us_graph *graph, const us_dataset *dataset, us_precision precision) {
    us__questions *shared = NULL;
    us_status status = us_graph_status(graph);
    *out = NULL;
    if (status == US_OK && precision != US_F32 && precision != US_F64)
        status = us__fail(graph->context, US_ERR_ARGUMENT, "precision is %d; it must be US_F32 or US_F64", (int)precision);
    if (status == US_OK) status = us__questions_create(&shared, graph, dataset);
    if (status == US_OK) status = problem_make(out, graph->context, shared, true, precision);
    if (status == US_OK) return US_OK;
    us__questions_destroy(shared);
    us_graph_destroy(graph);
    return status;
}

/* ------------------------------------------------------------------ prediction */

typedef struct problem_output {
    const us__node *node;
    us_precision precision;
    double *to;
} problem_output;

static void problem_read_output(void *user, const void *values, size_t first, size_t rows) {
    problem_output *o = user;
    size_t width = us__elements(o->node, 1);
    bool samples = us__has_samples(o->node); /* else one value serves all rows */
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) {
            size_t at = (samples ? i : 0) * width + j;
            o->to[(first + i) * width + j] =
                o->precision == US_F32 ? (double)((const float *)values)[at] : ((const double *)values)[at];
        }
}

/* Checks a question for outputs, and begins the answer: what is read is to be filled in. */
static us_status problem_predict_begin(us_problem *problem, const us_vec *theta, us__evaluation *e, problem_output *output) {
    graph_problem *p = (graph_problem *)problem;
    if (problem->ops != &GRAPH_OPS || !p->shared->predict)
        return us__fail(problem->context, US_ERR_UNSUPPORTED,
                        "only the problem of a graph with an output (us_graph_set_output) predicts");
    const us_graph *g = p->shared->graph;
    if (theta->n != problem->dimension || theta->precision != problem->precision)
        return us__fail(problem->context, US_ERR_ARGUMENT, "theta must have %zu elements of the problem's precision",
                        problem->dimension);
    output->node = us__at(g, g->output);
    output->precision = problem->precision;
    *e = (us__evaluation){.plan = p->shared->predict,
                          .workspace = p->workspace,
                          .theta = theta->data,
                          .stride = g->features == US_NODE_NONE ? 0 : us__at(g, g->features)->shape[1],
                          .data_precision = problem->precision,
                          .watch = problem_read_output,
                          .watch_user = output};
    return US_OK;
}

us_status us_problem_graph_predict(us_problem *problem, const us_vec *theta, const void *features, size_t rows,
                                   double *outputs) {
    problem_output output = {.to = outputs};
    us__evaluation e;
    us_status status = problem_predict_begin(problem, theta, &e, &output);
    if (status != US_OK || rows == 0) return status;
    if (!outputs || (!features && e.stride > 0))
        return us__fail(problem->context, US_ERR_ARGUMENT, "us_problem_graph_predict: features or outputs is NULL");
    e.count = rows;
    e.features = features;
    return us__evaluate(&e);
}

us_status us_problem_graph_predict_rows(us_problem *problem, const us_vec *theta, const us_dataset *dataset, size_t first,
                                        size_t count, double *outputs) {
    problem_output output = {.to = outputs};
    us__evaluation e;
    us_status status = problem_predict_begin(problem, theta, &e, &output);
    if (status != US_OK || count == 0) return status;
    size_t rows = us_dataset_rows(dataset);
    if (!outputs || first > rows || count > rows - first)
        return us__fail(problem->context, US_ERR_ARGUMENT, "rows %zu to %zu are asked for; there are %zu, and outputs is %s",
                        first, first + count, rows, outputs ? "given" : "NULL");
    if (e.stride > 0 && e.stride != us_dataset_columns(dataset))
        return us__fail(problem->context, US_ERR_SHAPE, "the graph reads %zu features, the dataset has %zu", e.stride,
                        us_dataset_columns(dataset));
    e.count = count;
    e.stride = us_dataset_stride(dataset);
    e.data_precision = us_dataset_precision(dataset);
    e.features = (const char *)us_dataset_features_const(dataset) + first * e.stride * us_precision_bytes(e.data_precision);
    return us__evaluate(&e);
}
