/* The quadratic model's exact minimiser within the radius. In a Krylov space of the gradient that is the trust-region
 * Lanczos method, whose steps are those of Steihaug and Toint's conjugate gradients for as long as these stay inside. */
#include "descend/solvers/curved.h"
#include "descend/solvers/subproblem.h"

static double newton_cg_step(us__curved *c) {
    return us__subproblem_solve(c->m, c->values, c->slopes, c->radius, c->p).predicted;
}

static us_status newton_cg_open(us_solver *s) { return us__curved_open(s, newton_cg_step); }

const us__method us__method_newton_cg = {
    .about = {.name = "newton-cg",
              .title = "Newton's method in a trust region, in Krylov spaces",
              .formula = "min g'p + p'Hp/2  over  |p| <= radius,  p in span(g, Hg, H^2 g, ..)",
              .source = "Steihaug 1983, SIAM J. Numer. Anal. 20(3); Gould, Lucidi, Roma & Toint 1999, SIAM J. Optim. 9(2)",
              .advice = "as trust-region, where a program gives the products itself",
              .by_request = true},
    .open = newton_cg_open,
    .next = us__curved_next,
    .close = us__curved_close,
};
