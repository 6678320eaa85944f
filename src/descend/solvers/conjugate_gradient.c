/* Nonlinear conjugate gradients: d ← −g' + βd with y = g' − g and
 *
 *   β = max((y − 2d·y'y/d'y)'g'/d'y, η),  η = −1/(‖d‖·min(0.01, ‖g‖))
 *
 * Source: Hager & Zhang 2005, "A new conjugate gradient method with guaranteed descent and an efficient line search", SIAM
 * J. Optim. 16(1), (1.3) and (1.6). */
#include "descend/solvers/line.h"
#include <cblas.h>
#include <math.h>

static const double CG_FLOOR = 0.01;

typedef struct cg_state {
    double slope; /* of the direction before, at its start */
} cg_state;

static double cg_aim(us_solver *s, bool first) {
    us__line *line = s->state;
    size_t n = s->n;
    double *d = line->direction, norm = cblas_dnrm2((int)n, s->gradient, 1), dy = 0, yy = 0, yg = 0, dg = 0, dd = 0;
    const double *g = s->gradient, *before = s->trial_gradient;
    if (!first) {
        for (size_t i = 0; i < n; i++) {
            double y = g[i] - before[i];
            dy += d[i] * y, yy += y * y, yg += y * g[i], dg += d[i] * g[i], dd += d[i] * d[i];
        }
        if (!(dy > 0) || !isfinite(yy)) first = true;
    }
    line->reset = first;
    if (first) {
        for (size_t i = 0; i < n; i++) d[i] = -g[i];
        return 1 / norm;
    }
    double floor = -1 / (sqrt(dd) * fmin(CG_FLOOR, cblas_dnrm2((int)n, before, 1)));
    double beta = fmax((yg - 2 * dg * yy / dy) / dy, floor), slope = 0;
    for (size_t i = 0; i < n; i++) {
        d[i] = beta * d[i] - g[i];
        slope += d[i] * g[i];
    }
    return line->step * fmin(line->last_slope / slope, 10); /* the same first-order decrease as the last step */
}

static us_status cg_open(us_solver *s) { return us__line_open(s, 1, sizeof(cg_state), 0.1, cg_aim); }

const us__method us__method_conjugate_gradient = {
    .about = {.name = "conjugate-gradient",
              .title = "nonlinear conjugate gradients (Hager and Zhang's beta)",
              .formula = "d <- -g + beta d,  beta = (y - 2 d |y|^2/d'y)'g/d'y,  y = g - g_before\ntheta <- theta + a d",
              .latex = "d \\leftarrow -g + \\beta d,\\quad \\beta = \\frac{(y - 2 d\\,|y|^2/d^\\top y)^\\top g}{d^\\top "
                       "y},\\quad y = g - g_{\\text{before}} \\\\ "
                       "\\theta \\leftarrow \\theta + a d",
              .settings = "strong Wolfe conditions with 1e-4 and 0.1; eta = 0.01 bounds beta from below",
              .source = "Hager & Zhang 2005, SIAM J. Optim. 16(1); Moré & Thuente 1994, ACM TOMS 20(3)",
              .advice = "As l-bfgs where even ten pairs of vectors are too much memory."},
    .open = cg_open,
    .next = us__line_next,
    .close = us__line_close,
};
