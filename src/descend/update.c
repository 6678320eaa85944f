/* The loop around a rule's update. */
#include "descend/descend.h"
#include "vec/vec.h"

/* θ is cut into blocks of this many elements, whatever the number of threads, so that the result does not depend on it. */
enum { UPDATE_BLOCK = 1 << 15, UPDATE_BLOCKS_TO_SHARE = 4 };

static void update_block(const us_rule *rule, const us_rule_step *step, us_precision precision, void *theta,
                         const void *gradient, void *const *state, size_t from, size_t n) {
    if (precision == US_F32) {
        float *s[US_RULE_STATES_MAX];
        for (size_t k = 0; k < rule->states; k++) s[k] = (float *)state[k] + from;
        rule->update_f32(step, (float *)theta + from, (const float *)gradient + from, s, n);
    } else {
        double *s[US_RULE_STATES_MAX];
        for (size_t k = 0; k < rule->states; k++) s[k] = (double *)state[k] + from;
        rule->update_f64(step, (double *)theta + from, (const double *)gradient + from, s, n);
    }
}

void us__rule_update(us_context *context, const us_rule *rule, const us_rule_step *step, us_precision precision, void *theta,
                     const void *gradient, void *const *state, size_t n) {
    if (n <= UPDATE_BLOCK) {
        update_block(rule, step, precision, theta, gradient, state, 0, n);
        return;
    }
    size_t blocks = (n - 1) / UPDATE_BLOCK + 1;
    int threads = blocks < UPDATE_BLOCKS_TO_SHARE ? 1 : us_context_threads(context);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t b = 0; b < blocks; b++) {
        size_t from = b * UPDATE_BLOCK;
        update_block(rule, step, precision, theta, gradient, state, from, n - from < UPDATE_BLOCK ? n - from : UPDATE_BLOCK);
    }
}

us_status us_rule_apply(us_context *context, const us_rule *rule, const us_rule_step *step, us_vec *theta,
                        const us_vec *gradient, us_vec *const *state) {
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
    us__rule_update(context, rule, &now, precision, theta->data, gradient->data, data, theta->n);
    return US_OK;
}
