/* A text made ready: characters, windows, split, and what is refused. */
#include "fixture.h"
#include <unistd.h>
#include <unstuck/safetensors.h>

static us_status load_with(us_context *context, const char *path, us_data_options o, us_data **data) {
    *data = (us_data *)1;
    us_status status = us_data_load(data, context, path, &o);
    if (status != US_OK) assert_null(*data);
    return status;
}

static us_data *loaded(us_context *context, const char *path, us_data_options o) {
    us_data *data;
    us_status status = load_with(context, path, o, &data);
    if (status != US_OK) fail_msg("%s: %s", us_status_name(status), us_context_error(context));
    return data;
}

static us_data_options options(size_t window, size_t stride, double test_fraction) {
    us_data_options o = US_DATA_OPTIONS_INIT;
    o.task = US_TEXT;
    o.window = window;
    o.stride = stride;
    o.test_fraction = test_fraction;
    o.precision = US_F64;
    return o;
}

/* The characters of row `row`, then "|", then those that its labels name. */
static const char *row_text(const us_data *data, const us_dataset *d, size_t row) {
    static char text[512];
    const double *x = (const double *)us_dataset_features_const(d) + row * us_dataset_stride(d);
    const uint32_t *y = us_dataset_labels_const(d) + row * us_dataset_label_stride(d);
    char *to = text;
    for (size_t t = 0; t < us_dataset_columns(d); t++) to += sprintf(to, "%s", us_data_class_name(data, (size_t)x[t]));
    *to++ = '|';
    for (size_t t = 0; t < us_dataset_positions(d); t++) to += sprintf(to, "%s", us_data_class_name(data, y[t]));
    return text;
}

static void a_text_becomes_windows(void **state) {
    us_context *context = support_plain_context();
    /* 16 characters; the last quarter is for testing */
    us_data *data = loaded(context, fixture_text("abc.txt", "abcdefghijklabcd"), options(3, 2, 0.25));
    const us_dataset *train = us_data_train(data), *test = us_data_test(data);
    assert_true(us_data_is_text(data));
    assert_int_equal(us_dataset_task(train), US_CLASSIFICATION);
    assert_int_equal(us_dataset_outputs(train), 12);
    assert_int_equal(us_data_feature_count(data), 3);
    assert_string_equal(us_data_feature_name(data, 2), "character3");
    assert_int_equal(us_dataset_columns(train), 3);
    assert_int_equal(us_dataset_positions(train), 3);
    assert_int_equal(us_dataset_rows(train), 5); /* begin at 0, 2, 4, 6, 8; 8 + 3 + 1 = 12 */
    assert_string_equal(row_text(data, train, 0), "abc|bcd");
    assert_string_equal(row_text(data, train, 1), "cde|def");
    assert_string_equal(row_text(data, train, 4), "ijk|jkl");
    assert_int_equal(us_dataset_rows(test), 1);
    assert_string_equal(row_text(data, test, 0), "abc|bcd");
    us_data_destroy(data);
    /* a stride of 0 is that of the window; test rows keep to it in any case */
    data = loaded(context, fixture_path("abc.txt"), options(2, 0, 0.5));
    assert_int_equal(us_dataset_rows(us_data_train(data)), 3);
    assert_string_equal(row_text(data, us_data_train(data), 2), "ef|fg");
    us_data_destroy(data);
    data = loaded(context, fixture_path("abc.txt"), options(2, 1, 0.5));
    assert_int_equal(us_dataset_rows(us_data_train(data)), 6);
    assert_int_equal(us_dataset_rows(us_data_test(data)), 3);
    assert_string_equal(row_text(data, us_data_test(data), 1), "kl|la");
    us_data_destroy(data);
    us_context_destroy(context);
}

static void characters_are_code_points(void **state) {
    us_context *context = support_plain_context();
    us_data *data = loaded(context,
                           fixture_text("points.txt", "\xEF\xBB\xBF"
                                                      "aé€😀\r\nbé€😀a"),
                           options(2, 0, 0));
    const char *classes[] = {"\n", "\r", "a", "b", "é", "€", "😀"};
    assert_null(us_data_test(data));
    assert_int_equal(us_dataset_outputs(us_data_train(data)), 7);
    for (size_t k = 0; k < 7; k++) assert_string_equal(us_data_class_name(data, k), classes[k]);
    assert_string_equal(row_text(data, us_data_train(data), 1), "€😀|😀\r");
    us_data_destroy(data);
    us_context_destroy(context);
}

static void tokens_of_a_prompt_and_a_file(void **state) {
    us_context *context = support_plain_context();
    us_data *data = loaded(context, fixture_text("hello.txt", "hello world"), options(4, 0, 0)), *again;
    uint32_t *numbers;
    size_t count;
    assert_int_equal(us_data_tokens(data, "rod ", 4, &numbers, &count), US_OK); /* " dehlorw" */
    assert_int_equal(count, 4);
    assert_memory_equal(numbers, ((uint32_t[]){6, 5, 1, 0}), 4 * sizeof *numbers);
    us_bytes_release(context, numbers);
    assert_int_equal(us_data_tokens(data, "he\nlx", 5, &numbers, &count), US_ERR_INPUT);
    assert_null(numbers);
    assert_non_null(strstr(us_context_error(context), "the prompt:1:3"));
    assert_int_equal(us_data_read_tokens(data, fixture_text("new.txt", "low"), &numbers, &count), US_OK);
    assert_memory_equal(numbers, ((uint32_t[]){4, 5, 7}), 3 * sizeof *numbers);
    us_bytes_release(context, numbers);
    us_dataset *d;
    assert_int_equal(us_data_load_features(&d, context, fixture_text("new2.txt", "hold"), us_data_encoding(data), US_F64),
                     US_OK);
    assert_int_equal(us_dataset_rows(d), 1);
    assert_string_equal(row_text(data, d, 0), "hold|old ");
    us_dataset_destroy(d);
    assert_int_equal(
        us_data_load_features(&d, context, fixture_text("new3.txt", "hold old"), us_data_encoding(data), US_F32), US_OK);
    assert_int_equal(us_dataset_rows(d), 2);
    us_dataset_destroy(d);
    /* what prediction has: no file */
    assert_int_equal(us_data_from_encoding(&again, context, us_data_encoding(data)), US_OK);
    assert_true(us_data_is_text(again));
    assert_string_equal(us_data_class_name(again, 7), "w");
    assert_int_equal(us_data_tokens(again, "w", 1, &numbers, &count), US_OK);
    us_bytes_release(context, numbers);
    us_data_destroy(again);
    us_data_destroy(data);
    /* a table has no characters */
    data = loaded(context, fixture_text("table.csv", "x,y\n1,2\n3,4\n5,7\n"), (us_data_options)US_DATA_OPTIONS_INIT);
    assert_false(us_data_is_text(data));
    assert_int_equal(us_data_tokens(data, "w", 1, &numbers, &count), US_ERR_ARGUMENT);
    us_data_destroy(data);
    us_context_destroy(context);
}

static void a_text_is_told_from_a_table(void **state) {
    static const struct {
        const char *name, *text;
        bool is;
    } cases[] = {
        {"prose.txt", "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n", true},
        {"one-line.txt", "it was the best of times it was the worst of times", true},
        {"quote.txt", "\"Hello,\" said he.\nAnd then, nothing; or so.\nThe end\n", true},
        {"blanks.txt", "1.5 2.5 3\n4.5 5.5 6\n7 8 9.25\n", false},
        {"commas.txt", "x,y\n1,2\n3,4\n5,7\n", false},
        {"tabs.txt", "name\tsize\nred\t1\nblue\t2\ngreen\t3\n", false},
        {"prose.csv", "It was a day, and so on\nand 1,on\n", false},
    };
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        us_data_options o = options(4, 0, 0);
        o.task = US_TASK_AUTO;
        us_data *data;
        us_status status = load_with(context, fixture_text(cases[i].name, cases[i].text), o, &data);
        if ((status == US_OK && us_data_is_text(data)) != cases[i].is)
            fail_msg("%s: %s", cases[i].name, us_context_error(context));
        us_data_destroy(data);
    }
    us_context_destroy(context);
}

static void refuse(const char *path, us_data_options o, us_status expected, const char *part) {
    us_context *context = support_plain_context();
    us_data *data;
    us_status status = load_with(context, path, o, &data);
    const char *error = us_context_error(context);
    if (status != expected || !strstr(error, part) || strchr(error, '\n'))
        fail_msg("expected \"%s\", got %s: %s", part, us_status_name(status), error);
    us_context_destroy(context);
}

static void what_is_wrong_is_named(void **state) {
    us_data_options o = options(4, 0, 0);
    refuse(fixture_text("latin.txt", "one\ntwo caf\xE9 three\n"), o, US_ERR_INPUT, "latin.txt:2:8: the byte 0xE9");
    refuse(fixture_text("cut.txt", "one two three\xE2\x82"), o, US_ERR_INPUT, "cut.txt:1:14: the byte 0xE2");
    refuse(fixture_text("lone.txt", "one two \x80 three"), o, US_ERR_INPUT, "lone.txt:1:9: the byte 0x80");
    refuse(fixture_bytes("nul.txt", "abc\nd\0fghij", 11), o, US_ERR_INPUT, "nul.txt:2:2: a NUL byte");
    refuse(fixture_bytes("wide.txt", "a\0b\0c\0d\0e\0f\0", 12), o, US_ERR_INPUT, "UTF-16");
    refuse(fixture_text("empty.txt", ""), o, US_ERR_INPUT, "0 different characters");
    refuse(fixture_text("same.txt", "aaaaaaaaaaaa"), o, US_ERR_INPUT, "1 different characters");
    refuse(fixture_text("short.txt", "abcd"), o, US_ERR_INPUT, "--context");
    refuse(fixture_text("short.txt", "abcdefghijklmnopqr"), options(4, 0, 0.2), US_ERR_INPUT, "18 characters, of which 4");
    refuse(fixture_path("nothere.txt"), o, US_ERR_INPUT, "no such file");
    refuse(fixture_path("short.txt"), options(0, 0, 0), US_ERR_ARGUMENT, "--context");
}

static void a_text_is_reloaded_or_refused(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_text("again.txt", "the quick brown fox jumps over the lazy dog");
    us_data *data = loaded(context, path, options(5, 2, 0.3)), *again;
    us_status status = us_data_reload(&again, context, NULL, us_data_encoding(data), US_F64);
    if (status != US_OK) fail_msg("%s", us_context_error(context));
    assert_string_equal(us_data_encoding(data), us_data_encoding(again));
    const us_dataset *a = us_data_train(data), *b = us_data_train(again);
    assert_int_equal(us_dataset_rows(a), us_dataset_rows(b));
    assert_int_equal(us_dataset_stride(b), 2);
    for (size_t i = 0; i < us_dataset_rows(a); i++) {
        char text[512];
        snprintf(text, sizeof text, "%s", row_text(data, a, i));
        assert_string_equal(text, row_text(again, b, i));
    }
    us_data_destroy(again);
    fixture_text("again.txt", "the quick brown fox jumps over the lazy cat");
    assert_int_equal(us_data_reload(&again, context, NULL, us_data_encoding(data), US_F64), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "not the file that was trained on"));
    us_data_destroy(data);
    us_context_destroy(context);
}

static us_status text_body(us_context *context, void *user) {
    us_data *data = NULL, *again = NULL;
    us_dataset *d = NULL;
    us_data_options o = options(4, 0, 0.3);
    o.task = US_TASK_AUTO;
    us_status status = us_data_load(&data, context, user, &o);
    if (status == US_OK) status = us_data_reload(&again, context, NULL, us_data_encoding(data), US_F32);
    if (status == US_OK) status = us_data_load_features(&d, context, user, us_data_encoding(data), US_F32);
    us_dataset_destroy(d);
    us_data_destroy(again);
    us_data_destroy(data);
    return status;
}

static void loading_survives_failing_allocations(void **state) {
    char path[512];
    snprintf(path, sizeof path, "%s", fixture_text("memory.txt", "the quick brown fox jumps over the lazy dog"));
    support_fail_each_allocation(text_body, path);
}

static void tiny_shakespeare(void **state) {
    const char *path = support_shared("data/tiny-shakespeare/input.txt");
    if (!path) skip();
    us_context *context = support_plain_context();
    us_data *data = loaded(context, path, (us_data_options)US_DATA_OPTIONS_INIT);
    /* 1,115,394 characters, 65 different ones: Karpathy, char-rnn; the last tenth is 111,539 */
    assert_int_equal(us_dataset_outputs(us_data_train(data)), 65);
    assert_int_equal(us_dataset_rows(us_data_train(data)), (1115394 - 111539 - 1) / 64);
    assert_int_equal(us_dataset_rows(us_data_test(data)), (111539 - 1) / 64);
    us_data_destroy(data);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_becomes_windows),
        cmocka_unit_test(characters_are_code_points),
        cmocka_unit_test(tokens_of_a_prompt_and_a_file),
        cmocka_unit_test(a_text_is_told_from_a_table),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_text_is_reloaded_or_refused),
        cmocka_unit_test(loading_survives_failing_allocations),
        cmocka_unit_test(tiny_shakespeare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
