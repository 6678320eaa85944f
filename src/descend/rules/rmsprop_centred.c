/* RMSProp, centred: v ← ρ v + (1−ρ) g², a ← ρ a + (1−ρ) g, θ ← θ − α g / (√(v − a²) + ε): by the standard deviation of the
 * gradient instead of its root mean square. v − a² is a variance; rounding may make it negative: then it counts as 0.
 *
 * Source: Graves 2013, arXiv:1308.0850, eqs. (38) to (41), without the momentum; PyTorch's RMSprop(centered=True). */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__rmsprop_centred_update)(const us_rule_step *step, us_real *restrict theta,
                                                   const us_real *restrict gradient, us_real *const *state, size_t n) {
    us_real rate = (us_real)step->learning_rate, rho = (us_real)step->hyper[0], take = (us_real)(1 - step->hyper[0]);
    us_real epsilon = (us_real)step->hyper[1];
    us_real *restrict v = state[0], *restrict a = state[1];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        v[i] = rho * v[i] + take * (g * g);
        a[i] = rho * a[i] + take * g;
        us_real variance = v[i] - a[i] * a[i];
        theta[i] -= rate * g / (us_real_sqrt(variance < 0 ? 0 : variance) + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter rmsprop_centred_hyperparameters[] = {
    {"rho", 0.99, 0, 0.999999, "decay of the means of gradients and of their squares"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double rmsprop_centred_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(fmax(state[0] - state[1] * state[1], 0)) + step->hyper[1];
}

static double rmsprop_centred_stability(const double *hyper) { return (void)hyper, 2; }

static double rmsprop_centred_growth(const double *hyper, double b) { return (void)hyper, us__growth_plain(b); }

const us_rule us__rule_rmsprop_centred = {
    .name = "rmsprop-centred",
    .title = "RMSProp, centred",
    .formula = "v <- rho v + (1 - rho) g^2\n"
               "a <- rho a + (1 - rho) g\n"
               "theta <- theta - alpha g / (sqrt(v - a^2) + epsilon)",
    .latex = "v_t = \\rho v_{t-1} + (1-\\rho) g_t^2 \\\\ "
             "a_t = \\rho a_{t-1} + (1-\\rho) g_t \\\\ "
             "\\theta_t = \\theta_{t-1} - \\frac{\\alpha g_t}{\\sqrt{v_t - a_t^2}+\\epsilon}",
    .source = "Graves 2013, eqs. (38) to (41), without momentum",
    .advice = "RMSProp that takes longer steps where the gradient is steady: tried on recurrent networks.",
    .learning_rate = 0.001,
    .hyperparameters = rmsprop_centred_hyperparameters,
    .hyperparameter_count = 2,
    .states = 2,
    .update_f32 = us__rmsprop_centred_update_f32,
    .update_f64 = us__rmsprop_centred_update_f64,
    .preconditioner = rmsprop_centred_preconditioner,
    .stability = rmsprop_centred_stability,
    .growth = rmsprop_centred_growth,
};
#endif
