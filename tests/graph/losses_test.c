/* Losses and normalisation beside PyTorch (tests/oracle/losses.py); what happens at ties, infinities and NaN; shapes that do
 * not fit; failing allocations. */
#include "graph/differences.h"
#include "graph/graph.h"
#include "oracle/losses.h"
#include "support.h"

enum { ROWS = 4, COLUMNS = 3 };
static const double Z[ROWS * COLUMNS] = {2.385, -0.713, 0.25, -1.5, 0.4, 3.1, 0.1, -2.2, 0.9, 30, -4, 1};
static const double T[ROWS * COLUMNS] = {0.4, -1, 0.3, 1, 0, 1, 0.2, -1.9, 0.95, 1, 0, 0.35};
static const uint32_t LABELS[ROWS] = {0, 1, 2, 1};
static us_context *context;

typedef us_node losses_make(us_graph *g, us_node z, us_node t, us_node labels);

static us_node make_huber(us_graph *g, us_node z, us_node t, us_node labels) {
    return (void)labels, us_graph_sum(g, us_graph_huber(g, z, t, 0.7), 1);
}
/* Targets above 0.38 are 1, others −1. */
static us_node make_hinge(us_graph *g, us_node z, us_node t, us_node labels) {
    us_node one = us_graph_constant(g, 1), above = us_graph_sub(g, t, us_graph_constant(g, 0.38));
    return (void)labels, us_graph_sum(g, us_graph_hinge(g, z, us_graph_select(g, above, one, us_graph_neg(g, one))), 1);
}
static us_node make_binary(us_graph *g, us_node z, us_node t, us_node labels) {
    us_node one = us_graph_constant(g, 1), target = us_graph_min(g, us_graph_apply(g, "abs", t), one);
    return (void)labels, us_graph_sum(g, us_graph_binary_cross_entropy(g, z, target), 1);
}
static us_node make_weighted(us_graph *g, us_node z, us_node t, us_node labels) {
    return (void)t, us_graph_cross_entropy_weighted(g, z, labels, 0.1, (double[]){0.5, 1, 1.7});
}
static us_node make_layer_norm(us_graph *g, us_node z, us_node t, us_node labels) {
    us_node gain = us_graph_array(g, 1, (size_t[]){3}, (double[]){0.8, 1.3, -0.6});
    us_node bias = us_graph_array(g, 1, (size_t[]){3}, (double[]){0.1, -0.2, 0.3});
    return (void)labels, us_graph_sum(g, us_graph_mul(g, us_graph_layer_norm(g, z, gain, bias, 1e-5), t), 1);
}
static us_node make_log_sum_exp(us_graph *g, us_node z, us_node t, us_node labels) {
    return (void)t, (void)labels, us_graph_log_sum_exp(g, z);
}
static us_node make_mean_max(us_graph *g, us_node z, us_node t, us_node labels) {
    return (void)t, (void)labels, us_graph_add(g, us_graph_mean(g, z, 1), us_graph_max_over(g, z, 1));
}

static const struct {
    const char *name;
    losses_make *make;
    const double *value, *slope;
} LOSSES[] = {
    {"huber", make_huber, HUBER, HUBER_SLOPE},
    {"hinge", make_hinge, HINGE, HINGE_SLOPE},
    {"binary cross-entropy", make_binary, BINARY, BINARY_SLOPE},
    {"weighted cross-entropy", make_weighted, WEIGHTED, WEIGHTED_SLOPE},
    {"layer norm", make_layer_norm, LAYER_NORM, LAYER_NORM_SLOPE},
    {"log-sum-exp", make_log_sum_exp, LOG_SUM_EXP, LOG_SUM_EXP_SLOPE},
    {"mean and max", make_mean_max, MEAN_MAX, MEAN_MAX_SLOPE},
};
enum { LOSS_COUNT = sizeof LOSSES / sizeof *LOSSES };

/* A problem whose parameters are the logits: row i of the data reads row i of them, by number. */
static us_status losses_problem(us_problem **out, us_dataset *data, us_context *c, losses_make *make,
                                us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, c);
    if (status != US_OK) return status;
    us_node x = us_graph_features(g, 1 + COLUMNS), z = us_graph_parameter(g, "z", 2, (size_t[]){ROWS, COLUMNS});
    us_node row = us_graph_gather(g, z, us_graph_column(g, x, 0));
    us_graph_set_loss(g, make(g, row, us_graph_slice(g, x, 1, 1, COLUMNS), us_graph_labels(g, COLUMNS)));
    return us_problem_create_graph(out, g, data, precision);
}

static us_dataset *losses_data(us_context *c) {
    us_dataset *data;
    if (us_dataset_create(&data, c, US_F64, ROWS, 1 + COLUMNS, US_CLASSIFICATION, COLUMNS) != US_OK) return NULL;
    double *x = us_dataset_features(data);
    for (size_t i = 0; i < ROWS; i++) {
        x[4 * i] = (double)i;
        memcpy(x + 4 * i + 1, T + 3 * i, 3 * sizeof *x);
    }
    memcpy(us_dataset_labels(data), LABELS, sizeof LABELS);
    return data;
}

static void losses_agree_with_pytorch(void **state) {
    us_dataset *data = losses_data(context);
    for (us_precision precision = US_F32; precision <= US_F64; precision += US_F64 - US_F32)
        for (size_t k = 0; k < LOSS_COUNT; k++) {
            us_problem *p;
            assert_int_equal(losses_problem(&p, data, context, LOSSES[k].make, precision), US_OK);
            us_vec *theta = differences_vec(p), *gradient = differences_vec(p);
            us_vec_write_f64(theta, Z);
            double tolerance = 8 * us_precision_epsilon(precision);
            for (uint32_t i = 0; i < ROWS; i++) {
                double loss;
                us_batch row = {.rows = &i, .count = 1};
                assert_int_equal(us_problem_gradient(p, theta, row, &loss, gradient), US_OK);
                assert_near(loss, LOSSES[k].value[i], tolerance, tolerance);
                for (size_t j = 0; j < COLUMNS; j++)
                    assert_near(us_vec_get(gradient, COLUMNS * i + j), LOSSES[k].slope[COLUMNS * i + j], tolerance,
                                2 * tolerance);
            }
            if (precision == US_F64) {
                assert_true(differences_gradient(p, theta, US_BATCH_ALL) < 1e-8);
                assert_true(differences_product(p, theta, US_BATCH_ALL) < 1e-8);
            }
            us_vec_destroy(theta), us_vec_destroy(gradient);
            us_problem_destroy(p);
        }
    us_dataset_destroy(data);
}

/* f(x) of a parameter x [3]: value, and gradient. */
typedef us_node special_make(us_graph *g, us_node x);

static double special_value(special_make *make, const double x[3], double gradient[3]) {
    us_graph *g;
    us_problem *p;
    double value;
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_graph_set_loss(g, make(g, us_graph_parameter(g, "x", 1, (size_t[]){3})));
    assert_int_equal(us_problem_create_graph(&p, g, NULL, US_F64), US_OK);
    us_vec *theta = differences_vec(p), *slope = differences_vec(p);
    us_vec_write_f64(theta, x);
    assert_int_equal(us_problem_gradient(p, theta, US_BATCH_ALL, &value, slope), US_OK);
    us_vec_read_f64(slope, gradient);
    us_vec_destroy(theta), us_vec_destroy(slope);
    us_problem_destroy(p);
    return value;
}

static us_node part(us_graph *g, us_node x, size_t i) { return us_graph_reshape(g, us_graph_slice(g, x, 0, i, 1), 0, NULL); }
static us_node special_max(us_graph *g, us_node x) { return us_graph_max(g, part(g, x, 0), part(g, x, 1)); }
static us_node special_min(us_graph *g, us_node x) { return us_graph_min(g, part(g, x, 0), part(g, x, 1)); }
static us_node special_max_over(us_graph *g, us_node x) { return us_graph_max_over(g, x, 0); }
static us_node special_log_sum_exp(us_graph *g, us_node x) { return us_graph_log_sum_exp(g, x); }
static us_node special_softmax(us_graph *g, us_node x) { return part(g, us_graph_softmax(g, x), 0); }
static us_node special_select(us_graph *g, us_node x) {
    return us_graph_select(g, part(g, x, 0), part(g, x, 1), part(g, x, 2));
}

static void ties_infinities_and_nan(void **state) {
    const double inf = (double)INFINITY, nan = (double)NAN;
    const struct {
        special_make *make;
        double x[3], value, slope[3];
    } CASES[] = {
        {special_max, {2, 2, 0}, 2, {1, 0, 0}},
        {special_max, {1, 2, 0}, 2, {0, 1, 0}},
        {special_max, {-inf, inf, 0}, inf, {0, 1, 0}},
        {special_min, {2, 2, 0}, 2, {1, 0, 0}},
        {special_min, {inf, 2, 0}, 2, {0, 1, 0}},
        {special_max_over, {1, 3, 3}, 3, {0, 1, 0}},
        {special_max_over, {-inf, -inf, -inf}, -inf, {1, 0, 0}},
        {special_select, {1, 2, nan}, 2, {0, 1, 0}},
        {special_select, {-1, inf, 3}, 3, {0, 0, 1}},
        {special_select, {0, inf, 3}, 3, {0, 0, 1}},
        {special_log_sum_exp, {1e4, -1e4, 0}, 1e4, {1, 0, 0}},
        {special_log_sum_exp, {-inf, 2, -inf}, 2, {0, 1, 0}},
        {special_softmax, {1e4, -1e4, -inf}, 1, {0, 0, 0}},
    };
    double slope[3];
    for (size_t k = 0; k < sizeof CASES / sizeof *CASES; k++) {
        double value = special_value(CASES[k].make, CASES[k].x, slope);
        bool same = value == CASES[k].value;
        for (size_t i = 0; i < 3; i++) same = same && slope[i] == CASES[k].slope[i];
        if (!same) fail_msg("case %zu: %g, slopes %g %g %g", k, value, slope[0], slope[1], slope[2]);
    }
    special_make *const NANS[] = {special_max, special_min, special_max_over, special_log_sum_exp, special_softmax};
    for (size_t k = 0; k < sizeof NANS / sizeof *NANS; k++)
        for (size_t i = 0; i < 2; i++) {
            double x[3] = {0.3, 0.7, 0.2};
            x[i] = nan;
            if (!isnan(special_value(NANS[k], x, slope))) fail_msg("%zu: NaN at %zu is not seen", k, i);
        }
    assert_true(isnan(special_value(special_select, (double[]){nan, 1, 2}, slope)));
    assert_true(special_value(special_log_sum_exp, (double[]){-inf, -inf, -inf}, slope) == -inf);
}

/* Each line makes one mistake. */
static void shapes_that_do_not_fit(void **state) {
    for (int k = 0; k < 22; k++) {
        us_graph *g;
        assert_int_equal(us_graph_create(&g, context), US_OK);
        us_node w = us_graph_parameter(g, "w", 2, (size_t[]){4, 5}), x = us_graph_features(g, 5), bad = US_NODE_NONE,
                v = us_graph_parameter(g, "v", 1, (size_t[]){4}), s = us_graph_column(g, x, 0),
                b = us_graph_parameter(g, "b", 3, (size_t[]){2, 3, 4});
        us_node labels = us_graph_labels(g, 5);
        us_status expected = k < 15 ? US_ERR_SHAPE : k < 18 ? US_ERR_UNSUPPORTED : US_ERR_ARGUMENT;
        assert_int_equal(us_graph_status(g), US_OK);
        us_context_error_clear(context);
        size_t sixteen[16] = {1, 2, 3};
        bad = k == 0    ? us_graph_reshape(g, w, 2, (size_t[]){3, 7})
              : k == 1  ? us_graph_reshape(g, x, 2, (size_t[]){5, US_SAMPLES})
              : k == 2  ? us_graph_reshape(g, w, 5, sixteen)
              : k == 3  ? us_graph_permute(g, x, (size_t[]){1, 0})
              : k == 4  ? us_graph_slice(g, w, 1, 3, 3)
              : k == 5  ? us_graph_slice(g, w, 1, 3, 0)
              : k == 6  ? us_graph_concatenate(g, w, v, 0)
              : k == 7  ? us_graph_concatenate(g, v, s, 0)
              : k == 8  ? us_graph_pad(g, w, 0, SIZE_MAX, 0)
              : k == 9  ? us_graph_batch_matmul(g, b, false, b, false)
              : k == 10 ? us_graph_gather(g, x, x)
              : k == 11 ? us_graph_softmax(g, s)
              : k == 12 ? us_graph_scatter_add(g, w, w, 3)
              : k == 13 ? us_graph_select(g, v, w, x)
              : k == 14 ? us_graph_array(g, 1, (size_t[]){0}, (double[]){0})
              : k == 15 ? us_graph_max_over(g, x, 0)
              : k == 16 ? us_graph_scatter_add(g, x, s, 3)
              : k == 17 ? us_graph_pad(g, x, 0, 1, 1)
              : k == 18 ? us_graph_permute(g, w, (size_t[]){1, 1})
              : k == 19 ? us_graph_huber(g, x, x, 0)
              : k == 20 ? us_graph_cross_entropy_weighted(g, x, labels, 1, NULL)
                        : us_graph_layer_norm(g, x, v, v, -1);
        assert_int_equal(bad, US_NODE_NONE);
        if (us_graph_status(g) != expected) fail_msg("%d: %s", k, us_context_error(context));
        assert_true(strlen(us_context_error(context)) > 10 && !strchr(us_context_error(context), '\n'));
        us_graph_destroy(g);
    }
}

/* Graphs of all losses, one after the other, with arrays enough to grow. */
static us_status losses_body(us_context *c, void *user) {
    us_status status = US_ERR_NOMEM;
    us_dataset *data = losses_data(c);
    (void)user;
    if (data) status = US_OK;
    for (size_t k = 0; k < LOSS_COUNT && status == US_OK; k++) {
        us_problem *p = NULL;
        status = losses_problem(&p, data, c, LOSSES[k].make, US_F32);
        us_problem_destroy(p);
    }
    us_graph *g = NULL;
    if (status == US_OK) status = us_graph_create(&g, c);
    for (size_t k = 0; k < 20 && status == US_OK; k++) us_graph_array(g, 0, NULL, &(double){(double)k});
    if (status == US_OK) status = us_graph_status(g);
    us_graph_destroy(g);
    us_dataset_destroy(data);
    return status;
}

static void failing_allocations_leave_nothing(void **state) { support_fail_each_allocation(losses_body, NULL); }

static int losses_setup(void **state) {
    context = support_plain_context();
    return 0;
}

static int losses_teardown(void **state) {
    us_context_destroy(context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_agree_with_pytorch),
        cmocka_unit_test(ties_infinities_and_nan),
        cmocka_unit_test(shapes_that_do_not_fit),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, losses_setup, losses_teardown);
}
