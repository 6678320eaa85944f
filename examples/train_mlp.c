/* Trains a network and prints its loss falling: on a CSV (target in the last column), or on two spirals made here.
 *
 *   train_mlp [FILE.csv]
 *
 * From a file to data, to a model, to a problem, to a training: each is a value of its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unstuck/unstuck.h>

/* Two spirals, one a class, a little noise: x, y, class. */
static bool write_spirals(const char *path) {
    us_rng rng = us_rng_init(7, 0);
    FILE *file = fopen(path, "w");
    if (!file) return false;
    fprintf(file, "x,y,spiral\n");
    for (int i = 0; i < 400; i++) {
        double angle = 2 * i / 400.0 * 3.14159265 + 0.5, radius = angle / 10, turn = i % 2 ? 3.14159265 : 0;
        fprintf(file, "%.5f,%.5f,%s\n", radius * cos(angle + turn) + 0.01 * us_rng_normal(&rng),
                radius * sin(angle + turn) + 0.01 * us_rng_normal(&rng), i % 2 ? "left" : "right");
    }
    return fclose(file) == 0;
}

int main(int count, char **arguments) {
    char made[] = "/tmp/unstuck-spirals-XXXXXX";
    us_context *context = NULL;
    us_data *data = NULL;
    us_model *model = NULL;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_training *training = NULL;
    double first = (double)NAN, loss = (double)NAN;
    const char *path = count > 1 ? arguments[1] : made;
    int file = count > 1 ? -1 : mkstemp(made);
    if (count <= 1 && (file < 0 || !write_spirals(made))) return fprintf(stderr, "no file can be made in /tmp\n"), 1;

    /* The data: columns found, categories encoded, standardised. */
    us_data_options how = US_DATA_OPTIONS_INIT;
    how.test_fraction = 0;
    us_status status = us_context_create(&context, NULL);
    if (status == US_OK) status = us_data_load(&data, context, path, &how);
    if (status != US_OK) goto done;
    const us_dataset *rows = us_data_train(data);

    /* The model, and its mean loss over the data as a problem. */
    us_model_options form = US_MODEL_OPTIONS_INIT;
    form.text = "mlp:32,32:tanh";
    form.inputs = us_dataset_columns(rows);
    form.outputs = us_dataset_outputs(rows);
    form.task = us_dataset_task(rows);
    if ((status = us_model_create(&model, context, &form)) != US_OK) goto done;
    if ((status = us_model_problem(&problem, model, rows)) != US_OK) goto done;

    /* Its first weights. */
    us_rng rng = us_rng_init(1, 1);
    size_t groups;
    const us_group *group = us_problem_groups(problem, &groups);
    if ((status = us_vec_create(&theta, context, US_F32, us_problem_dimension(problem))) != US_OK) goto done;
    if ((status = us_model_initialize(model, NULL, group, groups, &rng, theta)) != US_OK) goto done;

    /* And the training. */
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find("adam");
    options.learning_rate = 0.01;
    options.batch = us_problem_samples(problem) < 32 ? us_problem_samples(problem) : 32;
    if ((status = us_training_create(&training, problem, theta, &options)) != US_OK) goto done;
    printf("%zu parameters, %zu rows\n", us_problem_dimension(problem), us_problem_samples(problem));
    for (int epoch = 0; epoch <= 200 && status == US_OK; epoch += 20) {
        if ((status = us_problem_value(problem, us_training_theta(training), US_BATCH_ALL, &loss)) != US_OK) break;
        if (epoch == 0) first = loss;
        printf("epoch %3d: loss %.5f\n", epoch, loss);
        if (epoch < 200) status = us_training_advance(training, 20 * us_training_steps_per_epoch(training));
    }
done:
    if (status != US_OK) fprintf(stderr, "%s\n", context ? us_context_error(context) : us_status_meaning(status));
    if (file >= 0) remove(made);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_data_destroy(data);
    us_context_destroy(context);
    return status == US_OK && loss < (count > 1 ? first : 0.1 * first) ? 0 : 1;
}
