/* Planes and the loss over them, on a small network with data. */
#include "support.h"
#include <unstuck/unstuck.h>

static us_context *context;

#define assert_done(call)                                                                                    \
    do {                                                                                                     \
        us_status done_ = (call);                                                                            \
        if (done_ != US_OK) fail_msg("%s: %s: %s", #call, us_status_name(done_), us_context_error(context)); \
    } while (0)

/* 5 inputs, 4 and 3 units, 2 outputs: 24 + 15 + 8 parameters. */
typedef struct net {
    us_dataset *data;
    us_model *model;
    us_problem *problem;
    us_vec *theta;
} net;

static us_status net_make(net *t, us_context *in) {
    us_rng rng = us_rng_init(7, 0);
    *t = (net){0};
    us_model_options options = US_MODEL_OPTIONS_INIT;
    options.text = "mlp:4,3:tanh", options.inputs = 5, options.outputs = 2, options.task = US_REGRESSION;
    us_status status = us_dataset_create(&t->data, in, US_F64, 30, 5, US_REGRESSION, 2);
    if (status != US_OK) return status;
    us_rng_fill_normal(&rng, us_dataset_features(t->data), 30 * 5);
    us_rng_fill_normal(&rng, us_dataset_targets(t->data), 30 * 2);
    if ((status = us_model_create(&t->model, in, &options)) != US_OK) return status;
    if ((status = us_model_problem(&t->problem, t->model, t->data)) != US_OK) return status;
    if ((status = us_vec_create(&t->theta, in, US_F64, us_problem_dimension(t->problem))) != US_OK) return status;
    us_vec_fill_normal(t->theta, &rng);
    return US_OK;
}

static void net_release(net *t) {
    us_vec_destroy(t->theta);
    us_problem_destroy(t->problem);
    us_model_destroy(t->model);
    us_dataset_destroy(t->data);
}

static double dot(const double *x, const double *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static void assert_orthonormal(const us_plane *p) {
    assert_near(dot(p->direction[0], p->direction[0], p->n), 1, 1e-12, 0);
    assert_near(dot(p->direction[1], p->direction[1], p->n), 1, 1e-12, 0);
    assert_near(dot(p->direction[0], p->direction[1], p->n), 0, 0, 1e-12);
}

/* ------------------------------------------------------------------ directions */

/* Li et al. 2018: each filter of d has the length of the same filter of θ, biases are zero. */
static void random_is_filter_normalised(void **state) {
    net t;
    us_plane *p, *again;
    size_t groups, filters = 0;
    assert_done(net_make(&t, context));
    assert_done(us_plane_random(&p, t.problem, t.theta, 2, 5));
    assert_done(us_plane_random(&again, t.problem, t.theta, 2, 5));
    assert_memory_equal(p->direction[1], again->direction[1], p->n * sizeof(double));
    const us_group *group = us_problem_groups(t.problem, &groups);
    for (size_t g = 0; g < groups; g++) {
        size_t parts = group[g].rank >= 2 ? group[g].shape[0] : 1, size = group[g].count / parts;
        for (size_t f = 0; f < parts; f++)
            for (size_t k = 0; k < 2; k++) {
                const double *d = p->direction[k] + group[g].offset + f * size,
                             *own = p->origin + group[g].offset + f * size;
                if (group[g].rank >= 2)
                    assert_near(sqrt(dot(d, d, size)), sqrt(dot(own, own, size)), 1e-12, 0);
                else
                    assert_true(dot(d, d, size) == 0);
                filters += group[g].rank >= 2 ? 1 : 0;
            }
    }
    assert_int_equal(filters, 2 * (4 + 3 + 2));
    us_plane_destroy(again);
    us_plane_destroy(p);
    us_vec_fill(t.theta, 0); /* no length to take */
    assert_done(us_plane_random(&p, t.problem, t.theta, 1, 5));
    assert_near(dot(p->direction[0], p->direction[0], p->n), 1, 1e-12, 0);
    us_plane_destroy(p);
    net_release(&t);
}

/* Against the dense spectrum of the same Hessian. */
static void eigenvectors_of_both_ends(void **state) {
    net t;
    us_plane *p;
    us_spectrum *dense;
    assert_done(net_make(&t, context));
    us_plane_eigen_options o = US_PLANE_EIGEN_OPTIONS_INIT;
    o.tolerance = 1e-9;
    assert_done(us_plane_eigen(&p, t.problem, t.theta, 2, &o));
    us_spectrum_options so = US_SPECTRUM_OPTIONS_INIT;
    assert_done(us_spectrum_dense(&dense, t.problem, t.theta, &so));
    assert_orthonormal(p);
    assert_near(p->value[0], dense->values[0], 1e-8, 0);
    assert_near(p->value[1], dense->values[p->n - 1], 1e-8, 0);
    us_plane_destroy(p);
    assert_done(us_plane_eigen(&p, t.problem, t.theta, 1, &o));
    assert_near(p->value[0], dense->values[0], 1e-8, 0);
    assert_null(p->direction[1]);
    us_plane_destroy(p);
    us_spectrum_destroy(dense);
    net_release(&t);
}

/* A path in a known plane: its principal directions are those that it was made of, its places project on what they were
 * made from, and the shares are those of the squares. */
static void principal_directions_of_a_path(void **state) {
    enum { N = 40, PLACES = 9 };
    us_vec *end, *places[PLACES];
    us_plane *p;
    us_rng rng = us_rng_init(3, 0);
    double a[N] = {0}, b[N] = {0}, x[PLACES], y[PLACES], xx = 0, yy = 0, xy = 0;
    a[3] = 0.6, a[17] = -0.8;
    b[3] = 0.48, b[17] = 0.36, b[20] = 0.8; /* orthogonal to a, length 1 */
    assert_done(us_vec_create(&end, context, US_F64, N));
    us_vec_fill_normal(end, &rng);
    for (size_t i = 0; i < PLACES; i++) {
        x[i] = 3 * cos(0.7 * (double)i), y[i] = 0.5 * sin(1.9 * (double)i + 0.3);
        xx += x[i] * x[i], yy += y[i] * y[i], xy += x[i] * y[i];
        assert_done(us_vec_create(&places[i], context, US_F64, N));
        for (size_t e = 0; e < N; e++) us_vec_set(places[i], e, us_vec_get(end, e) + x[i] * a[e] + y[i] * b[e]);
    }
    assert_done(us_plane_path(&p, context, end, (const us_vec *const *)places, PLACES, 2));
    assert_orthonormal(p);
    assert_near(p->value[0] + p->value[1], 1, 1e-12, 0);
    /* The 2×2 matrix of squares by hand. */
    double middle = (xx + yy) / 2, half = sqrt((xx - yy) * (xx - yy) / 4 + xy * xy);
    assert_near(p->value[0], (middle + half) / (xx + yy), 1e-12, 0);
    for (size_t i = 0; i < PLACES; i++) {
        double at[2], off, length = x[i] * x[i] + y[i] * y[i];
        us_plane_project(p, places[i], at, &off);
        assert_near(off, 0, 0, 1e-12);
        assert_near(at[0] * at[0] + at[1] * at[1], length, 1e-12, 0);
        us_vec *back;
        assert_done(us_vec_create(&back, context, US_F64, N));
        us_plane_place(p, at, back);
        for (size_t e = 0; e < N; e++) assert_near(us_vec_get(back, e), us_vec_get(places[i], e), 1e-12, 1e-12);
        us_vec_destroy(back);
    }
    us_plane_destroy(p);
    /* One that never left a line is completed, one that never moved is refused. */
    assert_done(us_plane_path(&p, context, end, (const us_vec *const *)places, 1, 2));
    assert_orthonormal(p);
    assert_true(p->value[0] == 1 && p->value[1] == 0);
    us_plane_destroy(p);
    const us_vec *same[] = {end, end};
    assert_int_equal(us_plane_path(&p, context, end, same, 2, 2), US_ERR_ARGUMENT);
    assert_null(p);
    for (size_t i = 0; i < PLACES; i++) us_vec_destroy(places[i]);
    us_vec_destroy(end);
}

/* Directions that are neither orthogonal nor of length 1: the nearest place, and the distance that is left. */
static void projects_on_a_skew_plane(void **state) {
    us_plane *p;
    us_vec *theta;
    double at[2], off;
    assert_done(us_plane_create(&p, context, 3, 2));
    p->origin[0] = 1, p->origin[1] = 2, p->origin[2] = 3;
    p->direction[0][0] = 2, p->direction[1][0] = 1, p->direction[1][1] = 0.5;
    assert_done(us_vec_create(&theta, context, US_F32, 3));
    us_vec_set(theta, 0, 1 + 2 * 0.75 - 1.5), us_vec_set(theta, 1, 2 - 0.75), us_vec_set(theta, 2, 3 - 0.25);
    us_plane_project(p, theta, at, &off);
    assert_near(at[0], 0.75, 1e-6, 0);
    assert_near(at[1], -1.5, 1e-6, 0);
    assert_near(off, 0.25, 1e-6, 0);
    us_vec_destroy(theta);
    us_plane_destroy(p);
    assert_int_equal(us_plane_create(&p, context, 1, 2), US_ERR_ARGUMENT);
    assert_int_equal(us_plane_create(&p, context, 5, 3), US_ERR_ARGUMENT);
}

/* ------------------------------------------------------------------ the grid */

static bool stop_sometimes(void *user, size_t done, size_t total) {
    size_t *calls = user;
    return ++*calls % 2 != 0 || done == total;
}

static void loss_is_the_problems(void **state) {
    enum { NX = 9, NY = 6 };
    net t;
    us_plane *p;
    us_vec *theta;
    double whole[NX * NY], parts[NX * NY], threads[NX * NY], at[2], loss;
    assert_done(net_make(&t, context));
    assert_done(us_plane_random(&p, t.problem, t.theta, 2, 2));
    us_landscape_options o = US_LANDSCAPE_OPTIONS_INIT;
    o.points[0] = NX, o.points[1] = NY, o.low[0] = -0.7, o.high[1] = 0.3;
    size_t done = 0, calls = 0;
    assert_done(us_landscape_compute(t.problem, p, &o, whole, &done));
    assert_int_equal(done, NX * NY);
    assert_done(us_vec_create(&theta, context, US_F64, p->n));
    for (size_t j = 0; j < NY; j++)
        for (size_t i = 0; i < NX; i++) {
            at[0] = us_landscape_coordinate(&o, 0, i), at[1] = us_landscape_coordinate(&o, 1, j);
            for (size_t e = 0; e < p->n; e++)
                us_vec_set(theta, e, p->origin[e] + at[0] * p->direction[0][e] + at[1] * p->direction[1][e]);
            assert_done(us_problem_value(t.problem, theta, US_BATCH_ALL, &loss));
            assert_near(whole[j * NX + i], loss, 1e-14, 0);
        }
    assert_true(us_landscape_coordinate(&o, 0, 0) == -0.7 && us_landscape_coordinate(&o, 1, NY - 1) == 0.3);
    /* Stopped again and again, gone on with, on more threads: the same bits. What is not done is NaN, and is spread. */
    o.progress = stop_sometimes, o.progress_user = &calls;
    us_status status = US_INTERRUPTED;
    done = 0;
    for (int rounds = 0; status == US_INTERRUPTED && rounds < 1000; rounds++) {
        status = us_landscape_compute(t.problem, p, &o, parts, &done);
        size_t there = 0;
        for (size_t i = 0; i < NX * NY; i++) there += isnan(parts[i]) ? 0 : 1;
        assert_int_equal(there, done);
        if (rounds == 0) assert_true(status == US_INTERRUPTED && done < NX * NY && !isnan(parts[0]));
    }
    assert_done(status);
    assert_memory_equal(parts, whole, sizeof whole);
    o.progress = NULL;
    assert_done(us_context_set_threads(context, 3));
    done = 0;
    assert_done(us_landscape_compute(t.problem, p, &o, threads, &done));
    assert_done(us_context_set_threads(context, 1));
    assert_memory_equal(threads, whole, sizeof whole);
    /* Cancelled, and refused. */
    us_context_cancel(context);
    done = 0;
    assert_int_equal(us_landscape_compute(t.problem, p, &o, parts, &done), US_INTERRUPTED);
    us_context_resume(context);
    assert_int_equal(done, 0);
    o.points[1] = 1;
    assert_int_equal(us_landscape_compute(t.problem, p, &o, parts, &done), US_ERR_ARGUMENT);
    o.points[1] = NY, o.low[0] = 1;
    assert_int_equal(us_landscape_compute(t.problem, p, &o, parts, &done), US_ERR_ARGUMENT);
    us_vec_destroy(theta);
    us_plane_destroy(p);
    net_release(&t);
}

/* Along one parameter of a formula; where it is not finite it is no error. */
static void along_one_axis(void **state) {
    const char *names[] = {"x", "y"};
    us_problem *problem;
    us_vec *theta;
    us_plane *p;
    double loss[5];
    assert_done(us_problem_create_formula(&problem, context, "log(x)+y^2", names, 2));
    assert_done(us_vec_create(&theta, context, US_F64, 2));
    us_vec_set(theta, 1, 3);
    assert_done(us_plane_axes(&p, context, theta, 0, 1));
    us_landscape_options o = US_LANDSCAPE_OPTIONS_INIT;
    o.points[0] = 5, o.low[0] = -2, o.high[0] = 2;
    size_t done = 0;
    assert_done(us_landscape_compute(problem, p, &o, loss, &done));
    assert_true(isnan(loss[0]) && isinf(loss[2]));
    assert_near(loss[4], log(2) + 9, 1e-14, 0);
    us_plane *none;
    assert_int_equal(us_plane_axes(&none, context, theta, 1, 2), US_ERR_ARGUMENT);
    us_plane_destroy(p);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
}

/* f = 1 + 50·x² changes by as much as it is at x = 0.1414: the span is the first doubling beyond. */
static void span_by_the_loss(void **state) {
    const char *names[] = {"x", "y"};
    us_problem *problem;
    us_vec *theta;
    us_plane *p;
    double span;
    assert_done(us_problem_create_formula(&problem, context, "1+50*x^2+1e-9*y", names, 2));
    assert_done(us_vec_create(&theta, context, US_F64, 2));
    assert_done(us_plane_axes(&p, context, theta, 0, 2));
    assert_done(us_plane_span(p, problem, 0, &span));
    assert_in_range((long)(1e4 * span), 1415, 2829);
    assert_done(us_plane_span(p, problem, 1, &span));
    assert_true(span >= 2); /* flat */
    us_plane_destroy(p);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
}

/* ------------------------------------------------------------------ memory */

static us_status everything(us_context *in, void *user) {
    net t = {0};
    us_plane *p = NULL, *q = NULL, *r = NULL;
    double loss[9];
    size_t done = 0;
    us_status status = net_make(&t, in);
    us_landscape_options o = US_LANDSCAPE_OPTIONS_INIT;
    o.points[0] = o.points[1] = 3;
    us_plane_eigen_options eigen = US_PLANE_EIGEN_OPTIONS_INIT;
    eigen.products = 8;
    if (status == US_OK) status = us_context_set_threads(in, 2);
    if (status == US_OK) status = us_plane_random(&p, t.problem, t.theta, 2, 1);
    us_vec *place = NULL;
    double at[2] = {0.5, 0.5};
    if (status == US_OK) status = us_vec_create(&place, in, US_F64, p->n);
    if (status == US_OK) us_plane_place(p, at, place);
    if (status == US_OK) status = us_plane_path(&q, in, t.theta, (const us_vec *const *)&place, 1, 2);
    if (status == US_OK) status = us_plane_eigen(&r, t.problem, t.theta, 2, &eigen);
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (status == US_OK) status = us_landscape_compute(t.problem, p, &o, loss, &done);
    us_vec_destroy(place);
    us_plane_destroy(p);
    us_plane_destroy(q);
    us_plane_destroy(r);
    net_release(&t);
    return status;
}

static void survives_failing_allocations(void **state) { support_fail_each_allocation(everything, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_is_filter_normalised),
        cmocka_unit_test(eigenvectors_of_both_ends),
        cmocka_unit_test(principal_directions_of_a_path),
        cmocka_unit_test(projects_on_a_skew_plane),
        cmocka_unit_test(loss_is_the_problems),
        cmocka_unit_test(along_one_axis),
        cmocka_unit_test(span_by_the_loss),
        cmocka_unit_test(survives_failing_allocations),
    };
    context = support_plain_context();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    us_context_destroy(context);
    return failed;
}
