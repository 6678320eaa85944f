/* Covariance of the parameters of a fit: (J'J)⁻¹s² with J'J = R'R, s² = Σr²/(m − n).
 * Source: Seber & Wild 1989, "Nonlinear Regression", section 2.1. */
#include "descend/solvers/lsq.h"
#include <cblas.h>
#include <math.h>
#include <unstuck/solve.h>

us_status us_fit_measure(us_fit **out, us_problem *problem, const us_vec *theta) {
    *out = NULL;
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem), m = us_problem_residual_count(problem);
    us__lsq lsq = {0};
    us_status status = US_ERR_NOMEM;
    double *residuals = us__alloc(context, m, (n + 1) * sizeof *residuals), *jacobian = residuals + m;
    us_fit *fit = us__new(context, 1, sizeof *fit);
    if (fit) fit->context = context;
    if (!residuals || !fit) goto done;
    *fit = (us_fit){.n = n, .degrees = m > n ? m - n : 0, .residual_deviation = (double)NAN, .context = context};
    if (!(fit->standard_error = us__alloc(context, n, sizeof *fit->standard_error))) goto done;
    for (size_t j = 0; j < n; j++) fit->standard_error[j] = (double)NAN;
    status = us_problem_residuals(problem, theta, residuals, jacobian);
    if (status != US_OK || m < n) goto done;
    if ((status = us__lsq_open(&lsq, context, m, n, jacobian)) != US_OK) goto done;
    if (fit->degrees == 0) goto done;
    fit->residual_deviation = cblas_dnrm2((int)m, residuals, 1) / sqrt((double)fit->degrees);
    if (!lsq.full_rank) goto done;
    us__lsq_deviations(&lsq, fit->standard_error);
    for (size_t j = 0; j < n; j++) fit->standard_error[j] *= fit->residual_deviation;
done:
    if (lsq.context) us__lsq_close(&lsq);
    us__release(context, residuals);
    if (status == US_OK)
        *out = fit;
    else
        us_fit_destroy(fit);
    return status;
}

void us_fit_destroy(us_fit *fit) {
    if (!fit) return;
    us__release(fit->context, fit->standard_error);
    us__release(fit->context, fit);
}
