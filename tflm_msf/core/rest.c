/* The rest of paths as in tflm_msf/search/rest.py: that module says what it is. */
#include "core.h"

#define OUT_OF_REACH ((int64_t)1 << 62)

/* What an edge adds to columns of the cut that it leaves, from what they are `before` it where it ends. */
static void take(int64_t edge_macs, int64_t columns, const int64_t *macs_before, const int64_t *edges_before,
                 int64_t *macs, int64_t *count) {
  for (int64_t column = 0; column < columns; ++column) {
    if (macs_before[column] >= OUT_OF_REACH) continue;
    int64_t total = edge_macs + macs_before[column], taken = edges_before[column] + 1;
    if (total < macs[column] || (total == macs[column] && taken < count[column])) {
      macs[column] = total;
      count[column] = taken;
    }
  }
}

void msf_core_rest(const msf_core_edges *edges, int32_t cuts, int32_t max_edges, int64_t head_limit, int64_t *rest_macs,
                   int64_t *rest_edges) {
  size_t side = (size_t)max_edges + 1, now = max_edges > 0;
  for (int32_t cut = cuts - 1; cut >= 0; --cut) {
    size_t here = (size_t)cut * side + now;
    for (int64_t edge = edges->starts[cut]; edge < edges->starts[cut + 1]; ++edge) {
      if (edges->heads[edge] > head_limit) continue;
      size_t end = (size_t)edges->ends[edge] * side;
      take(edges->macs[edge], (int64_t)(side - now), rest_macs + end, rest_edges + end, rest_macs + here,
           rest_edges + here);
    }
  }
}

void msf_core_rest_below(const msf_core_edges *edges, int32_t cuts, int64_t head_limit, int64_t *rest_macs,
                         int64_t *rest_edges, int64_t *best, unsigned char *is_changed) {
  for (int32_t cut = cuts - 1; cut >= 0; --cut) {
    int64_t known = best[cut], macs = OUT_OF_REACH, count = 0;
    if (known >= 0 && edges->heads[known] <= head_limit && !is_changed[edges->ends[known]]) continue;
    for (int64_t edge = edges->starts[cut]; edge < edges->starts[cut + 1]; ++edge) {
      int64_t end = edges->ends[edge], total = edges->macs[edge] + rest_macs[end], taken = rest_edges[end] + 1;
      if (edges->heads[edge] > head_limit || rest_macs[end] >= OUT_OF_REACH) continue;
      if (total > macs || (total == macs && taken >= count)) continue;
      macs = total;
      count = taken;
      best[cut] = edge;
    }
    is_changed[cut] = macs != rest_macs[cut] || count != rest_edges[cut];
    rest_macs[cut] = macs;
    rest_edges[cut] = count;
  }
}
