/* A run that is watched: the same bits, signs that belong to its steps, also after it was killed; and stalls. */
#include "fixture.h"
#include "run/run.h"

typedef struct place {
    us_context *context;
    char folder[256];
    us_run_config config;
} place;

static place place_make(void) {
    place p = {.context = support_plain_context()};
    snprintf(p.folder, sizeof p.folder, "%s", support_temporary_folder());
    const char *data = fixture_path(p.folder, "data.csv");
    fixture_data(data, 160, false);
    p.config = fixture_config(data);
    p.config.steps = 4000;
    return p;
}

static us_run *place_run(place *p, const char *name, us_watch_mode mode) {
    us_run *run = NULL;
    if (us_run_create(&run, p->context, fixture_path(p->folder, name), &p->config) != US_OK)
        fail_msg("%s", us_context_error(p->context));
    us_run_watch(run, mode);
    return run;
}

typedef struct heard {
    size_t count, twice;
    uint64_t last;
    char text[128]; /* name and part of the one before */
} heard;

static bool hear(void *user, uint64_t step, const char *name, const char *part, double value) {
    heard *h = user;
    char text[128];
    (void)value;
    snprintf(text, sizeof text, "%s[%s]", name, part);
    if (step == h->last && strcmp(text, h->text) <= 0) h->twice++;
    snprintf(h->text, sizeof h->text, "%s", text);
    assert_true(step >= h->last);
    h->last = step;
    h->count++;
    return true;
}

static void watching_leaves_the_bits(void **state) {
    place p = place_make();
    static const char *const NAMES[] = {"off", "economy", "full"};
    for (int mode = 0; mode < 3; mode++) {
        us_run *run = place_run(&p, NAMES[mode], (us_watch_mode)mode);
        us_watch_report r;
        assert_int_equal(us_run_watch_report(run, &r), false);
        assert_int_equal(us_run_advance(run, NULL, NULL), US_OK);
        assert_int_equal(us_run_watch_report(run, &r), mode > 0);
        if (mode) assert_true(r.share >= 0 && r.training > 0 && r.promised == (mode == 1 ? 0.03 : 0.10));
        char *text = NULL;
        assert_int_equal(us_run_summary(run, NULL, &text), US_OK);
        assert_non_null(strstr(text, mode == 0   ? "\"watch\":null"
                                     : mode == 1 ? "\"watch\":{\"mode\":\"economy\""
                                                 : "\"watch\":{\"mode\":\"full\""));
        us_text_release(p.context, text);
        us_run_destroy(run);
    }
    for (int mode = 1; mode < 3; mode++) {
        char name[64];
        snprintf(name, sizeof name, "%s/checkpoint.safetensors", NAMES[mode]);
        fixture_assert_same_file(fixture_path(p.folder, "off/checkpoint.safetensors"), fixture_path(p.folder, name));
    }
    us_context_destroy(p.context);
}

/* Ended without a checkpoint, as by a kill, and gone on with: no sign is there twice, none is of a step undone. */
static void signs_belong_to_the_steps_that_count(void **state) {
    place p = place_make();
    us_run *run = place_run(&p, "run", US_WATCH_FULL);
    us__advance a = {.user = NULL};
    assert_int_equal(us__run_begin(run, &a), US_OK);
    assert_int_equal(us__run_steps(run, &a, 1500), US_OK);
    assert_int_equal(us_run_checkpoint(run), US_OK);
    assert_int_equal(us__run_steps(run, &a, 2500), US_OK);
    /* whatever the clock let it measure: one sign of each for certain */
    assert_true(us__store_sign(run->store, 1400, "reach", "", 1));
    assert_true(us__store_sign(run->store, 2400, "reach", "", 1));
    assert_int_equal(us__store_flush(run->store), US_OK);
    us_run_destroy(run); /* the last checkpoint is that of step 1,500 */
    const char *folder = fixture_path(p.folder, "run");
    heard before = {0}, after = {0};
    assert_int_equal(us_run_signs(p.context, folder, 0, hear, &before), US_OK);
    assert_true(before.last >= 2400 && before.twice == 0);

    assert_int_equal(us_run_open(&run, p.context, folder), US_OK);
    assert_int_equal(us_training_steps(us_run_training(run)), 1500);
    us_run_watch(run, US_WATCH_FULL);
    assert_int_equal(us__run_begin(run, &a), US_OK);
    heard kept = {0};
    assert_int_equal(us_run_signs(p.context, folder, 0, hear, &kept), US_OK);
    assert_in_range(kept.last, 1400, 1500);
    assert_int_equal(us__run_end(run, us__run_steps(run, &a, UINT64_MAX)), US_OK);
    us_run_destroy(run);
    assert_int_equal(us_run_signs(p.context, folder, 0, hear, &after), US_OK);
    assert_true(after.twice == 0 && after.last <= 4000 && after.count >= kept.count);
    us_context_destroy(p.context);
}

static size_t events_of(us_run *run, const char *kind) {
    json_t *events = NULL, *event;
    size_t i, count = 0;
    assert_int_equal(us__store_events(run->store, &events), US_OK);
    json_array_foreach(events, i, event) count += !strcmp(json_string_value(json_object_get(event, "kind")), kind);
    json_decref(events);
    return count;
}

/* At its minimum a run stalls; one that goes on falling does not. A stall is no end, and changes no bits. */
static void a_stall_stops_and_goes_on(void **state) {
    place p = place_make();
    p.config.model = "linear", p.config.batch = 0, p.config.learning_rate = 0.1, p.config.optimizer = "sgd";
    us_run *plain = place_run(&p, "plain", US_WATCH_OFF), *run = place_run(&p, "run", US_WATCH_OFF);
    assert_int_equal(us_run_advance(plain, NULL, NULL), US_OK);
    us_run_stop_at_stalls(run, true);
    us_status status;
    size_t stalls = 0;
    while ((status = us_run_advance(run, NULL, NULL)) == US_STALLED) {
        stalls++;
        assert_string_equal(us_run_status(run), "running");
        assert_in_range(us_training_steps(us_run_training(run)), 200, 3999);
    }
    assert_int_equal(status, US_OK);
    assert_in_range(stalls, 1, 6);
    assert_int_equal(events_of(run, "stalled"), stalls);
    assert_int_equal(events_of(run, "resumed"), 0);
    us_run_destroy(run);
    us_run_destroy(plain);
    fixture_assert_same_file(fixture_path(p.folder, "plain/checkpoint.safetensors"),
                             fixture_path(p.folder, "run/checkpoint.safetensors"));

    p.config.learning_rate = 3e-4; /* as long as it falls */
    run = place_run(&p, "falls", US_WATCH_ECONOMY);
    us_run_stop_at_stalls(run, true);
    assert_int_equal(us_run_advance(run, NULL, NULL), US_OK);
    assert_int_equal(events_of(run, "stalled"), 0);
    us_run_destroy(run);
    us_context_destroy(p.context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watching_leaves_the_bits),
        cmocka_unit_test(signs_belong_to_the_steps_that_count),
        cmocka_unit_test(a_stall_stops_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
