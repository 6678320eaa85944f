/* Running a program: tile after tile, in each of them instruction after instruction. */
#include "graph/program.h"

typedef struct program_tile {
    size_t row, column, height, width; /* height is 1 unless the tile's rows are whole */
    size_t columns;                    /* of the program */
    size_t register_bytes, size;       /* of a register, of an element */
    void *const *address;
    char *scratch;
} program_tile;

/* The first element of the operand in row `r` of the tile. */
static char *program_at(const program_tile *t, const us__operand *o, size_t r) {
    if (o->node == US_NODE_NONE) return t->scratch + o->reg * t->register_bytes + r * (o->wide ? t->width : 1) * t->size;
    size_t row = (t->row + r) / o->divide;
    if (o->period) row %= o->period;
    return (char *)t->address[o->node] + (o->wide ? row * t->columns + t->column : row) * t->size;
}

static void program_compute(const program_tile *t, const us_graph *g, const us__instruction *s, us__row *row) {
    const us__node *node = us__at(g, s->node);
    size_t calls = s->flat ? 1 : t->height, n = s->narrow ? 1 : t->width;
    if (s->flat) n *= t->height;
    for (size_t r = 0; r < calls; r++) {
        const void *in[US__INPUTS];
        for (size_t k = 0; k < node->op->inputs; k++) in[k] = program_at(t, &s->in[k], r);
        row(node, program_at(t, &s->out, r), in, s->step, n);
    }
}

void us__program_run(const us__program *program, const us_graph *graph, void *const *address, size_t rows,
                     us_precision precision, void *scratch) {
    size_t lines = program->lines * (program->samples_are_lines ? rows : 1);
    size_t columns = program->columns * (program->samples_are_columns ? rows : 1);
    size_t width = program->whole || columns < US__TILE ? columns : US__TILE, height = US__TILE / width;
    if (height == 0) height = 1;
    program_tile t = {.columns = columns, .size = us_precision_bytes(precision), .address = address, .scratch = scratch};
    t.register_bytes = (program->whole && columns > US__TILE ? columns : US__TILE) * t.size;
    for (t.row = 0; t.row < lines; t.row += height)
        for (t.column = 0; t.column < columns; t.column += width) {
            t.height = lines - t.row < height ? lines - t.row : height;
            t.width = columns - t.column < width ? columns - t.column : width;
            for (size_t i = 0; i < program->length; i++)
                program_compute(&t, graph, &program->code[i], program->code[i].row[precision == US_F64]);
        }
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
