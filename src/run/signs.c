/* The signs that a run's watch measured, read back: for pages and for whoever asks. */
#include "run/run.h"

us_status us_run_signs(us_context *context, const char *folder, uint64_t from, us_sign_row row, void *user) {
    us__store *store = NULL;
    us_status status = us__store_open_readonly(&store, context, folder);
    if (status == US_OK) status = us__store_signs(store, from, row, user);
    us__store_close(store);
    return status;
}
