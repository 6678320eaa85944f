/* Logs of every kind, made here: what is said of them, and which number is asked for next. */
#include "support.h"
#include <unstuck/log.h>
#include <unstuck/rng.h>

enum { ROWS = 400 };

typedef struct made {
    double step[ROWS], loss[ROWS], gradient[ROWS], rate[ROWS], batch[ROWS];
    bool has_gradient, has_rate, has_batch;
    size_t count;
} made;

static us_log_verdict judged(us_context *context, const made *m, us_log_evidence *e) {
    us_log *log;
    assert_int_equal(us_log_create(&log, context, m->count, m->step, m->loss, m->has_gradient ? m->gradient : NULL,
                                   m->has_rate ? m->rate : NULL, m->has_batch ? m->batch : NULL),
                     US_OK);
    assert_int_equal(us_log_gather(log, e), US_OK);
    us_log_destroy(log);
    return us_log_decide(e);
}

static void expect(us_context *context, const char *what, const made *m, us_verdict_name name, const char *cause,
                   const char *next) {
    us_log_evidence e;
    us_log_verdict v = judged(context, m, &e);
    if (v.verdict.name != name || (v.verdict.cause == NULL) != (cause == NULL) ||
        (cause && strcmp(cause, v.verdict.cause) != 0) || strcmp(v.next, next) != 0)
        fail_msg("%s: %s / %s, next %s; wanted %s / %s, next %s", what, us_verdict_text(v.verdict.name),
                 v.verdict.cause ? v.verdict.cause : "-", v.next, us_verdict_text(name), cause ? cause : "-", next);
    assert_true(v.verdict.confidence >= 0 && v.verdict.confidence <= 0.9);
    assert_int_equal(v.verdict.confidence == 0, name == US_VERDICT_UNDECIDED);
    assert_non_null(v.verdict.sentence);
    assert_non_null(v.next_why);
}

static made fresh(void) {
    made m = {.count = ROWS};
    for (int i = 0; i < ROWS; i++) m.step[i] = 10.0 * i;
    return m;
}

/* Gradient descent on ½(x² + 10·y²). */
static made descent(double rate) {
    made m = fresh();
    double x = 3, y = 1;
    m.has_gradient = m.has_rate = true;
    for (int i = 0; i < ROWS; i++) {
        m.step[i] = i;
        m.loss[i] = 0.5 * (x * x + 10 * y * y);
        m.gradient[i] = sqrt(x * x + 100 * y * y);
        m.rate[i] = rate;
        x -= rate * x, y -= rate * 10 * y;
    }
    return m;
}

static void every_kind_of_log_is_named(void **state) {
    us_context *context = support_plain_context();
    for (uint64_t seed = 1; seed < 8; seed++) {
        us_rng rng = us_rng_init(seed, 1);
        made m = fresh();
        for (int i = 0; i < ROWS; i++) m.loss[i] = 0.3 + 2 * exp(-i / 150.0) + 0.05 * us_rng_normal(&rng);
        expect(context, "a noisy fall", &m, US_VERDICT_DESCENDING, NULL, "gradient_norm");
        for (int i = 0; i < ROWS; i++) m.loss[i] = 0.5 + 0.05 * us_rng_normal(&rng) + (us_rng_below(&rng, 30) == 0 ? 5 : 0);
        m.has_batch = true;
        for (int i = 0; i < ROWS; i++) m.batch[i] = 32;
        expect(context, "noise with spikes", &m, US_VERDICT_NOISY, NULL, "noise_scale");
        for (int i = 0; i < ROWS; i++) m.loss[i] = 0.5 + (i % 2 ? 0.1 : -0.1) + 0.01 * us_rng_normal(&rng);
        expect(context, "to and fro", &m, US_VERDICT_OSCILLATING, "lr-above-stability", "sharpness");
        for (int i = 0; i < ROWS; i++) m.loss[i] = 0.5 + 0.1 * cos(i / (4.0 + (double)seed)) + 0.003 * us_rng_normal(&rng);
        expect(context, "waves", &m, US_VERDICT_OSCILLATING, "momentum-too-high", "step_cosine");
    }
    made m = fresh();
    for (int i = 0; i < ROWS; i++) m.loss[i] = 2 * exp(-i / 10.0) + 1e-7;
    expect(context, "nothing left", &m, US_VERDICT_MINIMUM, "converged", "lambda_min");
    for (int i = 0; i < ROWS; i++) m.loss[i] = 0.5 + 0.002 * i;
    expect(context, "a rise", &m, US_VERDICT_OSCILLATING, "lr-above-stability", "sharpness");
    for (int i = 0; i < ROWS; i++) m.loss[i] = 0.5 + 0.5 * exp(-i / 5.0);
    expect(context, "losses alone", &m, US_VERDICT_UNDECIDED, NULL, "gradient_norm");
    m.has_rate = true;
    for (int i = 0; i < ROWS; i++) m.rate[i] = 0.1 * pow(0.97, i);
    expect(context, "a rate that is gone", &m, US_VERDICT_CRAWLING, "lr-decayed", "gradient_norm");
    m.has_rate = false, m.has_gradient = true;
    for (int i = 0; i < ROWS; i++) m.gradient[i] = exp(-i / 5.0) + 1e-6;
    expect(context, "a gradient that is gone", &m, US_VERDICT_UNDECIDED, NULL, "lambda_min");
    for (int i = 0; i < ROWS; i++) m.loss[i] = 0.69314718, m.gradient[i] = 0;
    expect(context, "dead still", &m, US_VERDICT_PLATEAU, "flat", "dead_share");
    m.has_rate = true;
    for (int i = 0; i < ROWS; i++) m.gradient[i] = 0.2, m.rate[i] = 1e-9;
    expect(context, "lost to rounding", &m, US_VERDICT_PLATEAU, "frozen-arithmetic", "unchanged_share");
    m.count = 9;
    expect(context, "too few", &m, US_VERDICT_UNDECIDED, NULL, "loss");
    m = fresh();
    for (int i = 0; i < ROWS; i++) m.loss[i] = i < 90 ? 0.5 * pow(1.1, i) : (double)NAN;
    expect(context, "blown up", &m, US_VERDICT_DIVERGED, "lr-above-stability", "gradient_norm");
    for (int i = 0; i < ROWS; i++) m.loss[i] = i < 90 ? 0.5 : (double)INFINITY;
    expect(context, "not finite at once", &m, US_VERDICT_DIVERGED, NULL, "worst_row");
    m.has_gradient = true;
    for (int i = 0; i < ROWS; i++) m.gradient[i] = i < 88 ? 1 : 1e6;
    expect(context, "an explosion", &m, US_VERDICT_DIVERGED, "exploding-gradient", "gradient_norm by layer");
    m = descent(1e-6);
    expect(context, "a tiny rate", &m, US_VERDICT_CRAWLING, "lr-too-small", "sharpness");
    us_context_destroy(context);
}

/* The gain of a step of rate α is α‖g‖² − ½α²·g'Hg: the ratio to α‖g‖² tells the curvature along g. */
static void the_gain_ratio_is_that_of_descent(void **state) {
    us_context *context = support_plain_context();
    us_log_evidence e;
    made m = descent(1e-6);
    judged(context, &m, &e);
    assert_near(e.gain_ratio, 1, 1e-3, 0);
    assert_near(e.rate, 1e-6, 0, 0);
    m = descent(1e-3); /* y has vanished in the last half: along x the curvature is 1 */
    judged(context, &m, &e);
    assert_near(e.gain_ratio, 1 - 0.5e-3, 0.04, 0); /* the slope is a median of slopes of a curve */
    us_context_destroy(context);
}

static us_log *read_text(us_context *context, const char *name, const char *text, us_status expected) {
    char path[1024];
    us_log *log;
    snprintf(path, sizeof path, "%s/%s", support_temporary_folder(), name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    us_status status = us_log_read(&log, context, path);
    if (status != expected) fail_msg("%s: %s", us_status_name(status), us_context_error(context));
    return log;
}

static void columns_are_found_by_name(void **state) {
    us_context *context = support_plain_context();
    us_log *log = read_text(context, "a.csv",
                            "Epoch,global_step,val_loss,train/Loss,lr-Adam,grad norm\n"
                            "0,10,3.5,2.5,0.1,7\n0,20,,2.25,0.1,\n1,30,3.25,,0.1,6\n1,40,3,NaN,0.05,5\n",
                            US_OK);
    assert_int_equal(log->count, 3); /* one row has no loss, one has one that is not finite */
    assert_int_equal(log->gaps, 1);
    assert_string_equal(log->loss_name, "train/Loss");
    assert_true(log->steps_logged && log->step[1] == 20 && log->step[2] == 40);
    assert_true(log->loss[1] == 2.25 && isnan(log->loss[2]));
    assert_true(log->learning_rate[2] == 0.05 && log->gradient_norm[0] == 7 && isnan(log->gradient_norm[1]));
    assert_null(log->batch);
    us_log_destroy(log);
    log = read_text(context, "b.jsonl",
                    "{\"iter\": 1, \"nll\": 2.5, \"note\": \"NaN \\\" here\"}\n\n{\"iter\": 2, \"val_loss\": 1}\n"
                    "{\"iter\": 3, \"nll\": NaN}\n{\"iter\": 4, \"nll\": -Infinity}\n",
                    US_OK);
    assert_int_equal(log->count, 3);
    assert_true(log->loss[0] == 2.5 && isnan(log->loss[1]) && log->loss[2] == -(double)INFINITY && log->step[2] == 4);
    us_log_destroy(log);
    log = read_text(context, "c.csv", "3.5\n3.25\n3\n", US_OK);
    assert_true(log->count == 3 && !log->steps_logged && log->step[2] == 3);
    us_log_destroy(log);
    log = read_text(context, "d.csv", "epoch,loss\n1,3\n1,2\n2,1\n", US_OK); /* steps that stand still are no steps */
    assert_true(!log->steps_logged && log->step[2] == 3);
    us_log_destroy(log);

    read_text(context, "e.csv", "a,b\n1,2\n", US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "no column of losses; there are a, b"));
    read_text(context, "f.csv", "step,loss\n1,2\n2,lots\n", US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "f.csv:3: column loss has 'lots'"));
    read_text(context, "g.jsonl", "{\"loss\": 1}\n{\"loss\": }\n", US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "g.jsonl:2:"));
    read_text(context, "h.jsonl", "{\"loss\": [1]}\n", US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "loss is no number"));
    read_text(context, "i.csv", "step,loss\n1,\n2,\n", US_ERR_INPUT);
    us_log *none;
    assert_int_equal(us_log_read(&none, context, "/nowhere/log.csv"), US_ERR_INPUT);
    us_context_destroy(context);
}

static us_status body(us_context *context, void *user) {
    us_log *log = NULL;
    us_log_evidence e;
    us_status status = us_log_read(&log, context, user);
    if (!status) status = us_log_gather(log, &e);
    us_log_destroy(log);
    return status;
}

static void a_failed_allocation_leaves_nothing(void **state) {
    char path[1024];
    snprintf(path, sizeof path, "%s/log.csv", support_temporary_folder());
    FILE *file = fopen(path, "w");
    fputs("step,loss,lr,grad_norm\n", file);
    for (int i = 0; i < 1500; i++) fprintf(file, "%d,%g,0.1,1\n", i, 1.0 / (i + 1));
    fclose(file);
    support_fail_each_allocation(body, path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_log_is_named),
        cmocka_unit_test(the_gain_ratio_is_that_of_descent),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
