#include "report/series.h"
#include "support.h"
#include <unstuck/rng.h>

enum { COUNT = 100000, POINTS = 1000 };

static double step[COUNT], value[COUNT];
static size_t keep[POINTS];

static bool kept(size_t count, size_t index) {
    for (size_t i = 0; i < count; i++)
        if (keep[i] == index) return true;
    return false;
}

static void make(void) {
    us_rng rng = us_rng_init(3, 0);
    for (size_t i = 0; i < COUNT; i++) {
        step[i] = (double)(i * 3);
        value[i] = 2.385 / (1 + (double)i / 500) + 0.01 * us_rng_normal(&rng);
    }
}

static void spikes_of_one_point_stay(void **state) {
    us_rng rng = us_rng_init(4, 0);
    for (size_t trial = 0; trial < 20; trial++) {
        make();
        size_t up = 1 + (size_t)(us_rng_uniform(&rng) * (COUNT - 2)),
               down = 1 + (size_t)(us_rng_uniform(&rng) * (COUNT - 2));
        size_t lost = 1 + (size_t)(us_rng_uniform(&rng) * (COUNT - 2));
        value[up] += 40, value[down] -= 40;
        if (lost != up && lost != down) value[lost] = (double)NAN;
        size_t count = us__thin(step, value, COUNT, POINTS, keep);
        assert_in_range(count, POINTS / 4, POINTS);
        assert_int_equal(keep[0], 0);
        assert_int_equal(keep[count - 1], COUNT - 1);
        for (size_t i = 1; i < count; i++) assert_true(keep[i] > keep[i - 1]);
        assert_true(kept(count, up));
        assert_true(kept(count, down));
        /* of neighbours that are not finite the first of a bucket is enough: here there is one */
        if (lost != up && lost != down) assert_true(kept(count, lost));
    }
}

/* Every stretch as long as a bucket has its highest and its lowest value within two buckets: the picture's outline. */
static void the_outline_is_the_same(void **state) {
    make();
    size_t count = us__thin(step, value, COUNT, POINTS, keep), bucket = COUNT / ((POINTS - 2) / 4);
    for (size_t begin = 1; begin + 3 * bucket < COUNT; begin += bucket / 3) {
        double high = value[begin + bucket], low = high, kept_high = -HUGE_VAL, kept_low = HUGE_VAL;
        for (size_t i = begin + bucket; i < begin + 2 * bucket; i++) high = fmax(high, value[i]), low = fmin(low, value[i]);
        for (size_t i = 0; i < count; i++)
            if (keep[i] >= begin && keep[i] < begin + 3 * bucket + 3)
                kept_high = fmax(kept_high, value[keep[i]]), kept_low = fmin(kept_low, value[keep[i]]);
        assert_true(kept_high >= high);
        assert_true(kept_low <= low);
    }
}

static void few_points_are_all_kept_and_a_budget_is_a_budget(void **state) {
    make();
    for (size_t count = 0; count <= 6; count++) assert_int_equal(us__thin(step, value, count, 6, keep), count);
    for (size_t points = 6; points <= POINTS; points += 37)
        assert_in_range(us__thin(step, value, COUNT, points, keep), 3, points);
    for (size_t i = 0; i < COUNT; i++) value[i] = (double)NAN;
    assert_in_range(us__thin(step, value, COUNT, POINTS, keep), 3, POINTS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spikes_of_one_point_stay),
        cmocka_unit_test(the_outline_is_the_same),
        cmocka_unit_test(few_points_are_all_kept_and_a_budget_is_a_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
