/* AdaBelief: Adam by the gradient's distance from its mean: s ← β₂ s + (1−β₂)(g − m)² + ε, θ ← θ − α m̂ / (√ŝ + ε), long
 * steps where gradients are as expected.
 *
 * Source: Zhuang et al. 2020, NeurIPS, algorithm 2 (arXiv:2010.07468). */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__adabelief_update)(const us_rule_step *step, us_real *restrict theta,
                                             const us_real *restrict gradient, us_real *const *state, size_t n) {
    double beta1 = step->hyper[0], beta2 = step->hyper[1], t = (double)step->step;
    us_real keep1 = (us_real)beta1, take1 = (us_real)(1 - beta1), keep2 = (us_real)beta2, take2 = (us_real)(1 - beta2);
    us_real rate = (us_real)(step->learning_rate / (1 - pow(beta1, t)));
    us_real correction = (us_real)(1 / sqrt(1 - pow(beta2, t))), epsilon = (us_real)step->hyper[2];
    us_real *restrict m = state[0], *restrict s = state[1];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        m[i] = keep1 * m[i] + take1 * g;
        us_real off = g - m[i];
        s[i] = keep2 * s[i] + take2 * (off * off) + epsilon;
        theta[i] -= rate * m[i] / (us_real_sqrt(s[i]) * correction + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter adabelief_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared distances"},
    {"epsilon", 1e-16, 1e-30, 1, "added to s and to its root, so that no distance divides by no zero"},
};

static double adabelief_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[1] / (1 - pow(step->hyper[1], (double)step->step))) + step->hyper[2];
}

static double adabelief_stability(const double *hyper) { return 2 * (1 + hyper[0]) / (1 - hyper[0]); } /* as Adam */

static double adabelief_growth(const double *hyper, double b) { return us__growth_mean(hyper[0], b); }

const us_rule us__rule_adabelief = {
    .name = "adabelief",
    .title = "AdaBelief",
    .formula = "m <- beta1 m + (1 - beta1) g\n"
               "s <- beta2 s + (1 - beta2) (g - m)^2 + epsilon\n"
               "theta <- theta - alpha (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon)",
    .latex = "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "s_t = \\beta_2 s_{t-1} + (1-\\beta_2)(g_t - m_t)^2 + \\epsilon \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha\\frac{m_t/(1-\\beta_1^t)}{\\sqrt{s_t/(1-\\beta_2^t)}+\\epsilon}",
    .source = "Zhuang et al. 2020, algorithm 2",
    .advice = "Adam that steps further where gradients are steady; with few parameters or full batches, s may become tiny: "
              "watch for jumps.",
    .learning_rate = 0.001,
    .hyperparameters = adabelief_hyperparameters,
    .hyperparameter_count = 3,
    .states = 2,
    .update_f32 = us__adabelief_update_f32,
    .update_f64 = us__adabelief_update_f64,
    .preconditioner = adabelief_preconditioner,
    .stability = adabelief_stability,
    .growth = adabelief_growth,
};
#endif
