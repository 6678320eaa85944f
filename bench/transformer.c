/* Training a character model on a text by CPU time: characters a second, and the loss on the text's last tenth on the way.
 * usage: transformer TEXT MODEL CONTEXT BATCH STEPS [RATE [EVERY]]; Adam, a cosine down to zero after 100 steps of warm-up,
 * rows that begin anywhere. Prints "step cpu-seconds training-loss test-loss" each EVERY steps, and characters a second. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unstuck/unstuck.h>

#define TRY(call)                                                                               \
    do {                                                                                        \
        us_status try_status = (call);                                                          \
        if (try_status != US_OK) {                                                              \
            fprintf(stderr, "%s: %s\n", us_status_name(try_status), us_context_error(context)); \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

/* CPU seconds of this process: other load on the machine does not count. */
static double transformer_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool transformer_observe(void *user, const us_training *training, const us_step_info *info) {
    double *loss = user;
    (void)training;
    *loss = info->step == 1 ? info->loss : 0.98 * *loss + 0.02 * info->loss;
    return true;
}

int main(int count, char **words) {
    us_context *context;
    if (count < 6 || us_context_create(&context, NULL) != US_OK) return 2;
    uint64_t steps = strtoul(words[5], NULL, 10), every = count > 7 ? strtoul(words[7], NULL, 10) : steps;
    us_data_options how = US_DATA_OPTIONS_INIT;
    how.task = US_TEXT;
    how.window = strtoul(words[3], NULL, 10);
    how.stride = 1;
    us_data *data;
    TRY(us_data_load(&data, context, words[1], &how));
    const us_dataset *train = us_data_train(data), *test = us_data_test(data);
    us_model_options form = US_MODEL_OPTIONS_INIT;
    form.text = words[2];
    form.inputs = form.positions = us_dataset_columns(train);
    form.outputs = us_dataset_outputs(train);
    form.task = US_CLASSIFICATION;
    us_model *model;
    us_problem *problem, *check;
    us_vec *theta;
    us_training *training;
    TRY(us_model_create(&model, context, &form));
    TRY(us_model_problem(&problem, model, train));
    TRY(us_model_problem(&check, model, test));
    TRY(us_vec_create(&theta, context, US_F32, us_problem_dimension(problem)));
    size_t groups;
    const us_group *group = us_problem_groups(problem, &groups);
    us_rng rng = us_rng_init(1, 1);
    TRY(us_model_initialize(model, NULL, group, groups, &rng, theta));
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    char schedule[64];
    snprintf(schedule, sizeof schedule, "cosine:%llu", (unsigned long long)steps);
    options.rule = us_rule_find("adam");
    options.learning_rate = count > 6 ? atof(words[6]) : 0.001;
    options.batch = strtoul(words[4], NULL, 10);
    options.sampling = US_SAMPLING_REPLACEMENT;
    options.clip_norm = 1;
    TRY(us_schedule_parse(context, schedule, 100, &options.schedule));
    TRY(us_training_create(&training, problem, theta, &options));
    double loss = 0, spent = 0;
    TRY(us_training_observe(training, transformer_observe, &loss));
    TRY(us_training_advance(training, steps < 3 ? steps : 3)); /* memory is there afterwards */
    uint64_t first = us_training_steps(training);
    while (us_training_steps(training) < steps) {
        uint64_t done = us_training_steps(training), more = every - done % every;
        double began = transformer_clock(), tested;
        TRY(us_training_advance(training, more < steps - done ? more : steps - done));
        spent += transformer_clock() - began;
        if (count <= 7) continue;
        TRY(us_problem_value(check, us_training_theta(training), US_BATCH_ALL, &tested));
        printf("%llu %.1f %.4f %.4f\n", (unsigned long long)us_training_steps(training), spent, loss, tested);
        fflush(stdout);
    }
    printf("%.0f characters/s, %zu parameters\n", (double)(steps - first) * (double)(options.batch * how.window) / spent,
           us_problem_dimension(problem));
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(check);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_data_destroy(data);
    us_context_destroy(context);
    return 0;
}
