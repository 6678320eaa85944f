/* The linear leaf against a plain, slow one in long double. */
#include "support.h"
#include <unstuck/curvature.h>
#include <unstuck/linear.h>

static const us_precision PRECISIONS[] = {US_F32, US_F64};
static const us_linear_loss LOSSES[] = {US_LINEAR_HALF_MSE, US_LINEAR_SOFTMAX, US_LINEAR_LOGISTIC};

static us_dataset *dataset_make(us_context *context, us_precision precision, us_linear_loss loss, size_t rows,
                                size_t columns, size_t outputs) {
    us_dataset *dataset;
    us_task task = loss == US_LINEAR_HALF_MSE ? US_REGRESSION : US_CLASSIFICATION;
    if (us_dataset_create(&dataset, context, precision, rows, columns, task, outputs) != US_OK) return NULL;
    us_rng rng = us_rng_init(3, 14);
    for (size_t i = 0; i < rows * columns; i++) {
        double x = us_rng_normal(&rng) + 0.2;
        if (precision == US_F32)
            ((float *)us_dataset_features(dataset))[i] = (float)x;
        else
            ((double *)us_dataset_features(dataset))[i] = x;
    }
    for (size_t i = 0; i < rows; i++) {
        if (task == US_CLASSIFICATION)
            us_dataset_labels(dataset)[i] = us_rng_below(&rng, (uint32_t)outputs);
        else
            for (size_t k = 0; k < outputs; k++) {
                double y = 3 * us_rng_normal(&rng);
                if (precision == US_F32)
                    ((float *)us_dataset_targets(dataset))[i * outputs + k] = (float)y;
                else
                    ((double *)us_dataset_targets(dataset))[i * outputs + k] = y;
            }
    }
    return dataset;
}

static long double number(const us_dataset *d, const void *array, size_t i) {
    return us_dataset_precision(d) == US_F32 ? (long double)((const float *)array)[i]
                                             : (long double)((const double *)array)[i];
}

/* z_k = Σ_c θ[kC+c] x_c + θ[KC+k] */
static void plain_logits(const us_dataset *d, size_t row, const us_vec *theta, size_t K, long double *z) {
    size_t C = us_dataset_columns(d);
    for (size_t k = 0; k < K; k++) {
        z[k] = (long double)us_vec_get(theta, K * C + k);
        for (size_t c = 0; c < C; c++)
            z[k] += (long double)us_vec_get(theta, k * C + c) * number(d, us_dataset_features_const(d), row * C + c);
    }
}

enum { MAX_OUTPUTS = 12 };

static void plain_softmax(const long double *z, size_t K, long double *p) {
    long double m = z[0], sum = 0;
    for (size_t k = 1; k < K; k++) m = fmaxl(m, z[k]);
    for (size_t k = 0; k < K; k++) sum += p[k] = expl(z[k] - m);
    for (size_t k = 0; k < K; k++) p[k] /= sum;
}

/* Mean loss, gradient [n] and H·v [n], by the definitions, one row after the other. Returns the loss. */
static long double plain_linear(const us_dataset *d, us_linear_loss loss, const us_vec *theta, us_batch batch,
                                const us_vec *v, long double *g, long double *hv) {
    size_t K = loss == US_LINEAR_LOGISTIC ? 1 : us_dataset_outputs(d), C = us_dataset_columns(d), n = K * C + K;
    size_t count = batch.rows ? batch.count : us_dataset_rows(d);
    long double total = 0, z[MAX_OUTPUTS], u[MAX_OUTPUTS], p[MAX_OUTPUTS], slope[MAX_OUTPUTS], curve[MAX_OUTPUTS];
    for (size_t i = 0; i < n; i++) g[i] = hv[i] = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = batch.rows ? batch.rows[i] : i;
        plain_logits(d, row, theta, K, z);
        plain_logits(d, row, v, K, u);
        if (loss == US_LINEAR_HALF_MSE) {
            for (size_t k = 0; k < K; k++) {
                slope[k] = z[k] - number(d, us_dataset_targets_const(d), row * K + k);
                curve[k] = u[k];
                total += slope[k] * slope[k] / 2;
            }
        } else if (loss == US_LINEAR_LOGISTIC) {
            long double s = us_dataset_labels_const(d)[row] ? 1 : -1, sigma = 1 / (1 + expl(-z[0]));
            total += s * z[0] > 0 ? log1pl(expl(-s * z[0])) : log1pl(expl(s * z[0])) - s * z[0];
            slope[0] = -s / (1 + expl(s * z[0]));
            curve[0] = sigma * (1 - sigma) * u[0];
        } else {
            size_t own = us_dataset_labels_const(d)[row];
            long double mean = 0, others = 0, most = z[own];
            plain_softmax(z, K, p);
            for (size_t k = 0; k < K; k++) mean += p[k] * u[k], most = fmaxl(most, z[k]);
            for (size_t k = 0; k < K; k++) others += k == own ? 0 : expl(z[k] - most);
            total += most == z[own] ? log1pl(others) : logl(others + expl(z[own] - most)) + most - z[own];
            for (size_t k = 0; k < K; k++) slope[k] = p[k] - (k == own ? 1 : 0), curve[k] = p[k] * (u[k] - mean);
        }
        for (size_t k = 0; k < K; k++) {
            for (size_t c = 0; c < C; c++) {
                long double x = number(d, us_dataset_features_const(d), row * C + c);
                g[k * C + c] += slope[k] * x / (long double)count;
                hv[k * C + c] += curve[k] * x / (long double)count;
            }
            g[K * C + k] += slope[k] / (long double)count;
            hv[K * C + k] += curve[k] / (long double)count;
        }
    }
    return total / (long double)count;
}

/* Largest |a_i − b_i| against the largest |b_i|. */
static void assert_vectors_near(const us_vec *a, const long double *b, double tolerance) {
    long double largest = 0, difference = 0;
    for (size_t i = 0; i < us_vec_size(a); i++) {
        largest = fmaxl(largest, fabsl(b[i]));
        difference = fmaxl(difference, fabsl((long double)us_vec_get(a, i) - b[i]));
        if (isnan(us_vec_get(a, i))) fail_msg("element %zu is NaN", i);
    }
    if (difference > (long double)tolerance * (largest + 1))
        fail_msg("vectors differ by %.3Lg, the largest element is %.3Lg", difference, largest);
}

static us_vec *vec_normal(us_context *context, us_precision precision, size_t n, uint64_t stream) {
    us_vec *v;
    us_rng rng = us_rng_init(77, stream);
    assert_int_equal(us_vec_create(&v, context, precision, n), US_OK);
    us_vec_fill_normal(v, &rng);
    us_vec_scale(v, 0.4);
    return v;
}

static void expect_plain(us_problem *problem, const us_dataset *dataset, us_linear_loss loss, us_batch batch,
                         double tolerance) {
    enum { PRODUCTS = 3 };
    us_context *context = us_problem_context(problem);
    us_precision precision = us_problem_precision(problem);
    size_t n = us_problem_dimension(problem);
    us_vec *theta = vec_normal(context, precision, n, 1), *g = vec_normal(context, precision, n, 2), *v[PRODUCTS],
           *hv[PRODUCTS];
    for (size_t j = 0; j < PRODUCTS; j++)
        v[j] = vec_normal(context, precision, n, 10 + j), hv[j] = vec_normal(context, precision, n, 20 + j);
    long double *plain = calloc(2 * n, sizeof *plain);
    double value, again;
    assert_int_equal(us_problem_hvp(problem, theta, batch, (const us_vec *const *)v, hv, PRODUCTS), US_OK);
    for (size_t j = 0; j < PRODUCTS; j++) {
        double reference = (double)plain_linear(dataset, loss, theta, batch, v[j], plain, plain + n);
        assert_vectors_near(hv[j], plain + n, tolerance);
        if (j > 0) continue;
        assert_int_equal(us_problem_value(problem, theta, batch, &value), US_OK);
        assert_int_equal(us_problem_gradient(problem, theta, batch, &again, g), US_OK);
        assert_near(value, reference, tolerance, tolerance);
        assert_near(again, reference, tolerance, tolerance);
        assert_vectors_near(g, plain, tolerance);
    }
    for (size_t i = 0; i < PRODUCTS; i++) /* ⟨u, Hv⟩ = ⟨v, Hu⟩ */
        for (size_t j = 0; j < i; j++)
            assert_near(us_vec_dot(v[i], hv[j]), us_vec_dot(v[j], hv[i]), 4 * tolerance, 4 * tolerance * (double)n);
    for (size_t j = 0; j < PRODUCTS; j++) us_vec_destroy(v[j]), us_vec_destroy(hv[j]);
    us_vec_destroy(theta), us_vec_destroy(g);
    free(plain);
}

/* Loss × precision of the data × precision of the problem × columns around the width of a vector × outputs × batches. */
static void agrees_with_the_plain_one(void **state) {
    static const size_t COLUMNS[] = {0, 1, 3, 8, 15, 16, 17, 40}, OUTPUTS[] = {1, 2, 5, 12};
    enum { ROWS = 83 };
    static const uint32_t one[] = {41}, some[] = {5, 82, 5, 0, 7, 7, 7, 11, 30, 2, 60};
    uint32_t many[200];
    for (uint32_t i = 0; i < 200; i++) many[i] = i * 37 % ROWS;
    const us_batch batches[] = {US_BATCH_ALL, {one, 1}, {some, 8}, {some, 11}, {many, 64}, {many, 65}, {many, 200}};
    us_context *context = support_plain_context();
    for (size_t p = 0; p < 2; p++)
        for (size_t l = 0; l < 3; l++)
            for (size_t c = 0; c < sizeof COLUMNS / sizeof *COLUMNS; c++)
                for (size_t k = 0; k < 4; k++) {
                    if (LOSSES[l] == US_LINEAR_LOGISTIC ? OUTPUTS[k] != 2 : LOSSES[l] == US_LINEAR_SOFTMAX && OUTPUTS[k] < 2)
                        continue;
                    us_dataset *dataset = dataset_make(context, PRECISIONS[p], LOSSES[l], ROWS, COLUMNS[c], OUTPUTS[k]);
                    us_problem *problem;
                    assert_int_equal(us_problem_create_linear(&problem, dataset, LOSSES[l]), US_OK);
                    for (size_t q = 0; q < 2; q++) {
                        us_problem *recast;
                        assert_int_equal(us_problem_recast(&recast, problem, PRECISIONS[q]), US_OK);
                        double tolerance = PRECISIONS[q] == US_F32 ? 2e-5 : 1e-13;
                        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
                            if (p == q)
                                expect_plain(problem, dataset, LOSSES[l], batches[b], tolerance);
                            else
                                expect_plain(recast, dataset, LOSSES[l], batches[b], tolerance);
                        }
                        us_problem_destroy(recast);
                    }
                    us_problem_destroy(problem);
                    us_dataset_destroy(dataset);
                }
    us_context_destroy(context);
}

/* Logits of ±1e4: the loss is large, not infinite, and the certain rows lose nothing. */
static void extreme_logits_are_stable(void **state) {
    us_context *context = support_plain_context();
    for (size_t l = 1; l < 3; l++)
        for (size_t p = 0; p < 2; p++)
            for (double scale = 1e-4; scale < 2e4; scale *= 10) {
                us_dataset *dataset = dataset_make(context, PRECISIONS[p], LOSSES[l], 20, 6, 2);
                us_problem *problem;
                assert_int_equal(us_problem_create_linear(&problem, dataset, LOSSES[l]), US_OK);
                size_t n = us_problem_dimension(problem);
                us_vec *theta = vec_normal(context, PRECISIONS[p], n, 1), *g = vec_normal(context, PRECISIONS[p], n, 2);
                us_vec_scale(theta, scale);
                long double plain[2 * 14];
                double loss, tolerance = PRECISIONS[p] == US_F32 ? 1e-5 : 1e-13;
                for (uint32_t row = 0; row < 20; row++) {
                    us_batch batch = {&row, 1};
                    double reference = (double)plain_linear(dataset, LOSSES[l], theta, batch, theta, plain, plain + n);
                    assert_int_equal(us_problem_gradient(problem, theta, batch, &loss, g), US_OK);
                    assert_near(loss, reference, tolerance * (1 + scale), 0);
                    assert_vectors_near(g, plain, tolerance * (1 + scale));
                    if (scale < 10) assert_true(loss > 0);
                }
                us_vec_destroy(theta), us_vec_destroy(g);
                us_problem_destroy(problem);
                us_dataset_destroy(dataset);
            }
    us_context_destroy(context);
}

/* What one to three threads give is the same to the last bit. */
static void threads_do_not_change_the_result(void **state) {
    us_context *context = support_plain_context();
    for (size_t l = 0; l < 3; l++)
        for (size_t p = 0; p < 2; p++) {
            us_dataset *dataset = dataset_make(context, PRECISIONS[p], LOSSES[l], 6001, 90, 2);
            us_problem *problem;
            assert_int_equal(us_problem_create_linear(&problem, dataset, LOSSES[l]), US_OK);
            size_t n = us_problem_dimension(problem);
            us_vec *theta = vec_normal(context, PRECISIONS[p], n, 1), *v = vec_normal(context, PRECISIONS[p], n, 2), *g[2],
                   *hv[2];
            for (size_t i = 0; i < 2; i++)
                g[i] = vec_normal(context, PRECISIONS[p], n, 3), hv[i] = vec_normal(context, PRECISIONS[p], n, 3);
            double loss[2], value[2];
            for (int threads = 1; threads <= 3; threads++) {
                size_t i = threads > 1;
                us_context_set_threads(context, threads);
                assert_int_equal(us_problem_value(problem, theta, US_BATCH_ALL, &value[i]), US_OK);
                assert_int_equal(us_problem_gradient(problem, theta, US_BATCH_ALL, &loss[i], g[i]), US_OK);
                assert_int_equal(us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const[]){v}, &hv[i], 1), US_OK);
                if (i == 0) continue;
                assert_true(loss[0] == loss[1] && value[0] == value[1]);
                assert_int_equal(us_vec_count_different(g[0], g[1]), 0);
                assert_int_equal(us_vec_count_different(hv[0], hv[1]), 0);
            }
            us_context_set_threads(context, 1);
            us_vec_destroy(theta), us_vec_destroy(v);
            for (size_t i = 0; i < 2; i++) us_vec_destroy(g[i]), us_vec_destroy(hv[i]);
            us_problem_destroy(problem);
            us_dataset_destroy(dataset);
        }
    us_context_destroy(context);
}

/* More products than are done at once, and more parameters than leave room for several slices. */
static void many_products_and_many_parameters(void **state) {
    enum { PRODUCTS = 11 };
    us_context *context = support_plain_context();
    static const size_t COLUMNS[] = {50, 70000, 270000};
    for (size_t c = 0; c < 3; c++) {
        us_dataset *dataset = dataset_make(context, US_F64, US_LINEAR_HALF_MSE, 10, COLUMNS[c], 1);
        us_problem *problem;
        assert_int_equal(us_problem_create_linear(&problem, dataset, US_LINEAR_HALF_MSE), US_OK);
        size_t n = us_problem_dimension(problem);
        us_vec *theta = vec_normal(context, US_F64, n, 1), *v[PRODUCTS], *hv[PRODUCTS],
               *alone = vec_normal(context, US_F64, n, 1);
        for (size_t j = 0; j < PRODUCTS; j++)
            v[j] = vec_normal(context, US_F64, n, 10 + j), hv[j] = vec_normal(context, US_F64, n, 40);
        assert_int_equal(us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const *)v, hv, PRODUCTS), US_OK);
        for (size_t j = 0; j < PRODUCTS; j++) {
            assert_int_equal(us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const *)&v[j], &alone, 1), US_OK);
            assert_int_equal(us_vec_count_different(alone, hv[j]), 0);
            us_vec_destroy(v[j]), us_vec_destroy(hv[j]);
        }
        us_vec_destroy(theta), us_vec_destroy(alone);
        us_problem_destroy(problem);
        us_dataset_destroy(dataset);
    }
    us_context_destroy(context);
}

/* The whole Hessian is what products with the unit vectors make, symmetric to the last bit. */
static void the_whole_hessian_is_that_of_products(void **state) {
    us_context *context = support_plain_context();
    uint32_t rows[300];
    for (uint32_t i = 0; i < 300; i++) rows[i] = i * 7 % 600;
    for (size_t l = 0; l < 3; l++)
        for (size_t p = 0; p < 2; p++)
            for (size_t columns = 0; columns < 8; columns += 7) {
                size_t outputs = LOSSES[l] == US_LINEAR_LOGISTIC ? 2 : 3;
                us_dataset *dataset = dataset_make(context, PRECISIONS[p], LOSSES[l], 600, columns, outputs);
                us_problem *problem;
                assert_int_equal(us_problem_create_linear(&problem, dataset, LOSSES[l]), US_OK);
                size_t n = us_problem_dimension(problem);
                us_vec *theta = vec_normal(context, PRECISIONS[p], n, 3), *v = vec_normal(context, PRECISIONS[p], n, 4),
                       *hv = vec_normal(context, PRECISIONS[p], n, 5);
                double *h = malloc(n * n * sizeof *h);
                us_spectrum_options o = US_SPECTRUM_OPTIONS_INIT;
                if (columns) o.batch = (us_batch){rows, 300, 0};
                assert_int_equal(us_hessian_dense(problem, theta, &o, h), US_OK);
                for (size_t j = 0; j < n; j++) {
                    us_vec_fill(v, 0), us_vec_set(v, j, 1);
                    assert_int_equal(us_problem_hvp(problem, theta, o.batch, (const us_vec *const *)&v, &hv, 1), US_OK);
                    for (size_t i = 0; i < n; i++) {
                        double close = PRECISIONS[p] == US_F32 ? 1e-5 : 1e-12;
                        assert_near(h[j * n + i], us_vec_get(hv, i), close, close);
                        assert_true(h[j * n + i] == h[i * n + j]);
                    }
                }
                free(h);
                us_vec_destroy(theta), us_vec_destroy(v), us_vec_destroy(hv);
                us_problem_destroy(problem);
                us_dataset_destroy(dataset);
            }
    us_context_destroy(context);
}

/* A bad number anywhere in a row shows in the loss of every batch that has the row, and in no other. */
static void bad_data_reach_the_loss(void **state) {
    us_context *context = support_plain_context();
    volatile double zero = 0;
    const double bad[] = {zero / zero, 1 / zero, -1 / zero};
    enum { ROWS = 80, COLUMNS = 37 };
    uint32_t good[ROWS - 1];
    for (uint32_t i = 0; i < ROWS - 1; i++) good[i] = i < 50 ? i : i + 1;
    const uint32_t one[] = {50};
    for (size_t l = 0; l < 3; l++)
        for (size_t p = 0; p < 2; p++)
            for (size_t b = 0; b < 3; b++)
                for (size_t c = 0; c < COLUMNS; c += 9) {
                    us_dataset *dataset = dataset_make(context, PRECISIONS[p], LOSSES[l], ROWS, COLUMNS, 2);
                    if (PRECISIONS[p] == US_F32)
                        ((float *)us_dataset_features(dataset))[50 * COLUMNS + c] = (float)bad[b];
                    else
                        ((double *)us_dataset_features(dataset))[50 * COLUMNS + c] = bad[b];
                    us_problem *problem;
                    assert_int_equal(us_problem_create_linear(&problem, dataset, LOSSES[l]), US_OK);
                    size_t n = us_problem_dimension(problem);
                    us_vec *theta = vec_normal(context, PRECISIONS[p], n, 1), *g = vec_normal(context, PRECISIONS[p], n, 2);
                    const us_batch batches[] = {{one, 1}, US_BATCH_ALL, {good, ROWS - 1}, {good, 9}};
                    for (size_t i = 0; i < 4; i++) {
                        double loss;
                        assert_int_equal(us_problem_value(problem, theta, batches[i], &loss), US_OK);
                        assert_true(isfinite(loss) == (i >= 2));
                        assert_int_equal(us_problem_gradient(problem, theta, batches[i], &loss, g), US_OK);
                        assert_true(isfinite(loss) == (i >= 2));
                        assert_true(us_vec_is_finite(g) == (i >= 2));
                    }
                    us_vec_destroy(theta), us_vec_destroy(g);
                    us_problem_destroy(problem);
                    us_dataset_destroy(dataset);
                }
    us_context_destroy(context);
}

static void predictions_are_logits(void **state) {
    us_context *context = support_plain_context();
    for (size_t p = 0; p < 2; p++) {
        us_dataset *dataset = dataset_make(context, PRECISIONS[p], US_LINEAR_SOFTMAX, 19, 21, 4);
        us_problem *problem, *outer;
        assert_int_equal(us_problem_create_linear(&problem, dataset, US_LINEAR_SOFTMAX), US_OK);
        us_vec *theta = vec_normal(context, PRECISIONS[p], us_problem_dimension(problem), 1);
        double z[19 * 4];
        assert_int_equal(us_problem_linear_predict(problem, theta, us_dataset_features_const(dataset), 19, z), US_OK);
        for (size_t i = 0; i < 19; i++) {
            long double plain[4];
            plain_logits(dataset, i, theta, 4, plain);
            for (size_t k = 0; k < 4; k++)
                assert_near(z[4 * i + k], (double)plain[k], 16 * us_precision_epsilon(PRECISIONS[p]),
                            16 * us_precision_epsilon(PRECISIONS[p]));
        }
        assert_int_equal(us_problem_create_l2(&outer, problem, 1, false), US_OK);
        assert_int_equal(us_problem_linear_predict(outer, theta, us_dataset_features_const(dataset), 19, z),
                         US_ERR_ARGUMENT);
        us_vec_destroy(theta);
        us_problem_destroy(outer);
        us_problem_destroy(problem);
        us_dataset_destroy(dataset);
    }
    us_context_destroy(context);
}

static void groups_cover_theta(void **state) {
    us_context *context = support_plain_context();
    us_dataset *dataset = dataset_make(context, US_F32, US_LINEAR_SOFTMAX, 4, 7, 3);
    us_problem *problem;
    assert_int_equal(us_problem_create_linear(&problem, dataset, US_LINEAR_SOFTMAX), US_OK);
    size_t count;
    const us_group *groups = us_problem_groups(problem, &count);
    assert_int_equal(count, 2);
    assert_string_equal(groups[0].name, "layer1.weight");
    assert_true(groups[0].offset == 0 && groups[0].count == 21 && groups[0].rank == 2 && groups[0].shape[0] == 3 &&
                groups[0].shape[1] == 7);
    assert_string_equal(groups[1].name, "layer1.bias");
    assert_true(groups[1].offset == 21 && groups[1].count == 3 && groups[1].rank == 1 && groups[1].shape[0] == 3);
    assert_int_equal(us_problem_dimension(problem), 24);
    assert_int_equal(us_problem_samples(problem), 4);
    assert_true(us_problem_hvp_is_exact(problem));
    us_problem_destroy(problem);
    us_dataset_destroy(dataset);
    us_context_destroy(context);
}

static void what_does_not_fit_is_refused(void **state) {
    us_context *context = support_plain_context();
    us_dataset *numbers = dataset_make(context, US_F32, US_LINEAR_HALF_MSE, 4, 2, 2),
               *three = dataset_make(context, US_F32, US_LINEAR_SOFTMAX, 4, 2, 3),
               *single = dataset_make(context, US_F32, US_LINEAR_SOFTMAX, 4, 2, 1);
    us_problem *problem;
    assert_int_equal(us_problem_create_linear(&problem, numbers, US_LINEAR_SOFTMAX), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_create_linear(&problem, numbers, US_LINEAR_LOGISTIC), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_create_linear(&problem, three, US_LINEAR_HALF_MSE), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_create_linear(&problem, three, US_LINEAR_LOGISTIC), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_create_linear(&problem, single, US_LINEAR_SOFTMAX), US_ERR_ARGUMENT);
    us_dataset_labels(three)[2] = 3;
    assert_int_equal(us_problem_create_linear(&problem, three, US_LINEAR_SOFTMAX), US_ERR_ARGUMENT);
    assert_null(problem);
    us_dataset_destroy(numbers), us_dataset_destroy(three), us_dataset_destroy(single);
    us_context_destroy(context);
}

static us_status create_body(us_context *context, void *user) {
    us_dataset *dataset = dataset_make(context, US_F32, US_LINEAR_SOFTMAX, 5, 9, 3);
    if (!dataset) return US_ERR_NOMEM;
    us_problem *problem = NULL, *recast = NULL;
    us_status status = us_problem_create_linear(&problem, dataset, US_LINEAR_SOFTMAX);
    if (status == US_OK) status = us_problem_recast(&recast, problem, US_F64);
    us_problem_destroy(recast);
    us_problem_destroy(problem);
    us_dataset_destroy(dataset);
    return status;
}

static void creation_survives_failing_allocations(void **state) { support_fail_each_allocation(create_body, NULL); }

static void calls_do_not_allocate(void **state) {
    support_memory memory = {0};
    us_context *context = support_context(&memory);
    us_dataset *dataset = dataset_make(context, US_F32, US_LINEAR_SOFTMAX, 500, 9, 3);
    us_problem *problem, *recast;
    assert_int_equal(us_problem_create_linear(&problem, dataset, US_LINEAR_SOFTMAX), US_OK);
    assert_int_equal(us_problem_recast(&recast, problem, US_F64), US_OK);
    us_problem *both[] = {problem, recast};
    for (size_t i = 0; i < 2; i++) {
        size_t n = us_problem_dimension(both[i]);
        us_vec *theta = vec_normal(context, us_problem_precision(both[i]), n, 1),
               *g = vec_normal(context, us_problem_precision(both[i]), n, 1);
        long calls = memory.calls;
        double loss;
        const uint32_t rows[] = {4, 9};
        const us_batch batches[] = {{rows, 1}, {rows, 2}, US_BATCH_ALL};
        for (size_t b = 0; b < 3; b++) {
            assert_int_equal(us_problem_value(both[i], theta, batches[b], &loss), US_OK);
            assert_int_equal(us_problem_gradient(both[i], theta, batches[b], &loss, g), US_OK);
            assert_int_equal(us_problem_hvp(both[i], theta, batches[b], (const us_vec *const[]){theta}, &g, 1), US_OK);
        }
        assert_int_equal(memory.calls, calls);
        us_vec_destroy(theta), us_vec_destroy(g);
    }
    us_problem_destroy(recast), us_problem_destroy(problem);
    us_dataset_destroy(dataset);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_plain_one),
        cmocka_unit_test(extreme_logits_are_stable),
        cmocka_unit_test(threads_do_not_change_the_result),
        cmocka_unit_test(many_products_and_many_parameters),
        cmocka_unit_test(the_whole_hessian_is_that_of_products),
        cmocka_unit_test(bad_data_reach_the_loss),
        cmocka_unit_test(predictions_are_logits),
        cmocka_unit_test(groups_cover_theta),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(creation_survives_failing_allocations),
        cmocka_unit_test(calls_do_not_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
