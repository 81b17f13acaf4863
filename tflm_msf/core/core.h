/* What the compiled core computes for tflm_msf.core. Each function does what a Python one does that its file names. */
#ifndef TFLM_MSF_CORE_H
#define TFLM_MSF_CORE_H

#include <stddef.h>
#include <stdint.h>

enum { MSF_CORE_NONE = 0, MSF_CORE_FOUND = 1, MSF_CORE_CUT_SHORT = 2, MSF_CORE_NO_MEMORY = 3 };

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

/* An edge, by its place among all, and the MACs and edges from where it leaves to the end over it. */
typedef struct {
  int64_t total, taken, edge, end, macs;
} msf_core_way;

/* ways.c: the best ways out of a cut, `most` at the most, in order; how many there are. `column` is one of `side` of
 * what msf_core_rest gives. */
int32_t msf_core_ways(const msf_core_edges *edges, int64_t cut, int64_t head_limit, const int64_t *rest_macs,
                      const int64_t *rest_edges, int64_t side, int64_t column, int32_t most, msf_core_way *ways);

#endif
