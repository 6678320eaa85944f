/* A formula given on the command line, its variables and the values given for them. */
#ifndef US_CLI_FORMULA_H
#define US_CLI_FORMULA_H

#include "cli.h"

typedef struct cli_formula {
    us_context *context;
    const char *text;
    char **names;
    size_t n;
    double *values, *highs; /* [n]; highs only for ranges */
    us_problem *problem;    /* f64 */
    us_vec *theta;          /* the values */
    char *storage;
    cli_assignment *list;
} cli_formula;

/* Reads the formula and the assignments of `option`. Returns CLI_GO_ON or the status to end with; release in any case. */
int cli_formula_read(cli_formula *out, const cli_command *command, us_context *context, const char *text, const char *option,
                     const char *assignments, bool ranges);
void cli_formula_release(cli_formula *formula);
/* {"x":1,"y":2} */
json_t *cli_formula_at(const cli_formula *formula, const double *values);
/* "x=1, y=2" */
void cli_formula_at_text(const cli_formula *formula, const double *values, char *text, size_t size);

#endif
