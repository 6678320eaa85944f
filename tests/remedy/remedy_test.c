#include "../diagnose/jet.h"
#include <unstuck/remedy.h>

/* ½‖BA − diag(3,1)‖² for 2x2 factors: minima at 0; saddles at ½ (the top pair found) and 5 (the origin). */
static jet f_linear_net(const jet *x) {
    static const double TARGET[4] = {3, 0, 0, 1};
    jet sum = jet_number(0);
    for (int i = 0; i < 4; i++) {
        jet p = jet_add(jet_mul(x[4 + i / 2 * 2], x[i % 2]), jet_mul(x[4 + i / 2 * 2 + 1], x[2 + i % 2]));
        sum = jet_add(sum, jet_square(jet_plus(p, -TARGET[i])));
    }
    return jet_times(0.5, sum);
}
/* The best that one hidden unit can do is ½: uvᵀ against diag(3,1). */
static jet f_rank_one(const jet *x) {
    jet a = jet_add(jet_square(jet_plus(jet_mul(x[0], x[2]), -3)), jet_square(jet_mul(x[0], x[3])));
    return jet_times(0.5,
                     jet_add(a, jet_add(jet_square(jet_mul(x[1], x[2])), jet_square(jet_plus(jet_mul(x[1], x[3]), -1)))));
}
static jet f_bowl(const jet *x) { return jet_add(jet_square(x[0]), jet_times(0.25, jet_square(x[1]))); }
static jet f_ridge(const jet *x) { return jet_sub(jet_square(x[0]), jet_square(jet_square(x[1]))); }

typedef struct subject {
    jet_problem jet;
    us_problem *problem;
    us_training *training;
    us_diagnosis *diagnosis;
} subject;

static void subject_open(subject *s, us_context *context, jet_function f, size_t n, const double *at, double rate,
                         const char *rule, uint64_t steps) {
    s->jet = (jet_problem){f, n};
    s->problem = jet_create(context, &s->jet);
    us_vec *theta;
    double copy[JET_MAX];
    memcpy(copy, at, n * sizeof *copy);
    assert_int_equal(us_vec_wrap(&theta, context, US_F64, n, copy), US_OK);
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    o.learning_rate = rate;
    o.rule = us_rule_find(rule);
    assert_int_equal(us_training_create(&s->training, s->problem, theta, &o), US_OK);
    us_vec_destroy(theta);
    assert_int_equal(us_training_advance(s->training, steps), US_OK);
    assert_int_equal(us_diagnose(&s->diagnosis, s->training, NULL), US_OK);
}

static void subject_close(subject *s) {
    us_diagnosis_destroy(s->diagnosis);
    us_training_destroy(s->training);
    us_problem_destroy(s->problem);
}

/* Trainings at a saddle, under several rules: escape is offered, leads to the optimum that the closed form knows, and
 * carrying on does not. */
static void escape_leaves_saddles_for_the_optimum(void **state) {
    static const struct {
        jet_function f;
        size_t n;
        double at[JET_MAX];
        const char *rule;
        double rate, before, optimum;
    } CASES[] = {
        {f_linear_net, 8, {0}, "sgd", 0.05, 5, 0},
        {f_linear_net, 8, {0}, "momentum", 0.01, 5, 0},
        {f_linear_net, 8, {0}, "adam", 0.01, 5, 0},
        {f_linear_net, 8, {1.7320508075688772, 0, 0, 0, 1.7320508075688772}, "sgd", 0.05, 0.5, 0},
        {f_rank_one, 4, {0}, "sgd", 0.05, 5, 0.5},
        {f_rank_one, 4, {0, 1, 0, 1}, "sgd", 0.05, 4.5, 0.5},
    };
    us_context *context = support_plain_context();
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        subject s;
        subject_open(&s, context, CASES[c].f, CASES[c].n, CASES[c].at, CASES[c].rate, CASES[c].rule, 30);
        us_trials *trials;
        us_trial_options o = US_TRIAL_OPTIONS_INIT;
        o.steps = 1000;
        double norm = us_vec_norm2(us_training_theta(s.training));
        assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, &o), US_OK);
        assert_int_equal(trials->best, 0);
        const us_trial *t = &trials->trials[0];
        assert_string_equal(t->remedy->name, "escape");
        assert_true(t->helps);
        assert_near(t->loss_before, CASES[c].before, 1e-12, 0);
        assert_near(t->loss_carrying_on, CASES[c].before, 1e-12, 0);
        assert_near(t->loss_with_remedy, CASES[c].optimum, 1e-4, 1e-4);
        assert_int_equal(t->steps, 1000);
        assert_int_equal(us_training_steps(t->training), 1030);
        assert_int_equal(us_training_steps(s.training), 30); /* untouched */
        assert_true(us_vec_norm2(us_training_theta(s.training)) == norm);
        assert_true(strstr(t->why, "eigenvalue") != NULL);
        us_trials_destroy(trials);
        subject_close(&s);
    }
    us_context_destroy(context);
}

/* The most negative eigenvector is the one that is followed, not just any negative one. */
static void escape_takes_the_steepest_way(void **state) {
    us_context *context = support_plain_context();
    subject s;
    subject_open(&s, context, f_rank_one, 4, (double[4]){0}, 0.05, "sgd", 1);
    assert_near(s.diagnosis->evidence.lambda_min, -3, 1e-12, 0);
    assert_int_equal(us_remedy_find("escape")->apply(s.training, s.diagnosis, 1000), US_OK);
    double theta[4];
    us_vec_read_f64(us_training_theta(s.training), theta);
    assert_near(theta[0] * theta[2], 3, 0.1, 0); /* u₁v₁: the pair of the singular value 3 */
    assert_near(theta[1], 0, 0, 1e-9);
    assert_near(theta[3], 0, 0, 1e-9);
    subject_close(&s);
    us_context_destroy(context);
}

static void a_way_down_of_fourth_order_is_taken(void **state) {
    us_context *context = support_plain_context();
    subject s;
    subject_open(&s, context, f_ridge, 2, (double[2]){0, 0}, 0.01, "sgd", 10);
    assert_int_equal(s.diagnosis->verdict.name, US_VERDICT_PLATEAU);
    assert_int_equal(us_remedy_find("escape")->apply(s.training, s.diagnosis, 1000), US_OK);
    double loss;
    assert_int_equal(us_problem_value(s.problem, us_training_theta(s.training), US_BATCH_ALL, &loss), US_OK);
    assert_true(loss < -0.5);
    subject_close(&s);
    us_context_destroy(context);
}

/* −x² + x³/3 falls without end on the left, and only to −4/3 on the right, and a small ripple stands in the way. */
static jet f_lopsided(const jet *x) {
    jet square = jet_square(x[0]);
    jet ripple = jet_times(0.02, jet_exp(jet_times(-1e4, jet_square(jet_plus(x[0], 0.065536)))));
    return jet_add(jet_add(jet_times(-1, square), jet_times(1.0 / 3, jet_mul(square, x[0]))),
                   jet_add(jet_square(x[1]), ripple));
}

static void escape_goes_to_the_lower_side_and_resets_the_state(void **state) {
    us_context *context = support_plain_context();
    for (int mirror = 0; mirror < 2; mirror++) {
        subject s;
        subject_open(&s, context, f_lopsided, 2, (double[2]){0, 1e-3}, 0.01, "momentum", 1);
        assert_true(us_vec_norm2(us_training_state(s.training, 0)) > 0);
        for (int i = 0; i < 2; i++) s.diagnosis->point->escape[i] *= mirror ? -1 : 1;
        assert_int_equal(us_remedy_find("escape")->apply(s.training, s.diagnosis, 1000), US_OK);
        assert_true(us_vec_get(us_training_theta(s.training), 0) < -10);
        assert_true(us_vec_norm2(us_training_state(s.training, 0)) == 0);
        subject_close(&s);
    }
    us_context_destroy(context);
}

static void learning_rates_are_set_right(void **state) {
    us_context *context = support_plain_context();
    subject s;
    us_trials *trials;
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    o.steps = 100;
    subject_open(&s, context, f_bowl, 2, (double[2]){1, 2}, 1e-6, "sgd", 100); /* λ = 2, ½: limit 1 */
    assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, &o), US_OK);
    assert_true(trials->count == 1 && trials->best == 0);
    assert_string_equal(trials->trials[0].remedy->name, "raise-lr");
    assert_true(trials->trials[0].loss_with_remedy < 1e-6);
    double rate = us_training_learning_rate(trials->trials[0].training);
    assert_true(rate > 0.1 && rate <= 0.5);
    us_trials_destroy(trials);
    subject_close(&s);

    subject_open(&s, context, f_bowl, 2, (double[2]){1, 1}, 1, "sgd", 30); /* exactly 2/λ: x jumps for ever */
    assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, &o), US_OK);
    assert_true(trials->count == 1 && trials->best == 0);
    assert_string_equal(trials->trials[0].remedy->name, "lower-lr");
    assert_near(us_training_learning_rate(trials->trials[0].training), 0.5, 1e-9, 0);
    assert_near(trials->trials[0].loss_carrying_on, 1, 1e-6, 0);
    assert_true(trials->trials[0].loss_with_remedy < 1e-6);
    us_trials_destroy(trials);
    subject_close(&s);
    us_context_destroy(context);
}

/* At a minimum nothing offers itself; what is asked for by name is tried, does not help, and says so. */
static void nothing_helps_at_a_minimum(void **state) {
    us_context *context = support_plain_context();
    subject s;
    us_trials *trials;
    subject_open(&s, context, f_bowl, 2, (double[2]){1, 2}, 0.5, "sgd", 400);
    assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, NULL), US_OK);
    assert_true(trials->count == 0 && trials->best == SIZE_MAX);
    us_trials_destroy(trials);
    size_t count;
    const us_remedy *const *all = us_remedies(&count);
    for (size_t i = 0; i < count; i++) {
        us_trial_options o = US_TRIAL_OPTIONS_INIT;
        o.only = all[i]->name;
        o.steps = 50;
        assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, &o), US_OK);
        assert_true(trials->count == 1 && trials->best == SIZE_MAX && !trials->trials[0].helps);
        if (strcmp(o.only, "escape") == 0) {
            assert_true(isnan(trials->trials[0].loss_with_remedy));
            assert_true(strstr(trials->trials[0].why, "it failed") != NULL);
        }
        us_trials_destroy(trials);
    }
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    o.only = "pray";
    assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, &o), US_NOT_FOUND);
    assert_null(trials);
    o.only = NULL, o.seconds = 0;
    assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, &o), US_ERR_ARGUMENT);
    subject_close(&s);
    us_context_destroy(context);
}

/* The clock bounds carrying on, and the remedies take as many steps. */
static void time_is_kept(void **state) {
    us_context *context = support_plain_context();
    subject s;
    us_trials *trials;
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    o.steps = UINT64_C(1) << 40;
    o.seconds = 0.02;
    subject_open(&s, context, f_rank_one, 4, (double[4]){0}, 0.05, "sgd", 1);
    assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, &o), US_OK);
    const us_trial *t = &trials->trials[0];
    assert_true(t->steps > 0 && t->steps < o.steps);
    assert_int_equal(us_training_steps(t->training), 1 + t->steps);
    assert_true(t->helps);
    us_trials_destroy(trials);
    us_context_cancel(context);
    assert_int_equal(us_remedy_try(&trials, s.training, s.diagnosis, &o), US_INTERRUPTED);
    us_context_resume(context);
    subject_close(&s);
    us_context_destroy(context);
}

static us_status try_body(us_context *context, void *user) {
    jet_problem p = {f_rank_one, 4};
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = 4, callback.user = &p;
    callback.value = jet_value, callback.gradient = jet_gradient, callback.hvp = jet_hvp;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_training *training = NULL;
    us_diagnosis *d = NULL;
    us_trials *trials = NULL;
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    o.steps = 10;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (!status) status = us_vec_create(&theta, context, US_F64, 4);
    if (!status) status = us_training_create(&training, problem, theta, NULL);
    if (!status) status = us_diagnose(&d, training, NULL);
    if (!status) status = us_remedy_try(&trials, training, d, &o);
    us_trials_destroy(trials);
    us_diagnosis_destroy(d);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void every_allocation_may_fail(void **state) { support_fail_each_allocation(try_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escape_leaves_saddles_for_the_optimum),
        cmocka_unit_test(escape_takes_the_steepest_way),
        cmocka_unit_test(a_way_down_of_fourth_order_is_taken),
        cmocka_unit_test(escape_goes_to_the_lower_side_and_resets_the_state),
        cmocka_unit_test(learning_rates_are_set_right),
        cmocka_unit_test(nothing_helps_at_a_minimum),
        cmocka_unit_test(time_is_kept),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
