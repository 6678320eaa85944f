/* Awkward files as they are found in the world: read right, or refused with file, line and column. */
#include "fixture.h"
#include <dirent.h>
#include <jansson.h>

typedef struct outcome {
    const char *file;
    size_t rows, columns; /* 0: refused ... */
    const char *text;     /* ... with this in the error; else how the dump begins */
} outcome;

static const outcome CSVKIT[] = {
    {"FY09_EDU_Recipients_by_State.csv", 53, 10, "State Name,State Abbreviate,Code,Montgomery GI Bill-Active Duty,"},
    {"bad.csv", 0, 0, ":2:4: this row has more cells than the header, which has 3"},
    {"bad_skip_lines.csv", 0, 0, ":5:4: this row has more cells than the header, which has 3"},
    {"blanks.csv", 1, 6, "a,b,c,d,e,f|,,,,,"},
    {"dummy.csv.gz", 1, 3, "a,b,c|1,2,3"},
    {"dummy.tsv", 1, 3, "a,b,c|1,2,3"},
    {"dummy_col_shuffled_ragged.csv", 1, 4, "b,c,a,d|2,3,1,4"},
    {"empty.csv", 0, 0, "the file is empty"},
    {"join_no_header_row.csv", 3, 3, "d,e,f|1,b,c|1,b,c|4,b,c"},
    {"mac_newlines.csv", 2, 3, "a,b,c|1,2,3|Once upon\ra time,5,6"},
    {"no_header_row.csv", 1, 3, "column1,column2,column3|1,2,3"},
    {"null_byte.csv", 0, 0, ":2:1: a NUL byte"},
    {"optional_quote_characters.csv", 1, 3, "a,b,c|1,2,3"},
    {"test_empty_columns.csv", 0, 0, ":3:4: this row ends after 4 cells, the first row has 5"},
    {"test_empty_columns_long_row.csv", 0, 0, ":2:4: this row has more cells than the header, which has 3"},
    {"test_empty_columns_short_row.csv", 0, 0, ":2:2: this row ends after 2 cells, the header has 3"},
    {"test_extra_header.csv", 0, 0, ":2:3: this row ends after 3 cells, the header has 4"},
    {"test_header_newline.csv", 1, 3, "start \t\n\v\f\r end,b,c|d,e,f"},
    {"test_latin1.csv", 0, 0, ":3:3: not UTF-8, it looks like ISO-8859-1; convert it: iconv -f ISO-8859-1 -t UTF-8"},
    {"test_locale.csv", 1, 3, "a,b,c|1,7,200.000.000,"},
    {"test_skip_lines.csv", 1, 3, "a,b,c|1,2,3"},
    {"test_utf16_big.csv", 0, 0, ":1:1: this looks like UTF-16; convert it: iconv -f UTF-16 -t UTF-8"},
    {"test_utf16_little.csv", 0, 0, ":1:1: this looks like UTF-16; convert it: iconv -f UTF-16 -t UTF-8"},
    {"test_utf8.csv", 2, 3, "foo,bar,baz|1,2,3|4,5,\xCA\xA4"},
    {"test_utf8_bom.csv", 2, 3, "foo,bar,baz|1,2,3|4,5,\xCA\xA4"},
};
static const outcome RUST[] = {
    {"smallpop-colon.csv", 10, 4, "city,region,country,population|Southborough,MA,United States,9686|"},
    {"smallpop-no-headers.csv", 10, 4, "column1,column2,column3,column4|Southborough,MA,United States,9686|"},
    {"strange.csv", 0, 0, ":1:1: text behind a closing quote"},
    {"uspop-latin1.csv", 0, 0, ":4:1: not UTF-8, it looks like ISO-8859-1"},
    {"uspop-null.csv", 100, 5,
     "City,State,Population,Latitude,Longitude|Davidsons Landing,AK,,65.2419444,-165.2716667|Kenai,AK,7610,"},
};
static const outcome CHINESE[] = {
    {"gbk.csv", 0, 0, ":2:2: not UTF-8, it looks like GBK; convert it: iconv -f GBK -t UTF-8"},
    {"watermelon_3.csv", 17, 10,
     "编号,色泽,根蒂,敲声,纹理,脐部,触感,密度,含糖率,好瓜|1,青绿,蜷缩,浊响,清晰,凹陷,硬滑,0.697,0.46,是|"},
};
static const outcome REST[] = {
    {"ntu-pm25/train.csv", 0, 0, ":1:1: not UTF-8, it looks like BIG5; convert it: iconv -f BIG5 -t UTF-8"},
    {"ntu-pm25/test.csv", 4320, 11, "column1,column2,"},
    {"ntu-covid/covid.train.csv", 2700, 95, "id,AL,AK,"},
    {"wine-quality/winequality-white.csv", 4898, 12, "fixed acidity,volatile acidity,citric acid,"},
    {"anes96/anes96.csv", 944, 10, "popul,TVnews,selfLR,ClinLR,DoleLR,PID,age,educ,income,vote|0,7,7,1,6,6,36,3,1,1|"},
    {"titanic/train.csv", 891, 12,
     "PassengerId,Survived,Pclass,Name,Sex,Age,SibSp,Parch,Ticket,Fare,Cabin,Embarked|1,0,3,Braund, Mr. Owen Harris,"},
    {"titanic/test.csv", 418, 11, "PassengerId,Pclass,Name,"},
    {"adult-income/train.csv", 32561, 15, NULL},
    {"adult-income/test.csv", 16281, 14, NULL},
    {"time-series/airline-passengers.csv", 144, 2, "Month,Passengers|1949-01,112|"},
    {"time-series/daily-min-temperatures.csv", 3650, 2, NULL},
    {"time-series/monthly-sunspots.csv", 2820, 2, NULL},
    {"iris/iris.data", 150, 5, "column1,column2,column3,column4,column5|5.1,3.5,1.4,0.2,Iris-setosa|"},
    {"wine-cultivars/wine.data", 178, 14, "column1,"},
    {"breast-cancer-wdbc/wdbc.data", 569, 32, "column1,column2,"},
    {"california-housing/housing.csv", 20640, 10, NULL},
    {"auto-mpg/mpg.csv", 398, 9, "mpg,cylinders,"},
    {"bike-sharing/hour.csv", 17379, 17, NULL},
    {"bike-sharing/day.csv", 731, 16, NULL},
    {"concrete/concrete.csv", 1030, 9, "cement,slag,"},
    {"concrete/concrete_test_mask.csv.gz", 1030, 10, NULL},
    {"challenger/challenger.csv", 23, 5, "o_ring_ct,distress_ct,temperature,pressure,launch_id|6,0,66,50,1|"},
    {"diabetes/diabetes_data.csv.gz", 442, 10, "column1,"},
    {"diabetes/diabetes_target.csv.gz", 442, 1, "column1|151|75|"},
    {"anscombe/anscombe.csv", 44, 3, "dataset,x,y|I,10,8.04|"},
    {"optdigits/optdigits.tra", 3823, 65, NULL},
};

static void check(const char *folder, const outcome *outcomes, size_t count) {
    us_context *context = support_plain_context();
    for (size_t i = 0; i < count; i++) {
        const outcome *o = &outcomes[i];
        char relative[256];
        snprintf(relative, sizeof relative, "data/%s%s", folder, o->file);
        const char *path = support_shared(relative);
        if (!path) skip();
        if (o->rows == 0) {
            fixture_refuse(path, US_ERR_INPUT, o->text);
            continue;
        }
        us_table *table = fixture_read(context, path);
        if (us_table_rows(table) != o->rows || us_table_columns(table) != o->columns)
            fail_msg("%s: %zu x %zu, should be %zu x %zu", o->file, us_table_rows(table), us_table_columns(table), o->rows,
                     o->columns);
        if (o->text && strncmp(fixture_dump(table), o->text, strlen(o->text)) != 0)
            fail_msg("%s: %.300s", o->file, fixture_dump(table));
        us_table_destroy(table);
    }
    us_context_destroy(context);
}

#define SIZE(list) (sizeof list / sizeof *list)

/* Every file of a folder has its line in the list. */
static void check_folder(const char *folder, const outcome *outcomes, size_t count) {
    char relative[256];
    snprintf(relative, sizeof relative, "data/%s", folder);
    const char *path = support_shared(relative);
    if (!path) skip();
    size_t files = 0;
    DIR *entries = opendir(path);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (entry->d_name[0] == '.') continue;
        files++;
        bool listed = false;
        for (size_t i = 0; i < count; i++) listed = listed || strcmp(outcomes[i].file, entry->d_name) == 0;
        if (!listed) fail_msg("%s%s: what should become of it?", folder, entry->d_name);
    }
    closedir(entries);
    assert_int_equal(files, count);
    check(folder, outcomes, count);
}

static void csvkit(void **state) { check_folder("csv-nasty/csvkit/", CSVKIT, SIZE(CSVKIT)); }
static void rust_csv(void **state) { check_folder("csv-nasty/rust-csv/", RUST, SIZE(RUST)); }
static void chinese(void **state) { check_folder("csv-nasty/chinese/", CHINESE, SIZE(CHINESE)); }
static void all_other_sets(void **state) { check("", REST, SIZE(REST)); }

/* csv-spectrum has the expected cells of each file beside it. Numbers are compared as numbers ("08123" is 8123). */
static void csv_spectrum(void **state) {
    static const char *const names[] = {
        "comma_in_quotes", "empty", "escaped_quotes", "json", "newlines", "quotes_and_newlines", "simple", "utf8"};
    us_context *context = support_plain_context();
    for (size_t i = 0; i < SIZE(names); i++) {
        char relative[256];
        snprintf(relative, sizeof relative, "data/csv-nasty/csv-spectrum/%s.csv", names[i]);
        const char *path = support_shared(relative);
        if (!path) skip();
        us_table *table = fixture_read(context, path);
        snprintf(relative, sizeof relative, "data/csv-nasty/csv-spectrum/%s.json", names[i]);
        json_t *rows = json_load_file(support_shared(relative), 0, NULL);
        assert_int_equal(us_table_rows(table), json_array_size(rows));
        for (size_t row = 0; row < us_table_rows(table); row++) {
            json_t *cells = json_array_get(rows, row);
            assert_int_equal(us_table_columns(table), json_object_size(cells));
            for (size_t c = 0; c < us_table_columns(table); c++) {
                const char *expected = json_string_value(json_object_get(cells, us_table_column_name(table, c)));
                assert_non_null(expected);
                if (us_table_column_kind(table, c) == US_COLUMN_NUMERIC && *expected)
                    assert_true(us_table_number(table, c, row) == strtod(expected, NULL));
                else
                    assert_string_equal(fixture_cell(table, c, row), expected);
            }
        }
        json_decref(rows);
        us_table_destroy(table);
    }
    us_context_destroy(context);
}

/* What the descriptions of the sets say about missing cells, blanks and names. */
static void details(void **state) {
    us_context *context = support_plain_context();
    const char *path = support_shared("data/adult-income/train.csv");
    if (!path) skip();
    us_table *table = fixture_read(context, path);
    assert_int_equal(us_table_missing(table, us_table_find_column(table, "workclass")), 1836);
    assert_int_equal(us_table_missing(table, us_table_find_column(table, "occupation")), 1843);
    assert_int_equal(us_table_missing(table, us_table_find_column(table, "native_country")), 583);
    assert_string_equal(fixture_cell(table, 1, 0), "State-gov"); /* no blank before it */
    us_table_destroy(table);
    table = fixture_read(context, support_shared("data/titanic/train.csv"));
    assert_int_equal(us_table_missing(table, us_table_find_column(table, "Age")), 177);
    assert_int_equal(us_table_missing(table, us_table_find_column(table, "Cabin")), 687);
    assert_int_equal(us_table_missing(table, us_table_find_column(table, "Embarked")), 2);
    us_table_destroy(table);
    table = fixture_read(context, support_shared("data/california-housing/housing.csv"));
    assert_int_equal(us_table_missing(table, us_table_find_column(table, "total_bedrooms")), 207);
    size_t levels;
    us_table_levels(table, us_table_find_column(table, "ocean_proximity"), &levels);
    assert_int_equal(levels, 5);
    us_table_destroy(table);
    table = fixture_read(context, support_shared("data/ntu-covid/covid.train.csv"));
    assert_int_equal(us_table_find_column(table, "cli.3"), us_table_find_column(table, "cli.2") + 18);
    us_table_destroy(table);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csvkit),       cmocka_unit_test(rust_csv),       cmocka_unit_test(chinese),
        cmocka_unit_test(csv_spectrum), cmocka_unit_test(all_other_sets), cmocka_unit_test(details),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
