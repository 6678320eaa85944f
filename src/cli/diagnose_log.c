/* unstuck diagnose --log FILE: what the log of any program says. */
#include "diagnose_log.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The numbers of a log, by name. */
static const struct log_sign {
    const char *name;
    size_t offset;
    const char *meaning;
} SIGNS[] = {
    {"loss", offsetof(us_log_evidence, loss), "The loss at the end of the log, by the trend of its last half."},
    {"loss_first", offsetof(us_log_evidence, loss_first), "The median loss of the first rows."},
    {"loss_slope", offsetof(us_log_evidence, slope), "The slope of the loss over the last half of the log, a step."},
    {"loss_slope_low", offsetof(us_log_evidence, slope_low), "Its interval at 95 %: the lower end."},
    {"loss_slope_high", offsetof(us_log_evidence, slope_high), "Its interval at 95 %: the upper end; below 0 it falls."},
    {"fall", offsetof(us_log_evidence, fall), "By how much the loss fell over the last half of the log, by its slope."},
    {"noise", offsetof(us_log_evidence, noise), "How far a loss lies from the trend, in the middle."},
    {"turning", offsetof(us_log_evidence, turning),
     "Correlation of one row's distance from the trend with the next one's: -1 jumps to and fro."},
    {"ringing", offsetof(us_log_evidence, ringing), "How evenly the loss swings about its trend: 0 not, 1 like a wave."},
    {"gradient_norm", offsetof(us_log_evidence, gradient), "The median norm of the gradient over the last half of the log."},
    {"gradient_norm_first", offsetof(us_log_evidence, gradient_first), "The same of the first rows."},
    {"learning_rate", offsetof(us_log_evidence, rate), "The learning rate at the end."},
    {"learning_rate_most", offsetof(us_log_evidence, rate_most), "The largest learning rate."},
    {"batch", offsetof(us_log_evidence, rows), "Rows a step."},
    {"gain_ratio", offsetof(us_log_evidence, gain_ratio),
     "The fall over what steps along the gradient come to without curvature; near 1 the rate is small."},
    {"not_finite_at", offsetof(us_log_evidence, not_finite_at), "The first step whose loss or gradient is not finite."},
    {"surge", offsetof(us_log_evidence, surge), "The largest of the last finite losses over the median before them."},
    {"gradient_surge", offsetof(us_log_evidence, gradient_surge), "The same of the gradient's norm."},
};
enum { SIGN_COUNT = sizeof SIGNS / sizeof *SIGNS };

static double log_value(const us_log_evidence *e, size_t k) {
    double value;
    memcpy(&value, (const char *)e + SIGNS[k].offset, sizeof value);
    return value;
}

static bool log_rests_on(const us_verdict *v, const char *name) {
    size_t length = strlen(name);
    for (const char *p = v->signs ? v->signs : ""; *p; p += strcspn(p, " "), p += strspn(p, " "))
        if (strcspn(p, " ") == length && strncmp(p, name, length) == 0) return true;
    return false;
}

static json_t *log_json(const us_log *log, const us_log_evidence *e, const us_log_verdict *v, const char *path) {
    json_t *signs = json_array(), *rests = json_array();
    for (size_t k = 0; k < SIGN_COUNT; k++) {
        double value = log_value(e, k);
        if (isnan(value)) continue;
        json_t *sign = json_pack("{s:s,s:o,s:n,s:s}", "name", SIGNS[k].name, "value", cli_real(value), "threshold",
                                 "meaning", SIGNS[k].meaning);
        if (log_rests_on(&v->verdict, SIGNS[k].name)) json_array_append(rests, sign);
        json_array_append_new(signs, sign);
    }
    return json_pack(
        "{s:s,s:o,s:b,s:f,s:s,s:o,s:o,s:o,s:[],s:o,s:o,s:n,s:n,s:n,s:n,s:o,s:n,s:[],s:{s:s,s:I,s:I,s:s},s:{s:s,s:s}}",
        "verdict", us_verdict_text(v->verdict.name), "cause", cli_text(v->verdict.cause), "stuck", v->verdict.stuck,
        "confidence", v->verdict.confidence, "sentence", v->verdict.sentence, "rests_on", rests, "would_change",
        cli_text(v->verdict.would_change), "would_decide", cli_text(v->verdict.would_decide), "also", "loss",
        cli_real(e->loss), "gradient_norm", cli_real(e->gradient), "parameters", "samples", "precision", "spectrum", "signs",
        signs, "steps_to_leave", "remedies", "log", "file", path, "rows", (json_int_t)log->count, "gaps",
        (json_int_t)log->gaps, "loss", log->loss_name, "next", "log", v->next, "why", v->next_why);
}

static void log_tell(const us_log *log, const us_log_evidence *e, const us_log_verdict *v, const char *path) {
    cli_style s = cli_style_of(1);
    printf("%s%s%s%s%s%s\n%s\n", s.bold, v->verdict.stuck ? s.yellow : "", us_verdict_text(v->verdict.name),
           v->verdict.cause ? " / " : "", v->verdict.cause ? v->verdict.cause : "", s.reset, v->verdict.sentence);
    printf("  from %s: %zu rows, %s", path, log->count, log->steps_logged ? "steps" : "no steps (rows are counted)");
    printf("%s%s%s", log->gradient_norm ? ", gradient norm" : "", log->learning_rate ? ", learning rate" : "",
           log->batch ? ", batch" : "");
    if (log->gaps) printf("; %zu rows without a loss are left out", log->gaps);
    printf("\n");
    for (size_t k = 0; k < SIGN_COUNT; k++)
        if (!isnan(log_value(e, k)) && log_rests_on(&v->verdict, SIGNS[k].name))
            printf("  %-20s %-12.5g %s\n", SIGNS[k].name, log_value(e, k), SIGNS[k].meaning);
    if (v->verdict.confidence > 0) printf("How sure: %.2f, by the log alone.\n", v->verdict.confidence);
    if (v->verdict.would_change) printf("What would change this: %s\n", v->verdict.would_change);
    printf("Log next: %s%s%s: %s\n", s.bold, v->next, s.reset, v->next_why);
}

int cli_diagnose_log(const cli_command *command, us_context *context, const char *path, bool json) {
    us_log *log = NULL;
    us_log_evidence evidence;
    int code = CLI_DONE;
    us_status status = us_log_read(&log, context, path);
    if (status == US_OK) status = us_log_gather(log, &evidence);
    if (status == US_OK) {
        us_log_verdict verdict = us_log_decide(&evidence);
        if (json)
            code = cli_print_json(log_json(log, &evidence, &verdict, path));
        else
            log_tell(log, &evidence, &verdict, path);
    } else {
        code = cli_error(command, context, status);
    }
    us_log_destroy(log);
    return code;
}
