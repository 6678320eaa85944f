/* RMSProp: v ← ρ v + (1−ρ) g², θ ← θ − α g / (√v + ε), element by element, with v = 0 at the start.
 *
 * The first steps are up to 1/√(1−ρ) times as long as later ones; rmsprop-first-gradient starts without that.
 * Source: Tieleman & Hinton 2012, Coursera "Neural networks for machine learning", lecture 6.5. */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__rmsprop_update)(const us_rule_step *step, us_real *restrict theta,
                                           const us_real *restrict gradient, us_real *const *state, size_t n) {
    us_real rate = (us_real)step->learning_rate, epsilon = (us_real)step->hyper[1];
    us_real keep = (us_real)step->hyper[0], take = (us_real)(1 - step->hyper[0]);
    us_real *restrict v = state[0];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        v[i] = keep * v[i] + take * (g * g);
        theta[i] -= rate * g / (us_real_sqrt(v[i]) + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter rmsprop_hyperparameters[] = {
    {"rho", 0.9, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double rmsprop_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[0]) + step->hyper[1];
}
static double rmsprop_stability(const double *hyper) { return (void)hyper, 2; }

static double rmsprop_growth(const double *hyper, double b) { return (void)hyper, us__growth_plain(b); }

const us_rule us__rule_rmsprop = {
    .name = "rmsprop",
    .title = "RMSProp",
    .formula = "v <- rho v + (1 - rho) g^2\n"
               "theta <- theta - alpha g / (sqrt(v) + epsilon)",
    .latex = "v_t = \\rho v_{t-1} + (1-\\rho) g_t^2 \\\\ "
             "\\theta_t = \\theta_{t-1} - \\frac{\\alpha g_t}{\\sqrt{v_t}+\\epsilon}",
    .source = "Tieleman & Hinton 2012, lecture 6.5",
    .advice = "Adapts to each parameter's recent gradients; a good choice where adagrad comes to crawl.",
    .learning_rate = 0.001,
    .hyperparameters = rmsprop_hyperparameters,
    .hyperparameter_count = 2,
    .states = 1,
    .update_f32 = us__rmsprop_update_f32,
    .update_f64 = us__rmsprop_update_f64,
    .preconditioner = rmsprop_preconditioner,
    .stability = rmsprop_stability,
    .growth = rmsprop_growth,
};
#endif
