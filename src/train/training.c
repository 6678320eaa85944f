/* A training's life: created, copied, destroyed; looked at; one thing changed. */
#include "train/training.h"
#include "descend/descend.h"
#include "problem/problem.h"
#include "vec/vec.h"
#include <math.h>
#include <string.h>

enum { TRAINING_AHEAD = 1024 }; /* rates that a sum of them looks at */

void us_training_options_init(us_training_options *options) { *options = (us_training_options)US_TRAINING_OPTIONS_INIT; }

/* ------------------------------------------------------------------ checks, shared by create and the setters */

static us_status training_check_rate(us_context *context, double learning_rate) {
    if (learning_rate > 0 && isfinite(learning_rate)) return US_OK;
    return us__fail(context, US_ERR_ARGUMENT, "--lr %g: the learning rate must be greater than 0 and finite", learning_rate);
}

static us_status training_check_clip(us_context *context, double clip_norm) {
    if (clip_norm >= 0 && isfinite(clip_norm)) return US_OK;
    return us__fail(context, US_ERR_ARGUMENT, "--clip-norm %g: the bound must be greater than 0 and finite, or 0 for none",
                    clip_norm);
}

static us_status training_check_rest(us_context *context, const us_training_options *o) {
    if (!(o->clip_value >= 0 && isfinite(o->clip_value)))
        return us__fail(context, US_ERR_ARGUMENT,
                        "--clip-value %g: the bound must be greater than 0 and finite, or 0 for none", o->clip_value);
    if (!(o->weight_decay >= 0 && isfinite(o->weight_decay)))
        return us__fail(context, US_ERR_ARGUMENT, "--weight-decay %g: it must be 0 or greater, and finite", o->weight_decay);
    if (o->accumulate < 1 || o->accumulate > 1000000)
        return us__fail(context, US_ERR_ARGUMENT, "--accumulate %zu: it must be 1 to 1000000 batches", o->accumulate);
    return US_OK;
}

static us_status training_check_theta(us_context *context, const us_problem *problem, const us_vec *theta) {
    if (us_vec_size(theta) == us_problem_dimension(problem)) return US_OK;
    return us__fail(context, US_ERR_ARGUMENT, "theta has %zu elements; the problem has %zu parameters", us_vec_size(theta),
                    us_problem_dimension(problem));
}

/* Sets the rule, and its hyperparameters (NULL: its defaults), with a state of zeros. Nothing changes after an error. */
static us_status training_take_rule(us_training *t, const us_rule *rule, const double *hyper) {
    us_precision precision = us_problem_precision(t->problem);
    us_vec *state[US_RULE_STATES_MAX] = {0}, *signs = NULL, *diagonal = NULL;
    double values[US_RULE_HYPERPARAMETERS_MAX], *memory = NULL, *scratch = NULL;
    size_t n = us_problem_dimension(t->problem), groups;
    const us_group *group = us_problem_groups(t->problem, &groups);
    us_status status = us__rule_check(t->context, rule, precision);
    if (status != US_OK) return status;
    us__rule_defaults(rule, values);
    if (hyper) memcpy(values, hyper, rule->hyperparameter_count * sizeof *values);
    if ((status = us__rule_check_hyper(t->context, rule, values)) != US_OK) return status;
    for (size_t k = 0; k < rule->states; k++) {
        status = us_vec_create(&state[k], t->context, precision, n);
        if (status != US_OK) goto done;
    }
    size_t memory_count = us__rule_memory(rule, group, groups), scratch_count = us__rule_scratch(rule, group, groups);
    status = US_ERR_NOMEM;
    if (memory_count && !(memory = us__new(t->context, memory_count, sizeof *memory))) goto done;
    if (scratch_count && !(scratch = us__alloc(t->context, scratch_count, sizeof *scratch))) goto done;
    if (rule->wants_diagonal && us_vec_create(&signs, t->context, precision, n) != US_OK) goto done;
    if (rule->wants_diagonal && us_vec_create(&diagonal, t->context, precision, n) != US_OK) goto done;
    status = US_OK;
    t->rule = rule;
    t->rule_steps = 0;
    memcpy(t->hyper, values, rule->hyperparameter_count * sizeof *values);
    t->memory_count = memory_count;
    /* What is left in the variables is the old. */
    for (size_t k = 0; k < US_RULE_STATES_MAX; k++) US__SWAP(us_vec *, t->state[k], state[k]);
    US__SWAP(us_vec *, t->signs, signs);
    US__SWAP(us_vec *, t->diagonal, diagonal);
    US__SWAP(double *, t->memory, memory);
    US__SWAP(double *, t->scratch, scratch);
done:
    for (size_t k = 0; k < US_RULE_STATES_MAX; k++) us_vec_destroy(state[k]);
    us_vec_destroy(signs);
    us_vec_destroy(diagonal);
    us__release(t->context, memory);
    us__release(t->context, scratch);
    return status;
}

/* ------------------------------------------------------------------ create, copy, destroy */

us_status us_training_create(us_training **out, us_problem *problem, const us_vec *theta,
                             const us_training_options *options) {
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    us_context *context = us_problem_context(problem);
    us_training *t = NULL;
    *out = NULL;
    if (options) o = *options;
    if (o.version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_training_options: version is %u; this library knows 1", o.version);
    if (!o.rule) o.rule = us_rule_find("sgd");
    if (o.learning_rate == 0) o.learning_rate = o.rule->learning_rate;
    us_status status = training_check_rate(context, o.learning_rate);
    if (status == US_OK) status = training_check_clip(context, o.clip_norm);
    if (status == US_OK) status = training_check_theta(context, problem, theta);
    if (status == US_OK) status = training_check_rest(context, &o);
    if (status != US_OK) return status;
    if (!(t = us__new(context, 1, sizeof *t))) return US_ERR_NOMEM;
    t->context = context;
    t->problem = problem;
    t->learning_rate = o.learning_rate;
    t->clip_norm = o.clip_norm;
    t->clip_value = o.clip_value;
    t->weight_decay = o.weight_decay;
    t->accumulate = o.accumulate;
    if ((status = us__average_parse(context, o.average, &t->average)) != US_OK) goto done;
    size_t groups, running = 0;
    const us_group *group = us_problem_groups(problem, &groups);
    status = US_ERR_NOMEM;
    if (!(t->decay_groups = us__text_copy(context, o.decay_groups ? o.decay_groups : ""))) goto done;
    if (!(t->decays = us__new(context, groups, sizeof *t->decays))) goto done;
    if ((status = us__decay_choose(context, t->decay_groups, group, groups, t->decays)) != US_OK) goto done;
    if ((status = us_schedule_parse(context, o.schedule.text, o.schedule.warmup, &t->schedule)) != US_OK) {
        status = US_ERR_ARGUMENT;
        goto done;
    }
    if ((status = us__order_init(&t->order, context, us_problem_samples(problem), o.batch, o.sampling, o.seed)) != US_OK)
        goto done;
    if ((status = training_take_rule(t, o.rule, o.hyper)) != US_OK) goto done;
    us_precision precision = us_problem_precision(problem);
    if ((status = us_vec_create(&t->theta, context, precision, us_vec_size(theta))) != US_OK) goto done;
    if ((status = us_vec_create(&t->gradient, context, precision, us_vec_size(theta))) != US_OK) goto done;
    if (o.accumulate > 1 && (status = us_vec_create(&t->part, context, precision, us_vec_size(theta))) != US_OK) goto done;
    if (t->average.on && (status = us_vec_create(&t->averaged, context, precision, us_vec_size(theta))) != US_OK) goto done;
    us_vec_copy(t->theta, theta);
    for (size_t k = 0; k < groups; k++) running += group[k].state ? group[k].count : 0;
    if (running && !(t->running = us__alloc(context, running, sizeof *t->running))) {
        status = US_ERR_NOMEM;
        goto done;
    }
    *out = t;
    t = NULL;
done:
    us_training_destroy(t);
    return status;
}

void us_training_destroy(us_training *training) {
    if (!training) return;
    for (size_t k = 0; k < US_RULE_STATES_MAX; k++) us_vec_destroy(training->state[k]);
    us_vec_destroy(training->part);
    us_vec_destroy(training->averaged);
    us_vec_destroy(training->signs);
    us_vec_destroy(training->diagonal);
    us__release(training->context, training->memory);
    us__release(training->context, training->scratch);
    us__release(training->context, training->running);
    us__release(training->context, training->decays);
    us__release(training->context, training->decay_groups);
    us_vec_destroy(training->gradient);
    us_vec_destroy(training->theta);
    us__order_release(&training->order, training->context);
    us__release(training->context, training);
}

/* A training of the same make at the same step, at theta, with a state of zeros. */
static us_status training_again(us_training **out, const us_training *training, us_problem *problem, const us_vec *theta) {
    us_training_options options = {
        .version = 1,
        .rule = training->rule,
        .hyper = training->hyper,
        .learning_rate = training->learning_rate,
        .schedule = training->schedule,
        .clip_norm = training->clip_norm,
        .clip_value = training->clip_value,
        .weight_decay = training->weight_decay,
        .decay_groups = training->decay_groups,
        .average = training->average.text,
        .accumulate = training->accumulate,
        .batch = training->order.batch,
        .sampling = training->order.sampling,
        .seed = training->order.seed,
    };
    us_training *again;
    *out = NULL;
    us_status status = us_training_create(&again, problem, theta, &options);
    if (status != US_OK) return status;
    again->steps = training->steps;
    again->schedule_steps = training->schedule_steps;
    again->samples_seen = training->samples_seen;
    again->order.epoch = training->order.epoch;
    again->order.position = training->order.position;
    if ((again->order.drawn = training->order.drawn))
        memcpy(again->order.rows, training->order.rows, training->order.count * sizeof *training->order.rows);
    again->plateau = training->plateau;
    *out = again;
    return US_OK;
}

us_status us_training_copy(us_training **out, const us_training *training, us_problem *problem) {
    *out = NULL;
    if (!problem) problem = training->problem;
    if (us_problem_dimension(problem) != us_problem_dimension(training->problem) ||
        us_problem_samples(problem) != us_problem_samples(training->problem) ||
        us_problem_precision(problem) != us_problem_precision(training->problem))
        return us__fail(us_problem_context(problem), US_ERR_ARGUMENT,
                        "a training's copy needs a problem of the same dimension, samples and precision");
    us_training *copy;
    us_status status = training_again(&copy, training, problem, training->theta);
    if (status != US_OK) return status;
    copy->rule_steps = training->rule_steps;
    for (size_t k = 0; k < training->rule->states; k++) us_vec_copy(copy->state[k], training->state[k]);
    copy->average.count = training->average.count;
    if (training->averaged) us_vec_copy(copy->averaged, training->averaged);
    if (training->memory_count) memcpy(copy->memory, training->memory, training->memory_count * sizeof *copy->memory);
    *out = copy;
    return US_OK;
}

us_status us_training_move(us_training **out, const us_training *training, us_problem *problem, const us_vec *theta) {
    *out = NULL;
    if (us_problem_samples(problem) != us_problem_samples(training->problem) ||
        us_problem_precision(problem) != us_problem_precision(training->problem))
        return us__fail(us_problem_context(problem), US_ERR_ARGUMENT,
                        "a training moves to a problem of as many samples, in the same precision");
    return training_again(out, training, problem, theta);
}

/* ------------------------------------------------------------------ looking at it */

us_problem *us_training_problem(const us_training *training) { return training->problem; }
uint64_t us_training_steps(const us_training *training) { return training->steps; }
uint64_t us_training_samples_seen(const us_training *training) { return training->samples_seen; }
const us_vec *us_training_theta(const us_training *training) { return training->theta; }
const us_rule *us_training_rule(const us_training *training) { return training->rule; }
const double *us_training_hyper(const us_training *training) { return training->hyper; }
double us_training_learning_rate(const us_training *training) { return training->learning_rate; }
us_sampling us_training_sampling(const us_training *training) { return training->order.sampling; }
const us_schedule *us_training_schedule(const us_training *training) { return &training->schedule; }
double us_training_clip_norm(const us_training *training) { return training->clip_norm; }

const us_vec *us_training_state(const us_training *training, size_t k) {
    return k < training->rule->states ? training->state[k] : NULL;
}

size_t us_training_accumulate(const us_training *training) { return training->accumulate; }

void us_training_weights(const us_training *training, us_vec *out) {
    if (us__average_read(&training->average, training->averaged, out)) return;
    if (!training->rule->weights) {
        us_vec_copy(out, training->theta);
        return;
    }
    void *state[US_RULE_STATES_MAX];
    us_rule_step now = {.step = training->rule_steps, .hyper = training->hyper};
    us_rule_whole whole = us__training_whole(training, &now, state);
    training->rule->weights(&whole, out->data);
    for (size_t k = 0; k < whole.group_count; k++)
        for (size_t i = whole.groups[k].offset; whole.groups[k].state && i < whole.groups[k].offset + whole.groups[k].count;
             i++)
            us_vec_set(out, i, us_vec_get(training->theta, i));
}

size_t us_training_batch(const us_training *training) {
    return training->order.batch ? training->order.batch : training->order.samples;
}

uint64_t us_training_steps_per_epoch(const us_training *training) {
    size_t rows = us_training_batch(training) * training->accumulate;
    return (training->order.samples - 1) / rows + 1;
}

double us_training_next_learning_rate(const us_training *training) {
    return training->learning_rate * (1 + training->plateau.factor_less_one) *
           us_schedule_factor(&training->schedule, training->schedule_steps + 1);
}

double us_training_rates_ahead(const us_training *training, uint64_t steps) {
    const us_training *t = training;
    uint64_t looks = steps < TRAINING_AHEAD ? steps : TRAINING_AHEAD;
    double sum = 0;
    for (uint64_t k = 0; k < looks; k++) { /* the middle of the k-th of as many parts */
        uint64_t at = (uint64_t)(((double)k + 0.5) * (double)steps / (double)looks);
        sum += us_schedule_factor(&t->schedule, t->schedule_steps + 1 + at);
    }
    return looks ? sum / (double)looks * (double)steps * t->learning_rate * (1 + t->plateau.factor_less_one) : 0;
}

/* ------------------------------------------------------------------ changing one thing */

us_status us_training_set_theta(us_training *training, const us_vec *theta, bool reset_state) {
    us_status status = training_check_theta(training->context, training->problem, theta);
    if (status != US_OK) return status;
    if (theta != training->theta) us_vec_copy(training->theta, theta);
    if (!reset_state) return US_OK;
    for (size_t k = 0; k < training->rule->states; k++) us_vec_fill(training->state[k], 0);
    for (size_t i = 0; i < training->memory_count; i++) training->memory[i] = 0;
    if (training->averaged) us_vec_fill(training->averaged, 0);
    training->average.count = 0;
    training->rule_steps = 0;
    return US_OK;
}

us_status us_training_set_learning_rate(us_training *training, double learning_rate, bool restart_schedule) {
    us_status status = training_check_rate(training->context, learning_rate);
    if (status != US_OK) return status;
    training->learning_rate = learning_rate;
    if (restart_schedule) {
        training->schedule_steps = 0;
        training->plateau = (us__plateau){0};
    }
    return US_OK;
}

us_status us_training_set_schedule(us_training *training, const us_schedule *schedule) {
    us_schedule parsed;
    if (us_schedule_parse(training->context, schedule->text, schedule->warmup, &parsed) != US_OK) return US_ERR_ARGUMENT;
    training->schedule = parsed;
    training->schedule_steps = 0;
    training->plateau = (us__plateau){0};
    return US_OK;
}

us_status us_training_set_rule(us_training *training, const us_rule *rule, const double *hyper) {
    return training_take_rule(training, rule, hyper);
}

us_status us_training_set_batch(us_training *training, size_t batch) {
    return us__order_set_batch(&training->order, training->context, batch);
}

us_status us_training_set_clip_norm(us_training *training, double clip_norm) {
    us_status status = training_check_clip(training->context, clip_norm);
    if (status == US_OK) training->clip_norm = clip_norm;
    return status;
}
