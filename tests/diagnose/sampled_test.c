/* Large problems: what is measured on a sample of the rows. */
#include "net.h"
#include <unstuck/units.h>

static void bumps(us_rng *rng, const double *x, double *y) {
    *y = sin(2 * x[0]) + 0.5 * x[1] * x[1] + 0.1 * us_rng_normal(rng);
}

/* A sample, tilted by what it lacks at θ₀: there loss and gradient are those of all rows, away from it the loss differs by
 * the second order alone, and the gradient is the derivative of the loss. What it is asked is counted. */
static void agrees_with_all_rows_to_the_first_order(void **state) {
    us_context *context = support_plain_context();
    net s;
    net_make(&s, context, "mlp:5:tanh", US_REGRESSION, 400, 400, 2, bumps, 3);
    us_problem *counted, *full, *sample, *tilted;
    us_evaluations counts = {0, 0, 0};
    assert_int_equal(us_problem_create_counted(&counted, s.problem, &counts, false), US_OK);
    assert_int_equal(us_problem_recast(&full, counted, US_F64), US_OK);
    size_t n = us_problem_dimension(full);
    us_vec *theta, *gradient, *slope, *v;
    us_vec **all[] = {&theta, &gradient, &slope, &v};
    for (size_t i = 0; i < 4; i++) assert_int_equal(us_vec_create(all[i], context, US_F64, n), US_OK);
    us_vec_copy(theta, s.theta);
    double loss, there, value;
    assert_int_equal(us_problem_gradient(full, theta, US_BATCH_ALL, &loss, gradient), US_OK);
    assert_int_equal(us_problem_create_sample(&sample, full, 50, false), US_OK);
    assert_int_equal(us_problem_gradient(sample, theta, US_BATCH_ALL, &there, slope), US_OK);
    assert_true(fabs(there - loss) > 1e-4); /* the sample alone is another loss */
    us_vec_scale(slope, -1), us_vec_axpy(slope, 1, gradient);
    assert_int_equal(us_problem_create_tilted(&tilted, sample, theta, loss - there, slope, true), US_OK);
    assert_true(counts.gradient_rows == 450 && counts.value_rows == 0 && counts.product_rows == 0);

    assert_int_equal(us_problem_gradient(tilted, theta, US_BATCH_ALL, &value, slope), US_OK);
    assert_near(value, loss, 1e-13, 1e-14);
    for (size_t i = 0; i < n; i++) assert_near(us_vec_get(slope, i), us_vec_get(gradient, i), 1e-12, 1e-14);
    us_check check;
    assert_int_equal(us_problem_check_gradient(tilted, theta, US_BATCH_ALL, NULL, &check), US_OK);
    assert_true(check.passed);
    us_rng rng = us_rng_init(1, 2);
    us_vec_fill_normal(v, &rng);
    double before = 0;
    for (double t = 1e-2; t > 1e-4; t /= 4) { /* the difference falls with t² */
        us_vec_sum(slope, theta, t, v);
        double all_rows;
        assert_int_equal(us_problem_value(full, slope, US_BATCH_ALL, &all_rows), US_OK);
        assert_int_equal(us_problem_value(tilted, slope, US_BATCH_ALL, &value), US_OK);
        double off = fabs(value - all_rows);
        assert_true(before == 0 || off < before / 10);
        before = off;
    }
    /* the whole Hessian by a tangent a unit is that of n products, and counted by what it takes */
    double *h = malloc(2 * n * n * sizeof *h), *plain = h + n * n;
    us_spectrum_options all_of_it = US_SPECTRUM_OPTIONS_INIT;
    assert_non_null(h);
    counts = (us_evaluations){0, 0, 0};
    assert_int_equal(us_hessian_dense(tilted, theta, &all_of_it, h), US_OK);
    assert_near(counts.product_rows, 50.0 * (double)n / 12, 1e-12, 0);
    for (size_t j = 0; j < n; j++) {
        us_vec_fill(v, 0), us_vec_set(v, j, 1);
        assert_int_equal(us_problem_hvp(tilted, theta, US_BATCH_ALL, (const us_vec *const *)&v, &slope, 1), US_OK);
        us_vec_read_f64(slope, plain + j * n);
    }
    for (size_t i = 0; i < n * n; i++) assert_near(h[i], plain[i], 1e-10, 1e-12);
    free(h);

    counts = (us_evaluations){0, 0, 0};
    us_vec_fill_normal(v, &rng);
    assert_int_equal(us_problem_hvp(tilted, theta, US_BATCH_ALL, (const us_vec *const *)&v, &slope, 1), US_OK);
    assert_true(counts.product_rows == 50);
    assert_near(us_evaluations_gradients(&counts, 400), 0.25, 1e-15, 1e-14);

    us_vec *shorter = NULL;
    us_problem *none;
    assert_int_equal(us_vec_create(&shorter, context, US_F64, n - 1), US_OK);
    assert_int_equal(us_problem_create_tilted(&none, full, shorter, 0, slope, false), US_ERR_ARGUMENT);
    us_vec_destroy(shorter);
    us_problem_destroy(tilted), us_problem_destroy(full), us_problem_destroy(counted);
    for (size_t i = 0; i < 4; i++) us_vec_destroy(*all[i]);
    net_close(&s);
    us_context_destroy(context);
}

/* A training that goes on well, one whose rate is tiny, one on a saddle: the same verdict as from all rows, for a part of
 * the cost; and the decrease that a line search promises holds on all rows. */
static void the_verdict_is_that_of_all_rows(void **state) {
    static const struct {
        const char *what;
        double rate;
        bool zero;
        us_verdict_name name;
        const char *cause;
    } CASES[] = {{"descending", 0.05, false, US_VERDICT_DESCENDING, NULL},
                 {"tiny rate", 1e-7, false, US_VERDICT_CRAWLING, "lr-too-small"},
                 {"zero weights", 0.5, true, US_VERDICT_SADDLE, "symmetric-units"}};
    us_context *context = support_plain_context();
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        net s;
        net_make(&s, context, "mlp:170:tanh", US_REGRESSION, 16000, 16000, 2, bumps, 5);
        if (CASES[c].zero) us_vec_fill(s.theta, 0);
        net_train(&s, "sgd", CASES[c].rate, 0, c == 0 ? 150 : 30);
        us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
        us_diagnosis *d;
        o.point.spectrum.limit = 100; /* by Lanczos' method */
        assert_int_equal(us_diagnose(&d, s.training, &o), US_OK);
        if (d->verdict.name != CASES[c].name ||
            strcmp(d->verdict.cause ? d->verdict.cause : "", CASES[c].cause ? CASES[c].cause : ""))
            fail_msg("%s: %s, %s", CASES[c].what, us_verdict_text(d->verdict.name),
                     d->verdict.cause ? d->verdict.cause : "none");
        assert_int_equal(d->evidence.curvature_samples, 1066); /* a fifteenth */
        assert_int_equal(d->evidence.samples, 16000);
        double cost = us_evaluations_gradients(&d->cost, 16000);
        if (!(d->cost.product_rows > 0 && cost < 60)) fail_msg("%s: %g gradients", CASES[c].what, cost);
        /* a tenth of the steps done, as far as that is not too dear */
        assert_int_equal(d->evidence.steps_carrying_on, 10);
        assert_near(d->evidence.carrying_on_share, c == 0 ? 10.0 / 15 : 1, 1e-12, 0);
        double told = 0;
        for (size_t i = 0; i < d->spent_count; i++) told += d->spent[i].gradients;
        assert_near(told, cost, 1e-9, 0);
        us_diagnosis_destroy(d);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* 1 + ½ Σ cⱼθⱼ² in the mean over rows: c is what `sampled` says for θ₀ in every sixteenth row, which are those that a sample
 * has, and `other` in all others; `rest` for the other parameters. */
enum { BOWL_ROWS = 16 * 4096, BOWL = 160 };
typedef struct bowl {
    double sampled, other, rest;
} bowl;

static int bowl_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const bowl *b = user;
    const double *x = theta;
    double first = 0;
    for (size_t i = 0; i < count; i++) first += ((rows ? rows[i] : i) % 16 ? b->other : b->sampled) / (double)count;
    *loss = 1;
    for (size_t i = 0; i < BOWL; i++) {
        double c = i ? b->rest : first;
        *loss += 0.5 * c * x[i] * x[i];
        if (gradient) ((double *)gradient)[i] = c * x[i];
    }
    return 0;
}

static int bowl_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return bowl_gradient(user, theta, rows, count, loss, NULL);
}

static int bowl_product(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    double loss;
    (void)theta;
    return bowl_gradient(user, v, rows, count, &loss, hv); /* H is the same everywhere */
}

/* Diagnosed after no step, θ = x everywhere. */
static us_diagnosis *bowl_diagnosis(us_context *context, bowl *b, double x, double rate, size_t limit) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = BOWL, callback.samples = BOWL_ROWS, callback.user = b;
    callback.value = bowl_value, callback.gradient = bowl_gradient, callback.hvp = bowl_product;
    us_problem *problem;
    us_vec *theta;
    us_training *training;
    us_diagnosis *d;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, BOWL), US_OK);
    us_vec_fill(theta, x);
    us_training_options t = US_TRAINING_OPTIONS_INIT;
    t.rule = us_rule_find("sgd"), t.learning_rate = rate;
    assert_int_equal(us_training_create(&training, problem, theta, &t), US_OK);
    us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
    o.point.spectrum.limit = limit;
    assert_int_equal(us_diagnose(&d, training, &o), US_OK);
    assert_int_equal(d->evidence.curvature_samples, 4096);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return d;
}

/* A sample that says minimum where all rows say saddle, one that says maximum, one that says saddle: nothing is claimed. */
static void what_all_rows_deny_is_not_claimed(void **state) {
    static const bowl CASES[] = {{0.5, -3, 1}, {-0.5, 3, -1}, {3, -5, -1}, {-3, 5, 1}};
    us_context *context = support_plain_context();
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        bowl b = CASES[c];
        us_diagnosis *d = bowl_diagnosis(context, &b, 0, 0.01, c == 1 ? BOWL : 100); /* the maximum by its whole Hessian */
        if (d->verdict.name != US_VERDICT_UNDECIDED)
            fail_msg("case %zu: %s, %s", c, us_verdict_text(d->verdict.name), d->verdict.cause ? d->verdict.cause : "none");
        us_diagnosis_destroy(d);
    }
    us_context_destroy(context);
}

/* Nor is a saddle beside the training that only the sample has. */
static void a_saddle_of_the_sample_alone_is_none(void **state) {
    us_context *context = support_plain_context();
    bowl mean = {-3, 5, 1}, all = {-3, -3, 1};
    us_diagnosis *d = bowl_diagnosis(context, &mean, 0.03, 1e-9, 100);
    assert_int_not_equal(d->evidence.near_kind, US_KIND_SADDLE);
    us_diagnosis_destroy(d);
    d = bowl_diagnosis(context, &all, 0.03, 1e-9, 100);
    assert_int_equal(d->evidence.near_kind, US_KIND_SADDLE);
    us_diagnosis_destroy(d);
    us_context_destroy(context);
}

/* A sample of what is counted, tilted: made, asked and recast. */
static us_status tilted_body(us_context *context, void *user) {
    us_problem *inner = NULL, *counted = NULL, *full = NULL, *sample = NULL, *tilted = NULL, *recast = NULL;
    us_vec *theta = NULL, *slope = NULL, *out = NULL;
    us_evaluations counts = {0, 0, 0};
    us_units *units = NULL;
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    double loss;
    callback.dimension = BOWL, callback.samples = 64, callback.user = user;
    callback.value = bowl_value, callback.gradient = bowl_gradient, callback.hvp = bowl_product;
    us_status status = us_problem_create_callback(&inner, context, &callback);
    if (!status) status = us_problem_create_counted(&counted, inner, &counts, false);
    if (!status) status = us_problem_recast(&full, counted, US_F64);
    if (!status) status = us_vec_create(&theta, context, US_F64, BOWL);
    if (!status) status = us_vec_create(&slope, context, US_F64, BOWL);
    if (!status) status = us_vec_create(&out, context, US_F64, BOWL);
    if (!status) us_vec_fill(theta, 0.5), us_vec_fill(slope, 0.25);
    if (!status) status = us_problem_create_sample(&sample, full, 16, false);
    if (!status) status = us_problem_create_tilted(&tilted, sample, theta, 0.125, slope, false);
    if (!status) status = us_problem_gradient(tilted, theta, US_BATCH_ALL, &loss, out);
    if (!status) status = us_problem_hvp(tilted, theta, US_BATCH_ALL, (const us_vec *const *)&slope, &out, 1);
    if (!status) status = us_problem_units(&units, tilted, theta, US_BATCH_ALL);
    if (!status) status = us_problem_recast(&recast, tilted, US_F64); /* whose inner problems are its own */
    if (!status) status = us_problem_value(recast, theta, US_BATCH_ALL, &loss);
    if (!status) assert_true(counts.gradient_rows == 16 && counts.value_rows == 16 && counts.product_rows == 16);
    us_units_destroy(units);
    us_problem *const all[] = {recast, tilted, sample, full, counted, inner};
    for (size_t i = 0; i < 6; i++) us_problem_destroy(all[i]);
    us_vec_destroy(theta), us_vec_destroy(slope), us_vec_destroy(out);
    return status;
}

static void every_allocation_may_fail(void **state) {
    bowl b = {1, 2, 3};
    support_fail_each_allocation(tilted_body, &b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_all_rows_to_the_first_order), cmocka_unit_test(the_verdict_is_that_of_all_rows),
        cmocka_unit_test(what_all_rows_deny_is_not_claimed), cmocka_unit_test(a_saddle_of_the_sample_alone_is_none),
        cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
