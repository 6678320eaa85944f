/* The landscape around where a run stands, with its path and those of others of the same model. */
#include "scape.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_AUTO, RUN_EIGEN, RUN_PATH, RUN_RANDOM, RUN_PARAMETERS };
enum { RUN_POINTS = 51, RUN_POINTS_LINE = 201, RUN_ROWS_LEAST = 64, RUN_ROWS_TIMED = 256 };
static const double RUN_SECONDS = 30; /* about so long, where --rows does not say */
static const double RUN_MARGIN = 0.25;
static const char *const RUN_KINDS[] = {"auto", "eigen", "path", "random", "parameter"};

/* The places of a run's path, as s->problem's θ, the last being where the run stands. */
typedef struct run_path {
    char name[96];
    bool diverged;
    us_vec **theta;
    uint64_t *steps;
    size_t count;
} run_path;

static void run_path_release(run_path *p) {
    for (size_t i = 0; p->theta && i < p->count; i++) us_vec_destroy(p->theta[i]);
    free(p->theta);
    free(p->steps);
}

static const char *run_name(const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    while (length > 0 && folder[length - 1] != '/') length--;
    return folder + length;
}

static us_status run_path_read(run_path *p, scape *s, const us_run *run) {
    us_problem *whole = us_training_problem(us_run_training(run));
    size_t kept = us_run_path_count(run);
    uint64_t now = us_training_steps(us_run_training(run));
    us_vec *all = NULL;
    us_precision precision = us_problem_precision(s->problem);
    *p = (run_path){.theta = calloc(kept + 1, sizeof *p->theta),
                    .steps = calloc(kept + 1, sizeof *p->steps),
                    .diverged = strcmp(us_run_status(run), "diverged") == 0};
    snprintf(p->name, sizeof p->name, "%s", run_name(us_run_folder(run)));
    if (!p->theta || !p->steps) return US_ERR_NOMEM;
    us_status status = us_vec_create(&all, s->context, precision, us_problem_dimension(whole));
    for (size_t i = 0; status == US_OK && i <= kept; i++) {
        uint64_t step = now;
        if (i < kept)
            status = us_run_path_at(run, i, &step, all);
        else
            us_vec_copy(all, us_training_theta(us_run_training(run)));
        if (i == kept && kept && p->steps[kept - 1] == now) break;
        if (status == US_OK)
            status = us_vec_create(&p->theta[p->count], s->context, precision, us_problem_dimension(s->problem));
        if (status != US_OK) break;
        p->steps[p->count] = step;
        status = us_restricted_take(s->problem, all, p->theta[p->count++]);
    }
    us_vec_destroy(all);
    return status;
}

/* ------------------------------------------------------------------ rows */

/* Seconds of a value over all rows of the problem: the least of three, after one to warm up. */
static us_status run_time(us_problem *problem, const us_vec *theta, double *seconds) {
    double loss;
    us_status status = us_problem_value(problem, theta, US_BATCH_ALL, &loss);
    *seconds = HUGE_VAL;
    for (int i = 0; i < 3 && status == US_OK; i++) {
        double began = us_clock_now();
        status = us_problem_value(problem, theta, US_BATCH_ALL, &loss);
        *seconds = fmin(*seconds, us_clock_now() - began);
    }
    return status;
}

/* As many rows as --rows says; else as many (a power of two of them) as the grid bears in about half a minute. */
static int run_rows(scape *s, const cli_command *command, const scape_run *ask, const us_vec *theta, size_t values,
                    size_t *rows) {
    int code = cli_rows(command, ask->rows, ask->run, rows);
    if (code != CLI_GO_ON || ask->rows || *rows <= RUN_ROWS_TIMED) return code;
    us_problem *sample = NULL;
    double seconds = 0;
    us_status status = us_problem_create_sample(&sample, s->problem, RUN_ROWS_TIMED, false);
    if (status == US_OK) status = run_time(sample, theta, &seconds);
    us_problem_destroy(sample);
    if (status != US_OK) return cli_error(command, s->context, status);
    double each = seconds / RUN_ROWS_TIMED / us_context_threads(s->context), most = RUN_SECONDS / (each * (double)values);
    size_t fit = RUN_ROWS_LEAST;
    while ((double)(2 * fit) <= most && fit < *rows) fit *= 2;
    if (fit < *rows) *rows = fit;
    return CLI_GO_ON;
}

/* ------------------------------------------------------------------ directions */

static void run_eigen_progress(void *user, size_t done, size_t at_most, double lowest, double highest) {
    char text[96];
    snprintf(text, sizeof text, "directions: %zu products, eigenvalues %.4g to %.4g", done, lowest, highest);
    cli_progress_show(user, (double)done / (double)at_most, text, false);
}

/* The principal directions of all the paths together. */
static us_status run_plane_path(scape *s, const us_vec *theta, const run_path *paths, size_t count, size_t directions) {
    size_t places = 0, at = 0;
    for (size_t i = 0; i < count; i++) places += paths[i].count;
    const us_vec **all = malloc(places * sizeof *all);
    if (!all) return US_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < paths[i].count; p++) all[at++] = paths[i].theta[p];
    us_status status = us_plane_path(&s->plane, s->context, theta, all, places, directions);
    free(all);
    return status;
}

static us_status run_plane(scape *s, const scape_run *ask, int kind, const us_vec *theta, const run_path *paths) {
    size_t n = us_vec_size(theta), count = ask->one || n == 1 ? 1 : 2;
    us_status status;
    if (kind == RUN_RANDOM) {
        status = us_plane_random(&s->plane, s->problem, theta, count, ask->seed);
    } else if (kind == RUN_PATH) {
        status = run_plane_path(s, theta, paths, ask->count, count);
    } else if (kind == RUN_PARAMETERS) {
        status = us_plane_axes(&s->plane, s->context, theta, 0, count);
    } else {
        us_plane_eigen_options o = US_PLANE_EIGEN_OPTIONS_INIT;
        o.products = ask->products, o.seed = ask->seed;
        o.progress = run_eigen_progress, o.progress_user = &s->progress;
        status = us_plane_eigen(&s->plane, s->problem, theta, count, &o);
        cli_progress_end(&s->progress);
        if (status == US_NOT_CONVERGED) status = US_OK; /* the residuals tell */
    }
    return status;
}

static void run_label(scape *s, int kind, size_t k) {
    static const char *const NAMES[][2] = {{"lowest", "highest"}, {"principal 1", "principal 2"}, {"random 1", "random 2"}};
    size_t groups;
    const us_group *group = us_problem_groups(s->problem, &groups);
    if (kind != RUN_PARAMETERS) {
        snprintf(s->label[k], sizeof s->label[k], "%s", NAMES[kind - RUN_EIGEN][k]);
        return;
    }
    for (size_t g = 0; g < groups; g++)
        if (k >= group[g].offset && k < group[g].offset + group[g].count) {
            snprintf(s->label[k], sizeof s->label[k], "%s", group[g].name);
            if (group[g].count > 1) snprintf(s->label[k], sizeof s->label[k], "%s[%zu]", group[g].name, k - group[g].offset);
        }
}

/* ------------------------------------------------------------------ how far */

/* From where the run stands to both sides, by the loss; or what holds the paths. */
static us_status run_range(scape *s, const scape_run *ask, int kind, const us_vec *theta, size_t k) {
    double here[2], off, low = HUGE_VAL, high = -HUGE_VAL, span;
    us_plane_project(s->plane, theta, here, &off);
    if (ask->span > 0 || kind == RUN_RANDOM) {
        span = ask->span > 0 ? ask->span : 1;
        s->grid.low[k] = here[k] - span, s->grid.high[k] = here[k] + span;
        return US_OK;
    }
    for (size_t i = 0; i < s->path_count; i++)
        for (size_t p = 0; p < s->paths[i].count; p++) {
            low = fmin(low, s->paths[i].at[2 * p + k]);
            high = fmax(high, s->paths[i].at[2 * p + k]);
        }
    if (kind != RUN_EIGEN && high > low) {
        s->grid.low[k] = low - RUN_MARGIN * (high - low), s->grid.high[k] = high + RUN_MARGIN * (high - low);
        return US_OK;
    }
    us_plane around = *s->plane; /* the same directions, from where the run stands */
    if (!(around.origin = malloc(around.n * sizeof(double)))) return US_ERR_NOMEM;
    us_vec_read_f64(theta, around.origin);
    us_status status = us_plane_span(&around, s->problem, k, &span);
    free(around.origin);
    s->grid.low[k] = here[k] - span, s->grid.high[k] = here[k] + span;
    return status;
}

/* ------------------------------------------------------------------ paths */

static us_status run_draw(scape *s, const run_path *path) {
    scape_path *drawn = scape_path_add(s, path->name);
    us_status status = US_OK;
    if (path->diverged) drawn->state = "diverged";
    for (size_t i = 0; status == US_OK && i < path->count; i++) {
        double loss;
        status = us_problem_value(s->problem, path->theta[i], US_BATCH_ALL, &loss);
        if (status == US_OK) status = scape_path_place(s, drawn, path->steps[i], path->theta[i], loss);
    }
    return status;
}

/* The paths of the other runs, opened one after the other. */
static int run_others(scape *s, const cli_command *command, const scape_run *ask, run_path *paths) {
    size_t n = us_problem_dimension(us_training_problem(us_run_training(ask->run)));
    for (size_t i = 1; i < ask->count; i++) {
        us_run *run = NULL;
        us_status status = cli_run_look(&run, s->context, ask->folders[i], NULL, true);
        if (status == US_OK && us_vec_size(us_training_theta(us_run_training(run))) != n) {
            us_run_destroy(run);
            return cli_usage(command, "%s has another model than %s: its path is in another space", ask->folders[i],
                             ask->folders[0]);
        }
        if (status == US_OK) status = run_path_read(&paths[i], s, run);
        us_run_destroy(run);
        if (status != US_OK) return cli_error(command, s->context, status);
    }
    return CLI_GO_ON;
}

/* ------------------------------------------------------------------ what the run keeps */

us_status scape_keep(void *user, const scape *s) {
    scape_run *ask = user;
    json_t *object = scape_json(s);
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    us_status status = text ? us_run_log_result(ask->run, "landscape", ask->name, text) : US_ERR_NOMEM;
    free(text);
    json_decref(object);
    return status;
}

/* The same that was asked for before at the same step: its JSON, a new reference, or NULL. */
static json_t *run_earlier(scape *s, const scape_run *ask) {
    char *text = NULL;
    json_t *found = NULL;
    if (us_run_results(s->context, ask->folders[0], "landscape", &text) != US_OK) {
        us_context_error_clear(s->context);
        return NULL;
    }
    json_t *list = json_loads(text, 0, NULL);
    json_int_t step = (json_int_t)us_training_steps(us_run_training(ask->run));
    for (size_t i = json_array_size(list); i-- > 0 && !found;) {
        const json_t *r = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(r, "name"));
        if (name && strcmp(name, ask->name) == 0 && json_integer_value(json_object_get(r, "step")) == step)
            found = json_incref(json_object_get(r, "result"));
    }
    json_decref(list);
    us_text_release(s->context, text);
    return found;
}

/* Everything that the picture hangs on. */
static char *run_result_name(const scape_run *ask, int kind, size_t nx, size_t ny, us_precision precision) {
    char text[256];
    snprintf(text, sizeof text, "%s %zux%zu span=%g rows=%s seed=%llu products=%llu f%d", RUN_KINDS[kind], nx, ny, ask->span,
             ask->rows ? ask->rows : "auto", (unsigned long long)ask->seed, (unsigned long long)ask->products,
             (int)precision);
    return strdup(text);
}

int scape_of_run(scape *s, const cli_command *command, scape_run *ask) {
    us_vec *theta = NULL;
    run_path paths[SCAPE_PATHS] = {0};
    json_t *earlier = NULL;
    size_t rows = 0;
    us_precision precision = ask->precision ? US_F64 : US_F32;
    int code = CLI_GO_ON, kind = ask->directions;
    us_status status = cli_run_look(&ask->run, s->context, ask->folders[0], NULL, s->progress.quiet);
    if (status == US_OK) {
        const us_training *t = us_run_training(ask->run);
        if (ask->seed == UINT64_MAX) ask->seed = us_run_seed(ask->run);
        status = us_problem_freeze(&s->problem, &theta, us_training_problem(t), precision, us_training_theta(t));
    }
    if (status == US_OK) status = run_path_read(&paths[0], s, ask->run);
    if (status != US_OK) goto done;
    if ((code = run_others(s, command, ask, paths)) != CLI_GO_ON) goto done;
    size_t n = us_vec_size(theta);
    if (kind == RUN_AUTO) kind = n <= 2 ? RUN_PARAMETERS : RUN_EIGEN;
    if (kind == RUN_PATH && paths[0].count < 2) {
        code =
            cli_usage(command,
                      "%s has kept no path: train it with --keep-path 64 (large models do not unless told), or look along "
                      "--directions eigen",
                      ask->folders[0]);
        goto done;
    }
    s->kind = RUN_KINDS[kind];
    s->grid = (us_landscape_options)US_LANDSCAPE_OPTIONS_INIT;
    bool line = ask->one || n == 1;
    s->grid.points[0] = s->grid.points[1] = ask->points ? ask->points : line ? RUN_POINTS_LINE : RUN_POINTS;
    size_t values = s->grid.points[0] * (line ? 1 : s->grid.points[1]);
    ask->name = run_result_name(ask, kind, s->grid.points[0], line ? 1 : s->grid.points[1], precision);
    if (!ask->name) {
        status = US_ERR_NOMEM;
        goto done;
    }
    earlier = run_earlier(s, ask);
    rows = (size_t)json_integer_value(json_object_get(json_object_get(earlier, "of"), "rows"));
    if (rows == 0 && (code = run_rows(s, command, ask, theta, values, &rows)) != CLI_GO_ON) goto done;
    if (rows < us_problem_samples(s->problem)) {
        us_problem *all = s->problem;
        s->problem = NULL;
        if ((status = us_problem_create_sample(&s->problem, all, rows, true)) != US_OK) goto done;
    }
    if ((status = us_problem_value(s->problem, theta, US_BATCH_ALL, &s->start)) != US_OK) goto done;
    if ((status = run_plane(s, ask, kind, theta, paths)) != US_OK) goto done;
    for (size_t i = 0; i < ask->count; i++)
        if ((status = run_draw(s, &paths[i])) != US_OK) goto done;
    for (size_t k = 0; k < s->plane->count; k++) {
        run_label(s, kind, k);
        if ((status = run_range(s, ask, kind, theta, k)) != US_OK) goto done;
    }
    s->about = json_pack("{s:s,s:I,s:I,s:I,s:I,s:o,s:s}", "run", us_run_folder(ask->run), "step",
                         (json_int_t)us_training_steps(us_run_training(ask->run)), "rows", (json_int_t)rows, "samples",
                         (json_int_t)us_problem_samples(us_training_problem(us_run_training(ask->run))), "parameters",
                         (json_int_t)n, "loss", cli_real(s->start), "precision", precision == US_F64 ? "f64" : "f32");
    if ((status = scape_reserve(s)) != US_OK) goto done;
    /* An earlier one is gone on with where it looked at the same box (other runs may have widened it). */
    const json_t *axes = json_object_get(earlier, "axes");
    bool same = json_array_size(axes) == s->plane->count;
    for (size_t k = 0; same && k < s->plane->count; k++) {
        const json_t *axis = json_array_get(axes, k);
        same = json_number_value(json_object_get(axis, "low")) == s->grid.low[k] &&
               json_number_value(json_object_get(axis, "high")) == s->grid.high[k];
    }
    if (same && scape_take(s, earlier)) ask->stored = s->done == s->total;
done:
    json_decref(earlier);
    us_vec_destroy(theta);
    for (size_t i = 0; i < ask->count; i++) run_path_release(&paths[i]);
    return status == US_OK ? code : cli_error(command, s->context, status);
}
