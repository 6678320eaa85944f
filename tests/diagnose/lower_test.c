/* Is there a lower point than the minimum that a training stands at? */
#include "support.h"
#include <unstuck/diagnose.h>

/* f(x, y) = ¼(x² − 1)² + t·x + ½y² + 1: two wells where |t| is small, x > 0 the higher one for t > 0; one where t is large.
 */
static int wells_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const double *p = theta, t = *(const double *)user, x = p[0], y = p[1];
    double *g = gradient;
    *loss = 0.25 * (x * x - 1) * (x * x - 1) + t * x + 0.5 * y * y + 1;
    if (g) g[0] = x * (x * x - 1) + t, g[1] = y;
    return 0;
}

static int wells_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return wells_gradient(user, theta, rows, count, loss, NULL);
}

static int wells_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const double *p = theta, *d = v;
    ((double *)hv)[0] = (3 * p[0] * p[0] - 1) * d[0], ((double *)hv)[1] = d[1];
    return 0;
}

/* Descends from (x, 1/2) and diagnoses what is reached. */
static us_status wells_diagnose(us_context *context, double *tilt, double x, us_diagnosis **d) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    us_problem *problem = NULL;
    us_training *training = NULL;
    us_vec *theta = NULL;
    callback.dimension = 2, callback.user = tilt;
    callback.value = wells_value, callback.gradient = wells_gradient, callback.hvp = wells_hvp;
    o.learning_rate = 0.3;
    *d = NULL;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (!status) status = us_vec_create(&theta, context, US_F64, 2);
    if (!status) us_vec_write_f64(theta, (double[2]){x, 0.5});
    if (!status) status = us_training_create(&training, problem, theta, &o);
    if (!status) status = us_training_advance(training, 150);
    if (!status) status = us_diagnose(d, training, NULL);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void the_lower_well_is_found(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        double tilt, start;
        bool local;
    } CASES[] = {{0.2, 0.9, true}, {0.2, -0.9, false}, {-0.15, -1, true}, {1.5, 0.9, false}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        double tilt = CASES[c].tilt;
        us_diagnosis *d;
        assert_int_equal(wells_diagnose(context, &tilt, CASES[c].start, &d), US_OK);
        assert_int_equal(d->verdict.name, US_VERDICT_MINIMUM);
        assert_string_equal(d->verdict.cause, CASES[c].local ? "local" : "converged");
        assert_int_equal(d->verdict.stuck, CASES[c].local);
        if ((d->lower != NULL) != CASES[c].local)
            fail_msg("case %zu: lower %g, here %g", c, d->evidence.lower_loss, d->evidence.loss);
        if (d->lower) { /* it is where it is said to be, and the bottom of the other well */
            double loss, g[2];
            wells_gradient(&tilt, d->lower, NULL, 1, &loss, g);
            assert_near(loss, d->evidence.lower_loss, 1e-14, 0);
            assert_true(loss < d->evidence.loss - 0.1 && d->lower[0] * CASES[c].start < 0);
            assert_near(hypot(g[0], g[1]), 0, 0, 1e-3);
        }
        us_diagnosis_destroy(d);
    }
    us_context_destroy(context);
}

static us_status lower_body(us_context *context, void *user) {
    us_diagnosis *d;
    us_status status = wells_diagnose(context, user, 0.9, &d);
    if (!status) assert_non_null(d->lower);
    us_diagnosis_destroy(d);
    return status;
}

static void every_allocation_may_fail(void **state) {
    double tilt = 0.2;
    support_fail_each_allocation(lower_body, &tilt);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lower_well_is_found),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
