/* Initial weights.
 *
 * he      N(0, 2/in)               He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", eq. 10
 * xavier  U(±√(6/(in + out)))      Glorot & Bengio 2010, "Understanding the difficulty of training ...", eq. 16
 *
 * `in` and `out` count what one unit reads and what reads one input: for [out×in×...], both times the rest of the shape.
 */
#include "model/model.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct init_rule {
    const char *name;
    double (*draw)(us_rng *rng, double in, double out, double deviation);
} init_rule;

static double init_he(us_rng *rng, double in, double out, double deviation) {
    (void)out, (void)deviation;
    return sqrt(2 / in) * us_rng_normal(rng);
}
static double init_xavier(us_rng *rng, double in, double out, double deviation) {
    (void)deviation;
    return sqrt(6 / (in + out)) * (2 * us_rng_uniform(rng) - 1);
}
static double init_zero(us_rng *rng, double in, double out, double deviation) {
    (void)rng, (void)in, (void)out, (void)deviation;
    return 0;
}
static double init_normal(us_rng *rng, double in, double out, double deviation) {
    (void)in, (void)out;
    return deviation * us_rng_normal(rng);
}
static double init_one(us_rng *rng, double in, double out, double deviation) {
    (void)rng, (void)in, (void)out, (void)deviation;
    return 1;
}

/* All but the last can be asked for by name. */
static const init_rule RULES[] = {
    {"he", init_he}, {"xavier", init_xavier}, {"zero", init_zero}, {"normal", init_normal}, {"one", init_one},
};
enum { RULE_COUNT = sizeof RULES / sizeof RULES[0], RULE_NAMED = RULE_COUNT - 1 };

static const init_rule *init_rule_named(const char *name) {
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (strcmp(RULES[i].name, name) == 0) return &RULES[i];
    return NULL;
}

/* STD of "normal:STD". */
static us_status init_deviation(us_context *context, const char *init, double *deviation) {
    char *end = NULL;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale) return us__fail_memory(context, 0);
    *deviation = strtod_l(init + strlen("normal:"), &end, c_locale);
    freelocale(c_locale);
    if (end != init + strlen("normal:") && *end == '\0' && isfinite(*deviation) && *deviation >= 0) return US_OK;
    return us__fail(context, US_ERR_INPUT,
                    "init '%.60s': expected is normal:STD with a standard deviation of at least 0, such as normal:0.01",
                    init);
}

static us_status init_find(us_context *context, const char *init, const init_rule **rule, double *deviation) {
    *deviation = 0;
    if (strncmp(init, "normal:", strlen("normal:")) == 0) {
        *rule = init_rule_named("normal");
        return init_deviation(context, init, deviation);
    }
    *rule = init_rule_named(init);
    if (*rule && (*rule)->draw != init_normal && (*rule)->draw != init_one) return US_OK;
    const char *names[RULE_NAMED];
    for (size_t i = 0; i < RULE_NAMED; i++) names[i] = RULES[i].name;
    const char *near = us__nearest_name(init, names, RULE_NAMED);
    if (near && strcmp(near, "normal") == 0) near = "normal:0.01";
    return us__fail(context, US_ERR_INPUT, "unknown init '%.40s'; %s%s", init,
                    near ? "did you mean " : "known are he, xavier, zero and normal:STD", near ? near : "");
}

/* What is no weight begins as it must, whatever the caller names. */
static const char *const INIT_FIXED[][2] = {
    {"bias", "zero"}, {"gain", "one"}, {"output", "zero"}, {"mean", "zero"}, {"variance", "one"}};

static const init_rule *init_fixed(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof INIT_FIXED / sizeof INIT_FIXED[0]; i++)
        if (strcmp(dot + 1, INIT_FIXED[i][0]) == 0) return init_rule_named(INIT_FIXED[i][1]);
    return NULL;
}

/* The rule of "layerN.weight" where the caller named none. */
static const init_rule *init_default(const us_model *model, const char *name) {
    if (model->formula) return init_rule_named("one");
    unsigned long number = strncmp(name, "layer", 5) == 0 ? strtoul(name + 5, NULL, 10) : 0;
    for (size_t i = 0; i < model->layer_count && model->numbers > 1; i++)
        if (model->layers[i].number == number && number > 0) return init_rule_named(model->layers[i].init);
    return init_rule_named("zero");
}

us_status us_model_initialize(const us_model *model, const char *init, const us_group *groups, size_t count, us_rng *rng,
                              us_vec *theta) {
    const init_rule *named = NULL;
    double deviation = 1;
    us_status status = init ? init_find(model->context, init, &named, &deviation) : US_OK;
    if (status != US_OK) return status;
    if (count > 0 && groups[count - 1].offset + groups[count - 1].count > us_vec_size(theta))
        return us__fail(model->context, US_ERR_SHAPE, "theta has %zu elements, the groups need %zu", us_vec_size(theta),
                        groups[count - 1].offset + groups[count - 1].count);
    for (size_t g = 0; g < count; g++) {
        const us_group *group = &groups[g];
        const init_rule *fixed = init_fixed(group->name);
        const init_rule *rule = fixed ? fixed : named ? named : init_default(model, group->name);
        double out = group->rank > 0 ? (double)group->shape[0] : 1, in = group->rank > 0 ? (double)group->count / out : 1;
        if (group->rank > 1) out = (double)group->count / (double)group->shape[1];
        for (size_t i = 0; i < group->count; i++) us_vec_set(theta, group->offset + i, rule->draw(rng, in, out, deviation));
    }
    return US_OK;
}
