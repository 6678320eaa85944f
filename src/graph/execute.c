/* Computing a plan: block after block of rows, in each of them vector after vector. */
#include "graph/plan.h"
#include "graph/program.h"
#include <string.h>

us_status us__workspace_create(us__workspace **out, us_context *context, us_precision precision, size_t nodes) {
    *out = NULL;
    us__workspace *w = us__new(context, 1, sizeof *w);
    if (!w) return US_ERR_NOMEM;
    w->context = context;
    w->precision = precision;
    w->nodes = nodes;
    w->address = us__new(context, nodes, sizeof *w->address);
    if (!w->address) {
        us__workspace_destroy(w);
        return US_ERR_NOMEM;
    }
    *out = w;
    return US_OK;
}

void us__workspace_destroy(us__workspace *workspace) {
    if (!workspace) return;
    us__release(workspace->context, workspace->address);
    us__release(workspace->context, workspace->memory);
    us__release(workspace->context, workspace->sums);
    us__release(workspace->context, workspace);
}

/* ------------------------------------------------------------------ memory */

/* Places one after the other, each beginning at a multiple of 64 bytes. */
static char *execute_take(char *memory, size_t *at, size_t elements, size_t size) {
    char *place = memory ? memory + *at : NULL;
    *at += (elements * size + 63) / 64 * 64;
    return place;
}

/* The rows of a leaf: where they lie if they can be used as they are, else a place to gather them in. */
static void execute_place_data(const us__evaluation *e, char *memory, size_t *at, size_t block, us_node a, bool as_is) {
    if (a == US_NODE_NONE || as_is) return;
    const us__node *n = us__at(e->plan->graph, a);
    size_t size = n->op == &us__op_labels ? sizeof(uint32_t) : us_precision_bytes(e->workspace->precision);
    void *place = execute_take(memory, at, us__elements(n, block), size);
    if (memory) e->workspace->address[a] = place;
}

/* Do consecutive rows lie as the leaf a has them? stride: from one to the next; 0: one behind the other */
static bool execute_as_is(const us__evaluation *e, us_node a, size_t stride) {
    bool packed = stride == 0 || a == US_NODE_NONE || stride == us__at(e->plan->graph, a)->shape[1];
    return packed && !e->rows && e->data_precision == e->workspace->precision;
}

static size_t execute_positions(const us__node *labels) { return labels->rank == 2 ? labels->shape[1] : 1; }

static bool execute_labels_as_they_are(const us__evaluation *e) {
    us_node a = e->plan->graph->labels;
    return !e->rows && (a == US_NODE_NONE || execute_positions(us__at(e->plan->graph, a)) == e->label_stride);
}

/* Lays out the slots and the gathered data; with memory == NULL only counts the bytes. */
static size_t execute_layout(const us__evaluation *e, char *memory, size_t block) {
    const us__plan *p = e->plan;
    const us_graph *g = p->graph;
    us__workspace *w = e->workspace;
    size_t at = 0, size = us_precision_bytes(w->precision);
    void **places = (void **)execute_take(memory, &at, p->slot_count, sizeof *places);
    for (size_t s = 0; s < p->slot_count; s++) {
        char *place = execute_take(memory, &at, p->slots[s].elements * (p->slots[s].rows ? block : 1), size);
        if (memory) places[s] = place;
    }
    if (memory)
        for (size_t i = 0; i < p->start[US__SEGMENTS]; i++)
            if (p->slot[p->order[i]] != UINT32_MAX) w->address[p->order[i]] = places[p->slot[p->order[i]]];
    void *scratch = execute_take(memory, &at, p->scratch, size);
    if (memory) w->scratch = scratch;
    if (e->features) execute_place_data(e, memory, &at, block, g->features, execute_as_is(e, g->features, e->stride));
    if (e->targets) execute_place_data(e, memory, &at, block, g->targets, execute_as_is(e, g->targets, 0));
    if (e->labels) execute_place_data(e, memory, &at, block, g->labels, execute_labels_as_they_are(e));
    return at;
}

static us_status execute_reserve(const us__evaluation *e, size_t block, size_t sums) {
    us__workspace *w = e->workspace;
    size_t bytes = execute_layout(e, NULL, block);
    if (bytes > w->bytes) {
        us__release(w->context, w->memory);
        w->bytes = 0;
        w->memory = us__alloc(w->context, bytes, 1);
        if (!w->memory) return US_ERR_NOMEM;
        w->bytes = bytes;
    }
    if (sums > w->sum_count) {
        us__release(w->context, w->sums);
        w->sum_count = 0;
        w->sums = us__alloc(w->context, sums, sizeof *w->sums);
        if (!w->sums) return US_ERR_NOMEM;
        w->sum_count = sums;
    }
    execute_layout(e, w->memory, block);
    return US_OK;
}

/* ------------------------------------------------------------------ leaves and outputs */

/* Addresses are not written through where the caller's memory is const. */
static void *execute_at(const void *array, const us__evaluation *e, size_t offset) {
    return (char *)(uintptr_t)array + offset * us_precision_bytes(e->workspace->precision);
}

/* op: the leaves that lie in `array` like θ (parameters, tangents). */
static void execute_bind_leaves(const us__evaluation *e, const us__op *op, const void *array) {
    const us_graph *g = e->plan->graph;
    for (size_t i = 0; i < e->plan->leaf_count; i++) {
        us_node a = e->plan->leaves[i];
        const us__node *n = us__at(g, a);
        if (n->op == op) e->workspace->address[a] = execute_at(array, e, g->groups[n->index].offset);
    }
}

static void execute_bind_weight(const us__evaluation *e) {
    us__workspace *w = e->workspace;
    double weight = 1 / (double)e->count;
    if (w->precision == US_F32)
        memcpy(w->weight, &(float){(float)weight}, sizeof(float));
    else
        memcpy(w->weight, &weight, sizeof weight);
    for (size_t i = 0; i < e->plan->leaf_count; i++)
        if (us__at(e->plan->graph, e->plan->leaves[i])->op == &us__op_weight) w->address[e->plan->leaves[i]] = w->weight;
}

static void execute_bind_outputs(const us__evaluation *e, void *array) {
    for (size_t k = 0; k < e->plan->output_count; k++)
        if (e->plan->direct[k])
            e->workspace->address[e->plan->outputs[k]] = execute_at(array, e, e->plan->graph->groups[k].offset);
}

/* What was not computed in its place: zeros, and values that are also something else. */
static void execute_copy_outputs(const us__evaluation *e, void *array) {
    size_t size = us_precision_bytes(e->workspace->precision);
    for (size_t k = 0; k < e->plan->output_count; k++) {
        const us_group *group = &e->plan->graph->groups[k];
        void *to = execute_at(array, e, group->offset);
        if (e->plan->outputs[k] == US_NODE_NONE)
            memset(to, 0, group->count * size);
        else if (!e->plan->direct[k])
            memcpy(to, e->workspace->address[e->plan->outputs[k]], group->count * size);
    }
}

static void execute_bind_data(const us__evaluation *e, size_t first, size_t count) {
    const us_graph *g = e->plan->graph;
    us__workspace *w = e->workspace;
    void (*gather)(void *, const void *, us_precision, const uint32_t *, size_t, size_t, size_t, size_t) =
        w->precision == US_F32 ? us__gather_f32 : us__gather_f64;
    const void *arrays[2] = {e->features, e->targets};
    us_node nodes[2] = {g->features, g->targets};
    for (size_t i = 0; i < 2; i++) {
        if (!arrays[i] || nodes[i] == US_NODE_NONE) continue;
        size_t columns = us__at(g, nodes[i])->shape[1], stride = i == 0 ? e->stride : columns;
        if (execute_as_is(e, nodes[i], stride))
            w->address[nodes[i]] = execute_at(arrays[i], e, first * stride);
        else
            gather(w->address[nodes[i]], arrays[i], e->data_precision, e->rows, first, count, columns, stride);
    }
    if (!e->labels || g->labels == US_NODE_NONE) return;
    if (execute_labels_as_they_are(e)) {
        w->address[g->labels] = (uint32_t *)(uintptr_t)e->labels + first * e->label_stride;
        return;
    }
    size_t positions = execute_positions(us__at(g, g->labels));
    uint32_t *labels = w->address[g->labels];
    for (size_t i = 0; i < count; i++) {
        size_t row = e->rows ? e->rows[first + i] : first + i;
        memcpy(labels + i * positions, e->labels + row * e->label_stride, positions * sizeof *labels);
    }
}

/* ------------------------------------------------------------------ computing */

static void execute_node(const us__evaluation *e, us_node a, size_t first, size_t rows) {
    us__workspace *w = e->workspace;
    const us__node *n = us__at(e->plan->graph, a);
    us__call call = {.graph = e->plan->graph,
                     .node = n,
                     .out = w->address[a],
                     .rows = rows,
                     .draw = e->draw,
                     .numbers = e->rows ? e->rows + first : NULL,
                     .first = first,
                     .scratch = w->scratch};
    for (size_t k = 0; k < n->op->inputs; k++) call.in[k] = w->address[n->in[k]];
    n->op->value[w->precision == US_F64](&call);
}

static void execute_segment(const us__evaluation *e, us__segment segment, size_t first, size_t rows) {
    const us__plan *p = e->plan;
    us__workspace *w = e->workspace;
    for (size_t i = p->start[segment], done = i; i < p->start[segment + 1]; i++) {
        const us__node *n = us__at(p->graph, p->order[i]);
        if (p->program[i]) {
            us__program_run(p->program[i], p->graph, w->address, rows, w->precision, w->scratch);
            done = i + p->program[i]->nodes;
        }
        if (!n->op->value[0]) /* a view */
            w->address[p->order[i]] = w->address[n->in[0]];
        else if (i >= done)
            execute_node(e, p->order[i], first, rows);
    }
}

/* Adds what the blocks' sums are to `sums`, in double; after the last block puts the total where the graph expects it. */
static void execute_add_sums(const us__evaluation *e, size_t from, size_t to, double *sums, size_t block, size_t blocks) {
    bool single = e->workspace->precision == US_F32;
    for (size_t i = from; i < to; i++) {
        us_node a = e->plan->sums[i];
        size_t n = us__elements(us__at(e->plan->graph, a), 1);
        void *values = e->workspace->address[a];
        if (block == 0) memset(sums, 0, n * sizeof *sums);
        (single ? us__accumulate_f32 : us__accumulate_f64)(sums, values, n);
        if (block == blocks - 1)
            for (size_t j = 0; j < n; j++) {
                if (single)
                    ((float *)values)[j] = (float)sums[j];
                else
                    ((double *)values)[j] = sums[j];
            }
        sums += n;
    }
}

static void execute_vectors(const us__evaluation *e, size_t block, size_t blocks, size_t first, size_t rows) {
    const us__plan *p = e->plan;
    double *sums = e->workspace->sums + p->sum_elements[0];
    for (size_t j = 0; j < e->k; j++, sums += p->sum_elements[1]) {
        execute_bind_leaves(e, &us__op_tangent, e->v[j]);
        execute_bind_outputs(e, e->hv[j]);
        execute_segment(e, US__ONCE_TANGENT, first, rows);
        execute_segment(e, US__BLOCK_TANGENT, first, rows);
        if (blocks > 1) execute_add_sums(e, p->sum_plain, p->sum_count, sums, block, blocks);
        if (block < blocks - 1) continue;
        execute_segment(e, US__AFTER_TANGENT, first, rows);
        execute_copy_outputs(e, e->hv[j]);
    }
}

us_status us__evaluate(const us__evaluation *e) {
    const us__plan *p = e->plan;
    us__workspace *w = e->workspace;
    size_t blocks = (e->count + US__BLOCK_ROWS - 1) / US__BLOCK_ROWS;
    size_t sums = blocks > 1 ? p->sum_elements[0] + e->k * p->sum_elements[1] : 0;
    us_status status = execute_reserve(e, blocks > 1 ? US__BLOCK_ROWS : e->count, sums);
    if (status != US_OK) return status;
    execute_bind_weight(e);
    execute_bind_leaves(e, &us__op_parameter, e->theta);
    if (e->output) execute_bind_outputs(e, e->output);
    execute_segment(e, US__ONCE, 0, 1);
    for (size_t block = 0; block < blocks; block++) {
        size_t first = block * US__BLOCK_ROWS, rows = e->count - first < US__BLOCK_ROWS ? e->count - first : US__BLOCK_ROWS;
        execute_bind_data(e, first, rows);
        execute_segment(e, US__BLOCK, first, rows);
        if (e->watch) e->watch(e->watch_user, w->address[p->watched], first, rows);
        if (blocks > 1) execute_add_sums(e, 0, p->sum_plain, w->sums, block, blocks);
        if (block == blocks - 1) execute_segment(e, US__AFTER, first, rows);
        if (e->k) execute_vectors(e, block, blocks, first, rows);
    }
    if (e->output) execute_copy_outputs(e, e->output);
    return US_OK;
}
