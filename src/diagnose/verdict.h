/* The questions that the verdict asks, by family. Each is a pure function of the evidence. A comparison with NaN, a number
 * that was not measured, is false. A `by` question gives a margin: how many times the number that decided lies beyond its
 * threshold. */
#ifndef US_DIAGNOSE_VERDICT_H
#define US_DIAGNOSE_VERDICT_H

#include <math.h>
#include <unstuck/diagnose.h>

typedef const us_evidence *us__evidence;
typedef const us_verdict_options *us__options;

/* What a decrease of the loss must be worth to count. */
static inline double us__worth(us__evidence e, us__options o) { return o->decrease_tolerance * fabs(e->loss); }
static inline bool us__critical(us__evidence e) { return e->kind != US_KIND_NOT_CRITICAL; }

/* verdict_diverged.c: numbers that are not finite, derivatives that are wrong */
bool us__ask_not_finite(us__evidence, us__options), us__ask_bad_row(us__evidence, us__options);
bool us__ask_overflowed(us__evidence, us__options), us__ask_slower_is_fine(us__evidence, us__options);
bool us__ask_exploding(us__evidence, us__options), us__ask_blew_up(us__evidence, us__options);
bool us__ask_gradient_wrong(us__evidence, us__options), us__ask_hessian_wrong(us__evidence, us__options);
double us__by_gradient_check(us__evidence, us__options), us__by_hessian_check(us__evidence, us__options);

/* verdict_rates.c: steps that are too long, too short, too noisy */
bool us__ask_improving(us__evidence, us__options), us__ask_at_the_edge(us__evidence, us__options);
bool us__ask_unstable_rate(us__evidence, us__options), us__ask_jumping(us__evidence, us__options);
bool us__ask_timid(us__evidence, us__options), us__ask_decayed(us__evidence, us__options);
bool us__ask_faded(us__evidence, us__options), us__ask_ill_conditioned(us__evidence, us__options);
bool us__ask_ringing(us__evidence, us__options), us__ask_frozen(us__evidence, us__options);
bool us__ask_drowned(us__evidence, us__options), us__ask_drowned_batch(us__evidence, us__options);
double us__by_rate(us__evidence, us__options), us__by_decrease(us__evidence, us__options);
double us__by_frozen(us__evidence, us__options), us__by_line_search(us__evidence, us__options);
double us__by_slow(us__evidence, us__options), us__by_fresh(us__evidence, us__options);
double us__by_calm(us__evidence, us__options), us__by_noise(us__evidence, us__options);

/* verdict_units.c: units that do nothing */
bool us__ask_dead(us__evidence, us__options), us__ask_saturated(us__evidence, us__options);
bool us__ask_vanishing(us__evidence, us__options), us__ask_constant(us__evidence, us__options);
double us__by_dead(us__evidence, us__options), us__by_saturated(us__evidence, us__options);
double us__by_vanishing(us__evidence, us__options);

/* verdict_point.c: what the curvature says, and what the data allow */
bool us__ask_irreducible(us__evidence, us__options), us__ask_fits(us__evidence, us__options);
bool us__ask_fits_in_a_valley(us__evidence, us__options), us__ask_lower_point(us__evidence, us__options);
bool us__ask_unseen(us__evidence, us__options), us__ask_top(us__evidence, us__options);
bool us__ask_way_out(us__evidence, us__options), us__ask_way_out_symmetric(us__evidence, us__options);
bool us__ask_way_out_of_no_use(us__evidence, us__options), us__ask_all_positive(us__evidence, us__options);
bool us__ask_falls_beyond_second_order(us__evidence, us__options), us__ask_mostly_flat(us__evidence, us__options);
bool us__ask_valley(us__evidence, us__options), us__ask_rises_beyond_second_order(us__evidence, us__options);
bool us__ask_beside_saddle(us__evidence, us__options), us__ask_beside_saddle_symmetric(us__evidence, us__options);
bool us__ask_way_out_beside(us__evidence, us__options), us__ask_unmeasurable(us__evidence, us__options);
double us__by_escape(us__evidence, us__options), us__by_lambda_max(us__evidence, us__options);
double us__by_lambda_min(us__evidence, us__options), us__by_floor(us__evidence, us__options);
double us__by_lower_point(us__evidence, us__options);

#endif
