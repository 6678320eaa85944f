/* The Hessian of a problem, or another of its curvatures, as an operator on doubles; and v'Hv with its error bar. */
#include "curvature/curvature.h"
#include <cblas.h>
#include <math.h>
#include <string.h>
#include <unstuck/operator.h>

struct us_hessian_operator {
    us_operator a;
    us_problem *problem;
    us_product product;
    us_vec *theta;
    us_batch batch;
    uint32_t *rows;
    double *root;    /* [n] D^(-1/2), or NULL: no preconditioner */
    us_vec **x, **y; /* [block] each */
    size_t block, done;
    double kept; /* what the problem might keep before */
    us_context *context;
};

void us_operator_init(us_operator *a) { *a = (us_operator)US_OPERATOR_INIT; }

const us_operator *us_hessian_operator_get(const us_hessian_operator *h) { return &h->a; }

/* out ← D^(-1/2)·in; they may be one. */
static void operator_scale(const us_hessian_operator *h, const double *in, double *out) {
    for (size_t i = 0; i < h->a.n; i++) out[i] = h->root[i] * in[i];
}

static us_status operator_apply(void *user, const double *x, double *y, size_t k) {
    us_hessian_operator *h = user;
    size_t n = h->a.n;
    for (size_t first = 0; first < k; first += h->block) {
        size_t count = k - first < h->block ? k - first : h->block;
        if (us_context_cancelled(h->context))
            return us__fail(h->context, US_INTERRUPTED, "interrupted after %zu Hessian-vector products", h->done);
        for (size_t j = 0; j < count; j++) {
            double *out = y + (first + j) * n;
            if (h->root) operator_scale(h, x + (first + j) * n, out);
            us_vec_write_f64(h->x[j], h->root ? out : x + (first + j) * n);
        }
        us_status status =
            us_problem_product(h->problem, h->product, h->theta, h->batch, (const us_vec *const *)h->x, h->y, count);
        if (status) return status;
        for (size_t j = 0; j < count; j++) {
            h->done++;
            if (!us_vec_is_finite(h->y[j]))
                return us__fail(h->context, US_ERR_NONFINITE, "Hessian-vector product %zu is not finite", h->done);
            us_vec_read_f64(h->y[j], y + (first + j) * n);
            if (h->root) operator_scale(h, y + (first + j) * n, y + (first + j) * n);
        }
    }
    return US_OK;
}

us_status us_hessian_operator_create(us_hessian_operator **out, us_problem *problem, const us_vec *theta, us_batch batch,
                                     size_t block) {
    return us_product_operator_create(out, problem, US_HESSIAN, theta, batch, block);
}

us_status us_product_operator_create(us_hessian_operator **out, us_problem *problem, us_product product, const us_vec *theta,
                                     us_batch batch, size_t block) {
    *out = NULL;
    us_context *context = us_problem_context(problem);
    us_precision precision = us_problem_precision(problem);
    size_t n = us_problem_dimension(problem);
    if (us_vec_size(theta) != n || us_vec_precision(theta) != precision)
        return us__fail(context, US_ERR_ARGUMENT, "theta has %zu elements in %d bits; the problem wants %zu in %d",
                        us_vec_size(theta), (int)us_vec_precision(theta), n, (int)precision);
    if (block == 0) return us__fail(context, US_ERR_ARGUMENT, "a Hessian operator's block is 0; it must be at least 1");
    us_hessian_operator *h = us__new(context, 1, sizeof *h);
    if (!h) return US_ERR_NOMEM;
    h->context = context;
    h->problem = problem;
    h->product = product;
    h->block = block;
    h->batch = batch;
    h->kept = us_problem_keep(problem, US__CURVATURE_KEEP);
    if (h->kept > US__CURVATURE_KEEP) us_problem_keep(problem, h->kept);
    h->a =
        (us_operator){.version = 1, .n = n, .epsilon = us_precision_epsilon(precision), .user = h, .apply = operator_apply};
    us_status status = US_ERR_NOMEM;
    if (batch.rows) {
        if (!(h->rows = us__alloc(context, batch.count, sizeof *h->rows))) goto done;
        memcpy(h->rows, batch.rows, batch.count * sizeof *h->rows);
        h->batch.rows = h->rows;
    }
    if (!(h->x = us__new(context, 2 * block, sizeof *h->x))) goto done;
    h->y = h->x + block;
    status = us_vec_create(&h->theta, context, precision, n);
    for (size_t i = 0; i < 2 * block && !status; i++) status = us_vec_create(&h->x[i], context, precision, n);
    if (!status) us_vec_copy(h->theta, theta);
done:
    if (status)
        us_hessian_operator_destroy(h);
    else
        *out = h;
    return status;
}

void us_hessian_operator_destroy(us_hessian_operator *h) {
    if (!h) return;
    us_problem_keep(h->problem, h->kept);
    for (size_t i = 0; h->x && i < 2 * h->block; i++) us_vec_destroy(h->x[i]);
    us__release(h->context, h->x);
    us__release(h->context, h->rows);
    us__release(h->context, h->root);
    us_vec_destroy(h->theta);
    us__release(h->context, h);
}

us_status us_hessian_operator_precondition(us_hessian_operator *h, const double *d) {
    double *root = NULL;
    for (size_t i = 0; d && i < h->a.n; i++)
        if (!(d[i] > 0 && isfinite(d[i])))
            return us__fail(h->context, US_ERR_ARGUMENT, "element %zu of a preconditioner is %g; it must be above 0", i,
                            d[i]);
    if (d && !(root = us__alloc(h->context, h->a.n, sizeof *root))) return US_ERR_NOMEM;
    for (size_t i = 0; d && i < h->a.n; i++) root[i] = 1 / sqrt(d[i]);
    us__release(h->context, h->root);
    h->root = root;
    return US_OK;
}

/* Standard error of v'Hv over rows, from its spread between groups of them, with the correction for a finite population. */
static us_status operator_sampling(us_hessian_operator *h, const double *x, double *y, double *error) {
    enum { GROUPS = 16 };
    us_batch whole = h->batch;
    size_t samples = us_problem_samples(h->problem), n = h->a.n;
    *error = whole.rows ? (double)NAN : 0;
    if (!whole.rows || whole.count < 2 * GROUPS) return US_OK;
    double mean = 0, squares = 0;
    us_status status = US_OK;
    for (size_t g = 0; g < GROUPS && !status; g++) {
        size_t first = g * whole.count / GROUPS;
        h->batch = (us_batch){h->rows + first, (g + 1) * whole.count / GROUPS - first};
        if ((status = operator_apply(h, x, y, 1))) break;
        double value = cblas_ddot((int)n, x, 1, y, 1), delta = value - mean;
        mean += delta / (double)(g + 1);
        squares += delta * (value - mean);
    }
    h->batch = whole;
    double left_out = whole.count < samples ? 1 - (double)whole.count / (double)samples : 0;
    *error = sqrt(squares / (GROUPS - 1) / GROUPS * left_out);
    return status;
}

/* The rounding of v'Hv is that of H, computed at a θ that is itself rounded (see resolution.c), seen along v. */
us_status us_hessian_quotient(us_quotient *out, us_problem *problem, const us_vec *theta, us_batch batch, const double *v) {
    return us_product_quotient(out, problem, US_HESSIAN, theta, batch, v);
}

us_status us_product_quotient(us_quotient *out, us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                              const double *v) {
    enum { NUDGES = 3 };
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    us_hessian_operator *h;
    us_status status = us_product_operator_create(&h, problem, product, theta, batch, 1);
    if (status) return status;
    us_rng rng = us_rng_init(1, 0x90071e);
    double *x = us__alloc(context, 2 * n, sizeof *x), *y = x + n, length, change = 0;
    *out = (us_quotient){.value = (double)NAN, .error = HUGE_VAL, .residual = HUGE_VAL};
    if (!x) {
        status = US_ERR_NOMEM;
        goto done;
    }
    length = cblas_dnrm2((int)n, v, 1);
    if (!(length > 0) || !isfinite(length)) {
        status = us__fail(context, US_ERR_ARGUMENT, "v'Hv: the length of v is %g; it must be above 0", length);
        goto done;
    }
    for (size_t i = 0; i < n; i++) x[i] = v[i] / length;
    if ((status = operator_apply(h, x, y, 1))) goto done;
    out->value = cblas_ddot((int)n, x, 1, y, 1);
    double size = cblas_dnrm2((int)n, y, 1);
    cblas_daxpy((int)n, -out->value, x, 1, y, 1);
    out->residual = cblas_dnrm2((int)n, y, 1);
    if ((status = operator_sampling(h, x, y, &out->sampling))) goto done;
    for (int i = 0; i < NUDGES; i++) {
        us__nudge(h->theta, theta, 16, &rng);
        if ((status = operator_apply(h, x, y, 1))) goto done;
        change = fmax(change, fabs(cblas_ddot((int)n, x, 1, y, 1) - out->value));
    }
    out->error = 2 * change + 4 * h->a.epsilon * size;
done:
    us__release(context, x);
    us_hessian_operator_destroy(h);
    return status;
}
