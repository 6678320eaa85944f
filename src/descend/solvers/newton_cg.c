/* The quadratic model's exact minimiser within the radius. In a Krylov space of the gradient that is the trust-region
 * Lanczos method, whose steps are those of Steihaug and Toint's conjugate gradients for as long as these stay inside. */
#include "descend/solvers/curved.h"
#include "descend/solvers/subproblem.h"

static double newton_cg_step(us__curved *c) {
    return us__subproblem_solve(c->m, c->values, c->slopes, c->radius, c->p).predicted;
}

static us_status newton_cg_open(us_solver *s) { return us__curved_open(s, newton_cg_step); }

const us__method us__method_newton_cg = {
    .about =
        {.name = "newton-cg",
         .title = "Newton's method in a trust region, in Krylov spaces",
         .formula = "min g'p + p'Hp/2  over  |p| <= radius,  p in span(g, Hg, H^2 g, ..)",
         .latex = "p = \\arg\\min_{|p| \\le \\Delta}\\; g^\\top p + \\tfrac12 p^\\top H p,\\quad p \\in "
                  "\\mathrm{span}(g, Hg, H^2 g, \\ldots) \\\\ "
                  "\\theta \\leftarrow \\theta + p",
         .settings = "the whole Hessian up to 400 parameters, Krylov spaces of 60 beyond; first radius 0.1 max(1, |theta|)",
         .source = "Steihaug 1983, SIAM J. Numer. Anal. 20(3); Gould, Lucidi, Roma & Toint 1999, SIAM J. Optim. 9(2)",
         .advice =
             "The plain form of trust-region: no scaling of the parameters, no probes where the second order is silent."},
    .open = newton_cg_open,
    .next = us__curved_next,
    .close = us__curved_close,
    .sees_curvature = true,
};
