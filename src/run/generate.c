/* A text goes on as a run has learnt it: character by character, each drawn from what the model says of the last ones. */
#include "run/run.h"
#include <math.h>
#include <string.h>
#include <unstuck/rng.h>
#include <unstuck/safetensors.h>

enum { GENERATE_STREAM = 0x67656E };

void us_generate_options_init(us_generate_options *options) { *options = (us_generate_options)US_GENERATE_OPTIONS_INIT; }

/* Draws k with a probability of p[k]^(1/temperature)/Σ; at 0 the most probable. */
static size_t generate_draw(const double *p, size_t classes, double temperature, us_rng *rng) {
    size_t best = us__run_class(p, classes), k = 0;
    if (temperature == 0) return best;
    double sum = 0, drawn;
    for (size_t i = 0; i < classes; i++) sum += pow(p[i] / p[best], 1 / temperature);
    drawn = us_rng_uniform(rng) * sum;
    while (k + 1 < classes && (drawn -= pow(p[k] / p[best], 1 / temperature)) >= 0) k++;
    return k;
}

/* The class that follows tokens[0 .. count−1]: the last ones are put into the row, what is behind them is not seen. */
static us_status generate_next(us_run *run, us_dataset *row, const us_vec *theta, const uint32_t *tokens, size_t count,
                               double *outputs, double temperature, us_rng *rng, uint32_t *next) {
    size_t window = us_dataset_columns(row), classes = us_model_outputs(run->model);
    size_t first = count > window ? count - window : 0;
    void *features = us_dataset_features(row);
    for (size_t i = first; i < count; i++) {
        if (us_dataset_precision(row) == US_F32)
            ((float *)features)[i - first] = (float)tokens[i];
        else
            ((double *)features)[i - first] = tokens[i];
    }
    us_status status = us_model_predict_rows(run->model, run->bare, theta, row, 0, 1, outputs);
    if (status != US_OK) return status;
    const double *p = outputs + (count - first - 1) * classes;
    for (size_t k = 0; k < classes; k++)
        if (!isfinite(p[k]))
            return us__fail(run->context, US_ERR_NONFINITE, "%s: its predictions are not finite", run->folder);
    *next = (uint32_t)generate_draw(p, classes, temperature, rng);
    return US_OK;
}

us_status us_run_generate(us_context *context, const char *folder, const us_generate_options *options,
                          int (*write)(void *user, const char *text, size_t length), void *user) {
    us_generate_options o = US_GENERATE_OPTIONS_INIT;
    if (options) o = *options;
    us_run *run = NULL;
    us_dataset *row = NULL;
    us_vec *theta = NULL;
    uint32_t *prompt = NULL, *tokens = NULL;
    double *outputs = NULL;
    size_t count = 0;
    us_rng rng = us_rng_init(o.seed, GENERATE_STREAM);
    if (o.version != 1 || !o.prompt || !(o.temperature >= 0) || !isfinite(o.temperature))
        return us__fail(context, US_ERR_ARGUMENT,
                        "generate options: version 1, a prompt, and a --temperature of at least 0");
    us_status status = us__run_new(&run, context, folder);
    if (status == US_OK) status = us__run_predict_read(run, NULL, &row);
    if (status == US_OK) status = us__run_predict_weights(run, &theta);
    if (status == US_OK) status = us_data_tokens(run->data, o.prompt, strlen(o.prompt), &prompt, &count);
    if (status == US_OK && count == 0)
        status = us__fail(context, US_ERR_ARGUMENT, "--prompt is empty; one character is needed to go on from");
    if (status != US_OK) goto done;
    tokens = us__grow(context, prompt, count, count + o.length, sizeof *tokens);
    if (!tokens) {
        status = US_ERR_NOMEM;
        goto done;
    }
    prompt = NULL; /* moved */
    outputs = us__alloc(context, us_dataset_columns(row), us_model_outputs(run->model) * sizeof *outputs);
    status = outputs ? US_OK : US_ERR_NOMEM;
    if (status == US_OK && write(user, o.prompt, strlen(o.prompt)) != 0) status = US_ERR_IO;
    for (size_t i = 0; i < o.length && status == US_OK; i++, count++) {
        status = generate_next(run, row, theta, tokens, count, outputs, o.temperature, &rng, &tokens[count]);
        if (status != US_OK) break;
        const char *character = us_data_class_name(run->data, tokens[count]);
        if (write(user, character, strlen(character)) != 0) status = US_ERR_IO;
        if (us_context_cancelled(context)) status = us__fail(context, US_INTERRUPTED, "interrupted");
    }
    if (status == US_ERR_IO) us__fail(context, status, "the text can't be written");
done:
    us__release(context, prompt);
    us__release(context, tokens);
    us__release(context, outputs);
    us_vec_destroy(theta);
    us_run_destroy(run);
    us_dataset_destroy(row);
    return status;
}
