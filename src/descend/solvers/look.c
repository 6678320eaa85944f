/* Both ends of the Hessian's spectrum where a solver ends: of the whole matrix for few parameters; for many from Lanczos'
 * three-term recurrence from a random vector, without a basis. Without reorthogonalisation its Ritz values stay in the
 * spectrum to within rounding, only copies of them appear (Paige 1980, Linear Algebra Appl. 34): the smallest one is an
 * upper bound of the smallest eigenvalue, and a negative one is a proof. */
#include "descend/solvers/look.h"
#include "descend/solvers/local.h"
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>
#include <unstuck/curvature.h>

enum { LOOK_WHOLE = 400, LOOK_PRODUCTS = 60, LOOK_CHECK = 10 };

typedef struct us__look {
    bool whole;
    size_t m;                  /* products so far */
    double *v, *hv, *previous; /* whole: [n×n] v and hv; else [n] each */
    double diagonal[LOOK_PRODUCTS], beyond[LOOK_PRODUCTS];
    double values[LOOK_PRODUCTS], spare[LOOK_PRODUCTS];
    double *memory;
} us__look;

us_status us__look_open(us_solver *s) {
    us__look *look = s->look = us__new(s->context, 1, sizeof *look);
    if (!look) return US_ERR_NOMEM;
    size_t n = s->n;
    look->whole = n <= LOOK_WHOLE;
    look->memory = us__alloc(s->context, n, (look->whole ? 2 * n + 1 : 3) * sizeof *look->memory);
    if (!look->memory) return US_ERR_NOMEM;
    look->v = look->memory, look->hv = look->v + (look->whole ? n * n : n),
    look->previous = look->hv + (look->whole ? n * n : n);
    return US_OK;
}

void us__look_close(us_solver *s) {
    if (!s->look) return;
    us__release(s->context, s->look->memory);
    us__release(s->context, s->look);
}

static void look_ask(us_solver *s, size_t count) {
    s->request.v = s->look->v;
    s->request.hv = s->look->hv;
    s->request.count = count;
    us__solver_ask(s, US_ASK_PRODUCTS, true);
}

void us__look_begin(us_solver *s) {
    us__look *look = s->look;
    size_t n = s->n;
    if (look->whole) {
        memset(look->v, 0, n * n * sizeof *look->v);
        for (size_t i = 0; i < n; i++) look->v[i * n + i] = 1;
        look_ask(s, n);
        return;
    }
    us_rng rng = us_rng_init(1, 0x656e64);
    for (size_t i = 0; i < n; i++) look->v[i] = us_rng_normal(&rng), look->previous[i] = 0;
    cblas_dscal((int)n, 1 / cblas_dnrm2((int)n, look->v, 1), look->v, 1);
    look_ask(s, 1);
}

/* What was seen, in words. */
static us_status look_end(us_solver *s, double lowest, double highest) {
    us_minimize_result *r = &s->result;
    double size = fmax(fabs(lowest), fabs(highest)), n = (double)s->n;
    r->lowest = lowest, r->highest = highest;
    r->resolution = 8 * (s->look->whole ? n : sqrt(n)) * s->epsilon * size;
    s->request.ask = US_ASK_NOTHING;
    if (!isfinite(size)) {
        r->lowest = r->highest = r->resolution = (double)NAN;
        r->kind = "undecided";
        return s->ended;
    }
    bool up = highest > r->resolution;
    if (lowest < -r->resolution) {
        r->kind = up ? "saddle" : s->look->whole && highest < -r->resolution ? "maximum" : "degenerate";
        r->reason = up ? "the gradient is zero, but at a saddle: the Hessian has negative eigenvalues"
                       : "the gradient is zero, but at a maximum: the Hessian has no positive eigenvalue";
        return s->ended = US_NOT_CONVERGED;
    }
    r->kind = !s->look->whole ? "undecided" : lowest > r->resolution ? "minimum" : "degenerate";
    return s->ended;
}

static us_status look_whole(us_solver *s) {
    us__look *look = s->look;
    size_t n = s->n;
    if (!us__all_finite(look->hv, n * n)) return look_end(s, (double)NAN, (double)NAN);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) look->v[i * n + j] = 0.5 * (look->hv[i * n + j] + look->hv[j * n + i]);
    us_status status = us_symmetric_eigen(s->context, n, look->v, look->previous);
    return status == US_OK ? look_end(s, look->previous[0], look->previous[n - 1]) : us__solver_end(s, status, "it failed");
}

us_status us__look_next(us_solver *s) {
    us__look *look = s->look;
    size_t n = s->n, m;
    if (us_context_cancelled(s->context)) return us__solver_end(s, US_INTERRUPTED, "interrupted");
    if (look->whole) return look_whole(s);
    double *v = look->v, *next = look->hv, norm;
    m = look->m++;
    if (m > 0) cblas_daxpy((int)n, -look->beyond[m - 1], look->previous, 1, next, 1);
    look->diagonal[m] = cblas_ddot((int)n, v, 1, next, 1);
    cblas_daxpy((int)n, -look->diagonal[m], v, 1, next, 1);
    norm = look->beyond[m] = cblas_dnrm2((int)n, next, 1);
    if (!isfinite(norm) || !isfinite(look->diagonal[m])) return look_end(s, (double)NAN, (double)NAN);
    bool last = look->m == LOOK_PRODUCTS || norm <= 1e-14 * fabs(look->diagonal[m]);
    if (last || look->m % LOOK_CHECK == 0) {
        memcpy(look->values, look->diagonal, look->m * sizeof *look->values);
        memcpy(look->spare, look->beyond, look->m * sizeof *look->spare);
        if (LAPACKE_dsterf_work((lapack_int)look->m, look->values, look->spare) != 0) {
            us__fail(s->context, US_ERR_NUMERIC, "LAPACK's dsterf failed");
            return us__solver_end(s, US_ERR_NUMERIC, "it failed");
        }
        double low = look->values[0], high = look->values[look->m - 1];
        if (last || (low < -1e-3 * fabs(high) && high > 0)) return look_end(s, low, high); /* clearly a saddle */
    }
    for (size_t i = 0; i < n; i++) {
        look->previous[i] = v[i];
        v[i] = next[i] / norm;
    }
    look_ask(s, 1);
    return US_OK;
}

/* ------------------------------------------------------------------ the solver that goes nowhere */

static us_status look_only_open(us_solver *s) {
    us__solver_ask(s, US_ASK_GRADIENT, true);
    return (s->state = us__new(s->context, 1, 1)) ? US_OK : US_ERR_NOMEM;
}
static us_status look_only_next(us_solver *s) { return us__solver_end(s, US_OK, "it was only looked at"); }
static void look_only_close(us_solver *s) { (void)s; }

const us__method us__method_look = {
    .about = {.name = "look"}, .open = look_only_open, .next = look_only_next, .close = look_only_close};
