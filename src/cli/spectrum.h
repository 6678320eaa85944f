/* unstuck spectrum: what was measured, and its output. */
#ifndef US_CLI_SPECTRUM_H
#define US_CLI_SPECTRUM_H

#include "cli.h"

typedef struct spectrum_options {
    uint64_t top, bottom, products, seed, block;
    double tolerance, confidence, seconds, tau; /* tau 0: a thousandth of the largest eigenvalue */
    const char *rows;
    bool density, trace, index, by_layer, json, quiet;
    int of; /* us_product */
} spectrum_options;

/* Is there a negative eigenvalue? */
typedef struct spectrum_sign {
    us_below below; /* US_BELOW_NOT_ASKED: not measured */
    us_needs needs;
    double products_needed, sampling;
    size_t rows;
} spectrum_sign;

/* Everything that is measured. */
typedef struct spectrum_view {
    us_run *run;
    us_problem *problem;
    us_vec *theta;
    us_hessian_operator *hessian;
    us_eigenpairs *pairs;
    us_density *density;
    us_trace_estimate trace;
    us_inertia inertia; /* where n is small enough for a factorisation */
    bool factorised;
    us_quotient lowest; /* of the lowest pair's vector */
    spectrum_sign sign;
    uint32_t *sample;
    us_batch batch;
    size_t rows, products;
    double resolution;
    cli_progress progress;
} spectrum_view;

json_t *cli_spectrum_json(const spectrum_view *view, const spectrum_options *options);
void cli_spectrum_print(const spectrum_view *view, const spectrum_options *options);

#endif
