/* Convolution and pooling: values against plain loops over random shapes, derivatives against differences. */
#include "graph/differences.h"
#include "support.h"
#include <unstuck/graph.h>

enum { ROWS = 3 };

/* What is done to an image of these sizes. */
typedef struct image_case {
    size_t channels, height, width, outputs, kernel[2];
    us_convolution convolution;
    us_pooling pooling;
    enum { CONVOLUTION, MAX_POOL, AVERAGE_POOL } kind;
} image_case;

static size_t image_result(const image_case *c, size_t a) {
    size_t image = a ? c->width : c->height;
    if (c->kind != CONVOLUTION) {
        size_t stride = c->pooling.stride[a] ? c->pooling.stride[a] : c->pooling.size[a];
        return (image + 2 * c->pooling.padding[a] - c->pooling.size[a]) / stride + 1;
    }
    size_t extent = (c->kernel[a] - 1) * c->convolution.dilation[a] + 1;
    return (image + 2 * c->convolution.padding[a] - extent) / c->convolution.stride[a] + 1;
}

/* ------------------------------------------------------------------ plain loops */

static double plain_at(const image_case *c, const double *x, size_t channel, long i, long j) {
    bool inside = i >= 0 && j >= 0 && i < (long)c->height && j < (long)c->width;
    return inside ? x[(channel * c->height + (size_t)i) * c->width + (size_t)j] : 0;
}

static double plain_convolution(const image_case *c, const double *x, const double *w, size_t o, size_t i, size_t j) {
    const us_convolution *h = &c->convolution;
    size_t inputs = c->channels / h->groups, group = o / (c->outputs / h->groups);
    double sum = 0;
    for (size_t k = 0; k < inputs; k++)
        for (size_t u = 0; u < c->kernel[0]; u++)
            for (size_t v = 0; v < c->kernel[1]; v++)
                sum +=
                    w[((o * inputs + k) * c->kernel[0] + u) * c->kernel[1] + v] *
                    plain_at(c, x, group * inputs + k, (long)(i * h->stride[0] + u * h->dilation[0]) - (long)h->padding[0],
                             (long)(j * h->stride[1] + v * h->dilation[1]) - (long)h->padding[1]);
    return sum;
}

static double plain_pool(const image_case *c, const double *x, size_t channel, size_t i, size_t j) {
    const us_pooling *h = &c->pooling;
    double sum = 0, most = -(double)INFINITY;
    for (size_t u = 0; u < h->size[0]; u++)
        for (size_t v = 0; v < h->size[1]; v++) {
            long y = (long)(i * (h->stride[0] ? h->stride[0] : h->size[0]) + u) - (long)h->padding[0];
            long z = (long)(j * (h->stride[1] ? h->stride[1] : h->size[1]) + v) - (long)h->padding[1];
            double value = plain_at(c, x, channel, y, z);
            sum += value;
            if (y >= 0 && z >= 0 && y < (long)c->height && z < (long)c->width && value > most) most = value;
        }
    return c->kind == MAX_POOL ? most : sum / (double)(h->size[0] * h->size[1]);
}

/* ------------------------------------------------------------------ a case as a problem */

typedef struct image {
    us_context *context;
    us_dataset *data;
    us_problem *problem;
    us_vec *theta;
    size_t inputs, weights, outputs; /* elements of an image, of the kernel, of a result */
} image;

/* x = features ⊙ scale, y = op(x, weight), loss ½Σ(y + tilt)²: derivatives by x and by the weight, of both orders. */
static us_status image_problem(us_problem **out, us_context *context, const image_case *c, const us_dataset *data,
                               us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, context);
    if (status != US_OK) return status;
    size_t inputs = c->channels * c->height * c->width;
    us_node x = us_graph_mul(g, us_graph_features(g, inputs), us_graph_parameter(g, "scale", 1, &inputs)), y;
    x = us_graph_reshape(g, x, 4, (size_t[]){US_SAMPLES, c->channels, c->height, c->width});
    if (c->kind == CONVOLUTION) {
        size_t shape[4] = {c->outputs, c->channels / c->convolution.groups, c->kernel[0], c->kernel[1]};
        y = us_graph_convolution(g, x, us_graph_parameter(g, "weight", 4, shape), &c->convolution);
    } else {
        y = (c->kind == MAX_POOL ? us_graph_max_pool : us_graph_average_pool)(g, x, &c->pooling);
    }
    size_t outputs = us_graph_axis(g, y, 1) * us_graph_axis(g, y, 2) * us_graph_axis(g, y, 3);
    y = us_graph_reshape(g, y, 2, (size_t[]){US_SAMPLES, outputs});
    us_graph_set_output(g, y);
    us_node tilted = us_graph_add(g, y, us_graph_constant(g, 0.375));
    us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_sum(g, us_graph_mul(g, tilted, tilted), 1)));
    return us_problem_create_graph(out, g, data, precision);
}

static image image_make(const image_case *c, uint64_t draw, us_precision precision) {
    image m = {.context = support_plain_context(), .inputs = c->channels * c->height * c->width};
    bool convolution = c->kind == CONVOLUTION;
    if (convolution) m.weights = c->outputs * (c->channels / c->convolution.groups) * c->kernel[0] * c->kernel[1];
    m.outputs = (convolution ? c->outputs : c->channels) * image_result(c, 0) * image_result(c, 1);
    assert_int_equal(us_dataset_create(&m.data, m.context, US_F64, ROWS, m.inputs, US_REGRESSION, 1), US_OK);
    us_rng rng = us_rng_init(17, draw);
    for (size_t i = 0; i < ROWS * m.inputs; i++) ((double *)us_dataset_features(m.data))[i] = us_rng_normal(&rng);
    if (image_problem(&m.problem, m.context, c, m.data, precision) != US_OK) fail_msg("%s", us_context_error(m.context));
    assert_int_equal(us_problem_dimension(m.problem), m.inputs + m.weights);
    m.theta = differences_vec(m.problem);
    us_vec_fill_normal(m.theta, &rng);
    if (c->kind != MAX_POOL) return m;
    /* No step of a difference may change which is the largest of a window. */
    uint32_t order[2048];
    assert_true(c->height * c->width <= 2048);
    for (size_t i = 0; i < ROWS * c->channels; i++) {
        us_rng_permutation(&rng, order, c->height * c->width);
        double *x = (double *)us_dataset_features(m.data) + i * c->height * c->width;
        for (size_t k = 0; k < c->height * c->width; k++) x[k] = 0.25 * (order[k] - 0.3 * (double)(c->height * c->width));
    }
    us_vec_fill(m.theta, 1.3);
    return m;
}

static void image_destroy(image *m) {
    us_vec_destroy(m->theta);
    us_problem_destroy(m->problem);
    us_dataset_destroy(m->data);
    us_context_destroy(m->context);
}

/* |y − plain loops|, relative to the largest. */
static double image_error(const image_case *c, uint64_t draw, us_precision precision) {
    image m = image_make(c, draw, precision);
    double *y = calloc(ROWS * m.outputs, sizeof *y), *x = calloc(m.inputs, sizeof *x), *w = calloc(m.weights + 1, sizeof *w);
    const double *features = us_dataset_features_const(m.data);
    float *single = calloc(ROWS * m.inputs, sizeof *single);
    for (size_t i = 0; i < ROWS * m.inputs; i++) single[i] = (float)features[i];
    assert_int_equal(
        us_problem_graph_predict(m.problem, m.theta, precision == US_F32 ? (const void *)single : features, ROWS, y), US_OK);
    for (size_t k = 0; k < m.weights; k++) w[k] = us_vec_get(m.theta, m.inputs + k);
    double worst = 0, largest = 1;
    const double *at = y;
    for (size_t n = 0; n < ROWS; n++) {
        for (size_t k = 0; k < m.inputs; k++) x[k] = features[n * m.inputs + k] * us_vec_get(m.theta, k);
        for (size_t o = 0; o < (c->kind == CONVOLUTION ? c->outputs : c->channels); o++)
            for (size_t i = 0; i < image_result(c, 0); i++)
                for (size_t j = 0; j < image_result(c, 1); j++, at++) {
                    double plain = c->kind == CONVOLUTION ? plain_convolution(c, x, w, o, i, j) : plain_pool(c, x, o, i, j);
                    double error = fabs(*at - plain);
                    worst = error <= worst ? worst : error; /* NaN is kept */
                    largest = fmax(largest, fabs(plain));
                }
    }
    free(x), free(y), free(w), free(single);
    image_destroy(&m);
    return worst / largest;
}

static void image_check(const image_case *c, uint64_t draw, bool derivatives) {
    const us_convolution *h = &c->convolution;
    char text[256];
    snprintf(text, sizeof text,
             "case %d: kind %d, %zux%zux%zu -> %zu, kernel %zux%zu, stride %zu %zu, padding %zu %zu, dilation %zu %zu, "
             "groups %zu",
             (int)draw, (int)c->kind, c->channels, c->height, c->width, c->outputs, c->kernel[0], c->kernel[1], h->stride[0],
             h->stride[1], h->padding[0], h->padding[1], h->dilation[0], h->dilation[1], h->groups);
    double double_error = image_error(c, draw, US_F64), single_error = image_error(c, draw, US_F32);
    if (!(double_error < 1e-14)) fail_msg("%s: wrong by %g", text, double_error);
    if (!(single_error < 4e-6)) fail_msg("%s: wrong by %g in f32", text, single_error);
    if (!derivatives) return;
    image m = image_make(c, draw, US_F64);
    double gradient = differences_gradient(m.problem, m.theta, US_BATCH_ALL);
    double product = differences_product(m.problem, m.theta, US_BATCH_ALL);
    if (!(gradient < 1e-9)) fail_msg("%s: gradient differs by %g", text, gradient);
    if (!(product < 1e-9)) fail_msg("%s: product differs by %g", text, product);
    image_destroy(&m);
}

static size_t draw_from(us_rng *rng, size_t low, size_t high) { return low + us_rng_below(rng, (uint32_t)(high - low + 1)); }

/* ------------------------------------------------------------------ tests */

static void convolutions_are_plain_loops(void **state) {
    (void)state;
    us_rng rng = us_rng_init(23, 0);
    for (uint64_t draw = 0; draw < 60; draw++) {
        image_case c = {.kind = CONVOLUTION, .convolution = US_CONVOLUTION_INIT};
        size_t groups = draw % 3 ? 1 : draw_from(&rng, 1, 3);
        c.convolution.groups = groups;
        c.channels = groups * draw_from(&rng, 1, 3);
        c.outputs = groups * draw_from(&rng, 1, draw % 7 ? 3 : 11);
        size_t *size[2] = {&c.height, &c.width};
        for (size_t a = 0; a < 2; a++) {
            c.kernel[a] = draw_from(&rng, 1, 4);
            c.convolution.dilation[a] = draw % 2 ? 1 : draw_from(&rng, 1, 3);
            c.convolution.stride[a] = draw % 4 < 2 ? 1 : draw_from(&rng, 1, 3);
            c.convolution.padding[a] = draw % 5 ? draw_from(&rng, 0, 2) : draw_from(&rng, 0, 6);
            size_t extent = (c.kernel[a] - 1) * c.convolution.dilation[a] + 1, padding = 2 * c.convolution.padding[a];
            *size[a] = draw_from(&rng, extent > padding ? extent - padding : 1, 9);
            if (*size[a] + padding < extent) *size[a] = extent;
        }
        image_check(&c, draw, true);
    }
}

/* The shapes that networks have, which fill registers and tiles, and one whose image is cut into pieces. */
static void large_convolutions_are_plain_loops(void **state) {
    (void)state;
    const image_case cases[] = {
        {.channels = 1, .height = 28, .width = 28, .outputs = 16, .kernel = {3, 3}},
        {.channels = 16, .height = 14, .width = 14, .outputs = 32, .kernel = {3, 3}},
        {.channels = 5, .height = 19, .width = 33, .outputs = 13, .kernel = {5, 2}},
        {.channels = 7, .height = 13, .width = 130, .outputs = 3, .kernel = {1, 1}},
        {.channels = 9, .height = 131, .width = 127, .outputs = 2, .kernel = {3, 3}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (size_t variant = 0; variant < 3; variant++) {
            image_case c = cases[k];
            c.convolution = (us_convolution)US_CONVOLUTION_INIT;
            for (size_t a = 0; a < 2; a++) {
                c.convolution.padding[a] = variant ? 1 : 0;
                c.convolution.stride[a] = variant == 2 ? 2 : 1;
            }
            image_check(&c, 100 + k, false);
        }
}

/* A gradient by one weight and one pixel of each shape that is cut into pieces, against the same without cutting: the sum
 * of the gradients of its halves is none, so that it is differences along random directions. */
static void pieces_add_up(void **state) {
    (void)state;
    image_case c = {.kind = CONVOLUTION, .channels = 9, .height = 131, .width = 127, .outputs = 2, .kernel = {3, 3}};
    for (size_t stride = 1; stride <= 2; stride++) {
        c.convolution = (us_convolution)US_CONVOLUTION_INIT;
        c.convolution.stride[0] = c.convolution.stride[1] = stride;
        c.convolution.padding[0] = 1;
        image m = image_make(&c, 200, US_F64);
        us_check_options options = US_CHECK_OPTIONS_INIT;
        options.directions = 1;
        us_check check;
        assert_int_equal(us_problem_check_gradient(m.problem, m.theta, US_BATCH_ALL, &options, &check), US_OK);
        if (!check.passed) fail_msg("stride %zu: the gradient differs by %g", stride, check.disagreement);
        assert_int_equal(us_problem_check_hessian(m.problem, m.theta, US_BATCH_ALL, &options, &check), US_OK);
        if (!check.passed) fail_msg("stride %zu: a product differs by %g", stride, check.disagreement);
        image_destroy(&m);
    }
}

static void pools_are_plain_loops(void **state) {
    (void)state;
    us_rng rng = us_rng_init(29, 0);
    for (uint64_t draw = 0; draw < 60; draw++) {
        image_case c = {.kind = draw % 2 ? MAX_POOL : AVERAGE_POOL, .pooling = US_POOLING_INIT};
        c.channels = draw_from(&rng, 1, 4);
        size_t *size[2] = {&c.height, &c.width};
        for (size_t a = 0; a < 2; a++) {
            if (draw % 3) { /* else 2×2, which has its own loop */
                c.pooling.size[a] = draw_from(&rng, 1, 4);
                c.pooling.stride[a] = draw_from(&rng, 0, 3);
                c.pooling.padding[a] = draw_from(&rng, 0, c.pooling.size[a] / 2);
            }
            *size[a] = draw_from(&rng, c.pooling.size[a], 10);
        }
        image_check(&c, draw, true);
    }
    image_case wide = {.kind = MAX_POOL, .pooling = US_POOLING_INIT, .channels = 2, .height = 28, .width = 67};
    image_check(&wide, 99, false);
}

/* Not a number stays so, wherever in the window it is; infinities are numbers. */
static void maxima_notice_nan(void **state) {
    (void)state;
    for (int overlap = 0; overlap < 2; overlap++)
        for (size_t place = 0; place < 4; place++) {
            image_case c = {.kind = MAX_POOL, .pooling = US_POOLING_INIT, .channels = 1, .height = 2, .width = 2};
            if (overlap) c.pooling.stride[0] = 1;
            image m = image_make(&c, 3, US_F64);
            double x[4] = {1, -(double)INFINITY, 3, 2}, y = 0;
            us_vec_fill(m.theta, 1);
            assert_int_equal(us_problem_graph_predict(m.problem, m.theta, x, 1, &y), US_OK);
            assert_true(y == 3);
            x[place] = (double)NAN;
            assert_int_equal(us_problem_graph_predict(m.problem, m.theta, x, 1, &y), US_OK);
            assert_true(isnan(y));
            memcpy(us_dataset_features(m.data), x, sizeof x);
            us_vec *g = differences_vec(m.problem);
            double loss;
            assert_int_equal(us_problem_gradient(m.problem, m.theta, (us_batch){(uint32_t[]){0}, 1, 0}, &loss, g), US_OK);
            assert_true(isnan(loss) && isnan(us_vec_get(g, place)));
            us_vec_destroy(g);
            image_destroy(&m);
        }
}

/* One sample's result does not depend on those beside it. */
static void samples_are_computed_apart(void **state) {
    (void)state;
    image_case c = {.kind = CONVOLUTION,
                    .channels = 3,
                    .height = 9,
                    .width = 8,
                    .outputs = 5,
                    .kernel = {3, 3},
                    .convolution = US_CONVOLUTION_INIT};
    image m = image_make(&c, 5, US_F32);
    us_vec *g = differences_vec(m.problem), *sum = differences_vec(m.problem);
    double loss, mean = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_int_equal(us_problem_gradient(m.problem, m.theta, (us_batch){&i, 1, 0}, &loss, g), US_OK);
        us_vec_axpy(sum, 1. / ROWS, g);
        mean += loss / ROWS;
    }
    assert_int_equal(us_problem_gradient(m.problem, m.theta, US_BATCH_ALL, &loss, g), US_OK);
    assert_near(loss, mean, 1e-6, 0);
    us_vec_axpy(sum, -1, g);
    assert_true(us_vec_norm_inf(sum) < 1e-5 * us_vec_norm_inf(g));
    us_vec_destroy(g), us_vec_destroy(sum);
    image_destroy(&m);
}

static void what_does_not_fit_is_an_error(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    for (int k = 0; k < 11; k++) {
        us_graph *g;
        assert_int_equal(us_graph_create(&g, context), US_OK);
        us_node x = us_graph_reshape(g, us_graph_features(g, 60), 4, (size_t[]){US_SAMPLES, 2, 5, 6});
        us_node w = us_graph_parameter(g, "w", 4, (size_t[]){4, 2, 3, 3});
        us_node large = us_graph_parameter(g, "large", 4, (size_t[]){4, 2, 6, 3});
        us_node other = us_graph_parameter(g, "other", 4, (size_t[]){4, 3, 3, 3});
        us_convolution h = US_CONVOLUTION_INIT;
        us_pooling p = US_POOLING_INIT;
        us_node y = US_NODE_NONE;
        us_status expected = k < 5 ? US_ERR_SHAPE : US_ERR_ARGUMENT;
        if (k == 0) y = us_graph_convolution(g, x, large, NULL);
        if (k == 1) y = us_graph_convolution(g, x, other, NULL);
        if (k == 2) h.groups = 2, y = us_graph_convolution(g, x, w, &h);
        if (k == 3) y = us_graph_convolution(g, us_graph_features(g, 60), w, NULL);
        if (k == 4) p.size[0] = 6, y = us_graph_max_pool(g, x, &p);
        if (k == 5) h.stride[1] = 0, y = us_graph_convolution(g, x, w, &h);
        if (k == 6) h.dilation[0] = 256, y = us_graph_convolution(g, x, w, &h);
        if (k == 7) h.groups = 0, y = us_graph_convolution(g, x, w, &h);
        if (k == 8) h.version = 2, y = us_graph_convolution(g, x, w, &h);
        if (k == 9) p.padding[0] = 2, y = us_graph_average_pool(g, x, &p);
        if (k == 10) p.size[1] = 0, y = us_graph_average_pool(g, x, &p);
        assert_int_equal(y, US_NODE_NONE);
        if (us_graph_status(g) != expected) fail_msg("case %d: %s", k, us_context_error(context));
        us_graph_destroy(g);
    }
    us_context_destroy(context);
}

static us_status image_body(us_context *context, void *user) {
    image_case c = {.kind = CONVOLUTION,
                    .channels = 3,
                    .height = 5,
                    .width = 4,
                    .outputs = 2,
                    .kernel = {3, 3},
                    .convolution = US_CONVOLUTION_INIT};
    us_problem *problem;
    us_vec *theta = NULL, *g = NULL;
    double loss;
    us_status status = image_problem(&problem, context, &c, user, US_F64);
    if (status != US_OK) return status;
    if ((status = us_vec_create(&theta, context, US_F64, us_problem_dimension(problem))) == US_OK)
        status = us_vec_create(&g, context, US_F64, us_problem_dimension(problem));
    if (status == US_OK) status = us_problem_gradient(problem, theta, US_BATCH_ALL, &loss, g);
    us_vec_destroy(theta), us_vec_destroy(g);
    us_problem_destroy(problem);
    return status;
}

static void failing_allocations_leave_nothing(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    us_dataset *data;
    assert_int_equal(us_dataset_create(&data, context, US_F64, ROWS, 60, US_REGRESSION, 1), US_OK);
    support_fail_each_allocation(image_body, data);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_plain_loops),
        cmocka_unit_test(large_convolutions_are_plain_loops),
        cmocka_unit_test(pieces_add_up),
        cmocka_unit_test(pools_are_plain_loops),
        cmocka_unit_test(maxima_notice_nan),
        cmocka_unit_test(samples_are_computed_apart),
        cmocka_unit_test(what_does_not_fit_is_an_error),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
