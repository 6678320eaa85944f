/* --lr auto: a rate from what is measured where the training begins.
 *
 *   sharpness      λ, the largest eigenvalue of D^(-1/2)HD^(-1/2) over all rows, where D is what the rule divides by (1 for
 *                  rules that do not); steps of the rule stay bounded up to stability/λ (Cohen et al. 2022,
 * arXiv:2207.14484) critical rate  the largest r at which a step θ + r·u along the rule's own update u does not raise the
 * loss over all rows, by doubling or halving and some bisections: it knows the noise of the batch and that the loss is no
 *                  quadratic (after Roulet et al. 2023; 2/r is the "critical sharpness"). The least of several batches
 *
 * Both are measured after some updates of the rule at one and the same θ, so that its momentum and D are there. The rate is
 * the smaller of limit/2 and critical/2, of critical/10 where batches are a part of the rows: what one long step gains along
 * its own batch is lost again in the noise of those that follow. */
#include "run/run.h"
#include <math.h>
#include <unstuck/lanczos.h>

enum { RATE_WARM = 30, RATE_BATCHES = 3, RATE_DOUBLINGS = 40, RATE_BISECTIONS = 4, RATE_PRODUCTS = 60 };

static bool rate_has_state(const us_problem *problem) {
    size_t count;
    const us_group *groups = us_problem_groups(problem, &count);
    for (size_t i = 0; i < count; i++)
        if (groups[i].state) return true;
    return false;
}

/* stability/λ; inf where the rule or the problem does not tell, or nothing curves up. */
static us_status rate_limit(us_run *run, const us_training *at, double *sharpness, double *limit) {
    const us_rule *rule = us_training_rule(at);
    us_hessian_operator *h = NULL;
    us_eigenpairs *pairs = NULL;
    us_vec *d = NULL;
    double *wide = NULL;
    size_t n = us_problem_dimension(run->problem);
    *limit = HUGE_VAL, *sharpness = (double)NAN;
    if (!rule->stability || rate_has_state(run->problem)) return US_OK;
    us_status status = us_hessian_operator_create(&h, run->problem, us_training_theta(at), US_BATCH_ALL, 1);
    if (status == US_OK && rule->preconditioner) {
        status = us_vec_create(&d, run->context, US_F64, n);
        wide = us__alloc(run->context, n, sizeof *wide);
        if (status == US_OK && !wide) status = US_ERR_NOMEM;
        if (status == US_OK) status = us_training_preconditioner(at, d);
        if (status == US_OK) us_vec_read_f64(d, wide);
        for (size_t i = 0; status == US_OK && i < n; i++) /* where there was no gradient, the rule does not move */
            if (!(wide[i] > 0 && isfinite(wide[i]))) goto done;
        if (status == US_OK) status = us_hessian_operator_precondition(h, wide);
    }
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.bottom = 0, o.tolerance = 1e-3, o.products = RATE_PRODUCTS, o.verify = false;
    if (status == US_OK) status = us_lanczos_solve(&pairs, run->context, us_hessian_operator_get(h), &o);
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (status == US_OK && pairs && pairs->values[0] > 0) {
        *sharpness = pairs->values[0];
        *limit = rule->stability(us_training_hyper(at)) / *sharpness;
    }
done:
    us_eigenpairs_destroy(pairs);
    us_hessian_operator_destroy(h);
    us_vec_destroy(d);
    us__release(run->context, wide);
    return status;
}

/* Whether the loss over all rows at θ + r·u is no higher than `before`. */
static us_status rate_holds(us_run *run, us_vec *trial, const us_vec *theta, double r, const us_vec *u, double before,
                            bool *holds) {
    double loss;
    us_vec_sum(trial, theta, r, u);
    us_status status = us_problem_value(run->problem, trial, US_BATCH_ALL, &loss);
    *holds = loss <= before; /* not so for NaN */
    return status;
}

/* The critical rate along one update of `training`, which takes the step. 0: none was found. */
static us_status rate_critical(us_run *run, us_training *training, us_vec *u, us_vec *trial, us_vec *theta,
                               double *critical) {
    double before, rate = us_training_rule(training)->learning_rate, low = 0, high = 0;
    us_vec_copy(theta, us_training_theta(training));
    us_status status = us_problem_value(run->problem, theta, US_BATCH_ALL, &before);
    if (status == US_OK) status = us_training_set_learning_rate(training, rate, false);
    double step = us_training_next_learning_rate(training); /* a warm-up begins with less */
    if (status == US_OK) status = us_training_step(training);
    if (status != US_OK) return status;
    us_vec_sum(u, us_training_theta(training), -1, theta);
    us_vec_scale(u, 1 / step);
    size_t count;
    const us_group *groups = us_problem_groups(run->problem, &count);
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; groups[g].state && i < groups[g].count; i++) us_vec_set(u, groups[g].offset + i, 0);

    double r = rate;
    bool holds;
    for (int k = 0; k < RATE_DOUBLINGS && (low == 0 || high == 0); k++, r = low > 0 ? 2 * low : 0.5 * high) {
        if ((status = rate_holds(run, trial, theta, r, u, before, &holds)) != US_OK) return status;
        *(holds ? &low : &high) = r;
    }
    for (int k = 0; k < RATE_BISECTIONS && low > 0 && high > 0; k++) {
        r = sqrt(low * high);
        if ((status = rate_holds(run, trial, theta, r, u, before, &holds)) != US_OK) return status;
        *(holds ? &low : &high) = r;
    }
    *critical = low;
    return us_training_set_theta(training, theta, false);
}

us_status us__run_choose_rate(us_run *run) {
    if (us_training_rule(run->training)->finds_rate) {
        run->config.learning_rate = us_training_learning_rate(run->training);
        snprintf(run->rate_text, sizeof run->rate_text,
                 "--lr auto: %s finds its rate itself; its own factor of it stays, --lr %g",
                 us_training_rule(run->training)->name, run->config.learning_rate);
        us__log(run->context, US_LOG_INFO, "%s", run->rate_text);
        return US_OK;
    }
    us_training *copy = NULL;
    us_vec *vectors[3] = {NULL, NULL, NULL};
    double sharpness = (double)NAN, limit = HUGE_VAL, critical = HUGE_VAL;
    size_t n = us_problem_dimension(run->problem);
    const us_rule *rule = us_training_rule(run->training);
    us_status status = us_training_copy(&copy, run->training, NULL);
    for (int i = 0; status == US_OK && i < 3; i++)
        status = us_vec_create(&vectors[i], run->context, us_problem_precision(run->problem), n);
    if (status == US_OK) us_vec_copy(vectors[2], us_training_theta(copy));
    /* The state fills, D and momentum, while θ stays where it is. */
    for (int k = 0; status == US_OK && (rule->states > 0 || rule->memory) && k < RATE_WARM; k++) {
        status = us_training_step(copy);
        if (status == US_OK) status = us_training_set_theta(copy, vectors[2], false);
    }
    if (status == US_OK) status = rate_limit(run, copy, &sharpness, &limit);
    int batches = us_training_batch(run->training) < us_problem_samples(run->problem) ? RATE_BATCHES : 1;
    for (int k = 0; status == US_OK && k < batches; k++) {
        double one = 0;
        status = rate_critical(run, copy, vectors[0], vectors[1], vectors[2], &one);
        if (one > 0 && one < critical) critical = one;
    }
    double share = batches > 1 ? 0.1 : 0.5, rate = fmin(0.5 * limit, share * critical);
    if (status == US_OK && !(rate > 0 && isfinite(rate)))
        status =
            us__fail(run->context, US_ERR_NUMERIC,
                     "--lr auto: no step along the update of %s lowers the loss, and no curvature was found; name a rate",
                     rule->name);
    if (status == US_OK) status = us_training_set_learning_rate(run->training, rate, false);
    if (status == US_OK) {
        run->config.learning_rate = us_training_learning_rate(run->training);
        char measured[96] = "not measured for this rule and model";
        if (isfinite(limit))
            snprintf(measured, sizeof measured, "%.4g, of which %s bears a rate up to %.4g", sharpness, rule->name, limit);
        char along[64] = "none found";
        if (isfinite(critical)) snprintf(along, sizeof along, "%.4g", critical);
        snprintf(
            run->rate_text, sizeof run->rate_text,
            "--lr auto: sharpness %s; critical rate along the update: %s; the smaller of half of the former and %s of the "
            "latter: %.4g",
            measured, along, batches > 1 ? "a tenth" : "half", rate);
        us__log(run->context, US_LOG_INFO, "%s", run->rate_text);
    }
    us_training_destroy(copy);
    for (int i = 0; i < 3; i++) us_vec_destroy(vectors[i]);
    return status;
}
