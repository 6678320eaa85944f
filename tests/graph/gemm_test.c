/* Products of matrices beside three plain loops in double, for sizes around every edge: panels, chunks and blocks. */
#include "graph/gemm.h"
#include "support.h"
#include <float.h>
#include <unstuck/rng.h>

enum { GUARD = 5 };

typedef struct problem {
    size_t rows, columns, terms, left_step, right_step, out_step;
    bool left_turned, right_turned;
    double *left, *right, *out; /* f64 */
    float *left32, *right32, *out32;
    size_t done; /* rows that are known to be complete */
} problem;

static double left_at(const problem *p, size_t i, size_t k) {
    return p->left[p->left_turned ? k * p->left_step + i : i * p->left_step + k];
}

static double right_at(const problem *p, size_t k, size_t j) {
    return p->right[p->right_turned ? j * p->right_step + k : k * p->right_step + j];
}

static void fill(us_rng *rng, double *numbers, float *singles, size_t n) {
    for (size_t i = 0; i < n; i++) {
        singles[i] = (float)(us_rng_uniform(rng) * 4.77 - 2.385);
        numbers[i] = (double)singles[i];
    }
}

static void rows_are_done(void *user, size_t first, size_t count) {
    problem *p = user;
    assert_int_equal(first, p->done);
    p->done += count;
}

enum { PAGES = 4 }; /* beside bits for turned matrices: rows of the left one begin whole pages apart */

static problem problem_make(us_rng *rng, size_t rows, size_t columns, size_t terms, unsigned turns) {
    problem p = {.rows = rows, .columns = columns, .terms = terms, .left_turned = turns & 1, .right_turned = turns & 2};
    p.left_step = (p.left_turned ? rows : terms) + us_rng_below(rng, 4);
    if (turns & PAGES) p.left_step = (p.left_step + 1023) / 1024 * 1024;
    p.right_step = (p.right_turned ? terms : columns) + us_rng_below(rng, 4);
    p.out_step = columns + us_rng_below(rng, 4);
    size_t a = (p.left_turned ? terms : rows) * p.left_step;
    size_t b = (p.right_turned ? columns : terms) * p.right_step, c = rows * p.out_step + GUARD;
    p.left = malloc(a * sizeof *p.left), p.left32 = malloc(a * sizeof *p.left32);
    p.right = malloc(b * sizeof *p.right), p.right32 = malloc(b * sizeof *p.right32);
    p.out = malloc(c * sizeof *p.out), p.out32 = malloc(c * sizeof *p.out32);
    fill(rng, p.left, p.left32, a);
    fill(rng, p.right, p.right32, b);
    for (size_t i = 0; i < c; i++) p.out[i] = 77, p.out32[i] = 77;
    return p;
}

static void problem_free(problem *p) {
    free(p->left), free(p->left32), free(p->right), free(p->right32), free(p->out), free(p->out32);
}

static void multiply(problem *p, bool single, size_t row, size_t rows, size_t column, size_t columns) {
    if (rows == 0 || columns == 0) return;
    size_t size = single ? sizeof(float) : sizeof(double);
    const char *left = single ? (const char *)p->left32 : (const char *)p->left;
    const char *right = single ? (const char *)p->right32 : (const char *)p->right;
    char *out = single ? (char *)p->out32 : (char *)p->out;
    us__gemm g = {.rows = rows,
                  .columns = columns,
                  .terms = p->terms,
                  .left = left + row * (p->left_turned ? 1 : p->left_step) * size,
                  .right = right + column * (p->right_turned ? p->right_step : 1) * size,
                  .out = out + (row * p->out_step + column) * size,
                  .left_step = p->left_step,
                  .right_step = p->right_step,
                  .out_step = p->out_step,
                  .left_turned = p->left_turned,
                  .right_turned = p->right_turned,
                  .done = rows_are_done,
                  .user = p};
    /* No more than asked for: the sanitizers see to it. */
    if (posix_memalign(&g.scratch, 64, us__gemm_scratch(columns, p->terms) * size)) abort();
    p->done = 0;
    (single ? us__gemm_f32 : us__gemm_f64)(&g);
    assert_int_equal(p->done, rows);
    free(g.scratch);
}

static void expect_product(const problem *p) {
    for (size_t i = 0; i < p->rows; i++)
        for (size_t j = 0; j < p->out_step; j++) {
            double sum = 0, size = 0, single = (double)p->out32[i * p->out_step + j], got = p->out[i * p->out_step + j];
            for (size_t k = 0; k < p->terms && j < p->columns; k++) {
                sum += left_at(p, i, k) * right_at(p, k, j);
                size += fabs(left_at(p, i, k) * right_at(p, k, j));
            }
            if (j >= p->columns) sum = 77; /* what is between the rows is left alone */
            double terms = (double)p->terms;
            if (fabs(single - sum) <= terms * (double)FLT_EPSILON * size && fabs(got - sum) <= terms * DBL_EPSILON * size)
                continue;
            fail_msg("%zux%zux%zu, turned %d %d: [%zu][%zu] is %.9g and %.17g, not %.17g", p->rows, p->columns, p->terms,
                     p->left_turned, p->right_turned, i, j, single, got, sum);
        }
    for (size_t i = 0; i < GUARD; i++) assert_true(p->out[p->rows * p->out_step + i] == 77);
    for (size_t i = 0; i < GUARD; i++) assert_true(p->out32[p->rows * p->out_step + i] == 77);
}

static void products_are_those_of_plain_loops(void **state) {
    static const size_t SIZES[][3] = {{2, 2, 1},      {3, 17, 5},    {6, 16, 8},      {7, 15, 9},    {13, 33, 63},
                                      {96, 32, 264},  {97, 31, 65},  {10, 40, 72},    {128, 10, 31}, {23, 1030, 19},
                                      {200, 24, 530}, {11, 70, 265}, {47, 1041, 300}, {151, 90, 70}};
    us_rng rng = us_rng_init(3, 1);
    for (size_t s = 0; s < sizeof SIZES / sizeof *SIZES; s++)
        for (unsigned turns = 0; turns < 8; turns++) {
            problem p = problem_make(&rng, SIZES[s][0], SIZES[s][1], SIZES[s][2], turns);
            multiply(&p, true, 0, p.rows, 0, p.columns);
            multiply(&p, false, 0, p.rows, 0, p.columns);
            expect_product(&p);
            problem_free(&p);
        }
}

/* Any part by itself has the bits that it has in the whole. (A BLAS's may not: then there is nothing to see.) */
static void parts_have_the_bits_of_the_whole(void **state) {
#ifdef __x86_64__
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) skip();
    us_rng rng = us_rng_init(4, 1);
    for (unsigned round = 0; round < 24; round++) {
        problem p = problem_make(&rng, 2 + us_rng_below(&rng, 200), 2 + us_rng_below(&rng, 90), 1 + us_rng_below(&rng, 600),
                                 round % 8);
        size_t n = p.rows * p.out_step;
        float *whole = malloc(n * sizeof *whole);
        multiply(&p, true, 0, p.rows, 0, p.columns);
        memcpy(whole, p.out32, n * sizeof *whole);
        size_t row = us_rng_below(&rng, (uint32_t)p.rows), column = us_rng_below(&rng, (uint32_t)p.columns);
        for (size_t i = 0; i < n; i++) p.out32[i] = 77;
        multiply(&p, true, row, p.rows - row, column, p.columns - column);
        multiply(&p, true, 0, row, column, p.columns - column);
        multiply(&p, true, 0, p.rows, 0, column);
        for (size_t i = 0; i < n; i++)
            if (i % p.out_step < p.columns) assert_true(p.out32[i] == whole[i]);
        free(whole);
        problem_free(&p);
    }
#else
    skip();
#endif
}

/* A left matrix that is read from panels, a right one that was packed in parts, or both, give the same bits. What panels
 * have beyond a left matrix may be anything: its rows there are not asked for. */
static void panels_do_not_change_a_bit(void **state) {
    size_t width = us__gemm_width_f32();
    if (width == 0) skip();
    us_rng rng = us_rng_init(6, 1);
    for (unsigned round = 0; round < 32; round++) {
        problem p = problem_make(&rng, 1 + us_rng_below(&rng, 200), 2 + us_rng_below(&rng, 90), 1 + us_rng_below(&rng, 600),
                                 round % 4);
        size_t high = p.left_turned ? p.terms : p.rows, wide = p.left_turned ? p.rows : p.terms;
        size_t pitch = high + 3, packed = us__gemm_rounded(p.terms), n = p.rows * p.out_step;
        float *whole = malloc(n * sizeof *whole), *left, *right, *scratch;
        if (posix_memalign((void **)&left, 64, pitch * us__gemm_rounded(wide) * sizeof *left) ||
            posix_memalign((void **)&right, 64, packed * us__gemm_rounded(p.columns) * sizeof *right) ||
            posix_memalign((void **)&scratch, 64, us__gemm_scratch(p.columns, p.terms) * sizeof *scratch))
            abort();
        for (size_t i = 0; i < pitch * us__gemm_rounded(wide); i++) left[i] = NAN;
        for (size_t i = 0; i < high; i++)
            for (size_t j = 0; j < us__gemm_rounded(wide); j++)
                left[(j / width * pitch + i) * width + j % width] = j < wide ? p.left32[i * p.left_step + j] : 0;
        multiply(&p, true, 0, p.rows, 0, p.columns);
        memcpy(whole, p.out32, n * sizeof *whole);
        us__gemm g = {.rows = p.rows,
                      .columns = p.columns,
                      .terms = p.terms,
                      .left = p.left32,
                      .right = p.right32,
                      .out = p.out32,
                      .left_step = p.left_step,
                      .right_step = p.right_step,
                      .out_step = p.out_step,
                      .left_turned = p.left_turned,
                      .right_turned = p.right_turned,
                      .scratch = scratch};
        us__gemm_pack_f32(&g, right, 0, US__GEMM_WIDEST);
        if (p.columns > US__GEMM_WIDEST) us__gemm_pack_f32(&g, right, US__GEMM_WIDEST, p.columns + 5);
        for (unsigned which = 1; which < 4; which++) {
            us__gemm with = g;
            if (which & 1) with.left = left, with.left_pitch = pitch;
            if (which & 2) with.right = right, with.right_pitch = packed, with.right_turned = false;
            for (size_t i = 0; i < n; i++) p.out32[i] = 77;
            us__gemm_f32(&with);
            for (size_t i = 0; i < n; i++)
                if (i % p.out_step < p.columns) assert_true(p.out32[i] == whole[i]);
        }
        free(whole), free(left), free(right), free(scratch);
        problem_free(&p);
    }
}

/* What is not finite stays in its row and column, and does not come from the zeros that panels are filled up with. */
static void what_is_not_finite_stays_where_it_belongs(void **state) {
    us_rng rng = us_rng_init(5, 1);
    problem p = problem_make(&rng, 19, 21, 67, 0);
    p.left32[4 * p.left_step + 66] = (float)INFINITY;
    p.right32[66 * p.right_step + 20] = (float)NAN;
    multiply(&p, true, 0, p.rows, 0, p.columns);
    for (size_t i = 0; i < p.rows; i++)
        for (size_t j = 0; j < p.columns; j++) {
            float got = p.out32[i * p.out_step + j];
            assert_true(j == 20 ? isnan(got) : i == 4 ? isinf(got) : isfinite(got));
        }
    problem_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_plain_loops),
        cmocka_unit_test(parts_have_the_bits_of_the_whole),
        cmocka_unit_test(panels_do_not_change_a_bit),
        cmocka_unit_test(what_is_not_finite_stays_where_it_belongs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
