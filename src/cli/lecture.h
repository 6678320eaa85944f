/* unstuck lecture: its scenes. */
#ifndef US_CLI_LECTURE_H
#define US_CLI_LECTURE_H

#include "scape.h"

/* What of a formula's landscape a scene shows. */
enum {
    LECTURE_LANDSCAPE = 1, /* the picture itself */
    LECTURE_LOSSES = 2,    /* the loss over steps, path by path */
    LECTURE_LENGTHS = 4    /* the length of each step, path by path */
};

typedef struct lecture_item {
    const char *scene; /* scenes follow one another in the order of the table */
    const char *name;  /* of the item, for its text in the page */
    int show;
    scape_formula ask;
} lecture_item;

extern const lecture_item lecture_items[];
extern const size_t lecture_item_count;

/* The two scenes on batches, which train on data: {"scene","name","command","landscape" or "race"}, .. are appended. `data`
 * is the folder that the data are written to, `work` one for the runs; both exist. Returns CLI_DONE or the status to end
 * with. */
int lecture_batches(const cli_command *command, us_context *context, const char *data, const char *work, bool quiet,
                    json_t *items);

#endif
