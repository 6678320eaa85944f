/* Every update rule against tests/oracle/rules.csv, which an independent program wrote (rules.py beside it, from the
 * papers' formulas in 60 digits), and against PyTorch's trajectories (rules_torch.py): through us_rule_apply in a loop of
 * the test's own, and through a training. */
#include "support.h"
#include <unstuck/train.h>

static const us_precision PRECISIONS[] = {US_F32, US_F64};

/* ------------------------------------------------------------------ the problems of rules.py and rules_torch.py */

enum { QUADRATIC, ROSENBROCK, LOGISTIC, SAMPLES = 9 }; /* LOGISTIC and above: random ones */

static const double CURVATURE[5] = {0.3, 1.7, 0.05, 4.1, 0.9}, CENTRE[5] = {0.5, -1.25, 2.0, 0.125, -0.75};

static int objective_named(const char *name) {
    if (!strncmp(name, "logistic-", 9)) return LOGISTIC + atoi(name + 9);
    return strcmp(name, "rosenbrock") == 0 ? ROSENBROCK : QUADRATIC;
}

static size_t objective_size(int which) { return which == ROSENBROCK ? 2 : 5; }

/* Numbers in [-1, 1) that both programs draw alike (Knuth's MMIX generator). */
static double objective_draw(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-52 - 1;
}

static void objective_start(int which, double *x) {
    static const double STARTS[2][5] = {{2.385, -3.1, 0.77, 1.9, 1.31}, {-1.2, 1.0}};
    uint64_t draws = (uint64_t)which;
    for (size_t i = 0; i < objective_size(which); i++) x[i] = which < LOGISTIC ? STARTS[which][i] : objective_draw(&draws);
}

static double objective(int which, const double *x, double *g) {
    double f = 0;
    if (which == ROSENBROCK) {
        double u = x[1] - x[0] * x[0];
        g[0] = -400 * x[0] * u - 2 * (1 - x[0]);
        g[1] = 200 * u;
        return 100 * u * u + (1 - x[0]) * (1 - x[0]);
    }
    if (which == QUADRATIC) {
        for (int i = 0; i < 5; i++) {
            g[i] = CURVATURE[i] * (x[i] - CENTRE[i]);
            f += 0.5 * g[i] * (x[i] - CENTRE[i]);
        }
        return f;
    }
    uint64_t draws = 1000 + (uint64_t)which;
    for (int i = 0; i < 5; i++) g[i] = 0.1 * x[i], f += 0.05 * x[i] * x[i];
    for (int j = 0; j < SAMPLES; j++) { /* mean log(1 + exp(a'x)) + 0.05 |x|^2 */
        double a[5], z = 0;
        for (int i = 0; i < 5; i++) a[i] = 3 * objective_draw(&draws), z += a[i] * x[i];
        f += log1p(exp(z)) / SAMPLES;
        for (int i = 0; i < 5; i++) g[i] += a[i] / (1 + exp(-z)) / SAMPLES;
    }
    return f;
}

typedef struct objective_user {
    us_precision precision;
    int which;
} objective_user;

static int objective_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss,
                              void *gradient) {
    const objective_user *u = user;
    double x[5] = {0}, g[5];
    for (size_t i = 0; i < objective_size(u->which); i++)
        x[i] = u->precision == US_F32 ? (double)((const float *)theta)[i] : ((const double *)theta)[i];
    *loss = objective(u->which, x, g);
    for (size_t i = 0; i < objective_size(u->which); i++) {
        if (u->precision == US_F32)
            ((float *)gradient)[i] = (float)g[i];
        else
            ((double *)gradient)[i] = g[i];
    }
    return 0;
}

static int objective_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    double unused[5];
    return objective_gradient(user, theta, rows, count, loss, unused);
}

/* The diagonal of the Hessian of the first two. */
static void objective_diagonal(int which, const double *x, double *d) {
    for (size_t i = 0; i < objective_size(which); i++) d[i] = CURVATURE[i];
    if (which == ROSENBROCK) d[0] = 1200 * x[0] * x[0] - 400 * x[1] + 2, d[1] = 200;
}

/* Of the quadratic, in f64: differences of gradients would do, but not to 1e-12. */
static int objective_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const objective_user *u = user;
    for (size_t i = 0; i < objective_size(u->which); i++) {
        if (u->precision == US_F32)
            ((float *)hv)[i] = (float)CURVATURE[i] * ((const float *)v)[i];
        else
            ((double *)hv)[i] = CURVATURE[i] * ((const double *)v)[i];
    }
    return 0;
}

static us_problem *objective_problem(us_context *context, objective_user *user) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = objective_size(user->which);
    callback.precision = user->precision;
    callback.user = user;
    callback.value = objective_value;
    callback.gradient = objective_gradient;
    if (user->which == QUADRATIC) callback.hvp = objective_hvp;
    us_problem *problem;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    return problem;
}

/* ------------------------------------------------------------------ rules.csv */

typedef struct oracle_case {
    char rule[40], set[120], schedule[40], problem[20];
    double lr, clip;
    unsigned long warmup;
    size_t points;
    unsigned long step[16];
    double theta[16][5];
} oracle_case;

/* Fields of a line, in place; "a,,b" has three. */
static size_t oracle_split(char *line, char **fields, size_t most) {
    size_t n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *p = line; n < most; p++) {
        fields[n++] = p;
        p += strcspn(p, ",");
        if (!*p) break;
        *p = '\0';
    }
    return n;
}

static size_t oracle_read(const char *name, oracle_case *cases, size_t most) {
    char path[1024], line[1024], *f[9] = {0};
    snprintf(path, sizeof path, "%s/tests/oracle/%s", getenv("UNSTUCK_SOURCE_ROOT") ? getenv("UNSTUCK_SOURCE_ROOT") : ".",
             name);
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s is missing", path);
    size_t count = 0;
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        assert_int_equal(oracle_split(line, f, 9), 9);
        unsigned long step = strtoul(f[7], NULL, 10);
        if (step == 1) {
            assert_true(count < most);
            oracle_case *c = &cases[count++];
            memset(c, 0, sizeof *c);
            snprintf(c->rule, sizeof c->rule, "%.39s", f[0]);
            snprintf(c->set, sizeof c->set, "%.119s", f[1]);
            for (char *s = c->set; *s; s++) *s = *s == ' ' ? ',' : *s;
            c->lr = strtod(f[2], NULL);
            snprintf(c->schedule, sizeof c->schedule, "%.39s", f[3]);
            c->warmup = strtoul(f[4], NULL, 10);
            c->clip = strtod(f[5], NULL);
            snprintf(c->problem, sizeof c->problem, "%.19s", f[6]);
        }
        oracle_case *c = &cases[count - 1];
        assert_true(c->points < 16);
        c->step[c->points] = step;
        char *p = f[8];
        for (int i = 0; i < 5 && *p; i++) c->theta[c->points][i] = strtod(p, &p);
        c->points++;
    }
    fclose(file);
    return count;
}

/* What rounding allows beyond the common bounds. */
typedef struct oracle_bounds {
    const char *rule;
    unsigned long steps_f32, steps_f64; /* that can be compared */
    double allowed;                     /* in f64, of the largest element */
} oracle_bounds;

static oracle_bounds oracle_bounds_of(const char *rule) {
    static const oracle_bounds table[] = {
        /* Steps that do not vanish with the gradient: rounding turns its sign near a minimum. */
        {"adadelta", 20, 200, 1e-12},
        {"adamax", 20, 200, 1e-12},
        {"adabelief", 20, 200, 1e-12},
        {"adan", 20, 200, 1e-12},
        {"lion", 20, 200, 1e-12},
        {"rmsprop-centred", 20, 200, 1e-12},
        {"lamb", 20, 200, 1e-12},
        {"adafactor", 20, 200, 1e-12},
        {"sophia-h", 20, 200, 1e-12},
        {"soap", 20, 200, 1e-12},
        {"shampoo", 20, 200, 1e-12},
        /* Differences θ − θ₀ of 1e-6 and below, rounded as θ is. */
        {"dadapt-adam", 5, 200, 1e-9},
        {"prodigy", 5, 200, 1e-9},
        {"dog", 5, 200, 1e-9},
        /* And a scale that swings about a minimum: rounding grows sevenfold a step there (f64 against x87's 80 bits). */
        {"mechanic", 5, 50, 1e-9},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(rule, table[i].rule)) return table[i];
    return (oracle_bounds){rule, 200, 200, 1e-12};
}

/* In f64, 1e-12 of the largest element. In f32 a step rounds
 * θ, the gradient and the state, at most four half-ulps of the largest element (3.2) a step that no later step magnifies
 * more than twofold: 4·step·ε of it. */
static void oracle_compare(const oracle_case *c, us_precision precision, const us_vec *theta, size_t point,
                           const char *way) {
    double largest = 0;
    for (size_t i = 0; i < us_vec_size(theta); i++) largest = fmax(largest, fabs(c->theta[point][i]));
    oracle_bounds bounds = oracle_bounds_of(c->rule);
    if (c->step[point] > (precision == US_F64 ? bounds.steps_f64 : bounds.steps_f32)) return;
    double allowed = precision == US_F64 ? bounds.allowed : 4 * (double)c->step[point] * us_precision_epsilon(precision);
    for (size_t i = 0; i < us_vec_size(theta); i++)
        if (!(fabs(us_vec_get(theta, i) - c->theta[point][i]) <= allowed * largest))
            fail_msg("%s, %s %s in f%d on %s, step %lu: theta[%zu] is %.17g, should be %.17g", way, c->rule, c->set,
                     (int)precision, c->problem, c->step[point], i, us_vec_get(theta, i), c->theta[point][i]);
}

static void follow_by_training(us_context *context, const oracle_case *c, us_precision precision) {
    objective_user user = {precision, objective_named(c->problem)};
    double begin[5];
    us_problem *problem = objective_problem(context, &user);
    us_vec *start;
    us_training *training;
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find(c->rule);
    assert_non_null(options.rule);
    if (options.rule->wants_diagonal && user.which != QUADRATIC) { /* a sample of it is not it */
        us_problem_destroy(problem);
        return;
    }
    assert_int_equal(us_rule_parse_hyper(context, options.rule, c->set, hyper), US_OK);
    assert_int_equal(us_schedule_parse(context, c->schedule, c->warmup, &options.schedule), US_OK);
    options.hyper = hyper;
    options.learning_rate = c->lr;
    options.clip_norm = c->clip;
    assert_int_equal(us_vec_create(&start, context, US_F64, objective_size(user.which)), US_OK);
    objective_start(user.which, begin);
    us_vec_write_f64(start, begin);
    assert_int_equal(us_training_create(&training, problem, start, &options), US_OK);
    for (size_t point = 0; point < c->points; point++) {
        assert_int_equal(us_training_advance(training, c->step[point] - us_training_steps(training)), US_OK);
        oracle_compare(c, precision, us_training_theta(training), point, "training");
    }
    us_training_destroy(training);
    us_vec_destroy(start);
    us_problem_destroy(problem);
}

/* As a program with a loop of its own does it. */
static void follow_by_apply(us_context *context, const oracle_case *c, us_precision precision) {
    int which = objective_named(c->problem);
    double x[5], g[5], memory[64] = {0};
    const us_rule *rule = us_rule_find(c->rule);
    us_schedule schedule;
    us_vec *theta, *gradient, *diagonal, *state[US_RULE_STATES_MAX] = {0};
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    assert_int_equal(us_rule_parse_hyper(context, rule, c->set, hyper), US_OK);
    assert_int_equal(us_schedule_parse(context, c->schedule, c->warmup, &schedule), US_OK);
    assert_int_equal(us_vec_create(&theta, context, precision, objective_size(which)), US_OK);
    assert_int_equal(us_vec_create(&gradient, context, precision, objective_size(which)), US_OK);
    assert_int_equal(us_vec_create(&diagonal, context, precision, objective_size(which)), US_OK);
    for (size_t k = 0; k < rule->states; k++)
        assert_int_equal(us_vec_create(&state[k], context, precision, objective_size(which)), US_OK);
    objective_start(which, x);
    us_vec_write_f64(theta, x);
    size_t point = 0;
    for (unsigned long t = 1; point < c->points; t++) {
        us_vec_read_f64(theta, x);
        objective(which, x, g);
        us_vec_write_f64(gradient, g);
        objective_diagonal(which, x, g);
        us_vec_write_f64(diagonal, g);
        double norm = us_vec_norm2(gradient);
        if (c->clip > 0 && norm > c->clip) us_vec_scale(gradient, c->clip / norm);
        us_rule_step step = {
            .step = t, .learning_rate = c->lr * us_schedule_factor(&schedule, t), .hyper = c->set[0] ? hyper : NULL};
        assert_int_equal(us_rule_apply_whole(context, rule, &step, theta, gradient, state, memory, diagonal, NULL, 0),
                         US_OK);
        if (t == c->step[point]) oracle_compare(c, precision, theta, point++, "apply");
    }
    for (size_t k = 0; k < rule->states; k++) us_vec_destroy(state[k]);
    us_vec_destroy(diagonal);
    us_vec_destroy(gradient);
    us_vec_destroy(theta);
}

static void rules_follow_their_formulas(void **state) {
    us_context *context = support_plain_context();
    static oracle_case cases[384];
    size_t count = oracle_read("rules.csv", cases, 384), rules;
    const us_rule *const *table = us_rules(&rules);
    for (size_t r = 0; r < rules; r++) {
        size_t covered = 0;
        for (size_t i = 0; i < count; i++) covered += strcmp(cases[i].rule, table[r]->name) == 0;
        if (covered < 2) fail_msg("rules.csv does not cover %s", table[r]->name);
    }
    count += oracle_read("rules_torch.csv", cases + count, 384 - count);
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < 2; p++) {
            follow_by_training(context, &cases[i], PRECISIONS[p]);
            follow_by_apply(context, &cases[i], PRECISIONS[p]);
        }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ rules_matrix.csv */

/* The problems of rules_matrix.py: ½ Σ c (θ − a)². */
typedef struct quadratic {
    us_group groups[5];
    size_t count, n;
    double c[96], a[96], start[96];
} quadratic;

static quadratic quadratic_named(const char *name) {
    quadratic q = {.count = 5,
                   .groups = {{.name = "wide", .rank = 2, .shape = {3, 5}},
                              {.name = "tall", .rank = 2, .shape = {7, 2}},
                              {.name = "kernels", .rank = 4, .shape = {4, 3, 2, 2}},
                              {.name = "vector", .rank = 1, .shape = {4}},
                              {.name = "scalar"}}};
    if (!strcmp(name, "square"))
        q = (quadratic){.count = 3,
                        .groups = {{.name = "square", .rank = 2, .shape = {4, 4}},
                                   {.name = "kernels", .rank = 4, .shape = {4, 2, 2, 1}},
                                   {.name = "vector", .rank = 1, .shape = {4}}}};
    for (size_t k = 0; k < q.count; k++) {
        us_group *group = &q.groups[k];
        group->offset = q.n;
        group->count = 1;
        for (size_t i = 0; i < group->rank; i++) group->count *= group->shape[i];
        q.n += group->count;
    }
    uint64_t draws = q.count;
    for (size_t i = 0; i < q.n; i++) q.c[i] = 1.2 + objective_draw(&draws);
    for (size_t i = 0; i < q.n; i++) q.a[i] = objective_draw(&draws);
    for (size_t i = 0; i < q.n; i++) q.start[i] = objective_draw(&draws);
    return q;
}

/* Every line of the file: trajectory after trajectory. Over 200 steps in f32, single ones part; the first ten must not,
 * but for SOAP's: its first basis makes the second gradient, the same one, diagonal, and the signs of what is zero beside
 * the diagonal are those of rounding. */
static void follow_matrices(us_context *context, us_precision precision) {
    char path[1024], line[4096], *f[6] = {0};
    snprintf(path, sizeof path, "%s/tests/oracle/rules_matrix.csv",
             getenv("UNSTUCK_SOURCE_ROOT") ? getenv("UNSTUCK_SOURCE_ROOT") : ".");
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s is missing", path);
    us_vec *theta = NULL, *gradient = NULL, *diagonal = NULL, *states[US_RULE_STATES_MAX] = {0};
    double *memory = NULL, hyper[US_RULE_HYPERPARAMETERS_MAX];
    quadratic q = {.n = 0};
    uint64_t t = 0;
    size_t compared = 0;
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        assert_int_equal(oracle_split(line, f, 6), 6);
        const us_rule *rule = us_rule_find(f[0]);
        uint64_t until = strtoul(f[4], NULL, 10);
        if (until == 1) { /* another trajectory */
            for (char *s = f[1]; *s; s++) *s = *s == ' ' ? ',' : *s;
            assert_int_equal(us_rule_parse_hyper(context, rule, f[1], hyper), US_OK);
            q = quadratic_named(f[3]);
            us_vec_destroy(theta), us_vec_destroy(gradient), us_vec_destroy(diagonal), free(memory);
            for (size_t k = 0; k < US_RULE_STATES_MAX; k++) {
                us_vec_destroy(states[k]);
                assert_int_equal(us_vec_create(&states[k], context, precision, q.n), US_OK);
            }
            assert_int_equal(us_vec_create(&theta, context, precision, q.n), US_OK);
            assert_int_equal(us_vec_create(&gradient, context, precision, q.n), US_OK);
            assert_int_equal(us_vec_create(&diagonal, context, precision, q.n), US_OK);
            us_vec_write_f64(theta, q.start);
            us_vec_write_f64(diagonal, q.c);
            memory = calloc(rule->memory ? rule->memory(q.groups, q.count) + 1 : 1, sizeof *memory);
            t = 0;
        }
        for (; t < until; t++) {
            double g[96];
            for (size_t i = 0; i < q.n; i++) g[i] = q.c[i] * (us_vec_get(theta, i) - q.a[i]);
            us_vec_write_f64(gradient, g);
            us_rule_step step = {.step = t + 1, .learning_rate = strtod(f[2], NULL), .hyper = hyper};
            assert_int_equal(
                us_rule_apply_whole(context, rule, &step, theta, gradient, states, memory, diagonal, q.groups, q.count),
                US_OK);
        }
        char *p = f[5];
        double allowed = precision == US_F64 ? 1e-9 : 2e-3;
        for (size_t i = 0; i < q.n; i++) {
            double should = strtod(p, &p);
            if (!(fabs(us_vec_get(theta, i) - should) <= allowed) &&
                (precision == US_F64 || (t <= 10 && strcmp(rule->name, "soap"))))
                fail_msg("%s on %s in f%d, step %llu: theta[%zu] is %.17g, should be %.17g", rule->name, f[3],
                         (int)precision, (unsigned long long)t, i, us_vec_get(theta, i), should);
        }
        compared++;
    }
    assert_true(compared >= 98);
    us_vec_destroy(theta), us_vec_destroy(gradient), us_vec_destroy(diagonal), free(memory);
    for (size_t k = 0; k < US_RULE_STATES_MAX; k++) us_vec_destroy(states[k]);
    fclose(file);
}

static void rules_of_matrices_follow_their_formulas(void **state) {
    us_context *context = support_plain_context();
    for (size_t p = 0; p < 2; p++) follow_matrices(context, PRECISIONS[p]);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ known consequences of the formulas */

/* True when |θ| grows over 4000 steps of a rule on f = ½θ², started at 1. */
static bool grows(const us_rule *rule, double rate) {
    double theta = 1, state = 0, hyper[] = {0.9}, *states[] = {&state};
    for (uint64_t t = 1; t <= 4000; t++) {
        double gradient = theta;
        rule->update_f64(&(us_rule_step){.step = t, .learning_rate = rate, .hyper = hyper}, &theta, &gradient, states, 1);
        if (t > 3900 && !(fabs(theta) < 1)) return true; /* NaN, too */
    }
    return false;
}

static double stability_limit(const char *name) {
    double stable = 0.1, unstable = 10;
    while (unstable - stable > 1e-6) {
        double middle = 0.5 * (stable + unstable);
        if (grows(us_rule_find(name), middle))
            unstable = middle;
        else
            stable = middle;
    }
    return stable;
}

/* Whether Adam, whose v stays (nearly) 1, leaves the minimum of ½θ². */
static bool adam_grows(double rate) {
    double theta = 1e-9, m = 0, v = 1, hyper[] = {0.9, 0.999999, 1e-30}, *states[] = {&m, &v};
    for (uint64_t t = 1; t <= 2000; t++) {
        double gradient = theta;
        us_rule_step step = {.step = 1000000000 + t, .learning_rate = rate, .hyper = hyper};
        us_rule_find("adam")->update_f64(&step, &theta, &gradient, states, 1);
        if (fabs(theta) > 1e-7) return true;
    }
    return false;
}

/* On a curvature of 1: 2 for gradient descent, 2(1+λ) for the heavy ball (Polyak 1964), (2+2λ)/(1+2λ) for Nesterov's
 * momentum, (2+2β₁)/(1−β₁) for Adam with a frozen preconditioner (Cohen et al. 2022, arXiv:2207.14484). */
static void stability_limits_are_the_known_ones(void **state) {
    assert_near(stability_limit("sgd"), 2.0, 0, 0.002);
    assert_near(stability_limit("momentum"), 3.8, 0, 0.002);
    assert_near(stability_limit("nesterov"), 3.8 / 2.8, 0, 0.002);
    double low = 1, high = 100;
    while (high - low > 0.001) {
        double middle = (low + high) / 2;
        *(adam_grows(middle) ? &high : &low) = middle;
    }
    assert_near(low, 38, 0, 0.1);
}

/* On a constant gradient adagrad's step t is α/√t; adagrad-rms's is α, and rmsprop-first-gradient's, too. */
static void steps_on_a_constant_gradient(void **state) {
    us_context *context = support_plain_context();
    const char *names[] = {"adagrad", "adagrad-rms", "rmsprop-first-gradient"};
    for (size_t r = 0; r < 3; r++)
        for (size_t p = 0; p < 2; p++) {
            us_vec *theta, *gradient, *sum;
            assert_int_equal(us_vec_create(&theta, context, PRECISIONS[p], 3), US_OK);
            assert_int_equal(us_vec_create(&gradient, context, PRECISIONS[p], 3), US_OK);
            assert_int_equal(us_vec_create(&sum, context, PRECISIONS[p], 3), US_OK);
            us_vec_fill(gradient, -2.385);
            for (uint64_t t = 1; t <= 100; t++) {
                us_vec_fill(theta, 0);
                us_rule_step step = {.step = t, .learning_rate = 0.3};
                assert_int_equal(us_rule_apply(context, us_rule_find(names[r]), &step, theta, gradient, &sum), US_OK);
                double expected = r == 0 ? 0.3 / sqrt((double)t) : 0.3;
                assert_near(us_vec_get(theta, 2), expected, PRECISIONS[p] == US_F32 ? 1e-5 : 1e-8, 0);
            }
            us_vec_destroy(theta), us_vec_destroy(gradient), us_vec_destroy(sum);
        }
    us_context_destroy(context);
}

/* A gradient of zero from the first step on moves nothing and makes no NaN. */
static void zero_gradients_are_harmless(void **state) {
    us_context *context = support_plain_context();
    const us_group groups[] = {{.name = "matrix", .count = 6, .rank = 2, .shape = {2, 3}},
                               {.name = "zeros", .offset = 6, .count = 2, .rank = 1, .shape = {2}}};
    const double start[] = {1.5, -2, 0, 0.25, 3, -0.125, 0, 0};
    size_t rules;
    const us_rule *const *table = us_rules(&rules);
    for (size_t r = 0; r < rules * 2; r++) {
        const us_rule *rule = table[r / 2];
        double hyper[US_RULE_HYPERPARAMETERS_MAX], memory[128] = {0}, after[8];
        us_vec *v[US_RULE_STATES_MAX + 2], *theta = NULL;
        bool decays = us_rule_hyperparameter(rule, "weight-decay") != SIZE_MAX;
        assert_int_equal(us_rule_parse_hyper(context, rule, decays ? "weight-decay=0" : NULL, hyper), US_OK);
        assert_true(!rule->memory || rule->memory(groups, 2) <= 128);
        for (size_t k = 0; k < US_RULE_STATES_MAX + 2; k++)
            assert_int_equal(us_vec_create(&v[k], context, PRECISIONS[r % 2], 8), US_OK);
        assert_int_equal(us_vec_create(&theta, context, PRECISIONS[r % 2], 8), US_OK);
        us_vec_write_f64(theta, start);
        for (uint64_t t = 1; t < 50; t++) {
            us_vec_fill(v[US_RULE_STATES_MAX], 0);
            us_rule_step step = {.step = t, .learning_rate = 0.1, .hyper = hyper};
            assert_int_equal(us_rule_apply_whole(context, rule, &step, theta, v[US_RULE_STATES_MAX], v, memory,
                                                 v[US_RULE_STATES_MAX + 1], groups, 2),
                             US_OK);
        }
        us_vec_read_f64(theta, after);
        for (size_t i = 0; i < 8; i++)
            if (!(after[i] == start[i])) fail_msg("%s moves %g to %g without a gradient", rule->name, start[i], after[i]);
        for (size_t k = 0; k < US_RULE_STATES_MAX + 2; k++) us_vec_destroy(v[k]);
        us_vec_destroy(theta);
    }
    us_context_destroy(context);
}

/* Muon leaves groups that are `outer` to AdamW, with its rate for those, unless told otherwise: both are then what the rules
 * make of the same numbers as a problem of their own. */
static void muon_leaves_outer_groups_to_adamw(void **state) {
    us_context *context = support_plain_context();
    const us_rule *muon = us_rule_find("muon"), *adamw = us_rule_find("adamw");
    const us_group whole[] = {{.name = "embed", .count = 6, .rank = 2, .shape = {3, 2}, .outer = true},
                              {.name = "hidden", .offset = 6, .count = 6, .rank = 2, .shape = {2, 3}}};
    const us_group plain[] = {{.name = "embed", .count = 6, .rank = 2, .shape = {3, 2}}, whole[1]};
    const us_group *const groups[] = {whole, whole, plain};
    double hyper[3][US_RULE_HYPERPARAMETERS_MAX], small[US_RULE_HYPERPARAMETERS_MAX], memory[4][16] = {{0}};
    assert_int_equal(us_rule_parse_hyper(context, muon, "weight-decay=0.1", hyper[0]), US_OK);
    assert_int_equal(us_rule_parse_hyper(context, muon, "weight-decay=0.1,outer=1", hyper[1]), US_OK);
    assert_int_equal(us_rule_parse_hyper(context, muon, "weight-decay=0.1", hyper[2]), US_OK);
    assert_int_equal(us_rule_parse_hyper(context, adamw, "weight-decay=0.1,beta1=0.9,beta2=0.95,epsilon=1e-10", small),
                     US_OK);
    assert_int_equal(muon->memory(whole, 2), 6);
    us_vec *theta[4], *gradient, *first[4], *second;
    assert_int_equal(us_vec_create(&gradient, context, US_F64, 12), US_OK);
    for (int k = 0; k < 4; k++) { /* 0: outer, 1: outer = 1, 2: no group is outer, 3: AdamW */
        assert_int_equal(us_vec_create(&theta[k], context, US_F64, 12), US_OK);
        assert_int_equal(us_vec_create(&first[k], context, US_F64, 12), US_OK);
        for (size_t i = 0; i < 12; i++) us_vec_set(theta[k], i, cos((double)i));
    }
    assert_int_equal(us_vec_create(&second, context, US_F64, 12), US_OK);
    for (uint64_t t = 1; t <= 5; t++)
        for (int k = 0; k < 4; k++) {
            us_vec *const state_of[] = {first[k], second};
            us_rule_step step = {
                .step = t, .learning_rate = k == 3 ? 0.02 * 0.015 : 0.02, .hyper = k == 3 ? small : hyper[k]};
            for (size_t i = 0; i < 12; i++) us_vec_set(gradient, i, sin((double)(i * t)) + 0.1);
            if (k == 3)
                assert_int_equal(us_rule_apply(context, adamw, &step, theta[k], gradient, state_of), US_OK);
            else
                assert_int_equal(
                    us_rule_apply_whole(context, muon, &step, theta[k], gradient, state_of, memory[k], NULL, groups[k], 2),
                    US_OK);
        }
    for (size_t i = 0; i < 12; i++) {
        assert_true(us_vec_get(theta[0], i) == us_vec_get(theta[i < 6 ? 3 : 2], i));
        assert_true(us_vec_get(theta[1], i) == us_vec_get(theta[2], i));
        if (i < 6) assert_true(us_vec_get(theta[0], i) != us_vec_get(theta[2], i));
    }
    for (int k = 0; k < 4; k++) us_vec_destroy(theta[k]), us_vec_destroy(first[k]);
    us_vec_destroy(gradient), us_vec_destroy(second), us_context_destroy(context);
}

/* Three steps on a gradient that stays the same, which no rule writes to. states: US_RULE_STATES_MAX vectors. */
static void three_steps(us_context *context, const us_rule *rule, us_vec *theta, const us_vec *gradient, us_vec **states,
                        const us_group *groups, size_t group_count) {
    double *memory = rule->memory ? calloc(rule->memory(groups, group_count), sizeof *memory) : NULL;
    us_vec *copy, *diagonal;
    assert_int_equal(us_vec_create(&copy, context, us_vec_precision(theta), us_vec_size(theta)), US_OK);
    assert_int_equal(us_vec_create(&diagonal, context, us_vec_precision(theta), us_vec_size(theta)), US_OK);
    for (uint64_t t = 1; t <= 3; t++) {
        us_rule_step step = {.step = t, .learning_rate = 0.1};
        us_vec_copy(copy, gradient);
        us_vec_copy(diagonal, gradient);
        assert_int_equal(
            us_rule_apply_whole(context, rule, &step, theta, copy, states, memory, diagonal, groups, group_count), US_OK);
        if (us_vec_count_different(copy, gradient) > 0) fail_msg("%s writes to the gradient", rule->name);
    }
    us_vec_destroy(copy), us_vec_destroy(diagonal);
    free(memory);
}

/* Long vectors, in blocks and over threads, give what single elements give. */
static void long_vectors_are_updated_like_short_ones(void **state) {
    us_context *context = support_plain_context();
    enum { N = 200003, THETA = US_RULE_STATES_MAX, SETS = US_RULE_STATES_MAX + 1 };
    /* Wide, tall, beyond what has a matrix of its own, a convolution's, and none. */
    const us_group groups[] = {{.name = "wide", .count = 60000, .rank = 2, .shape = {200, 300}},
                               {.name = "tall", .offset = 60000, .count = 40000, .rank = 2, .shape = {250, 160}},
                               {.name = "long", .offset = 100000, .count = 2200, .rank = 2, .shape = {1100, 2}},
                               {.name = "kernels", .offset = 102200, .count = 7200, .rank = 4, .shape = {40, 20, 3, 3}},
                               {.name = "vector", .offset = 109400, .count = 90603, .rank = 1, .shape = {90603}}};
    const us_group one_group = {.name = "one", .count = 1, .rank = 1, .shape = {1}};
    size_t rules;
    const us_rule *const *table = us_rules(&rules);
    for (size_t p = 0; p < 2; p++) {
        us_vec *gradient, *one;
        us_rng rng = us_rng_init(7, p);
        assert_int_equal(us_vec_create(&gradient, context, PRECISIONS[p], N), US_OK);
        assert_int_equal(us_vec_create(&one, context, PRECISIONS[p], 1), US_OK);
        us_vec_fill_normal(gradient, &rng);
        for (size_t r = 0; r < rules; r++) {
            us_vec *x[3][SETS]; /* one thread; two threads; single elements */
            for (size_t i = 0; i < 3; i++)
                for (size_t k = 0; k < SETS; k++)
                    assert_int_equal(us_vec_create(&x[i][k], context, PRECISIONS[p], i < 2 ? N : 1), US_OK);
            for (int threads = 1; threads <= 2; threads++) {
                us_rng start = us_rng_init(8, p);
                us_context_set_threads(context, threads);
                if (table[r]->update) us_vec_fill_normal(x[threads - 1][THETA], &start);
                three_steps(context, table[r], x[threads - 1][THETA], gradient, x[threads - 1], groups, 5);
            }
            for (size_t k = 0; k < SETS; k++) {
                assert_int_equal(us_vec_count_different(x[0][k], x[1][k]), 0);
                assert_true(us_vec_is_finite(x[0][k]));
            }
            for (size_t i = 0; i < N && !table[r]->update; i += 97) {
                us_vec_set(one, 0, us_vec_get(gradient, i));
                for (size_t k = 0; k < SETS; k++) us_vec_fill(x[2][k], 0);
                three_steps(context, table[r], x[2][THETA], one, x[2], &one_group, 1);
                assert_near(us_vec_get(x[0][THETA], i), us_vec_get(x[2][THETA], 0), 4 * us_precision_epsilon(PRECISIONS[p]),
                            0);
            }
            for (size_t i = 0; i < 3; i++)
                for (size_t k = 0; k < SETS; k++) us_vec_destroy(x[i][k]);
        }
        us_vec_destroy(gradient), us_vec_destroy(one);
    }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ the table, names, hyperparameters */

static void descriptors_are_complete(void **state) {
    size_t rules;
    const us_rule *const *table = us_rules(&rules);
    for (size_t r = 0; r < rules; r++) {
        const us_rule *rule = table[r];
        assert_true(rule->name && rule->title && rule->formula && rule->latex && rule->source && rule->advice);
        assert_true((rule->update || (rule->update_f32 && rule->update_f64)) && rule->learning_rate > 0);
        assert_true(rule->states <= US_RULE_STATES_MAX && rule->hyperparameter_count <= US_RULE_HYPERPARAMETERS_MAX);
        assert_ptr_equal(us_rule_find(rule->name), rule);
        for (size_t i = 0; i < rule->hyperparameter_count; i++) {
            const us_hyperparameter *h = &rule->hyperparameters[i];
            assert_true(h->name && h->meaning && h->minimum <= h->default_value && h->default_value <= h->maximum);
            assert_int_equal(us_rule_hyperparameter(rule, h->name), i);
        }
    }
    assert_null(us_rule_find("adma"));
    assert_string_equal(us_rule_nearest("adma"), "adam");
    assert_null(us_rule_nearest("zzzzzzzz"));
    assert_true(us_rule_hyperparameter(us_rule_find("adam"), "beta3") == SIZE_MAX);
}

static void hyperparameters_are_parsed_or_refused(void **state) {
    us_context *context = support_plain_context();
    const us_rule *adam = us_rule_find("adam");
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    assert_int_equal(us_rule_parse_hyper(context, adam, "epsilon=1e-6,beta1=0.8", hyper), US_OK);
    assert_true(hyper[0] == 0.8 && hyper[1] == 0.999 && hyper[2] == 1e-6);
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"beta1", "NAME=VALUE"},
        {"beta1=", "NAME=VALUE"},
        {"=3", "NAME=VALUE"},
        {"beta=0.9", "adam has beta1, beta2, epsilon"},
        {"beta1=0.9x", "not a number"},
        {"beta1=1", "must be 0 to 0.999999"},
        {"beta1=nan", "not a number"},
        {"epsilon=-1", "must be"},
        {"momentum=0.9", "no such hyperparameter"},
        {"beta1=0.9 ", "not a number"},
        {"beta1= 0.9", "not a number"},
        {"epsilon=inf", "must be"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(us_rule_parse_hyper(context, adam, bad[i].text, hyper), US_ERR_ARGUMENT);
        if (!strstr(us_context_error(context), bad[i].says)) fail_msg("%s: %s", bad[i].text, us_context_error(context));
    }
    assert_int_equal(us_rule_parse_hyper(context, us_rule_find("sgd"), "momentum=0.9", hyper), US_ERR_ARGUMENT);
    assert_non_null(strstr(us_context_error(context), "sgd has none"));
    us_context_destroy(context);
}

static void apply_refuses_what_does_not_fit(void **state) {
    us_context *context = support_plain_context();
    us_vec *a, *b, *c, *f;
    assert_int_equal(us_vec_create(&a, context, US_F64, 3), US_OK);
    assert_int_equal(us_vec_create(&b, context, US_F64, 3), US_OK);
    assert_int_equal(us_vec_create(&c, context, US_F64, 4), US_OK);
    assert_int_equal(us_vec_create(&f, context, US_F32, 3), US_OK);
    const us_rule *momentum = us_rule_find("momentum");
    us_rule_step step = {.step = 1, .learning_rate = 0.1};
    assert_int_equal(us_rule_apply(context, momentum, &step, a, c, &b), US_ERR_ARGUMENT);
    assert_int_equal(us_rule_apply(context, momentum, &step, a, f, &b), US_ERR_ARGUMENT);
    assert_int_equal(us_rule_apply(context, momentum, &step, a, a, &b), US_ERR_ARGUMENT);
    assert_int_equal(us_rule_apply(context, momentum, &step, a, b, &c), US_ERR_ARGUMENT);
    step.step = 0;
    assert_int_equal(us_rule_apply(context, us_rule_find("sgd"), &step, a, b, NULL), US_ERR_ARGUMENT);
    us_rule odd = *momentum;
    odd.update_f32 = NULL;
    step.step = 1;
    assert_int_equal(us_rule_apply(context, &odd, &step, f, f, &f), US_ERR_ARGUMENT);
    us_vec_destroy(a), us_vec_destroy(b), us_vec_destroy(c), us_vec_destroy(f);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_follow_their_formulas),
        cmocka_unit_test(rules_of_matrices_follow_their_formulas),
        cmocka_unit_test(stability_limits_are_the_known_ones),
        cmocka_unit_test(steps_on_a_constant_gradient),
        cmocka_unit_test(zero_gradients_are_harmless),
        cmocka_unit_test(muon_leaves_outer_groups_to_adamw),
        cmocka_unit_test(long_vectors_are_updated_like_short_ones),
        cmocka_unit_test(descriptors_are_complete),
        cmocka_unit_test(hyperparameters_are_parsed_or_refused),
        cmocka_unit_test(apply_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
