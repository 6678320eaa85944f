/* Momentum by Nesterov: m ← λ m − α g, θ ← θ + λ m − α g, with m = 0 at the start: the step that the next momentum would
 * take is taken already, so that gradients are measured ahead.
 *
 * Source: Nesterov 1983, Soviet Math. Dokl. 27(2); in this form Bengio, Boulanger-Lewandowski & Pascanu 2013, ICASSP,
 * eqs. (6) and (7). With a constant rate it is PyTorch's SGD(nesterov=True), whose velocity is −m/α. */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__nesterov_update)(const us_rule_step *step, us_real *restrict theta,
                                            const us_real *restrict gradient, us_real *const *state, size_t n) {
    us_real rate = (us_real)step->learning_rate, keep = (us_real)step->hyper[0];
    us_real *restrict m = state[0];
    for (size_t i = 0; i < n; i++) {
        us_real g = rate * gradient[i];
        m[i] = keep * m[i] - g;
        theta[i] += keep * m[i] - g;
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter nesterov_hyperparameters[] = {
    {"momentum", 0.9, 0, 0.999999, "lambda: the share of the last movement that is kept"},
};

static double nesterov_stability(const double *hyper) { return (2 + 2 * hyper[0]) / (1 + 2 * hyper[0]); }

static double nesterov_growth(const double *hyper, double b) { return us__growth_nesterov(hyper[0], b); }

const us_rule us__rule_nesterov = {
    .name = "nesterov",
    .title = "Nesterov momentum",
    .formula = "m <- lambda m - alpha g\n"
               "theta <- theta + lambda m - alpha g",
    .latex = "m_t = \\lambda m_{t-1} - \\alpha g_t \\\\ "
             "\\theta_t = \\theta_{t-1} + \\lambda m_t - \\alpha g_t",
    .source = "Nesterov 1983; Bengio, Boulanger-Lewandowski & Pascanu 2013, eqs. (6) and (7)",
    .advice = "Momentum that looks ahead: rings less than the heavy ball in narrow valleys, and stands smaller rates.",
    .learning_rate = 0.01,
    .hyperparameters = nesterov_hyperparameters,
    .hyperparameter_count = 1,
    .states = 1,
    .update_f32 = us__nesterov_update_f32,
    .update_f64 = us__nesterov_update_f64,
    .stability = nesterov_stability,
    .growth = nesterov_growth,
};
#endif
