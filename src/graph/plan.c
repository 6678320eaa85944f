/* Order, lifetimes and places. */
#include "graph/plan.h"
#include "graph/fuse.h"
#include "graph/gemm.h"
#include "graph/ops/convolution.h"
#include "graph/program.h"
#include <string.h>

enum { NO_SLOT = UINT32_MAX };

/* What planning notes of each node. */
typedef struct plan_note {
    bool needed, tangent, after, sum, kept, direct;
    us__segment segment;
    size_t last; /* place in the order of its last use in its own segment */
} plan_note;

static bool plan_is_computed(const us__node *n) { return n->op->value[0] != NULL; }
static bool plan_is_view(const us__node *n) { return n->op->inputs > 0 && !plan_is_computed(n); }

static void plan_note_needed(const us__plan *p, plan_note *notes, size_t nodes) {
    if (p->watched != US_NODE_NONE) notes[p->watched].needed = true;
    for (size_t k = 0; k < p->output_count; k++)
        if (p->outputs[k] != US_NODE_NONE) notes[p->outputs[k]].needed = true;
    for (size_t a = nodes; a-- > 0;) {
        const us__node *n = us__at(p->graph, (us_node)a);
        for (size_t i = 0; i < n->op->inputs; i++)
            if (notes[a].needed) notes[n->in[i]].needed = true;
    }
}

static us_status plan_note_segments(us__plan *p, plan_note *notes, size_t nodes) {
    for (size_t a = 0; a < nodes; a++) {
        const us__node *n = us__at(p->graph, (us_node)a);
        plan_note *note = &notes[a];
        bool samples = us__has_samples(n), reads_samples = false;
        p->root[a] = (us_node)a;
        note->tangent = n->tangent;
        for (size_t i = 0; i < n->op->inputs; i++) {
            const plan_note *x = &notes[n->in[i]];
            note->after |= x->after || x->sum;
            reads_samples |= us__has_samples(us__at(p->graph, n->in[i]));
            if (plan_is_view(n)) p->root[a] = p->root[n->in[i]];
        }
        if (note->needed && note->after && (samples || reads_samples))
            return us__fail(p->context, US_ERR_UNSUPPORTED, "%s: a value of a sample depends on a sum over the samples",
                            n->op->name);
        note->sum = reads_samples && !samples;
        if (note->after)
            note->segment = US__AFTER;
        else if (note->sum)
            note->segment = us__sum_is_large(n) ? US__SUMS : US__ROWS;
        else
            note->segment = samples ? US__ROWS : US__ONCE;
        if (note->tangent) note->segment += US__ONCE_TANGENT - US__ONCE;
    }
    return US_OK;
}

static void plan_fill_order(us__plan *p, plan_note *notes, size_t nodes) {
    size_t at = 0;
    for (size_t a = 0; a < nodes; a++) {
        const us__node *n = us__at(p->graph, (us_node)a);
        if (!notes[a].needed) continue;
        if (plan_is_view(n) && !us__has_samples(n)) p->views[p->view_count++] = (us_node)a;
        if (!plan_is_computed(n) && !plan_is_view(n)) p->leaves[p->leaf_count++] = (us_node)a;
    }
    for (us__segment s = 0; s < US__SEGMENTS; s++) {
        p->start[s] = at;
        for (size_t a = 0; a < nodes; a++) {
            const us__node *n = us__at(p->graph, (us_node)a);
            if (!notes[a].needed || notes[a].segment != s || !(plan_is_computed(n) || plan_is_view(n))) continue;
            p->order[at++] = (us_node)a;
        }
    }
    p->start[US__SEGMENTS] = at;
}

/* Products of matrices whose rows the program after them, in the same segment, reads one by one. */
static void plan_note_joined(us__plan *p) {
    for (us__segment s = 0; s < US__SEGMENTS; s++)
        for (size_t at = p->start[s]; at + 1 < p->start[s + 1]; at++) {
            const us__node *n = us__at(p->graph, p->order[at]);
            const us__program *next = p->program[at + 1];
            p->joined[at] =
                n->op == &us__op_matmul && !p->program[at] && next && us__program_follows(next, p->graph, p->order[at]);
        }
}

/* Right matrices without samples of products with samples. */
static void plan_list_packs(us__plan *p, const plan_note *notes) {
    for (size_t at = 0; at < p->start[US__SEGMENTS]; at++) {
        const us__node *n = us__at(p->graph, p->order[at]);
        if (n->op != &us__op_matmul || !us__has_samples(n) || us__has_samples(us__at(p->graph, n->in[1]))) continue;
        const us__node *b = us__at(p->graph, n->in[1]);
        bool turned = n->index & 2;
        if (b->shape[!turned] < 2) continue; /* a product with a vector */
        size_t k = 0;
        while (k < p->pack_count && !(p->packs[k].node == n->in[1] && p->packs[k].turned == turned)) k++;
        if (k == p->pack_count) {
            p->packs[p->pack_count++] = (us__pack){
                n->in[1], turned, notes[n->in[1]].tangent, b->shape[turned], b->shape[!turned], (uint32_t)p->slot_count};
            p->slots[p->slot_count++] =
                (us__slot){.elements = us__gemm_rounded(b->shape[0]) * us__gemm_rounded(b->shape[1]), .place = US__SHARED};
        }
        p->packed[at] = (uint32_t)k + 1;
    }
}

enum { PLAN_NARROW = 96 }; /* columns of features, of whose panels too much would be padding */

/* Whether all that reads the features are products that can read panels. */
static bool plan_reads_panels(const us__plan *p, const plan_note *notes) {
    us_node x = p->graph->features;
    if (x == US_NODE_NONE || !notes[x].needed || x == p->watched || us__elements(us__at(p->graph, x), 1) < PLAN_NARROW)
        return false;
    for (size_t k = 0; k < p->output_count; k++)
        if (p->outputs[k] == x) return false;
    for (size_t at = 0; at < p->start[US__SEGMENTS]; at++) {
        const us__node *n = us__at(p->graph, p->order[at]);
        for (size_t i = 0; i < n->op->inputs; i++) {
            if (n->in[i] != x) continue;
            bool left = i == 0 && n->in[1] != x, right = i == 1 && n->in[0] != x && n->index == 1;
            if (n->op != &us__op_matmul || !(left || right) || n->shape[1] < 2) return false;
            if (!us__has_samples(n) && n->shape[0] < 2) return false;
        }
    }
    return true;
}

/* A value that another segment or the caller reads stays in its place; others are there until their last use. */
static void plan_note_lifetimes(const us__plan *p, plan_note *notes) {
    for (size_t at = 0; at < p->start[US__SEGMENTS]; at++) {
        const us__node *n = us__at(p->graph, p->order[at]);
        notes[p->order[at]].last = at;
        for (size_t i = 0; i < n->op->inputs; i++) {
            plan_note *root = &notes[p->root[n->in[i]]];
            if (root->segment == notes[p->order[at]].segment)
                root->last = at;
            else
                root->kept = true;
        }
        if (notes[p->order[at]].sum) notes[p->order[at]].kept = true;
    }
    if (p->watched != US_NODE_NONE) notes[p->root[p->watched]].kept = true;
    for (size_t k = 0; k < p->output_count; k++) {
        if (p->outputs[k] == US_NODE_NONE) continue;
        plan_note *note = &notes[p->outputs[k]];
        p->direct[k] = plan_is_computed(us__at(p->graph, p->outputs[k])) && !note->direct;
        note->direct |= p->direct[k];
        notes[p->root[p->outputs[k]]].kept = true;
    }
}

static us__slot plan_size(const us__node *n, bool kept) {
    us__place rows = kept ? US__KEPT : US__OWN;
    return (us__slot){.elements = us__elements(n, 1), .place = us__has_samples(n) ? rows : US__SHARED};
}

/* What has rows in memory; data have places of their own. */
static void plan_list_rows(us__plan *p, const plan_note *notes, size_t nodes) {
    for (size_t a = 0; a < nodes; a++) {
        const us__node *n = us__at(p->graph, (us_node)a);
        if (!notes[a].needed || !us__has_samples(n) || p->inside[a]) continue;
        p->rows[p->row_count++] = (us_node)a;
        if (plan_is_computed(n) || plan_is_view(n)) continue;
        p->slot[a] = (uint32_t)p->slot_count;
        p->slots[p->slot_count++] = (us__slot){.elements = us__elements(n, 1), .place = US__DATA, .point = true};
    }
}

/* The free slot that fits best: the smallest that is large enough, else the largest, which then grows. */
static uint32_t plan_take_slot(us__plan *p, bool *free, us__slot want) {
    uint32_t best = NO_SLOT;
    for (uint32_t s = 0; s < p->slot_count; s++) {
        if (!free[s] || p->slots[s].place != want.place) continue;
        if (best == NO_SLOT) best = s;
        size_t old = p->slots[best].elements, new = p->slots[s].elements;
        if (old < want.elements ? new > old : new >= want.elements &&new < old) best = s;
    }
    if (best == NO_SLOT) {
        best = (uint32_t)p->slot_count++;
        p->slots[best] = want;
    }
    if (p->slots[best].elements < want.elements) p->slots[best].elements = want.elements;
    free[best] = false;
    return best;
}

/* Gives back the places of inputs that are used for the last time; in_place: only of those as large as the result. */
static void plan_free_inputs(us__plan *p, const plan_note *notes, bool *free, size_t at, bool in_place) {
    const us__node *n = us__at(p->graph, p->order[at]);
    for (size_t i = 0; i < n->op->inputs; i++) {
        us_node root = p->root[n->in[i]];
        if (notes[root].kept || notes[root].last != at || p->slot[root] == NO_SLOT) continue;
        if (p->slots[p->slot[root]].place == US__DATA) continue;
        if (in_place && !us__same_shape(n, us__at(p->graph, n->in[i]))) continue;
        free[p->slot[root]] = true;
    }
}

static bool plan_has_place(const us__plan *p, const plan_note *notes, us_node a) {
    return plan_is_computed(us__at(p->graph, a)) && !notes[a].direct && !p->inside[a];
}

/* Order[at] by its own kernel: an input may be freed for the result that takes its place, unless somebody looks at both. */
static void plan_place_node(us__plan *p, const plan_note *notes, bool *free, size_t at) {
    us_node a = p->order[at];
    if (us__at(p->graph, a)->op->elementwise && !p->graph->separate) plan_free_inputs(p, notes, free, at, true);
    if (plan_has_place(p, notes, a)) p->slot[a] = plan_take_slot(p, free, plan_size(us__at(p->graph, a), notes[a].kept));
    if (!p->joined[at]) plan_free_inputs(p, notes, free, at, false);
    if (p->slot[a] != NO_SLOT) free[p->slot[a]] = !notes[a].kept && notes[a].last == at;
}

/* Order[from .. to) by a program. Tile by tile, a result may take the place of an input of its own shape that no later
 * instruction reads; all other places are free when the program is done. */
static void plan_place_program(us__plan *p, const plan_note *notes, bool *free, size_t from, size_t to) {
    for (size_t at = from; at < to; at++) {
        us_node a = p->order[at];
        const us__node *n = us__at(p->graph, a);
        if (!plan_has_place(p, notes, a)) continue;
        us__slot want = plan_size(n, notes[a].kept);
        for (size_t i = 0; i < n->op->inputs && p->slot[a] == NO_SLOT && n->op->elementwise; i++) {
            us_node x = n->in[i];
            if (p->root[x] != x || notes[x].kept || notes[x].last != at || p->slot[x] == NO_SLOT) continue;
            if (p->slots[p->slot[x]].place != want.place) continue;
            if (us__same_shape(n, us__at(p->graph, x))) p->slot[a] = p->slot[x];
        }
        if (p->slot[a] == NO_SLOT) p->slot[a] = plan_take_slot(p, free, want);
    }
    for (size_t at = from; at < to; at++) plan_free_inputs(p, notes, free, at, false);
    for (size_t at = from; at < to; at++) {
        us_node a = p->order[at];
        if (p->slot[a] != NO_SLOT) free[p->slot[a]] = !notes[a].kept && notes[a].last < to;
    }
}

static void plan_place(us__plan *p, const plan_note *notes, bool *free) {
    for (size_t at = 0; at < p->start[US__SEGMENTS]; at++)
        if (p->program[at]) {
            size_t to = at + p->program[at]->nodes;
            plan_place_program(p, notes, free, at, to);
            if (at > 0 && p->joined[at - 1]) plan_free_inputs(p, notes, free, at - 1, false); /* read until now */
            at = to - 1;
        } else
            plan_place_node(p, notes, free, at);
}

/* Kept values have places of their own. */
static void plan_note_point(us__plan *p) {
    for (size_t at = 0; at < p->start[US__ONCE_TANGENT]; at++) {
        uint32_t slot = p->slot[p->order[at]];
        if (slot != NO_SLOT && p->slots[slot].place == US__KEPT) p->slots[slot].point = true;
    }
    for (size_t s = 0; s < p->slot_count; s++)
        if (p->slots[s].point) p->point_elements += p->slots[s].elements;
}

static void plan_list_sums(us__plan *p, const plan_note *notes) {
    us__sum *sum = p->sums[0].sum;
    for (int tangent = 0; tangent < 2; tangent++) {
        us__sums *list = &p->sums[tangent];
        list->sum = sum;
        for (int large = 0; large < 2; large++) {
            for (size_t at = 0; at < p->start[US__SEGMENTS]; at++) {
                const us__node *n = us__at(p->graph, p->order[at]);
                const plan_note *note = &notes[p->order[at]];
                if (!note->sum || note->tangent != tangent || us__sum_is_large(n) != large) continue;
                list->sum[list->count++] = (us__sum){p->order[at], at, us__elements(n, 1), list->elements};
                list->elements += us__elements(n, 1);
            }
            if (!large) list->small = list->count, list->small_elements = list->elements;
        }
        sum += list->count;
    }
}

/* About how many operations a row takes: two for each factor of a product, some for each element of anything else. */
static void plan_count_work(us__plan *p) {
    for (size_t at = 0; at < p->start[US__SEGMENTS]; at++) {
        const us__node *n = us__at(p->graph, p->order[at]);
        size_t read = 0;
        for (size_t i = 0; i < n->op->inputs; i++)
            if (us__has_samples(us__at(p->graph, n->in[i]))) read = us__elements(us__at(p->graph, n->in[i]), 1);
        p->work.sees_tiles = p->work.sees_tiles || n->op == &us__op_tile_mean;
        if (us__has_samples(n) && plan_is_computed(n)) p->row_elements += us__elements(n, 1);
        if (read == 0) continue;
        bool sum = !us__has_samples(n);
        size_t work = us__convolution_work(p->graph, n);
        if (work == 0) work = 4 * read;
        if (n->op->cuts && sum) /* [m×rows]·[rows×n] */
            work = 2 * n->shape[0] * read;
        else if (n->op->cuts) { /* [rows×k]·[k×n] */
            size_t lines = us__elements(n, 1) / n->shape[n->rank - 1];
            work = 2 * read * n->shape[n->rank - 1];
            p->work.lines = p->work.lines > lines ? p->work.lines : lines;
        }
        p->work.all += work;
        p->work.products += n->op->cuts ? work : 0;
    }
}

us_status us__plan_create(us__plan **out, const us_graph *graph, us_node watched, const us_node *outputs, size_t count) {
    *out = NULL;
    size_t nodes = graph->count;
    us_status status = US_ERR_NOMEM;
    plan_note *notes = us__new(graph->context, nodes, sizeof *notes);
    bool *free = us__new(graph->context, nodes, sizeof *free);
    us__plan *p = us__new(graph->context, 1, sizeof *p);
    if (p) p->context = graph->context; /* for its release */
    if (!notes || !free || !p) goto done;
    p->graph = graph;
    p->watched = watched;
    p->output_count = count;
    if (us__arena_create(&p->arena, graph->context, 16384) != US_OK) goto done;
    p->outputs = us__arena_alloc(p->arena, count, sizeof *p->outputs);
    p->direct = us__arena_alloc(p->arena, count, sizeof *p->direct);
    p->order = us__arena_alloc(p->arena, nodes, sizeof *p->order);
    p->program = us__arena_alloc(p->arena, nodes, sizeof *p->program);
    p->joined = us__arena_alloc(p->arena, nodes, sizeof *p->joined);
    p->inside = us__arena_alloc(p->arena, nodes, sizeof *p->inside);
    p->leaves = us__arena_alloc(p->arena, nodes, sizeof *p->leaves);
    p->views = us__arena_alloc(p->arena, nodes, sizeof *p->views);
    p->rows = us__arena_alloc(p->arena, nodes, sizeof *p->rows);
    p->root = us__arena_alloc(p->arena, nodes, sizeof *p->root);
    p->sums[0].sum = us__arena_alloc(p->arena, nodes, sizeof *p->sums[0].sum);
    p->slot = us__arena_alloc(p->arena, nodes, sizeof *p->slot);
    p->slots = us__arena_alloc(p->arena, 2 * nodes, sizeof *p->slots);
    p->packs = us__arena_alloc(p->arena, nodes, sizeof *p->packs);
    p->packed = us__arena_alloc(p->arena, nodes, sizeof *p->packed);
    if (!p->outputs || !p->direct || !p->order || !p->program || !p->joined || !p->inside || !p->leaves || !p->views ||
        !p->rows || !p->root || !p->sums[0].sum || !p->slot || !p->slots || !p->packs || !p->packed)
        goto done;
    for (size_t k = 0; k < count; k++) p->outputs[k] = outputs[k];
    memset(p->slot, 0xFF, nodes * sizeof *p->slot);
    plan_note_needed(p, notes, nodes);
    status = plan_note_segments(p, notes, nodes);
    if (status != US_OK) goto done;
    plan_fill_order(p, notes, nodes);
    if (!graph->separate) status = us__fuse(p);
    if (status != US_OK) goto done;
    plan_note_joined(p);
    plan_note_lifetimes(p, notes);
    plan_list_rows(p, notes, nodes);
    plan_place(p, notes, free);
    plan_note_point(p);
    plan_list_packs(p, notes);
    p->panels = plan_reads_panels(p, notes);
    size_t columns = p->panels ? us__elements(us__at(graph, graph->features), 1) : 0;
    p->point_elements += us__gemm_rounded(columns) - columns;
    plan_list_sums(p, notes);
    plan_count_work(p);
    for (size_t i = 0; i < p->start[US__SEGMENTS]; i++) {
        const us__node *n = us__at(graph, p->order[i]);
        size_t scratch = n->op->scratch ? n->op->scratch(graph, n) : 0;
        if (p->joined[i]) scratch = us__scratch_rounded(scratch) + p->program[i + 1]->scratch;
        if (p->scratch < scratch) p->scratch = scratch;
    }
    *out = p;
    p = NULL;
done:
    us__plan_destroy(p);
    us__release(graph->context, free);
    us__release(graph->context, notes);
    return status;
}

void us__plan_destroy(us__plan *plan) {
    if (!plan) return;
    us__arena_destroy(plan->arena);
    us__release(plan->context, plan);
}

bool us__plan_reads(const us__plan *plan, us_node leaf) {
    for (size_t i = 0; i < plan->leaf_count; i++)
        if (plan->leaves[i] == leaf) return true;
    return false;
}

bool us__plan_draws(const us__plan *plan) {
    for (size_t i = 0; i < plan->start[US__SEGMENTS]; i++)
        if (us__at(plan->graph, plan->order[i])->op->draws) return true;
    return false;
}
