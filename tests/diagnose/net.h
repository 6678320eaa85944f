/* Small nets on small data, trained and diagnosed. */
#ifndef TESTS_DIAGNOSE_NET_H
#define TESTS_DIAGNOSE_NET_H

#include "support.h"
#include <unstuck/diagnose.h>
#include <unstuck/model.h>

enum { NET_MOST = 64 };

typedef struct net {
    us_dataset *data;
    us_model *model;
    us_problem *problem;
    us_training *training;
    us_vec *theta; /* the start: to be changed between net_make and net_train */
} net;

typedef void (*net_target)(us_rng *rng, const double *x, double *y); /* y is a class for classification */

/* `distinct` standard normal rows, repeated until there are `rows`. */
static inline void net_make(net *s, us_context *context, const char *model, us_task task, size_t rows, size_t distinct,
                            size_t columns, net_target target, uint64_t seed) {
    us_rng rng = us_rng_init(seed, 1);
    double x[NET_MOST], y;
    assert_int_equal(us_dataset_create(&s->data, context, US_F64, rows, columns, task, task == US_REGRESSION ? 1 : 2),
                     US_OK);
    for (size_t i = 0; i < rows; i++) {
        us_rng same = us_rng_init(seed, 2 + i % distinct);
        for (size_t j = 0; j < columns; j++)
            ((double *)us_dataset_features(s->data))[i * columns + j] = x[j] = us_rng_normal(&same);
        target(&rng, x, &y);
        if (task == US_REGRESSION)
            ((double *)us_dataset_targets(s->data))[i] = y;
        else
            us_dataset_labels(s->data)[i] = (uint32_t)y;
    }
    us_model_options o = US_MODEL_OPTIONS_INIT;
    o.text = model, o.inputs = columns, o.outputs = task == US_REGRESSION ? 1 : 2, o.task = task;
    assert_int_equal(us_model_create(&s->model, context, &o), US_OK);
    assert_int_equal(us_model_problem(&s->problem, s->model, s->data), US_OK);
    assert_int_equal(us_vec_create(&s->theta, context, US_F64, us_problem_dimension(s->problem)), US_OK);
    size_t count;
    const us_group *groups = us_problem_groups(s->problem, &count);
    assert_int_equal(us_model_initialize(s->model, NULL, groups, count, &rng, s->theta), US_OK);
    s->training = NULL;
}

/* Every element of a group. */
static inline void net_fill(net *s, const char *group, size_t from, size_t to, double value) {
    size_t count;
    const us_group *groups = us_problem_groups(s->problem, &count);
    for (size_t g = 0; g < count; g++)
        if (strcmp(groups[g].name, group) == 0)
            for (size_t i = from; i < to && i < groups[g].count; i++) us_vec_set(s->theta, groups[g].offset + i, value);
}

static inline void net_scale(net *s, const char *group, double factor) {
    size_t count;
    const us_group *groups = us_problem_groups(s->problem, &count);
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; strcmp(groups[g].name, group) == 0 && i < groups[g].count; i++)
            us_vec_set(s->theta, groups[g].offset + i, factor * us_vec_get(s->theta, groups[g].offset + i));
}

static inline void net_train(net *s, const char *rule, double rate, size_t batch, uint64_t steps) {
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    o.rule = us_rule_find(rule), o.learning_rate = rate, o.batch = batch;
    assert_int_equal(us_training_create(&s->training, s->problem, s->theta, &o), US_OK);
    assert_int_equal(us_training_advance(s->training, steps), US_OK);
}

static inline void net_close(net *s) {
    us_training_destroy(s->training);
    us_vec_destroy(s->theta);
    us_problem_destroy(s->problem);
    us_model_destroy(s->model);
    us_dataset_destroy(s->data);
}

static inline void net_assert(const us_diagnosis *d, const char *which, us_verdict_name name, const char *cause) {
    if (d->verdict.name != name || (d->verdict.cause == NULL) != (cause == NULL) ||
        (cause && strcmp(d->verdict.cause, cause)))
        fail_msg("%s (loss %g, floor %g): %s, %s instead of %s, %s", which, d->evidence.loss, d->evidence.floor,
                 us_verdict_text(d->verdict.name), d->verdict.cause ? d->verdict.cause : "no cause", us_verdict_text(name),
                 cause ? cause : "no cause");
}

static inline void net_expect(net *s, const char *which, us_verdict_name name, const char *cause) {
    us_diagnosis *d;
    assert_int_equal(us_diagnose(&d, s->training, NULL), US_OK);
    net_assert(d, which, name, cause);
    us_diagnosis_destroy(d);
}

#endif
