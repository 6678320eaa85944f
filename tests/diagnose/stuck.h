/* Least squares on data drawn here, trained, and diagnosed: what the tests of stuck trainings share. */
#ifndef STUCK_H
#define STUCK_H

#include "support.h"
#include <unstuck/linear.h>
#include <unstuck/remedy.h>

typedef struct stuck {
    us_context *context;
    us_dataset *data;
    us_problem *problem;
    us_training *training;
    us_diagnosis *diagnosis;
} stuck;

/* y = 1.5·x₀ − 0.7·x₁ + .. + 0.3 + noise·N(0, 1), x[i][j] ~ scale[j]·N(0, 1) (scale NULL: all 1). */
static inline void stuck_data(stuck *s, us_precision precision, size_t rows, size_t columns, const double *scale,
                              double noise, uint64_t seed) {
    us_rng rng = us_rng_init(seed, 1);
    s->context = support_plain_context();
    assert_int_equal(us_dataset_create(&s->data, s->context, precision, rows, columns, US_REGRESSION, 1), US_OK);
    for (size_t i = 0; i < rows; i++) {
        double target = 0.3 + noise * us_rng_normal(&rng);
        for (size_t j = 0; j < columns; j++) {
            double x = us_rng_normal(&rng);
            target += (j % 2 ? -0.7 : 1.5) * x;
            if (scale) x *= scale[j];
            if (precision == US_F64)
                ((double *)us_dataset_features(s->data))[i * columns + j] = x;
            else
                ((float *)us_dataset_features(s->data))[i * columns + j] = (float)x;
        }
        if (precision == US_F64)
            ((double *)us_dataset_targets(s->data))[i] = target;
        else
            ((float *)us_dataset_targets(s->data))[i] = (float)target;
    }
}

/* From θ = 0, trained and diagnosed. */
static inline void stuck_train(stuck *s, us_training_options *o, uint64_t steps) {
    us_vec *theta;
    us_precision precision = us_dataset_precision(s->data);
    assert_int_equal(us_problem_create_linear(&s->problem, s->data, US_LINEAR_HALF_MSE), US_OK);
    assert_int_equal(us_vec_create(&theta, s->context, precision, us_problem_dimension(s->problem)), US_OK);
    assert_int_equal(us_training_create(&s->training, s->problem, theta, o), US_OK);
    us_vec_destroy(theta);
    assert_int_equal(us_training_advance(s->training, steps), US_OK);
    assert_int_equal(us_diagnose(&s->diagnosis, s->training, NULL), US_OK);
}

static inline void stuck_verdict(const stuck *s, us_verdict_name name, const char *cause) {
    const us_verdict *v = &s->diagnosis->verdict;
    if (v->name != name || (v->cause == NULL) != (cause == NULL) || (cause && strcmp(v->cause, cause)))
        fail_msg("%s, %s instead of %s, %s", us_verdict_text(v->name), v->cause ? v->cause : "no cause",
                 us_verdict_text(name), cause ? cause : "no cause");
}

/* The remedy is offered, helps, and comes to at most `reach`. */
static inline void stuck_cured(const stuck *s, const char *remedy, uint64_t steps, double reach) {
    us_trials *trials;
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    o.steps = steps;
    assert_int_equal(us_remedy_try(&trials, s->training, s->diagnosis, &o), US_OK);
    bool found = false;
    for (size_t i = 0; i < trials->count; i++) {
        const us_trial *t = &trials->trials[i];
        if (strcmp(t->remedy->name, remedy) != 0) continue;
        found = true;
        if (!t->helps || !(t->loss_with_remedy <= reach))
            fail_msg("%s: %g -> %g, carrying on %g, wanted %g", remedy, t->loss_before, t->loss_with_remedy,
                     t->loss_carrying_on, reach);
    }
    assert_true(found);
    us_trials_destroy(trials);
}

static inline void stuck_close(stuck *s) {
    us_diagnosis_destroy(s->diagnosis);
    us_training_destroy(s->training);
    us_problem_destroy(s->problem);
    us_dataset_destroy(s->data);
    us_context_destroy(s->context);
}

#endif
