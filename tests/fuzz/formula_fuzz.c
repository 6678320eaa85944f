/* Any text as a formula and as a model: refused with the place shown, or a problem whose value, gradient and product can be
 * computed, and whose value does not depend on what was computed before. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unstuck/model.h>

enum { MOST_VARIABLES = 6, MOST_TEXT = 400 };

#define CHECK(condition)                                            \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            abort();                                                \
        }                                                           \
    } while (0)

static void fuzz_compute(us_context *context, us_problem *problem, size_t n) {
    us_vec *v[4] = {NULL};
    double first, second, third;
    for (size_t i = 0; i < 4; i++) CHECK(us_vec_create(&v[i], context, US_F64, n) == US_OK);
    us_vec_fill(v[0], 0.7);
    us_vec_fill(v[1], 1);
    const us_vec *direction = v[1];
    CHECK(us_problem_value(problem, v[0], US_BATCH_ALL, &first) == US_OK);
    CHECK(us_problem_gradient(problem, v[0], US_BATCH_ALL, &second, v[2]) == US_OK);
    CHECK(us_problem_hvp(problem, v[0], US_BATCH_ALL, &direction, &v[3], 1) == US_OK);
    CHECK(us_problem_value(problem, v[0], US_BATCH_ALL, &third) == US_OK);
    CHECK(memcmp(&first, &third, sizeof first) == 0 || (first != first && third != third));
    CHECK(first == second || first != first);
    for (size_t i = 0; i < 4; i++) us_vec_destroy(v[i]);
}

static void fuzz_formula(us_context *context, const char *text) {
    char **names = NULL;
    size_t count = 0;
    us_status status = us_formula_variables(context, text, &names, &count);
    CHECK(status == US_OK || (status == US_ERR_INPUT && strchr(us_context_error(context), '^')));
    if (status == US_OK && count > 0 && count <= MOST_VARIABLES) {
        us_problem *problem = NULL;
        CHECK(us_problem_create_formula(&problem, context, text, (const char *const *)names, count) == US_OK);
        fuzz_compute(context, problem, count);
        us_problem_destroy(problem);
    }
    us_names_release(context, names, count);
}

static void fuzz_model(us_context *context, const char *text) {
    static const char *const FEATURES[] = {"x", "u"};
    us_model_options options = US_MODEL_OPTIONS_INIT;
    us_model *model = NULL;
    options.text = text, options.task = US_REGRESSION, options.inputs = 2, options.outputs = 1,
    options.feature_names = FEATURES;
    us_status status = us_model_create(&model, context, &options);
    CHECK(status == US_OK || (status == US_ERR_INPUT && us_context_error(context)[0]));
    us_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char text[MOST_TEXT + 1];
    us_context *context = NULL;
    if (size > MOST_TEXT || us_context_create(&context, NULL) != US_OK) return 0;
    memcpy(text, bytes, size);
    text[size] = '\0';
    fuzz_formula(context, text);
    fuzz_model(context, text);
    us_context_destroy(context);
    return 0;
}
