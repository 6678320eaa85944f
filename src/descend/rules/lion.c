/* Lion: θ ← θ − α (sign(β₁ m + (1−β₁) g) + λ θ), then m ← β₂ m + (1−β₂) g, with m = 0 at the start: every element moves by
 * α.
 *
 * Source: Chen et al. 2023, NeurIPS, algorithm 2 (arXiv:2302.06675). sign(0) = 0. */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__lion_update)(const us_rule_step *step, us_real *restrict theta, const us_real *restrict gradient,
                                        us_real *const *state, size_t n) {
    double beta1 = step->hyper[0], beta2 = step->hyper[1];
    us_real keep1 = (us_real)beta1, take1 = (us_real)(1 - beta1), keep2 = (us_real)beta2, take2 = (us_real)(1 - beta2);
    us_real rate = (us_real)step->learning_rate, decay = (us_real)step->hyper[2];
    us_real *restrict m = state[0];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i], c = keep1 * m[i] + take1 * g;
        theta[i] -= rate * ((us_real)(c > 0) - (us_real)(c < 0) + decay * theta[i]);
        m[i] = keep2 * m[i] + take2 * g;
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter lion_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "share of the mean in the direction of a step"},
    {"beta2", 0.99, 0, 0.999999, "decay of the mean of gradients"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha"},
};

const us_rule us__rule_lion = {
    .name = "lion",
    .title = "Lion",
    .formula = "theta <- theta - alpha (sign(beta1 m + (1 - beta1) g) + lambda theta)\n"
               "m <- beta2 m + (1 - beta2) g",
    .latex = "\\theta_t = \\theta_{t-1} - \\alpha\\left(\\mathrm{sign}(\\beta_1 m_{t-1} + (1-\\beta_1) g_t) + "
             "\\lambda\\theta_{t-1}\\right) \\\\ "
             "m_t = \\beta_2 m_{t-1} + (1-\\beta_2) g_t",
    .source = "Chen et al. 2023, algorithm 2",
    .advice = "One vector of state, and steps of one size: takes a rate 3 to 10 times smaller than Adam, and large batches.",
    .learning_rate = 0.0001,
    .hyperparameters = lion_hyperparameters,
    .hyperparameter_count = 3,
    .states = 1,
    .update_f32 = us__lion_update_f32,
    .update_f64 = us__lion_update_f64,
};
#endif
