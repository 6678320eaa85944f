/* A layer of a network. Each kind of layer is one row of the table in layers.c: how it is written, what shape it makes of
 * the shape that comes in, which nodes of the graph it becomes, how its weights begin, and what the help says of it. The
 * parser,
 * `--model help` and docs/models.md are made from these rows. */
#ifndef US_MODEL_LAYER_H
#define US_MODEL_LAYER_H

#include "base/base.h"
#include <unstuck/graph.h>

typedef struct us__layer us__layer;
typedef struct us__layer_kind us__layer_kind;

/* ------------------------------------------------------------------ shapes */

/* Of one sample: [units], [positions×features] or [channels×height×width]. */
typedef struct us__shape {
    size_t rank;
    size_t axis[3];
} us__shape;

size_t us__shape_elements(const us__shape *shape);
/* "[16×13×13]" */
typedef struct us__shape_words {
    char text[80];
} us__shape_words;
us__shape_words us__shape_show(const us__shape *shape);
/* x [samples×...] with this shape of a sample. */
us_node us__shape_give(us_graph *graph, us_node x, const us__shape *shape);

/* ------------------------------------------------------------------ activations */

/* What follows a layer's sum: its node, and the initial weights that suit the layer before it. */
typedef struct us__activation {
    const char *name;
    const char *function; /* of us_graph_apply; NULL: none */
    const char *init;
    bool bounded;    /* it saturates */
    double steepest; /* its largest slope */
} us__activation;

/* By number, or NULL beyond the last; by name, or NULL. */
const us__activation *us__activation_at(size_t i);
const us__activation *us__activation_find(const char *name, size_t length);
us_node us__activation_apply(us_graph *graph, const us__activation *activation, us_node z);

/* ------------------------------------------------------------------ what is written */

enum { US__ARGUMENTS = 6, US__SIZES = 3, US__SAME = -1 };

typedef enum us__argument_kind {
    US__ARGUMENT_NONE, /* ends the list */
    US__ARGUMENT_COUNT,
    US__ARGUMENT_PAIR,  /* 3x3, or 3 for both axes */
    US__ARGUMENT_PAD,   /* a pair, or "same" */
    US__ARGUMENT_SIZES, /* 784, 28x28, 1x28x28 */
    US__ARGUMENT_NUMBER /* 0.2 */
} us__argument_kind;

typedef struct us__argument {
    us__argument_kind kind;
    const char *keyword; /* "stride": may be left out, and stands anywhere; NULL: known by its place, and must be there */
    const char *shown;   /* "UNITS": in the help */
    const char *what;    /* "a number of units": in errors */
    const char *example;
    double least, most, fallback;
    bool optional; /* known by its place, and may be left out */
} us__argument;

/* What stands behind a name in the text; counts and sizes are whole numbers. */
typedef struct us__value {
    bool given;
    size_t count; /* sizes that were given */
    double at[US__SIZES];
} us__value;

/* ------------------------------------------------------------------ layers */

struct us__layer {
    const us__layer_kind *kind;
    const us__activation *activation; /* after its sum; NULL: none */
    us__value values[US__ARGUMENTS];  /* by the kind's arguments */
    us__shape in, out;
    size_t position; /* in the text */
    size_t size_at;  /* where its number of units stands in the text; 0: nowhere */
    size_t inside;   /* layers in its parentheses: they follow it in the list */
    size_t number;   /* layerN: counts the layers that have weights; 0: it has none */
    size_t acts_on;  /* an activation by itself: the number of the layer whose units it activates, or 0 */
    bool biased;
    const char *init; /* rule of its weights, unless the caller names one */
};

static inline size_t us__layer_size(const us__layer *layer, size_t argument, size_t k) {
    return (size_t)layer->values[argument].at[k];
}

/* Where a shape is found wrong. */
typedef struct us__place {
    us_context *context;
    const char *text;
    size_t position, inputs, vocabulary; /* vocabulary: characters of a text; 0: it is no text */
    const us__layer *first;              /* of all */
    size_t *numbers;                     /* layers with weights so far */
} us__place;

#define us__place_fail(place, ...) us__caret_fail((place)->context, "model", (place)->text, (place)->position, __VA_ARGS__)

/* US_ERR_INPUT: this layer reads images. */
us_status us__place_image(const us__place *place, const char *layer, const us__shape *in);

struct us__layer_kind {
    const char *name;
    const char *alias; /* another name, or NULL */
    us__argument arguments[US__ARGUMENTS + 1];
    bool weights;     /* it always has some; others set layer->number themselves by us__layer_number */
    bool activates;   /* an activation may be written behind it */
    bool body;        /* layers in parentheses follow */
    bool keeps_units; /* an activation behind it acts on the units of the layer before it */
    bool is_activation;
    bool vocabulary;  /* it reads features that are whole numbers below its second argument */
    const char *init; /* of its weights; NULL: what the activation behind it wants */
    const char *help; /* what it does: a few words, a line each */
    /* Fills layer->out from layer->in. Errors: US_ERR_INPUT with a caret. NULL: out is in. */
    us_status (*shape)(const us__place *place, us__layer *layer);
    us_node (*build)(us_graph *graph, const us__layer *layer, us_node x); /* x [samples×in] → [samples×out] */
};

/* By number, or NULL beyond the last; by name, or NULL. */
const us__layer_kind *us__layer_kind_at(size_t i);
const us__layer_kind *us__layer_kind_find(const char *name, size_t length);
extern const us__layer_kind us__layer_input, us__layer_flatten, us__layer_dense, us__layer_residual, us__layer_activation,
    us__layer_embed, us__layer_dropout, us__layer_conv, us__layer_max_pool, us__layer_average_pool, us__layer_batch_norm,
    us__layer_layer_norm, us__layer_attention, us__layer_feed_forward, us__layer_next;

/* The layer has weights: gives it the next number. */
void us__layer_number(const us__place *place, us__layer *layer);
/* The parameter "layerN.WHAT". */
us_node us__layer_parameter(us_graph *graph, const us__layer *layer, const char *what, size_t rank, const size_t *shape);
/* Layer normalisation over the last axis, with layerN.gain and layerN.bias. */
#define US__NORM_EPSILON 1e-5
us_node us__layer_normalised(us_graph *graph, const us__layer *layer, us_node x);
/* Applies an activation to z, and marks the units of the layer whose sum z is. */
us_node us__layer_activate(us_graph *graph, const us__activation *activation, size_t number, us_node z);

/* Layers one after another, `count` with all that is inside them: shapes and numbers, from *shape to *shape. */
us_status us__layers_check(const us__place *place, us__layer *layers, size_t count, us__shape *shape);
us_node us__layers_apply(us_graph *graph, const us__layer *layers, size_t count, us_node x);

#endif
