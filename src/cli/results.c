/* What a diagnosis measured beside its verdict, kept in the run for reports. */
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { RESULTS_UNITS = 4096 };                /* so many units are told one by one */
static const double RESULTS_SATURATED = 0.01; /* less of the gradient passes: as the diagnosis has it */

static void results_log(const cli_command *command, us_run *run, const char *kind, const char *name, json_t *object,
                        bool quiet) {
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    if (text && us_run_log_result(run, kind, name, text) != US_OK && !quiet)
        fprintf(stderr, "unstuck %s: the %s is not kept in the run: %s\n", command->name, kind,
                us_context_error(us_run_context(run)));
    free(text);
    json_decref(object);
}

static json_t *results_spectrum(const us_spectrum *s) {
    json_t *values = json_array();
    for (size_t i = 0; i < s->n; i++) json_array_append_new(values, cli_real(s->values[i]));
    return json_pack("{s:s,s:o,s:o,s:I,s:I,s:I,s:I,s:I}", "of", "hessian", "values", values, "resolution",
                     cli_real(s->resolution), "negative", (json_int_t)s->negative, "zero", (json_int_t)s->zero, "positive",
                     (json_int_t)s->positive, "products", (json_int_t)s->products, "parameters", (json_int_t)s->n);
}

static json_t *results_layer(const us_units *units, const us_unit_layer *layer) {
    json_t *list = units->count <= RESULTS_UNITS ? json_array() : NULL;
    json_int_t dead = 0, saturated = 0;
    for (size_t i = layer->first; i < layer->first + layer->count; i++) {
        const us_unit *u = &units->units[i];
        dead += !layer->bounded && u->active == 0;
        saturated += layer->bounded && u->passed < RESULTS_SATURATED;
        if (list)
            json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o}", "low", cli_real(u->low), "high", cli_real(u->high),
                                                  "active", cli_real(u->active), "passed", cli_real(u->passed)));
    }
    return json_pack("{s:s,s:b,s:I,s:I,s:I,s:o}", "name", layer->name, "bounded", layer->bounded, "count",
                     (json_int_t)layer->count, "dead", dead, "saturated", saturated, "units", list ? list : json_null());
}

static json_t *results_units(const us_units *units) {
    json_t *layers = json_array();
    for (size_t l = 0; l < units->layer_count; l++) json_array_append_new(layers, results_layer(units, &units->layers[l]));
    return json_pack("{s:o}", "layers", layers);
}

void cli_results_keep(const cli_command *command, us_run *run, const us_diagnosis *diagnosis, bool quiet) {
    const us_training *training = us_run_training(run);
    us_units *units = NULL;
    if (diagnosis->point && diagnosis->point->spectrum)
        results_log(command, run, "spectrum", "diagnosis", results_spectrum(diagnosis->point->spectrum), quiet);
    if (diagnosis->evidence.finite && diagnosis->evidence.hidden_units > 0 &&
        us_problem_units(&units, us_training_problem(training), us_training_theta(training), US_BATCH_ALL) == US_OK && units)
        results_log(command, run, "units", "all", results_units(units), quiet);
    us_units_destroy(units);
}
