/* The default: us_minimize, and for sums of squares what squares.c adds to it. */
#include "descend/solvers/squares.h"

static us_status trust_region_solve(us_problem *problem, us_vec *theta, const us_minimize_options *options,
                                    us_minimize_result *result) {
    return us__squares_are_few(problem) ? us__squares_minimize(problem, theta, options, result)
                                        : us_minimize(problem, theta, options, result);
}

const us__method us__method_trust_region = {
    .about = {.name = "trust-region",
              .title = "Newton's method in a trust region",
              .formula = "min g'p + p'Hp/2  over  |Dp| <= radius\ntheta <- theta + p  where the loss falls as foretold",
              .latex = "p = \\arg\\min_{|D p| \\le \\Delta}\\; g^\\top p + \\tfrac12 p^\\top H p \\\\ "
                       "\\theta \\leftarrow \\theta + p",
              .settings =
                  "the whole Hessian up to 400 parameters, Krylov spaces of 80 beyond; D makes the steps independent of "
                  "the units; sums of squares of up to 400 parameters begin with levenberg-marquardt",
              .source =
                  "Moré & Sorensen 1983, Computing a trust region step, SIAM J. Sci. Stat. Comput. 4(3); Gould, Lucidi, "
                  "Roma & Toint 1999, SIAM J. Optim. 9(2)",
              .advice = "Small and middling problems: leaves saddles and maxima, and looks for a way down where the second "
                        "order is silent."},
    .solve = trust_region_solve,
};
