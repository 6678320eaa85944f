/* RMSProp as it is lectured, started at the first gradient: with t from 0,
 *   σ⁽⁰⁾ = |g⁽⁰⁾|,  σ⁽ᵗ⁾ = √( ρ (σ⁽ᵗ⁻¹⁾)² + (1−ρ) (g⁽ᵗ⁾)² ),  θ ← θ − α g / (σ⁽ᵗ⁾ + ε).
 *
 * The first step is α long in every element, where rmsprop's is α/√(1−ρ).
 * Source: Hung-yi Lee, Machine Learning 2021 (NTU), "Error surface is rugged: adaptive learning rate". */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__rmsprop_first_gradient_update)(const us_rule_step *step, us_real *restrict theta,
                                                          const us_real *restrict gradient, us_real *const *state,
                                                          size_t n) {
    double rho = step->step == 1 ? 0 : step->hyper[0];
    us_real rate = (us_real)step->learning_rate, epsilon = (us_real)step->hyper[1];
    us_real keep = (us_real)rho, take = (us_real)(1 - rho);
    us_real *restrict v = state[0]; /* σ² */
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        v[i] = keep * v[i] + take * (g * g);
        theta[i] -= rate * g / (us_real_sqrt(v[i]) + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter rmsprop_first_gradient_hyperparameters[] = {
    {"rho", 0.9, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double rmsprop_first_gradient_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[0]) + step->hyper[1];
}
static double rmsprop_first_gradient_stability(const double *hyper) { return (void)hyper, 2; }

static double rmsprop_first_gradient_growth(const double *hyper, double b) { return (void)hyper, us__growth_plain(b); }

const us_rule us__rule_rmsprop_first_gradient = {
    .name = "rmsprop-first-gradient",
    .title = "RMSProp, started at the first gradient",
    .formula = "sigma(0) = |g(0)|\n"
               "sigma(t) = sqrt(rho sigma(t-1)^2 + (1 - rho) g(t)^2)\n"
               "theta <- theta - alpha g / (sigma(t) + epsilon)",
    .latex = "\\sigma^{(0)} = |g^{(0)}|,\\quad \\sigma^{(t)} = \\sqrt{\\rho\\,(\\sigma^{(t-1)})^2 + "
             "(1-\\rho)\\,(g^{(t)})^2} \\\\ "
             "\\theta^{(t+1)} = \\theta^{(t)} - \\frac{\\alpha\\, g^{(t)}}{\\sigma^{(t)}+\\epsilon}",
    .source = "Hung-yi Lee 2021, Machine Learning, adaptive learning rate",
    .advice = "The lecture's RMSProp: as rmsprop, without its long first steps.",
    .learning_rate = 0.001,
    .hyperparameters = rmsprop_first_gradient_hyperparameters,
    .hyperparameter_count = 2,
    .states = 1,
    .update_f32 = us__rmsprop_first_gradient_update_f32,
    .update_f64 = us__rmsprop_first_gradient_update_f64,
    .preconditioner = rmsprop_first_gradient_preconditioner,
    .stability = rmsprop_first_gradient_stability,
    .growth = rmsprop_first_gradient_growth,
};
#endif
