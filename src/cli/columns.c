/* Columns of very different scale: what makes one rate too large for some weights and too small for others. */
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double COLUMNS_RATIO = 30; /* deviations that differ by less are of like scale */
static const double COLUMNS_FAR = 10;   /* deviations that a mean lies from 0 */

typedef struct columns {
    size_t widest, narrowest, farthest;
    double wide, narrow, far; /* their deviations; the mean of the farthest, in its deviations */
} columns;

/* False where there is nothing to tell. */
static bool columns_find(const us_run *run, columns *c) {
    const us_data *data = us_run_data(run);
    if (us_data_is_text(data) || strstr(us_run_config_json(run), "\"standardize\":true")) return false;
    *c = (columns){.narrow = HUGE_VAL};
    for (size_t k = 0; k < us_data_feature_count(data); k++) {
        double mean, scale;
        us_data_feature_moments(data, k, &mean, &scale);
        if (scale > c->wide) c->wide = scale, c->widest = k;
        if (scale < c->narrow) c->narrow = scale, c->narrowest = k;
        if (fabs(mean) / scale > c->far) c->far = fabs(mean) / scale, c->farthest = k;
    }
    return c->wide > COLUMNS_RATIO * c->narrow || c->far > COLUMNS_FAR;
}

static json_t *columns_one(const us_run *run, size_t k) {
    double mean, scale;
    us_data_feature_moments(us_run_data(run), k, &mean, &scale);
    return json_pack("{s:s,s:o,s:o}", "name", us_data_feature_name(us_run_data(run), k), "mean", cli_real(mean), "deviation",
                     cli_real(scale));
}

json_t *cli_columns_json(const us_run *run) {
    columns c;
    if (!columns_find(run, &c)) return json_null();
    return json_pack("{s:o,s:o,s:o,s:o}", "widest", columns_one(run, c.widest), "narrowest", columns_one(run, c.narrowest),
                     "ratio", cli_real(c.wide / c.narrow), "farthest",
                     c.far > COLUMNS_FAR ? columns_one(run, c.farthest) : json_null());
}

void cli_columns_print(const us_run *run) {
    columns c;
    const us_data *data = us_run_data(run);
    if (!columns_find(run, &c)) return;
    printf("  columns       ");
    if (c.wide > COLUMNS_RATIO * c.narrow)
        printf("%s has a deviation of %.3g, %s one of %.3g: %.2g times", us_data_feature_name(data, c.widest), c.wide,
               us_data_feature_name(data, c.narrowest), c.narrow, c.wide / c.narrow);
    if (c.far > COLUMNS_FAR)
        printf("%s%s lies %.3g deviations from 0", c.wide > COLUMNS_RATIO * c.narrow ? "; " : "",
               us_data_feature_name(data, c.farthest), c.far);
    printf("; standardising (the default) makes them alike\n");
}
