/* standardize: the run on columns of mean 0 and deviation 1. */
#include "model/model.h"
#include "run/remake.h"
#include <math.h>

static const double STANDARDIZE_ALIKE = 3; /* scales within this factor of each other, and means of as many deviations */

/* The change from the run's columns to the other's. */
typedef struct standardize_change {
    us_context *context;
    double *mean, *scale; /* [inputs] */
    double target_mean, target_scale;
} standardize_change;

static void standardize_release(us__remake *r) {
    standardize_change *c = r->change;
    if (!c) return;
    us__release(c->context, c->mean);
    us__release(c->context, c->scale);
    us__release(c->context, c);
}

static us_status standardize_change_make(us__remake *r, const us_data *data) {
    size_t inputs = us_data_feature_count(data);
    us_context *context = us_dataset_context(us_data_train(data));
    standardize_change *c = r->change = us__new(context, 1, sizeof *c);
    if (!c) return US_ERR_NOMEM;
    c->context = context;
    c->mean = us__alloc(context, inputs + 1, sizeof *c->mean);
    c->scale = us__alloc(context, inputs + 1, sizeof *c->scale);
    if (!c->mean || !c->scale) return US_ERR_NOMEM;
    for (size_t k = 0; k < inputs; k++) us_data_feature_scale(data, k, &c->mean[k], &c->scale[k]);
    us_data_target_scale(data, &c->target_mean, &c->target_scale);
    return US_OK;
}

/* Would it change anything to speak of? */
static bool standardize_alike(const us_run *run, const us_data *standardized) {
    double mean, scale, low = HUGE_VAL, high = 0;
    us_data_target_scale(standardized, &mean, &scale);
    if (!(scale < STANDARDIZE_ALIKE && scale > 1 / STANDARDIZE_ALIKE && fabs(mean) < STANDARDIZE_ALIKE)) return false;
    for (size_t k = 0; k < us_data_feature_count(run->data); k++) {
        us_data_feature_moments(run->data, k, &mean, &scale);
        if (fabs(mean) > STANDARDIZE_ALIKE * scale) return false;
        low = fmin(low, scale), high = fmax(high, scale);
    }
    return high < STANDARDIZE_ALIKE && low > 1 / STANDARDIZE_ALIKE;
}

static us_status standardize_check(us_run *run) {
    const char *why = NULL;
    if (run->config.data_options.standardize) why = "the run's data are standardised already, as far as they can be";
    if (run->config.l2 > 0) why = "the penalty --l2 is on the weights as they are: other columns would make it another";
    if (run->config.data_options.raw_features) why = "the features are numbers of things, not amounts";
    if (us_model_is_formula(run->model)) why = "a formula's parameters have the units of the file";
    return why ? us__fail(run->context, US_ERR_UNSUPPORTED, "%s", why) : US_OK;
}

static us_status standardize_plan(us_run *run, us__remake *r, us_run_config *config) {
    double unit[2], mean, scale;
    config->data_options.standardize = true;
    us_status status =
        us_data_standardize(&r->other->data, run->data, us__model_target_unit(run->model, 1, unit), run->config.precision);
    if (status == US_OK && standardize_alike(run, r->other->data))
        status = us__fail(run->context, US_ERR_UNSUPPORTED, "all columns are near 0 and of like scale already");
    if (status == US_OK) status = standardize_change_make(r, r->other->data);
    if (status != US_OK) return status;
    us_data_target_scale(r->other->data, &mean, &scale);
    if (!us__model_target_unit(run->model, scale, r->unit)) r->unit[0] = r->unit[1] = 1;
    return US_OK;
}

static us_status standardize_theta(const us_run *run, const us__remake *r, const us_vec *from, us_vec *to) {
    const standardize_change *c = r->change;
    size_t n = us_vec_size(from), count;
    const us_group *groups = us_problem_groups(run->problem, &count);
    double *values = us__alloc(run->context, n, sizeof *values);
    if (!values) return US_ERR_NOMEM;
    us_vec_read_f64(from, values);
    us_status status =
        us__model_absorb(run->model, groups, count, c->mean, c->scale, c->target_mean, c->target_scale, values);
    for (size_t i = 0; status == US_OK && i < n; i++) us_vec_set(to, i, values[i]);
    us__release(run->context, values);
    return status;
}

/* The rate of other columns is another: it is measured; where none is found, the rule's default stays. */
static us_status standardize_begin(us_run *run, us__remake *r) {
    us_training *training = r->other->training;
    us_status status = us_training_set_learning_rate(training, us_training_rule(training)->learning_rate, true);
    if (status == US_OK) status = us__run_choose_rate(r->other);
    if (status != US_ERR_NUMERIC && status != US_ERR_NONFINITE) return status;
    us_context_error_clear(run->context);
    return US_OK;
}

const us__remake_way us__remake_standardize = {
    .remedy = "standardize",
    .lasts = true,
    .check = standardize_check,
    .plan = standardize_plan,
    .theta = standardize_theta,
    .begin = standardize_begin,
    .release = standardize_release,
};
