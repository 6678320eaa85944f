#include "run/run.h"
#include <math.h>

const us_vec *us__run_answer(us_run *run) {
    us_training_weights(run->training, run->weights);
    return run->weights;
}

us_status us_run_loss(us_run *run, bool test, double *loss) {
    us_problem *problem = test ? run->test_problem : run->seen;
    *loss = (double)NAN;
    return problem ? us_problem_value(problem, us__run_answer(run), US_BATCH_ALL, loss) : US_OK;
}

us_status us__run_evaluate(us_run *run, double *train) {
    double test, began = us_clock_now();
    us_status status = us_run_loss(run, false, train);
    if (status == US_OK) status = us_run_loss(run, true, &test);
    run->evaluation_seconds = us_clock_now() - began;
    if (status == US_OK) status = us__store_loss(run->store, us_training_steps(run->training), *train, test);
    return status;
}

size_t us__run_class(const double *probabilities, size_t classes) {
    size_t best = 0;
    for (size_t k = 1; k < classes; k++)
        if (probabilities[k] > probabilities[best]) best = k;
    return best;
}
