/* LARS: momentum whose rate is in proportion to the size of each group's weights. With v = 0 at the start, in each group
 *   r = η ‖θ‖ / (‖g‖ + λ‖θ‖),  v ← μ v + α r (g + λ θ),  θ ← θ − v,
 * and r = η where θ or g of the group is zero, as biases are at first.
 *
 * Source: You, Gitman & Ginsburg 2017, arXiv:1708.03888, algorithm 1. */
#include "descend/rules/rules.h"
#include "vec/real.h"

typedef struct US_REAL(lars_group) {
    us_real momentum, rate, decay;
    us_real *theta, *v;
    const us_real *gradient;
} US_REAL(lars_group);

/* ‖θ‖², ‖g‖² */
US_KERNEL static void lars_norms(void *user, size_t from, size_t count, double *sums) {
    const US_REAL(lars_group) *s = user;
    const us_real *restrict theta = s->theta + from, *restrict gradient = s->gradient + from;
    double a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
    for (size_t i = 0; i < count; i++) {
        a += (double)theta[i] * (double)theta[i];
        b += (double)gradient[i] * (double)gradient[i];
    }
    sums[0] = a, sums[1] = b;
}

US_KERNEL static void lars_move(void *user, size_t from, size_t count) {
    const US_REAL(lars_group) *s = user;
    us_real *restrict theta = s->theta + from, *restrict v = s->v + from;
    const us_real *restrict gradient = s->gradient + from;
    for (size_t i = 0; i < count; i++) {
        v[i] = s->momentum * v[i] + s->rate * (gradient[i] + s->decay * theta[i]);
        theta[i] -= v[i];
    }
}

us_status US_REAL(us__lars_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double trust = hyper[1], decay = hyper[2], sums[US__RULE_SUMS];
    for (size_t k = 0; k < w->group_count; k++) {
        size_t at = w->groups[k].offset, n = w->groups[k].count;
        US_REAL(lars_group) s = {.momentum = (us_real)hyper[0], .decay = (us_real)decay};
        s.theta = (us_real *)w->theta + at, s.v = (us_real *)w->state[0] + at,
        s.gradient = (const us_real *)w->gradient + at;
        us__rule_sums(w->context, n, lars_norms, &s, w->scratch, sums);
        double weight = sqrt(sums[0]), slope = sqrt(sums[1]);
        double ratio = weight > 0 && slope > 0 ? weight / (slope + decay * weight) : 1;
        s.rate = (us_real)(w->step->learning_rate * trust * ratio);
        us__rule_blocks(w->context, n, lars_move, &s);
    }
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter lars_hyperparameters[] = {
    {"momentum", 0.9, 0, 0.999999, "share of the last step that is kept"},
    {"trust", 0.001, 1e-12, 1, "a step's length in that of the weights, for each unit of alpha"},
    {"weight-decay", 0, 0, 1, "added to the gradient, times theta"},
};

US__RULE_BY_PRECISION(lars)

const us_rule us__rule_lars = {
    .name = "lars",
    .title = "LARS (layer-wise adaptive rate scaling)",
    .formula = "in each group: r = eta |theta| / (|g| + lambda |theta|), eta where theta or g is 0\n"
               "v <- mu v + alpha r (g + lambda theta)\n"
               "theta <- theta - v",
    .latex = "r_t = \\eta\\,\\frac{\\|\\theta_{t-1}\\|}{\\|g_t\\| + \\lambda\\|\\theta_{t-1}\\|} \\\\ "
             "v_t = \\mu v_{t-1} + \\alpha r_t (g_t + \\lambda\\theta_{t-1}) \\\\ "
             "\\theta_t = \\theta_{t-1} - v_t",
    .source = "You, Gitman & Ginsburg 2017, algorithm 1",
    .advice = "Momentum for convolutional networks on very large batches.",
    .learning_rate = 1,
    .hyperparameters = lars_hyperparameters,
    .hyperparameter_count = 3,
    .states = 1,
    .update = lars_update,
    .scratch = us__rule_sums_scratch,
};
#endif
