#include "formula.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_formula_read(cli_formula *out, const cli_command *command, us_context *context, const char *text, const char *option,
                     const char *assignments, bool ranges) {
    *out = (cli_formula){.context = context, .text = text};
    us_status status = us_formula_variables(context, text, &out->names, &out->n);
    if (status != US_OK) return cli_error(command, context, status);
    if (out->n == 0) return cli_usage(command, "the formula has no variable");
    size_t given = 0;
    int code = cli_assignments(command, option, assignments, ranges, &out->storage, &out->list, &given);
    if (code != CLI_GO_ON) return code;
    out->values = calloc(out->n, sizeof(double));
    out->highs = calloc(out->n, sizeof(double));
    if (!out->values || !out->highs) return cli_no_memory(command);
    code = cli_assignments_order(command, option, out->list, given, out->names, out->n, out->values, out->highs);
    if (code != CLI_GO_ON) return code;
    status = us_problem_create_formula(&out->problem, context, text, (const char *const *)out->names, out->n);
    if (status == US_OK) status = us_vec_create(&out->theta, context, US_F64, out->n);
    if (status != US_OK) return cli_error(command, context, status);
    us_vec_write_f64(out->theta, out->values);
    return CLI_GO_ON;
}

void cli_formula_release(cli_formula *formula) {
    us_vec_destroy(formula->theta);
    us_problem_destroy(formula->problem);
    if (formula->names) us_names_release(formula->context, formula->names, formula->n);
    free(formula->values);
    free(formula->highs);
    free(formula->list);
    free(formula->storage);
}

json_t *cli_formula_at(const cli_formula *formula, const double *values) {
    json_t *at = json_object();
    for (size_t i = 0; i < formula->n; i++) json_object_set_new(at, formula->names[i], cli_real(values[i]));
    return at;
}

void cli_formula_at_text(const cli_formula *formula, const double *values, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < formula->n && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%s=%.9g", i ? ", " : "", formula->names[i], values[i] + 0.0);
        if (n < 0) return;
        used += (size_t)n;
    }
}
