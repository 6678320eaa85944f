/* Races: what they measure, who is ranked where, and that threads change nothing. */
#include "fixture.h"
#include <jansson.h>
#include <unstuck/race.h>

static const char *const RULES[] = {"sgd", "adam"};
static const double RATES[] = {0.003, 1e6};
static const size_t BATCHES[] = {8, 0};

typedef struct place {
    char folder[256];
    const char *data, *race;
    us_run_config config;
    us_race_options options;
} place;

static place place_make(void) {
    place p = {.options = US_RACE_OPTIONS_INIT};
    snprintf(p.folder, sizeof p.folder, "%s", support_temporary_folder());
    p.data = fixture_path(p.folder, "data.csv");
    fixture_data(p.data, 120, false);
    p.race = fixture_path(p.folder, "race");
    p.config = fixture_config(p.data);
    p.config.model = "linear";
    p.config.steps = 0;
    p.config.epochs = 60;
    p.options.optimizers = RULES, p.options.optimizer_count = 2;
    p.options.rates = RATES, p.options.rate_count = 2;
    p.options.batches = BATCHES, p.options.batch_count = 2;
    p.options.seeds = 2;
    return p;
}

static us_context *threads_context(int threads) {
    us_context_options options = US_CONTEXT_OPTIONS_INIT;
    options.threads = threads;
    us_context *context = NULL;
    assert_int_equal(us_context_create(&context, &options), US_OK);
    return context;
}

static us_race *race_done(us_context *context, const place *p, const char *name) {
    us_race *race = NULL;
    assert_done(context, us_race_create(&race, context, fixture_path(p->folder, name), &p->config, &p->options));
    assert_done(context, us_race_run(race, NULL, NULL));
    return race;
}

static void threads_change_nothing_and_far_too_large_rates_come_last(void **state) {
    place p = place_make();
    us_context *one = threads_context(1), *three = threads_context(3);
    us_race *a = race_done(one, &p, "a"), *b = race_done(three, &p, "b");
    size_t count, count_b;
    const us_race_arm *arms = us_race_arms(a, &count), *arms_b = us_race_arms(b, &count_b);
    assert_int_equal(count, 16);
    assert_int_equal(count_b, 16);
    assert_int_equal(us_race_entries(a), 8);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(arms[i].name, arms_b[i].name);
        assert_int_equal(arms[i].state, arms_b[i].state);
        assert_int_equal(arms[i].look_count, arms_b[i].look_count);
        for (size_t k = 0; k < arms[i].look_count; k++) {
            assert_int_equal(arms[i].looks[k].step, arms_b[i].looks[k].step);
            assert_memory_equal(&arms[i].looks[k].loss, &arms_b[i].looks[k].loss, sizeof(double));
        }
        bool sgd = !strcmp(arms[i].optimizer, "sgd"), wild = arms[i].learning_rate > 1;
        assert_int_equal(arms[i].state, sgd && wild ? US_ARM_DIVERGED : US_ARM_FINISHED);
    }
    for (us_race_by by = US_RACE_BY_STEPS; by <= US_RACE_BY_SAMPLES; by++) {
        us_race_place x[8], y[8];
        double at_x, at_y;
        us_race_rank(a, by, x, &at_x);
        us_race_rank(b, by, y, &at_y);
        assert_true(at_x == at_y);
        assert_true(at_x == (by == US_RACE_BY_STEPS ? 60 : 60 * 90)); /* full batches make 60 steps, all see 60 epochs */
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(x[i].entry, y[i].entry);
            bool sgd = !strcmp(arms[2 * x[i].entry].optimizer, "sgd"), wild = arms[2 * x[i].entry].learning_rate > 1;
            assert_int_equal(x[i].diverged, sgd && wild ? 2 : 0);
            assert_true((i >= 6) == (sgd && wild));
            assert_true(i == 0 || x[i].median >= x[i - 1].median);
            assert_true(x[i].least <= x[i].median && x[i].median <= x[i].most);
        }
    }
    us_race_destroy(a);
    us_race_destroy(b);
    us_context_destroy(one);
    us_context_destroy(three);
}

/* What a race measures of an arm is what the same run by itself comes to. */
static void an_arm_is_an_ordinary_run(void **state) {
    place p = place_make();
    us_context *context = threads_context(2);
    us_race *race = race_done(context, &p, "race");
    us_run *run = NULL, *alone = NULL;
    assert_done(context, us_run_open(&run, context, fixture_path(p.folder, "race/adam-lr0.003-b8-s1")));
    assert_string_equal(us_run_status(run), "finished");
    us_run_config config = p.config;
    config.optimizer = "adam", config.learning_rate = 0.003, config.batch = 8;
    assert_done(context, us_run_create(&alone, context, fixture_path(p.folder, "alone"), &config));
    assert_done(context, us_run_advance(alone, NULL, NULL));
    double x, y;
    assert_done(context, us_run_loss(run, false, &x));
    assert_done(context, us_run_loss(alone, false, &y));
    assert_true(x == y);
    size_t count;
    const us_race_arm *arms = us_race_arms(race, &count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(arms[i].name, "adam-lr0.003-b8-s1")) assert_true(arms[i].looks[arms[i].look_count - 1].loss == x);
    us_run_destroy(run);
    us_run_destroy(alone);
    us_race_destroy(race);
    us_context_destroy(context);
}

static void halving_stops_the_worse_half_each_time(void **state) {
    place p = place_make();
    us_context *context = threads_context(2);
    p.options.halving = true;
    p.options.seeds = 1;
    us_race *race = race_done(context, &p, "race");
    size_t count, finished = 0, rounds[4] = {0};
    const us_race_arm *arms = us_race_arms(race, &count);
    assert_int_equal(count, 8);
    for (size_t i = 0; i < count; i++) {
        const us_race_arm *arm = &arms[i];
        finished += arm->state == US_ARM_FINISHED;
        assert_true(arm->round < 4);
        rounds[arm->round]++;
        const us_race_look *last = &arm->looks[arm->look_count - 1];
        if (arm->state == US_ARM_FINISHED) assert_int_equal(last->step, arm->steps_planned);
        if (arm->state == US_ARM_STOPPED) /* where the round ended: 2^-(3-round) of its length */
            assert_int_equal(last->step, (arm->steps_planned + (8 >> arm->round) - 1) / (uint64_t)(8 >> arm->round));
    }
    assert_int_equal(finished, 1);
    assert_true(rounds[0] >= 4 && rounds[3] == 1);
    us_race_place places[8];
    double at;
    us_race_rank(race, US_RACE_BY_SAMPLES, places, &at);
    assert_int_equal(arms[places[0].entry].state, US_ARM_FINISHED);
    for (size_t i = 1; i < 8; i++) assert_true(!isfinite(places[i].median) || places[i].stopped);
    us_race_destroy(race);
    us_context_destroy(context);
}

static void cancel(void *user, const us_race *race) {
    size_t count;
    if (us_race_arms(race, &count)[0].look_count > 1) us_context_cancel(user);
}

static void a_cancelled_race_keeps_what_there_is(void **state) {
    place p = place_make();
    us_context *context = threads_context(2);
    p.config.epochs = 1e7;
    us_race *race = NULL;
    p.options.rate_count = 1;
    assert_done(context, us_race_create(&race, context, fixture_path(p.folder, "race"), &p.config, &p.options));
    us_context_cancel(context);
    assert_int_equal(us_race_run(race, cancel, context), US_INTERRUPTED);
    us_context_resume(context);
    size_t count;
    const us_race_arm *arms = us_race_arms(race, &count);
    for (size_t i = 0; i < count; i++) assert_int_equal(arms[i].state, US_ARM_INTERRUPTED);
    char *text = NULL;
    assert_done(context, us_race_summary(race, &text));
    json_t *object = json_loads(text, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "status")), "interrupted");
    assert_int_equal(json_array_size(json_object_get(object, "arms")), count);
    json_decref(object);
    us_text_release(context, text);
    us_race_destroy(race);
    us_context_destroy(context);
}

static void what_is_wrong_is_refused(void **state) {
    place p = place_make();
    us_context *context = threads_context(1);
    us_race *race = NULL;
    const char *folder = fixture_path(p.folder, "race"), *const twice[] = {"sgd", "sgd"}, *const unknown[] = {"sgd", "adma"};
    const double bad[] = {-1};
    const size_t large[] = {4, 1000};
    place q;
#define REFUSED(change)                                                                                              \
    q = p, change, assert_int_equal(us_race_create(&race, context, folder, &q.config, &q.options), US_ERR_ARGUMENT), \
    assert_null(race)
    REFUSED(q.options.version = 3);
    assert_error_has(context, "version");
    REFUSED(q.options.seeds = 0);
    assert_error_has(context, "--seeds");
    REFUSED(q.options.seeds = 1000);
    assert_error_has(context, "at most 1000");
    REFUSED(q.options.optimizers = twice);
    assert_error_has(context, "--optimizer has sgd twice");
    REFUSED(q.options.optimizers = unknown);
    assert_error_has(context, "did you mean 'adam'");
    REFUSED((q.options.rates = bad, q.options.rate_count = 1));
    assert_error_has(context, "--lr is -1");
    REFUSED(q.options.batches = large);
    assert_error_has(context, "--batch is 1000; there are 90 training rows");
#undef REFUSED
    assert_int_equal(access(folder, F_OK), -1);
    p.config.data = fixture_path(p.folder, "none.csv");
    assert_int_equal(us_race_create(&race, context, folder, &p.config, &p.options), US_ERR_INPUT);
    us_context_destroy(context);
}

/* Gradient descent, as a rule of the program's own: it must do what the library's does, bit by bit. */
static void own_f32(const us_rule_step *step, float *theta, const float *gradient, float *const *state, size_t n) {
    us_rule_find("sgd")->update_f32(step, theta, gradient, state, n);
}

static const us_rule OWN = {
    .name = "own", .title = "", .formula = "", .source = "", .advice = "", .learning_rate = 0.1, .update_f32 = own_f32};

static void rules_of_the_programs_own_race_as_others_do(void **state) {
    static const us_rule *const own[] = {&OWN};
    place p = place_make();
    us_context *context = threads_context(2);
    p.options.optimizer_count = 1; /* sgd */
    p.options.rules = own, p.options.rule_count = 1;
    p.options.rate_count = 1;
    p.options.halving = true; /* opens arms again */
    us_race *race = race_done(context, &p, "race");
    size_t count;
    const us_race_arm *arms = us_race_arms(race, &count);
    assert_int_equal(count, 8);
    for (size_t i = 0; i < 4; i++) {
        const us_race_arm *sgd = &arms[i], *mine = &arms[i + 4];
        assert_string_equal(mine->optimizer, "own");
        size_t looks = sgd->look_count < mine->look_count ? sgd->look_count : mine->look_count; /* one may be halved away */
        assert_true(looks >= 3);
        for (size_t k = 0; k < looks; k++) assert_true(sgd->looks[k].loss == mine->looks[k].loss);
    }
    us_run *run;
    const char *arm = fixture_path(p.folder, "race/own-lr0.003-b8-s1");
    assert_int_equal(us_run_open(&run, context, arm), US_ERR_INPUT);
    assert_error_has(context, "trained by the rule own, which is not built in");
    us_run_open_options with = US_RUN_OPEN_OPTIONS_INIT;
    with.rule = &OWN;
    assert_done(context, us_run_open_with(&run, context, arm, &with));
    assert_ptr_equal(us_training_rule(us_run_training(run)), &OWN);
    us_run_extend(run, 10);
    assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
    us_race_destroy(race);

    us_rule wrong = OWN; /* a name of the library, one that is no folder's, twice the same */
    const us_rule *const bad[] = {&wrong, &OWN};
    p.options.rules = bad;
    static const char *const NAMES[][2] = {{"adam", "is named adam"}, {"l-bfgs", "is named l-bfgs"}, {"a/b", "no '/'"}};
    for (size_t i = 0; i < 3; i++) {
        wrong.name = NAMES[i][0];
        assert_int_equal(us_race_create(&race, context, fixture_path(p.folder, "bad"), &p.config, &p.options),
                         US_ERR_ARGUMENT);
        assert_error_has(context, NAMES[i][1]);
    }
    wrong.name = "own", p.options.rule_count = 2;
    assert_int_equal(us_race_create(&race, context, fixture_path(p.folder, "bad"), &p.config, &p.options), US_ERR_ARGUMENT);
    assert_error_has(context, "the rule own twice");
    us_context_destroy(context);
}

static us_status create_body(us_context *context, void *user) {
    const place *p = user;
    us_race *race = NULL;
    char *text = NULL;
    us_status status = us_race_create(&race, context, p->race, &p->config, &p->options);
    if (status == US_OK) status = us_race_summary(race, &text);
    us_text_release(context, text);
    us_race_destroy(race);
    return status;
}

static void every_allocation_may_fail(void **state) {
    place p = place_make();
    fixture_data(p.data, 20, false);
    support_fail_each_allocation(create_body, &p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing_and_far_too_large_rates_come_last),
        cmocka_unit_test(an_arm_is_an_ordinary_run),
        cmocka_unit_test(halving_stops_the_worse_half_each_time),
        cmocka_unit_test(a_cancelled_race_keeps_what_there_is),
        cmocka_unit_test(rules_of_the_programs_own_race_as_others_do),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
