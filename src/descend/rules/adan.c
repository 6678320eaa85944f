/* Adan: momentum on the gradient and on its difference d = g − g₋₁ (0 at the first step):
 *   m ← β₁ m + (1−β₁) g,  v ← β₂ v + (1−β₂) d,  w ← β₃ w + (1−β₃)(g + β₂ d)²,
 *   θ ← (θ − α (m/(1−β₁ᵗ) + β₂ v/(1−β₂ᵗ)) / (√(w/(1−β₃ᵗ)) + ε)) / (1 + α λ).
 *
 * Source: Xie et al. 2022, arXiv:2208.06677, algorithm 1, whose β are 1 minus these; with the correction of bias of the
 * authors' program. */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__adan_update)(const us_rule_step *step, us_real *restrict theta, const us_real *restrict gradient,
                                        us_real *const *state, size_t n) {
    double beta1 = step->hyper[0], beta2 = step->hyper[1], beta3 = step->hyper[2], t = (double)step->step;
    us_real keep1 = (us_real)beta1, take1 = (us_real)(1 - beta1), keep2 = (us_real)beta2, take2 = (us_real)(1 - beta2);
    us_real keep3 = (us_real)beta3, take3 = (us_real)(1 - beta3), epsilon = (us_real)step->hyper[3];
    us_real rate1 = (us_real)(step->learning_rate / (1 - pow(beta1, t)));
    us_real rate2 = (us_real)(step->learning_rate * beta2 / (1 - pow(beta2, t)));
    us_real correction = (us_real)(1 / sqrt(1 - pow(beta3, t)));
    us_real shrink = (us_real)(1 / (1 + step->learning_rate * step->hyper[4]));
    bool first = step->step == 1;
    us_real *restrict m = state[0], *restrict v = state[1], *restrict w = state[2], *restrict last = state[3];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i], d = first ? 0 : g - last[i], ahead = g + keep2 * d;
        last[i] = g;
        m[i] = keep1 * m[i] + take1 * g;
        v[i] = keep2 * v[i] + take2 * d;
        w[i] = keep3 * w[i] + take3 * (ahead * ahead);
        us_real root = us_real_sqrt(w[i]) * correction + epsilon;
        theta[i] = (theta[i] - (rate1 * m[i] + rate2 * v[i]) / root) * shrink;
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter adan_hyperparameters[] = {
    {"beta1", 0.98, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.92, 0, 0.999999, "decay of the mean of their differences"},
    {"beta3", 0.99, 0, 0.999999, "decay of the mean of squares"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha"},
};

const us_rule us__rule_adan = {
    .name = "adan",
    .title = "Adan",
    .formula = "d = g - g(t-1), 0 at the first step\n"
               "m <- beta1 m + (1 - beta1) g\n"
               "v <- beta2 v + (1 - beta2) d\n"
               "w <- beta3 w + (1 - beta3) (g + beta2 d)^2\n"
               "theta <- (theta - alpha (m / (1 - beta1^t) + beta2 v / (1 - beta2^t)) / (sqrt(w / (1 - beta3^t)) + "
               "epsilon)) / (1 + alpha lambda)",
    .latex = "d_t = g_t - g_{t-1},\\quad d_1 = 0 \\\\ "
             "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) d_t \\\\ "
             "w_t = \\beta_3 w_{t-1} + (1-\\beta_3)(g_t + \\beta_2 d_t)^2 \\\\ "
             "\\theta_t = \\frac{1}{1+\\alpha\\lambda}\\left(\\theta_{t-1} - \\alpha\\frac{m_t/(1-\\beta_1^t) + \\beta_2 "
             "v_t/(1-\\beta_2^t)}{\\sqrt{w_t/(1-\\beta_3^t)}+\\epsilon}\\right)",
    .source = "Xie et al. 2022, algorithm 1, with the correction of bias of the authors' program",
    .advice = "Adam with Nesterov's look ahead: stands larger rates and batches, for four vectors of state.",
    .learning_rate = 0.001,
    .hyperparameters = adan_hyperparameters,
    .hyperparameter_count = 5,
    .states = 4,
    .update_f32 = us__adan_update_f32,
    .update_f64 = us__adan_update_f64,
};
#endif
