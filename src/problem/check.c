/* Is this gradient the gradient of that loss, and is this product that of the Hessian?
 *
 * Along a direction d, at steps h that shrink by a constant factor, the central difference of the loss is compared with
 * ⟨g, d⟩, the central difference of the gradient with H·d. What is left, q(h), holds the error that is looked for, which
 * does not depend on h, truncation, which shrinks as h², and rounding, which grows as 1/h. Neither of the last two is
 * known beforehand; they are measured by how q changes from one step to the next:
 *   u(h) = max of |q(h) − q(h′)|, h′ the next smaller step           truncation here, or rounding there
 *                 2|q(k) − q(h)|·(h/k)², k the next larger step      truncation, should the first be small by chance
 *                 |q(k) − q(k′)| over the smaller steps k            but brought here, times k′/h, if it may be rounding
 *                 ρ/h, ρ = 4·max(ε·|f(θ)|, |f(θ+δ) − f(θ)|)          rounding of f
 *                 2⟨|g(θ+δ) − g(θ)|, |d|⟩                            rounding of what is checked
 *                 |f(θ+hd) − 2f(θ) + f(θ−hd)|/h, unless it shrinks as h   a kink
 * with δ the rounding of θ. A change is taken for rounding up to 3ρ/h.
 * The step with the least u decides: q beyond the tolerance and beyond 4u is a disagreement, q within the tolerance and u
 * not far above it an agreement; else nothing is decided along this direction. h is chosen without a look at q itself.
 *
 * Directions are normal numbers times a scale: half of them times max(1, rms θ), the others elementwise times |θᵢ|
 * (1 where θᵢ = 0), because parameters of very different size, and parameters near zero, each need the one kind.
 * Displacements are taken as they were rounded, so that the rounding of θ in f32 does no harm. */
#include "problem/problem.h"
#include <math.h>

enum { CHECK_STEPS = 6 };

typedef enum check_answer { CHECK_UNDECIDED, CHECK_AGREES, CHECK_DISAGREES } check_answer;

/* What was measured along one direction, for each step; see above. */
typedef struct check_line {
    double h[CHECK_STEPS];
    double miss[CHECK_STEPS];     /* |q|; NaN where the step is of no use */
    double change[CHECK_STEPS];   /* |q(h_i) − q(h_{i+1})| */
    double scale[CHECK_STEPS];    /* what a relative difference refers to */
    double rounding[CHECK_STEPS]; /* ρ/h */
    double kink[CHECK_STEPS];     /* |f(θ+hd) − 2f(θ) + f(θ−hd)|/h; 0 where that is not looked at */
    double noise;                 /* ⟨|g(θ+δ) − g(θ)|, |d|⟩ */
} check_line;

static void check_steps(check_line *line, us_precision precision) {
    *line = (check_line){0};
    double h = precision == US_F32 ? 0.1 : 0.01, factor = precision == US_F32 ? sqrt(0.1) : 0.1;
    for (int i = 0; i < CHECK_STEPS; i++, h *= factor) line->h[i] = h;
}

static double check_uncertainty(const check_line *line, int i) {
    double u = fmax(fmax(line->change[i], line->rounding[i]), 2 * line->noise);
    for (int j = i + 1; j + 1 < CHECK_STEPS; j++) {
        bool rounding = line->change[j] <= 3 * line->rounding[j + 1];
        if (isfinite(line->change[j])) u = fmax(u, line->change[j] * (rounding ? line->h[j + 1] / line->h[i] : 1));
    }
    double shrink = line->h[i + 1] / line->h[i];
    if (i > 0 && isfinite(line->change[i - 1])) u = fmax(u, 2 * shrink * shrink * line->change[i - 1]);
    bool smooth = line->kink[i + 1] <= 1.25 * shrink * line->kink[i];
    return smooth ? u : fmax(u, line->kink[i]);
}

static check_answer check_decide(const check_line *line, double tolerance, double *disagreement) {
    int best = -1;
    double least = (double)INFINITY;
    for (int i = 0; i + 1 < CHECK_STEPS; i++) {
        if (!isfinite(line->miss[i]) || !isfinite(line->change[i])) continue;
        double u = check_uncertainty(line, i);
        if (u < least) least = u, best = i;
    }
    *disagreement = (double)INFINITY;
    if (best < 0) return CHECK_UNDECIDED;
    double miss = line->miss[best], allowed = tolerance * line->scale[best];
    *disagreement = miss > 0 ? miss / line->scale[best] : 0;
    if (miss > allowed + 4 * least) return CHECK_DISAGREES;
    return miss <= allowed && least <= 10 * allowed ? CHECK_AGREES : CHECK_UNDECIDED;
}

/* ---------------------------------------------------------------- what both checks share */

enum { CHECK_VECTORS = 8 };

typedef struct check {
    us_problem *problem;
    const us_vec *theta;
    us_batch batch;
    double tolerance;
    us_rng rng;
    size_t directions;
    us_vec *vec[CHECK_VECTORS]; /* [n] each */
    us_check *out;
    bool agreed, disagreed; /* along a direction of all parameters, and along any */
    double undecided_most;  /* the largest difference where nothing was decided */
    bool coarse;            /* the loss was rounded to float on its way */
    double jitter;          /* how far the loss, or the gradient, moves by itself when θ moves by its rounding */
} check;

/* Fills d: normal numbers, scaled, in the group's slice and zero elsewhere; group == NULL: everywhere. */
static void check_direction(check *c, us_vec *d, const us_group *group, bool elementwise) {
    size_t n = c->theta->n, from = group ? group->offset : 0, to = group ? from + group->count : n;
    double uniform = fmax(1, us_vec_norm2(c->theta) / sqrt((double)n));
    us_vec_fill(d, 0);
    for (size_t i = from; i < to; i++) {
        double size = fabs(us_vec_get(c->theta, i));
        if (size == 0) size = 1;
        us_vec_set(d, i, us_rng_normal(&c->rng) * (elementwise ? size : uniform));
    }
}

/* The second half of the directions is; two of a kind follow one another, so that their products can be compared. */
static bool check_is_elementwise(const check *c, size_t direction) { return direction >= (c->directions + 1) / 2; }

/* Draws the conclusion from a line, and counts it. */
static check_answer check_conclude(check *c, const check_line *line, bool everywhere, double *disagreement) {
    check_answer answer = check_decide(line, c->tolerance, disagreement);
    if (answer == CHECK_DISAGREES) c->disagreed = true;
    if (answer == CHECK_AGREES && everywhere) c->agreed = true;
    if (answer != CHECK_UNDECIDED)
        c->out->disagreement = fmax(c->out->disagreement, *disagreement);
    else if (everywhere)
        c->undecided_most = fmax(c->undecided_most, *disagreement);
    return answer;
}

/* θ moved by its rounding. */
static void check_jitter(check *c, us_vec *at) {
    double epsilon = us_precision_epsilon(c->problem->precision);
    for (size_t i = 0; i < at->n; i++) {
        double x = us_vec_get(c->theta, i), size = x == 0 ? 1 : fabs(x);
        us_vec_set(at, i, x + (us_rng_u32(&c->rng) % 2 ? 2 : -2) * epsilon * size);
    }
}

typedef us_status (*check_measure)(check *c, const us_vec *d, const us_group *group, check_line *line);

/* Each group along directions of its own. The one that disagrees most is the worst. */
static us_status check_groups(check *c, check_measure measure, us_vec *d) {
    size_t count;
    const us_group *groups = us_problem_groups(c->problem, &count);
    double most = 0, likely = c->tolerance;
    size_t suspect = SIZE_MAX; /* named when all parameters together disagree and no group does by itself */
    us_status status = US_OK;
    if (count == 1) {
        if (c->disagreed) c->out->worst_group = 0;
        return US_OK;
    }
    for (size_t k = 0; k < count && status == US_OK; k++) {
        check_answer answer = CHECK_UNDECIDED;
        for (int kind = 0; kind < 2 && answer == CHECK_UNDECIDED && status == US_OK; kind++) {
            check_line line;
            double disagreement;
            check_direction(c, d, &groups[k], kind);
            status = measure(c, d, &groups[k], &line);
            if (status != US_OK) break;
            answer = check_conclude(c, &line, false, &disagreement);
            if (answer == CHECK_DISAGREES && disagreement > most) most = disagreement, c->out->worst_group = k;
            if (answer == CHECK_UNDECIDED && disagreement > likely) likely = disagreement, suspect = k;
        }
    }
    if (c->disagreed && c->out->worst_group == SIZE_MAX) c->out->worst_group = suspect;
    return status;
}

static us_status check_begin(check *c, us_problem *problem, const us_vec *theta, us_batch batch,
                             const us_check_options *options, size_t vectors, us_check *out) {
    us_check_options o = US_CHECK_OPTIONS_INIT;
    if (options) o = *options;
    *c = (check){.problem = problem, .theta = theta, .batch = batch, .rng = us_rng_init(o.seed, 0), .out = out};
    *out = (us_check){.worst_group = SIZE_MAX};
    if (o.version != 1 || o.directions < 1 || !(o.tolerance >= 0 && o.tolerance < 1))
        return us__fail(problem->context, US_ERR_ARGUMENT,
                        "us_check_options: version %u must be 1, directions %zu at least 1, tolerance %g from 0 to 1",
                        o.version, o.directions, o.tolerance);
    c->tolerance = o.tolerance > 0 ? o.tolerance : problem->precision == US_F32 ? 2e-2 : 1e-5;
    c->directions = o.directions;
    us_status status = US_OK;
    for (size_t i = 0; i < vectors && status == US_OK; i++)
        status = us_vec_create(&c->vec[i], problem->context, problem->precision, problem->dimension);
    return status;
}

static us_status check_end(check *c, us_status status) {
    for (size_t i = 0; i < CHECK_VECTORS; i++) us_vec_destroy(c->vec[i]);
    c->out->decided = c->disagreed || c->agreed;
    c->out->passed = c->agreed && !c->disagreed;
    if (!c->out->decided) c->out->disagreement = c->undecided_most;
    return status;
}

/* What is not finite at θ itself: nothing to compare with when the loss is not; a wrong gradient when only that is not. */
static bool check_not_finite(check *c, double loss, const us_vec *result) {
    if (isfinite(loss) && us_vec_is_finite(result)) return false;
    c->undecided_most = c->out->disagreement = (double)INFINITY;
    c->disagreed = isfinite(loss);
    size_t count, i = 0;
    const us_group *groups = us_problem_groups(c->problem, &count);
    while (i + 1 < result->n && isfinite(us_vec_get(result, i))) i++;
    for (size_t k = 0; k < count && c->disagreed; k++)
        if (i >= groups[k].offset && i - groups[k].offset < groups[k].count) c->out->worst_group = k;
    return true;
}

void us_check_options_init(us_check_options *options) { *options = (us_check_options)US_CHECK_OPTIONS_INIT; }

/* ---------------------------------------------------------------- the gradient */

enum { GRADIENT_G, GRADIENT_JITTER, GRADIENT_D, GRADIENT_PLUS, GRADIENT_MINUS, GRADIENT_VECTORS };

/* ε of the loss: that of float, too, when a loss in double is a float by what it holds. */
static double check_loss_epsilon(const check *c) { return us_precision_epsilon(c->coarse ? US_F32 : c->problem->precision); }

/* q(h) = (f(θ+hd) − f(θ−hd))/2h − ⟨g, d⟩, with hd as it was rounded. */
static us_status check_gradient_measure(check *c, const us_vec *d, const us_group *group, check_line *line) {
    us_vec *g = c->vec[GRADIENT_G], *jitter = c->vec[GRADIENT_JITTER], *plus = c->vec[GRADIENT_PLUS],
           *minus = c->vec[GRADIENT_MINUS];
    double typical = 0, noise = 0, f, up, down, before = (double)NAN, epsilon = check_loss_epsilon(c);
    size_t from = group ? group->offset : 0, to = group ? from + group->count : g->n;
    for (size_t i = from; i < to; i++) { /* what ⟨g, d⟩ is expected to be, should it be small by chance */
        double term = us_vec_get(g, i) * us_vec_get(d, i);
        typical += term * term;
        noise += fabs(us_vec_get(jitter, i) * us_vec_get(d, i));
    }
    check_steps(line, c->problem->precision);
    line->noise = noise;
    us_status status = us_problem_value(c->problem, c->theta, c->batch, &f);
    bool differed = false;
    for (int i = 0; i < CHECK_STEPS && status == US_OK; i++) {
        double h = line->h[i];
        us_vec_sum(plus, c->theta, h, d);
        us_vec_sum(minus, c->theta, -h, d);
        status = us_problem_value(c->problem, plus, c->batch, &up);
        if (status == US_OK) status = us_problem_value(c->problem, minus, c->batch, &down);
        if (status != US_OK) break;
        us_vec_sum(plus, plus, -1, minus);
        double slope = us_vec_dot(g, plus) / (2 * h), difference = (up - down) / (2 * h), q = difference - slope;
        if (differed && up == down) q = (double)NAN; /* too small a step to be seen */
        differed |= up != down;
        line->miss[i] = fabs(q);
        line->scale[i] = fmax(fmax(fabs(slope), fabs(difference)), 0.1 * sqrt(typical));
        line->rounding[i] = 4 * fmax(c->jitter, epsilon * fmax(fabs(f), fmax(fabs(up), fabs(down)))) / h;
        line->kink[i] = fabs((up - f) - (f - down)) / h;
        if (i > 0) line->change[i - 1] = fabs(q - before);
        before = q;
    }
    return status;
}

/* |g(θ+δ) − g(θ)|, the larger of two, element by element. */
static us_status check_gradient_noise(check *c, double loss) {
    us_vec *g = c->vec[GRADIENT_G], *at = c->vec[GRADIENT_PLUS], *moved = c->vec[GRADIENT_MINUS],
           *noise = c->vec[GRADIENT_JITTER];
    us_status status = US_OK;
    c->coarse = (double)(float)loss == loss;
    for (int k = 0; k < 2 && status == US_OK; k++) {
        double near;
        check_jitter(c, at);
        status = us_problem_gradient(c->problem, at, c->batch, &near, moved);
        if (status != US_OK) break;
        c->jitter = fmax(c->jitter, fabs(near - loss));
        c->coarse &= (double)(float)near == near;
        for (size_t i = 0; i < g->n; i++)
            us_vec_set(noise, i, fmax(us_vec_get(noise, i), fabs(us_vec_get(moved, i) - us_vec_get(g, i))));
    }
    return status;
}

us_status us_problem_check_gradient(us_problem *problem, const us_vec *theta, us_batch batch,
                                    const us_check_options *options, us_check *out) {
    check c;
    double loss;
    us_status status = check_begin(&c, problem, theta, batch, options, GRADIENT_VECTORS, out);
    us_vec *d = c.vec[GRADIENT_D];
    if (status == US_OK) status = us_problem_gradient(problem, theta, batch, &loss, c.vec[GRADIENT_G]);
    if (status != US_OK || check_not_finite(&c, loss, c.vec[GRADIENT_G])) goto done;
    status = check_gradient_noise(&c, loss);
    for (size_t i = 0; i < c.directions && status == US_OK; i++) {
        check_line line;
        double disagreement;
        check_direction(&c, d, NULL, check_is_elementwise(&c, i));
        status = check_gradient_measure(&c, d, NULL, &line);
        if (status == US_OK) check_conclude(&c, &line, true, &disagreement);
    }
    if (status == US_OK) status = check_groups(&c, check_gradient_measure, d);
done:
    return check_end(&c, status);
}

/* ---------------------------------------------------------------- the Hessian */

enum {
    HESSIAN_D,
    HESSIAN_HD,
    HESSIAN_D_BEFORE,
    HESSIAN_HD_BEFORE,
    HESSIAN_AT,
    HESSIAN_PLUS,
    HESSIAN_MINUS,
    HESSIAN_Q,
    HESSIAN_VECTORS
};

/* q(h) = (∇f(θ+hd) − ∇f(θ−hd))/2h − H·d, a vector; the line holds norms. */
static us_status check_hessian_measure(check *c, const us_vec *d, const us_group *group, check_line *line) {
    (void)group;
    us_vec *hd = c->vec[HESSIAN_HD], *at = c->vec[HESSIAN_AT], *plus = c->vec[HESSIAN_PLUS], *minus = c->vec[HESSIAN_MINUS];
    us_vec *before = c->vec[HESSIAN_Q];
    double loss, epsilon = us_precision_epsilon(c->problem->precision);
    check_steps(line, c->problem->precision);
    us_status status = us_problem_hvp(c->problem, c->theta, c->batch, &d, &hd, 1);
    double length = status == US_OK ? us_vec_norm2(hd) : 0;
    check_jitter(c, at);
    if (status == US_OK) status = us_problem_hvp(c->problem, at, c->batch, &d, &plus, 1);
    us_vec_axpy(plus, -1, hd);
    line->noise = us_vec_norm2(plus);
    for (int i = 0; i < CHECK_STEPS && status == US_OK; i++) {
        double h = line->h[i];
        us_vec_sum(at, c->theta, h, d);
        status = us_problem_gradient(c->problem, at, c->batch, &loss, plus);
        us_vec_sum(at, c->theta, -h, d);
        if (status == US_OK) status = us_problem_gradient(c->problem, at, c->batch, &loss, minus);
        if (status != US_OK) break;
        line->rounding[i] = 4 * fmax(c->jitter, epsilon * fmax(us_vec_norm2(plus), us_vec_norm2(minus))) / h;
        us_vec_sum(plus, plus, -1, minus);
        us_vec_scale(plus, 1 / (2 * h));
        line->scale[i] = fmax(length, us_vec_norm2(plus));
        us_vec_sum(plus, plus, -1, hd);
        line->miss[i] = us_vec_norm2(plus);
        us_vec_sum(minus, plus, -1, before);
        if (i > 0) line->change[i - 1] = us_vec_norm2(minus);
        us_vec_copy(before, plus);
    }
    return status;
}

/* |⟨u,Hv⟩ − ⟨v,Hu⟩| over the root of the sum of squared terms: what the two would differ by if they were unrelated. */
static double check_asymmetry(const us_vec *u, const us_vec *hu, const us_vec *v, const us_vec *hv) {
    double squares = 0;
    for (size_t i = 0; i < u->n; i++) {
        double a = us_vec_get(u, i) * us_vec_get(hv, i), b = us_vec_get(v, i) * us_vec_get(hu, i);
        squares += a * a + b * b;
    }
    double difference = fabs(us_vec_dot(u, hv) - us_vec_dot(v, hu));
    return difference > 0 ? difference / sqrt(squares) : difference;
}

us_status us_problem_check_hessian(us_problem *problem, const us_vec *theta, us_batch batch, const us_check_options *options,
                                   us_check *out) {
    check c;
    double loss;
    check_answer answer = CHECK_UNDECIDED, before;
    us_status status = check_begin(&c, problem, theta, batch, options, HESSIAN_VECTORS, out);
    if (status == US_OK) status = us_problem_gradient(problem, theta, batch, &loss, c.vec[HESSIAN_PLUS]);
    if (status != US_OK || check_not_finite(&c, loss, c.vec[HESSIAN_PLUS])) goto done;
    check_jitter(&c, c.vec[HESSIAN_AT]);
    status = us_problem_gradient(problem, c.vec[HESSIAN_AT], batch, &loss, c.vec[HESSIAN_MINUS]);
    us_vec_axpy(c.vec[HESSIAN_MINUS], -1, c.vec[HESSIAN_PLUS]);
    c.jitter = us_vec_norm2(c.vec[HESSIAN_MINUS]);
    for (size_t i = 0; i < c.directions && status == US_OK; i++) {
        check_line line;
        double disagreement;
        check_direction(&c, c.vec[HESSIAN_D], NULL, check_is_elementwise(&c, i));
        status = check_hessian_measure(&c, c.vec[HESSIAN_D], NULL, &line);
        if (status != US_OK || check_not_finite(&c, loss, c.vec[HESSIAN_HD])) goto done;
        before = answer;
        answer = check_conclude(&c, &line, true, &disagreement);
        if (before != CHECK_UNDECIDED && answer != CHECK_UNDECIDED) /* else a product may be rounding and nothing else */
            out->asymmetry = fmax(out->asymmetry, check_asymmetry(c.vec[HESSIAN_D], c.vec[HESSIAN_HD],
                                                                  c.vec[HESSIAN_D_BEFORE], c.vec[HESSIAN_HD_BEFORE]));
        for (size_t k = HESSIAN_D; k <= HESSIAN_HD; k++) { /* this direction is the next one's before */
            us_vec *swap = c.vec[k];
            c.vec[k] = c.vec[k + HESSIAN_D_BEFORE];
            c.vec[k + HESSIAN_D_BEFORE] = swap;
        }
    }
    if (status == US_OK && out->asymmetry > c.tolerance) c.disagreed = true;
    if (status == US_OK && c.disagreed) status = check_groups(&c, check_hessian_measure, c.vec[HESSIAN_D]);
done:
    return check_end(&c, status);
}
