/* What the rule divides by. */
#include "train/training.h"
#include "vec/vec.h"

us_status us_training_preconditioner(const us_training *training, us_vec *d) {
    const us_training *t = training;
    if (d->n != t->theta->n)
        return us__fail(t->context, US_ERR_ARGUMENT, "a preconditioner of %zu elements; the problem has %zu parameters",
                        d->n, t->theta->n);
    if (!t->rule->stability)
        return us__fail(t->context, US_ERR_UNSUPPORTED, "%s does not tell what it divides by", t->rule->name);
    if (!t->rule->preconditioner) {
        us_vec_fill(d, 1);
        return US_OK;
    }
    if (t->rule_steps == 0)
        return us__fail(t->context, US_ERR_UNSUPPORTED, "%s has no preconditioner before its first step", t->rule->name);
    us_rule_step now = {.step = t->rule_steps, .hyper = t->hyper};
    double state[US_RULE_STATES_MAX];
    for (size_t i = 0; i < d->n; i++) {
        for (size_t k = 0; k < t->rule->states; k++) state[k] = us_vec_get(t->state[k], i);
        us_vec_set(d, i, t->rule->preconditioner(&now, state));
    }
    return US_OK;
}
