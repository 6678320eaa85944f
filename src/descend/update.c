/* The loop around a rule's update. */
#include "descend/descend.h"
#include "vec/vec.h"

/* θ is cut into blocks of this many elements, whatever the number of threads, so that the result does not depend on it. */
enum { UPDATE_BLOCK = 1 << 15, UPDATE_BLOCKS_TO_SHARE = 8 };

typedef struct update_blocks {
    size_t n;
    void (*block)(void *user, size_t from, size_t count);
    void *user;
} update_blocks;

static void update_one_block(void *user, size_t i, size_t thread) {
    const update_blocks *b = user;
    size_t from = i * UPDATE_BLOCK;
    (void)thread;
    b->block(b->user, from, b->n - from < UPDATE_BLOCK ? b->n - from : UPDATE_BLOCK);
}

void us__rule_blocks(us_context *context, size_t n, void (*block)(void *user, size_t from, size_t count), void *user) {
    size_t blocks = n ? (n - 1) / UPDATE_BLOCK + 1 : 0;
    size_t threads = blocks < UPDATE_BLOCKS_TO_SHARE ? 1 : (size_t)us_context_threads(context);
    us__parallel(context, threads, blocks, update_one_block, &(update_blocks){n, block, user});
}

typedef struct update_summing {
    size_t n;
    void (*block)(void *user, size_t from, size_t count, double *sums);
    void *user;
    double *partial;
} update_summing;

static void update_sum_block(void *user, size_t i, size_t thread) {
    const update_summing *b = user;
    size_t from = i * UPDATE_BLOCK;
    double *sums = b->partial + i * US__RULE_SUMS;
    (void)thread;
    for (size_t k = 0; k < US__RULE_SUMS; k++) sums[k] = 0;
    b->block(b->user, from, b->n - from < UPDATE_BLOCK ? b->n - from : UPDATE_BLOCK, sums);
}

void us__rule_sums(us_context *context, size_t n, void (*block)(void *user, size_t from, size_t count, double *sums),
                   void *user, double *partial, double *sums) {
    size_t blocks = n ? (n - 1) / UPDATE_BLOCK + 1 : 0;
    size_t threads = blocks < UPDATE_BLOCKS_TO_SHARE ? 1 : (size_t)us_context_threads(context);
    us__parallel(context, threads, blocks, update_sum_block, &(update_summing){n, block, user, partial});
    for (size_t k = 0; k < US__RULE_SUMS; k++) sums[k] = 0;
    for (size_t i = 0; i < blocks * US__RULE_SUMS; i++) sums[i % US__RULE_SUMS] += partial[i];
}

size_t us__rule_partials(size_t n) { return (n / UPDATE_BLOCK + 1) * US__RULE_SUMS; }

size_t us__rule_elements(const us_group *groups, size_t count) {
    return count ? groups[count - 1].offset + groups[count - 1].count : 0;
}

size_t us__rule_sums_scratch(const us_group *groups, size_t count) {
    return us__rule_partials(us__rule_elements(groups, count));
}

bool us__rule_matrix(const us_group *group, size_t *rows, size_t *columns) {
    if (group->rank < 2 || group->count == 0) return false;
    *rows = group->shape[0];
    *columns = group->count / group->shape[0];
    return true;
}

typedef struct update_call {
    const us_rule *rule;
    const us_rule_whole *whole;
} update_call;

static void update_block(void *user, size_t from, size_t n) {
    const us_rule *rule = ((const update_call *)user)->rule;
    const us_rule_whole *w = ((const update_call *)user)->whole;
    if (w->precision == US_F32) {
        float *s[US_RULE_STATES_MAX];
        for (size_t k = 0; k < rule->states; k++) s[k] = (float *)w->state[k] + from;
        rule->update_f32(w->step, (float *)w->theta + from, (const float *)w->gradient + from, s, n);
    } else {
        double *s[US_RULE_STATES_MAX];
        for (size_t k = 0; k < rule->states; k++) s[k] = (double *)w->state[k] + from;
        rule->update_f64(w->step, (double *)w->theta + from, (const double *)w->gradient + from, s, n);
    }
}

size_t us__rule_memory(const us_rule *rule, const us_group *groups, size_t count) {
    return rule->memory ? rule->memory(groups, count) : 0;
}

size_t us__rule_scratch(const us_rule *rule, const us_group *groups, size_t count) {
    return rule->scratch ? rule->scratch(groups, count) : 0;
}

us_status us__rule_update(const us_rule *rule, const us_rule_whole *whole) {
    if (rule->update) return rule->update(whole);
    us__rule_blocks(whole->context, whole->n, update_block, &(update_call){rule, whole});
    return US_OK;
}

us_status us_rule_apply(us_context *context, const us_rule *rule, const us_rule_step *step, us_vec *theta,
                        const us_vec *gradient, us_vec *const *state) {
    if (rule->update)
        return us__fail(context, US_ERR_ARGUMENT, "%s sees theta as a whole: it is applied by us_rule_apply_whole",
                        rule->name);
    return us_rule_apply_whole(context, rule, step, theta, gradient, state, NULL, NULL, NULL, 0);
}

us_status us_rule_apply_whole(us_context *context, const us_rule *rule, const us_rule_step *step, us_vec *theta,
                              const us_vec *gradient, us_vec *const *state, double *memory, const us_vec *diagonal,
                              const us_group *groups, size_t group_count) {
    us_precision precision = theta->precision;
    us_status status = us__rule_check(context, rule, precision);
    if (status != US_OK) return status;
    double defaults[US_RULE_HYPERPARAMETERS_MAX];
    us_rule_step now = *step;
    if (!now.hyper) {
        us__rule_defaults(rule, defaults);
        now.hyper = defaults;
    }
    if (now.step < 1) return us__fail(context, US_ERR_ARGUMENT, "%s: steps count from 1", rule->name);
    if ((status = us__rule_check_hyper(context, rule, now.hyper)) != US_OK) return status;
    if (gradient->precision != precision || gradient->n != theta->n || gradient->data == theta->data)
        return us__fail(context, US_ERR_ARGUMENT, "%s: the gradient must be a vector like theta, and another one",
                        rule->name);
    void *data[US_RULE_STATES_MAX];
    for (size_t k = 0; k < rule->states; k++) {
        if (state[k]->precision != precision || state[k]->n != theta->n)
            return us__fail(context, US_ERR_ARGUMENT, "%s: state %zu must have theta's size and precision", rule->name, k);
        data[k] = state[k]->data;
    }
    bool wants = rule->wants_diagonal && rule->wants_diagonal(&now);
    if (wants && (!diagonal || diagonal->precision != precision || diagonal->n != theta->n))
        return us__fail(context, US_ERR_ARGUMENT, "%s: step %llu wants the Hessian's diagonal, a vector like theta",
                        rule->name, (unsigned long long)now.step);
    const us_group all = {.name = "theta", .count = theta->n, .rank = 1, .shape = {theta->n}};
    us_rule_whole whole = {
        .step = &now,
        .context = context,
        .precision = precision,
        .n = theta->n,
        .theta = theta->data,
        .gradient = gradient->data,
        .state = data,
        .memory = memory,
        .diagonal = wants ? diagonal->data : NULL,
        .groups = groups ? groups : &all,
        .group_count = groups ? group_count : 1,
    };
    if (!memory && us__rule_memory(rule, whole.groups, whole.group_count) > 0)
        return us__fail(context, US_ERR_ARGUMENT, "%s needs memory between its steps", rule->name);
    size_t scratch = us__rule_scratch(rule, whole.groups, whole.group_count);
    if (scratch && !(whole.scratch = us__alloc(context, scratch, sizeof *whole.scratch))) return US_ERR_NOMEM;
    status = us__rule_update(rule, &whole);
    us__release(context, whole.scratch);
    return status;
}
