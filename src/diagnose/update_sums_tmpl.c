/* One pass over an update, for all its sums. */
#include "diagnose/watch.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__update_sums)(us__update_sums *to, const void *theta, const void *before, const void *last,
                                        const void *gradient, const void *gradient_before, size_t n) {
    const us_real *restrict t = theta, *restrict b = before, *restrict l = last, *restrict g = gradient,
                            *restrict h = gradient_before;
    double tt = 0, dd = 0, gg = 0, dl = 0, ll = 0, gh = 0, hh = 0, moved = 0, still = 0, bad = 0;
#pragma omp simd reduction(+ : tt, dd, gg, dl, ll, gh, hh, moved, still, bad)
    for (size_t i = 0; i < n; i++) {
        double x = (double)t[i], d = x - (double)b[i], e = (double)l[i], p = (double)g[i], q = (double)h[i];
        tt += x * x, dd += d * d, gg += p * p;
        dl += d * e, ll += e * e;
        gh += p * q, hh += q * q;
        double has = p != 0 ? 1.0 : 0.0;
        moved += has;
        still += d == 0 ? has : 0.0;
        bad += (x - x) + (p - p) == 0 ? 0.0 : 1.0; /* of what is not finite the difference is NaN */
    }
    to->theta_theta += tt, to->delta_delta += dd, to->gradient_gradient += gg;
    to->delta_last += dl, to->last_last += ll;
    to->gradient_before += gh, to->before_before += hh;
    to->moved += moved, to->still += still, to->not_finite += bad;
}
