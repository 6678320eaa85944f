/* Asking a problem for its units. */
#include "problem/problem.h"
#include <unstuck/units.h>

us_status us_problem_units(us_units **out, us_problem *problem, const us_vec *theta) {
    *out = NULL;
    if (!problem->ops->units) return US_OK;
    if (theta->n != problem->dimension || theta->precision != problem->precision)
        return us__fail(problem->context, US_ERR_ARGUMENT,
                        "us_problem_units: theta has %zu elements in f%d; the problem has %zu in f%d", theta->n,
                        (int)theta->precision, problem->dimension, (int)problem->precision);
    return problem->ops->units(out, problem, theta);
}

void us_units_destroy(us_units *units) {
    if (!units) return;
    us__release(units->context, units->layers);
    us__release(units->context, units->units);
    us__release(units->context, units);
}
