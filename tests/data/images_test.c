/* IDX files: the pair, its test pair, and all that can be wrong with them. */
#include "fixture.h"
#include <unistd.h>
#include <zlib.h>

enum { IMAGES = 10, PIXELS = 4, IMAGE_BYTES = 16 + IMAGES * PIXELS, LABEL_BYTES = 8 + IMAGES };

/* Ten images of 2×2 pixels: pixel k of image i is 4i + k. */
static const unsigned char *images(void) {
    static unsigned char bytes[IMAGE_BYTES + 1] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, 2, 0, 0, 0, 2};
    for (int i = 0; i < IMAGES * PIXELS; i++) bytes[16 + i] = (unsigned char)i;
    return bytes;
}

/* Label i is 3 or 7. */
static const unsigned char *labels(void) {
    static unsigned char bytes[LABEL_BYTES + 1] = {0, 0, 8, 1, 0, 0, 0, IMAGES};
    for (int i = 0; i < IMAGES; i++) bytes[8 + i] = i % 3 ? 7 : 3;
    return bytes;
}

static void change(const char *path, long at, int byte) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(byte, file), byte);
    assert_int_equal(fclose(file), 0);
}

/* A whole training pair; returns the path of the images. */
static const char *pair(const char *name) {
    char file[64];
    snprintf(file, sizeof file, "%s-labels-idx1-ubyte", name);
    fixture_bytes(file, labels(), LABEL_BYTES);
    snprintf(file, sizeof file, "%s-images-idx3-ubyte", name);
    return fixture_bytes(file, images(), IMAGE_BYTES);
}

static us_status load(us_context *context, const char *path, double test_fraction, us_data **data) {
    us_data_options options = US_DATA_OPTIONS_INIT;
    options.test_fraction = test_fraction;
    options.precision = US_F64;
    *data = (us_data *)1;
    us_status status = us_data_load(data, context, path, &options);
    if (status != US_OK) assert_null(*data);
    return status;
}

/* Bad input, in one line that names a file and holds both parts. */
static void refuse(const char *path, const char *a, const char *b) {
    us_context *context = support_plain_context();
    us_data *data;
    us_status status = load(context, path, -1, &data);
    const char *error = us_context_error(context);
    if (status != US_ERR_INPUT || !strstr(error, a) || !strstr(error, b) || strchr(error, '\n'))
        fail_msg("expected \"%s\" and \"%s\", got %s: %s", a, b, us_status_name(status), error);
    us_context_destroy(context);
}

static const us_data *loaded(us_context *context, const char *path, double test_fraction) {
    us_data *data;
    us_status status = load(context, path, test_fraction, &data);
    if (status != US_OK) fail_msg("%s: %s", us_status_name(status), us_context_error(context));
    return data;
}

static void a_pair_is_read(void **state) {
    us_context *context = support_plain_context();
    const us_data *data = loaded(context, pair("whole"), 0);
    const us_dataset *train = us_data_train(data);
    assert_null(us_data_test(data));
    assert_int_equal(us_dataset_rows(train), IMAGES);
    assert_int_equal(us_dataset_columns(train), PIXELS);
    assert_int_equal(us_dataset_task(train), US_CLASSIFICATION);
    assert_int_equal(us_dataset_outputs(train), 2);
    assert_string_equal(us_data_class_name(data, 0), "3");
    assert_string_equal(us_data_class_name(data, 1), "7");
    for (size_t i = 0; i < IMAGES * PIXELS; i++)
        assert_near(((const double *)us_dataset_features_const(train))[i], (double)i / 255, 1e-15, 0);
    for (size_t i = 0; i < IMAGES; i++) assert_int_equal(us_dataset_labels_const(train)[i], i % 3 != 0);
    us_data_destroy((us_data *)(uintptr_t)data);
    us_context_destroy(context);
}

static void the_test_pair_is_the_test_set(void **state) {
    us_context *context = support_plain_context();
    const char *train = pair("train"), *test = pair("t10k");
    change(test, 16, 255);
    const us_data *data = loaded(context, train, -1);
    assert_int_equal(us_dataset_rows(us_data_train(data)), IMAGES);
    assert_int_equal(us_dataset_rows(us_data_test(data)), IMAGES);
    assert_near(((const double *)us_dataset_features_const(us_data_test(data)))[0], 1, 0, 0);
    assert_near(((const double *)us_dataset_features_const(us_data_train(data)))[0], 0, 0, 0);
    us_data_destroy((us_data *)(uintptr_t)data);

    /* a fraction that is given splits the training pair instead */
    data = loaded(context, train, 0.3);
    assert_int_equal(us_dataset_rows(us_data_train(data)), 7);
    assert_int_equal(us_dataset_rows(us_data_test(data)), 3);
    for (size_t i = 0; i < 3; i++) assert_true(((const double *)us_dataset_features_const(us_data_test(data)))[4 * i] < 0.9);
    us_data_destroy((us_data *)(uintptr_t)data);
    data = loaded(context, train, 0);
    assert_null(us_data_test(data));
    us_data_destroy((us_data *)(uintptr_t)data);

    /* what is wrong with the test pair is said of it */
    const char *test_labels = fixture_path("t10k-labels-idx1-ubyte");
    change(test_labels, 8, 9);
    refuse(train, "t10k-labels-idx1-ubyte", "label 9");
    unlink(test_labels);
    refuse(train, "t10k-images-idx3-ubyte", "labels");
    fixture_bytes("t10k-labels-idx1-ubyte", labels(), LABEL_BYTES);
    change(test, 11, 1), change(test, 15, 4);
    refuse(train, "t10k-images-idx3-ubyte", "pixels");
    unlink(test);
    unlink(test_labels);
    us_context_destroy(context);
}

static void truncated_files_are_refused(void **state) {
    static const size_t lengths[] = {4, 7, 15, 16, 20, 30, IMAGE_BYTES - 1, IMAGE_BYTES + 1};
    fixture_bytes("cut-labels-idx1-ubyte", labels(), LABEL_BYTES);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        refuse(fixture_bytes("cut-images-idx3-ubyte", images(), lengths[i]), "cut-images-idx3-ubyte", "");
    refuse(fixture_bytes("cut-images-idx3-ubyte", images(), 30), "10 items of 4 bytes", "30 bytes");
    const char *path = fixture_bytes("cut-images-idx3-ubyte", images(), IMAGE_BYTES);
    for (size_t length = 0; length < LABEL_BYTES; length++) {
        fixture_bytes("cut-labels-idx1-ubyte", labels(), length);
        refuse(path, "cut-labels-idx1-ubyte", "");
    }
}

/* Gzips what is there into name, all but the last `less` bytes of the gzip file. */
static const char *packed(const char *name, const void *bytes, size_t size, size_t less) {
    const char *path = fixture_path(name);
    static char raw[4096];
    gzFile zip = gzopen(path, "wb");
    assert_non_null(zip);
    assert_int_equal(gzwrite(zip, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(zip), Z_OK);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(raw, 1, sizeof raw, file);
    fclose(file);
    assert_true(length > less);
    return fixture_bytes(name, raw, length - less);
}

static void truncated_gzip_is_refused(void **state) {
    us_context *context = support_plain_context();
    packed("zip-labels-idx1-ubyte.gz", labels(), LABEL_BYTES, 0);
    const us_data *data = loaded(context, packed("zip-images-idx3-ubyte.gz", images(), IMAGE_BYTES, 0), 0);
    assert_int_equal(us_dataset_rows(us_data_train(data)), IMAGES);
    us_data_destroy((us_data *)(uintptr_t)data);
    us_context_destroy(context);
    for (size_t less = 1; less <= 30; less++)
        refuse(packed("zip-images-idx3-ubyte.gz", images(), IMAGE_BYTES, less), "zip-images-idx3-ubyte.gz",
               "ends too early");
    refuse(packed("zip-images-idx3-ubyte.gz", images(), IMAGE_BYTES - 5, 0), "zip-images-idx3-ubyte.gz",
           "ends before its 10 items do");
    refuse(packed("zip-images-idx3-ubyte.gz", images(), IMAGE_BYTES + 1, 0), "zip-images-idx3-ubyte.gz", "more follows");
    const char *path = packed("zip-images-idx3-ubyte.gz", images(), IMAGE_BYTES, 0);
    packed("zip-labels-idx1-ubyte.gz", labels(), LABEL_BYTES, 9);
    refuse(path, "zip-labels-idx1-ubyte.gz", "ends too early");
}

static void labels_must_belong_to_the_images(void **state) {
    const char *path = pair("match");
    unsigned char nine[8 + 9];
    memcpy(nine, labels(), sizeof nine);
    nine[7] = 9;
    fixture_bytes("match-labels-idx1-ubyte", nine, sizeof nine);
    refuse(path, "match-labels-idx1-ubyte: 9 labels", "the 10 images");
    fixture_bytes("match-labels-idx1-ubyte", images(), IMAGE_BYTES); /* images where labels should be */
    refuse(path, "match-labels-idx1-ubyte", "do not belong together");
    fixture_bytes("match-labels-idx1-ubyte", "label\n3\n7\n", 10);
    refuse(path, "match-labels-idx1-ubyte", "not an IDX file");
    unlink(fixture_path("match-labels-idx1-ubyte"));
    refuse(path, "match-images-idx3-ubyte", "there is no");
    refuse(path, "match-labels-idx1-ubyte", "labels are not beside it");
    refuse(fixture_bytes("numbers.idx", images(), IMAGE_BYTES), "numbers.idx", "should have 'images' in it");
    refuse(fixture_bytes("only-labels-idx1-ubyte", labels(), LABEL_BYTES), "only-labels-idx1-ubyte", "labels");
    unsigned char same[LABEL_BYTES];
    memcpy(same, labels(), sizeof same);
    memset(same + 8, 3, IMAGES);
    fixture_bytes("match-labels-idx1-ubyte", same, sizeof same);
    refuse(path, "match-labels-idx1-ubyte", "only one class");
}

static void another_magic_is_refused(void **state) {
    const char *path = pair("magic");
    change(path, 2, 0x0D); /* floats */
    refuse(path, "magic-images-idx3-ubyte", "0x0D");
    change(path, 2, 8), change(path, 3, 6); /* six dimensions: not taken for images, nor for a table */
    refuse(path, "magic-images-idx3-ubyte", "");
    change(path, 3, 3), change(path, 0, 1);
    refuse(path, "magic-images-idx3-ubyte", "");
    change(path, 0, 0), change(path, 7, 0);
    refuse(path, "magic-images-idx3-ubyte", "dimension 1 is 0");
    change(path, 7, IMAGES), change(path, 4, 0xFF), change(path, 8, 0xFF), change(path, 12, 0xFF); /* 2^96 bytes */
    refuse(path, "magic-images-idx3-ubyte", "get it again");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_read),
        cmocka_unit_test(the_test_pair_is_the_test_set),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(truncated_gzip_is_refused),
        cmocka_unit_test(labels_must_belong_to_the_images),
        cmocka_unit_test(another_magic_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
