/* Two-layer networks: gradients and products against differences, batches against sums over samples, precisions. */
#include "graph/differences.h"
#include "support.h"
#include <unstuck/graph.h>

enum { INPUTS = 5, HIDDEN = 7, OUTPUTS = 3, ROWS = 1100 }; /* more rows than two blocks */

static const char *const ACTIVATIONS[] = {"tanh", "gelu", "sigmoid", "relu", "softplus"};

typedef struct mlp {
    us_context *context;
    us_dataset *data;
    us_problem *problem;
    us_vec *theta;
} mlp;

static us_dataset *mlp_data(us_context *context, us_precision precision, us_task task) {
    us_dataset *data;
    assert_int_equal(us_dataset_create(&data, context, precision, ROWS, INPUTS, task, OUTPUTS), US_OK);
    us_rng rng = us_rng_init(7, 1);
    for (size_t i = 0; i < ROWS * INPUTS; i++) {
        float x = (float)us_rng_normal(&rng);
        if (precision == US_F32)
            ((float *)us_dataset_features(data))[i] = x;
        else
            ((double *)us_dataset_features(data))[i] = (double)x;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (task == US_CLASSIFICATION) {
            us_dataset_labels(data)[i] = us_rng_below(&rng, OUTPUTS);
            continue;
        }
        for (size_t j = 0; j < OUTPUTS; j++) {
            float y = (float)us_rng_normal(&rng);
            if (precision == US_F32)
                ((float *)us_dataset_targets(data))[i * OUTPUTS + j] = y;
            else
                ((double *)us_dataset_targets(data))[i * OUTPUTS + j] = (double)y;
        }
    }
    return data;
}

/* half-mse or cross-entropy of W₂·f(W₁x + b₁) + b₂ */
static us_status mlp_problem(us_problem **out, us_context *context, const us_dataset *data, const char *activation, us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, context);
    if (status != US_OK) return status;
    us_node w1 = us_graph_parameter(g, "layer1.weight", 2, (size_t[]){HIDDEN, INPUTS});
    us_node b1 = us_graph_parameter(g, "layer1.bias", 1, (size_t[]){HIDDEN});
    us_node w2 = us_graph_parameter(g, "layer2.weight", 2, (size_t[]){OUTPUTS, HIDDEN});
    us_node b2 = us_graph_parameter(g, "layer2.bias", 1, (size_t[]){OUTPUTS});
    us_node x = us_graph_features(g, INPUTS);
    us_node h = us_graph_apply(g, activation, us_graph_add(g, us_graph_matmul(g, x, false, w1, true), b1));
    us_node z = us_graph_add(g, us_graph_matmul(g, h, false, w2, true), b2);
    us_graph_set_output(g, z);
    if (us_dataset_task(data) == US_CLASSIFICATION) {
        us_graph_set_loss(g, us_graph_cross_entropy(g, z, us_graph_labels(g, OUTPUTS)));
    } else {
        us_node e = us_graph_sub(g, z, us_graph_targets(g, OUTPUTS));
        us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_sum(g, us_graph_mul(g, e, e), 1)));
    }
    return us_problem_create_graph(out, g, data, precision);
}

static mlp mlp_make(us_task task, const char *activation, us_precision data_precision, us_precision precision) {
    mlp m = {.context = support_plain_context()};
    m.data = mlp_data(m.context, data_precision, task);
    us_status status = mlp_problem(&m.problem, m.context, m.data, activation, precision);
    if (status != US_OK) fail_msg("%s", us_context_error(m.context));
    assert_int_equal(us_vec_create(&m.theta, m.context, precision, us_problem_dimension(m.problem)), US_OK);
    us_rng rng = us_rng_init(3, 0);
    us_vec_fill_normal(m.theta, &rng);
    us_vec_scale(m.theta, 0.6);
    return m;
}

static void mlp_destroy(mlp *m) {
    us_vec_destroy(m->theta);
    us_problem_destroy(m->problem);
    us_dataset_destroy(m->data);
    us_context_destroy(m->context);
}

static void derivatives_agree_with_differences(void **state) {
    for (size_t a = 0; a < sizeof ACTIVATIONS / sizeof *ACTIVATIONS; a++)
        for (us_task task = US_REGRESSION; task <= US_CLASSIFICATION; task++) {
            mlp m = mlp_make(task, ACTIVATIONS[a], US_F32, US_F64);
            uint32_t rows[] = {5, 900, 5, 17, 1099};
            us_batch batch = {rows, 5};
            /* relu has a kink, which a difference across it sees */
            double gradient = differences_gradient(m.problem, m.theta, batch), product = differences_product(m.problem, m.theta, batch);
            if (!(gradient < 1e-8)) fail_msg("%s: gradient off by %g", ACTIVATIONS[a], gradient);
            if (!(product < 1e-8)) fail_msg("%s: product off by %g", ACTIVATIONS[a], product);
            assert_true(us_problem_hvp_is_exact(m.problem));
            mlp_destroy(&m);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_agree_with_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
