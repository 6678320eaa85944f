/* Batch normalisation: both forms against plain loops and differences; running values that a training moves. */
#include "graph/differences.h"
#include "support.h"
#include <unstuck/graph.h>
#include <unstuck/rule.h>
#include <unstuck/safetensors.h>
#include <unstuck/train.h>

enum { CHANNELS = 3, SIDE = 4, COLUMNS = CHANNELS * SIDE, ROWS = 700, FEW = 40 };
static const double EPSILON = 1e-3;

static us_dataset *norm_data(us_context *context) {
    us_dataset *data;
    assert_int_equal(us_dataset_create(&data, context, US_F64, ROWS, COLUMNS, US_REGRESSION, 1), US_OK);
    us_rng rng = us_rng_init(7, 1);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) ((double *)us_dataset_features(data))[i] = 2 * us_rng_normal(&rng) + 1;
    for (size_t i = 0; i < ROWS; i++) ((double *)us_dataset_targets(data))[i] = us_rng_normal(&rng);
    return data;
}

/* Σ tanh(norm(x ⊙ scale))·out over [channels×2×2] or, flat, [channels×4 features]. Groups: scale, gain, bias, mean,
 * variance, out. */
static us_status norm_problem(us_problem **out, us_context *context, const us_dataset *data, bool flat,
                              us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, context);
    if (status != US_OK) return status;
    size_t channels = flat ? COLUMNS : CHANNELS, columns = COLUMNS;
    us_node x = us_graph_mul(g, us_graph_features(g, COLUMNS), us_graph_parameter(g, "scale", 1, &columns));
    if (!flat) x = us_graph_reshape(g, x, 4, (size_t[]){US_SAMPLES, CHANNELS, 2, 2});
    us_node gain = us_graph_parameter(g, "gain", 1, &channels), bias = us_graph_parameter(g, "bias", 1, &channels);
    us_node y = us_graph_apply(g, "tanh", us_graph_batch_norm(g, x, gain, bias, "norm", EPSILON));
    if (!flat) y = us_graph_reshape(g, y, 2, (size_t[]){US_SAMPLES, COLUMNS});
    us_node z = us_graph_matmul(g, y, false, us_graph_parameter(g, "out", 2, (size_t[]){COLUMNS, 1}), false);
    us_node e = us_graph_sub(g, z, us_graph_targets(g, 1));
    us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_sum(g, us_graph_mul(g, e, e), 1)));
    return us_problem_create_graph(out, g, data, precision);
}

typedef struct norm {
    us_context *context;
    us_dataset *data;
    us_problem *problem;
    us_vec *theta;
    size_t channels;
    const us_group *group;
} norm;

enum { SCALE, GAIN, BIAS, MEAN, VARIANCE, OUT };

static norm norm_make(bool flat, us_precision precision) {
    norm n = {.context = support_plain_context(), .channels = flat ? COLUMNS : CHANNELS};
    size_t groups;
    n.data = norm_data(n.context);
    if (norm_problem(&n.problem, n.context, n.data, flat, precision) != US_OK) fail_msg("%s", us_context_error(n.context));
    n.group = us_problem_groups(n.problem, &groups);
    assert_int_equal(groups, 6);
    n.theta = differences_vec(n.problem);
    us_rng rng = us_rng_init(3, 0);
    us_vec_fill_normal(n.theta, &rng);
    for (size_t i = 0; i < COLUMNS; i++) us_vec_set(n.theta, i, 1.1 + 0.4 * us_rng_uniform(&rng)); /* far from 0 */
    for (size_t i = 0; i < n.channels; i++) us_vec_set(n.theta, n.group[VARIANCE].offset + i, 0.7 + 0.3 * (double)i);
    return n;
}

static void norm_destroy(norm *n) {
    us_vec_destroy(n->theta);
    us_problem_destroy(n->problem);
    us_dataset_destroy(n->data);
    us_context_destroy(n->context);
}

static double norm_theta(const norm *n, int group, size_t i) { return us_vec_get(n->theta, n->group[group].offset + i); }

/* The loss of the first FEW rows, and what they are normalised with. */
static double plain_loss(const norm *n, bool training, double *mean, double *variance) {
    const double *x = us_dataset_features_const(n->data), *y = us_dataset_targets_const(n->data);
    size_t area = COLUMNS / n->channels;
    double loss = 0;
    for (size_t c = 0; c < n->channels; c++) {
        mean[c] = training ? 0 : norm_theta(n, MEAN, c);
        variance[c] = training ? 0 : norm_theta(n, VARIANCE, c);
        for (size_t pass = 0; pass < 2 && training; pass++)
            for (size_t i = 0; i < FEW; i++)
                for (size_t j = c * area; j < (c + 1) * area; j++) {
                    double value = x[i * COLUMNS + j] * norm_theta(n, SCALE, j);
                    double off = value - mean[c];
                    if (pass)
                        variance[c] += off * off / (double)(FEW * area);
                    else
                        mean[c] += value / (double)(FEW * area);
                }
    }
    for (size_t i = 0; i < FEW; i++) {
        double z = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            size_t c = j / area;
            double value = (x[i * COLUMNS + j] * norm_theta(n, SCALE, j) - mean[c]) / sqrt(variance[c] + EPSILON);
            z += tanh(norm_theta(n, GAIN, c) * value + norm_theta(n, BIAS, c)) * norm_theta(n, OUT, j);
        }
        loss += 0.5 * (z - y[i]) * (z - y[i]) / FEW;
    }
    return loss;
}

static void both_forms_are_plain_loops(void **state) {
    (void)state;
    uint32_t rows[FEW];
    for (uint32_t i = 0; i < FEW; i++) rows[i] = i;
    for (int flat = 0; flat < 2; flat++)
        for (int single = 0; single < 2; single++) {
            norm n = norm_make(flat, single ? US_F32 : US_F64);
            us_vec *g = differences_vec(n.problem);
            double mean[COLUMNS], variance[COLUMNS], loss, tolerance = single ? 1e-5 : 1e-12;
            assert_true(us_problem_has_training_form(n.problem));
            for (size_t k = 0; k < 6; k++) assert_int_equal(n.group[k].state, k == MEAN || k == VARIANCE);
            assert_string_equal(n.group[MEAN].name, "norm.mean");
            assert_string_equal(n.group[VARIANCE].name, "norm.variance");
            for (uint64_t draw = 0; draw < 2; draw++) {
                double plain = plain_loss(&n, draw, mean, variance);
                assert_int_equal(us_problem_gradient(n.problem, n.theta, (us_batch){rows, FEW, draw}, &loss, g), US_OK);
                assert_near(loss, plain, tolerance, 0);
                for (size_t c = 0; c < n.channels; c++) {
                    assert_near(us_vec_get(g, n.group[MEAN].offset + c), draw ? norm_theta(&n, MEAN, c) - mean[c] : 0,
                                tolerance, tolerance);
                    assert_near(us_vec_get(g, n.group[VARIANCE].offset + c),
                                draw ? norm_theta(&n, VARIANCE, c) - variance[c] : 0, tolerance, tolerance);
                }
            }
            us_vec_destroy(g);
            norm_destroy(&n);
        }
}

/* In both forms, on one tile and on several, also of more than a block. */
static void derivatives_are_exact(void **state) {
    (void)state;
    uint32_t rows[150];
    for (uint32_t i = 0; i < 150; i++) rows[i] = i * 3;
    for (int flat = 0; flat < 2; flat++) {
        norm n = norm_make(flat, US_F64);
        us_problem *free;
        assert_int_equal(us_problem_create_restricted(&free, n.problem, n.theta, NULL, false), US_OK);
        assert_int_equal(us_problem_dimension(free), us_problem_dimension(n.problem) - 2 * n.channels);
        us_vec *x = differences_vec(free);
        assert_int_equal(us_restricted_take(free, n.theta, x), US_OK);
        const us_batch batches[] = {{rows, 30, 0}, {rows, 30, 4}, {rows, 150, 4}, {NULL, 0, 4}};
        for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
            double gradient = differences_gradient(free, x, batches[k]), product = differences_product(free, x, batches[k]);
            if (!(gradient < 1e-8 && product < 1e-8)) fail_msg("batch %zu: %g, %g", k, gradient, product);
        }
        us_vec_destroy(x);
        us_problem_destroy(free);
        norm_destroy(&n);
    }
}

/* Each step takes a tenth of what the gradient says off the running values, whatever the rule, its clipping and penalties.
 */
typedef struct norm_watch {
    const norm *n;
    us_problem *problem;
    us_vec *before, *gradient;
    size_t seen;
} norm_watch;

static bool norm_observe(void *user, const us_training *training, const us_step_info *info) {
    norm_watch *w = user;
    (void)training;
    double loss;
    assert_int_equal(us_problem_gradient(w->problem, w->before, info->batch, &loss, w->gradient), US_OK);
    for (int k = MEAN; k <= VARIANCE; k++)
        for (size_t i = 0; i < w->n->channels; i++) {
            size_t at = w->n->group[k].offset + i;
            assert_true(us_vec_get(w->gradient, at) != 0 && us_vec_get(info->gradient, at) == 0);
            assert_near(us_vec_get(info->theta, at), us_vec_get(w->before, at) - 0.1 * us_vec_get(w->gradient, at), 1e-15,
                        0);
        }
    us_vec_copy(w->before, info->theta);
    w->seen++;
    return true;
}

static void trainings_move_running_values(void **state) {
    (void)state;
    const char *const rules[] = {"sgd", "momentum", "adam", "adagrad"};
    norm n = norm_make(false, US_F64);
    us_problem *penalised;
    assert_int_equal(us_problem_create_l2(&penalised, n.problem, 0.3, false), US_OK);
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        norm_watch watch = {
            .n = &n, .problem = penalised, .before = differences_vec(n.problem), .gradient = differences_vec(n.problem)};
        us_training_options options = US_TRAINING_OPTIONS_INIT;
        us_training *training, *again;
        options.rule = us_rule_find(rules[r]);
        options.learning_rate = 0.01;
        options.clip_norm = 0.5;
        options.batch = 50;
        us_vec_copy(watch.before, n.theta);
        assert_int_equal(us_training_create(&training, penalised, n.theta, &options), US_OK);
        assert_int_equal(us_training_observe(training, norm_observe, &watch), US_OK);
        assert_int_equal(us_training_advance(training, 5), US_OK);
        assert_int_equal(watch.seen, 5);
        /* From its bytes it goes on to the same last bit. */
        void *bytes;
        size_t size;
        assert_int_equal(us_training_to_bytes(training, &bytes, &size), US_OK);
        assert_int_equal(us_training_from_bytes(&again, penalised, bytes, size, NULL), US_OK);
        us_bytes_release(n.context, bytes);
        assert_int_equal(us_training_advance(training, 7), US_OK);
        assert_int_equal(us_training_advance(again, 7), US_OK);
        for (size_t i = 0; i < us_vec_size(n.theta); i++)
            assert_true(us_vec_get(us_training_theta(training), i) == us_vec_get(us_training_theta(again), i));
        us_training_destroy(training), us_training_destroy(again);
        us_vec_destroy(watch.before), us_vec_destroy(watch.gradient);
    }
    us_problem_destroy(penalised);
    norm_destroy(&n);
}

/* After many small steps the running values are those of the data: evaluation and training agree. */
static void forms_meet_in_the_end(void **state) {
    (void)state;
    norm n = norm_make(true, US_F64);
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    us_training *training;
    options.learning_rate = 1e-12;
    assert_int_equal(us_training_create(&training, n.problem, n.theta, &options), US_OK);
    assert_int_equal(us_training_advance(training, 300), US_OK);
    double training_form, evaluation;
    const us_vec *theta = us_training_theta(training);
    assert_int_equal(us_problem_value(n.problem, theta, (us_batch){NULL, 0, 1}, &training_form), US_OK);
    assert_int_equal(us_problem_value(n.problem, theta, US_BATCH_ALL, &evaluation), US_OK);
    assert_near(training_form, evaluation, 0.05, 0); /* tiles differ a little from the whole */
    us_training_destroy(training);
    norm_destroy(&n);
}

static void what_does_not_fit_is_an_error(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    for (int k = 0; k < 5; k++) {
        us_graph *g;
        assert_int_equal(us_graph_create(&g, context), US_OK);
        us_node x = us_graph_features(g, 6), three = us_graph_parameter(g, "three", 1, (size_t[]){3});
        us_node six = us_graph_parameter(g, "six", 1, (size_t[]){6});
        us_node y =
            us_graph_batch_norm(g, k == 4 ? six : x, k == 1 ? three : six, six, k == 2 ? "" : "norm", k == 3 ? 0 : 1e-5);
        if (k == 0) { /* the same name twice */
            assert_int_equal(us_graph_status(g), US_OK);
            y = us_graph_batch_norm(g, y, six, six, "norm", 1e-5);
        }
        assert_int_equal(y, US_NODE_NONE);
        assert_int_equal(us_graph_status(g), k == 1 || k == 4 ? US_ERR_SHAPE : US_ERR_ARGUMENT);
        us_graph_destroy(g);
    }
    us_context_destroy(context);
}

static us_status norm_body(us_context *context, void *user) {
    us_problem *problem;
    us_vec *theta = NULL;
    us_training *training = NULL;
    us_status status = norm_problem(&problem, context, user, false, US_F32);
    if (status != US_OK) return status;
    if ((status = us_vec_create(&theta, context, US_F32, us_problem_dimension(problem))) == US_OK)
        status = us_training_create(&training, problem, theta, NULL);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void failing_allocations_leave_nothing(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    us_dataset *data = norm_data(context);
    support_fail_each_allocation(norm_body, data);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_plain_loops),    cmocka_unit_test(derivatives_are_exact),
        cmocka_unit_test(trainings_move_running_values), cmocka_unit_test(forms_meet_in_the_end),
        cmocka_unit_test(what_does_not_fit_is_an_error), cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
