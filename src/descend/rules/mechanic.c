/* Mechanic around Adam: θ = θ₀ + S Δ, where Δ sums Adam's steps and the scale S is learnt from how well Δ has served. With
 * u Adam's step −α m̂/(√v̂+ε), six tuners i of memories b = 0.9, 0.99, .., 0.999999, each with q = 10⁻⁶ and r, w, s = 0 at the
 * start, S = Σ s:
 *   h = ⟨Δ, g + λ S ‖g‖ θ/(‖θ‖ + ε)⟩,  Δ ← Δ + u,
 *   q ← max(b q, |h|),  w ← b² w + h²,  r ← max(0, b r − s h),  s ← (q s₀/6 + r) / (√w + ε),  θ ← θ₀ + S Δ.
 *
 * Source: Cutkosky, Defazio & Mehta 2023, NeurIPS, arXiv:2306.00144, algorithm 1, with q and ε as in the authors' program,
 * which differs in one thing: its θ in h has the step u in it already. Here it is the paper's. The base is Adam. */
#include "descend/rules/rules.h"
#include "vec/real.h"
#include <string.h>

enum { MECHANIC_TUNERS = 6 };

typedef struct US_REAL(mechanic_step) {
    us_real keep1, take1, keep2, take2, rate, correction, epsilon, scale;
    us_real *theta, *start, *delta, *m, *v;
    const us_real *gradient;
} US_REAL(mechanic_step);

/* ⟨Δ, g⟩, ⟨Δ, θ⟩, ‖g‖², ‖θ‖²; then the step into Δ. */
US_KERNEL static void mechanic_base(void *user, size_t from, size_t count, double *sums) {
    const US_REAL(mechanic_step) *p = user;
    us_real *restrict delta = p->delta + from, *restrict m = p->m + from, *restrict v = p->v + from;
    const us_real *restrict gradient = p->gradient + from, *restrict theta = p->theta + from;
    double a = 0, b = 0, c = 0, e = 0;
#pragma omp simd reduction(+ : a, b, c, e)
    for (size_t i = 0; i < count; i++) {
        us_real g = gradient[i];
        a += (double)delta[i] * (double)g;
        b += (double)delta[i] * (double)theta[i];
        c += (double)g * (double)g;
        e += (double)theta[i] * (double)theta[i];
        m[i] = p->keep1 * m[i] + p->take1 * g;
        v[i] = p->keep2 * v[i] + p->take2 * (g * g);
        delta[i] -= p->rate * m[i] / (us_real_sqrt(v[i]) * p->correction + p->epsilon);
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = e;
}

US_KERNEL static void mechanic_place(void *user, size_t from, size_t count) {
    const US_REAL(mechanic_step) *p = user;
    us_real *restrict theta = p->theta + from;
    const us_real *restrict start = p->start + from, *restrict delta = p->delta + from;
    for (size_t i = 0; i < count; i++) theta[i] = start[i] + p->scale * delta[i];
}

/* One step of the tuners. Returns S. @param memory  [4·MECHANIC_TUNERS]: s, q, w, r */
static double mechanic_tune(double *memory, bool first, double h, double s0, double epsilon) {
    static const double MEMORIES[MECHANIC_TUNERS] = {0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999};
    double *s = memory, *q = s + MECHANIC_TUNERS, *w = q + MECHANIC_TUNERS, *r = w + MECHANIC_TUNERS, scale = 0;
    for (size_t i = 0; i < MECHANIC_TUNERS; i++) {
        double b = MEMORIES[i];
        q[i] = fmax(b * (first ? 1e-6 : q[i]), fabs(h));
        w[i] = b * b * w[i] + h * h;
        r[i] = fmax(0, b * r[i] - s[i] * h);
        s[i] = (q[i] * s0 / MECHANIC_TUNERS + r[i]) / (sqrt(w[i]) + epsilon);
        scale += s[i];
    }
    return scale;
}

us_status US_REAL(us__mechanic_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double t = (double)w->step->step, sums[US__RULE_SUMS], scale = 0;
    US_REAL(mechanic_step)
    p = {.keep1 = (us_real)hyper[0],
         .take1 = (us_real)(1 - hyper[0]),
         .keep2 = (us_real)hyper[1],
         .take2 = (us_real)(1 - hyper[1]),
         .rate = (us_real)(w->step->learning_rate / (1 - pow(hyper[0], t))),
         .correction = (us_real)(1 / sqrt(1 - pow(hyper[1], t))),
         .epsilon = (us_real)hyper[2],
         .theta = w->theta,
         .start = w->state[0],
         .delta = w->state[1],
         .m = w->state[2],
         .v = w->state[3],
         .gradient = w->gradient};
    if (w->step->step == 1) memcpy(p.start, p.theta, w->n * sizeof(us_real));
    for (size_t i = 0; i < MECHANIC_TUNERS; i++) scale += w->memory[i];
    us__rule_sums(w->context, w->n, mechanic_base, &p, w->scratch, sums);
    double h = sums[0] + hyper[3] * scale * sqrt(sums[2]) / (sqrt(sums[3]) + hyper[2]) * sums[1];
    p.scale = (us_real)mechanic_tune(w->memory, w->step->step == 1, h, hyper[4], hyper[2]);
    us__rule_blocks(w->context, w->n, mechanic_place, &p);
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter mechanic_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the base's mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the base's mean of squared gradients"},
    {"epsilon", 1e-8, 1e-30, 1, "added to roots, so that nothing is divided by zero"},
    {"lambda", 0.01, 0, 1, "pull of the scale towards zero"},
    {"s0", 1e-8, 1e-30, 1, "first scale"},
};

static size_t mechanic_memory(const us_group *groups, size_t count) {
    (void)groups, (void)count;
    return 4 * (size_t)MECHANIC_TUNERS;
}

US__RULE_BY_PRECISION(mechanic)

const us_rule us__rule_mechanic = {
    .name = "mechanic",
    .title = "Mechanic around Adam",
    .formula = "u = Adam's step, with alpha; S = sum of s(i)\n"
               "h = <Delta, g + lambda S |g| theta / (|theta| + epsilon)>\n"
               "Delta <- Delta + u\n"
               "for b(i) = 0.9, 0.99, .. 0.999999, q(i) = 1e-6 at the start:\n"
               "q <- max(b q, |h|), w <- b^2 w + h^2, r <- max(0, b r - s h), s <- (q s0 / 6 + r) / (sqrt(w) + epsilon)\n"
               "theta <- theta0 + S Delta",
    .latex = "h_t = \\left\\langle \\Delta_{t-1},\\; g_t + \\lambda S_{t-1} "
             "\\frac{\\|g_t\\|\\,\\theta_{t-1}}{\\|\\theta_{t-1}\\|+\\epsilon}\\right\\rangle,\\quad "
             "\\Delta_t = \\Delta_{t-1} + u_t \\\\ "
             "q_{t,i} = \\max(b_i q_{t-1,i}, |h_t|),\\quad w_{t,i} = b_i^2 w_{t-1,i} + h_t^2 \\\\ "
             "r_{t,i} = \\max(0, b_i r_{t-1,i} - s_{t-1,i} h_t),\\quad "
             "s_{t,i} = \\frac{q_{t,i}s_0/6 + r_{t,i}}{\\sqrt{w_{t,i}}+\\epsilon} \\\\ "
             "\\theta_t = \\theta_0 + S_t\\Delta_t,\\quad S_t = \\sum_i s_{t,i}",
    .source = "Cutkosky, Defazio & Mehta 2023, algorithm 1",
    .advice = "Adam whose rate tunes itself: --lr is only the unit of the scale; a schedule still helps.",
    .learning_rate = 0.001,
    .hyperparameters = mechanic_hyperparameters,
    .hyperparameter_count = 5,
    .states = 4,
    .update = mechanic_update,
    .memory = mechanic_memory,
    .scratch = us__rule_sums_scratch,
    .finds_rate = true,
};
#endif
