/* The ways out of a cut as in tflm_msf/search/ways.py: that module says what they are. */
#include "core.h"

#define OUT_OF_REACH ((int64_t)1 << 62)

/* Whether `way` comes before `other`, which was found before it. */
static int is_better(const msf_core_way *way, const msf_core_way *other) {
  if (way->total != other->total) return way->total < other->total;
  if (way->taken != other->taken) return way->taken < other->taken;
  return way->end > other->end;
}

int32_t msf_core_ways(const msf_core_edges *edges, int64_t cut, int64_t head_limit, const int64_t *rest_macs,
                      const int64_t *rest_edges, int64_t side, int64_t column, int32_t most, msf_core_way *ways) {
  int32_t count = 0;
  for (int64_t edge = edges->starts[cut]; edge < edges->starts[cut + 1]; ++edge) {
    int64_t end = edges->ends[edge], rest = end * side + column;
    if (edges->heads[edge] > head_limit || edges->macs[edge] + rest_macs[rest] >= OUT_OF_REACH) continue;
    msf_core_way way = {edges->macs[edge] + rest_macs[rest], 1 + rest_edges[rest], edge, end, edges->macs[edge]};
    if (count == most && !is_better(&way, &ways[count - 1])) continue;
    int32_t place = count < most ? count++ : count - 1;
    for (; place > 0 && is_better(&way, &ways[place - 1]); --place) ways[place] = ways[place - 1];
    ways[place] = way;
  }
  return count;
}
