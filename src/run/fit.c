/* What a summary tells of a fitted formula: its parameters, how well they are known, and what kind of point they are. */
#include "run/run.h"
#include <math.h>
#include <string.h>
#include <unstuck/diagnose.h>
#include <unstuck/solve.h>

static json_t *fit_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* One number for each parameter, by name. */
static json_t *fit_named(const us_group *groups, size_t count, const double *values) {
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(object, groups[i].name, values ? fit_number(values[groups[i].offset]) : json_null()) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

us_status us__run_fit(us_run *run, json_t *summary) {
    size_t count, n = us_problem_dimension(run->problem);
    const us_group *groups = us_problem_groups(run->problem, &count);
    us_fit *fit = NULL;
    us_point *point = NULL;
    us_point_options naming = US_POINT_OPTIONS_INIT;
    us_status status = US_OK;
    const us_vec *theta = us__run_answer(run);
    double *at = us__alloc(run->context, n, sizeof *at);
    if (!at) return US_ERR_NOMEM;
    us_vec_read_f64(theta, at);
    if (us_problem_residual_count(run->problem) > 0 && run->config.l2 == 0 && us_vec_is_finite(theta))
        status = us_fit_measure(&fit, run->problem, theta);
    if (status == US_OK || status == US_ERR_NUMERIC) status = us_point_classify(&point, run->problem, theta, &naming);
    if (status == US_ERR_NONFINITE || status == US_ERR_NUMERIC) status = US_OK; /* then it has no name */
    if (status < 0) goto done;
    status = US_OK;
    bool doubled = strcmp(us_model_loss_name(run->model), "mse") == 0; /* its residuals are √2 times those of the target */
    double deviation = fit ? fit->residual_deviation / (doubled ? sqrt(2) : 1) : (double)NAN;
    if (json_object_set_new(summary, "at", fit_named(groups, count, at)) != 0 ||
        json_object_set_new(summary, "standard_error", fit_named(groups, count, fit ? fit->standard_error : NULL)) != 0 ||
        json_object_set_new(summary, "residual_deviation", fit_number(deviation)) != 0 ||
        json_object_set_new(summary, "degrees_of_freedom", fit ? json_integer((json_int_t)fit->degrees) : json_null()) !=
            0 ||
        json_object_set_new(summary, "kind", point ? json_string(us_kind_name(point->kind)) : json_null()) != 0)
        status = us__fail(run->context, US_ERR_NOMEM, "out of memory for JSON");
done:
    us_point_destroy(point);
    us_fit_destroy(fit);
    us__release(run->context, at);
    return status;
}
