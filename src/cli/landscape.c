/* unstuck landscape RUN.. or FORMULA: the loss over one or two directions, with the ways through it. */
#include "scape.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int landscape_by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

typedef struct landscape_options {
    scape_formula formula;
    scape_run run;
    const char *page;
    bool json, quiet, no_critical;
    uint64_t threads;
} landscape_options;

static bool landscape_is_run(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* A folder of runs, such as a race's, stands for the runs in it. */
static int landscape_expand(const cli_command *command, us_context *context, const char *const *given, size_t count,
                            char **folders, size_t *runs) {
    char text[PATH_MAX];
    for (size_t i = 0; i < count; i++) {
        us_run_entry *entries = NULL;
        size_t inside = 0;
        if (!landscape_is_run(given[i])) continue; /* such as race.json among all that is in a race */
        snprintf(text, sizeof text, "%s/run.db", given[i]);
        bool single = access(text, F_OK) == 0;
        us_status status = single ? US_OK : us_runs_list(context, given[i], &entries, &inside);
        if (status != US_OK) return cli_error(command, context, status);
        if (!single && inside == 0) {
            us_bytes_release(context, entries);
            fprintf(stderr, "unstuck landscape: %s is no run, and none is in it\n", given[i]);
            return CLI_INPUT;
        }
        for (size_t k = 0; k < (single ? 1 : inside); k++) {
            if (*runs == SCAPE_PATHS)
                return cli_usage(command, "there are more than %d runs; name those to draw", SCAPE_PATHS);
            if (single)
                folders[*runs] = strdup(given[i]);
            else if (snprintf(text, sizeof text, "%s/%s", given[i], entries[k].folder) < (int)sizeof text)
                folders[*runs] = strdup(text);
            if (!folders[*runs]) return cli_no_memory(command);
            ++*runs;
        }
        us_bytes_release(context, entries);
        if (!single) qsort(folders + *runs - inside, inside, sizeof *folders, landscape_by_name);
    }
    return CLI_GO_ON;
}

/* What belongs to the other kind of argument is told, not ignored. */
static int landscape_check(const cli_command *command, const landscape_options *o, bool run, const bool *given) {
    if (run && (o->formula.box || o->formula.at || o->formula.start || o->formula.optimizers || o->formula.rates))
        return cli_usage(command, "--box, --at, --start, --optimizer and --lr are for a formula; %s is a run",
                         o->run.folders[0]);
    if (!run && *given)
        return cli_usage(command, "--directions, --one, --span, --rows and --products are for a run; a formula has --box");
    if (!run && o->run.count > 1) return cli_usage(command, "one formula at a time; '%s' is no run", o->run.folders[0]);
    if (!run && !o->formula.box)
        return cli_usage(command, "'%s' is no folder, so it is a formula, which needs a box: --box x=-5:5,y=-5:5",
                         o->run.folders[0]);
    return CLI_GO_ON;
}

static int landscape_show(const cli_command *command, scape *s, const landscape_options *o) {
    int code = CLI_DONE;
    if (o->page) code = scape_page(command, s->context, o->page, scape_json(s));
    if (code != CLI_DONE) return code;
    if (o->json) return cli_print_json(scape_json(s));
    const json_t *about = s->about;
    if (json_object_get(about, "run"))
        printf("%s at step %lld: loss %.6g over %lld of %lld rows%s\n", json_string_value(json_object_get(about, "run")),
               (long long)json_integer_value(json_object_get(about, "step")), s->start,
               (long long)json_integer_value(json_object_get(about, "rows")),
               (long long)json_integer_value(json_object_get(about, "samples")),
               o->run.stored ? "; the picture was in the run already" : "");
    scape_print(s);
    if (o->page) printf("page written to %s\n", o->page);
    return CLI_DONE;
}

static int landscape_run(const cli_command *command, int argc, char **argv) {
    const char *given[SCAPE_PATHS];
    char *folders[SCAPE_PATHS] = {0};
    landscape_options o = {.formula = {.steps = 200, .seconds = 20, .seed = 1},
                           .run = {.folders = given, .seed = UINT64_MAX, .products = 200, .precision = 1},
                           .threads = cli_processors()};
    uint64_t points = 0, seed = UINT64_MAX;
    bool of_run = false;
    size_t count = 0;
    const cli_option table[] = {
        {CLI_SECTION, "of a run", .help = ""},
        {CLI_CHOICE, "--directions", "D", &o.run.directions,
         "eigen: eigenvectors of the lowest and the highest eigenvalue of the\nHessian (default); path: principal "
         "directions "
         "of the way it took;\nrandom: with filter normalisation (Li et al. 2018); parameters: the first\ntwo (default "
         "where "
         "there are no more)",
         .choices = "auto|eigen|path|random|parameters", .given = &of_run},
        {CLI_FLAG, "--one", NULL, &o.run.one, "along the first direction alone", .given = &of_run},
        {CLI_NUMBER, "--span", "X", &o.run.span,
         "how far to both sides (as far as the loss changes by as much as it is; what\nholds the path; random: 1)", 0,
         HUGE_VAL, true, .given = &of_run},
        {CLI_TEXT, "--rows", "M|all", &o.run.rows, "training rows to measure on (as many as half a minute allows)",
         .given = &of_run},
        {CLI_COUNT, "--products", "N", &o.run.products, "Hessian-vector products for the eigenvectors, at most (200)", 3,
         .given = &of_run},
        {CLI_CHOICE, "--precision", "P", &o.run.precision, "f32 or f64 (f64)", .choices = "f32|f64", .given = &of_run},
        {CLI_SECTION, "of a formula", .help = ""},
        {CLI_TEXT, "--box", "x=-5:5,y=-5:5", &o.formula.box, "one or two variables and their ranges"},
        {CLI_TEXT, "--at", "z=0,..", &o.formula.at, "values of the variables that the box does not name"},
        {CLI_FLAG, "--no-critical", NULL, &o.no_critical, "does not look for critical points"},
        {CLI_NUMBER, "--seconds", "S", &o.formula.seconds, "time limit of that search (20)", 0, HUGE_VAL, true},
        {CLI_TEXT, "--optimizer", "A,B,..", &o.formula.optimizers,
         "update rules and solvers whose paths are drawn, a rule with its own rate and\nsettings if wanted: "
         "momentum:lr=0.01:momentum=0.95,l-bfgs"},
        {CLI_TEXT, "--lr", "X,Y,..", &o.formula.rates,
         "learning rates of rules that name none: each of them (the rule's own)"},
        {CLI_TEXT, "--start", "x=1,y=2", &o.formula.start, "where they begin"},
        {CLI_COUNT, "--steps", "N", &o.formula.steps, "their steps, or iterations (200)", 1, 1e7},
        {CLI_SECTION, "of both", .help = ""},
        {CLI_COUNT, "--points", "N", &points, "along each direction (51, a formula 101; one direction: 201 and 401)", 2,
         2001},
        {CLI_COUNT, "--seed", "N", &seed, "of random directions and starts (the run's; 1)", 0, 9e15},
        {CLI_COUNT, "--threads", "N", &o.threads, "threads (all processors); the result does not depend on it", 1, 1024},
        {CLI_TEXT, "-o", "FILE.html", &o.page, "writes a page: contours, a surface to turn, the paths"},
        {CLI_FLAG, "--json", NULL, &o.json, "one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &o.quiet, "no progress and no messages"},
    };
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, given, 1, SCAPE_PATHS, &count);
    if (code == CLI_GO_ON && o.page) code = cli_page_check(command);
    if (code != CLI_GO_ON) return code;
    bool run = false;
    for (size_t i = 0; i < count; i++) run = run || landscape_is_run(given[i]);
    o.run.count = count;
    if ((code = landscape_check(command, &o, run, &of_run)) != CLI_GO_ON) return code;
    o.formula.formula = given[0];
    o.formula.points = o.run.points = points;
    o.run.seed = seed;
    if (seed != UINT64_MAX) o.formula.seed = seed;
    if (o.no_critical) o.formula.seconds = 0;

    us_context *context = cli_context(o.quiet, o.threads);
    if (!context) return CLI_FAILED;
    scape s = {.context = context, .progress = cli_progress_start(o.quiet)};
    if (run) {
        o.run.count = 0;
        code = landscape_expand(command, context, given, count, folders, &o.run.count);
        o.run.folders = (const char *const *)folders;
    }
    if (code == CLI_GO_ON) code = run ? scape_of_run(&s, command, &o.run) : scape_of_formula(&s, command, &o.formula);
    if (code == CLI_GO_ON) {
        us_status status = scape_compute(&s, run ? scape_keep : NULL, &o.run);
        bool interrupted = status == US_INTERRUPTED;
        if (interrupted) us_context_resume(context), status = US_OK;
        if (status == US_OK && run && !o.run.stored) status = scape_keep(&o.run, &s);
        code = status == US_OK ? landscape_show(command, &s, &o) : cli_error(command, context, status);
        if (code == CLI_DONE && interrupted) {
            fprintf(stderr, "unstuck landscape: interrupted; %zu of %zu points are done%s\n", s.done, s.total,
                    run ? ", and the same command goes on with them" : "");
            code = CLI_INTERRUPTED;
        }
    }
    scape_release(&s);
    us_run_destroy(o.run.run);
    free(o.run.name);
    for (size_t i = 0; i < SCAPE_PATHS; i++) free(folders[i]);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_landscape = {
    "landscape", "RUN..|FORMULA", "the loss over one or two directions, with the paths of training",
    "Computes the loss around where a run stands, over two directions or one, and draws the way that training took\n"
    "(of several runs of one model, or of a race: the ways of all, in the landscape of the first). What is done is kept in "
    "the run:\n"
    "after Ctrl-C the same command goes on, and what was computed once is not computed again.\n"
    "Of a formula: over a box, with its critical points found and named, and optimizers on their way through it.\n"
    "\n"
    "  unstuck landscape runs/mnist-1 -o landscape.html\n"
    "  unstuck landscape runs/mnist-1 --directions path --rows 2000 -o landscape.html\n"
    "  unstuck landscape races/housing-1 --directions path -o paths.html     a race with --keep-path\n"
    "  unstuck landscape '100*(y-x^2)^2+(1-x)^2' --box x=-2:2,y=-1:3 --start x=-1.2,y=1 \\\n"
    "    --optimizer sgd:lr=0.001,momentum:lr=0.0005,adam:lr=0.05 --steps 1000 -o valley.html",
    landscape_run};
