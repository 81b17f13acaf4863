/* The rest of paths as in tflm_msf/search/rest.py: that module says what it is. */
#include "core.h"

#define OUT_OF_REACH ((int64_t)1 << 62)

/* One column of a cut: the best over its edges of what they cost and what the column `before` says of where they end. */
static void best_of(const msf_core_edges *edges, int32_t cut, int64_t head_limit, size_t side,
                    const int64_t *macs_before, const int64_t *edges_before, int64_t *macs, int64_t *count) {
  for (int64_t edge = edges->starts[cut]; edge < edges->starts[cut + 1]; ++edge) {
    size_t end = (size_t)edges->ends[edge] * side;
    if (edges->heads[edge] > head_limit || macs_before[end] >= OUT_OF_REACH) continue;
    int64_t total = edges->macs[edge] + macs_before[end], taken = edges_before[end] + 1;
    if (total < *macs || (total == *macs && taken < *count)) {
      *macs = total;
      *count = taken;
    }
  }
}

void msf_core_rest(const msf_core_edges *edges, int32_t cuts, int32_t max_edges, int64_t head_limit, int64_t *rest_macs,
                   int64_t *rest_edges) {
  size_t side = (size_t)max_edges + 1;
  for (int32_t cut = cuts - 1; cut >= 0; --cut) {
    for (size_t left = max_edges > 0; left < side; ++left) {
      size_t before = max_edges > 0 ? left - 1 : left, here = (size_t)cut * side + left;
      best_of(edges, cut, head_limit, side, rest_macs + before, rest_edges + before, rest_macs + here,
              rest_edges + here);
    }
  }
}
