/* The limit of stability: on a quadratic, steps of a rule θ ← θ − α·D⁻¹·(..) stay bounded as long as α·λ is below what the
 * rule bears (us_rule.stability), λ the largest eigenvalue of D^(-1/2)HD^(-1/2). For rules that do not divide D = 1, and λ
 * is the Hessian's own; for the others it is found by Lanczos' method, with D as the rule's state stands. Source: Cohen et
 * al. 2022, "Adaptive gradient methods at the edge of stability" (arXiv:2207.14484). */
#include "diagnose/evidence.h"
#include <math.h>
#include <unstuck/operator.h>

enum { STABILITY_PRODUCTS = 100 };

/* The largest eigenvalue of D^(-1/2)HD^(-1/2); NaN where D or H does not give one. */
static us_status stability_sharpness(us__gathering *g, double *sharpness) {
    us_context *context = us_problem_context(g->problem);
    us_hessian_operator *h = NULL;
    us_eigenpairs *pairs = NULL;
    us_status status = us_training_preconditioner(g->training, g->after);
    if (status == US_ERR_UNSUPPORTED) {
        us_context_error_clear(context);
        return US_OK;
    }
    if (!status) status = us_restricted_take(g->full, g->after, g->place.at);
    if (status) return status;
    us_vec_read_f64(g->place.at, g->direction);
    for (size_t i = 0; i < g->place.n; i++)
        if (!(g->direction[i] > 0 && isfinite(g->direction[i]))) return US_OK;
    if ((status = us_hessian_operator_create(&h, g->problem, g->theta, US_BATCH_ALL, 1))) return status;
    if ((status = us_hessian_operator_precondition(h, g->direction))) goto done;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.bottom = 0, o.tolerance = 1e-5, o.products = STABILITY_PRODUCTS, o.seed = g->options->point.seed;
    o.seconds = g->options->point.seconds / 10;
    status = us_lanczos_solve(&pairs, context, us_hessian_operator_get(h), &o);
    if (pairs && pairs->top) *sharpness = pairs->values[pairs->bottom + pairs->top - 1];
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (status == US_ERR_NONFINITE || status == US_ERR_NUMERIC) {
        us_context_error_clear(context);
        status = US_OK;
    }
done:
    us_eigenpairs_destroy(pairs);
    us_hessian_operator_destroy(h);
    return status;
}

us_status us__evidence_stability(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    const us_rule *rule = us_training_rule(g->training);
    if (!rule->stability || !e->spectrum_known) return US_OK;
    double lambda = e->lambda_max;
    if (rule->preconditioner) {
        us_status status = stability_sharpness(g, &e->sharpness_preconditioned);
        if (status) return status;
        lambda = e->sharpness_preconditioned;
    }
    if (lambda > 0) e->stability_limit = rule->stability(us_training_hyper(g->training)) / lambda;
    return US_OK;
}
