/* A training's bytes and copies: the same bits from then on, and damage is refused. */
#include "train/problem.h"
#include <unstuck/linear.h>
#include <unstuck/safetensors.h>

static const us_precision PRECISIONS[] = {US_F32, US_F64};

static void same_state(const us_training *a, const us_training *b) {
    assert_int_equal(us_training_steps(a), us_training_steps(b));
    assert_int_equal(us_training_samples_seen(a), us_training_samples_seen(b));
    assert_true(us_training_next_learning_rate(a) == us_training_next_learning_rate(b));
    size_t bytes = COLUMNS * us_precision_bytes(us_vec_precision(us_training_theta(a)));
    assert_memory_equal(us_vec_data_const(us_training_theta(a)), us_vec_data_const(us_training_theta(b)), bytes);
    for (size_t k = 0; k < us_training_rule(a)->states; k++)
        assert_memory_equal(us_vec_data_const(us_training_state(a, k)), us_vec_data_const(us_training_state(b, k)), bytes);
}

/* Every rule × precision × sampling × schedule: saved and restored, and copied, at a random step; 300 steps later the bits
 * are those of a training that was never touched, although the copy went its own way meanwhile. */
static void restored_and_copied_trainings_end_in_the_same_bits(void **state) {
    static const char *const schedules[] = {"constant", "exp:0.995", "step:40:0.7", "plateau:20:0.5", "inverse-sqrt"};
    us_context *context = support_plain_context();
    size_t rules;
    const us_rule *const *table = us_rules(&rules);
    us_rng rng = us_rng_init(3, 0);
    for (size_t c = 0; c < rules * 2 * 3 * 5; c++) {
        us_training_options options = US_TRAINING_OPTIONS_INIT;
        us_precision precision = PRECISIONS[c / rules % 2];
        options.rule = table[c % rules];
        options.batch = c / rules / 2 % 3 == 2 ? 0 : 4; /* the third sampling is all rows */
        options.sampling = c / rules / 2 % 3 == 1 ? US_SAMPLING_REPLACEMENT : US_SAMPLING_SHUFFLE;
        assert_int_equal(us_schedule_parse(context, schedules[c / rules / 6], c % 4 == 0 ? 30 : 0, &options.schedule),
                         US_OK);
        options.clip_norm = c % 5 == 0 ? 0.7 : 0;
        options.clip_value = c % 7 == 0 ? 0.3 : 0;
        options.weight_decay = c % 3 == 0 ? 0.01 : 0;
        options.decay_groups = c % 2 == 0 ? "*" : NULL;
        options.accumulate = c % 4 == 1 ? 3 : 1;
        options.average = c % 3 == 1 ? "ema:0.9" : c % 3 == 2 ? "swa:30:7" : NULL;
        options.seed = c;
        small_problem user;
        us_problem *problem, *other;
        us_vec *start;
        us_training *whole, *saved, *copy, *restored, *astray;
        assert_int_equal(small_create(&problem, context, &user, precision), US_OK);
        assert_int_equal(us_problem_recast(&other, problem, precision), US_OK);
        assert_int_equal(small_start(&start, context, precision), US_OK);
        assert_int_equal(us_training_create(&whole, problem, start, &options), US_OK);
        assert_int_equal(us_training_create(&saved, problem, start, &options), US_OK);
        uint64_t at = us_rng_below(&rng, 60);
        assert_int_equal(us_training_advance(saved, at), US_OK);
        void *bytes;
        size_t size;
        assert_int_equal(us_training_to_bytes(saved, &bytes, &size), US_OK);
        assert_int_equal(us_training_copy(&copy, saved, other), US_OK);
        assert_int_equal(us_training_copy(&astray, saved, NULL), US_OK);
        if (us_training_from_bytes(&restored, problem, bytes, size, NULL) != US_OK)
            fail_msg("%s", us_context_error(context));
        same_state(restored, saved);
        assert_int_equal(us_training_set_learning_rate(astray, 0.123, true), US_OK);
        assert_int_equal(us_training_set_batch(astray, 3), US_OK);
        assert_int_equal(us_training_advance(astray, 50), US_OK);
        same_state(restored, saved); /* the copy that went astray left its original alone */
        assert_int_equal(us_training_advance(whole, at + 300), US_OK);
        assert_int_equal(us_training_advance(restored, 300), US_OK);
        assert_int_equal(us_training_advance(copy, 300), US_OK);
        us_training_destroy(saved); /* nothing of it is needed */
        same_state(whole, restored);
        same_state(whole, copy);
        us_bytes_release(context, bytes);
        us_training_destroy(whole), us_training_destroy(restored), us_training_destroy(copy), us_training_destroy(astray);
        us_vec_destroy(start), us_problem_destroy(other), us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ what is refused */

typedef struct image {
    us_context *context;
    small_problem user;
    us_problem *problem;
    us_vec *start;
    us_training *training;
    unsigned char *bytes;
    size_t size;
} image;

static void image_make(image *m, us_context *context) {
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find("adam");
    options.batch = 5;
    void *bytes;
    m->context = context;
    assert_int_equal(small_create(&m->problem, context, &m->user, US_F32), US_OK);
    assert_int_equal(small_start(&m->start, context, US_F32), US_OK);
    assert_int_equal(us_training_create(&m->training, m->problem, m->start, &options), US_OK);
    assert_int_equal(us_training_advance(m->training, 7), US_OK);
    assert_int_equal(us_training_to_bytes(m->training, &bytes, &m->size), US_OK);
    m->bytes = bytes;
}

static void image_destroy(image *m) {
    us_bytes_release(m->context, m->bytes);
    us_training_destroy(m->training);
    us_vec_destroy(m->start);
    us_problem_destroy(m->problem);
}

/* From exactly `size` bytes on the heap, so that a sanitizer sees a read beyond them. */
static us_status restore(image *m, const unsigned char *bytes, size_t size, us_training **out) {
    unsigned char *exact = malloc(size ? size : 1);
    memcpy(exact, bytes, size);
    us_status status = us_training_from_bytes(out, m->problem, exact, size, NULL);
    free(exact);
    return status;
}

static void damaged_bytes_are_refused(void **state) {
    support_memory memory = {0};
    us_context *context = support_context(&memory);
    image m;
    us_training *t;
    image_make(&m, context);
    for (size_t size = 0; size < m.size; size++) {
        assert_int_equal(restore(&m, m.bytes, size, &t), US_ERR_INPUT);
        assert_null(t);
        assert_true(us_context_error(context)[0] != '\0' && !strchr(us_context_error(context), '\n'));
    }
    uint64_t header;
    memcpy(&header, m.bytes, 8);
    unsigned char *flipped = malloc(m.size);
    us_rng rng = us_rng_init(5, 0);
    size_t refused = 0;
    for (size_t k = 0; k < 1500; k++) {
        memcpy(flipped, m.bytes, m.size);
        for (uint32_t i = 0, flips = 1 + us_rng_below(&rng, 3); i < flips; i++)
            flipped[us_rng_below(&rng, (uint32_t)header + 8)] ^= (unsigned char)(1u << us_rng_below(&rng, 8));
        us_status status = restore(&m, flipped, m.size, &t);
        if (status == US_OK) /* such as a longer name of the free kind */
            us_training_destroy(t);
        else
            assert_true(status == US_ERR_INPUT && !strchr(us_context_error(context), '\n'));
        refused += status != US_OK;
    }
    assert_in_range(refused, 1100, 1500); /* two flips may cancel, a schedule's or version's digit may stay legal */
    for (size_t k = 0; k < 800; k++) {    /* in the numbers: any flip is noticed */
        memcpy(flipped, m.bytes, m.size);
        flipped[header + 8 + us_rng_below(&rng, (uint32_t)(m.size - header - 8))] ^=
            (unsigned char)(1u << us_rng_below(&rng, 8));
        assert_int_equal(restore(&m, flipped, m.size, &t), US_ERR_INPUT);
    }
    free(flipped);
    image_destroy(&m);
    us_context_destroy(context);
    assert_int_equal(memory.alive, 0);
}

/* The image with one thing changed by decoding and encoding it. */
typedef void image_change(us_tensor *tensors, size_t *count, const char **metadata);

static us_status restore_changed(image *m, image_change *change) {
    static const char *const keys[] = {"format", "version", "rule", "schedule"};
    const char *metadata[8];
    us_tensors *tensors;
    us_tensor changed[64];
    void *bytes;
    size_t size, count;
    us_training *t;
    assert_int_equal(us_safetensors_decode(&tensors, m->context, "image", m->bytes, m->size), US_OK);
    count = us_tensors_count(tensors);
    for (size_t i = 0; i < count; i++) changed[i] = *us_tensors_at(tensors, i);
    for (size_t i = 0; i < 4; i++) {
        metadata[2 * i] = keys[i];
        metadata[2 * i + 1] = us_tensors_metadata(tensors, keys[i]);
    }
    change(changed, &count, metadata);
    assert_int_equal(us_safetensors_encode(m->context, changed, count, metadata, 4, &bytes, &size), US_OK);
    us_status status = us_training_from_bytes(&t, m->problem, bytes, size, NULL);
    if (status == US_OK) us_training_destroy(t);
    us_bytes_release(m->context, bytes);
    us_tensors_destroy(tensors);
    return status;
}

static us_tensor *named(us_tensor *tensors, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(tensors[i].name, name) == 0) return &tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static const uint64_t ONE = 1, NINE = 9, MANY = 1000, HUGE_COUNT = UINT64_MAX;
static const double NEGATIVE = -1, TWO = 2, NOTHING = 0;

static void change_nothing(us_tensor *t, size_t *n, const char **m) {}
static void change_format(us_tensor *t, size_t *n, const char **m) { m[1] = "pt"; }
static void change_version(us_tensor *t, size_t *n, const char **m) { m[3] = "1"; }
static void change_rule(us_tensor *t, size_t *n, const char **m) { m[5] = "sgd"; }
static void change_rule_unknown(us_tensor *t, size_t *n, const char **m) { m[5] = "mine"; }
static void change_schedule(us_tensor *t, size_t *n, const char **m) { m[7] = "exp:often"; }
static void change_name(us_tensor *t, size_t *n, const char **m) { named(t, *n, "theta")->name = "layer1.weight"; }
static void change_state_name(us_tensor *t, size_t *n, const char **m) {
    named(t, *n, "state1.theta")->name = "state2.theta";
}
static void change_fewer(us_tensor *t, size_t *n, const char **m) { --*n; }
static void change_shape(us_tensor *t, size_t *n, const char **m) {
    us_tensor *theta = named(t, *n, "theta");
    theta->rank = 2, theta->shape[0] = 1, theta->shape[1] = COLUMNS;
}
static void change_size(us_tensor *t, size_t *n, const char **m) {
    us_tensor *theta = named(t, *n, "theta");
    theta->shape[0]--, theta->bytes -= 4;
}
static void change_dtype(us_tensor *t, size_t *n, const char **m) { strcpy(named(t, *n, "theta")->dtype, "I32"); }
static void change_samples(us_tensor *t, size_t *n, const char **m) { named(t, *n, "training.samples")->data = &MANY; }
static void change_batch(us_tensor *t, size_t *n, const char **m) { named(t, *n, "training.batch")->data = &MANY; }
static void change_batch_huge(us_tensor *t, size_t *n, const char **m) {
    named(t, *n, "training.batch")->data = &HUGE_COUNT;
}
static void change_position(us_tensor *t, size_t *n, const char **m) { named(t, *n, "training.position")->data = &MANY; }
static void change_sampling(us_tensor *t, size_t *n, const char **m) { named(t, *n, "training.sampling")->data = &NINE; }
static void change_steps(us_tensor *t, size_t *n, const char **m) { named(t, *n, "training.steps")->data = &ONE; }
static void change_steps_huge(us_tensor *t, size_t *n, const char **m) {
    named(t, *n, "training.steps")->data = &HUGE_COUNT;
}
static void change_rate(us_tensor *t, size_t *n, const char **m) {
    named(t, *n, "training.learning_rate")->data = &NEGATIVE;
}
static void change_rate_zero(us_tensor *t, size_t *n, const char **m) {
    named(t, *n, "training.learning_rate")->data = &NOTHING;
}
static void change_clip(us_tensor *t, size_t *n, const char **m) { named(t, *n, "training.clip_norm")->data = &NEGATIVE; }
static void change_hyper(us_tensor *t, size_t *n, const char **m) { named(t, *n, "training.hyper.beta1")->data = &TWO; }

static void another_problems_bytes_are_refused(void **state) {
    static const struct {
        image_change *change;
        const char *says;
    } cases[] = {
        {change_format, "not those of a training"},
        {change_version, "version"},
        {change_rule, "another model"},
        {change_rule_unknown, "rule mine, which is not built in"},
        {change_schedule, "--schedule exp:often"},
        {change_name, "theta is missing"},
        {change_state_name, "state1.theta is missing"},
        {change_fewer, "of another model"},
        {change_shape, "theta has another shape"},
        {change_size, "theta has another shape"},
        {change_dtype, "theta is in I32, and should be in F32"},
        {change_samples, "trained on 1000 samples; these are 23"},
        {change_batch, "--batch 1000"},
        {change_batch_huge, "--batch"},
        {change_position, "contradict"},
        {change_sampling, "--sampling"},
        {change_steps, "contradict"},
        {change_steps_huge, "contradict"},
        {change_rate, "--lr -1"},
        {change_rate_zero, "--lr -1"},
        {change_clip, "--clip-norm"},
        {change_hyper, "--set beta1=2"},
    };
    us_context *context = support_plain_context();
    image m;
    image_make(&m, context);
    assert_int_equal(restore_changed(&m, change_nothing), US_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (restore_changed(&m, cases[i].change) != US_ERR_INPUT) fail_msg("%zu: not refused (%s)", i, cases[i].says);
        if (!strstr(us_context_error(context), cases[i].says)) fail_msg("%zu: %s", i, us_context_error(context));
        assert_true(strncmp(us_context_error(context), "checkpoint: ", 12) == 0);
    }
    image_destroy(&m);
    us_context_destroy(context);
}

/* A rule that is not built in: θ ← θ − α sign(g). */
static void sign_f32(const us_rule_step *step, float *theta, const float *gradient, float *const *state, size_t n) {
    for (size_t i = 0; i < n; i++) theta[i] -= (float)step->learning_rate * (float)((gradient[i] > 0) - (gradient[i] < 0));
}

static void rules_of_a_callers_own_serve_too(void **state) {
    const us_rule sign = {.name = "sign", .learning_rate = 0.01, .update_f32 = sign_f32};
    us_context *context = support_plain_context();
    small_problem user;
    us_problem *problem;
    us_vec *start;
    us_training *training, *restored;
    void *bytes;
    size_t size;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = &sign;
    assert_int_equal(small_create(&problem, context, &user, US_F32), US_OK);
    assert_int_equal(small_start(&start, context, US_F32), US_OK);
    assert_int_equal(us_training_create(&training, problem, start, &options), US_OK);
    assert_int_equal(us_training_advance(training, 3), US_OK);
    assert_near(fabs(us_vec_get(us_training_theta(training), 2) - 0.5), 0.03, 1e-5, 0);
    assert_int_equal(us_training_to_bytes(training, &bytes, &size), US_OK);
    assert_int_equal(us_training_from_bytes(&restored, problem, bytes, size, NULL), US_ERR_INPUT);
    assert_int_equal(us_training_from_bytes(&restored, problem, bytes, size, us_rule_find("sgd")), US_ERR_INPUT);
    assert_int_equal(us_training_from_bytes(&restored, problem, bytes, size, &sign), US_OK);
    same_state(training, restored);
    us_bytes_release(context, bytes);
    us_training_destroy(training), us_training_destroy(restored), us_vec_destroy(start), us_problem_destroy(problem);
    us_context_destroy(context);
}

/* A rule of the whole: θ ← θ − α g / Σ over steps of |trace of one sample of the Hessian|. Its memory counts steps, too. */
static us_status stiff_update(const us_rule_whole *w) {
    double *theta = w->theta;
    const double *g = w->gradient, *diagonal = w->diagonal;
    w->memory[1] += 1;
    for (size_t i = 0; diagonal && i < w->n; i++) w->memory[0] += fabs(diagonal[i]);
    w->scratch[0] = w->step->learning_rate / w->memory[0];
    for (size_t i = 0; i < w->n; i++) theta[i] -= w->scratch[0] * g[i];
    return US_OK;
}
static size_t stiff_memory(const us_group *groups, size_t count) { return groups[count - 1].count ? 2 : 0; }
static size_t stiff_scratch(const us_group *groups, size_t count) { return groups[0].count ? count : 0; }
static bool stiff_wants(const us_rule_step *step) { return step->step % 4 == 1; }
static void stiff_weights(const us_rule_whole *w, void *out) {
    for (size_t i = 0; i < w->n; i++) ((double *)out)[i] = w->memory[1] * ((double *)w->theta)[i];
}

static void rules_of_the_whole_keep_their_memory(void **state) {
    const us_rule stiff = {.name = "stiff",
                           .learning_rate = 0.5,
                           .update = stiff_update,
                           .memory = stiff_memory,
                           .scratch = stiff_scratch,
                           .wants_diagonal = stiff_wants,
                           .weights = stiff_weights};
    us_context *context = support_plain_context();
    small_problem user;
    us_problem *problem;
    us_vec *start, *weights;
    us_training *whole, *copy, *restored;
    void *bytes;
    size_t size;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = &stiff;
    options.batch = 4;
    assert_int_equal(small_create(&problem, context, &user, US_F64), US_OK);
    assert_int_equal(small_start(&start, context, US_F64), US_OK);
    assert_int_equal(us_training_create(&whole, problem, start, &options), US_OK);
    assert_int_equal(us_training_advance(whole, 6), US_OK);
    assert_int_equal(us_training_to_bytes(whole, &bytes, &size), US_OK);
    assert_int_equal(us_training_copy(&copy, whole, NULL), US_OK);
    assert_int_equal(us_training_from_bytes(&restored, problem, bytes, size, &stiff), US_OK);
    assert_int_equal(us_training_advance(whole, 10), US_OK);
    assert_int_equal(us_training_advance(copy, 10), US_OK);
    assert_int_equal(us_training_advance(restored, 10), US_OK);
    same_state(whole, copy);
    same_state(whole, restored);
    assert_true(us_vec_count_different(us_training_theta(whole), start) > 0);
    assert_int_equal(us_vec_create(&weights, context, US_F64, COLUMNS), US_OK);
    us_training_weights(restored, weights);
    for (size_t i = 0; i < COLUMNS; i++)
        assert_near(us_vec_get(weights, i), 16 * us_vec_get(us_training_theta(whole), i), 1e-14, 0);
    us_bytes_release(context, bytes);
    us_training_destroy(whole), us_training_destroy(copy), us_training_destroy(restored);
    us_vec_destroy(start), us_vec_destroy(weights), us_problem_destroy(problem), us_context_destroy(context);
}

/* θ and state under the names and shapes of the groups, as other tools would look for them. */
static void tensors_are_named_by_group(void **state) {
    us_context *context = support_plain_context();
    us_dataset *dataset, *wider;
    us_problem *problem, *other;
    us_vec *start;
    us_training *training, *restored;
    us_tensors *tensors;
    void *bytes;
    size_t size;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find("adam");
    options.batch = 2;
    for (size_t columns = 3; columns <= 4; columns++) {
        us_dataset **set = columns == 3 ? &dataset : &wider;
        assert_int_equal(us_dataset_create(set, context, US_F64, 5, columns, US_REGRESSION, 2), US_OK);
        for (size_t i = 0; i < 5 * columns; i++) ((double *)us_dataset_features(*set))[i] = sin((double)i);
        for (size_t i = 0; i < 10; i++) ((double *)us_dataset_targets(*set))[i] = cos((double)i);
    }
    assert_int_equal(us_problem_create_linear(&problem, dataset, US_LINEAR_HALF_MSE), US_OK);
    assert_int_equal(us_problem_create_linear(&other, wider, US_LINEAR_HALF_MSE), US_OK);
    assert_int_equal(us_vec_create(&start, context, US_F64, us_problem_dimension(problem)), US_OK);
    assert_int_equal(us_training_create(&training, problem, start, &options), US_OK);
    assert_int_equal(us_training_advance(training, 7), US_OK);
    assert_int_equal(us_training_to_bytes(training, &bytes, &size), US_OK);
    assert_int_equal(us_safetensors_decode(&tensors, context, "image", bytes, size), US_OK);
    static const char *const prefixes[] = {"", "state0.", "state1."};
    for (size_t k = 0; k < 3; k++) {
        const us_vec *v = k == 0 ? us_training_theta(training) : us_training_state(training, k - 1);
        char name[64];
        snprintf(name, sizeof name, "%slayer1.weight", prefixes[k]);
        const us_tensor *weight = us_tensors_find(tensors, name);
        assert_true(weight && weight->rank == 2 && weight->shape[0] == 2 && weight->shape[1] == 3);
        assert_memory_equal(weight->data, us_vec_data_const(v), 6 * sizeof(double));
        snprintf(name, sizeof name, "%slayer1.bias", prefixes[k]);
        const us_tensor *bias = us_tensors_find(tensors, name);
        assert_true(bias && bias->rank == 1 && bias->shape[0] == 2);
        assert_memory_equal(bias->data, (const double *)us_vec_data_const(v) + 6, 2 * sizeof(double));
    }
    assert_int_equal(us_training_from_bytes(&restored, other, bytes, size, NULL), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "layer1.weight has another shape"));
    assert_int_equal(us_training_from_bytes(&restored, problem, bytes, size, NULL), US_OK);
    assert_int_equal(us_vec_count_different(us_training_theta(training), us_training_theta(restored)), 0);
    us_training_destroy(training), us_training_destroy(restored), us_tensors_destroy(tensors),
        us_bytes_release(context, bytes);
    us_vec_destroy(start), us_problem_destroy(problem), us_problem_destroy(other);
    us_dataset_destroy(dataset), us_dataset_destroy(wider), us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restored_and_copied_trainings_end_in_the_same_bits),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(another_problems_bytes_are_refused),
        cmocka_unit_test(rules_of_a_callers_own_serve_too),
        cmocka_unit_test(rules_of_the_whole_keep_their_memory),
        cmocka_unit_test(tensors_are_named_by_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
