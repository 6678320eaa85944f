/* What the landscape of a formula and the paths through it share. */
#ifndef US_CLI_SCAPE_FORMULA_H
#define US_CLI_SCAPE_FORMULA_H

#include "scape.h"

enum { SCAPE_VARIABLES = 64 };

/* What is read of the options. */
typedef struct scape_view {
    const cli_command *command;
    scape *s;
    char **names;
    size_t n;
    size_t place[2];   /* of the box's variables, among all */
    size_t free_of[2]; /* and among those that are free */
    double whole[SCAPE_VARIABLES];
    double low[2], high[2]; /* in the order of the free variables */
} scape_view;

/* {"x":1,"y":2} of the variables that the box names. */
json_t *scape_view_at(const scape_view *v, const double *theta);
/* The optimizers asked for, from --start: their places are paths of v->s. Returns CLI_GO_ON or the status to end with. */
int scape_view_paths(scape_view *v, const scape_formula *ask);

#endif
