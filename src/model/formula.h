/* A formula's text as a program for a stack machine, and that program as nodes of a graph. */
#ifndef US_MODEL_FORMULA_H
#define US_MODEL_FORMULA_H

#include "base/base.h"
#include <unstuck/graph.h>

/* Notes "WHAT, column N: message", a line with the text around the place, and a line with a caret under it. Columns count
 * characters from 1. @param position  byte in text, at most its length */
us_status us__caret_fail(us_context *context, const char *what, const char *text, size_t position, const char *format, ...)
    US_PRINTF(5, 6);

/* ------------------------------------------------------------------ tokens */

typedef enum us__token_kind {
    US__TOKEN_END,
    US__TOKEN_NUMBER,
    US__TOKEN_NAME,
    US__TOKEN_SIGN,
    US__TOKEN_STRANGE
} us__token_kind;

typedef struct us__token {
    us__token_kind kind;
    size_t position, length; /* bytes of the text */
} us__token;

/* The token at or after `position`. A strange one is a whole UTF-8 character that no formula has. */
us__token us__token_next(const char *text, size_t position);

/* Is text[0 .. length) a number without a sign, such as 0.2 or 1e-3? */
bool us__number_read(const char *text, size_t length, double *value);

/* ------------------------------------------------------------------ functions and constants */

typedef struct us__function {
    const char *name;
    double (*value)(double);
} us__function;

/* By name, or NULL. */
const us__function *us__function_find(const char *name, size_t length);
/* Nearest to a mistyped name, or NULL. */
const char *us__function_suggest(const char *name, size_t length);
/* π and e. */
bool us__constant_find(const char *name, size_t length, double *value);

/* ------------------------------------------------------------------ formulas */

typedef enum us__formula_op {
    US__FORMULA_NUMBER,
    US__FORMULA_NAME,
    US__FORMULA_APPLY,
    US__FORMULA_NEGATE,
    US__FORMULA_ADD,
    US__FORMULA_SUBTRACT,
    US__FORMULA_MULTIPLY,
    US__FORMULA_DIVIDE,
    US__FORMULA_POWER
} us__formula_op;

/* One step: numbers and names are pushed; the others pop what they need and push the result. */
typedef struct us__formula_step {
    us__formula_op op;
    size_t name;                  /* NAME: which */
    double number;                /* NUMBER */
    const us__function *function; /* APPLY */
    size_t position;              /* in the text, of the operator or the function's name */
} us__formula_step;

typedef struct us__formula {
    us_context *context;
    char *text;
    us__formula_step *steps; /* postfix */
    size_t count, capacity;
    us__token *names; /* neither functions nor constants, in order of first appearance */
    size_t name_count, name_capacity;
} us__formula;

/* Parses. Errors: US_ERR_INPUT with a caret, US_ERR_NOMEM. @param out [caller destroys] */
us_status us__formula_create(us__formula **out, us_context *context, const char *text);
void us__formula_destroy(us__formula *formula);
/* Is this the i-th name? */
bool us__formula_name_is(const us__formula *formula, size_t i, const char *name);
/* The i-th name on the heap. */
char *us__formula_name_copy(const us__formula *formula, size_t i);
/* An error that points at the first appearance of the i-th name. */
#define us__formula_fail_at(formula, i, ...) \
    us__caret_fail((formula)->context, "formula", (formula)->text, (formula)->names[i].position, __VA_ARGS__)

/* The formula as nodes of a graph. What is constant is computed here, so that x^-2 and x^(1/3) have constant exponents.
 * @param names  [name_count] the node of each name */
us_status us__formula_build(const us__formula *formula, us_graph *graph, const us_node *names, us_node *out);

#endif
