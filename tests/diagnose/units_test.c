#include "net.h"
#include <unstuck/units.h>

static void bumps(us_rng *rng, const double *x, double *y) { *y = cos(1.7 * x[0]) + 0.6 * x[1] + 0.05 * us_rng_normal(rng); }

static void bend(us_rng *rng, const double *x, double *y) { *y = cos(1.7 * x[0]) + 0.05 * us_rng_normal(rng); }

/* One unit of each kind, by hand: z = x₀ + bias. */
static void units_are_told_apart(void **state) {
    us_context *context = support_plain_context();
    static const char *const MODELS[] = {"mlp:3:relu", "mlp:3:tanh", "mlp:3:sigmoid", "mlp:3:silu"};
    for (size_t c = 0; c < sizeof MODELS / sizeof *MODELS; c++) {
        net s;
        net_make(&s, context, MODELS[c], US_REGRESSION, 1200, 1200, 1, bend, 21);
        net_fill(&s, "layer1.weight", 0, 3, 1);
        net_fill(&s, "layer1.bias", 1, 2, -900);
        net_fill(&s, "layer1.bias", 2, 3, 2);
        net_fill(&s, "layer2.weight", 0, 3, 0.5);
        us_problem *single;
        us_units *u;
        const double *x = us_dataset_features_const(s.data);
        double low = x[0], high = x[0], positive = 0;
        for (size_t i = 0; i < 1200; i++) low = fmin(low, x[i]), high = fmax(high, x[i]), positive += x[i] > 0;
        assert_int_equal(us_problem_create_l2(&single, s.problem, 0.1, false), US_OK);
        assert_int_equal(us_problem_units(&u, single, s.theta, US_BATCH_ALL), US_OK);
        assert_int_equal(u->count, 3);
        assert_int_equal(u->layer_count, 1);
        assert_string_equal(u->layers[0].name, "layer1");
        assert_true(u->layers[0].bounded == (c == 1 || c == 2));
        assert_near(u->units[0].low, low, 1e-12, 0);
        assert_near(u->units[0].high, high, 1e-12, 0);
        assert_near(u->units[2].high, high + 2, 1e-12, 0);
        assert_near(u->units[0].active, c == 0 ? positive / 1200 : 1, 1e-12, 0);
        assert_true(u->units[0].passed > 0.2 && u->units[0].passed < 1);
        assert_true(u->units[1].active == 0 && u->units[1].passed == 0);
        us_units_destroy(u);
        us_problem_destroy(single);
        net_close(&s);
    }
    us_context_destroy(context);
}

static us_status units_body(us_context *context, void *user) {
    us_model_options o = US_MODEL_OPTIONS_INIT;
    us_dataset *data = NULL;
    us_model *model = NULL;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_units *u = NULL;
    o.text = "mlp:3,2:tanh", o.inputs = 2, o.outputs = 1, o.task = US_REGRESSION;
    us_status status = us_dataset_create(&data, context, US_F64, 6, 2, US_REGRESSION, 1);
    if (!status) status = us_model_create(&model, context, &o);
    if (!status) status = us_model_problem(&problem, model, data);
    if (!status) status = us_vec_create(&theta, context, US_F64, us_problem_dimension(problem));
    if (!status) status = us_problem_units(&u, problem, theta, US_BATCH_ALL);
    us_units_destroy(u);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(data);
    return status;
}

static void every_allocation_may_fail(void **state) { support_fail_each_allocation(units_body, NULL); }

static void other_problems_have_none(void **state) {
    us_context *context = support_plain_context();
    net s;
    us_units *u = (us_units *)1;
    net_make(&s, context, "linear", US_REGRESSION, 20, 20, 2, bumps, 22);
    assert_int_equal(us_problem_units(&u, s.problem, s.theta, US_BATCH_ALL), US_OK);
    assert_null(u);
    net_close(&s);
    us_context_destroy(context);
}

static void shut_units_are_the_cause(void **state) {
    us_context *context = support_plain_context();
    net s;
    net_make(&s, context, "mlp:9:relu", US_REGRESSION, 150, 150, 2, bumps, 23);
    net_fill(&s, "layer1.bias", 0, 9, -30);
    net_train(&s, "sgd", 0.1, 0, 400);
    net_expect(&s, "all dead", US_VERDICT_PLATEAU, "dead-units");
    net_close(&s);
    net_make(&s, context, "mlp:8:relu", US_REGRESSION, 150, 150, 2, bumps, 24);
    net_fill(&s, "layer1.bias", 0, 7, -30);
    net_train(&s, "sgd", 0.1, 0, 6000);
    net_expect(&s, "most dead", US_VERDICT_PLATEAU, "dead-units");
    net_close(&s);
    net_make(&s, context, "mlp:7:tanh", US_REGRESSION, 150, 150, 2, bumps, 25);
    net_scale(&s, "layer1.weight", 2);
    net_fill(&s, "layer1.bias", 0, 7, 40);
    net_train(&s, "sgd", 0.05, 0, 800);
    net_expect(&s, "saturated", US_VERDICT_PLATEAU, "saturated-units");
    net_close(&s);
    us_context_destroy(context);
}

/* Sparse nets that train, and nets that have arrived, are left alone. */
static void healthy_nets_raise_no_alarm(void **state) {
    us_context *context = support_plain_context();
    net s;
    us_diagnosis *d;
    net_make(&s, context, "mlp:20:relu", US_REGRESSION, 200, 200, 2, bumps, 26);
    net_fill(&s, "layer1.bias", 0, 8, -30); /* two of five are dead */
    net_train(&s, "sgd", 0.05, 0, 60);
    net_expect(&s, "sparse and training", US_VERDICT_DESCENDING, NULL);
    net_close(&s);
    for (uint64_t seed = 27; seed < 30; seed++) {
        net_make(&s, context, seed == 27 ? "mlp:4:relu" : "mlp:3:tanh", US_REGRESSION, 300, 300, 2, bumps, seed);
        net_train(&s, "adam", 0.01, 0, 5000);
        assert_int_equal(us_diagnose(&d, s.training, NULL), US_OK);
        if (d->verdict.cause && (strstr(d->verdict.cause, "units") || strstr(d->verdict.cause, "constant")))
            fail_msg("seed %d: %s", (int)seed, d->verdict.cause);
        us_diagnosis_destroy(d);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* The decision alone: no cause covers a saddle that pays, or a minimum. */
static void the_order_of_causes(void **state) {
    us_evidence e;
    us_evidence_init(&e);
    e.loss = 0.5, e.floor = 0, e.constant_loss = 0.5, e.gradient_norm = 1e-9;
    e.kind = US_KIND_DEGENERATE, e.null_space = US_NULL_FLAT, e.spectrum_known = true;
    e.zero = 9, e.positive = 1, e.parameters = 10, e.lambda_min = 0, e.lambda_max = 1, e.resolution = 1e-10;
    e.decrease_carrying_on = 0, e.decrease_line_search = 0;
    e.hidden_units = 6, e.dead_share = 1, e.saturated_share = 0;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "dead-units");
    e.dead_share = 0.5, e.saturated_share = 1;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "saturated-units");
    e.saturated_share = 0.5;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "constant-predictor");
    e.loss = 0.4;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "flat");
    e.loss = 0.5, e.dead_share = 1;
    e.kind = US_KIND_SADDLE, e.negative = 1, e.lambda_min = -0.1, e.decrease_escape = 0.1;
    assert_int_equal(us_verdict_decide(&e, NULL).name, US_VERDICT_SADDLE);
    e.kind = US_KIND_MINIMUM, e.negative = e.zero = 0, e.positive = 10, e.lambda_min = 0.1, e.dead_share = 0;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "converged");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_told_apart),        cmocka_unit_test(other_problems_have_none),
        cmocka_unit_test(every_allocation_may_fail),   cmocka_unit_test(shut_units_are_the_cause),
        cmocka_unit_test(healthy_nets_raise_no_alarm), cmocka_unit_test(the_order_of_causes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
