/* The table of update rules. A new rule is a file in rules/ and a line in rules/table.h. */
#include "descend/rules/rules.h"
#include "data/number.h"
#include "descend/descend.h"
#include <stdio.h>
#include <string.h>

#define US__RULE(name) &us__rule_##name,
#define US__RULE_OF_WHOLE(name) &us__rule_##name,
static const us_rule *const rules_table[] = {
#include "descend/rules/table.h"
};
#undef US__RULE
#undef US__RULE_OF_WHOLE

enum { RULES_COUNT = sizeof rules_table / sizeof *rules_table };

const us_rule *const *us_rules(size_t *count) {
    *count = RULES_COUNT;
    return rules_table;
}

const us_rule *us_rule_find(const char *name) {
    for (size_t i = 0; i < RULES_COUNT; i++)
        if (strcmp(rules_table[i]->name, name) == 0) return rules_table[i];
    return NULL;
}

const char *us_rule_nearest(const char *name) {
    const char *names[RULES_COUNT];
    for (size_t i = 0; i < RULES_COUNT; i++) names[i] = rules_table[i]->name;
    return us__nearest_name(name, names, RULES_COUNT);
}

size_t us_rule_hyperparameter(const us_rule *rule, const char *name) {
    for (size_t i = 0; i < rule->hyperparameter_count; i++)
        if (strcmp(rule->hyperparameters[i].name, name) == 0) return i;
    return SIZE_MAX;
}

void us__rule_defaults(const us_rule *rule, double *hyper) {
    for (size_t i = 0; i < rule->hyperparameter_count; i++) hyper[i] = rule->hyperparameters[i].default_value;
}

us_status us__rule_check(us_context *context, const us_rule *rule, us_precision precision) {
    if (!rule->name) return us__fail(context, US_ERR_ARGUMENT, "the update rule has no name");
    if (rule->hyperparameter_count > US_RULE_HYPERPARAMETERS_MAX || rule->states > US_RULE_STATES_MAX)
        return us__fail(context, US_ERR_ARGUMENT, "rule %s has %zu hyperparameters and %zu states; at most %d and %d can be",
                        rule->name, rule->hyperparameter_count, rule->states, US_RULE_HYPERPARAMETERS_MAX,
                        US_RULE_STATES_MAX);
    if (!rule->update && (precision == US_F32 ? !rule->update_f32 : !rule->update_f64))
        return us__fail(context, US_ERR_ARGUMENT, "rule %s has no update in f%d", rule->name, (int)precision);
    return US_OK;
}

us_status us__rule_check_hyper(us_context *context, const us_rule *rule, const double *hyper) {
    for (size_t i = 0; i < rule->hyperparameter_count; i++) {
        const us_hyperparameter *h = &rule->hyperparameters[i];
        if (!(hyper[i] >= h->minimum && hyper[i] <= h->maximum))
            return us__fail(context, US_ERR_ARGUMENT, "--set %s=%g: %s's %s must be %g to %g", h->name, hyper[i], rule->name,
                            h->name, h->minimum, h->maximum);
    }
    return US_OK;
}

/* One "name=value" of length n. */
static us_status rules_set_one(us_context *context, const us_rule *rule, const char *text, size_t n, double *hyper) {
    char name[64];
    const char *equals = memchr(text, '=', n);
    size_t length = equals ? (size_t)(equals - text) : 0;
    if (length == 0 || length >= sizeof name || equals + 1 == text + n)
        return us__fail(context, US_ERR_ARGUMENT, "--set %.*s: this must be NAME=VALUE", (int)n, text);
    memcpy(name, text, length);
    name[length] = '\0';
    size_t i = us_rule_hyperparameter(rule, name);
    if (i == SIZE_MAX) {
        char names[256] = " none";
        for (size_t k = 0, used = 0; k < rule->hyperparameter_count && used < sizeof names; k++)
            used +=
                (size_t)snprintf(names + used, sizeof names - used, "%s %s", k ? "," : "", rule->hyperparameters[k].name);
        return us__fail(context, US_ERR_ARGUMENT, "--set %s: there is no such hyperparameter; %s has%s", name, rule->name,
                        names);
    }
    if (!us__number_whole(equals + 1, (size_t)(text + n - (equals + 1)), &hyper[i]))
        return us__fail(context, US_ERR_ARGUMENT, "--set %.*s: the value is not a number", (int)n, text);
    return US_OK;
}

us_status us_rule_parse_hyper(us_context *context, const us_rule *rule, const char *text, double *hyper) {
    us__rule_defaults(rule, hyper);
    for (const char *p = text; p && *p;) {
        size_t n = strcspn(p, ",");
        us_status status = rules_set_one(context, rule, p, n, hyper);
        if (status != US_OK) return status;
        p += n + (p[n] == ',');
    }
    return us__rule_check_hyper(context, rule, hyper);
}
