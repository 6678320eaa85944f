#include "run/run.h"
#include <math.h>

/* One seed, three independent streams: the split and the order of rows draw from those of their modules. */
enum { ASSEMBLE_STREAM_WEIGHTS = 0x77 };

static us_status assemble_data(us_run *run, const char *encoding) {
    us_run_config *c = &run->config;
    if (run->data) return US_OK; /* shared */
    if (encoding) return us_data_reload(&run->data, run->context, c->data, encoding, c->precision);
    us_data_options options = c->data_options;
    options.seed = c->seed;
    options.precision = c->precision;
    return us_data_load(&run->data, run->context, c->data, &options);
}

/* Labels of each class [outputs]; zeros for numbers. */
static size_t *assemble_class_counts(const us_dataset *dataset) {
    size_t outputs = us_dataset_outputs(dataset), *counts = us__new(us_dataset_context(dataset), outputs, sizeof *counts);
    const uint32_t *labels = us_dataset_labels_const(dataset);
    size_t rows = us_dataset_rows(dataset), positions = us_dataset_positions(dataset);
    for (size_t i = 0; counts && labels && i < rows * positions; i++) {
        uint32_t label = labels[i / positions * us_dataset_label_stride(dataset) + i % positions];
        if (label < outputs) counts[label]++;
    }
    return counts;
}

us_status us__run_assemble_model(us_run *run, const us_dataset *dataset) {
    size_t inputs = us_data_feature_count(run->data);
    const char **names = us__new(run->context, inputs, sizeof *names);
    size_t *counts = assemble_class_counts(dataset);
    if (!names || !counts) {
        us__release(run->context, names);
        us__release(run->context, counts);
        return US_ERR_NOMEM;
    }
    for (size_t i = 0; i < inputs; i++) names[i] = us_data_feature_name(run->data, i);
    us_model_options options = US_MODEL_OPTIONS_INIT;
    options.text = run->config.model;
    options.loss = run->config.loss;
    options.inputs = inputs;
    options.outputs = us_dataset_outputs(dataset);
    options.task = us_dataset_task(dataset);
    options.feature_names = names;
    options.input_rank = us_data_feature_shape(run->data, options.input_shape);
    options.class_counts = counts;
    options.positions = us_dataset_has_windows(dataset) ? us_dataset_positions(dataset) : 0;
    us_status status = us_model_create(&run->model, run->context, &options);
    us__release(run->context, names);
    us__release(run->context, counts);
    return status;
}

static us_status assemble_problems(us_run *run) {
    double l2 = run->config.l2;
    const us_dataset *test = us_data_test(run->data);
    us_problem *inner = NULL;
    us_status status = us_model_problem(&run->bare, run->model, us_data_train(run->data));
    if (status == US_OK && l2 > 0)
        status = us_problem_create_l2(&run->problem, run->bare, l2, false);
    else
        run->problem = run->bare;
    run->seen = run->problem;
    size_t rows = us__run_text_sample(us_data_train(run->data));
    if (status == US_OK && run->config.batch != 0 && rows < us_problem_samples(run->problem))
        status = us_problem_create_sample(&run->seen, run->problem, rows, false);
    if (status == US_OK && test) status = us_model_problem(&inner, run->model, test);
    if (status == US_OK && test && l2 > 0)
        status = us_problem_create_l2(&run->test_problem, inner, l2, true);
    else
        run->test_problem = inner;
    return status;
}

/* The weights that a training begins with. */
static us_status assemble_theta(us_run *run, us_vec **theta) {
    size_t count;
    const us_group *groups = us_problem_groups(run->problem, &count);
    us_rng rng = us_rng_init(run->config.seed, ASSEMBLE_STREAM_WEIGHTS);
    us_status status = us_vec_create(theta, run->context, run->config.precision, us_problem_dimension(run->problem));
    if (status == US_OK) {
        status = us_model_initialize(run->model, run->config.init, groups, count, &rng, *theta);
        if (status < 0 && status != US_ERR_NOMEM) us__error_prefix(run->context, "--init");
    }
    if (status == US_OK && run->config.start) status = us__run_start(run->context, run->config.start, groups, count, *theta);
    return status;
}

static us_status assemble_training(us_run *run) {
    us_run_config *c = &run->config;
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    size_t samples = us_problem_samples(run->problem);
    us_vec *theta = NULL;
    us_status status = US_OK;
    if (c->batch == US_RUN_BATCH_DEFAULT)
        c->batch = us_model_is_formula(run->model) || us__run_is_solved(run) ? 0 : samples < 32 ? samples : 32;
    if (c->batch > samples) {
        status = us__fail(run->context, US_ERR_ARGUMENT, "--batch is %zu; there are %zu training rows", c->batch, samples);
        goto done;
    }
    if (us__run_is_solved(run) && c->batch > 0 && c->batch < samples) {
        status = us__fail(run->context, US_ERR_ARGUMENT,
                          "--batch is %zu; %s takes all rows in every step: leave --batch out, or name another --optimizer",
                          c->batch, c->optimizer);
        goto done;
    }
    options.rule = us__run_is_solved(run) ? us_rule_find("sgd") : us__run_config_rule(c); /* a training needs one */
    options.hyper = hyper;
    options.learning_rate = c->learning_rate;
    options.clip_norm = c->clip_norm;
    options.clip_value = c->clip_value;
    options.weight_decay = c->weight_decay;
    options.decay_groups = c->decay_groups;
    options.average = c->average;
    options.accumulate = c->accumulate;
    options.batch = c->batch;
    options.sampling = c->sampling;
    options.seed = c->seed;
    if ((status = us__run_config_hyper(run->context, options.rule, c->set, hyper)) != US_OK) goto done;
    if ((status = us_schedule_parse(run->context, c->schedule ? c->schedule : "constant", c->warmup, &options.schedule)) !=
        US_OK)
        goto done;
    if ((status = assemble_theta(run, &theta)) != US_OK) goto done;
    status = us_training_create(&run->training, run->problem, theta, &options);
done:
    us_vec_destroy(theta);
    return status;
}

us_status us__run_assemble(us_run *run, const char *encoding, const void *checkpoint, size_t size) {
    us_status status = assemble_data(run, encoding);
    if (status == US_OK) status = us__run_assemble_model(run, us_data_train(run->data));
    if (status == US_OK) status = assemble_problems(run);
    if (status != US_OK) return status;
    status =
        us_vec_create(&run->weights, run->context, us_problem_precision(run->problem), us_problem_dimension(run->problem));
    if (status != US_OK) return status;
    if (!checkpoint) {
        status = assemble_training(run);
        return status == US_OK ? us__path_create(run) : status;
    }
    status = us_training_from_bytes(&run->training, run->problem, checkpoint, size, run->config.rule);
    if (status == US_ERR_INPUT) {
        char *file = us__text_format(run->context, "%s/checkpoint.safetensors: ", run->folder);
        if (!file) return US_ERR_NOMEM;
        us__run_reword_error(run, "checkpoint: ", file);
        us__release(run->context, file);
    }
    if (status == US_OK) status = us__path_create(run);
    return status == US_OK ? us__path_read(run) : status;
}
