/* Rows of logits; one that is NaN makes its row NaN. */
#include "graph/graph.h"
#include "graph/ops/rows.h"

us__row US_REAL(us__softmax), US_REAL(us__softmax_slope);
us__kernel US_REAL(us__log_sum_exp);

US_KERNEL void US_REAL(us__softmax)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    us_real *p = out;
    us_real scale = (us_real)(1 / row_exp(US_REAL(us__math_now)(), p, in[0], n));
    (void)node, (void)step;
    for (size_t c = 0; c < n; c++) p[c] *= scale;
}

/* max z + log(1 + Σ' exp(z − max z)), where Σ' leaves out one largest; −∞ where all logits are. */
US_KERNEL void US_REAL(us__log_sum_exp)(const us__call *call) {
    const us__node *x = us__at(call->graph, call->node->in[0]);
    size_t n = x->shape[x->rank - 1], rows = us__elements(x, call->rows) / n;
    row_math *math = US_REAL(us__math_now)();
    const us_real *z = call->in[0];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++, z += n) {
        us_real most = row_max(z, n);
        bool nothing = most == -(us_real)INFINITY && row_sum(z, n) == (double)most;
        out[i] = nothing ? most : most + (us_real)log1p(row_others(math, z, most, n));
    }
}

/* p∘(d − ⟨p, d⟩) */
US_KERNEL void US_REAL(us__softmax_slope)(const us__node *node, void *out, const void *const *in, const size_t *step,
                                          size_t n) {
    const us_real *p = in[0], *d = in[1];
    us_real *s = out, mean = (us_real)row_dot(p, d, n);
    (void)node, (void)step;
    for (size_t c = 0; c < n; c++) s[c] = p[c] * (d[c] - mean);
}
