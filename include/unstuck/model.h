/** Model text and formula text to problems. */
#ifndef UNSTUCK_MODEL_H
#define UNSTUCK_MODEL_H

#include <unstuck/data.h>
#include <unstuck/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_model us_model;

typedef struct us_model_options {
    uint32_t version; /* 1 */
    /* "linear" (default)
     * "mlp:128,64[:relu|tanh|..]": hidden layers, relu unless told otherwise; the output layer is added
     * "conv 16 3x3 relu, pool 2x2, dense 64 relu": a list of layers, see us_model_help. A dense layer without an activation
     *     at the end is the output and must have `outputs` units; else the output is added
     * "formula: b1*(1-exp(-b2*x))": names of features are features, all other names are parameters; one real output */
    const char *text;
    /* NULL: by the task: "half-mse" or "cross-entropy". us_model_loss_help lists them all; options follow a colon:
     * "huber:1.5", "cross-entropy:smoothing=0.1,weights=balanced". */
    const char *loss;
    size_t inputs;                    /* features */
    size_t outputs;                   /* real outputs or classes */
    us_task task;                     /* US_REGRESSION or US_CLASSIFICATION */
    const char *const *feature_names; /* [inputs]; needed for formulas only */
    size_t input_rank;                /* of one sample; default 0: a row of `inputs` numbers */
    size_t input_shape[3];            /* [input_rank] whose product is `inputs`: [channels×height×width] for images */
    size_t positions;                 /* labels a row of a text, whose characters are the classes; default 0: no text */
    const size_t *class_counts;       /* [outputs] training rows of each class; needed for weights=balanced only */
} us_model_options;
#define US_MODEL_OPTIONS_INIT \
    { .version = 1, .text = "linear" }
US_API void us_model_options_init(us_model_options *options);

/** Parses a model's text. Nothing of the options is needed afterwards. Errors: US_ERR_INPUT (the error text shows the place
 * with a caret), US_ERR_ARGUMENT, US_ERR_NOMEM. @param out [caller destroys] */
US_API us_status us_model_create(us_model **out, us_context *context, const us_model_options *options);
US_API void us_model_destroy(us_model *model);
/** Every way to write a model, layer by layer: what `unstuck train --model help` prints. @param text [caller releases with
 * us_text_release] */
US_API us_status us_model_help(us_context *context, char **text);
/** The same for losses: `unstuck train --loss help`. */
US_API us_status us_model_loss_help(us_context *context, char **text);
/** Does this text read features that are numbers of things (embed), which must not be standardised? */
US_API bool us_model_reads_numbers(const char *text);
US_API bool us_model_is_formula(const us_model *model);
US_API size_t us_model_outputs(const us_model *model);
/** Predictions a row: 1, or as many as a row of a text has characters. */
US_API size_t us_model_positions(const us_model *model);
/** "huber", and "nats", "target" (the target's own unit, standardised or not), "target^2" or "margin". Static. */
US_API const char *us_model_loss_name(const us_model *model);
US_API const char *us_model_loss_unit(const us_model *model);

/** The model's mean loss over a dataset, which must outlive the problem, in the dataset's precision. `linear` makes the
 * fused linear leaf, all else a graph. Groups: layer1.weight [out×in], layer1.bias [out], ...; a formula's parameters are
 * scalars by name. @param out [caller destroys] */
US_API us_status us_model_problem(us_problem **out, const us_model *model, const us_dataset *dataset);

/** Draws initial weights: "he" N(0, 2/in), "xavier" U(±√(6/(in+out))), "zero", "normal:STD"; NULL: he before relu, gelu and
 * silu, xavier for the other layers, zero for a model of one layer, one for a formula's parameters. Groups named *.bias
 * become zero. @param groups  of the problem that theta belongs to. Errors: US_ERR_INPUT (unknown rule), US_ERR_SHAPE. */
US_API us_status us_model_initialize(const us_model *model, const char *init, const us_group *groups, size_t count,
                                     us_rng *rng, us_vec *theta);

/** Predictions for every row: [rows×outputs] doubles, of a text [rows×positions×outputs]; probabilities for classification.
 * @param problem  of us_model_problem itself, not a decorated one, in the dataset's precision; its own dataset does not
 * matter Errors: US_ERR_SHAPE (other features), US_ERR_ARGUMENT (another precision). */
US_API us_status us_model_predict(const us_model *model, us_problem *problem, const us_vec *theta, const us_dataset *dataset,
                                  double *outputs);
/** The same for rows first .. first+count−1. */
US_API us_status us_model_predict_rows(const us_model *model, us_problem *problem, const us_vec *theta,
                                       const us_dataset *dataset, size_t first, size_t count, double *outputs);

/* ------------------------------------------------------------------ formulas without data */

/** The names in a formula that are neither functions nor constants, in order of first appearance.
 * Errors: US_ERR_INPUT with a caret. @param names  [caller releases with us_names_release] */
US_API us_status us_formula_variables(us_context *context, const char *formula, char ***names, size_t *count);
US_API void us_names_release(us_context *context, char **names, size_t count);

/** A formula as a problem of its variables (in the order given), in f64, without data. Groups: a scalar each.
 * Grammar: + - * / ^ (binds tightest and to the right, then unary minus), parentheses, numbers (1e-3), exp log sqrt sin
 * cos tan asin acos atan sinh cosh tanh sigmoid erf abs, pi, e, names of letters, digits and _.
 * At most 100,000 characters and 1,000 levels deep. Errors: US_ERR_INPUT with a caret, also for a name that is not among the
 * variables; a variable need not occur.
 * @param out [caller destroys] */
US_API us_status us_problem_create_formula(us_problem **out, us_context *context, const char *formula,
                                           const char *const *variables, size_t count);

#ifdef __cplusplus
}
#endif
#endif
