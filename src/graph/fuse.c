/* Which nodes are computed together. In the order of a segment, the first elementwise node not yet taken begins a program;
 * it takes in every later node that works on the same rows and columns, unless one of that node's inputs waits for the
 * program and is not of it. What of that hangs together is the program; other inputs of it are computed before. */
#include "graph/fuse.h"
#include "graph/program.h"
#include <string.h>

enum { FUSE_AHEAD = 256 }; /* how far ahead a program looks for nodes */

typedef enum fuse_kind {
    FUSE_NOT,
    FUSE_WIDE,   /* as large as the program */
    FUSE_LINE,   /* as large, from whole rows */
    FUSE_REDUCE, /* whole rows to one number each */
    FUSE_NARROW, /* one number for each of its rows */
    FUSE_VIEW,   /* another shape of such numbers */
    FUSE_SUM     /* sums all rows; known when the program is done */
} fuse_kind;

typedef struct fuse_note {
    bool done;        /* has its place in the order */
    size_t uses;      /* by nodes and by the caller */
    fuse_kind kind;   /* in the program being made */
    bool waits;       /* for that program, or for a program of its own */
    bool joined;      /* hangs together with the first node */
    bool wanted;      /* by the program, and not done */
    size_t near_uses; /* in the program */
    size_t last;      /* instruction that reads it last */
    uint32_t reg;
    bool outside; /* has its place in memory */
} fuse_note;

typedef struct fuse_state {
    us__plan *plan;
    const us_graph *graph;
    fuse_note *notes;      /* [nodes] */
    us_node *list;         /* [count] the segment as it was */
    size_t count, at;      /* at: where the plan's order is filled to */
    const us__node *space; /* the shape of the program being made */
    unsigned splits;       /* bit c: its last c axes may be the columns */
    bool whole;            /* its tiles must be whole rows */
    size_t members;
} fuse_state;

static bool fuse_is_of_rows(fuse_kind kind) { return kind >= FUSE_REDUCE && kind <= FUSE_VIEW; }
static bool fuse_takes_rows(fuse_kind kind) { return kind == FUSE_LINE || fuse_is_of_rows(kind); }
static const us__node *fuse_node(const fuse_state *s, us_node a) { return us__at(s->graph, a); }
static bool fuse_is_view(const us__node *n) { return n->op->inputs > 0 && !n->op->value[0]; }

/* ------------------------------------------------------------------ does a node fit? */

/* x has one number for each row, when the last `columns` axes are columns; axes of size 1 don't count. */
static bool fuse_is_narrow(const us__node *x, const us__node *space, size_t columns) {
    size_t i = 0;
    for (size_t k = 0; k < space->rank - columns; k++) {
        if (space->shape[k] == 1) continue;
        while (i < x->rank && x->shape[i] == 1) i++;
        if (i == x->rank || x->shape[i++] != space->shape[k]) return false;
    }
    while (i < x->rank && x->shape[i] == 1) i++;
    return i == x->rank;
}

/* The number of columns, when the last axes are those; 0 where it depends on the samples. */
static size_t fuse_columns(const us__node *space, size_t columns) {
    size_t n = 1;
    for (size_t i = space->rank - columns; i < space->rank; i++) n *= space->shape[i] == US_SAMPLES ? 0 : space->shape[i];
    return n;
}

static bool fuse_may_be_whole(const us__node *space, size_t columns) {
    size_t n = fuse_columns(space, columns);
    return n > 1 && n <= US__TILE_WIDEST;
}

/* n has one number for each column; leading axes of size 1 don't count. */
static bool fuse_is_sum(const us__node *n, const us__node *space, size_t columns) {
    if (n->rank < columns || n->rank > space->rank) return false;
    for (size_t i = 0; i < n->rank; i++) {
        size_t k = space->rank - n->rank + i;
        if (n->shape[i] != (k < space->rank - columns ? 1 : space->shape[k])) return false;
    }
    return fuse_columns(space, columns) > 1;
}

/* Node n reads its input as a program with so many axes for columns can. */
static bool fuse_reads(const fuse_state *s, const us__node *n, size_t k, fuse_kind kind, size_t columns) {
    const us__node *x = fuse_node(s, n->in[k]);
    fuse_kind of = s->notes[n->in[k]].kind;
    us__operand o;
    if (of == FUSE_SUM) return false;
    if (kind == FUSE_LINE || kind == FUSE_REDUCE || kind == FUSE_SUM) return us__same_shape(x, s->space);
    if (kind == FUSE_NARROW) return fuse_is_narrow(x, s->space, columns) || us__elements(x, 2) == 1;
    if (kind == FUSE_VIEW) return fuse_is_of_rows(of);
    if (!us__operand_fits(x, s->space, columns, &o)) return false;
    return !fuse_is_of_rows(of) || (!o.wide && o.divide == 1 && o.period == 0);
}

/* What node n would be, and with which axes for columns. */
static fuse_kind fuse_kind_of(const fuse_state *s, const us__node *n, unsigned *splits) {
    bool same = us__same_shape(n, s->space), first = n->rank > 0 && n->shape[0] == s->space->shape[0];
    fuse_kind kind = n->op->row[0] ? (same ? FUSE_WIDE : FUSE_NARROW) : FUSE_NOT;
    if (n->op->line[0]) kind = same ? FUSE_LINE : FUSE_REDUCE;
    if (n->op == &us__op_sum_to && !(first && n->rank == s->space->rank)) kind = FUSE_SUM;
    if (fuse_is_view(n)) kind = FUSE_VIEW;
    *splits = 0;
    if (kind == FUSE_NOT) return kind;
    for (size_t c = 1; c <= s->space->rank; c++) {
        bool whole = fuse_may_be_whole(s->space, c), fits;
        if (kind == FUSE_WIDE)
            fits = true;
        else if (kind == FUSE_LINE)
            fits = whole && fuse_columns(s->space, c) == s->space->shape[s->space->rank - 1];
        else if (kind == FUSE_SUM)
            fits = fuse_is_sum(n, s->space, c);
        else
            fits = whole && fuse_is_narrow(n, s->space, c);
        for (size_t i = 0; kind == FUSE_REDUCE && fits && i < n->rank; i++) /* it sums over the columns and nothing else */
            fits = n->rank == s->space->rank && n->shape[i] == (i < n->rank - c ? s->space->shape[i] : 1);
        for (size_t k = 0; k < n->op->inputs && fits; k++) fits = fuse_reads(s, n, k, kind, c);
        if (fits) *splits |= 1u << c;
    }
    return *splits ? kind : FUSE_NOT;
}

/* Those that are left, where tiles that must be whole rows can be. */
static unsigned fuse_splits_with(const fuse_state *s, unsigned splits, bool whole) {
    splits &= s->splits;
    for (size_t c = 1; c <= s->space->rank && whole; c++)
        if (!fuse_may_be_whole(s->space, c)) splits &= ~(1u << c);
    return splits;
}

/* ------------------------------------------------------------------ which nodes make a program */

static void fuse_consider(fuse_state *s, us_node a) {
    fuse_note *note = &s->notes[a];
    const us__node *n = fuse_node(s, a);
    unsigned splits;
    bool touches = false;
    for (size_t k = 0; k < n->op->inputs; k++) {
        note->waits = note->waits || s->notes[n->in[k]].waits;
        touches = touches || s->notes[n->in[k]].kind;
    }
    if (note->waits) return;
    fuse_kind kind = s->members < US__PROGRAM_MOST ? fuse_kind_of(s, n, &splits) : FUSE_NOT;
    if (kind == FUSE_VIEW && !touches) kind = FUSE_NOT;
    bool whole = s->whole || fuse_takes_rows(kind);
    if (kind && !fuse_splits_with(s, splits, whole)) kind = FUSE_NOT;
    if (kind) {
        s->splits = fuse_splits_with(s, splits, whole);
        s->whole = whole;
        note->kind = kind;
        s->members++;
    } else
        note->waits = touches || n->op->row[0] || n->op->line[0];
}

/* Marks what hangs together with the first node, by inputs in both directions. */
static void fuse_join(fuse_state *s, size_t from, size_t to) {
    s->notes[s->list[from]].joined = true;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = from; i < to; i++) {
            fuse_note *note = &s->notes[s->list[i]];
            if (note->done || !note->kind) continue;
            const us__node *n = fuse_node(s, s->list[i]);
            for (size_t k = 0; k < n->op->inputs; k++) {
                fuse_note *x = &s->notes[n->in[k]];
                if (!x->kind || x->joined == note->joined) continue;
                x->joined = note->joined = more = true;
            }
        }
    }
}

/* The shape of a program that begins with this node, if there can be one. */
static bool fuse_begin(fuse_state *s, us_node a) {
    const us__node *n = fuse_node(s, a);
    if (!n->op->row[0] && !n->op->line[0]) return false;
    s->space = n->op->line[0] ? fuse_node(s, n->in[0]) : n;
    s->splits = ~0u;
    s->whole = false;
    s->members = 0;
    return s->space->rank > 0 && us__elements(s->space, 2) > 1;
}

/* ------------------------------------------------------------------ writing a program */

static void fuse_place(fuse_state *s, us_node a) {
    s->plan->order[s->at++] = a;
    s->notes[a].done = true;
}

/* Members go into the order, with all that they need before them, and sums last. */
static void fuse_place_members(fuse_state *s, size_t from, size_t to) {
    for (size_t i = to; i-- > from;) {
        fuse_note *note = &s->notes[s->list[i]];
        if (note->done || !(note->joined || note->wanted)) continue;
        const us__node *n = fuse_node(s, s->list[i]);
        for (size_t k = 0; k < n->op->inputs; k++) s->notes[n->in[k]].wanted = true;
    }
    for (size_t i = from; i < to; i++)
        if (!s->notes[s->list[i]].done && s->notes[s->list[i]].wanted && !s->notes[s->list[i]].joined)
            fuse_place(s, s->list[i]);
    for (int sums = 0; sums < 2; sums++)
        for (size_t i = from; i < to; i++) {
            const fuse_note *note = &s->notes[s->list[i]];
            if (!note->done && note->joined && (note->kind == FUSE_SUM) == sums) fuse_place(s, s->list[i]);
        }
}

/* The node whose numbers a view shows. */
static us_node fuse_root(const fuse_state *s, us_node a) {
    while (fuse_is_view(fuse_node(s, a))) a = fuse_node(s, a)->in[0];
    return a;
}

/* Which members have a place in memory, and where the others are read last. */
static void fuse_note_uses(fuse_state *s, const us_node *members, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const us__node *n = fuse_node(s, members[i]);
        for (size_t k = 0; k < n->op->inputs; k++) {
            s->notes[n->in[k]].near_uses++;
            s->notes[fuse_root(s, n->in[k])].last = i;
        }
    }
    for (size_t i = count; i-- > 0;) {
        fuse_note *note = &s->notes[members[i]];
        note->outside = note->outside || note->uses > note->near_uses || note->kind == FUSE_SUM;
        if (note->kind == FUSE_VIEW && note->outside) s->notes[fuse_node(s, members[i])->in[0]].outside = true;
        s->plan->inside[members[i]] = !note->outside;
    }
}

static void fuse_write_input(const fuse_state *s, us__instruction *to, size_t k, size_t columns) {
    const us__node *n = fuse_node(s, to->node);
    us_node root = fuse_root(s, n->in[k]);
    us__operand *o = &to->in[k];
    fuse_kind kind = s->notes[n->in[k]].kind;
    if (to->narrow || fuse_is_of_rows(kind))
        *o = (us__operand){.divide = 1, .period = us__elements(fuse_node(s, n->in[k]), 2) == 1};
    else
        us__operand_fits(fuse_node(s, n->in[k]), s->space, columns, o);
    bool in_register = s->notes[root].joined && !s->notes[root].outside;
    o->node = in_register ? US_NODE_NONE : root;
    o->reg = s->notes[root].reg;
    bool whole = o->wide == to->out.wide && o->divide == 1 && o->period == 0;
    to->flat = to->flat && (whole || (!o->wide && o->period == 1));
    to->step[k] = whole ? 1 : o->wide;
}

/* The instruction of member i, and the registers that are free after it. */
static void fuse_write(fuse_state *s, us__program *p, const us_node *members, size_t i, size_t columns, uint64_t *free) {
    us_node a = members[i];
    const us__node *n = fuse_node(s, a);
    fuse_note *note = &s->notes[a];
    us__instruction *to = &p->code[p->length++];
    bool line = note->kind == FUSE_LINE || note->kind == FUSE_REDUCE, wide = note->kind <= FUSE_LINE;
    *to = (us__instruction){.node = a, .flat = !line, .narrow = note->kind == FUSE_NARROW};
    p->sums += note->kind == FUSE_SUM;
    memcpy(to->row, line ? n->op->line : n->op->row, sizeof to->row);
    to->out = (us__operand){.node = a, .wide = wide && fuse_columns(s->space, columns) != 1, .divide = 1};
    for (size_t k = 0; k < n->op->inputs; k++) fuse_write_input(s, to, k, columns);
    for (int after = 0; after < 2; after++) {
        /* The result may take an input's register when both are read and written by the same loop. */
        for (size_t k = 0; k < n->op->inputs; k++) {
            const us__operand *o = &to->in[k];
            if (o->node != US_NODE_NONE || s->notes[fuse_root(s, n->in[k])].last != i) continue;
            if (after || (!line && o->wide == to->out.wide)) *free |= (uint64_t)1 << o->reg;
        }
        if (after || note->outside) continue;
        note->reg = (uint32_t)__builtin_ctzll(*free);
        to->out.node = US_NODE_NONE;
        to->out.reg = note->reg;
        *free &= ~((uint64_t)1 << note->reg);
        size_t registers = note->reg + 1;
        p->scratch = p->scratch > registers ? p->scratch : registers;
    }
    if (!note->outside) *free &= ~((uint64_t)1 << note->reg);
}

static us_status fuse_write_program(fuse_state *s, const us_node *members, size_t count, us__program **out) {
    us__program *p = us__arena_alloc(s->plan->arena, 1, sizeof *p);
    if (!p) return US_ERR_NOMEM;
    p->code = us__arena_alloc(s->plan->arena, count, sizeof *p->code);
    if (!p->code) return US_ERR_NOMEM;
    size_t columns = s->space->rank;
    unsigned splits = 0;
    s->splits = ~0u, s->whole = false;
    for (size_t i = 0; i < count; i++) { /* of those that joined, which may be fewer than were considered */
        s->whole = s->whole || fuse_takes_rows(s->notes[members[i]].kind);
        fuse_kind_of(s, fuse_node(s, members[i]), &splits);
        s->splits = fuse_splits_with(s, splits, s->whole);
    }
    while (!(s->splits >> columns & 1)) columns--;
    *p = (us__program){.nodes = count, .lines = 1, .columns = 1, .whole = s->whole, .code = p->code};
    for (size_t i = 0; i < s->space->rank; i++) {
        bool line = i < s->space->rank - columns, samples = s->space->shape[i] == US_SAMPLES;
        if (samples)
            *(line ? &p->samples_are_lines : &p->samples_are_columns) = true;
        else
            *(line ? &p->lines : &p->columns) *= s->space->shape[i];
    }
    uint64_t free = ~(uint64_t)0;
    for (size_t i = 0; i < count; i++)
        if (s->notes[members[i]].kind != FUSE_VIEW) fuse_write(s, p, members, i, columns, &free);
    p->scratch *= p->whole && p->columns > US__TILE ? p->columns : US__TILE;
    p->scratch += 2 * p->sums * p->columns; /* two floats are as large as a double */
    if (p->scratch > s->plan->scratch) s->plan->scratch = p->scratch;
    *out = p;
    return US_OK;
}

/* ------------------------------------------------------------------ all of a segment */

/* Node list[from], with all that goes with it. */
static us_status fuse_from(fuse_state *s, size_t from) {
    us_status status = US_OK;
    size_t to = from + FUSE_AHEAD < s->count ? from + FUSE_AHEAD : s->count, joined = 0;
    if (!fuse_begin(s, s->list[from])) {
        fuse_place(s, s->list[from]);
        return US_OK;
    }
    for (size_t i = from; i < to; i++)
        if (!s->notes[s->list[i]].done) fuse_consider(s, s->list[i]);
    fuse_join(s, from, to);
    for (size_t i = from; i < to; i++) {
        const fuse_note *note = &s->notes[s->list[i]];
        joined += note->joined && note->kind != FUSE_VIEW;
    }
    if (joined < 2)
        fuse_place(s, s->list[from]);
    else {
        fuse_place_members(s, from, to);
        size_t first = s->at;
        while (first > 0 && s->notes[s->plan->order[first - 1]].joined) first--;
        fuse_note_uses(s, s->plan->order + first, s->at - first);
        status = fuse_write_program(s, s->plan->order + first, s->at - first, &s->plan->program[first]);
    }
    for (size_t i = from; i < to; i++) {
        const us__node *n = fuse_node(s, s->list[i]);
        fuse_note *note = &s->notes[s->list[i]];
        *note = (fuse_note){.done = note->done, .uses = note->uses};
        for (size_t k = 0; k < n->op->inputs; k++)
            s->notes[n->in[k]] = (fuse_note){.done = s->notes[n->in[k]].done, .uses = s->notes[n->in[k]].uses};
    }
    return status;
}

us_status us__fuse(us__plan *plan) {
    const us_graph *g = plan->graph;
    size_t count = plan->start[US__SEGMENTS];
    us_status status = US_ERR_NOMEM;
    us_node *list = us__alloc(g->context, count, sizeof *list);
    fuse_state s = {.plan = plan, .graph = g, .notes = us__new(g->context, g->count, sizeof *s.notes)};
    if (!list || !s.notes) goto done;
    status = US_OK;
    memcpy(list, plan->order, count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const us__node *n = us__at(g, list[i]);
        for (size_t k = 0; k < n->op->inputs; k++) s.notes[n->in[k]].uses++;
    }
    if (plan->watched != US_NODE_NONE) s.notes[plan->watched].uses++;
    for (size_t k = 0; k < plan->output_count; k++)
        if (plan->outputs[k] != US_NODE_NONE) s.notes[plan->outputs[k]].uses++;
    for (us__segment segment = 0; segment < US__SEGMENTS; segment++) {
        s.list = list + plan->start[segment];
        s.count = plan->start[segment + 1] - plan->start[segment];
        for (size_t i = 0; i < s.count && status == US_OK; i++)
            if (!s.notes[s.list[i]].done) status = fuse_from(&s, i);
    }
done:
    us__release(g->context, s.notes);
    us__release(g->context, list);
    return status;
}
