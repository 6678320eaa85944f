#include "run/remake.h"
#include <stdio.h>
#include <string.h>

static const us__remake_way *const REMAKE_WAYS[US__REMAKES] = {&us__remake_standardize, &us__remake_lift};

static void remake_destroy(us_run *run, us__remake *r) {
    if (!r) return;
    us_run_destroy(r->other);
    r->way->release(r);
    us__release(run->context, r);
}

void us__run_remakes_release(us_run *run) {
    for (size_t i = 0; i < US__REMAKES; i++) {
        remake_destroy(run, run->remakes[i]);
        run->remakes[i] = NULL;
    }
}

/* ------------------------------------------------------------------ making it */

static us_status remake_fill(us_run *run, us__remake *r) {
    us_run_config config = run->config;
    config.start = NULL; /* for the problem that it was, and long left */
    config.keep_path = 0;
    us_status status = us__run_new(&r->other, run->context, run->folder);
    if (status != US_OK) return status;
    r->other->config.rule = run->config.rule;
    if ((status = r->way->plan(run, r, &config)) != US_OK) return status;
    if (!r->other->data) r->other->data = run->data, r->other->data_borrowed = true;
    status = us__run_take_config(r->other, us__run_config_to_json(&config));
    return status == US_OK ? us__run_assemble(r->other, NULL, NULL, 0) : status;
}

/* That there is none is remembered where it will not change: to find out may have meant to read the file. */
static us_status remake_make(us_run *run, const us__remake_way *way, us__remake **out) {
    us__remake *r = *out = us__new(run->context, 1, sizeof *r);
    if (!r) return US_ERR_NOMEM;
    r->way = way;
    r->unit[0] = r->unit[1] = 1;
    us_status status = remake_fill(run, r);
    if (status == US_OK) return status;
    us_run_destroy(r->other);
    r->other = NULL;
    if (way->lasts && status == US_ERR_UNSUPPORTED) {
        snprintf(r->refused, sizeof r->refused, "%s", us_context_error(run->context));
        return status;
    }
    remake_destroy(run, r);
    *out = NULL;
    return status;
}

/* The run's training on the other's problem, into other->training. */
static us_status remake_training(us_run *run, us__remake *r) {
    us_run *other = r->other;
    us_vec *theta = NULL;
    us_training *training = NULL;
    us_status status =
        us_vec_create(&theta, run->context, us_problem_precision(other->problem), us_problem_dimension(other->problem));
    if (status == US_OK) status = r->way->theta(run, r, us_training_theta(run->training), theta);
    if (status == US_OK) status = us_training_move(&training, run->training, other->problem, theta);
    if (status == US_OK) {
        US__SWAP(us_training *, other->training, training);
        status = r->way->begin(run, r);
    }
    us_training_destroy(training);
    us_vec_destroy(theta);
    return status;
}

us_status us_run_remake(us_run *run, const char *remedy, us_remade *out) {
    size_t i = 0;
    *out = (us_remade){.unit = {1, 1}};
    while (i < US__REMAKES && strcmp(REMAKE_WAYS[i]->remedy, remedy) != 0) i++;
    if (i == US__REMAKES)
        return us__fail(run->context, US_NOT_FOUND, "there is no remedy \"%s\" that changes the problem of a run", remedy);
    us__remake **at = &run->remakes[i];
    us_status status = REMAKE_WAYS[i]->check(run);
    if (status != US_OK) return status;
    if (*at && !(*at)->way->lasts) {
        remake_destroy(run, *at);
        *at = NULL;
    }
    if (*at && *(*at)->refused) return us__fail(run->context, US_ERR_UNSUPPORTED, "%s", (*at)->refused);
    if (!*at && (status = remake_make(run, REMAKE_WAYS[i], at)) != US_OK) return status;
    if ((status = remake_training(run, *at)) != US_OK) return status;
    if ((status = us_training_copy(&out->training, (*at)->other->training, NULL)) != US_OK) return status;
    for (int k = 0; k < 2; k++) out->unit[k] = (*at)->unit[k];
    out->price = (*at)->price;
    snprintf(out->what, sizeof out->what, "%s", (*at)->what);
    return US_OK;
}

/* ------------------------------------------------------------------ adopting it */

us__remake *us__run_remade(const us_run *run, const us_training *training) {
    for (size_t i = 0; i < US__REMAKES; i++) {
        us__remake *r = run->remakes[i];
        if (r && r->other && us_training_problem(training) == r->other->problem) return r;
    }
    return NULL;
}

/* All but training and path, which the caller sees to. */
static void remake_swap(us_run *a, us_run *b) {
    if (!b->data_borrowed) US__SWAP(us_data *, a->data, b->data);
    US__SWAP(us_model *, a->model, b->model);
    US__SWAP(us_problem *, a->bare, b->bare);
    US__SWAP(us_problem *, a->problem, b->problem);
    US__SWAP(us_problem *, a->seen, b->seen);
    US__SWAP(us_problem *, a->test_problem, b->test_problem);
    US__SWAP(us_vec *, a->weights, b->weights);
    US__SWAP(json_t *, a->config_object, b->config_object);
    US__SWAP(us_run_config, a->config, b->config);
    US__SWAP(char *, a->config_text, b->config_text);
}

/* The path as one of the other problem. @param out [caller releases steps and places, also on failure] */
static us_status remake_path(const us_run *run, const us__remake *r, us__path *out) {
    const us__path *path = &run->path;
    us_precision precision = us_problem_precision(run->problem);
    us_status status = US_OK;
    *out = *path;
    out->steps = NULL, out->places = NULL;
    out->n = us_problem_dimension(r->other->problem);
    out->bytes = out->n * us_precision_bytes(precision);
    if (path->most == 0) return US_OK;
    out->steps = us__alloc(run->context, path->most, sizeof *out->steps);
    out->places = us__alloc(run->context, path->most, out->bytes);
    if (!out->steps || !out->places) return US_ERR_NOMEM;
    memcpy(out->steps, path->steps, path->count * sizeof *out->steps);
    for (size_t i = 0; i < path->count && status == US_OK; i++) {
        us_vec *from = NULL, *to = NULL;
        status = us_vec_wrap(&from, run->context, precision, path->n, path->places + i * path->bytes);
        if (status == US_OK) status = us_vec_wrap(&to, run->context, precision, out->n, out->places + i * out->bytes);
        if (status == US_OK) status = r->way->theta(run, r, from, to);
        us_vec_destroy(from);
        us_vec_destroy(to);
    }
    return status;
}

/* On disk: all of it or nothing. The files are written beside, the log's transaction says that they hold, and then they take
 * their places (checkpoint.c). */
static us_status remake_write(us_run *run, const us__remake *r, const char *kind, const char *text) {
    us_status status = us__store_remake_begin(run->store, run->config_text, us_data_encoding(run->data), r->unit);
    if (status != US_OK) return status;
    if ((status = us__run_observe(run)) == US_OK) status = us__run_checkpoint_prepare(run);
    if (status == US_OK) status = us_run_log_event(run, kind, text);
    if (status == US_OK) status = us__store_remake_done(run->store);
    if (status != US_OK) us__store_remake_undo(run->store);
    return status;
}

us_status us__run_adopt_remade(us_run *run, us__remake *r, const us_training *training, const char *kind, const char *text) {
    us_run *other = r->other;
    us_training *copy = NULL, *before = run->training;
    us__path path = {0};
    us_status status = us_training_copy(&copy, training, other->problem);
    if (status == US_OK) status = remake_path(run, r, &path);
    other->config.learning_rate = us_training_learning_rate(training);
    other->config.keep_path = run->config.keep_path;
    if (status == US_OK) status = us__run_take_config(other, us__run_config_to_json(&other->config));
    if (status == US_OK) status = us__store_flush(run->store);
    if (status != US_OK) goto done;

    remake_swap(run, other);
    run->training = copy;
    US__SWAP(us__path, run->path, path);
    if ((status = remake_write(run, r, kind, text)) != US_OK) { /* as it was; nothing of it is on disk */
        remake_swap(run, other);
        run->training = before;
        US__SWAP(us__path, run->path, path);
        goto done;
    }
    copy = NULL;
    if (us__run_checkpoint_take(run) != US_OK)
        us_context_error_clear(run->context); /* adopted all the same: see unsettled */
    status = us__run_watch_move(run, run->training);
    us_training_destroy(before);
    us__run_remakes_release(run); /* they were of the problem that is no more */
done:
    us_training_destroy(copy);
    us__release(run->context, path.steps);
    us__release(run->context, path.places);
    return status;
}
