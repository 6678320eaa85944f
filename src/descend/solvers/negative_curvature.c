/* Gradient descent that follows negative curvature: p = −g/λmax, and, where λ₁ < 0, along its eigenvector the length of the
 * radius to the side that falls.
 * Source: Curtis & Robinson 2019, "Exploiting negative curvature in deterministic and stochastic optimization", Math.
 * Programming 176. */
#include "descend/solvers/curved.h"
#include <math.h>

static double negative_curvature_step(us__curved *c) {
    double largest = fmax(fabs(c->values[0]), fabs(c->values[c->m - 1])), length = 0, predicted = 0;
    bool down = c->values[0] < -c->resolution;
    if (largest == 0) largest = 1;
    for (size_t i = 0; i < c->m; i++) {
        c->p[i] = -c->slopes[i] / largest;
        if (i > 0 || !down) length = hypot(length, c->p[i]);
    }
    double share = length > c->radius ? c->radius / length : 1;
    for (size_t i = 0; i < c->m; i++) c->p[i] *= share;
    if (down) c->p[0] = c->slopes[0] > 0 ? -c->radius : c->radius;
    for (size_t i = 0; i < c->m; i++) predicted -= c->slopes[i] * c->p[i] + 0.5 * c->values[i] * c->p[i] * c->p[i];
    return predicted;
}

static us_status negative_curvature_open(us_solver *s) { return us__curved_open(s, negative_curvature_step); }

const us__method us__method_negative_curvature = {
    .about = {.name = "negative-curvature",
              .title = "gradient descent along negative curvature",
              .formula = "theta <- theta - g/lambda_max + radius u,  u: the eigenvector of the most negative eigenvalue",
              .latex = "\\theta \\leftarrow \\theta - g/\\lambda_{\\max} + \\Delta u,\\quad H u = \\lambda_{\\min} u,\\; "
                       "\\lambda_{\\min} < 0",
              .settings =
                  "the whole Hessian up to 400 parameters, Krylov spaces of 60 beyond; first radius 0.1 max(1, |theta|)",
              .source = "Curtis & Robinson 2019, Exploiting negative curvature, Math. Programming 176",
              .advice = "To see what negative curvature alone brings; slow near a minimum, as gradient descent is."},
    .open = negative_curvature_open,
    .next = us__curved_next,
    .close = us__curved_close,
    .sees_curvature = true,
};
