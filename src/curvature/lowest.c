/* The sign of the smallest eigenvalue over all rows, from a sample that grows.
 *
 * With v from m of N rows, over all of them
 *     v'Hv = (m·v'H_m v + (N − m)·v'H_rest v)/N.
 * The first is what was measured; for v it was chosen, and it looks more extreme than it is. The second is estimated on q of
 * the other rows, which had no part in that, with the standard error s of their mean: of 16 groups of them, with 15 degrees
 * of freedom. So v'Hv + rounding + t₁₅·(N − m)/N·s < 0 tells a negative eigenvalue with the confidence that belongs to t.
 * That there is none over all rows is told from all rows: the smallest eigenvalue of a sample is no bound on theirs. */
#include "curvature/curvature.h"
#include <cblas.h>
#include <math.h>
#include <string.h>
#include <unstuck/lowest.h>

enum { LOWEST_BYTES = 1 << 30, LOWEST_BASIS = 120, LOWEST_GROUPS = 16, LOWEST_SAMPLE_PRODUCTS = 40 };

void us_lowest_options_init(us_lowest_options *options) { *options = (us_lowest_options)US_LOWEST_OPTIONS_INIT; }

void us_lowest_destroy(us_lowest *lowest) {
    if (!lowest) return;
    us__release(lowest->context, lowest->vector);
    us__release(lowest->context, lowest);
}

typedef struct lowest_state {
    us_problem *problem;
    const us_vec *theta;
    us_lowest_options o;
    us_lowest *found;
    uint32_t *order; /* [samples] a random order: a sample is its beginning */
    size_t samples;
    bool begun; /* found->vector is a guess */
} lowest_state;

/* z with P(Z > z) = tail for a standard normal Z, and from it Student's t with ν degrees of freedom: Abramowitz & Stegun
 * 26.7.5. */
static double lowest_quantile(double tail, double nu) {
    double low = -40, high = 40, z = 0;
    for (int i = 0; i < 80; i++) {
        z = 0.5 * (low + high);
        *(0.5 * erfc(z / M_SQRT2) > tail ? &low : &high) = z;
    }
    double z3 = z * z * z, z5 = z3 * z * z;
    return z + (z3 + z) / (4 * nu) + (5 * z5 + 16 * z3 + 3 * z) / (96 * nu * nu);
}

static void lowest_progress(void *user, size_t done, size_t at_most, double lowest, double highest) {
    const lowest_state *s = user;
    double share = (double)s->found->rows / (double)s->samples;
    (void)at_most, (void)highest;
    s->o.progress(s->o.progress_user, s->found->products + share * (double)done, s->o.products, s->found->rows, lowest);
}

static void lowest_spend(lowest_state *s, size_t products, size_t rows) {
    s->found->applied += products;
    s->found->products += (double)products * ((double)rows / (double)s->samples);
}

/* Lanczos' method on the sample, or on all rows, from the last stage's vector. */
static us_status lowest_lanczos(lowest_state *s, bool all, us_eigenpairs **pairs) {
    us_lowest *f = s->found;
    us_batch batch = all ? US_BATCH_ALL : (us_batch){s->order, f->rows};
    us_hessian_operator *h;
    us_status status = us_hessian_operator_create(&h, s->problem, s->theta, batch, 1);
    if (status) return status;
    double share = (double)f->rows / (double)s->samples, left = (s->o.products - f->products) / share;
    size_t room = LOWEST_BYTES / (sizeof(double) * f->n);
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.top = 0, o.below = s->o.below, o.confidence = s->o.confidence, o.seed = s->o.seed + f->rows;
    o.basis = s->o.basis ? s->o.basis : room < 44 ? 44 : room < LOWEST_BASIS ? room : LOWEST_BASIS;
    o.accuracy = all ? s->o.accuracy : 0.1;
    if (all && isfinite(s->o.accuracy)) o.slack = s->o.slack;
    o.products = left < 1 ? 1 : left < 1e9 ? (size_t)left : (size_t)1e9;
    if (!all && o.products > LOWEST_SAMPLE_PRODUCTS) o.products = LOWEST_SAMPLE_PRODUCTS;
    if (s->begun) o.start = f->vector;
    if (s->o.progress) o.progress = lowest_progress, o.progress_user = s;
    status = us_lanczos_solve(pairs, f->context, us_hessian_operator_get(h), &o);
    us_hessian_operator_destroy(h);
    if (!*pairs) return status;
    const us_eigenpairs *p = *pairs;
    lowest_spend(s, p->products, f->rows);
    memcpy(f->vector, p->vectors, f->n * sizeof *f->vector);
    s->begun = true;
    f->value = p->values[0], f->residual = p->residuals[0], f->rounding = p->resolution;
    return status;
}

/* What the rows that had no part in choosing v say. */
static us_status lowest_ask_others(lowest_state *s) {
    us_lowest *f = s->found;
    size_t m = f->rows, rest = s->samples - m, count = m < rest ? m : rest;
    us_quotient q;
    f->needs = US_NEEDS_ROWS;
    if (count < 2 * LOWEST_GROUPS) return US_OK; /* next come all rows */
    us_batch others = {s->order + m, count};
    us_status status = us_hessian_quotient(&q, s->problem, s->theta, others, f->vector);
    if (status) return status;
    lowest_spend(s, 5, count);
    double share = (double)rest / (double)s->samples;
    f->value = (1 - share) * f->value + share * q.value;
    f->rounding = fmax(f->rounding, q.error);
    f->sampling = share * q.sampling;
    double t = lowest_quantile(1 - s->o.confidence, LOWEST_GROUPS - 1);
    if (f->value + f->rounding + t * f->sampling < -s->o.below) f->below = US_BELOW_FOUND, f->needs = US_NEEDS_NOTHING;
    return US_OK;
}

static us_status lowest_stage(lowest_state *s, bool *decided) {
    us_lowest *f = s->found;
    us_eigenpairs *p = NULL;
    bool all = f->rows == s->samples;
    us_status status = lowest_lanczos(s, all, &p);
    if (p && all) {
        f->below = p->below, f->needs = p->needs;
        f->low_bound = p->low_bound, f->products_needed = (double)p->products_needed;
        f->sampling = 0;
    }
    us_eigenpairs_destroy(p);
    *decided = all;
    if (all || (status && status != US_NOT_CONVERGED)) return status;
    f->low_bound = -HUGE_VAL;
    f->needs = US_NEEDS_ROWS, f->sampling = (double)NAN;
    status = f->value < -s->o.below && isinf(s->o.accuracy) ? lowest_ask_others(s) : US_OK;
    *decided = f->below == US_BELOW_FOUND;
    return status;
}

static us_status lowest_check(us_context *context, const us_lowest_options *o) {
    if (o->version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_lowest_options: version is %u; it must be 1", o->version);
    if (o->rows < 64 || !(o->growth > 1) || !(o->products > 0))
        return us__fail(context, US_ERR_ARGUMENT,
                        "us_lowest_options: rows %zu must be at least 64, growth %g above 1, products %g above 0", o->rows,
                        o->growth, o->products);
    if (!(o->below >= 0) || !(o->accuracy > 0) || !(o->slack >= 1) || !(o->confidence > 0 && o->confidence < 1))
        return us__fail(
            context, US_ERR_ARGUMENT,
            "us_lowest_options: below %g must be 0 or more, accuracy %g above 0, slack %g 1 or more, confidence %g "
            "between 0 and 1",
            o->below, o->accuracy, o->slack, o->confidence);
    return US_OK;
}

us_status us_hessian_lowest(us_lowest **out, us_problem *problem, const us_vec *theta, const us_lowest_options *options) {
    *out = NULL;
    us_context *context = us_problem_context(problem);
    lowest_state s = {.problem = problem, .theta = theta, .o = US_LOWEST_OPTIONS_INIT};
    if (options) s.o = *options;
    us_status status = lowest_check(context, &s.o);
    if (status) return status;
    us_lowest *f = s.found = us__new(context, 1, sizeof *f);
    if (!f) return US_ERR_NOMEM;
    *f = (us_lowest){.context = context,
                     .n = us_problem_dimension(problem),
                     .confidence = s.o.confidence,
                     .below = US_BELOW_UNDECIDED,
                     .needs = US_NEEDS_PRODUCTS,
                     .low_bound = -HUGE_VAL};
    s.samples = us_problem_samples(problem);
    status = US_ERR_NOMEM;
    if (!(f->vector = us__new(context, f->n, sizeof *f->vector))) goto done;
    if (!(s.order = us__alloc(context, s.samples, sizeof *s.order))) goto done;
    us_rng rng = us_rng_init(s.o.seed, 0x5a3b1e);
    us_rng_permutation(&rng, s.order, s.samples);
    bool decided = false;
    for (double rows = (double)s.o.rows; !decided; rows *= s.o.growth) {
        /* what would leave too few others to ask is all */
        f->rows = rows + 2 * LOWEST_GROUPS < (double)s.samples ? (size_t)rows : s.samples;
        if (f->products > 0 && f->products + (double)f->rows / (double)s.samples > s.o.products) break;
        if ((status = lowest_stage(&s, &decided)) < 0) goto done;
        if (status == US_INTERRUPTED) break;
        if (isfinite(s.o.accuracy) && f->value < -s.o.below) rows = (double)s.samples; /* they will tell the sign, too */
    }
    if (status != US_INTERRUPTED) {
        bool accurate = isinf(s.o.accuracy) ||
                        (decided && f->residual <= s.o.accuracy * fabs(f->value) && f->low_bound >= s.o.slack * f->value);
        bool answered = f->below == US_BELOW_NONE || (f->below == US_BELOW_FOUND && accurate);
        status = answered ? US_OK : US_NOT_CONVERGED;
    }
done:
    us__release(context, s.order);
    if (status < 0 || f->applied == 0)
        us_lowest_destroy(f);
    else
        *out = f;
    return status;
}
