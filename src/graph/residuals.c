/* With the loss s·(z − t)² of a sample, the residual is r = √(2s)·(z − t), so that the mean loss is Σ r²/(2N). A row of the
 * Jacobian is the reverse of the output z of that sample alone. */
#include "graph/residuals.h"
#include <math.h>

bool us__residuals_one(const us_graph *graph) {
    return graph->squares > 0 && graph->output != US_NODE_NONE && us__has_samples(us__at(graph, graph->output)) &&
           us__elements(us__at(graph, graph->output), 1) == 1;
}

us_status us__residuals_create(us__residuals **out, const us_graph *graph, us_precision precision) {
    us_context *context = graph->context;
    *out = NULL;
    us_node *slopes = us__alloc(context, graph->parameter_count, sizeof *slopes);
    us__residuals *r = us__new(context, 1, sizeof *r);
    us_status status = slopes && r ? us__graph_branch(&r->graph, graph) : US_ERR_NOMEM;
    if (status != US_OK) goto done;
    us__node z = *us__at(r->graph, graph->output);
    us_node seed = us__broadcast_to(r->graph, us__weight(r->graph), &z); /* 1/N, which is 1 for one sample */
    status = us__graph_reverse(r->graph, graph->output, seed, graph->parameters, graph->parameter_count, slopes);
    if (status == US_OK) status = us_graph_status(r->graph);
    if (status == US_OK) status = us__plan_create(&r->plan, r->graph, US_NODE_NONE, slopes, graph->parameter_count);
    if (status == US_OK) status = us__workspace_create(&r->workspace, context, precision, r->graph->count);
    if (status == US_OK && !(r->row = us__alloc(context, graph->dimension, us_precision_bytes(precision))))
        status = US_ERR_NOMEM;
    if (status != US_OK) goto done;
    *out = r;
    r = NULL;
done:
    if (r && !r->graph) us__release(context, r), r = NULL;
    us__residuals_destroy(r);
    us__release(context, slopes);
    return status;
}

void us__residuals_destroy(us__residuals *residuals) {
    if (!residuals) return;
    us_context *context = residuals->graph->context;
    us__release(context, residuals->row);
    us__workspace_destroy(residuals->workspace);
    us__plan_destroy(residuals->plan);
    us__branch_destroy(residuals->graph);
    us__release(context, residuals);
}

static double residuals_number(const void *from, us_precision precision, size_t i) {
    return precision == US_F32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

typedef struct residuals_reader {
    us_precision precision;
    double *to;
} residuals_reader;

static void residuals_read(void *user, const void *values, size_t first, size_t rows) {
    const residuals_reader *reader = user;
    for (size_t i = 0; i < rows; i++) reader->to[first + i] = residuals_number(values, reader->precision, i);
}

us_status us__residuals_evaluate(us__residuals *residuals, us__evaluation *predict, double *values, double *jacobian) {
    const us_graph *graph = predict->plan->graph;
    us_precision precision = predict->workspace->precision;
    residuals_reader reader = {precision, values};
    double factor = sqrt(2 * graph->squares);
    predict->watch = residuals_read;
    predict->watch_user = &reader;
    us_status status = us__evaluate(predict);
    size_t count = predict->count, n = graph->dimension;
    for (size_t i = 0; i < count && status == US_OK; i++)
        values[i] = factor * (values[i] - residuals_number(predict->targets, predict->data_precision, i));
    if (status != US_OK || !jacobian) return status;
    us__evaluation one = *predict;
    one.plan = residuals->plan;
    one.workspace = residuals->workspace;
    one.watch = NULL;
    one.output = residuals->row;
    one.count = 1;
    for (size_t i = 0; i < count && status == US_OK; i++) {
        const uint32_t row = (uint32_t)i;
        one.rows = &row;
        status = us__evaluate(&one);
        for (size_t j = 0; j < n && status == US_OK; j++)
            jacobian[i * n + j] = factor * residuals_number(residuals->row, precision, j);
    }
    return status;
}
