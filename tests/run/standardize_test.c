/* The run on standardised columns: the same function, predictions in the file's unit, resumed, and refused with a reason. */
#include "run/fixture.h"
#include <jansson.h>
#include <math.h>

typedef struct place {
    us_context *context;
    const char *data, *run;
    us_run_config config;
} place;

/* Columns of scale 1000, 1 and 0.01 far from 0, one of names, a target of thousands; or two classes of it. */
static place place_make(const char *model, bool classes, us_precision precision) {
    place p = {.context = support_plain_context()};
    const char *folder = support_temporary_folder();
    p.data = fixture_path(folder, "data.csv"), p.run = fixture_path(folder, "run");
    us_rng rng = us_rng_init(5, 0);
    FILE *file = fopen(p.data, "w");
    assert_non_null(file);
    fprintf(file, "a,b,c,d,y\n");
    for (int i = 0; i < 120; i++) {
        double a = us_rng_normal(&rng), b = us_rng_normal(&rng), c = us_rng_normal(&rng);
        double y = 5000 + 2000 * (a + sin(b) - c) + 300 * (i % 2);
        fprintf(file, "%.9g,%.9g,%.9g,%s,", 3000 + 1000 * a, b, 0.02 + 0.01 * c, i % 2 ? "left" : "right");
        fprintf(file, classes ? (y > 5000 ? "high\n" : "low\n") : "%.9g\n", y);
    }
    assert_int_equal(fclose(file), 0);
    p.config = (us_run_config)US_RUN_CONFIG_INIT;
    p.config.data = p.data;
    p.config.model = model;
    p.config.optimizer = "sgd";
    p.config.learning_rate = 1e-9;
    p.config.steps = 40;
    p.config.precision = precision;
    p.config.data_options.standardize = false;
    p.config.data_options.test_fraction = 0.25;
    return p;
}

enum { ROWS = 120 }; /* of the data */

static double summary_loss(us_run *run, const char *which) {
    char *text = NULL;
    assert_int_equal(us_run_summary(run, NULL, &text), US_OK);
    json_t *object = json_loads(text, 0, NULL);
    double loss = json_number_value(json_object_get(json_object_get(object, "loss"), which));
    json_decref(object);
    us_text_release(us_run_context(run), text);
    return loss;
}

/* Adopted as it is, the run predicts the same and its losses are the same in the new unit; then it trains, and resumes. */
static void check_same(const char *model, bool classes, us_precision precision, double tolerance) {
    place p = place_make(model, classes, precision);
    us_run *run = NULL;
    us_remade remade;
    double before[120], after[120], loss, lower, size = 0;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    fixture_predictions(p.context, p.run, p.data, before, ROWS);
    double first = summary_loss(run, "first"), last = summary_loss(run, "last"), test = summary_loss(run, "test");
    size_t places = us_run_path_count(run);
    assert_done(p.context, us_run_remake(run, "standardize", &remade));
    const double *unit = remade.unit;
    assert_int_equal(us_training_steps(remade.training), 40);
    if (classes)
        assert_true(unit[0] == 1 && unit[1] == 1);
    else
        assert_true(unit[0] > 1000);
    assert_true(remade.price == 0 && !*remade.what);
    assert_done(p.context, us_run_adopt(run, remade.training, "remedy", "standardize"));
    us_training_destroy(remade.training);
    fixture_predictions(p.context, p.run, p.data, after, ROWS);
    for (size_t i = 0; i < ROWS; i++) size = fmax(size, fabs(before[i]));
    for (size_t i = 0; i < ROWS; i++) assert_near(after[i], before[i], 0, tolerance * size);
    double by = unit[0] * unit[1];
    assert_near(summary_loss(run, "first") * by, first, 1e-9, 0);
    assert_near(summary_loss(run, "last") * by, last, 1e-9, 0); /* as logged */
    assert_near(summary_loss(run, "test") * by, test, 1e-9, 0);
    assert_done(p.context, us_run_loss(run, false, &loss)); /* as measured anew */
    assert_near(loss * by, last, tolerance, 0);
    assert_int_equal(us_run_path_count(run), places);
    us_run_destroy(run);

    assert_done(p.context, us_run_open(&run, p.context, p.run));
    assert_non_null(strstr(us_run_config_json(run), "\"standardize\":true"));
    assert_done(p.context, us_run_loss(run, false, &lower));
    assert_true(lower == loss);
    assert_done(p.context, us_run_extend(run, 300));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    assert_done(p.context, us_run_loss(run, false, &lower));
    assert_true(lower < (strcmp(model, "linear") == 0 ? 0.7 : 1) * loss); /* the nets begin saturated */
    assert_int_equal(us_run_remake(run, "standardize", &remade), US_ERR_UNSUPPORTED);
    assert_error_has(p.context, "already");
    assert_null(remade.training);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void the_function_is_the_same(void **state) {
    check_same("linear", false, US_F64, 1e-10);
    check_same("mlp:6,4:tanh", false, US_F64, 1e-10);
    check_same("mlp:6:tanh", true, US_F64, 1e-10);
    check_same("mlp:6:tanh", false, US_F32, 1e-4);
}

static void refused(const char *model, const char *loss, double l2, const char *because) {
    place p = place_make(model, false, US_F64);
    us_run *run = NULL;
    us_remade remade;
    p.config.l2 = l2;
    p.config.steps = 1;
    p.config.loss = loss;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    us_status status = us_run_remake(run, "standardize", &remade);
    if (because) {
        assert_int_equal(status, US_ERR_UNSUPPORTED);
        assert_error_has(p.context, because);
        assert_null(remade.training);
    } else { /* the features alone */
        assert_int_equal(status, US_OK);
        assert_true(remade.unit[0] == 1 && remade.unit[1] == 1);
    }
    us_training_destroy(remade.training);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void what_cannot_be_standardised_says_why(void **state) {
    refused("linear", NULL, 0.1, "--l2");
    refused("layer-norm, dense 4 tanh", NULL, 0, "begin with a dense layer");
    refused("linear", "huber:1", 0, NULL);
}

/* That columns are alike already is found out by reading the file, once: the second answer does not need it. */
static void the_file_is_read_once(void **state) {
    place p = place_make("linear", false, US_F64);
    us_rng rng = us_rng_init(5, 0);
    FILE *file = fopen(p.data, "w");
    assert_non_null(file);
    fprintf(file, "a,b,y\n");
    for (int i = 0; i < 50; i++)
        fprintf(file, "%.9g,%.9g,%.9g\n", us_rng_normal(&rng), us_rng_normal(&rng), us_rng_normal(&rng));
    assert_int_equal(fclose(file), 0);
    us_run *run = NULL;
    us_remade remade;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    for (int again = 0; again < 2; again++) {
        assert_int_equal(us_run_remake(run, "standardize", &remade), US_ERR_UNSUPPORTED);
        assert_error_has(p.context, "of like scale already");
        us_context_error_clear(p.context);
        unlink(p.data);
    }
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static us_status adopt_body(us_context *context, void *user) {
    const place *p = user;
    us_run *run = NULL;
    us_remade remade = {NULL};
    us_status status = us_run_open(&run, context, p->run);
    if (status == US_OK) status = us_run_remake(run, "standardize", &remade);
    if (status == US_OK) status = us_run_adopt(run, remade.training, "remedy", "standardize");
    us_training_destroy(remade.training);
    us_run_destroy(run);
    return status;
}

/* A run that failed half-way would not open, or be standardised already, the next time. */
static void failing_allocations_leave_it_as_it_was(void **state) {
    place p = place_make("mlp:3:tanh", false, US_F64);
    us_run *run = NULL;
    double before[120], after[120];
    p.config.steps = 3;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
    fixture_predictions(p.context, p.run, p.data, before, ROWS);
    support_fail_each_allocation(adopt_body, &p);
    fixture_predictions(p.context, p.run, p.data, after, ROWS);
    for (size_t i = 0; i < 120; i++) assert_near(after[i], before[i], 1e-9, 1e-9);
    us_context_destroy(p.context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_function_is_the_same),
        cmocka_unit_test(what_cannot_be_standardised_says_why),
        cmocka_unit_test(the_file_is_read_once),
        cmocka_unit_test(failing_allocations_leave_it_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
