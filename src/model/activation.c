#include "model/layer.h"
#include <string.h>

static const us__activation ACTIVATIONS[] = {
    {"relu", "relu", "he", false, 1},
    {"tanh", "tanh", "xavier", true, 1},
    {"sigmoid", "sigmoid", "xavier", true, 0.25},
    {"gelu", "gelu", "he", false, 1.12890414136918},
    {"silu", "silu", "he", false, 1.09983932012887},
    {"softplus", "softplus", "he", false, 1},
    {"linear", NULL, "xavier", false, 1},
};
enum { ACTIVATION_COUNT = sizeof ACTIVATIONS / sizeof ACTIVATIONS[0] };

const us__activation *us__activation_at(size_t i) { return i < ACTIVATION_COUNT ? &ACTIVATIONS[i] : NULL; }

const us__activation *us__activation_find(const char *name, size_t length) {
    for (size_t i = 0; i < ACTIVATION_COUNT; i++)
        if (strlen(ACTIVATIONS[i].name) == length && memcmp(ACTIVATIONS[i].name, name, length) == 0) return &ACTIVATIONS[i];
    return NULL;
}

us_node us__activation_apply(us_graph *graph, const us__activation *activation, us_node z) {
    if (!activation || !activation->function) return z;
    if (strcmp(activation->function, "silu") == 0) return us_graph_mul(graph, z, us_graph_apply(graph, "sigmoid", z));
    return us_graph_apply(graph, activation->function, z);
}
