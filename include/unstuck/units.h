/** Units: what the hidden units of a model do on the data. */
#ifndef UNSTUCK_UNITS_H
#define UNSTUCK_UNITS_H

#include <unstuck/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One hidden unit, over the rows that were asked for; the channel of a convolution is one unit, with a row for each of its
 * pixels. δ and ε: the derivatives of a row's loss by the activation's input and output. */
typedef struct us_unit {
    double low, high; /* range of the activation's input */
    double active;    /* share of rows on which the activation's slope is not zero; 0: the gradient of its incoming weights
                         is zero on all of them */
    double arrives;   /* Σ|ε|, the mean over rows */
    double passed; /* share of the gradient that passes the activation: Σ|δ| / (steepest slope · Σ|ε|); NaN: none arrives */
} us_unit;

typedef struct us_unit_layer {
    const char *name;    /* "layer1": borrowed until the problem is destroyed */
    bool bounded;        /* the activation saturates (tanh, sigmoid); else it can be dead (relu) */
    size_t first, count; /* in us_units.units */
} us_unit_layer;

typedef struct us_units {
    us_unit_layer *layers; /* [layer_count] from the input to the output */
    us_unit *units;        /* [count] */
    size_t layer_count, count;
    us_context *context;
} us_units;

/** Asks a problem for its units at θ, on some rows. *out is NULL where the problem knows none: only nets of layers do.
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM. Cost: about 6 values a layer. @param out [caller destroys] */
US_API us_status us_problem_units(us_units **out, us_problem *problem, const us_vec *theta, us_batch batch);
US_API void us_units_destroy(us_units *units);

#ifdef __cplusplus
}
#endif
#endif
