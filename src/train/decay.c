/* Which groups a decay of the weights takes from, and the decay itself. */
#include "train/training.h"
#include "vec/vec.h"
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { DECAY_PATTERN = 128 };

static us_status decay_matches_none(us_context *context, const char *pattern, const us_group *groups, size_t count) {
    char known[200] = "";
    for (size_t g = 0, used = 0; g < count && used < sizeof known - 1; g++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", g ? ", " : "", groups[g].name);
    if (strlen(known) == sizeof known - 1) strcpy(known + sizeof known - 4, "...");
    return us__fail(context, US_ERR_ARGUMENT, "--decay-groups: %s is the name of no group; they are %s", pattern, known);
}

us_status us__decay_choose(us_context *context, const char *text, const us_group *groups, size_t count, bool *decays) {
    bool chosen = text && *text;
    for (size_t g = 0; g < count; g++) decays[g] = !chosen && groups[g].rank >= 2 && !groups[g].state;
    for (const char *p = text; chosen; p++) {
        char pattern[DECAY_PATTERN];
        size_t length = strcspn(p, ",");
        if (length == 0 || length >= sizeof pattern)
            return us__fail(context, US_ERR_ARGUMENT,
                            "--decay-groups '%.60s': these must be patterns of at most %d characters with commas between, "
                            "such as *.weight",
                            text, DECAY_PATTERN - 1);
        memcpy(pattern, p, length);
        pattern[length] = '\0';
        bool found = false;
        for (size_t g = 0; g < count; g++) {
            if (fnmatch(pattern, groups[g].name, 0) != 0) continue;
            found = true;
            decays[g] = !groups[g].state;
        }
        if (!found) return decay_matches_none(context, pattern, groups, count);
        p += length;
        if (!*p) break;
    }
    return US_OK;
}

void us__decay_step(us_training *t, double rate) {
    size_t groups;
    const us_group *group = us_problem_groups(t->problem, &groups);
    for (size_t g = 0; g < groups; g++) {
        if (!t->decays[g]) continue;
        char *at = (char *)t->theta->data + group[g].offset * us_precision_bytes(t->theta->precision);
        t->theta->ops->scale(at, 1 - rate * t->weight_decay, group[g].count);
    }
}
