/* Random compositions of the operations of the table below: gradient and product against differences, and symmetry. A
 * composition that fails is shrunk, by leaving out what it can do without, and printed. */
#include "graph/differences.h"
#include "graph/graph.h"
#include "support.h"

static us_context *context;

/* ------------------------------------------------------------------ shapes that fit */

static size_t random_last(const us_graph *g, us_node a) {
    return us_graph_rank(g, a) ? us_graph_axis(g, a, us_graph_rank(g, a) - 1) : 0;
}
static bool random_has_samples(const us_graph *g, us_node a) { return us__has_samples(us__at(g, a)); }
/* At least one axis that is not the samples; which one. */
static bool random_has_axis(const us_graph *g, us_node a) { return us_graph_rank(g, a) > random_has_samples(g, a); }
static size_t random_axis(const us_graph *g, us_node a, uint32_t number) {
    size_t first = random_has_samples(g, a);
    return first + number % (us_graph_rank(g, a) - first);
}

/* Whether they broadcast, with the samples in front. */
static bool random_broadcast(const us_graph *g, us_node a, us_node b) {
    size_t m = us_graph_rank(g, a), n = us_graph_rank(g, b), most = m > n ? m : n;
    for (size_t i = 0; i < m && i < n; i++) {
        size_t p = us_graph_axis(g, a, m - 1 - i), q = us_graph_axis(g, b, n - 1 - i);
        if (p != q && p != 1 && q != 1) return false;
    }
    return !(random_has_samples(g, a) && m < most) && !(random_has_samples(g, b) && n < most);
}

/* ------------------------------------------------------------------ the table */

/* A node made of two others and a number, smooth and bounded enough for differences; US_NODE_NONE where they do not fit. */
typedef us_node random_make(us_graph *g, us_node a, us_node b, uint32_t number);

static us_node random_tanh(us_graph *g, us_node a) { return us_graph_apply(g, "tanh", a); }
static us_node random_number(us_graph *g, double x) { return us_graph_constant(g, x); }
/* Above 0.3. */
static us_node random_positive(us_graph *g, us_node a) {
    return us_graph_add(g, random_number(g, 0.3), us_graph_apply(g, "softplus", a));
}

/* A function of one variable by name, of an argument that it can take. */
static us_node make_function(us_graph *g, us_node a, us_node b, uint32_t number) {
    static const char *const POSITIVE[] = {"log", "sqrt", "log1p"}, *const SMALL[] = {"tan", "asin", "acos",
                                                                                      "exp", "sinh", "cosh"};
    const char *name = us__unary_ops[number % us__unary_public].name;
    us_node x = a;
    for (size_t k = 0; k < 3; k++)
        if (!strcmp(name, POSITIVE[k])) x = random_positive(g, a);
    for (size_t k = 0; k < 6; k++)
        if (!strcmp(name, SMALL[k])) x = us_graph_mul(g, random_number(g, 0.9), random_tanh(g, a));
    return (void)b, us_graph_apply(g, name, x);
}

static us_node make_binary(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (!random_broadcast(g, a, b)) return US_NODE_NONE;
    switch (number % 9) {
    case 0:
        return us_graph_add(g, a, b);
    case 1:
        return us_graph_sub(g, a, b);
    case 2:
        return random_tanh(g, us_graph_mul(g, a, b));
    case 3:
        return us_graph_div(g, a, random_positive(g, b));
    case 4:
        return us_graph_pow(g, random_positive(g, a), random_tanh(g, b));
    case 5:
        return us_graph_max(g, a, b);
    case 6:
        return us_graph_min(g, a, b);
    case 7:
        return us_graph_select(g, b, us_graph_neg(g, a), us_graph_mul(g, b, b));
    default:
        return us_graph_select(g, a, b, random_tanh(g, a));
    }
}

static us_node make_loss(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (!random_broadcast(g, a, b)) return US_NODE_NONE;
    switch (number % 3) {
    case 0:
        return random_tanh(g, us_graph_huber(g, a, b, 0.7));
    case 1:
        return us_graph_hinge(g, a, random_tanh(g, b));
    default:
        return us_graph_binary_cross_entropy(g, a, us_graph_apply(g, "sigmoid", b));
    }
}

static us_node make_cross_entropy(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (us_graph_rank(g, a) != 2 || !random_has_samples(g, a) || random_last(g, a) != 3) return US_NODE_NONE;
    us_node labels = us_graph_labels(g, 3);
    (void)b;
    if (number % 2) return us_graph_cross_entropy(g, a, labels);
    return us_graph_cross_entropy_weighted(g, a, labels, 0.1, (double[]){0.5, 1, 1.7});
}

/* One axis goes away. */
static us_node make_reduction(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (!random_has_axis(g, a)) return US_NODE_NONE;
    size_t axis = random_axis(g, a, number / 4);
    (void)b;
    switch (number % 4) {
    case 0:
        return us_graph_sum(g, a, axis);
    case 1:
        return us_graph_mean(g, a, axis);
    case 2:
        return us_graph_max_over(g, a, axis);
    default:
        return us_graph_log_sum_exp(g, a);
    }
}

static us_node make_row_function(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (!random_has_axis(g, a)) return US_NODE_NONE;
    if (number % 2) return us_graph_softmax(g, a);
    if (random_has_samples(g, b) || us_graph_rank(g, b) > 1 || !random_broadcast(g, a, b)) return US_NODE_NONE;
    return us_graph_layer_norm(g, a, b, random_tanh(g, b), 0.3);
}

static us_node make_matmul(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (us_graph_rank(g, a) < 2 || us_graph_rank(g, b) != 2 || random_has_samples(g, b)) return US_NODE_NONE;
    bool tb = number % 2;
    if (us_graph_axis(g, b, tb) != random_last(g, a)) return US_NODE_NONE;
    return random_tanh(g, us_graph_matmul(g, a, false, b, tb));
}

static us_node make_batch_matmul(us_graph *g, us_node a, us_node b, uint32_t number) {
    size_t rank = us_graph_rank(g, a);
    if (rank < 3 || us_graph_rank(g, b) != rank) return US_NODE_NONE;
    bool ta = number & 1, tb = number & 2;
    for (size_t i = 0; i + 2 < rank; i++)
        if (us_graph_axis(g, a, i) != us_graph_axis(g, b, i)) return US_NODE_NONE;
    if (us_graph_axis(g, a, rank - 1 - ta) != us_graph_axis(g, b, rank - 2 + tb)) return US_NODE_NONE;
    return random_tanh(g, us_graph_batch_matmul(g, a, ta, b, tb));
}

/* The last axis in two, or the last two in one; outer products make new axes. */
static us_node make_shape(us_graph *g, us_node a, us_node b, uint32_t number) {
    size_t rank = us_graph_rank(g, a), shape[US__RANK] = {0}, order[US__RANK] = {0, 1, 2, 3};
    for (size_t i = 0; i < rank; i++) shape[i] = us_graph_axis(g, a, i);
    bool samples = random_has_samples(g, a);
    (void)b;
    switch (number % 3) {
    case 0:
        if (rank < 2u + samples) return US_NODE_NONE;
        order[rank - 1] = rank - 2, order[rank - 2] = rank - 1;
        return us_graph_permute(g, a, order);
    case 1:
        if (rank < 2u + samples) return US_NODE_NONE;
        shape[rank - 2] *= shape[rank - 1];
        return us_graph_reshape(g, a, rank - 1, shape);
    default:
        if (rank == US__RANK) return US_NODE_NONE;
        for (size_t i = rank; i > samples; i--) shape[i] = shape[i - 1];
        shape[samples] = 1;
        return us_graph_reshape(g, a, rank + 1, shape);
    }
}

static us_node make_part(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (!random_has_axis(g, a)) return US_NODE_NONE;
    size_t axis = random_axis(g, a, number / 4), size = us_graph_axis(g, a, axis);
    if (size > 5) return us_graph_slice(g, a, axis, 2, 2);
    switch (number % 4) {
    case 0:
        return us_graph_slice(g, a, axis, (number / 16) % size, 1);
    case 1:
        return us_graph_pad(g, a, axis, number / 16 % 2, 1);
    case 2:
        return us_graph_rank(g, a) == 2 ? us_graph_column(g, a, us_graph_axis(g, a, 1) - 1) : US_NODE_NONE;
    default:
        if (us_graph_rank(g, a) != us_graph_rank(g, b) || us_graph_axis(g, b, axis) == US_SAMPLES) return US_NODE_NONE;
        for (size_t i = 0; i < us_graph_rank(g, a); i++)
            if (i != axis && us_graph_axis(g, a, i) != us_graph_axis(g, b, i)) return US_NODE_NONE;
        return us_graph_concatenate(g, a, b, axis);
    }
}

static us_node make_table(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (us_graph_rank(g, a) != 2 || random_has_samples(g, a)) return US_NODE_NONE;
    size_t n = us_graph_axis(g, a, 0);
    double place[16];
    for (size_t i = 0; i < n && i < 16; i++) place[i] = (double)((i + number) % 2);
    (void)b;
    if (number % 3 == 0) return n > 16 ? US_NODE_NONE : us_graph_scatter_add(g, a, us_graph_array(g, 1, &n, place), 3);
    us_node index = us_graph_slice(g, us_graph_features(g, 5), 1, 3, 2);
    return us_graph_gather(g, a, us_graph_min(g, index, random_number(g, (double)n - 1)));
}

/* All numbers of a sample as an image of one line, under a kernel or in windows. */
static us_node make_image(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (!random_has_samples(g, a) || us_graph_rank(g, a) < 2) return US_NODE_NONE;
    size_t width = 1;
    for (size_t i = 1; i < us_graph_rank(g, a); i++) width *= us_graph_axis(g, a, i);
    us_node image = us_graph_reshape(g, a, 4, (size_t[]){US_SAMPLES, 1, 1, width}), y;
    us_pooling pooling = {.version = 1, .size = {1, 2}, .stride = {1, 1 + number / 3 % 2}};
    us_convolution how = US_CONVOLUTION_INIT;
    how.padding[1] = 1 + number / 3 % 2;
    how.stride[1] = 1 + number / 6 % 2;
    if (number % 3 == 0) {
        if (us_graph_rank(g, b) != 2 || random_has_samples(g, b) || random_last(g, b) > width + 2) return US_NODE_NONE;
        size_t kernel[4] = {us_graph_axis(g, b, 0), 1, 1, random_last(g, b)};
        y = us_graph_convolution(g, image, us_graph_reshape(g, b, 4, kernel), &how);
    } else if (width < 2) {
        return US_NODE_NONE;
    } else {
        y = number % 3 == 1 ? us_graph_max_pool(g, image, &pooling) : us_graph_average_pool(g, image, &pooling);
    }
    size_t count = us_graph_axis(g, y, 1) * us_graph_axis(g, y, 3);
    return random_tanh(g, us_graph_reshape(g, y, 2, (size_t[]){US_SAMPLES, count}));
}

/* Queries, keys and values are one, with and without a bend. */
static us_node make_attention(us_graph *g, us_node a, us_node b, uint32_t number) {
    if (!random_has_samples(g, a) || us_graph_rank(g, a) < 2) return US_NODE_NONE;
    size_t rank = us_graph_rank(g, a), width = us_graph_axis(g, a, rank - 1), positions = 1;
    for (size_t i = 1; i + 1 < rank; i++) positions *= us_graph_axis(g, a, i);
    if (rank == 2) positions = width, width = 1;
    us_node x = us_graph_reshape(g, a, 3, (size_t[]){US_SAMPLES, positions, width});
    (void)b;
    return us_graph_attention(g, random_tanh(g, x), x, number % 2 ? x : random_tanh(g, x), width % 2 ? 1 : 2);
}

static us_node make_dropout(us_graph *g, us_node a, us_node b, uint32_t number) {
    (void)b, (void)number;
    return random_has_samples(g, a) ? us_graph_dropout(g, a, 0.4) : US_NODE_NONE;
}

static random_make *const MAKERS[] = {make_function,     make_function,      make_binary,       make_binary,
                                      make_loss,         make_reduction,     make_row_function, make_matmul,
                                      make_batch_matmul, make_shape,         make_part,         make_table,
                                      make_dropout,      make_cross_entropy, make_image,        make_attention};
enum { MAKER_COUNT = sizeof MAKERS / sizeof *MAKERS };

/* ------------------------------------------------------------------ programs */

enum { LEAVES = 8, STEPS = 14 };

typedef struct random_step {
    uint32_t maker, number, a, b; /* a, b: places in the pool, leaves first */
    bool counts;                  /* in the loss */
} random_step;

typedef struct random_program {
    uint64_t seed;
    size_t count;
    random_step steps[STEPS];
} random_program;

static void random_leaves(us_graph *g, us_node pool[LEAVES]) {
    us_node features = us_graph_features(g, 5);
    pool[0] = us_graph_parameter(g, "a", 0, NULL);
    pool[1] = us_graph_parameter(g, "b", 1, (size_t[]){3});
    pool[2] = us_graph_parameter(g, "c", 2, (size_t[]){2, 3});
    pool[3] = us_graph_parameter(g, "d", 2, (size_t[]){3, 1});
    pool[4] = us_graph_parameter(g, "e", 3, (size_t[]){2, 2, 3});
    pool[5] = us_graph_parameter(g, "f", 2, (size_t[]){4, 3});
    pool[6] = us_graph_add(g, us_graph_slice(g, features, 1, 0, 3), pool[1]);
    pool[7] = us_graph_add(g, us_graph_column(g, features, 1), pool[0]);
}

/* The loss: one number a sample, to which every step that counts adds. NULL where a step does not fit its inputs. */
static us_graph *random_build(const random_program *p) {
    us_graph *g;
    us_node pool[LEAVES + STEPS], loss = US_NODE_NONE;
    assert_int_equal(us_graph_create(&g, context), US_OK);
    random_leaves(g, pool);
    loss = us_graph_mul(g, random_number(g, 0.5), us_graph_mul(g, pool[7], pool[7]));
    for (size_t k = 0; k < p->count; k++) {
        const random_step *s = &p->steps[k];
        us_node y = MAKERS[s->maker](g, pool[s->a], pool[s->b], s->number);
        pool[LEAVES + k] = y;
        if (us_graph_status(g) != US_OK) fail_msg("seed %d: %s", (int)p->seed, us_context_error(context));
        if (y == US_NODE_NONE) {
            us_graph_destroy(g);
            return NULL;
        }
        if (!s->counts) continue;
        while (random_has_axis(g, y)) y = us_graph_sum(g, y, us_graph_rank(g, y) - 1);
        loss = us_graph_add(g, loss, random_tanh(g, y));
    }
    us_graph_set_loss(g, loss);
    return g;
}

/* Steps are drawn until they fit what is there. */
static random_program random_draw(uint64_t seed, size_t count) {
    random_program p = {.seed = seed};
    us_rng rng = us_rng_init(seed, 3);
    while (p.count < count) {
        uint32_t places = LEAVES + (uint32_t)p.count;
        p.steps[p.count++] = (random_step){.maker = us_rng_below(&rng, MAKER_COUNT),
                                           .number = us_rng_below(&rng, 1u << 20),
                                           .a = us_rng_below(&rng, places),
                                           .b = us_rng_below(&rng, places),
                                           .counts = true};
        us_graph *g = random_build(&p);
        if (!g) p.count--;
        us_graph_destroy(g);
    }
    return p;
}

/* Without step k; what used it uses its first input. */
static random_program random_without(const random_program *p, size_t k) {
    random_program less = *p;
    less.count--;
    for (size_t i = k; i < less.count; i++) {
        random_step s = p->steps[i + 1];
        uint32_t gone = LEAVES + (uint32_t)k, *places[] = {&s.a, &s.b};
        for (size_t j = 0; j < 2; j++) *places[j] = *places[j] == gone ? p->steps[k].a : *places[j] - (*places[j] > gone);
        less.steps[i] = s;
    }
    return less;
}

/* ------------------------------------------------------------------ checking and shrinking */

static us_dataset *data;

typedef bool random_fails(const us_graph *g, const random_program *p, double off[2]);

static bool random_try(const random_program *p, random_fails *fails, double off[2]) {
    us_graph *g = random_build(p);
    bool failed = g && fails(g, p, off);
    us_graph_destroy(g);
    return failed;
}

/* Leaves out steps, terms of the loss and second inputs, as long as it still fails. */
static random_program random_shrink(random_program p, random_fails *fails, double off[2]) {
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (size_t k = p.count; k-- > 0;) {
            random_program tries[4] = {random_without(&p, k), p, p, p};
            tries[1].steps[k].counts = false;
            tries[2].steps[k].a = tries[3].steps[k].b = 0;
            bool may[4] = {true, p.steps[k].counts, p.steps[k].a > 0, p.steps[k].b > 0};
            for (size_t t = 0; t < 4; t++)
                if (may[t] && random_try(&tries[t], fails, off)) {
                    p = tries[t];
                    smaller = true;
                    break;
                }
        }
    }
    return p;
}

/* A kink between the places of the differences is none between closer ones; a wrong rule is wrong at any distance. */
static bool random_derivatives_fail(const us_graph *graph, const random_program *program, double off[2]) {
    us_graph *g = random_build(program);
    us_problem *p;
    (void)graph;
    off[0] = off[1] = (double)NAN; /* derivatives that can't even be built */
    if (us_problem_create_graph(&p, g, data, US_F64) != US_OK) return true;
    us_vec *theta = differences_vec(p);
    us_rng rng = us_rng_init(program->seed, 5);
    us_vec_fill_normal(theta, &rng);
    us_batch rows = {.rows = (uint32_t[]){2, 0, 3, 3}, .count = 4, .draw = program->seed % 3};
    static const double STEP[] = {1e-3, 1e-5}, TOLERANCE[] = {1e-7, 1e-6};
    bool failed = true;
    for (size_t k = 0; k < 2 && failed; k++) {
        off[0] = differences_gradient_step(p, theta, rows, STEP[k]);
        off[1] = differences_product_step(p, theta, rows, STEP[k]);
        failed = !(off[0] < TOLERANCE[k]) || !(off[1] < TOLERANCE[k]);
    }
    us_vec_destroy(theta);
    us_problem_destroy(p);
    return failed;
}

static void random_compositions(void **state) {
    for (uint64_t seed = 1; seed <= 300; seed++) {
        random_program p = random_draw(seed, 4 + seed % (STEPS - 3));
        double off[2];
        if (!random_try(&p, random_derivatives_fail, off)) continue;
        p = random_shrink(p, random_derivatives_fail, off);
        us_context_error_clear(context);
        random_try(&p, random_derivatives_fail, off);
        us_graph *g = random_build(&p);
        char *text;
        assert_int_equal(us_graph_print(g, &text), US_OK);
        us_graph_destroy(g);
        print_error("%s", text);
        us_text_release(context, text);
        fail_msg("seed %d: gradient off by %g, product by %g in the graph above; %s", (int)seed, off[0], off[1],
                 us_context_error(context));
    }
}

/* Shrinking by itself: what is left of a program that "fails" where it has a softmax of a sum is little more than that. */
static bool random_has_softmax(const us_graph *g, const random_program *p, double off[2]) {
    (void)p, (void)off;
    for (size_t a = 0; a < g->count; a++) {
        const us__node *n = us__at(g, (us_node)a);
        if (n->op == &us__op_softmax && us__at(g, n->in[0])->op == &us__op_permute) return true;
    }
    return false;
}

static void failures_are_shrunk(void **state) {
    size_t found = 0;
    double off[2];
    for (uint64_t seed = 1; seed <= 400; seed++) {
        random_program p = random_draw(seed, STEPS);
        if (!random_try(&p, random_has_softmax, off)) continue;
        p = random_shrink(p, random_has_softmax, off);
        assert_true(random_try(&p, random_has_softmax, off));
        assert_in_range(p.count, 2, 3);
        found++;
    }
    assert_true(found > 0);
}

static int random_setup(void **state) {
    context = support_plain_context();
    assert_int_equal(us_dataset_create(&data, context, US_F64, 4, 5, US_CLASSIFICATION, 3), US_OK);
    us_rng rng = us_rng_init(4, 4);
    for (size_t i = 0; i < 20; i++)
        ((double *)us_dataset_features(data))[i] = i % 5 < 3 ? us_rng_normal(&rng) : us_rng_below(&rng, 3);
    for (size_t i = 0; i < 4; i++) us_dataset_labels(data)[i] = us_rng_below(&rng, 3);
    return 0;
}

static int random_teardown(void **state) {
    us_dataset_destroy(data);
    us_context_destroy(context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_compositions),
        cmocka_unit_test(failures_are_shrunk),
    };
    return cmocka_run_group_tests(tests, random_setup, random_teardown);
}
