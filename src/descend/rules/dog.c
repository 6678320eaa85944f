/* DoG, distance over gradients: gradient descent whose rate is the farthest that θ has been from its start, over the root of
 * the sum of squared gradients. With r = ρ (1 + ‖θ₀‖) and G = ε at the start:
 *   r ← max(r, ‖θ − θ₀‖),  G ← G + ‖g‖²,  θ ← θ − α r g / √G.
 *
 * Source: Ivgi, Hinder & Carmon 2023, ICML, arXiv:2302.12022, eq. (DoG), with ρ and ε of the authors' program. */
#include "descend/rules/rules.h"
#include "vec/real.h"
#include <string.h>

typedef struct US_REAL(dog_step) {
    us_real rate;
    us_real *theta, *start;
    const us_real *gradient;
} US_REAL(dog_step);

/* ‖θ − θ₀‖², ‖g‖², ‖θ₀‖² */
US_KERNEL static void dog_norms(void *user, size_t from, size_t count, double *sums) {
    const US_REAL(dog_step) *p = user;
    const us_real *restrict theta = p->theta + from, *restrict start = p->start + from;
    const us_real *restrict gradient = p->gradient + from;
    double a = 0, b = 0, c = 0;
#pragma omp simd reduction(+ : a, b, c)
    for (size_t i = 0; i < count; i++) {
        double way = (double)theta[i] - (double)start[i];
        a += way * way;
        b += (double)gradient[i] * (double)gradient[i];
        c += (double)start[i] * (double)start[i];
    }
    sums[0] = a, sums[1] = b, sums[2] = c;
}

US_KERNEL static void dog_move(void *user, size_t from, size_t count) {
    const US_REAL(dog_step) *p = user;
    us_real *restrict theta = p->theta + from;
    const us_real *restrict gradient = p->gradient + from;
    for (size_t i = 0; i < count; i++) theta[i] -= p->rate * gradient[i];
}

us_status US_REAL(us__dog_whole)(const us_rule_whole *w) {
    double *farthest = &w->memory[0], *squares = &w->memory[1], sums[US__RULE_SUMS];
    bool first = w->step->step == 1;
    US_REAL(dog_step) p = {.theta = w->theta, .start = w->state[0], .gradient = w->gradient};
    if (first) memcpy(p.start, p.theta, w->n * sizeof(us_real));
    us__rule_sums(w->context, w->n, dog_norms, &p, w->scratch, sums);
    *farthest = first ? w->step->hyper[0] * (1 + sqrt(sums[2])) : fmax(*farthest, sqrt(sums[0]));
    *squares = sums[1] + (first ? w->step->hyper[1] : *squares);
    p.rate = (us_real)(w->step->learning_rate * *farthest / sqrt(*squares));
    us__rule_blocks(w->context, w->n, dog_move, &p);
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter dog_hyperparameters[] = {
    {"rho", 1e-6, 1e-30, 1, "first distance, in units of 1 + |theta0|; 1e-4 with batch normalisation"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the sum of squares, so that a gradient of zero divides by no zero"},
};

static size_t dog_memory(const us_group *groups, size_t count) {
    (void)groups, (void)count;
    return 2;
}

US__RULE_BY_PRECISION(dog)

const us_rule us__rule_dog = {
    .name = "dog",
    .title = "DoG (distance over gradients)",
    .formula = "r = rho (1 + |theta0|), G = epsilon at the start\n"
               "r <- max(r, |theta - theta0|)\n"
               "G <- G + |g|^2\n"
               "theta <- theta - alpha r g / sqrt(G)",
    .latex = "r_t = \\max(r_{t-1}, \\|\\theta_{t-1} - \\theta_0\\|),\\quad r_0 = \\rho(1 + \\|\\theta_0\\|) \\\\ "
             "G_t = G_{t-1} + \\|g_t\\|^2,\\quad G_0 = \\epsilon \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha\\frac{r_t}{\\sqrt{G_t}}\\,g_t",
    .source = "Ivgi, Hinder & Carmon 2023",
    .advice = "Stochastic descent without a rate to tune: leave --lr at 1, and predict with --average ema:0.999.",
    .learning_rate = 1,
    .hyperparameters = dog_hyperparameters,
    .hyperparameter_count = 2,
    .states = 1,
    .update = dog_update,
    .memory = dog_memory,
    .scratch = us__rule_sums_scratch,
    .finds_rate = true,
};
#endif
