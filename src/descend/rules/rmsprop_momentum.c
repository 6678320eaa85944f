/* RMSProp with momentum: v ← ρ v + (1−ρ) g², m ← λ m − α g/(√v + ε), θ ← θ + m, with m = v = 0 at the start.
 *
 * The learning rate is inside the velocity. Source: Tieleman & Hinton 2012, lecture 6e, and Graves 2013, eq. (40), which
 * centres. With a constant rate it is PyTorch's RMSprop(momentum=λ), whose velocity is −m/α. */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__rmsprop_momentum_update)(const us_rule_step *step, us_real *restrict theta,
                                                    const us_real *restrict gradient, us_real *const *state, size_t n) {
    us_real rate = (us_real)step->learning_rate, rho = (us_real)step->hyper[0], take = (us_real)(1 - step->hyper[0]);
    us_real keep = (us_real)step->hyper[1], epsilon = (us_real)step->hyper[2];
    us_real *restrict v = state[0], *restrict m = state[1];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        v[i] = rho * v[i] + take * (g * g);
        m[i] = keep * m[i] - rate * g / (us_real_sqrt(v[i]) + epsilon);
        theta[i] += m[i];
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter rmsprop_momentum_hyperparameters[] = {
    {"rho", 0.9, 0, 0.999999, "decay of the mean of squared gradients"},
    {"momentum", 0.9, 0, 0.999999, "lambda: the share of the last movement that is kept"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double rmsprop_momentum_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[0]) + step->hyper[2];
}

static double rmsprop_momentum_stability(const double *hyper) { return 2 * (1 + hyper[1]); } /* as the heavy ball */

static double rmsprop_momentum_growth(const double *hyper, double b) { return us__growth_heavy_ball(hyper[1], b); }

const us_rule us__rule_rmsprop_momentum = {
    .name = "rmsprop-momentum",
    .title = "RMSProp with momentum",
    .formula = "v <- rho v + (1 - rho) g^2\n"
               "m <- lambda m - alpha g / (sqrt(v) + epsilon)\n"
               "theta <- theta + m",
    .latex = "v_t = \\rho v_{t-1} + (1-\\rho) g_t^2 \\\\ "
             "m_t = \\lambda m_{t-1} - \\frac{\\alpha g_t}{\\sqrt{v_t}+\\epsilon} \\\\ "
             "\\theta_t = \\theta_{t-1} + m_t",
    .source = "Tieleman & Hinton 2012; Graves 2013, eq. (40)",
    .advice = "RMSProp with the heavy ball on top, as the lecture combines them on the way to Adam.",
    .learning_rate = 0.001,
    .hyperparameters = rmsprop_momentum_hyperparameters,
    .hyperparameter_count = 3,
    .states = 2,
    .update_f32 = us__rmsprop_momentum_update_f32,
    .update_f64 = us__rmsprop_momentum_update_f64,
    .preconditioner = rmsprop_momentum_preconditioner,
    .stability = rmsprop_momentum_stability,
    .growth = rmsprop_momentum_growth,
};
#endif
