#include "support.h"
#include <unstuck/rng.h>

/* Known answers published with Random123 (kat_vectors, philox4x32 10 rounds). */
static void philox_gives_the_published_answers(void **state) {
    static const uint32_t rows[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1},
    };
    for (size_t i = 0; i < 3; i++) {
        uint32_t out[4];
        us_philox4x32(rows[i], rows[i] + 4, out);
        assert_memory_equal(out, rows[i] + 6, sizeof out);
    }
}

static void a_copied_state_goes_on_alike(void **state) {
    us_rng a = us_rng_init(42, 7);
    for (int i = 0; i < 13; i++) us_rng_u32(&a);
    us_rng b = a;
    for (int i = 0; i < 100; i++) assert_int_equal(us_rng_u32(&a), us_rng_u32(&b));
    us_rng c = us_rng_init(42, 8);
    c.position = a.position;
    assert_int_not_equal(us_rng_u64(&a), us_rng_u64(&c));
}

static void moments_are_those_of_the_distributions(void **state) {
    us_rng rng = us_rng_init(1, 0);
    double mean = 0, square = 0, fourth = 0, uniform = 0;
    enum { N = 200000 };
    for (int i = 0; i < N; i++) {
        double x = us_rng_normal(&rng);
        mean += x / N, square += x * x / N, fourth += x * x * x * x / N;
        uniform += us_rng_uniform(&rng) / N;
    }
    /* five standard errors */
    assert_near(mean, 0, 0, 5 / sqrt(N));
    assert_near(square, 1, 0, 5 * sqrt(2.0 / N));
    assert_near(fourth, 3, 0, 5 * sqrt(96.0 / N));
    assert_near(uniform, 0.5, 0, 5 * sqrt(1.0 / 12 / N));
}

static void below_is_even_and_a_permutation_is_one(void **state) {
    us_rng rng = us_rng_init(3, 0);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++) count[us_rng_below(&rng, 7)]++;
    for (int k = 0; k < 7; k++) assert_in_range(count[k], 9500, 10500);
    uint32_t order[1000];
    bool seen[1000] = {false};
    us_rng_permutation(&rng, order, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
    }
}

/* Numbers made many at a time are those that come one by one, wherever they begin. */
static void fills_are_what_single_draws_are(void **state) {
    double normals[301], signs[301];
    for (uint64_t start = 0; start < 70; start += 23) {
        us_rng one = us_rng_init(5, 3);
        one.position = start;
        us_rng many = one, words = one;
        us_rng_fill_normal(&many, normals, 301);
        for (int i = 0; i < 301; i++) assert_true(normals[i] == us_rng_normal(&one));
        assert_int_equal(many.position, one.position);
        us_rng_fill_signs(&words, signs, 301);
        assert_int_equal(words.position, start + 10);
        words.position = start;
        uint32_t word = 0;
        for (int i = 0; i < 301; i++, word >>= 1) {
            if (i % 32 == 0) word = us_rng_u32(&words);
            assert_true(signs[i] == (word & 1 ? 1 : -1));
        }
    }
}

/* A permutation is Fisher-Yates with us_rng_below, wherever in the stream it begins and however far it reaches. */
static void a_permutation_takes_the_words_in_order(void **state) {
    for (size_t count = 0; count < 300; count += 1 + count / 4)
        for (uint64_t position = 0; position < 70; position += 3) {
            us_rng rng = us_rng_init(0x123456789abcdef, 77), plain;
            rng.position = position + ((uint64_t)1 << 34) - 40; /* across the counter's first carry */
            plain = rng;
            uint32_t order[300], expected[300];
            us_rng_permutation(&rng, order, count);
            for (size_t i = 0; i < count; i++) expected[i] = (uint32_t)i;
            for (size_t i = count; i > 1; i--) {
                size_t j = us_rng_below(&plain, (uint32_t)i);
                uint32_t swap = expected[i - 1];
                expected[i - 1] = expected[j], expected[j] = swap;
            }
            assert_memory_equal(order, expected, count * sizeof *order);
            assert_true(rng.position == plain.position);
        }
}

static void many_draws_are_those_of_single_ones(void **state) {
    static uint32_t many[1000];
    us_rng rng = us_rng_init(5, 9), plain = rng;
    rng.position = plain.position = 3;
    us_rng_fill_below(&rng, 0xC0000001u, many, 1000); /* a bound that refuses a quarter of the words */
    for (size_t i = 0; i < 1000; i++) assert_int_equal(many[i], us_rng_below(&plain, 0xC0000001u));
    assert_true(rng.position == plain.position && rng.position > 1100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers),     cmocka_unit_test(a_copied_state_goes_on_alike),
        cmocka_unit_test(moments_are_those_of_the_distributions), cmocka_unit_test(below_is_even_and_a_permutation_is_one),
        cmocka_unit_test(a_permutation_takes_the_words_in_order), cmocka_unit_test(fills_are_what_single_draws_are),
        cmocka_unit_test(many_draws_are_those_of_single_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
