#include "graph/trace.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct trace {
    const us_graph *graph;
    us_precision precision;
    char *text;
    size_t size;
} trace;

static double trace_at(const trace *t, const void *values, size_t i) {
    return t->precision == US_F32 ? (double)((const float *)values)[i] : ((const double *)values)[i];
}

/* The first element that is not finite; `count` where all are. */
static size_t trace_first(const trace *t, const void *values, size_t count) {
    size_t i = 0;
    while (i < count && isfinite(trace_at(t, values, i))) i++;
    return i;
}

/* The same of what a call has computed, which may be a part of a matrix. */
static size_t trace_first_of(const trace *t, const us__call *call, size_t count) {
    const us__range *r = call->range;
    if (!r) return trace_first(t, call->out, count);
    for (size_t i = r->row; i < r->row + r->rows; i++)
        for (size_t j = r->column; j < r->column + r->columns; j++)
            if (!isfinite(trace_at(t, call->out, i * call->node->shape[1] + j))) return i * call->node->shape[1] + j;
    return count;
}

/* ------------------------------------------------------------------ words */

/* What an operation is called by a person. */
static const char *trace_word(const us__op *op) {
    static const struct {
        const us__op *op;
        const char *word;
    } WORDS[] = {{&us__op_add, "sum"},
                 {&us__op_sub, "difference"},
                 {&us__op_mul, "product"},
                 {&us__op_div, "quotient"},
                 {&us__op_pow, "power"},
                 {&us__op_matmul, "product of matrices"},
                 {&us__op_sum_to, "sum"},
                 {&us__op_dot, "sum of products"},
                 {&us__op_batch_matmul, "product of matrices"},
                 {&us__op_log_sum_exp, "log-sum-exp"},
                 {&us__op_cross_entropy, "cross-entropy"}};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (WORDS[i].op == op) return WORDS[i].word;
    return op->name;
}

/* The parameter that a node is, or is another shape of; or US_NODE_NONE. */
static us_node trace_parameter(const us_graph *g, us_node a) {
    while (us__at(g, a)->op == &us__op_reshape || us__at(g, a)->op == &us__op_broadcast_to ||
           us__at(g, a)->op == &us__op_permute)
        a = us__at(g, a)->in[0];
    return us__at(g, a)->op == &us__op_parameter ? a : US_NODE_NONE;
}

static void trace_put(const trace *t, const char *format, ...) US_PRINTF(2, 3);
static void trace_put(const trace *t, const char *format, ...) {
    size_t used = strlen(t->text);
    va_list arguments;
    va_start(arguments, format);
    if (used < t->size) vsnprintf(t->text + used, t->size - used, format, arguments);
    va_end(arguments);
}

/* The numbers that element i was made of, where each is one number: "of 0", "of 0 and 0". */
static void trace_put_operands(const trace *t, const us__call *call, size_t i, size_t count) {
    const us__node *n = call->node;
    if (!n->op->elementwise && n->op->inputs != 1) return;
    for (size_t k = 0; k < n->op->inputs; k++) {
        size_t elements = us__elements(us__at(t->graph, n->in[k]), call->rows);
        if (elements != count && elements != 1) return;
    }
    for (size_t k = 0; k < n->op->inputs; k++)
        trace_put(t, "%s%.6g", k ? " and " : " of ",
                  trace_at(t, call->in[k], us__elements(us__at(t->graph, n->in[k]), call->rows) == 1 ? 0 : i));
}

/* "in layer2 (dense)", and of what it is the derivative. */
static void trace_put_place(const trace *t, const us__node *n) {
    const us__node *of = n->origin == US_NODE_NONE ? n : us__at(t->graph, n->origin);
    while (of->origin != US_NODE_NONE) of = us__at(t->graph, of->origin);
    if (n->origin != US_NODE_NONE) trace_put(t, ", in the derivative of %s", trace_word(of->op));
    if (of->part) trace_put(t, "%s %s", strncmp(of->part, "at ", 3) == 0 ? "," : ", in", of->part);
}

/* ------------------------------------------------------------------ the look */

/* An input that is no result of an operation and not finite by itself: data, a parameter. */
static bool trace_blames_input(const trace *t, const us__call *call) {
    for (size_t k = 0; k < call->node->op->inputs; k++) {
        us_node a = call->node->in[k];
        const us__node *in = us__at(t->graph, a);
        bool data = in->op == &us__op_features || in->op == &us__op_targets;
        if (!data && trace_parameter(t->graph, a) == US_NODE_NONE) continue;
        size_t count = us__elements(in, call->rows), i = trace_first(t, call->in[k], count),
               columns = in->rank > 1 ? in->shape[1] : 1;
        if (i == count) continue;
        double value = trace_at(t, call->in[k], i);
        if (data)
            trace_put(t, "%s %zu (from 0) is %g in the data", in->op == &us__op_features ? "feature" : "target", i % columns,
                      value);
        else
            trace_put(t, "element %zu of %s is %g", i,
                      t->graph->groups[us__at(t->graph, trace_parameter(t->graph, a))->index].name, value);
        return true;
    }
    return false;
}

static void trace_each(void *user, const us__call *call) {
    const trace *t = user;
    const us__node *n = call->node;
    if (*t->text || n->op == &us__op_labels) return;
    size_t count = us__elements(n, call->rows), i = trace_first_of(t, call, count);
    if (i == count || trace_blames_input(t, call)) return;
    trace_put(t, "%s", trace_word(n->op));
    for (size_t k = 0; k < n->op->inputs && !n->op->elementwise; k++) {
        us_node parameter = trace_parameter(t->graph, n->in[k]);
        if (parameter != US_NODE_NONE) trace_put(t, " with %s", t->graph->groups[us__at(t->graph, parameter)->index].name);
    }
    trace_put_operands(t, call, i, count);
    double value = trace_at(t, call->out, i);
    trace_put(t, " gives %g", isnan(value) ? fabs(value) : value); /* a NaN has no sign to a person */
    trace_put_place(t, n);
}

us_status us__trace(const us_graph *graph, us__evaluation e, us_precision precision, us_context *context,
                    const us_node *gradients, size_t count, char *text, size_t size) {
    us_graph *branch = NULL;
    us__plan *plan = NULL;
    us__workspace *workspace = NULL;
    void *output = us__alloc(context, graph->dimension, us_precision_bytes(precision));
    *text = '\0';
    us_status status = output ? us__graph_branch(&branch, graph) : US_ERR_NOMEM;
    if (status == US_OK) {
        branch->separate = true;
        status = us__plan_create(&plan, branch, branch->loss, gradients, count);
    }
    if (status == US_OK) status = us__workspace_create(&workspace, context, precision, branch->count);
    if (status == US_OK) {
        trace t = {branch, precision, text, size};
        e.plan = plan, e.workspace = workspace, e.output = output, e.k = 0;
        e.each = trace_each, e.each_user = &t;
        status = us__evaluate(&e);
    }
    us__workspace_destroy(workspace);
    us__plan_destroy(plan);
    us__branch_destroy(branch);
    us__release(context, output);
    return status;
}
