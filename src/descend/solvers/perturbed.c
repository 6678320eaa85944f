/* Perturbed gradient descent: θ ← θ − ηg, and where ‖g‖ has become small, θ ← θ + ξ with ξ uniform in a ball; unless a
 * number of steps later the loss has come down, the place before the perturbation was no saddle that it could leave, and
 * descent goes on from there. η is found by backtracking: the loss must fall by at least ½η‖g‖², which it does for η ≤
 * 1/‖H‖. Source: Jin, Ge, Netrapalli, Kakade & Jordan 2017, "How to escape saddle points efficiently", ICML, algorithm 1. */
#include "descend/solvers/local.h"
#include "descend/solvers/solver.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { PERTURBED_PATIENCE = 100 };           /* steps until a perturbation must have paid */
static const double PERTURBED_SMALL = 1e-2;  /* of the longest gradient so far */
static const double PERTURBED_RADIUS = 1e-2; /* of max(1, ‖θ‖∞) */
static const double PERTURBED_PAYS = 1e-6;   /* of what the loss has come down by, or of its size */
static const double PERTURBED_LEAST = 1e-300;
static const double PERTURBED_BURIED = 1e-6; /* part of the loss that the gradient may have where differences are rounding */

typedef struct perturbed_state {
    bool begun, pending, watching, quiet; /* pending: the answer is that of a perturbation; quiet: one did not pay here */
    double rate, longest, value_before;
    size_t since;                     /* steps since the perturbation */
    double *before, *gradient_before; /* [n] the place that was perturbed */
    us_rng rng;
} perturbed_state;

static us_status perturbed_open(us_solver *s) {
    perturbed_state *p = s->state = us__new(s->context, 1, sizeof *p);
    if (!p) return US_ERR_NOMEM;
    p->rng = us_rng_init(1, 0x706764);
    if (!(p->before = us__alloc(s->context, 2 * s->n, sizeof *p->before))) return US_ERR_NOMEM;
    p->gradient_before = p->before + s->n;
    us__solver_ask(s, US_ASK_GRADIENT, true);
    return US_OK;
}

static void perturbed_close(us_solver *s) { us__release(s->context, ((perturbed_state *)s->state)->before); }

static void perturbed_step(us_solver *s) {
    const perturbed_state *p = s->state;
    for (size_t i = 0; i < s->n; i++) s->trial[i] = s->theta[i] - p->rate * s->gradient[i];
    us__solver_ask(s, US_ASK_GRADIENT, false);
}

static void perturbed_perturb(us_solver *s) {
    perturbed_state *p = s->state;
    double size = 1, norm = 0;
    memcpy(p->before, s->theta, s->n * sizeof *s->theta);
    memcpy(p->gradient_before, s->gradient, s->n * sizeof *s->gradient);
    p->value_before = s->value;
    p->pending = p->watching = true;
    p->since = 0;
    for (size_t i = 0; i < s->n; i++) {
        size = fmax(size, fabs(s->theta[i]));
        s->trial[i] = us_rng_normal(&p->rng);
        norm = hypot(norm, s->trial[i]);
    }
    double length = PERTURBED_RADIUS * size * pow(us_rng_uniform(&p->rng), 1 / (double)s->n);
    for (size_t i = 0; i < s->n; i++) s->trial[i] = s->theta[i] + length * s->trial[i] / norm;
    us__solver_ask(s, US_ASK_GRADIENT, false);
}

/* Has the perturbation paid? If not, back to where it was. */
static void perturbed_settle(us_solver *s) {
    perturbed_state *p = s->state;
    p->watching = false;
    double pays = PERTURBED_PAYS * fmax(fabs(s->first_value - p->value_before), fabs(p->value_before));
    if (p->value_before - s->value > fmax(pays, PERTURBED_LEAST)) return;
    p->quiet = true;
    memcpy(s->theta, p->before, s->n * sizeof *s->theta);
    memcpy(s->gradient, p->gradient_before, s->n * sizeof *s->gradient);
    s->value = p->value_before;
}

static us_status perturbed_here(us_solver *s) {
    perturbed_state *p = s->state;
    double norm = cblas_dnrm2((int)s->n, s->gradient, 1), largest = 0;
    for (size_t i = 0; i < s->n; i++) largest = fmax(largest, fabs(s->gradient[i]));
    p->longest = fmax(p->longest, norm);
    if (s->value < -1e50 * fmax(1, fabs(s->first_value)))
        return us__solver_end(s, US_NOT_CONVERGED, "the loss falls without bound");
    if (p->watching && (++p->since > PERTURBED_PATIENCE || us__solver_is_small(s, s->gradient))) perturbed_settle(s);
    bool low = norm <= PERTURBED_SMALL * p->longest || us__solver_is_small(s, s->gradient);
    if (!low) p->quiet = p->quiet && norm <= 2 * PERTURBED_SMALL * p->longest;
    if (us__solver_is_small(s, s->gradient) && p->quiet)
        return us__solver_end(s, US_OK, "the gradient is zero within the tolerance");
    if (!us__solver_iterate(s, largest)) return s->ended;
    if (low && !p->quiet && !p->watching)
        perturbed_perturb(s);
    else
        perturbed_step(s);
    return US_OK;
}

static us_status perturbed_next(us_solver *s) {
    perturbed_state *p = s->state;
    bool finite =
        isfinite(p->begun ? s->trial_value : s->value) && us__all_finite(p->begun ? s->trial_gradient : s->gradient, s->n);
    if (!p->begun) {
        p->begun = true;
        s->first_value = s->value;
        if (!finite)
            return us__fail(s->context, US_ERR_NONFINITE,
                            "the loss or its gradient is not finite at the start; start elsewhere");
        p->rate = 1 / fmax(1, cblas_dnrm2((int)s->n, s->gradient, 1));
        return perturbed_here(s);
    }
    if (p->pending) {
        p->pending = false;
        if (finite) us__solver_accept(s);
        return perturbed_here(s);
    }
    double norm = cblas_dnrm2((int)s->n, s->gradient, 1), offered = 0.5 * p->rate * norm * norm;
    bool buried = offered <= 16 * DBL_EPSILON * fabs(s->value) && cblas_dnrm2((int)s->n, s->trial_gradient, 1) <= norm;
    if (finite && (s->value - s->trial_value >= offered || buried)) {
        us__solver_accept(s);
        if (!buried) p->rate *= 1.2;
        return perturbed_here(s);
    }
    bool low = norm <= PERTURBED_BURIED * fmax(1, fabs(s->value));
    if (finite && low && offered <= 16 * DBL_EPSILON * fabs(s->value) && !p->quiet) {
        /* The loss can't tell any more, and the gradient grows: a saddle, perhaps. */
        if (p->watching) perturbed_settle(s);
        if (p->quiet) return us__solver_end(s, US_OK, "what is left to gain is below this precision");
        if (!us__solver_iterate(s, norm)) return s->ended;
        perturbed_perturb(s);
        return US_OK;
    }
    p->rate *= 0.5;
    if (p->rate * norm <= s->options.step_tolerance * cblas_dnrm2((int)s->n, s->theta, 1) + DBL_MIN) {
        if (low) return us__solver_end(s, US_OK, "what is left to gain is below this precision");
        return us__solver_end(s, US_NOT_CONVERGED,
                              "no step lowers the loss, though the gradient is not zero: a kink, or a noisy loss");
    }
    perturbed_step(s);
    return US_OK;
}

const us__method us__method_perturbed = {
    .about = {.name = "perturbed-gradient",
              .title = "perturbed gradient descent",
              .formula = "theta <- theta - eta g;  where |g| is small: theta <- theta + xi, xi uniform in a ball",
              .latex = "\\theta \\leftarrow \\theta - \\eta g \\\\ "
                       "\\theta \\leftarrow \\theta + \\xi \\text{ where } |g| \\text{ is small},\\quad \\xi \\text{ "
                       "uniform in a ball}",
              .settings = "eta by backtracking; small: 1e-2 of the longest gradient so far; ball of radius 1e-2 max(1, "
                          "|theta|_inf); 100 steps to pay",
              .source = "Jin, Ge, Netrapalli, Kakade & Jordan 2017, How to escape saddle points efficiently, ICML",
              .advice = "To leave saddles by gradients alone; slow near a minimum, as gradient descent is."},
    .open = perturbed_open,
    .next = perturbed_next,
    .close = perturbed_close,
};
