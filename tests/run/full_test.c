/* A file system that fills up: a small tmpfs, mounted where only this process sees it. */
#include "fixture.h"
#include <sched.h>
#include <sys/mount.h>

static const char *disk; /* NULL: mounting is not permitted */

static int mount_small(void **state) {
    const char *folder = support_temporary_folder();
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=2m") != 0)
        return 0;
    disk = folder;
    return 0;
}

static int unmount_small(void **state) { return disk ? umount(disk) : 0; }

/* Fills the disk but for about `left` bytes. */
static void fill(const char *name, size_t left) {
    static const char block[4096];
    int file = open(fixture_path(disk, name), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(file >= 0);
    off_t written = 0;
    while (write(file, block, sizeof block) == (ssize_t)sizeof block) written += (off_t)sizeof block;
    assert_int_equal(ftruncate(file, written > (off_t)left ? written - (off_t)left : 0), 0);
    close(file);
}

static us_run_config wide(const char *data) {
    us_run_config config = fixture_config(data);
    config.model = "mlp:128,128:tanh"; /* a checkpoint of about 200 kB */
    config.steps = 400;
    return config;
}

static void a_creation_leaves_nothing_behind(void **state) {
    if (!disk) {
        print_message("skipped: mounting is not permitted\n");
        skip();
    }
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    fixture_data(fixture_path(folder, "data.csv"), 120, false);
    us_run_config config = wide(fixture_path(folder, "data.csv"));
    for (size_t left = 0; left <= 160 * 1024; left += 32 * 1024) {
        us_run *run = NULL;
        fill("ballast", left);
        us_status status = us_run_create(&run, context, fixture_path(disk, "run"), &config);
        if (status != US_ERR_IO) fail_msg("with %zu bytes left: %s", left, us_status_name(status));
        assert_null(run);
        assert_error_has(context, fixture_path(disk, "run"));
        if (strstr(us_context_error(context), "begun"))
            fail_msg("a name that nobody asked for: %s", us_context_error(context));
        assert_int_equal(fixture_entries(disk), 1);
    }
    unlink(fixture_path(disk, "ballast"));
    us_context_destroy(context);
}

static void the_last_checkpoint_stays_whole(void **state) {
    if (!disk) {
        print_message("skipped: mounting is not permitted\n");
        skip();
    }
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    us_run *run = NULL;
    fixture_data(fixture_path(folder, "data.csv"), 120, false);
    us_run_config config = wide(fixture_path(folder, "data.csv"));
    assert_done(context, us_run_create(&run, context, fixture_path(folder, "never"), &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);

    for (size_t left = 0; left <= 192 * 1024; left += 64 * 1024) {
        assert_done(context, us_run_create(&run, context, fixture_path(disk, "run"), &config));
        fill("ballast", left);
        us_status status = us_run_advance(run, NULL, NULL);
        if (status != US_ERR_IO) fail_msg("with %zu bytes left: %s", left, us_status_name(status));
        if (!strstr(us_context_error(context), "full") && !strstr(us_context_error(context), "No space"))
            fail_msg("no word of a full disk: %s", us_context_error(context));
        us_run_destroy(run);
        unlink(fixture_path(disk, "ballast"));

        assert_done(context, us_run_open(&run, context, fixture_path(disk, "run")));
        assert_done(context, us_run_advance(run, NULL, NULL));
        us_run_destroy(run);
        fixture_assert_same_file(fixture_path(disk, "run/model.safetensors"),
                                 fixture_path(folder, "never/model.safetensors"));
        assert_done(context, us_run_remove(context, fixture_path(disk, "run")));
        assert_int_equal(fixture_entries(disk), 0);
    }
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_creation_leaves_nothing_behind),
        cmocka_unit_test(the_last_checkpoint_stays_whole),
    };
    return cmocka_run_group_tests(tests, mount_small, unmount_small);
}
