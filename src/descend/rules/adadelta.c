/* Adadelta: v ← ρ v + (1−ρ) g²,  Δ = √(u+ε)/√(v+ε) g,  u ← ρ u + (1−ρ) Δ²,  θ ← θ − α Δ, with u = v = 0 at the start.
 *
 * Source: Zeiler 2012, arXiv:1212.5701, algorithm 1, where α = 1 and ρ = 0.95; PyTorch's ρ is 0.9. */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__adadelta_update)(const us_rule_step *step, us_real *restrict theta,
                                            const us_real *restrict gradient, us_real *const *state, size_t n) {
    us_real rate = (us_real)step->learning_rate, rho = (us_real)step->hyper[0], take = (us_real)(1 - step->hyper[0]);
    us_real epsilon = (us_real)step->hyper[1];
    us_real *restrict v = state[0], *restrict u = state[1];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        v[i] = rho * v[i] + take * (g * g);
        us_real d = us_real_sqrt(u[i] + epsilon) / us_real_sqrt(v[i] + epsilon) * g;
        u[i] = rho * u[i] + take * (d * d);
        theta[i] -= rate * d;
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter adadelta_hyperparameters[] = {
    {"rho", 0.95, 0, 0.999999, "decay of the means of squares"},
    {"epsilon", 1e-6, 1e-30, 1, "added under both roots; it also sets the length of the first steps"},
};

static double adadelta_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt((state[0] + step->hyper[1]) / (state[1] + step->hyper[1]));
}

static double adadelta_stability(const double *hyper) { return (void)hyper, 2; }

static double adadelta_growth(const double *hyper, double b) { return (void)hyper, us__growth_plain(b); }

const us_rule us__rule_adadelta = {
    .name = "adadelta",
    .title = "Adadelta",
    .formula = "v <- rho v + (1 - rho) g^2\n"
               "d = sqrt(u + epsilon) / sqrt(v + epsilon) g\n"
               "u <- rho u + (1 - rho) d^2\n"
               "theta <- theta - alpha d",
    .latex = "v_t = \\rho v_{t-1} + (1-\\rho) g_t^2 \\\\ "
             "d_t = \\frac{\\sqrt{u_{t-1}+\\epsilon}}{\\sqrt{v_t+\\epsilon}}\\, g_t \\\\ "
             "u_t = \\rho u_{t-1} + (1-\\rho) d_t^2 \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha d_t",
    .source = "Zeiler 2012, algorithm 1",
    .advice = "Needs no rate (1 is right), but begins slowly, since its first steps have the length of sqrt(epsilon).",
    .learning_rate = 1,
    .hyperparameters = adadelta_hyperparameters,
    .hyperparameter_count = 2,
    .states = 2,
    .update_f32 = us__adadelta_update_f32,
    .update_f64 = us__adadelta_update_f64,
    .preconditioner = adadelta_preconditioner,
    .stability = adadelta_stability,
    .growth = adadelta_growth,
    .finds_rate = true,
};
#endif
