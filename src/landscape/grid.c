/* The loss over a grid of a plane, from coarse to fine, on all threads. */
#include "base/base.h"
#include <math.h>
#include <unstuck/landscape.h>

enum {
    GRID_POINTS_MOST = 4097,
    GRID_SHARED = 50 * 1000 * 1000, /* parameters times rows: larger values are shared over threads by the problem itself */
    GRID_BLOCK_MOST = 4096
};
static const double GRID_LOOK = 0.05; /* seconds of values between two looks at the clock */

void us_landscape_options_init(us_landscape_options *options) { *options = (us_landscape_options)US_LANDSCAPE_OPTIONS_INIT; }

double us_landscape_coordinate(const us_landscape_options *options, size_t k, size_t i) {
    double share = (double)i / (double)(options->points[k] - 1);
    return options->low[k] * (1 - share) + options->high[k] * share;
}

typedef struct grid {
    const us_plane *plane;
    const us_landscape_options *options;
    double *loss;
    size_t *order;         /* [total] the points, coarse to fine */
    size_t begin;          /* of the block */
    us_problem **problems; /* [threads] */
    us_vec **theta;        /* [threads] */
    us_status *failed;     /* [threads] */
} grid;

/* Points whose both indices are multiples of 2^k, those of the coarser levels first. */
static void grid_order(size_t *order, size_t nx, size_t ny) {
    size_t count = 0, largest = nx > ny ? nx : ny, stride = 1;
    while (stride < largest) stride *= 2;
    for (bool first = true; stride >= 1; stride /= 2, first = false)
        for (size_t j = 0; j < ny; j += stride)
            for (size_t i = 0; i < nx; i += stride)
                if (first || i % (2 * stride) || j % (2 * stride)) order[count++] = j * nx + i;
}

static void grid_task(void *user, size_t i, size_t thread) {
    grid *g = user;
    size_t point = g->order[g->begin + i], nx = g->options->points[0];
    if (g->failed[thread] != US_OK) return;
    double at[2] = {us_landscape_coordinate(g->options, 0, point % nx), 0};
    if (g->plane->count == 2) at[1] = us_landscape_coordinate(g->options, 1, point / nx);
    us_plane_place(g->plane, at, g->theta[thread]);
    g->failed[thread] = us_problem_value(g->problems[thread], g->theta[thread], g->options->batch, &g->loss[point]);
}

static us_status grid_check(us_problem *problem, const us_plane *plane, const us_landscape_options *o) {
    us_context *context = us_problem_context(problem);
    if (o->version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_landscape_options: version is %u; it must be 1", o->version);
    if (plane->n != us_problem_dimension(problem))
        return us__fail(context, US_ERR_ARGUMENT, "the plane is in %zu dimensions; the problem has %zu parameters", plane->n,
                        us_problem_dimension(problem));
    for (size_t k = 0; k < plane->count; k++) {
        if (o->points[k] < 2 || o->points[k] > GRID_POINTS_MOST)
            return us__fail(context, US_ERR_ARGUMENT, "%zu points along direction %zu are asked for; it must be 2 to %d",
                            o->points[k], k + 1, GRID_POINTS_MOST);
        if (!(o->low[k] < o->high[k]) || !isfinite(o->high[k] - o->low[k]))
            return us__fail(context, US_ERR_ARGUMENT, "the range of direction %zu is empty: from %g to %g", k + 1, o->low[k],
                            o->high[k]);
    }
    return US_OK;
}

/* Block after block, each long enough to be worth a look at the clock. */
static us_status grid_run(grid *g, us_context *context, size_t threads, size_t total, size_t *done) {
    size_t block = threads;
    us_status status = US_OK;
    while (*done < total && status == US_OK) {
        if (us_context_cancelled(context)) return US_INTERRUPTED;
        size_t count = total - *done < block ? total - *done : block;
        double began = us_clock_now();
        g->begin = *done;
        us__parallel(context, threads, count, grid_task, g);
        for (size_t t = 0; t < threads && status == US_OK; t++) status = g->failed[t];
        if (status != US_OK) break; /* the block is not done */
        *done += count;
        double took = us_clock_now() - began;
        if (took < GRID_LOOK / 2 && block < GRID_BLOCK_MOST) block *= 2;
        if (took > 2 * GRID_LOOK && block > threads) block /= 2;
        if (g->options->progress && !g->options->progress(g->options->progress_user, *done, total)) return US_INTERRUPTED;
    }
    return status;
}

us_status us_landscape_compute(us_problem *problem, const us_plane *plane, const us_landscape_options *options, double *loss,
                               size_t *done) {
    us_landscape_options o = US_LANDSCAPE_OPTIONS_INIT;
    us_context *context = us_problem_context(problem);
    if (options) o = *options;
    us_status status = grid_check(problem, plane, &o);
    if (status != US_OK) return status;
    size_t nx = o.points[0], ny = plane->count == 2 ? o.points[1] : 1, total = nx * ny;
    size_t rows = o.batch.rows ? o.batch.count : us_problem_samples(problem), work, threads = 1;
    bool large = __builtin_mul_overflow(rows, plane->n, &work) || work > GRID_SHARED;
    if (!large) threads = (size_t)us_context_threads(context);
    if (threads > US__THREADS_MOST) threads = US__THREADS_MOST;
    grid g = {.plane = plane, .options = &o, .loss = loss};
    status = US_ERR_NOMEM;
    if (!(g.order = us__alloc(context, total, sizeof *g.order))) goto done;
    if (!(g.problems = us__new(context, threads, sizeof *g.problems))) goto done;
    if (!(g.theta = us__new(context, threads, sizeof *g.theta))) goto done;
    if (!(g.failed = us__new(context, threads, sizeof *g.failed))) goto done;
    us_precision precision = us_problem_precision(problem);
    g.problems[0] = problem;
    for (size_t t = 1; t < threads; t++)
        if ((status = us_problem_recast(&g.problems[t], problem, precision)) != US_OK) goto done;
    for (size_t t = 0; t < threads; t++)
        if ((status = us_vec_create(&g.theta[t], context, precision, plane->n)) != US_OK) goto done;
    grid_order(g.order, nx, ny);
    for (size_t i = *done; i < total; i++) loss[g.order[i]] = (double)NAN;
    status = grid_run(&g, context, threads, total, done);
done:
    for (size_t t = 0; g.theta && t < threads; t++) us_vec_destroy(g.theta[t]);
    for (size_t t = 1; g.problems && t < threads; t++) us_problem_destroy(g.problems[t]);
    us__release(context, g.failed);
    us__release(context, g.theta);
    us__release(context, g.problems);
    us__release(context, g.order);
    return status;
}
