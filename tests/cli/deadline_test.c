/* The deadline of --unstick-share, in work counted, not in time: the alarm is raised here, after so many gradients. */
#include "support.h"
#include <signal.h>
#include <sys/time.h>
#include <unstuck/diagnose.h>

#include "../../src/cli/cli.h"

/* f = Σ cosh θᵢ, whose evaluations are counted; the alarm sounds, or Ctrl-C is pressed, at one of them. */
enum { SUMS = 3 };
static int asked, alarm_at, signal_raised;

static int sum_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const double *x = theta;
    *loss = 0;
    for (int i = 0; i < SUMS; i++) *loss += cosh(x[i]);
    for (int i = 0; gradient && i < SUMS; i++) ((double *)gradient)[i] = sinh(x[i]);
    if (++asked == alarm_at) raise(signal_raised);
    return 0;
}

static int sum_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return sum_gradient(user, theta, rows, count, loss, NULL);
}

static us_training *sum_training(us_context *context, us_problem **problem) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    us_training *training;
    us_vec *theta;
    callback.dimension = SUMS, callback.value = sum_value, callback.gradient = sum_gradient;
    assert_int_equal(us_problem_create_callback(problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, SUMS), US_OK);
    us_vec_fill(theta, 1.25);
    o.learning_rate = 1e-4;
    assert_int_equal(us_training_create(&training, *problem, theta, &o), US_OK);
    us_vec_destroy(theta);
    return training;
}

static const cli_command COMMAND = {.name = "train"};

static void the_alarm_ends_work_and_is_taken_back(void **state) {
    us_context *context = cli_context(true, 1);
    us_problem *problem;
    us_training *training = sum_training(context, &problem);
    us_diagnosis *d;
    assert_non_null(context);
    cli_deadline_set(1e6);
    struct itimerval timer;
    assert_int_equal(getitimer(ITIMER_REAL, &timer), 0);
    assert_true(timer.it_value.tv_sec > 900000 && timer.it_value.tv_sec <= 1000000);
    assert_int_equal(timer.it_interval.tv_sec + timer.it_interval.tv_usec, 0); /* it sounds once */
    signal_raised = SIGALRM, alarm_at = 7, asked = 0;
    assert_int_equal(us_training_advance(training, 1000), US_INTERRUPTED);
    assert_int_equal(asked, 7); /* not one more */
    assert_int_equal(us_training_steps(training), 7);
    assert_int_equal(cli_error(&COMMAND, context, US_INTERRUPTED), CLI_INTERRUPTED);
    assert_true(cli_deadline_end(context));
    assert_false(us_context_cancelled(context));
    assert_int_equal(getitimer(ITIMER_REAL, &timer), 0);
    assert_int_equal(timer.it_value.tv_sec + timer.it_value.tv_usec, 0);

    /* a diagnosis, wherever the alarm finds it, ends within a few evaluations, and the training is as it was */
    alarm_at = 0, asked = 0;
    assert_int_equal(us_diagnose(&d, training, NULL), US_OK);
    us_diagnosis_destroy(d);
    int whole = asked, most = 0;
    for (int at = 1; at <= whole; at += 1 + whole / 60) {
        cli_deadline_set(1e6);
        alarm_at = at, asked = 0;
        us_status status = us_diagnose(&d, training, NULL);
        if (status != US_INTERRUPTED) assert_true(status == US_OK && whole - at < 40); /* all but done */
        us_diagnosis_destroy(d);
        if (asked - at > most) most = asked - at;
        assert_true(cli_deadline_end(context));
        assert_int_equal(us_training_steps(training), 7);
    }
    print_message("a diagnosis of %d evaluations ends within %d of the alarm\n", whole, most);
    assert_true(most <= 64); /* those of a check of derivatives */

    /* without an alarm there is none */
    cli_deadline_set(1e6);
    assert_false(cli_deadline_end(context));
    us_training_destroy(training);
    us_problem_destroy(problem);
    cli_context_destroy(context);
}

/* Ctrl-C is no deadline: it stays. */
static void an_interrupt_is_not_taken_back(void **state) {
    us_context *context = cli_context(true, 1);
    us_problem *problem;
    us_training *training = sum_training(context, &problem);
    cli_deadline_set(1e6);
    signal_raised = SIGINT, alarm_at = 3, asked = 0;
    assert_int_equal(us_training_advance(training, 1000), US_INTERRUPTED);
    assert_int_equal(asked, 3);
    raise(SIGALRM); /* and the alarm on top of it */
    assert_false(cli_deadline_end(context));
    assert_true(us_context_cancelled(context));
    us_training_destroy(training);
    us_problem_destroy(problem);
    cli_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_alarm_ends_work_and_is_taken_back),
        cmocka_unit_test(an_interrupt_is_not_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
