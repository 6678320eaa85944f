#include "run/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number that JSON can hold, or null. */
static json_t *summary_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static us_status summary_losses(us_run *run, json_t **out) {
    uint64_t step = us_training_steps(run->training);
    us__losses losses;
    us_status status = us__store_losses(run->store, step, &losses);
    if (status == US_OK && isnan(losses.train)) status = us_run_loss(run, false, &losses.train);
    if (status == US_OK && isnan(losses.test)) status = us_run_loss(run, true, &losses.test);
    if (status != US_OK) return status;
    if (isfinite(losses.train) && !(losses.best <= losses.train)) losses.best = losses.train, losses.best_step = step;
    *out = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:I}", "name", us_model_loss_name(run->model), "unit",
                     us_model_loss_unit(run->model), "first", summary_number(losses.first), "last",
                     summary_number(losses.train), "best", summary_number(losses.best), "best_step",
                     isfinite(losses.best) ? json_integer((json_int_t)losses.best_step) : json_null(), "test",
                     summary_number(losses.test), "rows", (json_int_t)us_problem_samples(run->seen));
    return US_OK;
}

static json_t *summary_list(const us_metric *metrics, size_t count) {
    json_t *object = count > 0 ? json_object() : json_null();
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(object, metrics[i].name, summary_number(metrics[i].value)) != 0) break;
    return object;
}

/* The metric that matters, and all of them. */
static us_status summary_metric(us_run *run, json_t **one, json_t **all) {
    us_metric train[US_METRICS_MAX], test[US_METRICS_MAX];
    size_t train_count, test_count;
    us_status status = us_run_metrics(run, false, train, &train_count);
    if (status == US_OK) status = us_run_metrics(run, true, test, &test_count);
    if (status != US_OK) return status;
    *one = json_pack("{s:s,s:o,s:o}", "name", train[0].name, "train", summary_number(train[0].value), "test",
                     test_count > 0 ? summary_number(test[0].value) : json_null());
    *all = json_pack("{s:o,s:o}", "train", summary_list(train, train_count), "test", summary_list(test, test_count));
    return US_OK;
}

static json_t *summary_optimizer(const us_run *run) {
    const us_training *training = run->training;
    if (us__run_is_solved(run)) return json_pack("{s:s}", "name", run->config.optimizer);
    const us_rule *rule = us_training_rule(training);
    const double *hyper = us_training_hyper(training);
    json_t *object = json_pack("{s:s,s:o}", "name", rule->name, "lr", summary_number(us_training_learning_rate(training)));
    for (size_t i = 0; i < rule->hyperparameter_count; i++)
        if (json_object_set_new(object, rule->hyperparameters[i].name, summary_number(hyper[i])) != 0) break;
    return object;
}

static json_t *summary_watch(const us_run *run) {
    us_watch_report r;
    if (!us_run_watch_report(run, &r)) return json_null();
    json_t *missing = json_array();
    for (int k = 0; missing && k < US_WATCH_KINDS; k++) {
        if (!(r.wanting[k] > 0)) continue;
        json_t *what = json_pack("{s:s,s:f}", "what", us_watch_kind_name((us_watch_kind)k), "from_seconds", r.wanting[k]);
        if (json_array_append_new(missing, what) != 0) json_decref(missing), missing = NULL; /* takes NULL as a failure */
    }
    return json_pack("{s:s,s:f,s:f,s:f,s:I,s:I,s:I,s:o}", "mode", us_watch_mode_name(run->watch_mode), "share", r.share,
                     "promised", r.promised, "seconds", r.seconds, "probes", (json_int_t)r.probes, "searches",
                     (json_int_t)r.searches, "looks", (json_int_t)r.looks, "not_measured", missing);
}

us_status us_run_summary(us_run *run, const char *status_name, char **text) {
    const us_training *t = run->training;
    size_t samples = us_problem_samples(run->problem);
    json_t *loss = NULL, *metric = NULL, *metrics = NULL, *events = NULL, *verdict = NULL, *object = NULL;
    char *dumped = NULL;
    *text = NULL;
    us_status status = summary_losses(run, &loss);
    if (status == US_OK) status = summary_metric(run, &metric, &metrics);
    if (status == US_OK) status = us__store_events(run->store, &events);
    if (status == US_OK) status = us__store_last_verdict(run->store, us_training_steps(t), &verdict);
    if (status != US_OK) goto done;
    object = json_pack("{s:s,s:s,s:I,s:f,s:f,s:O,s:O,s:O,s:I,s:I,s:I,s:I,s:s,s:s,s:s,s:I,s:o,s:O,s:O}", "run", run->folder,
                       "status", status_name ? status_name : run->status, "steps", (json_int_t)us_training_steps(t),
                       "epochs", (double)us_training_samples_seen(t) / (double)samples, "seconds", run->seconds, "loss",
                       loss, "metric", metric, "metrics", metrics, "parameters",
                       (json_int_t)us_problem_dimension(run->problem), "samples", (json_int_t)samples, "test_samples",
                       (json_int_t)(run->test_problem ? us_problem_samples(run->test_problem) : 0), "seed",
                       (json_int_t)run->config.seed, "data", run->config.data, "model", run->config.model, "precision",
                       run->config.precision == US_F64 ? "f64" : "f32", "batch", (json_int_t)us_training_batch(t),
                       "optimizer", summary_optimizer(run), "events", events, "verdict", verdict ? verdict : json_null());
    if (object && json_object_set_new(object, "watch", summary_watch(run)) != 0) json_decref(object), object = NULL;
    if (object && us_model_is_formula(run->model) && (status = us__run_fit(run, object)) != US_OK) goto done;
    dumped = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (dumped) *text = us__text_copy(run->context, dumped);
    if (!*text) status = dumped ? US_ERR_NOMEM : us__fail(run->context, US_ERR_NOMEM, "out of memory for JSON");
done:
    free(dumped);
    json_decref(object);
    json_decref(loss);
    json_decref(metric);
    json_decref(metrics);
    json_decref(events);
    json_decref(verdict);
    return status;
}
