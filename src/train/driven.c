#include "train/driven.h"
#include "train/training.h"

us_status us__training_driven(us_training *training, const us_vec *theta, uint64_t steps) {
    us_status status = us_training_set_theta(training, theta, true);
    if (status != US_OK) return status;
    training->steps += steps;
    training->schedule_steps += steps;
    training->samples_seen += steps * us_problem_samples(training->problem);
    return US_OK;
}
