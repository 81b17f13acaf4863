/* Items put down in an order as in tflm_msf/arena/placement/offsets.py: that module says what for. */
#include "core.h"

#include <stdlib.h>

/* Where an item may not start: between the two, both exclusive. */
typedef struct {
  int64_t start, end;
} taken_t;

typedef struct {
  const msf_core_span *spans;
  const msf_core_distance *distances;
  int64_t *offsets;
  int32_t *by_offset;    /* items that were put down, the lowest first */
  int32_t *first, *next; /* each item's first distance, 1 and on, 0 for none; for each end of each distance, the next */
} order_t;

/* Adds to an item's distances the end of one: 2n + 1 for its lower item, 2n + 2 for its upper one. */
static void link_end(order_t *o, int32_t item, int32_t end) {
  o->next[end] = o->first[item];
  o->first[item] = end;
}

static taken_t taken_by(const order_t *o, int32_t other, int32_t item) {
  const msf_core_span *spans = o->spans;
  int64_t at = o->offsets[other];
  taken_t taken = {at - spans[item].size, at + spans[other].size};
  for (int32_t end = o->first[item]; end; end = o->next[end]) {
    const msf_core_distance *distance = &o->distances[(end - 1) / 2];
    if (distance->low == item && distance->up == other)
      taken.start = at - (spans[item].size < distance->bytes ? spans[item].size : distance->bytes);
    if (distance->low == other && distance->up == item && at + distance->bytes < taken.end)
      taken.end = at + distance->bytes;
  }
  return taken;
}

/* Puts `item` as low as it goes, `item` others being there. Where a distance is another item's to it, what they may not
 * share does not begin in the order of their offsets: then all are looked at again. */
static void put_down(const order_t *o, int32_t item) {
  const msf_core_span *span = &o->spans[item];
  int64_t offset = 0;
  for (int changed = 1; changed;) {
    changed = 0;
    for (int32_t n = 0; n < item; n++) {
      const msf_core_span *other = &o->spans[o->by_offset[n]];
      if (other->first > span->last || span->first > other->last) continue;
      taken_t taken = taken_by(o, o->by_offset[n], item);
      if (taken.start >= offset || offset >= taken.end) continue;
      offset = taken.end;
      changed = o->first[item] != 0;
    }
  }
  o->offsets[item] = offset;
  int32_t place = item;
  for (; place > 0 && o->offsets[o->by_offset[place - 1]] > offset; place--)
    o->by_offset[place] = o->by_offset[place - 1];
  o->by_offset[place] = item;
}

int msf_core_in_order(const msf_core_span *spans, int32_t span_count, const msf_core_distance *distances,
                      int32_t distance_count, int64_t *offsets) {
  order_t o = {spans, distances, offsets, NULL, NULL, NULL};
  o.by_offset = calloc((size_t)span_count + 1, sizeof(int32_t));
  o.first = calloc((size_t)span_count + 1, sizeof(int32_t));
  o.next = calloc(2 * (size_t)distance_count + 1, sizeof(int32_t));
  int is_there = o.by_offset && o.first && o.next;
  for (int32_t n = 0; is_there && n < distance_count; n++) {
    link_end(&o, distances[n].low, 2 * n + 1);
    link_end(&o, distances[n].up, 2 * n + 2);
  }
  for (int32_t item = 0; is_there && item < span_count; item++) put_down(&o, item);
  free(o.by_offset);
  free(o.first);
  free(o.next);
  return is_there;
}
