/* Where the values of a plan lie: memory, and the addresses of nodes for a block and for each thread's tile. */
#include "graph/gemm.h"
#include "graph/plan.h"
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
    us__release(workspace->context, workspace->tiles);
    us__release(workspace->context, workspace->place);
    us__release(workspace->context, workspace->memory);
    us__release(workspace->context, workspace->own);
    us__release(workspace->context, workspace->sums);
    us__release(workspace->context, workspace->strips);
    us__release(workspace->context, workspace->point.rows);
    us__release(workspace->context, workspace);
}

/* ------------------------------------------------------------------ memory */

void us__workspace_keep(us__workspace *w, double bytes) {
    if (bytes < w->keep) {
        us__point_forget(w);
        us__release(w->context, w->memory);
        w->memory = NULL, w->bytes = 0;
    }
    w->keep = bytes;
}

us_status us__workspace_room(us__workspace *w, void **block, size_t *have, size_t want, size_t size) {
    if (want <= *have) return US_OK;
    us__release(w->context, *block);
    *have = 0;
    *block = us__alloc(w->context, want, size);
    if (!*block) return US_ERR_NOMEM;
    *have = want;
    return US_OK;
}

/* Takes the place of so many elements at *at, which begins at a multiple of 64 bytes. */
static size_t workspace_take(size_t *at, size_t elements, size_t size) {
    size_t place = *at;
    *at += (elements * size + 63) / 64 * 64;
    return place;
}

/* Where the data of a leaf are, and how far apart its rows begin. */
typedef struct workspace_source {
    const void *data;
    size_t columns, stride, bytes; /* bytes: of an element in the workspace */
    bool as_is;                    /* consecutive rows lie as the leaf has them: they are used where they are */
} workspace_source;

static workspace_source workspace_read(const us__evaluation *e, us_node a) {
    const us_graph *g = e->plan->graph;
    us_precision precision = e->workspace->precision;
    workspace_source s = {.columns = us__elements(us__at(g, a), 1), .bytes = us_precision_bytes(precision)};
    bool converted = a != g->labels && e->data_precision != precision;
    if (a == g->labels)
        s.data = e->labels, s.stride = e->label_stride, s.bytes = sizeof *e->labels;
    else
        s.data = a == g->features ? e->features : e->targets, s.stride = a == g->features ? e->stride : s.columns;
    s.as_is = !e->rows && !converted && s.stride == s.columns && !(a == g->features && e->workspace->pitch);
    return s;
}

size_t us__workspace_width(const us__workspace *w) {
    return w->precision == US_F32 ? us__gemm_width_f32() : us__gemm_width_f64();
}

/* Rows of panels for so many. Rows of neighbouring panels are read together, by the tile and by the block: so that they do
 * not fall into the same places of the caches, panels are about a block's rows more than a multiple of 1024 apart. */
static size_t workspace_pitch(size_t rows) { return us__gemm_rounded(rows) + 70; }

us_status us__workspace_reserve(const us__evaluation *e, us__cut cut, size_t threads) {
    const us__plan *p = e->plan;
    us__workspace *w = e->workspace;
    size_t size = us_precision_bytes(w->precision), before = w->bytes, at = 0, own = 0;
    size_t block = e->count < cut.block ? e->count : cut.block;
    us_status status = us__workspace_room(w, (void **)&w->place, &w->slots, p->slot_count, sizeof *w->place);
    if (status != US_OK) return status;
    workspace_take(&own, p->scratch, size);
    w->point_rows = cut.point;
    /* Who looks at each node reads its inputs as they are; a right matrix may serve one product only. */
    bool panels = us__workspace_width(w) > 0 && e->count > 1 && !e->each;
    w->packs = panels && (e->count > cut.strip || e->k > 0);
    w->pitch = panels && p->panels ? workspace_pitch(cut.point) : 0;
    for (size_t s = 0; s < p->slot_count; s++) {
        const us__slot *slot = &p->slots[s];
        if (!w->packs && p->pack_count && s >= p->packs[0].slot) break; /* theirs are the last ones */
        size_t rows = slot->place == US__SHARED ? 1 : slot->point ? cut.point : block;
        if (slot->place == US__OWN)
            w->place[s] = workspace_take(&own, cut.strip * slot->elements, size);
        else if (slot->place != US__DATA)
            w->place[s] = workspace_take(&at, rows * slot->elements, size);
    }
    for (size_t i = 0; i < p->row_count; i++) {
        us_node a = p->rows[i];
        if (p->root[a] != a || p->slots[p->slot[a]].place != US__DATA || workspace_read(e, a).as_is) continue;
        size_t elements = p->slots[p->slot[a]].elements;
        bool in_panels = w->pitch && a == p->graph->features;
        w->place[p->slot[a]] =
            workspace_take(&at, in_panels ? w->pitch * us__gemm_rounded(elements) : cut.point * elements, size);
    }
    bool whole = cut.blocks == 1 && e->count <= cut.tile; /* no sum is one of parts */
    size_t small =
        p->sums[0].small_elements > p->sums[1].small_elements ? p->sums[0].small_elements : p->sums[1].small_elements;
    w->strip_count = cut.strip < (e->count < cut.tile ? e->count : cut.tile) ? small : 0;
    w->strip_sums = workspace_take(&own, w->strip_count, size);
    size_t partial = workspace_take(&at, whole ? 0 : small * ((block + cut.tile - 1) / cut.tile), size);
    size_t sums = whole ? 0 : us__sums_kept(p, cut.blocks, 0) + e->k * us__sums_kept(p, cut.blocks, 1);
    status = us__workspace_room(w, (void **)&w->memory, &w->bytes, at, 1);
    if (status == US_OK && w->bytes != before) w->point.plan = NULL;
    w->own_bytes = own;
    if (status == US_OK) status = us__workspace_room(w, (void **)&w->own, &w->own_room, threads * own, 1);
    if (status == US_OK)
        status = us__workspace_room(w, (void **)&w->tiles, &w->threads, threads * w->nodes, sizeof *w->tiles);
    if (status == US_OK)
        status = us__workspace_room(w, (void **)&w->strips, &w->strip_room, threads * w->strip_count, sizeof *w->strips);
    if (status == US_OK) status = us__workspace_room(w, (void **)&w->sums, &w->sum_count, sums, sizeof *w->sums);
    if (status != US_OK) return status;
    w->partial = w->memory + partial;
    for (size_t i = 0; i < p->start[US__SEGMENTS]; i++) {
        uint32_t slot = p->slot[p->order[i]];
        if (slot != UINT32_MAX && p->slots[slot].place != US__OWN) w->address[p->order[i]] = w->memory + w->place[slot];
    }
    return US_OK;
}

/* ------------------------------------------------------------------ addresses */

/* Addresses are not written through where the caller's memory is const. */
static void *workspace_at(const void *array, size_t elements, size_t size) {
    return (char *)(uintptr_t)array + elements * size;
}

void us__workspace_bind(const us__evaluation *e, const us__op *op, const void *leaves, void *outputs) {
    const us__plan *p = e->plan;
    us__workspace *w = e->workspace;
    size_t size = us_precision_bytes(w->precision);
    for (size_t i = 0; i < p->leaf_count; i++) {
        us_node a = p->leaves[i];
        const us__node *n = us__at(p->graph, a);
        if (n->op == op || (op == &us__op_parameter && n->op == &us__op_running))
            w->address[a] = workspace_at(leaves, p->graph->groups[n->index].offset, size);
        if (n->op == &us__op_weight) w->address[a] = w->weight;
    }
    for (size_t k = 0; outputs && k < p->output_count; k++)
        if (p->direct[k]) w->address[p->outputs[k]] = workspace_at(outputs, p->graph->groups[k].offset, size);
    for (size_t i = 0; i < p->view_count; i++) w->address[p->views[i]] = w->address[p->root[p->views[i]]];
}

void us__workspace_copy_outputs(const us__evaluation *e, void *outputs) {
    const us__plan *p = e->plan;
    size_t size = us_precision_bytes(e->workspace->precision);
    for (size_t k = 0; k < p->output_count; k++) {
        const us_group *group = &p->graph->groups[k];
        void *to = workspace_at(outputs, group->offset, size);
        if (p->outputs[k] == US_NODE_NONE)
            memset(to, 0, group->count * size);
        else if (!p->direct[k])
            memcpy(to, e->workspace->address[p->outputs[k]], group->count * size);
    }
}

void us__workspace_bind_block(const us__evaluation *e, size_t first) {
    const us__plan *p = e->plan;
    us__workspace *w = e->workspace;
    size_t kept = w->point_rows < e->count ? 0 : first, size = us_precision_bytes(w->precision);
    for (size_t i = 0; i < p->row_count; i++) {
        us_node a = p->rows[i];
        const us__slot *slot = p->root[a] == a ? &p->slots[p->slot[a]] : NULL;
        if (!slot) {
            w->address[a] = w->address[p->root[a]];
        } else if (slot->place == US__DATA) {
            workspace_source s = workspace_read(e, a);
            size_t row = w->pitch && a == p->graph->features ? us__workspace_width(w) : s.columns;
            w->address[a] = s.as_is ? workspace_at(s.data, first * s.columns, s.bytes)
                                    : workspace_at(w->memory + w->place[p->slot[a]], kept * row, s.bytes);
        } else if (slot->point)
            w->address[a] =
                workspace_at(w->memory + w->place[p->slot[a]], kept * us__elements(us__at(p->graph, a), 1), size);
    }
}

void **us__workspace_bind_tile(const us__evaluation *e, size_t thread, size_t at) {
    const us__plan *p = e->plan;
    const us__workspace *w = e->workspace;
    size_t size = us_precision_bytes(w->precision);
    void **address = w->tiles + thread * w->nodes;
    memcpy(address, w->address, w->nodes * sizeof *address);
    for (size_t i = 0; i < p->row_count; i++) {
        us_node a = p->rows[i];
        if (p->root[a] != a)
            address[a] = address[p->root[a]];
        else if (p->slots[p->slot[a]].place == US__OWN)
            address[a] = w->own + thread * w->own_bytes + w->place[p->slot[a]];
        else {
            size_t row = w->pitch && a == p->graph->features ? us__workspace_width(w) : us__elements(us__at(p->graph, a), 1);
            address[a] = workspace_at(w->address[a], at * row, a == p->graph->labels ? sizeof(uint32_t) : size);
        }
    }
    return address;
}

void us__workspace_gather(const us__evaluation *e, void **address, size_t first, size_t rows) {
    const us__plan *p = e->plan;
    for (size_t i = 0; i < p->row_count; i++) {
        us_node a = p->rows[i];
        if (p->root[a] != a || p->slots[p->slot[a]].place != US__DATA) continue;
        workspace_source s = workspace_read(e, a);
        if (s.as_is) continue;
        if (a == p->graph->features && e->workspace->pitch) {
            (e->workspace->precision == US_F32 ? us__gather_panels_f32 : us__gather_panels_f64)(
                address[a], us__workspace_width(e->workspace), e->workspace->pitch, s.data, e->data_precision, e->rows,
                first, rows, s.columns, s.stride);
            continue;
        }
        if (a != p->graph->labels) {
            (e->workspace->precision == US_F32 ? us__gather_f32 : us__gather_f64)(address[a], s.data, e->data_precision,
                                                                                  e->rows, first, rows, s.columns, s.stride);
            continue;
        }
        for (size_t k = 0; k < rows; k++) {
            size_t row = e->rows ? e->rows[first + k] : first + k;
            memcpy((uint32_t *)address[a] + k * s.columns, e->labels + row * s.stride, s.columns * sizeof(uint32_t));
        }
    }
}
