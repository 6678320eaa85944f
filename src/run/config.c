#include "run/run.h"
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <unstuck/solve.h>

void us_run_config_init(us_run_config *config) { *config = (us_run_config)US_RUN_CONFIG_INIT; }

/* ------------------------------------------------------------------ as JSON, and back */

typedef struct config_choice {
    const char *name;
    int value;
} config_choice;

static const config_choice CONFIG_PRECISIONS[] = {{"default", 0}, {"f32", US_F32}, {"f64", US_F64}, {NULL, 0}};
static const config_choice CONFIG_SAMPLINGS[] = {
    {"shuffle", US_SAMPLING_SHUFFLE}, {"replacement", US_SAMPLING_REPLACEMENT}, {NULL, 0}};
static const config_choice CONFIG_TASKS[] = {{"auto", US_TASK_AUTO},
                                             {"regression", US_REGRESSION},
                                             {"classification", US_CLASSIFICATION},
                                             {"text", US_TEXT},
                                             {NULL, 0}};
static const config_choice CONFIG_MISSINGS[] = {{"mean", US_MISSING_MEAN}, {"drop", US_MISSING_DROP}, {NULL, 0}};

typedef enum config_kind {
    CONFIG_TEXT,
    CONFIG_REAL,
    CONFIG_U64,
    CONFIG_SIZE,
    CONFIG_BOOL,
    CONFIG_INT,
    CONFIG_CHAR,
    CONFIG_CHOICE
} config_kind;

typedef struct config_field {
    const char *name;
    config_kind kind;
    size_t offset;
    const config_choice *choices;
} config_field;

#define FIELD(name, kind, member) \
    { name, kind, offsetof(us_run_config, member), NULL }
#define CHOICE(name, member, choices) \
    { name, CONFIG_CHOICE, offsetof(us_run_config, member), choices }
/* Every field of a config. The names are those of the options. */
static const config_field CONFIG_FIELDS[] = {
    FIELD("data", CONFIG_TEXT, data),
    FIELD("target", CONFIG_TEXT, data_options.target),
    CHOICE("task", data_options.task, CONFIG_TASKS),
    FIELD("drop", CONFIG_TEXT, data_options.drop),
    FIELD("test_fraction", CONFIG_REAL, data_options.test_fraction),
    CHOICE("missing", data_options.missing, CONFIG_MISSINGS),
    FIELD("standardize", CONFIG_BOOL, data_options.standardize),
    FIELD("raw_features", CONFIG_BOOL, data_options.raw_features),
    FIELD("max_categories", CONFIG_SIZE, data_options.max_categories),
    FIELD("context", CONFIG_SIZE, data_options.window),
    FIELD("stride", CONFIG_SIZE, data_options.stride),
    FIELD("delimiter", CONFIG_CHAR, data_options.csv.delimiter),
    FIELD("header", CONFIG_INT, data_options.csv.header),
    FIELD("model", CONFIG_TEXT, model),
    FIELD("loss", CONFIG_TEXT, loss),
    FIELD("init", CONFIG_TEXT, init),
    FIELD("start", CONFIG_TEXT, start),
    FIELD("l2", CONFIG_REAL, l2),
    FIELD("optimizer", CONFIG_TEXT, optimizer),
    FIELD("set", CONFIG_TEXT, set),
    FIELD("learning_rate", CONFIG_REAL, learning_rate),
    FIELD("learning_rate_auto", CONFIG_BOOL, learning_rate_auto),
    FIELD("schedule", CONFIG_TEXT, schedule),
    FIELD("warmup", CONFIG_U64, warmup),
    FIELD("clip_norm", CONFIG_REAL, clip_norm),
    FIELD("clip_value", CONFIG_REAL, clip_value),
    FIELD("weight_decay", CONFIG_REAL, weight_decay),
    FIELD("decay_groups", CONFIG_TEXT, decay_groups),
    FIELD("average", CONFIG_TEXT, average),
    FIELD("accumulate", CONFIG_SIZE, accumulate),
    FIELD("batch", CONFIG_SIZE, batch),
    CHOICE("sampling", sampling, CONFIG_SAMPLINGS),
    FIELD("epochs", CONFIG_REAL, epochs),
    FIELD("steps", CONFIG_U64, steps),
    FIELD("seconds", CONFIG_REAL, seconds),
    FIELD("seed", CONFIG_U64, seed),
    CHOICE("precision", precision, CONFIG_PRECISIONS),
    FIELD("checkpoint_seconds", CONFIG_REAL, checkpoint_seconds),
    FIELD("keep_path", CONFIG_SIZE, keep_path),
};
#undef FIELD
#undef CHOICE
enum { CONFIG_FIELD_COUNT = sizeof CONFIG_FIELDS / sizeof *CONFIG_FIELDS, CONFIG_RULE_NAME = 32 };
_Static_assert(sizeof(us_precision) == sizeof(int) && sizeof(us_sampling) == sizeof(int) && sizeof(us_task) == sizeof(int) &&
                   sizeof(us_missing) == sizeof(int),
               "choices are read and written as int");

static json_t *config_field_to_json(const config_field *field, const void *at) {
    switch (field->kind) {
    case CONFIG_TEXT:
        return *(const char *const *)at ? json_string(*(const char *const *)at) : json_null();
    case CONFIG_REAL:
        return json_real(*(const double *)at);
    case CONFIG_U64:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case CONFIG_SIZE:
        return json_integer((json_int_t) * (const size_t *)at);
    case CONFIG_BOOL:
        return json_boolean(*(const bool *)at);
    case CONFIG_INT:
        return json_integer(*(const int *)at);
    case CONFIG_CHAR:
        return json_stringn(at, *(const char *)at ? 1 : 0);
    case CONFIG_CHOICE:
        for (const config_choice *c = field->choices; c->name; c++)
            if (c->value == *(const int *)at) return json_string(c->name);
    }
    return NULL;
}

/* False when the value is not of the field's kind. */
static bool config_field_from_json(const config_field *field, const json_t *value, void *at) {
    const char *text = json_string_value(value);
    switch (field->kind) {
    case CONFIG_TEXT:
        return *(const char **)at = text, text || json_is_null(value);
    case CONFIG_REAL:
        return *(double *)at = json_number_value(value), json_is_number(value);
    case CONFIG_U64:
        return *(uint64_t *)at = (uint64_t)json_integer_value(value), json_is_integer(value);
    case CONFIG_SIZE:
        return *(size_t *)at = (size_t)json_integer_value(value), json_is_integer(value);
    case CONFIG_BOOL:
        return *(bool *)at = json_is_true(value), json_is_boolean(value);
    case CONFIG_INT:
        return *(int *)at = (int)json_integer_value(value), json_is_integer(value);
    case CONFIG_CHAR:
        return text && strlen(text) <= 1 && (*(char *)at = text[0], true);
    case CONFIG_CHOICE:
        for (const config_choice *c = field->choices; text && c->name; c++)
            if (!strcmp(c->name, text)) return *(int *)at = c->value, true;
    }
    return false;
}

json_t *us__run_config_to_json(const us_run_config *config) {
    json_t *object = json_object();
    for (size_t i = 0; object && i < CONFIG_FIELD_COUNT; i++) {
        const config_field *field = &CONFIG_FIELDS[i];
        if (json_object_set_new(object, field->name, config_field_to_json(field, (const char *)config + field->offset)) !=
            0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

us_status us__run_config_from_json(us_context *context, const json_t *object, us_run_config *config) {
    us_run_config_init(config);
    for (size_t i = 0; i < CONFIG_FIELD_COUNT; i++) {
        const config_field *field = &CONFIG_FIELDS[i];
        const json_t *value = json_object_get(object, field->name);
        if (value && !config_field_from_json(field, value, (char *)config + field->offset))
            return us__fail(context, US_ERR_INPUT, "the run's config: \"%s\" is not as it should be", field->name);
    }
    return US_OK;
}

/* ------------------------------------------------------------------ defaults and checks */

/* A formula's parameters have the units of the file: it is fitted to the columns as they are, to all rows, in f64. Features
 * that are numbers of things are not standardised. */
void us__run_config_resolve(us_run_config *config) {
    bool formula = !strncmp(config->model + strspn(config->model, " "), "formula", 7);
    if (config->precision == US_RUN_PRECISION_DEFAULT) config->precision = formula ? US_F64 : US_F32;
    if (!config->optimizer && config->rule) config->optimizer = config->rule->name;
    if (!config->optimizer) config->optimizer = formula ? "trust-region" : "adam";
    if (formula) config->data_options.standardize = false;
    config->data_options.raw_features |= us_model_reads_numbers(config->model);
    if (formula && config->data_options.test_fraction < 0) config->data_options.test_fraction = 0;
}

const us_rule *us__run_config_rule(const us_run_config *config) {
    return config->rule ? config->rule : us_rule_find(config->optimizer);
}

us_status us__run_config_hyper(us_context *context, const us_rule *rule, const char *set, double *hyper) {
    for (size_t i = 0; i < rule->hyperparameter_count; i++) hyper[i] = rule->hyperparameters[i].default_value;
    const char *cursor = set ? set : "";
    for (;;) {
        char name[US__PAIR_NAME];
        double value;
        us_status status = us__pair_next(context, "--set", &cursor, name, &value);
        if (status != US_OK) return status == US_NOT_FOUND ? US_OK : status;
        size_t k = us_rule_hyperparameter(rule, name);
        if (k == SIZE_MAX) {
            char known[256] = "";
            for (size_t i = 0; i < rule->hyperparameter_count; i++) {
                size_t used = strlen(known);
                snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", rule->hyperparameters[i].name);
            }
            return us__fail(context, US_ERR_ARGUMENT, "--set %s: %s has %s", name, rule->name,
                            *known ? known : "nothing to set");
        }
        const us_hyperparameter *h = &rule->hyperparameters[k];
        if (!(value >= h->minimum && value <= h->maximum))
            return us__fail(context, US_ERR_ARGUMENT, "--set %s=%g: it must be %g to %g (%s)", name, value, h->minimum,
                            h->maximum, h->meaning);
        hyper[k] = value;
    }
}

static us_status config_check_number(us_context *context, const char *option, double value, bool zero, const char *meaning) {
    if (isfinite(value) && (value > 0 || (zero && value == 0))) return US_OK;
    return us__fail(context, US_ERR_ARGUMENT, "%s is %g; it must be %s (%s)", option, value,
                    zero ? "zero or more, and finite" : "above zero, and finite", meaning);
}

/* What only update rules have. */
static us_status config_check_solver(us_context *context, const us_run_config *c, const char *name) {
    const struct {
        const char *option;
        bool given;
    } options[] = {{"--lr", c->learning_rate > 0 || c->learning_rate_auto},
                   {"--set", c->set != NULL},
                   {"--schedule", c->schedule && strcmp(c->schedule, "constant") != 0},
                   {"--warmup", c->warmup > 0},
                   {"--clip-norm", c->clip_norm > 0},
                   {"--clip-value", c->clip_value > 0},
                   {"--weight-decay", c->weight_decay > 0},
                   {"--decay-groups", c->decay_groups != NULL},
                   {"--average", c->average != NULL},
                   {"--accumulate", c->accumulate > 1}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given)
            return us__fail(
                context, US_ERR_ARGUMENT,
                "%s is for update rules, and %s is a solver that needs none; name a rule, such as --optimizer adam, "
                "or leave %s out",
                options[i].option, name, options[i].option);
    return US_OK;
}

/* A rule of the program's own is told from those of the library, and its runs from one another, by its name. */
static us_status config_check_rule(us_context *context, const us_run_config *c) {
    const char *name = c->rule->name;
    if (!name || !*name || strlen(name) >= CONFIG_RULE_NAME || strchr(name, '/'))
        return us__fail(context, US_ERR_ARGUMENT,
                        "a rule of the program's own needs a name of at most %d characters, no '/'", CONFIG_RULE_NAME - 1);
    if (us_rule_find(name) || us_solver_find(name))
        return us__fail(context, US_ERR_ARGUMENT, "a rule of the program's own is named %s, as one of the library is", name);
    if (c->optimizer && strcmp(c->optimizer, name) != 0)
        return us__fail(context, US_ERR_ARGUMENT, "us_run_config: optimizer is %s, and rule is %s; one of them is enough",
                        c->optimizer, name);
    return US_OK;
}

us_status us__run_config_check(us_context *context, const us_run_config *c) {
    if (c->version != 1 || c->data_options.version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_run_config: version is %u; begin with US_RUN_CONFIG_INIT", c->version);
    if (!c->data || !*c->data) return us__fail(context, US_ERR_ARGUMENT, "no data: name a file");
    if (!c->model || !*c->model) return us__fail(context, US_ERR_ARGUMENT, "--model is empty; such as linear or mlp:128");
    us_run_config resolved = *c;
    us_status status = c->rule ? config_check_rule(context, c) : US_OK;
    if (status != US_OK) return status;
    us__run_config_resolve(&resolved);
    const us_rule *rule = us__run_config_rule(&resolved);
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    if (us_solver_find(resolved.optimizer)) {
        status = config_check_solver(context, c, resolved.optimizer);
    } else if (!rule) {
        const char *nearest = us_rule_nearest(c->optimizer);
        if (!nearest) nearest = us_solver_nearest(c->optimizer);
        return us__fail(context, US_ERR_ARGUMENT, "--optimizer '%s' is not known%s%s%s", c->optimizer,
                        nearest ? "; did you mean '" : "; see 'unstuck optimizers'", nearest ? nearest : "",
                        nearest ? "'?" : "");
    } else {
        status = us__run_config_hyper(context, rule, c->set, hyper);
    }
    if (status == US_OK && c->decay_groups && c->weight_decay == 0)
        status =
            us__fail(context, US_ERR_ARGUMENT, "--decay-groups says which groups decay; say how much with --weight-decay");
    us_schedule schedule;
    if (status == US_OK) {
        status = us_schedule_parse(context, c->schedule ? c->schedule : "constant", c->warmup, &schedule);
    }
    const struct {
        const char *option;
        double value;
        bool zero;
        const char *meaning;
    } numbers[] = {
        {"--lr", c->learning_rate, true, "the learning rate; 0 is the optimizer's own default"},
        {"--l2", c->l2, true, "strength of the penalty"},
        {"--clip-norm", c->clip_norm, true, "longest gradient; 0 is off"},
        {"--clip-value", c->clip_value, true, "largest element of a gradient; 0 is off"},
        {"--weight-decay", c->weight_decay, true, "share of the weights that a step takes away; 0 is off"},
        {"--epochs", c->epochs, true, "passes over the data"},
        {"--seconds", c->seconds, true, "time to train"},
        {"checkpoint_seconds", c->checkpoint_seconds, false, "time between checkpoints"},
    };
    for (size_t i = 0; status == US_OK && i < sizeof numbers / sizeof *numbers; i++)
        status = config_check_number(context, numbers[i].option, numbers[i].value, numbers[i].zero, numbers[i].meaning);
    if (status != US_OK) return status;

    const struct {
        const char *option;
        uint64_t value;
    } counts[] = {{"--seed", c->seed}, {"--steps", c->steps}, {"--warmup", c->warmup}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i].value > INT64_MAX)
            return us__fail(context, US_ERR_ARGUMENT, "%s is %llu; it must be below 2^63", counts[i].option,
                            (unsigned long long)counts[i].value);
    if (!(c->data_options.test_fraction < 1))
        return us__fail(context, US_ERR_ARGUMENT, "--test-fraction is %g; it must be 0 or more and below 1",
                        c->data_options.test_fraction);
    for (size_t i = 0; i < CONFIG_FIELD_COUNT; i++) {
        const config_field *field = &CONFIG_FIELDS[i];
        const int *value = (const void *)((const char *)c + field->offset);
        const config_choice *choice = field->choices;
        while (choice && choice->name && choice->value != *value) choice++;
        if (choice && !choice->name)
            return us__fail(context, US_ERR_ARGUMENT, "--%s is %d, which is none of its values", field->name, *value);
    }
    return US_OK;
}
