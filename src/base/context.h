/* The inside of a context; only base looks at it. */
#ifndef US_BASE_CONTEXT_H
#define US_BASE_CONTEXT_H

#include "base/pool.h"
#include <signal.h>
#include <stdatomic.h>

#define US__ERROR_TEXT 1024

struct us_context {
    us_context_options options;
    us_context *parent; /* that it is a branch of, or NULL */
    atomic_bool cancelled;
    us__pool pool;
    char error[US__ERROR_TEXT];
};

#endif
