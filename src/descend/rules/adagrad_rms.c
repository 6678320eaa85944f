/* Adagrad as it is lectured, by the root of the mean of squares: with t from 0,
 *   σ⁽ᵗ⁾ = √( 1/(t+1) Σᵢ₌₀..ₜ (g⁽ⁱ⁾)² ),  θ ← θ − α g / (σ⁽ᵗ⁾ + ε).
 *
 * With the schedule "inverse-sqrt", α/√(t+1), it is adagrad itself.
 * Source: Hung-yi Lee, Machine Learning 2021 (NTU), "Error surface is rugged: adaptive learning rate". */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__adagrad_rms_update)(const us_rule_step *step, us_real *restrict theta,
                                               const us_real *restrict gradient, us_real *const *state, size_t n) {
    us_real rate = (us_real)step->learning_rate, epsilon = (us_real)step->hyper[0];
    us_real share = (us_real)(1.0 / (double)step->step); /* step counts from 1: 1/(t+1) */
    us_real *restrict s = state[0];                      /* Σ g² */
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        s[i] += g * g;
        theta[i] -= rate * g / (us_real_sqrt(share * s[i]) + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter adagrad_rms_hyperparameters[] = {
    {"epsilon", 1e-10, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double adagrad_rms_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[0] / (double)step->step) + step->hyper[0];
}
static double adagrad_rms_stability(const double *hyper) { return (void)hyper, 2; }

static double adagrad_rms_growth(const double *hyper, double b) { return (void)hyper, us__growth_plain(b); }

const us_rule us__rule_adagrad_rms = {
    .name = "adagrad-rms",
    .title = "Adagrad, mean of squares",
    .formula = "sigma(t) = sqrt(1/(t+1) sum over i = 0..t of g(i)^2)\n"
               "theta <- theta - alpha g / (sigma(t) + epsilon)",
    .latex = "\\sigma^{(t)} = \\sqrt{\\tfrac{1}{t+1}\\sum_{i=0}^{t} (g^{(i)})^2} \\\\ "
             "\\theta^{(t+1)} = \\theta^{(t)} - \\frac{\\alpha\\, g^{(t)}}{\\sigma^{(t)}+\\epsilon}",
    .source = "Hung-yi Lee 2021, Machine Learning, adaptive learning rate",
    .advice = "The lecture's form: adapts to each parameter's gradients without decaying; with --schedule inverse-sqrt it "
              "is adagrad.",
    .learning_rate = 0.001,
    .hyperparameters = adagrad_rms_hyperparameters,
    .hyperparameter_count = 1,
    .states = 1,
    .update_f32 = us__adagrad_rms_update_f32,
    .update_f64 = us__adagrad_rms_update_f64,
    .preconditioner = adagrad_rms_preconditioner,
    .stability = adagrad_rms_stability,
    .growth = adagrad_rms_growth,
};
#endif
