/* The landscape of a formula: one or two of its variables over a box, its critical points, and optimizers on their way. */
#include "scape.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMULA_VARIABLES = 64, FORMULA_POINTS = 101, FORMULA_POINTS_LINE = 401 };

/* What is read of the options. */
typedef struct formula_view {
    const cli_command *command;
    scape *s;
    char **names;
    size_t n;
    size_t place[2];   /* of the box's variables, among all */
    size_t free_of[2]; /* and among those that are free */
    double whole[FORMULA_VARIABLES];
    double low[2], high[2]; /* in the order of the free variables */
} formula_view;

static size_t formula_find(const formula_view *v, const char *name) {
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->names[i], name) == 0) return i;
    return SIZE_MAX;
}

/* --at of the variables that the box does not name. */
static int formula_held(formula_view *v, const char *at, bool *held) {
    char *storage = NULL;
    cli_assignment *list = NULL;
    size_t count = 0;
    int code = at ? cli_assignments(v->command, "--at", at, false, &storage, &list, &count) : CLI_GO_ON;
    bool given[FORMULA_VARIABLES] = {false};
    for (size_t i = 0; code == CLI_GO_ON && i < count; i++) {
        size_t k = formula_find(v, list[i].name);
        if (k == SIZE_MAX)
            code = cli_usage(v->command, "--at: the formula has no variable '%s'", list[i].name);
        else if (!held[k])
            code = cli_usage(v->command, "--at: %s is in the box; it can't be held as well", list[i].name);
        else
            given[k] = true, v->whole[k] = list[i].value;
    }
    for (size_t k = 0; code == CLI_GO_ON && k < v->n; k++)
        if (held[k] && !given[k])
            code = cli_usage(v->command, "the box does not name %s, which must be held then: --at %s=0", v->names[k],
                             v->names[k]);
    free(storage);
    free(list);
    return code;
}

/* --box: one or two variables. */
static int formula_box(formula_view *v, const char *box, const char *at) {
    char *storage = NULL;
    cli_assignment *list = NULL;
    size_t count = 0;
    scape *s = v->s;
    bool held[FORMULA_VARIABLES];
    us_vec *whole = NULL;
    us_problem *problem = NULL;
    int code = cli_assignments(v->command, "--box", box, true, &storage, &list, &count);
    if (code == CLI_GO_ON && count > 2)
        code = cli_usage(v->command, "--box names %zu variables; a picture has one or two: hold the others by --at %s=0",
                         count, list[2].name);
    for (size_t k = 0; k < v->n; k++) held[k] = true;
    for (size_t i = 0; code == CLI_GO_ON && i < count; i++) {
        v->place[i] = formula_find(v, list[i].name);
        if (v->place[i] == SIZE_MAX)
            code = cli_usage(v->command, "--box: the formula has no variable '%s'", list[i].name);
        else if (!held[v->place[i]])
            code = cli_usage(v->command, "--box: %s is given twice", list[i].name);
        else
            held[v->place[i]] = false;
    }
    if (code == CLI_GO_ON) code = formula_held(v, at, held);
    if (code != CLI_GO_ON) goto done;

    us_status status = us_problem_create_formula(
        &problem, s->context, json_string_value(json_object_get(s->about, "formula")), (const char *const *)v->names, v->n);
    if (status == US_OK) status = us_vec_create(&whole, s->context, US_F64, v->n);
    if (status == US_OK) us_vec_write_f64(whole, v->whole);
    if (status == US_OK && count < v->n) {
        status = us_problem_create_restricted(&s->problem, problem, whole, held, true);
        problem = NULL;
    } else
        s->problem = problem, problem = NULL;
    if (status == US_OK) status = us_plane_create(&s->plane, s->context, count, count);
    if (status != US_OK) {
        code = cli_error(v->command, s->context, status);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        size_t free_of = count == 2 && v->place[i] > v->place[!i];
        v->free_of[i] = free_of;
        s->plane->direction[i][free_of] = 1;
        s->grid.low[i] = v->low[free_of] = list[i].value;
        s->grid.high[i] = v->high[free_of] = list[i].high;
        snprintf(s->label[i], sizeof s->label[i], "%s", list[i].name);
    }
done:
    us_problem_destroy(problem);
    us_vec_destroy(whole);
    free(storage);
    free(list);
    return code;
}

/* {"x":1,"y":2} of the free variables. */
static json_t *formula_at(const formula_view *v, const double *theta) {
    json_t *at = json_object();
    for (size_t i = 0; i < v->s->plane->count; i++)
        json_object_set_new(at, v->names[v->place[i]], cli_real(theta[v->free_of[i]]));
    return at;
}

/* ------------------------------------------------------------------ critical points */

static void formula_search_progress(void *user, size_t done, size_t starts, size_t found) {
    char text[96];
    snprintf(text, sizeof text, "%zu of %zu starts, %zu critical points", done, starts, found);
    cli_progress_show(user, (double)done / (double)(starts ? starts : 1), text, false);
}

static us_status formula_critical(formula_view *v, double seconds, uint64_t seed) {
    scape *s = v->s;
    us_critical_points *points = NULL;
    us_critical_options o = US_CRITICAL_OPTIONS_INIT;
    o.seconds = seconds, o.seed = o.point.seed = seed;
    o.progress = formula_search_progress, o.progress_user = &s->progress;
    us_status status = us_critical_search(&points, s->problem, v->low, v->high, &o);
    cli_progress_end(&s->progress);
    if (!points) return status;
    s->critical = json_array();
    for (size_t i = 0; i < points->count; i++) {
        const us_point *p = points->points[i];
        json_t *o_ = json_object(), *values = json_array();
        json_object_set_new(o_, "at", formula_at(v, p->theta));
        json_object_set_new(o_, "x", cli_real(p->theta[v->free_of[0]]));
        if (s->plane->count == 2) json_object_set_new(o_, "y", cli_real(p->theta[v->free_of[1]]));
        json_object_set_new(o_, "value", cli_real(p->value));
        json_object_set_new(o_, "kind", json_string(us_kind_name(p->kind)));
        for (size_t k = 0; p->spectrum && k < s->plane->count; k++)
            json_array_append_new(values, cli_real(p->spectrum->values[k]));
        json_object_set_new(o_, "eigenvalues", values);
        json_array_append_new(s->critical, o_);
    }
    us_critical_points_destroy(points);
    return status;
}

/* ------------------------------------------------------------------ optimizers on their way */

typedef struct formula_watch {
    scape *s;
    scape_path *path;
    uint64_t every, last;
    us_status status;
} formula_watch;

static us_status formula_note(formula_watch *w, uint64_t step, const us_vec *theta) {
    double loss;
    us_status status = us_problem_value(w->s->problem, theta, US_BATCH_ALL, &loss);
    return status == US_OK ? scape_path_place(w->s, w->path, step, theta, loss) : status;
}

static bool formula_see(void *user, const us_training *training, const us_step_info *info) {
    formula_watch *w = user;
    (void)training;
    if (info->step % w->every == 0 || info->step == w->last) w->status = formula_note(w, info->step, info->theta);
    return w->status == US_OK;
}

/* One optimizer from the start: its places, and what kind of point it ended on. */
static us_status formula_walk(formula_view *v, const us_rule *rule, const double *hyper, double rate, const us_vec *start,
                              uint64_t steps, scape_path *path) {
    scape *s = v->s;
    us_training *training = NULL;
    us_point *point = NULL;
    formula_watch w = {.s = s, .path = path, .every = (steps - 1) / SCAPE_PLACES + 1, .last = steps};
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    o.rule = rule, o.hyper = hyper, o.learning_rate = rate;
    us_status status = us_training_create(&training, s->problem, start, &o);
    if (status == US_OK) status = us_training_observe(training, formula_see, &w);
    if (status == US_OK) status = formula_note(&w, 0, start);
    if (status == US_OK) status = us_training_advance(training, steps);
    if (w.status != US_OK) status = w.status;
    if (status == US_ERR_NONFINITE) {
        us_context_error_clear(s->context);
        path->state = "diverged";
        status = US_OK;
    } else if (status == US_OK) {
        us_point_options naming = US_POINT_OPTIONS_INIT;
        status = us_point_classify(&point, s->problem, us_training_theta(training), &naming);
        if (point) path->state = us_kind_name(point->kind);
        if (status == US_ERR_NONFINITE) {
            us_context_error_clear(s->context);
            path->state = "diverged";
            status = US_OK;
        }
    }
    if (status == US_OK) {
        double theta[2];
        us_vec_read_f64(us_training_theta(training), theta);
        path->end = formula_at(v, theta);
    }
    us_point_destroy(point);
    us_training_destroy(training);
    return status;
}

/* "momentum:lr=0.01:momentum=0.95": its rule, hyperparameters, and rate (0 where it names none). */
static int formula_rule(const formula_view *v, char *text, const us_rule **rule, double *hyper, double *rate) {
    char set[256] = "", *part = strchr(text, ':');
    if (part) *part++ = '\0';
    *rate = 0;
    if (!(*rule = us_rule_find(text))) {
        const char *nearest = us_rule_nearest(text);
        return cli_usage(v->command, "--optimizer: there is no update rule '%s'%s%s%s; `unstuck optimizers` lists them",
                         text, nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'" : "");
    }
    for (char *next; part; part = next) {
        next = strchr(part, ':');
        if (next) *next++ = '\0';
        if (strncmp(part, "lr=", 3) == 0) {
            char *end;
            *rate = strtod(part + 3, &end);
            if (*end || end == part + 3 || !(*rate > 0) || !isfinite(*rate))
                return cli_usage(v->command, "--optimizer: lr of %s is '%s'; it must be a number above 0", text, part + 3);
        } else if (strlen(set) + strlen(part) + 2 < sizeof set) {
            if (*set) strcat(set, ",");
            strcat(set, part);
        }
    }
    us_status status = us_rule_parse_hyper(v->s->context, *rule, set, hyper);
    return status == US_OK ? CLI_GO_ON : cli_error(v->command, v->s->context, status);
}

/* One optimizer, at its own rate or at each of --lr. */
static int formula_arm(formula_view *v, const scape_formula *ask, char *text, const us_vec *start) {
    const us_rule *rule;
    double hyper[US_RULE_HYPERPARAMETERS_MAX], own;
    char name[96], shown[64], *storage = NULL;
    snprintf(shown, sizeof shown, "%s", text);
    int code = formula_rule(v, text, &rule, hyper, &own);
    if (code != CLI_GO_ON) return code;
    if (!(storage = strdup(ask->rates && own == 0 ? ask->rates : ""))) return CLI_FAILED;
    char *rates = storage;
    do {
        char *next = strchr(rates, ','), *end;
        if (next) *next++ = '\0';
        double rate = *rates ? strtod(rates, &end) : own;
        if (*rates && (*end || !(rate > 0) || !isfinite(rate))) {
            code = cli_usage(v->command, "--lr is '%s'; it must be numbers above 0, such as 0.1,0.01", rates);
            break;
        }
        if (*rates || own == 0)
            snprintf(name, sizeof name, "%s lr=%g", shown, rate > 0 ? rate : rule->learning_rate);
        else
            snprintf(name, sizeof name, "%s", shown);
        for (char *c = name; *c; c++) *c = *c == ':' ? ' ' : *c;
        scape_path *path = scape_path_add(v->s, name);
        if (!path) {
            code = cli_usage(v->command, "there are more than %d optimizers and rates", SCAPE_PATHS);
            break;
        }
        us_status status = formula_walk(v, rule, hyper, rate, start, ask->steps, path);
        if (status != US_OK) code = cli_error(v->command, v->s->context, status);
        rates = next;
    } while (rates && code == CLI_GO_ON);
    free(storage);
    return code;
}

static int formula_paths(formula_view *v, const scape_formula *ask) {
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
    if (code == CLI_GO_ON && !(texts = strdup(ask->optimizers))) code = CLI_FAILED;
    for (char *text = texts, *next; code == CLI_GO_ON && text; text = next) {
        next = strchr(text, ',');
        if (next) *next++ = '\0';
        code = formula_arm(v, ask, text, start);
    }
    us_vec_destroy(start);
    free(texts);
    free(storage);
    free(list);
    return code;
}

int scape_of_formula(scape *s, const cli_command *command, const scape_formula *ask) {
    formula_view v = {.command = command, .s = s};
    us_status status = us_formula_variables(s->context, ask->formula, &v.names, &v.n);
    if (status != US_OK) return cli_error(command, s->context, status);
    int code = CLI_GO_ON;
    s->kind = "parameter";
    s->start = (double)NAN;
    s->about = json_pack("{s:s}", "formula", ask->formula);
    s->grid = (us_landscape_options)US_LANDSCAPE_OPTIONS_INIT;
    if (v.n == 0)
        code = cli_usage(command, "the formula has no variable");
    else if (v.n > FORMULA_VARIABLES)
        code = cli_usage(command, "the formula has %zu variables; at most %d", v.n, FORMULA_VARIABLES);
    else
        code = formula_box(&v, ask->box, ask->at);
    if (code == CLI_GO_ON) {
        size_t points = ask->points ? ask->points : s->plane->count == 2 ? FORMULA_POINTS : FORMULA_POINTS_LINE;
        s->grid.points[0] = s->grid.points[1] = points;
        json_t *held = json_object();
        for (size_t i = 0; i < v.n; i++)
            if (i != v.place[0] && (s->plane->count == 1 || i != v.place[1]))
                json_object_set_new(held, v.names[i], cli_real(v.whole[i]));
        json_object_set_new(s->about, "held", held);
        if (ask->seconds > 0) status = formula_critical(&v, ask->seconds, ask->seed);
        if (status == US_OK) status = scape_reserve(s);
        if (status != US_OK) code = cli_error(command, s->context, status);
    }
    if (code == CLI_GO_ON && ask->optimizers) code = formula_paths(&v, ask);
    us_names_release(s->context, v.names, v.n);
    return code;
}
