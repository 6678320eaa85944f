/* Formula text to a postfix program, by precedence climbing (Pratt 1973).
 *
 *   sum     + -    left    1
 *   product * /    left    2
 *   sign    -x +x  prefix  3      -x^2 is -(x^2), 2^-1 is 2^(-1)
 *   power   ^      right   4
 */
#include "model/formula.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FORMULA_LONGEST = 100000, FORMULA_DEEPEST = 1000, FORMULA_LONGEST_NUMBER = 1000 };
enum { PRECEDENCE_SUM = 1, PRECEDENCE_PRODUCT, PRECEDENCE_SIGN, PRECEDENCE_POWER };

typedef struct formula_parser {
    us__formula *formula;
    us__token token; /* not yet used up */
    us__token last;  /* the one before it */
    size_t depth;
    locale_t c_locale; /* numbers have points, whatever the program's locale says */
} formula_parser;

#define formula_fail(parser, token, ...) \
    us__caret_fail((parser)->formula->context, "formula", (parser)->formula->text, (token).position, __VA_ARGS__)
/* For "%.*s". */
#define FORMULA_SHOW(parser, token) \
    (int)((token).length < 60 ? (token).length : 60), (parser)->formula->text + (token).position

static us_status formula_parse(formula_parser *parser, int least);

static bool formula_is_sign(const formula_parser *parser, char sign) {
    return parser->token.kind == US__TOKEN_SIGN && parser->formula->text[parser->token.position] == sign;
}

static void formula_advance(formula_parser *parser) {
    parser->last = parser->token;
    parser->token = us__token_next(parser->formula->text, parser->token.position + parser->token.length);
}

static us_status formula_emit(formula_parser *parser, us__formula_step step) {
    us__formula *f = parser->formula;
    if (f->count == f->capacity) {
        us__formula_step *grown = us__grow(f->context, f->steps, f->count, 2 * f->capacity + 16, sizeof *grown);
        if (!grown) return US_ERR_NOMEM;
        f->steps = grown;
        f->capacity = 2 * f->capacity + 16;
    }
    f->steps[f->count++] = step;
    return US_OK;
}

static us_status formula_number(formula_parser *parser) {
    us__token token = parser->token;
    char digits[FORMULA_LONGEST_NUMBER + 1];
    if (token.length > FORMULA_LONGEST_NUMBER)
        return formula_fail(parser, token, "a number of %zu characters", token.length);
    memcpy(digits, parser->formula->text + token.position, token.length);
    digits[token.length] = '\0';
    double number = strtod_l(digits, NULL, parser->c_locale);
    if (!isfinite(number)) return formula_fail(parser, token, "the number %.*s is too large", FORMULA_SHOW(parser, token));
    formula_advance(parser);
    return formula_emit(parser, (us__formula_step){.op = US__FORMULA_NUMBER, .number = number});
}

static us_status formula_name(formula_parser *parser, us__token token) {
    us__formula *f = parser->formula;
    size_t i = 0;
    while (i < f->name_count && !(f->names[i].length == token.length &&
                                  memcmp(f->text + f->names[i].position, f->text + token.position, token.length) == 0))
        i++;
    if (i == f->name_count && f->name_count == f->name_capacity) {
        us__token *grown = us__grow(f->context, f->names, f->name_count, 2 * f->name_capacity + 8, sizeof *grown);
        if (!grown) return US_ERR_NOMEM;
        f->names = grown;
        f->name_capacity = 2 * f->name_capacity + 8;
    }
    if (i == f->name_count) f->names[f->name_count++] = token;
    return formula_emit(parser, (us__formula_step){.op = US__FORMULA_NAME, .name = i});
}

/* After "(": a formula and the ")" that belongs to it. */
static us_status formula_parenthesis(formula_parser *parser, us__token opening) {
    us_status status = formula_parse(parser, PRECEDENCE_SUM);
    if (status != US_OK) return status;
    if (formula_is_sign(parser, ')')) {
        formula_advance(parser);
        return US_OK;
    }
    us__token token = parser->token;
    if (token.kind == US__TOKEN_END) return formula_fail(parser, opening, "this '(' is never closed");
    return formula_fail(parser, token, "a ')' or an operator is missing before '%.*s'", FORMULA_SHOW(parser, token));
}

static us_status formula_word(formula_parser *parser) {
    us__token token = parser->token;
    const char *name = parser->formula->text + token.position;
    const us__function *function = us__function_find(name, token.length);
    double number;
    formula_advance(parser);
    bool called = formula_is_sign(parser, '(');
    if (us__constant_find(name, token.length, &number))
        return formula_emit(parser, (us__formula_step){.op = US__FORMULA_NUMBER, .number = number});
    if (function && !called)
        return formula_fail(parser, token, "'%s' is a function: write %s(...)", function->name, function->name);
    if (!function && called) {
        const char *near = us__function_suggest(name, token.length);
        if (near)
            return formula_fail(parser, token, "unknown function '%.*s'; did you mean '%s'?", FORMULA_SHOW(parser, token),
                                near);
        return formula_fail(parser, token, "unknown function '%.*s'; a product needs a '*' before the '('",
                            FORMULA_SHOW(parser, token));
    }
    if (!function) return formula_name(parser, token);
    us__token opening = parser->token;
    formula_advance(parser);
    us_status status = formula_parenthesis(parser, opening);
    return status == US_OK
               ? formula_emit(parser,
                              (us__formula_step){.op = US__FORMULA_APPLY, .function = function, .position = token.position})
               : status;
}

/* What a formula can begin with. */
static us_status formula_operand(formula_parser *parser) {
    us__token token = parser->token;
    if (token.kind == US__TOKEN_NUMBER) return formula_number(parser);
    if (token.kind == US__TOKEN_NAME) return formula_word(parser);
    bool minus = formula_is_sign(parser, '-');
    if (minus || formula_is_sign(parser, '+')) {
        formula_advance(parser);
        us_status status = formula_parse(parser, PRECEDENCE_SIGN);
        us__formula_step negate = {.op = US__FORMULA_NEGATE, .position = token.position};
        return status == US_OK && minus ? formula_emit(parser, negate) : status;
    }
    if (formula_is_sign(parser, '(')) {
        formula_advance(parser);
        return formula_parenthesis(parser, token);
    }
    if (token.kind == US__TOKEN_STRANGE)
        return formula_fail(parser, token, "no formula has a '%.*s'", FORMULA_SHOW(parser, token));
    if (formula_is_sign(parser, '*') && parser->last.kind == US__TOKEN_SIGN && token.position == parser->last.position + 1 &&
        parser->formula->text[parser->last.position] == '*')
        return formula_fail(parser, token, "a power is written with '^', not '**'");
    if (parser->last.kind == US__TOKEN_END) { /* nothing before it */
        if (token.kind == US__TOKEN_END) return formula_fail(parser, token, "the formula is empty");
        return formula_fail(parser, token, "a formula cannot begin with '%.*s'", FORMULA_SHOW(parser, token));
    }
    return formula_fail(parser, token, "a number, a name or a '(' is missing after '%.*s'",
                        FORMULA_SHOW(parser, parser->last));
}

/* The binary operator at the parser's place. */
static bool formula_operator(const formula_parser *parser, us__formula_op *op, int *precedence) {
    static const struct {
        char sign;
        us__formula_op op;
        int precedence;
    } OPERATORS[] = {
        {'+', US__FORMULA_ADD, PRECEDENCE_SUM},          {'-', US__FORMULA_SUBTRACT, PRECEDENCE_SUM},
        {'*', US__FORMULA_MULTIPLY, PRECEDENCE_PRODUCT}, {'/', US__FORMULA_DIVIDE, PRECEDENCE_PRODUCT},
        {'^', US__FORMULA_POWER, PRECEDENCE_POWER},
    };
    for (size_t i = 0; i < sizeof OPERATORS / sizeof OPERATORS[0]; i++)
        if (formula_is_sign(parser, OPERATORS[i].sign)) {
            *op = OPERATORS[i].op;
            *precedence = OPERATORS[i].precedence;
            return true;
        }
    return false;
}

/* An operand and all operators after it that bind at least as tightly as `least`. */
static us_status formula_parse(formula_parser *parser, int least) {
    if (++parser->depth > FORMULA_DEEPEST)
        return formula_fail(parser, parser->token, "nested deeper than %d levels", FORMULA_DEEPEST);
    us_status status = formula_operand(parser);
    us__formula_op op;
    int precedence;
    while (status == US_OK && formula_operator(parser, &op, &precedence) && precedence >= least) {
        size_t position = parser->token.position;
        formula_advance(parser);
        status = formula_parse(parser, op == US__FORMULA_POWER ? PRECEDENCE_SIGN : precedence + 1);
        if (status == US_OK) status = formula_emit(parser, (us__formula_step){.op = op, .position = position});
    }
    parser->depth--;
    return status;
}

static us_status formula_whole(formula_parser *parser) {
    us_status status = formula_parse(parser, PRECEDENCE_SUM);
    us__token token = parser->token;
    if (status != US_OK || token.kind == US__TOKEN_END) return status;
    if (formula_is_sign(parser, ')')) return formula_fail(parser, token, "this ')' closes nothing");
    if (token.kind == US__TOKEN_STRANGE)
        return formula_fail(parser, token, "no formula has a '%.*s'", FORMULA_SHOW(parser, token));
    return formula_fail(parser, token, "an operator is missing between '%.*s' and '%.*s'",
                        FORMULA_SHOW(parser, parser->last), FORMULA_SHOW(parser, token));
}

us_status us__formula_create(us__formula **out, us_context *context, const char *text) {
    *out = NULL;
    if (strlen(text) > FORMULA_LONGEST)
        return us__fail(context, US_ERR_INPUT, "formula: longer than %d characters", FORMULA_LONGEST);
    formula_parser parser = {.formula = us__new(context, 1, sizeof(us__formula))};
    if (!parser.formula) return US_ERR_NOMEM;
    us_status status = US_ERR_NOMEM;
    parser.formula->context = context;
    parser.formula->text = us__text_copy(context, text);
    if (!parser.formula->text) goto done;
    parser.c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!parser.c_locale) goto done;
    parser.token = us__token_next(text, 0);
    status = formula_whole(&parser);
done:
    if (parser.c_locale) freelocale(parser.c_locale);
    if (status != US_OK)
        us__formula_destroy(parser.formula);
    else
        *out = parser.formula;
    return status;
}

void us__formula_destroy(us__formula *formula) {
    if (!formula) return;
    us_context *context = formula->context;
    us__release(context, formula->text);
    us__release(context, formula->steps);
    us__release(context, formula->names);
    us__release(context, formula);
}

bool us__formula_name_is(const us__formula *formula, size_t i, const char *name) {
    us__token token = formula->names[i];
    return strlen(name) == token.length && memcmp(formula->text + token.position, name, token.length) == 0;
}

char *us__formula_name_copy(const us__formula *formula, size_t i) {
    return us__text_format(formula->context, "%.*s", (int)formula->names[i].length,
                           formula->text + formula->names[i].position);
}
