#include "run/run.h"
#include "support.h"
#include <float.h>

static us_run_config good(void) {
    us_run_config config = US_RUN_CONFIG_INIT;
    config.data = "data.csv";
    return config;
}

static void every_field_goes_round(void **state) {
    us_context *context = support_plain_context();
    us_run_config a = {.version = 1,
                       .data = "a \"quoted\" 雨.csv",
                       .model = "formula: a*x",
                       .loss = "mse",
                       .init = "normal:0.1",
                       .start = "a=1",
                       .l2 = 0.1,
                       .optimizer = "momentum",
                       .set = "momentum=0.5",
                       .learning_rate = 0x1.921fb54442d18p-9,
                       .schedule = "exp:0.99",
                       .warmup = 7,
                       .clip_norm = 2.385,
                       .weight_decay = 0.25,
                       .decay_groups = "*.weight,b1",
                       .batch = 33,
                       .sampling = US_SAMPLING_REPLACEMENT,
                       .epochs = 2.5,
                       .steps = 1234567890123456789u,
                       .seconds = 0.1,
                       .seed = INT64_MAX,
                       .precision = US_F64,
                       .checkpoint_seconds = 1e-3,
                       .data_options = {.version = 1,
                                        .target = "y",
                                        .task = US_CLASSIFICATION,
                                        .drop = "u,v",
                                        .test_fraction = 0.3,
                                        .missing = US_MISSING_DROP,
                                        .standardize = false,
                                        .max_categories = 9,
                                        .precision = US_F32,
                                        .seed = 1,
                                        .csv = {.version = 1, .delimiter = ';', .header = 0}}};
    us_run_config b;
    json_t *object = us__run_config_to_json(&a);
    assert_non_null(object);
    char *text = json_dumps(object, JSON_REAL_PRECISION(17));
    json_t *back = json_loads(text, 0, NULL);
    assert_int_equal(us__run_config_from_json(context, back, &b), US_OK);
    const char *const texts[][2] = {{a.data, b.data},
                                    {a.model, b.model},
                                    {a.loss, b.loss},
                                    {a.init, b.init},
                                    {a.start, b.start},
                                    {a.optimizer, b.optimizer},
                                    {a.set, b.set},
                                    {a.schedule, b.schedule},
                                    {a.decay_groups, b.decay_groups},
                                    {a.data_options.target, b.data_options.target},
                                    {a.data_options.drop, b.data_options.drop}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_string_equal(texts[i][0], texts[i][1]);
    const double reals[][2] = {{a.l2, b.l2},
                               {a.learning_rate, b.learning_rate},
                               {a.clip_norm, b.clip_norm},
                               {a.weight_decay, b.weight_decay},
                               {a.epochs, b.epochs},
                               {a.seconds, b.seconds},
                               {a.checkpoint_seconds, b.checkpoint_seconds},
                               {a.data_options.test_fraction, b.data_options.test_fraction}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) assert_true(reals[i][0] == reals[i][1]);
    assert_true(a.warmup == b.warmup && a.batch == b.batch && a.sampling == b.sampling && a.steps == b.steps &&
                a.seed == b.seed);
    assert_true(a.precision == b.precision && a.data_options.task == b.data_options.task &&
                a.data_options.missing == b.data_options.missing);
    assert_true(!b.data_options.standardize && b.data_options.max_categories == 9);
    assert_true(b.data_options.csv.delimiter == ';' && b.data_options.csv.header == 0);
    json_decref(object);
    json_decref(back);
    free(text);

    us_run_config absent = good(), again; /* absent texts and sentinels, too */
    object = us__run_config_to_json(&absent);
    assert_int_equal(us__run_config_from_json(context, object, &again), US_OK);
    assert_true(!again.loss && !again.start && !again.data_options.target && again.batch == US_RUN_BATCH_DEFAULT);
    assert_true(again.precision == US_RUN_PRECISION_DEFAULT && again.data_options.csv.delimiter == 0 &&
                again.data_options.csv.header == -1);

    json_object_set_new(object, "optimizer", json_integer(3));
    assert_int_equal(us__run_config_from_json(context, object, &again), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "\"optimizer\" is not as it should be"));
    json_object_del(object, "optimizer");
    json_object_del(object, "accumulate"); /* a run of before there was such an option */
    json_object_del(object, "average");
    assert_int_equal(us__run_config_from_json(context, object, &again), US_OK);
    assert_null(again.optimizer); /* by the model */
    assert_true(again.accumulate == 1 && !again.average);
    json_decref(object);
    us_context_destroy(context);
}

static void assert_refused(us_context *context, us_run_config config, const char *word) {
    assert_int_equal(us__run_config_check(context, &config), US_ERR_ARGUMENT);
    if (!strstr(us_context_error(context), word)) fail_msg("'%s' is not in: %s", word, us_context_error(context));
}

static void what_is_out_of_range_is_refused_by_its_option(void **state) {
    us_context *context = support_plain_context();
    us_run_config config = good();
    assert_int_equal(us__run_config_check(context, &config), US_OK);
#define REFUSED(change, word) config = good(), change, assert_refused(context, config, word)
    REFUSED(config.version = 2, "version");
    REFUSED(config.data = NULL, "no data");
    REFUSED(config.model = "", "--model");
    REFUSED(config.optimizer = "adma", "--optimizer 'adma' is not known; did you mean 'adam'?");
    REFUSED(config.optimizer = "zzzzzzzz", "see 'unstuck optimizers'");
    REFUSED(config.learning_rate = -1, "--lr is -1");
    REFUSED(config.learning_rate = (double)NAN, "--lr");
    REFUSED(config.learning_rate = (double)INFINITY, "--lr");
    REFUSED(config.l2 = -0.5, "--l2");
    REFUSED(config.clip_norm = -1, "--clip-norm");
    REFUSED(config.weight_decay = -1, "--weight-decay");
    REFUSED(config.decay_groups = "*", "say how much with --weight-decay");
    REFUSED(config.epochs = -1, "--epochs");
    REFUSED(config.seconds = -1, "--seconds");
    REFUSED(config.seed = UINT64_MAX, "--seed");
    REFUSED(config.steps = UINT64_MAX, "--steps");
    REFUSED(config.checkpoint_seconds = 0, "checkpoint_seconds");
    REFUSED(config.data_options.test_fraction = 1, "--test-fraction");
    REFUSED(config.data_options.test_fraction = (double)NAN, "--test-fraction");
    REFUSED(config.sampling = (us_sampling)7, "--sampling");
    REFUSED(config.precision = (us_precision)16, "--precision");
    REFUSED(config.set = "beta7=1", "--set beta7: adam has beta1, beta2, epsilon");
    REFUSED(config.set = "beta1=2", "--set beta1=2");
    REFUSED(config.set = "beta1", "--set: 'beta1' should be");
    REFUSED(config.set = "beta1=0.9x", "'0.9x' is not a number");
    REFUSED(config.set = "beta1=0.9,", "ends with a comma");
    REFUSED(config.set = "=3", "--set");
    config = good(), config.schedule = "sometimes";
    assert_true(us__run_config_check(context, &config) < 0);
    assert_non_null(strstr(us_context_error(context), "--schedule"));
#undef REFUSED
    us_context_destroy(context);
}

static void set_changes_what_it_names(void **state) {
    us_context *context = support_plain_context();
    const us_rule *adam = us_rule_find("adam");
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    assert_int_equal(us__run_config_hyper(context, adam, " beta2 = 0.99 , beta1=0.5", hyper), US_OK);
    assert_true(hyper[us_rule_hyperparameter(adam, "beta1")] == 0.5);
    assert_true(hyper[us_rule_hyperparameter(adam, "beta2")] == 0.99);
    assert_int_equal(us__run_config_hyper(context, adam, NULL, hyper), US_OK);
    assert_true(hyper[us_rule_hyperparameter(adam, "beta1")] == 0.9);
    us_context_destroy(context);
}

static void a_formula_has_defaults_of_its_own(void **state) {
    us_run_config config = good();
    us__run_config_resolve(&config);
    assert_true(config.precision == US_F32 && config.data_options.standardize && config.data_options.test_fraction < 0);
    config = good(), config.model = "formula: a*x";
    us__run_config_resolve(&config);
    assert_true(config.precision == US_F64 && !config.data_options.standardize && config.data_options.test_fraction == 0);
    config = good(), config.model = "formula: a*x", config.precision = US_F32, config.data_options.test_fraction = 0.5;
    us__run_config_resolve(&config);
    assert_true(config.precision == US_F32 && config.data_options.test_fraction == 0.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_goes_round),
        cmocka_unit_test(what_is_out_of_range_is_refused_by_its_option),
        cmocka_unit_test(set_changes_what_it_names),
        cmocka_unit_test(a_formula_has_defaults_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
