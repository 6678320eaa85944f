/* Noise: how far apart the gradients of batches are, beside the gradient of all rows, and whether it is this that keeps
 * the loss up: at a tenth of the rate the noise pulls ten times less, and a training at its floor comes lower at once. */
#include "diagnose/noise.h"
#include "diagnose/replay.h"
#include <math.h>

enum { NOISE_DRAWS = 32 };

double us__noise_trace(double small_square, size_t small, double large_square, size_t large) {
    return (small_square - large_square) / (1 / (double)small - 1 / (double)large);
}

/* Mean squared length of the gradients of batches drawn without repetition. */
static us_status noise_square(us__gathering *g, uint32_t *rows, size_t batch, double *square) {
    size_t samples = us_problem_samples(g->full);
    us_rng rng = us_rng_init(1, 0x401);
    *square = 0;
    for (size_t i = 0; i < samples; i++) rows[i] = (uint32_t)i;
    for (int draw = 0; draw < NOISE_DRAWS; draw++) {
        for (size_t i = 0; i < batch; i++) { /* the first steps of Fisher and Yates */
            size_t j = i + us_rng_below(&rng, (uint32_t)(samples - i));
            uint32_t row = rows[i];
            rows[i] = rows[j], rows[j] = row;
        }
        double loss;
        us_status status = us_problem_gradient(g->full, g->theta, (us_batch){rows, batch}, &loss, g->place.work);
        if (status) return status;
        double norm = us_vec_norm2(g->place.work);
        *square += norm * norm / NOISE_DRAWS;
    }
    return US_OK;
}

us_status us__evidence_noise(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    size_t samples = us_problem_samples(g->full), batch = us_training_batch(g->training);
    if (e->full_batch || batch == 0 || batch >= samples || !e->carrying_on_finite) return US_OK;
    uint32_t *rows = us__new(us_problem_context(g->full), samples, sizeof *rows);
    if (!rows) return US_ERR_NOMEM;
    double square, whole = e->gradient_norm * e->gradient_norm;
    us_status status = noise_square(g, rows, batch, &square);
    us__release(us_problem_context(g->full), rows);
    if (status) return status;
    e->noise_batch = (double)batch;
    e->noise_trace = us__noise_trace(square, batch, whole, samples);
    e->noise_scale = e->noise_trace / whole;
    if (e->kind != US_KIND_NOT_CRITICAL || !(e->noise_scale > e->noise_batch)) return US_OK;

    us__replay same, quiet;
    status = us__replay_run(g, NULL, 1, e->steps_carrying_on, &same);
    if (!status) status = us__replay_run(g, us__replay_rate, 0.1, e->steps_carrying_on, &quiet);
    if (status || !same.finite) return status;
    e->noise_trend = same.mean[0] - same.mean[1] - 2 * hypot(same.error[0], same.error[1]);
    e->decrease_quiet = 0.5 * (same.mean[0] + same.mean[1]) - quiet.mean[1] - 2 * hypot(same.error[0], same.error[1]);
    return US_OK;
}
