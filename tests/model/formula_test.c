#include "support.h"
#include <unstuck/model.h>

/* At x = 1.385, y = 2.615, _b = -1.43; printed by formula_values.py. */
static const struct {
    const char *formula;
    double value;
} VALUES[] = {
    {"-x^2", -1.9182250000000001},
    {"(-x)^2", 1.9182250000000001},
    {"2^-1+x", 1.885},
    {"2^x^2", 3.7795775738222823},
    {"(2^x)^2", 6.8210791341436536},
    {"x^-2", 0.52131527844752312},
    {"2^-x^2", 0.26457983212888558},
    {"-x^-2", -0.52131527844752312},
    {"x-y-1", -2.2300000000000004},
    {"x-(y-1)", -0.2300000000000002},
    {"x/y/2", 0.26481835564053535},
    {"x/(y/2)", 1.0592734225621414},
    {"x/y*2", 1.0592734225621414},
    {"2*-x", -2.77},
    {"x--y", 4},
    {"--x", 1.385},
    {"+x- +y", -1.2300000000000002},
    {"-x*y", -3.6217750000000004},
    {"-2^2+x", -2.6150000000000002},
    {"x^2*y", 5.0161583750000007},
    {"x*y^2", 9.4709416250000018},
    {"x+y*x^2/3-1", 2.057052791666667},
    {"1e-3*x", 0.0013849999999999999},
    {".5*x", 0.6925},
    {"5.*x", 6.9249999999999998},
    {"1.5E+2-x", 148.61500000000001},
    {"2e0*x", 2.77},
    {"e^(x-1)", 1.4696143214411443},
    {"e*x+pi", 6.9064129860055701},
    {"x^y", 2.3436413800643678},
    {"y^x^-1", 2.0018134605676545},
    {"exp(log(x))", 1.385},
    {"sqrt(x)+sin(x)*cos(y)-tan(x)", -4.992948041408769},
    {"asin(x/3)+acos(x/3)*atan(y)", 1.7950310169476076},
    {"sinh(x)+cosh(y)*tanh(x)", 7.9322137176446432},
    {"sigmoid(x-y)+erf(x)", 1.1760318294102918},
    {"abs(y-x)", 1.2300000000000002},
    {"((((x))))", 1.385},
    {"sin(cos(tan(x)))", 0.54050835339954884},
    {" x\t+\n y", 4},
    {"_b*2+x+y", 1.1400000000000003},
    {"-(-(x))^3", 2.656741625},
    {"2*3^2*x", 24.93},
    {"x^(1/3)", 1.1146792698935424},
    {"1-x^2^.5", -0.58503985915469148},
    {"(x+y)*(x-y)", -4.9200000000000008},
    {"x*(y+1)^2-(1-y)^2*x", 14.487100000000002},
    {"8/2*(2+2)+x", 17.385000000000002},
    {"3-4+5*x-6", -0.075000000000000178},
    {"2^3^2/x", 369.67509025270761},
    {"exp(1)*x-log(10)^sin(2)", 1.6299977228951508},
};

static us_status formula_value(us_context *context, const char *formula, double *value) {
    static const char *const NAMES[] = {"x", "y", "_b"};
    static double at[] = {1.385, 2.615, -1.43};
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_status status = us_problem_create_formula(&problem, context, formula, NAMES, 3);
    if (status == US_OK) status = us_vec_wrap(&theta, context, US_F64, 3, at);
    if (status == US_OK) status = us_problem_value(problem, theta, US_BATCH_ALL, value);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void values_are_those_of_python(void **state) {
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        double value = (double)NAN;
        us_status status = formula_value(context, VALUES[i].formula, &value);
        if (status != US_OK) fail_msg("%s: %s", VALUES[i].formula, us_context_error(context));
        if (fabs(value - VALUES[i].value) > 1e-14 * fabs(VALUES[i].value) + 1e-15)
            fail_msg("%s = %.17g, expected %.17g", VALUES[i].formula, value, VALUES[i].value);
    }
    us_context_destroy(context);
}

/* Formula, column of the caret, a part of the message. */
static const struct {
    const char *formula;
    size_t column;
    const char *says;
} WRONG[] = {
    {"", 1, "empty"},
    {"   ", 4, "empty"},
    {"1+sine(x)", 3, "unknown function 'sine'; did you mean 'sin'?"},
    {"ln(x)", 1, "did you mean 'log'?"},
    {"2x", 2, "an operator is missing between '2' and 'x'"},
    {"x y", 3, "an operator is missing between 'x' and 'y'"},
    {"2(x+1)", 2, "an operator is missing between '2' and '('"},
    {"(x)(y)", 4, "an operator is missing between ')' and '('"},
    {"sin x", 1, "'sin' is a function"},
    {"sin+sin(x)", 1, "'sin' is a function"},
    {"longname(x)+longname", 1, "unknown function 'longname'"},
    {"pi(x)", 3, "an operator is missing between 'pi' and '('"},
    {"x+", 3, "is missing after '+'"},
    {"x+*y", 3, "is missing after '+'"},
    {"*x", 1, "cannot begin with '*'"},
    {"x**2", 3, "'^', not '**'"},
    {"(x+1", 1, "this '(' is never closed"},
    {"2*(x+(y-1)", 3, "this '(' is never closed"},
    {"x+1)", 4, "this ')' closes nothing"},
    {"()", 2, "is missing after '('"},
    {"exp()", 5, "is missing after '('"},
    {"(x y)", 4, "before 'y'"},
    {"x=1", 2, "no formula has a '='"},
    {"x+y, 2", 4, "no formula has a ','"},
    {"x+\xC3\xA4", 3, "no formula has a '\xC3\xA4'"},
    {"x\xC2\xB2+1", 2, "no formula has a '\xC2\xB2'"},
    {"(\xCE\xB1+1)*x", 2, "no formula has a '\xCE\xB1'"},
    {"1e999*x", 1, "too large"},
    {"0x10", 2, "between '0' and 'x10'"},
    {"1e", 2, "between '1' and 'e'"},
    {"1.2.3", 4, "between '1.2' and '.3'"},
    {".", 1, "no formula has a '.'"},
    {"x+z1", 3, "'z1' has no value"},
};

static void errors_show_the_place(void **state) {
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        double value;
        assert_int_equal(formula_value(context, WRONG[i].formula, &value), US_ERR_INPUT);
        const char *error = us_context_error(context), *column = strstr(error, "column ");
        if (!strstr(error, WRONG[i].says)) fail_msg("\"%s\" is not in:\n%s", WRONG[i].says, error);
        assert_non_null(column);
        if (strtoul(column + 7, NULL, 10) != WRONG[i].column)
            fail_msg("column %zu is expected:\n%s", WRONG[i].column, error);
        const char *shown = strchr(error, '\n'), *caret = strrchr(error, '\n');
        assert_true(shown && caret > shown);
        assert_int_equal(strlen(caret + 1), 2 + WRONG[i].column); /* two blanks, then one a column */
        assert_int_equal(caret[strlen(caret) - 1], '^');
        assert_int_equal(strncmp(shown + 1, "  ", 2), 0);
        assert_int_equal(strncmp(shown + 3, WRONG[i].formula, strlen(WRONG[i].formula)), 0);
    }
    us_context_destroy(context);
}

static void long_formulas_are_shown_in_part(void **state) {
    us_context *context = support_plain_context();
    char text[1201];
    for (size_t i = 0; i < 1200; i += 2) memcpy(text + i, "x+", 2);
    text[1200] = '\0';
    text[601] = '!';
    double value;
    assert_int_equal(formula_value(context, text, &value), US_ERR_INPUT);
    const char *error = us_context_error(context), *caret = strrchr(error, '\n');
    assert_non_null(strstr(error, "column 602"));
    assert_true(strlen(error) < 300);
    const char *shown = strchr(error, '\n');
    assert_int_equal(shown[strlen(caret) - 1], '!'); /* the caret stands under it */
    us_context_destroy(context);
}

static char *repeat(const char *part, size_t times, const char *middle, const char *after) {
    size_t a = strlen(part), b = strlen(after);
    char *text = malloc(times * (a + b) + strlen(middle) + 1), *end = text;
    for (size_t i = 0; i < times; i++) memcpy(end, part, a), end += a;
    end = stpcpy(end, middle);
    for (size_t i = 0; i < times; i++) memcpy(end, after, b), end += b;
    *end = '\0';
    return text;
}

static void depth_is_limited_and_length_is_not(void **state) {
    us_context *context = support_plain_context();
    static const char *const DEEP[][3] = {
        {"(", "x", ")"}, {"-", "x", ""}, {"sin(", "x", ")"}, {"x^", "x", ""}, {"-(", "x", ")"}};
    double value;
    for (size_t i = 0; i < sizeof DEEP / sizeof DEEP[0]; i++) {
        char *text = repeat(DEEP[i][0], 15000, DEEP[i][1], DEEP[i][2]);
        assert_int_equal(formula_value(context, text, &value), US_ERR_INPUT);
        assert_non_null(strstr(us_context_error(context), "nested deeper"));
        free(text);
    }
    char *open = repeat("(", 100000, "", ""), *fits = repeat("(", 400, "x", ")"), *sum = repeat("1+", 20000, "x", "");
    assert_int_equal(formula_value(context, open, &value), US_ERR_INPUT);
    assert_int_equal(formula_value(context, fits, &value), US_OK);
    assert_near(value, 1.385, 0, 0);
    assert_int_equal(formula_value(context, sum, &value), US_OK);
    assert_near(value, 20001.385, 1e-15, 0);
    free(open), free(fits), free(sum);
    us_context_destroy(context);
}

static void variables_come_in_order_of_appearance(void **state) {
    us_context *context = support_plain_context();
    static const char *const EXPECTED[] = {"w2", "x", "_a", "E"};
    char **names;
    size_t count;
    assert_int_equal(us_formula_variables(context, "w2*sin(x)+e^_a-pi*E+x*w2", &names, &count), US_OK);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) assert_string_equal(names[i], EXPECTED[i]);
    us_names_release(context, names, count);
    assert_int_equal(us_formula_variables(context, "1+pi", &names, &count), US_OK);
    assert_int_equal(count, 0);
    us_names_release(context, names, count);
    us_context_destroy(context);
}

static void names_of_variables_are_checked(void **state) {
    us_context *context = support_plain_context();
    static const char *const BAD[][2] = {{"e", "y"}, {"sin", "y"}, {"2x", "y"}, {"x y", "y"},
                                         {"y", "y"}, {"", "y"},    {" x", "y"}};
    us_problem *problem;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(us_problem_create_formula(&problem, context, "y^2", BAD[i], 2), US_ERR_INPUT);
        assert_null(problem);
    }
    assert_int_equal(us_problem_create_formula(&problem, context, "2", NULL, 0), US_ERR_INPUT);
    us_context_destroy(context);
}

/* A formula that does not use one of its variables, or none of them, is still a function of all. */
static void unused_variables_have_no_slope(void **state) {
    us_context *context = support_plain_context();
    static const char *const NAMES[] = {"x", "y"}, *const FORMULAS[] = {"x^3", "7.5"};
    for (size_t i = 0; i < 2; i++) {
        us_problem *problem;
        us_vec *theta, *gradient;
        double loss;
        assert_int_equal(us_problem_create_formula(&problem, context, FORMULAS[i], NAMES, 2), US_OK);
        assert_int_equal(us_vec_create(&theta, context, US_F64, 2), US_OK);
        assert_int_equal(us_vec_create(&gradient, context, US_F64, 2), US_OK);
        us_vec_fill(theta, 1.5);
        us_vec_fill(gradient, 99);
        assert_int_equal(us_problem_gradient(problem, theta, US_BATCH_ALL, &loss, gradient), US_OK);
        assert_near(loss, i == 0 ? 3.375 : 7.5, 1e-15, 0);
        assert_near(us_vec_get(gradient, 0), i == 0 ? 6.75 : 0, 1e-15, 0);
        assert_near(us_vec_get(gradient, 1), 0, 0, 0);
        us_vec_destroy(theta), us_vec_destroy(gradient);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

static us_status formula_body(us_context *context, void *user) {
    double value;
    us_status status = formula_value(context, "2^-1+sin(x)*(y-_b)^2", &value);
    char **names = NULL;
    size_t count = 0;
    if (status == US_OK) status = us_formula_variables(context, "a+b*c1+c2+c3+c4+c5+c6+c7+c8+c9", &names, &count);
    us_names_release(context, names, count);
    return status;
}

static void creation_survives_failing_allocations(void **state) { support_fail_each_allocation(formula_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_python),
        cmocka_unit_test(errors_show_the_place),
        cmocka_unit_test(long_formulas_are_shown_in_part),
        cmocka_unit_test(depth_is_limited_and_length_is_not),
        cmocka_unit_test(variables_come_in_order_of_appearance),
        cmocka_unit_test(names_of_variables_are_checked),
        cmocka_unit_test(unused_variables_have_no_slope),
        cmocka_unit_test(creation_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
