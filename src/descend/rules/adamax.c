/* AdaMax: Adam by the largest gradient instead of the root mean square: u ← max(β₂ u, |g| + ε), θ ← θ − α/(1−β₁ᵗ) m/u.
 *
 * Source: Kingma & Ba 2015, algorithm 2, which has no ε; PyTorch adds it to |g|, and so does this. */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__adamax_update)(const us_rule_step *step, us_real *restrict theta,
                                          const us_real *restrict gradient, us_real *const *state, size_t n) {
    double beta1 = step->hyper[0];
    us_real keep = (us_real)beta1, take = (us_real)(1 - beta1), beta2 = (us_real)step->hyper[1];
    us_real rate = (us_real)(step->learning_rate / (1 - pow(beta1, (double)step->step)));
    us_real epsilon = (us_real)step->hyper[2];
    us_real *restrict m = state[0], *restrict u = state[1];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i], size = us_real_fabs(g) + epsilon, old = beta2 * u[i];
        m[i] = keep * m[i] + take * g;
        u[i] = old > size ? old : size;
        theta[i] -= rate * m[i] / u[i];
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter adamax_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the largest gradient"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the size of a gradient, so that zero divides by no zero"},
};

static double adamax_preconditioner(const us_rule_step *step, const double *state) { return (void)step, state[1]; }

static double adamax_stability(const double *hyper) { return 2 * (1 + hyper[0]) / (1 - hyper[0]); } /* as Adam */

static double adamax_growth(const double *hyper, double b) { return us__growth_mean(hyper[0], b); }

const us_rule us__rule_adamax = {
    .name = "adamax",
    .title = "AdaMax",
    .formula = "m <- beta1 m + (1 - beta1) g\n"
               "u <- max(beta2 u, |g| + epsilon)\n"
               "theta <- theta - alpha / (1 - beta1^t) m / u",
    .latex = "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "u_t = \\max(\\beta_2 u_{t-1}, |g_t| + \\epsilon) \\\\ "
             "\\theta_t = \\theta_{t-1} - \\frac{\\alpha}{1-\\beta_1^t}\\frac{m_t}{u_t}",
    .source = "Kingma & Ba 2015, algorithm 2",
    .advice = "Adam for gradients with rare large values, as embeddings have them.",
    .learning_rate = 0.002,
    .hyperparameters = adamax_hyperparameters,
    .hyperparameter_count = 3,
    .states = 2,
    .update_f32 = us__adamax_update_f32,
    .update_f64 = us__adamax_update_f64,
    .preconditioner = adamax_preconditioner,
    .stability = adamax_stability,
    .growth = adamax_growth,
};
#endif
