/* The landscape of a formula: one or two of its variables over a box, and its critical points. */
#include "scape_formula.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMULA_POINTS = 101, FORMULA_POINTS_LINE = 401 };

static size_t formula_find(const scape_view *v, const char *name) {
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->names[i], name) == 0) return i;
    return SIZE_MAX;
}

/* --at of the variables that the box does not name. */
static int formula_held(scape_view *v, const char *at, bool *held) {
    char *storage = NULL;
    cli_assignment *list = NULL;
    size_t count = 0;
    int code = at ? cli_assignments(v->command, "--at", at, false, &storage, &list, &count) : CLI_GO_ON;
    bool given[SCAPE_VARIABLES] = {false};
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
static int formula_box(scape_view *v, const char *box, const char *at) {
    char *storage = NULL;
    cli_assignment *list = NULL;
    size_t count = 0;
    scape *s = v->s;
    bool held[SCAPE_VARIABLES];
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

json_t *scape_view_at(const scape_view *v, const double *theta) {
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

static us_status formula_critical(scape_view *v, double seconds, uint64_t seed) {
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
        json_object_set_new(o_, "at", scape_view_at(v, p->theta));
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

int scape_of_formula(scape *s, const cli_command *command, const scape_formula *ask) {
    scape_view v = {.command = command, .s = s};
    us_status status = us_formula_variables(s->context, ask->formula, &v.names, &v.n);
    if (status != US_OK) return cli_error(command, s->context, status);
    int code = CLI_GO_ON;
    s->kind = "parameter";
    s->start = (double)NAN;
    s->about = json_pack("{s:s}", "formula", ask->formula);
    s->grid = (us_landscape_options)US_LANDSCAPE_OPTIONS_INIT;
    if (v.n == 0)
        code = cli_usage(command, "the formula has no variable");
    else if (v.n > SCAPE_VARIABLES)
        code = cli_usage(command, "the formula has %zu variables; at most %d", v.n, SCAPE_VARIABLES);
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
        if (ask->optimizers) code = scape_view_paths(&v, ask);
    }
    if (code == CLI_GO_ON) {
        if (ask->seconds > 0) status = formula_critical(&v, ask->seconds, ask->seed);
        if (status == US_OK) status = scape_reserve(s);
        if (status != US_OK) code = cli_error(command, s->context, status);
    }
    us_names_release(s->context, v.names, v.n);
    return code;
}
