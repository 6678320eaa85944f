/* lift: the run with more hidden units, at the same function; then off along what curves downwards there.
 *
 * A unit split in two halves of equal weights is the same function. Where its halves part, by ±v of their incoming weights,
 * the loss changes to the second order by ε²·v'Sv/4 with the unit's splitting matrix S = E[∂ℓ/∂h·∇²σ]: a negative eigenvalue
 * makes the minimum of the small model a saddle of the larger one, and its eigenvector is the way out.
 *
 * S is not built. With all units of a layer split, the Hessian in the differences of the halves is block diagonal
 * (exchanging one unit's halves changes the sign of its difference and nothing else), a block ½S a unit: Lanczos' method
 * finds the lowest eigenvalues of all units of a layer at once, by products of the widened model. The units with the lowest
 * are split; at the lifted point v'Hv is measured on all rows, a line search leads off, and the training goes on from there.
 * The rule begins anew, with a state of zeros.
 *
 * More parameters always fit the noise better, so a gain has a price: what the Bayesian information criterion asks of p more
 * parameters on N rows, ln(L/L') > p·ln N/N for losses that are squares and the like, L − L' > p·ln N/(2N) for those in
 * nats. Sources: Liu, Wu & Wang 2019, "Splitting steepest descent for growing neural architectures", theorem 2.2 and
 * algorithm 1; Schwarz 1978, "Estimating the dimension of a model". */
#include "model/model.h"
#include "remedy/remedy.h"
#include "run/remake.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unstuck/lanczos.h>

enum {
    LIFT_ROWS = 4096,   /* that splitting matrices are measured on, at most; evenly spread */
    LIFT_PRODUCTS = 80, /* a layer, at most */
    LIFT_PART = 4,      /* one unit in so many is split, and at least one */
    LIFT_MOST = 8       /* in all */
};
static const double LIFT_NEAR = 0.1; /* of the lowest eigenvalue: those above are left for later */

/* One unit that would gain by being split. */
typedef struct lift_unit {
    size_t layer, unit;
    double value;      /* eigenvalue of ½S */
    double *direction; /* [fan_in + biased] its eigenvector */
} lift_unit;

typedef struct lift_change {
    us_context *context;
    us__hidden *hidden;
    size_t hidden_count;
    char *text; /* of the lifted model */
    lift_unit units[LIFT_MOST];
    size_t count;
    double lowest; /* eigenvalue of ½S over all units */
} lift_change;

static void lift_release(us__remake *r) {
    lift_change *c = r->change;
    if (!c) return;
    for (size_t i = 0; i < c->count; i++) us__release(c->context, c->units[i].direction);
    us__hidden_release(c->context, c->hidden, c->hidden_count);
    us__release(c->context, c->text);
    us__release(c->context, c);
}

static us_status lift_check(us_run *run) {
    const char *why = NULL;
    size_t count;
    const us_group *groups = us_problem_groups(run->problem, &count);
    for (size_t k = 0; k < count; k++)
        if (groups[k].state) why = "units whose inputs are normalised over the batch cannot be split";
    if (run->config.l2 > 0) why = "the penalty --l2 is on the weights as they are: split units would have another";
    if (us_model_is_formula(run->model)) why = "a formula has no units";
    return why ? us__fail(run->context, US_ERR_UNSUPPORTED, "%s", why) : US_OK;
}

static const us_group *lift_group(const us_problem *problem, size_t number, const char *what) {
    char name[64];
    size_t count;
    const us_group *groups = us_problem_groups(problem, &count);
    snprintf(name, sizeof name, "layer%zu.%s", number, what);
    for (size_t k = 0; k < count; k++)
        if (strcmp(groups[k].name, name) == 0) return &groups[k];
    return NULL;
}

/* ------------------------------------------------------------------ splitting matrices */

/* A problem of the model with wider layers, in f64, and θ there. */
typedef struct lift_wide {
    us_model *model;
    us_problem *problem, *f64, *seen; /* seen: on at most LIFT_ROWS rows */
    us_vec *theta;
} lift_wide;

static void lift_wide_close(lift_wide *w) {
    us_vec_destroy(w->theta);
    if (w->seen != w->f64) us_problem_destroy(w->seen);
    us_problem_destroy(w->f64);
    us_problem_destroy(w->problem);
    us_model_destroy(w->model);
}

static us_status lift_theta_to(const us_run *run, const us__hidden *hidden, size_t count, const us_problem *wide,
                               const us_vec *from, us_vec *to) {
    size_t groups, n = us_vec_size(from), wider = us_vec_size(to);
    const us_group *before = us_problem_groups(run->problem, &groups), *after = us_problem_groups(wide, &groups);
    double *values = us__alloc(run->context, n + wider, sizeof *values);
    if (!values) return US_ERR_NOMEM;
    us_vec_read_f64(from, values);
    us__hidden_theta(hidden, count, before, after, groups, values, values + n);
    us_vec_write_f64(to, values + n);
    us__release(run->context, values);
    return US_OK;
}

static us_status lift_wide_open(lift_wide *w, us_run *run, const us__hidden *hidden, size_t count) {
    us_run wide = *run; /* to have its model made by another text */
    char *text = NULL;
    us_status status = us__hidden_text(run->context, run->config.model, hidden, count, &text);
    wide.config.model = text;
    if (status == US_OK) status = us__run_assemble_model(&wide, us_data_train(run->data));
    us__release(run->context, text);
    if (status != US_OK) return status;
    w->model = wide.model;
    if ((status = us_model_problem(&w->problem, w->model, us_data_train(run->data))) != US_OK) return status;
    if ((status = us_problem_recast(&w->f64, w->problem, US_F64)) != US_OK) return status;
    w->seen = w->f64;
    if (us_problem_samples(w->f64) > LIFT_ROWS) status = us_problem_create_sample(&w->seen, w->f64, LIFT_ROWS, false);
    if (status == US_OK) status = us_vec_create(&w->theta, run->context, US_F64, us_problem_dimension(w->f64));
    if (status != US_OK) return status;
    return lift_theta_to(run, hidden, count, w->f64, us_training_theta(run->training), w->theta);
}

/* The Hessian in the differences of halves: unit u of the layer is halved into u and units + u. */
typedef struct lift_halves {
    us_problem *problem;
    const us_vec *theta;
    const us_group *weight, *bias; /* of the layer; bias may be NULL */
    size_t units, each;            /* weights of a unit */
    us_vec *v, *hv;
} lift_halves;

static size_t lift_index(const lift_halves *h, size_t unit, size_t i) {
    return i < h->weight->shape[1] ? h->weight->offset + unit * h->weight->shape[1] + i : h->bias->offset + unit;
}

/* v ← (x, −x)/√2; y ← (Hv of the first halves − Hv of the second)/√2. */
static us_status lift_apply(void *user, const double *x, double *y, size_t k) {
    lift_halves *h = user;
    size_t n = h->units * h->each;
    for (size_t j = 0; j < k; j++) {
        us_vec_fill(h->v, 0);
        for (size_t i = 0; i < n; i++) {
            us_vec_set(h->v, lift_index(h, i / h->each, i % h->each), M_SQRT1_2 * x[j * n + i]);
            us_vec_set(h->v, lift_index(h, h->units + i / h->each, i % h->each), -M_SQRT1_2 * x[j * n + i]);
        }
        us_status status =
            us_problem_hvp(h->problem, h->theta, US_BATCH_ALL, (const us_vec *const *)&h->v, (us_vec *const *)&h->hv, 1);
        if (status != US_OK) return status;
        for (size_t i = 0; i < n; i++)
            y[j * n + i] = M_SQRT1_2 * (us_vec_get(h->hv, lift_index(h, i / h->each, i % h->each)) -
                                        us_vec_get(h->hv, lift_index(h, h->units + i / h->each, i % h->each)));
    }
    return us_context_cancelled(us_problem_context(h->problem)) ? US_INTERRUPTED : US_OK;
}

/* Keeps the lowest LIFT_MOST, ascending. Equal units share eigenvectors: a unit's own part of one is one, too. */
static us_status lift_keep(lift_change *c, size_t layer, const lift_halves *h, double value, const double *vector) {
    size_t unit = 0, at = c->count;
    double most = 0;
    for (size_t u = 0; u < h->units; u++) {
        double part = 0;
        for (size_t i = 0; i < h->each; i++) part += pow(vector[u * h->each + i], 2);
        if (part > most) most = part, unit = u;
    }
    for (size_t k = 0; k < c->count; k++)
        if (c->units[k].layer == layer && c->units[k].unit == unit) return US_OK;
    if (at == LIFT_MOST && !(value < c->units[--at].value)) return US_OK;
    lift_unit found = {layer, unit, value, us__alloc(c->context, h->each, sizeof *found.direction)};
    if (!found.direction) return US_ERR_NOMEM;
    for (size_t i = 0; i < h->each; i++) found.direction[i] = vector[unit * h->each + i] / sqrt(most);
    if (at == c->count)
        c->count++;
    else
        us__release(c->context, c->units[at].direction);
    for (; at > 0 && c->units[at - 1].value > value; at--) c->units[at] = c->units[at - 1];
    c->units[at] = found;
    return US_OK;
}

static us_status lift_layer(us_run *run, lift_change *c, size_t layer) {
    us__hidden *hidden = &c->hidden[layer];
    size_t units = hidden->units;
    lift_wide w = {NULL};
    lift_halves h = {.units = units, .each = hidden->fan_in + hidden->biased};
    us_eigenpairs *pairs = NULL;
    us_operator split = US_OPERATOR_INIT;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    us_status status = US_OK;
    for (size_t u = 0; u < units && status == US_OK; u++) status = us__hidden_split(run->context, hidden, u);
    if (status == US_OK) status = lift_wide_open(&w, run, c->hidden, c->hidden_count);
    if (status == US_OK) status = us_vec_create(&h.v, run->context, US_F64, us_problem_dimension(w.f64));
    if (status == US_OK) status = us_vec_create(&h.hv, run->context, US_F64, us_problem_dimension(w.f64));
    if (status != US_OK) goto done;
    h.problem = w.seen, h.theta = w.theta;
    h.weight = lift_group(w.f64, hidden->number, "weight"), h.bias = lift_group(w.f64, hidden->number, "bias");
    split.n = units * h.each, split.user = &h, split.apply = lift_apply;
    o.bottom = units < LIFT_MOST ? units : LIFT_MOST;
    if (o.bottom > split.n) o.bottom = split.n;
    o.top = split.n > o.bottom ? 1 : 0;
    o.products = LIFT_PRODUCTS, o.tolerance = 1e-3, o.verify = false, o.seed = run->config.seed;
    status = us_lanczos_solve(&pairs, run->context, &split, &o);
    if (status == US_NOT_CONVERGED) status = US_OK;
    for (size_t i = 0; i < (pairs ? pairs->bottom : 0) && status == US_OK; i++) {
        c->lowest = fmin(c->lowest, pairs->values[i]);
        if (pairs->values[i] < -pairs->resolution)
            status = lift_keep(c, layer, &h, pairs->values[i], pairs->vectors + i * pairs->n);
    }
done:
    hidden->wider = units; /* as it was */
    us_eigenpairs_destroy(pairs);
    us_vec_destroy(h.v);
    us_vec_destroy(h.hv);
    lift_wide_close(&w);
    return status;
}

/* ------------------------------------------------------------------ the lifted model */

/* Those that are worth it, no more than a part of a layer. */
static us_status lift_choose(lift_change *c) {
    size_t kept = 0;
    us_status status = US_OK;
    for (size_t i = 0; i < c->count && status == US_OK; i++) {
        us__hidden *hidden = &c->hidden[c->units[i].layer];
        size_t room = hidden->units / LIFT_PART > 1 ? hidden->units / LIFT_PART : 1;
        bool take = hidden->wider - hidden->units < room && c->units[i].value <= LIFT_NEAR * c->units[0].value;
        if (take) status = us__hidden_split(c->context, hidden, c->units[i].unit);
        US__SWAP(lift_unit, c->units[kept], c->units[i]);
        kept += take;
    }
    for (size_t i = kept; i < c->count; i++) us__release(c->context, c->units[i].direction);
    c->count = kept;
    return status;
}

static void lift_describe(us__remake *r, const lift_change *c) {
    size_t used = 0;
    for (size_t k = 0; k < c->hidden_count && used < sizeof r->what; k++)
        if (c->hidden[k].wider > c->hidden[k].units)
            used += (size_t)snprintf(r->what + used, sizeof r->what - used, "%slayer%zu from %zu to %zu units",
                                     used ? ", " : "", c->hidden[k].number, c->hidden[k].units, c->hidden[k].wider);
}

static us_status lift_plan(us_run *run, us__remake *r, us_run_config *config) {
    lift_change *c = r->change = us__new(run->context, 1, sizeof *c);
    if (!c) return US_ERR_NOMEM;
    c->context = run->context;
    c->lowest = HUGE_VAL;
    us_status status = us__hidden_list(run->model, &c->hidden, &c->hidden_count);
    for (size_t k = 0; k < c->hidden_count && status == US_OK; k++) status = lift_layer(run, c, k);
    if (status != US_OK) return status;
    if (c->count == 0)
        return us__fail(run->context, US_ERR_UNSUPPORTED,
                        "no unit would gain by being split: the lowest eigenvalue of the splitting matrices is %.3g",
                        2 * c->lowest);
    if ((status = lift_choose(c)) != US_OK) return status;
    if ((status = us__hidden_text(run->context, config->model, c->hidden, c->hidden_count, &c->text)) != US_OK)
        return status;
    config->model = c->text;
    lift_describe(r, c);
    return US_OK;
}

static us_status lift_theta(const us_run *run, const us__remake *r, const us_vec *from, us_vec *to) {
    const lift_change *c = r->change;
    return lift_theta_to(run, c->hidden, c->hidden_count, r->other->problem, from, to);
}

/* ------------------------------------------------------------------ the way out */

/* A direction of incoming weights where the layer before is lifted, too: copies share. */
static double lift_column(const lift_change *c, const us__hidden *hidden, const double *direction, size_t k) {
    for (size_t i = 0; i < c->hidden_count; i++)
        if (c->hidden[i].reader == hidden->number) {
            size_t parent = c->hidden[i].parent[k];
            return direction[parent] / (double)us__hidden_copies(&c->hidden[i], parent);
        }
    return direction[k];
}

/* θ ← the lowest point on the way that one unit's halves part. *negative: v'Hv is, beyond rounding. */
static us_status lift_part(const lift_change *c, size_t i, us_problem *problem, us_vec *theta, double *v, bool *negative) {
    const lift_unit *u = &c->units[i];
    const us__hidden *hidden = &c->hidden[u->layer];
    lift_halves h = {.weight = lift_group(problem, hidden->number, "weight"),
                     .bias = lift_group(problem, hidden->number, "bias")};
    size_t child = hidden->units, width = h.weight->shape[1];
    while (hidden->parent[child] != u->unit) child++;
    memset(v, 0, us_vec_size(theta) * sizeof *v);
    for (size_t k = 0; k < width + hidden->biased; k++) {
        double part = M_SQRT1_2 * (k < width ? lift_column(c, hidden, u->direction, k) : u->direction[hidden->fan_in]);
        v[lift_index(&h, u->unit, k)] = part;
        v[lift_index(&h, child, k)] = -part;
    }
    us_quotient q;
    double decrease;
    us_status status = us_hessian_quotient(&q, problem, theta, US_BATCH_ALL, v);
    if (status != US_OK) return status;
    *negative = q.value + q.error < 0;
    if (!*negative) return US_OK;
    return us__escape_along(problem, theta, v, &decrease);
}

static double lift_price(const us_run *run, const us_run *other, double loss) {
    double more = (double)(us_problem_dimension(other->problem) - us_problem_dimension(run->problem));
    double rows = (double)us_problem_samples(run->problem), each = more * log(rows) / rows;
    return strcmp(us_model_loss_unit(run->model), "nats") == 0 ? 0.5 * each : loss * -expm1(-each);
}

static us_status lift_begin(us_run *run, us__remake *r) {
    const lift_change *c = r->change;
    us_run *other = r->other;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    double loss, *v = NULL;
    size_t n = us_problem_dimension(other->problem), left = 0;
    us_status status = us_problem_recast(&problem, other->problem, US_F64);
    if (status == US_OK) status = us_vec_create(&theta, run->context, US_F64, n);
    if (status == US_OK && !(v = us__alloc(run->context, n, sizeof *v))) status = US_ERR_NOMEM;
    if (status == US_OK) us_vec_copy(theta, us_training_theta(other->training));
    if (status == US_OK) status = us_problem_value(problem, theta, US_BATCH_ALL, &loss);
    for (size_t i = 0; i < c->count && status == US_OK; i++) {
        bool negative;
        status = lift_part(c, i, problem, theta, v, &negative);
        left += status == US_OK && negative;
    }
    if (status == US_OK && left == 0)
        status = us__fail(run->context, US_ERR_UNSUPPORTED,
                          "on all rows the lifted point curves downwards along none of the splits that a sample showed");
    if (status == US_OK) status = us_training_set_theta(other->training, theta, true);
    if (status == US_OK) r->price = lift_price(run, other, loss);
    us_vec_destroy(theta);
    us__release(run->context, v);
    us_problem_destroy(problem);
    return status;
}

const us__remake_way us__remake_lift = {
    .remedy = "lift",
    .check = lift_check,
    .plan = lift_plan,
    .theta = lift_theta,
    .begin = lift_begin,
    .release = lift_release,
};
