/* A landscape, as the commands landscape and lecture make it: of a formula or of a run. */
#ifndef US_CLI_SCAPE_H
#define US_CLI_SCAPE_H

#include "cli.h"

enum { SCAPE_PATHS = 32, SCAPE_PLACES = 1000 };

/* A way through it. */
typedef struct scape_path {
    char name[96];   /* "adam lr=0.1", or a run */
    uint64_t *steps; /* [count] */
    double *at;      /* [count×2] */
    double *off;     /* [count] distance from the plane */
    double *losses;  /* [count] of the place itself, NaN where not known */
    size_t count, room;
    const char *state; /* how it ended: "diverged", the kind of point, or NULL */
    json_t *end;       /* where, of a formula: {"x":..}; else NULL */
} scape_path;

typedef struct scape {
    us_context *context;
    us_problem *problem; /* what is evaluated; owned */
    us_plane *plane;
    us_landscape_options grid;
    double *loss; /* [points] */
    size_t done, total;
    const char *kind; /* "parameter", "eigen", "path" or "random" */
    char label[2][96];
    json_t *about;    /* what it is of: {"formula",..} or {"run",..} */
    json_t *critical; /* array, or NULL */
    scape_path paths[SCAPE_PATHS];
    size_t path_count;
    double start; /* loss at the middle of the matter: of θ; NaN for a formula */
    cli_progress progress;
} scape;

void scape_release(scape *s);
/* Room for the grid, all NaN. */
us_status scape_reserve(scape *s);
/* A new path without places, or NULL when there is no room. */
scape_path *scape_path_add(scape *s, const char *name);
/* Notes a place: θ of s->problem's dimension. */
us_status scape_path_place(scape *s, scape_path *path, uint64_t step, const us_vec *theta, double loss);
/* Computes what is not done, with progress and time left; `save` (may be NULL) is called every few seconds. US_INTERRUPTED
 * leaves what is done. */
us_status scape_compute(scape *s, us_status (*save)(void *user, const scape *s), void *user);
/* {"kind":"landscape", ..}: what --json prints, a run keeps, and the page shows. */
json_t *scape_json(const scape *s);
/* Takes the losses of an earlier one of the same grid. False when they do not fit. */
bool scape_take(scape *s, const json_t *earlier);
/* What a person reads. */
void scape_print(const scape *s);

/* ------------------------------------------------------------------ of a formula */

typedef struct scape_formula {
    const char *formula, *box, *at, *start, *optimizers, *rates; /* texts of the options; NULL: not given */
    uint64_t steps, points, seed;
    double seconds; /* for finding critical points; 0: they are not looked for */
} scape_formula;
/* Makes everything but the losses: problem, plane, grid, critical points, paths. Returns CLI_GO_ON or the status to end
 * with; release in any case. */
int scape_of_formula(scape *s, const cli_command *command, const scape_formula *ask);

/* ------------------------------------------------------------------ of runs */

typedef struct scape_run {
    const char *const *folders; /* the first is looked at; the paths of all are drawn */
    size_t count;
    int directions; /* 0 auto, 1 eigen, 2 path, 3 random, 4 parameters */
    bool one;
    double span;      /* 0: chosen */
    const char *rows; /* NULL: chosen */
    uint64_t points, seed, products;
    int precision; /* 0 f32, 1 f64 */
    us_run *run;   /* out: the first, open; release it after the landscape */
    char *name;    /* out: the name of the result in run.db; free it */
    bool stored;   /* out: all of it was in run.db */
} scape_run;
int scape_of_run(scape *s, const cli_command *command, scape_run *ask);
/* Keeps the landscape in the run. */
us_status scape_keep(void *ask, const scape *s);

/* The page with this data, to a file (replaced as a whole). Returns CLI_DONE or the status to end with. Takes the object. */
int scape_page(const cli_command *command, us_context *context, const char *path, json_t *data);

#endif
