/* A training as a safetensors image, and back to the last bit.
 *
 *   layer1.weight, ..           θ by the names and shapes of the problem's groups, in its precision
 *   state0.layer1.weight, ..    the rule's state vectors, likewise
 *   average.layer1.weight, ..   the average of the weights, where there is one
 *   training.memory             what else the rule remembers, F64
 *   training.steps, ..          scalars, U64 or F64, as in the table below; training.hyper.NAME: the rule's, F64
 *   __metadata__                format, version, rule, schedule, average, checksum; decay: groups that decay, where named
 *
 * The rows of the current epoch are drawn again from seed and epoch, so that a position is enough. */
#include "descend/descend.h"
#include "train/training.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unstuck/safetensors.h>
#include <zlib.h>

static const char BYTES_FORMAT[] = "unstuck-training", BYTES_VERSION[] = "2";

/* All of a training that is a number and not the rule's own. */
typedef struct bytes_numbers {
    uint64_t samples, batch, sampling, seed, epoch, position;
    uint64_t steps, rule_steps, schedule_steps, samples_seen, warmup, accumulate, averaged;
    double learning_rate, clip_norm, clip_value, weight_decay;
    us__plateau plateau;
} bytes_numbers;

static const struct {
    const char *name, *dtype;
    size_t offset;
} bytes_table[] = {
    {"training.samples", "U64", offsetof(bytes_numbers, samples)},
    {"training.batch", "U64", offsetof(bytes_numbers, batch)}, /* 0: all */
    {"training.sampling", "U64", offsetof(bytes_numbers, sampling)},
    {"training.seed", "U64", offsetof(bytes_numbers, seed)},
    {"training.epoch", "U64", offsetof(bytes_numbers, epoch)},
    {"training.position", "U64", offsetof(bytes_numbers, position)},
    {"training.steps", "U64", offsetof(bytes_numbers, steps)},
    {"training.rule_steps", "U64", offsetof(bytes_numbers, rule_steps)},
    {"training.schedule_steps", "U64", offsetof(bytes_numbers, schedule_steps)},
    {"training.samples_seen", "U64", offsetof(bytes_numbers, samples_seen)},
    {"training.warmup", "U64", offsetof(bytes_numbers, warmup)},
    {"training.learning_rate", "F64", offsetof(bytes_numbers, learning_rate)},
    {"training.clip_norm", "F64", offsetof(bytes_numbers, clip_norm)},
    {"training.clip_value", "F64", offsetof(bytes_numbers, clip_value)},
    {"training.weight_decay", "F64", offsetof(bytes_numbers, weight_decay)},
    {"training.accumulate", "U64", offsetof(bytes_numbers, accumulate)},
    {"training.averaged", "U64", offsetof(bytes_numbers, averaged)}, /* weights in the average */
    {"training.plateau.factor_less_one", "F64", offsetof(bytes_numbers, plateau.factor_less_one)},
    {"training.plateau.windows", "F64", offsetof(bytes_numbers, plateau.windows)},
    {"training.plateau.best", "F64", offsetof(bytes_numbers, plateau.best)},
    {"training.plateau.mean", "F64", offsetof(bytes_numbers, plateau.mean)},
    {"training.plateau.deviation", "F64", offsetof(bytes_numbers, plateau.deviation)},
    {"training.plateau.count", "F64", offsetof(bytes_numbers, plateau.count)},
    {"training.plateau.running", "F64", offsetof(bytes_numbers, plateau.running)},
    {"training.plateau.squares", "F64", offsetof(bytes_numbers, plateau.squares)},
};
enum { BYTES_TABLE = sizeof bytes_table / sizeof *bytes_table };

/* Tensors of a training: θ and states by group, the table, the rule's hyperparameters. */
static size_t bytes_tensor_count(const us_rule *rule, bool averages, const us_group *group, size_t groups) {
    bool memory = us__rule_memory(rule, group, groups) > 0;
    return (1 + averages + rule->states) * groups + memory + BYTES_TABLE + rule->hyperparameter_count;
}

/* What the rule remembers beyond vectors. */
static us_tensor bytes_memory(const double *memory, size_t count) {
    return (us_tensor){.name = "training.memory",
                       .dtype = "F64",
                       .rank = 1,
                       .shape = {count},
                       .data = memory,
                       .bytes = count * sizeof *memory};
}

static us_tensor bytes_scalar(const char *name, const char *dtype, const void *data) {
    us_tensor tensor = {.name = name, .data = data, .bytes = 8};
    strcpy(tensor.dtype, dtype);
    return tensor;
}

/* A group's slice of a vector. */
static us_tensor bytes_slice(const char *name, const us_group *group, const us_vec *v) {
    size_t element = us_precision_bytes(us_vec_precision(v));
    us_tensor tensor = {.name = name,
                        .rank = group->rank,
                        .data = (const char *)us_vec_data_const(v) + group->offset * element,
                        .bytes = group->count * element};
    strcpy(tensor.dtype, us_vec_precision(v) == US_F32 ? "F32" : "F64");
    memcpy(tensor.shape, group->shape, group->rank * sizeof *group->shape);
    return tensor;
}

/* CRC-32 of a tensor's name, type, shape and data. Those of all tensors and texts are combined by xor, so that their order
 * does not matter: a weight with a flipped bit is a weight like any other, and nothing else would notice it. */
static uint32_t bytes_checksum(const us_tensor *tensor) {
    uLong crc = crc32_z(0, (const Bytef *)tensor->name, strlen(tensor->name) + 1);
    crc = crc32_z(crc, (const Bytef *)tensor->dtype, strlen(tensor->dtype) + 1);
    crc = crc32_z(crc, (const Bytef *)tensor->shape, tensor->rank * sizeof *tensor->shape);
    return (uint32_t)(tensor->bytes ? crc32_z(crc, tensor->data, tensor->bytes) : crc);
}

static uint32_t bytes_checksum_text(const char *key, const char *text) {
    return (uint32_t)crc32_z(crc32_z(0, (const Bytef *)key, strlen(key) + 1), (const Bytef *)text, strlen(text));
}

us_status us_training_to_bytes(const us_training *training, void **bytes, size_t *size) {
    const us_training *t = training;
    size_t groups, n = 0;
    const us_group *group = us_problem_groups(t->problem, &groups);
    const us_rule *rule = t->rule;
    const bytes_numbers numbers = {
        .samples = t->order.samples,
        .batch = t->order.batch,
        .sampling = (uint64_t)t->order.sampling,
        .seed = t->order.seed,
        .epoch = t->order.epoch,
        .position = t->order.position,
        .steps = t->steps,
        .rule_steps = t->rule_steps,
        .schedule_steps = t->schedule_steps,
        .samples_seen = t->samples_seen,
        .warmup = t->schedule.warmup,
        .learning_rate = t->learning_rate,
        .clip_norm = t->clip_norm,
        .clip_value = t->clip_value,
        .weight_decay = t->weight_decay,
        .accumulate = t->accumulate,
        .averaged = t->average.count,
        .plateau = t->plateau,
    };
    char checksum[9];
    const char *metadata[] = {"format",   BYTES_FORMAT, "version",        BYTES_VERSION,  "rule",
                              rule->name, "schedule",   t->schedule.text, "average",      t->average.text,
                              "checksum", checksum,     "decay",          t->decay_groups};
    size_t texts = sizeof metadata / sizeof *metadata / 2 - (*t->decay_groups == '\0'); /* "decay" where it says something */
    uint32_t sum = bytes_checksum_text("rule", rule->name) ^ bytes_checksum_text("schedule", t->schedule.text) ^
                   bytes_checksum_text("average", t->average.text);
    if (*t->decay_groups) sum ^= bytes_checksum_text("decay", t->decay_groups);
    us__arena *memory = NULL;
    us_tensor *tensors = NULL;
    *bytes = NULL;
    *size = 0;
    us_status status = us__arena_create(&memory, t->context, 0);
    if (status != US_OK) return status;
    if (!(tensors = us__arena_alloc(memory, bytes_tensor_count(rule, t->average.on, group, groups), sizeof *tensors)))
        goto nomem;
    for (size_t g = 0; g < groups; g++) tensors[n++] = bytes_slice(group[g].name, &group[g], t->theta);
    for (size_t k = 0; k < rule->states; k++)
        for (size_t g = 0; g < groups; g++) {
            size_t room = strlen(group[g].name) + sizeof "state0.";
            char *name = us__arena_alloc(memory, room, 1);
            if (!name) goto nomem;
            snprintf(name, room, "state%zu.%s", k, group[g].name);
            tensors[n++] = bytes_slice(name, &group[g], t->state[k]);
        }
    if (t->memory_count) tensors[n++] = bytes_memory(t->memory, t->memory_count);
    for (size_t g = 0; g < groups && t->average.on; g++) {
        size_t room = strlen(group[g].name) + sizeof "average.";
        char *name = us__arena_alloc(memory, room, 1);
        if (!name) goto nomem;
        snprintf(name, room, "average.%s", group[g].name);
        tensors[n++] = bytes_slice(name, &group[g], t->averaged);
    }
    for (size_t i = 0; i < BYTES_TABLE; i++)
        tensors[n++] =
            bytes_scalar(bytes_table[i].name, bytes_table[i].dtype, (const char *)&numbers + bytes_table[i].offset);
    for (size_t i = 0; i < rule->hyperparameter_count; i++) {
        size_t room = strlen(rule->hyperparameters[i].name) + sizeof "training.hyper.";
        char *name = us__arena_alloc(memory, room, 1);
        if (!name) goto nomem;
        snprintf(name, room, "training.hyper.%s", rule->hyperparameters[i].name);
        tensors[n++] = bytes_scalar(name, "F64", &t->hyper[i]);
    }
    for (size_t i = 0; i < n; i++) sum ^= bytes_checksum(&tensors[i]);
    snprintf(checksum, sizeof checksum, "%08x", (unsigned)sum);
    status = us_safetensors_encode(t->context, tensors, n, metadata, texts, bytes, size);
    goto done;
nomem:
    status = US_ERR_NOMEM;
done:
    us__arena_destroy(memory);
    return status;
}

/* ------------------------------------------------------------------ and back */

/* Copies the tensor PREFIX+NAME, which must be as `like` (dtype, shape), to `to`. */
static us_status bytes_take(us_context *context, const us_tensors *tensors, const char *prefix, const char *name,
                            us_tensor like, void *to) {
    char whole[256];
    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    const us_tensor *found = us_tensors_find(tensors, whole);
    if (!found) return us__fail(context, US_ERR_INPUT, "checkpoint: %s is missing; it is of another model or rule", whole);
    if (strcmp(found->dtype, like.dtype) != 0)
        return us__fail(context, US_ERR_INPUT, "checkpoint: %s is in %s, and should be in %s", whole, found->dtype,
                        like.dtype);
    if (found->rank != like.rank || memcmp(found->shape, like.shape, like.rank * sizeof *like.shape) != 0 ||
        found->bytes != like.bytes)
        return us__fail(context, US_ERR_INPUT, "checkpoint: %s has another shape than the problem's", whole);
    memcpy(to, found->data, like.bytes);
    return US_OK;
}

static us_status bytes_take_vec(us_context *context, const us_tensors *tensors, const char *prefix,
                                const us_problem *problem, us_vec *v) {
    size_t groups;
    const us_group *group = us_problem_groups(problem, &groups);
    us_status status = US_OK;
    for (size_t g = 0; g < groups && status == US_OK; g++) {
        us_tensor like = bytes_slice(group[g].name, &group[g], v);
        void *to = (char *)us_vec_data(v) + group[g].offset * us_precision_bytes(us_vec_precision(v));
        status = bytes_take(context, tensors, prefix, group[g].name, like, to);
    }
    return status;
}

/* The average's text, "" for none. */
static const char *bytes_average(const us_tensors *tensors) {
    const char *text = us_tensors_metadata(tensors, "average");
    return text ? text : "";
}

static us_status bytes_find_rule(us_context *context, const us_tensors *tensors, const us_rule *custom,
                                 const us_rule **out) {
    const char *format = us_tensors_metadata(tensors, "format"), *version = us_tensors_metadata(tensors, "version");
    const char *name = us_tensors_metadata(tensors, "rule");
    if (!format || strcmp(format, BYTES_FORMAT) != 0 || !name || !us_tensors_metadata(tensors, "schedule"))
        return us__fail(context, US_ERR_INPUT, "checkpoint: these are tensors, but not those of a training");
    if (!version || strcmp(version, BYTES_VERSION) != 0)
        return us__fail(context, US_ERR_INPUT, "checkpoint: its version is not %s, the one that this library knows",
                        BYTES_VERSION);
    *out = custom ? custom : us_rule_find(name);
    if (!*out || strcmp((*out)->name, name) != 0)
        return us__fail(context, US_ERR_INPUT, "checkpoint: it was trained by the rule %.40s, which is not %s", name,
                        custom ? custom->name : "built in");
    return US_OK;
}

/* Tensors that another program made carry no checksum and need none. */
static us_status bytes_verify(us_context *context, const us_tensors *tensors) {
    const char *checksum = us_tensors_metadata(tensors, "checksum");
    if (!checksum) return US_OK;
    uint32_t sum = bytes_checksum_text("rule", us_tensors_metadata(tensors, "rule")) ^
                   bytes_checksum_text("schedule", us_tensors_metadata(tensors, "schedule")) ^
                   bytes_checksum_text("average", bytes_average(tensors));
    const char *decay = us_tensors_metadata(tensors, "decay");
    char should[9];
    if (decay) sum ^= bytes_checksum_text("decay", decay);
    for (size_t i = 0; i < us_tensors_count(tensors); i++) sum ^= bytes_checksum(us_tensors_at(tensors, i));
    snprintf(should, sizeof should, "%08x", (unsigned)sum);
    if (!strcmp(checksum, should)) return US_OK;
    return us__fail(context, US_ERR_INPUT, "checkpoint: it is damaged: its checksum is not that of its contents");
}

/* A training of the right kind from the numbers, its vectors still to be filled in. Create checks the ranges. */
static us_status bytes_create(us_training **out, us_problem *problem, const us_rule *rule, const us_tensors *tensors,
                              const us_vec *theta) {
    us_context *context = us_problem_context(problem);
    bytes_numbers numbers;
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    us_status status = US_OK;
    for (size_t i = 0; i < BYTES_TABLE && status == US_OK; i++)
        status = bytes_take(context, tensors, "", bytes_table[i].name, bytes_scalar("", bytes_table[i].dtype, NULL),
                            (char *)&numbers + bytes_table[i].offset);
    for (size_t i = 0; i < rule->hyperparameter_count && status == US_OK; i++)
        status = bytes_take(context, tensors, "training.hyper.", rule->hyperparameters[i].name,
                            bytes_scalar("", "F64", NULL), &hyper[i]);
    if (status != US_OK) return status;
    if (numbers.samples != us_problem_samples(problem))
        return us__fail(context, US_ERR_INPUT, "checkpoint: it was trained on %llu samples; these are %zu",
                        (unsigned long long)numbers.samples, us_problem_samples(problem));
    const char *text = us_tensors_metadata(tensors, "schedule");
    us_training_options options = {
        .version = 1,
        .rule = rule,
        .hyper = hyper,
        .learning_rate = numbers.learning_rate,
        .schedule = {.text = "", .warmup = numbers.warmup},
        .clip_norm = numbers.clip_norm,
        .clip_value = numbers.clip_value,
        .weight_decay = numbers.weight_decay,
        .decay_groups = us_tensors_metadata(tensors, "decay"),
        .average = bytes_average(tensors),
        .accumulate = numbers.accumulate,
        .batch = numbers.batch,
        .sampling = numbers.sampling <= US_SAMPLING_REPLACEMENT ? (us_sampling)numbers.sampling : (us_sampling)-1,
        .seed = numbers.seed,
    };
    snprintf(options.schedule.text, sizeof options.schedule.text, "%.*s", (int)sizeof options.schedule.text - 1, text);
    if (numbers.learning_rate == 0) options.learning_rate = -1; /* here 0 means no default */
    status = us_training_create(out, problem, theta, &options);
    if (status == US_ERR_ARGUMENT) {
        us__error_prefix(context, "checkpoint");
        return US_ERR_INPUT;
    }
    if (status != US_OK) return status;
    us_training *t = *out;
    if (numbers.position > t->order.count || numbers.batch != t->order.batch || numbers.rule_steps > numbers.steps ||
        numbers.schedule_steps > numbers.steps || numbers.steps > UINT64_MAX / 2) {
        us_training_destroy(t);
        *out = NULL;
        return us__fail(context, US_ERR_INPUT, "checkpoint: its counts contradict one another");
    }
    t->order.epoch = numbers.epoch;
    t->order.position = (size_t)numbers.position;
    t->steps = numbers.steps;
    t->rule_steps = numbers.rule_steps;
    t->schedule_steps = numbers.schedule_steps;
    t->samples_seen = numbers.samples_seen;
    t->plateau = numbers.plateau;
    t->average.count = numbers.averaged;
    return US_OK;
}

us_status us_training_from_bytes(us_training **out, us_problem *problem, const void *bytes, size_t size,
                                 const us_rule *custom_rule) {
    us_context *context = us_problem_context(problem);
    us_tensors *tensors = NULL;
    us_training *training = NULL;
    us_vec *theta = NULL;
    const us_rule *rule = NULL;
    size_t groups;
    *out = NULL;
    const us_group *group = us_problem_groups(problem, &groups);
    us_status status = us_safetensors_decode(&tensors, context, "checkpoint", bytes, size);
    if (status != US_OK) return status;
    if ((status = bytes_find_rule(context, tensors, custom_rule, &rule)) != US_OK) goto done;
    if ((status = bytes_verify(context, tensors)) != US_OK) goto done;
    if ((status = us__rule_check(context, rule, us_problem_precision(problem))) != US_OK) goto done;
    bool averages = bytes_average(tensors)[0] != '\0';
    if (us_tensors_count(tensors) != bytes_tensor_count(rule, averages, group, groups)) {
        status = us__fail(context, US_ERR_INPUT,
                          "checkpoint: it holds %zu tensors, and a training of this problem %zu; it is of another model",
                          us_tensors_count(tensors), bytes_tensor_count(rule, averages, group, groups));
        goto done;
    }
    if ((status = us_vec_create(&theta, context, us_problem_precision(problem), us_problem_dimension(problem))) != US_OK)
        goto done;
    if ((status = bytes_take_vec(context, tensors, "", problem, theta)) != US_OK) goto done;
    if ((status = bytes_create(&training, problem, rule, tensors, theta)) != US_OK) goto done;
    for (size_t k = 0; k < rule->states && status == US_OK; k++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "state%zu.", k);
        status = bytes_take_vec(context, tensors, prefix, problem, training->state[k]);
    }
    if (status == US_OK && averages) status = bytes_take_vec(context, tensors, "average.", problem, training->averaged);
    if (status == US_OK && training->memory_count)
        status = bytes_take(context, tensors, "", "training.memory", bytes_memory(NULL, training->memory_count),
                            training->memory);
    if (status != US_OK) goto done;
    *out = training;
    training = NULL;
done:
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_tensors_destroy(tensors);
    return status;
}
