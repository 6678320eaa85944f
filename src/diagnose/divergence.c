/* Why the numbers ended: by rows that are not finite, or by replays of the same steps with one thing changed.
 *
 * Rows: the loss and gradient of each alone, in the training's own precision. One row out of many: the data. Most of them:
 * numbers too large for the format. Else the steps are to blame: the rate, when a tenth or a hundredth of it gains, or the
 * rate that this curvature bears; the place, when steps that move the weights by a hundredth gain twice what that rate does.
 */
#include "diagnose/replay.h"
#include <math.h>
#include <stdio.h>

enum { DIVERGENCE_STEPS = 200 };
static const double RATES[] = {0.1, 0.01};

/* The first group in which a gradient is not finite; "" when it is. */
static void divergence_group(const us_problem *problem, const us_vec *gradient, char *name, size_t size) {
    size_t count;
    const us_group *groups = us_problem_groups(problem, &count);
    *name = '\0';
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < groups[k].count; i++)
            if (!isfinite(us_vec_get(gradient, groups[k].offset + i))) {
                snprintf(name, size, "%s", groups[k].name);
                return;
            }
}

/* The row that fails first at θ, and whether in its loss or in the gradient of a group. */
static us_status divergence_row(us_problem *problem, const us_vec *theta, us_first_not_finite *first) {
    us_vec *gradient;
    us_status status =
        us_vec_create(&gradient, us_problem_context(problem), us_problem_precision(problem), us_problem_dimension(problem));
    for (size_t i = 0; i < us_problem_samples(problem) && !status; i++) {
        uint32_t row = (uint32_t)i;
        double loss;
        status = us_problem_gradient(problem, theta, (us_batch){&row, 1, 0}, &loss, gradient);
        if (status || (isfinite(loss) && us_vec_is_finite(gradient))) continue;
        first->row = (double)i;
        first->of = isfinite(loss) ? "gradient" : "loss";
        if (isfinite(loss)) divergence_group(problem, gradient, first->group, sizeof first->group);
        status = us_problem_trace(problem, theta, (us_batch){&row, 1, 0}, first->operation, sizeof first->operation);
        break;
    }
    us_vec_destroy(gradient);
    return status;
}

/* What steps are looked at with: θ before the one that is being done. */
typedef struct divergence_steps {
    us_vec *before; /* [n] */
    us_first_not_finite *first;
} divergence_steps;

/* A step whose gradient is finite and whose θ is not: the update made it. */
static bool divergence_hear(void *user, const us_training *training, const us_step_info *info) {
    divergence_steps *s = user;
    us_first_not_finite *first = s->first;
    size_t count, i = 0, n = us_vec_size(info->theta);
    if (us_vec_is_finite(info->theta)) {
        us_vec_copy(s->before, info->theta);
        return true;
    }
    const us_group *groups = us_problem_groups(us_training_problem(training), &count);
    while (i < n && isfinite(us_vec_get(info->theta, i))) i++;
    first->step = info->step;
    first->of = "update";
    for (size_t k = 0; k < count; k++)
        if (i >= groups[k].offset && i - groups[k].offset < groups[k].count) {
            snprintf(first->group, sizeof first->group, "%s", groups[k].name);
            snprintf(first->operation, sizeof first->operation,
                     "the step of %s takes element %zu of %s from %.6g to %g: rate %.6g, gradient %.6g",
                     us_training_rule(training)->name, i - groups[k].offset, groups[k].name, us_vec_get(s->before, i),
                     us_vec_get(info->theta, i), info->learning_rate, us_vec_get(info->gradient, i));
        }
    snprintf(first->text, sizeof first->text, "step %llu: the loss is %.6g, and the parameters after it are not finite",
             (unsigned long long)info->step, info->loss);
    return false;
}

/* Steps on a copy until one fails: which, and in what. */
static us_status divergence_first(us__gathering *g) {
    us_first_not_finite *first = &g->diagnosis->first;
    us_context *context = us_problem_context(g->own);
    us_training *copy = NULL;
    divergence_steps s = {.first = first};
    us_status status = us_training_copy(&copy, g->training, g->own);
    if (!status) status = us_vec_create(&s.before, context, us_problem_precision(g->own), us_problem_dimension(g->own));
    if (!status) us_vec_copy(s.before, us_training_theta(copy));
    if (!status) status = us_training_observe(copy, divergence_hear, &s);
    for (uint64_t k = 0; k <= g->diagnosis->evidence.steps_carrying_on && !status; k++) status = us_training_step(copy);
    if (status == US_STOPPED) {
        status = US_OK;
    } else if (status == US_ERR_NONFINITE) {
        first->step = us_training_steps(copy) + 1;
        first->of = "step";
        snprintf(first->text, sizeof first->text, "%s", us_context_error(context));
        us_context_error_clear(context);
        status = divergence_row(g->own, us_training_theta(copy), first);
        if (!status && !isfinite(first->row))
            snprintf(first->operation, sizeof first->operation, "the sum over the rows: each of them alone is finite");
    }
    us_vec_destroy(s.before);
    us_training_destroy(copy);
    return status;
}

static us_status divergence_rows(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    us_problem *own = g->seen;
    us_context *context = us_problem_context(own);
    size_t samples = us_problem_samples(own);
    double sum = 0, most = 0;
    us_vec *gradient;
    us_status status = us_vec_create(&gradient, context, us_problem_precision(own), us_problem_dimension(own));
    e->rows_not_finite = e->rows_overflowing = 0;
    for (size_t i = 0; i < samples && !status; i++) {
        uint32_t row = (uint32_t)i;
        double loss, norm;
        status = us_problem_gradient(own, us_training_theta(g->training), (us_batch){&row, 1}, &loss, gradient);
        if (status) break;
        norm = us_vec_norm2(gradient);
        if (isinf(loss) || (isfinite(loss) && !isfinite(norm))) e->rows_overflowing++;
        if (!isfinite(loss) || !isfinite(norm)) {
            if (e->rows_not_finite++ == 0) e->worst_row = (double)i;
            continue;
        }
        sum += norm;
        if (norm > most) {
            most = norm;
            if (e->rows_not_finite == 0) e->worst_row = (double)i;
        }
        if (us_context_cancelled(context)) status = us__fail(context, US_INTERRUPTED, "the diagnosis was interrupted");
    }
    e->row_dominance = most / (sum - most);
    us_vec_destroy(gradient);
    return status;
}

/* The length of the gradient beyond which a step moves the weights by more than a hundredth. */
static double divergence_bound(const us__gathering *g) {
    double size = us_vec_norm2(g->theta), rate = g->diagnosis->evidence.learning_rate;
    return 0.01 * (size > 0 ? size : 1) / rate;
}

static us_status divergence_slower(us_training *copy, double factor) {
    us_status status = us__replay_rate(copy, factor);
    return status ? status : us_training_set_theta(copy, us_training_theta(copy), true);
}

us_status us__evidence_divergence(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    if (e->finite && e->carrying_on_finite) return US_OK;
    us_status status = divergence_rows(g);
    if (!status) status = divergence_first(g);
    if (status || !e->finite || e->rows_not_finite > 0) return status;
    for (size_t i = 0; i < sizeof RATES / sizeof *RATES; i++) {
        us__replay slower;
        if ((status = us__replay_run(g, divergence_slower, RATES[i], DIVERGENCE_STEPS, &slower))) return status;
        if (!slower.finite || !(slower.end < e->loss)) continue;
        e->finite_at_rate = RATES[i] * e->learning_rate;
        return US_OK;
    }
    us__replay slowest = {.end = HUGE_VAL}, clipped;
    double bound = divergence_bound(g), stable = 0.5 * e->stability_limit;
    double slower = stable / e->learning_rate;
    if (slower < RATES[1] && slower * e->base_learning_rate > 0) /* not rounded to nothing */
        status = us__replay_run(g, divergence_slower, slower, DIVERGENCE_STEPS, &slowest);
    if (!status) status = us__replay_run(g, us_training_set_clip_norm, bound, DIVERGENCE_STEPS, &clipped);
    if (status) return status;
    if (clipped.finite && clipped.end < 0.5 * fmin(slowest.end, e->loss))
        e->finite_at_clip = bound;
    else if (slowest.end < e->loss)
        e->finite_at_rate = stable;
    return US_OK;
}
