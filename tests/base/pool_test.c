/* Every task is done once, whatever the number of threads, also when a task asks for more. */
#include "base/base.h"
#include "support.h"
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TASKS = 1000 };

typedef struct pool_job {
    us_context *context;
    atomic_int done[TASKS];
    atomic_int inner;
    atomic_size_t largest_thread;
} pool_job;

static void pool_count(void *user, size_t i, size_t thread) {
    pool_job *job = user;
    atomic_fetch_add(&job->done[i], 1);
    size_t largest = atomic_load(&job->largest_thread);
    while (thread > largest && !atomic_compare_exchange_weak(&job->largest_thread, &largest, thread)) {}
}

static void pool_inner(void *user, size_t i, size_t thread) {
    (void)i;
    assert_int_equal(thread, 0);
    atomic_fetch_add((atomic_int *)user, 1);
}

static void pool_nested(void *user, size_t i, size_t thread) {
    pool_job *job = user;
    pool_count(user, i, thread);
    us__parallel(job->context, 4, 3, pool_inner, &job->inner);
}

static void test_each_task_once(void **state) {
    us_context *context = support_plain_context();
    static const size_t threads[] = {1, 2, 3, 7, 2, 200};
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++)
        for (size_t tasks = 0; tasks <= TASKS; tasks = tasks * 3 + 1) {
            pool_job job = {.context = context};
            us__parallel(context, threads[k], tasks, pool_count, &job);
            for (size_t i = 0; i < TASKS; i++) assert_int_equal(atomic_load(&job.done[i]), i < tasks);
            assert_true(atomic_load(&job.largest_thread) < threads[k]);
        }
    us_context_destroy(context);
}

static void test_many_short_jobs(void **state) {
    us_context *context = support_plain_context();
    pool_job job = {.context = context};
    for (int k = 0; k < 20000; k++) us__parallel(context, 3, 5, pool_count, &job);
    for (size_t i = 0; i < 5; i++) assert_int_equal(atomic_load(&job.done[i]), 20000);
    us_context_destroy(context);
}

static void test_a_task_may_ask(void **state) {
    us_context *context = support_plain_context();
    pool_job job = {.context = context};
    us__parallel(context, 3, TASKS, pool_nested, &job);
    for (size_t i = 0; i < TASKS; i++) assert_int_equal(atomic_load(&job.done[i]), 1);
    assert_int_equal(atomic_load(&job.inner), 3 * TASKS);
    us_context_destroy(context);
}

/* A child has no workers: it does its tasks alone, and ends. */
static void test_fork(void **state) {
    us_context *context = support_plain_context();
    pool_job job = {.context = context};
    us__parallel(context, 3, 10, pool_count, &job);
    pid_t child = fork();
    if (child == 0) {
        us__parallel(context, 3, 10, pool_count, &job);
        us_context_destroy(context);
        int done = 0;
        for (size_t i = 0; i < 10; i++) done += atomic_load(&job.done[i]);
        _exit(done);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 20);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_task_once),
        cmocka_unit_test(test_many_short_jobs),
        cmocka_unit_test(test_a_task_may_ask),
        cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
