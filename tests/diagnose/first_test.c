/* Where numbers end first: the operation, its numbers, and where it stands, in loss, gradient and update. */
#include "net.h"
#include <float.h>
#include <unstuck/graph.h>

/* ------------------------------------------------------------------ formulas of θ */

static us_context *context;

static void check_formula(const char *formula, double a, double b, const char *expected) {
    static const char *const NAMES[] = {"a", "b"};
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    char text[256];
    double at[2] = {a, b};
    assert_int_equal(us_problem_create_formula(&problem, context, formula, NAMES, 2), US_OK);
    assert_int_equal(us_vec_wrap(&theta, context, US_F64, 2, at), US_OK);
    assert_int_equal(us_problem_trace(problem, theta, US_BATCH_ALL, text, sizeof text), US_OK);
    assert_string_equal(text, expected);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
}

static void an_operation_of_a_formula_is_told_by_its_place(void **state) {
    context = support_plain_context();
    check_formula("a + log(b)", 1, 0, "log of 0 gives -inf, at column 5 of the formula");
    check_formula("b*exp(a - 2)", 800, 1, "exp of 798 gives inf, at column 3 of the formula");
    check_formula("a^2 / b + a", 0, 0, "quotient of 0 and 0 gives nan, at column 5 of the formula");
    check_formula("(a*b)*a", 1e200, 1e200, "product of 1e+200 and 1e+200 gives inf, at column 3 of the formula");
    check_formula("sqrt(a) + b", -4, 1, "sqrt of -4 gives nan, at column 1 of the formula");
    check_formula("a*b + 1", 2, 3, "");
    /* the value is finite, its derivative is not: √a at 0 */
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    char text[256];
    double at[2] = {0, 1};
    assert_int_equal(us_problem_create_formula(&problem, context, "b + sqrt(a)", (const char *[]){"a", "b"}, 2), US_OK);
    assert_int_equal(us_vec_wrap(&theta, context, US_F64, 2, at), US_OK);
    assert_int_equal(us_problem_trace(problem, theta, US_BATCH_ALL, text, sizeof text), US_OK);
    assert_non_null(strstr(text, "gives inf, in the derivative of sqrt, at column 5 of the formula"));
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ nets */

static void wave(us_rng *rng, const double *x, double *y) { (void)rng, *y = sin(x[0]) + x[1]; }

/* After so many steps of training; what is found, and in what of which group. */
static us_first_not_finite first_of(net *s, const char *rule, double rate, uint64_t steps) {
    us_diagnosis *d;
    net_train(s, rule, rate, 0, 0);
    us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
    o.steps = steps;
    assert_int_equal(us_diagnose(&d, s->training, &o), US_OK);
    us_first_not_finite first = d->first;
    assert_int_equal(d->verdict.name, US_VERDICT_DIVERGED);
    us_diagnosis_destroy(d);
    return first;
}

/* Weights of 1e200 make a product of 1e400 in the second layer, beyond f64. */
static void a_huge_product_names_its_weights_and_layer(void **state) {
    context = support_plain_context();
    net s;
    net_make(&s, context, "dense 4 relu, dense 3 relu", US_REGRESSION, 20, 20, 2, wave, 3);
    net_fill(&s, "layer1.weight", 0, 8, 1e200);
    net_fill(&s, "layer2.weight", 0, 12, 1e200);
    us_first_not_finite first = first_of(&s, "sgd", 0.1, 10);
    assert_string_equal(first.of, "loss");
    assert_int_equal(first.step, 1);
    assert_true(isfinite(first.row));
    assert_non_null(strstr(first.operation, "product of matrices with layer2.weight gives inf, in layer2 (dense relu)"));
    net_close(&s);
    us_context_destroy(context);
}

/* The output is finite, its square is not; and the loss is finite, but not what goes back through large weights. */
static void loss_and_gradient_are_told_apart(void **state) {
    context = support_plain_context();
    net s;
    net_make(&s, context, "dense 4 tanh", US_REGRESSION, 20, 20, 2, wave, 3);
    net_fill(&s, "layer2.weight", 0, 4, 1e200);
    us_first_not_finite first = first_of(&s, "sgd", 0.1, 10);
    assert_string_equal(first.of, "loss");
    assert_non_null(strstr(first.operation, "gives inf, in the loss (half-mse)"));
    net_close(&s);
    net_make(&s, context, "dense 4, dense 4, dense 1", US_REGRESSION, 20, 20, 2, wave, 3);
    net_fill(&s, "layer1.weight", 0, 8, 1e-300);
    net_fill(&s, "layer2.weight", 0, 16, 1e200);
    net_fill(&s, "layer3.weight", 0, 4, 1e200);
    first = first_of(&s, "sgd", 0.1, 10);
    assert_int_equal(first.step, 1);
    assert_string_equal(first.of, "gradient");
    assert_true(*first.group);
    assert_non_null(strstr(first.operation, "product of matrices with layer2.weight gives "));
    assert_non_null(strstr(first.operation, "in the derivative of "));
    net_close(&s);
    us_context_destroy(context);
}

/* A step that is longer than a number can be: from finite numbers, at a finite loss. */
static void an_update_that_overflows_tells_its_numbers(void **state) {
    context = support_plain_context();
    net s;
    net_make(&s, context, "dense 2, dense 1", US_REGRESSION, 20, 20, 2, wave, 3);
    net_fill(&s, "layer2.weight", 0, 2, 1e140);
    us_first_not_finite first = first_of(&s, "sgd", 1e300, 10);
    assert_string_equal(first.of, "update");
    assert_int_equal(first.step, 1);
    assert_true(strncmp(first.group, "layer", 5) == 0);
    assert_non_null(strstr(first.operation, "the step of sgd takes element "));
    assert_non_null(strstr(first.operation, "rate 1e+300, gradient "));
    net_close(&s);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ data */

/* One target, or one feature, that is no number: in the fused linear leaf and in a net. */
static void check_data(const char *model, bool feature) {
    us_dataset *data = NULL;
    us_model *made = NULL;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_training *training = NULL;
    us_diagnosis *d = NULL;
    us_rng rng = us_rng_init(3, 3);
    us_model_options o = US_MODEL_OPTIONS_INIT;
    assert_int_equal(us_dataset_create(&data, context, US_F64, 30, 3, US_REGRESSION, 1), US_OK);
    for (size_t i = 0; i < 90; i++) ((double *)us_dataset_features(data))[i] = us_rng_normal(&rng);
    for (size_t i = 0; i < 30; i++) ((double *)us_dataset_targets(data))[i] = us_rng_normal(&rng);
    if (feature)
        ((double *)us_dataset_features(data))[7 * 3 + 2] = HUGE_VAL;
    else
        ((double *)us_dataset_targets(data))[7] = HUGE_VAL;
    o.text = model, o.inputs = 3, o.outputs = 1, o.task = US_REGRESSION;
    assert_int_equal(us_model_create(&made, context, &o), US_OK);
    assert_int_equal(us_model_problem(&problem, made, data), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, us_problem_dimension(problem)), US_OK);
    us_vec_fill(theta, 0.1);
    assert_int_equal(us_training_create(&training, problem, theta, NULL), US_OK);
    assert_int_equal(us_diagnose(&d, training, NULL), US_OK);
    assert_string_equal(d->verdict.cause, "bad-data");
    assert_true(d->first.row == 7);
    assert_string_equal(d->first.operation,
                        feature ? "feature 2 (from 0) is inf in the data" : "target 0 (from 0) is inf in the data");
    us_diagnosis_destroy(d);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(made);
    us_dataset_destroy(data);
}

static void data_that_are_no_numbers_are_named(void **state) {
    context = support_plain_context();
    for (int feature = 0; feature < 2; feature++) {
        check_data("linear", feature);
        check_data("mlp:4:tanh", feature);
    }
    us_context_destroy(context);
}

static us_status trace_body(us_context *c, void *user) {
    (void)user;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    char text[100];
    us_status status = us_problem_create_formula(&problem, c, "log(a)*b", (const char *[]){"a", "b"}, 2);
    if (!status) status = us_vec_create(&theta, c, US_F64, 2);
    if (!status) status = us_problem_trace(problem, theta, US_BATCH_ALL, text, sizeof text);
    if (!status) assert_non_null(strstr(text, "log of 0"));
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void every_allocation_may_fail(void **state) { support_fail_each_allocation(trace_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operation_of_a_formula_is_told_by_its_place),
        cmocka_unit_test(a_huge_product_names_its_weights_and_layer),
        cmocka_unit_test(loss_and_gradient_are_told_apart),
        cmocka_unit_test(an_update_that_overflows_tells_its_numbers),
        cmocka_unit_test(data_that_are_no_numbers_are_named),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
