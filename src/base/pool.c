/* Threads that share the tasks of one job at a time. Whoever waits looks for a moment, giving its processor away meanwhile,
 * and then sleeps: on a shared machine, spinning pools are slower than one thread (libgomp's cannot be told from inside to
 * be passive). A worker that comes late finds nothing left to do; nobody waits for it. */
#include "base/pool.h"
#include "base/context.h"
#include <sched.h>
#include <signal.h>
#include <unistd.h>

/* OpenBLAS's own; other libraries do not have these functions, and are held to be safe. */
int openblas_get_parallel(void) __attribute__((weak));
void openblas_set_num_threads(int threads) __attribute__((weak));

bool us__blas_is_shareable(void) { return !openblas_get_parallel || openblas_get_parallel() != 0; }

enum { POOL_LOOKS = 100 }; /* of a third of a microsecond, on a machine that has nothing else to do */

void us__pool_init(us__pool *pool) {
    atomic_flag_clear(&pool->busy);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->idle, NULL);
    /* Threads of its own would spin under ours. */
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

static void pool_run(us__pool *p, us__task *task, void *user, size_t tasks, size_t thread) {
    size_t i;
    while ((i = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed)) < tasks) task(user, i, thread);
}

static void *pool_worker(void *user) {
    us__pool *p = user;
    unsigned seen = 0;
    pthread_mutex_lock(&p->lock);
    while (!p->quit) {
        if (seen == atomic_load(&p->generation)) {
            pthread_mutex_unlock(&p->lock);
            for (int i = 0; i < POOL_LOOKS && seen == atomic_load(&p->generation); i++) sched_yield();
            pthread_mutex_lock(&p->lock);
            while (seen == atomic_load(&p->generation) && !p->quit) pthread_cond_wait(&p->work, &p->lock);
            continue;
        }
        seen = atomic_load(&p->generation);
        if (p->joined == p->places) continue;
        size_t thread = ++p->joined, tasks = p->tasks;
        us__task *task = p->task;
        void *job = p->user;
        atomic_fetch_add(&p->active, 1);
        pthread_mutex_unlock(&p->lock);
        pool_run(p, task, job, tasks, thread);
        pthread_mutex_lock(&p->lock);
        if (atomic_fetch_sub(&p->active, 1) == 1) pthread_cond_signal(&p->idle);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Workers hear no signals, so that the caller's handlers run where they always did. */
static void pool_grow(us__pool *p, size_t workers) {
    if (p->count >= workers) return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    p->process = getpid();
    while (p->count < workers && !pthread_create(&p->workers[p->count], NULL, pool_worker, p)) p->count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void us__parallel(us_context *context, size_t threads, size_t tasks, us__task *task, void *user) {
    us__pool *p = &context->pool;
    if (threads > tasks) threads = tasks;
    if (threads > US__THREADS_MOST) threads = US__THREADS_MOST;
    if (threads < 2 || !us__blas_is_shareable() || atomic_flag_test_and_set(&p->busy)) {
        for (size_t i = 0; i < tasks; i++) task(user, i, 0);
        return;
    }
    pool_grow(p, threads - 1);
    pthread_mutex_lock(&p->lock);
    p->task = task;
    p->user = user;
    p->tasks = tasks;
    p->joined = 0;
    p->places = threads - 1;
    atomic_store(&p->next, 0);
    atomic_fetch_add(&p->generation, 1);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    pool_run(p, task, user, tasks, 0);
    for (int i = 0; i < POOL_LOOKS && atomic_load(&p->active) > 0; i++) sched_yield();
    pthread_mutex_lock(&p->lock);
    p->places = p->joined;
    while (atomic_load(&p->active) > 0) pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
    atomic_flag_clear(&p->busy);
}

void us__pool_destroy(us__pool *pool) {
    if (pool->count > 0 && pool->process != getpid()) return; /* a fork: the workers are the parent's */
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->count; i++) pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
}
