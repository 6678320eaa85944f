/* Any bytes as a safetensors file and as a checkpoint: refused with one line, or read, written and read again alike. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unstuck/safetensors.h>
#include <unstuck/train.h>

enum { PARAMETERS = 3 };

#define CHECK(condition)                                            \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            abort();                                                \
        }                                                           \
    } while (0)

static int fuzz_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    (void)user, (void)rows, (void)count;
    *loss = 0;
    for (size_t i = 0; i < PARAMETERS; i++) {
        double x = ((const double *)theta)[i];
        *loss += 0.5 * x * x;
        if (gradient) ((double *)gradient)[i] = x;
    }
    return 0;
}

static int fuzz_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return fuzz_gradient(user, theta, rows, count, loss, NULL);
}

static void fuzz_tensors(us_context *context, const uint8_t *bytes, size_t size) {
    us_tensors *first, *second;
    us_tensor tensors[64];
    void *again;
    size_t again_size;
    us_status status = us_safetensors_decode(&first, context, "fuzz", bytes, size);
    if (status != US_OK) {
        CHECK(status == US_ERR_INPUT && first == NULL);
        CHECK(us_context_error(context)[0] && !strchr(us_context_error(context), '\n'));
        return;
    }
    size_t count = us_tensors_count(first);
    if (count <= 64) {
        for (size_t i = 0; i < count; i++) tensors[i] = *us_tensors_at(first, i);
        CHECK(us_safetensors_encode(context, tensors, count, NULL, 0, &again, &again_size) == US_OK);
        CHECK(us_safetensors_decode(&second, context, "again", again, again_size) == US_OK);
        CHECK(us_tensors_count(second) == count);
        for (size_t i = 0; i < count; i++) {
            const us_tensor *a = &tensors[i], *b = us_tensors_find(second, a->name);
            CHECK(b && !strcmp(a->dtype, b->dtype) && a->rank == b->rank && a->bytes == b->bytes);
            CHECK(!memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) && !memcmp(a->data, b->data, a->bytes));
        }
        us_tensors_destroy(second);
        us_bytes_release(context, again);
    }
    us_tensors_destroy(first);
}

static void fuzz_training(us_context *context, const uint8_t *bytes, size_t size) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    us_problem *problem;
    us_training *training;
    callback.dimension = PARAMETERS;
    callback.samples = 5;
    callback.value = fuzz_value;
    callback.gradient = fuzz_gradient;
    CHECK(us_problem_create_callback(&problem, context, &callback) == US_OK);
    us_status status = us_training_from_bytes(&training, problem, bytes, size, NULL);
    CHECK(status == US_OK || (status == US_ERR_INPUT && training == NULL));
    if (status == US_OK) {
        status = us_training_advance(training, 3);
        CHECK(status == US_OK || status == US_ERR_NONFINITE);
        us_training_destroy(training);
    }
    us_problem_destroy(problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    us_context *context;
    if (us_context_create(&context, NULL) != US_OK) return 0;
    fuzz_tensors(context, bytes, size);
    fuzz_training(context, bytes, size);
    us_context_destroy(context);
    return 0;
}
