/* Running a program: tile after tile, in each of them instruction after instruction. */
#include "graph/program.h"
#include "graph/plan.h"
#include <string.h>

typedef struct program_tile {
    size_t row, column, height, width; /* height is 1 unless the tile's rows are whole */
    size_t columns;                    /* of the program */
    size_t size, register_bytes;       /* of an element, of a register */
    void *const *address;
    char *scratch;
} program_tile;

/* The first element of the operand in row `row` of the program. */
static char *program_in_memory(const program_tile *t, const us__operand *o, size_t row) {
    if (o->divide > 1) row /= o->divide;
    if (o->period == 1)
        row = 0;
    else if (o->period)
        row %= o->period;
    return (char *)t->address[o->node] + (o->wide ? row * t->columns + t->column : row) * t->size;
}

/* Where the operand begins in the tile, and bytes from a row to the next; false: other rows must be looked for. */
static bool program_walk(const program_tile *t, const us__operand *o, char **at, size_t *step) {
    if (o->node == US_NODE_NONE) {
        *at = t->scratch + o->reg * t->register_bytes;
        *step = (o->wide ? t->width : 1) * t->size;
        return true;
    }
    *at = program_in_memory(t, o, t->row);
    *step = o->period == 1 ? 0 : (o->wide ? t->columns : 1) * t->size;
    return o->divide == 1 && o->period <= 1;
}

static void program_compute(const program_tile *t, const us_graph *g, const us__instruction *s, us__row *row) {
    const us__node *node = us__at(g, s->node);
    size_t inputs = node->op->inputs, n = s->narrow ? 1 : t->width, step[US__INPUTS], out_step;
    char *in[US__INPUTS], *out;
    bool walks[US__INPUTS];
    program_walk(t, &s->out, &out, &out_step);
    for (size_t k = 0; k < inputs; k++) walks[k] = program_walk(t, &s->in[k], &in[k], &step[k]);
    if (s->flat) {
        row(node, out, (const void *const *)in, s->step, n * t->height);
        return;
    }
    for (size_t r = 0; r < t->height; r++, out += out_step) {
        for (size_t k = 0; k < inputs && r > 0; k++)
            in[k] = walks[k] ? in[k] + step[k] : program_in_memory(t, &s->in[k], t->row + r);
        row(node, out, (const void *const *)in, s->step, n);
    }
}

/* Sums over all rows so far, in double. */
static void program_add(const program_tile *t, const us__instruction *s, double *sums, bool single) {
    char *in;
    size_t step;
    program_walk(t, &s->in[0], &in, &step);
    for (size_t r = 0; r < t->height; r++, in += step)
        (single ? us__accumulate_f32 : us__accumulate_f64)(sums + t->column, in, t->width);
}

static void program_round(void *out, const double *sums, size_t n, bool single) {
    for (size_t i = 0; i < n; i++) {
        if (single)
            ((float *)out)[i] = (float)sums[i];
        else
            ((double *)out)[i] = sums[i];
    }
}

/* Lines and columns of the program, for so many rows. */
static size_t program_height(const us__program *p, size_t rows) { return p->lines * (p->samples_are_lines ? rows : 1); }
static size_t program_width(const us__program *p, size_t rows) { return p->columns * (p->samples_are_columns ? rows : 1); }

void us__program_begin(const us__program *program, size_t rows, void *scratch) {
    if (program->sums) memset(scratch, 0, program->sums * program_width(program, rows) * sizeof(double));
}

void us__program_lines(const us__program *program, const us_graph *graph, void *const *address, size_t rows,
                       us_precision precision, void *scratch, size_t first, size_t count) {
    size_t computed = program->length - program->sums, columns = program_width(program, rows), lines = first + count;
    size_t width = program->whole || columns < US__TILE ? columns : US__TILE, height = US__TILE / width;
    bool single = precision == US_F32;
    double *sums = scratch;
    if (height == 0) height = 1;
    program_tile t = {.columns = columns, .size = us_precision_bytes(precision), .address = address};
    t.scratch = (char *)(sums + program->sums * columns);
    t.register_bytes = (program->whole && columns > US__TILE ? columns : US__TILE) * t.size;
    for (t.row = first; t.row < lines; t.row += height)
        for (t.column = 0; t.column < columns; t.column += width) {
            t.height = lines - t.row < height ? lines - t.row : height;
            t.width = columns - t.column < width ? columns - t.column : width;
            for (size_t i = 0; i < computed; i++)
                program_compute(&t, graph, &program->code[i], program->code[i].row[!single]);
            for (size_t i = 0; i < program->sums; i++)
                program_add(&t, &program->code[computed + i], sums + i * columns, single);
        }
}

void us__program_end(const us__program *program, void *const *address, size_t rows, us_precision precision, void *scratch) {
    size_t computed = program->length - program->sums, columns = program_width(program, rows);
    for (size_t i = 0; i < program->sums; i++)
        program_round(address[program->code[computed + i].node], (double *)scratch + i * columns, columns,
                      precision == US_F32);
}

void us__program_run(const us__program *program, const us_graph *graph, void *const *address, size_t rows,
                     us_precision precision, void *scratch) {
    us__program_begin(program, rows, scratch);
    us__program_lines(program, graph, address, rows, precision, scratch, 0, program_height(program, rows));
    us__program_end(program, address, rows, precision, scratch);
}

size_t us__program_follows(const us__program *p, const us_graph *graph, us_node a) {
    size_t each = us__elements(us__at(graph, a), 1);
    if (!p->samples_are_lines || !us__has_samples(us__at(graph, a)) || each != p->lines * p->columns) return 0;
    bool reads = false;
    for (size_t i = 0; i < p->length; i++)
        for (size_t k = 0; k < us__at(graph, p->code[i].node)->op->inputs; k++) {
            const us__operand *o = &p->code[i].in[k];
            if (o->node != a) continue;
            if (!o->wide || o->divide != 1 || o->period != 0) return 0;
            reads = true;
        }
    return reads ? p->columns : 0;
}

bool us__operand_fits(const us__node *x, const us__node *space, size_t columns, us__operand *operand) {
    size_t lead = space->rank - columns, missing = space->rank - x->rank, wide = 0, narrow = 0;
    if (!us__broadcasts_to(x, space)) return false;
    for (size_t i = lead; i < space->rank; i++) {
        if (space->shape[i] == 1) continue;
        bool has = i >= missing && x->shape[i - missing] != 1;
        wide += has, narrow += !has;
    }
    if (wide && narrow) return false;
    *operand = (us__operand){.node = US_NODE_NONE, .wide = wide > 0, .divide = 1, .period = 1};
    /* From the last leading axis to the first: stretched ones, then ones that x has, then stretched ones again. */
    enum { INNER, OWN, OUTER } part = INNER;
    for (size_t i = lead; i-- > 0;) {
        if (space->shape[i] == 1) continue;
        bool has = i >= missing && x->shape[i - missing] != 1;
        if (has && part == OUTER) return false;
        if (has) {
            part = OWN;
            operand->period = i == 0 ? 0 : operand->period * space->shape[i];
        } else if (part == OWN)
            part = OUTER;
        else if (part == INNER && i > 0)
            operand->divide *= space->shape[i];
    }
    if (part == INNER) operand->divide = 1; /* it has no lines of its own */
    if (part == OWN) operand->period = 0;   /* all there are */
    return true;
}
