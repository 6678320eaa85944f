/* From files to datasets: what becomes of columns and rows, what is refused, and that it can be done again. */
#include "fixture.h"
#include <jansson.h>

static us_data *load(us_context *context, const char *path, const us_data_options *options) {
    us_data *data = NULL;
    us_status status = us_data_load(&data, context, path, options);
    if (status != US_OK) fail_msg("%s: %s", us_status_name(status), us_context_error(context));
    return data;
}

static double feature(const us_dataset *d, size_t row, size_t column) {
    size_t i = row * us_dataset_columns(d) + column;
    return us_dataset_precision(d) == US_F32 ? (double)((const float *)us_dataset_features_const(d))[i]
                                             : ((const double *)us_dataset_features_const(d))[i];
}

/* Means and population deviations of all rows, computed independently in Python:
 *   v = [float(r[c]) for r in csv.DictReader(open('housing.csv')) if r[c]]
 *   m = math.fsum(v) / len(v);  s = math.sqrt(math.fsum((x - m) ** 2 for x in v) / len(v)) */
static void statistics_agree_with_another_program(void **state) {
    static const struct {
        const char *column;
        double mean, scale;
    } expected[] = {
        {"longitude", -119.56970445736435, 2.003483187746976},
        {"total_rooms", 2635.7630813953488, 2181.5624017359723},
        {"total_bedrooms", 537.8705525375618, 421.37475856260727},
        {"median_income", 3.8706710029069766, 1.8997756945748738},
        {"median_house_value", 206855.81690891474, 115392.82040412253},
    };
    const char *path = support_shared("data/california-housing/housing.csv");
    if (!path) skip();
    us_context *context = support_plain_context();
    us_data_options options = US_DATA_OPTIONS_INIT;
    options.target = "median_house_value";
    options.test_fraction = 0;
    options.precision = US_F64;
    us_data *data = load(context, path, &options);
    assert_null(us_data_test(data));
    assert_int_equal(us_dataset_rows(us_data_train(data)), 20640);
    assert_int_equal(us_data_feature_count(data), 13);
    assert_string_equal(us_data_feature_name(data, 8), "ocean_proximity=NEAR BAY");
    assert_string_equal(us_data_target_name(data), "median_house_value");
    json_t *root = json_loads(us_data_encoding(data), 0, NULL), *f;
    size_t i, seen = 0;
    json_array_foreach(json_object_get(json_object_get(root, "csv"), "features"), i, f) for (size_t k = 0; k < 4; k++) {
        if (strcmp(json_string_value(json_object_get(f, "column")), expected[k].column) != 0) continue;
        assert_near(json_real_value(json_object_get(f, "mean")), expected[k].mean, 1e-15, 0);
        assert_near(json_real_value(json_object_get(f, "scale")), expected[k].scale, 1e-13, 0);
        seen++;
    }
    assert_int_equal(seen, 4);
    json_decref(root);
    double mean, scale;
    us_data_target_scale(data, &mean, &scale);
    assert_near(mean, expected[4].mean, 1e-15, 0);
    assert_near(scale, expected[4].scale, 1e-13, 0);
    /* The first row of the file, standardised; a missing number (row 291 of the file) is the mean, so 0. */
    const us_dataset *train = us_data_train(data);
    assert_near(feature(train, 0, 0), (-122.23 - expected[0].mean) / expected[0].scale, 1e-12, 0);
    assert_near(feature(train, 0, 8), 1, 0, 0);
    assert_near(feature(train, 290, 4), 0, 0, 0);
    assert_near(((const double *)us_dataset_targets_const(train))[0], (452600 - mean) / scale, 1e-12, 0);
    us_data_destroy(data);
    us_context_destroy(context);
}

static bool same_sets(const us_dataset *a, const us_dataset *b) {
    if (!a || !b) return a == b;
    size_t bytes = us_precision_bytes(us_dataset_precision(a)), rows = us_dataset_rows(a);
    if (rows != us_dataset_rows(b) || us_dataset_columns(a) != us_dataset_columns(b) ||
        us_dataset_outputs(a) != us_dataset_outputs(b))
        return false;
    if (memcmp(us_dataset_features_const(a), us_dataset_features_const(b), rows * us_dataset_columns(a) * bytes))
        return false;
    return us_dataset_task(a) == US_REGRESSION
               ? !memcmp(us_dataset_targets_const(a), us_dataset_targets_const(b), rows * bytes)
               : !memcmp(us_dataset_labels_const(a), us_dataset_labels_const(b), rows * sizeof(uint32_t));
}

static void an_encoding_gives_the_same_bytes_again(void **state) {
    static const struct {
        const char *path, *target, *drop;
        us_task task;
        us_missing missing;
        bool standardize;
    } cases[] = {
        {"data/california-housing/housing.csv", "median_house_value", NULL, US_TASK_AUTO, US_MISSING_MEAN, true},
        {"data/california-housing/housing.csv", NULL, NULL, US_TASK_AUTO, US_MISSING_DROP, false},
        {"data/titanic/train.csv", "Survived", "Name, Ticket,Cabin", US_CLASSIFICATION, US_MISSING_DROP, true},
        {"data/adult-income/train.csv", NULL, NULL, US_TASK_AUTO, US_MISSING_MEAN, true},
        {"data/wine-quality/winequality-red.csv", "quality", NULL, US_CLASSIFICATION, US_MISSING_MEAN, true},
        {"data/iris/iris.data", "5", NULL, US_TASK_AUTO, US_MISSING_MEAN, true},
        {"data/diabetes/diabetes_data.csv.gz", NULL, NULL, US_TASK_AUTO, US_MISSING_MEAN, true},
        {"data/mnist/t10k-images-idx3-ubyte.gz", NULL, NULL, US_TASK_AUTO, US_MISSING_MEAN, true},
    };
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int p = 0; p < 2; p++) {
            const char *path = support_shared(cases[i].path);
            if (!path) skip();
            us_data_options options = US_DATA_OPTIONS_INIT;
            options.target = cases[i].target, options.drop = cases[i].drop, options.task = cases[i].task;
            options.missing = cases[i].missing, options.standardize = cases[i].standardize;
            options.precision = p ? US_F64 : US_F32;
            options.seed = p ? UINT64_MAX : 7;
            us_data *data = load(context, path, &options), *again = NULL;
            us_status status = us_data_reload(&again, context, NULL, us_data_encoding(data), options.precision);
            if (status != US_OK) fail_msg("%s: %s", cases[i].path, us_context_error(context));
            assert_string_equal(us_data_encoding(data), us_data_encoding(again));
            assert_true(same_sets(us_data_train(data), us_data_train(again)) &&
                        same_sets(us_data_test(data), us_data_test(again)));
            us_data_destroy(again);
            us_data_destroy(data);
        }
    us_context_destroy(context);
}

static void rows_are_split_and_left_out(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_text(
        "rows.csv", "a,b,y\n1,x,10\n2,x,\n3,y,30\n,y,40\n5,,50\n6,x,60\n7,x,70\n8,y,80\n9,y,90\n10,x,100\n11,x,110\n");
    us_data_options options = US_DATA_OPTIONS_INIT;
    options.test_fraction = 0.3;
    options.standardize = false;
    us_data *data = load(context, path, &options);
    const us_dataset *train = us_data_train(data), *test = us_data_test(data);
    assert_int_equal(us_dataset_rows(train), 7); /* 10 rows with a target, round(3) test */
    assert_int_equal(us_dataset_rows(test), 3);
    double seen = 0;
    for (size_t i = 0; i < 7; i++) seen += (double)((const float *)us_dataset_targets_const(train))[i];
    for (size_t i = 0; i < 3; i++) seen += (double)((const float *)us_dataset_targets_const(test))[i];
    assert_true(seen == 640); /* every row once */
    us_data_destroy(data);
    options.missing = US_MISSING_DROP;
    options.test_fraction = 0;
    data = load(context, path, &options);
    assert_int_equal(us_dataset_rows(us_data_train(data)), 8);
    us_data_destroy(data);
    /* Huge numbers, a constant column, and the mean of 0.1s is 0.1. */
    path = fixture_text("huge.csv", "a,b,y\n1e308,0.1,1\n-1e308,0.1,2\n1e308,0.1,3\n-1e308,0.1,4\n");
    options = (us_data_options)US_DATA_OPTIONS_INIT;
    options.test_fraction = 0;
    data = load(context, path, &options);
    for (size_t i = 0; i < 4; i++) {
        assert_true(feature(us_data_train(data), i, 0) == (i % 2 ? -1 : 1));
        assert_true(feature(us_data_train(data), i, 1) == 0);
    }
    us_data_destroy(data);
    us_context_destroy(context);
}

static void classes_are_sorted(void **state) {
    us_context *context = support_plain_context();
    us_data_options options = US_DATA_OPTIONS_INIT;
    options.task = US_CLASSIFICATION;
    options.test_fraction = 0;
    us_data *data = load(context, fixture_text("n.csv", "a,y\n1,10\n2,9\n3,-1\n4,9.0\n"), &options);
    assert_string_equal(us_data_class_name(data, 0), "-1");
    assert_string_equal(us_data_class_name(data, 2), "10");
    assert_null(us_data_class_name(data, 3));
    uint32_t expected[] = {2, 1, 0, 1};
    assert_memory_equal(us_dataset_labels_const(us_data_train(data)), expected, sizeof expected);
    us_data_destroy(data);
    data = load(context, fixture_text("n.csv", "a,y\n1,b\n2,B\n3,a\n4,b\n"), &options);
    assert_string_equal(us_data_class_name(data, 0), "B");
    assert_int_equal(us_dataset_labels_const(us_data_train(data))[3], 2);
    us_data_destroy(data);
    us_context_destroy(context);
}

static void hear_warning(void *user, us_log_level level, const char *text) {
    if (level == US_LOG_WARNING) snprintf(user, 300, "%s", text);
}

/* A column of such texts loads, since it may be meant; what it looks like is told. */
static void spelled_numbers_are_told(void **state) {
    static const struct {
        const char *text, *warning; /* "": none */
    } cases[] = {
        {"a;b\n1,5;x\n2,5;y\n3;x\n", "column \"a\" is read as text: \"1,5\" is not a number (a decimal or thousands comma?"},
        {"a;b\n1;1,5\n2;2,5\n3;4\n", "column \"b\" is read as text: \"1,5\" is not a number (a decimal or thousands comma?"},
        {"a,b\n10%,1\n20%,2\n", "\"10%\" is not a number (take the sign away)"},
        {"a;b\n1,5;x\nlow;y\n", ""},
        {"a;b\n1-2;x\n3-4;y\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char heard[300] = "";
        us_context_options options = US_CONTEXT_OPTIONS_INIT;
        options.log = hear_warning, options.log_user = heard;
        us_context *context;
        assert_int_equal(us_context_create(&context, &options), US_OK);
        us_data_options plain = US_DATA_OPTIONS_INIT;
        plain.test_fraction = 0;
        us_data_destroy(load(context, fixture_text("spelled.csv", cases[i].text), &plain));
        if (*cases[i].warning ? !strstr(heard, cases[i].warning) : *heard) fail_msg("%zu: heard \"%s\"", i, heard);
        us_context_destroy(context);
    }
}

static void mistakes_are_named(void **state) {
    static const struct {
        const char *text, *target, *drop;
        us_task task;
        us_status status;
        const char *error;
    } cases[] = {
        {"a,income\n1,2\n2,3\n", "incom", NULL, 0, US_ERR_INPUT,
         "there is no column \"incom\"; did you mean --target \"income\"?"},
        {"a,b\n1,2\n2,3\n", "zzzzzz", NULL, 0, US_ERR_INPUT, "for --target ; the columns are a, b"},
        {"a,b\n1,2\n2,3\n", NULL, "c,a", 0, US_ERR_INPUT, "there is no column \"c\""},
        {"a,b\n1,2\n2,3\n", NULL, "b", 0, US_ERR_ARGUMENT, "is the target and cannot be dropped"},
        {"a,b\n1,2\n2,\"3,5\"\n", NULL, NULL, US_REGRESSION, US_ERR_INPUT,
         ":3:2: \"3,5\" in column \"b\" is not a number (a decimal or thousands comma?"},
        {"a,b\n1,2\n2,$3\n", NULL, NULL, US_REGRESSION, US_ERR_INPUT,
         ":3:2: \"$3\" in column \"b\" is not a number (take the sign away)"},
        {"a,b\n1,x\n2,x\n", NULL, NULL, 0, US_ERR_INPUT, "only one class, \"x\""},
        {"a,b\n1,3\n2,3\n", NULL, NULL, US_CLASSIFICATION, US_ERR_INPUT, "only one class, \"3\""},
        {"a,b\n1,1.5\n2,3\n", NULL, NULL, US_CLASSIFICATION, US_ERR_INPUT,
         ":2:2: the class 1.5 in column \"b\" is not a whole number"},
        {"a,b\n1,2\ninf,3\n2,4\n", NULL, NULL, 0, US_ERR_INPUT, ":3:1: the number in column \"a\" is infinite"},
        {"a,b\n1,2\n3,-inf\n2,4\n", NULL, NULL, 0, US_ERR_INPUT, ":3:2: the target in column \"b\" is infinite"},
        {"a,b\n1,\n3,\n", NULL, NULL, 0, US_ERR_INPUT, "the target column \"b\" is empty"},
        {"a,n,t,b\n1,p,u,1\n2,q,v,2\n3,r,w,3\n4,s,u,4\n", NULL, NULL, 0, US_ERR_INPUT,
         "text column \"n\" has 4 categories, and the limit is 2; leave such columns out: --drop 'n,t'"},
    };
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        us_data_options options = US_DATA_OPTIONS_INIT;
        options.target = cases[i].target, options.drop = cases[i].drop, options.task = cases[i].task;
        options.max_categories = 2, options.test_fraction = 0;
        us_data *data = (us_data *)1;
        us_status status = us_data_load(&data, context, fixture_text("bad.csv", cases[i].text), &options);
        if (status != cases[i].status || !strstr(us_context_error(context), cases[i].error))
            fail_msg("expected \"%s\", got %s: %s", cases[i].error, us_status_name(status), us_context_error(context));
        assert_null(data);
    }
    us_data_options options = US_DATA_OPTIONS_INIT;
    us_data *data;
    options.test_fraction = 1;
    assert_int_equal(us_data_load(&data, context, "x", &options), US_ERR_ARGUMENT);
    assert_int_equal(us_data_reload(&data, context, NULL, "{\"version\":1}", US_F32), US_ERR_INPUT);
    assert_int_equal(us_data_reload(&data, context, NULL, "nonsense", US_F32), US_ERR_INPUT);
    us_context_destroy(context);
}

static void another_file_is_noticed(void **state) {
    us_context *context = support_plain_context();
    us_data *data = load(context, fixture_text("same.csv", "a,b\n1,2\n2,3\n3,5\n"), NULL), *again;
    fixture_text("same.csv", "a,b\n1,2\n2,3\n3,6\n");
    assert_int_equal(us_data_reload(&again, context, NULL, us_data_encoding(data), US_F32), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "not the file that was trained on"));
    us_data_destroy(data);
    us_context_destroy(context);
}

static void features_are_found_for_prediction(void **state) {
    us_context *context = support_plain_context();
    us_data_options options = US_DATA_OPTIONS_INIT;
    options.test_fraction = 0, options.standardize = false;
    us_data *data = load(context, fixture_text("t.csv", "a,code,y\n1,01,5\n2,x,6\n6,01,7\n"), &options);
    static const struct {
        const char *text;
        double expected[3];
    } good[] = {
        {"code,more,a\n01,9,4\n", {4, 1, 0}}, /* other order, a column more, and 01 is spelt as it was */
        {"a,code,y\n4,x,\n", {4, 0, 1}},
        {"code,a\nnew,NA\n", {3, 0, 0}}, /* unseen: none; missing: the mean */
        {"4,01\n", {4, 1, 0}},           /* no header: all but the target, or all */
        {"4,01,8\n", {4, 1, 0}},
    };
    us_dataset *d;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        us_status status =
            us_data_load_features(&d, context, fixture_text("new.csv", good[i].text), us_data_encoding(data), US_F64);
        if (status != US_OK) fail_msg("%s: %s", good[i].text, us_context_error(context));
        assert_int_equal(us_dataset_rows(d), 1);
        for (size_t k = 0; k < 3; k++) assert_near(feature(d, 0, k), good[i].expected[k], 0, 0);
        us_dataset_destroy(d);
    }
    static const struct {
        const char *text, *error;
    } bad[] = {
        {"code,y\nx,5\n", "column \"a\" is not there, and the model needs it"},
        {"a,code\nseven,x\n", ":2:1: \"seven\" in column \"a\" is not a number"},
        {"1,2,3,4,5\n", "5 columns and no names"},
        {"a,code\ninf,x\n", ":2:1: the number inf in column \"a\" is infinite"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(
            us_data_load_features(&d, context, fixture_text("new.csv", bad[i].text), us_data_encoding(data), US_F64),
            US_ERR_INPUT);
        if (!strstr(us_context_error(context), bad[i].error)) fail_msg("%s", us_context_error(context));
        assert_null(d);
    }
    us_data_destroy(data);
    us_context_destroy(context);
}

static void data_hear(void *user, us_log_level level, const char *text) { strcat(strcat(user, text), "|"); }

/* Rows 1 and 3 miss a category in b, and in the second file row 5 one in c; row 6 misses one, too, and its target, so that
 * it is left out. */
static void missing_categories_are_counted(void **state) {
    char heard[2000] = "";
    us_context_options options = US_CONTEXT_OPTIONS_INIT;
    us_context *context = NULL;
    options.log = data_hear;
    options.log_user = heard;
    assert_int_equal(us_context_create(&context, &options), US_OK);
    us_data *data =
        load(context, fixture_text("gaps.csv", "a,b,c,y\n1,,u,5\n2,x,v,6\n3,,u,8\n4,x,u,7\n5,y,v,9\n6,,v,\n"), NULL);
    if (!strstr(heard, "2 missing categories in column b count as none|")) fail_msg("heard: %s", heard);
    us_data_destroy(data);
    *heard = '\0';
    data = load(context, fixture_text("gaps.csv", "a,b,c,y\n1,,u,5\n2,x,v,6\n3,,u,8\n4,x,u,7\n5,y,,9\n6,,v,\n"), NULL);
    if (!strstr(heard, "3 missing categories in 2 columns count as none|")) fail_msg("heard: %s", heard);
    us_data_destroy(data);
    us_context_destroy(context);
}

static us_status load_body(us_context *context, void *user) {
    us_data *data, *again = NULL;
    us_dataset *features = NULL;
    us_status status = us_data_load(&data, context, user, NULL);
    if (status == US_OK) status = us_data_reload(&again, context, NULL, us_data_encoding(data), US_F64);
    if (status == US_OK) status = us_data_load_features(&features, context, user, us_data_encoding(data), US_F64);
    if (status != US_OK && status != US_ERR_NOMEM) print_error("%s\n", us_context_error(context));
    us_data_destroy(data);
    us_data_destroy(again);
    us_dataset_destroy(features);
    return status;
}

static void loading_survives_failing_allocations(void **state) {
    support_fail_each_allocation(load_body,
                                 (void *)(uintptr_t)fixture_text("small.csv", "a,b,y\n1,x,5\n2,y,6\n,x,7\n4,y,8\n5,x,9\n"));
    support_fail_each_allocation(load_body,
                                 (void *)(uintptr_t)fixture_text("small.csv", "a,b,y\n1,x,p\n2,y,q\n,x,q\n4,y,p\n5,x,p\n"));
    unsigned char images[16 + 4 * 6] = {0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 2, 255, 51},
                                  labels[8 + 6] = {0, 0, 8, 1, 0, 0, 0, 6, 3, 7, 3, 7, 3, 7};
    fixture_bytes("s-labels-idx1-ubyte", labels, sizeof labels);
    support_fail_each_allocation(load_body, (void *)(uintptr_t)fixture_bytes("s-images-idx3-ubyte", images, sizeof images));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_agree_with_another_program),
        cmocka_unit_test(an_encoding_gives_the_same_bytes_again),
        cmocka_unit_test(rows_are_split_and_left_out),
        cmocka_unit_test(classes_are_sorted),
        cmocka_unit_test(spelled_numbers_are_told),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(another_file_is_noticed),
        cmocka_unit_test(features_are_found_for_prediction),
        cmocka_unit_test(loading_survives_failing_allocations),
        cmocka_unit_test(missing_categories_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
