/* Sequences: windows of one text as samples, a label a position, attention. */
#include "graph/differences.h"
#include "support.h"
#include <unstuck/graph.h>

enum { LENGTH = 115, WINDOW = 37, STRIDE = 3, ROWS = (LENGTH - WINDOW) / STRIDE + 1, CLASSES = 4, WIDTH = 6, HEADS = 2 };

static us_dataset *sequence(us_context *context, us_precision precision, size_t stride) {
    us_dataset *d;
    assert_int_equal(us_dataset_create_windows(&d, context, precision, LENGTH, WINDOW, stride, CLASSES), US_OK);
    us_rng rng = us_rng_init(3, 1);
    uint32_t next = us_rng_below(&rng, CLASSES);
    for (size_t i = 0; i < LENGTH; i++) {
        if (precision == US_F32)
            ((float *)us_dataset_features(d))[i] = (float)next;
        else
            ((double *)us_dataset_features(d))[i] = next;
        us_dataset_labels(d)[i] = next = us_rng_below(&rng, CLASSES);
    }
    return d;
}

/* Characters and positions to vectors, attention with what comes in added, logits; the mean of the cross-entropy. */
static us_graph *build(us_context *context, bool attends) {
    us_graph *g;
    if (us_graph_create(&g, context) != US_OK) return NULL;
    us_node table = us_graph_parameter(g, "table", 2, (size_t[]){CLASSES, WIDTH});
    us_node place = us_graph_parameter(g, "place", 2, (size_t[]){WINDOW, WIDTH});
    us_node x = us_graph_add(g, us_graph_gather(g, table, us_graph_features(g, WINDOW)), place), part[3];
    const char *names[3] = {"query", "key", "value"};
    for (int i = 0; i < 3 && attends; i++) {
        us_node weight = us_graph_parameter(g, names[i], 2, (size_t[]){WIDTH, WIDTH});
        part[i] = us_graph_matmul(g, x, false, weight, true);
    }
    if (attends) x = us_graph_add(g, x, us_graph_attention(g, part[0], part[1], part[2], HEADS));
    us_node head = us_graph_parameter(g, "head", 2, (size_t[]){CLASSES, WIDTH});
    us_node logits = us_graph_matmul(g, x, false, head, true);
    us_node entropy = us_graph_cross_entropy(g, logits, us_graph_labels_each(g, WINDOW, CLASSES));
    us_graph_set_loss(g, us_graph_mul(g, us_graph_sum(g, entropy, 1), us_graph_constant(g, 1.0 / WINDOW)));
    us_graph_set_mean_entropy(g);
    us_graph_set_output(g, logits);
    return g;
}

typedef struct setting {
    us_context *context;
    us_dataset *data;
    us_problem *problem;
    us_vec *theta;
} setting;

static setting make(us_precision precision, size_t stride, bool attends) {
    setting s = {.context = support_plain_context()};
    s.data = sequence(s.context, precision, stride);
    us_status status = us_problem_create_graph(&s.problem, build(s.context, attends), s.data, precision);
    if (status != US_OK) fail_msg("%s", us_context_error(s.context));
    assert_int_equal(us_vec_create(&s.theta, s.context, precision, us_problem_dimension(s.problem)), US_OK);
    us_rng rng = us_rng_init(7, 2);
    for (size_t i = 0; i < us_vec_size(s.theta); i++) us_vec_set(s.theta, i, 0.7 * us_rng_normal(&rng));
    return s;
}

static void unmake(setting *s) {
    us_vec_destroy(s->theta);
    us_problem_destroy(s->problem);
    us_dataset_destroy(s->data);
    us_context_destroy(s->context);
}

/* ------------------------------------------------------------------ by the definition */

/* y = W·x */
static void plain_times(double *y, const double *weight, const double *x, size_t out, size_t in) {
    for (size_t i = 0; i < out; i++) {
        y[i] = 0;
        for (size_t j = 0; j < in; j++) y[i] += weight[i * in + j] * x[j];
    }
}

/* Logits [WINDOW×CLASSES] of the model with attention. */
static void plain_logits(const double *theta, const double *tokens, double *logits) {
    const double *table = theta, *place = table + CLASSES * WIDTH, *query = place + WINDOW * WIDTH;
    const double *key = query + WIDTH * WIDTH, *value = key + WIDTH * WIDTH, *head = value + WIDTH * WIDTH;
    double x[WINDOW][WIDTH], q[WINDOW][WIDTH], k[WINDOW][WIDTH], v[WINDOW][WIDTH];
    for (size_t t = 0; t < WINDOW; t++) {
        for (size_t j = 0; j < WIDTH; j++) x[t][j] = table[(size_t)tokens[t] * WIDTH + j] + place[t * WIDTH + j];
        plain_times(q[t], query, x[t], WIDTH, WIDTH);
        plain_times(k[t], key, x[t], WIDTH, WIDTH);
        plain_times(v[t], value, x[t], WIDTH, WIDTH);
    }
    for (size_t t = 0; t < WINDOW; t++) {
        double y[WIDTH];
        for (size_t j = 0; j < WIDTH; j++) {
            size_t w = WIDTH / HEADS, first = j / w * w;
            double sum = 0, mixed = 0;
            for (size_t u = 0; u <= t; u++) {
                double score = 0;
                for (size_t i = first; i < first + w; i++) score += q[t][i] * k[u][i];
                double weight = exp(score / sqrt((double)w));
                sum += weight;
                mixed += weight * v[u][j];
            }
            y[j] = x[t][j] + mixed / sum;
        }
        plain_times(logits + t * CLASSES, head, y, CLASSES, WIDTH);
    }
}

static double plain_loss(const setting *s, size_t row) {
    double theta[512], tokens[WINDOW], logits[WINDOW * CLASSES], loss = 0;
    size_t at = row * us_dataset_stride(s->data);
    for (size_t i = 0; i < us_vec_size(s->theta); i++) theta[i] = us_vec_get(s->theta, i);
    for (size_t t = 0; t < WINDOW; t++)
        tokens[t] = us_dataset_precision(s->data) == US_F32
                        ? (double)((const float *)us_dataset_features_const(s->data))[at + t]
                        : ((const double *)us_dataset_features_const(s->data))[at + t];
    plain_logits(theta, tokens, logits);
    for (size_t t = 0; t < WINDOW; t++) {
        double sum = 0;
        for (size_t c = 0; c < CLASSES; c++) sum += exp(logits[t * CLASSES + c]);
        loss += log(sum) - logits[t * CLASSES + us_dataset_labels_const(s->data)[at + t]];
    }
    return loss / WINDOW;
}

static void the_loss_is_the_mean_over_positions(void **state) {
    for (int i = 0; i < 4; i++) {
        setting s = make(i % 2 ? US_F32 : US_F64, i / 2 ? STRIDE : WINDOW, true);
        double loss, expected = 0, tolerance = i % 2 ? 1e-5 : 1e-13;
        size_t rows = us_problem_samples(s.problem);
        for (size_t row = 0; row < rows; row++) expected += plain_loss(&s, row) / (double)rows;
        assert_int_equal(us_problem_value(s.problem, s.theta, US_BATCH_ALL, &loss), US_OK);
        assert_near(loss, expected, tolerance, 0);
        uint32_t chosen[] = {2, 0, 2};
        assert_int_equal(us_problem_value(s.problem, s.theta, (us_batch){.rows = chosen, .count = 3}, &loss), US_OK);
        assert_near(loss, (2 * plain_loss(&s, 2) + plain_loss(&s, 0)) / 3, tolerance, 0);
        unmake(&s);
    }
}

static void derivatives_agree_with_differences(void **state) {
    setting s = make(US_F64, STRIDE, true);
    uint32_t rows[] = {4, 1};
    us_batch some = {.rows = rows, .count = 2};
    assert_true(differences_gradient(s.problem, s.theta, US_BATCH_ALL) < 1e-9);
    assert_true(differences_gradient(s.problem, s.theta, some) < 1e-9);
    assert_true(differences_product(s.problem, s.theta, US_BATCH_ALL) < 1e-9);
    assert_true(differences_product(s.problem, s.theta, some) < 1e-9);
    unmake(&s);
}

static void single_precision_agrees_with_double(void **state) {
    setting a = make(US_F32, STRIDE, true), b = make(US_F64, STRIDE, true);
    us_vec *ga = differences_vec(a.problem), *gb = differences_vec(b.problem), *ha = differences_vec(a.problem),
           *hb = differences_vec(b.problem);
    double loss;
    for (size_t i = 0; i < us_vec_size(a.theta); i++) us_vec_set(b.theta, i, us_vec_get(a.theta, i));
    assert_int_equal(us_problem_gradient(a.problem, a.theta, US_BATCH_ALL, &loss, ga), US_OK);
    assert_int_equal(us_problem_gradient(b.problem, b.theta, US_BATCH_ALL, &loss, gb), US_OK);
    assert_int_equal(us_problem_hvp(a.problem, a.theta, US_BATCH_ALL, (const us_vec *const *)&ga, &ha, 1), US_OK);
    assert_int_equal(us_problem_hvp(b.problem, b.theta, US_BATCH_ALL, (const us_vec *const *)&gb, &hb, 1), US_OK);
    for (size_t i = 0; i < us_vec_size(a.theta); i++) {
        assert_near(us_vec_get(ga, i), us_vec_get(gb, i), 1e-4, 1e-6);
        assert_near(us_vec_get(ha, i), us_vec_get(hb, i), 1e-4, 1e-6);
    }
    us_vec_destroy(ga), us_vec_destroy(gb), us_vec_destroy(ha), us_vec_destroy(hb);
    unmake(&a), unmake(&b);
}

static void outputs_are_those_of_the_rows_and_look_back_only(void **state) {
    for (int f64 = 0; f64 < 2; f64++) {
        setting s = make(f64 ? US_F64 : US_F32, STRIDE, true);
        double outputs[2 * WINDOW * CLASSES], expected[WINDOW * CLASSES], theta[512], tokens[WINDOW],
            changed[WINDOW * CLASSES];
        for (size_t i = 0; i < us_vec_size(s.theta); i++) theta[i] = us_vec_get(s.theta, i);
        assert_int_equal(us_problem_graph_predict_rows(s.problem, s.theta, s.data, 3, 2, outputs), US_OK);
        us_dataset *other = sequence(s.context, US_F64, STRIDE);
        for (size_t row = 3; row < 5; row++) {
            memcpy(tokens, (const double *)us_dataset_features_const(other) + row * STRIDE, sizeof tokens);
            plain_logits(theta, tokens, expected);
            for (size_t i = 0; i < WINDOW * CLASSES; i++)
                assert_near(outputs[(row - 3) * WINDOW * CLASSES + i], expected[i], 1e-5, f64 ? 1e-12 : 1e-5);
        }
        /* a dataset of another precision is converted */
        assert_int_equal(us_problem_graph_predict_rows(s.problem, s.theta, other, 4, 1, changed), US_OK);
        assert_memory_equal(changed, outputs + WINDOW * CLASSES, sizeof changed);
        /* another last character changes nothing before it */
        double *x = (double *)us_dataset_features(other) + 4 * STRIDE + WINDOW - 1;
        *x = *x > 0 ? 0 : 1;
        assert_int_equal(us_problem_graph_predict_rows(s.problem, s.theta, other, 4, 1, changed), US_OK);
        assert_memory_equal(changed, outputs + WINDOW * CLASSES, (WINDOW - 1) * CLASSES * sizeof *changed);
        assert_true(changed[WINDOW * CLASSES - 1] != outputs[2 * WINDOW * CLASSES - 1]);
        assert_int_equal(us_problem_graph_predict_rows(s.problem, s.theta, other, ROWS, 1, changed), US_ERR_ARGUMENT);
        us_dataset_destroy(other);
        unmake(&s);
    }
}

static void the_best_constant_is_the_entropy_of_the_labels(void **state) {
    setting s = make(US_F64, STRIDE, false);
    double floor, constant, count[CLASSES] = {0}, expected = 0;
    for (size_t row = 0; row < ROWS; row++)
        for (size_t t = 0; t < WINDOW; t++) count[us_dataset_labels_const(s.data)[row * STRIDE + t]]++;
    for (size_t c = 0; c < CLASSES; c++) expected -= count[c] / (ROWS * WINDOW) * log(count[c] / (ROWS * WINDOW));
    assert_int_equal(us_problem_floor(s.problem, &floor, &constant), US_OK);
    assert_near(constant, expected, 1e-14, 0);
    assert_true(isnan(floor)); /* not known: it hangs on what a position may see */
    unmake(&s);
}

static void what_does_not_fit_is_refused(void **state) {
    us_context *context = support_plain_context();
    us_dataset *data = sequence(context, US_F64, STRIDE);
    us_problem *p;
    us_graph *g;
    /* a label a row for a dataset with one a position */
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_node weight = us_graph_parameter(g, "w", 2, (size_t[]){CLASSES, WINDOW});
    us_node logits = us_graph_matmul(g, us_graph_features(g, WINDOW), false, weight, true);
    us_graph_set_loss(g, us_graph_cross_entropy(g, logits, us_graph_labels(g, CLASSES)));
    assert_int_equal(us_problem_create_graph(&p, g, data, US_F64), US_ERR_SHAPE);
    assert_non_null(strstr(us_context_error(context), "37"));
    /* logits without positions */
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_graph_cross_entropy(g, us_graph_features(g, CLASSES), us_graph_labels_each(g, WINDOW, CLASSES));
    assert_int_equal(us_graph_status(g), US_ERR_SHAPE);
    us_graph_destroy(g);
    /* heads that do not divide the width; other shapes */
    size_t wrong[] = {0, 4, 7};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(us_graph_create(&g, context), US_OK);
        us_node x = us_graph_parameter(g, "x", 3, (size_t[]){2, WINDOW, WIDTH});
        us_node y = us_graph_parameter(g, "y", 3, (size_t[]){2, WINDOW, WIDTH + 2});
        us_graph_attention(g, x, x, i < 3 ? x : y, i < 3 ? wrong[i] : HEADS);
        assert_int_equal(us_graph_status(g), i < 3 ? US_ERR_SHAPE : US_OK);
        if (i == 3) us_graph_attention(g, x, y, x, HEADS), assert_int_equal(us_graph_status(g), US_ERR_SHAPE);
        us_graph_destroy(g);
    }
    /* a label beyond the classes, in a window's middle */
    us_dataset_labels(data)[7] = CLASSES;
    assert_int_equal(us_problem_create_graph(&p, build(context, true), data, US_F64), US_ERR_INPUT);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

static us_status sequence_body(us_context *context, void *user) {
    us_dataset *d = NULL;
    us_problem *p = NULL;
    us_vec *theta = NULL;
    double loss;
    us_status status = us_dataset_create_windows(&d, context, US_F32, LENGTH, WINDOW, STRIDE, CLASSES);
    us_graph *g = status == US_OK ? build(context, true) : NULL;
    if (status == US_OK) status = g ? us_problem_create_graph(&p, g, d, US_F32) : US_ERR_NOMEM;
    if (status == US_OK) status = us_vec_create(&theta, context, US_F32, us_problem_dimension(p));
    if (status == US_OK) status = us_problem_value(p, theta, US_BATCH_ALL, &loss);
    us_vec_destroy(theta);
    us_problem_destroy(p);
    us_dataset_destroy(d);
    return status;
}

static void creation_survives_failing_allocations(void **state) { support_fail_each_allocation(sequence_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_is_the_mean_over_positions),
        cmocka_unit_test(derivatives_agree_with_differences),
        cmocka_unit_test(single_precision_agrees_with_double),
        cmocka_unit_test(outputs_are_those_of_the_rows_and_look_back_only),
        cmocka_unit_test(the_best_constant_is_the_entropy_of_the_labels),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(creation_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
