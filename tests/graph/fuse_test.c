/* Programs beside the same graph computed one node at a time: value, gradient and products are equal to the last bit. */
#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/program.h"
#include "support.h"

enum { COLUMNS = 12, ROWS = 1300, POOL = 64 };

static us_context *context;

/* ------------------------------------------------------------------ random graphs */

/* [samples×3×4], [samples×12], [samples×3×1], [samples×1] or [samples] of the same numbers or sums of them. */
static us_node fuse_reshape(us_graph *g, us_rng *rng, us_node a) {
    us__node n = *us__at(g, a);
    size_t each = us__elements(&n, 1);
    if (!us__has_samples(&n)) return a;
    if (each == 12)
        n = n.rank == 2 ? (us__node){.rank = 3, .shape = {US_SAMPLES, 3, 4}}
                        : (us__node){.rank = 2, .shape = {US_SAMPLES, 12}};
    else if (each == 1)
        n = n.rank == 1 ? (us__node){.rank = 2, .shape = {US_SAMPLES, 1}} : (us__node){.rank = 1, .shape = {US_SAMPLES}};
    else
        return us_graph_sum(g, a, n.rank - 1);
    (void)rng;
    return us__reshape(g, a, &n);
}

/* A sum over the last axis that stays as 1, or over all but the samples. */
static us_node fuse_sum(us_graph *g, us_rng *rng, us_node a) {
    us__node n = *us__at(g, a);
    if (n.rank < 2) return a;
    n.shape[n.rank - 1] = 1;
    if (n.rank == 3 && us_rng_below(rng, 2)) n.shape[1] = 1;
    return us__sum_to(g, a, &n);
}

static us_node fuse_function(us_graph *g, us_rng *rng, us_node a) {
    const us__op *op = &us__unary_ops[us_rng_below(rng, (uint32_t)us__unary_count)];
    return op->slope ? us__unary(g, op, a) : a;
}

/* Operations along the last axis. */
static us_node fuse_line(us_graph *g, us_rng *rng, us_node a) {
    us_node one = us_graph_constant(g, 1), zero = us_graph_constant(g, 0.25);
    if (us_graph_rank(g, a) < 2) return a;
    return us_rng_below(rng, 2) ? us_graph_softmax(g, a) : us_graph_layer_norm(g, a, one, zero, 1e-5);
}

static us_node fuse_operation(us_graph *g, us_rng *rng, us_node a, us_node b, us_node square) {
    switch (us_rng_below(rng, 14)) {
    case 0:
        return us_graph_sub(g, a, b);
    case 1:
        return us_graph_div(g, a, b);
    case 2:
        return us__binary(g, &us__op_gate, a, b);
    case 3:
        return us_graph_pow(g, us_graph_apply(g, "softplus", a), us_graph_apply(g, "tanh", b));
    case 4:
    case 5:
        return fuse_sum(g, rng, a);
    case 6:
        return fuse_reshape(g, rng, a);
    case 7:
        return us_graph_axis(g, a, 1) == COLUMNS ? us_graph_matmul(g, a, false, square, true) : us_graph_add(g, a, b);
    case 8:
        return us_graph_mul(g, a, b);
    case 9:
        return fuse_line(g, rng, a);
    default:
        return fuse_function(g, rng, us_graph_add(g, a, b));
    }
}

static bool fuse_fits(const us_graph *g, us_node a, us_node b) {
    us__node x = *us__at(g, a), y = *us__at(g, b);
    if (us__has_samples(&x) && us__has_samples(&y) && x.rank != y.rank) return false;
    if (us__has_samples(&x) && x.rank < y.rank) return false;
    if (us__has_samples(&y) && y.rank < x.rank) return false;
    for (size_t i = 0; i < x.rank && i < y.rank; i++) {
        size_t m = x.shape[x.rank - 1 - i], n = y.shape[y.rank - 1 - i];
        if (m != n && m != 1 && n != 1) return false;
    }
    return true;
}

static us_graph *fuse_graph(uint64_t seed, size_t operations) {
    us_graph *g;
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_rng rng = us_rng_init(seed, 8);
    us_node pool[POOL + 16];
    size_t count = 0;
    us_node x = us_graph_features(g, COLUMNS), square = us_graph_parameter(g, "square", 2, (size_t[]){12, 12});
    pool[count++] = us_graph_parameter(g, "a", 0, NULL);
    pool[count++] = us_graph_parameter(g, "b", 1, (size_t[]){12});
    pool[count++] = us_graph_parameter(g, "c", 1, (size_t[]){4});
    pool[count++] = us_graph_parameter(g, "d", 2, (size_t[]){3, 4});
    pool[count++] = us_graph_parameter(g, "e", 2, (size_t[]){3, 1});
    pool[count++] = us_graph_parameter(g, "f", 3, (size_t[]){1, 3, 1});
    pool[count++] = us_graph_column(g, x, 5);
    pool[count++] = fuse_reshape(g, &rng, x);
    pool[count++] = x;
    for (size_t k = 0; k < operations; k++) {
        us_node a = pool[us_rng_below(&rng, (uint32_t)count)];
        us_node b = pool[us_rng_below(&rng, 2) ? count - 1 : us_rng_below(&rng, (uint32_t)count)];
        if (!fuse_fits(g, a, b)) a = b;
        pool[count++] = fuse_operation(g, &rng, a, b, square);
    }
    us_node loss = us_graph_mul(g, us_graph_column(g, x, 0), pool[0]);
    for (size_t k = 0; k < count; k++) { /* every node counts, as one number a sample */
        us_node a = pool[k];
        while (us_graph_rank(g, a) > 1) a = us_graph_sum(g, a, us_graph_rank(g, a) - 1);
        if (us_graph_rank(g, a) == 1 && us_graph_axis(g, a, 0) != US_SAMPLES) a = us_graph_sum(g, a, 0);
        loss = us_graph_add(g, loss, us_graph_apply(g, "tanh", a));
    }
    us_graph_set_loss(g, loss);
    return g;
}

/* ------------------------------------------------------------------ equal bits */

static us_dataset *fuse_data(us_precision precision, bool finite) {
    us_dataset *data;
    us_rng rng = us_rng_init(4, 4);
    volatile double zero = 0;
    assert_int_equal(us_dataset_create(&data, context, US_F64, ROWS, COLUMNS, US_REGRESSION, 1), US_OK);
    double *x = us_dataset_features(data);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) x[i] = us_rng_normal(&rng);
    if (!finite) x[7] = zero / zero, x[300] = 1 / zero, x[301] = -1 / zero, x[ROWS * COLUMNS - 1] = zero / zero;
    return data;
}

typedef struct fuse_answer {
    double loss;
    us_vec *gradient, *hv[3];
} fuse_answer;

static void fuse_answer_make(fuse_answer *answer, us_problem *p, size_t rows) {
    us_vec *theta, *v[3];
    us_rng rng = us_rng_init(3, 3);
    uint32_t which[ROWS];
    size_t n = us_problem_dimension(p);
    us_precision precision = us_problem_precision(p);
    for (size_t i = 0; i < rows; i++) which[i] = (uint32_t)(i * 7 % ROWS);
    us_batch batch = rows == ROWS ? US_BATCH_ALL : (us_batch){which, rows};
    assert_int_equal(us_vec_create(&theta, context, precision, n), US_OK);
    assert_int_equal(us_vec_create(&answer->gradient, context, precision, n), US_OK);
    us_vec_fill_normal(theta, &rng);
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(us_vec_create(&v[k], context, precision, n), US_OK);
        assert_int_equal(us_vec_create(&answer->hv[k], context, precision, n), US_OK);
        us_vec_fill_normal(v[k], &rng);
    }
    assert_int_equal(us_problem_gradient(p, theta, batch, &answer->loss, answer->gradient), US_OK);
    assert_int_equal(us_problem_hvp(p, theta, batch, (const us_vec *const *)v, answer->hv, 3), US_OK);
    for (size_t k = 0; k < 3; k++) us_vec_destroy(v[k]);
    us_vec_destroy(theta);
}

static void fuse_answer_release(fuse_answer *answer) {
    us_vec_destroy(answer->gradient);
    for (size_t k = 0; k < 3; k++) us_vec_destroy(answer->hv[k]);
}

/* The same number: equal, or both not a number (whose bits depend on the order of operands, which compilers choose). */
static bool fuse_equal(const us_vec *a, const us_vec *b) {
    for (size_t i = 0; i < us_vec_size(a); i++) {
        double x = us_vec_get(a, i), y = us_vec_get(b, i);
        if (memcmp(&x, &y, sizeof x) && !(isnan(x) && isnan(y))) return false;
    }
    return true;
}

static void fuse_compare(us_graph *(*make)(uint64_t, size_t), uint64_t seed, size_t operations, const us_dataset *data,
                         us_precision precision, size_t rows) {
    fuse_answer answers[2];
    char *text = NULL;
    for (int separate = 0; separate < 2; separate++) {
        us_problem *p;
        us_graph *g = make(seed, operations);
        g->separate = separate;
        us_text_release(context, text);
        if (us_graph_status(g) == US_OK) assert_int_equal(us_graph_print(g, &text), US_OK);
        if (us_problem_create_graph(&p, g, data, precision) != US_OK)
            fail_msg("seed %d: %s", (int)seed, us_context_error(context));
        fuse_answer_make(&answers[separate], p, rows);
        us_problem_destroy(p);
    }
    bool equal = fuse_equal(answers[0].gradient, answers[1].gradient);
    equal = equal && (answers[0].loss == answers[1].loss || (isnan(answers[0].loss) && isnan(answers[1].loss)));
    for (size_t k = 0; k < 3; k++) equal = equal && fuse_equal(answers[0].hv[k], answers[1].hv[k]);
    if (!equal) fail_msg("seed %d, %zu operations, %zu rows: a program differs\n%s", (int)seed, operations, rows, text);
    us_text_release(context, text);
    for (int i = 0; i < 2; i++) fuse_answer_release(&answers[i]);
}

static void programs_do_not_change_a_bit(void **state) {
    static const size_t ROW_COUNTS[] = {1, 2, 511, 512, 513, 1300};
    for (int finite = 0; finite < 2; finite++) {
        us_dataset *data = fuse_data(US_F64, finite);
        for (uint64_t seed = 1; seed <= 120; seed++)
            for (size_t operations = 2; operations <= 32; operations *= 4) /* the smallest that fails is told */
                fuse_compare(fuse_graph, seed, operations, data, seed % 3 ? US_F32 : US_F64, ROW_COUNTS[seed % 6]);
        us_dataset_destroy(data);
    }
}

/* Layers with a bias and an activation, one of which adds what it was given; then a layer of one number. */
static us_graph *fuse_network(uint64_t seed, size_t layers) {
    static const char *const ACTIVATIONS[] = {"relu", "tanh", "gelu", "sigmoid"};
    us_graph *g;
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_node h = us_graph_features(g, COLUMNS);
    for (size_t l = 0; l < layers; l++) {
        char name[32];
        size_t in = l ? 40 : COLUMNS;
        snprintf(name, sizeof name, "w%zu", l);
        us_node w = us_graph_parameter(g, name, 2, (size_t[]){40, in});
        snprintf(name, sizeof name, "b%zu", l);
        us_node z = us_graph_add(g, us_graph_matmul(g, h, false, w, true), us_graph_parameter(g, name, 1, (size_t[]){40}));
        us_node a = us_graph_apply(g, ACTIVATIONS[(seed + l) % 4], z);
        h = l ? us_graph_add(g, h, a) : a;
    }
    us_node last = us_graph_parameter(g, "last", 2, (size_t[]){1, 40});
    us_node out = us_graph_sum(g, us_graph_mul(g, us_graph_matmul(g, h, false, last, true), us_graph_constant(g, 0.1)), 1);
    us_graph_set_loss(g, us_graph_mul(g, out, out));
    return g;
}

/* Bias and activation follow the rows of their product; so does what the derivatives do there. */
static void programs_that_follow_a_product_do_not_change_a_bit(void **state) {
    us_dataset *data = fuse_data(US_F64, true);
    us__plan *plan;
    us_graph *g = fuse_network(1, 3);
    size_t joined = 0;
    assert_int_equal(us__plan_create(&plan, g, g->loss, NULL, 0), US_OK);
    for (size_t i = 0; i < plan->start[US__SEGMENTS]; i++) joined += plan->joined[i];
    assert_true(joined >= 3);
    us__plan_destroy(plan);
    us_graph_destroy(g);
    for (uint64_t seed = 0; seed < 8; seed++)
        for (size_t layers = 1; layers <= 3; layers++)
            fuse_compare(fuse_network, seed, layers, data, seed % 3 ? US_F32 : US_F64, seed % 2 ? 1300 : 97 + seed);
    us_dataset_destroy(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_do_not_change_a_bit),
        cmocka_unit_test(programs_that_follow_a_product_do_not_change_a_bit),
    };
    context = support_plain_context();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    us_context_destroy(context);
    return failed;
}
