#include "model/formula.h"
#include <math.h>
#include <stdio.h>

/* What lies on the stack: a number as long as it can, a node from then on. */
typedef struct build_value {
    double number;
    us_node node; /* US_NODE_NONE: a number */
} build_value;

static us_node build_node(us_graph *graph, build_value v) {
    return v.node == US_NODE_NONE ? us_graph_constant(graph, v.number) : v.node;
}

static double build_number(us__formula_op op, double a, double b) {
    switch (op) {
    case US__FORMULA_ADD:
        return a + b;
    case US__FORMULA_SUBTRACT:
        return a - b;
    case US__FORMULA_MULTIPLY:
        return a * b;
    case US__FORMULA_DIVIDE:
        return a / b;
    default:
        return pow(a, b);
    }
}

static build_value build_binary(us_graph *graph, us__formula_op op, build_value a, build_value b) {
    if (a.node == US_NODE_NONE && b.node == US_NODE_NONE)
        return (build_value){build_number(op, a.number, b.number), US_NODE_NONE};
    us_node x = build_node(graph, a), y = build_node(graph, b);
    switch (op) {
    case US__FORMULA_ADD:
        return (build_value){0, us_graph_add(graph, x, y)};
    case US__FORMULA_SUBTRACT:
        return (build_value){0, us_graph_sub(graph, x, y)};
    case US__FORMULA_MULTIPLY:
        return (build_value){0, us_graph_mul(graph, x, y)};
    case US__FORMULA_DIVIDE:
        return (build_value){0, us_graph_div(graph, x, y)};
    default:
        return (build_value){0, us_graph_pow(graph, x, y)};
    }
}

static build_value build_unary(us_graph *graph, const us__formula_step *step, build_value a) {
    bool number = a.node == US_NODE_NONE;
    if (step->op == US__FORMULA_NEGATE)
        return number ? (build_value){-a.number, US_NODE_NONE} : (build_value){0, us_graph_neg(graph, a.node)};
    return number ? (build_value){step->function->value(a.number), US_NODE_NONE}
                  : (build_value){0, us_graph_apply(graph, step->function->name, a.node)};
}

enum { BUILD_TOLD = 4096 }; /* steps of formulas whose operations are told by their places */

/* Where an operation stands: columns count characters from 1, as in errors. */
static void build_part(const us__formula *formula, const us__formula_step *step, us_graph *graph) {
    char part[64];
    size_t column = 1;
    for (size_t i = 0; i < step->position; i++) column += ((unsigned char)formula->text[i] & 0xC0) != 0x80;
    snprintf(part, sizeof part, "at column %zu of the formula", column);
    us_graph_part(graph, part);
}

us_status us__formula_build(const us__formula *formula, us_graph *graph, const us_node *names, us_node *out) {
    build_value *stack = us__alloc(formula->context, formula->count, sizeof *stack);
    if (!stack) return US_ERR_NOMEM;
    size_t top = 0;
    us_status status = US_OK;
    for (size_t i = 0; i < formula->count && status == US_OK; i++) {
        const us__formula_step *step = &formula->steps[i];
        if (step->op != US__FORMULA_NUMBER && step->op != US__FORMULA_NAME && formula->count <= BUILD_TOLD)
            build_part(formula, step, graph);
        switch (step->op) {
        case US__FORMULA_NUMBER:
            stack[top++] = (build_value){step->number, US_NODE_NONE};
            break;
        case US__FORMULA_NAME:
            stack[top++] = (build_value){0, names[step->name]};
            break;
        case US__FORMULA_NEGATE:
        case US__FORMULA_APPLY:
            stack[top - 1] = build_unary(graph, step, stack[top - 1]);
            break;
        default:
            top--;
            stack[top - 1] = build_binary(graph, step->op, stack[top - 1], stack[top]);
        }
        status = us_graph_status(graph);
    }
    us_graph_part(graph, NULL);
    if (status == US_OK) {
        *out = build_node(graph, stack[0]);
        status = us_graph_status(graph);
    }
    us__release(formula->context, stack);
    return status;
}
