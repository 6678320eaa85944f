#include "jet.h"
#include <unstuck/diagnose.h>

/* ------------------------------------------------------------------ functions with known critical points */

static jet f_quartic(const jet *x) { return jet_square(jet_square(x[0])); }
static jet f_hill(const jet *x) { return jet_sub(jet_number(1), f_quartic(x)); }
static jet f_cubic(const jet *x) { return jet_mul(x[0], jet_square(x[0])); }
static jet f_monkey(const jet *x) { return jet_sub(f_cubic(x), jet_times(3, jet_mul(x[0], jet_square(x[1])))); }
static jet f_valley(const jet *x) { return jet_square(jet_sub(jet_number(1), jet_mul(x[0], x[1]))); }
static jet f_quartic_bowl(const jet *x) { return jet_add(f_quartic(x), f_quartic(x + 1)); }
static jet f_half_quartic(const jet *x) { return jet_add(jet_square(x[0]), f_quartic(x + 1)); }
static jet f_flat_ridge(const jet *x) { return jet_sub(jet_square(x[0]), f_quartic(x + 1)); }
static jet f_flat_side(const jet *x) { return jet_times(-1, f_flat_ridge(x)); }
static jet f_peano(const jet *x) {
    jet s = jet_square(x[0]);
    return jet_mul(jet_sub(x[1], s), jet_sub(x[1], jet_times(2, s)));
}
static jet f_gradient_flat(const jet *x) { return jet_add(jet_add(x[0], jet_times(1.0 / 3, f_cubic(x))), jet_square(x[1])); }
static jet f_gaussian(const jet *x) { return jet_exp(jet_times(-1, jet_add(jet_square(x[0]), jet_square(x[1])))); }
static jet f_himmelblau(const jet *x) {
    return jet_add(jet_square(jet_plus(jet_add(jet_square(x[0]), x[1]), -11)),
                   jet_square(jet_plus(jet_add(x[0], jet_square(x[1])), -7)));
}
static jet f_brown(const jet *x) {
    return jet_add(jet_add(jet_square(jet_plus(x[0], -1e6)), jet_square(jet_plus(x[1], -2e-6))),
                   jet_square(jet_plus(jet_mul(x[0], x[1]), -2)));
}
static jet f_powell_scaled(const jet *x) {
    return jet_add(jet_square(jet_plus(jet_times(1e4, jet_mul(x[0], x[1])), -1)),
                   jet_square(jet_plus(jet_add(jet_exp(jet_times(-1, x[0])), jet_exp(jet_times(-1, x[1]))), -1.0001)));
}
static jet f_saddle_17(const jet *x) {
    return jet_sub(jet_times(1e8, jet_square(jet_add(x[0], x[1]))), jet_times(1e-9, jet_square(jet_sub(x[0], x[1]))));
}
static jet f_scaled_bowl(const jet *x) {
    return jet_add(jet_times(1e8, jet_square(jet_plus(x[0], -1))), jet_times(1e-4, jet_square(jet_plus(x[1], -2))));
}
static jet f_scaled_saddle(const jet *x) {
    return jet_sub(jet_times(1e8, jet_square(jet_plus(x[0], -1))), jet_times(1e-4, jet_square(jet_plus(x[1], -2))));
}
static jet f_wood(const jet *x) {
    jet a = jet_times(100, jet_square(jet_sub(x[1], jet_square(x[0])))), b = jet_square(jet_plus(x[0], -1));
    jet c = jet_times(90, jet_square(jet_sub(x[3], jet_square(x[2])))), d = jet_square(jet_plus(x[2], -1));
    jet e = jet_times(10.1, jet_add(jet_square(jet_plus(x[1], -1)), jet_square(jet_plus(x[3], -1))));
    return jet_add(jet_add(jet_add(a, b), jet_add(c, d)),
                   jet_add(e, jet_times(19.8, jet_mul(jet_plus(x[1], -1), jet_plus(x[3], -1)))));
}
static jet f_powell_singular(const jet *x) {
    return jet_add(jet_add(jet_square(jet_add(x[0], jet_times(10, x[1]))), jet_times(5, jet_square(jet_sub(x[2], x[3])))),
                   jet_add(jet_square(jet_square(jet_sub(x[1], jet_times(2, x[2])))),
                           jet_times(10, jet_square(jet_square(jet_sub(x[0], x[3]))))));
}
/* ½‖uvᵀ − diag(3,1)‖², x = u1 u2 v1 v2 */
static jet f_rank_one(const jet *x) {
    jet a = jet_add(jet_square(jet_plus(jet_mul(x[0], x[2]), -3)), jet_square(jet_mul(x[0], x[3])));
    return jet_times(0.5,
                     jet_add(a, jet_add(jet_square(jet_mul(x[1], x[2])), jet_square(jet_plus(jet_mul(x[1], x[3]), -1)))));
}
/* ½‖A·B·.. − diag(first, second)‖² for 2x2 factors, row-major one after another */
static jet linear_net(const jet *x, int layers, double first, double second) {
    jet m[4] = {x[0], x[1], x[2], x[3]}, sum = jet_number(0);
    for (int l = 1; l < layers; l++) {
        const jet *b = x + 4 * l;
        jet p[4];
        for (int i = 0; i < 4; i++) p[i] = jet_add(jet_mul(m[i / 2 * 2], b[i % 2]), jet_mul(m[i / 2 * 2 + 1], b[2 + i % 2]));
        memcpy(m, p, sizeof m);
    }
    m[0].f -= first, m[3].f -= second;
    for (int i = 0; i < 4; i++) sum = jet_add(sum, jet_square(m[i]));
    return jet_times(0.5, sum);
}
static jet f_linear_2(const jet *x) { return linear_net(x, 2, 3, 1); }
static jet f_linear_3(const jet *x) { return linear_net(x, 3, 8, 1); }
static jet f_chain_3(const jet *x) { return jet_times(0.5, jet_square(jet_plus(jet_mul(jet_mul(x[0], x[1]), x[2]), -1))); }
/* 2-2-1 tanh network on XOR, x = b1 b2 c v1 v2 w11 w12 w21 w22 */
static jet f_xor(const jet *x) {
    jet sum = jet_number(0);
    for (int row = 0; row < 4; row++) {
        double p = row >> 1, q = row & 1, target = p != q;
        jet out = jet_plus(x[2], -target);
        for (int unit = 0; unit < 2; unit++) {
            jet in = jet_add(x[unit], jet_add(jet_times(p, x[5 + 2 * unit]), jet_times(q, x[6 + 2 * unit])));
            out = jet_add(out, jet_mul(x[3 + unit], jet_tanh(in)));
        }
        sum = jet_add(sum, jet_square(out));
    }
    return jet_times(0.125, sum);
}
static jet f_shifted_bowl(const jet *x) {
    return jet_add(jet_square(jet_plus(x[0], -1.0 / 3)), jet_times(1e20, jet_square(jet_plus(x[1], -0.1))));
}
static jet f_units(const jet *x) { return jet_square(jet_plus(jet_times(1e20, x[0]), -1)); }
static jet f_cosines(const jet *x) {
    return jet_times(-1, jet_add(jet_chain(x[0], cos(x[0].f), -sin(x[0].f), -cos(x[0].f)),
                                 jet_times(2, jet_chain(x[1], cos(x[1].f), -sin(x[1].f), -cos(x[1].f)))));
}
static jet f_root_two(const jet *x) { return jet_times(1e20, jet_square(jet_plus(jet_square(x[0]), -2))); }
static jet f_inflection(const jet *x) { return jet_add(x[0], jet_chain(x[0], cos(x[0].f), -sin(x[0].f), -cos(x[0].f))); }
static jet f_zero(const jet *x) { return jet_times(0, x[0]); }
static jet f_cubic_beside(const jet *x) { return jet_add(jet_square(x[0]), f_cubic(x + 1)); }

#define KIND(name) (1u << US_KIND_##name)
#define ANY (2 * M_PI)

/* Points and kinds from reference cases with 50-digit coordinates; all derived for this project with mpmath. */
static const struct {
    const char *name;
    jet_function function;
    size_t n;
    double at[JET_MAX];
    unsigned kinds; /* accepted */
    double lowest;  /* eigenvalue; ANY: not looked at */
    int escape;     /* 1: there must be one, and the loss falls along it; 2: only on a curve; 0: none; -1: either */
} CASES[] = {
    {"x^4", f_quartic, 1, {0}, KIND(DEGENERATE), 0, 0},
    {"1-x^4", f_hill, 1, {0}, KIND(DEGENERATE), 0, 1},
    {"x^3", f_cubic, 1, {0}, KIND(DEGENERATE) | KIND(SADDLE), 0, 1},
    {"himmelblau beside a minimum", f_himmelblau, 2, {3.58, -1.85}, KIND(NOT_CRITICAL), 28.75691600422504, -1},
    {"himmelblau minimum", f_himmelblau, 2, {3, 2}, KIND(MINIMUM), ANY, 0},
    {"monkey saddle", f_monkey, 2, {0, 0}, KIND(DEGENERATE) | KIND(SADDLE), 0, 1},
    {"valley, origin", f_valley, 2, {0, 0}, KIND(SADDLE), -2, 1},
    {"valley, 1 1", f_valley, 2, {1, 1}, KIND(DEGENERATE), 0, 0},
    {"valley, 2 1/2", f_valley, 2, {2, 0.5}, KIND(DEGENERATE), 0, 0},
    {"quartic bowl", f_quartic_bowl, 2, {0, 0}, KIND(DEGENERATE), 0, 0},
    {"half quartic", f_half_quartic, 2, {0, 0}, KIND(DEGENERATE), 0, 0},
    {"x^2-y^4", f_flat_ridge, 2, {0, 0}, KIND(DEGENERATE) | KIND(SADDLE), 0, 1},
    {"y^4-x^2", f_flat_side, 2, {0, 0}, KIND(DEGENERATE) | KIND(SADDLE), -2, 1},
    {"peano", f_peano, 2, {0, 0}, KIND(DEGENERATE) | KIND(SADDLE), 0, 2},
    {"gradient-flat", f_gradient_flat, 2, {0, 0}, KIND(NOT_CRITICAL), 0, -1},
    {"gaussian plateau", f_gaussian, 2, {6, 6}, KIND(NOT_CRITICAL) | KIND(DEGENERATE) | KIND(UNDECIDED), ANY, -1},
    {"gaussian top", f_gaussian, 2, {0, 0}, KIND(MAXIMUM), -2, 1},
    {"brown", f_brown, 2, {1e6, 2e-6}, KIND(MINIMUM), ANY, 0},
    {"brown, far", f_brown, 2, {1e6, 1}, KIND(NOT_CRITICAL), ANY, -1},
    {"brown, start", f_brown, 2, {1, 1}, KIND(NOT_CRITICAL), ANY, -1},
    {"powell badly scaled",
     f_powell_scaled,
     2,
     {1.0981593296998175e-05, 9.106146739866524},
     KIND(MINIMUM) | KIND(DEGENERATE) | KIND(UNDECIDED),
     ANY,
     0},
    {"saddle by 1e-17", f_saddle_17, 2, {0, 0}, KIND(SADDLE) | KIND(DEGENERATE) | KIND(UNDECIDED), ANY, -1},
    {"bowl of condition 1e12", f_scaled_bowl, 2, {1, 2}, KIND(MINIMUM), 2e-4, 0},
    {"saddle of condition 1e12", f_scaled_saddle, 2, {1, 2}, KIND(SADDLE), -2e-4, 1},
    {"wood",
     f_wood,
     4,
     {-0.9679740249375931, 0.9471391408178418, -0.9695163103315911, 0.9512476657923252},
     KIND(SADDLE),
     -0.11954865818636173,
     1},
    {"powell singular", f_powell_singular, 4, {0}, KIND(DEGENERATE), 0, 0},
    {"rank one, origin", f_rank_one, 4, {0}, KIND(SADDLE), -3, 1},
    {"rank one, second", f_rank_one, 4, {0, 1, 0, 1}, KIND(SADDLE), -2, 1},
    {"linear net 8", f_linear_2, 8, {1.7320508075688772, 0, 0, 0, 1.7320508075688772}, KIND(SADDLE), -1, 1},
    {"linear net 12", f_linear_3, 12, {2, 0, 0, 0, 2, 0, 0, 0, 2}, KIND(DEGENERATE) | KIND(SADDLE), 0, 1},
    {"chain of three", f_chain_3, 3, {0}, KIND(DEGENERATE) | KIND(SADDLE), 0, 1},
    {"xor, zero", f_xor, 9, {0, 0, 0.5}, KIND(DEGENERATE) | KIND(SADDLE), 0, -1},
    {"rounded minimum", f_shifted_bowl, 2, {1.0 / 3, 0.1}, KIND(MINIMUM), 2, 0},
    {"minimum between two numbers", f_cosines, 2, {2 * M_PI, 2 * M_PI}, KIND(MINIMUM), 1, 0},
    {"no number squares to two", f_root_two, 1, {1.4142135623730951}, KIND(MINIMUM), ANY, 0},
    {"small units", f_units, 1, {0}, KIND(NOT_CRITICAL), ANY, -1},
    {"small units, there", f_units, 1, {1e-20}, KIND(MINIMUM), ANY, 0},
    {"nothing at all", f_zero, 1, {3}, KIND(DEGENERATE), 0, 0},
    /* A Newton step from a degenerate point: small eigenvalues that are not those of the critical point. */
    {"x^2 + y^3 beside", f_cubic_beside, 2, {0, 1e-12}, KIND(DEGENERATE) | KIND(NOT_CRITICAL), ANY, -1},
    {"x + cos x beside", f_inflection, 1, {1.5707963267948966 + 6e-9}, KIND(DEGENERATE) | KIND(UNDECIDED), ANY, -1},
    {"x + cos x on the other side",
     f_inflection,
     1,
     {1.5707963267948966 - 6e-9},
     KIND(DEGENERATE) | KIND(UNDECIDED),
     ANY,
     -1},
    {"x^2 + y^4 beside", f_half_quartic, 2, {0, 1e-7}, KIND(DEGENERATE) | KIND(MINIMUM) | KIND(NOT_CRITICAL), ANY, 0},
    {"x^2 - y^4 beside", f_flat_ridge, 2, {0, 1e-7}, KIND(DEGENERATE) | KIND(SADDLE) | KIND(NOT_CRITICAL), ANY, -1},
};

/* Does the function fall along plus or minus the direction? */
static bool goes_down(us_problem *problem, const us_point *point, size_t n) {
    us_context *context = us_problem_context(problem);
    us_vec *x;
    bool down = false;
    assert_int_equal(us_vec_create(&x, context, US_F64, n), US_OK);
    for (int k = 0; k <= 12; k++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double t = sign * pow(10, -k / 2.0), loss;
            for (size_t i = 0; i < n; i++) us_vec_set(x, i, point->theta[i] + t * point->escape[i]);
            assert_int_equal(us_problem_value(problem, x, US_BATCH_ALL, &loss), US_OK);
            down = down || loss < point->value - 1e-13 * fmax(fabs(point->value), 1e-9);
        }
    us_vec_destroy(x);
    return down;
}

static void every_known_point_is_named(void **state) {
    us_context *context = support_plain_context();
    size_t wrong = 0;
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        jet_problem p = {CASES[c].function, CASES[c].n};
        us_problem *problem = jet_create(context, &p);
        us_vec *theta;
        double at[JET_MAX];
        memcpy(at, CASES[c].at, sizeof at);
        assert_int_equal(us_vec_wrap(&theta, context, US_F64, p.n, at), US_OK);
        us_point *point = NULL;
        assert_int_equal(us_point_classify(&point, problem, theta, NULL), US_OK);
        bool good = (CASES[c].kinds >> point->kind) & 1;
        if (CASES[c].lowest != ANY)
            good = good && fabs(point->spectrum->values[0] - CASES[c].lowest) <= 1e-6 * fabs(CASES[c].lowest) + 1e-12;
        if (CASES[c].escape >= 0) good = good && (point->escape != NULL) == (CASES[c].escape > 0);
        if (CASES[c].escape == 1) good = good && goes_down(problem, point, p.n);
        if (!good) {
            wrong++;
            print_error("%s: %s, lowest %g of resolution %g, gradient %g offers %g, null space %d, escape %s\n",
                        CASES[c].name, us_kind_name(point->kind), point->spectrum->values[0], point->spectrum->resolution,
                        point->gradient_norm, point->offered_decrease, (int)point->null_space, point->escape ? "yes" : "no");
        }
        us_point_destroy(point);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
    assert_int_equal(wrong, 0);
}

/* The degenerate path and the one above the limit, with each allocation failing. */
static us_status classify_body(us_context *context, void *user) {
    jet_problem p = {f_monkey, 2};
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = 2, callback.user = &p;
    callback.value = jet_value, callback.gradient = jet_gradient, callback.hvp = jet_hvp;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_point *point = NULL;
    us_point_options o = US_POINT_OPTIONS_INIT;
    o.spectrum.limit = *(const size_t *)user;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (!status) status = us_vec_create(&theta, context, US_F64, 2);
    if (!status) status = us_point_classify(&point, problem, theta, &o);
    us_point_destroy(point);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void every_allocation_may_fail(void **state) {
    for (size_t limit = 1; limit <= 2; limit++) support_fail_each_allocation(classify_body, &limit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_point_is_named),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
