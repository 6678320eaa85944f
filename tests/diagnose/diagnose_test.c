#include "diagnose/symmetry.h"
#include "jet.h"
#include <unstuck/diagnose.h>
#include <unstuck/linear.h>

/* ½‖BA − diag(3,1)‖² for 2x2 factors, row-major: a two-layer linear network. Its critical points are known in closed form
 * (Baldi & Hornik 1989). */
static jet f_linear_net(const jet *x) {
    static const double TARGET[4] = {3, 0, 0, 1};
    jet sum = jet_number(0);
    for (int i = 0; i < 4; i++) {
        jet p = jet_add(jet_mul(x[4 + i / 2 * 2], x[i % 2]), jet_mul(x[4 + i / 2 * 2 + 1], x[2 + i % 2]));
        sum = jet_add(sum, jet_square(jet_plus(p, -TARGET[i])));
    }
    return jet_times(0.5, sum);
}
static jet f_bowl(const jet *x) {
    return jet_plus(jet_add(jet_square(x[0]), jet_times(0.25, jet_square(x[1]))), 0.1);
} /* λ = 2, ½ */
static jet f_hill(const jet *x) { return jet_exp(jet_times(-1, jet_add(jet_square(x[0]), jet_times(2, jet_square(x[1]))))); }
static jet f_log(const jet *x) { return jet_log(x[0]); }
static jet f_chain(const jet *x) { return jet_times(0.5, jet_square(jet_plus(jet_mul(jet_mul(x[0], x[1]), x[2]), -1))); }

/* A training of a jet function, diagnosed. */
typedef struct subject {
    jet_problem jet;
    us_problem *problem;
    us_training *training;
} subject;

static void subject_open(subject *s, us_context *context, jet_function f, size_t n, const double *at, double rate,
                         const char *rule) {
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
}

static void subject_close(subject *s) {
    us_training_destroy(s->training);
    us_problem_destroy(s->problem);
}

static void assert_verdict(const us_diagnosis *d, us_verdict_name name, const char *cause) {
    if (d->verdict.name != name || (d->verdict.cause == NULL) != (cause == NULL) ||
        (cause && strcmp(d->verdict.cause, cause)))
        fail_msg("%s, %s instead of %s, %s", us_verdict_text(d->verdict.name),
                 d->verdict.cause ? d->verdict.cause : "no cause", us_verdict_text(name), cause ? cause : "no cause");
}

static double sign_value(const us_diagnosis *d, const char *name) {
    for (size_t i = 0; i < d->sign_count; i++)
        if (strcmp(d->signs[i].name, name) == 0) return d->signs[i].value;
    return (double)NAN;
}

/* One training after another, each with the answer that its closed form gives. */
static void trainings_are_named(void **state) {
    static const struct {
        jet_function f;
        size_t n;
        double at[JET_MAX], rate;
        const char *rule;
        uint64_t steps;
        us_verdict_name name;
        const char *cause;
    } CASES[] = {
        {f_linear_net, 8, {0}, 0.05, "sgd", 50, US_VERDICT_SADDLE, "negative-curvature"},
        {f_linear_net,
         8,
         {1.7320508075688772, 0, 0, 0, 1.7320508075688772},
         0.05,
         "momentum",
         50,
         US_VERDICT_SADDLE,
         "negative-curvature"},
        {f_linear_net,
         8,
         {1.7320508075688772, 0, 0, 0, 1.7320508075688772},
         0.01,
         "adam",
         0,
         US_VERDICT_SADDLE,
         "negative-curvature"},
        {f_linear_net, 8, {0.9, -0.4, 0.3, 0.8, 0.7, 0.1, -0.2, 0.5}, 0.1, "sgd", 20, US_VERDICT_DESCENDING, NULL},
        {f_bowl, 2, {1, 2}, 0.5, "sgd", 400, US_VERDICT_MINIMUM, "converged"},
        {f_bowl, 2, {1, 2}, 0.1, "sgd", 3, US_VERDICT_DESCENDING, NULL},
        {f_bowl, 2, {1, 0}, 1, "sgd", 30, US_VERDICT_OSCILLATING, "lr-above-stability"},
        {f_bowl, 2, {1, 2}, 1e-6, "sgd", 100, US_VERDICT_CRAWLING, "lr-too-small"},
        {f_bowl, 2, {1e150, 2}, 1e6, "sgd", 0, US_VERDICT_DIVERGED, "lr-above-stability"},
        {f_hill, 2, {0, 0}, 0.1, "sgd", 10, US_VERDICT_MAXIMUM, "negative-definite"},
        {f_log, 1, {-1}, 0.1, "sgd", 0, US_VERDICT_DIVERGED, NULL},
        {f_chain, 3, {0}, 0.1, "sgd", 10, US_VERDICT_PLATEAU, "flat"},
    };
    us_context *context = support_plain_context();
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        subject s;
        subject_open(&s, context, CASES[c].f, CASES[c].n, CASES[c].at, CASES[c].rate, CASES[c].rule);
        assert_int_equal(us_training_advance(s.training, CASES[c].steps), US_OK);
        double before = us_vec_norm2(us_training_theta(s.training));
        us_diagnosis *d;
        assert_int_equal(us_diagnose(&d, s.training, NULL), US_OK);
        assert_verdict(d, CASES[c].name, CASES[c].cause);
        assert_true(us_training_steps(s.training) == CASES[c].steps &&
                    us_vec_norm2(us_training_theta(s.training)) == before);
        us_diagnosis_destroy(d);
        subject_close(&s);
    }
    us_context_destroy(context);
}

/* The signs of a saddle against the closed form: eigenvalues −1 and 6, and the number of steps to leave from 10⁻⁶ beside it,
 * held against the steps that gradient descent then really takes. */
static void signs_of_a_saddle_are_right(void **state) {
    us_context *context = support_plain_context();
    double at[8] = {1.7320508075688772, 0, 0, 1e-6, 1.7320508075688772, 0, 0, 1e-6};
    subject s;
    subject_open(&s, context, f_linear_net, 8, at, 0.05, "sgd");
    us_diagnosis *d;
    us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
    o.steps = 5;
    assert_int_equal(us_diagnose(&d, s.training, &o), US_OK);
    assert_verdict(d, US_VERDICT_SADDLE, "negative-curvature");
    assert_near(sign_value(d, "lambda_min"), -1, 1e-6, 0);
    assert_near(sign_value(d, "lambda_max"), 6, 1e-6, 0);
    assert_near(sign_value(d, "negative_eigenvalues"), 1, 0, 0);
    assert_near(sign_value(d, "zero_eigenvalues"), 3, 0, 0);
    assert_near(sign_value(d, "escape_component"), sqrt(2) * 1e-6, 1e-3, 0);
    assert_near(sign_value(d, "steps_carrying_on"), 5, 0, 0);
    assert_near(sign_value(d, "decrease_escape"), 0.5, 0.02, 0); /* the whole rest: both units come to 1 */
    double loss = 0.5, predicted = sign_value(d, "steps_to_leave");
    while (loss > 0.25) {
        assert_int_equal(us_training_step(s.training), US_OK);
        assert_int_equal(us_problem_value(s.problem, us_training_theta(s.training), US_BATCH_ALL, &loss), US_OK);
    }
    assert_near(predicted, (double)us_training_steps(s.training), 0.1, 0);
    us_diagnosis_destroy(d);
    subject_close(&s);
    us_context_destroy(context);
}

/* Above the limit of a dense Hessian both ends of the spectrum are looked at; nothing is claimed about what was not
 * measured. */
static void a_large_model_is_judged_by_its_ends(void **state) {
    us_context *context = support_plain_context();
    us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
    o.point.spectrum.limit = 4;
    o.point.products = 0;
    subject s;
    us_diagnosis *d;
    subject_open(&s, context, f_linear_net, 8, (double[8]){0}, 0.05, "sgd");
    assert_int_equal(us_diagnose(&d, s.training, &o), US_OK);
    assert_verdict(d, US_VERDICT_UNDECIDED, "needs-more-products");
    assert_int_equal(d->point->kind, US_KIND_UNDECIDED);
    assert_non_null(d->point->undecided_because);
    us_diagnosis_destroy(d);
    o.point.products = 50;
    assert_int_equal(us_diagnose(&d, s.training, &o), US_OK);
    assert_int_equal(d->verdict.name, US_VERDICT_SADDLE);
    assert_int_equal(d->point->kind, US_KIND_SADDLE);
    assert_null(d->point->spectrum);
    assert_false(d->evidence.counted);
    assert_near(d->evidence.lambda_min, d->point->ends->values[0], 0, 0);
    assert_true(d->evidence.decrease_escape > 0 && d->point->ends->products <= 50);
    us_diagnosis_destroy(d);
    subject_close(&s);
    subject_open(&s, context, f_linear_net, 8, (double[8]){0.9, -0.4, 0.3, 0.8, 0.7, 0.1, -0.2, 0.5}, 0.05, "sgd");
    assert_int_equal(us_diagnose(&d, s.training, &o), US_OK);
    assert_verdict(d, US_VERDICT_DESCENDING, NULL);
    assert_int_equal(d->point->kind, US_KIND_NOT_CRITICAL);
    us_diagnosis_destroy(d);
    subject_close(&s);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ least squares on data */

static us_problem *least_squares(us_context *context, us_dataset *data, bool duplicate) {
    us_rng rng = us_rng_init(3, 1);
    double *x = us_dataset_features(data), *y = us_dataset_targets(data);
    for (size_t i = 0; i < us_dataset_rows(data); i++) {
        for (size_t j = 0; j < 3; j++) x[3 * i + j] = us_rng_normal(&rng);
        if (duplicate) x[3 * i + 2] = x[3 * i];
        y[i] = 1.5 * x[3 * i] - 0.7 * x[3 * i + 1] + 0.3 + 0.5 * us_rng_normal(&rng);
    }
    us_problem *problem = NULL;
    assert_int_equal(us_problem_create_linear(&problem, data, US_LINEAR_HALF_MSE), US_OK);
    return problem;
}

static void least_squares_ends_in_a_minimum_or_a_valley(void **state) {
    us_context *context = support_plain_context();
    for (int duplicate = 0; duplicate < 2; duplicate++)
        for (int momentum = 0; momentum < 2; momentum++) {
            us_dataset *data;
            assert_int_equal(us_dataset_create(&data, context, US_F64, 60, 3, US_REGRESSION, 1), US_OK);
            us_problem *problem = least_squares(context, data, duplicate);
            us_vec *theta;
            us_training *training;
            us_training_options o = US_TRAINING_OPTIONS_INIT;
            us_rng rng = us_rng_init(9, 9);
            o.learning_rate = 0.2;
            o.rule = us_rule_find(momentum ? "momentum" : "sgd");
            assert_int_equal(us_vec_create(&theta, context, US_F64, us_problem_dimension(problem)), US_OK);
            us_vec_fill_normal(theta, &rng);
            assert_int_equal(us_training_create(&training, problem, theta, &o), US_OK);
            assert_int_equal(us_training_advance(training, 1000), US_OK);
            us_diagnosis *d;
            assert_int_equal(us_diagnose(&d, training, NULL), US_OK);
            assert_verdict(d, US_VERDICT_MINIMUM, duplicate ? "flat-valley" : "converged");
            assert_int_equal(d->evidence.zero, duplicate);
            assert_false(d->verdict.stuck);
            us_diagnosis_destroy(d);
            us_training_destroy(training);
            us_vec_destroy(theta);
            us_problem_destroy(problem);
            us_dataset_destroy(data);
        }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ wrong derivatives */

static int wrong_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    int code = jet_gradient(user, theta, rows, count, loss, gradient);
    ((double *)gradient)[1] *= -1;
    return code;
}

static int wrong_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    int code = jet_hvp(user, theta, rows, count, v, hv);
    ((double *)hv)[0] *= 0.5;
    return code;
}

static void wrong_derivatives_are_named(void **state) {
    us_context *context = support_plain_context();
    for (int which = 0; which < 2; which++) {
        jet_problem p = {f_bowl, 2};
        us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
        callback.dimension = 2, callback.user = &p;
        callback.value = jet_value;
        callback.gradient = which ? jet_gradient : wrong_gradient;
        callback.hvp = which ? wrong_hvp : NULL;
        us_problem *problem;
        us_vec *theta;
        us_training *training;
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        o.learning_rate = which ? 0.5 : 0.1;
        assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
        assert_int_equal(us_vec_create(&theta, context, US_F64, 2), US_OK);
        us_vec_set(theta, 0, 0.7), us_vec_set(theta, 1, -1.3);
        assert_int_equal(us_training_create(&training, problem, theta, &o), US_OK);
        assert_int_equal(us_training_advance(training, which ? 300 : 5), US_OK);
        us_diagnosis *d;
        assert_int_equal(us_diagnose(&d, training, NULL), US_OK);
        assert_verdict(d, US_VERDICT_UNDECIDED, "wrong-gradient");
        us_diagnosis_destroy(d);
        us_training_destroy(training);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ units that cannot be told apart */

/* A 2-3-1 network: layer1.weight [3×2], layer1.bias [3], layer2.weight [1×3], layer2.bias [1] */
static void symmetric_units_are_found(void **state) {
    us_context *context = support_plain_context();
    const us_group groups[] = {{"layer1.weight", 0, 6, 2, {3, 2}},
                               {"layer1.bias", 6, 3, 1, {3}},
                               {"layer2.weight", 9, 3, 2, {1, 3}},
                               {"layer2.bias", 12, 1, 1, {1}}};
    enum { N = 13 };
    double theta[N] = {0.5, -0.2, 0.5, -0.2, 0.8,  0.1, 0.3,
                       0.3, 0.4,  1.1, 1.1,  -0.6, 0.2}; /* units 0 and 1 are equal, 2 is not */
    double values[N] = {-1}, vectors[N * N] = {0};
    for (size_t i = 1; i < N; i++) values[i] = 1;
    us_spectrum spectrum = {
        .n = N, .values = values, .vectors = vectors, .negative = 1, .positive = N - 1, .context = context};
    us_point point = {.theta = theta, .spectrum = &spectrum, .context = context};
    double share, r = sqrt(0.5);

    vectors[0] = r, vectors[2] = -r; /* a difference of the equal ones */
    assert_int_equal(us__symmetry_share(context, groups, 4, &point, &share), US_OK);
    assert_near(share, 1, 1e-12, 0);
    vectors[2] = r; /* both alike */
    assert_int_equal(us__symmetry_share(context, groups, 4, &point, &share), US_OK);
    assert_near(share, 0, 0, 1e-12);
    vectors[0] = r, vectors[2] = 0, vectors[4] = -r; /* half in unit 0, of which half is difference */
    assert_int_equal(us__symmetry_share(context, groups, 4, &point, &share), US_OK);
    assert_near(share, 0.25, 1e-12, 0);
    theta[2] = 0.51; /* no longer equal */
    assert_int_equal(us__symmetry_share(context, groups, 4, &point, &share), US_OK);
    assert_near(share, 0, 0, 1e-12);
    static const size_t UNIT_2[] = {4, 5, 8, 11};
    for (size_t i = 0; i < 4; i++) theta[UNIT_2[i]] = 0; /* a zero unit moves */
    assert_int_equal(us__symmetry_share(context, groups, 4, &point, &share), US_OK);
    assert_near(share, 0.5, 1e-12, 0);
    theta[11] = -0.6; /* its outgoing weight is not zero: it is a unit like any other */
    assert_int_equal(us__symmetry_share(context, groups, 4, &point, &share), US_OK);
    assert_near(share, 0, 0, 1e-12);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ failing allocations */

static us_status diagnose_body(us_context *context, void *user) {
    jet_problem p = {f_linear_net, 8};
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = 8, callback.user = &p;
    callback.value = jet_value, callback.gradient = jet_gradient, callback.hvp = jet_hvp;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_training *training = NULL;
    us_diagnosis *d = NULL;
    us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
    o.point.probes = 2;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (!status) status = us_vec_create(&theta, context, US_F64, 8);
    if (!status) status = us_training_create(&training, problem, theta, NULL);
    if (!status) status = us_diagnose(&d, training, &o);
    us_diagnosis_destroy(d);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void every_allocation_may_fail(void **state) { support_fail_each_allocation(diagnose_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trainings_are_named),
        cmocka_unit_test(signs_of_a_saddle_are_right),
        cmocka_unit_test(a_large_model_is_judged_by_its_ends),
        cmocka_unit_test(least_squares_ends_in_a_minimum_or_a_valley),
        cmocka_unit_test(wrong_derivatives_are_named),
        cmocka_unit_test(symmetric_units_are_found),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
