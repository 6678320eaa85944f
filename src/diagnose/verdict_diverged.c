/* Numbers that are not finite, and derivatives that are wrong. */
#include "diagnose/verdict.h"

bool us__ask_not_finite(us__evidence e, us__options o) { return (void)o, !e->finite || !e->carrying_on_finite; }

bool us__ask_bad_row(us__evidence e, us__options o) {
    if (!us__ask_not_finite(e, o) || e->samples < 3) return false;
    return e->rows_not_finite ? 10 * e->rows_not_finite <= e->samples : e->row_dominance > 100;
}

bool us__ask_overflowed(us__evidence e, us__options o) {
    return us__ask_not_finite(e, o) && e->rows_overflowing > 0 && 2 * e->rows_overflowing > e->samples;
}

bool us__ask_slower_is_fine(us__evidence e, us__options o) { return us__ask_not_finite(e, o) && e->finite_at_rate > 0; }

bool us__ask_exploding(us__evidence e, us__options o) { return us__ask_not_finite(e, o) && e->finite_at_clip > 0; }

bool us__ask_blew_up(us__evidence e, us__options o) {
    return e->finite && !e->carrying_on_finite && us__ask_unstable_rate(e, o);
}

bool us__ask_gradient_wrong(us__evidence e, us__options o) { return (void)o, e->gradient_checked && !e->gradient_right; }

bool us__ask_hessian_wrong(us__evidence e, us__options o) { return (void)o, e->hessian_checked && !e->hessian_right; }

double us__by_gradient_check(us__evidence e, us__options o) { return (void)o, e->gradient_disagreement / 1e-5; }

double us__by_hessian_check(us__evidence e, us__options o) { return (void)o, e->hessian_disagreement / 1e-5; }
