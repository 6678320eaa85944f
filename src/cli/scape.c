#include "scape.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double SCAPE_SAVE = 5; /* seconds between two times that a run keeps what is done */

void scape_release(scape *s) {
    for (size_t i = 0; i < s->path_count; i++) {
        free(s->paths[i].steps);
        free(s->paths[i].at);
        free(s->paths[i].off);
        free(s->paths[i].losses);
        json_decref(s->paths[i].end);
    }
    json_decref(s->about);
    json_decref(s->critical);
    free(s->loss);
    us_plane_destroy(s->plane);
    us_problem_destroy(s->problem);
    s->path_count = 0;
}

us_status scape_reserve(scape *s) {
    s->total = s->grid.points[0] * (s->plane->count == 2 ? s->grid.points[1] : 1);
    s->done = 0;
    if (!(s->loss = malloc(s->total * sizeof *s->loss))) return US_ERR_NOMEM;
    for (size_t i = 0; i < s->total; i++) s->loss[i] = (double)NAN;
    return US_OK;
}

/* ------------------------------------------------------------------ paths */

scape_path *scape_path_add(scape *s, const char *name) {
    if (s->path_count == SCAPE_PATHS) return NULL;
    scape_path *path = &s->paths[s->path_count++];
    *path = (scape_path){0};
    snprintf(path->name, sizeof path->name, "%s", name);
    return path;
}

us_status scape_path_place(scape *s, scape_path *path, uint64_t step, const us_vec *theta, double loss) {
    if (path->count == path->room) {
        size_t room = path->room ? 2 * path->room : 64;
        void *steps = realloc(path->steps, room * sizeof *path->steps);
        if (steps) path->steps = steps;
        void *at = realloc(path->at, 2 * room * sizeof *path->at);
        if (at) path->at = at;
        void *off = realloc(path->off, room * sizeof *path->off);
        if (off) path->off = off;
        void *losses = realloc(path->losses, room * sizeof *path->losses);
        if (losses) path->losses = losses;
        if (!steps || !at || !off || !losses) return US_ERR_NOMEM;
        path->room = room;
    }
    double at[2] = {0, 0};
    us_plane_project(s->plane, theta, at, &path->off[path->count]);
    path->at[2 * path->count] = at[0];
    path->at[2 * path->count + 1] = at[1];
    path->steps[path->count] = step;
    path->losses[path->count++] = loss;
    return US_OK;
}

/* ------------------------------------------------------------------ the losses */

typedef struct scape_saving {
    scape *s;
    us_status (*save)(void *user, const scape *s);
    void *user;
    double saved, began;
    size_t before;
    us_status status;
} scape_saving;

static bool scape_progress(void *user, size_t done, size_t total) {
    scape_saving *w = user;
    char text[96], left[32];
    double now = us_clock_now(), passed = now - w->began;
    w->s->done = done;
    cli_duration(left, sizeof left, passed * (double)(total - done) / (double)(done - w->before));
    snprintf(text, sizeof text, "%zu of %zu points, %s left", done, total, left);
    cli_progress_show(&w->s->progress, (double)done / (double)total, text, false);
    if (w->save && now - w->saved > SCAPE_SAVE && done < total) {
        w->status = w->save(w->user, w->s);
        w->saved = us_clock_now();
    }
    return w->status == US_OK;
}

us_status scape_compute(scape *s, us_status (*save)(void *user, const scape *s), void *user) {
    double now = us_clock_now();
    scape_saving w = {.s = s, .save = save, .user = user, .saved = now, .began = now, .before = s->done};
    size_t done = s->done;
    s->grid.progress = scape_progress, s->grid.progress_user = &w;
    us_status status = done == s->total ? US_OK : us_landscape_compute(s->problem, s->plane, &s->grid, s->loss, &done);
    s->grid.progress = NULL;
    s->done = done;
    cli_progress_end(&s->progress);
    return w.status != US_OK ? w.status : status;
}

/* ------------------------------------------------------------------ JSON */

static json_t *scape_numbers(const double *values, size_t count, size_t stride) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(array, cli_real(values[i * stride]));
    return array;
}

static json_t *scape_axis(const scape *s, size_t k) {
    json_t *axis = json_object();
    json_object_set_new(axis, "label", json_string(s->label[k]));
    json_object_set_new(axis, "low", cli_real(s->grid.low[k]));
    json_object_set_new(axis, "high", cli_real(s->grid.high[k]));
    json_object_set_new(axis, "points", json_integer((json_int_t)s->grid.points[k]));
    if (strcmp(s->kind, "eigen") == 0) {
        json_object_set_new(axis, "eigenvalue", cli_real(s->plane->value[k]));
        json_object_set_new(axis, "residual", cli_real(s->plane->error[k]));
    } else if (strcmp(s->kind, "path") == 0) {
        json_object_set_new(axis, "share", cli_real(s->plane->value[k]));
    }
    return axis;
}

static json_t *scape_path_json(const scape *s, const scape_path *p) {
    json_t *o = json_object(), *steps = json_array();
    for (size_t i = 0; i < p->count; i++) json_array_append_new(steps, json_integer((json_int_t)p->steps[i]));
    json_object_set_new(o, "name", json_string(p->name));
    json_object_set_new(o, "steps", steps);
    json_object_set_new(o, "x", scape_numbers(p->at, p->count, 2));
    if (s->plane->count == 2) json_object_set_new(o, "y", scape_numbers(p->at + 1, p->count, 2));
    json_object_set_new(o, "off", scape_numbers(p->off, p->count, 1));
    json_object_set_new(o, "loss", scape_numbers(p->losses, p->count, 1));
    json_object_set_new(o, "state", cli_text(p->state));
    json_object_set_new(o, "end", p->end ? json_incref(p->end) : json_null());
    return o;
}

json_t *scape_json(const scape *s) {
    json_t *o = json_object(), *axes = json_array(), *loss = json_array(), *paths = json_array();
    size_t nx = s->grid.points[0];
    json_object_set_new(o, "kind", json_string("landscape"));
    json_object_set_new(o, "of", s->about ? json_incref(s->about) : json_null());
    json_object_set_new(o, "directions", json_string(s->kind));
    for (size_t k = 0; k < s->plane->count; k++) json_array_append_new(axes, scape_axis(s, k));
    json_object_set_new(o, "axes", axes);
    for (size_t i = 0; i < s->total; i += nx) json_array_append_new(loss, scape_numbers(s->loss + i, nx, 1));
    json_object_set_new(o, "loss", loss);
    json_object_set_new(o, "done", json_integer((json_int_t)s->done));
    json_object_set_new(o, "complete", json_boolean(s->done == s->total));
    json_object_set_new(o, "critical", s->critical ? json_incref(s->critical) : json_array());
    for (size_t i = 0; i < s->path_count; i++) json_array_append_new(paths, scape_path_json(s, &s->paths[i]));
    json_object_set_new(o, "paths", paths);
    return o;
}

bool scape_take(scape *s, const json_t *earlier) {
    const json_t *rows = json_object_get(earlier, "loss");
    size_t nx = s->grid.points[0];
    json_int_t done = json_integer_value(json_object_get(earlier, "done"));
    if (json_array_size(rows) * nx != s->total || done < 0 || (size_t)done > s->total) return false;
    for (size_t j = 0; j < s->total / nx; j++)
        if (json_array_size(json_array_get(rows, j)) != nx) return false;
    for (size_t i = 0; i < s->total; i++) {
        const json_t *value = json_array_get(json_array_get(rows, i / nx), i % nx);
        s->loss[i] = json_is_number(value) ? json_number_value(value) : (double)NAN;
    }
    s->done = (size_t)done;
    return true;
}

/* ------------------------------------------------------------------ the page */

int scape_page(const cli_command *command, us_context *context, const char *path, json_t *data) {
    char *json = data ? json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
    json_decref(data);
    if (!json) return cli_error(command, context, US_ERR_NOMEM);
    int code = cli_page_save(command, context, path, json, true);
    free(json);
    return code;
}
