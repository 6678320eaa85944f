/* The run on standardised columns: another run without a folder, whose parts change places with this one's when its training
 * is adopted. */
#include "model/model.h"
#include "run/run.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double STANDARDIZE_ALIKE = 3; /* scales within this factor of each other, and means of as many deviations */

/* The change from this run's columns to those of `other`. */
typedef struct standardize_change {
    double *mean, *scale; /* [inputs] */
    double target_mean, target_scale;
} standardize_change;

static us_status standardize_change_make(standardize_change *c, const us_data *data) {
    size_t inputs = us_data_feature_count(data);
    us_context *context = us_dataset_context(us_data_train(data));
    c->mean = us__alloc(context, inputs + 1, sizeof *c->mean);
    c->scale = us__alloc(context, inputs + 1, sizeof *c->scale);
    if (!c->mean || !c->scale) return US_ERR_NOMEM;
    for (size_t k = 0; k < inputs; k++) us_data_feature_scale(data, k, &c->mean[k], &c->scale[k]);
    us_data_target_scale(data, &c->target_mean, &c->target_scale);
    return US_OK;
}

static void standardize_change_release(standardize_change *c, us_context *context) {
    us__release(context, c->mean);
    us__release(context, c->scale);
}

/* One θ, in place. */
static us_status standardize_theta(const us_run *run, const standardize_change *c, us_vec *theta) {
    size_t n = us_vec_size(theta), count;
    const us_group *groups = us_problem_groups(run->problem, &count);
    double *values = us__alloc(run->context, n, sizeof *values);
    if (!values) return US_ERR_NOMEM;
    us_vec_read_f64(theta, values);
    us_status status =
        us__model_absorb(run->model, groups, count, c->mean, c->scale, c->target_mean, c->target_scale, values);
    for (size_t i = 0; status == US_OK && i < n; i++) us_vec_set(theta, i, values[i]);
    us__release(run->context, values);
    return status;
}

/* ------------------------------------------------------------------ making it */

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

static us_status standardize_check(const us_run *run) {
    const char *why = NULL;
    if (run->config.data_options.standardize) why = "the run's data are standardised already, as far as they can be";
    if (run->config.l2 > 0) why = "the penalty --l2 is on the weights as they are: other columns would make it another";
    if (run->config.data_options.raw_features) why = "the features are numbers of things, not amounts";
    if (us_model_is_formula(run->model)) why = "a formula's parameters have the units of the file";
    return why ? us__fail(run->context, US_ERR_UNSUPPORTED, "%s", why) : US_OK;
}

static us_status standardize_make(us_run *run) {
    us_run *other = NULL;
    us_run_config config = run->config;
    double unit[2];
    us_status status = standardize_check(run);
    if (status == US_OK) status = us__run_new(&other, run->context, run->folder);
    if (status == US_OK) other->config.rule = run->config.rule;
    config.data_options.standardize = true;
    config.start = NULL; /* in the file's unit, and long left */
    config.keep_path = 0;
    if (status == US_OK) status = us__run_take_config(other, us__run_config_to_json(&config));
    if (status == US_OK)
        status =
            us_data_standardize(&other->data, run->data, us__model_target_unit(run->model, 1, unit), run->config.precision);
    if (status == US_OK && standardize_alike(run, other->data))
        status = us__fail(run->context, US_ERR_UNSUPPORTED, "all columns are near 0 and of like scale already");
    if (status == US_OK) status = us__run_assemble(other, NULL, NULL, 0);
    if (status == US_OK)
        run->standardized = other;
    else
        us_run_destroy(other);
    return status;
}

us_status us_run_standardized(us_run *run, us_training **out, double unit[2]) {
    us_training *training = NULL;
    us_vec *theta = NULL;
    standardize_change change = {0};
    double mean, scale;
    *out = NULL;
    us_status status = run->standardized ? standardize_check(run) : standardize_make(run);
    if (status != US_OK) return status;
    us_run *other = run->standardized;
    us_data_target_scale(other->data, &mean, &scale);
    if (!us__model_target_unit(run->model, scale, unit)) unit[0] = unit[1] = 1;
    if ((status = us_training_copy(&training, run->training, other->problem)) != US_OK) return status;
    status = us_vec_create(&theta, run->context, us_vec_precision(us_training_theta(training)),
                           us_vec_size(us_training_theta(training)));
    if (status == US_OK) status = standardize_change_make(&change, other->data);
    if (status == US_OK) us_vec_copy(theta, us_training_theta(training));
    if (status == US_OK) status = standardize_theta(run, &change, theta);
    if (status == US_OK) status = us_training_set_theta(training, theta, true);
    if (status == US_OK) status = us_training_set_learning_rate(training, us_training_rule(training)->learning_rate, true);
    if (status == US_OK) {
        US__SWAP(us_training *, other->training, training);
        status = us__run_choose_rate(other);
        if (status == US_ERR_NUMERIC || status == US_ERR_NONFINITE) { /* the rule's default stays */
            us_context_error_clear(run->context);
            status = US_OK;
        }
    }
    if (status == US_OK) status = us_training_copy(out, other->training, NULL);
    standardize_change_release(&change, run->context);
    us_vec_destroy(theta);
    us_training_destroy(training);
    return status;
}

/* ------------------------------------------------------------------ adopting it */

bool us__run_is_standardized(const us_run *run, const us_training *training) {
    return run->standardized && us_training_problem(training) == run->standardized->problem;
}

/* All but the training, which the caller sees to. */
static void standardize_swap(us_run *a, us_run *b) {
    US__SWAP(us_data *, a->data, b->data);
    US__SWAP(us_model *, a->model, b->model);
    US__SWAP(us_problem *, a->bare, b->bare);
    US__SWAP(us_problem *, a->problem, b->problem);
    US__SWAP(us_problem *, a->seen, b->seen);
    US__SWAP(us_problem *, a->test_problem, b->test_problem);
    US__SWAP(json_t *, a->config_object, b->config_object);
    US__SWAP(us_run_config, a->config, b->config);
    US__SWAP(char *, a->config_text, b->config_text);
}

/* The path on standardised columns. @param out [caller releases steps and places, also on failure] */
static us_status standardize_path(const us_run *run, const standardize_change *change, us__path *out) {
    const us__path *path = &run->path;
    us_status status = US_OK;
    *out = *path;
    out->steps = NULL, out->places = NULL;
    if (path->most == 0) return US_OK;
    out->steps = us__alloc(run->context, path->most, sizeof *out->steps);
    out->places = us__alloc(run->context, path->most, path->bytes);
    if (!out->steps || !out->places) return US_ERR_NOMEM;
    memcpy(out->steps, path->steps, path->count * sizeof *out->steps);
    memcpy(out->places, path->places, path->count * path->bytes);
    for (size_t i = 0; i < path->count && status == US_OK; i++) {
        us_vec *place = NULL;
        status =
            us_vec_wrap(&place, run->context, us_problem_precision(run->problem), path->n, out->places + i * path->bytes);
        if (status == US_OK) status = standardize_theta(run, change, place);
        us_vec_destroy(place);
    }
    return status;
}

us_status us__run_adopt_standardized(us_run *run, const us_training *training) {
    us_run *other = run->standardized;
    us_training *copy = NULL, *before = run->training;
    standardize_change change = {0};
    us__path path = {0};
    double unit[2] = {1, 1}, mean, scale;
    us_data_target_scale(other->data, &mean, &scale);
    us__model_target_unit(run->model, scale, unit);
    us_status status = us_training_copy(&copy, training, other->problem);
    if (status == US_OK) status = standardize_change_make(&change, other->data);
    if (status == US_OK) status = standardize_path(run, &change, &path);
    other->config.learning_rate = us_training_learning_rate(training);
    other->config.keep_path = run->config.keep_path;
    if (status == US_OK) status = us__run_take_config(other, us__run_config_to_json(&other->config));
    if (status == US_OK) status = us__store_flush(run->store);
    if (status != US_OK) goto done;

    standardize_swap(run, other);
    run->training = copy;
    US__SWAP(us__path, run->path, path);
    status = us__store_remake_begin(run->store, run->config_text, us_data_encoding(run->data), unit);
    if (status == US_OK) {
        status = us__run_observe(run);
        if (status == US_OK) status = us__run_checkpoint_write(run, run->folder);
        if (status == US_OK) status = us__store_remake_done(run->store);
        if (status != US_OK) us__store_remake_undo(run->store);
    }
    if (status == US_OK) {
        copy = NULL;
        status = us__run_watch_move(run, run->training);
        us_training_destroy(before);
    } else { /* as it was, on disk, too, if that can be written */
        standardize_swap(run, other);
        run->training = before;
        US__SWAP(us__path, run->path, path);
        char text[1024];
        snprintf(text, sizeof text, "%s", us_context_error(run->context));
        us__run_checkpoint_write(run, run->folder);
        us__fail(run->context, status, "%s", text);
    }
done:
    us_training_destroy(copy);
    us__release(run->context, path.steps);
    us__release(run->context, path.places);
    standardize_change_release(&change, run->context);
    return status;
}
