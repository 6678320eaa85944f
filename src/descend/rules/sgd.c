/* Gradient descent: θ ← θ − α g.
 *
 * Batch gradient descent when g is the gradient of all rows, stochastic when it is that of one, mini-batch in between.
 * Source: Cauchy 1847, C. R. Acad. Sci. Paris 25, 536; Robbins & Monro 1951, Ann. Math. Statist. 22(3). */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__sgd_update)(const us_rule_step *step, us_real *restrict theta, const us_real *restrict gradient,
                                       us_real *const *state, size_t n) {
    (void)state;
    us_real rate = (us_real)step->learning_rate;
    for (size_t i = 0; i < n; i++) theta[i] -= rate * gradient[i];
}

#if US_REAL_BITS == 64
static double sgd_stability(const double *hyper) { return (void)hyper, 2; }

static double sgd_growth(const double *hyper, double b) { return (void)hyper, us__growth_plain(b); }

const us_rule us__rule_sgd = {
    .name = "sgd",
    .title = "Gradient descent",
    .formula = "theta <- theta - alpha g",
    .latex = "\\theta_t = \\theta_{t-1} - \\alpha g_t",
    .source = "Cauchy 1847; Robbins & Monro 1951",
    .advice = "The plain method: with --batch full it is batch descent, with --batch 1 stochastic, between them mini-batch.",
    .learning_rate = 0.01,
    .update_f32 = us__sgd_update_f32,
    .update_f64 = us__sgd_update_f64,
    .stability = sgd_stability,
    .growth = sgd_growth,
};
#endif
