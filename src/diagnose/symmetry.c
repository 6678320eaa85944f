/* Units that cannot be told apart: equal incoming weights, equal bias, equal outgoing weights.
 *
 * By symmetry the gradient of the difference of two such units is exactly zero, so gradient descent keeps them equal for
 * ever, and a layer of them acts as one unit. A unit whose weights are all zero is the same case: it is equal to its own
 * mirror image. What such units could do is seen in the eigenvectors of the negative eigenvalues: their part that makes
 * equal units differ, or moves zero units at all.
 *
 * Layers are found by name: layerK.weight [out×in], layerK.bias [out], layerK+1.weight [next×out]. */
#include "diagnose/symmetry.h"
#include "base/base.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A hidden layer: where in θ the weights of unit i are. */
typedef struct layer {
    const us_group *in, *bias, *out; /* bias may be NULL */
    size_t units, weights;           /* weights a unit */
} layer;

static const us_group *symmetry_find(const us_group *groups, size_t count, size_t k, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "layer%zu.%s", k, what);
    for (size_t i = 0; i < count; i++)
        if (strcmp(groups[i].name, name) == 0) return &groups[i];
    return NULL;
}

/* False when there is no hidden layer k. */
static bool symmetry_layer(layer *l, const us_group *groups, size_t count, size_t k) {
    *l = (layer){symmetry_find(groups, count, k, "weight"), symmetry_find(groups, count, k, "bias"),
                 symmetry_find(groups, count, k + 1, "weight"), 0, 0};
    if (!l->in || !l->out || l->in->rank != 2 || l->out->rank != 2 || l->out->shape[1] != l->in->shape[0]) return false;
    if (l->bias && l->bias->count != l->in->shape[0]) return false;
    l->units = l->in->shape[0];
    l->weights = l->in->shape[1] + (l->bias != NULL) + l->out->shape[0];
    return true;
}

/* Index in θ of weight w of a unit: incoming, bias, outgoing. */
static size_t symmetry_index(const layer *l, size_t unit, size_t w) {
    if (w < l->in->shape[1]) return l->in->offset + unit * l->in->shape[1] + w;
    w -= l->in->shape[1];
    if (l->bias && w == 0) return l->bias->offset + unit;
    w -= l->bias != NULL;
    return l->out->offset + w * l->out->shape[1] + unit;
}

static bool symmetry_equal(const layer *l, const double *theta, size_t a, size_t b, double tolerance) {
    for (size_t w = 0; w < l->weights; w++)
        if (!(fabs(theta[symmetry_index(l, a, w)] - theta[symmetry_index(l, b, w)]) <= tolerance)) return false;
    return true;
}

static bool symmetry_is_zero(const layer *l, const double *theta, size_t unit) {
    for (size_t w = 0; w < l->weights; w++)
        if (theta[symmetry_index(l, unit, w)] != 0) return false;
    return true;
}

/* ‖part of v in this layer's differences between equal units, and in its zero units‖² */
static double symmetry_part(const layer *l, const double *theta, const double *v, size_t *class_of, double tolerance) {
    double sum = 0;
    for (size_t unit = 0; unit < l->units; unit++) { /* the first unit that it equals */
        class_of[unit] = unit;
        for (size_t other = 0; other < unit && class_of[unit] == unit; other++)
            if (class_of[other] == other && symmetry_equal(l, theta, unit, other, tolerance)) class_of[unit] = other;
    }
    for (size_t first = 0; first < l->units; first++) {
        if (class_of[first] != first) continue;
        bool zero = symmetry_is_zero(l, theta, first);
        for (size_t w = 0; w < l->weights; w++) {
            double mean = 0, members = 0;
            for (size_t unit = first; unit < l->units; unit++)
                if (class_of[unit] == first) mean += v[symmetry_index(l, unit, w)], members++;
            mean = zero ? 0 : mean / members;
            for (size_t unit = first; unit < l->units; unit++)
                if (class_of[unit] == first)
                    sum += (v[symmetry_index(l, unit, w)] - mean) * (v[symmetry_index(l, unit, w)] - mean);
        }
    }
    return sum;
}

us_status us__symmetry_share(us_context *context, const us_group *groups, size_t count, const us_point *point,
                             double *share) {
    *share = 0;
    const us_spectrum *s = point->spectrum;
    if (s ? s->negative == 0 : !(point->ends && point->escape)) return US_OK;
    size_t n = s ? s->n : point->ends->n;
    const double *vectors = s ? s->vectors : point->escape;
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(point->theta[i]));
    size_t *class_of = us__alloc(context, n, sizeof *class_of), cluster = 1;
    if (!class_of) return US_ERR_NOMEM;
    while (s && cluster < s->negative && s->values[cluster] - s->values[0] <= fmax(s->resolution, 1e-6 * fabs(s->values[0])))
        cluster++;
    layer l;
    for (size_t k = 1; symmetry_layer(&l, groups, count, k); k++)
        for (size_t i = 0; i < cluster; i++)
            *share += symmetry_part(&l, point->theta, vectors + i * n, class_of, 1e-6 * largest) / (double)cluster;
    *share = fmin(*share, 1); /* adjacent layers share weights */
    us__release(context, class_of);
    return US_OK;
}
