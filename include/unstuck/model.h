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
    uint32_t version;  /* 1 */
    const char *text;  /* "linear" | "mlp:128,64[:relu|tanh|sigmoid|gelu|linear]" | "dense 64 relu, dense 10" |
                          "formula: b1*(1-exp(-b2*x))"; default "linear" */
    const char *loss;  /* NULL: half-mse or cross-entropy by the task; "half-mse" | "mse" | "cross-entropy" */
    size_t inputs;     /* features */
    size_t outputs;    /* real outputs or classes */
    us_task task;      /* US_REGRESSION or US_CLASSIFICATION */
    const char *const *feature_names; /* [inputs]; needed for formulas only */
} us_model_options;
#define US_MODEL_OPTIONS_INIT {.version = 1, .text = "linear"}
US_API void us_model_options_init(us_model_options *options);

/** Parses a model's text. Errors: US_ERR_INPUT, the error text showing the place with a caret. @param out [caller destroys] */
US_API us_status us_model_create(us_model **out, us_context *context, const us_model_options *options);
US_API void us_model_destroy(us_model *model);
US_API bool us_model_is_formula(const us_model *model);
US_API size_t us_model_outputs(const us_model *model);

/** The model's mean loss over a dataset, in the dataset's precision. `linear` makes the fused linear leaf, all else a graph.
 * Groups: layer1.weight [out×in], layer1.bias [out], ...; a formula's parameters are scalars by name. @param out [caller destroys] */
US_API us_status us_model_problem(us_problem **out, const us_model *model, const us_dataset *dataset);

/** Draws initial weights: "he" N(0, 2/in), "xavier" U(±√(6/(in+out))), "zero", "normal:STD"; NULL: he for relu and
 * gelu, xavier for the other layers, zero for linear and formulas (one). Groups named *.bias become zero.
 * @param groups  of the problem that theta belongs to */
US_API us_status us_model_initialize(const us_model *model, const char *init, const us_group *groups, size_t count,
                                     us_rng *rng, us_vec *theta);

/** Predictions for every row: [rows×outputs] doubles; probabilities for classification. A problem of this model is used
 * for the computation. */
US_API us_status us_model_predict(const us_model *model, us_problem *problem, const us_vec *theta, const us_dataset *dataset,
                                  double *outputs);

/* ------------------------------------------------------------------ formulas without data */

/** The names in a formula that are neither functions nor constants, in order of first appearance.
 * @param names  [caller releases with us_names_release] */
US_API us_status us_formula_variables(us_context *context, const char *formula, char ***names, size_t *count);
US_API void us_names_release(us_context *context, char **names, size_t count);

/** A formula as a problem of its variables (in the order given), in f64, without data. Groups: a scalar each.
 * Grammar: + - * / ^ (binds tightest and to the right, then unary minus), parentheses, numbers (1e-3), exp log sqrt sin
 * cos tan asin acos atan sinh cosh tanh sigmoid erf abs, pi, e, names. Errors: US_ERR_INPUT with a caret.
 * @param out [caller destroys] */
US_API us_status us_problem_create_formula(us_problem **out, us_context *context, const char *formula,
                                           const char *const *variables, size_t count);

#ifdef __cplusplus
}
#endif
#endif
