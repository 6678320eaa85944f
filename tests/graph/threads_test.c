/* Not a bit depends on the number of threads, nor on what a workspace still knows of the last product. */
#include "graph/plan.h"
#include "support.h"
#include <unstuck/graph.h>
#include <unstuck/train.h>

enum { INPUTS = 100, HIDDEN = 300, OUTPUTS = 10, ROWS = 2100, VECTORS = 3 };
enum {
    WIDE_INPUTS = 20,
    WIDE_HIDDEN = 784,
    WIDE_OUTPUTS = 289,
    WIDE_ROWS = 40
}; /* one tile; its columns are cut, the last part is one */

static const size_t COUNTS[] = {1, 64, 65, 128, 601, 1024, ROWS}; /* one tile, two, a block, two blocks */
static const int THREADS[] = {1, 2, 3, 7};

typedef struct subject {
    size_t inputs, hidden, outputs;
    us_context *context;
    us_dataset *data;
    us_problem *problem;
    us_vec *theta, *gradient, *v[VECTORS], *hv[VECTORS];
    uint32_t rows[ROWS];
} subject;

/* W₂·tanh(W₁x + b₁) + b₂: the gradient of W₁ is cut in parts, that of W₂ is added from tiles. */
static us_status threads_problem(us_problem **out, const subject *s, us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, s->context);
    if (status != US_OK) return status;
    us_node w1 = us_graph_parameter(g, "layer1.weight", 2, (size_t[]){s->hidden, s->inputs});
    us_node b1 = us_graph_parameter(g, "layer1.bias", 1, (size_t[]){s->hidden});
    us_node w2 = us_graph_parameter(g, "layer2.weight", 2, (size_t[]){s->outputs, s->hidden});
    us_node b2 = us_graph_parameter(g, "layer2.bias", 1, (size_t[]){s->outputs});
    us_node x = us_graph_features(g, s->inputs);
    us_node h = us_graph_apply(g, "tanh", us_graph_add(g, us_graph_matmul(g, x, false, w1, true), b1));
    us_node z = us_graph_add(g, us_graph_matmul(g, h, false, w2, true), b2);
    us_graph_set_output(g, z);
    us_graph_set_loss(g, us_graph_cross_entropy(g, z, us_graph_labels(g, s->outputs)));
    return us_problem_create_graph(out, g, s->data, precision);
}

static us_status subject_fill(subject *s, us_precision precision) {
    us_rng rng = us_rng_init(11, 1);
    us_status status = us_dataset_create(&s->data, s->context, US_F32, ROWS, s->inputs, US_CLASSIFICATION, s->outputs);
    if (status != US_OK) return status;
    for (size_t i = 0; i < ROWS * s->inputs; i++) ((float *)us_dataset_features(s->data))[i] = (float)us_rng_normal(&rng);
    for (size_t i = 0; i < ROWS; i++) us_dataset_labels(s->data)[i] = us_rng_below(&rng, (uint32_t)s->outputs);
    for (uint32_t i = 0; i < ROWS; i++) s->rows[i] = i * 11 % ROWS;
    status = threads_problem(&s->problem, s, precision);
    if (status != US_OK) return status;
    us_vec **all[] = {&s->theta, &s->gradient, &s->v[0], &s->v[1], &s->v[2], &s->hv[0], &s->hv[1], &s->hv[2]};
    for (size_t i = 0; i < sizeof all / sizeof *all && status == US_OK; i++) {
        status = us_vec_create(all[i], s->context, precision, us_problem_dimension(s->problem));
        if (status == US_OK) us_vec_fill_normal(*all[i], &rng);
    }
    if (status == US_OK) us_vec_scale(s->theta, 0.1);
    return status;
}

static subject subject_sized(us_precision precision, size_t inputs, size_t hidden, size_t outputs) {
    subject s = {.inputs = inputs, .hidden = hidden, .outputs = outputs, .context = support_plain_context()};
    if (subject_fill(&s, precision) != US_OK) fail_msg("%s", us_context_error(s.context));
    return s;
}

static subject subject_make(us_precision precision) { return subject_sized(precision, INPUTS, HIDDEN, OUTPUTS); }

static void subject_release(subject *s) {
    us_vec *all[] = {s->theta, s->gradient, s->v[0], s->v[1], s->v[2], s->hv[0], s->hv[1], s->hv[2]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) us_vec_destroy(all[i]);
    us_problem_destroy(s->problem);
    us_dataset_destroy(s->data);
}

static void subject_destroy(subject *s) {
    subject_release(s);
    us_context_destroy(s->context);
}

static void products(const subject *s, us_batch batch, size_t k) {
    assert_int_equal(us_problem_hvp(s->problem, s->theta, batch, (const us_vec *const *)s->v, s->hv, k), US_OK);
}

static us_vec *copy(us_context *context, const us_vec *v) {
    us_vec *out;
    assert_int_equal(us_vec_create(&out, context, us_vec_precision(v), us_vec_size(v)), US_OK);
    us_vec_copy(out, v);
    return out;
}

static size_t bytes(const us_vec *v) { return us_vec_size(v) * us_precision_bytes(us_vec_precision(v)); }
static void assert_bits(const us_vec *a, const us_vec *b) {
    assert_memory_equal(us_vec_data_const(a), us_vec_data_const(b), bytes(a));
}

/* Value, gradient and products of the first threads' number are those of every other. */
static void threads_compare(subject *s, us_batch batch) {
    double loss = 0, value;
    us_vec *gradient = NULL, *hv[VECTORS] = {NULL};
    for (size_t t = 0; t < sizeof THREADS / sizeof *THREADS; t++) {
        assert_int_equal(us_context_set_threads(s->context, THREADS[t]), US_OK);
        us_vec_fill(s->gradient, 7);
        double now;
        assert_int_equal(us_problem_value(s->problem, s->theta, batch, &value), US_OK);
        assert_int_equal(us_problem_gradient(s->problem, s->theta, batch, &now, s->gradient), US_OK);
        assert_memory_equal(&value, &now, sizeof now);
        products(s, batch, VECTORS);
        if (t == 0) {
            loss = now;
            gradient = copy(s->context, s->gradient);
            for (size_t k = 0; k < VECTORS; k++) hv[k] = copy(s->context, s->hv[k]);
            continue;
        }
        assert_memory_equal(&loss, &now, sizeof now);
        assert_bits(gradient, s->gradient);
        for (size_t k = 0; k < VECTORS; k++) assert_bits(hv[k], s->hv[k]);
    }
    us_vec_destroy(gradient);
    for (size_t k = 0; k < VECTORS; k++) us_vec_destroy(hv[k]);
}

static void test_bits_of_threads(void **state) {
    static const us_precision precisions[] = {US_F32, US_F64};
    for (size_t p = 0; p < 2; p++) {
        subject s = subject_make(precisions[p]);
        for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) threads_compare(&s, (us_batch){s.rows, COUNTS[i], 0});
        threads_compare(&s, US_BATCH_ALL);
        subject_destroy(&s);
        s = subject_sized(precisions[p], WIDE_INPUTS, WIDE_HIDDEN, WIDE_OUTPUTS);
        threads_compare(&s, (us_batch){s.rows, WIDE_ROWS, 0});
        subject_destroy(&s);
    }
}

static void test_bits_of_a_training(void **state) {
    us_context *context = support_plain_context();
    us_vec *first = NULL;
    for (size_t t = 0; t < sizeof THREADS / sizeof *THREADS; t++) {
        subject s = subject_make(US_F32);
        assert_int_equal(us_context_set_threads(s.context, THREADS[t]), US_OK);
        us_training *training;
        us_training_options options = US_TRAINING_OPTIONS_INIT;
        options.rule = us_rule_find("adam");
        options.batch = 200;
        options.learning_rate = 0.01;
        assert_int_equal(us_training_create(&training, s.problem, s.theta, &options), US_OK);
        assert_int_equal(us_training_advance(training, 12), US_OK);
        if (first)
            assert_bits(first, us_training_theta(training));
        else
            first = copy(context, us_training_theta(training));
        us_training_destroy(training);
        subject_destroy(&s);
    }
    us_vec_destroy(first);
    us_context_destroy(context);
}

/* Products one by one, at a kept point, are those of a block; another point, other rows and other questions between them
 * are noticed. */
static void test_a_kept_point(void **state) {
    subject s = subject_make(US_F32), fresh = subject_make(US_F32);
    us_batch batch = {s.rows, 300, 0};
    double loss;
    products(&s, batch, VECTORS);
    for (size_t k = 0; k < VECTORS; k++) {
        const us_vec *v = fresh.v[k];
        us_vec *hv = fresh.hv[0];
        assert_int_equal(us_problem_hvp(fresh.problem, fresh.theta, batch, &v, &hv, 1), US_OK);
        assert_bits(s.hv[k], hv);
    }
    for (int change = 0; change < 8; change++) {
        subject new = subject_make(US_F32);
        if (change == 1) us_vec_set(s.theta, 5, us_vec_get(s.theta, 5) * (1 + 1e-6));
        if (change == 2) batch.rows++;
        if (change == 3) batch.count = 200;
        if (change == 4) assert_int_equal(us_problem_gradient(s.problem, s.theta, batch, &loss, s.gradient), US_OK);
        if (change == 5) assert_int_equal(us_problem_value(s.problem, new.theta, US_BATCH_ALL, &loss), US_OK);
        double third = us_vec_get(s.theta, 3), later = us_vec_get(s.theta, 11); /* of one lane of the fingerprint */
        if (change == 6) us_vec_set(s.theta, 3, -third), us_vec_set(s.theta, 11, -later);
        if (change == 7) us_vec_set(s.theta, 3, later), us_vec_set(s.theta, 11, third);
        us_vec_copy(new.theta, s.theta);
        for (int again = 0; again < 2; again++) {
            products(&s, batch, 1);
            if (again == 0) products(&new, batch, 1);
            assert_bits(s.hv[0], new.hv[0]);
        }
        subject_destroy(&new);
    }
    subject_destroy(&fresh);
    subject_destroy(&s);
}

static us_status threads_body(us_context *context, void *user) {
    subject s = {.inputs = INPUTS, .hidden = HIDDEN, .outputs = OUTPUTS, .context = context};
    double loss;
    us_status status = us_context_set_threads(context, 3);
    if (status == US_OK) status = subject_fill(&s, US_F32);
    if (status == US_OK) status = us_problem_gradient(s.problem, s.theta, US_BATCH_ALL, &loss, s.gradient);
    us_batch batch = {s.rows, 300, 0};
    if (status == US_OK) status = us_problem_hvp(s.problem, s.theta, batch, (const us_vec *const *)s.v, s.hv, VECTORS);
    subject_release(&s);
    return status;
}

static void test_failing_allocations(void **state) { support_fail_each_allocation(threads_body, NULL); }

/* Tiles and blocks cover all rows, tiles divide blocks; little work is one tile, and much is several with rows enough: of
 * products of matrices many, of other work few, of batch normalisation samples. */
static void test_cuts(void **state) {
    static const size_t LINES[] = {0, 1, 3, 16, 128, 5000};
    for (size_t i = 1; i < 30000; i++) {
        size_t count = (i + 5) / 6, each = LINES[i / 7 % 6] ? LINES[i / 7 % 6] : 1;
        size_t all = i % 2 ? 10 : 10000000, products = i % 3 == 1 ? 0 : all;
        us_graph graph = {.work = {all, products, LINES[i / 7 % 6], i % 3 == 2}};
        us__cut cut = us__cut_rows(&graph, count);
        assert_true(cut.tile > 0 && (cut.blocks == 1 || cut.block % cut.tile == 0) && cut.blocks * cut.block >= count);
        assert_true((cut.blocks - 1) * cut.block < count);
        bool few = products == all && count * each < 2 * US__TILE_LEAST;
        if (count * each <= US__TILE_MOST && (i % 2 || few)) assert_true(count <= cut.tile);
        if (count > 16 && i % 2 == 0 && !few && !graph.work.sees_tiles) assert_true(count > cut.tile);
        if (count < 512 && each == 1 && graph.work.sees_tiles) assert_true(cut.tile >= count || cut.tile >= US__TILE_LEAST);
    }
}

/* Strips are as even as can be, no larger than a tile, and there are none where a value sees its tile. */
static void test_strips(void **state) {
    for (size_t i = 1; i < 3000; i++) {
        us_graph graph = {.work.lines = i % 3 ? 0 : 16};
        us__plan plan = {.graph = &graph,
                         .work = {.all = 1000, .products = i % 11 * 100, .sees_tiles = i % 5 == 0},
                         .row_elements = i * 37};
        size_t tile = 1 + i % 512, strip = us__cut_strip(&plan, tile, US_F32);
        assert_true(strip > 0 && strip <= tile);
        if (plan.work.sees_tiles) assert_int_equal(strip, tile);
        size_t least = US__STRIP_LINES * plan.work.products / plan.work.all / (graph.work.lines ? 16 : 1);
        if (strip < tile) assert_true(2 * strip >= least && strip <= least + 1 + US__STRIP_BYTES / (4 * plan.row_elements));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_strips),
        cmocka_unit_test(test_bits_of_threads),
        cmocka_unit_test(test_bits_of_a_training),
        cmocka_unit_test(test_a_kept_point),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
