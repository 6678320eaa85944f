/* Running statistics are no parameters: a diagnosis, its spectrum and the way out leave them where they are. */
#include "net.h"
#include <unstuck/remedy.h>

enum { STATES = 4 }; /* layer2.mean [2], layer2.variance [2] */

static void target_bent(us_rng *rng, const double *x, double *y) { *y = tanh(x[0] - x[1]) + 0.1 * us_rng_normal(rng); }
static void target_even(us_rng *rng, const double *x, double *y) { *y = x[0] * x[1] + 0.01 * us_rng_normal(rng); }

static const us_sign *sign_named(const us_diagnosis *d, const char *name) {
    for (size_t i = 0; i < d->sign_count; i++)
        if (strcmp(d->signs[i].name, name) == 0) return &d->signs[i];
    return NULL;
}

static double loss_at(us_problem *problem, const us_vec *theta) {
    double loss;
    assert_int_equal(us_problem_value(problem, theta, US_BATCH_ALL, &loss), US_OK);
    return loss;
}

static void a_diagnosis_is_of_the_parameters(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    static const char *const RULES[] = {"sgd", "adam"};
    for (size_t k = 0; k < 2; k++) {
        net s;
        us_diagnosis *d;
        us_training *copy;
        net_make(&s, context, "dense 2, batch-norm, tanh", US_REGRESSION, 90, 90, 3, target_bent, 5);
        net_train(&s, RULES[k], 0.05, 30, 60);
        us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
        o.steps = 20;
        if (us_diagnose(&d, s.training, &o) != US_OK) fail_msg("%s", us_context_error(context));
        const us_evidence *e = &d->evidence;
        assert_int_equal(e->parameters, us_problem_dimension(s.problem) - STATES);
        assert_true(e->gradient_checked && e->gradient_right);
        assert_true(e->hessian_checked && e->hessian_right);
        assert_true(e->counted && e->negative + e->zero + e->positive == e->parameters);
        assert_true(e->frozen_share == 0);
        assert_true(isfinite(e->stability_limit));
        assert_true(e->training_form);
        assert_non_null(sign_named(d, "evaluation_form"));
        /* The copy that went on has moved its running statistics, and is judged by those. */
        double before = loss_at(s.problem, us_training_theta(s.training));
        assert_int_equal(us_training_copy(&copy, s.training, NULL), US_OK);
        assert_int_equal(us_training_advance(copy, 20), US_OK);
        assert_near(e->decrease_carrying_on, before - loss_at(s.problem, us_training_theta(copy)), 1e-12, 1e-15);
        us_training_destroy(copy);
        us_diagnosis_destroy(d);
        net_close(&s);
    }
    us_context_destroy(context);
}

static void a_problem_of_one_form_says_nothing(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    net s;
    us_diagnosis *d;
    net_make(&s, context, "dense 2 tanh", US_REGRESSION, 90, 90, 3, target_bent, 5);
    net_train(&s, "sgd", 0.05, 30, 60);
    assert_int_equal(us_diagnose(&d, s.training, NULL), US_OK);
    assert_int_equal(d->evidence.parameters, us_problem_dimension(s.problem));
    assert_false(d->evidence.training_form);
    assert_null(sign_named(d, "evaluation_form"));
    us_diagnosis_destroy(d);
    net_close(&s);
    us_context_destroy(context);
}

/* All weights zero but gains: units that can't be told apart, and a product to learn. */
static void the_way_out_leaves_running_statistics(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    net s;
    us_diagnosis *d;
    net_make(&s, context, "dense 2, batch-norm, tanh, dense 2 tanh", US_REGRESSION, 80, 80, 2, target_even, 5);
    us_vec_fill(s.theta, 0);
    net_fill(&s, "layer2.gain", 0, 2, 1);
    net_fill(&s, "layer2.mean", 0, 2, 0.125);
    net_fill(&s, "layer2.variance", 0, 2, 1.5);
    net_fill(&s, "layer4.bias", 0, 1, 0.0625);
    net_train(&s, "sgd", 1e-3, 0, 0);
    assert_int_equal(us_diagnose(&d, s.training, NULL), US_OK);
    assert_non_null(d->point);
    assert_non_null(d->point->escape);
    us_vec *before;
    size_t n = us_problem_dimension(s.problem), groups, held = 0;
    assert_int_equal(us_vec_create(&before, context, US_F64, n), US_OK);
    us_vec_copy(before, us_training_theta(s.training));
    us_status status = us_remedy_find("escape")->apply(s.training, d, 1000);
    if (status != US_OK) fail_msg("%s", us_context_error(context));
    const us_vec *after = us_training_theta(s.training);
    assert_true(loss_at(s.problem, after) < loss_at(s.problem, before));
    const us_group *group = us_problem_groups(s.problem, &groups);
    for (size_t g = 0; g < groups; g++)
        for (size_t i = group[g].offset; group[g].state && i < group[g].offset + group[g].count; i++, held++)
            assert_true(us_vec_get(after, i) == us_vec_get(before, i));
    assert_int_equal(held, STATES);
    us_vec_destroy(before);
    us_diagnosis_destroy(d);
    net_close(&s);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_diagnosis_is_of_the_parameters),
        cmocka_unit_test(a_problem_of_one_form_says_nothing),
        cmocka_unit_test(the_way_out_leaves_running_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
