/* Computing a plan: block after block of rows, its tiles and its large sums over threads; in each block vector after vector.
 */
#include "graph/gemm.h"
#include "graph/plan.h"
#include "graph/program.h"
#include <string.h>

enum { EXECUTE_SHARE = 1 << 25 }; /* operations, some 0.5 ms of them, that make waking threads worthwhile */

static size_t execute_rounded(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* The part that products of matrices have of the work: each of their tiles prepares a matrix. */
static double execute_share(const us__work *work) { return work->all ? (double)work->products / (double)work->all : 1; }

us__cut us__cut_rows(const us_graph *graph, size_t count) {
    us__cut cut;
    size_t each = graph->work.lines ? graph->work.lines : 1, lines = count * each;
    size_t grain = (16 + each - 1) / each, most = US__TILE_MOST / each / grain * grain;
    size_t least = (size_t)(execute_share(&graph->work) * US__TILE_LEAST);
    size_t tiles = graph->work.sees_tiles ? count / US__TILE_LEAST : lines / (least ? least : 1);
    if (most == 0) most = grain;
    if ((double)graph->work.all * (double)count < US__TILE_WORK) tiles = 1 + (count > most);
    tiles = tiles < 1 ? 1 : tiles > US__TILES ? US__TILES : tiles;
    cut.tile = execute_rounded((count + tiles - 1) / tiles, grain);
    if (cut.tile > most) cut.tile = most;
    cut.block = (lines > US__BLOCK_ROWS ? 2 * US__BLOCK_ROWS : US__BLOCK_ROWS) / each;
    if (count > cut.block) cut.block = cut.block > cut.tile ? cut.block / cut.tile * cut.tile : cut.tile;
    cut.blocks = (count + cut.block - 1) / cut.block;
    cut.point = count < cut.block ? count : cut.block;
    return cut;
}

/* As many as find room in cache, but not so few that what products prepare for them outweighs them. A function of the nodes
 * and not of their places, so that programs do not change a bit. */
size_t us__cut_strip(const us__plan *plan, size_t tile, us_precision precision) {
    size_t each = plan->graph->work.lines ? plan->graph->work.lines : 1,
           bytes = plan->row_elements * us_precision_bytes(precision);
    if (plan->work.sees_tiles || bytes == 0) return tile;
    double share = execute_share(&plan->work);
    size_t room = US__STRIP_BYTES / bytes, least = (size_t)(share * US__STRIP_LINES) / each + 1;
    size_t strip = room > least ? room : least, strips = (tile + strip - 1) / strip;
    return (tile + strips - 1) / strips;
}

/* Rows of matrices. */
static size_t execute_lines(const us__evaluation *e) {
    return e->count * (e->plan->graph->work.lines ? e->plan->graph->work.lines : 1);
}

/* The block at hand. */
typedef struct execute_block {
    const us__evaluation *e;
    us__cut cut;
    size_t threads, number, first, rows;
    bool tangent;
    double *sums; /* of this list */
} execute_block;

static size_t execute_tiles(const execute_block *b) { return (b->rows + b->cut.tile - 1) / b->cut.tile; }
static bool execute_is_last(const execute_block *b) { return b->number == b->cut.blocks - 1; }
/* One tile is all: every sum over samples is computed where it belongs. */
static bool execute_is_whole(const execute_block *b) { return b->e->count <= b->cut.tile; }

/* How many parts, `each` long, a side of a product is cut into, so that each part is worth the handing over. */
static size_t execute_parts_of(size_t size, size_t work, size_t most, size_t *each) {
    size_t parts = size / US__CUT_LEAST < work / US__CUT_WORK ? size / US__CUT_LEAST : work / US__CUT_WORK;
    if (parts > most) parts = most;
    *each = parts > 1 ? us__gemm_rounded((size + parts - 1) / parts) : size;
    return (size + *each - 1) / *each;
}

/* Node order[i] by a thread whose addresses and scratch these are. */
static us__call execute_call(const us__evaluation *e, size_t i, void **address, void *scratch, size_t first, size_t rows) {
    const us__plan *p = e->plan;
    us__workspace *w = e->workspace;
    us_node a = p->order[i];
    const us__node *n = us__at(p->graph, a);
    us__call call = {.graph = e->plan->graph,
                     .node = n,
                     .out = address[a],
                     .rows = rows,
                     .first = first,
                     .draw = e->draw,
                     .numbers = e->rows ? e->rows + first : NULL,
                     .scratch = scratch};
    for (size_t k = 0; k < n->op->inputs; k++) {
        call.in[k] = address[n->in[k]];
        if (w->pitch && n->in[k] == p->graph->features) call.pitch[k] = w->pitch;
    }
    if (w->packs && p->packed[i]) {
        const us__pack *pack = &p->packs[p->packed[i] - 1];
        call.in[1] = w->memory + w->place[pack->slot];
        call.pitch[1] = us__gemm_rounded(pack->terms);
    }
    return call;
}

/* Columns of a product whose rows are too few for tiles. */
typedef struct execute_columns {
    const us__evaluation *e;
    const us__call *whole;
    size_t rows, columns, each;
} execute_columns;

static void execute_some_columns(void *user, size_t i, size_t thread) {
    const execute_columns *c = user;
    const us__workspace *w = c->e->workspace;
    size_t from = i * c->each, left = c->columns - from;
    us__range part = {0, c->rows, from, left < c->each ? left : c->each};
    us__call call = *c->whole;
    call.range = &part;
    call.scratch = w->own + thread * w->own_bytes;
    call.done = NULL;
    call.node->op->value[w->precision == US_F64](&call);
}

/* A node's value: columns of a large product by several threads, where its bits are those of the whole. */
static void execute_kernel(const execute_block *b, const us__call *call) {
    const us__evaluation *e = b->e;
    const us__node *n = call->node;
    bool shared = b->threads > 1 && n->op->cuts && us__has_samples(n) && execute_is_whole(b) && call->rows == b->rows;
    size_t parts = 1;
    execute_columns c = {.e = e, .whole = call};
    if (shared && us__workspace_width(e->workspace) > 0) {
        c.columns = n->shape[n->rank - 1];
        c.rows = us__elements(n, call->rows) / c.columns;
        size_t terms = us__elements(us__at(call->graph, n->in[0]), call->rows) / c.rows,
               work = 2 * c.rows * c.columns * terms;
        parts = execute_parts_of(c.columns, work, 2 * b->threads, &c.each);
    }
    if (parts == 1) {
        n->op->value[e->workspace->precision == US_F64](call);
    } else {
        us__parallel(e->workspace->context, b->threads, parts, execute_some_columns, &c);
        if (call->done) call->done(call->user, c.rows * c.columns);
    }
    if (e->each) e->each(e->each_user, call);
}

/* A program that computes its lines as elements of a product become complete. */
typedef struct execute_follower {
    const us__evaluation *e;
    const us__program *program;
    void **address, *scratch;
    size_t rows, each, lines; /* elements of a line; lines that are done */
} execute_follower;

static void execute_follow(void *user, size_t elements) {
    execute_follower *f = user;
    size_t lines = elements / f->each;
    us__program_lines(f->program, f->e->plan->graph, f->address, f->rows, f->e->workspace->precision, f->scratch, f->lines,
                      lines - f->lines);
    f->lines = lines;
}

/* order[i] and the program after it, which finds the product's rows in cache. */
static void execute_joined(const execute_block *b, size_t i, void **address, void *scratch, size_t first, size_t rows) {
    const us__evaluation *e = b->e;
    const us__plan *p = e->plan;
    us__call call = execute_call(e, i, address, scratch, first, rows);
    size_t own = us__scratch_rounded(call.node->op->scratch(p->graph, call.node));
    execute_follower f = {.e = e, .program = p->program[i + 1], .address = address, .rows = rows};
    f.each = us__program_follows(f.program, p->graph, p->order[i]);
    f.scratch = (char *)scratch + own * us_precision_bytes(e->workspace->precision);
    call.done = execute_follow;
    call.user = &f;
    us__program_begin(f.program, rows, f.scratch);
    execute_kernel(b, &call);
    us__program_end(f.program, address, rows, e->workspace->precision, f.scratch);
}

static void execute_segment(const execute_block *b, us__segment segment, void **address, size_t thread, size_t first,
                            size_t rows) {
    const us__evaluation *e = b->e;
    const us__plan *p = e->plan;
    void *scratch = e->workspace->own + thread * e->workspace->own_bytes;
    for (size_t i = p->start[segment]; i < p->start[segment + 1]; i++)
        if (p->program[i]) {
            us__program_run(p->program[i], p->graph, address, rows, e->workspace->precision, scratch);
            i += p->program[i]->nodes - 1;
        } else if (p->joined[i]) {
            execute_joined(b, i, address, scratch, first, rows);
            i += p->program[i + 1]->nodes;
        } else if (us__at(p->graph, p->order[i])->op->value[0]) {
            us__call call = execute_call(e, i, address, scratch, first, rows);
            execute_kernel(b, &call);
        }
}

/* ------------------------------------------------------------------ tiles */

/* Where the tile's small sum k goes. */
static void *execute_sum(const execute_block *b, size_t tile, size_t k) {
    const us__workspace *w = b->e->workspace;
    const us__sums *sums = &b->e->plan->sums[b->tangent];
    if (execute_is_whole(b)) return w->address[sums->sum[k].node];
    return w->partial + (tile * sums->small_elements + sums->sum[k].offset) * us_precision_bytes(w->precision);
}

/* Strip after strip; the sums of several ones are added in double. */
static void execute_tile(void *user, size_t i, size_t thread) {
    const execute_block *b = user;
    const us__evaluation *e = b->e;
    us__workspace *w = e->workspace;
    const us__sums *sums = &e->plan->sums[b->tangent];
    size_t begin = i * b->cut.tile, end = b->rows - begin < b->cut.tile ? b->rows : begin + b->cut.tile,
           n = sums->small_elements;
    size_t size = us_precision_bytes(w->precision);
    bool several = n > 0 && end - begin > b->cut.strip, single = w->precision == US_F32;
    double *total = several ? w->strips + thread * w->strip_count : NULL;
    char *own = w->own + thread * w->own_bytes + w->strip_sums;
    if (several) memset(total, 0, n * sizeof *total);
    for (size_t at = begin, rows; at < end; at += rows) {
        rows = end - at < b->cut.strip ? end - at : b->cut.strip;
        void **address = us__workspace_bind_tile(e, thread, at);
        if (!b->tangent) us__workspace_gather(e, address, b->first + at, rows);
        for (size_t k = 0; k < sums->small; k++)
            address[sums->sum[k].node] = several ? own + sums->sum[k].offset * size : execute_sum(b, i, k);
        execute_segment(b, b->tangent ? US__ROWS_TANGENT : US__ROWS, address, thread, b->first + at, rows);
        if (several) (single ? us__accumulate_f32 : us__accumulate_f64)(total, own, n);
    }
    for (size_t k = 0; k < sums->small && several; k++)
        (single ? us__round_f32 : us__round_f64)(execute_sum(b, i, k), total + sums->sum[k].offset, sums->sum[k].elements);
}

/* Adds what the tiles' sums are, in double, in order. */
static void execute_add_small(const execute_block *b) {
    const us__sums *sums = &b->e->plan->sums[b->tangent];
    us__workspace *w = b->e->workspace;
    bool single = w->precision == US_F32;
    size_t n = sums->small_elements;
    if (n == 0) return;
    if (b->number == 0) memset(b->sums, 0, n * sizeof *b->sums);
    for (size_t i = 0; i < execute_tiles(b); i++)
        (single ? us__accumulate_f32 : us__accumulate_f64)(b->sums, w->partial + i * n * us_precision_bytes(w->precision),
                                                           n);
    for (size_t k = 0; k < sums->small && execute_is_last(b); k++) {
        const us__sum *s = &sums->sum[k];
        (single ? us__round_f32 : us__round_f64)(w->address[s->node], b->sums + s->offset, s->elements);
    }
}

/* ------------------------------------------------------------------ large sums */

/* How many parts a sum [m×n] is cut into, and the i-th of them: along its longer side. Where products have the same bits
 * whatever the cut, it is made for the threads that there are. */
static size_t execute_part(const execute_block *b, us_node a, size_t i, us__range *part) {
    const us__node *n = us__at(b->e->plan->graph, a);
    bool columns = n->shape[1] >= n->shape[0];
    bool free = us__workspace_width(b->e->workspace) > 0;
    size_t most = !free ? US__SUM_PARTS : b->threads > 1 ? 2 * b->threads : 1, size = n->shape[columns], each;
    size_t lines = execute_lines(b->e), work = 2 * lines * n->shape[0] * n->shape[1];
    if (!free) work = lines < US__SUM_ROWS ? 0 : SIZE_MAX;
    size_t parts = execute_parts_of(size, work, most, &each);
    size_t from = i * each, count = size - from < each ? size - from : each;
    *part = columns ? (us__range){0, n->shape[0], from, count} : (us__range){from, count, 0, n->shape[1]};
    return parts;
}

/* Adds a part's values to the sums of the blocks. */
static void execute_add_part(const execute_block *b, const us__sum *sum, const us__range *part) {
    us__workspace *w = b->e->workspace;
    bool single = w->precision == US_F32;
    size_t columns = us__at(b->e->plan->graph, sum->node)->shape[1], size = us_precision_bytes(w->precision);
    for (size_t i = part->row; i < part->row + part->rows; i++) {
        double *to = b->sums + sum->offset + i * columns + part->column;
        void *values = (char *)w->address[sum->node] + (i * columns + part->column) * size;
        if (b->number == 0) memset(to, 0, part->columns * sizeof *to);
        (single ? us__accumulate_f32 : us__accumulate_f64)(to, values, part->columns);
        if (execute_is_last(b)) (single ? us__round_f32 : us__round_f64)(values, to, part->columns);
    }
}

static void execute_one_part(void *user, size_t i, size_t thread) {
    const execute_block *b = user;
    const us__sums *sums = &b->e->plan->sums[b->tangent];
    us__range part;
    size_t k = sums->small, parts;
    for (; i >= (parts = execute_part(b, sums->sum[k].node, 0, &part)); k++) i -= parts;
    execute_part(b, sums->sum[k].node, i, &part);
    us__workspace *w = b->e->workspace;
    us__call call = execute_call(b->e, sums->sum[k].order, w->address, w->own + thread * w->own_bytes, b->first, b->rows);
    call.range = &part;
    execute_kernel(b, &call);
    if (b->cut.blocks > 1) execute_add_part(b, &sums->sum[k], &part);
}

static size_t execute_parts(const execute_block *b) {
    const us__sums *sums = &b->e->plan->sums[b->tangent];
    us__range part;
    size_t parts = 0;
    for (size_t k = sums->small; k < sums->count; k++) parts += execute_part(b, sums->sum[k].node, 0, &part);
    return parts;
}

/* ------------------------------------------------------------------ right matrices */

enum { EXECUTE_PIECES = 4 }; /* of a matrix, which threads pack */

static void execute_pack(void *user, size_t i, size_t thread) {
    const execute_block *b = user;
    const us__plan *p = b->e->plan;
    us__workspace *w = b->e->workspace;
    const us__pack *pack = &p->packs[i / EXECUTE_PIECES];
    (void)thread;
    if (pack->tangent != b->tangent) return;
    size_t each = us__gemm_rounded((pack->columns + EXECUTE_PIECES - 1) / EXECUTE_PIECES), from = i % EXECUTE_PIECES * each;
    if (from >= pack->columns) return;
    us__gemm matrix = {.right = w->address[pack->node],
                       .right_step = pack->turned ? pack->terms : pack->columns,
                       .right_turned = pack->turned,
                       .terms = pack->terms,
                       .columns = pack->columns};
    (w->precision == US_F32 ? us__gemm_pack_f32 : us__gemm_pack_f64)(&matrix, w->memory + w->place[pack->slot], from,
                                                                     from + each);
}

static void execute_packs(execute_block *b, bool tangent) {
    b->tangent = tangent;
    if (!b->e->workspace->packs) return;
    us__parallel(b->e->workspace->context, b->threads, b->e->plan->pack_count * EXECUTE_PIECES, execute_pack, b);
}

/* ------------------------------------------------------------------ all of it */

static void execute_rows(execute_block *b, bool tangent, double *sums) {
    b->tangent = tangent;
    b->sums = sums;
    us__parallel(b->e->workspace->context, b->threads, execute_tiles(b), execute_tile, b);
    if (!execute_is_whole(b)) execute_add_small(b);
    us__parallel(b->e->workspace->context, b->threads, execute_parts(b), execute_one_part, b);
}

static void execute_vectors(execute_block *b) {
    const us__evaluation *e = b->e;
    void **address = e->workspace->address;
    double *sums = e->workspace->sums + us__sums_kept(e->plan, b->cut.blocks, 0);
    for (size_t j = 0; j < e->k; j++, sums += us__sums_kept(e->plan, b->cut.blocks, 1)) {
        us__workspace_bind(e, &us__op_tangent, e->v[j], e->hv[j]);
        execute_segment(b, US__ONCE_TANGENT, address, 0, b->first, b->rows);
        execute_packs(b, true);
        execute_rows(b, true, sums);
        if (e->watch_vector) e->watch_vector(e->watch_user, j, address[e->plan->watched], b->first, b->rows);
        if (!execute_is_last(b)) continue;
        execute_segment(b, US__AFTER_TANGENT, address, 0, b->first, b->rows);
        us__workspace_copy_outputs(e, e->hv[j]);
    }
}

static void execute_weight(const us__evaluation *e) {
    double weight = 1 / (double)e->count;
    if (e->workspace->precision == US_F32)
        memcpy(e->workspace->weight, &(float){(float)weight}, sizeof(float));
    else
        memcpy(e->workspace->weight, &weight, sizeof weight);
}

us_status us__evaluate(const us__evaluation *e) {
    us__workspace *w = e->workspace;
    execute_block b = {
        .e = e, .cut = us__cut_rows(e->plan->graph, e->count), .threads = (size_t)us_context_threads(w->context)};
    if ((double)e->plan->work.all * (double)e->count < EXECUTE_SHARE) b.threads = 1;
    if (b.threads > US__THREADS_MOST) b.threads = US__THREADS_MOST;
    if (e->k && (double)e->plan->point_elements * (double)e->count * (double)us_precision_bytes(w->precision) <= w->keep)
        b.cut.point = e->count;
    b.cut.strip = us__cut_strip(e->plan, b.cut.tile < e->count ? b.cut.tile : e->count, w->precision);
    us_status status = us__workspace_reserve(e, b.cut, b.threads);
    if (status != US_OK) return status;
    bool keep = e->k > 0 && b.cut.point == e->count, known = keep && us__point_is(e);
    if (!known) us__point_forget(w);
    execute_weight(e);
    us__workspace_bind(e, &us__op_parameter, e->theta, e->output);
    if (!known) {
        execute_segment(&b, US__ONCE, w->address, 0, 0, 1);
        execute_packs(&b, false);
    }
    for (; b.number < b.cut.blocks; b.number++) {
        b.first = b.number * b.cut.block;
        b.rows = e->count - b.first < b.cut.block ? e->count - b.first : b.cut.block;
        us__workspace_bind_block(e, b.first);
        if (!known) execute_rows(&b, false, w->sums);
        if (e->watch) e->watch(e->watch_user, w->address[e->plan->watched], b.first, b.rows);
        if (!known && execute_is_last(&b)) execute_segment(&b, US__AFTER, w->address, 0, b.first, b.rows);
        if (e->k) execute_vectors(&b);
    }
    if (e->output) us__workspace_copy_outputs(e, e->output);
    return keep && !known ? us__point_keep(e) : US_OK;
}
