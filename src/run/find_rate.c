/* A range test before there is a run: data, model and training are made, a folder is not. */
#include "run/run.h"

us_status us_run_find_rate(us_range **out, us_context *context, const us_run_config *config,
                           const us_range_options *options) {
    us_run *run = NULL;
    us_run_config resolved;
    *out = NULL;
    us_status status = us__run_config_check(context, config);
    if (status != US_OK) return status;
    resolved = *config;
    us__run_config_resolve(&resolved);
    if ((status = us__run_new(&run, context, "")) != US_OK) goto done;
    run->config.rule = config->rule;
    if ((status = us__run_take_config(run, us__run_config_to_json(&resolved))) != US_OK) goto done;
    const us_rule *rule = us__run_config_rule(&run->config);
    if (!rule)
        status = us__fail(context, US_ERR_ARGUMENT, "%s is a solver: it has no learning rate", run->config.optimizer);
    else if (rule->finds_rate)
        status = us__fail(context, US_ERR_ARGUMENT, "%s finds its rate itself; leave --lr at %g", rule->name,
                          rule->learning_rate);
    if (status == US_OK) status = us__run_assemble(run, NULL, NULL, 0);
    if (status == US_OK) status = us_range_test(out, run->training, options);
done:
    us_run_destroy(run);
    return status;
}
