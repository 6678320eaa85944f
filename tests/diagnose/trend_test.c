/* The trend: its slope on lines, and how often it is fooled. Rates of false alarms are measured on noise that is correlated
 * as losses are, with and without spikes; the bounds stand a third above what 4,000 series gave. */
#include "support.h"
#include <unstuck/rng.h>
#include <unstuck/trend.h>

static void a_line_has_its_slope(void **state) {
    us_context *context = support_plain_context();
    double x[300], y[300];
    us_trend trend;
    for (int i = 0; i < 300; i++) x[i] = 2.5 * i, y[i] = 7 - 0.375 * x[i];
    assert_int_equal(us_trend_measure(&trend, context, x, y, 300, 0.95), US_OK);
    assert_near(trend.slope, -0.375, 1e-12, 0);
    assert_near(trend.low, -0.375, 1e-12, 0);
    assert_near(trend.high, -0.375, 1e-12, 0);
    assert_near(trend.noise, 0, 0, 1e-9);
    /* a quarter of it spoiled, some of it not even numbers */
    us_rng rng = us_rng_init(3, 1);
    for (int i = 0; i < 300; i++) {
        y[i] += 0.01 * us_rng_normal(&rng);
        if (us_rng_below(&rng, 8) == 0) y[i] = i % 2 ? 1e6 : (double)NAN;
    }
    assert_int_equal(us_trend_measure(&trend, context, x, y, 300, 0.95), US_OK);
    assert_near(trend.slope, -0.375, 1e-4, 0);
    assert_true(trend.low < -0.375 && trend.high > -0.375 && trend.high - trend.low < 1e-3);
    us_context_destroy(context);
}

/* Sen 1968's own estimator by hand, on seven points of no order: slopes of all pairs, their median. Eight for the minimum.
 */
static void it_is_the_median_of_the_slopes(void **state) {
    us_context *context = support_plain_context();
    const double x[] = {1, 2, 4, 7, 8, 11, 13, 20}, y[] = {3.5, 1.25, 6, 2, 8.5, 4, 9.75, 7};
    double slopes[28];
    int count = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < i; j++) {
            double s = (y[i] - y[j]) / (x[i] - x[j]);
            int at = count++;
            for (; at > 0 && slopes[at - 1] > s; at--) slopes[at] = slopes[at - 1];
            slopes[at] = s;
        }
    us_trend trend;
    assert_int_equal(us_trend_measure(&trend, context, x, y, 8, 0.9), US_OK);
    assert_near(trend.slope, 0.5 * (slopes[13] + slopes[14]), 1e-14, 0);
    assert_int_equal(us_trend_measure(&trend, context, x, y, 7, 0.9), US_ERR_ARGUMENT);
    assert_int_equal(us_trend_measure(&trend, context, x, y, 8, 1), US_ERR_ARGUMENT);
    us_context_destroy(context);
}

/* Share of series without a trend that are said to fall, at 95 % confidence two-sided: 2.5 % is what it promises. */
static double falls(us_context *context, double phi, size_t n, bool spikes, double slope) {
    static double x[2048], y[2048];
    enum { SERIES = 1000 };
    us_rng rng = us_rng_init(11, (uint64_t)(phi * 100) + n + spikes);
    int fell = 0;
    for (int k = 0; k < SERIES; k++) {
        double v = us_rng_normal(&rng) / sqrt(1 - phi * phi);
        for (size_t i = 0; i < n; i++) {
            v = phi * v + us_rng_normal(&rng);
            x[i] = (double)i;
            y[i] = 10 + v + slope * x[i] + (spikes && us_rng_below(&rng, 20) == 0 ? 50 : 0);
        }
        us_trend trend;
        assert_int_equal(us_trend_measure(&trend, context, x, y, n, 0.95), US_OK);
        fell += trend.high < 0;
    }
    return (double)fell / SERIES;
}

static void noise_is_not_taken_for_a_trend(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        double phi;
        size_t n;
        bool spikes;
        double most;
    } CASES[] = {
        {0, 64, false, 0.03},   {0, 64, true, 0.03},     {0.3, 64, true, 0.05},  {0.9, 128, false, 0.045},
        {0.9, 128, true, 0.06}, {0.97, 512, true, 0.06}, {0.9, 512, true, 0.05},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        double rate = falls(context, CASES[i].phi, CASES[i].n, CASES[i].spikes, 0);
        print_message("noise of correlation %.2f, %zu points%s: said to fall %.3f\n", CASES[i].phi, CASES[i].n,
                      CASES[i].spikes ? ", spikes" : "", rate);
        assert_true(rate <= CASES[i].most);
    }
    /* and one that does fall, by three deviations over all, is seen in spite of the spikes */
    assert_true(falls(context, 0.3, 256, true, -3.0 / 256) > 0.95);
    us_context_destroy(context);
}

/* A smooth curve is far from any line on long stretches; that is no noise. */
static void a_smooth_fall_is_a_fall(void **state) {
    us_context *context = support_plain_context();
    double x[200], y[200];
    us_trend trend;
    for (int i = 0; i < 200; i++) x[i] = i, y[i] = 0.3 + exp(-i / 40.0);
    assert_int_equal(us_trend_measure(&trend, context, x, y, 200, 0.95), US_OK);
    assert_true(trend.high < 0 && isfinite(trend.low));
    for (int i = 0; i < 200; i++) y[i] = 0.3;
    assert_int_equal(us_trend_measure(&trend, context, x, y, 200, 0.95), US_OK);
    assert_true(trend.low == 0 && trend.high == 0);
    us_context_destroy(context);
}

static void a_series_of_any_length_keeps_its_trend(void **state) {
    us_context *context = support_plain_context();
    us_series series = {0};
    us_trend trend;
    for (int i = 0; i < 5; i++) us_series_add(&series, i);
    assert_int_equal(us_series_trend(&series, context, 1, 0.95, &trend), US_ERR_ARGUMENT);
    double sum = 0;
    for (int i = 5; i < 100000; i++) us_series_add(&series, 3 - 1e-5 * i);
    assert_in_range(series.count, US_SERIES_BLOCKS / 2, US_SERIES_BLOCKS);
    assert_int_equal(series.added, 100000);
    for (size_t i = 0; i < series.count; i++) sum += series.mean[i] * (double)series.each;
    sum += series.sum;
    double all = 0 + 1 + 2 + 3 + 4;
    for (int i = 5; i < 100000; i++) all += 3 - 1e-5 * i;
    assert_near(sum, all, 1e-9, 0);
    assert_int_equal(us_series_trend(&series, context, 0.5, 0.95, &trend), US_OK);
    assert_near(trend.slope, -1e-5, 1e-6, 0);
    assert_near(trend.level, 3 - 1e-5 * 99600, 0.02, 0);
    us_context_destroy(context);
}

static us_status body(us_context *context, void *user) {
    double x[20], y[20];
    us_trend trend;
    (void)user;
    for (int i = 0; i < 20; i++) x[i] = y[i] = i;
    return us_trend_measure(&trend, context, x, y, 20, 0.95);
}

static void a_failed_allocation_leaves_nothing(void **state) { support_fail_each_allocation(body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_its_slope),
        cmocka_unit_test(it_is_the_median_of_the_slopes),
        cmocka_unit_test(noise_is_not_taken_for_a_trend),
        cmocka_unit_test(a_smooth_fall_is_a_fall),
        cmocka_unit_test(a_series_of_any_length_keeps_its_trend),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
