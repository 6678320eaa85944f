#include "support.h"
#include <unstuck/model.h>

static const char *const NAMES[] = {"x", "u"};

static us_model_options options_for(const char *text, us_task task, size_t inputs, size_t outputs) {
    us_model_options options = US_MODEL_OPTIONS_INIT;
    options.text = text, options.task = task, options.inputs = inputs, options.outputs = outputs,
    options.feature_names = NAMES;
    return options;
}

static us_model *model_of(us_context *context, const char *text, us_task task, size_t inputs, size_t outputs) {
    us_model_options options = options_for(text, task, inputs, outputs);
    us_model *model = NULL;
    if (us_model_create(&model, context, &options) != US_OK) fail_msg("%s: %s", text, us_context_error(context));
    return model;
}

/* Four rows, two features; y or labels. */
static const double FEATURES[4][2] = {{1, 2}, {3, -1}, {0.5, 0.25}, {-1.5, 0.75}}, TARGETS[4] = {1, 2, -0.5, 0.3};
static const uint32_t LABELS[4] = {2, 0, 1, 2};

static us_status dataset_of(us_dataset **out, us_context *context, us_task task, size_t outputs) {
    us_status status = us_dataset_create(out, context, US_F64, 4, 2, task, outputs);
    if (status != US_OK) return status;
    memcpy(us_dataset_features(*out), FEATURES, sizeof FEATURES);
    if (task == US_CLASSIFICATION) memcpy(us_dataset_labels(*out), LABELS, sizeof LABELS);
    for (size_t i = 0; task == US_REGRESSION && i < 4; i++)
        for (size_t j = 0; j < outputs; j++) ((double *)us_dataset_targets(*out))[i * outputs + j] = TARGETS[i] + (double)j;
    return US_OK;
}

/* A dense layer by plain loops. @param theta  moves on past the layer's weights */
static void plain_layer(const double **theta, const double *x, size_t in, size_t out, double (*f)(double), double *z) {
    for (size_t j = 0; j < out; j++) {
        double sum = (*theta)[out * in + j];
        for (size_t k = 0; k < in; k++) sum += (*theta)[j * in + k] * x[k];
        z[j] = f(sum);
    }
    *theta += out * in + out;
}

static double plain_linear(double z) { return z; }
static double plain_relu(double z) { return z > 0 ? z : 0; }
static double plain_sigmoid(double z) { return 1 / (1 + exp(-z)); }
static double plain_gelu(double z) { return 0.5 * z * (1 + erf(z / sqrt(2))); }
static double plain_silu(double z) { return z / (1 + exp(-z)); }

/* Text, hidden sizes, activation; each is a network from 2 features. */
static const struct {
    const char *text;
    size_t sizes[3], layers;
    double (*f)(double);
} NETS[] = {
    {"linear", {0}, 0, NULL},
    {"mlp:3", {3}, 1, plain_relu},
    {"mlp:3,4:tanh", {3, 4}, 2, tanh},
    {" mlp: 5 , 2 : sigmoid ", {5, 2}, 2, plain_sigmoid},
    {"mlp:4:gelu", {4}, 1, plain_gelu},
    {"mlp:4:silu", {4}, 1, plain_silu},
    {"mlp:2,3,2:linear", {2, 3, 2}, 3, plain_linear},
    {"dense 3 tanh", {3}, 1, tanh},
    {"dense 4 relu,  dense 2 relu", {4, 2}, 2, plain_relu},
    {"dense 3 tanh, dense OUT", {3}, 1, tanh},
    {"dense OUT linear", {0}, 0, NULL},
};

static void check_net(us_context *context, size_t net, us_task task, size_t outputs, const char *loss_name) {
    char text[64], *out = NULL;
    snprintf(text, sizeof text, "%s", NETS[net].text);
    if ((out = strstr(text, "OUT"))) {
        char rest[16];
        snprintf(rest, sizeof rest, "%s", out + 3);
        snprintf(out, 40, "%zu%s", outputs, rest);
    }
    us_dataset *dataset;
    us_model *model;
    us_problem *problem;
    us_vec *theta;
    us_model_options options = options_for(text, task, 2, outputs);
    options.loss = loss_name;
    assert_int_equal(dataset_of(&dataset, context, task, outputs), US_OK);
    if (us_model_create(&model, context, &options) != US_OK) fail_msg("%s: %s", text, us_context_error(context));
    if (us_model_problem(&problem, model, dataset) != US_OK) fail_msg("%s: %s", text, us_context_error(context));
    size_t n = us_problem_dimension(problem), count, expected = 0, in = 2;
    const us_group *groups = us_problem_groups(problem, &count);
    assert_int_equal(count, 2 * (NETS[net].layers + 1));
    for (size_t k = 0; k <= NETS[net].layers; k++) {
        size_t units = k < NETS[net].layers ? NETS[net].sizes[k] : outputs;
        char name[32];
        snprintf(name, sizeof name, "layer%zu.weight", k + 1);
        assert_string_equal(groups[2 * k].name, name);
        assert_int_equal(groups[2 * k].rank, 2);
        assert_int_equal(groups[2 * k].shape[0], units);
        assert_int_equal(groups[2 * k].shape[1], in);
        snprintf(name, sizeof name, "layer%zu.bias", k + 1);
        assert_string_equal(groups[2 * k + 1].name, name);
        assert_int_equal(groups[2 * k + 1].count, units);
        expected += units * in + units;
        in = units;
    }
    assert_int_equal(n, expected);

    assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
    us_rng rng = us_rng_init(7, net);
    us_vec_fill_normal(theta, &rng);
    double loss, total = 0, predicted[4 * 3];
    assert_int_equal(us_problem_value(problem, theta, US_BATCH_ALL, &loss), US_OK);
    assert_int_equal(us_model_predict(model, problem, theta, dataset, predicted), US_OK);
    for (size_t i = 0; i < 4; i++) {
        const double *weights = us_vec_data_const(theta), *x = FEATURES[i];
        double z[4][8], sum = 0;
        size_t width = 2;
        for (size_t k = 0; k <= NETS[net].layers; k++) {
            size_t units = k < NETS[net].layers ? NETS[net].sizes[k] : outputs;
            plain_layer(&weights, x, width, units, k < NETS[net].layers ? NETS[net].f : plain_linear, z[k]);
            x = z[k], width = units;
        }
        for (size_t j = 0; j < outputs; j++) sum += exp(x[j]);
        if (task == US_CLASSIFICATION) total += (log(sum) - x[LABELS[i] % outputs]) / 4;
        for (size_t j = 0; j < outputs; j++) {
            double y = TARGETS[i] + (double)j;
            if (task == US_REGRESSION)
                total += (loss_name && strcmp(loss_name, "mse") == 0 ? 1 : 0.5) * (x[j] - y) * (x[j] - y) / 4;
            assert_near(predicted[i * outputs + j], task == US_CLASSIFICATION ? exp(x[j]) / sum : x[j], 1e-12, 1e-14);
        }
    }
    assert_near(loss, total, 1e-12, 0);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(dataset);
}

static void networks_agree_with_plain_loops(void **state) {
    us_context *context = support_plain_context();
    for (size_t net = 0; net < sizeof NETS / sizeof NETS[0]; net++) {
        check_net(context, net, US_REGRESSION, 1, NULL);
        check_net(context, net, US_REGRESSION, 2, "half-mse");
        check_net(context, net, US_REGRESSION, 2, "mse");
        check_net(context, net, US_CLASSIFICATION, 3, NULL);
    }
    us_context_destroy(context);
}

/* By hand: z = 0.5x − u + 0.25 is −1.25, 2.75, 0.25, −1.25; errors −2.25, 0.75, 0.75, −1.55; Σe² = 8.59. */
static void losses_are_those_computed_by_hand(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        const char *text, *loss;
        double expected;
    } CASES[] = {
        {"linear", NULL, 8.59 / 8},
        {"linear", "mse", 8.59 / 4},
        {"dense 1", "half-mse", 8.59 / 8},
        {"formula: a*x+b*u+c", NULL, 8.59 / 8},
        {"formula: a*x+b*u+c", "mse", 8.59 / 4},
    };
    us_dataset *dataset;
    assert_int_equal(dataset_of(&dataset, context, US_REGRESSION, 1), US_OK);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        us_model_options options = options_for(CASES[i].text, US_REGRESSION, 2, 1);
        options.loss = CASES[i].loss;
        us_model *model;
        us_problem *problem;
        us_vec *theta;
        double weights[] = {0.5, -1, 0.25}, loss, predicted[4];
        assert_int_equal(us_model_create(&model, context, &options), US_OK);
        assert_int_equal(us_model_problem(&problem, model, dataset), US_OK);
        assert_int_equal(us_vec_wrap(&theta, context, US_F64, 3, weights), US_OK);
        assert_int_equal(us_problem_value(problem, theta, US_BATCH_ALL, &loss), US_OK);
        assert_near(loss, CASES[i].expected, 1e-14, 0);
        assert_int_equal(us_model_predict(model, problem, theta, dataset, predicted), US_OK);
        assert_near(predicted[1], 2.75, 1e-14, 0);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
        us_model_destroy(model);
    }
    us_dataset_destroy(dataset);
    us_context_destroy(context);
}

/* Losses of one sample by plain formulas: output z [k], target y or label c of k classes. */
static double plain_huber(const double *z, double y, size_t c, size_t k) {
    double e = fabs(z[0] - y);
    return e <= 1.5 ? 0.5 * e * e : 1.5 * (e - 0.75);
}
static double plain_mae(const double *z, double y, size_t c, size_t k) { return fabs(z[0] - y); }
static double plain_log_loss(const double *z, size_t c, size_t k) {
    double sum = 0;
    for (size_t j = 0; j < k; j++) sum += exp(z[j]);
    return log(sum) - z[c];
}
/* Smoothing 0.1, weights 1, 2.5, 0.5: as torch.nn.functional.cross_entropy has them with reduction='none'. */
static double plain_smooth(const double *z, double y, size_t c, size_t k) {
    static const double WEIGHTS[] = {1, 2.5, 0.5};
    double all = 0;
    for (size_t j = 0; j < k; j++) all += WEIGHTS[j] * plain_log_loss(z, j, k) / (double)k;
    return 0.9 * WEIGHTS[c] * plain_log_loss(z, c, k) + 0.1 * all;
}
/* The data has labels 2, 0, 1, 2: classes have 1, 1, 2 rows of 4. */
static double plain_balanced(const double *z, double y, size_t c, size_t k) {
    return plain_log_loss(z, c, k) * (c == 2 ? 2.0 / 3 : 4.0 / 3);
}
static double plain_binary(const double *z, double y, size_t c, size_t k) {
    double p = 1 / (1 + exp(-z[0]));
    return c ? -log(p) : -log(1 - p);
}
static double plain_hinge(const double *z, double y, size_t c, size_t k) { return fmax(0, 1 - (c ? z[0] : -z[0])); }

static void losses_agree_with_plain_formulas(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        const char *loss;
        size_t outputs, heads;
        double (*plain)(const double *z, double y, size_t c, size_t k);
    } CASES[] = {
        {"huber:1.5", 1, 1, plain_huber},
        {"mae", 1, 1, plain_mae},
        {"cross-entropy:smoothing=0.1,weights=1,2.5,0.5", 3, 3, plain_smooth},
        {"cross-entropy:weights=1,2.5,0.5,smoothing=0.1", 3, 3, plain_smooth},
        {"cross-entropy:weights=balanced", 3, 3, plain_balanced},
        {"binary-cross-entropy", 2, 1, plain_binary},
        {"hinge", 2, 1, plain_hinge},
    };
    static const size_t COUNTS[] = {1, 1, 2};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        us_task task = CASES[i].outputs > 1 ? US_CLASSIFICATION : US_REGRESSION;
        us_model_options options = options_for("linear", task, 2, CASES[i].outputs);
        options.loss = CASES[i].loss;
        options.class_counts = COUNTS;
        us_model *model;
        us_dataset *dataset;
        us_problem *problem;
        us_vec *theta;
        double loss, expected = 0, predicted[4 * 3], weights[9];
        assert_int_equal(dataset_of(&dataset, context, task, CASES[i].outputs), US_OK);
        for (size_t r = 0; CASES[i].outputs == 2 && r < 4; r++) us_dataset_labels(dataset)[r] = LABELS[r] == 0;
        if (us_model_create(&model, context, &options) != US_OK) fail_msg("%s", us_context_error(context));
        if (us_model_problem(&problem, model, dataset) != US_OK) fail_msg("%s", us_context_error(context));
        size_t n = 3 * CASES[i].heads;
        assert_int_equal(us_problem_dimension(problem), n);
        for (size_t j = 0; j < n; j++) weights[j] = sin(2.385 * (double)(j + 1)) * 1.7;
        assert_int_equal(us_vec_wrap(&theta, context, US_F64, n, weights), US_OK);
        assert_int_equal(us_problem_value(problem, theta, US_BATCH_ALL, &loss), US_OK);
        assert_int_equal(us_model_predict(model, problem, theta, dataset, predicted), US_OK);
        for (size_t r = 0; r < 4; r++) {
            const double *w = weights;
            double z[3];
            plain_layer(&w, FEATURES[r], 2, CASES[i].heads, plain_linear, z);
            size_t label = CASES[i].outputs == 2 ? LABELS[r] == 0 : LABELS[r];
            expected += CASES[i].plain(z, TARGETS[r], label, CASES[i].heads) / 4;
            if (CASES[i].outputs == 2) {
                assert_near(predicted[2 * r + 1], 1 / (1 + exp(-z[0])), 1e-14, 0);
                assert_near(predicted[2 * r] + predicted[2 * r + 1], 1, 1e-14, 0);
            }
        }
        if (fabs(loss - expected) > 1e-13 * expected) fail_msg("%s: %.17g, expected %.17g", CASES[i].loss, loss, expected);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
        us_model_destroy(model);
        us_dataset_destroy(dataset);
    }
    us_context_destroy(context);
}

/* Names and shapes of what a text asks for: "layer1.weight[3x4] ...". */
static void layers_have_the_weights_that_they_should(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        const char *text;
        size_t rank, shape[3];
        const char *groups;
    } CASES[] = {
        {"dense 3, relu, residual(dense 4 tanh, dense 3), 2*(dense 2 relu)",
         1,
         {4},
         "layer1.weight[3x4] layer1.bias[3] layer2.weight[4x3] layer2.bias[4] layer3.weight[3x4] layer3.bias[3] "
         "layer4.weight[2x3] layer4.bias[2] layer5.weight[2x2] layer5.bias[2] layer6.weight[1x2] layer6.bias[1] "},
        {"residual(dense 2 relu), layer-norm",
         1,
         {4},
         "layer1.weight[2x4] layer1.bias[2] layer2.weight[2x4] layer3.gain[2] layer3.bias[2] layer4.weight[1x2] "
         "layer4.bias[1] "},
        {"conv 3 2x2, batch-norm, relu, residual(conv 3 1x1 relu, batch-norm), dense 2, dropout 0.1, batch-norm",
         3,
         {1, 2, 2},
         "layer1.weight[3x1x2x2] layer2.gain[3] layer2.bias[3] layer2.mean[3] layer2.variance[3] layer3.weight[3x3x1x1] "
         "layer3.bias[3] layer4.gain[3] layer4.bias[3] layer4.mean[3] layer4.variance[3] layer5.weight[2x3] "
         "layer5.bias[2] layer6.gain[2] layer6.bias[2] layer6.mean[2] layer6.variance[2] layer7.weight[1x2] "
         "layer7.bias[1] "},
        {"embed 3 of 7, dropout 0.5, dense 5 relu",
         1,
         {4},
         "layer1.weight[7x3] layer2.weight[5x12] layer2.bias[5] layer3.weight[1x5] layer3.bias[1] "},
        {"input 2x2, flatten, dense 1", 0, {0}, "layer1.weight[1x4] layer1.bias[1] "},
    };
    us_dataset *dataset;
    assert_int_equal(us_dataset_create(&dataset, context, US_F64, 3, 4, US_REGRESSION, 1), US_OK);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        us_model_options options = options_for(CASES[i].text, US_REGRESSION, 4, 1);
        options.input_rank = CASES[i].rank;
        memcpy(options.input_shape, CASES[i].shape, sizeof options.input_shape);
        us_model *model;
        us_problem *problem;
        if (us_model_create(&model, context, &options) != US_OK) fail_msg("%s", us_context_error(context));
        if (us_model_problem(&problem, model, dataset) != US_OK) fail_msg("%s", us_context_error(context));
        size_t count, used = 0;
        const us_group *groups = us_problem_groups(problem, &count);
        char text[1000] = "";
        for (size_t k = 0; k < count; k++) {
            /* layerN. of the last group is the output layer; an embedding is the first */
            bool outer = !strncmp(groups[k].name, groups[count - 1].name, strcspn(groups[count - 1].name, ".") + 1);
            assert_int_equal(groups[k].outer, outer || (k == 0 && !strncmp(CASES[i].text, "embed", 5)));
            used += (size_t)snprintf(text + used, sizeof text - used, "%s[", groups[k].name);
            for (size_t d = 0; d < groups[k].rank; d++)
                used += (size_t)snprintf(text + used, sizeof text - used, d ? "x%zu" : "%zu", groups[k].shape[d]);
            used += (size_t)snprintf(text + used, sizeof text - used, "] ");
        }
        assert_string_equal(text, CASES[i].groups);
        us_problem_destroy(problem);
        us_model_destroy(model);
    }
    us_dataset_destroy(dataset);
    us_context_destroy(context);
}

static void names_of_a_formula_are_columns_or_parameters(void **state) {
    us_context *context = support_plain_context();
    us_model *model = model_of(context, "formula: b1*(1-exp(-b2*u))+c^2", US_REGRESSION, 2, 1);
    us_dataset *dataset;
    us_problem *problem;
    assert_true(us_model_is_formula(model));
    assert_int_equal(dataset_of(&dataset, context, US_REGRESSION, 1), US_OK);
    assert_int_equal(us_model_problem(&problem, model, dataset), US_OK);
    size_t count;
    const us_group *groups = us_problem_groups(problem, &count);
    static const char *const EXPECTED[] = {"b1", "b2", "c"};
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(groups[i].name, EXPECTED[i]);
        assert_int_equal(groups[i].rank, 0);
        assert_int_equal(groups[i].offset, i);
    }
    us_problem_destroy(problem);
    us_dataset_destroy(dataset);
    us_model_destroy(model);
    us_context_destroy(context);
}

static const struct {
    const char *text, *loss;
    us_task task;
    size_t outputs;
    const char *says;
    size_t column;
} WRONG[] = {
    {"mlp:", NULL, US_REGRESSION, 1, "a number of units is expected", 5},
    {"mlp:12,", NULL, US_REGRESSION, 1, "a number of units is expected", 8},
    {"mlp:12,x", NULL, US_REGRESSION, 1, "a number of units is expected", 8},
    {"mlp:0", NULL, US_REGRESSION, 1, "1 to 10000000", 5},
    {"mlp:99999999999999999999", NULL, US_REGRESSION, 1, "1 to 10000000", 5},
    {"mlp:-3", NULL, US_REGRESSION, 1, "a number of units is expected", 5},
    {"mlp:12:rellu", NULL, US_REGRESSION, 1, "did you mean 'relu'?", 8},
    {"mlp:12:", NULL, US_REGRESSION, 1, "an activation is expected", 8},
    {"mlp:12:relu:tanh", NULL, US_REGRESSION, 1, "expected is mlp:", 12},
    {"mlp:12 13", NULL, US_REGRESSION, 1, "expected is mlp:", 8},
    {"liner", NULL, US_REGRESSION, 1, "unknown layer 'liner'", 1},
    {"dense", NULL, US_REGRESSION, 1, "a number of units is expected", 6},
    {"dense 4 rel", NULL, US_REGRESSION, 1, "did you mean 'relu'?", 9},
    {"dense 4 relu dense 1", NULL, US_REGRESSION, 1, "separated by commas", 14},
    {"dense 4 relu, cnnv 3", NULL, US_REGRESSION, 1, "unknown layer 'cnnv'", 15},
    {"dense 4 relu,", NULL, US_REGRESSION, 1, "a layer is expected here", 14},
    {"dense 4 relu, dense 7", NULL, US_CLASSIFICATION, 10, "has 7 units and the data has 10 classes", 15},
    {"dense 4", NULL, US_REGRESSION, 1, "has 4 units and the data has 1 output", 1},
    {"", NULL, US_REGRESSION, 1, "a layer is expected here", 1},
    {"dense 4, residul(dense 4)", NULL, US_REGRESSION, 1, "did you mean 'residual'?", 10},
    {"residual(dense 4", NULL, US_REGRESSION, 1, "this '(' is never closed", 9},
    {"dense 4)", NULL, US_REGRESSION, 1, "this ')' closes nothing", 8},
    {"2*dense 4", NULL, US_REGRESSION, 1, "a '(' is expected here", 3},
    {"1000*(1000*(dense 1))", NULL, US_REGRESSION, 1, "more than 10000 layers", 13},
    {"dense 4 stride 2", NULL, US_REGRESSION, 1, "dense takes no 'stride'", 9},
    {"flatten 3", NULL, US_REGRESSION, 1, "flatten takes no '3'", 9},
    {"dropout 1", NULL, US_REGRESSION, 1, "a probability is 0 to 0.99", 9},
    {"input 3x3", NULL, US_REGRESSION, 1, "[1×3×3] are 9 numbers, and the data has 2", 1},
    {"dense 4, input 2", NULL, US_REGRESSION, 1, "stands before all other layers", 10},
    {"dense 4, embed 3 of 3", NULL, US_REGRESSION, 1, "stands before all other layers", 10},
    {"embed 3 of 9, residual(dense 3)", NULL, US_REGRESSION, 1, "[2×3] comes in and [3] comes out", 15},
    {"embed 3 of 9, batch-norm", NULL, US_REGRESSION, 1, "gets a sequence [2×3]; layer-norm", 15},
    {"linear", "huber:0", US_REGRESSION, 1, "a distance above 0", 0},
    {"linear", "mse:2", US_REGRESSION, 1, "mse has no options", 0},
    {"linear", "hinge", US_CLASSIFICATION, 3, "is for two classes, and there are 3", 0},
    {"linear", "cross-entropy:weights=1,2", US_CLASSIFICATION, 3, "2 weights and 3 classes", 0},
    {"linear", "cross-entropy:weights=0,0", US_CLASSIFICATION, 2, "above 0", 0},
    {"linear", "cross-entropy:smoothing=1", US_CLASSIFICATION, 2, "smoothing is 0 to below 1", 0},
    {"linear", "hinge:smoothing=0.1", US_CLASSIFICATION, 2, "no option of hinge", 0},
    {"dense 2", "hinge", US_CLASSIFICATION, 2, "tells two classes apart by one", 1},
    {"formula: a*x", NULL, US_CLASSIFICATION, 3, "a formula predicts a number", 0},
    {"formula: a*x", NULL, US_REGRESSION, 2, "the data has 2 targets", 0},
    {"formula: x+2*u", NULL, US_REGRESSION, 1, "no parameter to fit", 1},
    {"formula: a*sine(x)", NULL, US_REGRESSION, 1, "did you mean 'sin'?", 3},
    {"formula:", NULL, US_REGRESSION, 1, "the formula is empty", 1},
    {"linear", "mes", US_REGRESSION, 1, "did you mean mse", 0},
    {"linear", "cross-entropy", US_REGRESSION, 1, "is for classification", 0},
    {"linear", "half-mse", US_CLASSIFICATION, 2, "is for regression", 0},
};

static void wrong_texts_are_explained(void **state) {
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        us_model_options options = options_for(WRONG[i].text, WRONG[i].task, 2, WRONG[i].outputs);
        options.loss = WRONG[i].loss;
        us_model *model;
        assert_int_equal(us_model_create(&model, context, &options), US_ERR_INPUT);
        assert_null(model);
        const char *error = us_context_error(context), *column = strstr(error, "column ");
        if (!strstr(error, WRONG[i].says)) fail_msg("\"%s\" is not in:\n%s", WRONG[i].says, error);
        if (WRONG[i].column == 0) continue;
        if (!column || strtoul(column + 7, NULL, 10) != WRONG[i].column)
            fail_msg("column %zu is expected:\n%s", WRONG[i].column, error);
    }
    static const char *const CONSTANT[] = {"e", "u"};
    us_model_options options = options_for("formula: a*e+b", US_REGRESSION, 2, 1);
    options.feature_names = CONSTANT;
    us_model *model;
    assert_int_equal(us_model_create(&model, context, &options), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "a constant and also a column"));
    options.text = "formula: a*u+b"; /* a column that is not spoken of does no harm */
    assert_int_equal(us_model_create(&model, context, &options), US_OK);
    us_model_destroy(model);
    us_context_destroy(context);
}

/* Mean and variance of a group's elements. */
static void moments(const us_vec *theta, const us_group *group, double *mean, double *variance, double *largest) {
    *mean = *variance = *largest = 0;
    for (size_t i = 0; i < group->count; i++) {
        double x = us_vec_get(theta, group->offset + i);
        *mean += x / (double)group->count;
        *variance += x * x / (double)group->count;
        *largest = fmax(*largest, fabs(x));
    }
    *variance -= *mean * *mean;
}

static void initial_weights_have_the_moments_of_their_rule(void **state) {
    us_context *context = support_plain_context();
    us_group groups[] = {{"layer1.weight", 0, 300 * 100, 2, {300, 100}},
                         {"layer1.bias", 30000, 300, 1, {300}},
                         {"layer2.weight", 30300, 40 * 300, 2, {40, 300}},
                         {"layer2.bias", 42300, 40, 1, {40}}};
    static const struct {
        const char *text, *init;
        double variance[2];
        bool uniform[2];
    } CASES[] = {
        {"mlp:300", NULL, {2.0 / 100, 2.0 / 340}, {false, true}}, /* he before relu, xavier before the output */
        {"mlp:300:tanh", NULL, {2.0 / 400, 2.0 / 340}, {true, true}},
        {"mlp:300:gelu", "he", {2.0 / 100, 2.0 / 300}, {false, false}},
        {"mlp:300", "xavier", {2.0 / 400, 2.0 / 340}, {true, true}},
        {"mlp:300", "normal:0.3", {0.09, 0.09}, {false, false}},
        {"mlp:300", "zero", {0, 0}, {false, false}},
    };
    us_vec *theta;
    assert_int_equal(us_vec_create(&theta, context, US_F64, 42340), US_OK);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        us_model *model = model_of(context, CASES[i].text, US_REGRESSION, 100, 40);
        us_rng rng = us_rng_init(3, i);
        us_vec_fill(theta, (double)NAN);
        assert_int_equal(us_model_initialize(model, CASES[i].init, groups, 4, &rng, theta), US_OK);
        for (size_t k = 0; k < 4; k++) {
            double mean, variance, largest, expected = k % 2 ? 0 : CASES[i].variance[k / 2];
            moments(theta, &groups[k], &mean, &variance, &largest);
            assert_near(variance, expected, 0.05, 1e-30); /* 12,000 draws: four standard errors are 0.05 */
            assert_near(mean, 0, 0, 4.5 * sqrt(expected / (double)groups[k].count));
            double bound = sqrt(3 * expected); /* of a uniform variable; normal ones go beyond */
            if (expected > 0) assert_true(CASES[i].uniform[k / 2] == (largest <= bound));
        }
        us_model_destroy(model);
    }
    us_vec_destroy(theta);

    double weights[3] = {(double)NAN, (double)NAN, (double)NAN};
    us_group scalars[] = {{"a", 0, 1, 0, {0}}, {"b", 1, 1, 0, {0}}},
             linear[] = {{"layer1.weight", 0, 2, 2, {1, 2}}, {"layer1.bias", 2, 1, 1, {1}}};
    us_rng rng = us_rng_init(1, 1);
    us_model *formula = model_of(context, "formula: a*x+b", US_REGRESSION, 2, 1),
             *line = model_of(context, "linear", US_REGRESSION, 2, 1);
    assert_int_equal(us_vec_wrap(&theta, context, US_F64, 3, weights), US_OK);
    assert_int_equal(us_model_initialize(formula, NULL, scalars, 2, &rng, theta), US_OK);
    assert_true(weights[0] == 1 && weights[1] == 1);
    assert_int_equal(us_model_initialize(line, NULL, linear, 2, &rng, theta), US_OK);
    for (size_t i = 0; i < 3; i++) assert_true(weights[i] == 0);
    us_group norm[] = {{"layer1.mean", 0, 1, 1, {1}, .state = true},
                       {"layer1.variance", 1, 1, 1, {1}, .state = true},
                       {"layer1.gain", 2, 1, 1, {1}}};
    assert_int_equal(us_model_initialize(line, "he", norm, 3, &rng, theta), US_OK);
    for (size_t i = 0; i < 3; i++) assert_true(weights[i] == (i > 0));
    static const char *const BAD[] = {"hee", "normal", "normal:", "normal:x", "normal:-1", "normal:inf", "one", ""};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_int_equal(us_model_initialize(line, BAD[i], linear, 2, &rng, theta), US_ERR_INPUT);
    us_vec_destroy(theta);
    us_model_destroy(formula);
    us_model_destroy(line);
    us_context_destroy(context);
}

static us_status model_body(us_context *context, void *user) {
    us_dataset *dataset = NULL;
    us_model *model = NULL;
    us_problem *problem = NULL;
    us_model_options options = options_for(user, US_REGRESSION, 2, 1);
    us_status status = dataset_of(&dataset, context, US_REGRESSION, 1);
    if (status == US_OK) status = us_model_create(&model, context, &options);
    if (status == US_OK) status = us_model_problem(&problem, model, dataset);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(dataset);
    return status;
}

static void creation_survives_failing_allocations(void **state) {
    support_fail_each_allocation(model_body, "linear");
    support_fail_each_allocation(model_body, "dense 3 silu, dense 2 tanh");
    support_fail_each_allocation(model_body, "dense 3, batch-norm, relu");
    support_fail_each_allocation(model_body, "formula: a*x^b+sin(c*u)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_agree_with_plain_loops),
        cmocka_unit_test(losses_are_those_computed_by_hand),
        cmocka_unit_test(losses_agree_with_plain_formulas),
        cmocka_unit_test(layers_have_the_weights_that_they_should),
        cmocka_unit_test(names_of_a_formula_are_columns_or_parameters),
        cmocka_unit_test(wrong_texts_are_explained),
        cmocka_unit_test(initial_weights_have_the_moments_of_their_rule),
        cmocka_unit_test(creation_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
