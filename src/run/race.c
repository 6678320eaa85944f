/* A race laid out: its data, its arms, and the points at which they are measured. */
#include "run/race.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unstuck/solve.h>

void us_race_options_init(us_race_options *options) { *options = (us_race_options)US_RACE_OPTIONS_INIT; }

const char *us_arm_state_name(us_arm_state state) {
    static const char *const NAMES[] = {"waiting", "running", "finished", "stopped", "diverged", "interrupted"};
    return (unsigned)state < sizeof NAMES / sizeof *NAMES ? NAMES[state] : "unknown";
}

const char *us_race_by_name(us_race_by by) {
    static const char *const NAMES[] = {"steps", "samples", "seconds"};
    return (unsigned)by < sizeof NAMES / sizeof *NAMES ? NAMES[by] : "unknown";
}

void us_race_destroy(us_race *race) {
    if (!race) return;
    us_data_destroy(race->data);
    if (race->folder) rmdir(race->folder); /* goes when there is nothing in it */
    json_decref(race->config_object);
    us__release(race->context, race->folder);
    us__release(race->context, race->optimizers);
    us__release(race->context, race->arms);
    us__release(race->context, race->shown);
    us__release(race->context, race->alive);
    pthread_mutex_destroy(&race->lock);
    us__release(race->context, race);
}

/* ------------------------------------------------------------------ the grid */

/* Each value once. */
static us_status race_check_lists(us_context *context, const us_race_options *o) {
    if (o->version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_race_options: version is %u; begin with US_RACE_OPTIONS_INIT",
                        o->version);
    if (o->seeds < 1) return us__fail(context, US_ERR_ARGUMENT, "--seeds is 0; it must be at least 1");
    for (size_t i = 0; i < o->optimizer_count; i++) {
        if (us_solver_find(o->optimizers[i]))
            return us__fail(context, US_ERR_ARGUMENT, "--optimizer %s: a race is between update rules, and that is a solver",
                            o->optimizers[i]);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(o->optimizers[i], o->optimizers[k]))
                return us__fail(context, US_ERR_ARGUMENT, "--optimizer has %s twice", o->optimizers[i]);
    }
    for (size_t i = 0; i < o->rule_count; i++) {
        if (!o->rules[i]->name) return us__fail(context, US_ERR_ARGUMENT, "rule %zu of the race has no name", i + 1);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(o->rules[i]->name, o->rules[k]->name))
                return us__fail(context, US_ERR_ARGUMENT, "the race has the rule %s twice", o->rules[i]->name);
    }
    for (size_t i = 0; i < o->rate_count; i++)
        for (size_t k = 0; k < i; k++)
            if (o->rates[i] == o->rates[k]) return us__fail(context, US_ERR_ARGUMENT, "--lr has %g twice", o->rates[i]);
    for (size_t i = 0; i < o->batch_count; i++)
        for (size_t k = 0; k < i; k++)
            if (o->batches[i] == o->batches[k])
                return us__fail(context, US_ERR_ARGUMENT, "--batch has %zu twice", o->batches[i]);
    return US_OK;
}

/* Batches of an arm, and with it what its plan comes to. */
static uint64_t race_steps_planned(const us_race *race, size_t batch) {
    const us_run_config *c = &race->config;
    size_t rows = (batch ? batch : race->rows) * c->accumulate;
    double epochs = c->epochs == 0 && c->steps == 0 && c->seconds == 0 ? 10 : c->epochs;
    double steps = ceil(epochs * (double)((race->rows - 1) / rows + 1));
    uint64_t planned = epochs > 0 && steps < 0x1p62 ? (uint64_t)steps : UINT64_MAX;
    return c->steps > 0 && c->steps < planned ? c->steps : planned;
}

/* Rows that so many steps see. */
static uint64_t race_samples(const us_race *race, size_t batch, uint64_t steps) {
    size_t rows = batch ? batch : race->rows;
    uint64_t batches = steps * race->config.accumulate;
    if (race->config.sampling == US_SAMPLING_REPLACEMENT) return batches * rows;
    uint64_t epoch = (race->rows - 1) / rows + 1, rest = batches % epoch * rows;
    return batches / epoch * race->rows + rest;
}

static void race_name(us__race_arm *arm, bool seeds) {
    size_t used = (size_t)snprintf(arm->name, sizeof arm->name, "%s-lr%g-b", arm->is.optimizer, arm->is.learning_rate);
    if (arm->is.batch)
        used += (size_t)snprintf(arm->name + used, sizeof arm->name - used, "%zu", arm->is.batch);
    else
        used += (size_t)snprintf(arm->name + used, sizeof arm->name - used, "full");
    if (seeds) snprintf(arm->name + used, sizeof arm->name - used, "-s%llu", (unsigned long long)arm->is.seed);
}

/* Arm i of the grid: optimizer, rate, batch, seed, the last one running fastest. */
static us_status race_lay_out(us_race *race, const us_race_options *o, size_t i) {
    us__race_arm *arm = &race->arms[i];
    size_t entry = i / race->seeds, batches = o->batch_count ? o->batch_count : 1, rates = o->rate_count ? o->rate_count : 1;
    size_t rule = entry / batches / rates;
    double rate = o->rate_count ? o->rates[entry / batches % rates] : race->config.learning_rate;
    if (!(rate >= 0 && isfinite(rate)))
        return us__fail(race->context, US_ERR_ARGUMENT, "--lr is %g; it must be above zero, and finite", rate);
    arm->is = (us_race_arm){.name = arm->name,
                            .optimizer = race->optimizers[rule],
                            .batch = o->batch_count ? o->batches[entry % batches] : race->config.batch,
                            .seed = race->config.seed + i % race->seeds,
                            .entry = entry,
                            .looks = arm->looks};
    us_run_config config = race->config;
    if (rule >= o->optimizer_count) arm->rule = o->rules[rule - o->optimizer_count];
    config.optimizer = arm->is.optimizer, config.rule = arm->rule, config.seed = arm->is.seed;
    us_status status = us__run_config_check(race->context, &config);
    if (status != US_OK) return status;
    arm->is.learning_rate = rate > 0 ? rate : us__run_config_rule(&config)->learning_rate;
    if (arm->is.batch == US_RUN_BATCH_DEFAULT) arm->is.batch = race->rows < 32 ? race->rows : 32;
    if (arm->is.batch > race->rows)
        return us__fail(race->context, US_ERR_ARGUMENT, "--batch is %zu; there are %zu training rows", arm->is.batch,
                        race->rows);
    arm->is.steps_planned = race_steps_planned(race, arm->is.batch);
    race_name(arm, race->seeds > 1);
    return US_OK;
}

/* Eighths of `least`; powers of two where it is no limit. */
static void race_points(us__race_points *points, uint64_t least) {
    bool open = least >= (uint64_t)1 << 62;
    points->count = 0;
    for (size_t k = 1; k <= (open ? RACE_POINTS : RACE_PARTS); k++) {
        uint64_t at = open ? (uint64_t)1 << (k - 1) : least / RACE_PARTS * k + least % RACE_PARTS * k / RACE_PARTS;
        if (at > 0 && (points->count == 0 || at > points->at[points->count - 1])) points->at[points->count++] = at;
    }
}

static us_status race_data(us_race *race) {
    us_data_options options = race->config.data_options;
    options.seed = race->config.seed;
    options.precision = race->config.precision;
    us_status status = us_data_load(&race->data, race->context, race->config.data, &options);
    if (status == US_OK) race->rows = us_dataset_rows(us_data_train(race->data));
    return status;
}

static us_status race_config(us_race *race, const us_run_config *config) {
    us_run_config resolved = *config;
    us__run_config_resolve(&resolved);
    if (resolved.batch == US_RUN_BATCH_DEFAULT && !strncmp(config->model + strspn(config->model, " "), "formula", 7))
        resolved.batch = 0;
    if (resolved.keep_path == US_RUN_PATH_DEFAULT) resolved.keep_path = 0; /* of many arms: when asked for */
    race->config_object = us__run_config_to_json(&resolved);
    if (!race->config_object) return us__fail(race->context, US_ERR_NOMEM, "out of memory for JSON");
    return us__run_config_from_json(race->context, race->config_object, &race->config);
}

us_status us_race_create(us_race **out, us_context *context, const char *folder, const us_run_config *config,
                         const us_race_options *options) {
    us_race_options o = US_RACE_OPTIONS_INIT;
    if (options) o = *options;
    *out = NULL;
    const char *own = config->optimizer ? config->optimizer : "adam";
    if (o.optimizer_count + o.rule_count == 0 && config->rule)
        o.rules = &config->rule, o.rule_count = 1;
    else if (o.optimizer_count + o.rule_count == 0)
        o.optimizers = &own, o.optimizer_count = 1;
    us_status status = us__run_config_check(context, config);
    if (status == US_OK) status = race_check_lists(context, &o);
    if (status == US_OK && config->learning_rate_auto)
        status = us__fail(context, US_ERR_ARGUMENT, "a race compares rates that are named; --lr auto is for a single run");
    if (status != US_OK) return status;

    size_t rules = o.optimizer_count + o.rule_count, arms;
    size_t entries = rules * (o.rate_count ? o.rate_count : 1) * (o.batch_count ? o.batch_count : 1);
    if (__builtin_mul_overflow(entries, o.seeds, &arms) || arms > RACE_ARMS_MOST)
        return us__fail(context, US_ERR_ARGUMENT, "the grid has %zu entries and %zu seeds; a race has at most %d arms",
                        entries, o.seeds, RACE_ARMS_MOST);
    us_race *race = us__new(context, 1, sizeof *race);
    if (!race) return US_ERR_NOMEM;
    pthread_mutex_init(&race->lock, NULL);
    race->context = context;
    race->arm_count = arms, race->entries = entries, race->seeds = o.seeds, race->halving = o.halving;
    race->optimizers = us__new(context, rules, sizeof *race->optimizers);
    race->arms = us__new(context, arms, sizeof *race->arms);
    race->shown = us__new(context, arms, sizeof *race->shown);
    race->alive = us__new(context, entries, sizeof *race->alive);
    status = race->optimizers && race->arms && race->shown && race->alive ? US_OK : US_ERR_NOMEM;
    for (size_t i = 0; status == US_OK && i < rules; i++)
        snprintf(race->optimizers[i], sizeof race->optimizers[i], "%s",
                 i < o.optimizer_count ? o.optimizers[i] : o.rules[i - o.optimizer_count]->name);
    if (status == US_OK) status = race_config(race, config);
    if (status == US_OK) status = race_data(race);
    uint64_t steps = UINT64_MAX, samples = UINT64_MAX;
    for (size_t i = 0; status == US_OK && i < arms; i++) {
        if ((status = race_lay_out(race, &o, i)) != US_OK) break;
        const us_race_arm *arm = &race->arms[i].is;
        uint64_t seen =
            arm->steps_planned < (uint64_t)1 << 40 ? race_samples(race, arm->batch, arm->steps_planned) : UINT64_MAX;
        if (arm->steps_planned < steps) steps = arm->steps_planned;
        if (seen < samples) samples = seen;
    }
    if (status != US_OK) goto done;
    race_points(&race->steps, steps);
    race_points(&race->samples, samples);
    if (mkdir(folder, 0777) != 0) {
        status =
            us__fail(context, errno == EEXIST ? US_ERR_EXISTS : US_ERR_IO, "%s can't be made: %s", folder, strerror(errno));
        goto done;
    }
    if (!(race->folder = us__text_copy(context, folder))) rmdir(folder), status = US_ERR_NOMEM;
done:
    if (status == US_OK)
        *out = race;
    else
        us_race_destroy(race);
    return status;
}

/* ------------------------------------------------------------------ looking at it */

const us_race_arm *us_race_arms(const us_race *race, size_t *count) {
    for (size_t i = 0; i < race->arm_count; i++) race->shown[i] = race->arms[i].is;
    *count = race->arm_count;
    return race->shown;
}

size_t us_race_entries(const us_race *race) { return race->entries; }
const char *us_race_folder(const us_race *race) { return race->folder; }
size_t us_race_samples(const us_race *race) { return race->rows; }
