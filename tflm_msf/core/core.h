/* What the compiled core computes for tflm_msf.core. Each function does what a Python one does that its file names. */
#ifndef TFLM_MSF_CORE_H
#define TFLM_MSF_CORE_H

#include <stddef.h>
#include <stdint.h>

enum {
  MSF_CORE_NONE = 0,
  MSF_CORE_FOUND = 1,
  MSF_CORE_CUT_SHORT = 2,
  MSF_CORE_NO_MEMORY = 3,
  MSF_CORE_RING_UNKNOWN = 4
};

typedef struct {
  int64_t size;
  int32_t first, last;
} msf_core_span;

/* Least distance in bytes from item `low`'s start up to item `up`'s. */
typedef struct {
  int32_t low, up;
  int64_t bytes;
} msf_core_distance;

/* zones.c: offsets of `span_count` items, one or more, that end at or below `limit`, within
 * `most_nodes` decisions and `most_held` distances in memory. */
int msf_core_zones(const msf_core_span *spans, int32_t span_count, const msf_core_distance *distances,
                   int32_t distance_count, int64_t limit, int32_t most_nodes, int64_t most_held, int64_t *offsets);

/* order.c: offsets of items that are put down in their order, each as low as it goes. 0 if there is no memory. */
int msf_core_in_order(const msf_core_span *spans, int32_t span_count, const msf_core_distance *distances,
                      int32_t distance_count, int64_t *offsets);

/* Edges that leave a cut lie from `starts[cut]` to `starts[cut + 1]`: the cut that each leads to, its head, its MACs. */
typedef struct {
  const int64_t *starts, *ends, *heads, *macs;
} msf_core_edges;

/* rest.c: for each of `cuts` + 1 cuts, in `max_edges` + 1 columns, MACs and edges to the end over edges with heads of
 * at most `head_limit` bytes. The results come in as they are where no edge leads on: no way, but at the last cut. */
void msf_core_rest(const msf_core_edges *edges, int32_t cuts, int32_t max_edges, int64_t head_limit, int64_t *rest_macs,
                   int64_t *rest_edges);

/* The same for any number of edges, from what it is for a higher limit: `best` has an edge of each cut over which it is
 * reached, or -1, and is kept so. `is_changed` comes in as zeros. */
void msf_core_rest_below(const msf_core_edges *edges, int32_t cuts, int64_t head_limit, int64_t *rest_macs,
                         int64_t *rest_edges, int64_t *best, unsigned char *is_changed);

/* An edge, by its place among all, and the MACs and edges from where it leaves to the end over it. */
typedef struct {
  int64_t total, taken, edge, end, macs;
} msf_core_way;

/* ways.c: the best ways out of a cut, `most` at the most, in order; how many there are. `column` is one of `side` of
 * what msf_core_rest gives. */
int32_t msf_core_ways(const msf_core_edges *edges, int64_t cut, int64_t head_limit, const int64_t *rest_macs,
                      const int64_t *rest_edges, int64_t side, int64_t column, int32_t most, msf_core_way *ways);

/* paths.c: searches for the best paths over edges, which are not copied, clear of no-goods. */
typedef struct msf_core_paths msf_core_paths;

/* NULL if there is no memory. */
msf_core_paths *msf_core_paths_new(const msf_core_edges *edges, int64_t cuts);

void msf_core_paths_free(msf_core_paths *paths);

/* Learns a no-good of `length` edges, one behind the other: `count` edges may each be the one at a position in it. It
 * counts where the limit is below `needed`. 0 if there is no memory. */
int msf_core_paths_avoid(msf_core_paths *paths, const int64_t *edges, const int32_t *positions, int32_t count,
                         int32_t length, int64_t needed);

/* Sets what msf_core_rest gives, in `side` columns, which are not copied. 0 if there is no memory. */
int msf_core_paths_within(msf_core_paths *paths, const int64_t *rest_macs, const int64_t *rest_edges, int64_t side);

/* The best path of at most `max_edges` under a limit, for which there is no other rest. Cut short after `most_states` or once `is_spent`: then no path that was not
 * found has fewer MACs than `least`. */
int msf_core_paths_best(msf_core_paths *paths, int64_t head_limit, int64_t max_edges, int64_t most_states,
                        int (*is_spent)(void), int64_t *trail, int32_t *trail_count, int64_t *least);

/* A unit as blocks see it; all but `is_stage` is of its stage. `inputs` and `reads` are where its own begin in arrays of
 * all units': the inputs with the maps that it sees, and the tensors that it reads, each once. `prefix` is -1 if there
 * is none. `rows_alone`: it is a group of its own, whoever reads it; `most_strips`: of blocks that it is in. */
typedef struct {
  int64_t is_stage, reduces, is_source, in_place, rows_alone, most_strips, history, is_pointwise;
  int64_t may_be_cut_short;
  int64_t output, out_h, out_w, out_c, grid_h, grid_w, prefix, prefix_elements, tallest, widest, macs_per_pixel;
  int64_t reach_h, reach_w, stride_h, stride_w, pad_top, pad_left, factor_h, shift_h, factor_w, shift_w;
  int64_t inputs, input_count, reads, read_count;
} msf_core_unit;

typedef struct {
  int64_t tensor, h, w, c;
} msf_core_input;

/* `itself`: the tensor that a copy of a unit makes anew, or the tensor. `rows` and `newest` are what a ring keeps, -1
 * where that is not known yet. */
typedef struct {
  int64_t nbytes, itself, last_use, readers, is_output, is_chunk, is_made, rows, newest;
} msf_core_tensor;

/* Bytes and counts of the format; rows and columns of the tallest and widest maps with either split of a number. */
typedef struct {
  int64_t progress_bytes, most_groups, accumulator_bytes, chunk_bytes, most_inputs, distance_alignment, alignment;
  int64_t most_rows, most_columns, most_rows_tall, most_columns_tall;
} msf_core_limits;

typedef struct {
  const msf_core_unit *units;
  const msf_core_input *inputs;
  const int64_t *reads;
  const msf_core_tensor *tensors;
  const msf_core_limits *limits;
  int64_t unit_count, tensor_count;
} msf_core_network;

/* A block: where `inputs`, how many and which they are, begin; `overlap_input` is -1 if there is none. `added`: bytes
 * that it takes beside its inputs and output, less those that these share. */
typedef struct {
  int64_t first, schedule, workspace, macs, inputs, overlap_input, overlap, added;
} msf_core_block;

/* What a walk gives; `blocks` and `inputs` have room for whatever there may be. `wanted`: a tensor whose ring is to be
 * known before the walk can be done. */
typedef struct {
  msf_core_block *blocks;
  int64_t *inputs;
  int64_t block_count, reached, is_limited, wanted;
} msf_core_walked;

/* walk.c: the blocks that end at unit `last`, in strips of each of `widths`, `chunk` pixels at a time, with at most
 * `most` bytes of workspace; with `undominated`, of the same units only those that no other is better than. */
int msf_core_walk(const msf_core_network *network, int64_t last, const int64_t *widths, int64_t width_count,
                  int64_t chunk, int64_t most, int undominated, msf_core_walked *walked);

#endif
