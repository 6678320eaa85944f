/* Saddle-free Newton: p = −|H|⁻¹g, |H| with the absolute values of the eigenvalues, no longer than the radius. What the
 * model falls by is told for |H|, which H does not exceed. Source: Dauphin, Pascanu, Gulcehre, Cho, Ganguli & Bengio 2014,
 * "Identifying and attacking the saddle point problem in high-dimensional non-convex optimization", NeurIPS, algorithm 1. */
#include "descend/solvers/curved.h"
#include <math.h>

static double saddle_free_step(us__curved *c) {
    double length = 0, predicted = 0;
    for (size_t i = 0; i < c->m; i++) {
        c->p[i] = -c->slopes[i] / fmax(fmax(fabs(c->values[i]), c->resolution), 1e-300);
        length = hypot(length, c->p[i]);
    }
    double share = length > c->radius ? c->radius / length : 1;
    for (size_t i = 0; i < c->m; i++) {
        c->p[i] *= share;
        predicted -= c->slopes[i] * c->p[i] + 0.5 * fabs(c->values[i]) * c->p[i] * c->p[i];
    }
    return predicted;
}

static us_status saddle_free_open(us_solver *s) { return us__curved_open(s, saddle_free_step); }

const us__method us__method_saddle_free = {
    .about = {.name = "saddle-free",
              .title = "saddle-free Newton",
              .formula = "theta <- theta - |H|^-1 g,  no longer than the radius",
              .latex = "\\theta \\leftarrow \\theta - |H|^{-1} g,\\quad |p| \\le \\Delta",
              .settings =
                  "the whole Hessian up to 400 parameters, Krylov spaces of 60 beyond; first radius 0.1 max(1, |theta|)",
              .source = "Dauphin et al. 2014, Identifying and attacking the saddle point problem, NeurIPS",
              .advice = "To study saddles: it is repelled by them as fast as Newton's method is attracted."},
    .open = saddle_free_open,
    .next = us__curved_next,
    .close = us__curved_close,
    .sees_curvature = true,
};
