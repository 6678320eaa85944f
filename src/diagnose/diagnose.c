/* Why does this training not improve? Gathers the evidence, asks the verdict, lists the signs. */
#include "diagnose/evidence.h"
#include <assert.h>
#include <math.h>

void us_diagnose_options_init(us_diagnose_options *options) { *options = (us_diagnose_options)US_DIAGNOSE_OPTIONS_INIT; }

void us_diagnosis_destroy(us_diagnosis *diagnosis) {
    if (!diagnosis) return;
    us_point_destroy(diagnosis->point);
    us__release(diagnosis->context, diagnosis->lower);
    us__release(diagnosis->context, diagnosis);
}

static us_status diagnose_check(us_context *context, const us_diagnose_options *o) {
    if (o->version != 1 || o->point.version != 1 || o->verdict.version != 1)
        return us__fail(context, US_ERR_ARGUMENT,
                        "us_diagnose_options: a version is not 1; begin with US_DIAGNOSE_OPTIONS_INIT");
    if (!(o->verdict.decrease_tolerance > 0 && o->verdict.decrease_tolerance < 1))
        return us__fail(context, US_ERR_ARGUMENT,
                        "us_verdict_options: decrease_tolerance is %g; it must lie between 0 and 1",
                        o->verdict.decrease_tolerance);
    return US_OK;
}

/* The measurements in order, and what a person waiting is told about each. */
static const struct diagnose_part {
    us_status (*measure)(us__gathering *);
    const char *what, *on; /* the cost of it is on */
} DIAGNOSE_PARTS[] = {
    {us__evidence_gradient, "measuring loss and gradient", "gradient"},
    {us__evidence_checks, "checking the derivatives", "checks"},
    {us__evidence_floor, "measuring what the data allow", "floor"},
    {us__evidence_units, "looking at the units", "units"},
    {us__evidence_point, "measuring the curvature", "curvature"},
    {us__evidence_stability, "measuring how large a rate the rule bears", "stability"},
    {us__evidence_line_search, "searching along the gradient", "line search"},
    {us__evidence_escape, "searching along the way out", "way out"},
    {us__evidence_carry_on, "going on for a while on a copy", "going on"},
    {us__evidence_near, "looking for the critical point next to it", "critical point"},
    {us__evidence_divergence, "looking for what is not finite", "not finite"},
    {us__evidence_ringing, "going on with less momentum", "momentum"},
    {us__evidence_conditioning, "searching where the rate is too small", "slow directions"},
    {us__evidence_noise, "measuring the noise of batches", "noise"},
    {us__evidence_longer, "going on for longer on a copy", "going on for longer"},
    {us__evidence_lower, "looking for a lower point", "lower point"},
};
enum { DIAGNOSE_PART_COUNT = sizeof DIAGNOSE_PARTS / sizeof *DIAGNOSE_PARTS };
static_assert(DIAGNOSE_PART_COUNT <= US_SPENT_MAX, "each part has a place for what it took");

static us_status diagnose_take(us__gathering *g, const struct diagnose_part *part) {
    us_diagnosis *d = g->diagnosis;
    double before = us_evaluations_gradients(&d->cost, d->evidence.samples);
    us_status status = part->measure(g);
    double took = us_evaluations_gradients(&d->cost, d->evidence.samples) - before;
    if (took > 0) d->spent[d->spent_count++] = (us_spent){part->on, took};
    return status;
}

static us_status diagnose_measure(us__gathering *g) {
    us_context *context = us_problem_context(g->full);
    for (size_t i = 0; i < DIAGNOSE_PART_COUNT; i++) {
        const struct diagnose_part *part = &DIAGNOSE_PARTS[i];
        if (g->options->progress)
            g->options->progress(g->options->progress_user, part->what, (double)i / DIAGNOSE_PART_COUNT);
        us_status status = diagnose_take(g, part);
        if (status) return status;
        if (!g->diagnosis->evidence.finite) { /* nothing else can be measured */
            while (part->measure != us__evidence_divergence) part++;
            return diagnose_take(g, part);
        }
        if (us_context_cancelled(context)) return us__fail(context, US_INTERRUPTED, "the diagnosis was interrupted");
    }
    return US_OK;
}

us_status us__gathering_take(us__gathering *g, const us_vec *all, us_vec *part) {
    us_vec_copy(g->after, all);
    return us_restricted_take(g->full, g->after, part);
}

us_status us_diagnose(us_diagnosis **out, const us_training *training, const us_diagnose_options *options) {
    *out = NULL;
    us_problem *own = us_training_problem(training);
    us_context *context = us_problem_context(own);
    double began = us_clock_now();
    us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = diagnose_check(context, &o);
    if (status) return status;
    us__gathering g = {.training = training, .options = &o};
    us_diagnosis *d = us__new(context, 1, sizeof *d);
    if (!d) return US_ERR_NOMEM;
    d->context = context;
    g.diagnosis = d;
    us_evidence_init(&d->evidence);
    d->first.row = (double)NAN;
    d->evidence.precision = us_problem_precision(own);
    d->evidence.steps_done = us_training_steps(training);
    d->evidence.learning_rate = us_training_next_learning_rate(training);
    d->evidence.base_learning_rate = us_training_learning_rate(training);
    d->evidence.training_form = us_problem_has_training_form(own);
    d->evidence.full_batch = us_training_batch(training) >= us_problem_samples(own);

    if ((status = us_problem_create_counted(&g.own, own, &d->cost, false))) goto done;
    g.seen = g.own;
    if (o.rows > 0 && o.rows < us_problem_samples(own) && (status = us_problem_create_sample(&g.seen, g.own, o.rows, false)))
        goto done;
    d->evidence.samples = us_problem_samples(g.seen);
    if ((status = us_problem_recast(&g.whole, g.seen, US_F64))) goto done;
    if ((status = us_vec_create(&g.after, context, US_F64, us_problem_dimension(own)))) goto done;
    if ((status = us_problem_freeze(&g.full, &g.theta, g.whole, US_F64, us_training_theta(training)))) goto done;
    g.problem = g.full, g.looks = g.whole;
    size_t n = d->evidence.parameters = us_problem_dimension(g.full);
    if (!(g.gradient = us__new(context, 2 * n, sizeof *g.gradient))) {
        status = US_ERR_NOMEM;
        goto done;
    }
    g.direction = g.gradient + n;
    if ((status = diagnose_measure(&g))) goto done;
    d->verdict = us_verdict_decide(&d->evidence, &o.verdict);
    us__signs_list(d, &o.verdict);
done:
    us__place_close(&g.place);
    us__release(context, g.gradient);
    us_vec_destroy(g.theta);
    us_vec_destroy(g.after);
    us__gathering_close(&g);
    d->seconds = us_clock_now() - began;
    if (status)
        us_diagnosis_destroy(d);
    else
        *out = d;
    return status;
}
