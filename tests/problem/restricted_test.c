/* The restricted decorator: slices of the whole problem's gradient, blocks of its Hessian. */
#include "support.h"
#include <unstuck/graph.h>
#include <unstuck/problem.h>

enum { N = 7 }; /* groups a [2], b [3×1], c [2] */

/* Σ sin(aᵢ·bⱼ) + Σ bⱼ²·exp(c₀)·c₁ + a₀·c₁³: all groups meet. */
static us_status whole_problem(us_problem **out, us_context *context, us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, context);
    if (status != US_OK) return status;
    us_node a = us_graph_parameter(g, "a", 1, (size_t[]){2}), b = us_graph_parameter(g, "b", 2, (size_t[]){3, 1});
    us_node c = us_graph_parameter(g, "c", 1, (size_t[]){2}), ab = us_graph_apply(g, "sin", us_graph_mul(g, a, b));
    us_node bc = us_graph_mul(g, us_graph_mul(g, b, b), us_graph_apply(g, "exp", c));
    us_node ac = us_graph_mul(g, a, us_graph_mul(g, c, us_graph_mul(g, c, c)));
    us_node all = us_graph_add(g, us_graph_add(g, ab, bc), ac);
    us_graph_set_loss(g, us_graph_sum(g, us_graph_sum(g, all, 0), 0));
    return us_problem_create_graph(out, g, NULL, precision);
}

static us_vec *vec(us_context *context, us_precision precision, size_t n, uint64_t draw) {
    us_vec *v;
    us_rng rng = us_rng_init(3, draw);
    assert_int_equal(us_vec_create(&v, context, precision, n), US_OK);
    us_vec_fill_normal(v, &rng);
    return v;
}

static const size_t FREE[] = {0, 1, 5, 6}; /* a and c, where b is held */
static const bool HELD[] = {false, true, false};

static void slices_and_blocks_of_the_whole(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    us_problem *whole, *part, *penalised;
    assert_int_equal(whole_problem(&whole, context, US_F64), US_OK);
    us_vec *theta = vec(context, US_F64, N, 0), *gradient = vec(context, US_F64, N, 1), *x = vec(context, US_F64, 4, 2);
    us_vec *slope = vec(context, US_F64, 4, 3), *v[20], *hv[20], *wide = vec(context, US_F64, N, 4), *product;
    product = vec(context, US_F64, N, 5);
    assert_int_equal(us_problem_create_restricted(&part, whole, theta, HELD, false), US_OK);
    size_t groups;
    const us_group *group = us_problem_groups(part, &groups);
    assert_int_equal(us_problem_dimension(part), 4);
    assert_int_equal(groups, 2);
    assert_string_equal(group[0].name, "a");
    assert_string_equal(group[1].name, "c");
    assert_int_equal(group[1].offset, 2);
    /* At another point than the one that was given: the held group stays. */
    for (size_t i = 0; i < 4; i++) us_vec_set(theta, FREE[i], us_vec_get(x, i));
    double loss[2];
    assert_int_equal(us_problem_gradient(whole, theta, US_BATCH_ALL, &loss[0], gradient), US_OK);
    assert_int_equal(us_problem_gradient(part, x, US_BATCH_ALL, &loss[1], slope), US_OK);
    assert_true(loss[0] == loss[1]);
    for (size_t i = 0; i < 4; i++) assert_true(us_vec_get(slope, i) == us_vec_get(gradient, FREE[i]));
    assert_int_equal(us_problem_value(part, x, US_BATCH_ALL, &loss[1]), US_OK);
    assert_near(loss[0], loss[1], 1e-15, 0);
    for (size_t k = 0; k < 20; k++) v[k] = vec(context, US_F64, 4, 10 + k), hv[k] = vec(context, US_F64, 4, 0);
    assert_int_equal(us_problem_hvp(part, x, US_BATCH_ALL, (const us_vec *const *)v, hv, 20), US_OK);
    for (size_t k = 0; k < 20; k++) {
        us_vec_fill(wide, 0);
        assert_int_equal(us_restricted_put(part, v[k], wide), US_OK);
        assert_int_equal(us_problem_hvp(whole, theta, US_BATCH_ALL, (const us_vec *const[]){wide}, &product, 1), US_OK);
        assert_int_equal(us_restricted_take(part, product, slope), US_OK);
        for (size_t i = 0; i < 4; i++) {
            assert_true(us_vec_get(wide, FREE[i]) == us_vec_get(v[k], i));
            assert_near(us_vec_get(hv[k], i), us_vec_get(product, FREE[i]), 1e-14, 1e-14);
            assert_true(us_vec_get(slope, i) == us_vec_get(product, FREE[i]));
        }
    }
    /* Behind another decorator, in another precision, and with it. */
    us_problem *single;
    us_vec *small = vec(context, US_F32, 4, 0);
    assert_int_equal(us_problem_create_l2(&penalised, part, 0.5, false), US_OK);
    assert_int_equal(us_problem_recast(&single, penalised, US_F32), US_OK);
    us_vec_copy(small, x);
    assert_int_equal(us_problem_value(single, small, US_BATCH_ALL, &loss[1]), US_OK);
    assert_near(loss[1], loss[0] + 0.25 * us_vec_dot(x, x), 1e-5, 1e-5);
    us_problem_destroy(single), us_problem_destroy(penalised), us_problem_destroy(part), us_problem_destroy(whole);
    for (size_t k = 0; k < 20; k++) us_vec_destroy(v[k]), us_vec_destroy(hv[k]);
    us_vec *rest[] = {theta, gradient, x, slope, wide, product, small};
    for (size_t k = 0; k < sizeof rest / sizeof *rest; k++) us_vec_destroy(rest[k]);
    us_context_destroy(context);
}

static void nothing_to_hold_and_nothing_free(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    us_problem *whole, *part;
    us_vec *theta = vec(context, US_F32, N, 0), *few = vec(context, US_F32, 4, 0); /* of another precision: converted */
    assert_int_equal(whole_problem(&whole, context, US_F64), US_OK);
    assert_int_equal(us_problem_create_restricted(&part, whole, theta, (bool[]){true, true, true}, false), US_ERR_ARGUMENT);
    assert_null(part);
    assert_int_equal(us_problem_create_restricted(&part, whole, few, NULL, false), US_ERR_ARGUMENT);
    assert_int_equal(us_restricted_take(whole, theta, few), US_ERR_ARGUMENT);
    assert_int_equal(us_restricted_put(whole, few, theta), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_create_restricted(&part, whole, theta, NULL, true), US_OK); /* no group is state */
    assert_int_equal(us_problem_dimension(part), N);
    us_problem_destroy(part);
    us_vec_destroy(theta), us_vec_destroy(few);
    us_context_destroy(context);
}

/* Without state: all of it, in the precision that is asked for. With state: tests/diagnose/state_test.c. */
static void nothing_to_freeze(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    us_problem *whole, *frozen;
    us_vec *theta = vec(context, US_F32, N, 0), *few = vec(context, US_F32, 4, 0), *at, *back = vec(context, US_F64, N, 1);
    assert_int_equal(whole_problem(&whole, context, US_F32), US_OK);
    assert_int_equal(us_problem_freeze(&frozen, &at, whole, US_F64, few), US_ERR_ARGUMENT);
    assert_true(!frozen && !at);
    assert_int_equal(us_problem_freeze(&frozen, &at, whole, US_F64, theta), US_OK);
    assert_int_equal(us_problem_dimension(frozen), N);
    assert_int_equal(us_problem_precision(frozen), US_F64);
    assert_int_equal(us_restricted_put(frozen, at, back), US_OK);
    assert_int_equal(us_restricted_put(frozen, at, theta), US_ERR_ARGUMENT); /* of another precision */
    for (size_t i = 0; i < N; i++)
        assert_true(us_vec_get(at, i) == us_vec_get(theta, i) && us_vec_get(back, i) == us_vec_get(theta, i));
    us_problem_destroy(frozen), us_problem_destroy(whole);
    us_vec_destroy(theta), us_vec_destroy(few), us_vec_destroy(at), us_vec_destroy(back);
    us_context_destroy(context);
}

static us_status freeze_body(us_context *context, void *user) {
    (void)user;
    us_problem *whole, *frozen = NULL;
    us_vec *theta = NULL, *at = NULL;
    us_status status = whole_problem(&whole, context, US_F64);
    if (status != US_OK) return status;
    status = us_vec_create(&theta, context, US_F64, N);
    if (status == US_OK) status = us_problem_freeze(&frozen, &at, whole, US_F64, theta);
    us_problem_destroy(frozen), us_problem_destroy(whole);
    us_vec_destroy(theta), us_vec_destroy(at);
    return status;
}

static us_status restricted_body(us_context *context, void *user) {
    (void)user;
    us_problem *whole, *part;
    us_vec *theta, *x = NULL, *hv = NULL;
    us_status status = whole_problem(&whole, context, US_F64);
    if (status != US_OK) return status;
    if ((status = us_vec_create(&theta, context, US_F64, N)) != US_OK) {
        us_problem_destroy(whole);
        return status;
    }
    status = us_problem_create_restricted(&part, whole, theta, HELD, true);
    if (status == US_OK) status = us_vec_create(&x, context, US_F64, 4);
    if (status == US_OK) status = us_vec_create(&hv, context, US_F64, 4);
    if (status == US_OK) status = us_problem_hvp(part, x, US_BATCH_ALL, (const us_vec *const[]){x}, &hv, 1);
    us_problem_destroy(part);
    us_vec_destroy(theta), us_vec_destroy(x), us_vec_destroy(hv);
    return status;
}

static void failing_allocations_leave_nothing(void **state) {
    (void)state;
    support_fail_each_allocation(restricted_body, NULL);
    support_fail_each_allocation(freeze_body, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_and_blocks_of_the_whole),
        cmocka_unit_test(nothing_to_hold_and_nothing_free),
        cmocka_unit_test(nothing_to_freeze),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
