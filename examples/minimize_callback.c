/* Minimises a function of its own, and asks what kind of point it reached.
 *
 *   f(x, y) = (x² − 1)² + y²: minima at (±1, 0), and a saddle at (0, 0), where the start lies. */
#include <math.h>
#include <stdio.h>
#include <unstuck/unstuck.h>

static int value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    const double *t = theta, x = t[0], y = t[1];
    (void)user, (void)rows, (void)count;
    *loss = (x * x - 1) * (x * x - 1) + y * y;
    return 0;
}

static int gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *out) {
    const double *t = theta, x = t[0], y = t[1];
    double *g = out;
    g[0] = 4 * x * (x * x - 1);
    g[1] = 2 * y;
    return value(user, theta, rows, count, loss);
}

/* Names the point that theta is at. */
static us_status tell(us_problem *problem, const us_vec *theta, us_kind *kind) {
    us_point *point = NULL;
    us_status status = us_point_classify(&point, problem, theta, NULL);
    if (status < 0) return status;
    *kind = point->kind;
    printf("(%.6f, %.6f): %s, f = %.3g\n", point->theta[0], point->theta[1], us_kind_name(point->kind), point->value);
    us_point_destroy(point);
    return US_OK;
}

int main(void) {
    us_context *context = NULL;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_minimize_result result;
    us_kind start = US_KIND_UNDECIDED, end = US_KIND_UNDECIDED;
    us_callback_problem mine = US_CALLBACK_PROBLEM_INIT;
    mine.dimension = 2;
    mine.value = value;
    mine.gradient = gradient; /* without mine.hvp, differences of the gradient serve */

    us_status status = us_context_create(&context, NULL);
    if (status == US_OK) status = us_problem_create_callback(&problem, context, &mine);
    if (status == US_OK) status = us_vec_create(&theta, context, US_F64, 2);
    if (status == US_OK) status = tell(problem, theta, &start);
    if (status == US_OK) status = us_minimize(problem, theta, NULL, &result);
    if (status == US_OK) status = tell(problem, theta, &end);
    if (status != US_OK) fprintf(stderr, "%s\n", context ? us_context_error(context) : us_status_meaning(status));
    bool right =
        status == US_OK && start == US_KIND_SADDLE && end == US_KIND_MINIMUM && fabs(fabs(us_vec_get(theta, 0)) - 1) < 1e-6;
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
    return right ? 0 : 1;
}
