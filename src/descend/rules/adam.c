/* Adam, with bias correction: with t from 1 and m = v = 0 at the start,
 *   m ← β₁ m + (1−β₁) g,  v ← β₂ v + (1−β₂) g²,  θ ← θ − α m̂ / (√v̂ + ε),  m̂ = m/(1−β₁ᵗ),  v̂ = v/(1−β₂ᵗ).
 *
 * Source: Kingma & Ba 2015, ICLR, algorithm 1 (arXiv:1412.6980). */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__adam_update)(const us_rule_step *step, us_real *restrict theta, const us_real *restrict gradient,
                                        us_real *const *state, size_t n) {
    double beta1 = step->hyper[0], beta2 = step->hyper[1], t = (double)step->step;
    us_real keep1 = (us_real)beta1, take1 = (us_real)(1 - beta1), keep2 = (us_real)beta2, take2 = (us_real)(1 - beta2);
    us_real rate = (us_real)(step->learning_rate / (1 - pow(beta1, t)));
    us_real correction = (us_real)(1 / sqrt(1 - pow(beta2, t))), epsilon = (us_real)step->hyper[2];
    us_real *restrict m = state[0], *restrict v = state[1];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        m[i] = keep1 * m[i] + take1 * g;
        v[i] = keep2 * v[i] + take2 * (g * g);
        theta[i] -= rate * m[i] / (us_real_sqrt(v[i]) * correction + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter adam_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double adam_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[1] / (1 - pow(step->hyper[1], (double)step->step))) + step->hyper[2];
}

/* Heavy ball with (1 − β₁)α for the rate: (1 − β₁)αλ < 2(1 + β₁). */
static double adam_stability(const double *hyper) { return 2 * (1 + hyper[0]) / (1 - hyper[0]); }

static double adam_growth(const double *hyper, double b) { return us__growth_mean(hyper[0], b); }

const us_rule us__rule_adam = {
    .name = "adam",
    .title = "Adam",
    .formula = "m <- beta1 m + (1 - beta1) g\n"
               "v <- beta2 v + (1 - beta2) g^2\n"
               "theta <- theta - alpha (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)",
    .latex = "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) g_t^2 \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha\\frac{m_t/(1-\\beta_1^t)}{\\sqrt{v_t/(1-\\beta_2^t)}+\\epsilon}",
    .source = "Kingma & Ba 2015, algorithm 1",
    .advice = "The first to try on a network: little to tune, indifferent to the scale of the gradient.",
    .learning_rate = 0.001,
    .hyperparameters = adam_hyperparameters,
    .hyperparameter_count = 3,
    .states = 2,
    .update_f32 = us__adam_update_f32,
    .update_f64 = us__adam_update_f64,
    .preconditioner = adam_preconditioner,
    .stability = adam_stability,
    .growth = adam_growth,
};
#endif
