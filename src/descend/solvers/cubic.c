/* Adaptive cubic regularisation: the p that minimises g'p + ½p'Hp + (σ/3)‖p‖³. Among the p of length r the best is that of
 * the trust region of radius r, with the multiplier μ(r) that falls as r grows; the minimum is where σr = μ(r). 1/σ follows
 * how well the model foretells, as a radius does: the step of σ = 1/radius. Sources: Nesterov & Polyak 2006, "Cubic
 * regularization of Newton method and its global performance", Math. Programming 108; Cartis, Gould & Toint 2011, Math.
 * Programming 127. */
#include "descend/solvers/curved.h"
#include "descend/solvers/subproblem.h"
#include <math.h>

enum { CUBIC_BISECTIONS = 60 };

/* μ of (Λ + μ)p = −g. */
static double cubic_multiplier(const us__curved *c) {
    double linear = 0, square = 0, quadratic = 0;
    for (size_t i = 0; i < c->m; i++) {
        linear += c->slopes[i] * c->p[i];
        quadratic += c->values[i] * c->p[i] * c->p[i];
        square += c->p[i] * c->p[i];
    }
    return square > 0 ? fmax(-(linear + quadratic) / square, 0) : 0;
}

static double cubic_step(us__curved *c) {
    double norm = 0, high, low = 0;
    for (size_t i = 0; i < c->m; i++) norm = hypot(norm, c->slopes[i]);
    /* σ in the unit of the third derivative: the gradient or the negative curvature at the radius' scale */
    double scale = fmax(fmax(fabs(c->values[0]), fabs(c->values[c->m - 1])), norm / c->radius), sigma = scale / c->radius;
    high = fmax(2 * sqrt(norm / sigma), 2 * fmax(-c->values[0], 0) / sigma) + 1e-300;
    us__subproblem best = {0};
    for (int k = 0; k < CUBIC_BISECTIONS && high - low > 1e-12 * high; k++) {
        double r = 0.5 * (low + high);
        best = us__subproblem_solve(c->m, c->values, c->slopes, r, c->p);
        if (best.on_boundary && sigma * r < cubic_multiplier(c))
            low = r;
        else
            high = r;
    }
    return best.predicted - sigma / 3 * best.length * best.length * best.length;
}

static us_status cubic_open(us_solver *s) { return us__curved_open(s, cubic_step); }

const us__method us__method_cubic = {
    .about = {.name = "cubic",
              .title = "Newton's method with adaptive cubic regularisation",
              .formula =
                  "min g'p + p'Hp/2 + sigma/3 |p|^3\ntheta <- theta + p;  sigma grows where the loss falls short of it",
              .latex = "p = \\arg\\min_p\\; g^\\top p + \\tfrac12 p^\\top H p + \\tfrac{\\sigma}{3} |p|^3 \\\\ "
                       "\\theta \\leftarrow \\theta + p",
              .settings = "the whole Hessian up to 400 parameters, Krylov spaces of 60 beyond",
              .source = "Cartis, Gould & Toint 2011, Adaptive cubic regularisation methods, Math. Programming 127",
              .advice = "As trust-region, with the best known bound on the number of steps to a second-order point."},
    .open = cubic_open,
    .next = us__curved_next,
    .close = us__curved_close,
    .sees_curvature = true,
};
