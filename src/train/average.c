/* Averages of the weights over steps: what is evaluated and predicted with, while θ goes on.
 *
 *   ema:DECAY        a ← DECAY·a + (1−DECAY)·θ after each step; divided by 1−DECAY^k, so that k steps weigh 1 in all
 *                    (Polyak & Juditsky 1992 for averaging; Kingma & Ba 2015, section 7.2, for this form)
 *   swa:FROM[:EVERY] the mean of θ after step FROM and every EVERY steps from there on (Izmailov et al. 2018, UAI) */
#include "data/number.h"
#include "train/training.h"
#include "vec/vec.h"
#include <math.h>
#include <string.h>

us_status us__average_parse(us_context *context, const char *text, us__average *out) {
    us__average read = {.every = 1};
    *out = (us__average){0};
    if (!text || !*text || strcmp(text, "none") == 0) return US_OK;
    if (strlen(text) >= sizeof read.text) goto wrong;
    strcpy(read.text, text);
    const char *colon = strchr(text, ':');
    if (!colon) goto wrong;
    double numbers[2] = {0, 1};
    const char *p = colon;
    size_t count = 0;
    for (; *p == ':' && count < 2; count++) {
        size_t length = strcspn(++p, ":");
        if (!us__number_whole(p, length, &numbers[count])) goto wrong;
        p += length;
    }
    if (*p) goto wrong;
    if (strncmp(text, "ema:", 4) == 0) {
        if (count != 1 || !(numbers[0] > 0 && numbers[0] < 1)) goto wrong;
        read.decay = numbers[0];
    } else if (strncmp(text, "swa:", 4) == 0) {
        for (size_t i = 0; i < 2; i++)
            if (!(numbers[i] >= 1 && numbers[i] <= 0x1p53) || numbers[i] != floor(numbers[i])) goto wrong;
        read.from = (uint64_t)numbers[0];
        read.every = (uint64_t)numbers[1];
    } else {
        goto wrong;
    }
    read.on = true;
    *out = read;
    return US_OK;
wrong:
    return us__fail(context, US_ERR_ARGUMENT,
                    "--average %.60s: this must be none, ema:DECAY with DECAY between 0 and 1, or swa:FROM[:EVERY] with "
                    "whole numbers of steps",
                    text);
}

void us__average_add(us__average *average, us_vec *mean, const us_vec *theta, uint64_t step) {
    if (!average->on) return;
    if (average->decay > 0) {
        us_vec_scale(mean, average->decay);
        us_vec_axpy(mean, 1 - average->decay, theta);
        average->count++;
        return;
    }
    if (step < average->from || (step - average->from) % average->every != 0) return;
    average->count++;
    us_vec_scale(mean, 1 - 1 / (double)average->count);
    us_vec_axpy(mean, 1 / (double)average->count, theta);
}

bool us__average_read(const us__average *average, const us_vec *mean, us_vec *out) {
    if (!average->on || average->count == 0) return false;
    us_vec_copy(out, mean);
    if (average->decay > 0) us_vec_scale(out, 1 / -expm1((double)average->count * log(average->decay)));
    return true;
}
