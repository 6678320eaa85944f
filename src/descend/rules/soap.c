/* SOAP: Adam in the eigenbasis of Shampoo's preconditioners. In each group of two axes or more, as [first axis × others],
 * with P and Q the eigenvectors of L and R (columns):
 *   step 1:  L = (1−β₂) G Gᵀ,  R = (1−β₂) Gᵀ G,  P and Q from them; θ stays,
 *   then:    M ← β₁ M + (1−β₁) G,  V ← β₂ V + (1−β₂) (Pᵀ G Q)²,
 *            θ ← (1 − α λ) θ − α P [PᵀMQ/(1−β₁ˢ) / (√(V/(1−β₂ˢ)) + ε)] Qᵀ,  s = t − 1,
 *            L ← β₂ L + (1−β₂) G Gᵀ,  R ← β₂ R + (1−β₂) Gᵀ G,
 *   and every k-th step P ← the orthonormal basis (QR) of L P, Q of R Q. A side of more than 1024 is not rotated. Other
 * groups take AdamW's step.
 *
 * Source: Vyas et al. 2024, arXiv:2409.11321, algorithms 3 and 4; that the first step only begins L and R is from the
 * authors' program, which also sorts the basis, as here it is not. */
#include "descend/rules/matrix.h"
#include "descend/rules/rules.h"
#include <string.h>

typedef struct US_REAL(soap_group) {
    us_real keep1, take1, keep2, take2, correction1, correction2, epsilon, stay, rate;
    us_real *theta, *m, *v;
    const us_real *gradient, *turned; /* Pᵀ G Q */
    us_real *turned_m;                /* Pᵀ M Q, then what is turned back */
} US_REAL(soap_group);

/* A side of a matrix: statistics [n×n] and, as rows, their basis [n×n]; both NULL where it is not rotated. */
typedef struct US_REAL(soap_side) {
    size_t n;
    us_real *statistics, *basis;
} US_REAL(soap_side);

US_KERNEL static void soap_mean(void *user, size_t from, size_t count) {
    const US_REAL(soap_group) *p = user;
    us_real *restrict m = p->m + from;
    const us_real *restrict g = p->gradient + from;
    for (size_t i = 0; i < count; i++) m[i] = p->keep1 * m[i] + p->take1 * g[i];
}

US_KERNEL static void soap_scale(void *user, size_t from, size_t count) {
    const US_REAL(soap_group) *p = user;
    us_real *restrict v = p->v + from, *restrict m = p->turned_m + from;
    const us_real *restrict g = p->turned + from;
    for (size_t i = 0; i < count; i++) {
        v[i] = p->keep2 * v[i] + p->take2 * (g[i] * g[i]);
        m[i] = p->correction1 * m[i] / (us_real_sqrt(v[i]) * p->correction2 + p->epsilon);
    }
}

US_KERNEL static void soap_move(void *user, size_t from, size_t count) {
    const US_REAL(soap_group) *p = user;
    us_real *restrict theta = p->theta + from;
    const us_real *restrict u = p->turned_m + from;
    for (size_t i = 0; i < count; i++) theta[i] = p->stay * theta[i] - p->rate * u[i];
}

/* Pᵀ X Q, or back P X Qᵀ, into `out`. @param between [rows×columns]; nothing aliases */
static void soap_turn(us_context *context, const US_REAL(soap_side) * side, bool back, const us_real *x, us_real *between,
                      us_real *out) {
    size_t rows = side[0].n, columns = side[1].n;
    const us_real *left = x;
    if (side[0].basis) {
        left = side[1].basis ? between : out;
        US_REAL(us__matrix_multiply)
        (context, back ? CblasTrans : CblasNoTrans, CblasNoTrans, rows, columns, rows, 1, side[0].basis, rows, x, columns,
         side[1].basis ? between : out, columns);
    }
    if (side[1].basis) US_REAL(us__matrix_multiply)
    (context, CblasNoTrans, back ? CblasNoTrans : CblasTrans, rows, columns, columns, 1, left, columns, side[1].basis,
     columns, out, columns);
    else if (left == x) memcpy(out, x, rows * columns * sizeof *out);
}

/* Statistics of a side, and its basis where it is to begin or to be brought up to date. @param work [n² + n + work(n)] */
static us_status soap_refresh(us_context *context, const US_REAL(soap_side) * side, bool right, size_t others, double beta2,
                              const us_real *g, bool begin, bool renew, us_real *work) {
    size_t n = side->n;
    if (!side->basis) return US_OK;
    US_REAL(us__matrix_square)(context, right, n, others, 1 - beta2, g, beta2, side->statistics);
    if (begin) {
        memcpy(side->basis, side->statistics, n * n * sizeof *work);
        return US_REAL(us__matrix_eigen)(context, n, side->basis, work, work + n);
    }
    if (!renew) return US_OK;
    US_REAL(us__matrix_multiply)
    (context, CblasNoTrans, CblasNoTrans, n, n, n, 1, side->basis, n, side->statistics, n, work, n);
    memcpy(side->basis, work, n * n * sizeof *work);
    return US_REAL(us__matrix_orthonormal)(context, n, side->basis, work);
}

us_status US_REAL(us__soap_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    bool begin = w->step->step == 1, renew = (w->step->step - 1) % (uint64_t)hyper[4] == 0;
    double s = (double)w->step->step - 1, alpha = w->step->learning_rate;
    us_rule_step others = {.step = w->step->step - 1, .learning_rate = alpha, .hyper = hyper};
    us_real *memory = (us_real *)(void *)w->memory, *scratch = (us_real *)(void *)w->scratch;
    US_REAL(soap_group)
    p = {.keep1 = (us_real)hyper[0],
         .take1 = (us_real)(1 - hyper[0]),
         .keep2 = (us_real)hyper[1],
         .take2 = (us_real)(1 - hyper[1]),
         .correction1 = (us_real)(begin ? 0 : 1 / (1 - pow(hyper[0], s))),
         .correction2 = (us_real)(begin ? 0 : 1 / sqrt(1 - pow(hyper[1], s))),
         .epsilon = (us_real)hyper[2],
         .stay = (us_real)(1 - alpha * hyper[3]),
         .rate = (us_real)alpha};
    for (size_t k = 0; k < w->group_count; k++) {
        const us_group *group = &w->groups[k];
        size_t sides[2], at = group->offset, count = group->count;
        const us_real *g = (const us_real *)w->gradient + at;
        p.theta = (us_real *)w->theta + at, p.m = (us_real *)w->state[0] + at, p.v = (us_real *)w->state[1] + at;
        if (!us__rule_matrix(group, &sides[0], &sides[1])) {
            us_real *const state[] = {p.m, p.v};
            if (!begin) US_REAL(us__adamw_update)(&others, p.theta, g, state, count);
            continue;
        }
        US_REAL(soap_side) side[2];
        for (int i = 0; i < 2; i++) {
            size_t n = sides[i];
            bool turned = n <= US__MATRIX_SIDE_MOST;
            side[i] = (US_REAL(soap_side)){n, turned ? memory : NULL, turned ? memory + n * n : NULL};
            memory += turned ? 2 * n * n : 0;
        }
        if (!begin) {
            us_real *turned = scratch, *turned_m = scratch + count, *between = scratch + 2 * count;
            p.gradient = g, p.turned = turned, p.turned_m = turned_m;
            us__rule_blocks(w->context, count, soap_mean, &p);
            soap_turn(w->context, side, false, g, between, turned);
            soap_turn(w->context, side, false, p.m, between, turned_m);
            us__rule_blocks(w->context, count, soap_scale, &p);
            soap_turn(w->context, side, true, turned_m, between, turned);
            p.turned_m = turned;
            us__rule_blocks(w->context, count, soap_move, &p);
        }
        for (int i = 0; i < 2; i++) {
            us_status status = soap_refresh(w->context, &side[i], i, sides[1 - i], hyper[1], g, begin, renew, scratch);
            if (status != US_OK) return status;
        }
    }
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter soap_hyperparameters[] = {
    {"beta1", 0.95, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.95, 0, 0.999999, "decay of the mean of squares, and of L and R"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
    {"weight-decay", 0.01, 0, 1, "share of theta that a step takes away for each unit of alpha"},
    {"every", 10, 1, 1e6, "steps from one renewal of the bases to the next"},
};

static size_t soap_memory(const us_group *groups, size_t count) {
    size_t total = 0, sides[2];
    for (size_t k = 0; k < count; k++)
        for (int i = 0; i < 2 && us__rule_matrix(&groups[k], &sides[0], &sides[1]); i++)
            total += sides[i] <= US__MATRIX_SIDE_MOST ? 2 * sides[i] * sides[i] : 0;
    return total;
}

static size_t soap_scratch(const us_group *groups, size_t count) {
    size_t most = 0, sides[2];
    for (size_t k = 0; k < count; k++)
        for (int i = 0; i < 2 && us__rule_matrix(&groups[k], &sides[0], &sides[1]); i++) {
            size_t n = sides[i] <= US__MATRIX_SIDE_MOST ? sides[i] * sides[i] + sides[i] + us__matrix_work(sides[i]) : 0;
            most = n > most ? n : most;
            most = 3 * groups[k].count > most ? 3 * groups[k].count : most;
        }
    return most;
}

US__RULE_BY_PRECISION(soap)

const us_rule us__rule_soap = {
    .name = "soap",
    .title = "SOAP (Adam in Shampoo's eigenbasis)",
    .formula = "matrices: L <- beta2 L + (1 - beta2) G G', R <- beta2 R + (1 - beta2) G' G, P and Q their eigenvectors,\n"
               "begun at step 1, where theta stays; every k-th step P <- qr(L P), Q <- qr(R Q)\n"
               "M <- beta1 M + (1 - beta1) G\n"
               "V <- beta2 V + (1 - beta2) (P' G Q)^2\n"
               "N = (P' M Q / (1 - beta1^s)) / (sqrt(V / (1 - beta2^s)) + epsilon), s = t - 1\n"
               "theta <- (1 - alpha lambda) theta - alpha P N Q'\n"
               "sides of more than 1024: not rotated; groups of one axis: AdamW",
    .latex =
        "L_t = \\beta_2 L_{t-1} + (1-\\beta_2) G_t G_t^\\top,\\quad R_t = \\beta_2 R_{t-1} + (1-\\beta_2) G_t^\\top G_t "
        "\\\\ M_t = \\beta_1 M_{t-1} + (1-\\beta_1) G_t \\\\ "
        "V_t = \\beta_2 V_{t-1} + (1-\\beta_2)(P^\\top G_t Q)^2 \\\\ "
        "N_t = \\frac{P^\\top M_t Q/(1-\\beta_1^s)}{\\sqrt{V_t/(1-\\beta_2^s)}+\\epsilon},\\quad s = t-1 \\\\ "
        "\\theta_t = (1-\\alpha\\lambda)\\theta_{t-1} - \\alpha P N_t Q^\\top",
    .source = "Vyas et al. 2024, algorithms 3 and 4",
    .advice = "Transformers where steps are dear: fewer steps than AdamW, for products of matrices in each.",
    .learning_rate = 0.003,
    .hyperparameters = soap_hyperparameters,
    .hyperparameter_count = 5,
    .states = 2,
    .update = soap_update,
    .memory = soap_memory,
    .scratch = soap_scratch,
};
#endif
