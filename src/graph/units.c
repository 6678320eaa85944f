/* The units of a graph's layers: slopes of the activations, and the gradient that arrives there, row by row.
 *
 * The slope is the forward-mode derivative of the output along ones at the input; what arrives is the reverse-mode
 * derivative of the loss by the output. Both are graphs, so every activation is answered for. */
#include "graph/units.h"
#include <math.h>
#include <string.h>

void us_graph_mark_units(us_graph *graph, const char *layer, bool bounded, double steepest, us_node input, us_node output) {
    if (graph->status != US_OK) return;
    us__mark *grown = us__grow(graph->context, graph->marks, graph->mark_count, graph->mark_count + 1, sizeof *grown);
    if (grown) graph->marks = grown;
    char *name = grown ? us__arena_text(graph->names, layer, strlen(layer)) : NULL;
    if (!name) {
        us__graph_fail(graph, US_ERR_NOMEM);
        return;
    }
    graph->marks[graph->mark_count++] =
        (us__mark){.layer = name, .bounded = bounded, .steepest = steepest, .input = input, .output = output};
}

us_status us__units_derive(us_graph *g) {
    us_status status = g->status;
    for (size_t k = 0; k < g->mark_count && status == US_OK; k++) {
        us__mark *m = &g->marks[k];
        us__node input = *us__at(g, m->input), loss = *us__at(g, g->loss);
        us_node ones = us__broadcast_to(g, us_graph_constant(g, 1), &input);
        us_node seed = us__has_samples(&loss) ? us__broadcast_to(g, us__weight(g), &loss) : us_graph_constant(g, 1);
        status = us__graph_forward(g, &m->output, 1, &m->input, &ones, 1, &m->slope);
        if (status == US_OK) status = us__graph_reverse(g, g->loss, seed, &m->output, 1, &m->arriving);
    }
    return status;
}

void us__units_release(us_graph *g) { us__release(g->context, g->marks); }

/* ------------------------------------------------------------------ measuring */

enum { UNITS_VALUES = 1 << 20 }; /* of a layer that are looked at together */

/* A unit has a value at each of `positions`; element k of a row belongs to unit (k / inner) % count: the channels of an
 * image come before its pixels, the features of a sequence after its positions. */
typedef struct units_layout {
    size_t count, inner, elements, rows; /* elements of a row; rows that are looked at together */
} units_layout;

static units_layout units_of(const us_graph *g, size_t layer) {
    const us__node *input = us__at(g, g->marks[layer].input);
    bool image = input->rank == 4;
    units_layout l = {.count = input->shape[image ? 1 : input->rank - 1], .inner = 1, .elements = us__elements(input, 1)};
    if (image) l.inner = input->shape[2] * input->shape[3];
    l.rows = UNITS_VALUES / l.elements;
    l.rows = l.rows < 1 ? 1 : l.rows > US__BLOCK_ROWS ? US__BLOCK_ROWS : l.rows;
    return l;
}

size_t us__units_count(const us_graph *g, size_t layer) { return units_of(g, layer).count; }

size_t us__units_scratch(const us_graph *g, size_t layer) {
    units_layout l = units_of(g, layer);
    return 3 * l.rows * l.elements + l.count;
}

typedef struct units_rows {
    const us__node *node;
    us_precision precision;
    double *to; /* [rows×elements] */
    size_t elements;
} units_rows;

static void units_read(void *user, const void *values, size_t first, size_t rows) {
    units_rows *r = user;
    bool samples = us__has_samples(r->node); /* else one row serves all */
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < r->elements; j++) {
            size_t at = (samples ? i : 0) * r->elements + j;
            r->to[(first + i) * r->elements + j] =
                r->precision == US_F32 ? (double)((const float *)values)[at] : ((const double *)values)[at];
        }
}

/* Adds a block of rows to the sums of a layer's units: `passed` holds Σ|δ|, `arrived` Σ|ε|. */
static void units_add(us_unit *units, double *arrived, const units_layout *l, size_t rows, const double *input,
                      const double *slope, const double *arriving) {
    for (size_t at = 0; at < rows * l->elements; at++) {
        size_t j = at / l->inner % l->count;
        units[j].low = fmin(units[j].low, input[at]);
        units[j].high = fmax(units[j].high, input[at]);
        units[j].active += slope[at] != 0;
        units[j].passed += fabs(arriving[at] * slope[at]);
        arrived[j] += fabs(arriving[at]);
    }
}

/* Plans are made for the while: each is as large as the graph, and of a deep one there are many. */
static us_status units_plan(const us_graph *g, const us_node nodes[3], us__plan *plans[3]) {
    us_status status = US_OK;
    for (size_t i = 0; i < 3 && status == US_OK; i++)
        if (nodes[i] != US_NODE_NONE) status = us__plan_create(&plans[i], g, nodes[i], NULL, 0);
    return status;
}

us_status us__units_measure(const us_graph *g, size_t layer, us__evaluation *e, us_unit *units, double *scratch) {
    const us__mark *m = &g->marks[layer];
    const us_node nodes[] = {m->input, m->slope, m->arriving};
    us__plan *plans[3] = {NULL};
    units_layout l = units_of(g, layer);
    const uint32_t *asked = e->rows;
    size_t samples = e->count, block = l.rows * l.elements;
    double *values[3] = {scratch, scratch + block, scratch + 2 * block}, *arrived = scratch + 3 * block;
    uint32_t rows[US__BLOCK_ROWS];
    us_status status = units_plan(g, nodes, plans);
    for (size_t j = 0; j < l.count; j++) units[j] = (us_unit){.low = HUGE_VAL, .high = -HUGE_VAL}, arrived[j] = 0;
    for (size_t first = 0; first < samples && status == US_OK; first += e->count) {
        e->count = samples - first < l.rows ? samples - first : l.rows;
        for (size_t i = 0; i < e->count; i++) rows[i] = asked ? asked[first + i] : (uint32_t)(first + i);
        e->rows = rows;
        for (size_t i = 0; i < 3 && status == US_OK; i++) {
            memset(values[i], 0, e->count * l.elements * sizeof(double));
            if (!plans[i]) continue;
            units_rows read = {us__at(g, nodes[i]), e->workspace->precision, values[i], l.elements};
            e->plan = plans[i], e->watch = units_read, e->watch_user = &read;
            status = us__evaluate(e);
        }
        if (status == US_OK) units_add(units, arrived, &l, e->count, values[0], values[1], values[2]);
    }
    us__point_forget(e->workspace); /* a plan to come may have the address of one that goes */
    for (size_t i = 0; i < 3; i++) us__plan_destroy(plans[i]);
    double seen = (double)samples * (double)(l.elements / l.count);
    for (size_t j = 0; j < l.count; j++) {
        units[j].active /= seen;
        units[j].arrives = arrived[j] / seen;
        units[j].passed = arrived[j] > 0 ? units[j].passed / (m->steepest * arrived[j]) : (double)NAN;
    }
    return status;
}
