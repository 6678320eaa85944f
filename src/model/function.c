#include "model/formula.h"
#include <math.h>
#include <string.h>

static double function_sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* Their derivatives are the graph's business; the values here serve constant parts of a formula. */
static const us__function FUNCTIONS[] = {
    {"exp", exp},
    {"log", log},
    {"sqrt", sqrt},
    {"sin", sin},
    {"cos", cos},
    {"tan", tan},
    {"asin", asin},
    {"acos", acos},
    {"atan", atan},
    {"sinh", sinh},
    {"cosh", cosh},
    {"tanh", tanh},
    {"sigmoid", function_sigmoid},
    {"erf", erf},
    {"abs", fabs},
};
enum { FUNCTION_COUNT = sizeof FUNCTIONS / sizeof FUNCTIONS[0] };

static bool function_is(const char *name, size_t length, const char *known) {
    return strlen(known) == length && memcmp(name, known, length) == 0;
}

const us__function *us__function_find(const char *name, size_t length) {
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        if (function_is(name, length, FUNCTIONS[i].name)) return &FUNCTIONS[i];
    return NULL;
}

const char *us__function_suggest(const char *name, size_t length) {
    static const char *const ELSEWHERE[][2] = {{"ln", "log"}, {"arcsin", "asin"}, {"arccos", "acos"}, {"arctan", "atan"}};
    for (size_t i = 0; i < sizeof ELSEWHERE / sizeof ELSEWHERE[0]; i++)
        if (function_is(name, length, ELSEWHERE[i][0])) return ELSEWHERE[i][1];
    char word[32];
    if (length >= sizeof word) return NULL;
    memcpy(word, name, length);
    word[length] = '\0';
    const char *names[FUNCTION_COUNT];
    for (size_t i = 0; i < FUNCTION_COUNT; i++) names[i] = FUNCTIONS[i].name;
    return us__nearest_name(word, names, FUNCTION_COUNT);
}

bool us__constant_find(const char *name, size_t length, double *value) {
    bool is_e = function_is(name, length, "e"), is_pi = function_is(name, length, "pi");
    *value = is_e ? M_E : M_PI;
    return is_e || is_pi;
}
