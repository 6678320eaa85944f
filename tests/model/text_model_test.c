/* Models of texts: embed, attention, feed-forward, next. */
#include "graph/differences.h"
#include "support.h"
#include <unstuck/model.h>

enum { LENGTH = 40, WINDOW = 6, CLASSES = 5 };

static us_dataset *text(us_context *context, us_precision precision) {
    us_dataset *d;
    if (us_dataset_create_windows(&d, context, precision, LENGTH, WINDOW, 2, CLASSES) != US_OK) return NULL;
    us_rng rng = us_rng_init(5, 1);
    for (size_t i = 0; i < LENGTH; i++) {
        uint32_t x = us_rng_below(&rng, CLASSES);
        if (precision == US_F32)
            ((float *)us_dataset_features(d))[i] = (float)x;
        else
            ((double *)us_dataset_features(d))[i] = x;
        us_dataset_labels(d)[i] = (2 * x + 1) % CLASSES; /* a rule that can be learnt */
    }
    return d;
}

static us_model_options form(const char *words) {
    us_model_options o = US_MODEL_OPTIONS_INIT;
    o.text = words;
    o.inputs = o.positions = WINDOW;
    o.outputs = CLASSES;
    o.task = US_CLASSIFICATION;
    return o;
}

static void every_layer_has_exact_derivatives(void **state) {
    static const struct {
        const char *text;
        size_t parameters;
    } cases[] = {
        /* embed: 5·8 + 6·8; attention: 2·8 + 4·64; feed-forward 12: 16 + 2·96; next: 16 + 40 */
        {"embed 8", 88 + 56},
        {"embed 8, attention 2", 88 + 272 + 56},
        {"embed 8, feed-forward 12", 88 + 208 + 56},
        {"embed 8, 2*(attention 4, feed-forward 12 tanh), next", 88 + 2 * 480 + 56},
        {"embed 8 of 7, attention 1", 56 + 272 + 56}, /* things that are counted have no positions */
    };
    us_context *context = support_plain_context();
    us_dataset *data = text(context, US_F64);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        us_model_options o = form(cases[i].text);
        us_model *model;
        us_problem *p;
        if (us_model_create(&model, context, &o) != US_OK || us_model_problem(&p, model, data) != US_OK)
            fail_msg("%s: %s", cases[i].text, us_context_error(context));
        assert_int_equal(us_problem_dimension(p), cases[i].parameters);
        assert_int_equal(us_model_positions(model), WINDOW);
        us_vec *theta = differences_vec(p);
        size_t groups;
        const us_group *group = us_problem_groups(p, &groups);
        us_rng rng = us_rng_init(9, 1);
        assert_int_equal(us_model_initialize(model, NULL, group, groups, &rng, theta), US_OK);
        for (size_t k = 0; k < groups; k++) { /* what begins fixed */
            const char *what = strchr(group[k].name, '.') + 1;
            double expected = strcmp(what, "gain") == 0 ? 1 : 0, first = us_vec_get(theta, group[k].offset);
            if (!strcmp(what, "gain") || !strcmp(what, "bias") || !strcmp(what, "output"))
                assert_true(first == expected);
            else
                assert_true(first != 0);
        }
        for (size_t k = 0; k < us_vec_size(theta); k++)
            us_vec_set(theta, k, us_vec_get(theta, k) + 0.3 * us_rng_normal(&rng));
        double gradient = differences_gradient(p, theta, US_BATCH_ALL),
               product = differences_product(p, theta, US_BATCH_ALL);
        if (!(gradient < 1e-8 && product < 1e-8)) fail_msg("%s: %g %g", cases[i].text, gradient, product);
        /* probabilities at each position */
        double *outputs = calloc(2 * WINDOW * CLASSES, sizeof *outputs);
        assert_int_equal(us_model_predict_rows(model, p, theta, data, 3, 2, outputs), US_OK);
        for (size_t k = 0; k < 2 * WINDOW; k++) {
            double sum = 0;
            for (size_t c = 0; c < CLASSES; c++) sum += outputs[k * CLASSES + c];
            assert_near(sum, 1, 1e-12, 0);
        }
        assert_int_equal(us_model_predict_rows(model, p, theta, data, us_dataset_rows(data), 1, outputs), US_ERR_ARGUMENT);
        free(outputs);
        us_vec_destroy(theta);
        us_problem_destroy(p);
        us_model_destroy(model);
    }
    us_dataset_destroy(data);
    us_context_destroy(context);
}

static void what_does_not_fit_is_shown(void **state) {
    static const struct {
        const char *text, *error;
        bool table;
    } cases[] = {
        {"attention 2", "put embed before it", false},
        {"dense 8", "told at each position", false},
        {"embed 8, attention 3", "3 heads do not divide a width of 8", false},
        {"embed 8, flatten, feed-forward 3", "works at each position", false},
        {"embed 8, feed-forward 0", "feed-forward", false},
        {"embed 8, atention 2", "did you mean 'attention'", false},
        {"embed 8", "how many things", true},
        {"embed 8 of 5, next", "no text", true},
    };
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        us_model_options o = form(cases[i].text);
        if (cases[i].table) o.positions = 0;
        us_model *model = (us_model *)1;
        us_status status = us_model_create(&model, context, &o);
        if (status != US_ERR_INPUT || !strstr(us_context_error(context), cases[i].error))
            fail_msg("%s: %s: %s", cases[i].text, us_status_name(status), us_context_error(context));
        assert_null(model);
    }
    /* a text's model for a table, and a table's for a text */
    us_dataset *data = text(context, US_F64), *table;
    us_problem *p;
    us_model *model;
    assert_int_equal(us_dataset_create(&table, context, US_F64, 4, WINDOW, US_CLASSIFICATION, CLASSES), US_OK);
    us_model_options o = form("embed 8");
    assert_int_equal(us_model_create(&model, context, &o), US_OK);
    assert_int_equal(us_model_problem(&p, model, table), US_ERR_SHAPE);
    us_model_destroy(model);
    o = form("linear");
    o.positions = 0;
    assert_int_equal(us_model_create(&model, context, &o), US_OK);
    assert_int_equal(us_model_problem(&p, model, data), US_ERR_SHAPE);
    us_model_destroy(model);
    us_dataset_destroy(table);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

static us_status model_body(us_context *context, void *user) {
    us_model_options o = form("embed 4, attention 2, feed-forward 3");
    us_model *model = NULL;
    us_problem *p = NULL;
    us_dataset *data = text(context, US_F32);
    us_status status = data ? us_model_create(&model, context, &o) : US_ERR_NOMEM;
    if (status == US_OK) status = us_model_problem(&p, model, data);
    us_problem_destroy(p);
    us_model_destroy(model);
    us_dataset_destroy(data);
    return status;
}

static void creation_survives_failing_allocations(void **state) { support_fail_each_allocation(model_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_has_exact_derivatives),
        cmocka_unit_test(what_does_not_fit_is_shown),
        cmocka_unit_test(creation_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
