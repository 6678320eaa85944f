/* The diagonal of a curvature matrix A. With z of random signs, E[z ⊙ Az] = diag A, since E[zᵢzⱼ] = 0 for i ≠ j: element i
 * of one draw has the variance Σ_{j≠i} Aᵢⱼ², and the mean of m draws has the standard error s/√m, measured from their
 * spread. Where n products are no more than the draws allowed, they are the columns, and the diagonal is exact; so it is of
 * a network of dense layers whose units are few beside its parameters (src/graph/dense_diagonal.c). Source: Bekas,
 * Kokiopoulou & Saad 2007, "An estimator for the diagonal of a matrix", Applied Numerical Mathematics 57. */
#include "curvature/curvature.h"
#include "problem/problem.h"
#include <math.h>
#include <string.h>
#include <unstuck/operator.h>

void us_diagonal_options_init(us_diagonal_options *options) { *options = (us_diagonal_options)US_DIAGONAL_OPTIONS_INIT; }

/* Adds the draws of one block to mean and squares (Welford 1962), or in the exact case takes elements first .. from the
 * columns. */
static void diagonal_take(const double *x, const double *y, size_t n, size_t first, size_t count, bool exact, double *mean,
                          double *squares) {
    for (size_t j = 0; j < count; j++, x += n, y += n) {
        if (exact) mean[first + j] = y[first + j];
        for (size_t i = 0; !exact && i < n; i++) {
            double value = x[i] * y[i], delta = value - mean[i];
            mean[i] += delta / (double)(first + j + 1);
            squares[i] += delta * (value - mean[i]);
        }
    }
}

us_status us_curvature_diagonal(double *diagonal, double *standard_error, us_problem *problem, const us_vec *theta,
                                const us_diagonal_options *options) {
    us_context *context = us_problem_context(problem);
    us_diagonal_options o = US_DIAGONAL_OPTIONS_INIT;
    if (options) o = *options;
    if (o.version != 1 || o.products == 0 || o.block == 0)
        return us__fail(
            context, US_ERR_ARGUMENT,
            "us_diagonal_options: version is %u, products %zu, block %zu; version must be 1, the others at least 1",
            o.version, o.products, o.block);
    size_t n = us_problem_dimension(problem);
    double took = 0;
    us_status known =
        o.product == US_HESSIAN ? us__problem_diagonal(problem, theta, o.batch, (double)o.products, diagonal, &took) : US_OK;
    for (size_t i = 0; i < n && took > 0 && !known; i++) {
        if (standard_error) standard_error[i] = 0;
        if (!isfinite(diagonal[i]))
            known = us__fail(context, US_ERR_NONFINITE, "element %zu of the Hessian's diagonal is not finite", i + 1);
    }
    if (known || took > 0) return known;
    bool exact = n <= o.products;
    size_t draws = exact ? n : o.products, block = o.block < draws ? o.block : draws;
    us_hessian_operator *h = NULL;
    double *memory = us__new(context, n, (2 * block + 1) * sizeof *memory);
    us_status status = memory ? us_product_operator_create(&h, problem, o.product, theta, o.batch, block) : US_ERR_NOMEM;
    if (status) goto done;
    double *x = memory, *y = x + block * n, *squares = y + block * n;
    us_rng rng = us_rng_init(o.seed, 0xd1a6);
    memset(diagonal, 0, n * sizeof *diagonal);
    for (size_t first = 0; first < draws; first += block) {
        size_t count = draws - first < block ? draws - first : block;
        if (exact) memset(x, 0, count * n * sizeof *x);
        for (size_t j = 0; exact && j < count; j++) x[j * n + first + j] = 1;
        for (size_t i = 0; !exact && i < count * n; i++) x[i] = us_rng_u32(&rng) & 1 ? 1 : -1;
        const us_operator *a = us_hessian_operator_get(h);
        if ((status = a->apply(a->user, x, y, count))) goto done;
        diagonal_take(x, y, n, first, count, exact, diagonal, squares);
    }
    for (size_t i = 0; standard_error && i < n; i++)
        standard_error[i] = exact ? 0 : draws > 1 ? sqrt(squares[i] / (double)(draws - 1) / (double)draws) : (double)NAN;
done:
    us_hessian_operator_destroy(h);
    us__release(context, memory);
    return status;
}
