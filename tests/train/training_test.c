/* The training: rows, steps, observers, changes, and what it refuses. */
#include "train/problem.h"
#include <unstuck/linear.h>
#include <unstuck/safetensors.h>

static const us_precision PRECISIONS[] = {US_F32, US_F64};

typedef struct setting {
    us_context *context;
    small_problem user;
    us_problem *problem;
    us_vec *start;
    us_training *training;
} setting;

static void set_up(setting *s, us_precision precision, const us_training_options *options) {
    s->context = support_plain_context();
    assert_int_equal(small_create(&s->problem, s->context, &s->user, precision), US_OK);
    assert_int_equal(small_start(&s->start, s->context, precision), US_OK);
    us_status status = us_training_create(&s->training, s->problem, s->start, options);
    if (status != US_OK) fail_msg("%s", us_context_error(s->context));
}

static void tear_down(setting *s) {
    us_training_destroy(s->training);
    us_vec_destroy(s->start);
    us_problem_destroy(s->problem);
    us_context_destroy(s->context);
}

/* ------------------------------------------------------------------ rows */

enum { SEEN_MAX = 20000 };
typedef struct seen {
    size_t count, steps, sizes[SEEN_MAX];
    uint32_t rows[SEEN_MAX];
    bool stop;
} seen;

static bool see_rows(void *user, const us_training *training, const us_step_info *info) {
    seen *s = user;
    assert_int_equal(info->step, us_training_steps(training));
    assert_true(s->count + info->batch.count <= SEEN_MAX);
    for (size_t i = 0; i < info->batch.count; i++) s->rows[s->count++] = info->batch.rows[i];
    s->sizes[s->steps++] = info->batch.count;
    return !s->stop;
}

/* Each epoch holds every row once, the last batch what is left, and no two epochs are alike. */
static void shuffle_goes_through_all_rows_each_epoch(void **state) {
    static seen s;
    setting at;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.batch = 5;
    memset(&s, 0, sizeof s);
    set_up(&at, US_F64, &options);
    assert_int_equal(us_training_steps_per_epoch(at.training), 5);
    assert_int_equal(us_training_batch(at.training), 5);
    assert_int_equal(us_training_observe(at.training, see_rows, &s), US_OK);
    assert_int_equal(us_training_advance(at.training, 50), US_OK);
    assert_int_equal(us_training_samples_seen(at.training), 10 * ROWS);
    assert_int_equal(s.count, 10 * ROWS);
    size_t alike = 0;
    for (size_t epoch = 0; epoch < 10; epoch++) {
        bool here[ROWS] = {false};
        for (size_t i = 0; i < ROWS; i++) here[s.rows[epoch * ROWS + i]] = true;
        for (size_t i = 0; i < ROWS; i++) assert_true(here[i]);
        for (size_t i = 0; i < 5; i++) assert_int_equal(s.sizes[5 * epoch + i], i < 4 ? 5 : 3);
        for (size_t i = 0; i < ROWS && epoch > 0; i++) alike += s.rows[epoch * ROWS + i] == s.rows[(epoch - 1) * ROWS + i];
    }
    assert_in_range(alike, 0, 30); /* 9 expected of 207 */
    tear_down(&at);
}

/* Rows drawn with replacement: full batches always; frequencies by a chi-square test with 22 degrees (0.999: 48.3). */
static void replacement_draws_rows_evenly(void **state) {
    static seen s;
    setting at;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.batch = 3;
    options.sampling = US_SAMPLING_REPLACEMENT;
    options.learning_rate = 1e-3;
    memset(&s, 0, sizeof s);
    set_up(&at, US_F64, &options);
    assert_int_equal(us_training_observe(at.training, see_rows, &s), US_OK);
    assert_int_equal(us_training_advance(at.training, 6000), US_OK);
    double frequency[ROWS] = {0}, pairs[2] = {0}, chi = 0;
    for (size_t i = 0; i < 6000; i++) assert_int_equal(s.sizes[i], 3);
    for (size_t i = 0; i < s.count; i++) frequency[s.rows[i]]++;
    for (size_t i = 0; i < ROWS; i++) chi += pow(frequency[i] - 18000.0 / ROWS, 2) / (18000.0 / ROWS);
    assert_true(chi > 6.0 && chi < 48.3); /* neither uneven nor too even (0.0003: 6.0), as a permutation would be */
    for (size_t i = 1; i < s.count; i++) pairs[s.rows[i] == s.rows[i - 1]]++;
    assert_true(fabs(pairs[1] - 18000.0 / ROWS) < 4 * sqrt(18000.0 / ROWS)); /* a row follows itself as often as any other */
    tear_down(&at);
}

static void seeds_give_orders(void **state) {
    static seen s[3];
    for (size_t k = 0; k < 3; k++) {
        setting at;
        us_training_options options = US_TRAINING_OPTIONS_INIT;
        options.batch = 4;
        options.seed = k == 2 ? 8 : 7;
        memset(&s[k], 0, sizeof s[k]);
        set_up(&at, US_F32, &options);
        assert_int_equal(us_training_observe(at.training, see_rows, &s[k]), US_OK);
        assert_int_equal(us_training_advance(at.training, 12), US_OK);
        tear_down(&at);
    }
    assert_memory_equal(s[0].rows, s[1].rows, 2 * ROWS * sizeof *s[0].rows);
    assert_memory_not_equal(s[0].rows, s[2].rows, 2 * ROWS * sizeof *s[0].rows);
}

/* ------------------------------------------------------------------ steps */

/* Mini-batch descent with clipping, done by hand on the rows that the training used. */
static void steps_are_those_of_a_plain_loop(void **state) {
    static seen s;
    setting at;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.batch = 5;
    options.learning_rate = 0.07;
    options.clip_value = 0.9;
    options.clip_norm = 1.2;
    memset(&s, 0, sizeof s);
    set_up(&at, US_F64, &options);
    assert_int_equal(us_training_observe(at.training, see_rows, &s), US_OK);
    assert_int_equal(us_training_advance(at.training, 40), US_OK);
    double theta[COLUMNS], g[COLUMNS], loss;
    size_t from = 0, clipped = 0, cut = 0;
    us_vec_read_f64(at.start, theta);
    for (size_t k = 0; k < 40; from += s.sizes[k++]) {
        double square = 0;
        small_gradient(&at.user, theta, s.rows + from, s.sizes[k], &loss, g);
        for (size_t j = 0; j < COLUMNS; j++) {
            cut += fabs(g[j]) > 0.9;
            g[j] = fmax(-0.9, fmin(0.9, g[j]));
            square += g[j] * g[j];
        }
        double factor = square > 1.2 * 1.2 ? 1.2 / sqrt(square) : 1;
        clipped += factor < 1;
        for (size_t j = 0; j < COLUMNS; j++) theta[j] -= 0.07 * factor * g[j];
    }
    assert_in_range(clipped, 3, 37); /* all of it happened */
    assert_in_range(cut, 3, 37 * COLUMNS);
    for (size_t j = 0; j < COLUMNS; j++) assert_near(us_vec_get(us_training_theta(at.training), j), theta[j], 1e-13, 1e-14);
    tear_down(&at);
}

typedef struct told {
    size_t calls;
    us_step_info last;
    double gradient_norm;
} told;

static bool be_told(void *user, const us_training *training, const us_step_info *info) {
    told *t = user;
    t->calls++;
    t->last = *info;
    t->gradient_norm = us_vec_norm2(info->gradient);
    assert_ptr_equal(info->theta, us_training_theta(training));
    return true;
}

static bool stop_at_seven(void *user, const us_training *training, const us_step_info *info) {
    (void)user, (void)training;
    return info->step != 7;
}

static void observers_are_told_and_may_stop(void **state) {
    setting at;
    told first = {0}, last = {0}, spare = {0};
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    strcpy(options.schedule.text, "exp:0.5"); /* create parses the text */
    options.learning_rate = 0.2;
    options.clip_norm = 0.01;
    set_up(&at, US_F64, &options);
    double loss;
    assert_int_equal(us_problem_value(at.problem, at.start, US_BATCH_ALL, &loss), US_OK);
    assert_int_equal(us_training_observe(at.training, be_told, &first), US_OK);
    assert_int_equal(us_training_observe(at.training, stop_at_seven, NULL), US_OK);
    assert_int_equal(us_training_observe(at.training, be_told, &last), US_OK);
    for (int i = 3; i < 8; i++) assert_int_equal(us_training_observe(at.training, be_told, &spare), US_OK);
    assert_int_equal(us_training_observe(at.training, be_told, &spare), US_ERR_ARGUMENT);
    assert_int_equal(us_training_step(at.training), US_OK);
    assert_true(first.last.loss == loss && first.last.learning_rate == 0.2 && first.last.batch.rows == NULL);
    assert_near(first.gradient_norm, 0.01, 1e-12, 0);
    assert_true(first.last.clipped_from > 0.01);
    assert_int_equal(us_training_advance(at.training, 100), US_STOPPED);
    assert_int_equal(us_training_steps(at.training), 7);
    assert_int_equal(first.calls, 7);
    assert_int_equal(last.calls, 7); /* all are told, whoever stops */
    assert_near(last.last.learning_rate, 0.2 / 64, 1e-15, 0);
    assert_near(us_training_next_learning_rate(at.training), 0.2 / 128, 1e-15, 0);
    us_training *copy;
    assert_int_equal(us_training_copy(&copy, at.training, NULL), US_OK);
    assert_int_equal(us_training_advance(copy, 3), US_OK);
    assert_int_equal(first.calls, 7); /* a copy has no observers */
    us_training_destroy(copy);
    us_context_cancel(at.context);
    assert_int_equal(us_training_advance(at.training, 5), US_INTERRUPTED);
    assert_int_equal(us_training_steps(at.training), 7);
    us_context_resume(at.context);
    assert_int_equal(us_training_advance(at.training, 5), US_OK);
    tear_down(&at);
}

/* θ, state and counts stay what they were, whatever is not finite, with and without clipping. */
static void what_is_not_finite_is_noticed_before_theta_changes(void **state) {
    volatile double zero = 0;
    const double bad[] = {zero / zero, 1 / zero, -1 / zero};
    for (size_t p = 0; p < 2; p++)
        for (size_t k = 0; k < 12; k++) {
            setting at;
            us_training_options options = US_TRAINING_OPTIONS_INIT;
            options.rule = us_rule_find("momentum");
            options.batch = 4;
            options.clip_norm = k % 2 ? 1 : 0;
            set_up(&at, PRECISIONS[p], &options);
            at.user.fail_from = 9;
            if (k < 6)
                at.user.loss_instead = bad[k / 2];
            else
                at.user.gradient_instead = bad[k / 2 - 3];
            void *before, *after;
            size_t size_before, size_after;
            assert_int_equal(us_training_advance(at.training, 8), US_OK);
            assert_int_equal(us_training_to_bytes(at.training, &before, &size_before), US_OK);
            assert_int_equal(us_training_advance(at.training, 8), US_ERR_NONFINITE);
            const char *says = k < 6 ? "step 9: the loss is" : "step 9: element 3 of the gradient of theta is";
            if (strncmp(us_context_error(at.context), says, strlen(says)) != 0) fail_msg("%s", us_context_error(at.context));
            assert_int_equal(us_training_to_bytes(at.training, &after, &size_after), US_OK);
            assert_int_equal(size_before, size_after);
            assert_memory_equal(before, after, size_before);
            at.user.fail_from = 0; /* it goes on from there */
            assert_int_equal(us_training_advance(at.training, 8), US_OK);
            us_bytes_release(at.context, before), us_bytes_release(at.context, after);
            tear_down(&at);
        }
}

static void a_norm_that_overflows_is_noticed(void **state) {
    setting at;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.clip_norm = 1;
    set_up(&at, US_F64, &options);
    for (size_t i = 0; i < ROWS; i++) at.user.y[i] = 1e108;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        at.user.x[i / COLUMNS][i % COLUMNS] =
            1e200; /* the loss is finite, the gradient's elements are, their length is not */
    us_vec *zero;
    assert_int_equal(us_vec_create(&zero, at.context, US_F64, COLUMNS), US_OK);
    assert_int_equal(us_training_set_theta(at.training, zero, true), US_OK);
    assert_int_equal(us_training_step(at.training), US_ERR_NONFINITE);
    assert_string_equal(us_context_error(at.context), "step 1: the gradient is longer than a number can say");
    us_vec_destroy(zero);
    tear_down(&at);
}

static int fail_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    *loss = 0;
    return 1;
}

static void a_failing_callback_is_passed_on(void **state) {
    us_context *context = support_plain_context();
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = COLUMNS;
    callback.value = small_value;
    callback.gradient = fail_gradient;
    us_problem *problem;
    us_vec *start;
    us_training *training;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(small_start(&start, context, US_F64), US_OK);
    assert_int_equal(us_training_create(&training, problem, start, NULL), US_OK);
    assert_string_equal(us_training_rule(training)->name, "sgd");
    assert_int_equal(us_training_step(training), US_ERR_CALLBACK);
    assert_int_equal(us_training_steps(training), 0);
    us_training_destroy(training), us_vec_destroy(start), us_problem_destroy(problem);
    us_context_destroy(context);
}

static void a_step_does_not_allocate(void **state) {
    support_memory memory = {0};
    us_context *context = support_context(&memory);
    small_problem user;
    us_problem *problem;
    us_vec *start;
    us_training *training;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find("adam");
    options.batch = 2;
    options.clip_norm = 1;
    assert_int_equal(small_create(&problem, context, &user, US_F32), US_OK);
    assert_int_equal(small_start(&start, context, US_F32), US_OK);
    assert_int_equal(us_training_create(&training, problem, start, &options), US_OK);
    long calls = memory.calls;
    assert_int_equal(us_training_advance(training, 200), US_OK);
    assert_int_equal(memory.calls, calls);
    us_training_destroy(training), us_vec_destroy(start), us_problem_destroy(problem);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ options and changes */

/* Three batches of 4 are one of 12, where none is cut; clipped elements; decay beside the rule. */
static void batches_accumulate_and_weights_decay(void **state) {
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    setting s[3];
    for (int i = 0; i < 3; i++) {
        options.learning_rate = 0.05;
        options.batch = i == 1 ? 4 : 12;
        options.accumulate = i == 1 ? 3 : 1;
        options.clip_value = i == 2 ? 1e-3 : 0;
        options.sampling = US_SAMPLING_REPLACEMENT;
        set_up(&s[i], US_F64, &options);
    }
    /* Draws come 1024 at a time, or the next multiple below: rows are the same until then. */
    for (int i = 0; i < 2; i++) assert_int_equal(us_training_advance(s[i].training, 40), US_OK);
    for (size_t j = 0; j < COLUMNS; j++)
        assert_near(us_vec_get(us_training_theta(s[1].training), j), us_vec_get(us_training_theta(s[0].training), j), 1e-13,
                    0);
    assert_int_equal(us_training_samples_seen(s[1].training), 480);
    assert_int_equal(us_training_steps_per_epoch(s[1].training), 2);
    us_vec *before;
    assert_int_equal(us_vec_create(&before, s[2].context, US_F64, COLUMNS), US_OK);
    us_vec_copy(before, us_training_theta(s[2].training));
    assert_int_equal(us_training_step(s[2].training), US_OK);
    for (size_t j = 0; j < COLUMNS; j++)
        assert_near(fabs(us_vec_get(us_training_theta(s[2].training), j) - us_vec_get(before, j)), 0.05e-3, 1e-9, 0);
    us_vec_destroy(before);
    for (int i = 0; i < 3; i++) tear_down(&s[i]);
}

/* One step with and one without decay differ by α·λ·θ in the groups that decay: those of two axes or more, or those that are
 * named. Bit j of `decays`: group j does. */
static void decay_is_for_the_groups_that_are_named(void **state) {
    static const struct {
        const char *groups;
        int decays;
    } CASES[] = {{NULL, 1},          {"", 1},
                 {"*", 3},           {"*.bias", 2},
                 {"*.weight", 1},    {"layer1.?ias,*.weight", 3},
                 {"layer1.bias", 2}, {"layer[12].w*", 1}};
    us_context *context = support_plain_context();
    us_dataset *data;
    us_problem *problem;
    us_vec *start;
    us_training *plain, *training, *copy;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    assert_int_equal(us_dataset_create(&data, context, US_F64, 5, 3, US_REGRESSION, 2), US_OK);
    for (size_t i = 0; i < 15; i++) ((double *)us_dataset_features(data))[i] = sin(1 + (double)i);
    for (size_t i = 0; i < 10; i++) ((double *)us_dataset_targets(data))[i] = cos((double)i);
    assert_int_equal(us_problem_create_linear(&problem, data, US_LINEAR_HALF_MSE), US_OK);
    assert_int_equal(us_vec_create(&start, context, US_F64, us_problem_dimension(problem)), US_OK);
    for (size_t i = 0; i < us_vec_size(start); i++) us_vec_set(start, i, 0.7 - 0.3 * (double)i);
    options.learning_rate = 0.05;
    assert_int_equal(us_training_create(&plain, problem, start, &options), US_OK);
    assert_int_equal(us_training_step(plain), US_OK);
    size_t count;
    const us_group *group = us_problem_groups(problem, &count);
    assert_int_equal(count, 2);
    options.weight_decay = 0.2;
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        options.decay_groups = CASES[c].groups;
        assert_int_equal(us_training_create(&training, problem, start, &options), US_OK);
        assert_int_equal(us_training_copy(&copy, training, NULL), US_OK);
        assert_int_equal(us_training_step(training), US_OK);
        assert_int_equal(us_training_step(copy), US_OK);
        for (size_t g = 0; g < count; g++)
            for (size_t i = group[g].offset; i < group[g].offset + group[g].count; i++) {
                double moved = us_vec_get(us_training_theta(training), i) - us_vec_get(us_training_theta(plain), i);
                assert_near(moved, CASES[c].decays >> g & 1 ? -0.05 * 0.2 * us_vec_get(start, i) : 0, 1e-12, 0);
                assert_true(us_vec_get(us_training_theta(copy), i) == us_vec_get(us_training_theta(training), i));
            }
        us_training_destroy(training), us_training_destroy(copy);
    }
    options.decay_groups = "*.weight,layer7.*";
    assert_int_equal(us_training_create(&training, problem, start, &options), US_ERR_ARGUMENT);
    assert_string_equal(us_context_error(context),
                        "--decay-groups: layer7.* is the name of no group; they are layer1.weight, layer1.bias");
    static const char *const EMPTY[] = {"*.weight,", ",*.weight", ",", "*.weight,,*.bias"};
    for (size_t i = 0; i < 4; i++) {
        options.decay_groups = EMPTY[i];
        assert_int_equal(us_training_create(&training, problem, start, &options), US_ERR_ARGUMENT);
    }
    us_training_destroy(plain);
    us_vec_destroy(start), us_problem_destroy(problem), us_dataset_destroy(data), us_context_destroy(context);
}

/* Averages by their definitions, from the weights that an observer saw. */
typedef struct seen_weights {
    double theta[64];
    size_t count;
} seen_weights;

static bool see_weights(void *user, const us_training *training, const us_step_info *info) {
    seen_weights *w = user;
    w->theta[w->count++] = us_vec_get(info->theta, 2);
    return true;
}

static void weights_are_averaged(void **state) {
    static const char *const texts[] = {"ema:0.8", "swa:10:4", "none"};
    for (size_t k = 0; k < 3; k++) {
        us_training_options options = US_TRAINING_OPTIONS_INIT;
        setting s;
        seen_weights w = {.count = 0};
        us_vec *weights;
        options.learning_rate = 0.1;
        options.batch = 5;
        options.average = texts[k];
        set_up(&s, US_F64, &options);
        assert_int_equal(us_vec_create(&weights, s.context, US_F64, COLUMNS), US_OK);
        us_training_weights(s.training, weights);
        assert_int_equal(us_vec_count_different(weights, us_training_theta(s.training)), 0);
        assert_int_equal(us_training_observe(s.training, see_weights, &w), US_OK);
        assert_int_equal(us_training_advance(s.training, 40), US_OK);
        us_training_weights(s.training, weights);
        double top = 0, bottom = 0;
        for (size_t i = 0; i < 40; i++) {
            size_t step = i + 1;
            double share = k == 0   ? pow(0.8, (double)(40 - step))
                           : k == 1 ? (step >= 10 && (step - 10) % 4 == 0 ? 1 : 0)
                                    : (step == 40 ? 1 : 0);
            top += share * w.theta[i];
            bottom += share;
        }
        assert_near(us_vec_get(weights, 2), top / bottom, 1e-12, 0);
        us_vec_destroy(weights);
        tear_down(&s);
    }
}

/* A rate that falls when the loss stands still, and does not when one step is a spike. */
static void plateaus_lower_the_rate(void **state) {
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.learning_rate = 0.02;
    strcpy(options.schedule.text, "plateau:50:0.5");
    setting s;
    set_up(&s, US_F64, &options);
    assert_int_equal(us_training_advance(s.training, 150), US_OK); /* it falls all the time */
    assert_near(us_training_next_learning_rate(s.training), 0.02, 1e-15, 0);
    s.user.loss_instead = 1e6;
    s.user.fail_from = 1;
    assert_int_equal(us_training_advance(s.training, 1), US_OK);
    s.user.loss_instead = 0;
    assert_int_equal(us_training_advance(s.training, 49), US_OK);
    assert_near(us_training_next_learning_rate(s.training), 0.02, 1e-15, 0);
    assert_int_equal(us_training_advance(s.training, 20000), US_OK); /* it has converged */
    assert_true(us_training_next_learning_rate(s.training) < 0.02 / 16);
    assert_int_equal(us_training_set_learning_rate(s.training, 0.01, true), US_OK);
    assert_near(us_training_next_learning_rate(s.training), 0.01, 1e-15, 0);
    tear_down(&s);
}

static void wrong_options_are_named(void **state) {
    us_context *context = support_plain_context();
    small_problem user;
    us_problem *problem;
    us_vec *start, *longer;
    us_training *training;
    assert_int_equal(small_create(&problem, context, &user, US_F32), US_OK);
    assert_int_equal(small_start(&start, context, US_F32), US_OK);
    assert_int_equal(us_vec_create(&longer, context, US_F32, COLUMNS + 1), US_OK);
    const us_rule *momentum = us_rule_find("momentum");
    us_rule nameless = *momentum, half = *momentum;
    nameless.name = NULL;
    half.update_f32 = NULL;
    const double too_much = 1.5;
    const us_training_options good = US_TRAINING_OPTIONS_INIT;
    us_training_options o[12];
    for (size_t i = 0; i < 12; i++) o[i] = good;
    static const char *const says[12] = {"version",
                                         "--lr -1",
                                         "--lr nan",
                                         "--lr inf",
                                         "--clip-norm -2",
                                         "--clip-norm nan",
                                         "--batch 24: there are only 23",
                                         "--sampling",
                                         "--set momentum=1.5",
                                         "no name",
                                         "no update in f32",
                                         "--schedule exp"};
    o[0].version = 2;
    o[1].learning_rate = -1;
    o[2].learning_rate = (double)NAN;
    o[3].learning_rate = (double)INFINITY;
    o[4].clip_norm = -2;
    o[5].clip_norm = (double)NAN;
    o[6].batch = 24;
    o[7].sampling = (us_sampling)2;
    o[8].rule = momentum, o[8].hyper = &too_much;
    o[9].rule = &nameless;
    o[10].rule = &half;
    strcpy(o[11].schedule.text, "exp");
    for (size_t i = 0; i < 12; i++) {
        training = (us_training *)start;
        assert_int_equal(us_training_create(&training, problem, start, &o[i]), US_ERR_ARGUMENT);
        assert_null(training);
        if (!strstr(us_context_error(context), says[i])) fail_msg("%zu: %s", i, us_context_error(context));
    }
    assert_int_equal(us_training_create(&training, problem, longer, &good), US_ERR_ARGUMENT);
    us_vec_destroy(start), us_vec_destroy(longer), us_problem_destroy(problem);
    us_context_destroy(context);
}

static void one_thing_can_be_changed(void **state) {
    setting at;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find("adam");
    options.batch = 6;
    strcpy(options.schedule.text, "exp:0.5");
    set_up(&at, US_F64, &options);
    us_training *t = at.training;
    assert_int_equal(us_training_advance(t, 3), US_OK);
    assert_near(us_training_next_learning_rate(t), 0.001 / 8, 1e-15, 0);

    assert_int_equal(us_training_set_learning_rate(t, 0.4, false), US_OK);
    assert_near(us_training_next_learning_rate(t), 0.4 / 8, 1e-15, 0);
    assert_int_equal(us_training_set_learning_rate(t, 0.3, true), US_OK);
    assert_near(us_training_next_learning_rate(t), 0.3, 1e-15, 0);
    assert_int_equal(us_training_set_learning_rate(t, 0, false), US_ERR_ARGUMENT);
    assert_true(us_training_learning_rate(t) == 0.3);

    us_schedule schedule;
    assert_int_equal(us_schedule_parse(at.context, "step:2:0.1", 0, &schedule), US_OK);
    assert_int_equal(us_training_advance(t, 1), US_OK);
    assert_int_equal(us_training_set_schedule(t, &schedule), US_OK);
    assert_string_equal(us_training_schedule(t)->text, "step:2:0.1");
    assert_int_equal(us_training_advance(t, 2), US_OK);
    assert_near(us_training_next_learning_rate(t), 0.03, 1e-15, 0);

    assert_true(us_vec_norm2(us_training_state(t, 0)) > 0 && us_vec_norm2(us_training_state(t, 1)) > 0);
    assert_null(us_training_state(t, 2));
    assert_int_equal(us_training_set_theta(t, at.start, false), US_OK);
    assert_int_equal(us_vec_count_different(us_training_theta(t), at.start), 0);
    assert_true(us_vec_norm2(us_training_state(t, 0)) > 0);
    assert_int_equal(us_training_set_theta(t, at.start, true), US_OK);
    assert_true(us_vec_norm2(us_training_state(t, 0)) == 0 && us_vec_norm2(us_training_state(t, 1)) == 0);
    /* Adam's count begins anew with its state: its first step is one rate long in every element. */
    assert_int_equal(us_training_step(t), US_OK);
    for (size_t j = 0; j < COLUMNS; j++)
        assert_near(fabs(us_vec_get(us_training_theta(t), j) - us_vec_get(at.start, j)), 0.03, 1e-5, 0);

    const double momentum = 0.5;
    assert_int_equal(us_training_set_rule(t, us_rule_find("momentum"), &momentum), US_OK);
    assert_true(us_training_hyper(t)[0] == 0.5 && us_vec_norm2(us_training_state(t, 0)) == 0);
    assert_null(us_training_state(t, 1));
    const double wrong = 7;
    assert_int_equal(us_training_set_rule(t, us_rule_find("momentum"), &wrong), US_ERR_ARGUMENT);
    assert_true(us_training_hyper(t)[0] == 0.5);
    assert_int_equal(us_training_set_clip_norm(t, 0.5), US_OK);
    assert_int_equal(us_training_set_clip_norm(t, (double)NAN), US_ERR_ARGUMENT);
    assert_true(us_training_clip_norm(t) == 0.5);

    static seen s;
    memset(&s, 0, sizeof s);
    assert_int_equal(us_training_observe(t, see_rows, &s), US_OK);
    assert_int_equal(us_training_set_batch(t, ROWS + 1), US_ERR_ARGUMENT);
    assert_int_equal(us_training_batch(t), 6);
    assert_int_equal(us_training_set_batch(t, 10), US_OK);
    assert_int_equal(us_training_step(t), US_OK);
    assert_int_equal(us_training_set_batch(t, 0), US_OK);
    assert_int_equal(us_training_batch(t), ROWS);
    assert_int_equal(us_training_steps_per_epoch(t), 1);
    uint64_t samples = us_training_samples_seen(t);
    assert_int_equal(us_training_step(t), US_OK);
    assert_int_equal(us_training_samples_seen(t), samples + ROWS);
    assert_int_equal(us_training_set_batch(t, ROWS), US_OK); /* shuffled, that is all of them, too */
    assert_int_equal(us_training_step(t), US_OK);
    assert_int_equal(us_training_set_batch(t, 1), US_OK);
    assert_int_equal(us_training_step(t), US_OK);
    const size_t sizes[] = {5, 0, 0, 1}; /* what was left of the epoch; all; all; one */
    assert_memory_equal(s.sizes, sizes, sizeof sizes);
    tear_down(&at);
}

/* ------------------------------------------------------------------ memory */

static us_status live(us_context *context, void *user) {
    small_problem small;
    us_problem *problem = NULL;
    us_vec *start = NULL;
    us_training *training = NULL, *copy = NULL, *restored = NULL;
    void *bytes = NULL;
    size_t size = 0;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find("adam");
    options.batch = 5;
    us_status status = small_create(&problem, context, &small, US_F32);
    if (status == US_OK) status = small_start(&start, context, US_F32);
    if (status == US_OK) status = us_training_create(&training, problem, start, &options);
    if (status == US_OK) status = us_training_advance(training, 7);
    if (status == US_OK) status = us_training_copy(&copy, training, NULL);
    if (status == US_OK) status = us_training_set_rule(copy, us_rule_find("momentum"), NULL);
    if (status == US_OK) status = us_training_set_batch(copy, 0);
    if (status == US_OK) status = us_training_set_batch(copy, 3);
    if (status == US_OK) status = us_training_advance(copy, 7);
    if (status == US_OK) status = us_training_to_bytes(training, &bytes, &size);
    if (status == US_OK) status = us_training_from_bytes(&restored, problem, bytes, size, NULL);
    if (status != US_OK && copy && us_training_advance(copy, 1) != US_OK)
        fail_msg("a failed change left the training unusable");
    us_training_destroy(restored);
    us_bytes_release(context, bytes);
    us_training_destroy(copy);
    us_training_destroy(training);
    us_vec_destroy(start);
    us_problem_destroy(problem);
    return status;
}

static void its_life_survives_failing_allocations(void **state) { support_fail_each_allocation(live, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffle_goes_through_all_rows_each_epoch),
        cmocka_unit_test(replacement_draws_rows_evenly),
        cmocka_unit_test(seeds_give_orders),
        cmocka_unit_test(steps_are_those_of_a_plain_loop),
        cmocka_unit_test(observers_are_told_and_may_stop),
        cmocka_unit_test(what_is_not_finite_is_noticed_before_theta_changes),
        cmocka_unit_test(a_norm_that_overflows_is_noticed),
        cmocka_unit_test(a_failing_callback_is_passed_on),
        cmocka_unit_test(a_step_does_not_allocate),
        cmocka_unit_test(batches_accumulate_and_weights_decay),
        cmocka_unit_test(decay_is_for_the_groups_that_are_named),
        cmocka_unit_test(weights_are_averaged),
        cmocka_unit_test(plateaus_lower_the_rate),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(one_thing_can_be_changed),
        cmocka_unit_test(its_life_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
