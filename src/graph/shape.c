/* Shapes: comparing, broadcasting, and the loops that broadcasting asks for. */
#include "graph/graph.h"
#include <stdio.h>
#include <string.h>

bool us__same_shape(const us__node *a, const us__node *b) {
    return a->rank == b->rank && !memcmp(a->shape, b->shape, a->rank * sizeof *a->shape);
}

bool us__broadcasts_to(const us__node *from, const us__node *to) {
    if (from->rank > to->rank) return false;
    for (size_t i = 0; i < from->rank; i++) {
        size_t size = from->shape[from->rank - 1 - i];
        if (size != 1 && size != to->shape[to->rank - 1 - i]) return false;
    }
    return true;
}

size_t us__elements(const us__node *a, size_t rows) {
    size_t n = 1;
    for (size_t i = 0; i < a->rank; i++) n *= a->shape[i] == US_SAMPLES ? rows : a->shape[i];
    return n;
}

us__around us__around_axis(const us__node *a, size_t axis, size_t rows) {
    us__around n = {1, 1, 1};
    for (size_t i = 0; i < a->rank; i++)
        *(i < axis ? &n.outer : i == axis ? &n.size : &n.inner) *= a->shape[i] == US_SAMPLES ? rows : a->shape[i];
    return n;
}

bool us__has_axis(us_graph *graph, const char *who, us_node a, size_t axis) {
    if (graph->status != US_OK) return false;
    char text[128];
    size_t rank = us_graph_rank(graph, a);
    if (a < 0 || (size_t)a >= graph->count)
        us__graph_fail(graph, us__fail(graph->context, US_ERR_ARGUMENT, "%s: the input is no node of this graph", who));
    else if (axis >= rank)
        us__graph_fail(graph, us__fail(graph->context, US_ERR_ARGUMENT, "%s: there is no axis %zu in %s", who, axis,
                                       us__shape_text(us__at(graph, a), text)));
    else if (us__at(graph, a)->shape[axis] == US_SAMPLES)
        us__graph_fail(graph, us__fail(graph->context, US_ERR_UNSUPPORTED,
                                       "%s over the samples: the loss of a sample may depend on that sample alone", who));
    return graph->status == US_OK;
}

const char *us__shape_text(const us__node *a, char text[128]) {
    size_t at = (size_t)snprintf(text, 128, "[");
    for (size_t i = 0; i < a->rank; i++) {
        const char *times = i ? "×" : "";
        int n = a->shape[i] == US_SAMPLES ? snprintf(text + at, 128 - at, "%ssamples", times)
                                          : snprintf(text + at, 128 - at, "%s%zu", times, a->shape[i]);
        at += (size_t)n;
    }
    snprintf(text + at, 128 - at, "]");
    return text;
}

void us__loops_of(const us__call *call, us__loops *loops) {
    const us__node *y = call->node;
    size_t inputs = y->op->inputs, size[US__RANK], step[US__INPUTS][US__RANK], axes = 0;
    /* Axes from the last to the first; one of size 1 is no loop; one that continues the axis inside it is merged. */
    size_t next[US__INPUTS];
    for (size_t k = 0; k < inputs; k++) next[k] = 1;
    for (size_t i = 0; i < y->rank; i++) {
        size_t n = y->shape[y->rank - 1 - i], here[US__INPUTS];
        if (n == US_SAMPLES) n = call->rows;
        bool merges = axes > 0;
        for (size_t k = 0; k < inputs; k++) {
            const us__node *x = us__at(call->graph, y->in[k]);
            bool stretched = i >= x->rank || (x->shape[x->rank - 1 - i] == 1 && y->shape[y->rank - 1 - i] != 1);
            here[k] = stretched ? 0 : next[k];
            if (!stretched) next[k] *= n;
            if (axes) merges = merges && here[k] == step[k][axes - 1] * size[axes - 1];
        }
        if (n == 1) continue;
        if (merges) {
            size[axes - 1] *= n;
            continue;
        }
        size[axes] = n;
        for (size_t k = 0; k < inputs; k++) step[k][axes] = here[k];
        axes++;
    }
    *loops = (us__loops){.outer = {1, 1, 1}, .inner = axes ? size[0] : 1};
    for (size_t k = 0; k < inputs; k++) loops->unit[k] = axes ? step[k][0] : 0;
    for (size_t i = 1; i < axes; i++) {
        loops->outer[3 - i] = size[i];
        for (size_t k = 0; k < inputs; k++) loops->step[k][3 - i] = step[k][i];
    }
}
