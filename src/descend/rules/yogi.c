/* Yogi: Adam whose v changes by (1−β₂) g² at most, in either direction:
 *   m ← β₁ m + (1−β₁) g,  v ← v − (1−β₂) sign(v − g²) g²,  θ ← θ − α m/(√v + ε), with m = v = 0 at the start.
 *
 * Source: Zaheer et al. 2018, NeurIPS, algorithm 2, without correction of bias. (Some programs correct it and begin at v =
 * 1e-6.) */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__yogi_update)(const us_rule_step *step, us_real *restrict theta, const us_real *restrict gradient,
                                        us_real *const *state, size_t n) {
    double beta1 = step->hyper[0], beta2 = step->hyper[1];
    us_real keep1 = (us_real)beta1, take1 = (us_real)(1 - beta1), take2 = (us_real)(1 - beta2);
    us_real rate = (us_real)step->learning_rate, epsilon = (us_real)step->hyper[2];
    us_real *restrict m = state[0], *restrict v = state[1];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i], square = g * g;
        m[i] = keep1 * m[i] + take1 * g;
        v[i] -= v[i] > square ? take2 * square : v[i] < square ? -take2 * square : 0;
        theta[i] -= rate * m[i] / (us_real_sqrt(v[i]) + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter yogi_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-3, 1e-30, 1, "added to the root; bounds the step where gradients are small"},
};

static double yogi_preconditioner(const us_rule_step *step, const double *state) { return sqrt(state[1]) + step->hyper[2]; }

/* As Adam: the correction of bias is past. */
static double yogi_stability(const double *hyper) { return 2 * (1 + hyper[0]) / (1 - hyper[0]); }

static double yogi_growth(const double *hyper, double b) { return us__growth_mean(hyper[0], b); }

const us_rule us__rule_yogi = {
    .name = "yogi",
    .title = "Yogi",
    .formula = "m <- beta1 m + (1 - beta1) g\n"
               "v <- v - (1 - beta2) sign(v - g^2) g^2\n"
               "theta <- theta - alpha m / (sqrt(v) + epsilon)",
    .latex = "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "v_t = v_{t-1} - (1-\\beta_2)\\,\\mathrm{sign}(v_{t-1}-g_t^2)\\,g_t^2 \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha\\frac{m_t}{\\sqrt{v_t}+\\epsilon}",
    .source = "Zaheer et al. 2018, algorithm 2",
    .advice = "Adam whose rate cannot rise suddenly when gradients become small: for sparse, noisy gradients.",
    .learning_rate = 0.01,
    .hyperparameters = yogi_hyperparameters,
    .hyperparameter_count = 3,
    .states = 2,
    .update_f32 = us__yogi_update_f32,
    .update_f64 = us__yogi_update_f64,
    .preconditioner = yogi_preconditioner,
    .stability = yogi_stability,
    .growth = yogi_growth,
};
#endif
