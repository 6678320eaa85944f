#include "find_lr.h"
#include "curve.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void find_lr_progress(void *user, size_t done, size_t steps, double rate, double loss) {
    char text[128];
    snprintf(text, sizeof text, "step %zu of %zu  lr %.3g  smoothed loss %.6g", done, steps, rate, loss);
    cli_progress_show(user, (double)done / (double)steps, text, false);
}

static json_t *find_lr_json(const us_run_config *config, const char *optimizer, const us_range *r, size_t steps) {
    json_t *curve = json_array();
    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(curve, json_pack("{s:o,s:o,s:o}", "lr", cli_real(r->rates[i]), "loss", cli_real(r->losses[i]),
                                               "smoothed", cli_real(r->smoothed[i])));
    return json_pack("{s:n,s:s,s:s,s:o,s:o,s:o,s:s,s:I,s:I,s:I,s:o}", "run", "data", config->data, "optimizer", optimizer,
                     "suggestion", cli_real(r->suggestion), "steepest", cli_real(r->steepest), "lowest", cli_real(r->lowest),
                     "ended", us_range_end_name(r->end), "steps", (json_int_t)r->count, "planned", (json_int_t)steps, "seed",
                     (json_int_t)config->seed, "curve", curve);
}

static void find_lr_print(const char *optimizer, const us_range *r) {
    cli_style s = cli_style_of(STDOUT_FILENO);
    const cli_curve_mark marks[] = {{r->lowest, 'L'}, {r->suggestion, 'S'}};
    bool found = isfinite(r->suggestion);
    double best = HUGE_VAL, first = r->count ? r->smoothed[0] : 0;
    for (size_t i = 0; i < r->count; i++) best = fmin(best, r->smoothed[i]);
    printf("%ssmoothed loss%s of %s over the learning rate, %zu steps\n\n", s.bold, s.reset, optimizer, r->count);
    cli_curve_plot(r->rates, r->smoothed, r->count, first + fmax(0.3 * (first - best), 0.1 * fabs(best)), marks,
                   found ? 2 : 0, !cli_is_terminal(STDOUT_FILENO));
    static const char *const ENDS[] = {"all rates were tried", "the loss had risen far above its lowest",
                                       "the loss or its gradient was not finite any more", "interrupted"};
    printf("\nended at %.3g: %s\n", r->count ? r->rates[r->count - 1] : 0, ENDS[r->end]);
    if (!found) {
        printf("the loss never fell: no rate can be suggested. Look at the data, the model and --init first.\n");
        return;
    }
    printf("lowest (L) at %.3g, falling fastest at %.3g\n", r->lowest, r->steepest);
    printf("%ssuggestion (S): --lr %.2g%s, the smaller of the fastest fall and lowest/10\n", s.green, r->suggestion,
           s.reset);
    printf("no run was made: the steps were taken on a copy\n");
}

int cli_find_lr(const cli_command *command, const cli_training *training, bool quiet, bool json) {
    us_run_config config = training->config;
    us_range_options options = US_RANGE_OPTIONS_INIT;
    const char *optimizer = config.optimizer;
    if (!optimizer) optimizer = config.model && strncmp(config.model, "formula", 7) == 0 ? "trust-region" : "adam";
    if (config.learning_rate > 0 || config.learning_rate_auto)
        return cli_usage(command, "--find-lr tries rates from small to large; leave --lr out");
    if (config.schedule && strcmp(config.schedule, "constant") != 0)
        return cli_usage(command, "--find-lr has a schedule of its own; leave --schedule out");
    if (config.steps > 0) options.steps = config.steps;
    config.steps = 0;
    if (options.steps < 10) return cli_usage(command, "--find-lr needs --steps 10 or more (200)");
    us_context *context = cli_context(quiet, training->threads);
    if (!context) return CLI_FAILED;
    cli_progress progress = cli_progress_start(quiet);
    options.progress = find_lr_progress;
    options.progress_user = &progress;
    us_range *range = NULL;
    us_status status = us_run_find_rate(&range, context, &config, &options);
    cli_progress_end(&progress);
    int code = status == US_INTERRUPTED ? CLI_INTERRUPTED : CLI_DONE;
    if (!range)
        code = cli_error(command, context, status);
    else if (json)
        cli_print_json(find_lr_json(&config, optimizer, range, options.steps));
    else
        find_lr_print(optimizer, range);
    us_range_destroy(range);
    cli_context_destroy(context);
    return code;
}
