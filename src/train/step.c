/* One step of a training: rows, gradient, clip, update, observers. */
#include "descend/descend.h"
#include "problem/problem.h"
#include "train/training.h"
#include "vec/vec.h"
#include <math.h>

us_status us_training_observe(us_training *training, us_step_observer observer, void *user) {
    if (training->observer_count == US__OBSERVERS_MAX)
        return us__fail(training->context, US_ERR_ARGUMENT, "a training has at most %d observers", US__OBSERVERS_MAX);
    training->observers[training->observer_count++] = (us__observer){observer, user};
    return US_OK;
}

/* Says where the loss or the gradient stopped being finite. */
static us_status step_not_finite(const us_training *t, double loss) {
    unsigned long long step = t->steps + 1;
    if (!isfinite(loss))
        return us__fail(t->context, US_ERR_NONFINITE,
                        "step %llu: the loss is %g; a lower --lr, or data that are finite, may help", step, loss);
    size_t groups, i = 0, n = us_vec_size(t->gradient);
    const us_group *group = us_problem_groups(t->problem, &groups);
    while (i < n && isfinite(us_vec_get(t->gradient, i))) i++;
    for (size_t k = 0; k < groups; k++)
        if (i >= group[k].offset && i - group[k].offset < group[k].count)
            return us__fail(t->context, US_ERR_NONFINITE,
                            "step %llu: element %zu of the gradient of %s is %g; a lower --lr may help", step,
                            i - group[k].offset, group[k].name, us_vec_get(t->gradient, i));
    return us__fail(t->context, US_ERR_NONFINITE, "step %llu: the gradient is longer than a number can say", step);
}

/* Scales a gradient that is longer than the bound. False when its norm is not finite. */
static bool step_clip(us_training *t, double *clipped_from) {
    if (t->clip_value > 0) {
        if (!us_vec_is_finite(t->gradient)) return false;
        us_vec_clamp(t->gradient, t->clip_value);
    }
    if (t->clip_norm == 0) return us_vec_is_finite(t->gradient);
    double norm = us_vec_norm2(t->gradient);
    if (!isfinite(norm)) return false;
    if (norm > t->clip_norm) {
        us_vec_scale(t->gradient, t->clip_norm / norm);
        *clipped_from = norm;
    }
    return true;
}

static us_status step_observe(const us_training *t, const us_step_info *info) {
    bool go_on = true;
    for (size_t i = 0; i < t->observer_count; i++) go_on &= t->observers[i].call(t->observers[i].user, t, info);
    return go_on ? US_OK : US_STOPPED;
}

/* One sample of the diagonal of the batch's Hessian: u ⊙ Hu for random signs u, drawn by seed and step (Bekas, Kokiopoulou
 * & Saad 2007). */
static us_status step_diagonal(us_training *t, us_batch batch) {
    us_rng rng = us_rng_init(t->order.seed, t->steps);
    us_vec_fill_signs(t->signs, &rng);
    us_status status =
        us_problem_hvp(t->problem, t->theta, batch, (const us_vec *const *)&t->signs, (us_vec *const *)&t->diagonal, 1);
    if (status == US_OK) us_vec_multiply(t->diagonal, t->signs);
    if (status == US_OK && !us_vec_is_finite(t->diagonal))
        return us__fail(t->context, US_ERR_NONFINITE, "step %llu: a product with the Hessian is not finite",
                        (unsigned long long)t->steps + 1);
    return status;
}

us_rule_whole us__training_whole(const us_training *training, const us_rule_step *step, void **state) {
    const us_training *t = training;
    us_rule_whole whole = {.step = step,
                           .context = t->context,
                           .precision = t->theta->precision,
                           .n = t->theta->n,
                           .theta = t->theta->data,
                           .gradient = t->gradient->data,
                           .state = state,
                           .memory = t->memory,
                           .scratch = t->scratch};
    for (size_t k = 0; k < t->rule->states; k++) state[k] = t->state[k]->data;
    whole.groups = us_problem_groups(t->problem, &whole.group_count);
    return whole;
}

/* Loss and gradient of the step's batches: their means over rows. `batch` becomes the last of them. */
static us_status step_gradient(us_training *t, us_batch *batch, double *loss, uint64_t *rows) {
    *loss = 0;
    *rows = 0;
    for (size_t k = 0; k < t->accumulate; k++) {
        double part;
        if (k > 0) us__order_advance(&t->order, batch->count);
        *batch = us__order_next(&t->order);
        if (t->problem->has_training_form) batch->draw = t->steps * t->accumulate + k + 1;
        us_status status = us_problem_gradient(t->problem, t->theta, *batch, &part, k ? t->part : t->gradient);
        if (status != US_OK) return status;
        uint64_t count = batch->rows ? batch->count : t->order.samples;
        double share = (double)count / (double)(*rows + count);
        *loss += share * (part - *loss);
        *rows += count;
        if (k == 0) continue;
        us_vec_scale(t->gradient, 1 - share);
        us_vec_axpy(t->gradient, share, t->part);
    }
    return US_OK;
}

/* ------------------------------------------------------------------ running statistics */

/* Running values go by themselves: θ ← θ − 0.1·g in the place of the rule, which sees a gradient of zero there. With `after`
 * false keeps what they will be, with true puts it into θ. */
static void step_running(us_training *t, bool after) {
    const double share = 0.1;
    size_t groups, at = 0;
    const us_group *group = us_problem_groups(t->problem, &groups);
    for (size_t k = 0; t->running && k < groups; k++)
        for (size_t i = group[k].offset; group[k].state && i < group[k].offset + group[k].count; i++, at++) {
            if (after) {
                us_vec_set(t->theta, i, t->running[at]);
                continue;
            }
            t->running[at] = us_vec_get(t->theta, i) - share * us_vec_get(t->gradient, i);
            us_vec_set(t->gradient, i, 0);
        }
}

us_status us_training_step(us_training *training) {
    us_training *t = training;
    const us__order before = t->order;
    us_batch batch;
    double loss, clipped_from = 0;
    uint64_t rows;
    us_status status = step_gradient(t, &batch, &loss, &rows);
    if (status == US_OK) step_running(t, false);
    if (status == US_OK && (!isfinite(loss) || !step_clip(t, &clipped_from))) status = step_not_finite(t, loss);
    if (status != US_OK) {
        us__order_return(&t->order, &before);
        return status;
    }

    double rate = us_training_next_learning_rate(t);
    us_rule_step now = {.step = t->rule_steps + 1, .learning_rate = rate, .hyper = t->hyper};
    void *state[US_RULE_STATES_MAX];
    us_rule_whole whole = us__training_whole(t, &now, state);
    if (t->rule->wants_diagonal && t->rule->wants_diagonal(&now)) {
        if ((status = step_diagonal(t, batch)) != US_OK) {
            us__order_return(&t->order, &before);
            return status;
        }
        whole.diagonal = t->diagonal->data;
    }
    if (t->weight_decay > 0) us__decay_step(t, rate);
    if ((status = us__rule_update(t->rule, &whole)) != US_OK) return status;
    step_running(t, true);

    t->steps++;
    t->rule_steps++;
    t->schedule_steps++;
    t->samples_seen += rows;
    us__average_add(&t->average, t->averaged, t->theta, t->steps);
    if (us__schedule_is_plateau(&t->schedule)) us__plateau_add(&t->plateau, &t->schedule, loss);
    if (batch.rows) {
        us__order_advance(&t->order, batch.count);
        us_batch ahead = us__order_ahead(&t->order);
        if (ahead.count) us__problem_hint(t->problem, ahead);
    }
    if (t->observer_count == 0) return US_OK;
    return step_observe(t, &(us_step_info){.step = t->steps,
                                           .loss = loss,
                                           .learning_rate = rate,
                                           .batch = batch,
                                           .theta = t->theta,
                                           .gradient = t->gradient,
                                           .clipped_from = clipped_from});
}

us_status us_training_advance(us_training *training, uint64_t steps) {
    us_status status = US_OK;
    for (uint64_t i = 0; i < steps && status == US_OK; i++)
        status = us_context_cancelled(training->context) ? US_INTERRUPTED : us_training_step(training);
    return status;
}
