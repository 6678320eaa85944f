#include "run/run.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The lock is on the folder itself, so that it leaves no file and ends with the process, however that ends. */
us_status us__run_lock(us_context *context, const char *folder, int *descriptor) {
    *descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*descriptor < 0) return us__fail(context, US_ERR_INPUT, "%s: %s", folder, strerror(errno));
    if (flock(*descriptor, LOCK_EX | LOCK_NB) == 0) return US_OK;
    int why = errno;
    close(*descriptor);
    *descriptor = -1;
    if (why == EWOULDBLOCK)
        return us__fail(context, US_ERR_IO, "%s: another process is at work on this run; wait for it or stop it", folder);
    return us__fail(context, US_ERR_IO, "%s: it can't be locked: %s", folder, strerror(why));
}

bool us_run_is_busy(const char *folder) {
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return false;
    bool locked = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(descriptor);
    return locked;
}

us_status us__run_may_change(const us_run *run) {
    if (!run->look) return US_OK;
    return us__fail(run->context, US_ERR_ARGUMENT, "%s was opened to look at it, and can't be changed", run->folder);
}
