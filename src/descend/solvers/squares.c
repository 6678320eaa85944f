#include "descend/solvers/squares.h"
#include "descend/solvers/drive.h"
#include "descend/solvers/local.h"
#include "descend/solvers/lsq.h"
#include <cblas.h>
#include <math.h>
#include <string.h>

enum { SQUARES_MOST_PARAMETERS = 400, SQUARES_MOST_NUMBERS = 1 << 24 };
static const double SQUARES_REGULAR = 1e-14; /* least part of the largest squared singular value at a regular minimum */

bool us__squares_are_few(const us_problem *problem) {
    size_t n = us_problem_dimension(problem), m = us_problem_residual_count(problem);
    return m > 0 && n <= SQUARES_MOST_PARAMETERS && m <= SQUARES_MOST_NUMBERS / n;
}

/* ------------------------------------------------------------------ linear in the parameters */

/* Is the Jacobian the same, to the last bit, at three places? For r = Jθ + r₀ it is. */
static us_status squares_are_linear(us_problem *problem, us_vec *at, double *r, double *first, double *other, bool *linear) {
    us_rng rng = us_rng_init(1, 0x6c696e);
    size_t n = us_vec_size(at), m = us_problem_residual_count(problem);
    us_status status = us_problem_residuals(problem, at, r, first);
    *linear = us__all_finite(first, m * n);
    for (int k = 0; k < 2 && *linear && status == US_OK; k++) {
        for (size_t j = 0; j < n; j++) us_vec_set(at, j, us_rng_normal(&rng));
        status = us_problem_residuals(problem, at, r, other);
        for (size_t i = 0; i < m * n && *linear; i++) *linear = first[i] == other[i];
    }
    return status;
}

us_status us__squares_linear(us_problem *problem, us_vec *theta, us_minimize_result *result) {
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem), m = us_problem_residual_count(problem);
    double *r = us__alloc(context, 2 * m + 1, (n + 1) * sizeof *r), *first = r + m, *other = first + m * n;
    us_vec *at = NULL;
    us__lsq lsq = {0};
    bool linear = false;
    us_status status = US_ERR_NOMEM;
    if (!r) return status;
    double *x = other + m * n;
    if ((status = us_vec_create(&at, context, us_vec_precision(theta), n)) != US_OK) goto done;
    us_vec_read_f64(theta, x);
    us_vec_write_f64(at, x);
    if ((status = squares_are_linear(problem, at, r, first, other, &linear)) != US_OK) goto done;
    us_vec_fill(at, 0);
    if ((status = us_problem_residuals(problem, at, r, NULL)) != US_OK) goto done;
    result->gradients += 3, result->values++;
    status = US_NOT_FOUND;
    if (!linear || m < n || !us__all_finite(r, m)) goto done;
    if ((status = us__lsq_open(&lsq, context, m, n, first)) != US_OK) goto done;
    status = US_NOT_FOUND;
    if (!lsq.full_rank) goto done;
    for (size_t i = 0; i < m; i++) r[i] = -r[i];
    if ((status = us__lsq_solve(&lsq, r, x)) != US_OK) goto done;
    us_vec_write_f64(theta, x);
    if ((status = us_problem_gradient(problem, theta, US_BATCH_ALL, &result->value, at)) != US_OK) goto done;
    result->gradient_norm = us_vec_norm2(at);
    result->iterations++, result->gradients++;
    result->reason = "the model is linear in its parameters: this is the exact solution";
done:
    if (lsq.context) us__lsq_close(&lsq);
    us_vec_destroy(at);
    us__release(context, r);
    return status;
}

/* ------------------------------------------------------------------ not linear */

static void squares_add(us_minimize_result *to, const us_minimize_result *more) {
    to->iterations += more->iterations;
    to->values += more->values;
    to->gradients += more->gradients;
    to->products += more->products;
}

/* Levenberg-Marquardt from θ, counted into `result` with its reason and its end. */
static us_status squares_levenberg(us_problem *problem, us_vec *theta, const us_minimize_options *options,
                                   us_minimize_result *result) {
    us_minimize_result part;
    us_minimize_options inner = *options;
    inner.look = false; /* that is done at the very end */
    us_status status = us__drive(problem, theta, &us__method_levenberg_marquardt, &inner, &part);
    us_minimize_result sum = part;
    sum.iterations = result->iterations, sum.values = result->values;
    sum.gradients = result->gradients, sum.products = result->products;
    squares_add(&sum, &part);
    *result = sum;
    return status;
}

static bool squares_is_regular(us_status status, const us_minimize_result *result) {
    return status == US_OK && result->lowest > SQUARES_REGULAR * result->highest;
}

us_status us__squares_minimize(us_problem *problem, us_vec *theta, const us_minimize_options *options,
                               us_minimize_result *result) {
    us_context *context = us_problem_context(problem);
    us_minimize_options defaults = US_MINIMIZE_OPTIONS_INIT;
    us_vec *start = NULL, *end = NULL;
    if (!options) options = &defaults;
    us_status status = us__squares_linear(problem, theta, result);
    if (status != US_NOT_FOUND) return status;
    status = us_vec_create(&start, context, us_vec_precision(theta), us_vec_size(theta));
    if (status == US_OK) status = us_vec_create(&end, context, us_vec_precision(theta), us_vec_size(theta));
    if (status != US_OK) goto done;
    us_vec_copy(start, theta);
    us_vec_copy(end, theta);
    us_status first = squares_levenberg(problem, end, options, result);
    if (first < 0 && first != US_ERR_NUMERIC) {
        status = first;
        goto done;
    }
    double value = first < 0 ? HUGE_VAL : result->value;
    status = first;
    us_vec_copy(theta, end);
    if (squares_is_regular(first, result) || first == US_INTERRUPTED) goto done;
    /* The whole Hessian from the start, and full Gauss-Newton steps from where that ends. */
    us_minimize_result before = *result, whole;
    us_vec_copy(end, start);
    us_status second = us_minimize(problem, end, options, &whole);
    squares_add(&before, &whole);
    if (second >= 0 && second != US_INTERRUPTED) {
        us_vec_copy(start, end);
        double reached = whole.value;
        whole.iterations = whole.values = whole.gradients = whole.products = 0;
        us_status polished = squares_levenberg(problem, start, options, &whole);
        squares_add(&before, &whole);
        if (polished == US_OK && whole.value <= reached * (1 + 1e-12))
            us_vec_copy(end, start), second = US_OK;
        else
            whole.value = reached;
    }
    *result = before;
    if (second == US_INTERRUPTED || (second >= 0 && whole.value < value * (1 - 1e-9))) {
        us_vec_copy(theta, end);
        status = second;
        result->value = whole.value, result->gradient_norm = whole.gradient_norm, result->reason = whole.reason;
    }
done:
    us_vec_destroy(start);
    us_vec_destroy(end);
    return status;
}
