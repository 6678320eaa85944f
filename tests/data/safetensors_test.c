/* The safetensors format: round trips, the layout that other tools read, every kind of damage, and files replaced whole. */
#include "support.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unstuck/safetensors.h>

/* An image from a header text and data. */
static unsigned char *image(const char *header, const void *data, size_t data_size, size_t *size) {
    uint64_t length = strlen(header);
    *size = 8 + length + data_size;
    unsigned char *bytes = malloc(*size);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    if (data_size) memcpy(bytes + 8 + length, data, data_size);
    return bytes;
}

static us_tensor tensor(const char *name, const char *dtype, size_t rank, const size_t *shape, const void *data,
                        size_t bytes) {
    us_tensor t = {.name = name, .rank = rank, .data = data, .bytes = bytes};
    strcpy(t.dtype, dtype);
    for (size_t i = 0; i < rank; i++) t.shape[i] = shape[i];
    return t;
}

static const size_t SHAPE_23[] = {2, 3}, SHAPE_3[] = {3}, SHAPE_0[] = {4, 0};
static const float FLOATS[] = {1.5f, -2.25f, 3e-30f, 4, 5, 6};
static const double ONE_DOUBLE = 0.1;
static const unsigned char THREE_BYTES[] = {7, 8, 9};

static void what_is_encoded_is_decoded(void **state) {
    us_context *context = support_plain_context();
    const us_tensor tensors[] = {
        tensor("bytes", "U8", 1, SHAPE_3, THREE_BYTES, 3),
        tensor("layer1.weight \"ü\"\n", "F32", 2, SHAPE_23, FLOATS, sizeof FLOATS),
        tensor("scalar", "F64", 0, NULL, &ONE_DOUBLE, 8),
        tensor("empty", "BF16", 2, SHAPE_0, NULL, 0),
    };
    const char *metadata[] = {"format", "pt", "what", "two lines\nand \"quotes\""};
    void *bytes;
    size_t size;
    us_tensors *back;
    assert_int_equal(us_safetensors_encode(context, tensors, 4, metadata, 2, &bytes, &size), US_OK);
    uint64_t header;
    memcpy(&header, bytes, 8);
    assert_int_equal(header % 8, 0);
    assert_int_equal(size, 8 + header + 8 + 24 + 3);
    assert_memory_equal((char *)bytes + 8 + header, &ONE_DOUBLE, 8); /* the widest type first */
    assert_int_equal(us_safetensors_decode(&back, context, "it", bytes, size), US_OK);
    memset(bytes, 0xA5, size); /* the decoded tensors are copies */
    us_bytes_release(context, bytes);
    assert_int_equal(us_tensors_count(back), 4);
    for (size_t i = 0; i < 4; i++) {
        const us_tensor *t = us_tensors_find(back, tensors[i].name);
        assert_non_null(t);
        assert_string_equal(t->dtype, tensors[i].dtype);
        assert_int_equal(t->rank, tensors[i].rank);
        for (size_t k = 0; k < t->rank; k++) assert_int_equal(t->shape[k], tensors[i].shape[k]);
        assert_int_equal(t->bytes, tensors[i].bytes);
        assert_int_equal((uintptr_t)t->data % 64, 0); /* so that a caller may read it as its type */
        if (t->bytes) assert_memory_equal(t->data, tensors[i].data, t->bytes);
    }
    assert_string_equal(us_tensors_metadata(back, "format"), "pt");
    assert_string_equal(us_tensors_metadata(back, "what"), "two lines\nand \"quotes\"");
    assert_null(us_tensors_metadata(back, "none"));
    assert_null(us_tensors_find(back, "none"));
    assert_null(us_tensors_at(back, 4));
    us_tensors_destroy(back);
    us_tensors_destroy(NULL);
    us_context_destroy(context);
}

/* The first is laid out as the format's own implementation does: compact JSON, padding by spaces, wider types first.
 * Decoding asks for none of that: the second is as a hand might write it, unpadded, an f64 not aligned. The third was
 * written by a Python program. */
static void images_of_other_tools_are_read(void **state) {
    us_context *context = support_plain_context();
    static const char padded[] =
        "{\"__metadata__\":{\"format\":\"np\"},\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}   ";
    static const char by_hand[] =
        "{ \"c\" : {\"shape\":[1], \"dtype\":\"U8\", \"data_offsets\":[0,1]},\n"
        " \"d\" : {\"data_offsets\":[1,9], \"extra\":null, \"dtype\":\"F64\", \"shape\":[1,1,1]} }";
    int64_t b = -5;
    unsigned char data[16], *bytes;
    size_t size;
    us_tensors *t;
    memcpy(data, &b, 8);
    memcpy(data + 8, FLOATS, 8);
    bytes = image(padded, data, 16, &size);
    assert_int_equal(us_safetensors_decode(&t, context, "np", bytes, size), US_OK);
    assert_true(*(const int64_t *)us_tensors_find(t, "b")->data == -5);
    assert_true(((const float *)us_tensors_find(t, "a")->data)[1] == -2.25f);
    us_tensors_destroy(t);
    free(bytes);
    data[0] = 3;
    memcpy(data + 1, &ONE_DOUBLE, 8);
    bytes = image(by_hand, data, 9, &size);
    assert_int_equal(us_safetensors_decode(&t, context, "by hand", bytes, size), US_OK);
    assert_true(*(const double *)us_tensors_find(t, "d")->data == 0.1);
    assert_string_equal(us_tensors_at(t, 0)->name, "c");
    us_tensors_destroy(t);
    free(bytes);
    const char *shared = support_shared("zoo/dead-relu-all/start.safetensors");
    if (shared) {
        const uint32_t first = 0xbe6dfaee; /* by xxd */
        assert_int_equal(us_safetensors_read(&t, context, shared), US_OK);
        assert_int_equal(us_tensors_count(t), 4);
        const us_tensor *weight = us_tensors_find(t, "layer1.weight");
        assert_true(weight->rank == 2 && weight->shape[0] == 8 && weight->shape[1] == 4);
        assert_memory_equal(weight->data, &first, 4);
        us_tensors_destroy(t);
    }
    us_context_destroy(context);
}

#define TENSOR(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void damage_is_named(void **state) {
    static const struct {
        const char *header;
        size_t data;
        const char *says;
    } cases[] = {
        {"", 0, "no JSON object"},
        {"[1]", 0, "no JSON object"},
        {" {}", 0, "no JSON object"},
        {"{", 0, "no JSON object"},
        {"{}x", 0, "no JSON object"},
        {"{\"a\":1}", 0, "tensor a: dtype, shape or data_offsets"},
        {"{\"a\\u0000b\":{}}", 0, "no JSON object"},
        {"{" TENSOR("a", "F32", "[1]", "0", "4") "," TENSOR("a", "F32", "[1]", "4", "8") "}", 8, "no JSON object"},
        {"{" TENSOR("a", "F31", "[1]", "0", "4") "}", 4, "tensor a: dtype F31 is not known"},
        {"{" TENSOR("a", "F32", "{}", "0", "4") "}", 4, "tensor a: dtype, shape or data_offsets"},
        {"{" TENSOR("a", "F32", "[-1]", "0", "4") "}", 4, "size 0 of its shape"},
        {"{" TENSOR("a", "F32", "[1.0]", "0", "4") "}", 4, "size 0 of its shape"},
        {"{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, "rank 9"},
        {"{" TENSOR("a", "F32", "[2]", "0", "4") "}", 4, "its shape does not make the 4 bytes"},
        {"{" TENSOR("a", "F32", "[4611686018427387904,4]", "0", "0") "}", 0, "its shape does not make"},
        {"{" TENSOR("a", "F32", "[4611686018427387905]", "0", "4") "}", 4, "its shape does not make"},
        {"{" TENSOR("a", "F32", "[99999999999999999999]", "0", "4") "}", 4, "no JSON object"},
        {"{" TENSOR("a", "F32", "[1]", "-4", "0") "}", 4, "0 <= begin <= end"},
        {"{" TENSOR("a", "F32", "[1]", "4", "0") "}", 4, "0 <= begin <= end"},
        {"{" TENSOR("a", "F32", "[1]", "\"0\"", "4") "}", 4, "0 <= begin <= end"},
        {"{" TENSOR("a", "F32", "[2]", "0", "8") "}", 7, "tensor a ends at byte 8 of the data, of which there are 7"},
        {"{" TENSOR("a", "F32", "[1]", "0", "4") "}", 5, "1 bytes follow the last tensor"},
        {"{" TENSOR("a", "F32", "[1]", "1", "5") "}", 5, "tensor a leaves a gap"},
        {"{" TENSOR("a", "F32", "[1]", "0", "4") "," TENSOR("b", "F32", "[1]", "5", "9") "}", 9, "tensor b leaves a gap"},
        {"{" TENSOR("a", "F32", "[2]", "0", "8") "," TENSOR("b", "F32", "[1]", "4", "8") "}", 8, "tensor b overlaps"},
        {"{" TENSOR("two\\nlines", "F31", "[1]", "0", "4") "}", 4, "tensor two?lines: dtype"},
        {"{\"__metadata__\":3}", 0, "__metadata__ is no object"},
        {"{\"__metadata__\":{\"a\":3}}", 0, "__metadata__ holds something that is no text"},
    };
    us_context *context = support_plain_context();
    us_tensors *t;
    unsigned char data[16] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size;
        unsigned char *bytes = image(cases[i].header, data, cases[i].data, &size);
        assert_int_equal(us_safetensors_decode(&t, context, "some.file", bytes, size), US_ERR_INPUT);
        assert_null(t);
        const char *error = us_context_error(context);
        if (!strstr(error, cases[i].says) || strncmp(error, "some.file: ", 11) != 0 || strchr(error, '\n'))
            fail_msg("%zu: %s", i, error);
        free(bytes);
    }
    static const unsigned char short_file[] = {2, 0, 0, 0, 0, 0, 0}, long_header[] = {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'},
                               huge_header[] = {0, 0, 0, 0, 0, 0, 0, 0x80, '{', '}'};
    assert_int_equal(us_safetensors_decode(&t, context, "f", short_file, sizeof short_file), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "7 bytes are too few"));
    assert_int_equal(us_safetensors_decode(&t, context, "f", long_header, sizeof long_header), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "truncated"));
    assert_int_equal(us_safetensors_decode(&t, context, "f", huge_header, sizeof huge_header), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "not a safetensors file"));
    assert_int_equal(us_safetensors_decode(&t, context, "f", NULL, 0), US_ERR_INPUT);
    us_context_destroy(context);
}

static void what_cannot_be_encoded_is_refused(void **state) {
    us_context *context = support_plain_context();
    const us_tensor good = tensor("a", "F32", 1, SHAPE_3, FLOATS, 12), wide = tensor("a", "F64", 0, NULL, &ONE_DOUBLE, 8);
    us_tensor pair[2];
    void *bytes;
    size_t size;
    static const char *const says[] = {"the name is taken", "the name is taken", "do not fit",
                                       "do not fit",        "do not fit",        "not UTF-8"};
    for (size_t i = 0; i < 6; i++) {
        pair[0] = good;
        pair[1] = i == 0 ? wide : good;
        if (i == 1) pair[1].name = "__metadata__";
        if (i > 1) pair[1].name = "b";
        if (i == 2) strcpy(pair[1].dtype, "F33");
        if (i == 3) pair[1].bytes = 11;
        if (i == 4) pair[1].rank = 9;
        if (i == 5) pair[1].name = "\xff\xfe";
        assert_int_equal(us_safetensors_encode(context, pair, 2, NULL, 0, &bytes, &size), US_ERR_ARGUMENT);
        assert_null(bytes);
        if (!strstr(us_context_error(context), says[i])) fail_msg("%zu: %s", i, us_context_error(context));
    }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ files */

static long file_size(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 ? (long)about.st_size : -1;
}

static void a_file_is_replaced_whole_or_not_at_all(void **state) {
    us_context *context = support_plain_context();
    char path[256], part[400];
    snprintf(path, sizeof path, "%s/model.safetensors", support_temporary_folder());
    snprintf(part, sizeof part, "%s.part", path);
    const us_tensor t = tensor("a", "F32", 1, SHAPE_3, FLOATS, 12);
    void *bytes;
    size_t size;
    us_tensors *back;
    assert_int_equal(us_safetensors_encode(context, &t, 1, NULL, 0, &bytes, &size), US_OK);
    assert_int_equal(us_file_replace(context, path, "old", 3), US_OK);
    assert_int_equal(us_safetensors_read(&back, context, path), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), path));
    assert_int_equal(us_file_replace(context, path, bytes, size), US_OK);
    assert_int_equal(us_safetensors_read(&back, context, path), US_OK);
    assert_memory_equal(us_tensors_find(back, "a")->data, FLOATS, 12);
    us_tensors_destroy(back);

    /* Through a link, and into a pipe, neither of which is replaced. */
    char other[400], word[4] = "";
    struct stat about;
    int fifo;
    snprintf(other, sizeof other, "%s.link", path);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(us_file_replace(context, other, bytes, size), US_OK);
    assert_int_equal(lstat(other, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(file_size(path), (long)size);
    snprintf(other, sizeof other, "%s.pipe", path);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_true((fifo = open(other, O_RDWR)) >= 0);
    assert_int_equal(us_file_replace(context, other, "abc", 3), US_OK);
    assert_int_equal(read(fifo, word, 3), 3);
    assert_string_equal(word, "abc");
    close(fifo);

    /* No room beyond 1000 bytes: as on a full disk, write comes back short and then fails. */
    struct rlimit limit, small = {1000, RLIM_INFINITY};
    char *large = calloc(1, 100000);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small.rlim_max = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    us_status status = us_file_replace(context, path, large, 100000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    free(large);
    assert_int_equal(status, US_ERR_IO);
    assert_non_null(strstr(us_context_error(context), "what was there is as before"));
    assert_int_equal(file_size(part), -1);
    assert_int_equal(us_safetensors_read(&back, context, path), US_OK);
    us_tensors_destroy(back);

    /* In a folder that is not there, and over a folder. */
    char gone[300];
    snprintf(gone, sizeof gone, "%s.d/x", path);
    assert_int_equal(us_file_replace(context, gone, "x", 1), US_ERR_IO);
    gone[strlen(gone) - 2] = '\0';
    assert_int_equal(mkdir(gone, 0777), 0);
    assert_int_equal(us_file_replace(context, gone, "x", 1), US_ERR_IO);
    snprintf(part, sizeof part, "%s.part", gone);
    assert_int_equal(file_size(part), -1);
    assert_int_equal(us_safetensors_read(&back, context, gone), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "is not a file"));
    assert_int_equal(us_safetensors_read(&back, context, "/nowhere/at.all"), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), strerror(ENOENT)));
    us_bytes_release(context, bytes);
    us_context_destroy(context);
}

static us_status round_trip(us_context *context, void *user) {
    const us_tensor t = tensor("a", "F32", 1, SHAPE_3, FLOATS, 12);
    const char *metadata[] = {"key", "text"};
    void *bytes = NULL;
    size_t size = 0;
    us_tensors *decoded = NULL, *read = NULL;
    us_status status = us_safetensors_encode(context, &t, 1, metadata, 1, &bytes, &size);
    if (status == US_OK) status = us_safetensors_decode(&decoded, context, "it", bytes, size);
    if (status == US_OK) status = us_file_replace(context, user, bytes, size);
    if (status == US_OK) status = us_safetensors_read(&read, context, user);
    us_tensors_destroy(read);
    us_tensors_destroy(decoded);
    us_bytes_release(context, bytes);
    return status;
}

static void failing_allocations_leave_nothing_behind(void **state) {
    char path[256];
    snprintf(path, sizeof path, "%s/file", support_temporary_folder());
    support_fail_each_allocation(round_trip, path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(images_of_other_tools_are_read),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(what_cannot_be_encoded_is_refused),
        cmocka_unit_test(a_file_is_replaced_whole_or_not_at_all),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
