/* A run from its creation to its end: what it leaves on disk, what it says of itself, and what it refuses. */
#include "fixture.h"
#include <jansson.h>
#include <unstuck/curvature.h>

typedef struct place {
    us_context *context;
    const char *data, *run;
    char folder[256];
    us_run_config config;
} place;

static place place_make(bool classes) {
    place p = {.context = support_plain_context()};
    snprintf(p.folder, sizeof p.folder, "%s", support_temporary_folder());
    p.data = fixture_path(p.folder, "data.csv");
    p.run = fixture_path(p.folder, "run");
    fixture_data(p.data, 160, classes);
    p.config = fixture_config(p.data);
    return p;
}

static json_t *summary(us_run *run, const char *status) {
    char *text = NULL;
    assert_done(us_run_context(run), us_run_summary(run, status, &text));
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    us_text_release(us_run_context(run), text);
    return object;
}

static double number(const json_t *object, const char *a, const char *b) {
    const json_t *value = json_object_get(object, a);
    if (b) value = json_object_get(value, b);
    if (!json_is_number(value)) fail_msg("%s %s is no number", a, b ? b : "");
    return json_number_value(value);
}

typedef struct watched {
    uint64_t calls, last, stop_at;
    double loss;
} watched;

static bool watch(void *user, const us_run_progress *progress) {
    watched *w = user;
    assert_true(progress->step >= w->last && progress->step <= progress->steps);
    w->calls++;
    w->last = progress->step;
    w->loss = progress->loss;
    return !w->stop_at || progress->step < w->stop_at;
}

static void a_run_is_created_trained_and_opened_again(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_string_equal(us_run_status(run), "new");
    assert_int_equal(us_run_steps_planned(run), 500);
    double first, loss, test;
    assert_done(p.context, us_run_loss(run, false, &first));
    watched w = {0};
    assert_done(p.context, us_run_advance(run, watch, &w));
    assert_string_equal(us_run_status(run), "finished");
    assert_int_equal(us_training_steps(us_run_training(run)), 500);
    assert_int_equal(w.last, 500);
    assert_done(p.context, us_run_loss(run, false, &loss));
    assert_done(p.context, us_run_loss(run, true, &test));
    assert_true(loss < 0.3 * first);
    assert_near(w.loss, loss, 0.5, 0);

    json_t *object = summary(run, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "status")), "finished");
    assert_near(number(object, "steps", NULL), 500, 0, 0);
    assert_near(number(object, "samples", NULL), 120, 0, 0);
    assert_near(number(object, "test_samples", NULL), 40, 0, 0);
    assert_near(number(object, "parameters", NULL), 3 * 8 + 8 + 8 + 1, 0, 0);
    assert_near(number(object, "epochs", NULL), 500 / 18.0, 0.01, 0); /* 120 rows in batches of 7: 18 steps an epoch */
    assert_near(number(object, "loss", "first"), first, 0, 0);
    assert_near(number(object, "loss", "last"), loss, 0, 0);
    assert_near(number(object, "loss", "best"), fmin(loss, number(object, "loss", "best")), 0, 0);
    assert_near(number(object, "loss", "test"), test, 0, 0);
    assert_string_equal(json_string_value(json_object_get(json_object_get(object, "metric"), "name")), "rmse");
    /* half-mse in the unit of the standardised target, rmse in the file's */
    double mean, scale;
    us_data_target_scale(us_run_data(run), &mean, &scale);
    assert_near(number(object, "metric", "train"), sqrt(2 * loss) * scale, 1e-4, 0);
    assert_near(number(object, "metric", "test"), sqrt(2 * test) * scale, 1e-4, 0);
    assert_string_equal(json_string_value(json_object_get(json_object_get(object, "optimizer"), "name")), "adam");
    assert_near(number(object, "optimizer", "lr"), 0.003, 0, 0);
    assert_near(number(object, "optimizer", "beta1"), 0.9, 0, 0);
    assert_true(json_is_null(json_object_get(object, "verdict")));
    us_run_destroy(run);

    assert_done(p.context, us_run_open(&run, p.context, p.run));
    json_t *again = summary(run, NULL);
    assert_true(json_equal(object, again));
    json_decref(object);
    json_decref(again);

    assert_done(p.context, us_run_advance(run, NULL, NULL)); /* nothing left to do */
    assert_int_equal(us_training_steps(us_run_training(run)), 500);
    assert_int_equal(us_run_extend(run, 0), US_ERR_ARGUMENT);
    assert_done(p.context, us_run_extend(run, 100));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    assert_int_equal(us_training_steps(us_run_training(run)), 600);
    us_run_destroy(run);
    assert_done(p.context, us_run_open(&run, p.context, p.run));
    assert_int_equal(us_run_steps_planned(run), 600);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void weights_are_readable_and_a_start_for_others(void **state) {
    place p = place_make(true);
    us_run *run = NULL, *other = NULL;
    us_tensors *tensors = NULL;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    assert_done(p.context, us_safetensors_read(&tensors, p.context, fixture_path(p.run, "model.safetensors")));
    assert_int_equal(us_tensors_count(tensors), 4);
    const us_tensor *weight = us_tensors_find(tensors, "layer2.weight");
    assert_non_null(weight);
    assert_string_equal(weight->dtype, "F32");
    assert_true(weight->rank == 2 && weight->shape[0] == 3 && weight->shape[1] == 8);
    us_tensors_destroy(tensors);

    char start[512];
    snprintf(start, sizeof start, "%s/model.safetensors", p.run);
    p.config.start = start;
    p.config.precision = US_F64;
    assert_done(p.context, us_run_create(&other, p.context, fixture_path(p.folder, "other"), &p.config));
    const us_vec *a = us_training_theta(us_run_training(run)), *b = us_training_theta(us_run_training(other));
    for (size_t i = 0; i < us_vec_size(a); i++) assert_true(us_vec_get(a, i) == us_vec_get(b, i));
    us_run_destroy(other);
    p.config.model = "mlp:9:tanh";
    assert_int_equal(us_run_create(&other, p.context, fixture_path(p.folder, "another"), &p.config), US_ERR_INPUT);
    assert_error_has(p.context, "layer1.weight is [8×3]; the model needs [9×3]");
    assert_int_equal(fixture_entries(p.folder), 3);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void one_seed_one_run(void **state) {
    place p = place_make(false);
    us_run *run = NULL, *other = NULL;
    const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        p.config.seed = i == 2 ? 2 : 1;
        assert_done(p.context, us_run_create(&run, p.context, fixture_path(p.folder, names[i]), &p.config));
        assert_done(p.context, us_run_advance(run, NULL, NULL));
        us_run_destroy(run);
    }
    fixture_assert_same_file(fixture_path(p.folder, "a/checkpoint.safetensors"),
                             fixture_path(p.folder, "b/checkpoint.safetensors"));
    size_t size = 0;
    char *a = fixture_read(fixture_path(p.folder, "a/model.safetensors"), &size),
         *c = fixture_read(fixture_path(p.folder, "c/model.safetensors"), &size);
    assert_memory_not_equal(a, c, size);
    free(a);
    free(c);
    /* the first weights alone: of the seed, whatever the precision */
    assert_done(p.context, us_run_create(&run, p.context, fixture_path(p.folder, "f32"), &p.config));
    p.config.precision = US_F64;
    assert_done(p.context, us_run_create(&other, p.context, fixture_path(p.folder, "f64"), &p.config));
    double first = us_vec_get(us_training_theta(us_run_training(run)), 0);
    assert_true(first == (double)(float)us_vec_get(us_training_theta(us_run_training(other)), 0));
    us_run_destroy(other);
    p.config.seed = 3;
    assert_done(p.context, us_run_create(&other, p.context, fixture_path(p.folder, "seed3"), &p.config));
    assert_true(first != (double)(float)us_vec_get(us_training_theta(us_run_training(other)), 0));
    us_run_destroy(other);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void an_interrupted_run_keeps_all_it_did(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
    p.config.steps = 20000000;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    watched w = {.stop_at = 1};
    assert_int_equal(us_run_advance(run, watch, &w), US_INTERRUPTED);
    assert_string_equal(us_run_status(run), "interrupted");
    uint64_t steps = us_training_steps(us_run_training(run));
    assert_in_range(steps, 1, 19999999);
    us_run_destroy(run);
    assert_done(p.context, us_run_open(&run, p.context, p.run));
    assert_int_equal(us_training_steps(us_run_training(run)), steps);
    us_context_cancel(p.context);
    assert_int_equal(us_run_advance(run, NULL, NULL), US_INTERRUPTED);
    us_context_resume(p.context);
    json_t *object = summary(run, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "status")), "interrupted");
    assert_int_equal(json_array_size(json_object_get(object, "events")), 3); /* interrupted, resumed, interrupted */
    json_decref(object);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void time_ends_a_run_too(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
    p.config.steps = 0;
    p.config.seconds = 0.15;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_true(us_run_steps_planned(run) == UINT64_MAX);
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    assert_string_equal(us_run_status(run), "finished");
    uint64_t steps = us_training_steps(us_run_training(run));
    assert_true(steps > 100);
    us_run_destroy(run);
    assert_done(p.context, us_run_open(&run, p.context, p.run)); /* its time is used up */
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    assert_int_equal(us_training_steps(us_run_training(run)), steps);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void a_divergence_keeps_the_last_good_checkpoint(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
    p.config.model = "linear";
    p.config.optimizer = "sgd";
    p.config.learning_rate = 50;
    p.config.batch = 0;
    p.config.steps = 5000;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_int_equal(us_run_advance(run, NULL, NULL), US_ERR_NONFINITE);
    assert_true(strlen(us_context_error(p.context)) > 10);
    assert_string_equal(us_run_status(run), "diverged");
    json_t *object = summary(run, NULL);
    const json_t *event = json_array_get(json_object_get(object, "events"), 0);
    assert_string_equal(json_string_value(json_object_get(event, "kind")), "diverged");
    assert_true(number(event, "step", NULL) > 2);
    assert_near(number(object, "loss", "best"), number(object, "loss", "first"), 1e-5, 0); /* it only ever rose */
    json_decref(object);
    us_run_destroy(run);
    assert_done(p.context, us_run_open(&run, p.context, p.run));
    assert_string_equal(us_run_status(run), "diverged");
    assert_int_equal(us_training_steps(us_run_training(run)), 0);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void another_training_is_adopted(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
    us_training *copy = NULL;
    p.config.steps = 50;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    assert_done(p.context, us_training_copy(&copy, us_run_training(run), NULL));
    assert_done(p.context, us_training_set_learning_rate(copy, 0.001, false));
    assert_done(p.context, us_training_advance(copy, 30));
    assert_done(p.context, us_run_adopt(run, copy, "remedy", "lower-lr"));
    us_training_destroy(copy);
    us_run_destroy(run);
    assert_done(p.context, us_run_open(&run, p.context, p.run));
    assert_int_equal(us_training_steps(us_run_training(run)), 80);
    assert_true(us_training_learning_rate(us_run_training(run)) == 0.001);
    assert_done(p.context, us_run_log_verdict(run, "{\"verdict\":\"crawling\"}"));
    assert_int_equal(us_run_log_verdict(run, "{verdict}"), US_ERR_ARGUMENT);
    assert_done(p.context, us_run_log_result(run, "units", "all", "{\"dead\":3}"));
    assert_int_equal(us_run_log_result(run, "units", "all", "{dead}"), US_ERR_ARGUMENT);
    char *results = NULL; /* read while the run is open */
    assert_done(p.context, us_run_results(p.context, p.run, "units", &results));
    assert_non_null(strstr(results, "\"dead\":3"));
    assert_non_null(strstr(results, "\"step\":80"));
    us_text_release(p.context, results);
    assert_done(p.context, us_run_set_status(run, "stuck"));
    assert_int_equal(us_run_set_status(run, "happy"), US_ERR_ARGUMENT);
    json_t *object = summary(run, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "status")), "stuck");
    assert_string_equal(json_string_value(json_object_get(json_object_get(object, "verdict"), "verdict")), "crawling");
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(object, "events"), 0), "text")),
                        "lower-lr");
    json_decref(object);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void creation_is_refused_and_leaves_nothing(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
#define REFUSED(change, status, word)                                                              \
    do {                                                                                           \
        us_run_config kept = p.config;                                                             \
        change;                                                                                    \
        us_status got = us_run_create(&run, p.context, p.run, &p.config);                          \
        if (got != (status)) fail_msg("%s: %s", us_status_name(got), us_context_error(p.context)); \
        assert_error_has(p.context, word);                                                         \
        assert_null(run);                                                                          \
        p.config = kept;                                                                           \
        assert_int_equal(fixture_entries(p.folder), 1);                                            \
    } while (0)
    REFUSED(p.config.batch = 121, US_ERR_ARGUMENT, "--batch is 121; there are 120 training rows");
    REFUSED(p.config.optimizer = "adma", US_ERR_ARGUMENT, "did you mean 'adam'?");
    REFUSED(p.config.learning_rate = -1, US_ERR_ARGUMENT, "--lr");
    REFUSED(p.config.data = fixture_path(p.folder, "none.csv"), US_ERR_INPUT, "none.csv");
    REFUSED(p.config.data_options.target = "z", US_ERR_INPUT, "z");
    REFUSED(p.config.model = "mlq:7", US_ERR_INPUT, "mlq");
    REFUSED(p.config.start = "layer1.bias=0", US_ERR_ARGUMENT, "--start");
    REFUSED(p.config.epochs = 1e300, US_ERR_ARGUMENT, "--epochs");
    REFUSED(p.run = fixture_path(p.folder, "no/such/run"), US_ERR_IO, "no/such/run");
#undef REFUSED
    p.run = fixture_path(p.folder, "run");
    mkdir(p.run, 0777);
    assert_int_equal(us_run_create(&run, p.context, p.run, &p.config), US_ERR_EXISTS);
    assert_error_has(p.context, "is there already");
    assert_int_equal(fixture_entries(p.run), 0);
    us_context_destroy(p.context);
}

static void moved_data_are_named_once(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
    char moved[512];
    us_run_open_options named = US_RUN_OPEN_OPTIONS_INIT;
    named.data = moved;
    snprintf(moved, sizeof moved, "%s.moved", p.data);
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    us_run_destroy(run);
    assert_int_equal(rename(p.data, moved), 0);
    assert_int_equal(us_run_open(&run, p.context, p.run), US_ERR_INPUT);
    assert_error_has(p.context, "if it was moved, say so once");
    assert_done(p.context, us_run_open_with(&run, p.context, p.run, &named));
    us_run_destroy(run);
    assert_done(p.context, us_run_open(&run, p.context, p.run));
    us_run_destroy(run);
    FILE *file = fopen(moved, "a"); /* not the same bytes */
    fputc('\n', file), fclose(file);
    assert_int_equal(us_run_open_with(&run, p.context, p.run, &named), US_ERR_INPUT);
    assert_error_has(p.context, "not the file that was trained on");
    us_context_destroy(p.context);
}

static void opening_is_refused_with_a_reason(void **state) {
    place p = place_make(false);
    us_run *run = NULL, *second = NULL;
    char checkpoint[512];
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.safetensors", p.run);
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_int_equal(us_run_open(&second, p.context, p.run), US_ERR_IO);
    assert_error_has(p.context, "another process is at work on this run");
    assert_true(us_run_is_busy(p.run));
    us_run_open_options look = US_RUN_OPEN_OPTIONS_INIT; /* to look at it is allowed, and to note what was seen */
    look.look = true;
    assert_done(p.context, us_run_open_with(&second, p.context, p.run, &look));
    double loss, seen;
    assert_done(p.context, us_run_loss(run, false, &loss));
    assert_done(p.context, us_run_loss(second, false, &seen));
    assert_true(loss == seen);
    assert_done(p.context, us_run_log_verdict(second, "{\"verdict\":\"crawling\"}"));
    assert_int_equal(us_run_advance(second, NULL, NULL), US_ERR_ARGUMENT);
    assert_error_has(p.context, "was opened to look at it");
    assert_int_equal(us_run_checkpoint(second), US_ERR_ARGUMENT);
    assert_int_equal(us_run_extend(second, 1), US_ERR_ARGUMENT);
    assert_int_equal(us_run_set_status(second, "stuck"), US_ERR_ARGUMENT);
    assert_int_equal(us_run_adopt(second, us_run_training(run), "a", "b"), US_ERR_ARGUMENT);
    us_run_destroy(second);
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);

    assert_int_equal(us_run_open(&run, p.context, fixture_path(p.folder, "none")), US_ERR_INPUT);
    assert_int_equal(us_run_open(&run, p.context, p.data), US_ERR_INPUT);
    assert_error_has(p.context, "no folder");
    assert_int_equal(us_run_open(&run, p.context, p.folder), US_ERR_INPUT);
    assert_error_has(p.context, "not a run");

    size_t size = 0;
    char *bytes = fixture_read(checkpoint, &size);
    const size_t lengths[] = {0, 1, 7, 8, 100, size / 2, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        fixture_write(checkpoint, bytes, lengths[i]);
        assert_int_equal(us_run_open(&run, p.context, p.run), US_ERR_INPUT);
        assert_error_has(p.context, "/run/checkpoint.safetensors: ");
    }
    uint64_t header;
    memcpy(&header, bytes, sizeof header);
    for (size_t at = 8 + header; at < size; at += 1 + size / 97) {
        bytes[at] ^= 0x10;
        fixture_write(checkpoint, bytes, size);
        us_status status = us_run_open(&run, p.context, p.run);
        if (status != US_ERR_INPUT) fail_msg("byte %zu of %zu flipped: %s", at, size, us_status_name(status));
        bytes[at] ^= 0x10;
    }
    unlink(checkpoint);
    assert_int_equal(us_run_open(&run, p.context, p.run), US_ERR_INPUT);
    assert_error_has(p.context, "checkpoint.safetensors");
    fixture_write(checkpoint, bytes, size);
    free(bytes);

    char *data = fixture_read(p.data, &size), *digit = strchr(strchr(data, '\n'), '1');
    *digit = '2';
    fixture_write(p.data, data, size);
    assert_int_equal(us_run_open(&run, p.context, p.run), US_ERR_INPUT);
    assert_error_has(p.context, "data.csv");
    *digit = '1';
    fixture_write(p.data, data, size);
    free(data);
    assert_done(p.context, us_run_open(&run, p.context, p.run));
    us_run_destroy(run);
    unlink(p.data);
    assert_int_equal(us_run_open(&run, p.context, p.run), US_ERR_INPUT);
    us_context_destroy(p.context);
}

static void a_formula_is_fitted_in_the_unit_of_the_file(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
    p.config = (us_run_config)US_RUN_CONFIG_INIT;
    p.config.data = p.data;
    p.config.model = "formula: mean + slope*c";
    p.config.start = "mean=100";
    p.config.optimizer = "sgd";
    p.config.learning_rate = 0.5;
    p.config.steps = 3000;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    assert_true(us_problem_precision(us_training_problem(us_run_training(run))) == US_F64);
    assert_int_equal(us_training_batch(us_run_training(run)), 160);
    assert_null(us_data_test(us_run_data(run)));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    /* the least-squares line of y on c, from sums */
    const us_dataset *d = us_data_train(us_run_data(run));
    const double *x = us_dataset_features_const(d), *y = us_dataset_targets_const(d);
    double n = 160, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < 160; i++)
        sx += x[3 * i + 2], sy += y[i], sxx += x[3 * i + 2] * x[3 * i + 2], sxy += x[3 * i + 2] * y[i];
    double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
    json_t *object = summary(run, NULL);
    assert_near(number(object, "at", "slope"), slope, 1e-9, 0);
    assert_near(number(object, "at", "mean"), (sy - slope * sx) / n, 1e-9, 0);
    assert_true(json_is_null(json_object_get(json_object_get(object, "loss"), "test")));
    json_decref(object);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static us_status create_body(us_context *context, void *user) {
    place *p = user;
    us_run *run = NULL;
    char *text = NULL;
    us_status status = us_run_create(&run, context, p->run, &p->config);
    if (status == US_OK) status = us_run_advance(run, NULL, NULL);
    if (status == US_OK) status = us_run_summary(run, NULL, &text);
    us_text_release(context, text);
    us_run_destroy(run);
    if (access(p->run, F_OK) == 0) assert_int_equal(us_run_remove(p->context, p->run), US_OK);
    assert_int_equal(fixture_entries(p->folder), 1);
    return status;
}

static us_status open_body(us_context *context, void *user) {
    us_run *run = NULL;
    us_status status = us_run_open(&run, context, ((place *)user)->run);
    us_run_destroy(run);
    return status;
}

static void a_failed_allocation_leaves_nothing(void **state) {
    place p = place_make(false);
    p.config.steps = 2;
    support_fail_each_allocation(create_body, &p);
    us_run *run = NULL;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    us_run_destroy(run);
    support_fail_each_allocation(open_body, &p);
    us_context_destroy(p.context);
}

/* Linear regression with full batches: the Hessian is constant, and gradient descent bears rates up to 2/λ. */
static void an_automatic_rate_is_measured_and_kept(void **state) {
    place p = place_make(false);
    us_run *run = NULL;
    p.config.model = "linear";
    p.config.optimizer = "sgd";
    p.config.batch = 0;
    p.config.steps = 20;
    p.config.precision = US_F64;
    p.config.learning_rate = 0;
    p.config.learning_rate_auto = true;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    us_spectrum *spectrum = NULL;
    us_training *t = us_run_training(run);
    assert_done(p.context, us_spectrum_dense(&spectrum, us_training_problem(t), us_training_theta(t), NULL));
    double rate = us_training_learning_rate(t), limit = 2 / spectrum->values[spectrum->n - 1];
    assert_true(rate > 0.4 * limit &&
                rate <= 0.5 * limit * (1 + 1e-3)); /* along -g a step may be longer than 2/λ, never less */
    double first, last;
    assert_done(p.context, us_run_loss(run, false, &first));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    assert_done(p.context, us_run_loss(run, false, &last));
    assert_true(last < first);
    us_run_destroy(run);
    assert_done(p.context, us_run_open(&run, p.context, p.run));
    assert_true(us_training_learning_rate(us_run_training(run)) == rate);
    json_t *object = summary(run, NULL);
    const json_t *event = json_array_get(json_object_get(object, "events"), 0);
    assert_string_equal(json_string_value(json_object_get(event, "kind")), "learning-rate");
    json_decref(object);
    us_run_destroy(run);
    us_spectrum_destroy(spectrum);

    static const char *const RULES[] = {"sgd", "momentum", "adam", "adamw", "rmsprop", "lion"};
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) { /* batches, and a loss that is no quadratic */
        p.config = fixture_config(p.data);
        p.config.optimizer = RULES[i];
        p.config.steps = 200;
        p.config.learning_rate = 0;
        p.config.learning_rate_auto = true;
        assert_done(p.context, us_run_create(&run, p.context, fixture_path(p.folder, RULES[i]), &p.config));
        assert_done(p.context, us_run_loss(run, false, &first));
        assert_done(p.context, us_run_advance(run, NULL, NULL));
        assert_done(p.context, us_run_loss(run, false, &last));
        if (!(last < 0.7 * first)) fail_msg("%s: %g -> %g", RULES[i], first, last);
        us_run_destroy(run);
    }
    us_context_destroy(p.context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_automatic_rate_is_measured_and_kept),
        cmocka_unit_test(a_run_is_created_trained_and_opened_again),
        cmocka_unit_test(weights_are_readable_and_a_start_for_others),
        cmocka_unit_test(one_seed_one_run),
        cmocka_unit_test(an_interrupted_run_keeps_all_it_did),
        cmocka_unit_test(time_ends_a_run_too),
        cmocka_unit_test(a_divergence_keeps_the_last_good_checkpoint),
        cmocka_unit_test(another_training_is_adopted),
        cmocka_unit_test(creation_is_refused_and_leaves_nothing),
        cmocka_unit_test(moved_data_are_named_once),
        cmocka_unit_test(opening_is_refused_with_a_reason),
        cmocka_unit_test(a_formula_is_fitted_in_the_unit_of_the_file),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
