#include "support.h"
#include <unstuck/diagnose.h>

/* A minimum in four parameters, reached; each row below changes what it is about. */
static us_evidence base(void) {
    us_evidence e;
    us_evidence_init(&e);
    e.loss = 2, e.gradient_norm = 1e-12, e.parameters = 4, e.samples = 10;
    e.gradient_checked = e.hessian_checked = true;
    e.gradient_disagreement = e.hessian_disagreement = 1e-9;
    e.spectrum_known = true;
    e.lambda_min = 0.5, e.lambda_max = 3, e.resolution = 1e-14, e.positive = 4;
    e.kind = US_KIND_MINIMUM, e.offered_decrease = 1e-20;
    e.decrease_carrying_on = 0, e.steps_carrying_on = 10, e.decrease_line_search = 0;
    e.steps_done = 100, e.learning_rate = e.base_learning_rate = e.effective_rate = 0.1, e.stability_limit = 2.0 / 3;
    return e;
}

static void minimum(us_evidence *e) {}
static void diverging(us_evidence *e) { e->carrying_on_finite = false, e->learning_rate = 1; }
static void broken(us_evidence *e) { e->finite = false, e->loss = (double)NAN; }
static void broken_later(us_evidence *e) { e->carrying_on_finite = false; }
static void wrong_gradient(us_evidence *e) { e->gradient_right = false, e->gradient_disagreement = 0.3; }
static void wrong_gradient_descending(us_evidence *e) { wrong_gradient(e), e->decrease_carrying_on = 1; }
static void unchecked_gradient(us_evidence *e) { e->gradient_checked = e->gradient_right = false; }
static void wrong_hessian(us_evidence *e) { e->hessian_right = false, e->hessian_disagreement = 0.3; }
static void moving(us_evidence *e) {
    e->kind = US_KIND_NOT_CRITICAL, e->gradient_norm = 1, e->offered_decrease = 0.3, e->decrease_line_search = 0.1,
    e->line_search_rate = 0.3;
}
static void descending(us_evidence *e) { moving(e), e->decrease_carrying_on = 0.1; }
static void lower_by_luck(us_evidence *e) { descending(e), e->full_batch = false, e->trend_carrying_on = -1e-3; }
static void batches_that_fall(us_evidence *e) {
    moving(e), e->full_batch = false, e->decrease_carrying_on = -0.1, e->trend_carrying_on = 0.1;
}
static void too_few_for_a_trend(us_evidence *e) { descending(e), e->full_batch = false; }
static void falls_too_little(us_evidence *e) { moving(e), e->decrease_carrying_on = 5e-4; }
static void falls_at_the_pace(us_evidence *e) { falls_too_little(e), e->carrying_on_share = 0.1; }
static void descending_wrong_hessian(us_evidence *e) { descending(e), wrong_hessian(e); }
static void timid(us_evidence *e) {
    moving(e), e->steps_done = 10, e->decrease_carrying_on = 3e-3,
               e->learning_rate = e->base_learning_rate = e->effective_rate = 1e-5;
}
static void timid_but_gets_there(us_evidence *e) { timid(e), e->steps_done = 100; } /* ten times the speed, by its length */
static void timid_with_momentum(us_evidence *e) { timid(e), e->effective_rate = 0.1; }
static void decayed(us_evidence *e) { timid(e), e->base_learning_rate = 0.1; }
static void frozen(us_evidence *e) { timid(e), e->decrease_carrying_on = 0, e->frozen_share = 0.9; }
static void half_frozen_descending(us_evidence *e) { descending(e), e->frozen_share = 0.9; }
static void timid_but_near_the_limit(us_evidence *e) { timid(e), e->stability_limit = 2e-5; }
static void jumping(us_evidence *e) { moving(e), e->learning_rate = 2.0 / 3, e->decrease_carrying_on = 0; }
static void up_and_down_but_falling(us_evidence *e) {
    jumping(e), e->decrease_carrying_on = -1e-3, e->trend_carrying_on = 0.1;
}
static void unmeasurable(us_evidence *e) { moving(e), e->decrease_line_search = 0, e->decrease_carrying_on = 0; }
static void no_idea(us_evidence *e) { moving(e), e->decrease_carrying_on = 0; }
static void uphill(us_evidence *e) { moving(e), e->decrease_carrying_on = -0.5; }
static void large(us_evidence *e) {
    e->spectrum_known = false, e->kind = US_KIND_UNDECIDED, e->negative = e->zero = e->positive = 0;
    e->lambda_min = e->lambda_max = e->resolution = (double)NAN;
}
static void curve(us_evidence *e, size_t negative, size_t zero, size_t positive) {
    e->negative = negative, e->zero = zero, e->positive = positive;
    e->kind = us_kind_from_counts(true, negative, zero, positive);
    e->lambda_min = negative ? -1 : zero ? 1e-16 : 0.5;
    e->lambda_max = positive ? 3 : zero ? 1e-16 : -0.5;
    if (negative) e->decrease_escape = 0.5;
}
static void top(us_evidence *e) { curve(e, 4, 0, 0); }
static void saddle(us_evidence *e) { curve(e, 1, 0, 3); }
static void saddle_with_zeros(us_evidence *e) { curve(e, 1, 2, 1); }
static void saddle_on_a_ridge(us_evidence *e) { curve(e, 1, 3, 0); }
static void saddle_symmetric(us_evidence *e) { saddle(e), e->symmetric_units = true; }
static void saddle_left_already(us_evidence *e) { saddle(e), e->decrease_carrying_on = 0.1; }
static void slight(us_evidence *e) { saddle(e), e->lambda_min = -1e-5, e->decrease_escape = 0.01; }
static void slight_but_it_pays(us_evidence *e) { saddle(e), e->lambda_min = -1e-5, e->decrease_escape = 0.5; }
static void slight_behind_saturated(us_evidence *e) { slight_but_it_pays(e), e->saturated_share = 1; }
static void slight_symmetric(us_evidence *e) { slight(e), e->symmetric_units = true; }
static void nowhere(us_evidence *e) { saddle(e), e->decrease_escape = 0; }
static void unsearched(us_evidence *e) { saddle(e), e->decrease_escape = (double)NAN; }
static void valley(us_evidence *e) { curve(e, 0, 1, 3), e->null_space = US_NULL_FLAT; }
static void dead(us_evidence *e) { curve(e, 0, 3, 1), e->null_space = US_NULL_FLAT; }
static void flat_but_learnt(us_evidence *e) { dead(e), e->floor = 0, e->constant_loss = 5; }
static void flat_and_hardly_learnt(us_evidence *e) { dead(e), e->floor = 0, e->constant_loss = 2.1; }
static void local(us_evidence *e) { e->floor = 0, e->constant_loss = 3, e->lower_loss = 1.7; }
static void local_valley(us_evidence *e) { valley(e), e->lower_loss = 1; }
static void hardly_lower(us_evidence *e) { local(e), e->lower_loss = 1.9; }
static void local_but_a_saddle(us_evidence *e) { saddle(e), e->lower_loss = 1; }
static void beyond_the_edge(us_evidence *e) { up_and_down_but_falling(e), e->learning_rate = 1.2; }
static void vanishing(us_evidence *e) {
    valley(e), e->hidden_units = 8, e->floor = 0, e->constant_loss = 2, e->signal_fade = 1e-5;
}
static void vanishing_but_learnt(us_evidence *e) { vanishing(e), e->constant_loss = 8; }
static void constant(us_evidence *e) { vanishing(e), e->signal_fade = 0.1; }
static void dead_before_vanishing(us_evidence *e) { vanishing(e), e->dead_share = 1; }
static void beside(us_evidence *e) {
    curve(e, 1, 0, 3), moving(e), e->decrease_carrying_on = 0;
    e->near_kind = US_KIND_SADDLE, e->near_distance = 0.1, e->steps_to_leave = 300;
}
static void beside_symmetric(us_evidence *e) { beside(e), e->symmetric_units = true, e->steps_to_leave = HUGE_VAL; }
static void constant_beside(us_evidence *e) { beside_symmetric(e), e->hidden_units = 8, e->floor = 0, e->constant_loss = 2; }
static void constant_where_the_way_out_does_not_pay(us_evidence *e) { constant_beside(e), e->decrease_escape = 0; }
static void falls(us_evidence *e) { curve(e, 0, 1, 3), e->null_space = US_NULL_WAY_DOWN; }
static void rises(us_evidence *e) { curve(e, 0, 1, 3), e->null_space = US_NULL_RISES; }
static void unprobed(us_evidence *e) { curve(e, 0, 1, 3), e->null_space = US_NULL_NOT_PROBED; }

/* Every row of the table, and its neighbours on the other side. */
static const struct {
    const char *what;
    void (*change)(us_evidence *);
    us_verdict_name name;
    const char *cause;
    bool stuck;
} CASES[] = {
#define CASE(change, name, cause, stuck) \
    { #change, change, US_VERDICT_##name, cause, stuck }
    CASE(minimum, MINIMUM, "converged", false),
    CASE(diverging, DIVERGED, "lr-above-stability", true),
    CASE(broken, DIVERGED, NULL, true),
    CASE(broken_later, DIVERGED, NULL, true),
    CASE(wrong_gradient, UNDECIDED, "wrong-gradient", true),
    CASE(wrong_gradient_descending, UNDECIDED, "wrong-gradient", true),
    CASE(unchecked_gradient, MINIMUM, "converged", false),
    CASE(wrong_hessian, UNDECIDED, "wrong-gradient", true),
    CASE(descending, DESCENDING, NULL, false),
    CASE(lower_by_luck, UNDECIDED, NULL, false),
    CASE(batches_that_fall, DESCENDING, NULL, false),
    CASE(too_few_for_a_trend, DESCENDING, NULL, false),
    CASE(falls_too_little, UNDECIDED, NULL, false),
    CASE(falls_at_the_pace, DESCENDING, NULL, false),
    CASE(descending_wrong_hessian, DESCENDING, NULL, false),
    CASE(timid, CRAWLING, "lr-too-small", true),
    CASE(timid_but_gets_there, DESCENDING, NULL, false),
    CASE(slight_behind_saturated, PLATEAU, "saturated-units", true),
    CASE(timid_with_momentum, DESCENDING, NULL, false),
    CASE(decayed, CRAWLING, "lr-decayed", true),
    CASE(frozen, PLATEAU, "frozen-arithmetic", true),
    CASE(half_frozen_descending, DESCENDING, NULL, false),
    CASE(up_and_down_but_falling, DESCENDING, "edge-of-stability", false),
    CASE(timid_but_near_the_limit, DESCENDING, NULL, false),
    CASE(jumping, OSCILLATING, "lr-above-stability", true),
    CASE(unmeasurable, UNDECIDED, "below-precision", false),
    CASE(no_idea, UNDECIDED, NULL, false),
    CASE(uphill, UNDECIDED, NULL, false),
    CASE(large, UNDECIDED, "needs-more-products", false),
    CASE(top, MAXIMUM, "negative-definite", true),
    CASE(saddle, SADDLE, "negative-curvature", true),
    CASE(saddle_with_zeros, SADDLE, "negative-curvature", true),
    CASE(saddle_on_a_ridge, SADDLE, "negative-curvature", true),
    CASE(saddle_symmetric, SADDLE, "symmetric-units", true),
    CASE(saddle_left_already, DESCENDING, NULL, false),
    CASE(slight, PLATEAU, "flat", true),
    CASE(slight_but_it_pays, SADDLE, "negative-curvature", true),
    CASE(slight_symmetric, PLATEAU, "flat", true),
    CASE(nowhere, PLATEAU, "flat", true),
    CASE(unsearched, PLATEAU, "flat", true),
    CASE(valley, MINIMUM, "flat-valley", false),
    CASE(dead, PLATEAU, "flat", true),
    CASE(flat_but_learnt, MINIMUM, "flat-valley", false),
    CASE(flat_and_hardly_learnt, PLATEAU, "flat", true),
    CASE(local, MINIMUM, "local", true),
    CASE(local_valley, MINIMUM, "local", true),
    CASE(hardly_lower, MINIMUM, "converged", false),
    CASE(local_but_a_saddle, SADDLE, "negative-curvature", true),
    CASE(beyond_the_edge, DESCENDING, NULL, false),
    CASE(vanishing, PLATEAU, "vanishing-gradient", true),
    CASE(vanishing_but_learnt, MINIMUM, "flat-valley", false),
    CASE(constant, PLATEAU, "constant-predictor", true),
    CASE(dead_before_vanishing, PLATEAU, "dead-units", true),
    CASE(beside, SADDLE, "negative-curvature", true),
    CASE(beside_symmetric, SADDLE, "symmetric-units", true),
    CASE(constant_beside, SADDLE, "symmetric-units", true),
    CASE(constant_where_the_way_out_does_not_pay, PLATEAU, "constant-predictor", true),
    CASE(falls, PLATEAU, "flat", true),
    CASE(rises, MINIMUM, "converged", false),
    CASE(unprobed, UNDECIDED, NULL, false),
#undef CASE
};

static void every_row_is_reached(void **state) {
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        us_evidence e = base();
        CASES[c].change(&e);
        us_verdict v = us_verdict_decide(&e, NULL);
        bool same = v.cause == CASES[c].cause || (v.cause && CASES[c].cause && strcmp(v.cause, CASES[c].cause) == 0);
        if (v.name != CASES[c].name || !same || v.stuck != CASES[c].stuck)
            fail_msg("%s: %s, %s", CASES[c].what, us_verdict_text(v.name), v.cause ? v.cause : "no cause");
        assert_true(v.confidence >= 0 && v.confidence <= 0.99);
        assert_true((v.would_decide != NULL) == (v.name == US_VERDICT_UNDECIDED));
        assert_true(strlen(v.sentence) > 20 && strlen(v.would_change) > 10 && strlen(v.signs) > 3);
        for (size_t i = 0; i < v.also_count; i++) {
            assert_true(v.stuck && strcmp(v.also[i].cause, v.cause ? v.cause : "") != 0);
            assert_true(i == 0 || v.also[i].confidence <= v.also[i - 1].confidence);
        }
    }
}

/* Whatever else is seen: a resolved negative eigenvalue is never called a minimum, and neither is what was not measured. */
static void negative_curvature_is_never_a_minimum(void **state) {
    us_rng rng = us_rng_init(5, 5);
    size_t minima = 0;
    for (int k = 0; k < 200000; k++) {
        us_evidence e = base();
        double *numbers[] = {&e.loss,
                             &e.lambda_min,
                             &e.lambda_max,
                             &e.offered_decrease,
                             &e.decrease_carrying_on,
                             &e.decrease_line_search,
                             &e.line_search_rate,
                             &e.decrease_escape,
                             &e.learning_rate,
                             &e.stability_limit,
                             &e.resolution};
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            uint32_t draw = us_rng_below(&rng, 8);
            if (draw < 5)
                *numbers[i] = us_rng_normal(&rng) * pow(10, -16 * us_rng_uniform(&rng));
            else if (draw == 5)
                *numbers[i] = (double)NAN;
        }
        e.negative = us_rng_below(&rng, 2), e.zero = us_rng_below(&rng, 2), e.positive = us_rng_below(&rng, 2);
        e.spectrum_known = us_rng_below(&rng, 4) != 0;
        if (!e.spectrum_known) e.negative = e.zero = e.positive = 0;
        e.kind = e.spectrum_known ? us_kind_from_counts(us_rng_below(&rng, 4) != 0, e.negative, e.zero, e.positive)
                                  : US_KIND_UNDECIDED;
        e.null_space = (us_null_space)us_rng_below(&rng, 4);
        e.symmetric_units = us_rng_below(&rng, 2);
        e.gradient_right = us_rng_below(&rng, 8) != 0, e.hessian_right = us_rng_below(&rng, 8) != 0;
        us_verdict v = us_verdict_decide(&e, NULL);
        if (v.name != US_VERDICT_MINIMUM) continue;
        minima++;
        assert_int_equal(e.negative, 0);
        assert_true(e.spectrum_known && e.gradient_right && e.hessian_right);
        assert_true(e.kind == US_KIND_MINIMUM || e.kind == US_KIND_DEGENERATE);
        assert_true(e.kind == US_KIND_MINIMUM || e.null_space == US_NULL_FLAT || e.null_space == US_NULL_RISES);
        assert_false(v.stuck);
    }
    assert_true(minima > 1000); /* the question was asked */
}

/* What else the evidence shows stands beside the verdict, the surest first; a healthy training has nothing of the kind. */
static void other_causes_are_ranked(void **state) {
    us_evidence e = base();
    dead_before_vanishing(&e);
    us_verdict v = us_verdict_decide(&e, NULL);
    assert_int_equal(v.also_count, 2);
    assert_string_equal(v.also[0].cause, "vanishing-gradient");
    assert_string_equal(v.also[1].cause, "constant-predictor");
    e.decrease_carrying_on = 1;
    assert_int_equal(us_verdict_decide(&e, NULL).also_count, 0);
}

static void confidence_grows_with_the_margin(void **state) {
    us_evidence e = base();
    saddle(&e);
    double before = 0;
    for (double resolution = 0.9; resolution > 0.03; resolution /= 3) {
        e.resolution = resolution;
        double now = us_verdict_decide(&e, NULL).confidence;
        assert_true(now > before);
        before = now;
    }
}

/* DESIGN.md's table, all of it. */
static void kinds_follow_the_table(void **state) {
    static const struct {
        size_t negative, zero, positive;
        us_kind kind;
    } TABLE[] = {{0, 0, 3, US_KIND_MINIMUM},   {3, 0, 0, US_KIND_MAXIMUM},    {1, 0, 2, US_KIND_SADDLE},
                 {1, 1, 1, US_KIND_SADDLE},    {0, 1, 2, US_KIND_DEGENERATE}, {0, 3, 0, US_KIND_DEGENERATE},
                 {1, 2, 0, US_KIND_DEGENERATE}};
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++) {
        assert_int_equal(us_kind_from_counts(true, TABLE[i].negative, TABLE[i].zero, TABLE[i].positive), TABLE[i].kind);
        assert_int_equal(us_kind_from_counts(false, TABLE[i].negative, TABLE[i].zero, TABLE[i].positive),
                         US_KIND_NOT_CRITICAL);
    }
    assert_string_equal(us_kind_name(US_KIND_NOT_CRITICAL), "not-critical");
    assert_string_equal(us_verdict_text(US_VERDICT_OSCILLATING), "oscillating");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_reached),    cmocka_unit_test(negative_curvature_is_never_a_minimum),
        cmocka_unit_test(other_causes_are_ranked), cmocka_unit_test(confidence_grows_with_the_margin),
        cmocka_unit_test(kinds_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
