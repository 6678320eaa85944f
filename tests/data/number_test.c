#include "data/number.h"
#include "support.h"
#include <locale.h>
#include <stdlib.h>

static uint64_t bits_of(double v) {
    uint64_t bits;
    memcpy(&bits, &v, 8);
    return bits;
}

/* The number that the whole of text spells; fails when it is not one. Padded, as the reader's buffers are. */
static double read_all(const char *text) {
    size_t n = strlen(text);
    char *padded = calloc(n + 9, 1);
    memcpy(padded, text, n);
    double v = -1;
    const char *end = us__number_read(padded, &v);
    if (end != padded + n) fail_msg("\"%s\" was not read to its end", text);
    free(padded);
    return v;
}

/* Every line: the bits of the correctly rounded half, float, double, then the text (data of Nigel Tao and Daniel Lemire). */
static void published_cases_come_out_bit_for_bit(void **state) {
    const char *files[] = {"data/number-parsing/more-test-cases.txt", "data/number-parsing/lemire-fast-float.txt"};
    size_t lines[] = {60, 3299};
    for (int f = 0; f < 2; f++) {
        const char *path = support_shared(files[f]);
        if (!path) skip();
        FILE *file = fopen(path, "r");
        char line[4096];
        size_t seen = 0, wrong = 0;
        while (fgets(line, sizeof line, file)) {
            line[strcspn(line, "\n")] = 0;
            uint64_t expected = strtoull(line + 14, NULL, 16);
            uint64_t got = bits_of(read_all(line + 31));
            seen++;
            if (got != expected && wrong++ < 10) print_error("%s: %016lx\n", line, (unsigned long)got);
        }
        fclose(file);
        assert_int_equal(wrong, 0);
        assert_int_equal(seen, lines[f]);
    }
}

/* The C library's conversion is exact; here it is the oracle for digits and exponents drawn at random. */
static void random_texts_agree_with_the_library(void **state) {
    uint64_t s = 88172645463325252u;
    for (int i = 0; i < 300000; i++) {
        s ^= s << 13, s ^= s >> 7, s ^= s << 17;
        char text[64], *p = text;
        int digits = 1 + (int)(s % 21), point = (int)(s >> 8) % (digits + 1);
        if (s >> 20 & 1) *p++ = '-';
        uint64_t r = s * 0x9E3779B97F4A7C15u;
        for (int d = 0; d < digits; d++) {
            if (d == point) *p++ = '.';
            *p++ = (char)('0' + r % 10);
            r = r / 10 + (r << 60);
        }
        if (s >> 21 & 1) p += sprintf(p, "e%d", (int)((s >> 30) % 60) - 30);
        *p = 0;
        uint64_t expected = bits_of(strtod(text, NULL)), got = bits_of(read_all(text));
        if (got != expected) fail_msg("%s: %016lx, should be %016lx", text, (unsigned long)got, (unsigned long)expected);
    }
}

static void shortest_and_longest_texts_of_random_doubles_come_back(void **state) {
    uint64_t s = 4101842887655102017u;
    for (int i = 0; i < 200000; i++) {
        s ^= s << 13, s ^= s >> 7, s ^= s << 17;
        double v;
        uint64_t bits = i % 2 ? s : ((s & 0xFFFFFFFFFFFFFu) | (uint64_t)(1023 - 20 + (s >> 58)) << 52);
        memcpy(&v, &bits, 8);
        if (!isfinite(v)) continue;
        char text[64];
        sprintf(text, i % 3 ? "%.17g" : "%.25e", v);
        if (bits_of(read_all(text)) != bits) fail_msg("%s", text);
    }
}

static void spellings(void **state) {
    assert_true(read_all("5.") == 5 && read_all(".5") == 0.5 && read_all("+7") == 7 && read_all("007") == 7);
    assert_true(read_all("1E3") == 1000 && read_all("1e+3") == 1000 && read_all("1e-2") == 0.01);
    assert_true(isinf(read_all("inf")) && isinf(read_all("Infinity")) && read_all("-INF") < 0 && read_all("+inf") > 0);
    assert_true(isinf(read_all("1e999")) && read_all("1e-999") == 0 && signbit(read_all("-0.0")));
    assert_true(read_all("0.00000000000000000000000000000000000001e38") == 1);
    /* From the start of each text this much is a number. */
    static const struct {
        const char *text;
        int length;
    } prefixes[] = {
        {"", -1},     {"-", -1},   {".", -1},    {"+.", -1},      {"e5", -1},
        {"nan", -1},  {" 1", -1},  {"$5", -1},   {"--1", -1},     {"+-1", -1},
        {"-.e1", -1}, {"in", -1},  {"1e", 1},    {"1e+", 1},      {"1,5", 1},
        {"1 000", 1}, {"0x10", 1}, {"1.2.3", 3}, {"1.5e3e4", 5},  {"12-", 2},
        {"1_000", 1}, {"1d5", 1},  {"5%", 1},    {"infinite", 3}, {"1234567890123456789012x", 22},
    };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        char padded[64] = {0};
        strcpy(padded, prefixes[i].text);
        double v;
        const char *end = us__number_read(padded, &v);
        int length = end ? (int)(end - padded) : -1;
        if (length != prefixes[i].length) fail_msg("\"%s\": %d", prefixes[i].text, length);
    }
}

/* Under a locale with a decimal comma nothing changes. */
static void the_locale_does_not_matter(void **state) {
    const char *names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8"};
    for (int i = 0; i < 4 && !setlocale(LC_NUMERIC, names[i]); i++) {}
    assert_true(read_all("1.5") == 1.5 && read_all("123456789012345678901234567890.5e-30") == 0x1.f9add3746f65fp-4);
    setlocale(LC_NUMERIC, "C");
}

static void whole_texts_are_numbers_or_not(void **state) {
    double v = 0;
    assert_true(us__number_whole("0.125e2,", 7, &v) && v == 12.5);
    assert_true(us__number_whole("-inf", 4, &v) && isinf(v));
    static const char *const not_numbers[] = {"", " 1", "1 ", "1x", "1,5", "0x10", "nan", "--1", "."};
    for (size_t i = 0; i < sizeof not_numbers / sizeof *not_numbers; i++)
        if (us__number_whole(not_numbers[i], strlen(not_numbers[i]), &v))
            fail_msg("\"%s\" was taken for a number", not_numbers[i]);
    char *longest = malloc(600);
    memset(longest, '1', 600);
    assert_true(us__number_whole(longest, 300, &v) && v > 1e299);
    assert_false(us__number_whole(longest, 600, &v));
    free(longest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_texts_are_numbers_or_not),
        cmocka_unit_test(published_cases_come_out_bit_for_bit),
        cmocka_unit_test(random_texts_agree_with_the_library),
        cmocka_unit_test(shortest_and_longest_texts_of_random_doubles_come_back),
        cmocka_unit_test(spellings),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
