/* A run that is killed at random moments, again and again, ends in the same bits as one that never was. Everything runs
 * in processes of its own: this one only forks, kills and compares. */
#include "fixture.h"
#include <signal.h>
#include <sys/wait.h>

/* In a child: goes on with a run to its end. */
static int go_on(const char *folder) {
    us_context *context = NULL;
    us_run *run = NULL;
    us_context_create(&context, NULL);
    us_status status = us_run_open(&run, context, folder);
    if (status == US_OK) status = us_run_advance(run, NULL, NULL);
    if (status != US_OK) fprintf(stderr, "%s: %s\n", us_status_name(status), us_context_error(context));
    us_run_destroy(run);
    us_context_destroy(context);
    return status == US_OK ? 0 : 1;
}

static int create(const char *folder, const us_run_config *config) {
    us_context *context = NULL;
    us_run *run = NULL;
    us_context_create(&context, NULL);
    us_status status = us_run_create(&run, context, folder, config);
    if (status != US_OK) fprintf(stderr, "%s: %s\n", us_status_name(status), us_context_error(context));
    us_run_destroy(run);
    us_context_destroy(context);
    return status == US_OK ? 0 : 1;
}

/* Forks a child that creates (with a config) or goes on; kills it after some microseconds unless that is 0.
 * True when it ended by itself. */
static bool in_child(const char *folder, const us_run_config *config, unsigned microseconds) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(config ? create(folder, config) : go_on(folder));
    if (microseconds) {
        usleep(microseconds);
        kill(child, SIGKILL);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    if (WIFSIGNALED(how)) {
        assert_int_equal(WTERMSIG(how), SIGKILL);
        return false;
    }
    assert_int_equal(WEXITSTATUS(how), 0);
    return true;
}

static void ends_in_the_same_bits(const us_run_config *base, const char *folder, uint64_t seed) {
    us_run_config config = *base;
    const char *never = fixture_path(folder, "never"), *often = fixture_path(folder, "often");
    assert_true(in_child(never, &config, 0));
    assert_true(in_child(never, NULL, 0));

    us_rng rng = us_rng_init(seed, 0);
    config.checkpoint_seconds = 0.004;
    int kills = 0;
    assert_true(in_child(often, &config, 0));
    /* ever later, so that the slowest machine comes to a next checkpoint */
    while (kills < 500 && !in_child(often, NULL, 2000 + us_rng_below(&rng, 20000 + 2000 * (uint32_t)kills))) kills++;
    print_message("%d kills\n", kills);
    assert_in_range(kills, 3, 499);
    fixture_assert_same_file(fixture_path(never, "model.safetensors"), fixture_path(often, "model.safetensors"));
    fixture_assert_same_file(fixture_path(never, "checkpoint.safetensors"), fixture_path(often, "checkpoint.safetensors"));
}

static void shuffled_mini_batches_of_adam_in_f32(void **state) {
    const char *folder = support_temporary_folder();
    fixture_data(fixture_path(folder, "data.csv"), 150, false);
    us_run_config config = fixture_config(fixture_path(folder, "data.csv"));
    config.steps = 30000;
    ends_in_the_same_bits(&config, folder, 1);
}

static void rows_drawn_anew_in_f64_with_a_schedule_and_a_penalty(void **state) {
    const char *folder = support_temporary_folder();
    fixture_data(fixture_path(folder, "data.csv"), 150, true);
    us_run_config config = fixture_config(fixture_path(folder, "data.csv"));
    config.steps = 30000;
    config.precision = US_F64;
    config.sampling = US_SAMPLING_REPLACEMENT;
    config.schedule = "exp:0.9999";
    config.warmup = 100;
    config.l2 = 1e-3;
    config.clip_norm = 1;
    config.optimizer = "momentum";
    ends_in_the_same_bits(&config, folder, 2);
}

static void a_creation_that_is_killed_leaves_no_half_run(void **state) {
    const char *folder = support_temporary_folder();
    fixture_data(fixture_path(folder, "data.csv"), 150, false);
    us_run_config config = fixture_config(fixture_path(folder, "data.csv"));
    config.steps = 10;
    us_rng rng = us_rng_init(3, 0);
    int whole = 0;
    double began = us_clock_now();
    assert_true(in_child(fixture_path(folder, "first"), &config, 0));
    uint32_t took = (uint32_t)(1e6 * (us_clock_now() - began));
    for (int i = 0; i < 30; i++) {
        char name[32];
        snprintf(name, sizeof name, "run%d", i);
        const char *run = fixture_path(folder, name);
        in_child(run, &config, 200 + us_rng_below(&rng, took + took / 4));
        if (access(run, F_OK) != 0) continue;
        whole++;
        assert_true(in_child(run, NULL, 0));
    }
    print_message("%d of 30 were whole\n", whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffled_mini_batches_of_adam_in_f32),
        cmocka_unit_test(rows_drawn_anew_in_f64_with_a_schedule_and_a_penalty),
        cmocka_unit_test(a_creation_that_is_killed_leaves_no_half_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
