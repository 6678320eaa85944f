/* The linear leaf on real data, at reference optima that were computed elsewhere in 90-digit or 80-bit arithmetic
 * (../shared/data/README.md): the loss is the reference's, the gradient is zero, the Hessian's extreme eigenvalues agree. */
#include "support.h"
#include <lapacke.h>
#include <unstuck/linear.h>
#include <zlib.h>

enum { MAX_ROWS = 21000, MAX_COLUMNS = 16, MAX_PARAMETERS = 32 };

/* Numbers of the columns that are wanted; rows in which one of them is missing are left out. `label` gets the text of the
 * last column. Returns the number of rows. The files have no quoted separators. */
static size_t read_numbers(const char *path, const char *separators, size_t skip, const size_t *columns, size_t wanted,
                           double (*out)[MAX_COLUMNS], char (*label)[32]) {
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    char line[4096];
    size_t rows = 0;
    while (gzgets(file, line, sizeof line)) {
        if (skip > 0) {
            skip--;
            continue;
        }
        char *rest = line, *cell, *last = NULL;
        size_t found = 0, column = 0;
        while ((cell = strsep(&rest, separators))) {
            char *end;
            double x = strtod(cell, &end);
            if (found < wanted && columns[found] == column && end > cell) out[rows][found++] = x;
            column++;
            if (*cell) last = cell;
        }
        if (found < wanted) continue;
        if (label && last) snprintf(label[rows], sizeof label[rows], "%.*s", (int)strcspn(last, "\r\n"), last);
        rows++;
    }
    gzclose(file);
    return rows;
}

/* A quantity of a reference.csv; for "coef:" and "w:", the k-th of them. */
static double reference(const char *path, const char *quantity, size_t k) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[512];
    double value = (double)NAN;
    bool prefix = quantity[strlen(quantity) - 1] == ':';
    while (fgets(line, sizeof line, file)) {
        char *rest = line;
        strsep(&rest, ",");
        char *name = strsep(&rest, ",");
        if (!rest || (prefix ? strncmp(name, quantity, strlen(quantity)) : strcmp(name, quantity))) continue;
        if (k-- == 0) {
            value = strtod(rest, NULL);
            break;
        }
    }
    fclose(file);
    if (isnan(value)) fail_msg("%s has no %s", path, quantity);
    return value;
}

/* Dense Hessian, all columns at once, and its eigenvalues in ascending order. `penalty` is added to the first `penalised`
 * entries of the diagonal. */
static void eigenvalues(us_problem *problem, const us_vec *theta, double penalty, size_t penalised, double *values) {
    size_t n = us_problem_dimension(problem);
    double hessian[MAX_PARAMETERS * MAX_PARAMETERS];
    us_vec *v[MAX_PARAMETERS], *hv[MAX_PARAMETERS];
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(us_vec_create(&v[i], us_problem_context(problem), US_F64, n), US_OK);
        assert_int_equal(us_vec_create(&hv[i], us_problem_context(problem), US_F64, n), US_OK);
        us_vec_set(v[i], i, 1);
    }
    assert_int_equal(us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const *)v, hv, n), US_OK);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) hessian[i * n + j] = us_vec_get(hv[i], j) + (i == j && i < penalised ? penalty : 0);
        us_vec_destroy(v[i]), us_vec_destroy(hv[i]);
    }
    assert_int_equal(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', (lapack_int)n, hessian, (lapack_int)n, values), 0);
}

static double (*numbers)[MAX_COLUMNS];
static char (*labels)[32];

/* Least squares of the last wanted column on the others, at the reference coefficients (the intercept comes first). */
static void expect_least_squares(const char *folder, const char *file, const char *separators, size_t skip,
                                 const size_t *columns, size_t wanted, size_t target, const char *target_file) {
    char path[256];
    snprintf(path, sizeof path, "data/%s/reference.csv", folder);
    const char *answers = support_shared(path);
    snprintf(path, sizeof path, "data/%s/%s", folder, file);
    const char *data = support_shared(path);
    if (!answers || !data) return;
    size_t rows = read_numbers(data, separators, skip, columns, wanted, numbers, NULL), C = wanted - (target_file ? 0 : 1);
    assert_int_equal(rows, (size_t)reference(answers, "n", 0));
    us_context *context = support_plain_context();
    us_dataset *dataset;
    us_problem *problem;
    us_vec *theta, *g;
    assert_int_equal(us_dataset_create(&dataset, context, US_F64, rows, C, US_REGRESSION, 1), US_OK);
    double *x = us_dataset_features(dataset), *y = us_dataset_targets(dataset), size[MAX_PARAMETERS] = {0};
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0, at = 0; c < wanted; c++) {
            if (!target_file && c == target)
                y[i] = numbers[i][c];
            else
                x[i * C + at++] = numbers[i][c];
        }
    if (target_file) {
        snprintf(path, sizeof path, "data/%s/%s", folder, target_file);
        assert_int_equal(read_numbers(support_shared(path), separators, skip, (size_t[]){0}, 1, numbers, NULL), rows);
        for (size_t i = 0; i < rows; i++) y[i] = numbers[i][0];
    }
    assert_int_equal(us_problem_create_linear(&problem, dataset, US_LINEAR_HALF_MSE), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, C + 1), US_OK);
    assert_int_equal(us_vec_create(&g, context, US_F64, C + 1), US_OK);
    for (size_t c = 0; c <= C; c++) us_vec_set(theta, c < C ? c : C, reference(answers, "coef:", c < C ? c + 1 : 0));
    double loss, values[MAX_PARAMETERS], rss = reference(answers, "rss", 0), rmse = sqrt(rss / (double)rows);
    assert_int_equal(us_problem_gradient(problem, theta, US_BATCH_ALL, &loss, g), US_OK);
    assert_near(loss, rss / (2 * (double)rows), 1e-10, 0);
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c <= C; c++) size[c] += (c < C ? x[i * C + c] * x[i * C + c] : 1) / (double)rows;
    for (size_t c = 0; c <= C; c++) assert_near(us_vec_get(g, c), 0, 0, 1e-9 * sqrt(size[c]) * rmse);
    eigenvalues(problem, theta, 0, 0, values);
    double largest = reference(answers, "hessian_eig_max", 0);
    assert_near(values[C], largest, 1e-12, 0);
    assert_near(values[0], reference(answers, "hessian_eig_min", 0), 1e-9, 1e-14 * largest);
    us_vec_destroy(theta), us_vec_destroy(g);
    us_problem_destroy(problem);
    us_dataset_destroy(dataset);
    us_context_destroy(context);
}

static void least_squares(void **state) {
    expect_least_squares("diabetes", "diabetes_data.csv.gz", " ", 0, (size_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10, 0,
                         "diabetes_target.csv.gz");
    expect_least_squares("auto-mpg", "mpg.csv", ",", 1, (size_t[]){0, 1, 2, 3, 4, 5, 6}, 7, 0, NULL);
    expect_least_squares("california-housing", "housing.csv", ",", 1, (size_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8}, 9, 8, NULL);
}

/* Classification at the reference weights, which are listed class by class, the intercept last, and penalised but for it. */
static void expect_classes(const char *answers, us_linear_loss loss, const size_t *class_of, size_t rows, size_t columns,
                           size_t classes, double penalty) {
    us_context *context = support_plain_context();
    us_dataset *dataset;
    us_problem *problem;
    us_vec *theta, *g;
    assert_int_equal(us_dataset_create(&dataset, context, US_F64, rows, columns, US_CLASSIFICATION, classes), US_OK);
    for (size_t i = 0; i < rows; i++) {
        memcpy((double *)us_dataset_features(dataset) + i * columns, numbers[i], columns * sizeof(double));
        us_dataset_labels(dataset)[i] = (uint32_t)class_of[i];
    }
    assert_int_equal(us_problem_create_linear(&problem, dataset, loss), US_OK);
    size_t n = us_problem_dimension(problem), K = n / (columns + 1);
    assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
    assert_int_equal(us_vec_create(&g, context, US_F64, n), US_OK);
    double square = 0, value, values[MAX_PARAMETERS];
    for (size_t k = 0; k < K; k++)
        for (size_t c = 0; c <= columns; c++) {
            double w = reference(answers, "w:", k * (columns + 1) + c);
            us_vec_set(theta, c < columns ? k * columns + c : K * columns + k, w);
            if (c < columns) square += w * w;
        }
    assert_int_equal(us_problem_gradient(problem, theta, US_BATCH_ALL, &value, g), US_OK);
    assert_near(value + penalty / 2 * square, reference(answers, "objective", 0), 1e-13, 0);
    for (size_t i = 0; i < n; i++)
        assert_near(us_vec_get(g, i) + (i < K * columns ? penalty * us_vec_get(theta, i) : 0), 0, 0, 1e-12);
    eigenvalues(problem, theta, penalty, K * columns, values);
    double largest = reference(answers, "hessian_eig_max", 0);
    assert_near(values[n - 1], largest, 1e-11, 0);
    assert_near(values[1], reference(answers, "hessian_eig_second", 0), 1e-9, 1e-14 * largest);
    assert_near(values[0], reference(answers, "hessian_eig_min", 0), 1e-9, 1e-14 * largest);
    us_vec_destroy(theta), us_vec_destroy(g);
    us_problem_destroy(problem);
    us_dataset_destroy(dataset);
    us_context_destroy(context);
}

static void softmax_on_iris(void **state) {
    static const char *const NAMES[] = {"Iris-setosa", "Iris-versicolor", "Iris-virginica"};
    const char *answers = support_shared("data/iris/reference.csv"), *data = support_shared("data/iris/iris.data");
    if (!answers || !data) return;
    size_t class_of[150], rows = read_numbers(data, ",", 0, (size_t[]){0, 1, 2, 3}, 4, numbers, labels);
    assert_int_equal(rows, 150);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < 3; k++)
            if (!strcmp(labels[i], NAMES[k])) class_of[i] = k;
    expect_classes(answers, US_LINEAR_SOFTMAX, class_of, rows, 4, 3, 0.01);
}

static void logistic_on_challenger(void **state) {
    const char *answers = support_shared("data/challenger/reference.csv"),
               *data = support_shared("data/challenger/challenger.csv");
    if (!answers || !data) return;
    size_t class_of[23], rows = read_numbers(data, ",", 1, (size_t[]){1, 2}, 2, numbers, NULL);
    assert_int_equal(rows, 23);
    for (size_t i = 0; i < rows; i++) {
        class_of[i] = numbers[i][0] > 0;
        numbers[i][0] = numbers[i][1];
    }
    expect_classes(answers, US_LINEAR_LOGISTIC, class_of, rows, 1, 2, 0);
}

int main(void) {
    numbers = calloc(MAX_ROWS, sizeof *numbers);
    labels = calloc(MAX_ROWS, sizeof *labels);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_squares),
        cmocka_unit_test(softmax_on_iris),
        cmocka_unit_test(logistic_on_challenger),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(numbers), free(labels);
    return failed;
}
