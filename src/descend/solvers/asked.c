#include "descend/solvers/asked.h"
#include "problem/problem.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

typedef struct us__asked {
    us_problem problem; /* first: the problem that the function sees */
    us_group group;
    us_solver *solver;
    us_vec *theta;       /* [n] where the function starts and ends */
    double *at, *v, *hv; /* [n] of the question */
    double lowest;       /* the lowest loss that was answered */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t turn;
    bool running, its_turn; /* its_turn: the function works, the caller waits */
    bool abandoned;         /* the caller wants no more of it: every question fails */
    bool ended;
    us_status status;
    us_minimize_result result;
} us__asked;

/* ------------------------------------------------------------------ the function's side */

static void asked_wait(us__asked *a, bool its_turn) {
    a->its_turn = its_turn;
    pthread_cond_broadcast(&a->turn);
    while (a->its_turn == its_turn && !a->ended) pthread_cond_wait(&a->turn, &a->lock);
}

/* Hands a question over and waits for the answer. */
static us_status asked_ask(us__asked *a, us_ask ask, const us_vec *theta) {
    us_request *q = &a->solver->request;
    if (theta) us_vec_read_f64(theta, a->at);
    q->ask = ask;
    q->theta = a->at;
    q->value = &a->solver->trial_value;
    q->gradient = a->solver->trial_gradient;
    pthread_mutex_lock(&a->lock);
    if (!a->abandoned) asked_wait(a, false);
    pthread_mutex_unlock(&a->lock);
    return a->abandoned ? US_INTERRUPTED : US_OK;
}

static us_status asked_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    us__asked *a = (us__asked *)problem;
    (void)batch;
    us_status status = asked_ask(a, US_ASK_VALUE, theta);
    *loss = a->solver->trial_value;
    return status;
}

static us_status asked_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    us__asked *a = (us__asked *)problem;
    (void)batch;
    us_status status = asked_ask(a, US_ASK_GRADIENT, theta);
    *loss = a->solver->trial_value;
    us_vec_write_f64(gradient, a->solver->trial_gradient);
    return status;
}

static us_status asked_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                           us_vec *const *hv, size_t k) {
    us__asked *a = (us__asked *)problem;
    us_request *q = &a->solver->request;
    us_status status = US_OK;
    (void)batch;
    for (size_t j = 0; j < k && status == US_OK; j++) {
        us_vec_read_f64(v[j], a->v);
        q->count = 1, q->v = a->v, q->hv = a->hv;
        status = asked_ask(a, US_ASK_PRODUCTS, theta);
        us_vec_write_f64(hv[j], a->hv);
    }
    return status;
}

static us_status asked_residuals(us_problem *problem, const us_vec *theta, double *residuals, double *jacobian) {
    us__asked *a = (us__asked *)problem;
    a->solver->request.residuals = residuals;
    a->solver->request.jacobian = jacobian;
    return asked_ask(a, jacobian ? US_ASK_JACOBIAN : US_ASK_RESIDUALS, theta);
}

static void asked_destroy(us_problem *problem) { (void)problem; }

static const us__problem_ops ASKED_OPS = {.value = asked_value,
                                          .gradient = asked_gradient,
                                          .hvp = asked_hvp,
                                          .residuals = asked_residuals,
                                          .destroy = asked_destroy};

static void asked_progress(void *user, size_t iteration, double value, double gradient_norm) {
    us_solver *s = user;
    s->result.iterations = iteration;
    if (s->options.progress) s->options.progress(s->options.progress_user, iteration, value, gradient_norm);
}

static void *asked_thread(void *user) {
    us__asked *a = user;
    pthread_mutex_lock(&a->lock);
    while (!a->its_turn) pthread_cond_wait(&a->turn, &a->lock);
    pthread_mutex_unlock(&a->lock);
    us_minimize_options options = a->solver->options;
    options.look = false; /* the solver by request does that */
    options.progress = asked_progress;
    options.progress_user = a->solver;
    us_status status = a->abandoned ? US_INTERRUPTED : a->solver->method->solve(&a->problem, a->theta, &options, &a->result);
    pthread_mutex_lock(&a->lock);
    a->status = status;
    a->ended = true;
    pthread_cond_broadcast(&a->turn);
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* ------------------------------------------------------------------ the caller's side */

us_status us__asked_open(us_solver *s) {
    us__asked *a = s->state = us__new(s->context, 1, sizeof *a);
    size_t n = s->n;
    if (!a) return US_ERR_NOMEM;
    a->solver = s;
    a->lowest = HUGE_VAL;
    a->result = (us_minimize_result)US__MINIMIZE_RESULT_INIT;
    a->group = (us_group){.name = "theta", .count = n, .rank = 1, .shape = {n}};
    a->problem = (us_problem){.ops = &ASKED_OPS,
                              .context = s->context,
                              .precision = US_F64,
                              .dimension = n,
                              .samples = s->sizes.samples,
                              .groups = &a->group,
                              .group_count = 1,
                              .residuals = s->sizes.m,
                              .hvp_is_exact = true};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->turn, NULL);
    a->at = us__new(s->context, 3, n * sizeof *a->at);
    us_status status = a->at ? us_vec_create(&a->theta, s->context, US_F64, n) : US_ERR_NOMEM;
    if (status != US_OK) return status;
    a->v = a->at + n, a->hv = a->v + n;
    us_vec_write_f64(a->theta, s->theta);
    if (pthread_create(&a->thread, NULL, asked_thread, a) != 0)
        return us__fail(s->context, US_ERR_NOMEM, "no thread can be started");
    a->running = true;
    us__solver_ask(s, US_ASK_GRADIENT, true); /* as all do; what the function asks comes after it */
    return US_OK;
}

/* The function has ended: its end is the solver's. */
static us_status asked_end(us_solver *s) {
    us__asked *a = s->state;
    size_t values = s->result.values, gradients = s->result.gradients, products = s->result.products;
    us_vec_read_f64(a->theta, s->theta);
    s->result = a->result;
    s->result.values = values, s->result.gradients = gradients, s->result.products = products;
    s->value = a->result.value;
    double norm = a->result.gradient_norm;
    us_status status = us__solver_end(s, a->status, a->status < 0 ? "it failed" : a->result.reason);
    s->result.gradient_norm = norm;
    return status;
}

us_status us__asked_next(us_solver *s) {
    us__asked *a = s->state;
    us_request *q = &s->request;
    bool scored = q->ask == US_ASK_VALUE || q->ask == US_ASK_GRADIENT;
    if (scored && q->theta == a->at && *q->value < a->lowest) { /* the best point so far */
        a->lowest = s->value = *q->value;
        memcpy(s->theta, a->at, s->n * sizeof *s->theta);
    }
    pthread_mutex_lock(&a->lock);
    if (!a->ended) asked_wait(a, true);
    pthread_mutex_unlock(&a->lock);
    if (a->ended) return asked_end(s);
    s->result.values += q->ask == US_ASK_VALUE || q->ask == US_ASK_RESIDUALS;
    s->result.gradients += q->ask == US_ASK_GRADIENT || q->ask == US_ASK_JACOBIAN;
    if (q->ask == US_ASK_PRODUCTS) s->result.products += q->count;
    return US_OK;
}

void us__asked_close(us_solver *s) {
    us__asked *a = s->state;
    if (a->running) {
        pthread_mutex_lock(&a->lock);
        a->abandoned = true;
        if (!a->ended) asked_wait(a, true);
        while (!a->ended) pthread_cond_wait(&a->turn, &a->lock);
        pthread_mutex_unlock(&a->lock);
        pthread_join(a->thread, NULL);
    }
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->turn);
    us_vec_destroy(a->theta);
    us__release(s->context, a->at);
}
