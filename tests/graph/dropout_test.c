/* Dropout: the identity in evaluation form; in training form one function for each draw, whatever is asked of it. */
#include "graph/differences.h"
#include "support.h"
#include <unstuck/graph.h>
#include <unstuck/train.h>

enum { COLUMNS = 37, HIDDEN = 3, ROWS = 1100 }; /* more rows than two blocks; columns that fill no register */

static us_dataset *dropout_data(us_context *context) {
    us_dataset *data;
    assert_int_equal(us_dataset_create(&data, context, US_F64, ROWS, COLUMNS, US_REGRESSION, 1), US_OK);
    us_rng rng = us_rng_init(7, 1);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) ((double *)us_dataset_features(data))[i] = us_rng_normal(&rng);
    for (size_t i = 0; i < ROWS; i++) ((double *)us_dataset_targets(data))[i] = us_rng_normal(&rng);
    return data;
}

/* ½(w₂·drop(tanh(W₁·drop(x))) − y)²; two masks, one of the width of the features, one of the hidden layer. */
static us_status dropout_problem(us_problem **out, us_context *context, const us_dataset *data, double p,
                                 us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, context);
    if (status != US_OK) return status;
    us_node w1 = us_graph_parameter(g, "w1", 2, (size_t[]){HIDDEN, COLUMNS});
    us_node w2 = us_graph_parameter(g, "w2", 2, (size_t[]){1, HIDDEN});
    us_node x = us_graph_dropout(g, us_graph_features(g, COLUMNS), p);
    us_node h = us_graph_dropout(g, us_graph_apply(g, "tanh", us_graph_matmul(g, x, false, w1, true)), p);
    us_node e = us_graph_sub(g, us_graph_matmul(g, h, false, w2, true), us_graph_targets(g, 1));
    us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_sum(g, us_graph_mul(g, e, e), 1)));
    return us_problem_create_graph(out, g, data, precision);
}

typedef struct dropout {
    us_context *context;
    us_dataset *data;
    us_problem *problem, *plain; /* with and without */
    us_vec *theta;
} dropout;

static dropout dropout_make(double p, us_precision precision) {
    dropout d = {.context = support_plain_context()};
    d.data = dropout_data(d.context);
    assert_int_equal(dropout_problem(&d.problem, d.context, d.data, p, precision), US_OK);
    assert_int_equal(dropout_problem(&d.plain, d.context, d.data, 0, precision), US_OK);
    d.theta = differences_vec(d.problem);
    us_rng rng = us_rng_init(3, 0);
    us_vec_fill_normal(d.theta, &rng);
    us_vec_scale(d.theta, 0.4);
    return d;
}

static void dropout_destroy(dropout *d) {
    us_vec_destroy(d->theta);
    us_problem_destroy(d->problem), us_problem_destroy(d->plain);
    us_dataset_destroy(d->data);
    us_context_destroy(d->context);
}

static void evaluation_is_the_identity(void **state) {
    (void)state;
    for (int single = 0; single < 2; single++) {
        dropout d = dropout_make(0.3, single ? US_F32 : US_F64);
        us_vec *g[2] = {differences_vec(d.problem), differences_vec(d.problem)}, *hv[2], *v = differences_vec(d.problem);
        us_rng rng = us_rng_init(4, 0);
        us_vec_fill_normal(v, &rng);
        double loss[2];
        assert_true(us_problem_has_training_form(d.problem));
        assert_false(us_problem_has_training_form(d.plain));
        us_problem *problems[2] = {d.problem, d.plain};
        for (int k = 0; k < 2; k++) {
            hv[k] = differences_vec(d.problem);
            assert_int_equal(us_problem_gradient(problems[k], d.theta, US_BATCH_ALL, &loss[k], g[k]), US_OK);
            assert_int_equal(us_problem_hvp(problems[k], d.theta, US_BATCH_ALL, (const us_vec *const[]){v}, &hv[k], 1),
                             US_OK);
        }
        assert_true(loss[0] == loss[1]);
        for (size_t i = 0; i < us_vec_size(v); i++) {
            assert_true(us_vec_get(g[0], i) == us_vec_get(g[1], i));
            assert_true(us_vec_get(hv[0], i) == us_vec_get(hv[1], i));
        }
        for (int k = 0; k < 2; k++) us_vec_destroy(g[k]), us_vec_destroy(hv[k]);
        us_vec_destroy(v);
        dropout_destroy(&d);
    }
}

/* Derivatives in training form are those of the value in training form: the masks are the same. */
static void a_draw_is_one_function(void **state) {
    (void)state;
    dropout d = dropout_make(0.4, US_F64);
    const us_batch batches[] = {{(uint32_t[]){5, 7, 1000}, 3, 9}, {NULL, 0, (uint64_t)1 << 40}};
    for (int k = 0; k < 2; k++) {
        assert_true(differences_gradient(d.problem, d.theta, batches[k]) < 1e-9);
        assert_true(differences_product(d.problem, d.theta, batches[k]) < 1e-9);
    }
    dropout_destroy(&d);
}

static double dropout_value(us_problem *problem, const us_vec *theta, us_batch batch) {
    double loss;
    assert_int_equal(us_problem_value(problem, theta, batch, &loss), US_OK);
    return loss;
}

/* A mask goes with the row of the dataset: neither the others in the batch, nor the order, nor the block change it. */
static void a_mask_goes_with_its_row(void **state) {
    (void)state;
    dropout d = dropout_make(0.4, US_F64);
    uint32_t rows[ROWS];
    double sum = 0, all = dropout_value(d.problem, d.theta, (us_batch){NULL, 0, 5});
    for (uint32_t i = 0; i < ROWS; i++) {
        rows[i] = ROWS - 1 - i;
        sum += dropout_value(d.problem, d.theta, (us_batch){&i, 1, 5});
    }
    assert_near(all, sum / ROWS, 1e-13, 0);
    assert_near(all, dropout_value(d.problem, d.theta, (us_batch){rows, ROWS, 5}), 1e-13, 0);
    /* Other draws, in either half of the number, are other functions. */
    const uint64_t draws[] = {0, 6, 5 + ((uint64_t)1 << 32)};
    for (int k = 0; k < 3; k++) assert_true(dropout_value(d.problem, d.theta, (us_batch){NULL, 0, draws[k]}) != all);
    us_problem *single, *again;
    us_vec *theta;
    assert_int_equal(us_problem_recast(&single, d.problem, US_F32), US_OK);
    assert_int_equal(us_problem_recast(&again, d.problem, US_F64), US_OK);
    assert_true(us_problem_has_training_form(single));
    assert_int_equal(us_vec_create(&theta, d.context, US_F32, us_vec_size(d.theta)), US_OK);
    us_vec_copy(theta, d.theta);
    assert_near(dropout_value(single, theta, (us_batch){NULL, 0, 5}), all, 1e-5, 0);
    assert_true(dropout_value(again, d.theta, (us_batch){NULL, 0, 5}) == all);
    us_vec_destroy(theta);
    us_problem_destroy(single), us_problem_destroy(again);
    dropout_destroy(&d);
}

/* Σⱼ wⱼ·drop(xⱼ) on features of ones shows the masks themselves. */
static void masks_are_fair_and_independent(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    us_dataset *data = dropout_data(context);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) ((double *)us_dataset_features(data))[i] = 1;
    us_graph *g;
    us_problem *problem;
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_node w[2] = {us_graph_parameter(g, "a", 2, (size_t[]){COLUMNS, 1}),
                    us_graph_parameter(g, "b", 2, (size_t[]){COLUMNS, 1})};
    us_node x = us_graph_features(g, COLUMNS), sum = US_NODE_NONE;
    for (int k = 0; k < 2; k++) { /* two masks of equal shape and probability */
        us_node part = us_graph_column(g, us_graph_matmul(g, us_graph_dropout(g, x, 0.25), false, w[k], false), 0);
        sum = k ? us_graph_add(g, sum, part) : part;
    }
    us_graph_set_loss(g, sum);
    assert_int_equal(us_problem_create_graph(&problem, g, data, US_F64), US_OK);
    us_vec *theta = differences_vec(problem), *mask[2] = {differences_vec(problem), differences_vec(problem)};
    double loss, kept = 0, same_row = 0, same_draw = 0, same_column = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        for (uint64_t draw = 1; draw <= 2; draw++)
            assert_int_equal(us_problem_gradient(problem, theta, (us_batch){&row, 1, draw}, &loss, mask[draw - 1]), US_OK);
        for (size_t j = 0; j < COLUMNS; j++) {
            double first = us_vec_get(mask[0], j), second = us_vec_get(mask[0], COLUMNS + j);
            assert_true(first == 0 || first == 1 / 0.75);
            kept += first > 0;
            same_row += first == second;
            same_draw += first == us_vec_get(mask[1], j);
            same_column += first == us_vec_get(mask[0], (j + 1) % COLUMNS);
        }
    }
    double n = (double)ROWS * COLUMNS, agree = 0.25 * 0.25 + 0.75 * 0.75; /* five standard deviations below */
    assert_near(kept / n, 0.75, 0, 5 * sqrt(0.25 * 0.75 / n));
    assert_near(same_row / n, agree, 0, 5 * sqrt(agree * (1 - agree) / n));
    assert_near(same_draw / n, agree, 0, 5 * sqrt(agree * (1 - agree) / n));
    assert_near(same_column / n, agree, 0, 10 * sqrt(agree * (1 - agree) / n)); /* neighbours overlap */
    us_vec_destroy(theta), us_vec_destroy(mask[0]), us_vec_destroy(mask[1]);
    us_problem_destroy(problem);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

typedef struct dropout_watch {
    dropout *d;
    us_vec *before, *gradient;
    size_t seen;
} dropout_watch;

static bool dropout_observe(void *user, const us_training *training, const us_step_info *info) {
    dropout_watch *w = user;
    (void)training;
    double loss;
    assert_int_equal(info->batch.draw, info->step);
    us_batch batch = {info->batch.rows, info->batch.count, info->step};
    assert_int_equal(us_problem_gradient(w->d->problem, w->before, batch, &loss, w->gradient), US_OK);
    assert_true(loss == info->loss);
    us_vec_copy(w->before, info->theta);
    w->seen++;
    return true;
}

/* A step's draw is its number, also of a copy and behind a decorator; a problem without training form is asked for 0. */
static void trainings_step_in_training_form(void **state) {
    (void)state;
    dropout d = dropout_make(0.3, US_F64);
    us_problem *penalised;
    us_training *training, *copy;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.batch = 20;
    assert_int_equal(us_problem_create_l2(&penalised, d.problem, 0, false), US_OK);
    assert_true(us_problem_has_training_form(penalised));
    us_problem *problems[2] = {d.problem, penalised};
    for (int k = 0; k < 2; k++) {
        dropout_watch watch = {.d = &d, .before = differences_vec(d.problem), .gradient = differences_vec(d.problem)};
        us_vec_copy(watch.before, d.theta);
        assert_int_equal(us_training_create(&training, problems[k], d.theta, &options), US_OK);
        assert_int_equal(us_training_observe(training, dropout_observe, &watch), US_OK);
        assert_int_equal(us_training_advance(training, 3), US_OK);
        assert_int_equal(us_training_copy(&copy, training, NULL), US_OK);
        assert_int_equal(us_training_observe(copy, dropout_observe, &watch), US_OK);
        assert_int_equal(us_training_advance(copy, 3), US_OK);
        assert_int_equal(watch.seen, 6);
        us_training_destroy(training), us_training_destroy(copy);
        us_vec_destroy(watch.before), us_vec_destroy(watch.gradient);
    }
    us_problem_destroy(penalised);
    dropout_destroy(&d);
}

static void wrong_probabilities_are_errors(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    const double wrong[] = {-0.1, 1, 2, (double)NAN};
    for (int k = 0; k < 5; k++) {
        us_graph *g;
        assert_int_equal(us_graph_create(&g, context), US_OK);
        us_node x = k < 4 ? us_graph_features(g, 3) : us_graph_parameter(g, "w", 1, (size_t[]){3});
        assert_int_equal(us_graph_dropout(g, x, k < 4 ? wrong[k] : 0.5), US_NODE_NONE);
        assert_int_equal(us_graph_status(g), k < 4 ? US_ERR_ARGUMENT : US_ERR_SHAPE);
        us_graph_destroy(g);
    }
    us_context_destroy(context);
}

static us_status dropout_body(us_context *context, void *user) {
    us_problem *problem;
    us_status status = dropout_problem(&problem, context, user, 0.5, US_F32);
    if (status == US_OK) us_problem_destroy(problem);
    return status;
}

static void failing_allocations_leave_nothing(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    us_dataset *data = dropout_data(context);
    support_fail_each_allocation(dropout_body, data);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_is_the_identity),        cmocka_unit_test(a_draw_is_one_function),
        cmocka_unit_test(a_mask_goes_with_its_row),          cmocka_unit_test(masks_are_fair_and_independent),
        cmocka_unit_test(trainings_step_in_training_form),   cmocka_unit_test(wrong_probabilities_are_errors),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
