#include "../diagnose/net.h"
#include <unstuck/remedy.h>

static void bumps(us_rng *rng, const double *x, double *y) { *y = cos(1.7 * x[0]) + 0.6 * x[1] + 0.05 * us_rng_normal(rng); }

static double net_loss(net *s) {
    double loss;
    assert_int_equal(us_problem_value(s->problem, us_training_theta(s->training), US_BATCH_ALL, &loss), US_OK);
    return loss;
}

static size_t net_offset(net *s, const char *name) {
    size_t count;
    const us_group *groups = us_problem_groups(s->problem, &count);
    for (size_t g = 0; g < count; g++)
        if (strcmp(groups[g].name, name) == 0) return groups[g].offset;
    fail_msg("no group %s", name);
    return 0;
}

/* Dead, saturated and equal units begin to work, and the others keep their weights to the last bit. */
static void useless_units_get_new_weights(void **state) {
    static const struct {
        const char *model;
        double weight, bias; /* of units 0 to 5 of 8 */
    } CASES[] = {{"mlp:8:relu", 0.1, -30}, {"mlp:8:tanh", 0.1, 50}, {"mlp:8:tanh", 0.3, 0.2}};
    us_context *context = support_plain_context();
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        net s;
        net_make(&s, context, CASES[c].model, US_REGRESSION, 150, 150, 2, bumps, 31 + c);
        net_fill(&s, "layer1.weight", 0, 12, CASES[c].weight);
        net_fill(&s, "layer1.bias", 0, 6, CASES[c].bias);
        net_fill(&s, "layer2.weight", 0, 6, 0.1);
        net_train(&s, "sgd", 0.1, 0, 0);
        double before = net_loss(&s);
        size_t weight = net_offset(&s, "layer1.weight"), out = net_offset(&s, "layer2.weight"), changed = 0;
        assert_int_equal(us_remedy_find("recycle")->apply(s.training, NULL, 1200), US_OK);
        assert_int_equal(us_training_steps(s.training), 0);
        const us_vec *theta = us_training_theta(s.training);
        for (size_t i = 0; i < 16; i++) {
            bool new = us_vec_get(theta, weight + i) != us_vec_get(s.theta, weight + i);
            changed += new;
            assert_false(new &&i >= 12);
        }
        assert_true(changed > 0);
        for (size_t i = 6; i < 8; i++) assert_true(us_vec_get(theta, out + i) == us_vec_get(s.theta, out + i));
        assert_int_equal(us_training_advance(s.training, 1000), US_OK);
        assert_true(net_loss(&s) < 0.3 * before);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* A layer in the middle; a model without units to renew. */
static void every_layer_is_found(void **state) {
    us_context *context = support_plain_context();
    net s;
    net_make(&s, context, "mlp:5,4,3:tanh", US_REGRESSION, 100, 100, 2, bumps, 41);
    net_fill(&s, "layer2.bias", 0, 4, 60);
    net_train(&s, "sgd", 0.1, 0, 0);
    size_t bias = net_offset(&s, "layer2.bias");
    assert_int_equal(us_remedy_find("recycle")->apply(s.training, NULL, 600), US_OK);
    size_t changed = 0;
    for (size_t i = 0; i < 4; i++) changed += us_vec_get(us_training_theta(s.training), bias + i) != 60;
    assert_true(changed > 0);
    net_close(&s);
    net_make(&s, context, "linear", US_REGRESSION, 100, 100, 2, bumps, 42);
    net_train(&s, "sgd", 0.1, 0, 0);
    assert_int_equal(us_remedy_find("recycle")->apply(s.training, NULL, 600), US_ERR_UNSUPPORTED);
    assert_true(strstr(us_context_error(context), "hidden layers") != NULL);
    net_close(&s);
    us_context_destroy(context);
}

/* What a trial of dead units comes to, with so many threads: losses of all remedies, and the best's weights, [n] at most 64.
 * Mini-batches and Adam: copies have order and state of their own. */
typedef struct outcome {
    size_t count, best;
    double losses[12][3], theta[64];
} outcome;

static void outcome_of(outcome *out, int threads) {
    us_context *context = support_plain_context();
    net s;
    us_diagnosis *d;
    us_trials *trials;
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    memset(out, 0, sizeof *out);
    assert_int_equal(us_context_set_threads(context, threads), US_OK);
    net_make(&s, context, "mlp:8:relu", US_REGRESSION, 150, 150, 2, bumps, 51);
    net_fill(&s, "layer1.bias", 0, 8, -30);
    net_train(&s, "adam", 0.01, 30, 300);
    assert_int_equal(us_diagnose(&d, s.training, NULL), US_OK);
    o.steps = 1000;
    assert_int_equal(us_remedy_try(&trials, s.training, d, &o), US_OK);
    out->count = trials->count, out->best = trials->best;
    assert_true(trials->best < trials->count);
    for (size_t i = 0; i < trials->count; i++) {
        const us_trial *t = &trials->trials[i];
        out->losses[i][0] = t->loss_before, out->losses[i][1] = t->loss_carrying_on, out->losses[i][2] = t->loss_with_remedy;
        assert_true(!t->training == (i != trials->best)); /* of the best alone */
        bool draws = strcmp(t->remedy->name, "recycle") == 0 || strcmp(t->remedy->name, "restart") == 0;
        assert_true(!draws || t->helps);
    }
    const us_training *best = trials->trials[trials->best].training;
    assert_int_equal(us_training_steps(best), 1300);
    assert_ptr_equal(us_training_problem(best), s.problem);
    assert_int_equal(us_vec_size(us_training_theta(best)), 33);
    us_vec_read_f64(us_training_theta(best), out->theta);
    us_trials_destroy(trials);
    us_diagnosis_destroy(d);
    net_close(&s);
    us_context_destroy(context);
}

/* The trial offers both for dead units; both help, and all is the same to the last bit on however many threads. */
static void trials_offer_them(void **state) {
    static outcome once, other;
    outcome_of(&once, 1);
    assert_true(once.count >= 2);
    for (int threads = 1; threads <= 8; threads++) {
        outcome_of(&other, threads);
        assert_memory_equal(&other, &once, sizeof once);
    }
}

typedef struct heard {
    us_context *context;
    size_t calls;
    double last;
    bool names;
} heard;

static void heard_progress(void *user, const char *what, double share) {
    heard *h = user;
    assert_true(share >= h->last && share <= 1);
    h->last = share;
    h->names = h->names || strstr(what, "recycle");
    if (++h->calls == 20 && h->context) us_context_cancel(h->context);
}

/* A cancel in the midst of it ends all, and the training is as it was; without one, progress comes to its end. */
static void a_cancel_ends_them_all(void **state) {
    us_context *context = support_plain_context();
    for (int cancel = 0; cancel < 2; cancel++) {
        net s;
        us_diagnosis *d;
        us_trials *trials;
        us_trial_options o = US_TRIAL_OPTIONS_INIT;
        heard h = {.context = cancel ? context : NULL};
        assert_int_equal(us_context_set_threads(context, 3), US_OK);
        net_make(&s, context, "mlp:8:relu", US_REGRESSION, 150, 150, 2, bumps, 51);
        net_fill(&s, "layer1.bias", 0, 8, -30);
        net_train(&s, "sgd", 0.1, 0, 300);
        assert_int_equal(us_diagnose(&d, s.training, NULL), US_OK);
        double before = net_loss(&s);
        o.steps = 2000, o.progress = heard_progress, o.progress_user = &h;
        us_status status = us_remedy_try(&trials, s.training, d, &o);
        assert_int_equal(status, cancel ? US_INTERRUPTED : US_OK);
        assert_true(cancel ? trials == NULL && h.last < 1 : h.last > 0.99);
        assert_true(cancel || h.names);
        us_context_resume(context);
        assert_true(net_loss(&s) == before && us_training_steps(s.training) == 300);
        us_trials_destroy(trials);
        us_diagnosis_destroy(d);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* At a minimum stop says so, without a step. */
static void stop_says_why(void **state) {
    us_context *context = support_plain_context();
    net s;
    us_diagnosis *d;
    us_trials *trials;
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    net_make(&s, context, "linear", US_REGRESSION, 100, 20, 2, bumps, 61);
    net_train(&s, "sgd", 0.3, 0, 3000);
    assert_int_equal(us_diagnose(&d, s.training, NULL), US_OK);
    assert_int_equal(d->verdict.name, US_VERDICT_MINIMUM);
    o.only = "stop";
    assert_int_equal(us_remedy_try(&trials, s.training, d, &o), US_OK);
    assert_int_equal(trials->count, 1);
    assert_true(trials->best == SIZE_MAX && trials->trials[0].steps == 0 && !trials->trials[0].training);
    assert_true(trials->trials[0].loss_with_remedy == d->evidence.loss);
    assert_true(strstr(trials->trials[0].why, "the data allow no less than") != NULL);
    us_trials_destroy(trials);
    us_diagnosis_destroy(d);
    net_close(&s);
    us_context_destroy(context);
}

static us_status recycle_body(us_context *context, void *user) {
    us_model_options o = US_MODEL_OPTIONS_INIT;
    us_dataset *data = NULL;
    us_model *model = NULL;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_training *training = NULL;
    o.text = "mlp:3:tanh", o.inputs = 2, o.outputs = 1, o.task = US_REGRESSION;
    us_status status = us_dataset_create(&data, context, US_F64, 6, 2, US_REGRESSION, 1);
    if (!status) status = us_model_create(&model, context, &o);
    if (!status) status = us_model_problem(&problem, model, data);
    if (!status) status = us_vec_create(&theta, context, US_F64, us_problem_dimension(problem));
    if (!status) status = us_training_create(&training, problem, theta, NULL);
    if (!status) status = us_remedy_find("recycle")->apply(training, NULL, 1);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(data);
    return status;
}

static void every_allocation_may_fail(void **state) { support_fail_each_allocation(recycle_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(useless_units_get_new_weights),
        cmocka_unit_test(every_layer_is_found),
        cmocka_unit_test(trials_offer_them),
        cmocka_unit_test(a_cancel_ends_them_all),
        cmocka_unit_test(stop_says_why),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
