/* A race as JSON. docs/race.md tells what the fields mean. */
#include "run/race.h"
#include <math.h>
#include <stdlib.h>

static json_t *summary_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *summary_batch(size_t batch) { return batch ? json_integer((json_int_t)batch) : json_string("full"); }

static json_t *summary_place(const us_race *race, const us_race_place *place) {
    const us__race_arm *arms = &race->arms[place->entry * race->seeds];
    const us_race_arm *first = &arms[0].is;
    json_t *names = json_array();
    for (size_t s = 0; s < race->seeds; s++) json_array_append_new(names, json_string(arms[s].name));
    return json_pack("{s:s,s:f,s:o,s:o,s:o,s:o,s:I,s:b,s:I,s:o}", "optimizer", first->optimizer, "lr", first->learning_rate,
                     "batch", summary_batch(first->batch), "median", summary_number(place->median), "least",
                     summary_number(place->least), "most", summary_number(place->most), "diverged",
                     (json_int_t)place->diverged, "stopped", place->stopped, "round", (json_int_t)place->round, "arms",
                     names);
}

static json_t *summary_ranking(const us_race *race, us_race_by by, us_race_place *places) {
    double at;
    us_race_rank(race, by, places, &at);
    json_t *list = json_array();
    for (size_t i = 0; i < race->entries; i++) json_array_append_new(list, summary_place(race, &places[i]));
    return json_pack("{s:f,s:o}", "at", at, "places", list);
}

static json_t *summary_arm(const us_race *race, const us__race_arm *arm) {
    const us_race_look *last = arm->is.look_count ? &arm->looks[arm->is.look_count - 1] : &(us_race_look){.loss = HUGE_VAL};
    json_t *looks = json_array();
    for (size_t i = 0; i < arm->is.look_count; i++)
        json_array_append_new(looks,
                              json_pack("[I,I,f,o]", (json_int_t)arm->looks[i].step, (json_int_t)arm->looks[i].samples,
                                        arm->looks[i].seconds, summary_number(arm->looks[i].loss)));
    return json_pack("{s:s,s:s++,s:s,s:f,s:o,s:I,s:s,s:I,s:I,s:I,s:f,s:o,s:o}", "name", arm->name, "run", race->folder, "/",
                     arm->name, "optimizer", arm->is.optimizer, "lr", arm->is.learning_rate, "batch",
                     summary_batch(arm->is.batch), "seed", (json_int_t)arm->is.seed, "status",
                     us_arm_state_name(arm->is.state), "round", (json_int_t)arm->is.round, "steps", (json_int_t)last->step,
                     "samples", (json_int_t)last->samples, "seconds", last->seconds, "loss", summary_number(last->loss),
                     "looks", looks);
}

us_status us_race_summary(const us_race *race, char **text) {
    *text = NULL;
    us_race_place *places = us__new(race->context, race->entries, sizeof *places);
    if (!places) return US_ERR_NOMEM;
    json_t *arms = json_array();
    for (size_t i = 0; i < race->arm_count; i++) json_array_append_new(arms, summary_arm(race, &race->arms[i]));
    json_t *ranking = json_pack("{s:o,s:o,s:o}", "steps", summary_ranking(race, US_RACE_BY_STEPS, places), "samples",
                                summary_ranking(race, US_RACE_BY_SAMPLES, places), "seconds",
                                summary_ranking(race, US_RACE_BY_TIME, places));
    json_t *object = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:b,s:o,s:o}", "race", race->folder, "status",
                               race->interrupted ? "interrupted" : "finished", "data", race->config.data, "model",
                               race->config.model, "samples", (json_int_t)race->rows, "seeds", (json_int_t)race->seeds,
                               "halving", race->halving, "ranking", ranking, "arms", arms);
    char *dumped = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (dumped) *text = us__text_copy(race->context, dumped);
    us_status status = *text    ? US_OK
                       : dumped ? US_ERR_NOMEM
                                : us__fail(race->context, US_ERR_NOMEM, "out of memory for JSON");
    free(dumped);
    json_decref(object);
    us__release(race->context, places);
    return status;
}
