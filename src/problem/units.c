/* Asking a problem for its units. */
#include "problem/problem.h"
#include <unstuck/units.h>

us_status us_problem_units(us_units **out, us_problem *problem, const us_vec *theta, us_batch batch) {
    *out = NULL;
    if (!problem->ops->units) return US_OK;
    us_status status = us__problem_check(problem, theta, &batch, "us_problem_units");
    return status == US_OK ? problem->ops->units(out, problem, theta, batch) : status;
}

void us_units_destroy(us_units *units) {
    if (!units) return;
    us__release(units->context, units->layers);
    us__release(units->context, units->units);
    us__release(units->context, units);
}
