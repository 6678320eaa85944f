/* The signs: what was measured, the threshold it was held against, and a sentence on what it means. */
#include "diagnose/evidence.h"
#include <assert.h>
#include <math.h>

static void signs_add(us_diagnosis *d, const char *name, double value, double threshold, const char *meaning) {
    if (isnan(value)) return; /* not measured */
    assert(d->sign_count < US_SIGNS_MAX);
    d->signs[d->sign_count++] = (us_sign){name, value, threshold, meaning};
}

void us__signs_list(us_diagnosis *d, const us_verdict_options *options) {
    const us_evidence *e = &d->evidence;
    double worth = options->decrease_tolerance * fabs(e->loss);
    d->sign_count = 0;
    bool ended = !e->finite || !e->carrying_on_finite;
    signs_add(d, "rows_not_finite", ended ? (double)e->rows_not_finite : (double)NAN, 0,
              "How many rows have a loss or gradient of their own that is not finite.");
    signs_add(d, "worst_row", e->worst_row, (double)NAN,
              "The first such row, or else the one of the longest gradient: its number among the training rows, from 0.");
    signs_add(d, "row_dominance", e->row_dominance, 100,
              "How many times longer that gradient is than those of all other rows together.");
    signs_add(d, "finite_at_rate", e->finite_at_rate, e->learning_rate,
              "A learning rate at which the same steps stay finite and gain, beside the one in use.");
    signs_add(d, "finite_at_clip", e->finite_at_clip, e->gradient_norm,
              "A bound on the gradient with which the same steps stay finite and gain, beside its length now.");
    signs_add(d, "gradient_disagreement", e->gradient_disagreement, 1e-5,
              "How far the gradient is from differences of the loss, relatively; above the threshold it is wrong.");
    signs_add(d, "hessian_disagreement", e->hessian_disagreement, 1e-5,
              "How far Hessian-vector products are from differences of the gradient, relatively.");
    signs_add(d, "offered_decrease", e->offered_decrease, 0.1 * worth,
              "What following the gradient could still take off the loss, by the quadratic model of the surroundings.");
    signs_add(d, "decrease_carrying_on", e->decrease_carrying_on, worth,
              "How much the loss falls when the training simply goes on for a while, on a copy.");
    signs_add(d, "steps_carrying_on",
              e->decrease_carrying_on == e->decrease_carrying_on ? (double)e->steps_carrying_on : (double)NAN, (double)NAN,
              "How many steps the copy went on for.");
    signs_add(d, "trend_carrying_on", e->trend_carrying_on, worth,
              "How much the loss falls over those steps by its trend; zero or less where noise may make it.");
    signs_add(d, "frozen_share", e->frozen_share, 0.5,
              "The share of the gradient that belongs to parameters which the next step does not change by a single bit.");
    signs_add(d, "decrease_line_search", e->decrease_line_search, worth,
              "How much the best single step along the negative gradient takes off the loss.");
    signs_add(d, "line_search_rate", e->line_search_rate, e->learning_rate,
              "The learning rate of that best single step, beside the one in use.");
    signs_add(d, "condition", e->condition, 1e3,
              "The largest eigenvalue over the smallest that needs ten times the steps done so far.");
    signs_add(d, "decrease_slow", e->decrease_slow, 10 * worth,
              "What a line search through all those slow directions takes off the loss.");
    signs_add(d, "decrease_fresh", e->decrease_fresh, 5 * e->decrease_faded,
              "How much the loss falls when the rule forgets the gradients so far, beside five times what it does anyhow.");
    signs_add(d, "rises", e->rises, 0.2, "How often the loss on all rows rose while the training went on.");
    signs_add(d, "decrease_calm", e->decrease_calm, 10 * worth, "How much lower the loss comes with momentum 0.9.");
    signs_add(
        d, "noise_scale", e->noise_scale, e->noise_batch,
        "The batch at which the scatter of the gradients is as strong as the gradient itself, beside the batch in use.");
    signs_add(d, "noise_trend", e->noise_trend, worth,
              "How much the loss on all rows falls from the first half of those steps to the second, noise taken off.");
    signs_add(d, "decrease_quiet", e->decrease_quiet, 5 * worth,
              "How much lower the loss comes at a tenth of the learning rate, noise taken off.");
    signs_add(d, "learning_rate", e->learning_rate, e->stability_limit,
              "The learning rate of the next step; above the threshold this curvature makes the method unstable.");
    signs_add(d, "sharpness_preconditioned", e->sharpness_preconditioned, (double)NAN,
              "The largest eigenvalue of the Hessian as the rule sees it, divided by what it divides its steps by.");
    signs_add(d, "floor", e->floor, e->loss,
              "The least loss that any function of the features can have: rows with equal features set it.");
    signs_add(d, "constant_loss", e->constant_loss, e->loss, "The loss of the best constant prediction.");
    signs_add(d, "dead_share", e->dead_share, 2.0 / 3,
              "The share of a layer's units that no row makes active; the worst layer.");
    signs_add(d, "saturated_share", e->saturated_share, 2.0 / 3,
              "The share of a layer's units that let less than 1 % of the gradient through; the worst layer.");
    signs_add(d, "signal_fade", e->signal_fade, 1e-3,
              "What of a row's error arrives at the first hidden layer, beside the last.");
    signs_add(d, "lower_loss", e->lower_loss, e->loss, "The lowest loss that a search from other weights found.");
    signs_add(
        d, "evaluation_form", e->training_form ? 1 : (double)NAN, (double)NAN,
        "All is measured without dropout and with running statistics; the training steps with dropout and batch ones.");
    if (!e->spectrum_known) return;
    signs_add(
        d, "lambda_min", e->lambda_min, -e->resolution,
        "The smallest eigenvalue of the Hessian; below the threshold the loss curves downwards, and this is no minimum.");
    signs_add(d, "lambda_max", e->lambda_max, e->resolution,
              "The largest eigenvalue of the Hessian: the steepest curvature upwards.");
    signs_add(d, "resolution", e->resolution, (double)NAN, "An eigenvalue smaller than this cannot be told from zero.");
    signs_add(d, "negative_eigenvalues", e->counted ? (double)e->negative : (double)NAN, 0,
              "In so many directions the loss curves downwards.");
    signs_add(d, "zero_eigenvalues", e->counted ? (double)e->zero : (double)NAN, 0,
              "In so many directions the curvature cannot be told from zero.");
    signs_add(d, "decrease_escape", e->decrease_escape, worth,
              "How much a line search along the way out takes off the loss.");
    signs_add(d, "escape_component", e->escape_component, (double)NAN,
              "How far the parameters already are along the way out; zero means for ever at rest.");
    signs_add(d, "steps_to_leave", e->steps_to_leave, (double)e->steps_done,
              "How many steps the method in use would need to leave by itself, beside the steps done so far.");
    signs_add(d, "saddle_distance", e->near_kind == US_KIND_SADDLE ? e->near_distance : (double)NAN, (double)NAN,
              "How far the saddle is: zero, to rounding, at it.");
    signs_add(d, "symmetric_units", e->negative ? (double)e->symmetric_units : (double)NAN, 0,
              "1 when the way out is a difference between units whose weights are equal or zero.");
}
