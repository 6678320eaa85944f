/* Sums of squares of residuals that are linear in θ, at once. */
#include "descend/solvers/squares.h"

static us_status least_squares_solve(us_problem *problem, us_vec *theta, const us_minimize_options *options,
                                     us_minimize_result *result) {
    (void)options;
    us_status status = us__squares_linear(problem, theta, result);
    if (status != US_NOT_FOUND) return status;
    return us__fail(us_problem_context(problem), US_ERR_UNSUPPORTED,
                    "least-squares: the model is not linear in its parameters, or its columns depend on each other; choose "
                    "levenberg-marquardt");
}

const us__method us__method_least_squares = {
    .about = {.name = "least-squares",
              .title = "exact linear least squares",
              .formula = "r = J theta + r0\nJ = QR,  R theta = -Q'r0, refined with residuals in twice the precision",
              .latex = "r = J\\theta + r_0,\\quad J = QR \\\\ "
                       "R\\theta = -Q^\\top r_0",
              .settings = "none",
              .source = "Björck 1967, Iterative refinement of linear least squares solutions, BIT 7",
              .advice = "Linear models with squared error: the exact answer, as precise as the numbers allow.",
              .squares = true},
    .solve = least_squares_solve,
};
