/* The verdict: where "saddle" is decided. Pure: numbers in, a row of a table out.
 *
 * The rows are asked from top to bottom and the first that applies is the verdict, so the cause stands before its
 * symptom and what is certain before what is likely. To add a cause, add a row and the question it asks, in the file of
 * its family (verdict.h). The number that decides a row is held against its threshold by `margin`; that gives the
 * confidence. Rows marked `own` rest on evidence of their own, whatever the rows above say: where the first row finds a
 * training stuck, those of them that apply, too, are listed beside it, the surest first. */
#include "diagnose/verdict.h"
#include <string.h>

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

static bool verdict_always(us__evidence e, us__options o) { return (void)e, (void)o, true; }
static double verdict_certain(us__evidence e, us__options o) { return (void)e, (void)o, HUGE_VAL; }
static double verdict_barely(us__evidence e, us__options o) { return (void)e, (void)o, 2; }
static double verdict_nothing(us__evidence e, us__options o) { return (void)e, (void)o, 0; }

enum { STUCK = 1, OWN = 2 };

static const struct verdict_row {
    bool (*when)(us__evidence, us__options);
    us_verdict_name name;
    const char *cause;
    int flags;
    double (*margin)(us__evidence, us__options);
    const char *signs; /* the numbers behind it, see us__signs_list */
    const char *sentence;
    const char *would_change; /* its mind */
    const char *would_decide;
} ROWS[] = {
    {us__ask_bad_row, US_VERDICT_DIVERGED, "bad-data", STUCK | OWN, verdict_certain,
     "rows_not_finite worst_row row_dominance",
     "One row, or few, are out of all proportion: their own loss or gradient is not finite or dwarfs all others.",
     "the same end without that row", NULL},
    {us__ask_overflowed, US_VERDICT_DIVERGED, "overflow", STUCK | OWN, verdict_certain, "rows_not_finite worst_row",
     "The loss of most rows is larger than a number can be, whatever the learning rate: targets or features are too large.",
     "a finite loss for most rows at these weights", NULL},
    {us__ask_slower_is_fine, US_VERDICT_DIVERGED, "lr-above-stability", STUCK | OWN, verdict_certain,
     "finite_at_rate learning_rate",
     "The learning rate is too large: the numbers end, while the same steps at a lower rate stay finite and gain.",
     "the same end at a tenth and a hundredth of the rate", NULL},
    {us__ask_exploding, US_VERDICT_DIVERGED, "exploding-gradient", STUCK | OWN, verdict_certain, "finite_at_clip",
     "The gradient is so long here that even a hundredth of the learning rate throws the weights away; shorter steps stay "
     "finite.",
     "the same end with a bound on the gradient, or a lower rate that gains as much", NULL},
    {us__ask_blew_up, US_VERDICT_DIVERGED, "lr-above-stability", STUCK | OWN, verdict_barely, "learning_rate",
     "The learning rate is above the largest that this curvature bears: every step overshoots further, until the numbers "
     "end.",
     "a largest eigenvalue that bears this rate", NULL},
    {us__ask_not_finite, US_VERDICT_DIVERGED, NULL, STUCK, verdict_certain, "rows_not_finite worst_row",
     "The loss, the gradient or the next step is not finite.", "a replay that stays finite", NULL},
    {us__ask_gradient_wrong, US_VERDICT_UNDECIDED, "wrong-gradient", STUCK | OWN, us__by_gradient_check,
     "gradient_disagreement",
     "The gradient is not the derivative of the loss: differences of the loss disagree with it, so no step can be trusted.",
     "a gradient that agrees with differences of the loss", "a gradient that agrees with differences of the loss"},
    {us__ask_irreducible, US_VERDICT_MINIMUM, "irreducible", 0, us__by_floor, "floor constant_loss",
     "The loss is the least that any function of these features can have: rows with the same features have different "
     "targets.",
     "a feature that tells apart the rows that are equal now", NULL},
    {us__ask_fits_in_a_valley, US_VERDICT_MINIMUM, "flat-valley", 0, us__by_floor, "floor constant_loss zero_eigenvalues",
     "The data are fitted as well as can be, by a whole valley of equally good parameters: there is nothing to gain.",
     "a loss that still falls along the valley", NULL},
    {us__ask_fits, US_VERDICT_MINIMUM, "converged", 0, us__by_floor, "floor constant_loss",
     "The data are fitted as well as can be: there is nothing to gain.", "a loss below what the data allow", NULL},
    {us__ask_decayed, US_VERDICT_CRAWLING, "lr-decayed", STUCK | OWN, us__by_line_search,
     "learning_rate decrease_line_search line_search_rate decrease_carrying_on",
     "The schedule has taken the learning rate down so far that all the steps to come add up to little, while much is left "
     "to gain.",
     "a line search that gains no more than the small steps do", NULL},
    {us__ask_frozen, US_VERDICT_PLATEAU, "frozen-arithmetic", STUCK | OWN, us__by_frozen,
     "frozen_share decrease_line_search decrease_carrying_on",
     "The steps are smaller than half the distance between neighbouring numbers: rounding takes them all away, and the "
     "parameters stay.",
     "parameters that change in the next step, or the same standstill in a higher precision", NULL},
    {us__ask_timid, US_VERDICT_CRAWLING, "lr-too-small", STUCK | OWN, us__by_line_search,
     "learning_rate decrease_line_search line_search_rate decrease_carrying_on",
     "One long step along the gradient gains many times what all the small ones do: the learning rate is far below what is "
     "stable.",
     "a line search that gains no more than the small steps do, or a limit of stability near this rate", NULL},
    {us__ask_ringing, US_VERDICT_OSCILLATING, "momentum-too-high", STUCK | OWN, us__by_calm, "rises decrease_calm",
     "The momentum hardly fades: the training rolls through the minimum and back, while less momentum comes down.",
     "a replay with momentum 0.9 that comes no lower", NULL},
    {us__ask_faded, US_VERDICT_CRAWLING, "lr-decayed", STUCK | OWN, us__by_fresh, "decrease_fresh",
     "The rule divides by all the gradients it has ever seen, and its steps have become too short: with a fresh state the "
     "same steps gain many times as much.",
     "a fresh state that gains no more", NULL},
    {us__ask_ill_conditioned, US_VERDICT_CRAWLING, "ill-conditioned", STUCK | OWN, us__by_slow,
     "condition decrease_slow learning_rate",
     "The learning rate is as large as the steepest direction bears, and far too small for the others, where all that is "
     "left to gain lies: features of very different size do that.",
     "a Newton step through the slow directions that gains little, or a rate far below the limit of stability", NULL},
    {us__ask_drowned_batch, US_VERDICT_NOISY, "batch-too-small", STUCK | OWN, us__by_noise,
     "noise_scale decrease_quiet noise_trend",
     "The gradients of the batches scatter so much that the loss no longer falls on average: more rows a step would let the "
     "gradient show.",
     "a tenth of the rate that comes no lower, or a loss on all rows that falls", NULL},
    {us__ask_drowned, US_VERDICT_NOISY, "lr-at-noise-floor", STUCK | OWN, us__by_noise,
     "noise_scale decrease_quiet noise_trend",
     "The steps are large and their noise is, too: the training circles the minimum at a distance that the learning rate "
     "sets.",
     "a tenth of the rate that comes no lower, or a loss on all rows that falls", NULL},
    {us__ask_at_the_edge, US_VERDICT_DESCENDING, "edge-of-stability", 0, us__by_decrease,
     "decrease_carrying_on trend_carrying_on learning_rate",
     "The rate is as large as the curvature bears: the loss goes up and down from step to step, and falls over many.",
     "a longer look in which the loss does not fall", NULL},
    {us__ask_improving, US_VERDICT_DESCENDING, NULL, 0, us__by_decrease, "decrease_carrying_on trend_carrying_on",
     "The loss goes on falling: this training is not stuck.", "a longer look in which the loss does not fall", NULL},
    {us__ask_hessian_wrong, US_VERDICT_UNDECIDED, "wrong-gradient", STUCK | OWN, us__by_hessian_check,
     "hessian_disagreement",
     "The Hessian-vector product is not the derivative of the gradient: differences of the gradient disagree with it.",
     "products that agree with differences of the gradient",
     "a Hessian-vector product that agrees with differences of the gradient, or none at all"},
    {us__ask_dead, US_VERDICT_PLATEAU, "dead-units", STUCK | OWN, us__by_dead, "dead_share constant_loss",
     "Most units of a layer are dead: no row of the data makes them active, so their weights get no gradient and never "
     "change.",
     "rows that make those units active", NULL},
    {us__ask_saturated, US_VERDICT_PLATEAU, "saturated-units", STUCK | OWN, us__by_saturated,
     "saturated_share constant_loss",
     "Most units of a layer are saturated: their activation is flat where the data are, and next to no gradient gets "
     "through.",
     "a hundredth of the gradient or more that gets through those units", NULL},
    {us__ask_vanishing, US_VERDICT_PLATEAU, "vanishing-gradient", STUCK | OWN, us__by_vanishing, "signal_fade constant_loss",
     "The gradient fades from layer to layer on its way back: at the first layers next to nothing of it arrives, and they "
     "never learn.",
     "a gradient that arrives at the first layer with a thousandth of its size at the last, or more", NULL},
    {us__ask_constant, US_VERDICT_PLATEAU, "constant-predictor", STUCK | OWN, verdict_barely, "constant_loss floor",
     "The model predicts the same for every row: its loss is that of the best constant, and nothing points away from it.",
     "a loss below that of the best constant", NULL},
    {us__ask_unseen, US_VERDICT_UNDECIDED, "needs-more-products", 0, verdict_nothing, "offered_decrease",
     "The gradient has nothing more to offer, and the curvature is not known well enough: minimum or saddle, the gradient "
     "cannot tell.",
     "the smallest eigenvalue of the Hessian", "the smallest eigenvalue of the Hessian"},
    {us__ask_top, US_VERDICT_MAXIMUM, "negative-definite", STUCK, us__by_lambda_max, "lambda_max lambda_min resolution",
     "The gradient is zero and the loss curves downwards in every direction: this is a maximum.",
     "one eigenvalue that is not negative", NULL},
    {us__ask_way_out_symmetric, US_VERDICT_SADDLE, "symmetric-units", STUCK | OWN, us__by_escape,
     "lambda_min decrease_escape steps_to_leave",
     "Units with equal or zero weights get equal gradients for ever; the loss curves downwards where they begin to differ.",
     "a smallest eigenvalue within the resolution of zero, or a loss that does not fall along the way out", NULL},
    {us__ask_way_out, US_VERDICT_SADDLE, "negative-curvature", STUCK, us__by_escape,
     "lambda_min decrease_escape steps_to_leave",
     "The gradient is zero, but along one direction the loss curves downwards: a saddle, and that direction leads out of "
     "it.",
     "a smallest eigenvalue within the resolution of zero, or a loss that does not fall along the way out", NULL},
    {us__ask_way_out_of_no_use, US_VERDICT_PLATEAU, "flat", STUCK, verdict_barely, "lambda_min lambda_max decrease_escape",
     "The curvature is negative somewhere, so this is no minimum, but so slightly that following it leads nowhere.",
     "a loss that falls along the negative curvature", NULL},
    {us__ask_lower_point, US_VERDICT_MINIMUM, "local", STUCK, us__by_lower_point, "lower_loss lambda_min",
     "The gradient is zero and the loss curves upwards in every direction, but it is lower elsewhere: a local minimum.",
     "a lower point that is not one: its loss measured again", NULL},
    {us__ask_all_positive, US_VERDICT_MINIMUM, "converged", 0, us__by_lambda_min, "lambda_min resolution offered_decrease",
     "The gradient is zero and the loss curves upwards in every direction: this is a minimum.",
     "an eigenvalue that is not positive, or a lower point elsewhere", NULL},
    {us__ask_falls_beyond_second_order, US_VERDICT_PLATEAU, "flat", STUCK, verdict_barely, "lambda_min decrease_escape",
     "Gradient and curvature say nothing along some directions, and the loss measured there falls: no minimum.",
     "a loss that does not fall there", NULL},
    {us__ask_mostly_flat, US_VERDICT_PLATEAU, "flat", STUCK, verdict_barely, "zero_eigenvalues constant_loss",
     "The loss does not change along most directions: most of the parameters do nothing here.",
     "curvature along most directions, or a loss far below that of the best constant", NULL},
    {us__ask_valley, US_VERDICT_MINIMUM, "flat-valley", 0, verdict_barely, "lambda_min zero_eigenvalues",
     "The loss curves upwards or stays exactly the same: a valley of equally good minima, and nothing to gain.",
     "a loss that falls somewhere along the valley, or a lower point elsewhere", NULL},
    {us__ask_rises_beyond_second_order, US_VERDICT_MINIMUM, "converged", 0, verdict_barely, "lambda_min zero_eigenvalues",
     "The curvature is zero along some directions, and the loss rises wherever it was measured there.",
     "a direction of zero curvature along which the loss falls", NULL},
    {us__ask_jumping, US_VERDICT_OSCILLATING, "lr-above-stability", STUCK | OWN, us__by_rate,
     "learning_rate decrease_line_search decrease_carrying_on",
     "The learning rate is at or above the limit of stability: each step jumps across the valley, while a shorter one goes "
     "down.",
     "a limit of stability above this rate, or a loss that falls over many steps", NULL},
    {us__ask_beside_saddle_symmetric, US_VERDICT_SADDLE, "symmetric-units", STUCK | OWN, verdict_barely,
     "saddle_distance steps_to_leave escape_component symmetric_units",
     "Beside a saddle: units with equal or zero weights get equal gradients for ever, and the loss curves downwards where "
     "they begin to differ.",
     "a nearest critical point that is a minimum", NULL},
    {us__ask_beside_saddle, US_VERDICT_SADDLE, "negative-curvature", STUCK | OWN, verdict_barely,
     "saddle_distance steps_to_leave escape_component",
     "Beside a saddle: the gradient is nearly gone, and what the loss curves downwards along has hardly begun to grow.",
     "a nearest critical point that is a minimum", NULL},
    {us__ask_unmeasurable, US_VERDICT_UNDECIDED, "below-precision", 0, verdict_nothing, "decrease_line_search",
     "The gradient is not zero, but no step along it lowers the loss by more than rounding.",
     "the same loss in a higher precision, or smoother", "the same loss in a higher precision, or smoother"},
    {verdict_always, US_VERDICT_UNDECIDED, NULL, 0, verdict_nothing, "decrease_carrying_on trend_carrying_on",
     "The gradient is not zero, and yet the loss does not fall as the training goes on.",
     "the loss over more steps, and the noise of the gradient from batch to batch",
     "the loss over more steps, and the noise of the gradient from batch to batch"},
};
enum { ROW_COUNT = sizeof ROWS / sizeof *ROWS };

static double verdict_confidence(const struct verdict_row *row, us__evidence e, us__options o) {
    double margin = row->margin(e, o);
    return margin == 0 ? 0 : fmin(0.99, 1 - 0.5 / fmax(1, isnan(margin) ? 1 : margin));
}

/* Other causes that the evidence shows, by falling confidence; in the order of the table where that is equal. */
static void verdict_also(us_verdict *v, const struct verdict_row *first, us__evidence e, us__options o) {
    for (const struct verdict_row *row = first + 1; row < ROWS + ROW_COUNT; row++) {
        if (!(row->flags & OWN) || !row->when(e, o)) continue;
        bool known = v->cause && strcmp(row->cause, v->cause) == 0;
        for (size_t i = 0; i < v->also_count; i++) known = known || strcmp(v->also[i].cause, row->cause) == 0;
        if (known) continue;
        us_also also = {row->name, row->cause, verdict_confidence(row, e, o)};
        size_t at = v->also_count;
        if (at == US_ALSO_MAX && !(also.confidence > v->also[--at].confidence)) continue;
        for (; at > 0 && v->also[at - 1].confidence < also.confidence; at--) v->also[at] = v->also[at - 1];
        v->also[at] = also;
        if (v->also_count < US_ALSO_MAX) v->also_count++;
    }
}

us_verdict us_verdict_decide(const us_evidence *e, const us_verdict_options *given) {
    us_verdict_options o = US_VERDICT_OPTIONS_INIT;
    if (given) o = *given;
    const struct verdict_row *row = ROWS;
    while (!row->when(e, &o)) row++;
    us_verdict v = {.name = row->name,
                    .cause = row->cause,
                    .stuck = row->flags & STUCK,
                    .sentence = row->sentence,
                    .signs = row->signs,
                    .would_change = row->would_change,
                    .would_decide = row->would_decide,
                    .confidence = verdict_confidence(row, e, &o)};
    if (v.stuck) verdict_also(&v, row, e, &o);
    return v;
}
