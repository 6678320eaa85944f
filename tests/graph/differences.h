/* Derivatives of a problem in f64 beside central differences of fourth order: (8(f₁−f₋₁) − (f₂−f₋₂))/12h. */
#ifndef TESTS_GRAPH_DIFFERENCES_H
#define TESTS_GRAPH_DIFFERENCES_H

#include "support.h"
#include <unstuck/problem.h>

#define DIFFERENCES_STEP 1e-3

static inline us_vec *differences_vec(const us_problem *p) {
    us_vec *v;
    assert_int_equal(us_vec_create(&v, us_problem_context(p), us_problem_precision(p), us_problem_dimension(p)), US_OK);
    return v;
}

/* max |gradient − differences| over the coordinates, relative to 1 + the largest. */
static inline double differences_gradient_step(us_problem *p, const us_vec *theta, us_batch batch, double h) {
    size_t n = us_problem_dimension(p);
    us_vec *gradient = differences_vec(p), *at = differences_vec(p);
    double loss, worst = 0;
    assert_int_equal(us_problem_gradient(p, theta, batch, &loss, gradient), US_OK);
    for (size_t i = 0; i < n; i++) {
        double f[5];
        for (int s = -2; s <= 2; s++) {
            us_vec_copy(at, theta);
            us_vec_set(at, i, us_vec_get(theta, i) + s * h);
            assert_int_equal(us_problem_value(p, at, batch, &f[s + 2]), US_OK);
        }
        assert_near(f[2], loss, 1e-15, 0);
        double slope = (8 * (f[3] - f[1]) - (f[4] - f[0])) / (12 * h);
        double error = fabs(slope - us_vec_get(gradient, i));
        worst = error <= worst ? worst : error; /* NaN is kept */
    }
    worst /= 1 + us_vec_norm_inf(gradient);
    us_vec_destroy(gradient), us_vec_destroy(at);
    return worst;
}

/* The same for products with random vectors, and |⟨u,Hv⟩ − ⟨v,Hu⟩|. */
static inline double differences_product_step(us_problem *p, const us_vec *theta, us_batch batch, double h) {
    us_vec *v[2], *hv[2], *at = differences_vec(p), *g = differences_vec(p), *sum = differences_vec(p);
    us_rng rng = us_rng_init(11, 4);
    for (int k = 0; k < 2; k++) {
        v[k] = differences_vec(p);
        hv[k] = differences_vec(p);
        us_vec_fill_normal(v[k], &rng);
        us_vec_scale(v[k], 1 / us_vec_norm2(v[k]));
    }
    assert_int_equal(us_problem_hvp(p, theta, batch, (const us_vec *const *)v, hv, 2), US_OK);
    double worst = 0, loss, weight[5] = {1, -8, 0, 8, -1};
    for (int k = 0; k < 2; k++) {
        us_vec_fill(sum, 0);
        for (int s = -2; s <= 2; s++) {
            us_vec_sum(at, theta, s * h, v[k]);
            assert_int_equal(us_problem_gradient(p, at, batch, &loss, g), US_OK);
            us_vec_axpy(sum, weight[s + 2] / (12 * h), g);
        }
        us_vec_axpy(sum, -1, hv[k]);
        double error = us_vec_norm_inf(sum) / (1 + us_vec_norm_inf(hv[k]));
        worst = error <= worst ? worst : error;
    }
    double asymmetry =
        fabs(us_vec_dot(v[0], hv[1]) - us_vec_dot(v[1], hv[0])) / (1 + us_vec_norm2(hv[0]) + us_vec_norm2(hv[1]));
    worst = asymmetry <= worst ? worst : asymmetry;
    for (int k = 0; k < 2; k++) us_vec_destroy(v[k]), us_vec_destroy(hv[k]);
    us_vec_destroy(at), us_vec_destroy(g), us_vec_destroy(sum);
    return worst;
}

static inline double differences_gradient(us_problem *p, const us_vec *theta, us_batch batch) {
    return differences_gradient_step(p, theta, batch, DIFFERENCES_STEP);
}
static inline double differences_product(us_problem *p, const us_vec *theta, us_batch batch) {
    return differences_product_step(p, theta, batch, DIFFERENCES_STEP);
}

#endif
