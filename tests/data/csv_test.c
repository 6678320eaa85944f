/* Reading of CSV: what is accepted, and what every mistake is told. */
#include "fixture.h"
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static void rows_and_cells(void **state) {
    fixture_expect("a,b\n1,2\n3,4\n", "a,b|1,2|3,4");
    fixture_expect("a,b\n1,2\n3,4", "a,b|1,2|3,4");         /* no final newline */
    fixture_expect("a,b\r\n1,2\r\n3,4\r\n", "a,b|1,2|3,4"); /* CRLF */
    fixture_expect("a,b\r1,2\r3,4\r", "a,b|1,2|3,4");       /* CR */
    fixture_expect("\xEF\xBB\xBF"
                   "a,b\n1,2\n",
                   "a,b|1,2");                                                /* BOM */
    fixture_expect("\n\n  \na,b\n\n1,2\n \n\n3,4\n\n", "a,b|1,2|3,4");        /* empty lines anywhere */
    fixture_expect("a,b\n 1 ,\t2\n3 , x \n4,\" y \"\n", "a,b|1,2|3,x|4, y "); /* blanks */
    fixture_expect("a,b\n\"1\",\"2\"\n", "a,b|1,2");                          /* quoted numbers are numbers */
    fixture_expect("a,b\n1,\"x, \"\"y\"\"\"\n2,\"p\nq\"\n", "a,b|1,x, \"y\"|2,p\nq");
    fixture_expect("a,b\n1,5\" pipe\n", "a,b|1,5\" pipe"); /* a quote inside a cell is text */
    fixture_expect("a,b\n1, \"x\" \n", "a,b|1,x");
    fixture_expect("a\n1\n2\n", "a|1|2"); /* one column */
    fixture_expect("a,b\n-1e3,+.5\n5.,1E-2\n", "a,b|-1000,0.5|5,0.01");
    fixture_expect("a,b\n1,\n,2\n", "a,b|1,|,2");
}

static void missing_spellings(void **state) {
    fixture_expect("a,b\n1,\n2,NA\n3,n/a\n4,NaN\n5,null\n6,None\n7,.\n8,?\n9,-\n10,\"\"\n11,  na \n12,-nan\n13,1\n",
                   "a,b|1,|2,|3,|4,|5,|6,|7,|8,|9,|10,|11,|12,|13,1");
    fixture_expect("a,b\n1,x\n2,NA\n3,NAN1\n4,nay\n", "a,b|1,x|2,|3,NAN1|4,nay"); /* in text columns, too */
    us_context *context = support_plain_context();
    us_table *table = fixture_table(context, "a,b\n1,x\n?,NA\n,y\n");
    assert_int_equal(us_table_missing(table, 0), 2);
    assert_int_equal(us_table_missing(table, 1), 1);
    assert_int_equal(us_table_level(table, 1, 1), UINT32_MAX);
    assert_true(isnan(us_table_number(table, 0, 2)));
    us_table_destroy(table);
    us_context_destroy(context);
}

static void delimiters_are_found(void **state) {
    fixture_expect("a;b\n1;2\n3;4\n", "a,b|1,2|3,4");
    fixture_expect("a\tb\n1\t2\n\t4\n", "a,b|1,2|,4");
    fixture_expect("a|b\n1|2\n3|4\n", "a,b|1,2|3,4");
    fixture_expect("a:b\n1:2\n3:4\n", "a,b|1,2|3,4");
    fixture_expect("a;b\n\"1,7\";2\n\"2,5\";4\n", "a,b|1,7,2|2,5,4"); /* the comma is inside the cells */
    fixture_expect("1,7;2\n2,5;4\n", "column1,column2|1,7,2|2,5,4");  /* German numbers */
    fixture_expect("a,b\n12:30,1\n12:45,2\n", "a,b|12:30,1|12:45,2");
    fixture_expect("time\n12:30\n12:45\n", "time|12:30|12:45");
    fixture_expect(" 1  2.5\n 3\t4.5 \n", "column1,column2|1,2.5|3,4.5"); /* runs of blanks, where all else fails */
    fixture_expect("x y\n1 2\n3 4\n", "x,y|1,2|3,4");
    fixture_expect("text\nsome words here\nmore words here\n", "text|some words here|more words here");
}

static void headers_are_found(void **state) {
    fixture_expect("5.1,x\n4.9,y\n", "column1,column2|5.1,x|4.9,y");  /* a number in the first row */
    fixture_expect("a,b\nx,y\nz,y\n", "a,b|x,y|z,y");                 /* all text: distinct and new below */
    fixture_expect("x,y\nx,z\nw,y\n", "column1,column2|x,y|x,z|w,y"); /* it comes again below */
    fixture_expect("p,p\nq,r\n", "column1,column2|p,p|q,r");          /* twice the same */
    fixture_expect("?,x\n5,y\n", "column1,column2|,x|5,y");           /* ? is no name */
    fixture_expect("0,1,2\n5.5,1.5,7\n", "0,1,2|5.5,1.5,7");          /* as pandas numbers columns */
    fixture_expect("name,2019,2020,n\nx,5,6,1\ny,7,8,2\n", "name,2019,2020,n|x,5,6,1|y,7,8,2");
    fixture_expect("1,2,3\n4,5,6\n", "column1,column2,column3|1,2,3|4,5,6");
    fixture_expect("a,a,,a,a.2\n1,2,3,4,5\n", "a,a.3,column3,a.4,a.2|1,2,3,4,5"); /* made distinct */
    fixture_expect("'a'\t'b'\n1\t2\n", "a,b|1,2");
    fixture_expect("\" a\n\",b\n1,2\n", "a,b|1,2");
    us_context *context = support_plain_context();
    us_csv_options options = US_CSV_OPTIONS_INIT;
    options.header = 0;
    us_table *table;
    assert_int_equal(us_table_read_csv(&table, context, fixture_text("h.csv", "a,b\n1,2\n"), &options), US_OK);
    assert_string_equal(fixture_dump(table), "column1,column2|a,b|1,2");
    assert_false(us_table_has_header(table));
    us_table_destroy(table);
    options.header = 1;
    options.delimiter = ';';
    assert_int_equal(us_table_read_csv(&table, context, fixture_text("h.csv", "1,x;2\n3;4\n"), &options), US_OK);
    assert_string_equal(fixture_dump(table), "1,x,2|3,4");
    assert_int_equal(us_table_find_column(table, "2"), 1); /* its name */
    assert_int_equal(us_table_find_column(table, "1"), 0); /* its number */
    assert_int_equal(us_table_find_column(table, "3"), SIZE_MAX);
    assert_int_equal(us_table_find_column(table, "x"), SIZE_MAX);
    us_table_destroy(table);
    options.delimiter = '5';
    assert_int_equal(us_table_read_csv(&table, context, "h.csv", &options), US_ERR_ARGUMENT);
    us_context_destroy(context);
}

static void mistakes_are_named(void **state) {
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "the file is empty"},
        {"\n\n", "the file is empty"},
        {"\xEF\xBB\xBF", "the file is empty"},
        {"a,b\n", ":2:1: there is a header and no row below it"},
        {"a,b\n1,2\n3\n", ":3:1: this row ends after 1 cell, the header has 2"},
        {"a,b\n1,2\n\n3,4,5\n", ":4:3: this row has more cells than the header, which has 2"},
        {"1,2\n3\n", ":2:1: this row ends after 1 cell, the first row has 2"},
        {"a,b\n1,\"x\ny\n", ":2:2: this quote is never closed"},
        {"a,b\n1,\"x\n\ny\"\n2,3\n4\n", ":6:1: this row ends"}, /* lines inside quotes count */
        {"a,b\n1,\"x\"y\n", ":2:2: text behind a closing quote"},
        {"a,b\n1,\xFF\n", ":2:2: not UTF-8, it looks like ISO-8859-1"},
        {"a,b\n1,caf\xE9 cr\xE8me\n", "iconv -f ISO-8859-1 -t UTF-8"},
        {"a,b\n1,na\x93quoted\x94\n", "iconv -f WINDOWS-1252 -t UTF-8"},
        {"a,b\n1,\xED\xA0\x80\n", "not UTF-8"}, /* half of a surrogate pair */
        {"a,b\n1,\xC0\xAF\n", "not UTF-8"},     /* an overlong slash */
        {"PK\3\4 and so on", "looks like a zip archive (or a spreadsheet)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fixture_refuse(fixture_text("bad.csv", cases[i].text), US_ERR_INPUT, cases[i].error);
    fixture_refuse(fixture_bytes("nul.csv", "a,b\n1,\0002\n", 9), US_ERR_INPUT, ":2:2: a NUL byte");
    fixture_refuse(fixture_bytes("wide.csv", "a\0,\0b\0\n\0001\0,\0002\0\n\0", 16), US_ERR_INPUT, "looks like UTF-16LE");
    fixture_refuse(fixture_folder(), US_ERR_INPUT, "is a directory");
    fixture_refuse(fixture_path("nowhere.csv"), US_ERR_INPUT, "there is no such file");
}

/* A column of numbers in which text comes late, beyond the first window, is read again as text, spelt as it was. */
static void late_text_makes_a_column_text(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_path("late.csv");
    FILE *file = fopen(path, "w");
    size_t rows = 150000;
    fprintf(file, "id,code,value\n");
    for (size_t i = 0; i < rows; i++)
        fprintf(file, "%zu,%s%zu,%s\n", i, i == 140000 ? "x" : "0", i % 7, i % 1000 ? "1.50" : "");
    fclose(file);
    us_table *table = fixture_read(context, path);
    size_t count;
    assert_int_equal(us_table_rows(table), rows);
    assert_int_equal(us_table_column_kind(table, 1), US_COLUMN_TEXT);
    const char *const *levels = us_table_levels(table, 1, &count);
    assert_int_equal(count, 8);
    assert_string_equal(levels[us_table_level(table, 1, 3)], "03");
    assert_string_equal(levels[us_table_level(table, 1, 140000)], "x0");
    assert_int_equal(us_table_missing(table, 2), 150);
    for (size_t i = 0; i < rows; i += 997) {
        assert_true(us_table_number(table, 0, i) == (double)i);
        assert_int_equal(us_table_line(table, i), i + 2);
    }
    us_table_destroy(table);
    us_context_destroy(context);
}

/* Every kind of value comes back to the last bit, packed or not: whole, decimal, long, tiny, huge, infinite, -0. */
static void values_keep_their_bits(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_path("bits.csv");
    FILE *file = fopen(path, "w");
    enum { ROWS = 40000, COLUMNS = 6 };
    double *expected = malloc(sizeof(double) * ROWS * COLUMNS);
    us_rng rng = us_rng_init(3, 0);
    fprintf(file, "whole,two,seven,long,far,mixed\n");
    for (size_t i = 0; i < ROWS; i++) {
        char cells[COLUMNS][64];
        sprintf(cells[0], "%u", us_rng_below(&rng, 4000000000u));
        sprintf(cells[1], "%.2f", us_rng_normal(&rng) * 1000);
        sprintf(cells[2], "%.7f", us_rng_normal(&rng));
        sprintf(cells[3], "%.17g", us_rng_normal(&rng));
        sprintf(cells[4], "%.5e", us_rng_normal(&rng) * (i % 2 ? 1e-300 : 1e300));
        strcpy(cells[5], i % 5000 == 7 ? "-0.0" : i % 5000 == 8 ? "-inf" : i % 5000 == 9 ? "1e400" : "0.25");
        for (size_t c = 0; c < COLUMNS; c++) {
            expected[i * COLUMNS + c] = strtod(cells[c], NULL);
            fprintf(file, "%s%s", cells[c], c + 1 < COLUMNS ? "," : "\n");
        }
    }
    fclose(file);
    us_table *table = fixture_read(context, path);
    assert_int_equal(us_table_rows(table), ROWS);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t c = 0; c < COLUMNS; c++) {
            double got = us_table_number(table, c, i);
            if (memcmp(&got, &expected[i * COLUMNS + c], 8)) fail_msg("row %zu, column %zu: %.17g", i, c, got);
        }
    us_table_destroy(table);
    free(expected);
    us_context_destroy(context);
}

/* Whatever the window's edge cuts, the table is the same: rows of growing length, quotes, CRLF, a wide row. */
static void the_windows_edge_is_not_seen(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_path("edge.csv");
    FILE *file = fopen(path, "wb");
    fprintf(file, "n,text,blank\r\n");
    size_t rows = 30000, line = 2;
    for (size_t i = 0; i < rows; i++)
        fprintf(file, "%zu.5,\"%.*s\r\n\"\"%zu\"\"\",\r\n", i, (int)(i % 61),
                "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk", i % 10);
    fclose(file);
    us_table *table = fixture_read(context, path);
    assert_int_equal(us_table_rows(table), rows);
    size_t count;
    const char *const *levels = us_table_levels(table, 1, &count);
    for (size_t i = 0; i < rows; i++, line += 2) {
        char expected[128];
        sprintf(expected, "%.*s\r\n\"%zu\"", (int)(i % 61),
                "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk", i % 10);
        assert_true(us_table_number(table, 0, i) == (double)i + 0.5);
        assert_string_equal(levels[us_table_level(table, 1, i)], expected);
        assert_int_equal(us_table_line(table, i), line);
    }
    assert_int_equal(us_table_missing(table, 2), rows);
    us_table_destroy(table);

    file = fopen(path, "wb"); /* one row is longer than the window */
    for (int row = 0; row < 3; row++)
        for (int c = 0; c < 60000; c++) fprintf(file, row ? "%d%c" : "c%d%c", row * c, c + 1 < 60000 ? ',' : '\n');
    fclose(file);
    table = fixture_read(context, path);
    assert_int_equal(us_table_columns(table), 60000);
    assert_int_equal(us_table_rows(table), 2);
    assert_true(us_table_number(table, 59999, 1) == 2.0 * 59999);
    us_table_destroy(table);
    us_context_destroy(context);
}

static void gzip_is_read_and_checked(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_path("packed.csv.gz");
    for (int member = 0; member < 2; member++) { /* two members, as gzip -c a b > c makes */
        gzFile file = gzopen(path, member ? "ab" : "wb");
        if (!member) gzprintf(file, "a,b\n");
        for (int i = 0; i < 50000; i++) gzprintf(file, "%d,%d.25\n", i, i);
        gzclose(file);
    }
    us_table *table = fixture_read(context, path);
    assert_int_equal(us_table_rows(table), 100000);
    assert_true(us_table_number(table, 1, 99999) == 49999.25);
    us_table_destroy(table);
    us_context_destroy(context);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    FILE *file = fopen(path, "r+b"); /* the checksum at the end */
    fseek(file, -8, SEEK_END);
    int last = fgetc(file);
    fseek(file, -8, SEEK_END);
    fputc(last ^ 1, file);
    fclose(file);
    fixture_refuse(path, US_ERR_INPUT, "the gzip file is damaged");
    assert_int_equal(truncate(path, about.st_size - 1000), 0);
    fixture_refuse(path, US_ERR_INPUT, "the gzip file ends too early");
}

static void count_progress(void *user, uint64_t done, uint64_t total) {
    uint64_t *seen = user;
    assert_true(done >= seen[0] && done <= total);
    seen[0] = done;
    seen[1]++;
}

static void progress_and_interruption(void **state) {
    us_context *context = support_plain_context();
    const char *path = fixture_path("long.csv");
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 100000; i++) fprintf(file, "%d.5,%d\n", i, i);
    long size = ftell(file);
    fclose(file);
    uint64_t seen[2] = {0, 0};
    us_csv_options options = US_CSV_OPTIONS_INIT;
    options.progress = count_progress;
    options.progress_user = seen;
    us_table *table;
    assert_int_equal(us_table_read_csv(&table, context, path, &options), US_OK);
    assert_int_equal(seen[0], size);
    assert_true(seen[1] > 2);
    us_table_destroy(table);
    us_context_cancel(context);
    assert_int_equal(us_table_read_csv(&table, context, path, &options), US_INTERRUPTED);
    assert_null(table);
    us_context_destroy(context);
}

static us_status read_body(us_context *context, void *user) {
    us_table *table;
    us_status status = us_table_read_csv(&table, context, user, NULL);
    us_table_destroy(table);
    return status;
}

static void reading_survives_failing_allocations(void **state) {
    const char *path = fixture_text(
        "small.csv",
        "a,a,text\n1,2,\"x \"\"y\"\"\"\n3,,\"p\nq\"\n5,6,NA\n7,8,z\n1,1,a\n1,1,b\n1,1,c\n1,1,d\n1,1,e\n1,1,f\n");
    support_fail_each_allocation(read_body, (void *)(uintptr_t)path);
    const char *packed = fixture_path("small.csv.gz");
    gzFile file = gzopen(packed, "wb");
    gzprintf(file, "a\tb\n1\tx\n");
    gzclose(file);
    support_fail_each_allocation(read_body, (void *)(uintptr_t)packed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_cells),
        cmocka_unit_test(missing_spellings),
        cmocka_unit_test(delimiters_are_found),
        cmocka_unit_test(headers_are_found),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(late_text_makes_a_column_text),
        cmocka_unit_test(values_keep_their_bits),
        cmocka_unit_test(the_windows_edge_is_not_seen),
        cmocka_unit_test(gzip_is_read_and_checked),
        cmocka_unit_test(progress_and_interruption),
        cmocka_unit_test(reading_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
