/* What keeping a run on disk costs: the same steps through us_run_advance (log, checkpoints, progress) and through
 * us_training_advance alone, in turn. Usage: log FOLDER-FOR-RUNS STEPS */
#include <stdio.h>
#include <stdlib.h>
#include <unstuck/unstuck.h>

static void check(us_context *context, us_status status, const char *what) {
    if (status == US_OK) return;
    fprintf(stderr, "%s: %s\n", what, us_context_error(context));
    exit(1);
}

static bool nothing(void *user, const us_run_progress *progress) {
    (void)user, (void)progress;
    return true;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    us_context *context;
    if (us_context_create(&context, NULL) != US_OK) return 1;
    char path[512];
    snprintf(path, sizeof path, "%s/data.csv", argv[1]);
    FILE *file = fopen(path, "w");
    if (!file) return 1;
    us_rng rng = us_rng_init(1, 0);
    for (int i = 0; i < 5000; i++) {
        for (int k = 0; k < 20; k++) fprintf(file, "%.6f,", us_rng_normal(&rng));
        fprintf(file, "%.6f\n", us_rng_normal(&rng));
    }
    fclose(file);
    uint64_t steps = strtoull(argv[2], NULL, 10);
    double with = 0, without = 0;
    for (int round = 0; round < 5; round++) {
        char folder[600];
        snprintf(folder, sizeof folder, "%s/run%d", argv[1], round);
        us_run_config config = US_RUN_CONFIG_INIT;
        config.data = path;
        config.data_options.csv.header = 0;
        config.model = "mlp:64";
        config.steps = steps;
        us_run *run;
        us_training *copy;
        check(context, us_run_create(&run, context, folder, &config), "create");
        check(context, us_training_copy(&copy, us_run_training(run), NULL), "copy");
        double start = us_clock_now();
        check(context, us_run_advance(run, nothing, NULL), "run");
        double middle = us_clock_now();
        check(context, us_training_advance(copy, steps), "training");
        double end = us_clock_now();
        with += middle - start;
        without += end - middle;
        printf("round %d: with the log %.3f s, without %.3f s: %+.2f %%\n", round, middle - start, end - middle,
               100 * ((middle - start) / (end - middle) - 1));
        us_training_destroy(copy);
        us_run_destroy(run);
    }
    printf("log, checkpoints and the evaluation at the end cost %+.2f %% of the training time\n",
           100 * (with / without - 1));
    us_context_destroy(context);
    return 0;
}
