/* The way that a training took, as a run keeps it. */
#include "fixture.h"

typedef struct seen {
    size_t n, count;
    double *places; /* [count×n], every step */
} seen;

static bool path_see(void *user, const us_training *training, const us_step_info *info) {
    seen *s = user;
    if (info->step < s->count) us_vec_read_f64(info->theta, s->places + info->step * s->n);
    return true;
}

/* Every place is θ at its step, steps are even multiples from 0, and there are at least half as many as may be. */
static void check_path(us_run *run, const seen *s, size_t most) {
    size_t count = us_run_path_count(run);
    us_vec *theta;
    double *values = calloc(s->n, sizeof *values);
    assert_in_range(count, most / 2, most);
    assert_done(us_run_context(run), us_vec_create(&theta, us_run_context(run), US_F64, s->n));
    uint64_t first, stride = 0, step;
    for (size_t i = 0; i < count; i++) {
        assert_done(us_run_context(run), us_run_path_at(run, i, &step, theta));
        if (i == 0) first = step;
        if (i == 1) stride = step - first;
        assert_int_equal(step, i * stride);
        us_vec_read_f64(theta, values);
        assert_memory_equal(values, s->places + step * s->n, s->n * sizeof *values);
    }
    assert_int_equal(us_run_path_at(run, count, &step, theta), US_ERR_ARGUMENT);
    us_vec_destroy(theta);
    free(values);
}

static void test_places(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "d.csv"), *r = fixture_path(folder, "r");
    fixture_data(data, 60, false);
    us_run_config config = fixture_config(data);
    config.keep_path = 21;
    us_run *run;
    assert_done(context, us_run_create(&run, context, r, &config));
    seen s = {.n = us_vec_size(us_training_theta(us_run_training(run))), .count = config.steps + 1};
    s.places = calloc(s.count * s.n, sizeof *s.places);
    us_vec_read_f64(us_training_theta(us_run_training(run)), s.places);
    assert_done(context, us_training_observe(us_run_training(run), path_see, &s));
    assert_done(context, us_run_advance(run, NULL, NULL));
    check_path(run, &s, 21);
    us_run_destroy(run);
    assert_done(context, us_run_open(&run, context, r));
    check_path(run, &s, 21);
    /* It goes on, and a copy that is behind takes the places beyond it away. */
    us_training *back;
    assert_done(context, us_training_copy(&back, us_run_training(run), NULL));
    size_t before = us_run_path_count(run);
    assert_done(context, us_run_extend(run, 100));
    assert_done(context, us_run_advance(run, NULL, NULL));
    assert_true(us_run_path_count(run) != before);
    assert_done(context, us_run_adopt(run, back, "test", "back"));
    uint64_t step;
    us_vec *theta;
    assert_done(context, us_vec_create(&theta, context, US_F32, s.n));
    assert_done(context, us_run_path_at(run, us_run_path_count(run) - 1, &step, theta));
    assert_true(step <= us_training_steps(back));
    us_vec_destroy(theta);
    us_training_destroy(back);
    us_run_destroy(run);
    free(s.places);
    us_context_destroy(context);
}

/* A run that was interrupted ends with the path of one that was not. */
static bool path_stop(void *user, const us_training *training, const us_step_info *info) { return info->step < 333; }

static void test_resumed_equals_whole(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "d.csv");
    fixture_data(data, 60, false);
    us_run_config config = fixture_config(data);
    us_run *run;
    assert_done(context, us_run_create(&run, context, fixture_path(folder, "whole"), &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
    assert_done(context, us_run_create(&run, context, fixture_path(folder, "parts"), &config));
    assert_done(context, us_training_observe(us_run_training(run), path_stop, NULL));
    assert_int_equal(us_run_advance(run, NULL, NULL), US_STOPPED);
    us_run_destroy(run);
    assert_done(context, us_run_open(&run, context, fixture_path(folder, "parts")));
    assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
    fixture_assert_same_file(fixture_path(folder, "whole/path.safetensors"), fixture_path(folder, "parts/path.safetensors"));
    us_context_destroy(context);
}

static void test_none_and_damaged(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "d.csv");
    fixture_data(data, 60, false);
    us_run_config config = fixture_config(data);
    config.keep_path = 0;
    us_run *run;
    assert_done(context, us_run_create(&run, context, fixture_path(folder, "none"), &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    assert_int_equal(us_run_path_count(run), 0);
    us_run_destroy(run);
    assert_int_not_equal(access(fixture_path(folder, "none/path.safetensors"), F_OK), 0);
    config.keep_path = 1;
    assert_int_equal(us_run_create(&run, context, fixture_path(folder, "one"), &config), US_ERR_ARGUMENT);
    assert_error_has(context, "--keep-path");
    config.keep_path = 10;
    assert_done(context, us_run_create(&run, context, fixture_path(folder, "some"), &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
    fixture_write(fixture_path(folder, "some/path.safetensors"), "rubbish", 7);
    assert_done(context, us_run_open(&run, context, fixture_path(folder, "some")));
    assert_int_equal(us_run_path_count(run), 1); /* where it is */
    us_run_destroy(run);
    assert_done(context, us_run_remove(context, fixture_path(folder, "some"))); /* with its path */
    us_context_destroy(context);
}

/* Opened with a path that was kept, gone on with, and kept again. */
static us_status path_body(us_context *context, void *user) {
    us_run *run = NULL;
    us_status status = us_run_open(&run, context, user);
    if (!status) status = us_run_extend(run, 1);
    if (!status) status = us_run_advance(run, NULL, NULL);
    if (!status) assert_in_range(us_run_path_count(run), 4, 8);
    us_run_destroy(run);
    return status;
}

static void test_failing_allocations(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "d.csv");
    static char kept[512];
    fixture_data(data, 30, false);
    us_run_config config = fixture_config(data);
    config.keep_path = 8, config.steps = 20;
    us_run *run;
    snprintf(kept, sizeof kept, "%s", fixture_path(folder, "r"));
    assert_done(context, us_run_create(&run, context, kept, &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
    support_fail_each_allocation(path_body, kept);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_resumed_equals_whole),
        cmocka_unit_test(test_none_and_damaged),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
