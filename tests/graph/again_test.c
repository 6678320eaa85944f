/* What is kept at a point for tangents: no more than need be. That products stay the same is seen in mlp, random and ops. */
#include "graph/graph.h"
#include "graph/plan.h"
#include "support.h"

enum { IN = 5, HIDDEN = 7, OUT = 3 };

static us_context *context;

/* x·W' + b, an activation, and the same again with half the mean square for a loss; products [4] with the Hessian. */
static us_graph *again_graph(const char *activation, us_node products[4]) {
    us_graph *g;
    us_node gradients[4], tangents[4];
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_node w = us_graph_parameter(g, "w", 2, (size_t[]){HIDDEN, IN}), b = us_graph_parameter(g, "b", 1, (size_t[]){HIDDEN});
    us_node u = us_graph_parameter(g, "u", 2, (size_t[]){OUT, HIDDEN}), c = us_graph_parameter(g, "c", 1, (size_t[]){OUT});
    us_node z = us_graph_add(g, us_graph_matmul(g, us_graph_features(g, IN), false, w, true), b);
    us_node h = activation ? us_graph_apply(g, activation, z) : us_graph_layer_norm(g, z, b, b, 1e-5);
    us_node e = us_graph_sub(g, us_graph_add(g, us_graph_matmul(g, h, false, u, true), c), us_graph_targets(g, OUT));
    us_node loss = us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_sum(g, us_graph_mul(g, e, e), 1));
    assert_int_equal(us_graph_set_loss(g, loss), US_OK);
    for (size_t k = 0; k < 4; k++) tangents[k] = us__tangent(g, k);
    us__node n = *us__at(g, loss);
    us_node seed = us__broadcast_to(g, us__weight(g), &n);
    assert_int_equal(us__graph_reverse(g, loss, seed, g->parameters, 4, gradients), US_OK);
    assert_int_equal(us__graph_forward(g, gradients, 4, g->parameters, tangents, 4, products), US_OK);
    return g;
}

/* Numbers of a row that tangents, or what is computed again for them, read from what is not. */
static size_t again_kept(const us_graph *g, const us_node *products) {
    bool *needed = calloc(g->count, sizeof *needed), *read = calloc(g->count, sizeof *read);
    size_t kept = 0;
    for (size_t k = 0; k < 4; k++) needed[products[k]] = true;
    for (size_t a = g->count; a-- > 0;) {
        const us__node *n = us__at(g, (us_node)a);
        for (size_t i = 0; i < n->op->inputs && needed[a]; i++) {
            const us__node *x = us__at(g, n->in[i]);
            needed[n->in[i]] = true;
            read[n->in[i]] = read[n->in[i]] || (n->tangent && !x->tangent && us__has_samples(x) && x->op->value[0]);
        }
        if (read[a]) kept += us__elements(n, 1);
    }
    free(needed), free(read);
    return kept;
}

static void no_more_is_kept_than_need_be(void **state) {
    static const struct {
        const char *activation;
        size_t kept; /* beside the errors, which all keep: OUT */
    } CASES[] = {
        {"relu", HIDDEN},      /* h */
        {"tanh", 2 * HIDDEN},  /* h, and what arrives at it */
        {"gelu", 3 * HIDDEN},  /* h, the slope, and what arrives at h times the second slope */
        {NULL, 2 * HIDDEN + 1} /* y, what arrives at it, and the deviation */
    };
    for (size_t k = 0; k < sizeof CASES / sizeof *CASES; k++) {
        us_node products[4] = {0}, same[4];
        us_graph *g = again_graph(CASES[k].activation, products);
        assert_int_equal(us__again(g, products, 4), US_OK);
        size_t kept = again_kept(g, products), nodes = g->count;
        assert_int_equal(kept, CASES[k].kept + OUT);
        memcpy(same, products, sizeof same);
        assert_int_equal(us__again(g, products, 4), US_OK); /* there is nothing left to do */
        assert_int_equal(g->count, nodes);
        assert_memory_equal(same, products, sizeof same);
        us_graph_destroy(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_more_is_kept_than_need_be)};
    assert_int_equal(us_context_create(&context, NULL), US_OK);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    us_context_destroy(context);
    return failed;
}
