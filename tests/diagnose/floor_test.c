#include "net.h"
#include <float.h>

static void noisy_plane(us_rng *rng, const double *x, double *y) { *y = x[0] - 0.5 * x[1] + 0.3 * us_rng_normal(rng); }
static void noisy_class(us_rng *rng, const double *x, double *y) { *y = us_rng_uniform(rng) < (x[0] > 0 ? 0.8 : 0.3); }
static void wave(us_rng *rng, const double *x, double *y) { *y = sin(2 * x[0]) + x[1]; }

/* Five distinct rows, each with many targets, and a model that can give each its own prediction. */
static void conflicting_rows_set_a_floor(void **state) {
    us_context *context = support_plain_context();
    net s;
    net_make(&s, context, "mlp:24:tanh", US_REGRESSION, 90, 5, 2, noisy_plane, 4);
    net_train(&s, "sgd", 0.2, 0, 30000);
    net_expect(&s, "regression", US_VERDICT_MINIMUM, "irreducible");
    net_close(&s);
    net_make(&s, context, "mlp:12:tanh", US_CLASSIFICATION, 120, 4, 2, noisy_class, 5);
    net_train(&s, "sgd", 0.5, 0, 6000);
    net_expect(&s, "classification", US_VERDICT_MINIMUM, "irreducible");
    net_close(&s);
    net_make(&s, context, "linear", US_REGRESSION, 90, 40, 2, noisy_plane, 6); /* cannot reach the floor of forty groups */
    net_train(&s, "sgd", 0.2, 0, 2000);
    net_expect(&s, "too stiff", US_VERDICT_MINIMUM, "converged");
    net_close(&s);
    us_context_destroy(context);
}

/* More parameters than rows: the data are fitted exactly, and most directions do nothing. */
static void an_exact_fit_is_a_minimum(void **state) {
    us_context *context = support_plain_context();
    net s;
    net_make(&s, context, "mlp:30:tanh", US_REGRESSION, 8, 8, 2, wave, 7);
    net_train(&s, "sgd", 0.2, 0, 60000);
    net_expect(&s, "f64", US_VERDICT_MINIMUM, "flat-valley");
    net_close(&s);
    us_context_destroy(context);
}

/* The decision alone. */
static void the_floor_decides(void **state) {
    us_evidence e;
    us_evidence_init(&e);
    e.loss = 0.3, e.floor = 0.29999, e.constant_loss = 0.5, e.gradient_norm = 1e-6;
    e.kind = US_KIND_DEGENERATE, e.null_space = US_NULL_FLAT, e.spectrum_known = true;
    e.zero = 9, e.positive = 1, e.parameters = 10, e.lambda_min = 0, e.lambda_max = 1, e.resolution = 1e-10;
    e.decrease_carrying_on = 0, e.decrease_line_search = 0;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "irreducible");
    e.decrease_carrying_on = 0.01; /* improving is improving */
    assert_int_equal(us_verdict_decide(&e, NULL).name, US_VERDICT_DESCENDING);
    e.decrease_carrying_on = 0, e.floor = 0.29; /* most is explained: directions that do nothing are units to spare */
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "flat-valley");
    e.floor = 0;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "flat");
    e.floor = 0, e.loss = 1e-9;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "flat-valley");
    e.zero = 0;
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "converged");
    e.floor = (double)NAN, e.zero = 9; /* not known */
    assert_string_equal(us_verdict_decide(&e, NULL).cause, "flat");
    /* A way down that pays is a way down, near the floor of conflicting rows, too. */
    e.loss = 0.3, e.floor = 0.2999, e.negative = 1, e.kind = US_KIND_SADDLE, e.lambda_min = -0.1, e.decrease_escape = 0.01;
    assert_int_equal(us_verdict_decide(&e, NULL).name, US_VERDICT_SADDLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conflicting_rows_set_a_floor),
        cmocka_unit_test(an_exact_fit_is_a_minimum),
        cmocka_unit_test(the_floor_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
