/* Optimizers on their way through the landscape of a formula: update rules, step by step, and solvers, iteration by
 * iteration. */
#include "scape_formula.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One path as it is made. */
typedef struct paths_way {
    scape *s;
    scape_path *path;
    us_vec *theta;     /* where it is */
    uint64_t every;    /* steps between two places that are kept */
    uint64_t last;     /* step that is kept in any case */
    us_solver *solver; /* of a solver */
    us_vec *v, *hv;    /* of a solver: two vectors to work with */
    us_status status;  /* of a note that failed */
} paths_way;

static us_status paths_note(paths_way *w, uint64_t step, const us_vec *theta) {
    double loss;
    us_status status = us_problem_value(w->s->problem, theta, US_BATCH_ALL, &loss);
    return status == US_OK ? scape_path_place(w->s, w->path, step, theta, loss) : status;
}

/* ------------------------------------------------------------------ rules */

static bool paths_see(void *user, const us_training *training, const us_step_info *info) {
    paths_way *w = user;
    (void)training;
    if (info->step % w->every == 0 || info->step == w->last) w->status = paths_note(w, info->step, info->theta);
    return w->status == US_OK;
}

static us_status paths_train(paths_way *w, const us_rule *rule, const double *hyper, double rate) {
    us_training *training = NULL;
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    o.rule = rule, o.hyper = hyper, o.learning_rate = rate;
    us_status status = us_training_create(&training, w->s->problem, w->theta, &o);
    if (status == US_OK) status = us_training_observe(training, paths_see, w);
    if (status == US_OK) status = us_training_advance(training, w->last);
    if (w->status != US_OK) status = w->status;
    if (status == US_OK) us_vec_copy(w->theta, us_training_theta(training));
    us_training_destroy(training);
    return status;
}

/* ------------------------------------------------------------------ solvers */

static us_status paths_answer(paths_way *w, const us_request *q) {
    us_problem *problem = w->s->problem;
    us_status status = US_OK;
    us_vec_write_f64(w->theta, q->theta);
    if (q->ask == US_ASK_VALUE) return us_problem_value(problem, w->theta, US_BATCH_ALL, q->value);
    if (q->ask == US_ASK_GRADIENT) {
        status = us_problem_gradient(problem, w->theta, US_BATCH_ALL, q->value, w->hv);
        us_vec_read_f64(w->hv, q->gradient);
        return status;
    }
    for (size_t i = 0, n = us_vec_size(w->theta); status == US_OK && i < q->count; i++) {
        us_vec_write_f64(w->v, q->v + i * n);
        status = us_problem_hvp(problem, w->theta, US_BATCH_ALL, (const us_vec *const *)&w->v, &w->hv, 1);
        us_vec_read_f64(w->hv, q->hv + i * n);
    }
    return status;
}

static void paths_iteration(void *user, size_t iteration, double value, double gradient_norm) {
    paths_way *w = user;
    (void)value, (void)gradient_norm;
    if (iteration == 0 || iteration % w->every != 0 || w->status != US_OK) return;
    us_vec_write_f64(w->v, us_solver_theta(w->solver));
    w->status = paths_note(w, iteration, w->v);
}

static us_status paths_solve(paths_way *w, const char *name) {
    double start[2];
    const us_request *request;
    size_t n = us_vec_size(w->theta);
    us_minimize_options o = US_MINIMIZE_OPTIONS_INIT;
    o.iterations = w->last, o.progress = paths_iteration, o.progress_user = w;
    us_vec_read_f64(w->theta, start);
    us_status status = us_vec_create(&w->v, w->s->context, US_F64, n);
    if (status == US_OK) status = us_vec_create(&w->hv, w->s->context, US_F64, n);
    if (status == US_OK) status = us_solver_create(&w->solver, w->s->context, name, (us_solver_sizes){n, 0, 1}, start, &o);
    while (status == US_OK) {
        status = us_solver_next(w->solver, &request);
        if (status != US_OK || request->ask == US_ASK_NOTHING) break;
        status = paths_answer(w, request);
    }
    if (status == US_NOT_CONVERGED) status = US_OK; /* what the place is says more */
    if (status == US_OK) status = w->status;
    if (status == US_OK) {
        uint64_t iterations = us_solver_result(w->solver)->iterations;
        us_vec_write_f64(w->theta, us_solver_theta(w->solver));
        if (w->path->steps[w->path->count - 1] != iterations) status = paths_note(w, iterations, w->theta);
    }
    us_solver_destroy(w->solver);
    us_vec_destroy(w->v);
    us_vec_destroy(w->hv);
    return status;
}

/* ------------------------------------------------------------------ one of either */

/* From the start to its end, and what kind of point that is. `rule` is NULL for a solver. */
static us_status paths_walk(scape_view *v, const char *name, const us_rule *rule, const double *hyper, double rate,
                            const us_vec *start, uint64_t steps, scape_path *path) {
    scape *s = v->s;
    us_point *point = NULL;
    us_point_options naming = US_POINT_OPTIONS_INIT;
    paths_way w = {.s = s, .path = path, .every = (steps - 1) / SCAPE_PLACES + 1, .last = steps};
    us_status status = us_vec_create(&w.theta, s->context, US_F64, us_vec_size(start));
    if (status == US_OK) us_vec_copy(w.theta, start);
    if (status == US_OK) status = paths_note(&w, 0, start);
    if (status == US_OK) status = rule ? paths_train(&w, rule, hyper, rate) : paths_solve(&w, name);
    if (status == US_OK) status = us_point_classify(&point, s->problem, w.theta, &naming);
    if (point) path->state = us_kind_name(point->kind);
    if (status == US_ERR_NONFINITE) {
        us_context_error_clear(s->context);
        path->state = "diverged";
        status = US_OK;
    }
    if (status == US_OK) {
        double theta[2];
        us_vec_read_f64(w.theta, theta);
        path->end = scape_view_at(v, theta);
    }
    us_point_destroy(point);
    us_vec_destroy(w.theta);
    return status;
}

static scape_path *paths_add(scape_view *v, const char *shown, double rate, int *code) {
    char name[96];
    if (rate > 0)
        snprintf(name, sizeof name, "%s lr=%g", shown, rate);
    else
        snprintf(name, sizeof name, "%s", shown);
    for (char *c = name; *c; c++) *c = *c == ':' ? ' ' : *c;
    scape_path *path = scape_path_add(v->s, name);
    if (!path) *code = cli_usage(v->command, "there are more than %d optimizers and rates", SCAPE_PATHS);
    return path;
}

/* "momentum:lr=0.01:momentum=0.95": the hyperparameters of its rule, and its rate (0 where it names none). */
static int paths_settings(const scape_view *v, const us_rule *rule, char *part, double *hyper, double *rate) {
    char set[256] = "";
    *rate = 0;
    for (char *next; part; part = next) {
        next = strchr(part, ':');
        if (next) *next++ = '\0';
        if (strncmp(part, "lr=", 3) == 0) {
            char *end;
            *rate = strtod(part + 3, &end);
            if (*end || end == part + 3 || !(*rate > 0) || !isfinite(*rate))
                return cli_usage(v->command, "--optimizer: lr of %s is '%s'; it must be a number above 0", rule->name,
                                 part + 3);
        } else if (strlen(set) + strlen(part) + 2 < sizeof set) {
            if (*set) strcat(set, ",");
            strcat(set, part);
        }
    }
    us_status status = us_rule_parse_hyper(v->s->context, rule, set, hyper);
    return status == US_OK ? CLI_GO_ON : cli_error(v->command, v->s->context, status);
}

/* A rule at its own rate, or at each of --lr. */
static int paths_rule(scape_view *v, const scape_formula *ask, const us_rule *rule, const char *shown, char *settings,
                      const us_vec *start) {
    double hyper[US_RULE_HYPERPARAMETERS_MAX], own;
    int code = paths_settings(v, rule, settings, hyper, &own);
    if (code != CLI_GO_ON) return code;
    const char *rates = ask->rates && own == 0 ? ask->rates : "";
    do {
        char *end = NULL;
        double rate = *rates ? strtod(rates, &end) : own;
        if (*rates && (end == rates || (*end && *end != ',') || !(rate > 0) || !isfinite(rate)))
            return cli_usage(v->command, "--lr is '%s'; it must be numbers above 0, such as 0.1,0.01", rates);
        scape_path *path = paths_add(v, shown, own > 0 ? 0 : rate > 0 ? rate : rule->learning_rate, &code);
        if (!path) return code;
        us_status status = paths_walk(v, rule->name, rule, hyper, rate, start, ask->steps, path);
        if (status != US_OK) return cli_error(v->command, v->s->context, status);
        rates = end && *end == ',' ? end + 1 : NULL;
    } while (rates);
    return CLI_GO_ON;
}

static int paths_solver(scape_view *v, const scape_formula *ask, const us_solver_about *about, const char *settings,
                        const us_vec *start) {
    int code = CLI_GO_ON;
    if (about->squares)
        return cli_usage(v->command, "--optimizer: %s is for sums of squares over data, and a formula is none", about->name);
    if (settings)
        return cli_usage(v->command, "--optimizer: %s is a solver, which has no rate and nothing to set", about->name);
    scape_path *path = paths_add(v, about->name, 0, &code);
    if (!path) return code;
    us_status status = paths_walk(v, about->name, NULL, NULL, 0, start, ask->steps, path);
    return status == US_OK ? CLI_GO_ON : cli_error(v->command, v->s->context, status);
}

static int paths_one(scape_view *v, const scape_formula *ask, char *text, const us_vec *start) {
    char shown[64], *settings = strchr(text, ':');
    snprintf(shown, sizeof shown, "%s", text);
    if (settings) *settings++ = '\0';
    const us_rule *rule = us_rule_find(text);
    const us_solver_about *about = us_solver_find(text);
    if (rule) return paths_rule(v, ask, rule, shown, settings, start);
    if (about) return paths_solver(v, ask, about, settings, start);
    const char *nearest = us_rule_nearest(text) ? us_rule_nearest(text) : us_solver_nearest(text);
    return cli_usage(v->command, "--optimizer: there is no update rule or solver '%s'%s%s%s `unstuck optimizers` lists them",
                     text, nearest ? "; did you mean '" : ";", nearest ? nearest : "", nearest ? "'?" : "");
}

int scape_view_paths(scape_view *v, const scape_formula *ask) {
    char *storage = NULL, *texts = NULL, *names[2];
    cli_assignment *list = NULL;
    size_t count = 0, dimension = v->s->plane->count;
    double values[2] = {0, 0};
    us_vec *start = NULL;
    if (!ask->start)
        return cli_usage(v->command, "--optimizer needs a place to begin, such as --start %s=1%s%s%s", v->s->label[0],
                         dimension == 2 ? "," : "", dimension == 2 ? v->s->label[1] : "", dimension == 2 ? "=1" : "");
    for (size_t i = 0; i < dimension; i++) names[v->free_of[i]] = v->s->label[i];
    int code = cli_assignments(v->command, "--start", ask->start, false, &storage, &list, &count);
    if (code == CLI_GO_ON) code = cli_assignments_order(v->command, "--start", list, count, names, dimension, values, NULL);
    if (code == CLI_GO_ON && us_vec_create(&start, v->s->context, US_F64, dimension) != US_OK)
        code = cli_error(v->command, v->s->context, US_ERR_NOMEM);
    if (code == CLI_GO_ON) us_vec_write_f64(start, values);
    if (code == CLI_GO_ON && !(texts = strdup(ask->optimizers))) code = cli_no_memory(v->command);
    for (char *text = texts, *next; code == CLI_GO_ON && text; text = next) {
        next = strchr(text, ',');
        if (next) *next++ = '\0';
        code = paths_one(v, ask, text, start);
    }
    us_vec_destroy(start);
    free(texts);
    free(storage);
    free(list);
    return code;
}
