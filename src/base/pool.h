/* The threads of a context; only base looks at them. base.h tells how they are used (us__parallel). */
#ifndef US_BASE_POOL_H
#define US_BASE_POOL_H

#include "base/base.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

typedef struct us__pool {
    pthread_t workers[US__THREADS_MOST - 1];
    size_t count;         /* of workers, started when they are first asked for */
    pid_t process;        /* that started them: a fork has none */
    atomic_flag busy;     /* a job is being done; another one meanwhile is done by whoever asks for it */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t work, idle;
    us__task *task;
    void *user;
    size_t tasks;
    size_t places, joined;  /* workers that may take part, and that do */
    atomic_size_t next;     /* task; taken without the lock */
    atomic_size_t active;   /* workers that are still at it */
    atomic_uint generation; /* of jobs */
    bool quit;
} us__pool;

void us__pool_init(us__pool *pool);
void us__pool_destroy(us__pool *pool);

#endif
