#include "run/run.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

us_status us__run_new(us_run **out, us_context *context, const char *folder) {
    us_run *run = *out = us__new(context, 1, sizeof *run);
    if (!run) return US_ERR_NOMEM;
    run->context = context;
    run->lock = -1;
    run->steps_planned = UINT64_MAX;
    run->folder = us__text_copy(context, folder);
    size_t length = run->folder ? strlen(run->folder) : 0;
    while (length > 1 && run->folder[length - 1] == '/') run->folder[--length] = '\0';
    return run->folder ? US_OK : US_ERR_NOMEM;
}

void us_run_destroy(us_run *run) {
    if (!run) return;
    us__run_remakes_release(run);
    us__store_close(run->store);
    us_vec_destroy(run->weights);
    us__path_release(run);
    us_training_destroy(run->training);
    us_watch_destroy(run->watch);
    us_problem_destroy(run->test_problem);
    if (run->seen != run->problem) us_problem_destroy(run->seen);
    if (run->problem != run->bare) us_problem_destroy(run->problem);
    us_problem_destroy(run->bare);
    us_model_destroy(run->model);
    if (!run->data_borrowed) us_data_destroy(run->data);
    json_decref(run->config_object);
    us__release(run->context, run->config_text);
    us__release(run->context, run->status);
    us__release(run->context, run->folder);
    if (run->lock >= 0) close(run->lock);
    us__release(run->context, run);
}

us_status us__run_set_text(us_run *run, char **to, const char *key, const char *value) {
    char *copy = us__text_copy(run->context, value);
    if (!copy) return US_ERR_NOMEM;
    us__release(run->context, *to);
    *to = copy;
    return us__store_set(run->store, key, copy);
}

void us__run_reword_error(const us_run *run, const char *from, const char *to) {
    char text[1024];
    const char *error = us_context_error(run->context), *at = strstr(error, from);
    if (!at) return;
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - error), error, to, at + strlen(from));
    us__fail(run->context, US_ERR_INPUT, "%s", text);
}

static us_status run_no_json(us_context *context) { return us__fail(context, US_ERR_NOMEM, "out of memory for JSON"); }

us_status us__run_take_config(us_run *run, json_t *object) {
    if (!object) return run_no_json(run->context);
    json_decref(run->config_object);
    run->config_object = object;
    const us_rule *rule = run->config.rule; /* no text tells it */
    us_status status = us__run_config_from_json(run->context, object, &run->config);
    run->config.rule = rule;
    char *text = status == US_OK ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (status == US_OK && !text) status = run_no_json(run->context);
    if (status != US_OK) return status;
    us__release(run->context, run->config_text);
    run->config_text = us__text_copy(run->context, text);
    free(text);
    return run->config_text ? US_OK : US_ERR_NOMEM;
}

/* ------------------------------------------------------------------ looking at it */

const char *us_run_folder(const us_run *run) { return run->folder; }
const char *us_run_config_json(const us_run *run) { return run->config_text; }
us_training *us_run_training(const us_run *run) { return run->training; }
const us_data *us_run_data(const us_run *run) { return run->data; }
const us_model *us_run_model(const us_run *run) { return run->model; }
us_context *us_run_context(const us_run *run) { return run->context; }
uint64_t us_run_steps_planned(const us_run *run) { return run->steps_planned; }
const char *us_run_status(const us_run *run) { return run->status; }
double us_run_seconds(const us_run *run) { return run->seconds; }

double us_run_first_loss(const us_run *run) {
    us__losses losses;
    return us__store_losses(run->store, 0, &losses) == US_OK ? losses.first : (double)NAN;
}

uint64_t us_run_seed(const us_run *run) { return run->config.seed; }

/* ------------------------------------------------------------------ changing it */

us_status us_run_set_status(us_run *run, const char *status) {
    us_status may = us__run_may_change(run);
    if (may != US_OK) return may;
    static const char *const KNOWN[] = {"finished", "stuck", "diverged", "interrupted"};
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (!strcmp(status, KNOWN[i])) return us__run_set_text(run, &run->status, "status", status);
    return us__fail(run->context, US_ERR_ARGUMENT,
                    "'%s' is no status of a run; it must be finished, stuck, diverged or interrupted", status);
}

us_status us_run_log_event(us_run *run, const char *kind, const char *text) {
    return us__store_event(run->store, us_training_steps(run->training), kind, text);
}

/* `what`: "a verdict" */
static us_status run_check_json(us_run *run, const char *what, const char *json) {
    json_error_t error;
    json_t *object = json_loads(json, 0, &error);
    if (!object)
        return us__fail(run->context, US_ERR_ARGUMENT, "%s must be JSON: line %d: %s", what, error.line, error.text);
    json_decref(object);
    return US_OK;
}

us_status us_run_log_verdict(us_run *run, const char *json) {
    us_status status = run_check_json(run, "a verdict", json);
    return status == US_OK ? us__store_verdict(run->store, us_training_steps(run->training), json) : status;
}

us_status us_run_log_result(us_run *run, const char *kind, const char *name, const char *json) {
    us_status status = run_check_json(run, "a result", json);
    return status == US_OK ? us__store_result(run->store, us_training_steps(run->training), kind, name, json) : status;
}

us_status us_run_results(us_context *context, const char *folder, const char *kind, char **text) {
    us__store *store = NULL;
    json_t *list = NULL;
    *text = NULL;
    us_status status = us__store_open_readonly(&store, context, folder);
    if (status == US_OK) status = us__store_results(store, kind, &list);
    char *dumped = status == US_OK ? json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (dumped)
        *text = us__text_copy(context, dumped);
    else if (status == US_OK)
        status = run_no_json(context);
    if (dumped && !*text) status = US_ERR_NOMEM;
    free(dumped);
    json_decref(list);
    us__store_close(store);
    return status;
}

us_status us_run_adopt(us_run *run, const us_training *training, const char *event_kind, const char *event_text) {
    us_status status = us__run_may_change(run);
    if (status != US_OK) return status;
    us__remake *remade = us__run_remade(run, training);
    if (remade) return us__run_adopt_remade(run, remade, training, event_kind, event_text);
    us_training *copy = NULL, *before = run->training;
    if ((status = us_training_copy(&copy, training, run->problem)) != US_OK) return status;
    run->training = copy;
    if ((status = us__run_observe(run)) == US_OK) status = us_run_checkpoint(run);
    if (status != US_OK) {
        run->training = before;
        us_training_destroy(copy);
        return status;
    }
    status = us__run_watch_move(run, copy);
    us_training_destroy(before);
    if (status == US_OK) status = us__store_trim(run->store, us_training_steps(copy)); /* of a roll-back: what it undoes */
    return status == US_OK ? us_run_log_event(run, event_kind, event_text) : status;
}
