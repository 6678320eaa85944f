/* huber:1.5 | cross-entropy:smoothing=0.1,weights=balanced | ... to a loss. */
#include "model/formula.h"
#include "model/loss.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_MOST_KINDS = 32 };

#define loss_fail(context, ...) us__fail(context, US_ERR_INPUT, __VA_ARGS__)

static us_status text_find(us_context *context, const us_model_options *o, us__loss *loss) {
    const char *names[TEXT_MOST_KINDS], *text = o->loss;
    size_t count = 0, length = text ? strcspn(text, ":") : 0;
    char word[48];
    for (; us__loss_kind_at(count); count++) {
        const us__loss_kind *kind = us__loss_kind_at(count);
        names[count] = kind->name;
        bool is = text ? strlen(kind->name) == length && memcmp(text, kind->name, length) == 0 : kind->task == o->task;
        if (is && !loss->kind) loss->kind = kind;
    }
    snprintf(word, sizeof word, "%.*s", (int)(length < 40 ? length : 40), text ? text : "");
    if (loss->kind) return US_OK;
    const char *near = us__nearest_name(word, names, count);
    if (near) return loss_fail(context, "unknown loss '%s'; did you mean %s?", word, near);
    char known[200] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", names[i]);
    return loss_fail(context, "unknown loss '%s'; known are %s", word, known);
}

static us_status text_check_task(us_context *context, const us_model_options *o, const us__loss_kind *kind) {
    bool classes = kind->task == US_CLASSIFICATION;
    if (kind->task != o->task)
        return loss_fail(context, "loss '%s' is for %s, and this target is %s; %s", kind->name,
                         classes ? "classification" : "regression", classes ? "a number" : "a class",
                         classes ? "--task classification makes classes of its values" : "take cross-entropy");
    if (kind->binary && o->outputs != 2)
        return loss_fail(context, "loss '%s' is for two classes, and there are %zu; take cross-entropy", kind->name,
                         o->outputs);
    return US_OK;
}

/* w_c = N/(C·n_c), so that every class weighs the same and the mean weight of a row is 1; a class without rows has 0. */
static us_status text_balance(us_context *context, const us_model_options *o, double *weights) {
    if (!o->class_counts) return us__fail(context, US_ERR_ARGUMENT, "model options: weights=balanced needs class_counts");
    double rows = 0;
    for (size_t k = 0; k < o->outputs; k++) rows += (double)o->class_counts[k];
    for (size_t k = 0; k < o->outputs; k++)
        weights[k] = o->class_counts[k] ? rows / ((double)o->outputs * (double)o->class_counts[k]) : 0;
    return US_OK;
}

/* balanced, or a weight for each class; *at moves behind them. */
static us_status text_weights(us_context *context, const us_model_options *o, const char **at, us__loss *loss) {
    if (loss->weights) return loss_fail(context, "loss '%s': weights are there twice", o->loss);
    loss->weights = us__new(context, o->outputs, sizeof *loss->weights);
    if (!loss->weights) return US_ERR_NOMEM;
    if (strncmp(*at, "balanced", 8) == 0 && (!(*at)[8] || (*at)[8] == ',')) {
        *at += 8;
        return text_balance(context, o, loss->weights);
    }
    size_t count = 0;
    double largest = 0;
    for (bool more = true; more; count++) {
        size_t length = strcspn(*at, ",");
        double weight;
        if (!us__number_read(*at, length, &weight))
            return loss_fail(context,
                             "loss '%s': weights are balanced, or a number of at least 0 for each class, such as 1,2.5",
                             o->loss);
        if (count < o->outputs) loss->weights[count] = weight;
        largest = weight > largest ? weight : largest;
        *at += length;
        more = **at == ',' && (*at)[1] >= '.' && (*at)[1] <= '9';
        *at += more;
    }
    if (count != o->outputs)
        return loss_fail(context, "loss '%s': there are %zu weights and %zu classes", o->loss, count, o->outputs);
    return largest > 0 ? US_OK : loss_fail(context, "loss '%s': some weight must be above 0", o->loss);
}

/* smoothing=S, weights=..., with commas between. */
static us_status text_class_options(us_context *context, const us_model_options *o, const char *at, us__loss *loss) {
    us_status status = US_OK;
    while (*at && status == US_OK) {
        if (strncmp(at, "smoothing=", 10) == 0 && loss->kind->probabilities) {
            size_t length = strcspn(at += 10, ",");
            if (!us__number_read(at, length, &loss->smoothing) || loss->smoothing >= 1)
                return loss_fail(context, "loss '%s': smoothing is 0 to below 1, such as 0.1", o->loss);
            at += length;
        } else if (strncmp(at, "weights=", 8) == 0) {
            at += 8;
            status = text_weights(context, o, &at, loss);
        } else {
            return loss_fail(context, "loss '%s': '%.40s' is no option of %s; it has %s", o->loss, at, loss->kind->name,
                             loss->kind->options);
        }
        if (status == US_OK && *at == ',') at++;
    }
    return status;
}

us_status us__loss_parse(us_context *context, const us_model_options *o, us__loss *loss) {
    *loss = (us__loss){.delta = 1};
    us_status status = text_find(context, o, loss);
    if (status == US_OK) status = text_check_task(context, o, loss->kind);
    const char *colon = o->loss ? strchr(o->loss, ':') : NULL;
    if (status != US_OK || !colon) return status;
    if (!loss->kind->options) return loss_fail(context, "loss '%s': %s has no options", o->loss, loss->kind->name);
    if (loss->kind->task == US_CLASSIFICATION) return text_class_options(context, o, colon + 1, loss);
    if (us__number_read(colon + 1, strlen(colon + 1), &loss->delta) && loss->delta > 0) return US_OK;
    return loss_fail(context, "loss '%s': behind the colon stands a distance above 0, such as huber:1.5", o->loss);
}
