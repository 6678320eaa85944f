/* The verdict: where "saddle" is decided. Pure: numbers in, a row of a table out.
 *
 * The rows are asked from top to bottom and the first that applies is the verdict, so the cause stands before its
 * symptom and what is certain before what is likely. To add a cause, add a row and the question it asks. The number
 * that decides a row is held against its threshold by `margin`; that gives the confidence. */
#include <float.h>
#include <math.h>
#include <unstuck/diagnose.h>

void us_verdict_options_init(us_verdict_options *options) { *options = (us_verdict_options)US_VERDICT_OPTIONS_INIT; }

const char *us_verdict_text(us_verdict_name name) {
    switch (name) {
#define VERDICT_CASE(NAME, text) \
    case US_VERDICT_##NAME:      \
        return text;
        US_VERDICT_LIST(VERDICT_CASE)
#undef VERDICT_CASE
    }
    return "undecided";
}

void us_evidence_init(us_evidence *e) {
    const double unknown = (double)NAN;
    *e = (us_evidence){.loss = unknown,
                       .gradient_norm = unknown,
                       .precision = US_F64,
                       .finite = true,
                       .carrying_on_finite = true,
                       .gradient_right = true,
                       .gradient_disagreement = unknown,
                       .hessian_right = true,
                       .hessian_disagreement = unknown,
                       .counted = true,
                       .lambda_min = unknown,
                       .lambda_max = unknown,
                       .resolution = unknown,
                       .kind = US_KIND_UNDECIDED,
                       .offered_decrease = unknown,
                       .decrease_carrying_on = unknown,
                       .trend_carrying_on = unknown,
                       .frozen_share = unknown,
                       .decrease_line_search = unknown,
                       .line_search_rate = unknown,
                       .decrease_escape = unknown,
                       .escape_component = unknown,
                       .steps_to_leave = unknown,
                       .near_kind = US_KIND_UNDECIDED,
                       .near_distance = unknown,
                       .learning_rate = unknown,
                       .base_learning_rate = unknown,
                       .effective_rate = unknown,
                       .stability_limit = unknown,
                       .sharpness_preconditioned = unknown,
                       .worst_row = unknown,
                       .row_dominance = unknown,
                       .finite_at_rate = unknown,
                       .finite_at_clip = unknown,
                       .condition = unknown,
                       .decrease_slow = unknown,
                       .decrease_faded = unknown,
                       .decrease_fresh = unknown,
                       .momentum = unknown,
                       .rises = unknown,
                       .decrease_calm = unknown,
                       .noise_batch = unknown,
                       .noise_trace = unknown,
                       .noise_scale = unknown,
                       .noise_trend = unknown,
                       .decrease_quiet = unknown,
                       .floor = unknown,
                       .dead_share = unknown,
                       .saturated_share = unknown,
                       .constant_loss = unknown,
                       .full_batch = true};
}

typedef const us_evidence *evidence;
typedef const us_verdict_options *options;

/* ------------------------------------------------------------------ questions */

/* A comparison with NaN, a number that was not measured, is false. */
static double verdict_worth(evidence e, options o) { return o->decrease_tolerance * fabs(e->loss); }
static bool verdict_not_finite(evidence e, options o) { return (void)o, !e->finite || !e->carrying_on_finite; }
static bool verdict_unstable_rate(evidence e, options o) {
    return (void)o, e->learning_rate >= e->stability_limit * (1 - 1e-9);
}
static bool verdict_bad_row(evidence e, options o) {
    if (!verdict_not_finite(e, o) || e->samples < 3) return false;
    return e->rows_not_finite ? 10 * e->rows_not_finite <= e->samples : e->row_dominance > 100;
}
static bool verdict_overflowed(evidence e, options o) {
    return verdict_not_finite(e, o) && e->rows_overflowing > 0 && 2 * e->rows_overflowing > e->samples;
}
static bool verdict_slower_is_fine(evidence e, options o) { return verdict_not_finite(e, o) && e->finite_at_rate > 0; }
static bool verdict_exploding(evidence e, options o) { return verdict_not_finite(e, o) && e->finite_at_clip > 0; }
static bool verdict_blew_up(evidence e, options o) {
    return e->finite && !e->carrying_on_finite && verdict_unstable_rate(e, o);
}
static bool verdict_gradient_wrong(evidence e, options o) { return (void)o, e->gradient_checked && !e->gradient_right; }
static bool verdict_hessian_wrong(evidence e, options o) { return (void)o, e->hessian_checked && !e->hessian_right; }
static bool verdict_improving(evidence e, options o) {
    return e->decrease_carrying_on > verdict_worth(e, o) || e->trend_carrying_on > verdict_worth(e, o);
}
static bool verdict_critical(evidence e) { return e->kind != US_KIND_NOT_CRITICAL; }

/* A step along −g finds much more than all the steps that the training took meanwhile, far below the rate it could bear. */
static bool verdict_timid(evidence e, options o) {
    return !verdict_critical(e) && e->decrease_line_search > 10 * verdict_worth(e, o) &&
           e->decrease_line_search > 20 * e->decrease_carrying_on && e->effective_rate < 0.01 * e->stability_limit &&
           e->line_search_rate > 10 * e->effective_rate;
}

static bool verdict_decayed(evidence e, options o) {
    return verdict_timid(e, o) && e->learning_rate < 0.01 * e->base_learning_rate;
}
static bool verdict_frozen(evidence e, options o) {
    return !verdict_critical(e) && e->frozen_share > 0.5 && e->decrease_line_search > 10 * verdict_worth(e, o) &&
           !verdict_improving(e, o);
}

/* The rate is near what the steepest direction bears, and what is left lies where it is far too small. */
static bool verdict_ill_conditioned(evidence e, options o) {
    return !verdict_critical(e) && e->condition > 1e3 && e->learning_rate > 0.1 * e->stability_limit &&
           !verdict_unstable_rate(e, o) && e->decrease_slow > 10 * verdict_worth(e, o) &&
           e->decrease_slow > 20 * e->decrease_carrying_on;
}
static bool verdict_faded(evidence e, options o) {
    return !verdict_critical(e) && e->decrease_fresh > 10 * verdict_worth(e, o) && e->decrease_fresh > 5 * e->decrease_faded;
}
static bool verdict_ringing(evidence e, options o) {
    return !verdict_critical(e) && e->rises > 0.2 && !verdict_unstable_rate(e, o) &&
           e->decrease_calm > 10 * verdict_worth(e, o);
}
/* Batches scatter more than the gradient is long, the loss on all rows does not fall, and less noise makes it fall. */
static bool verdict_drowned(evidence e, options o) {
    return !verdict_critical(e) && !e->full_batch && e->noise_scale > e->noise_batch && !verdict_unstable_rate(e, o) &&
           e->noise_trend <= verdict_worth(e, o) && e->decrease_quiet > 5 * verdict_worth(e, o) &&
           e->decrease_line_search > 5 * verdict_worth(e, o);
}
/* At a rate that is small for this curvature already, the batch is to blame; where the limit is not known, a batch of which
 * the gradient is no tenth. */
static bool verdict_drowned_batch(evidence e, options o) {
    bool small_rate =
        isnan(e->stability_limit) ? e->noise_scale > 10 * e->noise_batch : e->learning_rate < 0.1 * e->stability_limit;
    return small_rate && verdict_drowned(e, o);
}

static bool verdict_unseen(evidence e, options o) {
    return (void)o, verdict_critical(e) && (!e->spectrum_known || (!e->counted && e->kind == US_KIND_UNDECIDED));
}
static bool verdict_top(evidence e, options o) {
    return (void)o, verdict_critical(e) && e->negative && !e->zero && !e->positive;
}

/* Negative curvature proves that this is no minimum. It is what holds the training up when following it pays. */
static bool verdict_way_out(evidence e, options o) {
    if (!verdict_critical(e) || !e->negative || !(e->decrease_escape > verdict_worth(e, o))) return false;
    return !e->positive || -e->lambda_min >= o->curvature_ratio * e->lambda_max || e->decrease_escape > 0.05 * fabs(e->loss);
}
static bool verdict_way_out_symmetric(evidence e, options o) { return e->symmetric_units && verdict_way_out(e, o); }
static bool verdict_way_out_of_no_use(evidence e, options o) { return (void)o, verdict_critical(e) && e->negative; }

/* From here on no eigenvalue is negative. */
static bool verdict_all_positive(evidence e, options o) {
    return (void)o, verdict_critical(e) && e->positive && !e->negative && !e->zero;
}
static bool verdict_semidefinite(evidence e, us_null_space found) {
    return verdict_critical(e) && e->spectrum_known && !e->negative && e->zero && e->null_space == found;
}
static bool verdict_falls_beyond_second_order(evidence e, options o) {
    return (void)o, verdict_semidefinite(e, US_NULL_WAY_DOWN);
}
/* A valley has walls: where two thirds of all directions do nothing at all, the model has gone dead. */
static bool verdict_mostly_flat(evidence e, options o) {
    return (void)o, verdict_semidefinite(e, US_NULL_FLAT) && 3 * e->zero > 2 * e->parameters;
}
static bool verdict_valley(evidence e, options o) { return (void)o, verdict_semidefinite(e, US_NULL_FLAT); }
static bool verdict_rises_beyond_second_order(evidence e, options o) {
    return (void)o, verdict_semidefinite(e, US_NULL_RISES);
}

/* At the floor: what is left above the least loss that the data allow is not worth a step: rounding, or a millionth of what
 * the best constant leaves undone. No curvature leads lower than that, and eigenvalues that are not quite zero are what the
 * last of the gradient makes of the zeros of a valley; a larger negative one is a fact that stands in the way of calling
 * this a minimum. */
static double verdict_left(evidence e) { return e->loss - e->floor; }
static bool verdict_nothing_left(evidence e, options o) {
    double all = e->constant_loss - e->floor;
    if (verdict_frozen(e, o) || (e->negative && -e->lambda_min >= o->curvature_ratio * e->lambda_max)) return false;
    return verdict_left(e) <= DBL_EPSILON * e->constant_loss || (verdict_left(e) <= 1e-6 * all && !verdict_improving(e, o));
}
static bool verdict_irreducible(evidence e, options o) {
    if (!(e->floor > 1e-3 * e->constant_loss)) return false;
    return verdict_nothing_left(e, o) ||
           (verdict_left(e) <= verdict_worth(e, o) && !verdict_improving(e, o) && !e->negative);
}
static bool verdict_fits(evidence e, options o) { return verdict_nothing_left(e, o); }
static bool verdict_fits_in_a_valley(evidence e, options o) {
    return verdict_fits(e, o) && (e->zero || e->negative) && e->counted && e->null_space != US_NULL_RISES;
}

/* Units that are shut, in one layer two thirds of them or more; the loss of the best constant. None of it matters while the
 * loss falls or a way out pays, nor at a minimum. */
static bool verdict_held(evidence e, options o) {
    return !verdict_improving(e, o) && !verdict_way_out(e, o) && !verdict_all_positive(e, o) && !verdict_top(e, o) &&
           !verdict_unstable_rate(e, o);
}
static bool verdict_dead(evidence e, options o) { return verdict_held(e, o) && 3 * e->dead_share >= 2; }
static bool verdict_saturated(evidence e, options o) { return verdict_held(e, o) && 3 * e->saturated_share >= 2; }
static bool verdict_constant(evidence e, options o) {
    return verdict_held(e, o) && e->hidden_units && e->floor < 0.99 * e->constant_loss &&
           fabs(e->loss - e->constant_loss) <= o->decrease_tolerance * e->constant_loss;
}

static bool verdict_jumping(evidence e, options o) {
    return !verdict_critical(e) && verdict_unstable_rate(e, o) && e->decrease_line_search > verdict_worth(e, o);
}
/* Not at a saddle, but beside one: what grows along its way out is still small. */
static bool verdict_beside_saddle(evidence e, options o) {
    return (void)o, !verdict_critical(e) && e->near_kind == US_KIND_SADDLE && e->steps_to_leave > 0;
}
static bool verdict_unmeasurable(evidence e, options o) {
    return (void)o, !verdict_critical(e) && e->decrease_line_search <= 0;
}
static bool verdict_always(evidence e, options o) { return (void)e, (void)o, true; }

/* ------------------------------------------------------------------ margins: how many times beyond the threshold */

static double verdict_certain(evidence e, options o) { return (void)e, (void)o, HUGE_VAL; }
static double verdict_nothing(evidence e, options o) { return (void)e, (void)o, 0; }
static double verdict_by_rate(evidence e, options o) { return (void)o, e->learning_rate / e->stability_limit; }
static double verdict_by_decrease(evidence e, options o) {
    return fmax(e->decrease_carrying_on, e->trend_carrying_on) / verdict_worth(e, o);
}
static double verdict_by_frozen(evidence e, options o) { return (void)o, e->frozen_share / 0.5; }
static double verdict_by_line_search(evidence e, options o) {
    return e->decrease_line_search / fmax(20 * e->decrease_carrying_on, 10 * verdict_worth(e, o));
}
static double verdict_by_slow(evidence e, options o) {
    return e->decrease_slow / fmax(20 * e->decrease_carrying_on, 10 * verdict_worth(e, o));
}
static double verdict_by_fresh(evidence e, options o) {
    return e->decrease_fresh / fmax(5 * e->decrease_faded, 10 * verdict_worth(e, o));
}
static double verdict_by_calm(evidence e, options o) { return e->decrease_calm / (10 * verdict_worth(e, o)); }
static double verdict_by_noise(evidence e, options o) {
    return fmin(e->noise_scale / e->noise_batch, e->decrease_quiet / (5 * verdict_worth(e, o)));
}
static double verdict_by_gradient_check(evidence e, options o) { return (void)o, e->gradient_disagreement / 1e-5; }
static double verdict_by_hessian_check(evidence e, options o) { return (void)o, e->hessian_disagreement / 1e-5; }
static double verdict_by_escape(evidence e, options o) {
    return fmin(-e->lambda_min / e->resolution, e->decrease_escape / verdict_worth(e, o));
}
static double verdict_by_lambda_max(evidence e, options o) { return (void)o, -e->lambda_max / e->resolution; }
/* The smallest eigenvalue stands clear of the resolution, and the gradient offers nothing. */
static double verdict_by_lambda_min(evidence e, options o) {
    double settled = e->offered_decrease > 0 ? verdict_worth(e, o) / e->offered_decrease : HUGE_VAL;
    return fmin(e->lambda_min / e->resolution, settled);
}
static double verdict_by_dead(evidence e, options o) { return (void)o, 1.5 * e->dead_share; }
static double verdict_by_saturated(evidence e, options o) { return (void)o, 1.5 * e->saturated_share; }
static double verdict_by_floor(evidence e, options o) {
    return fmax(verdict_worth(e, o), 1e-6 * e->constant_loss) / fmax(verdict_left(e), 0);
}
static double verdict_barely(evidence e, options o) { return (void)e, (void)o, 2; }

/* ------------------------------------------------------------------ the table */

static const struct verdict_row {
    bool (*when)(evidence, options);
    us_verdict_name name;
    const char *cause;
    bool stuck;
    double (*margin)(evidence, options);
    const char *sentence;
    const char *would_decide;
} ROWS[] = {
    {verdict_bad_row, US_VERDICT_DIVERGED, "bad-data", true, verdict_certain,
     "One row, or few, are out of all proportion: their own loss or gradient is not finite or dwarfs all others.", NULL},
    {verdict_overflowed, US_VERDICT_DIVERGED, "overflow", true, verdict_certain,
     "The loss of most rows is larger than a number can be, whatever the learning rate: targets or features are too large.",
     NULL},
    {verdict_slower_is_fine, US_VERDICT_DIVERGED, "lr-above-stability", true, verdict_certain,
     "The learning rate is too large: the numbers end, while the same steps at a lower rate stay finite and gain.", NULL},
    {verdict_exploding, US_VERDICT_DIVERGED, "exploding-gradient", true, verdict_certain,
     "The gradient is so long here that even a hundredth of the learning rate throws the weights away; shorter steps stay "
     "finite.",
     NULL},
    {verdict_blew_up, US_VERDICT_DIVERGED, "lr-above-stability", true, verdict_barely,
     "The learning rate is above the largest that this curvature bears: every step overshoots further, until the numbers "
     "end.",
     NULL},
    {verdict_not_finite, US_VERDICT_DIVERGED, NULL, true, verdict_certain,
     "The loss, the gradient or the next step is not finite.", NULL},
    {verdict_gradient_wrong, US_VERDICT_UNDECIDED, "wrong-gradient", true, verdict_by_gradient_check,
     "The gradient is not the derivative of the loss: differences of the loss disagree with it, so no step can be trusted.",
     "a gradient that agrees with differences of the loss"},
    {verdict_irreducible, US_VERDICT_MINIMUM, "irreducible", false, verdict_by_floor,
     "The loss is the least that any function of these features can have: rows with the same features have different "
     "targets.",
     NULL},
    {verdict_fits_in_a_valley, US_VERDICT_MINIMUM, "flat-valley", false, verdict_by_floor,
     "The data are fitted as well as can be, by a whole valley of equally good parameters: there is nothing to gain.", NULL},
    {verdict_fits, US_VERDICT_MINIMUM, "converged", false, verdict_by_floor,
     "The data are fitted as well as can be: there is nothing to gain.", NULL},
    {verdict_decayed, US_VERDICT_CRAWLING, "lr-decayed", true, verdict_by_line_search,
     "The schedule has taken the learning rate down so far that all the steps to come add up to little, while much is left "
     "to gain.",
     NULL},
    {verdict_frozen, US_VERDICT_PLATEAU, "frozen-arithmetic", true, verdict_by_frozen,
     "The steps are smaller than half the distance between neighbouring numbers: rounding takes them all away, and the "
     "parameters stay.",
     NULL},
    {verdict_timid, US_VERDICT_CRAWLING, "lr-too-small", true, verdict_by_line_search,
     "One long step along the gradient gains many times what all the small ones do: the learning rate is far below what is "
     "stable.",
     NULL},
    {verdict_ringing, US_VERDICT_OSCILLATING, "momentum-too-high", true, verdict_by_calm,
     "The momentum hardly fades: the training rolls through the minimum and back, while less momentum comes down.", NULL},
    {verdict_faded, US_VERDICT_CRAWLING, "lr-decayed", true, verdict_by_fresh,
     "The rule divides by all the gradients it has ever seen, and its steps have become too short: with a fresh state the "
     "same "
     "steps gain many times as much.",
     NULL},
    {verdict_ill_conditioned, US_VERDICT_CRAWLING, "ill-conditioned", true, verdict_by_slow,
     "The learning rate is as large as the steepest direction bears, and far too small for the others, where all that is "
     "left "
     "to gain lies: features of very different size do that.",
     NULL},
    {verdict_drowned_batch, US_VERDICT_NOISY, "batch-too-small", true, verdict_by_noise,
     "The gradients of the batches scatter so much that the loss no longer falls on average: more rows a step would let the "
     "gradient show.",
     NULL},
    {verdict_drowned, US_VERDICT_NOISY, "lr-at-noise-floor", true, verdict_by_noise,
     "The steps are large and their noise is, too: the training circles the minimum at a distance that the learning rate "
     "sets.",
     NULL},
    {verdict_improving, US_VERDICT_DESCENDING, NULL, false, verdict_by_decrease,
     "The loss goes on falling: this training is not stuck.", NULL},
    {verdict_hessian_wrong, US_VERDICT_UNDECIDED, "wrong-gradient", true, verdict_by_hessian_check,
     "The Hessian-vector product is not the derivative of the gradient: differences of the gradient disagree with it.",
     "a Hessian-vector product that agrees with differences of the gradient, or none at all"},
    {verdict_dead, US_VERDICT_PLATEAU, "dead-units", true, verdict_by_dead,
     "Most units of a layer are dead: no row of the data makes them active, so their weights get no gradient and never "
     "change.",
     NULL},
    {verdict_saturated, US_VERDICT_PLATEAU, "saturated-units", true, verdict_by_saturated,
     "Most units of a layer are saturated: their activation is flat where the data are, and next to no gradient gets "
     "through.",
     NULL},
    {verdict_constant, US_VERDICT_PLATEAU, "constant-predictor", true, verdict_barely,
     "The model predicts the same for every row: its loss is that of the best constant, and nothing points away from it.",
     NULL},
    {verdict_unseen, US_VERDICT_UNDECIDED, "needs-more-products", false, verdict_nothing,
     "The gradient has nothing more to offer, and the curvature is not known well enough: minimum or saddle, the gradient "
     "cannot "
     "tell.",
     "the smallest eigenvalue of the Hessian"},
    {verdict_top, US_VERDICT_MAXIMUM, "negative-definite", true, verdict_by_lambda_max,
     "The gradient is zero and the loss curves downwards in every direction: this is a maximum.", NULL},
    {verdict_way_out_symmetric, US_VERDICT_SADDLE, "symmetric-units", true, verdict_by_escape,
     "Units with equal or zero weights get equal gradients for ever; the loss curves downwards where they begin to differ.",
     NULL},
    {verdict_way_out, US_VERDICT_SADDLE, "negative-curvature", true, verdict_by_escape,
     "The gradient is zero, but along one direction the loss curves downwards: a saddle, and that direction leads out of "
     "it.",
     NULL},
    {verdict_way_out_of_no_use, US_VERDICT_PLATEAU, "flat", true, verdict_barely,
     "The curvature is negative somewhere, so this is no minimum, but so slightly that following it leads nowhere.", NULL},
    {verdict_all_positive, US_VERDICT_MINIMUM, "converged", false, verdict_by_lambda_min,
     "The gradient is zero and the loss curves upwards in every direction: this is a minimum.", NULL},
    {verdict_falls_beyond_second_order, US_VERDICT_PLATEAU, "flat", true, verdict_barely,
     "Gradient and curvature say nothing along some directions, and the loss measured there falls: no minimum.", NULL},
    {verdict_mostly_flat, US_VERDICT_PLATEAU, "flat", true, verdict_barely,
     "The loss does not change along most directions: most of the parameters do nothing here.", NULL},
    {verdict_valley, US_VERDICT_MINIMUM, "flat-valley", false, verdict_barely,
     "The loss curves upwards or stays exactly the same: a valley of equally good minima, and nothing to gain.", NULL},
    {verdict_rises_beyond_second_order, US_VERDICT_MINIMUM, "converged", false, verdict_barely,
     "The curvature is zero along some directions, and the loss rises wherever it was measured there.", NULL},
    {verdict_jumping, US_VERDICT_OSCILLATING, "lr-above-stability", true, verdict_by_rate,
     "The learning rate is at or above the limit of stability: each step jumps across the valley, while a shorter one goes "
     "down.",
     NULL},
    {verdict_beside_saddle, US_VERDICT_SADDLE, "negative-curvature", true, verdict_barely,
     "Beside a saddle: the gradient is nearly gone, and what the loss curves downwards along has hardly begun to grow.",
     NULL},
    {verdict_unmeasurable, US_VERDICT_UNDECIDED, "below-precision", false, verdict_nothing,
     "The gradient is not zero, but no step along it lowers the loss by more than rounding.",
     "the same loss in a higher precision, or smoother"},
    {verdict_always, US_VERDICT_UNDECIDED, NULL, false, verdict_nothing,
     "The gradient is not zero, and yet the loss does not fall as the training goes on.",
     "the loss over more steps, and the noise of the gradient from batch to batch"},
};

us_verdict us_verdict_decide(const us_evidence *e, const us_verdict_options *given) {
    us_verdict_options o = US_VERDICT_OPTIONS_INIT;
    if (given) o = *given;
    const struct verdict_row *row = ROWS;
    while (!row->when(e, &o)) row++;
    double margin = row->margin(e, &o);
    return (us_verdict){.name = row->name,
                        .cause = row->cause,
                        .stuck = row->stuck,
                        .sentence = row->sentence,
                        .would_decide = row->would_decide,
                        .confidence = margin == 0 ? 0 : fmin(0.99, 1 - 0.5 / fmax(1, isnan(margin) ? 1 : margin))};
}
