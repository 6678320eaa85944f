/* A loss: one row of the table in loss.c, and the options of its text, such as huber:1.5. */
#ifndef US_MODEL_LOSS_H
#define US_MODEL_LOSS_H

#include "base/base.h"
#include <unstuck/graph.h>
#include <unstuck/model.h>

typedef struct us__loss_kind us__loss_kind;

typedef struct us__loss {
    const us__loss_kind *kind;
    double delta;     /* of huber */
    double smoothing; /* of the labels */
    double *weights;  /* [classes]; NULL: all 1 */
} us__loss;

struct us__loss_kind {
    const char *name;
    const char *options; /* ":DELTA": for the help */
    us_task task;
    bool binary;        /* two classes, told apart by one output */
    bool probabilities; /* the outputs are logits */
    double squares;     /* the loss is so many times the sum of squares; 0: another */
    const char *unit;   /* "nats" */
    const char *help;   /* lines */
    /* The loss of each sample [samples] from output and targets [samples×outputs], or from outputs and labels [samples]. */
    us_node (*build)(us_graph *graph, const us__loss *loss, us_node output, us_node target);
};

/* By number, or NULL beyond the last. */
const us__loss_kind *us__loss_kind_at(size_t i);
/* Parses options->loss (NULL: the default) for the task and the classes. Errors: US_ERR_INPUT, US_ERR_NOMEM.
 * @param out  its weights are released with us__release */
us_status us__loss_parse(us_context *context, const us_model_options *options, us__loss *out);

#endif
