#include "descend/solvers/line.h"
#include "descend/solvers/local.h"
#include <cblas.h>
#include <float.h>
#include <math.h>

enum { LINE_TRIES = 60 };
static const double LINE_BURIED = 1e-6; /* part of the loss that the gradient may have where its differences are rounding */

us_status us__line_open(us_solver *s, size_t vectors, size_t own_bytes, double curvature,
                        double (*aim)(us_solver *solver, bool first)) {
    us__line *line = s->state = us__new(s->context, 1, sizeof *line);
    if (!line) return US_ERR_NOMEM;
    line->aim = aim;
    line->curvature = curvature;
    line->memory = us__alloc(s->context, vectors, s->n * sizeof *line->memory);
    line->own = us__new(s->context, 1, own_bytes);
    if (!line->memory || !line->own) return US_ERR_NOMEM;
    line->direction = line->memory;
    us__solver_ask(s, US_ASK_GRADIENT, true);
    return US_OK;
}

void us__line_close(us_solver *s) {
    us__line *line = s->state;
    us__release(s->context, line->memory);
    us__release(s->context, line->own);
}

static void line_ask(us_solver *s) {
    us__line *line = s->state;
    const double *d = line->direction, *theta = s->theta;
    double step = line->search.step, *trial = s->trial;
    for (size_t i = 0; i < s->n; i++) trial[i] = theta[i] + step * d[i];
    us__solver_ask(s, US_ASK_GRADIENT, false);
}

static double line_largest(const double *x, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
    return largest;
}

/* A new direction, and the first question along it; or the end. */
static us_status line_set_out(us_solver *s, bool first) {
    us__line *line = s->state;
    double largest = line_largest(s->gradient, s->n);
    if (us__solver_is_small(s, s->gradient)) return us__solver_end(s, US_OK, "the gradient is zero within the tolerance");
    if (!us__solver_iterate(s, largest)) return s->ended;
    double step = line->aim(s, first), slope = cblas_ddot((int)s->n, line->direction, 1, s->gradient, 1);
    if (!(slope < 0)) { /* not a way down: begin anew */
        step = line->aim(s, true);
        slope = cblas_ddot((int)s->n, line->direction, 1, s->gradient, 1);
    }
    line->tries = 0;
    line->last_slope = slope;
    us__search_begin(&line->search, s->value, slope, step, line->curvature);
    line_ask(s);
    return US_OK;
}

static us_status line_fail(us_solver *s) {
    us__line *line = s->state;
    if (!line->reset) return line_set_out(s, true);
    if (line_largest(s->gradient, s->n) <= LINE_BURIED * fmax(1, fabs(s->value)))
        return us__solver_end(s, US_OK, "what is left to gain is below this precision");
    return us__solver_end(s, US_NOT_CONVERGED,
                          "no step lowers the loss, though the gradient is not zero: a kink, or a noisy loss");
}

us_status us__line_next(us_solver *s) {
    us__line *line = s->state;
    if (!line->begun) {
        line->begun = true;
        s->first_value = s->value;
        if (!isfinite(s->value) || !us__all_finite(s->gradient, s->n))
            return us__fail(s->context, US_ERR_NONFINITE,
                            "the loss or its gradient is not finite at the start; start elsewhere");
        return line_set_out(s, true);
    }
    if (s->trial_value < -1e50 * fmax(1, fabs(s->first_value)) && us__all_finite(s->trial_gradient, s->n)) {
        us__solver_accept(s);
        return us__solver_end(s, US_NOT_CONVERGED, "the loss falls without bound");
    }
    double slope = cblas_ddot((int)s->n, line->direction, 1, s->trial_gradient, 1);
    if (!isfinite(s->trial_value) || !isfinite(slope)) { /* too far */
        if (++line->tries >= LINE_TRIES) return line_fail(s);
        line->search.step = line->search.x + 0.1 * (line->search.step - line->search.x);
        line->search.most = line->search.step;
        line_ask(s);
        return US_OK;
    }
    double tried = line->search.step;
    us__search_end end = us__search_next(&line->search, s->trial_value, slope);
    if (end == US__SEARCH_MORE && ++line->tries < LINE_TRIES && line->search.step > 0) {
        line_ask(s);
        return US_OK;
    }
    /* A step that is lower counts, even where the search was not content. */
    bool lower = s->trial_value < s->value || (end == US__SEARCH_DONE && s->trial_value <= s->value);
    if (!lower) return line_fail(s);
    line->step = tried;
    us__solver_accept(s);
    return line_set_out(s, false);
}
