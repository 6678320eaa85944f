/* The table of remedies, in the order in which they are tried. */
#include "remedy/remedy.h"
#include <string.h>

static const us_remedy *const REMEDIES[] = {&us__remedy_escape,     &us__remedy_raise_lr,         &us__remedy_lower_lr,
                                            &us__remedy_grow_batch, &us__remedy_decay_lr,         &us__remedy_roll_back,
                                            &us__remedy_clip,       &us__remedy_switch_optimizer, &us__remedy_standardize,
                                            &us__remedy_recycle,    &us__remedy_restart,          &us__remedy_lift,
                                            &us__remedy_stop};

const us_remedy *const *us_remedies(size_t *count) {
    *count = sizeof REMEDIES / sizeof *REMEDIES;
    return REMEDIES;
}

const us_remedy *us_remedy_find(const char *name) {
    for (size_t i = 0; i < sizeof REMEDIES / sizeof *REMEDIES; i++)
        if (strcmp(REMEDIES[i]->name, name) == 0) return REMEDIES[i];
    return NULL;
}

us_status us__remedy_set_rate(us_training *training, double rate) {
    return us_training_set_learning_rate(
        training, us_training_learning_rate(training) * (rate / us_training_next_learning_rate(training)), false);
}

bool us__remedy_above_floor(const us_diagnosis *d) {
    const us_evidence *e = &d->evidence;
    if (d->verdict.name != US_VERDICT_MINIMUM && d->verdict.name != US_VERDICT_UNDECIDED) return false;
    return e->loss - e->floor > 0.01 * (e->constant_loss - e->floor);
}
