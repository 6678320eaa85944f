/* Predictions as CSV: on data made here, and on real data where it is present. */
#include "fixture.h"

typedef struct text {
    size_t length, pieces;
    char bytes[1 << 20];
} text;

static int collect(void *user, const char *bytes, size_t length) {
    text *to = user;
    if (to->length + length >= sizeof to->bytes) return 1;
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
    to->bytes[to->length] = '\0';
    to->pieces++;
    return 0;
}

static int refuse(void *user, const char *bytes, size_t length) { return 1; }

static void a_value_is_in_the_unit_of_the_file(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "data.csv"),
               *asked = fixture_path(folder, "asked.csv");
    const char *run_path = fixture_path(folder, "run");
    us_run *run = NULL;
    FILE *file = fopen(data, "w");
    fprintf(file, "x,unused,\"price, in €\"\n");
    for (int i = 0; i < 50; i++) fprintf(file, "%d,%d,%d\n", i, i % 7, 1000 + 3 * i);
    fclose(file);
    file = fopen(asked, "w"); /* other columns, another order, no target */
    fprintf(file, "note,unused,x\nbeyond,3,100\n\"the, start\",0,0\n");
    fclose(file);
    us_run_config config = US_RUN_CONFIG_INIT;
    config.data = data;
    config.optimizer = "sgd";
    config.learning_rate = 0.3;
    config.batch = 0;
    config.steps = 300;
    config.precision = US_F64;
    config.data_options.test_fraction = 0;
    assert_done(context, us_run_create(&run, context, run_path, &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    const char *name;
    double rmse;
    assert_done(context, us_run_metric(run, false, &name, &rmse));
    assert_near(rmse, 0, 0, 1e-6);
    text *out = calloc(1, sizeof *out);
    assert_done(context, us_run_predict(context, run_path, asked, collect, out));
    double beyond, start;
    assert_int_equal(sscanf(out->bytes, "\"price, in €\"\n%lf\n%lf\n", &beyond, &start), 2);
    assert_near(beyond, 1300, 1e-9, 0);
    assert_near(start, 1000, 1e-9, 0);
    assert_int_equal(us_run_predict(context, run_path, asked, refuse, NULL), US_ERR_IO);
    assert_int_equal(us_run_predict(context, run_path, fixture_path(folder, "none.csv"), collect, out), US_ERR_INPUT);
    free(out);
    us_run_destroy(run);
    us_context_destroy(context);
}

/* Trains, and closes the run. */
static void train(us_context *context, const char *run_path, const us_run_config *config) {
    us_run *run = NULL;
    assert_done(context, us_run_create(&run, context, run_path, config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
}

/* A run that was moved, its training file gone, in a folder that must stay as it is. */
static void the_training_file_is_not_needed(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "data.csv"),
               *asked = fixture_path(folder, "asked.csv");
    const char *const models[] = {"mlp:8:tanh", "linear", "formula: k0 + k1*a + k2*c", "mlp:8:tanh"};
    text *before = calloc(1, sizeof *before), *after = calloc(1, sizeof *after);
    for (size_t i = 0; i < 4; i++) {
        const char *run_path = fixture_path(folder, "made"), *moved = fixture_path(folder, "a 100%? #run");
        fixture_data(data, 160, i == 3);
        fixture_data(asked, 20, i == 3);
        us_run_config config = fixture_config(data);
        config.model = models[i];
        if (i == 1) config.l2 = 0.01;
        config.optimizer = "adam";
        if (i == 2)
            config.data_options.test_fraction = 0, config.batch = 0, config.precision = US_F64, config.start = "k0=300";
        train(context, run_path, &config);
        before->length = after->length = 0;
        assert_done(context, us_run_predict(context, run_path, asked, collect, before));
        unlink(data);
        assert_int_equal(rename(run_path, moved), 0);
        assert_int_equal(fixture_entries(moved), 4); /* log, weights, checkpoint, path */
        assert_done(context, us_run_predict(context, moved, asked, collect, after));
        assert_int_equal(fixture_entries(moved), 4);
        assert_string_equal(before->bytes, after->bytes);
        size_t lines = 0;
        for (const char *c = after->bytes; *c; c++) lines += *c == '\n';
        assert_int_equal(lines, 21);
        assert_done(context, us_run_remove(context, moved));
    }
    free(before);
    free(after);
    us_context_destroy(context);
}

static void what_is_damaged_is_refused(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "data.csv"),
               *run_path = fixture_path(folder, "run");
    const char *weights = fixture_path(run_path, "model.safetensors");
    text *out = calloc(1, sizeof *out);
    fixture_data(data, 160, false);
    us_run_config config = fixture_config(data);
    train(context, run_path, &config);
    size_t size = 0;
    char *bytes = fixture_read(weights, &size);
#define REFUSED(word)                                                                          \
    do {                                                                                       \
        assert_int_equal(us_run_predict(context, run_path, data, collect, out), US_ERR_INPUT); \
        assert_error_has(context, word);                                                       \
        assert_null(strchr(us_context_error(context), '\n'));                                  \
        assert_int_equal(out->length, 0);                                                      \
    } while (0)
    const size_t lengths[] = {0, 7, 8, 100, size / 2, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        fixture_write(weights, bytes, lengths[i]);
        REFUSED("/run/model.safetensors");
    }
    memset(bytes + size - 4, 0xFF, 4); /* a NaN */
    fixture_write(weights, bytes, size);
    REFUSED("not finite");
    unlink(weights);
    REFUSED("/run/model.safetensors");
    fixture_write(fixture_path(run_path, "run.db"), "nonsense", 8);
    REFUSED("run.db");
    unlink(fixture_path(run_path, "run.db"));
    REFUSED("not a run");
    run_path = data;
    REFUSED("no folder");
    run_path = fixture_path(folder, "none");
    REFUSED("none");
#undef REFUSED
    /* the weights of another model */
    const char *other = fixture_path(folder, "other");
    train(context, run_path = fixture_path(folder, "wide"), &config);
    config.model = "mlp:9:tanh";
    train(context, other, &config);
    free(bytes);
    bytes = fixture_read(fixture_path(other, "model.safetensors"), &size);
    fixture_write(fixture_path(run_path, "model.safetensors"), bytes, size);
    assert_int_equal(us_run_predict(context, run_path, data, collect, out), US_ERR_INPUT);
    assert_error_has(context, "the model needs");
    free(bytes);
    free(out);
    us_context_destroy(context);
}

typedef struct question {
    const char *run, *data;
} question;

static int swallow(void *user, const char *bytes, size_t length) { return 0; }

static us_status predict_body(us_context *context, void *user) {
    const question *q = user;
    return us_run_predict(context, q->run, q->data, swallow, NULL);
}

static void predicting_survives_failing_allocations(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    question q = {fixture_path(folder, "run"), fixture_path(folder, "data.csv")};
    fixture_data(q.data, 160, true);
    us_run_config config = fixture_config(q.data);
    config.steps = 5;
    train(context, q.run, &config);
    support_fail_each_allocation(predict_body, &q);
    us_context_destroy(context);
}

static void a_class_is_named_with_its_probabilities(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "data.csv"),
               *run_path = fixture_path(folder, "run");
    us_run *run = NULL;
    us_table *table = NULL, *truth = NULL;
    fixture_data(data, 160, true);
    us_run_config config = fixture_config(data);
    config.steps = 1500;
    config.data_options.test_fraction = 0;
    assert_done(context, us_run_create(&run, context, run_path, &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    text *out = calloc(1, sizeof *out);
    assert_done(context, us_run_predict(context, run_path, data, collect, out));
    const char *header = "\"kind, of\",\"p_large, \"\"very\"\"\",p_mid,p_small\n";
    assert_memory_equal(out->bytes, header, strlen(header));
    /* read back as a CSV: probabilities sum to one, the class is the most probable, and as often right as the metric says */
    const char *path = fixture_path(folder, "predictions.csv");
    fixture_write(path, out->bytes, out->length);
    assert_done(context, us_table_read_csv(&table, context, path, NULL));
    assert_done(context, us_table_read_csv(&truth, context, data, NULL));
    assert_int_equal(us_table_rows(table), 160);
    size_t right = 0, levels, truths;
    const char *const *names = us_table_levels(table, 0, &levels), *const *true_names = us_table_levels(truth, 3, &truths);
    for (size_t row = 0; row < 160; row++) {
        double sum = 0, most = 0;
        size_t best = 0;
        for (size_t k = 0; k < 3; k++) {
            double p = us_table_number(table, k + 1, row);
            sum += p;
            if (p > most) most = p, best = k;
        }
        assert_near(sum, 1, 1e-6, 0);
        const char *const classes[] = {"large, \"very\"", "mid", "small"}, *named = names[us_table_level(table, 0, row)];
        assert_string_equal(named, classes[best]);
        right += !strcmp(named, true_names[us_table_level(truth, 3, row)]);
    }
    const char *name;
    double accuracy;
    assert_done(context, us_run_metric(run, false, &name, &accuracy));
    assert_string_equal(name, "accuracy");
    assert_near(accuracy, (double)right / 160, 1e-12, 0);
    assert_true(accuracy > 0.8);
    us_table_destroy(table);
    us_table_destroy(truth);
    free(out);
    us_run_destroy(run);
    us_context_destroy(context);
}

/* What a linear model reaches is known: housing 68,628 on its training rows, 69,052 ± 2,732 by cross-validation (Géron,
 * handson-ml2, chapter 2); irises 0.973 by softmax regression (../shared/data/README.md). */
static void real_data(const char *path, const char *target, double epochs, double at_least, double at_most) {
    if (!path) return skip();
    us_context *context = support_plain_context();
    const char *run_path = fixture_path(support_temporary_folder(), "run");
    us_run *run = NULL;
    us_run_config config = US_RUN_CONFIG_INIT;
    config.data = path;
    config.data_options.target = target;
    config.learning_rate = 0.01;
    config.epochs = epochs;
    assert_done(context, us_run_create(&run, context, run_path, &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    const char *name;
    double test;
    assert_done(context, us_run_metric(run, true, &name, &test));
    print_message("%s: test %s %.4g\n", path, name, test);
    assert_true(test >= at_least && test <= at_most);
    text *out = calloc(1, sizeof *out);
    assert_done(context, us_run_predict(context, run_path, path, collect, out));
    size_t lines = 0;
    for (size_t i = 0; i < out->length; i++) lines += out->bytes[i] == '\n';
    assert_in_range(lines, us_dataset_rows(us_data_train(us_run_data(run))), 30000);
    free(out);
    us_run_destroy(run);
    us_context_destroy(context);
}

static void irises_are_told_apart(void **state) { real_data(support_shared("data/iris/iris.data"), NULL, 100, 0.9, 1); }
static void housing_is_predicted(void **state) {
    real_data(support_shared("data/california-housing/housing.csv"), "median_house_value", 15, 60000, 80000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_in_the_unit_of_the_file),
        cmocka_unit_test(a_class_is_named_with_its_probabilities),
        cmocka_unit_test(the_training_file_is_not_needed),
        cmocka_unit_test(what_is_damaged_is_refused),
        cmocka_unit_test(predicting_survives_failing_allocations),
        cmocka_unit_test(irises_are_told_apart),
        cmocka_unit_test(housing_is_predicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
