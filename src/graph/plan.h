/* A plan: what is computed for some nodes of a graph, in which order, and where the values lie. It holds no numbers and is
 * the same for both precisions; a workspace holds the numbers.
 *
 * Rows are computed in blocks, and the rows of a block in tiles, which threads share. What belongs to a row (values and
 * derivatives of its own loss) is computed tile by tile, and so are small sums over samples, which are added in the order of
 * the tiles. The rows of a tile are computed in strips, one after the other, so that what they need stays in cache: small
 * sums of strips add up to those of the tile. Large sums (the gradients of weight matrices) are computed for a whole block,
 * cut by their own columns or rows, which threads share again. Strips, tiles, blocks and cuts depend on the number of rows
 * and on the graph alone, and so does each bit of the result. */
#ifndef US_GRAPH_PLAN_H
#define US_GRAPH_PLAN_H

#include "graph/graph.h"

enum {
    /* Rows are those of matrices here, of which a sample of a text has as many as positions. */
    US__TILE_WORK = 1 << 24, /* operations of a batch's losses from which on several tiles share it, */
    US__TILES = 8,           /* at most, */
    US__TILE_LEAST = 64,     /* of so many rows at least, where products of matrices are all of the work */
    US__TILE_MOST = 512,
    US__STRIP_BYTES = 3 << 20, /* of a strip's values; they do not lie side by side, and few of them at a time */
    US__STRIP_LINES = 96,      /* rows of matrices in a strip at least, where products of them are all of the work */
    US__BLOCK_ROWS = 1024,     /* rows of a block, or twice that where there are more */
    US__BLOCK_VECTORS = 16,
    US__SUM_LARGE = 8192,   /* elements of a sum over samples that is worth cutting */
    US__CUT_LEAST = 64,     /* rows or columns of such a cut, at least, */
    US__CUT_WORK = 1 << 22, /* and operations; where bits depend on it, */
    US__SUM_ROWS = 128,     /* only sums over so many rows are cut, */
    US__SUM_PARTS = 4       /* into no more parts than that */
};

/* When a node is computed. A sum over samples belongs to the blocks: their sums add up to its value. */
typedef enum us__segment {
    US__ONCE,         /* does not depend on samples */
    US__ROWS,         /* for each tile of rows: values of samples, small sums over them */
    US__SUMS,         /* for each block of rows: large sums */
    US__AFTER,        /* from sums over samples */
    US__ONCE_TANGENT, /* the same for what depends on a vector v: for each v (and, for simplicity, each block) */
    US__ROWS_TANGENT,
    US__SUMS_TANGENT,
    US__AFTER_TANGENT,
    US__SEGMENTS
} us__segment;

typedef enum us__place {
    US__SHARED, /* one value for all threads */
    US__KEPT,   /* rows of a block: read by another segment, or by the caller */
    US__OWN,    /* rows of a strip: each thread has its own */
    US__DATA    /* rows of a block that are gathered, unless they can be used where they lie */
} us__place;

/* A place for one value at a time. */
typedef struct us__slot {
    size_t elements; /* each row, or in all */
    us__place place;
    bool point; /* rows of a value without tangents, which the next product may read again */
} us__slot;

/* A sum over samples. */
typedef struct us__sum {
    us_node node;
    size_t order;            /* its place there */
    size_t elements, offset; /* offset: among the sums of its list */
} us__sum;

/* Sums over samples, with tangent or without: small ones first. */
typedef struct us__sums {
    us__sum *sum; /* [count] */
    size_t count, small;
    size_t elements, small_elements; /* of all, of the small ones */
} us__sums;

typedef struct us__program us__program; /* program.h */

/* A matrix without samples that products have on their right: it is packed once for all tiles (gemm.h). */
typedef struct us__pack {
    us_node node;
    bool turned, tangent;
    size_t terms, columns; /* of the right matrix that it is */
    uint32_t slot;
} us__pack;

typedef struct us__plan {
    us_context *context;
    const us_graph *graph;
    us__arena *arena;
    us_node *order;        /* computed nodes and views, segment by segment */
    us__program **program; /* [order] what computes the nodes from here on; NULL: the node's own kernel */
    bool *joined;          /* [order] a product of matrices; the program after it computes its rows as they come */
    us__pack *packs;       /* [pack_count] */
    size_t pack_count;
    uint32_t *packed;               /* [order] 1 + the pack that a product reads; 0: none */
    bool panels;                    /* only products read the features, and from panels */
    bool *inside;                   /* [nodes] its value is needed within a program only, and has no place */
    size_t scratch;                 /* elements that a program, an operation, or one with its program needs, at most */
    size_t start[US__SEGMENTS + 1]; /* of each segment in order */
    us_node *leaves;                /* [leaf_count] what the caller's memory holds: θ, v, 1/count, data */
    size_t leaf_count;
    us_node *views; /* [view_count] of what has no rows */
    size_t view_count;
    us_node *rows; /* [row_count] all that has rows of samples: data, computed, views */
    size_t row_count;
    us_node *root;    /* [nodes] whose memory a view shows; of others: themselves */
    us_node watched;  /* read by the caller after each block (a loss, an output); may be US_NODE_NONE */
    us_node *outputs; /* [output_count] US_NODE_NONE is zero */
    size_t output_count;
    bool *direct;     /* [output_count] computed right in the caller's memory */
    us__sums sums[2]; /* without tangent; with */
    us__work work;
    size_t row_elements; /* numbers that are computed for a row */
    uint32_t *slot;      /* [nodes] UINT32_MAX: elsewhere */
    us__slot *slots;     /* [slot_count] */
    size_t slot_count;
    size_t point_elements; /* a row's in slots of the point */
} us__plan;

/* Of a sum over samples: it is computed for a block, in parts. */
static inline bool us__sum_is_large(const us__node *n) { return n->op->cuts && us__elements(n, 1) >= US__SUM_LARGE; }

/* What takes little to compute from what is kept is computed again for each vector, instead of being kept as well: outputs
 * [count] that depend on vectors become nodes that say so. */
us_status us__again(us_graph *graph, us_node *outputs, size_t count);

/* Elements, so that what follows begins at a multiple of 64 bytes. */
static inline size_t us__scratch_rounded(size_t elements) { return (elements + 15) / 16 * 16; }

us_status us__plan_create(us__plan **out, const us_graph *graph, us_node watched, const us_node *outputs, size_t count);
void us__plan_destroy(us__plan *plan);
bool us__plan_reads(const us__plan *plan, us_node leaf);
/* Whether the batch's draw makes a difference. */
bool us__plan_draws(const us__plan *plan);
/* Doubles for the sums of a list, which all are kept only from one block to the next. */
static inline size_t us__sums_kept(const us__plan *plan, size_t blocks, size_t list) {
    return blocks > 1 ? plan->sums[list].elements : plan->sums[list].small_elements;
}

/* ------------------------------------------------------------------ execution */

/* How rows are cut: a function of their number and of the work that a row's loss is. All plans of a graph cut alike: batch
 * normalisation sees the cut. */
typedef struct us__cut {
    size_t tile;  /* rows of a tile; the last one may have fewer */
    size_t strip; /* rows of a strip, likewise */
    size_t block; /* rows of a block: a whole number of tiles */
    size_t blocks;
    size_t point; /* rows that the values at the point have room for: a block's, or all */
} us__cut;
us__cut us__cut_rows(const us_graph *graph, size_t count);
/* Rows of a strip of this plan in tiles of so many rows. */
size_t us__cut_strip(const us__plan *plan, size_t tile, us_precision precision);

/* Where the values at a point are those of, if plan is not NULL. */
typedef struct us__point {
    const us__plan *plan;
    const void *features;
    uint64_t theta[2]; /* its fingerprint */
    uint32_t *rows; /* a copy */
    size_t room, count;
    uint64_t draw;
    bool numbered; /* rows says which they are; else they are the first ones */
} us__point;

/* Memory for one evaluation at a time. It grows when an evaluation needs more than any before. */
typedef struct us__workspace {
    us_context *context;
    us_precision precision;
    size_t nodes;   /* of the graph when the workspace was made */
    void **address; /* [nodes] of values; what has rows: of the block's first row, unless it belongs to tiles */
    void **tiles;   /* [threads×nodes] the same for the strip that a thread computes */
    size_t threads; /* room in tiles */
    char *memory;
    size_t bytes;
    size_t point_rows; /* that slots of the point have room for */
    size_t pitch;      /* rows of the features' panels; 0: they are row-major */
    bool packs;        /* right matrices are packed once */
    size_t *place;     /* [slots] offset in memory; of a tile's: in a thread's part of it */
    size_t slots;      /* that there is room for */
    char *own;         /* [threads×own_bytes] their parts, which begin with what programs need */
    size_t own_bytes, own_room;
    char *partial;  /* [tiles of a block×small sums] */
    double *strips; /* [threads×small sums] sums over the strips of a tile */
    size_t strip_count, strip_room;
    size_t strip_sums; /* offset of a strip's small sums in a thread's part */
    double *sums;      /* sums over tiles and blocks */
    size_t sum_count;
    us__point point;
    double keep;    /* bytes of values at the point that may be kept where there is more than a block of rows */
    char weight[8]; /* 1/count, in the precision */
} us__workspace;

us_status us__workspace_create(us__workspace **out, us_context *context, us_precision precision, size_t nodes);
void us__workspace_destroy(us__workspace *workspace);
/* Allows so many bytes for values at a point; with fewer than before, memory is given back. */
void us__workspace_keep(us__workspace *workspace, double bytes);

/* One evaluation of a plan. */
typedef struct us__evaluation {
    const us__plan *plan;
    us__workspace *workspace;
    const void *theta;              /* [dimension] */
    size_t count;                   /* rows */
    const uint32_t *rows;           /* which ones, or NULL: 0 .. count−1 */
    uint64_t draw;                  /* 0: the evaluation form */
    const void *features, *targets; /* [·×columns], [·×outputs], or NULL */
    const uint32_t *labels;         /* [·×positions], or NULL */
    size_t stride, label_stride;    /* elements from one row of features, of labels, to the next */
    us_precision data_precision;
    /* Called after each block with the watched node's rows; may be NULL. */
    void (*watch)(void *user, const void *values, size_t first, size_t rows);
    void *watch_user;
    /* The same for a watched node that depends on tangents: for each block, and each of the k vectors. May be NULL. */
    void (*watch_vector)(void *user, size_t vector, const void *values, size_t first, size_t rows);
    /* Called with each node that a kernel of its own has computed (all of them, where the graph's plans are separate), by
     * the thread that did. May be NULL. */
    void (*each)(void *user, const us__call *call);
    void *each_user;
    void *output;         /* [dimension] the outputs, one after the other; for a plan without tangents */
    const void *const *v; /* [k] vectors, [dimension] each */
    void *const *hv;      /* [k] the outputs for each */
    size_t k;
} us__evaluation;

us_status us__evaluate(const us__evaluation *evaluation);

/* Room for an evaluation by so many threads, and where everything lies. */
us_status us__workspace_reserve(const us__evaluation *evaluation, us__cut cut, size_t threads);
/* Leaves of θ or of a vector v (op), outputs, and views of them. */
void us__workspace_bind(const us__evaluation *evaluation, const us__op *op, const void *leaves, void *outputs);
/* Data of the block that begins at row `first`. */
void us__workspace_bind_block(const us__evaluation *evaluation, size_t first);
/* All that has rows for a thread that computes the strip that begins `at` rows into the block; returns the thread's
 * addresses. */
void **us__workspace_bind_tile(const us__evaluation *evaluation, size_t thread, size_t at);
/* Gathers data for a strip into `address`. first: place in the batch */
void us__workspace_gather(const us__evaluation *evaluation, void **address, size_t first, size_t rows);
/* Outputs that were not computed in their place: zeros, and values that are also something else. */
void us__workspace_copy_outputs(const us__evaluation *evaluation, void *outputs);

/* Elements of a panel's row: the features' next row is so far away. */
size_t us__workspace_width(const us__workspace *workspace);
/* A block of memory with room for `want` elements; what was in it is gone when it grows. */
us_status us__workspace_room(us__workspace *workspace, void **block, size_t *have, size_t want, size_t size);

/* Whether the values of this evaluation without tangents are there already; notes that they are; that they are not. */
bool us__point_is(const us__evaluation *evaluation);
us_status us__point_keep(const us__evaluation *evaluation);
void us__point_forget(us__workspace *workspace);

/* to[i] = from[rows ? rows[first + i] : first + i], rows of `columns` numbers that begin `stride` apart, converted to the
 * workspace's precision. */
void us__gather_f32(void *to, const void *from, us_precision precision, const uint32_t *rows, size_t first, size_t count,
                    size_t columns, size_t stride);
void us__gather_f64(void *to, const void *from, us_precision precision, const uint32_t *rows, size_t first, size_t count,
                    size_t columns, size_t stride);
/* The same into panels of `pitch` rows and `width` columns (gemm.h). */
void us__gather_panels_f32(void *to, size_t width, size_t pitch, const void *from, us_precision precision,
                           const uint32_t *rows, size_t first, size_t count, size_t columns, size_t stride);
void us__gather_panels_f64(void *to, size_t width, size_t pitch, const void *from, us_precision precision,
                           const uint32_t *rows, size_t first, size_t count, size_t columns, size_t stride);
/* sums[i] += values[i] */
void us__accumulate_f32(double *sums, const void *values, size_t n);
void us__accumulate_f64(double *sums, const void *values, size_t n);
/* values[i] = sums[i] */
void us__round_f32(void *values, const double *sums, size_t n);
void us__round_f64(void *values, const double *sums, size_t n);
double us__total_f32(const void *values, size_t n);
double us__total_f64(const void *values, size_t n);

#endif
