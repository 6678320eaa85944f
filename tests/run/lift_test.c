/* The run with more hidden units: the same function, a way down that the smaller model has not, and a run that loads,
 * resumes and predicts; refused with a reason; and killed at every moment of being taken, it opens. */
#include "model/model.h"
#include "run/fixture.h"
#include <dlfcn.h>
#include <jansson.h>
#include <math.h>
#include <sys/wait.h>

/* ------------------------------------------------------------------ a kill at a call that reaches the disk */

static long calls_left = -1; /* before the process ends; −1: it does not */

static void call_counts(void) {
    if (calls_left > 0 && --calls_left == 0) _exit(77);
}

int rename(const char *from, const char *to) {
    call_counts();
    return ((int (*)(const char *, const char *))(uintptr_t)dlsym(RTLD_NEXT, "rename"))(from, to);
}
int unlink(const char *path) {
    call_counts();
    return ((int (*)(const char *))(uintptr_t)dlsym(RTLD_NEXT, "unlink"))(path);
}
int fsync(int file) {
    call_counts();
    return ((int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, "fsync"))(file);
}
int fdatasync(int file) {
    call_counts();
    return ((int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, "fdatasync"))(file);
}

/* ------------------------------------------------------------------ a teacher of three units, a student of fewer */

typedef struct place {
    us_context *context;
    const char *data, *run, *folder;
    us_run_config config;
} place;

static place place_make(const char *model, bool classes, uint64_t steps) {
    place p = {.context = support_plain_context(), .folder = support_temporary_folder()};
    p.data = fixture_path(p.folder, "data.csv"), p.run = fixture_path(p.folder, "run");
    us_rng rng = us_rng_init(5, 0);
    FILE *file = fopen(p.data, "w");
    assert_non_null(file);
    fprintf(file, "a,b,y\n");
    for (int i = 0; i < 100; i++) {
        double a = us_rng_normal(&rng), b = us_rng_normal(&rng);
        double y = tanh(2 * a - 0.5) - tanh(1.5 * b + 0.3) + 0.8 * tanh(a + 2 * b);
        fprintf(file, "%.9g,%.9g,", a, b);
        fprintf(file, classes ? (a * b > 0 ? "same\n" : "other\n") : "%.9g\n", y);
    }
    assert_int_equal(fclose(file), 0);
    p.config = (us_run_config)US_RUN_CONFIG_INIT;
    p.config.data = p.data;
    p.config.model = model;
    p.config.optimizer = "momentum";
    p.config.learning_rate = 0.1;
    p.config.batch = 0;
    p.config.steps = steps;
    p.config.precision = US_F64;
    p.config.data_options.test_fraction = 0;
    return p;
}

static us_run *place_train(place *p) {
    us_run *run = NULL;
    assert_done(p->context, us_run_create(&run, p->context, p->run, &p->config));
    assert_done(p->context, us_run_advance(run, NULL, NULL));
    return run;
}

/* ------------------------------------------------------------------ the same function */

/* θ drawn at random, of the model and of the widened one: equal losses on every row. */
static void check_widened(const char *text, const char *wider, size_t layers, const size_t *parents, size_t parent_count) {
    place p = place_make(text, false, 1);
    us_run *run = NULL, *other = NULL;
    assert_done(p.context, us_run_create(&run, p.context, p.run, &p.config));
    us__hidden *hidden = NULL;
    size_t count, groups, at = 0;
    assert_done(p.context, us__hidden_list(us_run_model(run), &hidden, &count));
    assert_int_equal(count, layers);
    for (size_t i = 0; i < parent_count; i++) /* (layer, unit) pairs */
        assert_done(p.context, us__hidden_split(p.context, &hidden[parents[2 * i]], parents[2 * i + 1]));
    char *made = NULL;
    assert_done(p.context, us__hidden_text(p.context, text, hidden, count, &made));
    assert_string_equal(made, wider);
    p.config.model = made;
    assert_done(p.context, us_run_create(&other, p.context, fixture_path(p.folder, "wider"), &p.config));
    us_problem *small = us_training_problem(us_run_training(run)), *large = us_training_problem(us_run_training(other));
    us_vec *theta = NULL, *lifted = NULL;
    assert_done(p.context, us_vec_create(&theta, p.context, US_F64, us_problem_dimension(small)));
    assert_done(p.context, us_vec_create(&lifted, p.context, US_F64, us_problem_dimension(large)));
    us_rng rng = us_rng_init(9, 1);
    us_vec_fill_normal(theta, &rng);
    const us_group *before = us_problem_groups(small, &groups), *after = us_problem_groups(large, &groups);
    us__hidden_theta(hidden, count, before, after, groups, us_vec_data_const(theta), us_vec_data(lifted));
    for (uint32_t row = 0; row < 100; row++, at++) {
        double a, b;
        assert_done(p.context, us_problem_value(small, theta, (us_batch){&row, 1, 0}, &a));
        assert_done(p.context, us_problem_value(large, lifted, (us_batch){&row, 1, 0}, &b));
        assert_near(a, b, 1e-12, 1e-13);
    }
    us_vec_destroy(theta);
    us_vec_destroy(lifted);
    us__hidden_release(p.context, hidden, count);
    us__release(p.context, made);
    us_run_destroy(other);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void a_split_unit_is_the_same_function(void **state) {
    check_widened("mlp:2:sigmoid", "mlp:3:sigmoid", 1, (size_t[]){0, 1}, 1);
    check_widened("mlp:3,4:tanh", "mlp:5,6:tanh", 2, (size_t[]){0, 2, 0, 2, 1, 0, 1, 3}, 4);
    check_widened("dense 5 tanh, residual(dense 4 gelu, dense 5), dense 3 silu", /* the first is read twice */
                  "dense 5 tanh, residual(dense 6 gelu, dense 5), dense 4 silu", 2, (size_t[]){0, 0, 0, 0, 1, 2}, 3);
    check_widened("dense 9, tanh, dropout 0.5, dense 1", "dense 10, tanh, dropout 0.5, dense 1", 1, (size_t[]){0, 8}, 1);
}

/* ------------------------------------------------------------------ the way down */

/* Two tanh units do what they can for a teacher of three. The lifted training lies lower at once, and its own steps bring it
 * to a loss that two units cannot have; everything that is the run's follows. */
static void check_lifted(const char *model, const char *lifted, bool classes) {
    place p = place_make(model, classes, 6000);
    print_message("%s\n", model);
    us_run *run = place_train(&p);
    us_remade remade;
    double before, after, lower, old[100], now[100];
    assert_done(p.context, us_run_loss(run, false, &before));
    size_t more = classes ? 5 : 4, n = us_problem_dimension(us_training_problem(us_run_training(run))),
           places = us_run_path_count(run);
    assert_done(p.context, us_run_remake(run, "lift", &remade));
    us_problem *wider = us_training_problem(remade.training);
    assert_true(us_problem_dimension(wider) == n + more);
    assert_int_equal(us_training_steps(remade.training), 6000);
    assert_true(remade.unit[0] == 1 && remade.unit[1] == 1);
    assert_non_null(strstr(remade.what, "layer1 from "));
    double each = (double)more * log(100) / 100; /* the price by its definition */
    assert_near(remade.price, classes ? each / 2 : before * (1 - exp(-each)), 1e-9, 0);
    assert_done(p.context, us_problem_value(wider, us_training_theta(remade.training), US_BATCH_ALL, &after));
    assert_true(after < before);
    assert_true(us_vec_norm2(us_training_state(remade.training, 0)) == 0);
    assert_done(p.context, us_training_advance(remade.training, 20000));
    assert_done(p.context, us_run_adopt(run, remade.training, "remedy", "lift"));
    us_training_destroy(remade.training);
    assert_done(p.context, us_run_loss(run, false, &after));
    assert_true(after < (classes ? 0.7 : 0.3) * before);
    assert_int_equal(us_run_path_count(run), places);
    for (size_t i = 0; i < places; i++) { /* each place as a θ of the wider model: at the last but one, the loss before */
        uint64_t step;
        us_vec *theta = NULL;
        double loss;
        assert_done(p.context, us_vec_create(&theta, p.context, US_F64, n + more));
        assert_done(p.context, us_run_path_at(run, i, &step, theta));
        assert_done(p.context, us_problem_value(us_training_problem(us_run_training(run)), theta, US_BATCH_ALL, &loss));
        if (step == 0) assert_near(loss, us_run_first_loss(run), 1e-9, 0);
        us_vec_destroy(theta);
    }
    fixture_predictions(p.context, p.run, p.data, old, 100);
    us_run_destroy(run);

    assert_done(p.context, us_run_open(&run, p.context, p.run));
    assert_non_null(strstr(us_run_config_json(run), lifted));
    assert_done(p.context, us_run_loss(run, false, &lower));
    assert_true(lower == after);
    fixture_predictions(p.context, p.run, p.data, now, 100);
    assert_memory_equal(old, now, sizeof old);
    assert_done(p.context, us_run_extend(run, 500));
    assert_done(p.context, us_run_advance(run, NULL, NULL));
    assert_done(p.context, us_run_loss(run, false, &lower));
    assert_true(lower <= after);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void the_larger_model_has_a_way_down(void **state) {
    check_lifted("mlp:2:tanh", "\"model\":\"mlp:3:tanh\"", false);
    check_lifted("dense 2 sigmoid", "\"model\":\"dense 3 sigmoid\"", false);
    check_lifted("mlp:2:tanh", "\"model\":\"mlp:3:tanh\"", true); /* quadrants are no matter for two */
}

static void refused(const char *model, double l2, const char *because) {
    place p = place_make(model, false, 400);
    p.config.l2 = l2;
    us_run *run = place_train(&p);
    us_remade remade;
    us_status status = us_run_remake(run, "lift", &remade);
    assert_int_equal(status, US_ERR_UNSUPPORTED);
    assert_error_has(p.context, because);
    assert_null(remade.training);
    assert_int_equal(us_run_remake(run, "pray", &remade), US_NOT_FOUND);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

static void what_cannot_be_lifted_says_why(void **state) {
    refused("linear", 0, "no hidden layer");
    refused("mlp:2:tanh", 1e-3, "--l2");
    refused("dense 4, batch-norm, tanh", 0, "normalised over the batch");
    refused("3*(dense 4 tanh)", 0, "written by itself");
    refused("mlp:4:relu", 0, "no unit would gain"); /* a relu is straight wherever it has a slope */
    refused("mlp:3:linear", 0, "no hidden layer");
}

/* ------------------------------------------------------------------ all or nothing */

static us_status adopt_body(us_context *context, void *user) {
    const place *p = user;
    us_run *run = NULL;
    us_remade remade = {NULL};
    us_status status = us_run_open(&run, context, p->run);
    if (status == US_OK) status = us_run_remake(run, "lift", &remade);
    if (status == US_OK) status = us_run_adopt(run, remade.training, "remedy", "lift");
    us_training_destroy(remade.training);
    us_run_destroy(run);
    return status;
}

static void failing_allocations_leave_it_as_it_was(void **state) {
    place p = place_make("mlp:2:tanh", false, 2000);
    us_run_destroy(place_train(&p));
    double before[100], after[100];
    fixture_predictions(p.context, p.run, p.data, before, 100);
    support_fail_each_allocation(adopt_body, &p); /* a run that failed half-way would not open the next time */
    fixture_predictions(p.context, p.run, p.data, after, 100);
    for (int i = 0; i < 100; i++) assert_near(after[i], before[i], 0.5, 0.5);
    us_context_destroy(p.context);
}

/* The number that begins a run's config "model":"mlp:N. */
static int model_units(us_context *context, const char *folder) {
    us_run *run = NULL;
    assert_done(context, us_run_open(&run, context, folder));
    const char *at = strstr(us_run_config_json(run), "\"model\":\"mlp:");
    assert_non_null(at);
    int units = atoi(at + strlen("\"model\":\"mlp:"));
    us_run_destroy(run);
    return units;
}

/* Ended at the k-th call that reaches the disk, for every k: what is there predicts, before anything has opened it, and
 * opens, as one model or as the other, and both speak of one function: the splits alone are not followed here. */
static void a_kill_at_any_moment_leaves_a_run_that_opens(void **state) {
    place p = place_make("mlp:2:tanh", false, 2000);
    us_run_destroy(place_train(&p));
    double before[100], lifted[100] = {0}, now[100];
    fixture_predictions(p.context, p.run, p.data, before, 100);
    char command[2000];
    int seen[2] = {0, 0}, how = 0, k = 1;
    for (bool over = false; !over; k++) {
        assert_true(k < 500);
        const char *copy = fixture_path(p.folder, "copy");
        snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", copy, p.run, copy);
        assert_int_equal(system(command), 0);
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            us_context *context = NULL;
            us_context_create(&context, NULL);
            place q = {.run = copy};
            us_run *run = NULL;
            us_remade remade;
            us_status status = us_run_open(&run, context, q.run);
            if (status == US_OK) status = us_run_remake(run, "lift", &remade);
            calls_left = k;
            if (status == US_OK) status = us_run_adopt(run, remade.training, "remedy", "lift");
            calls_left = -1;
            _exit(status == US_OK ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFEXITED(how) && (WEXITSTATUS(how) == 0 || WEXITSTATUS(how) == 77));
        over = WEXITSTATUS(how) == 0;
        fixture_predictions(p.context, copy, p.data, now, 100);
        int units = model_units(p.context, copy);
        assert_true(units == 2 || units == 3);
        if (units == 3 && !seen[1]) memcpy(lifted, now, sizeof lifted);
        assert_memory_equal(now, units == 2 ? before : lifted, sizeof now);
        seen[units - 2]++;
        fixture_predictions(p.context, copy, p.data, now, 100); /* and once it was opened */
        assert_memory_equal(now, units == 2 ? before : lifted, sizeof now);
        us_run *run = NULL;
        assert_done(p.context, us_run_open(&run, p.context, copy));
        assert_done(p.context, us_run_extend(run, 10));
        assert_done(p.context, us_run_advance(run, NULL, NULL));
        us_run_destroy(run);
    }
    print_message("%d moments: %d before, %d after\n", k - 1, seen[0], seen[1]);
    assert_true(seen[0] > 3 && seen[1] > 3);
    us_context_destroy(p.context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_unit_is_the_same_function),
        cmocka_unit_test(the_larger_model_has_a_way_down),
        cmocka_unit_test(what_cannot_be_lifted_says_why),
        cmocka_unit_test(failing_allocations_leave_it_as_it_was),
        cmocka_unit_test(a_kill_at_any_moment_leaves_a_run_that_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
