/* Lanczos' method from the gradient, with full reorthogonalisation, and small problems in the space it spans. With V
 * orthonormal, ‖g + HVy‖ = ‖‖g‖e₁ + Ty‖ and ‖Vy‖ = ‖y‖: the least residual within a trust region of any radius is a small
 * dense problem, and a step that is refused costs no product.
 * Sources: Paige & Saunders 1975 (MINRES), SIAM J. Numer. Anal. 12(4); Moré 1978 (the trust region of least squares). */
#include "diagnose/krylov.h"
#include "curvature/curvature.h"
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

/* Parts of `small`, for m = most: T or the left vectors [(m+1)×m], right vectors [m×m], values, coefficients, y [m each]. */
typedef struct krylov_small {
    double *left, *right, *values, *parts, *y, *work;
} krylov_small;

static krylov_small krylov_parts(const us__krylov *s) {
    size_t m = s->most;
    krylov_small p = {.left = s->small};
    p.right = p.left + (m + 1) * m;
    p.values = p.right + m * m;
    p.parts = p.values + m;
    p.y = p.parts + m;
    p.work = p.y + m;
    return p;
}

enum { KRYLOV_WORK = 72 }; /* times most: dgesvd's workspace with a good block */

us_status us__krylov_create(us__krylov **out, us_problem *problem, us_batch batch, size_t most) {
    *out = NULL;
    us_context *context = us_problem_context(problem);
    us__krylov *s = us__new(context, 1, sizeof *s);
    if (!s) return US_ERR_NOMEM;
    s->context = context, s->problem = problem, s->batch = batch;
    s->n = us_problem_dimension(problem);
    s->kept = us_problem_keep(problem, US__CURVATURE_KEEP);
    if (s->kept > US__CURVATURE_KEEP) us_problem_keep(problem, s->kept);
    s->most = most < s->n ? most : s->n;
    size_t m = s->most;
    us_precision precision = us_problem_precision(problem);
    us_status status = us_vec_create(&s->x, context, precision, s->n);
    if (!status) status = us_vec_create(&s->y, context, precision, s->n);
    if (!status && !(s->basis = us__alloc(context, s->n, (m + 1) * sizeof *s->basis))) status = US_ERR_NOMEM;
    if (!status && !(s->diagonal = us__alloc(context, m, 2 * sizeof *s->diagonal))) status = US_ERR_NOMEM;
    if (!status && !(s->small = us__alloc(context, m, (2 * m + 4 + KRYLOV_WORK) * sizeof *s->small))) status = US_ERR_NOMEM;
    if (status) {
        us__krylov_destroy(s);
        return status;
    }
    s->beside = s->diagonal + m;
    *out = s;
    return US_OK;
}

void us__krylov_destroy(us__krylov *s) {
    if (!s) return;
    us_problem_keep(s->problem, s->kept);
    us_vec_destroy(s->x);
    us_vec_destroy(s->y);
    us__release(s->context, s->basis);
    us__release(s->context, s->diagonal);
    us__release(s->context, s->small);
    us__release(s->context, s);
}

void us__krylov_begin(us__krylov *s, const double *gradient) {
    s->k = 0;
    s->whole = false;
    s->length = s->residual = cblas_dnrm2((int)s->n, gradient, 1);
    s->rotation[0] = s->rotation[2] = 1, s->rotation[1] = s->rotation[3] = 0;
    for (size_t i = 0; i < s->n; i++) s->basis[i] = gradient[i] / s->length;
}

/* The new column of T is rotated into the triangle; what is left of the right hand side is the residual. */
static void krylov_rotate(us__krylov *s) {
    size_t j = s->k;
    double above = j ? s->beside[j - 1] : 0, alpha = s->diagonal[j], below = s->beside[j], *r = s->rotation;
    double turned = r[0] * above; /* by the rotation before the last */
    double rest = r[2] * alpha - r[3] * turned, size = hypot(rest, below);
    r[0] = r[2], r[1] = r[3];
    r[2] = size > 0 ? rest / size : 1;
    r[3] = size > 0 ? below / size : 0;
    s->residual *= size > 0 ? fabs(r[3]) : 1; /* a column of zeros changes nothing */
}

us_status us__krylov_grow(us__krylov *s, const us_vec *theta) {
    int n = (int)s->n;
    size_t j = s->k;
    double *v = s->basis + j * s->n, *w = v + s->n, size, before;
    if (us_context_cancelled(s->context)) return us__fail(s->context, US_INTERRUPTED, "interrupted in a Krylov space");
    us_vec_write_f64(s->x, v);
    us_status status = us_problem_hvp(s->problem, theta, s->batch, (const us_vec *const *)&s->x, &s->y, 1);
    if (status) return status;
    us_vec_read_f64(s->y, w);
    size = cblas_dnrm2(n, w, 1);
    if (!isfinite(size)) return us__fail(s->context, US_ERR_NONFINITE, "a Hessian-vector product is not finite");
    s->diagonal[j] = cblas_ddot(n, v, 1, w, 1);
    before = size;
    for (int pass = 0; pass < 3; pass++) { /* until it is orthogonal to rounding: twice is enough (Kahan, Parlett) */
        us__basis_orthogonalise(s->basis, s->n, j + 1, w, s->small);
        double after = cblas_dnrm2(n, w, 1);
        if (after > 0.5 * before) break;
        before = after;
    }
    double beside = cblas_dnrm2(n, w, 1);
    s->whole = j + 1 == s->n || !(beside > 1e-14 * size);
    s->beside[j] = s->whole ? 0 : beside;
    if (!s->whole) cblas_dscal(n, 1 / beside, w, 1);
    krylov_rotate(s);
    s->k++;
    return US_OK;
}

double us__krylov_slope(const us__krylov *s) { return s->k ? hypot(s->diagonal[0], s->beside[0]) : (double)NAN; }

double us__krylov_norm(const us__krylov *s) {
    double most = 0;
    for (size_t j = 0; j < s->k; j++)
        most = fmax(most, hypot(hypot(j ? s->beside[j - 1] : 0, s->diagonal[j]), s->beside[j]));
    return most;
}

us_status us__krylov_decompose(us__krylov *s) {
    krylov_small p = krylov_parts(s);
    size_t k = s->k, rows = k + 1;
    memset(p.left, 0, rows * k * sizeof *p.left);
    for (size_t j = 0; j < k; j++) { /* column-major */
        if (j) p.left[j * rows + j - 1] = s->beside[j - 1];
        p.left[j * rows + j] = s->diagonal[j];
        p.left[j * rows + j + 1] = s->beside[j];
    }
    lapack_int info =
        LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, 'O', 'S', (lapack_int)rows, (lapack_int)k, p.left, (lapack_int)rows, p.values,
                            NULL, 1, p.right, (lapack_int)k, p.work, (lapack_int)(KRYLOV_WORK * s->most));
    if (info) return us__fail(s->context, US_ERR_NUMERIC, "LAPACK's dgesvd failed (info %d)", (int)info);
    for (size_t i = 0; i < k; i++) p.parts[i] = s->length * p.left[i * rows]; /* of ‖g‖e₁ along the left vectors */
    return US_OK;
}

/* ‖y(μ)‖ for y = −Σ rightᵢ·σᵢ/(σᵢ² + μ)·partᵢ. Singular values that rounding may have made are left out. */
static double krylov_length(const us__krylov *s, double mu) {
    krylov_small p = krylov_parts(s);
    double square = 0;
    for (size_t i = 0; i < s->k && p.values[i] > 1e-14 * p.values[0]; i++) {
        double c = p.parts[i] * p.values[i] / (p.values[i] * p.values[i] + mu);
        square += c * c;
    }
    return sqrt(square);
}

void us__krylov_step(us__krylov *s, double radius, double *step, double *length, double *residual) {
    krylov_small p = krylov_parts(s);
    double mu = 0, square = s->length * s->length;
    if (krylov_length(s, 0) > radius) { /* the length falls as μ grows: halve its logarithm's range */
        double high = fmax(p.values[0] * p.values[0], s->length * p.values[0] / radius), low = high;
        while (krylov_length(s, low) < radius && low > 0) low *= 1e-3;
        while (krylov_length(s, high) > radius) high *= 2;
        for (int i = 0; i < 60 && high > 1.001 * low; i++) {
            mu = sqrt(low) * sqrt(high);
            *(krylov_length(s, mu) > radius ? &low : &high) = mu;
        }
        mu = high;
    }
    memset(p.y, 0, s->k * sizeof *p.y);
    for (size_t i = 0; i < s->k && p.values[i] > 1e-14 * p.values[0]; i++) {
        double denominator = p.values[i] * p.values[i] + mu, left = p.parts[i] * mu / denominator;
        cblas_daxpy((int)s->k, -p.parts[i] * p.values[i] / denominator, p.right + i, (int)s->k, p.y, 1);
        square += left * left - p.parts[i] * p.parts[i];
    }
    if (step) cblas_dgemv(CblasColMajor, CblasNoTrans, (int)s->n, (int)s->k, 1, s->basis, (int)s->n, p.y, 1, 0, step, 1);
    *length = cblas_dnrm2((int)s->k, p.y, 1);
    *residual = sqrt(fmax(square, 0));
}

us_status us__krylov_offer(us__krylov *s, double resolution, double *offer, double *silent, double *lowest) {
    krylov_small p = krylov_parts(s);
    size_t k = s->k;
    memcpy(p.values, s->diagonal, k * sizeof *p.values);
    memcpy(p.parts, s->beside, k * sizeof *p.parts);
    lapack_int info =
        LAPACKE_dstev_work(LAPACK_COL_MAJOR, 'V', (lapack_int)k, p.values, p.parts, p.right, (lapack_int)k, p.work);
    if (info) return us__fail(s->context, US_ERR_NUMERIC, "LAPACK's dstev failed (info %d)", (int)info);
    *offer = *silent = 0;
    *lowest = p.values[0];
    for (size_t i = 0; i < k; i++) { /* weight: the square of the first element of the eigenvector */
        double part = s->length * p.right[i * k], size = fabs(p.values[i]);
        *(size > resolution ? offer : silent) += 0.5 * part * part / fmax(size, resolution);
    }
    *offer += *silent;
    return US_OK;
}
