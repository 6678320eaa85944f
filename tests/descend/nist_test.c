/* The nonlinear regressions of NIST's Statistical Reference Datasets (https://www.itl.nist.gov/div898/strd/), from both of
 * their start points, as formula models. */
#include "support.h"
#include <unstuck/model.h>
#include <unstuck/solve.h>

static const struct {
    const char *name, *formula;
    int first, last;
} MODELS[] = {
    {"Bennett5", "b1*(b2+x)^(-1/b3)", 61, 214},
    {"BoxBOD", "b1*(1-exp(-b2*x))", 61, 66},
    {"Chwirut2", "exp(-b1*x)/(b2+b3*x)", 61, 114},
    {"DanWood", "b1*x^b2", 61, 66},
    {"Eckerle4", "(b1/b2)*exp(-0.5*((x-b3)/b2)^2)", 61, 95},
    {"Gauss1", "b1*exp(-b2*x)+b3*exp(-(x-b4)^2/b5^2)+b6*exp(-(x-b7)^2/b8^2)", 61, 310},
    {"Gauss2", "b1*exp(-b2*x)+b3*exp(-(x-b4)^2/b5^2)+b6*exp(-(x-b7)^2/b8^2)", 61, 310},
    {"Lanczos1", "b1*exp(-b2*x)+b3*exp(-b4*x)+b5*exp(-b6*x)", 61, 84},
    {"Lanczos3", "b1*exp(-b2*x)+b3*exp(-b4*x)+b5*exp(-b6*x)", 61, 84},
    {"MGH09", "b1*(x^2+x*b2)/(x^2+x*b3+b4)", 61, 71},
    {"MGH10", "b1*exp(b2/(x+b3))", 61, 76},
    {"MGH17", "b1+b2*exp(-x*b4)+b3*exp(-x*b5)", 61, 93},
    {"Misra1a", "b1*(1-exp(-b2*x))", 61, 74},
    {"Misra1b", "b1*(1-(1+b2*x/2)^(-2))", 61, 74},
    {"Misra1c", "b1*(1-(1+2*b2*x)^(-.5))", 61, 74},
    {"Rat42", "b1/(1+exp(b2-b3*x))", 61, 69},
    {"Rat43", "b1/((1+exp(b2-b3*x))^(1/b4))", 61, 75},
    {"Thurber", "(b1+b2*x+b3*x^2+b4*x^3)/(1+b5*x+b6*x^2+b7*x^3)", 61, 97},
};
enum { MODEL_COUNT = sizeof MODELS / sizeof MODELS[0], MOST_PARAMETERS = 8, MOST_ROWS = 300 };

static us_dataset *nist_dataset(us_context *context, size_t m, const char *path) {
    double y[MOST_ROWS], x[MOST_ROWS];
    char line[256];
    size_t rows = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int number = 1; fgets(line, sizeof line, file); number++)
        if (number >= MODELS[m].first && number <= MODELS[m].last && sscanf(line, "%lf %lf", &y[rows], &x[rows]) == 2)
            rows++;
    fclose(file);
    us_dataset *dataset;
    assert_int_equal(us_dataset_create(&dataset, context, US_F64, rows, 1, US_REGRESSION, 1), US_OK);
    memcpy(us_dataset_features(dataset), x, rows * sizeof *x);
    memcpy(us_dataset_targets(dataset), y, rows * sizeof *y);
    return dataset;
}

/* start[k][i]: of parameter i; also the certified values and their standard errors. */
static void nist_read(const char *path, const char *name, double start[2][MOST_PARAMETERS],
                      double certified[MOST_PARAMETERS], double deviations[MOST_PARAMETERS], double *rss) {
    char line[256], dataset[32], what[32];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        double value, deviation, first, second;
        if (sscanf(line, "%31[^,],%31[^,],%lf", dataset, what, &value) != 3 || strcmp(dataset, name) != 0) continue;
        if (strcmp(what, "rss") == 0) *rss = value;
        if (sscanf(line, "%31[^,],b%*d,%lf,%lf,%lf,%lf", dataset, &value, &deviation, &first, &second) != 5) continue;
        size_t i = (size_t)atoi(what + 1) - 1;
        certified[i] = value, deviations[i] = deviation, start[0][i] = first, start[1][i] = second;
    }
    fclose(file);
}

/* @return whether the certified fit was reached, all parameters and standard errors to 8 digits. */
static bool nist_fit(us_context *context, size_t m, int which, const char *solver) {
    char path[64];
    double start[2][MOST_PARAMETERS] = {{0}}, certified[MOST_PARAMETERS], deviations[MOST_PARAMETERS], rss = (double)NAN,
           theta_values[MOST_PARAMETERS];
    snprintf(path, sizeof path, "data/nist-nonlinear/%s.dat", MODELS[m].name);
    const char *data = support_shared(path), *table = support_shared("data/nist-nonlinear/certified.csv");
    if (!data || !table) return true;
    nist_read(table, MODELS[m].name, start, certified, deviations, &rss);
    us_dataset *dataset = nist_dataset(context, m, data);
    char text[128];
    snprintf(text, sizeof text, "formula: %s", MODELS[m].formula);
    static const char *const NAMES[] = {"x"};
    us_model_options options = US_MODEL_OPTIONS_INIT;
    options.text = text, options.inputs = options.outputs = 1, options.task = US_REGRESSION, options.feature_names = NAMES;
    us_model *model;
    us_problem *problem;
    us_vec *theta;
    us_minimize_result result;
    assert_int_equal(us_model_create(&model, context, &options), US_OK);
    assert_int_equal(us_model_problem(&problem, model, dataset), US_OK);
    size_t n = us_problem_dimension(problem), count;
    const us_group *groups = us_problem_groups(problem, &count);
    assert_int_equal(us_vec_wrap(&theta, context, US_F64, n, theta_values), US_OK);
    for (size_t i = 0; i < n; i++) theta_values[i] = start[which][atoi(groups[i].name + 1) - 1];
    us_status status = us_solve(problem, theta, solver, NULL, &result);
    us_fit *fit;
    assert_int_equal(us_fit_measure(&fit, problem, theta), US_OK);
    double found = 2 * (double)us_dataset_rows(dataset) * result.value, worst = 0, worst_error = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = (size_t)atoi(groups[i].name + 1) - 1;
        worst = fmax(worst, fabs(theta_values[i] - certified[k]) / fabs(certified[k]));
        worst_error = fmax(worst_error, fabs(fit->standard_error[i] - deviations[k]) / deviations[k]);
    }
    bool reached = status == US_OK && worst <= 1e-8 && fabs(found - rss) <= 1e-8 * rss + 1e-20;
    print_message("%-9s start %d: rss %.11g, certified %.11g, parameters to %.1e, errors to %.1e, %zu iterations, %s: %s\n",
                  MODELS[m].name, which + 1, found, rss, worst, worst_error, result.iterations, us_status_name(status),
                  result.reason);
    /* Lanczos1 fits to all digits: its residuals, and so the errors, are rounding. */
    if (reached && rss > 1e-20 && !(worst_error <= 1e-6))
        fail_msg("%s: standard errors to %.1e", MODELS[m].name, worst_error);
    us_fit_destroy(fit);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(dataset);
    return reached;
}

static void certified_fits_are_reached(void **state) {
    us_context *context = support_plain_context();
    for (size_t m = 0; m < MODEL_COUNT; m++)
        for (int which = 0; which < 2; which++)
            if (!nist_fit(context, m, which, "trust-region"))
                fail_msg("%s from start %d ends elsewhere", MODELS[m].name, which + 1);
    us_context_destroy(context);
}

/* By itself it may end in a valley or a local minimum: so do others from the first starts. */
static void levenberg_marquardt_reaches_most(void **state) {
    us_context *context = support_plain_context();
    int reached = 0;
    for (size_t m = 0; m < MODEL_COUNT; m++)
        for (int which = 0; which < 2; which++) reached += nist_fit(context, m, which, "levenberg-marquardt");
    print_message("Levenberg-Marquardt alone: %d of 36\n", reached);
    assert_true(reached >= 30);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(certified_fits_are_reached),
                                       cmocka_unit_test(levenberg_marquardt_reaches_most)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
