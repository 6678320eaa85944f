/* Is there a lower point? At a minimum that leaves something undone, two searches: along the flattest eigenvectors, beyond
 * the rise on both sides, and from other starts; from each of them down by L-BFGS, in the same number of gradients. What
 * they find is a lower point when its loss on all rows is; that they find none proves nothing.
 * Source of the method: Liu & Nocedal 1989, "On the limited memory BFGS method". */
#include "diagnose/evidence.h"
#include "diagnose/starts.h"
#include <math.h>
#include <string.h>
#include <unstuck/solve.h>

enum {
    LOWER_STARTS = 12,
    LOWER_EIGENVECTORS = 8,
    LOWER_ROWS = 2048,   /* at most, evenly spread */
    LOWER_LONGEST = 200, /* gradients a start, at most */
    LOWER_LEAST = 5,     /* and at least */
    LOWER_LENGTHS = 14   /* along an eigenvector */
};
static const double LOWER_GRADIENTS = 12; /* over all rows, where the problem is large */
static const double LOWER_WORK = 4e9;     /* parameters × rows × gradients × 6, for all starts: some seconds */

typedef struct lower_search {
    us__gathering *g;
    us_problem *seen; /* on a sample of the rows */
    us_vec *theta;    /* [n] */
    us_vec *gradient; /* [n] */
    double *start;    /* [n] */
    double *best;     /* [n] */
    double loss;      /* there, on all rows */
    size_t gradients; /* a start */
} lower_search;

static us_status lower_answer(lower_search *s, const us_request *q) {
    us_vec_write_f64(s->theta, q->theta);
    us_status status = q->ask == US_ASK_VALUE ? us_problem_value(s->seen, s->theta, US_BATCH_ALL, q->value)
                                              : us_problem_gradient(s->seen, s->theta, US_BATCH_ALL, q->value, s->gradient);
    if (!status && q->ask == US_ASK_GRADIENT) us_vec_read_f64(s->gradient, q->gradient);
    return status;
}

/* From s->start down. */
static us_status lower_descend(lower_search *s) {
    us_context *context = us_problem_context(s->seen);
    us_minimize_options o = US_MINIMIZE_OPTIONS_INIT;
    us_solver_sizes sizes = {us_problem_dimension(s->seen), 0, us_problem_samples(s->seen)};
    us_solver *solver = NULL;
    const us_request *request;
    o.iterations = s->gradients;
    us_status status = us_solver_create(&solver, context, "l-bfgs", sizes, s->start, &o);
    for (size_t asked = 0; !status && asked < 2 * s->gradients; asked++) {
        status = us_solver_next(solver, &request);
        if (status || request->ask == US_ASK_NOTHING) break;
        status = lower_answer(s, request);
        if (us_context_cancelled(context)) status = us__fail(context, US_INTERRUPTED, "the diagnosis was interrupted");
    }
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (status == US_ERR_NONFINITE || status == US_ERR_NUMERIC) { /* this start leads nowhere */
        us_context_error_clear(context);
        status = US_OK;
    } else if (!status) {
        double loss;
        us_vec_write_f64(s->theta, us_solver_theta(solver));
        status = us_problem_value(s->g->full, s->theta, US_BATCH_ALL, &loss);
        if (!status && loss < s->loss) {
            s->loss = loss;
            memcpy(s->best, us_solver_theta(solver), sizes.n * sizeof *s->best);
        }
    }
    us_solver_destroy(solver);
    return status;
}

/* s->start: the lowest place on ± eigenvectors of the smallest eigenvalues that lies beyond a rise; false when there is none
 * below what stands here. */
static us_status lower_beyond(lower_search *s, bool *found) {
    us__gathering *g = s->g;
    const us_spectrum *p = g->diagnosis->point ? g->diagnosis->point->spectrum : NULL;
    double lowest = g->place.loss;
    *found = false;
    for (size_t k = 0; p && k < p->n && k < LOWER_EIGENVECTORS; k++)
        for (int i = 0; i < 2 * LOWER_LENGTHS; i++) {
            double t = (i % 2 ? -0.05 : 0.05) * pow(1.6, i / 2) * g->place.size, loss;
            us_status status = us__place_value(&g->place, p->vectors + k * p->n, t, &loss);
            if (status) return status;
            if (!(loss < lowest)) continue;
            lowest = loss, *found = true;
            us_vec_read_f64(g->theta, s->start);
            for (size_t j = 0; j < p->n; j++) s->start[j] += t * p->vectors[k * p->n + j];
        }
    return US_OK;
}

static us_status lower_run(lower_search *s) {
    us__gathering *g = s->g;
    bool found;
    size_t count;
    const us_group *groups = us_problem_groups(g->problem, &count);
    us_status status = lower_beyond(s, &found);
    if (!status && found) status = lower_descend(s);
    for (uint64_t k = 0; k < LOWER_STARTS && !status; k++) {
        us_rng rng = us_rng_init(g->options->point.seed, 0x10e4 + k);
        us_vec_read_f64(g->theta, s->start);
        us__draw_start(groups, count, k, &rng, s->start);
        status = lower_descend(s);
    }
    return status;
}

/* A minimum, with more than a hundredth undone of what the best constant leaves undone. */
static bool lower_wanted(const us__gathering *g) {
    const us_evidence *e = &g->diagnosis->evidence;
    us_verdict v = us_verdict_decide(e, &g->options->verdict);
    if (v.name != US_VERDICT_MINIMUM || strcmp(v.cause, "irreducible") == 0 || !(e->loss > 0)) return false;
    return !(e->loss - e->floor <= 0.01 * (e->constant_loss - e->floor));
}

us_status us__evidence_lower(us__gathering *g) {
    if (!lower_wanted(g)) return US_OK;
    us_evidence *e = &g->diagnosis->evidence;
    us_context *context = us_problem_context(g->problem);
    size_t n = g->place.n, samples = us_problem_samples(g->problem), rows = samples < LOWER_ROWS ? samples : LOWER_ROWS;
    double each = LOWER_WORK / (6 * (double)n * (double)rows * LOWER_STARTS);
    lower_search s = {.g = g, .loss = e->loss};
    if (us__gathering_is_sampled(g)) /* a step of the search asks for a value and a gradient, or so */
        each = fmin(each, LOWER_GRADIENTS * (double)g->diagnosis->evidence.samples / (1.5 * (double)rows * LOWER_STARTS));
    s.gradients = each < LOWER_LEAST ? LOWER_LEAST : each > LOWER_LONGEST ? LOWER_LONGEST : (size_t)each;
    us_status status = US_ERR_NOMEM;
    if (!(s.best = us__alloc(context, n, 2 * sizeof *s.best))) return status;
    s.start = s.best + n;
    s.seen = g->problem;
    if (rows < samples && (status = us_problem_create_sample(&s.seen, g->problem, rows, false))) goto done;
    if ((status = us_vec_create(&s.theta, context, US_F64, n))) goto done;
    if ((status = us_vec_create(&s.gradient, context, US_F64, n))) goto done;
    if ((status = lower_run(&s))) goto done;
    e->lower_loss = s.loss;
    if (e->loss - s.loss > g->place.rounding) {
        g->diagnosis->lower = s.best;
        s.best = NULL;
    }
done:
    us_vec_destroy(s.gradient);
    us_vec_destroy(s.theta);
    if (s.seen != g->problem) us_problem_destroy(s.seen);
    us__release(context, s.best);
    return status;
}
