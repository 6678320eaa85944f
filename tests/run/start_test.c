/* Starts of a training: from a file of tensors, or from values by name. */
#include "fixture.h"
#include "run/run.h"

static const us_group GROUPS[] = {
    {.name = "layer1.weight", .offset = 0, .count = 6, .rank = 2, .shape = {2, 3}},
    {.name = "layer1.bias", .offset = 6, .count = 2, .rank = 1, .shape = {2}},
    {.name = "b1", .offset = 8, .count = 1, .rank = 0},
};
static const double W64[6] = {1.5, -2, 3, 4, 5, 6.25};
static const float B32[2] = {0.5f, -0.25f}, SCALAR[1] = {7};

static void write_tensors(us_context *context, const char *path, const us_tensor *tensors, size_t count) {
    void *bytes;
    size_t size;
    assert_int_equal(us_safetensors_encode(context, tensors, count, NULL, 0, &bytes, &size), US_OK);
    fixture_write(path, bytes, size);
    us_bytes_release(context, bytes);
}

static void good_tensors(us_tensor tensors[3]) {
    tensors[0] =
        (us_tensor){.name = "layer1.weight", .dtype = "F64", .rank = 2, .shape = {2, 3}, .data = W64, .bytes = sizeof W64};
    tensors[1] =
        (us_tensor){.name = "layer1.bias", .dtype = "F32", .rank = 1, .shape = {2}, .data = B32, .bytes = sizeof B32};
    tensors[2] = (us_tensor){.name = "b1", .dtype = "F32", .rank = 1, .shape = {1}, .data = SCALAR, .bytes = sizeof SCALAR};
}

static void a_file_of_either_precision_is_read(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_path(support_temporary_folder(), "start.safetensors");
    us_tensor tensors[3];
    good_tensors(tensors);
    write_tensors(context, path, tensors, 3);
    const us_precision precisions[] = {US_F32, US_F64};
    for (int p = 0; p < 2; p++) {
        us_vec *theta;
        assert_int_equal(us_vec_create(&theta, context, precisions[p], 9), US_OK);
        assert_done(context, us__run_start(context, path, GROUPS, 3, theta));
        for (size_t i = 0; i < 6; i++) assert_true(us_vec_get(theta, i) == W64[i]);
        assert_true(us_vec_get(theta, 6) == 0.5 && us_vec_get(theta, 7) == -0.25 && us_vec_get(theta, 8) == 7);
        us_vec_destroy(theta);
    }
    us_context_destroy(context);
}

static void what_does_not_fit_is_told(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_path(support_temporary_folder(), "start.safetensors");
    us_tensor tensors[4];
    us_vec *theta;
    assert_int_equal(us_vec_create(&theta, context, US_F32, 9), US_OK);
#define REFUSED(change, count, ...)                                                                    \
    do {                                                                                               \
        good_tensors(tensors);                                                                         \
        change;                                                                                        \
        write_tensors(context, path, tensors, count);                                                  \
        assert_int_equal(us__run_start(context, path, GROUPS, 3, theta), US_ERR_INPUT);                \
        const char *const words[] = {__VA_ARGS__};                                                     \
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) assert_error_has(context, words[i]); \
    } while (0)
    static const double huge[2] = {1e300, 1};
    static const uint32_t integers[2] = {1, 2};
    REFUSED((void)0, 2, "has no b1", "a number");
    REFUSED((tensors[0].shape[0] = 3, tensors[0].shape[1] = 2), 3, "layer1.weight is [3×2]; the model needs [2×3]", path);
    REFUSED((tensors[1].dtype[0] = 'U', tensors[1].data = integers), 3, "layer1.bias is of type U32; F32 or F64");
    REFUSED((strcpy(tensors[1].dtype, "F64"), tensors[1].data = huge, tensors[1].bytes = sizeof huge), 3, "not finite");
    REFUSED((tensors[3] =
                 (us_tensor){.name = "layer2.weight", .dtype = "F32", .rank = 1, .shape = {1}, .data = SCALAR, .bytes = 4}),
            4, "layer2.weight, which the model has not", "layer1.weight, layer1.bias, b1");
#undef REFUSED
    fixture_write(path, "not tensors", 11);
    assert_true(us__run_start(context, path, GROUPS, 3, theta) < 0);
    assert_error_has(context, "--start");
    unlink(path);
    assert_int_equal(us__run_start(context, path, GROUPS, 3, theta), US_ERR_INPUT);
    us_vec_destroy(theta);
    us_context_destroy(context);
}

static void values_by_name_are_for_scalars(void **state) {
    us_context *context = support_plain_context();
    us_vec *theta;
    assert_int_equal(us_vec_create(&theta, context, US_F64, 9), US_OK);
    assert_done(context, us__run_start(context, "b1=-1.5e-3", GROUPS, 3, theta));
    assert_true(us_vec_get(theta, 8) == -1.5e-3 && us_vec_get(theta, 0) == 0);
    assert_int_equal(us__run_start(context, "b2=1", GROUPS, 3, theta), US_ERR_ARGUMENT);
    assert_error_has(context, "--start b2: the model has no parameter of that name; it has layer1.weight, layer1.bias, b1");
    assert_int_equal(us__run_start(context, "layer1.bias=1", GROUPS, 3, theta), US_ERR_ARGUMENT);
    assert_error_has(context, "it is [2], not one number");
    assert_int_equal(us__run_start(context, "b1=inf", GROUPS, 3, theta), US_ERR_INPUT);
    assert_int_equal(us__run_start(context, "b1=x", GROUPS, 3, theta), US_ERR_ARGUMENT);
    us_vec_destroy(theta);
    us_context_destroy(context);
}

static us_status body(us_context *context, void *path) {
    us_vec *theta = NULL;
    us_status status = us_vec_create(&theta, context, US_F32, 9);
    if (status == US_OK) status = us__run_start(context, path, GROUPS, 3, theta);
    us_vec_destroy(theta);
    return status;
}

static void a_failed_allocation_leaves_nothing(void **state) {
    us_context *context = support_plain_context();
    char path[512];
    us_tensor tensors[3];
    snprintf(path, sizeof path, "%s/start.safetensors", support_temporary_folder());
    good_tensors(tensors);
    write_tensors(context, path, tensors, 3);
    support_fail_each_allocation(body, path);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_either_precision_is_read),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(values_by_name_are_for_scalars),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
